#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hash.h"
#include "service_int.h"

struct iwf_service *iwf_service_new(const struct iwf_service_conf *conf, struct iwf_store *store)
{
	struct iwf_service *svc = calloc(1, sizeof *svc);

	if (!svc)
		return NULL;
	svc->conf = conf;
	svc->store = store;
	svc->epoch = 1;
	svc->next_number = 1;
	svc->seed = (uintptr_t)svc;   /* where the heap is, a peer can't know */
	svc->recover = SVC_RECOVERED;
	struct iwf_map *const maps[] = {
		&svc->txn_by_id, &svc->txn_by_ref, &svc->txn_by_row, &svc->txn_by_target, &svc->loads, &svc->paced,
		&svc->queries_by_id, &svc->queries_by_key, &svc->cache, &svc->hosts, &svc->reports,
	};
	for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
		if (!iwf_map_init(maps[i])) {
			iwf_service_free(svc);
			return NULL;
		}
	}
	return svc;
}

static void free_txn(struct iwf_service *svc, struct svc_txn *t);

static void free_all_txns(struct iwf_service *svc)
{
	for (struct iwf_map_link *l = iwf_map_each(&svc->txn_by_id, NULL), *next; l; l = next) {
		next = iwf_map_each(&svc->txn_by_id, l);
		free_txn(svc, IWF_MAP_OWNER(l, struct svc_txn, by_id));
	}
}

void iwf_service_free(struct iwf_service *svc)
{
	if (!svc)
		return;
	free_all_txns(svc);
	svc_hss_free(svc);
	svc_report_free(svc);
	svc_rate_free(svc);
	iwf_map_free(&svc->txn_by_id);
	iwf_map_free(&svc->txn_by_ref);
	iwf_map_free(&svc->txn_by_row);
	iwf_map_free(&svc->txn_by_target);
	free(svc->given);
	free(svc);
}

void svc_at(struct iwf_service *svc, int64_t now_ms)
{
	svc->now_ms = now_ms;
}

size_t iwf_service_waiting(const struct iwf_service *svc)
{
	return svc->txn_by_id.n;
}

void iwf_service_store_changed(struct iwf_service *svc)
{
	svc_load_forget_idle(svc);
}

/* ---- transactions */

uint64_t svc_ref_hash(const struct iwf_service *svc, int64_t scs_id, uint32_t reference, bool recall)
{
	return iwf_map_hash_u64(iwf_map_hash_u64(svc->seed, (uint64_t)scs_id), (uint64_t)reference << 1 | recall);
}

struct svc_txn *svc_txn_by_ref(const struct iwf_service *svc, int64_t scs_id, uint32_t reference, bool recall)
{
	struct iwf_map_link *l = iwf_map_first(&svc->txn_by_ref, svc_ref_hash(svc, scs_id, reference, recall));

	for (; l; l = iwf_map_next(l)) {
		struct svc_txn *t = IWF_MAP_OWNER(l, struct svc_txn, by_ref);

		if (t->scs_id == scs_id && t->reference == reference && t->recall == recall)
			return t;
	}
	return NULL;
}

struct svc_txn *svc_txn_by_id(const struct iwf_service *svc, uint64_t id)
{
	struct iwf_map_link *l = iwf_map_first(&svc->txn_by_id, iwf_map_hash_u64(svc->seed, id));

	return l ? IWF_MAP_OWNER(l, struct svc_txn, by_id) : NULL;
}

struct svc_txn *svc_txn_by_row(const struct iwf_service *svc, int64_t row_id)
{
	struct iwf_map_link *l = iwf_map_first(&svc->txn_by_row, iwf_map_hash_u64(svc->seed, (uint64_t)row_id));

	return l ? IWF_MAP_OWNER(l, struct svc_txn, by_row) : NULL;
}

bool svc_txn_targets(const struct iwf_service *svc, int64_t row_id)
{
	return iwf_map_first(&svc->txn_by_target, iwf_map_hash_u64(svc->seed, (uint64_t)row_id)) != NULL;
}

struct svc_txn *svc_txn_new(struct iwf_service *svc, int64_t scs_id, uint32_t reference, bool recall, const uint8_t hash[static 32])
{
	struct svc_load *load = svc_load_of(svc, scs_id);
	struct svc_txn *t = load ? calloc(1, sizeof *t) : NULL;

