/* fuzz_gate.c - messages as mtc-secgw gets them, framed well and otherwise anything: a DAR or what else an SCS sends, a
 * DAA or DNR of a node, a DNA of an SCS.
 *
 * Holds: what the gate refuses has an answer that a node would have given; what it lets pass says of itself nothing but what the
 * connection proves, and goes on whole; outward no name of the inside stands anywhere; answers belong to their requests. */
#include <string.h>
#include <strings.h>
#include "fuzz.h"
#include "gw_rewrite.h"

#define GATEWAY "iwf.operator.example"
#define REALM   "operator.example"
#define NODE    "iwf1.inside.example"
#define SCS     "scs.acme.example"
#define SCS_REALM "acme.example"
#define F(id)   (&dia_avps[DIA_##id])

static const char *const inside[] = { NODE, "iwf2.inside.example" };
static const struct gw_names names = { .identity = GATEWAY, .realm = REALM, .inside = inside, .ninside = 2 };
static const struct gw_gate_conf gate = { .identity = GATEWAY, .realm = REALM, .rate_per_s = 100, .burst = 100 };

static bool equal(const struct dia_avp *a, const char *text)
{
	return a->len == strlen(text) && !strncasecmp((const char *)a->data, text, a->len);
}

/* How many of that kind; *last: the last one. */
static unsigned count(const uint8_t *msg, size_t n, const struct dia_avpdef *def, struct dia_avp *last)
{
	const uint8_t *p = msg + DIA_HDR_LEN;
	size_t left = n - DIA_HDR_LEN;
	unsigned found = 0;
	struct dia_avp a;
	int more;

	while ((more = dia_avp_next(&p, &left, &a)) > 0)
		if (a.def == def) {
			*last = a;
			found++;
		}
	HOLDS(more == 0);
	return found;
}

static bool is_once(const uint8_t *msg, size_t n, const struct dia_avpdef *def, const char *text)
{
	struct dia_avp a;

	return count(msg, n, def, &a) == 1 && equal(&a, text);
}

/* There, and whenever it is there it says that. */
static bool is_always(const uint8_t *msg, size_t n, const struct dia_avpdef *def, const char *text)
{
	const uint8_t *p = msg + DIA_HDR_LEN;
	size_t left = n - DIA_HDR_LEN;
	struct dia_avp a;
	bool found = false;

	while (dia_avp_next(&p, &left, &a) > 0)
		if (a.def == def) {
			found = true;
			if (!equal(&a, text))
				return false;
		}
	return found;
}

static void check_answer(const struct dia_writer *w, const struct dia_hdr *asked)
{
	struct dia_hdr h;

	HOLDS(!w->failed && dia_hdr_read(w->p, w->n, &h) && h.length == w->n);
	HOLDS(!(h.flags & DIA_F_REQUEST) && h.code == asked->code && h.app == asked->app && h.hbh == asked->hbh && h.e2e == asked->e2e);
}

static void check_refusal(const uint8_t *msg, size_t n, const struct dia_hdr *h, const struct dia_writer *w)
{
	struct dia_avp a, asked, note;
	uint32_t code = 0;

	check_answer(w, h);
	HOLDS(is_once(w->p, w->n, F(Origin_Host), GATEWAY) && is_once(w->p, w->n, F(Origin_Realm), REALM));
	HOLDS(count(w->p, w->n, F(Result_Code), &a) == 1 && dia_avp_u32(&a, &code) && code == gw_result_of(w->p, w->n));
	HOLDS((code / 1000 == 3) == (w->p[4] & DIA_F_ERROR ? true : false));
	HOLDS(dia_msg_find(msg, n, DIA_Session_Id, &asked) == (count(w->p, w->n, F(Session_Id), &a) == 1));
	if (h->code == TSP_CMD_DAR && h->app == TSP_APP_ID)
		HOLDS(count(w->p, w->n, F(Device_Notification), &note) == 1 && dia_group_find(&note, DIA_Reference_Number, &a) &&
		      dia_group_find(&note, DIA_Action_Type, &a));
}

