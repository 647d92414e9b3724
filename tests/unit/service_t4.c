/* SMS-SC: answers, fail-over, recall, replace, recovery. */
#include <stdio.h>
#include <string.h>
#include "service_cases.h"
#include "service_world.h"

#define DTR(host, t, ref) "dtr " host " trigger" t " ref=" ref " imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=600 \"hello\"\n"
#define RECALL7  "dtr sc1 recall ref=7 old=7 imsi=262011111111111 ext=m1@iot.example smea=4912345\n"
#define REPLACE8 "dtr sc1 replace ref=8 old=7 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=600 \"better\"\n"

static const struct t4_dta unreachable = { .kind = T4_UNREACHABLE }, timeout = { .kind = T4_TIMEOUT }, nonsense = { .kind = T4_NONSENSE };

static struct t4_dta result(uint32_t code)
{
	return (struct t4_dta){ .kind = T4_ANSWERED, .result_code = code };
}

/* ---- what an answer means */

static const struct {
	const char *why;
	enum tsp_action action;
	struct t4_dta dta;
	const char *want;
	enum trg_state state, original;   /* afterwards; original: 0 for a trigger */
	enum iwf_reason reason;
} answers[] = {
	{ "trigger: success", TSP_TRIGGER, { .kind = T4_ANSWERED, .result_code = 2001 }, "SUCCESS", TRG_PENDING, 0, RS_NONE },
	{ "trigger: limited success", TSP_TRIGGER, { .kind = T4_ANSWERED, .result_code = 2002 }, "SUCCESS", TRG_PENDING, 0, RS_NONE },
	{ "trigger: unknown user", TSP_TRIGGER, { .kind = T4_ANSWERED, .experimental = 5001 }, "PERMANENTERROR", TRG_REFUSED, 0, RS_SMSSC_REFUSED },
	{ "trigger: bad SME", TSP_TRIGGER, { .kind = T4_ANSWERED, .experimental = 5530 }, "PERMANENTERROR", TRG_REFUSED, 0, RS_SMSSC_REFUSED },
	{ "trigger: congestion", TSP_TRIGGER, { .kind = T4_ANSWERED, .experimental = 5531 }, "PERMANENTERROR", TRG_REFUSED, 0, RS_SMSSC_REFUSED },
	{ "trigger: void code", TSP_TRIGGER, { .kind = T4_ANSWERED, .experimental = 5532 }, "PERMANENTERROR", TRG_REFUSED, 0, RS_SMSSC_REFUSED },
	{ "trigger: replace failure", TSP_TRIGGER, { .kind = T4_ANSWERED, .experimental = 5533 }, "PERMANENTERROR", TRG_REFUSED, 0, RS_SMSSC_REFUSED },
	{ "trigger: recall failure", TSP_TRIGGER, { .kind = T4_ANSWERED, .experimental = 5534 }, "PERMANENTERROR", TRG_REFUSED, 0, RS_SMSSC_REFUSED },
	{ "trigger: not pending", TSP_TRIGGER, { .kind = T4_ANSWERED, .experimental = 5535 }, "PERMANENTERROR", TRG_REFUSED, 0, RS_SMSSC_REFUSED },
	{ "trigger: experimental 4xxx", TSP_TRIGGER, { .kind = T4_ANSWERED, .experimental = 4181 }, "TEMPORARYERROR", TRG_REFUSED, 0, RS_SMSSC_REFUSED },
	{ "trigger: 3003", TSP_TRIGGER, { .kind = T4_ANSWERED, .result_code = 3003 }, "TEMPORARYERROR", TRG_REFUSED, 0, RS_SMSSC_REFUSED },
	{ "trigger: 4002", TSP_TRIGGER, { .kind = T4_ANSWERED, .result_code = 4002 }, "TEMPORARYERROR", TRG_REFUSED, 0, RS_SMSSC_REFUSED },
	{ "trigger: 5005", TSP_TRIGGER, { .kind = T4_ANSWERED, .result_code = 5005 }, "PERMANENTERROR", TRG_REFUSED, 0, RS_SMSSC_REFUSED },
	{ "trigger: AVP unsupported is not user unknown", TSP_TRIGGER, { .kind = T4_ANSWERED, .result_code = 5001 }, "PERMANENTERROR", TRG_REFUSED, 0, RS_SMSSC_REFUSED },

	{ "recall: success", TSP_RECALL, { .kind = T4_ANSWERED, .result_code = 2001 }, "SUCCESS", TRG_DONE, TRG_RECALLED, RS_NONE },
	{ "recall: failure", TSP_RECALL, { .kind = T4_ANSWERED, .experimental = 5534 }, "RECALLFAIL", TRG_REFUSED, TRG_PENDING, RS_SMSSC_REFUSED },
	{ "recall: not pending", TSP_RECALL, { .kind = T4_ANSWERED, .experimental = 5535 }, "ORIGINALMESSAGESENT", TRG_REFUSED, TRG_PENDING, RS_SMSSC_REFUSED },
	{ "recall: replace failure", TSP_RECALL, { .kind = T4_ANSWERED, .experimental = 5533 }, "PERMANENTERROR", TRG_REFUSED, TRG_PENDING, RS_SMSSC_REFUSED },
	{ "recall: too busy", TSP_RECALL, { .kind = T4_ANSWERED, .result_code = 3004 }, "TEMPORARYERROR", TRG_REFUSED, TRG_PENDING, RS_SMSSC_REFUSED },
	{ "recall: unreachable", TSP_RECALL, { .kind = T4_UNREACHABLE }, "TEMPORARYERROR", TRG_REFUSED, TRG_PENDING, RS_SMSSC_UNREACHABLE },
	{ "recall: timeout", TSP_RECALL, { .kind = T4_TIMEOUT }, "TEMPORARYERROR", TRG_UNCERTAIN, TRG_PENDING, RS_SMSSC_TIMEOUT },
	{ "recall: nonsense", TSP_RECALL, { .kind = T4_NONSENSE }, "TEMPORARYERROR", TRG_UNCERTAIN, TRG_PENDING, RS_SMSSC_NONSENSE },

	{ "replace: success", TSP_REPLACE, { .kind = T4_ANSWERED, .result_code = 2001 }, "SUCCESS", TRG_PENDING, TRG_REPLACED, RS_NONE },
	{ "replace: failure", TSP_REPLACE, { .kind = T4_ANSWERED, .experimental = 5533, .has_diagnostic = true, .diagnostic = 0 },
	  "REPLACEFAIL diag=0", TRG_REFUSED, TRG_PENDING, RS_SMSSC_REFUSED },
	{ "replace: new one not stored", TSP_REPLACE, { .kind = T4_ANSWERED, .experimental = 5533, .has_diagnostic = true, .diagnostic = 1 },
	  "REPLACEFAIL diag=1", TRG_REFUSED, TRG_PENDING, RS_SMSSC_REFUSED },
	{ "replace: recall failure", TSP_REPLACE, { .kind = T4_ANSWERED, .experimental = 5534 }, "PERMANENTERROR", TRG_REFUSED, TRG_PENDING, RS_SMSSC_REFUSED },
	{ "replace: not pending, so it may be a trigger of its own", TSP_REPLACE, { .kind = T4_ANSWERED, .experimental = 5535 },
	  "ORIGINALMESSAGESENT", TRG_UNCERTAIN, TRG_PENDING, RS_SMSSC_REFUSED },
	{ "replace: timeout", TSP_REPLACE, { .kind = T4_TIMEOUT }, "TEMPORARYERROR", TRG_UNCERTAIN, TRG_PENDING, RS_SMSSC_TIMEOUT },
	{ "replace: unreachable", TSP_REPLACE, { .kind = T4_UNREACHABLE }, "TEMPORARYERROR", TRG_REFUSED, TRG_PENDING, RS_SMSSC_UNREACHABLE },
};

