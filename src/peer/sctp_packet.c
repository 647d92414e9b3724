/* sctp_packet.c - packet sockets and paths. */
#include "config.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>
#include "sctp_packet.h"

#define PACKET_SHARE 64u           /* packets taken in one round */
#define SOCKET_BUFFER (4 * 1024 * 1024)
#define SCTP_HEADER 12u
#define PROTOCOL_SCTP 132
#define BUCKETS 1024u

struct packet_socket {
	struct peer_source src;
	struct peer_loop *loop;
	struct packet_socket *next;
	unsigned refs;
	int fd, family;
	bool udp;
	uint16_t port;
	packet_input *input;
	void *owner;
};

static struct packet_socket *sockets;
static struct packet_path *held[BUCKETS];
static uint64_t secret[2];

/* SipHash-2-4, so that nobody can make two paths one. */

static uint64_t turn(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = turn(v[1], 13) ^ v[0];
	v[0] = turn(v[0], 32);
	v[2] += v[3];
	v[3] = turn(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = turn(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = turn(v[1], 17) ^ v[2];
	v[2] = turn(v[2], 32);
}

static uint64_t sip(const uint64_t *words, size_t n)
{
	uint64_t v[4] = { secret[0] ^ 0x736f6d6570736575u, secret[1] ^ 0x646f72616e646f6du,
	                  secret[0] ^ 0x6c7967656e657261u, secret[1] ^ 0x7465646279746573u };

	for (size_t i = 0; i <= n; i++) {
		uint64_t m = i < n ? words[i] : (uint64_t)(8 * n) << 56;

		v[3] ^= m;
		sip_round(v);
		sip_round(v);
		v[0] ^= m;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void address_words(const struct sockaddr_storage *sa, uint64_t w[3])
{
	w[0] = w[1] = w[2] = 0;
	if (sa->ss_family == AF_INET) {
		const struct sockaddr_in *a = (const struct sockaddr_in *)sa;

		w[0] = 4;
		w[1] = a->sin_addr.s_addr;
		w[2] = a->sin_port;
	} else if (sa->ss_family == AF_INET6) {
		const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)sa;

		w[0] = 6 | (uint64_t)a->sin6_port << 32;
		memcpy(w + 1, &a->sin6_addr, 16);
	}
}

static uintptr_t path_id(const struct packet_path *p)
{
	uint64_t w[7];
	uintptr_t id;

	w[0] = (uint64_t)(unsigned)p->via->fd;
	address_words(&p->to, w + 1);
	address_words(&p->from, w + 4);
	id = (uintptr_t)sip(w, 7);
	return id ? id : 1;
}

static bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	uint64_t x[3], y[3];

	address_words(a, x);
	address_words(b, y);
	return !memcmp(x, y, sizeof(x));
}

const struct packet_path *peer_path_find(uintptr_t id)
{
	const struct packet_path *p = held[id % BUCKETS];

	while (p && p->id != id)
		p = p->next;
	return p;
}

struct packet_path *peer_path_hold(const struct packet_path *from)
{
	struct packet_path *p = (struct packet_path *)peer_path_find(from->id);

	if (p) {
		/* Two addresses with one id will not be seen in our time; but let them not be one. */
		if (p->via != from->via || !same_address(&p->to, &from->to))
			return NULL;
		p->refs++;
		return p;
	}
	p = malloc(sizeof(*p));
	if (!p)
		return NULL;
	*p = *from;
	p->refs = 1;
	p->via->refs++;
	p->next = held[p->id % BUCKETS];
	held[p->id % BUCKETS] = p;
	return p;
}

struct packet_path *peer_path_new(struct packet_socket *via, const struct sockaddr *to, socklen_t n)
{
	struct packet_path p = { .via = via };

	memcpy(&p.to, to, n);
	if (!via->udp && to->sa_family == AF_INET)
		((struct sockaddr_in *)&p.to)->sin_port = 0;
	else if (!via->udp)
		((struct sockaddr_in6 *)&p.to)->sin6_port = 0;
	p.id = path_id(&p);
	return peer_path_hold(&p);
}

void peer_path_drop(struct packet_path *p)
{
	struct packet_path **at;

	if (--p->refs)
		return;
	for (at = &held[p->id % BUCKETS]; *at != p;)
		at = &(*at)->next;
	*at = p->next;
	peer_packet_release(p->via);
	free(p);
}

void peer_path_send(const struct packet_path *p, const void *packet, size_t n)
{
	struct iovec v = { .iov_base = (void *)packet, .iov_len = n };
	struct msghdr m = { .msg_name = (void *)&p->to, .msg_iov = &v, .msg_iovlen = 1 };
	union { struct cmsghdr h; uint8_t b[CMSG_SPACE(sizeof(struct in6_pktinfo))]; } c;
	ssize_t r;

	m.msg_namelen = p->to.ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	if (p->from.ss_family) {
		memset(&c, 0, sizeof(c));
		m.msg_control = &c;
		if (p->from.ss_family == AF_INET) {
			struct in_pktinfo *i = (struct in_pktinfo *)CMSG_DATA(&c.h);

			c.h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(*i)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO };
			i->ipi_spec_dst = ((const struct sockaddr_in *)&p->from)->sin_addr;
			m.msg_controllen = CMSG_SPACE(sizeof(*i));
		} else {
			struct in6_pktinfo *i = (struct in6_pktinfo *)CMSG_DATA(&c.h);

			c.h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(*i)), .cmsg_level = IPPROTO_IPV6,
			                        .cmsg_type = IPV6_PKTINFO };
			i->ipi6_addr = ((const struct sockaddr_in6 *)&p->from)->sin6_addr;
			m.msg_controllen = CMSG_SPACE(sizeof(*i));
		}
	}
	r = sendmsg(p->via->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)r;
}

