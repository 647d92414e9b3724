#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "service_int.h"

#define KEY_MAX (IWF_EXTID_MAX + 2 * IWF_DIGITS_MAX + 32)

/* A question to an HSS, and everyone who wants to know. */
struct svc_query {
	struct iwf_map_link by_id, by_key;
	uint64_t id, epoch;
	char key[KEY_MAX];
	struct svc_txn *asking;       /* newest first */
};

/* A good answer. */
struct svc_cached {
	struct iwf_map_link by_key;
	struct svc_cached *newer;
	char key[KEY_MAX];
	int64_t at_ms;
	struct s6m_sia sia;           /* its nodes are ours */
};

/* ---- which HSS */

static bool in_range(const char *msisdn, const char *from, const char *to)
{
	return strlen(msisdn) == strlen(from) && strcmp(msisdn, from) >= 0 && strcmp(msisdn, to) <= 0;
}

static bool hss_matches(const struct iwf_hss *hss, const char *domain, const char *msisdn)
{
	for (size_t i = 0; domain && i < hss->ndomains; i++)
		if (strcmp(domain, hss->domains[i]) == 0)
			return true;
	for (size_t i = 0; !domain && i < hss->nranges; i++)
		if (in_range(msisdn, hss->ranges[i].from, hss->ranges[i].to))
			return true;
	return false;
}

int svc_hss_choose(const struct iwf_service_conf *conf, const char *domain, const char *msisdn)
{
	for (size_t i = 0; i < conf->nhss; i++)
		if (hss_matches(&conf->hss[i], domain, msisdn))
			return (int)i;
	for (size_t i = 0; i < conf->nhss; i++)
		if (!conf->hss[i].ndomains && !conf->hss[i].nranges)
			return (int)i;
	return -1;
}

/* ---- cache */

static struct svc_cached *cache_find(struct iwf_service *svc, const char *key)
{
	struct iwf_map_link *l = iwf_map_first(&svc->cache, iwf_map_hash_str(svc->seed, key));

	for (; l; l = iwf_map_next(l)) {
		struct svc_cached *c = IWF_MAP_OWNER(l, struct svc_cached, by_key);

		if (strcmp(c->key, key) == 0)
			return c;
	}
	return NULL;
}

static bool is_stale(const struct iwf_service *svc, const struct svc_cached *c)
{
	const int64_t age_ms = svc->now_ms - c->at_ms;

	return age_ms < 0 || age_ms > (int64_t)svc->conf->hss_cache_age_s * 1000;
}

static void drop_oldest(struct iwf_service *svc)
{
	struct svc_cached *c = svc->oldest;

	svc->oldest = c->newer;
	if (!svc->oldest)
		svc->newest = NULL;
	iwf_map_del(&svc->cache, &c->by_key);
	s6m_sia_free(&c->sia);
	free(c);
}

void svc_hss_expire_cache(struct iwf_service *svc)
{
	while (svc->oldest && is_stale(svc, svc->oldest))
		drop_oldest(svc);
}

/* Without memory there is one answer less in the cache. */
static void cache_add(struct iwf_service *svc, const char *key, const struct s6m_sia *sia)
{
	struct svc_cached *c;

	if (!svc->conf->hss_cache_max || !svc->conf->hss_cache_age_s)
		return;
	svc_hss_expire_cache(svc);
	c = cache_find(svc, key);
	if (c)
		return;
	while (svc->cache.n >= svc->conf->hss_cache_max)
		drop_oldest(svc);
	c = calloc(1, sizeof *c);
	if (!c)
		return;
	c->sia = *sia;
	c->sia.nodes = sia->nodes_len ? malloc(sia->nodes_len) : NULL;
	if (sia->nodes_len && !c->sia.nodes) {
		free(c);
		return;
	}
	if (sia->nodes_len)
		memcpy(c->sia.nodes, sia->nodes, sia->nodes_len);
	memcpy(c->key, key, sizeof c->key);
	c->at_ms = svc->now_ms;
	iwf_map_add(&svc->cache, &c->by_key, iwf_map_hash_str(svc->seed, key));
	if (svc->newest)
		svc->newest->newer = c;
	else
		svc->oldest = c;
	svc->newest = c;
}

