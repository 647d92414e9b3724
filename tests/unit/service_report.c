/* Reports: DRR in, outbox, DNR out, expiry. */
#include <stdio.h>
#include <string.h>
#include "service_cases.h"
#include "service_world.h"

#define DNR7(outcome, t) "dnr scs1 ref=7 " outcome t " ext=m1@iot.example\n"

/* ---- what a report means */

static const struct { const char *why; enum t4_outcome outcome; const char *word; enum trg_state state; } outcomes[] = {
	{ "delivered", T4_DELIVERED, "SUCCESS", TRG_DELIVERED },
	{ "expired", T4_EXPIRED, "EXPIRED", TRG_EXPIRED },
	{ "absent", T4_ABSENT_SUBSCRIBER, "UNDELIVERABLE", TRG_UNDELIVERABLE },
	{ "memory", T4_MEMORY_EXCEEDED, "UNDELIVERABLE", TRG_UNDELIVERABLE },
};

START_TEST(outcome_row)
{
	struct t4_drr drr = w_drr(50, 7, outcomes[_i].outcome);
	struct iwf_trigger row;
	struct seed_audit a;
	char want[128];

	w_pending(7);
	w_later(5000);
	drr.has_diagnostic = true;
	drr.absent_diagnostic = 3;
	w_drr_in(drr);
	snprintf(want, sizeof want, "dnr scs1 ref=7 %s ext=m1@iot.example\ndra 50 2001\n", outcomes[_i].word);
	EXPECT(want);
	EXPECT_STATE(7, outcomes[_i].state);
	ck_assert(seed_trigger(w.rows, 0, &row));
	ck_assert_int_eq(row.ended_ms, w.now_ms);
	ck_assert_str_eq(tsp_outcome_str((uint32_t)row.outcome), outcomes[_i].word);
	w_expect_audit("report", "ended", RS_NONE);
	ck_assert(seed_audit(w.rows, seed_audits(w.rows) - 1, &a));
	ck_assert(strstr(a.a.detail, "diagnostic 3") != NULL);
	ck_assert_uint_eq(seed_reports(w.rows), 1);
	w_dna(w.report, TSP_DNA_ACKED);
	ck_assert_uint_eq(seed_reports(w.rows), 0);
	w_expect_audit("report", "accepted", RS_NONE);
	/* Once more: the SMS-SC didn't hear us. */
	w_drr_in(w_drr(51, 7, outcomes[_i].outcome));
	EXPECT("dra 51 2001\n");
	ck_assert_uint_eq(seed_reports(w.rows), 0);
}
END_TEST

START_TEST(report_uses_the_words_of_the_scs)
{
	struct tsp_dar dar = w_trigger(1, 7);

	dar.has_ext_id = false;
	dar.has_msisdn = true;
	dar.msisdn = w_tbcd("491700000001");
	dar.has_scs_identity = true;
	dar.scs_identity = w_tbcd("4912346");
	w_dar(dar);
	w_dta(w.txn, dta_ok);
	w.log[0] = '\0';
	struct t4_drr drr = w_drr(50, 7, T4_DELIVERED);
	strcpy(drr.smea, "4912346");
	strcpy(drr.ext_id, "m1@iot.example");
	w_drr_in(drr);
	EXPECT("dnr scs1 ref=7 SUCCESS msisdn=491700000001 id=4912346\ndra 50 2001\n");
}
END_TEST

static void other_peer(struct t4_drr *d)   { strcpy(d->peer, "scs1.example.com"); }
static void other_origin(struct t4_drr *d) { strcpy(d->origin_host, "sc9.op.example"); }
static void no_peer(struct t4_drr *d)      { d->peer[0] = '\0'; }
static void other_number(struct t4_drr *d) { d->reference = 8; }
static void other_smea(struct t4_drr *d)   { strcpy(d->smea, "4999999"); }
static void no_smea(struct t4_drr *d)      { d->smea[0] = '\0'; }
static void other_imsi(struct t4_drr *d)   { d->has_imsi = true; strcpy(d->imsi.digits, "262012222222222"); }
static void nothing(struct t4_drr *d)      { d->has_reference = false; }
static void nobody(struct t4_drr *d)       { d->has_reference = false; other_imsi(d); }

