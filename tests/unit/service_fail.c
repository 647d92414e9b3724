/* A store that fails anywhere, and a network that does anything: whatever
 * happens, everybody is answered once, nothing is delivered twice without
 * warning, nothing is left half done.
 *
 * Around the service stand an SCS, an HSS and SMS-SCs that act on what it sends
 * out, one event after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "service_cases.h"
#include "service_world.h"

#define TOKENS 8192
#define REFS   256
#define EVENTS 8192

enum ev_kind { EV_DAR_IN, EV_SIA_IN, EV_DTA_IN, EV_DRR_IN, EV_DNA_IN };
struct ev {
	enum ev_kind kind;
	int64_t at_ms;
	struct tsp_dar dar;
	uint64_t number;
	struct t4_dta dta;
	struct t4_drr drr;
	enum tsp_dna_kind dna;
};

static struct {
	struct ev events[EVENTS];
	size_t n;
	iwf_token next_token;
	struct { bool asked, drr, lost; unsigned answers; uint32_t reference; enum tsp_action action; } tokens[TOKENS];
	struct { bool sent, reported, submitted; } refs[REFS];     /* DNR seen; DRR under way; DTR seen */
	bool failed, chaos;
	unsigned seed;
} sim;

static unsigned rnd(unsigned below)
{
	sim.seed = sim.seed * 1103515245u + 12345u;
	return (sim.seed >> 16) % below;
}

static struct ev *push(enum ev_kind kind, int64_t after_ms)
{
	ck_assert(sim.n < EVENTS);
	struct ev *e = &sim.events[sim.n++];

	memset(e, 0, sizeof *e);
	e->kind = kind;
	e->at_ms = w.now_ms + after_ms;
	return e;
}

static iwf_token ask(bool drr, uint32_t reference, enum tsp_action action)
{
	const iwf_token token = ++sim.next_token;

	ck_assert(token < TOKENS);
	sim.tokens[token].asked = true;
	sim.tokens[token].drr = drr;
	sim.tokens[token].reference = reference;
	sim.tokens[token].action = action;
	return token;
}

static void push_dar(struct tsp_dar dar)
{
	dar.token = ask(false, dar.reference, dar.action);
	push(EV_DAR_IN, 0)->dar = dar;
}

static void push_drr(struct t4_drr drr, int64_t after_ms)
{
	drr.token = ask(true, drr.reference, TSP_REPORT);
	push(EV_DRR_IN, after_ms)->drr = drr;
}

/* ---- the others */

static void smssc_got(const struct iwf_effect *e)
{
	const struct t4_dtr *d = &e->u.submit.dtr;
	struct ev *end = push(EV_DTA_IN, 5);
	struct t4_drr drr = w_drr(0, d->reference, T4_DELIVERED);

	end->number = e->u.submit.txn;
	end->dta = dta_ok;
	if (sim.chaos) {
		static const struct t4_dta ends[] = {
			{ .kind = T4_ANSWERED, .result_code = 2001 }, { .kind = T4_ANSWERED, .result_code = 2001 },
			{ .kind = T4_ANSWERED, .result_code = 2001 }, { .kind = T4_TIMEOUT }, { .kind = T4_UNREACHABLE },
			{ .kind = T4_NONSENSE }, { .kind = T4_ANSWERED, .result_code = 3004 }, { .kind = T4_ANSWERED, .experimental = 5530 },
			{ .kind = T4_ANSWERED, .experimental = 5533 }, { .kind = T4_ANSWERED, .experimental = 5535 },
		};
		end->dta = ends[rnd(N(ends))];
		end->at_ms = w.now_ms + rnd(15000);
	}
	if (end->dta.kind == T4_UNREACHABLE)
		return;
	if (d->action == T4_RECALL)
		return;
	ck_assert_msg(d->retransmitted || !sim.refs[d->reference].submitted || end->dta.result_code == 3004 || sim.chaos,
	              "DTR for %u twice without T flag", d->reference);
	sim.refs[d->reference].submitted = true;
	if (sim.chaos ? rnd(3) == 0 : d->reference % 2 && !sim.refs[d->reference].reported) {
		sim.refs[d->reference].reported = true;
		snprintf(drr.peer, sizeof drr.peer, "%s", e->u.submit.to.host);
		snprintf(drr.origin_host, sizeof drr.origin_host, "%s", e->u.submit.to.host);
		snprintf(drr.smea, sizeof drr.smea, "%s", d->smea);
		if (sim.chaos)
			drr.outcome = (enum t4_outcome)rnd(4);
		push_drr(drr, sim.chaos ? rnd(20000) : 50);
	}
}

