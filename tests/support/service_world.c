#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "service_world.h"

#define ALL_SERVICES (IWF_SVC_TRIGGER | IWF_SVC_RECALL | IWF_SVC_REPLACE)

struct world w;
const struct t4_dta dta_ok = { .kind = T4_ANSWERED, .result_code = 2001 };

static void set_conf(struct iwf_service_conf *c)
{
	*c = (struct iwf_service_conf){
		.identity_source = IWF_ID_LOCAL, .duplicate_window_s = 300,
		.payload_max = 140, .validity_max_s = 86400, .validity_default_s = 600,
		.rate_per_s = 100, .burst = 1000, .scs_waiting_max = 1000, .waiting_max = 2000,
		.nhss = 2, .hss_timeout_ms = 5000, .hss_cache_max = 4, .hss_cache_age_s = 60,
		.nsmssc = 2, .smssc_timeout_ms = 10000, .report_grace_s = 60, .line_max = 100, .line_timeout_ms = 2000,
		.notify_timeout_ms = 10000, .notify_retry_min_s = 5, .notify_retry_max_s = 60, .notify_lifetime_s = 3600,
		.notify_window = 2,
		.hss = {
			{ .node = { "hss1.op.example", "op.example" } },
			{ .node = { "hss2.op.example", "op.example" }, .ndomains = 1, .domains = { "two.example" },
			  .nranges = 1, .ranges = { { "491800000000", "491899999999" } } },
		},
		.smssc = {
			{ .node = { "sc2.op.example", "op.example" }, .priority = 20 },
			{ .node = { "sc1.op.example", "op.example" }, .priority = 10 },
		},
	};
}

static int64_t add_device(struct iwf_subscription *s, const char *imsi, const char *msisdn, const char *ext_id)
{
	*s = (struct iwf_subscription){ .enabled = true, .trigger_allowed = true };
	snprintf(s->imsi.digits, sizeof s->imsi.digits, "%s", imsi);
	snprintf(s->msisdn, sizeof s->msisdn, "%s", msisdn);
	s->id = seed_subscription_row(w.rows, s);
	seed_ext_id(w.rows, ext_id, s->id, 0);
	return seed_grant(w.rows, &(struct seed_grant){ .scs_id = w.scs1.id, .subscription_id = s->id, .services = ALL_SERVICES });
}

static struct { void *p[16384]; size_t n; } kept;

void w_open(void)
{
	memset(&w, 0, sizeof w);
	set_conf(&w.conf);
	w.now_ms = T0;
	w.rows = iwf_store_mem_new();
	w.store = store_fail_new(w.rows);
	w.svc = iwf_service_new(&w.conf, w.store);
	w.scs1 = seed_scs_row("acme", "scs1.example.com");
	snprintf(w.scs1.e164, sizeof w.scs1.e164, "4912345");
	w.scs1.id = seed_scs(w.rows, &w.scs1);
	seed_number(w.rows, w.scs1.id, "4912346", false);
	w.scs2 = seed_scs_row("other", "scs2.example.org");
	snprintf(w.scs2.e164, sizeof w.scs2.e164, "4999999");
	w.scs2.id = seed_scs(w.rows, &w.scs2);
	w.grant1 = add_device(&w.m1, "262011111111111", "491700000001", "m1@iot.example");
	w.grant2 = add_device(&w.m2, "262012222222222", "491700000002", "m2@iot.example");
}

void w_close(void)
{
	iwf_service_free(w.svc);
	w.store->ops->close(w.store);
	iwf_effects_free(&w.fx);
	while (kept.n)
		free(kept.p[--kept.n]);
}

void w_restart(void)
{
	iwf_service_free(w.svc);
	w.svc = iwf_service_new(&w.conf, w.store);
}

static struct iwf_view keep(const void *p, size_t n)
{
	ck_assert(kept.n < sizeof kept.p / sizeof kept.p[0]);
	void *copy = malloc(n ? n : 1);

	if (n)
		memcpy(copy, p, n);
	kept.p[kept.n++] = copy;
	return (struct iwf_view){ copy, n };
}

