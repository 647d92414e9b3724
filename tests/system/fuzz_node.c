/* fuzz_node.c - a structure-aware fuzzer against a live node, in four roles, each a process of its own:
 *
 *   fuzz_node scs PORT PKI COUNT    an SCS over TLS that sends COUNT messages, most of them mutated
 *   fuzz_node heart PORT PKI        another SCS, which asks for what is its right until SIGTERM and has to be served throughout
 *   fuzz_node hss PORT FILE         the HSS and the SMS-SC, evil (fuzz_inside.c), until SIGTERM; FILE counts
 *   fuzz_node smssc PORT FILE
 *
 * FUZZ_START: the number that all of it follows from.  t_fuzz.sh makes the lab that it needs. */
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/signalfd.h>
#include "fuzz_node.h"

#define WINDOW 48u                /* requests that wait for their answers at a time */
#define TICK_MS 500u
#define SILENCE_MS 10000          /* without any answer: those that wait are not going to be answered */
#define BACK_MS 60000             /* for the node to let us in again */
#define RING 4096u                /* messages that are kept, to be sent again and to be shown */
#define ANSWERS (1u << 20)        /* identifiers that are kept account of */

#define BEAT_MS 100u              /* between two heartbeats, at least */
#define BEAT_LATEST_MS 20000
#define RECALLFAIL 111u

static unsigned faults;

__attribute__((format(printf, 1, 2)))
static void fault(const char *fmt, ...)
{
	va_list ap;

	if (++faults > 20)
		return;
	printf("fault: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static void on_signal(int fd, void *ctx)
{
	peer_loop_stop(ctx);
}

void end_with(struct peer_loop *l)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	peer_watch_fd(l, signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), on_signal, l);
}

/* ---- a connection as an SCS */

static struct peer *connect_as(struct peer_loop *l, const struct node *node, const char *host, const char *realm,
                               const struct peer_ops *ops)
{
	static const uint32_t apps[] = { TSP_APP };
	char cert[512], key[512], ca[512], err[256];
	const struct peer_conf conf = { .origin_host = host, .origin_realm = realm, .product = "fuzz_node", .apps = apps, .napps = 1,
	                                .tls = { .cert = cert, .key = key, .ca = ca }, .expect_host = NODE };
	struct peer *p;

	snprintf(cert, sizeof(cert), "%s/%s.crt", node->pki, host);
	snprintf(key, sizeof(key), "%s/%s.key", node->pki, host);
	snprintf(ca, sizeof(ca), "%s/ca.crt", node->pki);
	p = peer_connect(l, &conf, "127.0.0.1", node->port, ops, err, sizeof(err));
	if (!p) {
		fprintf(stderr, "cannot connect: %s\n", err);
		exit(1);
	}
	return p;
}

/* Neither as text nor as TBCD. */
static void check_leak(const uint8_t *msg, size_t n)
{
	static const uint8_t tbcd[] = { 0x62, 0x02, 0x91, 0x78, 0x56, 0x34, 0x12, 0xf0 };

	for (size_t i = 0; i + 7 <= n; i++)
		if (!memcmp(msg + i, tbcd, 7) || (i + 15 <= n && !memcmp(msg + i, SECRET_IMSI, 15)))
			fault("the IMSI that the HSS has told is in a message of command %u", msg[5] << 16 | msg[6] << 8 | msg[7]);
}

static uint32_t number_in(const struct dia_avp *group, enum dia_id id, uint32_t otherwise)
{
	struct dia_avp a;
	uint32_t v;

	return dia_group_find(group, id, &a) && dia_avp_u32(&a, &v) ? v : otherwise;
}

/* ---- the attacker */

enum state { UNSENT, SENT, ANSWERED, GIVEN_UP };

static struct {
	const struct node *node;
	struct peer_loop *loop;
	struct peer *peer;
	struct make make;
	unsigned long count, sent, answered, silent, closed;
	uint32_t first_hbh, opened_hbh, in_flight;    /* opened_hbh: the last one before the connection was open */
	uint8_t state[ANSWERS];            /* enum state, by identifier */
	struct { uint8_t *p; size_t n; } ring[RING];
	unsigned long kept;                /* in it, and before */
	int64_t moved_ms, lost_ms;
	struct dia_writer good, bad;
} at;

static uint8_t *state_of(uint32_t hbh)
{
	return &at.state[(hbh - at.first_hbh) % ANSWERS];
}