static void scs_got(const struct iwf_effect *e)
{
	const struct tsp_dnr *d = &e->u.notify.dnr;
	struct ev *end = push(EV_DNA_IN, 5);

	ck_assert_msg(!sim.refs[d->reference].sent || d->retransmitted || sim.chaos, "DNR for %u twice without T flag", d->reference);
	sim.refs[d->reference].sent = true;
	end->number = (uint64_t)e->u.notify.report;
	end->dna = TSP_DNA_ACKED;
	if (sim.chaos) {
		end->dna = rnd(4) ? TSP_DNA_ACKED : rnd(2) ? TSP_DNA_REFUSED : TSP_DNA_UNDELIVERED;
		end->at_ms = w.now_ms + rnd(12000);
	}
}

static void answered(iwf_token token, bool drr)
{
	ck_assert(token > 0 && token <= sim.next_token);
	ck_assert_msg(sim.tokens[token].drr == drr && !sim.tokens[token].lost, "token %u is another's", (unsigned)token);
	ck_assert_msg(++sim.tokens[token].answers == 1, "token %u is answered twice", (unsigned)token);
}

/* What the service wants done. */
static void perform(void)
{
	for (size_t i = 0; i < w.fx.n; i++) {
		const struct iwf_effect *e = &w.fx.v[i];
		iwf_token token;

		switch (e->kind) {
		case IWF_FX_ANSWER_DAR:
			token = e->u.answer_dar.token;
			answered(token, false);
			if (e->u.answer_dar.daa.status == TSP_SUCCESS && sim.tokens[token].action != TSP_RECALL)
				ck_assert_int_ne(w_state(sim.tokens[token].reference, false), TRG_SUBMITTING);
			break;
		case IWF_FX_ANSWER_DRR:
			token = e->u.answer_drr.token;
			answered(token, true);
			/* An SMS-SC that was not heard says it again. */
			if (e->u.answer_drr.dra.result_code == 3004 || e->u.answer_drr.dra.result_code == 3002)
				push_drr(w_drr(0, sim.tokens[token].reference, T4_DELIVERED), 1000);
			break;
		case IWF_FX_ASK_HSS:
			push(EV_SIA_IN, 5)->number = e->u.ask_hss.query;
			break;
		case IWF_FX_SUBMIT:
			smssc_got(e);
			break;
		case IWF_FX_NOTIFY:
			scs_got(e);
			break;
		}
	}
	iwf_effects_cut(&w.fx, 0);
	w.log[0] = '\0';
}

static void call(bool ok)
{
	sim.failed |= !ok;
	perform();
}

/* The node's own deadline tells the end that was lost. */
static void deliver_dna(const struct ev *e)
{
	bool ok = w_dna((int64_t)e->number, e->dna);

	if (!ok) {
		struct ev *end = push(EV_DNA_IN, 2000);

		end->number = e->number;
		end->dna = TSP_DNA_UNDELIVERED;
	}
	call(ok);
}

