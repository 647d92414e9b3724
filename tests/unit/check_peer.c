/* check_peer.c - the peer stack against itself and against raw sockets, client
 * and server in one loop over loopback. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "patience.h"
#include "peer.h"
#include "peer_certs.h"

#define APP 16777309u
#define CMD 8388639u

static char dir[64];

/* One end of a connection, as its owner sees it. */
struct end {
	struct peer *peer;
	int opened, closed;
	char why[256], security[64];
	unsigned requests, answers, dwr, dwa;
	uint32_t last_hbh, last_result;
	uint8_t last_flags;
	size_t last_len;
	bool echo, abort_on_message;
	size_t echoed_failures;
};

static struct peer_loop *loop;
static struct end server, client;

static void event(struct peer *p, enum peer_event e, const char *why, void *ctx)
{
	struct end *end = ctx;

	if (e == PEER_OPEN) {
		end->peer = p;
		end->opened++;
		ck_assert(peer_is_open(p));
		peer_security(p, end->security, sizeof(end->security));
	} else {
		end->peer = NULL;
		end->closed++;
		snprintf(end->why, sizeof(end->why), "%s", why);
	}
	peer_loop_stop(loop);
}

static void message(struct peer *p, const uint8_t *msg, size_t n, void *ctx)
{
	struct end *end = ctx;
	struct dia_hdr h;
	struct dia_avp a;

	ck_assert(dia_hdr_read(msg, n, &h));
	ck_assert_uint_eq(h.length, n);
	end->last_hbh = h.hbh;
	end->last_flags = h.flags;
	end->last_len = n;
	if (h.flags & DIA_F_REQUEST)
		end->requests++;
	else
		end->answers++;
	if (dia_msg_find(msg, n, DIA_Result_Code, &a))
		dia_avp_u32(&a, &end->last_result);
	if (end->abort_on_message)
		peer_abort(p);
	if (end->echo && (h.flags & DIA_F_REQUEST)) {
		struct dia_writer w = { 0 };

		dia_begin_answer(&w, msg, n, 0);
		dia_put_u32(&w, DIA_Result_Code, 2001);
		ck_assert(dia_end(&w));
		end->echoed_failures += !peer_send(p, w.p, w.n);
		dia_writer_free(&w);
	}
	if (!end->echo)
		peer_loop_stop(loop);
}

static void trace(struct peer *p, bool sent, const uint8_t *msg, size_t n, void *ctx)
{
	struct end *end = ctx;
	struct dia_hdr h;

	if (!dia_hdr_read(msg, n, &h) || h.code != 280 || sent)
		return;
	if (h.flags & DIA_F_REQUEST)
		end->dwr++;
	else
		end->dwa++;
}

static const uint32_t apps[] = { APP };
static const struct peer_ops server_ops = { .event = event, .message = message, .trace = trace, .ctx = &server };
static const struct peer_ops client_ops = { .event = event, .message = message, .trace = trace, .ctx = &client };
static struct peer_conf conf_of(const char *host)
{
	return (struct peer_conf){ .origin_host = host, .origin_realm = "test", .product = "check", .apps = apps, .napps = 1,
	                           .connect_timeout_ms = 5000 };
}

static struct peer_listener *serve(const struct peer_conf *conf)
{
	char err[256] = "";
	struct peer_listener *l = peer_listen(loop, conf, "127.0.0.1", 0, &server_ops, err, sizeof(err));

	ck_assert_msg(l != NULL, "%s", err);
	return l;
}

static void dial(const struct peer_conf *conf, const char *host, const struct peer_listener *l)
{
	char err[256] = "";

	client.peer = peer_connect(loop, conf, host, peer_listener_port(l), &client_ops, err, sizeof(err));
	ck_assert_msg(client.peer != NULL, "%s", err);
}

/* Turns the loop until *what has got to `want`, at most 5 s. */
static void run_until(const int *what, int want)
{
	int64_t end = peer_now_ms() + PATIENCE_MS;

	while (*what < want && peer_now_ms() < end)
		peer_loop_run(loop, 100);
	ck_assert_int_ge(*what, want);
}

