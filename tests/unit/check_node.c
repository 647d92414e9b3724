/* The node with ports of the test's own: no Diameter, a real SQLite file. */
#include <check.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deadline.h"
#include "migrate.h"
#include "node.h"
#include "patience.h"
#include "peers.h"
#include "queue.h"
#include "seed.h"
#include "store_open.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static char dir[64], conf_file[128], db_file[128];
static struct iwf_store *admin;
static struct iwf_node *node;

/* What the ports were told, in the order they were told. */
static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t seen_more = PTHREAD_COND_INITIALIZER;
static struct seen { enum iwf_fx_kind kind; uint64_t number; uint32_t a, b; } seen[20000];
static size_t nseen;
static enum t4_kind smssc_says;      /* what the SMS-SC of the test does */
static bool smssc_silent;

static void see(enum iwf_fx_kind kind, uint64_t number, uint32_t a, uint32_t b)
{
	pthread_mutex_lock(&seen_lock);
	if (nseen < N(seen))
		seen[nseen++] = (struct seen){ kind, number, a, b };
	pthread_cond_broadcast(&seen_more);
	pthread_mutex_unlock(&seen_lock);
}

static size_t count_seen(enum iwf_fx_kind kind, uint64_t number)
{
	size_t n = 0;
	pthread_mutex_lock(&seen_lock);
	for (size_t i = 0; i < nseen; i++)
		n += seen[i].kind == kind && (!number || seen[i].number == number);
	pthread_mutex_unlock(&seen_lock);
	return n;
}

/* The first of that kind and number; fails the test when it does not come. */
static struct seen wait_for(enum iwf_fx_kind kind, uint64_t number)
{
	struct timespec until;
	struct seen found = {0};
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_MS / 1000;
	pthread_mutex_lock(&seen_lock);
	for (bool there = false; !there;) {
		for (size_t i = 0; i < nseen && !there; i++)
			if (seen[i].kind == kind && seen[i].number == number) {
				found = seen[i];
				there = true;
			}
		if (!there && pthread_cond_timedwait(&seen_more, &seen_lock, &until)) {
			pthread_mutex_unlock(&seen_lock);
			ck_abort_msg("effect %d for %llu never came", kind, (unsigned long long)number);
		}
	}
	pthread_mutex_unlock(&seen_lock);
	return found;
}

static void on_answer(void *ctx, iwf_token token, const struct tsp_daa *daa)
{
	see(IWF_FX_ANSWER_DAR, token, daa->result_code, daa->has_status ? daa->status : 9999);
}

static void on_notify(void *ctx, int64_t report, uint32_t timeout_ms, const struct tsp_dnr *dnr)
{
	see(IWF_FX_NOTIFY, (uint64_t)report, dnr->reference, dnr->outcome);
	iwf_node_post_dna(node, report, &(struct tsp_dna){ TSP_DNA_ACKED, 2001 });
}

static void on_submit(void *ctx, uint64_t txn, const struct iwf_target *to, uint32_t timeout_ms, const struct t4_dtr *dtr)
{
	see(IWF_FX_SUBMIT, txn, dtr->reference, dtr->action);
	if (smssc_silent)
		return;
	iwf_node_post_dta(node, txn, &(struct t4_dta){ .kind = smssc_says, .result_code = smssc_says == T4_ANSWERED ? 2001 : 0 });
	/* a second answer to the same is nobody's */
	iwf_node_post_dta(node, txn, &(struct t4_dta){ .kind = T4_ANSWERED, .result_code = 5012 });
}

static void on_drr_answer(void *ctx, iwf_token token, const struct t4_dra *dra)
{
	see(IWF_FX_ANSWER_DRR, token, dra->result_code, 0);
}

static unsigned smssc_timeout_ms;

static void write_conf(const char *more)
{
	FILE *f = fopen(conf_file, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "store = { uri = \"sqlite:%s\"; busy_timeout_ms = 20; };\n"
	           "t4 = { smssc = ( { host = \"smssc.example.net\"; realm = \"example.net\"; } ); timeout_ms = %u; };\n%s\n",
	        db_file, smssc_timeout_ms, more);
	fclose(f);
}

