/* check_csv.c - the CSV reader: RFC 4180 by example, what breaks it, and random records out and in again. */
#include "csv.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Text that comes in pieces of at most `piece` octets. */
struct source { const char *p; size_t n, piece; bool fails; };

static long give(void *ctx, void *buf, size_t size)
{
	struct source *s = ctx;
	size_t n = s->piece < size ? s->piece : size;
	n = s->n < n ? s->n : n;
	if (!n && s->fails)
		return -1;
	memcpy(buf, s->p, n);
	s->p += n;
	s->n -= n;
	return (long)n;
}

/* All of it in one line: "1|a|b" a record, "2!why" a bad one. */
static void render(const char *text, size_t len, size_t piece, char *out, size_t size)
{
	struct source src = { text, len, piece, false };
	struct iwf_csv c;
	enum iwf_csv_got got;
	size_t n = 0;
	ck_assert(iwf_csv_open(&c, give, &src));
	out[0] = '\0';
	while ((got = iwf_csv_next(&c)) == IWF_CSV_ROW || got == IWF_CSV_BAD) {
		n += (size_t)snprintf(out + n, size - n, "%s%llu", n ? " " : "", (unsigned long long)c.line);
		if (got == IWF_CSV_BAD)
			n += (size_t)snprintf(out + n, size - n, "!%s", c.why);
		for (size_t i = 0; got == IWF_CSV_ROW && i < c.nfields; i++) {
			ck_assert_uint_eq(strlen(c.field[i].p), c.field[i].n);
			n += (size_t)snprintf(out + n, size - n, "|%s", c.field[i].p);
		}
	}
	ck_assert_int_eq(got, IWF_CSV_END);
	iwf_csv_close(&c);
}

#define TEXT(s) s, sizeof(s) - 1
static const struct { const char *text; size_t len; const char *want; } rows[] = {
	{ TEXT(""), "" },
	{ TEXT("a"), "1|a" },
	{ TEXT("a\n"), "1|a" },
	{ TEXT("a\r\n"), "1|a" },
	{ TEXT("a\r"), "1|a" },
	{ TEXT("a,b\r\nc,d\r\n"), "1|a|b 2|c|d" },
	{ TEXT("a,b\nc,d"), "1|a|b 2|c|d" },
	{ TEXT(","), "1||" },
	{ TEXT(",\n,\n"), "1|| 2||" },
	{ TEXT("a,\n"), "1|a|" },
	{ TEXT("a,"), "1|a|" },
	{ TEXT("\n\na\n\r\n\nb\n\n"), "3|a 6|b" },
	{ TEXT("\"\"\n"), "1|" },
	{ TEXT("\"a\",\"b\"\n"), "1|a|b" },
	{ TEXT("\"a,b\",c"), "1|a,b|c" },
	{ TEXT("\"a\"\"b\"\n"), "1|a\"b" },
	{ TEXT("\"\"\"\"\n"), "1|\"" },
	{ TEXT("\"\"\"\"\"\""), "1|\"\"" },
	{ TEXT("\"a\nb\",c\nd\n"), "1|a\nb|c 3|d" },
	{ TEXT("\"a\r\n\r\nb\"\r\nd\r\n"), "1|a\r\n\r\nb 4|d" },
	{ TEXT("\"a\"\r\n\"b\"\r"), "1|a 2|b" },
	{ TEXT(" a , b \n"), "1| a | b " },
	{ TEXT("\xef\xbb\xbfimsi\nx\n"), "1|imsi 2|x" },
	{ TEXT("\xef\xbb\xbf\"a\"\n"), "1|a" },
	{ TEXT("\xef\xbb"), "1|\xef\xbb" },
	{ TEXT("\xc3\xa4\n"), "1|\xc3\xa4" },
	{ TEXT("a\"b\nc\n"), "1!a quote within a field that is not quoted 2|c" },
	{ TEXT("\"a\"b\nc\n"), "1!more behind the quote that closes a field 2|c" },
	{ TEXT("\"a\" ,b\nc\n"), "1!more behind the quote that closes a field 2|c" },
	{ TEXT("a\rb\nc\n"), "1!a carriage return within a line 2|c" },
	{ TEXT("a\0b\nc\n"), "1!a NUL in it 2|c" },
	{ TEXT("\"a\0b\"\nc\n"), "1!a NUL in it 2|c" },
	{ TEXT("\"a\nb\nc"), "1!a quote is never closed 2|b 3|c" },
	{ TEXT("x\n\"a"), "1|x 2!a quote is never closed" },
	{ TEXT("\"a\n\"b\",c\nd\n"), "1!more behind the quote that closes a field 2|b|c 3|d" },
};

