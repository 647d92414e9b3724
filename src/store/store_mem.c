/* store_mem.c - the store's contract in memory, for tests.
 *
 * Tables are arrays searched from end to end.  A transaction keeps the rows that
 * it has changed as they were, and how long each table was; rolling back puts
 * them back.  Payloads live until the store is closed, so that nothing a kept row
 * points to can go. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "store_mem_tables.h"
#include "store_open.h"

enum iwf_err iwf_mem_fail(struct mem_store *m, enum iwf_err e, const char *what)
{
	snprintf(m->err, sizeof(m->err), "mem: %s: %s", what, iwf_err_str(e));
	return e;
}

enum iwf_err iwf_mem_keep(struct mem_store *m, struct table *t, size_t i)
{
	void *was;

	if (!m->in_tx || i >= m->before[t - m->t].n)
		return IWF_OK;
	if (m->nundo == m->undo_cap) {
		size_t cap = m->undo_cap ? 2 * m->undo_cap : 16;
		struct undo *undo = realloc(m->undo, cap * sizeof(*undo));

		if (!undo)
			return IWF_ENOMEM;
		m->undo = undo;
		m->undo_cap = cap;
	}
	was = malloc(t->size);
	if (!was)
		return IWF_ENOMEM;
	memcpy(was, iwf_mem_row(t, i), t->size);
	m->undo[m->nundo++] = (struct undo){ t, i, was };
	return IWF_OK;
}

void *iwf_mem_blob(struct mem_store *m, const void *p, size_t n)
{
	char *copy = malloc(n ? n : 1);
	char **slot = copy ? iwf_mem_row_add(&m->t[T_BLOB]) : NULL;

	if (!slot) {
		free(copy);
		return NULL;
	}
	if (n)
		memcpy(copy, p, n);
	return *slot = copy;
}

/* ---- transactions ---- */

static enum iwf_err mem_begin(struct iwf_store *st)
{
	struct mem_store *m = mem_of(st);

	if (m->in_tx)
		return iwf_mem_fail(m, IWF_EINVAL, "begin within a transaction");
	for (size_t i = 0; i < TABLES; i++) {
		m->before[i].n = m->t[i].n;
		m->before[i].last_id = m->t[i].last_id;
	}
	m->in_tx = true;
	return IWF_OK;
}

static void tx_end(struct mem_store *m)
{
	for (size_t i = 0; i < m->nundo; i++)
		free(m->undo[i].was);
	m->nundo = 0;
	m->in_tx = false;
}

static enum iwf_err mem_commit(struct iwf_store *st)
{
	struct mem_store *m = mem_of(st);

	if (!m->in_tx)
		return iwf_mem_fail(m, IWF_EINVAL, "commit without a transaction");
	tx_end(m);
	return IWF_OK;
}

static void mem_rollback(struct iwf_store *st)
{
	struct mem_store *m = mem_of(st);

	if (!m->in_tx)
		return;
	for (size_t i = m->nundo; i-- > 0;)
		memcpy(iwf_mem_row(m->undo[i].t, m->undo[i].index), m->undo[i].was, m->undo[i].t->size);
	for (size_t i = T_TRIGGER; i <= T_AUDIT; i++) {
		m->t[i].n = m->before[i].n;
		m->t[i].last_id = m->before[i].last_id;
	}
	tx_end(m);
}

static void mem_close(struct iwf_store *st)
{
	struct mem_store *m = mem_of(st);

	tx_end(m);
	for (size_t i = 0; i < m->t[T_BLOB].n; i++)
		free(*(char **)iwf_mem_row(&m->t[T_BLOB], i));
	for (size_t i = 0; i < TABLES; i++)
		free(m->t[i].rows);
	free(m->undo);
	free(m);
}

static enum iwf_err mem_changed(struct iwf_store *st, bool *changed)
{
	struct mem_store *m = mem_of(st);

	*changed = m->changed;
	m->changed = false;
	return IWF_OK;
}

static const char *mem_errmsg(struct iwf_store *st)
{
	return mem_of(st)->err;
}

/* ---- who may do what ---- */

static enum iwf_err scs_give(struct mem_store *m, const struct iwf_scs *s, struct iwf_scs *out)
{
	const struct mem_number *best = NULL;

