/* gw_proxy.h - the Diameter proxy agent between SCSs and nodes (RFC 6733 2.8.2, 6.1, 6.2): Hop-by-Hop identifiers,
 * Route-Record, the choice of a node, fail-over with the T flag, and what of the inside may be seen outside.
 * Each request is answered exactly once.  No I/O, no clock: messages go out through ports.
 *
 * A DAR goes inside with our Route-Record (its sender's name), without a Destination-Host, with the node's realm, and
 * with one Proxy-Info { Proxy-Host = our identity, Proxy-State = "1 ADDRESS CERT-SHA256" } so that the node's audit can
 * say from where it came.  Its answer goes out with our Origin, with the AVPs only that the grammar of the answer has
 * (TS 29.368 6.2), and without Route-Record, Proxy-Info of ours, Error-Reporting-Host and any text with a name of the
 * inside.  A DNR goes out likewise, with a Session-Id of ours. */
#pragma once
#include "gw_gate.h"

/* Octets of a message from an SCS that may go inside.  freeDiameter breaks off the connection, and with it everybody's,
 * at one of more than 65535; room is left for what a proxy puts in. */
#define GW_INSIDE_MAX (65535u - 1024u)

struct gw_proxy;
struct gw_proxy_node { const char *host, *realm; uint16_t priority; };
struct gw_proxy_conf {
	const char *identity, *realm;
	const struct gw_proxy_node *nodes; size_t nnodes;
	uint32_t in_flight, in_flight_per_scs;   /* per_scs: from it, and as many to it */
	uint32_t answer_timeout_ms;
	uint32_t session_high;         /* of our Session-Ids (RFC 6733 8.8): another one each time the gateway starts */
};
struct gw_proxy_ports {
	/* False: that connection is gone, or its queue is full; then the message is lost. */
	bool (*to_scs)(void *ctx, uint64_t conn, const uint8_t *msg, size_t n);
	bool (*to_node)(void *ctx, unsigned node, const uint8_t *msg, size_t n);
	void *ctx;
};
struct gw_proxy_stats { uint64_t dars, daas, dnrs, dnas, retried, timeouts, no_node, too_busy, late_answers, strays; size_t in_flight; };

struct gw_proxy *gw_proxy_new(const struct gw_proxy_conf *, const struct gw_proxy_ports *);  /* conf is copied */
void gw_proxy_free(struct gw_proxy *);
/* A connection of an SCS is open; `conn` is never used again.  Several may have the same host: DNRs go to the newest. */
bool gw_proxy_scs_open(struct gw_proxy *, uint64_t conn, const char *host, const char *realm, const char *address, const char *cert_sha256);
/* Its requests under way need no answer any more; DNRs that wait for its answer are answered 3002 to the node. */
void gw_proxy_scs_closed(struct gw_proxy *, uint64_t conn);
void gw_proxy_node_up(struct gw_proxy *, unsigned node);
/* What waits for that node's answer goes to another one with the T flag, or is answered 3002. */
void gw_proxy_node_down(struct gw_proxy *, unsigned node, int64_t now_ms);
/* A request that has passed the gate, or the answer to a DNR.  RS_NONE, RS_IN_FLIGHT (answered 3004), RS_NO_NODE
 * (3002) or RS_MESSAGE_SIZE (above GW_INSIDE_MAX, 5015): answered in every case. */
enum iwf_reason gw_proxy_from_scs(struct gw_proxy *, uint64_t conn, const uint8_t *msg, size_t n, int64_t now_ms);
void gw_proxy_from_node(struct gw_proxy *, unsigned node, const uint8_t *msg, size_t n, int64_t now_ms);
/* Deals with what is overdue; milliseconds until it should be called again, at most 1000. */
uint32_t gw_proxy_tick(struct gw_proxy *, int64_t now_ms);
void gw_proxy_stats(const struct gw_proxy *, struct gw_proxy_stats *out);
