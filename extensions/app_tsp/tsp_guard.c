/* tsp_guard.c - the egress guard: every message to whoever is not of the inside, ours
 * and freeDiameter's own, is looked at before it leaves.
 *
 * A message that is all right costs one walk over its AVPs.  Where that finds
 * something, or cannot see everything (a Failed-AVP), the message is looked at
 * again as octets, beside the request that it answers: what an SCS has written
 * itself it may have back, so that nobody can find out about a number by sending
 * it.  What is stopped then loses all but its numbers (Result-Code, Request-Status,
 * Reference-Number ...), and goes out as that: every request gets an answer, and
 * a report its outcome. */
#include <time.h>
#include "guard.h"
#include "hash.h"
#include "log.h"
#include "private.h"
#include "ratelimit.h"
#include "tsp.h"

static struct dia_guard *guard;
static struct fd_hook_hdl *hook;

/* ---- is there anything -------------------------------------------------- */

static bool is_base(const struct avp_hdr *hdr, enum dia_id id)
{
	return hdr->avp_code == dia_avps[id].code && !(hdr->avp_flags & AVP_FLAG_VENDOR);
}

static bool is_number(enum dia_type type)
{
	return type == DIA_INTEGER32 || type == DIA_UNSIGNED32 || type == DIA_UNSIGNED64 || type == DIA_ENUMERATED || type == DIA_TIME;
}

/* The Session-Id of the request that it answers, NULL: none.  It stands directly behind the header (RFC 6733 8.8). */
static const struct avp_hdr *session_asked(struct msg *msg)
{
	struct msg *request = NULL;
	struct avp_hdr *hdr;
	struct avp *first;

	if (fd_msg_answ_getq(msg, &request) || !request || !(first = fdx_first(request)) || fd_msg_avp_hdr(first, &hdr))
		return NULL;
	return is_base(hdr, DIA_Session_Id) && hdr->avp_value ? hdr : NULL;
}

static bool is_text(const struct avp_hdr *hdr, const void *text, size_t n)
{
	return hdr->avp_value->os.len == n && memcmp(hdr->avp_value->os.data, text, n) == 0;
}

/* What need not be looked at: where it goes, who we are, and the name that the asker gave the session. */
static bool is_given(const struct avp_hdr *hdr, const struct dia_avpdef *def, bool to_destination, const struct avp_hdr *session)
{
	if (def == &dia_avps[DIA_Destination_Host] || def == &dia_avps[DIA_Destination_Realm])
		return to_destination;
	if (def == &dia_avps[DIA_Origin_Host])
		return is_text(hdr, fd_g_config->cnf_diamid, fd_g_config->cnf_diamid_len);
	if (def == &dia_avps[DIA_Origin_Realm])
		return is_text(hdr, fd_g_config->cnf_diamrlm, fd_g_config->cnf_diamrlm_len);
	return def == &dia_avps[DIA_Session_Id] && session && is_text(hdr, session->avp_value->os.data, session->avp_value->os.len);
}

/* True: a second look is needed. */
static bool is_suspect(msg_or_avp *in, uint32_t app, bool to_destination, const struct avp_hdr *session)
{
	char number[16];
	struct dict_object *model;
	struct avp_hdr *hdr;

	for (struct avp *a = fdx_first(in); a; a = fdx_next(a)) {
		/* In a Failed-AVP of freeDiameter's own what is not of the dictionary has a value that is freed already. */
		if (fd_msg_avp_hdr(a, &hdr) || fd_msg_model(a, &model) || !model)
			return true;
		uint32_t vendor = hdr->avp_flags & AVP_FLAG_VENDOR ? hdr->avp_vendor : 0;
		const struct dia_avpdef *def = dia_avp_find(hdr->avp_code, vendor);

		if (!def || !dia_guard_allows(guard, app, hdr->avp_code, vendor, def))
			return true;
		if (def->type == DIA_GROUPED) {
			if (hdr->avp_value || !fdx_first(a) || is_suspect(a, app, false, NULL))
				return true;
		} else if (!hdr->avp_value) {
			return true;
		} else if (!is_number(def->type) && !is_given(hdr, def, to_destination, session) &&
		           dia_guard_value(guard, hdr->avp_value->os.data, hdr->avp_value->os.len, number)) {
			return true;
		}
	}
	return false;
}

