/* effects.h - what the core wants done: the other half of each decision.
 *
 * The core has written its state by the time it hands out effects, and the
 * caller commits before it carries them out; so after a crash whatever was not
 * carried out is on record and can be done again. */
#pragma once
#include "iwf_err.h"
#include "t4_types.h"

enum iwf_fx_kind {
	IWF_FX_ANSWER_DAR,   /* answer that DAR, once */
	IWF_FX_ASK_HSS,      /* send the SIR; its end goes to iwf_service_sia() */
	IWF_FX_SUBMIT,       /* send the DTR; its end goes to iwf_service_dta() */
	IWF_FX_NOTIFY,       /* send the DNR; its end goes to iwf_service_dna() */
	IWF_FX_ANSWER_DRR,   /* answer that DRR, once */
};

struct iwf_effect {
	enum iwf_fx_kind kind;
	union {
		struct { iwf_token token; struct tsp_daa daa; } answer_dar;
		struct { uint64_t query; struct iwf_target to; uint32_t timeout_ms; struct s6m_sir sir; } ask_hss;
		struct { uint64_t txn; struct iwf_target to; uint32_t timeout_ms; struct t4_dtr dtr; } submit;
		struct { int64_t report; uint32_t timeout_ms; struct tsp_dnr dnr; } notify;
		struct { iwf_token token; struct t4_dra dra; } answer_drr;
	} u;
};

/* A list that grows.  Start with all zeroes. */
struct iwf_effects { struct iwf_effect *v; size_t n, cap; };

/* The new last effect, zeroed but for its kind; never NULL (without memory the
 * process ends: an effect that cannot be recorded would be a request without an
 * answer). */
struct iwf_effect *iwf_effects_add(struct iwf_effects *fx, enum iwf_fx_kind kind);
/* Releases everything from effect `keep` on; the list itself stays usable. */
void iwf_effects_cut(struct iwf_effects *fx, size_t keep);
void iwf_effects_free(struct iwf_effects *fx);
