/* store_sqlite_audit.c - the audit: rows in a chain, and whether the chain holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "audit_chain.h"
#include "store_sqlite.h"

/* Hash and id of the last row ever added.  Read once in a transaction: other programs add rows too. */
static enum iwf_err last_row(struct iwf_store *st, int64_t *id, uint8_t hash[static IWF_HASH_LEN])
{
	struct sqlite_store *s = (struct sqlite_store *)st;
	struct query q;

	if (s->in_tx && s->has_last) {
		memcpy(hash, s->last_hash, IWF_HASH_LEN);
		*id = s->last_id;
		return IWF_OK;
	}
	memset(hash, 0, IWF_HASH_LEN);
	*id = 0;
	iwf_sqlite_start(&q, st, ST_AUDIT_LAST, "audit_add");
	if (iwf_sqlite_row(&q)) {
		if (sqlite3_column_type(q.stmt, 0) == SQLITE_NULL)
			q.col++;
		else
			iwf_sqlite_col_fixed(&q, hash, IWF_HASH_LEN);
		*id = iwf_sqlite_col_int(&q);
	}
	return iwf_sqlite_end(&q);
}

static enum iwf_err add(struct iwf_store *st, const struct iwf_audit *a)
{
	struct sqlite_store *s = (struct sqlite_store *)st;
	const char *reason = iwf_reason_str(a->reason);
	uint8_t before[IWF_HASH_LEN], hash[IWF_HASH_LEN];
	struct query q;
	int64_t id;
	enum iwf_err e = last_row(st, &id, before);

	if (e != IWF_OK)
		return e;
	iwf_sqlite_start(&q, st, ST_AUDIT_INSERT, "audit_add");
	if (!iwf_audit_hash(before, ++id, a, reason, hash))
		iwf_sqlite_fail(&q, IWF_ENOMEM, "no digest to be had");
	iwf_sqlite_bind_int(&q, ":id", id);
	iwf_sqlite_bind_int(&q, ":at", a->at_ms);
	iwf_sqlite_bind_text(&q, ":event", a->event);
	iwf_sqlite_bind_text(&q, ":decision", a->decision);
	iwf_sqlite_bind_text(&q, ":reason", reason);
	iwf_sqlite_bind_opt(&q, ":status", a->request_status, -1);
	iwf_sqlite_bind_opt(&q, ":scs", a->scs_id, 0);
	iwf_sqlite_bind_text(&q, ":peer", a->peer);
	iwf_sqlite_bind_text(&q, ":origin_host", a->origin_host);
	iwf_sqlite_bind_text(&q, ":address", a->address);
	iwf_sqlite_bind_text(&q, ":cert", a->cert);
	iwf_sqlite_bind_text(&q, ":device", a->device);
	iwf_sqlite_bind_opt(&q, ":sub", a->subscription_id, 0);
	iwf_sqlite_bind_opt(&q, ":reference", a->reference, -1);
	iwf_sqlite_bind_text(&q, ":detail", a->detail);
	iwf_sqlite_bind_blob(&q, ":hash", hash, sizeof(hash));
	iwf_sqlite_bind_opt(&q, ":user", a->mtc_user_id, 0);
	iwf_sqlite_bind_int(&q, ":times", a->times ? a->times : 1);
	iwf_sqlite_bind_opt(&q, ":first", a->first_ms, 0);
	e = iwf_sqlite_run(&q, NULL);
	s->has_last = e == IWF_OK;
	s->last_id = id;
	memcpy(s->last_hash, hash, sizeof(hash));
	return e;
}

enum iwf_err iwf_sqlite_begin_own(struct iwf_store *st, bool *own)
{
	*own = !((struct sqlite_store *)st)->in_tx;
	return *own ? iwf_sqlite_begin(st) : IWF_OK;
}

enum iwf_err iwf_sqlite_end_own(struct iwf_store *st, bool own, enum iwf_err e)
{
	if (!own)
		return e;
	if (e == IWF_OK)
		return iwf_sqlite_commit(st);
	iwf_sqlite_rollback(st);
	return e;
}

