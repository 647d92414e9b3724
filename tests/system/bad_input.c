/* bad_input.c - requests that are wrong in one way each, sent to a node as an
 * SCS over TLS, and what has to come back (docs/CHECKS.md, RFC 6733 7).
 *
 *   bad_input PORT PKI NODE REALM
 *
 * PORT: the node's TLS port on loopback; PKI: directory of HOST.crt, HOST.key and
 * ca.crt; NODE, REALM: the node's Diameter identity.  t_bad_input.sh makes the
 * lab that it needs.  One line a case; after each, a good trigger has to be
 * accepted.  The last line says how many requests an SMS-SC must have seen. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bad_input.h"

#define SCS        "scs.acme.example"
#define SCS_REALM  "acme.example"
#define OTHER      "scs.nordtrack.example"
#define OTHER_REALM "nordtrack.example"
#define DEVICE     "meter1@iot.example.com"
#define PENDING    "waiting@iot.example.com"    /* its triggers stay at the SMS-SC */
#define OTHERS     "tracker1@iot.example.com"   /* a device of OTHER */

enum { TRIGGER = 1, RECALL = 3, REPLACE = 4 };
enum { INVPAYLOAD = 101, INVEXTID = 102, INVSCSID = 103, INVPERIOD = 104, NOTAUTHORIZED = 105, PERMANENTERROR = 107,
       REPLACEFAIL = 110, RECALLFAIL = 111, ORIGINALMESSAGESENT = 112, NOSTATUS = -1 };

/* What Failed-AVP holds. */
enum failed { NOTHING, EXAMPLE, FIRST, SECOND, ANY };

struct want {
	uint32_t result, or_result;   /* or_result: where freeDiameter may answer before we see the request */
	int status;
	enum failed failed; int failed_id;
	bool or_closed;               /* the connection may be closed instead */
};

static struct net net;
static struct link scs, other;
static uint32_t next_reference = 1000;
static unsigned cases, bad, accepted;

/* ---- saying how it went */

