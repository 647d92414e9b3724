/* store_failure_cases.c - SQLite when something is wrong: locks, files that are
 * gone, replaced, foreign or not to be written, full disks; and that it heals. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "check_store.h"
#include "migrate.h"
#include "../unit/patience.h"

static int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static sqlite3 *raw(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
	return db;
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

START_TEST(locked_by_another_program)
{
	struct iwf_store *st = fresh(SQLITE);
	int64_t scs = one_scs(st), total, t0;
	struct iwf_scs out;
	sqlite3 *db = raw(work_path("iwf.db"), "BEGIN IMMEDIATE");

	t0 = clock_ms();
	FAILS(IWF_EBUSY, st->ops->begin(st));
	ck_assert_int_ge(clock_ms() - t0, 90);
	ck_assert_int_lt(clock_ms() - t0, 5000);
	ck_assert_ptr_nonnull(strstr(st->ops->errmsg(st), "iwf.db: begin: database is locked"));
	FAILS(IWF_EBUSY, st->ops->usage_add(st, scs, 0, 1, &total));
	FAILS(IWF_EBUSY, st->ops->audit_add(st, &(struct iwf_audit){ .event = "dar", .decision = "refused" }));
	OK(st->ops->scs_by_id(st, scs, &out));           /* reading goes on */
	ck_assert_int_eq(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	OK(st->ops->begin(st));
	OK(st->ops->usage_add(st, scs, 0, 1, &total));
	OK(st->ops->commit(st));
	sqlite3_close(db);
	iwf_store_close(st);
}
END_TEST

static void does_not_open(const char *uri, bool create, const char *want)
{
	const struct iwf_store_opts opts = { .busy_timeout_ms = 50, .create = create };
	char err[512] = "";
	struct iwf_store *st = iwf_store_open(uri, &opts, err, sizeof(err));

	ck_assert_msg(st == NULL, "%s was opened", uri);
	ck_assert_msg(strstr(err, want) != NULL, "%s: \"%s\" should say \"%s\"", uri, err, want);
	if (strncmp(uri, "sqlite:/", 8) == 0)
		ck_assert_msg(strstr(err, uri + 7) != NULL, "\"%s\" should name %s", err, uri + 7);
}

static const char *uri_of(const char *name)
{
	static char uri[300];

	snprintf(uri, sizeof(uri), "sqlite:%s", work_path(name));
	return uri;
}

START_TEST(open_refused)
{
	static const struct { const char *sql, *want; } foreign[] = {
		{ "PRAGMA application_id = 7; CREATE TABLE t (x)", "belongs to another program (application_id 7" },
		{ "PRAGMA user_version = 8", "belongs to another program" },
		{ "PRAGMA user_version = 1; CREATE TABLE t (x)", "belongs to another program" },
		{ "CREATE TABLE t (x)", "schema version 0, but this program wants version 8: run `iwfctl db migrate`" },
		{ "PRAGMA application_id = 1297369431; PRAGMA user_version = 9", "schema version 9 is of a newer program" },
		{ "PRAGMA application_id = 1297369431; PRAGMA user_version = 8", "no such table" },
	};
	sqlite3 *db;

	log_quiet();
	does_not_open("postgresql:iwf", false, "neither \"sqlite:PATH\" nor \"mem:\"");
	does_not_open("sqlite:", false, "neither");
	does_not_open("", false, "neither");
	does_not_open(uri_of("none.db"), false, "No such file or directory: `iwfctl db init`");
	ck_assert_int_ne(access(work_path("none.db"), F_OK), 0);
	does_not_open(uri_of("no/such/dir.db"), true, "No such file or directory");
	ck_assert_int_eq(mkdir(work_path("dir.db"), 0700), 0);
	does_not_open(uri_of("dir.db"), false, "not a regular file");
	does_not_open(uri_of("dir.db"), true, "not a regular file");
	put(work_path("text.db"), "This is a letter to the administrator, longer than the head of a database would be, which has 100 octets.\n");
	does_not_open(uri_of("text.db"), false, "file is not a database");
	put(work_path("empty.db"), "");
	does_not_open(uri_of("empty.db"), false, "schema version 0, but this program wants version 8");
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		unlink(work_path("foreign.db"));
		sqlite3_close(raw(work_path("foreign.db"), foreign[i].sql));
		does_not_open(uri_of("foreign.db"), false, foreign[i].want);
		db = raw(work_path("foreign.db"), "");
		if (i < 5) {                             /* what is not ours stays as it was */
			sqlite3_stmt *stmt;

			ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &stmt, NULL), SQLITE_OK);
			ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
			ck_assert_str_eq((const char *)sqlite3_column_text(stmt, 0), "delete");
			sqlite3_finalize(stmt);
		}
		sqlite3_close(db);
	}
}
END_TEST

