#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "ident.h"

#define N(a) ((int)(sizeof (a) / sizeof (a)[0]))
#define VIEW(s) ((struct iwf_view){ (const uint8_t *)(s), sizeof (s) - 1 })

/* A view into exactly as much memory as it names, so that ASan sees one octet too many. */
static struct iwf_view exact(struct iwf_view v)
{
	uint8_t *p = malloc(v.n ? v.n : 1);

	if (v.n)
		memcpy(p, v.p, v.n);
	return (struct iwf_view){ p, v.n };
}

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10

static const struct { const char *why; struct iwf_view in; const char *want; /* NULL: refused */ } extids[] = {
	{ "plain", VIEW("meter7@iot.example.com"), "meter7@iot.example.com" },
	{ "digits", VIEW("123@m2m.mnc001.mcc262.pub.3gppnetwork.org"), "123@m2m.mnc001.mcc262.pub.3gppnetwork.org" },
	{ "domain loses its case, local part keeps it", VIEW("Meter7@IoT.Example.COM"), "Meter7@iot.example.com" },
	{ "every special character of a local part", VIEW("!#$%&'*+/=?^_`{|}~.-a@b.c"), "!#$%&'*+/=?^_`{|}~.-a@b.c" },
	{ "hyphen within a label", VIEW("a@x-y.example"), "a@x-y.example" },
	{ "64 octets before the @", VIEW(A60 "aaaa@b.c"), A60 "aaaa@b.c" },
	{ "253 octets", VIEW("a@" A60 "." A60 "." A60 "." A60 ".aaaaaaa"), "a@" A60 "." A60 "." A60 "." A60 ".aaaaaaa" },
	{ "empty", VIEW(""), NULL },
	{ "no domain", VIEW("meter7"), NULL },
	{ "two @", VIEW("a@b@c.example"), NULL },
	{ "nothing before the @", VIEW("@example.com"), NULL },
	{ "nothing behind the @", VIEW("meter7@"), NULL },
	{ "single label", VIEW("meter7@example"), NULL },
	{ "65 octets before the @", VIEW(A60 "aaaaa@b.c"), NULL },
	{ "254 octets", VIEW("a@" A60 "." A60 "." A60 "." A60 ".aaaaaaaa"), NULL },
	{ "label of 64 octets", VIEW("a@" A60 "aaaa.example"), NULL },
	{ "dot in front", VIEW(".a@b.c"), NULL },
	{ "dot at the end of the local part", VIEW("a.@b.c"), NULL },
	{ "two dots", VIEW("a..b@b.c"), NULL },
	{ "two dots in the domain", VIEW("a@b..c"), NULL },
	{ "dot at the end of the domain", VIEW("a@b.c."), NULL },
	{ "domain begins with a dot", VIEW("a@.b.c"), NULL },
	{ "label begins with a hyphen", VIEW("a@-b.c"), NULL },
	{ "label ends with a hyphen", VIEW("a@b-.c"), NULL },
	{ "last label ends with a hyphen", VIEW("a@b.c-"), NULL },
	{ "underscore in the domain", VIEW("a@b_c.d"), NULL },
	{ "space", VIEW("me ter@b.c"), NULL },
	{ "space at the end", VIEW("a@b.c "), NULL },
	{ "newline", VIEW("a@b.c\n"), NULL },
	{ "carriage return", VIEW("a\r@b.c"), NULL },
	{ "NUL", VIEW("a\0b@b.c"), NULL },
	{ "DEL", VIEW("a\x7f@b.c"), NULL },
	{ "UTF-8", VIEW("z\xc3\xa4hler@b.c"), NULL },
	{ "quote", VIEW("a\"b@b.c"), NULL },
};

START_TEST(extid_row)
{
	struct iwf_view in = exact(extids[_i].in);
	struct iwf_extid out;
	const char *fault = iwf_extid_parse(in, &out);

	ck_assert_msg(!fault == !!extids[_i].want, "%s: %s", extids[_i].why, fault ? fault : "accepted");
	if (!fault) {
		ck_assert_str_eq(out.text, extids[_i].want);
		ck_assert_str_eq(out.domain, strchr(out.text, '@') + 1);
	}
	free((void *)in.p);
}
END_TEST

