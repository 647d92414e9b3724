/* migrate.c - see migrate.h */
#include "migrate.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "sqlite_err.h"

#define BUSY_MS 5000

unsigned iwf_schema_version(void)
{
	return iwf_migrations_n;
}

static enum iwf_err complain(sqlite3 *db, int rc, const char *what, char *err, size_t err_size)
{
	char words[256];

	iwf_sqlite_words(db, rc, words, sizeof(words));
	snprintf(err, err_size, "%s: %s", what, words);
	return iwf_sqlite_err(rc);
}

/* Whose file is it, and how far has it got? */
static enum iwf_err look(sqlite3 *db, unsigned n, unsigned *version, char *err, size_t err_size)
{
	sqlite3_int64 app = 0, user = 0, objects = 0;
	int rc = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);    /* all three at one moment */

	if (rc != SQLITE_OK || !iwf_sqlite_int(db, "PRAGMA application_id", &app, &rc) ||
	    !iwf_sqlite_int(db, "PRAGMA user_version", &user, &rc) ||
	    !iwf_sqlite_int(db, "SELECT count(*) FROM sqlite_schema", &objects, &rc)) {
		enum iwf_err e = complain(db, rc, "cannot read the schema version", err, err_size);

		if (!sqlite3_get_autocommit(db))
			sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		return e;
	}
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (app != IWF_APPLICATION_ID && (app != 0 || user != 0 || objects != 0)) {
		snprintf(err, err_size, "this database belongs to another program (application_id %lld, not %d)", (long long)app,
		         IWF_APPLICATION_ID);
		return IWF_EINVAL;
	}
	if (user < 0 || user > n) {
		snprintf(err, err_size, "schema version %lld is of a newer program; this one knows versions up to %u", (long long)user, n);
		return IWF_EINVAL;
	}
	*version = (unsigned)user;
	return IWF_OK;
}

/* Version v to v + 1, unless another program has just done it. */
static enum iwf_err step(sqlite3 *db, const struct iwf_migration *m, unsigned v, char *err, size_t err_size)
{
	char pragma[64];
	sqlite3_int64 now;
	int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	enum iwf_err e;

	if (rc != SQLITE_OK)
		return complain(db, rc, m->name, err, err_size);
	if (!iwf_sqlite_int(db, "PRAGMA user_version", &now, &rc))
		goto fail;
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %u", v + 1);
	if (now == (sqlite3_int64)v &&
	    ((rc = sqlite3_exec(db, m->sql, NULL, NULL, NULL)) != SQLITE_OK ||
	     (rc = sqlite3_exec(db, pragma, NULL, NULL, NULL)) != SQLITE_OK))
		goto fail;
	rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		return IWF_OK;
fail:
	e = complain(db, rc, m->name, err, err_size);
	if (!sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return e;
}

enum iwf_err iwf_migrate_with(sqlite3 *db, const struct iwf_migration *list, unsigned n, unsigned *from, unsigned *to,
                              char *err, size_t err_size)
{
	int foreign_keys = 0, by_name = 0;
	enum iwf_err e;

	*from = *to = 0;
	e = look(db, n, from, err, err_size);
	if (e != IWF_OK)
		return e;
	/* A table that is made anew takes the place of the old one: rows that name its rows must not mind that the old
	 * ones go, nor views, an administrator's too, that there is none of its name for a while. */
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &foreign_keys);
	sqlite3_db_config(db, SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, -1, &by_name);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, 1, NULL);
	for (*to = *from; *to < n && e == IWF_OK; *to += e == IWF_OK)
		e = step(db, &list[*to], *to, err, err_size);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, foreign_keys, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, by_name, NULL);
	return e;
}

enum iwf_err iwf_migrate(sqlite3 *db, unsigned *from, unsigned *to, char *err, size_t err_size)
{
	return iwf_migrate_with(db, iwf_migrations, iwf_migrations_n, from, to, err, err_size);
}

/* An empty file is an empty database.  *made: it was not there. */
static enum iwf_err make_file(const char *path, bool *made, char *err, size_t err_size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	*made = fd >= 0;
	if (fd >= 0) {
		close(fd);
		return IWF_OK;
	}
	if (errno == EEXIST)
		return IWF_OK;
	snprintf(err, err_size, "%s: %s", path, strerror(errno));
	return errno == ENOSPC || errno == EDQUOT ? IWF_EFULL : IWF_ESTORE;
}

/* The one lock that SQLite does not wait for: who else has the file open for the
 * while is done with it soon. */
static int journal_wal(sqlite3 *db)
{
	static const struct timespec pause = { 0, 20000000 };
	int rc;

	for (int waited_ms = 0;; waited_ms += 20) {
		rc = sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
		if ((rc & 0xff) != SQLITE_BUSY || waited_ms >= BUSY_MS)
			return rc;
		nanosleep(&pause, NULL);
	}
}

static void remove_file(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	char name[4096];

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if ((size_t)snprintf(name, sizeof(name), "%s%s", path, ends[i]) < sizeof(name))
			unlink(name);
}

enum iwf_err iwf_migrate_file(const char *path, bool create, unsigned *from, unsigned *to, char *err, size_t err_size)
{
	char why[512];
	sqlite3 *db = NULL;
	struct stat st;
	bool made = false;
	enum iwf_err e;
	int rc;

	*from = *to = 0;
	if (create && (e = make_file(path, &made, err, err_size)) != IWF_OK)
		return e;
	if (stat(path, &st) != 0) {
		snprintf(err, err_size, "%s: %s", path, strerror(errno));
		return errno == ENOENT ? IWF_ENOENT : IWF_ESTORE;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(err, err_size, "%s: not a regular file", path);
		return IWF_ESTORE;
	}
	rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_extended_result_codes(db, 1);
		sqlite3_busy_timeout(db, BUSY_MS);
		e = iwf_migrate(db, from, to, why, sizeof(why));
	} else {
		e = complain(db, rc, "cannot be opened", why, sizeof(why));
	}
	if (e == IWF_OK && (rc = journal_wal(db)) != SQLITE_OK)
		e = complain(db, rc, "PRAGMA journal_mode = WAL", why, sizeof(why));
	sqlite3_close(db);
	if (e != IWF_OK) {
		snprintf(err, err_size, "%s: %s", path, why);
		if (made && *to == 0 && e != IWF_EBUSY)  /* otherwise somebody else uses it by now */
			remove_file(path);
	}
	return e;
}