START_TEST(open_creates)
{
	const struct iwf_store_opts opts = { .busy_timeout_ms = 50, .create = true };
	struct stat a, b;
	struct iwf_store *st;
	char err[512];

	log_quiet();
	umask(0);
	st = iwf_store_open(uri_of("new.db"), &opts, err, sizeof(err));
	ck_assert_msg(st != NULL, "%s", err);
	one_scs(st);
	iwf_store_close(st);
	ck_assert_int_eq(stat(work_path("new.db"), &a), 0);
	ck_assert_uint_eq(a.st_mode & 0777, 0640);       /* it holds IMSIs */
	st = iwf_store_open(uri_of("new.db"), &opts, err, sizeof(err));
	ck_assert_msg(st != NULL, "%s", err);
	ck_assert_int_eq(stat(work_path("new.db"), &b), 0);
	ck_assert_uint_eq(a.st_ino, b.st_ino);
	iwf_store_close(st);
}
END_TEST

START_TEST(path_is_kept)
{
	const struct iwf_store_opts opts = { .busy_timeout_ms = 50, .create = true };
	struct iwf_store *st;
	char err[512];

	log_quiet();
	ck_assert_int_eq(chdir(work_path("")), 0);
	st = iwf_store_open("sqlite::memory:", &opts, err, sizeof(err));   /* a name like any other */
	ck_assert_msg(st != NULL, "%s", err);
	ck_assert_int_eq(access(":memory:", F_OK), 0);
	ck_assert_int_eq(chdir("/"), 0);
	one_scs(st);
	OK(st->ops->begin(st));
	OK(st->ops->commit(st));
	iwf_store_close(st);
}
END_TEST

START_TEST(read_only_by_choice)
{
	const struct iwf_store_opts opts = { .busy_timeout_ms = 50, .read_only = true };
	struct iwf_store *st = fresh(SQLITE);
	int64_t scs = one_scs(st), total;
	struct iwf_scs out;
	char err[512];

	iwf_store_close(st);
	st = iwf_store_open(uri_of("iwf.db"), &opts, err, sizeof(err));
	ck_assert_msg(st != NULL, "%s", err);
	OK(st->ops->scs_by_id(st, scs, &out));
	OK(st->ops->begin(st));
	OK(st->ops->scs_by_id(st, scs, &out));
	OK(st->ops->commit(st));
	FAILS(IWF_ESTORE, st->ops->usage_add(st, scs, 0, 1, &total));
	ck_assert_ptr_nonnull(strstr(st->ops->errmsg(st), "readonly"));
	OK(st->ops->scs_by_id(st, scs, &out));
	iwf_store_close(st);
}
END_TEST

