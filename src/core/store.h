/* store.h - what the core needs to be kept, in its own words.
 *
 * The core owns this interface; src/store implements it (sqlite for use, mem
 * for tests, one contract test for both).  A store is used by one thread at a
 * time: each thread opens its own.  Every function may fail with IWF_EBUSY,
 * IWF_ESTORE, IWF_EFULL or IWF_ENOMEM; IWF_ENOENT is "no such row" and never a
 * store that could not be asked.  What a row says of an SCS, subscription or
 * trigger that is not there is IWF_ESTORE.  Times are milliseconds since the
 * epoch; 0 in an optional time means "not set". */
#pragma once
#include "ident.h"
#include "s6m_types.h"
#include "trigger.h"

#define IWF_NAME_MAX 63

/* One Service Capability Server; db/sqlite/0001_init.sql explains each column. */
struct iwf_scs {
	int64_t id;
	char name[IWF_NAME_MAX + 1];
	char origin_host[IWF_DIAMID_MAX + 1], origin_realm[IWF_DIAMID_MAX + 1];
	char cert_san[IWF_DIAMID_MAX + 1];   /* "": the certificate must name origin_host */
	char cert_sha256[64 + 1];            /* "": not pinned; lower-case hex */
	char e164[IWF_DIGITS_MAX + 1];       /* primary SCS-Identity, "" if it has none */
	bool inside, ndsip;                  /* domain 'inside'; security 'ndsip' */
	bool enabled;
	int64_t valid_from, valid_until;
	uint32_t rate_per_s, burst;          /* 0: the configured default */
	int64_t quota;                       /* DARs per period; -1: no quota */
	uint32_t quota_period_s;
	uint32_t payload_max;                /* octets; 0: the configured default */
	uint32_t validity_max_s;             /* 0: the configured default */
	bool allow_priority, allow_trigger, allow_recall, allow_replace;
	uint32_t connections;                /* through the gateway, at a time */
	char ndsip_address[46];              /* ndsip: from where, numeric; "": from nowhere */
};

struct iwf_subscription {
	int64_t id;
	struct imsi imsi;
	char msisdn[IWF_DIGITS_MAX + 1];     /* "" if it has none */
	int64_t mtc_user_id;                 /* 0: none */
	bool enabled, trigger_allowed;
	char smssc[IWF_DIAMID_MAX + 1];      /* static routing; "": by configuration */
};

/* Services an authorization row can grant; bits of iwf_grant.services. */
#define IWF_SVC_TRIGGER 0x1u
#define IWF_SVC_RECALL  0x2u
#define IWF_SVC_REPLACE 0x4u
#define IWF_SVC_MONITOR 0x8u

#define IWF_GRANT_PORTS 16
struct iwf_grant {
	int64_t id;
	unsigned services;
	int64_t valid_from, valid_until;
	size_t nports;                       /* 0: any application port, or none */
	struct { uint16_t from, to; } ports[IWF_GRANT_PORTS];
};
/* Whose grants: rows of that SCS and of its groups, for that device in any of
 * the ways a row can name it. */
struct iwf_grant_query {
	int64_t scs_id;
	int64_t subscription_id;             /* 0: not in our tables */
	const char *domain;                  /* of the External Identifier, or NULL */
	const char *msisdn;                  /* or NULL */
};

