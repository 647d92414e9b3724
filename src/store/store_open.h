/* store_open.h - stores by URI. */
#pragma once
#include "store.h"

struct iwf_store_opts { uint32_t busy_timeout_ms; bool read_only; bool create; };

/* "sqlite:PATH" or "mem:".  The schema must be of the version this program was
 * built for (`iwfctl db migrate` gets it there).  NULL: `err` says what was
 * tried, on what, and why not.  Each thread opens its own. */
struct iwf_store *iwf_store_open(const char *uri, const struct iwf_store_opts *opts, char *err, size_t err_size);
void iwf_store_close(struct iwf_store *);   /* NULL is fine */

/* The connection beneath, so that administration (plain SQL) and what this
 * interface writes share one transaction; NULL: the back end is not SQLite. */
struct sqlite3 *iwf_store_sqlite(struct iwf_store *);

/* Fresh stores for the contract test and for tests of the core; rows are put in
 * with these, which stand for the administrator. */
struct iwf_store *iwf_store_mem_new(void);