static void run_ms(int ms)
{
	int64_t end = peer_now_ms() + ms;

	while (peer_now_ms() < end)
		peer_loop_run(loop, (int)(end - peer_now_ms()));
}

static const char *path(const char *file)
{
	static char paths[8][128];
	static unsigned at;
	char *p = paths[at++ % 8];

	snprintf(p, sizeof(paths[0]), "%s/%s", dir, file);
	return p;
}

static struct peer_tls tls_of(const char *name, const char *ca)
{
	char cert[64], key[64];

	snprintf(cert, sizeof(cert), "%s.pem", name ? name : "");
	snprintf(key, sizeof(key), "%s.key", name ? name : "");
	return (struct peer_tls){ .cert = name ? path(cert) : NULL, .key = name ? path(key) : NULL, .ca = path(ca) };
}

static struct dia_writer request(uint32_t app, uint32_t code, uint32_t hbh, size_t payload)
{
	struct dia_writer w = { 0 };
	uint8_t *p = calloc(1, payload + 1);

	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, code, app, hbh, 7);
	dia_put_text(&w, DIA_Session_Id, "a;1;2");
	if (payload)
		dia_put_octets(&w, DIA_Payload, p, payload);
	free(p);
	ck_assert(dia_end(&w));
	return w;
}

static void send_request(struct peer *p, uint32_t app, uint32_t code, uint32_t hbh, size_t payload)
{
	struct dia_writer w = request(app, code, hbh, payload);

	ck_assert(peer_send(p, w.p, w.n));
	dia_writer_free(&w);
}

static void setup(void)
{
	memset(&server, 0, sizeof(server));
	memset(&client, 0, sizeof(client));
	loop = peer_loop_new();
	ck_assert_ptr_nonnull(loop);
}

static void teardown(void)
{
	peer_loop_free(loop);
}

/* Opens both ends and leaves them. */
static struct peer_listener *open_both(struct peer_conf s, struct peer_conf c)
{
	struct peer_listener *l = serve(&s);

	dial(&c, "127.0.0.1", l);
	run_until(&client.opened, 1);
	run_until(&server.opened, 1);
	return l;
}

START_TEST(plain_open)
{
	char id[2][64];

	server.echo = true;
	open_both(conf_of("server.test"), conf_of("scs.test"));
	ck_assert_str_eq(peer_remote_host(client.peer), "server.test");
	ck_assert_str_eq(peer_remote_host(server.peer), "scs.test");
	ck_assert_str_eq(peer_remote_realm(server.peer), "test");
	ck_assert_str_eq(client.security, "TCP without TLS");
	ck_assert(!strncmp(peer_address(server.peer), "127.0.0.1:", 10));
	send_request(client.peer, APP, CMD, 4711, 0);
	for (int i = 0; i < 50 && !client.answers; i++)
		peer_loop_run(loop, 100);
	ck_assert_uint_eq(client.answers, 1);
	ck_assert_uint_eq(client.last_hbh, 4711);
	ck_assert_uint_eq(client.last_result, 2001);
	peer_session_id(client.peer, id[0], sizeof(id[0]));
	peer_session_id(client.peer, id[1], sizeof(id[1]));
	ck_assert(!strncmp(id[0], "scs.test;", 9));
	ck_assert_str_ne(id[0], id[1]);
}
END_TEST

START_TEST(tls_open)
{
	static const struct { const char *priority, *want, *host, *expect; } rows[] = {
		{ NULL, "TLS1.3", "127.0.0.1", NULL },
		{ NULL, "TLS1.3", "localhost", NULL },
		{ NULL, "TLS1.3", "127.0.0.1", "server.test" },
		{ "NORMAL:-VERS-ALL:+VERS-TLS1.2", "TLS1.2", "127.0.0.1", NULL },
	};
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");
	char line[512] = "";
	FILE *f;

	s.tls = tls_of("server", "ca.pem");
	c.tls = tls_of("client", "ca.pem");
	c.tls.priority = rows[_i].priority;
	c.tls.keylog = path("keylog");
	c.expect_host = rows[_i].expect;
	server.echo = true;
	dial(&c, rows[_i].host, serve(&s));
	run_until(&client.opened, 1);
	ck_assert_msg(!strncmp(client.security, rows[_i].want, 6), "%s", client.security);
	send_request(client.peer, APP, CMD, 1, 40000);
	for (int i = 0; i < 50 && !client.answers; i++)
		peer_loop_run(loop, 100);
	ck_assert_uint_eq(client.answers, 1);
	f = fopen(c.tls.keylog, "r");
	ck_assert(f && fgets(line, sizeof(line), f) && strlen(line) > 80);
	fclose(f);
	unlink(path("keylog"));
}
END_TEST

