/* check_peer_server.c - what a server that strangers reach needs of the peer
 * stack: its owner's say, its limits, what it keeps in memory. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "peer_ends.h"

#define GAP 160               /* milliseconds: a time limit under test */

/* A clock that goes on only when the test says so. */
int __real_clock_gettime(clockid_t id, struct timespec *t);
int __wrap_clock_gettime(clockid_t id, struct timespec *t);
static int64_t stopped_ms;

int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
	if (id != CLOCK_MONOTONIC || !stopped_ms)
		return __real_clock_gettime(id, t);
	*t = (struct timespec){ .tv_sec = stopped_ms / 1000, .tv_nsec = stopped_ms % 1000 * 1000000 };
	return 0;
}

static void clock_stop(void)
{
	stopped_ms = peer_now_ms();
}

static void clock_pass(int ms)
{
	stopped_ms += ms;
	peer_loop_run(loop, 0);
}

/* The owner's say. */

START_TEST(arrival)
{
	struct peer_conf s = conf_of("server.test");
	struct peer_listener *l;
	struct sockaddr_in sa;
	socklen_t n = sizeof(sa);
	char mine[64], x;
	int fd;

	server_ops.arrived = arrived;
	hook.turn_away = _i;
	l = serve(&s);
	fd = raw_socket(l);
	getsockname(fd, (struct sockaddr *)&sa, &n);
	snprintf(mine, sizeof(mine), "127.0.0.1:%u", ntohs(sa.sin_port));
	run_ms(20);
	ck_assert_uint_eq(hook.arrivals, 1);
	ck_assert_str_eq(hook.from, mine);
	ck_assert_int_eq(server.closed, _i);
	ck_assert_int_eq(recv(fd, &x, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, _i ? ECONNRESET : EAGAIN);
	close(fd);
}
END_TEST

START_TEST(owner_verifies)
{
	static const struct { int trust; const char *cert; } rows[] = {
		{ 0, "client" }, { 0, "stranger" }, { GNUTLS_E_CERTIFICATE_ERROR, "client" },
	};
	struct peer_conf s = tls_conf("server.test", "server"), c = tls_conf("scs.test", rows[_i].cert);

	server_ops.verify = verify;
	hook.trust = rows[_i].trust;
	dial(&c, serve(&s));
	if (!hook.trust) {
		run_until(&server.opened, 1);
	} else {
		run_until(&server.closed, 1);
		ck_assert_str_eq(server.why, "client is not on the list");
		ck_assert_int_eq(server.kind, PEER_END_HANDSHAKE);
		run_until(&client.closed, 1);
		ck_assert_msg(strstr(client.why, "refuses"), "%s", client.why);
		ck_assert_int_eq(server.opened, 0);
	}
	ck_assert_uint_eq(hook.verifications, 1);
	ck_assert_str_eq(hook.subject, rows[_i].cert);
}
END_TEST

START_TEST(admission)
{
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");

	server_ops.admit = admit;
	hook.admit = _i ? 3010 : 2001;
	dial(&c, serve(&s));
	if (!_i) {
		run_until(&client.opened, 1);
		ck_assert_str_eq(hook.host, "scs.test");
		peer_admit(server.peer, 3010, "too late");
		ask(client.peer, 10);
		answered(1);
		return;
	}
	run_until(&client.closed, 1);
	ck_assert_str_eq(client.why, "CEA 3010 DIAMETER_UNKNOWN_PEER: not today");
	run_until(&server.closed, 1);
	ck_assert_str_eq(server.why, "CER refused with 3010: not today");
	ck_assert_int_eq(server.kind, PEER_END_CER);
	ck_assert_int_eq(server.opened, 0);
	ck_assert_uint_eq(hook.admissions, 1);
}
END_TEST

/* The owner thinks first: 0 and 1 say yes and no; 2: never says; 3: the client goes; 4: it cannot wait. */
START_TEST(admission_later)
{
	struct peer_conf s = conf_of("server.test");
	struct peer_listener *l;
	struct dia_writer w = request(APP, CMD, 3, 0);
	struct dia_avp a;
	uint8_t cea[1024];
	uint32_t result;
	size_t n;
	int fd;

	s.connect_timeout_ms = _i == 2 ? GAP : 5000;
	server_ops.admit = admit;
	l = serve(&s);
	fd = raw_socket(l);
	put_cer(fd);
	for (int i = 0; i < 50 && !hook.waiting; i++)
		peer_loop_run(loop, 20);
	ck_assert_ptr_nonnull(hook.waiting);
	run_ms(30);
	ck_assert_int_eq(recv(fd, cea, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(server.opened, 0);
	if (_i < 2) {
		peer_admit(hook.waiting, _i ? 5012 : 2001, _i ? "the store is away" : NULL);
		if (!_i)
			peer_admit(hook.waiting, 5012, "said twice");
		n = take(fd, cea, sizeof(cea));
		ck_assert(n && dia_msg_find(cea, n, DIA_Result_Code, &a) && dia_avp_u32(&a, &result));
		ck_assert_uint_eq(result, _i ? 5012 : 2001);
		ck_assert_int_eq(server.opened, !_i);
		ck_assert(dia_msg_find(cea, n, DIA_Error_Message, &a) == (_i == 1));
		if (_i)
			ck_assert_uint_eq(take(fd, cea, sizeof(cea)), 0);
	} else if (_i == 2) {
		run_until(&server.closed, 1);
		ck_assert_str_eq(server.why, "nobody decided about the CER in time");
	} else if (_i == 3) {
		close(fd);
		run_until(&server.closed, 1);
		ck_assert_str_eq(server.why, "closed by the peer");
	} else {
		put(fd, w.p, w.n);
		run_until(&server.closed, 1);
		ck_assert_str_eq(server.why, "a message before the CEA");
		ck_assert_uint_eq(server.requests, 0);
	}
	dia_writer_free(&w);
	if (_i != 3)
		close(fd);
}
END_TEST

/* Whether they are freed, also when the call fails, the leak check of a sanitized run tells. */
START_TEST(credentials_of_the_owner)
{
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");
	char name[64], err[256] = "";

	s.tls.credentials = credentials("server");
	c.tls.credentials = credentials("client");
	open_both(&s, &c);
	subject_of(client.peer, name, sizeof(name));
	ck_assert_str_eq(name, "server");
	subject_of(server.peer, name, sizeof(name));
	ck_assert_str_eq(name, "client");
	s.tls.credentials = credentials("server");
	s.tls.priority = "NONE:+RUBBISH";
	ck_assert_ptr_null(peer_listen(loop, &s, "127.0.0.1", 0, &server_ops, err, sizeof(err)));
	ck_assert_msg(strstr(err, "RUBBISH"), "%s", err);
	s.tls.priority = NULL;
	s.tls.credentials = credentials("server");
	ck_assert_ptr_null(peer_listen(loop, &s, "192.0.2.1", 0, &server_ops, err, sizeof(err)));
	c.tls.credentials = credentials("client");
	ck_assert_ptr_null(peer_connect(loop, &c, "no such host", 1, &client_ops, err, sizeof(err)));
}
END_TEST

START_TEST(socket_of_the_owner)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");
	struct peer_listener *l;
	char err[256] = "";
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)) | listen(fd, 5), 0);
	l = peer_listen_fd(loop, &s, fd, &server_ops, err, sizeof(err));
	ck_assert_msg(l != NULL, "%s", err);
	ck_assert_uint_ne(peer_listener_port(l), 0);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	dial(&c, l);
	run_until(&client.opened, 1);
	peer_listener_close(l);
	run_ms(10);
	ck_assert_int_eq(fcntl(fd, F_GETFL), -1);
	ask(client.peer, 10);
	answered(1);
}
END_TEST