__attribute__((format(printf, 2, 3)))
static void result(const char *why, const char *fault, ...)
{
	va_list ap;

	cases++;
	if (!fault) {
		printf("ok - %s\n", why);
		return;
	}
	bad++;
	printf("not ok - %s: ", why);
	va_start(ap, fault);
	vprintf(fault, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static void hex(const uint8_t *p, size_t n, char *out, size_t size)
{
	for (size_t i = 0; i < n && 2 * i + 3 < size; i++)
		sprintf(out + 2 * i, "%02x", p[i]);
	if (!n)
		snprintf(out, size, "nothing");
}

/* ---- one answer against what was wanted; the complaint, or NULL */

static char complaint[1024];

__attribute__((format(printf, 1, 2)))
static const char *say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(complaint, sizeof(complaint), fmt, ap);
	va_end(ap);
	return complaint;
}

static uint32_t number_of(const struct dia_avp *group, const uint8_t *msg, size_t n, enum dia_id id, uint32_t absent)
{
	struct dia_avp a;
	uint32_t v;

	if (!(group ? dia_group_find(group, id, &a) : dia_msg_find(msg, n, id, &a)) || !dia_avp_u32(&a, &v))
		return absent;
	return v;
}

static bool contains(const uint8_t *p, size_t n, const void *what, size_t len)
{
	for (; n >= len; p++, n--)
		if (!memcmp(p, what, len))
			return true;
	return false;
}

static bool is_text(const uint8_t *msg, size_t n, enum dia_id id, const char *text)
{
	struct dia_avp a;

	return dia_msg_find(msg, n, id, &a) && a.len == strlen(text) && !memcmp(a.data, text, a.len);
}

static const char *check_header(const uint8_t *msg, const struct dia_hdr *sent, uint32_t result_code)
{
	struct dia_hdr h;

	dia_hdr_read(msg, DIA_HDR_LEN, &h);
	if (h.code != sent->code || h.app != sent->app || h.e2e != sent->e2e || (h.flags & DIA_F_REQUEST))
		return say("header: code %u app %u e2e %u flags %#x", h.code, h.app, h.e2e, h.flags);
	/* freeDiameter clears it in the protocol errors that it answers itself. */
	if (result_code / 1000 != 3 && (h.flags & DIA_F_PROXIABLE) != (sent->flags & DIA_F_PROXIABLE))
		return "the P bit is not that of the request";
	if ((h.flags & DIA_F_RETRANSMIT))
		return "T bit in an answer";
	if (!(h.flags & DIA_F_ERROR) != (result_code / 1000 != 3))
		return say("E bit %s with Result-Code %u", h.flags & DIA_F_ERROR ? "set" : "clear", result_code);
	return NULL;
}

/* -1: there is none, or one that freeDiameter cannot repeat. */
static int good_session(const struct dar *d)
{
	const int at = dar_find(d, DIA_Session_Id, 0);

	return at >= 0 && (!d->v[at].n || memchr(d->v[at].p, 0, d->v[at].n)) ? -1 : at;
}

/* By the grammar; but an answer can only repeat a Session-Id that was there, and
 * an Action-Type that is none is repeated all the same. */
static const char *check_grammar(const uint8_t *msg, size_t n, const struct dar *d)
{
	struct dia_fault fault;

	if (dia_check(msg, n, &fault))
		return NULL;
	if (fault.def == &dia_avps[DIA_Session_Id] && good_session(d) < 0)
		return NULL;
	if (fault.def == &dia_avps[DIA_Action_Type] && fault.result_code == 5004)
		return NULL;
	return say("the answer itself is wrong: %u %s%s%s", fault.result_code, fault.what, fault.def ? ": " : "",
	           fault.def ? fault.def->name : "");
}

static const char *check_leak(const uint8_t *msg, size_t n)
{
	static const char *const inside[] = { "smssc.", "hss.", "00101000000000", "iwf.db" };

	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		if (contains(msg, n, inside[i], strlen(inside[i])))
			return say("\"%s\" is in the answer", inside[i]);
	return NULL;
}

static const char *check_notification(const uint8_t *msg, size_t n, const struct dar *d, const struct want *w)
{
	uint32_t reference = 0, action = TRIGGER, status;
	struct dia_avp note, a;
	int at;

	if (!dia_msg_find(msg, n, DIA_Device_Notification, &note))
		return "no Device-Notification";
	dar_number(d, DIA_Reference_Number, &reference);
	dar_number(d, DIA_Action_Type, &action);
	if (number_of(&note, NULL, 0, DIA_Reference_Number, ~reference) != reference)
		return say("Reference-Number %u instead of %u", number_of(&note, NULL, 0, DIA_Reference_Number, ~0u), reference);
	if (number_of(&note, NULL, 0, DIA_Action_Type, ~action) != action)
		return say("Action-Type %u instead of %u", number_of(&note, NULL, 0, DIA_Action_Type, ~0u), action);
	status = number_of(&note, NULL, 0, DIA_Request_Status, (uint32_t)NOSTATUS);
	if (status != (uint32_t)w->status)
		return say("Request-Status %d instead of %d", (int)status, w->status);
	at = dar_find(d, DIA_External_Identifier, 0);
	if (w->result == 2001 && at >= 0 && (!dia_group_find(&note, DIA_External_Identifier, &a) || a.len != d->v[at].n ||
	                                     memcmp(a.data, d->v[at].p, a.len)))
		return "External-Identifier is not repeated";
	return NULL;
}

static const char *check_failed(const uint8_t *msg, size_t n, const struct dar *d, const struct want *w)
{
	char came[600] = "", wanted[600] = "";
	struct dia_writer x = { 0 };
	struct dia_avp failed = { .len = 0 };
	const bool has = dia_msg_find(msg, n, DIA_Failed_AVP, &failed);
	bool ok;

	if (w->failed == NOTHING)
		return has ? "a Failed-AVP where nothing is to blame" : NULL;
	if (!has)
		return "no Failed-AVP";
	if (w->failed == ANY)
		return NULL;
	ok = w->failed == EXAMPLE ? dar_failed_example(w->failed_id, &x)
	                          : dar_failed(d, dar_find(d, w->failed_id, w->failed == SECOND), &x);
	if (!ok)
		abort();
	ok = failed.len == x.n - DIA_HDR_LEN && !memcmp(failed.data, x.p + DIA_HDR_LEN, failed.len);
	hex(failed.data, failed.len, came, sizeof(came));
	hex(x.p + DIA_HDR_LEN, x.n - DIA_HDR_LEN, wanted, sizeof(wanted));
	dia_writer_free(&x);
	return ok ? NULL : say("Failed-AVP holds %s instead of %s", came, wanted);
}

static const char *judge(const uint8_t *msg, size_t n, const struct dia_hdr *sent, const struct dar *d, const struct want *w)
{
	const uint32_t code = number_of(NULL, msg, n, DIA_Result_Code, 0);
	const int session = good_session(d);
	const char *fault;
	struct dia_avp a;

	if (code != w->result && (!w->or_result || code != w->or_result))
		return say("Result-Code %u instead of %u", code, w->result);
	if ((fault = check_header(msg, sent, code)) || (fault = check_leak(msg, n)))
		return fault;
	if (sent->code == CMD_DAR && (fault = check_grammar(msg, n, d)))
		return fault;
	if (!is_text(msg, n, DIA_Origin_Host, net.node) || !is_text(msg, n, DIA_Origin_Realm, net.realm))
		return "Origin-Host or Origin-Realm is not the node's";
	if (session >= 0 && (!dia_msg_find(msg, n, DIA_Session_Id, &a) || a.len != d->v[session].n ||
	                     memcmp(a.data, d->v[session].p, a.len)))
		return "Session-Id is not that of the request";
	if (code / 1000 == 3 || sent->code != CMD_DAR)
		return NULL;   /* the answer of a Diameter node, whatever the application */
	if ((fault = check_notification(msg, n, d, w)))
		return fault;
	return check_failed(msg, n, d, w);
}

/* ---- asking */

struct ask { struct link *on; uint32_t code, app; uint8_t flags; uint32_t e2e; struct dia_hdr sent; };

static bool send_dar(struct ask *k, const struct dar *d)
{
	struct dia_writer w = { 0 };
	bool ok;

	k->sent = (struct dia_hdr){ .flags = (uint8_t)(DIA_F_REQUEST | DIA_F_PROXIABLE), .code = k->code ? k->code : CMD_DAR,
	                            .app = k->app ? k->app : TSP_APP };
	k->sent.flags ^= k->flags;
	k->sent.hbh = peer_next_hbh(k->on->peer);
	k->sent.e2e = k->e2e ? k->e2e : peer_next_e2e(k->on->peer);
	dia_begin(&w, k->sent.flags, k->sent.code, k->sent.app, k->sent.hbh, k->sent.e2e);
	dar_put(d, &w);
	ok = dia_end(&w) && link_send(k->on, w.p, w.n, k->sent.hbh);
	dia_writer_free(&w);
	return ok;
}

static const char *ask_and_judge(struct ask *k, const struct dar *d, const struct want *w)
{
	link_begin(k->on);
	if (!send_dar(k, d))
		return say("not sent: %s", k->on->why);
	switch (link_wait(k->on, ANSWER_MS)) {
	case ANSWERED: break;
	case CLOSED:   return w->or_closed ? NULL : say("connection closed: %s", k->on->why);
	case SILENT:   return "no answer";
	}
	return judge(k->on->asked[0].answer, k->on->asked[0].n, &k->sent, d, w);
}

static bool reopen(struct link *l, const char *host, const char *realm)
{
	return l->open || link_open(l, &net, host, realm, false);
}

static void make(struct dar *d, struct link *on, const char *ext_id, uint32_t action, uint32_t reference)
{
	static char session[400];

	peer_session_id(on->peer, session, sizeof(session));
	dar_make(d, &(struct dar_base){ session, on->host, on->realm, net.realm, ext_id, action, reference });
}

static const struct want success = { .result = 2001, .status = 0 };

/* NULL: a good trigger is accepted on that connection. */
static const char *good_trigger(struct link *on, const char *ext_id, uint32_t reference)
{
	static struct dar d;
	const char *fault;

	make(&d, on, ext_id, TRIGGER, reference);
	fault = ask_and_judge(&(struct ask){ .on = on }, &d, &success);
	accepted += !fault;
	return fault;
}

static void heartbeat(const char *after)
{
	const char *fault;

	if (!reopen(&scs, SCS, SCS_REALM)) {
		result(after, "and afterwards the node lets nobody in: %s", scs.why);
		printf("the node does not serve any more; %u cases, %u failed\n", cases, bad);
		exit(1);
	}
	fault = good_trigger(&scs, DEVICE, next_reference++);
	if (fault)
		result(after, "and afterwards a good trigger fails: %s", fault);
}

/* ---- the table */

#define OMITTED(id)        { OMIT, DIA_##id, 0, NULL, 0 }
#define DOUBLED(id)        { TWICE, DIA_##id, 0, NULL, 0 }
#define VALUE(id, v)       { NUMBER, DIA_##id, v, NULL, 0 }
#define DATA(id, s)        { OCTETS, DIA_##id, 0, s, sizeof(s) - 1 }
#define FILLED(id, c, n)   { FILL, DIA_##id, c, NULL, n }
#define LONG(id, n)        { SIZED, DIA_##id, 0, NULL, n }
#define SAYS(id, n)        { LENGTH, DIA_##id, n, NULL, 0 }
#define STRANGE(in, flags) { UNKNOWN, in, flags, "nobody knows this", 17 }
#define STRANGE_EMPTY(in, flags) { UNKNOWN, in, flags, NULL, 0 }
#define BY_MSISDN(s)       OMITTED(External_Identifier), DATA(MSISDN, s)

#define OK                 { .result = 2001, .status = 0 }
#define REFUSED(s)         { .result = 2001, .status = s }
#define FAULT(code, f, id) { .result = code, .status = NOSTATUS, .failed = f, .failed_id = DIA_##id }
#define MISSING(id)        FAULT(5005, EXAMPLE, id)
#define TOO_MANY(id)       FAULT(5009, SECOND, id)
#define BAD_LENGTH(id)     FAULT(5014, FIRST, id)
#define BAD_VALUE(id)      FAULT(5004, FIRST, id)
#define NOT_KNOWN          { .result = 5001, .status = NOSTATUS, .failed = FIRST, .failed_id = -1 }
#define NOT_YOU            { .result = 5003, .status = NOTAUTHORIZED }
#define PROTOCOL(a, b)     { .result = a, .or_result = b, .status = NOSTATUS }
#define ELSEWHERE          PROTOCOL(3002, 3003)
#define NOT_AT_HEAD        { .result = 5005, .status = NOSTATUS, .failed = ANY }
#define REFUSED_OR_CLOSED(s) { .result = 2001, .status = s, .or_closed = true }
#define BROKEN(id)         { .result = 5014, .status = NOSTATUS, .failed = EXAMPLE, .failed_id = DIA_##id, .or_closed = true }

#define KEPT               { KEEP, 0, 0, NULL, 0 }
#define R(w, wanted, ...)  { .why = w, .want = wanted, .e = { __VA_ARGS__ } }
#define H(w, wanted, c, a, f) { .why = w, .want = wanted, .code = c, .app = a, .flags = f }

static const struct row {
	const char *why;
	struct edit e[EDITS_MAX];
	struct want want;
	uint32_t code, app; uint8_t flags;   /* of the header; 0: of a DAR; flags are toggled */
} rows[] = {
	R("nothing is wrong", OK, KEPT),
	R("every optional AVP", OK, VALUE(Origin_State_Id, 7), DATA(SCS_Identity, "\x94\x51\x01\x00\x01\x10"), DATA(User_Name, "x")),

	R("no Device-Action", MISSING(Device_Action), OMITTED(Device_Action)),
	R("no Reference-Number", MISSING(Reference_Number), OMITTED(Reference_Number)),
	R("no Action-Type", MISSING(Action_Type), OMITTED(Action_Type)),
	R("neither of them", MISSING(Reference_Number), OMITTED(Reference_Number), OMITTED(Action_Type)),
	R("no Payload in Trigger-Data", MISSING(Payload), OMITTED(Payload)),
	R("no Session-Id", MISSING(Session_Id), OMITTED(Session_Id)),
	R("no Auth-Application-Id", MISSING(Auth_Application_Id), OMITTED(Auth_Application_Id)),
	R("no Auth-Session-State", MISSING(Auth_Session_State), OMITTED(Auth_Session_State)),
	R("no Origin-Host", MISSING(Origin_Host), OMITTED(Origin_Host)),
	R("no Origin-Realm", MISSING(Origin_Realm), OMITTED(Origin_Realm)),
	R("no Destination-Realm", MISSING(Destination_Realm), OMITTED(Destination_Realm)),

	R("Session-Id not at the head", NOT_AT_HEAD, { LAST, DIA_Session_Id, 0, NULL, 0 }),

	R("two Device-Actions", TOO_MANY(Device_Action), DOUBLED(Device_Action)),
	R("two Reference-Numbers", TOO_MANY(Reference_Number), DOUBLED(Reference_Number)),
	R("two Action-Types", TOO_MANY(Action_Type), DOUBLED(Action_Type)),
	R("two External-Identifiers", TOO_MANY(External_Identifier), DOUBLED(External_Identifier)),
	R("two Validity-Times", TOO_MANY(Validity_Time), DOUBLED(Validity_Time)),
	R("two Trigger-Data", TOO_MANY(Trigger_Data), DOUBLED(Trigger_Data)),
	R("two Payloads", TOO_MANY(Payload), DOUBLED(Payload)),
	R("two Priority-Indications", TOO_MANY(Priority_Indication), DOUBLED(Priority_Indication)),
	R("two Application-Port-Identifiers", TOO_MANY(Application_Port_Identifier), DOUBLED(Application_Port_Identifier)),
	R("two Session-Ids", TOO_MANY(Session_Id), DOUBLED(Session_Id)),
	R("two Auth-Application-Ids", TOO_MANY(Auth_Application_Id), DOUBLED(Auth_Application_Id)),
	R("two Auth-Session-States", TOO_MANY(Auth_Session_State), DOUBLED(Auth_Session_State)),
	R("two Origin-Hosts", TOO_MANY(Origin_Host), DOUBLED(Origin_Host)),
	R("two Origin-Realms", TOO_MANY(Origin_Realm), DOUBLED(Origin_Realm)),
	R("two Destination-Realms", TOO_MANY(Destination_Realm), DOUBLED(Destination_Realm)),

	R("unknown AVP with the M bit", NOT_KNOWN, STRANGE(MESSAGE, DIA_AVP_M)),
	R("unknown AVP with the M bit in Device-Action", NOT_KNOWN, STRANGE(DIA_Device_Action, DIA_AVP_M)),
	R("unknown AVP with the M bit in Trigger-Data", NOT_KNOWN, STRANGE(DIA_Trigger_Data, DIA_AVP_M)),
	R("unknown AVP with the M bit and no data", NOT_KNOWN, STRANGE_EMPTY(DIA_Device_Action, DIA_AVP_M)),
	R("unknown AVP without the M bit", OK, STRANGE(MESSAGE, 0)),
	R("unknown AVP without the M bit in Device-Action", OK, STRANGE(DIA_Device_Action, 0)),
	R("unknown AVP without the M bit in Trigger-Data", OK, STRANGE(DIA_Trigger_Data, 0)),
	R("unknown AVP without the M bit and no data", OK, STRANGE_EMPTY(MESSAGE, 0)),
	R("the same beside a missing AVP", MISSING(Action_Type), STRANGE_EMPTY(MESSAGE, 0), OMITTED(Action_Type)),
	R("the same beside a wrong value", BAD_VALUE(Action_Type), STRANGE_EMPTY(MESSAGE, 0), VALUE(Action_Type, 99)),

	R("Reference-Number of no octets", BAD_LENGTH(Reference_Number), LONG(Reference_Number, 0)),
	R("Reference-Number of 3 octets", BAD_LENGTH(Reference_Number), LONG(Reference_Number, 3)),
	R("Reference-Number of 5 octets", BAD_LENGTH(Reference_Number), LONG(Reference_Number, 5)),
	R("Action-Type of 2 octets", BAD_LENGTH(Action_Type), LONG(Action_Type, 2)),
	R("Action-Type of 8 octets", BAD_LENGTH(Action_Type), LONG(Action_Type, 8)),
	R("Validity-Time of 3 octets", BAD_LENGTH(Validity_Time), LONG(Validity_Time, 3)),
	R("Old-Reference-Number of 8 octets", BAD_LENGTH(Old_Reference_Number), VALUE(Old_Reference_Number, 1), LONG(Old_Reference_Number, 8)),
	R("Priority-Indication of 1 octet", BAD_LENGTH(Priority_Indication), LONG(Priority_Indication, 1)),
	R("Application-Port-Identifier of 2 octets", BAD_LENGTH(Application_Port_Identifier), LONG(Application_Port_Identifier, 2)),
	R("Auth-Session-State of 3 octets", BAD_LENGTH(Auth_Session_State), LONG(Auth_Session_State, 3)),
	R("Auth-Application-Id of 5 octets", BAD_LENGTH(Auth_Application_Id), LONG(Auth_Application_Id, 5)),

	R("Action-Type 0", BAD_VALUE(Action_Type), VALUE(Action_Type, 0)),
	R("Action-Type 2, a report", BAD_VALUE(Action_Type), VALUE(Action_Type, 2)),
	R("Action-Type 5, MO-SMS", BAD_VALUE(Action_Type), VALUE(Action_Type, 5)),
	R("Action-Type 99", BAD_VALUE(Action_Type), VALUE(Action_Type, 99)),
	R("Action-Type 4294967295", BAD_VALUE(Action_Type), VALUE(Action_Type, 0xffffffff)),
	R("Priority-Indication 2", BAD_VALUE(Priority_Indication), VALUE(Priority_Indication, 2)),
	R("Priority-Indication 7", BAD_VALUE(Priority_Indication), VALUE(Priority_Indication, 7)),
	R("Session-Id with a NUL", BAD_VALUE(Session_Id), DATA(Session_Id, "scs.acme.example;1\0;2")),
	R("Session-Id of a NUL", BAD_VALUE(Session_Id), DATA(Session_Id, "\0")),
	R("empty Session-Id", BAD_VALUE(Session_Id), DATA(Session_Id, "")),
	R("Auth-Session-State 9", BAD_VALUE(Auth_Session_State), VALUE(Auth_Session_State, 9)),

	R("empty payload", REFUSED(INVPAYLOAD), DATA(Payload, "")),
	R("payload of 4096 octets, the limit", OK, FILLED(Payload, 'x', 4096)),
	R("payload of 4097 octets", REFUSED(INVPAYLOAD), FILLED(Payload, 'x', 4097)),
	R("payload of 65200 octets", REFUSED(INVPAYLOAD), FILLED(Payload, 'x', 65200)),
	R("payload of 65536 octets", REFUSED_OR_CLOSED(INVPAYLOAD), FILLED(Payload, 'x', 65536)),
	R("a trigger without Trigger-Data", REFUSED(INVPAYLOAD), OMITTED(Trigger_Data)),
	R("port 65535", OK, VALUE(Application_Port_Identifier, 65535)),
	R("port 65536", REFUSED(INVPAYLOAD), VALUE(Application_Port_Identifier, 65536)),
	R("Validity-Time 0: one attempt", OK, VALUE(Validity_Time, 0)),
	R("Validity-Time 4294967295", REFUSED(INVPERIOD), VALUE(Validity_Time, 0xffffffff)),

	R("External-Identifier without @", REFUSED(INVEXTID), DATA(External_Identifier, "meter1")),
	R("External-Identifier with two @", REFUSED(INVEXTID), DATA(External_Identifier, "meter1@iot@example.com")),
	R("External-Identifier, nothing before @", REFUSED(INVEXTID), DATA(External_Identifier, "@iot.example.com")),
	R("External-Identifier, nothing behind @", REFUSED(INVEXTID), DATA(External_Identifier, "meter1@")),
	R("External-Identifier, one label", REFUSED(INVEXTID), DATA(External_Identifier, "meter1@iot")),
	R("External-Identifier with a space", REFUSED(INVEXTID), DATA(External_Identifier, "meter 1@iot.example.com")),
	R("External-Identifier with a line feed", REFUSED(INVEXTID), DATA(External_Identifier, "meter1@iot.example.com\n")),
	R("External-Identifier with a NUL inside", REFUSED(INVEXTID), DATA(External_Identifier, "meter1\0@iot.example.com")),
	R("External-Identifier, a NUL at the end", REFUSED(INVEXTID), DATA(External_Identifier, "meter1@iot.example.com\0")),
	R("External-Identifier with an escape code", REFUSED(INVEXTID), DATA(External_Identifier, "\033[2Jmeter1@iot.example.com")),
	R("External-Identifier with a quote", REFUSED(INVEXTID), DATA(External_Identifier, "x' OR 1=1 --@iot.example.com")),
	R("External-Identifier that is no UTF-8", REFUSED(INVEXTID), DATA(External_Identifier, "m\xff\xfe@iot.example.com")),
	R("External-Identifier of nothing", REFUSED(INVEXTID), DATA(External_Identifier, "")),
	R("External-Identifier of 254 octets", REFUSED(INVEXTID), FILLED(External_Identifier, 'a', 254)),
	R("External-Identifier of 60000 octets", REFUSED(INVEXTID), FILLED(External_Identifier, 'a', 60000)),
	R("External-Identifier nobody has", REFUSED(INVEXTID), DATA(External_Identifier, "nobody@iot.example.com")),
	R("External-Identifier, its domain in capitals", OK, DATA(External_Identifier, "meter1@IOT.Example.COM")),
	R("External-Identifier, its local part in capitals", REFUSED(INVEXTID), DATA(External_Identifier, "METER1@iot.example.com")),

	R("MSISDN of the device", OK, BY_MSISDN("\x94\x51\x01\x00\x00\x10")),
	R("MSISDN of 15 digits", OK, BY_MSISDN("\x94\x15\x00\x00\x00\x00\x51\xf0")),
	R("MSISDN of 15 digits that nobody has", REFUSED(INVEXTID), BY_MSISDN("\x94\x15\x00\x00\x00\x00\x51\xf9")),
	R("MSISDN of no digits", REFUSED(INVEXTID), BY_MSISDN("")),
	R("MSISDN of 1 digit", REFUSED(INVEXTID), BY_MSISDN("\xf4")),
	R("MSISDN of 16 digits", REFUSED(INVEXTID), BY_MSISDN("\x94\x15\x00\x00\x00\x00\x51\x10")),
	R("MSISDN of 9 octets", REFUSED(INVEXTID), BY_MSISDN("\x94\x51\x01\x00\x00\x10\x00\x00\x00")),
	R("MSISDN of 1000 octets", REFUSED(INVEXTID), OMITTED(External_Identifier), FILLED(MSISDN, 0x11, 1000)),
	R("MSISDN with a nibble A", REFUSED(INVEXTID), BY_MSISDN("\x94\x51\x0a\x00\x00\x10")),
	R("MSISDN with a nibble E, high", REFUSED(INVEXTID), BY_MSISDN("\x94\x51\xe0\x00\x00\x10")),
	R("MSISDN with a filler inside", REFUSED(INVEXTID), BY_MSISDN("\x94\xf1\x00\x00\x00\x10")),
	R("MSISDN with a filler low at the end", REFUSED(INVEXTID), BY_MSISDN("\x94\x51\x00\x00\x00\x1f")),
	R("MSISDN as text", REFUSED(INVEXTID), BY_MSISDN("491510000001")),
	R("neither identifier", REFUSED(INVEXTID), OMITTED(External_Identifier)),
	R("both identifiers of one device", OK, DATA(MSISDN, "\x94\x51\x01\x00\x00\x10")),
	R("identifiers of two devices", REFUSED(INVEXTID), DATA(MSISDN, "\x94\x51\x01\x00\x00\x20")),
	R("the second identifier is malformed", REFUSED(INVEXTID), DATA(MSISDN, "\xff")),

	R("SCS-Identity, the second of its own", OK, DATA(SCS_Identity, "\x94\x51\x01\x00\x01\x20")),
	R("SCS-Identity of another SCS", REFUSED(INVSCSID), DATA(SCS_Identity, "\x94\x51\x02\x00\x02\x10")),
	R("SCS-Identity that nobody has", REFUSED(INVSCSID), DATA(SCS_Identity, "\x94\x99\x99\x99\x99\x99")),
	R("SCS-Identity of nothing", REFUSED(INVSCSID), DATA(SCS_Identity, "")),
	R("SCS-Identity with a nibble B", REFUSED(INVSCSID), DATA(SCS_Identity, "\xb4\x15\x01\x00\x01\x10")),
	R("SCS-Identity of 16 digits", REFUSED(INVSCSID), DATA(SCS_Identity, "\x94\x51\x01\x00\x01\x10\x11\x11")),

	R("replace without Old-Reference-Number", REFUSED(REPLACEFAIL), VALUE(Action_Type, REPLACE)),
	R("replace of an unknown number", REFUSED(REPLACEFAIL), VALUE(Action_Type, REPLACE), VALUE(Old_Reference_Number, 999999)),
	R("replace without Trigger-Data", REFUSED(REPLACEFAIL), VALUE(Action_Type, REPLACE), VALUE(Old_Reference_Number, 999999), OMITTED(Trigger_Data)),
	R("recall of an unknown number", REFUSED(RECALLFAIL), VALUE(Action_Type, RECALL), OMITTED(Trigger_Data), VALUE(Reference_Number, 999999)),
	R("a device of somebody else", REFUSED(NOTAUTHORIZED), DATA(External_Identifier, OTHERS)),

	R("Origin-Host of another SCS", NOT_YOU, DATA(Origin_Host, OTHER), DATA(Origin_Realm, OTHER_REALM)),
	R("Origin-Host that nobody has", NOT_YOU, DATA(Origin_Host, "scs.nobody.example")),
	R("Origin-Host of the SMS-SC", NOT_YOU, DATA(Origin_Host, "smssc.operator.example"), DATA(Origin_Realm, "operator.example")),
	R("Origin-Host in capitals", OK, DATA(Origin_Host, "SCS.ACME.EXAMPLE")),
	R("wrong Origin-Realm", NOT_YOU, DATA(Origin_Realm, "nordtrack.example")),
	R("Destination-Realm of nobody", ELSEWHERE, DATA(Destination_Realm, "elsewhere.example")),
	R("Destination-Host of the HSS", ELSEWHERE, DATA(Destination_Host, "hss.operator.example")),
	R("Destination-Host of the SMS-SC", ELSEWHERE, DATA(Destination_Host, "smssc.operator.example")),
	R("Destination-Host of another SCS", ELSEWHERE, DATA(Destination_Host, OTHER), DATA(Destination_Realm, OTHER_REALM)),
	R("Destination-Host of the node", OK, DATA(Destination_Host, "iwf.operator.example")),
	R("decorated User-Name", ELSEWHERE, DATA(User_Name, "elsewhere.example!x@operator.example")),
	R("plain User-Name", OK, DATA(User_Name, "x@operator.example")),
	R("a path that went through the node", PROTOCOL(3005, 0), DATA(Route_Record, "iwf.operator.example")),

	H("R and E bits", PROTOCOL(3008, 0), 0, 0, DIA_F_ERROR),
	H("no P bit", PROTOCOL(3008, 0), 0, 0, DIA_F_PROXIABLE),
	H("reserved header bits", OK, 0, 0, 0x0f),
	H("an unknown command of Tsp", PROTOCOL(3001, 0), 8388699, 0, 0),
	H("an unknown application", PROTOCOL(3007, 0), 0, 16777399, 0),
	H("a DNR from an SCS", PROTOCOL(3001, 5005), CMD_DNR, 0, 0),
	H("a DAR in the application of T4", PROTOCOL(3001, 3007), 0, T4_APP, 0),

	R("Device-Action shorter than its header", BROKEN(Device_Action), SAYS(Device_Action, 4)),
	R("Device-Action cut short", BROKEN(Device_Action), SAYS(Device_Action, 40)),
	R("Device-Action longer than the message", BROKEN(Device_Action), SAYS(Device_Action, 4000)),
	R("Reference-Number shorter than its header", BROKEN(Reference_Number), SAYS(Reference_Number, 8)),
	R("Reference-Number of length 0", BROKEN(Reference_Number), SAYS(Reference_Number, 0)),
	R("Payload longer than Trigger-Data", BROKEN(Payload), SAYS(Payload, 200)),
	R("Payload shorter than its header", BROKEN(Payload), SAYS(Payload, 11)),
	R("Origin-Host of length 7", BROKEN(Origin_Host), SAYS(Origin_Host, 7)),
	R("Session-Id of length 0", BROKEN(Session_Id), SAYS(Session_Id, 0)),
	R("Session-Id as long as can be said", BROKEN(Session_Id), SAYS(Session_Id, 0xffffff)),
};

static void run_row(const struct row *r)
{
	static struct dar d;
	const char *fault;

	make(&d, &scs, DEVICE, TRIGGER, next_reference++);
	for (size_t i = 0; i < EDITS_MAX; i++)
		dar_edit(&d, &r->e[i]);
	fault = ask_and_judge(&(struct ask){ .on = &scs, .code = r->code, .app = r->app, .flags = r->flags }, &d, &r->want);
	accepted += !fault && r->want.result == 2001 && r->want.status == 0;
	result(r->why, fault ? "%s" : NULL, fault);
	heartbeat(r->why);
}

/* ---- what takes more than one message */

static const char *ask_action(struct link *on, const char *ext_id, uint32_t action, uint32_t reference, uint32_t old, int status)
{
	static struct dar d;
	const char *fault;

	make(&d, on, ext_id, action, reference);
	if (action == RECALL)
		dar_edit(&d, &(struct edit)OMITTED(Trigger_Data));
	if (action == REPLACE)
		dar_edit(&d, &(struct edit){ NUMBER, DIA_Old_Reference_Number, old, NULL, 0 });
	fault = ask_and_judge(&(struct ask){ .on = on }, &d, &(struct want){ .result = 2001, .status = status });
	accepted += !fault && status == 0;
	return fault;
}

static void step(const char *why, const char *fault)
{
	result(why, fault ? "%s" : NULL, fault);
}

static void recalls_and_replaces(void)
{
	const uint32_t r = next_reference;

	next_reference += 20;
	step("a trigger is delivered", good_trigger(&scs, DEVICE, r));
	if (!link_wait_report(&scs, r, ANSWER_MS))
		result("its report comes", "none");
	step("recall of a delivered trigger", ask_action(&scs, DEVICE, RECALL, r, 0, ORIGINALMESSAGESENT));
	step("replace of a delivered trigger", ask_action(&scs, DEVICE, REPLACE, r + 1, r, ORIGINALMESSAGESENT));
	step("its number is free for another trigger", ask_action(&scs, PENDING, TRIGGER, r, 0, 0));
	step("recall that names another device", ask_action(&scs, DEVICE, RECALL, r, 0, RECALLFAIL));
	step("replace that names another device", ask_action(&scs, DEVICE, REPLACE, r + 1, r, REPLACEFAIL));
	step("replace of a number by itself", ask_action(&scs, PENDING, REPLACE, r, r, PERMANENTERROR));
	step("a number that is in use", ask_action(&scs, DEVICE, TRIGGER, r, 0, PERMANENTERROR));
	step("replace into a number that is in use", (good_trigger(&scs, PENDING, r + 2) ?:
	     ask_action(&scs, PENDING, REPLACE, r + 2, r, PERMANENTERROR)));
	step("replace", ask_action(&scs, PENDING, REPLACE, r + 3, r, 0));
	step("replace of what is replaced", ask_action(&scs, PENDING, REPLACE, r + 4, r, REPLACEFAIL));
	step("recall of what is replaced", ask_action(&scs, PENDING, RECALL, r, 0, RECALLFAIL));
	step("recall", ask_action(&scs, PENDING, RECALL, r + 3, 0, 0));
	step("recall of what is recalled, for another device", ask_action(&scs, DEVICE, RECALL, r + 3, 0, RECALLFAIL));
	heartbeat("recalls and replaces");
}

static void another_scs(void)
{
	const uint32_t r = next_reference++;
	static struct dar d;

	if (!reopen(&other, OTHER, OTHER_REALM)) {
		result("the other SCS connects", "%s", other.why);
		return;
	}
	step("the other SCS triggers its own device", good_trigger(&other, OTHERS, r));
	step("recall of another SCS's trigger", ask_action(&scs, OTHERS, RECALL, r, 0, RECALLFAIL));
	step("replace of another SCS's trigger", ask_action(&scs, PENDING, REPLACE, next_reference++, r, REPLACEFAIL));
	step("the same number from another SCS", good_trigger(&scs, PENDING, r));
	make(&d, &other, OTHERS, TRIGGER, next_reference++);
	dar_edit(&d, &(struct edit)VALUE(Priority_Indication, 1));
	step("priority without the right to it",
	     ask_and_judge(&(struct ask){ .on = &other }, &d, &(struct want)REFUSED(NOTAUTHORIZED)));
	make(&d, &other, OTHERS, TRIGGER, next_reference++);
	dar_edit(&d, &(struct edit)FILLED(Payload, 'x', 121));
	step("a payload above the SCS's own limit",
	     ask_and_judge(&(struct ask){ .on = &other }, &d, &(struct want)REFUSED(INVPAYLOAD)));
}

static const char *both(struct ask *k, const struct dar *d)
{
	struct ask again = *k;
	const char *fault = NULL;

	link_begin(k->on);
	if (!send_dar(k, d) || !send_dar(&again, d))
		return "not sent";
	if (link_wait(k->on, ANSWER_MS) != ANSWERED)
		return say("%zu answers are missing", k->on->missing);
	fault = judge(k->on->asked[0].answer, k->on->asked[0].n, &k->sent, d, &success);
	return fault ? fault : judge(k->on->asked[1].answer, k->on->asked[1].n, &again.sent, d, &success);
}

static void duplicates(void)
{
	const uint32_t r = next_reference;
	struct ask k = { .on = &scs }, t;
	static struct dar d;

	next_reference += 10;
	make(&d, &scs, DEVICE, TRIGGER, r);
	step("the same twice, one behind the other", both(&k, &d));
	t = (struct ask){ .on = &scs, .flags = DIA_F_RETRANSMIT, .e2e = k.sent.e2e };
	step("once more, with the T flag", ask_and_judge(&t, &d, &success));
	if (!link_wait_report(&scs, r, ANSWER_MS))
		result("the report of what was sent twice", "none");
	t.e2e = k.sent.e2e;
	step("once more after the report, with the T flag", ask_and_judge(&t, &d, &success));
	accepted++;

	make(&d, &scs, PENDING, TRIGGER, r + 1);
	step("a trigger that stays at the SMS-SC", ask_and_judge(&k, &d, &success));
	accepted++;
	step("its repetition", ask_and_judge(&(struct ask){ .on = &scs }, &d, &success));
	dar_edit(&d, &(struct edit)DATA(Payload, "something else"));
	step("its number with another payload", ask_and_judge(&(struct ask){ .on = &scs }, &d, &(struct want)REFUSED(PERMANENTERROR)));
	heartbeat("duplicates");
}

static const char *check_proxy_info(const uint8_t *msg, size_t n, const uint8_t *want, size_t want_n)
{
	return contains(msg, n, want, want_n) ? NULL : "the answer lacks the Proxy-Infos, or has them in another order";
}

static void proxy_info(void)
{
	struct dia_writer w = { 0 }, m = { 0 };
	const uint32_t hbh = peer_next_hbh(scs.peer), e2e = peer_next_e2e(scs.peer);
	const char *fault = NULL;
	static struct dar d;

	dia_begin(&w, 0, 0, 0, 0, 0);
	for (unsigned i = 0; i < 2; i++) {
		dia_open(&w, DIA_Proxy_Info);
		dia_put_text(&w, DIA_Proxy_Host, i ? "agent2.acme.example" : "agent1.acme.example");
		dia_put_octets(&w, DIA_Proxy_State, i ? "\0\1\2" : "state", i ? 3 : 5);
		dia_close(&w);
	}
	make(&d, &scs, DEVICE, TRIGGER, next_reference++);
	dia_begin(&m, DIA_F_REQUEST | DIA_F_PROXIABLE, CMD_DAR, TSP_APP, hbh, e2e);
	dar_put(&d, &m);
	dia_put_bytes(&m, w.p + DIA_HDR_LEN, w.n - DIA_HDR_LEN);
	link_begin(&scs);
	if (!dia_end(&w) || !dia_end(&m) || !link_send(&scs, m.p, m.n, hbh) || link_wait(&scs, ANSWER_MS) != ANSWERED)
		fault = "no answer";
	else
		fault = check_proxy_info(scs.asked[0].answer, scs.asked[0].n, w.p + DIA_HDR_LEN, w.n - DIA_HDR_LEN);
	accepted += !fault;
	step("two Proxy-Infos come back as they were sent", fault);
	dia_writer_free(&w);
	dia_writer_free(&m);
}

/* Far more than freeDiameter's queues hold, none waited for; each gets its answer. */
static void crowd(const char *why, const struct edit *e)
{
	enum { N = 200 };
	const int64_t until = peer_now_ms() + 2 * ANSWER_MS;
	static struct dar d;
	unsigned sent = 0;

	scs.strays = 0;
	for (unsigned i = 0; i < N; i++) {
		struct ask k = { .on = &scs };

		make(&d, &scs, "nobody@iot.example.com", TRIGGER, next_reference++);
		dar_edit(&d, e);
		link_begin(&scs);
		sent += send_dar(&k, &d);
	}
	link_begin(&scs);
	while (scs.open && scs.strays < sent && peer_now_ms() < until)
		peer_loop_run(scs.loop, 50);
	result(why, sent == N && scs.strays == N ? NULL : "%u sent, %u answered%s", sent, scs.strays, scs.open ? "" : ", connection closed");
	scs.strays = 0;
	heartbeat(why);
}

/* ---- answers to reports: what makes no sense is no answer, and the report comes again. */

static void bad_answers(void)
{
	static const char *const words[DNAS] = {
		[DNA_SHORT_RESULT] = "Result-Code of 2 octets", [DNA_NO_RESULT] = "no Result-Code",
		[DNA_UNKNOWN_FIRST] = "an unknown AVP with the M bit before Result-Code",
		[DNA_WRONG_FIRST] = "a broken AVP before Result-Code", [DNA_NO_ORIGIN] = "no Origin", [DNA_EMPTY] = "nothing in it",
		[DNA_NO_DNR] = "another Hop-by-Hop identifier",
	};
	char why[100];

	for (enum dna how = DNA_GOOD + 1; how < DNAS; how++) {
		const uint32_t r = next_reference++;
		const char *fault;

		snprintf(why, sizeof(why), "DNA: %s", words[how]);
		scs.reports.n = 0;
		scs.dna = how;
		fault = good_trigger(&scs, DEVICE, r);
		if (!fault && !link_wait_report(&scs, r, ANSWER_MS))
			fault = "no report";
		scs.dna = DNA_GOOD;
		scs.reports.n = 0;
		if (!fault && !(reopen(&scs, SCS, SCS_REALM) && link_wait_report(&scs, r, ANSWER_MS)))
			fault = "the report does not come again";
		step(why, fault);
		heartbeat(why);
	}
}

/* ---- commands that an SCS has no business with */

static void put_head(struct dia_writer *w, uint32_t code, uint32_t app, const char *dest_host, uint32_t hbh)
{
	char session[400];

	peer_session_id(scs.peer, session, sizeof(session));
	dia_begin(w, DIA_F_REQUEST | DIA_F_PROXIABLE, code, app, hbh, peer_next_e2e(scs.peer));
	dia_put_text(w, DIA_Session_Id, session);
	dia_put_u32(w, DIA_Auth_Session_State, 1);
	dia_put_text(w, DIA_Origin_Host, SCS);
	dia_put_text(w, DIA_Origin_Realm, SCS_REALM);
	if (dest_host)
		dia_put_text(w, DIA_Destination_Host, dest_host);
	dia_put_text(w, DIA_Destination_Realm, net.realm);
	dia_open(w, DIA_User_Identifier);
	dia_put_text(w, DIA_User_Name, "001010000000001");
	dia_close(w);
}

static void put_sir(struct dia_writer *w)
{
	dia_put_u32(w, DIA_Service_ID, 0);
	dia_put_octets(w, DIA_SCS_Identity, "\x94\x51\x01\x00\x01\x10", 6);
	dia_put_u32(w, DIA_SIR_Flags, 1);
}

static void put_dtr(struct dia_writer *w)
{
	dia_put_octets(w, DIA_SM_RP_SMEA, "\x0c\x91\x94\x51\x01\x00\x01\x10", 8);
	dia_put_text(w, DIA_Payload, "past the node");
	dia_put_u32(w, DIA_Reference_Number, 888888);
	dia_put_u32(w, DIA_Trigger_Action, 0);
}

static uint32_t reported;   /* Reference-Number of the forged DRR */

static void put_drr(struct dia_writer *w)
{
	dia_put_octets(w, DIA_SM_RP_SMEA, "\x0c\x91\x94\x51\x01\x00\x01\x10", 8);
	dia_put_u32(w, DIA_SM_Delivery_Outcome_T4, 2);
	dia_put_u32(w, DIA_Reference_Number, reported);
}

static void put_nothing(struct dia_writer *w)
{
}

static const struct {
	const char *why;
	uint32_t code, app;
	const char *dest_host;
	void (*put)(struct dia_writer *);
	uint32_t results[3];
} commands[] = {
	{ "a SIR from an SCS", CMD_SIR, S6M_APP, NULL, put_sir, { 3001, 3007, 3002 } },
	{ "a SIR from an SCS to the HSS", CMD_SIR, S6M_APP, "hss.operator.example", put_sir, { 3002, 3001, 3007 } },
	{ "a DTR from an SCS", CMD_DTR, T4_APP, NULL, put_dtr, { 3001, 3007, 3002 } },
	{ "a DTR from an SCS to the SMS-SC", CMD_DTR, T4_APP, "smssc.operator.example", put_dtr, { 3002, 3001, 3007 } },
	{ "a DRR from an SCS", CMD_DRR, T4_APP, "iwf.operator.example", put_drr, { 5012, 5003, 3001 } },
	{ "an STR from an SCS", 275, 0, NULL, put_nothing, { 3007, 3001, 5005 } },
	{ "a ULR of S6a from an SCS", 316, 16777251, NULL, put_nothing, { 3007, 3001, 3002 } },
};

static const char *check_command(size_t i, const uint8_t *msg, size_t n)
{
	const uint32_t code = number_of(NULL, msg, n, DIA_Result_Code, 0);
	const char *fault = check_leak(msg, n);

	for (size_t k = 0; k < 3 && !fault; k++)
		if (code == commands[i].results[k])
			return NULL;
	return fault ? fault : say("Result-Code %u instead of %u", code, commands[i].results[0]);
}

static void foreign_commands(void)
{
	reported = next_reference++;
	step("a trigger to be reported by a forger", good_trigger(&scs, PENDING, reported));
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct dia_writer w = { 0 };
		const uint32_t hbh = peer_next_hbh(scs.peer);
		const char *fault;

		put_head(&w, commands[i].code, commands[i].app, commands[i].dest_host, hbh);
		commands[i].put(&w);
		link_begin(&scs);
		if (!dia_end(&w) || !link_send(&scs, w.p, w.n, hbh))
			fault = "not sent";
		else if (link_wait(&scs, ANSWER_MS) != ANSWERED)
			fault = say("no answer%s%s", scs.open ? "" : ", connection closed: ", scs.open ? "" : scs.why);
		else
			fault = check_command(i, scs.asked[0].answer, scs.asked[0].n);
		dia_writer_free(&w);
		step(commands[i].why, fault);
		heartbeat(commands[i].why);
	}
	step("the forged report has ended nothing", ask_action(&scs, PENDING, RECALL, reported, 0, 0));
}

