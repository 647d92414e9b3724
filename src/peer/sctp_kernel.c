/* sctp_kernel.c - SCTP of the kernel: one-to-one sockets (RFC 6458 4). */
#include "config.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/sctp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "sctp.h"

#define ACCEPT_SHARE 64
#define ACCEPT_PAUSE_MS 100u       /* when there is no descriptor or memory left for one more */
#define CHUNK_DATA 0

struct kernel_assoc {
	struct assoc head;
	struct peer_source src;
	int fd;
	uint32_t wanted;
	bool connecting;
};

struct kernel_port {
	struct assoc_port head;
	struct peer_source src;
	struct peer_loop *loop;
	int fd;
	uint16_t port;
	uint64_t pause;
	assoc_arrived *arrived;
	void *ctx;
};

#define OF_SOURCE(type, s) ((type *)((char *)(s) - offsetof(type, src)))

static bool set(int fd, int option, const void *value, size_t n)
{
	return setsockopt(fd, IPPROTO_SCTP, option, value, (socklen_t)n) == 0;
}

static bool set_event(int fd, uint16_t type, bool on)
{
	const struct sctp_event e = { .se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = type, .se_on = on };

	return set(fd, SCTP_EVENT, &e, sizeof(e));
}

static bool set_auth(int fd)
{
	union { struct sctp_hmacalgo head; uint32_t space[4]; } hmac = { .head = { .shmac_num_idents = 2 } };
	const struct sctp_assoc_value on = { .assoc_value = 1 };
	const struct sctp_authchunk data = { .sauth_chunk = CHUNK_DATA };

	set(fd, SCTP_AUTH_SUPPORTED, &on, sizeof(on));     /* before Linux 5.5 it takes net.sctp.auth_enable */
	hmac.head.shmac_idents[0] = SCTP_AUTH_HMAC_ID_SHA256;
	hmac.head.shmac_idents[1] = SCTP_AUTH_HMAC_ID_SHA1;
	return set(fd, SCTP_HMAC_IDENT, &hmac, sizeof(hmac.head) + 2 * sizeof(uint16_t)) &&
	       set(fd, SCTP_AUTH_CHUNK, &data, sizeof(data));
}

static bool prepare(int fd, const struct assoc_how *how)
{
	const struct sctp_initmsg init = { .sinit_num_ostreams = 1, .sinit_max_instreams = 1024, .sinit_max_attempts = 6,
	                                   .sinit_max_init_timeo = 2000 };
	const struct sctp_rtoinfo rto = { .srto_initial = ASSOC_RTO_INITIAL_MS, .srto_min = ASSOC_RTO_MIN_MS,
	                                  .srto_max = ASSOC_RTO_MAX_MS };
	const struct sctp_assocparams params = { .sasoc_asocmaxrxt = ASSOC_MAX_RETRANS };
	const struct sctp_paddrparams path = { .spp_flags = SPP_HB_ENABLE, .spp_hbinterval = ASSOC_HEARTBEAT_MS };
	const struct sctp_assoc_value none = { 0 };
	const int on = 1, size = ASSOC_BUFFER;

	set(fd, SCTP_PR_SUPPORTED, &none, sizeof(none));   /* FORWARD-TSN would have to be authenticated too (RFC 6083 4.5) */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return (!how->auth || set_auth(fd)) && set(fd, SCTP_INITMSG, &init, sizeof(init)) &&
	       set(fd, SCTP_RTOINFO, &rto, sizeof(rto)) && set(fd, SCTP_ASSOCINFO, &params, sizeof(params)) &&
	       set(fd, SCTP_PEER_ADDR_PARAMS, &path, sizeof(path)) && set(fd, SCTP_NODELAY, &on, sizeof(on)) &&
	       set(fd, SCTP_RECVRCVINFO, &on, sizeof(on)) && set_event(fd, SCTP_ASSOC_CHANGE, true);
}

/* More addresses of our own, with the port that the socket has got. */
static bool bind_more(int fd, const struct assoc_how *how)
{
	struct sockaddr_storage mine = { 0 };
	socklen_t n = sizeof(mine);

	if (!how->naddrs)
		return true;
	if (getsockname(fd, (struct sockaddr *)&mine, &n) < 0)
		return false;
	for (size_t i = 0; i < how->naddrs; i++) {
		struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, *list = NULL;
		int r;

		if (getaddrinfo(how->addrs[i], NULL, &hints, &list)) {
			errno = EADDRNOTAVAIL;
			return false;
		}
		((struct sockaddr_in *)list->ai_addr)->sin_port = ((struct sockaddr_in *)&mine)->sin_port;   /* same place in v6 */
		r = sctp_bindx(fd, list->ai_addr, 1, SCTP_BINDX_ADD_ADDR);
		freeaddrinfo(list);
		if (r < 0)
			return false;
	}
	return true;
}