START_TEST(answer_row)
{
	char want[64];

	if (answers[_i].action == TSP_TRIGGER) {
		w_dar(w_trigger(1, 8));
	} else {
		w_pending(7);
		w_dar(answers[_i].action == TSP_RECALL ? w_recall(1, 7) : w_replace(1, 8, 7));
		EXPECT_STATE(7, answers[_i].action == TSP_RECALL ? TRG_RECALLING : TRG_REPLACING);
	}
	w.log[0] = '\0';
	w_dta(w.txn, answers[_i].dta);
	snprintf(want, sizeof want, "daa 1 %s\n", answers[_i].want);
	ck_assert_msg(!strcmp(w.log, want), "%s: %s", answers[_i].why, w.log);
	if (answers[_i].action == TSP_RECALL)
		EXPECT_RECALL(7, answers[_i].state);
	else
		EXPECT_STATE(8, answers[_i].state);
	if (answers[_i].original)
		EXPECT_STATE(7, answers[_i].original);
	w_expect_audit(tsp_action_str(answers[_i].action),
	               !strcmp(answers[_i].want, "SUCCESS") ? "accepted" : !strcmp(answers[_i].want, "TEMPORARYERROR") ? "failed" : "refused",
	               answers[_i].reason);
	/* The same once more is answered the same, without asking anybody. */
	w.log[0] = '\0';
	struct tsp_dar again = answers[_i].action == TSP_TRIGGER ? w_trigger(1, 8)
	                     : answers[_i].action == TSP_RECALL ? w_recall(1, 7) : w_replace(1, 8, 7);
	again.retransmitted = true;
	w_dar(again);
	ck_assert_msg(!strcmp(w.log, want), "%s, again: %s", answers[_i].why, w.log);
	/* A late or repeated end means nothing. */
	w.log[0] = '\0';
	w_dta(w.txn, dta_ok);
	w_dta(999, dta_ok);
	EXPECT("");
}
END_TEST

START_TEST(congestion_can_be_temporary)
{
	w.conf.congestion_is_temporary = true;
	w_dar(w_trigger(1, 7));
	w.log[0] = '\0';
	w_dta(w.txn, w_dta_error(T4_EXP_SC_CONGESTION));
	EXPECT("daa 1 TEMPORARYERROR\n");
}
END_TEST

/* ---- fail-over */

START_TEST(first_unreachable)
{
	w_dar(w_trigger(1, 7));
	w_dta(w.txn, unreachable);
	EXPECT(DTR("sc1", "", "7") DTR("sc2", "", "7"));
	w_dta(w.txn, dta_ok);
	EXPECT("daa 1 SUCCESS\n");
	struct iwf_trigger row;
	seed_trigger(w.rows, 0, &row);
	ck_assert_str_eq(row.smssc, "sc2.op.example");
}
END_TEST

/* As it comes from a gateway when the node that had it has died. */
START_TEST(repeat_of_what_another_node_had)
{
	struct tsp_dar dar = w_trigger(1, 7);

	dar.retransmitted = true;
	w_dar(dar);
	EXPECT(DTR("sc1", " T", "7"));
}
END_TEST

START_TEST(first_busy_or_undeliverable)
{
	static const uint32_t codes[] = { 3004, 3002 };

	w_dar(w_trigger(1, 7));
	w_dta(w.txn, result(codes[_i]));
	EXPECT(DTR("sc1", "", "7") DTR("sc2", "", "7"));
}
END_TEST

