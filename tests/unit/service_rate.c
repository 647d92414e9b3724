/* What is counted: quota, what waits, what a device has to bear, what an SMS-SC takes. */
#include <stdio.h>
#include <string.h>
#include "service_cases.h"
#include "service_world.h"

#define DTR_LEFT(ref, smea, valid) \
	"dtr sc1 trigger ref=" #ref " imsi=262011111111111 ext=m1@iot.example smea=" smea " valid=" #valid " \"hello\"\n"
#define DTR(ref) DTR_LEFT(ref, "4912345", 600)
#define DTR_SCS2(ref) DTR_LEFT(ref, "4999999", 600)

static void scs2_may(void)
{
	seed_grant(w.rows, &(struct seed_grant){ .scs_id = w.scs2.id, .subscription_id = w.m1.id,
	                                         .services = IWF_SVC_TRIGGER | IWF_SVC_RECALL });
}

/* ---- quota */

START_TEST(quota_survives_a_restart)
{
	w.scs1.quota = 2;
	w.scs1.quota_period_s = 60;
	seed_scs_change(w.rows, &w.scs1);
	w_dar(w_trigger(1, 1));
	w_restart();
	w_dar(w_trigger(2, 2));
	w.log[0] = '\0';
	w_restart();
	w_dar(w_trigger(3, 3));
	EXPECT("daa 3 QUOTAEXCEEDED\n");
}
END_TEST

START_TEST(quota_does_not_refuse_a_retransmission)
{
	w.scs1.quota = 1;
	w.scs1.quota_period_s = 60;
	seed_scs_change(w.rows, &w.scs1);
	w_dar(w_trigger(1, 1));
	EXPECT(DTR(1));
	w_dar(w_trigger(2, 1));              /* while it is under way */
	EXPECT("");
	w_dta(w.txn, dta_ok);
	EXPECT("daa 2 SUCCESS\ndaa 1 SUCCESS\n");
	w_dar(w_trigger(3, 1));              /* and after */
	EXPECT("daa 3 SUCCESS\n");
	w_dar(w_trigger(4, 2));
	EXPECT("daa 4 QUOTAEXCEEDED\n");
}
END_TEST

/* ---- a device */

static void device_rate(uint32_t per_h, uint32_t burst)
{
	w.conf.device_rate_per_h = per_h;
	w.conf.device_burst = burst;
	w.conf.device_table_max = 100;
}

START_TEST(device_is_not_drained)
{
	struct tsp_dar other = w_trigger(5, 5);

	device_rate(60, 2);
	scs2_may();
	w_dar(w_trigger(1, 1));
	w_dar(w_trigger(2, 2));
	EXPECT(DTR(1) DTR(2));
	w_dar(w_trigger(3, 3));
	EXPECT("daa 3 RATEEXCEEDED\n");
	w_expect_audit("trigger", "refused", RS_DEVICE_RATE);
	/* Nor by somebody else; while another device is another device. */
	w_dar(w_from_scs2(w_trigger(4, 4)));
	EXPECT("daa 4 RATEEXCEEDED\n");
	other.ext_id = w_text("m2@iot.example");
	w_dar(other);
	EXPECT("dtr sc1 trigger ref=5 imsi=262012222222222 ext=m2@iot.example smea=4912345 valid=600 \"hello\"\n");
	w_later(59999);
	w_tick();
	w_dar(w_trigger(6, 6));
	EXPECT("daa 6 RATEEXCEEDED\n");
	w_later(1);
	w_dar(w_trigger(7, 7));
	EXPECT(DTR(7));
	w_dar(w_trigger(8, 8));
	EXPECT("daa 8 RATEEXCEEDED\n");
	ck_assert_uint_eq(seed_triggers(w.rows), 4);
}
END_TEST

