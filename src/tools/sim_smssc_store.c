/* sim_smssc_store.c - triggers by (SM-RP-SMEA, Reference-Number).  Those that
 * are over stay known, so that a repeat is recognised; the oldest are forgotten. */
#include <stdlib.h>
#include <string.h>
#include "sim_smssc.h"

#define BUCKETS   16384u
#define KEEP_MAX  200000u

struct sc_store {
	struct sc_trigger *by_key[BUCKETS], *by_number[BUCKETS], *oldest, *newest;
	uint64_t last;
	size_t n;
};

struct sc_store *sc_store_new(void)
{
	return calloc(1, sizeof(struct sc_store));
}

static uint32_t bucket(const char *smea, uint32_t reference)
{
	uint32_t h = 2166136261u;

	for (; *smea; smea++)
		h = (h ^ (uint8_t)*smea) * 16777619u;
	return (h ^ reference * 2654435761u) % BUCKETS;
}

static void forget(struct sc_store *st, struct sc_trigger *t)
{
	for (struct sc_trigger **at = &st->by_key[bucket(t->smea, t->reference)]; *at; at = &(*at)->same)
		if (*at == t) {
			*at = t->same;
			break;
		}
	for (struct sc_trigger **at = &st->by_number[t->number % BUCKETS]; *at; at = &(*at)->same_number)
		if (*at == t) {
			*at = t->same_number;
			break;
		}
	if (t->older)
		t->older->newer = t->newer;
	else
		st->oldest = t->newer;
	if (t->newer)
		t->newer->older = t->older;
	else
		st->newest = t->older;
	st->n--;
	sc_cancel(t);
	free(t->user);
	free(t->smea_avp);
	free(t);
}

void sc_store_free(struct sc_store *st)
{
	while (st && st->oldest)
		forget(st, st->oldest);
	free(st);
}

static bool copy(uint8_t **to, size_t *n, const struct dia_avp *a)
{
	*n = a->len;
	*to = malloc(a->len + 1);
	if (*to)
		memcpy(*to, a->data, a->len);
	return *to != NULL;
}

struct sc_trigger *sc_store_add(struct sc_store *st, struct sim *sim, const struct dtr *d)
{
	struct sc_trigger *t = calloc(1, sizeof(*t));
	uint32_t b;

	if (!t)
		return NULL;
	if (!copy(&t->user, &t->user_n, &d->user) || !copy(&t->smea_avp, &t->smea_n, &d->smea_avp)) {
		free(t->user);
		free(t);
		return NULL;
	}
	t->sim = sim;
	t->action = d->action;
	t->has_reference = d->has_reference;
	t->reference = d->reference;
	snprintf(t->smea, sizeof(t->smea), "%s", d->smea);
	snprintf(t->host, sizeof(t->host), "%s", d->origin_host);
	snprintf(t->realm, sizeof(t->realm), "%s", d->origin_realm);
	b = bucket(t->smea, t->reference);
	t->same = st->by_key[b];
	st->by_key[b] = t;
	t->number = ++st->last;
	t->same_number = st->by_number[t->number % BUCKETS];
	st->by_number[t->number % BUCKETS] = t;
	t->older = st->newest;
	if (st->newest)
		st->newest->newer = t;
	else
		st->oldest = t;
	st->newest = t;
	if (++st->n > KEEP_MAX && st->oldest->state != S_PENDING && !st->oldest->report_due)
		forget(st, st->oldest);
	return t;
}

struct sc_trigger *sc_store_find(struct sc_store *st, const char *smea, uint32_t reference)
{
	for (struct sc_trigger *t = st->by_key[bucket(smea, reference)]; t; t = t->same)
		if (t->has_reference && t->reference == reference && !strcmp(t->smea, smea))
			return t;
	return NULL;
}

struct sc_trigger *sc_store_number(struct sc_store *st, uint64_t number)
{
	struct sc_trigger *t = st->by_number[number % BUCKETS];

	while (t && t->number != number)
		t = t->same_number;
	return t;
}

struct sc_trigger *sc_store_next(struct sc_store *st, struct sc_trigger *at)
{
	return at ? at->newer : st->oldest;
}
