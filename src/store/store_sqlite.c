/* store_sqlite.c - SQLite back end: connection, statements, errors, transactions. */
#define _GNU_SOURCE             /* statx() */
#include "store_sqlite.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include "log.h"
#include "migrate.h"
#include "private.h"
#include "sqlite_err.h"

#define AWAY_MS 20        /* more than that between two questions: it was the machine that was away */

#define STMT(name, sql) { #name, sql },
static const struct { const char *name, *sql; } statements[] = {
#include "sqlite_stmt.def"
};
#undef STMT

static struct sqlite_store *sqlite_of(struct iwf_store *st)
{
	return (struct sqlite_store *)st;
}

const char *iwf_sqlite_path(const struct iwf_store *st)
{
	return ((const struct sqlite_store *)st)->path;
}

const char *iwf_sqlite_sql(enum sqlite_stmt n)
{
	return statements[n].sql;
}

const char *iwf_sqlite_stmt_name(enum sqlite_stmt n)
{
	return statements[n].name;
}

/* ---- failures ---- */

int64_t iwf_sqlite_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Says s->err in the log, unless one of its kind was said within the second. */
static enum iwf_err log_failure(struct sqlite_store *s, enum iwf_err e)
{
	size_t kind = (size_t)-e % (sizeof(s->logged) / sizeof(*s->logged));
	enum iwf_log_level level = e == IWF_EBUSY ? IWF_LOG_WARN : IWF_LOG_ERROR;
	int64_t now = iwf_sqlite_now_ms();
	unsigned silent = s->logged[kind].silent;

	if (s->logged[kind].last_ms && now - s->logged[kind].last_ms < 1000) {
		s->logged[kind].silent++;
		return e;
	}
	s->failing = true;
	s->logged[kind].last_ms = now;
	s->logged[kind].silent = 0;
	if (silent)
		iwf_log(level, IWF_SUB_STORE, "%s (and %u more failures of this kind since the last line)", s->err, silent);
	else
		iwf_log(level, IWF_SUB_STORE, "%s", s->err);
	return e;
}

static enum iwf_err fail_words(struct sqlite_store *s, enum iwf_err e, const char *what, const char *why)
{
	snprintf(s->err, sizeof(s->err), "%s: %s: %s", s->path, what, why);
	return log_failure(s, e);
}

static enum iwf_err fail_rc(struct sqlite_store *s, int rc, const char *what)
{
	enum iwf_err e = iwf_sqlite_err(rc);
	char words[256];

	iwf_sqlite_words(s->db, rc, words, sizeof(words));
	if ((rc & 0xff) == SQLITE_IOERR && sqlite3_system_errno(s->db) == ENOSPC)
		e = IWF_EFULL;
	/* Anything but these may have left the connection with a file that is gone or was changed under it. */
	if ((rc & 0xff) != SQLITE_CONSTRAINT && e != IWF_EBUSY && (rc & 0xff) != SQLITE_FULL && e != IWF_ENOMEM)
		s->broken = true;
	return fail_words(s, e, what, words);
}

static void works_again(struct sqlite_store *s)
{
	if (s->failing)
		iwf_log(IWF_LOG_NOTICE, IWF_SUB_STORE, "%s: works again", s->path);
	s->failing = false;
}

/* ---- somebody else's lock ---- */

/* SQLite's own waiting asks less and less often, down to ten times a second: whoever writes batch after batch with
 * short pauses would be met writing nearly each time.
 * A virtual machine may be away for half a second: who has the lock has got no further then. */
static int ask_again(void *ctx, int times)
{
	static const struct timespec pause = { 0, 250000 };
	struct sqlite_store *s = ctx;
	const int64_t now = iwf_sqlite_now_ms(), since = now - s->asked_ms;

	if (times == 0)
		s->waited_ms = 0;
	else
		s->waited_ms += since < AWAY_MS ? since : AWAY_MS;
	s->asked_ms = now;
	if (s->waited_ms >= s->opts.busy_timeout_ms)
		return 0;
	nanosleep(&pause, NULL);
	return 1;
}

