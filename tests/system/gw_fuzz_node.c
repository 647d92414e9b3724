/* gw_fuzz_node.c - a node behind the gateway that has gone mad: it answers what was not asked, twice, with mistakes
 * or not at all, asks what nobody should answer, and breaks off.  What it asks in whole messages has to be answered
 * once. */
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "gw_fuzz.h"

#define SETTLE_MS 15000

static const struct raw_net *net;
static const char *name;
static const char *const *scss;
static int conn = -1;
static bool lost;
static uint8_t in[1 << 18];
static size_t in_n;
static struct dia_writer w;
static struct fuzz_asked asked;
static uint32_t next_hbh = 1;
static unsigned heard, said;
static volatile sig_atomic_t ending;

static void on_term(int sig)
{
	(void)sig;
	ending = 1;
}

static void hang_up(void)
{
	close(conn);
	conn = -1;
	in_n = 0;
	asked.n = 0;
	lost = false;
}

/* After what is no message nobody can tell where the next one begins: that was the last one. */
static void say(const uint8_t *p, size_t n)
{
	struct dia_hdr h;

	if (conn < 0 || lost)
		return;
	said++;
	if (!fuzz_is_sound(p, n)) {
		lost = true;
		asked.n = 0;
		send(conn, p, n, MSG_NOSIGNAL);
		shutdown(conn, SHUT_WR);
		return;
	}
	if (dia_hdr_read(p, n, &h) && h.flags & DIA_F_REQUEST)
		fuzz_ask(&asked, h.hbh);
	if (send(conn, p, n, MSG_NOSIGNAL) != (ssize_t)n)
		hang_up();
}

static void answer_base(const uint8_t *msg, size_t n, const struct dia_hdr *h)
{
	static const uint8_t address[6] = { 0, 1, 127, 0, 0, 1 };
	size_t m;
	uint8_t *b;

	dia_begin_answer(&w, msg, n, 0);
	dia_put_u32(&w, DIA_Result_Code, 2001);
	dia_put_text(&w, DIA_Origin_Host, name);
	dia_put_text(&w, DIA_Origin_Realm, net->realm);
	if (h->code == 257) {
		dia_put_octets(&w, DIA_Host_IP_Address, address, sizeof(address));
		dia_put_u32(&w, DIA_Vendor_Id, 0);
		dia_put_text(&w, DIA_Product_Name, "mad");
		dia_open(&w, DIA_Vendor_Specific_Application_Id);
		dia_put_u32(&w, DIA_Vendor_Id, DIA_VENDOR_3GPP);
		dia_put_u32(&w, DIA_Auth_Application_Id, RAW_TSP);
		dia_close(&w);
	}
	dia_end(&w);
	m = w.n;
	b = fuzz_one_in(10) && !ending ? fuzz_message(w.p, &m) : w.p;
	say(b, m);
}

static void put_daa(const uint8_t *dar, size_t n)
{
	dia_begin_answer(&w, dar, n, 0);
	dia_put_u32(&w, DIA_Auth_Application_Id, RAW_TSP);
	dia_put_u32(&w, DIA_Auth_Session_State, 1);
	dia_put_u32(&w, DIA_Result_Code, fuzz_one_in(8) ? 3002 : 2001);
	dia_put_text(&w, DIA_Origin_Host, name);
	dia_put_text(&w, DIA_Origin_Realm, net->realm);
	dia_open(&w, DIA_Device_Notification);
	dia_put_u32(&w, DIA_Reference_Number, 1);
	dia_put_u32(&w, DIA_Action_Type, 1);
	dia_put_u32(&w, DIA_Request_Status, 0);
	dia_close(&w);
	if (fuzz_one_in(3))
		dia_put_text(&w, DIA_Error_Message, name);
	if (fuzz_one_in(3))
		dia_put_text(&w, DIA_Error_Reporting_Host, name);
	if (fuzz_one_in(3))
		dia_put_text(&w, DIA_Route_Record, name);
	dia_end(&w);
}

static void put_dnr(void)
{
	const char *to = scss[fuzz_below(3)];
	char session[300];

	if (fuzz_one_in(8))
		to = "scs.nobody.example";
	snprintf(session, sizeof(session), "%s;1;%u", name, next_hbh);
	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, RAW_DNR, RAW_TSP, next_hbh, next_hbh);
	next_hbh++;
	dia_put_text(&w, DIA_Session_Id, session);
	dia_put_u32(&w, DIA_Auth_Application_Id, RAW_TSP);
	dia_put_u32(&w, DIA_Auth_Session_State, 1);
	dia_put_text(&w, DIA_Origin_Host, name);
	dia_put_text(&w, DIA_Origin_Realm, net->realm);
	dia_put_text(&w, DIA_Destination_Host, to);
	dia_put_text(&w, DIA_Destination_Realm, raw_realm(to));
	dia_open(&w, DIA_Device_Notification);
	dia_put_text(&w, DIA_External_Identifier, "meter1@iot.example.com");
	dia_put_u32(&w, DIA_Reference_Number, next_hbh);
	dia_put_u32(&w, DIA_Action_Type, 2);
	dia_put_u32(&w, DIA_Delivery_Outcome, 0);
	dia_close(&w);
	dia_end(&w);
}

