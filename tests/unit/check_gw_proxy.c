/* The proxy agent and what it makes of messages; SCSs and nodes are ports that write down what they get. */
#include "config.h"
#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gw_proxy.h"
#include "gw_rewrite.h"

#define TIMEOUT 1000
#define US "iwf.test"

struct sent { bool to_scs; uint64_t to; size_t n; uint8_t msg[2048]; };
static struct sent sent[512];
static size_t nsent, seen;               /* seen: of them, by one_more() */
static bool scs_deaf, node_deaf[8];
static unsigned scs_refuses;               /* so many messages */

static struct gw_proxy *proxy;
static struct dia_writer w;
static int64_t now;

static bool keep(bool to_scs, uint64_t to, const uint8_t *msg, size_t n)
{
	ck_assert_uint_lt(nsent, sizeof(sent) / sizeof(*sent));
	ck_assert_uint_le(n, sizeof(sent[0].msg));
	sent[nsent] = (struct sent){ .to_scs = to_scs, .to = to, .n = n };
	memcpy(sent[nsent++].msg, msg, n);
	return true;
}

static bool to_scs(void *ctx, uint64_t conn, const uint8_t *msg, size_t n)
{
	if (scs_refuses) {
		scs_refuses--;
		return false;
	}
	return !scs_deaf && keep(true, conn, msg, n);
}

static bool to_node(void *ctx, unsigned node, const uint8_t *msg, size_t n)
{
	return !node_deaf[node] && keep(false, node, msg, n);
}

static const struct gw_proxy_ports ports = { .to_scs = to_scs, .to_node = to_node };
/* Two of one priority, and one for when there is no other. */
static const struct gw_proxy_node nodes[] = { { "node0.inside", "inside", 1 }, { "node1.inside", "inside", 1 }, { "spare.inside", "spare-inside", 2 } };
static const struct gw_proxy_conf conf = { .identity = US, .realm = "test", .nodes = nodes, .nnodes = 3, .in_flight = 100,
	.in_flight_per_scs = 10, .answer_timeout_ms = TIMEOUT, .session_high = 77 };

static void start(const struct gw_proxy_conf *c)
{
	gw_proxy_free(proxy);
	proxy = gw_proxy_new(c, &ports);
	ck_assert_ptr_nonnull(proxy);
	nsent = seen = 0;
}

static void setup(void)
{
	scs_deaf = false;
	scs_refuses = 0;
	memset(node_deaf, 0, sizeof(node_deaf));
	now = 5000;
	start(&conf);
	ck_assert(gw_proxy_scs_open(proxy, 1, "scs.test", "scs-realm", "192.0.2.1", "abc"));
	ck_assert(gw_proxy_scs_open(proxy, 2, "other.test", "test", "192.0.2.2", NULL));
}

static void teardown(void)
{
	gw_proxy_free(proxy);
	proxy = NULL;
	dia_writer_free(&w);
	w = (struct dia_writer){ 0 };
}

static void proxy_info(const char *host, const char *state)
{
	dia_open(&w, DIA_Proxy_Info);
	dia_put_text(&w, DIA_Proxy_Host, host);
	dia_put_text(&w, DIA_Proxy_State, state);
	dia_close(&w);
}

static void begin_dar(uint32_t hbh, uint32_t e2e, const char *host)
{
	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, TSP_CMD_DAR, TSP_APP_ID, hbh, e2e);
	dia_put_text(&w, DIA_Session_Id, "scs.test;1;2");
	dia_put_u32(&w, DIA_Auth_Application_Id, TSP_APP_ID);
	dia_put_u32(&w, DIA_Auth_Session_State, 1);
	dia_put_text(&w, DIA_Origin_Host, host);
	dia_put_text(&w, DIA_Origin_Realm, "test");
	dia_put_text(&w, DIA_Destination_Realm, "test");
}

static enum iwf_reason ask(uint64_t conn, uint32_t hbh, uint32_t e2e, const char *host)
{
	begin_dar(hbh, e2e, host);
	ck_assert(dia_end(&w));
	return gw_proxy_from_scs(proxy, conn, w.p, w.n, now);
}

static void begin_answer(const struct sent *to, const char *host, uint32_t result)
{
	dia_begin_answer(&w, to->msg, to->n, result / 1000 == 3 ? DIA_F_ERROR : 0);
	dia_put_u32(&w, DIA_Auth_Session_State, 1);
	dia_put_text(&w, DIA_Origin_Host, host);
	dia_put_text(&w, DIA_Origin_Realm, "anywhere");
	if (result)
		dia_put_u32(&w, DIA_Result_Code, result);
}

/* The node that got that request answers it. */
static void node_answers(const struct sent *to, uint32_t result)
{
	begin_answer(to, nodes[to->to].host, result);
	ck_assert(dia_end(&w));
	gw_proxy_from_node(proxy, (unsigned)to->to, w.p, w.n, now);
}

static void scs_answers(const struct sent *to, uint64_t conn, const char *host, uint32_t result)
{
	begin_answer(to, host, result);
	ck_assert(dia_end(&w));
	gw_proxy_from_scs(proxy, conn, w.p, w.n, now);
}