/* Permissions mean nothing to root, who is nobody for the while. */
static bool be_nobody(void)
{
	if (geteuid() != 0)
		return false;
	ck_assert_int_eq(chown(work_path(""), 65534, 65534), 0);
	ck_assert_int_eq(setegid(65534), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	return true;
}

static void be_root_again(bool was_root)
{
	if (was_root) {
		ck_assert_int_eq(seteuid(0), 0);
		ck_assert_int_eq(setegid(0), 0);
	}
}

START_TEST(read_only_by_permission)
{
	struct iwf_store *st = fresh(SQLITE);
	char want[64];
	bool was_root;

	one_scs(st);
	iwf_store_close(st);
	ck_assert_int_eq(chmod(work_path("iwf.db"), 0444), 0);
	was_root = be_nobody();
	snprintf(want, sizeof(want), "may be read but not written (user %u)", (unsigned)geteuid());
	does_not_open(uri_of("iwf.db"), false, want);
	be_root_again(was_root);
}
END_TEST

START_TEST(not_to_be_read)
{
	struct iwf_store *st = fresh(SQLITE);
	bool was_root;

	iwf_store_close(st);
	ck_assert_int_eq(chmod(work_path("iwf.db"), 0), 0);
	was_root = be_nobody();
	does_not_open(uri_of("iwf.db"), false, "unable to open database file (Permission denied)");
	be_root_again(was_root);
}
END_TEST

static void move(const char *from, const char *to)
{
	ck_assert_int_eq(rename(work_path(from), work_path(to)), 0);
}

START_TEST(removed_and_put_back)
{
	struct iwf_store *st = fresh(SQLITE), *reader = again(50);
	int64_t scs = one_scs(st), total;
	struct iwf_scs out;
	bool changed;

	OK(st->ops->usage_add(st, scs, 0, 1, &total));
	OK(st->ops->changed(st, &changed));
	move("iwf.db", "away.db");
	FAILS(IWF_ESTORE, st->ops->begin(st));
	ck_assert_ptr_nonnull(strstr(st->ops->errmsg(st), "iwf.db: begin: No such file or directory"));
	FAILS(IWF_ESTORE, st->ops->usage_add(st, scs, 0, 1, &total));
	FAILS(IWF_ESTORE, st->ops->scs_by_id(st, scs, &out));
	FAILS(IWF_ESTORE, st->ops->changed(st, &changed));
	FAILS(IWF_ESTORE, reader->ops->scs_by_id(reader, scs, &out));
	ck_assert_int_ne(access(work_path("iwf.db"), F_OK), 0);  /* nothing was made in its place */
	ck_assert_ptr_null(iwf_store_sqlite(st));
	move("away.db", "iwf.db");
	OK(reader->ops->scs_by_id(reader, scs, &out));
	OK(st->ops->begin(st));
	OK(st->ops->usage_add(st, scs, 0, 1, &total));
	ck_assert_int_eq(total, 2);
	OK(st->ops->commit(st));
	OK(st->ops->changed(st, &changed));
	ck_assert(changed);
	iwf_store_close(reader);
	iwf_store_close(st);
}
END_TEST

START_TEST(removed_in_a_transaction)
{
	struct iwf_store *st = fresh(SQLITE);
	int64_t scs = one_scs(st), total;

	OK(st->ops->begin(st));
	OK(st->ops->usage_add(st, scs, 0, 1, &total));
	move("iwf.db", "away.db");
	FAILS(IWF_ESTORE, st->ops->commit(st));
	ck_assert_ptr_nonnull(strstr(st->ops->errmsg(st), "removed or replaced"));
	FAILS(IWF_EINVAL, st->ops->commit(st));
	move("away.db", "iwf.db");
	OK(st->ops->begin(st));
	OK(st->ops->usage_add(st, scs, 0, 0, &total));
	ck_assert_int_eq(total, 0);                      /* what failed to be committed is not there */
	OK(st->ops->commit(st));
	iwf_store_close(st);
}
END_TEST

START_TEST(replaced_by_another)
{
	struct iwf_store *st = fresh(SQLITE);
	int64_t scs = one_scs(st), total;
	struct iwf_scs out, row = seed_scs_row("new", "scs.new.example");
	unsigned from, to;
	char err[256];
	bool changed;

	OK(st->ops->usage_add(st, scs, 0, 1, &total));
	OK(st->ops->changed(st, &changed));
	unlink(work_path("iwf.db"));
	unlink(work_path("iwf.db-wal"));
	unlink(work_path("iwf.db-shm"));
	OK(iwf_migrate_file(work_path("iwf.db"), true, &from, &to, err, sizeof(err)));
	seed_scs(st, &row);
	OK(st->ops->begin(st));
	FAILS(IWF_ENOENT, st->ops->scs_by_host(st, "scs.acme.example", &out));
	OK(st->ops->scs_by_host(st, "scs.new.example", &out));
	OK(st->ops->usage_add(st, out.id, 0, 5, &total));
	OK(st->ops->commit(st));
	OK(st->ops->changed(st, &changed));
	ck_assert(changed);
	iwf_store_close(st);
	st = again(50);                                  /* closing the old file has not harmed the new one */
	OK(st->ops->usage_add(st, out.id, 0, 0, &total));
	ck_assert_int_eq(total, 5);
	iwf_store_close(st);
}
END_TEST

START_TEST(replaced_by_nonsense)
{
	struct iwf_store *st = fresh(SQLITE);
	int64_t scs = one_scs(st), total;

	/* All of it into the file: a write-ahead log does not move along with it. */
	sqlite3_close(raw(work_path("iwf.db"), "PRAGMA wal_checkpoint(TRUNCATE)"));
	move("iwf.db", "away.db");
	put(work_path("iwf.db"), "Not a database, but longer than the one hundred octets that the head of a database has, so that it counts.\n");
	FAILS(IWF_ESTORE, st->ops->begin(st));
	ck_assert_ptr_nonnull(strstr(st->ops->errmsg(st), "file is not a database"));
	unlink(work_path("iwf.db"));
	sqlite3_close(raw(work_path("iwf.db"), "PRAGMA application_id = 1297369431; PRAGMA user_version = 9"));
	FAILS(IWF_ESTORE, st->ops->begin(st));
	ck_assert_ptr_nonnull(strstr(st->ops->errmsg(st), "newer program"));
	move("away.db", "iwf.db");
	OK(st->ops->begin(st));
	OK(st->ops->usage_add(st, scs, 0, 1, &total));
	OK(st->ops->commit(st));
	iwf_store_close(st);
}
END_TEST

START_TEST(overwritten_in_place)
{
	struct iwf_store *st = fresh(SQLITE);
	int64_t scs = one_scs(st);
	char *junk = malloc(1 << 16);
	struct iwf_scs out;
	sqlite3 *db;
	FILE *f;

	db = raw(work_path("iwf.db"), "PRAGMA wal_checkpoint(TRUNCATE)");
	sqlite3_close(db);
	iwf_store_close(st);
	st = again(50);
	memset(junk, 'j', 1 << 16);
	f = fopen(work_path("iwf.db"), "r+");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(junk, 1, 1 << 16, f), 1 << 16);
	fclose(f);
	free(junk);
	FAILS(IWF_ESTORE, st->ops->scs_by_id(st, scs, &out));
	FAILS(IWF_ESTORE, st->ops->begin(st));
	iwf_store_close(st);
}
END_TEST