void iwf_sqlite_wait(struct sqlite_store *s, bool wait)
{
	if (s->db)
		sqlite3_busy_handler(s->db, wait ? ask_again : NULL, s);
}

/* ---- opening ---- */

static void close_db(struct sqlite_store *s)
{
	for (size_t i = 0; i < ST_COUNT; i++) {
		sqlite3_finalize(s->stmt[i]);
		s->stmt[i] = NULL;
	}
	/* Does not touch a write-ahead log at the path if the file there is another one: SQLite looks. */
	sqlite3_close_v2(s->db);                 /* iwf_store_sqlite() has shown it to others */
	s->db = NULL;
	s->in_tx = false;
}

static enum iwf_err open_fail(struct sqlite_store *s, int rc, const char *what, char *err, size_t err_size)
{
	char words[256];

	iwf_sqlite_words(s->db, rc, words, sizeof(words));
	snprintf(err, err_size, "%s%s%s", what ? what : "", what ? ": " : "", words);
	return iwf_sqlite_err(rc);
}

/* Ours, and of our version? */
static enum iwf_err check_schema(struct sqlite_store *s, char *err, size_t err_size)
{
	sqlite3_int64 app, user;
	int rc;

	/* The version first: who migrates the file at this moment sets both at once. */
	if (!iwf_sqlite_int(s->db, "PRAGMA user_version", &user, &rc) || !iwf_sqlite_int(s->db, "PRAGMA application_id", &app, &rc))
		return open_fail(s, rc, NULL, err, err_size);
	if (user == (sqlite3_int64)iwf_schema_version() && app == IWF_APPLICATION_ID)
		return IWF_OK;
	if (app != IWF_APPLICATION_ID && (app || user))
		snprintf(err, err_size, "this database belongs to another program (application_id %lld, not %d)", (long long)app,
		         IWF_APPLICATION_ID);
	else if (user > (sqlite3_int64)iwf_schema_version())
		snprintf(err, err_size, "schema version %lld is of a newer program; this one wants version %u", (long long)user,
		         iwf_schema_version());
	else
		snprintf(err, err_size, "schema version %lld, but this program wants version %u: run `iwfctl db migrate`",
		         (long long)user, iwf_schema_version());
	return IWF_ESTORE;
}

/* A misspelt or refused pragma is silent: each is read back. */
static enum iwf_err set_pragma(struct sqlite_store *s, const char *name, const char *value, const char *want, char *err, size_t err_size)
{
	char sql[96], got[64] = "nothing";
	sqlite3_stmt *stmt = NULL;
	int rc = SQLITE_OK;

	if (value) {
		snprintf(sql, sizeof(sql), "PRAGMA %s = %s", name, value);
		rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	}
	if (rc == SQLITE_OK) {
		snprintf(sql, sizeof(sql), "PRAGMA %s", name);
		rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);
	}
	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		snprintf(got, sizeof(got), "%s", (const char *)sqlite3_column_text(stmt, 0));
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	if (rc != SQLITE_OK && rc != SQLITE_DONE)
		return open_fail(s, rc, sql, err, err_size);
	if (strcmp(got, want) == 0)
		return IWF_OK;
	snprintf(err, err_size, "PRAGMA %s is %s, not %s", name, got, want);
	return IWF_ESTORE;
}

static enum iwf_err set_pragmas(struct sqlite_store *s, char *err, size_t err_size)
{
	static const struct { const char *name, *value, *want; bool read_only; } pragmas[] = {
		{ "foreign_keys", "ON", "1", true },
		{ "trusted_schema", "OFF", "0", true },
		{ "cell_size_check", "ON", "1", true },
		{ "temp_store", "MEMORY", "2", true },             /* a sort must not need a disk */
		{ "journal_mode", "WAL", "wal", false },
		{ "synchronous", "FULL", "2", false },             /* accepted means durable; disk_apart: iwf_sqlite_sync() */
		{ "secure_delete", "FAST", "2", false },           /* payloads that have ended */
		{ "wal_autocheckpoint", "12000", "12000", false }, /* pages: 48 MB of log, as in store_sqlite_copy.c */
		{ "cache_size", "-65536", "-65536", false },       /* KB; the indexes of a busy journal do not fit into 2 MB */
		{ "journal_size_limit", "67108864", "67108864", false },
	};
	enum iwf_err e = IWF_OK;

