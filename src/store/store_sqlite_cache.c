/* store_sqlite_cache.c - rows that administrators write and every request reads, kept between requests.
 *
 * Nothing here is ever out of date: it counts within a transaction that holds the lock for writing only, and each of
 * those begins with the question whether any other connection has changed the file since (PRAGMA data_version), and if
 * so, whether these rows (admin_stamp); then all is forgotten.  Changes by this connection itself are not seen that way,
 * so the cache is only for one that writes nothing but journal, outbox and audit (iwf_store_opts.ops_only). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "store_sqlite.h"

#define SCS_SLOTS   256u
#define GRANT_SLOTS 1024u
#define GRANTS_KEPT 4u

/* What an SCS may do by domain. */
struct known_grants {
	int64_t scs_id;                    /* 0: nothing here */
	char domain[256];
	bool plain;                        /* in no group of SCSs: what is kept and what names the device or its groups is all */
	size_t n;
	struct iwf_grant grant[GRANTS_KEPT];
};

struct sqlite_cache {
	int64_t version, stamp;
	struct iwf_scs scs[SCS_SLOTS];     /* id 0: nothing here */
	struct known_grants grants[GRANT_SLOTS];
};

static uint32_t hash(const char *s, uint32_t h)
{
	for (; *s; s++)
		h = (h ^ (uint8_t)(*s | 0x20)) * 16777619u;
	return h;
}

void iwf_sqlite_cache_free(struct sqlite_store *s)
{
	free(s->cache);
	s->cache = NULL;
}

/* False: it is not good, or not known to be. */
static bool is_good(struct sqlite_store *s, int64_t version)
{
	int64_t stamp;

	if (s->cache->version == version)
		return true;
	s->cache->version = version;
	return iwf_sqlite_number(&s->store, ST_ADMIN_STAMP, "begin", &stamp) == IWF_OK && stamp == s->cache->stamp;
}

void iwf_sqlite_cache_begin(struct sqlite_store *s)
{
	int64_t version;

	if (!s->opts.ops_only || s->opts.read_only)
		return;
	if (iwf_sqlite_number(&s->store, ST_DATA_VERSION, "begin", &version) != IWF_OK || (s->cache && !is_good(s, version))) {
		iwf_sqlite_cache_free(s);
	} else if (!s->cache && (s->cache = calloc(1, sizeof(*s->cache)))) {        /* without memory, without cache */
		s->cache->version = version;
		if (iwf_sqlite_number(&s->store, ST_ADMIN_STAMP, "begin", &s->cache->stamp) != IWF_OK)
			iwf_sqlite_cache_free(s);
	}
}

static struct sqlite_cache *usable(struct iwf_store *st)
{
	struct sqlite_store *s = (struct sqlite_store *)st;

	return s->in_tx && !sqlite3_get_autocommit(s->db) ? s->cache : NULL;
}

enum iwf_err iwf_sqlite_cached_scs(struct iwf_store *st, const char *host, struct iwf_scs *out)
{
	struct sqlite_cache *c = usable(st);
	struct iwf_scs *at = c ? &c->scs[hash(host, 2166136261u) % SCS_SLOTS] : NULL;
	enum iwf_err e;

	if (at && at->id && !strcasecmp(at->origin_host, host)) {
		*out = *at;
		return IWF_OK;
	}
	e = iwf_sqlite_scs_by_host(st, host, out);
	if (at && e == IWF_OK)
		*at = *out;
	return e;
}

/* No group of SCSs has it. */
static enum iwf_err is_plain(struct iwf_store *st, int64_t scs_id, bool *plain)
{
	struct query q;

	iwf_sqlite_start(&q, st, ST_GRANTS_PLAIN, "grants");
	iwf_sqlite_bind_int(&q, ":scs", scs_id);
	*plain = iwf_sqlite_row(&q) && iwf_sqlite_col_int(&q);
	return iwf_sqlite_end_one(&q);
}

static enum iwf_err learn(struct iwf_store *st, struct known_grants *k, const struct iwf_grant_query *want)
{
	const struct iwf_grant_query at_large = { .scs_id = want->scs_id, .domain = want->domain };
	struct iwf_grant found[GRANTS_KEPT + 1];
	enum iwf_err e = iwf_sqlite_grants(st, &at_large, found, GRANTS_KEPT + 1, &k->n);

	k->scs_id = 0;
	k->plain = false;
	if (e == IWF_OK && k->n <= GRANTS_KEPT)
		e = is_plain(st, want->scs_id, &k->plain);
	if (e != IWF_OK)
		return e;
	memcpy(k->grant, found, (k->plain ? k->n : 0) * sizeof(*found));
	strcpy(k->domain, want->domain);
	k->scs_id = want->scs_id;
	return IWF_OK;
}

enum iwf_err iwf_sqlite_cached_grants(struct iwf_store *st, const struct iwf_grant_query *want, struct iwf_grant *out, size_t max, size_t *n)
{
	struct sqlite_cache *c = usable(st);
	struct known_grants *k;
	enum iwf_err e;

	if (!c || want->msisdn || !want->domain || strlen(want->domain) >= sizeof(k->domain))
		return iwf_sqlite_grants(st, want, out, max, n);
	k = &c->grants[hash(want->domain, (uint32_t)want->scs_id * 2654435761u) % GRANT_SLOTS];
	if ((k->scs_id != want->scs_id || strcmp(k->domain, want->domain)) && (e = learn(st, k, want)) != IWF_OK)
		return e;
	if (!k->plain || k->n > max)
		return iwf_sqlite_grants(st, want, out, max, n);
	*n = 0;
	e = want->subscription_id ? iwf_sqlite_grants_of_device(st, want, out, max - k->n, n) : IWF_OK;
	if (e != IWF_OK)
		return e;
	memcpy(out + *n, k->grant, k->n * sizeof(*out));
	*n += k->n;
	iwf_sqlite_grants_sort(out, *n);
	return IWF_OK;
}
