/* sim_smssc.h - what the files of sim-smssc know of each other. */
#pragma once
#include "sim.h"

#define TEXT_MAX 256

enum sc_answer { A_NATURAL, A_SUCCESS, A_USER_UNKNOWN, A_INVALID_SME, A_CONGESTION, A_REPLACE_FAILURE, A_RECALL_FAILURE,
                 A_NOT_PENDING, A_TOO_BUSY, A_UNABLE, A_SILENT, A_NONSENSE, A_ANSWERS };
enum sc_outcome { O_DELIVER, O_ABSENT, O_MEMORY, O_EXPIRED, O_NO_REPORT, O_OUTCOMES };

/* What happens to triggers for a device. */
struct device {
	char imsi[16], msisdn[16], ext_id[TEXT_MAX];
	enum sc_answer answer, recall_answer, replace_answer;
	enum sim_nonsense nonsense;
	uint32_t delay_ms;                  /* before the answer */
	enum sc_outcome outcome;
	bool has_after, has_diagnostic, has_stored;
	uint32_t after_ms, diagnostic;
	bool stored;                        /* taken although the answer says otherwise */
	uint32_t absent_diagnostic;
	bool drr_reference, drr_twice;
};

struct sc_conf {
	struct device *v, other;            /* other: whom no row names */
	size_t n;
	bool supports_recall_replace;
	uint32_t drr_timeout_ms, drr_attempts;
	char book[1024];                    /* "": none */
};

/* sim_smssc_conf.c */
extern const char *const sc_answer_words[A_ANSWERS], *const sc_outcome_words[O_OUTCOMES];
void *sc_load(struct sim_cfg *, const config_setting_t *root);
void sc_unload(void *conf);
const struct device *sc_find(const struct sc_conf *, const char *imsi, const char *ext_id, const char *msisdn);

/* One Device-Trigger-Request, as far as it could be read. */
struct dtr {
	char imsi[TEXT_MAX], ext_id[TEXT_MAX], msisdn[40], smea[40], origin_host[TEXT_MAX], origin_realm[TEXT_MAX];
	struct dia_avp user, smea_avp, payload;
	uint32_t action;                    /* 0 trigger, 1 recall, 2 replace */
	bool has_reference, has_old, has_port, has_priority, has_validity, has_features, t_flag;
	uint32_t reference, old, port, priority, validity, features;
	const uint8_t *nodes[8];            /* Serving-Node and Additional-Serving-Node, whole AVPs */
	size_t node_len[8], nnodes;
};

/* sim_smssc_store.c: the triggers that this SMS-SC knows. */
enum sc_state { S_PENDING, S_GONE, S_RECALLED, S_REPLACED };
struct sc_trigger {
	struct sc_trigger *same, *same_hbh; /* chains: of the table, of those that wait for a DRA */
	struct sc_trigger *same_number;
	struct sc_trigger *older, *newer;   /* all of them, for forgetting the oldest */
	uint64_t number;                    /* from 1, in their order */
	char smea[40];
	uint32_t reference;
	bool has_reference;
	enum sc_state state;
	uint32_t action;                    /* of the request that made it */
	struct sim_answer answer;           /* what that request, and a recall of it, was told: a repeat hears it again */
	bool has_answer, recalled;
	struct sim_answer recall_answer;

	/* What a delivery report needs. */
	struct sim *sim;
	uint8_t *user, *smea_avp;           /* data of User-Identifier and SM-RP-SMEA */
	size_t user_n, smea_n;
	char host[TEXT_MAX], realm[TEXT_MAX];
	struct peer *peer;                  /* the connection of the DTR; NULL: it is gone */
	enum sc_outcome outcome;
	uint32_t absent_diagnostic;
	bool drr_reference, drr_twice;
	int64_t due_ms;                     /* of the outcome, since 1970; 0: none will come */
	uint64_t timer;                     /* of the outcome, or of the missing DRA */
	bool report_due;                    /* a DRR has to be sent, or sent again */
	uint32_t attempts, hbh, e2e;
	struct peer *sent_on;               /* connection of the DRR that waits for its DRA; NULL: none waits */
};

struct sc_store;
struct sc_store *sc_store_new(void);
void sc_store_free(struct sc_store *);
/* NULL without memory.  Octets of the request are copied. */
struct sc_trigger *sc_store_add(struct sc_store *, struct sim *, const struct dtr *);
/* The latest of that SCS with that number, or NULL. */
struct sc_trigger *sc_store_find(struct sc_store *, const char *smea, uint32_t reference);
struct sc_trigger *sc_store_number(struct sc_store *, uint64_t number);   /* or NULL */
/* Every one, oldest first; *at starts as NULL. */
struct sc_trigger *sc_store_next(struct sc_store *, struct sc_trigger *at);

/* sim_smssc_report.c */
void sc_schedule(struct sc_trigger *, const struct device *, const struct dtr *);
void sc_resume(struct sc_trigger *);      /* waits for an outcome that is already decided */
void sc_cancel(struct sc_trigger *);
void sc_got_dra(struct sim *, struct peer *, const struct dia_hdr *, const uint8_t *msg, size_t n);
void sc_peer_opened(struct sim *, struct peer *);
void sc_peer_closed(struct sim *, struct peer *);

/* sim_smssc_book.c: keeping them over our own end.  Without a file (sc_conf.book) these do nothing; what cannot be
 * written ends the program, since it must not be told. */
bool sc_book_open(struct sim *);          /* reads what is there; false: printed why */
void sc_book_take(const struct sc_trigger *, bool t_flag);
void sc_book_note(const struct sc_trigger *, const char *word);
void sc_book_sent(const struct sc_trigger *);
void sc_book_recall(const struct sc_trigger *);

/* What sim->state points to. */
#define SC_HBH_BUCKETS 4096u
struct sc {
	struct sc_store *store;
	struct sc_trigger *by_hbh[SC_HBH_BUCKETS];
	uint32_t requests, delivered, reports;
	FILE *book;
};
