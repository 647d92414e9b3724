/* peer.h - Diameter peers on epoll and GnuTLS: one thread, any number of
 * connections, client or server, over TCP, TLS/TCP, SCTP or DTLS/SCTP.
 *
 * The base protocol (CER/CEA, DWR/DWA, DPR/DPA) is handled inside; the owner
 * sees applications' messages only, requests of applications that it does not
 * advertise are answered 3007, what is longer than max_message is answered 5015, and
 * that or what is no Diameter closes the connection.  A loop and all its peers belong to one thread.  Everything a
 * real endpoint would not do has a switch in struct peer_misbehave, off by default. */
#pragma once
#include <sys/socket.h>
#include "wire.h"

struct gnutls_session_int;
struct gnutls_certificate_credentials_st;

struct peer_loop;
struct peer;
struct peer_listener;

struct peer_tls {                 /* all paths; NULL ca: no TLS; "": TLS that trusts nobody (for no_verify) */
	const char *cert, *key, *ca;  /* a client may do without cert and key, if the server lets it */
	const char *priority;         /* GnuTLS priority; NULL: the profile of TS 33.310 / 33.210 6.2 */
	const char *keylog;           /* NSS key log file for captures, or NULL */
	const char *ocsp_response;    /* DER, about cert: sent with it (RFC 8446 4.4.2.1); or NULL */
	/* Instead of cert, key and ca: credentials made by the owner.  Taken over, also when the call
	 * fails; freed with the last connection that uses them. */
	struct gnutls_certificate_credentials_st *credentials;
};

enum peer_sctp_stack { PEER_SCTP_AUTO, PEER_SCTP_KERNEL, PEER_SCTP_USER };  /* auto: the kernel's, where it has one */
struct peer_sctp {                /* with tls: DTLS over SCTP (RFC 6083, PPID 47); without: plain SCTP (PPID 46) */
	bool on;
	enum peer_sctp_stack stack;
	/* SCTP in UDP (RFC 6951); 0: in bare IP, for which the user-space stack needs CAP_NET_RAW.  Server: the port it listens
	 * on.  Client: the server's.  With the kernel's stack only a client needs to say it, and net.sctp.udp_port has
	 * to be set; with AUTO it makes the choice the user-space stack. */
	uint16_t udp_port;
	const char *const *addrs; size_t naddrs;     /* kernel stack: more addresses of our own (multihoming) */
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
	/* Server, since the connection came; 0: connect_timeout_ms is all there is. */
	uint32_t hello_timeout_ms;    /* first octets of the ClientHello */
	uint32_t handshake_timeout_ms;
	uint32_t max_message;         /* octets; 0: 1 MiB */
	uint32_t max_queue;           /* octets that wait to be sent; 0: 16 MiB */
	uint32_t stall_timeout_ms;    /* closes a peer whose queue has not moved for so long; 0: never */
	struct peer_sctp sctp;
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
	/* The rest is for servers; each may be NULL. */
	/* Somebody connects, nothing has been exchanged yet.  False closes it without a word, PEER_CLOSED follows. */
	bool (*arrived)(struct peer *, const struct sockaddr *from, void *ctx);
	/* Called inside the TLS handshake instead of our own check against tls.ca.  0: trusted; otherwise an error
	 * code of GnuTLS, whose alert ends the handshake; say why with peer_say_why(). */
	int (*verify)(struct peer *, void *ctx);
	/* A CER whose grammar is right and that has an application in common with us.  2001 takes the peer in; another
	 * Result-Code refuses it, with *why as Error-Message (not NULL then); 0: peer_admit() will say later. */
	uint32_t (*admit)(struct peer *, const uint8_t *cer, size_t n, const char **why, void *ctx);
	void *ctx;
};

struct peer_loop *peer_loop_new(void);
/* Connections that are open come first: handshakes get at most this much of each round; 0, the default: any. */
void peer_loop_handshake_share(struct peer_loop *, uint32_t microseconds);
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
/* On a stream socket that is bound and listening already; taken over. */
struct peer_listener *peer_listen_fd(struct peer_loop *, const struct peer_conf *, int fd, const struct peer_ops *,
                                     char *err, size_t err_size);
/* With conf.sctp, in the user-space stack: on a socket for its packets that is bound already, of UDP or of IP protocol 132
 * (SOCK_RAW), IPv4 or IPv6; taken over.  port: of SCTP. */
struct peer_listener *peer_listen_packets(struct peer_loop *, const struct peer_conf *, int fd, uint16_t port,
                                          const struct peer_ops *, char *err, size_t err_size);
/* From now on for new connections (certificates, limits); those that are there keep what they have.  False: `err`,
 * and nothing has changed. */
bool peer_listener_reload(struct peer_listener *, const struct peer_conf *, char *err, size_t err_size);
uint16_t peer_listener_port(const struct peer_listener *);
void peer_listener_close(struct peer_listener *);

/* What peer_ops.admit left open.  Does nothing if the connection is not waiting for it any more. */
void peer_admit(struct peer *, uint32_t result, const char *why);
/* The kind of end, for PEER_CLOSED and after peer_say_why(). */
enum peer_end {
	PEER_END_OTHER, PEER_END_HANDSHAKE, PEER_END_SLOW /* handshake or CER not in time */, PEER_END_CER /* refused */,
	PEER_END_FRAMING, PEER_END_SIZE, PEER_END_STALLED, PEER_END_WATCHDOG, PEER_END_DPR, PEER_END_REMOTE /* it closed */,
};
enum peer_end peer_end(const struct peer *);
/* Notes why a connection ends; the first reason stays. */
void peer_say_why(struct peer *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The session beneath, for its certificates; NULL: no TLS. */
struct gnutls_session_int *peer_tls_session(const struct peer *);
/* Queues the bytes, whatever they are; false: not open, no memory, or max_queue octets are waiting already.  Over SCTP they
 * have to be one message, of at most peer_max_send() octets: false otherwise. */
bool peer_send(struct peer *, const uint8_t *msg, size_t n);
/* For an answer that somebody waits for: as peer_send(), but a peer for which it can't be queued is broken off
 * (PEER_END_STALLED), since it would wait in vain.  False also for what is too long for the transport: then it stays. */
bool peer_send_or_end(struct peer *, const uint8_t *msg, size_t n);
size_t peer_max_send(const struct peer *);           /* SIZE_MAX: any; DTLS over SCTP: what one record holds */
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
 * What was queued before still goes out.  The cause: servers say REBOOTING, clients
 * DO_NOT_WANT_TO_TALK_TO_YOU. */
void peer_disconnect(struct peer *);
void peer_disconnect_because(struct peer *, uint32_t cause);   /* Disconnect-Cause (RFC 6733 5.4.3) */
/* Is it still there?  A DWR at once, besides the watchdog's; false: not open.  peer_silent_ms() tells how long ago the
 * last octet came. */
bool peer_probe(struct peer *);
int64_t peer_silent_ms(const struct peer *);
/* At once, without a word; PEER_CLOSED follows. */
void peer_abort(struct peer *);
