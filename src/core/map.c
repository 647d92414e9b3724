#include <stdlib.h>
#include "map.h"

#define SLOTS_MIN 64   /* a power of two, like every later size */

static struct iwf_map_link **slot_of(const struct iwf_map *m, uint64_t hash)
{
	return &m->slots[hash & (m->nslots - 1)];
}

bool iwf_map_init(struct iwf_map *m)
{
	m->slots = calloc(SLOTS_MIN, sizeof *m->slots);
	m->nslots = m->slots ? SLOTS_MIN : 0;
	m->n = 0;
	return m->slots != NULL;
}

void iwf_map_free(struct iwf_map *m)
{
	free(m->slots);
	*m = (struct iwf_map){ NULL, 0, 0 };
}

static void grow(struct iwf_map *m)
{
	struct iwf_map bigger = { calloc(m->nslots * 2, sizeof *m->slots), m->nslots * 2, m->n };

	if (!bigger.slots)
		return;
	for (size_t i = 0; i < m->nslots; i++) {
		for (struct iwf_map_link *l = m->slots[i], *next; l; l = next) {
			struct iwf_map_link **slot = slot_of(&bigger, l->hash);

			next = l->next;
			l->next = *slot;
			*slot = l;
		}
	}
	free(m->slots);
	*m = bigger;
}

void iwf_map_add(struct iwf_map *m, struct iwf_map_link *l, uint64_t hash)
{
	if (m->n >= m->nslots)
		grow(m);
	struct iwf_map_link **slot = slot_of(m, hash);

	*l = (struct iwf_map_link){ *slot, hash, true };
	*slot = l;
	m->n++;
}

void iwf_map_del(struct iwf_map *m, struct iwf_map_link *l)
{
	if (!l->in)
		return;
	for (struct iwf_map_link **at = slot_of(m, l->hash); *at; at = &(*at)->next) {
		if (*at == l) {
			*at = l->next;
			m->n--;
			break;
		}
	}
	*l = (struct iwf_map_link){ NULL, 0, false };
}

static struct iwf_map_link *of_hash(struct iwf_map_link *l, uint64_t hash)
{
	while (l && l->hash != hash)
		l = l->next;
	return l;
}

struct iwf_map_link *iwf_map_first(const struct iwf_map *m, uint64_t hash)
{
	return of_hash(*slot_of(m, hash), hash);
}

struct iwf_map_link *iwf_map_next(const struct iwf_map_link *l)
{
	return of_hash(l->next, l->hash);
}

struct iwf_map_link *iwf_map_each(const struct iwf_map *m, const struct iwf_map_link *last)
{
	size_t i = 0;

	if (last) {
		if (last->next)
			return last->next;
		i = (size_t)(slot_of(m, last->hash) - m->slots) + 1;
	}
	for (; i < m->nslots; i++)
		if (m->slots[i])
			return m->slots[i];
	return NULL;
}

/* Spreads every bit of v over all bits (a bijection, so distinct numbers stay distinct). */
uint64_t iwf_map_hash_u64(uint64_t seed, uint64_t v)
{
	v ^= seed;
	v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
	return v ^ v >> 31;
}

uint64_t iwf_map_hash_str(uint64_t seed, const char *s)
{
	uint64_t h = seed;

	for (; *s; s++)
		h = iwf_map_hash_u64(h, (uint8_t)(*s >= 'A' && *s <= 'Z' ? *s + ('a' - 'A') : *s));
	return iwf_map_hash_u64(h, 0x100);
}