static void remember(const uint8_t *msg, size_t n)
{
	const unsigned i = at.kept % RING;
	uint8_t *p = realloc(at.ring[i].p, n);

	if (!p)
		return;
	at.kept++;
	memcpy(p, msg, n);
	at.ring[i].p = p;
	at.ring[i].n = n;
}

/* For whoever has to find out which one it was. */
static void dump_ring(void)
{
	for (unsigned long i = at.kept > RING ? at.kept - RING : 0; i < at.kept; i++) {
		printf("-- message %lu\n", i);
		dia_print(stdout, at.ring[i % RING].p, at.ring[i % RING].n, "");
	}
}

static void device(char *out, size_t size)
{
	const uint32_t what = fuzz_random(&at.make.random, 8);

	if (what < 4)
		snprintf(out, size, "n%u@far.example.com", fuzz_random(&at.make.random, 100000));   /* the HSS knows it */
	else if (what < 7)
		snprintf(out, size, "meter1@iot.example.com");
	else
		snprintf(out, size, "nobody%u@iot.example.com", fuzz_random(&at.make.random, 10));
}

static void make_next(const struct dia_writer **out)
{
	static const uint32_t actions[] = { 1, 1, 1, 3, 4 };
	const uint32_t what = fuzz_random(&at.make.random, 100);
	const uint8_t *p;
	size_t n;
	char name[64];

	*out = &at.bad;
	device(name, sizeof(name));
	make_dar(&at.good, &at.make, ATTACKER, ATTACKER_REALM, name, actions[fuzz_random(&at.make.random, 5)], at.make.hbh);
	if (what < 70) {
		make_mutation(&at.make, at.good.p, at.good.n, &at.bad);
	} else if (what < 85) {
		*out = &at.good;
	} else if (what < 92) {                     /* of any command, requests and answers that nobody has asked for */
		make_any(&at.good, &at.make);
		make_ids(at.good.p, at.make.hbh, at.make.e2e);
		make_mutation(&at.make, at.good.p, at.good.n, &at.bad);
	} else {                                    /* one that was there before */
		const unsigned i = fuzz_random(&at.make.random, RING);

		p = at.ring[i].p ? at.ring[i].p : at.good.p;
		n = at.ring[i].p ? at.ring[i].n : at.good.n;
		at.bad.n = 0;
		dia_begin(&at.bad, 0, 0, 0, 0, 0);
		at.bad.n = 0;
		dia_put_bytes(&at.bad, p, n);
		at.bad.p[4] |= DIA_F_RETRANSMIT;
		make_ids(at.bad.p, at.make.hbh, fuzz_random(&at.make.random, 2) ? at.make.e2e : 0);
	}
}

static void send_next(void)
{
	const struct dia_writer *w;
	struct dia_hdr h;

	at.make.hbh++;
	at.make.e2e++;
	make_next(&w);
	if (!dia_hdr_read(w->p, w->n, &h) || !peer_send(at.peer, w->p, w->n))
		return;
	remember(w->p, w->n);
	at.sent++;
	if (!(h.flags & DIA_F_REQUEST))
		return;
	*state_of(h.hbh) = SENT;
	at.in_flight++;
}

static void pump(void)
{
	while (at.peer && peer_is_open(at.peer) && at.in_flight < WINDOW && at.sent < at.count)
		send_next();
}

static void attacker_message(struct peer *p, const uint8_t *msg, size_t n, void *ctx)
{
	struct dia_hdr h;
	uint8_t *state;

	dia_hdr_read(msg, n, &h);
	check_leak(msg, n);
	at.moved_ms = peer_now_ms();
	if (h.flags & DIA_F_REQUEST) {
		make_dna(&at.good, msg, n, ATTACKER, ATTACKER_REALM);
		if (fuzz_random(&at.make.random, 2)) {
			make_mutation(&at.make, at.good.p, at.good.n, &at.bad);
			peer_send(p, at.bad.p, at.bad.n);
		} else {
			peer_send(p, at.good.p, at.good.n);
		}
		at.sent++;
		return;
	}
	state = state_of(h.hbh);
	if (*state == ANSWERED)
		fault("answered twice: %u, number %u", h.hbh, h.hbh - at.first_hbh);
	else if (*state == UNSENT)
		fault("an answer to nothing: %u", h.hbh);
	if (*state == SENT)
		at.in_flight--;
	*state = ANSWERED;
	at.answered++;
	pump();
}