/* ---- what an answer means (docs/CONFORMANCE.md) */

static enum iwf_err refuse_code(struct svc_ask *a, const struct s6m_sia *sia)
{
	const uint32_t code = sia->experimental ? sia->experimental : sia->result_code;
	const char *space = sia->experimental ? "experimental result" : "result";
	enum tsp_status status = TSP_PERMANENTERROR;
	enum iwf_reason reason = RS_HSS_REFUSED;

	if (sia->experimental == S6M_EXP_USER_UNKNOWN) {
		status = svc_unknown_device(a->svc->conf);
		reason = RS_HSS_UNKNOWN_USER;
	} else if (sia->experimental == S6M_EXP_UNAUTHORIZED_REQUESTER) {
		status = TSP_NOTAUTHORIZED;
		reason = RS_HSS_UNAUTHORIZED;
	} else if (sia->experimental == S6M_EXP_UNAUTHORIZED_SERVICE) {
		status = TSP_SERVICEUNAVAILABLE;
		reason = RS_HSS_NO_SERVICE;
	} else if (code < 3000) {
		return svc_refuse(a, TSP_TEMPORARYERROR, RS_HSS_NONSENSE, "%s %u", space, code);
	} else if (code < 5000) {
		status = TSP_TEMPORARYERROR;
	}
	return svc_refuse(a, status, reason, "%s %u", space, code);
}

/* Leaves the paper without an objection, or with one. */
static enum iwf_err read_answer(struct svc_ask *a, const struct s6m_sia *sia)
{
	const struct iwf_service_conf *conf = a->svc->conf;

	switch (sia->kind) {
	case S6M_UNREACHABLE:
		return svc_refuse(a, TSP_TEMPORARYERROR, RS_HSS_UNREACHABLE, "%.100s", conf->hss[a->hss].node.host);
	case S6M_TIMEOUT:
		return svc_refuse(a, TSP_TEMPORARYERROR, RS_HSS_TIMEOUT, "%.100s", conf->hss[a->hss].node.host);
	case S6M_NONSENSE:
		return svc_refuse(a, TSP_TEMPORARYERROR, RS_HSS_NONSENSE, "%.100s", conf->hss[a->hss].node.host);
	case S6M_ANSWERED:
		break;
	}
	if (sia->experimental || sia->result_code / 1000 != 2)
		return refuse_code(a, sia);
	if (sia->hss_cause & (S6M_CAUSE_TELESERVICE_MISSING | S6M_CAUSE_CALL_BARRED))
		return svc_refuse(a, TSP_SERVICEUNAVAILABLE, RS_HSS_NO_SERVICE, "HSS-Cause 0x%x", sia->hss_cause);
	if (!sia->has_imsi)
		return svc_refuse(a, TSP_TEMPORARYERROR, RS_HSS_NONSENSE, "success without User-Name");
	return IWF_OK;
}

/* The HSS says which device it is.  What was checked before must hold for that one. */
static enum iwf_err check_device_found(struct svc_ask *a, const struct s6m_sia *sia)
{
	enum iwf_err err;

	if (a->ext.text[0] && a->msisdn[0] && sia->msisdn[0] && strcmp(a->msisdn, sia->msisdn) != 0)
		return svc_refuse(a, svc_unknown_device(a->svc->conf), RS_TWO_DEVICES, "the HSS knows another MSISDN");
	if (a->has_local && strcmp(a->sub.imsi.digits, sia->imsi.digits) != 0)
		return svc_refuse(a, svc_unknown_device(a->svc->conf), RS_TWO_DEVICES,
		                  "subscription %" PRId64 " is another device than the HSS says", a->sub.id);
	if (a->dar->action != TSP_REPLACE)
		return IWF_OK;
	if (strcmp(a->original.imsi.digits, sia->imsi.digits) != 0)
		return svc_refuse(a, TSP_REPLACEFAIL, RS_ORIGINAL_DEVICE, "row %" PRId64 " is for another device", a->original.id);
	err = STORE(a->svc, trigger_get, a->original.id, &a->original);
	if (err == IWF_ENOENT)
		return svc_refuse(a, TSP_REPLACEFAIL, RS_NO_ORIGINAL, "row %" PRId64 " is gone", a->original.id);
	return err ? err : svc_check_original_state(a);
}