	if (!t)
		return NULL;
	t->load = load;
	load->waiting++;
	t->id = svc->next_number++;
	t->epoch = svc->epoch;
	t->scs_id = scs_id;
	t->reference = reference;
	t->recall = recall;
	memcpy(t->hash, hash, sizeof t->hash);
	t->smssc = -1;
	iwf_map_add(&svc->txn_by_id, &t->by_id, iwf_map_hash_u64(svc->seed, t->id));
	iwf_map_add(&svc->txn_by_ref, &t->by_ref, svc_ref_hash(svc, scs_id, reference, recall));
	return t;
}

void svc_txn_set_row(struct iwf_service *svc, struct svc_txn *t, const struct iwf_trigger *row)
{
	t->row = *row;
	iwf_map_add(&svc->txn_by_row, &t->by_row, iwf_map_hash_u64(svc->seed, (uint64_t)row->id));
	if (row->target_id)
		iwf_map_add(&svc->txn_by_target, &t->by_target, iwf_map_hash_u64(svc->seed, (uint64_t)row->target_id));
}

void svc_txn_touch(struct iwf_service *svc, struct svc_txn *t)
{
	t->epoch = svc->epoch;
}

enum iwf_err svc_txn_wait(struct iwf_service *svc, struct svc_txn *t, const struct tsp_dar *dar)
{
	struct svc_waiter *w = malloc(sizeof *w);

	if (!w)
		return IWF_ENOMEM;
	*w = (struct svc_waiter){ t->waiters, svc_asker_of(dar), svc->epoch };
	t->waiters = w;
	return IWF_OK;
}

static void free_txn(struct iwf_service *svc, struct svc_txn *t)
{
	svc_hss_forget(t);
	svc_line_leave(svc, t);
	t->load->waiting--;
	iwf_map_del(&svc->txn_by_id, &t->by_id);
	iwf_map_del(&svc->txn_by_ref, &t->by_ref);
	iwf_map_del(&svc->txn_by_row, &t->by_row);
	iwf_map_del(&svc->txn_by_target, &t->by_target);
	for (struct svc_waiter *w = t->waiters, *next; w; w = next) {
		next = w->next;
		free(w);
	}
	tsp_dar_free(t->dar);
	free(t->ask);
	free(t->payload);
	free(t->nodes);
	free(t);
}

void svc_txn_end(struct iwf_service *svc, struct svc_txn *t, const struct svc_reply *reply, struct iwf_effects *fx)
{
	for (const struct svc_waiter *w = t->waiters; w; w = w->next)
		svc_answer_dar(svc, w->asker, reply, fx);
	free_txn(svc, t);
}

/* ---- answers */

static void owe(struct iwf_service *svc, struct svc_given given)
{
	if (svc->ngiven == svc->given_cap) {
		size_t cap = svc->given_cap ? svc->given_cap * 2 : 64;
		struct svc_given *v = realloc(svc->given, cap * sizeof *v);

		if (!v)
			abort();      /* or a request would stay without an answer */
		svc->given = v;
		svc->given_cap = cap;
	}
	svc->given[svc->ngiven++] = given;
}

void svc_owe_dar(struct iwf_service *svc, struct svc_asker asker)
{
	owe(svc, (struct svc_given){ false, asker });
}

void svc_owe_drr(struct iwf_service *svc, iwf_token token)
{
	owe(svc, (struct svc_given){ true, { .token = token } });
}

struct svc_asker svc_asker_of(const struct tsp_dar *dar)
{
	return (struct svc_asker){ dar->token, dar->has_features, dar->features };
}

void svc_answer_dar(struct iwf_service *svc, struct svc_asker asker, const struct svc_reply *reply, struct iwf_effects *fx)
{
	struct iwf_effect *e = iwf_effects_add(fx, IWF_FX_ANSWER_DAR);
	struct tsp_daa *daa = &e->u.answer_dar.daa;

	svc_owe_dar(svc, asker);
	e->u.answer_dar.token = asker.token;
	daa->result_code = reply->result_code;
	daa->has_status = true;
	daa->status = reply->status;
	if (reply->diagnostic >= 0) {
		daa->has_diagnostic = true;
		daa->diagnostic = (uint32_t)reply->diagnostic;
	}
	if (asker.has_features) {
		daa->has_features = true;
		daa->features = asker.features & TSP_FEATURE_RECALL_REPLACE;
	}
	if (reply->status == TSP_SUCCESS && svc_smssc_recalls(svc, reply->smssc))
		daa->final_target = TSP_FEATURE_RECALL_REPLACE;
}

