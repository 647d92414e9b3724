#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "service_int.h"

/* Reports of one SCS that wait in memory for the window.  Those beyond stay in the outbox only, in line: all with one
 * next_ms, so that their order is that of their ids, and are fetched when there is room. */
#define QUEUE_MAX    256
/* How long a report that waits in memory is left alone by report_due(). */
#define QUEUED_MS    30000
/* ---- hosts and reports in memory */

static struct svc_host *host_get(struct iwf_service *svc, const char *name)
{
	const uint64_t hash = iwf_map_hash_str(svc->seed, name);
	struct svc_host *h;

	for (struct iwf_map_link *l = iwf_map_first(&svc->hosts, hash); l; l = iwf_map_next(l)) {
		h = IWF_MAP_OWNER(l, struct svc_host, by_name);
		if (strcasecmp(h->name, name) == 0)
			return h;
	}
	h = calloc(1, sizeof *h);
	if (!h)
		return NULL;
	snprintf(h->name, sizeof h->name, "%s", name);
	iwf_map_add(&svc->hosts, &h->by_name, hash);
	return h;
}

static void host_put(struct iwf_service *svc, struct svc_host *h)
{
	if (h->in_flight || h->queued || h->behind)
		return;
	iwf_map_del(&svc->hosts, &h->by_name);
	free(h);
}

/* Who has just come back gets nothing younger before it is known what became of what was on its way before. */
static bool window_open(const struct iwf_service *svc, const struct svc_host *h)
{
	return h->in_flight < svc->conf->notify_window && !h->early;
}

static struct svc_report *report_find(const struct iwf_service *svc, int64_t id)
{
	struct iwf_map_link *l = iwf_map_first(&svc->reports, iwf_map_hash_u64(svc->seed, (uint64_t)id));

	return l ? IWF_MAP_OWNER(l, struct svc_report, by_id) : NULL;
}

static struct svc_report *report_know(struct iwf_service *svc, const struct iwf_report *row)
{
	struct svc_report *r = report_find(svc, row->id);

	if (!r) {
		r = calloc(1, sizeof *r);
		if (!r)
			return NULL;
		r->id = row->id;
		iwf_map_add(&svc->reports, &r->by_id, iwf_map_hash_u64(svc->seed, (uint64_t)row->id));
	}
	r->trigger_id = row->trigger_id;
	r->scs_id = row->scs_id;
	r->reference = row->dnr.reference;
	r->attempts = row->attempts;
	r->expires_ms = row->expires_ms;
	r->epoch = svc->epoch;
	return r;
}

/* Out of the queue, out of flight. */
static void report_idle(struct iwf_service *svc, struct svc_report *r)
{
	struct svc_host *h = r->host;

	if (r->state == SVC_REPORT_QUEUED) {
		*(r->prev ? &r->prev->next : &h->first) = r->next;
		*(r->next ? &r->next->prev : &h->last) = r->prev;
		r->prev = r->next = NULL;
		h->queued--;
	} else if (r->state == SVC_REPORT_IN_FLIGHT) {
		h->in_flight--;
		h->early -= r->sent_at_return != h->returns;
	}
	r->state = SVC_REPORT_IDLE;
	r->host = NULL;
}

static void report_queue(struct svc_report *r, struct svc_host *h)
{
	r->state = SVC_REPORT_QUEUED;
	r->host = h;
	r->prev = h->last;
	*(h->last ? &h->last->next : &h->first) = r;
	h->last = r;
	h->queued++;
}

/* The queue is in the order of the ids: this one is older than most of it. */
static void report_queue_again(struct svc_report *r, struct svc_host *h)
{
	struct svc_report *next = h->first;

	while (next && next->id < r->id)
		next = next->next;
	r->state = SVC_REPORT_QUEUED;
	r->host = h;
	r->next = next;
	r->prev = next ? next->prev : h->last;
	*(r->prev ? &r->prev->next : &h->first) = r;
	*(next ? &next->prev : &h->last) = r;
	h->queued++;
}