static void begin_dnr(uint32_t hbh, uint32_t e2e, const char *to)
{
	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, TSP_CMD_DNR, TSP_APP_ID, hbh, e2e);
	dia_put_text(&w, DIA_Session_Id, "node0.inside;3;4");
	dia_put_u32(&w, DIA_Auth_Application_Id, TSP_APP_ID);
	dia_put_u32(&w, DIA_Auth_Session_State, 1);
	dia_put_text(&w, DIA_Origin_Host, "node0.inside");
	dia_put_text(&w, DIA_Origin_Realm, "inside");
	dia_put_text(&w, DIA_Destination_Realm, "test");
	if (to)
		dia_put_text(&w, DIA_Destination_Host, to);
}

static void report(unsigned node, uint32_t hbh, uint32_t e2e, const char *to)
{
	begin_dnr(hbh, e2e, to);
	ck_assert(dia_end(&w));
	gw_proxy_from_node(proxy, node, w.p, w.n, now);
}

static struct dia_hdr hdr(const struct sent *s)
{
	struct dia_hdr h;

	ck_assert(dia_hdr_read(s->msg, s->n, &h));
	ck_assert_uint_eq(h.length, s->n);
	return h;
}

/* "-": not there. */
static const char *text(const struct sent *s, enum dia_id id)
{
	static char out[4][300];
	static unsigned k;
	struct dia_avp a;

	k = (k + 1) % 4;
	strcpy(out[k], "-");
	if (dia_msg_find(s->msg, s->n, id, &a))
		dia_avp_text(&a, out[k], sizeof(out[k]));
	return out[k];
}

/* All of that kind, with spaces between; of Proxy-Info "host=state". */
static const char *all(const struct sent *s, enum dia_id id)
{
	static char out[600];
	const uint8_t *at = s->msg + DIA_HDR_LEN;
	size_t left = s->n - DIA_HDR_LEN, n = 0;
	struct dia_avp a, in;

	out[0] = 0;
	while (dia_avp_next(&at, &left, &a) == 1) {
		char one[200], state[100];

		if (a.def != &dia_avps[id])
			continue;
		dia_avp_text(&a, one, sizeof(one));
		if (id == DIA_Proxy_Info) {
			ck_assert(dia_group_find(&a, DIA_Proxy_Host, &in));
			dia_avp_text(&in, one, 90);
			ck_assert(dia_group_find(&a, DIA_Proxy_State, &in));
			dia_avp_text(&in, state, sizeof(state));
			snprintf(one + strlen(one), 105, "=%s", state);
		}
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s", n ? " " : "", one);
	}
	return out;
}

static uint32_t result_of(const struct sent *s)
{
	ck_assert(!(hdr(s).flags & DIA_F_REQUEST));
	return gw_result_of(s->msg, s->n);
}

static bool contains(const struct sent *s, const char *what)
{
	return memmem(s->msg, s->n, what, strlen(what)) != NULL;
}

/* Exactly one more message has gone out, and there. */
static const struct sent *one_more(bool scs, uint64_t to)
{
	ck_assert_msg(nsent == seen + 1, "%zu messages instead of one", nsent - seen);
	seen = nsent;
	ck_assert_msg(sent[seen - 1].to_scs == scs, "to the wrong side");
	if (to != UINT64_MAX)
		ck_assert_uint_eq(sent[seen - 1].to, to);
	return &sent[seen - 1];
}

#define ANY UINT64_MAX
#define TO_SCS(conn) one_more(true, conn)
#define TO_NODE(node) one_more(false, node)

static struct gw_proxy_stats stats(void)
{
	struct gw_proxy_stats s;

	gw_proxy_stats(proxy, &s);
	return s;
}

static void up(int a, int b, int c)
{
	const int want[] = { a, b, c };

	for (unsigned i = 0; i < 3; i++)
		if (want[i])
			gw_proxy_node_up(proxy, i);
}

