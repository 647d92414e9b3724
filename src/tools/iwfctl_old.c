/* iwfctl_old.c - see iwfctl_old.h */
#include "iwfctl_old.h"
#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "migrate.h"

#define PORTION 1000
#define PAUSE_NS 20000000        /* between portions, for the node's own transactions */

const struct arg_spec ctl_prune_args[1] = {
	{ "--older-than", ARG_UINT, ARG_NEEDED, 0, 36500, .help = "days" },
};
const struct arg_spec ctl_rotate_args[2] = {
	{ "--to", ARG_FILE, ARG_NEEDED, .help = "a new file; `iwfctl --db FILE audit verify` works on it" },
	{ "--older-than", ARG_UINT, 0, 0, 36500, .help = "days; without it all but the last row" },
};

/* What goes, and what has gone. */
static struct {
	int64_t before_ms, up_to_id;
	const char *kept_in;
	size_t said;                 /* octets of ctl.said without what is added each time */
	size_t portion;
	uint64_t total;
} old;

static void begin(struct ctl *c, const struct args *a)
{
	old.before_ms = arg_given(a, "--older-than") ? ctl_now_ms() - arg_num(a, "--older-than", 0) * 86400000 : INT64_MAX;
	old.up_to_id = INT64_MAX;
	old.said = strlen(c->said);
}

/* One portion a transaction, each with its row in the audit.  `work` leaves old.portion, or
 * gives CTL_REFUSED when nothing is left to do. */
static int in_portions(struct ctl *c, const struct args *a, int (*work)(struct ctl *, const struct args *))
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	int status;

	for (;;) {
		old.portion = 0;
		c->said[old.said] = '\0';
		status = ctl_change(c, a, work);
		if (status != CTL_OK)
			return status == CTL_REFUSED ? CTL_OK : status;
		old.total += old.portion;
		if (old.portion < PORTION)
			return CTL_OK;
		nanosleep(&pause, NULL);
	}
}

static int told(int status, const char *what)
{
	if (status != CTL_OK)
		return status;
	if (old.total)
		printf("%" PRIu64 " %s\n", old.total, what);
	else
		puts("nothing is so old");
	return CTL_OK;
}

/* ---- the audit */

static int cut_work(struct ctl *c, const struct args *a)
{
	struct iwf_audit_cut cut;
	enum iwf_err err = c->store->ops->audit_prune(c->store, old.before_ms, old.up_to_id, ctl_now_ms(), PORTION, &old.portion, &cut);

	if (err)
		return ctl_fail("nothing was removed: %s", c->store->ops->errmsg(c->store));
	if (!old.portion)
		return CTL_REFUSED;
	snprintf(c->said + old.said, sizeof c->said - old.said, " (rows up to %" PRId64 " removed, hash %s)", cut.last_id, cut.hash);
	if (!old.kept_in)
		return CTL_OK;
	sqlite3_stmt *st = ctl_prepare(c, "UPDATE audit_anchor SET kept_in = :file WHERE last_id = :last");
	if (!st)
		return CTL_FAIL;
	ctl_bind_text(st, ":file", old.kept_in);
	ctl_bind_int(st, ":last", cut.last_id);
	return ctl_run(c, st) ? CTL_OK : CTL_FAIL;
}

int ctl_audit_prune(struct ctl *c, const struct args *a)
{
	begin(c, a);
	return told(in_portions(c, a, cut_work), "rows of the audit removed");
}

/* ---- to another file */

/* All rows of a SELECT into an INSERT with as many parameters. */
static bool copy_rows(struct ctl *c, sqlite3 *to, const char *insert, sqlite3_stmt *from)
{
	sqlite3_stmt *ins = NULL;
	int rc = sqlite3_prepare_v2(to, insert, -1, &ins, NULL), n = sqlite3_column_count(from), got = SQLITE_DONE;

	while (rc == SQLITE_OK && (got = sqlite3_step(from)) == SQLITE_ROW) {
		for (int i = 0; i < n; i++)
			sqlite3_bind_value(ins, i + 1, sqlite3_column_value(from, i));
		sqlite3_step(ins);
		rc = sqlite3_reset(ins);
	}
	if (rc != SQLITE_OK)
		ctl_fail("%s", sqlite3_errmsg(to));
	else if (got != SQLITE_DONE)
		ctl_fail("%s", sqlite3_errmsg(c->sql));
	sqlite3_finalize(ins);
	sqlite3_finalize(from);
	return rc == SQLITE_OK && got == SQLITE_DONE;
}

#define AUDIT_COLUMNS \
	"id, at_ms, event, decision, reason, request_status, scs_id, peer, origin_host, address, cert_sha256, device, " \
	"subscription_id, reference, detail, hash, mtc_user_id, times, first_ms"

