#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "policy.h"
#include "service_int.h"

/* After a start the SMS-SCs connect one by one: so long a submission that is taken
 * up again waits for its own one before it goes elsewhere or is given up. */
#define RESUME_PATIENCE_MS 60000
#define RESUME_AGAIN_MS    2000
#define SUBMISSIONS_UNANSWERED_MAX 2

/* ---- which SMS-SC */

int svc_smssc_by_host(const struct iwf_service_conf *conf, const char *host)
{
	for (size_t i = 0; i < conf->nsmssc; i++)
		if (strcasecmp(conf->smssc[i].node.host, host) == 0)
			return (int)i;
	return -1;
}

/* The first in order of priority and of the file that has not been tried. */
static int best_smssc(const struct iwf_service_conf *conf, uint32_t tried)
{
	int best = -1;

	for (size_t i = 0; i < conf->nsmssc; i++)
		if (!(tried & 1u << i) && (best < 0 || conf->smssc[i].priority < conf->smssc[best].priority))
			best = (int)i;
	return best;
}

bool svc_smssc_recalls(const struct iwf_service *svc, int smssc)
{
	if (smssc < 0)
		return false;
	return svc->conf->smssc[smssc].recall_replace == IWF_RECALL_YES ||
	       (svc->conf->smssc[smssc].recall_replace == IWF_RECALL_LEARN && svc->recalls[smssc] == SVC_LEARNED_YES);
}

static bool smssc_cannot_recall(const struct iwf_service *svc, int smssc)
{
	return svc->conf->smssc[smssc].recall_replace == IWF_RECALL_NO ||
	       (svc->conf->smssc[smssc].recall_replace == IWF_RECALL_LEARN && svc->recalls[smssc] == SVC_LEARNED_NO);
}

static void learn(struct iwf_service *svc, int smssc, const struct t4_dta *dta)
{
	if (dta->kind == T4_ANSWERED && dta->has_features)
		svc->recalls[smssc] = dta->features & TSP_FEATURE_RECALL_REPLACE ? SVC_LEARNED_YES : SVC_LEARNED_NO;
}

/* Static routing of the subscription, if that SMS-SC is configured. */
static int static_smssc(const struct svc_ask *a)
{
	return a->has_local && a->sub.smssc[0] ? svc_smssc_by_host(a->svc->conf, a->sub.smssc) : -1;
}

enum iwf_err svc_check_smssc(struct svc_ask *a)
{
	const struct iwf_service_conf *conf = a->svc->conf;
	const bool recall = a->dar->action == TSP_RECALL;

	if (a->dar->action == TSP_TRIGGER) {
		a->smssc = static_smssc(a);
		if (a->smssc < 0)
			a->smssc = best_smssc(conf, 0);
		if (a->smssc < 0)
			return svc_refuse(a, TSP_TEMPORARYERROR, RS_SMSSC_UNREACHABLE, "no SMS-SC is configured");
	} else {
		a->smssc = svc_smssc_by_host(conf, a->original.smssc);
		if (a->smssc < 0)
			return svc_refuse(a, TSP_TEMPORARYERROR, RS_SMSSC_UNREACHABLE, "%.100s, which has the trigger, is not configured",
			                  a->original.smssc);
		if (smssc_cannot_recall(a->svc, a->smssc))
			return svc_refuse(a, recall ? TSP_RECALLFAIL : TSP_REPLACEFAIL, RS_SMSSC_NO_SUPPORT, "%.100s",
			                  a->original.smssc);
	}
	snprintf(a->detail, sizeof a->detail, "%.100s", conf->smssc[a->smssc].node.host);
	return IWF_OK;
}

/* ---- submission */

/* What is left of the validity, in seconds; false: it is over.  One of 0 asks for a
 * single attempt and does not end before that (TS 23.682 5.2.2). */
