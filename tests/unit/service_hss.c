/* HSS: questions, answers, cache. */
#include <stdio.h>
#include <string.h>
#include "service_cases.h"
#include "service_world.h"

#define SIR1 "sir hss1 ext=m1@iot.example smea=4912345\n"
#define IMSI1 "262011111111111"
#define DTR(ref, rest) "dtr sc1 trigger ref=" ref " imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=600" rest " \"hello\"\n"

static void open_hss(void)
{
	w_open();
	w.conf.identity_source = IWF_ID_HSS;
}

/* For a device that only the HSS knows. */
static struct tsp_dar for_m9(struct tsp_dar dar)
{
	dar.ext_id = w_text("m9@iot.example");
	return dar;
}

static void grant_domain(void)
{
	seed_grant(w.rows, &(struct seed_grant){ .scs_id = w.scs1.id, .domain = "iot.example", .services = 7 });
}

START_TEST(trigger_by_hss)
{
	w_dar(w_trigger(1, 7));
	EXPECT(SIR1);
	ck_assert_uint_eq(seed_triggers(w.rows), 0);
	w_later(30);
	w_sia(w.query, w_sia_ok(IMSI1, "<mme1>"));
	EXPECT(DTR("7", " nodes=<mme1>"));
	w_dta(w.txn, dta_ok);
	EXPECT("daa 1 SUCCESS\n");
	struct iwf_trigger row;
	ck_assert(seed_trigger(w.rows, 0, &row));
	ck_assert_int_eq(row.received_ms, T0);
	ck_assert_int_eq(row.subscription_id, w.m1.id);
}
END_TEST

START_TEST(device_that_only_the_hss_knows)
{
	/* No row and no grant: nobody is asked anything. */
	w_dar(for_m9(w_trigger(1, 7)));
	EXPECT("daa 1 NOTAUTHORIZED\n");
	w_expect_audit("trigger", "refused", RS_NO_GRANT);
	grant_domain();
	w_dar(for_m9(w_trigger(2, 7)));
	EXPECT("sir hss1 ext=m9@iot.example smea=4912345\n");
	w_sia(w.query, w_sia_ok("262019999999999", NULL));
	EXPECT("dtr sc1 trigger ref=7 imsi=262019999999999 ext=m9@iot.example smea=4912345 valid=600 \"hello\"\n");
	/* The crash finds the same to do. */
	w_dta(w.txn, dta_ok);
	w.log[0] = '\0';
	w_dar(for_m9(w_recall(3, 7)));
	EXPECT("dtr sc1 recall ref=7 old=7 imsi=262019999999999 ext=m9@iot.example smea=4912345\n");
}
END_TEST

START_TEST(nodes_survive_a_crash)
{
	w_dar(w_trigger(1, 7));
	w_sia(w.query, w_sia_ok(IMSI1, "<mme1>"));
	w_restart();
	w.log[0] = '\0';
	w_recover();
	EXPECT("dtr sc1 trigger T ref=7 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=600 nodes=<mme1> \"hello\"\n");
}
END_TEST

/* ---- what an answer means */