static void free_held(struct iwf_service *svc, struct svc_held *held)
{
	struct svc_held **at = &held->report->held;

	while (*at != held)
		at = &(*at)->next;
	*at = held->next;
	*(held->older ? &held->older->newer : &svc->oldest_held) = held->newer;
	*(held->newer ? &held->newer->older : &svc->newest_held) = held->older;
	free(held);
}

/* Nothing more to remember of it; a DRR that waits for it must have been answered. */
static void report_forget(struct iwf_service *svc, struct svc_report *r)
{
	struct svc_host *h = r->host;

	report_idle(svc, r);
	while (r->held)
		free_held(svc, r->held);
	iwf_map_del(&svc->reports, &r->by_id);
	free(r);
	if (h)
		host_put(svc, h);
}

/* The same, and DRRs that wait for it are answered. */
static void report_end(struct iwf_service *svc, struct svc_report *r, uint32_t result_code, struct iwf_effects *fx)
{
	for (const struct svc_held *held = r->held; held; held = held->next)
		svc_answer_drr(svc, held->token, result_code, fx);
	report_forget(svc, r);
}

/* ---- sending */

static int64_t sent_next_ms(const struct iwf_service *svc)
{
	return svc->now_ms + svc->conf->notify_timeout_ms + (int64_t)svc->conf->notify_retry_min_s * 1000;
}

/* The outbox has been told that it goes out. */
static void put_in_flight(struct iwf_service *svc, struct svc_report *r, struct svc_host *h, const struct iwf_report *row, bool again,
                          struct iwf_effects *fx)
{
	struct iwf_effect *e = iwf_effects_add(fx, IWF_FX_NOTIFY);

	r->state = SVC_REPORT_IN_FLIGHT;
	r->sent_at_return = h->returns;
	r->host = h;
	h->in_flight++;
	e->u.notify.report = row->id;
	e->u.notify.timeout_ms = svc->conf->notify_timeout_ms;
	e->u.notify.dnr = row->dnr;
	e->u.notify.dnr.retransmitted = again;
}

/* A row of the outbox that is there already. */
static enum iwf_err send_row(struct iwf_service *svc, struct svc_host *h, struct iwf_report *row, struct iwf_effects *fx)
{
	const bool again = row->attempts > 0;
	struct svc_report *r;
	enum iwf_err err = STORE(svc, report_retry, row->id, sent_next_ms(svc), ++row->attempts);

	if (err == IWF_ENOENT) {
		r = report_find(svc, row->id);
		if (r)
			report_end(svc, r, DIAMETER_SUCCESS, fx);
		return IWF_OK;
	}
	if (err)
		return err;
	r = report_know(svc, row);
	if (!r)
		return IWF_ENOMEM;
	put_in_flight(svc, r, h, row, again, fx);
	return IWF_OK;
}

static enum iwf_err audit_report(struct iwf_service *svc, int64_t scs_id, uint32_t reference, const char *host, const char *decision,
                                 enum iwf_reason reason, const char *detail)
{
	struct svc_about about = { .scs_id = scs_id, .reference = reference, .event = "report" };

	svc_text((struct iwf_view){ (const uint8_t *)host, strlen(host) }, about.peer, sizeof about.peer);
	return svc_audit(svc, &about, decision, reason, -1, detail);
}

/* Given up: the SCS did not take it within its time. */
static enum iwf_err expire(struct iwf_service *svc, int64_t id, int64_t scs_id, uint32_t reference, const char *host)
{
	enum iwf_err err = STORE(svc, report_delete, id);

	if (err)
		return err == IWF_ENOENT ? IWF_OK : err;
	return audit_report(svc, scs_id, reference, host, "failed", RS_REPORT_EXPIRED, NULL);
}

/* As many of the queue as the window takes. */
static enum iwf_err send_queued(struct iwf_service *svc, struct svc_host *h, struct iwf_effects *fx)
{
	struct iwf_report row;
	enum iwf_err err = IWF_OK;

