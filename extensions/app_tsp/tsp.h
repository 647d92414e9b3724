/* tsp.h - Tsp (TS 29.368) on freeDiameter: messages to core structs and back.
 *
 * Only translation: which SCS may do what is decided in the core. */
#pragma once
#include "fdx.h"

#define TSP_APP        16777309u
#define TSP_CODE_DAR   8388639u

/* Set once, by the entry. */
extern struct tsp_app { struct iwf_node *node; struct dict_object *dnr; } tsp_app;

/* What is wrong with a request, what of a DAR its answer repeats (0 and a trigger
 * where that could not be read), and what it was before it was made a DAR. */
struct tsp_fault {
	struct dia_fault grammar;
	uint32_t reference, action;
	bool misrouted, proxiable;
	uint32_t code, app;
};

/* From here on every request is looked at when it arrives. */
int tsp_intake_start(void);
void tsp_intake_stop(void);
/* True: that request is faulty.  Tells it once. */
bool tsp_intake_take(const struct msg *request, struct tsp_fault *out);

/* Every AVP that this extension reads or writes. */
bool tsp_find_avps(void);

/* Fills *dar with views into the message, which must stay as it is.  The grammar
 * has been checked by freeDiameter's rules.  False: a value is not one that a DAR
 * may have; tsp_refuse() says so to the SCS. */
bool tsp_decode_dar(struct msg *msg, struct tsp_dar *dar);

/* Answers a DAR as the core has decided.  Takes the message. */
void tsp_answer(struct msg *request, const struct tsp_daa *daa);
/* The same when the node has no room: DIAMETER_TOO_BUSY. */
void tsp_answer_busy(struct msg *request);
/* Answers a DAR whose grammar is broken, Failed-AVP and all, and audits it; NULL:
 * nobody knows what is wrong with it.  Takes the message. */
void tsp_refuse(struct msg *request, const struct tsp_fault *fault);
/* The same in place, for an answer that freeDiameter has begun to build. */
void tsp_mend_refusal(struct msg *answer);

/* ---- agents (tsp.trusted_agents) */
bool tsp_is_agent(struct iwf_view host);
/* What an agent in front of an SCS says of its connection: Proxy-Info { Proxy-Host = agent, Proxy-State = "1 ADDRESS
 * SHA-256" }.  *peer stays as it is where that is not there. */
void tsp_read_proxy_info(struct msg *msg, struct iwf_view agent, struct iwf_peer_info *peer);
/* An SCS has asked something through that agent: its reports go that way, and those that failed are sent now. */
void tsp_route_seen(struct iwf_view scs, struct iwf_view agent);
void tsp_route_failed(const char *scs);
/* Reports reach the SCS that they are for, or an agent, and nobody else. */
int tsp_route_start(void);
void tsp_route_stop(void);

/* From here on no message takes a secret of the inside to whoever is outside. */
int tsp_guard_start(void);
void tsp_guard_stop(void);

/* And nothing of what messages hold is in freeDiameter's lines in the log (log.private_data). */
int tsp_log_start(void);
void tsp_log_stop(void);

/* tsp_stop.c: what is under way is finished before freeDiameter disconnects. */
int tsp_stop_start(void);
void tsp_stop_stop(void);

/* Sends a report; its end goes to the node. */
void tsp_notify(int64_t report, uint32_t timeout_ms, const struct tsp_dnr *dnr);