/* What was kept of the old file is nobody's in the new one, although a new connection counts its changes from the beginning. */
START_TEST(nothing_kept_of_a_replaced_file)
{
	const struct iwf_store_opts opts = { .busy_timeout_ms = 100, .ops_only = true };
	struct iwf_store *st = fresh(SQLITE);
	struct iwf_scs out;
	unsigned from, to;
	char err[256];
	bool changed;

	one_scs(st);
	iwf_store_close(st);
	st = iwf_store_open(sqlite_uri(), &opts, err, sizeof(err));
	ck_assert_msg(st != NULL, "%s", err);
	OK(st->ops->begin(st));
	OK(st->ops->scs_by_host(st, "scs.acme.example", &out));
	OK(st->ops->commit(st));
	unlink(work_path("iwf.db"));
	unlink(work_path("iwf.db-wal"));
	unlink(work_path("iwf.db-shm"));
	OK(iwf_migrate_file(work_path("iwf.db"), true, &from, &to, err, sizeof(err)));
	OK(st->ops->changed(st, &changed));
	ck_assert(changed);
	OK(st->ops->begin(st));
	FAILS(IWF_ENOENT, st->ops->scs_by_host(st, "scs.acme.example", &out));
	st->ops->rollback(st);
	iwf_store_close(st);
}
END_TEST