static const struct { const char *why; void (*spoil)(struct t4_drr *); enum iwf_reason reason; } spoiled[] = {
	{ "from an SCS", other_peer, RS_NOT_T4_PEER },
	{ "in another name", other_origin, RS_NOT_T4_PEER },
	{ "from nobody", no_peer, RS_NOT_T4_PEER },
	{ "unknown number", other_number, RS_REPORT_UNKNOWN },
	{ "another SCS's number", other_smea, RS_REPORT_UNKNOWN },
	{ "no number of the SCS", no_smea, RS_REPORT_UNKNOWN },
	{ "another device", other_imsi, RS_REPORT_UNKNOWN },
	{ "neither number nor device", nothing, RS_REPORT_UNKNOWN },
	{ "a device without trigger", nobody, RS_REPORT_UNKNOWN },
};

START_TEST(report_refused)
{
	struct t4_drr drr = w_drr(50, 7, T4_DELIVERED);

	w_pending(7);
	spoiled[_i].spoil(&drr);
	w_drr_in(drr);
	ck_assert_msg(!strcmp(w.log, "dra 50 5012\n"), "%s: %s", spoiled[_i].why, w.log);
	w_expect_audit("report", "refused", spoiled[_i].reason);
	EXPECT_STATE(7, TRG_PENDING);
}
END_TEST

START_TEST(report_without_number)
{
	struct t4_drr drr = w_drr(50, 0, T4_DELIVERED);

	drr.has_reference = false;
	drr.has_imsi = true;
	strcpy(drr.imsi.digits, "262011111111111");
	w_pending(7);
	w_drr_in(drr);
	EXPECT(DNR7("SUCCESS", "") "dra 50 2001\n");
	w_pending(8);
	w_pending(9);
	w_drr_in(drr);
	EXPECT("dra 50 5012\n");
	w_expect_audit("report", "refused", RS_REPORT_AMBIGUOUS);
}
END_TEST

START_TEST(report_for_what_the_smssc_refused)
{
	w_dar(w_trigger(1, 7));
	w_dta(w.txn, w_dta_error(5530));
	w.log[0] = '\0';
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	EXPECT("dra 50 5012\n");
	w_expect_audit("report", "refused", RS_REPORT_UNKNOWN);
}
END_TEST

START_TEST(report_for_what_was_uncertain)
{
	w.conf.nsmssc = 1;
	w_dar(w_trigger(1, 7));
	w_dta(w.txn, (struct t4_dta){ .kind = T4_TIMEOUT });
	w.log[0] = '\0';
	struct t4_drr drr = w_drr(50, 7, T4_DELIVERED);
	strcpy(drr.peer, "sc2.op.example");
	strcpy(drr.origin_host, "SC2.op.example");
	w_drr_in(drr);
	EXPECT(DNR7("SUCCESS", "") "dra 50 2001\n");
}
END_TEST

START_TEST(second_outcome_changes_nothing)
{
	w_pending(7);
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	w.log[0] = '\0';
	w_drr_in(w_drr(51, 7, T4_EXPIRED));
	EXPECT("dra 51 2001\n");
	w_expect_audit("report", "refused", RS_REPORT_DUPLICATE);
	EXPECT_STATE(7, TRG_DELIVERED);
	ck_assert_uint_eq(seed_reports(w.rows), 1);
}
END_TEST

START_TEST(report_for_a_recalled_trigger)
{
	w_pending(7);
	w_dar(w_recall(2, 7));
	w_dta(w.txn, dta_ok);
	w.log[0] = '\0';
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	EXPECT("dra 50 2001\n");
	w_expect_audit("report", "refused", RS_REPORT_DUPLICATE);
	EXPECT_STATE(7, TRG_RECALLED);
}
END_TEST

START_TEST(report_overtakes_the_answer)
{
	w_dar(w_trigger(1, 7));
	w.log[0] = '\0';
	uint64_t txn = w.txn;
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	EXPECT("daa 1 SUCCESS\n" DNR7("SUCCESS", "") "dra 50 2001\n");
	EXPECT_STATE(7, TRG_DELIVERED);
	w_dta(txn, _i ? dta_ok : (struct t4_dta){ .kind = T4_TIMEOUT });
	EXPECT("");
	EXPECT_STATE(7, TRG_DELIVERED);
	struct tsp_dar again = w_trigger(2, 7);
	w_dar(again);
	EXPECT("daa 2 SUCCESS\n");
}
END_TEST

START_TEST(report_overtakes_the_answer_to_a_replace)
{
	w_pending(7);
	w_dar(w_replace(2, 8, 7));
	w.log[0] = '\0';
	w_drr_in(w_drr(50, 8, T4_DELIVERED));
	EXPECT("daa 2 SUCCESS\ndnr scs1 ref=8 SUCCESS ext=m1@iot.example\ndra 50 2001\n");
	EXPECT_STATE(7, TRG_REPLACED);
	EXPECT_STATE(8, TRG_DELIVERED);
}
END_TEST