	if (!s)
		return IWF_ENOENT;
	for (size_t i = 0; i < m->t[T_NUMBER].n; i++) {
		const struct mem_number *n = iwf_mem_row(&m->t[T_NUMBER], i);

		if (n->scs_id != s->id)
			continue;
		if (!best || n->primary > best->primary || (n->primary == best->primary && strcmp(n->e164, best->e164) < 0))
			best = n;
	}
	*out = *s;
	iwf_mem_text(out->e164, sizeof(out->e164), best ? best->e164 : "");
	return IWF_OK;
}

static enum iwf_err mem_scs_by_host(struct iwf_store *st, const char *host, struct iwf_scs *out)
{
	struct mem_store *m = mem_of(st);

	for (size_t i = 0; i < m->t[T_SCS].n; i++) {
		const struct iwf_scs *s = iwf_mem_row(&m->t[T_SCS], i);

		if (strcasecmp(s->origin_host, host) == 0)
			return scs_give(m, s, out);
	}
	return IWF_ENOENT;
}

static enum iwf_err mem_scs_by_id(struct iwf_store *st, int64_t id, struct iwf_scs *out)
{
	return scs_give(mem_of(st), iwf_mem_scs_find(mem_of(st), id), out);
}

static enum iwf_err mem_scs_next(struct iwf_store *st, int64_t after_id, struct iwf_scs *out)
{
	struct mem_store *m = mem_of(st);
	const struct iwf_scs *next = NULL;

	for (size_t i = 0; i < m->t[T_SCS].n; i++) {
		const struct iwf_scs *s = iwf_mem_row(&m->t[T_SCS], i);

		if (s->id > after_id && (!next || s->id < next->id))
			next = s;
	}
	return scs_give(m, next, out);
}

static enum iwf_err mem_scs_has_number(struct iwf_store *st, int64_t scs_id, const char *e164)
{
	struct mem_store *m = mem_of(st);

	for (size_t i = 0; i < m->t[T_NUMBER].n; i++) {
		const struct mem_number *n = iwf_mem_row(&m->t[T_NUMBER], i);

		if (n->scs_id == scs_id && strcmp(n->e164, e164) == 0)
			return IWF_OK;
	}
	return IWF_ENOENT;
}

static enum iwf_err mem_subscription_by_ext_id(struct iwf_store *st, const char *ext_id, int64_t scs_id,
                                               struct iwf_subscription *out)
{
	struct mem_store *m = mem_of(st);

	for (size_t i = 0; i < m->t[T_EXT].n; i++) {
		const struct mem_ext *e = iwf_mem_row(&m->t[T_EXT], i);
		const struct iwf_subscription *s;

		if (strcmp(e->ext_id, ext_id) != 0 || (e->scs_id && e->scs_id != scs_id))
			continue;
		s = iwf_mem_sub_find(m, e->subscription_id);
		if (!s)
			break;
		*out = *s;
		return IWF_OK;
	}
	return IWF_ENOENT;
}

static enum iwf_err mem_subscription_by_msisdn(struct iwf_store *st, const char *msisdn, struct iwf_subscription *out)
{
	struct mem_store *m = mem_of(st);

	for (size_t i = 0; i < m->t[T_SUB].n; i++) {
		const struct iwf_subscription *s = iwf_mem_row(&m->t[T_SUB], i);

		if (*s->msisdn && strcmp(s->msisdn, msisdn) == 0) {
			*out = *s;
			return IWF_OK;
		}
	}
	return IWF_ENOENT;
}

static bool pair_has(const struct table *t, int64_t a, int64_t b)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct mem_pair *p = iwf_mem_row(t, i);

		if (p->a == a && p->b == b)
			return true;
	}
	return false;
}

static enum iwf_err mem_user_allows(struct iwf_store *st, int64_t mtc_user_id, int64_t scs_id)
{
	struct mem_store *m = mem_of(st);

	if (mtc_user_id == 0)
		return IWF_OK;
	for (size_t i = 0; i < m->t[T_USER].n; i++) {
		const struct mem_user *u = iwf_mem_row(&m->t[T_USER], i);

		if (u->id == mtc_user_id)
			return !u->restrict_scs || pair_has(&m->t[T_USER_SCS], mtc_user_id, scs_id) ? IWF_OK : IWF_ENOENT;
	}
	return IWF_ENOENT;
}

