/* sctp_user.c - SCTP in our own process (libusrsctp), without threads: packets
 * come from the loop, timers from one of the loop's.
 *
 * The library is one per process, so it works for one loop at a time.  It may call back
 * in the middle of anything; we only note that an association has to be looked at, and look when it
 * has returned. */
#include "config.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>
#include <usrsctp.h>
#include "sctp.h"
#include "sctp_packet.h"

#define TICK_MS 10u
#define PATH_MTU 1280u             /* of IPv6 at least; nothing tells us more in UDP */
#define BACKLOG 64

struct user_assoc {
	struct assoc head;
	struct socket *so;
	struct packet_path *path;
	struct user_assoc *next_look;
	bool look, looking, closed, connecting, ask_dry;
	bool full;                     /* no room for what was to be sent, though there may be some */
	int error;                     /* of a connection that came to nothing */
	uint32_t wanted;
};

/* A port number of SCTP; listeners on different packet sockets share it. */
struct user_number {
	struct user_number *next;
	unsigned refs;
	struct socket *so;
	uint16_t port;
	bool auth;
};

struct user_port {
	struct assoc_port head;
	struct peer_loop *loop;
	struct packet_socket *packets;
	struct user_number *number;
	assoc_arrived *arrived;
	void *ctx;
};

static struct {
	bool started, busy;            /* busy: inside the library, or walking `look` */
	struct peer_loop *loop;
	unsigned users;
	uint64_t tick, later;          /* timers */
	int64_t ticked_ms;
	struct user_assoc *look, **look_end, *round;
	struct user_number *numbers;
	const struct packet_path *current;
} stack = { .look_end = &stack.look };

static void look_at_all(void);
static void accept_all(struct packet_socket *);

/* The library as a whole. */

static int output(void *id, void *packet, size_t n, uint8_t tos, uint8_t dont_fragment)
{
	const struct packet_path *p = stack.current && stack.current->id == (uintptr_t)id ? stack.current
	                                                                                : peer_path_find((uintptr_t)id);

	if (p)
		peer_path_send(p, packet, n);
	return 0;
}

static void pass_time(void)
{
	int64_t now = peer_now_ms(), gone = now - stack.ticked_ms;

	if (gone <= 0)
		return;
	stack.ticked_ms = now;
	usrsctp_handle_timers((uint32_t)(gone > 60000 ? 60000 : gone));
}

static void on_tick(void *ctx)
{
	stack.tick = peer_timer(stack.loop, TICK_MS, on_tick, NULL);
	stack.busy = true;
	pass_time();
	stack.busy = false;
	look_at_all();
}

static bool stack_enter(struct peer_loop *l)
{
	if (stack.users && stack.loop != l) {
		errno = EBUSY;
		return false;
	}
	if (!stack.started) {
		usrsctp_init_nothreads(0, output, NULL);
		/* No partial reliability: FORWARD-TSN would have to be authenticated too (RFC 6083 4.5).  Nor
		 * anything else that we do not use and an attacker could. */
		usrsctp_sysctl_set_sctp_pr_enable(0);
		usrsctp_sysctl_set_sctp_auto_asconf(0);
		usrsctp_sysctl_set_sctp_asconf_enable(0);
		usrsctp_sysctl_set_sctp_reconfig_enable(0);
		usrsctp_sysctl_set_sctp_nrsack_enable(0);
		usrsctp_sysctl_set_sctp_pktdrop_enable(0);
		usrsctp_sysctl_set_sctp_ecn_enable(0);
		stack.ticked_ms = peer_now_ms();
		stack.started = true;
	}
	stack.loop = l;
	stack.users++;
	return true;
}

static void stack_leave(void)
{
	if (--stack.users)
		return;
	peer_timer_cancel(stack.loop, stack.tick);
	peer_timer_cancel(stack.loop, stack.later);
	stack.tick = stack.later = 0;
	stack.loop = NULL;
	stack.ticked_ms = peer_now_ms();
	for (int i = 0; i < 8; i++)
		usrsctp_handle_timers(250);        /* sockets are freed by timers of theirs */
	if (usrsctp_finish() == 0)
		stack.started = false;
}

static void tick_on(void)
{
	if (!stack.tick)
		stack.tick = peer_timer(stack.loop, TICK_MS, on_tick, NULL);
}

/* The library takes packets of an association only at addresses of ours that it knows; to it, both ends of
 * a path have the path's id for an address. */
static void path_register(struct packet_path *p)
{
	if (p->refs == 1)
		usrsctp_register_address((void *)p->id);
}

