/* store_sqlite_admin.c - what administrators write and the node reads. */
#include <stdlib.h>
#include <string.h>
#include "store_sqlite.h"

static enum iwf_err scs_read(struct query *q, struct iwf_scs *out)
{
	if (iwf_sqlite_row(q)) {
		memset(out, 0, sizeof(*out));
		out->id = iwf_sqlite_col_int(q);
		iwf_sqlite_col_text(q, out->name, sizeof(out->name));
		iwf_sqlite_col_text(q, out->origin_host, sizeof(out->origin_host));
		iwf_sqlite_col_text(q, out->origin_realm, sizeof(out->origin_realm));
		iwf_sqlite_col_text(q, out->cert_san, sizeof(out->cert_san));
		iwf_sqlite_col_text(q, out->cert_sha256, sizeof(out->cert_sha256));
		iwf_sqlite_col_text(q, out->e164, sizeof(out->e164));
		out->inside = iwf_sqlite_col_int(q);
		out->ndsip = iwf_sqlite_col_int(q);
		out->enabled = iwf_sqlite_col_int(q);
		out->valid_from = iwf_sqlite_col_int(q);
		out->valid_until = iwf_sqlite_col_int(q);
		out->rate_per_s = (uint32_t)iwf_sqlite_col_int(q);
		out->burst = (uint32_t)iwf_sqlite_col_int(q);
		out->quota = iwf_sqlite_col_int(q);
		out->quota_period_s = (uint32_t)iwf_sqlite_col_int(q);
		out->payload_max = (uint32_t)iwf_sqlite_col_int(q);
		out->validity_max_s = (uint32_t)iwf_sqlite_col_int(q);
		out->allow_priority = iwf_sqlite_col_int(q);
		out->allow_trigger = iwf_sqlite_col_int(q);
		out->allow_recall = iwf_sqlite_col_int(q);
		out->allow_replace = iwf_sqlite_col_int(q);
		out->connections = (uint32_t)iwf_sqlite_col_int(q);
		iwf_sqlite_col_text(q, out->ndsip_address, sizeof(out->ndsip_address));
	}
	return iwf_sqlite_end_one(q);
}

enum iwf_err iwf_sqlite_scs_by_host(struct iwf_store *st, const char *host, struct iwf_scs *out)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_SCS_BY_HOST, "scs_by_host");
	iwf_sqlite_bind_text(&q, ":host", host);
	return scs_read(&q, out);
}

enum iwf_err iwf_sqlite_scs_by_id(struct iwf_store *st, int64_t id, struct iwf_scs *out)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_SCS_BY_ID, "scs_by_id");
	iwf_sqlite_bind_int(&q, ":id", id);
	return scs_read(&q, out);
}

enum iwf_err iwf_sqlite_scs_next(struct iwf_store *st, int64_t after_id, struct iwf_scs *out)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_SCS_NEXT, "scs_next");
	iwf_sqlite_bind_int(&q, ":after", after_id);
	return scs_read(&q, out);
}

enum iwf_err iwf_sqlite_scs_has_number(struct iwf_store *st, int64_t scs_id, const char *e164)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_SCS_HAS_NUMBER, "scs_has_number");
	iwf_sqlite_bind_int(&q, ":scs", scs_id);
	iwf_sqlite_bind_text(&q, ":e164", e164);
	iwf_sqlite_row(&q);
	return iwf_sqlite_end_one(&q);
}

static enum iwf_err subscription_read(struct query *q, struct iwf_subscription *out)
{
	if (iwf_sqlite_row(q)) {
		memset(out, 0, sizeof(*out));
		out->id = iwf_sqlite_col_int(q);
		iwf_sqlite_col_imsi(q, &out->imsi);
		iwf_sqlite_col_text(q, out->msisdn, sizeof(out->msisdn));
		out->mtc_user_id = iwf_sqlite_col_int(q);
		out->enabled = iwf_sqlite_col_int(q);
		out->trigger_allowed = iwf_sqlite_col_int(q);
		iwf_sqlite_col_text(q, out->smssc, sizeof(out->smssc));
	}
	return iwf_sqlite_end_one(q);
}