static bool grant_matches(struct mem_store *m, const struct mem_grant *g, const struct iwf_grant_query *q)
{
	if (g->gone)
		return false;
	if (g->scs_id ? g->scs_id != q->scs_id : !pair_has(&m->t[T_SCS_MEMBER], g->scs_group_id, q->scs_id))
		return false;
	if (g->subscription_id)
		return g->subscription_id == q->subscription_id;
	if (g->device_group_id)
		return pair_has(&m->t[T_DEV_MEMBER], g->device_group_id, q->subscription_id);
	if (*g->domain)
		return q->domain && strcmp(g->domain, q->domain) == 0;
	return q->msisdn && strlen(q->msisdn) == strlen(g->from) && strcmp(g->from, q->msisdn) <= 0 &&
	       strcmp(q->msisdn, g->to) <= 0;
}

static enum iwf_err mem_grants(struct iwf_store *st, const struct iwf_grant_query *q, struct iwf_grant *out, size_t max, size_t *n)
{
	struct mem_store *m = mem_of(st);

	*n = 0;
	for (size_t i = 0; i < m->t[T_GRANT].n && *n < max; i++) {
		const struct mem_grant *g = iwf_mem_row(&m->t[T_GRANT], i);

		if (grant_matches(m, g, q))
			out[(*n)++] = g->grant;
	}
	return IWF_OK;
}

/* ---- the journal ---- */

static void trigger_give(const struct iwf_trigger *t, struct iwf_trigger *out)
{
	*out = *t;
	out->payload = out->nodes = NULL;
	out->payload_len = out->nodes_len = 0;
}

static struct iwf_trigger *trigger_find(struct mem_store *m, int64_t id, size_t *index)
{
	for (size_t i = 0; i < m->t[T_TRIGGER].n; i++) {
		struct iwf_trigger *t = iwf_mem_row(&m->t[T_TRIGGER], i);

		if (t->id == id) {
			*index = i;
			return t;
		}
	}
	return NULL;
}

/* Another row under way with the number of this one? */
static bool trigger_clashes(struct mem_store *m, const struct iwf_trigger *t)
{
	if (t->action == TSP_RECALL)
		return false;
	for (size_t i = 0; i < m->t[T_TRIGGER].n; i++) {
		const struct iwf_trigger *o = iwf_mem_row(&m->t[T_TRIGGER], i);

		if (o->id != t->id && o->scs_id == t->scs_id && o->reference == t->reference && o->action != TSP_RECALL &&
		    !trg_state_is_final(o->state))
			return true;
	}
	return false;
}

static enum iwf_err mem_trigger_insert(struct iwf_store *st, struct iwf_trigger *t)
{
	struct mem_store *m = mem_of(st);
	struct iwf_trigger *r;
	const uint8_t *payload, *nodes;
	size_t i;

	t->id = 0;
	if (!iwf_mem_scs_find(m, t->scs_id) || (t->target_id && !trigger_find(m, t->target_id, &i)))
		return iwf_mem_fail(m, IWF_ESTORE, "trigger_insert names a row that is not there");
	if (trigger_clashes(m, t))
		return iwf_mem_fail(m, IWF_ECONFLICT, "trigger_insert: this reference is under way");
	payload = iwf_mem_blob(m, t->payload, t->payload_len);
	nodes = iwf_mem_blob(m, t->nodes, t->nodes_len);
	r = payload && nodes ? iwf_mem_row_add(&m->t[T_TRIGGER]) : NULL;
	if (!r)
		return iwf_mem_fail(m, IWF_ENOMEM, "trigger_insert");
	t->id = ++m->t[T_TRIGGER].last_id;
	*r = *t;
	r->payload = payload;
	r->nodes = nodes;
	return IWF_OK;
}

static enum iwf_err mem_trigger_get(struct iwf_store *st, int64_t id, struct iwf_trigger *out)
{
	size_t i;
	const struct iwf_trigger *t = trigger_find(mem_of(st), id, &i);

	if (!t)
		return IWF_ENOENT;
	trigger_give(t, out);
	return IWF_OK;
}

static enum iwf_err mem_trigger_by_ref(struct iwf_store *st, int64_t scs_id, uint32_t reference, bool recall,
                                       struct iwf_trigger *out)
{
	struct mem_store *m = mem_of(st);

