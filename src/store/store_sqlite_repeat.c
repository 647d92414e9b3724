/* store_sqlite_repeat.c - refusals that repeat, counted.
 *
 * A flood is many of a few kinds, and there are many of them in one transaction: what
 * a transaction counts is kept here, and written when it is committed. */
#include <stdlib.h>
#include <string.h>
#include "audit_chain.h"
#include "store_sqlite.h"

#define KEPT 16u

struct kind {
	int64_t id, told, times, first_ms;   /* as in audit_repeat */
	bool others;                         /* all kinds of its event, decision, reason and status for which there was no room */
	struct iwf_audit_row *last;          /* of its kind; a row of its own also where there is no kind yet */
};

struct sqlite_repeats {
	struct kind kind[KEPT];
	unsigned n;
	struct iwf_audit_row *spare;         /* what is counted at this moment */
	struct iwf_audit_row rows[KEPT + 1];
};

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_of(const struct kind *k, const struct iwf_audit *a)
{
	const struct iwf_audit *b = &k->last->a;

	return a->reason == b->reason && a->request_status == b->request_status && same(a->event, b->event) && same(a->decision, b->decision) &&
	       (k->others || (a->scs_id == b->scs_id && a->mtc_user_id == b->mtc_user_id && same(a->peer, b->peer) && same(a->address, b->address)));
}

static void bind_kind(struct query *q, const struct iwf_audit *a, bool others)
{
	iwf_sqlite_bind_text(q, ":event", a->event);
	iwf_sqlite_bind_text(q, ":decision", a->decision);
	iwf_sqlite_bind_text(q, ":reason", iwf_reason_str(a->reason));
	iwf_sqlite_bind_int(q, ":status", a->request_status);
	iwf_sqlite_bind_int(q, ":scs", others ? 0 : a->scs_id);
	iwf_sqlite_bind_text(q, ":peer", others || !a->peer ? "" : a->peer);
	iwf_sqlite_bind_text(q, ":address", others || !a->address ? "" : a->address);
	iwf_sqlite_bind_int(q, ":user", others ? 0 : a->mtc_user_id);
}

static enum iwf_err write_kind(struct iwf_store *st, const struct kind *k)
{
	const struct iwf_audit *a = &k->last->a;
	struct query q;

	iwf_sqlite_start(&q, st, ST_REPEAT_SET, "audit_count");
	iwf_sqlite_bind_int(&q, ":id", k->id);
	iwf_sqlite_bind_int(&q, ":told", k->told);
	iwf_sqlite_bind_int(&q, ":times", k->times);
	iwf_sqlite_bind_opt(&q, ":first", k->first_ms, 0);
	iwf_sqlite_bind_int(&q, ":at", a->at_ms);
	iwf_sqlite_bind_text(&q, ":origin_host", a->origin_host);
	iwf_sqlite_bind_text(&q, ":cert", a->cert);
	iwf_sqlite_bind_text(&q, ":device", a->device);
	iwf_sqlite_bind_opt(&q, ":sub", a->subscription_id, 0);
	iwf_sqlite_bind_opt(&q, ":reference", a->reference, -1);
	iwf_sqlite_bind_text(&q, ":detail", a->detail);
	return iwf_sqlite_run(&q, NULL);
}

enum iwf_err iwf_sqlite_repeats_write(struct iwf_store *st)
{
	struct sqlite_repeats *r = ((struct sqlite_store *)st)->repeats;
	enum iwf_err e = IWF_OK;

	while (r && r->n && e == IWF_OK)
		e = write_kind(st, &r->kind[--r->n]);
	return e;
}

void iwf_sqlite_repeats_forget(struct sqlite_store *s)
{
	if (s->repeats)
		s->repeats->n = 0;
}

/* IWF_ENOENT: there is no such kind. */
static enum iwf_err read_kind(struct iwf_store *st, const struct iwf_audit *a, bool others, struct kind *k)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_REPEAT_GET, "audit_count");
	bind_kind(&q, a, others);
	if (iwf_sqlite_row(&q)) {
		k->id = iwf_sqlite_col_int(&q);
		k->told = iwf_sqlite_col_int(&q);
		k->times = iwf_sqlite_col_int(&q);
		k->first_ms = iwf_sqlite_col_int(&q);
	}
	return iwf_sqlite_end_one(&q);
}

