/* acl_scs.fdx - who is at the other end of a connection.
 *
 * freeDiameter never compares the certificate of an incoming connection with the
 * Origin-Host of its CER, and takes peers of its own configuration without
 * asking anybody.  Here:
 *  - an unknown peer is accepted if its Origin-Host is an enabled row of scs and
 *    its certificate is the one the row asks for;
 *  - every connection that opens is looked at once more, configured peers too:
 *    one whose certificate does not name the peer, or is not of the CAs for its
 *    kind, is cut off, and nothing is taken from it;
 *  - what is asked of an HSS or an SMS-SC goes to peers of the inside only, however
 *    many applications somebody else says he has;
 *  - an agent that is trusted to say for whom it speaks (tsp.trusted_agents) is
 *    accepted by its certificate or, without TLS, by a secret that both know.
 */
#include <gnutls/x509.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>

#include "acl_first.h"
#include "authz.h"
#include "fdx.h"
#include "hash.h"
#include "log.h"
#include "pki_files.h"
#include "ratelimit.h"

static struct iwf_node *node;
static struct fd_hook_hdl *hook;
static struct iwf_pki_files *scs_trust, *inside_trust;      /* NULL: freeDiameter's TLS_CA is all there is */

/* What there is to know of one connection. */
struct who {
	char host[IWF_DIAMID_MAX + 1];
	struct iwf_peer_info info;
	int fd;                          /* its socket; -1: not known */
	char ip[64];                     /* of the other end; "": not known */
	const char *product;             /* Product-Name of its CER; NULL: none */
	const gnutls_datum_t *chain;     /* as it came, its own first */
	unsigned nchain;
	gnutls_x509_crt_t cert;          /* NULL: none */
	char detail[200];                /* what there is to say besides the reason */
};

/* The address in what freeDiameter calls a connection: "... from [127.0.0.1]:41234 (9<-5)". */
static void address_in(const char *name, char *out, size_t size)
{
	const char *at = strstr(name, " from [");
	int end = 0;

	if (at && (sscanf(at, " from [%*[0-9a-fA-F.:]]:%*[0-9]%n", &end), end > 0))
		snprintf(out, size, "%.*s", end - 6, at + 6);
}

/* The socket beneath; -1: not known. */
static int socket_of(struct peer_info *pi)
{
	struct peer_hdr *peer = (struct peer_hdr *)((char *)pi - offsetof(struct peer_hdr, info));
	char words[64] = "";
	const char *at;
	int fd;

	if (fd_peer_cnx_proto_info(peer, words, sizeof(words)) || !(at = strstr(words, "soc#")) || sscanf(at, "soc#%d", &fd) != 1)
		return -1;
	return fd;
}

