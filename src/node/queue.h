/* queue.h - what the service thread is told: a bounded queue of events.
 *
 * Ends of what the ports were asked come first, in their order.  Requests and
 * audit rows come in flows, one for each source, that are served in turn; when
 * the queue is full, the longest flow makes room.  So one that floods waits for
 * itself, and costs others nothing. */
#pragma once
#include <pthread.h>
#include "map.h"
#include "service.h"

enum iwf_event_kind { IWF_EV_DAR, IWF_EV_DRR, IWF_EV_SIA, IWF_EV_DTA, IWF_EV_DNA, IWF_EV_PEER_UP, IWF_EV_AUDIT };

struct iwf_event {
	struct iwf_event *next;
	enum iwf_event_kind kind;
	uint64_t source;                  /* of a request: hash of who sent it */
	union {
		struct tsp_dar *dar;          /* owned */
		struct t4_drr drr;
		struct { uint64_t query; struct s6m_sia sia; } sia;
		struct { uint64_t txn; struct t4_dta dta; } dta;
		struct { int64_t report; struct tsp_dna dna; } dna;
		char host[IWF_DIAMID_MAX + 1];
		struct iwf_audit *audit;      /* owned */
	} u;
};
struct iwf_event *iwf_event_new(enum iwf_event_kind kind);   /* NULL without memory */
void iwf_event_free(struct iwf_event *);                      /* NULL is fine */
struct iwf_audit *iwf_audit_dup(const struct iwf_audit *);    /* one block, free() releases it; NULL without memory */

struct iwf_flow;
struct iwf_queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct iwf_event *first, **last;  /* ends */
	struct iwf_flow *turn;            /* ring of the flows that have something; the one after it is served next */
	struct iwf_map flows;
	size_t n, max;                    /* in all flows */
	size_t all, wake_at;              /* with the ends; how many of them wake who takes */
	size_t taken;                     /* the last time */
	bool held, stopping;
};
bool iwf_queue_init(struct iwf_queue *, size_t max);            /* false: no memory */
void iwf_queue_set_max(struct iwf_queue *, size_t max);
/* What is not taken is given back, and now the caller's: NULL, or this event
 * (full of longer waiting, or stopping), or another that had to make room for it.
 * Requests and audit rows only; ends are always taken. */
struct iwf_event *iwf_queue_put(struct iwf_queue *, struct iwf_event *);
/* Up to `most` events as a list; NULL when none came within wait_ms.  Who would be given few waits for more: for gather_us
 * from the call on, if they were many the last time, and while the queue is held, but no longer than wait_ms. */
struct iwf_event *iwf_queue_take(struct iwf_queue *, size_t most, unsigned wait_ms, unsigned gather_us, bool *stopping);
/* For as long as what is taken could get no further. */
void iwf_queue_hold(struct iwf_queue *, bool held);
void iwf_queue_stop(struct iwf_queue *);
void iwf_queue_destroy(struct iwf_queue *);