static const struct { const char *why; struct s6m_sia sia; const char *want; enum iwf_reason reason; } answers[] = {
	{ "user unknown", { .kind = S6M_ANSWERED, .experimental = 5001 }, "INVEXTID", RS_HSS_UNKNOWN_USER },
	{ "unauthorized requester", { .kind = S6M_ANSWERED, .experimental = 5510 }, "NOTAUTHORIZED", RS_HSS_UNAUTHORIZED },
	{ "unauthorized service", { .kind = S6M_ANSWERED, .experimental = 5511 }, "SERVICEUNAVAILABLE", RS_HSS_NO_SERVICE },
	{ "another experimental error", { .kind = S6M_ANSWERED, .experimental = 5512 }, "PERMANENTERROR", RS_HSS_REFUSED },
	{ "experimental 4xxx", { .kind = S6M_ANSWERED, .experimental = 4100 }, "TEMPORARYERROR", RS_HSS_REFUSED },
	{ "3002", { .kind = S6M_ANSWERED, .result_code = 3002 }, "TEMPORARYERROR", RS_HSS_REFUSED },
	{ "3004", { .kind = S6M_ANSWERED, .result_code = 3004 }, "TEMPORARYERROR", RS_HSS_REFUSED },
	{ "3005", { .kind = S6M_ANSWERED, .result_code = 3005 }, "TEMPORARYERROR", RS_HSS_REFUSED },
	{ "4001", { .kind = S6M_ANSWERED, .result_code = 4001 }, "TEMPORARYERROR", RS_HSS_REFUSED },
	{ "AVP unsupported is not user unknown", { .kind = S6M_ANSWERED, .result_code = 5001 }, "PERMANENTERROR", RS_HSS_REFUSED },
	{ "5012", { .kind = S6M_ANSWERED, .result_code = 5012 }, "PERMANENTERROR", RS_HSS_REFUSED },
	{ "teleservice not provisioned", { .kind = S6M_ANSWERED, .result_code = 2001, .has_imsi = true, .imsi = { IMSI1 }, .hss_cause = 2 },
	  "SERVICEUNAVAILABLE", RS_HSS_NO_SERVICE },
	{ "barred, and no IMSI", { .kind = S6M_ANSWERED, .result_code = 2001, .hss_cause = 4 }, "SERVICEUNAVAILABLE", RS_HSS_NO_SERVICE },
	{ "success without IMSI", { .kind = S6M_ANSWERED, .result_code = 2001 }, "TEMPORARYERROR", RS_HSS_NONSENSE },
	{ "no result at all", { .kind = S6M_ANSWERED, .has_imsi = true, .imsi = { IMSI1 } }, "TEMPORARYERROR", RS_HSS_NONSENSE },
	{ "1001", { .kind = S6M_ANSWERED, .result_code = 1001 }, "TEMPORARYERROR", RS_HSS_NONSENSE },
	{ "unreachable", { .kind = S6M_UNREACHABLE }, "TEMPORARYERROR", RS_HSS_UNREACHABLE },
	{ "timeout", { .kind = S6M_TIMEOUT }, "TEMPORARYERROR", RS_HSS_TIMEOUT },
	{ "nonsense", { .kind = S6M_NONSENSE }, "TEMPORARYERROR", RS_HSS_NONSENSE },
	{ "another device than our tables say", { .kind = S6M_ANSWERED, .result_code = 2001, .has_imsi = true, .imsi = { "262012222222222" } },
	  "INVEXTID", RS_TWO_DEVICES },
};

START_TEST(answer_row)
{
	char want[64];

	w_dar(w_trigger(1, 7));
	w.log[0] = '\0';
	w_sia(w.query, answers[_i].sia);
	snprintf(want, sizeof want, "daa 1 %s\n", answers[_i].want);
	ck_assert_msg(!strcmp(w.log, want), "%s: %s", answers[_i].why, w.log);
	w_expect_audit("trigger", strcmp(answers[_i].want, "TEMPORARYERROR") ? "refused" : "failed", answers[_i].reason);
	ck_assert_uint_eq(iwf_service_waiting(w.svc), 0);
	ck_assert_uint_eq(seed_triggers(w.rows), 0);
	/* Only good answers are kept. */
	w.log[0] = '\0';
	w_later(1000);
	w_dar(w_trigger(2, 7));
	if (answers[_i].reason != RS_TWO_DEVICES)
		EXPECT(SIR1);
}
END_TEST

START_TEST(unknown_user_can_be_hidden)
{
	w.conf.hide_unknown_devices = true;
	w_dar(w_trigger(1, 7));
	w.log[0] = '\0';
	w_sia(w.query, (struct s6m_sia){ .kind = S6M_ANSWERED, .experimental = 5001 });
	EXPECT("daa 1 NOTAUTHORIZED\n");
	w_expect_audit("trigger", "refused", RS_HSS_UNKNOWN_USER);
}
END_TEST

START_TEST(absent_subscriber_is_no_error)
{
	struct s6m_sia sia = w_sia_ok(IMSI1, "<stale>");

	sia.hss_cause = S6M_CAUSE_ABSENT_SUBSCRIBER;
	w_dar(w_trigger(1, 7));
	w.log[0] = '\0';
	w_sia(w.query, sia);
	EXPECT(DTR("7", ""));
}
END_TEST

START_TEST(late_answer_means_nothing)
{
	w_dar(w_trigger(1, 7));
	w_sia(w.query, (struct s6m_sia){ .kind = S6M_TIMEOUT });
	w.log[0] = '\0';
	w_sia(w.query, w_sia_ok(IMSI1, "<mme1>"));
	w_sia(4711, w_sia_ok(IMSI1, "<mme1>"));
	w_dta(w.query, dta_ok);
	EXPECT("");
}
END_TEST

