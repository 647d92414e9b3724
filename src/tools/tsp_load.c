/* tsp_load.c - the load generator: connections, requests and their answers.
 *
 * One thread.  What comes next is decided in step(), which runs once in a round after something has happened. */
#include "config.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "bytes.h"
#include "tsp_load.h"

#define TICK_MS 50u
#define NO_STATE_MAINTAINED 1u
#define NOBODY UINT32_MAX
#define WAITING_MAX (1u << 20)     /* a Hop-by-Hop id: place and generation of a request */

/* One SCS. */
struct conn {
	struct load *load;
	struct peer *peer;                 /* NULL: none now */
	uint32_t number;
	bool open, settled;                /* settled: open, or will not be */
	bool served;                       /* after a reconnection: has its answer */
	uint32_t waiting;                  /* requests without an answer */
	uint64_t began_ns;
	uint8_t *msg;                      /* its DAR; NULL: not yet encoded */
	size_t n, at_session, at_device, at_reference;
};

/* One request that waits for its answer. */
struct slot {
	uint64_t from_ns;                  /* when it was sent, or should have been */
	uint32_t conn, e2e, older, newer;  /* newer: also of the free ones, the next */
	uint16_t generation;
	bool live;
};

enum phase { CONNECT, LOAD, HOLD, DROP, BACK, HANDSHAKES, LEAVE, DONE };

struct load {
	struct load_opts o;
	struct load_stats s;
	struct peer_loop *loop;
	enum phase phase;
	struct conn *conns;
	uint32_t nopen, nsettled, ngone, under_way, next;   /* next: connection to be begun, or to send */
	uint64_t stride;                   /* from one device to the next */
	bool stepping;                     /* a step() is due */
	bool reconnected, held, loaded, interrupted;
	struct slot *slots;
	uint32_t nslots, cap, free, oldest, newest, nlive;
	uint64_t issued, start_ns, end_ns, last_ns, phase_ns, interval_ns, first_ns, report_ns;   /* end 0: none; report: the first */
	uint32_t session;                  /* of Session-Id and Reference-Number */
	int pace_fd;
	bool progress;
	FILE *samples;                     /* NULL: none */
	int64_t wall_ns;                   /* Unix time less our clock */
};

static struct peer_loop *interrupt_loop;
static volatile sig_atomic_t interrupted;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double seconds_since(uint64_t from_ns)
{
	return (double)(now_ns() - from_ns) / 1e9;
}

static void step(void *ctx);

static void step_soon(struct load *l)
{
	if (l->stepping)
		return;
	l->stepping = true;
	peer_timer(l->loop, 0, step, l);
}

/* Requests that wait. */

static uint32_t slot_take(struct load *l)
{
	uint32_t i = l->free;

	if (i != NOBODY) {
		l->free = l->slots[i].newer;
		return i;
	}
	if (l->nslots == l->cap) {
		uint32_t cap = l->cap ? 2 * l->cap : 1024;
		struct slot *grown = cap <= WAITING_MAX ? realloc(l->slots, cap * sizeof(*grown)) : NULL;

		if (!grown)
			return NOBODY;
		l->slots = grown;
		l->cap = cap;
	}
	l->slots[l->nslots] = (struct slot){ 0 };
	return l->nslots++;
}

static void slot_give(struct load *l, uint32_t i)
{
	struct slot *s = &l->slots[i];

	*(s->older == NOBODY ? &l->oldest : &l->slots[s->older].newer) = s->newer;
	*(s->newer == NOBODY ? &l->newest : &l->slots[s->newer].older) = s->older;
	s->live = false;
	s->generation = (s->generation + 1) & 0xfff;
	s->newer = l->free;
	l->free = i;
	l->nlive--;
	l->conns[s->conn].waiting--;
}

static void slot_enlist(struct load *l, uint32_t i)
{
	struct slot *s = &l->slots[i];

	s->live = true;
	s->older = l->newest;
	s->newer = NOBODY;
	*(l->newest == NOBODY ? &l->oldest : &l->slots[l->newest].newer) = i;
	l->newest = i;
	l->nlive++;
	l->conns[s->conn].waiting++;
}

/* The DAR: encoded once for each SCS, patched for each request. */

static size_t where(const struct conn *c, const struct dia_avp *a)
{
	return (size_t)(a->data - c->msg);
}

