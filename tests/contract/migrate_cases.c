/* migrate_cases.c - migrations: all or nothing, whatever happens between; and the
 * dump of what they make. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "audit_chain.h"
#include "check_store.h"
#include "migrate.h"

static sqlite3 *open_raw(const char *name)
{
	sqlite3 *db = NULL;

	ck_assert_int_eq(sqlite3_open_v2(work_path(name), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
	return db;
}

static long ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	long v;

	ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	v = (long)sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return v;
}

#define FIRST "PRAGMA application_id = 1297369431; CREATE TABLE one (x);"

START_TEST(step_by_step)
{
	static const struct iwf_migration list[] = {
		{ "0001_one.sql", FIRST }, { "0002_two.sql", "CREATE TABLE two (x);" }, { "0003_three.sql", "ALTER TABLE two ADD COLUMN y;" },
	};
	sqlite3 *db = open_raw("steps.db");
	unsigned from, to;
	char err[256];

	OK(iwf_migrate_with(db, list, 1, &from, &to, err, sizeof(err)));
	ck_assert(from == 0 && to == 1);
	ck_assert_int_eq(ask(db, "PRAGMA user_version"), 1);
	OK(iwf_migrate_with(db, list, 3, &from, &to, err, sizeof(err)));
	ck_assert(from == 1 && to == 3);
	OK(iwf_migrate_with(db, list, 3, &from, &to, err, sizeof(err)));
	ck_assert(from == 3 && to == 3);
	ck_assert_int_eq(ask(db, "SELECT count(*) FROM pragma_table_info('two')"), 2);
	FAILS(IWF_EINVAL, iwf_migrate_with(db, list, 2, &from, &to, err, sizeof(err)));
	ck_assert_str_eq(err, "schema version 3 is of a newer program; this one knows versions up to 2");
	sqlite3_close(db);
}
END_TEST

START_TEST(a_failing_one_leaves_the_version_before)
{
	static const struct iwf_migration list[] = {
		{ "0001_one.sql", FIRST }, { "0002_two.sql", "CREATE TABLE two (x); INSERT INTO two VALUES (1); CREATE TABLE one (x);" },
		{ "0003_three.sql", "CREATE TABLE three (x);" },
	};
	sqlite3 *db = open_raw("failing.db");
	unsigned from, to;
	char err[256];

	FAILS(IWF_ESTORE, iwf_migrate_with(db, list, 3, &from, &to, err, sizeof(err)));
	ck_assert(from == 0 && to == 1);
	ck_assert_str_eq(err, "0002_two.sql: table one already exists");
	ck_assert_int_eq(ask(db, "PRAGMA user_version"), 1);
	ck_assert_int_eq(ask(db, "SELECT count(*) FROM sqlite_schema"), 1);
	ck_assert_int_eq(sqlite3_get_autocommit(db), 1);
	sqlite3_close(db);
}
END_TEST

static void die(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	kill(getpid(), SIGKILL);
}

START_TEST(killed_between)
{
	static const struct iwf_migration list[] = {
		{ "0001_one.sql", FIRST }, { "0002_two.sql", "CREATE TABLE two (x); INSERT INTO two VALUES (1); SELECT die();" },
	};
	static const struct iwf_migration mended[] = { { "0001_one.sql", FIRST }, { "0002_two.sql", "CREATE TABLE two (x);" } };
	unsigned from, to;
	sqlite3 *db;
	char err[256];
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		db = open_raw("killed.db");
		sqlite3_create_function(db, "die", 0, SQLITE_UTF8, NULL, die, NULL, NULL);
		_exit(iwf_migrate_with(db, list, 2, &from, &to, err, sizeof(err)) == IWF_OK);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	db = open_raw("killed.db");
	ck_assert_int_eq(ask(db, "PRAGMA user_version"), 1);
	ck_assert_int_eq(ask(db, "SELECT count(*) FROM sqlite_schema"), 1);
	OK(iwf_migrate_with(db, mended, 2, &from, &to, err, sizeof(err)));
	ck_assert_int_eq(ask(db, "PRAGMA user_version"), 2);
	sqlite3_close(db);
}
END_TEST

START_TEST(many_at_once)
{
	pid_t pid[12];
	sqlite3 *db;

	for (size_t i = 0; i < 12; i++) {
		pid[i] = fork();
		ck_assert_int_ge(pid[i], 0);
		if (pid[i] == 0) {
			unsigned from, to;
			char err[256];

			if (iwf_migrate_file(work_path("race.db"), true, &from, &to, err, sizeof(err)) == IWF_OK)
				_exit(0);
			fprintf(stderr, "%s\n", err);
			_exit(1);
		}
	}
	for (size_t i = 0; i < 12; i++) {
		int status;

		ck_assert_int_eq(waitpid(pid[i], &status, 0), pid[i]);
		ck_assert_int_eq(status, 0);
	}
	db = open_raw("race.db");
	ck_assert_int_eq(ask(db, "PRAGMA user_version"), iwf_schema_version());
	sqlite3_close(db);
}
END_TEST

START_TEST(files)
{
	unsigned from, to;
	sqlite3 *db;
	char err[512];

	FAILS(IWF_ENOENT, iwf_migrate_file(work_path("absent.db"), false, &from, &to, err, sizeof(err)));
	ck_assert_ptr_nonnull(strstr(err, "absent.db: No such file or directory"));
	ck_assert_int_ne(access(work_path("absent.db"), F_OK), 0);
	OK(iwf_migrate_file(work_path("made.db"), true, &from, &to, err, sizeof(err)));
	ck_assert(from == 0 && to == iwf_schema_version());
	OK(iwf_migrate_file(work_path("made.db"), true, &from, &to, err, sizeof(err)));
	ck_assert(from == iwf_schema_version() && to == from);

	db = open_raw("theirs.db");
	ck_assert_int_eq(sqlite3_exec(db, "CREATE TABLE theirs (x)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	FAILS(IWF_EINVAL, iwf_migrate_file(work_path("theirs.db"), true, &from, &to, err, sizeof(err)));
	ck_assert_ptr_nonnull(strstr(err, "theirs.db: this database belongs to another program"));
	ck_assert_int_eq(access(work_path("theirs.db"), F_OK), 0);   /* we did not make it, we do not remove it */

	db = open_raw("locked.db");
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	FAILS(IWF_EBUSY, iwf_migrate_file(work_path("locked.db"), false, &from, &to, err, sizeof(err)));
	ck_assert_ptr_nonnull(strstr(err, "database is locked"));
	sqlite3_close(db);
}
END_TEST