	while (!err && h->first && window_open(svc, h)) {
		struct svc_report *r = h->first;

		r->epoch = svc->epoch;
		report_idle(svc, r);
		err = STORE(svc, report_get, r->id, &row);
		/* Gone, or the number is another one's now: somebody has deleted it. */
		if (err == IWF_ENOENT || (!err && row.trigger_id != r->trigger_id)) {
			report_end(svc, r, DIAMETER_SUCCESS, fx);
			err = IWF_OK;
		} else if (!err && row.expires_ms <= svc->now_ms) {
			err = expire(svc, row.id, row.scs_id, row.dnr.reference, h->name);
			if (!err)
				report_end(svc, r, DIAMETER_UNABLE_TO_DELIVER, fx);
		} else if (!err) {
			err = send_row(svc, h, &row, fx);
		}
	}
	if (!err)
		host_put(svc, h);
	return err;
}

/* From now on there are reports for it in the outbox only. */
static void fall_behind(const struct iwf_service *svc, struct svc_host *h)
{
	h->behind = true;
	h->line_ms = svc->now_ms + (int64_t)svc->conf->notify_retry_max_s * 1000;
	h->after_id = 0;
}

/* A row of the outbox whose time has come. */
static enum iwf_err handle_due(struct iwf_service *svc, struct iwf_report *row, struct iwf_effects *fx)
{
	struct svc_report *r = report_find(svc, row->id);
	struct svc_host *h;
	enum iwf_err err;

	if (r && r->state != SVC_REPORT_IDLE)
		return STORE(svc, report_retry, row->id, svc->now_ms + QUEUED_MS, row->attempts);
	if (row->expires_ms <= svc->now_ms) {
		err = expire(svc, row->id, row->scs_id, row->dnr.reference, row->dnr.dest_host);
		if (!err && r)
			report_end(svc, r, DIAMETER_UNABLE_TO_DELIVER, fx);
		return err;
	}
	h = host_get(svc, row->dnr.dest_host);
	if (!h)
		return IWF_ENOMEM;
	if (h->behind || h->queued >= QUEUE_MAX) {
		if (!h->behind)
			fall_behind(svc, h);
		else if (row->id <= h->after_id)
			h->after_id = row->id - 1;
		err = STORE(svc, report_retry, row->id, h->line_ms, row->attempts);
	} else if (window_open(svc, h) && !h->queued) {
		err = send_row(svc, h, row, fx);
	} else {
		err = STORE(svc, report_retry, row->id, svc->now_ms + QUEUED_MS, row->attempts);
		if (!err && !(r = report_know(svc, row)))
			err = IWF_ENOMEM;
		if (!err)
			report_queue(r, h);
	}
	host_put(svc, h);
	return err == IWF_ENOENT ? IWF_OK : err;
}

static enum iwf_err send_due(struct iwf_service *svc, struct iwf_effects *fx)
{
	size_t n = 0;
	enum iwf_err err = STORE(svc, report_due, svc->now_ms, svc->due, SVC_PORTION, &n);

	for (size_t i = 0; i < n && !err; i++)
		err = handle_due(svc, &svc->due[i], fx);
	return err;
}

/* All that the outbox has for it, the oldest first. */
static enum iwf_err line_up(struct iwf_service *svc, struct svc_host *h)
{
	fall_behind(svc, h);
	return STORE(svc, report_line_up, h->name, h->line_ms);
}

/* Into the queue, from the line, as long as there is room. */
static enum iwf_err fetch_line(struct iwf_service *svc, struct svc_host *h)
{
	enum iwf_err err = IWF_OK;
	size_t n;

	if (h->behind && h->line_ms <= svc->now_ms)   /* it has taken so long that those in line are due by themselves */
		err = line_up(svc, h);
	while (!err && h->behind && h->queued < QUEUE_MAX) {
		err = STORE(svc, report_in_line, h->name, h->line_ms, h->after_id, svc->due, SVC_PORTION, &n);
		for (size_t i = 0; i < n && !err && h->queued < QUEUE_MAX; i++) {
			struct svc_report *r = report_find(svc, svc->due[i].id);

			h->after_id = svc->due[i].id;
			if (r && r->state != SVC_REPORT_IDLE)
				continue;
			r = report_know(svc, &svc->due[i]);
			if (!r)
				err = IWF_ENOMEM;
			else
				report_queue(r, h);
		}
		if (!err && n < SVC_PORTION && h->queued < QUEUE_MAX)
			h->behind = false;
	}
	return err;
}

