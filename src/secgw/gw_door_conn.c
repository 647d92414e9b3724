/* gw_door_conn.c - the connections of SCSs: from the first octet to the last. */
#include <gnutls/ocsp.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include "gw_door_int.h"
#include "gw_ocsp.h"
#include "log.h"

#define DEAD_SILENT_MS 1000      /* who has been silent for so long may be asked whether he is there */
#define DEAD_ANSWER_MS 2000
#define LOOK_EVERY_MS 100
#define SLICE_MS 5
#define CAUSE_DO_NOT_WANT 2u     /* Disconnect-Cause (RFC 6733 5.4.3) */

struct door_conn *door_conn_find(const struct door *d, uint64_t id)
{
	struct door_conn *c = d->by_id[id % DOOR_SLOTS];

	while (c && c->id != id)
		c = c->next_id;
	return c;
}

static struct door_scs *scs_of(struct door *d, int64_t id)
{
	struct door_scs **slot = &d->scs[(uint64_t)id % DOOR_SLOTS], *s;

	for (s = *slot; s; s = s->next)
		if (s->id == id)
			return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->id = id;
	s->next = *slot;
	*slot = s;
	return s;
}

/* Log and audit. */

/* claimed: the Origin-Host of that very message. */
static void audit(struct door_conn *c, const char *event, const char *decision, enum iwf_reason reason, const char *claimed, const char *detail)
{
	gw_ipc_send_audit(c->door->ipc, &(struct iwf_audit){
		.at_ms = door_wall_ms(), .event = event, .decision = decision, .reason = reason, .request_status = -1,
		.scs_id = c->scs ? c->scs->id : 0, .peer = c->host[0] ? c->host : NULL, .origin_host = claimed[0] ? claimed : NULL,
		.address = peer_address(c->peer), .cert = c->nchain ? c->cert.sha256 : NULL, .reference = -1, .detail = detail });
}

static void tell_refusal(struct door_conn *c, const char *event, enum iwf_reason reason, const char *claimed, const char *detail)
{
	char words[320], more[64] = "";
	uint64_t left_out;

	if (!gw_shield_tell(c->door->shield, reason, peer_now_ms(), &left_out))
		return;
	if (left_out)
		snprintf(more, sizeof(more), "and %llu more since the last one; ", (unsigned long long)left_out);
	snprintf(words, sizeof(words), "%s%.240s", more, detail);
	iwf_log(IWF_LOG_WARN, IWF_SUB_GW, "%s from %s with certificate %.16s refused: %s (%s) %s", c->host[0] ? c->host : "a stranger",
	        peer_address(c->peer), c->nchain ? c->cert.sha256 : "none", iwf_reason_text(reason), iwf_reason_str(reason), words);
	audit(c, event, "refused", reason, claimed, words);
}

/* Arrival and handshake. */

static bool arrived(struct peer *p, const struct sockaddr *from, void *ctx)
{
	struct door *d = ctx;
	struct door_conn *c = calloc(1, sizeof(*c));
	socklen_t n = from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

	if (!c)
		return false;
	c->door = d;
	c->peer = p;
	c->id = ++d->next_id;
	memcpy(&c->from, from, n);
	if (getnameinfo(from, n, c->address, sizeof(c->address), NULL, 0, NI_NUMERICHOST))
		c->address[0] = 0;
	if (!strncmp(c->address, "::ffff:", 7) && strchr(c->address, '.'))
		memmove(c->address, c->address + 7, strlen(c->address + 7) + 1);
	c->next = d->conns;
	if (c->next)
		c->next->prev = c;
	d->conns = c;
	c->next_id = d->by_id[c->id % DOOR_SLOTS];
	d->by_id[c->id % DOOR_SLOTS] = c;
	peer_set_user(p, c);
	c->reason = d->stopping ? RS_CONNECTIONS : gw_shield_arrive(d->shield, from, peer_now_ms());
	c->counted = c->reason == RS_NONE;
	d->count.half_open += c->counted;
	return c->counted;
}

static bool keep_chain(struct door_conn *c, const gnutls_datum_t *chain, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		c->chain[i].data = malloc(chain[i].size);
		if (!c->chain[i].data)
			return false;
		memcpy(c->chain[i].data, chain[i].data, chain[i].size);
		c->chain[i].size = chain[i].size;
		c->nchain++;
	}
	return true;
}

static size_t good_slot(const char *sha256)
{
	return (size_t)strtoul((char[]){ sha256[0], sha256[1], sha256[2], 0 }, NULL, 16) % DOOR_CACHE;
}

