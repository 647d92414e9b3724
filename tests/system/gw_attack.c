/* gw_attack.c - attacks on the gateway, one each time it is called:
 *
 *   gw_attack [--node] PORT PKI DOOR REALM CASE
 *
 * --node: DOOR is a node, which answers otherwise in places.  PORT: of the TLS listener on 127.0.0.1; PKI: directory of HOST.crt and HOST.key; DOOR, REALM: the gateway's
 * Diameter identity.  Exit status 0: it did what it should; 1: what is printed.  The limits of
 * t_secgw_attack.sh are assumed: half_open 60 (30 from one address), hello 1 s, handshake 2 s, CER 1 s more,
 * message_max 128 KiB, queue_max 256 KiB, stall 1 s; the attacking SCS has 20 requests a second, 40 at once. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "gw_attack.h"

struct raw_net net;
struct raw me;
struct dia_writer w;
char complaint[512];
unsigned source;

const char *say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(complaint, sizeof(complaint), fmt, ap);
	va_end(ap);
	return complaint;
}

static uint32_t fresh(void)
{
	static uint32_t n;

	if (!n)
		n = (uint32_t)getpid() << 12;
	return ++n;
}

void good_dar(void)
{
	uint32_t n = fresh();

	raw_put_dar(&w, &(struct raw_dar){ .host = ME, .realm = MINE, .dest_realm = net.realm, .ext_id = DEVICE, .hbh = n, .reference = n });
}

static void put_dwr(void)
{
	dia_begin(&w, DIA_F_REQUEST, RAW_DWR, 0, 7, 7);
	dia_put_text(&w, DIA_Origin_Host, ME);
	dia_put_text(&w, DIA_Origin_Realm, MINE);
}

/* After a connection that broke, freeDiameter drops its answers until three watchdogs have been exchanged.  It sends the
 * next of them as soon as it has one, so what it answers to a later DWR comes behind. */
static bool settled(void)
{
	unsigned before;

	do {
		before = me.watchdogs;
		put_dwr();
		if (asked(NULL) != 2001)
			return false;
	} while (me.watchdogs != before);
	return true;
}

bool enter(void)
{
	const int64_t until = raw_now_ms() + PATIENT;
	uint32_t r = raw_open(&me, &net, ME, source);

	/* Until it has seen that the last one is gone, a node refuses the next. */
	while (at_node && r != 2001 && raw_now_ms() < until) {
		raw_pause(100);
		r = raw_open(&me, &net, ME, source);
	}
	if (r != 2001)
		say("not let in: CEA %u", r);
	if (r == 2001 && at_node && !settled()) {
		say("let in, but there is no DWA");
		return false;
	}
	return r == 2001;
}

uint32_t asked(uint32_t *status)
{
	const uint8_t *m;
	size_t n = 0;

	if (!dia_end(&w))
		return 0;
	m = raw_ask(&me, w.p, w.n, &n, PATIENT);
	if (status)
		*status = raw_status(m, n);
	return raw_result(m, n);
}

const char *still_served(void)
{
	enum { RATEEXCEEDED = 109 };             /* what went before may have used up the tokens */
	uint32_t r, status = RATEEXCEEDED;

	for (unsigned tries = 0; status == RATEEXCEEDED && tries < 50; tries++) {
		if (tries)
			usleep(100000);
		good_dar();
		status = 0;
		r = asked(&status);
	}
	return r == 2001 && status < 2 ? NULL : say("afterwards a good request: %u, Request-Status %u", r, status);
}

const char *another_gets_in(void)
{
	static struct raw other;
	uint32_t r = raw_open(&other, &net, ME, 0x7fff);

	raw_close(&other);
	return r == 2001 ? NULL : say("somebody else is not let in: CEA %u", r);
}

const char *closed_now(const char *what)
{
	size_t n;

	while (raw_next(&me, &n, PATIENT))
		if (raw_result(me.in, n) == 2001)
			return say("%s is answered 2001", what);
	return me.closed ? NULL : say("%s: the connection stays", what);
}

/* ---- framing ---- */