static enum iwf_err answered(struct iwf_service *svc, struct svc_txn *t, const struct s6m_sia *sia, struct iwf_effects *fx)
{
	struct svc_ask *a = t->ask;
	const bool absent = sia->hss_cause & S6M_CAUSE_ABSENT_SUBSCRIBER;
	enum iwf_err err = read_answer(a, sia);

	/* Of a device that the HSS does not know the SCS would hear the same. */
	if (!err && a->hidden && a->reply.status != TSP_TEMPORARYERROR)
		err = svc_refuse_hidden(a);
	if (!err && a->verdict == SVC_GOES_ON)
		err = check_device_found(a, sia);
	if (!err && a->verdict == SVC_GOES_ON)
		err = svc_check_smssc(a);
	if (!err && a->verdict == SVC_GOES_ON) {
		a->imsi = &sia->imsi;
		err = svc_check_device_rate(a);
		a->imsi = NULL;
	}
	if (err)
		return err;
	if (a->verdict != SVC_GOES_ON)
		return svc_txn_refuse(svc, t, a, fx);
	/* An absent subscriber is no error: the SMS-SC waits for it (TS 23.682 5.2.2). */
	const struct svc_device device = { sia->imsi, absent ? NULL : sia->nodes, absent ? 0 : sia->nodes_len };
	return svc_t4_begin(svc, t, a, &device, fx);
}

/* ---- questions under way */

static struct svc_query *query_find(const struct iwf_service *svc, const char *key)
{
	struct iwf_map_link *l = iwf_map_first(&svc->queries_by_key, iwf_map_hash_str(svc->seed, key));

	for (; l; l = iwf_map_next(l)) {
		struct svc_query *q = IWF_MAP_OWNER(l, struct svc_query, by_key);

		if (strcmp(q->key, key) == 0)
			return q;
	}
	return NULL;
}

static void free_query(struct iwf_service *svc, struct svc_query *q)
{
	while (q->asking)
		svc_hss_forget(q->asking);
	iwf_map_del(&svc->queries_by_id, &q->by_id);
	iwf_map_del(&svc->queries_by_key, &q->by_key);
	free(q);
}

void svc_hss_forget(struct svc_txn *t)
{
	if (!t->query)
		return;
	for (struct svc_txn **at = &t->query->asking; *at; at = &(*at)->next_asking) {
		if (*at == t) {
			*at = t->next_asking;
			break;
		}
	}
	t->query = NULL;
	t->next_asking = NULL;
}

static void fill_sir(const struct svc_ask *a, struct s6m_sir *sir)
{
	const struct tsp_dar *dar = a->dar;

	/* As the SCS wrote it; with both, the External Identifier is asked for. */
	if (a->ext.text[0])
		snprintf(sir->ext_id, sizeof sir->ext_id, "%.*s", (int)dar->ext_id.n, (const char *)dar->ext_id.p);
	else
		snprintf(sir->msisdn, sizeof sir->msisdn, "%s", a->msisdn);
	snprintf(sir->scs_identity, sizeof sir->scs_identity, "%s", a->smea);
	sir->priority = dar->priority;
	sir->has_port = dar->has_port;
	sir->port = dar->port;
}

static struct svc_query *query_new(struct iwf_service *svc, const char *key, const struct svc_ask *a, const struct s6m_sir *sir,
                                   struct iwf_effects *fx)
{
	struct svc_query *q = calloc(1, sizeof *q);
	struct iwf_effect *e;

	if (!q)
		return NULL;
	q->id = svc->next_number++;
	q->epoch = svc->epoch;
	memcpy(q->key, key, sizeof q->key);
	iwf_map_add(&svc->queries_by_id, &q->by_id, iwf_map_hash_u64(svc->seed, q->id));
	iwf_map_add(&svc->queries_by_key, &q->by_key, iwf_map_hash_str(svc->seed, key));
	e = iwf_effects_add(fx, IWF_FX_ASK_HSS);
	e->u.ask_hss.query = q->id;
	e->u.ask_hss.to = svc->conf->hss[a->hss].node;
	e->u.ask_hss.timeout_ms = svc->conf->hss_timeout_ms;
	e->u.ask_hss.sir = *sir;
	return q;
}

