/* fuzz_inside.c - the evil HSS and the evil SMS-SC: what they are asked they answer well, wrongly, twice, late, for others, or not
 * at all, and they say what nobody has asked for.  The triggers of the heartbeat alone are treated as they should be. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "fuzz_node.h"

#define KEPT 64
#define EVERY_MS 5u
#define AT_ONCE 6

static struct {
	struct peer_loop *loop;
	struct make make;
	bool smssc;
	struct { uint8_t *p; size_t n; } kept[KEPT];   /* requests that wait for their answers, or had them */
	unsigned nkept;
	struct peer *peer;                             /* the node's connection that is open */
	uint32_t reference;                            /* of the latest trigger */
	uint64_t *sent;                                /* in a file, for it has to outlive us */
	struct dia_writer good, bad;
} in;

static void send_it(const struct dia_writer *w)
{
	if (in.peer && w->n && peer_send(in.peer, w->p, w->n))
		++*in.sent;
}

static void make_good(const uint8_t *request, size_t n)
{
	if (in.smssc)
		make_dta(&in.good, request, n);
	else
		make_sia(&in.good, request, n);
}

static void send_mutated(void)
{
	make_mutation(&in.make, in.good.p, in.good.n, &in.bad);
	send_it(&in.bad);
}

static void keep(const uint8_t *msg, size_t n)
{
	const unsigned at = in.nkept++ % KEPT;
	uint8_t *p = malloc(n);

	if (!p)
		return;
	memcpy(p, msg, n);
	free(in.kept[at].p);
	in.kept[at].p = p;
	in.kept[at].n = n;
}

static bool is_for_heart(const uint8_t *msg, size_t n)
{
	struct dia_avp user, a;

	return dia_msg_find(msg, n, DIA_User_Identifier, &user) && dia_group_find(&user, DIA_External_Identifier, &a) &&
	       a.len == strlen(HEART_DEVICE) && !memcmp(a.data, HEART_DEVICE, a.len);
}

static void answer(const uint8_t *msg, size_t n)
{
	make_good(msg, n);
	if (in.smssc && is_for_heart(msg, n)) {
		send_it(&in.good);
		return;
	}
	switch (fuzz_random(&in.make.random, 10)) {
	case 0: case 1:
		send_it(&in.good);
		break;
	case 2:                                /* twice */
		send_it(&in.good);
		send_it(&in.good);
		break;
	case 3:                                /* for somebody else */
		make_ids(in.good.p, fuzz_random(&in.make.random, 0xffffffff), fuzz_random(&in.make.random, 0xffffffff));
		send_it(&in.good);
		break;
	case 4:                                /* later, or never: see unasked() */
		break;
	case 5:                                /* wrongly, and then well */
		send_mutated();
		send_it(&in.good);
		break;
	default:
		send_mutated();
	}
	keep(msg, n);
}

static void on_message(struct peer *p, const uint8_t *msg, size_t n, void *ctx)
{
	struct dia_avp a;

	if (!(msg[4] & DIA_F_REQUEST))
		return;
	in.peer = p;
	if (in.smssc && dia_msg_find(msg, n, DIA_Reference_Number, &a))
		dia_avp_u32(&a, &in.reference);
	answer(msg, n);
}

/* An answer out of its order, a report, a request that is not theirs to send. */
static void say_something(void)
{
	const unsigned what = fuzz_random(&in.make.random, 8), at = fuzz_random(&in.make.random, KEPT);

	in.make.hbh++;
	in.make.e2e++;
	if (what < 3 && in.kept[at].p) {
		make_good(in.kept[at].p, in.kept[at].n);
		if (fuzz_random(&in.make.random, 2))
			send_it(&in.good);
		else
			send_mutated();
		return;
	}
	if (what < 6 && in.smssc) {
		make_drr(&in.good, &in.make, in.reference - fuzz_random(&in.make.random, 20));
		if (what == 3)
			send_it(&in.good);
	} else if (what == 6) {
		make_dar(&in.good, &in.make, ATTACKER, ATTACKER_REALM, HEART_DEVICE, 1, in.make.hbh);
	} else {
		make_any(&in.good, &in.make);
		make_ids(in.good.p, in.make.hbh, in.make.e2e);
	}
	send_mutated();
}

static void unasked(void *ctx)
{
	for (int i = 0; in.peer && peer_is_open(in.peer) && i < AT_ONCE; i++)
		say_something();
	peer_timer(in.loop, EVERY_MS, unasked, NULL);
}

static void on_event(struct peer *p, enum peer_event event, const char *why, void *ctx)
{
	if (event == PEER_OPEN)
		in.peer = p;
	else if (in.peer == p)
		in.peer = NULL;
	printf("%s: %s\n", event == PEER_OPEN ? "open" : "closed", why);
	fflush(stdout);
}

static uint64_t *counter(const char *file)
{
	int fd = open(file, O_RDWR | O_CREAT, 0666);
	uint64_t *n;

	HOLDS(fd >= 0 && ftruncate(fd, sizeof(*n)) == 0);
	n = mmap(NULL, sizeof(*n), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	HOLDS(n != MAP_FAILED);
	close(fd);
	return n;
}

int play_inside(uint16_t port, bool smssc, const char *count_file, uint64_t seed)
{
	const uint32_t apps[] = { smssc ? T4_APP : S6M_APP };
	const struct peer_conf conf = { .origin_host = smssc ? "smssc." REALM : "hss." REALM, .origin_realm = REALM, .product = "fuzz_node",
	                                .apps = apps, .napps = 1 };
	const struct peer_ops ops = { .event = on_event, .message = on_message };
	char err[256];

	in.smssc = smssc;
	in.sent = counter(count_file);
	/* Another life, other messages. */
	in.make.random = fuzz_random_from(seed, (*in.sent + 1) * 16 + (smssc ? 2 : 1));
	in.make.broken_one_of = 5000;
	in.make.hbh = in.make.e2e = fuzz_random(&in.make.random, 0xffffffff);
	in.loop = peer_loop_new();
	if (!in.loop || !peer_listen(in.loop, &conf, "127.0.0.1", port, &ops, err, sizeof(err))) {
		fprintf(stderr, "cannot listen: %s\n", in.loop ? err : "out of memory");
		return 1;
	}
	end_with(in.loop);
	unasked(NULL);
	peer_loop_run(in.loop, -1);
	peer_loop_free(in.loop);
	for (unsigned i = 0; i < KEPT; i++)
		free(in.kept[i].p);
	dia_writer_free(&in.good);
	dia_writer_free(&in.bad);
	return 0;
}