/* A row of the journal. */
struct iwf_trigger {
	int64_t id;                          /* set by trigger_insert */
	int64_t scs_id;
	uint32_t reference;
	enum tsp_action action;
	int64_t target_id;                   /* recall, replace: the row it is about; 0 */
	uint32_t old_reference;              /* replace */
	int64_t subscription_id;             /* 0: known to the HSS only; else it was there once, and need not be now */
	struct imsi imsi;
	char ext_id[IWF_EXTID_MAX + 1];      /* as the SCS named it; "" */
	char msisdn[IWF_DIGITS_MAX + 1];     /* as the SCS named it; "" */
	char scs_identity[IWF_DIGITS_MAX + 1]; /* as the SCS sent it; "" */
	char smea[IWF_DIGITS_MAX + 1];       /* number used on T4 */
	char dest_host[IWF_DIAMID_MAX + 1], dest_realm[IWF_DIAMID_MAX + 1]; /* where reports go */
	enum trg_state state;
	int request_status;                  /* enum tsp_status; -1: not answered yet */
	int outcome;                         /* enum tsp_outcome; -1: none yet */
	int diagnostic;                      /* MTC-Error-Diagnostic; -1: none */
	uint32_t end_to_end;
	uint8_t content_hash[32];            /* SHA-256 of what was asked, to know a retransmission */
	int64_t received_ms, answered_ms, ended_ms;
	int64_t validity_end_ms;             /* 0 for a recall */
	bool priority;
	int32_t port;                        /* -1: none */
	char smssc[IWF_DIAMID_MAX + 1];      /* the SMS-SC that has it, or was asked last */
	const uint8_t *payload; size_t payload_len;  /* insert only, and trigger_payload() */
	const uint8_t *nodes; size_t nodes_len;      /* likewise: see s6m_sia.nodes */
};

/* What a move writes besides the state.  -1 / NULL / 0 leave a column as it is. */
struct iwf_trigger_change {
	int request_status, outcome, diagnostic;
	const char *smssc;
	int64_t answered_ms, ended_ms;
};
#define IWF_TRIGGER_NO_CHANGE { .request_status = -1, .outcome = -1, .diagnostic = -1 }

/* A report that the SCS has not acknowledged yet (outbox). */
struct iwf_report {
	int64_t id;                          /* set by report_insert */
	int64_t trigger_id, scs_id;
	struct tsp_dnr dnr;                  /* dnr.retransmitted: attempts > 0 */
	int64_t created_ms, next_ms, expires_ms;
	uint32_t attempts;
};

