/* check_load.c - tsp-load: its arithmetic, and the program, with this one as the MTC-IWF. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "load_math.h"
#include "outside.h"

START_TEST(hist_exact_and_close)
{
	static struct load_hist h;

	memset(&h, 0, sizeof(h));
	ck_assert_uint_eq(load_hist_at(&h, .5), 0);
	for (uint64_t v = 1; v <= 200; v++)
		load_hist_add(&h, v);
	ck_assert_uint_eq(load_hist_at(&h, 0), 1);
	ck_assert_uint_eq(load_hist_at(&h, .5), 100);
	ck_assert_uint_eq(load_hist_at(&h, .99), 198);
	ck_assert_uint_eq(load_hist_at(&h, 1), 200);
	ck_assert_uint_eq((uint64_t)(load_hist_mean(&h) * 10), 1005);
	/* One value and a larger one: what half of them are not above is the first, at most 1/128 too high. */
	for (uint64_t v = 1; v < (uint64_t)1 << 36; v = v * 3 / 2 + 1) {
		memset(&h, 0, sizeof(h));
		load_hist_add(&h, v);
		load_hist_add(&h, (uint64_t)1 << 37);
		ck_assert_uint_ge(load_hist_at(&h, .5), v);
		ck_assert_uint_le(load_hist_at(&h, .5), v + v / 128);
		ck_assert_uint_eq(load_hist_at(&h, 1), (uint64_t)1 << 37);
		ck_assert_uint_eq(h.min, v);
	}
}
END_TEST

START_TEST(hist_tail)
{
	static struct load_hist h;

	memset(&h, 0, sizeof(h));
	for (int i = 0; i < 9990; i++)
		load_hist_add(&h, 100);
	for (int i = 0; i < 10; i++)
		load_hist_add(&h, 50000);
	ck_assert_uint_eq(load_hist_at(&h, .999), 100);
	ck_assert_uint_ge(load_hist_at(&h, .9991), 50000 - 50000 / 128);
	ck_assert_uint_eq(load_hist_at(&h, .9991), 50000);
}
END_TEST

START_TEST(pacing)
{
	static const double rates[] = { .5, 1, 3, 7.3, 1000, 33333, 1e6, 9.99e6 };

	for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		ck_assert_uint_eq(load_due_ns(0, rates[r]), 0);
		ck_assert_uint_eq(load_due_count(0, rates[r]), 1);
		for (uint64_t i = 1; i < 100000000; i = i * 2 + 1) {
			uint64_t at = load_due_ns(i, rates[r]);

			ck_assert_uint_eq(load_due_count(at, rates[r]), i + 1);
			ck_assert_uint_eq(load_due_count(at - 1, rates[r]), i);
		}
	}
	/* No drift: a million at 3 a second are there after 333333 1/3 s. */
	ck_assert_uint_eq(load_due_ns(1000000, 3), 333333333333334u);
}
END_TEST

START_TEST(templates)
{
	static const struct { const char *text; bool good; const char *at7; } rows[] = {
		{ "scs%05d.load.example", true, "scs00007.load.example" }, { "a%db", true, "a7b" }, { "plain", true, "plain" },
		{ "100%%-%03d", true, "100%-007" }, { "%s", false, NULL }, { "%n", false, NULL }, { "%5d", false, NULL },
		{ "%0d", false, NULL }, { "%099d", false, NULL }, { "%", false, NULL }, { "%d%d", false, NULL }, { "%05", false, NULL },
		{ "%0999999999999999d", false, NULL },
	};
	const char *why;
	char out[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(load_template_ok(rows[i].text, &why) == rows[i].good, "%s", rows[i].text);
		if (!rows[i].good)
			continue;
		ck_assert(load_expand(rows[i].text, 7, out, sizeof(out)));
		ck_assert_str_eq(out, rows[i].at7);
		ck_assert(load_expand(rows[i].text, 7, out, strlen(rows[i].at7) + 1));
		ck_assert(!load_expand(rows[i].text, 7, out, strlen(rows[i].at7)));
	}
	ck_assert(load_template_varies("100%%-%03d") && !load_template_varies("100%%"));
}
END_TEST

