/* store_sqlite_journal.c - journal, outbox and quota counters in SQLite. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"
#include "private.h"
#include "store_sqlite.h"

static enum iwf_err number_is_free(struct iwf_store *st, const struct iwf_trigger *t)
{
	struct query q;
	bool used;
	enum iwf_err e;

	if (t->action == TSP_RECALL)
		return IWF_OK;
	iwf_sqlite_start(&q, st, ST_TRIGGER_NUMBER_STATE, "trigger_insert");
	iwf_sqlite_bind_int(&q, ":scs", t->scs_id);
	iwf_sqlite_bind_int(&q, ":reference", t->reference);
	iwf_sqlite_bind_int(&q, ":recall", 0);
	used = iwf_sqlite_row(&q) && !trg_state_is_final((enum trg_state)iwf_sqlite_col_int(&q));
	e = iwf_sqlite_end(&q);
	return e == IWF_OK && used ? iwf_sqlite_refuse(&q, IWF_ECONFLICT, "this reference is under way") : e;
}

enum iwf_err iwf_sqlite_trigger_insert(struct iwf_store *st, struct iwf_trigger *t)
{
	struct query q;
	enum iwf_err e;

	t->id = 0;
	iwf_private_note(t->imsi.digits);
	if ((e = number_is_free(st, t)) != IWF_OK)
		return e;
	iwf_sqlite_start(&q, st, ST_TRIGGER_INSERT, "trigger_insert");
	iwf_sqlite_bind_int(&q, ":scs", t->scs_id);
	iwf_sqlite_bind_int(&q, ":reference", t->reference);
	iwf_sqlite_bind_int(&q, ":action", t->action);
	iwf_sqlite_bind_opt(&q, ":target", t->target_id, 0);
	iwf_sqlite_bind_opt(&q, ":old_reference", t->action == TSP_REPLACE ? (int64_t)t->old_reference : -1, -1);
	iwf_sqlite_bind_opt(&q, ":sub", t->subscription_id, 0);
	iwf_sqlite_bind_text(&q, ":imsi", t->imsi.digits);
	iwf_sqlite_bind_opt_text(&q, ":ext_id", t->ext_id);
	iwf_sqlite_bind_opt_text(&q, ":msisdn", t->msisdn);
	iwf_sqlite_bind_opt_text(&q, ":scs_identity", t->scs_identity);
	iwf_sqlite_bind_text(&q, ":smea", t->smea);
	iwf_sqlite_bind_text(&q, ":dest_host", t->dest_host);
	iwf_sqlite_bind_text(&q, ":dest_realm", t->dest_realm);
	iwf_sqlite_bind_int(&q, ":state", t->state);
	iwf_sqlite_bind_opt(&q, ":status", t->request_status, -1);
	iwf_sqlite_bind_opt(&q, ":outcome", t->outcome, -1);
	iwf_sqlite_bind_opt(&q, ":diagnostic", t->diagnostic, -1);
	iwf_sqlite_bind_int(&q, ":e2e", t->end_to_end);
	iwf_sqlite_bind_blob(&q, ":hash", t->content_hash, sizeof(t->content_hash));
	iwf_sqlite_bind_int(&q, ":received", t->received_ms);
	iwf_sqlite_bind_opt(&q, ":answered", t->answered_ms, 0);
	iwf_sqlite_bind_opt(&q, ":ended", t->ended_ms, 0);
	iwf_sqlite_bind_opt(&q, ":validity_end", t->validity_end_ms, 0);
	iwf_sqlite_bind_int(&q, ":priority", t->priority);
	iwf_sqlite_bind_opt(&q, ":port", t->port, -1);
	iwf_sqlite_bind_opt_text(&q, ":smssc", t->smssc);
	iwf_sqlite_bind_blob(&q, ":payload", t->payload, t->payload_len);
	iwf_sqlite_bind_blob(&q, ":nodes", t->nodes, t->nodes_len);
	e = iwf_sqlite_run(&q, NULL);
	if (e == IWF_OK)
		t->id = sqlite3_last_insert_rowid(q.s->db);
	return e;
}

static void trigger_columns(struct query *q, struct iwf_trigger *t)
{
	memset(t, 0, sizeof(*t));
	t->id = iwf_sqlite_col_int(q);
	t->scs_id = iwf_sqlite_col_int(q);
	t->reference = (uint32_t)iwf_sqlite_col_int(q);
	t->action = (enum tsp_action)iwf_sqlite_col_int(q);
	t->target_id = iwf_sqlite_col_int(q);
	t->old_reference = (uint32_t)iwf_sqlite_col_int(q);
	t->subscription_id = iwf_sqlite_col_int(q);
	iwf_sqlite_col_imsi(q, &t->imsi);
	iwf_sqlite_col_text(q, t->ext_id, sizeof(t->ext_id));
	iwf_sqlite_col_text(q, t->msisdn, sizeof(t->msisdn));
	iwf_sqlite_col_text(q, t->scs_identity, sizeof(t->scs_identity));
	iwf_sqlite_col_text(q, t->smea, sizeof(t->smea));
	iwf_sqlite_col_text(q, t->dest_host, sizeof(t->dest_host));
	iwf_sqlite_col_text(q, t->dest_realm, sizeof(t->dest_realm));
	t->state = (enum trg_state)iwf_sqlite_col_int(q);
	t->request_status = (int)iwf_sqlite_col_int(q);
	t->outcome = (int)iwf_sqlite_col_int(q);
	t->diagnostic = (int)iwf_sqlite_col_int(q);
	t->end_to_end = (uint32_t)iwf_sqlite_col_int(q);
	iwf_sqlite_col_fixed(q, t->content_hash, sizeof(t->content_hash));
	t->received_ms = iwf_sqlite_col_int(q);
	t->answered_ms = iwf_sqlite_col_int(q);
	t->ended_ms = iwf_sqlite_col_int(q);
	t->validity_end_ms = iwf_sqlite_col_int(q);
	t->priority = iwf_sqlite_col_int(q);
	t->port = (int32_t)iwf_sqlite_col_int(q);
	iwf_sqlite_col_text(q, t->smssc, sizeof(t->smssc));
}

static enum iwf_err trigger_one(struct query *q, struct iwf_trigger *out)
{
	if (iwf_sqlite_row(q))
		trigger_columns(q, out);
	return iwf_sqlite_end_one(q);
}

static enum iwf_err trigger_many(struct query *q, struct iwf_trigger *out, size_t max, size_t *n)
{
	enum iwf_err e;

	*n = 0;
	while (iwf_sqlite_row(q)) {
		if (*n < max)
			trigger_columns(q, &out[*n]);
		++*n;
	}
	e = iwf_sqlite_end(q);
	if (e != IWF_OK)
		*n = 0;
	return e;
}

enum iwf_err iwf_sqlite_trigger_get(struct iwf_store *st, int64_t id, struct iwf_trigger *out)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_TRIGGER_GET, "trigger_get");
	iwf_sqlite_bind_int(&q, ":id", id);
	return trigger_one(&q, out);
}

enum iwf_err iwf_sqlite_trigger_by_ref(struct iwf_store *st, int64_t scs_id, uint32_t reference, bool recall, struct iwf_trigger *out)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_TRIGGER_BY_REF, "trigger_by_ref");
	iwf_sqlite_bind_int(&q, ":scs", scs_id);
	iwf_sqlite_bind_int(&q, ":reference", reference);
	iwf_sqlite_bind_int(&q, ":recall", recall);
	return trigger_one(&q, out);
}

enum iwf_err iwf_sqlite_trigger_by_e2e(struct iwf_store *st, int64_t scs_id, uint32_t reference, bool recall, uint32_t e2e,
                                       int64_t since_ms, struct iwf_trigger *out)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_TRIGGER_BY_E2E, "trigger_by_e2e");
	iwf_sqlite_bind_int(&q, ":scs", scs_id);
	iwf_sqlite_bind_int(&q, ":reference", reference);
	iwf_sqlite_bind_int(&q, ":recall", recall);
	iwf_sqlite_bind_int(&q, ":e2e", e2e);
	iwf_sqlite_bind_int(&q, ":since", since_ms);
	return trigger_one(&q, out);
}

static enum iwf_err by_smea(struct iwf_store *st, enum sqlite_stmt n, const char *smea, uint32_t reference, struct iwf_trigger *out)
{
	struct query q;

	iwf_sqlite_start(&q, st, n, "trigger_by_smea");
	iwf_sqlite_bind_text(&q, ":smea", smea);
	iwf_sqlite_bind_int(&q, ":reference", reference);
	return trigger_one(&q, out);
}

enum iwf_err iwf_sqlite_trigger_by_smea(struct iwf_store *st, const char *smea, uint32_t reference, struct iwf_trigger *out)
{
	enum iwf_err err = by_smea(st, ST_TRIGGER_BY_SMEA, smea, reference, out);

	return err == IWF_ENOENT ? by_smea(st, ST_TRIGGER_BY_SMEA_ONCE, smea, reference, out) : err;
}

/*
 * Few SMS-SCs send a report without the number of its trigger, and in an index by
 * device each trigger changes a page of its own.  So there is none in the file:
 * the first such report has one made in memory, by reading all that is under way,
 * and from then on this connection keeps it.  It is rolled back as the rest is.
 */
