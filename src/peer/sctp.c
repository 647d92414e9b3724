/* sctp.c - peers over SCTP: which stack, and the two transports. */
#include "config.h"
#include <errno.h>
#include <gnutls/dtls.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "dtls.h"

static const struct assoc_stack *choose(const struct peer_sctp *sctp)
{
	int fd;

	if (sctp->stack == PEER_SCTP_KERNEL)
		return &peer_stack_kernel;
	if (sctp->stack == PEER_SCTP_USER || sctp->udp_port)
		return &peer_stack_user;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_SCTP);
	if (fd < 0)
		return &peer_stack_user;
	close(fd);
	return &peer_stack_kernel;
}

static struct assoc_how how_of(const struct peer_conf *conf)
{
	return (struct assoc_how){ .auth = conf->tls.ca || conf->tls.credentials, .udp_port = conf->sctp.udp_port,
	                           .addrs = conf->sctp.addrs, .naddrs = conf->sctp.naddrs };
}

/* Listening. */

static void arrived(void *ctx, struct assoc *a, const struct sockaddr *from)
{
	struct sctp_link *link = peer_link_new(a);

	if (!link) {
		a->stack->close(a, true);
		return;
	}
	if (!peer_listener_adopt(ctx, link, from))
		peer_link_free(link, true);
}

struct assoc_port *peer_sctp_listen(struct peer_listener *listener, struct peer_loop *loop, const struct peer_conf *conf,
                                    const char *addr, uint16_t port, int fd, char *err, size_t err_size)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list = NULL;
	struct assoc_how how = how_of(conf);
	struct assoc_port *p;
	char service[8];
	int r;

	snprintf(service, sizeof(service), "%u", port);
	r = getaddrinfo(addr, service, &hints, &list);
	if (r) {
		snprintf(err, err_size, "listening on %s:%u: %s", addr ? addr : "*", port, gai_strerror(r));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	p = choose(&conf->sctp)->listen(loop, &how, list->ai_addr, list->ai_addrlen, fd, arrived, listener, err, err_size);
	freeaddrinfo(list);
	return p;
}

uint16_t peer_sctp_port(const struct assoc_port *p)
{
	return p->stack->port_number(p);
}

void peer_sctp_unlisten(struct assoc_port *p)
{
	p->stack->unlisten(p);
}

/* What both transports do. */

static void on_ready(void *ctx, uint32_t events)
{
	struct peer *p = ctx;

	if (p->state != ST_CONNECT && peer_link_flush(p->carrier) == IO_FAILED) {
		peer_close(p, "SCTP");
		return;
	}
	p->src.ready(&p->src, events);
}

static bool link_connect(struct peer *p, const struct addrinfo *to)
{
	struct assoc_how how = how_of(&p->setup->conf);
	struct assoc *a;

	if (p->carrier)
		peer_link_free(p->carrier, true);
	p->carrier = NULL;
	how.auth = p->setup->use_tls;
	a = choose(&p->setup->conf.sctp)->connect(p->loop, &how, to->ai_addr, to->ai_addrlen);
	if (!a)
		return false;
	p->carrier = peer_link_new(a);
	if (!p->carrier) {
		a->stack->close(a, true);
		errno = ENOMEM;
		return false;
	}
	peer_link_belong(p->carrier, p, on_ready);
	return true;
}

static enum peer_io link_connected(struct peer *p)
{
	return peer_link_connected(p->carrier);
}

static void link_want(struct peer *p, uint32_t events)
{
	if (p->carrier)
		peer_link_want(p->carrier, p->state == ST_CONNECT ? EPOLLIN : events);
}

static void link_half_close(struct peer *p)
{
	if (p->carrier)
		peer_link_shutdown(p->carrier);
}

static void link_close(struct peer *p)
{
	if (p->carrier)
		peer_link_free(p->carrier, p->aborted);
	p->carrier = NULL;
}

static size_t link_room(const struct peer *p)
{
	return p->carrier ? peer_link_room(p->carrier) : 0;
}

static bool link_local(const struct peer *p, struct sockaddr_storage *sa)
{
	return p->carrier && peer_link_local(p->carrier, sa);
}

/* In the clear. */

static bool clear_begin(struct peer *p)
{
	peer_link_belong(p->carrier, p, on_ready);
	return true;
}

static enum peer_io clear_send(struct peer *p, const void *buf, size_t n, size_t *sent)
{
	*sent = n;
	return peer_link_send(p->carrier, buf, n);
}

static enum peer_io clear_recv(struct peer *p, void *buf, size_t size, size_t *got)
{
	return peer_link_recv(p->carrier, buf, size, got);
}

static void clear_security(const struct peer *p, char *out, size_t size)
{
	snprintf(out, size, "SCTP without DTLS");
}

const struct peer_transport peer_sctp = {
	.messages = true, .begin = clear_begin, .recv = clear_recv, .send = clear_send, .close = link_close,
	.security = clear_security, .local = link_local, .connect = link_connect, .connected = link_connected,
	.want = link_want, .half_close = link_half_close, .room = link_room,
};

/* DTLS. */

static bool dtls_begin(struct peer *p)
{
	peer_link_belong(p->carrier, p, on_ready);
	if (!peer_tls_session_new(p, GNUTLS_DATAGRAM | GNUTLS_NO_REPLAY_PROTECTION))
		return false;
	if (peer_link_secure(p->carrier, p->tls))
		return true;
	p->end = PEER_END_HANDSHAKE;
	return false;
}

static enum peer_io dtls_handshake(struct peer *p)
{
	enum peer_io io = peer_tls_handshake(p);

	/* An alert has to go out, too. */
	if (peer_link_flush(p->carrier) == IO_FAILED)
		return IO_FAILED;
	if (io == IO_OK)
		peer_link_secured(p->carrier);
	return io;
}

static enum peer_io dtls_recv(struct peer *p, void *buf, size_t size, size_t *got)
{
	if (p->state == ST_DRAIN)                      /* only its end counts now */
		return peer_link_drain(p->carrier, buf, size, got);
	return peer_tls_recv(p, buf, size, got);
}

static enum peer_io dtls_send(struct peer *p, const void *buf, size_t n, size_t *sent)
{
	enum peer_io io = peer_link_flush(p->carrier);
	ssize_t r;

	if (io != IO_OK)
		return io;
	r = gnutls_record_send(p->tls, buf, n);
	if (r < 0) {
		peer_say_why(p, "DTLS: sending: %s", gnutls_strerror((int)r));
		return IO_FAILED;
	}
	*sent = n;
	return peer_link_flush(p->carrier) == IO_FAILED ? IO_FAILED : IO_OK;
}

static void dtls_bye(struct peer *p)
{
	gnutls_bye(p->tls, GNUTLS_SHUT_WR);
	peer_link_flush(p->carrier);
}

const struct peer_transport peer_dtls_sctp = {
	.records = true, .messages = true, .handshakes = true, .begin = dtls_begin, .handshake = dtls_handshake,
	.recv = dtls_recv, .send = dtls_send, .bye = dtls_bye, .close = link_close, .security = peer_tls_security,
	.local = link_local, .connect = link_connect, .connected = link_connected, .want = link_want,
	.half_close = link_half_close, .room = link_room,
};
