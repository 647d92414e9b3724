/* iwfctl_batch_row.c - one device of a batch on its own: what stands in its way
 * is looked for before anything is written. */
#include "iwfctl_batch.h"

static int64_t find(struct batch *b, enum bulk_sql by, struct bulk_text what)
{
	sqlite3_stmt *st = batch_sql(b, by);
	bulk_bind(st, 1, what);
	return batch_id(b, st);
}

static bool has(struct batch *b, enum bulk_sql what, int64_t id)
{
	sqlite3_stmt *st = batch_sql(b, what);
	bulk_bind_id(st, 1, id);
	return batch_id(b, st) != 0;
}

static void drop(struct batch *b, enum bulk_sql what, int64_t id)
{
	sqlite3_stmt *st = batch_sql(b, what);
	bulk_bind_id(st, 1, id);
	batch_run(b, st);
}

/* Is one of its names another device's, or will it have none?  id 0: it is new. */
static bool names_are_free(struct batch *b, const struct bulk_row *r, int64_t id)
{
	const char *why = NULL;
	int64_t other = r->msisdn.p ? find(b, BULK_BY_MSISDN, r->msisdn) : 0;
	if (other && other != id)
		why = "another device has that MSISDN";
	for (uint32_t i = 0; i < r->next && !why; i++) {
		other = find(b, BULK_BY_EXT, b->ext[r->ext + i].id);
		if (other && other != id)
			why = "another device has one of those External Identifiers";
	}
	bool msisdn = r->msisdn.p || (id && !(b->has & 1u << COL_MSISDN) && has(b, BULK_HAS_MSISDN, id));
	if (!why && !msisdn && !r->next && !(id && !(b->has & 1u << COL_EXT) && has(b, BULK_HAS_EXT, id)))
		why = "a device needs an MSISDN or an External Identifier, or no SCS can name it";
	if (why && !b->failed)
		batch_refuse(b, r->line, "%s", why);
	return !why;
}

static void add_lists(struct batch *b, const struct bulk_row *r, int64_t id)
{
	for (uint32_t i = 0; i < r->next; i++) {
		sqlite3_stmt *st = batch_sql(b, BULK_ADD_EXT);
		bulk_bind(st, 1, b->ext[r->ext + i].id);
		bulk_bind_id(st, 2, id);
		bulk_bind_id(st, 3, b->ext[r->ext + i].scs_id);
		batch_run(b, st);
	}
	for (uint32_t i = 0; i < r->ngroup; i++) {
		sqlite3_stmt *st = batch_sql(b, BULK_ADD_GROUP);
		bulk_bind_id(st, 1, b->group[r->group + i].group_id);
		bulk_bind_id(st, 2, id);
		batch_run(b, st);
	}
}

static void add(struct batch *b, const struct bulk_row *r)
{
	sqlite3_stmt *st = batch_sql(b, BULK_ADD);
	bulk_bind(st, 1, r->imsi);
	bulk_bind(st, 2, r->msisdn);
	bulk_bind_id(st, 3, r->user_id);
	if (st) {
		sqlite3_bind_int(st, 4, r->enabled);
		sqlite3_bind_int(st, 5, r->triggers);
	}
	bulk_bind(st, 6, r->smssc);
	bulk_bind_id(st, 7, ctl_now_ms());
	batch_run(b, st);
	add_lists(b, r, sqlite3_last_insert_rowid(b->sql));
	b->pending.added++;
}

/* Columns that the file doesn't have stay as they are. */
static void change(struct batch *b, const struct bulk_row *r, int64_t id)
{
	static const unsigned cols[] = { COL_MSISDN, COL_USER, COL_ENABLED, COL_TRIGGERS, COL_SMSSC };
	sqlite3_stmt *st = batch_sql(b, BULK_CHANGE);
	bulk_bind_id(st, 1, id);
	for (int i = 0; st && i < 5; i++)
		sqlite3_bind_int(st, 2 + 2 * i, (b->has & 1u << cols[i]) != 0);
	bulk_bind(st, 3, r->msisdn);
	bulk_bind_id(st, 5, r->user_id);
	if (st) {
		sqlite3_bind_int(st, 7, r->enabled);
		sqlite3_bind_int(st, 9, r->triggers);
	}
	bulk_bind(st, 11, r->smssc);
	batch_run(b, st);
	if (b->has & 1u << COL_EXT)
		drop(b, BULK_DROP_EXTS, id);
	if (b->has & 1u << COL_GROUPS)
		drop(b, BULK_DROP_GROUPS, id);
	add_lists(b, r, id);
	b->pending.updated++;
}

bool batch_write_row(struct batch *b, const struct bulk_row *r)
{
	int64_t id = find(b, BULK_BY_IMSI, r->imsi);
	if (b->failed)
		return false;
	b->plain = b->plain && !id;
	if (id && b->conflict == BULK_SKIP) {
		b->pending.skipped++;
		return true;
	}
	if (id && b->conflict == BULK_REFUSE) {
		batch_refuse(b, r->line, "a device with that IMSI is there already");
		return false;
	}
	if (!names_are_free(b, r, id)) {
		b->plain = false;
		return false;
	}
	if (id)
		change(b, r, id);
	else
		add(b, r);
	return !b->failed;
}