static const char *framing(void)
{
	static const struct { uint8_t version; uint32_t length; } heads[] = {
		{ 0, 20 }, { 2, 20 }, { 0x16, 20 }, { 1, 0 }, { 1, 4 }, { 1, 16 }, { 1, 19 }, { 1, 21 }, { 1, 22 }, { 1, 1003 }, { 1, 0xffffff },
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		const char *bad;

		if (at_node && heads[i].length == 1003)
			continue;                        /* it waits for the rest */
		if (!enter())
			return complaint;
		good_dar();
		if (!dia_end(&w))
			return say("out of memory");
		w.p[0] = heads[i].version;
		w.p[1] = (uint8_t)(heads[i].length >> 16);
		w.p[2] = (uint8_t)(heads[i].length >> 8);
		w.p[3] = (uint8_t)heads[i].length;
		raw_send(&me, w.p, w.n);
		bad = closed_now("broken framing");
		raw_close(&me);
		if (bad)
			return say("version %u, length %u: the connection stays", heads[i].version, heads[i].length);
	}
	return NULL;
}

static const char *too_long(void)
{
	const uint8_t *m;
	uint32_t r;
	size_t n = 0;

	if (!enter())
		return complaint;
	good_dar();
	if (!dia_end(&w))
		return say("out of memory");
	w.p[1] = (MESSAGE_MAX + 4) >> 16;
	w.p[2] = (uint8_t)((MESSAGE_MAX + 4) >> 8);
	w.p[3] = 4;
	m = raw_ask(&me, w.p, w.n, &n, PATIENT);
	r = raw_result(m, n);
	if (r != (at_node ? 0 : 5015))
		return say("a message that says it is too long is answered %u", r);
	return closed_now("a message too long");
}

static const char *avp_lengths(void)
{
	static const uint32_t lengths[] = { 0, 1, 7, 4096, 0xffffff };

	if (!enter())
		return complaint;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct dia_avp a;
		const uint8_t *m;
		size_t n = 0;
		uint8_t *length;

		good_dar();
		if (!dia_end(&w) || !dia_msg_find(w.p, w.n, DIA_Device_Action, &a))
			return say("out of memory");
		length = w.p + (a.raw - w.p) + 5;
		length[0] = (uint8_t)(lengths[i] >> 16);
		length[1] = (uint8_t)(lengths[i] >> 8);
		length[2] = (uint8_t)lengths[i];
		m = raw_ask(&me, w.p, w.n, &n, PATIENT);
		if (at_node && !m && me.closed) {
			raw_close(&me);
			if (!enter())
				return complaint;
			continue;
		}
		if (raw_result(m, n) / 1000 != 5)
			return say("an AVP of length %u is answered %u", lengths[i], raw_result(m, n));
	}
	return still_served();
}