START_TEST(reload)
{
	struct peer_conf s = tls_conf("server.test", "server"), c = tls_conf("scs.test", "client"), other = s;
	struct peer_listener *l = serve(&s);
	char name[64], err[256] = "";
	struct peer *first;

	c.expect_host = "server.test";
	dial(&c, l);
	run_until(&client.opened, 1);
	first = client.peer;
	other.tls.cert = path("nothing", "pem");
	ck_assert(!peer_listener_reload(l, &other, err, sizeof(err)));
	ck_assert_msg(strstr(err, "nothing.pem"), "%s", err);
	dial(&c, l);
	run_until(&client.opened, 2);
	subject_of(client.peer, name, sizeof(name));
	ck_assert_str_eq(name, "server");
	other = tls_conf("server.test", "client-only");
	other.max_message = 1000;
	ck_assert(peer_listener_reload(l, &other, err, sizeof(err)));
	c.no_verify = true;
	dial(&c, l);
	run_until(&client.opened, 3);
	subject_of(client.peer, name, sizeof(name));
	ck_assert_str_eq(name, "client-only");
	ask(first, 5000);                  /* what is there keeps what it has */
	answered(1);
	ask(client.peer, 5000);
	run_until(&server.closed, 1);
	ck_assert_int_eq(server.kind, PEER_END_SIZE);
	ask(first, 10);
	for (int i = 0; i < 100 && server.requests < 2; i++)
		peer_loop_run(loop, 10);
	ck_assert_uint_eq(server.requests, 2);
}
END_TEST