/* A queue moves on when an answer makes room; but a rollback takes away what was
 * in flight, and no answer will come. */
static enum iwf_err send_stranded(struct iwf_service *svc, struct iwf_effects *fx)
{
	enum iwf_err err = IWF_OK;

	for (struct iwf_map_link *l = iwf_map_each(&svc->hosts, NULL), *next; l && !err; l = next) {
		struct svc_host *h = IWF_MAP_OWNER(l, struct svc_host, by_name);

		next = iwf_map_each(&svc->hosts, l);
		if (h->behind && h->queued <= QUEUE_MAX / 4)
			err = fetch_line(svc, h);
		if (!err && window_open(svc, h))
			err = send_queued(svc, h, fx);
	}
	return err;
}

/* ---- a new report */

static enum iwf_err hold_drr(struct iwf_service *svc, struct svc_report *r, iwf_token token)
{
	struct svc_held *held = calloc(1, sizeof *held);

	if (!held)
		return IWF_ENOMEM;
	*held = (struct svc_held){ .next = r->held, .older = svc->newest_held, .report = r, .token = token,
	                           .deadline_ms = svc->now_ms + svc->conf->notify_timeout_ms, .epoch = svc->epoch };
	r->held = held;
	*(svc->newest_held ? &svc->newest_held->newer : &svc->oldest_held) = held;
	svc->newest_held = held;
	return IWF_OK;
}

/* The trigger has ended: what the SCS is told goes into the outbox, and out at once
 * if it can.  *id: of the row. */
static enum iwf_err make_report(struct iwf_service *svc, const struct iwf_trigger *t, int64_t *id, struct iwf_effects *fx)
{
	struct iwf_report row = { .trigger_id = t->id, .scs_id = t->scs_id, .created_ms = svc->now_ms };
	struct svc_host *h = host_get(svc, t->dest_host);
	bool now, queue;
	struct svc_report *r;
	enum iwf_err err;

	if (!h)
		return IWF_ENOMEM;
	now = window_open(svc, h) && !h->queued && !h->behind;
	queue = !now && h->queued < QUEUE_MAX && !h->behind;
	if (!now && !queue && !h->behind)
		fall_behind(svc, h);
	memcpy(row.dnr.dest_host, t->dest_host, sizeof row.dnr.dest_host);
	memcpy(row.dnr.dest_realm, t->dest_realm, sizeof row.dnr.dest_realm);
	memcpy(row.dnr.ext_id, t->ext_id, sizeof row.dnr.ext_id);
	memcpy(row.dnr.msisdn, t->msisdn, sizeof row.dnr.msisdn);
	memcpy(row.dnr.scs_identity, t->scs_identity, sizeof row.dnr.scs_identity);
	row.dnr.reference = t->reference;
	row.dnr.outcome = trg_state_outcome(t->state);
	row.attempts = now;
	row.next_ms = now ? sent_next_ms(svc) : queue ? svc->now_ms + QUEUED_MS : h->line_ms;
	row.expires_ms = svc->now_ms + (int64_t)svc->conf->notify_lifetime_s * 1000;
	err = STORE(svc, report_insert, &row);
	if (!err && (now || queue)) {
		r = report_know(svc, &row);
		if (!r)
			err = IWF_ENOMEM;
		else if (now)
			put_in_flight(svc, r, h, &row, false, fx);
		else
			report_queue(r, h);
	}
	host_put(svc, h);
	*id = row.id;
	return err;
}

