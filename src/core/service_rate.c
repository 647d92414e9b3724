/* service_rate.c - the checks that count: what an SCS may send and have under way,
 * what it has paid for, and what a device has to bear. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "service_int.h"

/* ---- what an SCS sends and has under way */

struct svc_load *svc_load_of(struct iwf_service *svc, int64_t scs_id)
{
	const uint64_t hash = iwf_map_hash_u64(svc->seed, (uint64_t)scs_id);
	struct iwf_map_link *l = iwf_map_first(&svc->loads, hash);
	struct svc_load *load;

	if (l)
		return IWF_MAP_OWNER(l, struct svc_load, by_scs);
	load = calloc(1, sizeof *load);
	if (!load)
		return NULL;
	load->scs_id = scs_id;
	iwf_map_add(&svc->loads, &load->by_scs, hash);
	return load;
}

static void drop_load(struct iwf_service *svc, struct svc_load *load)
{
	iwf_map_del(&svc->loads, &load->by_scs);
	free(load);
}

/* A full bucket says no more than none does, and its SCS may be gone. */
void svc_load_forget_idle(struct iwf_service *svc)
{
	for (struct iwf_map_link *l = iwf_map_each(&svc->loads, NULL), *next; l; l = next) {
		struct svc_load *load = IWF_MAP_OWNER(l, struct svc_load, by_scs);

		next = iwf_map_each(&svc->loads, l);
		if (svc->now_ms >= load->full_at_ms && !load->waiting)
			drop_load(svc, load);
	}
}

enum iwf_err svc_check_rate(struct svc_ask *a)
{
	const struct iwf_service_conf *conf = a->svc->conf;
	const uint32_t rate = a->scs.rate_per_s ? a->scs.rate_per_s : conf->rate_per_s;
	const uint32_t burst = a->scs.burst ? a->scs.burst : conf->burst;
	struct svc_load *load;

	if (a->explain)
		return svc_pass(a, "%u a second, %u at once", rate, burst);
	load = svc_load_of(a->svc, a->scs.id);
	if (!load)
		return IWF_ENOMEM;
	load->full_at_ms = a->now_ms + (rate ? (int64_t)burst * 1000 / rate + 1 : INT64_MAX / 2);
	if (!iwf_bucket_take(&load->bucket, rate, burst, a->now_ms))
		return svc_refuse(a, TSP_RATEEXCEEDED, RS_RATE, "%u a second, %u at once", rate, burst);
	return IWF_OK;
}

enum iwf_err svc_check_waiting(struct svc_ask *a)
{
	const struct iwf_service_conf *conf = a->svc->conf;
	const size_t all = a->svc->txn_by_id.n, room = conf->waiting_max > all ? conf->waiting_max - all : 0;
	struct svc_load *load;

	if (a->explain)
		return svc_pass(a, "%u at a time", conf->scs_waiting_max);
	load = svc_load_of(a->svc, a->scs.id);
	if (!load)
		return IWF_ENOMEM;
	if (load->waiting >= conf->scs_waiting_max)
		return svc_refuse(a, TSP_TEMPORARYERROR, RS_WAITING, "%u of this SCS", load->waiting);
	/* No more than what is still free: one that floods leaves as much room for others. */
	if (load->waiting < room)
		return IWF_OK;
	svc_refuse(a, TSP_TEMPORARYERROR, RS_NODE_FULL, "%zu wait, %u of them of this SCS", all, load->waiting);
	a->reply.result_code = DIAMETER_TOO_BUSY;
	return IWF_OK;
}

/* ---- what it has paid for */

static int64_t quota_period_start(const struct svc_ask *a)
{
	const int64_t period_ms = (int64_t)(a->scs.quota_period_s ? a->scs.quota_period_s : 1) * 1000;

	return a->now_ms - a->now_ms % period_ms;
}

/* Counts `add` DARs into the present period. */
static enum iwf_err use_quota(struct svc_ask *a, int64_t add, int64_t *total)
{
	return STORE(a->svc, usage_add, a->scs.id, quota_period_start(a), add, total);
}

enum iwf_err svc_check_quota(struct svc_ask *a)
{
	int64_t total;
	enum iwf_err err;

