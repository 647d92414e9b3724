/* service_int.h - what the files of the service share.  Nobody else includes it.
 *
 *   service.c         the order of the checks on a DAR, the checks, explain
 *   service_rate.c    the checks that count: SCS, quota, device, what waits
 *   service_state.c   what is in memory, mark and undo, answers
 *   service_audit.c   the audit, and what is removed when it is old
 *   service_hss.c     S6m: choice, questions under way, cache, answers
 *   service_t4.c      T4: choice, submission, answers, fail-over, recovery
 *   service_line.c    the waiting line before an SMS-SC that has a rate
 *   service_report.c  delivery reports in, outbox out, expiry, tick
 *
 * Undo works by epochs: iwf_service_mark() begins a new one, everything in memory
 * carries the epoch in which it was made or last moved, and what is of the
 * present epoch is what a rollback undoes. */
#pragma once
#include "map.h"
#include "ratelimit.h"
#include "service.h"

#define SVC_PORTION 128           /* rows that one tick takes of each kind */
#define SVC_GRANTS  256           /* authorization rows looked at for one request */

#define DIAMETER_SUCCESS            2001u
#define DIAMETER_UNABLE_TO_DELIVER  3002u
#define DIAMETER_TOO_BUSY           3004u
#define DIAMETER_NOT_AUTHORIZED     5003u
#define DIAMETER_UNABLE_TO_COMPLY   5012u

/* ---- What is said to an SCS, before it is known who all hears it. */
struct svc_reply {
	uint32_t result_code;
	enum tsp_status status;
	int diagnostic;               /* -1: none */
	int smssc;                    /* index of the SMS-SC that has the trigger; -1: none or unknown */
};

/* ---- The working paper of the checks on one DAR. */
enum svc_verdict {
	SVC_GOES_ON,                  /* no objection */
	SVC_REFUSED,                  /* reply, reason and detail say how and why */
	SVC_ANSWERED_BEFORE,          /* a retransmission of `known`, which has its answer */
	SVC_UNDER_WAY,                /* a retransmission of what `running` is at */
	SVC_LEFT_BEHIND,              /* a retransmission of `known`, which nobody is at since a crash */
};

struct svc_txn;
struct svc_ask {
	struct iwf_service *svc;
	const struct tsp_dar *dar;
	int64_t now_ms;
	bool explain;                 /* reads only */

	enum svc_verdict verdict;
	struct svc_reply reply;
	enum iwf_reason reason;
	char detail[160];             /* for audit and explain; never an IMSI */
	bool kept;                    /* whoever asked is a waiter of a transaction, or has been answered */

	/* What the checks find out, in their order. */
	struct iwf_scs scs;           /* id 0: not known */
	char scs_identity[IWF_DIGITS_MAX + 1];   /* as sent, "" */
	char smea[IWF_DIGITS_MAX + 1];
	uint8_t hash[32];
	struct iwf_trigger known;     /* retransmission: the row */
	struct svc_txn *running;
	struct iwf_trigger original;  /* recall, replace */
	struct iwf_extid ext;         /* "" */
	char msisdn[IWF_DIGITS_MAX + 1];
	bool looked_up, has_local;    /* sub is filled; with an identity source of HSS for authorization only */
	struct iwf_subscription sub;
	const struct imsi *imsi;      /* what the HSS says, while its answer is looked at */
	bool no_service;              /* trigger_allowed is 0, to be said only to who may know the device */
	enum iwf_reason hidden;       /* a refusal that waits until it takes as long as any other; RS_NONE: none */
	char hidden_detail[160];
	int hss;                      /* whom to ask; -1: nobody */
	int smssc;
};

/* What is sent on T4 beside what the SCS said. */
struct svc_device { struct imsi imsi; const uint8_t *nodes; size_t nodes_len; };

/* ---- One trigger, recall or replace that waits for the HSS or an SMS-SC. */
struct svc_asker { iwf_token token; bool has_features; uint32_t features; };
struct svc_waiter { struct svc_waiter *next; struct svc_asker asker; uint64_t epoch; };

struct svc_query;
struct svc_lane;
struct svc_load;
struct svc_txn {
	struct iwf_map_link by_id, by_ref, by_row, by_target;
	uint64_t id, epoch;
	struct svc_waiter *waiters;
	struct tsp_dar *dar;          /* NULL: taken up again from the store */
	int64_t scs_id;
	uint32_t reference;
	bool recall;
	uint8_t hash[32];

