/* tsp_types.h - Tsp (TS 29.368) as plain structs: what a DAR, DAA, DNR and DNA
 * say, without saying how Diameter carries it.
 *
 * Values are those of the wire; each enum has a list so that names, checks and
 * the enum itself cannot drift apart. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IWF_DIAMID_MAX  255  /* DiameterIdentity: an FQDN */
#define IWF_EXTID_MAX   253  /* External Identifier: octets of the whole NAI */
#define IWF_DIGITS_MAX   15  /* E.164 and IMSI */

/* Octets that belong to somebody else. */
struct iwf_view { const uint8_t *p; size_t n; };

/* Action-Type, 6.4.6 */
#define TSP_ACTION_LIST(X) \
	X(TSP_TRIGGER,  1, "trigger") \
	X(TSP_REPORT,   2, "report") \
	X(TSP_RECALL,   3, "recall") \
	X(TSP_REPLACE,  4, "replace") \
	X(TSP_MO_SMS,   5, "mo-sms")

/* Request-Status, 6.4.9 */
#define TSP_STATUS_LIST(X) \
	X(TSP_SUCCESS,               0, "SUCCESS") \
	X(TSP_INVPAYLOAD,          101, "INVPAYLOAD") \
	X(TSP_INVEXTID,            102, "INVEXTID") \
	X(TSP_INVSCSID,            103, "INVSCSID") \
	X(TSP_INVPERIOD,           104, "INVPERIOD") \
	X(TSP_NOTAUTHORIZED,       105, "NOTAUTHORIZED") \
	X(TSP_SERVICEUNAVAILABLE,  106, "SERVICEUNAVAILABLE") \
	X(TSP_PERMANENTERROR,      107, "PERMANENTERROR") \
	X(TSP_QUOTAEXCEEDED,       108, "QUOTAEXCEEDED") \
	X(TSP_RATEEXCEEDED,        109, "RATEEXCEEDED") \
	X(TSP_REPLACEFAIL,         110, "REPLACEFAIL") \
	X(TSP_RECALLFAIL,          111, "RECALLFAIL") \
	X(TSP_ORIGINALMESSAGESENT, 112, "ORIGINALMESSAGESENT") \
	X(TSP_TEMPORARYERROR,      201, "TEMPORARYERROR")

/* Delivery-Outcome, 6.4.10 */
#define TSP_OUTCOME_LIST(X) \
	X(TSP_OUTCOME_SUCCESS,        0, "SUCCESS") \
	X(TSP_OUTCOME_EXPIRED,        1, "EXPIRED") \
	X(TSP_OUTCOME_TEMPORARYERROR, 2, "TEMPORARYERROR") \
	X(TSP_OUTCOME_UNDELIVERABLE,  3, "UNDELIVERABLE") \
	X(TSP_OUTCOME_UNCONFIRMED,    4, "UNCONFIRMED")

#define X(name, val, text) name = val,
enum tsp_action  { TSP_ACTION_LIST(X) };
enum tsp_status  { TSP_STATUS_LIST(X) };
enum tsp_outcome { TSP_OUTCOME_LIST(X) };
#undef X

/* The name in the list above, or "?" for a value that is not in it. */
const char *tsp_action_str(uint32_t action);
const char *tsp_status_str(uint32_t status);
const char *tsp_outcome_str(uint32_t outcome);

/* Feature bits of Supported-Features, Feature-List-ID 1, and of
 * Feature-Supported-In-Final-Target (6.4.13: bit 0 only). */
#define TSP_FEATURE_RECALL_REPLACE 0x1u
#define TSP_FEATURE_MO_SMS         0x2u

/* What a node that forwards on behalf of its caller knows a request by: given
 * in with it, given back with its answer, never looked into. */
typedef uint64_t iwf_token;

/* A Device-Action-Request whose grammar has been checked (TS 29.368 5.5-5.8).
 * All views point into `blob`, which tsp_dar_free() releases. */
struct tsp_dar {
	iwf_token token;               /* whom to answer */

	/* The connection it came on. */
	struct iwf_view peer;          /* Diameter identity that the connection has proven; n == 0: none */
	struct iwf_view peer_address;  /* "[192.0.2.7]:41234", for the audit; may be empty */
	struct iwf_view peer_cert;     /* SHA-256 of the certificate in hex, for the audit; may be empty */

	/* The message. */
	struct iwf_view origin_host, origin_realm;
	uint32_t end_to_end;
	bool retransmitted;            /* T flag */
	bool has_features;             /* Supported-Features, vendor 10415, list 1 was there */
	uint32_t features;

	/* Device-Action, as sent: nothing of it has been checked beyond its grammar. */
	bool has_ext_id, has_msisdn, has_scs_identity;
	struct iwf_view ext_id;        /* text */
	struct iwf_view msisdn;        /* TBCD */
	struct iwf_view scs_identity;  /* TBCD */
	uint32_t reference;
	bool has_old_reference;
	uint32_t old_reference;
	enum tsp_action action;        /* TSP_TRIGGER, TSP_RECALL or TSP_REPLACE */
	bool has_trigger_data;
	struct iwf_view payload;
	bool priority;                 /* Priority-Indication 1 */
	bool has_port;
	uint32_t port;
	bool has_validity;
	uint32_t validity_s;

	void *blob;
};

/* A copy on the heap with all views in its own blob; NULL without memory. */
struct tsp_dar *tsp_dar_dup(const struct tsp_dar *dar);
void tsp_dar_free(struct tsp_dar *dar);

/* What the answer says.  Reference-Number, Action-Type and identifiers are
 * echoed from the request by whoever holds it. */
struct tsp_daa {
	uint32_t result_code;          /* 2001 unless the message itself is refused */
	bool has_status;
	enum tsp_status status;
	bool has_diagnostic;
	uint32_t diagnostic;           /* MTC-Error-Diagnostic, copied from the DTA */
	bool has_features;             /* Supported-Features in the answer (TS 29.229 7.2) */
	uint32_t features;
	uint32_t final_target;         /* Feature-Supported-In-Final-Target; 0: leave it out */
};

/* A delivery report on its way to the SCS (5.6). */
struct tsp_dnr {
	char dest_host[IWF_DIAMID_MAX + 1], dest_realm[IWF_DIAMID_MAX + 1];
	char ext_id[IWF_EXTID_MAX + 1];          /* "" unless the SCS used it */
	char msisdn[IWF_DIGITS_MAX + 1];         /* "" unless the SCS used it */
	char scs_identity[IWF_DIGITS_MAX + 1];   /* "" unless the SCS sent it */
	uint32_t reference;
	enum tsp_outcome outcome;
	bool retransmitted;                      /* sent before: T flag */
};

/* How a DNR ended. */
enum tsp_dna_kind {
	TSP_DNA_ACKED,        /* 2xxx */
	TSP_DNA_REFUSED,      /* a permanent error from the SCS: it has seen the report */
	TSP_DNA_UNDELIVERED,  /* not connected, busy, timed out: try again */
};
struct tsp_dna { enum tsp_dna_kind kind; uint32_t result_code; /* 0: none came */ };
