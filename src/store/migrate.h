/* migrate.h - brings a SQLite file to the schema of this program.
 *
 * The migrations of db/sqlite are built into the library.  Each runs as one
 * transaction that also sets PRAGMA user_version, so a crash leaves the version
 * before or the one after, never half. */
#pragma once
#include "iwf_err.h"
struct sqlite3;

unsigned iwf_schema_version(void);           /* that this program wants */
/* IWF_OK, and *from / *to say what was done (equal: nothing). */
enum iwf_err iwf_migrate(struct sqlite3 *db, unsigned *from, unsigned *to, char *err, size_t err_size);
