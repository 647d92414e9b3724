/* gw_fuzz_tls.c - handshakes as nobody would do them. */
#include <errno.h>
#include <gnutls/abstract.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "gw_fuzz.h"

#define RECORD 5

static const struct raw_net *net;
static const char *host;

/* In pieces, as TCP may cut it. */
static bool put(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		size_t some = fuzz_one_in(3) ? 1 + fuzz_below((uint32_t)n) : n;
		ssize_t sent = send(fd, p, some, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		p += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* Until it says something, closes, or does neither for a moment. */
static void listen_to(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t buf[4096];

	while (poll(&p, 1, 20) > 0 && recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

static size_t hello(uint8_t *to, size_t size)
{
	static uint8_t kept[4096];
	static size_t n;

	if (!n || fuzz_one_in(20))
		n = raw_hello(net, kept, sizeof(kept));
	memcpy(to, kept, n < size ? n : size);
	return n < size ? n : size;
}

static size_t record(uint8_t *to, uint8_t type, const uint8_t *p, size_t n, size_t says)
{
	to[0] = type;
	to[1] = 3;
	to[2] = (uint8_t)(fuzz_one_in(8) ? fuzz_below(256) : 1 + fuzz_below(3));
	to[3] = (uint8_t)(says >> 8);
	to[4] = (uint8_t)says;
	memcpy(to + RECORD, p, n);
	return RECORD + n;
}

/* Any record, of any length, that does not have to be the one it says. */
static size_t odd_record(uint8_t *to)
{
	static const uint8_t types[] = { 20, 21, 22, 23, 24, 0, 255 };
	uint8_t body[20000];
	size_t n = fuzz_one_in(4) ? 0 : fuzz_one_in(6) ? 16000 + fuzz_below(4000) : fuzz_below(60);
	uint8_t type = types[fuzz_below(sizeof(types))];

	fuzz_bytes(body, n);
	if (type == 21 && n >= 2) {        /* an alert that could be one */
		n = 2;
		body[0] = (uint8_t)(1 + fuzz_below(2));
	}
	if (type == 22 && n >= 4) {        /* a handshake message that says how long it is */
		body[0] = (uint8_t)fuzz_below(26);
		body[1] = fuzz_one_in(4) ? 0xff : 0;
		body[2] = (uint8_t)(n >> 8);
		body[3] = (uint8_t)(n - 4);
	}
	return record(to, type, body, n, fuzz_one_in(4) ? fuzz_below(65536) : n);
}

/* A ClientHello with mistakes, with its lengths put right again or not. */
static void bad_hello(int fd)
{
	uint8_t b[8192];
	size_t n = fuzz_octets(b, hello(b, 4096), sizeof(b));

	if (fuzz_one_in(2) && n > RECORD + 4) {
		b[0] = 22;
		b[3] = (uint8_t)((n - RECORD) >> 8);
		b[4] = (uint8_t)(n - RECORD);
		b[RECORD] = 1;
		b[RECORD + 1] = 0;
		b[RECORD + 2] = (uint8_t)((n - RECORD - 4) >> 8);
		b[RECORD + 3] = (uint8_t)(n - RECORD - 4);
	}
	if (put(fd, b, n))
		listen_to(fd);
	n = fuzz_below(3000);
	fuzz_bytes(b, n);
	if (fuzz_one_in(3) && put(fd, b, n))
		listen_to(fd);
}

static void records(int fd)
{
	uint8_t b[RECORD + 20000];

	for (uint32_t times = 1 + fuzz_below(20); times; times--) {
		size_t n = fuzz_one_in(5) ? hello(b, 4096) : odd_record(b);

		if (!put(fd, b, n))
			return;
	}
	listen_to(fd);
}

/* A good ClientHello in many records, with others between them. */
static void fragments(int fd)
{
	uint8_t b[8192], r[RECORD + 20000];
	size_t n = hello(b, sizeof(b)), at = RECORD;

	while (at < n) {
		size_t some = 1 + fuzz_below(fuzz_one_in(3) ? 3 : 100);

		if (some > n - at)
			some = n - at;
		if (!put(fd, r, record(r, 22, b + at, some, some)) || (fuzz_one_in(30) && !put(fd, r, odd_record(r))))
			return;
		at += some;
	}
	listen_to(fd);
}

/* ---- a client of GnuTLS, whose octets are changed on their way ---- */

static uint32_t until_bad;             /* octets that go out as they are; UINT32_MAX: all */
static gnutls_pcert_st good, bad;      /* bad: the right key, with any octets as its certificate */
static gnutls_privkey_t key;

static ssize_t meddle(gnutls_transport_ptr_t to, const void *p, size_t n)
{
	static uint8_t b[1 << 17];
	size_t m = n;

	if (n > sizeof(b) / 2)
		return -1;
	memcpy(b, p, n);
	if (until_bad < n)
		m = until_bad + fuzz_octets(b + until_bad, n - until_bad, sizeof(b) - until_bad);
	if (until_bad != UINT32_MAX)
		until_bad = until_bad < n ? UINT32_MAX : until_bad - (uint32_t)n;
	if (put((int)(intptr_t)to, b, m))
		return (ssize_t)n;
	errno = EPIPE;
	return -1;
}

static int show_bad(gnutls_session_t s, const struct gnutls_cert_retr_st *info, gnutls_pcert_st **certs,
                    unsigned *ncerts, gnutls_ocsp_data_st **ocsp, unsigned *nocsp, gnutls_privkey_t *with, unsigned *flags)
{
	(void)s;
	(void)info;
	*certs = &bad;
	*ncerts = 1;
	*ocsp = NULL;
	*nocsp = 0;
	*with = key;
	*flags = 0;
	return 0;
}

/* With a certificate that differs from the good one. */
static void new_bad(void)
{
	static uint8_t der[8192];
	size_t n;

	do {
		memcpy(der, good.cert.data, good.cert.size);
		n = fuzz_octets(der, good.cert.size, sizeof(der));
	} while (!n || (n == good.cert.size && !memcmp(der, good.cert.data, n)));
	bad = good;
	bad.cert = (gnutls_datum_t){ der, (unsigned)n };
}

static gnutls_certificate_credentials_t load(bool with_bad)
{
	static gnutls_certificate_credentials_t cred[2];
	char crt_path[512], key_path[512];
	gnutls_datum_t pem;
	unsigned one = 1;

	if (cred[0])
		return cred[with_bad];
	snprintf(crt_path, sizeof(crt_path), "%s/%s.crt", net->pki, host);
	snprintf(key_path, sizeof(key_path), "%s/%s.key", net->pki, host);
	if (gnutls_certificate_allocate_credentials(&cred[0]) < 0 || gnutls_certificate_allocate_credentials(&cred[1]) < 0 ||
	    gnutls_certificate_set_x509_key_file(cred[0], crt_path, key_path, GNUTLS_X509_FMT_PEM) < 0 ||
	    gnutls_load_file(crt_path, &pem) < 0 ||
	    gnutls_pcert_list_import_x509_raw(&good, &one, &pem, GNUTLS_X509_FMT_PEM, 0) < 0)
		fuzz_wrong("no certificate %s", crt_path);
	gnutls_free(pem.data);
	if (gnutls_load_file(key_path, &pem) < 0 || gnutls_privkey_init(&key) < 0 ||
	    gnutls_privkey_import_x509_raw(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0) < 0)
		fuzz_wrong("no key %s", key_path);
	gnutls_free(pem.data);
	gnutls_certificate_set_retrieve_function3(cred[1], show_bad);
	return cred[with_bad];
}

static int shake(gnutls_session_t s)
{
	int e;

	do
		e = gnutls_handshake(s);
	while (e < 0 && e != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(e));
	return e;
}

/* A handshake over `fd`, as good as until_bad and the certificate let it be. */
static bool begin(struct raw *r, int fd, bool tls12, bool with_bad)
{
	r->fd = fd;
	r->n = r->taken = 0;
	r->closed = false;
	if (gnutls_init(&r->tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL) < 0 ||
	    gnutls_priority_set_direct(r->tls, tls12 ? "NORMAL:-VERS-ALL:+VERS-TLS1.2" : "NORMAL:-VERS-ALL:+VERS-TLS1.3",
	                               NULL) < 0 ||
	    gnutls_credentials_set(r->tls, GNUTLS_CRD_CERTIFICATE, load(with_bad)) < 0)
		fuzz_wrong("no TLS session");
	gnutls_handshake_set_timeout(r->tls, until_bad == UINT32_MAX ? 5000 : 200);
	gnutls_transport_set_int(r->tls, fd);
	gnutls_transport_set_ptr(r->tls, (void *)(intptr_t)fd);
	gnutls_transport_set_push_function(r->tls, meddle);
	return shake(r->tls) >= 0;
}

static uint32_t cer(struct raw *r, uint32_t ms)
{
	static struct dia_writer w;
	const uint8_t *cea;
	size_t n = 0;

	raw_put_cer(&w, host);
	if (!dia_end(&w))
		return 0;
	cea = raw_ask(r, w.p, w.n, &n, ms);
	return cea ? raw_result(cea, n) : 0;
}

static void end(struct raw *r)
{
	if (r->tls)
		gnutls_deinit(r->tls);
	r->tls = NULL;
}

static struct raw r;

/* Something of it goes wrong on the way. */
static void meddled(int fd)
{
	bool tls12 = fuzz_one_in(2);

	until_bad = fuzz_below(tls12 ? 1600 : 1800);
	if (begin(&r, fd, tls12, false))
		raw_send(&r, "\1\0\0\24", 4);
	until_bad = UINT32_MAX;
	end(&r);
}

static void bad_certificate(int fd)
{
	load(true);
	new_bad();
	if (begin(&r, fd, fuzz_one_in(2), true) && cer(&r, 5000) == 2001) {
		fprintf(stderr, "the certificate that came in:");
		for (size_t i = 0; i < bad.cert.size; i++)
			fprintf(stderr, " %02x", bad.cert.data[i]);
		fuzz_wrong("a bad certificate gets in");
	}
	end(&r);
}

/* Connected well, and then once more from the beginning, or with new keys, or without TLS. */
static void afterwards(int fd)
{
	bool tls12 = fuzz_one_in(2);
	uint8_t b[RECORD + 20000];

	if (!begin(&r, fd, tls12, false) || cer(&r, 5000) != 2001)
		fuzz_wrong("a good certificate does not get in with TLS 1.%d", tls12 ? 2 : 3);
	switch (fuzz_below(3)) {
	case 0:
		for (uint32_t times = tls12 ? 0 : fuzz_below(30); times; times--)
			gnutls_session_key_update(r.tls, fuzz_one_in(2) ? GNUTLS_KU_PEER : 0);
		if (tls12 && shake(r.tls) >= 0)
			fuzz_wrong("a renegotiation was granted");
		break;
	case 1:
		put(fd, b, odd_record(b));
		listen_to(fd);
		break;
	default:
		until_bad = 0;
		cer(&r, 100);
		until_bad = UINT32_MAX;
		break;
	}
	end(&r);
}

void fuzz_handshake(const struct raw_net *to, const char *as, unsigned source)
{
	static void (*const cases[])(int fd) = { bad_hello, bad_hello, records, fragments, meddled, bad_certificate,
	                                         bad_certificate, afterwards };
	int fd;

	net = to;
	host = as;
	until_bad = UINT32_MAX;
	fd = raw_tcp(net, source);
	if (fd < 0)
		fuzz_wrong("no connection");
	cases[fuzz_below(sizeof(cases) / sizeof(*cases))](fd);
	close(fd);
}
