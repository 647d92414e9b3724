/* iwfctl_db.c - iwfctl db: the file itself. */
#include "iwfctl.h"
#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "migrate.h"

static int64_t one_number(sqlite3 *db, const char *sql, int64_t otherwise)
{
	sqlite3_stmt *st;
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		return otherwise;
	int64_t v = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : otherwise;
	sqlite3_finalize(st);
	return v;
}

static int bring_up(const char *path, bool create)
{
	unsigned from, to;
	char err[600];
	if (iwf_migrate_file(path, create, &from, &to, err, sizeof err) != IWF_OK)
		return ctl_fail("%s", err);
	if (from == to)
		printf("%s has schema version %u already\n", path, to);
	else if (from == 0)
		printf("%s made, schema version %u\n", path, to);
	else
		printf("%s brought from schema version %u to %u\n", path, from, to);
	return CTL_OK;
}

static int db_init(struct ctl *c, const struct args *a)
{
	const char *path = ctl_store_path(c);
	struct stat st;
	if (!path)
		return CTL_FAIL;
	if (stat(path, &st) == 0 && st.st_size > 0)
		return ctl_fail("%s is there already and stays as it is; `iwfctl db migrate` brings an older one up to date", path);
	return bring_up(path, true);
}

static int db_migrate(struct ctl *c, const struct args *a)
{
	const char *path = ctl_store_path(c);
	if (!path)
		return CTL_FAIL;
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return ctl_fail("there is no store at %s; `iwfctl db init` makes one", path);
	return bring_up(path, false);
}

static int db_status(struct ctl *c, const struct args *a)
{
	static const char *const columns[] = {
		"file", "octets", "schema_version", "wanted_version", "journal_mode", "scs", "devices", "grants", "triggers", "under_way",
		"outbox", "audit_rows",
	};
	const char *path = ctl_store_path(c);
	struct stat st;
	if (!path)
		return CTL_FAIL;
	if (stat(path, &st) != 0)
		return ctl_fail("%s: %s", path, strerror(errno));
	/* A plain connection: the store's own wants today's schema. */
	sqlite3 *db = NULL;
	sqlite3_stmt *mode = NULL;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &mode, NULL) != SQLITE_OK || sqlite3_step(mode) != SQLITE_ROW) {
		ctl_fail("%s is not a database that can be read: %s", path, sqlite3_errmsg(db));
		sqlite3_finalize(mode);
		sqlite3_close(db);
		return CTL_FAIL;
	}
	int64_t version = one_number(db, "PRAGMA user_version", 0);
	struct out *o = out_new(c, true, columns, sizeof columns / sizeof *columns);
	out_text(o, path);
	out_int(o, st.st_size);
	out_int(o, version);
	out_int(o, iwf_schema_version());
	out_text(o, (const char *)sqlite3_column_text(mode, 0));
	sqlite3_finalize(mode);
	out_int(o, one_number(db, "SELECT count(*) FROM scs", 0));
	out_int(o, one_number(db, "SELECT count(*) FROM subscription", 0));
	out_int(o, one_number(db, "SELECT count(*) FROM \"authorization\"", 0));
	out_int(o, one_number(db, "SELECT count(*) FROM device_trigger", 0));
	out_int(o, one_number(db, "SELECT count(*) FROM device_trigger WHERE state <= 4", 0));
	out_int(o, one_number(db, "SELECT count(*) FROM outbox", 0));
	out_int(o, one_number(db, "SELECT count(*) FROM audit", 0));
	out_print(o);
	sqlite3_close(db);
	if (version < iwf_schema_version())
		return ctl_fail("the schema is older than this program: `iwfctl db migrate`");
	if (version > iwf_schema_version())
		return ctl_fail("the schema is newer than this program: install the program that goes with it");
	return CTL_OK;
}

static const struct ctl_verb verbs[] = {
	{ "db", "init", NULL, 0, db_init, "make the store" },
	{ "db", "migrate", NULL, 0, db_migrate, "bring an older store to the schema of this program" },
	{ "db", "status", NULL, 0, db_status, "what is in the store; fails when its schema is not that of this program" },
};
const struct ctl_verbs ctl_db_verbs = { verbs, sizeof verbs / sizeof *verbs };