enum iwf_err iwf_sqlite_audit_add(struct iwf_store *st, const struct iwf_audit *a)
{
	struct iwf_audit_row row;
	bool own;
	/* The hash of the row before must still be that when this one is written. */
	enum iwf_err e = iwf_sqlite_begin_own(st, &own);

	iwf_audit_clean(a, &row);
	return e == IWF_OK ? iwf_sqlite_end_own(st, own, add(st, &row.a)) : e;
}

/* ---- refusals that repeat; store_sqlite_repeat.c counts them ---- */

/* The kind that is due next, as a row of the audit.  IWF_ENOENT: none. */
static enum iwf_err repeat_due(struct iwf_store *st, int64_t before_ms, int64_t now_ms, int64_t *id, struct iwf_audit_row *out)
{
	char *const texts[] = { out->text[0], out->text[1], out->text[2], out->text[3], out->text[4], out->text[5], out->text[6], out->text[7] };
	char reason[64] = "";
	struct query q;
	enum iwf_err e;

	memset(&out->a, 0, sizeof(out->a));
	iwf_sqlite_start(&q, st, ST_REPEAT_DUE, "audit_tell");
	iwf_sqlite_bind_int(&q, ":before", before_ms);
	iwf_sqlite_bind_int(&q, ":now", now_ms);
	if (iwf_sqlite_row(&q)) {
		*id = iwf_sqlite_col_int(&q);
		iwf_sqlite_col_text(&q, texts[0], IWF_AUDIT_TEXT);
		iwf_sqlite_col_text(&q, texts[1], IWF_AUDIT_TEXT);
		iwf_sqlite_col_text(&q, reason, sizeof(reason));
		out->a.request_status = (int)iwf_sqlite_col_int(&q);
		out->a.scs_id = iwf_sqlite_col_int(&q);
		iwf_sqlite_col_text(&q, texts[2], IWF_AUDIT_TEXT);
		iwf_sqlite_col_text(&q, texts[3], IWF_AUDIT_TEXT);
		out->a.mtc_user_id = iwf_sqlite_col_int(&q);
		out->a.times = iwf_sqlite_col_int(&q);
		out->a.first_ms = iwf_sqlite_col_int(&q);
		out->a.at_ms = iwf_sqlite_col_int(&q);
		iwf_sqlite_col_text(&q, texts[4], IWF_AUDIT_TEXT);
		iwf_sqlite_col_text(&q, texts[5], IWF_AUDIT_TEXT);
		iwf_sqlite_col_text(&q, texts[6], IWF_AUDIT_TEXT);
		out->a.subscription_id = iwf_sqlite_col_int(&q);
		out->a.reference = sqlite3_column_type(q.stmt, q.col) == SQLITE_NULL ? (q.col++, -1) : iwf_sqlite_col_int(&q);
		iwf_sqlite_col_text(&q, texts[7], IWF_AUDIT_TEXT);
	}
	e = iwf_sqlite_end_one(&q);
	out->a.event = texts[0];
	out->a.decision = texts[1];
	out->a.peer = *texts[2] ? texts[2] : NULL;
	out->a.address = *texts[3] ? texts[3] : NULL;
	out->a.origin_host = *texts[4] ? texts[4] : NULL;
	out->a.cert = *texts[5] ? texts[5] : NULL;
	out->a.device = *texts[6] ? texts[6] : NULL;
	out->a.detail = *texts[7] ? texts[7] : NULL;
	while (out->a.reason < IWF_REASONS && strcmp(iwf_reason_str(out->a.reason), reason) != 0)
		out->a.reason++;
	return e;
}

static enum iwf_err tell_due(struct iwf_store *st, int64_t before_ms, int64_t now_ms, size_t max, size_t *n)
{
	enum iwf_err e = iwf_sqlite_repeats_write(st);

	while (e == IWF_OK && *n < max) {
		struct iwf_audit_row row;
		struct query q;
		int64_t id = 0;

		e = repeat_due(st, before_ms, now_ms, &id, &row);
		if (e == IWF_OK && row.a.times > 0)
			e = add(st, &row.a);
		if (e != IWF_OK)
			break;
		iwf_sqlite_start(&q, st, ST_REPEAT_DELETE, "audit_tell");
		iwf_sqlite_bind_int(&q, ":id", id);
		e = iwf_sqlite_run(&q, NULL);
		++*n;
	}
	return e == IWF_ENOENT ? IWF_OK : e;
}