/* Reasons of the audit table: one vocabulary for audit, log and docs. */
#define IWF_REASON_LIST(X) \
	X(RS_NONE,               "none",                 "nothing to explain") \
	X(RS_MALFORMED,          "malformed",            "the message breaks its grammar") \
	X(RS_ORIGIN_NOT_PROVEN,  "origin-not-proven",    "Origin-Host is not the identity that the connection has proven") \
	X(RS_SCS_UNKNOWN,        "scs-unknown",          "no row in scs for this identity") \
	X(RS_SCS_DISABLED,       "scs-disabled",         "scs.enabled is 0") \
	X(RS_SCS_DATES,          "scs-dates",            "outside scs.valid_from .. valid_until") \
	X(RS_SCS_REALM,          "scs-realm",            "Origin-Realm is not scs.origin_realm") \
	X(RS_SCS_NO_NUMBER,      "scs-no-number",        "the SCS has no E.164 number, which T4 needs") \
	X(RS_SCS_IDENTITY,       "scs-identity",         "SCS-Identity is missing, malformed or not one of this SCS") \
	X(RS_RATE,               "rate",                 "above scs.rate_per_s and burst") \
	X(RS_WAITING,            "waiting",              "too many requests of this SCS wait for an HSS or SMS-SC") \
	X(RS_QUOTA,              "quota",                "scs.quota of this period is used up") \
	X(RS_REFERENCE_IN_USE,   "reference-in-use",     "Reference-Number belongs to another trigger under way") \
	X(RS_NO_ORIGINAL,        "no-original",          "no trigger of this SCS has that Reference-Number") \
	X(RS_ORIGINAL_SENT,      "original-sent",        "the trigger has left the SMS-SC") \
	X(RS_ORIGINAL_BUSY,      "original-busy",        "the trigger is being submitted, recalled or replaced") \
	X(RS_ORIGINAL_OVER,      "original-over",        "the trigger has ended without delivery") \
	X(RS_ORIGINAL_DEVICE,    "original-device",      "the trigger is for another device") \
	X(RS_IDENTIFIER,         "identifier",           "External-Identifier or MSISDN is missing or malformed") \
	X(RS_TWO_DEVICES,        "two-devices",          "External-Identifier and MSISDN name different subscriptions") \
	X(RS_DEVICE_UNKNOWN,     "device-unknown",       "no subscription for this identifier") \
	X(RS_DEVICE_DISABLED,    "device-disabled",      "subscription.enabled or trigger_allowed is 0") \
	X(RS_USER_FORBIDS,       "user-forbids",         "the MTC user does not list this SCS") \
	X(RS_NO_GRANT,           "no-grant",             "no row in authorization lets this SCS do this to this device") \
	X(RS_ACTION,             "action",               "scs.allow_trigger, allow_recall or allow_replace is 0") \
	X(RS_PAYLOAD,            "payload",              "payload missing, empty or above payload_max") \
	X(RS_PORT,               "port",                 "Application-Port-Identifier above 65535") \
	X(RS_PRIORITY,           "priority",             "scs.allow_priority is 0") \
	X(RS_VALIDITY,           "validity",             "Validity-Time above the limit") \
	X(RS_DEVICE_RATE,        "device-rate",          "too many triggers for this device (policy.device_rate_per_h)") \
	X(RS_HSS_UNKNOWN_USER,   "hss-unknown-user",     "the HSS does not know the device") \
	X(RS_HSS_UNAUTHORIZED,   "hss-unauthorized",     "the HSS does not allow this SCS") \
	X(RS_HSS_NO_SERVICE,     "hss-no-service",       "the HSS says the service is not available for the device") \
	X(RS_HSS_REFUSED,        "hss-refused",          "the HSS answered with another error") \
	X(RS_HSS_UNREACHABLE,    "hss-unreachable",      "no HSS configured for it, or no connection") \
	X(RS_HSS_TIMEOUT,        "hss-timeout",          "the HSS did not answer in time") \
	X(RS_HSS_NONSENSE,       "hss-nonsense",         "the HSS answered something that breaks the grammar") \
	X(RS_SMSSC_REFUSED,      "smssc-refused",        "the SMS-SC answered with an error") \
	X(RS_SMSSC_NO_SUPPORT,   "smssc-no-support",     "the SMS-SC does not recall or replace") \
	X(RS_SMSSC_UNREACHABLE,  "smssc-unreachable",    "no SMS-SC configured, or no connection to any") \
	X(RS_SMSSC_TIMEOUT,      "smssc-timeout",        "the SMS-SC did not answer in time") \
	X(RS_SMSSC_BUSY,         "smssc-busy",           "more for the SMS-SC than t4.smssc.rate_per_s, and no room or time to wait") \
	X(RS_SMSSC_NONSENSE,     "smssc-nonsense",       "the SMS-SC answered something that breaks the grammar") \
	X(RS_STORE,              "store",                "the store could not be asked or written") \
	X(RS_NODE_FULL,          "node-full",            "the node's queue is full, or too many requests wait for an HSS or SMS-SC") \
	X(RS_CERT_MISSING,       "cert-missing",         "no client certificate, and the row asks for TLS") \
	X(RS_CERT_NAME,          "cert-name",            "the certificate does not name this SCS") \
	X(RS_CERT_PIN,           "cert-pin",             "the certificate is not the pinned one") \
	X(RS_CERT_ISSUER,        "cert-issuer",          "none of the configured CAs has issued the certificate, or its chain does not hold") \
	X(RS_CERT_EXPIRED,       "cert-expired",         "the certificate has expired") \
	X(RS_CERT_NOT_YET,       "cert-not-yet",         "the certificate is not valid yet") \
	X(RS_CERT_REVOKED,       "cert-revoked",         "the certificate is revoked (CRL or OCSP)") \
	X(RS_CERT_REVOCATION,    "cert-revocation",      "whether the certificate is revoked cannot be told: no current CRL, or no OCSP answer") \
	X(RS_CERT_WEAK,          "cert-weak",            "the certificate's key or signature is weaker than TS 33.310 allows") \
	X(RS_CERT_USAGE,         "cert-usage",           "the certificate's key usage does not allow TLS clients") \
	X(RS_CERT_PROFILE,       "cert-profile",         "the certificate does not follow the profile of TS 33.310") \
	X(RS_CERT_UNKNOWN,       "cert-unknown",         "no row in scs has a name or pin of this certificate") \
	X(RS_NO_TLS,             "no-tls",               "no TLS, and no row in scs allows that from this address") \
	X(RS_HANDSHAKE_SLOW,     "handshake-slow",       "the handshake or the CER did not come in time") \
	X(RS_HALF_OPEN,          "half-open",            "too many connections that are not open yet, in all or from this address") \
	X(RS_SOURCE_RATE,        "source-rate",          "too many connections a second from this address") \
	X(RS_CONNECTIONS,        "connections",          "too many connections, in all, from this address or of this SCS") \
	X(RS_FRAMING,            "framing",              "what came is no Diameter message") \
	X(RS_MESSAGE_SIZE,       "message-size",         "the message is longer than the gateway takes") \
	X(RS_SLOW_READER,        "slow-reader",          "the peer does not read what is sent to it") \
	X(RS_COMMAND,            "command",              "a command or application that this interface does not have") \
	X(RS_LOOP,               "loop",                 "the request has been here before (Route-Record)") \
	X(RS_DESTINATION,        "destination",          "Destination-Host or Destination-Realm is not served here") \
	X(RS_IN_FLIGHT,          "in-flight",            "too many requests of this SCS wait for their answers") \
	X(RS_NO_NODE,            "no-node",              "no MTC-IWF node is connected, or none has answered in time") \
	X(RS_DIRECT,             "direct",               "an SCS of the outside, which may come through the gateway only (tsp.direct_outside)") \
	X(RS_AGENT,              "agent",                "the peer calls itself a trusted agent, and has not proven it") \
	X(RS_HANDSHAKE,          "handshake",            "the TLS handshake or the first message failed: no certificate that we trust, or no Diameter") \
	X(RS_PEER_NAME,          "peer-name",            "a peer of the configuration came with a certificate of another name") \
	X(RS_REPORT_UNKNOWN,     "report-unknown",       "a delivery report for no trigger of ours") \
	X(RS_REPORT_AMBIGUOUS,   "report-ambiguous",     "a delivery report that fits several triggers") \
	X(RS_REPORT_DUPLICATE,   "report-duplicate",     "a delivery report for a trigger that has ended") \
	X(RS_REPORT_REFUSED,     "report-refused",       "the SCS refused the report") \
	X(RS_REPORT_EXPIRED,     "report-expired",       "the SCS did not take the report within notify.lifetime_s") \
	X(RS_EGRESS_IMSI,        "egress-imsi",          "a message to the outside would have carried a subscriber's number, and lost it") \
	X(RS_EGRESS_NAME,        "egress-name",          "a message to the outside would have named a host or realm of the inside") \
	X(RS_EGRESS_AVP,         "egress-avp",           "a message to the outside would have carried an AVP that is for the inside only") \
	X(RS_NOTICE_FAILED,      "notice-failed",        "notify_user.command could not be run, or said that it failed") \
	X(RS_NOTICE_TIMEOUT,     "notice-timeout",       "notify_user.command took longer than notify_user.timeout_s and was ended") \
	X(RS_NOT_TSP_PEER,       "not-tsp-peer",         "Tsp from a peer that is no SCS and no trusted agent") \
	X(RS_NOT_T4_PEER,        "not-t4-peer",          "T4 from a peer that is no configured SMS-SC")