START_TEST(first_silent_or_senseless)
{
	w_dar(w_trigger(1, 7));
	w_dta(w.txn, _i == 0 ? timeout : _i == 1 ? nonsense : _i == 2 ? result(0) : result(1001));
	EXPECT(DTR("sc1", "", "7") DTR("sc2", " T", "7"));
	w_dta(w.txn, dta_ok);
	EXPECT("daa 1 SUCCESS\n");
	EXPECT_STATE(7, TRG_PENDING);
}
END_TEST

START_TEST(none_reachable)
{
	w_dar(w_trigger(1, 7));
	w_dta(w.txn, unreachable);
	w.log[0] = '\0';
	w_dta(w.txn, unreachable);
	EXPECT("daa 1 TEMPORARYERROR\n");
	EXPECT_STATE(7, TRG_REFUSED);
	w_expect_audit("trigger", "failed", RS_SMSSC_UNREACHABLE);
}
END_TEST

START_TEST(one_silent_then_none)
{
	w_dar(w_trigger(1, 7));
	w_dta(w.txn, timeout);
	w.log[0] = '\0';
	w_dta(w.txn, unreachable);
	EXPECT("daa 1 TEMPORARYERROR\n");
	EXPECT_STATE(7, TRG_UNCERTAIN);
}
END_TEST

START_TEST(one_silent_then_refused)
{
	w_dar(w_trigger(1, 7));
	w_dta(w.txn, timeout);
	w.log[0] = '\0';
	w_dta(w.txn, w_dta_error(T4_EXP_INVALID_SME_ADDRESS));
	EXPECT("daa 1 PERMANENTERROR\n");
	/* The first one may have it: a report still counts. */
	EXPECT_STATE(7, TRG_UNCERTAIN);
}
END_TEST

START_TEST(only_one_more_try_after_silence)
{
	w.conf.nsmssc = 3;
	w.conf.smssc[2] = (struct iwf_smssc){ .node = { "sc3.op.example", "op.example" }, .priority = 10 };
	w_dar(w_trigger(1, 7));
	w_dta(w.txn, timeout);
	/* Equal priority: the order of the file. */
	EXPECT(DTR("sc1", "", "7") DTR("sc3", " T", "7"));
	w_dta(w.txn, timeout);
	EXPECT("daa 1 TEMPORARYERROR\n");
}
END_TEST

START_TEST(unreachable_ones_do_not_count_as_tries)
{
	w.conf.nsmssc = 3;
	w.conf.smssc[2] = (struct iwf_smssc){ .node = { "sc3.op.example", "op.example" }, .priority = 30 };
	w_dar(w_trigger(1, 7));
	w_dta(w.txn, timeout);
	w_dta(w.txn, unreachable);
	EXPECT(DTR("sc1", "", "7") DTR("sc2", " T", "7") DTR("sc3", " T", "7"));
}
END_TEST

START_TEST(second_one_gets_what_is_left_of_the_validity)
{
	struct tsp_dar dar = w_trigger(1, 7);

	dar.has_validity = true;
	dar.validity_s = 15;
	w_dar(dar);
	w_later(9500);
	w_dta(w.txn, timeout);
	ck_assert_ptr_nonnull(strstr(w.log, "sc2 trigger T ref=7 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=6 "));
	w.log[0] = '\0';
	/* Nobody is asked for what is over. */
	dar.token = 2;
	dar.reference = 8;
	w_dar(dar);
	w_later(15000);
	w.log[0] = '\0';
	w_dta(w.txn, timeout);
	EXPECT("daa 2 TEMPORARYERROR\n");
}
END_TEST

START_TEST(clock_that_goes_back_makes_no_validity_longer)
{
	w_dar(w_trigger(1, 7));
	w_later(-5000);
	w_dta(w.txn, unreachable);
	EXPECT(DTR("sc1", "", "7") DTR("sc2", "", "7"));
}
END_TEST

START_TEST(validity_zero_is_a_single_attempt_that_may_fail_over)
{
	struct tsp_dar dar = w_trigger(1, 7);

	dar.has_validity = true;
	dar.validity_s = 0;
	w_dar(dar);
	w_later(10);
	w_dta(w.txn, unreachable);
	EXPECT("dtr sc1 trigger ref=7 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=0 \"hello\"\n"
	       "dtr sc2 trigger ref=7 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=0 \"hello\"\n");
}
END_TEST

/* ---- recall and replace: which trigger? */

/* Leaves number 7 in that state. */
static void bring_to(enum trg_state state)
{
	switch (state) {
	case TRG_SUBMITTING:
		w_dar(w_trigger(1, 7));
		break;
	case TRG_REFUSED:
		w_dar(w_trigger(1, 7));
		w_dta(w.txn, w_dta_error(5530));
		break;
	case TRG_UNCERTAIN:
		w.conf.nsmssc = 1;
		w_dar(w_trigger(1, 7));
		w_dta(w.txn, timeout);
		w.conf.nsmssc = 2;
		break;
	default:
		w_pending(7);
	}
	switch (state) {
	case TRG_RECALLING:
		w_dar(w_recall(2, 7));
		break;
	case TRG_REPLACING:
		w_dar(w_replace(2, 77, 7));
		break;
	case TRG_RECALLED:
		w_dar(w_recall(2, 7));
		w_dta(w.txn, dta_ok);
		break;
	case TRG_REPLACED:
		w_dar(w_replace(2, 77, 7));
		w_dta(w.txn, dta_ok);
		break;
	case TRG_DELIVERED:
		w_drr_in(w_drr(50, 7, T4_DELIVERED));
		break;
	case TRG_UNDELIVERABLE:
		w_drr_in(w_drr(50, 7, T4_ABSENT_SUBSCRIBER));
		break;
	case TRG_EXPIRED:
		w_drr_in(w_drr(50, 7, T4_EXPIRED));
		break;
	case TRG_UNCONFIRMED:
		w_later(660001);
		w_tick();
		break;
	default:
		break;
	}
	EXPECT_STATE(7, state);
	w.log[0] = '\0';
}