void svc_answer_drr(struct iwf_service *svc, iwf_token token, uint32_t result_code, struct iwf_effects *fx)
{
	struct iwf_effect *e = iwf_effects_add(fx, IWF_FX_ANSWER_DRR);

	svc_owe_drr(svc, token);
	e->u.answer_drr.token = token;
	e->u.answer_drr.dra.result_code = result_code;
}

/* ---- mark, undo, stop */

static const struct svc_reply not_now = { DIAMETER_SUCCESS, TSP_TEMPORARYERROR, -1, -1 };

void iwf_service_mark(struct iwf_service *svc)
{
	svc->epoch++;
	svc->ngiven = 0;
}

/* Of a transaction that goes on, those who joined in this epoch. */
static void undo_waiters(struct iwf_service *svc, struct svc_txn *t, struct iwf_effects *fx)
{
	for (struct svc_waiter **at = &t->waiters, *w; (w = *at);) {
		if (w->epoch != svc->epoch) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		svc_answer_dar(svc, w->asker, &not_now, fx);
		free(w);
	}
}

void iwf_service_undo(struct iwf_service *svc, struct iwf_effects *fx)
{
	const size_t ngiven = svc->ngiven;

	/* Answers given, and requests whose call failed. */
	for (size_t i = 0; i < ngiven; i++) {
		const struct svc_given given = svc->given[i];

		if (given.drr)
			svc_answer_drr(svc, given.asker.token, DIAMETER_TOO_BUSY, fx);
		else
			svc_answer_dar(svc, given.asker, &not_now, fx);
	}
	/* Requests that wait in what has moved. */
	for (struct iwf_map_link *l = iwf_map_each(&svc->txn_by_id, NULL), *next; l; l = next) {
		struct svc_txn *t = IWF_MAP_OWNER(l, struct svc_txn, by_id);

		next = iwf_map_each(&svc->txn_by_id, l);
		if (t->epoch == svc->epoch)
			svc_txn_end(svc, t, &not_now, fx);
		else
			undo_waiters(svc, t, fx);
	}
	svc_hss_undo(svc);
	svc_report_undo(svc, fx);
	/* The rows are where they were, perhaps with an SMS-SC: the tick sees to them. */
	svc_recover_restart(svc);
	iwf_service_mark(svc);
}

void iwf_service_stop(struct iwf_service *svc, struct iwf_effects *fx)
{
	for (struct iwf_map_link *l = iwf_map_each(&svc->txn_by_id, NULL), *next; l; l = next) {
		next = iwf_map_each(&svc->txn_by_id, l);
		svc_txn_end(svc, IWF_MAP_OWNER(l, struct svc_txn, by_id), &not_now, fx);
	}
	svc_report_stop(svc, fx);
}

void iwf_service_give_up(struct iwf_service *svc, uint64_t number, struct iwf_effects *fx)
{
	struct svc_txn *t = svc_txn_by_id(svc, number);

	if (t && t->row.id)
		svc_txn_end(svc, t, &not_now, fx);
	while ((t = svc_hss_asking(svc, number)))
		svc_txn_end(svc, t, &not_now, fx);
}

/* ---- audit */

void svc_text(struct iwf_view text, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		const size_t len = text.p[i] ? 1 : 2;

		if (n + len >= size) {
			memcpy(out + size - sizeof "...", "...", sizeof "...");
			return;
		}
		/* A NUL would end the text: it is written as modified UTF-8 has it. */
		if (!text.p[i])
			out[n++] = (char)0xc0;
		out[n++] = text.p[i] ? (char)text.p[i] : (char)0x80;
	}
	out[n] = '\0';
}

/* TBCD as digits where it is a number, otherwise as it came. */
static void print_msisdn(struct iwf_view tbcd, char *out, size_t size)
{
	char digits[IWF_DIGITS_MAX + 1], hex[2 * 16 + 1];
	size_t n = tbcd.n < 16 ? tbcd.n : 16;

	if (!iwf_e164_from_tbcd(tbcd, digits)) {
		snprintf(out, size, "%s", digits);
		return;
	}
	iwf_hex(tbcd.p, n, hex);
	snprintf(out, size, "0x%s%s", hex, n < tbcd.n ? "..." : "");
}

