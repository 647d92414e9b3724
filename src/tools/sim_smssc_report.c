/* sim_smssc_report.c - what becomes of a trigger, and telling the MTC-IWF (DRR,
 * TS 29.337 5.2.2) until it has answered. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "sim_smssc.h"

#define NO_STATE_MAINTAINED 1u

/* SM-Delivery-Outcome-T4 */
static const uint32_t wire_outcome[O_OUTCOMES] = { [O_DELIVER] = 2, [O_ABSENT] = 0, [O_MEMORY] = 1, [O_EXPIRED] = 3 };

static const struct sc_conf *conf_of(const struct sc_trigger *t)
{
	return t->sim->conf;
}

static void tell(const struct sc_trigger *t, const char *what, const struct tool_result *r)
{
	const char *outcome = sc_outcome_words[t->outcome];
	struct json j;

	if (t->sim->json) {
		json_begin(&j, stdout, r ? "dra" : "drr");
		json_text(&j, "smea", t->smea);
		if (t->has_reference)
			json_number(&j, "reference", t->reference);
		json_text(&j, "outcome", outcome);
		if (r && r->code)
			json_number(&j, "result_code", r->code);
		if (r && r->experimental)
			json_number(&j, "experimental_result", r->experimental);
		json_number(&j, "attempt", t->attempts);
		json_text(&j, "text", what);
		json_end(&j);
		return;
	}
	printf("%s SCS %s reference %u: %s", r ? "DRA" : "DRR", t->smea, t->reference, outcome);
	if (r)
		printf(", %s %u %s", r->experimental ? "Experimental-Result" : "Result-Code",
		       r->experimental ? r->experimental : r->code, tool_result_name(r));
	printf("%s%s\n", what[0] ? ", " : "", what);
	fflush(stdout);
}

static void send_report(struct sc_trigger *t);

/* Those that wait for a DRA can be found by its Hop-by-Hop. */
static void wait_dra(struct sc_trigger *t, struct peer *p)
{
	struct sc *sc = t->sim->state;

	t->sent_on = p;
	t->same_hbh = sc->by_hbh[t->hbh % SC_HBH_BUCKETS];
	sc->by_hbh[t->hbh % SC_HBH_BUCKETS] = t;
}

static void unwait_dra(struct sc_trigger *t)
{
	struct sc *sc = t->sim->state;

	if (!t->sent_on)
		return;
	t->sent_on = NULL;
	for (struct sc_trigger **at = &sc->by_hbh[t->hbh % SC_HBH_BUCKETS]; *at; at = &(*at)->same_hbh)
		if (*at == t) {
			*at = t->same_hbh;
			return;
		}
}

static void stop_timer(struct sc_trigger *t)
{
	peer_timer_cancel(t->sim->loop, t->timer);
	t->timer = 0;
}

static void no_dra(void *ctx)
{
	struct sc_trigger *t = ctx;

	t->timer = 0;
	unwait_dra(t);
	send_report(t);
}

static bool build_drr(struct dia_writer *w, const struct sc_trigger *t, struct peer *p)
{
	char session[300];

	peer_session_id(p, session, sizeof(session));
	dia_begin(w, DIA_F_REQUEST | DIA_F_PROXIABLE | (t->attempts > 1 ? DIA_F_RETRANSMIT : 0), CMD_DR, APP_T4, t->hbh, t->e2e);
	dia_put_text(w, DIA_Session_Id, session);
	dia_put_u32(w, DIA_Auth_Session_State, NO_STATE_MAINTAINED);
	dia_put_text(w, DIA_Origin_Host, t->sim->identity);
	dia_put_text(w, DIA_Origin_Realm, t->sim->realm);
	dia_put_text(w, DIA_Destination_Host, t->host);
	dia_put_text(w, DIA_Destination_Realm, t->realm);
	dia_put_octets(w, DIA_User_Identifier, t->user, t->user_n);
	dia_put_octets(w, DIA_SM_RP_SMEA, t->smea_avp, t->smea_n);
	dia_put_u32(w, DIA_SM_Delivery_Outcome_T4, wire_outcome[t->outcome]);
	if (t->outcome == O_ABSENT)
		dia_put_u32(w, DIA_Absent_Subscriber_Diagnostic_T4, t->absent_diagnostic);
	if (t->has_reference && t->drr_reference)
		dia_put_u32(w, DIA_Reference_Number, t->reference);
	return dia_end(w);
}

/* Twice as long each time, up to eight times: an MTC-IWF that is slow gets less to do, not more. */
static uint32_t patience_ms(const struct sc_trigger *t)
{
	return conf_of(t)->drr_timeout_ms << (t->attempts > 4 ? 3 : t->attempts - 1);
}

/* Over the connection of the DTR; when that is gone, over another one of the
 * same host, now or when it comes back. */
