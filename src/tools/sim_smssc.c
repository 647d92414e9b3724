/* sim_smssc.c - an SMS-SC on T4 (TS 29.337) that does what its file says:
 * reading, judging and answering Device-Trigger-Requests. */
#include <stdlib.h>
#include <string.h>
#include "sim_smssc.h"

enum { TRIGGER, RECALL, REPLACE };
static const char *const action_words[] = { "trigger", "recall", "replace" };

static const struct { uint32_t code, experimental; } answers[A_ANSWERS] = {
	[A_NATURAL] = { 2001, 0 }, [A_SUCCESS] = { 2001, 0 }, [A_USER_UNKNOWN] = { 0, 5001 }, [A_INVALID_SME] = { 0, 5530 },
	[A_CONGESTION] = { 0, 5531 }, [A_REPLACE_FAILURE] = { 0, 5533 }, [A_RECALL_FAILURE] = { 0, 5534 },
	[A_NOT_PENDING] = { 0, 5535 }, [A_TOO_BUSY] = { 3004, 0 }, [A_UNABLE] = { 5012, 0 },
	[A_SILENT] = { 2001, 0 }, [A_NONSENSE] = { 2001, 0 },
};

/* What was decided about one DTR. */
struct verdict {
	enum sc_answer answer;
	struct sim_answer wire;
	bool repeat, duplicate;
	bool silent;
};

static void read_nodes(struct dtr *d, const uint8_t *msg, size_t n)
{
	const uint8_t *at = msg + DIA_HDR_LEN;
	size_t left = n - DIA_HDR_LEN;
	struct dia_avp a;

	while (d->nnodes < 8 && dia_avp_next(&at, &left, &a) == 1)
		if (a.def == &dia_avps[DIA_Serving_Node] || a.def == &dia_avps[DIA_Additional_Serving_Node]) {
			d->nodes[d->nnodes] = a.raw;
			d->node_len[d->nnodes++] = (size_t)(a.data - a.raw) + a.len;
		}
}

static void read_text(const uint8_t *msg, size_t n, enum dia_id id, char *out, size_t size)
{
	struct dia_avp a;

	if (dia_msg_find(msg, n, id, &a))
		dia_avp_text(&a, out, size);
}

/* False: refused. */
static bool read_user(struct sim *s, struct peer *p, const uint8_t *msg, size_t n, struct dtr *d)
{
	struct dia_avp a;

	if (!dia_msg_find(msg, n, DIA_User_Identifier, &d->user))
		return false;   /* dia_check has seen to that */
	if (dia_group_find(&d->user, DIA_User_Name, &a))
		dia_avp_text(&a, d->imsi, sizeof(d->imsi));
	if (dia_group_find(&d->user, DIA_External_Identifier, &a))
		dia_avp_text(&a, d->ext_id, sizeof(d->ext_id));
	if (dia_group_find(&d->user, DIA_MSISDN, &a))
		tool_tbcd_text(a.data, a.len, d->msisdn, sizeof(d->msisdn));
	if (!d->imsi[0] && !d->ext_id[0] && !d->msisdn[0]) {
		sim_refuse(s, p, msg, n, 5004, "nobody in it", &d->user, NULL);
		return false;
	}
	return true;
}

static bool read_action(struct sim *s, struct peer *p, const uint8_t *msg, size_t n, struct dtr *d)
{
	struct dia_avp a;

	if (dia_msg_find(msg, n, DIA_Trigger_Action, &a) && (!dia_avp_u32(&a, &d->action) || d->action > REPLACE)) {
		sim_refuse(s, p, msg, n, 5004, "no such action", &a, NULL);
		return false;
	}
	d->has_reference = tool_u32(msg, n, NULL, DIA_Reference_Number, &d->reference);
	d->has_old = tool_u32(msg, n, NULL, DIA_Old_Reference_Number, &d->old);
	if (d->action == REPLACE && !d->has_old) {
		sim_refuse(s, p, msg, n, 5005, "a replace names what it replaces", NULL, &dia_avps[DIA_Old_Reference_Number]);
		return false;
	}
	if (d->action == RECALL && !d->has_old && !d->has_reference) {
		sim_refuse(s, p, msg, n, 5005, "a recall names what it recalls", NULL, &dia_avps[DIA_Old_Reference_Number]);
		return false;
	}
	return true;
}

