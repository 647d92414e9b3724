/* gw_table.h - the SCSs, as the exposed process knows them: what it needs of the rows of scs, no more.
 * A table never changes; a change of the store makes a new one. */
#pragma once
#include "ident.h"

struct gw_scs {
	int64_t id;
	char name[64];
	char origin_host[IWF_DIAMID_MAX + 1], origin_realm[IWF_DIAMID_MAX + 1];
	char cert_san[IWF_DIAMID_MAX + 1];   /* never "": origin_host where the row has none */
	char cert_sha256[64 + 1];            /* "": not pinned */
	bool inside, ndsip, enabled;
	int64_t valid_from, valid_until;     /* milliseconds since the epoch; 0: open */
	uint32_t rate_per_s, burst;          /* 0: the configured default */
	uint32_t connections;                /* at a time; at least 1 */
	char address[64];                    /* ndsip: the peer's numeric address; "": any inside address is NOT accepted, none is */
};

struct gw_table;
/* Takes the array over (malloc'd).  NULL: no memory, and the array is freed. */
struct gw_table *gw_table_new(struct gw_scs *rows, size_t n);
void gw_table_free(struct gw_table *);
size_t gw_table_count(const struct gw_table *);
/* NULL: none.  Upper and lower case are the same. */
const struct gw_scs *gw_table_by_host(const struct gw_table *, struct iwf_view origin_host);
/* Is there an enabled row whose cert_san is this dNSName, or with this pin? */
bool gw_table_has_san(const struct gw_table *, const char *dns_name);
bool gw_table_has_pin(const struct gw_table *, const char *sha256);