static const struct { enum trg_state state; const char *recall, *replace; enum iwf_reason reason; } originals[] = {
	{ TRG_SUBMITTING, "TEMPORARYERROR", "TEMPORARYERROR", RS_ORIGINAL_BUSY },
	{ TRG_RECALLING, "TEMPORARYERROR", "TEMPORARYERROR", RS_ORIGINAL_BUSY },
	{ TRG_REPLACING, "TEMPORARYERROR", "TEMPORARYERROR", RS_ORIGINAL_BUSY },
	{ TRG_DELIVERED, "ORIGINALMESSAGESENT", "ORIGINALMESSAGESENT", RS_ORIGINAL_SENT },
	{ TRG_UNDELIVERABLE, "ORIGINALMESSAGESENT", "ORIGINALMESSAGESENT", RS_ORIGINAL_SENT },
	{ TRG_UNCONFIRMED, "ORIGINALMESSAGESENT", "ORIGINALMESSAGESENT", RS_ORIGINAL_SENT },
	{ TRG_EXPIRED, "RECALLFAIL", "REPLACEFAIL", RS_ORIGINAL_OVER },
	{ TRG_RECALLED, "RECALLFAIL", "REPLACEFAIL", RS_ORIGINAL_OVER },
	{ TRG_REPLACED, "RECALLFAIL", "REPLACEFAIL", RS_ORIGINAL_OVER },
	{ TRG_REFUSED, "RECALLFAIL", "REPLACEFAIL", RS_ORIGINAL_OVER },
	{ TRG_UNCERTAIN, "RECALLFAIL", "REPLACEFAIL", RS_ORIGINAL_OVER },
};

START_TEST(original_row)
{
	char want[64];
	const bool recall = _i % 2;
	const int i = _i / 2;
	struct tsp_dar dar = recall ? w_recall(3, 7) : w_replace(3, 8, 7);

	/* Not the retransmission of the recall that got it into this state. */
	if (recall) {
		dar.has_validity = true;
		dar.validity_s = 5;
	}
	bring_to(originals[i].state);
	w_dar(dar);
	snprintf(want, sizeof want, "daa 3 %s\n", recall ? originals[i].recall : originals[i].replace);
	ck_assert_msg(!strcmp(w.log, want), "%s: %s", trg_state_str(originals[i].state), w.log);
	w_expect_audit(recall ? "recall" : "replace", strstr(want, "TEMPORARY") ? "failed" : "refused", originals[i].reason);
	EXPECT_STATE(7, originals[i].state);
}
END_TEST

static void recall_unknown(struct tsp_dar *d)      { *d = w_recall(3, 99); }
static void recall_others(struct tsp_dar *d)       { *d = w_from_scs2(w_recall(3, 7)); }
static void recall_other_device(struct tsp_dar *d) { *d = w_recall(3, 7); d->ext_id = w_text("m2@iot.example"); }
static void recall_no_device(struct tsp_dar *d)    { *d = w_recall(3, 7); d->has_ext_id = false; }
static void recall_bad_device(struct tsp_dar *d)   { *d = w_recall(3, 7); d->ext_id = w_text("m1"); }
static void replace_unknown(struct tsp_dar *d)     { *d = w_replace(3, 8, 99); }
static void replace_others(struct tsp_dar *d)      { *d = w_from_scs2(w_replace(3, 8, 7)); }
static void replace_no_old(struct tsp_dar *d)      { *d = w_replace(3, 8, 7); d->has_old_reference = false; }
static void replace_itself(struct tsp_dar *d)      { *d = w_replace(3, 7, 7); }
static void replace_in_use(struct tsp_dar *d)      { *d = w_replace(3, 6, 7); }
static void replace_device(struct tsp_dar *d)      { *d = w_replace(3, 8, 7); d->ext_id = w_text("m2@iot.example"); }
static void replace_empty(struct tsp_dar *d)       { *d = w_replace(3, 8, 7); d->payload.n = 0; }
static void trigger_in_use(struct tsp_dar *d)      { *d = w_trigger(3, 7); d->payload = w_text("other"); }
static void recall_not_allowed(struct tsp_dar *d)  { *d = w_recall(3, 7); w.scs1.allow_recall = false; seed_scs_change(w.rows, &w.scs1); }
static void replace_not_allowed(struct tsp_dar *d) { *d = w_replace(3, 8, 7); w.scs1.allow_replace = false; seed_scs_change(w.rows, &w.scs1); }
static void only_trigger(void)
{
	seed_revoke(w.rows, w.grant1);
	seed_grant(w.rows, &(struct seed_grant){ .scs_id = w.scs1.id, .subscription_id = w.m1.id, .services = IWF_SVC_TRIGGER });
}
static void recall_no_grant(struct tsp_dar *d)     { *d = w_recall(3, 7); only_trigger(); }
static void replace_no_grant(struct tsp_dar *d)    { *d = w_replace(3, 8, 7); only_trigger(); }
static void recall_gone_smssc(struct tsp_dar *d)   { *d = w_recall(3, 7); w.conf.nsmssc = 1; }
static void recall_no_support(struct tsp_dar *d)   { *d = w_recall(3, 7); w.conf.smssc[1].recall_replace = IWF_RECALL_NO; }
static void replace_no_support(struct tsp_dar *d)  { *d = w_replace(3, 8, 7); w.conf.smssc[1].recall_replace = IWF_RECALL_NO; }