/* What only the node looks at: it has to answer, and not to leave the gateway. */
static const char *inside(void)
{
	static const uint8_t liars[][8] = {       /* an AVP behind the others in Device-Action: code, flags, length */
		{ 0, 0, 16, 0, 0, 0, 0, 0 }, { 0, 0, 16, 0, 0, 0, 0, 7 }, { 0, 0, 16, 0, 0, 0, 0, 200 }, { 0, 0, 16, 0, 0, 0xff, 0xff, 0xff },
		{ 0, 0, 1, 7, 0x40, 0, 0, 0 }, { 0, 0, 1, 7, 0x40, 0, 0, 7 }, { 0, 0, 1, 7, 0x40, 0xff, 0xff, 0xff }, { 0, 0, 0, 1, 0x80, 0, 0, 8 },
	};
	static const enum dia_id twice[] = { DIA_Session_Id, DIA_Origin_Host, DIA_Destination_Realm, DIA_Auth_Application_Id };
	uint32_t r;

	if (!enter())
		return complaint;
	for (size_t i = 0; i < sizeof(liars) / sizeof(*liars); i++) {
		struct dia_avp a;
		const uint8_t *m;
		size_t n, at, grown;

		good_dar();
		if (!dia_end(&w) || !dia_msg_find(w.p, w.n, DIA_Device_Action, &a))
			return say("out of memory");
		/* Device-Action is the last one: what is put behind it becomes its own. */
		at = (size_t)(a.raw - w.p) + 5;
		grown = w.n + 8 - (size_t)(a.raw - w.p);
		dia_put_bytes(&w, liars[i], 8);
		dia_end(&w);
		memcpy(w.p + at, (uint8_t[3]){ (uint8_t)(grown >> 16), (uint8_t)(grown >> 8), (uint8_t)grown }, 3);
		m = raw_ask(&me, w.p, w.n, &n, PATIENT);
		r = raw_result(m, n);
		if (r / 1000 != 5)
			return say("a lie about a length in Device-Action, number %zu, is answered %u", i, r);
	}
	for (size_t i = 0; i < sizeof(twice) / sizeof(*twice); i++) {
		good_dar();
		if (twice[i] == DIA_Auth_Application_Id)
			dia_put_u32(&w, twice[i], RAW_TSP);
		else
			dia_put_text(&w, twice[i], twice[i] == DIA_Destination_Realm ? net.realm : ME);
		r = asked(NULL);
		if (r != 5009)
			return say("%s twice is answered %u", dia_avps[twice[i]].name, r);
	}
	return still_served();
}

/* ---- too much ---- */

/* Sends without reading a word. */
static const char *never_reads(void)
{
	const int small = 4096;
	const int64_t until = raw_now_ms() + (at_node ? WATCHED : PATIENT);
	unsigned sent = 0;

	if (!enter())
		return complaint;
	setsockopt(me.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	while (raw_now_ms() < until) {
		good_dar();
		if (!dia_end(&w) || !raw_send(&me, w.p, w.n))
			break;
		sent++;
	}
	printf("%s%u requests%s\n", at_node ? "observed: " : "", sent, raw_now_ms() < until ? ", then it is cut off" : "");
	return at_node || raw_now_ms() < until ? NULL : say("after %u requests it is still served", sent);
}

/* Reads all the time, but less than it asks for. */
static const char *reads_slowly(void)
{
	const int64_t until = raw_now_ms() + (at_node ? WATCHED : PATIENT);
	unsigned sent = 0;
	size_t n;

	if (!enter())
		return complaint;
	while (raw_now_ms() < until) {
		good_dar();
		if (!dia_end(&w) || !raw_send(&me, w.p, w.n))
			break;
		if (++sent % 4 == 0)
			raw_next(&me, &n, 0);
	}
	printf("%s%u requests%s\n", at_node ? "observed: " : "", sent, raw_now_ms() < until ? ", then it is cut off" : "");
	return at_node || raw_now_ms() < until ? NULL : say("after %u requests it is still served", sent);
}

static const char *flood(void)
{
	const int64_t begun = raw_now_ms();
	unsigned sent = 0, answered = 0, accepted = 0, exceeded = 0;
	double may;
	size_t n;

	if (!enter())
		return complaint;
	while (sent < 3 * 50 * RATE && !me.closed) {
		int64_t due = begun + (int64_t)sent * 1000 / (50 * RATE), now = raw_now_ms();
		const uint8_t *m = sent == answered && now >= due ? NULL : raw_next(&me, &n, now < due ? (uint32_t)(due - now) : 0);

		if (m) {
			uint32_t status = raw_status(m, n);

			answered += !(m[4] & DIA_F_REQUEST);
			accepted += status < 2;
			exceeded += status == 109;
		} else if (raw_now_ms() >= due) {
			good_dar();
			if (dia_end(&w) && raw_send(&me, w.p, w.n))
				sent++;
		}
	}
	while (answered < sent && raw_next(&me, &n, PATIENT)) {
		uint32_t status = raw_status(me.in, n);

		answered += !(me.in[4] & DIA_F_REQUEST);
		accepted += status < 2;
		exceeded += status == 109;
	}
	may = RATE * (double)(raw_now_ms() - begun) / 1000 + BURST + 1;
	printf("%u requests in %lld ms: %u accepted, %u RATEEXCEEDED\n", sent, (long long)(raw_now_ms() - begun), accepted, exceeded);
	if (answered != sent || accepted + exceeded != sent)
		return say("of %u requests %u were answered, %u accepted, %u RATEEXCEEDED", sent, answered, accepted, exceeded);
	if (accepted > may || accepted < BURST)
		return say("%u accepted, %.0f are allowed", accepted, may);
	return NULL;
}

/* Each of n copies of what w holds is answered; read as they come. */
static const char *all_answered(unsigned count, const char *what)
{
	unsigned sent = 0, answered = 0;
	size_t n;

	while (answered < count) {
		while (sent < count && sent - answered < 100 && raw_send(&me, w.p, w.n))
			sent++;
		if (!raw_next(&me, &n, PATIENT))
			return say("%s: %u sent, %u answered%s", what, sent, answered, me.closed ? ", closed" : "");
		answered += !(me.in[4] & DIA_F_REQUEST);
	}
	return NULL;
}

static const char *dwr_storm(void)
{
	const char *bad;

	if (!enter())
		return complaint;
	put_dwr();
	bad = dia_end(&w) ? all_answered(20000, "DWR") : "out of memory";
	return bad ? bad : still_served();
}

static const char *malformed(void)
{
	const char *bad;

	if (!enter())
		return complaint;
	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, RAW_DAR, RAW_TSP, 9, 9);
	dia_put_text(&w, DIA_Origin_Host, OTHER);
	bad = dia_end(&w) ? all_answered(50000, "malformed") : "out of memory";
	return bad ? bad : still_served();
}