START_TEST(transaction_at_the_hss_takes_no_answer_of_an_smssc)
{
	w_dar(w_trigger(1, 7));
	w.log[0] = '\0';
	for (uint64_t n = 0; n < 5; n++)
		w_dta(n, dta_ok);
	EXPECT("");
	ck_assert_uint_eq(iwf_service_waiting(w.svc), 1);
}
END_TEST

/* ---- which HSS */

static const struct { const char *why, *ext_id, *msisdn, *want; } routes[] = {
	{ "domain of another", "m1@iot.example", NULL, "sir hss1" },
	{ "its domain", "x@two.example", NULL, "sir hss2" },
	{ "its domain in capitals", "x@TWO.example", NULL, "sir hss2" },
	{ "below its domain", "x@sub.two.example", NULL, "sir hss1" },
	{ "first of its range", NULL, "491800000000", "sir hss2" },
	{ "last of its range", NULL, "491899999999", "sir hss2" },
	{ "behind its range", NULL, "491900000000", "sir hss1" },
	{ "longer than its range", NULL, "4918000000001", "sir hss1" },
	{ "both: the domain counts", "m1@iot.example", "491800000000", "sir hss1" },
};

START_TEST(route_row)
{
	struct tsp_dar dar = w_trigger(1, 7);

	dar.has_ext_id = routes[_i].ext_id;
	dar.has_msisdn = routes[_i].msisdn;
	if (dar.has_ext_id)
		dar.ext_id = w_text(routes[_i].ext_id);
	if (dar.has_msisdn)
		dar.msisdn = w_tbcd(routes[_i].msisdn);
	seed_subscription_change(w.rows, (w.m1.msisdn[0] = '\0', &w.m1));
	seed_grant(w.rows, &(struct seed_grant){ .scs_id = w.scs1.id, .domain = "two.example", .services = 1 });
	seed_grant(w.rows, &(struct seed_grant){ .scs_id = w.scs1.id, .domain = "sub.two.example", .services = 1 });
	seed_grant(w.rows, &(struct seed_grant){ .scs_id = w.scs1.id, .msisdn_from = "491800000000", .msisdn_to = "491999999999", .services = 1 });
	seed_grant(w.rows, &(struct seed_grant){ .scs_id = w.scs1.id, .msisdn_from = "4918000000000", .msisdn_to = "4919999999999", .services = 1 });
	w_dar(dar);
	ck_assert_msg(!strncmp(w.log, routes[_i].want, strlen(routes[_i].want)), "%s: %s", routes[_i].why, w.log);
}
END_TEST

START_TEST(no_hss_for_it)
{
	w.conf.hss[0] = w.conf.hss[1];
	w.conf.nhss = 1;
	w_dar(w_trigger(1, 7));
	EXPECT("daa 1 TEMPORARYERROR\n");
	w_expect_audit("trigger", "failed", RS_HSS_UNREACHABLE);
}
END_TEST

/* ---- one question at a time, and the cache */

START_TEST(same_question_is_asked_once)
{
	struct tsp_dar other;

	w_dar(w_trigger(1, 7));
	w_dar(w_trigger(2, 8));
	w_dar(w_trigger(3, 9));
	EXPECT(SIR1);
	uint64_t query = w.query;
	/* Another port, another question. */
	other = w_trigger(4, 10);
	other.has_port = true;
	w_dar(other);
	EXPECT("sir hss1 ext=m1@iot.example smea=4912345 port=0\n");
	w_sia(query, w_sia_ok(IMSI1, "<mme1>"));
	EXPECT(DTR("7", " nodes=<mme1>") DTR("8", " nodes=<mme1>") DTR("9", " nodes=<mme1>"));
	ck_assert_uint_eq(iwf_service_waiting(w.svc), 4);
}
END_TEST

START_TEST(retransmission_while_the_hss_thinks)
{
	w_dar(w_trigger(1, 7));
	w_dar(w_trigger(2, 7));
	EXPECT(SIR1);
	struct tsp_dar other = w_trigger(3, 7);
	other.payload = w_text("other");
	w_dar(other);
	EXPECT("daa 3 PERMANENTERROR\n");
	w_expect_audit("trigger", "refused", RS_REFERENCE_IN_USE);
	w_dar(w_recall(4, 7));
	EXPECT("daa 4 TEMPORARYERROR\n");
	w_expect_audit("recall", "failed", RS_ORIGINAL_BUSY);
	w_dar(w_replace(5, 8, 7));
	EXPECT("daa 5 TEMPORARYERROR\n");
	w_sia(w.query, w_sia_ok(IMSI1, NULL));
	EXPECT(DTR("7", ""));
	w_dta(w.txn, dta_ok);
	EXPECT("daa 2 SUCCESS\ndaa 1 SUCCESS\n");
}
END_TEST

