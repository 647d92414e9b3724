/* gw_fuzz.c - nonsense for the gateway, from a seed: in handshakes, in Diameter messages of an SCS that is in, and
 * from a node behind it.  Meanwhile a good SCS is served; what is a whole message is answered once, and nothing that
 * comes out has the name of a node in it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "gw_fuzz.h"

#define PATIENCE_MS 20000              /* more than two nodes' answer_timeout_ms */
#define BATCH 24
#define SENT_KEPT 64
#define MESSAGE_MAX 65536u             /* limits.message_max */

#define GOOD "scs.acme.example"        /* well-behaved; its node is, too */
#define VICTIM "scs.nordtrack.example" /* well-behaved; its node is not */
#define MAD "scs.oldfleet.example"

struct scs { struct raw r; const char *host; struct fuzz_asked asked; bool open, may_end, must_end; };

static struct raw_net net;
static char *const *inside;            /* names of nodes; ended by NULL */
static struct scs good = { .host = GOOD }, victim = { .host = VICTIM }, mad = { .host = MAD };
static struct { uint8_t *p; size_t n; } sent[SENT_KEPT];   /* of the mad one's batch */
static size_t nsent;
static struct dia_writer w, answer;
static uint32_t next_hbh = 1000, next_reference = 1;
static unsigned nhandshakes, nmessages, nbeats, nvictim, nreports;

void fuzz_wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("wrong: ", stdout);
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
	for (size_t i = 0; i < nsent; i++) {
		printf("the mad SCS has sent, %zu octets:\n", sent[i].n);
		dia_print(stdout, sent[i].p, sent[i].n, "  ");
	}
	fflush(stdout);
	_exit(1);
}

void fuzz_ask(struct fuzz_asked *a, uint32_t hbh)
{
	if (a->n == sizeof(a->hbh) / sizeof(*a->hbh))
		fuzz_wrong("%zu requests wait for their answers", a->n);
	a->hbh[a->n++] = hbh;
}

bool fuzz_answered(struct fuzz_asked *a, uint32_t hbh)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->hbh[i] == hbh) {
			a->hbh[i] = a->hbh[--a->n];
			return true;
		}
	return false;
}

/* ---- SCSs ---- */

static void forget_sent(void)
{
	while (nsent)
		free(sent[--nsent].p);
}

static void keep_sent(const uint8_t *p, size_t n)
{
	if (nsent == SENT_KEPT)
		return;
	sent[nsent].p = malloc(n ? n : 1);
	if (!sent[nsent].p)
		return;
	memcpy(sent[nsent].p, p, n);
	sent[nsent++].n = n;
}

/* Whoever gets that may close, and will not tell where the next message begins. */
static bool ends_it(const uint8_t *p, size_t n)
{
	struct dia_hdr h;

	if (!fuzz_is_sound(p, n) || !dia_hdr_read(p, n, &h) || n > MESSAGE_MAX)
		return true;
	return h.app == 0 && h.code == 282 && h.flags & DIA_F_REQUEST;
}

static void leave(struct scs *s)
{
	raw_close(&s->r);
	s->open = s->may_end = s->must_end = false;
	s->asked.n = 0;
}

static void enter(struct scs *s)
{
	static unsigned from = 512;
	uint32_t r;

	if (s->open)
		return;
	r = raw_open(&s->r, &net, s->host, from++);
	if (r != 2001)
		fuzz_wrong("%s does not get in: %u", s->host, r);
	s->open = true;
}

/* No message can begin like that. */
static bool breaks_framing(const uint8_t *p, size_t n)
{
	const size_t length = n >= 4 ? (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3] : DIA_HDR_LEN;

	return (n && p[0] != 1) || length < DIA_HDR_LEN || length % 4;
}

static void say(struct scs *s, const uint8_t *p, size_t n)
{
	struct dia_hdr h;

	if (s == &mad)
		keep_sent(p, n);
	s->must_end = s->must_end || (!s->may_end && breaks_framing(p, n));
	s->may_end = s->may_end || ends_it(p, n);
	if (dia_hdr_read(p, n, &h) && h.flags & DIA_F_REQUEST)
		fuzz_ask(&s->asked, h.hbh);
	raw_send(&s->r, p, n);
}

static void look_for_names(const uint8_t *msg, size_t n)
{
	for (size_t i = 0; inside[i]; i++) {
		size_t len = strlen(inside[i]);

		for (size_t at = 0; at + len <= n; at++)
			if (!strncasecmp((const char *)msg + at, inside[i], len)) {
				dia_print(stdout, msg, n, "  ");
				fuzz_wrong("%s is told outside", inside[i]);
			}
	}
}

