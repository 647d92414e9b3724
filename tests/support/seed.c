/* seed.c - see seed.h: the store in memory, and the choice between the two */
#include "seed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store_fail.h"
#include "store_mem.h"

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "seed: %s failed\n", what);
	abort();
}

/* The store in memory, from behind what may stand before it. */
static struct iwf_store *mem(struct iwf_store *st, const char *what)
{
	while (strcmp(st->ops->name, "fail") == 0)
		st = store_fail_inner(st);
	must(strcmp(st->ops->name, "mem") == 0, what);
	return st;
}

struct iwf_scs seed_scs_row(const char *name, const char *origin_host)
{
	const char *dot = strchr(origin_host, '.');
	struct iwf_scs s = {
		.enabled = true, .quota = -1, .quota_period_s = 86400,
		.allow_trigger = true, .allow_recall = true, .allow_replace = true,
	};

	snprintf(s.name, sizeof(s.name), "%s", name);
	snprintf(s.origin_host, sizeof(s.origin_host), "%s", origin_host);
	snprintf(s.origin_realm, sizeof(s.origin_realm), "%s", dot ? dot + 1 : origin_host);
	return s;
}

int64_t seed_user(struct iwf_store *st, const char *name, bool restrict_scs)
{
	int64_t id;

	st = mem(st, "user");
	id = iwf_mem_add_user(st, restrict_scs);
	must(id, name);
	return id;
}

void seed_user_allows(struct iwf_store *st, int64_t mtc_user_id, int64_t scs_id)
{
	st = mem(st, "user_allows");
	must(iwf_mem_add_user_scs(st, mtc_user_id, scs_id), "user_allows");
}

int64_t seed_scs(struct iwf_store *st, const struct iwf_scs *scs)
{
	int64_t id;

	st = mem(st, "scs");
	id = iwf_mem_add_scs(st, scs);
	must(id, scs->name);
	if (*scs->e164)
		seed_number(st, id, scs->e164, true);
	return id;
}

void seed_scs_change(struct iwf_store *st, const struct iwf_scs *scs)
{
	st = mem(st, "scs_change");
	must(iwf_mem_set_scs(st, scs), "scs_change");
}

void seed_number(struct iwf_store *st, int64_t scs_id, const char *e164, bool primary)
{
	st = mem(st, "number");
	must(iwf_mem_add_number(st, scs_id, e164, primary), "number");
}

int64_t seed_scs_group(struct iwf_store *st, const char *name)
{
	int64_t id;

	st = mem(st, "scs_group");
	id = iwf_mem_add_group(st);
	must(id, name);
	return id;
}

void seed_scs_member(struct iwf_store *st, int64_t scs_group_id, int64_t scs_id)
{
	st = mem(st, "scs_member");
	must(iwf_mem_add_scs_member(st, scs_group_id, scs_id), "scs_member");
}

int64_t seed_subscription(struct iwf_store *st, const char *imsi, const char *msisdn, int64_t mtc_user_id)
{
	struct iwf_subscription s = { .mtc_user_id = mtc_user_id, .enabled = true, .trigger_allowed = true };

	snprintf(s.imsi.digits, sizeof(s.imsi.digits), "%s", imsi);
	snprintf(s.msisdn, sizeof(s.msisdn), "%s", msisdn ? msisdn : "");
	return seed_subscription_row(st, &s);
}

int64_t seed_subscription_row(struct iwf_store *st, const struct iwf_subscription *sub)
{
	int64_t id;

	st = mem(st, "subscription");
	id = iwf_mem_add_subscription(st, sub);
	must(id, "subscription");
	return id;
}

void seed_subscription_change(struct iwf_store *st, const struct iwf_subscription *sub)
{
	st = mem(st, "subscription_change");
	must(iwf_mem_set_subscription(st, sub), "subscription_change");
}

void seed_ext_id(struct iwf_store *st, const char *ext_id, int64_t subscription_id, int64_t scs_id)
{
	st = mem(st, "ext_id");
	must(iwf_mem_add_ext_id(st, ext_id, subscription_id, scs_id), ext_id);
}

int64_t seed_device_group(struct iwf_store *st, const char *name)
{
	int64_t id;

	st = mem(st, "device_group");
	id = iwf_mem_add_group(st);
	must(id, name);
	return id;
}

void seed_device_member(struct iwf_store *st, int64_t device_group_id, int64_t subscription_id)
{
	st = mem(st, "device_member");
	must(iwf_mem_add_device_member(st, device_group_id, subscription_id), "device_member");
}

int64_t seed_grant(struct iwf_store *st, const struct seed_grant *g)
{
	struct iwf_mem_grant row = {
		.scs_id = g->scs_id, .scs_group_id = g->scs_group_id, .subscription_id = g->subscription_id,
		.device_group_id = g->device_group_id, .domain = g->domain, .msisdn_from = g->msisdn_from,
		.msisdn_to = g->msisdn_to,
		.grant = { .services = g->services, .valid_from = g->valid_from, .valid_until = g->valid_until, .nports = g->nports },
	};
	int64_t id;

	st = mem(st, "grant");
	for (size_t i = 0; i < g->nports; i++) {
		row.grant.ports[i].from = g->ports[i].from;
		row.grant.ports[i].to = g->ports[i].to;
	}
	id = iwf_mem_add_grant(st, &row);
	must(id, "grant");
	return id;
}

void seed_revoke(struct iwf_store *st, int64_t grant_id)
{
	st = mem(st, "revoke");
	must(iwf_mem_revoke(st, grant_id), "revoke");
}

bool seed_audit(struct iwf_store *st, size_t i, struct seed_audit *out)
{
	const struct iwf_audit *a;
	const char **texts[] = {
		&out->a.event, &out->a.decision, &out->a.peer, &out->a.origin_host, &out->a.address, &out->a.cert,
		&out->a.device, &out->a.detail,
	};

	st = mem(st, "audit");
	a = iwf_mem_audit(st, i);
	if (!a)
		return false;
	out->a = *a;
	for (size_t k = 0; k < sizeof(texts) / sizeof(*texts); k++)
		if (*texts[k]) {
			snprintf(out->text[k], sizeof(out->text[k]), "%s", *texts[k]);
			*texts[k] = out->text[k];
		}
	return true;
}

bool seed_trigger(struct iwf_store *st, size_t i, struct iwf_trigger *out)
{
	const struct iwf_trigger *t;

	st = mem(st, "trigger");
	t = iwf_mem_trigger(st, i);
	if (!t)
		return false;
	*out = *t;
	out->payload = out->nodes = NULL;
	out->payload_len = out->nodes_len = 0;
	return true;
}

bool seed_report(struct iwf_store *st, size_t i, struct iwf_report *out)
{
	const struct iwf_report *r;

	st = mem(st, "report");
	r = iwf_mem_report(st, i);
	if (r)
		*out = *r;
	return r != NULL;
}

size_t seed_audits(struct iwf_store *st)
{
	struct seed_audit a;
	size_t n = 0;

	while (seed_audit(st, n, &a))
		n++;
	return n;
}

size_t seed_triggers(struct iwf_store *st)
{
	struct iwf_trigger t;
	size_t n = 0;

	while (seed_trigger(st, n, &t))
		n++;
	return n;
}

size_t seed_reports(struct iwf_store *st)
{
	struct iwf_report r;
	size_t n = 0;

	while (seed_report(st, n, &r))
		n++;
	return n;
}
