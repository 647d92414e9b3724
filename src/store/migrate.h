/* migrate.h - brings a SQLite file to the schema of this program.
 *
 * The migrations of db/sqlite are built into the library.  Each runs as one
 * transaction that also sets PRAGMA user_version, so a crash leaves the version
 * before or the one after, never half. */
#pragma once
#include <stddef.h>
#include "iwf_err.h"
struct sqlite3;

#define IWF_APPLICATION_ID 0x4d544957        /* PRAGMA application_id of our files: "MTIW" */

unsigned iwf_schema_version(void);           /* that this program wants */
/* IWF_OK, and *from / *to say what was done (equal: nothing).  IWF_EINVAL: the
 * file belongs to another program, or to a newer one of ours; IWF_EBUSY: locked;
 * otherwise a migration failed and *to is the version that the file has. */
enum iwf_err iwf_migrate(struct sqlite3 *db, unsigned *from, unsigned *to, char *err, size_t err_size);
/* The same for the file at `path`.  With create, a file that is not there is made
 * (mode 0640), and goes again if nothing could be put into it; without, it is
 * IWF_ENOENT.  Several programs may do it at once. */
enum iwf_err iwf_migrate_file(const char *path, bool create, unsigned *from, unsigned *to, char *err, size_t err_size);

/* One file of db/sqlite; number N of the list makes version N. */
struct iwf_migration { const char *name, *sql; };
extern const struct iwf_migration iwf_migrations[];
extern const unsigned iwf_migrations_n;
/* iwf_migrate() with a list of the caller's. */
enum iwf_err iwf_migrate_with(struct sqlite3 *db, const struct iwf_migration *list, unsigned n, unsigned *from, unsigned *to,
                              char *err, size_t err_size);
