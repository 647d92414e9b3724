/* gw_raw.c - a hostile SCS's connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "gw_raw.h"

int64_t raw_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void raw_pause(uint32_t ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

static struct sockaddr_in loopback(unsigned low, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000000u | low) };
}

int raw_tcp(const struct raw_net *net, unsigned from)
{
	struct sockaddr_in us = loopback(from ? from : 1, 0), door = loopback(1, net->port);
	const struct timeval patience = { 5, 0 }, more = { 20, 0 };     /* who cannot send any more is cut off before */
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &more, sizeof(more));
	if (!bind(fd, (struct sockaddr *)&us, sizeof(us)) && !connect(fd, (struct sockaddr *)&door, sizeof(door)))
		return fd;
	close(fd);
	return -1;
}

struct kept { uint8_t *p; size_t n, size; };

static ssize_t keep(gnutls_transport_ptr_t to, const void *p, size_t n)
{
	struct kept *k = to;
	size_t fits = n < k->size - k->n ? n : k->size - k->n;

	memcpy(k->p + k->n, p, fits);
	k->n += fits;
	return (ssize_t)n;
}

static gnutls_session_t session;

static ssize_t nothing(gnutls_transport_ptr_t from, void *p, size_t n)
{
	(void)from;
	(void)p;
	(void)n;
	gnutls_transport_set_errno(session, EAGAIN);
	return -1;
}

static gnutls_certificate_credentials_t credentials(const struct raw_net *net, const char *host)
{
	static char of[256];
	static gnutls_certificate_credentials_t cred;
	char cert[512], key[512];

	if (cred && !strcmp(of, host))
		return cred;
	if (cred)
		gnutls_certificate_free_credentials(cred);
	snprintf(of, sizeof(of), "%s", host);
	snprintf(cert, sizeof(cert), "%s/%s.crt", net->pki, host);
	snprintf(key, sizeof(key), "%s/%s.key", net->pki, host);
	if (gnutls_certificate_allocate_credentials(&cred) < 0 ||
	    gnutls_certificate_set_x509_key_file(cred, cert, key, GNUTLS_X509_FMT_PEM) < 0) {
		fprintf(stderr, "no certificate %s\n", cert);
		exit(2);
	}
	return cred;
}

static gnutls_session_t client(const struct raw_net *net, gnutls_certificate_credentials_t cred)
{
	gnutls_session_t s;

	if (gnutls_init(&s, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL) < 0 || gnutls_set_default_priority(s) < 0 ||
	    gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, cred) < 0 ||
	    gnutls_server_name_set(s, GNUTLS_NAME_DNS, net->door, strlen(net->door)) < 0) {
		fprintf(stderr, "no TLS session\n");
		exit(2);
	}
	return s;
}

size_t raw_hello(const struct raw_net *net, uint8_t *out, size_t size)
{
	struct kept k = { out, 0, size };
	gnutls_certificate_credentials_t cred;

	gnutls_certificate_allocate_credentials(&cred);
	session = client(net, cred);
	gnutls_transport_set_ptr(session, &k);
	gnutls_transport_set_push_function(session, keep);
	gnutls_transport_set_pull_function(session, nothing);
	gnutls_handshake(session);
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(cred);
	return k.n;
}

int raw_wait_closed(int fd, uint32_t ms)
{
	const int64_t until = raw_now_ms() + ms;
	uint8_t buf[4096];

	for (;;) {
		int64_t left = until - raw_now_ms();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, left > 0 ? (int)left : 0) <= 0)
			return 0;
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return 1;
	}
}

bool raw_tls(struct raw *r, const struct raw_net *net, const char *host, unsigned from)
{
	int e;

	r->n = r->taken = 0;
	r->closed = false;
	r->tls = NULL;
	snprintf(r->host, sizeof(r->host), "%s", host);
	r->fd = raw_tcp(net, from);
	if (r->fd < 0)
		return false;
	r->tls = client(net, credentials(net, host));
	gnutls_transport_set_int(r->tls, r->fd);
	do
		e = gnutls_handshake(r->tls);
	while (e < 0 && e != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(e));
	if (e >= 0)
		return true;
	raw_close(r);
	return false;
}

void raw_close(struct raw *r)
{
	if (r->tls)
		gnutls_deinit(r->tls);
	if (r->fd >= 0)
		close(r->fd);
	r->tls = NULL;
	r->fd = -1;
}

void raw_put_cer(struct dia_writer *w, const char *host)
{
	static const uint8_t address[6] = { 0, 1, 127, 0, 0, 1 };

	dia_begin(w, DIA_F_REQUEST, 257, 0, 1, 1);
	dia_put_text(w, DIA_Origin_Host, host);
	dia_put_text(w, DIA_Origin_Realm, raw_realm(host));
	dia_put_octets(w, DIA_Host_IP_Address, address, sizeof(address));
	dia_put_u32(w, DIA_Vendor_Id, 0);
	dia_put_text(w, DIA_Product_Name, "raw");
	dia_open(w, DIA_Vendor_Specific_Application_Id);
	dia_put_u32(w, DIA_Vendor_Id, DIA_VENDOR_3GPP);
	dia_put_u32(w, DIA_Auth_Application_Id, RAW_TSP);
	dia_close(w);
}

uint32_t raw_open(struct raw *r, const struct raw_net *net, const char *host, unsigned from)
{
	struct dia_writer w = { 0 };
	const uint8_t *cea;
	uint32_t result;
	size_t n = 0;

	if (!raw_tls(r, net, host, from))
		return 0;
	raw_put_cer(&w, host);
	cea = dia_end(&w) ? raw_ask(r, w.p, w.n, &n, 5000) : NULL;
	result = cea ? raw_result(cea, n) : 0;
	dia_writer_free(&w);
	if (result != 2001)
		raw_close(r);
	return result;
}