static void deliver(const struct ev *e)
{
	switch (e->kind) {
	case EV_DAR_IN: call(w_dar(e->dar)); break;
	case EV_SIA_IN: call(w_sia(e->number, sim.chaos && !rnd(4) ? (struct s6m_sia){ .kind = S6M_TIMEOUT } : w_sia_ok("262011111111111", "<mme>"))); break;
	case EV_DTA_IN: call(w_dta(e->number, e->dta)); break;
	case EV_DRR_IN: call(w_drr_in(e->drr)); break;
	case EV_DNA_IN: deliver_dna(e); break;
	}
}

/* Time goes on by `ms`: what is due happens, and a tick. */
static void pass(int64_t ms)
{
	const int64_t until = w.now_ms + ms;

	for (;;) {
		size_t next = 0;

		for (size_t i = 1; i < sim.n; i++)
			if (sim.events[i].at_ms < sim.events[next].at_ms)
				next = i;
		if (!sim.n || sim.events[next].at_ms > until)
			break;
		const struct ev e = sim.events[next];

		sim.events[next] = sim.events[--sim.n];
		if (e.at_ms > w.now_ms)
			w.now_ms = e.at_ms;
		deliver(&e);
	}
	w.now_ms = until;
	if (sim.failed) {
		sim.failed = false;
		call(w_recover());
	}
	call(w_tick());
}

static bool is_quiet(void)
{
	return !sim.n && !iwf_service_waiting(w.svc) && !seed_reports(w.rows);
}

static void nothing_is_left(const char *why)
{
	struct iwf_trigger row;

	/* Quiet for a while, for what is tried again later is quiet in between. */
	for (int i = 0, quiet = 0; i < 4000 && quiet < 10; i++) {
		pass(500);
		quiet = is_quiet() ? quiet + 1 : 0;
	}
	ck_assert_msg(is_quiet(), "%s: %zu events, %zu wait, %zu reports", why, sim.n,
	              iwf_service_waiting(w.svc), seed_reports(w.rows));
	for (iwf_token t = 1; t <= sim.next_token; t++)
		ck_assert_msg(sim.tokens[t].lost || sim.tokens[t].answers == 1, "%s: token %u has %u answers", why, (unsigned)t, sim.tokens[t].answers);
	for (size_t i = 0; seed_trigger(w.rows, i, &row); i++) {
		ck_assert_msg(row.state == TRG_PENDING || trg_state_is_final(row.state), "%s: number %u is %s", why, row.reference,
		              trg_state_str(row.state));
		ck_assert(row.request_status >= 0);
	}
	/* In the end all that was accepted ends. */
	pass(90000000);
	for (int i = 0; i < 200 && (sim.n || seed_reports(w.rows)); i++)
		pass(1000);
	for (size_t i = 0; seed_trigger(w.rows, i, &row); i++) {
		ck_assert_msg(trg_state_is_final(row.state), "%s: number %u is %s", why, row.reference, trg_state_str(row.state));
		ck_assert(row.ended_ms > 0);
		ck_assert_int_eq(row.outcome >= 0, row.state == TRG_DELIVERED || row.state == TRG_UNDELIVERABLE ||
		                                   row.state == TRG_EXPIRED || row.state == TRG_UNCONFIRMED);
	}
}

static void begin(void)
{
	memset(&sim, 0, sizeof sim);
	w_open();
}

/* ---- each call fails once */

static void flow(void)
{
	push_dar(w_trigger(0, 1));                       /* delivered and reported */
	push_dar(w_trigger(0, 2));                       /* stays */
	pass(20);
	struct tsp_dar again = w_trigger(0, 1);
	again.retransmitted = true;
	push_dar(again);
	push_dar(w_from_scs2(w_trigger(0, 20)));         /* refused */
	pass(200);
	push_dar(w_recall(0, 2));
	push_dar(w_trigger(0, 4));
	pass(20);
	push_dar(w_replace(0, 5, 4));                    /* reported in its turn */
	pass(200);
	push_dar(w_recall(0, 2));
	push_dar(w_replace(0, 6, 99));
	pass(200);
}

