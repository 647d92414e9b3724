/* store_old_cases.c - refusals that repeat, and what is removed when it is old: on every back end alike. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include "check_store.h"

static struct iwf_audit refusal(int64_t at_ms, int64_t scs_id, int64_t reference)
{
	return (struct iwf_audit){ .at_ms = at_ms, .event = "trigger", .decision = "refused", .reason = RS_NO_GRANT, .request_status = 105,
	                           .scs_id = scs_id, .peer = "scs.acme.example", .origin_host = "scs.acme.example", .address = "[192.0.2.7]",
	                           .cert = "00ff", .device = "meter\\1@iot.example.com", .subscription_id = 8, .reference = reference,
	                           .detail = "why", .mtc_user_id = 3 };
}

static bool counted(struct iwf_store *st, struct iwf_audit a, uint32_t told_max)
{
	bool tell = false;

	OK(st->ops->audit_count(st, &a, told_max, &tell));
	return !tell;
}

START_TEST(repeats_are_counted)
{
	struct iwf_store *st = fresh(_i);
	struct iwf_audit other = refusal(1000, 7, 1);
	struct seed_audit out;
	size_t n;

	ck_assert(!counted(st, refusal(1000, 7, 1), 2));
	ck_assert(!counted(st, refusal(1001, 7, 2), 2));
	for (int i = 0; i < 5; i++)
		ck_assert(counted(st, refusal(2000 + i, 7, 3 + i), 2));
	/* A larger limit does not tell again what is counted by now; what differs is another kind. */
	ck_assert(counted(st, refusal(2005, 7, 8), 100));
	ck_assert(!counted(st, refusal(2006, 8, 1), 2));
	other.mtc_user_id = 4;
	ck_assert(!counted(st, other, 2));
	other.address = NULL;
	ck_assert(!counted(st, other, 2));
	other.peer = NULL;
	ck_assert(!counted(st, other, 2));
	other.reason = RS_QUOTA;
	ck_assert(!counted(st, other, 2));
	other.request_status = -1;
	ck_assert(!counted(st, other, 2));
	ck_assert_uint_eq(seed_audits(st), 0);

	/* Not before its time; then one row, and only of what was counted. */
	OK(st->ops->audit_tell(st, 999, 5000, 100, &n));
	ck_assert_uint_eq(n, 0);
	OK(st->ops->audit_tell(st, 1000, 5000, 100, &n));
	ck_assert_uint_eq(n, 6);
	ck_assert_uint_eq(seed_audits(st), 1);
	ck_assert(seed_audit(st, 0, &out));
	ck_assert_int_eq(out.a.times, 6);
	ck_assert_int_eq(out.a.first_ms, 2000);
	ck_assert_int_eq(out.a.at_ms, 2005);
	ck_assert_int_eq(out.a.reference, 8);
	ck_assert_int_eq(out.a.scs_id, 7);
	ck_assert_int_eq(out.a.subscription_id, 8);
	ck_assert_int_eq(out.a.mtc_user_id, 3);
	ck_assert_int_eq(out.a.request_status, 105);
	ck_assert_int_eq(out.a.reason, RS_NO_GRANT);
	ck_assert_str_eq(out.a.event, "trigger");
	ck_assert_str_eq(out.a.decision, "refused");
	ck_assert_str_eq(out.a.peer, "scs.acme.example");
	ck_assert_str_eq(out.a.origin_host, "scs.acme.example");
	ck_assert_str_eq(out.a.address, "[192.0.2.7]");
	ck_assert_str_eq(out.a.cert, "00ff");
	ck_assert_str_eq(out.a.device, "meter\\x5c1@iot.example.com");
	ck_assert_str_eq(out.a.detail, "why");
	/* It begins anew. */
	ck_assert(!counted(st, refusal(3000, 7, 9), 2));
	iwf_store_close(st);
}
END_TEST