static bool validity_left(const struct iwf_service *svc, const struct iwf_trigger *row, uint32_t *left_s)
{
	const int64_t whole_ms = row->validity_end_ms - row->received_ms;
	int64_t left_ms = row->validity_end_ms - svc->now_ms;

	if (left_ms > whole_ms)
		left_ms = whole_ms;   /* the clock has gone back */
	*left_s = left_ms > 0 ? (uint32_t)((left_ms + 999) / 1000) : 0;
	return left_ms > 0 || whole_ms == 0;
}

static void fill_dtr_trigger(const struct iwf_service *svc, const struct iwf_trigger *row, struct t4_dtr *dtr)
{
	dtr->action = row->action == TSP_REPLACE ? T4_REPLACE : T4_TRIGGER;
	dtr->has_old_reference = row->action == TSP_REPLACE;
	dtr->old_reference = row->old_reference;
	dtr->priority = row->priority;
	dtr->has_port = row->port >= 0;
	dtr->port = dtr->has_port ? (uint32_t)row->port : 0;
	dtr->has_validity = true;
	validity_left(svc, row, &dtr->validity_s);
}

/* To t->smssc. */
static enum iwf_err send_dtr(struct iwf_service *svc, struct svc_txn *t, struct iwf_effects *fx)
{
	const struct iwf_trigger *row = &t->row;
	uint8_t *blob = malloc(row->payload_len + row->nodes_len + 1);
	struct iwf_effect *e;
	struct t4_dtr *dtr;

	if (!blob)
		return IWF_ENOMEM;
	t->tried |= 1u << t->smssc;
	e = iwf_effects_add(fx, IWF_FX_SUBMIT);
	e->u.submit.txn = t->id;
	e->u.submit.to = svc->conf->smssc[t->smssc].node;
	e->u.submit.timeout_ms = svc->conf->smssc_timeout_ms;
	dtr = &e->u.submit.dtr;
	dtr->blob = blob;
	/* A DAR with the T flag that we don't know may have been submitted by another node. */
	dtr->retransmitted = t->resumed || t->maybe_taken || (t->dar && t->dar->retransmitted);
	dtr->imsi = row->imsi;
	memcpy(dtr->ext_id, row->ext_id, sizeof dtr->ext_id);
	memcpy(dtr->msisdn, row->msisdn, sizeof dtr->msisdn);
	memcpy(dtr->smea, row->smea, sizeof dtr->smea);
	dtr->reference = row->reference;
	if (row->action == TSP_RECALL) {
		/* The number to recall, in both places where an SMS-SC may look for it. */
		dtr->action = T4_RECALL;
		dtr->has_old_reference = true;
		dtr->old_reference = row->reference;
		return IWF_OK;
	}
	fill_dtr_trigger(svc, row, dtr);
	if (row->payload_len)
		memcpy(blob, row->payload, row->payload_len);
	if (row->nodes_len)
		memcpy(blob + row->payload_len, row->nodes, row->nodes_len);
	dtr->payload = (struct iwf_view){ blob, row->payload_len };
	dtr->nodes = (struct iwf_view){ blob + row->payload_len, row->nodes_len };
	return IWF_OK;
}

static enum iwf_err submit(struct iwf_service *svc, struct svc_txn *t, struct iwf_effects *fx)
{
	return svc_line_pass(svc, t->smssc) ? send_dtr(svc, t, fx) : svc_line_join(svc, t, fx);
}

static void copy_view(struct iwf_view v, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)v.n, v.n ? (const char *)v.p : "");
}

