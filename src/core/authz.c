#include <inttypes.h>
#include <stdio.h>
#include "authz.h"

bool iwf_dates_ok(int64_t from_ms, int64_t until_ms, int64_t now_ms)
{
	return (!from_ms || now_ms >= from_ms) && (!until_ms || now_ms < until_ms);
}

static bool port_allowed(const struct iwf_grant *g, const struct iwf_authz_req *req)
{
	if (!g->nports)
		return true;
	for (size_t i = 0; req->has_port && i < g->nports && i < IWF_GRANT_PORTS; i++)
		if (req->port >= g->ports[i].from && req->port <= g->ports[i].to)
			return true;
	return false;
}

const struct iwf_grant *iwf_authz_check(const struct iwf_authz_req *req, const struct iwf_grant *grants, size_t n,
                                        char *why, size_t why_size)
{
	/* How near the best of them came, to say what is missing. */
	enum { NO_GRANT, OTHER_SERVICE, OTHER_DATES, OTHER_PORT } near = NO_GRANT, here;
	static const char *const words[] = {
		[NO_GRANT] = "no grant names both",
		[OTHER_SERVICE] = "only grants for other services",
		[OTHER_DATES] = "only grants outside their dates",
		[OTHER_PORT] = "only grants for other application ports",
	};

	for (size_t i = 0; i < n; i++) {
		const struct iwf_grant *g = &grants[i];

		if (!(g->services & req->service)) {
			here = OTHER_SERVICE;
		} else if (!iwf_dates_ok(g->valid_from, g->valid_until, req->now_ms)) {
			here = OTHER_DATES;
		} else if (!port_allowed(g, req)) {
			here = OTHER_PORT;
		} else {
			snprintf(why, why_size, "grant %" PRId64, g->id);
			return g;
		}
		if (here > near)
			near = here;
	}
	snprintf(why, why_size, "%s", words[near]);
	return NULL;
}