static void answer_request(struct scs *s, const uint8_t *msg, size_t n, const struct dia_hdr *h)
{
	size_t m;
	uint8_t *b;

	if (h->code == RAW_DNR)
		nreports++;
	else if (h->code != RAW_DWR)
		fuzz_wrong("%s is asked command %u of %u", s->host, h->code, h->app);
	dia_begin_answer(&answer, msg, n, 0);
	dia_put_u32(&answer, DIA_Result_Code, 2001);
	if (h->app) {
		dia_put_u32(&answer, DIA_Auth_Application_Id, RAW_TSP);
		dia_put_u32(&answer, DIA_Auth_Session_State, 1);
	}
	dia_put_text(&answer, DIA_Origin_Host, s->host);
	dia_put_text(&answer, DIA_Origin_Realm, raw_realm(s->host));
	dia_end(&answer);
	if (s != &good && h->code == RAW_DNR && fuzz_one_in(6))
		return;
	m = answer.n;
	b = s == &mad && !fuzz_one_in(3) ? fuzz_message(answer.p, &m) : answer.p;
	say(s, b, m);
	if (s == &mad && !s->may_end && fuzz_one_in(8))
		say(s, answer.p, answer.n);
}

/* What has come, up to the next answer; NULL: nothing, in that time. */
static const uint8_t *hear(struct scs *s, size_t *n, uint32_t ms)
{
	const uint8_t *m;
	struct dia_hdr h;

	while ((m = raw_next(&s->r, n, ms))) {
		if (!dia_hdr_read(m, *n, &h) || !fuzz_is_sound(m, *n))
			fuzz_wrong("%s gets what is no message", s->host);
		look_for_names(m, *n);
		if (h.flags & DIA_F_REQUEST) {
			answer_request(s, m, *n, &h);
			continue;
		}
		if (!fuzz_answered(&s->asked, h.hbh)) {
			dia_print(stdout, m, *n, "  ");
			fuzz_wrong("%s gets an answer (Hop-by-Hop %u) to nothing, or a second one", s->host, h.hbh);
		}
		return m;
	}
	return NULL;
}

/* Until all are answered, or the connection is closed. */
static void settle(struct scs *s)
{
	const int64_t until = raw_now_ms() + PATIENCE_MS;
	size_t n;

	while (s->asked.n && !s->r.closed && !s->may_end && raw_now_ms() < until)
		hear(s, &n, 1000);
	if (s->asked.n && !s->r.closed && !s->may_end)
		fuzz_wrong("%s: %zu requests have not been answered, Hop-by-Hop %u ...", s->host, s->asked.n,
		           s->asked.hbh[0]);
}

static void put_dar(const char *host)
{
	raw_put_dar(&w, &(struct raw_dar){ .host = host, .realm = raw_realm(host), .dest_realm = net.realm,
	                                   .ext_id = "wake@iot.example.com", .hbh = next_hbh++, .reference = next_reference++ });
	dia_end(&w);
}

/* The good SCS is served, and has been connected all the time. */
static void beat(void)
{
	const uint8_t *m;
	uint32_t result, status;
	size_t n;

	put_dar(GOOD);
	say(&good, w.p, w.n);
	m = hear(&good, &n, PATIENCE_MS);
	if (!m)
		fuzz_wrong("%s is not served: %s", GOOD, good.r.closed ? "its connection is closed" : "no answer");
	result = raw_result(m, n);
	status = raw_status(m, n);
	if (result != 2001 || status)
		fuzz_wrong("%s is not served: %u, Request-Status %u", GOOD, result, status);
	nbeats++;
}

/* ---- what the mad SCS says ---- */

static void put_base(uint32_t code)
{
	dia_begin(&w, DIA_F_REQUEST, code, 0, next_hbh, next_hbh);
	next_hbh++;
	dia_put_text(&w, DIA_Origin_Host, MAD);
	dia_put_text(&w, DIA_Origin_Realm, raw_realm(MAD));
	if (code == 282)
		dia_put_u32(&w, DIA_Disconnect_Cause, 0);
	dia_end(&w);
}

/* Any command of the dictionary, with what a DAR has. */
static void put_other(void)
{
	const struct dia_cmddef *c = &dia_cmds[fuzz_below((uint32_t)dia_ncmds)];

	put_dar(MAD);
	if (c->code == 282)
		return;
	w.p[4] = (uint8_t)(c->request ? 0xc0 : 0x40);
	for (int i = 0; i < 4; i++) {
		if (i)
			w.p[4 + i] = (uint8_t)(c->code >> (24 - 8 * i));
		w.p[8 + i] = (uint8_t)(c->app >> (24 - 8 * i));
	}
}

