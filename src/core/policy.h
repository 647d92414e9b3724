/* policy.h - what an SCS may ask for: payload, port, priority, validity.  Pure. */
#pragma once
#include "service.h"

struct iwf_policy_verdict { enum tsp_status status; enum iwf_reason reason; char detail[96]; };

/* A trigger or replace against the SCS's row and the configured defaults. */
struct iwf_policy_verdict iwf_policy_check(const struct tsp_dar *dar, const struct iwf_scs *scs, const struct iwf_service_conf *conf);
/* Seconds that the trigger is valid for, with the default filled in. */
uint32_t iwf_policy_validity_s(const struct tsp_dar *dar, const struct iwf_scs *scs, const struct iwf_service_conf *conf);