START_TEST(no_old_tls)
{
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");

	s.tls = tls_of("server", "ca.pem");
	c.tls = tls_of("client", "ca.pem");
	c.tls.priority = _i ? "NORMAL:-VERS-ALL:+VERS-TLS1.2:-AES-128-GCM:-AES-256-GCM:-CHACHA20-POLY1305:-AES-128-CCM:-AES-256-CCM"
	                    : "NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT";
	dial(&c, "127.0.0.1", serve(&s));
	run_until(&client.closed, 1);
	ck_assert_int_eq(client.opened, 0);
	ck_assert_int_eq(server.opened, 0);
	ck_assert_msg(!strncmp(client.why, "TLS: ", 5), "%s", client.why);
}
END_TEST

START_TEST(tls_refused)
{
	static const struct { const char *s, *s_ca, *c, *c_ca, *expect, *client_says, *server_says; } rows[] = {
		{ "server", "ca.pem", "client", "other-ca.pem", NULL, "none of our CAs has signed it", "refuses" },
		{ "server", "ca.pem", "client", "ca.pem", "other.test", "it is for another name than other.test", "refuses" },
		{ "nameless", "ca.pem", "client", "ca.pem", NULL, "it is for another name than 127.0.0.1", "refuses" },
		{ "late", "ca.pem", "client", "ca.pem", NULL, "it has expired", "refuses" },
		{ "client-only", "ca.pem", "client", "ca.pem", NULL, "key usage does not allow", "refuses" },
		{ "server", "ca.pem", NULL, "ca.pem", NULL, "refuses", "client has sent no certificate" },
		{ "server", "ca.pem", "stranger", "ca.pem", NULL, "refuses", "client's certificate is not trusted" },
		{ "server", "ca.pem", "late", "ca.pem", NULL, "refuses", "it has expired" },
	};
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");

	s.tls = tls_of(rows[_i].s, rows[_i].s_ca);
	c.tls = tls_of(rows[_i].c, rows[_i].c_ca);
	c.expect_host = rows[_i].expect;
	dial(&c, "127.0.0.1", serve(&s));
	run_until(&client.closed, 1);
	run_until(&server.closed, 1);
	ck_assert_int_eq(client.opened, 0);
	ck_assert_int_eq(server.opened, 0);
	ck_assert_msg(strstr(client.why, rows[_i].client_says), "client: %s", client.why);
	ck_assert_msg(strstr(server.why, rows[_i].server_says), "server: %s", server.why);
}
END_TEST

START_TEST(tls_unverified)
{
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");

	s.tls = tls_of("nameless", "ca.pem");
	c.tls = tls_of("client", "other-ca.pem");
	c.tls.ca = "";
	c.no_verify = true;
	dial(&c, "127.0.0.1", serve(&s));
	run_until(&client.opened, 1);
}
END_TEST

