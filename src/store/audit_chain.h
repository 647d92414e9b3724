/* audit_chain.h - what every back end does with an audit row before it is kept. */
#pragma once
#include "hash.h"
#include "store.h"

#define IWF_AUDIT_TEXT 1024      /* octets of one column with its end; longer text is cut (iwf_log_escape) */

/* The row with all its text escaped and cut; `text` is what it points into. */
struct iwf_audit_row { struct iwf_audit a; char text[8][IWF_AUDIT_TEXT]; };
void iwf_audit_clean(const struct iwf_audit *in, struct iwf_audit_row *out);

/* SHA-256 over the hash of the row before (zeroes for the first) and all columns
 * of this one in the order of the schema; `reason` is the word that is on disk.
 * False: no digest to be had. */
bool iwf_audit_hash(const uint8_t before[static IWF_HASH_LEN], int64_t id, const struct iwf_audit *a, const char *reason,
                    uint8_t out[static IWF_HASH_LEN]);
