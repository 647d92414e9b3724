/* service.h - the MTC-IWF itself: requests and answers in, state and effects out.
 *
 * The one place that knows the order of the checks on a DAR (docs/CHECKS.md)
 * and the only one in the core that calls the store.  One thread calls; nothing
 * here waits, reads a clock or knows Diameter.  The caller wraps each call, or
 * several, in a store transaction, and on failure calls iwf_service_undo().
 *
 * Everything that waits for an HSS, an SMS-SC or an SCS is in memory under a
 * number; what must survive a crash is in the store before the effect is given
 * out. */
#pragma once
#include "effects.h"
#include "store.h"

enum iwf_identity_source { IWF_ID_LOCAL, IWF_ID_HSS, IWF_ID_LOCAL_THEN_HSS };

#define IWF_HSS_MAX   32
#define IWF_SMSSC_MAX 16
#define IWF_MATCH_MAX 16

struct iwf_hss {
	struct iwf_target node;
	size_t ndomains; char domains[IWF_MATCH_MAX][IWF_EXTID_MAX + 1];   /* lower case */
	size_t nranges;  struct { char from[IWF_DIGITS_MAX + 1], to[IWF_DIGITS_MAX + 1]; } ranges[IWF_MATCH_MAX];
	/* neither: it takes what no other one matches */
};

enum iwf_recall_support { IWF_RECALL_LEARN, IWF_RECALL_YES, IWF_RECALL_NO };
struct iwf_smssc {
	struct iwf_target node;
	int priority;                        /* lower is asked first; equal ones in the order of the file */
	enum iwf_recall_support recall_replace;
	uint32_t rate_per_s;                 /* requests to it, in all; 0: no limit */
};

/* Filled by the configuration; checked there. */
struct iwf_service_conf {
	enum iwf_identity_source identity_source;
	size_t nagents; char agents[IWF_MATCH_MAX][IWF_DIAMID_MAX + 1];  /* peers that vouch for an Origin-Host */
	bool require_scs_identity, hide_unknown_devices;
	uint32_t duplicate_window_s;
	uint32_t payload_max, validity_max_s, validity_default_s;
	uint32_t rate_per_s, burst;
	uint32_t device_rate_per_h, device_burst, device_table_max;          /* triggers to one device; rate 0: no limit */
	uint32_t scs_waiting_max, waiting_max;                               /* requests at HSSs and SMS-SCs, of one SCS, of all */
	size_t nhss; struct iwf_hss hss[IWF_HSS_MAX];
	uint32_t hss_timeout_ms, hss_cache_max, hss_cache_age_s;
	size_t nsmssc; struct iwf_smssc smssc[IWF_SMSSC_MAX];
	uint32_t smssc_timeout_ms, report_grace_s;
	uint32_t line_max, line_timeout_ms;  /* requests that wait for the rate of one SMS-SC, and how long */
	bool congestion_is_temporary;        /* 5531 becomes 201 instead of 107 */
	bool report_after_dna;               /* DRA only when the SCS has acknowledged */
	uint32_t audit_repeat_after, audit_repeat_s;                         /* rows of one kind in that time; then one with a count */
	uint32_t audit_retention_days, journal_retention_days;               /* 0: kept for ever */
	uint32_t notify_timeout_ms, notify_retry_min_s, notify_retry_max_s, notify_lifetime_s, notify_window;
};

/* A peer that vouches for the Origin-Host of what it passes on? */
bool iwf_service_is_agent(const struct iwf_service_conf *, struct iwf_view peer);

struct iwf_service;

/* NULL without memory.  conf and store must live as long as the service. */
struct iwf_service *iwf_service_new(const struct iwf_service_conf *conf, struct iwf_store *store);
void iwf_service_free(struct iwf_service *svc);

/* Each of these may add any number of effects.  An error means that the store
 * failed: roll back, cut the effects, and call iwf_service_undo(). */
enum iwf_err iwf_service_dar(struct iwf_service *, const struct tsp_dar *, int64_t now_ms, struct iwf_effects *);
enum iwf_err iwf_service_sia(struct iwf_service *, uint64_t query, const struct s6m_sia *, int64_t now_ms, struct iwf_effects *);
enum iwf_err iwf_service_dta(struct iwf_service *, uint64_t txn, const struct t4_dta *, int64_t now_ms, struct iwf_effects *);
enum iwf_err iwf_service_drr(struct iwf_service *, const struct t4_drr *, int64_t now_ms, struct iwf_effects *);
enum iwf_err iwf_service_dna(struct iwf_service *, int64_t report, const struct tsp_dna *, int64_t now_ms, struct iwf_effects *);
/* Expired validity, due reports, old cache entries.  Call a few times a second. */
enum iwf_err iwf_service_tick(struct iwf_service *, int64_t now_ms, struct iwf_effects *);
/* An SCS has (re)connected: its reports are due now. */
enum iwf_err iwf_service_scs_up(struct iwf_service *, const char *host, int64_t now_ms, struct iwf_effects *);
/* At the start, and when a failed store is back: what was left half done, and
 * nobody in memory is at work on, is done again (DTR with the T flag). */
enum iwf_err iwf_service_recover(struct iwf_service *, int64_t now_ms, struct iwf_effects *);
/* A refusal decided elsewhere (grammar, certificate) that belongs in the audit. */
enum iwf_err iwf_service_audit(struct iwf_service *, const struct iwf_audit *);
/* Somebody else changed the store. */
void iwf_service_store_changed(struct iwf_service *);

/* All calls since iwf_service_mark() have been rolled back: forgets what they
 * began in memory and answers everyone who waits in them: a DAR with
 * TEMPORARYERROR, a DRR with DIAMETER_TOO_BUSY, so that the SMS-SC keeps the
 * report and sends it again. */
void iwf_service_mark(struct iwf_service *);
void iwf_service_undo(struct iwf_service *, struct iwf_effects *);

/* The end: everybody who still waits is answered, a DAR with TEMPORARYERROR and a
 * DRR with DIAMETER_TOO_BUSY.  Writes nothing: iwf_service_recover() of the next
 * start goes on with what is in the store. */
void iwf_service_stop(struct iwf_service *, struct iwf_effects *);

/* Explain: the same checks in the same order on a request that nobody sent.
 * Reads only.  Calls `line` for each check in turn. */
struct iwf_explain_line { const char *check; bool ok; enum tsp_status status; enum iwf_reason reason; const char *detail; };
enum iwf_err iwf_service_explain(struct iwf_service *, const struct tsp_dar *, int64_t now_ms,
                                 void (*line)(void *ctx, const struct iwf_explain_line *), void *ctx);

/* The store could not even be asked when that query's or transaction's end came:
 * everyone who waits for it is answered TEMPORARYERROR and it is forgotten.  Its
 * row in the journal, if it has one, is finished by the next iwf_service_recover(). */
void iwf_service_give_up(struct iwf_service *, uint64_t number, struct iwf_effects *);

/* Requests that wait for an HSS or SMS-SC, for metrics and shutdown. */
size_t iwf_service_waiting(const struct iwf_service *);