/* A trigger ends by itself: journal, audit, report. */
static enum iwf_err end_trigger(struct iwf_service *svc, struct iwf_trigger *row, enum trg_event event, const char *detail,
                                bool *moved, int64_t *report_id, struct iwf_effects *fx)
{
	const struct trg_rule *rule = trg_rule(row->state, event);
	struct iwf_trigger_change change = IWF_TRIGGER_NO_CHANGE;
	struct svc_about about;
	char words[200];
	enum iwf_err err;

	*moved = false;
	if (!rule)
		return IWF_OK;
	change.ended_ms = svc->now_ms;
	change.outcome = (int)trg_state_outcome(rule->to);
	if (rule->effects & TRG_FX_ANSWER) {
		change.request_status = TSP_SUCCESS;
		change.answered_ms = svc->now_ms;
	}
	err = svc_move(svc, row, event, &change, &rule);
	if (err || !rule)
		return err;
	*moved = true;
	snprintf(words, sizeof words, "%s%s%s", trg_state_str(row->state), detail[0] ? ", " : "", detail);
	svc_about_row(&about, row);
	about.event = "report";
	err = svc_audit(svc, &about, "ended", RS_NONE, -1, words);
	if (!err && rule->effects & TRG_FX_NOTIFY)
		err = make_report(svc, row, report_id, fx);
	return err;
}

/* ---- DRR */

static enum iwf_err refuse_drr(struct iwf_service *svc, const struct t4_drr *drr, enum iwf_reason reason, const char *detail,
                               struct iwf_effects *fx)
{
	struct svc_about about;
	enum iwf_err err;

	svc_about_drr(&about, drr);
	err = svc_audit(svc, &about, "refused", reason, -1, detail);
	if (!err)
		svc_answer_drr(svc, drr->token, DIAMETER_UNABLE_TO_COMPLY, fx);
	return err;
}

/* Which trigger is it about?  IWF_ENOENT: none of ours; IWF_ECONFLICT: several. */
static enum iwf_err find_trigger(struct iwf_service *svc, const struct t4_drr *drr, struct iwf_trigger *out)
{
	enum iwf_err err;
	size_t n = 0;

	if (!drr->smea[0])
		return IWF_ENOENT;
	if (drr->has_reference) {
		err = STORE(svc, trigger_by_smea, drr->smea, drr->reference, out);
		if (err)
			return err;
	} else {
		if (!drr->has_imsi)
			return IWF_ENOENT;
		err = STORE(svc, trigger_by_device, drr->smea, &drr->imsi, out, 1, &n);
		if (err)
			return err;
		if (n != 1)
			return n ? IWF_ECONFLICT : IWF_ENOENT;
	}
	if (drr->has_imsi && strcmp(drr->imsi.digits, out->imsi.digits) != 0)
		return IWF_ENOENT;
	/* The SMS-SC said that it does not have it. */
	return out->state == TRG_REFUSED ? IWF_ENOENT : IWF_OK;
}

static enum trg_event event_of(enum t4_outcome outcome)
{
	switch (outcome) {
	case T4_DELIVERED: return EV_DELIVERED;
	case T4_EXPIRED:   return EV_EXPIRED;
	default:           return EV_UNDELIVERABLE;
	}
}

/* The trigger has ended before: the same report once more, or another one too late. */
static enum iwf_err repeated(struct iwf_service *svc, const struct t4_drr *drr, const struct iwf_trigger *row, struct iwf_effects *fx)
{
	const struct trg_rule *same = trg_rule(TRG_PENDING, event_of(drr->outcome));
	struct svc_about about;
	struct svc_report *r;
	struct iwf_report report;
	char detail[64];
	enum iwf_err err;

	if (row->state != same->to) {
		svc_about_row(&about, row);
		about.event = "report";
		snprintf(detail, sizeof detail, "%s after %s", trg_state_str(same->to), trg_state_str(row->state));
		err = svc_audit(svc, &about, "refused", RS_REPORT_DUPLICATE, -1, detail);
		if (err)
			return err;
	} else if (svc->conf->report_after_dna) {
		err = STORE(svc, report_by_trigger, row->id, &report);
		if (err && err != IWF_ENOENT)
			return err;
		if (!err) {
			r = report_find(svc, report.id);
			if (!r)
				r = report_know(svc, &report);
			return r ? hold_drr(svc, r, drr->token) : IWF_ENOMEM;
		}
	}
	svc_answer_drr(svc, drr->token, DIAMETER_SUCCESS, fx);
	return IWF_OK;
}