	for (size_t i = m->t[T_TRIGGER].n; i-- > 0;) {
		const struct iwf_trigger *t = iwf_mem_row(&m->t[T_TRIGGER], i);

		if (t->scs_id == scs_id && t->reference == reference && (t->action == TSP_RECALL) == recall) {
			trigger_give(t, out);
			return IWF_OK;
		}
	}
	return IWF_ENOENT;
}

static enum iwf_err mem_trigger_by_e2e(struct iwf_store *st, int64_t scs_id, uint32_t reference, bool recall, uint32_t end_to_end,
                                       int64_t since_ms, struct iwf_trigger *out)
{
	struct mem_store *m = mem_of(st);

	for (size_t i = m->t[T_TRIGGER].n, left = 256; i-- > 0 && left;) {
		const struct iwf_trigger *t = iwf_mem_row(&m->t[T_TRIGGER], i);

		if (t->scs_id != scs_id || t->reference != reference || (t->action == TSP_RECALL) != recall)
			continue;
		left--;
		if (t->end_to_end == end_to_end && t->received_ms >= since_ms) {
			trigger_give(t, out);
			return IWF_OK;
		}
	}
	return IWF_ENOENT;
}

static enum iwf_err mem_trigger_by_smea(struct iwf_store *st, const char *smea, uint32_t reference, struct iwf_trigger *out)
{
	struct mem_store *m = mem_of(st);

	for (size_t i = m->t[T_TRIGGER].n; i-- > 0;) {
		const struct iwf_trigger *t = iwf_mem_row(&m->t[T_TRIGGER], i);

		if (t->action != TSP_RECALL && t->reference == reference && strcmp(t->smea, smea) == 0) {
			trigger_give(t, out);
			return IWF_OK;
		}
	}
	return IWF_ENOENT;
}

static enum iwf_err mem_trigger_by_device(struct iwf_store *st, const char *smea, const struct imsi *imsi,
                                          struct iwf_trigger *out, size_t max, size_t *n)
{
	struct mem_store *m = mem_of(st);

	*n = 0;
	for (size_t i = 0; i < m->t[T_TRIGGER].n; i++) {
		const struct iwf_trigger *t = iwf_mem_row(&m->t[T_TRIGGER], i);

		if (t->action == TSP_RECALL || trg_state_is_final(t->state) || strcmp(t->smea, smea) != 0 ||
		    strcmp(t->imsi.digits, imsi->digits) != 0)
			continue;
		if (*n < max)
			trigger_give(t, &out[*n]);
		++*n;
	}
	return IWF_OK;
}

static void apply(struct iwf_trigger *t, enum trg_state to, const struct iwf_trigger_change *c)
{
	t->state = to;
	if (c) {
		if (c->request_status != -1)
			t->request_status = c->request_status;
		if (c->outcome != -1)
			t->outcome = c->outcome;
		if (c->diagnostic != -1)
			t->diagnostic = c->diagnostic;
		if (c->smssc)
			iwf_mem_text(t->smssc, sizeof(t->smssc), c->smssc);
		if (c->answered_ms)
			t->answered_ms = c->answered_ms;
		if (c->ended_ms)
			t->ended_ms = c->ended_ms;
	}
	if (trg_state_is_final(to))
		t->payload_len = t->nodes_len = 0;
}

static enum iwf_err mem_trigger_move(struct iwf_store *st, int64_t id, enum trg_state from, enum trg_state to,
                                     const struct iwf_trigger_change *c)
{
	struct mem_store *m = mem_of(st);
	struct iwf_trigger *t, moved;
	size_t i;

	t = trigger_find(m, id, &i);
	if (!t)
		return IWF_ENOENT;
	if (t->state != from)
		return iwf_mem_fail(m, IWF_ECONFLICT, "trigger_move: the row is in another state");
	if (trg_state_is_final(from) && !trg_state_is_final(to))
		return iwf_mem_fail(m, IWF_EINVAL, "trigger_move: the row has ended");
	moved = *t;
	apply(&moved, to, c);
	if (iwf_mem_keep(m, &m->t[T_TRIGGER], i) != IWF_OK)
		return iwf_mem_fail(m, IWF_ENOMEM, "trigger_move");
	*t = moved;
	return IWF_OK;
}

static bool blob_give(const uint8_t *p, size_t len, uint8_t **out, size_t *out_len)
{
	*out = NULL;
	*out_len = len;
	if (len == 0)
		return true;
	*out = malloc(len);
	if (*out)
		memcpy(*out, p, len);
	return *out != NULL;
}