bool peer_path_local(const struct packet_path *p, struct sockaddr_storage *sa)
{
	socklen_t n = sizeof(*sa);
	struct sockaddr_storage to = p->to;
	int fd;
	bool ok;

	*sa = p->from;
	if (sa->ss_family)
		return true;
	/* What the kernel would choose, a socket that sends nothing is told. */
	fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	((struct sockaddr_in *)&to)->sin_port = htons(9);      /* any but 0; in the same place in v6 */
	ok = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	     getsockname(fd, (struct sockaddr *)sa, &n) == 0;
	close(fd);
	return ok;
}

/* Where the packet was sent to: what answers have to come from. */
static void find_local(struct msghdr *m, struct sockaddr_storage *from)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo i;

			memcpy(&i, CMSG_DATA(c), sizeof(i));
			from->ss_family = AF_INET;
			((struct sockaddr_in *)from)->sin_addr = i.ipi_addr;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo i;

			memcpy(&i, CMSG_DATA(c), sizeof(i));
			from->ss_family = AF_INET6;
			((struct sockaddr_in6 *)from)->sin6_addr = i.ipi6_addr;
		}
	}
}

bool peer_packet_find(bool with_header, const uint8_t **p, size_t *n)
{
	if (with_header) {
		const size_t header = *n ? 4u * (**p & 15u) : 0;

		if (header < sizeof(struct iphdr) || *n < header)
			return false;
		*p += header;
		*n -= header;
	}
	return *n >= SCTP_HEADER;
}

static bool receive(struct packet_socket *s)
{
	static uint8_t buf[65536];
	union { struct cmsghdr h; uint8_t b[256]; } c;
	struct iovec v = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct packet_path p = { .via = s };
	struct msghdr m = { .msg_name = &p.to, .msg_namelen = sizeof(p.to), .msg_iov = &v, .msg_iovlen = 1,
	                    .msg_control = &c, .msg_controllen = sizeof(c) };
	const struct packet_path *known;
	const uint8_t *packet = buf;
	ssize_t got = recvmsg(s->fd, &m, MSG_DONTWAIT);
	size_t n = (size_t)got;

	if (got < 0)
		return errno == EINTR || errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH;
	if (!peer_packet_find(!s->udp && s->family == AF_INET, &packet, &n) || (m.msg_flags & MSG_TRUNC))
		return true;
	if (!s->udp && s->family == AF_INET)
		((struct sockaddr_in *)&p.to)->sin_port = 0;
	else if (!s->udp)
		((struct sockaddr_in6 *)&p.to)->sin6_port = 0;
	/* A client has chosen no address of its own, a server is told one. */
	p.id = path_id(&p);
	known = peer_path_find(p.id);
	if (!known) {
		find_local(&m, &p.from);
		p.id = path_id(&p);
		known = peer_path_find(p.id);
	}
	s->input(known ? known : &p, packet, n);
	return true;
}

static void on_ready(struct peer_source *src, uint32_t events)
{
	struct packet_socket *s = (struct packet_socket *)src;

	for (unsigned i = 0; i < PACKET_SHARE && !src->dead; i++)
		if (!receive(s))
			return;
}