/* The report was faster than the answer to the DTR, which will find nobody waiting. */
static enum iwf_err was_accepted(struct iwf_service *svc, const struct iwf_trigger *row, struct iwf_effects *fx)
{
	struct svc_txn *t = svc_txn_by_row(svc, row->id);
	const struct svc_reply reply = { DIAMETER_SUCCESS, TSP_SUCCESS, -1, t ? t->smssc : -1 };
	struct svc_about about;
	enum iwf_err err;

	if (t)
		svc_txn_touch(svc, t);
	svc_about_row(&about, row);
	err = svc_audit(svc, &about, "accepted", RS_NONE, TSP_SUCCESS, "the report came first");
	if (!err)
		err = svc_t4_target_done(svc, row, true);
	if (!err && t)
		svc_txn_end(svc, t, &reply, fx);
	return err;
}

/* A trigger has ended by this report: when is the SMS-SC told that we have it? */
static enum iwf_err confirm(struct iwf_service *svc, const struct t4_drr *drr, int64_t report_id, struct iwf_effects *fx)
{
	struct svc_report *r = report_find(svc, report_id);
	struct iwf_report row;
	enum iwf_err err;

	if (!svc->conf->report_after_dna) {
		svc_answer_drr(svc, drr->token, DIAMETER_SUCCESS, fx);
		return IWF_OK;
	}
	if (!r) {
		err = STORE(svc, report_get, report_id, &row);
		if (err)
			return err;
		r = report_know(svc, &row);
	}
	return r ? hold_drr(svc, r, drr->token) : IWF_ENOMEM;
}

static enum iwf_err handle_drr(struct iwf_service *svc, const struct t4_drr *drr, struct iwf_effects *fx)
{
	char absent[48] = "";
	struct iwf_trigger row;
	bool moved = false;
	int64_t report_id = 0;
	enum iwf_err err;

	if (svc_smssc_by_host(svc->conf, drr->peer) < 0 || svc_smssc_by_host(svc->conf, drr->origin_host) < 0)
		return refuse_drr(svc, drr, RS_NOT_T4_PEER, NULL, fx);
	err = find_trigger(svc, drr, &row);
	if (err == IWF_ENOENT)
		return refuse_drr(svc, drr, RS_REPORT_UNKNOWN, NULL, fx);
	if (err == IWF_ECONFLICT)
		return refuse_drr(svc, drr, RS_REPORT_AMBIGUOUS, NULL, fx);
	if (!err && row.state == TRG_SUBMITTING)
		err = was_accepted(svc, &row, fx);
	if (drr->has_diagnostic)
		snprintf(absent, sizeof absent, "absent subscriber diagnostic %u", drr->absent_diagnostic);
	if (!err)
		err = end_trigger(svc, &row, event_of(drr->outcome), absent, &moved, &report_id, fx);
	if (err)
		return err;
	return moved ? confirm(svc, drr, report_id, fx) : repeated(svc, drr, &row, fx);
}

enum iwf_err iwf_service_drr(struct iwf_service *svc, const struct t4_drr *drr, int64_t now_ms, struct iwf_effects *fx)
{
	enum iwf_err err;

	svc_at(svc, now_ms);
	err = handle_drr(svc, drr, fx);
	if (err)
		svc_owe_drr(svc, drr->token);   /* it is answered or held last of all */
	return err;
}

/* ---- DNA */

static int64_t retry_ms(const struct iwf_service *svc, uint32_t attempts)
{
	const int64_t max_s = svc->conf->notify_retry_max_s;
	int64_t wait_s = svc->conf->notify_retry_min_s;

	for (uint32_t i = 1; i < attempts && wait_s < max_s; i++)
		wait_s *= 2;
	return svc->now_ms + (wait_s < max_s ? wait_s : max_s) * 1000;
}

