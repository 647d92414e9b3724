/* dtls.c - DTLS over SCTP (RFC 6083), and Diameter over bare SCTP. */
#include "config.h"
#include <errno.h>
#include <gnutls/dtls.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include "dtls.h"

#define RECORD_HEADER   13u
#define RECORD_SLACK    2048u        /* what a cipher may add (RFC 5246 6.2.3) */
#define NEWS_ROOM       512u         /* a notification comes in the same buffer */
#define RECORD_BUFFER   (RECORD_HEADER + DTLS_RECORD_MAX + RECORD_SLACK + NEWS_ROOM)
#define NO_TIMEOUT_MS   86400000u    /* SCTP loses nothing: GnuTLS shall not send anything twice */
#define SETTLE_MS       20u          /* less than the retransmission that it saves */
#define QUEUE_MAX       (256u * 1024)
#define CONTENT_CCS     20
#define CONTENT_ALERT   21
#define FIRST_KEY       1u

struct record {
	struct record *next;
	size_t n;
	uint8_t b[];
};

enum key_state {
	KEY_EMPTY,      /* key 0 is in use */
	KEY_WAIT_DRY,   /* Finished waits until all before it has arrived */
	KEY_SETTLE,     /* ... and until the other side may have worked on it */
	KEY_NEW,
};

struct sctp_link {
	struct assoc *assoc;
	struct peer *peer;
	gnutls_session_t tls;
	bool connected, derived, secured, dropped, failed, shut;
	enum key_state key;
	uint64_t settle;
	struct record *first, **last;
	size_t queued;
	uint32_t events;                 /* the owner wants */
	uint8_t *in;
	size_t in_n;
	bool in_whole;
};