START_TEST(known_at_once)
{
	struct peer_conf c = conf_of("scs.test");
	char err[256] = "";

	c.tls = (struct peer_tls){ .cert = "/nowhere/cert.pem", .key = "/nowhere/key.pem", .ca = path("ca.pem") };
	ck_assert_ptr_null(peer_connect(loop, &c, "127.0.0.1", 1, &client_ops, err, sizeof(err)));
	ck_assert_msg(strstr(err, "/nowhere/cert.pem"), "%s", err);
	c.tls = tls_of("client", "nothing.pem");
	ck_assert_ptr_null(peer_connect(loop, &c, "127.0.0.1", 1, &client_ops, err, sizeof(err)));
	ck_assert_msg(strstr(err, "nothing.pem"), "%s", err);
	c.tls = tls_of("client", "ca.pem");
	c.tls.priority = "NONE:+RUBBISH";
	ck_assert_ptr_null(peer_connect(loop, &c, "127.0.0.1", 1, &client_ops, err, sizeof(err)));
	ck_assert_msg(strstr(err, "RUBBISH"), "%s", err);
	c.tls.priority = NULL;
	c.tls.key = path("server.key");
	ck_assert_ptr_null(peer_connect(loop, &c, "127.0.0.1", 1, &client_ops, err, sizeof(err)));
	c = conf_of("server.test");
	c.tls.ca = path("ca.pem");
	ck_assert_ptr_null(peer_listen(loop, &c, "127.0.0.1", 0, &server_ops, err, sizeof(err)));
	ck_assert_msg(strstr(err, "certificate and its key"), "%s", err);
}
END_TEST