struct iwf_view w_text(const char *text)
{
	return keep(text, strlen(text));
}

struct iwf_view w_tbcd(const char *digits)
{
	uint8_t tbcd[8];

	return keep(tbcd, iwf_tbcd_from_digits(digits, tbcd));
}

struct tsp_dar w_trigger(iwf_token token, uint32_t reference)
{
	return (struct tsp_dar){
		.token = token, .end_to_end = (uint32_t)token + 1000,
		.peer = w_text("scs1.example.com"), .origin_host = w_text("scs1.example.com"), .origin_realm = w_text("example.com"),
		.peer_address = w_text("192.0.2.7:41234"),
		.has_ext_id = true, .ext_id = w_text("m1@iot.example"), .reference = reference, .action = TSP_TRIGGER,
		.has_trigger_data = true, .payload = w_text("hello"),
	};
}

struct tsp_dar w_recall(iwf_token token, uint32_t reference)
{
	struct tsp_dar dar = w_trigger(token, reference);

	dar.action = TSP_RECALL;
	dar.has_trigger_data = false;
	dar.payload = (struct iwf_view){ NULL, 0 };
	return dar;
}

struct tsp_dar w_replace(iwf_token token, uint32_t reference, uint32_t old_reference)
{
	struct tsp_dar dar = w_trigger(token, reference);

	dar.action = TSP_REPLACE;
	dar.has_old_reference = true;
	dar.old_reference = old_reference;
	dar.payload = w_text("better");
	return dar;
}

struct tsp_dar w_from_scs2(struct tsp_dar dar)
{
	dar.peer = dar.origin_host = w_text("scs2.example.org");
	dar.origin_realm = w_text("example.org");
	return dar;
}

struct t4_drr w_drr(iwf_token token, uint32_t reference, enum t4_outcome outcome)
{
	return (struct t4_drr){ .token = token, .peer = "sc1.op.example", .origin_host = "sc1.op.example", .smea = "4912345",
	                        .has_reference = true, .reference = reference, .outcome = outcome };
}

struct t4_dta w_dta_error(uint32_t experimental)
{
	return (struct t4_dta){ .kind = T4_ANSWERED, .experimental = experimental };
}

struct s6m_sia w_sia_ok(const char *imsi, const char *nodes)
{
	struct s6m_sia sia = { .kind = S6M_ANSWERED, .result_code = 2001, .has_imsi = true };

	snprintf(sia.imsi.digits, sizeof sia.imsi.digits, "%s", imsi);
	if (nodes) {
		sia.nodes = (uint8_t *)strdup(nodes);
		sia.nodes_len = strlen(nodes);
	}
	return sia;
}

/* ---- what the node does */

static enum iwf_err begin(void)
{
	iwf_effects_cut(&w.fx, 0);
	iwf_service_mark(w.svc);
	return w.store->ops->begin(w.store);
}

static bool end(enum iwf_err err, uint64_t given_up)
{
	if (!err)
		err = w.store->ops->commit(w.store);
	if (err) {
		w.store->ops->rollback(w.store);
		iwf_effects_cut(&w.fx, 0);
		iwf_service_undo(w.svc, &w.fx);
		if (given_up && !w.keeps_on)
			iwf_service_give_up(w.svc, given_up, &w.fx);
	}
	for (size_t i = 0; i < w.fx.n; i++) {
		if (w.fx.v[i].kind == IWF_FX_SUBMIT)
			w.txn = w.fx.v[i].u.submit.txn;
		if (w.fx.v[i].kind == IWF_FX_ASK_HSS)
			w.query = w.fx.v[i].u.ask_hss.query;
		if (w.fx.v[i].kind == IWF_FX_NOTIFY)
			w.report = w.fx.v[i].u.notify.report;
	}
	effects_log(&w.fx, 0, w.log, sizeof w.log);
	return !err;
}