static bool read_dtr(struct sim *s, struct peer *p, const uint8_t *msg, size_t n, struct dtr *d)
{
	if (!read_user(s, p, msg, n, d) || !read_action(s, p, msg, n, d))
		return false;
	if (dia_msg_find(msg, n, DIA_SM_RP_SMEA, &d->smea_avp))
		tool_sme_text(d->smea_avp.data, d->smea_avp.len, d->smea, sizeof(d->smea));
	dia_msg_find(msg, n, DIA_Payload, &d->payload);
	d->has_port = tool_u32(msg, n, NULL, DIA_Application_Port_Identifier, &d->port);
	d->has_priority = tool_u32(msg, n, NULL, DIA_Priority_Indication, &d->priority);
	d->has_validity = tool_u32(msg, n, NULL, DIA_Validity_Time, &d->validity);
	d->has_features = tool_features(msg, n, &d->features);
	read_text(msg, n, DIA_Origin_Host, d->origin_host, sizeof(d->origin_host));
	read_text(msg, n, DIA_Origin_Realm, d->origin_realm, sizeof(d->origin_realm));
	read_nodes(d, msg, n);
	return true;
}

/* Judging. */

static void decide(struct verdict *v, const struct device *dev, enum sc_answer a)
{
	v->answer = a;
	v->silent = a == A_SILENT;
	v->wire = (struct sim_answer){ answers[a].code, answers[a].experimental, a == A_NONSENSE ? dev->nonsense : SENSE };
}

/* Keeps the new message and starts what will become of it. */
static void take(struct sim *s, struct peer *p, const struct device *dev, const struct dtr *d, const struct verdict *v)
{
	struct sc *sc = s->state;
	struct sc_trigger *t = sc_store_add(sc->store, s, d);

	if (!t) {
		sim_event(s, "error", "out of memory: a trigger is lost");
		return;
	}
	t->peer = p;
	t->answer = v->wire;
	t->has_answer = true;
	sc_schedule(t, dev, d);
	sc_book_take(t, d->t_flag);
}

static bool is_taken(const struct device *dev, enum sc_answer a)
{
	if (dev->has_stored)
		return dev->stored;
	return a == A_NATURAL || a == A_SUCCESS || a == A_SILENT || a == A_NONSENSE;
}

static void judge_trigger(struct sim *s, struct peer *p, const struct device *dev, const struct dtr *d, struct verdict *v)
{
	decide(v, dev, d->smea[0] ? dev->answer : A_INVALID_SME);
	if (is_taken(dev, v->answer) && d->smea[0])
		take(s, p, dev, d, v);
}

static void judge_recall(struct sim *s, const struct device *dev, const struct dtr *d, struct verdict *v)
{
	const struct sc_conf *conf = s->conf;
	struct sc *sc = s->state;
	struct sc_trigger *t = sc_store_find(sc->store, d->smea, d->has_old ? d->old : d->reference);
	bool pending = t && t->state == S_PENDING, does;
	enum sc_answer a = dev->recall_answer;

	if (t && t->recalled && d->t_flag) {
		decide(v, dev, a);
		v->wire = t->recall_answer;
		v->repeat = true;
		return;
	}
	if (a == A_NATURAL)
		a = !conf->supports_recall_replace ? A_RECALL_FAILURE : pending ? A_SUCCESS : A_NOT_PENDING;
	decide(v, dev, a);
	does = a == A_SUCCESS || a == A_SILENT || a == A_NONSENSE;
	if (does && pending) {
		t->state = S_RECALLED;
		sc_cancel(t);
	}
	if (t) {
		t->recalled = true;
		t->recall_answer = v->wire;
		sc_book_recall(t);
	}
}