static void send_report(struct sc_trigger *t)
{
	struct dia_writer w = { 0 };
	struct peer *p = t->peer && peer_is_open(t->peer) ? t->peer : sim_find_peer(t->sim, t->host);
	struct sc *sc = t->sim->state;

	unwait_dra(t);
	stop_timer(t);
	if (!p)
		return;
	if (t->attempts >= conf_of(t)->drr_attempts) {
		tell(t, "given up", NULL);
		t->report_due = false;
		sc_book_note(t, "told");
		return;
	}
	if (!t->attempts++) {
		t->e2e = peer_next_e2e(p);
		sc_book_sent(t);
	}
	t->hbh = peer_next_hbh(p);
	if (build_drr(&w, t, p) && peer_send(p, w.p, w.n)) {
		wait_dra(t, p);
		sc->reports++;
		tell(t, t->attempts > 1 ? "sent again" : "", NULL);
	}
	dia_writer_free(&w);
	t->timer = peer_timer(t->sim->loop, patience_ms(t), no_dra, t);
}

static void outcome_now(void *ctx)
{
	struct sc_trigger *t = ctx;
	struct sc *sc = t->sim->state;

	t->timer = 0;
	t->state = S_GONE;
	sc_book_note(t, "over");
	if (t->outcome == O_NO_REPORT)
		return;
	sc->delivered += t->outcome == O_DELIVER;
	t->report_due = true;
	t->attempts = 0;
	send_report(t);
}

static int64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * (int64_t)1000 + ts.tv_nsec / 1000000;
}

void sc_schedule(struct sc_trigger *t, const struct device *d, const struct dtr *r)
{
	uint64_t end_ms = r->has_validity ? (uint64_t)r->validity * 1000 : UINT64_MAX;
	uint64_t due_ms = d->has_after ? d->after_ms : d->delay_ms;   /* without after_ms: behind the answer */

	t->outcome = d->outcome;
	t->absent_diagnostic = d->absent_diagnostic;
	t->drr_reference = d->drr_reference;
	t->drr_twice = d->drr_twice;
	if (d->outcome == O_EXPIRED && !d->has_after)
		due_ms = end_ms;
	/* Whatever would come later, the validity ends first. */
	if (end_ms < due_ms) {
		due_ms = end_ms;
		if (t->outcome != O_NO_REPORT)
			t->outcome = O_EXPIRED;
	}
	if (due_ms == UINT64_MAX)
		return;
	t->due_ms = wall_ms() + (int64_t)due_ms;
	sc_resume(t);
}

void sc_resume(struct sc_trigger *t)
{
	int64_t left = t->due_ms - wall_ms();

	if (t->due_ms)
		t->timer = peer_timer(t->sim->loop, left < 0 ? 0 : left > UINT32_MAX ? UINT32_MAX : (uint32_t)left, outcome_now, t);
}

void sc_cancel(struct sc_trigger *t)
{
	unwait_dra(t);
	stop_timer(t);
	t->report_due = false;
}

void sc_got_dra(struct sim *sim, struct peer *p, const struct dia_hdr *h, const uint8_t *msg, size_t n)
{
	struct sc *sc = sim->state;
	struct tool_result r = tool_result_of(msg, n);
	struct sc_trigger *t = sc->by_hbh[h->hbh % SC_HBH_BUCKETS];

	while (t && (t->sent_on != p || t->hbh != h->hbh))
		t = t->same_hbh;
	if (!t || h->code != CMD_DR) {
		sim_event(sim, "late", "an answer to nothing that waits (Hop-by-Hop %u)", h->hbh);
		return;
	}
	tell(t, "", &r);
	unwait_dra(t);
	if (r.code == 3004)   /* busy: the timer that runs will send it again */
		return;
	stop_timer(t);
	if (t->drr_twice) {
		t->drr_twice = false;
		t->attempts = 0;
		send_report(t);
		return;
	}
	t->report_due = false;
	sc_book_note(t, "told");
}

void sc_peer_opened(struct sim *sim, struct peer *p)
{
	struct sc *sc = sim->state;

	for (struct sc_trigger *t = sc_store_next(sc->store, NULL); t; t = sc_store_next(sc->store, t))
		if (!strcasecmp(t->host, peer_remote_host(p)) && !t->peer) {
			t->peer = p;
			if (t->report_due && !t->sent_on) {
				/* It may have been lost with the old connection. */
				t->attempts = t->attempts ? 1 : 0;
				send_report(t);
			}
		}
}

void sc_peer_closed(struct sim *sim, struct peer *p)
{
	struct sc *sc = sim->state;

	for (struct sc_trigger *t = sc_store_next(sc->store, NULL); t; t = sc_store_next(sc->store, t)) {
		if (t->peer == p)
			t->peer = NULL;
		if (t->sent_on != p)
			continue;
		unwait_dra(t);
		stop_timer(t);
		if (t->report_due)
			send_report(t);   /* another connection of that host may be open */
	}
}
