/* dtls.h - what a connection sends and receives over an SCTP association: DTLS
 * records (RFC 6083) or Diameter messages as they are.
 *
 * A user message is one record, or one Diameter message.  The keys of SCTP-AUTH follow
 * the handshake: key 1 is known as soon as there is a master secret, and used from Finished on. */
#pragma once
#include "sctp.h"

#define DTLS_RECORD_MAX 16384u         /* octets of a user message under DTLS (RFC 6083 3.3) */

struct sctp_link;

/* IO_FAILED has always told peer_say_why(), or errno while connecting. */
struct sctp_link *peer_link_new(struct assoc *);                 /* takes the association over */
void peer_link_belong(struct sctp_link *, struct peer *, assoc_ready *);
void peer_link_free(struct sctp_link *, bool abort);
/* GnuTLS shall talk through the link.  False: the peer has not agreed to authenticate DATA. */
bool peer_link_secure(struct sctp_link *, gnutls_session_t);
/* The handshake is over: nothing may be authenticated with the empty key any more. */
void peer_link_secured(struct sctp_link *);
/* Octets of Diameter that one user message takes. */
size_t peer_link_room(const struct sctp_link *);
/* What GnuTLS has said goes out as far as it can.  IO_AGAIN: not all of it yet. */
enum peer_io peer_link_flush(struct sctp_link *);
/* Client: IO_OK once the association stands. */
enum peer_io peer_link_connected(struct sctp_link *);
/* Without DTLS. */
enum peer_io peer_link_send(struct sctp_link *, const void *p, size_t n);
enum peer_io peer_link_recv(struct sctp_link *, void *buf, size_t size, size_t *got);
void peer_link_want(struct sctp_link *, uint32_t epoll_events);
void peer_link_shutdown(struct sctp_link *);                     /* after what waits to go out */
/* Receives and forgets, until the other side has ended too. */
enum peer_io peer_link_drain(struct sctp_link *, void *buf, size_t size, size_t *got);
bool peer_link_local(const struct sctp_link *, struct sockaddr_storage *);