static const struct { const char *why; void (*make)(struct tsp_dar *); const char *want; enum iwf_reason reason; } refused[] = {
	{ "recall of an unknown number", recall_unknown, "daa 3 RECALLFAIL\n", RS_NO_ORIGINAL },
	{ "recall of another SCS's number", recall_others, "daa 3 RECALLFAIL\n", RS_NO_ORIGINAL },
	{ "recall for another device", recall_other_device, "daa 3 RECALLFAIL\n", RS_ORIGINAL_DEVICE },
	{ "recall without identifier", recall_no_device, "daa 3 INVEXTID\n", RS_IDENTIFIER },
	{ "recall with a malformed one", recall_bad_device, "daa 3 INVEXTID\n", RS_IDENTIFIER },
	{ "replace of an unknown number", replace_unknown, "daa 3 REPLACEFAIL\n", RS_NO_ORIGINAL },
	{ "replace of another SCS's number", replace_others, "daa 3 REPLACEFAIL\n", RS_NO_ORIGINAL },
	{ "replace without old number", replace_no_old, "daa 3 REPLACEFAIL\n", RS_NO_ORIGINAL },
	{ "replace by its own number", replace_itself, "daa 3 PERMANENTERROR\n", RS_REFERENCE_IN_USE },
	{ "replace by a number in use", replace_in_use, "daa 3 PERMANENTERROR\n", RS_REFERENCE_IN_USE },
	{ "replace for another device", replace_device, "daa 3 REPLACEFAIL\n", RS_ORIGINAL_DEVICE },
	{ "replace with nothing", replace_empty, "daa 3 INVPAYLOAD\n", RS_PAYLOAD },
	{ "trigger with a number in use", trigger_in_use, "daa 3 PERMANENTERROR\n", RS_REFERENCE_IN_USE },
	{ "recall not allowed", recall_not_allowed, "daa 3 NOTAUTHORIZED\n", RS_ACTION },
	{ "replace not allowed", replace_not_allowed, "daa 3 NOTAUTHORIZED\n", RS_ACTION },
	{ "recall not granted", recall_no_grant, "daa 3 NOTAUTHORIZED\n", RS_NO_GRANT },
	{ "replace not granted", replace_no_grant, "daa 3 NOTAUTHORIZED\n", RS_NO_GRANT },
	{ "SMS-SC is not configured any more", recall_gone_smssc, "daa 3 TEMPORARYERROR\n", RS_SMSSC_UNREACHABLE },
	{ "SMS-SC does not recall", recall_no_support, "daa 3 RECALLFAIL\n", RS_SMSSC_NO_SUPPORT },
	{ "SMS-SC does not replace", replace_no_support, "daa 3 REPLACEFAIL\n", RS_SMSSC_NO_SUPPORT },
};

START_TEST(refused_row)
{
	struct tsp_dar dar;
	size_t rows;

	w_pending(6);
	w_pending(7);
	rows = seed_triggers(w.rows);
	refused[_i].make(&dar);
	w_dar(dar);
	ck_assert_msg(!strcmp(w.log, refused[_i].want), "%s: %s", refused[_i].why, w.log);
	w_expect_audit(tsp_action_str(dar.action), refused[_i].reason == RS_SMSSC_UNREACHABLE ? "failed" : "refused", refused[_i].reason);
	EXPECT_STATE(7, TRG_PENDING);
	ck_assert_uint_eq(seed_triggers(w.rows), rows);
}
END_TEST

START_TEST(recall_by_the_other_name_of_the_device)
{
	struct tsp_dar dar = w_recall(2, 7);

	w_pending(7);
	dar.has_ext_id = false;
	dar.has_msisdn = true;
	dar.msisdn = w_tbcd("491700000001");
	w_dar(dar);
	EXPECT("dtr sc1 recall ref=7 old=7 imsi=262011111111111 msisdn=491700000001 smea=4912345\n");
}
END_TEST

START_TEST(recall_goes_where_the_trigger_is_under_its_number)
{
	struct tsp_dar dar = w_trigger(1, 7);

	dar.has_scs_identity = true;
	dar.scs_identity = w_tbcd("4912346");
	w_dar(dar);
	w_dta(w.txn, unreachable);
	w_dta(w.txn, dta_ok);
	w.log[0] = '\0';
	w_dar(w_recall(2, 7));
	EXPECT("dtr sc2 recall ref=7 old=7 imsi=262011111111111 ext=m1@iot.example smea=4912346\n");
	w_dta(w.txn, w_dta_error(5534));
	EXPECT("daa 2 RECALLFAIL\n");
	w_later(400000);
	w_dar(w_replace(3, 8, 7));
	EXPECT("dtr sc2 replace ref=8 old=7 imsi=262011111111111 ext=m1@iot.example smea=4912346 valid=600 \"better\"\n");
}
END_TEST

START_TEST(recall_needs_no_service_and_no_port)
{
	struct tsp_dar dar = w_trigger(1, 7);

	seed_revoke(w.rows, w.grant1);
	seed_grant(w.rows, &(struct seed_grant){ .scs_id = w.scs1.id, .subscription_id = w.m1.id, .services = 7,
	                                         .nports = 1, .ports = { { 10, 20 } } });
	dar.has_port = true;
	dar.port = 10;
	w_dar(dar);
	w_dta(w.txn, dta_ok);
	w.m1.trigger_allowed = false;
	seed_subscription_change(w.rows, &w.m1);
	w.log[0] = '\0';
	w_dar(w_recall(2, 7));
	EXPECT(RECALL7);
	w_dta(w.txn, dta_ok);
	EXPECT("daa 2 SUCCESS\n");
	ck_assert_uint_eq(seed_reports(w.rows), 0);
}
END_TEST