static enum iwf_err keep_devices(struct iwf_store *st)
{
	static const enum sqlite_stmt steps[] = { ST_UNDER_WAY_PENDING, ST_UNDER_WAY_OTHERS, ST_UNDER_WAY_ENDS, ST_UNDER_WAY_BEGINS };
	const int64_t began_ms = iwf_sqlite_now_ms();
	struct query q;
	bool kept;
	enum iwf_err e;

	iwf_sqlite_start(&q, st, ST_UNDER_WAY_KEPT, "trigger_by_device");
	kept = iwf_sqlite_row(&q);
	e = iwf_sqlite_end(&q);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && e == IWF_OK && !kept; i++) {
		iwf_sqlite_start(&q, st, steps[i], "trigger_by_device");
		e = iwf_sqlite_run(&q, NULL);
	}
	if (e == IWF_OK && !kept)
		iwf_log(IWF_LOG_NOTICE, IWF_SUB_STORE, "%s: a delivery report without Reference-Number came: all that is under way was read for it, "
		        "in %" PRId64 " ms, and is kept by device from now on", iwf_sqlite_path(st), iwf_sqlite_now_ms() - began_ms);
	return e;
}

enum iwf_err iwf_sqlite_trigger_by_device(struct iwf_store *st, const char *smea, const struct imsi *imsi, struct iwf_trigger *out,
                                          size_t max, size_t *n)
{
	struct query q;
	enum iwf_err e = keep_devices(st);

	if (e != IWF_OK)
		return e;
	iwf_sqlite_start(&q, st, ST_TRIGGER_BY_DEVICE, "trigger_by_device");
	iwf_sqlite_bind_text(&q, ":smea", smea);
	iwf_sqlite_bind_text(&q, ":imsi", imsi->digits);
	return trigger_many(&q, out, max, n);
}

