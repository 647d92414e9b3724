/* connect.c - connecting, and what the owner may ask of a peer. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "peer_int.h"

void peer_address_text(const struct sockaddr *sa, char *out, size_t size)
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

void peer_no_delay(int fd)
{
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* TCP. */

static enum peer_io tcp_send(struct peer *p, const void *buf, size_t n, size_t *sent)
{
	ssize_t r = send(p->fd, buf, n, MSG_NOSIGNAL);

	if (r >= 0) {
		*sent = (size_t)r;
		return IO_OK;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return IO_AGAIN;
	peer_say_why(p, "sending: %s", strerror(errno));
	return IO_FAILED;
}

static enum peer_io tcp_recv(struct peer *p, void *buf, size_t size, size_t *got)
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
	peer_say_why(p, "receiving: %s", strerror(errno));
	return IO_FAILED;
}

bool peer_tcp_local(const struct peer *p, struct sockaddr_storage *sa)
{
	socklen_t n = sizeof(*sa);

	return getsockname(p->fd, (struct sockaddr *)sa, &n) == 0;
}

static void tcp_security(const struct peer *p, char *out, size_t size)
{
	snprintf(out, size, "TCP without TLS");
}

static bool tcp_begin(struct peer *p)
{
	peer_no_delay(p->fd);
	return true;
}

const struct peer_transport peer_tcp = {
	.begin = tcp_begin, .recv = tcp_recv, .send = tcp_send, .security = tcp_security, .local = peer_tcp_local,
};

/* Connecting. */

static bool tcp_connect(struct peer *p, const struct addrinfo *to)
{
	if (p->fd >= 0)
		peer_loop_close(p->loop, p->fd);
	p->fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0 || (connect(p->fd, to->ai_addr, to->ai_addrlen) < 0 && errno != EINPROGRESS))
		return false;
	p->interest = EPOLLOUT;
	return peer_loop_add(p->loop, p->fd, p->interest, &p->src);
}

/* Tries the candidates in turn until one is at least under way. */
static void connect_next(struct peer *p, int error)
{
	for (; p->addr; p->addr = p->addr->ai_next) {
		peer_address_text(p->addr->ai_addr, p->address, sizeof(p->address));
		if (p->transport->connect ? p->transport->connect(p, p->addr) : tcp_connect(p, p->addr))
			return;
		error = errno;
	}
	peer_close(p, "%s: %s", p->address, strerror(error));
}

void peer_connect_ready(struct peer *p)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (p->transport->connected) {
		enum peer_io io = p->transport->connected(p);

		if (io == IO_AGAIN)
			return;
		if (io != IO_OK)
			error = io == IO_EOF ? ECONNREFUSED : errno;
	} else if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0) {
		error = errno;
	}
	if (error) {
		p->addr = p->addr->ai_next;
		connect_next(p, error);
		return;
	}
	peer_connected(p);
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
	return p->remote_host ? p->remote_host : "";
}

const char *peer_remote_realm(const struct peer *p)
{
	return p->remote_realm ? p->remote_realm : "";
}

const char *peer_address(const struct peer *p)
{
	return p->address;
}

void peer_security(const struct peer *p, char *out, size_t size)
{
	p->transport->security(p, out, size);
}

size_t peer_max_send(const struct peer *p)
{
	return p->transport->room ? p->transport->room(p) : SIZE_MAX;
}

struct gnutls_session_int *peer_tls_session(const struct peer *p)
{
	return p->tls;
}

enum peer_end peer_end(const struct peer *p)
{
	return p->end;
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

void peer_disconnect_because(struct peer *p, uint32_t cause)
{
	if (p->src.dead || p->state == ST_CLOSING || p->state == ST_DRAIN)
		return;
	if (p->state == ST_OPEN)
		peer_base_dpr(p, cause);
	else
		peer_close(p, "given up by us");
}

void peer_disconnect(struct peer *p)
{
	peer_disconnect_because(p, p->server ? PEER_CAUSE_REBOOTING : PEER_CAUSE_DO_NOT_WANT);
}
