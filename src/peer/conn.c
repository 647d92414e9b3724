/* conn.c - one connection: TCP, framing, the send queue, and its end. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "peer_int.h"

#define READ_CHUNK 16384u            /* a TLS record */
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
	p->ops = *ops;
	p->server = server;
	p->fd = -1;
	p->hbh = random_u32();
	/* RFC 6733 3: the low 12 bits of the time in front of 20 random bits. */
	p->e2e = (uint32_t)time(NULL) << 20 | (random_u32() & 0xfffff);
	p->last_rx_ms = peer_now_ms();
	peer_loop_enlist(l, p);
	return p;
}

static void close_transport(struct peer *p)
{
	peer_clear_deadline(p);
	peer_timer_cancel(p->loop, p->watchdog);
	peer_timer_cancel(p->loop, p->reread);
	p->watchdog = p->reread = 0;
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
	free(p);
}

static void on_bury(struct peer_source *src)
{
	struct peer *p = (struct peer *)src;

	if (p->ops.event)
		p->ops.event(p, PEER_CLOSED, p->why, p->ops.ctx);
	peer_free(p);
}

static void why_v(struct peer *p, const char *fmt, va_list ap)
{
	if (!p->why[0])
		vsnprintf(p->why, sizeof(p->why), fmt, ap);
}

void peer_fail_why(struct peer *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	why_v(p, fmt, ap);
	va_end(ap);
}

void peer_close(struct peer *p, const char *fmt, ...)
{
	va_list ap;

	if (p->src.dead)
		return;
	va_start(ap, fmt);
	why_v(p, fmt, ap);
	va_end(ap);
	if (p->tls && p->state != ST_TLS)
		gnutls_bye(p->tls, GNUTLS_SHUT_WR);
	close_transport(p);
	peer_loop_kill(p->loop, &p->src);
}

void peer_abort(struct peer *p)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	if (p->src.dead)
		return;
	peer_fail_why(p, "broken off by us");
	if (p->fd >= 0)
		setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close_transport(p);
	peer_loop_kill(p->loop, &p->src);
}

