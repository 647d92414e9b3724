/* check_sctp.c - peers over SCTP: plain and DTLS, client and server in one loop.
 *
 * The user-space stack in UDP by default; SCTP_SERVER=kernel and SCTP_CLIENT=kernel make it the kernel's, for where
 * there is one.  SCTP_UDP is then the port at which that of the server takes SCTP in UDP.  SCTP_LISTEN_UDP: the one of
 * our own server, for a capture; any without it.  CK_RUN_CASE=opens is the least that shows all of the protocol. */
#include <arpa/inet.h>
#include <check.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <malloc.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "patience.h"
#include "peer.h"
#include "peer_certs.h"

#define APP 16777309u
#define CMD 8388639u

struct end {
	struct peer *peer;
	int opened, closed;
	char why[256], security[64];
	unsigned requests, answers, wrong;
	size_t longest;
	enum peer_end kind;
	bool echo;
};

static char dir[64];
static struct peer_loop *loop;
static struct end server, client;
static bool server_kernel, client_kernel;
static uint16_t kernel_udp, user_udp;
static uint16_t listen_udp;          /* where the last listener is, 0: bare IP */

static void event(struct peer *p, enum peer_event e, const char *why, void *ctx)
{
	struct end *end = ctx;

	if (e == PEER_OPEN) {
		end->peer = p;
		end->opened++;
		peer_security(p, end->security, sizeof(end->security));
	} else {
		end->peer = NULL;
		end->closed++;
		end->kind = peer_end(p);
		snprintf(end->why, sizeof(end->why), "%s", why);
	}
	peer_loop_stop(loop);
}

static void message(struct peer *p, const uint8_t *msg, size_t n, void *ctx)
{
	struct end *end = ctx;
	struct dia_hdr h;
	struct dia_avp a;

	ck_assert(dia_hdr_read(msg, n, &h) && h.length == n);
	if (n > end->longest)
		end->longest = n;
	if (dia_msg_find(msg, n, DIA_Payload, &a))
		for (size_t i = 0; i < a.len; i++)
			end->wrong += a.data[i] != (uint8_t)(h.hbh + i);
	if (!(h.flags & DIA_F_REQUEST)) {
		end->answers++;
		return;
	}
	end->requests++;
	if (end->echo) {
		struct dia_writer w = { 0 };

		dia_begin_answer(&w, msg, n, 0);
		dia_put_u32(&w, DIA_Result_Code, 2001);
		ck_assert(dia_end(&w));
		ck_assert(peer_send(p, w.p, w.n));
		dia_writer_free(&w);
	}
}

static const uint32_t apps[] = { APP };
static const struct peer_ops server_ops = { .event = event, .message = message, .ctx = &server };
static const struct peer_ops client_ops = { .event = event, .message = message, .ctx = &client };

static const char *path(const char *name, const char *suffix)
{
	static char paths[16][128];
	static unsigned at;
	char *p = paths[at++ % 16];

	snprintf(p, sizeof(paths[0]), "%s/%s%s", dir, name, suffix);
	return p;
}

static struct peer_conf conf_of(const char *host, const char *cert, const char *ca)
{
	struct peer_conf c = { .origin_host = host, .origin_realm = "test", .apps = apps, .napps = 1, .connect_timeout_ms = 60000,
	                       .sctp = { .on = true } };

	if (ca)
		c.tls = (struct peer_tls){ .cert = cert ? path(cert, ".pem") : NULL, .key = cert ? path(cert, ".key") : NULL,
		                           .ca = path(ca, "") };
	return c;
}

static struct peer_conf server_conf(bool dtls)
{
	return conf_of("server.test", "server", dtls ? "ca.pem" : NULL);
}

static struct peer_conf client_conf(bool dtls)
{
	return conf_of("scs.test", "client", dtls ? "ca.pem" : NULL);
}