	for (size_t i = 0; i < sizeof(pragmas) / sizeof(*pragmas) && e == IWF_OK; i++)
		if (pragmas[i].read_only || !s->opts.read_only)
			e = set_pragma(s, pragmas[i].name, pragmas[i].value, pragmas[i].want, err, err_size);
	if (e == IWF_OK && s->opts.ops_only)
		e = set_pragma(s, "ignore_check_constraints", "ON", "1", err, err_size);
	if (e == IWF_OK && s->opts.disk_apart)
		e = set_pragma(s, "synchronous", "NORMAL", "1", err, err_size);
	return e;
}

static enum iwf_err make_temp(struct sqlite_store *s, char *err, size_t err_size)
{
	int rc = sqlite3_exec(s->db, "CREATE TEMP TABLE under_way (smea TEXT, imsi TEXT, id INTEGER, PRIMARY KEY (smea, imsi, id)) WITHOUT ROWID",
	                      NULL, NULL, NULL);

	return rc == SQLITE_OK ? IWF_OK : open_fail(s, rc, "under_way", err, err_size);
}

static enum iwf_err prepare_all(struct sqlite_store *s, char *err, size_t err_size)
{
	for (size_t i = 0; i < ST_COUNT; i++) {
		int rc = sqlite3_prepare_v3(s->db, statements[i].sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[i], NULL);

		if (rc != SQLITE_OK)
			return open_fail(s, rc, statements[i].name, err, err_size);
	}
	return IWF_OK;
}

bool iwf_sqlite_is_file(const char *path, struct sqlite_file f)
{
	struct statx st;

	return statx(AT_FDCWD, path, 0, STATX_INO, &st) == 0 && makedev(st.stx_dev_major, st.stx_dev_minor) == f.dev && st.stx_ino == f.ino;
}

/* What SQLite would only call "unable to open database file". */
static enum iwf_err look_at_path(const char *path, struct stat *st, char *err, size_t err_size)
{
	if (stat(path, st) != 0) {
		snprintf(err, err_size, "%s%s", strerror(errno), errno == ENOENT ? ": `iwfctl db init` makes a new one" : "");
		return IWF_ESTORE;
	}
	if (!S_ISREG(st->st_mode)) {
		snprintf(err, err_size, "not a regular file");
		return IWF_ESTORE;
	}
	return IWF_OK;
}

/* `err` gets words without the path. */
static enum iwf_err open_db(struct sqlite_store *s, char *err, size_t err_size)
{
	int flags = (s->opts.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX;
	int moved = 0, rc;
	sqlite3_int64 version, stamp;
	struct stat st;
	enum iwf_err e = look_at_path(s->path, &st, err, err_size);

	if (e != IWF_OK)
		return e;
	rc = sqlite3_open_v2(s->path, &s->db, flags, NULL);
	if (!s->db) {
		snprintf(err, err_size, "out of memory");
		return IWF_ENOMEM;
	}
	if (rc != SQLITE_OK)
		return open_fail(s, rc, NULL, err, err_size);
	sqlite3_extended_result_codes(s->db, 1);
	iwf_sqlite_wait(s, true);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	/* SQLite opens what it may not write for reading, without a word. */
	if (!s->opts.read_only && sqlite3_db_readonly(s->db, "main") != 0) {
		snprintf(err, err_size, "may be read but not written (user %u)", (unsigned)geteuid());
		return IWF_ESTORE;
	}
	/* Before the pragmas: the journal mode is written into the file, and this may be somebody else's. */
	if ((e = check_schema(s, err, err_size)) != IWF_OK || (e = set_pragmas(s, err, err_size)) != IWF_OK ||
	    (e = make_temp(s, err, err_size)) != IWF_OK || (e = prepare_all(s, err, err_size)) != IWF_OK)
		return e;
	if (s->copier)
		sqlite3_wal_hook(s->db, iwf_sqlite_copy_log, s->copier);
	if (!iwf_sqlite_int(s->db, statements[ST_DATA_VERSION].sql, &version, &rc) ||
	    !iwf_sqlite_int(s->db, statements[ST_ADMIN_STAMP].sql, &stamp, &rc))
		return open_fail(s, rc, NULL, err, err_size);
	s->data_version = version;
	s->admin_stamp = stamp;
	if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || moved) {
		snprintf(err, err_size, "the file was replaced while it was opened");
		return IWF_ESTORE;
	}
	s->file = (struct sqlite_file){ st.st_dev, st.st_ino };
	return IWF_OK;
}