enum iwf_err iwf_sqlite_audit_tell(struct iwf_store *st, int64_t before_ms, int64_t now_ms, size_t max, size_t *n)
{
	bool own;
	enum iwf_err e = iwf_sqlite_begin_own(st, &own);

	*n = 0;
	return e == IWF_OK ? iwf_sqlite_end_own(st, own, tell_due(st, before_ms, now_ms, max, n)) : e;
}

/* ---- cutting it ---- */

static enum iwf_err set_anchor(struct iwf_store *st, int64_t last, const uint8_t hash[static IWF_HASH_LEN], int64_t now_ms)
{
	struct query q;
	enum iwf_err e;

	iwf_sqlite_start(&q, st, ST_ANCHOR_INSERT, "audit_prune");
	iwf_sqlite_bind_int(&q, ":last", last);
	iwf_sqlite_bind_blob(&q, ":hash", hash, IWF_HASH_LEN);
	iwf_sqlite_bind_int(&q, ":at", now_ms);
	e = iwf_sqlite_run(&q, NULL);
	if (e != IWF_OK)
		return e;
	iwf_sqlite_start(&q, st, ST_ANCHOR_CLEAR, "audit_prune");
	iwf_sqlite_bind_int(&q, ":last", last);
	return iwf_sqlite_run(&q, NULL);
}

static enum iwf_err cut(struct iwf_store *st, int64_t before_ms, int64_t up_to_id, int64_t now_ms, size_t max, size_t *n,
                                    struct iwf_audit_cut *out)
{
	uint8_t hash[IWF_HASH_LEN];
	struct query q;
	int changes;
	enum iwf_err e;

	iwf_sqlite_start(&q, st, ST_AUDIT_CUT, "audit_prune");
	iwf_sqlite_bind_int(&q, ":before", before_ms);
	iwf_sqlite_bind_int(&q, ":up_to", up_to_id);
	iwf_sqlite_bind_int(&q, ":max", (int64_t)max);
	if (iwf_sqlite_row(&q)) {
		out->last_id = iwf_sqlite_col_int(&q);
		iwf_sqlite_col_fixed(&q, hash, IWF_HASH_LEN);
	}
	e = iwf_sqlite_end_one(&q);
	if (e != IWF_OK)
		return e == IWF_ENOENT ? IWF_OK : e;
	iwf_hex(hash, IWF_HASH_LEN, out->hash);
	e = set_anchor(st, out->last_id, hash, now_ms);
	if (e != IWF_OK)
		return e;
	iwf_sqlite_start(&q, st, ST_AUDIT_CUT_DELETE, "audit_prune");
	iwf_sqlite_bind_int(&q, ":last", out->last_id);
	e = iwf_sqlite_run(&q, &changes);
	*n = e == IWF_OK ? (size_t)changes : 0;
	return e;
}

enum iwf_err iwf_sqlite_audit_prune(struct iwf_store *st, int64_t before_ms, int64_t up_to_id, int64_t now_ms, size_t max, size_t *n,
                                    struct iwf_audit_cut *out)
{
	bool own;
	enum iwf_err e = iwf_sqlite_begin_own(st, &own);

	*n = 0;
	*out = (struct iwf_audit_cut){ .last_id = 0 };
	return e == IWF_OK ? iwf_sqlite_end_own(st, own, cut(st, before_ms, up_to_id, now_ms, max, n, out)) : e;
}

/* ---- is it whole? ---- */

/* One row of the audit as text columns of their own length: rows that others have
 * changed may hold anything.  NULL columns stay NULL. */