static int udp_socket_at(const char *addr, uint16_t wanted, uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct sockaddr_in6 b = { .sin6_family = AF_INET6 };
	bool six = inet_pton(AF_INET6, addr, &b.sin6_addr) == 1;
	struct sockaddr *sa = six ? (struct sockaddr *)&b : (struct sockaddr *)&a;
	socklen_t n = six ? sizeof(b) : sizeof(a);
	int fd = socket(sa->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, addr, &a.sin_addr);
	a.sin_port = b.sin6_port = htons(wanted);
	ck_assert(fd >= 0 && bind(fd, sa, n) == 0 && getsockname(fd, sa, &n) == 0);
	*port = ntohs(six ? b.sin6_port : a.sin_port);
	return fd;
}

static int udp_socket(const char *addr, uint16_t *port)
{
	return udp_socket_at(addr, 0, port);
}

static struct peer_listener *serve(struct peer_conf conf, const char *addr)
{
	char err[256] = "";
	struct peer_listener *l;

	if (server_kernel) {
		conf.sctp.stack = PEER_SCTP_KERNEL;
		listen_udp = client_kernel ? 0 : kernel_udp;
		l = peer_listen(loop, &conf, addr, 0, &server_ops, err, sizeof(err));
	} else {
		int fd = udp_socket_at(addr, user_udp, &listen_udp);

		l = peer_listen_packets(loop, &conf, fd, 0, &server_ops, err, sizeof(err));
	}
	ck_assert_msg(l != NULL, "%s", err);
	return l;
}

static struct peer *dial_at(struct peer_conf conf, const char *addr, uint16_t port, uint16_t udp)
{
	char err[256] = "";
	struct peer *p;

	conf.sctp.stack = client_kernel ? PEER_SCTP_KERNEL : PEER_SCTP_USER;
	conf.sctp.udp_port = udp;
	p = peer_connect(loop, &conf, addr, port, &client_ops, err, sizeof(err));
	ck_assert_msg(p != NULL, "%s", err);
	return p;
}

static void dial(struct peer_conf conf, const struct peer_listener *l)
{
	client.peer = dial_at(conf, "127.0.0.1", peer_listener_port(l), listen_udp);
}

static void run_until(const int *what, int want)
{
	int64_t end = peer_now_ms() + PATIENCE_MS;

	while (*what < want && peer_now_ms() < end)
		peer_loop_run(loop, 50);
	ck_assert_msg(*what >= want, "client: %s; server: %s", client.why, server.why);
}

static void run_until_u(const unsigned *what, unsigned want)
{
	int64_t end = peer_now_ms() + PATIENCE_MS;

	while (*what < want && peer_now_ms() < end)
		peer_loop_run(loop, 20);
	ck_assert_msg(*what >= want, "%u of %u; client: %s; server: %s", *what, want, client.why, server.why);
}

static void run_ms(int ms)
{
	int64_t end = peer_now_ms() + ms;

	while (peer_now_ms() < end)
		peer_loop_run(loop, (int)(end - peer_now_ms()));
}

static struct peer_listener *open_both(bool dtls)
{
	struct peer_listener *l = serve(server_conf(dtls), "127.0.0.1");

	dial(client_conf(dtls), l);
	run_until(&client.opened, 1);
	run_until(&server.opened, 1);
	return l;
}

static bool try_request(struct peer *p, uint32_t hbh, size_t payload)
{
	struct dia_writer w = { 0 };
	uint8_t *b = malloc(payload + 1);
	bool ok;

	for (size_t i = 0; i < payload; i++)
		b[i] = (uint8_t)(hbh + i);
	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, CMD, APP, hbh, 7);
	dia_put_text(&w, DIA_Session_Id, "a;1;2");
	dia_put_octets(&w, DIA_Payload, b, payload);
	ck_assert(dia_end(&w));
	free(b);
	ok = peer_send(p, w.p, w.n);
	dia_writer_free(&w);
	return ok;
}

static void setup(void)
{
	memset(&server, 0, sizeof(server));
	memset(&client, 0, sizeof(client));
	server.echo = client.echo = true;
	loop = peer_loop_new();
	ck_assert_ptr_nonnull(loop);
}

static void teardown(void)
{
	peer_loop_free(loop);
}

