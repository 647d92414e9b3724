/* store_mem_audit.c - audit and old rows of the store in memory.  A row that has been
 * removed stays in its array: an audit row without an event, a trigger with id -1. */
#include <string.h>
#include "audit_chain.h"
#include "store_mem_tables.h"

static enum iwf_err keep_texts(struct mem_store *m, struct iwf_audit *a)
{
	const char **texts[] = { &a->event, &a->decision, &a->peer, &a->origin_host, &a->address, &a->cert, &a->device, &a->detail };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (*texts[i] && !(*texts[i] = iwf_mem_blob(m, *texts[i], strlen(*texts[i]) + 1)))
			return iwf_mem_fail(m, IWF_ENOMEM, "audit");
	return IWF_OK;
}

/* The row and its texts are clean and kept. */
static enum iwf_err add(struct mem_store *m, const struct iwf_audit *a)
{
	struct iwf_audit *r = iwf_mem_row_add(&m->t[T_AUDIT]);

	if (!r)
		return iwf_mem_fail(m, IWF_ENOMEM, "audit_add");
	*r = *a;
	if (!r->times)
		r->times = 1;
	return IWF_OK;
}

enum iwf_err iwf_mem_audit_add(struct iwf_store *st, const struct iwf_audit *a)
{
	struct mem_store *m = mem_of(st);
	struct iwf_audit_row clean;
	enum iwf_err e;

	iwf_audit_clean(a, &clean);
	e = keep_texts(m, &clean.a);
	return e == IWF_OK ? add(m, &clean.a) : e;
}

/* ---- refusals that repeat */

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static struct mem_repeat *find_kind(struct mem_store *m, const struct iwf_audit *a, size_t *index, size_t *n)
{
	struct mem_repeat *found = NULL;

	*n = 0;
	for (size_t i = 0; i < m->t[T_REPEAT].n; i++) {
		struct mem_repeat *r = iwf_mem_row(&m->t[T_REPEAT], i);

		if (r->gone)
			continue;
		++*n;
		if (same_text(r->kind.event, a->event) && same_text(r->kind.decision, a->decision) && r->kind.reason == a->reason &&
		    r->kind.request_status == a->request_status && r->kind.scs_id == a->scs_id && same_text(r->kind.peer, a->peer) &&
		    same_text(r->kind.address, a->address) && r->kind.mtc_user_id == a->mtc_user_id) {
			found = r;
			*index = i;
		}
	}
	return found;
}

static void one_more(struct mem_repeat *r, const struct iwf_audit *a, uint32_t told_max, bool *tell)
{
	const int64_t times = r->last.times, first_ms = r->last.first_ms;

	*tell = r->told < told_max && !times;
	r->told += *tell;
	r->last = *a;
	r->last.times = times + !*tell;
	r->last.first_ms = *tell ? 0 : times ? first_ms : a->at_ms;
}

enum iwf_err iwf_mem_audit_count(struct iwf_store *st, const struct iwf_audit *in, uint32_t told_max, bool *tell)
{
	struct mem_store *m = mem_of(st);
	struct iwf_audit_row clean;
	struct iwf_audit kind;
	struct mem_repeat *r;
	size_t i, n;
	enum iwf_err e;

	iwf_audit_clean(in, &clean);
	e = keep_texts(m, &clean.a);
	if (e != IWF_OK)
		return e;
	kind = clean.a;
	r = find_kind(m, &kind, &i, &n);
	if (!r && n >= IWF_AUDIT_KINDS) {
		kind = (struct iwf_audit){ .event = kind.event, .decision = kind.decision, .reason = kind.reason, .request_status = kind.request_status };
		told_max = 0;
		r = find_kind(m, &kind, &i, &n);
	}
	if (r)
		e = iwf_mem_keep(m, &m->t[T_REPEAT], i);
	else if ((r = iwf_mem_row_add(&m->t[T_REPEAT])))
		*r = (struct mem_repeat){ .kind = kind, .since_ms = in->at_ms };
	if (!r || e != IWF_OK)
		return iwf_mem_fail(m, IWF_ENOMEM, "audit_count");
	one_more(r, &clean.a, told_max, tell);
	return IWF_OK;
}

enum iwf_err iwf_mem_audit_tell(struct iwf_store *st, int64_t before_ms, int64_t now_ms, size_t max, size_t *n)
{
	struct mem_store *m = mem_of(st);
	enum iwf_err e = IWF_OK;

