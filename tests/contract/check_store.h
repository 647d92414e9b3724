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
const char *sqlite_uri(void);                           /* of that file */
struct iwf_store *again(uint32_t busy_timeout_ms);

/* A trigger of that SCS, submitting, with every field set. */
struct iwf_trigger trigger_row(int64_t scs_id, uint32_t reference);
struct iwf_report report_row(int64_t trigger_id, int64_t scs_id, int64_t next_ms);

int64_t one_scs(struct iwf_store *st);               /* acme, scs.acme.example, without a number */
/* Alike in everything but payload and nodes, which `got` must not have. */
void same_trigger(struct iwf_trigger got, struct iwf_trigger want);
/* The row has payload and nodes of `want`. */
void has_payload(struct iwf_store *st, int64_t id, const struct iwf_trigger *want);

#define OK(call)        ck_assert_int_eq((call), IWF_OK)
#define FAILS(err, call) ck_assert_int_eq((call), (err))

/* Lines logged since the last call of log_quiet(), which also keeps them off the terminal. */
void log_quiet(void);
unsigned log_lines(void);
const char *log_last(void);

TCase *write_cases(void);
TCase *old_cases(void);
TCase *sqlite_cases(void);
TCase *sqlite_failure_cases(void);
TCase *migrate_cases(void);
TCase *ident_cases(void);