START_TEST(opens)
{
	const bool dtls = _i & 1;
	const char *addr = _i & 2 ? "::1" : "127.0.0.1";
	struct peer_conf c = client_conf(dtls);
	struct peer_listener *l = serve(server_conf(dtls), addr);

	c.expect_host = "server.test";
	client.peer = dial_at(c, addr, peer_listener_port(l), listen_udp);
	run_until(&client.opened, 1);
	run_until(&server.opened, 1);
	ck_assert_str_eq(client.security, dtls ? "DTLS1.2 AES-128-GCM" : "SCTP without DTLS");
	ck_assert_str_eq(server.security, client.security);
	ck_assert_str_eq(peer_remote_host(server.peer), "scs.test");
	ck_assert(try_request(client.peer, 1, 10) && try_request(server.peer, 2, 10));
	run_until_u(&client.answers, 1);
	run_until_u(&server.answers, 1);
	peer_disconnect(client.peer);
	run_until(&client.closed, 1);
	run_until(&server.closed, 1);
	ck_assert_int_eq(server.kind, PEER_END_DPR);
}
END_TEST

/* Bare IP: for root, and where no kernel's SCTP answers, too. */
START_TEST(bare_ip)
{
	const char *addr = _i ? "::1" : "127.0.0.1";
	struct peer_conf s = server_conf(true), c = client_conf(true);
	struct peer_listener *l;
	char err[256] = "";
	int raw = socket(_i ? AF_INET6 : AF_INET, SOCK_RAW, 132), kernel = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);

	if (raw >= 0)
		close(raw);
	if (kernel >= 0)
		close(kernel);
	if (raw < 0 || kernel >= 0)
		return;
	s.sctp.stack = PEER_SCTP_USER;
	l = peer_listen(loop, &s, addr, 0, &server_ops, err, sizeof(err));
	ck_assert_msg(l != NULL, "%s", err);
	c.expect_host = "server.test";
	for (int i = 0; i < 3; i++)
		client.peer = dial_at(c, addr, peer_listener_port(l), 0);
	run_until(&client.opened, 3);
	run_until(&server.opened, 3);
	ck_assert_ptr_null(strstr(peer_address(server.peer), ":0"));
	ck_assert(try_request(client.peer, 1, 9000));
	run_until_u(&client.answers, 1);
}
END_TEST

START_TEST(refuses)
{
	static const struct { const char *s, *s_ca, *c, *c_ca, *client_says, *server_says; } rows[] = {
		{ "server", "ca.pem", "client", "other-ca.pem", "none of our CAs has signed it", "refuses" },
		{ "nameless", "ca.pem", "client", "ca.pem", "it is for another name than 127.0.0.1", "refuses" },
		{ "server", "ca.pem", NULL, "ca.pem", "refuses", "client has sent no certificate" },
		{ "server", "ca.pem", "stranger", "ca.pem", "refuses", "client's certificate is not trusted" },
		{ "server", "ca.pem", "late", "ca.pem", "refuses", "it has expired" },
		{ "server", "ca.pem", "client", NULL, "", "SCTP-AUTH" },
		{ "server", NULL, "client", "ca.pem", "SCTP-AUTH", "" },
	};

	dial(conf_of("scs.test", rows[_i].c, rows[_i].c_ca), serve(conf_of("server.test", rows[_i].s, rows[_i].s_ca), "127.0.0.1"));
	run_until(&client.closed, 1);
	run_until(&server.closed, 1);
	ck_assert_int_eq(client.opened, 0);
	ck_assert_int_eq(server.opened, 0);
	ck_assert_msg(strstr(client.why, rows[_i].client_says), "client: %s", client.why);
	ck_assert_msg(strstr(server.why, rows[_i].server_says), "server: %s", server.why);
}
END_TEST

START_TEST(many_messages)
{
	const unsigned n = server_kernel || client_kernel ? 400 : 3000;    /* that machine is slow */

	open_both(_i);
	for (unsigned i = 0; i < n; i++) {
		ck_assert(try_request(client.peer, i, i % 900));
		ck_assert(try_request(server.peer, i, i % 700));
		if (i % 100 == 0)
			peer_loop_run(loop, 0);
	}
	run_until_u(&client.answers, n);
	run_until_u(&server.answers, n);
	ck_assert_uint_eq(client.wrong + server.wrong, 0);
	ck_assert_uint_eq(client.requests, n);
	ck_assert_uint_eq(server.requests, n);
}
END_TEST

