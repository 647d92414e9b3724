/* peer_int.h - what the files of src/peer know of each other.
 *
 * Ownership: the loop owns everything that epoll watches.  Nothing is freed
 * where it dies: it goes to the loop's grave and is buried (owner told, memory
 * released) between two rounds, so a callback may kill what called it. */
#pragma once
#include <gnutls/gnutls.h>
#include <netdb.h>
#include "peer.h"

#define PEER_MAX_MESSAGE (1u << 20)    /* octets, where the configuration does not say */
#define PEER_MAX_QUEUE   (16u << 20)   /* octets that wait to be sent, likewise */
#define PEER_MAX_CER     8192u         /* octets of a message that comes before the CEA */
#define PEER_CLOSE_MS    2000u         /* patience for a DPA, and for the other side's FIN */

struct peer_source {
	void (*ready)(struct peer_source *, uint32_t epoll_events);
	void (*bury)(struct peer_source *);
	struct peer_source *next_grave;
	bool dead;
	bool loose;                       /* nobody else keeps it: what is in the grave when the loop ends is buried */
};

bool peer_loop_add(struct peer_loop *, int fd, uint32_t events, struct peer_source *);
bool peer_loop_change(struct peer_loop *, int fd, uint32_t events, struct peer_source *);
/* Closes it.  Not by close() alone: as long as a child that has not yet called
 * exec() holds the descriptor too, epoll goes on telling of it. */
void peer_loop_close(struct peer_loop *, int fd);
void peer_loop_kill(struct peer_loop *, struct peer_source *);
void peer_loop_enlist(struct peer_loop *, struct peer *);        /* now one of the loop's peers */
void peer_loop_delist(struct peer_loop *, struct peer *);
void peer_loop_flush_later(struct peer_loop *, struct peer *);
/* peer_handshake_step() will be called when it is this one's turn. */
void peer_loop_handshake_later(struct peer_loop *, struct peer *);
bool peer_loop_shares(const struct peer_loop *);                 /* is there a handshake share? */
uint8_t *peer_loop_scratch(struct peer_loop *, size_t *size);    /* good until the callback returns */
struct peer_listener **peer_loop_listeners(struct peer_loop *);  /* head of the list */
void peer_loop_session(struct peer_loop *, uint32_t *high, uint32_t *low);

/* What all connections of one peer_connect() or peer_listen() share. */
struct peer_setup {
	unsigned refs;
	struct peer_conf conf;             /* every string in it is ours */
	const struct peer_transport *transport;
	bool use_tls;
	gnutls_certificate_credentials_t cred;
	gnutls_priority_t priority;
	int keylog_fd;                     /* -1: none */
};
struct peer_setup *peer_setup_new(const struct peer_conf *, bool server, char *err, size_t err_size);
void peer_setup_drop(struct peer_setup *);

enum peer_io { IO_OK, IO_AGAIN, IO_EOF, IO_FAILED };   /* IO_FAILED: peer.why says it */

/* How octets get over. */
struct peer_transport {
	bool records;                      /* recv gives whole messages */
	bool messages;                     /* send takes one whole message */
	bool handshakes;                   /* there is something between the carrier and the CER */
	bool (*begin)(struct peer *);      /* the carrier is up; false: no memory */
	enum peer_io (*handshake)(struct peer *);
	enum peer_io (*recv)(struct peer *, void *buf, size_t size, size_t *got);
	enum peer_io (*send)(struct peer *, const void *p, size_t n, size_t *sent);   /* messages: *sent is n */
	void (*bye)(struct peer *);        /* our last word (close_notify), no more of us after it; best effort */
	void (*close)(struct peer *);      /* releases what begin and the carrier took; not peer.fd, not peer.tls */
	void (*security)(const struct peer *, char *out, size_t size);
	bool (*local)(const struct peer *, struct sockaddr_storage *);   /* our address of this connection */
	/* Where there is no peer.fd. */
	bool (*connect)(struct peer *, const struct addrinfo *);   /* begins to; false: errno */
	enum peer_io (*connected)(struct peer *);                  /* IO_FAILED: errno */
	void (*want)(struct peer *, uint32_t epoll_events);        /* events that peer.src shall be told of */
	void (*half_close)(struct peer *);                         /* no more of us after what is queued */
	size_t (*room)(const struct peer *);                       /* octets of the longest message; NULL: any */
};
extern const struct peer_transport peer_tcp, peer_tls_tcp, peer_sctp, peer_dtls_sctp;

/* tls.c */
bool peer_tls_load(struct peer_setup *, bool server, char *err, size_t err_size);
void peer_tls_unload(struct peer_setup *);
/* A session on whatever carrier; the transport sets its push and pull.  extra: flags of gnutls_init(). */
bool peer_tls_session_new(struct peer *, unsigned extra);
enum peer_io peer_tls_handshake(struct peer *);
enum peer_io peer_tls_recv(struct peer *, void *buf, size_t size, size_t *got);
int peer_tls_keylog(gnutls_session_t, const char *label, const gnutls_datum_t *secret);   /* if there is a file for it */
void peer_tls_security(const struct peer *, char *out, size_t size);

