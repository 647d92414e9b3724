/* Random histories of the proxy agent: requests both ways, answers, answers given twice, too late, by somebody else or of
 * nothing, nodes and SCSs that come and go, queues that are full, time that passes.  Whatever happens, each request is
 * answered exactly once, by whom and to whom it should be.  GW_SEED=n begins with another history. */
#include "config.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gw_proxy.h"

#define HISTORIES 60
#define STEPS     3000
#define REQUESTS  (STEPS + 1)
#define NODES     3u
#define CONNS     600u
#define HOSTS     6u
#define WAITING   400u
#define TIMEOUT   1000

/* Requests are told by their End-to-End identifier: their index, and a bit for the direction. */
#define IS_DNR 0x100000u

struct request {
	uint64_t conn;                  /* a DAR's; of a DNR: that got it, 0: none */
	unsigned node;                  /* a DNR's */
	uint32_t hbh;
	unsigned answers, asked, last;  /* asked: nodes, as bits; last: of them */
	unsigned lost;                  /* answers for which there was no room */
	bool excused;                   /* who asked is not there any more */
};
/* What a node or an SCS has been asked, and may answer at any time, or again, or never. */
struct open { uint64_t to; size_t n; uint8_t msg[700]; };

static struct gw_proxy *proxy;
static struct dia_writer w;
static struct request dars[REQUESTS], dnrs[REQUESTS];
static uint32_t ndars, ndnrs;
static struct open at_node[WAITING], at_scs[WAITING];
static unsigned nat_node, nat_scs;
static struct { uint64_t id; unsigned host; } conns[CONNS];
static unsigned nconns;
static uint64_t last_conn;
static unsigned host_of[CONNS + 1];     /* by id */
static bool node_up[NODES];
static int64_t now;
static uint64_t state, seed;

static const struct gw_proxy_node nodes[NODES] = { { "a.inside", "inside", 1 }, { "b.inside", "inside", 1 }, { "c.inside", "inside", 2 } };

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1du >> 11;
}

static unsigned below(unsigned n) { return (unsigned)(rnd() % n); }
static bool one_in(unsigned n) { return below(n) == 0; }

#define HOLDS(cond, ...) do { if (!(cond)) { ck_abort_msg("history %llu: " #cond ": " __VA_ARGS__); } } while (0)
#define SEED (unsigned long long)seed

static const char *host_name(unsigned host)
{
	static char out[32];

	snprintf(out, sizeof(out), "scs%u.test", host);
	return out;
}

static int find_conn(uint64_t id)
{
	for (unsigned i = 0; i < nconns; i++)
		if (conns[i].id == id)
			return (int)i;
	return -1;
}

static void wait_for(struct open *list, unsigned *n, uint64_t to, const uint8_t *msg, size_t len)
{
	struct open *o;

	ck_assert_uint_le(len, sizeof(o->msg));
	if (*n == WAITING)
		memmove(&list[0], &list[1], --*n * sizeof(*list));
	o = &list[(*n)++];
	o->to = to;
	o->n = len;
	memcpy(o->msg, msg, len);
}

static struct request *request_of(const struct dia_hdr *h)
{
	bool is_dnr = h->e2e & IS_DNR;
	uint32_t i = h->e2e & ~IS_DNR;

	HOLDS(i < (is_dnr ? ndnrs : ndars), "an answer to a request %u that nobody has made", SEED, i);
	HOLDS(h->code == (is_dnr ? TSP_CMD_DNR : TSP_CMD_DAR), "e2e %x", SEED, h->e2e);
	return is_dnr ? &dnrs[i] : &dars[i];
}

/* Answers say who gives them, and to what. */
static void put_words(uint32_t e2e, uint64_t by)
{
	char words[64];

	snprintf(words, sizeof(words), "%llu answers %x", (unsigned long long)by, e2e);
	dia_put_text(&w, DIA_Error_Message, words);
}

static void answered(struct request *r, const struct dia_hdr *h, const uint8_t *msg, size_t n, uint64_t asked)
{
	unsigned long long by;
	struct dia_avp a;
	char words[64];
	unsigned e2e;

	if (dia_msg_find(msg, n, DIA_Error_Message, &a)) {
		dia_avp_text(&a, words, sizeof(words));
		if (sscanf(words, "%llu answers %x", &by, &e2e) == 2)
			HOLDS(by == asked && e2e == h->e2e, "e2e %x: %s", SEED, h->e2e, words);
	}
	HOLDS(r->hbh == h->hbh, "e2e %x", SEED, h->e2e);
	HOLDS(++r->answers == 1, "e2e %x", SEED, h->e2e);
	HOLDS(!r->excused, "e2e %x: who asked has gone", SEED, h->e2e);
}

