/* conn.c - one connection: framing, the send queue, and its end. */
#include "config.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "peer_int.h"

#define READ_CHUNK 16384u            /* room to read into behind what is there */
#define READ_SHARE (256u * 1024)     /* octets a connection may read before the others have their turn */

struct peer_held {
	struct peer_held *next;
	struct peer *peer;
	uint64_t timer;
	size_t n;
	uint8_t msg[];
};

static void on_ready(struct peer_source *src, uint32_t events);
static void on_bury(struct peer_source *src);

static uint32_t random_u32(void)
{
	uint32_t r;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = (uint32_t)peer_now_ms() * 2654435761u;
	return r;
}

struct peer *peer_new(struct peer_loop *l, struct peer_setup *setup, const struct peer_ops *ops, bool server)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->src = (struct peer_source){ .ready = on_ready, .bury = on_bury };
	p->loop = l;
	p->setup = setup;
	setup->refs++;
	p->transport = setup->transport;
	p->ops = *ops;
	p->server = server;
	p->fd = -1;
	p->hbh = random_u32();
	/* RFC 6733 3: the low 12 bits of the time in front of 20 random bits. */
	p->e2e = (uint32_t)time(NULL) << 20 | (random_u32() & 0xfffff);
	p->last_rx_ms = p->arrived_ms = peer_now_ms();
	peer_loop_enlist(l, p);
	return p;
}

static void close_transport(struct peer *p)
{
	peer_clear_deadline(p);
	peer_timer_cancel(p->loop, p->watchdog);
	peer_timer_cancel(p->loop, p->reread);
	peer_timer_cancel(p->loop, p->stall);
	p->watchdog = p->reread = p->stall = 0;
	while (p->held) {
		struct peer_held *h = p->held;

		p->held = h->next;
		peer_timer_cancel(p->loop, h->timer);
		free(h);
	}
	if (p->tls) {
		gnutls_deinit(p->tls);
		p->tls = NULL;
	}
	if (p->transport->close)
		p->transport->close(p);
	if (p->fd >= 0)
		peer_loop_close(p->loop, p->fd);
	p->fd = -1;
}

void peer_free(struct peer *p)
{
	close_transport(p);
	peer_loop_delist(p->loop, p);
	peer_setup_drop(p->setup);
	if (p->addrs)
		freeaddrinfo(p->addrs);
	free(p->host);
	free(p->in);
	free(p->out);
	free(p->why);
	free(p->remote_host);
	free(p->remote_realm);
	free(p->cer);
	free(p);
}

static void on_bury(struct peer_source *src)
{
	struct peer *p = (struct peer *)src;

	if (p->ops.event)
		p->ops.event(p, PEER_CLOSED, p->why ? p->why : "out of memory", p->ops.ctx);
	peer_free(p);
}

static void why_v(struct peer *p, const char *fmt, va_list ap)
{
	if (!p->why && vasprintf(&p->why, fmt, ap) < 0)
		p->why = NULL;
}

void peer_say_why(struct peer *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	why_v(p, fmt, ap);
	va_end(ap);
}

static void say_bye(struct peer *p)
{
	if (p->state != ST_CONNECT && p->state != ST_TLS && p->transport->bye)
		p->transport->bye(p);
}

static void end_now(struct peer *p)
{
	say_bye(p);
	close_transport(p);
	peer_loop_kill(p->loop, &p->src);
}

void peer_close(struct peer *p, const char *fmt, ...)
{
	va_list ap;

	if (p->src.dead)
		return;
	va_start(ap, fmt);
	why_v(p, fmt, ap);
	va_end(ap);
	end_now(p);
}

void peer_end_as(struct peer *p, enum peer_end end, const char *fmt, ...)
{
	va_list ap;

	if (p->src.dead)
		return;
	if (!p->end)
		p->end = end;
	va_start(ap, fmt);
	why_v(p, fmt, ap);
	va_end(ap);
	end_now(p);
}