START_TEST(causes)
{
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");

	open_both(&s, &c);
	if (_i == 3)
		peer_disconnect(server.peer);
	else
		peer_disconnect_because(server.peer, (uint32_t)_i);
	run_until(&server.closed, 1);
	ck_assert_uint_eq(client.dprs, 1);
	ck_assert_uint_eq(client.cause, _i == 3 ? 0 : (uint32_t)_i);
	ck_assert_str_eq(server.why, "disconnected by us");
	run_until(&client.closed, 1);
	ck_assert_int_eq(client.kind, PEER_END_DPR);
}
END_TEST

/* Limits. */

/* Silent from the start; after one octet; after the ClientHello; silent without TLS. */
START_TEST(slow)
{
	static const struct { bool tls; uint32_t hello, handshake, connect; size_t octets; const char *why; } rows[] = {
		{ true, GAP, 60000, 60000, 0, "TLS: no handshake began in time" },
		{ true, 0, 60000, GAP, 0, "TLS: no handshake began in time" },
		{ true, GAP / 2, GAP, 60000, 1, "TLS: the handshake did not end in time" },
		{ true, GAP / 2, GAP, 60000, SIZE_MAX, "TLS: the handshake did not end in time" },
		{ true, GAP / 2, 0, GAP, SIZE_MAX, "TLS: the handshake did not end in time" },
		{ false, GAP / 4, GAP / 4, GAP, 0, "no CER in time" },
	};
	struct peer_conf s = rows[_i].tls ? tls_conf("server.test", "server") : conf_of("server.test");
	int64_t start;
	int fd;

	s.hello_timeout_ms = rows[_i].hello;
	s.handshake_timeout_ms = rows[_i].handshake;
	s.connect_timeout_ms = rows[_i].connect;
	make_hello();
	start = peer_now_ms();
	fd = raw_socket(serve(&s));
	put(fd, hello, rows[_i].octets < hello_n ? rows[_i].octets : hello_n);
	run_until(&server.closed, 1);
	ck_assert_str_eq(server.why, rows[_i].why);
	ck_assert_int_eq(server.kind, PEER_END_SLOW);
	ck_assert_int_ge(peer_now_ms() - start, GAP - 5);
	close(fd);
}
END_TEST

