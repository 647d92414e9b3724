/* node.h - the running MTC-IWF: one service thread that owns the core and its
 * store, fed by a bounded queue; and the ports through which Tsp, S6m and T4
 * adapters are attached to it.
 *
 * The service thread takes what is queued, handles all of it in one store
 * transaction, commits once, and then hands the effects to the sender, which
 * sees that it is on disk and then carries them out through the ports, one after
 * the other: no answer leaves before what it says is on disk, and a busy node
 * shares one fsync among many requests.  All post functions return at once.
 *
 * Knows no Diameter library: tests attach ports of their own. */
#pragma once
#include "conf.h"
#include "service.h"

struct iwf_node;

/* What an adapter does for the node.  Called by the sender's thread, the answers
 * also by whoever posts.  Every call but the answers ends in exactly one iwf_node_post_*() with
 * the same number, whatever happens; the node keeps its own deadline besides,
 * and ignores what comes twice or late. */
struct iwf_tsp_port {
	void (*answer)(void *ctx, iwf_token token, const struct tsp_daa *daa);
	void (*notify)(void *ctx, int64_t report, uint32_t timeout_ms, const struct tsp_dnr *dnr);
	void *ctx;
};
struct iwf_s6m_port {
	void (*ask)(void *ctx, uint64_t query, const struct iwf_target *to, uint32_t timeout_ms, const struct s6m_sir *sir);
	void *ctx;
};
struct iwf_t4_port {
	void (*submit)(void *ctx, uint64_t txn, const struct iwf_target *to, uint32_t timeout_ms, const struct t4_dtr *dtr);
	void (*answer)(void *ctx, iwf_token token, const struct t4_dra *dra);
	void *ctx;
};

/* The node of this process, made from that configuration file at the first call
 * and started by iwf_node_start(); a later call with another file fails.  NULL:
 * `err` (of that size) says why, with file and line where there is one. */
struct iwf_node *iwf_node_get(const char *conf_file, char *err, size_t err_size);
const struct iwf_conf *iwf_node_conf(const struct iwf_node *);
void iwf_node_attach_tsp(struct iwf_node *, const struct iwf_tsp_port *);
void iwf_node_attach_s6m(struct iwf_node *, const struct iwf_s6m_port *);
void iwf_node_attach_t4(struct iwf_node *, const struct iwf_t4_port *);
/* False and `err` if the thread or its store cannot be had. */
bool iwf_node_start(struct iwf_node *, char *err, size_t err_size);
/* Ends the thread: takes no more, handles what is queued, waits for it, and
 * answers what is still waiting through the ports.  Each extension calls it
 * before anything of itself goes away; the first call does it.  The last release
 * frees the node. */
void iwf_node_stop(struct iwf_node *);
void iwf_node_put(struct iwf_node *);

/* For Session-Ids: never twice, not over restarts either (RFC 6733 8.8). */
uint64_t iwf_node_session_number(void);

/* False: the queue is full or the node is stopping, nothing was taken, and the
 * caller answers itself (DIAMETER_TOO_BUSY).  A DAR is taken over when true.
 * Before it returns, the port may be asked to answer another one so, which had
 * to make room: of a source that has more in the queue. */
bool iwf_node_post_dar(struct iwf_node *, struct tsp_dar *dar);
bool iwf_node_post_drr(struct iwf_node *, const struct t4_drr *drr);
/* Ends of what the ports were asked to do: always taken.  sia.nodes is taken over. */
void iwf_node_post_sia(struct iwf_node *, uint64_t query, const struct s6m_sia *sia);
void iwf_node_post_dta(struct iwf_node *, uint64_t txn, const struct t4_dta *dta);
void iwf_node_post_dna(struct iwf_node *, int64_t report, const struct tsp_dna *dna);
/* A Diameter connection has come up: an SCS gets its reports, and the first
 * SMS-SC lets the node finish what a crash left half done. */
void iwf_node_post_peer_up(struct iwf_node *, const char *host);
/* Strings are copied; dropped with a log line when the queue is full. */
void iwf_node_post_audit(struct iwf_node *, const struct iwf_audit *);

/* Reads the scs row on the calling thread, on a store connection of its own. */
enum iwf_err iwf_node_scs_by_host(struct iwf_node *, const char *host, struct iwf_scs *out);