START_TEST(report_for_what_a_crash_left)
{
	w_dar(w_trigger(1, 7));
	w_restart();
	w.log[0] = '\0';
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	EXPECT(DNR7("SUCCESS", "") "dra 50 2001\n");
	w_recover();
	EXPECT("");
}
END_TEST

/* ---- validity */

START_TEST(nobody_says_anything)
{
	w_pending(7);
	w_later(660000);
	w_tick();
	EXPECT("");
	w_later(1);
	w_tick();
	EXPECT(DNR7("UNCONFIRMED", ""));
	EXPECT_STATE(7, TRG_UNCONFIRMED);
	w_expect_audit("report", "ended", RS_NONE);
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	EXPECT("dra 50 2001\n");
	w_expect_audit("report", "refused", RS_REPORT_DUPLICATE);
}
END_TEST

START_TEST(validity_ends_during_a_recall)
{
	w_pending(7);
	w_later(659000);
	w_dar(w_recall(2, 7));
	w_later(2000);
	w.log[0] = '\0';
	w_tick();
	EXPECT(DNR7("UNCONFIRMED", ""));
	w_dta(w.txn, dta_ok);
	EXPECT("daa 2 SUCCESS\n");
	EXPECT_STATE(7, TRG_UNCONFIRMED);
	EXPECT_RECALL(7, TRG_DONE);
}
END_TEST

START_TEST(many_end_in_portions)
{
	for (uint32_t i = 0; i < 300; i++)
		w_pending(i);
	w_later(660001);
	for (int i = 0; i < 3; i++) {
		w_tick();
		ck_assert_uint_le(seed_reports(w.rows), 128u * (unsigned)(i + 1));
	}
	ck_assert_uint_eq(seed_reports(w.rows), 300);
}
END_TEST

/* ---- the outbox */

START_TEST(retries_with_longer_and_longer_waits)
{
	static const int64_t waits[] = { 5000, 10000, 20000, 40000, 60000, 60000 };

	w_pending(7);
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	w.log[0] = '\0';
	for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
		w_dna(w.report, TSP_DNA_UNDELIVERED);
		w_later(waits[i] - 1);
		w_tick();
		EXPECT("");
		w_later(1);
		w_tick();
		EXPECT(DNR7("SUCCESS", " T"));
		w_tick();
		EXPECT("");
	}
	w_dna(w.report, TSP_DNA_ACKED);
	ck_assert_uint_eq(seed_reports(w.rows), 0);
	w_later(3600000);
	w_tick();
	EXPECT("");
}
END_TEST

START_TEST(scs_may_refuse)
{
	w_pending(7);
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	w_dna(w.report, TSP_DNA_REFUSED);
	ck_assert_uint_eq(seed_reports(w.rows), 0);
	w_expect_audit("report", "refused", RS_REPORT_REFUSED);
}
END_TEST

START_TEST(given_up_after_its_lifetime)
{
	w_pending(7);
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	w_dna(w.report, TSP_DNA_UNDELIVERED);
	w_later(3600000);
	w_tick();
	ck_assert_uint_eq(seed_reports(w.rows), 0);
	w_expect_audit("report", "failed", RS_REPORT_EXPIRED);
	/* Or when it comes back too late. */
	w_pending(8);
	w_drr_in(w_drr(51, 8, T4_DELIVERED));
	w_later(3600000);
	w_dna(w.report, TSP_DNA_UNDELIVERED);
	ck_assert_uint_eq(seed_reports(w.rows), 0);
	w_expect_audit("report", "failed", RS_REPORT_EXPIRED);
}
END_TEST

