/* tls.c - TLS 1.2 and 1.3 with certificates on both sides (RFC 6733 13.1), and
 * its failures in words. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "peer_int.h"

/* TS 33.310 Annex E / TS 33.210 6.2: AEAD suites with ephemeral ECDH, no SHA-1. */
#define SUITES \
	":+AEAD:+ECDHE-ECDSA:+ECDHE-RSA:+AES-128-GCM:+AES-256-GCM" \
	":+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384" \
	":+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-SHA256:+SIGN-RSA-SHA384" \
	":+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-X25519:+COMP-NULL:+CTYPE-X509"
static const char tls_profile[] = "NONE:+VERS-TLS1.3:+VERS-TLS1.2" SUITES;
static const char dtls_profile[] = "NONE:+VERS-DTLS1.2" SUITES;

static bool load_pair(struct peer_setup *s, bool server, char *err, size_t err_size)
{
	const struct peer_tls *t = &s->conf.tls;
	int r;

	if (!t->cert && !t->key && !server)
		return true;               /* the server will say that it wants one */
	if (!t->cert || !t->key) {
		snprintf(err, err_size, "TLS: a certificate and its key are needed");
		return false;
	}
	gnutls_certificate_set_flags(s->cred, GNUTLS_CERTIFICATE_SKIP_OCSP_RESPONSE_CHECK);      /* the other end judges it */
	r = gnutls_certificate_set_x509_key_file(s->cred, t->cert, t->key, GNUTLS_X509_FMT_PEM);
	if (r < 0)
		snprintf(err, err_size, "TLS: certificate %s with key %s: %s", t->cert, t->key, gnutls_strerror(r));
	else if (t->ocsp_response && (r = gnutls_certificate_set_ocsp_status_request_file(s->cred, t->ocsp_response, 0)) < 0)
		snprintf(err, err_size, "TLS: OCSP response %s for %s: %s", t->ocsp_response, t->cert, gnutls_strerror(r));
	return r >= 0;
}