START_TEST(schema_changed_under_us)
{
	struct iwf_store *st = fresh(SQLITE);
	int64_t scs = one_scs(st);
	struct iwf_scs out;
	bool changed;

	OK(st->ops->changed(st, &changed));
	sqlite3_close(raw(work_path("iwf.db"), "PRAGMA user_version = 9"));
	FAILS(IWF_ESTORE, st->ops->changed(st, &changed));
	FAILS(IWF_ESTORE, st->ops->begin(st));
	ck_assert_ptr_nonnull(strstr(st->ops->errmsg(st), "schema version 9 is of a newer program"));
	sqlite3_close(raw(work_path("iwf.db"), "PRAGMA user_version = 8"));
	OK(st->ops->begin(st));
	OK(st->ops->commit(st));
	sqlite3_close(raw(work_path("iwf.db"), "DROP VIEW audit_log; DROP VIEW user_report; ALTER TABLE scs RENAME TO gone"));
	FAILS(IWF_ESTORE, st->ops->scs_by_id(st, scs, &out));
	ck_assert_ptr_nonnull(strstr(st->ops->errmsg(st), "scs"));
	sqlite3_close(raw(work_path("iwf.db"), "ALTER TABLE gone RENAME TO scs"));
	OK(st->ops->scs_by_id(st, scs, &out));
	iwf_store_close(st);
}
END_TEST

/* Fills the store until it says no; how many rows went in. */
static unsigned fill(struct iwf_store *st, int64_t scs, unsigned max, enum iwf_err *last)
{
	static uint8_t payload[30000];
	unsigned n = 0;

	do {
		struct iwf_trigger t = trigger_row(scs, n);

		t.payload = payload;
		t.payload_len = sizeof(payload);
		*last = st->ops->trigger_insert(st, &t);
	} while (*last == IWF_OK && ++n < max);
	return n;
}

static void max_pages(struct iwf_store *st, int more)
{
	char sql[64];
	sqlite3_stmt *stmt;
	sqlite3 *db = iwf_store_sqlite(st);

	ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA page_count", -1, &stmt, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %d", sqlite3_column_int(stmt, 0) + more);
	sqlite3_finalize(stmt);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

START_TEST(full)
{
	struct iwf_store *st = fresh(SQLITE);
	int64_t scs = one_scs(st), total;
	struct iwf_scs out;
	enum iwf_err e;
	unsigned n;

	max_pages(st, 50);
	n = fill(st, scs, 1000, &e);
	ck_assert_int_eq(e, IWF_EFULL);
	ck_assert_uint_gt(n, 0);
	ck_assert_ptr_nonnull(strstr(st->ops->errmsg(st), "trigger_insert: database or disk is full"));
	OK(st->ops->scs_by_id(st, scs, &out));

	OK(st->ops->begin(st));
	fill(st, scs, 1000, &e);
	ck_assert_int_ne(e, IWF_OK);
	st->ops->rollback(st);
	ck_assert_uint_eq(seed_triggers(st), n);
	max_pages(st, 10000);                            /* space again */
	OK(st->ops->begin(st));
	OK(st->ops->usage_add(st, scs, 0, 1, &total));
	ck_assert_int_eq(total, 1);
	OK(st->ops->commit(st));
	iwf_store_close(st);
}
END_TEST

