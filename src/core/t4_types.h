/* t4_types.h - T4 (TS 29.337) as plain structs. */
#pragma once
#include "s6m_types.h"

enum t4_action { T4_TRIGGER = 0, T4_RECALL = 1, T4_REPLACE = 2 };  /* Trigger-Action */

#define T4_EXP_USER_UNKNOWN          5001u
#define T4_EXP_INVALID_SME_ADDRESS   5530u
#define T4_EXP_SC_CONGESTION         5531u
#define T4_EXP_REPLACE_FAILURE       5533u
#define T4_EXP_RECALL_FAILURE        5534u
#define T4_EXP_ORIGINAL_NOT_PENDING  5535u

/* Device-Trigger-Request (5.2.1). */
struct t4_dtr {
	enum t4_action action;
	bool retransmitted;                     /* T flag: the same was sent before, here or elsewhere */
	struct imsi imsi;
	char ext_id[IWF_EXTID_MAX + 1];         /* "" if none */
	char msisdn[IWF_DIGITS_MAX + 1];        /* "" if none */
	char smea[IWF_DIGITS_MAX + 1];          /* the SCS's E.164 number, for SM-RP-SMEA */
	uint32_t reference;                     /* of the new message; for a recall the one to recall */
	bool has_old_reference;
	uint32_t old_reference;                 /* recall, replace */
	struct iwf_view payload;                /* into `blob`; empty for a recall */
	bool priority;
	bool has_port;
	uint32_t port;
	bool has_validity;
	uint32_t validity_s;                    /* what is left of it */
	struct iwf_view nodes;                  /* into `blob`; see s6m_sia.nodes */
	void *blob;
};
void t4_dtr_free(struct t4_dtr *dtr);  /* releases what it points to, not the struct */

enum t4_kind {
	T4_ANSWERED,
	T4_UNREACHABLE,  /* never left us: safe to send elsewhere */
	T4_TIMEOUT,      /* may have been taken */
	T4_NONSENSE,     /* an answer came that breaks the grammar: may have been taken */
};
struct t4_dta {
	enum t4_kind kind;
	uint32_t result_code, experimental;
	bool has_diagnostic;
	uint32_t diagnostic;
	bool has_features;                      /* Supported-Features, vendor 10415, list 1 */
	uint32_t features;
};

/* SM-Delivery-Outcome-T4 */
enum t4_outcome { T4_ABSENT_SUBSCRIBER = 0, T4_MEMORY_EXCEEDED = 1, T4_DELIVERED = 2, T4_EXPIRED = 3 };

/* Delivery-Report-Request (5.2.2). */
struct t4_drr {
	iwf_token token;
	char peer[IWF_DIAMID_MAX + 1];          /* the connection it came on */
	char origin_host[IWF_DIAMID_MAX + 1];
	char smea[IWF_DIGITS_MAX + 1];          /* digits of SM-RP-SMEA; "" if not an E.164 address */
	bool has_reference;
	uint32_t reference;
	bool has_imsi;
	struct imsi imsi;
	char ext_id[IWF_EXTID_MAX + 1], msisdn[IWF_DIGITS_MAX + 1];  /* "" if none */
	enum t4_outcome outcome;
	bool has_diagnostic;
	uint32_t absent_diagnostic;             /* for the log and journal, never for the SCS (6.4.10) */
};
struct t4_dra { uint32_t result_code; /* 2001, 3004, 5012 ... */ };