enum iwf_err iwf_sqlite_trigger_overdue(struct iwf_store *st, int64_t before_ms, struct iwf_trigger *out, size_t max, size_t *n)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_TRIGGER_OVERDUE, "trigger_overdue");
	iwf_sqlite_bind_int(&q, ":before", before_ms);
	iwf_sqlite_bind_int(&q, ":max", (int64_t)max);
	return trigger_many(&q, out, max, n);
}

enum iwf_err iwf_sqlite_trigger_unfinished(struct iwf_store *st, int64_t after_id, struct iwf_trigger *out, size_t max, size_t *n)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_TRIGGER_UNFINISHED, "trigger_unfinished");
	iwf_sqlite_bind_int(&q, ":after", after_id);
	iwf_sqlite_bind_int(&q, ":max", (int64_t)max);
	return trigger_many(&q, out, max, n);
}

static enum iwf_err trigger_exists(struct iwf_store *st, int64_t id)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_TRIGGER_EXISTS, "trigger_move");
	iwf_sqlite_bind_int(&q, ":id", id);
	iwf_sqlite_row(&q);
	return iwf_sqlite_end_one(&q);
}

enum iwf_err iwf_sqlite_trigger_move(struct iwf_store *st, int64_t id, enum trg_state from, enum trg_state to,
                                     const struct iwf_trigger_change *change)
{
	static const struct iwf_trigger_change none = IWF_TRIGGER_NO_CHANGE;
	const struct iwf_trigger_change *c = change ? change : &none;
	struct query q;
	int changes;
	enum iwf_err e;

	iwf_sqlite_start(&q, st, ST_TRIGGER_MOVE, "trigger_move");
	if (trg_state_is_final(from) && !trg_state_is_final(to))
		iwf_sqlite_refuse(&q, IWF_EINVAL, "the row has ended");
	iwf_sqlite_bind_int(&q, ":id", id);
	iwf_sqlite_bind_int(&q, ":from", from);
	iwf_sqlite_bind_int(&q, ":to", to);
	iwf_sqlite_bind_int(&q, ":final", trg_state_is_final(to));
	iwf_sqlite_bind_opt(&q, ":status", c->request_status, -1);
	iwf_sqlite_bind_opt(&q, ":outcome", c->outcome, -1);
	iwf_sqlite_bind_opt(&q, ":diagnostic", c->diagnostic, -1);
	iwf_sqlite_bind_text(&q, ":smssc", c->smssc);
	iwf_sqlite_bind_opt(&q, ":answered", c->answered_ms, 0);
	iwf_sqlite_bind_opt(&q, ":ended", c->ended_ms, 0);
	e = iwf_sqlite_run(&q, &changes);
	if (e != IWF_OK || changes > 0)
		return e;
	e = trigger_exists(st, id);
	return e == IWF_OK ? IWF_ECONFLICT : e;
}

