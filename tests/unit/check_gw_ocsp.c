/* The thread that asks OCSP responders, against a responder that does what a test wants; its answers are openssl's. */
#include "config.h"
#include <arpa/inet.h>
#include <check.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "gw_ocsp.h"
#include "log.h"
#include "peer_certs.h"

enum answer { OPENSSL, REPLAY, STATUS_500, REDIRECT, GARBAGE, EMPTY, TOO_LONG, CLOSES, SILENT };

static char dir[64];
static struct gw_conf conf;
static struct gw_ocsp *ocsp;
static int wake, listener;
static pthread_t responder;
static _Atomic int how, asked;
static gnutls_datum_t client, stranger, ca;        /* DER */

static void hear(void *ctx, enum iwf_log_level level, enum iwf_log_sub sub, const char *line)
{
}

static const char *path(const char *file)
{
	static _Thread_local char out[4][128];
	static _Thread_local unsigned k;

	snprintf(out[k = (k + 1) % 4], sizeof(out[0]), "%s/%s", dir, file);
	return out[k];
}

/* ---- the responder ------------------------------------------------------ */

static bool save(const char *file, const void *p, size_t n)
{
	FILE *f = fopen(path(file), "w");
	bool ok = f && fwrite(p, 1, n, f) == n;

	return f && fclose(f) == 0 && ok;
}

static size_t load(const char *file, char *p, size_t size)
{
	FILE *f = fopen(path(file), "r");
	size_t n = f ? fread(p, 1, size, f) : 0;

	if (f)
		fclose(f);
	return n;
}

static size_t ask_openssl(const char *question, size_t n, char *answer, size_t size)
{
	char cmd[1024];

	if (!save("question", question, n))
		return 0;
	snprintf(cmd, sizeof(cmd), "cd %s && openssl ocsp -index index -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 1 -reqin question "
	         "-respout answer >openssl.log 2>&1", dir);
	return system(cmd) == 0 ? load("answer", answer, size) : 0;
}

static void respond(int fd)
{
	static char in[16384], out[70000];
	size_t n = 0, head = 0, body = 0, len = 0;
	const char *status = "200 OK", *more = "";
	char line[256];
	ssize_t r;

	while ((!head || n < head + body) && n < sizeof(in) - 1 && (r = recv(fd, in + n, sizeof(in) - 1 - n, 0)) > 0) {
		char *end;

		n += (size_t)r;
		in[n] = 0;
		if (head || !(end = strstr(in, "\r\n\r\n")))
			continue;
		head = (size_t)(end - in) + 4;
		end = strcasestr(in, "Content-Length:");
		body = end ? strtoul(end + 15, NULL, 10) : 0;
	}
	asked++;
	memset(out, 'x', sizeof(out));
	switch ((enum answer)how) {
	case OPENSSL:    len = ask_openssl(in + head, body, out, sizeof(out)); break;
	case REPLAY:     len = load("answer", out, sizeof(out)); break;
	case STATUS_500: len = load("answer", out, sizeof(out)); status = "500 No"; break;
	case REDIRECT:   status = "302 There", more = "Location: /there\r\n"; break;
	case GARBAGE:    len = 100; break;
	case EMPTY:      break;
	case TOO_LONG:   len = 66000; break;
	case CLOSES:     return;
	case SILENT:     while (how == SILENT) usleep(1000);
			 return;
	}
	snprintf(line, sizeof(line), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n", status, len, more);
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) > 0)
		for (size_t at = 0; at < len && (r = send(fd, out + at, len - at, MSG_NOSIGNAL)) > 0;)
			at += (size_t)r;
}

static void *serve(void *ctx)
{
	int fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		respond(fd);
		shutdown(fd, SHUT_WR);
		close(fd);
	}
	return NULL;
}

/* ---- set up ------------------------------------------------------------- */

static gnutls_datum_t der_of(const char *file, char serial[static 41])
{
	gnutls_datum_t pem, der;
	gnutls_x509_crt_t crt;
	uint8_t s[20];
	size_t n = sizeof(s), room = 41;

	ck_assert_int_eq(gnutls_load_file(path(file), &pem), 0);
	ck_assert(!gnutls_x509_crt_init(&crt) && !gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM));
	ck_assert(!gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der) && !gnutls_x509_crt_get_serial(crt, s, &n));
	ck_assert_int_eq(gnutls_hex_encode(&(gnutls_datum_t){ s, (unsigned)n }, serial, &room), 0);
	for (char *c = serial; *c; c++)
		*c = (char)(*c >= 'a' ? *c - 32 : *c);
	gnutls_x509_crt_deinit(crt);
	gnutls_free(pem.data);
	return der;
}