void peer_abort(struct peer *p)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	if (p->src.dead)
		return;
	peer_say_why(p, "broken off by us");
	p->aborted = true;
	if (p->fd >= 0)
		setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close_transport(p);
	peer_loop_kill(p->loop, &p->src);
}

static void deadline_over(void *ctx)
{
	struct peer *p = ctx;
	static const char *const doing[] = {
		[ST_CONNECT] = "no connection", [ST_TLS] = "TLS: the handshake did not end",
		[ST_WAIT_CEA] = "no CEA", [ST_WAIT_CER] = "no CER", [ST_WAIT_ADMIT] = "nobody decided about the CER",
		[ST_OPEN] = "", [ST_CLOSING] = "no DPA", [ST_DRAIN] = "the peer did not close",
	};
	bool slow = p->state == ST_TLS || p->state == ST_WAIT_CER;

	p->deadline = 0;
	if (p->state == ST_TLS && p->server && !p->heard)
		peer_end_as(p, PEER_END_SLOW, "TLS: no handshake began in time");
	else
		peer_end_as(p, slow ? PEER_END_SLOW : PEER_END_OTHER, "%s in time", doing[p->state]);
}

void peer_clear_deadline(struct peer *p)
{
	peer_timer_cancel(p->loop, p->deadline);
	p->deadline = 0;
}

void peer_set_deadline(struct peer *p, uint32_t in_ms)
{
	peer_clear_deadline(p);
	p->deadline = peer_timer(p->loop, in_ms, deadline_over, p);
	if (!p->deadline)
		peer_close(p, "out of memory");
}

/* What is left of a limit that counts from the beginning. */
static void deadline_since_arrival(struct peer *p, uint32_t limit_ms)
{
	int64_t left = p->arrived_ms + limit_ms - peer_now_ms();

	peer_set_deadline(p, left > 0 ? (uint32_t)left : 0);
}

void peer_update_interest(struct peer *p)
{
	uint32_t want = EPOLLIN;

	if (p->src.dead || (p->fd < 0 && !p->transport->want))
		return;
	if (p->state == ST_CONNECT)
		want = EPOLLOUT;
	else if (p->state == ST_TLS && p->in_handshake)
		want = 0;                  /* its turn will come; till then epoll has room for the others */
	else if (p->state == ST_TLS)
		want = p->handshake_wants_write ? EPOLLOUT : EPOLLIN;
	else if (p->setup->conf.bad.stop_reading && (p->state == ST_OPEN || p->state == ST_CLOSING))
		want = 0;
	/* What this round queued is tried before epoll is asked. */
	if ((p->out_n > p->out_at && !p->in_flush) || p->tls_unsent)
		want |= EPOLLOUT;
	if (p->transport->want) {
		p->transport->want(p, want);
		return;
	}
	if (want == p->interest)
		return;
	if (peer_loop_change(p->loop, p->fd, want, &p->src))
		p->interest = want;
	else
		peer_close(p, "epoll: %s", strerror(errno));
}

/* Sending. */

static bool out_append(struct peer *p, const uint8_t *msg, size_t n)
{
	if (!n)
		return true;
	if (p->out_at && p->out_at == p->out_n)
		p->out_at = p->out_n = 0;
	if (p->out_n - p->out_at + n > p->setup->conf.max_queue)
		return false;
	if (p->out_n == p->out_at)
		p->moved_ms = peer_now_ms();
	if (p->out_at && p->out_n + n > p->out_cap && p->out_at >= p->out_cap / 2) {
		memmove(p->out, p->out + p->out_at, p->out_n - p->out_at);
		p->out_n -= p->out_at;
		p->out_at = 0;
	}
	if (p->out_n + n > p->out_cap) {
		size_t cap = p->out_cap ? p->out_cap : 4096;
		uint8_t *grown;

		while (cap < p->out_n + n)
			cap *= 2;
		grown = realloc(p->out, cap);
		if (!grown)
			return false;
		p->out = grown;
		p->out_cap = cap;
	}
	memcpy(p->out + p->out_n, msg, n);
	p->out_n += n;
	return true;
}