START_TEST(device_is_counted_when_it_would_be_reached)
{
	device_rate(60, 1);
	/* Not by who may not, not by an explanation, not by a recall, not by a retransmission. */
	w_dar(w_from_scs2(w_trigger(1, 1)));
	EXPECT("daa 1 NOTAUTHORIZED\n");
	w_dar(w_trigger(2, 2));
	EXPECT(DTR(2));
	w_dta(w.txn, dta_ok);
	w_dar(w_trigger(3, 2));
	EXPECT("daa 2 SUCCESS\ndaa 3 SUCCESS\n");
	w_dar(w_replace(4, 4, 2));
	EXPECT("daa 4 RATEEXCEEDED\n");
	EXPECT_STATE(2, TRG_PENDING);
	w_dar(w_recall(5, 2));
	EXPECT("dtr sc1 recall ref=2 old=2 imsi=262011111111111 ext=m1@iot.example smea=4912345\n");
}
END_TEST

START_TEST(device_of_the_hss_counts_too)
{
	device_rate(60, 1);
	w.conf.identity_source = IWF_ID_HSS;
	w.conf.hss_cache_age_s = 0;
	w_dar(w_trigger(1, 1));
	w_sia(w.query, w_sia_ok("262011111111111", NULL));
	w.log[0] = '\0';
	/* By another name of the same. */
	struct tsp_dar dar = w_trigger(2, 2);
	seed_grant(w.rows, &(struct seed_grant){ .scs_id = w.scs1.id, .domain = "else.example", .services = IWF_SVC_TRIGGER });
	dar.ext_id = w_text("x@else.example");
	w_dar(dar);
	w_sia(w.query, w_sia_ok("262011111111111", NULL));
	EXPECT("sir hss1 ext=x@else.example smea=4912345\ndaa 2 RATEEXCEEDED\n");
	w_expect_audit("trigger", "refused", RS_DEVICE_RATE);
}
END_TEST

START_TEST(table_of_devices_is_bounded)
{
	struct tsp_dar m2 = w_trigger(2, 2);

	device_rate(60, 1);
	w.conf.device_table_max = 1;
	m2.ext_id = w_text("m2@iot.example");
	w_dar(w_trigger(1, 1));
	w_dar(m2);
	w.log[0] = '\0';
	m2.token = m2.reference = 3;
	w_dar(m2);
	EXPECT("daa 3 RATEEXCEEDED\n");
	w_dar(w_trigger(4, 4));              /* forgotten: no room for two */
	EXPECT(DTR(4));
}
END_TEST

START_TEST(device_clock_that_goes_back_does_no_harm)
{
	device_rate(60, 1);
	w_dar(w_trigger(1, 1));
	w.log[0] = '\0';
	w.now_ms -= 86400000;
	w_dar(w_trigger(2, 2));
	EXPECT("daa 2 RATEEXCEEDED\n");
	w_later(60000);
	w_dar(w_trigger(3, 3));
	EXPECT(DTR(3));
}
END_TEST

/* ---- what waits */

START_TEST(an_scs_may_have_so_many_waiting)
{
	w.conf.scs_waiting_max = 2;
	scs2_may();
	w_dar(w_trigger(1, 1));
	const uint64_t first = w.txn;
	w_dar(w_trigger(2, 2));
	w.log[0] = '\0';
	w_dar(w_trigger(3, 3));
	EXPECT("daa 3 TEMPORARYERROR\n");
	w_expect_audit("trigger", "failed", RS_WAITING);
	/* It costs no quota, the same once more joins, another SCS goes its way. */
	w_dar(w_trigger(4, 2));
	EXPECT("");
	w_dar(w_from_scs2(w_trigger(5, 5)));
	EXPECT(DTR_SCS2(5));
	w_dta(first, dta_ok);
	EXPECT("daa 1 SUCCESS\n");
	iwf_service_store_changed(w.svc);
	w_dar(w_trigger(6, 6));
	EXPECT(DTR(6));
	w_dar(w_trigger(7, 7));
	EXPECT("daa 7 TEMPORARYERROR\n");
}
END_TEST

START_TEST(waiting_at_the_hss_counts)
{
	w.conf.scs_waiting_max = 1;
	w.conf.identity_source = IWF_ID_HSS;
	w_dar(w_trigger(1, 1));
	w.log[0] = '\0';
	w_dar(w_trigger(2, 2));
	EXPECT("daa 2 TEMPORARYERROR\n");
	w_sia(w.query, (struct s6m_sia){ .kind = S6M_TIMEOUT });
	EXPECT("daa 1 TEMPORARYERROR\n");
	w_dar(w_trigger(3, 3));
	EXPECT("sir hss1 ext=m1@iot.example smea=4912345\n");
}
END_TEST