static enum iwf_err mem_trigger_payload(struct iwf_store *st, int64_t id, uint8_t **payload, size_t *payload_len,
                                        uint8_t **nodes, size_t *nodes_len)
{
	struct mem_store *m = mem_of(st);
	const struct iwf_trigger *t;
	size_t i;

	*payload = *nodes = NULL;
	*payload_len = *nodes_len = 0;
	t = trigger_find(m, id, &i);
	if (!t)
		return IWF_ENOENT;
	if (blob_give(t->payload, t->payload_len, payload, payload_len) &&
	    blob_give(t->nodes, t->nodes_len, nodes, nodes_len))
		return IWF_OK;
	free(*payload);
	*payload = NULL;
	*payload_len = *nodes_len = 0;
	return iwf_mem_fail(m, IWF_ENOMEM, "trigger_payload");
}

/* Puts t in its place among the n rows of out, which are in the order of the
 * query; at most max stay. */
static void overdue_place(struct iwf_trigger *out, size_t max, size_t *n, const struct iwf_trigger *t)
{
	size_t at = *n;

	while (at > 0 && out[at - 1].validity_end_ms > t->validity_end_ms)
		at--;
	if (at >= max)
		return;
	if (*n < max)
		++*n;
	memmove(&out[at + 1], &out[at], (*n - at - 1) * sizeof(*out));
	trigger_give(t, &out[at]);
}

static enum iwf_err mem_trigger_overdue(struct iwf_store *st, int64_t before_ms, struct iwf_trigger *out, size_t max, size_t *n)
{
	struct mem_store *m = mem_of(st);

	*n = 0;
	for (size_t i = 0; i < m->t[T_TRIGGER].n; i++) {
		const struct iwf_trigger *t = iwf_mem_row(&m->t[T_TRIGGER], i);

		if ((t->state == TRG_PENDING || t->state == TRG_RECALLING || t->state == TRG_REPLACING) &&
		    t->validity_end_ms && t->validity_end_ms < before_ms)
			overdue_place(out, max, n, t);
	}
	return IWF_OK;
}

static enum iwf_err mem_trigger_unfinished(struct iwf_store *st, int64_t after_id, struct iwf_trigger *out, size_t max, size_t *n)
{
	struct mem_store *m = mem_of(st);

	*n = 0;
	for (size_t i = 0; i < m->t[T_TRIGGER].n && *n < max; i++) {
		const struct iwf_trigger *t = iwf_mem_row(&m->t[T_TRIGGER], i);

		if (t->id > after_id && (t->state == TRG_SUBMITTING || t->state == TRG_RECALLING || t->state == TRG_REPLACING))
			trigger_give(t, &out[(*n)++]);
	}
	return IWF_OK;
}

/* ---- the outbox ---- */

static struct mem_report *report_find(struct mem_store *m, int64_t id, size_t *index)
{
	for (size_t i = 0; i < m->t[T_REPORT].n; i++) {
		struct mem_report *r = iwf_mem_row(&m->t[T_REPORT], i);

		if (!r->gone && r->r.id == id) {
			*index = i;
			return r;
		}
	}
	return NULL;
}

static enum iwf_err mem_report_insert(struct iwf_store *st, struct iwf_report *rep)
{
	struct mem_store *m = mem_of(st);
	struct mem_report *r;
	size_t i;

	rep->id = 0;
	if (!iwf_mem_scs_find(m, rep->scs_id) || !trigger_find(m, rep->trigger_id, &i))
		return iwf_mem_fail(m, IWF_ESTORE, "report_insert names a row that is not there");
	r = iwf_mem_row_add(&m->t[T_REPORT]);
	if (!r)
		return iwf_mem_fail(m, IWF_ENOMEM, "report_insert");
	rep->id = ++m->t[T_REPORT].last_id;
	r->r = *rep;
	r->r.dnr.retransmitted = rep->attempts > 0;
	return IWF_OK;
}

static enum iwf_err mem_report_get(struct iwf_store *st, int64_t id, struct iwf_report *out)
{
	size_t i;
	const struct mem_report *r = report_find(mem_of(st), id, &i);

	if (!r)
		return IWF_ENOENT;
	*out = r->r;
	return IWF_OK;
}

static enum iwf_err mem_report_by_trigger(struct iwf_store *st, int64_t trigger_id, struct iwf_report *out)
{
	struct mem_store *m = mem_of(st);