/* ---- octets that are no message: that connection ends, no other */

#define BYTES(s) s, sizeof(s) - 1
#define HEAD(version, length, flags, code) version length flags code "\x01\x00\x00\x1d" "\0\0\0\1" "\0\0\0\2"
#define DAR "\x80\x00\x5f"
static const struct { const char *why, *p; size_t n; } garbage[] = {
	{ "text", BYTES("GET / HTTP/1.1\r\nHost: iwf\r\n\r\n") },
	{ "version 2", BYTES(HEAD("\2", "\0\0\x14", "\xc0", DAR)) },
	{ "version 0", BYTES(HEAD("\0", "\0\0\x14", "\xc0", DAR)) },
	{ "length 0", BYTES(HEAD("\1", "\0\0\0", "\xc0", DAR)) },
	{ "length 19", BYTES(HEAD("\1", "\0\0\x13", "\xc0", DAR)) },
	{ "length 21", BYTES(HEAD("\1", "\0\0\x15", "\xc0", DAR) "\0\0\0\0") },
	{ "length of 16 MiB", BYTES(HEAD("\1", "\xff\xff\xff", "\xc0", DAR)) },
	{ "a header and half an AVP", BYTES(HEAD("\1", "\0\0\x18", "\xc0", DAR) "\0\0\1\7") },
	{ "a header and seven zeroes", BYTES(HEAD("\1", "\0\0\x1c", "\xc0", DAR) "\0\0\0\0\0\0\0\0") },
	{ "a Proxy-Info that is no group, unknown application",
	  BYTES("\1\0\0\x34\xc0\x80\x00\x5f\x01\x00\x77\x77\0\0\0\1\0\0\0\2"
	        "\0\0\1\x1b\x40\0\0\x0c" "abcd" "\0\0\1\x1c\x40\0\0\x14" "\0\0\0\1\0\0\0\3abcd") },
	{ "a Proxy-Info that is no group in a DAR without anything",
	  BYTES("\1\0\0\x40\xc0\x80\x00\x5f\x01\x00\x00\x1d\0\0\0\1\0\0\0\2"
	        "\0\0\1\x1b\x40\0\0\x18" "operator.example" "\0\0\1\x1c\x40\0\0\x14" "\0\0\0\1\0\0\0\3abcd") },
};