START_TEST(long_messages)
{
	const unsigned more = _i ? 40 : 6;
	size_t max, payload;

	open_both(_i);
	max = peer_max_send(client.peer);
	ck_assert_uint_ge(max, 16000);
	ck_assert(!_i || max < 16384);
	for (payload = max - 16; !try_request(client.peer, 5, payload); payload--)
		ck_assert_uint_gt(payload, max - 100);
	run_until_u(&client.answers, 1);
	ck_assert_uint_eq(server.longest, max & ~(size_t)3);
	ck_assert_uint_eq(server.wrong, 0);
	ck_assert(!try_request(client.peer, 6, payload + 4));      /* and nothing has happened */
	ck_assert(try_request(client.peer, 7, 100));
	run_until_u(&client.answers, 2);
	for (unsigned i = 0; i < more; i++)
		ck_assert(try_request(client.peer, 8, payload - 8));
	run_until_u(&client.answers, 2 + more);
	ck_assert_uint_eq(server.requests, 2 + more);
}
END_TEST

START_TEST(several)
{
	enum { N = 24 };
	struct peer_listener *l = serve(server_conf(true), "127.0.0.1");
	struct peer *p[N];

	for (int i = 0; i < N; i++)
		p[i] = dial_at(client_conf(true), "127.0.0.1", peer_listener_port(l), listen_udp);
	run_until(&client.opened, N);
	run_until(&server.opened, N);
	for (int i = 0; i < N; i++)
		ck_assert(try_request(p[i], 1, 1000));
	run_until_u(&client.answers, N);
	for (int i = 0; i < N; i += 2)
		peer_disconnect(p[i]);
	run_until(&server.closed, N / 2);
	for (int i = 1; i < N; i += 2)
		ck_assert(try_request(p[i], 1, 1000));
	run_until_u(&client.answers, N + N / 2);
}
END_TEST

START_TEST(aborts)
{
	open_both(_i);
	peer_abort(client.peer);
	run_until(&client.closed, 1);
	run_until(&server.closed, 1);
	ck_assert_str_eq(client.why, "broken off by us");
}
END_TEST

START_TEST(nobody_there)
{
	struct peer_conf c = client_conf(true);
	uint16_t udp = 0;
	int fd = udp_socket("127.0.0.1", &udp);

	/* UDP that nobody reads: silence. */
	c.connect_timeout_ms = 700;
	client.peer = dial_at(c, "127.0.0.1", 5868, client_kernel ? 0 : udp);
	run_until(&client.closed, 1);
	ck_assert_int_eq(client.opened, 0);
	close(fd);
}
END_TEST

/* A client that stops in the middle of everything: only time tells. */
START_TEST(falls_silent)
{
	struct peer_conf s = server_conf(true);
	int tell[2];
	uint16_t port[2];
	pid_t child;

	ck_assert_int_eq(pipe(tell), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child) {
		peer_loop_free(loop);
		loop = peer_loop_new();
		if (read(tell[0], port, sizeof(port)) != sizeof(port))
			_exit(1);
		dial_at(client_conf(true), "127.0.0.1", port[0], port[1]);
		for (;;)
			peer_loop_run(loop, -1);
	}
	s.watchdog_s = 1;
	port[0] = peer_listener_port(serve(s, "127.0.0.1"));
	port[1] = listen_udp;
	ck_assert_int_eq(write(tell[1], port, sizeof(port)), sizeof(port));
	run_until(&server.opened, 1);
	kill(child, SIGSTOP);
	run_until(&server.closed, 1);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(tell[0]);
	close(tell[1]);
	ck_assert_msg(server.kind == PEER_END_WATCHDOG, "%s", server.why);
}
END_TEST

/* Somebody on the way: a relay that looks at every packet in UDP, and can put in its own. */