START_TEST(row)
{
	char got[500];
	for (size_t piece = 1; piece < 20; piece++) {
		render(rows[_i].text, rows[_i].len, piece, got, sizeof got);
		ck_assert_msg(strcmp(got, rows[_i].want) == 0, "row %d in pieces of %zu: %s", _i, piece, got);
	}
}
END_TEST

/* `n` times `c` between two texts. */
static char *long_text(const char *before, char c, size_t n, const char *after, size_t *len)
{
	size_t head = strlen(before), tail = strlen(after);
	char *text = malloc(head + n + tail);
	ck_assert_ptr_nonnull(text);
	memcpy(text, before, head);
	memset(text + head, c, n);
	memcpy(text + head + n, after, tail);
	*len = head + n + tail;
	return text;
}

START_TEST(limits)
{
	static const struct { const char *before; char c; size_t n; const char *after, *want; } cases[] = {
		{ "x\n", ',', IWF_CSV_FIELDS, "\ny\n", "1|x 2!too many fields 3|y" },
		{ "x\n", 'a', IWF_CSV_RECORD, "\ny\n", "1|x 2!longer than 65536 octets 3|y" },
		{ "x\n\"", 'a', 5 * IWF_CSV_RECORD, "\ny\n", "1|x 2!longer than 65536 octets 3|y" },
		{ "x\n\"", '\n', 5 * IWF_CSV_RECORD, "z\n", "1|x 2!longer than 65536 octets 327682|z" },
		{ "x\n", 'a', 9 * IWF_CSV_RECORD, "", "1|x 2!longer than 65536 octets" },
	};
	char got[500];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t piece = 4000; piece < 1000000; piece *= 7) {
			size_t len;
			char *text = long_text(cases[i].before, cases[i].c, cases[i].n, cases[i].after, &len);
			render(text, len, piece, got, sizeof got);
			ck_assert_msg(strcmp(got, cases[i].want) == 0, "case %zu, pieces of %zu: %.200s", i, piece, got);
			free(text);
		}
}
END_TEST

START_TEST(just_fits)
{
	size_t len;
	char *text = long_text("", 'a', IWF_CSV_RECORD - 1, "\nb\n", &len);
	struct source src = { text, len, 5000, false };
	struct iwf_csv c;
	ck_assert(iwf_csv_open(&c, give, &src));
	ck_assert_int_eq(iwf_csv_next(&c), IWF_CSV_ROW);
	ck_assert_uint_eq(c.field[0].n, IWF_CSV_RECORD - 1);
	ck_assert_int_eq(iwf_csv_next(&c), IWF_CSV_ROW);
	ck_assert_str_eq(c.field[0].p, "b");
	iwf_csv_close(&c);
	free(text);
}
END_TEST

START_TEST(source_fails)
{
	static const char *const texts[] = { "", "a,b\n", "a,b", "\"a", "a\r" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct source src = { texts[i], strlen(texts[i]), 2, true };
		struct iwf_csv c;
		enum iwf_csv_got got;
		ck_assert(iwf_csv_open(&c, give, &src));
		while ((got = iwf_csv_next(&c)) == IWF_CSV_ROW)
			ck_assert_str_eq(c.field[0].p, "a");
		ck_assert_int_eq(got, IWF_CSV_FAILED);
		ck_assert_int_eq(iwf_csv_next(&c), IWF_CSV_FAILED);
		iwf_csv_close(&c);
	}
}
END_TEST