bool peer_tls_load(struct peer_setup *s, bool server, char *err, size_t err_size)
{
	const struct peer_tls *t = &s->conf.tls;
	const char *at = NULL;
	int r;

	if (!t->credentials && (r = gnutls_certificate_allocate_credentials(&s->cred)) < 0) {
		s->cred = NULL;
		snprintf(err, err_size, "TLS: %s", gnutls_strerror(r));
		return false;
	}
	if (!t->credentials && t->ca[0]) {
		r = gnutls_certificate_set_x509_trust_file(s->cred, t->ca, GNUTLS_X509_FMT_PEM);
		if (r <= 0) {
			snprintf(err, err_size, "TLS: CA certificates %s: %s", t->ca,
			         r < 0 ? gnutls_strerror(r) : "there is none in it");
			return false;
		}
	}
	if (!t->credentials && !load_pair(s, server, err, err_size))
		return false;
	r = gnutls_priority_init(&s->priority, t->priority ? t->priority : s->conf.sctp.on ? dtls_profile : tls_profile, &at);
	if (r < 0) {
		snprintf(err, err_size, "TLS: priority string near \"%s\": %s", at ? at : "", gnutls_strerror(r));
		return false;
	}
	if (t->keylog) {
		s->keylog_fd = open(t->keylog, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (s->keylog_fd < 0) {
			snprintf(err, err_size, "TLS: key log %s: %s", t->keylog, strerror(errno));
			return false;
		}
	}
	return true;
}

void peer_tls_unload(struct peer_setup *s)
{
	if (s->cred)
		gnutls_certificate_free_credentials(s->cred);
	if (s->priority)
		gnutls_priority_deinit(s->priority);
	if (s->keylog_fd >= 0)
		close(s->keylog_fd);
}

static void hex(char *to, const gnutls_datum_t *d)
{
	for (unsigned i = 0; i < d->size; i++)
		sprintf(to + 2 * i, "%02x", d->data[i]);
}

/* One line of the NSS key log format; whole in one write(), so that several
 * connections can share the file. */
int peer_tls_keylog(gnutls_session_t tls, const char *label, const gnutls_datum_t *secret)
{
	struct peer *p = gnutls_session_get_ptr(tls);
	gnutls_datum_t client, server;
	char random[129] = "", key[257] = "", line[512];
	int n;

	if (p->setup->keylog_fd < 0)
		return 0;
	gnutls_session_get_random(tls, &client, &server);
	if (client.size > 64 || secret->size > 128)
		return 0;
	hex(random, &client);
	hex(key, secret);
	n = snprintf(line, sizeof(line), "%s %s %s\n", label, random, key);
	if (write(p->setup->keylog_fd, line, (size_t)n) != n)
		return 0;                  /* a capture that cannot be read is no reason to fail */
	return 0;
}

static bool is_ip(const char *host)
{
	uint8_t a[16];

	return inet_pton(AF_INET, host, a) == 1 || inet_pton(AF_INET6, host, a) == 1;
}

/* Whom the other side has to be; NULL: anyone with a good certificate. */
static const char *expected(const struct peer *p)
{
	if (p->server)
		return NULL;
	return p->setup->conf.expect_host ? p->setup->conf.expect_host : p->host;
}

/* Called by GnuTLS inside the handshake, so a refusal ends it with an alert. */
static int verify(gnutls_session_t tls)
{
	struct peer *p = gnutls_session_get_ptr(tls);
	const char *name = expected(p);
	gnutls_typed_vdata_st want[2] = { { .type = GNUTLS_DT_KEY_PURPOSE_OID } };
	const char *who = p->server ? "client" : "server";
	static const struct { unsigned bit; const char *words; } faults[] = {
		{ GNUTLS_CERT_REVOKED, "it is revoked" },
		{ GNUTLS_CERT_EXPIRED, "it has expired" },
		{ GNUTLS_CERT_NOT_ACTIVATED, "it is not yet valid" },
		{ GNUTLS_CERT_UNEXPECTED_OWNER, "it is for another name" },
		{ GNUTLS_CERT_PURPOSE_MISMATCH, "its key usage does not allow this" },
		{ GNUTLS_CERT_SIGNER_NOT_FOUND, "none of our CAs has signed it" },
		{ GNUTLS_CERT_SIGNER_NOT_CA, "its issuer is no CA" },
		{ GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, "its issuer may not sign for it" },
		{ GNUTLS_CERT_SIGNATURE_FAILURE, "its signature is wrong" },
		{ GNUTLS_CERT_INSECURE_ALGORITHM, "its algorithm is not secure" },
	};
	unsigned status = 0, n = 1;
	int r;

	if (p->server && p->ops.verify)
		return p->ops.verify(p, p->ops.ctx);
	want[0].data = (unsigned char *)(p->server ? GNUTLS_KP_TLS_WWW_CLIENT : GNUTLS_KP_TLS_WWW_SERVER);
	if (name)
		want[n++] = (gnutls_typed_vdata_st){ .type = GNUTLS_DT_DNS_HOSTNAME, .data = (unsigned char *)name };
	r = gnutls_certificate_verify_peers(tls, want, n, &status);
	if (r == GNUTLS_E_NO_CERTIFICATE_FOUND) {
		peer_say_why(p, "TLS: the %s has sent no certificate", who);
		return GNUTLS_E_CERTIFICATE_REQUIRED;
	}
	if (r < 0) {
		peer_say_why(p, "TLS: the %s's certificate cannot be checked: %s", who, gnutls_strerror(r));
		return GNUTLS_E_CERTIFICATE_ERROR;
	}
	if (!status)
		return 0;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (status & faults[i].bit) {
			bool other = faults[i].bit == GNUTLS_CERT_UNEXPECTED_OWNER && name;

			peer_say_why(p, "TLS: the %s's certificate is not trusted: %s%s%s", who, faults[i].words,
			              other ? " than " : "", other ? name : "");
		}
	peer_say_why(p, "TLS: the %s's certificate is not trusted", who);
	return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
}

bool peer_tls_session_new(struct peer *p, unsigned extra)
{
	/* A client shows the certificate it was given, also to a server that will not
	 * like it: "not trusted" says more than "none".  A server gives no tickets and
	 * takes none, so there is no resumption and no early data: each connection
	 * proves who it is. */
	unsigned flags = p->server ? GNUTLS_SERVER | GNUTLS_NO_TICKETS : GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT;

	if (gnutls_init(&p->tls, flags | extra | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
		p->tls = NULL;
		return false;
	}
	gnutls_session_set_ptr(p->tls, p);
	gnutls_handshake_set_timeout(p->tls, GNUTLS_INDEFINITE_TIMEOUT);   /* ours covers the carrier and CER too */
	if (gnutls_priority_set(p->tls, p->setup->priority) < 0 ||
	    gnutls_credentials_set(p->tls, GNUTLS_CRD_CERTIFICATE, p->setup->cred) < 0)
		return false;
	if (p->server)
		gnutls_certificate_server_set_request(p->tls, GNUTLS_CERT_REQUIRE);
	else if (!is_ip(expected(p)) && gnutls_server_name_set(p->tls, GNUTLS_NAME_DNS, expected(p), strlen(expected(p))) < 0)
		return false;
	if (!p->setup->conf.no_verify)
		gnutls_session_set_verify_function(p->tls, verify);
	if (p->setup->keylog_fd >= 0)
		gnutls_session_set_keylog_function(p->tls, peer_tls_keylog);
	return true;
}

static bool begin(struct peer *p)
{
	if (!peer_tls_session_new(p, 0))
		return false;
	peer_no_delay(p->fd);
	gnutls_transport_set_int(p->tls, p->fd);
	return true;
}

#define MAX_WARNINGS 4u

/* The peer may warn us of what we do not mind, but not keep us busy with it. */
static bool just_a_warning(struct peer *p, int r)
{
	return r == GNUTLS_E_INTERRUPTED || (r == GNUTLS_E_WARNING_ALERT_RECEIVED && ++p->warnings <= MAX_WARNINGS);
}

static bool is_eof(int r)
{
	return r == GNUTLS_E_PREMATURE_TERMINATION || r == GNUTLS_E_SESSION_EOF;
}

static enum peer_io failed(struct peer *p, int r, const char *doing)
{
	if (r == GNUTLS_E_WARNING_ALERT_RECEIVED)
		peer_say_why(p, "TLS: %s: too many alerts", doing);
	else if (r == GNUTLS_E_FATAL_ALERT_RECEIVED)
		peer_say_why(p, "TLS: the peer refuses: %s", gnutls_alert_get_name(gnutls_alert_get(p->tls)));
	else if (r == GNUTLS_E_PULL_ERROR || r == GNUTLS_E_PUSH_ERROR)
		peer_say_why(p, "TLS: %s: the connection broke", doing);
	else
		peer_say_why(p, "TLS: %s: %s", doing, gnutls_strerror(r));
	return IO_FAILED;
}

enum peer_io peer_tls_handshake(struct peer *p)
{
	int r;

	do {
		r = gnutls_handshake(p->tls);
	} while (r < 0 && just_a_warning(p, r));
	if (r == GNUTLS_E_SUCCESS)
		return IO_OK;
	if (r == GNUTLS_E_AGAIN) {
		p->handshake_wants_write = gnutls_record_get_direction(p->tls) == 1;
		return IO_AGAIN;
	}
	if (is_eof(r))
		return IO_EOF;
	if (r != GNUTLS_E_FATAL_ALERT_RECEIVED)
		gnutls_alert_send_appropriate(p->tls, r);
	if (r == GNUTLS_E_CERTIFICATE_REQUIRED || r == GNUTLS_E_NO_CERTIFICATE_FOUND)
		peer_say_why(p, "TLS: the %s has sent no certificate", p->server ? "client" : "server");
	return failed(p, r, "handshake");
}

enum peer_io peer_tls_recv(struct peer *p, void *buf, size_t size, size_t *got)
{
	for (;;) {
		ssize_t r = gnutls_record_recv(p->tls, buf, size);

		if (r > 0) {
			*got = (size_t)r;
			return IO_OK;
		}
		if (r == 0 || is_eof((int)r))
			return IO_EOF;
		if (r == GNUTLS_E_AGAIN)
			return IO_AGAIN;
		/* No renegotiation, whoever asks (TS 33.310). */
		if (!just_a_warning(p, (int)r))
			return failed(p, (int)r, "receiving");
	}
}

static enum peer_io tls_send(struct peer *p, const void *buf, size_t n, size_t *sent)
{
	ssize_t r;

	if (n > 16384)
		n = 16384;
	/* An unfinished record is finished by a call without data. */
	r = p->tls_unsent ? gnutls_record_send(p->tls, NULL, 0) : gnutls_record_send(p->tls, buf, n);
	if (r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED) {
		if (!p->tls_unsent)
			p->tls_unsent = n;
		return IO_AGAIN;
	}
	if (r < 0)
		return failed(p, (int)r, "sending");
	p->tls_unsent = 0;
	*sent = (size_t)r;
	return IO_OK;
}

static void bye(struct peer *p)
{
	gnutls_bye(p->tls, GNUTLS_SHUT_WR);
}

void peer_tls_security(const struct peer *p, char *out, size_t size)
{
	if (p->tls)
		snprintf(out, size, "%s %s", gnutls_protocol_get_name(gnutls_protocol_get_version(p->tls)),
		         gnutls_cipher_get_name(gnutls_cipher_get(p->tls)));
	else
		snprintf(out, size, "TLS");
}

const struct peer_transport peer_tls_tcp = {
	.handshakes = true, .begin = begin, .handshake = peer_tls_handshake, .recv = peer_tls_recv, .send = tls_send,
	.bye = bye, .security = peer_tls_security, .local = peer_tcp_local,
};
