#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "queue.h"

struct iwf_event *iwf_event_new(enum iwf_event_kind kind)
{
	struct iwf_event *ev = calloc(1, sizeof(*ev));
	if (ev)
		ev->kind = kind;
	return ev;
}

void iwf_event_free(struct iwf_event *ev)
{
	if (!ev)
		return;
	if (ev->kind == IWF_EV_DAR)
		tsp_dar_free(ev->u.dar);
	else if (ev->kind == IWF_EV_SIA)
		s6m_sia_free(&ev->u.sia.sia);
	else if (ev->kind == IWF_EV_AUDIT)
		free(ev->u.audit);
	free(ev);
}

struct iwf_audit *iwf_audit_dup(const struct iwf_audit *from)
{
	static const size_t strings[] = {
		offsetof(struct iwf_audit, event), offsetof(struct iwf_audit, decision), offsetof(struct iwf_audit, peer),
		offsetof(struct iwf_audit, origin_host), offsetof(struct iwf_audit, address), offsetof(struct iwf_audit, cert),
		offsetof(struct iwf_audit, device), offsetof(struct iwf_audit, detail),
	};
	size_t total = sizeof(*from);
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		const char *s = *(const char *const *)((const char *)from + strings[i]);
		total += s ? strlen(s) + 1 : 0;
	}
	struct iwf_audit *to = malloc(total);
	if (!to)
		return NULL;
	*to = *from;
	char *p = (char *)(to + 1);
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		const char **s = (const char **)((char *)to + strings[i]);
		if (*s) {
			size_t n = strlen(*s) + 1;
			*s = memcpy(p, *s, n);
			p += n;
		}
	}
	return to;
}

void iwf_queue_init(struct iwf_queue *q, size_t max)
{
	pthread_condattr_t attr;

	*q = (struct iwf_queue){ .max = max };
	q->last = &q->first;
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->filled, &attr);
	pthread_condattr_destroy(&attr);
}

void iwf_queue_set_max(struct iwf_queue *q, size_t max)
{
	pthread_mutex_lock(&q->lock);
	q->max = max;
	pthread_mutex_unlock(&q->lock);
}

static bool is_refusable(const struct iwf_event *ev)
{
	return ev->kind == IWF_EV_DAR || ev->kind == IWF_EV_DRR || ev->kind == IWF_EV_AUDIT;
}

bool iwf_queue_put(struct iwf_queue *q, struct iwf_event *ev)
{
	bool taken = true;

	ev->next = NULL;
	pthread_mutex_lock(&q->lock);
	if (is_refusable(ev)) {
		taken = !q->stopping && q->n < q->max;
		q->n += taken;
	}
	if (taken) {
		*q->last = ev;
		q->last = &ev->next;
		pthread_cond_signal(&q->filled);
	}
	pthread_mutex_unlock(&q->lock);
	return taken;
}

struct iwf_event *iwf_queue_take(struct iwf_queue *q, size_t most, unsigned wait_ms, bool *stopping)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	until.tv_sec += wait_ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;

	pthread_mutex_lock(&q->lock);
	while (!q->first && !q->stopping && wait_ms)
		if (pthread_cond_timedwait(&q->filled, &q->lock, &until))
			break;
	if (!q->first && q->stopping && wait_ms)   /* stopping: what is under way may still end */
		pthread_cond_timedwait(&q->filled, &q->lock, &until);
	struct iwf_event *batch = q->first, **at = &q->first;
	for (size_t i = 0; i < most && *at; i++) {
		q->n -= is_refusable(*at);
		at = &(*at)->next;
	}
	if (at == &q->first) {
		batch = NULL;
	} else {
		q->first = *at;
		*at = NULL;
		if (!q->first)
			q->last = &q->first;
	}
	*stopping = q->stopping;
	pthread_mutex_unlock(&q->lock);
	return batch;
}

void iwf_queue_stop(struct iwf_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->stopping = true;
	pthread_cond_broadcast(&q->filled);
	pthread_mutex_unlock(&q->lock);
}

void iwf_queue_destroy(struct iwf_queue *q)
{
	while (q->first) {
		struct iwf_event *ev = q->first;
		q->first = ev->next;
		iwf_event_free(ev);
	}
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->lock);
}