static const struct { const char *why; struct iwf_view in; const char *want; } tbcds[] = {
	{ "12 digits", VIEW("\x94\x71\x00\x00\x00\x10"), "491700000001" },
	{ "15 digits", VIEW("\x88\x32\x09\x00\x00\x00\x00\xf1"), "882390000000001" },
	{ "11 digits", VIEW("\x51\x55\x21\x43\x65\xf7"), "15551234567" },
	{ "5 digits", VIEW("\x21\x43\xf5"), "12345" },
	{ "no octets", VIEW(""), NULL },
	{ "1 digit", VIEW("\xf1"), NULL },
	{ "4 digits", VIEW("\x21\x43"), NULL },
	{ "16 digits", VIEW("\x21\x43\x65\x87\x09\x21\x43\x65"), NULL },
	{ "9 octets", VIEW("\x21\x43\x65\x87\x09\x21\x43\x65\xf7"), NULL },
	{ "begins with 0", VIEW("\x10\x32\x54"), NULL },
	{ "filler in a low nibble", VIEW("\x21\x43\x5f"), NULL },
	{ "filler in both nibbles", VIEW("\x21\x43\x65\xff"), NULL },
	{ "filler before the end", VIEW("\x21\xf3\x54"), NULL },
	{ "star", VIEW("\x21\x43\xa5"), NULL },
	{ "hash in a low nibble", VIEW("\x21\x43\x5b"), NULL },
	{ "letter c", VIEW("\x21\x43\xe5"), NULL },
};

START_TEST(tbcd_row)
{
	struct iwf_view in = exact(tbcds[_i].in);
	char out[IWF_DIGITS_MAX + 1];
	const char *fault = iwf_e164_from_tbcd(in, out);

	ck_assert_msg(!fault == !!tbcds[_i].want, "%s: %s", tbcds[_i].why, fault ? fault : "accepted");
	if (!fault) {
		uint8_t again[8];

		ck_assert_str_eq(out, tbcds[_i].want);
		ck_assert_uint_eq(iwf_tbcd_from_digits(out, again), in.n);
		ck_assert_mem_eq(again, in.p, in.n);
	}
	free((void *)in.p);
}
END_TEST

START_TEST(tbcd_of_one_digit_and_imsi)
{
	uint8_t out[8];

	ck_assert_uint_eq(iwf_tbcd_from_digits("1", out), 1);
	ck_assert_uint_eq(out[0], 0xf1);
	ck_assert_uint_eq(iwf_tbcd_from_digits("262011234567890", out), 8);
	ck_assert_mem_eq(out, "\x62\x02\x11\x32\x54\x76\x98\xf0", 8);
}
END_TEST

static const struct { const char *why, *in; bool good; } e164s[] = {
	{ "shortest", "12345", true }, { "longest", "123456789012345", true },
	{ "empty", "", false }, { "4 digits", "1234", false }, { "16 digits", "1234567890123456", false },
	{ "plus", "+491700000001", false }, { "blank", "49 1700000001", false }, { "zero first", "0491700000001", false },
};

START_TEST(e164_row)
{
	ck_assert_msg(!iwf_e164_check(e164s[_i].in) == e164s[_i].good, "%s", e164s[_i].why);
}
END_TEST

START_TEST(sme_address_there_and_back)
{
	uint8_t out[10];
	char digits[IWF_DIGITS_MAX + 1];

	ck_assert_uint_eq(iwf_sme_address("491700000001", out), 8);
	ck_assert_mem_eq(out, "\x0c\x91\x94\x71\x00\x00\x00\x10", 8);
	for (const char *number = "882390000000001"; strlen(number) >= 5; number += strlen(number) > 13 ? 1 : 9) {
		size_t n = iwf_sme_address(number, out);

		if (number[0] == '0')
			continue;
		ck_assert_ptr_null(iwf_sme_address_parse((struct iwf_view){ out, n }, digits));
		ck_assert_str_eq(digits, number);
	}
}
END_TEST