static int new_socket(int family, const struct assoc_how *how)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_SCTP), saved;

	if (fd < 0 || prepare(fd, how))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static void assoc_on_ready(struct peer_source *src, uint32_t events)
{
	struct kernel_assoc *a = OF_SOURCE(struct kernel_assoc, src);

	if (a->head.ready)
		a->head.ready(a->head.ctx, events);
}

static void assoc_on_bury(struct peer_source *src)
{
	free(OF_SOURCE(struct kernel_assoc, src));
}

static struct kernel_assoc *assoc_new(struct peer_loop *l, int fd)
{
	struct kernel_assoc *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->head = (struct assoc){ .stack = &peer_stack_kernel, .loop = l };
	a->src = (struct peer_source){ .ready = assoc_on_ready, .bury = assoc_on_bury, .loose = true };
	a->fd = fd;
	a->wanted = EPOLLIN;
	if (!peer_loop_add(l, fd, a->wanted, &a->src)) {
		free(a);
		return NULL;
	}
	return a;
}

/* To the addresses asked for, of which the first brings the port with it. */
static bool bind_client(int fd, int family, const struct assoc_how *how)
{
	struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, *first = NULL;
	struct assoc_how rest = *how;
	bool ok;

	if (!how->naddrs)
		return true;
	if (getaddrinfo(how->addrs[0], NULL, &hints, &first)) {
		errno = EADDRNOTAVAIL;
		return false;
	}
	ok = bind(fd, first->ai_addr, first->ai_addrlen) == 0;
	freeaddrinfo(first);
	rest.addrs++;
	rest.naddrs--;
	return ok && bind_more(fd, &rest);
}

static bool encapsulate(int fd, uint16_t port)
{
	struct sctp_udpencaps u = { .sue_port = htons(port) };

	u.sue_address.ss_family = AF_INET;     /* any: for all that come */
	return set(fd, SCTP_REMOTE_UDP_ENCAPS_PORT, &u, sizeof(u));
}

static struct assoc *kernel_connect(struct peer_loop *l, const struct assoc_how *how, const struct sockaddr *to, socklen_t n)
{
	struct kernel_assoc *a = NULL;
	int fd = new_socket(to->sa_family, how), saved;

	if (fd >= 0 && (!how->udp_port || encapsulate(fd, how->udp_port)) && bind_client(fd, to->sa_family, how) &&
	    (connect(fd, to, n) == 0 || errno == EINPROGRESS))
		a = assoc_new(l, fd);
	if (a) {
		a->connecting = true;
		return &a->head;
	}
	saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return NULL;
}

/* Server. */

static void pause_over(void *ctx)
{
	struct kernel_port *p = ctx;

	p->pause = 0;
	peer_loop_change(p->loop, p->fd, EPOLLIN, &p->src);
}

static void port_on_ready(struct peer_source *src, uint32_t events)
{
	struct kernel_port *p = OF_SOURCE(struct kernel_port, src);

	for (int i = 0; i < ACCEPT_SHARE && !src->dead; i++) {
		struct sockaddr_storage sa;
		socklen_t n = sizeof(sa);
		int fd = accept4(p->fd, (struct sockaddr *)&sa, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct kernel_assoc *a;

		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
			p->pause = peer_timer(p->loop, ACCEPT_PAUSE_MS, pause_over, p);
			if (p->pause)
				peer_loop_change(p->loop, p->fd, 0, &p->src);
			return;
		}
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			return;
		a = assoc_new(p->loop, fd);
		if (a)
			p->arrived(p->ctx, &a->head, (struct sockaddr *)&sa);
		else
			close(fd);
	}
}

static void port_on_bury(struct peer_source *src)
{
	free(OF_SOURCE(struct kernel_port, src));
}