	for (size_t i = m->t[T_REPORT].n; i-- > 0;) {
		const struct mem_report *r = iwf_mem_row(&m->t[T_REPORT], i);

		if (!r->gone && r->r.trigger_id == trigger_id) {
			*out = r->r;
			return IWF_OK;
		}
	}
	return IWF_ENOENT;
}

static enum iwf_err mem_report_delete(struct iwf_store *st, int64_t id)
{
	struct mem_store *m = mem_of(st);
	size_t i;
	struct mem_report *r = report_find(m, id, &i);

	if (!r)
		return IWF_ENOENT;
	if (iwf_mem_keep(m, &m->t[T_REPORT], i) != IWF_OK)
		return iwf_mem_fail(m, IWF_ENOMEM, "report_delete");
	r->gone = true;
	return IWF_OK;
}

static enum iwf_err mem_report_retry(struct iwf_store *st, int64_t id, int64_t next_ms, uint32_t attempts)
{
	struct mem_store *m = mem_of(st);
	size_t i;
	struct mem_report *r = report_find(m, id, &i);

	if (!r)
		return IWF_ENOENT;
	if (iwf_mem_keep(m, &m->t[T_REPORT], i) != IWF_OK)
		return iwf_mem_fail(m, IWF_ENOMEM, "report_retry");
	r->r.next_ms = next_ms;
	r->r.attempts = attempts;
	r->r.dnr.retransmitted = attempts > 0;
	return IWF_OK;
}

static enum iwf_err mem_report_due(struct iwf_store *st, int64_t now_ms, struct iwf_report *out, size_t max, size_t *n)
{
	struct mem_store *m = mem_of(st);

	*n = 0;
	for (size_t i = 0; i < m->t[T_REPORT].n; i++) {
		const struct mem_report *r = iwf_mem_row(&m->t[T_REPORT], i);
		size_t at = *n;

		if (r->gone || r->r.next_ms > now_ms)
			continue;
		while (at > 0 && out[at - 1].next_ms > r->r.next_ms)
			at--;
		if (at >= max)
			continue;
		if (*n < max)
			++*n;
		memmove(&out[at + 1], &out[at], (*n - at - 1) * sizeof(*out));
		out[at] = r->r;
	}
	return IWF_OK;
}

static enum iwf_err mem_report_line_up(struct iwf_store *st, const char *dest_host, int64_t line_ms)
{
	struct mem_store *m = mem_of(st);

	for (size_t i = 0; i < m->t[T_REPORT].n; i++) {
		struct mem_report *r = iwf_mem_row(&m->t[T_REPORT], i);

		if (r->gone || strcasecmp(r->r.dnr.dest_host, dest_host) != 0)
			continue;
		if (iwf_mem_keep(m, &m->t[T_REPORT], i) != IWF_OK)
			return iwf_mem_fail(m, IWF_ENOMEM, "report_line_up");
		r->r.next_ms = line_ms;
	}
	return IWF_OK;
}

/* Rows are kept by id. */
static enum iwf_err mem_report_in_line(struct iwf_store *st, const char *dest_host, int64_t line_ms, int64_t after_id, struct iwf_report *out,
                                       size_t max, size_t *n)
{
	struct mem_store *m = mem_of(st);

	*n = 0;
	for (size_t i = 0; i < m->t[T_REPORT].n && *n < max; i++) {
		const struct mem_report *r = iwf_mem_row(&m->t[T_REPORT], i);

		if (!r->gone && r->r.next_ms == line_ms && r->r.id > after_id && strcasecmp(r->r.dnr.dest_host, dest_host) == 0)
			out[(*n)++] = r->r;
	}
	return IWF_OK;
}

/* ---- usage and audit ---- */

static enum iwf_err mem_usage_get(struct iwf_store *st, int64_t scs_id, int64_t period_start_ms, int64_t *total)
{
	struct mem_store *m = mem_of(st);

	for (size_t i = 0; i < m->t[T_USAGE].n; i++) {
		const struct mem_usage *r = iwf_mem_row(&m->t[T_USAGE], i);

		if (r->scs_id == scs_id && r->period == period_start_ms) {
			*total = r->used;
			return IWF_OK;
		}
	}
	return IWF_ENOENT;
}