enum iwf_err iwf_sqlite_trigger_payload(struct iwf_store *st, int64_t id, uint8_t **payload, size_t *payload_len, uint8_t **nodes,
                                        size_t *nodes_len)
{
	struct query q;
	enum iwf_err e;

	*payload = *nodes = NULL;
	*payload_len = *nodes_len = 0;
	iwf_sqlite_start(&q, st, ST_TRIGGER_PAYLOAD, "trigger_payload");
	iwf_sqlite_bind_int(&q, ":id", id);
	if (iwf_sqlite_row(&q)) {
		iwf_sqlite_col_blob(&q, payload, payload_len);
		iwf_sqlite_col_blob(&q, nodes, nodes_len);
	}
	e = iwf_sqlite_end_one(&q);
	if (e != IWF_OK) {
		free(*payload);
		free(*nodes);
		*payload = *nodes = NULL;
		*payload_len = *nodes_len = 0;
	}
	return e;
}

/* ---- the outbox ---- */

enum iwf_err iwf_sqlite_report_insert(struct iwf_store *st, struct iwf_report *r)
{
	struct query q;
	enum iwf_err e;

	r->id = 0;
	iwf_sqlite_start(&q, st, ST_REPORT_INSERT, "report_insert");
	iwf_sqlite_bind_int(&q, ":trigger", r->trigger_id);
	iwf_sqlite_bind_int(&q, ":scs", r->scs_id);
	iwf_sqlite_bind_text(&q, ":dest_host", r->dnr.dest_host);
	iwf_sqlite_bind_text(&q, ":dest_realm", r->dnr.dest_realm);
	iwf_sqlite_bind_opt_text(&q, ":ext_id", r->dnr.ext_id);
	iwf_sqlite_bind_opt_text(&q, ":msisdn", r->dnr.msisdn);
	iwf_sqlite_bind_opt_text(&q, ":scs_identity", r->dnr.scs_identity);
	iwf_sqlite_bind_int(&q, ":reference", r->dnr.reference);
	iwf_sqlite_bind_int(&q, ":outcome", r->dnr.outcome);
	iwf_sqlite_bind_int(&q, ":created", r->created_ms);
	iwf_sqlite_bind_int(&q, ":next", r->next_ms);
	iwf_sqlite_bind_int(&q, ":expires", r->expires_ms);
	iwf_sqlite_bind_int(&q, ":attempts", r->attempts);
	e = iwf_sqlite_run(&q, NULL);
	if (e == IWF_OK)
		r->id = sqlite3_last_insert_rowid(q.s->db);
	return e;
}

