/* listen.c - accepting connections. */
#include "config.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "peer_int.h"

#define ACCEPT_SHARE 16        /* connections taken in one round */
#define ACCEPT_PAUSE_MS 100u   /* when there is no descriptor or memory left for one more */

struct peer_listener {
	struct peer_source src;
	struct peer_listener *next;
	struct peer_loop *loop;
	struct peer_setup *setup;
	struct peer_ops ops;
	int fd;
	uint16_t port;
	uint64_t pause;
	struct assoc_port *sctp;       /* instead of fd */
};

static void pause_over(void *ctx)
{
	struct peer_listener *l = ctx;

	l->pause = 0;
	peer_loop_change(l->loop, l->fd, EPOLLIN, &l->src);
}

static void on_ready(struct peer_source *src, uint32_t events)
{
	struct peer_listener *l = (struct peer_listener *)src;

	for (int i = 0; i < ACCEPT_SHARE && !l->src.dead; i++) {
		struct sockaddr_storage sa;
		socklen_t n = sizeof(sa);
		int fd = accept4(l->fd, (struct sockaddr *)&sa, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
			l->pause = peer_timer(l->loop, ACCEPT_PAUSE_MS, pause_over, l);
			if (l->pause)
				peer_loop_change(l->loop, l->fd, 0, &l->src);
			return;
		}
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			return;
		if (!peer_adopt(l->loop, l->setup, &l->ops, fd, NULL, (struct sockaddr *)&sa))
			close(fd);
	}
}

void peer_listener_free(struct peer_listener *l)
{
	for (struct peer_listener **at = peer_loop_listeners(l->loop); *at; at = &(*at)->next)
		if (*at == l) {
			*at = l->next;
			break;
		}
	peer_timer_cancel(l->loop, l->pause);
	if (l->fd >= 0)
		peer_loop_close(l->loop, l->fd);
	if (l->sctp)
		peer_sctp_unlisten(l->sctp);
	peer_setup_drop(l->setup);
	free(l);
}

static void on_bury(struct peer_source *src)
{
	peer_listener_free((struct peer_listener *)src);
}

/* -1: errno, or *gai, says why. */
static int listen_on(const char *addr, uint16_t port, int *gai)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list = NULL;
	char service[8];
	const int on = 1;
	int fd, saved;

	snprintf(service, sizeof(service), "%u", port);
	*gai = getaddrinfo(addr, service, &hints, &list);
	if (*gai)
		return -1;
	fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd >= 0 && (bind(fd, list->ai_addr, list->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)) {
		saved = errno;
		close(fd);
		fd = -1;
		errno = saved;
	}
	freeaddrinfo(list);
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t n = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &n) < 0)
		return 0;
	return ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
	                                      : ((struct sockaddr_in *)&sa)->sin_port);
}

/* fd < 0: for what needs none. */
static struct peer_listener *listener_new(struct peer_loop *loop, const struct peer_conf *conf, int fd, const struct peer_ops *ops,
                                          char *err, size_t err_size)
{
	struct peer_listener **list = peer_loop_listeners(loop), *l = calloc(1, sizeof(*l));
	struct peer_setup *setup = peer_setup_new(conf, true, err, err_size);

	if (!l || !setup) {
		if (setup) {
			snprintf(err, err_size, "out of memory");
			peer_setup_drop(setup);
		}
		free(l);
		return NULL;
	}
	*l = (struct peer_listener){ .src = { .ready = on_ready, .bury = on_bury }, .loop = loop, .ops = *ops, .setup = setup, .fd = -1 };
	if (fd < 0) {
		l->next = *list;
		*list = l;
		return l;
	}
	if (!peer_loop_add(loop, fd, EPOLLIN, &l->src)) {
		snprintf(err, err_size, "epoll: %s", strerror(errno));
		peer_setup_drop(setup);
		free(l);
		return NULL;
	}
	l->fd = fd;
	l->port = port_of(fd);
	l->next = *list;
	*list = l;
	return l;
}

bool peer_listener_adopt(struct peer_listener *l, void *carrier, const struct sockaddr *from)
{
	return peer_adopt(l->loop, l->setup, &l->ops, -1, carrier, from);
}

/* Takes the fd over. */
static struct peer_listener *listen_sctp(struct peer_loop *loop, const struct peer_conf *conf, const char *addr, uint16_t port,
                                         int fd, const struct peer_ops *ops, char *err, size_t err_size)
{
	struct peer_listener *l = listener_new(loop, conf, -1, ops, err, err_size);

	if (!l) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	l->sctp = peer_sctp_listen(l, loop, conf, addr, port, fd, err, err_size);
	if (!l->sctp) {
		peer_listener_free(l);
		return NULL;
	}
	l->port = peer_sctp_port(l->sctp);
	return l;
}

struct peer_listener *peer_listen(struct peer_loop *loop, const struct peer_conf *conf, const char *addr, uint16_t port,
                                  const struct peer_ops *ops, char *err, size_t err_size)
{
	struct peer_listener *l;
	int gai = 0, fd;

	if (conf->sctp.on)
		return listen_sctp(loop, conf, addr, port, -1, ops, err, err_size);
	fd = listen_on(addr, port, &gai);
	if (fd < 0) {
		snprintf(err, err_size, "listening on %s:%u: %s", addr ? addr : "*", port, gai ? gai_strerror(gai) : strerror(errno));
		if (conf->tls.credentials)
			gnutls_certificate_free_credentials(conf->tls.credentials);
		return NULL;
	}
	l = listener_new(loop, conf, fd, ops, err, err_size);
	if (!l)
		close(fd);
	return l;
}

struct peer_listener *peer_listen_fd(struct peer_loop *loop, const struct peer_conf *conf, int fd, const struct peer_ops *ops,
                                     char *err, size_t err_size)
{
	struct peer_listener *l;
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);    /* inherited ones need not be */
	l = listener_new(loop, conf, fd, ops, err, err_size);
	if (!l)
		close(fd);
	return l;
}

struct peer_listener *peer_listen_packets(struct peer_loop *loop, const struct peer_conf *conf, int fd, uint16_t port,
                                          const struct peer_ops *ops, char *err, size_t err_size)
{
	struct peer_conf with = *conf;

	with.sctp.on = true;
	with.sctp.stack = PEER_SCTP_USER;
	return listen_sctp(loop, &with, NULL, port, fd, ops, err, err_size);
}

bool peer_listener_reload(struct peer_listener *l, const struct peer_conf *conf, char *err, size_t err_size)
{
	struct peer_setup *setup = peer_setup_new(conf, true, err, err_size);

	if (!setup)
		return false;
	peer_setup_drop(l->setup);
	l->setup = setup;
	return true;
}

uint16_t peer_listener_port(const struct peer_listener *l)
{
	return l->port;
}

void peer_listener_close(struct peer_listener *l)
{
	if (!l || l->src.dead)
		return;
	if (l->fd >= 0)
		peer_loop_close(l->loop, l->fd);
	l->fd = -1;
	if (l->sctp)
		peer_sctp_unlisten(l->sctp);
	l->sctp = NULL;
	peer_timer_cancel(l->loop, l->pause);
	peer_loop_kill(l->loop, &l->src);
}