static struct assoc_port *kernel_listen(struct peer_loop *l, const struct assoc_how *how, const struct sockaddr *addr,
                                        socklen_t n, int fd, assoc_arrived *arrived, void *ctx, char *err, size_t err_size)
{
	struct kernel_port *p = NULL;
	struct sockaddr_storage mine = { 0 };
	socklen_t mine_n = sizeof(mine);

	if (fd >= 0) {
		snprintf(err, err_size, "SCTP: the kernel's stack takes no packets from elsewhere");
		close(fd);
		return NULL;
	}
	fd = new_socket(addr->sa_family, how);
	if (fd >= 0 && bind(fd, addr, n) == 0 && bind_more(fd, how) && listen(fd, 128) == 0 &&
	    getsockname(fd, (struct sockaddr *)&mine, &mine_n) == 0)
		p = calloc(1, sizeof(*p));
	if (p) {
		*p = (struct kernel_port){ .head = { .stack = &peer_stack_kernel }, .loop = l, .fd = fd, .arrived = arrived, .ctx = ctx,
		                           .src = { .ready = port_on_ready, .bury = port_on_bury, .loose = true } };
		p->port = ntohs(((struct sockaddr_in *)&mine)->sin_port);
		if (peer_loop_add(l, fd, EPOLLIN, &p->src))
			return &p->head;
	}
	snprintf(err, err_size, "SCTP: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	free(p);
	return NULL;
}

static uint16_t kernel_port_number(const struct assoc_port *head)
{
	return ((const struct kernel_port *)head)->port;
}

static void kernel_unlisten(struct assoc_port *head)
{
	struct kernel_port *p = (struct kernel_port *)head;

	peer_timer_cancel(p->loop, p->pause);
	peer_loop_close(p->loop, p->fd);
	peer_loop_kill(p->loop, &p->src);
}

/* Both. */

static enum peer_io kernel_send(struct assoc *head, const void *data, size_t n, uint32_t ppid, bool sack_now)
{
	struct kernel_assoc *a = (struct kernel_assoc *)head;
	union { struct cmsghdr h; uint8_t b[CMSG_SPACE(sizeof(struct sctp_sndinfo))]; } c;
	struct sctp_sndinfo info = { .snd_ppid = htonl(ppid), .snd_flags = sack_now ? SCTP_SACK_IMMEDIATELY : 0 };
	struct iovec v = { .iov_base = (void *)data, .iov_len = n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };

	memset(&c, 0, sizeof(c));
	c.h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(info)), .cmsg_level = IPPROTO_SCTP, .cmsg_type = SCTP_SNDINFO };
	memcpy(CMSG_DATA(&c.h), &info, sizeof(info));
	if (sendmsg(a->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return IO_OK;
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? IO_AGAIN : IO_FAILED;
}

static enum peer_io news(struct kernel_assoc *a, const void *data, size_t n, struct assoc_piece *piece)
{
	union sctp_notification note;

	memset(&note, 0, sizeof(note));
	memcpy(&note, data, n < sizeof(note) ? n : sizeof(note));
	piece->kind = ASSOC_NEWS;
	if (n < sizeof(note.sn_header))
		return IO_OK;
	if (note.sn_header.sn_type == SCTP_SENDER_DRY_EVENT) {
		set_event(a->fd, SCTP_SENDER_DRY_EVENT, false);
		piece->kind = ASSOC_DRY;
	}
	if (note.sn_header.sn_type != SCTP_ASSOC_CHANGE)
		return IO_OK;
	switch (note.sn_assoc_change.sac_state) {
	case SCTP_COMM_UP:
		piece->kind = ASSOC_UP;
		a->connecting = false;
		return IO_OK;
	case SCTP_SHUTDOWN_COMP:
		return IO_EOF;
	case SCTP_CANT_STR_ASSOC:
		errno = a->connecting ? ETIMEDOUT : ECONNABORTED;
		return IO_FAILED;
	default:                       /* lost, or begun anew by the other side: what was secured is no more */
		errno = ECONNRESET;
		return IO_FAILED;
	}
}

static bool failed_to_connect(struct kernel_assoc *a)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (!a->connecting || getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0 || !error)
		return false;
	errno = error;
	return true;
}

static enum peer_io kernel_recv(struct assoc *head, void *buf, size_t size, struct assoc_piece *piece)
{
	struct kernel_assoc *a = (struct kernel_assoc *)head;
	union { struct cmsghdr h; uint8_t b[256]; } c;
	struct iovec v = { .iov_base = buf, .iov_len = size };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };
	ssize_t n;

	*piece = (struct assoc_piece){ .kind = ASSOC_DATA };
	if (failed_to_connect(a))
		return IO_FAILED;
	n = recvmsg(a->fd, &m, MSG_DONTWAIT);
	if (n < 0) {
		if (errno == ENOTCONN && a->connecting)
			return IO_AGAIN;
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? IO_AGAIN : IO_FAILED;
	}
	if (m.msg_flags & MSG_NOTIFICATION)
		return news(a, buf, (size_t)n, piece);
	if (n == 0)
		return IO_EOF;
	piece->n = (size_t)n;
	piece->last = m.msg_flags & MSG_EOR;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
		if (h->cmsg_level == IPPROTO_SCTP && h->cmsg_type == SCTP_RCVINFO) {
			struct sctp_rcvinfo info;

			memcpy(&info, CMSG_DATA(h), sizeof(info));
			piece->ppid = ntohl(info.rcv_ppid);
		}
	return IO_OK;
}