enum peer_state {
	ST_CONNECT, ST_TLS, ST_WAIT_CEA, ST_WAIT_CER,
	ST_WAIT_ADMIT,  /* the owner has the CER and thinks about it */
	ST_OPEN,
	ST_CLOSING,     /* a DPR went one way or the other */
	ST_DRAIN,       /* we have sent our last octet; waiting for the other side's */
};

struct peer_held;   /* an answer that is held back on purpose */

struct peer {
	struct peer_source src;
	struct peer_loop *loop;
	struct peer *prev, *next, *next_flush;
	struct peer *next_handshake;
	bool in_flush, in_handshake, close_when_sent, heard, aborted;   /* heard: octets of the handshake have come */
	enum peer_end end;
	struct peer_setup *setup;
	const struct peer_transport *transport;
	void *carrier;                    /* the transport's */
	struct peer_ops ops;
	void *user;
	bool server;
	enum peer_state state;
	int fd;
	uint32_t interest;                /* epoll events asked for */
	char *why;                        /* why it is over; the first reason stays; NULL: none yet */
	char address[64];
	int64_t arrived_ms, moved_ms;     /* moved: when the queue got shorter last, or began */
	uint64_t stall;                   /* timer */

	struct addrinfo *addrs, *addr;    /* client: candidates, and the one being tried */
	char *host;
	gnutls_session_t tls;
	bool handshake_wants_write;
	size_t tls_unsent;                /* octets of a record that GnuTLS still holds */
	unsigned warnings;                /* alerts that ended nothing */

	uint8_t *in;                      /* a message that is not whole yet; NULL: none */
	size_t in_n, in_cap;
	uint8_t *out;
	size_t out_at, out_n, out_cap;    /* unsent: out[out_at .. out_n) */
	struct peer_held *held;

	uint64_t deadline;                /* timer: connecting, closing */
	uint64_t watchdog;                /* timer */
	uint64_t reread;                  /* timer: more to read than one round's share */
	int64_t last_rx_ms;
	unsigned dwr_missed;
	uint32_t hbh, e2e, base_hbh;      /* base_hbh: of the CER or DPR that waits for its answer */
	char *remote_host, *remote_realm; /* NULL before the CER or CEA */
	uint8_t *cer;                     /* ST_WAIT_ADMIT: what the CEA will answer */
	size_t cer_n;
};

/* conn.c */
void peer_close(struct peer *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void peer_end_as(struct peer *, enum peer_end, const char *fmt, ...) __attribute__((format(printf, 3, 4)));   /* peer_close() with its kind */
void peer_close_after_flush(struct peer *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool peer_queue(struct peer *, const uint8_t *msg, size_t n);    /* in any state; traces */
void peer_flush(struct peer *);
void peer_set_deadline(struct peer *, uint32_t in_ms);
void peer_clear_deadline(struct peer *);
void peer_update_interest(struct peer *);
struct peer *peer_new(struct peer_loop *, struct peer_setup *, const struct peer_ops *, bool server);
/* A connection that has come: `carrier` is for the transport; fd may be -1.  False: nothing was taken. */
bool peer_adopt(struct peer_loop *, struct peer_setup *, const struct peer_ops *, int fd, void *carrier,
                const struct sockaddr *);
void peer_address_text(const struct sockaddr *, char *out, size_t size);
void peer_handshake_step(struct peer *);
void peer_connected(struct peer *);                              /* client: the carrier is up */
void peer_read(struct peer *);                                   /* takes what has come */

/* connect.c */
void peer_connect_ready(struct peer *);
void peer_no_delay(int fd);
bool peer_tcp_local(const struct peer *, struct sockaddr_storage *);
void peer_free(struct peer *);                                   /* without a word to the owner */

/* listen.c */
void peer_listener_free(struct peer_listener *);
/* A connection for it, that needs no fd; false: nothing was taken. */
bool peer_listener_adopt(struct peer_listener *, void *carrier, const struct sockaddr *);

/* sctp.c */
struct assoc_port;
/* addr may be NULL: any; fd: see peer_listen_packets(), or -1; taken over, also when the call fails.  NULL: `err`. */
struct assoc_port *peer_sctp_listen(struct peer_listener *, struct peer_loop *, const struct peer_conf *, const char *addr,
                                    uint16_t port, int fd, char *err, size_t err_size);
uint16_t peer_sctp_port(const struct assoc_port *);
void peer_sctp_unlisten(struct assoc_port *);

/* base.c */
void peer_base_start(struct peer *);                             /* the transport is up */
void peer_base_message(struct peer *, const uint8_t *msg, size_t n);
#define PEER_CAUSE_REBOOTING   0u
#define PEER_CAUSE_DO_NOT_WANT 2u      /* DO_NOT_WANT_TO_TALK_TO_YOU */
void peer_base_dpr(struct peer *, uint32_t cause);