static bool copy_audit(struct ctl *c, sqlite3 *to)
{
	sqlite3_stmt *rows = ctl_prepare(c, "SELECT " AUDIT_COLUMNS " FROM audit WHERE id <= :last ORDER BY id");
	bool ok;

	if (!rows)
		return false;
	ctl_bind_int(rows, ":last", old.up_to_id);
	ok = sqlite3_exec(to, "BEGIN", NULL, NULL, NULL) == SQLITE_OK &&
	     copy_rows(c, to, "INSERT INTO audit (" AUDIT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows);
	rows = ok ? ctl_prepare(c, "SELECT last_id, hash, at_ms, kept_in FROM audit_anchor WHERE last_id < (SELECT min(id) FROM audit)") : NULL;
	ok = rows && copy_rows(c, to, "INSERT INTO audit_anchor (last_id, hash, at_ms, kept_in) VALUES (?, ?, ?, ?)", rows);
	if (ok && sqlite3_exec(to, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
		ctl_fail("%s", sqlite3_errmsg(to));
		ok = false;
	}
	return ok;
}

/* What has been copied holds together; an audit that does not is not taken apart. */
static bool copy_holds(const char *file)
{
	struct iwf_audit_check k = { .broken_id = 0 };
	char uri[600], err[512];
	const struct iwf_store_opts opts = { .busy_timeout_ms = 1000 };
	snprintf(uri, sizeof uri, "sqlite:%s", file);
	struct iwf_store *st = iwf_store_open(uri, &opts, err, sizeof err);
	bool ok = st && iwf_store_audit_check(st, &k) == IWF_OK && !k.broken_id;

	if (!st)
		ctl_fail("%s", err);
	else if (!ok)
		ctl_fail("the chain breaks at row %" PRId64 "; nothing is moved (`iwfctl audit verify`)", k.broken_id);
	iwf_store_close(st);
	return ok;
}

static bool find_last(struct ctl *c)
{
	sqlite3_stmt *st = ctl_prepare(c, "SELECT min(coalesce((SELECT id FROM audit WHERE at_ms >= :before ORDER BY id LIMIT 1) - 1, "
	                                  "9223372036854775807), (SELECT max(id) FROM audit) - 1)");
	if (!st)
		return false;
	ctl_bind_int(st, ":before", old.before_ms);
	old.up_to_id = ctl_id(c, st);
	if (old.up_to_id <= 0)
		return old.up_to_id == 0;
	st = ctl_prepare(c, "SELECT count(*) FROM audit WHERE id <= :last");
	if (!st)
		return false;
	ctl_bind_int(st, ":last", old.up_to_id);
	int64_t n = ctl_id(c, st);
	if (n == 0)
		old.up_to_id = 0;
	return n >= 0;
}

int ctl_audit_rotate(struct ctl *c, const struct args *a)
{
	char file[512], err[512];
	unsigned from, to_version;
	sqlite3 *to = NULL;
	bool ok;

	begin(c, a);
	if (access(arg_text(a, "--to"), F_OK) == 0)
		return ctl_fail("%s is there already; name a new file", arg_text(a, "--to"));
	if (!ctl_open(c, true) || !find_last(c))
		return CTL_FAIL;
	if (!old.up_to_id)
		return told(CTL_OK, "");
	if (iwf_migrate_file(arg_text(a, "--to"), true, &from, &to_version, err, sizeof err) != IWF_OK)
		return ctl_fail("%s: %s", arg_text(a, "--to"), err);
	char *real = realpath(arg_text(a, "--to"), NULL);
	ok = real && snprintf(file, sizeof file, "%s", real) < (int)sizeof file;
	free(real);
	if (!ok) {
		unlink(arg_text(a, "--to"));
		return ctl_fail("the name of the file has more than %zu characters", sizeof file - 1);
	}
	ok = sqlite3_open(file, &to) == SQLITE_OK && copy_audit(c, to);
	sqlite3_close(to);
	ctl_close(c);
	if (!ok || !copy_holds(file)) {
		unlink(file);
		return CTL_FAIL;
	}
	old.kept_in = file;
	return told(in_portions(c, a, cut_work), "rows of the audit moved");
}

/* ---- the journal */

static int journal_work(struct ctl *c, const struct args *a)
{
	if (c->store->ops->journal_prune(c->store, old.before_ms, PORTION, &old.portion) != IWF_OK)
		return ctl_fail("nothing was removed: %s", c->store->ops->errmsg(c->store));
	return CTL_OK;
}

int ctl_trigger_prune(struct ctl *c, const struct args *a)
{
	begin(c, a);
	return told(in_portions(c, a, journal_work), "rows of the journal removed");
}
