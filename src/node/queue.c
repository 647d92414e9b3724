#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "queue.h"

#define MANY   16u        /* events at a time: there is so much to do that it should be done together */
#define ENOUGH 32u        /* events that nobody waits for more with */

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

/* ---- flows */

struct iwf_flow { struct iwf_map_link by_source; uint64_t source; struct iwf_flow *next; struct iwf_event *first, **last; size_t n; };

static struct iwf_flow *flow_find(const struct iwf_queue *q, uint64_t source)
{
	struct iwf_map_link *l = iwf_map_first(&q->flows, source);

	return l ? IWF_MAP_OWNER(l, struct iwf_flow, by_source) : NULL;
}

/* The last to be served of those that are there. */
static struct iwf_flow *flow_new(struct iwf_queue *q, uint64_t source)
{
	struct iwf_flow *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->source = source;
	f->last = &f->first;
	iwf_map_add(&q->flows, &f->by_source, source);
	f->next = q->turn ? q->turn->next : f;
	if (q->turn)
		q->turn->next = f;
	q->turn = f;
	return f;
}

static struct iwf_flow *longest_flow(const struct iwf_queue *q)
{
	struct iwf_flow *longest = q->turn;

	for (struct iwf_flow *f = q->turn->next; f != q->turn; f = f->next)
		if (f->n > longest->n)
			longest = f;
	return longest;
}

/* Its oldest one. */
static struct iwf_event *flow_pop(struct iwf_queue *q, struct iwf_flow *f)
{
	struct iwf_event *ev = f->first;

	f->first = ev->next;
	if (!f->first)
		f->last = &f->first;
	f->n--;
	q->n--;
	return ev;
}

static struct iwf_event *flow_put(struct iwf_queue *q, struct iwf_event *ev)
{
	struct iwf_flow *f = flow_find(q, ev->source), *longest;
	struct iwf_event *out = NULL;

	if (q->n >= q->max) {
		longest = q->turn ? longest_flow(q) : NULL;
		if (!longest || (f ? f->n : 0) + 1 >= longest->n)
			return ev;
		if (!f && !(f = flow_new(q, ev->source)))
			return ev;
		out = flow_pop(q, longest);
	} else if (!f && !(f = flow_new(q, ev->source))) {
		return ev;
	}
	*f->last = ev;
	f->last = &ev->next;
	f->n++;
	q->n++;
	return out;
}

/* One of the flow whose turn it is. */
static struct iwf_event *flow_take(struct iwf_queue *q)
{
	struct iwf_flow *f = q->turn->next;
	struct iwf_event *ev = flow_pop(q, f);

	if (f->n) {
		q->turn = f;
		return ev;
	}
	if (q->turn == f)
		q->turn = NULL;
	else
		q->turn->next = f->next;
	iwf_map_del(&q->flows, &f->by_source);
	free(f);
	return ev;
}

/* ---- the queue */

bool iwf_queue_init(struct iwf_queue *q, size_t max)
{
	pthread_condattr_t attr;

	*q = (struct iwf_queue){ .max = max, .wake_at = 1 };
	q->last = &q->first;
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->filled, &attr);
	pthread_condattr_destroy(&attr);
	return iwf_map_init(&q->flows);
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

struct iwf_event *iwf_queue_put(struct iwf_queue *q, struct iwf_event *ev)
{
	struct iwf_event *out = NULL;

	ev->next = NULL;
	pthread_mutex_lock(&q->lock);
	if (is_refusable(ev)) {
		out = q->stopping ? ev : flow_put(q, ev);
	} else {
		*q->last = ev;
		q->last = &ev->next;
	}
	if (!out)
		q->all++;
	if (q->all >= q->wake_at)
		pthread_cond_signal(&q->filled);
	pthread_mutex_unlock(&q->lock);
	return out;
}

static struct iwf_event *take_one(struct iwf_queue *q)
{
	struct iwf_event *ev = q->first;

	q->all--;
	if (!ev)
		return flow_take(q);
	q->first = ev->next;
	if (!q->first)
		q->last = &q->first;
	return ev;
}

static struct timespec after_us(uint64_t us)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	us += (uint64_t)t.tv_nsec / 1000;
	t.tv_sec += (time_t)(us / 1000000);
	t.tv_nsec = (long)(us % 1000000) * 1000;
	return t;
}

/* Until there are so many, or that moment, or there will be no more, or (held) the queue is no longer held. */
static void wait_for(struct iwf_queue *q, size_t many, bool held, const struct timespec *until)
{
	q->wake_at = many;
	while (q->all < many && !q->stopping && (!held || q->held) && !pthread_cond_timedwait(&q->filled, &q->lock, until))
		;
	q->wake_at = 1;
}

struct iwf_event *iwf_queue_take(struct iwf_queue *q, size_t most, unsigned wait_ms, unsigned gather_us, bool *stopping)
{
	const struct timespec until = after_us(1000 * (uint64_t)wait_ms), gathered = after_us(gather_us);
	const size_t enough = most < ENOUGH ? most : ENOUGH;
	struct iwf_event *batch = NULL, **at = &batch;
	size_t n = 0;

	pthread_mutex_lock(&q->lock);
	if (wait_ms)
		wait_for(q, 1, false, &until);
	if (!q->all && q->stopping && wait_ms)       /* what is under way may still end */
		pthread_cond_timedwait(&q->filled, &q->lock, &until);
	if (q->all && gather_us && q->taken >= MANY)
		wait_for(q, enough, false, &gathered);
	if (q->all)
		wait_for(q, enough, true, &until);
	for (; n < most && q->all; n++) {
		*at = take_one(q);
		at = &(*at)->next;
	}
	*at = NULL;
	q->taken = n;
	*stopping = q->stopping;
	pthread_mutex_unlock(&q->lock);
	return batch;
}

void iwf_queue_hold(struct iwf_queue *q, bool held)
{
	pthread_mutex_lock(&q->lock);
	q->held = held;
	if (!held && q->all)
		pthread_cond_signal(&q->filled);
	pthread_mutex_unlock(&q->lock);
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
	while (q->all)
		iwf_event_free(take_one(q));
	iwf_map_free(&q->flows);
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->lock);
}
