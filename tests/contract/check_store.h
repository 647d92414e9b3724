/* check_store.h - what the files of this test program share. */
#pragma once
#include <check.h>
#include "../support/seed.h"
#include "store_open.h"

enum { MEM, SQLITE, BACKENDS };

/* A directory of its own for each test case, gone with all that is in it at the end. */
void work_setup(void);
void work_teardown(void);
const char *work_path(const char *name);             /* a static buffer a call; four may be in use */

/* A store with nothing in it.  SQLite: "iwf.db" in the directory, made anew. */
struct iwf_store *fresh(int backend);
/* That file again, with that time to wait for locks. */
struct iwf_store *again(uint32_t busy_timeout_ms);

/* A trigger of that SCS, submitting, with every field set. */
struct iwf_trigger trigger_row(int64_t scs_id, uint32_t reference);
struct iwf_report report_row(int64_t trigger_id, int64_t scs_id, int64_t next_ms);

#define OK(call)        ck_assert_int_eq((call), IWF_OK)
#define FAILS(err, call) ck_assert_int_eq((call), (err))

/* Lines logged since the last call of log_quiet(), which also keeps them off the terminal. */
void log_quiet(void);
unsigned log_lines(void);
const char *log_last(void);

TCase *sqlite_cases(void);
TCase *sqlite_failure_cases(void);
TCase *migrate_cases(void);