static void report_columns(struct query *q, struct iwf_report *r)
{
	memset(r, 0, sizeof(*r));
	r->id = iwf_sqlite_col_int(q);
	r->trigger_id = iwf_sqlite_col_int(q);
	r->scs_id = iwf_sqlite_col_int(q);
	iwf_sqlite_col_text(q, r->dnr.dest_host, sizeof(r->dnr.dest_host));
	iwf_sqlite_col_text(q, r->dnr.dest_realm, sizeof(r->dnr.dest_realm));
	iwf_sqlite_col_text(q, r->dnr.ext_id, sizeof(r->dnr.ext_id));
	iwf_sqlite_col_text(q, r->dnr.msisdn, sizeof(r->dnr.msisdn));
	iwf_sqlite_col_text(q, r->dnr.scs_identity, sizeof(r->dnr.scs_identity));
	r->dnr.reference = (uint32_t)iwf_sqlite_col_int(q);
	r->dnr.outcome = (enum tsp_outcome)iwf_sqlite_col_int(q);
	r->created_ms = iwf_sqlite_col_int(q);
	r->next_ms = iwf_sqlite_col_int(q);
	r->expires_ms = iwf_sqlite_col_int(q);
	r->attempts = (uint32_t)iwf_sqlite_col_int(q);
	r->dnr.retransmitted = r->attempts > 0;
}

static enum iwf_err report_one(struct query *q, struct iwf_report *out)
{
	if (iwf_sqlite_row(q))
		report_columns(q, out);
	return iwf_sqlite_end_one(q);
}

enum iwf_err iwf_sqlite_report_get(struct iwf_store *st, int64_t id, struct iwf_report *out)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_REPORT_GET, "report_get");
	iwf_sqlite_bind_int(&q, ":id", id);
	return report_one(&q, out);
}

enum iwf_err iwf_sqlite_report_by_trigger(struct iwf_store *st, int64_t trigger_id, struct iwf_report *out)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_REPORT_BY_TRIGGER, "report_by_trigger");
	iwf_sqlite_bind_int(&q, ":trigger", trigger_id);
	return report_one(&q, out);
}

static enum iwf_err report_rows(struct query *q, struct iwf_report *out, size_t max, size_t *n)
{
	enum iwf_err e;

	*n = 0;
	iwf_sqlite_bind_int(q, ":max", (int64_t)max);
	while (iwf_sqlite_row(q))
		report_columns(q, &out[(*n)++]);
	e = iwf_sqlite_end(q);
	if (e != IWF_OK)
		*n = 0;
	return e;
}

enum iwf_err iwf_sqlite_report_due(struct iwf_store *st, int64_t now_ms, struct iwf_report *out, size_t max, size_t *n)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_REPORT_DUE, "report_due");
	iwf_sqlite_bind_int(&q, ":now", now_ms);
	return report_rows(&q, out, max, n);
}

/* Runs a write that is about one row. */
static enum iwf_err run_one(struct query *q)
{
	int changes;
	enum iwf_err e = iwf_sqlite_run(q, &changes);

	return e == IWF_OK && changes == 0 ? IWF_ENOENT : e;
}