static void fill_row(const struct svc_ask *a, const struct svc_device *device, struct iwf_trigger *row)
{
	const struct tsp_dar *dar = a->dar;
	const struct iwf_service_conf *conf = a->svc->conf;

	row->scs_id = a->scs.id;
	row->reference = dar->reference;
	row->action = dar->action;
	row->target_id = a->original.id;
	row->old_reference = dar->action == TSP_REPLACE ? dar->old_reference : 0;
	row->subscription_id = a->has_local ? a->sub.id : 0;
	row->imsi = device->imsi;
	if (dar->has_ext_id)
		copy_view(dar->ext_id, row->ext_id, sizeof row->ext_id);
	memcpy(row->msisdn, a->msisdn, sizeof row->msisdn);
	memcpy(row->scs_identity, a->scs_identity, sizeof row->scs_identity);
	/* On T4 the original is known by its own number. */
	memcpy(row->smea, dar->action == TSP_TRIGGER ? a->smea : a->original.smea, sizeof row->smea);
	memcpy(row->dest_host, a->scs.origin_host, sizeof row->dest_host);
	memcpy(row->dest_realm, a->scs.origin_realm, sizeof row->dest_realm);
	row->state = TRG_SUBMITTING;
	row->request_status = row->outcome = row->diagnostic = -1;
	row->end_to_end = dar->end_to_end;
	memcpy(row->content_hash, a->hash, sizeof row->content_hash);
	row->received_ms = a->now_ms;
	row->port = -1;
	memcpy(row->smssc, conf->smssc[a->smssc].node.host, sizeof row->smssc);
	if (dar->action == TSP_RECALL)
		return;
	row->validity_end_ms = a->now_ms + (int64_t)iwf_policy_validity_s(dar, &a->scs, conf) * 1000;
	row->priority = dar->priority;
	row->port = dar->has_port ? (int32_t)dar->port : -1;
	row->payload = dar->payload.p;
	row->payload_len = dar->payload.n;
	row->nodes = device->nodes;
	row->nodes_len = device->nodes_len;
}

/* The original moves with us, unless somebody else has moved it: then ours ends at once. */
static enum iwf_err claim_original(struct svc_ask *a, struct iwf_trigger *row)
{
	const enum trg_event event = row->action == TSP_RECALL ? EV_RECALL : EV_REPLACE;
	struct iwf_trigger_change end = IWF_TRIGGER_NO_CHANGE;
	const struct trg_rule *rule;
	enum iwf_err err = svc_move(a->svc, &a->original, event, NULL, &rule);

	if (err || rule)
		return err;
	err = STORE(a->svc, trigger_get, a->original.id, &a->original);
	if (err && err != IWF_ENOENT)
		return err;
	svc_check_original_state(a);
	if (a->verdict == SVC_GOES_ON)
		svc_refuse(a, TSP_TEMPORARYERROR, RS_ORIGINAL_BUSY, "row %" PRId64, a->original.id);
	end.request_status = (int)a->reply.status;
	end.answered_ms = end.ended_ms = a->svc->now_ms;
	return svc_move(a->svc, row, EV_REFUSED, &end, &rule);
}

/* With t->ask, the device in t->row and the nodes in t->nodes. */
static enum iwf_err begin(struct iwf_service *svc, struct svc_txn *t, struct iwf_effects *fx)
{
	const struct svc_device device = { t->row.imsi, t->nodes, t->row.nodes_len };
	struct svc_ask *a = t->ask;
	struct iwf_trigger row = { .id = 0 };
	enum iwf_err err;

	fill_row(a, &device, &row);
	err = STORE(svc, trigger_insert, &row);
	if (err == IWF_ECONFLICT)
		err = svc_refuse(a, TSP_PERMANENTERROR, RS_REFERENCE_IN_USE, "another trigger of that number is under way");
	else if (!err && row.target_id)
		err = claim_original(a, &row);
	if (err)
		return err;
	if (a->verdict != SVC_GOES_ON)
		return svc_txn_refuse(svc, t, a, fx);
	svc_txn_set_row(svc, t, &row);
	t->pinned = row.action != TSP_TRIGGER || static_smssc(a) >= 0;
	free(t->ask);
	t->ask = NULL;
	return send_dtr(svc, t, fx);
}

enum iwf_err svc_t4_begin(struct iwf_service *svc, struct svc_txn *t, struct svc_ask *a, const struct svc_device *device,
                          struct iwf_effects *fx)
{
	t->ask = a;
	t->smssc = a->smssc;
	t->row.imsi = device->imsi;
	if (device->nodes_len) {
		t->nodes = malloc(device->nodes_len);
		if (!t->nodes)
			return IWF_ENOMEM;
		memcpy(t->nodes, device->nodes, device->nodes_len);
		t->row.nodes_len = device->nodes_len;
	}
	return svc_line_pass(svc, t->smssc) ? begin(svc, t, fx) : svc_line_join(svc, t, fx);
}