	struct svc_load *load;        /* of its SCS */

	struct svc_ask *ask;          /* at the HSS, or in line without a row */
	struct svc_query *query;
	struct svc_txn *next_asking;

	struct iwf_trigger row;       /* at the SMS-SC (row.id > 0); payload and nodes point into what follows, or dar */
	uint8_t *payload, *nodes;
	int smssc;                    /* who is asked now */
	uint32_t tried;               /* a bit for each SMS-SC asked so far */
	unsigned maybe_taken;         /* how many of them may have it although they did not say so */
	bool pinned;                  /* to one SMS-SC */
	bool resumed;                 /* after a crash or a rollback */

	struct svc_lane *lane;        /* in line for `smssc`; NULL: not */
	struct svc_txn *ahead, *behind;
	int64_t line_until_ms;
};

/* ---- The waiting line before an SMS-SC: a lane for each SCS that has something in it, served in turn. */
struct svc_lane { struct svc_lane *next; int64_t scs_id; struct svc_txn *first, *last; uint32_t n; };
struct svc_line {
	struct iwf_bucket bucket;
	struct svc_lane *last;        /* of the ring; the one after it is served next */
	uint32_t n;                   /* transactions in all lanes */
};

/* ---- Reports. */
enum svc_report_state { SVC_REPORT_IDLE, SVC_REPORT_QUEUED, SVC_REPORT_IN_FLIGHT };
struct svc_host {
	struct iwf_map_link by_name;
	char name[IWF_DIAMID_MAX + 1];
	uint32_t in_flight, queued;
	struct svc_report *first, *last;         /* queued */
	bool behind;                             /* there are more, in the outbox only: those with next_ms == line_ms, behind after_id */
	int64_t line_ms, after_id;
	uint32_t returns;                        /* how often it has come back */
	uint32_t early;                          /* of in_flight: sent before it came back the last time */
};
/* A DRR that is answered when its report is (t4.confirm_report = "after-dna"). */
struct svc_held {
	struct svc_held *next;                   /* of the same report */
	struct svc_held *older, *newer;          /* of all, by deadline */
	struct svc_report *report;
	iwf_token token;
	int64_t deadline_ms;
	uint64_t epoch;
};
struct svc_report {
	struct iwf_map_link by_id;
	int64_t id, trigger_id, scs_id;
	uint32_t reference, attempts;
	int64_t expires_ms;
	enum svc_report_state state;
	uint32_t sent_at_return;                 /* host->returns when it went out */
	struct svc_host *host;
	struct svc_report *prev, *next;          /* in the host's queue */
	struct svc_held *held;
	uint64_t epoch;
};

/* What an SCS has used of its rate, and how much of it waits. */
struct svc_load { struct iwf_map_link by_scs; int64_t scs_id; struct iwf_bucket bucket; int64_t full_at_ms; uint32_t waiting; };

/* What a device has had lately. */
struct svc_paced { struct iwf_map_link by_imsi; struct svc_paced *older, *newer; struct imsi imsi; int64_t full_ms; };

/* An answer given in this epoch, which a rollback takes back. */
struct svc_given { bool drr; struct svc_asker asker; };

struct svc_cached;
struct iwf_service {
	const struct iwf_service_conf *conf;
	struct iwf_store *store;
	uint64_t epoch, next_number, seed;
	int64_t now_ms;               /* of the latest call */
	struct svc_given *given; size_t ngiven, given_cap;

	struct iwf_map txn_by_id, txn_by_ref, txn_by_row, txn_by_target;
	struct iwf_map loads;
	struct iwf_map paced; struct svc_paced *oldest_paced, *newest_paced;
	struct svc_line lines[IWF_SMSSC_MAX];

	struct iwf_map queries_by_id, queries_by_key;
	struct iwf_map cache; struct svc_cached *oldest, *newest;

	enum { SVC_NOT_LEARNED, SVC_LEARNED_YES, SVC_LEARNED_NO } recalls[IWF_SMSSC_MAX];
	enum { SVC_RECOVER_ROWS, SVC_RECOVER_TARGETS, SVC_RECOVERED } recover;
	int64_t recover_after_id, recover_until_ms, recover_again_ms;

	int64_t told_ms, prune_ms;    /* when refusals were last told, and old rows are looked for next */