START_TEST(inward)
{
	const struct sent *s;

	up(0, 0, 1);
	begin_dar(0xabcd, 0x1234, "scs.test");
	dia_put_text(&w, DIA_Destination_Host, US);
	dia_put_text(&w, DIA_Route_Record, "behind.scs.test");
	proxy_info("behind.scs.test", "mine");
	proxy_info("IWF.test", "1 198.51.100.1 -");        /* as if we had said so */
	dia_put_raw(&w, 4711, 0, 9999, "vendor's", 8);
	ck_assert(dia_end(&w));
	ck_assert_int_eq(gw_proxy_from_scs(proxy, 1, w.p, w.n, now), RS_NONE);
	s = TO_NODE(2);
	ck_assert_uint_eq(hdr(s).e2e, 0x1234);
	ck_assert_uint_ne(hdr(s).hbh, 0xabcd);
	ck_assert(hdr(s).code == TSP_CMD_DAR && hdr(s).app == TSP_APP_ID);
	ck_assert_uint_eq(hdr(s).flags, DIA_F_REQUEST | DIA_F_PROXIABLE);
	ck_assert_str_eq(all(s, DIA_Destination_Host), "");
	ck_assert_str_eq(all(s, DIA_Destination_Realm), "spare-inside");
	ck_assert_str_eq(all(s, DIA_Origin_Host), "scs.test");
	ck_assert_str_eq(all(s, DIA_Session_Id), "scs.test;1;2");
	ck_assert_str_eq(all(s, DIA_Route_Record), "behind.scs.test scs.test");
	ck_assert_str_eq(all(s, DIA_Proxy_Info), "behind.scs.test=mine " US "=1 192.0.2.1 abc");
	ck_assert(contains(s, "vendor's"));
	ask(2, 1, 2, "other.test");
	ck_assert_str_eq(all(TO_NODE(2), DIA_Proxy_Info), US "=1 192.0.2.2 -");
	begin_dar(1, 2, "scs.test");
	ck_assert(dia_end(&w));
	w.p[4] |= DIA_F_RETRANSMIT;                        /* what the SCS itself sends again stays so */
	gw_proxy_from_scs(proxy, 1, w.p, w.n, now);
	ck_assert(hdr(TO_NODE(2)).flags & DIA_F_RETRANSMIT);
}
END_TEST

START_TEST(outward)
{
	static const char *const secrets[] = { "inside", "secret", "192.0.2", "4242" };
	const struct sent *s;
	struct dia_avp a;

	up(1, 0, 0);
	begin_dar(0xabcd, 0x1234, "scs.test");
	proxy_info("behind.scs.test", "mine");
	ck_assert(dia_end(&w));
	gw_proxy_from_scs(proxy, 1, w.p, w.n, now);
	begin_answer(TO_NODE(0), "node0.inside", 2001);
	dia_put_u32(&w, DIA_Auth_Application_Id, TSP_APP_ID);
	dia_put_text(&w, DIA_Route_Record, "node0.inside");
	dia_put_text(&w, DIA_Error_Reporting_Host, "hss.secret");
	dia_put_text(&w, DIA_Redirect_Host, "aaa://hss.secret");
	dia_put_text(&w, DIA_Error_Message, "Node0.INSIDE cannot tell");
	dia_put_text(&w, DIA_User_Name, "secret");
	dia_put_u32(&w, DIA_Origin_State_Id, 0x34323432);
	dia_put_raw(&w, 4711, 0, 9999, "secret", 6);
	proxy_info("node1.inside", "secret");
	dia_open(&w, DIA_Device_Notification);
	dia_put_u32(&w, DIA_Reference_Number, 9);
	dia_close(&w);
	ck_assert(dia_end(&w));
	gw_proxy_from_node(proxy, 0, w.p, w.n, now);
	s = TO_SCS(1);
	ck_assert(hdr(s).hbh == 0xabcd && hdr(s).e2e == 0x1234);
	ck_assert_uint_eq(hdr(s).flags, DIA_F_PROXIABLE);
	ck_assert_str_eq(all(s, DIA_Session_Id), "scs.test;1;2");
	ck_assert_str_eq(all(s, DIA_Origin_Host), US);
	ck_assert_str_eq(all(s, DIA_Origin_Realm), "test");
	ck_assert_str_eq(all(s, DIA_Proxy_Info), "behind.scs.test=mine");
	ck_assert_uint_eq(result_of(s), 2001);
	ck_assert(dia_msg_find(s->msg, s->n, DIA_Device_Notification, &a));
	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
		ck_assert_msg(!contains(s, secrets[i]), "'%s' has come out", secrets[i]);
	ck_assert(!contains(s, "INSIDE") && !contains(s, "hss"));
	ck_assert_uint_eq(stats().daas, 1);
	ck_assert_uint_eq(stats().in_flight, 0);
}
END_TEST

/* What is wrong is told, as long as it says nothing of the inside. */
START_TEST(outward_error)
{
	const struct sent *s;
	struct dia_avp a, in;

	up(1, 0, 0);
	ask(1, 1, 2, "scs.test");
	begin_answer(TO_NODE(0), "node0.inside", 0);
	dia_open(&w, DIA_Experimental_Result);
	dia_put_u32(&w, DIA_Vendor_Id, 10415);
	dia_put_u32(&w, DIA_Experimental_Result_Code, 5001);
	dia_close(&w);
	dia_put_text(&w, DIA_Error_Message, "No");
	dia_open(&w, DIA_Failed_AVP);
	dia_put_u32(&w, DIA_Reference_Number, 5);
	dia_close(&w);
	ck_assert(dia_end(&w));
	w.p[4] |= DIA_F_ERROR;
	gw_proxy_from_node(proxy, 0, w.p, w.n, now);
	s = TO_SCS(1);
	ck_assert(hdr(s).flags & DIA_F_ERROR);
	ck_assert_uint_eq(result_of(s), 5001);
	ck_assert_str_eq(text(s, DIA_Error_Message), "No");
	ck_assert(dia_msg_find(s->msg, s->n, DIA_Failed_AVP, &a) && dia_group_find(&a, DIA_Reference_Number, &in));
}
END_TEST