/* ---- what an answer means (docs/CONFORMANCE.md) */

struct t4_end {
	enum tsp_status status;
	enum iwf_reason reason;
	bool elsewhere;       /* another SMS-SC may do better */
	bool maybe_taken;     /* this one may have it although it did not say so */
	bool may_stay;        /* a replace whose original had gone: the SMS-SC may take it for a trigger */
	char detail[160];
};

static void read_code(const struct iwf_service_conf *conf, enum tsp_action action, const struct t4_dta *dta, struct t4_end *end)
{
	end->status = TSP_PERMANENTERROR;
	switch (dta->experimental) {
	case 0:
		break;
	case T4_EXP_REPLACE_FAILURE:
		if (action == TSP_REPLACE)
			end->status = TSP_REPLACEFAIL;
		return;
	case T4_EXP_RECALL_FAILURE:
		if (action == TSP_RECALL)
			end->status = TSP_RECALLFAIL;
		return;
	case T4_EXP_ORIGINAL_NOT_PENDING:
		if (action != TSP_TRIGGER)
			end->status = TSP_ORIGINALMESSAGESENT;
		end->may_stay = action == TSP_REPLACE;
		return;
	case T4_EXP_SC_CONGESTION:
		if (conf->congestion_is_temporary)
			end->status = TSP_TEMPORARYERROR;
		return;
	default:
		if (dta->experimental / 1000 == 4)
			end->status = TSP_TEMPORARYERROR;
		return;
	}
	if (dta->result_code / 1000 == 3 || dta->result_code / 1000 == 4)
		end->status = TSP_TEMPORARYERROR;
	end->elsewhere = dta->result_code == DIAMETER_UNABLE_TO_DELIVER || dta->result_code == DIAMETER_TOO_BUSY;
}

static void read_dta(const struct iwf_service_conf *conf, const struct svc_txn *t, const struct t4_dta *dta, struct t4_end *end)
{
	const char *host = conf->smssc[t->smssc].node.host;
	const bool says_nothing = dta->kind == T4_ANSWERED && !dta->experimental && dta->result_code / 1000 < 2;

	*end = (struct t4_end){ .status = TSP_TEMPORARYERROR, .reason = RS_SMSSC_REFUSED };
	snprintf(end->detail, sizeof end->detail, "%.100s", host);
	if (dta->kind == T4_UNREACHABLE) {
		end->reason = RS_SMSSC_UNREACHABLE;
		end->elsewhere = true;
	} else if (dta->kind == T4_TIMEOUT) {
		end->reason = RS_SMSSC_TIMEOUT;
		end->elsewhere = end->maybe_taken = true;
	} else if (dta->kind == T4_NONSENSE || says_nothing) {
		end->reason = RS_SMSSC_NONSENSE;
		end->elsewhere = end->maybe_taken = true;
	} else if (!dta->experimental && dta->result_code / 1000 == 2) {
		end->status = TSP_SUCCESS;
		end->reason = RS_NONE;
	} else {
		read_code(conf, t->row.action, dta, end);
		snprintf(end->detail, sizeof end->detail, "%.100s: %s %u", host, dta->experimental ? "experimental result" : "result",
		         dta->experimental ? dta->experimental : dta->result_code);
	}
}

/* ---- the end of a submission */

enum iwf_err svc_t4_target_done(struct iwf_service *svc, const struct iwf_trigger *row, bool success)
{
	const bool recall = row->action == TSP_RECALL;
	struct iwf_trigger_change change = IWF_TRIGGER_NO_CHANGE;
	const struct trg_rule *rule;
	struct iwf_trigger target;
	enum iwf_err err;