static void keep_good(struct door *d, const char *sha256, int64_t until_ms)
{
	size_t at = good_slot(sha256);

	memcpy(d->good[at].sha256, sha256, sizeof(d->good[at].sha256));
	d->good[at].until_ms = until_ms;
}

static bool is_known_good(const struct door *d, const char *sha256)
{
	size_t at = good_slot(sha256);

	return d->good[at].until_ms > door_wall_ms() && !strcmp(d->good[at].sha256, sha256);
}

/* The OCSP response that the client has sent with its certificate (RFC 8446 4.4.2.1): spares asking when it says good.
 * One that says nothing of use is as good as none. */
static enum iwf_reason read_staple(struct door_conn *c, const gnutls_datum_t *chain, unsigned n)
{
	const struct door *d = c->door;
	gnutls_datum_t staple, by = { NULL, 0 };
	struct gw_ocsp_verdict v;
	char why[160];

	if (d->conf->tls.ocsp == GW_OCSP_OFF || gnutls_ocsp_status_request_get2(peer_tls_session(c->peer), 0, &staple) < 0 ||
	    !iwf_pki_issuer(d->pki, chain, n, &by))
		return RS_NONE;
	v = gw_ocsp_read(&staple, NULL, &chain[0], &by, d->conf->tls.ocsp_cache_s, why, sizeof(why));
	gnutls_free(by.data);
	if (v.reason == RS_NONE)
		keep_good(c->door, c->cert.sha256, v.until_ms);
	else if (v.reason == RS_CERT_REVOCATION)
		iwf_log(IWF_LOG_INFO, IWF_SUB_GW, "%s: its OCSP response does not count: %s", peer_address(c->peer), why);
	return v.reason == RS_CERT_REVOKED ? RS_CERT_REVOKED : RS_NONE;
}

static int verify(struct peer *p, void *ctx)
{
	struct door *d = ctx;
	struct door_conn *c = peer_user(p);
	unsigned n = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(peer_tls_session(p), &n);
	struct iwf_cert_verdict v = iwf_pki_check(d->pki, chain, chain ? n : 0, door_wall_ms(), &c->cert);

	d->count.handshakes++;
	c->trust = d->trust;
	if (v.reason == RS_NONE && v.detail[0])
		iwf_log(IWF_LOG_INFO, IWF_SUB_GW, "%s: %s", peer_address(p), v.detail);
	if (v.reason == RS_NONE)
		v.reason = gw_admit_cert(d->table, &c->cert);
	if (v.reason == RS_NONE && (v.reason = read_staple(c, chain, n)) != RS_NONE)
		snprintf(v.detail, sizeof(v.detail), "%.80s, by the OCSP response it sent", c->cert.subject);
	if (v.reason == RS_CERT_UNKNOWN)
		snprintf(v.detail, sizeof(v.detail), "%.80s, %.100s", c->cert.subject, c->cert.nsans ? c->cert.sans[0] : "no name");
	if (chain && n <= DOOR_CHAIN_MAX && !keep_chain(c, chain, n))
		return GNUTLS_E_MEMORY_ERROR;
	if (v.reason == RS_NONE)
		return 0;
	c->reason = v.reason;
	memcpy(c->detail, v.detail, sizeof(c->detail));
	peer_say_why(p, "%s: %s", iwf_reason_str(v.reason), v.detail);
	return iwf_pki_alert(v.reason);
}

/* The CER. */

/* Its place among those of its SCS. */
static void give_back(struct door_conn *c)
{
	if (c->placed)
		c->scs->open--;
	c->placed = false;
}

static uint32_t refuse_cer(struct door_conn *c, enum iwf_reason reason, const char **why)
{
	give_back(c);
	c->reason = reason;
	*why = reason == RS_CONNECTIONS ? "too many connections" : "this connection is not accepted";
	return gw_admit_result(reason);
}

/* Of the open connections of that SCS the one that has been silent longest. */
static struct door_conn *quietest(const struct door_conn *than)
{
	struct door_conn *best = NULL;

	for (struct door_conn *c = than->door->conns; c; c = c->next)
		if (c != than && c->open && !c->ending && c->scs == than->scs &&
		    (!best || peer_silent_ms(c->peer) > peer_silent_ms(best->peer)))
			best = c;
	return best;
}

static void look_again(void *ctx);

static bool wait_on(struct door_conn *c, uint32_t ms)
{
	c->timer = peer_timer(c->door->loop, ms, look_again, c);
	return c->timer != 0;
}

