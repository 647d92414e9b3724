/* iwfctl_batch.c - a batch of devices: checked, and written into the store.
 *
 * The quick way shows the batch to SQLite as virtual tables, so that one
 * INSERT ... SELECT takes all of it.  If a row of the batch stands in the way of
 * another or of one in the store, all is rolled back and the rows go in one by
 * one, each looked at first: so it is known which is refused and why. */
#include "iwfctl_batch.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "ident.h"
#include "sqlite_err.h"

#define PAUSE_US        600                  /* who waits for the lock asks for it twice within it */
#define ALONE_AFTER     50                   /* batches in which nobody else has written */
#define CHECKPOINT_FROM 900                  /* pages of log: before the node does it */
#define LOG_TOO_LONG    4096                 /* pages */
#define CACHE_KB        65536
#define BEGIN_TRIES     15                   /* of two seconds each */

const char *const bulk_columns[COLS] = {
	"imsi", "msisdn", "external_ids", "user", "enabled", "trigger_allowed", "smssc", "groups",
};

/* ---- memory ---- */

static void *grown(void *p, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return p;
	*room = *room ? 2 * *room : 256;
	p = realloc(p, *room * size);
	if (!p)
		abort();
	return p;
}

static struct bulk_text keep(struct batch *b, const char *p, size_t n)
{
	if (!b->arena || b->arena->used + n > sizeof b->arena->text) {     /* n is a field: at most IWF_CSV_RECORD */
		struct arena *a = b->spare;
		if (a)
			b->spare = a->next;
		else if (!(a = malloc(sizeof *a)))
			abort();
		a->used = 0;
		a->next = b->arena;
		b->arena = a;
	}
	char *to = b->arena->text + b->arena->used;
	memcpy(to, p, n);
	b->arena->used += n;
	return (struct bulk_text){ to, (int)n };
}

static void forget(struct batch *b)
{
	while (b->arena) {
		struct arena *a = b->arena;
		b->arena = a->next;
		a->next = b->spare;
		b->spare = a;
	}
	b->n = b->next = b->ngroup = 0;
}

/* ---- what is refused ---- */

void batch_refuse(struct batch *b, uint64_t line, const char *fmt, ...)
{
	char text[600];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	progress_hide(b->progress);
	ctl_fail("line %llu: %s", (unsigned long long)line, text);
	b->pending.refused++;
	b->stopped = b->strict;
}

/* ---- a record ---- */

static struct iwf_view view(const char *p, size_t n)
{
	return (struct iwf_view){ (const uint8_t *)p, n };
}

static bool is_name(const char *p, size_t n)
{
	if (n < 1 || n > IWF_NAME_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!(p[i] >= 'a' && p[i] <= 'z') && !(p[i] >= 'A' && p[i] <= 'Z') && !(p[i] >= '0' && p[i] <= '9') && !strchr("._-", p[i]))
			return false;
	return true;
}

static const char not_a_name[] = "a name has 1 to 63 letters, digits, '.', '_' and '-'";

static const char *take_ext(struct batch *b, struct bulk_row *r, const char *p, size_t n)
{
	struct iwf_extid id;
	const char *colon = memchr(p, BULK_FOR, n);
	struct bulk_ext *x;
	const char *wrong = iwf_extid_parse(view(p, colon ? (size_t)(colon - p) : n), &id);
	if (wrong)
		return wrong;
	b->ext = grown(b->ext, b->next, &b->ext_room, sizeof *b->ext);
	x = &b->ext[b->next++];
	*x = (struct bulk_ext){ .id = keep(b, id.text, strlen(id.text)), .row = (uint32_t)b->n };
	if (colon) {
		size_t len = n - (size_t)(colon + 1 - p);
		if (!is_name(colon + 1, len))
			return not_a_name;
		x->scs = keep(b, colon + 1, len);
	}
	r->next++;
	return NULL;
}

