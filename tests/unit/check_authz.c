#include <check.h>
#include <stdlib.h>
#include "authz.h"

#define N(a) ((int)(sizeof (a) / sizeof (a)[0]))
#define NOW 1000000
#define PORT(a, b) .nports = 1, .ports = { { (a), (b) } }

static const struct {
	const char *why;
	struct iwf_grant g[3];
	size_t n;
	struct iwf_authz_req req;
	int64_t want;          /* grant that allows it; 0: none */
	const char *words;
} rows[] = {
	{ "no rows, no permission", { { 0 } }, 0, { IWF_SVC_TRIGGER, false, 0, NOW }, 0, "no grant names both" },
	{ "any port", { { .id = 7, .services = IWF_SVC_TRIGGER } }, 1, { IWF_SVC_TRIGGER, true, 99, NOW }, 7, "grant 7" },
	{ "no port", { { .id = 7, .services = IWF_SVC_TRIGGER } }, 1, { IWF_SVC_TRIGGER, false, 0, NOW }, 7, "grant 7" },
	{ "other service", { { .id = 7, .services = IWF_SVC_TRIGGER } }, 1, { IWF_SVC_RECALL, false, 0, NOW }, 0, "only grants for other services" },
	{ "several services", { { .id = 7, .services = IWF_SVC_TRIGGER | IWF_SVC_REPLACE } }, 1, { IWF_SVC_REPLACE, false, 0, NOW }, 7, "grant 7" },
	{ "row for nothing", { { .id = 7 } }, 1, { IWF_SVC_TRIGGER, false, 0, NOW }, 0, "only grants for other services" },
	{ "first moment", { { .id = 7, .services = 1, .valid_from = NOW } }, 1, { IWF_SVC_TRIGGER, false, 0, NOW }, 7, "grant 7" },
	{ "a moment too early", { { .id = 7, .services = 1, .valid_from = NOW + 1 } }, 1, { IWF_SVC_TRIGGER, false, 0, NOW }, 0, "only grants outside their dates" },
	{ "last moment", { { .id = 7, .services = 1, .valid_until = NOW + 1 } }, 1, { IWF_SVC_TRIGGER, false, 0, NOW }, 7, "grant 7" },
	{ "a moment too late", { { .id = 7, .services = 1, .valid_until = NOW } }, 1, { IWF_SVC_TRIGGER, false, 0, NOW }, 0, "only grants outside their dates" },
	{ "port at the lower end", { { .id = 7, .services = 1, PORT(10, 20) } }, 1, { IWF_SVC_TRIGGER, true, 10, NOW }, 7, "grant 7" },
	{ "port at the upper end", { { .id = 7, .services = 1, PORT(10, 20) } }, 1, { IWF_SVC_TRIGGER, true, 20, NOW }, 7, "grant 7" },
	{ "port below", { { .id = 7, .services = 1, PORT(10, 20) } }, 1, { IWF_SVC_TRIGGER, true, 9, NOW }, 0, "only grants for other application ports" },
	{ "port above", { { .id = 7, .services = 1, PORT(10, 20) } }, 1, { IWF_SVC_TRIGGER, true, 21, NOW }, 0, "only grants for other application ports" },
	{ "port that only fits when cut to 16 bits", { { .id = 7, .services = 1, PORT(10, 20) } }, 1, { IWF_SVC_TRIGGER, true, 65536 + 15, NOW }, 0, "only grants for other application ports" },
	{ "grant for ports, request without", { { .id = 7, .services = 1, PORT(0, 65535) } }, 1, { IWF_SVC_TRIGGER, false, 0, NOW }, 0, "only grants for other application ports" },
	{ "second port range", { { .id = 7, .services = 1, .nports = 2, .ports = { { 1, 1 }, { 5, 5 } } } }, 1, { IWF_SVC_TRIGGER, true, 5, NOW }, 7, "grant 7" },
	{ "one of several is enough",
	  { { .id = 1, .services = IWF_SVC_RECALL }, { .id = 2, .services = 1, .valid_until = 1 }, { .id = 3, .services = 1 } }, 3,
	  { IWF_SVC_TRIGGER, false, 0, NOW }, 3, "grant 3" },
	{ "the nearest miss is told",
	  { { .id = 1, .services = IWF_SVC_RECALL }, { .id = 2, .services = 1, PORT(1, 1) }, { .id = 3, .services = 1, .valid_until = 1 } }, 3,
	  { IWF_SVC_TRIGGER, false, 0, NOW }, 0, "only grants for other application ports" },
};

START_TEST(authz_row)
{
	char why[64];
	const struct iwf_grant *g = iwf_authz_check(&rows[_i].req, rows[_i].g, rows[_i].n, why, sizeof why);

	ck_assert_msg((g ? g->id : 0) == rows[_i].want, "%s", rows[_i].why);
	ck_assert_str_eq(why, rows[_i].words);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("authz");
	TCase *tc = tcase_create("authz");

	tcase_add_loop_test(tc, authz_row, 0, N(rows));
	suite_add_tcase(s, tc);

	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