START_TEST(good_answers_are_kept_for_a_while)
{
	w_dar(w_trigger(1, 7));
	w_sia(w.query, w_sia_ok(IMSI1, "<mme1>"));
	w.log[0] = '\0';
	w_later(60000);
	w_dar(w_trigger(2, 8));
	EXPECT(DTR("8", " nodes=<mme1>"));
	w_later(1);
	w_dar(w_trigger(3, 9));
	EXPECT(SIR1);
}
END_TEST

START_TEST(tick_drops_old_answers)
{
	w_dar(w_trigger(1, 7));
	w_sia(w.query, w_sia_ok(IMSI1, "<mme1>"));
	w_later(61000);
	w_tick();
	w.now_ms = T0;
	w.log[0] = '\0';
	w_dar(w_trigger(2, 8));
	EXPECT(SIR1);
}
END_TEST

START_TEST(clock_that_goes_back_ends_the_cache)
{
	w_dar(w_trigger(1, 7));
	w_sia(w.query, w_sia_ok(IMSI1, "<mme1>"));
	w_later(-1);
	w.log[0] = '\0';
	w_dar(w_trigger(2, 8));
	EXPECT(SIR1);
}
END_TEST

START_TEST(cache_is_bounded_and_forgets_the_oldest)
{
	char name[32];

	grant_domain();
	for (uint32_t i = 0; i < 5; i++) {
		struct tsp_dar dar = w_trigger(i, i);

		snprintf(name, sizeof name, "x%u@iot.example", i);
		dar.ext_id = w_text(name);
		w_dar(dar);
		w_sia(w.query, w_sia_ok("262019999999999", NULL));
	}
	w.log[0] = '\0';
	for (uint32_t i = 5; i-- > 0;) {
		struct tsp_dar dar = w_trigger(10 + i, 10 + i);

		snprintf(name, sizeof name, "x%u@iot.example", i);
		dar.ext_id = w_text(name);
		w_dar(dar);
	}
	ck_assert_ptr_nonnull(strstr(w.log, "sir hss1 ext=x0@iot.example"));
	ck_assert_ptr_null(strstr(strstr(w.log, "sir") + 1, "sir"));
}
END_TEST

START_TEST(cache_can_be_off)
{
	w.conf.hss_cache_age_s = 0;
	w_dar(w_trigger(1, 7));
	w_sia(w.query, w_sia_ok(IMSI1, NULL));
	w.log[0] = '\0';
	w_dar(w_trigger(2, 8));
	EXPECT(SIR1);
}
END_TEST

/* ---- what our tables say beside it */

START_TEST(authorization_comes_first)
{
	w_dar(w_from_scs2(w_trigger(1, 7)));
	EXPECT("daa 1 NOTAUTHORIZED\n");
	w.m1.mtc_user_id = seed_user(w.rows, "carl", true);
	seed_subscription_change(w.rows, &w.m1);
	w_dar(w_trigger(2, 7));
	EXPECT("daa 2 NOTAUTHORIZED\n");
	w_expect_audit("trigger", "refused", RS_USER_FORBIDS);
}
END_TEST

START_TEST(disabled_row_refuses_whatever_the_domain_grants)
{
	grant_domain();
	w.m1.enabled = false;
	seed_subscription_change(w.rows, &w.m1);
	w_dar(w_trigger(1, 7));
	EXPECT("daa 1 INVEXTID\n");
	w_expect_audit("trigger", "refused", RS_DEVICE_DISABLED);
}
END_TEST

START_TEST(policy_comes_first)
{
	struct tsp_dar dar = w_trigger(1, 7);

	dar.payload.n = 0;
	w_dar(dar);
	EXPECT("daa 1 INVPAYLOAD\n");
}
END_TEST

START_TEST(no_smssc_is_said_after_the_hss)
{
	w.conf.nsmssc = 0;
	w_dar(w_trigger(1, 7));
	EXPECT(SIR1);
	w_sia(w.query, (struct s6m_sia){ .kind = S6M_ANSWERED, .experimental = 5001 });
	EXPECT("daa 1 INVEXTID\n");
	w_dar(w_trigger(2, 7));
	w.log[0] = '\0';
	w_sia(w.query, w_sia_ok(IMSI1, NULL));
	EXPECT("daa 2 TEMPORARYERROR\n");
	w_expect_audit("trigger", "failed", RS_SMSSC_UNREACHABLE);
}
END_TEST

