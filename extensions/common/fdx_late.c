/* fdx_late.c - answers to a peer that has just come back.
 *
 * After a connection has broken, freeDiameter takes requests from the new one at once, but throws answers to it away until
 * three watchdogs have been answered (RFC 3539 3.4.1).  So these answers wait here for that moment. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "fdx.h"
#include "log.h"

#define LOOK_MS  5
#define WAIT_MS  10000

struct late { struct late *next; struct msg *answer; int64_t until_ms; };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static struct late *first, **end = &first;
static pthread_t thread;
static bool running, stopping;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_reopening(struct msg *answer)
{
	struct peer_hdr *peer = NULL;
	struct msg *request = NULL;
	DiamId_t from = NULL;
	size_t n = 0;

	return !fd_msg_answ_getq(answer, &request) && request && !fd_msg_source_get(request, &from, &n) && from &&
	       !fd_peer_getbyid(from, n, 0, &peer) && peer && fd_peer_get_state(peer) == STATE_REOPEN;
}

static void send_now(struct msg *answer)
{
	if (fd_msg_send(&answer, NULL, NULL) && answer)
		fd_msg_free(answer);
}

/* All whose time has come, in their order. */
static void look(void)
{
	struct late *l = first;

	first = NULL;
	end = &first;
	while (l) {
		struct late *next = l->next;

		if (l->until_ms > now_ms() && is_reopening(l->answer)) {
			l->next = NULL;
			*end = l;
			end = &l->next;
		} else {
			send_now(l->answer);
			free(l);
		}
		l = next;
	}
}

static void *work(void *arg)
{
	struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };

	pthread_mutex_lock(&lock);
	while (!stopping) {
		if (!first) {
			pthread_cond_wait(&more, &lock);
			continue;
		}
		pthread_mutex_unlock(&lock);
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&lock);
		look();
	}
	pthread_mutex_unlock(&lock);
	return arg;
}

static bool hold(struct msg *answer)
{
	struct late *l = malloc(sizeof(*l));
	bool held = false;

	if (!l)
		return false;
	*l = (struct late){ .answer = answer, .until_ms = now_ms() + WAIT_MS };
	pthread_mutex_lock(&lock);
	if (!running && !stopping)
		running = pthread_create(&thread, NULL, work, NULL) == 0;
	if (running && !stopping) {
		*end = l;
		end = &l->next;
		held = true;
		pthread_cond_signal(&more);
	}
	pthread_mutex_unlock(&lock);
	if (!held)
		free(l);
	return held;
}

void fdx_answer_send(struct msg *answer)
{
	if (!iwf_peers_opened_within(WAIT_MS) || !is_reopening(answer) || !hold(answer))
		send_now(answer);
}

void fdx_forget_late(void)
{
	pthread_mutex_lock(&lock);
	stopping = true;
	pthread_cond_signal(&more);
	pthread_mutex_unlock(&lock);
	if (running)
		pthread_join(thread, NULL);
	running = false;
	while (first) {
		struct late *l = first;

		first = l->next;
		fd_msg_free(l->answer);
		free(l);
	}
	end = &first;
}