static const struct { const char *why; enum iwf_identity_source source; bool after_dna; enum iwf_err err; unsigned times; uint32_t rate; } modes[] = {
	{ "local", IWF_ID_LOCAL, false, IWF_ESTORE, 1, 0 },
	{ "local, twice", IWF_ID_LOCAL, false, IWF_EBUSY, 2, 0 },
	{ "local, for a while", IWF_ID_LOCAL, false, IWF_EFULL, 25, 0 },
	{ "hss", IWF_ID_HSS, false, IWF_ESTORE, 1, 0 },
	{ "hss, twice", IWF_ID_HSS, false, IWF_ENOMEM, 2, 0 },
	{ "after-dna", IWF_ID_LOCAL, true, IWF_ESTORE, 1, 0 },
	{ "after-dna, for a while", IWF_ID_LOCAL, true, IWF_ESTORE, 25, 0 },
	{ "in line", IWF_ID_LOCAL, false, IWF_ESTORE, 1, 4 },
	{ "in line, for a while", IWF_ID_HSS, false, IWF_ESTORE, 25, 4 },
};

/* Call 1, 2, 3 ... fails until the whole flow needs fewer calls. */
START_TEST(each_call_fails_in_turn)
{
	char why[64];
	unsigned nth = 0, calls;

	do {
		nth++;
		begin();
		w.conf.identity_source = modes[_i].source;
		w.conf.report_after_dna = modes[_i].after_dna;
		w.conf.hss_cache_age_s = 0;
		w.conf.smssc[0].rate_per_s = w.conf.smssc[1].rate_per_s = modes[_i].rate;
		store_fail_at(w.store, nth, modes[_i].times, modes[_i].err);
		flow();
		calls = store_fail_calls(w.store);
		snprintf(why, sizeof why, "%s, call %u", modes[_i].why, nth);
		store_fail_at(w.store, 0, 0, IWF_OK);
		nothing_is_left(why);
		w_close();
	} while (nth <= calls);
	ck_assert_uint_gt(nth, 80);
}
END_TEST

START_TEST(nothing_fails)
{
	begin();
	w.conf.identity_source = modes[_i].source;
	w.conf.report_after_dna = modes[_i].after_dna;
	flow();
	EXPECT_STATE(1, TRG_DELIVERED);
	EXPECT_STATE(2, TRG_RECALLED);
	EXPECT_STATE(4, TRG_REPLACED);
	EXPECT_STATE(5, TRG_DELIVERED);
	nothing_is_left("nothing fails");
	w_close();
}
END_TEST

/* ---- everything at once */

static struct tsp_dar any_dar(void)
{
	const uint32_t reference = rnd(12), old = rnd(12);
	struct tsp_dar dar;

	switch (rnd(4)) {
	case 0:  dar = w_recall(0, reference); break;
	case 1:  dar = w_replace(0, reference, old); break;
	default: dar = w_trigger(0, reference); break;
	}
	dar.retransmitted = !rnd(4);
	dar.end_to_end = rnd(20);
	if (!rnd(3)) {
		dar.has_validity = true;
		dar.validity_s = rnd(40);
	}
	if (!rnd(10))
		dar.ext_id = w_text("m2@iot.example");
	return dar;
}

/* kill -9: the connections are gone, and who waited on them. */
static void crash(void)
{
	for (iwf_token t = 1; t <= sim.next_token; t++)
		sim.tokens[t].lost |= !sim.tokens[t].answers;
	for (size_t i = 0; i < sim.n; i++) {
		if (sim.events[i].kind == EV_DAR_IN)
			sim.tokens[sim.events[i].dar.token].lost = true;
		if (sim.events[i].kind == EV_DRR_IN) {
			sim.events[i].drr.token = ask(true, sim.events[i].drr.reference, TSP_REPORT);
			continue;
		}
		sim.events[i--] = sim.events[--sim.n];
	}
	w_restart();
	call(w_recover());
}