START_TEST(both_identifiers)
{
	struct tsp_dar dar = for_m9(w_trigger(1, 7));
	struct s6m_sia sia = w_sia_ok("262019999999999", NULL);

	grant_domain();
	dar.has_msisdn = true;
	dar.msisdn = w_tbcd("491700000009");
	w_dar(dar);
	EXPECT("sir hss1 ext=m9@iot.example smea=4912345\n");
	strcpy(sia.msisdn, "491700000008");
	w_sia(w.query, sia);
	EXPECT("daa 1 INVEXTID\n");
	w_expect_audit("trigger", "refused", RS_TWO_DEVICES);
	w_later(61000);
	dar.token = 2;
	w_dar(dar);
	w.log[0] = '\0';
	strcpy(sia.msisdn, "491700000009");
	w_sia(w.query, sia);
	EXPECT("dtr sc1 trigger ref=7 imsi=262019999999999 ext=m9@iot.example msisdn=491700000009 smea=4912345 valid=600 \"hello\"\n");
	/* Our tables know better. */
	dar = w_trigger(3, 8);
	dar.has_msisdn = true;
	dar.msisdn = w_tbcd("491700000002");
	w_dar(dar);
	EXPECT("daa 3 INVEXTID\n");
}
END_TEST

START_TEST(local_then_hss)
{
	w.conf.identity_source = IWF_ID_LOCAL_THEN_HSS;
	grant_domain();
	w_dar(w_trigger(1, 7));
	EXPECT(DTR("7", ""));
	w_dar(for_m9(w_trigger(2, 8)));
	EXPECT("sir hss1 ext=m9@iot.example smea=4912345\n");
	w.m1.enabled = false;
	seed_subscription_change(w.rows, &w.m1);
	w_dar(w_trigger(3, 9));
	EXPECT("daa 3 INVEXTID\n");
	w_expect_audit("trigger", "refused", RS_DEVICE_DISABLED);
}
END_TEST

/* With a grant for the whole domain, one whose owner forbids it and one that is
 * disabled go the way of one that is not there. */
START_TEST(hidden_devices_take_the_way_to_the_hss)
{
	static const struct s6m_sia unknown = { .kind = S6M_ANSWERED, .experimental = S6M_EXP_USER_UNKNOWN };
	const bool known = _i > 0;
	struct tsp_dar dar = known ? w_trigger(1, 1) : for_m9(w_trigger(1, 1));
	char sir[80];

	grant_domain();
	w.conf.identity_source = IWF_ID_LOCAL_THEN_HSS;
	w.conf.hide_unknown_devices = true;
	if (_i == 1)
		w.m1.enabled = false;
	if (_i == 2)
		w.m1.mtc_user_id = seed_user(w.rows, "carl", true);
	seed_subscription_change(w.rows, &w.m1);
	snprintf(sir, sizeof sir, "sir hss1 ext=%s smea=4912345\n", known ? "m1@iot.example" : "m9@iot.example");
	for (uint32_t i = 1; i < 3; i++) {
		dar.token = dar.reference = i;
		w_dar(dar);
		EXPECT(sir);
		w_sia(w.query, known ? w_sia_ok(IMSI1, NULL) : unknown);
		ck_assert_str_eq(w.log, i == 1 ? "daa 1 NOTAUTHORIZED\n" : "daa 2 NOTAUTHORIZED\n");
		w.log[0] = '\0';
	}
	w_expect_audit("trigger", "refused", _i == 0 ? RS_HSS_UNKNOWN_USER : _i == 1 ? RS_DEVICE_DISABLED : RS_USER_FORBIDS);
	dar.token = dar.reference = 3;
	w_dar(dar);
	w.log[0] = '\0';
	w_sia(w.query, (struct s6m_sia){ .kind = S6M_TIMEOUT });
	EXPECT("daa 3 TEMPORARYERROR\n");
}
END_TEST

/* ---- replace: the new message needs an answer of the HSS, the recall none */

static void pending_by_hss(uint32_t reference)
{
	w_dar(w_trigger(1, reference));
	w_sia(w.query, w_sia_ok(IMSI1, "<mme1>"));
	w_dta(w.txn, dta_ok);
	EXPECT_STATE(reference, TRG_PENDING);
	w.log[0] = '\0';
	w_later(61000);
	w_tick();
}