static void show(uint32_t number)
{
	struct dia_hdr h;

	for (unsigned i = 0; i < RING; i++)
		if (at.ring[i].p && dia_hdr_read(at.ring[i].p, at.ring[i].n, &h) && h.hbh - at.first_hbh == number)
			dia_print(stdout, at.ring[i].p, at.ring[i].n, "");
}

/* What is still there will not be answered; on a connection that stays that must not be, but that freeDiameter may lose
 * answers to what comes right after the connection, if the one before has just broken. */
static void give_up(bool closed)
{
	for (uint32_t i = 0; i < ANSWERS; i++)
		if (at.state[i] == SENT) {
			at.state[i] = GIVEN_UP;
			*(closed ? &at.closed : &at.silent) += 1;
			if (!closed && ((i - (at.opened_hbh - at.first_hbh)) & (ANSWERS - 1)) > 2 * WINDOW) {
				fault("number %u is not answered", i);
				show(i);
			}
		}
	at.in_flight = 0;
}

static void attacker_event(struct peer *p, enum peer_event event, const char *why, void *ctx);
static const struct peer_ops attacker_ops = { .event = attacker_event, .message = attacker_message };

static void reconnect(void *ctx)
{
	at.peer = connect_as(at.loop, at.node, ATTACKER, ATTACKER_REALM, &attacker_ops);
}

static void attacker_event(struct peer *p, enum peer_event event, const char *why, void *ctx)
{
	at.moved_ms = peer_now_ms();
	if (event == PEER_OPEN) {
		at.lost_ms = 0;
		at.opened_hbh = at.make.hbh;
		pump();
		return;
	}
	printf("closed after %lu: %s\n", at.sent, why);
	at.peer = NULL;
	give_up(true);
	if (!at.lost_ms)
		at.lost_ms = at.moved_ms;
	if (at.moved_ms - at.lost_ms > BACK_MS) {
		fault("the node lets nobody in: %s", why);
		dump_ring();
		peer_loop_stop(at.loop);
		return;
	}
	peer_timer(at.loop, 50, reconnect, NULL);
}

static void tick(void *ctx)
{
	const bool open = at.peer && peer_is_open(at.peer);

	if (open && peer_now_ms() - at.moved_ms > SILENCE_MS) {
		give_up(false);
		at.moved_ms = peer_now_ms();
	}
	if (open && at.sent >= at.count && !at.in_flight) {
		peer_loop_stop(at.loop);
		return;
	}
	pump();
	peer_timer(at.loop, TICK_MS, tick, NULL);
}

int play_attacker(const struct node *node, uint64_t seed, unsigned long count)
{
	at.node = node;
	at.count = count;
	at.make.random = fuzz_random_from(seed, 3);
	at.make.broken_one_of = 100;
	at.first_hbh = at.make.hbh = at.make.e2e = fuzz_random(&at.make.random, 0xffffffff);
	at.loop = peer_loop_new();
	if (!at.loop)
		return 1;
	reconnect(NULL);
	tick(NULL);
	peer_loop_run(at.loop, -1);
	peer_loop_free(at.loop);
	printf("sent: %lu\nanswered: %lu\nunanswered: %lu, and %lu when the connection was closed\n", at.sent, at.answered, at.silent, at.closed);
	return faults != 0;
}

/* ---- the heartbeat */

static struct {
	struct peer_loop *loop;
	struct peer *peer;
	struct make make;
	bool over;
	unsigned long sent, answered, delivered, unsure;
	int64_t asked_ms, slowest_ms;      /* asked_ms 0: nothing is open */
	uint32_t asked;
	struct dia_writer w;
} heart;

static void beat(void)
{
	heart.make.hbh++;
	heart.make.e2e++;
	heart.asked = heart.make.hbh;
	heart.asked_ms = peer_now_ms();
	/* By turns what the node decides alone, and what needs an SMS-SC. */
	make_dar(&heart.w, &heart.make, HEART, HEART_REALM, HEART_DEVICE, heart.sent % 2 ? 1 : 3, heart.make.hbh);
	if (!peer_send(heart.peer, heart.w.p, heart.w.n))
		fault("a heartbeat cannot be sent");
	heart.sent++;
}