static void deadline_over(void *ctx)
{
	struct peer *p = ctx;
	static const char *const doing[] = {
		[ST_CONNECT] = "no TCP connection", [ST_TLS] = "TLS: the handshake did not end",
		[ST_WAIT_CEA] = "no CEA", [ST_WAIT_CER] = "no CER",
		[ST_OPEN] = "", [ST_CLOSING] = "no DPA", [ST_DRAIN] = "the peer did not close",
	};

	p->deadline = 0;
	peer_close(p, "%s in time", doing[p->state]);
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

void peer_update_interest(struct peer *p)
{
	uint32_t want = EPOLLIN;

	if (p->src.dead || p->fd < 0)
		return;
	if (p->state == ST_CONNECT)
		want = EPOLLOUT;
	else if (p->state == ST_TLS)
		want = p->handshake_wants_write ? EPOLLOUT : EPOLLIN;
	else if (p->setup->conf.bad.stop_reading && (p->state == ST_OPEN || p->state == ST_CLOSING))
		want = 0;
	if (p->out_n > p->out_at || p->tls_unsent)
		want |= EPOLLOUT;
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
	if (p->out_at && p->out_at == p->out_n)
		p->out_at = p->out_n = 0;
	if (p->out_n - p->out_at + n > PEER_MAX_QUEUE)
		return false;
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

bool peer_queue(struct peer *p, const uint8_t *msg, size_t n)
{
	if (p->src.dead || p->state == ST_DRAIN || !out_append(p, msg, n))
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

	if (p->src.dead || (p->state != ST_OPEN && p->state != ST_CLOSING))
		return false;
	if (p->setup->conf.bad.answer_delay_ms && dia_hdr_read(msg, n, &h) && !(h.flags & DIA_F_REQUEST))
		return hold_back(p, msg, n);
	return peer_queue(p, msg, n);
}

static enum peer_io plain_send(struct peer *p, const uint8_t *buf, size_t n, size_t *sent)
{
	ssize_t r = send(p->fd, buf, n, MSG_NOSIGNAL);

	if (r >= 0) {
		*sent = (size_t)r;
		return IO_OK;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return IO_AGAIN;
	peer_fail_why(p, "sending: %s", strerror(errno));
	return IO_FAILED;
}

/* Closing a socket with octets unread resets the connection, and the reset
 * would overtake what we have just said; so we hear the peer out. */
static void half_close(struct peer *p)
{
	if (p->tls && p->state != ST_TLS)
		gnutls_bye(p->tls, GNUTLS_SHUT_WR);
	shutdown(p->fd, SHUT_WR);
	p->state = ST_DRAIN;
	peer_set_deadline(p, PEER_CLOSE_MS);
}

void peer_flush(struct peer *p)
{
	if (p->state == ST_CONNECT || p->state == ST_TLS)
		return;
	while (p->out_n > p->out_at) {
		size_t sent = 0, n = p->out_n - p->out_at;
		enum peer_io io = p->tls ? peer_tls_send(p, p->out + p->out_at, n, &sent)
		                         : plain_send(p, p->out + p->out_at, n, &sent);

		if (io == IO_AGAIN)
			break;
		if (io != IO_OK) {
			peer_close(p, "sending failed");
			return;
		}
		p->out_at += sent;
	}
	if (p->out_at == p->out_n) {
		p->out_at = p->out_n = 0;
		if (p->close_when_sent && p->state != ST_DRAIN)
			half_close(p);
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

static enum peer_io plain_recv(struct peer *p, void *buf, size_t size, size_t *got)
{
	ssize_t r = recv(p->fd, buf, size, 0);

	if (r > 0) {
		*got = (size_t)r;
		return IO_OK;
	}
	if (r == 0)
		return IO_EOF;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return IO_AGAIN;
	peer_fail_why(p, "receiving: %s", strerror(errno));
	return IO_FAILED;
}

/* Octets of the message at the head of the buffer; 0: not known yet; SIZE_MAX:
 * this is no Diameter, and the reason has been noted. */
static size_t frame_length(struct peer *p, const uint8_t *b, size_t n)
{
	uint32_t length;

	if (n >= 1 && b[0] != 1) {
		peer_fail_why(p, "framing: version %u instead of 1", b[0]);
		return SIZE_MAX;
	}
	if (n < 4)
		return 0;
	length = (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	if (length < DIA_HDR_LEN || length % 4 || length > PEER_MAX_MESSAGE) {
		peer_fail_why(p, "framing: a message cannot be %u octets long", length);
		return SIZE_MAX;
	}
	return length;
}

static void take_messages(struct peer *p)
{
	size_t at = 0, n = 0;

	/* The buffer cannot move while a callback looks at it: only read_some() grows it. */
	while (!p->src.dead && p->state != ST_DRAIN) {
		n = frame_length(p, p->in + at, p->in_n - at);
		if (n == SIZE_MAX) {
			peer_close(p, "framing");
			return;
		}
		if (!n || n > p->in_n - at)
			break;
		if (p->ops.trace)
			p->ops.trace(p, false, p->in + at, n, p->ops.ctx);
		if (!p->src.dead)
			peer_base_message(p, p->in + at, n);
		at += n;
	}
	if (p->state == ST_DRAIN)
		at = p->in_n;
	memmove(p->in, p->in + at, p->in_n - at);
	p->in_n -= at;
}

static bool in_reserve(struct peer *p)
{
	size_t want = p->in_n + READ_CHUNK, known = p->in_n >= 4 ? frame_length(p, p->in, p->in_n) : 0;
	uint8_t *grown;

	if (known != SIZE_MAX && known > want)
		want = known;
	if (want <= p->in_cap)
		return true;
	grown = realloc(p->in, want);
	if (!grown)
		return false;
	p->in = grown;
	p->in_cap = want;
	return true;
}

static void closed_by_peer(struct peer *p)
{
	switch (p->state) {
	case ST_WAIT_CEA:
		peer_close(p, "closed by the peer before a CEA: it does not accept our %s",
		           p->tls ? "certificate or Origin-Host" : "Origin-Host or the missing TLS");
		break;
	case ST_WAIT_CER:
		peer_close(p, "closed by the peer before a CER");
		break;
	default:
		peer_close(p, "closed by the peer");
		break;
	}
}

static void read_some(struct peer *p);

static void read_on(void *ctx)
{
	struct peer *p = ctx;

	p->reread = 0;
	read_some(p);
}

static bool may_read(const struct peer *p)
{
	return !p->src.dead && !(p->setup->conf.bad.stop_reading && (p->state == ST_OPEN || p->state == ST_CLOSING));
}

static void read_some(struct peer *p)
{
	size_t total = 0;

	while (may_read(p)) {
		size_t got = 0;
		enum peer_io io;

		if (!in_reserve(p)) {
			peer_close(p, "out of memory");
			return;
		}
		if (p->tls && p->state != ST_DRAIN)
			io = peer_tls_recv(p, p->in + p->in_n, p->in_cap - p->in_n, &got);
		else
			io = plain_recv(p, p->in + p->in_n, p->in_cap - p->in_n, &got);
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
		p->in_n += got;
		total += got;
		p->last_rx_ms = peer_now_ms();
		p->dwr_missed = 0;
		take_messages(p);
		if (total >= READ_SHARE) {
			/* What GnuTLS has decrypted already, epoll will not tell of. */
			if (!p->src.dead && !p->reread)
				p->reread = peer_timer(p->loop, 0, read_on, p);
			break;
		}
	}
	peer_update_interest(p);
}

/* Connecting. */

static void transport_up(struct peer *p)
{
	if (p->setup->use_tls) {
		p->state = ST_TLS;
		if (!peer_tls_begin(p)) {
			peer_close(p, "TLS: out of memory");
			return;
		}
		return;
	}
	peer_base_start(p);
}

static void handshake(struct peer *p)
{
	enum peer_io io = peer_tls_handshake(p);

	if (io == IO_AGAIN) {
		p->handshake_wants_write = gnutls_record_get_direction(p->tls) == 1;
		peer_update_interest(p);
	} else if (io == IO_OK) {
		peer_base_start(p);
		if (!p->src.dead)
			read_some(p);   /* the first message may have come with the handshake's end */
	} else if (io == IO_EOF) {
		peer_close(p, "TLS: the peer closed during the handshake");
	} else {
		half_close(p);
		peer_update_interest(p);
	}
}

static void address_text(const struct sockaddr *sa, char *out, size_t size)
{
	char ip[INET6_ADDRSTRLEN] = "?";

	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *a = (const struct sockaddr_in *)sa;

		inet_ntop(AF_INET, &a->sin_addr, ip, sizeof(ip));
		snprintf(out, size, "%s:%u", ip, ntohs(a->sin_port));
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)sa;

		inet_ntop(AF_INET6, &a->sin6_addr, ip, sizeof(ip));
		snprintf(out, size, "[%s]:%u", ip, ntohs(a->sin6_port));
	}
}

static void no_delay(int fd)
{
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Tries the candidates in turn until one is at least under way. */
static void connect_next(struct peer *p, int error)
{
	for (; p->addr; p->addr = p->addr->ai_next) {
		address_text(p->addr->ai_addr, p->address, sizeof(p->address));
		if (p->fd >= 0)
			peer_loop_close(p->loop, p->fd);
		p->fd = socket(p->addr->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (p->fd >= 0 && (connect(p->fd, p->addr->ai_addr, p->addr->ai_addrlen) == 0 || errno == EINPROGRESS)) {
			no_delay(p->fd);
			p->interest = EPOLLOUT;
			if (peer_loop_add(p->loop, p->fd, p->interest, &p->src))
				return;
		}
		error = errno;
	}
	peer_close(p, "%s: %s", p->address, strerror(error));
}

static void connected(struct peer *p)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		error = errno;
	if (error) {
		p->addr = p->addr->ai_next;
		connect_next(p, error);
		return;
	}
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
		connected(p);
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
			peer_close(p, "closed by the peer");
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_some(p);
}

struct peer *peer_connect(struct peer_loop *l, const struct peer_conf *conf, const char *host, uint16_t port,
                          const struct peer_ops *ops, char *err, size_t err_size)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *addrs = NULL;
	struct peer_setup *setup;
	struct peer *p;
	char service[8];
	int r;

	snprintf(service, sizeof(service), "%u", port);
	setup = peer_setup_new(conf, false, err, err_size);
	if (!setup)
		return NULL;
	r = getaddrinfo(host, service, &hints, &addrs);
	if (r) {
		snprintf(err, err_size, "%s: %s", host, gai_strerror(r));
		peer_setup_drop(setup);
		return NULL;
	}
	p = peer_new(l, setup, ops, false);
	peer_setup_drop(setup);
	if (p)
		p->host = strdup(host);
	if (!p || !p->host) {
		snprintf(err, err_size, "out of memory");
		freeaddrinfo(addrs);
		if (p)
			peer_free(p);
		return NULL;
	}
	p->addrs = p->addr = addrs;
	peer_set_deadline(p, setup->conf.connect_timeout_ms);
	connect_next(p, EADDRNOTAVAIL);
	return p;
}

bool peer_adopt(struct peer_loop *l, struct peer_setup *setup, const struct peer_ops *ops, int fd,
                const struct sockaddr *sa)
{
	struct peer *p = peer_new(l, setup, ops, true);

	if (!p)
		return false;
	address_text(sa, p->address, sizeof(p->address));
	no_delay(fd);
	p->interest = EPOLLIN;
	if (!peer_loop_add(l, fd, p->interest, &p->src)) {
		peer_free(p);
		return false;
	}
	p->fd = fd;
	peer_set_deadline(p, setup->conf.connect_timeout_ms);
	transport_up(p);
	return true;
}

uint32_t peer_next_hbh(struct peer *p)
{
	return p->hbh++;
}

uint32_t peer_next_e2e(struct peer *p)
{
	return p->e2e++;
}

void peer_session_id(struct peer *p, char *out, size_t size)
{
	uint32_t high, low;

	peer_loop_session(p->loop, &high, &low);
	snprintf(out, size, "%s;%u;%u", p->setup->conf.origin_host, high, low);
}

const char *peer_remote_host(const struct peer *p)
{
	return p->remote_host;
}

const char *peer_remote_realm(const struct peer *p)
{
	return p->remote_realm;
}

const char *peer_address(const struct peer *p)
{
	return p->address;
}

void peer_security(const struct peer *p, char *out, size_t size)
{
	if (p->tls)
		snprintf(out, size, "%s %s", gnutls_protocol_get_name(gnutls_protocol_get_version(p->tls)),
		         gnutls_cipher_get_name(gnutls_cipher_get(p->tls)));
	else
		snprintf(out, size, "TCP without TLS");
}

bool peer_is_open(const struct peer *p)
{
	return !p->src.dead && p->state == ST_OPEN;
}

void *peer_user(const struct peer *p)
{
	return p->user;
}

void peer_set_user(struct peer *p, void *user)
{
	p->user = user;
}

void peer_disconnect(struct peer *p)
{
	if (p->src.dead || p->state == ST_CLOSING || p->state == ST_DRAIN)
		return;
	if (p->state == ST_OPEN)
		peer_base_dpr(p);
	else
		peer_close(p, "given up by us");
}