static void start(void)
{
	char err[1024] = "";
	node = iwf_node_get(conf_file, err, sizeof(err));
	ck_assert_msg(node != NULL, "%s", err);
	iwf_node_attach_tsp(node, &(struct iwf_tsp_port){ .answer = on_answer, .notify = on_notify });
	iwf_node_attach_t4(node, &(struct iwf_t4_port){ .submit = on_submit, .answer = on_drr_answer });
	ck_assert_msg(iwf_node_start(node, err, sizeof(err)), "%s", err);
}

static void setup(void)
{
	char err[512];
	unsigned from, to;
	sqlite3 *db;

	strcpy(dir, "/tmp/check_node.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(conf_file, sizeof(conf_file), "%s/iwf.conf", dir);
	snprintf(db_file, sizeof(db_file), "%s/iwf.db", dir);
	ck_assert_int_eq(sqlite3_open(db_file, &db), SQLITE_OK);
	ck_assert_msg(iwf_migrate(db, &from, &to, err, sizeof(err)) == IWF_OK, "%s", err);
	sqlite3_close(db);
	struct iwf_store_opts opts = { .busy_timeout_ms = 1000 };
	char uri[160];
	snprintf(uri, sizeof(uri), "sqlite:%s", db_file);
	admin = iwf_store_open(uri, &opts, err, sizeof(err));
	ck_assert_msg(admin != NULL, "%s", err);

	struct iwf_scs scs = seed_scs_row("acme", "scs.acme.example");
	strcpy(scs.e164, "4915112345678");
	int64_t scs_id = seed_scs(admin, &scs);
	int64_t device = seed_subscription(admin, "001010000000001", "491700000001", 0);
	seed_ext_id(admin, "meter1@iot.example.com", device, 0);
	seed_grant(admin, &(struct seed_grant){ .scs_id = scs_id, .subscription_id = device,
	                                        .services = IWF_SVC_TRIGGER | IWF_SVC_RECALL | IWF_SVC_REPLACE });
	nseen = 0;
	smssc_says = T4_ANSWERED;
	smssc_silent = false;
	smssc_timeout_ms = 60000;
	write_conf("");
}

static void teardown(void)
{
	char cmd[128];
	iwf_node_put(node);
	node = NULL;
	iwf_store_close(admin);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static struct iwf_view text(const char *s)
{
	return (struct iwf_view){ (const uint8_t *)s, strlen(s) };
}

static struct tsp_dar *dar(uint32_t reference)
{
	struct tsp_dar d = {
		.token = reference, .peer = text("scs.acme.example"), .origin_host = text("scs.acme.example"),
		.origin_realm = text("acme.example"), .end_to_end = reference, .has_ext_id = true,
		.ext_id = text("meter1@iot.example.com"), .reference = reference, .action = TSP_TRIGGER,
		.has_trigger_data = true, .payload = text("wake up"),
	};
	struct tsp_dar *copy = tsp_dar_dup(&d);
	ck_assert_ptr_nonnull(copy);
	return copy;
}

START_TEST(trigger_to_report)
{
	start();
	ck_assert(iwf_node_post_dar(node, dar(7)));
	struct seen a = wait_for(IWF_FX_ANSWER_DAR, 7);
	ck_assert_uint_eq(a.a, 2001);
	ck_assert_uint_eq(a.b, TSP_SUCCESS);
	struct t4_drr drr = { .token = 70, .peer = "smssc.example.net", .origin_host = "smssc.example.net",
	                      .smea = "4915112345678", .has_reference = true, .reference = 7, .outcome = T4_DELIVERED };
	ck_assert(iwf_node_post_drr(node, &drr));
	ck_assert_uint_eq(wait_for(IWF_FX_ANSWER_DRR, 70).a, 2001);
	/* the report has number 1: the first row of the outbox */
	struct seen n = wait_for(IWF_FX_NOTIFY, 1);
	ck_assert_uint_eq(n.a, 7);
	ck_assert_uint_eq(n.b, TSP_OUTCOME_SUCCESS);
	iwf_node_stop(node);
	struct iwf_trigger row;
	ck_assert(seed_trigger(admin, 0, &row));
	ck_assert_int_eq(row.state, TRG_DELIVERED);
	ck_assert_uint_eq(seed_reports(admin), 0);
	ck_assert_uint_eq(count_seen(IWF_FX_ANSWER_DAR, 7), 1);
}
END_TEST

START_TEST(many_at_once_each_answered_once)
{
	write_conf("policy = { rate_per_s = 100000; burst = 100000; device_rate_per_h = 0; };");
	start();
	for (uint32_t ref = 1; ref <= 1000; ref++)
		ck_assert(iwf_node_post_dar(node, dar(ref)));
	for (uint32_t ref = 1; ref <= 1000; ref++)
		ck_assert_uint_eq(wait_for(IWF_FX_ANSWER_DAR, ref).b, TSP_SUCCESS);
	iwf_node_stop(node);
	for (uint32_t ref = 1; ref <= 1000; ref++)
		ck_assert_uint_eq(count_seen(IWF_FX_ANSWER_DAR, ref), 1);
}
END_TEST

START_TEST(full_queue_refuses_at_once)
{
	write_conf("node = { queue_max = 16; batch_max = 8; };");
	char err[256];
	node = iwf_node_get(conf_file, err, sizeof(err));
	ck_assert_msg(node != NULL, "%s", err);
	iwf_node_attach_tsp(node, &(struct iwf_tsp_port){ .answer = on_answer });
	/* not started: nobody takes from the queue */
	for (uint32_t ref = 0; ref < 16; ref++)
		ck_assert(iwf_node_post_dar(node, dar(ref + 1)));
	struct tsp_dar *one_more = dar(99), of_another = *one_more;
	ck_assert(!iwf_node_post_dar(node, one_more));
	/* for another SCS there is room: the oldest of who has more is refused instead */
	of_another.peer = text("scs.other.example");
	ck_assert(iwf_node_post_dar(node, tsp_dar_dup(&of_another)));
	ck_assert_uint_eq(wait_for(IWF_FX_ANSWER_DAR, 1).a, 3004);
	ck_assert_uint_eq(count_seen(IWF_FX_ANSWER_DAR, 0), 1);
	ck_assert(!iwf_node_post_dar(node, one_more));
	tsp_dar_free(one_more);
	/* ends are taken all the same */
	iwf_node_post_dta(node, 1, &(struct t4_dta){ .kind = T4_TIMEOUT });
}
END_TEST

START_TEST(silent_smssc_is_told_by_our_own_deadline)
{
	smssc_silent = true;
	smssc_timeout_ms = 1000;
	write_conf("");
	start();
	ck_assert(iwf_node_post_dar(node, dar(7)));
	struct seen a = wait_for(IWF_FX_ANSWER_DAR, 7);
	ck_assert_uint_eq(a.a, 2001);
	ck_assert_uint_eq(a.b, TSP_TEMPORARYERROR);
}
END_TEST

START_TEST(locked_store_is_a_temporary_error_and_passes)
{
	sqlite3 *db;

	start();
	ck_assert_int_eq(sqlite3_open(db_file, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	ck_assert(iwf_node_post_dar(node, dar(7)));
	ck_assert_uint_eq(wait_for(IWF_FX_ANSWER_DAR, 7).b, TSP_TEMPORARYERROR);
	struct t4_drr drr = { .token = 70, .peer = "smssc.example.net", .smea = "4915112345678", .has_reference = true, .reference = 7 };
	ck_assert(iwf_node_post_drr(node, &drr));
	ck_assert_uint_eq(wait_for(IWF_FX_ANSWER_DRR, 70).a, 3004);
	ck_assert_int_eq(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	ck_assert(iwf_node_post_dar(node, dar(8)));
	ck_assert_uint_eq(wait_for(IWF_FX_ANSWER_DAR, 8).b, TSP_SUCCESS);
}
END_TEST

START_TEST(stop_answers_who_waits)
{
	smssc_silent = true;
	start();
	ck_assert(iwf_node_post_dar(node, dar(7)));
	while (!count_seen(IWF_FX_SUBMIT, 0))
		usleep(1000);
	iwf_node_stop(node);
	ck_assert_uint_eq(count_seen(IWF_FX_ANSWER_DAR, 7), 1);
	struct tsp_dar *late = dar(8);
	ck_assert(!iwf_node_post_dar(node, late));
	tsp_dar_free(late);
}
END_TEST

START_TEST(unfinished_work_goes_on_when_the_smssc_is_there)
{
	smssc_silent = true;
	start();
	ck_assert(iwf_node_post_dar(node, dar(7)));
	while (!count_seen(IWF_FX_SUBMIT, 0))
		usleep(1000);
	iwf_node_put(node);      /* as a crash would leave it: submitted, not answered */
	struct iwf_trigger row;
	ck_assert(seed_trigger(admin, 0, &row));
	ck_assert_int_eq(row.state, TRG_SUBMITTING);
	nseen = 0;
	smssc_silent = false;
	start();
	iwf_node_post_peer_up(node, "SMSSC.example.net");
	for (int i = 0; i < PATIENCE_MS / 50 && row.state != TRG_PENDING; i++) {
		usleep(50000);
		ck_assert(seed_trigger(admin, 0, &row));
	}
	ck_assert_int_eq(row.state, TRG_PENDING);
	ck_assert_uint_eq(count_seen(IWF_FX_SUBMIT, 0), 1);
}
END_TEST

START_TEST(edit_by_sql_counts_soon)
{
	sqlite3 *db;
	uint32_t status = TSP_SUCCESS;

	start();
	ck_assert_int_eq(sqlite3_open(db_file, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "UPDATE scs SET enabled = 0", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	for (unsigned i = 0; status != TSP_NOTAUTHORIZED; i++) {
		ck_assert_uint_lt(i, PATIENCE_MS / 500);
		usleep(500000);
		ck_assert(iwf_node_post_dar(node, dar(7 + i)));
		status = wait_for(IWF_FX_ANSWER_DAR, 7 + i).b;
	}
}
END_TEST

START_TEST(one_node_a_process)
{
	char err[512] = "";
	start();
	ck_assert_ptr_eq(iwf_node_get(conf_file, err, sizeof(err)), node);
	iwf_node_put(node);
	ck_assert_ptr_null(iwf_node_get("/nowhere/else.conf", err, sizeof(err)));
	ck_assert_msg(strstr(err, conf_file) && strstr(err, "/nowhere/else.conf"), "%s", err);
}
END_TEST

START_TEST(bad_configuration_says_where)
{
	char err[512] = "";
	write_conf("tsp = {\n  require_scs_identity = \"perhaps\";\n};");
	ck_assert_ptr_null(iwf_node_get(conf_file, err, sizeof(err)));
	ck_assert_msg(strstr(err, conf_file) && strstr(err, ":4") && strstr(err, "require_scs_identity"), "%s", err);
}
END_TEST

START_TEST(deadlines)
{
	struct iwf_deadlines d = {0};
	enum iwf_ask_kind kind;
	uint64_t number;

	for (uint64_t i = 1; i <= 5000; i++)
		ck_assert(iwf_deadline_set(&d, (enum iwf_ask_kind)(i % IWF_ASK_KINDS), i, (int64_t)i));
	ck_assert(!iwf_deadline_clear(&d, IWF_ASK_HSS, 1));      /* another kind has number 1 */
	ck_assert(iwf_deadline_clear(&d, IWF_ASK_SMSSC, 1));
	ck_assert(!iwf_deadline_clear(&d, IWF_ASK_SMSSC, 1));
	ck_assert(iwf_deadline_set(&d, IWF_ASK_SCS, 2, 9000));   /* put off */
	size_t over = 0;
	while (iwf_deadline_over(&d, 5000, &kind, &number)) {
		ck_assert_uint_eq(number % IWF_ASK_KINDS, kind);
		over++;
	}
	ck_assert_uint_eq(over, 4998);
	ck_assert(!iwf_deadline_over(&d, 8999, &kind, &number));
	ck_assert(iwf_deadline_over(&d, 9000, &kind, &number) && number == 2);
	iwf_deadlines_free(&d);
}
END_TEST

START_TEST(peers)
{
	struct iwf_peer_info info = { .proven = true, .address = "192.0.2.1:1" }, got;

	iwf_peer_opened("scs.acme.example", &info);
	ck_assert(iwf_peer_get(text("SCS.acme.EXAMPLE"), &got) && got.proven);
	ck_assert_str_eq(got.address, "192.0.2.1:1");
	ck_assert(!iwf_peer_get(text("scs.acme.exampl"), &got) && !got.proven);
	ck_assert(!iwf_peer_get(text(""), &got) && !got.proven);
	info.proven = false;
	iwf_peer_opened("scs.acme.example", &info);              /* the next connection has to prove it anew */
	ck_assert(iwf_peer_get(text("scs.acme.example"), &got) && !got.proven);
	iwf_peer_closed("Scs.Acme.Example");
	ck_assert(!iwf_peer_get(text("scs.acme.example"), &got));
	iwf_peers_forget_all();
}
END_TEST

/* ---- the queue: requests of many sources */

static bool put(struct iwf_queue *q, enum iwf_event_kind kind, uint64_t source, unsigned n)
{
	struct iwf_event *ev = iwf_event_new(kind);

	ev->source = source;
	snprintf(ev->u.host, sizeof(ev->u.host), "%u", n);
	if (kind == IWF_EV_DAR)
		ev->u.dar = NULL;
	struct iwf_event *out = iwf_queue_put(q, ev);
	const bool taken = out != ev;
	if (out) {
		out->kind = IWF_EV_PEER_UP;
		iwf_event_free(out);
	}
	return taken;
}

/* The sources of the next `most` events; 0 for an end. */
static void expect_sources(struct iwf_queue *q, size_t most, const char *want)
{
	char got[256] = "";
	bool stopping;
	struct iwf_event *batch = iwf_queue_take(q, most, 0, 0, &stopping);

	while (batch) {
		struct iwf_event *ev = batch;

		batch = ev->next;
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%d ", (int)ev->source);
		ev->kind = IWF_EV_PEER_UP;
		iwf_event_free(ev);
	}
	ck_assert_str_eq(got, want);
}

START_TEST(queue_serves_sources_in_turn)
{
	struct iwf_queue q;

	ck_assert(iwf_queue_init(&q, 100));
	for (unsigned i = 0; i < 5; i++)
		ck_assert(put(&q, IWF_EV_DAR, 1, i));
	for (unsigned i = 0; i < 2; i++)
		ck_assert(put(&q, IWF_EV_DRR, 2, i));
	ck_assert(put(&q, IWF_EV_DAR, 3, 0));
	ck_assert(put(&q, IWF_EV_PEER_UP, 0, 0));
	ck_assert(put(&q, IWF_EV_PEER_UP, 0, 1));
	expect_sources(&q, 4, "0 0 1 2 ");
	/* Whoever comes anew comes after those who are there; ends first, as ever. */
	ck_assert(put(&q, IWF_EV_DAR, 4, 0));
	ck_assert(put(&q, IWF_EV_PEER_UP, 0, 2));
	expect_sources(&q, 5, "0 3 1 2 4 ");
	expect_sources(&q, 100, "1 1 1 ");
	expect_sources(&q, 100, "");
	ck_assert_uint_eq(q.n, 0);
	iwf_queue_destroy(&q);
}
END_TEST

static size_t take_all(struct iwf_queue *q, unsigned wait_ms, unsigned gather_us)
{
	bool stopping;
	struct iwf_event *ev = iwf_queue_take(q, 1000, wait_ms, gather_us, &stopping);
	size_t n = 0;

	for (struct iwf_event *next; ev; ev = next, n++) {
		next = ev->next;
		iwf_event_free(ev);
	}
	return n;
}

static void *put_many(void *q)
{
	for (unsigned i = 0; i < 100; i++)
		put(q, IWF_EV_PEER_UP, 0, i);
	return NULL;
}

#define FOR_EVER 3600000000u

START_TEST(waits_for_more_where_there_were_many)
{
	struct iwf_queue q;
	pthread_t other;

	ck_assert(iwf_queue_init(&q, 100));
	put(&q, IWF_EV_PEER_UP, 0, 0);
	ck_assert_uint_eq(take_all(&q, PATIENCE_MS, FOR_EVER), 1);
	put_many(&q);
	ck_assert_uint_eq(take_all(&q, PATIENCE_MS, FOR_EVER), 100);  /* many are there already */
	put(&q, IWF_EV_PEER_UP, 0, 0);
	pthread_create(&other, NULL, put_many, &q);
	ck_assert_uint_ge(take_all(&q, PATIENCE_MS, FOR_EVER), 32);
	pthread_join(other, NULL);
	put_many(&q);
	take_all(&q, PATIENCE_MS, FOR_EVER);
	put(&q, IWF_EV_PEER_UP, 0, 0);
	ck_assert_uint_eq(take_all(&q, PATIENCE_MS, 100), 1);         /* nobody else comes */
	put(&q, IWF_EV_PEER_UP, 0, 0);
	ck_assert_uint_eq(take_all(&q, PATIENCE_MS, FOR_EVER), 1);
	iwf_queue_destroy(&q);
}
END_TEST

static void *let_go(void *q)
{
	put(q, IWF_EV_PEER_UP, 0, 0);
	iwf_queue_hold(q, false);
	return NULL;
}

START_TEST(held_queue_gathers)
{
	struct iwf_queue q;
	pthread_t other;

	ck_assert(iwf_queue_init(&q, 100));
	iwf_queue_hold(&q, true);
	put(&q, IWF_EV_PEER_UP, 0, 0);
	pthread_create(&other, NULL, let_go, &q);
	ck_assert_uint_eq(take_all(&q, PATIENCE_MS, 0), 2);
	pthread_join(other, NULL);
	iwf_queue_hold(&q, true);
	put_many(&q);
	ck_assert_uint_eq(take_all(&q, PATIENCE_MS, 0), 100);         /* enough are there */
	put(&q, IWF_EV_PEER_UP, 0, 0);
	ck_assert_uint_eq(take_all(&q, 100, 0), 1);      /* nobody lets go: after wait_ms */
	iwf_queue_destroy(&q);
}
END_TEST

START_TEST(full_queue_has_room_for_others)
{
	struct iwf_queue q;
	unsigned taken = 0;

	ck_assert(iwf_queue_init(&q, 900));
	while (put(&q, IWF_EV_DAR, 1, 0))
		taken++;
	ck_assert_uint_eq(taken, 900);
	/* A hundred more who flood, each gets its share; and one who does not. */
	for (uint64_t source = 2; source < 100; source++)
		for (unsigned i = 0; i < 1000; i++)
			put(&q, IWF_EV_DAR, source, i);
	ck_assert(!put(&q, IWF_EV_DAR, 2, 0));
	for (unsigned i = 0; i < 5; i++)
		ck_assert(put(&q, IWF_EV_DAR, 1000, i));
	ck_assert_uint_eq(q.n, 900);
	expect_sources(&q, 10, "1 2 3 4 5 6 7 8 9 10 ");
	struct iwf_event *ev;
	bool stopping;
	for (ev = iwf_queue_take(&q, 2000, 0, 0, &stopping); ev;) {
		struct iwf_event *next = ev->next;

		ev->kind = IWF_EV_PEER_UP;
		iwf_event_free(ev);
		ev = next;
	}
	iwf_queue_destroy(&q);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("node");
	TCase *tc = tcase_create("running");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, trigger_to_report);
	tcase_add_test(tc, many_at_once_each_answered_once);
	tcase_add_test(tc, full_queue_refuses_at_once);
	tcase_add_test(tc, silent_smssc_is_told_by_our_own_deadline);
	tcase_add_test(tc, locked_store_is_a_temporary_error_and_passes);
	tcase_add_test(tc, stop_answers_who_waits);
	tcase_add_test(tc, unfinished_work_goes_on_when_the_smssc_is_there);
	tcase_add_test(tc, edit_by_sql_counts_soon);
	tcase_add_test(tc, one_node_a_process);
	tcase_add_test(tc, bad_configuration_says_where);
	suite_add_tcase(s, tc);
	tc = tcase_create("parts");
	tcase_add_test(tc, deadlines);
	tcase_add_test(tc, peers);
	tcase_add_test(tc, queue_serves_sources_in_turn);
	tcase_add_test(tc, full_queue_has_room_for_others);
	tcase_add_test(tc, waits_for_more_where_there_were_many);
	tcase_add_test(tc, held_queue_gathers);
	suite_add_tcase(s, tc);
	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