void svc_about_dar(struct svc_about *a, const struct tsp_dar *dar, int64_t scs_id, int64_t subscription_id)
{
	char msisdn[40] = "", ext_id[sizeof a->device - sizeof msisdn] = "";

	*a = (struct svc_about){ .scs_id = scs_id, .subscription_id = subscription_id, .reference = dar->reference,
	                         .event = tsp_action_str(dar->action) };
	svc_text(dar->peer, a->peer, sizeof a->peer);
	svc_text(dar->origin_host, a->origin_host, sizeof a->origin_host);
	svc_text(dar->peer_address, a->address, sizeof a->address);
	svc_text(dar->peer_cert, a->cert, sizeof a->cert);
	if (dar->has_ext_id)
		svc_text(dar->ext_id, ext_id, sizeof ext_id);
	if (dar->has_msisdn)
		print_msisdn(dar->msisdn, msisdn, sizeof msisdn);
	snprintf(a->device, sizeof a->device, "%s%s%s", ext_id, dar->has_ext_id && dar->has_msisdn ? " " : "", msisdn);
}

static void copy_str(const char *text, char *out, size_t size)
{
	svc_text((struct iwf_view){ (const uint8_t *)text, strlen(text) }, out, size);
}

void svc_about_row(struct svc_about *a, const struct iwf_trigger *row)
{
	*a = (struct svc_about){ .scs_id = row->scs_id, .subscription_id = row->subscription_id, .reference = row->reference,
	                         .event = tsp_action_str(row->action) };
	copy_str(row->dest_host, a->origin_host, sizeof a->origin_host);
	copy_str(row->ext_id[0] ? row->ext_id : row->msisdn, a->device, sizeof a->device);
}

void svc_about_drr(struct svc_about *a, const struct t4_drr *drr)
{
	*a = (struct svc_about){ .reference = drr->has_reference ? (int64_t)drr->reference : -1, .event = "report" };
	copy_str(drr->peer, a->peer, sizeof a->peer);
	copy_str(drr->origin_host, a->origin_host, sizeof a->origin_host);
	copy_str(drr->ext_id[0] ? drr->ext_id : drr->msisdn, a->device, sizeof a->device);
}

static const char *or_null(const char *s) { return s && *s ? s : NULL; }

enum iwf_err svc_audit(struct iwf_service *svc, const struct svc_about *a, const char *decision, enum iwf_reason reason, int status,
                       const char *detail)
{
	const struct iwf_audit row = {
		.at_ms = svc->now_ms, .event = a->event, .decision = decision, .reason = reason, .request_status = status,
		.scs_id = a->scs_id, .peer = or_null(a->peer), .origin_host = or_null(a->origin_host),
		.address = or_null(a->address), .cert = or_null(a->cert), .device = or_null(a->device),
		.subscription_id = a->subscription_id, .reference = a->reference, .detail = or_null(detail),
	};

	return STORE(svc, audit_add, &row);
}

enum iwf_err svc_audit_refusal(struct svc_ask *a)
{
	struct svc_about about;

	svc_about_dar(&about, a->dar, a->scs.id, a->has_local ? a->sub.id : 0);
	return svc_audit(a->svc, &about, a->reply.status == TSP_TEMPORARYERROR ? "failed" : "refused", a->reason,
	                 (int)a->reply.status, a->detail);
}

enum iwf_err svc_txn_refuse(struct iwf_service *svc, struct svc_txn *t, struct svc_ask *a, struct iwf_effects *fx)
{
	enum iwf_err err = svc_audit_refusal(a);

	if (!err)
		svc_txn_end(svc, t, &a->reply, fx);
	return err;
}

enum iwf_err iwf_service_audit(struct iwf_service *svc, const struct iwf_audit *row)
{
	return STORE(svc, audit_add, row);
}

/* ---- the journal */

enum iwf_err svc_move(struct iwf_service *svc, struct iwf_trigger *row, enum trg_event event, const struct iwf_trigger_change *change,
                      const struct trg_rule **rule)
{
	const struct trg_rule *r = trg_rule(row->state, event);
	enum iwf_err err;

	*rule = NULL;
	if (!r)
		return IWF_OK;
	err = STORE(svc, trigger_move, row->id, r->from, r->to, change);
	if (err == IWF_ECONFLICT || err == IWF_ENOENT)
		return IWF_OK;
	if (err)
		return err;
	row->state = r->to;
	*rule = r;
	return IWF_OK;
}