/* An answer that the connection cannot carry is told in a short one. */
START_TEST(outward_too_long)
{
	const struct sent *s;

	up(1, 0, 0);
	ask(1, 0xabcd, 0x1234, "scs.test");
	scs_refuses = 1;
	node_answers(TO_NODE(0), 2001);
	s = TO_SCS(1);
	ck_assert_uint_eq(result_of(s), 5012);
	ck_assert_uint_eq(hdr(s).hbh, 0xabcd);
	ck_assert_str_eq(text(s, DIA_Session_Id), "scs.test;1;2");
	ck_assert_uint_eq(stats().in_flight, 0);
}
END_TEST

START_TEST(no_node)
{
	const struct sent *s;

	ck_assert_int_eq(ask(1, 0xabcd, 0x1234, "scs.test"), RS_NO_NODE);
	s = TO_SCS(1);
	ck_assert_uint_eq(result_of(s), 3002);
	ck_assert(hdr(s).flags & DIA_F_ERROR);
	ck_assert(hdr(s).hbh == 0xabcd && hdr(s).e2e == 0x1234);
	ck_assert_str_eq(text(s, DIA_Session_Id), "scs.test;1;2");
	ck_assert_str_eq(text(s, DIA_Origin_Host), US);
	ck_assert_uint_eq(stats().no_node, 1);
	ck_assert_uint_eq(stats().in_flight, 0);
}
END_TEST

START_TEST(choice)
{
	unsigned of[2] = { 0, 0 }, first;
	char host[32];

	up(1, 1, 1);
	ask(1, 1, 1, "scs.test");
	first = (unsigned)TO_NODE(ANY)->to;
	ck_assert_uint_lt(first, 2);
	ask(1, 2, 2, "scs.test");
	TO_NODE(first);
	/* Whatever the case of its name, and whatever else has been asked before. */
	gw_proxy_scs_open(proxy, 3, "SCS.Test", "test", "192.0.2.1", NULL);
	ask(3, 3, 3, "scs.test");
	TO_NODE(first);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(host, sizeof(host), "scs%u.test", i);
		ck_assert(gw_proxy_scs_open(proxy, 100 + i, host, "test", "192.0.2.1", NULL));
		ask(100 + i, i, i, host);
		of[TO_NODE(ANY)->to]++;
		node_answers(&sent[nsent - 1], 2001);
		TO_SCS(100 + i);
	}
	ck_assert_msg(of[0] > 60 && of[1] > 60, "%u and %u of 200", of[0], of[1]);
	gw_proxy_node_down(proxy, 1 - first, now);
	ck_assert_uint_eq(stats().retried, 0);
}
END_TEST

/* Whatever their order in the configuration. */
START_TEST(priority)
{
	const struct gw_proxy_node turned[] = { nodes[2], nodes[0], nodes[1] };
	struct gw_proxy_conf c = conf;

	c.nodes = turned;
	start(&c);
	ck_assert(gw_proxy_scs_open(proxy, 1, "scs.test", "test", "192.0.2.1", NULL));
	up(1, 0, 1);
	ask(1, 1, 1, "scs.test");
	TO_NODE(2);
	gw_proxy_node_down(proxy, 2, now);
	TO_NODE(0);
	ask(1, 2, 2, "scs.test");
	TO_NODE(0);
}
END_TEST

START_TEST(a_node_dies)
{
	struct sent lost;
	const struct sent *s;
	unsigned first;

	up(1, 1, 1);
	ask(1, 0xabcd, 0x1234, "scs.test");
	lost = *TO_NODE(ANY);
	first = (unsigned)lost.to;
	gw_proxy_node_down(proxy, first, now);
	s = TO_NODE(1 - first);
	ck_assert(hdr(s).flags & DIA_F_RETRANSMIT);
	ck_assert_uint_eq(hdr(s).e2e, 0x1234);
	ck_assert_uint_ne(hdr(s).hbh, hdr(&lost).hbh);
	ck_assert_str_eq(all(s, DIA_Route_Record), "scs.test");
	ck_assert_str_eq(all(s, DIA_Proxy_Info), US "=1 192.0.2.1 abc");
	/* The first one lives after all: what it says is about nothing any more. */
	gw_proxy_node_up(proxy, first);
	node_answers(&lost, 2001);
	ck_assert_uint_eq(stats().late_answers, 1);
	gw_proxy_node_down(proxy, 1 - first, now);
	s = TO_NODE(2);
	ck_assert(hdr(s).flags & DIA_F_RETRANSMIT);
	ck_assert_str_eq(all(s, DIA_Destination_Realm), "spare-inside");
	ck_assert_uint_eq(stats().retried, 2);
	gw_proxy_node_down(proxy, 2, now);
	ck_assert_uint_eq(result_of(TO_SCS(1)), 3002);
	ck_assert_uint_eq(stats().in_flight, 0);
}
END_TEST