	if (!row->target_id)
		return IWF_OK;
	err = STORE(svc, trigger_get, row->target_id, &target);
	if (err)
		return err == IWF_ENOENT ? IWF_OK : err;
	if (success)
		change.ended_ms = svc->now_ms;
	/* A report may have ended it meanwhile: then it stays as it ended. */
	return svc_move(svc, &target, success ? (recall ? EV_RECALL_OK : EV_REPLACE_OK) : (recall ? EV_RECALL_FAILED : EV_REPLACE_FAILED),
	                &change, &rule);
}

static enum trg_event event_of(const struct iwf_trigger *row, enum tsp_status status, bool uncertain)
{
	const bool recall = row->action == TSP_RECALL;

	if (status == TSP_SUCCESS)
		return recall ? EV_RECALL_OK : EV_ACCEPTED;
	if (uncertain)
		return EV_NO_ANSWER;
	return recall ? EV_RECALL_FAILED : EV_REFUSED;
}

/* Journal, original and audit; whoever waits is answered by the caller. */
static enum iwf_err end_row(struct iwf_service *svc, struct iwf_trigger *row, const struct tsp_dar *dar, const struct t4_end *end,
                            int diagnostic, bool uncertain)
{
	struct iwf_trigger_change change = { .request_status = (int)end->status, .outcome = -1, .diagnostic = diagnostic,
	                                     .answered_ms = svc->now_ms };
	const enum trg_event event = event_of(row, end->status, uncertain);
	const struct trg_rule *rule = trg_rule(row->state, event);
	struct svc_about about;
	enum iwf_err err;

	if (rule && trg_state_is_final(rule->to))
		change.ended_ms = svc->now_ms;
	err = svc_move(svc, row, event, &change, &rule);
	if (!err)
		err = svc_t4_target_done(svc, row, end->status == TSP_SUCCESS);
	if (err)
		return err;
	row->request_status = (int)end->status;
	row->diagnostic = diagnostic;
	if (dar)
		svc_about_dar(&about, dar, row->scs_id, row->subscription_id);
	else
		svc_about_row(&about, row);
	return svc_audit(svc, &about, end->status == TSP_SUCCESS ? "accepted" : end->status == TSP_TEMPORARYERROR ? "failed" : "refused",
	                 end->reason, (int)end->status, end->detail);
}

/* Should another SMS-SC have a try?  -1: no, or there is none. */
static int fail_over_to(const struct iwf_service *svc, const struct svc_txn *t, const struct t4_end *end)
{
	uint32_t left_s;

	if (!end->elsewhere || t->pinned || t->maybe_taken >= SUBMISSIONS_UNANSWERED_MAX || !validity_left(svc, &t->row, &left_s))
		return -1;
	return best_smssc(svc->conf, t->tried);
}

static enum iwf_err fail_over(struct iwf_service *svc, struct svc_txn *t, int smssc, struct iwf_effects *fx)
{
	struct iwf_trigger_change change = IWF_TRIGGER_NO_CHANGE;
	enum iwf_err err;

	change.smssc = svc->conf->smssc[smssc].node.host;
	err = STORE(svc, trigger_move, t->row.id, TRG_SUBMITTING, TRG_SUBMITTING, &change);
	if (err && err != IWF_ECONFLICT && err != IWF_ENOENT)
		return err;
	t->smssc = smssc;
	memcpy(t->row.smssc, change.smssc, strlen(change.smssc) + 1);
	return submit(svc, t, fx);
}

enum iwf_err iwf_service_dta(struct iwf_service *svc, uint64_t txn, const struct t4_dta *dta, int64_t now_ms, struct iwf_effects *fx)
{
	struct svc_txn *t = svc_txn_by_id(svc, txn);
	struct svc_reply reply = { DIAMETER_SUCCESS, TSP_TEMPORARYERROR, -1, -1 };
	struct t4_end end;
	enum iwf_err err;
	int next;