/* ---- random records ---- */

#define RECORDS 200
#define FIELDS  9
struct record { size_t n; char *field[FIELDS]; };

static char *random_field(void)
{
	static const char letters[] = "aaaabbcz019@.-;:  ,,\"\"\n\r\xc3\xa4";
	size_t n = rand() % 4 ? (size_t)rand() % 12 : (size_t)rand() % 3000;
	char *f = malloc(n + 1);
	ck_assert_ptr_nonnull(f);
	for (size_t i = 0; i < n; i++)
		f[i] = rand() % 3 ? 'x' : letters[(size_t)rand() % (sizeof letters - 1)];
	f[n] = '\0';
	return f;
}

static size_t lines_in(const char *text)
{
	size_t n = 0;
	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

START_TEST(round_trip)
{
	struct record r[RECORDS];
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	srand(1000u + (unsigned)_i);
	for (size_t i = 0; i < RECORDS; i++) {
		r[i].n = 2 + (size_t)rand() % (FIELDS - 1);
		for (size_t k = 0; k < r[i].n; k++) {
			r[i].field[k] = random_field();
			if (k)
				putc(',', to);
			iwf_csv_put(to, r[i].field[k], strlen(r[i].field[k]));
		}
		fputs(rand() % 2 ? "\r\n" : "\n", to);
	}
	ck_assert_int_eq(fclose(to), 0);

	struct source src = { text, len, 1 + (size_t)rand() % (_i % 2 ? 50 : 100000), false };
	struct iwf_csv c;
	uint64_t line = 1;
	ck_assert(iwf_csv_open(&c, give, &src));
	for (size_t i = 0; i < RECORDS; i++) {
		ck_assert_int_eq(iwf_csv_next(&c), IWF_CSV_ROW);
		ck_assert_uint_eq(c.line, line++);
		ck_assert_uint_eq(c.nfields, r[i].n);
		for (size_t k = 0; k < r[i].n; k++) {
			ck_assert_str_eq(c.field[k].p, r[i].field[k]);
			line += lines_in(r[i].field[k]);
			free(r[i].field[k]);
		}
	}
	ck_assert_int_eq(iwf_csv_next(&c), IWF_CSV_END);
	iwf_csv_close(&c);
	free(text);
}
END_TEST

/* Whatever comes: no octet is read twice, every call gets on, line numbers rise. */
START_TEST(garbage)
{
	static const char letters[] = "aa,,\"\"\"\r\n\n\0";
	char text[5000];
	srand(5000u + (unsigned)_i);
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = letters[(size_t)rand() % (sizeof letters - 1)];
	struct source src = { text, sizeof text, 1 + (size_t)rand() % 700, false };
	struct iwf_csv c;
	enum iwf_csv_got got;
	uint64_t line = 0;
	ck_assert(iwf_csv_open(&c, give, &src));
	while ((got = iwf_csv_next(&c)) != IWF_CSV_END) {
		ck_assert_int_ne(got, IWF_CSV_FAILED);
		ck_assert_uint_gt(c.line, line);
		line = c.line;
	}
	size_t lines = 1;
	for (size_t i = 0; i < sizeof text; i++)
		lines += text[i] == '\n';
	ck_assert_uint_le(line, lines);
	iwf_csv_close(&c);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("csv");
	TCase *tc = tcase_create("csv");
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, row, 0, (int)(sizeof rows / sizeof *rows));
	tcase_add_test(tc, limits);
	tcase_add_test(tc, just_fits);
	tcase_add_test(tc, source_fails);
	tcase_add_loop_test(tc, round_trip, 0, 20);
	tcase_add_loop_test(tc, garbage, 0, 50);
	suite_add_tcase(s, tc);
	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