/* ---- the dump ---- */

static char *dump(sqlite3 *db)
{
	sqlite3_stmt *stmt;
	sqlite3_str *out = sqlite3_str_new(NULL);

	sqlite3_str_appendf(out, "-- mtc-iwf: the schema that all migrations together make.  Made by `make update-schema`; compared by check_store.\n"
	                    "PRAGMA application_id = %ld;\nPRAGMA user_version = %ld;\n", ask(db, "PRAGMA application_id"),
	                    ask(db, "PRAGMA user_version"));
	ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND sql IS NOT NULL "
	                                    "ORDER BY rowid", -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		sqlite3_str_appendf(out, "\n%s;\n", sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return sqlite3_str_finish(out);
}

START_TEST(schema_is_the_dump)
{
	char path[512], *want = calloc(1, 1 << 20), *got, *again_;
	unsigned from, to;
	char err[256];
	sqlite3 *db;
	FILE *f;

	OK(iwf_migrate_file(work_path("dump.db"), true, &from, &to, err, sizeof(err)));
	db = open_raw("dump.db");
	got = dump(db);
	sqlite3_close(db);
	snprintf(path, sizeof(path), "%s/db/sqlite/schema.sql", IWF_SRCDIR);
	if (getenv("IWF_UPDATE_SCHEMA")) {               /* make update-schema */
		f = fopen(path, "w");
		ck_assert_ptr_nonnull(f);
		fputs(got, f);
		fclose(f);
	}
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s cannot be read", path);
	ck_assert_uint_gt(fread(want, 1, (1 << 20) - 1, f), 0);
	fclose(f);
	ck_assert_msg(strcmp(got, want) == 0, "%s is not what the migrations make: make update-schema", path);

	db = open_raw("from_dump.db");                   /* and it makes the same again */
	ck_assert_msg(sqlite3_exec(db, want, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
	again_ = dump(db);
	ck_assert_str_eq(again_, want);
	sqlite3_close(db);
	sqlite3_free(got);
	sqlite3_free(again_);
	free(want);
}
END_TEST

/* Every column of every table says what it is. */
START_TEST(every_column_is_commented)
{
	unsigned from, to, columns = 0;
	sqlite3_stmt *stmt;
	sqlite3 *db;
	char err[256];

	OK(iwf_migrate_file(work_path("comments.db"), true, &from, &to, err, sizeof(err)));
	db = open_raw("comments.db");
	ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT t.sql, t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c "
	                                    "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'", -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const char *column = (const char *)sqlite3_column_text(stmt, 2), *at, *end;
		char start[80];

		snprintf(start, sizeof(start), "\n  %s ", column);
		at = strstr((const char *)sqlite3_column_text(stmt, 0), start);
		ck_assert_ptr_nonnull(at);
		end = strstr(at + 1, "\n  ");
		while (end && end[3] == ' ')             /* a column may go on over lines */
			end = strstr(end + 1, "\n  ");
		if (!end)
			end = at + strlen(at);
		at = strstr(at, "-- ");
		ck_assert_msg(at && at < end, "%s.%s has no comment", sqlite3_column_text(stmt, 1), column);
		columns++;
	}
	ck_assert_uint_gt(columns, 100);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}
END_TEST

/* The chain of the audit holds over a migration that moves its rows, and numbers go on where they were. */
START_TEST(audit_moves_as_it_is)
{
	const struct iwf_audit row = { .at_ms = 5, .event = "dar", .decision = "refused", .reason = RS_RATE, .request_status = 109,
	                               .scs_id = 3, .reference = -1, .detail = "d" };
	const struct iwf_store_opts opts = { .busy_timeout_ms = 1000 };
	uint8_t hash[IWF_HASH_LEN] = { 0 };
	struct iwf_audit_check c;
	char err[256], uri[300];
	unsigned from, to;
	sqlite3 *db = open_raw("audit.db");
	sqlite3_stmt *stmt;
	struct iwf_store *st;

	OK(iwf_migrate_with(db, iwf_migrations, 2, &from, &to, err, sizeof(err)));
	ck_assert_int_eq(sqlite3_prepare_v2(db, "INSERT INTO audit (id, at_ms, event, decision, reason, request_status, scs_id, detail, hash) "
	                                    "VALUES (?, 5, 'dar', 'refused', 'rate', 109, 3, 'd', ?)", -1, &stmt, NULL), SQLITE_OK);
	for (int id = 1; id <= 4; id++) {
		ck_assert(iwf_audit_hash(hash, id, &row, "rate", hash));
		sqlite3_bind_int(stmt, 1, id);
		sqlite3_bind_blob(stmt, 2, hash, sizeof(hash), SQLITE_TRANSIENT);
		ck_assert_int_eq(sqlite3_step(stmt), SQLITE_DONE);
		sqlite3_reset(stmt);
	}
	sqlite3_finalize(stmt);
	ck_assert_int_eq(sqlite3_exec(db, _i ? "DELETE FROM audit WHERE id = 4" : "DELETE FROM audit WHERE id = 1", NULL, NULL, NULL), SQLITE_OK);
	OK(iwf_migrate(db, &from, &to, err, sizeof(err)));
	sqlite3_close(db);
	snprintf(uri, sizeof(uri), "sqlite:%s", work_path("audit.db"));
	st = iwf_store_open(uri, &opts, err, sizeof(err));
	ck_assert_msg(st != NULL, "%s", err);
	OK(st->ops->audit_add(st, &row));
	OK(iwf_store_audit_check(st, &c));
	ck_assert_int_eq(c.broken_id, _i ? 5 : 0);       /* one cut off the end before shows as it did */
	ck_assert_uint_eq(c.rows, _i ? 3 : 4);
	iwf_store_close(st);
	ck_assert_int_eq(unlink(work_path("audit.db")), 0);
}
END_TEST

static void run(sqlite3 *db, const char *sql)
{
	char *what = NULL;

	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &what) == SQLITE_OK, "%s: %s", sql, what);
}