	svc_at(svc, now_ms);
	if (!t || !t->row.id || t->lane)
		return IWF_OK;
	svc_txn_touch(svc, t);
	learn(svc, t->smssc, dta);
	if (dta->kind == T4_UNREACHABLE && t->resumed && !t->maybe_taken && now_ms < svc->recover_until_ms) {
		svc->recover_again_ms = now_ms + RESUME_AGAIN_MS;
		svc_txn_end(svc, t, &reply, fx);
		return IWF_OK;
	}
	read_dta(svc->conf, t, dta, &end);
	t->maybe_taken += end.maybe_taken;
	next = fail_over_to(svc, t, &end);
	if (next >= 0)
		return fail_over(svc, t, next, fx);

	reply.status = end.status;
	reply.diagnostic = dta->kind == T4_ANSWERED && dta->has_diagnostic && dta->diagnostic <= INT32_MAX ? (int)dta->diagnostic : -1;
	reply.smssc = t->smssc;
	err = end_row(svc, &t->row, t->dar, &end, reply.diagnostic,
	              t->maybe_taken || end.may_stay || (t->resumed && dta->kind != T4_ANSWERED));
	if (!err)
		svc_txn_end(svc, t, &reply, fx);
	return err ? err : svc_line_move(svc, false, fx);
}

/* ---- a turn in the waiting line */

/* Has its validity ended meanwhile? */
static bool is_over(const struct iwf_service *svc, const struct svc_txn *t)
{
	uint32_t left_s;

	if (t->recall)
		return false;
	if (!t->ask)
		return !validity_left(svc, &t->row, &left_s);
	left_s = iwf_policy_validity_s(t->dar, &t->ask->scs, svc->conf);
	return left_s && svc->now_ms >= t->ask->now_ms + (int64_t)left_s * 1000;
}

enum iwf_err svc_t4_turn(struct iwf_service *svc, struct svc_txn *t, struct iwf_effects *fx)
{
	if (is_over(svc, t))
		return svc_t4_no_turn(svc, t, "its validity ended in the waiting line", fx);
	svc_txn_touch(svc, t);
	return t->ask ? begin(svc, t, fx) : send_dtr(svc, t, fx);
}

enum iwf_err svc_t4_no_turn(struct iwf_service *svc, struct svc_txn *t, const char *why, struct iwf_effects *fx)
{
	static const struct svc_reply not_now = { DIAMETER_SUCCESS, TSP_TEMPORARYERROR, -1, -1 };
	const char *host = svc->conf->smssc[t->smssc].node.host;
	struct t4_end end = { .status = TSP_TEMPORARYERROR, .reason = RS_SMSSC_BUSY };
	enum iwf_err err;

	svc_txn_touch(svc, t);
	if (t->ask) {
		svc_refuse(t->ask, end.status, end.reason, "%.100s: %s", host, why);
		return svc_txn_refuse(svc, t, t->ask, fx);
	}
	snprintf(end.detail, sizeof end.detail, "%.100s: %s", host, why);
	err = end_row(svc, &t->row, t->dar, &end, -1, t->maybe_taken || t->resumed);
	if (!err)
		svc_txn_end(svc, t, &not_now, fx);
	return err;
}

/* ---- after a crash, or a rollback */

/* May only its own SMS-SC have it?  By the routing as it is now. */
static enum iwf_err is_pinned(struct iwf_service *svc, const struct iwf_trigger *row, bool *pinned)
{
	const struct iwf_view ext_id = { (const uint8_t *)row->ext_id, strlen(row->ext_id) };
	struct iwf_subscription sub;
	struct iwf_extid ext;
	enum iwf_err err = IWF_ENOENT;

	*pinned = row->action != TSP_TRIGGER;
	if (*pinned || !row->subscription_id)
		return IWF_OK;
	if (!ext_id.n)
		err = STORE(svc, subscription_by_msisdn, row->msisdn, &sub);
	else if (!iwf_extid_parse(ext_id, &ext))
		err = STORE(svc, subscription_by_ext_id, ext.text, row->scs_id, &sub);
	if (err)
		return err == IWF_ENOENT ? IWF_OK : err;
	*pinned = sub.id == row->subscription_id && sub.smssc[0] && svc_smssc_by_host(svc->conf, sub.smssc) >= 0;
	return IWF_OK;
}

