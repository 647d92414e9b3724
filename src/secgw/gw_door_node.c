/* gw_door_node.c - the connections to the nodes. */
#include <gnutls/abstract.h>
#include <string.h>
#include "gw_door_int.h"
#include "log.h"

#define BACKOFF_MIN_MS 100u
#define BACKOFF_MAX_MS 5000u
#define CHAIN_MAX 8u

gnutls_certificate_credentials_t door_credentials(struct door *d, bool for_node, char *err, size_t err_size)
{
	gnutls_certificate_credentials_t cred = NULL;
	gnutls_x509_crt_t crt[CHAIN_MAX] = { NULL };
	gnutls_pcert_st pcert[CHAIN_MAX];
	gnutls_privkey_t key = NULL;
	unsigned n = CHAIN_MAX, npcert = CHAIN_MAX;
	int r = gnutls_x509_crt_list_import(crt, &n, &d->chain_pem, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);

	if (r < 0)
		n = 0;
	if (r >= 0)
		r = gw_signer_key(d->fds->signer, crt[0], &key);
	if (r >= 0)
		r = gnutls_certificate_allocate_credentials(&cred);
	if (r >= 0)
		r = gnutls_pcert_import_x509_list(pcert, crt, &n, 0);
	npcert = r >= 0 ? n : 0;
	if (r >= 0)
		r = gnutls_certificate_set_key(cred, NULL, 0, pcert, (int)npcert, key);
	if (r >= 0)
		key = NULL;                    /* it belongs to cred now, and so do the pcerts */
	else
		for (unsigned i = 0; i < npcert; i++)
			gnutls_pcert_deinit(&pcert[i]);
	if (r >= 0 && for_node)
		r = gnutls_certificate_set_x509_trust_mem(cred, &d->node_ca_pem, GNUTLS_X509_FMT_PEM);
	for (unsigned i = 0; i < n; i++)
		gnutls_x509_crt_deinit(crt[i]);
	if (key)
		gnutls_privkey_deinit(key);
	if (r >= 0)
		return cred;
	snprintf(err, err_size, "certificate: %s", gnutls_strerror(r));
	if (cred)
		gnutls_certificate_free_credentials(cred);
	return NULL;
}

static void try_node(void *ctx);

static void try_later(struct door_node *n)
{
	if (n->door->stopping)
		return;
	n->timer = peer_timer(n->door->loop, n->backoff_ms, try_node, n);
	n->backoff_ms = n->backoff_ms * 2 < BACKOFF_MAX_MS ? n->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static void event(struct peer *p, enum peer_event e, const char *why, void *ctx)
{
	struct door_node *n = ctx;
	const struct gw_node *c = &n->door->conf->node[n->index];
	const char *host = peer_remote_host(p);

	if (e == PEER_OPEN && !iwf_diamid_eq((struct iwf_view){ .p = (const uint8_t *)host, .n = strlen(host) }, c->host)) {
		peer_say_why(p, "it calls itself another name");
		peer_abort(p);
	} else if (e == PEER_OPEN) {
		n->up = true;
		n->backoff_ms = BACKOFF_MIN_MS;
		iwf_log(IWF_LOG_NOTICE, IWF_SUB_GW, "node %s is connected at %s", c->host, peer_address(p));
		gw_proxy_node_up(n->door->proxy, n->index);
	} else {
		if (n->up || n->backoff_ms == BACKOFF_MIN_MS)
			iwf_log(IWF_LOG_WARN, IWF_SUB_GW, "node %s is not connected: %s", c->host, why);
		n->peer = NULL;
		if (n->up)
			gw_proxy_node_down(n->door->proxy, n->index, peer_now_ms());
		n->up = false;
		try_later(n);
	}
}

static void message(struct peer *p, const uint8_t *msg, size_t n, void *ctx)
{
	struct door_node *node = ctx;

	(void)p;
	if (node->up)
		gw_proxy_from_node(node->door->proxy, node->index, msg, n, peer_now_ms());
}

static void try_node(void *ctx)
{
	struct door_node *n = ctx;
	struct door *d = n->door;
	const struct gw_node *c = &d->conf->node[n->index];
	struct peer_ops ops = { .event = event, .message = message, .ctx = n };
	struct peer_conf conf = { .origin_host = d->conf->identity, .origin_realm = d->conf->realm, .product = "mtc-iwf",
		.apps = &door_app, .napps = 1, .expect_host = c->host, .watchdog_s = d->conf->limits.watchdog_s, .connect_timeout_ms = 5000 };
	char err[256] = "", product[128], proof[2 * IWF_HASH_LEN + 1];
	int64_t now_s = door_wall_ms() / 1000;

	n->timer = 0;
	if (!c->tls && iwf_agent_proof(&d->conf->node_key, d->conf->identity, c->host, now_s, proof)) {
		snprintf(product, sizeof(product), "mtc-secgw %lld %s", (long long)now_s, proof);
		conf.product = product;
	}
	if (c->tls)
		conf.tls.credentials = door_credentials(d, true, err, sizeof(err));
	n->peer = c->tls && !conf.tls.credentials ? NULL : peer_connect(d->loop, &conf, c->address, c->port, &ops, err, sizeof(err));
	if (!n->peer) {
		if (n->backoff_ms == BACKOFF_MIN_MS)
			iwf_log(IWF_LOG_WARN, IWF_SUB_GW, "node %s: %s", c->host, err);
		try_later(n);
	}
}

void door_nodes_start(struct door *d)
{
	for (unsigned i = 0; i < d->conf->nnode; i++) {
		d->node[i] = (struct door_node){ .door = d, .index = i, .backoff_ms = BACKOFF_MIN_MS };
		try_node(&d->node[i]);
	}
}

void door_nodes_stop(struct door *d)
{
	for (unsigned i = 0; i < d->conf->nnode; i++) {
		peer_timer_cancel(d->loop, d->node[i].timer);
		d->node[i].timer = 0;
		if (d->node[i].peer)
			peer_disconnect_because(d->node[i].peer, 0);
	}
}

bool door_to_node(void *ctx, unsigned node, const uint8_t *msg, size_t n)
{
	struct door *d = ctx;

	return d->node[node].up && peer_send(d->node[node].peer, msg, n);
}