/* Has the path another file now, or none?  Writing on would be writing to nowhere. */
static bool has_moved(const struct sqlite_store *s)
{
	return !iwf_sqlite_is_file(s->path, s->file);
}

/* Makes the connection fit for use, opening it anew if it has to be. */
static enum iwf_err ready(struct sqlite_store *s, const char *what)
{
	char why[512];
	enum iwf_err e;

	if (s->in_tx) {
		if (sqlite3_get_autocommit(s->db))
			return fail_words(s, IWF_ESTORE, what, "the transaction has been rolled back by an earlier failure");
		return IWF_OK;
	}
	if (s->db && !s->broken && !has_moved(s))
		return IWF_OK;
	close_db(s);
	iwf_sqlite_cache_free(s);
	e = open_db(s, why, sizeof(why));
	if (e != IWF_OK) {
		close_db(s);
		return fail_words(s, e, what, why);
	}
	s->broken = false;
	s->reopened = true;
	iwf_log(IWF_LOG_NOTICE, IWF_SUB_STORE, "%s: opened again", s->path);
	return IWF_OK;
}

/* ---- one use of a statement ---- */

void iwf_sqlite_start(struct query *q, struct iwf_store *st, enum sqlite_stmt n, const char *what)
{
	memset(q, 0, sizeof(*q));
	q->s = sqlite_of(st);
	q->n = n;
	q->what = what;
	q->err = ready(q->s, what);
	if (q->err == IWF_OK)
		q->stmt = q->s->stmt[n];
}

static int parameter(struct query *q, const char *name)
{
	unsigned nth = q->bound++;
	int i;

	if (q->err != IWF_OK)
		return 0;
	if (nth < SQLITE_PARAMS && q->s->param[q->n][nth].name == name)
		return q->s->param[q->n][nth].at;
	i = sqlite3_bind_parameter_index(q->stmt, name);
	if (i == 0) {
		iwf_sqlite_fail(q, IWF_ESTORE, name);
	} else if (nth < SQLITE_PARAMS) {
		q->s->param[q->n][nth].name = name;
		q->s->param[q->n][nth].at = i;
	}
	return i;
}

static void bound(struct query *q, int rc)
{
	if (rc != SQLITE_OK && q->err == IWF_OK)
		q->err = fail_rc(q->s, rc, q->what);
}

void iwf_sqlite_bind_int(struct query *q, const char *name, int64_t v)
{
	int i = parameter(q, name);

	if (i)
		bound(q, sqlite3_bind_int64(q->stmt, i, v));
}

void iwf_sqlite_bind_opt(struct query *q, const char *name, int64_t v, int64_t null)
{
	int i = parameter(q, name);

	if (i)
		bound(q, v == null ? sqlite3_bind_null(q->stmt, i) : sqlite3_bind_int64(q->stmt, i, v));
}

/* What is bound belongs to the caller and outlives the statement's run; the end clears it. */
void iwf_sqlite_bind_text(struct query *q, const char *name, const char *v)
{
	int i = parameter(q, name);

	if (i)
		bound(q, sqlite3_bind_text(q->stmt, i, v, -1, SQLITE_STATIC));
}

void iwf_sqlite_bind_opt_text(struct query *q, const char *name, const char *v)
{
	iwf_sqlite_bind_text(q, name, v && *v ? v : NULL);
}