/* A socket that knows nothing of Diameter. */
static int raw_socket(const struct peer_listener *l)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(peer_listener_port(l)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	const int on = 1;

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static struct dia_writer cer(bool with_host)
{
	static const uint8_t address[] = { 0, 1, 127, 0, 0, 1 };
	struct dia_writer w = { 0 };

	dia_begin(&w, DIA_F_REQUEST, 257, 0, 1, 2);
	if (with_host)
		dia_put_text(&w, DIA_Origin_Host, "raw.test");
	dia_put_text(&w, DIA_Origin_Realm, "test");
	dia_put_octets(&w, DIA_Host_IP_Address, address, sizeof(address));
	dia_put_u32(&w, DIA_Vendor_Id, 0);
	dia_put_text(&w, DIA_Product_Name, "raw");
	dia_put_u32(&w, DIA_Auth_Application_Id, 0xffffffff);
	ck_assert(dia_end(&w));
	return w;
}

START_TEST(framing)
{
	static const struct { const char *why; bool after_cer; uint8_t head[20]; const char *want; } rows[] = {
		{ "version 2", false, { 2, 0, 0, 20 }, "version 2" },
		{ "HTTP", false, "GET / HTTP/1.1\r\n\r\n", "version 71" },
		{ "shorter than a header", true, { 1, 0, 0, 16 }, "16 octets" },
		{ "zero", true, { 1, 0, 0, 0 }, "0 octets" },
		{ "not a multiple of four", true, { 1, 0, 0, 22 }, "22 octets" },
		{ "above the limit", true, { 1, 0x10, 0, 4 }, "1048580 octets" },
		{ "far above", true, { 1, 0xff, 0xff, 0xfc }, "16777212 octets" },
	};
	struct peer_conf s = conf_of("server.test");
	int fd = raw_socket(serve(&s));
	struct dia_writer w = cer(true);
	uint8_t drop[512];

	if (rows[_i].after_cer) {
		ck_assert_int_eq(write(fd, w.p, w.n), (ssize_t)w.n);
		run_until(&server.opened, 1);
	}
	dia_writer_free(&w);
	ck_assert_int_eq(write(fd, rows[_i].head, 20), 20);
	run_until(&server.closed, 1);
	ck_assert_msg(strstr(server.why, "framing") && strstr(server.why, rows[_i].want), "%s", server.why);
	if (rows[_i].after_cer)
		ck_assert_int_gt(read(fd, drop, sizeof(drop)), 0);   /* the CEA */
	ck_assert_int_le(read(fd, drop, sizeof(drop)), 0);
	close(fd);
}
END_TEST

START_TEST(trickle)
{
	struct peer_conf s = conf_of("server.test");
	int fd = raw_socket(serve(&s));
	struct dia_writer w = cer(true), r = request(APP, CMD, 99, 100), again = request(APP, CMD, 100, 5000);

	for (size_t i = 0; i < w.n + r.n; i++) {
		const uint8_t *p = i < w.n ? w.p + i : r.p + (i - w.n);

		ck_assert_int_eq(write(fd, p, 1), 1);
		peer_loop_run(loop, 0);
		if (i + 1 == w.n)
			run_until(&server.opened, 1);
		ck_assert_int_eq(server.opened, i + 1 >= w.n);
		if (i + 1 < w.n + r.n)
			ck_assert_uint_eq(server.requests, 0);
	}
	run_ms(20);
	ck_assert_uint_eq(server.requests, 1);
	ck_assert_uint_eq(server.last_hbh, 99);
	/* Two and a half in one go, then the rest. */
	ck_assert_int_eq(write(fd, r.p, r.n), (ssize_t)r.n);
	ck_assert_int_eq(write(fd, again.p, 3000), 3000);
	run_ms(20);
	ck_assert_uint_eq(server.requests, 2);
	ck_assert_int_eq(write(fd, again.p + 3000, again.n - 3000), (ssize_t)again.n - 3000);
	run_ms(20);
	ck_assert_uint_eq(server.requests, 3);
	ck_assert_uint_eq(server.last_len, again.n);
	dia_writer_free(&w);
	dia_writer_free(&r);
	dia_writer_free(&again);
	shutdown(fd, SHUT_WR);
	run_until(&server.closed, 1);
	ck_assert_str_eq(server.why, "closed by the peer");
	close(fd);
}
END_TEST

START_TEST(cer_first)
{
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");

	c.bad.no_cer = true;
	dial(&c, "127.0.0.1", serve(&s));
	run_until(&client.opened, 1);
	send_request(client.peer, APP, CMD, 1, 0);
	run_until(&server.closed, 1);
	ck_assert_msg(strstr(server.why, "DAR instead of the CER"), "%s", server.why);
	ck_assert_uint_eq(server.requests, 0);
	run_until(&client.closed, 1);
}
END_TEST

START_TEST(bad_cer)
{
	struct peer_conf s = conf_of("server.test");
	int fd = raw_socket(serve(&s));
	struct dia_writer w = cer(false);
	struct dia_avp a, inner;
	uint32_t result = 0;
	uint8_t cea[1024];
	ssize_t n;

	ck_assert_int_eq(write(fd, w.p, w.n), (ssize_t)w.n);
	dia_writer_free(&w);
	run_ms(50);
	n = read(fd, cea, sizeof(cea));
	ck_assert_int_gt(n, 20);
	ck_assert(dia_msg_find(cea, (size_t)n, DIA_Result_Code, &a) && dia_avp_u32(&a, &result));
	ck_assert_uint_eq(result, 5005);
	ck_assert(dia_msg_find(cea, (size_t)n, DIA_Failed_AVP, &a));
	ck_assert(dia_group_find(&a, DIA_Origin_Host, &inner));
	close(fd);
	run_until(&server.closed, 1);
	ck_assert_int_eq(server.opened, 0);
}
END_TEST

START_TEST(no_common_application)
{
	static const uint32_t other[] = { 16777310 };
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");

	c.apps = other;
	dial(&c, "127.0.0.1", serve(&s));
	run_until(&client.closed, 1);
	run_until(&server.closed, 1);
	ck_assert_int_eq(client.opened + server.opened, 0);
	ck_assert_msg(strstr(client.why, "CEA 5010"), "%s", client.why);
}
END_TEST

START_TEST(unknown_requests)
{
	open_both(conf_of("server.test"), conf_of("scs.test"));
	send_request(client.peer, 16777310, 8388641, 5, 0);
	for (int i = 0; i < 50 && client.answers < 1; i++)
		peer_loop_run(loop, 100);
	ck_assert_uint_eq(client.last_result, 3007);
	ck_assert_uint_eq(client.last_hbh, 5);
	ck_assert(client.last_flags & DIA_F_ERROR);
	ck_assert_uint_eq(server.requests, 0);
	send_request(client.peer, APP, 12345, 6, 0);   /* the owner decides about commands */
	for (int i = 0; i < 50 && server.requests < 1; i++)
		peer_loop_run(loop, 100);
	ck_assert_uint_eq(server.requests, 1);
}
END_TEST

START_TEST(disconnect)
{
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");

	if (_i & 1) {
		s.tls = tls_of("server", "ca.pem");
		c.tls = tls_of("client", "ca.pem");
	}
	open_both(s, c);
	send_request(client.peer, APP, CMD, 5, 300000);   /* what is queued goes out first */
	peer_disconnect(_i & 2 ? server.peer : client.peer);
	run_until(&client.closed, 1);
	run_until(&server.closed, 1);
	if (!(_i & 2))
		ck_assert_uint_eq(server.requests, 1);
	ck_assert_str_eq(_i & 2 ? server.why : client.why, "disconnected by us");
	ck_assert_msg(strstr(_i & 2 ? client.why : server.why, _i & 2 ? "REBOOTING" : "DO_NOT_WANT_TO_TALK"), "%s / %s",
	              client.why, server.why);
}
END_TEST

START_TEST(watchdog_answered)
{
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");

	c.watchdog_s = 1;
	open_both(s, c);
	for (int64_t end = peer_now_ms() + PATIENCE_MS; client.dwa < 2 && peer_now_ms() < end;)
		peer_loop_run(loop, 100);
	ck_assert_int_eq(client.closed + server.closed, 0);
	ck_assert_uint_ge(server.dwr, 2);
	ck_assert_uint_ge(client.dwa, 2);
}
END_TEST

START_TEST(watchdog_ignored)
{
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");
	int64_t start = peer_now_ms();

	c.watchdog_s = 1;
	s.bad.ignore_dwr = true;
	open_both(s, c);
	while (!client.closed && peer_now_ms() < start + PATIENCE_MS)
		peer_loop_run(loop, 100);
	ck_assert_int_eq(client.closed, 1);
	ck_assert_msg(strstr(client.why, "watchdog"), "%s", client.why);
	ck_assert_int_ge(peer_now_ms() - start, 2900);
	ck_assert_uint_eq(server.dwr, 2);
}
END_TEST

START_TEST(many)
{
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");
	unsigned sent = 0;

	if (_i) {
		s.tls = tls_of("server", "ca.pem");
		c.tls = tls_of("client", "ca.pem");
	}
	server.echo = client.echo = true;
	open_both(s, c);
	for (int64_t end = peer_now_ms() + PATIENCE_MS; client.answers < 20000 && peer_now_ms() < end;) {
		for (int i = 0; i < 200 && sent < 20000; i++, sent++)
			send_request(client.peer, APP, CMD, sent, sent % 1500);
		peer_loop_run(loop, 1);
	}
	ck_assert_uint_eq(server.requests, 20000);
	ck_assert_uint_eq(client.answers, 20000);
	ck_assert_uint_eq(client.last_hbh, 19999);
	ck_assert_uint_eq(server.echoed_failures, 0);
}
END_TEST

START_TEST(largest)
{
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");

	s.tls = tls_of("server", "ca.pem");
	c.tls = tls_of("client", "ca.pem");
	open_both(s, c);
	send_request(client.peer, APP, CMD, 1, (1 << 20) - 20 - 16 - 12);   /* header, Session-Id, AVP header */
	for (int i = 0; i < 100 && !server.requests; i++)
		peer_loop_run(loop, 100);
	ck_assert_uint_eq(server.last_len, 1 << 20);
	send_request(client.peer, APP, CMD, 1, 1 << 20);
	run_until(&server.closed, 1);
	ck_assert_msg(strstr(server.why, "framing"), "%s", server.why);
}
END_TEST

START_TEST(queue_is_bounded)
{
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");
	struct dia_writer w = request(APP, CMD, 1, 100000);
	size_t sent = 0;

	s.bad.stop_reading = true;
	open_both(s, c);
	for (int i = 0; i < 1000 && peer_send(client.peer, w.p, w.n); i++) {
		sent += w.n;
		peer_loop_run(loop, 0);
	}
	dia_writer_free(&w);
	ck_assert_uint_gt(sent, 15u << 20);
	ck_assert_uint_lt(sent, 40u << 20);   /* the queue, and what the kernel takes */
	ck_assert(peer_is_open(client.peer));
	ck_assert_uint_eq(server.requests, 0);
	peer_abort(client.peer);
	run_until(&client.closed, 1);
	run_until(&server.closed, 1);
}
END_TEST

START_TEST(answers_held_back)
{
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");
	int64_t start;

	s.bad.answer_delay_ms = 200;
	server.echo = true;
	open_both(s, c);
	start = peer_now_ms();
	send_request(client.peer, APP, CMD, 1, 0);
	while (!client.answers && peer_now_ms() < start + PATIENCE_MS)
		peer_loop_run(loop, 100);
	ck_assert_uint_eq(client.answers, 1);
	ck_assert_int_ge(peer_now_ms() - start, 190);
	send_request(client.peer, APP, CMD, 2, 0);
	run_ms(50);
	peer_abort(server.peer);   /* with an answer held back */
	run_until(&client.closed, 1);
}
END_TEST

START_TEST(killed_in_its_callback)
{
	server.abort_on_message = true;
	open_both(conf_of("server.test"), conf_of("scs.test"));
	send_request(client.peer, APP, CMD, 1, 0);
	send_request(client.peer, APP, CMD, 2, 0);
	run_until(&server.closed, 1);
	ck_assert_uint_eq(server.requests, 1);
	ck_assert_str_eq(server.why, "broken off by us");
	run_until(&client.closed, 1);
}
END_TEST

/* A child between fork() and exec() holds our descriptors, and epoll tells of
 * them as long as somebody does: also of what has been closed and freed here. */
START_TEST(descriptors_in_a_child)
{
	int go[2], status;
	clock_t cpu;
	pid_t child;
	char x;

	open_both(conf_of("server.test"), conf_of("scs.test"));
	ck_assert_int_eq(pipe(go), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child) {
		close(go[1]);
		_exit(read(go[0], &x, 1) != 0);
	}
	peer_abort(server.peer);
	run_until(&server.closed, 1);
	send_request(client.peer, APP, CMD, 1, 0);
	cpu = clock();
	run_ms(200);
	ck_assert_int_lt(clock() - cpu, CLOCKS_PER_SEC / 10);   /* nothing is ready, so the loop sleeps */
	close(go[1]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	close(go[0]);
	run_until(&client.closed, 1);
}
END_TEST

START_TEST(nobody_there)
{
	struct peer_conf s = conf_of("server.test"), c = conf_of("scs.test");
	struct peer_listener *l = serve(&s);
	uint16_t port = peer_listener_port(l);
	char err[256];

	peer_listener_close(l);
	peer_loop_run(loop, 0);
	client.peer = peer_connect(loop, &c, "127.0.0.1", port, &client_ops, err, sizeof(err));
	ck_assert_ptr_nonnull(client.peer);
	run_until(&client.closed, 1);
	ck_assert_msg(strstr(client.why, "refused"), "%s", client.why);
}
END_TEST

/* A server that accepts and says nothing, for the client; a client that connects and says nothing, for the server. */
START_TEST(silence)
{
	struct peer_conf c = conf_of(_i & 1 ? "server.test" : "scs.test");
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t n = sizeof(sa);
	int fd;
	char err[256];

	c.connect_timeout_ms = 200;
	if (_i & 2)
		c.tls = tls_of("server", "ca.pem");
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (_i & 1) {
		fd = raw_socket(serve(&c));
		run_until(&server.closed, 1);
		ck_assert_msg(strstr(server.why, _i & 2 ? "TLS: no handshake began in time" : "no CER in time"), "%s",
		              server.why);
	} else {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)) | listen(fd, 1), 0);
		getsockname(fd, (struct sockaddr *)&sa, &n);
		ck_assert_ptr_nonnull(peer_connect(loop, &c, "127.0.0.1", ntohs(sa.sin_port), &client_ops, err, sizeof(err)));
		run_until(&client.closed, 1);
		ck_assert_msg(strstr(client.why, _i & 2 ? "TLS: the handshake did not end in time" : "no CEA in time"), "%s",
		              client.why);
	}
	close(fd);
}
END_TEST

