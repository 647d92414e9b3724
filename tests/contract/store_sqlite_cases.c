/* store_sqlite_cases.c - what only SQLite has: the schema and what it refuses,
 * query plans, pragmas, other programs on the same file, the audit's chain. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "check_store.h"
#include "migrate.h"
#include "store_sqlite.h"

static sqlite3 *other_program(void)
{
	sqlite3 *db = NULL;

	ck_assert_int_eq(sqlite3_open_v2(work_path("iwf.db"), &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static void run(sqlite3 *db, const char *sql)
{
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
}

/* The first column of the first row as text, "" if there is none. */
static const char *ask(sqlite3 *db, const char *sql)
{
	static char out[512];
	sqlite3_stmt *stmt = NULL;

	ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
	out[0] = '\0';
	if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		snprintf(out, sizeof(out), "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return out;
}

static char *read_file(const char *name)
{
	char path[512];
	size_t n;
	char *text;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", IWF_SRCDIR, name);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s cannot be read", path);
	text = calloc(1, 1 << 20);
	ck_assert_ptr_nonnull(text);
	n = fread(text, 1, (1 << 20) - 1, f);
	ck_assert_uint_gt(n, 0);
	fclose(f);
	return text;
}

/* Rows that bad rows can refer to, and that are good themselves. */
#define GOOD_ROWS \
	"INSERT INTO mtc_user (id, name) VALUES (1, 'user');" \
	"INSERT INTO scs (id, name, origin_host, origin_realm) VALUES (1, 'a', 'a.example', 'example');" \
	"INSERT INTO scs_group (id, name) VALUES (1, 'g');" \
	"INSERT INTO subscription (id, imsi, msisdn) VALUES (1, '001010000000001', '491510000001');" \
	"INSERT INTO device_group (id, name) VALUES (1, 'd');" \
	"INSERT INTO \"authorization\" (id, scs_id, subscription_id) VALUES (1, 1, 1);" \
	"INSERT INTO device_trigger (id, scs_id, reference, action, imsi, smea, dest_host, dest_realm, state, end_to_end, content_hash, received_ms) " \
	"VALUES (1, 1, 1, 1, '', '', '', '', 1, 0, zeroblob(32), 0);" \
	"INSERT INTO audit (at_ms, event, decision, reason, hash) VALUES (0, 'e', 'd', 'r', zeroblob(32));"

#define SCS(columns, values) "INSERT INTO scs (name, origin_host, origin_realm" columns ") VALUES ('b', 'b.example', 'example'" values ")"
#define SUB(imsi, columns, values) "INSERT INTO subscription (imsi" columns ") VALUES (" imsi values ")"
#define GRANT(columns, values) "INSERT INTO \"authorization\" (" columns ") VALUES (" values ")"
#define TRIGGER(columns, values) \
	"INSERT INTO device_trigger (scs_id, reference, action, imsi, smea, dest_host, dest_realm, state, end_to_end, content_hash, received_ms" columns ") " \
	"VALUES (" values ")"