	if (a->scs.quota < 0)
		return svc_pass(a, "none");
	if (a->explain) {
		err = STORE(a->svc, usage_get, a->scs.id, quota_period_start(a), &total);
		if (err == IWF_ENOENT)
			total = 0;
		else if (err)
			return err;
		if (total < a->scs.quota)
			return svc_pass(a, "%" PRId64 " of %" PRId64 " in %u s", total, a->scs.quota, a->scs.quota_period_s);
	} else {
		err = use_quota(a, 1, &total);
		if (err || total <= a->scs.quota)
			return err;
		err = use_quota(a, -1, &total);
		if (err)
			return err;
	}
	return svc_refuse(a, TSP_QUOTAEXCEEDED, RS_QUOTA, "%" PRId64 " in %u s", a->scs.quota, a->scs.quota_period_s);
}

/* ---- what a device has to bear, whoever sends it */

static struct svc_paced *paced_find(const struct iwf_service *svc, const struct imsi *imsi)
{
	struct iwf_map_link *l = iwf_map_first(&svc->paced, iwf_map_hash_str(svc->seed, imsi->digits));

	for (; l; l = iwf_map_next(l)) {
		struct svc_paced *p = IWF_MAP_OWNER(l, struct svc_paced, by_imsi);

		if (strcmp(p->imsi.digits, imsi->digits) == 0)
			return p;
	}
	return NULL;
}

static void paced_unlink(struct iwf_service *svc, struct svc_paced *p)
{
	*(p->older ? &p->older->newer : &svc->oldest_paced) = p->newer;
	*(p->newer ? &p->newer->older : &svc->newest_paced) = p->older;
}

static void paced_append(struct iwf_service *svc, struct svc_paced *p)
{
	p->older = svc->newest_paced;
	p->newer = NULL;
	*(svc->newest_paced ? &svc->newest_paced->newer : &svc->oldest_paced) = p;
	svc->newest_paced = p;
}

static void paced_drop(struct iwf_service *svc, struct svc_paced *p)
{
	paced_unlink(svc, p);
	iwf_map_del(&svc->paced, &p->by_imsi);
	free(p);
}

void svc_paced_forget_idle(struct iwf_service *svc)
{
	while (svc->oldest_paced && svc->oldest_paced->full_ms <= svc->now_ms)
		paced_drop(svc, svc->oldest_paced);
}

/* The one used last is the newest.  With a full table the one that has been left
 * alone the longest is forgotten. */
static struct svc_paced *paced_of(struct iwf_service *svc, const struct imsi *imsi)
{
	struct svc_paced *p = paced_find(svc, imsi);

	if (p) {
		paced_unlink(svc, p);
		paced_append(svc, p);
		return p;
	}
	while (svc->oldest_paced && svc->paced.n >= svc->conf->device_table_max)
		paced_drop(svc, svc->oldest_paced);
	p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->imsi = *imsi;
	iwf_map_add(&svc->paced, &p->by_imsi, iwf_map_hash_str(svc->seed, imsi->digits));
	paced_append(svc, p);
	return p;
}

enum iwf_err svc_check_device_rate(struct svc_ask *a)
{
	const struct iwf_service_conf *conf = a->svc->conf;
	const struct imsi *imsi = a->imsi ? a->imsi : a->has_local ? &a->sub.imsi : NULL;
	struct svc_paced *p;

	if (a->dar->action == TSP_RECALL)
		return svc_pass(a, "nothing to deliver");
	if (!conf->device_rate_per_h)
		return svc_pass(a, "no limit");
	if (a->explain || !imsi)
		return svc_pass(a, "%u an hour, %u at once", conf->device_rate_per_h, conf->device_burst);
	p = paced_of(a->svc, imsi);
	if (!p)
		return IWF_ENOMEM;
	if (!iwf_pace_take(&p->full_ms, 3600 * 1000 / conf->device_rate_per_h, conf->device_burst, a->svc->now_ms))
		return svc_refuse(a, TSP_RATEEXCEEDED, RS_DEVICE_RATE, "%u an hour, %u at once", conf->device_rate_per_h, conf->device_burst);
	return IWF_OK;
}

void svc_rate_free(struct iwf_service *svc)
{
	for (struct iwf_map_link *l = iwf_map_each(&svc->loads, NULL), *next; l; l = next) {
		next = iwf_map_each(&svc->loads, l);
		drop_load(svc, IWF_MAP_OWNER(l, struct svc_load, by_scs));
	}
	while (svc->oldest_paced)
		paced_drop(svc, svc->oldest_paced);
	iwf_map_free(&svc->loads);
	iwf_map_free(&svc->paced);
}