START_TEST(full_node_is_busy_and_keeps_room_for_others)
{
	unsigned taken = 0;

	w.conf.waiting_max = 90;
	scs2_may();
	for (uint32_t i = 0; i < 100; i++)
		w_dar(w_trigger(i, i));
	for (const char *at = w.log; (at = strstr(at, "dtr")); at++)
		taken++;
	ck_assert_uint_eq(taken, 45);
	ck_assert_ptr_nonnull(strstr(w.log, "daa 45 3004 TEMPORARYERROR\n"));
	w_expect_audit("trigger", "failed", RS_NODE_FULL);
	w.log[0] = '\0';
	w_dar(w_from_scs2(w_trigger(200, 200)));
	EXPECT(DTR_SCS2(200));
	/* Nobody gets more than what is still free. */
	for (uint32_t i = 201; i < 260; i++)
		w_dar(w_from_scs2(w_trigger(i, i)));
	ck_assert_uint_eq(iwf_service_waiting(w.svc), 68);
	w_dar(w_from_scs2(w_trigger(300, 300)));
	ck_assert_ptr_nonnull(strstr(w.log, "daa 300 3004 TEMPORARYERROR\n"));
}
END_TEST

/* ---- the waiting line before an SMS-SC */

static void smssc_rate(uint32_t per_s)
{
	w.conf.smssc[1].rate_per_s = per_s;  /* sc1, which is asked first */
	scs2_may();
}

/* `n` from scs1, numbers and tokens from `from` on. */
static void flood(uint32_t from, uint32_t n)
{
	for (uint32_t i = from; i < from + n; i++)
		w_dar(w_trigger(i, i));
}

START_TEST(above_the_rate_waits_in_line)
{
	smssc_rate(5);
	flood(1, 4);
	EXPECT(DTR(1) DTR(2));
	ck_assert_uint_eq(seed_triggers(w.rows), 2);
	w_later(199);
	w_tick();
	EXPECT("");
	w_later(1);
	w_tick();
	EXPECT(DTR(3));
	w_later(200);
	w_dta(w.txn, dta_ok);                /* any event moves it */
	EXPECT("daa 3 SUCCESS\n" DTR(4));
	EXPECT_STATE(4, TRG_SUBMITTING);
	w_later(10000);
	w_tick();
	flood(5, 2);
	EXPECT(DTR(5) DTR(6));
}
END_TEST

START_TEST(a_flood_waits_for_itself)
{
	smssc_rate(5);
	flood(1, 50);
	EXPECT(DTR(1) DTR(2));
	w_dar(w_from_scs2(w_trigger(100, 100)));
	w_dar(w_from_scs2(w_trigger(101, 101)));
	EXPECT("");
	w_later(200);
	w_tick();
	EXPECT(DTR(3));
	w_later(200);
	w_tick();
	EXPECT(DTR_SCS2(100));
	w_later(200);
	w_tick();
	EXPECT(DTR(4));
	w_later(200);
	w_tick();
	EXPECT(DTR_SCS2(101));
	w_later(400);
	w_tick();
	EXPECT(DTR_LEFT(5, "4912345", 599) DTR_LEFT(6, "4912345", 599));
}
END_TEST

START_TEST(the_longest_lane_gives_way)
{
	smssc_rate(5);
	w.conf.line_max = 4;
	flood(1, 6);
	EXPECT(DTR(1) DTR(2));
	flood(7, 1);
	EXPECT("daa 7 TEMPORARYERROR\n");
	w_expect_audit("trigger", "failed", RS_SMSSC_BUSY);
	w_dar(w_from_scs2(w_trigger(100, 100)));
	EXPECT("daa 6 TEMPORARYERROR\n");
	w_dar(w_from_scs2(w_trigger(101, 101)));
	EXPECT("daa 5 TEMPORARYERROR\n");
	/* Of two that are equal, whoever comes. */
	w_dar(w_from_scs2(w_trigger(102, 102)));
	EXPECT("daa 102 TEMPORARYERROR\n");
	w_later(800);
	w_tick();
	EXPECT(DTR(3) DTR_SCS2(100));
	w_later(800);
	w_tick();
	EXPECT(DTR_LEFT(4, "4912345", 599) DTR_LEFT(101, "4999999", 599));
	ck_assert_uint_eq(seed_triggers(w.rows), 6);
}
END_TEST