static void heart_tick(void *ctx)
{
	if (heart.asked_ms && peer_now_ms() - heart.asked_ms > BEAT_LATEST_MS) {
		fault("heartbeat %lu has no answer after %d ms", heart.sent, BEAT_LATEST_MS);
		peer_loop_stop(heart.loop);
		return;
	}
	if (heart.peer && peer_is_open(heart.peer) && !heart.asked_ms)
		beat();
	peer_timer(heart.loop, BEAT_MS, heart_tick, NULL);
}

static void check_beat(const uint8_t *msg, size_t n)
{
	struct dia_avp note = { .len = 0 }, a;
	uint32_t result = 0, status;

	if (dia_msg_find(msg, n, DIA_Result_Code, &a))
		dia_avp_u32(&a, &result);
	dia_msg_find(msg, n, DIA_Device_Notification, &note);
	status = number_in(&note, DIA_Request_Status, 999);
	if (result != 2001 || number_in(&note, DIA_Reference_Number, 0) != heart.asked) {
		fault("heartbeat %lu: Result-Code %u", heart.sent, result);
	} else if (heart.sent % 2) {           /* counted already: this was a recall of nothing */
		if (status != RECALLFAIL)
			fault("heartbeat %lu: Request-Status %u of a recall", heart.sent, status);
	} else if (status == 0) {
		heart.delivered++;
	} else if (status == 201 || status == 106) {
		heart.unsure++;                /* the SMS-SC has just died */
	} else {
		fault("heartbeat %lu: Request-Status %u of a trigger", heart.sent, status);
	}
}

static void heart_message(struct peer *p, const uint8_t *msg, size_t n, void *ctx)
{
	struct dia_hdr h;

	dia_hdr_read(msg, n, &h);
	check_leak(msg, n);
	if (h.flags & DIA_F_REQUEST) {
		make_dna(&heart.w, msg, n, HEART, HEART_REALM);
		peer_send(p, heart.w.p, heart.w.n);
		return;
	}
	if (h.hbh != heart.asked || !heart.asked_ms) {
		fault("a heartbeat is answered twice");
		return;
	}
	check_beat(msg, n);
	if (peer_now_ms() - heart.asked_ms > heart.slowest_ms)
		heart.slowest_ms = peer_now_ms() - heart.asked_ms;
	heart.answered++;
	heart.asked_ms = 0;
}

static void heart_event(struct peer *p, enum peer_event event, const char *why, void *ctx)
{
	if (event == PEER_OPEN) {
		printf("open\n");
		fflush(stdout);
		return;
	}
	heart.peer = NULL;
	fault("the heartbeat's connection is lost: %s", why);
	peer_loop_stop(heart.loop);
}

int play_heart(const struct node *node)
{
	const struct peer_ops ops = { .event = heart_event, .message = heart_message };

	heart.make.random = fuzz_random_from(0, 4);
	heart.make.hbh = heart.make.e2e = 0x10000000;
	heart.loop = peer_loop_new();
	if (!heart.loop)
		return 1;
	heart.peer = connect_as(heart.loop, node, HEART, HEART_REALM, &ops);
	end_with(heart.loop);
	heart_tick(NULL);
	peer_loop_run(heart.loop, -1);
	peer_loop_free(heart.loop);
	dia_writer_free(&heart.w);
	printf("heartbeats: %lu, answered: %lu, delivered: %lu, unsure: %lu, slowest: %lld ms\n", heart.sent, heart.answered, heart.delivered,
	       heart.unsure, (long long)heart.slowest_ms);
	if (!heart.delivered)
		fault("no heartbeat was delivered");
	return faults != 0;
}

int main(int argc, char **argv)
{
	const char *start = getenv("FUZZ_START");
	const uint64_t seed = start ? strtoull(start, NULL, 0) : 1;
	struct node node;

	if (argc >= 4) {
		node = (struct node){ .port = (uint16_t)atoi(argv[2]), .pki = argv[3] };
		if (!strcmp(argv[1], "scs") && argc == 5)
			return play_attacker(&node, seed, strtoul(argv[4], NULL, 0));
		if (!strcmp(argv[1], "heart") && argc == 4)
			return play_heart(&node);
		if (!strcmp(argv[1], "hss") || !strcmp(argv[1], "smssc"))
			return play_inside(node.port, !strcmp(argv[1], "smssc"), argv[3], seed);
	}
	fprintf(stderr, "usage: fuzz_node scs PORT PKI COUNT | heart PORT PKI | hss PORT FILE | smssc PORT FILE\n");
	return 2;
}