/* A Proxy-Info that says it is the gateway's. */
static bool is_gateways(const struct dia_avp *a)
{
	const uint8_t *p = a->data;
	size_t n = a->len;
	struct dia_avp in;

	while (a->def == F(Proxy_Info) && dia_avp_next(&p, &n, &in) > 0)
		if (in.def == F(Proxy_Host) && equal(&in, GATEWAY))
			return true;
	return false;
}

static unsigned count_gateways(const uint8_t *msg, size_t n)
{
	const uint8_t *p = msg + DIA_HDR_LEN;
	size_t left = n - DIA_HDR_LEN;
	unsigned found = 0;
	struct dia_avp a;

	while (dia_avp_next(&p, &left, &a) > 0)
		found += is_gateways(&a);
	return found;
}

/* The AVPs of one message that are not replaced on the way are in the other, in the same order. */
static bool replaced(const struct dia_avp *a)
{
	return a->def == F(Destination_Host) || a->def == F(Destination_Realm) || is_gateways(a);
}

static void check_passed(const uint8_t *msg, size_t n, const struct dia_hdr *h)
{
	const uint8_t *p = msg + DIA_HDR_LEN, *q;
	size_t left = n - DIA_HDR_LEN, rest;
	struct dia_writer w = { 0 };
	struct dia_avp a, b, in;
	struct dia_hdr out;

	HOLDS(gw_rewrite_dar(&names, msg, n, 77, true, SCS, "1 state", REALM, &w));
	HOLDS(dia_hdr_read(w.p, w.n, &out) && out.length == w.n && out.hbh == 77 && out.e2e == h->e2e && out.code == TSP_CMD_DAR);
	HOLDS((out.flags & (DIA_F_REQUEST | DIA_F_RETRANSMIT)) == (DIA_F_REQUEST | DIA_F_RETRANSMIT));
	HOLDS(is_once(w.p, w.n, F(Origin_Host), SCS) && is_once(w.p, w.n, F(Origin_Realm), SCS_REALM));
	HOLDS(is_once(w.p, w.n, F(Destination_Realm), REALM) && count(w.p, w.n, F(Destination_Host), &a) == 0);
	HOLDS(count(w.p, w.n, F(Route_Record), &a) == count(msg, n, F(Route_Record), &b) + 1 && equal(&a, SCS));
	HOLDS(count_gateways(w.p, w.n) == 1);
	HOLDS(count(w.p, w.n, F(Proxy_Info), &a) == count(msg, n, F(Proxy_Info), &b) - count_gateways(msg, n) + 1);
	HOLDS(dia_group_find(&a, DIA_Proxy_Host, &in) && equal(&in, GATEWAY) && dia_group_find(&a, DIA_Proxy_State, &in) &&
	      equal(&in, "1 state"));
	q = w.p + DIA_HDR_LEN;
	rest = w.n - DIA_HDR_LEN;
	while (dia_avp_next(&p, &left, &a) > 0) {
		if (replaced(&a))
			continue;
		do
			HOLDS(dia_avp_next(&q, &rest, &b) > 0);
		while (replaced(&b));
		HOLDS(a.code == b.code && a.flags == b.flags && a.vendor == b.vendor && a.len == b.len && !memcmp(a.data, b.data, a.len));
	}
	dia_writer_free(&w);
}

static void try_request(const uint8_t *msg, size_t n, const struct dia_hdr *h)
{
	struct gw_scs scs = { .id = 1, .name = "acme", .origin_host = SCS, .origin_realm = SCS_REALM, .cert_san = SCS, .enabled = true };
	struct gw_gate_scs state = { 0 };
	struct dia_writer w = { 0 };
	enum iwf_reason reason = gw_gate_check(&gate, &scs, &state, msg, n, 1700000000000, 1000, &w);

	if (reason == RS_NONE)
		check_passed(msg, n, h);
	else
		check_refusal(msg, n, h, &w);
	/* Whatever it is, it can be refused, and one of a row that is not enabled is. */
	gw_refuse(&gate, msg, n, 3002, "no", &w);
	check_refusal(msg, n, h, &w);
	scs.enabled = false;
	reason = gw_gate_check(&gate, &scs, &state, msg, n, 1700000000000, 1000, &w);
	HOLDS(reason != RS_NONE);
	check_refusal(msg, n, h, &w);
	dia_writer_free(&w);
}

