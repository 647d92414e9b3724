/* loop.c - epoll, timers, and the grave. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "peer_int.h"

#define SCRATCH 65536u

struct timer {
	int64_t due_ms;
	uint64_t seq;              /* equal times fire in the order they were asked for */
	void (*fire)(void *ctx);
	void *ctx;
	uint32_t generation;
	size_t at;                 /* place in the heap, or the next free slot */
	bool used;
};

struct watch {
	struct peer_source src;
	struct peer_loop *loop;
	struct watch *next;
	uint64_t always;           /* timer: a plain file is always ready, and epoll takes none */
	int fd;
	void (*ready)(int fd, void *ctx);
	void *ctx;
};

struct peer_loop {
	int ep, wake;
	volatile sig_atomic_t stop;
	struct timer *timers;
	uint32_t *heap;            /* numbers of timers, soonest first */
	size_t nheap, cap;
	size_t free_slot;          /* SIZE_MAX: none */
	uint64_t seq;
	struct peer *peers, *flush;
	struct peer *handshake, **handshake_end;   /* first come, first served */
	uint32_t handshake_share_us;
	uint8_t *scratch;
	struct peer_listener *listeners;
	struct watch *watches;
	struct peer_source *grave;
	uint32_t session_high, session_low;
};

int64_t peer_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct peer_loop *peer_loop_new(void)
{
	struct peer_loop *l = calloc(1, sizeof(*l));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };

	if (!l)
		return NULL;
	l->free_slot = SIZE_MAX;
	l->handshake_end = &l->handshake;
	l->scratch = malloc(SCRATCH);
	l->ep = epoll_create1(EPOLL_CLOEXEC);
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->session_high = (uint32_t)time(NULL);
	if (getrandom(&l->session_low, sizeof(l->session_low), 0) != sizeof(l->session_low))
		l->session_low = (uint32_t)peer_now_ms();
	if (!l->scratch || l->ep < 0 || l->wake < 0 || epoll_ctl(l->ep, EPOLL_CTL_ADD, l->wake, &ev) < 0) {
		peer_loop_free(l);
		return NULL;
	}
	return l;
}

static void bury(struct peer_loop *l)
{
	while (l->grave) {
		struct peer_source *s = l->grave;

		l->grave = s->next_grave;
		s->bury(s);
	}
}

static void watch_bury(struct peer_source *s)
{
	free(s);
}

void peer_loop_free(struct peer_loop *l)
{
	if (!l)
		return;
	while (l->grave) {         /* peers and listeners in it are in their lists too */
		struct peer_source *s = l->grave;

		l->grave = s->next_grave;
		if (s->loose)
			s->bury(s);
	}
	while (l->peers)
		peer_free(l->peers);
	while (l->listeners)
		peer_listener_free(l->listeners);
	bury(l);                   /* what they had beneath them */
	while (l->watches) {
		struct watch *w = l->watches;

		l->watches = w->next;
		free(w);
	}
	if (l->ep >= 0)
		close(l->ep);
	if (l->wake >= 0)
		close(l->wake);
	free(l->timers);
	free(l->heap);
	free(l->scratch);
	free(l);
}

void peer_loop_stop(struct peer_loop *l)
{
	int saved = errno;
	const uint64_t one = 1;
	ssize_t r;

	l->stop = 1;
	r = write(l->wake, &one, sizeof(one));
	(void)r;                   /* full means that it is awake already */
	errno = saved;
}

/* Timers: a binary heap of slot numbers; a timer's number names its slot and
 * the slot's generation, so that an old number cancels nothing. */

static bool sooner(const struct peer_loop *l, uint32_t a, uint32_t b)
{
	const struct timer *x = &l->timers[a], *y = &l->timers[b];

	return x->due_ms != y->due_ms ? x->due_ms < y->due_ms : x->seq < y->seq;
}

static void place(struct peer_loop *l, size_t at, uint32_t slot)
{
	l->heap[at] = slot;
	l->timers[slot].at = at;
}

