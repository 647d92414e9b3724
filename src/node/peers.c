#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "peers.h"

#define BUCKETS 1024

struct entry {
	struct entry *next;
	struct iwf_peer_info info;
	size_t len;
	char host[];                    /* lower case, no NUL */
};

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct entry *buckets[BUCKETS];
static _Atomic int64_t opened_ms = INT64_MIN / 2;

static char lower(uint8_t c)
{
	return (char)tolower(c);
}

static struct entry **find(struct iwf_view host)
{
	uint32_t h = 2166136261u;       /* FNV-1a */
	for (size_t i = 0; i < host.n; i++)
		h = (h ^ (uint8_t)lower(host.p[i])) * 16777619u;
	struct entry **at = &buckets[h % BUCKETS];
	for (; *at; at = &(*at)->next) {
		size_t i = 0;
		while (i < host.n && (*at)->len == host.n && (*at)->host[i] == lower(host.p[i]))
			i++;
		if ((*at)->len == host.n && i == host.n)
			break;
	}
	return at;
}

static struct iwf_view view(const char *s)
{
	return (struct iwf_view){ (const uint8_t *)s, strlen(s) };
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool iwf_peers_opened_within(int64_t ms)
{
	return now_ms() - opened_ms < ms;
}

void iwf_peer_opened(const char *host, const struct iwf_peer_info *info)
{
	struct iwf_view v = view(host);

	opened_ms = now_ms();
	pthread_rwlock_wrlock(&lock);
	struct entry **at = find(v);
	if (!*at && (*at = calloc(1, sizeof(**at) + v.n))) {
		(*at)->len = v.n;
		for (size_t i = 0; i < v.n; i++)
			(*at)->host[i] = lower(v.p[i]);
	}
	if (*at)
		(*at)->info = *info;
	pthread_rwlock_unlock(&lock);
}

static void drop(struct entry **at)
{
	struct entry *e = *at;
	*at = e->next;
	free(e);
}

void iwf_peer_closed(const char *host)
{
	pthread_rwlock_wrlock(&lock);
	struct entry **at = find(view(host));
	if (*at)
		drop(at);
	pthread_rwlock_unlock(&lock);
}

bool iwf_peer_get(struct iwf_view host, struct iwf_peer_info *out)
{
	pthread_rwlock_rdlock(&lock);
	struct entry *e = *find(host);
	*out = e ? e->info : (struct iwf_peer_info){0};
	pthread_rwlock_unlock(&lock);
	return e != NULL;
}

bool iwf_peer_is_inside(struct iwf_view host)
{
	pthread_rwlock_rdlock(&lock);
	struct entry *e = *find(host);
	bool inside = e && e->info.proven && e->info.inside;
	pthread_rwlock_unlock(&lock);
	return inside;
}

void iwf_peers_forget_all(void)
{
	pthread_rwlock_wrlock(&lock);
	for (size_t i = 0; i < BUCKETS; i++)
		while (buckets[i])
			drop(&buckets[i]);
	pthread_rwlock_unlock(&lock);
}