static void garbled(void)
{
	char why[200];

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		const char *fault = NULL;
		bool ended;

		snprintf(why, sizeof(why), "garbage: %s", garbage[i].why);
		if (!reopen(&other, OTHER, OTHER_REALM) || !reopen(&scs, SCS, SCS_REALM)) {
			result(why, "the node lets nobody in");
			return;
		}
		peer_send(scs.peer, (const uint8_t *)garbage[i].p, garbage[i].n);
		/* Closed at once; or it waits for the rest, and an answer may come to what looked like a request. */
		ended = link_wait_closed(&scs, 1000);
		if (!ended)
			link_close(&scs);
		fault = good_trigger(&other, OTHERS, next_reference++);
		result(why, fault ? "the other connection suffers: %s" : NULL, fault);
		heartbeat(why);
	}
}

static void without_cer(void)
{
	struct link l = { .loop = NULL };
	struct ask k = { .on = &l };
	static struct dar d;
	const char *fault = NULL;

	link_close(&scs);
	if (!link_open(&l, &net, SCS, SCS_REALM, true)) {
		result("a DAR without a CER", "no TLS connection: %s", l.why);
		return;
	}
	make(&d, &l, DEVICE, TRIGGER, next_reference++);
	link_begin(&l);
	if (!send_dar(&k, &d))
		fault = "not sent";
	else if (link_wait(&l, ANSWER_MS) == ANSWERED)
		fault = "it was answered";
	else if (l.open)
		fault = "the connection stays open";
	step("a DAR without a CER: no answer, connection closed", fault);
	link_close(&l);
	heartbeat("a DAR without a CER");
}

