#include "config.h"
#include <string.h>
#include <strings.h>
#include "authz.h"
#include "gw_gate.h"

#define F(id) (&dia_avps[DIA_##id])

/* What one walk over a request finds. */
struct seen {
	struct dia_hdr h;
	struct dia_avp session, origin_host, origin_realm, dest_host, dest_realm, action;   /* def NULL: not there */
	bool loop, whole, twice;       /* whole: the list of AVPs ends where the message does; twice: one of these again */
};

static bool equal(const struct dia_avp *a, const char *text)
{
	return a->len == strlen(text) && !strncasecmp((const char *)a->data, text, a->len);
}

static struct seen walk(const uint8_t *msg, size_t n, const char *identity)
{
	const uint8_t *at = msg + DIA_HDR_LEN;
	size_t left = n - DIA_HDR_LEN;
	struct seen s = { 0 };
	struct dia_avp a;
	int r;

	dia_hdr_read(msg, n, &s.h);
	while ((r = dia_avp_next(&at, &left, &a)) == 1) {
		struct dia_avp *to = a.def == F(Session_Id) ? &s.session : a.def == F(Origin_Host) ? &s.origin_host :
		                     a.def == F(Origin_Realm) ? &s.origin_realm : a.def == F(Destination_Host) ? &s.dest_host :
		                     a.def == F(Destination_Realm) ? &s.dest_realm : a.def == F(Device_Action) ? &s.action : NULL;

		if (to && to->def)
			s.twice = true;
		else if (to)
			*to = a;
		else if (a.def == F(Route_Record) && equal(&a, identity))
			s.loop = true;
	}
	s.whole = r == 0;
	return s;
}

/* ---- answers ------------------------------------------------------------ */

static void put_avp(struct dia_writer *w, const struct dia_avp *a)
{
	dia_put_raw(w, a->code, a->flags, a->vendor, a->data, a->len);
}

/* What Device-Notification repeats of the request; of one that could not be read so far: number 0, a trigger. */
static void put_notification(struct dia_writer *w, const struct dia_avp *action, int status)
{
	const uint8_t *at = action->data;
	size_t left = action->def ? action->len : 0;
	uint32_t reference = 0, type = TSP_TRIGGER;
	struct dia_avp a;

	dia_open(w, DIA_Device_Notification);
	while (dia_avp_next(&at, &left, &a) == 1) {
		if (a.def == F(External_Identifier) || a.def == F(MSISDN) || a.def == F(SCS_Identity))
			put_avp(w, &a);
		else if (a.def == F(Reference_Number))
			dia_avp_u32(&a, &reference);
		else if (a.def == F(Action_Type))
			dia_avp_u32(&a, &type);
	}
	dia_put_u32(w, DIA_Reference_Number, reference);
	dia_put_u32(w, DIA_Action_Type, type);
	if (status >= 0)
		dia_put_u32(w, DIA_Request_Status, (uint32_t)status);
	dia_close(w);
}

static void answer(const struct gw_gate_conf *c, const struct seen *s, const uint8_t *msg, size_t n, uint32_t result,
                   const char *error_message, int status, const struct dia_fault *fault, struct dia_writer *w)
{
	const bool is_dar = s->h.app == TSP_APP_ID && s->h.code == TSP_CMD_DAR;

	dia_begin_answer(w, msg, n, result / 1000 == 3 ? DIA_F_ERROR : 0);
	dia_put_u32(w, DIA_Auth_Session_State, 1);
	dia_put_text(w, DIA_Origin_Host, c->identity);
	dia_put_text(w, DIA_Origin_Realm, c->realm);
	dia_put_u32(w, DIA_Result_Code, result);
	if (error_message)
		dia_put_text(w, DIA_Error_Message, error_message);
	if (is_dar)
		dia_put_u32(w, DIA_Auth_Application_Id, TSP_APP_ID);
	if (fault && fault->failed_len) {
		dia_open(w, DIA_Failed_AVP);
		dia_put_bytes(w, fault->failed, fault->failed_len);
		dia_close(w);
	}
	if (is_dar)
		put_notification(w, &s->action, status);
	dia_end(w);
}