/* The program. */

static struct peer_loop *loop;
static struct peer_listener *listener;
static char where[64];
static unsigned opened, closed, dars;
static uint32_t last_reference;
static bool same_reference;
static char hosts[4][64], devices[4][64];

static void on_event(struct peer *p, enum peer_event event, const char *why, void *ctx)
{
	opened += event == PEER_OPEN;
	closed += event == PEER_CLOSED;
}

static void send_built(struct peer *p, struct dia_writer *w, unsigned times)
{
	ck_assert(dia_end(w));
	while (times--)
		ck_assert(peer_send(p, w->p, w->n));
	dia_writer_free(w);
}

static void send_report(struct peer *p, uint32_t reference)
{
	struct dia_writer w = { 0 };
	char id[128];

	peer_session_id(p, id, sizeof(id));
	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, CMD_DN, APP_TSP, peer_next_hbh(p), peer_next_e2e(p));
	dia_put_text(&w, DIA_Session_Id, id);
	dia_put_u32(&w, DIA_Auth_Application_Id, APP_TSP);
	dia_put_u32(&w, DIA_Auth_Session_State, 1);
	dia_put_text(&w, DIA_Origin_Host, "iwf.test");
	dia_put_text(&w, DIA_Origin_Realm, "test");
	dia_put_text(&w, DIA_Destination_Realm, "test");
	dia_open(&w, DIA_Device_Notification);
	dia_put_u32(&w, DIA_Reference_Number, reference);
	dia_put_u32(&w, DIA_Action_Type, 2);
	dia_put_u32(&w, DIA_Delivery_Outcome, 0);
	dia_close(&w);
	send_built(p, &w, 1);
}

/* What the name of the device asks for: nothing, two, two reports, an end, ... */
static void on_message(struct peer *p, const uint8_t *msg, size_t n, void *ctx)
{
	struct dia_writer w = { 0 };
	struct dia_avp action, a;
	struct dia_fault fault;
	struct dia_hdr h;
	char device[64];
	uint32_t reference;

	dia_hdr_read(msg, n, &h);
	if (!(h.flags & DIA_F_REQUEST))
		return;
	ck_assert_msg(dia_check(msg, n, &fault), "%s", fault.what);
	ck_assert(dia_msg_find(msg, n, DIA_Device_Action, &action) && dia_group_find(&action, DIA_External_Identifier, &a));
	dia_avp_text(&a, device, sizeof(device));
	ck_assert(dia_group_find(&action, DIA_Reference_Number, &a) && dia_avp_u32(&a, &reference));
	same_reference |= dars && reference == last_reference;
	last_reference = reference;
	snprintf(devices[dars % 4], sizeof(devices[0]), "%s", device);
	dia_msg_find(msg, n, DIA_Origin_Host, &a);
	dia_avp_text(&a, hosts[dars % 4], sizeof(hosts[0]));
	dars++;
	if (!strncmp(device, "silent", 6))
		return;
	if (!strncmp(device, "lost", 4)) {
		peer_abort(p);
		return;
	}
	dia_begin_answer(&w, msg, n, 0);
	dia_put_u32(&w, DIA_Auth_Application_Id, APP_TSP);
	dia_put_u32(&w, DIA_Auth_Session_State, 1);
	dia_put_text(&w, DIA_Origin_Host, "iwf.test");
	dia_put_text(&w, DIA_Origin_Realm, "test");
	dia_put_u32(&w, DIA_Result_Code, 2001);
	dia_open(&w, DIA_Device_Notification);
	dia_put_u32(&w, DIA_Reference_Number, reference);
	dia_put_u32(&w, DIA_Action_Type, 1);
	dia_put_u32(&w, DIA_Request_Status, !strncmp(device, "flood", 5) ? 104 : 0);
	dia_close(&w);
	send_built(p, &w, !strncmp(device, "twice", 5) ? 2 : 1);
	if (!strncmp(device, "report", 6))
		send_report(p, reference);
}