START_TEST(recalled_number_is_free_again)
{
	w_pending(7);
	w_dar(w_recall(2, 7));
	w_dta(w.txn, dta_ok);
	w.log[0] = '\0';
	struct tsp_dar dar = w_trigger(3, 7);
	dar.payload = w_text("fresh");
	w_dar(dar);
	w_dta(w.txn, dta_ok);
	ck_assert_ptr_nonnull(strstr(w.log, "daa 3 SUCCESS"));
	w.log[0] = '\0';
	/* The recall of before, once more; then one of the new trigger. */
	struct tsp_dar again = w_recall(2, 7);
	again.token = 4;
	w_dar(again);
	EXPECT("daa 4 SUCCESS\n");
	w_dar(w_recall(5, 7));
	EXPECT(RECALL7);
	w_dta(w.txn, dta_ok);
	EXPECT("daa 5 SUCCESS\n");
	EXPECT_STATE(7, TRG_RECALLED);
	w_dar(w_recall(6, 7));
	EXPECT("daa 6 SUCCESS\n");
}
END_TEST

START_TEST(recall_that_nobody_answered_can_be_tried_again)
{
	w_pending(7);
	w_dar(w_recall(2, 7));
	w_dta(w.txn, _i ? timeout : unreachable);
	w.log[0] = '\0';
	struct tsp_dar same = w_recall(2, 7);
	same.token = 3;
	w_dar(same);
	EXPECT("daa 3 TEMPORARYERROR\n");
	w_dar(w_recall(4, 7));
	EXPECT(RECALL7);
}
END_TEST

START_TEST(report_during_recall_wins)
{
	w_pending(7);
	w_dar(w_recall(2, 7));
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	EXPECT(RECALL7 "dnr scs1 ref=7 SUCCESS ext=m1@iot.example\ndra 50 2001\n");
	w_dta(w.txn, _i ? dta_ok : w_dta_error(5535));
	ck_assert_str_eq(w.log, _i ? "daa 2 SUCCESS\n" : "daa 2 ORIGINALMESSAGESENT\n");
	EXPECT_STATE(7, TRG_DELIVERED);
	EXPECT_RECALL(7, _i ? TRG_DONE : TRG_REFUSED);
}
END_TEST

START_TEST(replaced_trigger_is_the_new_one)
{
	w_pending(7);
	w_dar(w_replace(2, 8, 7));
	EXPECT(REPLACE8);
	w_dta(w.txn, dta_ok);
	EXPECT("daa 2 SUCCESS\n");
	EXPECT_STATE(7, TRG_REPLACED);
	w_drr_in(w_drr(50, 8, T4_DELIVERED));
	EXPECT("dnr scs1 ref=8 SUCCESS ext=m1@iot.example\ndra 50 2001\n");
	/* And can be replaced itself. */
	w_pending(9);
	w_dar(w_replace(3, 10, 9));
	w_dta(w.txn, dta_ok);
	w.log[0] = '\0';
	w_dar(w_replace(4, 11, 10));
	w_dta(w.txn, dta_ok);
	ck_assert_ptr_nonnull(strstr(w.log, "daa 4 SUCCESS"));
	EXPECT_STATE(10, TRG_REPLACED);
}
END_TEST

/* ---- features */

START_TEST(support_of_recall_is_learned)
{
	struct tsp_dar dar = w_trigger(1, 7);
	struct t4_dta dta = dta_ok;

	dar.has_features = true;
	dar.features = 3;
	w_dar(dar);
	w_dta(w.txn, dta_ok);
	ck_assert_ptr_nonnull(strstr(w.log, "daa 1 SUCCESS feat=1\n"));
	w.log[0] = '\0';
	dta.has_features = true;
	dta.features = 1;
	w_dar(w_trigger(2, 8));
	w_dta(w.txn, dta);
	ck_assert_ptr_nonnull(strstr(w.log, "daa 2 SUCCESS target=1\n"));
	w.log[0] = '\0';
	/* Known now, also for an answer given again; and of that SMS-SC only. */
	dar.token = 3;
	w_dar(dar);
	EXPECT("daa 3 SUCCESS feat=1 target=1\n");
	w_dar(w_trigger(4, 9));
	w_dta(w.txn, unreachable);
	w_dta(w.txn, dta_ok);
	ck_assert_ptr_nonnull(strstr(w.log, "daa 4 SUCCESS\n"));
	w.log[0] = '\0';
	dta.features = 0;
	w_dar(w_trigger(5, 10));
	w_dta(w.txn, dta);
	ck_assert_ptr_nonnull(strstr(w.log, "daa 5 SUCCESS\n"));
	w.log[0] = '\0';
	w_dar(w_recall(6, 10));
	EXPECT("daa 6 RECALLFAIL\n");
	w_expect_audit("recall", "refused", RS_SMSSC_NO_SUPPORT);
}
END_TEST

START_TEST(support_of_recall_is_configured)
{
	w.conf.smssc[1].recall_replace = IWF_RECALL_YES;
	w_dar(w_trigger(1, 7));
	w_dta(w.txn, dta_ok);
	ck_assert_ptr_nonnull(strstr(w.log, "daa 1 SUCCESS target=1\n"));
	w.log[0] = '\0';
	w_dar(w_trigger(2, 8));
	w_dta(w.txn, w_dta_error(5530));
	ck_assert_ptr_nonnull(strstr(w.log, "daa 2 PERMANENTERROR\n"));
}
END_TEST

/* ---- after a crash */