static const char *take_group(struct batch *b, struct bulk_row *r, const char *p, size_t n)
{
	if (!is_name(p, n))
		return not_a_name;
	b->group = grown(b->group, b->ngroup, &b->group_room, sizeof *b->group);
	b->group[b->ngroup++] = (struct bulk_group){ .name = keep(b, p, n), .row = (uint32_t)b->n };
	r->ngroup++;
	return NULL;
}

static const char *take_list(struct batch *b, struct bulk_row *r, const struct iwf_csv_field *f,
                             const char *(*item)(struct batch *, struct bulk_row *, const char *, size_t))
{
	const char *p = f->p, *end = f->p + f->n, *wrong;
	for (;;) {
		const char *stop = memchr(p, BULK_BETWEEN, (size_t)(end - p));
		size_t n = (size_t)((stop ? stop : end) - p);
		if ((wrong = item(b, r, p, n)) || !stop)
			return wrong;
		p = stop + 1;
	}
}

static const char *take_flag(bool *flag, const struct iwf_csv_field *f)
{
	*flag = strcmp(f->p, "1") == 0 || strcmp(f->p, "yes") == 0;
	return *flag || strcmp(f->p, "0") == 0 || strcmp(f->p, "no") == 0 ? NULL : "it has to be 1 or 0 (yes or no)";
}

static const char *take_field(struct batch *b, struct bulk_row *r, unsigned col, const struct iwf_csv_field *f)
{
	struct imsi imsi;
	const char *wrong = NULL;
	if (f->n == 0)
		return col == COL_IMSI ? "missing" : NULL;
	switch (col) {
	case COL_IMSI:
		wrong = iwf_imsi_parse(view(f->p, f->n), &imsi);
		r->imsi = keep(b, f->p, f->n);
		return wrong;
	case COL_MSISDN:
		wrong = iwf_e164_check(f->p);
		r->msisdn = keep(b, f->p, f->n);
		return wrong;
	case COL_SMSSC:
		wrong = iwf_diamid_check(view(f->p, f->n));
		r->smssc = keep(b, f->p, f->n);
		return wrong;
	case COL_USER:
		r->user = keep(b, f->p, f->n);
		return is_name(f->p, f->n) ? NULL : not_a_name;
	case COL_EXT:      return take_list(b, r, f, take_ext);
	case COL_GROUPS:   return take_list(b, r, f, take_group);
	case COL_ENABLED:  return take_flag(&r->enabled, f);
	case COL_TRIGGERS: return take_flag(&r->triggers, f);
	}
	return NULL;
}

bool batch_add(struct batch *b, uint64_t line, const struct iwf_csv_field *field, const uint8_t *column, size_t n)
{
	b->row = grown(b->row, b->n, &b->row_room, sizeof *b->row);
	struct bulk_row *r = &b->row[b->n];
	*r = (struct bulk_row){ .line = line, .enabled = true, .triggers = true, .ext = (uint32_t)b->next, .group = (uint32_t)b->ngroup };
	for (size_t i = 0; i < n; i++) {
		const char *wrong = take_field(b, r, column[i], &field[i]);
		if (!wrong)
			continue;
		batch_refuse(b, line, "%s: %s", bulk_columns[column[i]], wrong);
		b->next = r->ext;
		b->ngroup = r->group;
		return false;
	}
	b->n++;
	return true;
}

size_t batch_rows(const struct batch *b) { return b->n; }
const struct bulk_counts *batch_counts(const struct batch *b) { return &b->counts; }

int64_t batch_held_us(const struct batch *b, size_t *rows)
{
	*rows = b->held_rows;
	return b->held_us;
}

/* ---- one transaction ---- */

sqlite3_stmt *batch_sql(struct batch *b, enum bulk_sql n)
{
	static const char *const sql[BULK_SQL] = {
#define SQL(name, text) [name] = text,
		BULK_SQL_LIST(SQL)
#undef SQL
	};
	if (!b->st[n] && !(b->st[n] = ctl_prepare(b->ctl, sql[n])))
		b->failed = true;
	sqlite3_reset(b->st[n]);
	return b->st[n];
}

