/* What MTC users are told: the object, the program that gets it, and what becomes of it. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "../support/seed.h"
#include "informer.h"
#include "log.h"
#include "migrate.h"
#include "patience.h"
#include "private.h"

static char dir[64];
static struct iwf_conf conf;
static struct iwf_store *st;
static struct iwf_informer *informer;
static int64_t carl, dora, scs;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char logged[8192];

static void see(void *ctx, enum iwf_log_level level, enum iwf_log_sub sub, const char *line)
{
	pthread_mutex_lock(&log_lock);
	snprintf(logged + strlen(logged), sizeof logged - strlen(logged), "%s\n", line);
	pthread_mutex_unlock(&log_lock);
}

static bool is_logged(const char *want)
{
	pthread_mutex_lock(&log_lock);
	bool found = strstr(logged, want);
	pthread_mutex_unlock(&log_lock);
	return found;
}

static const char *path(const char *name)
{
	static char buf[4][128];
	static int i;
	char *p = buf[i++ % 4];

	snprintf(p, sizeof buf[0], "%s/%s", dir, name);
	return p;
}

static const char *content(const char *name)
{
	static char buf[16384];
	FILE *f = fopen(path(name), "r");
	size_t n = f ? fread(buf, 1, sizeof buf - 1, f) : 0;

	if (f)
		fclose(f);
	buf[n] = '\0';
	return buf;
}

/* A program in sh, in that directory. */
static void program(const char *text)
{
	FILE *f = fopen(path("program"), "w");

	ck_assert_ptr_nonnull(f);
	fprintf(f, "#!/bin/sh\ncd %s\n%s\n", dir, text);
	fclose(f);
	ck_assert_int_eq(chmod(path("program"), 0755), 0);
}

static void refused(int64_t user, const char *origin_host, const char *device, int64_t at_ms, int64_t times)
{
	ck_assert_int_eq(st->ops->audit_add(st, &(struct iwf_audit){
		.at_ms = at_ms, .event = "trigger", .decision = "refused", .reason = RS_NO_GRANT, .request_status = 105, .scs_id = scs,
		.peer = origin_host, .origin_host = origin_host, .address = "[192.0.2.7]:4711", .cert = "00ff", .device = device,
		.reference = 7, .mtc_user_id = user, .times = times, .first_ms = times > 1 ? at_ms - 1000 : 0 }), IWF_OK);
}