START_TEST(submission_is_done_again)
{
	w_dar(w_trigger(1, 7));
	w_restart();
	w_later(5000);
	w.log[0] = '\0';
	w_recover();
	EXPECT("dtr sc1 trigger T ref=7 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=595 \"hello\"\n");
	/* Who asks again meanwhile is told with everyone else. */
	w_dar(w_trigger(2, 7));
	EXPECT("");
	w_dta(w.txn, dta_ok);
	EXPECT("daa 2 SUCCESS\n");
	EXPECT_STATE(7, TRG_PENDING);
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	EXPECT("dnr scs1 ref=7 SUCCESS ext=m1@iot.example\ndra 50 2001\n");
}
END_TEST

START_TEST(retransmission_takes_up_what_was_left)
{
	w_dar(w_trigger(1, 7));
	w_restart();
	w.log[0] = '\0';
	w_dar(w_trigger(2, 7));
	EXPECT(DTR("sc1", " T", "7"));
	w_dta(w.txn, dta_ok);
	EXPECT("daa 2 SUCCESS\n");
	w_recover();
	EXPECT("");
}
END_TEST

START_TEST(too_late_to_take_up)
{
	w_dar(w_trigger(1, 7));
	w_restart();
	w_later(600000);
	w.log[0] = '\0';
	if (_i)
		w_dar(w_trigger(2, 7));
	else
		w_recover();
	ck_assert_str_eq(w.log, _i ? "daa 2 TEMPORARYERROR\n" : "");
	EXPECT_STATE(7, TRG_UNCERTAIN);
	/* It may have been delivered all the same. */
	w.log[0] = '\0';
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	EXPECT("dnr scs1 ref=7 SUCCESS ext=m1@iot.example\ndra 50 2001\n");
}
END_TEST

START_TEST(recall_and_replace_are_done_again)
{
	w_pending(7);
	w_dar(_i ? w_recall(2, 7) : w_replace(2, 8, 7));
	w_restart();
	w.log[0] = '\0';
	w_recover();
	if (_i)
		EXPECT("dtr sc1 recall T ref=7 old=7 imsi=262011111111111 ext=m1@iot.example smea=4912345\n");
	else
		EXPECT("dtr sc1 replace T ref=8 old=7 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=600 \"better\"\n");
	w_tick();
	w_tick();
	EXPECT_STATE(7, _i ? TRG_RECALLING : TRG_REPLACING);
	w_dta(w.txn, dta_ok);
	EXPECT_STATE(7, _i ? TRG_RECALLED : TRG_REPLACED);
}
END_TEST

START_TEST(original_that_nobody_is_at_is_pending_again)
{
	struct iwf_trigger row;

	w_pending(7);
	seed_trigger(w.rows, 0, &row);
	ck_assert_int_eq(w.rows->ops->trigger_move(w.rows, row.id, TRG_PENDING, _i ? TRG_RECALLING : TRG_REPLACING, NULL), IWF_OK);
	w_restart();
	w_recover();
	w_tick();
	EXPECT_STATE(7, TRG_PENDING);
	EXPECT("");
}
END_TEST

START_TEST(own_smssc_is_given_time_to_come)
{
	w_dar(w_trigger(1, 7));
	w_restart();
	w_recover();
	w_dta(w.txn, unreachable);
	w.log[0] = '\0';
	EXPECT_STATE(7, TRG_SUBMITTING);
	w_tick();
	w_tick();
	EXPECT("");
	w_later(2000);
	w_tick();
	w_tick();
	EXPECT("dtr sc1 trigger T ref=7 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=598 \"hello\"\n");
	/* In the end another one is asked, with the T flag. */
	w_later(60000);
	w_dta(w.txn, unreachable);
	EXPECT("dtr sc2 trigger T ref=7 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=538 \"hello\"\n");
	w_dta(w.txn, unreachable);
	EXPECT_STATE(7, TRG_UNCERTAIN);
}
END_TEST

/* Static routing holds after a crash, too: by either name of the device. */
START_TEST(own_smssc_is_the_only_one)
{
	struct tsp_dar dar = w_trigger(1, 7);

	strcpy(w.m1.smssc, "SC2.op.example");
	seed_subscription_change(w.rows, &w.m1);
	if (_i) {
		dar.has_ext_id = false;
		dar.has_msisdn = true;
		dar.msisdn = w_tbcd(w.m1.msisdn);
	} else {
		dar.ext_id = w_text("m1@IOT.example");
	}
	w_dar(dar);
	w_restart();
	w_recover();
	w.log[0] = '\0';
	w_later(61000);
	w_dta(w.txn, unreachable);
	EXPECT("");
	EXPECT_STATE(7, TRG_UNCERTAIN);
}
END_TEST

/* But not that of another device, which has got the name since. */
START_TEST(the_name_is_of_another_device_now)
{
	struct iwf_trigger row;

	w_dar(w_trigger(1, 7));
	seed_trigger(w.rows, 0, &row);
	ck_assert_int_eq(w.rows->ops->trigger_move(w.rows, row.id, TRG_SUBMITTING, TRG_DELIVERED, NULL), IWF_OK);
	row.subscription_id += 99;
	ck_assert_int_eq(w.rows->ops->trigger_insert(w.rows, &row), IWF_OK);
	strcpy(w.m1.smssc, "sc1.op.example");
	seed_subscription_change(w.rows, &w.m1);
	w_restart();
	w_recover();
	w.log[0] = '\0';
	w_later(61000);
	w_dta(w.txn, unreachable);
	ck_assert_ptr_nonnull(strstr(w.log, "dtr sc2 trigger T ref=7"));
}
END_TEST

