/* ident_cases.c - what ident.c lets through, the schema's CHECKs do too: an import of devices relies on the former alone. */
#include "check_store.h"
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "ident.h"

#define TRIES 20000

static struct iwf_view view(const char *text)
{
	return (struct iwf_view){ (const uint8_t *)text, strlen(text) };
}

/* Up to `max` characters, nearly all of `usual`. */
static void some(char *out, size_t max, const char *usual)
{
	size_t n = (size_t)rand() % (max + 1);
	for (size_t i = 0; i < n; i++)
		out[i] = rand() % 60 ? usual[(size_t)rand() % strlen(usual)] : (char)(1 + rand() % 255);
	out[n] = '\0';
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* False: refused, as is a random text most of the time. */
static bool random_ext_id(char *out)
{
	char text[400], part[100];
	struct iwf_extid id;
	some(text, 66, LETTERS "!#$%&'*+/=?^_`{|}~.-");
	strcat(text, rand() % 50 ? "@" : "@@");
	for (int labels = rand() % 5; labels >= 0; labels--) {
		some(part, labels ? 12 : 65, LETTERS "-");
		strcat(strcat(text, part), labels ? "." : "");
	}
	if (iwf_extid_parse(view(text), &id))
		return false;
	strcpy(out, id.text);
	return true;
}

static bool random_host(char *out)
{
	some(out, rand() % 10 ? 30 : 300, LETTERS "-.");
	return !iwf_diamid_check(view(out));
}

static bool random_e164(char *out)
{
	some(out, 17, "0123456789");
	return !iwf_e164_check(out);
}

static bool random_imsi(char *out)
{
	struct imsi imsi;
	some(out, 17, "0123456789");
	return !iwf_imsi_parse(view(out), &imsi);
}

static const struct { const char *name; bool (*make)(char *out); const char *sql; } kinds[] = {
	{ "External Identifier", random_ext_id, "INSERT OR REPLACE INTO external_id (ext_id, subscription_id) VALUES (?, 1)" },
	{ "Diameter identity", random_host, "UPDATE subscription SET smssc = ? WHERE id = 1" },
	{ "E.164 number", random_e164, "UPDATE subscription SET msisdn = ? WHERE id = 1" },
	{ "IMSI", random_imsi, "UPDATE subscription SET imsi = ? WHERE id = 1" },
};

START_TEST(checks_are_not_stricter)
{
	struct iwf_store *st = fresh(SQLITE);
	sqlite3 *db = iwf_store_sqlite(st);
	sqlite3_stmt *stmt;
	unsigned good = 0;
	char text[400];
	srand(1);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN; INSERT INTO subscription (imsi) VALUES ('001010000000001')", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, kinds[_i].sql, -1, &stmt, NULL), SQLITE_OK);
	for (int i = 0; i < TRIES; i++) {
		if (!kinds[_i].make(text))
			continue;
		good++;
		sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
		ck_assert_msg(sqlite3_step(stmt) == SQLITE_DONE, "%s '%s': %s", kinds[_i].name, text, sqlite3_errmsg(db));
		sqlite3_reset(stmt);
	}
	sqlite3_finalize(stmt);
	ck_assert_uint_gt(good, 1000);
	iwf_store_close(st);
}
END_TEST

TCase *ident_cases(void)
{
	TCase *tc = tcase_create("identifiers");
	tcase_add_unchecked_fixture(tc, work_setup, work_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, checks_are_not_stricter, 0, (int)(sizeof(kinds) / sizeof(*kinds)));
	return tc;
}