static struct {
	int near, far;                   /* towards the client, towards the server */
	struct sockaddr_in client, server;
	uint32_t tag, tsn;               /* of the client's last DATA */
	uint16_t from, to;
	unsigned authenticated, bare;    /* DATA chunks in packets with and without AUTH before them */
	unsigned ppid[64];
	uint8_t vector[2][512];          /* of client and server: what RFC 4895 6.1 makes a key of */
	size_t vector_n[2];
	unsigned known, other;           /* HMACs under the empty key that we can make too, that we cannot */
} relay;

static uint32_t get32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void put32(uint8_t *b, uint32_t v)
{
	b[0] = (uint8_t)(v >> 24);
	b[1] = (uint8_t)(v >> 16);
	b[2] = (uint8_t)(v >> 8);
	b[3] = (uint8_t)v;
}

#define HMAC_LEN 20u                     /* SHA-1 */
#define AUTH_LEN (8 + HMAC_LEN)

/* RFC 4895 6.1 and 6.2: under key 0 all is known to whoever has seen INIT and INIT ACK. */
static bool hmac_empty_key(const uint8_t *auth, size_t n, uint8_t out[HMAC_LEN])
{
	uint8_t key[1024], data[2048];
	size_t len = relay.vector_n[0];
	unsigned low;

	if (!len || relay.vector_n[1] != len || n > sizeof(data) || n < AUTH_LEN)
		return false;
	low = memcmp(relay.vector[0], relay.vector[1], len) > 0;
	memcpy(key, relay.vector[low], len);
	memcpy(key + len, relay.vector[!low], len);
	memcpy(data, auth, n);
	memset(data + 8, 0, HMAC_LEN);
	return gnutls_hmac_fast(GNUTLS_MAC_SHA1, key, 2 * len, data, n, out) == 0;
}

static void look_at_auth(const uint8_t *b, size_t n)
{
	uint8_t hmac[HMAC_LEN];

	if (n < AUTH_LEN || b[4] || b[5])        /* another key */
		return;
	if (hmac_empty_key(b, n, hmac) && !memcmp(hmac, b + 8, HMAC_LEN))
		relay.known++;
	else
		relay.other++;
}

static void add_parameter(const uint8_t *b, size_t n, uint16_t type, unsigned who)
{
	for (size_t at = 20; at + 4 <= n;) {
		size_t len = (size_t)b[at + 2] << 8 | b[at + 3], room = sizeof(relay.vector[0]) - relay.vector_n[who];

		if ((b[at] << 8 | b[at + 1]) == type && at + len <= n && len <= room) {
			memcpy(relay.vector[who] + relay.vector_n[who], b + at, len);
			relay.vector_n[who] += len;
		}
		if (len < 4)
			break;
		at += (len + 3) & ~(size_t)3;
	}
}

static void look_at_init(const uint8_t *b, size_t n, unsigned who)
{
	relay.vector_n[who] = 0;
	add_parameter(b, n, 0x8002, who);        /* RANDOM */
	add_parameter(b, n, 0x8003, who);        /* CHUNKS */
	add_parameter(b, n, 0x8004, who);        /* HMAC-ALGO */
}

static void look(const uint8_t *b, size_t n, bool from_client)
{
	bool auth = false;

	for (size_t at = 12; at + 16 <= n;) {
		size_t len = (size_t)b[at + 2] << 8 | b[at + 3];

		if (b[at] == 1 || b[at] == 2)
			look_at_init(b + at, n - at, !from_client);
		if (b[at] == 15)
			look_at_auth(b + at, n - at);
		auth |= b[at] == 15;
		if (b[at] == 0) {
			if (auth)
				relay.authenticated++;
			else
				relay.bare++;
			if (get32(b + at + 12) < 64)
				relay.ppid[get32(b + at + 12)]++;
			if (from_client) {
				relay.tag = get32(b + 4);
				relay.tsn = get32(b + at + 4);
				relay.from = (uint16_t)(b[0] << 8 | b[1]);
				relay.to = (uint16_t)(b[2] << 8 | b[3]);
			}
		}
		if (len < 4)
			break;
		at += (len + 3) & ~(size_t)3;
	}
}

