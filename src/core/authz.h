/* authz.h - may this SCS do this to this device?
 *
 * Pure: no I/O, no clock, no allocation.  The caller fetches the grants that
 * name both (store.h); here is decided whether one of them is enough. */
#pragma once
#include "store.h"

struct iwf_authz_req {
	unsigned service;        /* one IWF_SVC_* bit */
	bool has_port;
	uint32_t port;
	int64_t now_ms;
};

/* The grant that allows it, or NULL.  No grants (n == 0) deny, so forgetting to
 * look them up can only refuse.  *why gets words for the audit: "grant 7", "only
 * grants for other services", ... */
const struct iwf_grant *iwf_authz_check(const struct iwf_authz_req *req, const struct iwf_grant *grants, size_t n,
                                        char *why, size_t why_size);
/* Within its dates?  0 on either side is open. */
bool iwf_dates_ok(int64_t from_ms, int64_t until_ms, int64_t now_ms);
