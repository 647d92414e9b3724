/* sqlite_err.c - see sqlite_err.h */
#include "sqlite_err.h"
#include <stdio.h>
#include <string.h>

enum iwf_err iwf_sqlite_err(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return IWF_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:                    /* the lock of the write-ahead log, too long not to be had */
		return IWF_EBUSY;
	case SQLITE_FULL:
		return IWF_EFULL;
	case SQLITE_NOMEM:
		return IWF_ENOMEM;
	default:
		return IWF_ESTORE;
	}
}

void iwf_sqlite_words(sqlite3 *db, int rc, char *out, size_t size)
{
	int sys = db ? sqlite3_system_errno(db) : 0;
	const char *words = db && sqlite3_extended_errcode(db) == rc ? sqlite3_errmsg(db) : sqlite3_errstr(rc);

	/* The errno stays from an older failure: it is told only where it is the cause. */
	if (sys && ((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_FULL))
		snprintf(out, size, "%s (%s)", words, strerror(sys));
	else
		snprintf(out, size, "%s", words);
}

bool iwf_sqlite_int(sqlite3 *db, const char *sql, sqlite3_int64 *out, int *rc)
{
	sqlite3_stmt *stmt = NULL;
	bool got = false;

	*rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
	if (*rc == SQLITE_OK)
		*rc = sqlite3_step(stmt);
	if (*rc == SQLITE_ROW) {
		*out = sqlite3_column_int64(stmt, 0);
		got = true;
	} else if (*rc == SQLITE_DONE) {
		*rc = SQLITE_ERROR;
	}
	sqlite3_finalize(stmt);
	return got;
}