static bool origin(const struct load *l, uint32_t number, char host[256], char realm[256])
{
	const char *dot;

	if (!load_expand(l->o.origin_host, number, host, 256))
		return false;
	if (l->o.origin_realm)
		return load_expand(l->o.origin_realm, number, realm, 256);
	dot = strchr(host, '.');
	snprintf(realm, 256, "%s", dot ? dot + 1 : "");
	return *realm;
}

static bool encode(struct conn *c)
{
	const struct load_opts *o = &c->load->o;
	const char *theirs = peer_remote_realm(c->peer);
	struct dia_writer w = { 0 };
	struct dia_avp a, action;
	char host[256], realm[256], session[300], device[512];
	uint8_t *payload = malloc(o->payload);

	if (!payload || !origin(c->load, c->number, host, realm) || !load_expand(o->ext_id, o->device_first, device, sizeof(device))) {
		free(payload);
		return false;
	}
	for (uint32_t i = 0; i < o->payload; i++)
		payload[i] = (uint8_t)('a' + i % 26);
	snprintf(session, sizeof(session), "%s;%010u;%010u", host, 0u, 0u);
	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, CMD_DA, APP_TSP, 0, 0);
	dia_put_text(&w, DIA_Session_Id, session);
	dia_put_u32(&w, DIA_Auth_Application_Id, APP_TSP);
	dia_put_u32(&w, DIA_Auth_Session_State, NO_STATE_MAINTAINED);
	dia_put_text(&w, DIA_Origin_Host, host);
	dia_put_text(&w, DIA_Origin_Realm, realm);
	dia_put_text(&w, DIA_Destination_Realm, o->dest_realm ? o->dest_realm : *theirs ? theirs : realm);
	dia_open(&w, DIA_Device_Action);
	dia_put_text(&w, DIA_External_Identifier, device);
	dia_put_u32(&w, DIA_Reference_Number, 0);
	dia_put_u32(&w, DIA_Action_Type, 1);
	dia_open(&w, DIA_Trigger_Data);
	dia_put_octets(&w, DIA_Payload, payload, o->payload);
	dia_close(&w);
	dia_close(&w);
	free(payload);
	if (!dia_end(&w)) {
		dia_writer_free(&w);
		return false;
	}
	c->msg = w.p;
	c->n = w.n;
	dia_msg_find(c->msg, c->n, DIA_Session_Id, &a);
	c->at_session = where(c, &a) + a.len - 21;
	dia_msg_find(c->msg, c->n, DIA_Device_Action, &action);
	dia_group_find(&action, DIA_External_Identifier, &a);
	c->at_device = where(c, &a);
	dia_group_find(&action, DIA_Reference_Number, &a);
	c->at_reference = where(c, &a);
	return true;
}

static void patch(struct load *l, struct conn *c, uint32_t hbh, uint32_t e2e)
{
	const struct load_opts *o = &l->o;
	char session[32], device[512];
	uint32_t devices = o->device_last - o->device_first + 1, n = l->session++;

	dia_set32(c->msg + 12, hbh);
	dia_set32(c->msg + 16, e2e);
	snprintf(session, sizeof(session), "%010u;%010u", (uint32_t)(l->first_ns / 1000000000u), n);
	memcpy(c->msg + c->at_session, session, 21);
	dia_set32(c->msg + c->at_reference, n);
	if (devices > 1 && load_expand(o->ext_id, o->device_first + (uint32_t)(l->issued * l->stride % devices), device, sizeof(device)))
		memcpy(c->msg + c->at_device, device, strlen(device));
}

static void send_one(struct load *l, struct conn *c, uint64_t from_ns)
{
	uint32_t i = NOBODY, e2e;

	if ((c->msg || encode(c)) && (i = slot_take(l)) != NOBODY) {
		struct slot *s = &l->slots[i];

		e2e = peer_next_e2e(c->peer);
		patch(l, c, i | (uint32_t)s->generation << 20, e2e);
		s->conn = (uint32_t)(c - l->conns);
		s->e2e = e2e;
		s->from_ns = from_ns;
		slot_enlist(l, i);
		if (peer_send(c->peer, c->msg, c->n))
			l->s.sent++;
		else {
			slot_give(l, i);
			l->s.unsent++;
		}
	} else {
		l->s.unsent++;
	}
	l->issued++;
}

/* Sending: closed loop and open loop. */

static bool all_issued(const struct load *l, uint64_t now)
{
	return l->interrupted || (l->o.count && l->issued >= l->o.count) || (l->end_ns && now >= l->end_ns) || !l->nopen;
}

