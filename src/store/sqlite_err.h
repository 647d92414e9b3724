/* sqlite_err.h - what a SQLite result code means to the rest of us. */
#pragma once
#include <sqlite3.h>
#include <stddef.h>
#include "iwf_err.h"

/* Extended or plain code.  A constraint is IWF_ESTORE here: whoever expects one says IWF_ECONFLICT itself. */
enum iwf_err iwf_sqlite_err(int rc);
/* "database or disk is full", with the system's word for it where there is one. */
void iwf_sqlite_words(sqlite3 *db, int rc, char *out, size_t size);
/* The integer that one statement without parameters gives; false: *rc says why not. */
bool iwf_sqlite_int(sqlite3 *db, const char *sql, sqlite3_int64 *out, int *rc);