START_TEST(window_keeps_the_rest_waiting_in_order)
{
	for (uint32_t i = 1; i <= 5; i++)
		w_pending(i);
	for (uint32_t i = 1; i <= 5; i++)
		w_drr_in(w_drr(50 + i, i, T4_DELIVERED));
	EXPECT("dnr scs1 ref=1 SUCCESS ext=m1@iot.example\ndra 51 2001\n"
	       "dnr scs1 ref=2 SUCCESS ext=m1@iot.example\ndra 52 2001\n"
	       "dra 53 2001\ndra 54 2001\ndra 55 2001\n");
	w_tick();
	EXPECT("");
	w_dna(1, TSP_DNA_ACKED);
	EXPECT("dnr scs1 ref=3 SUCCESS ext=m1@iot.example\n");
	w_dna(2, TSP_DNA_UNDELIVERED);
	EXPECT("dnr scs1 ref=4 SUCCESS ext=m1@iot.example\n");
	w_dna(3, TSP_DNA_ACKED);
	EXPECT("dnr scs1 ref=5 SUCCESS ext=m1@iot.example\n");
	w_dna(4, TSP_DNA_ACKED);
	w_dna(5, TSP_DNA_ACKED);
	ck_assert_uint_eq(seed_reports(w.rows), 1);
	/* Twice, or for what isn't on its way. */
	w_dna(5, TSP_DNA_ACKED);
	w_dna(2, TSP_DNA_ACKED);
	w_dna(99, TSP_DNA_ACKED);
	EXPECT("");
	ck_assert_uint_eq(seed_reports(w.rows), 1);
}
END_TEST

START_TEST(thousands_wait_without_loss)
{
	enum { MANY = 700 };
	uint32_t seen = 0;
	int64_t in_flight[2] = { 0, 0 };

	for (uint32_t i = 1; i <= MANY; i++)
		w_pending(i);
	for (uint32_t i = 1; i <= MANY; i++) {
		w_drr_in(w_drr(50, i, T4_DELIVERED));
		for (size_t j = 0; j < w.fx.n; j++)
			if (w.fx.v[j].kind == IWF_FX_NOTIFY)
				in_flight[seen++] = w.fx.v[j].u.notify.report;
	}
	ck_assert_uint_eq(seen, 2);
	while (in_flight[0] || in_flight[1] || seed_reports(w.rows)) {
		for (int i = 0; i < 2; i++) {
			if (!in_flight[i])
				continue;
			w_dna(in_flight[i], TSP_DNA_ACKED);
			in_flight[i] = 0;
			for (size_t j = 0; j < w.fx.n; j++) {
				if (w.fx.v[j].kind != IWF_FX_NOTIFY)
					continue;
				ck_assert_int_eq(in_flight[i], 0);
				in_flight[i] = w.fx.v[j].u.notify.report;
				seen++;
			}
		}
		w_later(100);
		w_tick();
		for (size_t j = 0; j < w.fx.n; j++) {
			ck_assert(!in_flight[0] || !in_flight[1]);
			in_flight[in_flight[0] ? 1 : 0] = w.fx.v[j].u.notify.report;
			seen++;
		}
		ck_assert(w.now_ms < T0 + 1000000);
	}
	ck_assert_uint_eq(seen, MANY);
}
END_TEST

/* More than memory has room for, and no tick: each answer brings the next. */
START_TEST(what_found_no_room_comes_without_a_tick)
{
	enum { MANY = 700 };
	int64_t waiting[MANY + 1];
	uint32_t sent = 0, answered = 0;

	for (uint32_t i = 1; i <= MANY; i++)
		w_pending(i);
	for (uint32_t i = 1; i <= MANY; i++) {
		w_drr_in(w_drr(50, i, T4_DELIVERED));
		for (size_t j = 0; j < w.fx.n; j++)
			if (w.fx.v[j].kind == IWF_FX_NOTIFY)
				waiting[sent++] = w.fx.v[j].u.notify.report;
	}
	while (answered < sent) {
		w_dna(waiting[answered++], TSP_DNA_ACKED);
		for (size_t j = 0; j < w.fx.n; j++) {
			ck_assert_uint_lt(sent, MANY);
			if (w.fx.v[j].kind == IWF_FX_NOTIFY)
				waiting[sent++] = w.fx.v[j].u.notify.report;
		}
		ck_assert_uint_le(sent - answered, 2);
	}
	ck_assert_uint_eq(sent, MANY);
	ck_assert_uint_eq(seed_reports(w.rows), 0);
}
END_TEST

START_TEST(scs_comes_back)
{
	for (uint32_t i = 1; i <= 3; i++) {
		w_pending(i);
		w_drr_in(w_drr(50, i, T4_DELIVERED));
		w_dna(w.report, TSP_DNA_UNDELIVERED);
	}
	w.log[0] = '\0';
	w_up("scs2.example.org");
	EXPECT("");
	w_up("SCS1.example.com");
	EXPECT("dnr scs1 ref=1 SUCCESS T ext=m1@iot.example\ndnr scs1 ref=2 SUCCESS T ext=m1@iot.example\n");
	w_dna(1, TSP_DNA_ACKED);
	EXPECT("dnr scs1 ref=3 SUCCESS T ext=m1@iot.example\n");
	/* What is on its way doesn't go out a second time. */
	w_up("scs1.example.com");
	EXPECT("");
}
END_TEST

