/* store_mem.h - what an administrator does to a store in memory.
 *
 * The store itself is iwf_store_mem_new() (store_open.h).  Rows are copied; each
 * call shows in the next `changed`.  Ids are > 0; 0 or false: no memory.  Nothing
 * here belongs to a transaction. */
#pragma once
#include "store.h"

/* A row of "authorization": one of the two whos, one of the four whats; 0 and
 * NULL for the others. */
struct iwf_mem_grant {
	int64_t scs_id, scs_group_id;
	int64_t subscription_id, device_group_id;
	const char *domain;
	const char *msisdn_from, *msisdn_to;
	struct iwf_grant grant;          /* its id is ignored */
};

int64_t iwf_mem_add_user(struct iwf_store *, bool restrict_scs);
bool iwf_mem_add_user_scs(struct iwf_store *, int64_t mtc_user_id, int64_t scs_id);
int64_t iwf_mem_add_scs(struct iwf_store *, const struct iwf_scs *);             /* without its id and e164 */
bool iwf_mem_set_scs(struct iwf_store *, const struct iwf_scs *);                /* false: no such id */
bool iwf_mem_add_number(struct iwf_store *, int64_t scs_id, const char *e164, bool primary);
int64_t iwf_mem_add_group(struct iwf_store *);                                   /* of SCSs or of devices */
bool iwf_mem_add_scs_member(struct iwf_store *, int64_t scs_group_id, int64_t scs_id);
bool iwf_mem_add_device_member(struct iwf_store *, int64_t device_group_id, int64_t subscription_id);
int64_t iwf_mem_add_subscription(struct iwf_store *, const struct iwf_subscription *);
bool iwf_mem_set_subscription(struct iwf_store *, const struct iwf_subscription *);
bool iwf_mem_add_ext_id(struct iwf_store *, const char *ext_id, int64_t subscription_id, int64_t scs_id);
int64_t iwf_mem_add_grant(struct iwf_store *, const struct iwf_mem_grant *);
bool iwf_mem_revoke(struct iwf_store *, int64_t grant_id);

/* To look at what the core has written.  NULL: no such index; good until the next write. */
const struct iwf_audit *iwf_mem_audit(struct iwf_store *, size_t i);
const struct iwf_trigger *iwf_mem_trigger(struct iwf_store *, size_t i);
const struct iwf_report *iwf_mem_report(struct iwf_store *, size_t i);           /* those not deleted */