START_TEST(anything_happens)
{
	char why[32];

	begin();
	sim.seed = (unsigned)_i * 7919u + 1;
	sim.chaos = true;
	w.conf.identity_source = (enum iwf_identity_source)(_i % 3);
	w.conf.report_after_dna = _i & 1;
	w.conf.notify_window = 1 + rnd(3);
	if (_i & 4) {                                    /* one has to wait in line */
		w.conf.smssc[0].rate_per_s = 1 + rnd(3);
		w.conf.smssc[1].rate_per_s = 1 + rnd(3);
		w.conf.line_max = 3;
	}
	if (_i & 16) {
		w.conf.audit_repeat_after = 1;
		w.conf.audit_repeat_s = 5;
		w.conf.audit_retention_days = 1;
	}
	if (_i & 8) {
		w.conf.device_rate_per_h = 3600;
		w.conf.device_burst = w.conf.device_table_max = 2;
		w.conf.scs_waiting_max = 4;
	}
	for (int step = 0; step < 150; step++) {
		switch (rnd(16)) {
		case 0:  store_fail_at(w.store, 1 + rnd(20), 1 + rnd(3), IWF_ESTORE); break;
		case 1:  if (!rnd(4)) crash(); break;
		case 2:  call(w_up("scs1.example.com")); break;
		case 3:  w.conf.nsmssc = 1 + rnd(2); break;
		default: push_dar(any_dar()); break;
		}
		pass(rnd(3000));
	}
	store_fail_at(w.store, 0, 0, IWF_OK);
	w.conf.nsmssc = 2;
	snprintf(why, sizeof why, "seed %d", _i);
	nothing_is_left(why);
	w_close();
}
END_TEST

/* ---- undo, looked at closely */

START_TEST(answer_that_is_rolled_back)
{
	static const char *const ops[] = { "trigger_move", "audit_add", "commit" };

	begin();
	w.keeps_on = true;
	w_dar(w_trigger(1, 7));
	w.log[0] = '\0';
	uint64_t txn = w.txn;
	store_fail_at(w.store, 2 + (unsigned)_i / 2, 1, IWF_ESTORE);
	ck_assert(!w_dta(txn, dta_ok));
	ck_assert_str_eq(store_fail_op(w.store), ops[_i / 2]);
	EXPECT("daa 1 TEMPORARYERROR\n");
	EXPECT_STATE(7, TRG_SUBMITTING);
	/* Nobody forgets the row, told or not. */
	if (_i % 2)
		w_recover();
	else
		w_tick();
	EXPECT("dtr sc1 trigger T ref=7 imsi=262011111111111 ext=m1@iot.example smea=4912345 valid=600 \"hello\"\n");
	w_dta(w.txn, dta_ok);
	EXPECT("");
	EXPECT_STATE(7, TRG_PENDING);
	w_dar(w_trigger(2, 7));
	EXPECT("daa 2 SUCCESS\n");
	w_close();
}
END_TEST

START_TEST(who_only_joined_leaves_alone)
{
	struct tsp_dar again;

	begin();
	w_dar(w_trigger(1, 7));
	w.log[0] = '\0';
	const uint64_t txn = w.txn;

	/* How many calls it takes to join, to make the last one fail, which is the commit. */
	store_fail_at(w.store, 0, 0, IWF_OK);
	w_dar(w_trigger(2, 7));
	store_fail_at(w.store, store_fail_calls(w.store), 1, IWF_ESTORE);
	again = w_trigger(3, 7);
	again.has_features = true;
	again.features = 1;
	ck_assert(!w_dar(again));
	ck_assert_str_eq(store_fail_op(w.store), "commit");
	EXPECT("daa 3 TEMPORARYERROR feat=1\n");
	/* Or earlier. */
	store_fail_at(w.store, 2, 1, IWF_ESTORE);
	again.token = 4;
	ck_assert(!w_dar(again));
	EXPECT("daa 4 TEMPORARYERROR feat=1\n");
	w_tick();
	EXPECT("");
	w_dta(txn, dta_ok);
	EXPECT("daa 2 SUCCESS\ndaa 1 SUCCESS\n");
	w_close();
}
END_TEST