#define X(name, word, text) name,
enum iwf_reason { IWF_REASON_LIST(X) IWF_REASONS };
#undef X
const char *iwf_reason_str(enum iwf_reason reason);   /* the word */
const char *iwf_reason_text(enum iwf_reason reason);  /* the explanation */

/* A decision worth keeping.  Strings may be NULL but for event and decision;
 * they are kept as iwf_log_escape() (log.h) writes them, at most 1023 octets each. */
struct iwf_audit {
	int64_t at_ms;
	const char *event;       /* "trigger", "recall", "replace", "report", "connect", "dar", "egress", "admin" */
	const char *decision;    /* "refused", "accepted", "failed", "ended" */
	enum iwf_reason reason;
	int request_status;      /* enum tsp_status; -1: none */
	int64_t scs_id;          /* 0: unknown */
	const char *peer;        /* Diameter identity of the connection */
	const char *origin_host; /* the claim */
	const char *address;
	const char *cert;        /* SHA-256, hex */
	const char *device;      /* as the SCS named it; never an IMSI */
	int64_t subscription_id; /* 0: unknown */
	int64_t reference;       /* -1: none */
	const char *detail;      /* free words, without IMSI */
	int64_t mtc_user_id;     /* owner of the device; 0: none or unknown */
	int64_t times;           /* decisions that this one stands for, all else being of the last; 0 is 1 */
	int64_t first_ms;        /* of several: when the first was made; 0: there is one */
};

