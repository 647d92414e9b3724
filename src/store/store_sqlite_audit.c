/* store_sqlite_audit.c - the audit: rows in a chain, and whether the chain holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "audit_chain.h"
#include "store_sqlite.h"

/* Hash and id of the last row ever added.  Read each time: other programs add rows too. */
static enum iwf_err last_row(struct iwf_store *st, int64_t *id, uint8_t hash[static IWF_HASH_LEN])
{
	struct query q;

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
	return iwf_sqlite_run(&q, NULL);
}

enum iwf_err iwf_sqlite_audit_add(struct iwf_store *st, const struct iwf_audit *a)
{
	struct sqlite_store *s = (struct sqlite_store *)st;
	struct iwf_audit_row row;
	enum iwf_err e;

	iwf_audit_clean(a, &row);
	if (s->in_tx)
		return add(st, &row.a);
	/* The hash of the row before must still be that when this one is written. */
	e = iwf_sqlite_begin(st);
	if (e != IWF_OK)
		return e;
	e = add(st, &row.a);
	if (e == IWF_OK)
		return iwf_sqlite_commit(st);
	iwf_sqlite_rollback(st);
	return e;
}

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

enum iwf_err iwf_store_audit_check(struct iwf_store *st, struct iwf_audit_check *out)
{
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
			/* What stood before the first row that is left cannot be known, unless it is the first of all. */
			holds = (out->rows == 0 && id > 1) || (id == out->last_id + 1 && iwf_audit_hash(before, id, &a, reason, hash) &&
			                                       memcmp(hash, on_disk, sizeof(hash)) == 0);
		}
		e = iwf_sqlite_end(&q);
		if (e != IWF_OK)
			return e;
		if (!more)
			break;
		if (!holds) {
			out->broken_id = id;
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