START_TEST(who_only_waits_for_the_same_report_leaves_alone)
{
	begin();
	w.conf.report_after_dna = true;
	w_pending(7);
	w_drr_in(w_drr(50, 7, T4_DELIVERED));
	store_fail_at(w.store, 0, 0, IWF_OK);
	w_drr_in(w_drr(51, 7, T4_DELIVERED));
	w.log[0] = '\0';
	store_fail_at(w.store, store_fail_calls(w.store), 1, IWF_ESTORE);
	ck_assert(!w_drr_in(w_drr(52, 7, T4_DELIVERED)));
	ck_assert_str_eq(store_fail_op(w.store), "commit");
	EXPECT("dra 52 3004\n");
	w_dna(w.report, TSP_DNA_ACKED);
	EXPECT("dra 51 2001\ndra 50 2001\n");
	w_close();
}
END_TEST

START_TEST(question_that_never_left_is_asked_again)
{
	begin();
	w.conf.identity_source = IWF_ID_HSS;
	w_dar(w_trigger(1, 1));
	const unsigned commit = store_fail_calls(w.store);

	w_sia(w.query, (struct s6m_sia){ .kind = S6M_TIMEOUT });
	w.log[0] = '\0';
	store_fail_at(w.store, commit, 1, IWF_ESTORE);
	ck_assert(!w_dar(w_trigger(2, 2)));
	ck_assert_str_eq(store_fail_op(w.store), "commit");
	EXPECT("daa 2 TEMPORARYERROR\n");
	w_dar(w_trigger(3, 3));
	EXPECT("sir hss1 ext=m1@iot.example smea=4912345\n");
	w_close();
}
END_TEST

START_TEST(queue_moves_on_after_a_rollback)
{
	begin();
	w.conf.notify_window = 1;
	for (uint32_t i = 1; i <= 4; i++)
		w_pending(i);
	for (uint32_t i = 1; i <= 3; i++)
		w_drr_in(w_drr(50, i, T4_DELIVERED));
	w.log[0] = '\0';
	/* The answer that would have made room is rolled back: begin, delete, audit, ... */
	store_fail_at(w.store, 3, 1, IWF_ESTORE);
	ck_assert(!w_dna(w.report, TSP_DNA_ACKED));
	EXPECT("");
	/* A new one does not overtake. */
	w_drr_in(w_drr(54, 4, T4_DELIVERED));
	EXPECT("dra 54 2001\n");
	w_tick();
	EXPECT("dnr scs1 ref=2 SUCCESS ext=m1@iot.example\n");
	w_later(15000);
	w_dna(w.report, TSP_DNA_ACKED);
	EXPECT("dnr scs1 ref=3 SUCCESS ext=m1@iot.example\n");
	w_dna(w.report, TSP_DNA_ACKED);
	EXPECT("dnr scs1 ref=4 SUCCESS ext=m1@iot.example\n");
	w_dna(w.report, TSP_DNA_ACKED);
	w_tick();
	EXPECT("dnr scs1 ref=1 SUCCESS T ext=m1@iot.example\n");
	w_close();
}
END_TEST

TCase *service_cases_fail(void)
{
	TCase *tc = tcase_create("fail");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, nothing_fails, 0, N(modes));
	tcase_add_loop_test(tc, each_call_fails_in_turn, 0, N(modes));
	tcase_add_loop_test(tc, anything_happens, 0, 100);
	tcase_add_loop_test(tc, answer_that_is_rolled_back, 0, 6);
	tcase_add_test(tc, who_only_joined_leaves_alone);
	tcase_add_test(tc, who_only_waits_for_the_same_report_leaves_alone);
	tcase_add_test(tc, question_that_never_left_is_asked_again);
	tcase_add_test(tc, queue_moves_on_after_a_rollback);
	return tc;
}