static void send_closed(struct load *l, struct conn *c)
{
	uint64_t unsent = l->s.unsent;

	while (l->phase == LOAD && c->open && c->waiting < l->o.outstanding && l->s.unsent == unsent) {
		uint64_t now = now_ns();

		if (all_issued(l, now)) {
			step_soon(l);
			return;
		}
		send_one(l, c, now);
	}
}

static struct conn *next_open(struct load *l)
{
	for (uint32_t tries = 0; tries < l->o.connections; tries++) {
		struct conn *c = &l->conns[l->next];

		l->next = (l->next + 1) % l->o.connections;
		if (c->open)
			return c;
	}
	return NULL;
}

static void pace_ready(int fd, void *ctx)
{
	struct load *l = ctx;
	uint64_t expired, now = now_ns(), due;
	struct itimerspec at = { 0 };
	struct conn *c;

	if (read(fd, &expired, sizeof(expired)) < 0 && errno != EAGAIN)
		return;
	if (l->phase != LOAD)
		return;
	due = load_due_count((l->end_ns && now > l->end_ns ? l->end_ns : now) - l->start_ns, l->o.rate);
	if (l->o.count && due > l->o.count)
		due = l->o.count;
	while (l->issued < due && (c = next_open(l)))
		send_one(l, c, l->start_ns + load_due_ns(l->issued, l->o.rate));
	if (all_issued(l, now)) {
		step_soon(l);
		return;
	}
	due = l->start_ns + load_due_ns(l->issued, l->o.rate);
	at.it_value.tv_sec = (time_t)(due / 1000000000u);
	at.it_value.tv_nsec = (long)(due % 1000000000u);
	timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static bool begin_load(struct load *l)
{
	l->phase = LOAD;
	l->start_ns = l->last_ns = now_ns();
	l->end_ns = l->o.duration_ms ? l->start_ns + l->o.duration_ms * (uint64_t)1000000 : 0;
	l->issued = 0;
	l->next = 0;
	if (!(l->o.rate > 0)) {
		for (uint32_t i = 0; i < l->o.connections; i++)
			send_closed(l, &l->conns[i]);
		return true;
	}
	l->pace_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->pace_fd < 0 || !peer_watch_fd(l->loop, l->pace_fd, pace_ready, l)) {
		fprintf(stderr, "tsp-load: %s\n", strerror(errno));
		return false;
	}
	pace_ready(l->pace_fd, l);
	return true;
}

/* What comes. */

static void got_answer(struct load *l, struct conn *c, const struct dia_hdr *h, const uint8_t *msg, size_t n)
{
	uint32_t i = h->hbh & (WAITING_MAX - 1);
	struct slot *s = i < l->nslots ? &l->slots[i] : NULL;
	uint64_t us;

	if (!s || !s->live || s->generation != h->hbh >> 20 || s->e2e != h->e2e || &l->conns[s->conn] != c) {
		l->s.strange++;
		return;
	}
	l->last_ns = now_ns();
	us = (l->last_ns - s->from_ns) / 1000;
	slot_give(l, i);
	l->s.answered++;
	load_count_answer(&l->s, msg, n);
	if (l->phase == LOAD) {
		load_hist_add(&l->s.latency, us);
		load_hist_add(&l->s.interval, us);
		if (l->samples)
			fprintf(l->samples, "%lld %llu\n", (long long)(l->wall_ns + (int64_t)s->from_ns) / 1000000, (unsigned long long)us);
		if (!(l->o.rate > 0))
			send_closed(l, c);
		else if (!l->nlive)
			step_soon(l);
	} else if (l->phase == BACK) {
		c->served = true;
		step_soon(l);
	}
}

static void answer(struct load *l, struct conn *c, const uint8_t *msg, size_t n, const struct dia_hdr *h)
{
	struct dia_writer w = { 0 };
	char host[256], realm[256];

	if (!origin(l, c->number, host, realm))
		return;
	dia_begin_answer(&w, msg, n, h->code == CMD_DN ? 0 : DIA_F_ERROR);
	if (h->code == CMD_DN) {
		dia_put_u32(&w, DIA_Auth_Application_Id, APP_TSP);
		dia_put_u32(&w, DIA_Auth_Session_State, NO_STATE_MAINTAINED);
	}
	dia_put_text(&w, DIA_Origin_Host, host);
	dia_put_text(&w, DIA_Origin_Realm, realm);
	dia_put_u32(&w, DIA_Result_Code, h->code == CMD_DN ? 2001 : 3001);
	if (dia_end(&w) && peer_send(c->peer, w.p, w.n) && h->code == CMD_DN) {
		if (!l->s.reports++)
			l->report_ns = now_ns();
		l->s.reports_s = seconds_since(l->report_ns);
	}
	dia_writer_free(&w);
}

