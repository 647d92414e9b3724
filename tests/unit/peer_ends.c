/* peer_ends.c - see peer_ends.h. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "peer_ends.h"

static char dir[64];

struct peer_loop *loop;
struct end server, client;
struct hook hook;
struct peer_ops server_ops;
uint8_t hello[2048];
size_t hello_n;

static void event(struct peer *p, enum peer_event e, const char *why, void *ctx)
{
	struct end *end = ctx;

	if (e == PEER_OPEN) {
		end->peer = p;
		end->opened++;
	} else {
		if (end->peer == p)
			end->peer = NULL;
		if (hook.waiting == p)
			hook.waiting = NULL;
		end->closed++;
		end->kind = peer_end(p);
		snprintf(end->why, sizeof(end->why), "%s", why);
	}
	peer_loop_stop(loop);
}

/* A server answers. */
static void message(struct peer *p, const uint8_t *msg, size_t n, void *ctx)
{
	struct end *end = ctx;
	struct dia_writer w = { 0 };

	end->last_len = n;
	if (!(msg[4] & DIA_F_REQUEST)) {
		end->answers++;
		peer_loop_stop(loop);
		return;
	}
	end->requests++;
	dia_begin_answer(&w, msg, n, 0);
	dia_put_u32(&w, DIA_Result_Code, 2001);
	ck_assert(dia_end(&w));
	peer_send(p, w.p, w.n);
	dia_writer_free(&w);
}

static void trace(struct peer *p, bool sent, const uint8_t *msg, size_t n, void *ctx)
{
	struct end *end = ctx;
	struct dia_hdr h;
	struct dia_avp a;

	if (sent || !dia_hdr_read(msg, n, &h) || h.code != 282 || !(h.flags & DIA_F_REQUEST))
		return;
	end->dprs++;
	ck_assert(dia_msg_find(msg, n, DIA_Disconnect_Cause, &a) && dia_avp_u32(&a, &end->cause));
}

bool arrived(struct peer *p, const struct sockaddr *from, void *ctx)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)from;

	ck_assert_int_eq(from->sa_family, AF_INET);
	snprintf(hook.from, sizeof(hook.from), "%s:%u", inet_ntoa(in->sin_addr), ntohs(in->sin_port));
	ck_assert_str_eq(peer_address(p), hook.from);
	hook.arrivals++;
	return !hook.turn_away;
}

void subject_of(const struct peer *p, char *out, size_t size)
{
	unsigned n = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(peer_tls_session(p), &n);
	gnutls_x509_crt_t crt;

	ck_assert(chain && n);
	ck_assert_int_eq(gnutls_x509_crt_init(&crt), 0);
	ck_assert_int_eq(gnutls_x509_crt_import(crt, &chain[0], GNUTLS_X509_FMT_DER), 0);
	ck_assert_int_eq(gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, out, &size), 0);
	gnutls_x509_crt_deinit(crt);
}

int verify(struct peer *p, void *ctx)
{
	hook.verifications++;
	subject_of(p, hook.subject, sizeof(hook.subject));
	if (hook.trust)
		peer_say_why(p, "%s is not on the list", hook.subject);
	return hook.trust;
}

uint32_t admit(struct peer *p, const uint8_t *cer, size_t n, const char **why, void *ctx)
{
	struct dia_avp a;

	hook.admissions++;
	ck_assert(dia_msg_find(cer, n, DIA_Origin_Host, &a));
	dia_avp_text(&a, hook.host, sizeof(hook.host));
	if (!hook.admit)
		hook.waiting = p;
	*why = "not today";
	peer_loop_stop(loop);
	return hook.admit;
}

static const uint32_t apps[] = { APP };
const struct peer_ops client_ops = { .event = event, .message = message, .trace = trace, .ctx = &client };

struct peer_conf conf_of(const char *host)
{
	return (struct peer_conf){ .origin_host = host, .origin_realm = "test", .product = "check", .apps = apps, .napps = 1,
	                           .connect_timeout_ms = 5000 };
}

const char *path(const char *name, const char *suffix)
{
	static char paths[8][128];
	static unsigned at;
	char *p = paths[at++ % 8];

	snprintf(p, sizeof(paths[0]), "%s/%s.%s", dir, name, suffix);
	return p;
}

struct peer_conf tls_conf(const char *host, const char *cert)
{
	struct peer_conf c = conf_of(host);

	c.tls = (struct peer_tls){ .cert = path(cert, "pem"), .key = path(cert, "key"), .ca = path("ca", "pem") };
	return c;
}

struct peer_listener *serve(const struct peer_conf *conf)
{
	char err[256] = "";
	struct peer_listener *l = peer_listen(loop, conf, "127.0.0.1", 0, &server_ops, err, sizeof(err));

	ck_assert_msg(l != NULL, "%s", err);
	return l;
}

void dial(const struct peer_conf *conf, const struct peer_listener *l)
{
	char err[256] = "";

	ck_assert_msg(peer_connect(loop, conf, "127.0.0.1", peer_listener_port(l), &client_ops, err, sizeof(err)) != NULL, "%s", err);
}

void run_until(const int *what, int want)
{
	int64_t end = peer_now_ms() + PATIENCE_MS;

	while (*what < want && peer_now_ms() < end)
		peer_loop_run(loop, 50);
	ck_assert_int_ge(*what, want);
}

void run_ms(int ms)
{
	int64_t end = peer_now_ms() + ms;

	while (peer_now_ms() < end)
		peer_loop_run(loop, (int)(end - peer_now_ms()));
}

void open_both(const struct peer_conf *s, const struct peer_conf *c)
{
	dial(c, serve(s));
	run_until(&client.opened, 1);
	run_until(&server.opened, 1);
}

