/* check_private.c - IMSIs that were seen are known, and are not written in clear. */
#include "private.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hash.h"
#include "log.h"

static uint64_t packed(const char *digits)
{
	uint64_t v = 0;
	while (*digits)
		v = v << 4 | (uint64_t)(*digits++ - '0');
	return v;
}

static bool is_known(const char *digits)
{
	return iwf_private_is(packed(digits), (unsigned)strlen(digits));
}

START_TEST(noted)
{
	ck_assert(!is_known("262019999900001"));
	iwf_private_note("262019999900001");
	iwf_private_note("26201999990000");
	ck_assert(is_known("262019999900001"));
	ck_assert(is_known("26201999990000"));
	ck_assert(!is_known("262019999900002"));
	/* 14 and 15 digits are two numbers, also where the first is 0. */
	iwf_private_note("001019999900007");
	ck_assert(is_known("001019999900007") && !is_known("01019999900007"));
	iwf_private_note("");
	iwf_private_note("2620199999");
	iwf_private_note("2620199999000011");
	iwf_private_note("26201999990000x");
	ck_assert(!iwf_private_is(0, 15) && !iwf_private_is(0, 14));
}
END_TEST

/* More than there is room for: the latest are known all the same. */
START_TEST(many)
{
	char imsi[16];
	unsigned forgotten = 0;

	for (unsigned i = 0; i < 3 * IWF_PRIVATE_MAX; i++) {
		snprintf(imsi, sizeof(imsi), "90170%010u", i * 7919u);
		iwf_private_note(imsi);
		ck_assert(is_known(imsi));
	}
	for (unsigned i = 3 * IWF_PRIVATE_MAX - IWF_PRIVATE_MAX / 8; i < 3 * IWF_PRIVATE_MAX; i++) {
		snprintf(imsi, sizeof(imsi), "90170%010u", i * 7919u);
		forgotten += !is_known(imsi);
	}
	ck_assert_msg(forgotten < IWF_PRIVATE_MAX / 8 / 20, "%u of %u", forgotten, IWF_PRIVATE_MAX / 8);
}
END_TEST

static const struct { const char *in, *out, *any; } rows[] = {
	{ "", "", "" },
	{ "nothing to hide: 12345678901234", NULL, "nothing to hide: #2" },
	{ "262019999900001", "#1", "#1" },
	{ "User-Name = \"262019999900001\" of 262019999900001", "User-Name = \"#1\" of #1", "User-Name = \"#1\" of #1" },
	{ "99262019999900001@x", "99#1@x", "<9 octets>@x" },
	{ "2620199999000012620199999000012", "#1#12", "<16 octets>" },
	{ "x262019999900001y", "x#1y", "x#1y" },
	/* A number that nobody has noted is masked only where it stands alone. */
	{ "262019999900002", NULL, "#3" },
	{ "a262019999900002g h62019999900002b 26201999990000", NULL, "a262019999900002g h62019999900002b #4" },
	/* Nor is what may be octets that hold one. */
	{ "val=\"2620199999000023\" (3236323031393939393930303030330A)", NULL, "val=\"<8 octets>\" (<16 octets>)" },
	{ "#abcdef0123456789 f#abcdef01234567890", NULL, "#abcdef0123456789 f#<9 octets>" },
	{ "2620199999000FF 0x7fffffffe000 C0FFEE", NULL, "<8 octets> 0x7fffffffe000 C0FFEE" },
};

static void fill(const char *with, char *out, size_t size)
{
	static const char *const numbers[] = { "", "262019999900001", "12345678901234", "262019999900002", "26201999990000" };
	char name[17];
	size_t n = 0;

	out[0] = '\0';
	for (; *with; with++) {
		if (*with == '#' && with[1] >= '0' && with[1] < '5') {
			iwf_hash_private(numbers[with[1] - '0'], name);
			n += (size_t)snprintf(out + n, size - n, "#%s", name);
			with++;
		} else {
			out[n++] = *with;
			out[n] = '\0';
		}
	}
}

START_TEST(masked)
{
	char want[512], got[512];

	iwf_private_note("262019999900001");
	fill(rows[_i].out ? rows[_i].out : "", want, sizeof(want));
	iwf_private_mask(rows[_i].in, got, sizeof(got));
	ck_assert_str_eq(got, rows[_i].out ? want : rows[_i].in);
	ck_assert_int_eq(iwf_private_in(rows[_i].in), rows[_i].out && *rows[_i].in);
	fill(rows[_i].any ? rows[_i].any : "", want, sizeof(want));
	iwf_private_mask_any(rows[_i].in, got, sizeof(got));
	ck_assert_str_eq(got, rows[_i].any ? want : rows[_i].in);
}
END_TEST

START_TEST(masked_cut)
{
	char got[40];

	iwf_private_note("262019999900001");
	for (size_t size = 1; size <= sizeof(got); size++) {
		memset(got, 'x', sizeof(got));
		iwf_private_mask("ab 262019999900001 cd", got, size);
		ck_assert(strlen(got) < size);
		ck_assert(!strstr(got, "2620199999"));
	}
}
END_TEST

static char logged[IWF_LOG_LINE_MAX];
static void catch(void *ctx, enum iwf_log_level level, enum iwf_log_sub sub, const char *line)
{
	snprintf(logged, sizeof(logged), "%s", line);
}

START_TEST(log_masks)
{
	char name[17], want[64];

	iwf_private_note("262019999900001");
	iwf_hash_private("262019999900001", name);
	snprintf(want, sizeof(want), "device #%s\\x0a", name);
	iwf_log_set_sink(catch, NULL);
	iwf_log(IWF_LOG_ERROR, IWF_SUB_TSP, "device %s\n", "262019999900001");
	iwf_log_set_sink(NULL, NULL);
	ck_assert_str_eq(logged, want);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("private");
	TCase *tc = tcase_create("private");
	SRunner *r;
	int bad;

	tcase_add_test(tc, noted);
	tcase_add_test(tc, many);
	tcase_add_loop_test(tc, masked, 0, sizeof(rows) / sizeof(*rows));
	tcase_add_test(tc, masked_cut);
	tcase_add_test(tc, log_masks);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
