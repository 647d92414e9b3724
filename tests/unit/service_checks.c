/* A DAR against the table of checks (docs/CHECKS.md). */
#include <stdio.h>
#include <string.h>
#include "service_cases.h"
#include "service_world.h"

#define DTR_M1 "dtr sc1 trigger ref=7 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=600 \"hello\"\n"

START_TEST(good_trigger)
{
	ck_assert(w_dar(w_trigger(1, 7)));
	EXPECT(DTR_M1);
	EXPECT_STATE(7, TRG_SUBMITTING);
	ck_assert_uint_eq(iwf_service_waiting(w.svc), 1);
	w_later(20);
	w_dta(w.txn, dta_ok);
	EXPECT("daa 1 SUCCESS\n");
	EXPECT_STATE(7, TRG_PENDING);
	w_expect_audit("trigger", "accepted", RS_NONE);
	ck_assert_uint_eq(iwf_service_waiting(w.svc), 0);

	struct iwf_trigger row;
	ck_assert(seed_trigger(w.rows, 0, &row));
	ck_assert_int_eq(row.received_ms, T0);
	ck_assert_int_eq(row.answered_ms, T0 + 20);
	ck_assert_int_eq(row.validity_end_ms, T0 + 600000);
	ck_assert_int_eq(row.request_status, TSP_SUCCESS);
	ck_assert_str_eq(row.smssc, "sc1.op.example");
	ck_assert_str_eq(row.dest_host, "scs1.example.com");
	ck_assert_str_eq(row.dest_realm, "example.com");
	ck_assert_int_eq(row.subscription_id, w.m1.id);
}
END_TEST

START_TEST(everything_a_trigger_can_say)
{
	struct tsp_dar dar = w_trigger(1, 4294967295u);

	w.scs1.allow_priority = true;
	seed_scs_change(w.rows, &w.scs1);
	dar.has_ext_id = false;
	dar.has_msisdn = true;
	dar.msisdn = w_tbcd("491700000001");
	dar.has_scs_identity = true;
	dar.scs_identity = w_tbcd("4912346");
	dar.priority = true;
	dar.has_port = true;
	dar.port = 65535;
	dar.has_validity = true;
	dar.validity_s = 60;
	dar.has_features = true;
	dar.features = 3;
	w_dar(dar);
	EXPECT("dtr sc1 trigger ref=4294967295 imsi=262011111111111 msisdn=491700000001 smea=4912346 prio port=65535 valid=60 \"hello\"\n");
	w_dta(w.txn, dta_ok);
	EXPECT("daa 1 SUCCESS feat=1\n");
}
END_TEST

START_TEST(names_compare_without_case)
{
	struct tsp_dar dar = w_trigger(1, 7);

	dar.peer = w_text("SCS1.example.COM");
	dar.origin_host = w_text("scs1.EXAMPLE.com");
	dar.origin_realm = w_text("Example.Com");
	dar.ext_id = w_text("m1@IOT.example");
	w_dar(dar);
	EXPECT("dtr sc1 trigger ref=7 imsi=262011111111111 ext=m1@IOT.example smea=4912345 valid=600 \"hello\"\n");
}
END_TEST

START_TEST(agent_vouches)
{
	struct tsp_dar dar = w_trigger(1, 7);

	w.conf.nagents = 1;
	strcpy(w.conf.agents[0], "door.op.example");
	dar.peer = w_text("DOOR.op.example");
	w_dar(dar);
	EXPECT(DTR_M1);
	dar = w_trigger(2, 8);
	dar.peer = w_text("door.op.example");
	dar.origin_host = w_text("nobody.example.com");
	w_dar(dar);
	EXPECT("daa 2 NOTAUTHORIZED\n");
	w_expect_audit("trigger", "refused", RS_SCS_UNKNOWN);
	/* An SCS is no agent. */
	dar = w_trigger(3, 9);
	dar.peer = w_text("scs2.example.org");
	w_dar(dar);
	EXPECT("daa 3 5003 NOTAUTHORIZED\n");
	w_expect_audit("trigger", "refused", RS_ORIGIN_NOT_PROVEN);
}
END_TEST

/* ---- one thing wrong */

static void no_peer(struct tsp_dar *d)          { d->peer.n = 0; }
static void other_peer(struct tsp_dar *d)       { d->peer = w_text("scs2.example.org"); }
static void longer_peer(struct tsp_dar *d)      { d->origin_host = w_text("scs1.example.com2"); }
static void unknown_scs(struct tsp_dar *d)      { d->peer = d->origin_host = w_text("scs9.example.com"); }
static void nul_in_host(struct tsp_dar *d)      { d->peer = d->origin_host = (struct iwf_view){ (const uint8_t *)"scs1.example.com\0x", 18 }; }
static void other_realm(struct tsp_dar *d)      { d->origin_realm = w_text("example.org"); }
static void bad_identity(struct tsp_dar *d)     { d->has_scs_identity = true; d->scs_identity = w_text("\x21\x43\xa5"); }
static void empty_identity(struct tsp_dar *d)   { d->has_scs_identity = true; }
static void others_identity(struct tsp_dar *d)  { d->has_scs_identity = true; d->scs_identity = w_tbcd("4999999"); }
static void no_device(struct tsp_dar *d)        { d->has_ext_id = false; }
static void bad_ext_id(struct tsp_dar *d)       { d->ext_id = w_text("m1 @iot.example"); }
static void no_at(struct tsp_dar *d)            { d->ext_id = w_text("m1.iot.example"); }
static void unknown_ext_id(struct tsp_dar *d)   { d->ext_id = w_text("m9@iot.example"); }
static void local_part_case(struct tsp_dar *d)  { d->ext_id = w_text("M1@iot.example"); }
static void by_msisdn(struct tsp_dar *d, const char *msisdn) { d->has_msisdn = true; d->msisdn = w_tbcd(msisdn); }
static void bad_msisdn(struct tsp_dar *d)       { d->has_ext_id = false; d->has_msisdn = true; d->msisdn = w_text("\x94\x71\xff"); }
static void unknown_msisdn(struct tsp_dar *d)   { d->has_ext_id = false; by_msisdn(d, "491700000009"); }
static void both_bad_msisdn(struct tsp_dar *d)  { by_msisdn(d, "1234"); }
static void both_other(struct tsp_dar *d)       { by_msisdn(d, "491700000002"); }
static void both_unknown_ms(struct tsp_dar *d)  { by_msisdn(d, "491700000009"); }
static void both_unknown_ext(struct tsp_dar *d) { d->ext_id = w_text("m9@iot.example"); by_msisdn(d, "491700000002"); }
static void both_unknown(struct tsp_dar *d)     { d->ext_id = w_text("m9@iot.example"); by_msisdn(d, "491700000009"); }
static void no_data(struct tsp_dar *d)          { d->has_trigger_data = false; }
static void empty(struct tsp_dar *d)            { d->payload.n = 0; }
static void long_payload(struct tsp_dar *d)     { static const uint8_t o[141]; d->payload = (struct iwf_view){ o, sizeof o }; }
static void port_65536(struct tsp_dar *d)       { d->has_port = true; d->port = 65536; }
static void priority(struct tsp_dar *d)         { d->priority = true; }
static void long_validity(struct tsp_dar *d)    { d->has_validity = true; d->validity_s = 86401; }
static void nobodys_device(struct tsp_dar *d)   { *d = w_from_scs2(*d); }