static void put_something(void)
{
	switch (fuzz_below(12)) {
	case 0:
		put_base(RAW_DWR);
		break;
	case 1:
		raw_put_cer(&w, MAD);
		dia_end(&w);
		memcpy(w.p + 12, &next_hbh, 4);
		next_hbh++;
		break;
	case 2:
		put_other();
		break;
	case 3:
		if (fuzz_one_in(10)) {
			put_base(282);
			break;
		}
		/* fall through */
	default:
		put_dar(MAD);
		break;
	}
}

/* A CER with mistakes; what was let in after all counts as open. */
static void bad_cer(void)
{
	static unsigned from = 2048;
	const uint8_t *m;
	uint8_t *b;
	size_t n;
	bool sound;

	if (!raw_tls(&mad.r, &net, MAD, from++))
		fuzz_wrong("%s: no handshake", MAD);
	raw_put_cer(&w, MAD);
	dia_end(&w);
	n = w.n;
	b = fuzz_message(w.p, &n);
	keep_sent(b, n);
	raw_send(&mad.r, b, n);
	nmessages++;
	sound = fuzz_is_sound(b, n);
	m = raw_next(&mad.r, &n, sound ? 5000 : 50);
	mad.open = sound && m && raw_result(m, n) == 2001;
	if (!mad.open)
		leave(&mad);
}

static void batch(void)
{
	size_t n;

	forget_sent();
	if (!mad.open && fuzz_one_in(4))
		bad_cer();
	enter(&mad);
	for (uint32_t times = 1 + fuzz_below(BATCH); times && !mad.may_end; times--, nmessages++) {
		put_something();
		n = w.n;
		if (fuzz_one_in(6)) {
			say(&mad, w.p, n);
		} else {
			const uint8_t *b = fuzz_message(w.p, &n);

			say(&mad, b, n);
		}
	}
	settle(&mad);
	if (mad.r.closed && !mad.may_end)
		fuzz_wrong("%s: whole messages, and the connection is closed", MAD);
	for (int64_t until = raw_now_ms() + PATIENCE_MS; mad.must_end && !mad.r.closed && raw_now_ms() < until;)
		hear(&mad, &n, 1000);
	if (mad.must_end && !mad.r.closed)
		fuzz_wrong("%s: what is no message does not end its connection", MAD);
	if (mad.may_end) {
		hear(&mad, &n, 20);
		leave(&mad);
	}
}

static void put_upon(void)
{
	enter(&victim);
	for (int i = 0; i < 8; i++) {
		put_dar(VICTIM);
		say(&victim, w.p, w.n);
		nvictim++;
	}
	settle(&victim);
	if (victim.r.closed)
		fuzz_wrong("%s pays for what its node does: its connection is closed", VICTIM);
}

static void run(unsigned long count)
{
	unsigned from = 4096;

	good.r.fd = victim.r.fd = mad.r.fd = -1;
	enter(&good);
	beat();
	while (nhandshakes + nmessages + nvictim < count) {
		for (int i = 0; i < 5; i++, nhandshakes++)
			fuzz_handshake(&net, MAD, from++ % 16384 + 4096);
		beat();
		for (int i = 0; i < 4; i++)
			batch();
		beat();
		put_upon();
		beat();
	}
	leave(&good);
	leave(&victim);
	leave(&mad);
	forget_sent();
	printf("# %u handshakes, %u messages of the mad SCS, %u of the one with the mad node, %u of the good one; %u reports\n",
	       nhandshakes, nmessages, nvictim, nbeats, nreports);
}

int main(int argc, char **argv)
{
	static const char *outside[] = { GOOD, VICTIM, MAD, NULL, NULL, "*", "", NULL };
	static const char *all[] = { GOOD, VICTIM, MAD, NULL, NULL, NULL };
	static const char *const scss[] = { GOOD, VICTIM, MAD, NULL };
	const bool as_node = argc == 7 && !strcmp(argv[1], "node");

	if (!as_node && (argc < 9 || strcmp(argv[1], "scs"))) {
		fputs("usage: gw_fuzz scs PORT PKI DOOR REALM SEED COUNT NODE...\n"
		      "       gw_fuzz node PORT PKI NAME REALM SEED\n", stderr);
		return 2;
	}
	net = (struct raw_net){ .port = (uint16_t)atoi(argv[2]), .pki = argv[3], .door = argv[4], .realm = argv[5] };
	fuzz_seed(strtoull(argv[6], NULL, 10) + as_node);
	all[3] = outside[3] = net.realm;
	all[4] = outside[4] = net.door;        /* a node's own name, if it is one */
	fuzz_names = as_node ? all : outside;
	if (as_node)
		return fuzz_node(&net, argv[4], scss);
	inside = argv + 8;
	run(strtoul(argv[7], NULL, 10));
	dia_writer_free(&w);
	dia_writer_free(&answer);
	return 0;
}