	struct iwf_map hosts, reports;
	struct svc_held *oldest_held, *newest_held;

	/* Room for what the store returns, too much for a stack. */
	struct iwf_grant grants[SVC_GRANTS];
	struct iwf_trigger rows[SVC_PORTION];
	struct iwf_report due[SVC_PORTION];
};

/* ---- service_state.c */
/* A call begins: what time it is. */
void svc_at(struct iwf_service *, int64_t now_ms);
uint64_t svc_ref_hash(const struct iwf_service *, int64_t scs_id, uint32_t reference, bool recall);
struct svc_txn *svc_txn_by_ref(const struct iwf_service *, int64_t scs_id, uint32_t reference, bool recall);
struct svc_txn *svc_txn_by_id(const struct iwf_service *, uint64_t id);
struct svc_txn *svc_txn_by_row(const struct iwf_service *, int64_t row_id);
bool svc_txn_targets(const struct iwf_service *, int64_t row_id);   /* a recall or replace of that row is under way */
/* In the tables, of this epoch, with no waiter.  NULL: no memory. */
struct svc_txn *svc_txn_new(struct iwf_service *, int64_t scs_id, uint32_t reference, bool recall, const uint8_t hash[static 32]);
/* Its row is in the store now. */
void svc_txn_set_row(struct iwf_service *, struct svc_txn *, const struct iwf_trigger *row);
/* It moves: a rollback ends it. */
void svc_txn_touch(struct iwf_service *, struct svc_txn *);
enum iwf_err svc_txn_wait(struct iwf_service *, struct svc_txn *, const struct tsp_dar *);
/* All its waiters hear the reply; then it is gone. */
void svc_txn_end(struct iwf_service *, struct svc_txn *, const struct svc_reply *, struct iwf_effects *);

struct svc_asker svc_asker_of(const struct tsp_dar *);
void svc_answer_dar(struct iwf_service *, struct svc_asker, const struct svc_reply *, struct iwf_effects *);
void svc_answer_drr(struct iwf_service *, iwf_token, uint32_t result_code, struct iwf_effects *);
/* A call fails with these unanswered: undo has to know. */
void svc_owe_dar(struct iwf_service *, struct svc_asker);
void svc_owe_drr(struct iwf_service *, iwf_token);

/* Moves a row by the table of trigger.c.  *rule: the one that was applied; NULL: the
 * event means nothing in its state, or somebody else moved it first. */
enum iwf_err svc_move(struct iwf_service *, struct iwf_trigger *row, enum trg_event, const struct iwf_trigger_change *,
                      const struct trg_rule **rule);

/* ---- service_audit.c */
/* Who and what an audit row is about. */
struct svc_about {
	int64_t scs_id, subscription_id, mtc_user_id, reference;
	const char *event;
	char peer[IWF_DIAMID_MAX + 8], origin_host[IWF_DIAMID_MAX + 8], address[64], cert[64 + sizeof "..."], device[IWF_EXTID_MAX + 48];
};
void svc_about_dar(struct svc_about *, const struct tsp_dar *, int64_t scs_id, int64_t subscription_id);
void svc_about_row(struct svc_about *, const struct iwf_trigger *);
void svc_about_drr(struct svc_about *, const struct t4_drr *);
enum iwf_err svc_audit(struct iwf_service *, const struct svc_about *, const char *decision, enum iwf_reason, int status,
                       const char *detail);
/* What the paper says, with "failed" for what may go well another time. */
enum iwf_err svc_audit_refusal(struct svc_ask *);
/* The transaction ends as the paper says. */
enum iwf_err svc_txn_refuse(struct iwf_service *, struct svc_txn *, struct svc_ask *, struct iwf_effects *);
/* Counted refusals become rows; old rows go. */
enum iwf_err svc_audit_tick(struct iwf_service *);
enum iwf_err svc_prune_tick(struct iwf_service *);
/* As a C string, cut with "..." to fit; the store makes it fit to be shown. */
void svc_text(struct iwf_view text, char *out, size_t size);