#define IWF_AUDIT_KINDS 1024     /* of refusals that are counted at a time */

/* Where the audit was cut: the last row that was removed, and its hash in hex ("" where rows have none). */
struct iwf_audit_cut { int64_t last_id; char hash[64 + 1]; };

struct iwf_store;

struct iwf_store_ops {
	const char *name;

	/* One transaction at a time (IWF_EINVAL: begin within one, commit without one).  What the other functions
	 * write outside of one is its own transaction.  After a commit that failed there is no transaction and
	 * nothing of it is on disk.  Rolling back without one is fine. */
	enum iwf_err (*begin)(struct iwf_store *);
	enum iwf_err (*commit)(struct iwf_store *);
	void (*rollback)(struct iwf_store *);
	void (*close)(struct iwf_store *);
	/* Has somebody else changed who may do what since the last call (or the open): SCSs, their numbers and groups,
	 * authorizations?  What is written to the journal or the audit is no news. */
	enum iwf_err (*changed)(struct iwf_store *, bool *changed);

	/* Who may do what. */
	enum iwf_err (*scs_by_host)(struct iwf_store *, const char *host, struct iwf_scs *out);
	enum iwf_err (*scs_by_id)(struct iwf_store *, int64_t id, struct iwf_scs *out);
	/* The row with the lowest id above that one; IWF_ENOENT: that was the last. */
	enum iwf_err (*scs_next)(struct iwf_store *, int64_t after_id, struct iwf_scs *out);
	enum iwf_err (*scs_has_number)(struct iwf_store *, int64_t scs_id, const char *e164);  /* IWF_OK or IWF_ENOENT */
	/* An external_id row bound to another SCS does not exist for this one. */
	enum iwf_err (*subscription_by_ext_id)(struct iwf_store *, const char *ext_id, int64_t scs_id, struct iwf_subscription *out);
	enum iwf_err (*subscription_by_msisdn)(struct iwf_store *, const char *msisdn, struct iwf_subscription *out);
	/* IWF_OK, or IWF_ENOENT when that user keeps a list and this SCS is not on it. */
	enum iwf_err (*user_allows)(struct iwf_store *, int64_t mtc_user_id, int64_t scs_id);
	/* Every matching row, whatever its service and dates; at most max. */
	enum iwf_err (*grants)(struct iwf_store *, const struct iwf_grant_query *, struct iwf_grant *out, size_t max, size_t *n);

	/* The journal.  Rows read carry no payload and no nodes. */
	enum iwf_err (*trigger_insert)(struct iwf_store *, struct iwf_trigger *);  /* IWF_ECONFLICT: a trigger of that number is under way, and this is no recall */
	enum iwf_err (*trigger_get)(struct iwf_store *, int64_t id, struct iwf_trigger *out);
	/* The newest row of that number; recalls are rows of their own. */
	enum iwf_err (*trigger_by_ref)(struct iwf_store *, int64_t scs_id, uint32_t reference, bool recall, struct iwf_trigger *out);
	/* Of the newest 256 of that number the newest that came with that identifier, since then. */
	enum iwf_err (*trigger_by_e2e)(struct iwf_store *, int64_t scs_id, uint32_t reference, bool recall, uint32_t end_to_end,
	                               int64_t since_ms, struct iwf_trigger *out);
	/* For a delivery report: the newest trigger or replace of that number on T4. */
	enum iwf_err (*trigger_by_smea)(struct iwf_store *, const char *smea, uint32_t reference, struct iwf_trigger *out);
	/* The same without a number: not-final rows of that device; *n may exceed max, rows do not. */
	enum iwf_err (*trigger_by_device)(struct iwf_store *, const char *smea, const struct imsi *imsi, struct iwf_trigger *out, size_t max, size_t *n);
	/* Compare and set: IWF_ECONFLICT when the state is no longer `from`.  from == to writes the change only.  A row
	 * that ends loses payload and nodes, and has ended for good.  The change may be NULL. */
	enum iwf_err (*trigger_move)(struct iwf_store *, int64_t id, enum trg_state from, enum trg_state to, const struct iwf_trigger_change *);
	/* payload and nodes of a row, malloc'd into *out (caller frees both). */
	enum iwf_err (*trigger_payload)(struct iwf_store *, int64_t id, uint8_t **payload, size_t *payload_len, uint8_t **nodes, size_t *nodes_len);
	/* Rows in PENDING, RECALLING or REPLACING whose validity ended before `before_ms`, oldest first. */
	enum iwf_err (*trigger_overdue)(struct iwf_store *, int64_t before_ms, struct iwf_trigger *out, size_t max, size_t *n);
	/* Rows left in SUBMITTING, RECALLING or REPLACING, for the start; id > after_id, by id. */
	enum iwf_err (*trigger_unfinished)(struct iwf_store *, int64_t after_id, struct iwf_trigger *out, size_t max, size_t *n);