/* What the schema takes, and what it must refuse. */
static const struct { bool good; const char *sql; } rows[] = {
	{ true, "INSERT INTO mtc_user (name) VALUES ('user2')" },
	{ false, "INSERT INTO mtc_user (name) VALUES ('user')" },
	{ false, "INSERT INTO mtc_user (name) VALUES (NULL)" },
	{ false, "INSERT INTO mtc_user (name) VALUES ('')" },
	{ false, "INSERT INTO mtc_user (name) VALUES ('two words')" },
	{ false, "INSERT INTO mtc_user (name) VALUES ('b\xc3\xa4r')" },
	{ false, "INSERT INTO mtc_user (name) VALUES ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')" },
	{ false, "INSERT INTO mtc_user (name, restrict_scs) VALUES ('b', 2)" },
	{ false, "INSERT INTO mtc_user (name, restrict_scs) VALUES ('b', 'yes')" },

	{ true, SCS("", "") },
	{ true, SCS(", domain, security", ", 'inside', 'ndsip'") },
	{ true, SCS(", valid_from_ms, valid_until_ms", ", 1, 2") },
	{ true, SCS(", cert_sha256", ", '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'") },
	{ false, "INSERT INTO scs (name, origin_host, origin_realm) VALUES ('b', 'A.EXAMPLE', 'example')" },
	{ false, "INSERT INTO scs (name, origin_host, origin_realm) VALUES ('b', 'b example', 'example')" },
	{ false, "INSERT INTO scs (name, origin_host, origin_realm) VALUES ('b', '', 'example')" },
	{ false, "INSERT INTO scs (name, origin_host, origin_realm) VALUES ('b', 'b.example', NULL)" },
	{ false, "INSERT INTO scs (name, origin_host, origin_realm) VALUES ('b', 'b.example', 'ex/ample')" },
	{ false, "INSERT INTO scs (name, origin_host, origin_realm) VALUES ('a', 'b.example', 'example')" },
	{ false, SCS(", cert_sha256", ", '00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF'") },
	{ false, SCS(", cert_sha256", ", '0011'") },
	{ false, SCS(", cert_san", ", ''") },
	{ false, SCS(", cert_san", ", '*.example'") },
	{ false, SCS(", domain", ", 'middle'") },
	{ false, SCS(", security", ", 'ndsip'") },
	{ false, SCS(", security", ", 'none'") },
	{ false, SCS(", enabled", ", 2") },
	{ false, SCS(", enabled", ", NULL") },
	{ false, SCS(", valid_from_ms, valid_until_ms", ", 2, 2") },
	{ false, SCS(", valid_from_ms", ", '2026-01-01'") },
	{ false, SCS(", rate_per_s", ", 0") },
	{ false, SCS(", burst", ", 1000001") },
	{ false, SCS(", quota", ", -1") },
	{ false, SCS(", quota_period_s", ", 59") },
	{ false, SCS(", payload_max", ", 65536") },
	{ false, SCS(", validity_max_s", ", 4294967296") },
	{ false, SCS(", allow_priority", ", 2") },
	{ false, SCS(", allow_trigger", ", -1") },
	{ false, SCS(", allow_recall", ", 2") },
	{ false, SCS(", allow_replace", ", NULL") },

	{ true, "INSERT INTO scs_identity VALUES (1, '491510001', 1)" },
	{ true, "INSERT INTO scs_identity VALUES (1, '491510001', 1), (1, '491510002', 0)" },
	{ false, "INSERT INTO scs_identity VALUES (1, '491510001', 1), (1, '491510002', 1)" },
	{ false, "INSERT INTO scs_identity VALUES (1, '+491510001', 0)" },
	{ false, "INSERT INTO scs_identity VALUES (1, '0491510001', 0)" },
	{ false, "INSERT INTO scs_identity VALUES (1, '4915', 0)" },
	{ false, "INSERT INTO scs_identity VALUES (1, '4915100000000001', 0)" },
	{ false, "INSERT INTO scs_identity VALUES (2, '491510001', 0)" },
	{ false, "INSERT INTO scs_identity VALUES (1, '491510001', 3)" },

	{ false, "INSERT INTO scs_group (name) VALUES ('g')" },
	{ true, "INSERT INTO scs_group_member VALUES (1, 1)" },
	{ false, "INSERT INTO scs_group_member VALUES (1, 2)" },
	{ false, "INSERT INTO scs_group_member VALUES (2, 1)" },
	{ false, "INSERT INTO scs_group_member VALUES (1, 1), (1, 1)" },
	{ true, "INSERT INTO mtc_user_scs VALUES (1, 1)" },
	{ false, "INSERT INTO mtc_user_scs VALUES (2, 1)" },
	{ false, "INSERT INTO mtc_user_scs VALUES (1, 2)" },

	{ true, SUB("'00101000000002'", "", "") },
	{ true, SUB("'001010000000002'", ", msisdn, mtc_user_id, smssc", ", '49151', 1, 's.example'") },
	{ false, SUB("'001010000000001'", "", "") },
	{ false, SUB("'0010100000002'", "", "") },
	{ false, SUB("'0010100000000002'", "", "") },
	{ false, SUB("'00101000000000a'", "", "") },
	{ false, SUB("NULL", "", "") },
	{ false, SUB("'001010000000002'", ", msisdn", ", '491510000001'") },
	{ false, SUB("'001010000000002'", ", msisdn", ", ''") },
	{ false, SUB("'001010000000002'", ", msisdn", ", '0151000'") },
	{ false, SUB("'001010000000002'", ", mtc_user_id", ", 2") },
	{ false, SUB("'001010000000002'", ", enabled", ", 2") },
	{ false, SUB("'001010000000002'", ", trigger_allowed", ", 'no'") },
	{ false, SUB("'001010000000002'", ", smssc", ", ''") },

	{ true, "INSERT INTO external_id VALUES ('Meter-1.x_y+z@iot.example.com', 1, NULL)" },
	{ true, "INSERT INTO external_id VALUES ('it''s~me@iot.example.com', 1, 1)" },
	{ false, "INSERT INTO external_id VALUES ('meter1@IoT.example.com', 1, NULL)" },
	{ false, "INSERT INTO external_id VALUES ('meter1', 1, NULL)" },
	{ false, "INSERT INTO external_id VALUES ('@iot.example.com', 1, NULL)" },
	{ false, "INSERT INTO external_id VALUES ('meter1@', 1, NULL)" },
	{ false, "INSERT INTO external_id VALUES ('a@b@iot.example.com', 1, NULL)" },
	{ false, "INSERT INTO external_id VALUES ('meter 1@iot.example.com', 1, NULL)" },
	{ false, "INSERT INTO external_id VALUES ('meter1@iot.example.com' || char(10), 1, NULL)" },
	{ false, "INSERT INTO external_id VALUES ('m\xc3\xa9ter@iot.example.com', 1, NULL)" },
	{ false, "INSERT INTO external_id VALUES ('meter1@iot.example.com', 2, NULL)" },
	{ false, "INSERT INTO external_id VALUES ('meter1@iot.example.com', 1, 2)" },
	{ false, "INSERT INTO external_id VALUES (NULL, 1, NULL)" },

	{ true, "INSERT INTO device_group (name, external_group_id) VALUES ('e', 'all@iot.example.com')" },
	{ false, "INSERT INTO device_group (name, external_group_id) VALUES ('e', 'all')" },
	{ false, "INSERT INTO device_group (name) VALUES ('d')" },
	{ true, "INSERT INTO device_group_member VALUES (1, 1)" },
	{ false, "INSERT INTO device_group_member VALUES (1, 2)" },
	{ false, "INSERT INTO device_group_member VALUES (2, 1)" },

	{ true, GRANT("scs_id, subscription_id", "1, 1") },
	{ true, GRANT("scs_group_id, device_group_id", "1, 1") },
	{ true, GRANT("scs_id, domain", "1, 'iot.example.com'") },
	{ true, GRANT("scs_id, msisdn_from, msisdn_to", "1, '49151000', '49151999'") },
	{ false, GRANT("subscription_id", "1") },
	{ false, GRANT("scs_id, scs_group_id, subscription_id", "1, 1, 1") },
	{ false, GRANT("scs_id", "1") },
	{ false, GRANT("scs_id, subscription_id, domain", "1, 1, 'iot.example.com'") },
	{ false, GRANT("scs_id, domain", "1, 'IoT.example.com'") },
	{ false, GRANT("scs_id, domain", "1, '@iot.example.com'") },
	{ false, GRANT("scs_id, domain", "1, ''") },
	{ false, GRANT("scs_id, msisdn_from", "1, '49151000'") },
	{ false, GRANT("scs_id, msisdn_to", "1, '49151000'") },
	{ false, GRANT("scs_id, msisdn_from, msisdn_to", "1, '49151999', '49151000'") },
	{ false, GRANT("scs_id, msisdn_from, msisdn_to", "1, '49151000', '491519999'") },
	{ false, GRANT("scs_id, msisdn_from, msisdn_to", "1, '4915100x', '49151999'") },
	{ false, GRANT("scs_id, subscription_id", "2, 1") },
	{ false, GRANT("scs_id, subscription_id", "1, 2") },
	{ false, GRANT("scs_group_id, subscription_id", "2, 1") },
	{ false, GRANT("scs_id, device_group_id", "1, 2") },
	{ false, GRANT("scs_id, subscription_id, may_trigger", "1, 1, 2") },
	{ false, GRANT("scs_id, subscription_id, valid_from_ms, valid_until_ms", "1, 1, 5, 4") },

	{ true, "INSERT INTO authorization_port VALUES (1, 0, 65535)" },
	{ false, "INSERT INTO authorization_port VALUES (1, -1, 1)" },
	{ false, "INSERT INTO authorization_port VALUES (1, 1, 65536)" },
	{ false, "INSERT INTO authorization_port VALUES (1, 2, 1)" },
	{ false, "INSERT INTO authorization_port VALUES (2, 1, 1)" },
	{ true, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16) INSERT INTO authorization_port SELECT 1, i, i FROM n" },
	{ false, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 17) INSERT INTO authorization_port SELECT 1, i, i FROM n" },

	{ true, TRIGGER("", "1, 2, 1, '', '', '', '', 1, 0, zeroblob(32), 0") },
	{ true, TRIGGER("", "1, 1, 3, '', '', '', '', 1, 0, zeroblob(32), 0") },
	{ true, TRIGGER("", "1, 1, 1, '', '', '', '', 5, 0, zeroblob(32), 0") },
	{ false, TRIGGER("", "2, 2, 1, '', '', '', '', 1, 0, zeroblob(32), 0") },
	{ false, TRIGGER("", "1, 4294967296, 1, '', '', '', '', 1, 0, zeroblob(32), 0") },
	{ false, TRIGGER("", "1, 2, 2, '', '', '', '', 1, 0, zeroblob(32), 0") },
	{ false, TRIGGER("", "1, 2, 1, 'x', '', '', '', 1, 0, zeroblob(32), 0") },
	{ false, TRIGGER("", "1, 2, 1, '', '', '', '', 0, 0, zeroblob(32), 0") },
	{ false, TRIGGER("", "1, 2, 1, '', '', '', '', 14, 0, zeroblob(32), 0") },
	{ false, TRIGGER("", "1, 2, 1, '', '', '', '', 1, -1, zeroblob(32), 0") },
	{ false, TRIGGER("", "1, 2, 1, '', '', '', '', 1, 0, zeroblob(31), 0") },
	{ false, TRIGGER("", "1, 2, 1, '', '', '', '', 1, 0, '01234567890123456789012345678901', 0") },
	{ false, TRIGGER(", port", "1, 2, 1, '', '', '', '', 1, 0, zeroblob(32), 0, 65536") },
	{ false, TRIGGER(", target_id", "1, 2, 1, '', '', '', '', 1, 0, zeroblob(32), 0, 9") },
	{ true, TRIGGER(", subscription_id", "1, 2, 1, '', '', '', '', 1, 0, zeroblob(32), 0, 9") },
	{ false, TRIGGER(", smssc", "1, 2, 1, '', '', '', '', 1, 0, zeroblob(32), 0, printf('%256s', 'x')") },
	{ false, "DELETE FROM scs" },
	{ false, "UPDATE device_trigger SET state = 99" },

	{ true, "INSERT INTO usage VALUES (1, 0, 1)" },
	{ false, "INSERT INTO usage VALUES (1, 0, -1)" },
	{ false, "INSERT INTO usage VALUES (2, 0, 1)" },
	{ false, "UPDATE audit SET reason = 'none'" },
	{ false, "INSERT INTO audit (at_ms, event, decision, reason, hash, times) VALUES (0, 'e', 'd', 'r', zeroblob(32), 0)" },
	{ false, "INSERT INTO audit_anchor (last_id, hash, at_ms) VALUES (1, x'00', 0)" },
	{ false, "INSERT INTO user_notice (mtc_user_id, audit_id, at_ms) VALUES (99, 1, 0)" },
	{ false, "INSERT INTO audit (at_ms, event, decision, reason, hash) VALUES (0, 'e', 'd', 'r', x'00')" },
};