void gw_refuse(const struct gw_gate_conf *c, const uint8_t *request, size_t n, uint32_t result_code, const char *error_message,
               struct dia_writer *w)
{
	struct seen s = walk(request, n, c->identity);

	answer(c, &s, request, n, result_code, error_message, -1, NULL, w);
}

/* ---- the checks --------------------------------------------------------- */

struct verdict { enum iwf_reason reason; uint32_t result; const char *what; int status; };
#define PASS ((struct verdict){ .reason = RS_NONE })
static struct verdict message(enum iwf_reason reason, uint32_t result, const char *what)
{
	return (struct verdict){ reason, result, what, -1 };
}

static struct verdict action(enum iwf_reason reason, int status)
{
	return (struct verdict){ reason, 2001, NULL, status };
}

static struct verdict check_header(const struct seen *s)
{
	if (s->h.flags & DIA_F_ERROR)
		return message(RS_MALFORMED, 3008, "request with the E bit");
	if (s->h.app != TSP_APP_ID)
		return message(RS_COMMAND, 3007, "application unknown");
	if (s->h.code != TSP_CMD_DAR)
		return message(RS_COMMAND, 3001, "command unknown");
	return PASS;
}

static struct verdict check_who(const struct seen *s, const struct gw_scs *scs)
{
	static const char words[] = "This connection may not speak for that Origin-Host";

	if (s->origin_host.def && !equal(&s->origin_host, scs->origin_host))
		return message(RS_ORIGIN_NOT_PROVEN, 5003, words);
	if (s->origin_realm.def && !equal(&s->origin_realm, scs->origin_realm))
		return message(RS_SCS_REALM, 5003, words);
	return PASS;
}

static struct verdict check_where(const struct seen *s, const struct gw_gate_conf *c)
{
	if (s->loop)
		return message(RS_LOOP, 3005, "it has been here before");
	if (s->dest_host.def && !equal(&s->dest_host, c->identity))
		return message(RS_DESTINATION, 3002, "Destination-Host is not this node, and nothing is relayed");
	if (s->dest_realm.def && !equal(&s->dest_realm, c->realm))
		return message(RS_DESTINATION, 3003, "Destination-Realm is not served here");
	return PASS;
}

static struct verdict check_may(const struct gw_gate_conf *c, const struct gw_scs *scs, struct gw_gate_scs *state, int64_t wall_ms,
                                int64_t now_ms)
{
	if (!scs->enabled)
		return action(RS_SCS_DISABLED, TSP_NOTAUTHORIZED);
	if (!iwf_dates_ok(scs->valid_from, scs->valid_until, wall_ms))
		return action(RS_SCS_DATES, TSP_NOTAUTHORIZED);
	if (!iwf_bucket_take(&state->bucket, scs->rate_per_s ? scs->rate_per_s : c->rate_per_s, scs->burst ? scs->burst : c->burst, now_ms))
		return action(RS_RATE, TSP_RATEEXCEEDED);
	return PASS;
}

/* AVPs without which it cannot be told who asks for what, each once; the rest of the grammar is the node's. */
static bool has_all(const struct seen *s)
{
	return s->whole && !s->twice && s->session.def && s->origin_host.def && s->origin_realm.def && s->dest_realm.def;
}

enum iwf_reason gw_gate_check(const struct gw_gate_conf *c, const struct gw_scs *scs, struct gw_gate_scs *state, const uint8_t *msg,
                              size_t n, int64_t wall_ms, int64_t now_ms, struct dia_writer *w)
{
	struct seen s = walk(msg, n, c->identity);
	struct verdict v = check_header(&s);
	struct dia_fault fault;

	if (v.reason == RS_NONE)
		v = check_who(&s, scs);
	if (v.reason == RS_NONE)
		v = check_where(&s, c);
	if (v.reason == RS_NONE)
		v = check_may(c, scs, state, wall_ms, now_ms);
	if (v.reason != RS_NONE) {
		answer(c, &s, msg, n, v.result, v.what, v.status, NULL, w);
		return v.reason;
	}
	if (has_all(&s))
		return RS_NONE;
	if (dia_check(msg, n, &fault))
		return RS_NONE;
	answer(c, &s, msg, n, fault.result_code, fault.what, -1, &fault, w);
	return RS_MALFORMED;
}