	/* The outbox. */
	enum iwf_err (*report_insert)(struct iwf_store *, struct iwf_report *);
	enum iwf_err (*report_get)(struct iwf_store *, int64_t id, struct iwf_report *out);
	enum iwf_err (*report_by_trigger)(struct iwf_store *, int64_t trigger_id, struct iwf_report *out);  /* the newest */
	enum iwf_err (*report_delete)(struct iwf_store *, int64_t id);
	enum iwf_err (*report_retry)(struct iwf_store *, int64_t id, int64_t next_ms, uint32_t attempts);
	enum iwf_err (*report_due)(struct iwf_store *, int64_t now_ms, struct iwf_report *out, size_t max, size_t *n); /* by next_ms, id */
	/* A host's line: all of its rows get that next_ms; and those that have it, by id, from behind after_id on. */
	enum iwf_err (*report_line_up)(struct iwf_store *, const char *dest_host, int64_t line_ms);
	enum iwf_err (*report_in_line)(struct iwf_store *, const char *dest_host, int64_t line_ms, int64_t after_id, struct iwf_report *out,
	                               size_t max, size_t *n);

	/* Quota counters.  `add` may be negative: what was not used after all; never below 0. */
	enum iwf_err (*usage_add)(struct iwf_store *, int64_t scs_id, int64_t period_start_ms, int64_t add, int64_t *total);
	enum iwf_err (*usage_get)(struct iwf_store *, int64_t scs_id, int64_t period_start_ms, int64_t *total);  /* IWF_ENOENT: nothing counted */

	enum iwf_err (*audit_add)(struct iwf_store *, const struct iwf_audit *);
	/* One more of a kind: same event, decision, reason, status, SCS, peer, address and owner.  *tell: it is to be added
	 * as a row; otherwise `told_max` rows have been, and it is counted.  With IWF_AUDIT_KINDS kinds there is one more
	 * for each event, decision, reason and status, which is counted only. */
	enum iwf_err (*audit_count)(struct iwf_store *, const struct iwf_audit *, uint32_t told_max, bool *tell);
	/* What began before `before_ms`, or after `now_ms`, is forgotten, and what was counted of it is added as one row
	 * each; at most max kinds. */
	enum iwf_err (*audit_tell)(struct iwf_store *, int64_t before_ms, int64_t now_ms, size_t max, size_t *n);
	/* Removes rows from the beginning on that were made before `before_ms` and have ids up to `up_to_id`, at most max and
	 * never the last, and anchors what is left.  *n: how many. */
	enum iwf_err (*audit_prune)(struct iwf_store *, int64_t before_ms, int64_t up_to_id, int64_t now_ms, size_t max, size_t *n,
	                            struct iwf_audit_cut *out);
	/* Removes rows of the journal that were received before `before_ms`, have ended, and that nothing refers to which
	 * has not; and quota counters of periods that ended before.  At most max of each; *n: of the journal. */
	enum iwf_err (*journal_prune)(struct iwf_store *, int64_t before_ms, size_t max, size_t *n);

	/* What the last failed call failed on, in words for a log; "" if none has.  Good until the next call. */
	const char *(*errmsg)(struct iwf_store *);
};

struct iwf_store { const struct iwf_store_ops *ops; };