START_TEST(schema_takes_and_refuses)
{
	sqlite3 *db;
	char *what = NULL;
	int rc;

	iwf_store_close(fresh(SQLITE));
	db = other_program();
	run(db, GOOD_ROWS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		run(db, "BEGIN");
		rc = sqlite3_exec(db, rows[i].sql, NULL, NULL, &what);
		if (rows[i].good)
			ck_assert_msg(rc == SQLITE_OK, "refused: %s: %s", rows[i].sql, what);
		else
			ck_assert_msg(rc == SQLITE_CONSTRAINT, "taken, or another error: %s: %s", rows[i].sql, what ? what : "");
		sqlite3_free(what);
		run(db, "ROLLBACK");
	}
	sqlite3_close(db);
}
END_TEST

/* Deleting what others name: gone with it, or refused, as the schema says. */
START_TEST(schema_deletes)
{
	sqlite3 *db;

	iwf_store_close(fresh(SQLITE));
	db = other_program();
	run(db, GOOD_ROWS "UPDATE device_trigger SET subscription_id = 1;"
	    "INSERT INTO device_trigger (id, scs_id, reference, action, target_id, imsi, smea, dest_host, dest_realm, state, end_to_end, content_hash, received_ms) "
	    "VALUES (2, 1, 1, 3, 1, '', '', '', '', 13, 0, zeroblob(32), 0);"
	    "INSERT INTO external_id VALUES ('m@iot.example.com', 1, NULL); INSERT INTO authorization_port VALUES (1, 1, 1)");
	run(db, "DELETE FROM subscription");
	ck_assert_str_eq(ask(db, "SELECT count(*) FROM external_id"), "0");
	ck_assert_str_eq(ask(db, "SELECT count(*) FROM \"authorization\""), "0");
	ck_assert_str_eq(ask(db, "SELECT count(*) FROM authorization_port"), "0");
	ck_assert_str_eq(ask(db, "SELECT sum(subscription_id = 1) FROM device_trigger"), "1");   /* it says whose it was */
	run(db, "DELETE FROM device_trigger WHERE id = 1");
	ck_assert_str_eq(ask(db, "SELECT count(*) FROM device_trigger WHERE target_id IS NULL"), "1");
	run(db, "DELETE FROM device_trigger; DELETE FROM scs");
	/* Ids that the audit may name are not used again. */
	run(db, "INSERT INTO scs (name, origin_host, origin_realm) VALUES ('b', 'b.example', 'example');"
	    "INSERT INTO subscription (imsi) VALUES ('001010000000001')");
	ck_assert_str_eq(ask(db, "SELECT id FROM scs"), "2");
	ck_assert_str_eq(ask(db, "SELECT id FROM subscription"), "2");
	sqlite3_close(db);
}
END_TEST