static void judge_replace(struct sim *s, struct peer *p, const struct device *dev, const struct dtr *d, struct verdict *v)
{
	const struct sc_conf *conf = s->conf;
	struct sc *sc = s->state;
	struct sc_trigger *old = sc_store_find(sc->store, d->smea, d->old);
	bool pending = old && old->state == S_PENDING;
	enum sc_answer a = dev->replace_answer;

	/* Without the feature the two AVPs mean nothing here, and it is a new trigger. */
	if (a == A_NATURAL && !conf->supports_recall_replace) {
		judge_trigger(s, p, dev, d, v);
		return;
	}
	if (a == A_NATURAL)
		a = pending ? A_SUCCESS : A_NOT_PENDING;
	decide(v, dev, a);
	if (!is_taken(dev, a))
		return;
	if (pending) {
		old->state = S_REPLACED;
		sc_cancel(old);
		sc_book_note(old, "replace");
	}
	take(s, p, dev, d, v);
}

static void judge(struct sim *s, struct peer *p, const struct device *dev, const struct dtr *d, struct verdict *v)
{
	struct sc *sc = s->state;
	struct sc_trigger *known = NULL;

	if (d->has_reference && d->action != RECALL)
		known = sc_store_find(sc->store, d->smea, d->reference);
	if (known && d->t_flag && known->action == d->action && known->has_answer) {
		decide(v, dev, A_NATURAL);
		v->wire = known->answer;
		v->repeat = true;
		return;
	}
	v->duplicate = known && known->action == d->action;
	if (d->action == RECALL)
		judge_recall(s, dev, d, v);
	else if (d->action == REPLACE)
		judge_replace(s, p, dev, d, v);
	else
		judge_trigger(s, p, dev, d, v);
}

/* Telling. */

static void tell_json(struct sim *s, const struct peer *p, const struct dtr *d, const struct verdict *v)
{
	struct sc *sc = s->state;
	char nodes[8192] = "";
	struct json j;

	for (size_t i = 0; i < d->nnodes; i++) {
		size_t at = strlen(nodes);

		if (sizeof(nodes) - at > 8)
			tool_hex(d->nodes[i], d->node_len[i], nodes + at, sizeof(nodes) - at);
	}
	json_begin(&j, stdout, "dtr");
	json_number(&j, "count", sc->requests);
	json_text(&j, "peer", peer_remote_host(p));
	json_text(&j, "origin_host", d->origin_host);
	json_text(&j, "action", action_words[d->action]);
	json_text(&j, "imsi", d->imsi);
	json_text(&j, "ext_id", d->ext_id);
	json_text(&j, "msisdn", d->msisdn);
	json_text(&j, "smea", d->smea);
	if (d->has_reference)
		json_number(&j, "reference", d->reference);
	if (d->has_old)
		json_number(&j, "old_reference", d->old);
	json_hex(&j, "payload", d->payload.data, d->payload.len);
	if (d->has_port)
		json_number(&j, "port", d->port);
	if (d->has_priority)
		json_number(&j, "priority", d->priority);
	if (d->has_validity)
		json_number(&j, "validity", d->validity);
	if (d->has_features)
		json_number(&j, "features", d->features);
	json_text(&j, "nodes", nodes);
	json_bool(&j, "t_flag", d->t_flag);
	json_bool(&j, "repeat", v->repeat);
	json_bool(&j, "duplicate", v->duplicate);
	json_text(&j, "answer", v->repeat ? "as before" : sc_answer_words[v->answer]);
	if (v->wire.result && !v->silent)
		json_number(&j, "result_code", v->wire.result);
	if (v->wire.experimental)
		json_number(&j, "experimental_result", v->wire.experimental);
	json_end(&j);
}

static void tell(struct sim *s, const struct peer *p, const struct dtr *d, const struct verdict *v)
{
	struct sc *sc = s->state;
	char who[4 * TEXT_MAX], payload[128];
	const char *id = d->imsi[0] ? d->imsi : d->ext_id[0] ? d->ext_id : d->msisdn;

	if (s->json) {
		tell_json(s, p, d, v);
		return;
	}
	tool_printable(id, strlen(id), who, sizeof(who));
	tool_hex(d->payload.data, d->payload.len, payload, sizeof(payload));
	printf("DTR %u %s %s from SCS %s", sc->requests, action_words[d->action], who, d->smea[0] ? d->smea : "?");
	if (d->has_reference)
		printf(" reference %u", d->reference);
	if (d->has_old)
		printf(" old %u", d->old);
	if (d->action != RECALL)
		printf(" payload %s", payload);
	if (d->has_port)
		printf(" port %u", d->port);
	if (d->has_priority)
		printf(" priority %u", d->priority);
	if (d->has_validity)
		printf(" validity %u", d->validity);
	printf(" nodes %zu: %s%s%s\n", d->nnodes, v->repeat ? "as before" : sc_answer_words[v->answer],
	       d->t_flag ? ", T flag" : "", v->duplicate ? ", a number already in use" : "");
	fflush(stdout);
}