static enum iwf_reason no_ocsp_answer(const struct door_conn *c)
{
	if (c->door->conf->tls.ocsp == GW_OCSP_HARD)
		return RS_CERT_REVOCATION;
	iwf_log(IWF_LOG_WARN, IWF_SUB_GW, "%s from %s: no OCSP answer about certificate %.16s", c->host, peer_address(c->peer), c->cert.sha256);
	return RS_NONE;
}

/* RS_NONE with asked_ocsp set: the answer is on its way. */
static enum iwf_reason ask_ocsp(struct door_conn *c)
{
	struct door *d = c->door;
	gnutls_datum_t by = { NULL, 0 };
	bool asked;

	if (d->conf->tls.ocsp == GW_OCSP_OFF || !c->nchain || is_known_good(d, c->cert.sha256))
		return RS_NONE;
	if (!iwf_pki_issuer(d->pki, c->chain, c->nchain, &by))
		return RS_CERT_ISSUER;
	asked = gw_ipc_ask_ocsp(d->ipc, c->id, &c->chain[0], &by);
	gnutls_free(by.data);
	if (!asked || !wait_on(c, d->conf->tls.ocsp_timeout_ms + 500))
		return no_ocsp_answer(c);
	c->asked_ocsp = true;
	return RS_NONE;
}

/* The places of that SCS are all taken: 0 to wait whether one is free after all. */
static uint32_t place(struct door_conn *c, const struct gw_scs *scs, const char **why)
{
	enum iwf_reason r;

	if (c->scs->open > scs->connections) {
		struct door_conn *rival = quietest(c);

		if (!rival || peer_silent_ms(rival->peer) < DEAD_SILENT_MS || !peer_probe(rival->peer) || !wait_on(c, LOOK_EVERY_MS))
			return refuse_cer(c, RS_CONNECTIONS, why);
		c->rival = rival->id;
		c->wait_until = peer_now_ms() + DEAD_ANSWER_MS;
		return 0;
	}
	r = ask_ocsp(c);
	if (r != RS_NONE)
		return refuse_cer(c, r, why);
	return c->asked_ocsp ? 0 : 2001;
}

static const struct gw_scs *row_of(const struct door_conn *c, enum iwf_reason *reason)
{
	const struct gw_scs *scs;

	*reason = gw_admit_still(c->door->table, c->nchain ? &c->cert : NULL, c->address, c->host, door_wall_ms(), &scs);
	return scs;
}

static void look_again(void *ctx)
{
	struct door_conn *c = ctx;
	const char *why = NULL;
	enum iwf_reason reason;
	const struct gw_scs *scs = row_of(c, &reason);
	struct door_conn *rival = door_conn_find(c->door, c->rival);
	uint32_t result = 0;

	c->timer = 0;
	if (reason != RS_NONE) {
		result = refuse_cer(c, reason, &why);
	} else if (c->asked_ocsp) {
		result = no_ocsp_answer(c) == RS_NONE ? 2001 : refuse_cer(c, RS_CERT_REVOCATION, &why);
	} else if (c->scs->open <= scs->connections) {
		c->rival = 0;
		result = place(c, scs, &why);
	} else if (!rival || peer_silent_ms(rival->peer) < DEAD_SILENT_MS) {
		result = refuse_cer(c, RS_CONNECTIONS, &why);      /* it has answered */
	} else if (peer_now_ms() >= c->wait_until) {
		peer_say_why(rival->peer, "no answer to a DWR while another connection of this SCS waits");
		peer_abort(rival->peer);
		c->rival = 0;
	}
	if (result)
		peer_admit(c->peer, result, why);
	else if (!c->timer && !wait_on(c, LOOK_EVERY_MS))
		peer_abort(c->peer);
}

void door_ocsp_verdict(struct door *d, uint64_t id, enum iwf_reason reason, int64_t until_ms)
{
	struct door_conn *c = door_conn_find(d, id);
	const char *why = NULL;
	uint32_t result;

	if (!c || !c->asked_ocsp || c->open)
		return;
	peer_timer_cancel(d->loop, c->timer);
	c->timer = 0;
	if (reason == RS_NONE)
		keep_good(d, c->cert.sha256, until_ms);
	if (reason == RS_CERT_REVOCATION)
		reason = no_ocsp_answer(c);
	if (reason == RS_NONE)
		row_of(c, &reason);      /* it may have changed meanwhile */
	result = reason == RS_NONE ? 2001 : refuse_cer(c, reason, &why);
	peer_admit(c->peer, result, why);
}

static struct iwf_view text_of(const uint8_t *cer, size_t n, enum dia_id id, char *copy, size_t size)
{
	struct iwf_view v = { NULL, 0 };
	struct dia_avp a;