START_TEST(demo_rows_load)
{
	struct iwf_store *st = fresh(SQLITE);
	char *demo = read_file("db/sqlite/demo.sql");
	struct iwf_grant g[8];
	struct iwf_subscription sub;
	struct iwf_scs scs;
	sqlite3 *db = other_program();
	bool changed;
	size_t n;

	run(db, demo);
	ck_assert_str_eq(ask(db, "SELECT count(*) FROM pragma_foreign_key_check"), "0");
	OK(st->ops->changed(st, &changed));
	ck_assert(changed);
	OK(st->ops->scs_by_host(st, "scs.acme.example", &scs));
	OK(st->ops->subscription_by_ext_id(st, "meter1@iot.example.com", scs.id, &sub));
	OK(st->ops->user_allows(st, sub.mtc_user_id, scs.id));
	OK(st->ops->grants(st, &(struct iwf_grant_query){ scs.id, sub.id, "iot.example.com", NULL }, g, 8, &n));
	ck_assert_uint_eq(n, 1);
	OK(st->ops->scs_by_host(st, "scs.oldfleet.example", &scs));
	ck_assert(!scs.enabled);
	FAILS(IWF_ENOENT, st->ops->subscription_by_ext_id(st, "lorry-17@nordtrack.iot.example.com", scs.id, &sub));
	sqlite3_close(db);
	iwf_store_close(st);
	free(demo);
}
END_TEST

/* Each block of SQL in docs/SCHEMA.md, in their order, on the rows of demo.sql. */
START_TEST(documented_sql_works)
{
	struct iwf_store *st = fresh(SQLITE);
	char *demo = read_file("db/sqlite/demo.sql"), *doc = read_file("docs/SCHEMA.md"), *at = doc, *end;
	struct iwf_subscription sub;
	struct iwf_grant g[8];
	struct iwf_scs scs;
	sqlite3 *db = other_program();
	unsigned blocks = 0;
	size_t n;

	run(db, demo);
	while ((at = strstr(at, "```sql\n"))) {
		at += strlen("```sql\n");
		end = strstr(at, "```");
		ck_assert_ptr_nonnull(end);
		*end = '\0';
		run(db, at);
		at = end + 1;
		blocks++;
	}
	ck_assert_uint_gt(blocks, 15);
	/* and they did what the text says */
	OK(st->ops->scs_by_host(st, "scs.water.example", &scs));
	ck_assert_str_eq(scs.cert_san, "tsp.water.example");
	ck_assert(scs.enabled && scs.rate_per_s == 5 && !scs.allow_replace && scs.quota == 5000);
	OK(st->ops->scs_has_number(st, scs.id, "491540004002"));
	OK(st->ops->subscription_by_ext_id(st, "P-0021@water.iot.example.com", scs.id, &sub));
	OK(st->ops->user_allows(st, sub.mtc_user_id, scs.id));
	OK(st->ops->grants(st, &(struct iwf_grant_query){ scs.id, sub.id, "water.iot.example.com", sub.msisdn }, g, 8, &n));
	ck_assert_uint_eq(n, 3);                         /* device, device group, range; that of the domain was taken back */
	OK(st->ops->scs_by_host(st, "scs.nordtrack.example", &scs));
	FAILS(IWF_ENOENT, st->ops->user_allows(st, sub.mtc_user_id, scs.id));
	OK(st->ops->subscription_by_ext_id(st, "pump2@water.iot.example.com", scs.id, &sub));
	ck_assert(sub.enabled && sub.trigger_allowed);
	ck_assert_str_eq(sub.smssc, "smssc2.operator.example");
	sqlite3_close(db);
	iwf_store_close(st);
	free(demo);
	free(doc);
}
END_TEST