#define JOURNAL_ROW(id, reference, action, target, sub, state) \
	"INSERT INTO device_trigger (id, scs_id, reference, action, target_id, subscription_id, imsi, ext_id, smea, dest_host, dest_realm, " \
	"state, end_to_end, content_hash, received_ms, answered_ms, validity_end_ms, port, payload, nodes) VALUES (" #id ", 1, " #reference \
	", " #action ", " #target ", " #sub ", '001010000000001', 'm@iot.example.com', '4915', 'a.example', 'example', " #state \
	", 4294967295, randomblob(32), " #id "00, " #id "01, 99, 7, randomblob(" #id "), x'');"

/* The journal is made anew under what refers to it, whether the connection minds foreign keys or not: every row as it
 * was, with its number; what names it, names it still. */
START_TEST(journal_moves_as_it_is)
{
	static const char same[] = "SELECT (SELECT count(*) FROM (SELECT * FROM device_trigger EXCEPT SELECT * FROM was)) + "
	                           "(SELECT count(*) FROM (SELECT * FROM was EXCEPT SELECT * FROM device_trigger))";
	unsigned from, to;
	char err[256];
	sqlite3 *db = open_raw("journal.db");

	OK(iwf_migrate_with(db, iwf_migrations, 4, &from, &to, err, sizeof(err)));
	run(db, _i ? "PRAGMA foreign_keys = ON" : "PRAGMA foreign_keys = OFF");
	run(db, "INSERT INTO scs (id, name, origin_host, origin_realm) VALUES (1, 'a', 'a.example', 'example');"
	    "INSERT INTO subscription (id, imsi) VALUES (5, '001010000000001');"
	    JOURNAL_ROW(1, 1, 1, NULL, 5, 4) JOURNAL_ROW(2, 1, 3, 1, 5, 1) JOURNAL_ROW(4, 4294967295, 4, 1, NULL, 5)
	    JOURNAL_ROW(70, 3, 1, NULL, 5, 2) JOURNAL_ROW(71, 4, 1, NULL, 5, 2)
	    "DELETE FROM device_trigger WHERE id = 71;"
	    "INSERT INTO outbox (id, trigger_id, scs_id, dest_host, dest_realm, reference, outcome, created_ms, next_ms, expires_ms) "
	    "VALUES (3, 4, 1, 'a.example', 'example', 4294967295, 0, 1, 2, 3), (4, 1, 1, 'a.example', 'example', 1, 0, 1, 2, 3);"
	    "CREATE VIEW theirs AS SELECT count(*) AS n FROM device_trigger;"
	    "CREATE TABLE was AS SELECT * FROM device_trigger");
	OK(iwf_migrate(db, &from, &to, err, sizeof(err)));
	ck_assert(from == 4 && to == iwf_schema_version());
	ck_assert_int_eq(ask(db, "PRAGMA foreign_keys"), _i);
	ck_assert_int_eq(ask(db, same), 0);
	ck_assert_int_eq(ask(db, "SELECT count(*) FROM outbox"), 2);
	ck_assert_int_eq(ask(db, "SELECT n FROM theirs"), 4);
	ck_assert_int_eq(ask(db, "SELECT count(*) FROM journal WHERE scs = 'a'"), 4);
	ck_assert_int_eq(ask(db, "SELECT count(*) FROM sqlite_schema WHERE instr(sql, '_0005')"), 0);
	ck_assert_int_eq(ask(db, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	ck_assert_int_eq(ask(db, "SELECT count(*) FROM pragma_foreign_key_list('device_trigger')"), 2);
	ck_assert_int_eq(ask(db, "SELECT count(*) FROM pragma_foreign_key_list('device_trigger') WHERE \"from\" = 'target_id' "
	                         "AND \"table\" = 'device_trigger' AND on_delete = 'SET NULL'"), 1);
	ck_assert_int_eq(ask(db, "SELECT count(*) FROM pragma_foreign_key_list('outbox') WHERE \"table\" = 'device_trigger'"), 1);

	run(db, "PRAGMA foreign_keys = ON; DELETE FROM subscription");
	ck_assert_int_eq(ask(db, same), 0);
	ck_assert_int_eq(sqlite3_exec(db, "DELETE FROM device_trigger WHERE id = 1", NULL, NULL, NULL), SQLITE_CONSTRAINT);
	run(db, "DELETE FROM outbox WHERE trigger_id = 1; DELETE FROM device_trigger WHERE id = 1");
	ck_assert_int_eq(ask(db, "SELECT count(*) FROM device_trigger WHERE target_id IS NULL"), 3);
	run(db, "INSERT INTO device_trigger (scs_id, reference, action, imsi, smea, dest_host, dest_realm, state, end_to_end, content_hash, "
	    "received_ms) VALUES (1, 9, 1, '', '', '', '', 1, 0, zeroblob(32), 0)");
	ck_assert_int_eq(ask(db, "SELECT max(id) FROM device_trigger"), 72);
	sqlite3_close(db);
	ck_assert_int_eq(unlink(work_path("journal.db")), 0);
}
END_TEST

TCase *migrate_cases(void)
{
	TCase *tc = tcase_create("migrate");

	tcase_add_unchecked_fixture(tc, work_setup, work_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, step_by_step);
	tcase_add_test(tc, a_failing_one_leaves_the_version_before);
	tcase_add_test(tc, killed_between);
	tcase_add_test(tc, many_at_once);
	tcase_add_test(tc, files);
	tcase_add_loop_test(tc, audit_moves_as_it_is, 0, 2);
	tcase_add_loop_test(tc, journal_moves_as_it_is, 0, 2);
	tcase_add_test(tc, schema_is_the_dump);
	tcase_add_test(tc, every_column_is_commented);
	return tc;
}