/* Where a message is a unit on the wire too, it has to be one, and not too long. */
static bool can_carry(const struct peer *p, const uint8_t *msg, size_t n)
{
	if (!p->transport->messages)
		return true;
	return n >= DIA_HDR_LEN && n == ((size_t)msg[1] << 16 | (size_t)msg[2] << 8 | msg[3]) && n <= peer_max_send(p);
}

bool peer_queue(struct peer *p, const uint8_t *msg, size_t n)
{
	if (p->src.dead || p->state == ST_DRAIN || !can_carry(p, msg, n) || !out_append(p, msg, n))
		return false;
	if (p->ops.trace)
		p->ops.trace(p, true, msg, n, p->ops.ctx);
	peer_loop_flush_later(p->loop, p);
	return true;
}

static void held_over(void *ctx)
{
	struct peer_held *h = ctx;
	struct peer *p = h->peer;

	for (struct peer_held **at = &p->held; *at; at = &(*at)->next)
		if (*at == h) {
			*at = h->next;
			break;
		}
	peer_queue(p, h->msg, h->n);
	free(h);
}

static bool hold_back(struct peer *p, const uint8_t *msg, size_t n)
{
	struct peer_held *h = malloc(sizeof(*h) + n);

	if (!h)
		return false;
	h->peer = p;
	h->n = n;
	memcpy(h->msg, msg, n);
	h->timer = peer_timer(p->loop, p->setup->conf.bad.answer_delay_ms, held_over, h);
	if (!h->timer) {
		free(h);
		return false;
	}
	h->next = p->held;
	p->held = h;
	return true;
}

bool peer_send(struct peer *p, const uint8_t *msg, size_t n)
{
	struct dia_hdr h;

	if (p->src.dead || (p->state != ST_OPEN && p->state != ST_CLOSING) || !can_carry(p, msg, n))
		return false;
	if (p->setup->conf.bad.answer_delay_ms && dia_hdr_read(msg, n, &h) && !(h.flags & DIA_F_REQUEST))
		return hold_back(p, msg, n);
	return peer_queue(p, msg, n);
}

/* Closing a socket with octets unread resets the connection, and the reset
 * would overtake what we have just said; so we hear the peer out. */
static void half_close(struct peer *p)
{
	say_bye(p);
	if (p->fd >= 0)
		shutdown(p->fd, SHUT_WR);
	if (p->transport->half_close)
		p->transport->half_close(p);
	p->state = ST_DRAIN;
	peer_set_deadline(p, PEER_CLOSE_MS);
}

/* The socket is asked before the clock: what the peer took while this process
 * did not run counts for it. */
static void stall_over(void *ctx)
{
	struct peer *p = ctx;
	int64_t left;

	peer_flush(p);
	p->stall = 0;
	if (p->src.dead || p->out_n == p->out_at)
		return;
	left = p->moved_ms + p->setup->conf.stall_timeout_ms - peer_now_ms();
	if (left <= 0)
		peer_end_as(p, PEER_END_STALLED, "the peer has not read for %u ms, %zu octets wait for it",
		            p->setup->conf.stall_timeout_ms, p->out_n - p->out_at);
	else
		p->stall = peer_timer(p->loop, (uint32_t)left, stall_over, p);
}

/* Octets that go out with one call: a whole message where the transport wants it so. */
static size_t next_piece(const struct peer *p)
{
	const uint8_t *b = p->out + p->out_at;
	size_t n = p->out_n - p->out_at;

	return p->transport->messages ? (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3] : n;
}

