/* store_fail.h - a store that passes everything on to another one and fails the
 * Nth call with an error of the test's choice, without passing that one on. */
#pragma once
#include "store.h"

/* Takes `inner` over: closing closes both.  Ends the test program without memory. */
struct iwf_store *store_fail_new(struct iwf_store *inner);
/* From now on call number `nth` (1: the next) and the `times` - 1 after it fail;
 * nth 0: none.  begin, commit, changed, reads and writes all count, rollback and
 * errmsg do not.  A commit that fails has rolled back. */
void store_fail_at(struct iwf_store *, unsigned nth, unsigned times, enum iwf_err err);
unsigned store_fail_calls(const struct iwf_store *);       /* since the last store_fail_at() */
const char *store_fail_op(const struct iwf_store *);       /* the operation that failed last; NULL: none has */
/* From now on the name of each operation, and a space, is added to `text`; NULL: no more. */
void store_fail_trace(struct iwf_store *, char *text, size_t size);
struct iwf_store *store_fail_inner(struct iwf_store *);
