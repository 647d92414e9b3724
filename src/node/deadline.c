#include <stdlib.h>
#include "deadline.h"

struct iwf_ask {
	struct iwf_ask *chain;           /* in its bucket */
	struct iwf_ask *prev, *next;     /* of its kind, by deadline */
	enum iwf_ask_kind kind;
	uint64_t number;
	int64_t at_ms;
};

static size_t slot(const struct iwf_deadlines *d, enum iwf_ask_kind kind, uint64_t number)
{
	return (size_t)((number * IWF_ASK_KINDS + kind) * 0x9e3779b97f4a7c15ull >> 20) & (d->nbuckets - 1);
}

static bool grow(struct iwf_deadlines *d)
{
	struct iwf_deadlines bigger = *d;
	bigger.nbuckets = d->nbuckets ? d->nbuckets * 2 : 64;
	bigger.bucket = calloc(bigger.nbuckets, sizeof(*bigger.bucket));
	if (!bigger.bucket)
		return false;
	for (int kind = 0; kind < IWF_ASK_KINDS; kind++)
		for (struct iwf_ask *a = d->first[kind]; a; a = a->next) {
			size_t at = slot(&bigger, a->kind, a->number);
			a->chain = bigger.bucket[at];
			bigger.bucket[at] = a;
		}
	free(d->bucket);
	*d = bigger;
	return true;
}

static struct iwf_ask **find(struct iwf_deadlines *d, enum iwf_ask_kind kind, uint64_t number)
{
	if (!d->nbuckets)
		return NULL;
	struct iwf_ask **at = &d->bucket[slot(d, kind, number)];
	while (*at && ((*at)->kind != kind || (*at)->number != number))
		at = &(*at)->chain;
	return *at ? at : NULL;
}

static void unlink_kind(struct iwf_deadlines *d, struct iwf_ask *a)
{
	*(a->prev ? &a->prev->next : &d->first[a->kind]) = a->next;
	*(a->next ? &a->next->prev : &d->last[a->kind]) = a->prev;
}

bool iwf_deadline_clear(struct iwf_deadlines *d, enum iwf_ask_kind kind, uint64_t number)
{
	struct iwf_ask **at = find(d, kind, number);
	if (!at)
		return false;
	struct iwf_ask *a = *at;
	*at = a->chain;
	unlink_kind(d, a);
	free(a);
	d->n--;
	return true;
}

bool iwf_deadline_set(struct iwf_deadlines *d, enum iwf_ask_kind kind, uint64_t number, int64_t at_ms)
{
	iwf_deadline_clear(d, kind, number);
	if (d->n >= d->nbuckets && !grow(d) && !d->nbuckets)
		return false;
	struct iwf_ask *a = calloc(1, sizeof(*a));
	if (!a)
		return false;
	a->kind = kind;
	a->number = number;
	a->at_ms = at_ms;
	size_t at = slot(d, kind, number);
	a->chain = d->bucket[at];
	d->bucket[at] = a;
	a->prev = d->last[kind];
	while (a->prev && a->prev->at_ms > at_ms)   /* a clock that went back */
		a->prev = a->prev->prev;
	a->next = a->prev ? a->prev->next : d->first[kind];
	*(a->prev ? &a->prev->next : &d->first[kind]) = a;
	*(a->next ? &a->next->prev : &d->last[kind]) = a;
	d->n++;
	return true;
}

bool iwf_deadline_over(struct iwf_deadlines *d, int64_t now_ms, enum iwf_ask_kind *kind, uint64_t *number)
{
	for (int k = 0; k < IWF_ASK_KINDS; k++) {
		const struct iwf_ask *a = d->first[k];
		if (!a || a->at_ms > now_ms)
			continue;
		*kind = a->kind;
		*number = a->number;
		return iwf_deadline_clear(d, a->kind, a->number);
	}
	return false;
}

void iwf_deadlines_free(struct iwf_deadlines *d)
{
	for (int kind = 0; kind < IWF_ASK_KINDS; kind++)
		while (d->first[kind])
			iwf_deadline_clear(d, d->first[kind]->kind, d->first[kind]->number);
	free(d->bucket);
	*d = (struct iwf_deadlines){0};
}