START_TEST(a_node_is_silent)
{
	const struct sent *s;
	unsigned first;

	up(1, 1, 0);
	ask(1, 1, 2, "scs.test");
	first = (unsigned)TO_NODE(ANY)->to;
	ck_assert_uint_eq(gw_proxy_tick(proxy, now), TIMEOUT > 1000 ? 1000 : TIMEOUT);
	ck_assert_uint_eq(gw_proxy_tick(proxy, now + TIMEOUT - 1), 1);
	ck_assert_uint_eq(nsent, 1);
	gw_proxy_tick(proxy, now += TIMEOUT);
	s = TO_NODE(1 - first);
	ck_assert(hdr(s).flags & DIA_F_RETRANSMIT);
	ck_assert_uint_eq(stats().timeouts, 1);
	gw_proxy_tick(proxy, now + TIMEOUT - 1);         /* it has all its time again */
	ck_assert_uint_eq(nsent, 2);
	ask(2, 7, 8, "other.test");
	TO_NODE(ANY);
	gw_proxy_tick(proxy, now + TIMEOUT);
	ck_assert_uint_eq(nsent, 5);                     /* of both the time was up: one is refused, one goes elsewhere */
	ck_assert_uint_eq(result_of(&sent[3]), 3002);
	ck_assert_uint_eq(sent[3].to, 1);
	ck_assert(!sent[4].to_scs);
	ck_assert_uint_eq(stats().in_flight, 1);
}
END_TEST

START_TEST(a_node_says_no)
{
	static const uint32_t useless[] = { 3002, 0 };
	const struct sent *s;
	unsigned first;

	for (size_t i = 0; i < 2; i++) {
		setup();
		up(1, 1, 0);
		ask(1, 1, 2, "scs.test");
		s = TO_NODE(ANY);
		first = (unsigned)s->to;
		node_answers(s, useless[i]);
		s = TO_NODE(1 - first);
		ck_assert(hdr(s).flags & DIA_F_RETRANSMIT);
		node_answers(s, useless[i]);
		ck_assert_uint_eq(result_of(TO_SCS(1)), 3002);
		ck_assert_uint_eq(stats().in_flight, 0);
		ck_assert_uint_eq(stats().strays, useless[i] ? 0 : 2);
	}
	/* Any other refusal is the answer. */
	ask(1, 1, 2, "scs.test");
	node_answers(TO_NODE(ANY), 3004);
	ck_assert_uint_eq(result_of(TO_SCS(1)), 3004);
}
END_TEST

/* A node whose queue is full was not asked: no T flag for the next one. */
START_TEST(a_node_takes_nothing)
{
	const struct sent *s;

	up(1, 1, 1);
	node_deaf[0] = node_deaf[1] = true;
	ck_assert_int_eq(ask(1, 1, 2, "scs.test"), RS_NONE);
	s = TO_NODE(2);
	ck_assert(!(hdr(s).flags & DIA_F_RETRANSMIT));
	node_deaf[2] = true;
	ck_assert_int_eq(ask(1, 3, 4, "scs.test"), RS_NO_NODE);
	ck_assert_uint_eq(result_of(TO_SCS(1)), 3002);
}
END_TEST

START_TEST(answers_to_nothing)
{
	struct sent asked;

	up(1, 1, 0);
	ask(1, 1, 2, "scs.test");
	asked = *TO_NODE(ANY);
	begin_answer(&asked, "node0.inside", 2001);      /* of the other node */
	ck_assert(dia_end(&w));
	gw_proxy_from_node(proxy, 1 - (unsigned)asked.to, w.p, w.n, now);
	w.p[7] ^= 1;                                     /* to another command */
	gw_proxy_from_node(proxy, (unsigned)asked.to, w.p, w.n, now);
	w.p[7] ^= 1;
	w.p[15] ^= 1;                                    /* to another request */
	gw_proxy_from_node(proxy, (unsigned)asked.to, w.p, w.n, now);
	w.p[15] ^= 1;
	gw_proxy_from_scs(proxy, 1, w.p, w.n, now);      /* by the SCS itself */
	gw_proxy_from_node(proxy, 0, w.p, 19, now);      /* no message at all */
	ck_assert_uint_eq(nsent, 1);
	ck_assert_uint_eq(stats().late_answers, 4);
	ck_assert_uint_eq(stats().in_flight, 1);
	node_answers(&asked, 2001);
	TO_SCS(1);
	node_answers(&asked, 2001);
	ck_assert_uint_eq(nsent, 2);
	/* Its place is taken by another request, which it does not answer either. */
	ask(1, 3, 4, "scs.test");
	TO_NODE(ANY);
	node_answers(&asked, 2001);
	ck_assert_uint_eq(nsent, 3);
	ck_assert_uint_eq(stats().late_answers, 6);
}
END_TEST