/* What cannot be looked at does not pass. */
static bool is_leak(struct msg *msg, struct dia_leak_at *at)
{
	uint8_t *bytes = NULL, *asked = NULL;
	size_t n = 0, asked_n = 0;
	struct msg *request = NULL;
	bool leak = true;

	*at = (struct dia_leak_at){ .what = DIA_LEAK_AVP };
	if (fd_msg_bufferize(msg, &bytes, &n) == 0) {
		if (fd_msg_answ_getq(msg, &request) == 0 && request && fd_msg_bufferize(request, &asked, &asked_n))
			asked = NULL;
		leak = dia_guard_check(guard, bytes, n, asked, asked_n, at);
	}
	free(asked);
	free(bytes);
	return leak;
}

/* ---- what is left of it ------------------------------------------------- */

/* `all`: the session and the ways back too. */
static bool stays(const struct avp_hdr *hdr, const struct dia_avpdef *def, bool all)
{
	if (!def || !dia_guard_allows(guard, TSP_APP, def->code, def->vendor, def))
		return false;
	if (is_number(def->type))
		return true;
	if (def == &dia_avps[DIA_Host_IP_Address] || def == &dia_avps[DIA_Product_Name] ||
	    def == &dia_avps[DIA_Destination_Host] || def == &dia_avps[DIA_Destination_Realm])
		return true;
	return !all && (def == &dia_avps[DIA_Session_Id] || def == &dia_avps[DIA_Proxy_Info] || def == &dia_avps[DIA_Proxy_Host] ||
	                def == &dia_avps[DIA_Proxy_State]);
}

static void strip(msg_or_avp *in, bool all)
{
	struct avp_hdr *hdr;
	struct avp *next;

	for (struct avp *a = fdx_first(in); a; a = next) {
		next = fdx_next(a);
		if (fd_msg_avp_hdr(a, &hdr))
			continue;
		const struct dia_avpdef *def = dia_avp_find(hdr->avp_code, hdr->avp_flags & AVP_FLAG_VENDOR ? hdr->avp_vendor : 0);
		bool group = def && def->type == DIA_GROUPED && !hdr->avp_value && def != &dia_avps[DIA_Failed_AVP] &&
		             (def != &dia_avps[DIA_Proxy_Info] || !all) && dia_guard_allows(guard, TSP_APP, def->code, def->vendor, def);

		if (group)
			strip(a, all);
		if (group ? !fdx_first(a) : !stays(hdr, def, all))
			fd_msg_free(a);
	}
}

static bool has(struct msg *msg, enum dia_id id)
{
	struct avp_hdr *hdr;

	for (struct avp *a = fdx_first(msg); a; a = fdx_next(a))
		if (fd_msg_avp_hdr(a, &hdr) == 0 && is_base(hdr, id))
			return true;
	return false;
}

static int reduce(struct msg *msg, const struct msg_hdr *hdr, bool all)
{
	strip(msg, all);
	int rc = fd_msg_add_origin(msg, 0);
	if (!rc && !(hdr->msg_flags & CMD_FLAG_REQUEST) && !has(msg, DIA_Result_Code) && !has(msg, DIA_Experimental_Result))
		rc = fdx_put_u32(msg, DIA_Result_Code, 5012);
	return rc;
}

/* ---- telling ------------------------------------------------------------ */

#define TOLD_PER_S 5
#define TOLD_BURST 50

static enum iwf_reason reason_of(const struct dia_leak_at *at)
{
	switch (at->what) {
	case DIA_LEAK_NUMBER: return RS_EGRESS_IMSI;
	case DIA_LEAK_NAME:   return RS_EGRESS_NAME;
	default:              return RS_EGRESS_AVP;
	}
}