static const struct { const char *why; struct iwf_view in; } bad_smeas[] = {
	{ "empty", VIEW("") }, { "two octets", VIEW("\x0c\x91") },
	{ "national number", VIEW("\x0c\xa1\x94\x71\x00\x00\x00\x10") },
	{ "alphanumeric", VIEW("\x0c\xd0\x94\x71\x00\x00\x00\x10") },
	{ "one octet too few", VIEW("\x0c\x91\x94\x71\x00\x00\x00") },
	{ "one octet too many", VIEW("\x0c\x91\x94\x71\x00\x00\x00\x10\x00") },
	{ "says 11, holds 12", VIEW("\x0b\x91\x94\x71\x00\x00\x00\x10") },
	{ "says 12, holds 11", VIEW("\x0c\x91\x51\x55\x21\x43\x65\xf7") },
	{ "says 255", VIEW("\xff\x91\x94\x71\x00\x00\x00\x10") },
};

START_TEST(bad_smea_row)
{
	struct iwf_view in = exact(bad_smeas[_i].in);
	char out[IWF_DIGITS_MAX + 1];

	ck_assert_msg(iwf_sme_address_parse(in, out) != NULL, "%s", bad_smeas[_i].why);
	free((void *)in.p);
}
END_TEST

static const struct { const char *why; struct iwf_view in; bool good; } imsis[] = {
	{ "15 digits", VIEW("262011234567890"), true }, { "14 digits", VIEW("26201123456789"), true },
	{ "leading zeroes", VIEW("001010000000001"), true },
	{ "empty", VIEW(""), false }, { "13", VIEW("2620112345678"), false }, { "16", VIEW("2620112345678901"), false },
	{ "letter", VIEW("26201123456789a"), false }, { "realm", VIEW("262011234567890@x"), false },
};

START_TEST(imsi_row)
{
	struct iwf_view in = exact(imsis[_i].in);
	struct imsi out;
	const char *fault = iwf_imsi_parse(in, &out);

	ck_assert_msg(!fault == imsis[_i].good, "%s", imsis[_i].why);
	if (!fault) {
		ck_assert_uint_eq(strlen(out.digits), in.n);
		ck_assert_mem_eq(out.digits, in.p, in.n);
	}
	free((void *)in.p);
}
END_TEST

#define L50 A10 A10 A10 A10 A10
static const struct { const char *why; struct iwf_view in; bool good; } hosts[] = {
	{ "fqdn", VIEW("hss1.operator.example"), true }, { "one label", VIEW("localhost"), true },
	{ "255", VIEW(L50 "." L50 "." L50 "." L50 "." L50 "a"), true },
	{ "256", VIEW(L50 "." L50 "." L50 "." L50 "." L50 "aa"), false },
	{ "empty", VIEW(""), false }, { "space", VIEW("a b"), false }, { "newline", VIEW("a.b\n"), false },
	{ "colon", VIEW("a.b:3868"), false }, { "dot at the end", VIEW("a.b."), false }, { "NUL", VIEW("a\0b"), false },
};

START_TEST(diamid_row)
{
	struct iwf_view in = exact(hosts[_i].in);

	ck_assert_msg(!iwf_diamid_check(in) == hosts[_i].good, "%s", hosts[_i].why);
	free((void *)in.p);
}
END_TEST

START_TEST(diamid_compares_without_case)
{
	ck_assert(iwf_diamid_eq(VIEW("Scs.Example.COM"), "scs.example.com"));
	ck_assert(!iwf_diamid_eq(VIEW("scs.example.com"), "scs.example.co"));
	ck_assert(!iwf_diamid_eq(VIEW("scs.example.co"), "scs.example.com"));
	ck_assert(!iwf_diamid_eq(VIEW("scs\0example.com"), "scs.example.com"));
	ck_assert(!iwf_diamid_eq(VIEW(""), "a"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ident");
	TCase *tc = tcase_create("ident");

	tcase_add_loop_test(tc, extid_row, 0, N(extids));
	tcase_add_loop_test(tc, tbcd_row, 0, N(tbcds));
	tcase_add_test(tc, tbcd_of_one_digit_and_imsi);
	tcase_add_loop_test(tc, e164_row, 0, N(e164s));
	tcase_add_test(tc, sme_address_there_and_back);
	tcase_add_loop_test(tc, bad_smea_row, 0, N(bad_smeas));
	tcase_add_loop_test(tc, imsi_row, 0, N(imsis));
	tcase_add_loop_test(tc, diamid_row, 0, N(hosts));
	tcase_add_test(tc, diamid_compares_without_case);
	suite_add_tcase(s, tc);

	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