void peer_flush(struct peer *p)
{
	if (p->state == ST_CONNECT || p->state == ST_TLS)
		return;
	while (p->out_n > p->out_at) {
		size_t sent = 0;
		enum peer_io io = p->transport->send(p, p->out + p->out_at, next_piece(p), &sent);

		if (io == IO_AGAIN)
			break;
		if (io != IO_OK) {
			peer_close(p, "sending failed");
			return;
		}
		p->out_at += sent;
		if (p->stall)
			p->moved_ms = peer_now_ms();
	}
	if (p->out_at == p->out_n) {
		free(p->out);
		p->out = NULL;
		p->out_at = p->out_n = p->out_cap = 0;
		if (p->close_when_sent && p->state != ST_DRAIN)
			half_close(p);
	} else if (p->setup->conf.stall_timeout_ms && !p->stall) {
		p->stall = peer_timer(p->loop, p->setup->conf.stall_timeout_ms, stall_over, p);
	}
	peer_update_interest(p);
}

void peer_close_after_flush(struct peer *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	why_v(p, fmt, ap);
	va_end(ap);
	p->close_when_sent = true;
	peer_set_deadline(p, PEER_CLOSE_MS);
	if (!p->src.dead)
		peer_loop_flush_later(p->loop, p);
}

/* Receiving. */

/* RFC 6733 7.1.5: told to whoever asked, if there is a header to answer to. */
static void answer_too_long(struct peer *p, const uint8_t *b, size_t n)
{
	struct dia_writer w = { 0 };
	struct dia_hdr h;

	if (dia_hdr_read(b, n, &h) && (h.flags & DIA_F_REQUEST)) {
		dia_begin(&w, h.flags & DIA_F_PROXIABLE, h.code, h.app, h.hbh, h.e2e);
		dia_put_u32(&w, DIA_Result_Code, 5015);
		dia_put_text(&w, DIA_Origin_Host, p->setup->conf.origin_host);
		dia_put_text(&w, DIA_Origin_Realm, p->setup->conf.origin_realm);
		dia_put_text(&w, DIA_Error_Message, "The message is too long");
		if (dia_end(&w))
			peer_queue(p, w.p, w.n);
		dia_writer_free(&w);
	}
	if (!p->end)
		p->end = PEER_END_SIZE;
	peer_close_after_flush(p, "framing: a message of %u octets is too long",
	                       (unsigned)b[1] << 16 | (unsigned)b[2] << 8 | b[3]);
	p->in_n = 0;
}

enum frame { FRAME_WHOLE, FRAME_PART, FRAME_BAD, FRAME_TOO_LONG };

static uint32_t length_limit(const struct peer *p)
{
	bool before = p->state == ST_WAIT_CER || p->state == ST_WAIT_CEA || p->state == ST_WAIT_ADMIT;

	return before && p->setup->conf.max_message > PEER_MAX_CER ? PEER_MAX_CER : p->setup->conf.max_message;
}

/* What is at the head of these octets; *length: of the message, 0 if not known yet. */
static enum frame look_at(struct peer *p, const uint8_t *b, size_t n, size_t *length)
{
	uint32_t l;