START_TEST(nobody_waits_for_ever)
{
	smssc_rate(1);
	flood(1, 5);
	EXPECT(DTR(1));
	w_later(1000);
	w_tick();
	EXPECT(DTR_LEFT(2, "4912345", 599));
	w_later(999);
	w_tick();
	EXPECT("");
	w_later(1);
	w_tick();
	EXPECT(DTR_LEFT(3, "4912345", 598) "daa 4 TEMPORARYERROR\ndaa 5 TEMPORARYERROR\n");
	w_expect_audit("trigger", "failed", RS_SMSSC_BUSY);
	ck_assert_uint_eq(iwf_service_waiting(w.svc), 3);
	/* A new try is another one. */
	w_later(2000);
	w_dar(w_trigger(6, 4));
	EXPECT(DTR(4));
}
END_TEST

START_TEST(validity_can_end_in_line)
{
	struct tsp_dar shortly = w_trigger(2, 2), once = w_trigger(3, 3);

	smssc_rate(1);
	shortly.has_validity = once.has_validity = true;
	shortly.validity_s = 1;
	flood(1, 1);
	w_dar(shortly);
	w_dar(once);
	EXPECT(DTR(1));
	w_later(1000);
	w_tick();
	EXPECT("daa 2 TEMPORARYERROR\n");
	w_later(900);
	w_tick();
	EXPECT("");
	w_later(100);
	w_tick();
	EXPECT("dtr sc1 trigger ref=3 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=0 \"hello\"\n");
}
END_TEST

START_TEST(all_kinds_wait)
{
	smssc_rate(5);
	w_pending(1);
	w_pending(2);
	w_dar(w_recall(3, 1));
	w_dar(w_replace(4, 4, 2));
	w_dar(w_recall(5, 4));               /* of what is in line itself */
	EXPECT("daa 5 TEMPORARYERROR\n");
	w_expect_audit("recall", "failed", RS_ORIGINAL_BUSY);
	/* What was pending may have been delivered meanwhile. */
	w_drr_in(w_drr(50, 2, T4_DELIVERED));
	w.log[0] = '\0';
	w_later(400);
	w_tick();
	EXPECT("dtr sc1 recall ref=1 old=1 imsi=262011111111111 ext=m1@iot.example smea=4912345\ndaa 4 ORIGINALMESSAGESENT\n");
	EXPECT_STATE(2, TRG_DELIVERED);
}
END_TEST

START_TEST(retransmission_joins_in_line)
{
	smssc_rate(1);
	flood(1, 2);
	w.log[0] = '\0';
	w_dar(w_trigger(3, 2));
	EXPECT("");
	w_later(2000);
	w_tick();
	EXPECT(DTR_LEFT(2, "4912345", 598));
	w_dta(w.txn, dta_ok);
	EXPECT("daa 3 SUCCESS\ndaa 2 SUCCESS\n");
}
END_TEST

START_TEST(who_fails_over_waits_like_everybody)
{
	w.conf.smssc[0].rate_per_s = 1;      /* sc2, the second choice */
	flood(1, 2);
	const uint64_t second = w.txn, first = w.txn - 1;
	w.log[0] = '\0';
	w_dta(first, (struct t4_dta){ .kind = T4_UNREACHABLE });
	w_dta(second, (struct t4_dta){ .kind = T4_TIMEOUT });
	EXPECT("dtr sc2 trigger ref=1 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=600 \"hello\"\n");
	w_dta(second, dta_ok);               /* too late: it has been given up there */
	EXPECT("");
	if (_i == 0) {
		w_later(1000);
		w_tick();
		EXPECT("dtr sc2 trigger T ref=2 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=599 \"hello\"\n");
		w_dta(w.txn, dta_ok);
		EXPECT("daa 2 SUCCESS\n");
	} else if (_i == 1) {
		/* Others are before it. */
		flood(3, 1);
		w_dta(w.txn, (struct t4_dta){ .kind = T4_UNREACHABLE });
		w.log[0] = '\0';
		w_later(2000);
		w_tick();
		EXPECT("dtr sc2 trigger T ref=2 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=598 \"hello\"\n"
		       "daa 3 TEMPORARYERROR\n");
		EXPECT_STATE(3, TRG_REFUSED);
	} else {
		/* The first one had it, and says so while we wait. */
		w_drr_in(w_drr(50, 2, T4_DELIVERED));
		ck_assert_ptr_nonnull(strstr(w.log, "daa 2 SUCCESS\n"));
		w.log[0] = '\0';
		w_later(5000);
		w_tick();
		EXPECT("");
		EXPECT_STATE(2, TRG_DELIVERED);
	}
}
END_TEST