static void setup(void)
{
	static const uint32_t apps[] = { APP_TSP };
	const struct peer_ops ops = { .event = on_event, .message = on_message };
	struct peer_conf conf = { .origin_host = "iwf.test", .origin_realm = "test", .product = "check", .apps = apps, .napps = 1 };
	char err[256];

	opened = closed = dars = 0;
	same_reference = false;
	loop = peer_loop_new();
	listener = peer_listen(loop, &conf, "127.0.0.1", 0, &ops, err, sizeof(err));
	ck_assert_msg(listener != NULL, "%s", err);
	snprintf(where, sizeof(where), "127.0.0.1:%u", peer_listener_port(listener));
}

static void teardown(void)
{
	peer_loop_free(loop);
}

static struct child last;

static int run(const char *words)
{
	const char *argv[64] = { "--tcp", "--connect", where, "--origin-host", "scs%03d.test", "--json" };
	static char text[1024];
	int n = 6;

	snprintf(text, sizeof(text), "%s", words);
	for (char *w = strtok(text, " "); w && n < 63; w = strtok(NULL, " "))
		argv[n++] = w;
	last = outside_start("tsp-load", argv, NULL);
	return outside_wait(&last, loop, PATIENCE_MS);
}

#define ends_with(status, words) do { \
	int ended = run(words); \
	ck_assert_msg(ended == (status), "%s: status %d: %s", words, ended, outside_printed(&last)); } while (0)
#define says(text) ck_assert_msg(strstr(outside_printed(&last), text) != NULL, "%s: %s", text, outside_printed(&last))

START_TEST(every_answer_counts)
{
	static const struct { const char *words; int status; const char *says; } rows[] = {
		{ "--connections 3 --outstanding 4 --count 500 --ext-id good@x.yy", 0, "\"sent\":500,\"answered\":500,\"unanswered\":0" },
		{ "--connections 3 --outstanding 4 --count 500 --ext-id good@x.yy", 0, "\"result_2001_status_0\":500" },
		{ "--count 10 --ext-id flood@x.yy", 0, "\"result_2001_status_104\":10" },
		{ "--count 10 --ext-id report@x.yy --hold 0.3", 0, "\"reports\":10" },
		{ "--count 3 --ext-id silent@x.yy --timeout 0.2", 1, "\"sent\":3,\"answered\":0,\"unanswered\":3" },
		{ "--count 3 --ext-id twice@x.yy --hold 0.3", 1, "\"strange\":3" },
		{ "--count 3 --outstanding 3 --ext-id lost@x.yy", 3, "\"lost\":3" },
		{ "--count 200 --rate 2000 --connections 2 --ext-id good@x.yy", 0, "\"answered\":200" },
		{ "--connections 20 --parallel 7 --reconnect --ext-id good@x.yy", 0, "\"opened\":20,\"failed\":0,\"dropped\":0" },
		{ "--connections 20 --parallel 7 --reconnect --ext-id silent@x.yy --timeout 0.3", 1, "\"unanswered\":20" },
		{ "--handshakes --parallel 5 --count 100", 0, "\"opened\":100,\"failed\":0" },
		{ "--connections 5 --hold 0.2", 0, "\"open\":5}" },
	};

	ends_with(rows[_i].status, rows[_i].words);
	says(rows[_i].says);
	ck_assert(!same_reference);
}
END_TEST

static const char *who_asked_for(const char *device)
{
	for (int i = 0; i < 4; i++)
		if (strcmp(devices[i], device) == 0)
			return hosts[i];
	return "nobody";
}

/* In which order requests of two connections are read is a matter of chance. */
START_TEST(who_and_what)
{
	ends_with(0, "--connections 2 --first 7 --count 4 --rate 100 --ext-id d%02d@x.yy --devices 8-11");
	ck_assert_str_eq(who_asked_for("d08@x.yy"), "scs007.test");
	ck_assert_str_eq(who_asked_for("d09@x.yy"), "scs008.test");
	ck_assert_str_eq(who_asked_for("d10@x.yy"), "scs007.test");
	ck_assert_str_eq(who_asked_for("d11@x.yy"), "scs008.test");
	ck_assert_uint_eq(opened, 2);
	outside_run(loop, 50);
	ck_assert_uint_eq(closed, 2);
}
END_TEST