bool batch_run(struct batch *b, sqlite3_stmt *st)
{
	int rc = st ? sqlite3_step(st) : SQLITE_ERROR;
	if (st && rc != SQLITE_DONE && rc != SQLITE_ROW && !b->failed)
		ctl_fail("the store does not take it: %s", sqlite3_errmsg(b->sql));
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		b->failed = true;
	if (st && rc != SQLITE_ROW)
		sqlite3_reset(st);
	return rc == SQLITE_ROW;
}

void bulk_bind(sqlite3_stmt *st, int i, struct bulk_text t)
{
	if (st)
		sqlite3_bind_text(st, i, t.p, t.n, SQLITE_STATIC);
}

void bulk_bind_id(sqlite3_stmt *st, int i, int64_t id)
{
	if (st && id)
		sqlite3_bind_int64(st, i, id);
	else if (st)
		sqlite3_bind_null(st, i);
}

int64_t batch_id(struct batch *b, sqlite3_stmt *st)
{
	int64_t id = batch_run(b, st) ? sqlite3_column_int64(st, 0) : 0;
	if (st)
		sqlite3_reset(st);
	return id;
}

/* Names are looked up once a transaction: others may change them in between. */
static int64_t name_id(struct batch *b, enum bulk_sql kind, struct bulk_text name)
{
	uint32_t h = 2166136261u ^ (uint32_t)kind;
	for (int i = 0; i < name.n; i++)
		h = (h ^ (unsigned char)name.p[i]) * 16777619u;
	struct known *k = &b->known[h % KNOWN];
	if (k->tx == b->tx && k->kind == kind && k->name.n == name.n && memcmp(k->name.p, name.p, (size_t)name.n) == 0)
		return k->id;
	sqlite3_stmt *st = batch_sql(b, kind);
	bulk_bind(st, 1, name);
	*k = (struct known){ b->tx, kind, name, batch_id(b, st) };
	return k->id;
}

/* False: refused. */
static bool find_names(struct batch *b, struct bulk_row *r)
{
	static const char unknown[] = "there is no %s '%.*s'";
	r->user_id = r->user.p ? name_id(b, BULK_USER, r->user) : 0;
	if (r->user.p && !r->user_id && !b->failed) {
		batch_refuse(b, r->line, unknown, "user", r->user.n, r->user.p);
		return false;
	}
	for (struct bulk_ext *x = &b->ext[r->ext]; x < &b->ext[r->ext + r->next]; x++) {
		x->scs_id = x->scs.p ? name_id(b, BULK_SCS, x->scs) : 0;
		if (x->scs.p && !x->scs_id && !b->failed) {
			batch_refuse(b, r->line, unknown, "SCS", x->scs.n, x->scs.p);
			return false;
		}
	}
	for (struct bulk_group *g = &b->group[r->group]; g < &b->group[r->group + r->ngroup]; g++) {
		g->group_id = name_id(b, BULK_GROUP, g->name);
		if (!g->group_id && !b->failed) {
			batch_refuse(b, r->line, unknown, "device group", g->name.n, g->name.p);
			return false;
		}
	}
	return true;
}

/* The quick way.  False: not all went in, and the transaction is to be rolled back. */
static bool write_all(struct batch *b)
{
	size_t rows = 0, exts = 0, groups = 0;
	int64_t id = batch_id(b, batch_sql(b, BULK_LAST_ID));
	for (size_t i = 0; i < b->n && !b->failed && !b->stopped; i++) {
		struct bulk_row *r = &b->row[i];
		if (r->refused || (r->refused = !find_names(b, r)))
			continue;
		if (!r->msisdn.p && !r->next)
			return false;
		r->id = ++id;
		rows++;
		exts += r->next;
		groups += r->ngroup;
	}
	if (b->failed || b->stopped)
		return false;
	const struct { enum bulk_sql sql; size_t n; } steps[] = { { BULK_ALL_ROWS, rows }, { BULK_ALL_EXTS, exts }, { BULK_ALL_GROUPS, groups } };
	for (size_t i = 0; i < 3; i++) {
		if (!steps[i].n)
			continue;
		sqlite3_stmt *st = batch_sql(b, steps[i].sql);
		if (st && steps[i].sql == BULK_ALL_ROWS)
			sqlite3_bind_int64(st, 1, ctl_now_ms());
		batch_run(b, st);
		if (b->failed || sqlite3_changes64(b->sql) != (int64_t)steps[i].n)
			return false;
	}
	b->pending.added += rows;
	return true;
}