START_TEST(replace_by_hss)
{
	pending_by_hss(7);
	w_dar(w_replace(2, 8, 7));
	EXPECT(SIR1);
	w_sia(w.query, w_sia_ok(IMSI1, "<mme2>"));
	EXPECT("dtr sc1 replace ref=8 old=7 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=600 nodes=<mme2> \"better\"\n");
	w_dta(w.txn, dta_ok);
	EXPECT_STATE(7, TRG_REPLACED);
}
END_TEST

START_TEST(original_moves_while_the_hss_thinks)
{
	pending_by_hss(7);
	w_dar(w_replace(2, 8, 7));
	if (_i)
		w_dar(w_recall(3, 7));
	else
		w_drr_in(w_drr(50, 7, T4_DELIVERED));
	w.log[0] = '\0';
	w_sia(w.query, w_sia_ok(IMSI1, "<mme2>"));
	ck_assert_str_eq(w.log, _i ? "daa 2 TEMPORARYERROR\n" : "daa 2 ORIGINALMESSAGESENT\n");
	ck_assert_int_eq(w_state(8, false), 0);
}
END_TEST

START_TEST(original_is_another_device)
{
	grant_domain();
	pending_by_hss(7);
	w_dar(for_m9(w_replace(2, 8, 7)));
	w.log[0] = '\0';
	w_sia(w.query, w_sia_ok("262019999999999", NULL));
	EXPECT("daa 2 REPLACEFAIL\n");
	w_expect_audit("replace", "refused", RS_ORIGINAL_DEVICE);
	w_dar(for_m9(w_recall(3, 7)));
	EXPECT("daa 3 RECALLFAIL\n");
	w_expect_audit("recall", "refused", RS_ORIGINAL_DEVICE);
}
END_TEST

struct seen { int lines; bool hss; };

static void see(void *ctx, const struct iwf_explain_line *l)
{
	struct seen *seen = ctx;

	seen->lines++;
	if (!strcmp(l->check, "hss"))
		seen->hss = l->ok && strstr(l->detail, "hss1.op.example");
}

START_TEST(explain_says_whom_it_would_ask)
{
	struct tsp_dar dar = w_trigger(0, 7);
	struct seen seen = { 0, false };

	ck_assert_int_eq(iwf_service_explain(w.svc, &dar, w.now_ms, see, &seen), IWF_OK);
	ck_assert_int_eq(seen.lines, 17);
	ck_assert(seen.hss);
	EXPECT("");
}
END_TEST

TCase *service_cases_hss(void)
{
	TCase *tc = tcase_create("hss");

	tcase_add_checked_fixture(tc, open_hss, w_close);
	tcase_add_test(tc, trigger_by_hss);
	tcase_add_test(tc, device_that_only_the_hss_knows);
	tcase_add_test(tc, nodes_survive_a_crash);
	tcase_add_loop_test(tc, answer_row, 0, N(answers));
	tcase_add_test(tc, unknown_user_can_be_hidden);
	tcase_add_test(tc, absent_subscriber_is_no_error);
	tcase_add_test(tc, late_answer_means_nothing);
	tcase_add_test(tc, transaction_at_the_hss_takes_no_answer_of_an_smssc);
	tcase_add_loop_test(tc, route_row, 0, N(routes));
	tcase_add_test(tc, no_hss_for_it);
	tcase_add_test(tc, same_question_is_asked_once);
	tcase_add_test(tc, retransmission_while_the_hss_thinks);
	tcase_add_test(tc, good_answers_are_kept_for_a_while);
	tcase_add_test(tc, tick_drops_old_answers);
	tcase_add_test(tc, clock_that_goes_back_ends_the_cache);
	tcase_add_test(tc, cache_is_bounded_and_forgets_the_oldest);
	tcase_add_test(tc, cache_can_be_off);
	tcase_add_test(tc, authorization_comes_first);
	tcase_add_test(tc, disabled_row_refuses_whatever_the_domain_grants);
	tcase_add_test(tc, policy_comes_first);
	tcase_add_test(tc, no_smssc_is_said_after_the_hss);
	tcase_add_test(tc, both_identifiers);
	tcase_add_test(tc, local_then_hss);
	tcase_add_loop_test(tc, hidden_devices_take_the_way_to_the_hss, 0, 3);
	tcase_add_test(tc, replace_by_hss);
	tcase_add_loop_test(tc, original_moves_while_the_hss_thinks, 0, 2);
	tcase_add_test(tc, original_is_another_device);
	tcase_add_test(tc, explain_says_whom_it_would_ask);
	return tc;
}