/* Open loop: the generator itself is held up for a while, and every request that was due meanwhile has waited so long. */
START_TEST(no_omission)
{
	const char *argv[] = { "--tcp", "--connect", where, "--origin-host", "scs.test", "--json", "--ext-id", "good@x.yy",
	                       "--rate", "100", "--count", "200", NULL };
	const char *p50;

	last = outside_start("tsp-load", argv, NULL);
	while (dars < 20)
		peer_loop_run(loop, 10);
	kill(last.pid, SIGSTOP);
	nanosleep(&(struct timespec){ .tv_sec = 1, .tv_nsec = 500000000 }, NULL);
	kill(last.pid, SIGCONT);
	ck_assert_int_eq(outside_wait(&last, loop, PATIENCE_MS), 0);
	p50 = strstr(outside_printed(&last), "\"latency_p50_us\":");
	/* About 150 of 200 waited between 0 and 1.5 s. */
	ck_assert_ptr_nonnull(p50);
	ck_assert_int_gt(atoi(p50 + 17), 200000);
}
END_TEST

START_TEST(usage)
{
	static const struct { const char *words, *says; } rows[] = {
		{ "", "nothing to do" }, { "--count 1", "--ext-id is needed" }, { "--count x --ext-id a@b", "--count: \"x\" is no N" },
		{ "--count 1 --ext-id a%s@b", "\"a%s@b\" is no TEMPLATE: only %d" }, { "--count 0 --ext-id a@b", "is no N" },
		{ "--count 1 --ext-id a%d@b --devices 1-10", "of one length" }, { "--hold 1 --cert c", "belong together" },
		{ "--hold 1 --insecure", "--tcp is without TLS" }, { "--rate 5 --hold 1", "--rate: how many" },
		{ "--handshakes", "--handshakes: how many" }, { "--bogus", "is no option" }, { "--count", "wants an argument" },
		{ "--handshakes --count 1 --hold 1", "on its own" }, { "more", "there are options only" },
		{ "--count 1 --ext-id a@b --devices 5-2", "is no A-B" },
	};

	ends_with(2, rows[_i].words);
	says(rows[_i].says);
	ck_assert_uint_eq(opened, 0);
}
END_TEST

START_TEST(each_has_its_turn)
{
	static const uint32_t sizes[] = { 1, 2, 3, 10, 999, 1000, 65536, 100003 };
	static bool seen[100003];

	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		uint64_t step = load_stride(sizes[s]);

		memset(seen, 0, sizeof(seen));
		for (uint64_t i = 0; i < sizes[s]; i++) {
			ck_assert(!seen[i * step % sizes[s]]);
			seen[i * step % sizes[s]] = true;
		}
		ck_assert(sizes[s] < 1000 || (step > sizes[s] / 3 && step < sizes[s] * 2 / 3 + 10));
	}
}
END_TEST

START_TEST(nobody_there)
{
	peer_listener_close(listener);
	ends_with(3, "--connections 2 --hold 1");
	says("\"failed\":2");
	says("Connection refused");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tsp-load");
	SRunner *sr = srunner_create(s);
	TCase *math = tcase_create("arithmetic"), *t = tcase_create("tsp-load");
	int failed;

	if (!outside_begin()) {
		fprintf(stderr, "no files can be made in %s\n", outside_dir);
		return 1;
	}
	tcase_add_test(math, hist_exact_and_close);
	tcase_add_test(math, hist_tail);
	tcase_add_test(math, pacing);
	tcase_add_test(math, each_has_its_turn);
	tcase_add_test(math, templates);
	suite_add_tcase(s, math);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 40);
	tcase_add_loop_test(t, every_answer_counts, 0, 12);
	tcase_add_test(t, who_and_what);
	tcase_add_test(t, no_omission);
	tcase_add_loop_test(t, usage, 0, 15);
	tcase_add_test(t, nobody_there);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	outside_end();
	return failed != 0;
}
