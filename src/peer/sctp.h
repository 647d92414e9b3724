/* sctp.h - SCTP associations beneath a peer, whoever runs the protocol: the
 * kernel (sctp_kernel.c) or a stack of our own process (sctp_user.c).
 *
 * An association is a value that its stack allocates and that lives until its
 * close().  All calls come from the loop's thread.  `ready` is told
 * as epoll tells it: again and again, as long as something that is wanted is so. */
#pragma once
#include "peer_int.h"

#define ASSOC_PPID_CLEAR 46u           /* RFC 6733 2.1.1 */
#define ASSOC_PPID_DTLS  47u
#define ASSOC_BUFFER     (512 * 1024)  /* octets, each way */
#define ASSOC_RTO_MIN_MS 250u          /* RFC 4960 15 has 1 s; a record that came before its key costs one of these */
#define ASSOC_RTO_INITIAL_MS 1000u
#define ASSOC_RTO_MAX_MS 10000u
#define ASSOC_HEARTBEAT_MS 10000u
#define ASSOC_MAX_RETRANS 8u
#define ASSOC_KEY_LEN    64u           /* RFC 6083 4.8 */

struct assoc;
struct assoc_port;

struct assoc_how {
	bool auth;                         /* SCTP-AUTH for DATA (RFC 4895); peers without it can be told by has_auth */
	uint16_t udp_port;                 /* peer_sctp.udp_port */
	const char *const *addrs;          /* peer_sctp.addrs */
	size_t naddrs;
};

enum assoc_kind {
	ASSOC_DATA,                        /* the next octets of a user message */
	ASSOC_UP,                          /* client: the association stands */
	ASSOC_DRY,                         /* what tell_dry() has asked for: nothing of ours waits for its SACK */
	ASSOC_NEWS                         /* something that is of no interest here */
};

struct assoc_piece {
	enum assoc_kind kind;
	size_t n;                          /* octets received */
	bool last;                         /* they end the user message; pieces of two messages do not mix */
	uint32_t ppid;
};

typedef void assoc_ready(void *ctx, uint32_t epoll_events);
typedef void assoc_arrived(void *ctx, struct assoc *, const struct sockaddr *from);   /* the association is yours now */

/* A stack.  What can fail says why in errno, where nothing else is said. */
struct assoc_stack {
	const char *name;                  /* "kernel" */
	/* NULL: errno.  The end of it comes through recv(): ASSOC_UP or IO_FAILED. */
	struct assoc *(*connect)(struct peer_loop *, const struct assoc_how *, const struct sockaddr *to, socklen_t);
	/* Port 0: any.  fd: a socket for packets, bound already (user stack only; of addr, only the port counts), or -1;
	 * taken over, also when the call fails.  NULL: `err`. */
	struct assoc_port *(*listen)(struct peer_loop *, const struct assoc_how *, const struct sockaddr *addr, socklen_t,
	                             int fd, assoc_arrived *, void *ctx, char *err, size_t err_size);
	uint16_t (*port_number)(const struct assoc_port *);
	void (*unlisten)(struct assoc_port *);

	/* One user message, ordered, on stream 0.  sack_now: the peer shall not delay its SACK (RFC 7053).
	 * IO_AGAIN: no room; EPOLLOUT will tell.  IO_FAILED: errno, EMSGSIZE if it can never be sent. */
	enum peer_io (*send)(struct assoc *, const void *p, size_t n, uint32_t ppid, bool sack_now);
	enum peer_io (*recv)(struct assoc *, void *buf, size_t size, struct assoc_piece *);
	/* The peer has agreed to authenticate its DATA, and we shall take no other. */
	bool (*has_auth)(struct assoc *);
	bool (*set_key)(struct assoc *, uint16_t id, const uint8_t *key, size_t n);
	bool (*use_key)(struct assoc *, uint16_t id);
	void (*drop_key)(struct assoc *, uint16_t id);
	bool (*tell_dry)(struct assoc *);
	void (*want)(struct assoc *, uint32_t epoll_events);
	bool (*local)(struct assoc *, struct sockaddr_storage *);
	void (*shutdown)(struct assoc *);  /* what is queued goes out, then SHUTDOWN */
	void (*close)(struct assoc *, bool abort);
};

/* Both stacks' structures begin with these. */
struct assoc {
	const struct assoc_stack *stack;
	struct peer_loop *loop;
	assoc_ready *ready;                /* set by who takes the association, before the next round */
	void *ctx;
};

struct assoc_port {
	const struct assoc_stack *stack;
};

extern const struct assoc_stack peer_stack_kernel, peer_stack_user;