	copy[0] = 0;
	if (dia_msg_find(cer, n, id, &a)) {
		v = (struct iwf_view){ .p = a.data, .n = a.len };
		dia_avp_text(&a, copy, size);
	}
	return v;
}

static uint32_t admit(struct peer *p, const uint8_t *cer, size_t n, const char **why, void *ctx)
{
	struct door *d = ctx;
	struct door_conn *c = peer_user(p);
	const struct gw_scs *scs;
	struct iwf_view host = text_of(cer, n, DIA_Origin_Host, c->host, sizeof(c->host));
	struct iwf_view realm = text_of(cer, n, DIA_Origin_Realm, c->realm, sizeof(c->realm));
	enum iwf_reason reason = gw_admit_cer(d->table, c->nchain ? &c->cert : NULL, c->address, host, realm, door_wall_ms(), &scs);

	if (reason == RS_NONE && c->nchain && c->trust != d->trust) {      /* a new CRL has come since the handshake */
		struct iwf_cert_verdict v = iwf_pki_recheck(d->pki, c->chain, c->nchain, door_wall_ms());

		reason = v.reason;
		if (reason != RS_NONE)
			memcpy(c->detail, v.detail, sizeof(c->detail));
	}
	if (reason != RS_NONE)
		return refuse_cer(c, reason, why);
	c->scs = scs_of(d, scs->id);
	if (!c->scs)
		return refuse_cer(c, RS_STORE, why);
	c->scs->open++;
	c->placed = true;
	return place(c, scs, why);
}

/* Open and closed. */

static void opened(struct door_conn *c)
{
	struct door *d = c->door;
	char security[64];

	c->open = gw_proxy_scs_open(d->proxy, c->id, c->host, c->realm, peer_address(c->peer), c->nchain ? c->cert.sha256 : "");
	if (!c->open) {
		peer_say_why(c->peer, "out of memory");
		peer_abort(c->peer);
		return;
	}
	gw_shield_opened(d->shield, (struct sockaddr *)&c->from);
	d->count.half_open--;
	d->count.open++;
	d->count.accepted++;
	peer_security(c->peer, security, sizeof(security));
	d->count.tls13 += strstr(security, "TLS1.3") != NULL;
	d->count.tls12 += strstr(security, "TLS1.2") != NULL;
	iwf_log(IWF_LOG_NOTICE, IWF_SUB_GW, "%s is connected from %s (%s)", c->host, peer_address(c->peer), security);
	audit(c, "connect", "accepted", RS_NONE, c->host, security);
}

static enum iwf_reason reason_of_end(const struct door_conn *c, const char *why)
{
	if (c->reason != RS_NONE)
		return c->reason;
	switch (peer_end(c->peer)) {
	case PEER_END_SLOW:    return RS_HANDSHAKE_SLOW;
	case PEER_END_FRAMING: return RS_FRAMING;
	case PEER_END_SIZE:    return RS_MESSAGE_SIZE;
	case PEER_END_STALLED: return RS_SLOW_READER;
	default:               return c->open ? RS_NONE : strstr(why, "no certificate") ? RS_CERT_MISSING : RS_HANDSHAKE;
	}
}

static void unlink_conn(struct door_conn *c)
{
	struct door *d = c->door;
	struct door_conn **at = &d->by_id[c->id % DOOR_SLOTS];

	while (*at != c)
		at = &(*at)->next_id;
	*at = c->next_id;
	if (d->cursor == c)
		d->cursor = c->next;
	*(c->prev ? &c->prev->next : &d->conns) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	peer_timer_cancel(d->loop, c->timer);
	give_back(c);
	for (unsigned i = 0; i < c->nchain; i++)
		free(c->chain[i].data);
	free(c);
}

static void closed(struct door_conn *c, const char *why)
{
	struct door *d = c->door;
	enum iwf_reason reason = reason_of_end(c, why);

	d->count.ended[peer_end(c->peer)]++;
	if (c->open) {
		gw_proxy_scs_closed(d->proxy, c->id);
		d->count.open--;
		iwf_log(IWF_LOG_NOTICE, IWF_SUB_GW, "%s is not connected: %s%s%s", c->host, why, c->detail[0] ? ": " : "", c->detail);
		audit(c, "connect", "ended", reason, c->host, c->detail[0] ? c->detail : why);
	} else {
		d->count.half_open -= c->counted;
		d->count.refused[reason]++;
		tell_refusal(c, "connect", reason, c->host, c->detail[0] ? c->detail : why);
	}
	if (c->counted)
		gw_shield_left(d->shield, (struct sockaddr *)&c->from, c->open);
	unlink_conn(c);
}

