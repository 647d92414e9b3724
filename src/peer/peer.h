/* peer.h - Diameter peers on epoll and GnuTLS: one thread, any number of
 * connections, client or server.
 *
 * The base protocol (CER/CEA, DWR/DWA, DPR/DPA) is handled inside; the owner
 * sees applications' messages only, requests of applications that it does not
 * advertise are answered 3007, and what is no Diameter or longer than 1 MiB closes
 * the connection.  A loop and all its peers belong to one thread.  Everything a
 * real endpoint would not do has a switch in struct peer_misbehave, off by default. */
#pragma once
#include "wire.h"

struct peer_loop;
struct peer;
struct peer_listener;

struct peer_tls {                 /* all paths; NULL ca: no TLS; "": TLS that trusts nobody (for no_verify) */
	const char *cert, *key, *ca;  /* a client may do without cert and key, if the server lets it */
	const char *priority;         /* GnuTLS priority; NULL: the profile of TS 33.310 / 33.210 6.2 */
	const char *keylog;           /* NSS key log file for captures, or NULL */
};

struct peer_misbehave {
	bool no_cer;                  /* client: send application messages without CER */
	bool ignore_dwr;              /* never answer a watchdog */
	bool stop_reading;            /* after the CEA */
	uint32_t answer_delay_ms;     /* hold back every answer sent with peer_send */
};

struct peer_conf {
	const char *origin_host, *origin_realm, *product;
	const uint32_t *apps; size_t napps;          /* advertised as Vendor-Specific-Application-Id 10415 */
	struct peer_tls tls;
	const char *expect_host;      /* client: name that the server's certificate must carry; NULL: the peer's host argument */
	bool no_verify;               /* client: take any server certificate (tests) */
	uint32_t watchdog_s;          /* 0: 30 */
	uint32_t connect_timeout_ms;  /* TCP, TLS and CER together; 0: 10000 */
	struct peer_misbehave bad;
};

enum peer_event { PEER_OPEN, PEER_CLOSED };  /* CEA 2001 exchanged / connection over (also: never opened) */

struct peer_ops {
	/* `why` is for people: "TLS: the server's certificate is not trusted: it has
	 * expired", "CEA 3010 DIAMETER_UNKNOWN_PEER", "closed by the peer".  After
	 * PEER_CLOSED has returned, the peer is no more. */
	void (*event)(struct peer *, enum peer_event, const char *why, void *ctx);
	/* A request or answer of an application, framing checked (whole, length right), nothing else. */
	void (*message)(struct peer *, const uint8_t *msg, size_t n, void *ctx);
	/* Every message both ways, base protocol too; may be NULL. */
	void (*trace)(struct peer *, bool sent, const uint8_t *msg, size_t n, void *ctx);
	void *ctx;
};

struct peer_loop *peer_loop_new(void);
void peer_loop_free(struct peer_loop *);        /* closes everything in it; no event is told */
/* Runs until peer_loop_stop() or until timeout_ms (< 0: none) has passed; false when the time is up. */
bool peer_loop_run(struct peer_loop *, int timeout_ms);
void peer_loop_stop(struct peer_loop *);        /* also from a signal handler */
int64_t peer_now_ms(void);                      /* monotonic */
/* One shot; cancel with the number.  0 without memory. */
uint64_t peer_timer(struct peer_loop *, uint32_t in_ms, void (*fire)(void *ctx), void *ctx);
void peer_timer_cancel(struct peer_loop *, uint64_t timer);
/* Calls `ready` when fd can be read (standard input of a script). */
bool peer_watch_fd(struct peer_loop *, int fd, void (*ready)(int fd, void *ctx), void *ctx);
void peer_unwatch_fd(struct peer_loop *, int fd);

/* NULL and `err` for what is known at once (bad certificate files, no memory,
 * unresolvable name); everything later is PEER_CLOSED. conf strings are copied. */
struct peer *peer_connect(struct peer_loop *, const struct peer_conf *, const char *host, uint16_t port,
                          const struct peer_ops *, char *err, size_t err_size);
/* port 0: any, peer_listener_port() tells which. */
struct peer_listener *peer_listen(struct peer_loop *, const struct peer_conf *, const char *addr, uint16_t port,
                                  const struct peer_ops *, char *err, size_t err_size);
uint16_t peer_listener_port(const struct peer_listener *);
void peer_listener_close(struct peer_listener *);

/* Queues the bytes, whatever they are; false: not open, no memory, or 16 MiB are
 * waiting already. */
bool peer_send(struct peer *, const uint8_t *msg, size_t n);
/* Identifiers for the next request of this peer. */
uint32_t peer_next_hbh(struct peer *);
uint32_t peer_next_e2e(struct peer *);
/* Session-Id for a new request: "host;high;low". */
void peer_session_id(struct peer *, char *out, size_t size);
const char *peer_remote_host(const struct peer *);   /* Origin-Host of its CER or CEA; "" before */
const char *peer_remote_realm(const struct peer *);
const char *peer_address(const struct peer *);       /* "127.0.0.1:5868" */
void peer_security(const struct peer *, char *out, size_t size);  /* "TLS1.3 AES-128-GCM" or "TCP without TLS" */
bool peer_is_open(const struct peer *);
void *peer_user(const struct peer *);                /* a pointer of the owner's */
void peer_set_user(struct peer *, void *);
/* DPR, then close when the DPA is there or 2 s are over; PEER_CLOSED follows.
 * What was queued before still goes out. */
void peer_disconnect(struct peer *);
/* At once, without a word; PEER_CLOSED follows. */
void peer_abort(struct peer *);