static void setup(void)
{
	unsigned from, to;
	char err[512];

	strcpy(dir, "/tmp/check_informer.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	memset(&conf, 0, sizeof conf);
	snprintf(conf.store.uri, sizeof conf.store.uri, "sqlite:%s", path("iwf.db"));
	snprintf(conf.notify_user.command, sizeof conf.notify_user.command, "%s", path("program"));
	conf.notify_user.interval_s = 3600;
	conf.notify_user.timeout_s = 20;
	ck_assert_int_eq(iwf_migrate_file(path("iwf.db"), true, &from, &to, err, sizeof err), IWF_OK);
	const struct iwf_store_opts opts = { .busy_timeout_ms = 5000 };
	st = iwf_store_open(conf.store.uri, &opts, err, sizeof err);
	ck_assert_ptr_nonnull(st);
	carl = seed_user(st, "carl", false);
	dora = seed_user(st, "dora", false);
	struct iwf_scs row = seed_scs_row("acme", "scs.acme.example");
	scs = seed_scs(st, &row);
	logged[0] = '\0';
	iwf_log_set_level(IWF_LOG_INFO);
	iwf_log_set_sink(see, NULL);
}

static void stop(void)
{
	iwf_informer_stop(informer);
	informer = NULL;
}

static void teardown(void)
{
	char cmd[128];

	stop();
	iwf_log_set_sink(NULL, NULL);
	iwf_store_close(st);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static void start(void)
{
	char err[512] = "";

	informer = iwf_informer_start(&conf, err, sizeof err);
	ck_assert_msg(informer != NULL, "%s", err);
}

static void rest(int ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

/* Until the file has that in it. */
static void comes(const char *file, const char *want)
{
	for (int i = 0; i < PATIENCE_MS / 10; i++) {
		if (strstr(content(file), want))
			return;
		rest(10);
	}
	ck_abort_msg("%s does not come: %s\n%s", want, content(file), logged);
}

static void says(const char *want)
{
	for (int i = 0; i < PATIENCE_MS / 10 && !is_logged(want); i++)
		rest(10);
	ck_assert_msg(is_logged(want), "%s is not said: %s", want, logged);
}

/* ---- */

START_TEST(object)
{
	struct iwf_notice *n = calloc(1, sizeof *n);
	size_t len;

	strcpy(n->user, "carl");
	strcpy(n->contact, "Carl \"C\\D\"\n<c@example.com>");
	n->times = 12;
	n->first_ms = 1795219200123;
	n->last_ms = 1795219260000;
	n->nsources = 2;
	n->more = true;
	n->sources[0] = (struct iwf_notice_source){ .event = "trigger", .reason = "no-grant", .scs = "acme", .origin_host = "scs.acme.example",
		.address = "[192.0.2.7]", .cert = "00ff", .device = "m\\x41@iot.example", .times = 11, .devices = 2,
		.first_ms = 1795219200123, .last_ms = 1795219260000 };
	n->sources[1] = (struct iwf_notice_source){ .event = "recall", .reason = "user-forbids", .times = 1, .devices = 1 };
	char *text = iwf_informer_json(n, &len);
	ck_assert_str_eq(text,
		"{\"user\":\"carl\",\"contact\":\"Carl \\\"C\\\\D\\\"\\u000a<c@example.com>\",\"refused\":12,"
		"\"first\":\"2026-11-21T00:00:00Z\",\"last\":\"2026-11-21T00:01:00Z\",\"sources\":["
		"{\"event\":\"trigger\",\"reason\":\"no-grant\",\"scs\":\"acme\",\"origin_host\":\"scs.acme.example\",\"address\":\"[192.0.2.7]\","
		"\"cert_sha256\":\"00ff\",\"device\":\"m\\\\x41@iot.example\",\"times\":11,\"devices\":2,\"first\":\"2026-11-21T00:00:00Z\","
		"\"last\":\"2026-11-21T00:01:00Z\"},"
		"{\"event\":\"recall\",\"reason\":\"user-forbids\",\"times\":1,\"devices\":1,\"first\":\"1970-01-01T00:00:00Z\","
		"\"last\":\"1970-01-01T00:00:00Z\"}],\"more\":true}\n");
	ck_assert_uint_eq(len, strlen(text));
	free(text);
	/* Whatever an SCS wrote: no IMSI goes out. */
	iwf_private_note("001010000000007");
	strcpy(n->sources[1].device, "001010000000007@iot.example");
	text = iwf_informer_json(n, &len);
	ck_assert_ptr_null(strstr(text, "001010000000007"));
	ck_assert_ptr_nonnull(strstr(text, "@iot.example\",\"times\":1"));
	ck_assert_uint_eq(len, strlen(text));
	free(text);
	free(n);
}
END_TEST

START_TEST(each_is_told_once)
{
	program("cat >>told; echo >>told");
	refused(carl, "scs.acme.example", "m1@iot.example", 1795219200000, 1);
	refused(carl, "scs.acme.example", "m2@iot.example", 1795219260000, 5);
	refused(carl, "scs.other.example", "m2@iot.example", 1795219270000, 1);
	refused(dora, "scs.acme.example", "d@iot.example", 1795219200000, 1);
	refused(0, "scs.acme.example", "nobody@iot.example", 1795219200000, 1);
	start();
	comes("told", "\"user\":\"carl\",\"refused\":7,\"first\":\"2026-11-21T00:00:00Z\",\"last\":\"2026-11-21T00:01:10Z\"");
	comes("told", "{\"event\":\"trigger\",\"reason\":\"no-grant\",\"scs\":\"acme\",\"origin_host\":\"scs.acme.example\","
	              "\"address\":\"[192.0.2.7]\",\"cert_sha256\":\"00ff\",\"device\":\"m2@iot.example\",\"times\":6,\"devices\":2");
	comes("told", "\"user\":\"dora\",\"refused\":1");
	says("MTC user carl is told of 7 refusals");
	says("MTC user dora is told of 1 refusals");
	/* What comes within the interval waits; after a restart, too. */
	refused(carl, "scs.acme.example", "m1@iot.example", 1795219300000, 1);
	stop();
	start();
	rest(2500);
	ck_assert_ptr_null(strstr(content("told"), "nobody"));
	ck_assert_ptr_null(strstr(content("told"), "\"refused\":8"));
	ck_assert_ptr_null(strstr(content("told"), "\"user\":\"carl\",\"refused\":1"));
	stop();
	/* When it is over, only what is new. */
	conf.notify_user.interval_s = 1;
	start();
	comes("told", "\"user\":\"carl\",\"refused\":1");
}
END_TEST

START_TEST(failure_is_told_next_time)
{
	conf.notify_user.interval_s = 1;
	program("cat >/dev/null; test -e good || { echo 'no way today' >&2; echo more; exit 3; }; echo done >told");
	refused(carl, "scs.acme.example", "m1@iot.example", 1795219200000, 4);
	start();
	says("MTC user carl is not told of 4 refusals: status 3: no way today (notice-failed)");
	fclose(fopen(path("good"), "w"));
	comes("told", "done");
	says("MTC user carl is told of 4 refusals");
}
END_TEST

static const struct { const char *why, *text, *says; } bad[] = {
	{ "takes too long", "echo started; sleep 1000", "ended after 1 s: started (notice-timeout)" },
	{ "leaves a child behind that holds the pipes", "sleep 1000 & exit 4", "status 4 (notice-failed)" },
	{ "ends by a signal", "kill -9 $$", "signal 9 (notice-failed)" },
	{ "reads nothing and says much", "i=0; while [ $i -lt 5000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done; exit 5",
	  "status 5: 0123456789012345678901234567890123456789 (notice-failed)" },
};

START_TEST(bad_program)
{
	conf.notify_user.timeout_s = _i == 0 ? 1 : 20;
	program(bad[_i].text);
	refused(carl, "scs.acme.example", "m1@iot.example", 1795219200000, 4);
	start();
	says(bad[_i].says);
}
END_TEST

START_TEST(no_program)
{
	refused(carl, "scs.acme.example", "m1@iot.example", 1795219200000, 4);
	start();
	says("No such file or directory (notice-failed)");
	/* One that fails does not keep the others waiting. */
	program("cat >>told; grep -q dora told");
	refused(dora, "scs.acme.example", "d@iot.example", 1795219200000, 1);
	says("MTC user dora is told");
}
END_TEST

START_TEST(stop_does_not_wait_for_it)
{
	conf.notify_user.timeout_s = 300;
	program("echo $$ >pid; exec sleep 1000");
	refused(carl, "scs.acme.example", "m1@iot.example", 1795219200000, 4);
	start();
	comes("pid", "\n");
	const pid_t pid = atoi(content("pid"));
	ck_assert_int_gt(pid, 1);
	stop();
	ck_assert_int_eq(kill(pid, 0), -1);
	ck_assert_int_eq(errno, ESRCH);
}
END_TEST

/* No descriptor, no environment and no blocked signal of ours. */
START_TEST(program_is_on_its_own)
{
	int fd = open("/dev/null", O_RDONLY);

	setenv("SECRET", "1", 1);
	program("{ ls /proc/self/fd | wc -l; env; grep SigBlk /proc/self/status; } >told; cat >/dev/null; echo end >>told");
	refused(carl, "scs.acme.example", "m1@iot.example", 1795219200000, 4);
	start();
	comes("told", "end");
	close(fd);
	ck_assert_ptr_null(strstr(content("told"), "SECRET"));
	ck_assert_msg(strstr(content("told"), "SigBlk:\t0000000000000000") != NULL, "%s", content("told"));
	ck_assert_msg(atoi(content("told")) == 4, "%s", content("told"));   /* 0, 1, 2, and the directory */
}
END_TEST

START_TEST(many_sources)
{
	char host[64];

	program("cat >told");
	for (int i = 0; i < 20; i++) {
		snprintf(host, sizeof host, "scs%d.example", i);
		refused(carl, host, "m1@iot.example", 1795219200000, i + 1);
	}
	start();
	comes("told", "\"more\":true}");
	ck_assert_ptr_nonnull(strstr(content("told"), "\"refused\":210"));
	ck_assert_ptr_nonnull(strstr(content("told"), "scs19.example"));
	ck_assert_ptr_null(strstr(content("told"), "scs3.example"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("informer");
	TCase *tc = tcase_create("informer");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, object);
	tcase_add_test(tc, each_is_told_once);
	tcase_add_test(tc, failure_is_told_next_time);
	tcase_add_loop_test(tc, bad_program, 0, (int)(sizeof bad / sizeof bad[0]));
	tcase_add_test(tc, no_program);
	tcase_add_test(tc, stop_does_not_wait_for_it);
	tcase_add_test(tc, program_is_on_its_own);
	tcase_add_test(tc, many_sources);
	suite_add_tcase(s, tc);
	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