/* Requests whose answers find nobody: the SCS has gone. */
static void gone_before_the_answer(void)
{
	static const struct edit kinds[] = { KEPT, DATA(Destination_Realm, "elsewhere.example"), OMITTED(Action_Type) };
	static struct dar d;

	for (unsigned i = 0; i < 30; i++) {
		struct ask k = { .on = &scs };

		if (!reopen(&scs, SCS, SCS_REALM))
			break;
		for (unsigned n = 0; n < 2; n++) {
			make(&d, &scs, DEVICE, TRIGGER, next_reference++);
			dar_edit(&d, &(struct edit)DATA(External_Identifier, "nobody@iot.example.com"));
			dar_edit(&d, &kinds[i % 3]);
			link_begin(&scs);
			send_dar(&k, &d);
			peer_loop_run(scs.loop, 0);
		}
		peer_abort(scs.peer);
		link_wait_closed(&scs, 1000);
	}
	step("an SCS that leaves before its answers, thirty times", reopen(&scs, SCS, SCS_REALM) ? NULL : scs.why);
	heartbeat("an SCS that leaves before its answers");
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fputs("usage: bad_input PORT PKI NODE REALM\n", stderr);
		return 2;
	}
	net = (struct net){ .port = (uint16_t)atoi(argv[1]), .pki = argv[2], .node = argv[3], .realm = argv[4] };
	if (!link_open(&scs, &net, SCS, SCS_REALM, false)) {
		printf("not ok - the SCS connects: %s\n", scs.why);
		return 1;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run_row(&rows[i]);
	another_scs();
	recalls_and_replaces();
	duplicates();
	proxy_info();
	crowd("200 requests at once that are refused", &(struct edit)KEPT);
	crowd("200 requests at once without Action-Type", &(struct edit)OMITTED(Action_Type));
	crowd("200 requests at once for elsewhere", &(struct edit)DATA(Destination_Realm, "elsewhere.example"));
	crowd("200 requests at once with a decorated User-Name", &(struct edit)DATA(User_Name, "elsewhere.example!x@operator.example"));
	bad_answers();
	foreign_commands();
	garbled();
	without_cer();
	gone_before_the_answer();
	step("no answer came to nothing", scs.strays + other.strays ? "there were some" : NULL);
	link_close(&scs);
	link_close(&other);
	printf("%u cases, %u failed\naccepted: %u\n", cases, bad, accepted);
	return bad ? 1 : 0;
}
