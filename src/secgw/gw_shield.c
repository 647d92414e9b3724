/* gw_shield.c - sources in a hash table with open chains; an entry lives as long as it has connections or its bucket
 * is not full yet. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "gw_shield.h"
#include "ratelimit.h"

#define SLOTS 4096u
#define IDLE_MAX 8192u         /* sources without a connection that are remembered for their rate */

struct source {
	struct source *next;                   /* of its slot */
	struct source *idle_prev, *idle_next;  /* without connections, the longest first */
	uint8_t key[9];                        /* 4 or 6, then the address or prefix */
	uint32_t open, half;
	struct iwf_bucket bucket;
};

struct told { struct iwf_bucket bucket; uint64_t left_out; };

struct gw_shield {
	uint32_t max, max_source, max_half, max_half_source, rate, burst, tell_rate, tell_burst;
	uint32_t open, half, nidle;
	uint64_t salt;
	struct source *slots[SLOTS];
	struct source idle;
	struct told told[IWF_REASONS];
};

struct gw_shield *gw_shield_new(const struct gw_conf *c)
{
	struct gw_shield *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->max = c->limits.connections;
	s->max_source = c->limits.connections_per_source;
	s->max_half = c->limits.half_open;
	s->max_half_source = c->limits.half_open_per_source;
	s->rate = c->limits.source_rate_per_s;
	s->burst = c->limits.source_burst;
	s->tell_rate = c->limits.audit_per_s;
	s->tell_burst = c->limits.audit_burst;
	s->idle.idle_prev = s->idle.idle_next = &s->idle;
	if (getrandom(&s->salt, sizeof(s->salt), 0) != sizeof(s->salt))
		s->salt = (uintptr_t)s;
	return s;
}

void gw_shield_free(struct gw_shield *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < SLOTS; i++)
		while (s->slots[i]) {
			struct source *gone = s->slots[i];

			s->slots[i] = gone->next;
			free(gone);
		}
	free(s);
}

static void key_of(const struct sockaddr *sa, uint8_t key[static 9])
{
	memset(key, 0, 9);
	if (sa->sa_family == AF_INET) {
		key[0] = 4;
		memcpy(key + 1, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;

		key[0] = IN6_IS_ADDR_V4MAPPED(a) ? 4 : 6;
		memcpy(key + 1, a->s6_addr + (key[0] == 4 ? 12 : 0), key[0] == 4 ? 4 : 8);
	}
}

/* With a salt, so that nobody can choose addresses that share a slot. */
static struct source **slot_of(struct gw_shield *s, const uint8_t key[static 9])
{
	uint64_t h = s->salt;

	for (int i = 0; i < 9; i++) {
		h = (h ^ key[i]) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	return &s->slots[h % SLOTS];
}

static struct source *find(struct gw_shield *s, const struct sockaddr *sa)
{
	uint8_t key[9];

	key_of(sa, key);
	for (struct source *at = *slot_of(s, key); at; at = at->next)
		if (!memcmp(at->key, key, sizeof(key)))
			return at;
	return NULL;
}

static void idle_remove(struct gw_shield *s, struct source *src)
{
	src->idle_prev->idle_next = src->idle_next;
	src->idle_next->idle_prev = src->idle_prev;
	src->idle_prev = src->idle_next = NULL;
	s->nidle--;
}

static void forget(struct gw_shield *s, struct source *src)
{
	struct source **at = slot_of(s, src->key);

	while (*at != src)
		at = &(*at)->next;
	*at = src->next;
	idle_remove(s, src);
	free(src);
}

static void idle_add(struct gw_shield *s, struct source *src)
{
	if (s->nidle >= IDLE_MAX)
		forget(s, s->idle.idle_next);
	src->idle_next = &s->idle;
	src->idle_prev = s->idle.idle_prev;
	src->idle_prev->idle_next = src;
	s->idle.idle_prev = src;
	s->nidle++;
}

static struct source *find_or_add(struct gw_shield *s, const struct sockaddr *sa)
{
	struct source *src = find(s, sa), **slot;

	if (src)
		return src;
	src = calloc(1, sizeof(*src));
	if (!src)
		return NULL;
	key_of(sa, src->key);
	slot = slot_of(s, src->key);
	src->next = *slot;
	*slot = src;
	idle_add(s, src);
	return src;
}

enum iwf_reason gw_shield_arrive(struct gw_shield *s, const struct sockaddr *sa, int64_t now_ms)
{
	struct source *src;

	if (s->open + s->half >= s->max)
		return RS_CONNECTIONS;
	if (s->half >= s->max_half)
		return RS_HALF_OPEN;
	src = find_or_add(s, sa);
	if (!src)
		return RS_CONNECTIONS;
	if (!iwf_bucket_take(&src->bucket, s->rate, s->burst, now_ms))
		return RS_SOURCE_RATE;
	if (src->open + src->half >= s->max_source)
		return RS_CONNECTIONS;
	if (src->half >= s->max_half_source)
		return RS_HALF_OPEN;
	if (!src->open && !src->half)
		idle_remove(s, src);
	src->half++;
	s->half++;
	return RS_NONE;
}

void gw_shield_opened(struct gw_shield *s, const struct sockaddr *sa)
{
	struct source *src = find(s, sa);

	if (!src || !src->half)
		return;
	src->half--;
	src->open++;
	s->half--;
	s->open++;
}

void gw_shield_left(struct gw_shield *s, const struct sockaddr *sa, bool was_open)
{
	struct source *src = find(s, sa);
	uint32_t *mine = !src ? NULL : was_open ? &src->open : &src->half;

	if (!mine || !*mine)
		return;
	--*mine;
	--*(was_open ? &s->open : &s->half);
	if (!src->open && !src->half)
		idle_add(s, src);
}

bool gw_shield_tell(struct gw_shield *s, enum iwf_reason reason, int64_t now_ms, uint64_t *suppressed)
{
	struct told *t = &s->told[reason];

	*suppressed = t->left_out;
	if (!iwf_bucket_take(&t->bucket, s->tell_rate, s->tell_burst, now_ms)) {
		t->left_out++;
		return false;
	}
	t->left_out = 0;
	return true;
}