enum iwf_err iwf_sqlite_subscription_by_ext_id(struct iwf_store *st, const char *ext_id, int64_t scs_id, struct iwf_subscription *out)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_SUB_BY_EXT_ID, "subscription_by_ext_id");
	iwf_sqlite_bind_text(&q, ":ext_id", ext_id);
	iwf_sqlite_bind_int(&q, ":scs", scs_id);
	return subscription_read(&q, out);
}

enum iwf_err iwf_sqlite_subscription_by_msisdn(struct iwf_store *st, const char *msisdn, struct iwf_subscription *out)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_SUB_BY_MSISDN, "subscription_by_msisdn");
	iwf_sqlite_bind_text(&q, ":msisdn", msisdn);
	return subscription_read(&q, out);
}

enum iwf_err iwf_sqlite_user_allows(struct iwf_store *st, int64_t mtc_user_id, int64_t scs_id)
{
	struct query q;
	bool allows = false;
	enum iwf_err e;

	if (mtc_user_id == 0)
		return IWF_OK;
	iwf_sqlite_start(&q, st, ST_USER_ALLOWS, "user_allows");
	iwf_sqlite_bind_int(&q, ":user", mtc_user_id);
	iwf_sqlite_bind_int(&q, ":scs", scs_id);
	if (iwf_sqlite_row(&q))
		allows = iwf_sqlite_col_int(&q);
	e = iwf_sqlite_end_one(&q);
	return e == IWF_OK && !allows ? IWF_ENOENT : e;
}

static void grant_read(struct query *q, int64_t id, struct iwf_grant *g)
{
	memset(g, 0, sizeof(*g));
	g->id = id;
	for (unsigned bit = IWF_SVC_TRIGGER; bit <= IWF_SVC_MONITOR; bit <<= 1)
		if (iwf_sqlite_col_int(q))
			g->services |= bit;
	g->valid_from = iwf_sqlite_col_int(q);
	g->valid_until = iwf_sqlite_col_int(q);
}

static int by_id(const void *a, const void *b)
{
	const struct iwf_grant *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

void iwf_sqlite_grants_sort(struct iwf_grant *v, size_t n)
{
	if (n > 1)
		qsort(v, n, sizeof(*v), by_id);
}

static enum iwf_err grants_read(struct query *q, struct iwf_grant *out, size_t max, size_t *n)
{
	*n = 0;
	while (iwf_sqlite_row(q)) {         /* one row a port, or one without */
		int64_t id = iwf_sqlite_col_int(q);
		struct iwf_grant *g = *n ? &out[*n - 1] : NULL;

		if (!g || g->id != id) {
			if (*n == max)
				break;
			g = &out[(*n)++];
			grant_read(q, id, g);
		} else {
			q->col += 6;
		}
		if (sqlite3_column_type(q->stmt, q->col) == SQLITE_NULL)
			continue;
		if (g->nports == IWF_GRANT_PORTS) {
			iwf_sqlite_fail(q, IWF_ESTORE, "an authorization has more ranges of ports than the schema allows");
			break;
		}
		g->ports[g->nports].from = (uint16_t)iwf_sqlite_col_int(q);
		g->ports[g->nports++].to = (uint16_t)iwf_sqlite_col_int(q);
	}
	iwf_sqlite_grants_sort(out, *n);
	return iwf_sqlite_end(q);
}

enum iwf_err iwf_sqlite_grants(struct iwf_store *st, const struct iwf_grant_query *want, struct iwf_grant *out, size_t max, size_t *n)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_GRANTS, "grants");
	iwf_sqlite_bind_int(&q, ":scs", want->scs_id);
	iwf_sqlite_bind_opt(&q, ":sub", want->subscription_id, 0);
	iwf_sqlite_bind_opt_text(&q, ":domain", want->domain);
	iwf_sqlite_bind_opt_text(&q, ":msisdn", want->msisdn);
	return grants_read(&q, out, max, n);
}

enum iwf_err iwf_sqlite_grants_of_device(struct iwf_store *st, const struct iwf_grant_query *want, struct iwf_grant *out, size_t max, size_t *n)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_GRANTS_DEVICE, "grants");
	iwf_sqlite_bind_int(&q, ":scs", want->scs_id);
	iwf_sqlite_bind_int(&q, ":sub", want->subscription_id);
	return grants_read(&q, out, max, n);
}
