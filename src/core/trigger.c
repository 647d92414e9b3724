#include "trigger.h"

/* One row, one legal move.  A recall is a row of its own: EV_RECALL_OK and
 * EV_RECALL_FAILED end it and, at the same time, move the trigger it is about. */
static const struct trg_rule rules[] = {
	/* from            event              to                 effects */
	{ TRG_SUBMITTING,  EV_ACCEPTED,       TRG_PENDING,       TRG_FX_ANSWER },
	{ TRG_SUBMITTING,  EV_REFUSED,        TRG_REFUSED,       TRG_FX_ANSWER },
	{ TRG_SUBMITTING,  EV_NO_ANSWER,      TRG_UNCERTAIN,     TRG_FX_ANSWER },
	{ TRG_SUBMITTING,  EV_RECALL_OK,      TRG_DONE,          TRG_FX_ANSWER },
	{ TRG_SUBMITTING,  EV_RECALL_FAILED,  TRG_REFUSED,       TRG_FX_ANSWER },
	/* A report that overtakes the answer to the DTR says that it was accepted, too. */
	{ TRG_SUBMITTING,  EV_DELIVERED,      TRG_DELIVERED,     TRG_FX_ANSWER | TRG_FX_NOTIFY },
	{ TRG_SUBMITTING,  EV_UNDELIVERABLE,  TRG_UNDELIVERABLE, TRG_FX_ANSWER | TRG_FX_NOTIFY },
	{ TRG_SUBMITTING,  EV_EXPIRED,        TRG_EXPIRED,       TRG_FX_ANSWER | TRG_FX_NOTIFY },

	{ TRG_PENDING,     EV_RECALL,         TRG_RECALLING,     TRG_FX_DTR },
	{ TRG_PENDING,     EV_REPLACE,        TRG_REPLACING,     TRG_FX_DTR },
	{ TRG_PENDING,     EV_DELIVERED,      TRG_DELIVERED,     TRG_FX_NOTIFY },
	{ TRG_PENDING,     EV_UNDELIVERABLE,  TRG_UNDELIVERABLE, TRG_FX_NOTIFY },
	{ TRG_PENDING,     EV_EXPIRED,        TRG_EXPIRED,       TRG_FX_NOTIFY },
	{ TRG_PENDING,     EV_VALIDITY_OVER,  TRG_UNCONFIRMED,   TRG_FX_NOTIFY },

	{ TRG_RECALLING,   EV_RECALL_OK,      TRG_RECALLED,      0 },
	{ TRG_RECALLING,   EV_RECALL_FAILED,  TRG_PENDING,       0 },
	{ TRG_RECALLING,   EV_DELIVERED,      TRG_DELIVERED,     TRG_FX_NOTIFY },
	{ TRG_RECALLING,   EV_UNDELIVERABLE,  TRG_UNDELIVERABLE, TRG_FX_NOTIFY },
	{ TRG_RECALLING,   EV_EXPIRED,        TRG_EXPIRED,       TRG_FX_NOTIFY },
	{ TRG_RECALLING,   EV_VALIDITY_OVER,  TRG_UNCONFIRMED,   TRG_FX_NOTIFY },

	{ TRG_REPLACING,   EV_REPLACE_OK,     TRG_REPLACED,      0 },
	{ TRG_REPLACING,   EV_REPLACE_FAILED, TRG_PENDING,       0 },
	{ TRG_REPLACING,   EV_DELIVERED,      TRG_DELIVERED,     TRG_FX_NOTIFY },
	{ TRG_REPLACING,   EV_UNDELIVERABLE,  TRG_UNDELIVERABLE, TRG_FX_NOTIFY },
	{ TRG_REPLACING,   EV_EXPIRED,        TRG_EXPIRED,       TRG_FX_NOTIFY },
	{ TRG_REPLACING,   EV_VALIDITY_OVER,  TRG_UNCONFIRMED,   TRG_FX_NOTIFY },

	/* The SCS heard TEMPORARYERROR; if the SMS-SC had it after all, the SCS is told how it ended. */
	{ TRG_UNCERTAIN,   EV_DELIVERED,      TRG_DELIVERED,     TRG_FX_NOTIFY },
	{ TRG_UNCERTAIN,   EV_UNDELIVERABLE,  TRG_UNDELIVERABLE, TRG_FX_NOTIFY },
	{ TRG_UNCERTAIN,   EV_EXPIRED,        TRG_EXPIRED,       TRG_FX_NOTIFY },
};

const struct trg_rule *trg_rules(size_t *n)
{
	*n = sizeof rules / sizeof rules[0];
	return rules;
}

const struct trg_rule *trg_rule(enum trg_state from, enum trg_event event)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (rules[i].from == from && rules[i].event == event)
			return &rules[i];
	return NULL;
}

const char *trg_state_str(enum trg_state state)
{
	switch (state) {
#define X(name, val, word, is_final) case name: return word;
	TRG_STATE_LIST(X)
#undef X
	}
	return "?";
}

const char *trg_event_str(enum trg_event event)
{
	switch (event) {
#define X(name, word) case name: return word;
	TRG_EVENT_LIST(X)
#undef X
	case TRG_EVENTS: break;
	}
	return "?";
}

bool trg_state_is_final(enum trg_state state)
{
	switch (state) {
#define X(name, val, word, is_final) case name: return is_final;
	TRG_STATE_LIST(X)
#undef X
	}
	return false;
}

enum tsp_outcome trg_state_outcome(enum trg_state state)
{
	switch (state) {
	case TRG_DELIVERED:     return TSP_OUTCOME_SUCCESS;
	case TRG_EXPIRED:       return TSP_OUTCOME_EXPIRED;
	case TRG_UNDELIVERABLE: return TSP_OUTCOME_UNDELIVERABLE;
	default:                return TSP_OUTCOME_UNCONFIRMED;
	}
}