static void event(struct peer *p, enum peer_event e, const char *why, void *ctx)
{
	struct door_conn *c = peer_user(p);

	(void)ctx;
	if (c && e == PEER_OPEN)
		opened(c);
	else if (c)
		closed(c, why);
}

/* Messages. */

static void tell_request(struct door_conn *c, enum iwf_reason reason, const uint8_t *msg, size_t n)
{
	char host[IWF_DIAMID_MAX + 1], realm[IWF_DIAMID_MAX + 1], detail[240] = "";

	if (reason != RS_ORIGIN_NOT_PROVEN && reason != RS_SCS_REALM) {
		tell_refusal(c, "dar", reason, c->host, "");
		return;
	}
	text_of(msg, n, DIA_Origin_Host, host, sizeof(host));
	text_of(msg, n, DIA_Origin_Realm, realm, sizeof(realm));
	snprintf(detail, sizeof(detail), "it says it is %.100s in %.100s", host, realm);
	tell_refusal(c, "dar", reason, host, detail);
}

static void message(struct peer *p, const uint8_t *msg, size_t n, void *ctx)
{
	struct door *d = ctx;
	struct door_conn *c = peer_user(p);
	enum iwf_reason reason = RS_NONE;
	const struct gw_scs *scs;
	struct dia_hdr h;

	d->count.bytes_in += n;
	if (!c || !c->open || !dia_hdr_read(msg, n, &h))
		return;
	if (h.flags & DIA_F_REQUEST) {
		d->count.requests++;
		c->scs->requests++;
		scs = gw_table_by_host(d->table, (struct iwf_view){ .p = (const uint8_t *)c->host, .n = strlen(c->host) });
		if (!scs || c->ending) {
			reason = scs ? c->reason : RS_SCS_UNKNOWN;
			gw_refuse(&d->gate, msg, n, 5003, "this connection is ending", &d->answer);
		} else {
			reason = gw_gate_check(&d->gate, scs, &c->scs->gate, msg, n, door_wall_ms(), peer_now_ms(), &d->answer);
		}
		if (reason != RS_NONE && peer_send_or_end(p, d->answer.p, d->answer.n))
			d->count.bytes_out += d->answer.n;
	}
	if (reason == RS_NONE)
		reason = gw_proxy_from_scs(d->proxy, c->id, msg, n, peer_now_ms());
	if (reason == RS_NONE)
		return;
	d->count.request_refused[reason]++;
	c->scs->refused++;
	tell_request(c, reason, msg, n);
}

void door_conn_ops(struct door *d, struct peer_ops *out)
{
	*out = (struct peer_ops){ .event = event, .message = message, .arrived = arrived, .verify = verify, .admit = admit, .ctx = d };
}

/* Who is in, and would not be let in any more. */

static void look_at(struct door_conn *c)
{
	enum iwf_reason reason;

	if (!c->open || c->ending)
		return;
	row_of(c, &reason);
	if (reason == RS_NONE && c->nchain) {
		struct iwf_cert_verdict v = iwf_pki_recheck(c->door->pki, c->chain, c->nchain, door_wall_ms());

		reason = v.reason;
		if (reason != RS_NONE)
			memcpy(c->detail, v.detail, sizeof(c->detail));
	}
	if (reason == RS_NONE)
		return;
	c->ending = true;
	c->reason = reason;
	if (!c->detail[0])
		snprintf(c->detail, sizeof(c->detail), "%s", iwf_reason_text(reason));
	peer_say_why(c->peer, "sent away: %s", iwf_reason_str(reason));
	peer_disconnect_because(c->peer, CAUSE_DO_NOT_WANT);
}

static void slice(void *ctx)
{
	struct door *d = ctx;
	int64_t until = peer_now_ms() + SLICE_MS;

	d->recheck = 0;
	while (d->cursor && peer_now_ms() < until) {
		struct door_conn *c = d->cursor;

		d->cursor = c->next;
		look_at(c);
	}
	if (d->cursor)
		d->recheck = peer_timer(d->loop, 1, slice, d);
}

void door_recheck_soon(struct door *d)
{
	d->cursor = d->conns;
	d->rechecked_ms = peer_now_ms();
	if (!d->recheck)
		d->recheck = peer_timer(d->loop, 0, slice, d);
}

void door_forget_all(struct door *d)
{
	while (d->conns)
		unlink_conn(d->conns);
	for (unsigned i = 0; i < DOOR_SLOTS; i++)
		while (d->scs[i]) {
			struct door_scs *gone = d->scs[i];

			d->scs[i] = gone->next;
			free(gone);
		}
}