enum iwf_err iwf_sqlite_report_delete(struct iwf_store *st, int64_t id)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_REPORT_DELETE, "report_delete");
	iwf_sqlite_bind_int(&q, ":id", id);
	return run_one(&q);
}

enum iwf_err iwf_sqlite_report_retry(struct iwf_store *st, int64_t id, int64_t next_ms, uint32_t attempts)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_REPORT_RETRY, "report_retry");
	iwf_sqlite_bind_int(&q, ":id", id);
	iwf_sqlite_bind_int(&q, ":next", next_ms);
	iwf_sqlite_bind_int(&q, ":attempts", attempts);
	return run_one(&q);
}

enum iwf_err iwf_sqlite_report_line_up(struct iwf_store *st, const char *dest_host, int64_t line_ms)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_REPORT_LINE_UP, "report_line_up");
	iwf_sqlite_bind_text(&q, ":dest_host", dest_host);
	iwf_sqlite_bind_int(&q, ":line", line_ms);
	return iwf_sqlite_run(&q, NULL);
}

enum iwf_err iwf_sqlite_report_in_line(struct iwf_store *st, const char *dest_host, int64_t line_ms, int64_t after_id, struct iwf_report *out,
                                       size_t max, size_t *n)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_REPORT_IN_LINE, "report_in_line");
	iwf_sqlite_bind_text(&q, ":dest_host", dest_host);
	iwf_sqlite_bind_int(&q, ":line", line_ms);
	iwf_sqlite_bind_int(&q, ":after", after_id);
	return report_rows(&q, out, max, n);
}

/* ---- quota counters ---- */

enum iwf_err iwf_sqlite_usage_get(struct iwf_store *st, int64_t scs_id, int64_t period_start_ms, int64_t *total)
{
	struct query q;
	bool found = false;
	enum iwf_err e;

	iwf_sqlite_start(&q, st, ST_USAGE_GET, "usage_get");
	iwf_sqlite_bind_int(&q, ":scs", scs_id);
	iwf_sqlite_bind_int(&q, ":period", period_start_ms);
	while (iwf_sqlite_row(&q)) {
		*total = iwf_sqlite_col_int(&q);
		found = true;
	}
	e = iwf_sqlite_end(&q);
	return e == IWF_OK && !found ? IWF_ENOENT : e;
}

enum iwf_err iwf_sqlite_usage_add(struct iwf_store *st, int64_t scs_id, int64_t period_start_ms, int64_t add, int64_t *total)
{
	struct query q;
	int64_t used = 0;
	enum iwf_err e;

	iwf_sqlite_start(&q, st, ST_USAGE_ADD, "usage_add");
	iwf_sqlite_bind_int(&q, ":scs", scs_id);
	iwf_sqlite_bind_int(&q, ":period", period_start_ms);
	iwf_sqlite_bind_int(&q, ":add", add);
	while (iwf_sqlite_row(&q))               /* on to the end: only then is it committed */
		used = iwf_sqlite_col_int(&q);
	e = iwf_sqlite_end(&q);
	if (e == IWF_OK)
		*total = used;
	return e;
}

/* ---- old rows ---- */

enum iwf_err iwf_sqlite_journal_prune(struct iwf_store *st, int64_t before_ms, size_t max, size_t *n)
{
	static const enum sqlite_stmt what[] = { ST_USAGE_PRUNE, ST_JOURNAL_PRUNE };
	int changes = 0;
	enum iwf_err e = IWF_OK;

	*n = 0;
	for (size_t i = 0; i < sizeof(what) / sizeof(*what) && e == IWF_OK; i++) {
		struct query q;

		iwf_sqlite_start(&q, st, what[i], "journal_prune");
		iwf_sqlite_bind_int(&q, ":before", before_ms);
		iwf_sqlite_bind_int(&q, ":max", (int64_t)max);
		e = iwf_sqlite_run(&q, &changes);
	}
	if (e == IWF_OK)
		*n = (size_t)changes;
	return e;
}