static void audit_columns(struct query *q, int64_t *id, struct iwf_audit *a, const char **reason, uint8_t hash[static IWF_HASH_LEN])
{
#define TEXT(field) field = (const char *)sqlite3_column_text(q->stmt, q->col++)
	memset(a, 0, sizeof(*a));
	*id = iwf_sqlite_col_int(q);
	a->at_ms = iwf_sqlite_col_int(q);
	TEXT(a->event);
	TEXT(a->decision);
	TEXT(*reason);
	a->request_status = (int)iwf_sqlite_col_int(q);
	a->scs_id = iwf_sqlite_col_int(q);
	TEXT(a->peer);
	TEXT(a->origin_host);
	TEXT(a->address);
	TEXT(a->cert);
	TEXT(a->device);
	a->subscription_id = iwf_sqlite_col_int(q);
	a->reference = iwf_sqlite_col_int(q);
	TEXT(a->detail);
	iwf_sqlite_col_fixed(q, hash, IWF_HASH_LEN);
	a->mtc_user_id = iwf_sqlite_col_int(q);
	a->times = iwf_sqlite_col_int(q);
	a->first_ms = iwf_sqlite_col_int(q);
#undef TEXT
}

/* What the row after `last` is chained to.  *known false: nobody has written that down. */
static enum iwf_err anchor_of(struct iwf_store *st, int64_t last, uint8_t hash[static IWF_HASH_LEN], struct iwf_audit_check *out)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_ANCHOR_GET, "audit_check");
	iwf_sqlite_bind_int(&q, ":last", last);
	out->anchored = iwf_sqlite_row(&q);
	if (out->anchored) {
		iwf_sqlite_col_fixed(&q, hash, IWF_HASH_LEN);
		iwf_sqlite_col_text(&q, out->kept_in, sizeof(out->kept_in));
	}
	return iwf_sqlite_end(&q);
}

/* Does that row say where the audit was cut? */
static bool records(const struct iwf_audit *a, const uint8_t hash[static IWF_HASH_LEN])
{
	char hex[2 * IWF_HASH_LEN + 1];

	iwf_hex(hash, IWF_HASH_LEN, hex);
	return a->event && strcmp(a->event, "admin") == 0 && a->detail && strstr(a->detail, hex);
}

enum iwf_err iwf_store_audit_check(struct iwf_store *st, struct iwf_audit_check *out)
{
	uint8_t anchor[IWF_HASH_LEN] = { 0 };
	uint8_t before[IWF_HASH_LEN] = { 0 }, on_disk[IWF_HASH_LEN], hash[IWF_HASH_LEN];
	enum iwf_err e = IWF_OK;
	int64_t seq;

	memset(out, 0, sizeof(*out));
	if (strcmp(st->ops->name, "sqlite") != 0)
		return IWF_EINVAL;
	for (;;) {
		struct iwf_audit a;
		const char *reason;
		struct query q;
		int64_t id = 0;
		bool more, holds = false;

		iwf_sqlite_start(&q, st, ST_AUDIT_NEXT, "audit_check");
		iwf_sqlite_bind_int(&q, ":after", out->last_id);
		more = iwf_sqlite_row(&q);
		if (more) {
			audit_columns(&q, &id, &a, &reason, on_disk);
			if (out->rows == 0 && id > 1) {
				q.err = anchor_of(st, id - 1, anchor, out);
				memcpy(before, anchor, sizeof(before));
				out->last_id = id - 1;
			}
			/* What stood before the first row that is left cannot be known if nobody has written it down. */
			holds = (out->rows == 0 && id > 1 && !out->anchored) || (id == out->last_id + 1 && iwf_audit_hash(before, id, &a, reason, hash) &&
			                                       memcmp(hash, on_disk, sizeof(hash)) == 0);
			out->anchor_recorded |= out->anchored && records(&a, anchor);
		}
		e = iwf_sqlite_end(&q);
		if (e != IWF_OK)
			return e;
		if (!more)
			break;
		if (!holds) {
			out->broken_id = id;
			if (out->rows == 0)
				out->last_id = 0;
			return IWF_OK;
		}
		memcpy(before, on_disk, sizeof(before));
		if (out->rows++ == 0)
			out->first_id = id;
		out->last_id = id;
	}
	e = last_row(st, &seq, hash);
	if (e == IWF_OK && seq != out->last_id)
		out->broken_id = out->last_id + 1;
	return e;
}