static void on_message(struct peer *p, const uint8_t *msg, size_t n, void *ctx)
{
	struct conn *c = peer_user(p);
	struct dia_hdr h;

	dia_hdr_read(msg, n, &h);
	if (h.flags & DIA_F_REQUEST)
		answer(c->load, c, msg, n, &h);
	else
		got_answer(c->load, c, &h, msg, n);
}

/* Connections. */

static void settle(struct load *l, struct conn *c)
{
	if (c->settled)
		return;
	c->settled = true;
	l->nsettled++;
	l->under_way--;
}

static void lose_requests(struct load *l, struct conn *c)
{
	uint32_t next;

	for (uint32_t i = l->oldest; i != NOBODY && c->waiting; i = next) {
		next = l->slots[i].newer;
		if (&l->conns[l->slots[i].conn] == c) {
			slot_give(l, i);
			l->s.lost++;
		}
	}
}

static void on_closed(struct load *l, struct conn *c, const char *why)
{
	bool meant = l->phase == LEAVE || l->phase == DONE || l->phase == DROP || (l->phase == HANDSHAKES && c->open);

	if (!meant && c->open) {
		l->s.dropped++;
		load_count_why(&l->s, why);
	} else if (!meant) {
		l->s.failed++;
		load_count_why(&l->s, why);
	}
	lose_requests(l, c);
	l->nopen -= c->open;
	c->open = false;
	c->peer = NULL;
	l->ngone++;
	settle(l, c);
	step_soon(l);
}

static void on_open(struct load *l, struct conn *c)
{
	uint64_t now = now_ns();

	c->open = true;
	l->nopen++;
	l->s.opened += l->phase != BACK;
	settle(l, c);
	load_hist_add(&l->s.connect, (now - c->began_ns) / 1000);
	if (l->phase == HANDSHAKES) {
		l->last_ns = now;
		peer_abort(c->peer);
	} else if (l->phase == BACK) {
		send_one(l, c, now);
	} else if (l->phase == LEAVE) {
		peer_disconnect(c->peer);
	}
	step_soon(l);
}

static void on_event(struct peer *p, enum peer_event event, const char *why, void *ctx)
{
	struct conn *c = peer_user(p) ? peer_user(p) : ctx;

	if (event == PEER_OPEN)
		on_open(c->load, c);
	else
		on_closed(c->load, c, why);
}

static void connect_one(struct load *l, struct conn *c)
{
	static const uint32_t apps[] = { APP_TSP };
	const struct load_opts *o = &l->o;
	char host[256] = "", realm[256] = "", cert[512] = "", key[512] = "", err[300] = "a name is too long";
	struct peer_conf conf = {
		.origin_host = host, .origin_realm = realm, .product = "tsp-load", .apps = apps, .napps = 1,
		.tls = { o->cert ? cert : NULL, o->key ? key : NULL, o->tcp ? NULL : o->ca ? o->ca : "", o->priority, NULL, NULL },
		.expect_host = o->expect, .no_verify = o->insecure, .watchdog_s = o->watchdog_s,
		.connect_timeout_ms = o->connect_timeout_ms,
	};
	const struct peer_ops ops = { .event = on_event, .message = on_message, .ctx = c };

	l->under_way++;
	c->settled = false;
	c->began_ns = now_ns();
	if (origin(l, c->number, host, realm) && (!o->cert || (load_expand(o->cert, c->number, cert, sizeof(cert)) &&
	                                                        load_expand(o->key, c->number, key, sizeof(key)))))
		c->peer = peer_connect(l->loop, &conf, o->host, o->port, &ops, err, sizeof(err));
	if (c->peer) {
		peer_set_user(c->peer, c);
		return;
	}
	l->s.failed++;
	l->ngone++;
	load_count_why(&l->s, err);
	settle(l, c);
}

static void connect_more(struct load *l)
{
	while (!l->interrupted && l->next < l->o.connections && l->under_way < l->o.parallel)
		connect_one(l, &l->conns[l->next++]);
}