/* So many of one SCS, the first ones of which are under way. */
static void reports(uint32_t n)
{
	for (uint32_t i = 1; i <= n; i++) {
		w_pending(i);
		w_drr_in(w_drr(50, i, T4_DELIVERED));
	}
	w.log[0] = '\0';
}

/* One that was under way was heard after all: the others go on. */
START_TEST(scs_comes_back_while_a_report_is_heard)
{
	reports(3);
	w_up("scs1.example.com");
	w_dna(1, TSP_DNA_ACKED);
	EXPECT("");
	w_up("scs1.example.com");
	w_dna(2, TSP_DNA_ACKED);
	EXPECT("dnr scs1 ref=3 SUCCESS ext=m1@iot.example\n");
	w_dna(3, TSP_DNA_ACKED);
	ck_assert_uint_eq(seed_reports(w.rows), 0);
}
END_TEST

/* What was under way when it came back has been sent to nobody, and goes before what is younger. */
START_TEST(scs_comes_back_while_reports_fail)
{
	reports(4);
	w_up("scs1.example.com");
	EXPECT("");
	/* Nothing goes out before it is known of all of them. */
	w_dna(2, TSP_DNA_UNDELIVERED);
	EXPECT("");
	w_tick();
	EXPECT("");
	w_dna(1, TSP_DNA_UNDELIVERED);
	EXPECT("dnr scs1 ref=1 SUCCESS T ext=m1@iot.example\ndnr scs1 ref=2 SUCCESS T ext=m1@iot.example\n");
	/* Once: then it waits as others do. */
	w_dna(1, TSP_DNA_UNDELIVERED);
	EXPECT("dnr scs1 ref=3 SUCCESS ext=m1@iot.example\n");
	w_dna(2, TSP_DNA_ACKED);
	EXPECT("dnr scs1 ref=4 SUCCESS ext=m1@iot.example\n");
	w_dna(3, TSP_DNA_ACKED);
	w_dna(4, TSP_DNA_ACKED);
	ck_assert_uint_eq(seed_reports(w.rows), 1);
}
END_TEST

START_TEST(reports_survive_a_crash)
{
	w_pending(7);
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	w_restart();
	w.log[0] = '\0';
	w_recover();
	w_tick();
	EXPECT("");
	w_up("scs1.example.com");
	EXPECT(DNR7("SUCCESS", " T"));
}
END_TEST

START_TEST(deleted_by_hand)
{
	reports(3);
	for (int64_t i = 1; i <= 3; i++)
		ck_assert_int_eq(w.rows->ops->report_delete(w.rows, i), IWF_OK);
	w_dna(1, TSP_DNA_ACKED);
	w_dna(2, TSP_DNA_UNDELIVERED);
	EXPECT("");
}
END_TEST

/* ---- t4.confirm_report = "after-dna" */

static void open_after_dna(void)
{
	w_open();
	w.conf.report_after_dna = true;
}

START_TEST(confirmed_when_the_scs_has_it)
{
	static const enum tsp_dna_kind kinds[] = { TSP_DNA_ACKED, TSP_DNA_REFUSED, TSP_DNA_UNDELIVERED };

	w_pending(7);
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	EXPECT(DNR7("SUCCESS", ""));
	w_dna(w.report, kinds[_i]);
	ck_assert_str_eq(w.log, _i == 2 ? "dra 50 3002\n" : "dra 50 2001\n");
	w.log[0] = '\0';
	w_later(20000);
	w_tick();
	ck_assert_str_eq(w.log, _i == 2 ? DNR7("SUCCESS", " T") : "");
}
END_TEST

START_TEST(smssc_is_not_kept_waiting_for_ever)
{
	w_pending(7);
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	w.log[0] = '\0';
	w_later(9999);
	w_tick();
	EXPECT("");
	w_later(1);
	w_tick();
	EXPECT("dra 50 3002\n");
	/* It asks again, and waits for the same report. */
	w_drr_in(w_drr(51, 7, T4_DELIVERED));
	EXPECT("");
	w_dna(w.report, TSP_DNA_ACKED);
	EXPECT("dra 51 2001\n");
	w_drr_in(w_drr(52, 7, T4_DELIVERED));
	EXPECT("dra 52 2001\n");
}
END_TEST