static char fired[64];

static void fire(void *ctx)
{
	strcat(fired, ctx);
}

static void fire_again(void *ctx)
{
	if (strlen(fired) < 20) {
		strcat(fired, "x");
		peer_timer(loop, 0, fire_again, NULL);
	}
}

START_TEST(timers)
{
	static char a[] = "a", b[] = "b", d[] = "d", never[] = "never";
	uint64_t c, last = 0;

	fired[0] = 0;
	peer_timer(loop, 30, fire, d);
	peer_timer(loop, 10, fire, a);
	c = peer_timer(loop, 20, fire, never);
	peer_timer(loop, 10, fire, b);
	peer_timer_cancel(loop, c);
	peer_timer_cancel(loop, c);
	peer_timer_cancel(loop, 0);
	peer_timer_cancel(loop, UINT64_MAX);
	ck_assert(!peer_loop_run(loop, 60));
	ck_assert_str_eq(fired, "abd");
	fired[0] = 0;
	peer_timer(loop, 0, fire_again, NULL);
	ck_assert(!peer_loop_run(loop, 20));   /* a timer that sets itself again does not hold up the loop's end */
	for (int i = 0; i < 1000; i++)
		last = peer_timer(loop, (uint32_t)(1000 - i), fire, never);
	for (int i = 0; i < 1000; i++)
		peer_timer_cancel(loop, peer_timer(loop, (uint32_t)i, fire, never));
	ck_assert(last);
}
END_TEST