enum iwf_err svc_hss_begin(struct iwf_service *svc, struct svc_txn *t, struct svc_ask *a, struct iwf_effects *fx)
{
	struct s6m_sir sir = { .priority = false };
	char key[KEY_MAX] = "";
	const struct svc_cached *c;
	struct svc_query *q;

	t->ask = a;
	fill_sir(a, &sir);
	snprintf(key, sizeof key, "%s|%s|%s|%d|%" PRId64, sir.ext_id, sir.msisdn, sir.scs_identity, sir.priority,
	         sir.has_port ? (int64_t)sir.port : -1);
	/* What the HSS does not know is not in the cache either: what is hidden must take as long. */
	c = a->hidden ? NULL : cache_find(svc, key);
	if (c && !is_stale(svc, c))
		return answered(svc, t, &c->sia, fx);
	q = query_find(svc, key);
	if (!q)
		q = query_new(svc, key, a, &sir, fx);
	if (!q)
		return IWF_ENOMEM;
	t->query = q;
	t->next_asking = q->asking;
	q->asking = t;
	return IWF_OK;
}

static struct svc_query *query_by_id(const struct iwf_service *svc, uint64_t id)
{
	struct iwf_map_link *l = iwf_map_first(&svc->queries_by_id, iwf_map_hash_u64(svc->seed, id));

	return l ? IWF_MAP_OWNER(l, struct svc_query, by_id) : NULL;
}

struct svc_txn *svc_hss_asking(struct iwf_service *svc, uint64_t query)
{
	struct svc_query *q = query_by_id(svc, query);

	if (q && q->asking)
		return q->asking;
	if (q)
		free_query(svc, q);
	return NULL;
}

enum iwf_err iwf_service_sia(struct iwf_service *svc, uint64_t query, const struct s6m_sia *sia, int64_t now_ms, struct iwf_effects *fx)
{
	struct svc_query *q = query_by_id(svc, query);
	struct svc_txn *first = NULL, *t;
	enum iwf_err err = IWF_OK;

	svc_at(svc, now_ms);
	if (!q)
		return IWF_OK;
	if (sia->kind == S6M_ANSWERED && !sia->experimental && sia->result_code / 1000 == 2 && sia->has_imsi &&
	    !(sia->hss_cause & (S6M_CAUSE_TELESERVICE_MISSING | S6M_CAUSE_CALL_BARRED)))
		cache_add(svc, q->key, sia);

	/* In the order they came.  All of them move with this answer: if one fails, all are undone. */
	while ((t = q->asking)) {
		svc_hss_forget(t);
		svc_txn_touch(svc, t);
		t->next_asking = first;
		first = t;
	}
	free_query(svc, q);
	for (struct svc_txn *next; (t = first) && !err; first = next) {
		next = t->next_asking;
		t->next_asking = NULL;
		err = answered(svc, t, sia, fx);
	}
	return err;
}

void svc_hss_undo(struct iwf_service *svc)
{
	for (struct iwf_map_link *l = iwf_map_each(&svc->queries_by_id, NULL), *next; l; l = next) {
		struct svc_query *q = IWF_MAP_OWNER(l, struct svc_query, by_id);

		next = iwf_map_each(&svc->queries_by_id, l);
		if (q->epoch == svc->epoch)
			free_query(svc, q);
	}
}

void svc_hss_free(struct iwf_service *svc)
{
	for (struct iwf_map_link *l = iwf_map_each(&svc->queries_by_id, NULL), *next; l; l = next) {
		next = iwf_map_each(&svc->queries_by_id, l);
		free_query(svc, IWF_MAP_OWNER(l, struct svc_query, by_id));
	}
	while (svc->oldest)
		drop_oldest(svc);
	iwf_map_free(&svc->queries_by_id);
	iwf_map_free(&svc->queries_by_key);
	iwf_map_free(&svc->cache);
}