	*length = 0;
	if (n >= 1 && b[0] != 1) {
		peer_say_why(p, "framing: version %u instead of 1", b[0]);
		return FRAME_BAD;
	}
	if (n < 4)
		return FRAME_PART;
	l = (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	if (l < DIA_HDR_LEN || l % 4) {
		peer_say_why(p, "framing: a message cannot be %u octets long", l);
		return FRAME_BAD;
	}
	*length = l;
	if (l > length_limit(p))
		return n < DIA_HDR_LEN ? FRAME_PART : FRAME_TOO_LONG;
	return n < l ? FRAME_PART : FRAME_WHOLE;
}

/* Handles the whole messages at the head of these octets; how many octets that was. */
static size_t take_messages(struct peer *p, const uint8_t *b, size_t n)
{
	size_t at = 0, length;

	while (!p->src.dead && p->state != ST_DRAIN && !p->close_when_sent && at < n) {
		switch (look_at(p, b + at, n - at, &length)) {
		case FRAME_WHOLE:
			if (p->ops.trace)
				p->ops.trace(p, false, b + at, length, p->ops.ctx);
			if (!p->src.dead)
				peer_base_message(p, b + at, length);
			at += length;
			break;
		case FRAME_PART:
			if (!p->transport->records)
				return at;
			peer_say_why(p, "framing: a record with part of a message");
			/* fall through */
		case FRAME_BAD:
			peer_end_as(p, PEER_END_FRAMING, "framing");
			return n;
		case FRAME_TOO_LONG:
			answer_too_long(p, b + at, n - at);
			return n;
		}
	}
	return n;   /* whoever is leaving is not heard any more */
}

static bool keep_rest(struct peer *p, const uint8_t *rest, size_t n)
{
	size_t known;

	if (!n)
		return true;
	if (look_at(p, rest, n, &known) != FRAME_PART || known < n + 64)
		known = n + 64;
	if (known > n + READ_CHUNK)
		known = n + READ_CHUNK;        /* who only announces a long message gets no memory for it */
	p->in = malloc(known);
	if (!p->in)
		return false;
	p->in_cap = known;
	p->in_n = n;
	memcpy(p->in, rest, n);
	return true;
}

static bool in_reserve(struct peer *p)
{
	size_t cap = p->in_n + READ_CHUNK;
	uint8_t *grown;

	if (p->in_n < p->in_cap)
		return true;
	grown = realloc(p->in, cap);
	if (!grown)
		return false;
	p->in = grown;
	p->in_cap = cap;
	return true;
}

static void in_drop(struct peer *p)
{
	free(p->in);
	p->in = NULL;
	p->in_n = p->in_cap = 0;
}

static void closed_by_peer(struct peer *p)
{
	switch (p->state) {
	case ST_WAIT_CEA:
		peer_end_as(p, PEER_END_REMOTE, "closed by the peer before a CEA: it does not accept our %s",
		            p->tls ? "certificate or Origin-Host" : "Origin-Host or the missing TLS");
		break;
	case ST_WAIT_CER:
		peer_end_as(p, PEER_END_REMOTE, "closed by the peer before a CER");
		break;
	default:
		peer_end_as(p, PEER_END_REMOTE, "closed by the peer");
		break;
	}
}

static void read_on(void *ctx)
{
	struct peer *p = ctx;

	p->reread = 0;
	peer_read(p);
}

static bool may_read(const struct peer *p)
{
	return !p->src.dead && !(p->setup->conf.bad.stop_reading && (p->state == ST_OPEN || p->state == ST_CLOSING));
}

/* Takes what has come, and hands out the messages: straight from the loop's
 * buffer, unless a part of one is waiting for the rest. */
static enum peer_io read_once(struct peer *p, size_t *got)
{
	uint8_t *scratch;
	size_t size, taken;
	enum peer_io io;