static bool begin(struct batch *b)
{
	enum iwf_err err;
	struct iwf_store *s = b->ctl->store;
	int tries = BEGIN_TRIES;
	while ((err = s->ops->begin(s)) == IWF_EBUSY && --tries > 0 && !bulk_stop())
		;
	b->began_us = bulk_now_us();
	b->tx++;
	b->failed = err != IWF_OK;
	if (err != IWF_OK) {
		ctl_fail("cannot begin: %s", err == IWF_EBUSY ? "somebody else has been writing to the store all the time" : iwf_err_str(err));
	} else if (iwf_store_sqlite(s) != b->sql) {
		ctl_fail("the file of the store has been replaced");
		s->ops->rollback(s);
		b->failed = true;
	}
	return !b->failed;
}

static void roll_back(struct batch *b)
{
	for (size_t i = 0; i < BULK_SQL; i++)
		sqlite3_reset(b->st[i]);
	b->ctl->store->ops->rollback(b->ctl->store);
}

static bool commit(struct batch *b, size_t rows)
{
	for (size_t i = 0; i < BULK_SQL; i++)
		sqlite3_reset(b->st[i]);
	enum iwf_err err = b->ctl->store->ops->commit(b->ctl->store);
	b->ended_us = bulk_now_us();
	b->held_us = b->ended_us - b->began_us;
	b->held_rows = rows;
	if (err != IWF_OK) {
		ctl_fail("not written: %s", iwf_err_str(err));
		b->failed = true;
		return false;
	}
	b->counts.added += b->pending.added;
	b->counts.updated += b->pending.updated;
	b->counts.skipped += b->pending.skipped;
	b->counts.refused += b->pending.refused;
	b->pending = (struct bulk_counts){ 0 };
	return true;
}

/* Those of row i on that fit into the time; gives the first that is not in. */
static size_t write_some(struct batch *b, size_t i, int64_t hold_us)
{
	for (size_t began = i; i < b->n && !b->failed && !b->stopped; i++) {
		struct bulk_row *r = &b->row[i];
		if (hold_us && i > began && i % 16 == 0 && bulk_now_us() - b->began_us > hold_us)
			break;
		if (!r->refused)
			r->refused = !find_names(b, r) || !batch_write_row(b, r);
	}
	return i;
}

int batch_write(struct batch *b, int64_t hold_us, uint64_t *line)
{
	size_t i = 0;
	*line = b->n ? b->row[0].line : 0;
	b->plain = true;
	if (b->n && !b->one_by_one && !b->stopped) {
		if (!begin(b))
			return CTL_FAIL;
		if (write_all(b)) {
			if (!commit(b, b->n))
				return CTL_FAIL;
			i = b->n;
		} else {
			roll_back(b);
			b->one_by_one = true;
		}
	}
	while (i < b->n && !b->failed && !b->stopped) {
		size_t from = i;
		if (from)
			batch_pause(b);
		if (!begin(b))
			return CTL_FAIL;
		i = write_some(b, i, hold_us);
		if (b->failed || b->stopped) {
			roll_back(b);
			i = from;
			break;
		}
		if (!commit(b, i - from)) {
			i = from;
			break;
		}
		*line = i < b->n ? b->row[i].line : 0;
	}
	if (b->failed || b->stopped)
		return CTL_FAIL;
	b->one_by_one = b->one_by_one && !b->plain;
	b->counts.refused += b->pending.refused;     /* of a batch that had nothing else */
	b->pending = (struct bulk_counts){ 0 };
	forget(b);
	return CTL_OK;
}