	*n = 0;
	for (size_t i = 0; i < m->t[T_REPEAT].n && *n < max && e == IWF_OK; i++) {
		struct mem_repeat *r = iwf_mem_row(&m->t[T_REPEAT], i);
		struct iwf_audit row = r->kind;

		if (r->gone || (r->since_ms > before_ms && r->since_ms <= now_ms))
			continue;
		e = iwf_mem_keep(m, &m->t[T_REPEAT], i);
		if (e != IWF_OK)
			break;
		r->gone = true;
		++*n;
		row.at_ms = r->last.at_ms;
		row.times = r->last.times;
		row.first_ms = r->last.first_ms;
		row.origin_host = r->last.origin_host;
		row.cert = r->last.cert;
		row.device = r->last.device;
		row.subscription_id = r->last.subscription_id;
		row.reference = r->last.reference;
		row.detail = r->last.detail;
		if (row.times)
			e = add(m, &row);
	}
	return e;
}

/* ---- old rows */

enum iwf_err iwf_mem_audit_prune(struct iwf_store *st, int64_t before_ms, int64_t up_to_id, int64_t now_ms, size_t max, size_t *n,
                                    struct iwf_audit_cut *out)
{
	struct mem_store *m = mem_of(st);

	*n = 0;
	*out = (struct iwf_audit_cut){ .last_id = 0 };
	for (size_t i = 0; i + 1 < m->t[T_AUDIT].n && *n < max; i++) {
		struct iwf_audit *r = iwf_mem_row(&m->t[T_AUDIT], i);

		if (!r->event)
			continue;
		if (r->at_ms >= before_ms || (int64_t)i + 1 > up_to_id)
			break;
		if (iwf_mem_keep(m, &m->t[T_AUDIT], i) != IWF_OK)
			return iwf_mem_fail(m, IWF_ENOMEM, "audit_prune");
		r->event = NULL;
		out->last_id = (int64_t)i + 1;
		++*n;
	}
	return IWF_OK;
}

static bool is_referred_to(struct mem_store *m, int64_t id)
{
	for (size_t i = 0; i < m->t[T_REPORT].n; i++) {
		const struct mem_report *r = iwf_mem_row(&m->t[T_REPORT], i);

		if (!r->gone && r->r.trigger_id == id)
			return true;
	}
	for (size_t i = 0; i < m->t[T_TRIGGER].n; i++) {
		const struct iwf_trigger *t = iwf_mem_row(&m->t[T_TRIGGER], i);

		if (t->target_id == id && !trg_state_is_final(t->state))
			return true;
	}
	return false;
}

static enum iwf_err remove_trigger(struct mem_store *m, size_t index)
{
	struct iwf_trigger *gone = iwf_mem_row(&m->t[T_TRIGGER], index);

	for (size_t i = 0; i < m->t[T_TRIGGER].n; i++) {
		struct iwf_trigger *t = iwf_mem_row(&m->t[T_TRIGGER], i);

		if (t->target_id != gone->id)
			continue;
		if (iwf_mem_keep(m, &m->t[T_TRIGGER], i) != IWF_OK)
			return iwf_mem_fail(m, IWF_ENOMEM, "journal_prune");
		t->target_id = 0;
	}
	if (iwf_mem_keep(m, &m->t[T_TRIGGER], index) != IWF_OK)
		return iwf_mem_fail(m, IWF_ENOMEM, "journal_prune");
	*gone = (struct iwf_trigger){ .id = -1, .scs_id = -1, .state = TRG_DONE };
	return IWF_OK;
}

enum iwf_err iwf_mem_journal_prune(struct iwf_store *st, int64_t before_ms, size_t max, size_t *n)
{
	struct mem_store *m = mem_of(st);
	size_t periods = 0;

	*n = 0;
	for (size_t i = 0; i < m->t[T_USAGE].n && periods < max; i++) {
		struct mem_usage *u = iwf_mem_row(&m->t[T_USAGE], i);
		const struct iwf_scs *scs = iwf_mem_scs_find(m, u->scs_id);

		if (!scs || u->period >= before_ms - (int64_t)scs->quota_period_s * 1000)
			continue;
		if (iwf_mem_keep(m, &m->t[T_USAGE], i) != IWF_OK)
			return iwf_mem_fail(m, IWF_ENOMEM, "journal_prune");
		u->scs_id = -1;
		periods++;
	}
	for (size_t i = 0; i < m->t[T_TRIGGER].n && *n < max; i++) {
		const struct iwf_trigger *t = iwf_mem_row(&m->t[T_TRIGGER], i);
		enum iwf_err e;

		if (t->id < 0 || t->received_ms >= before_ms || !trg_state_is_final(t->state) || is_referred_to(m, t->id))
			continue;
		e = remove_trigger(m, i);
		if (e != IWF_OK)
			return e;
		++*n;
	}
	return IWF_OK;
}