START_TEST(repeats_belong_to_the_transaction)
{
	struct iwf_store *st = fresh(_i);
	struct seed_audit out;
	size_t n;

	ck_assert(!counted(st, refusal(1000, 7, 1), 1));
	ck_assert(counted(st, refusal(1001, 7, 2), 1));
	OK(st->ops->begin(st));
	ck_assert(counted(st, refusal(1002, 7, 3), 1));
	ck_assert(!counted(st, refusal(1002, 9, 3), 1));
	st->ops->rollback(st);
	OK(st->ops->begin(st));
	OK(st->ops->audit_tell(st, 5000, 5000, 100, &n));
	ck_assert_uint_eq(n, 1);
	st->ops->rollback(st);
	ck_assert_uint_eq(seed_audits(st), 0);
	OK(st->ops->audit_tell(st, 5000, 5000, 100, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert(seed_audit(st, 0, &out));
	ck_assert_int_eq(out.a.times, 1);

	OK(st->ops->begin(st));
	ck_assert(!counted(st, refusal(6000, 7, 4), 1));
	for (int i = 0; i < 3; i++)
		ck_assert(counted(st, refusal(6001 + i, 7, 5 + i), 1));
	OK(st->ops->commit(st));
	OK(st->ops->begin(st));
	ck_assert(counted(st, refusal(6009, 7, 8), 1));
	OK(st->ops->audit_tell(st, 9000, 9000, 100, &n));
	OK(st->ops->commit(st));
	ck_assert(seed_audit(st, 1, &out));
	ck_assert_int_eq(out.a.times, 4);
	ck_assert_int_eq(out.a.first_ms, 6001);
	ck_assert_int_eq(out.a.at_ms, 6009);
	ck_assert_int_eq(out.a.reference, 8);
	iwf_store_close(st);
}
END_TEST

/* The clock has gone back: what began in the future is due. */
START_TEST(repeats_of_the_future)
{
	struct iwf_store *st = fresh(_i);
	size_t n;

	counted(st, refusal(9000, 7, 1), 1);
	OK(st->ops->audit_tell(st, 4000, 9000, 100, &n));
	ck_assert_uint_eq(n, 0);
	OK(st->ops->audit_tell(st, 4000, 8999, 100, &n));
	ck_assert_uint_eq(n, 1);
	iwf_store_close(st);
}
END_TEST

/* More sources than are counted apart: no room is lost, nor any count. */
START_TEST(repeats_of_many_sources)
{
	struct iwf_store *st = fresh(_i);
	struct seed_audit out;
	int64_t times = 0;
	size_t n, told = 0, rows = 0;

	OK(st->ops->begin(st));
	for (int i = 0; i < IWF_AUDIT_KINDS + 500; i++)
		told += !counted(st, refusal(1000, i + 1, i), 1);
	ck_assert_uint_eq(told, IWF_AUDIT_KINDS);
	ck_assert(counted(st, refusal(1001, 1, 1), 1));
	do {
		OK(st->ops->audit_tell(st, 2000, 5000, 100, &n));
		ck_assert_uint_le(n, 100);
		rows += n;
	} while (n);
	OK(st->ops->commit(st));
	ck_assert_uint_eq(rows, IWF_AUDIT_KINDS + 1);
	ck_assert_uint_eq(seed_audits(st), 2);
	for (size_t i = 0; seed_audit(st, i, &out); i++) {
		times += out.a.times;
		ck_assert(out.a.scs_id == 1 || (out.a.scs_id == 0 && !out.a.address && out.a.times == 500));
	}
	ck_assert_int_eq(times, 501);
	iwf_store_close(st);
}
END_TEST

/* ---- old rows */

START_TEST(audit_is_cut_from_the_beginning)
{
	struct iwf_store *st = fresh(_i);
	struct iwf_audit_cut cut;
	struct seed_audit out;
	size_t n;

	OK(st->ops->audit_prune(st, 5000, INT64_MAX, 9000, 10, &n, &cut));
	ck_assert(n == 0 && cut.last_id == 0);
	for (int i = 1; i <= 6; i++) {
		struct iwf_audit a = refusal(1000 * i, 7, i);
		OK(st->ops->audit_add(st, &a));
	}
	OK(st->ops->audit_prune(st, 1000, INT64_MAX, 9000, 10, &n, &cut));
	ck_assert(n == 0 && cut.last_id == 0);
	OK(st->ops->begin(st));
	OK(st->ops->audit_prune(st, 4000, INT64_MAX, 9000, 10, &n, &cut));
	ck_assert(n == 3 && cut.last_id == 3);
	st->ops->rollback(st);
	ck_assert_uint_eq(seed_audits(st), 6);
	OK(st->ops->audit_prune(st, 4000, INT64_MAX, 9000, 2, &n, &cut));
	ck_assert(n == 2 && cut.last_id == 2);
	OK(st->ops->audit_prune(st, 4000, INT64_MAX, 9000, 2, &n, &cut));
	ck_assert(n == 1 && cut.last_id == 3);
	ck_assert(seed_audit(st, 0, &out));
	ck_assert_int_eq(out.a.reference, 4);
	OK(st->ops->audit_prune(st, INT64_MAX, 3, 9000, 100, &n, &cut));
	ck_assert(n == 0);
	OK(st->ops->audit_prune(st, INT64_MAX, 4, 9000, 100, &n, &cut));
	ck_assert(n == 1 && cut.last_id == 4);
	/* The last one stays, however old. */
	OK(st->ops->audit_prune(st, INT64_MAX, INT64_MAX, 9000, 100, &n, &cut));
	ck_assert(n == 1 && cut.last_id == 5);
	ck_assert_uint_eq(seed_audits(st), 1);
	iwf_store_close(st);
}
END_TEST

START_TEST(journal_loses_what_is_over)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs = one_scs(st);
	struct iwf_trigger t[6], out;
	struct iwf_report r;
	const struct iwf_trigger_change none = IWF_TRIGGER_NO_CHANGE;
	size_t n;

	for (int i = 0; i < 6; i++) {
		t[i] = trigger_row(scs, (uint32_t)i);
		t[i].received_ms = 1000 * (i + 1);
		t[i].target_id = 0;
		if (i == 5) {                    /* a replace under way of number 4 */
			t[i].action = TSP_REPLACE;
			t[i].target_id = t[4].id;
		}
		OK(st->ops->trigger_insert(st, &t[i]));
		if (i != 1 && i != 5)
			OK(st->ops->trigger_move(st, t[i].id, TRG_SUBMITTING, TRG_REFUSED, &none));
	}
	r = report_row(t[2].id, scs, 5000);      /* which the SCS has not taken */
	OK(st->ops->report_insert(st, &r));
	OK(st->ops->journal_prune(st, 1000, 10, &n));
	ck_assert_uint_eq(n, 0);
	OK(st->ops->begin(st));
	OK(st->ops->journal_prune(st, 9000, 10, &n));
	ck_assert_uint_eq(n, 2);
	st->ops->rollback(st);
	OK(st->ops->trigger_get(st, t[0].id, &out));
	OK(st->ops->journal_prune(st, 9000, 1, &n));
	ck_assert_uint_eq(n, 1);
	FAILS(IWF_ENOENT, st->ops->trigger_get(st, t[0].id, &out));
	FAILS(IWF_ENOENT, st->ops->trigger_by_ref(st, scs, 0, false, &out));
	OK(st->ops->journal_prune(st, 9000, 10, &n));
	ck_assert_uint_eq(n, 1);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(st->ops->trigger_get(st, t[i].id, &out), i == 0 || i == 3 ? IWF_ENOENT : IWF_OK);
	/* When all have ended and all is told, what was replaced may go before what replaced it. */
	OK(st->ops->report_delete(st, r.id));
	OK(st->ops->trigger_move(st, t[5].id, TRG_SUBMITTING, TRG_REFUSED, &none));
	OK(st->ops->journal_prune(st, 5500, 10, &n));
	ck_assert_uint_eq(n, 2);
	OK(st->ops->trigger_get(st, t[5].id, &out));
	ck_assert_int_eq(out.target_id, 0);
	ck_assert_uint_eq(seed_triggers(st), 2);
	iwf_store_close(st);
}
END_TEST

/* A counter goes when its period is over, not when it began long ago. */
START_TEST(quota_of_a_long_period_stays)
{
	struct iwf_store *st = fresh(_i);
	struct iwf_scs yearly = seed_scs_row("yearly", "y.example"), daily = seed_scs_row("daily", "d.example");
	const int64_t day = 86400000;
	int64_t total;
	size_t n;

	yearly.quota = daily.quota = 5;
	yearly.quota_period_s = 31622400;
	daily.quota_period_s = 86400;
	yearly.id = seed_scs(st, &yearly);
	daily.id = seed_scs(st, &daily);
	OK(st->ops->usage_add(st, yearly.id, 0, 1, &total));
	OK(st->ops->usage_add(st, daily.id, 10 * day, 1, &total));
	OK(st->ops->usage_add(st, daily.id, 11 * day, 1, &total));
	OK(st->ops->journal_prune(st, 11 * day + 1, 100, &n));
	OK(st->ops->usage_get(st, yearly.id, 0, &total));
	FAILS(IWF_ENOENT, st->ops->usage_get(st, daily.id, 10 * day, &total));
	OK(st->ops->usage_get(st, daily.id, 11 * day, &total));
	OK(st->ops->journal_prune(st, 366 * day + 1, 100, &n));
	FAILS(IWF_ENOENT, st->ops->usage_get(st, yearly.id, 0, &total));
	iwf_store_close(st);
}
END_TEST

/* ---- the chain after a cut */

static struct iwf_audit_check checked(struct iwf_store *st)
{
	struct iwf_audit_check c;

	OK(iwf_store_audit_check(st, &c));
	return c;
}

static void sql(const char *text)
{
	sqlite3 *db;
	char *err = NULL;

	ck_assert_int_eq(sqlite3_open(work_path("iwf.db"), &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, &err) == SQLITE_OK, "%s: %s", text, err);
	sqlite3_close(db);
}

static struct iwf_store *cut_store(void)
{
	struct iwf_store *st = fresh(SQLITE);
	struct iwf_audit_cut cut;
	size_t n;
	char detail[128];

	for (int i = 1; i <= 6; i++) {
		struct iwf_audit a = refusal(1000 * i, 7, i);
		OK(st->ops->audit_add(st, &a));
	}
	OK(st->ops->audit_prune(st, 3000, INT64_MAX, 9000, 10, &n, &cut));
	ck_assert_uint_eq(strlen(cut.hash), 64);
	snprintf(detail, sizeof(detail), "rows up to 2 are gone, hash %s", cut.hash);
	OK(st->ops->audit_add(st, &(struct iwf_audit){ .event = "admin", .decision = "accepted", .request_status = -1, .reference = -1,
	                                               .detail = detail }));
	return st;
}

START_TEST(cut_chain_holds)
{
	struct iwf_store *st = cut_store();
	struct iwf_audit_cut cut;
	struct iwf_audit_check c = checked(st);
	size_t n;

	ck_assert(c.rows == 5 && c.first_id == 3 && c.broken_id == 0 && c.anchored && c.anchor_recorded && !c.kept_in[0]);
	/* Again: the older anchor goes, unless it leads to a file. */
	sql("UPDATE audit_anchor SET kept_in = '/x/old.db'");
	c = checked(st);
	ck_assert_str_eq(c.kept_in, "/x/old.db");
	OK(st->ops->audit_prune(st, 4000, INT64_MAX, 9000, 10, &n, &cut));
	c = checked(st);
	ck_assert(c.rows == 4 && c.first_id == 4 && c.broken_id == 0 && c.anchored && !c.anchor_recorded);
	OK(st->ops->audit_prune(st, 5000, INT64_MAX, 9000, 10, &n, &cut));
	sql("CREATE TABLE n (x CHECK (x = '2,4')); INSERT INTO n SELECT group_concat(last_id) FROM audit_anchor; DROP TABLE n");
	iwf_store_close(st);
}
END_TEST

START_TEST(cut_chain_tampered)
{
	static const struct { const char *why, *sql; int64_t broken; } what[] = {
		{ "first row changed", "DROP TRIGGER audit_no_update; UPDATE audit SET reason = 'none' WHERE id = 3", 3 },
		{ "one more taken", "DELETE FROM audit WHERE id = 3; UPDATE audit_anchor SET last_id = 3", 4 },
		{ "anchor changed", "UPDATE audit_anchor SET hash = zeroblob(32)", 3 },
		{ "all taken", "DELETE FROM audit", 1 },
	};
	struct iwf_store *st = cut_store();
	struct iwf_audit_check c;

	sql(what[_i].sql);
	c = checked(st);
	ck_assert_msg(c.broken_id == what[_i].broken && c.rows == 0, "%s: %d", what[_i].why, (int)c.broken_id);
	iwf_store_close(st);
}
END_TEST

START_TEST(told_rows_are_in_the_chain)
{
	struct iwf_store *st = fresh(SQLITE);
	struct iwf_audit_check c;
	size_t n;

	for (int i = 0; i < 5; i++)
		counted(st, refusal(1000, 7, i), 1);
	OK(st->ops->audit_tell(st, 1000, 2000, 10, &n));
	c = checked(st);
	ck_assert(c.rows == 1 && c.broken_id == 0);
	sql("DROP TRIGGER audit_no_update; UPDATE audit SET times = 3");
	ck_assert_int_eq(checked(st).broken_id, 1);
	iwf_store_close(st);
}
END_TEST

TCase *old_cases(void)
{
	TCase *tc = tcase_create("old");

	tcase_add_unchecked_fixture(tc, work_setup, work_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, repeats_are_counted, MEM, BACKENDS);
	tcase_add_loop_test(tc, repeats_belong_to_the_transaction, MEM, BACKENDS);
	tcase_add_loop_test(tc, repeats_of_the_future, MEM, BACKENDS);
	tcase_add_loop_test(tc, repeats_of_many_sources, MEM, BACKENDS);
	tcase_add_loop_test(tc, audit_is_cut_from_the_beginning, MEM, BACKENDS);
	tcase_add_loop_test(tc, journal_loses_what_is_over, MEM, BACKENDS);
	tcase_add_loop_test(tc, quota_of_a_long_period_stays, MEM, BACKENDS);
	tcase_add_test(tc, cut_chain_holds);
	tcase_add_loop_test(tc, cut_chain_tampered, 0, 4);
	tcase_add_test(tc, told_rows_are_in_the_chain);
	return tc;
}