/* Above 64 KiB, but within message_max: more than goes inside.  A node closes the connection. */
static bool much_is_answered(uint32_t r)
{
	if (w.n <= 64511)
		return r == 2001 || r / 1000 == 5;
	if (!at_node)
		return r == 5015;
	if (w.n <= 65535)
		return r == 2001 || r / 1000 == 5;
	if (r || !me.closed)
		return false;
	raw_close(&me);
	return enter();
}

static const char *many_avps(void)
{
	if (!enter())
		return complaint;
	for (unsigned count = 1000; count <= 16000; count += 1500) {
		uint32_t r;

		good_dar();
		for (unsigned i = 0; i < count; i++)
			dia_put_raw(&w, 60000u + i % 7, 0, 0, NULL, 0);
		r = asked(NULL);
		if (!much_is_answered(r))
			return say("%u AVPs, %zu octets: answered %u", count, w.n, r);
	}
	return still_served();
}

static const char *long_texts(void)
{
	static const enum dia_id ids[] = { DIA_Origin_Host, DIA_Destination_Host, DIA_Session_Id, DIA_User_Name, DIA_Route_Record };
	static char text[60001];

	if (!enter())
		return complaint;
	memset(text, 'a', sizeof(text) - 1);
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		uint32_t r;

		good_dar();
		dia_put_text(&w, ids[i], text);
		r = asked(NULL);
		if (r < 2001)
			return say("%s of 60,000 octets: no answer", dia_avps[ids[i]].name);
	}
	return still_served();
}

/* Groups in groups, innermost first. */
static size_t nest(uint32_t code, unsigned depth, uint8_t *out)
{
	size_t n = 0;

	for (unsigned i = 0; i < depth; i++) {
		size_t len = n + 8;

		memmove(out + 8, out, n);
		memcpy(out, (uint8_t[8]){ (uint8_t)(code >> 24), (uint8_t)(code >> 16), (uint8_t)(code >> 8), (uint8_t)code, 0, (uint8_t)(len >> 16),
		                          (uint8_t)(len >> 8), (uint8_t)len }, 8);
		n = len;
	}
	return n;
}