static enum peer_io fail(struct sctp_link *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static enum peer_io fail(struct sctp_link *l, const char *fmt, ...)
{
	char why[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	peer_say_why(l->peer, "%s", why);
	l->failed = true;
	return IO_FAILED;
}

static bool is_first_epoch(const struct record *r)
{
	return !r->b[3] && !r->b[4];
}

static void drop_first(struct sctp_link *l)
{
	struct record *r = l->first;

	l->first = r->next;
	if (!l->first)
		l->last = &l->first;
	l->queued -= r->n;
	free(r);
}

struct sctp_link *peer_link_new(struct assoc *a)
{
	struct sctp_link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	*l = (struct sctp_link){ .assoc = a, .last = &l->first, .events = EPOLLIN };
	return l;
}

void peer_link_belong(struct sctp_link *l, struct peer *p, assoc_ready *ready)
{
	l->peer = p;
	l->assoc->ready = ready;
	l->assoc->ctx = p;
}

void peer_link_free(struct sctp_link *l, bool abort)
{
	peer_timer_cancel(l->assoc->loop, l->settle);
	l->assoc->stack->close(l->assoc, abort);
	while (l->first)
		drop_first(l);
	free(l->in);
	free(l);
}

bool peer_link_local(const struct sctp_link *l, struct sockaddr_storage *sa)
{
	return l->assoc->stack->local(l->assoc, sa);
}

void peer_link_want(struct sctp_link *l, uint32_t events)
{
	l->events = events;
	if (l->first && l->key != KEY_WAIT_DRY && l->key != KEY_SETTLE)
		events |= EPOLLOUT;
	else if (l->first)
		events = (events | EPOLLIN) & ~(uint32_t)EPOLLOUT;       /* what we wait for is told, or a timer's */
	l->assoc->stack->want(l->assoc, events);
}

/* Receiving. */

static void settled(void *ctx)
{
	struct sctp_link *l = ctx;

	l->settle = 0;
	if (l->assoc->stack->use_key(l->assoc, FIRST_KEY))
		l->key = KEY_NEW;
	else if (errno != EINVAL)
		fail(l, "SCTP-AUTH: the key of the handshake: %s", strerror(errno));
	/* EINVAL: the other side has ended the association; what it said before, such as an alert, tells more. */
	l->assoc->ready(l->assoc->ctx, l->key == KEY_SETTLE ? EPOLLIN : EPOLLOUT);
}

/* The next octets; notifications are worked off on the way. */
static enum peer_io receive(struct sctp_link *l, void *buf, size_t size, struct assoc_piece *piece)
{
	for (;;) {
		enum peer_io io = l->assoc->stack->recv(l->assoc, buf, size, piece);

		if (io == IO_FAILED)
			return fail(l, "%s", strerror(errno));
		if (io != IO_OK)
			return io;
		switch (piece->kind) {
		case ASSOC_DATA:
			return IO_OK;
		case ASSOC_UP:
			l->connected = true;
			break;
		case ASSOC_DRY:
			if (l->key != KEY_WAIT_DRY)
				break;
			l->key = KEY_SETTLE;
			l->settle = peer_timer(l->assoc->loop, l->peer->server ? 0 : SETTLE_MS, settled, l);
			if (!l->settle)
				return fail(l, "out of memory");
			break;
		case ASSOC_NEWS:
			break;
		}
	}
}

/* One DTLS record, no more and no less (RFC 6083 4.1). */
static bool is_record(const struct sctp_link *l)
{
	return l->in_n >= RECORD_HEADER && l->in_n == RECORD_HEADER + ((size_t)l->in[11] << 8 | l->in[12]);
}

static enum peer_io read_record(struct sctp_link *l)
{
	while (!l->in_whole) {
		struct assoc_piece piece;
		enum peer_io io;

		if (!l->in && !(l->in = malloc(RECORD_BUFFER)))
			return fail(l, "out of memory");
		io = receive(l, l->in + l->in_n, RECORD_BUFFER - l->in_n, &piece);
		if (io != IO_OK)
			return io;
		l->in_n += piece.n;
		if (l->in_n > RECORD_BUFFER - NEWS_ROOM)
			return fail(l, "DTLS: a user message of more than a record");
		if (!piece.last)
			continue;
		if (piece.ppid && piece.ppid != ASSOC_PPID_DTLS)
			return fail(l, "SCTP payload protocol %u where DTLS (%u) has to be", piece.ppid, ASSOC_PPID_DTLS);
		if (!is_record(l))
			return fail(l, "DTLS: a user message that is not one record");
		l->in_whole = true;
	}
	return IO_OK;
}

static ssize_t pull(gnutls_transport_ptr_t ptr, void *buf, size_t size)
{
	struct sctp_link *l = ptr;
	size_t n;

	switch (read_record(l)) {
	case IO_OK:
		break;
	case IO_AGAIN:
		gnutls_transport_set_errno(l->tls, EAGAIN);
		return -1;
	case IO_EOF:
		return 0;
	default:
		gnutls_transport_set_errno(l->tls, ECONNRESET);
		return -1;
	}
	n = l->in_n < size ? l->in_n : size;
	memcpy(buf, l->in, n);
	l->in_n = 0;
	l->in_whole = false;
	return (ssize_t)n;
}

static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
	return 1;                          /* pull() never waits, and says itself that there is nothing */
}

/* Sending. */

static bool enqueue(struct sctp_link *l, const uint8_t *b, size_t n)
{
	struct record *r = l->queued + n <= QUEUE_MAX ? malloc(sizeof(*r) + n) : NULL;

	if (!r)
		return false;
	r->next = NULL;
	r->n = n;
	memcpy(r->b, b, n);
	*l->last = r;
	l->last = &r->next;
	l->queued += n;
	return true;
}

/* GnuTLS hands over whole records, several of a flight at once. */
static ssize_t push(gnutls_transport_ptr_t ptr, const giovec_t *iov, int count)
{
	struct sctp_link *l = ptr;
	uint8_t *all, *at;
	size_t n = 0, left;

	for (int i = 0; i < count; i++)
		n += iov[i].iov_len;
	all = at = malloc(n ? n : 1);
	if (!all)
		goto fail;
	for (int i = 0; i < count; i++) {
		memcpy(at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	for (at = all, left = n; left;) {
		size_t record = left < RECORD_HEADER ? SIZE_MAX : RECORD_HEADER + ((size_t)at[11] << 8 | at[12]);

		if (record > left || !enqueue(l, at, record))
			goto fail;
		at += record;
		left -= record;
	}
	free(all);
	return (ssize_t)n;
fail:
	free(all);
	fail(l, "DTLS: out of memory");
	gnutls_transport_set_errno(l->tls, ENOMEM);
	return -1;
}

static void forget_empty_key(struct sctp_link *l)
{
	if (!l->secured || l->dropped || l->key != KEY_NEW)
		return;
	l->assoc->stack->drop_key(l->assoc, FIRST_KEY - 1);
	l->dropped = true;
}

/* The first record of epoch 1 is Finished: before it goes the key is changed (RFC 6083 4.8).  All
 * before it has to be there by then, and the other side has to have made the key out of it:
 * a packet under a key that it does not know is lost, and costs a retransmission. */
static bool may_send(struct sctp_link *l, const struct record *r)
{
	if (is_first_epoch(r) || l->key == KEY_NEW)
		return true;
	if (l->key == KEY_EMPTY) {
		l->key = KEY_WAIT_DRY;
		if (!l->assoc->stack->tell_dry(l->assoc))
			fail(l, "SCTP: %s", strerror(errno));
	}
	return false;
}

enum peer_io peer_link_flush(struct sctp_link *l)
{
	while (l->first && !l->failed) {
		struct record *r = l->first;
		enum peer_io io;

		if (!may_send(l, r)) {
			if (l->failed)
				break;
			peer_link_want(l, l->events);
			return IO_AGAIN;
		}
		io = l->assoc->stack->send(l->assoc, r->b, r->n, ASSOC_PPID_DTLS,
		                           r->b[0] == CONTENT_CCS || r->b[0] == CONTENT_ALERT);
		if (io == IO_AGAIN) {
			peer_link_want(l, l->events);
			return IO_AGAIN;
		}
		if (io != IO_OK)
			return fail(l, "%s", strerror(errno));
		drop_first(l);
		if (!l->first && l->shut)
			l->assoc->stack->shutdown(l->assoc);
	}
	forget_empty_key(l);
	if (l->failed)
		return IO_FAILED;
	return IO_OK;
}

/* There is a master secret now, and from it the endpoint pair shared secret for
 * SCTP-AUTH (RFC 6083 4.8), before the other side can use it. */
static int on_secret(gnutls_session_t tls, const char *label, const gnutls_datum_t *secret)
{
	struct sctp_link *l = gnutls_transport_get_ptr(tls);
	static const char exporter[] = "EXPORTER_DTLS_OVER_SCTP";
	uint8_t key[ASSOC_KEY_LEN];
	int r;

	if (!l->derived && !strcmp(label, "CLIENT_RANDOM")) {
		r = gnutls_prf_rfc5705(tls, sizeof(exporter) - 1, exporter, 0, NULL, sizeof(key), (char *)key);
		if (r < 0)
			fail(l, "DTLS: %s", gnutls_strerror(r));
		else if (!l->assoc->stack->set_key(l->assoc, FIRST_KEY, key, sizeof(key)))
			fail(l, "SCTP-AUTH: the key of the handshake: %s", strerror(errno));
		gnutls_memset(key, 0, sizeof(key));
		l->derived = true;
	}
	return peer_tls_keylog(tls, label, secret);
}

bool peer_link_secure(struct sctp_link *l, gnutls_session_t tls)
{
	if (!l->assoc->stack->has_auth(l->assoc)) {
		fail(l, "SCTP: the peer does not authenticate DATA (SCTP-AUTH, RFC 4895), without which DTLS is not secure");
		return false;
	}
	l->tls = tls;
	gnutls_transport_set_ptr(tls, l);
	gnutls_transport_set_pull_function(tls, pull);
	gnutls_transport_set_pull_timeout_function(tls, pull_timeout);
	gnutls_transport_set_vec_push_function(tls, push);
	gnutls_dtls_set_timeouts(tls, NO_TIMEOUT_MS, NO_TIMEOUT_MS);
	gnutls_dtls_set_mtu(tls, DTLS_RECORD_MAX);
	gnutls_session_set_keylog_function(tls, on_secret);
	return true;
}

void peer_link_secured(struct sctp_link *l)
{
	l->secured = true;
	forget_empty_key(l);
}

void peer_link_shutdown(struct sctp_link *l)
{
	/* Of a handshake that has failed the other side will never know the key. */
	while (l->first && l->key != KEY_NEW && !is_first_epoch(l->first))
		drop_first(l);
	l->shut = true;
	if (!l->first)
		l->assoc->stack->shutdown(l->assoc);
}

size_t peer_link_room(const struct sctp_link *l)
{
	return l->tls ? gnutls_dtls_get_data_mtu(l->tls) : ASSOC_BUFFER / 2;
}

/* Without DTLS. */

enum peer_io peer_link_connected(struct sctp_link *l)
{
	uint8_t buf[NEWS_ROOM];
	struct assoc_piece piece;

	while (!l->connected) {
		enum peer_io io = l->assoc->stack->recv(l->assoc, buf, sizeof(buf), &piece);

		if (io != IO_OK)
			return io;
		l->connected = piece.kind == ASSOC_UP;
	}
	return IO_OK;
}

enum peer_io peer_link_send(struct sctp_link *l, const void *p, size_t n)
{
	enum peer_io io = l->assoc->stack->send(l->assoc, p, n, ASSOC_PPID_CLEAR, false);

	return io == IO_FAILED ? fail(l, "sending: %s", strerror(errno)) : io;
}

/* The pieces of a message come one after the other, so they are a stream. */
enum peer_io peer_link_recv(struct sctp_link *l, void *buf, size_t size, size_t *got)
{
	struct assoc_piece piece;
	enum peer_io io = receive(l, buf, size, &piece);

	if (io != IO_OK)
		return io;
	if (piece.ppid && piece.ppid != ASSOC_PPID_CLEAR)
		return fail(l, "SCTP payload protocol %u where Diameter (%u) has to be", piece.ppid, ASSOC_PPID_CLEAR);
	*got = piece.n;
	return IO_OK;
}

enum peer_io peer_link_drain(struct sctp_link *l, void *buf, size_t size, size_t *got)
{
	struct assoc_piece piece;
	enum peer_io io = receive(l, buf, size, &piece);

	*got = 0;
	return io;
}