static void on_near(int fd, void *ctx)
{
	uint8_t b[65536];
	socklen_t len = sizeof(relay.client);
	ssize_t n = recvfrom(fd, b, sizeof(b), 0, (struct sockaddr *)&relay.client, &len);

	if (n <= 0)
		return;
	look(b, (size_t)n, true);
	sendto(relay.far, b, (size_t)n, 0, (struct sockaddr *)&relay.server, sizeof(relay.server));
}

static void on_far(int fd, void *ctx)
{
	uint8_t b[65536];
	ssize_t n = recv(fd, b, sizeof(b), 0);

	if (n <= 0)
		return;
	look(b, (size_t)n, false);
	sendto(relay.near, b, (size_t)n, 0, (struct sockaddr *)&relay.client, sizeof(relay.client));
}

static uint16_t relay_to(uint16_t udp)
{
	uint16_t port, other;

	memset(&relay, 0, sizeof(relay));
	relay.near = udp_socket("127.0.0.1", &port);
	relay.far = udp_socket("127.0.0.1", &other);
	relay.server = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(udp), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ck_assert(peer_watch_fd(loop, relay.near, on_near, NULL) && peer_watch_fd(loop, relay.far, on_far, NULL));
	return port;
}

static void relay_end(void)
{
	peer_unwatch_fd(loop, relay.near);
	peer_unwatch_fd(loop, relay.far);
	close(relay.near);
	close(relay.far);
}

/* RFC 4960 appendix B: CRC32c, sent least significant octet first. */
static void seal(uint8_t *b, size_t n)
{
	uint32_t crc = 0xffffffff;

	memset(b + 8, 0, 4);
	for (size_t i = 0; i < n; i++) {
		crc ^= b[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	crc = ~crc;
	for (int i = 0; i < 4; i++)
		b[8 + i] = (uint8_t)(crc >> 8 * i);
}

/* The next DATA of the client, forged by somebody who sees everything but the keys. */
static void inject(uint32_t ppid, bool auth, const uint8_t *data, size_t n)
{
	uint8_t whole[256] = { 0 }, *b = whole, hmac[HMAC_LEN];
	size_t len = 16 + n, before = auth ? AUTH_LEN : 0;

	b[0] = (uint8_t)(relay.from >> 8);
	b[1] = (uint8_t)relay.from;
	b[2] = (uint8_t)(relay.to >> 8);
	b[3] = (uint8_t)relay.to;
	put32(b + 4, relay.tag);
	b += before;                             /* the chunk behind a chunk of AUTH */
	b[13] = 7;                               /* unordered, whole */
	b[14] = (uint8_t)(len >> 8);
	b[15] = (uint8_t)len;
	put32(b + 16, relay.tsn + 1);
	put32(b + 24, ppid);
	memcpy(b + 28, data, n);
	b = whole;
	n = 12 + before + ((len + 3) & ~(size_t)3);
	if (auth) {
		b[12] = 15;
		b[15] = AUTH_LEN;
		b[19] = 1;                       /* SHA-1 */
		ck_assert(hmac_empty_key(b + 12, n - 12, hmac));
		memcpy(b + 20, hmac, HMAC_LEN);
	}
	seal(b, n);
	sendto(relay.far, b, n, 0, (struct sockaddr *)&relay.server, sizeof(relay.server));
}

/* _i 0 and 2: DTLS, where it has to be as if the packet had not come, be it without AUTH or under the empty key of the
 * handshake, whose HMACs we can make; 1: in the clear, where it has to work, or the test would show nothing. */
START_TEST(injected_data)
{
	const bool dtls = _i != 1;
	struct peer_listener *l = serve(server_conf(dtls), "127.0.0.1");
	uint16_t port = relay_to(listen_udp);
	struct dia_writer w = { 0 };

	client.peer = dial_at(client_conf(dtls), "127.0.0.1", peer_listener_port(l), port);
	run_until(&client.opened, 1);
	ck_assert(try_request(client.peer, 1, 10));
	run_until_u(&client.answers, 1);
	run_ms(100);
	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, CMD, APP, 99, 7);
	dia_put_text(&w, DIA_Session_Id, "a;1;2");
	ck_assert(dia_end(&w));
	inject(dtls ? 47 : 46, _i == 2, w.p, w.n);
	dia_writer_free(&w);
	run_ms(200);
	ck_assert_uint_eq(server.requests, dtls ? 1 : 2);
	if (dtls) {
		ck_assert_int_eq(server.closed, 0);
		ck_assert(try_request(client.peer, 2, 10));    /* has the TSN that was tried */
		run_until_u(&client.answers, 2);
		ck_assert_uint_eq(server.requests, 2);
		ck_assert_uint_ge(relay.known, 4);
		ck_assert_uint_eq(relay.other, 0);
		ck_assert_uint_eq(relay.bare, 0);
		ck_assert_uint_ge(relay.authenticated, 10);
		ck_assert_uint_eq(relay.ppid[46], 0);
		ck_assert_uint_eq(relay.ppid[47], relay.authenticated);
	} else {
		ck_assert_uint_eq(relay.authenticated, 0);
		ck_assert_uint_eq(relay.ppid[46], relay.bare);
	}
	relay_end();
}
END_TEST

static void send_init(uint16_t sctp_port, uint16_t udp, unsigned i)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010000u + i % 65000) };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(udp), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint8_t b[32] = { 0 };

	b[0] = 0x80;
	b[1] = (uint8_t)i;
	b[2] = (uint8_t)(sctp_port >> 8);
	b[3] = (uint8_t)sctp_port;
	b[12] = 1;                               /* INIT */
	b[15] = 20;
	put32(b + 16, 0x01000000u + i);
	put32(b + 20, 65536);
	b[25] = b[27] = 1;
	put32(b + 28, i);
	seal(b, sizeof(b));
	ck_assert(fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0);
	ck_assert_int_eq(sendto(fd, b, sizeof(b), 0, (struct sockaddr *)&to, sizeof(to)), sizeof(b));
	close(fd);
}