static const char *nested(void)
{
	static const enum dia_id groups[] = { DIA_Failed_AVP, DIA_Proxy_Info, DIA_Vendor_Specific_Application_Id };
	static const unsigned depths[] = { 100, 1000, 7900, 10000 };
	static uint8_t deep[100000];

	if (!enter())
		return complaint;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		for (size_t k = 0; k < sizeof(depths) / sizeof(*depths); k++) {
			size_t n = nest(dia_avps[groups[i]].code, depths[k], deep);
			uint32_t r;

			good_dar();
			dia_put_bytes(&w, deep, n);
			r = asked(NULL);
			if (!much_is_answered(r))
				return say("%s %u deep, %zu octets: answered %u", dia_avps[groups[i]].name, depths[k], w.n, r);
		}
	return still_served();
}

/* ---- what an SCS must not say ---- */

static const char *others_name(void)
{
	const struct { const char *host, *realm; } lies[] = {
		{ OTHER, "acme.example" }, { OTHER, MINE }, { ME, "acme.example" }, { "hss.operator.example", net.realm }, { net.door, net.realm },
		{ "scs.nordtrack.example.evil.example", MINE }, { "", MINE },
	};

	if (!enter())
		return complaint;
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		uint32_t n = fresh(), r, status;

		raw_put_dar(&w, &(struct raw_dar){ .host = lies[i].host, .realm = lies[i].realm, .dest_realm = net.realm, .ext_id = DEVICE,
		                                   .hbh = n, .reference = n });
		r = asked(&status);
		if (r != 5003)
			return say("a request of %s in %s is answered %u", lies[i].host, lies[i].realm, r);
	}
	return still_served();
}

static const char *answers(void)
{
	size_t n;

	if (!enter())
		return complaint;
	for (unsigned i = 0; i < 2000; i++) {
		dia_begin(&w, i % 3 ? DIA_F_PROXIABLE : DIA_F_ERROR, i % 2 ? RAW_DAR : RAW_DNR, RAW_TSP, i * 2654435761u, i);
		dia_put_text(&w, DIA_Session_Id, "x;1;1");
		dia_put_u32(&w, DIA_Result_Code, i % 5 ? 2001 : 3002);
		dia_put_text(&w, DIA_Origin_Host, ME);
		if (!dia_end(&w) || !raw_send(&me, w.p, w.n))
			return say("the connection was closed");
	}
	while (raw_next(&me, &n, 200))
		if (!(me.in[4] & DIA_F_REQUEST))
			return say("an answer to nobody is answered");
	return still_served();
}

/* More than 65,535 octets, and an AVP that cannot be. */
static bool closes_node(unsigned how)
{
	return at_node && (how == 4 || how == 5);
}

/* The next DNR, answered with what may be wrong about it. */
static const char *lie_about_report(unsigned how)
{
	static const uint8_t much[100000];
	const uint8_t *m;
	struct dia_hdr h;
	size_t n;

	do
		m = raw_next(&me, &n, PATIENT);
	while (m && dia_hdr_read(m, n, &h) && !(h.flags & DIA_F_REQUEST));
	if (!m)
		return say("report %u: none comes%s", how, me.closed ? ", the connection is closed" : "");
	dia_begin_answer(&w, m, n, 0);
	dia_put_u32(&w, DIA_Auth_Session_State, 1);
	dia_put_text(&w, DIA_Origin_Host, how == 1 ? OTHER : how == 2 ? "hss.operator.example" : ME);
	dia_put_text(&w, DIA_Origin_Realm, MINE);
	if (how != 3)
		dia_put_u32(&w, DIA_Result_Code, 2001);
	if (how == 4)
		dia_put_raw(&w, 60000, 0, 0, much, sizeof(much));
	if (how == 5)
		dia_put_bytes(&w, (const uint8_t[8]){ 0, 0, 1, 7, 0x40, 0, 0, 3 }, 8);
	if (how == 6)
		dia_put_raw(&w, dia_avps[DIA_Failed_AVP].code, DIA_AVP_M, 0, "\0\0\1\7\x40\0\0", 8);
	for (int i = 0; i < 2; i++)                              /* each of them twice */
		if (!dia_end(&w) || !raw_send(&me, w.p, w.n))
			return closes_node(how) ? NULL : say("the connection is closed");
	return NULL;
}

