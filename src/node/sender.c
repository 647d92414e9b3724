#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include "sender.h"

#define LISTS 8u          /* a list is what one transaction of the store has brought */
#define AGAIN_MS 200      /* until the disk is asked again */
#define FEW 4u            /* effects: to wake the thread for them takes longer than it takes to carry them out */

struct list { struct iwf_effects fx; bool committed; };

struct iwf_sender {
	const struct iwf_sender_ops *ops;
	void *ctx;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stopping, idle;      /* idle: the thread waits, and holds nothing */
	unsigned at, n;
	struct list list[LISTS];
	atomic_bool stuck;
	/* Of the thread alone: what could not be made durable. */
	struct iwf_effects held;
};

static void perform_all(struct iwf_sender *s, struct iwf_effects *fx)
{
	for (size_t i = 0; i < fx->n; i++)
		s->ops->perform(s->ctx, &fx->v[i]);
	iwf_effects_cut(fx, 0);
}

static void move_all(struct iwf_effects *from, struct iwf_effects *to)
{
	for (size_t i = 0; i < from->n; i++)
		*iwf_effects_add(to, from->v[i].kind) = from->v[i];
	from->n = 0;              /* what they own has moved with them */
}

static bool is_durable(struct iwf_sender *s)
{
	const bool durable = s->ops->sync(s->ctx);

	atomic_store(&s->stuck, !durable);
	return durable;
}

/* Once for all of them. */
static void carry_out(struct iwf_sender *s, unsigned at, unsigned n)
{
	bool sync = s->held.n > 0, durable;

	for (unsigned i = 0; i < n; i++)
		sync |= s->list[(at + i) % LISTS].committed;
	durable = !sync || is_durable(s);
	if (durable)
		perform_all(s, &s->held);
	for (unsigned i = 0; i < n; i++) {
		struct list *l = &s->list[(at + i) % LISTS];

		if (durable || !l->committed)
			perform_all(s, &l->fx);
		else
			move_all(&l->fx, &s->held);
	}
}

/* False: there will be nothing. */
static bool wait_for_more(struct iwf_sender *s)
{
	struct timespec until;

	if (s->stopping)
		return false;
	if (!s->held.n) {
		s->idle = true;
		pthread_cond_wait(&s->changed, &s->lock);
		s->idle = false;
		return true;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += AGAIN_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&s->changed, &s->lock, &until);
	return true;
}

static void *work(void *arg)
{
	struct iwf_sender *s = arg;

	pthread_mutex_lock(&s->lock);
	do {
		const unsigned at = s->at, n = s->n;

		if (!n && !s->held.n)
			continue;
		pthread_mutex_unlock(&s->lock);
		carry_out(s, at, n);
		pthread_mutex_lock(&s->lock);
		s->at = (at + n) % LISTS;
		s->n -= n;
		if (n)
			pthread_cond_broadcast(&s->changed);
	} while (s->n || wait_for_more(s));
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

struct iwf_sender *iwf_sender_start(const struct iwf_sender_ops *ops, void *ctx)
{
	struct iwf_sender *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (!s)
		return NULL;
	s->ops = ops;
	s->ctx = ctx;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
	if (!pthread_create(&s->thread, NULL, work, s))
		return s;
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

void iwf_sender_give(struct iwf_sender *s, struct iwf_effects *fx, bool committed)
{
	struct list *to;
	struct iwf_effects empty;

	if (!fx->n)
		return;
	pthread_mutex_lock(&s->lock);
	if (s->idle && !s->n && fx->n <= FEW) {
		pthread_mutex_unlock(&s->lock);
		if (!committed || is_durable(s)) {
			perform_all(s, fx);
			return;
		}
		pthread_mutex_lock(&s->lock);
	}
	while (s->n == LISTS)
		pthread_cond_wait(&s->changed, &s->lock);
	to = &s->list[(s->at + s->n) % LISTS];
	empty = to->fx;
	*to = (struct list){ *fx, committed };
	*fx = empty;
	s->n++;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

bool iwf_sender_is_stuck(const struct iwf_sender *s)
{
	return atomic_load(&s->stuck);
}

void iwf_sender_stop(struct iwf_sender *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	for (unsigned i = 0; i < LISTS; i++)
		iwf_effects_free(&s->list[i].fx);
	iwf_effects_free(&s->held);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
