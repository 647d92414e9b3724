#include <stdlib.h>
#include <string.h>
#include "tsp_types.h"

#define X(name, val, text) case val: return text;
const char *tsp_action_str(uint32_t action)
{
	switch (action) { TSP_ACTION_LIST(X) default: return "?"; }
}

const char *tsp_status_str(uint32_t status)
{
	switch (status) { TSP_STATUS_LIST(X) default: return "?"; }
}

const char *tsp_outcome_str(uint32_t outcome)
{
	switch (outcome) { TSP_OUTCOME_LIST(X) default: return "?"; }
}
#undef X

/* Every view of a DAR, so that no copy can forget one. */
#define DAR_VIEWS(X) \
	X(peer) X(peer_address) X(peer_cert) X(origin_host) X(origin_realm) \
	X(ext_id) X(msisdn) X(scs_identity) X(payload)

struct tsp_dar *tsp_dar_dup(const struct tsp_dar *dar)
{
	size_t size = 0;
#define X(view) size += dar->view.n;
	DAR_VIEWS(X)
#undef X
	struct tsp_dar *copy = malloc(sizeof *copy);
	uint8_t *blob = malloc(size ? size : 1);

	if (!copy || !blob) {
		free(copy);
		free(blob);
		return NULL;
	}
	*copy = *dar;
	copy->blob = blob;
#define X(view) \
	if (dar->view.n) \
		memcpy(blob, dar->view.p, dar->view.n); \
	copy->view.p = blob; \
	blob += dar->view.n;
	DAR_VIEWS(X)
#undef X
	return copy;
}

void tsp_dar_free(struct tsp_dar *dar)
{
	if (!dar)
		return;
	free(dar->blob);
	free(dar);
}