/* ---- service.c */
__attribute__((format(printf, 4, 5)))
enum iwf_err svc_refuse(struct svc_ask *, enum tsp_status, enum iwf_reason, const char *fmt, ...);
/* No objection; explain wants words even so. */
__attribute__((format(printf, 2, 3)))
enum iwf_err svc_pass(struct svc_ask *, const char *fmt, ...);
/* How a device is spoken of that this SCS cannot have. */
enum tsp_status svc_unknown_device(const struct iwf_service_conf *);
/* The refusal that has been hidden. */
enum iwf_err svc_refuse_hidden(struct svc_ask *);
/* The state of a row that is to be recalled or replaced: any objection? */
enum iwf_err svc_check_original_state(struct svc_ask *);

/* ---- service_rate.c */
enum iwf_err svc_check_rate(struct svc_ask *);
enum iwf_err svc_check_waiting(struct svc_ask *);
enum iwf_err svc_check_quota(struct svc_ask *);
enum iwf_err svc_check_device_rate(struct svc_ask *);     /* the last of all, once it is known who the device is */
struct svc_load *svc_load_of(struct iwf_service *, int64_t scs_id);   /* made if need be; NULL: no memory */
void svc_load_forget_idle(struct iwf_service *);
void svc_paced_forget_idle(struct iwf_service *);
void svc_rate_free(struct iwf_service *);

/* ---- service_line.c */
/* May a request go to that SMS-SC now?  svc_line_pass(): and it does. */
bool svc_line_open(struct iwf_service *, int smssc);
bool svc_line_pass(struct iwf_service *, int smssc);
/* To the end of its lane before t->smssc, until svc_t4_turn() or svc_t4_no_turn(). */
enum iwf_err svc_line_join(struct iwf_service *, struct svc_txn *, struct iwf_effects *);
void svc_line_leave(struct iwf_service *, struct svc_txn *);          /* not in line: fine */
enum iwf_err svc_line_move(struct iwf_service *, bool ticking, struct iwf_effects *);

/* ---- service_hss.c */
int svc_hss_choose(const struct iwf_service_conf *, const char *domain, const char *msisdn);  /* -1: none */
/* The transaction takes over `ask`, also when it fails. */
enum iwf_err svc_hss_begin(struct iwf_service *, struct svc_txn *, struct svc_ask *ask, struct iwf_effects *);
void svc_hss_forget(struct svc_txn *);                    /* it does not wait any more */
/* One that waits for that question; NULL, and the question forgotten, when none does. */
struct svc_txn *svc_hss_asking(struct iwf_service *, uint64_t query);
void svc_hss_expire_cache(struct iwf_service *);
void svc_hss_undo(struct iwf_service *);
void svc_hss_free(struct iwf_service *);

/* ---- service_t4.c */
enum iwf_err svc_check_smssc(struct svc_ask *);           /* whom to submit to */
int svc_smssc_by_host(const struct iwf_service_conf *, const char *host);                    /* -1: not configured */
bool svc_smssc_recalls(const struct iwf_service *, int smssc);                               /* known to */
/* Writes the row and submits; or waits in line for that; or refuses.  The
 * transaction takes over `ask`, also when it fails. */
enum iwf_err svc_t4_begin(struct iwf_service *, struct svc_txn *, struct svc_ask *, const struct svc_device *, struct iwf_effects *);
/* It has waited in line and goes now; or it does not, and `why`. */
enum iwf_err svc_t4_turn(struct iwf_service *, struct svc_txn *, struct iwf_effects *);
enum iwf_err svc_t4_no_turn(struct iwf_service *, struct svc_txn *, const char *why, struct iwf_effects *);
/* A row in SUBMITTING that nobody is at: submits again with the T flag.  *txn: NULL
 * if the row has ended instead, or stays as it is until its SMS-SC takes more. */
enum iwf_err svc_t4_resume(struct iwf_service *, struct iwf_trigger *row, struct svc_txn **txn, struct iwf_effects *);
/* What a recall or replace was about: it has ended, or is pending again. */
enum iwf_err svc_t4_target_done(struct iwf_service *, const struct iwf_trigger *row, bool success);
void svc_recover_restart(struct iwf_service *);
enum iwf_err svc_recover_portion(struct iwf_service *, struct iwf_effects *);

/* ---- service_report.c */
void svc_report_undo(struct iwf_service *, struct iwf_effects *);
void svc_report_stop(struct iwf_service *, struct iwf_effects *);
void svc_report_free(struct iwf_service *);

/* Calls into the store read as what they are. */
#define STORE(svc, op, ...) ((svc)->store->ops->op((svc)->store, ##__VA_ARGS__))