	if (p->state == ST_DRAIN && p->fd >= 0) {      /* only its end counts now */
		scratch = peer_loop_scratch(p->loop, &size);
		return peer_tcp.recv(p, scratch, size, got);
	}
	if (!p->in) {
		scratch = peer_loop_scratch(p->loop, &size);
		io = p->transport->recv(p, scratch, size, got);
		if (io != IO_OK)
			return io;
		taken = take_messages(p, scratch, *got);
		if (!p->src.dead && !keep_rest(p, scratch + taken, *got - taken))
			peer_close(p, "out of memory");
		return io;
	}
	if (!in_reserve(p)) {
		peer_close(p, "out of memory");
		return IO_OK;
	}
	io = p->transport->recv(p, p->in + p->in_n, p->in_cap - p->in_n, got);
	if (io != IO_OK)
		return io;
	p->in_n += *got;
	taken = take_messages(p, p->in, p->in_n);
	if (p->src.dead || taken >= p->in_n) {
		in_drop(p);
	} else if (taken) {
		memmove(p->in, p->in + taken, p->in_n - taken);
		p->in_n -= taken;
	}
	return io;
}

void peer_read(struct peer *p)
{
	size_t total = 0;

	while (may_read(p)) {
		size_t got = 0;
		enum peer_io io = read_once(p, &got);

		if (io == IO_AGAIN)
			break;
		if (io == IO_EOF) {
			closed_by_peer(p);
			return;
		}
		if (io == IO_FAILED) {
			peer_close(p, "receiving failed");
			return;
		}
		p->last_rx_ms = peer_now_ms();
		p->dwr_missed = 0;
		total += got;
		if (total >= READ_SHARE) {
			/* What GnuTLS has decrypted already, epoll will not tell of. */
			if (!p->src.dead && !p->reread)
				p->reread = peer_timer(p->loop, 0, read_on, p);
			break;
		}
	}
	peer_update_interest(p);
}

/* The handshake. */

static void transport_up(struct peer *p)
{
	if (p->transport->begin && !p->transport->begin(p)) {
		peer_close(p, "out of memory");
		return;
	}
	if (!p->transport->handshakes) {
		peer_base_start(p);
		return;
	}
	p->state = ST_TLS;
	if (p->server && p->setup->conf.hello_timeout_ms)
		deadline_since_arrival(p, p->setup->conf.hello_timeout_ms);
}

void peer_handshake_step(struct peer *p)
{
	enum peer_io io;

	if (p->src.dead || p->state != ST_TLS)
		return;
	if (!p->heard) {
		p->heard = true;
		if (p->server && p->setup->conf.handshake_timeout_ms)
			deadline_since_arrival(p, p->setup->conf.handshake_timeout_ms);
		else if (p->server && p->setup->conf.hello_timeout_ms)
			deadline_since_arrival(p, p->setup->conf.connect_timeout_ms);
	}
	io = p->transport->handshake(p);
	if (io == IO_AGAIN) {
		peer_update_interest(p);
	} else if (io == IO_OK) {
		if (p->server)
			deadline_since_arrival(p, p->setup->conf.connect_timeout_ms);
		peer_base_start(p);
		if (!p->src.dead)
			peer_read(p);   /* the first message may have come with the handshake's end */
	} else if (io == IO_EOF) {
		peer_end_as(p, PEER_END_HANDSHAKE, "TLS: the peer closed during the handshake");
	} else {
		if (!p->end)
			p->end = PEER_END_HANDSHAKE;
		half_close(p);
		peer_update_interest(p);
	}
}

static void handshake(struct peer *p)
{
	/* A client's handshake is its owner's own wish; those that come from outside take turns. */
	if (!p->server || !peer_loop_shares(p->loop)) {
		peer_handshake_step(p);
		return;
	}
	peer_loop_handshake_later(p->loop, p);
	if (p->fd >= 0)
		peer_update_interest(p);
}

void peer_connected(struct peer *p)
{
	transport_up(p);
	if (!p->src.dead && p->state == ST_TLS)
		handshake(p);
	else
		peer_update_interest(p);
}

static void on_ready(struct peer_source *src, uint32_t events)
{
	struct peer *p = (struct peer *)src;

	if (p->state == ST_CONNECT) {
		peer_connect_ready(p);
		return;
	}
	if (p->state == ST_TLS) {
		handshake(p);
		return;
	}
	if (events & EPOLLOUT)
		peer_flush(p);
	if (p->src.dead)
		return;
	if (!may_read(p)) {
		if (events & (EPOLLHUP | EPOLLERR))
			peer_end_as(p, PEER_END_REMOTE, "closed by the peer");
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		peer_read(p);
}

bool peer_adopt(struct peer_loop *l, struct peer_setup *setup, const struct peer_ops *ops, int fd, void *carrier,
                const struct sockaddr *sa)
{
	struct peer *p = peer_new(l, setup, ops, true);

	if (!p)
		return false;
	peer_address_text(sa, p->address, sizeof(p->address));
	p->interest = EPOLLIN;
	if (fd >= 0 && !peer_loop_add(l, fd, p->interest, &p->src)) {
		peer_free(p);
		return false;
	}
	p->fd = fd;
	p->carrier = carrier;
	if (p->ops.arrived && !p->ops.arrived(p, sa, p->ops.ctx)) {
		peer_say_why(p, "not wanted");
		peer_abort(p);
		return true;
	}
	peer_set_deadline(p, setup->conf.connect_timeout_ms);
	if (!p->src.dead)
		transport_up(p);
	return true;
}
