/* check_log.c - levels, sinks, lines that must not be forged, threads. */
#include "log.h"
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct caught { unsigned n; enum iwf_log_level level; enum iwf_log_sub sub; char line[IWF_LOG_LINE_MAX]; };

static void catch(void *ctx, enum iwf_log_level level, enum iwf_log_sub sub, const char *line)
{
	struct caught *c = ctx;

	c->n++;
	c->level = level;
	c->sub = sub;
	snprintf(c->line, sizeof(c->line), "%s", line);
	errno = EPIPE;
}

static struct caught got;

static void setup(void)
{
	memset(&got, 0, sizeof(got));
	iwf_log_set_level(IWF_LOG_NOTICE);
	iwf_log_set_sink(catch, &got);
}

static void teardown(void)
{
	iwf_log_set_sink(NULL, NULL);
	iwf_log_set_level(IWF_LOG_NOTICE);
}

START_TEST(level_row)
{
	enum iwf_log_level at = (enum iwf_log_level)_i;

	iwf_log_set_level(at);
	for (int l = IWF_LOG_ERROR; l <= IWF_LOG_DEBUG; l++) {
		unsigned before = got.n;

		ck_assert_int_eq(iwf_log_wants((enum iwf_log_level)l), l <= (int)at);
		iwf_log((enum iwf_log_level)l, IWF_SUB_T4, "level %d", l);
		ck_assert_uint_eq(got.n - before, l <= (int)at);
	}
}
END_TEST

START_TEST(line_arrives)
{
	errno = ENOSPC;
	iwf_log(IWF_LOG_WARN, IWF_SUB_ACL, "peer %s: %d", "scs.acme.example", 7);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_uint_eq(got.n, 1);
	ck_assert_int_eq(got.level, IWF_LOG_WARN);
	ck_assert_int_eq(got.sub, IWF_SUB_ACL);
	ck_assert_str_eq(got.line, "peer scs.acme.example: 7");
}
END_TEST

static const struct { const char *in; size_t size; const char *want; } escapes[] = {
	{ "", 8, "" },
	{ "plain ~ text", 64, "plain ~ text" },
	{ "a\nb\r\tc", 64, "a\\x0ab\\x0d\\x09c" },
	{ "\x1b[31m\x7f", 64, "\\x1b[31m\\x7f" },
	{ "\xc3\xa9\x9b", 64, "\\xc3\\xa9\\x9b" },
	{ "back\\x0aslash", 64, "back\\x5cx0aslash" },
	{ "1234567", 8, "1234567" },
	{ "12345678", 8, "1234..." },
	{ "123\n", 8, "123\\x0a" },
	{ "1234\n", 8, "1234..." },
	{ "\n\n", 8, "\\x0a..." },
	{ "\n\n", 7, "..." },
	{ "1234", 4, "..." },
	{ "123", 4, "123" },
};

START_TEST(escape_row)
{
	char out[64];

	memset(out, '#', sizeof(out));
	iwf_log_escape(escapes[_i].in, out, escapes[_i].size);
	ck_assert_str_eq(out, escapes[_i].want);
	for (size_t i = escapes[_i].size; i < sizeof(out); i++)
		ck_assert_int_eq(out[i], '#');
}
END_TEST

START_TEST(line_is_escaped_and_cut)
{
	char longer[2 * IWF_LOG_LINE_MAX];

	iwf_log(IWF_LOG_ERROR, IWF_SUB_TSP, "device %s", "x\nerror node: forged");
	ck_assert_str_eq(got.line, "device x\\x0aerror node: forged");
	memset(longer, 'y', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	iwf_log(IWF_LOG_ERROR, IWF_SUB_TSP, "%s", longer);
	ck_assert_uint_eq(strlen(got.line), IWF_LOG_LINE_MAX - 1);
	ck_assert_str_eq(got.line + IWF_LOG_LINE_MAX - 4, "...");
}
END_TEST

START_TEST(stderr_line)
{
	char text[256] = "";
	int fds[2], saved = dup(STDERR_FILENO);

	iwf_log_set_sink(NULL, NULL);
	ck_assert_int_eq(pipe(fds), 0);
	fflush(stderr);
	dup2(fds[1], STDERR_FILENO);
	iwf_log(IWF_LOG_ERROR, IWF_SUB_STORE, "disk %d%%", 100);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	ck_assert_int_gt(read(fds[0], text, sizeof(text) - 1), 0);
	/* 2026-11-21T01:02:03.456Z error  store: disk 100% */
	ck_assert_uint_gt(strlen(text), 25);
	ck_assert_int_eq(text[10], 'T');
	ck_assert_int_eq(text[23], 'Z');
	ck_assert_str_eq(text + 24, " error  store: disk 100%\n");
	close(fds[0]);
	close(fds[1]);
	close(saved);
}
END_TEST

static void *talk(void *arg)
{
	for (int i = 0; i < 1000; i++)
		iwf_log(IWF_LOG_NOTICE, IWF_SUB_NODE, "thread %p line %d", arg, i);
	return NULL;
}

START_TEST(threads)
{
	pthread_t t[4];

	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, talk, &got), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	ck_assert_uint_eq(got.n, 4000);
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(iwf_log_level_str(IWF_LOG_ERROR), "error");
	ck_assert_str_eq(iwf_log_level_str(IWF_LOG_DEBUG), "debug");
	ck_assert_str_eq(iwf_log_level_str((enum iwf_log_level)99), "?");
	ck_assert_str_eq(iwf_log_sub_str(IWF_SUB_NODE), "node");
	ck_assert_str_eq(iwf_log_sub_str(IWF_SUB_CLI), "cli");
	ck_assert_str_eq(iwf_log_sub_str((enum iwf_log_sub)99), "?");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("log");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, level_row, IWF_LOG_ERROR, IWF_LOG_DEBUG + 1);
	tcase_add_test(tc, line_arrives);
	tcase_add_loop_test(tc, escape_row, 0, (int)(sizeof(escapes) / sizeof(*escapes)));
	tcase_add_test(tc, line_is_escaped_and_cut);
	tcase_add_test(tc, stderr_line);
	tcase_add_test(tc, threads);
	tcase_add_test(tc, names);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