static uint32_t result_of(const uint8_t *msg, size_t n)
{
	struct dia_avp a;
	uint32_t v = 0;

	return dia_msg_find(msg, n, DIA_Result_Code, &a) && dia_avp_u32(&a, &v) ? v : 0;
}

static bool to_scs(void *ctx, uint64_t conn, const uint8_t *msg, size_t n)
{
	struct dia_hdr h;
	struct dia_avp a;
	struct request *r;
	char host[64];
	int at = find_conn(conn);

	(void)ctx;
	HOLDS(dia_hdr_read(msg, n, &h) && h.length == n, "to an SCS", SEED);
	HOLDS(at >= 0, "e2e %x to connection %llu, which is not there", SEED, h.e2e, (unsigned long long)conn);
	HOLDS(!memmem(msg, n, "inside", 6), "e2e %x shows the inside", SEED, h.e2e);
	r = request_of(&h);
	if (!(h.flags & DIA_F_REQUEST)) {
		HOLDS(!(h.e2e & IS_DNR) && r->conn == conn, "e2e %x is another's", SEED, h.e2e);
		if (one_in(20)) {
			HOLDS(!r->answers && ++r->lost <= 2, "e2e %x", SEED, h.e2e);
			return false;
		}
		HOLDS(!r->lost || result_of(msg, n) == 5012, "e2e %x", SEED, h.e2e);
		answered(r, &h, msg, n, r->last);
		return true;
	}
	HOLDS(h.e2e & IS_DNR && !r->conn && !r->answers, "e2e %x", SEED, h.e2e);
	HOLDS(dia_msg_find(msg, n, DIA_Destination_Host, &a), "e2e %x", SEED, h.e2e);
	dia_avp_text(&a, host, sizeof(host));
	HOLDS(!strcmp(host, host_name(conns[at].host)), "e2e %x for %s", SEED, h.e2e, host);
	if (one_in(20))
		return false;
	r->conn = conn;
	wait_for(at_scs, &nat_scs, conn, msg, n);
	return true;
}

static bool to_node(void *ctx, unsigned node, const uint8_t *msg, size_t n)
{
	struct dia_hdr h;
	struct request *r;

	(void)ctx;
	HOLDS(dia_hdr_read(msg, n, &h) && h.length == n, "to a node", SEED);
	HOLDS(node < NODES && node_up[node], "e2e %x to node %u, which is not there", SEED, h.e2e, node);
	r = request_of(&h);
	if (!(h.flags & DIA_F_REQUEST)) {
		HOLDS(h.e2e & IS_DNR && r->node == node, "e2e %x is another's", SEED, h.e2e);
		answered(r, &h, msg, n, r->conn);
		return true;
	}
	HOLDS(!(h.e2e & IS_DNR) && !r->answers && find_conn(r->conn) >= 0, "e2e %x", SEED, h.e2e);
	HOLDS(!(r->asked >> node & 1), "e2e %x asks node %u again", SEED, h.e2e, node);
	if (one_in(20))
		return false;
	HOLDS(!(h.flags & DIA_F_RETRANSMIT) == !r->asked, "e2e %x: T flag", SEED, h.e2e);
	r->asked |= 1u << node;
	r->last = node;
	wait_for(at_node, &nat_node, node, msg, n);
	return true;
}

/* ---- what may happen ---------------------------------------------------- */

static void dar(void)
{
	const unsigned at = nconns ? below(nconns) : 0;
	enum iwf_reason said;
	struct request *r = &dars[ndars];

	if (!nconns || ndars == REQUESTS)
		return;
	*r = (struct request){ .conn = conns[at].id, .hbh = (uint32_t)rnd() };
	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, TSP_CMD_DAR, TSP_APP_ID, r->hbh, ndars++);
	dia_put_text(&w, DIA_Session_Id, "s;1;2");
	dia_put_text(&w, DIA_Origin_Host, host_name(conns[at].host));
	dia_put_text(&w, DIA_Origin_Realm, "test");
	dia_put_text(&w, DIA_Destination_Realm, "test");
	ck_assert(dia_end(&w));
	said = gw_proxy_from_scs(proxy, r->conn, w.p, w.n, now);
	HOLDS(said == RS_NONE ? !r->answers && !r->lost : said == RS_IN_FLIGHT || said == RS_NO_NODE ? r->answers || r->lost : false, "DAR %u", SEED, ndars - 1);
	HOLDS(said != RS_IN_FLIGHT || !r->asked, "DAR %u", SEED, ndars - 1);
}