START_TEST(bound_of_an_scs)
{
	const struct sent *s;

	up(1, 0, 0);
	ck_assert(gw_proxy_scs_open(proxy, 3, "Scs.test", "test", "192.0.2.3", NULL));
	for (uint32_t i = 0; i < 10; i++)
		ck_assert_int_eq(ask(i % 2 ? 1 : 3, i, i, "scs.test"), RS_NONE);
	ck_assert_int_eq(ask(3, 0xabcd, 0x1234, "scs.test"), RS_IN_FLIGHT);
	s = &sent[10];
	ck_assert(nsent == 11 && s->to_scs && s->to == 3);
	ck_assert_uint_eq(result_of(s), 3004);
	ck_assert(hdr(s).flags & DIA_F_ERROR);
	ck_assert_uint_eq(hdr(s).hbh, 0xabcd);
	ck_assert_uint_eq(stats().too_busy, 1);
	ck_assert_int_eq(ask(2, 1, 1, "other.test"), RS_NONE);
	node_answers(&sent[4], 2001);
	ck_assert_int_eq(ask(1, 1, 1, "scs.test"), RS_NONE);
	ck_assert_int_eq(ask(1, 1, 1, "scs.test"), RS_IN_FLIGHT);
	/* What one connection had under way counts no more when it has gone. */
	gw_proxy_scs_closed(proxy, 3);
	ck_assert_int_eq(ask(1, 1, 1, "scs.test"), RS_NONE);
}
END_TEST

/* As many to it as from it; those of others go on. */
START_TEST(bound_of_reports)
{
	up(1, 0, 0);
	for (uint32_t i = 0; i < 10; i++)
		report(0, i, i, "scs.test");
	ck_assert(sent[9].to_scs);
	report(0, 10, 10, "scs.test");
	ck_assert_uint_eq(result_of(&sent[10]), 3004);
	report(0, 11, 11, "other.test");
	ck_assert(sent[11].to_scs && ask(1, 1, 1, "scs.test") == RS_NONE);
	scs_answers(&sent[3], 1, "scs.test", 2001);
	report(0, 12, 12, "scs.test");
	ck_assert(nsent == 15 && sent[14].to_scs);
}
END_TEST

START_TEST(bound_of_all)
{
	struct gw_proxy_conf few = conf;

	few.in_flight = 3;
	start(&few);
	ck_assert(gw_proxy_scs_open(proxy, 1, "scs.test", "test", "192.0.2.1", NULL));
	up(1, 0, 0);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_int_eq(ask(1, i, i, "scs.test"), RS_NONE);
	ck_assert_int_eq(ask(1, 1, 1, "scs.test"), RS_IN_FLIGHT);
	ck_assert_uint_eq(result_of(&sent[3]), 3004);
	report(0, 5, 6, "scs.test");
	ck_assert(nsent == 5 && !sent[4].to_scs);
	ck_assert_uint_eq(result_of(&sent[4]), 3004);
	ck_assert_uint_eq(stats().too_busy, 2);
	node_answers(&sent[1], 2001);
	report(0, 5, 6, "scs.test");
	ck_assert(sent[6].to_scs && hdr(&sent[6]).flags & DIA_F_REQUEST);
}
END_TEST

START_TEST(one_place)
{
	struct gw_proxy_conf one = conf;

	one.in_flight = 1;
	start(&one);
	ck_assert(gw_proxy_scs_open(proxy, 1, "scs.test", "test", "192.0.2.1", NULL));
	up(1, 0, 0);
	for (uint32_t i = 0; i < 50; i++) {
		ck_assert(ask(1, i, i, "scs.test") == RS_NONE && ask(1, i, i, "scs.test") == RS_IN_FLIGHT);
		node_answers(&sent[nsent - 2], 2001);
		ck_assert_uint_eq(result_of(&sent[nsent - 1]), 2001);
	}
}
END_TEST

START_TEST(dnr_and_dna)
{
	struct sent s;
	const struct sent *back;

	up(1, 1, 0);
	begin_dnr(0xabcd, 0x1234, "SCS.test");
	dia_put_text(&w, DIA_Route_Record, "hss.inside");
	dia_put_u32(&w, DIA_Origin_State_Id, 1);
	dia_put_text(&w, DIA_User_Name, "secret");
	proxy_info("node0.inside", "secret");
	dia_open(&w, DIA_Device_Notification);
	dia_put_u32(&w, DIA_Reference_Number, 9);
	dia_close(&w);
	ck_assert(dia_end(&w));
	gw_proxy_from_node(proxy, 0, w.p, w.n, now);
	s = *TO_SCS(1);
	ck_assert(hdr(&s).e2e == 0x1234 && hdr(&s).hbh != 0xabcd && hdr(&s).flags == (DIA_F_REQUEST | DIA_F_PROXIABLE));
	ck_assert_str_eq(all(&s, DIA_Session_Id), US ";77;0");
	ck_assert_str_eq(all(&s, DIA_Origin_Host), US);
	ck_assert_str_eq(all(&s, DIA_Origin_Realm), "test");
	ck_assert_str_eq(all(&s, DIA_Destination_Host), "scs.test");
	ck_assert_str_eq(all(&s, DIA_Destination_Realm), "scs-realm");
	ck_assert(contains(&s, "\xc0") && !contains(&s, "inside") && !contains(&s, "secret"));
	/* Not of another SCS, and not under another name. */
	scs_answers(&s, 2, "scs.test", 2001);
	ck_assert_uint_eq(stats().late_answers, 1);
	begin_answer(&s, "scs.test", 2001);
	dia_put_text(&w, DIA_Route_Record, "behind.scs.test");
	proxy_info("behind.scs.test", "mine");
	ck_assert(dia_end(&w));
	gw_proxy_from_scs(proxy, 1, w.p, w.n, now);
	back = TO_NODE(0);
	ck_assert(hdr(back).hbh == 0xabcd && hdr(back).e2e == 0x1234);
	ck_assert_str_eq(all(back, DIA_Session_Id), "node0.inside;3;4");
	ck_assert_str_eq(all(back, DIA_Proxy_Info), "node0.inside=secret");
	ck_assert_str_eq(all(back, DIA_Route_Record), "");
	ck_assert_str_eq(all(back, DIA_Origin_Host), "scs.test");
	ck_assert_uint_eq(result_of(back), 2001);
	ck_assert_uint_eq(stats().dnas, 1);
	ck_assert_uint_eq(stats().in_flight, 0);
	scs_answers(&s, 1, "scs.test", 2001);
	ck_assert_uint_eq(stats().late_answers, 2);
	report(1, 1, 2, "scs.test");
	ck_assert_str_eq(all(TO_SCS(1), DIA_Session_Id), US ";77;1");
}
END_TEST