START_TEST(init_flood)
{
	struct peer_listener *l = serve(server_conf(true), "127.0.0.1");
	size_t before = 0, after;

	for (unsigned i = 0; i < 20000; i++) {
		send_init(peer_listener_port(l), listen_udp, i);
		if (i % 50 == 0)
			peer_loop_run(loop, 0);
		if (i == 2000)
			before = mallinfo2().uordblks;
	}
	run_ms(50);
	after = mallinfo2().uordblks;
	ck_assert_msg(after < before + 65536, "%zu octets more", after - before);
	ck_assert_int_eq(server.opened + server.closed, 0);
	dial(client_conf(true), l);
	run_until(&client.opened, 1);
}
END_TEST

START_TEST(nonsense)
{
	struct peer_listener *l = open_both(true);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(listen_udp), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	uint16_t port;
	int fd = udp_socket("127.0.0.1", &port);
	unsigned seed = 1;

	for (int i = 0; i < 3000; i++) {
		uint8_t b[400];
		size_t n = (size_t)rand_r(&seed) % sizeof(b);

		for (size_t k = 0; k < n; k++)
			b[k] = (uint8_t)rand_r(&seed);
		if (n >= 16) {
			b[2] = (uint8_t)(peer_listener_port(l) >> 8);
			b[3] = (uint8_t)peer_listener_port(l);
			b[12] %= 16;
			b[14] = 0;
			seal(b, n);
		}
		sendto(fd, b, n, 0, (struct sockaddr *)&to, sizeof(to));
		if (i % 20 == 0)
			peer_loop_run(loop, 0);
	}
	run_ms(50);
	close(fd);
	ck_assert(try_request(client.peer, 1, 10));
	run_until_u(&client.answers, 1);
}
END_TEST