static void dnr(void)
{
	unsigned node = below(NODES);
	struct request *r = &dnrs[ndnrs];

	if (!node_up[node] || ndnrs == REQUESTS)
		return;
	*r = (struct request){ .node = node, .hbh = (uint32_t)rnd() };
	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, TSP_CMD_DNR, TSP_APP_ID, r->hbh, IS_DNR | ndnrs++);
	dia_put_text(&w, DIA_Session_Id, "node.inside;1;2");
	dia_put_text(&w, DIA_Origin_Host, nodes[node].host);
	dia_put_text(&w, DIA_Origin_Realm, "inside");
	dia_put_text(&w, DIA_Destination_Host, host_name(below(HOSTS)));
	if (one_in(30))
		dia_put_text(&w, DIA_Route_Record, "iwf.test");
	ck_assert(dia_end(&w));
	gw_proxy_from_node(proxy, node, w.p, w.n, now);
	HOLDS(r->answers || r->conn, "DNR %u is lost", SEED, ndnrs - 1);
}

static void answer_to(const struct open *o, const char *host, uint64_t by)
{
	static const uint32_t results[] = { 2001, 2001, 2001, 2001, 5012, 3004, 3002, 0 };
	uint32_t result = results[below(8)];
	bool of_nothing = one_in(50);
	struct dia_hdr h;

	dia_begin_answer(&w, o->msg, o->n, result / 1000 == 3 ? DIA_F_ERROR : 0);
	dia_put_text(&w, DIA_Origin_Host, host);
	dia_put_text(&w, DIA_Origin_Realm, "test");
	if (result)
		dia_put_u32(&w, DIA_Result_Code, result);
	if (!of_nothing && dia_hdr_read(o->msg, o->n, &h))
		put_words(h.e2e, by);
	ck_assert(dia_end(&w));
	if (of_nothing)
		w.p[12 + below(4)] ^= (uint8_t)(1 + below(255));      /* or of something else, which it may */
}

/* Mostly one of the newest; some stay in the list, and are answered again. */
static struct open picked(struct open *list, unsigned *n)
{
	unsigned i = one_in(4) || *n < 10 ? below(*n) : *n - 1 - below(10);
	struct open o = list[i];

	if (!one_in(4)) {
		memmove(&list[i], &list[i + 1], (*n - i - 1) * sizeof(*list));
		--*n;
	}
	return o;
}

static void node_answers(void)
{
	struct open o;
	unsigned by;

	if (!nat_node)
		return;
	o = picked(at_node, &nat_node);
	by = one_in(10) ? below(NODES) : (unsigned)o.to;
	answer_to(&o, nodes[by].host, by);
	if (node_up[by])
		gw_proxy_from_node(proxy, by, w.p, w.n, now);
}

static void scs_answers(void)
{
	struct open o;
	uint64_t by;

	if (!nat_scs)
		return;
	o = picked(at_scs, &nat_scs);
	by = one_in(10) && nconns ? conns[below(nconns)].id : o.to;
	answer_to(&o, host_name(one_in(10) ? below(HOSTS) : host_of[o.to]), by);
	if (find_conn(by) >= 0)
		gw_proxy_from_scs(proxy, by, w.p, w.n, now);
}

static void scs_comes(void)
{
	unsigned host = below(HOSTS);

	if (last_conn == CONNS || nconns > 12)
		return;
	host_of[++last_conn] = host;
	conns[nconns].id = last_conn;
	conns[nconns++].host = host;
	HOLDS(gw_proxy_scs_open(proxy, last_conn, host_name(host), "test", "192.0.2.1", NULL), "no memory", SEED);
}

static void scs_goes(void)
{
	uint64_t id;
	unsigned i = nconns ? below(nconns) : 0;

	if (!nconns)
		return;
	id = conns[i].id;
	conns[i] = conns[--nconns];
	for (uint32_t k = 0; k < ndars; k++)
		dars[k].excused |= dars[k].conn == id;
	gw_proxy_scs_closed(proxy, id);
	for (uint32_t k = 0; k < ndnrs; k++)
		HOLDS(dnrs[k].conn != id || dnrs[k].answers || dnrs[k].excused, "DNR %u waits for who has gone", SEED, k);
}

static void node_changes(unsigned node, bool up)
{
	if (node_up[node] == up)
		return;
	node_up[node] = up;
	if (up) {
		gw_proxy_node_up(proxy, node);
		return;
	}
	for (uint32_t k = 0; k < ndnrs; k++)
		dnrs[k].excused |= dnrs[k].node == node;
	gw_proxy_node_down(proxy, node, now);
}

static void time_passes(unsigned ms)
{
	uint32_t next;

	now += ms;
	next = gw_proxy_tick(proxy, now);
	HOLDS(next >= 1 && next <= 1000, "%u", SEED, next);
}