static char heard[64];

static void hear(int fd, void *ctx)
{
	size_t at = strlen(heard);
	ssize_t n = read(fd, heard + at, sizeof(heard) - 1 - at);

	ck_assert_int_ge(n, 0);
	heard[at + (size_t)n] = 0;
	if (!n)
		peer_unwatch_fd(loop, fd);
	peer_loop_stop(loop);
}

START_TEST(watched_descriptors)
{
	FILE *f = fopen(path("plain"), "w+");
	int fd[2];

	heard[0] = 0;
	ck_assert_int_eq(pipe(fd), 0);
	ck_assert(peer_watch_fd(loop, fd[0], hear, NULL));
	ck_assert(!peer_loop_run(loop, 20));
	ck_assert_int_eq(write(fd[1], "pipe ", 5), 5);
	ck_assert(peer_loop_run(loop, 1000));
	close(fd[1]);
	ck_assert(peer_loop_run(loop, 1000));
	ck_assert(!peer_loop_run(loop, 20));
	close(fd[0]);
	fputs("file", f);   /* epoll takes no plain files; scripts come from them all the same */
	fflush(f);
	rewind(f);
	ck_assert(peer_watch_fd(loop, fileno(f), hear, NULL));
	for (int i = 0; i < 3; i++)
		peer_loop_run(loop, 100);
	ck_assert_str_eq(heard, "pipe file");
	ck_assert(!peer_loop_run(loop, 20));
	fclose(f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("peer");
	SRunner *sr = srunner_create(s);
	TCase *t = tcase_create("peer");
	int failed;

	strcpy(dir, "/tmp/check_peer.XXXXXX");
	if (!mkdtemp(dir) || !peer_certs_make(dir)) {
		fprintf(stderr, "no certificates could be made in %s\n", dir);
		return 1;
	}
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 40);
	tcase_add_test(t, plain_open);
	tcase_add_loop_test(t, tls_open, 0, 4);
	tcase_add_loop_test(t, no_old_tls, 0, 2);
	tcase_add_loop_test(t, tls_refused, 0, 8);
	tcase_add_test(t, tls_unverified);
	tcase_add_test(t, known_at_once);
	tcase_add_loop_test(t, framing, 0, 7);
	tcase_add_test(t, trickle);
	tcase_add_test(t, cer_first);
	tcase_add_test(t, bad_cer);
	tcase_add_test(t, no_common_application);
	tcase_add_test(t, unknown_requests);
	tcase_add_loop_test(t, disconnect, 0, 4);
	tcase_add_test(t, watchdog_answered);
	tcase_add_test(t, watchdog_ignored);
	tcase_add_loop_test(t, many, 0, 2);
	tcase_add_test(t, largest);
	tcase_add_test(t, queue_is_bounded);
	tcase_add_test(t, answers_held_back);
	tcase_add_test(t, killed_in_its_callback);
	tcase_add_test(t, descriptors_in_a_child);
	tcase_add_test(t, nobody_there);
	tcase_add_loop_test(t, silence, 0, 4);
	tcase_add_test(t, timers);
	tcase_add_test(t, watched_descriptors);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	peer_certs_remove(dir);
	return failed != 0;
}