/* SQLite may roll back by itself when it fails: what the caller, who doesn't know,
 * writes next must not slip through as a transaction of its own. */
START_TEST(rolled_back_by_sqlite)
{
	struct iwf_store *st = fresh(SQLITE);
	int64_t scs = one_scs(st), total;
	struct iwf_scs out;

	OK(st->ops->begin(st));
	OK(st->ops->usage_add(st, scs, 0, 1, &total));
	ck_assert_int_eq(sqlite3_exec(iwf_store_sqlite(st), "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	FAILS(IWF_ESTORE, st->ops->usage_add(st, scs, 0, 1, &total));
	FAILS(IWF_ESTORE, st->ops->audit_add(st, &(struct iwf_audit){ .event = "dar", .decision = "refused" }));
	FAILS(IWF_ESTORE, st->ops->scs_by_id(st, scs, &out));
	FAILS(IWF_ESTORE, st->ops->commit(st));
	OK(st->ops->begin(st));
	OK(st->ops->usage_add(st, scs, 0, 0, &total));
	ck_assert_int_eq(total, 0);
	ck_assert_uint_eq(seed_audits(st), 0);
	OK(st->ops->commit(st));
	iwf_store_close(st);
}
END_TEST

/* A disk that is really full, where the kernel lets us have one. */
START_TEST(full_disk)
{
	const struct iwf_store_opts opts = { .busy_timeout_ms = 50, .create = true };
	struct iwf_store *st;
	char err[512], path[300], *fat;
	int64_t scs, total;
	enum iwf_err e;
	FILE *f;

	log_quiet();
	ck_assert_int_eq(mkdir(work_path("disk"), 0700), 0);
	/* A mount namespace of our own: the disk goes with this process, whatever happens. */
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", work_path("disk"), "tmpfs", 0, "size=1m") != 0) {
		fprintf(stderr, "full_disk: no file system to fill here (%s); `full` has tested it by max_page_count\n", strerror(errno));
		return;
	}
	st = iwf_store_open(uri_of("disk/iwf.db"), &opts, err, sizeof(err));
	ck_assert_msg(st != NULL, "%s", err);
	scs = one_scs(st);
	snprintf(path, sizeof(path), "%s/fat", work_path("disk"));
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fat = calloc(1, 1 << 20);
	setvbuf(f, NULL, _IONBF, 0);
	(void)!fwrite(fat, 1, 1 << 20, f);               /* all that is left */
	fclose(f);
	free(fat);
	for (int i = 0; i < 3; i++) {
		OK(st->ops->begin(st));
		fill(st, scs, 1000, &e);
		if (e == IWF_OK)
			e = st->ops->commit(st);
		ck_assert_msg(e == IWF_EFULL, "%s", st->ops->errmsg(st));
		st->ops->rollback(st);
	}
	ck_assert_uint_eq(seed_triggers(st), 0);
	unlink(path);                                    /* space again: nobody has to restart anything */
	OK(st->ops->begin(st));
	OK(st->ops->usage_add(st, scs, 0, 1, &total));
	OK(st->ops->commit(st));
	OK(st->ops->usage_add(st, scs, 0, 0, &total));
	ck_assert_int_eq(total, 1);
	iwf_store_close(st);
}
END_TEST

static long long size_of(const char *name)
{
	struct stat st;

	return stat(work_path(name), &st) == 0 ? (long long)st.st_size : -1;
}

static long long log_size(void)
{
	return size_of("iwf.db-wal");
}

static void wait_for_size(const char *name, long long size)
{
	const struct timespec a_while = { 0, 1000000 };

	for (int i = 0; i < PATIENCE_MS && size_of(name) < size; i++)
		nanosleep(&a_while, NULL);
	ck_assert_int_ge(size_of(name), size);
}

/* Who has the disk apart: the log is copied back without a commit that waits for it, and begins anew. */
START_TEST(disk_apart)
{
	const struct iwf_store_opts opts = { .busy_timeout_ms = 1000, .disk_apart = true };
	const struct timespec a_while = { 0, 1000000 };
	struct iwf_store *st = fresh(SQLITE);
	int64_t scs = one_scs(st), total;
	char uri[300], err[512];
	long long most = 0, at_first;
	sqlite3 *db;

	iwf_store_close(st);
	snprintf(uri, sizeof(uri), "sqlite:%s", work_path("iwf.db"));
	st = iwf_store_open(uri, &opts, err, sizeof(err));
	ck_assert_msg(st != NULL, "%s", err);
	OK(iwf_store_sync(st));
	db = iwf_store_sqlite(st);
	at_first = size_of("iwf.db");
	ck_assert_int_eq(sqlite3_exec(db, "CREATE TABLE ballast (b BLOB)", NULL, NULL, NULL), SQLITE_OK);
	for (int i = 0; i < 400; i++) {
		OK(st->ops->begin(st));
		ck_assert_int_eq(sqlite3_exec(db, "DELETE FROM ballast; INSERT INTO ballast VALUES (zeroblob(500000))", NULL, NULL, NULL), SQLITE_OK);
		OK(st->ops->usage_add(st, scs, 0, 1, &total));
		OK(st->ops->commit(st));
		OK(iwf_store_sync(st));
		most = log_size() > most ? log_size() : most;
		nanosleep(&a_while, NULL);
		if (i == 20)                             /* long before it begins anew */
			wait_for_size("iwf.db", at_first + 300000);
	}
	ck_assert_int_eq(total, 400);
	ck_assert_int_gt(most, 3 << 20);
	ck_assert_int_lt(most, 128 << 20);
	iwf_store_close(st);
	ck_assert_int_lt(log_size(), 1);                 /* the last one out has copied it back */
	st = again(100);
	OK(iwf_store_sync(st));
	OK(st->ops->usage_get(st, scs, 0, &total));
	ck_assert_int_eq(total, 400);
	iwf_store_close(st);
}
END_TEST

/* Somebody reads from the write-ahead log while it grows, and then no more. */
START_TEST(write_ahead_log)
{
	const struct timespec second = { 1, 100000000 };
	struct iwf_store *st = fresh(SQLITE);
	int64_t scs = one_scs(st), total;
	sqlite3 *writer = raw(work_path("iwf.db"), "PRAGMA wal_autocheckpoint = 0; CREATE TABLE ballast (b BLOB)"), *reader;

	iwf_store_tend(st);
	ck_assert_int_ge(log_size(), 1);
	ck_assert_int_lt(log_size(), 96 << 20);
	ck_assert_int_eq(sqlite3_exec(writer, "INSERT INTO ballast VALUES (zeroblob(105000000))", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_gt(log_size(), 96 << 20);
	iwf_store_tend(st);                              /* nobody reads: it begins anew */
	ck_assert_int_eq(log_size(), 0);
	ck_assert_uint_eq(log_lines(), 0);

	reader = raw(work_path("iwf.db"), "BEGIN; SELECT count(*) FROM scs");
	ck_assert_int_eq(sqlite3_exec(writer, "INSERT INTO ballast VALUES (zeroblob(105000000))", NULL, NULL, NULL), SQLITE_OK);
	iwf_store_tend(st);
	ck_assert_int_gt(log_size(), 96 << 20);
	ck_assert_uint_eq(log_lines(), 0);               /* that may happen */
	ck_assert_int_eq(sqlite3_exec(writer, "INSERT INTO ballast VALUES (zeroblob(105000000))", NULL, NULL, NULL), SQLITE_OK);
	for (int i = 0; i < 5; i++)
		iwf_store_tend(st);
	ck_assert_uint_eq(log_lines(), 1);
	ck_assert_ptr_nonnull(strstr(log_last(), "iwf.db: the write-ahead log has grown to 20"));
	OK(st->ops->usage_add(st, scs, 0, 1, &total));   /* and nobody is kept from writing by it */
	sqlite3_close(reader);
	for (int i = 0; i < 5 && log_size() > 0; i++) {
		nanosleep(&second, NULL);
		iwf_store_tend(st);
	}
	ck_assert_int_eq(log_size(), 0);
	ck_assert_uint_eq(log_lines(), 2);
	ck_assert_ptr_nonnull(strstr(log_last(), "short again"));
	OK(st->ops->usage_add(st, scs, 0, 1, &total));
	ck_assert_int_eq(total, 2);
	sqlite3_close(writer);
	iwf_store_close(st);
}
END_TEST

START_TEST(log_is_not_flooded)
{
	struct iwf_store *st = fresh(SQLITE);
	int64_t scs = one_scs(st), total;
	struct iwf_scs out;
	struct timespec second = { 1, 50000000 };

	move("iwf.db", "away.db");
	for (int i = 0; i < 500; i++)
		FAILS(IWF_ESTORE, st->ops->scs_by_id(st, scs, &out));
	ck_assert_uint_ge(log_lines(), 1);
	ck_assert_uint_le(log_lines(), 3);               /* one a second; a slow machine may take more than one */
	ck_assert_ptr_nonnull(strstr(log_last(), "iwf.db: scs_by_id: No such file or directory"));
	nanosleep(&second, NULL);
	log_quiet();
	FAILS(IWF_ESTORE, st->ops->scs_by_id(st, scs, &out));
	ck_assert_uint_eq(log_lines(), 1);
	ck_assert_ptr_nonnull(strstr(log_last(), "more failures of this kind"));
	move("away.db", "iwf.db");
	log_quiet();
	OK(st->ops->usage_add(st, scs, 0, 1, &total));
	OK(st->ops->usage_add(st, scs, 0, 1, &total));
	ck_assert_uint_eq(log_lines(), 2);               /* opened again, works again: once */
	ck_assert_ptr_nonnull(strstr(log_last(), "works again"));
	log_quiet();
	for (int i = 0; i < 500; i++) {                  /* nor by failing every other time */
		FAILS(IWF_ESTORE, st->ops->usage_add(st, 99, 0, 1, &total));
		OK(st->ops->scs_by_id(st, scs, &out));
	}
	ck_assert_uint_le(log_lines(), 6);
	iwf_store_close(st);
}
END_TEST

TCase *sqlite_failure_cases(void)
{
	TCase *tc = tcase_create("failures");

	tcase_add_unchecked_fixture(tc, work_setup, work_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, locked_by_another_program);
	tcase_add_test(tc, open_refused);
	tcase_add_test(tc, open_creates);
	tcase_add_test(tc, path_is_kept);
	tcase_add_test(tc, read_only_by_choice);
	tcase_add_test(tc, read_only_by_permission);
	tcase_add_test(tc, not_to_be_read);
	tcase_add_test(tc, removed_and_put_back);
	tcase_add_test(tc, removed_in_a_transaction);
	tcase_add_test(tc, replaced_by_another);
	tcase_add_test(tc, replaced_by_nonsense);
	tcase_add_test(tc, overwritten_in_place);
	tcase_add_test(tc, nothing_kept_of_a_replaced_file);
	tcase_add_test(tc, schema_changed_under_us);
	tcase_add_test(tc, full);
	tcase_add_test(tc, rolled_back_by_sqlite);
	tcase_add_test(tc, full_disk);
	tcase_add_test(tc, disk_apart);
	tcase_add_test(tc, write_ahead_log);
	tcase_add_test(tc, log_is_not_flooded);
	return tc;
}