static void path_drop(struct packet_path *p)
{
	if (p->refs == 1)
		usrsctp_deregister_address((void *)p->id);
	peer_path_drop(p);
}

/* Readiness. */

static void on_later(void *ctx)
{
	stack.later = 0;
	look_at_all();
}

static void look_later(struct user_assoc *a)
{
	if (a->closed)
		return;
	if (!a->look) {
		a->look = true;
		a->next_look = NULL;
		*stack.look_end = a;
		stack.look_end = &a->next_look;
	}
	if (!stack.busy && !stack.later)
		stack.later = peer_timer(stack.loop, 0, on_later, NULL);
}

static void on_upcall(struct socket *so, void *arg, int flags)
{
	struct user_assoc *a = arg;

	if (!a)
		return;
	a->full = false;
	look_later(a);
}

static void look_no_more(struct user_assoc *a)
{
	struct user_assoc **at;

	for (at = &stack.round; *at; at = &(*at)->next_look)
		if (*at == a) {
			*at = a->next_look;
			return;
		}
	for (at = &stack.look; *at; at = &(*at)->next_look)
		if (*at == a) {
			*at = a->next_look;
			if (!*at)
				stack.look_end = at;
			return;
		}
}

static bool is_dry(const struct user_assoc *a)
{
	struct sctp_status s = { 0 };
	socklen_t n = sizeof(s);

	return usrsctp_getsockopt(a->so, IPPROTO_SCTP, SCTP_STATUS, &s, &n) == 0 && !s.sstat_unackdata && !s.sstat_penddata;
}

static uint32_t events_of(struct user_assoc *a)
{
	int e = usrsctp_get_events(a->so);
	uint32_t events = 0;

	if ((e & SCTP_EVENT_READ) || a->error || (a->ask_dry && is_dry(a)))
		events |= EPOLLIN;
	if ((e & SCTP_EVENT_WRITE) && !a->full)
		events |= EPOLLOUT;
	events &= a->wanted;
	if (e & SCTP_EVENT_ERROR)
		events |= EPOLLIN | EPOLLERR;
	return events;
}

static void assoc_free(struct user_assoc *a)
{
	path_drop(a->path);
	free(a);
	stack_leave();
}

/* One round over those that were noted when it began; what is still ready gets
 * the next one. */
static void look_at_all(void)
{
	if (stack.busy)
		return;
	stack.round = stack.look;
	stack.look = NULL;
	stack.look_end = &stack.look;
	stack.busy = true;
	while (stack.round) {
		struct user_assoc *a = stack.round;
		uint32_t events;

		stack.round = a->next_look;
		a->look = false;
		a->looking = true;
		events = a->closed ? 0 : events_of(a);
		if (events && a->head.ready)
			a->head.ready(a->head.ctx, events);
		a->looking = false;
		if (a->closed)
			assoc_free(a);
		else if (events && events_of(a))
			look_later(a);
	}
	stack.busy = false;
	if (stack.look && !stack.later)
		stack.later = peer_timer(stack.loop, 0, on_later, NULL);
}

static bool is_ours(uint16_t port)
{
	for (const struct user_number *u = stack.numbers; u; u = u->next)
		if (u->port == port)
			return true;
	return false;
}

static void input(const struct packet_path *path, const uint8_t *packet, size_t n)
{
	bool nested = stack.busy;

	/* In bare IP there may be others on this host; what is theirs is not to be answered with ABORT. */
	if (!peer_packet_udp_port(path->via) && !path->refs && !is_ours((uint16_t)(packet[2] << 8 | packet[3])))
		return;
	stack.busy = true;
	stack.current = path;
	if (!stack.tick)
		pass_time();
	usrsctp_conninput((void *)path->id, packet, n, 0);
	if (peer_packet_owner(path->via))
		accept_all(path->via);
	stack.current = NULL;
	stack.busy = nested;
	look_at_all();
}

/* Options. */

static bool set(struct socket *so, int option, const void *value, size_t n)
{
	return usrsctp_setsockopt(so, IPPROTO_SCTP, option, value, (socklen_t)n) == 0;
}

static bool set_value(struct socket *so, int option, uint32_t value)
{
	const struct sctp_assoc_value v = { .assoc_id = SCTP_FUTURE_ASSOC, .assoc_value = value };

	return set(so, option, &v, sizeof(v));
}