static void put_head(int fd, uint8_t flags, uint32_t length)
{
	const uint8_t head[20] = { 1, (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length, flags, 0x80, 0, 0x1f,
	                           1, 0, 0, 0x1d, 1, 2, 3, 4, 5, 6, 7, 8 };

	put(fd, head, sizeof(head));
}

START_TEST(too_long)
{
	static const struct { bool open; uint8_t flags; uint32_t length; bool answer; } rows[] = {
		{ true, DIA_F_REQUEST | DIA_F_PROXIABLE, 20004, true }, { true, DIA_F_PROXIABLE, 20004, false },
		{ true, DIA_F_REQUEST, 0xfffffc, true }, { false, DIA_F_REQUEST, 8196, true },
	};
	struct peer_conf s = conf_of("server.test");
	struct peer_listener *l;
	struct dia_writer w;
	struct dia_hdr h;
	struct dia_avp a;
	uint8_t got[1024];
	uint32_t result = 0;
	size_t n;
	int fd;

	s.max_message = 20000;
	l = serve(&s);
	fd = rows[_i].open ? raw_open(l) : raw_socket(l);
	if (rows[_i].open) {
		w = request(APP, CMD, 1, 20000 - 20 - 16 - 12);    /* header, Session-Id, AVP header */
		ck_assert_uint_eq(w.n, 20000);
		put(fd, w.p, w.n);
		dia_writer_free(&w);
		ck_assert_uint_gt(take(fd, got, sizeof(got)), 0);
		ck_assert_uint_eq(server.last_len, 20000);
	}
	put_head(fd, rows[_i].flags, rows[_i].length);
	if (rows[_i].answer) {
		n = take(fd, got, sizeof(got));
		ck_assert(n && dia_hdr_read(got, n, &h) && dia_msg_find(got, n, DIA_Result_Code, &a) && dia_avp_u32(&a, &result));
		ck_assert_uint_eq(result, 5015);
		ck_assert_uint_eq(h.hbh, 0x01020304);
		ck_assert_uint_eq(h.e2e, 0x05060708);
		ck_assert_uint_eq(h.flags, rows[_i].flags & DIA_F_PROXIABLE);
		ck_assert_uint_eq(h.code, CMD);
	}
	ck_assert_uint_eq(take(fd, got, sizeof(got)), 0);
	close(fd);
	run_until(&server.closed, 1);
	ck_assert_int_eq(server.kind, PEER_END_SIZE);
	snprintf((char *)got, sizeof(got), "framing: a message of %u octets is too long", rows[_i].length);
	ck_assert_str_eq(server.why, (char *)got);
}
END_TEST

/* One does not read, another reads slowly, a third must not notice. */
START_TEST(stalled)
{
	struct peer_conf s = _i ? tls_conf("server.test", "server") : conf_of("server.test"), c = s, deaf;
	struct dia_writer w = request(APP, CMD, 1, 60000);
	struct peer *to;
	struct peer_listener *l;

	c.origin_host = "scs.test";
	if (_i)
		c.tls.cert = path("client", "pem"), c.tls.key = path("client", "key");
	deaf = c;
	deaf.bad.stop_reading = true;
	s.stall_timeout_ms = 2 * GAP;
	s.max_queue = 1 << 20;
	l = serve(&s);
	dial(&deaf, l);
	run_until(&server.opened, 1);
	to = server.peer;
	dial(&c, l);
	run_until(&client.opened, 2);
	while (peer_send(to, w.p, w.n))        /* what the kernel does not take, and max_queue of it */
		peer_loop_run(loop, 0);
	dia_writer_free(&w);
	for (unsigned i = 1; !server.closed && i < 2000; i++) {
		ask(client.peer, 100);
		answered(i);
		run_ms(2);
	}
	ck_assert_int_eq(server.closed, 1);
	ck_assert_int_eq(server.kind, PEER_END_STALLED);
	ck_assert_msg(strstr(server.why, "has not read for 320 ms"), "%s", server.why);
	ck_assert_uint_gt(client.answers, 20);
	ck_assert(peer_is_open(client.peer));
}
END_TEST

static size_t waiting(const struct peer *p)
{
	return p->out_n - p->out_at;
}

/* By the test's own clock: a machine that is busy elsewhere does not let time pass. */
START_TEST(slow_but_moving)
{
	struct peer_conf s = conf_of("server.test");
	struct dia_writer w = request(APP, CMD, 1, 60000);
	static uint8_t drop[300000];
	const int small = 65536;
	size_t left;
	int fd;

	s.stall_timeout_ms = 2 * GAP;
	fd = raw_open(serve(&s));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	setsockopt(server.peer->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));   /* no room to hide in */
	clock_stop();
	for (int i = 0; i < 150; i++)
		ck_assert(peer_send(server.peer, w.p, w.n));
	dia_writer_free(&w);
	peer_loop_run(loop, 0);
	for (int i = 0; i < 12; i++) {         /* 6 times the limit in all */
		clock_pass(GAP);
		left = waiting(server.peer);
		ck_assert_int_gt(recv(fd, drop, sizeof(drop), 0), 0);
		while (waiting(server.peer) == left)
			peer_loop_run(loop, 0);
	}
	for (struct pollfd room = { .fd = server.peer->fd, .events = POLLOUT }; poll(&room, 1, 1) != 1;)
		recv(fd, drop, sizeof(drop), MSG_DONTWAIT);
	clock_pass(100 * GAP);                 /* the peer has read, but this process was not there to see it */
	ck_assert_msg(!server.closed, "%s", server.why);
	ck_assert_uint_gt(waiting(server.peer), 0);
	ck_assert(peer_is_open(server.peer));
	clock_pass(2 * GAP - 1);
	ck_assert_int_eq(server.closed, 0);
	clock_pass(1);
	ck_assert_int_eq(server.closed, 1);
	ck_assert_int_eq(server.kind, PEER_END_STALLED);
	close(fd);
}
END_TEST

