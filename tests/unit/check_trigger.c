#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "trigger.h"

static const enum trg_state states[] = {
#define X(name, val, word, is_final) name,
	TRG_STATE_LIST(X)
#undef X
};
#define STATES (sizeof states / sizeof states[0])

/* All pairs of state and event, moves and the rest, one line each. */
static void print_matrix(FILE *to)
{
	for (size_t s = 0; s < STATES; s++) {
		for (int e = 0; e < TRG_EVENTS; e++) {
			const struct trg_rule *r = trg_rule(states[s], (enum trg_event)e);

			fprintf(to, "%-13s  %-14s  %s%s%s%s\n", trg_state_str(states[s]), trg_event_str((enum trg_event)e),
			        r ? trg_state_str(r->to) : "-",
			        r && r->effects & TRG_FX_ANSWER ? " answer" : "",
			        r && r->effects & TRG_FX_NOTIFY ? " notify" : "",
			        r && r->effects & TRG_FX_DTR ? " dtr" : "");
		}
	}
}

/* tests/golden/trigger.matrix; with U=1 in the environment it is written anew. */
START_TEST(matrix_is_the_golden_one)
{
	const char *srcdir = getenv("srcdir");
	char path[PATH_MAX], *is = NULL, *want;
	size_t is_len, want_len = 0;
	FILE *f = open_memstream(&is, &is_len);

	print_matrix(f);
	fclose(f);
	snprintf(path, sizeof path, "%s/tests/golden/trigger.matrix", srcdir ? srcdir : ".");
	if (getenv("U")) {
		f = fopen(path, "w");
		ck_assert_msg(f != NULL, "%s", path);
		fputs(is, f);
		fclose(f);
	}
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	want = calloc(1, is_len + 2);
	want_len = fread(want, 1, is_len + 1, f);
	fclose(f);
	ck_assert_msg(want_len == is_len && !memcmp(is, want, is_len),
	              "the table differs from %s; see the difference with: U=1 ./check_trigger && git diff", path);
	free(want);
	free(is);
}
END_TEST

START_TEST(final_states_stay_unless_a_report_comes_late)
{
	for (size_t s = 0; s < STATES; s++)
		for (int e = 0; e < TRG_EVENTS; e++)
			if (trg_state_is_final(states[s]) && states[s] != TRG_UNCERTAIN)
				ck_assert_ptr_null(trg_rule(states[s], (enum trg_event)e));
}
END_TEST

START_TEST(who_leaves_submitting_is_answered_and_nobody_else)
{
	size_t n;
	const struct trg_rule *r = trg_rules(&n);

	for (; n--; r++)
		ck_assert_int_eq(!!(r->effects & TRG_FX_ANSWER), r->from == TRG_SUBMITTING);
}
END_TEST

START_TEST(what_ends_by_itself_is_reported)
{
	size_t n;
	const struct trg_rule *r = trg_rules(&n);

	for (; n--; r++) {
		bool reported = r->to == TRG_DELIVERED || r->to == TRG_UNDELIVERABLE || r->to == TRG_EXPIRED || r->to == TRG_UNCONFIRMED;

		ck_assert_int_eq(!!(r->effects & TRG_FX_NOTIFY), reported);
	}
}
END_TEST

START_TEST(one_rule_a_pair_and_each_state_is_reached)
{
	size_t n, to[16] = { 0 };
	const struct trg_rule *r = trg_rules(&n);

	for (size_t i = 0; i < n; i++) {
		to[r[i].to]++;
		ck_assert_ptr_eq(trg_rule(r[i].from, r[i].event), &r[i]);
	}
	for (size_t s = 0; s < STATES; s++)
		ck_assert_msg(to[states[s]] || states[s] == TRG_SUBMITTING, "%s", trg_state_str(states[s]));
}
END_TEST

START_TEST(outcomes_and_names)
{
	ck_assert_int_eq(trg_state_outcome(TRG_DELIVERED), TSP_OUTCOME_SUCCESS);
	ck_assert_int_eq(trg_state_outcome(TRG_EXPIRED), TSP_OUTCOME_EXPIRED);
	ck_assert_int_eq(trg_state_outcome(TRG_UNDELIVERABLE), TSP_OUTCOME_UNDELIVERABLE);
	ck_assert_int_eq(trg_state_outcome(TRG_UNCONFIRMED), TSP_OUTCOME_UNCONFIRMED);
	ck_assert_str_eq(trg_state_str((enum trg_state)99), "?");
	ck_assert_str_eq(trg_event_str(TRG_EVENTS), "?");
	ck_assert(!trg_state_is_final((enum trg_state)99));
	ck_assert_str_eq(iwf_err_str(IWF_EFULL), "queue or disk is full");
	ck_assert_int_eq(iwf_err_status(IWF_ESTORE), TSP_TEMPORARYERROR);
	ck_assert_str_eq(tsp_status_str(TSP_INVPERIOD), "INVPERIOD");
	ck_assert_str_eq(tsp_status_str(999), "?");
	ck_assert_str_eq(tsp_action_str(TSP_REPLACE), "replace");
	ck_assert_str_eq(tsp_outcome_str(TSP_OUTCOME_UNCONFIRMED), "UNCONFIRMED");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("trigger");
	TCase *tc = tcase_create("trigger");

	tcase_add_test(tc, matrix_is_the_golden_one);
	tcase_add_test(tc, final_states_stay_unless_a_report_comes_late);
	tcase_add_test(tc, who_leaves_submitting_is_answered_and_nobody_else);
	tcase_add_test(tc, what_ends_by_itself_is_reported);
	tcase_add_test(tc, one_rule_a_pair_and_each_state_is_reached);
	tcase_add_test(tc, outcomes_and_names);
	suite_add_tcase(s, tc);

	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