static void begin_connecting(struct load *l, enum phase phase)
{
	l->phase = phase;
	l->phase_ns = now_ns();
	l->next = l->nsettled = l->ngone = 0;
	connect_more(l);
}

/* As many at a time as there are connections; each begins anew when it has ended. */
static void more_handshakes(struct load *l)
{
	uint64_t now = now_ns();
	bool busy = false;

	for (uint32_t i = 0; i < l->o.connections; i++) {
		struct conn *c = &l->conns[i];

		if (!c->peer && !l->interrupted && (!l->end_ns || now < l->end_ns) && (!l->o.count || l->issued < l->o.count)) {
			l->issued++;
			connect_one(l, c);
		}
		busy |= c->peer != NULL;
	}
	if (!busy) {
		l->s.handshake_s = (double)(l->last_ns - l->start_ns) / 1e9;
		l->phase = DONE;
		peer_loop_stop(l->loop);
	}
}

static void leave(struct load *l)
{
	l->phase = LEAVE;
	for (uint32_t i = 0; i < l->o.connections; i++)
		if (l->conns[i].peer)
			peer_disconnect(l->conns[i].peer);
}

static bool none_left(const struct load *l)
{
	for (uint32_t i = 0; i < l->o.connections; i++)
		if (l->conns[i].peer)
			return false;
	return true;
}

/* The next thing to do: reconnect, load, hold, leave. */
static void go_on(struct load *l)
{
	if (l->interrupted || !l->nopen) {
		leave(l);
	} else if (l->o.reconnect && !l->reconnected) {
		l->reconnected = true;
		l->phase = DROP;
		for (uint32_t i = 0; i < l->o.connections; i++)
			if (l->conns[i].peer)
				peer_abort(l->conns[i].peer);
	} else if ((l->o.count || l->o.duration_ms) && !l->loaded) {
		l->loaded = true;
		if (!begin_load(l))
			leave(l);
	} else if (l->o.hold_ms && !l->held) {
		l->held = true;
		l->phase = HOLD;
		l->phase_ns = now_ns();
		if (l->o.json && !l->o.quiet) {
			struct json j;

			json_begin(&j, stdout, "holding");
			json_number(&j, "open", l->nopen);
			json_end(&j);
		} else if (!l->o.quiet) {
			printf("holding %u connections\n", l->nopen);
			fflush(stdout);
		}
	} else {
		leave(l);
	}
}

static bool all_served(const struct load *l)
{
	for (uint32_t i = 0; i < l->o.connections; i++)
		if (l->conns[i].open && !l->conns[i].served)
			return false;
	return true;
}

static void step(void *ctx)
{
	struct load *l = ctx;

	l->stepping = false;
	switch (l->phase) {
	case CONNECT:
		connect_more(l);
		if (l->nsettled < l->o.connections && !l->interrupted)
			break;
		l->s.connect_s = seconds_since(l->phase_ns);
		go_on(l);
		break;
	case DROP:
		if (!none_left(l))
			break;
		l->s.back_began_ms = load_unix_ms();
		begin_connecting(l, BACK);
		break;
	case BACK:
		connect_more(l);
		if ((l->nsettled < l->o.connections || !all_served(l)) && !l->interrupted)
			break;
		l->s.back_s = seconds_since(l->phase_ns);
		l->s.back_ended_ms = load_unix_ms();
		go_on(l);
		break;
	case LOAD:
		if (!all_issued(l, now_ns()) || l->nlive)
			break;
		l->s.load_s = (double)(l->last_ns - l->start_ns) / 1e9;
		if (l->pace_fd >= 0)
			peer_unwatch_fd(l->loop, l->pace_fd);
		go_on(l);
		break;
	case HOLD:
		if (l->interrupted || !l->nopen || seconds_since(l->phase_ns) * 1e3 >= l->o.hold_ms)
			go_on(l);
		break;
	case HANDSHAKES:
		more_handshakes(l);
		break;
	case LEAVE:
		if (none_left(l)) {
			l->phase = DONE;
			peer_loop_stop(l->loop);
		}
		break;
	case DONE:
		break;
	}
}