static enum iwf_err mem_usage_add(struct iwf_store *st, int64_t scs_id, int64_t period_start_ms, int64_t add, int64_t *total)
{
	struct mem_store *m = mem_of(st);
	struct mem_usage *u = NULL;
	int64_t used;

	if (!iwf_mem_scs_find(m, scs_id))
		return iwf_mem_fail(m, IWF_ESTORE, "usage_add names an SCS that is not there");
	for (size_t i = 0; i < m->t[T_USAGE].n && !u; i++) {
		struct mem_usage *r = iwf_mem_row(&m->t[T_USAGE], i);

		if (r->scs_id != scs_id || r->period != period_start_ms)
			continue;
		if (iwf_mem_keep(m, &m->t[T_USAGE], i) != IWF_OK)
			return iwf_mem_fail(m, IWF_ENOMEM, "usage_add");
		u = r;
	}
	if (__builtin_add_overflow(u ? u->used : 0, add, &used))
		return iwf_mem_fail(m, IWF_ESTORE, "usage_add: the counter would leave its range");
	if (used < 0)
		used = 0;
	if (!u) {
		u = iwf_mem_row_add(&m->t[T_USAGE]);
		if (!u)
			return iwf_mem_fail(m, IWF_ENOMEM, "usage_add");
		u->scs_id = scs_id;
		u->period = period_start_ms;
	}
	*total = u->used = used;
	return IWF_OK;
}

static const struct iwf_store_ops mem_ops = {
	.name = "mem",
	.begin = mem_begin, .commit = mem_commit, .rollback = mem_rollback, .close = mem_close, .changed = mem_changed,
	.scs_by_host = mem_scs_by_host, .scs_by_id = mem_scs_by_id, .scs_next = mem_scs_next,
	.scs_has_number = mem_scs_has_number,
	.subscription_by_ext_id = mem_subscription_by_ext_id, .subscription_by_msisdn = mem_subscription_by_msisdn,
	.user_allows = mem_user_allows, .grants = mem_grants,
	.trigger_insert = mem_trigger_insert, .trigger_get = mem_trigger_get, .trigger_by_ref = mem_trigger_by_ref,
	.trigger_by_e2e = mem_trigger_by_e2e, .trigger_by_smea = mem_trigger_by_smea,
	.trigger_by_device = mem_trigger_by_device, .trigger_move = mem_trigger_move,
	.trigger_payload = mem_trigger_payload, .trigger_overdue = mem_trigger_overdue,
	.trigger_unfinished = mem_trigger_unfinished,
	.report_insert = mem_report_insert, .report_get = mem_report_get,
	.report_by_trigger = mem_report_by_trigger, .report_delete = mem_report_delete, .report_retry = mem_report_retry,
	.report_due = mem_report_due, .report_line_up = mem_report_line_up, .report_in_line = mem_report_in_line,
	.usage_add = mem_usage_add, .usage_get = mem_usage_get, .audit_add = iwf_mem_audit_add,
	.audit_count = iwf_mem_audit_count, .audit_tell = iwf_mem_audit_tell, .audit_prune = iwf_mem_audit_prune,
	.journal_prune = iwf_mem_journal_prune, .errmsg = mem_errmsg,
};

struct iwf_store *iwf_store_mem_new(void)
{
	static const size_t sizes[TABLES] = {
		[T_USER] = sizeof(struct mem_user), [T_USER_SCS] = sizeof(struct mem_pair), [T_SCS] = sizeof(struct iwf_scs),
		[T_NUMBER] = sizeof(struct mem_number), [T_GROUP] = sizeof(int64_t), [T_SCS_MEMBER] = sizeof(struct mem_pair),
		[T_DEV_MEMBER] = sizeof(struct mem_pair), [T_SUB] = sizeof(struct iwf_subscription),
		[T_EXT] = sizeof(struct mem_ext), [T_GRANT] = sizeof(struct mem_grant),
		[T_TRIGGER] = sizeof(struct iwf_trigger), [T_REPORT] = sizeof(struct mem_report),
		[T_USAGE] = sizeof(struct mem_usage), [T_REPEAT] = sizeof(struct mem_repeat),
		[T_AUDIT] = sizeof(struct iwf_audit), [T_BLOB] = sizeof(char *),
	};
	struct mem_store *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->store.ops = &mem_ops;
	for (size_t i = 0; i < TABLES; i++)
		m->t[i].size = sizes[i];
	return &m->store;
}