static void answer(struct sim *s, struct peer *p, const uint8_t *msg, size_t n, const struct device *dev,
                   const struct dtr *d,
                   const struct verdict *v)
{
	const struct sc_conf *conf = s->conf;
	struct dia_writer w = { 0 };

	if (v->silent)
		return;
	sim_answer_begin(&w, s, msg, n, &v->wire);
	if (v->wire.experimental && dev->has_diagnostic)
		dia_put_u32(&w, DIA_MTC_Error_Diagnostic, dev->diagnostic);
	if (d->action != TRIGGER && conf->supports_recall_replace) {
		if (d->has_old)
			dia_put_u32(&w, DIA_Old_Reference_Number, d->old);
		dia_put_u32(&w, DIA_Trigger_Action, d->action);
	}
	if (conf->supports_recall_replace) {
		dia_open(&w, DIA_Supported_Features);
		dia_put_u32(&w, DIA_Vendor_Id, DIA_VENDOR_3GPP);
		dia_put_u32(&w, DIA_Feature_List_ID, 1);
		dia_put_u32(&w, DIA_Feature_List, 1);
		dia_close(&w);
	}
	sim_answer_finish(&w, &v->wire);
	sim_send(s, p, &w, dev->delay_ms);
}

static void sc_request(struct sim *s, struct peer *p, const struct dia_hdr *h, const uint8_t *msg, size_t n)
{
	struct dtr d = { .t_flag = h->flags & DIA_F_RETRANSMIT };
	const struct device *dev;
	struct verdict v = { 0 };
	struct sc *sc = s->state;

	if (h->code != CMD_DT) {
		sim_refuse(s, p, msg, n, 3001, "an SMS-SC answers DTRs only", NULL, NULL);
		return;
	}
	if (sim_refuses(s, p, msg, n) || !read_dtr(s, p, msg, n, &d))
		return;
	sc->requests++;
	dev = sc_find(s->conf, d.imsi, d.ext_id, d.msisdn);
	judge(s, p, dev, &d, &v);
	tell(s, p, &d, &v);
	answer(s, p, msg, n, dev, &d, &v);
}

static void sc_end(struct sim *s)
{
	struct sc *sc = s->state;

	if (s->loop)
		sim_event(s, "summary", "%u requests, %u delivered, %u reports sent", sc->requests, sc->delivered, sc->reports);
	sc_store_free(sc->store);
	sc->store = NULL;
	if (sc->book)
		fclose(sc->book);
}

int main(int argc, char **argv)
{
	static const char *const keys[] = { "devices", "default", "supports_recall_replace", "drr_timeout_ms", "drr_retries",
	                                    "store_file", NULL };
	static const struct sim_ops ops = {
		.name = "sim-smssc", .what = "An SMS-SC for the MTC-IWF (T4, TS 29.337) that does what its file says.",
		.app = APP_T4, .keys = keys, .load = sc_load, .unload = sc_unload, .request = sc_request, .answer = sc_got_dra,
		.begin = sc_book_open, .opened = sc_peer_opened, .closed = sc_peer_closed, .end = sc_end,
	};
	struct sc *sc = calloc(1, sizeof(*sc));
	int status;

	if (sc)
		sc->store = sc_store_new();
	if (!sc || !sc->store) {
		fputs("sim-smssc: out of memory\n", stderr);
		free(sc);
		return 1;
	}
	status = sim_main(argc, argv, &ops, sc);
	sc_store_free(sc->store);
	free(sc);
	return status;
}