/* Every table has its place in docs/SCHEMA.md, and every column is told there. */
START_TEST(documented_columns)
{
	struct iwf_store *st = fresh(SQLITE);
	char *doc = read_file("docs/SCHEMA.md"), *tables = strstr(doc, "## Table by table");
	sqlite3 *db = other_program();
	sqlite3_stmt *stmt = NULL;

	ck_assert_ptr_nonnull(tables);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c "
	                                    "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'", -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const char *table = (const char *)sqlite3_column_text(stmt, 0), *column = (const char *)sqlite3_column_text(stmt, 1);
		char *heading = tables, *line_end, *next, *found = NULL, quoted[80];
		size_t len = strlen(table);

		while (!found && (heading = strstr(heading, "\n### "))) {
			line_end = strchr(heading + 1, '\n');
			for (char *w = heading + 5; (w = strstr(w, table)) && w < line_end && !found; w += len)
				if ((w[-1] == ' ') && (w[len] == ',' || w[len] == '\n'))
					found = line_end;
			heading = line_end;
		}
		ck_assert_msg(found != NULL, "docs/SCHEMA.md has no heading for %s", table);
		next = strstr(found, "\n### ");
		snprintf(quoted, sizeof(quoted), "`%s`", column);
		found = strstr(found, quoted);
		ck_assert_msg(found && (!next || found < next), "docs/SCHEMA.md does not tell what %s.%s is", table, column);
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	iwf_store_close(st);
	free(doc);
}
END_TEST

START_TEST(journal_in_words)
{
	struct iwf_store *st = fresh(SQLITE);
	struct iwf_scs row = seed_scs_row("acme", "scs.acme.example");
	int64_t scs = seed_scs(st, &row);
	sqlite3 *db = other_program();
	char sql[128];

	for (int s = TRG_SUBMITTING; s <= TRG_DONE; s++) {
		struct iwf_trigger t = trigger_row(scs, (uint32_t)s);

		t.state = (enum trg_state)s;
		OK(st->ops->trigger_insert(st, &t));
		snprintf(sql, sizeof(sql), "SELECT state FROM journal WHERE reference = %d", s);
		ck_assert_str_eq(ask(db, sql), trg_state_str((enum trg_state)s));
	}
	ck_assert_str_eq(ask(db, "SELECT received FROM journal"), "2026-11-21T00:00:00.123Z");
	ck_assert_str_eq(ask(db, "SELECT scs || ' ' || device || ' ' || action FROM journal"), "acme meter1@iot.example.com trigger");
	ck_assert_str_eq(ask(db, "SELECT count(*) FROM pragma_table_info('journal') WHERE name = 'imsi'"), "0");
	OK(st->ops->audit_add(st, &(struct iwf_audit){ .at_ms = 1795219200123, .event = "dar", .decision = "refused",
	                                              .reason = RS_RATE, .request_status = 109, .scs_id = scs, .reference = -1 }));
	ck_assert_str_eq(ask(db, "SELECT at || ' ' || scs || ' ' || reason FROM audit_log"), "2026-11-21T00:00:00.123Z acme rate");
	sqlite3_close(db);
	iwf_store_close(st);
}
END_TEST

/* No statement walks a table.  What may be scanned is no table, has one row a table, or is all that is under way, once. */
START_TEST(plans_use_indexes)
{
	static const char *const may[] = { "SCAN ways", "SCAN half", "SCAN CONSTANT ROW", "SCAN sqlite_sequence", "SCAN temp.sqlite_schema",
		"SCAN device_trigger USING INDEX device_trigger_overdue", "SCAN device_trigger USING INDEX device_trigger_unfinished" };
	struct iwf_store *st = fresh(SQLITE);
	sqlite3 *db = iwf_store_sqlite(st);
	unsigned searches = 0;

	for (int i = 0; i < ST_COUNT; i++) {
		char sql[4096];
		sqlite3_stmt *stmt = NULL;

		if (strncmp(iwf_sqlite_sql((enum sqlite_stmt)i), "PRAGMA", 6) == 0)
			continue;
		snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", iwf_sqlite_sql((enum sqlite_stmt)i));
		ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			const char *detail = (const char *)sqlite3_column_text(stmt, 3);

			bool fine = strncmp(detail, "SCAN", 4) != 0;

			for (size_t k = 0; k < sizeof(may) / sizeof(*may); k++)
				fine |= strcmp(detail, may[k]) == 0;
			searches += strncmp(detail, "SEARCH", 6) == 0;
			ck_assert_msg(fine, "%s: %s", iwf_sqlite_stmt_name((enum sqlite_stmt)i), detail);
			ck_assert_msg(!strstr(detail, "AUTOMATIC"), "%s: %s", iwf_sqlite_stmt_name((enum sqlite_stmt)i), detail);
		}
		sqlite3_finalize(stmt);
	}
	ck_assert_uint_gt(searches, 30);                 /* the plans were there to be read */
	sqlite3_close(db);
	iwf_store_close(st);
}
END_TEST

static const struct { const char *sql, *want; } pragmas[] = {
	{ "PRAGMA foreign_keys", "1" }, { "PRAGMA journal_mode", "wal" }, { "PRAGMA synchronous", "2" },
	{ "PRAGMA trusted_schema", "0" }, { "PRAGMA wal_autocheckpoint", "12000" },
	{ "PRAGMA secure_delete", "2" }, { "PRAGMA temp_store", "2" }, { "PRAGMA user_version", "8" }, { "PRAGMA ignore_check_constraints", "0" },
	{ "PRAGMA application_id", "1297369431" },
};

START_TEST(pragmas_in_force)
{
	struct iwf_store *st = fresh(SQLITE);

	for (size_t i = 0; i < sizeof(pragmas) / sizeof(*pragmas); i++)
		ck_assert_msg(strcmp(ask(iwf_store_sqlite(st), pragmas[i].sql), pragmas[i].want) == 0, "%s: %s", pragmas[i].sql,
		              ask(iwf_store_sqlite(st), pragmas[i].sql));
	iwf_store_close(st);
	st = fresh(MEM);
	ck_assert_ptr_null(iwf_store_sqlite(st));
	iwf_store_close(st);
}
END_TEST

