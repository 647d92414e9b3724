#include <check.h>
#include <stdlib.h>
#include "ratelimit.h"

#define T0 INT64_C(1700000000000)

static int taken(struct iwf_bucket *b, uint32_t rate, uint32_t burst, int64_t now_ms, int tries)
{
	int n = 0;

	while (tries--)
		n += iwf_bucket_take(b, rate, burst, now_ms);
	return n;
}

START_TEST(full_at_first_use)
{
	struct iwf_bucket b = { 0, 0 };

	ck_assert_int_eq(taken(&b, 1, 5, T0, 10), 5);
}
END_TEST

START_TEST(refills_at_the_rate)
{
	struct iwf_bucket b = { 0, 0 };

	taken(&b, 10, 5, T0, 10);
	ck_assert_int_eq(taken(&b, 10, 5, T0 + 99, 10), 0);
	ck_assert_int_eq(taken(&b, 10, 5, T0 + 100, 10), 1);
	ck_assert_int_eq(taken(&b, 10, 5, T0 + 300, 10), 2);
}
END_TEST

START_TEST(parts_of_a_token_are_kept)
{
	struct iwf_bucket b = { 0, 0 };
	int n = taken(&b, 3, 1, T0, 1);

	for (int ms = 1; ms <= 10000; ms++)
		n += taken(&b, 3, 1, T0 + ms, 1);
	ck_assert_int_ge(n, 30);
	ck_assert_int_le(n, 31);
}
END_TEST

START_TEST(never_above_burst)
{
	struct iwf_bucket b = { 0, 0 };

	taken(&b, 1000000, 5, T0, 10);
	ck_assert_int_eq(taken(&b, 1000000, 5, T0 + 1, 10), 5);
	ck_assert_int_eq(taken(&b, 1000000, 5, INT64_MAX, 10), 5);
	ck_assert_int_eq(taken(&b, 1, 2, INT64_MAX, 10), 0);
}
END_TEST

START_TEST(burst_made_smaller_counts_at_once)
{
	struct iwf_bucket b = { 0, 0 };

	ck_assert_int_eq(taken(&b, 1, 100, T0, 1), 1);
	ck_assert_int_eq(taken(&b, 1, 3, T0, 10), 3);
}
END_TEST

START_TEST(clock_that_goes_back_does_no_harm)
{
	struct iwf_bucket b = { 0, 0 };

	taken(&b, 10, 5, T0, 10);
	ck_assert_int_eq(taken(&b, 10, 5, T0 - 3600000, 10), 0);
	ck_assert_int_eq(taken(&b, 10, 5, T0 - 3600000 + 100, 10), 1);
}
END_TEST

START_TEST(rate_zero_never_refills)
{
	struct iwf_bucket b = { 0, 0 };

	ck_assert_int_eq(taken(&b, 0, 2, T0, 5), 2);
	ck_assert_int_eq(taken(&b, 0, 2, T0 + 1000000000, 5), 0);
}
END_TEST

/* ---- less than once a second */

START_TEST(pace)
{
	int64_t full_ms = 0;
	int n = 0;

	for (int i = 0; i < 10; i++)
		n += iwf_pace_take(&full_ms, 60000, 3, T0);
	ck_assert_int_eq(n, 3);
	ck_assert(!iwf_pace_take(&full_ms, 60000, 3, T0 + 59999));
	ck_assert(iwf_pace_take(&full_ms, 60000, 3, T0 + 60000));
	ck_assert(!iwf_pace_take(&full_ms, 60000, 3, T0 + 60000));
	/* After a long time no more than a full one. */
	n = 0;
	for (int i = 0; i < 10; i++)
		n += iwf_pace_take(&full_ms, 60000, 3, T0 + INT64_C(1000000000));
	ck_assert_int_eq(n, 3);
	/* The clock has gone back: empty, but not for longer than it takes. */
	ck_assert(!iwf_pace_take(&full_ms, 60000, 3, T0));
	ck_assert(iwf_pace_take(&full_ms, 60000, 3, T0 + 60000));
	/* No burst is one. */
	full_ms = 0;
	ck_assert(iwf_pace_take(&full_ms, 1000, 0, T0));
	ck_assert(!iwf_pace_take(&full_ms, 1000, 0, T0 + 999));
	ck_assert(iwf_pace_take(&full_ms, 1000, 0, T0 + 1000));
}
END_TEST

START_TEST(looking_takes_nothing)
{
	struct iwf_bucket b = { 0, 0 };

	for (int i = 0; i < 10; i++)
		ck_assert(iwf_bucket_has(&b, 1, 1, T0));
	ck_assert(iwf_bucket_take(&b, 1, 1, T0));
	ck_assert(!iwf_bucket_has(&b, 1, 1, T0 + 999));
	ck_assert(iwf_bucket_has(&b, 1, 1, T0 + 1000));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ratelimit");
	TCase *tc = tcase_create("ratelimit");

	tcase_add_test(tc, full_at_first_use);
	tcase_add_test(tc, pace);
	tcase_add_test(tc, looking_takes_nothing);
	tcase_add_test(tc, refills_at_the_rate);
	tcase_add_test(tc, parts_of_a_token_are_kept);
	tcase_add_test(tc, never_above_burst);
	tcase_add_test(tc, burst_made_smaller_counts_at_once);
	tcase_add_test(tc, clock_that_goes_back_does_no_harm);
	tcase_add_test(tc, rate_zero_never_refills);
	suite_add_tcase(s, tc);

	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