static void step(void)
{
	unsigned what = below(100);

	if (what < 25)
		dar();
	else if (what < 38)
		dnr();
	else if (what < 64)
		node_answers();
	else if (what < 80)
		scs_answers();
	else if (what < 85)
		scs_comes();
	else if (what < 88)
		scs_goes();
	else if (what < 91)
		node_changes(below(NODES), false);
	else if (what < 94)
		node_changes(below(NODES), true);
	else
		time_passes(below(300));
}

/* ---- what holds in the end ---------------------------------------------- */

static void check_all(void)
{
	struct gw_proxy_stats s;
	unsigned twice = 0, refused = 0;

	for (uint32_t i = 0; i < ndars; i++) {
		HOLDS(dars[i].answers == 1 || ((dars[i].excused || dars[i].lost) && !dars[i].answers), "DAR %u has %u answers", SEED, i, dars[i].answers);
		twice += dars[i].asked & (dars[i].asked - 1) ? 1 : 0;
		refused += !dars[i].asked;
	}
	for (uint32_t i = 0; i < ndnrs; i++)
		HOLDS(dnrs[i].answers == 1 || (dnrs[i].excused && !dnrs[i].answers), "DNR %u has %u answers", SEED, i, dnrs[i].answers);
	gw_proxy_stats(proxy, &s);
	HOLDS(s.in_flight == 0, "%zu", SEED, s.in_flight);
	HOLDS(s.dars == ndars && s.dnrs == ndnrs, "%llu and %llu", SEED, (unsigned long long)s.dars, (unsigned long long)s.dnrs);
	HOLDS(s.retried >= twice, "%llu, %u", SEED, (unsigned long long)s.retried, twice);
	/* A history in which nothing happens shows nothing. */
	HOLDS(ndars > 300 && ndnrs > 50 && twice > 10 && refused && s.daas > 50 && s.dnas > 20 && s.late_answers > 20 && s.timeouts,
	      "too quiet: %u %u %u %u %llu %llu %llu %llu", SEED, ndars, ndnrs, twice, refused, (unsigned long long)s.daas,
	      (unsigned long long)s.dnas, (unsigned long long)s.late_answers, (unsigned long long)s.timeouts);
}

START_TEST(history)
{
	const char *first = getenv("GW_SEED");
	struct gw_proxy_conf conf = { .identity = "iwf.test", .realm = "test", .nodes = nodes, .nnodes = NODES, .answer_timeout_ms = TIMEOUT };
	const struct gw_proxy_ports ports = { .to_scs = to_scs, .to_node = to_node };

	seed = (first ? strtoull(first, NULL, 10) : 1) + (uint64_t)_i;
	state = seed * 0x9e3779b97f4a7c15u | 1;
	ndars = ndnrs = nat_node = nat_scs = nconns = 0;
	last_conn = 0;
	now = 1000;
	memset(node_up, 0, sizeof(node_up));
	conf.in_flight = 5 + below(60);
	conf.in_flight_per_scs = 2 + below(20);
	proxy = gw_proxy_new(&conf, &ports);
	ck_assert_ptr_nonnull(proxy);
	for (unsigned i = 0; i < NODES; i++)
		node_changes(i, true);
	for (unsigned i = 0; i < HOSTS; i++)
		scs_comes();
	for (unsigned i = 0; i < STEPS; i++)
		step();
	/* Nobody says a word any more: every DAR is tried at the nodes that are left, and then it is over. */
	for (unsigned i = 0; i <= NODES; i++)
		time_passes(TIMEOUT);
	check_all();
	while (nconns)
		scs_goes();
	gw_proxy_free(proxy);
	dia_writer_free(&w);
	w = (struct dia_writer){ 0 };
}
END_TEST

/* One that ends in the middle of everything leaves nothing (under the address sanitizer). */
START_TEST(cut_off)
{
	struct gw_proxy_conf conf = { .identity = "iwf.test", .realm = "test", .nodes = nodes, .nnodes = NODES, .answer_timeout_ms = TIMEOUT,
		.in_flight = 50, .in_flight_per_scs = 50 };
	const struct gw_proxy_ports ports = { .to_scs = to_scs, .to_node = to_node };
	struct gw_proxy_stats s;

	seed = 4711;
	state = seed;
	now = 1000;
	proxy = gw_proxy_new(&conf, &ports);
	ck_assert_ptr_nonnull(proxy);
	for (unsigned i = 0; i < NODES; i++)
		node_changes(i, true);
	for (unsigned i = 0; i < HOSTS; i++)
		scs_comes();
	for (unsigned i = 0; i < 40; i++) {
		dar();
		dnr();
	}
	gw_proxy_stats(proxy, &s);
	ck_assert_uint_gt(s.in_flight, 20);
	gw_proxy_free(proxy);
	dia_writer_free(&w);
	w = (struct dia_writer){ 0 };
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gw_histories");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, history, 0, HISTORIES);
	tcase_add_test(t, cut_off);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