static bool lists_data(struct kernel_assoc *a, int option)
{
	union { struct sctp_authchunks head; uint8_t b[sizeof(struct sctp_authchunks) + 256]; } list;
	socklen_t n = sizeof(list);

	memset(&list, 0, sizeof(list));
	if (getsockopt(a->fd, IPPROTO_SCTP, option, &list, &n) < 0 || list.head.gauth_number_of_chunks > 256)
		return false;
	return memchr(list.b + sizeof(list.head), CHUNK_DATA, list.head.gauth_number_of_chunks) != NULL;
}

static bool kernel_has_auth(struct assoc *head)
{
	struct kernel_assoc *a = (struct kernel_assoc *)head;

	return lists_data(a, SCTP_PEER_AUTH_CHUNKS) && lists_data(a, SCTP_LOCAL_AUTH_CHUNKS);
}

static bool kernel_set_key(struct assoc *head, uint16_t id, const uint8_t *secret, size_t n)
{
	union { struct sctp_authkey head; uint8_t b[sizeof(struct sctp_authkey) + ASSOC_KEY_LEN]; } key;
	bool ok;

	if (n > ASSOC_KEY_LEN) {
		errno = EINVAL;
		return false;
	}
	memset(&key, 0, sizeof(key));
	key.head.sca_keynumber = id;
	key.head.sca_keylength = (uint16_t)n;
	memcpy(key.b + offsetof(struct sctp_authkey, sca_key), secret, n);
	ok = set(((struct kernel_assoc *)head)->fd, SCTP_AUTH_KEY, &key, offsetof(struct sctp_authkey, sca_key) + n);
	gnutls_memset(&key, 0, sizeof(key));
	return ok;
}

static bool key_number(struct assoc *head, int option, uint16_t id)
{
	const struct sctp_authkeyid k = { .scact_keynumber = id };

	return set(((struct kernel_assoc *)head)->fd, option, &k, sizeof(k));
}

static bool kernel_use_key(struct assoc *head, uint16_t id)
{
	return key_number(head, SCTP_AUTH_ACTIVE_KEY, id);
}

/* What was sent under it keeps its reference. */
static void kernel_drop_key(struct assoc *head, uint16_t id)
{
	key_number(head, SCTP_AUTH_DELETE_KEY, id);
}

static bool kernel_tell_dry(struct assoc *head)
{
	return set_event(((struct kernel_assoc *)head)->fd, SCTP_SENDER_DRY_EVENT, true);
}

static bool kernel_local(struct assoc *head, struct sockaddr_storage *sa)
{
	socklen_t n = sizeof(*sa);

	return getsockname(((struct kernel_assoc *)head)->fd, (struct sockaddr *)sa, &n) == 0;
}

static void kernel_want(struct assoc *head, uint32_t events)
{
	struct kernel_assoc *a = (struct kernel_assoc *)head;

	if (events != a->wanted && peer_loop_change(a->head.loop, a->fd, events, &a->src))
		a->wanted = events;
}

static void kernel_shutdown(struct assoc *head)
{
	shutdown(((struct kernel_assoc *)head)->fd, SHUT_WR);
}

static void kernel_close(struct assoc *head, bool abort)
{
	struct kernel_assoc *a = (struct kernel_assoc *)head;
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	if (abort)
		setsockopt(a->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	peer_loop_close(head->loop, a->fd);
	peer_loop_kill(head->loop, &a->src);
}

const struct assoc_stack peer_stack_kernel = {
	.name = "kernel", .connect = kernel_connect, .listen = kernel_listen, .port_number = kernel_port_number,
	.unlisten = kernel_unlisten, .send = kernel_send, .recv = kernel_recv, .has_auth = kernel_has_auth,
	.set_key = kernel_set_key, .use_key = kernel_use_key, .drop_key = kernel_drop_key, .tell_dry = kernel_tell_dry,
	.want = kernel_want, .local = kernel_local, .shutdown = kernel_shutdown, .close = kernel_close,
};