static void tell(const struct msg_hdr *hdr, const struct peer_hdr *peer, const struct dia_leak_at *at)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct iwf_bucket bucket;
	static unsigned unsaid;
	int64_t now = (int64_t)time(NULL) * 1000;
	struct dia_hdr h = { .flags = hdr->msg_flags, .code = hdr->msg_code, .app = hdr->msg_appl };
	const char *host = peer ? peer->info.pi_diamid : "";
	char label[48], where[64], name[17] = "", detail[256];

	pthread_mutex_lock(&lock);
	bool say = iwf_bucket_take(&bucket, TOLD_PER_S, TOLD_BURST, now);
	unsigned more = unsaid;
	unsaid = say ? 0 : unsaid + 1;
	pthread_mutex_unlock(&lock);
	if (!say)
		return;

	if (at->def)
		snprintf(where, sizeof(where), "%s", at->def->name);
	else
		snprintf(where, sizeof(where), "AVP %u of vendor %u", at->code, at->vendor);
	if (at->what == DIA_LEAK_NUMBER)
		iwf_hash_private(at->number, name);
	snprintf(detail, sizeof(detail), "%s stopped, %s%s%s%s", dia_cmd_label(&h, label, sizeof(label)), where, *name ? " of #" : "", name,
	         more ? "; more like it were not written down" : "");
	enum iwf_reason reason = reason_of(at);
	iwf_log(IWF_LOG_ERROR, IWF_SUB_TSP, "to %s: %s: %s (%s)", *host ? host : "a stranger", detail, iwf_reason_text(reason),
	        iwf_reason_str(reason));
	struct iwf_peer_info info;
	iwf_peer_get((struct iwf_view){ (const uint8_t *)host, strlen(host) }, &info);
	iwf_node_post_audit(tsp_app.node, &(struct iwf_audit){
		.at_ms = now, .event = "egress", .decision = "refused", .reason = reason, .request_status = -1, .peer = host,
		.address = info.address, .cert = info.cert_sha256, .reference = -1, .detail = detail });
}

/* ---- before it leaves --------------------------------------------------- */

static void on_sending(enum fd_hook_type type, struct msg *msg, struct peer_hdr *peer, void *other, struct fd_hook_permsgdata *pmd,
                       void *regdata)
{
	struct dia_leak_at at;
	struct msg_hdr *hdr;

	if (!msg || fd_msg_hdr(msg, &hdr) ||
	    (peer && iwf_peer_is_inside((struct iwf_view){ (const uint8_t *)peer->info.pi_diamid, peer->info.pi_diamidlen })))
		return;
	bool asks = hdr->msg_flags & CMD_FLAG_REQUEST;
	if (!is_suspect(msg, hdr->msg_appl, asks, asks ? NULL : session_asked(msg)) || !is_leak(msg, &at))
		return;
	tell(hdr, peer, &at);
	int rc = reduce(msg, hdr, false);
	if (!rc && is_leak(msg, &at))
		rc = reduce(msg, hdr, true);
	if (rc)
		iwf_log(IWF_LOG_ERROR, IWF_SUB_TSP, "what is left of a message that was stopped is incomplete: %s", strerror(rc));
}

static bool is_known(uint64_t digits, unsigned n, bool text)
{
	return iwf_private_is(digits, n);
}

/* ---- start -------------------------------------------------------------- */

#define NAMES_MAX (2 * (IWF_HSS_MAX + IWF_SMSSC_MAX) + IWF_MATCH_MAX)

int tsp_guard_start(void)
{
	const struct iwf_conf *conf = iwf_node_conf(tsp_app.node);
	const struct iwf_service_conf *c = &conf->service;
	const char *own[2 + IWF_MATCH_MAX] = { fd_g_config->cnf_diamid, fd_g_config->cnf_diamrlm };
	const char *names[NAMES_MAX];
	struct dia_guard_rules rules = { .names = names, .own = own, .nown = 2, .is_private = is_known };

	for (size_t i = 0; i < c->nagents; i++)
		own[rules.nown++] = c->agents[i];
	for (size_t i = 0; i < c->nhss; i++) {
		names[rules.nnames++] = c->hss[i].node.host;
		names[rules.nnames++] = c->hss[i].node.realm;
	}
	for (size_t i = 0; i < c->nsmssc; i++) {
		names[rules.nnames++] = c->smssc[i].node.host;
		names[rules.nnames++] = c->smssc[i].node.realm;
	}
	for (size_t i = 0; i < conf->privacy.ninside; i++)
		names[rules.nnames++] = conf->privacy.inside[i];
	guard = dia_guard_new(&rules);
	if (!guard)
		return ENOMEM;
	return fd_hook_register(HOOK_MASK(HOOK_MESSAGE_SENDING), on_sending, NULL, NULL, &hook);
}

void tsp_guard_stop(void)
{
	if (hook)
		fd_hook_unregister(hook);
	hook = NULL;
	dia_guard_free(guard);
	guard = NULL;
}