START_TEST(listens_once)
{
	struct peer_conf s = server_conf(true);
	struct peer_loop *other = peer_loop_new();
	char err[256] = "";
	uint16_t udp;
	struct peer_listener *l = serve(s, "127.0.0.1");
	int fd = udp_socket("127.0.0.1", &udp);

	s.sctp.stack = PEER_SCTP_USER;
	ck_assert_ptr_null(peer_listen_packets(other, &s, fd, 0, &server_ops, err, sizeof(err)));
	ck_assert_msg(strstr(err, "another loop"), "%s", err);
	/* The same port of SCTP on another socket is fine, with other security it is not. */
	fd = udp_socket("127.0.0.1", &udp);
	ck_assert_ptr_nonnull(peer_listen_packets(loop, &s, fd, peer_listener_port(l), &server_ops, err, sizeof(err)));
	dial_at(client_conf(true), "127.0.0.1", peer_listener_port(l), udp);
	run_until(&client.opened, 1);
	s.tls.ca = NULL;
	fd = udp_socket("127.0.0.1", &udp);
	ck_assert_ptr_null(peer_listen_packets(loop, &s, fd, peer_listener_port(l), &server_ops, err, sizeof(err)));
	peer_listener_close(l);
	run_ms(20);
	peer_loop_free(other);
}
END_TEST

/* Kernel: more than one address of ours. */
START_TEST(multihomed)
{
	static const char *const more[] = { "127.0.0.2" }, *const ours[] = { "127.0.0.3", "127.0.0.4" };
	struct peer_conf s = server_conf(true), c = client_conf(true);
	struct peer_listener *l;

	s.sctp.addrs = more;
	s.sctp.naddrs = 1;
	l = serve(s, "127.0.0.1");
	client.peer = dial_at(c, "127.0.0.2", peer_listener_port(l), listen_udp);
	run_until(&client.closed, 1);            /* the certificate is for 127.0.0.1 */
	ck_assert_msg(strstr(client.why, "127.0.0.2"), "%s", client.why);
	c.expect_host = "server.test";
	c.sctp.addrs = ours;
	c.sctp.naddrs = 2;
	client.peer = dial_at(c, "127.0.0.2", peer_listener_port(l), listen_udp);
	run_until(&client.opened, 1);
	run_until(&server.opened, 1);
	ck_assert_msg(!strncmp(peer_address(server.peer), "127.0.0.", 8) && strncmp(peer_address(server.peer), "127.0.0.1:", 10),
	              "%s", peer_address(server.peer));
	ck_assert(try_request(client.peer, 1, 5000));
	run_until_u(&client.answers, 1);
}
END_TEST

static bool stack_of(const char *variable)
{
	const char *v = getenv(variable);

	return v && !strcmp(v, "kernel");
}

int main(void)
{
	Suite *s = suite_create("sctp");
	TCase *first = tcase_create("opens"), *t = tcase_create("sctp");
	SRunner *r;
	int failed;

	server_kernel = stack_of("SCTP_SERVER");
	client_kernel = stack_of("SCTP_CLIENT");
	kernel_udp = getenv("SCTP_UDP") ? (uint16_t)atoi(getenv("SCTP_UDP")) : 9899;
	snprintf(dir, sizeof(dir), "/tmp/check-sctp.XXXXXX");
	if (!mkdtemp(dir) || !peer_certs_make(dir)) {
		fprintf(stderr, "no certificates\n");
		return 1;
	}
	user_udp = getenv("SCTP_LISTEN_UDP") ? (uint16_t)atoi(getenv("SCTP_LISTEN_UDP")) : 0;
	tcase_set_timeout(first, 60);
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(first, setup, teardown);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(first, opens, 0, 4);
	suite_add_tcase(s, first);
	tcase_add_loop_test(t, refuses, 0, 7);
	tcase_add_loop_test(t, many_messages, 0, 2);
	tcase_add_loop_test(t, long_messages, 0, 2);
	tcase_add_test(t, several);
	tcase_add_loop_test(t, aborts, 0, 2);
	tcase_add_test(t, nobody_there);
	tcase_add_test(t, falls_silent);
	if (!server_kernel && !client_kernel) {
		tcase_add_loop_test(t, injected_data, 0, 3);
		tcase_add_loop_test(t, bare_ip, 0, 2);
		tcase_add_test(t, init_flood);
		tcase_add_test(t, nonsense);
		tcase_add_test(t, listens_once);
	}
	if (server_kernel && client_kernel)
		tcase_add_test(t, multihomed);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	peer_certs_remove(dir);
	return failed != 0;
}