void iwf_sqlite_bind_blob(struct query *q, const char *name, const void *p, size_t n)
{
	int i = parameter(q, name);

	if (i)
		bound(q, n ? sqlite3_bind_blob64(q->stmt, i, p, n, SQLITE_STATIC) : sqlite3_bind_null(q->stmt, i));
}

bool iwf_sqlite_row(struct query *q)
{
	int rc;

	if (q->err != IWF_OK)
		return false;
	q->col = 0;
	rc = sqlite3_step(q->stmt);
	if (rc == SQLITE_ROW) {
		q->rows++;
		return true;
	}
	if (rc != SQLITE_DONE)
		q->err = fail_rc(q->s, rc, q->what);
	return false;
}

int64_t iwf_sqlite_col_int(struct query *q)
{
	return sqlite3_column_int64(q->stmt, q->col++);
}

void iwf_sqlite_col_text(struct query *q, char *out, size_t size)
{
	int col = q->col++;
	const char *text = (const char *)sqlite3_column_text(q->stmt, col);
	size_t n = (size_t)sqlite3_column_bytes(q->stmt, col);

	out[0] = '\0';
	if (!text) {
		if (sqlite3_column_type(q->stmt, col) != SQLITE_NULL)
			iwf_sqlite_fail(q, IWF_ENOMEM, "out of memory");
		return;
	}
	if (n >= size || strlen(text) != n) {
		char why[128];

		snprintf(why, sizeof(why), "column %s: longer than %zu octets, or a NUL in it", sqlite3_column_name(q->stmt, col), size - 1);
		iwf_sqlite_fail(q, IWF_ESTORE, why);
		return;
	}
	memcpy(out, text, n + 1);
}

void iwf_sqlite_col_imsi(struct query *q, struct imsi *out)
{
	iwf_sqlite_col_text(q, out->digits, sizeof(out->digits));
	iwf_private_note(out->digits);
}

void iwf_sqlite_col_fixed(struct query *q, void *out, size_t n)
{
	int col = q->col++;
	const void *p = sqlite3_column_blob(q->stmt, col);

	if (!p || (size_t)sqlite3_column_bytes(q->stmt, col) != n)
		iwf_sqlite_fail(q, IWF_ESTORE, "a hash has the wrong length");
	else
		memcpy(out, p, n);
}

void iwf_sqlite_col_blob(struct query *q, uint8_t **out, size_t *n)
{
	int col = q->col++;
	const void *p = sqlite3_column_blob(q->stmt, col);

	*n = (size_t)sqlite3_column_bytes(q->stmt, col);
	*out = *n ? malloc(*n) : NULL;
	if (*n && (!p || !*out)) {
		iwf_sqlite_fail(q, IWF_ENOMEM, "out of memory");
		*n = 0;
		return;
	}
	if (*n)
		memcpy(*out, p, *n);
}

enum iwf_err iwf_sqlite_fail(struct query *q, enum iwf_err err, const char *why)
{
	if (q->err == IWF_OK)
		q->err = fail_words(q->s, err, q->what, why);
	return q->err;
}

enum iwf_err iwf_sqlite_refuse(struct query *q, enum iwf_err err, const char *why)
{
	snprintf(q->s->err, sizeof(q->s->err), "%s: %s: %s", q->s->path, q->what, why);
	return q->err = err;
}

enum iwf_err iwf_sqlite_end(struct query *q)
{
	if (q->stmt) {
		sqlite3_reset(q->stmt);
		sqlite3_clear_bindings(q->stmt);
	}
	if (q->err == IWF_OK)
		works_again(q->s);
	return q->err;
}

enum iwf_err iwf_sqlite_end_one(struct query *q)
{
	enum iwf_err e = iwf_sqlite_end(q);

	return e == IWF_OK && q->rows == 0 ? IWF_ENOENT : e;
}

enum iwf_err iwf_sqlite_run(struct query *q, int *changes)
{
	iwf_sqlite_row(q);
	if (changes)
		*changes = q->err == IWF_OK ? sqlite3_changes(q->s->db) : 0;
	return iwf_sqlite_end(q);
}