static void sift(struct peer_loop *l, size_t at)
{
	uint32_t slot = l->heap[at];

	while (at > 0 && sooner(l, slot, l->heap[(at - 1) / 2])) {
		place(l, at, l->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (;;) {
		size_t kid = 2 * at + 1;

		if (kid + 1 < l->nheap && sooner(l, l->heap[kid + 1], l->heap[kid]))
			kid++;
		if (kid >= l->nheap || !sooner(l, l->heap[kid], slot))
			break;
		place(l, at, l->heap[kid]);
		at = kid;
	}
	place(l, at, slot);
}

static void timer_remove(struct peer_loop *l, uint32_t slot)
{
	struct timer *t = &l->timers[slot];
	size_t at = t->at;

	if (--l->nheap != at) {
		place(l, at, l->heap[l->nheap]);
		sift(l, at);
	}
	t->used = false;
	t->generation++;
	t->at = l->free_slot;
	l->free_slot = slot;
}

static bool timers_grow(struct peer_loop *l)
{
	size_t cap = l->cap ? 2 * l->cap : 64;
	struct timer *t = realloc(l->timers, cap * sizeof(*t));
	uint32_t *h;

	if (!t)
		return false;
	l->timers = t;
	h = realloc(l->heap, cap * sizeof(*h));
	if (!h)
		return false;
	l->heap = h;
	for (size_t i = cap; i-- > l->cap;) {
		t[i] = (struct timer){ .generation = 1, .at = l->free_slot };
		l->free_slot = i;
	}
	l->cap = cap;
	return true;
}

uint64_t peer_timer(struct peer_loop *l, uint32_t in_ms, void (*fire)(void *ctx), void *ctx)
{
	struct timer *t;
	size_t slot;

	if (l->free_slot == SIZE_MAX && !timers_grow(l))
		return 0;
	slot = l->free_slot;
	t = &l->timers[slot];
	l->free_slot = t->at;
	t->due_ms = peer_now_ms() + in_ms;
	t->seq = l->seq++;
	t->fire = fire;
	t->ctx = ctx;
	t->used = true;
	place(l, l->nheap, (uint32_t)slot);
	sift(l, l->nheap++);
	return (uint64_t)t->generation << 32 | slot;
}

void peer_timer_cancel(struct peer_loop *l, uint64_t timer)
{
	uint32_t slot = (uint32_t)timer;

	if (timer && slot < l->cap && l->timers[slot].used && l->timers[slot].generation == timer >> 32)
		timer_remove(l, slot);
}

/* No more than are there now, so that a timer which sets itself again with 0 ms
 * cannot keep the sockets waiting. */
static void fire_timers(struct peer_loop *l)
{
	int64_t now = peer_now_ms();

	for (size_t n = l->nheap; n && l->nheap && !l->stop; n--) {
		uint32_t slot = l->heap[0];
		struct timer t = l->timers[slot];

		if (t.due_ms > now)
			break;
		timer_remove(l, slot);
		t.fire(t.ctx);
	}
}

static void flush_peers(struct peer_loop *l)
{
	while (l->flush) {
		struct peer *p = l->flush;

		l->flush = p->next_flush;
		p->in_flush = false;
		if (!p->src.dead)
			peer_flush(p);
	}
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void run_handshakes(struct peer_loop *l)
{
	int64_t end = l->handshake ? now_us() + l->handshake_share_us : 0;

	while (l->handshake) {
		struct peer *p = l->handshake;

		l->handshake = p->next_handshake;
		if (!l->handshake)
			l->handshake_end = &l->handshake;
		p->in_handshake = false;
		peer_handshake_step(p);
		if (now_us() >= end)
			break;
	}
}

static int wait_ms(const struct peer_loop *l, int64_t end_ms)
{
	int64_t until = end_ms, left;

	if (l->grave || l->flush || l->handshake || l->stop)
		return 0;
	if (l->nheap && (until < 0 || l->timers[l->heap[0]].due_ms < until))
		until = l->timers[l->heap[0]].due_ms;
	if (until < 0)
		return -1;
	left = until - peer_now_ms();
	return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

static void dispatch(struct peer_loop *l, int wait)
{
	struct epoll_event ev[64];
	int n = epoll_wait(l->ep, ev, 64, wait);

	for (int i = 0; i < n; i++) {
		struct peer_source *s = ev[i].data.ptr;
		uint64_t drop;
		ssize_t r;

		if (!s) {
			r = read(l->wake, &drop, sizeof(drop));
			(void)r;
		} else if (!s->dead) {
			s->ready(s, ev[i].events);
		}
	}
}

bool peer_loop_run(struct peer_loop *l, int timeout_ms)
{
	int64_t end = timeout_ms < 0 ? -1 : peer_now_ms() + timeout_ms;
	bool last = false;

	for (;;) {
		fire_timers(l);
		flush_peers(l);        /* those that are open, before others cost time */
		run_handshakes(l);
		bury(l);
		flush_peers(l);
		if (l->stop) {
			l->stop = 0;
			return true;
		}
		if (last)
			return false;
		dispatch(l, wait_ms(l, end));
		last = end >= 0 && peer_now_ms() >= end;
	}
}

bool peer_loop_add(struct peer_loop *l, int fd, uint32_t events, struct peer_source *s)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	return epoll_ctl(l->ep, EPOLL_CTL_ADD, fd, &ev) == 0;
}

bool peer_loop_change(struct peer_loop *l, int fd, uint32_t events, struct peer_source *s)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	return epoll_ctl(l->ep, EPOLL_CTL_MOD, fd, &ev) == 0;
}

void peer_loop_close(struct peer_loop *l, int fd)
{
	epoll_ctl(l->ep, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
}

void peer_loop_kill(struct peer_loop *l, struct peer_source *s)
{
	if (s->dead)
		return;
	s->dead = true;
	s->next_grave = l->grave;
	l->grave = s;
}

void peer_loop_enlist(struct peer_loop *l, struct peer *p)
{
	p->prev = NULL;
	p->next = l->peers;
	if (l->peers)
		l->peers->prev = p;
	l->peers = p;
}

void peer_loop_delist(struct peer_loop *l, struct peer *p)
{
	if (p->prev)
		p->prev->next = p->next;
	else
		l->peers = p->next;
	if (p->next)
		p->next->prev = p->prev;
	for (struct peer **at = &l->handshake; p->in_handshake && *at; at = &(*at)->next_handshake)
		if (*at == p) {
			*at = p->next_handshake;
			if (!*at)
				l->handshake_end = at;
			p->in_handshake = false;
			break;
		}
	for (struct peer **at = &l->flush; p->in_flush && *at; at = &(*at)->next_flush)
		if (*at == p) {
			*at = p->next_flush;
			p->in_flush = false;
			break;
		}
}

void peer_loop_flush_later(struct peer_loop *l, struct peer *p)
{
	if (p->in_flush)
		return;
	p->in_flush = true;
	p->next_flush = l->flush;
	l->flush = p;
}

void peer_loop_handshake_later(struct peer_loop *l, struct peer *p)
{
	if (p->in_handshake)
		return;
	p->in_handshake = true;
	p->next_handshake = NULL;
	*l->handshake_end = p;
	l->handshake_end = &p->next_handshake;
}

void peer_loop_handshake_share(struct peer_loop *l, uint32_t microseconds)
{
	l->handshake_share_us = microseconds;
}

bool peer_loop_shares(const struct peer_loop *l)
{
	return l->handshake_share_us != 0;
}

uint8_t *peer_loop_scratch(struct peer_loop *l, size_t *size)
{
	*size = SCRATCH;
	return l->scratch;
}

struct peer_listener **peer_loop_listeners(struct peer_loop *l)
{
	return &l->listeners;
}

void peer_loop_session(struct peer_loop *l, uint32_t *high, uint32_t *low)
{
	*high = l->session_high;
	*low = l->session_low++;
	if (!l->session_low)
		l->session_high++;
}

/* Descriptors of the owner. */

static void watch_ready(struct peer_source *s, uint32_t events)
{
	struct watch *w = (struct watch *)s;

	w->ready(w->fd, w->ctx);
}

static void watch_always(void *ctx)
{
	struct watch *w = ctx;

	w->always = peer_timer(w->loop, 0, watch_always, w);
	w->ready(w->fd, w->ctx);
}

bool peer_watch_fd(struct peer_loop *l, int fd, void (*ready)(int fd, void *ctx), void *ctx)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return false;
	*w = (struct watch){ .src = { .ready = watch_ready, .bury = watch_bury, .loose = true }, .loop = l, .fd = fd, .ready = ready,
	                     .ctx = ctx };
	if (!peer_loop_add(l, fd, EPOLLIN, &w->src)) {
		if (errno == EPERM)
			w->always = peer_timer(l, 0, watch_always, w);
		if (!w->always) {
			free(w);
			return false;
		}
	}
	w->next = l->watches;
	l->watches = w;
	return true;
}

void peer_unwatch_fd(struct peer_loop *l, int fd)
{
	for (struct watch **at = &l->watches; *at; at = &(*at)->next) {
		struct watch *w = *at;

		if (w->fd != fd)
			continue;
		*at = w->next;
		peer_timer_cancel(l, w->always);
		epoll_ctl(l->ep, EPOLL_CTL_DEL, fd, NULL);
		peer_loop_kill(l, &w->src);
		return;
	}
}