static enum iwf_err undelivered(struct iwf_service *svc, const struct svc_report *r)
{
	enum iwf_err err;

	if (r->expires_ms <= svc->now_ms)
		return expire(svc, r->id, r->scs_id, r->reference, r->host->name);
	err = STORE(svc, report_retry, r->id, retry_ms(svc, r->attempts), r->attempts);
	return err == IWF_ENOENT ? IWF_OK : err;
}

/* It was sent before the SCS came back, and nobody heard it: its turn is now, before all that is younger. */
static enum iwf_err send_again(struct iwf_service *svc, struct svc_report *r, struct iwf_effects *fx)
{
	struct svc_host *h = r->host;

	report_idle(svc, r);
	report_queue_again(r, h);
	return send_queued(svc, h, fx);
}

/* The SCS has seen it, and said yes or no. */
static enum iwf_err seen(struct iwf_service *svc, const struct svc_report *r, const struct tsp_dna *dna)
{
	const bool acked = dna->kind == TSP_DNA_ACKED;
	char detail[32];
	enum iwf_err err = STORE(svc, report_delete, r->id);

	if (err && err != IWF_ENOENT)
		return err;
	snprintf(detail, sizeof detail, "Result-Code %u", dna->result_code);
	return audit_report(svc, r->scs_id, r->reference, r->host->name, acked ? "accepted" : "refused",
	                    acked ? RS_NONE : RS_REPORT_REFUSED, detail);
}

enum iwf_err iwf_service_dna(struct iwf_service *svc, int64_t report, const struct tsp_dna *dna, int64_t now_ms, struct iwf_effects *fx)
{
	struct svc_report *r = report_find(svc, report);
	const bool unheard = dna->kind == TSP_DNA_UNDELIVERED;
	struct svc_host *h;
	bool more;
	enum iwf_err err;

	svc_at(svc, now_ms);
	if (!r || r->state != SVC_REPORT_IN_FLIGHT)
		return IWF_OK;
	r->epoch = svc->epoch;
	h = r->host;
	if (unheard && r->sent_at_return != h->returns)
		return send_again(svc, r, fx);
	if (unheard && h->in_flight == 1)
		h->behind = false;      /* none of the window was heard: it is away, and those in line wait for its return, or their time */
	more = h->first || h->behind;   /* and then `h` stays */
	err = unheard ? undelivered(svc, r) : seen(svc, r, dna);
	if (err)
		return err;
	report_end(svc, r, unheard ? DIAMETER_UNABLE_TO_DELIVER : DIAMETER_SUCCESS, fx);
	if (more && h->behind && h->queued <= QUEUE_MAX / 4)
		err = fetch_line(svc, h);
	return more && !err ? send_queued(svc, h, fx) : err;
}

/* What waits in memory goes back into the line: some of the outbox may be older. */
enum iwf_err iwf_service_scs_up(struct iwf_service *svc, const char *host, int64_t now_ms, struct iwf_effects *fx)
{
	struct svc_host *h = host_get(svc, host);
	enum iwf_err err;

	svc_at(svc, now_ms);
	if (!h)
		return IWF_ENOMEM;
	h->returns++;
	h->early = h->in_flight;
	err = line_up(svc, h);
	while (!err && h->first) {
		struct svc_report *r = h->first;

		if (r->held)
			report_idle(svc, r);
		else
			report_forget(svc, r);
	}
	if (!err)
		err = fetch_line(svc, h);
	return err ? err : send_queued(svc, h, fx);
}

/* ---- tick */

static enum iwf_err end_overdue(struct iwf_service *svc, struct iwf_effects *fx)
{
	size_t n = 0;
	bool moved;
	int64_t report_id;
	enum iwf_err err = STORE(svc, trigger_overdue, svc->now_ms - (int64_t)svc->conf->report_grace_s * 1000, svc->rows, SVC_PORTION, &n);