static const struct { const char *why; void (*spoil)(struct tsp_dar *); const char *want; enum iwf_reason reason; } spoiled[] = {
	{ "connection without identity", no_peer, "daa 1 5003 NOTAUTHORIZED\n", RS_ORIGIN_NOT_PROVEN },
	{ "another SCS's name", other_peer, "daa 1 5003 NOTAUTHORIZED\n", RS_ORIGIN_NOT_PROVEN },
	{ "name that only begins like it", longer_peer, "daa 1 5003 NOTAUTHORIZED\n", RS_ORIGIN_NOT_PROVEN },
	{ "peer that is no SCS", unknown_scs, "daa 1 NOTAUTHORIZED\n", RS_SCS_UNKNOWN },
	{ "name with a NUL", nul_in_host, "daa 1 NOTAUTHORIZED\n", RS_SCS_UNKNOWN },
	{ "other realm", other_realm, "daa 1 5003 NOTAUTHORIZED\n", RS_SCS_REALM },
	{ "malformed SCS-Identity", bad_identity, "daa 1 INVSCSID\n", RS_SCS_IDENTITY },
	{ "empty SCS-Identity", empty_identity, "daa 1 INVSCSID\n", RS_SCS_IDENTITY },
	{ "another SCS's SCS-Identity", others_identity, "daa 1 INVSCSID\n", RS_SCS_IDENTITY },
	{ "no identifier", no_device, "daa 1 INVEXTID\n", RS_IDENTIFIER },
	{ "External-Id with a space", bad_ext_id, "daa 1 INVEXTID\n", RS_IDENTIFIER },
	{ "External-Id without @", no_at, "daa 1 INVEXTID\n", RS_IDENTIFIER },
	{ "unknown External-Id", unknown_ext_id, "daa 1 INVEXTID\n", RS_DEVICE_UNKNOWN },
	{ "the local part has a case", local_part_case, "daa 1 INVEXTID\n", RS_DEVICE_UNKNOWN },
	{ "malformed MSISDN", bad_msisdn, "daa 1 INVEXTID\n", RS_IDENTIFIER },
	{ "unknown MSISDN", unknown_msisdn, "daa 1 INVEXTID\n", RS_DEVICE_UNKNOWN },
	{ "good External-Id, malformed MSISDN", both_bad_msisdn, "daa 1 INVEXTID\n", RS_IDENTIFIER },
	{ "two devices", both_other, "daa 1 INVEXTID\n", RS_TWO_DEVICES },
	{ "device and unknown MSISDN", both_unknown_ms, "daa 1 INVEXTID\n", RS_TWO_DEVICES },
	{ "unknown External-Id and a device", both_unknown_ext, "daa 1 INVEXTID\n", RS_TWO_DEVICES },
	{ "both unknown", both_unknown, "daa 1 INVEXTID\n", RS_DEVICE_UNKNOWN },
	{ "no Trigger-Data", no_data, "daa 1 INVPAYLOAD\n", RS_PAYLOAD },
	{ "empty payload", empty, "daa 1 INVPAYLOAD\n", RS_PAYLOAD },
	{ "payload too long", long_payload, "daa 1 INVPAYLOAD\n", RS_PAYLOAD },
	{ "port above 65535", port_65536, "daa 1 INVPAYLOAD\n", RS_PORT },
	{ "priority not allowed", priority, "daa 1 NOTAUTHORIZED\n", RS_PRIORITY },
	{ "validity too long", long_validity, "daa 1 INVPERIOD\n", RS_VALIDITY },
	{ "another customer's device", nobodys_device, "daa 1 NOTAUTHORIZED\n", RS_NO_GRANT },
};

START_TEST(one_thing_wrong)
{
	struct tsp_dar dar = w_trigger(1, 7);

	spoiled[_i].spoil(&dar);
	ck_assert(w_dar(dar));
	ck_assert_msg(!strcmp(w.log, spoiled[_i].want), "%s: %s", spoiled[_i].why, w.log);
	w_expect_audit("trigger", "refused", spoiled[_i].reason);
	ck_assert_uint_eq(seed_triggers(w.rows), 0);
	ck_assert_uint_eq(iwf_service_waiting(w.svc), 0);
}
END_TEST