int raw_socket(const struct peer_listener *l)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(peer_listener_port(l)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

struct dia_writer request(uint32_t app, uint32_t code, uint32_t hbh, size_t payload)
{
	struct dia_writer w = { 0 };
	uint8_t *p = calloc(1, payload + 1);

	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, code, app, hbh, 7);
	dia_put_text(&w, DIA_Session_Id, "a;1;2");
	dia_put_octets(&w, DIA_Payload, p, payload);
	free(p);
	ck_assert(dia_end(&w));
	return w;
}

void ask(struct peer *p, size_t payload)
{
	struct dia_writer w = request(APP, CMD, peer_next_hbh(p), payload);

	ck_assert(peer_send(p, w.p, w.n));
	dia_writer_free(&w);
}

void answered(unsigned want)
{
	for (int64_t end = peer_now_ms() + PATIENCE_MS; client.answers < want && peer_now_ms() < end;)
		peer_loop_run(loop, 50);
	ck_assert_uint_eq(client.answers, want);
}

void put(int fd, const void *p, size_t n)
{
	ck_assert_int_eq(send(fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

void put_cer(int fd)
{
	static const uint8_t address[] = { 0, 1, 127, 0, 0, 1 };
	struct dia_writer w = { 0 };

	dia_begin(&w, DIA_F_REQUEST, 257, 0, 1, 2);
	dia_put_text(&w, DIA_Origin_Host, "raw.test");
	dia_put_text(&w, DIA_Origin_Realm, "test");
	dia_put_octets(&w, DIA_Host_IP_Address, address, sizeof(address));
	dia_put_u32(&w, DIA_Vendor_Id, 0);
	dia_put_text(&w, DIA_Product_Name, "raw");
	dia_put_u32(&w, DIA_Auth_Application_Id, 0xffffffff);
	ck_assert(dia_end(&w));
	put(fd, w.p, w.n);
	dia_writer_free(&w);
}

size_t take(int fd, uint8_t *to, size_t size)
{
	size_t n = 0, want = 4;

	for (int64_t end = peer_now_ms() + PATIENCE_MS; n < want && peer_now_ms() < end;) {
		ssize_t r;

		peer_loop_run(loop, 5);
		r = recv(fd, to + n, want - n, MSG_DONTWAIT);
		if (r == 0 || (r < 0 && errno != EAGAIN))
			return 0;
		n += r > 0 ? (size_t)r : 0;
		if (want == 4 && n == 4)
			want = (size_t)to[1] << 16 | (size_t)to[2] << 8 | to[3];
		ck_assert_uint_le(want, size);
	}
	ck_assert_uint_eq(n, want);
	return n;
}

int raw_open(const struct peer_listener *l)
{
	int fd = raw_socket(l), before = server.opened;
	uint8_t cea[1024];

	put_cer(fd);
	run_until(&server.opened, before + 1);
	ck_assert_uint_gt(take(fd, cea, sizeof(cea)), 0);
	return fd;
}

static void setup(void)
{
	memset(&server, 0, sizeof(server));
	memset(&client, 0, sizeof(client));
	memset(&hook, 0, sizeof(hook));
	server_ops = (struct peer_ops){ .event = event, .message = message, .trace = trace, .ctx = &server };
	loop = peer_loop_new();
	ck_assert_ptr_nonnull(loop);
}

static void teardown(void)
{
	peer_loop_free(loop);
}

gnutls_certificate_credentials_t credentials(const char *name)
{
	gnutls_certificate_credentials_t cred;

	ck_assert_int_eq(gnutls_certificate_allocate_credentials(&cred), 0);
	ck_assert_int_gt(gnutls_certificate_set_x509_trust_file(cred, path("ca", "pem"), GNUTLS_X509_FMT_PEM), 0);
	ck_assert_int_eq(gnutls_certificate_set_x509_key_file(cred, path(name, "pem"), path(name, "key"), GNUTLS_X509_FMT_PEM), 0);
	return cred;
}

static ssize_t keep_hello(gnutls_transport_ptr_t to, const void *p, size_t n)
{
	ck_assert_uint_le(hello_n + n, sizeof(hello));
	memcpy(hello + hello_n, p, n);
	hello_n += n;
	return (ssize_t)n;
}

static ssize_t nothing_yet(gnutls_transport_ptr_t from, void *p, size_t n)
{
	errno = EAGAIN;
	return -1;
}

void make_hello(void)
{
	gnutls_certificate_credentials_t cred = credentials("client");
	gnutls_session_t s;

	hello_n = 0;
	ck_assert_int_eq(gnutls_init(&s, GNUTLS_CLIENT | GNUTLS_NONBLOCK), 0);
	gnutls_set_default_priority(s);
	gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, cred);
	gnutls_transport_set_push_function(s, keep_hello);
	gnutls_transport_set_pull_function(s, nothing_yet);
	ck_assert_int_eq(gnutls_handshake(s), GNUTLS_E_AGAIN);
	gnutls_deinit(s);
	gnutls_certificate_free_credentials(cred);
	ck_assert_uint_gt(hello_n, 100);
}

int ends_main(const char *name, void (*add)(TCase *))
{
	Suite *s = suite_create(name);
	SRunner *sr = srunner_create(s);
	TCase *t = tcase_create(name);
	int failed;

	strcpy(dir, "/tmp/check_peer.XXXXXX");
	if (!mkdtemp(dir) || !peer_certs_make(dir)) {
		fprintf(stderr, "no certificates could be made in %s\n", dir);
		return 1;
	}
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 40);
	add(t);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	peer_certs_remove(dir);
	return failed != 0;
}
