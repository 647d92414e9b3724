#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