static void find_address(struct who *w)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	char port[8];

	if (w->fd < 0 || getpeername(w->fd, (struct sockaddr *)&from, &size) < 0 ||
	    getnameinfo((struct sockaddr *)&from, size, w->ip, sizeof(w->ip), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		return;
	if (!strncmp(w->ip, "::ffff:", 7) && strchr(w->ip, '.'))
		memmove(w->ip, w->ip + 7, strlen(w->ip + 7) + 1);
	snprintf(w->info.address, sizeof(w->info.address), "[%.46s]:%s", w->ip, port);
}

static void look(struct peer_info *pi, struct who *w)
{
	uint8_t digest[IWF_HASH_LEN];
	struct iwf_hash h;

	*w = (struct who){ .fd = socket_of(pi) };
	snprintf(w->host, sizeof(w->host), "%.*s", (int)pi->pi_diamidlen, pi->pi_diamid);
	w->product = (const char *)pi->runtime.pir_prodname;
	find_address(w);
	if (!pi->runtime.pir_cert_list || pi->runtime.pir_cert_list_size <= 0)
		return;
	w->chain = pi->runtime.pir_cert_list;
	w->nchain = (unsigned)pi->runtime.pir_cert_list_size;
	const gnutls_datum_t *der = &w->chain[0];
	if (gnutls_x509_crt_init(&w->cert) < 0) {
		w->cert = NULL;
		return;
	}
	if (gnutls_x509_crt_import(w->cert, der, GNUTLS_X509_FMT_DER) < 0 || !iwf_hash_begin(&h)) {
		gnutls_x509_crt_deinit(w->cert);
		w->cert = NULL;
		return;
	}
	iwf_hash_add(&h, der->data, der->size);
	iwf_hash_end(&h, digest);
	iwf_hex(digest, sizeof(digest), w->info.cert_sha256);
}

static void forget(struct who *w)
{
	if (w->cert)
		gnutls_x509_crt_deinit(w->cert);
}

/* The name as a dNSName of the certificate, without wildcards: a certificate is
 * for one Diameter node (TS 33.310 6.1.3a). */
static bool cert_names(gnutls_x509_crt_t cert, const char *name)
{
	return gnutls_x509_crt_check_hostname2(cert, name, GNUTLS_VERIFY_DO_NOT_ALLOW_WILDCARDS) != 0;
}

/* SCSs and inside nodes have CAs of their own (RFC 6733 13.2): a certificate of one kind proves nothing for the other. */
static enum iwf_reason check_chain(struct who *w, struct iwf_pki_files *trust)
{
	struct iwf_cert_verdict v;

	if (!trust)
		return RS_NONE;
	v = iwf_pki_files_check(trust, w->chain, w->nchain, (int64_t)time(NULL) * 1000, NULL);
	if (v.reason != RS_NONE)
		snprintf(w->detail, sizeof(w->detail), "%s", v.detail);
	return v.reason;
}

/* RS_NONE: the connection is that SCS's. */
static enum iwf_reason check_scs(struct who *w, const struct iwf_scs *scs)
{
	enum iwf_reason reason;

	if (!scs->enabled)
		return RS_SCS_DISABLED;
	if (!iwf_dates_ok(scs->valid_from, scs->valid_until, (int64_t)time(NULL) * 1000))
		return RS_SCS_DATES;
	if (!scs->inside && !iwf_node_conf(node)->tsp.direct_outside)
		return RS_DIRECT;
	if (!w->cert)
		return scs->ndsip && scs->inside && scs->ndsip_address[0] && !strcmp(scs->ndsip_address, w->ip) ? RS_NONE : RS_NO_TLS;
	reason = check_chain(w, scs_trust);
	if (reason != RS_NONE)
		return reason;
	if (!cert_names(w->cert, scs->cert_san[0] ? scs->cert_san : scs->origin_host))
		return RS_CERT_NAME;
	if (scs->cert_sha256[0] && strcmp(scs->cert_sha256, w->info.cert_sha256))
		return RS_CERT_PIN;
	return RS_NONE;
}

/* ---- agents ------------------------------------------------------------- */

static bool is_agent(const char *host)
{
	const struct iwf_service_conf *c = &iwf_node_conf(node)->service;

	for (size_t i = 0; i < c->nagents; i++)
		if (!strcasecmp(host, c->agents[i]))
			return true;
	return false;
}

#define PROOF_AGE_S 120

/* Without TLS, the Product-Name of its CER shows that it has the key: "NAME TIME HMAC".  One that is
 * overheard is of use for two minutes, to somebody who can read loopback, which is root. */
static bool has_key(const char *host, const char *product)
{
	const char *file = iwf_node_conf(node)->tsp.agent_key_file;
	char err[256], shown[2 * IWF_HASH_LEN + 1], wanted[2 * IWF_HASH_LEN + 1];
	long long at, now = (long long)time(NULL);
	struct iwf_key key;
	bool ok;

	if (!*file || !product || sscanf(product, "%*s %lld %64[0-9a-f]", &at, shown) != 2 || at < now - PROOF_AGE_S || at > now + PROOF_AGE_S)
		return false;
	if (!iwf_key_read(file, &key, err, sizeof(err))) {
		iwf_log(IWF_LOG_ERROR, IWF_SUB_ACL, "tsp.agent_key_file: %s", err);
		return false;
	}
	ok = iwf_agent_proof(&key, host, fd_g_config->cnf_diamid, at, wanted) && strlen(shown) == strlen(wanted) &&
	     gnutls_memcmp(shown, wanted, strlen(wanted)) == 0;
	gnutls_memset(&key, 0, sizeof(key));
	return ok;
}

/* One name is an SCS or an agent, not both. */
static enum iwf_reason check_agent(struct who *w)
{
	struct iwf_scs scs;

	if (iwf_node_scs_by_host(node, w->host, &scs) == IWF_OK) {
		iwf_log(IWF_LOG_ERROR, IWF_SUB_ACL, "%s is an SCS (%s) and in tsp.trusted_agents; it can be one of them", w->host, scs.name);
		return RS_AGENT;
	}
	if (w->cert)
		return check_chain(w, inside_trust) == RS_NONE && cert_names(w->cert, w->host) ? RS_NONE : RS_AGENT;
	return has_key(w->host, w->product) ? RS_NONE : RS_AGENT;
}

static void refuse(const struct who *w, enum iwf_reason reason, int64_t scs_id)
{
	iwf_log(IWF_LOG_WARN, IWF_SUB_ACL, "%s from %s with certificate %.16s refused: %s (%s) %s", w->host, w->info.address,
	        w->info.cert_sha256[0] ? w->info.cert_sha256 : "none", iwf_reason_text(reason), iwf_reason_str(reason), w->detail);
	iwf_node_post_audit(node, &(struct iwf_audit){
		.at_ms = (int64_t)time(NULL) * 1000, .event = "connect", .decision = "refused", .reason = reason,
		.request_status = -1, .scs_id = scs_id, .peer = w->host, .origin_host = w->host, .address = w->info.address,
		.cert = w->info.cert_sha256, .reference = -1, .detail = w->detail[0] ? w->detail : NULL });
}

/* RS_NONE and the row, or why not. */
static enum iwf_reason check_unknown_peer(struct who *w, struct iwf_scs *scs)
{
	if (is_agent(w->host))
		return check_agent(w);
	switch (iwf_node_scs_by_host(node, w->host, scs)) {
	case IWF_OK:     return check_scs(w, scs);
	case IWF_ENOENT: return RS_SCS_UNKNOWN;
	default:         return RS_STORE;
	}
}

/* A peer that the configuration of freeDiameter does not name asks to come in. */
static int validate(struct peer_info *pi, int *auth, int (**second)(struct peer_info *))
{
	struct iwf_scs scs = {0};
	struct who w;

	look(pi, &w);
	enum iwf_reason reason = check_unknown_peer(&w, &scs);
	if (reason == RS_NONE) {
		if (!w.cert)
			pi->config.pic_flags.sec = PI_SEC_NONE;
		*auth = 1;
	} else {
		refuse(&w, reason, scs.id);
		*auth = -1;
	}
	forget(&w);
	return 0;
}

/* An SCS proves what its row asks for; any other peer is one of the
 * configuration, protected below Diameter or with a certificate of its name. */
static enum iwf_reason check_open_peer(struct who *w, struct iwf_scs *scs)
{
	enum iwf_reason reason = check_unknown_peer(w, scs);

	if (reason != RS_SCS_UNKNOWN)
		return reason;
	if (!w->cert)
		return RS_NONE;
	reason = check_chain(w, inside_trust);
	return reason != RS_NONE || cert_names(w->cert, w->host) ? reason : RS_PEER_NAME;
}

/* freeDiameter has taken it, and would keep it in the place of the one whose name it uses.  Its own calls for this
 * would make it forget the peer for good. */
static void cut_off(const struct who *w)
{
	if (w->fd >= 0)
		shutdown(w->fd, SHUT_RDWR);
}

/* freeDiameter leaves TCP to hold back a message until the one before it is acknowledged, which who has nothing to say
 * does late: each answer then comes with the next one.  For SCTP it sees to that itself. */
static void send_at_once(int fd)
{
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Somebody who did not get as far as a name.  Anybody can do that as often as he
 * likes, so what comes faster than this is only counted. */
#define STRANGERS_PER_S 5
#define STRANGERS_BURST 50

static void note_stranger(const char *what)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct iwf_bucket bucket;
	static unsigned unsaid;
	int64_t now = (int64_t)time(NULL) * 1000;
	char detail[256];

	pthread_mutex_lock(&lock);
	bool say = iwf_bucket_take(&bucket, STRANGERS_PER_S, STRANGERS_BURST, now);
	unsigned more = unsaid;
	unsaid = say ? 0 : unsaid + 1;
	pthread_mutex_unlock(&lock);
	if (!say)
		return;

	struct iwf_peer_info info = {0};
	address_in(what, info.address, sizeof(info.address));
	if (more)
		snprintf(detail, sizeof(detail), "and %u more since the last one; %.180s", more, what);
	else
		snprintf(detail, sizeof(detail), "%.250s", what);
	iwf_log(IWF_LOG_WARN, IWF_SUB_ACL, "a stranger from %s refused: %s (%s)", info.address[0] ? info.address : "?", detail,
	        iwf_reason_str(RS_HANDSHAKE));
	iwf_node_post_audit(node, &(struct iwf_audit){
		.at_ms = now, .event = "connect", .decision = "refused", .reason = RS_HANDSHAKE, .request_status = -1,
		.address = info.address, .reference = -1, .detail = detail });
}

/* Before freeDiameter waits for whoever reads it (acl_first.c): the connection that it calls "... (9<-12)". */
static void hang_up(const char *name)
{
	const char *at = strstr(name, "<-");
	int fd;

	if (at && sscanf(at, "<-%d)", &fd) == 1)
		shutdown(fd, SHUT_RDWR);
}

static void on_connection(enum fd_hook_type type, struct msg *msg, struct peer_hdr *peer, void *other,
                          struct fd_hook_permsgdata *pmd, void *regdata)
{
	struct iwf_scs scs = {0};
	struct who w;

	if (!peer) {
		if (type == HOOK_PEER_CONNECT_FAILED && other) {
			hang_up(other);
			note_stranger(other);
		}
		return;
	}
	look(&peer->info, &w);
	if (type == HOOK_PEER_CONNECT_SUCCESS) {
		enum iwf_reason reason = check_open_peer(&w, &scs);
		w.info.proven = reason == RS_NONE;
		w.info.inside = w.info.proven && !scs.id && !is_agent(w.host);
		iwf_peer_opened(w.host, &w.info);
		if (w.info.proven) {
			acl_first_let_in(w.fd);
			send_at_once(w.fd);
			iwf_log(IWF_LOG_NOTICE, IWF_SUB_ACL, "%s is connected from %s%s%s", w.host, w.info.address,
			        scs.id ? " as SCS " : is_agent(w.host) ? " as trusted agent" : "", scs.name);
			iwf_node_post_peer_up(node, w.host);
		} else {
			refuse(&w, reason, scs.id);
			cut_off(&w);
		}
	} else {
		iwf_peer_closed(w.host);
		iwf_log(IWF_LOG_NOTICE, IWF_SUB_ACL, "%s is not connected: %s", w.host, other ? (const char *)other : "closed");
	}
	forget(&w);
}

/* ---- the way out -------------------------------------------------------- */

#define S6M_APP 16777310u
#define T4_APP  16777311u

static struct fd_rt_out_hdl *out_hdl;

/* freeDiameter sends to anyone who has the application, as a relay has all, and
 * there is an IMSI in what goes to the SMS-SC. */
static int keep_inside(void *data, struct msg **msg, struct fd_list *candidates)
{
	struct msg_hdr *hdr;

	if (fd_msg_hdr(*msg, &hdr) || !(hdr->msg_flags & CMD_FLAG_REQUEST) || (hdr->msg_appl != S6M_APP && hdr->msg_appl != T4_APP))
		return 0;
	for (struct fd_list *li = candidates->next; li != candidates; li = li->next) {
		struct rtd_candidate *c = (struct rtd_candidate *)li;

		if (!iwf_peer_is_inside((struct iwf_view){ (const uint8_t *)c->diamid, c->diamidlen }))
			c->score = -2 * FD_SCORE_FINALDEST;
	}
	return 0;
}

static bool open_trust(const char *key, const char *ca, const char *crl, enum iwf_pki_use use, struct iwf_pki_files **out)
{
	char err[1200];

	if (!*ca)
		return true;
	*out = iwf_pki_files_open(ca, crl, (enum iwf_crl)iwf_node_conf(node)->trust.crl_policy, use, IWF_SUB_ACL, err, sizeof(err));
	if (!*out)
		iwf_log(IWF_LOG_ERROR, IWF_SUB_ACL, "%s: %s", key, err);
	return *out != NULL;
}

static int acl_scs_entry(char *conf_file)
{
	const struct iwf_conf *c;

	node = fdx_node("acl_scs", conf_file);
	if (!node)
		return EINVAL;
	c = iwf_node_conf(node);
	if (!open_trust("trust.scs_ca", c->trust.scs_ca, c->trust.scs_crl, IWF_PKI_CLIENT, &scs_trust) ||
	    !open_trust("trust.inside_ca", c->trust.inside_ca, c->trust.inside_crl, IWF_PKI_NODE, &inside_trust))
		return EINVAL;
	return fd_hook_register(HOOK_MASK(HOOK_PEER_CONNECT_SUCCESS, HOOK_PEER_CONNECT_FAILED), on_connection, NULL, NULL, &hook)
	       ?: acl_first_start(note_stranger) ?: fd_rt_out_register(keep_inside, NULL, 1, &out_hdl) ?: fd_peer_validate_register(validate);
}

void fd_ext_fini(void)
{
	if (node)
		iwf_node_stop(node);
	acl_first_stop();
	if (hook)
		fd_hook_unregister(hook);
	if (out_hdl)
		fd_rt_out_unregister(out_hdl, NULL);
	iwf_peers_forget_all();
	iwf_pki_files_close(scs_trust);
	iwf_pki_files_close(inside_trust);
	scs_trust = inside_trust = NULL;
	iwf_node_put(node);
	node = NULL;
}

EXTENSION_ENTRY("acl_scs", acl_scs_entry);