START_TEST(two_connections)
{
	struct iwf_store *a = fresh(SQLITE), *b = again(100);
	struct iwf_scs row = seed_scs_row("acme", "scs.acme.example");
	struct iwf_trigger t, out;
	bool changed;

	row.id = seed_scs(a, &row);
	OK(a->ops->changed(a, &changed));
	OK(b->ops->changed(b, &changed));
	ck_assert(changed);
	t = trigger_row(row.id, 1);
	OK(a->ops->begin(a));
	OK(a->ops->trigger_insert(a, &t));
	FAILS(IWF_ENOENT, b->ops->trigger_get(b, t.id, &out));   /* not before the commit */
	OK(b->ops->changed(b, &changed));
	ck_assert(!changed);
	OK(a->ops->commit(a));
	OK(b->ops->trigger_get(b, t.id, &out));
	OK(b->ops->changed(b, &changed));
	ck_assert(!changed);
	iwf_store_close(a);
	iwf_store_close(b);
}
END_TEST

static const struct { const char *sql; bool news; } writes[] = {
	{ "INSERT INTO scs (id, name, origin_host, origin_realm) VALUES (1, 'a', 'a.example', 'example'), (2, 'b', 'b.example', 'example')", true },
	{ "INSERT OR IGNORE INTO scs (id, name, origin_host, origin_realm) VALUES (3, 'c', 'c.example', 'example')", true },
	{ "INSERT OR IGNORE INTO scs (id, name, origin_host, origin_realm) VALUES (3, 'c', 'c.example', 'example')", false },
	{ "INSERT OR REPLACE INTO scs (id, name, origin_host, origin_realm) VALUES (3, 'd', 'd.example', 'example')", true },
	{ "UPDATE OR IGNORE scs SET enabled = 0 WHERE id = 1", true },
	{ "INSERT INTO scs_identity (scs_id, e164) VALUES (1, '49151001')", true },
	{ "UPDATE scs_identity SET is_primary = 1", true },
	{ "DELETE FROM scs_identity", true },
	{ "INSERT INTO scs_gateway (scs_id, connections) VALUES (1, 2)", true },
	{ "UPDATE scs_gateway SET connections = 3", true },
	{ "DELETE FROM scs_gateway", true },
	{ "INSERT INTO scs_group (id, name) VALUES (1, 'g')", false },
	{ "INSERT INTO scs_group_member VALUES (1, 1)", true },
	{ "UPDATE scs_group_member SET scs_id = 2", true },
	{ "DELETE FROM scs_group_member", true },
	{ "INSERT INTO \"authorization\" (id, scs_group_id, domain) VALUES (1, 1, 'example.com')", true },
	{ "UPDATE \"authorization\" SET may_trigger = 1", true },
	{ "INSERT INTO authorization_port VALUES (1, 5, 6)", true },
	{ "UPDATE authorization_port SET port_to = 7", true },
	{ "DELETE FROM authorization_port", true },
	{ "DELETE FROM scs_group", true },                      /* the authorization of the group goes with it */
	{ "INSERT INTO \"authorization\" (id, scs_id, domain) VALUES (2, 1, 'example.com')", true },
	{ "DELETE FROM \"authorization\"", true },
	{ "INSERT INTO subscription (imsi, msisdn) VALUES ('001010000000001', '49160001')", false },
	{ "INSERT INTO usage (scs_id, period_start_ms, used) VALUES (1, 0, 1)", false },
	{ "BEGIN; UPDATE scs SET enabled = 0; ROLLBACK", false },
	{ "DELETE FROM scs WHERE id = 1", true },
	{ "DELETE FROM scs", true },
	/* Who takes the stamp away does not hide what comes then. */
	{ "DELETE FROM admin_stamp", true },
	{ "INSERT INTO scs (id, name, origin_host, origin_realm) VALUES (4, 'a', 'a.example', 'example')", true },
};

START_TEST(news_of_administrators)
{
	struct iwf_store *st = fresh(SQLITE);
	sqlite3 *db = other_program();
	bool changed;

	for (size_t i = 0; i < sizeof(writes) / sizeof(*writes); i++) {
		run(db, writes[i].sql);
		OK(st->ops->changed(st, &changed));
		ck_assert_msg(changed == writes[i].news, "%s: %s", writes[i].sql, changed ? "news" : "no news");
		OK(st->ops->changed(st, &changed));
		ck_assert_msg(!changed, "%s: still news", writes[i].sql);
	}
	sqlite3_close(db);
	iwf_store_close(st);
}
END_TEST

/* What the node keeps it need not read again because somebody else has written to the journal. */
START_TEST(kept_while_others_write_the_journal)
{
	const struct iwf_store_opts opts = { .busy_timeout_ms = 100, .ops_only = true };
	struct iwf_store *other = fresh(SQLITE), *st;
	struct iwf_scs row = seed_scs_row("acme", "scs.acme.example"), out;
	sqlite3_stmt *reads = NULL;
	char err[256];
	int64_t scs = seed_scs(other, &row), total;
	int ran;

	st = iwf_store_open(sqlite_uri(), &opts, err, sizeof(err));
	ck_assert_msg(st != NULL, "%s", err);
	while ((reads = sqlite3_next_stmt(iwf_store_sqlite(st), reads)) && strcmp(sqlite3_sql(reads), iwf_sqlite_sql(ST_SCS_BY_HOST)) != 0)
		;
	ck_assert_ptr_nonnull(reads);
	for (int i = 0; i < 3; i++) {
		OK(st->ops->begin(st));
		OK(st->ops->scs_by_host(st, "scs.acme.example", &out));
		OK(st->ops->commit(st));
		OK(other->ops->usage_add(other, scs, 0, 1, &total));
	}
	ran = sqlite3_stmt_status(reads, SQLITE_STMTSTATUS_RUN, 1);
	ck_assert_msg(ran == 1, "read %d times", ran);
	run(iwf_store_sqlite(other), "UPDATE scs SET enabled = 0");
	OK(st->ops->begin(st));
	OK(st->ops->scs_by_host(st, "scs.acme.example", &out));
	ck_assert(!out.enabled);
	OK(st->ops->commit(st));
	iwf_store_close(other);
	iwf_store_close(st);
}
END_TEST

