/* trigger.h - the life of one row of the journal, as a table.
 *
 * A row is a trigger, a replace (which is a trigger that names another) or a
 * recall.  Pure: no store, no clock.  The table is printed by
 * `iwfctl trigger states` and compared in full by tests/unit/check_trigger.c. */
#pragma once
#include "iwf_err.h"

#define TRG_STATE_LIST(X) /* name, value on disk, word, final? */ \
	X(TRG_SUBMITTING,     1, "submitting",    false) /* on disk; the SMS-SC has not answered */ \
	X(TRG_PENDING,        2, "pending",       false) /* the SMS-SC has it; no report yet */ \
	X(TRG_RECALLING,      3, "recalling",     false) /* pending, and a recall is under way */ \
	X(TRG_REPLACING,      4, "replacing",     false) /* pending, and a replace is under way */ \
	X(TRG_DELIVERED,      5, "delivered",     true) \
	X(TRG_UNDELIVERABLE,  6, "undeliverable", true) \
	X(TRG_EXPIRED,        7, "expired",       true)  /* the SMS-SC says so */ \
	X(TRG_UNCONFIRMED,    8, "unconfirmed",   true)  /* validity ended and nobody said anything */ \
	X(TRG_RECALLED,       9, "recalled",      true) \
	X(TRG_REPLACED,      10, "replaced",      true) \
	X(TRG_REFUSED,       11, "refused",       true)  /* the SMS-SC or HSS said no */ \
	X(TRG_UNCERTAIN,     12, "uncertain",     true)  /* no answer from the SMS-SC: it may have it, a report still counts */ \
	X(TRG_DONE,          13, "done",          true)  /* a recall that succeeded */

#define TRG_EVENT_LIST(X) \
	X(EV_ACCEPTED,       "accepted")      /* DTA 2001 for this row */ \
	X(EV_REFUSED,        "refused")       /* DTA with an error */ \
	X(EV_NO_ANSWER,      "no-answer")     /* DTR timed out, or the last SMS-SC was out of reach */ \
	X(EV_RECALL,         "recall")        /* a recall of this trigger begins */ \
	X(EV_RECALL_OK,      "recall-ok") \
	X(EV_RECALL_FAILED,  "recall-failed") \
	X(EV_REPLACE,        "replace")       /* a replace of this trigger begins */ \
	X(EV_REPLACE_OK,     "replace-ok") \
	X(EV_REPLACE_FAILED, "replace-failed") \
	X(EV_DELIVERED,      "delivered")     /* DRR */ \
	X(EV_UNDELIVERABLE,  "undeliverable") /* DRR */ \
	X(EV_EXPIRED,        "expired")       /* DRR */ \
	X(EV_VALIDITY_OVER,  "validity-over") /* our own clock, after the grace */

#define X(name, val, word, is_final) name = val,
enum trg_state { TRG_STATE_LIST(X) };
#undef X
#define X(name, word) name,
enum trg_event { TRG_EVENT_LIST(X) TRG_EVENTS };
#undef X

/* What has to follow a move. */
#define TRG_FX_ANSWER 0x1u  /* the SCS is told (DAA) */
#define TRG_FX_NOTIFY 0x2u  /* a report goes to the SCS (DNR) */
#define TRG_FX_DTR    0x4u  /* a request goes to the SMS-SC */

struct trg_rule { enum trg_state from; enum trg_event event; enum trg_state to; unsigned effects; };

/* The rule, or NULL: that event means nothing in that state and nothing moves. */
const struct trg_rule *trg_rule(enum trg_state from, enum trg_event event);
const struct trg_rule *trg_rules(size_t *n);

const char *trg_state_str(enum trg_state state);  /* "?" for a value not in the list */
const char *trg_event_str(enum trg_event event);
bool trg_state_is_final(enum trg_state state);
enum tsp_outcome trg_state_outcome(enum trg_state state);  /* Delivery-Outcome that a report of this final state carries */
