/* peer_int.h - what the files of src/peer know of each other.
 *
 * Ownership: the loop owns everything that epoll watches.  Nothing is freed
 * where it dies: it goes to the loop's grave and is buried (owner told, memory
 * released) between two rounds, so a callback may kill what called it. */
#pragma once
#include <gnutls/gnutls.h>
#include <netdb.h>
#include "peer.h"

#define PEER_MAX_MESSAGE (1u << 20)    /* octets; a longer one closes the connection */
#define PEER_MAX_QUEUE   (16u << 20)   /* octets that wait to be sent */
#define PEER_CLOSE_MS    2000u         /* patience for a DPA, and for the other side's FIN */

struct peer_source {
	void (*ready)(struct peer_source *, uint32_t epoll_events);
	void (*bury)(struct peer_source *);
	struct peer_source *next_grave;
	bool dead;
	bool loose;              /* nobody else keeps it: what is in the grave when the loop ends is buried */
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
struct peer_listener **peer_loop_listeners(struct peer_loop *);  /* head of the list */
void peer_loop_session(struct peer_loop *, uint32_t *high, uint32_t *low);

/* What all connections of one peer_connect() or peer_listen() share. */
struct peer_setup {
	unsigned refs;
	struct peer_conf conf;             /* every string in it is ours */
	bool use_tls;
	gnutls_certificate_credentials_t cred;
	gnutls_priority_t priority;
	int keylog_fd;                     /* -1: none */
};
struct peer_setup *peer_setup_new(const struct peer_conf *, bool server, char *err, size_t err_size);
void peer_setup_drop(struct peer_setup *);

/* tls.c */
bool peer_tls_load(struct peer_setup *, bool server, char *err, size_t err_size);
void peer_tls_unload(struct peer_setup *);
enum peer_io { IO_OK, IO_AGAIN, IO_EOF, IO_FAILED };   /* IO_FAILED: peer.why says it */
bool peer_tls_begin(struct peer *);
enum peer_io peer_tls_handshake(struct peer *);
enum peer_io peer_tls_recv(struct peer *, void *buf, size_t size, size_t *got);
enum peer_io peer_tls_send(struct peer *, const void *p, size_t n, size_t *sent);

enum peer_state {
	ST_CONNECT, ST_TLS, ST_WAIT_CEA, ST_WAIT_CER, ST_OPEN,
	ST_CLOSING,     /* a DPR went one way or the other */
	ST_DRAIN,       /* we have sent our last octet; waiting for the other side's */
};

struct peer_held;   /* an answer that is held back on purpose */

struct peer {
	struct peer_source src;
	struct peer_loop *loop;
	struct peer *prev, *next, *next_flush;
	bool in_flush, close_when_sent;
	struct peer_setup *setup;
	struct peer_ops ops;
	void *user;
	bool server;
	enum peer_state state;
	int fd;
	uint32_t interest;                /* epoll events asked for */
	char why[256];                    /* why it is over; the first reason stays */
	char address[80];

	struct addrinfo *addrs, *addr;    /* client: candidates, and the one being tried */
	char *host;
	gnutls_session_t tls;
	bool handshake_wants_write;
	size_t tls_unsent;                /* octets of a record that GnuTLS still holds */

	uint8_t *in;
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
	char remote_host[256], remote_realm[256];
};

/* conn.c */
void peer_close(struct peer *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void peer_fail_why(struct peer *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void peer_close_after_flush(struct peer *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool peer_queue(struct peer *, const uint8_t *msg, size_t n);    /* in any state; traces */
void peer_flush(struct peer *);
void peer_set_deadline(struct peer *, uint32_t in_ms);
void peer_clear_deadline(struct peer *);
void peer_update_interest(struct peer *);
struct peer *peer_new(struct peer_loop *, struct peer_setup *, const struct peer_ops *, bool server);
bool peer_adopt(struct peer_loop *, struct peer_setup *, const struct peer_ops *, int fd, const struct sockaddr *);
void peer_free(struct peer *);                                   /* without a word to the owner */

/* listen.c */
void peer_listener_free(struct peer_listener *);

/* base.c */
void peer_base_start(struct peer *);                             /* the transport is up */
void peer_base_message(struct peer *, const uint8_t *msg, size_t n);
void peer_base_dpr(struct peer *);
