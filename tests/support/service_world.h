/* service_world.h - the service with a store in memory and everyone around it,
 * for tests: two SCSs, two devices, two SMS-SCs, two HSSs.
 *
 * Each w_*() call does what the node does: mark, begin, call, commit; and on a
 * failure rollback, undo, and giving up what the event was about.  What it had to
 * do then stands in w.log (effects_log.h). */
#pragma once
#include <check.h>
#include "effects_log.h"
#include "seed.h"
#include "service.h"
#include "store_fail.h"
#include "store_open.h"

#define T0 INT64_C(1800000000000)   /* when a world begins */

struct world {
	struct iwf_service_conf conf;
	struct iwf_store *store;          /* fails on request */
	struct iwf_store *rows;           /* beneath it, for seed.h */
	struct iwf_service *svc;
	struct iwf_effects fx;            /* of the latest call */
	int64_t now_ms;
	char log[65536];
	bool keeps_on;                    /* after a failure the node does not give up what the event was about */
	uint64_t txn, query;              /* numbers of the latest DTR and SIR */
	int64_t report;                   /* and DNR */

	struct iwf_scs scs1, scs2;
	struct iwf_subscription m1, m2;
	int64_t grant1, grant2;           /* scs1 may do everything to m1, to m2 */
};
extern struct world w;

void w_open(void);                    /* as a checked fixture, both */
void w_close(void);
void w_restart(void);                 /* as after kill -9: memory is gone, the store is not */

struct iwf_view w_text(const char *text);        /* views live until the world ends */
struct iwf_view w_tbcd(const char *digits);
/* From scs1 for m1@iot.example, payload "hello", no SCS-Identity, no validity. */
struct tsp_dar w_trigger(iwf_token token, uint32_t reference);
struct tsp_dar w_recall(iwf_token token, uint32_t reference);
struct tsp_dar w_replace(iwf_token token, uint32_t reference, uint32_t old_reference);
struct tsp_dar w_from_scs2(struct tsp_dar dar);
/* From sc1, about scs1's trigger of that number. */
struct t4_drr w_drr(iwf_token token, uint32_t reference, enum t4_outcome outcome);
extern const struct t4_dta dta_ok;               /* no features */
struct t4_dta w_dta_error(uint32_t experimental);
struct s6m_sia w_sia_ok(const char *imsi, const char *nodes /* or NULL */);   /* nodes: malloc'd, freed by w_sia() */

/* False: the store failed. */
bool w_dar(struct tsp_dar dar);
bool w_sia(uint64_t query, struct s6m_sia sia);
bool w_dta(uint64_t txn, struct t4_dta dta);
bool w_drr_in(struct t4_drr drr);
bool w_dna(int64_t report, enum tsp_dna_kind kind);
bool w_tick(void);
bool w_up(const char *host);
bool w_recover(void);
void w_later(int64_t ms);             /* time passes */

/* A trigger that the SMS-SC has: state PENDING, log empty. */
void w_pending(uint32_t reference);

/* The log says exactly this; then it is empty again. */
#define EXPECT(lines) do { \
		ck_assert_str_eq(w.log, lines); \
		w.log[0] = '\0'; \
	} while (0)
/* State of the newest row of that number (recall: of a recall). */
enum trg_state w_state(uint32_t reference, bool recall);
#define EXPECT_STATE(reference, state) ck_assert_str_eq(trg_state_str(w_state(reference, false)), trg_state_str(state))
#define EXPECT_RECALL(reference, state) ck_assert_str_eq(trg_state_str(w_state(reference, true)), trg_state_str(state))
/* The newest audit row. */
void w_expect_audit(const char *event, const char *decision, enum iwf_reason reason);