/* Since the last call; whatever it was.  By the way, a schema that has changed ends the import. */
static bool others_wrote(struct batch *b)
{
	const sqlite3_int64 before = b->data_version;
	bool rights;
	int rc;

	return b->ctl->store->ops->changed(b->ctl->store, &rights) != IWF_OK ||
	       !iwf_sqlite_int(b->sql, "PRAGMA data_version", &b->data_version, &rc) || b->data_version != before;
}

void batch_pause(struct batch *b)
{
	int in_log = 0, copied = 0;
	if (b->log_pages >= CHECKPOINT_FROM) {
		sqlite3_wal_checkpoint_v2(b->sql, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied);
		if (in_log > LOG_TOO_LONG) {
			/* The log begins anew only when all of it has been copied and nobody writes.  Not for this, though, is anybody kept waiting. */
			iwf_store_wait(b->ctl->store, false);
			sqlite3_wal_checkpoint_v2(b->sql, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
			iwf_store_wait(b->ctl->store, true);
		}
		b->log_pages = 0;
	}
	/* Whoever finds nobody writing need not stand aside; to read the next rows takes a while too. */
	if (others_wrote(b))
		b->alone = 0;
	else
		b->alone++;
	int64_t rest = b->ended_us + PAUSE_US - bulk_now_us();
	if (rest > 0 && b->alone < ALONE_AFTER)
		nanosleep(&(struct timespec){ 0, rest * 1000 }, NULL);
}

/* ---- the batch as tables that SQL can read ---- */

enum shown { SHOWN_ROWS, SHOWN_EXTS, SHOWN_GROUPS };
struct shown_table { sqlite3_vtab base; struct batch *b; enum shown what; };
struct shown_cursor { sqlite3_vtab_cursor base; struct batch *b; enum shown what; size_t i, n; };

static int shown_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out, char **err)
{
	static const char *const columns[] = {
		[SHOWN_ROWS] = "CREATE TABLE t (id INTEGER, imsi TEXT, msisdn TEXT, user INTEGER, enabled INTEGER, triggers INTEGER, smssc TEXT)",
		[SHOWN_EXTS] = "CREATE TABLE t (id INTEGER, ext_id TEXT, scs INTEGER)",
		[SHOWN_GROUPS] = "CREATE TABLE t (id INTEGER, device_group INTEGER)",
	};
	struct shown_aux *a = aux;
	struct shown_table *t = sqlite3_malloc(sizeof *t);
	if (!t)
		return SQLITE_NOMEM;
	*t = (struct shown_table){ .b = a->b, .what = (enum shown)a->what };
	*out = &t->base;
	return sqlite3_declare_vtab(db, columns[a->what]);
}

static int shown_disconnect(sqlite3_vtab *t)
{
	sqlite3_free(t);
	return SQLITE_OK;
}

static int shown_best_index(sqlite3_vtab *t, sqlite3_index_info *info)
{
	return SQLITE_OK;                            /* all of it, as it is */
}

static int shown_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	struct shown_table *t = (struct shown_table *)base;
	struct shown_cursor *c = sqlite3_malloc(sizeof *c);
	if (!c)
		return SQLITE_NOMEM;
	*c = (struct shown_cursor){ .b = t->b, .what = t->what };
	*out = &c->base;
	return SQLITE_OK;
}

static int shown_close(sqlite3_vtab_cursor *c)
{
	sqlite3_free(c);
	return SQLITE_OK;
}

static const struct bulk_row *row_at(const struct shown_cursor *c)
{
	return &c->b->row[c->what == SHOWN_ROWS ? c->i : c->what == SHOWN_EXTS ? c->b->ext[c->i].row : c->b->group[c->i].row];
}

static void pass_refused(struct shown_cursor *c)
{
	while (c->i < c->n && row_at(c)->refused)
		c->i++;
}

static int shown_filter(sqlite3_vtab_cursor *base, int how, const char *name, int argc, sqlite3_value **argv)
{
	struct shown_cursor *c = (struct shown_cursor *)base;
	c->i = 0;
	c->n = c->what == SHOWN_ROWS ? c->b->n : c->what == SHOWN_EXTS ? c->b->next : c->b->ngroup;
	pass_refused(c);
	return SQLITE_OK;
}