static const struct { int64_t since, below; } moments[] = {
	{ INT64_MIN, 0 }, { 9, 0 }, { 10, 0 }, { 11, 2 }, { 20, 2 }, { 21, 3 }, { 30, 3 }, { 31, 4 }, { 40, 4 }, { 41, 5 }, { INT64_MAX, 5 },
};

START_TEST(where_a_moment_lies)
{
	sqlite3 *db;
	sqlite3_stmt *st;

	ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
	run(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, at INTEGER)");
	ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT count(*) FROM t WHERE id < " IWF_SQL_FIRST_SINCE("t", "at", ":since"), -1, &st, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
	ck_assert_int_eq(sqlite3_column_int64(st, 0), 0);
	run(db, "INSERT INTO t VALUES (2, 10), (3, 10), (7, 20), (8, 30), (20, 40)");
	for (size_t i = 0; i < sizeof(moments) / sizeof(*moments); i++) {
		sqlite3_reset(st);
		sqlite3_bind_int64(st, 1, moments[i].since);
		ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
		ck_assert_int_eq(sqlite3_column_int64(st, 0), moments[i].below);
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
}
END_TEST

/* What was committed is there after the process has died in the middle of the next transaction. */
START_TEST(killed_in_a_transaction)
{
	struct iwf_store *st = fresh(SQLITE);
	struct iwf_scs row = seed_scs_row("acme", "scs.acme.example");
	int64_t scs = seed_scs(st, &row);
	struct iwf_trigger t;
	int status;
	pid_t pid;

	iwf_store_close(st);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		st = again(100);
		t = trigger_row(scs, 1);
		if (st->ops->begin(st) || st->ops->trigger_insert(st, &t) || st->ops->commit(st))
			_exit(1);
		t = trigger_row(scs, 2);
		if (st->ops->begin(st) || st->ops->trigger_insert(st, &t))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	st = again(100);
	ck_assert_uint_eq(seed_triggers(st), 1);
	OK(st->ops->begin(st));
	OK(st->ops->commit(st));
	iwf_store_close(st);
}
END_TEST

/* A machine that was away for longer than who asks would wait: the lock was not there for so long. */
START_TEST(waits_while_the_machine_is_there)
{
	const struct timespec a_moment = { 0, 50000000 }, too_long = { 1, 300000000 };
	struct iwf_store *st = fresh(SQLITE);
	sqlite3 *db;
	int to_child[2], status;
	char c = 0;
	pid_t pid;

	iwf_store_close(st);
	ck_assert_int_eq(pipe(to_child), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (read(to_child[0], &c, 1) != 1)
			_exit(1);
		st = again(1000);
		_exit(st->ops->begin(st) == IWF_OK ? 0 : 2);
	}
	db = other_program();
	run(db, "BEGIN IMMEDIATE");
	ck_assert_int_eq(write(to_child[1], &c, 1), 1);
	nanosleep(&a_moment, NULL);
	kill(pid, SIGSTOP);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	ck_assert(WIFSTOPPED(status));
	nanosleep(&too_long, NULL);
	kill(pid, SIGCONT);
	nanosleep(&a_moment, NULL);
	run(db, "COMMIT");
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
	sqlite3_close(db);
	close(to_child[0]);
	close(to_child[1]);
}
END_TEST

/* A column that does not fit is a failure, never half a name. */
START_TEST(columns_that_do_not_fit)
{
	struct iwf_store *st = fresh(SQLITE);
	struct iwf_scs row = seed_scs_row("acme", "scs.acme.example"), out;
	sqlite3 *db = other_program();

	seed_scs(st, &row);
	run(db, "PRAGMA ignore_check_constraints = ON");
	run(db, "UPDATE scs SET cert_san = printf('%s%256s', 'x', 'y')");
	FAILS(IWF_ESTORE, st->ops->scs_by_host(st, "scs.acme.example", &out));
	ck_assert_ptr_nonnull(strstr(st->ops->errmsg(st), "column cert_san: longer than 255 octets"));
	run(db, "UPDATE scs SET cert_san = CAST(x'612e6578616d706c65002e6f74686572' AS TEXT)");
	FAILS(IWF_ESTORE, st->ops->scs_by_host(st, "scs.acme.example", &out));
	run(db, "UPDATE scs SET cert_san = NULL");
	OK(st->ops->scs_by_host(st, "scs.acme.example", &out));
	sqlite3_close(db);
	iwf_store_close(st);
}
END_TEST

/* ---- the audit's chain ---- */

static const struct { const char *why, *sql; uint64_t rows; int64_t first, last, broken; } tampering[] = {
	{ "untouched", "", 5, 1, 5, 0 },
	{ "a reason changed", "DROP TRIGGER audit_no_update; UPDATE audit SET reason = 'none' WHERE id = 3", 2, 1, 2, 3 },
	{ "a text added", "DROP TRIGGER audit_no_update; UPDATE audit SET detail = '' WHERE id = 2", 1, 1, 1, 2 },
	{ "NULL to 0", "DROP TRIGGER audit_no_update; UPDATE audit SET reference = 0 WHERE id = 4", 3, 1, 3, 4 },
	{ "a count changed", "DROP TRIGGER audit_no_update; UPDATE audit SET times = 2 WHERE id = 4", 3, 1, 3, 4 },
	{ "a time added", "DROP TRIGGER audit_no_update; UPDATE audit SET first_ms = 5 WHERE id = 4", 3, 1, 3, 4 },
	{ "many made one", "DROP TRIGGER audit_no_update; UPDATE audit SET times = 1 WHERE id = 5", 4, 1, 4, 5 },
	{ "a user taken", "DROP TRIGGER audit_no_update; UPDATE audit SET mtc_user_id = NULL WHERE id = 5", 4, 1, 4, 5 },
	{ "first row changed", "DROP TRIGGER audit_no_update; UPDATE audit SET at_ms = 1 WHERE id = 1", 0, 0, 0, 1 },
	{ "last row changed", "DROP TRIGGER audit_no_update; UPDATE audit SET scs_id = 9 WHERE id = 5", 4, 1, 4, 5 },
	{ "a hash changed", "DROP TRIGGER audit_no_update; UPDATE audit SET hash = zeroblob(32) WHERE id = 3", 2, 1, 2, 3 },
	{ "one taken from the middle", "DELETE FROM audit WHERE id = 3", 2, 1, 2, 4 },
	{ "one taken from the end", "DELETE FROM audit WHERE id = 5", 4, 1, 4, 5 },
	{ "all taken", "DELETE FROM audit", 0, 0, 0, 1 },
	{ "old ones deleted", "DELETE FROM audit WHERE id < 4", 2, 4, 5, 0 },
	{ "two swapped", "DROP TRIGGER audit_no_update; UPDATE audit SET id = 99 WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3;"
	  "UPDATE audit SET id = 3 WHERE id = 99", 1, 1, 1, 2 },
};

START_TEST(audit_chain_row)
{
	struct iwf_store *a = fresh(SQLITE), *b = again(100);
	struct iwf_audit_check c;
	struct iwf_audit row = { .event = "dar", .decision = "refused", .reason = RS_RATE, .request_status = 109, .reference = -1 };
	sqlite3 *db;

	OK(iwf_store_audit_check(a, &c));
	ck_assert(c.rows == 0 && c.broken_id == 0);
	/* Two writers in turn, inside and outside of transactions, and one that is taken back. */
	OK(a->ops->audit_add(a, &row));
	row.detail = "second";
	OK(b->ops->audit_add(b, &row));
	OK(a->ops->begin(a));
	row.device = "meter1@iot.example.com";
	OK(a->ops->audit_add(a, &row));
	a->ops->rollback(a);
	OK(a->ops->begin(a));
	OK(a->ops->audit_add(a, &row));
	OK(a->ops->audit_add(a, &row));
	OK(a->ops->commit(a));
	row.mtc_user_id = 3;
	row.times = 1000;
	row.first_ms = 7;
	OK(b->ops->audit_add(b, &row));

	db = other_program();
	run(db, tampering[_i].sql);
	OK(iwf_store_audit_check(b, &c));
	ck_assert_msg(c.rows == tampering[_i].rows && c.first_id == tampering[_i].first && c.last_id == tampering[_i].last &&
	              c.broken_id == tampering[_i].broken, "%s: rows %d first %d last %d broken %d", tampering[_i].why, (int)c.rows,
	              (int)c.first_id, (int)c.last_id, (int)c.broken_id);
	if (tampering[_i].broken == 0) {                 /* and it goes on from there */
		OK(a->ops->audit_add(a, &row));
		OK(iwf_store_audit_check(a, &c));
		ck_assert(c.rows == tampering[_i].rows + 1 && c.broken_id == 0);
	} else {                                         /* and no new row heals it */
		OK(a->ops->audit_add(a, &row));
		OK(iwf_store_audit_check(a, &c));
		ck_assert(c.broken_id != 0 || c.first_id > 5);
	}
	sqlite3_close(db);
	iwf_store_close(a);
	iwf_store_close(b);
	a = fresh(MEM);
	FAILS(IWF_EINVAL, iwf_store_audit_check(a, &c));
	iwf_store_close(a);
}
END_TEST

/* Two programs that add rows at the same time, outside of transactions. */
START_TEST(audit_chain_two_programs)
{
	struct iwf_store *st = fresh(SQLITE);
	const struct iwf_audit row = { .event = "dar", .decision = "refused", .request_status = -1, .reference = -1 };
	struct iwf_audit_check c;
	pid_t pid[2];

	iwf_store_close(st);
	for (size_t i = 0; i < 2; i++) {
		pid[i] = fork();
		ck_assert_int_ge(pid[i], 0);
		if (pid[i] == 0) {
			bool good = true;

			st = again(10000);
			for (int n = 0; n < 100 && good; n++)
				good = st->ops->audit_add(st, &row) == IWF_OK;
			_exit(!good);
		}
	}
	for (size_t i = 0; i < 2; i++) {
		int status;

		ck_assert_int_eq(waitpid(pid[i], &status, 0), pid[i]);
		ck_assert_int_eq(status, 0);
	}
	st = again(100);
	OK(iwf_store_audit_check(st, &c));
	ck_assert(c.rows == 200 && c.first_id == 1 && c.last_id == 200 && c.broken_id == 0);
	iwf_store_close(st);
}
END_TEST

TCase *sqlite_cases(void)
{
	TCase *tc = tcase_create("sqlite");

	tcase_add_unchecked_fixture(tc, work_setup, work_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, schema_takes_and_refuses);
	tcase_add_test(tc, schema_deletes);
	tcase_add_test(tc, demo_rows_load);
	tcase_add_test(tc, documented_sql_works);
	tcase_add_test(tc, documented_columns);
	tcase_add_test(tc, journal_in_words);
	tcase_add_test(tc, plans_use_indexes);
	tcase_add_test(tc, pragmas_in_force);
	tcase_add_test(tc, two_connections);
	tcase_add_test(tc, news_of_administrators);
	tcase_add_test(tc, kept_while_others_write_the_journal);
	tcase_add_test(tc, where_a_moment_lies);
	tcase_add_test(tc, killed_in_a_transaction);
	tcase_add_test(tc, waits_while_the_machine_is_there);
	tcase_add_test(tc, columns_that_do_not_fit);
	tcase_add_loop_test(tc, audit_chain_row, 0, (int)(sizeof(tampering) / sizeof(*tampering)));
	tcase_add_test(tc, audit_chain_two_programs);
	return tc;
}