static void tick(void *ctx)
{
	struct load *l = ctx;
	uint64_t now = now_ns(), patience = l->o.timeout_ms * (uint64_t)1000000;

	while (l->oldest != NOBODY && now - l->slots[l->oldest].from_ns > patience && now > l->slots[l->oldest].from_ns) {
		struct conn *c = &l->conns[l->slots[l->oldest].conn];

		slot_give(l, l->oldest);
		l->s.unanswered++;
		c->served = true;
		if (!(l->o.rate > 0))
			send_closed(l, c);
	}
	if (l->o.interval_ms && l->phase == LOAD && now - l->interval_ns >= l->o.interval_ms * (uint64_t)1000000) {
		if (l->interval_ns)
			load_print_interval(&l->o, &l->s, (double)(now - l->interval_ns) / 1e9);
		l->interval_ns = now;
	}
	if (l->progress)
		load_print_progress(&l->s, l->nopen, (double)(now - l->first_ns) / 1e9);
	step(l);
	peer_timer(l->loop, l->o.interval_ms && l->o.interval_ms < TICK_MS ? l->o.interval_ms : TICK_MS, tick, l);
}

static void on_signal(int sig)
{
	interrupted = 1;
	peer_loop_stop(interrupt_loop);
}

/* Each connection is a descriptor. */
static void raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static bool prepare(struct load *l)
{
	const struct sigaction act = { .sa_handler = on_signal };

	raise_files();
	l->stride = l->o.scatter ? load_stride(l->o.device_last - l->o.device_first + 1) : 1;
	l->free = l->oldest = l->newest = NOBODY;
	l->pace_fd = -1;
	l->progress = isatty(STDERR_FILENO) && !l->o.json && !l->o.quiet;
	l->first_ns = now_ns();
	l->wall_ns = load_unix_ms() * 1000000 - (int64_t)l->first_ns;
	if (l->o.samples && !(l->samples = fopen(l->o.samples, "w"))) {
		fprintf(stderr, "tsp-load: %s: %s\n", l->o.samples, strerror(errno));
		return false;
	}
	if (getrandom(&l->session, sizeof(l->session), 0) != sizeof(l->session))
		l->session = (uint32_t)l->first_ns;
	if (l->o.handshakes)
		l->o.connections = l->o.parallel;
	l->loop = interrupt_loop = peer_loop_new();
	l->conns = calloc(l->o.connections, sizeof(*l->conns));
	if (!l->loop || !l->conns) {
		fprintf(stderr, "tsp-load: out of memory\n");
		return false;
	}
	for (uint32_t i = 0; i < l->o.connections; i++) {
		l->conns[i].load = l;
		l->conns[i].number = l->o.first + i;
	}
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	return true;
}

static int run(struct load *l)
{
	const struct load_stats *s = &l->s;

	if (l->o.handshakes) {
		l->phase = HANDSHAKES;
		l->start_ns = l->last_ns = now_ns();
		l->end_ns = l->o.duration_ms ? l->start_ns + l->o.duration_ms * (uint64_t)1000000 : 0;
		more_handshakes(l);
	} else {
		begin_connecting(l, CONNECT);
	}
	tick(l);
	while (l->phase != DONE) {
		peer_loop_run(l->loop, -1);
		if (interrupted && !l->interrupted) {
			l->interrupted = true;
			step_soon(l);
		}
	}
	if (l->progress)
		fputs("\r\033[K", stderr);
	load_print_summary(&l->o, s);
	if (s->failed || s->dropped)
		return LOAD_UNCONNECTED;
	return s->unanswered || s->lost || s->unsent || s->strange ? LOAD_UNANSWERED : LOAD_OK;
}

int main(int argc, char **argv)
{
	static struct load l;
	char err[300];
	int status = LOAD_UNCONNECTED;

	switch (load_parse(argc, argv, &l.o, err, sizeof(err))) {
	case LOAD_HELP:
		load_help(stdout);
		return 0;
	case LOAD_VERSION:
		puts("tsp-load (mtc-iwf) " VERSION);
		return 0;
	case LOAD_WRONG:
		fprintf(stderr, "tsp-load: %s\n", err);
		return LOAD_USAGE;
	case LOAD_PARSED:
		break;
	}
	if (prepare(&l))
		status = run(&l);
	if (l.samples && fclose(l.samples) != 0) {
		fprintf(stderr, "tsp-load: %s: %s\n", l.o.samples, strerror(errno));
		status = LOAD_USAGE;
	}
	if (l.loop)
		peer_loop_free(l.loop);
	if (l.pace_fd > 0)
		close(l.pace_fd);
	for (uint32_t i = 0; l.conns && i < l.o.connections; i++)
		free(l.conns[i].msg);
	free(l.conns);
	free(l.slots);
	return status;
}