static int shown_next(sqlite3_vtab_cursor *base)
{
	struct shown_cursor *c = (struct shown_cursor *)base;
	c->i++;
	pass_refused(c);
	return SQLITE_OK;
}

static int shown_eof(sqlite3_vtab_cursor *base)
{
	const struct shown_cursor *c = (struct shown_cursor *)base;
	return c->i >= c->n;
}

static void show_text(sqlite3_context *x, struct bulk_text t)
{
	if (t.p)
		sqlite3_result_text(x, t.p, t.n, SQLITE_STATIC);
}

static void show_id(sqlite3_context *x, int64_t id)
{
	if (id)
		sqlite3_result_int64(x, id);
}

static int shown_column(sqlite3_vtab_cursor *base, sqlite3_context *x, int col)
{
	const struct shown_cursor *c = (struct shown_cursor *)base;
	const struct bulk_row *r = row_at(c);
	if (col == 0)
		show_id(x, r->id);
	else if (c->what == SHOWN_EXTS && col == 1)
		show_text(x, c->b->ext[c->i].id);
	else if (c->what == SHOWN_EXTS)
		show_id(x, c->b->ext[c->i].scs_id);
	else if (c->what == SHOWN_GROUPS)
		show_id(x, c->b->group[c->i].group_id);
	else if (col == 1 || col == 2 || col == 6)
		show_text(x, col == 1 ? r->imsi : col == 2 ? r->msisdn : r->smssc);
	else if (col == 3)
		show_id(x, r->user_id);
	else
		sqlite3_result_int(x, col == 4 ? r->enabled : r->triggers);
	return SQLITE_OK;
}

static int shown_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *id)
{
	*id = (sqlite3_int64)((struct shown_cursor *)base)->i;
	return SQLITE_OK;
}

static const sqlite3_module shown = {
	.xConnect = shown_connect, .xBestIndex = shown_best_index, .xDisconnect = shown_disconnect, .xOpen = shown_open,
	.xClose = shown_close, .xFilter = shown_filter, .xNext = shown_next, .xEof = shown_eof, .xColumn = shown_column,
	.xRowid = shown_rowid,
};

/* ---- making and ending it ---- */

static int note_log(void *ctx, sqlite3 *db, const char *name, int pages)
{
	((struct batch *)ctx)->log_pages = pages;
	return SQLITE_OK;
}

static bool set_up(struct batch *b)
{
	static const char *const names[] = { "batch_row", "batch_ext", "batch_group" };
	char sql[100];
	/* CHECKs cost more than all the rest, and batch_add() is stricter.  That batches are
	 * on disk is made sure of at the end, not with each: so the lock is not held for the disk. */
	snprintf(sql, sizeof sql, "PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -%d", CACHE_KB);
	int rc = sqlite3_exec(b->sql, sql, NULL, NULL, NULL);
	for (int i = 0; i < 3 && rc == SQLITE_OK; i++) {
		b->aux[i] = (struct shown_aux){ b, i };
		rc = sqlite3_create_module(b->sql, names[i], &shown, &b->aux[i]);
	}
	if (rc != SQLITE_OK)
		ctl_fail("%s", sqlite3_errmsg(b->sql));
	sqlite3_wal_hook(b->sql, note_log, b);       /* and no checkpoint within a commit */
	return rc == SQLITE_OK;
}

struct batch *batch_new(struct ctl *c, unsigned has, enum bulk_conflict conflict, bool strict, struct progress *p)
{
	struct batch *b = calloc(1, sizeof *b);
	if (!b)
		abort();
	*b = (struct batch){ .ctl = c, .sql = c->sql, .has = has, .conflict = conflict, .strict = strict, .progress = p };
	if (set_up(b))
		return b;
	batch_free(b);
	return NULL;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < BULK_SQL; i++)
		sqlite3_finalize(b->st[i]);
	forget(b);
	for (struct arena *a = b->spare, *next; a; a = next) {
		next = a->next;
		free(a);
	}
	free(b->row);
	free(b->ext);
	free(b->group);
	free(b);
}