static const char *false_reports(void)
{
	const char *bad = NULL;

	if (!enter())
		return complaint;
	for (unsigned how = 1; how <= 7 && !bad; how++) {
		good_dar();
		bad = dia_end(&w) && raw_send(&me, w.p, w.n) ? lie_about_report(how) : say("the connection is closed");
		if (bad || !closes_node(how))
			continue;
		bad = closed_now("an answer that cannot be read");
		raw_close(&me);
		if (!bad && !enter())
			bad = complaint;
	}
	return bad ? bad : still_served();
}

static const char *commands(void)
{
	static const struct { uint32_t code, app, want; } wrong[] = {
		{ RAW_DNR, RAW_TSP, 3001 }, { RAW_SIR, RAW_S6M, 3007 }, { RAW_DRR, RAW_T4, 3007 }, { 8388643, RAW_T4, 3007 },
		{ 4242, RAW_TSP, 3001 }, { RAW_DAR, 4242, 3007 }, { 4242, 0, 3001 }, { RAW_DAR, 0, 3001 }, { RAW_DAR, 0xffffffff, 3007 },
	};

	if (!enter())
		return complaint;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		uint32_t r;

		good_dar();
		dia_end(&w);
		w.p[5] = (uint8_t)(wrong[i].code >> 16);
		w.p[6] = (uint8_t)(wrong[i].code >> 8);
		w.p[7] = (uint8_t)wrong[i].code;
		for (int k = 0; k < 4; k++)
			w.p[8 + k] = (uint8_t)(wrong[i].app >> (24 - 8 * k));
		{
			size_t n = 0;
			const uint8_t *m = raw_ask(&me, w.p, w.n, &n, PATIENT);

			r = raw_result(m, n);
		}
		if (r != wrong[i].want && !(at_node && (r / 1000 == 3 || r / 1000 == 5)))
			return say("command %u of application %u is answered %u", wrong[i].code, wrong[i].app, r);
	}
	return still_served();
}

static const char *loop(void)
{
	uint32_t r;

	if (!enter())
		return complaint;
	good_dar();
	dia_put_text(&w, DIA_Route_Record, net.door);
	r = asked(NULL);
	return r == 3005 ? still_served() : say("what has been here before is answered %u", r);
}

/* A node's DPA is lost if the DPR comes while it sends something else (SECURITY.md, known limits), but not each time. */
static const char *dpa_comes(void)
{
	for (unsigned tries = at_node ? 30 : 1; tries; tries--) {
		if (!enter())
			return complaint;
		dia_begin(&w, DIA_F_REQUEST, 282, 0, 3, 3);
		dia_put_text(&w, DIA_Origin_Host, ME);
		dia_put_text(&w, DIA_Origin_Realm, MINE);
		dia_put_u32(&w, DIA_Disconnect_Cause, 0);
		if (asked(NULL) == 2001)
			return NULL;
		if (!me.closed)
			return say("neither a DPA nor the end");
		raw_close(&me);
	}
	return say("no DPA");
}

static const char *after_dpr(void)
{
	const char *bad = dpa_comes();
	int64_t begun = raw_now_ms();
	size_t n;

	if (bad)
		return bad;
	while (raw_now_ms() < begun + PATIENT && !me.closed) {
		good_dar();
		if (!dia_end(&w) || !raw_send(&me, w.p, w.n))
			break;
		raw_next(&me, &n, 20);
	}
	return raw_now_ms() < begun + PATIENT ? NULL : say("the connection outlives its DPR");
}

/* ---- TLS and TCP in disorder ---- */

static const char *alerts(void)
{
	if (!enter())
		return complaint;
	for (int i = 0; i < 2000; i++)
		if (gnutls_alert_send(me.tls, GNUTLS_AL_WARNING, GNUTLS_A_USER_CANCELED) < 0)
			break;
	raw_close(&me);
	for (int i = 0; i < 30; i++) {
		if (!enter())
			return complaint;
		gnutls_alert_send(me.tls, GNUTLS_AL_FATAL, i % 2 ? GNUTLS_A_INTERNAL_ERROR : GNUTLS_A_BAD_RECORD_MAC);
		if (!raw_wait_closed(me.fd, PATIENT))
			return say("after a fatal alert the connection stays");
		raw_close(&me);
	}
	return NULL;
}