bool w_dar(struct tsp_dar dar)
{
	enum iwf_err err = begin();
	struct tsp_dar *copy = tsp_dar_dup(&dar);
	const bool begun = !err;

	if (begun)
		err = iwf_service_dar(w.svc, copy, w.now_ms, &w.fx);
	/* As in the node: it must not be looked at after the call. */
	memset(copy->blob, 0x5a, copy->peer.n + copy->origin_host.n);
	tsp_dar_free(copy);
	bool ok = end(err, 0);
	if (!begun) {
		struct iwf_effect *e = iwf_effects_add(&w.fx, IWF_FX_ANSWER_DAR);

		e->u.answer_dar.token = dar.token;
		e->u.answer_dar.daa = (struct tsp_daa){ .result_code = 2001, .has_status = true, .status = TSP_TEMPORARYERROR };
		effects_log(&w.fx, w.fx.n - 1, w.log, sizeof w.log);
	}
	return ok;
}

bool w_sia(uint64_t query, struct s6m_sia sia)
{
	enum iwf_err err = begin();

	if (!err)
		err = iwf_service_sia(w.svc, query, &sia, w.now_ms, &w.fx);
	s6m_sia_free(&sia);
	return end(err, query);
}

bool w_dta(uint64_t txn, struct t4_dta dta)
{
	enum iwf_err err = begin();

	if (!err)
		err = iwf_service_dta(w.svc, txn, &dta, w.now_ms, &w.fx);
	return end(err, txn);
}

bool w_drr_in(struct t4_drr drr)
{
	enum iwf_err err = begin();
	const bool begun = !err;

	if (begun)
		err = iwf_service_drr(w.svc, &drr, w.now_ms, &w.fx);
	bool ok = end(err, 0);
	if (!begun) {
		struct iwf_effect *e = iwf_effects_add(&w.fx, IWF_FX_ANSWER_DRR);

		e->u.answer_drr.token = drr.token;
		e->u.answer_drr.dra.result_code = 3004;
		effects_log(&w.fx, w.fx.n - 1, w.log, sizeof w.log);
	}
	return ok;
}

bool w_dna(int64_t report, enum tsp_dna_kind kind)
{
	enum iwf_err err = begin();
	const struct tsp_dna dna = { kind, kind == TSP_DNA_ACKED ? 2001 : kind == TSP_DNA_REFUSED ? 5012 : 0 };

	if (!err)
		err = iwf_service_dna(w.svc, report, &dna, w.now_ms, &w.fx);
	return end(err, 0);
}

bool w_tick(void)
{
	enum iwf_err err = begin();

	if (!err)
		err = iwf_service_tick(w.svc, w.now_ms, &w.fx);
	return end(err, 0);
}

bool w_up(const char *host)
{
	enum iwf_err err = begin();

	if (!err)
		err = iwf_service_scs_up(w.svc, host, w.now_ms, &w.fx);
	return end(err, 0);
}

bool w_recover(void)
{
	enum iwf_err err = begin();

	if (!err)
		err = iwf_service_recover(w.svc, w.now_ms, &w.fx);
	return end(err, 0);
}

void w_later(int64_t ms)
{
	w.now_ms += ms;
}

void w_pending(uint32_t reference)
{
	w_dar(w_trigger(1, reference));
	w_dta(w.txn, dta_ok);
	EXPECT_STATE(reference, TRG_PENDING);
	w.log[0] = '\0';
}

/* ---- what is in the store */

enum trg_state w_state(uint32_t reference, bool recall)
{
	struct iwf_trigger row;
	enum trg_state state = 0;

	for (size_t i = 0; seed_trigger(w.rows, i, &row); i++)
		if (row.reference == reference && (row.action == TSP_RECALL) == recall)
			state = row.state;
	return state;
}

void w_expect_audit(const char *event, const char *decision, enum iwf_reason reason)
{
	struct seed_audit a;
	size_t n = seed_audits(w.rows);

	ck_assert_msg(n > 0, "no audit row");
	ck_assert(seed_audit(w.rows, n - 1, &a));
	ck_assert_str_eq(a.a.event, event);
	ck_assert_str_eq(a.a.decision, decision);
	ck_assert_str_eq(iwf_reason_str(a.a.reason), iwf_reason_str(reason));
	ck_assert_int_eq(a.a.at_ms, w.now_ms);
}
