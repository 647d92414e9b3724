#include <check.h>
#include <stdlib.h>
#include "policy.h"

#define N(a) ((int)(sizeof (a) / sizeof (a)[0]))

static const struct iwf_service_conf conf = { .payload_max = 140, .validity_max_s = 1000, .validity_default_s = 600 };
static const uint8_t octets[256];

#define DAR .has_trigger_data = true, .payload = { octets, 10 }

static const struct { const char *why; struct tsp_dar dar; struct iwf_scs scs; enum tsp_status status; enum iwf_reason reason; } rows[] = {
	{ "plain", { DAR }, { .id = 1 }, TSP_SUCCESS, RS_NONE },
	{ "no Trigger-Data", { .payload = { octets, 10 } }, { .id = 1 }, TSP_INVPAYLOAD, RS_PAYLOAD },
	{ "empty", { .has_trigger_data = true }, { .id = 1 }, TSP_INVPAYLOAD, RS_PAYLOAD },
	{ "one octet", { .has_trigger_data = true, .payload = { octets, 1 } }, { .id = 1 }, TSP_SUCCESS, RS_NONE },
	{ "at the configured limit", { .has_trigger_data = true, .payload = { octets, 140 } }, { .id = 1 }, TSP_SUCCESS, RS_NONE },
	{ "one above", { .has_trigger_data = true, .payload = { octets, 141 } }, { .id = 1 }, TSP_INVPAYLOAD, RS_PAYLOAD },
	{ "at the limit of the row", { .has_trigger_data = true, .payload = { octets, 200 } }, { .payload_max = 200 }, TSP_SUCCESS, RS_NONE },
	{ "above the limit of the row", { .has_trigger_data = true, .payload = { octets, 11 } }, { .payload_max = 10 }, TSP_INVPAYLOAD, RS_PAYLOAD },
	{ "port 65535", { DAR, .has_port = true, .port = 65535 }, { .id = 1 }, TSP_SUCCESS, RS_NONE },
	{ "port 65536", { DAR, .has_port = true, .port = 65536 }, { .id = 1 }, TSP_INVPAYLOAD, RS_PORT },
	{ "port that was not sent", { DAR, .port = 65536 }, { .id = 1 }, TSP_SUCCESS, RS_NONE },
	{ "priority not allowed", { DAR, .priority = true }, { .id = 1 }, TSP_NOTAUTHORIZED, RS_PRIORITY },
	{ "priority allowed", { DAR, .priority = true }, { .allow_priority = true }, TSP_SUCCESS, RS_NONE },
	{ "validity 0 is a single attempt", { DAR, .has_validity = true }, { .id = 1 }, TSP_SUCCESS, RS_NONE },
	{ "validity at the limit", { DAR, .has_validity = true, .validity_s = 1000 }, { .id = 1 }, TSP_SUCCESS, RS_NONE },
	{ "validity above", { DAR, .has_validity = true, .validity_s = 1001 }, { .id = 1 }, TSP_INVPERIOD, RS_VALIDITY },
	{ "validity of all ones", { DAR, .has_validity = true, .validity_s = UINT32_MAX }, { .id = 1 }, TSP_INVPERIOD, RS_VALIDITY },
	{ "validity above the row's limit", { DAR, .has_validity = true, .validity_s = 11 }, { .validity_max_s = 10 }, TSP_INVPERIOD, RS_VALIDITY },
	{ "payload before port", { .has_trigger_data = true, .has_port = true, .port = 70000 }, { .id = 1 }, TSP_INVPAYLOAD, RS_PAYLOAD },
	{ "port before priority", { DAR, .has_port = true, .port = 70000, .priority = true }, { .id = 1 }, TSP_INVPAYLOAD, RS_PORT },
	{ "priority before validity", { DAR, .priority = true, .has_validity = true, .validity_s = 2000 }, { .id = 1 }, TSP_NOTAUTHORIZED, RS_PRIORITY },
};

START_TEST(policy_row)
{
	struct iwf_policy_verdict v = iwf_policy_check(&rows[_i].dar, &rows[_i].scs, &conf);

	ck_assert_msg(v.status == rows[_i].status && v.reason == rows[_i].reason, "%s: %s, %s (%s)", rows[_i].why,
	              tsp_status_str(v.status), iwf_reason_str(v.reason), v.detail);
	ck_assert((v.status == TSP_SUCCESS) == (v.detail[0] == '\0'));
}
END_TEST

static const struct { const char *why; struct tsp_dar dar; struct iwf_scs scs; uint32_t want; } validities[] = {
	{ "as sent", { .has_validity = true, .validity_s = 5 }, { .id = 1 }, 5 },
	{ "0 as sent", { .has_validity = true }, { .id = 1 }, 0 },
	{ "default", { .priority = false }, { .id = 1 }, 600 },
	{ "default, but not above the row's limit", { .priority = false }, { .validity_max_s = 60 }, 60 },
	{ "default, row's limit above it", { .priority = false }, { .validity_max_s = 6000 }, 600 },
};

START_TEST(validity_row)
{
	ck_assert_msg(iwf_policy_validity_s(&validities[_i].dar, &validities[_i].scs, &conf) == validities[_i].want,
	              "%s", validities[_i].why);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy");
	TCase *tc = tcase_create("policy");

	tcase_add_loop_test(tc, policy_row, 0, N(rows));
	tcase_add_loop_test(tc, validity_row, 0, N(validities));
	suite_add_tcase(s, tc);

	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