/* An answer that has no room ends the connection; the event comes later, not from within the call. */
START_TEST(answer_without_room)
{
	struct peer_conf s = conf_of("server.test");
	struct dia_writer w = request(APP, CMD, 1, 60000);
	int fd;

	s.max_queue = 200000;
	fd = raw_open(serve(&s));
	while (peer_send(server.peer, w.p, w.n))
		peer_loop_run(loop, 0);
	ck_assert(peer_is_open(server.peer));
	ck_assert(!peer_send_or_end(server.peer, w.p, w.n));
	ck_assert_int_eq(server.closed, 0);
	ck_assert(!peer_send_or_end(server.peer, w.p, w.n));
	run_until(&server.closed, 1);
	ck_assert_int_eq(server.kind, PEER_END_STALLED);
	ck_assert_msg(strstr(server.why, "octets wait for the peer already"), "%s", server.why);
	dia_writer_free(&w);
	close(fd);
}
END_TEST

/* The answers of the base protocol wait in the same queue. */
START_TEST(asks_and_does_not_read)
{
	struct peer_conf s = conf_of("server.test");
	struct dia_writer w = { 0 };
	int fd;

	s.max_queue = 20000;
	fd = raw_open(serve(&s));
	dia_begin(&w, DIA_F_REQUEST, 280, 0, 1, 2);
	dia_put_text(&w, DIA_Origin_Host, "raw.test");
	dia_put_text(&w, DIA_Origin_Realm, "test");
	ck_assert(dia_end(&w));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (int64_t end = peer_now_ms() + PATIENCE_MS; !server.closed && peer_now_ms() < end;) {
		for (int i = 0; i < 500; i++) {
			ssize_t r = send(fd, w.p, w.n, MSG_NOSIGNAL);

			if (r != (ssize_t)w.n) {
				if (r > 0)             /* the rest of this one, when there is room again */
					while (!server.closed && send(fd, w.p + r, w.n - (size_t)r, MSG_NOSIGNAL) < 0)
						peer_loop_run(loop, 1);
				break;
			}
		}
		peer_loop_run(loop, 0);
	}
	dia_writer_free(&w);
	ck_assert_int_eq(server.closed, 1);
	ck_assert_msg(strstr(server.why, "octets wait for the peer already"), "%s", server.why);
	ck_assert_int_eq(server.kind, PEER_END_STALLED);
	close(fd);
}
END_TEST

/* What an idle connection keeps, and what somebody can make it keep. */
START_TEST(buffers)
{
	struct peer_conf s = _i ? tls_conf("server.test", "server") : conf_of("server.test"), c = s;
	struct dia_writer w = request(APP, CMD, 1, 500000);

	c.origin_host = "scs.test";
	if (_i)
		c.tls.cert = path("client", "pem"), c.tls.key = path("client", "key");
	open_both(&s, &c);
	for (unsigned i = 1; i < 8; i++) {
		ask(client.peer, i * 30011);
		answered(i);
		ck_assert_ptr_null(server.peer->in);
		ck_assert_uint_eq(server.peer->in_n | server.peer->in_cap, 0);
		ck_assert_ptr_null(server.peer->out);
		ck_assert_uint_eq(server.peer->out_cap, 0);
	}
	ck_assert(peer_send(client.peer, w.p, 200));           /* who announces half a megabyte and gives 200 octets */
	for (int i = 0; i < 100 && !server.peer->in; i++)
		peer_loop_run(loop, 5);
	ck_assert_uint_eq(server.peer->in_n, 200);
	ck_assert_uint_le(server.peer->in_cap, 20000);
	ck_assert(peer_send(client.peer, w.p + 200, w.n - 200));
	answered(8);
	ck_assert_ptr_null(server.peer->in);
	ck_assert_uint_eq(server.last_len, w.n);
	dia_writer_free(&w);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_loop_test(t, arrival, 0, 2);
	tcase_add_loop_test(t, owner_verifies, 0, 3);
	tcase_add_loop_test(t, admission, 0, 2);
	tcase_add_loop_test(t, admission_later, 0, 5);
	tcase_add_test(t, credentials_of_the_owner);
	tcase_add_test(t, socket_of_the_owner);
	tcase_add_test(t, reload);
	tcase_add_loop_test(t, causes, 0, 4);
	tcase_add_loop_test(t, slow, 0, 6);
	tcase_add_loop_test(t, too_long, 0, 4);
	tcase_add_loop_test(t, stalled, 0, 2);
	tcase_add_test(t, slow_but_moving);
	tcase_add_test(t, answer_without_room);
	tcase_add_test(t, asks_and_does_not_read);
	tcase_add_loop_test(t, buffers, 0, 2);
}

int main(void)
{
	return ends_main("peer_server", add);
}