START_TEST(may_be_there_after_the_line)
{
	w.conf.smssc[0].rate_per_s = 1;
	flood(1, 4);
	const uint64_t first = w.txn - 3;
	for (uint64_t txn = first; txn < first + 4; txn++)
		w_dta(txn, (struct t4_dta){ .kind = txn == first + 3 ? T4_TIMEOUT : T4_UNREACHABLE });
	w.log[0] = '\0';
	w_later(2000);
	w_tick();
	w_tick();
	EXPECT_STATE(3, TRG_REFUSED);        /* nobody has it */
	EXPECT_STATE(4, TRG_UNCERTAIN);      /* sc1 may */
}
END_TEST

START_TEST(what_a_crash_left_goes_out_at_the_rate)
{
	flood(1, 20);
	w.log[0] = '\0';
	smssc_rate(5);
	w_restart();
	w_recover();
	EXPECT("dtr sc1 trigger T ref=1 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=600 \"hello\"\n"
	       "dtr sc1 trigger T ref=2 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=600 \"hello\"\n");
	w_dar(w_trigger(100, 20));           /* asked for again before its turn: it is not lost */
	EXPECT("daa 100 TEMPORARYERROR\n");
	for (int i = 0; i < 40; i++) {
		w_later(100);
		w_tick();
	}
	ck_assert_uint_eq(iwf_service_waiting(w.svc), 20);
	ck_assert_ptr_nonnull(strstr(w.log, "trigger T ref=20 "));
}
END_TEST

START_TEST(stop_answers_who_stands_in_line)
{
	smssc_rate(1);
	flood(1, 3);
	w.log[0] = '\0';
	iwf_effects_cut(&w.fx, 0);
	iwf_service_stop(w.svc, &w.fx);
	ck_assert_uint_eq(w.fx.n, 3);
	ck_assert_uint_eq(iwf_service_waiting(w.svc), 0);
	ck_assert_uint_eq(seed_triggers(w.rows), 1);
}
END_TEST

TCase *service_cases_rate(void)
{
	TCase *tc = tcase_create("rate");

	tcase_add_checked_fixture(tc, w_open, w_close);
	tcase_add_test(tc, quota_survives_a_restart);
	tcase_add_test(tc, quota_does_not_refuse_a_retransmission);
	tcase_add_test(tc, device_is_not_drained);
	tcase_add_test(tc, device_is_counted_when_it_would_be_reached);
	tcase_add_test(tc, device_of_the_hss_counts_too);
	tcase_add_test(tc, table_of_devices_is_bounded);
	tcase_add_test(tc, device_clock_that_goes_back_does_no_harm);
	tcase_add_test(tc, an_scs_may_have_so_many_waiting);
	tcase_add_test(tc, waiting_at_the_hss_counts);
	tcase_add_test(tc, full_node_is_busy_and_keeps_room_for_others);
	tcase_add_test(tc, above_the_rate_waits_in_line);
	tcase_add_test(tc, a_flood_waits_for_itself);
	tcase_add_test(tc, the_longest_lane_gives_way);
	tcase_add_test(tc, nobody_waits_for_ever);
	tcase_add_test(tc, validity_can_end_in_line);
	tcase_add_test(tc, all_kinds_wait);
	tcase_add_test(tc, retransmission_joins_in_line);
	tcase_add_loop_test(tc, who_fails_over_waits_like_everybody, 0, 3);
	tcase_add_test(tc, may_be_there_after_the_line);
	tcase_add_test(tc, what_a_crash_left_goes_out_at_the_rate);
	tcase_add_test(tc, stop_answers_who_stands_in_line);
	return tc;
}