/* What the responder knows: of client.pem that it is V(alid) or R(evoked), or nothing. */
static void index_says(char status)
{
	char serial[41], text[200] = "";
	gnutls_datum_t der = der_of("client.pem", serial);

	if (status)
		snprintf(text, sizeof(text), "%c\t391231235959Z\t%s\t%s\tunknown\t/CN=x\n", status, status == 'R' ? "250101000000Z" : "", serial);
	ck_assert(save("index", text, strlen(text)));
	gnutls_free(der.data);
}

static void setup(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(sin);
	char serial[41], err[256] = "";

	iwf_log_set_sink(hear, NULL);
	strcpy(dir, "/tmp/check_gw_ocsp.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert(peer_certs_make(dir));
	client = der_of("client.pem", serial);
	stranger = der_of("stranger.pem", serial);
	ca = der_of("ca.pem", serial);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert(listener >= 0 && !bind(listener, (struct sockaddr *)&sin, n) && !listen(listener, 16) &&
	          !getsockname(listener, (struct sockaddr *)&sin, &n));
	conf = (struct gw_conf){ .tls = { .ocsp = GW_OCSP_HARD, .ocsp_timeout_ms = 20000, .ocsp_cache_s = 60 } };
	snprintf(conf.tls.ocsp_responder, sizeof(conf.tls.ocsp_responder), "http://127.0.0.1:%u/", ntohs(sin.sin_port));
	how = OPENSSL;
	asked = 0;
	ck_assert_int_eq(pthread_create(&responder, NULL, serve, NULL), 0);
	wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ocsp = gw_ocsp_start(&conf, wake, err, sizeof(err));
	ck_assert_msg(ocsp != NULL, "%s", err);
}

static void teardown(void)
{
	how = CLOSES;
	gw_ocsp_stop(ocsp);
	shutdown(listener, SHUT_RDWR);
	pthread_join(responder, NULL);
	close(listener);
	close(wake);
	gnutls_free(client.data);
	gnutls_free(stranger.data);
	gnutls_free(ca.data);
	peer_certs_remove(dir);
}

static struct gw_ocsp_verdict next(uint64_t *id)
{
	struct gw_ocsp_verdict v;
	uint64_t n;

	while (!gw_ocsp_next(ocsp, id, &v)) {
		ck_assert_int_eq(poll(&(struct pollfd){ .fd = wake, .events = POLLIN }, 1, 60000), 1);
		ck_assert_int_eq(read(wake, &n, sizeof(n)), sizeof(n));
	}
	return v;
}

static struct gw_ocsp_verdict verdict(uint64_t want)
{
	uint64_t id = 0;
	struct gw_ocsp_verdict v = next(&id);

	ck_assert_uint_eq(id, want);
	return v;
}

static enum iwf_reason ask(enum answer a, const gnutls_datum_t *cert)
{
	static uint64_t id = 100;

	how = a;
	ck_assert(gw_ocsp_ask(ocsp, ++id, cert, &ca));
	return verdict(id).reason;
}

/* ---- what responders say ------------------------------------------------ */

START_TEST(answers)
{
	const int64_t now = (int64_t)time(NULL) * 1000;
	struct gw_ocsp_verdict v;

	if (system("openssl version >/dev/null 2>&1") != 0)
		return;
	index_says('V');
	ck_assert(gw_ocsp_ask(ocsp, 1, &client, &ca));
	v = verdict(1);
	ck_assert_int_eq(v.reason, RS_NONE);
	ck_assert_msg(v.until_ms > now + 3600000 && v.until_ms < now + 2 * 86400000, "%lld", (long long)(v.until_ms - now));
	ck_assert_int_eq(ask(REPLAY, &client), RS_CERT_REVOCATION);           /* an answer, well signed, to a question of before */
	ck_assert_int_eq(ask(STATUS_500, &client), RS_CERT_REVOCATION);
	ck_assert_int_eq(ask(OPENSSL, &client), RS_NONE);
	index_says('R');
	ck_assert_int_eq(ask(OPENSSL, &client), RS_CERT_REVOKED);
	index_says(0);
	ck_assert_int_eq(ask(OPENSSL, &client), RS_CERT_REVOCATION);          /* never heard of it */
	ck_assert_int_eq(asked, 6);
}
END_TEST

/* Of another one than the issuer. */
START_TEST(not_authentic)
{
	char cmd[300];

	if (system("openssl version >/dev/null 2>&1") != 0)
		return;
	index_says('V');
	ck_assert_int_eq(ask(OPENSSL, &client), RS_NONE);
	snprintf(cmd, sizeof(cmd), "cd %s && mv ca.pem right-ca.pem && cp stranger.pem ca.pem && cp stranger.key ca.key", dir);
	ck_assert_int_eq(system(cmd), 0);
	ck_assert_int_eq(ask(OPENSSL, &client), RS_CERT_REVOCATION);
}
END_TEST

START_TEST(no_answer)
{
	static const enum answer kinds[] = { REDIRECT, GARBAGE, EMPTY, TOO_LONG, CLOSES };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		ck_assert_int_eq(ask(kinds[i], &client), RS_CERT_REVOCATION);
	ck_assert_int_eq(asked, 5);                                           /* none twice, and no redirection is followed */
	conf.tls.ocsp_timeout_ms = 300;
	ck_assert_int_eq(ask(SILENT, &client), RS_CERT_REVOCATION);
}
END_TEST

START_TEST(nobody_to_ask)
{
	static uint8_t zero[10];
	const gnutls_datum_t nonsense = { zero, 10 }, none = { zero, 0 };

	ck_assert_int_eq(ask(OPENSSL, &nonsense), RS_CERT_REVOCATION);
	ck_assert_int_eq(ask(OPENSSL, &none), RS_CERT_REVOCATION);
	conf.tls.ocsp_responder[0] = 0;                                       /* and the certificate names none */
	ck_assert_int_eq(ask(OPENSSL, &client), RS_CERT_REVOCATION);
	strcpy(conf.tls.ocsp_responder, "file:///etc/passwd");
	ck_assert_int_eq(ask(OPENSSL, &client), RS_CERT_REVOCATION);
	ck_assert_int_eq(asked, 0);
}
END_TEST

/* More questions than there is room for, and nobody takes the answers at first: each that was taken is answered once. */
START_TEST(a_crowd)
{
	static bool was_taken[2000], was_answered[2000];
	unsigned taken = 0, answered = 0;
	struct gw_ocsp_verdict v;
	uint64_t id;

	how = CLOSES;
	for (unsigned i = 0; i < 2000; i++) {
		was_taken[i] = gw_ocsp_ask(ocsp, i, &client, &ca);
		taken += was_taken[i];
	}
	ck_assert_uint_ge(taken, 256);
	ck_assert_uint_lt(taken, 2000);
	while (answered < taken) {
		if (!gw_ocsp_next(ocsp, &id, &v)) {
			poll(&(struct pollfd){ .fd = wake, .events = POLLIN }, 1, 10);
			continue;
		}
		ck_assert_uint_lt(id, 2000);
		ck_assert(was_taken[id] && !was_answered[id] && v.reason == RS_CERT_REVOCATION);
		was_answered[id] = true;
		answered++;
	}
	ck_assert(!gw_ocsp_next(ocsp, &id, &v));
}
END_TEST

/* It ends while questions wait, and an answer that nobody has taken. */
START_TEST(cut_off)
{
	uint64_t id;

	conf.tls.ocsp_timeout_ms = 300;
	how = CLOSES;
	for (unsigned i = 0; i < 3; i++)
		ck_assert(gw_ocsp_ask(ocsp, i, &client, &ca));
	next(&id);
	how = SILENT;
	for (unsigned i = 0; i < 50; i++)
		ck_assert(gw_ocsp_ask(ocsp, i, &client, &ca));
	gw_ocsp_stop(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gw_ocsp");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, answers);
	tcase_add_test(t, not_authentic);
	tcase_add_test(t, no_answer);
	tcase_add_test(t, nobody_to_ask);
	tcase_add_test(t, a_crowd);
	tcase_add_test(t, cut_off);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