START_TEST(repeated_report_waits_for_what_is_in_the_outbox)
{
	w_pending(7);
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	w_restart();
	w.log[0] = '\0';
	w_drr_in(w_drr(51, 7, T4_DELIVERED));
	EXPECT("");
	w_up("scs1.example.com");
	EXPECT(DNR7("SUCCESS", " T"));
	w_drr_in(w_drr(52, 7, T4_DELIVERED));
	w_dna(w.report, TSP_DNA_ACKED);
	EXPECT("dra 52 2001\ndra 51 2001\n");
}
END_TEST

START_TEST(confirmed_although_the_window_is_full)
{
	for (uint32_t i = 1; i <= 4; i++) {
		w_pending(i);
		w_drr_in(w_drr(50 + i, i, T4_DELIVERED));
	}
	w.log[0] = '\0';
	w_dna(1, TSP_DNA_ACKED);
	EXPECT("dra 51 2001\ndnr scs1 ref=3 SUCCESS ext=m1@iot.example\n");
	w_later(10000);
	w_tick();
	EXPECT("dra 52 3002\ndra 53 3002\ndra 54 3002\n");
	iwf_effects_cut(&w.fx, 0);
	w_drr_in(w_drr(62, 2, T4_DELIVERED));
	iwf_service_stop(w.svc, &w.fx);
	ck_assert_uint_eq(w.fx.n, 1);
	ck_assert_uint_eq(w.fx.v[0].u.answer_drr.dra.result_code, 3004);
}
END_TEST

START_TEST(report_given_up_ends_the_wait)
{
	w.conf.notify_timeout_ms = 7200000;
	w_pending(7);
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	w_restart();
	w_drr_in(w_drr(51, 7, T4_DELIVERED));
	w.log[0] = '\0';
	w_later(7300000);
	w_tick();
	EXPECT("dra 51 3002\n");
	ck_assert_uint_eq(seed_reports(w.rows), 0);
}
END_TEST

TCase *service_cases_report(void)
{
	TCase *tc = tcase_create("report");

	tcase_add_checked_fixture(tc, w_open, w_close);
	tcase_add_loop_test(tc, outcome_row, 0, N(outcomes));
	tcase_add_test(tc, report_uses_the_words_of_the_scs);
	tcase_add_loop_test(tc, report_refused, 0, N(spoiled));
	tcase_add_test(tc, report_without_number);
	tcase_add_test(tc, report_for_what_the_smssc_refused);
	tcase_add_test(tc, report_for_what_was_uncertain);
	tcase_add_test(tc, second_outcome_changes_nothing);
	tcase_add_test(tc, report_for_a_recalled_trigger);
	tcase_add_loop_test(tc, report_overtakes_the_answer, 0, 2);
	tcase_add_test(tc, report_overtakes_the_answer_to_a_replace);
	tcase_add_test(tc, report_for_what_a_crash_left);
	tcase_add_test(tc, nobody_says_anything);
	tcase_add_test(tc, validity_ends_during_a_recall);
	tcase_add_test(tc, many_end_in_portions);
	tcase_add_test(tc, retries_with_longer_and_longer_waits);
	tcase_add_test(tc, scs_may_refuse);
	tcase_add_test(tc, given_up_after_its_lifetime);
	tcase_add_test(tc, window_keeps_the_rest_waiting_in_order);
	tcase_add_test(tc, thousands_wait_without_loss);
	tcase_add_test(tc, what_found_no_room_comes_without_a_tick);
	tcase_add_test(tc, scs_comes_back);
	tcase_add_test(tc, scs_comes_back_while_reports_fail);
	tcase_add_test(tc, scs_comes_back_while_a_report_is_heard);
	tcase_add_test(tc, reports_survive_a_crash);
	tcase_add_test(tc, deleted_by_hand);
	return tc;
}

TCase *service_cases_after_dna(void)
{
	TCase *tc = tcase_create("after-dna");

	tcase_add_checked_fixture(tc, open_after_dna, w_close);
	tcase_add_loop_test(tc, confirmed_when_the_scs_has_it, 0, 3);
	tcase_add_test(tc, smssc_is_not_kept_waiting_for_ever);
	tcase_add_test(tc, repeated_report_waits_for_what_is_in_the_outbox);
	tcase_add_test(tc, confirmed_although_the_window_is_full);
	tcase_add_test(tc, report_given_up_ends_the_wait);
	return tc;
}