enum iwf_err iwf_sqlite_number(struct iwf_store *st, enum sqlite_stmt n, const char *what, int64_t *out)
{
	struct query q;

	iwf_sqlite_start(&q, st, n, what);
	if (iwf_sqlite_row(&q))
		*out = iwf_sqlite_col_int(&q);
	return iwf_sqlite_end_one(&q);
}

/* ---- transactions ---- */

static enum iwf_err run(struct iwf_store *st, enum sqlite_stmt n, const char *what)
{
	struct query q;

	iwf_sqlite_start(&q, st, n, what);
	return iwf_sqlite_run(&q, NULL);
}

enum iwf_err iwf_sqlite_begin(struct iwf_store *st)
{
	struct sqlite_store *s = sqlite_of(st);
	enum iwf_err e;

	if (s->in_tx)
		return fail_words(s, IWF_EINVAL, "begin", "within a transaction");
	e = run(st, s->opts.read_only ? ST_BEGIN_READ : ST_BEGIN_WRITE, "begin");
	s->in_tx = e == IWF_OK;
	s->has_last = false;
	iwf_sqlite_repeats_forget(s);
	if (s->in_tx)
		iwf_sqlite_cache_begin(s);
	return e;
}

void iwf_sqlite_rollback(struct iwf_store *st)
{
	struct sqlite_store *s = sqlite_of(st);

	if (!s->in_tx)
		return;
	s->in_tx = false;
	if (sqlite3_get_autocommit(s->db))       /* SQLite has done it itself */
		return;
	if (sqlite3_step(s->stmt[ST_ROLLBACK]) != SQLITE_DONE)
		s->broken = true;                    /* closing it rolls back */
	sqlite3_reset(s->stmt[ST_ROLLBACK]);
}

enum iwf_err iwf_sqlite_commit(struct iwf_store *st)
{
	struct sqlite_store *s = sqlite_of(st);
	enum iwf_err e;

	if (!s->in_tx)
		return fail_words(s, IWF_EINVAL, "commit", "no transaction");
	if (has_moved(s))
		e = fail_words(s, IWF_ESTORE, "commit", "the file was removed or replaced");
	else if ((e = iwf_sqlite_repeats_write(st)) == IWF_OK)
		e = run(st, ST_COMMIT, "commit");
	if (e != IWF_OK)
		iwf_sqlite_rollback(st);
	s->in_tx = false;
	return e;
}

/* Who closes last copies the log back and removes it: our own connection. */
static void free_store(struct sqlite_store *s)
{
	iwf_sqlite_copier_stop(s->copier);
	close_db(s);
	iwf_sqlite_cache_free(s);
	free(s->repeats);
	free(s->path);
	free(s);
}

static void sqlite_close(struct iwf_store *st)
{
	struct sqlite_store *s = sqlite_of(st);

	iwf_sqlite_rollback(st);
	free_store(s);
}

static enum iwf_err sqlite_changed(struct iwf_store *st, bool *changed)
{
	struct sqlite_store *s = sqlite_of(st);
	int64_t version = 0, schema = 0, stamp = 0;
	enum iwf_err e;

	*changed = false;
	e = iwf_sqlite_number(st, ST_DATA_VERSION, "changed", &version);
	if (e != IWF_OK || (version == s->data_version && !s->reopened))
		return e;
	/* Somebody may have migrated the file to a version that this program does not know. */
	e = iwf_sqlite_number(st, ST_USER_VERSION, "changed", &schema);
	if (e != IWF_OK)
		return e;
	if (schema != (int64_t)iwf_schema_version()) {
		s->broken = true;
		return fail_words(s, IWF_ESTORE, "changed", "the schema version has changed under this program");
	}
	e = iwf_sqlite_number(st, ST_ADMIN_STAMP, "changed", &stamp);
	if (e != IWF_OK)
		return e;
	*changed = s->reopened || stamp != s->admin_stamp;
	s->data_version = version;
	s->admin_stamp = stamp;
	s->reopened = false;
	return IWF_OK;
}

static const char *sqlite_errmsg(struct iwf_store *st)
{
	return sqlite_of(st)->err;
}