static enum iwf_err new_kind(struct iwf_store *st, const struct iwf_audit *a, bool others, struct kind *k)
{
	struct query q;
	enum iwf_err e;

	iwf_sqlite_start(&q, st, ST_REPEAT_NEW, "audit_count");
	bind_kind(&q, a, others);
	iwf_sqlite_bind_int(&q, ":at", a->at_ms);
	e = iwf_sqlite_run(&q, NULL);
	k->id = sqlite3_last_insert_rowid(((struct sqlite_store *)st)->db);
	k->told = k->times = k->first_ms = 0;
	return e;
}

static enum iwf_err kinds(struct iwf_store *st, int64_t *n)
{
	struct query q;

	*n = 0;
	iwf_sqlite_start(&q, st, ST_REPEAT_KINDS, "audit_count");
	if (iwf_sqlite_row(&q))
		*n = iwf_sqlite_col_int(&q);
	return iwf_sqlite_end(&q);
}

static struct kind *kept(struct sqlite_repeats *r, const struct iwf_audit *a, bool others)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->kind[i].others == others && is_of(&r->kind[i], a))
			return &r->kind[i];
	return NULL;
}

/* The kind of what is in r->spare. */
static enum iwf_err find(struct iwf_store *st, struct sqlite_repeats *r, struct kind **out)
{
	const struct iwf_audit *a = &r->spare->a;
	struct kind k = { .others = false };
	enum iwf_err e;
	int64_t n = 0;

	if ((*out = kept(r, a, false)))
		return IWF_OK;
	e = read_kind(st, a, false, &k);
	if (e == IWF_ENOENT && (e = kinds(st, &n)) == IWF_OK && n < IWF_AUDIT_KINDS)
		e = new_kind(st, a, false, &k);
	if (e == IWF_OK && n >= IWF_AUDIT_KINDS) {
		k.others = true;
		if ((*out = kept(r, a, true)))
			return IWF_OK;
		e = read_kind(st, a, true, &k);
		if (e == IWF_ENOENT)
			e = new_kind(st, a, true, &k);
	}
	if (e == IWF_OK && r->n == KEPT)
		e = iwf_sqlite_repeats_write(st);
	if (e != IWF_OK)
		return e;
	*out = &r->kind[r->n++];
	k.last = (*out)->last;
	**out = k;
	return IWF_OK;
}

static struct sqlite_repeats *make(void)
{
	struct sqlite_repeats *r = calloc(1, sizeof(*r));

	for (unsigned i = 0; r && i < KEPT; i++)
		r->kind[i].last = &r->rows[i];
	if (r)
		r->spare = &r->rows[KEPT];
	return r;
}

static enum iwf_err count(struct iwf_store *st, const struct iwf_audit *a, uint32_t told_max, bool *tell)
{
	struct sqlite_store *s = (struct sqlite_store *)st;
	struct sqlite_repeats *r = s->repeats ? s->repeats : (s->repeats = make());
	struct iwf_audit_row *last;
	struct kind *k;
	enum iwf_err e;

	if (!r)
		return IWF_ENOMEM;
	iwf_audit_clean(a, r->spare);
	e = find(st, r, &k);
	if (e != IWF_OK)
		return e;
	last = k->last;
	k->last = r->spare;
	r->spare = last;
	/* Once some are counted, all that follow are. */
	*tell = !k->others && k->told < told_max && !k->times;
	k->told += *tell;
	k->times += !*tell;
	if (!k->first_ms && !*tell)
		k->first_ms = a->at_ms;
	return IWF_OK;
}

enum iwf_err iwf_sqlite_audit_count(struct iwf_store *st, const struct iwf_audit *a, uint32_t told_max, bool *tell)
{
	bool own;
	enum iwf_err e = iwf_sqlite_begin_own(st, &own);

	return e == IWF_OK ? iwf_sqlite_end_own(st, own, count(st, a, told_max, tell)) : e;
}