static void on_bury(struct peer_source *src)
{
	free(src);
}

static int make_socket(struct packet_socket *s, const struct sockaddr *addr, socklen_t n)
{
	const int on = 1;

	s->fd = socket(s->family, (s->udp ? SOCK_DGRAM : SOCK_RAW) | SOCK_CLOEXEC | SOCK_NONBLOCK, s->udp ? 0 : PROTOCOL_SCTP);
	if (s->fd < 0)
		return -1;
	if (s->family == AF_INET6)
		setsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (!addr)
		return 0;
	if (!s->udp) {
		struct sockaddr_storage bare = { 0 };

		memcpy(&bare, addr, n);
		if (s->family == AF_INET)
			((struct sockaddr_in *)&bare)->sin_port = 0;
		else
			((struct sockaddr_in6 *)&bare)->sin6_port = 0;
		return bind(s->fd, (struct sockaddr *)&bare, n);
	}
	return bind(s->fd, addr, n);
}

static void tune(struct packet_socket *s)
{
	const int on = 1, size = SOCKET_BUFFER, fragment = IP_PMTUDISC_DONT;
	struct sockaddr_storage sa = { 0 };
	socklen_t n = sizeof(sa);

	if (s->family == AF_INET) {
		setsockopt(s->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
		setsockopt(s->fd, IPPROTO_IP, IP_MTU_DISCOVER, &fragment, sizeof(fragment));
	} else {
		setsockopt(s->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	}
	setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (s->udp && getsockname(s->fd, (struct sockaddr *)&sa, &n) == 0)
		s->port = ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
		                                         : ((struct sockaddr_in *)&sa)->sin_port);
}

/* What an inherited descriptor is, it says itself. */
static bool examine(struct packet_socket *s)
{
	int type = 0, family = 0;
	socklen_t n = sizeof(type), m = sizeof(family);

	if (getsockopt(s->fd, SOL_SOCKET, SO_TYPE, &type, &n) < 0 || getsockopt(s->fd, SOL_SOCKET, SO_DOMAIN, &family, &m) < 0)
		return false;
	s->udp = type == SOCK_DGRAM;
	s->family = family;
	if ((type == SOCK_DGRAM || type == SOCK_RAW) && (family == AF_INET || family == AF_INET6))
		return true;
	errno = EPROTOTYPE;
	return false;
}

static struct packet_socket *bare_socket(int family)
{
	struct packet_socket *s = sockets;

	while (s && (s->udp || s->family != family))
		s = s->next;
	return s;
}

struct packet_socket *peer_packet_open(struct peer_loop *l, int family, const struct sockaddr *addr, socklen_t n, bool udp,
                                       int fd, packet_input *input)
{
	struct packet_socket *s, *bare;
	int saved;

	if (!secret[0] && !secret[1] && getrandom(secret, sizeof(secret), 0) != sizeof(secret)) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	*s = (struct packet_socket){ .src = { .ready = on_ready, .bury = on_bury, .loose = true }, .loop = l, .refs = 1, .fd = fd,
	                             .family = family, .udp = udp, .input = input };
	if (fd >= 0 && !examine(s))
		goto fail;
	bare = s->udp ? NULL : bare_socket(s->family);
	if (bare && fd < 0 && !addr) {
		free(s);
		bare->refs++;
		return bare;
	}
	if (bare) {
		errno = EADDRINUSE;        /* each would be given all packets, and one would answer the other's with ABORT */
		goto fail;
	}
	if (fd < 0 && make_socket(s, addr, n) < 0)
		goto fail;
	tune(s);
	if (!peer_loop_add(l, s->fd, EPOLLIN, &s->src))
		goto fail;
	s->next = sockets;
	sockets = s;
	return s;
fail:
	saved = errno;
	if (s->fd >= 0)
		close(s->fd);
	free(s);
	errno = saved;
	return NULL;
}

void peer_packet_release(struct packet_socket *s)
{
	struct packet_socket **at;

	if (--s->refs)
		return;
	for (at = &sockets; *at != s;)
		at = &(*at)->next;
	*at = s->next;
	peer_loop_close(s->loop, s->fd);
	peer_loop_kill(s->loop, &s->src);
}

uint16_t peer_packet_udp_port(const struct packet_socket *s)
{
	return s->port;
}

void *peer_packet_owner(const struct packet_socket *s)
{
	return s->owner;
}

void peer_packet_set_owner(struct packet_socket *s, void *owner)
{
	s->owner = owner;
}