/* The recall or replace waits for its SMS-SC to connect: it is not forgotten, and so neither is what it is about. */
START_TEST(original_waits_with_its_recall_or_replace)
{
	w_pending(7);
	w_dar(_i ? w_recall(2, 7) : w_replace(2, 8, 7));
	w_restart();
	w_recover();
	w_dta(w.txn, unreachable);
	w_tick();
	w_tick();
	EXPECT_STATE(7, _i ? TRG_RECALLING : TRG_REPLACING);
	w_later(2000);
	w.log[0] = '\0';
	w_tick();
	w_tick();
	ck_assert_ptr_nonnull(strstr(w.log, _i ? "dtr sc1 recall T ref=7" : "dtr sc1 replace T ref=8"));
	w_dta(w.txn, dta_ok);
	EXPECT_STATE(7, _i ? TRG_RECALLED : TRG_REPLACED);
	/* The SCS has been told, and hears no more of the original. */
	w.log[0] = '\0';
	w_later(100000000);
	w_tick();
	ck_assert_ptr_null(strstr(w.log, "ref=7"));
}
END_TEST

/* And when it does not connect in time, what it is about is pending again. */
START_TEST(original_is_pending_again_when_its_smssc_stays_away)
{
	w_pending(7);
	w_dar(_i ? w_recall(2, 7) : w_replace(2, 8, 7));
	w_restart();
	w_recover();
	w_dta(w.txn, unreachable);
	w_tick();
	w_tick();
	w_later(61000);
	w_tick();
	w_dta(w.txn, unreachable);
	w_tick();
	w_tick();
	EXPECT_STATE(7, TRG_PENDING);
}
END_TEST

START_TEST(many_are_taken_up_in_portions)
{
	size_t total = 0;

	for (uint32_t i = 0; i < 300; i++)
		w_dar(w_trigger(i, i));
	w_restart();
	for (int i = 0; i < 10; i++) {
		size_t n = 0;

		if (i)
			w_tick();
		else
			w_recover();
		for (size_t j = 0; j < w.fx.n; j++)
			n += w.fx.v[j].kind == IWF_FX_SUBMIT;
		ck_assert_uint_le(n, 128);
		total += n;
	}
	ck_assert_uint_eq(total, 300);
	ck_assert_uint_eq(iwf_service_waiting(w.svc), 300);
}
END_TEST

START_TEST(stop_answers_everybody)
{
	w_dar(w_trigger(1, 7));
	w_dar(w_trigger(2, 7));
	w.conf.identity_source = IWF_ID_HSS;
	w_dar(w_trigger(3, 8));
	iwf_effects_cut(&w.fx, 0);
	iwf_service_stop(w.svc, &w.fx);
	ck_assert_uint_eq(w.fx.n, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(w.fx.v[i].u.answer_dar.daa.status, TSP_TEMPORARYERROR);
	ck_assert_uint_eq(iwf_service_waiting(w.svc), 0);
	EXPECT_STATE(7, TRG_SUBMITTING);
}
END_TEST

TCase *service_cases_t4(void)
{
	TCase *tc = tcase_create("t4");

	tcase_add_checked_fixture(tc, w_open, w_close);
	tcase_add_loop_test(tc, answer_row, 0, N(answers));
	tcase_add_test(tc, congestion_can_be_temporary);
	tcase_add_test(tc, first_unreachable);
	tcase_add_loop_test(tc, first_busy_or_undeliverable, 0, 2);
	tcase_add_loop_test(tc, first_silent_or_senseless, 0, 4);
	tcase_add_test(tc, repeat_of_what_another_node_had);
	tcase_add_test(tc, none_reachable);
	tcase_add_test(tc, one_silent_then_none);
	tcase_add_test(tc, one_silent_then_refused);
	tcase_add_test(tc, only_one_more_try_after_silence);
	tcase_add_test(tc, unreachable_ones_do_not_count_as_tries);
	tcase_add_test(tc, second_one_gets_what_is_left_of_the_validity);
	tcase_add_test(tc, clock_that_goes_back_makes_no_validity_longer);
	tcase_add_test(tc, validity_zero_is_a_single_attempt_that_may_fail_over);
	tcase_add_loop_test(tc, original_row, 0, 2 * N(originals));
	tcase_add_loop_test(tc, refused_row, 0, N(refused));
	tcase_add_test(tc, recall_by_the_other_name_of_the_device);
	tcase_add_test(tc, recall_goes_where_the_trigger_is_under_its_number);
	tcase_add_test(tc, recall_needs_no_service_and_no_port);
	tcase_add_test(tc, recalled_number_is_free_again);
	tcase_add_loop_test(tc, recall_that_nobody_answered_can_be_tried_again, 0, 2);
	tcase_add_loop_test(tc, report_during_recall_wins, 0, 2);
	tcase_add_test(tc, replaced_trigger_is_the_new_one);
	tcase_add_test(tc, support_of_recall_is_learned);
	tcase_add_test(tc, support_of_recall_is_configured);
	tcase_add_test(tc, submission_is_done_again);
	tcase_add_test(tc, retransmission_takes_up_what_was_left);
	tcase_add_loop_test(tc, too_late_to_take_up, 0, 2);
	tcase_add_loop_test(tc, recall_and_replace_are_done_again, 0, 2);
	tcase_add_loop_test(tc, original_that_nobody_is_at_is_pending_again, 0, 2);
	tcase_add_test(tc, own_smssc_is_given_time_to_come);
	tcase_add_loop_test(tc, own_smssc_is_the_only_one, 0, 2);
	tcase_add_test(tc, the_name_is_of_another_device_now);
	tcase_add_loop_test(tc, original_waits_with_its_recall_or_replace, 0, 2);
	tcase_add_loop_test(tc, original_is_pending_again_when_its_smssc_stays_away, 0, 2);
	tcase_add_test(tc, many_are_taken_up_in_portions);
	tcase_add_test(tc, stop_answers_everybody);
	return tc;
}
