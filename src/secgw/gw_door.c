/* gw_door.c - the exposed process: what the keeper says, listeners, and the loop. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "gw_door_int.h"
#include "gw_sandbox.h"
#include "log.h"

#define RECHECK_MS 60000
#define STOP_MS 2500u

const uint32_t door_app = TSP_APP_ID;

int64_t door_wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool to_scs(void *ctx, uint64_t conn, const uint8_t *msg, size_t n)
{
	struct door *d = ctx;
	struct door_conn *c = door_conn_find(d, conn);

	if (!c || !c->open || !peer_send_or_end(c->peer, msg, n))
		return false;
	d->count.bytes_out += n;
	return true;
}

static void conf_of(struct door *d, const struct gw_listen *l, struct peer_conf *out)
{
	const struct gw_conf *c = d->conf;

	*out = (struct peer_conf){
		.origin_host = c->identity, .origin_realm = c->realm, .product = "mtc-iwf", .apps = &door_app, .napps = 1,
		.watchdog_s = c->limits.watchdog_s, .connect_timeout_ms = c->limits.handshake_timeout_ms + c->limits.cer_timeout_ms,
		.hello_timeout_ms = c->limits.hello_timeout_ms, .handshake_timeout_ms = c->limits.handshake_timeout_ms,
		.max_message = c->limits.message_max, .max_queue = c->limits.queue_max, .stall_timeout_ms = c->limits.stall_timeout_ms,
		.tls.keylog = c->tls.keylog[0] ? c->tls.keylog : NULL,
	};
	if (l->transport == GW_SCTP || l->transport == GW_DTLS_SCTP)
		out->sctp = (struct peer_sctp){ .on = true, .stack = (enum peer_sctp_stack)l->sctp_stack, .udp_port = l->udp_port };
	if (l->transport == GW_TCP || l->transport == GW_SCTP)
		out->tls.keylog = NULL;
}

static bool listen_one(struct door *d, size_t i, char *err, size_t err_size)
{
	const struct gw_listen *l = &d->conf->listen[i];
	const char *more[GW_ADDRS_MAX];
	bool tls = l->transport == GW_TLS || l->transport == GW_DTLS_SCTP;
	struct peer_conf conf;
	struct peer_ops ops;

	conf_of(d, l, &conf);
	for (size_t k = 0; k < l->nmore; k++)
		more[k] = l->more[k];
	conf.sctp.addrs = more;
	conf.sctp.naddrs = l->nmore;
	if (tls && !(conf.tls.credentials = door_credentials(d, false, err, err_size)))
		return false;
	door_conn_ops(d, &ops);
	if (!d->listener[i]) {
		if (d->fds->listen[i] >= 0)
			d->listener[i] = peer_listen_fd(d->loop, &conf, d->fds->listen[i], &ops, err, err_size);
		else if (d->fds->packet[i] >= 0)
			d->listener[i] = peer_listen_packets(d->loop, &conf, d->fds->packet[i], l->port, &ops, err, err_size);
		else
			d->listener[i] = peer_listen(d->loop, &conf, l->address, l->port, &ops, err, err_size);
		return d->listener[i];
	}
	if (!tls)
		return true;
	conf.tls.keylog = NULL;        /* no file can be opened any more */
	return peer_listener_reload(d->listener[i], &conf, err, err_size);
}

static void stop_now(void *ctx)
{
	struct door *d = ctx;

	peer_loop_stop(d->loop);
}

static void fail(struct door *d, const char *why)
{
	iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "%s", why);
	d->status = 1;
	peer_loop_stop(d->loop);
}

/* Everything the keeper has to say first has been said. */
static void open_if_ready(struct door *d)
{
	char err[256] = "";

	if (d->open_for_business || !d->table || !d->pki || !d->chain_pem.size)
		return;
	for (size_t i = 0; i < d->conf->nlisten; i++)
		if (!listen_one(d, i, err, sizeof(err))) {
			fail(d, err);
			return;
		}
	if (!gw_sandbox_door((enum gw_sandbox)d->conf->process.sandbox, err, sizeof(err))) {
		fail(d, err);
		return;
	}
	d->open_for_business = true;
	door_nodes_start(d);
	gw_ipc_send_plain(d->ipc, GW_IPC_READY);
}

static void take_cert(struct door *d, struct gw_ipc_msg *m)
{
	gnutls_datum_t old[2] = { d->chain_pem, d->node_ca_pem };
	char err[256] = "";

	d->chain_pem = m->blob[0];
	d->node_ca_pem = m->blob[1];
	m->blob[0] = m->blob[1] = (gnutls_datum_t){ NULL, 0 };
	gnutls_free(old[0].data);
	gnutls_free(old[1].data);
	if (!d->open_for_business)
		return;
	for (size_t i = 0; i < d->conf->nlisten; i++)
		if (!listen_one(d, i, err, sizeof(err)))
			iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "the new certificate is not taken: %s", err);
}