/* What is no TLS record, or is one that nobody has encrypted, in the middle of a connection. */
static const char *broken_records(void)
{
	for (int i = 0; i < 30; i++) {
		uint8_t junk[600] = { i % 3 ? 0x17 : (uint8_t)rand(), 3, 3, i % 2 ? 1 : 0xff, 0 };

		if (!enter())
			return complaint;
		for (size_t k = 5; k < sizeof(junk); k++)
			junk[k] = (uint8_t)rand();
		if (send(me.fd, junk, sizeof(junk), MSG_NOSIGNAL) != sizeof(junk))
			return say("no connection");
		if (!raw_wait_closed(me.fd, PATIENT))
			return say("what is no TLS leaves the connection open");
		raw_close(&me);
	}
	return NULL;
}

static const char *half_closed(void)
{
	for (int i = 0; i < 30; i++) {
		if (!enter())
			return complaint;
		good_dar();
		if (i % 2 && dia_end(&w))
			raw_send(&me, w.p, w.n / (i % 3 ? 1 : 2));
		if (i % 4 < 2)
			gnutls_bye(me.tls, GNUTLS_SHUT_WR);
		shutdown(me.fd, SHUT_WR);
		if (!raw_wait_closed(me.fd, PATIENT))
			return say("a connection that is closed on one side stays");
		raw_close(&me);
	}
	return NULL;
}

static const struct { const char *name; const char *(*run)(void); } cases[] = {
	{ "silent", silent }, { "silent-many", silent_many }, { "hello-silent", hello_silent }, { "hello-trickled", hello_trickled },
	{ "strangers", strangers }, { "storm", storm }, { "no-cer", no_cer }, { "cer-trickled", cer_trickled }, { "before-cer", before_cer },
	{ "impostor", impostor }, { "second-cer", second_cer }, { "framing", framing }, { "too-long", too_long }, { "avp-lengths", avp_lengths },
	{ "inside", inside }, { "never-reads", never_reads }, { "reads-slowly", reads_slowly }, { "flood", flood }, { "dwr-storm", dwr_storm }, { "malformed", malformed },
	{ "many-avps", many_avps }, { "long-texts", long_texts }, { "false-reports", false_reports }, { "broken-records", broken_records }, { "nested", nested }, { "others-name", others_name }, { "answers", answers },
	{ "commands", commands }, { "loop", loop }, { "after-dpr", after_dpr }, { "alerts", alerts }, { "half-closed", half_closed },
};

/* In their place, or only there, at a node. */
static const struct { const char *name; const char *(*run)(void); } node_cases[] = {
	{ "silent", node_silent }, { "storm", node_storm }, { "crowded", node_crowded },
};

int main(int argc, char **argv)
{
	const char *bad = "there is no such case";
	const char *(*run)(void) = NULL;

	at_node = argc > 1 && !strcmp(argv[1], "--node");
	argv += at_node;
	argc -= at_node;
	if (argc != 6) {
		fprintf(stderr, "usage: gw_attack [--node] PORT PKI DOOR REALM CASE\n");
		return 2;
	}
	net = (struct raw_net){ .port = (uint16_t)atoi(argv[1]), .pki = argv[2], .door = argv[3], .realm = argv[4] };
	me.fd = -1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (!strcmp(cases[i].name, argv[5])) {
			source = 2 + (unsigned)i;
			run = cases[i].run;
		}
	for (size_t i = 0; at_node && i < sizeof(node_cases) / sizeof(*node_cases); i++)
		if (!strcmp(node_cases[i].name, argv[5])) {
			source = 200 + (unsigned)i;
			run = node_cases[i].run;
		}
	if (run)
		bad = run();
	raw_close(&me);
	dia_writer_free(&w);
	if (bad)
		printf("%s: %s\n", argv[5], bad);
	return bad != NULL;
}
