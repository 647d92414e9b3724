/* seed.h - rows for tests, as an administrator would make them, in any store.
 *
 * A row that cannot be made ends the test program with the reason on standard
 * error.  With SQLite each call uses a connection of its own, so the store under
 * test sees somebody else's change, and no call may come within a transaction. */
#pragma once
#include "store.h"

int64_t seed_user(struct iwf_store *, const char *name, bool restrict_scs);
void seed_user_allows(struct iwf_store *, int64_t mtc_user_id, int64_t scs_id);

/* An SCS as an INSERT with only the needed columns makes it: enabled, all
 * actions, no quota, no priority, no dates; the realm is what follows the first
 * dot of the host.  Change what the test is about, then seed_scs(). */
struct iwf_scs seed_scs_row(const char *name, const char *origin_host);
int64_t seed_scs(struct iwf_store *, const struct iwf_scs *);       /* e164, if not "", becomes its primary number */
void seed_scs_change(struct iwf_store *, const struct iwf_scs *);   /* row `id` gets all columns but numbers */
void seed_number(struct iwf_store *, int64_t scs_id, const char *e164, bool primary);
int64_t seed_scs_group(struct iwf_store *, const char *name);
void seed_scs_member(struct iwf_store *, int64_t scs_group_id, int64_t scs_id);

/* Enabled, triggers allowed, no static routing; msisdn may be NULL, user 0. */
int64_t seed_subscription(struct iwf_store *, const char *imsi, const char *msisdn, int64_t mtc_user_id);
int64_t seed_subscription_row(struct iwf_store *, const struct iwf_subscription *);
void seed_subscription_change(struct iwf_store *, const struct iwf_subscription *);
void seed_ext_id(struct iwf_store *, const char *ext_id, int64_t subscription_id, int64_t scs_id /* 0: for all */);
int64_t seed_device_group(struct iwf_store *, const char *name);
void seed_device_member(struct iwf_store *, int64_t device_group_id, int64_t subscription_id);

/* One of the two whos, one of the four whats; all else zero. */
struct seed_grant {
	int64_t scs_id, scs_group_id;
	int64_t subscription_id, device_group_id;
	const char *domain;
	const char *msisdn_from, *msisdn_to;
	unsigned services;               /* IWF_SVC_* */
	int64_t valid_from, valid_until;
	size_t nports;
	struct { uint16_t from, to; } ports[IWF_GRANT_PORTS];
};
int64_t seed_grant(struct iwf_store *, const struct seed_grant *);
void seed_revoke(struct iwf_store *, int64_t grant_id);

/* What is there now, oldest first; false: fewer rows than that.  Texts of the
 * audit point into the struct. */
struct seed_audit { struct iwf_audit a; char text[8][1024]; };
bool seed_audit(struct iwf_store *, size_t i, struct seed_audit *out);
size_t seed_audits(struct iwf_store *);
bool seed_trigger(struct iwf_store *, size_t i, struct iwf_trigger *out);    /* without payload and nodes */
size_t seed_triggers(struct iwf_store *);
bool seed_report(struct iwf_store *, size_t i, struct iwf_report *out);
size_t seed_reports(struct iwf_store *);