	for (size_t i = 0; i < n && !err; i++)
		err = end_trigger(svc, &svc->rows[i], EV_VALIDITY_OVER, "", &moved, &report_id, fx);
	return err;
}

/* The SCS has not acknowledged in time; the report stays in the outbox. */
static void end_held(struct iwf_service *svc, struct iwf_effects *fx)
{
	while (svc->oldest_held && svc->oldest_held->deadline_ms <= svc->now_ms) {
		struct svc_held *held = svc->oldest_held;
		struct svc_report *r = held->report;

		svc_answer_drr(svc, held->token, DIAMETER_UNABLE_TO_DELIVER, fx);
		free_held(svc, held);
		if (r->state == SVC_REPORT_IDLE && !r->held)
			report_forget(svc, r);
	}
}

enum iwf_err iwf_service_tick(struct iwf_service *svc, int64_t now_ms, struct iwf_effects *fx)
{
	enum iwf_err err;

	svc_at(svc, now_ms);
	err = svc_recover_portion(svc, fx);
	if (!err)
		err = svc_line_move(svc, true, fx);
	if (!err)
		err = end_overdue(svc, fx);
	if (!err)
		err = send_stranded(svc, fx);
	if (!err)
		err = send_due(svc, fx);
	if (!err)
		err = svc_audit_tick(svc);
	if (!err)
		err = svc_prune_tick(svc);
	if (err)
		return err;
	end_held(svc, fx);
	svc_hss_expire_cache(svc);
	svc_paced_forget_idle(svc);
	return IWF_OK;
}

/* ---- undo, stop, free */

static void undo_held(struct iwf_service *svc, struct svc_report *r, struct iwf_effects *fx)
{
	for (struct svc_held *held = r->held, *next; held; held = next) {
		next = held->next;
		if (held->epoch == svc->epoch) {
			svc_answer_drr(svc, held->token, DIAMETER_TOO_BUSY, fx);
			free_held(svc, held);
		}
	}
}

void svc_report_undo(struct iwf_service *svc, struct iwf_effects *fx)
{
	for (struct iwf_map_link *l = iwf_map_each(&svc->reports, NULL), *next; l; l = next) {
		struct svc_report *r = IWF_MAP_OWNER(l, struct svc_report, by_id);

		next = iwf_map_each(&svc->reports, l);
		if (r->epoch == svc->epoch)
			report_end(svc, r, DIAMETER_TOO_BUSY, fx);
		else
			undo_held(svc, r, fx);
	}
	for (struct iwf_map_link *l = iwf_map_each(&svc->hosts, NULL), *next; l; l = next) {
		next = iwf_map_each(&svc->hosts, l);
		IWF_MAP_OWNER(l, struct svc_host, by_name)->after_id = 0;   /* what was fetched is forgotten */
		host_put(svc, IWF_MAP_OWNER(l, struct svc_host, by_name));
	}
}

void svc_report_stop(struct iwf_service *svc, struct iwf_effects *fx)
{
	while (svc->oldest_held) {
		svc_answer_drr(svc, svc->oldest_held->token, DIAMETER_TOO_BUSY, fx);
		free_held(svc, svc->oldest_held);
	}
}

void svc_report_free(struct iwf_service *svc)
{
	for (struct iwf_map_link *l = iwf_map_each(&svc->reports, NULL), *next; l; l = next) {
		next = iwf_map_each(&svc->reports, l);
		report_forget(svc, IWF_MAP_OWNER(l, struct svc_report, by_id));
	}
	for (struct iwf_map_link *l = iwf_map_each(&svc->hosts, NULL), *next; l; l = next) {
		next = iwf_map_each(&svc->hosts, l);
		IWF_MAP_OWNER(l, struct svc_host, by_name)->behind = false;
		host_put(svc, IWF_MAP_OWNER(l, struct svc_host, by_name));
	}
	iwf_map_free(&svc->reports);
	iwf_map_free(&svc->hosts);
}