static void ask(void)
{
	uint8_t *b;
	size_t n;

	put_dnr();
	n = w.n;
	b = fuzz_one_in(3) ? w.p : fuzz_message(w.p, &n);
	say(b, n);
}

static void got_dar(const uint8_t *dar, size_t n)
{
	uint8_t *b, lone[FUZZ_MAX / 64];
	size_t m;

	for (uint32_t times = fuzz_below(3); times; times--)
		ask();
	put_daa(dar, n);
	switch (fuzz_below(14)) {
	case 0:
	case 1:
		say(w.p, w.n);
		break;
	case 2:                            /* twice, or more often */
		for (uint32_t times = 2 + fuzz_below(5); times; times--)
			say(w.p, w.n);
		break;
	case 3:                            /* of another one, and then its own */
		m = w.n < sizeof(lone) ? w.n : sizeof(lone);
		memcpy(lone, w.p, m);
		fuzz_bytes(lone + 12, fuzz_one_in(2) ? 8 : 4);
		say(lone, m);
		say(w.p, w.n);
		break;
	case 4:
		if (fuzz_one_in(4))
			break;             /* never */
		w.p[7] ^= 1;               /* another command's */
		say(w.p, w.n);
		break;
	case 5:                            /* nonsense, and the end */
		m = fuzz_below(sizeof(lone));
		fuzz_bytes(lone, m);
		lone[0] = fuzz_one_in(2);
		say(lone, m);
		if (fuzz_one_in(2) && conn >= 0)
			hang_up();
		break;
	default:
		m = w.n;
		b = fuzz_message(w.p, &m);
		say(b, m);
		break;
	}
}

static void got(const uint8_t *msg, size_t n)
{
	struct dia_hdr h;

	heard++;
	if (lost || !dia_hdr_read(msg, n, &h))
		return;
	if (h.app == 0 && h.flags & DIA_F_REQUEST)
		answer_base(msg, n, &h);
	else if (h.flags & DIA_F_REQUEST && h.code == RAW_DAR)
		got_dar(msg, n);
	else if (h.flags & DIA_F_REQUEST)
		fuzz_wrong("the gateway passes on command %u of %u", h.code, h.app);
	else if (!fuzz_answered(&asked, h.hbh))
		fuzz_wrong("the node gets an answer (Hop-by-Hop %u) to nothing, or a second one", h.hbh);
}

static void read_more(void)
{
	ssize_t n = recv(conn, in + in_n, sizeof(in) - in_n, 0);

	if (n <= 0) {
		hang_up();
		return;
	}
	in_n += (size_t)n;
	while (conn >= 0 && in_n >= DIA_HDR_LEN) {
		size_t length = (size_t)in[1] << 16 | (size_t)in[2] << 8 | in[3];

		if (length < DIA_HDR_LEN || length > sizeof(in))
			fuzz_wrong("the gateway sends the node no Diameter");
		if (in_n < length)
			break;
		got(in, length);
		if (conn < 0)
			break;
		in_n -= length;
		memmove(in, in + length, in_n);
	}
}

int fuzz_node(const struct raw_net *to, const char *as, const char *const *them)
{
	struct sockaddr_in us = { .sin_family = AF_INET, .sin_port = htons(to->port),
	                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
	int64_t until = INT64_MAX;

	net = to;
	name = as;
	scss = them;
	signal(SIGTERM, on_term);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&us, sizeof(us)) || listen(listener, 5))
		fuzz_wrong("port %u is taken", to->port);
	while (!ending || (asked.n && raw_now_ms() < until)) {
		struct pollfd p = { .fd = conn >= 0 ? conn : listener, .events = POLLIN };

		if (ending && until == INT64_MAX)
			until = raw_now_ms() + SETTLE_MS;
		if (poll(&p, 1, 100) <= 0)
			continue;
		if (conn >= 0)
			read_more();
		else
			conn = accept(listener, NULL, NULL);
	}
	if (asked.n)
		fuzz_wrong("%zu requests of the node have not been answered, Hop-by-Hop %u ...", asked.n, asked.hbh[0]);
	printf("# the mad node got %u messages and sent %u\n", heard, said);
	dia_writer_free(&w);
	return 0;
}