static const char *const nobody[] = { NULL, "third.test", "scs.tes", "scs.test.x", US, "" };
START_TEST(dnr_to_nobody)
{
	up(1, 0, 0);
	report(0, 0xabcd, 0x1234, nobody[_i]);
	ck_assert_msg(result_of(TO_NODE(0)) == 3002, "to '%s'", nobody[_i]);
	ck_assert(hdr(&sent[0]).hbh == 0xabcd && hdr(&sent[0]).e2e == 0x1234);
	ck_assert_str_eq(text(&sent[0], DIA_Session_Id), "node0.inside;3;4");
	ck_assert_str_eq(text(&sent[0], DIA_Origin_Host), US);
	ck_assert_uint_eq(stats().in_flight, 0);
}
END_TEST

START_TEST(not_a_dnr)
{
	up(1, 0, 0);
	begin_dnr(1, 2, "scs.test");
	dia_put_text(&w, DIA_Route_Record, "scs.test");
	dia_put_text(&w, DIA_Route_Record, "IWF.test");
	ck_assert(dia_end(&w));
	gw_proxy_from_node(proxy, 0, w.p, w.n, now);
	ck_assert_uint_eq(result_of(TO_NODE(0)), 3005);
	begin_dnr(1, 2, "scs.test");
	ck_assert(dia_end(&w));
	w.p[7] ^= 1;
	gw_proxy_from_node(proxy, 0, w.p, w.n, now);
	ck_assert_uint_eq(result_of(TO_NODE(0)), 3001);
	w.p[11] ^= 1;
	gw_proxy_from_node(proxy, 0, w.p, w.n, now);
	ck_assert_uint_eq(result_of(TO_NODE(0)), 3007);
}
END_TEST

START_TEST(the_newest_connection)
{
	up(1, 0, 0);
	ck_assert(gw_proxy_scs_open(proxy, 3, "scs.test", "test", "192.0.2.1", NULL));
	report(0, 1, 1, "scs.test");
	TO_SCS(3);
	report(0, 2, 2, "scs.test");
	TO_SCS(3);
	scs_answers(&sent[1], 1, "scs.test", 2001);        /* by the other connection of the same SCS */
	ck_assert_uint_eq(nsent, 2);
	gw_proxy_scs_closed(proxy, 3);
	ck_assert_uint_eq(nsent, 4);                       /* both, once each */
	ck_assert_uint_eq(result_of(&sent[2]), 3002);
	ck_assert_uint_eq(result_of(&sent[3]), 3002);
	ck_assert_uint_eq(hdr(&sent[2]).hbh + hdr(&sent[3]).hbh, 3);
	report(0, 3, 3, "scs.test");
	ck_assert(sent[4].to_scs && sent[4].to == 1);
	gw_proxy_scs_closed(proxy, 3);                     /* it has gone long since */
	gw_proxy_scs_closed(proxy, 1);
	ck_assert_uint_eq(nsent, 6);
	report(0, 4, 4, "scs.test");
	ck_assert_uint_eq(result_of(&sent[6]), 3002);
	gw_proxy_from_scs(proxy, 1, w.p, w.n, now);
	ck_assert_uint_eq(nsent, 7);
}
END_TEST

START_TEST(dna_that_is_none)
{
	up(1, 0, 0);
	report(0, 1, 1, "scs.test");
	scs_answers(TO_SCS(1), 1, "other.test", 2001);
	ck_assert_uint_eq(result_of(TO_NODE(0)), 3002);
	report(0, 2, 2, "scs.test");
	scs_answers(TO_SCS(1), 1, "scs.test", 0);
	ck_assert_uint_eq(result_of(TO_NODE(0)), 3002);
	report(0, 3, 3, "scs.test");
	begin_answer(TO_SCS(1), "other.test", 2001);
	dia_put_text(&w, DIA_Origin_Host, "scs.test");     /* one name of each kind */
	ck_assert(dia_end(&w));
	gw_proxy_from_scs(proxy, 1, w.p, w.n, now);
	ck_assert_uint_eq(result_of(TO_NODE(0)), 3002);
	ck_assert_uint_eq(stats().strays, 3);
	/* What the SCS answers is told as it is. */
	report(0, 4, 4, "scs.test");
	scs_answers(TO_SCS(1), 1, "SCS.test", 5012);
	ck_assert_uint_eq(result_of(TO_NODE(0)), 5012);
}
END_TEST