static bool set_event(struct socket *so, uint16_t type, bool on)
{
	const struct sctp_event e = { .se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = type, .se_on = on };

	return set(so, SCTP_EVENT, &e, sizeof(e));
}

static bool set_auth(struct socket *so)
{
	union { struct sctp_hmacalgo head; uint32_t space[4]; } hmac = { .head = { .shmac_number_of_idents = 2 } };
	const struct sctp_authchunk data = { .sauth_chunk = SCTP_DATA };

	if (!set_value(so, SCTP_AUTH_SUPPORTED, 1) || !set(so, SCTP_AUTH_CHUNK, &data, sizeof(data)))
		return false;
	hmac.head.shmac_idents[0] = SCTP_AUTH_HMAC_ID_SHA256;
	hmac.head.shmac_idents[1] = SCTP_AUTH_HMAC_ID_SHA1;
	/* A library that was built without SHA-256 has SHA-1, which is mandatory (RFC 4895 3.3). */
	return set(so, SCTP_HMAC_IDENT, &hmac, sizeof(hmac.head) + 2 * sizeof(uint16_t)) || errno == EINVAL;
}

static bool prepare(struct socket *so, const struct assoc_how *how)
{
	const struct sctp_initmsg init = { .sinit_num_ostreams = 1, .sinit_max_instreams = 1024, .sinit_max_attempts = 6,
	                                   .sinit_max_init_timeo = 2000 };
	const struct sctp_rtoinfo rto = { .srto_initial = ASSOC_RTO_INITIAL_MS, .srto_min = ASSOC_RTO_MIN_MS,
	                                  .srto_max = ASSOC_RTO_MAX_MS };
	const struct sctp_assocparams params = { .sasoc_asocmaxrxt = ASSOC_MAX_RETRANS };
	const struct sctp_paddrparams path = { .spp_flags = SPP_HB_ENABLE | SPP_PMTUD_DISABLE, .spp_pathmtu = PATH_MTU,
	                                       .spp_hbinterval = ASSOC_HEARTBEAT_MS, .spp_pathmaxrxt = ASSOC_MAX_RETRANS };
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	const int on = 1, off = 0, size = ASSOC_BUFFER;

	if (how->auth ? !set_auth(so) : !set_value(so, SCTP_AUTH_SUPPORTED, 0))
		return false;
	return set(so, SCTP_INITMSG, &init, sizeof(init)) && set(so, SCTP_RTOINFO, &rto, sizeof(rto)) &&
	       set(so, SCTP_ASSOCINFO, &params, sizeof(params)) && set(so, SCTP_PEER_ADDR_PARAMS, &path, sizeof(path)) &&
	       set(so, SCTP_NODELAY, &on, sizeof(on)) && set(so, SCTP_RECVRCVINFO, &on, sizeof(on)) &&
	       set(so, SCTP_FRAGMENT_INTERLEAVE, &off, sizeof(off)) && set_event(so, SCTP_ASSOC_CHANGE, true) &&
	       usrsctp_setsockopt(so, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0 &&
	       usrsctp_setsockopt(so, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == 0 &&
	       usrsctp_setsockopt(so, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0 &&
	       usrsctp_set_non_blocking(so, 1) == 0;
}

static struct socket *new_socket(const struct assoc_how *how)
{
	struct socket *so = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
	int saved;

	if (!so || prepare(so, how))
		return so;
	saved = errno;
	usrsctp_close(so);
	errno = saved;
	return NULL;
}

static struct user_assoc *assoc_new(struct socket *so, struct packet_path *path)
{
	struct user_assoc *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->head = (struct assoc){ .stack = &peer_stack_user, .loop = stack.loop };
	a->so = so;
	a->path = path;
	a->wanted = EPOLLIN;
	usrsctp_set_upcall(so, on_upcall, a);
	stack.users++;
	tick_on();
	look_later(a);
	return a;
}

/* Client. */

static struct assoc *user_connect(struct peer_loop *l, const struct assoc_how *how, const struct sockaddr *to, socklen_t n)
{
	struct sockaddr_conn remote = { .sconn_family = AF_CONN };
	struct sockaddr_storage outer = { 0 };
	struct packet_socket *packets = NULL;
	struct packet_path *path = NULL;
	struct user_assoc *a = NULL;
	struct socket *so = NULL;
	int saved;

	if (!stack_enter(l))
		return NULL;
	memcpy(&outer, to, n);
	if (to->sa_family == AF_INET6) {
		remote.sconn_port = ((struct sockaddr_in6 *)&outer)->sin6_port;
		((struct sockaddr_in6 *)&outer)->sin6_port = htons(how->udp_port);
	} else {
		remote.sconn_port = ((struct sockaddr_in *)&outer)->sin_port;
		((struct sockaddr_in *)&outer)->sin_port = htons(how->udp_port);
	}
	packets = peer_packet_open(l, to->sa_family, NULL, 0, how->udp_port != 0, -1, input);
	if (packets) {
		path = peer_path_new(packets, (struct sockaddr *)&outer, n);
		peer_packet_release(packets);          /* the path holds it */
	}
	if (path) {
		path_register(path);
		so = new_socket(how);
	}
	if (so)
		a = assoc_new(so, path);
	if (!a) {
		saved = errno;
		if (so)
			usrsctp_close(so);
		if (path)
			path_drop(path);
		stack_leave();
		errno = saved;
		return NULL;
	}
	remote.sconn_addr = (void *)path->id;
	a->connecting = true;
	if (usrsctp_connect(so, (struct sockaddr *)&remote, sizeof(remote)) < 0 && errno != EINPROGRESS)
		a->error = errno;
	stack_leave();                                 /* the association is a user itself */
	return &a->head;
}

/* Server. */

static uint16_t random_u16(void)
{
	uint16_t r = 0;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = (uint16_t)peer_now_ms();
	return r;
}

/* The library does not tell which port it has chosen, so we choose. */
static bool bind_number(struct user_number *u, uint16_t port)
{
	for (int i = 0; i < 64; i++) {
		struct sockaddr_conn any = { .sconn_family = AF_CONN };

		u->port = port ? port : (uint16_t)(49152 + random_u16() % 16384);
		any.sconn_port = htons(u->port);
		if (usrsctp_bind(u->so, (struct sockaddr *)&any, sizeof(any)) == 0)
			return true;
		if (port || errno != EADDRINUSE)
			break;
	}
	return false;
}

static struct user_number *number_open(uint16_t port, const struct assoc_how *how)
{
	struct user_number *u;

	for (u = stack.numbers; u; u = u->next)
		if (port && u->port == port) {
			if (u->auth != how->auth) {
				errno = EADDRINUSE;        /* one cannot ask for SCTP-AUTH and not ask for it */
				return NULL;
			}
			u->refs++;
			return u;
		}
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->refs = 1;
	u->auth = how->auth;
	u->so = new_socket(how);
	if (!u->so || !bind_number(u, port) || usrsctp_listen(u->so, BACKLOG) < 0) {
		int saved = errno;

		if (u->so)
			usrsctp_close(u->so);
		free(u);
		errno = saved;
		return NULL;
	}
	u->next = stack.numbers;
	stack.numbers = u;
	return u;
}

static void number_close(struct user_number *u)
{
	struct user_number **at;

	if (--u->refs)
		return;
	for (at = &stack.numbers; *at != u;)
		at = &(*at)->next;
	*at = u->next;
	usrsctp_close(u->so);
	free(u);
}

static struct assoc_port *user_listen(struct peer_loop *l, const struct assoc_how *how, const struct sockaddr *addr,
                                      socklen_t n, int fd, assoc_arrived *arrived, void *ctx, char *err, size_t err_size)
{
	struct user_port *p = calloc(1, sizeof(*p));
	struct sockaddr_storage outer = { 0 };
	uint16_t port = 0;

	if (!p || !stack_enter(l)) {
		snprintf(err, err_size, "SCTP: %s", p ? "the stack of this process works for another loop already" : "out of memory");
		free(p);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	memcpy(&outer, addr, n);
	if (addr->sa_family == AF_INET6) {
		port = ntohs(((struct sockaddr_in6 *)&outer)->sin6_port);
		((struct sockaddr_in6 *)&outer)->sin6_port = htons(how->udp_port);
	} else {
		port = ntohs(((struct sockaddr_in *)&outer)->sin_port);
		((struct sockaddr_in *)&outer)->sin_port = htons(how->udp_port);
	}
	*p = (struct user_port){ .head = { .stack = &peer_stack_user }, .loop = l, .arrived = arrived, .ctx = ctx };
	p->packets = peer_packet_open(l, addr->sa_family, (struct sockaddr *)&outer, n, how->udp_port != 0, fd, input);
	if (p->packets)
		p->number = number_open(port, how);
	if (!p->number) {
		snprintf(err, err_size, "SCTP: %s", strerror(errno));
		if (p->packets)
			peer_packet_release(p->packets);
		free(p);
		stack_leave();
		return NULL;
	}
	peer_packet_set_owner(p->packets, p);
	return &p->head;
}

static uint16_t user_port_number(const struct assoc_port *head)
{
	return ((const struct user_port *)head)->number->port;
}

static void user_unlisten(struct assoc_port *head)
{
	struct user_port *p = (struct user_port *)head;

	peer_packet_set_owner(p->packets, NULL);
	peer_packet_release(p->packets);
	number_close(p->number);
	free(p);
	stack_leave();
}

static void refuse(struct socket *so)
{
	usrsctp_close(so);                     /* SO_LINGER makes it an ABORT */
}

/* Right after the packet that made it: the path is the packet's. */
static void accept_all(struct packet_socket *via)
{
	struct user_port *p = peer_packet_owner(via);
	struct user_number *number = p->number;

	number->refs++;
	for (;;) {
		struct sockaddr_conn from = { 0 };
		socklen_t n = sizeof(from);
		struct socket *so = usrsctp_accept(number->so, (struct sockaddr *)&from, &n);
		const struct packet_path *current = stack.current;
		struct packet_path *path = NULL;
		struct user_assoc *a = NULL;
		struct sockaddr_storage shown;

		if (!so)
			break;
		if (current->id == (uintptr_t)from.sconn_addr && peer_packet_owner(via) == p)
			path = peer_path_hold(current);
		if (path)
			path_register(path);
		if (path && usrsctp_set_non_blocking(so, 1) == 0)
			a = assoc_new(so, path);
		if (!a) {
			refuse(so);
			if (path)
				path_drop(path);
			continue;
		}
		shown = path->to;
		if (!peer_packet_udp_port(via))
			((struct sockaddr_in *)&shown)->sin_port = from.sconn_port;      /* in the same place in v6 */
		p->arrived(p->ctx, &a->head, (const struct sockaddr *)&shown);
	}
	number_close(number);
}

/* Both. */

static enum peer_io user_send(struct assoc *head, const void *data, size_t n, uint32_t ppid, bool sack_now)
{
	struct user_assoc *a = (struct user_assoc *)head;
	struct sctp_sndinfo info = { .snd_ppid = htonl(ppid), .snd_flags = sack_now ? SCTP_SACK_IMMEDIATELY : 0 };

	if (usrsctp_sendv(a->so, data, n, NULL, 0, &info, sizeof(info), SCTP_SENDV_SNDINFO, 0) >= 0)
		return IO_OK;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
		a->full = true;
		return IO_AGAIN;
	}
	if (errno == ENOENT || errno == ENOTCONN || errno == EINVAL)
		errno = ECONNRESET;            /* the association is gone, in the library's words */
	return IO_FAILED;
}

static enum peer_io news(struct user_assoc *a, const void *data, size_t n, struct assoc_piece *piece)
{
	union sctp_notification note = { 0 };

	piece->kind = ASSOC_NEWS;
	memcpy(&note, data, n < sizeof(note) ? n : sizeof(note));
	if (n < sizeof(note.sn_header))
		return IO_OK;
	if (note.sn_header.sn_type != SCTP_ASSOC_CHANGE)
		return IO_OK;
	switch (note.sn_assoc_change.sac_state) {
	case SCTP_COMM_UP:
		piece->kind = ASSOC_UP;
		a->connecting = false;
		return IO_OK;
	case SCTP_SHUTDOWN_COMP:
		return IO_EOF;
	case SCTP_RESTART:                     /* what was secured is no more */
		errno = ECONNRESET;
		return IO_FAILED;
	case SCTP_CANT_STR_ASSOC:
		errno = a->connecting ? ETIMEDOUT : ECONNABORTED;
		return IO_FAILED;
	default:
		errno = ECONNRESET;
		return IO_FAILED;
	}
}

static enum peer_io user_recv(struct assoc *head, void *buf, size_t size, struct assoc_piece *piece)
{
	struct user_assoc *a = (struct user_assoc *)head;
	struct sctp_rcvinfo info = { 0 };
	socklen_t info_n = sizeof(info);
	unsigned type = 0;
	int flags = 0;
	ssize_t n;

	*piece = (struct assoc_piece){ .kind = ASSOC_DATA };
	if (a->error) {
		errno = a->error;
		return IO_FAILED;
	}
	if (a->ask_dry && is_dry(a)) {
		a->ask_dry = false;
		piece->kind = ASSOC_DRY;
		return IO_OK;
	}
	n = usrsctp_recvv(a->so, buf, size, NULL, NULL, &info, &info_n, &type, &flags);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? IO_AGAIN : IO_FAILED;
	if (flags & MSG_NOTIFICATION)
		return news(a, buf, (size_t)n, piece);
	if (n == 0)
		return IO_EOF;
	piece->n = (size_t)n;
	piece->last = flags & MSG_EOR;
	if (type == SCTP_RECVV_RCVINFO)
		piece->ppid = ntohl(info.rcv_ppid);
	return IO_OK;
}

/* The header has no number of chunks before them, the library has. */
static bool lists_data(struct user_assoc *a, int option)
{
	union { struct sctp_authchunks head; uint32_t number[2]; uint8_t b[8 + 256]; } list;
	socklen_t n = sizeof(list);
	size_t at = sizeof(list.head);

	memset(&list, 0xff, sizeof(list));
	list.head.gauth_assoc_id = SCTP_FUTURE_ASSOC;
	if (usrsctp_getsockopt(a->so, IPPROTO_SCTP, option, &list, &n) < 0 || n > sizeof(list) || n < at)
		return false;
	if (n >= 8 && n == 8 + list.number[1])
		at = 8;
	return memchr(list.b + at, SCTP_DATA, n - at) != NULL;
}

static bool user_has_auth(struct assoc *head)
{
	struct user_assoc *a = (struct user_assoc *)head;

	return lists_data(a, SCTP_PEER_AUTH_CHUNKS) && lists_data(a, SCTP_LOCAL_AUTH_CHUNKS);
}

static bool user_set_key(struct assoc *head, uint16_t id, const uint8_t *secret, size_t n)
{
	union { struct sctp_authkey head; uint8_t b[sizeof(struct sctp_authkey) + ASSOC_KEY_LEN]; } key = {
		.head = { .sca_keynumber = id, .sca_keylength = (uint16_t)n },
	};
	bool ok;

	if (n > ASSOC_KEY_LEN) {
		errno = EINVAL;
		return false;
	}
	memcpy(key.b + sizeof(key.head), secret, n);
	ok = set(((struct user_assoc *)head)->so, SCTP_AUTH_KEY, &key, sizeof(key.head) + n);
	gnutls_memset(&key, 0, sizeof(key));
	return ok;
}

static bool key_number(struct assoc *head, int option, uint16_t id)
{
	const struct sctp_authkeyid k = { .scact_keynumber = id };

	return set(((struct user_assoc *)head)->so, option, &k, sizeof(k));
}

static bool user_use_key(struct assoc *head, uint16_t id)
{
	return key_number(head, SCTP_AUTH_ACTIVE_KEY, id);
}

/* Deactivated only if something sent under it still waits; freed with that. */
static void user_drop_key(struct assoc *head, uint16_t id)
{
	if (!key_number(head, SCTP_AUTH_DELETE_KEY, id))
		key_number(head, SCTP_AUTH_DEACTIVATE_KEY, id);
}

static bool user_tell_dry(struct assoc *head)
{
	struct user_assoc *a = (struct user_assoc *)head;

	a->ask_dry = true;
	look_later(a);
	return true;
}

static bool user_local(struct assoc *head, struct sockaddr_storage *sa)
{
	return peer_path_local(((struct user_assoc *)head)->path, sa);
}

static void user_want(struct assoc *head, uint32_t events)
{
	struct user_assoc *a = (struct user_assoc *)head;

	a->wanted = events;
	look_later(a);
}

static void user_shutdown(struct assoc *head)
{
	usrsctp_shutdown(((struct user_assoc *)head)->so, SHUT_WR);
}

static void user_close(struct assoc *head, bool abort)
{
	struct user_assoc *a = (struct user_assoc *)head;
	bool nested = stack.busy;

	a->closed = true;
	usrsctp_set_upcall(a->so, NULL, NULL);
	stack.busy = true;
	usrsctp_close(a->so);
	stack.busy = nested;
	a->so = NULL;
	look_no_more(a);
	if (!a->looking)
		assoc_free(a);
}

const struct assoc_stack peer_stack_user = {
	.name = "user", .connect = user_connect, .listen = user_listen, .port_number = user_port_number,
	.unlisten = user_unlisten, .send = user_send, .recv = user_recv, .has_auth = user_has_auth, .set_key = user_set_key,
	.use_key = user_use_key, .drop_key = user_drop_key, .tell_dry = user_tell_dry, .want = user_want, .local = user_local,
	.shutdown = user_shutdown, .close = user_close,
};