static void take_trust(struct door *d, const struct gw_ipc_msg *m)
{
	char err[256] = "";
	struct iwf_pki *pki = iwf_pki_new(&m->blob[0], &m->blob[1], (enum iwf_crl)d->conf->tls.crl_policy, IWF_PKI_CLIENT, err, sizeof(err));

	if (!pki) {
		iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "%s", err);
		return;
	}
	iwf_pki_free(d->pki);
	d->pki = pki;
	d->trust++;
	memset(d->good, 0, sizeof(d->good));
	door_recheck_soon(d);
}

static void take_table(struct door *d, struct gw_ipc_msg *m)
{
	struct gw_table *t = gw_table_new(m->rows, m->nrows);

	m->rows = NULL;
	if (!t) {
		iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "out of memory: the SCSs stay as they were");
		return;
	}
	gw_table_free(d->table);
	d->table = t;
	door_recheck_soon(d);
}

static void stop(struct door *d)
{
	d->stopping = true;
	for (size_t i = 0; i < d->conf->nlisten; i++)
		peer_listener_close(d->listener[i]);
	for (struct door_conn *c = d->conns; c; c = c->next)
		peer_disconnect_because(c->peer, 0);
	door_nodes_stop(d);
	if (!peer_timer(d->loop, d->conns ? STOP_MS : 100, stop_now, d))
		peer_loop_stop(d->loop);
}

static void from_keeper(int fd, void *ctx)
{
	struct door *d = ctx;
	struct gw_ipc_msg m;
	int r;

	(void)fd;
	while ((r = gw_ipc_recv(d->ipc, &m)) > 0) {
		if (m.type == GW_IPC_TABLE)
			take_table(d, &m);
		else if (m.type == GW_IPC_TRUST)
			take_trust(d, &m);
		else if (m.type == GW_IPC_CERT)
			take_cert(d, &m);
		else if (m.type == GW_IPC_OCSP)
			door_ocsp_verdict(d, m.id, m.reason, m.until_ms);
		else if (m.type == GW_IPC_STOP && !d->stopping)
			stop(d);
		gw_ipc_msg_free(&m);
	}
	if (r < 0 && d->stopping)
		peer_unwatch_fd(d->loop, gw_ipc_fd(d->ipc));
	else if (r < 0)
		fail(d, "the keeper is gone");
	else
		open_if_ready(d);
}

static void tick(void *ctx)
{
	struct door *d = ctx;
	uint32_t next = gw_proxy_tick(d->proxy, peer_now_ms());

	if (peer_now_ms() - d->rechecked_ms >= RECHECK_MS && d->table && d->pki)
		door_recheck_soon(d);
	d->tick = peer_timer(d->loop, next < 1 ? 1 : next, tick, d);
	if (!d->tick)
		fail(d, "out of memory");
}

static struct gw_proxy *proxy_of(struct door *d)
{
	const struct gw_conf *c = d->conf;
	struct gw_proxy_node nodes[GW_NODES_MAX];

	for (size_t i = 0; i < c->nnode; i++)
		nodes[i] = (struct gw_proxy_node){ .host = c->node[i].host, .realm = c->node[i].realm, .priority = c->node[i].priority };
	return gw_proxy_new(&(struct gw_proxy_conf){
		.identity = c->identity, .realm = c->realm, .nodes = nodes, .nnodes = c->nnode, .in_flight = c->limits.in_flight,
		.in_flight_per_scs = c->limits.in_flight_per_scs, .answer_timeout_ms = c->limits.answer_timeout_ms,
		.session_high = (uint32_t)time(NULL) }, &(struct gw_proxy_ports){ .to_scs = to_scs, .to_node = door_to_node, .ctx = d });
}

int gw_door_run(const struct gw_conf *conf, const struct gw_door_fds *fds)
{
	struct door *d = calloc(1, sizeof(*d));
	int status;

	if (!d)
		return 1;
	d->conf = conf;
	d->fds = fds;
	d->gate = (struct gw_gate_conf){ conf->identity, conf->realm, conf->limits.rate_per_s, conf->limits.burst };
	d->loop = peer_loop_new();
	d->ipc = gw_ipc_new(fds->ipc);
	d->shield = gw_shield_new(conf);
	d->proxy = proxy_of(d);
	d->tick = d->loop ? peer_timer(d->loop, 100, tick, d) : 0;
	if (!d->tick || !d->ipc || !d->shield || !d->proxy || !peer_watch_fd(d->loop, fds->ipc, from_keeper, d) ||
	    (fds->control >= 0 && !peer_watch_fd(d->loop, fds->control, door_stats_serve, d))) {
		iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "out of memory");
		d->status = 1;
	} else {
		peer_loop_handshake_share(d->loop, conf->limits.handshake_share_us);
		peer_loop_run(d->loop, -1);
	}
	status = d->status;
	door_forget_all(d);
	if (d->loop)
		peer_loop_free(d->loop);
	gw_proxy_free(d->proxy);
	gw_shield_free(d->shield);
	iwf_pki_free(d->pki);
	gw_table_free(d->table);
	gw_ipc_free(d->ipc);
	gnutls_free(d->chain_pem.data);
	gnutls_free(d->node_ca_pem.data);
	dia_writer_free(&d->answer);
	free(d);
	return status;
}
