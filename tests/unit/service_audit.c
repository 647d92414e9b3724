/* Refusals that repeat, and old rows. */
#include <stdio.h>
#include <string.h>
#include "service_cases.h"
#include "service_world.h"

#define DAY INT64_C(86400000)

static void repeat(uint32_t after, uint32_t s)
{
	w.conf.audit_repeat_after = after;
	w.conf.audit_repeat_s = s;
}

static void refused(uint32_t from, uint32_t n)
{
	for (uint32_t i = from; i < from + n; i++) {
		struct tsp_dar dar = w_from_scs2(w_trigger(i, i));
		char address[32];

		snprintf(address, sizeof address, "[192.0.2.9]:%u", 1000 + i);
		dar.peer_address = w_text(address);
		w_dar(dar);
	}
	w.log[0] = '\0';
}

static struct iwf_audit audited(size_t i)
{
	static struct seed_audit a;

	ck_assert(seed_audit(w.rows, i, &a));
	return a.a;
}

START_TEST(a_flood_is_one_row)
{
	repeat(3, 60);
	refused(1, 10);
	ck_assert_uint_eq(seed_audits(w.rows), 3);
	ck_assert_str_eq(audited(2).address, "[192.0.2.9]:1003");
	w_later(59999);
	w_tick();
	refused(11, 2);
	ck_assert_uint_eq(seed_audits(w.rows), 3);
	w_later(1);
	w_tick();
	w_later(1000);
	w_tick();
	ck_assert_uint_eq(seed_audits(w.rows), 4);
	ck_assert_int_eq(audited(3).times, 9);
	ck_assert_str_eq(audited(3).address, "[192.0.2.9]");
	ck_assert_int_eq(audited(3).first_ms, T0);
	ck_assert_int_eq(audited(3).at_ms, T0 + 59999);
	ck_assert_int_eq(audited(3).reference, 12);
	ck_assert_int_eq(audited(3).reason, RS_NO_GRANT);
	/* Then it is told again. */
	refused(20, 1);
	ck_assert_uint_eq(seed_audits(w.rows), 5);
	ck_assert_int_eq(audited(4).times, 1);
}
END_TEST

START_TEST(a_crash_loses_no_count)
{
	repeat(1, 60);
	refused(1, 10);
	w_restart();
	refused(11, 10);
	w_later(60000);
	w_tick();
	ck_assert_uint_eq(seed_audits(w.rows), 2);
	ck_assert_int_eq(audited(0).times + audited(1).times, 20);
}
END_TEST

START_TEST(other_kinds_are_other_rows)
{
	repeat(1, 60);
	w_dar(w_from_scs2(w_trigger(1, 1)));             /* no grant */
	struct tsp_dar dar = w_trigger(2, 2);
	dar.ext_id = w_text("m9@iot.example");
	w_dar(dar);                                      /* unknown */
	dar.peer_address = w_text("[192.0.2.8]:1");
	w_dar(dar);                                      /* from elsewhere */
	w_pending(4);                                    /* accepted */
	w_pending(5);
	ck_assert_uint_eq(seed_audits(w.rows), 5);
	/* What is told by others counts as well; what an administrator does has a row each. */
	struct iwf_audit a = { .at_ms = T0, .event = "connect", .decision = "refused", .reason = RS_CERT_NAME, .request_status = -1,
	                       .reference = -1, .address = "[2001:db8::1]:77" };
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(iwf_service_audit(w.svc, &a), IWF_OK);
	ck_assert_uint_eq(seed_audits(w.rows), 6);
	a.event = "admin";
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(iwf_service_audit(w.svc, &a), IWF_OK);
	ck_assert_uint_eq(seed_audits(w.rows), 9);
	w_later(60000);
	w_tick();
	ck_assert_uint_eq(seed_audits(w.rows), 10);
	ck_assert_str_eq(audited(9).address, "[2001:db8::1]");
	ck_assert_int_eq(audited(9).times, 2);
}
END_TEST

START_TEST(refusals_name_the_owner)
{
	w.m1.mtc_user_id = seed_user(w.rows, "carl", true);
	seed_subscription_change(w.rows, &w.m1);
	w_dar(w_trigger(1, 1));
	w_expect_audit("trigger", "refused", RS_USER_FORBIDS);
	ck_assert_int_eq(audited(0).mtc_user_id, w.m1.mtc_user_id);
	ck_assert_int_eq(audited(0).times, 1);
}
END_TEST

START_TEST(each_has_a_row_if_told_so)
{
	repeat(0, 60);
	refused(1, 50);
	ck_assert_uint_eq(seed_audits(w.rows), 50);
}
END_TEST

START_TEST(old_rows_go)
{
	w.conf.audit_retention_days = 10;
	w.conf.journal_retention_days = 2;
	for (uint32_t i = 1; i <= 1200; i++) {
		struct iwf_audit a = { .at_ms = w.now_ms, .event = "dar", .decision = "refused", .request_status = -1, .reference = i };
		ck_assert_int_eq(iwf_service_audit(w.svc, &a), IWF_OK);
	}
	w_pending(1);
	w_drr_in(w_drr(50, 1, T4_DELIVERED));
	w_dna(w.report, TSP_DNA_ACKED);
	w_tick();
	w_later(2 * DAY + 1);
	w_pending(2);
	w_tick();
	ck_assert_uint_eq(seed_triggers(w.rows), 1);
	EXPECT_STATE(2, TRG_PENDING);
	w_later(8 * DAY);
	/* In portions; each is told. */
	w_tick();
	ck_assert_uint_eq(seed_audits(w.rows), 1204 + 2 - 500);
	w_expect_audit("admin", "accepted", RS_NONE);
	ck_assert_ptr_nonnull(strstr(audited(seed_audits(w.rows) - 1).detail, "rows up to 500 removed"));
	w_tick();
	w_tick();
	size_t n = seed_audits(w.rows);
	ck_assert_uint_lt(n, 10);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_ge(audited(i).at_ms, w.now_ms - 10 * DAY);
	/* Then not all the time. */
	for (int i = 0; i < 5; i++) {
		w_later(1000);
		w_tick();
	}
	ck_assert_uint_eq(seed_audits(w.rows), n);
}
END_TEST

START_TEST(nothing_goes_by_itself)
{
	w_pending(1);
	w_drr_in(w_drr(50, 1, T4_DELIVERED));
	w_dna(w.report, TSP_DNA_ACKED);
	const size_t n = seed_audits(w.rows);
	for (int i = 0; i < 10; i++) {
		w_later(1000 * DAY);
		w_tick();
	}
	ck_assert_uint_eq(seed_audits(w.rows), n);
	ck_assert_uint_eq(seed_triggers(w.rows), 1);
}
END_TEST

TCase *service_cases_audit(void)
{
	TCase *tc = tcase_create("audit");

	tcase_add_checked_fixture(tc, w_open, w_close);
	tcase_add_test(tc, a_flood_is_one_row);
	tcase_add_test(tc, a_crash_loses_no_count);
	tcase_add_test(tc, other_kinds_are_other_rows);
	tcase_add_test(tc, refusals_name_the_owner);
	tcase_add_test(tc, each_has_a_row_if_told_so);
	tcase_add_test(tc, old_rows_go);
	tcase_add_test(tc, nothing_goes_by_itself);
	return tc;
}