static void check_nothing_inside(const struct dia_writer *w)
{
	for (size_t k = 0; k < names.ninside; k++) {
		const size_t len = strlen(inside[k]);

		for (size_t i = 0; i + len <= w->n; i++)
			HOLDS(strncasecmp((const char *)w->p + i, inside[k], len) != 0);
	}
}

static void make_request(struct dia_writer *w, uint32_t code, const char *from)
{
	dia_begin(w, DIA_F_REQUEST | DIA_F_PROXIABLE, code, TSP_APP_ID, 5, 6);
	dia_put_text(w, DIA_Session_Id, "session;1;2");
	dia_put_text(w, DIA_Origin_Host, from);
	HOLDS(dia_end(w));
}

static void try_daa(const uint8_t *msg, size_t n)
{
	struct dia_writer asked = { 0 }, w = { 0 };
	struct dia_hdr h;
	struct dia_avp a;

	make_request(&asked, TSP_CMD_DAR, SCS);
	dia_hdr_read(asked.p, asked.n, &h);
	gw_result_of(msg, n);
	if (gw_rewrite_daa(&names, msg, n, asked.p, asked.n, &w)) {
		check_answer(&w, &h);
		check_nothing_inside(&w);
		HOLDS(is_once(w.p, w.n, F(Session_Id), "session;1;2") && is_once(w.p, w.n, F(Origin_Host), GATEWAY));
		HOLDS(count(w.p, w.n, F(Route_Record), &a) == 0 && count(w.p, w.n, F(Proxy_Info), &a) == 0);
	}
	dia_writer_free(&asked);
	dia_writer_free(&w);
}

static void try_dnr(const uint8_t *msg, size_t n, const struct dia_hdr *h)
{
	struct dia_writer w = { 0 };
	struct dia_hdr out;
	struct dia_avp a;

	if (gw_rewrite_dnr(&names, msg, n, 77, "session;3;4", SCS, SCS_REALM, &w)) {
		HOLDS(dia_hdr_read(w.p, w.n, &out) && out.length == w.n && out.hbh == 77 && out.e2e == h->e2e);
		check_nothing_inside(&w);
		HOLDS(is_once(w.p, w.n, F(Session_Id), "session;3;4") && is_once(w.p, w.n, F(Origin_Host), GATEWAY));
		HOLDS(is_once(w.p, w.n, F(Destination_Host), SCS) && is_once(w.p, w.n, F(Destination_Realm), SCS_REALM));
		HOLDS(count(w.p, w.n, F(Route_Record), &a) == 0 && count(w.p, w.n, F(Proxy_Info), &a) == 0);
	}
	dia_writer_free(&w);
}

static void try_dna(const uint8_t *msg, size_t n)
{
	struct dia_writer asked = { 0 }, w = { 0 };
	struct dia_hdr h;

	make_request(&asked, TSP_CMD_DNR, NODE);
	dia_hdr_read(asked.p, asked.n, &h);
	if (gw_rewrite_dna(&names, msg, n, asked.p, asked.n, SCS, &w)) {
		check_answer(&w, &h);
		HOLDS(is_once(w.p, w.n, F(Session_Id), "session;1;2") && is_always(w.p, w.n, F(Origin_Host), SCS));
	}
	dia_writer_free(&asked);
	dia_writer_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dia_hdr h;

	/* What the peer stack lets through. */
	if (!dia_hdr_read(data, size, &h) || h.version != 1 || h.length != size || size % 4)
		return 0;
	if (h.flags & DIA_F_REQUEST) {
		try_request(data, size, &h);
		try_dnr(data, size, &h);
	} else {
		try_daa(data, size);
		try_dna(data, size);
	}
	return 0;
}
