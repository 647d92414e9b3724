#include <pthread.h>
#include <stdlib.h>
#include "sender.h"

#define LISTS 8u          /* a list is what one transaction of the store has brought */

struct iwf_sender {
	void (*perform)(void *ctx, struct iwf_effect *);
	void *ctx;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stopping;
	unsigned at, n;
	struct iwf_effects list[LISTS];
};

static void *work(void *arg)
{
	struct iwf_sender *s = arg;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		struct iwf_effects *fx = &s->list[s->at];

		if (!s->n && s->stopping)
			break;
		if (!s->n) {
			pthread_cond_wait(&s->changed, &s->lock);
			continue;
		}
		pthread_mutex_unlock(&s->lock);
		for (size_t i = 0; i < fx->n; i++)
			s->perform(s->ctx, &fx->v[i]);
		iwf_effects_cut(fx, 0);
		pthread_mutex_lock(&s->lock);
		s->at = (s->at + 1) % LISTS;
		if (s->n-- == LISTS)
			pthread_cond_signal(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

struct iwf_sender *iwf_sender_start(void (*perform)(void *ctx, struct iwf_effect *), void *ctx)
{
	struct iwf_sender *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->perform = perform;
	s->ctx = ctx;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	if (!pthread_create(&s->thread, NULL, work, s))
		return s;
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

void iwf_sender_give(struct iwf_sender *s, struct iwf_effects *fx)
{
	struct iwf_effects *to, empty;

	if (!fx->n)
		return;
	pthread_mutex_lock(&s->lock);
	while (s->n == LISTS)
		pthread_cond_wait(&s->changed, &s->lock);
	to = &s->list[(s->at + s->n) % LISTS];
	empty = *to;
	*to = *fx;
	*fx = empty;
	if (!s->n++)
		pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void iwf_sender_stop(struct iwf_sender *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	for (unsigned i = 0; i < LISTS; i++)
		iwf_effects_free(&s->list[i]);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