bool raw_send(struct raw *r, const void *p, size_t n)
{
	const uint8_t *at = p;

	while (n && !r->closed) {
		ssize_t sent = gnutls_record_send(r->tls, at, n);

		if (sent < 0 && sent != GNUTLS_E_INTERRUPTED) {
			r->closed = true;
		} else if (sent > 0) {
			at += sent;
			n -= (size_t)sent;
		}
	}
	return !r->closed;
}

static void more(struct raw *r, int64_t until)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };
	int64_t left = until - raw_now_ms();
	ssize_t got;

	if (!gnutls_record_check_pending(r->tls) && poll(&p, 1, left > 0 ? (int)left : 0) <= 0)
		return;
	got = gnutls_record_recv(r->tls, r->in + r->n, sizeof(r->in) - r->n);
	if (got > 0)
		r->n += (size_t)got;
	else if (got != GNUTLS_E_AGAIN && got != GNUTLS_E_INTERRUPTED)
		r->closed = true;
}

/* Who was cut off is asked whether it lives before it is served again (RFC 3539 3.4.1). */
static bool is_watchdog(struct raw *r)
{
	struct dia_writer w = { 0 };
	struct dia_hdr h;

	if (!dia_hdr_read(r->in, r->taken, &h) || h.code != RAW_DWR || !(h.flags & DIA_F_REQUEST))
		return false;
	dia_begin_answer(&w, r->in, r->taken, 0);
	dia_put_u32(&w, DIA_Result_Code, 2001);
	dia_put_text(&w, DIA_Origin_Host, r->host);
	dia_put_text(&w, DIA_Origin_Realm, raw_realm(r->host));
	if (dia_end(&w))
		raw_send(r, w.p, w.n);
	dia_writer_free(&w);
	r->watchdogs++;
	return true;
}

static const uint8_t *next_of_any_kind(struct raw *r, size_t *n, int64_t until)
{

	if (r->taken)
		memmove(r->in, r->in + r->taken, r->n - r->taken);
	r->n -= r->taken;
	r->taken = 0;
	for (;;) {
		size_t length = r->n >= 4 ? (size_t)r->in[1] << 16 | (size_t)r->in[2] << 8 | r->in[3] : 0;

		if (r->n >= 4 && (length < DIA_HDR_LEN || length > sizeof(r->in)))
			r->closed = true;      /* nothing that the door would send */
		if (length && r->n >= length && !r->closed) {
			*n = r->taken = length;
			return r->in;
		}
		if (r->closed || raw_now_ms() > until)
			return NULL;
		more(r, until);
	}
}

const uint8_t *raw_next(struct raw *r, size_t *n, uint32_t ms)
{
	const int64_t until = raw_now_ms() + ms;
	const uint8_t *m;

	do
		m = next_of_any_kind(r, n, until);
	while (m && is_watchdog(r));
	return m;
}

const uint8_t *raw_ask(struct raw *r, const void *p, size_t n, size_t *answer_n, uint32_t ms)
{
	const int64_t until = raw_now_ms() + ms;
	struct dia_hdr asked, h;
	const uint8_t *m;

	if (!dia_hdr_read(p, n, &asked) || !raw_send(r, p, n))
		return NULL;
	while ((m = raw_next(r, answer_n, until > raw_now_ms() ? (uint32_t)(until - raw_now_ms()) : 0)))
		if (dia_hdr_read(m, *answer_n, &h) && !(h.flags & DIA_F_REQUEST) && h.hbh == asked.hbh && h.code == asked.code)
			return m;
	return NULL;
}

uint32_t raw_result(const uint8_t *msg, size_t n)
{
	struct dia_avp a;
	uint32_t v;

	return msg && dia_msg_find(msg, n, DIA_Result_Code, &a) && dia_avp_u32(&a, &v) ? v : 0;
}

uint32_t raw_status(const uint8_t *msg, size_t n)
{
	struct dia_avp note, a;
	uint32_t v;

	return msg && dia_msg_find(msg, n, DIA_Device_Notification, &note) && dia_group_find(&note, DIA_Request_Status, &a) &&
	       dia_avp_u32(&a, &v) ? v : 9999;
}

const char *raw_realm(const char *host)
{
	const char *dot = strchr(host, '.');

	return dot ? dot + 1 : host;
}

void raw_put_dar(struct dia_writer *w, const struct raw_dar *d)
{
	char session_id[300];

	snprintf(session_id, sizeof(session_id), "%s;1;%u", d->host, d->hbh);
	dia_begin(w, DIA_F_REQUEST | DIA_F_PROXIABLE, RAW_DAR, RAW_TSP, d->hbh, d->hbh);
	dia_put_text(w, DIA_Session_Id, session_id);
	dia_put_u32(w, DIA_Auth_Application_Id, RAW_TSP);
	dia_put_u32(w, DIA_Auth_Session_State, 1);
	dia_put_text(w, DIA_Origin_Host, d->host);
	dia_put_text(w, DIA_Origin_Realm, d->realm);
	dia_put_text(w, DIA_Destination_Realm, d->dest_realm);
	dia_open(w, DIA_Device_Action);
	dia_put_text(w, DIA_External_Identifier, d->ext_id);
	dia_put_u32(w, DIA_Reference_Number, d->reference);
	dia_put_u32(w, DIA_Action_Type, 1);
	dia_put_u32(w, DIA_Validity_Time, 3600);
	dia_open(w, DIA_Trigger_Data);
	dia_put_text(w, DIA_Payload, "wake up");
	dia_put_u32(w, DIA_Priority_Indication, 0);
	dia_put_u32(w, DIA_Application_Port_Identifier, 5683);
	dia_close(w);
	dia_close(w);
}