static const struct iwf_store_ops sqlite_ops = {
	.name = "sqlite",
	.begin = iwf_sqlite_begin, .commit = iwf_sqlite_commit, .rollback = iwf_sqlite_rollback, .close = sqlite_close,
	.changed = sqlite_changed,
	.scs_by_host = iwf_sqlite_cached_scs, .scs_by_id = iwf_sqlite_scs_by_id, .scs_next = iwf_sqlite_scs_next,
	.scs_has_number = iwf_sqlite_scs_has_number,
	.subscription_by_ext_id = iwf_sqlite_subscription_by_ext_id, .subscription_by_msisdn = iwf_sqlite_subscription_by_msisdn,
	.user_allows = iwf_sqlite_user_allows, .grants = iwf_sqlite_cached_grants,
	.trigger_insert = iwf_sqlite_trigger_insert, .trigger_get = iwf_sqlite_trigger_get,
	.trigger_by_ref = iwf_sqlite_trigger_by_ref, .trigger_by_e2e = iwf_sqlite_trigger_by_e2e,
	.trigger_by_smea = iwf_sqlite_trigger_by_smea, .trigger_by_device = iwf_sqlite_trigger_by_device,
	.trigger_move = iwf_sqlite_trigger_move, .trigger_payload = iwf_sqlite_trigger_payload,
	.trigger_overdue = iwf_sqlite_trigger_overdue, .trigger_unfinished = iwf_sqlite_trigger_unfinished,
	.report_insert = iwf_sqlite_report_insert, .report_get = iwf_sqlite_report_get,
	.report_by_trigger = iwf_sqlite_report_by_trigger, .report_delete = iwf_sqlite_report_delete,
	.report_retry = iwf_sqlite_report_retry, .report_due = iwf_sqlite_report_due,
	.report_line_up = iwf_sqlite_report_line_up, .report_in_line = iwf_sqlite_report_in_line,
	.usage_add = iwf_sqlite_usage_add, .usage_get = iwf_sqlite_usage_get, .audit_add = iwf_sqlite_audit_add,
	.audit_count = iwf_sqlite_audit_count, .audit_tell = iwf_sqlite_audit_tell, .audit_prune = iwf_sqlite_audit_prune,
	.journal_prune = iwf_sqlite_journal_prune, .errmsg = sqlite_errmsg,
};

/* The working directory may change; the path must not. */
static char *absolute(const char *path)
{
	char cwd[PATH_MAX], *out;
	size_t size;

	if (path[0] == '/')
		return strdup(path);
	if (!getcwd(cwd, sizeof(cwd)))
		return NULL;
	size = strlen(cwd) + strlen(path) + 2;
	out = malloc(size);
	if (out)
		snprintf(out, size, "%s/%s", cwd, path);
	return out;
}

/* SQLite counts what it has allocated, with a lock around each malloc() and free().  Nobody asks. */
static void configure(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);      /* too late if SQLite is in use already: then it counts on */
}

struct iwf_store *iwf_sqlite_open(const char *path, const struct iwf_store_opts *opts, char *err, size_t err_size)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct sqlite_store *s = calloc(1, sizeof(*s));
	unsigned from, to;
	char why[512];

	pthread_once(&once, configure);
	if (!s || !(s->path = absolute(path))) {
		free(s);
		snprintf(err, err_size, "store %s: %s", path, strerror(errno));
		return NULL;
	}
	s->store.ops = &sqlite_ops;
	s->opts = *opts;
	if (opts->create && access(s->path, F_OK) != 0 && iwf_migrate_file(s->path, true, &from, &to, why, sizeof(why)) != IWF_OK) {
		snprintf(err, err_size, "store %s", why);
	} else if (opts->disk_apart && !(s->copier = iwf_sqlite_copier_start(s->path))) {
		snprintf(err, err_size, "store %s: no thread to copy its log back: %s", s->path, strerror(errno));
	} else if (open_db(s, why, sizeof(why)) != IWF_OK) {
		snprintf(err, err_size, "store %s: %s", s->path, why);
	} else {
		return &s->store;
	}
	free_store(s);
	return NULL;
}
