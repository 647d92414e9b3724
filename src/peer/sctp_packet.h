/* sctp_packet.h - SCTP packets in UDP (RFC 6951) or in bare IP, for the stack of
 * our own process, and the paths that they take.
 *
 * A path is one socket of ours, one address of ours and one address and port of the other side.  Its id is a
 * keyed hash of these, so that a packet finds its path again without our having kept one: paths
 * take memory only while an association holds them. */
#pragma once
#include "peer_int.h"

struct packet_socket;

struct packet_path {
	uintptr_t id;                      /* not 0; the library takes a pointer for an address */
	struct packet_socket *via;
	struct sockaddr_storage to;        /* bare IP: port 0 */
	struct sockaddr_storage from;      /* family 0: the kernel may choose */
	unsigned refs;                     /* 0: only for the call it is given to */
	struct packet_path *next;
};

typedef void packet_input(const struct packet_path *, const uint8_t *packet, size_t n);

/* addr: of ours; NULL: any of that family.  There is one socket for bare IP in a family: with addr NULL it is shared.
 * fd: one that is bound already, or -1; taken over, also when the call fails.  NULL: errno. */
struct packet_socket *peer_packet_open(struct peer_loop *, int family, const struct sockaddr *addr, socklen_t, bool udp,
                                       int fd, packet_input *);
void peer_packet_release(struct packet_socket *);
/* Where the SCTP packet is in what a socket gave: behind an IPv4 header, which the kernel leaves on bare IP, or from the
 * start.  False: there is none. */
bool peer_packet_find(bool with_header, const uint8_t **p, size_t *n);
uint16_t peer_packet_udp_port(const struct packet_socket *);    /* 0: bare IP */
void *peer_packet_owner(const struct packet_socket *);           /* for those who are called upon by it */
void peer_packet_set_owner(struct packet_socket *, void *);

/* What to answer on, and holds it.  NULL: no memory. */
struct packet_path *peer_path_hold(const struct packet_path *);
struct packet_path *peer_path_new(struct packet_socket *, const struct sockaddr *to, socklen_t);
void peer_path_drop(struct packet_path *);
const struct packet_path *peer_path_find(uintptr_t id);           /* among those that are held */
bool peer_path_local(const struct packet_path *, struct sockaddr_storage *);   /* our address on it */
/* What cannot be sent now is lost, as it may be anywhere on the way. */
void peer_path_send(const struct packet_path *, const void *packet, size_t n);