START_TEST(both_identifiers_of_one_device_are_fine)
{
	struct tsp_dar dar = w_trigger(1, 7);

	by_msisdn(&dar, "491700000001");
	w_dar(dar);
	EXPECT("dtr sc1 trigger ref=7 imsi=262011111111111 ext=m1@iot.example msisdn=491700000001 smea=4912345 valid=600 \"hello\"\n");
}
END_TEST

START_TEST(refusal_says_who_from_where_and_what)
{
	struct tsp_dar dar = w_trigger(1, 7);
	struct seed_audit a;

	dar.peer = w_text("scs2.example.org");
	dar.peer_cert = w_text("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	dar.ext_id = (struct iwf_view){ (const uint8_t *)"m1\n@\0iot\xc3\xa4\\", 11 };
	w_dar(dar);
	ck_assert(seed_audit(w.rows, 0, &a));
	ck_assert_int_eq(a.a.scs_id, w.scs2.id);
	ck_assert_str_eq(a.a.peer, "scs2.example.org");
	ck_assert_str_eq(a.a.origin_host, "scs1.example.com");
	ck_assert_str_eq(a.a.address, "192.0.2.7:41234");
	ck_assert_str_eq(a.a.cert, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	ck_assert_str_eq(a.a.device, "m1\\x0a@\\xc0\\x80iot\\xc3\\xa4\\x5c");
	ck_assert_int_eq(a.a.reference, 7);
	ck_assert_int_eq(a.a.request_status, TSP_NOTAUTHORIZED);

	dar = w_trigger(2, 7);
	dar.has_ext_id = false;
	dar.has_msisdn = true;
	dar.msisdn = w_text("\x94\xa1");
	w_dar(dar);
	ck_assert(seed_audit(w.rows, 1, &a));
	ck_assert_str_eq(a.a.device, "0x94a1");
	ck_assert_int_eq(a.a.scs_id, w.scs1.id);

	char text[601];
	memset(text, 'a', 600);
	text[600] = '\0';
	dar = w_trigger(3, 7);
	dar.ext_id = w_text(text);
	w_dar(dar);
	ck_assert(seed_audit(w.rows, 2, &a));
	ck_assert_uint_le(strlen(a.a.device), IWF_EXTID_MAX + 48);
	ck_assert_str_eq(a.a.device + strlen(a.a.device) - 3, "...");
}
END_TEST

/* ---- two things wrong: the earlier one in the table answers */

static void prepare_number(struct tsp_dar *d)
{
	w_dar(w_trigger(100, 7));
	w_dta(w.txn, dta_ok);
}

static void scs_disabled(struct tsp_dar *d)     { w.scs1.enabled = false; }
static void scs_too_late(struct tsp_dar *d)     { w.scs1.valid_until = T0; }
static void rate_used(struct tsp_dar *d)        { w.scs1.rate_per_s = w.scs1.burst = 1; }
static void none_waiting(struct tsp_dar *d)     { w.conf.scs_waiting_max = 0; }
static void no_quota(struct tsp_dar *d)         { w.scs1.quota = 0; w.scs1.quota_period_s = 3600; }
static void other_content(struct tsp_dar *d)    { if (d->payload.n == 5) d->payload = w_text("other"); }
static void m1_disabled(struct tsp_dar *d)      { w.m1.enabled = false; }
static void m1_no_trigger(struct tsp_dar *d)    { w.m1.trigger_allowed = false; }
static void user_forbids(struct tsp_dar *d)     { w.m1.mtc_user_id = seed_user(w.rows, "carl", true); }
static void may_not(struct tsp_dar *d)          { w.scs1.allow_trigger = false; }
static void revoked(struct tsp_dar *d)          { seed_revoke(w.rows, w.grant1); }
static void no_smssc(struct tsp_dar *d)         { w.conf.nsmssc = 0; }

static const struct { const char *why; void (*before)(struct tsp_dar *), (*spoil)(struct tsp_dar *); const char *want; enum iwf_reason reason; } order[] = {
	{ "origin", NULL, other_peer, "daa 1 5003 NOTAUTHORIZED\n", RS_ORIGIN_NOT_PROVEN },
	{ "realm", NULL, other_realm, "daa 1 5003 NOTAUTHORIZED\n", RS_SCS_REALM },
	{ "disabled", NULL, scs_disabled, "daa 1 NOTAUTHORIZED\n", RS_SCS_DISABLED },
	{ "dates", NULL, scs_too_late, "daa 1 NOTAUTHORIZED\n", RS_SCS_DATES },
	{ "SCS-Identity", NULL, others_identity, "daa 1 INVSCSID\n", RS_SCS_IDENTITY },
	{ "rate", prepare_number, rate_used, "daa 1 RATEEXCEEDED\n", RS_RATE },
	{ "waiting", NULL, none_waiting, "daa 1 TEMPORARYERROR\n", RS_WAITING },
	{ "quota", NULL, no_quota, "daa 1 QUOTAEXCEEDED\n", RS_QUOTA },
	{ "number", prepare_number, other_content, "daa 1 PERMANENTERROR\n", RS_REFERENCE_IN_USE },
	{ "identifier", NULL, bad_ext_id, "daa 1 INVEXTID\n", RS_IDENTIFIER },
	{ "device", NULL, m1_disabled, "daa 1 INVEXTID\n", RS_DEVICE_DISABLED },
	{ "service", NULL, m1_no_trigger, "daa 1 SERVICEUNAVAILABLE\n", RS_DEVICE_DISABLED },
	{ "user", NULL, user_forbids, "daa 1 NOTAUTHORIZED\n", RS_USER_FORBIDS },
	{ "action", NULL, may_not, "daa 1 NOTAUTHORIZED\n", RS_ACTION },
	{ "grant", NULL, revoked, "daa 1 NOTAUTHORIZED\n", RS_NO_GRANT },
	{ "payload", NULL, empty, "daa 1 INVPAYLOAD\n", RS_PAYLOAD },
	{ "port", NULL, port_65536, "daa 1 INVPAYLOAD\n", RS_PORT },
	{ "priority", NULL, priority, "daa 1 NOTAUTHORIZED\n", RS_PRIORITY },
	{ "validity", NULL, long_validity, "daa 1 INVPERIOD\n", RS_VALIDITY },
	{ "SMS-SC", NULL, no_smssc, "daa 1 TEMPORARYERROR\n", RS_SMSSC_UNREACHABLE },
};

/* Every pair, and each alone (both the same). */
START_TEST(earlier_check_answers)
{
	const int first = _i / N(order), second = _i % N(order);
	const bool burst_of_one = order[first].spoil == rate_used || order[second].spoil == rate_used;

	if (first > second)
		return;
	struct tsp_dar dar = w_trigger(1, 7);
	if (burst_of_one) {
		rate_used(&dar);
		seed_scs_change(w.rows, &w.scs1);
	}
	if (order[first].before || order[second].before)
		prepare_number(&dar);
	w.log[0] = '\0';
	order[first].spoil(&dar);
	if (first != second)
		order[second].spoil(&dar);
	/* The first trigger of that number is not to be repeated by chance. */
	dar.has_validity = true;
	if (dar.validity_s == 0)
		dar.validity_s = 77;
	seed_scs_change(w.rows, &w.scs1);
	seed_subscription_change(w.rows, &w.m1);
	ck_assert(w_dar(dar));
	ck_assert_msg(!strcmp(w.log, order[first].want), "%s before %s: %s", order[first].why, order[second].why, w.log);
	w_expect_audit("trigger", strstr(order[first].want, "TEMPORARY") ? "failed" : "refused", order[first].reason);
}
END_TEST

/* ---- single rules */

START_TEST(scs_identity_may_be_required)
{
	w.conf.require_scs_identity = true;
	w_dar(w_trigger(1, 7));
	EXPECT("daa 1 INVSCSID\n");
	w_expect_audit("trigger", "refused", RS_SCS_IDENTITY);
	struct tsp_dar dar = w_trigger(2, 7);
	dar.has_scs_identity = true;
	dar.scs_identity = w_tbcd("4912345");
	w_dar(dar);
	EXPECT(DTR_M1);
}
END_TEST

START_TEST(scs_without_number)
{
	struct iwf_scs scs = seed_scs_row("mute", "scs3.example.com");

	scs.id = seed_scs(w.rows, &scs);
	struct tsp_dar dar = w_trigger(1, 7);
	dar.peer = dar.origin_host = w_text("scs3.example.com");
	w_dar(dar);
	EXPECT("daa 1 PERMANENTERROR\n");
	w_expect_audit("trigger", "refused", RS_SCS_NO_NUMBER);
}
END_TEST

START_TEST(dates_begin_and_end)
{
	w.scs1.valid_from = T0 + 1000;
	w.scs1.valid_until = T0 + 2000;
	seed_scs_change(w.rows, &w.scs1);
	w_dar(w_trigger(1, 7));
	EXPECT("daa 1 NOTAUTHORIZED\n");
	w_later(1000);
	w_dar(w_trigger(2, 7));
	EXPECT(DTR_M1);
	w_later(1000);
	w_dar(w_trigger(3, 8));
	EXPECT("daa 3 NOTAUTHORIZED\n");
	w_expect_audit("trigger", "refused", RS_SCS_DATES);
}
END_TEST

START_TEST(rate_comes_back_with_time)
{
	w.conf.rate_per_s = 2;
	w.conf.burst = 2;
	for (uint32_t i = 0; i < 3; i++)
		w_dar(w_trigger(i, i));
	ck_assert_ptr_nonnull(strstr(w.log, "daa 2 RATEEXCEEDED\n"));
	w.log[0] = '\0';
	/* The other SCS has a bucket of its own. */
	w_dar(w_from_scs2(w_trigger(3, 3)));
	EXPECT("daa 3 NOTAUTHORIZED\n");
	w_later(500);
	iwf_service_store_changed(w.svc);
	w_dar(w_trigger(4, 4));
	ck_assert_ptr_null(strstr(w.log, "RATEEXCEEDED"));
	w_dar(w_trigger(5, 5));
	ck_assert_ptr_nonnull(strstr(w.log, "daa 5 RATEEXCEEDED\n"));
}
END_TEST

START_TEST(quota_counts_what_it_let_through)
{
	w.scs1.quota = 2;
	w.scs1.quota_period_s = 60;
	seed_scs_change(w.rows, &w.scs1);
	w_dar(w_trigger(1, 1));
	w_dar(w_trigger(2, 2));
	w.log[0] = '\0';
	for (uint32_t i = 3; i < 6; i++)
		w_dar(w_trigger(i, i));
	EXPECT("daa 3 QUOTAEXCEEDED\ndaa 4 QUOTAEXCEEDED\ndaa 5 QUOTAEXCEEDED\n");
	/* Raised by one: exactly one more goes through, for refusals are not counted. */
	w.scs1.quota = 3;
	seed_scs_change(w.rows, &w.scs1);
	w_dar(w_trigger(6, 6));
	w_dar(w_trigger(7, 7));
	ck_assert_ptr_null(strstr(w.log, "daa 6"));
	ck_assert_ptr_nonnull(strstr(w.log, "daa 7 QUOTAEXCEEDED\n"));
	w.log[0] = '\0';
	w_later(60000);
	w_dar(w_trigger(8, 8));
	ck_assert_ptr_nonnull(strstr(w.log, "dtr"));
}
END_TEST

START_TEST(retransmission_is_not_paid_twice)
{
	w.scs1.quota = 2;
	w.scs1.quota_period_s = 60;
	seed_scs_change(w.rows, &w.scs1);
	w_pending(1);
	w_dar(w_trigger(2, 1));
	w_dar(w_trigger(3, 1));
	EXPECT("daa 2 SUCCESS\ndaa 3 SUCCESS\n");
	w_dar(w_trigger(4, 2));
	ck_assert_ptr_nonnull(strstr(w.log, "dtr"));
}
END_TEST

START_TEST(unknown_devices_can_be_hidden)
{
	static void (*const spoil[])(struct tsp_dar *) = { unknown_ext_id, unknown_msisdn, both_other, both_unknown_ext, m1_disabled };
	static const enum iwf_reason reasons[] = { RS_DEVICE_UNKNOWN, RS_DEVICE_UNKNOWN, RS_TWO_DEVICES, RS_TWO_DEVICES, RS_DEVICE_DISABLED };
	struct tsp_dar dar = w_trigger(1, 7);

	w.conf.hide_unknown_devices = true;
	spoil[_i](&dar);
	seed_subscription_change(w.rows, &w.m1);
	w_dar(dar);
	EXPECT("daa 1 NOTAUTHORIZED\n");
	w_expect_audit("trigger", "refused", reasons[_i]);
}
END_TEST

static void unknown(struct tsp_dar *d)        { d->ext_id = w_text("m9@iot.example"); }
static void disabled(struct tsp_dar *d)       { w.m1.enabled = false; }
static void forbidden(struct tsp_dar *d)      { w.m1.mtc_user_id = seed_user(w.rows, "carl", true); }
static void not_granted(struct tsp_dar *d)    { seed_revoke(w.rows, w.grant1); }
static void not_granted_user(struct tsp_dar *d) { seed_revoke(w.rows, w.grant1); w.m1.mtc_user_id = seed_user(w.rows, "carl", false); }

/* What the store is asked for a device that does not exist, and for one that does. */
START_TEST(what_is_hidden_takes_the_same_path)
{
	static const struct { void (*spoil)(struct tsp_dar *); enum iwf_reason reason; } cases[] = {
		{ unknown, RS_DEVICE_UNKNOWN }, { disabled, RS_DEVICE_DISABLED }, { forbidden, RS_USER_FORBIDS },
		{ not_granted, RS_NO_GRANT }, { not_granted_user, RS_NO_GRANT },
	};
	char first_ops[512] = "", ops[512];

	for (int i = 0; i < N(cases); i++) {
		if (i) {
			w_close();
			w_open();
		}
		struct tsp_dar dar = w_trigger(1, 7);
		w.conf.hide_unknown_devices = true;
		w.conf.audit_repeat_after = 20;
		cases[i].spoil(&dar);
		seed_subscription_change(w.rows, &w.m1);
		store_fail_trace(w.store, ops, sizeof ops);
		w_dar(dar);
		store_fail_trace(w.store, NULL, 0);
		EXPECT("daa 1 NOTAUTHORIZED\n");
		w_expect_audit("trigger", "refused", cases[i].reason);
		if (i == 0)
			snprintf(first_ops, sizeof first_ops, "%s", ops);
		ck_assert_str_eq(ops, first_ops);
	}
	ck_assert_ptr_nonnull(strstr(first_ops, "subscription_by_ext_id user_allows grants "));
}
END_TEST

/* A recall of one's own trigger that names another device tells nothing of that device. */
START_TEST(recall_is_no_oracle)
{
	struct tsp_dar recall = w_recall(2, 7);

	w.conf.hide_unknown_devices = true;
	w_pending(7);
	recall.ext_id = w_text(_i ? "m2@iot.example" : "m9@iot.example");
	w_dar(recall);
	EXPECT("daa 2 RECALLFAIL\n");
	w_expect_audit("recall", "refused", RS_ORIGINAL_DEVICE);
}
END_TEST

START_TEST(hidden_device_without_service)
{
	w.conf.hide_unknown_devices = true;
	w.m1.trigger_allowed = false;
	seed_subscription_change(w.rows, &w.m1);
	w_dar(w_from_scs2(w_trigger(1, 7)));
	EXPECT("daa 1 NOTAUTHORIZED\n");
	w_expect_audit("trigger", "refused", RS_NO_GRANT);
	w_dar(w_trigger(2, 7));
	EXPECT("daa 2 SERVICEUNAVAILABLE\n");
}
END_TEST

START_TEST(name_for_one_scs_is_unknown_to_another)
{
	seed_ext_id(w.rows, "private@iot.example", w.m1.id, w.scs2.id);
	struct tsp_dar dar = w_trigger(1, 7);
	dar.ext_id = w_text("private@iot.example");
	w_dar(dar);
	EXPECT("daa 1 INVEXTID\n");
	w_dar(w_from_scs2(dar));
	EXPECT("daa 1 NOTAUTHORIZED\n");
}
END_TEST

START_TEST(grants_by_domain_range_and_port)
{
	seed_revoke(w.rows, w.grant1);
	seed_grant(w.rows, &(struct seed_grant){ .scs_id = w.scs1.id, .domain = "iot.example", .services = IWF_SVC_TRIGGER,
	                                         .nports = 1, .ports = { { 10, 20 } } });
	seed_grant(w.rows, &(struct seed_grant){ .scs_id = w.scs1.id, .msisdn_from = "491700000000", .msisdn_to = "491700000001",
	                                         .services = IWF_SVC_TRIGGER });
	struct tsp_dar dar = w_trigger(1, 1);
	w_dar(dar);
	EXPECT("daa 1 NOTAUTHORIZED\n");
	dar.has_port = true;
	dar.port = 10;
	w_dar(dar);
	EXPECT("dtr sc1 trigger ref=1 imsi=262011111111111 ext=m1@iot.example smea=4912345 port=10 valid=600 \"hello\"\n");
	dar = w_trigger(2, 2);
	dar.has_ext_id = false;
	by_msisdn(&dar, "491700000001");
	w_dar(dar);
	EXPECT("dtr sc1 trigger ref=2 imsi=262011111111111 msisdn=491700000001 smea=4912345 valid=600 \"hello\"\n");
	/* The grant for the range is for those who use the number. */
	w_dar(w_trigger(3, 3));
	EXPECT("daa 3 NOTAUTHORIZED\n");
}
END_TEST

/* Who and whom a grant can name; nothing without one. */
START_TEST(grants_by_group)
{
	const int64_t kind = seed_scs_group(w.rows, "kind"), meters = seed_device_group(w.rows, "meters");

	w_dar(w_from_scs2(w_trigger(1, 1)));
	EXPECT("daa 1 NOTAUTHORIZED\n");
	seed_grant(w.rows, &(struct seed_grant){ .scs_group_id = kind, .device_group_id = meters, .services = IWF_SVC_TRIGGER });
	w_dar(w_from_scs2(w_trigger(2, 2)));
	EXPECT("daa 2 NOTAUTHORIZED\n");
	seed_scs_member(w.rows, kind, w.scs2.id);
	w_dar(w_from_scs2(w_trigger(3, 3)));
	EXPECT("daa 3 NOTAUTHORIZED\n");
	seed_device_member(w.rows, meters, w.m1.id);
	w_dar(w_from_scs2(w_trigger(4, 4)));
	EXPECT("dtr sc1 trigger ref=4 imsi=262011111111111 ext=m1@iot.example smea=4999999 valid=600 \"hello\"\n");
	/* Only what it says: no recall, no other device. */
	w_dta(w.txn, dta_ok);
	w_dar(w_from_scs2(w_recall(5, 4)));
	EXPECT("daa 4 SUCCESS\ndaa 5 NOTAUTHORIZED\n");
	w_expect_audit("recall", "refused", RS_NO_GRANT);
	struct tsp_dar other = w_from_scs2(w_trigger(6, 6));
	other.ext_id = w_text("m2@iot.example");
	w_dar(other);
	EXPECT("daa 6 NOTAUTHORIZED\n");
}
END_TEST

START_TEST(grants_have_dates)
{
	seed_revoke(w.rows, w.grant1);
	seed_grant(w.rows, &(struct seed_grant){ .scs_id = w.scs1.id, .subscription_id = w.m1.id, .services = IWF_SVC_TRIGGER,
	                                         .valid_from = T0 + 1000, .valid_until = T0 + 2000 });
	w_later(999);
	w_dar(w_trigger(1, 1));
	EXPECT("daa 1 NOTAUTHORIZED\n");
	w_later(1);
	w_dar(w_trigger(2, 2));
	EXPECT("dtr sc1 trigger ref=2 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=600 \"hello\"\n");
	w_later(999);
	w_dar(w_trigger(3, 3));
	EXPECT("dtr sc1 trigger ref=3 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=600 \"hello\"\n");
	w_later(1);
	w_dar(w_trigger(4, 4));
	EXPECT("daa 4 NOTAUTHORIZED\n");
	w_expect_audit("trigger", "refused", RS_NO_GRANT);
}
END_TEST

START_TEST(grants_for_ports_have_edges)
{
	static const struct { bool has; uint32_t port; bool ok; } tries[] = {
		{ false, 0, false }, { true, 9, false }, { true, 10, true }, { true, 20, true }, { true, 21, false },
		{ true, 30, true }, { true, 65535, false },
	};
	struct tsp_dar dar = w_trigger(1, 1);

	seed_revoke(w.rows, w.grant1);
	seed_grant(w.rows, &(struct seed_grant){ .scs_id = w.scs1.id, .subscription_id = w.m1.id, .services = IWF_SVC_TRIGGER,
	                                         .nports = 2, .ports = { { 10, 20 }, { 30, 30 } } });
	dar.has_port = tries[_i].has;
	dar.port = tries[_i].port;
	w_dar(dar);
	ck_assert_int_eq(strstr(w.log, "dtr sc1") != NULL, tries[_i].ok);
	ck_assert_int_eq(strstr(w.log, "NOTAUTHORIZED") != NULL, !tries[_i].ok);
}
END_TEST

START_TEST(grants_for_ranges_have_edges)
{
	static const struct { const char *from, *to; bool ok; } ranges[] = {
		{ "491700000001", "491700000001", true }, { "491700000000", "491700000002", true }, { "491700000002", "491700000009", false },
		{ "491690000000", "491700000000", false }, { "4917000000010", "4917000000019", false }, { "49170", "49171", false },
	};
	struct tsp_dar dar = w_trigger(1, 1);

	seed_revoke(w.rows, w.grant1);
	seed_grant(w.rows, &(struct seed_grant){ .scs_id = w.scs1.id, .msisdn_from = ranges[_i].from, .msisdn_to = ranges[_i].to,
	                                         .services = IWF_SVC_TRIGGER });
	dar.has_ext_id = false;
	by_msisdn(&dar, "491700000001");
	w_dar(dar);
	ck_assert_int_eq(strstr(w.log, "dtr sc1") != NULL, ranges[_i].ok);
}
END_TEST

START_TEST(static_routing)
{
	strcpy(w.m1.smssc, "SC2.op.example");
	seed_subscription_change(w.rows, &w.m1);
	w_dar(w_trigger(1, 7));
	EXPECT("dtr sc2 trigger ref=7 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=600 \"hello\"\n");
	/* Nobody else has its messages. */
	w_dta(w.txn, (struct t4_dta){ .kind = T4_UNREACHABLE });
	EXPECT("daa 1 TEMPORARYERROR\n");
	strcpy(w.m1.smssc, "sc9.op.example");
	seed_subscription_change(w.rows, &w.m1);
	w_dar(w_trigger(2, 8));
	EXPECT("dtr sc1 trigger ref=8 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=600 \"hello\"\n");
}
END_TEST

/* ---- retransmissions */

START_TEST(retransmission_joins_what_is_under_way)
{
	struct tsp_dar again = w_trigger(2, 7);

	w_dar(w_trigger(1, 7));
	EXPECT(DTR_M1);
	again.has_features = true;
	again.features = 1;
	w_dar(again);
	EXPECT("");
	w_dta(w.txn, dta_ok);
	EXPECT("daa 2 SUCCESS feat=1\ndaa 1 SUCCESS\n");
	ck_assert_uint_eq(seed_triggers(w.rows), 1);
}
END_TEST

START_TEST(retransmission_gets_the_first_answer)
{
	w_dar(w_trigger(1, 7));
	w_dta(w.txn, w_dta_error(T4_EXP_INVALID_SME_ADDRESS));
	w_dar(w_trigger(2, 7));
	ck_assert_ptr_nonnull(strstr(w.log, "daa 1 PERMANENTERROR\ndaa 2 PERMANENTERROR\n"));
	w.log[0] = '\0';
	/* After a while it is a new trigger. */
	w_later(301000);
	w_dar(w_trigger(3, 7));
	EXPECT(DTR_M1);
}
END_TEST

START_TEST(retransmission_of_what_is_pending_counts_for_its_whole_life)
{
	struct tsp_dar dar = w_trigger(1, 7);

	dar.has_validity = true;
	dar.validity_s = 80000;
	w_dar(dar);
	w_dta(w.txn, dta_ok);
	w_later(70000000);
	dar.token = 2;
	w.log[0] = '\0';
	w_dar(dar);
	EXPECT("daa 2 SUCCESS\n");
}
END_TEST

START_TEST(new_try_after_nobody_was_there)
{
	w.conf.nsmssc = 1;
	w_dar(w_trigger(1, 7));
	w_dta(w.txn, (struct t4_dta){ .kind = T4_UNREACHABLE });
	EXPECT_STATE(7, TRG_REFUSED);
	w.log[0] = '\0';
	/* The same message again is answered again. */
	struct tsp_dar same = w_trigger(1, 7);
	same.token = 2;
	same.retransmitted = true;
	w_dar(same);
	EXPECT("daa 2 TEMPORARYERROR\n");
	/* Another one is another try. */
	w_dar(w_trigger(3, 7));
	ck_assert_ptr_nonnull(strstr(w.log, "dtr sc2 trigger ref=7"));
	ck_assert_uint_eq(seed_triggers(w.rows), 2);
}
END_TEST

START_TEST(uncertain_is_not_sent_twice)
{
	w.conf.nsmssc = 1;
	w_dar(w_trigger(1, 7));
	w_dta(w.txn, (struct t4_dta){ .kind = T4_TIMEOUT });
	EXPECT_STATE(7, TRG_UNCERTAIN);
	w.log[0] = '\0';
	w_dar(w_trigger(2, 7));
	EXPECT("daa 2 TEMPORARYERROR\n");
}
END_TEST

START_TEST(known_by_end_to_end_identifier)
{
	/* Delivered, and the number used for another trigger since. */
	struct tsp_dar first = w_trigger(1, 7), second = w_trigger(2, 7);

	w_dar(first);
	w_dta(w.txn, dta_ok);
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	w_later(10000);
	second.payload = w_text("second");
	w_dar(second);
	w_dta(w.txn, dta_ok);
	w.log[0] = '\0';
	first.token = 3;
	first.retransmitted = true;
	w_dar(first);
	EXPECT("daa 3 SUCCESS\n");
	/* Without the T flag it is a new trigger with a number in use. */
	first.token = 4;
	first.retransmitted = false;
	w_dar(first);
	EXPECT("daa 4 PERMANENTERROR\n");
	/* The identifier alone does not make it the same. */
	first.token = 5;
	first.retransmitted = true;
	first.payload = w_text("third");
	w_dar(first);
	EXPECT("daa 5 PERMANENTERROR\n");
	w_expect_audit("trigger", "refused", RS_REFERENCE_IN_USE);
}
END_TEST

START_TEST(any_difference_is_another_trigger)
{
	static void (*const change[])(struct tsp_dar *) = { priority, port_65536, long_validity, other_content, others_identity, unknown_ext_id };
	struct tsp_dar dar = w_trigger(2, 7);

	w_pending(7);
	change[_i](&dar);
	w_dar(dar);
	ck_assert_ptr_null(strstr(w.log, "SUCCESS"));
	/* While how it was sent makes none. */
	w.log[0] = '\0';
	dar = w_trigger(3, 7);
	dar.end_to_end = 99;
	dar.peer_address = w_text("198.51.100.1:1");
	dar.has_features = true;
	w_dar(dar);
	EXPECT("daa 3 SUCCESS feat=0\n");
}
END_TEST

START_TEST(same_number_of_another_scs_is_another_trigger)
{
	seed_grant(w.rows, &(struct seed_grant){ .scs_id = w.scs2.id, .subscription_id = w.m1.id, .services = IWF_SVC_TRIGGER });
	w_pending(7);
	w_dar(w_from_scs2(w_trigger(2, 7)));
	EXPECT("dtr sc1 trigger ref=7 imsi=262011111111111 ext=m1@iot.example smea=4999999 valid=600 \"hello\"\n");
}
END_TEST

/* ---- explain */

static void add_line(void *ctx, const struct iwf_explain_line *l)
{
	char *text = ctx;
	size_t n = strlen(text);

	snprintf(text + n, 4096 - n, "%s %s%s%s\n", l->check, l->ok ? "ok" : tsp_status_str(l->status),
	         l->ok ? "" : " ", l->ok ? "" : iwf_reason_str(l->reason));
}

START_TEST(explain_walks_all_checks_and_leaves_no_trace)
{
	struct tsp_dar dar = w_trigger(0, 7);
	char text[4096] = "";

	w.scs1.quota = 1;
	w.scs1.burst = w.scs1.rate_per_s = 1;
	seed_scs_change(w.rows, &w.scs1);
	for (int i = 0; i < 3; i++) {
		text[0] = '\0';
		ck_assert_int_eq(iwf_service_explain(w.svc, &dar, w.now_ms, add_line, text), IWF_OK);
	}
	ck_assert_str_eq(text, "origin ok\nscs ok\nscs-identity ok\nrate ok\nretransmission ok\nwaiting ok\nquota ok\nreference ok\nidentifier ok\n"
	                       "device ok\nmtc-user ok\naction ok\ngrant ok\npolicy ok\nhss ok\nsmssc ok\ndevice-rate ok\n");
	ck_assert_uint_eq(seed_audits(w.rows), 0);
	ck_assert_uint_eq(seed_triggers(w.rows), 0);
	/* Rate and quota are still there. */
	w_dar(w_trigger(1, 7));
	EXPECT(DTR_M1);
}
END_TEST

START_TEST(explain_stops_at_the_first_objection)
{
	struct tsp_dar dar = w_trigger(0, 7);
	char text[4096] = "";

	seed_revoke(w.rows, w.grant1);
	ck_assert_int_eq(iwf_service_explain(w.svc, &dar, w.now_ms, add_line, text), IWF_OK);
	ck_assert_str_eq(text, "origin ok\nscs ok\nscs-identity ok\nrate ok\nretransmission ok\nwaiting ok\nquota ok\nreference ok\nidentifier ok\n"
	                       "device ok\nmtc-user ok\naction ok\ngrant NOTAUTHORIZED no-grant\n");
	ck_assert_uint_eq(seed_audits(w.rows), 0);
	store_fail_at(w.store, 1, 1, IWF_ESTORE);
	ck_assert_int_eq(iwf_service_explain(w.svc, &dar, w.now_ms, add_line, text), IWF_ESTORE);
}
END_TEST

START_TEST(explain_knows_what_is_left_of_the_quota)
{
	struct tsp_dar dar = w_trigger(0, 7);
	char text[4096] = "";
	int64_t total;

	w.scs1.quota = 1;
	w.scs1.quota_period_s = 60;
	seed_scs_change(w.rows, &w.scs1);
	ck_assert_int_eq(w.rows->ops->usage_get(w.rows, w.scs1.id, w.now_ms - w.now_ms % 60000, &total), IWF_ENOENT);
	w_dar(w_trigger(1, 5));
	ck_assert_int_eq(w.rows->ops->usage_get(w.rows, w.scs1.id, w.now_ms - w.now_ms % 60000, &total), IWF_OK);
	ck_assert_int_eq(total, 1);
	ck_assert_int_eq(iwf_service_explain(w.svc, &dar, w.now_ms, add_line, text), IWF_OK);
	ck_assert_str_eq(text, "origin ok\nscs ok\nscs-identity ok\nrate ok\nretransmission ok\nwaiting ok\nquota QUOTAEXCEEDED quota\n");
	ck_assert_int_eq(w.rows->ops->usage_get(w.rows, w.scs1.id, w.now_ms - w.now_ms % 60000, &total), IWF_OK);
	ck_assert_int_eq(total, 1);
}
END_TEST

TCase *service_cases_checks(void)
{
	TCase *tc = tcase_create("checks");

	tcase_add_checked_fixture(tc, w_open, w_close);
	tcase_add_test(tc, good_trigger);
	tcase_add_test(tc, everything_a_trigger_can_say);
	tcase_add_test(tc, names_compare_without_case);
	tcase_add_test(tc, agent_vouches);
	tcase_add_loop_test(tc, one_thing_wrong, 0, N(spoiled));
	tcase_add_test(tc, both_identifiers_of_one_device_are_fine);
	tcase_add_test(tc, refusal_says_who_from_where_and_what);
	tcase_add_loop_test(tc, earlier_check_answers, 0, N(order) * N(order));
	tcase_add_test(tc, scs_identity_may_be_required);
	tcase_add_test(tc, scs_without_number);
	tcase_add_test(tc, dates_begin_and_end);
	tcase_add_test(tc, rate_comes_back_with_time);
	tcase_add_test(tc, quota_counts_what_it_let_through);
	tcase_add_test(tc, retransmission_is_not_paid_twice);
	tcase_add_loop_test(tc, unknown_devices_can_be_hidden, 0, 5);
	tcase_add_test(tc, what_is_hidden_takes_the_same_path);
	tcase_add_loop_test(tc, recall_is_no_oracle, 0, 2);
	tcase_add_test(tc, hidden_device_without_service);
	tcase_add_test(tc, name_for_one_scs_is_unknown_to_another);
	tcase_add_test(tc, grants_by_domain_range_and_port);
	tcase_add_test(tc, grants_by_group);
	tcase_add_test(tc, grants_have_dates);
	tcase_add_loop_test(tc, grants_for_ports_have_edges, 0, 7);
	tcase_add_loop_test(tc, grants_for_ranges_have_edges, 0, 6);
	tcase_add_test(tc, static_routing);
	tcase_add_test(tc, retransmission_joins_what_is_under_way);
	tcase_add_test(tc, retransmission_gets_the_first_answer);
	tcase_add_test(tc, retransmission_of_what_is_pending_counts_for_its_whole_life);
	tcase_add_test(tc, new_try_after_nobody_was_there);
	tcase_add_test(tc, uncertain_is_not_sent_twice);
	tcase_add_test(tc, known_by_end_to_end_identifier);
	tcase_add_loop_test(tc, any_difference_is_another_trigger, 0, 6);
	tcase_add_test(tc, same_number_of_another_scs_is_another_trigger);
	tcase_add_test(tc, explain_walks_all_checks_and_leaves_no_trace);
	tcase_add_test(tc, explain_stops_at_the_first_objection);
	tcase_add_test(tc, explain_knows_what_is_left_of_the_quota);
	return tc;
}