START_TEST(dnr_without_an_end)
{
	up(1, 1, 0);
	report(0, 1, 1, "scs.test");
	TO_SCS(1);
	gw_proxy_tick(proxy, now += TIMEOUT);
	ck_assert_uint_eq(result_of(TO_NODE(0)), 3002);
	scs_deaf = true;
	report(0, 2, 2, "scs.test");
	ck_assert_uint_eq(result_of(TO_NODE(0)), 3002);
	scs_deaf = false;
	report(0, 3, 3, "scs.test");
	TO_SCS(1);
	gw_proxy_node_down(proxy, 0, now);                 /* the one that wants to know it */
	scs_answers(&sent[nsent - 1], 1, "scs.test", 2001);
	gw_proxy_tick(proxy, now += 2 * TIMEOUT);
	ck_assert_uint_eq(nsent, 4);
	ck_assert_uint_eq(stats().in_flight, 0);
}
END_TEST

START_TEST(an_scs_leaves)
{
	struct sent asked;

	up(1, 1, 0);
	ask(1, 1, 2, "scs.test");
	asked = *TO_NODE(ANY);
	gw_proxy_scs_closed(proxy, 1);
	ck_assert_uint_eq(stats().in_flight, 0);
	ck_assert(gw_proxy_scs_open(proxy, 3, "scs.test", "test", "192.0.2.1", NULL));
	node_answers(&asked, 2001);
	gw_proxy_node_down(proxy, (unsigned)asked.to, now);
	gw_proxy_tick(proxy, now += TIMEOUT);
	ck_assert_uint_eq(nsent, 1);
	ck_assert_uint_eq(stats().late_answers, 1);
	ck_assert_int_eq(ask(1, 1, 2, "scs.test"), RS_NONE);   /* of a connection that is not there: nobody to answer */
	ck_assert_uint_eq(nsent, 1);
}
END_TEST

/* Thousands of names come, ask, are asked and go in the middle of it: memory stays what it was. */
START_TEST(a_crowd)
{
	size_t before = 0;
	char host[64];

	up(1, 1, 1);
	for (uint32_t i = 0; i < 21000; i++) {
		if (i == 1000)
			before = mallinfo2().uordblks;
		snprintf(host, sizeof(host), "a-rather-long-name-of-an-scs-%u.test", i);
		ck_assert(gw_proxy_scs_open(proxy, 1000 + i, host, "test", "192.0.2.1", "abc"));
		ask(1000 + i, i, i, host);
		report(0, i, i, host);
		if (i % 3)
			node_answers(&sent[0], 2001);
		gw_proxy_scs_closed(proxy, 1000 + i);
		nsent = 0;
	}
	ck_assert_uint_eq(stats().in_flight, 0);
	ck_assert_msg(mallinfo2().uordblks < before + 100000, "%zu octets more", mallinfo2().uordblks - before);
}
END_TEST

START_TEST(not_so)
{
	struct gw_proxy_conf c = conf;

	c.in_flight = 0;
	ck_assert_ptr_null(gw_proxy_new(&c, &ports));
	c.in_flight = (1u << 24) + 1;
	ck_assert_ptr_null(gw_proxy_new(&c, &ports));
	c = conf;
	c.nnodes = 9;
	ck_assert_ptr_null(gw_proxy_new(&c, &ports));
	gw_proxy_free(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gw_proxy");
	TCase *t = tcase_create("one by one");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, inward);
	tcase_add_test(t, outward);
	tcase_add_test(t, outward_error);
	tcase_add_test(t, outward_too_long);
	tcase_add_test(t, no_node);
	tcase_add_test(t, choice);
	tcase_add_test(t, priority);
	tcase_add_test(t, a_node_dies);
	tcase_add_test(t, a_node_is_silent);
	tcase_add_test(t, a_node_says_no);
	tcase_add_test(t, a_node_takes_nothing);
	tcase_add_test(t, answers_to_nothing);
	tcase_add_test(t, bound_of_an_scs);
	tcase_add_test(t, bound_of_reports);
	tcase_add_test(t, bound_of_all);
	tcase_add_test(t, one_place);
	tcase_add_test(t, dnr_and_dna);
	tcase_add_loop_test(t, dnr_to_nobody, 0, sizeof(nobody) / sizeof(*nobody));
	tcase_add_test(t, not_a_dnr);
	tcase_add_test(t, the_newest_connection);
	tcase_add_test(t, dna_that_is_none);
	tcase_add_test(t, dnr_without_an_end);
	tcase_add_test(t, an_scs_leaves);
	tcase_add_test(t, a_crowd);
	tcase_add_test(t, not_so);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
