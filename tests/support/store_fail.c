/* store_fail.c - see store_fail.h */
#include "store_fail.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct store_fail {
	struct iwf_store store;
	struct iwf_store *inner;
	unsigned calls, nth, times;
	enum iwf_err err;
	const char *op;
	char *trace;
	size_t trace_size;
};

static struct store_fail *fail_of(struct iwf_store *st)
{
	return (struct store_fail *)st;
}

static bool is_due(struct store_fail *f, const char *op)
{
	f->calls++;
	if (f->trace) {
		size_t n = strlen(f->trace);

		snprintf(f->trace + n, f->trace_size - n, "%s ", op);
	}
	if (f->nth == 0 || f->calls < f->nth || f->calls - f->nth >= f->times)
		return false;
	f->op = op;
	return true;
}

/* One operation that is passed on: its name, its arguments, and how they are handed over. */
#define PASS(op, args, ...) \
	static enum iwf_err fail_##op args \
	{ \
		struct store_fail *f = fail_of(st); \
		return is_due(f, #op) ? f->err : f->inner->ops->op(f->inner, ##__VA_ARGS__); \
	}

PASS(begin, (struct iwf_store *st))
PASS(changed, (struct iwf_store *st, bool *changed), changed)
PASS(scs_by_host, (struct iwf_store *st, const char *host, struct iwf_scs *out), host, out)
PASS(scs_by_id, (struct iwf_store *st, int64_t id, struct iwf_scs *out), id, out)
PASS(scs_next, (struct iwf_store *st, int64_t after_id, struct iwf_scs *out), after_id, out)
PASS(scs_has_number, (struct iwf_store *st, int64_t scs_id, const char *e164), scs_id, e164)
PASS(subscription_by_ext_id, (struct iwf_store *st, const char *ext_id, int64_t scs_id, struct iwf_subscription *out),
     ext_id, scs_id, out)
PASS(subscription_by_msisdn, (struct iwf_store *st, const char *msisdn, struct iwf_subscription *out), msisdn, out)
PASS(user_allows, (struct iwf_store *st, int64_t mtc_user_id, int64_t scs_id), mtc_user_id, scs_id)
PASS(grants, (struct iwf_store *st, const struct iwf_grant_query *q, struct iwf_grant *out, size_t max, size_t *n), q, out, max, n)
PASS(trigger_insert, (struct iwf_store *st, struct iwf_trigger *t), t)
PASS(trigger_get, (struct iwf_store *st, int64_t id, struct iwf_trigger *out), id, out)
PASS(trigger_by_ref, (struct iwf_store *st, int64_t scs_id, uint32_t reference, bool recall, struct iwf_trigger *out),
     scs_id, reference, recall, out)
PASS(trigger_by_e2e, (struct iwf_store *st, int64_t scs_id, uint32_t reference, bool recall, uint32_t end_to_end, int64_t since_ms,
                      struct iwf_trigger *out), scs_id, reference, recall, end_to_end, since_ms, out)
PASS(trigger_by_smea, (struct iwf_store *st, const char *smea, uint32_t reference, struct iwf_trigger *out), smea, reference, out)
PASS(trigger_by_device, (struct iwf_store *st, const char *smea, const struct imsi *imsi, struct iwf_trigger *out, size_t max, size_t *n),
     smea, imsi, out, max, n)
PASS(trigger_move, (struct iwf_store *st, int64_t id, enum trg_state from, enum trg_state to, const struct iwf_trigger_change *c),
     id, from, to, c)
PASS(trigger_payload, (struct iwf_store *st, int64_t id, uint8_t **payload, size_t *payload_len, uint8_t **nodes, size_t *nodes_len),
     id, payload, payload_len, nodes, nodes_len)
PASS(trigger_overdue, (struct iwf_store *st, int64_t before_ms, struct iwf_trigger *out, size_t max, size_t *n), before_ms, out, max, n)
PASS(trigger_unfinished, (struct iwf_store *st, int64_t after_id, struct iwf_trigger *out, size_t max, size_t *n), after_id, out, max, n)
PASS(report_insert, (struct iwf_store *st, struct iwf_report *r), r)
PASS(report_get, (struct iwf_store *st, int64_t id, struct iwf_report *out), id, out)
PASS(report_by_trigger, (struct iwf_store *st, int64_t trigger_id, struct iwf_report *out), trigger_id, out)
PASS(report_delete, (struct iwf_store *st, int64_t id), id)
PASS(report_retry, (struct iwf_store *st, int64_t id, int64_t next_ms, uint32_t attempts), id, next_ms, attempts)
PASS(report_due, (struct iwf_store *st, int64_t now_ms, struct iwf_report *out, size_t max, size_t *n), now_ms, out, max, n)
PASS(report_line_up, (struct iwf_store *st, const char *dest_host, int64_t line_ms), dest_host, line_ms)
PASS(report_in_line, (struct iwf_store *st, const char *dest_host, int64_t line_ms, int64_t after_id, struct iwf_report *out, size_t max, size_t *n),
     dest_host, line_ms, after_id, out, max, n)
PASS(usage_get, (struct iwf_store *st, int64_t scs_id, int64_t period_start_ms, int64_t *total), scs_id, period_start_ms, total)
PASS(usage_add, (struct iwf_store *st, int64_t scs_id, int64_t period_start_ms, int64_t add, int64_t *total),
     scs_id, period_start_ms, add, total)
PASS(audit_add, (struct iwf_store *st, const struct iwf_audit *a), a)
PASS(audit_count, (struct iwf_store *st, const struct iwf_audit *a, uint32_t told_max, bool *tell), a, told_max, tell)
PASS(audit_tell, (struct iwf_store *st, int64_t before_ms, int64_t now_ms, size_t max, size_t *n), before_ms, now_ms, max, n)
PASS(audit_prune, (struct iwf_store *st, int64_t before_ms, int64_t up_to_id, int64_t now_ms, size_t max, size_t *n,
                                    struct iwf_audit_cut *out),
     before_ms, up_to_id, now_ms, max, n, out)
PASS(journal_prune, (struct iwf_store *st, int64_t before_ms, size_t max, size_t *n), before_ms, max, n)

static enum iwf_err fail_commit(struct iwf_store *st)
{
	struct store_fail *f = fail_of(st);

	if (!is_due(f, "commit"))
		return f->inner->ops->commit(f->inner);
	f->inner->ops->rollback(f->inner);
	return f->err;
}

static void fail_rollback(struct iwf_store *st)
{
	struct store_fail *f = fail_of(st);

	f->inner->ops->rollback(f->inner);
}

static void fail_close(struct iwf_store *st)
{
	struct store_fail *f = fail_of(st);

	f->inner->ops->close(f->inner);
	free(f);
}

static const char *fail_errmsg(struct iwf_store *st)
{
	return "failed by store_fail";
}

static const struct iwf_store_ops fail_ops = {
	.name = "fail",
	.begin = fail_begin, .commit = fail_commit, .rollback = fail_rollback, .close = fail_close, .changed = fail_changed,
	.scs_by_host = fail_scs_by_host, .scs_by_id = fail_scs_by_id, .scs_next = fail_scs_next,
	.scs_has_number = fail_scs_has_number,
	.subscription_by_ext_id = fail_subscription_by_ext_id, .subscription_by_msisdn = fail_subscription_by_msisdn,
	.user_allows = fail_user_allows, .grants = fail_grants,
	.trigger_insert = fail_trigger_insert, .trigger_get = fail_trigger_get, .trigger_by_ref = fail_trigger_by_ref,
	.trigger_by_e2e = fail_trigger_by_e2e, .trigger_by_smea = fail_trigger_by_smea,
	.trigger_by_device = fail_trigger_by_device, .trigger_move = fail_trigger_move,
	.trigger_payload = fail_trigger_payload, .trigger_overdue = fail_trigger_overdue,
	.trigger_unfinished = fail_trigger_unfinished,
	.report_insert = fail_report_insert, .report_get = fail_report_get, .report_by_trigger = fail_report_by_trigger,
	.report_delete = fail_report_delete, .report_retry = fail_report_retry, .report_due = fail_report_due,
	.report_line_up = fail_report_line_up, .report_in_line = fail_report_in_line,
	.usage_add = fail_usage_add, .usage_get = fail_usage_get, .audit_add = fail_audit_add,
	.audit_count = fail_audit_count, .audit_tell = fail_audit_tell, .audit_prune = fail_audit_prune,
	.journal_prune = fail_journal_prune, .errmsg = fail_errmsg,
};

struct iwf_store *store_fail_new(struct iwf_store *inner)
{
	struct store_fail *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->store.ops = &fail_ops;
	f->inner = inner;
	return &f->store;
}

void store_fail_at(struct iwf_store *st, unsigned nth, unsigned times, enum iwf_err err)
{
	struct store_fail *f = fail_of(st);

	f->calls = 0;
	f->nth = nth;
	f->times = times;
	f->err = err;
	f->op = NULL;
}

unsigned store_fail_calls(const struct iwf_store *st)
{
	return ((const struct store_fail *)st)->calls;
}

const char *store_fail_op(const struct iwf_store *st)
{
	return ((const struct store_fail *)st)->op;
}

struct iwf_store *store_fail_inner(struct iwf_store *st)
{
	return fail_of(st)->inner;
}

void store_fail_trace(struct iwf_store *st, char *text, size_t size)
{
	struct store_fail *f = fail_of(st);

	f->trace = text;
	f->trace_size = size;
	if (text)
		text[0] = '\0';
}