enum iwf_err svc_t4_resume(struct iwf_service *svc, struct iwf_trigger *row, struct svc_txn **txn, struct iwf_effects *fx)
{
	const int smssc = svc_smssc_by_host(svc->conf, row->smssc);
	const struct t4_end lost = { .status = TSP_TEMPORARYERROR, .reason = RS_SMSSC_UNREACHABLE, .detail = "taken up again too late" };
	struct svc_txn *t;
	enum iwf_err err;

	*txn = NULL;
	if (smssc < 0 || (row->action != TSP_RECALL && row->validity_end_ms <= svc->now_ms))
		return end_row(svc, row, NULL, &lost, -1, true);
	if (!svc_line_pass(svc, smssc)) {
		svc->recover_again_ms = svc->now_ms + 1;
		return IWF_OK;
	}
	t = svc_txn_new(svc, row->scs_id, row->reference, row->action == TSP_RECALL, row->content_hash);
	if (!t)
		return IWF_ENOMEM;
	err = STORE(svc, trigger_payload, row->id, &t->payload, &row->payload_len, &t->nodes, &row->nodes_len);
	if (!err)
		err = is_pinned(svc, row, &t->pinned);
	if (err)
		return err;
	row->payload = t->payload;
	row->nodes = t->nodes;
	svc_txn_set_row(svc, t, row);
	t->smssc = smssc;
	t->resumed = true;
	*txn = t;
	return send_dtr(svc, t, fx);
}

void svc_recover_restart(struct iwf_service *svc)
{
	svc->recover = SVC_RECOVER_ROWS;
	svc->recover_after_id = 0;
	svc->recover_again_ms = 0;
}

/* First the rows in SUBMITTING; what they are about is then known to be under
 * way, and any other row in RECALLING or REPLACING is not, unless there are rows
 * left that wait for their SMS-SC: then a later round knows. */
static enum iwf_err recover_row(struct iwf_service *svc, struct iwf_trigger *row, struct iwf_effects *fx)
{
	const struct trg_rule *rule;
	struct svc_txn *t;

	if (svc->recover == SVC_RECOVER_ROWS)
		return row->state == TRG_SUBMITTING && !svc_txn_by_row(svc, row->id) ? svc_t4_resume(svc, row, &t, fx) : IWF_OK;
	if (row->state == TRG_SUBMITTING || svc->recover_again_ms || svc_txn_targets(svc, row->id))
		return IWF_OK;
	return svc_move(svc, row, row->state == TRG_RECALLING ? EV_RECALL_FAILED : EV_REPLACE_FAILED, NULL, &rule);
}

enum iwf_err svc_recover_portion(struct iwf_service *svc, struct iwf_effects *fx)
{
	enum iwf_err err;
	size_t n = 0;

	if (svc->recover == SVC_RECOVERED) {
		if (!svc->recover_again_ms || svc->now_ms < svc->recover_again_ms)
			return IWF_OK;
		svc_recover_restart(svc);
	}
	err = STORE(svc, trigger_unfinished, svc->recover_after_id, svc->rows, SVC_PORTION, &n);
	for (size_t i = 0; i < n && !err; i++) {
		svc->recover_after_id = svc->rows[i].id;
		err = recover_row(svc, &svc->rows[i], fx);
	}
	if (!err && n < SVC_PORTION) {
		svc->recover = svc->recover == SVC_RECOVER_ROWS ? SVC_RECOVER_TARGETS : SVC_RECOVERED;
		svc->recover_after_id = 0;
	}
	return err;
}

enum iwf_err iwf_service_recover(struct iwf_service *svc, int64_t now_ms, struct iwf_effects *fx)
{
	svc_at(svc, now_ms);
	svc->recover_until_ms = now_ms + RESUME_PATIENCE_MS;
	svc_recover_restart(svc);
	return svc_recover_portion(svc, fx);
}
