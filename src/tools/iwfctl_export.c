/* iwfctl_export.c - iwfctl device export: what `device import` reads.
 *
 * In portions, so that the store's log can be copied back meanwhile: a device is
 * as it was at one moment, the whole file is not. */
#include "config.h"                          /* asprintf */
#include "iwfctl_bulk.h"
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PORTION 5000

struct export {
	struct ctl *ctl;
	const char *file;        /* NULL: standard output */
	char *tmp;               /* it takes the place of `file` when it is whole; NULL: written to directly */
	FILE *to;
	struct progress progress;
	int64_t rows, last_id;   /* so far */
};

static int64_t highest_id(struct ctl *c)
{
	sqlite3_stmt *st = ctl_prepare(c, "SELECT coalesce(max(id), 0) FROM subscription");
	return st ? ctl_id(c, st) : -1;
}

static void put_row(struct export *x, sqlite3_stmt *st)
{
	for (int i = 0; i < COLS; i++) {
		const char *text = (const char *)sqlite3_column_text(st, i + 1);
		if (i)
			putc(',', x->to);
		if (text)
			iwf_csv_put(x->to, text, (size_t)sqlite3_column_bytes(st, i + 1));
	}
	fputs("\r\n", x->to);
	x->last_id = sqlite3_column_int64(st, 0);
	x->rows++;
}

static int write_rows(struct export *x)
{
	int64_t all = highest_id(x->ctl), before;
	int rc = SQLITE_DONE;
	sqlite3_stmt *st = ctl_prepare(x->ctl,
		"SELECT s.id, imsi, msisdn, (SELECT group_concat(e.name, ';') FROM (SELECT ext_id || coalesce(':' || p.name, '') AS name"
		" FROM external_id LEFT JOIN scs p ON p.id = scs_id WHERE subscription_id = s.id ORDER BY ext_id) e), u.name,"
		" enabled, trigger_allowed, smssc, (SELECT group_concat(m.name, ';') FROM (SELECT name FROM device_group_member"
		" JOIN device_group g ON g.id = device_group_id WHERE subscription_id = s.id ORDER BY name) m) "
		"FROM subscription s LEFT JOIN mtc_user u ON u.id = s.mtc_user_id WHERE s.id > :after ORDER BY s.id LIMIT :portion");
	if (!st || all < 0) {
		sqlite3_finalize(st);
		return CTL_FAIL;
	}
	for (int i = 0; i < COLS; i++)
		fprintf(x->to, "%s%s", i ? "," : "", bulk_columns[i]);
	fputs("\r\n", x->to);
	do {
		before = x->rows;
		ctl_bind_int(st, ":after", x->last_id);
		ctl_bind_int(st, ":portion", PORTION);
		while ((rc = sqlite3_step(st)) == SQLITE_ROW)
			put_row(x, st);
		sqlite3_reset(st);
		progress_show(&x->progress, (uint64_t)x->rows, (uint64_t)x->last_id, (uint64_t)all);
	} while (rc == SQLITE_DONE && x->rows == before + PORTION && !bulk_stop() && !ferror(x->to));
	progress_hide(&x->progress);
	if (rc != SQLITE_DONE)
		ctl_fail("%s", sqlite3_errmsg(x->ctl->sql));
	sqlite3_finalize(st);
	return rc != SQLITE_DONE ? CTL_FAIL : bulk_stop() ? CTL_STOPPED : CTL_OK;
}

/* A regular file is made beside its place; anything else is opened as it is. */
static bool open_file(struct export *x)
{
	struct stat st;
	int fd;
	if (!x->file) {
		x->to = stdout;
		return true;
	}
	if (stat(x->file, &st) == 0 && !S_ISREG(st.st_mode)) {
		fd = open(x->file, O_WRONLY | O_CLOEXEC);
	} else {
		if (asprintf(&x->tmp, "%s.XXXXXX", x->file) < 0)
			abort();
		fd = mkstemp(x->tmp);                    /* mode 0600 */
		if (fd < 0) {
			free(x->tmp);
			x->tmp = NULL;
		}
	}
	x->to = fd < 0 ? NULL : fdopen(fd, "w");
	if (x->to)
		return true;
	ctl_fail("%s: %s", x->file, strerror(errno));
	if (fd >= 0)
		close(fd);
	return false;
}

/* False: not all of it has been written, said why. */
static bool close_file(struct export *x, bool whole)
{
	bool ok = fflush(x->to) == 0 && !ferror(x->to) && (!x->tmp || fsync(fileno(x->to)) == 0);
	if (x->to != stdout && fclose(x->to) != 0)
		ok = false;
	if (ok && whole && x->tmp)
		ok = rename(x->tmp, x->file) == 0;
	if (!ok)
		ctl_fail("%s: cannot be written: %s", x->file ? x->file : "standard output", strerror(errno));
	if (x->tmp && !(ok && whole))
		unlink(x->tmp);
	return ok;
}

/* Before anything is shown: whoever can't be named doesn't get to see it. */
static bool audited(struct ctl *c)
{
	enum iwf_err err = c->store->ops->begin(c->store);
	if (!err)
		err = ctl_audit(c, "");
	if (!err)
		err = c->store->ops->commit(c->store);
	if (!err)
		return true;
	c->store->ops->rollback(c->store);
	ctl_fail("nothing is exported: the audit can't be written: %s", iwf_err_str(err));
	return false;
}

int ctl_device_export(struct ctl *c, const struct args *a)
{
	struct export x = { .ctl = c, .file = arg_text(a, "FILE") };
	if (x.file && strcmp(x.file, "-") == 0)
		x.file = NULL;
	if (!ctl_open(c, false) || !audited(c) || !open_file(&x))
		return CTL_FAIL;
	bulk_catch_signals();
	if (x.file || !isatty(STDOUT_FILENO))        /* not between the rows */
		progress_begin(&x.progress);
	int status = write_rows(&x);
	if (!close_file(&x, status == CTL_OK))
		status = CTL_FAIL;
	if (status == CTL_STOPPED)
		ctl_fail(x.tmp ? "stopped; %s is not made" : "stopped", x.file);
	else if (status == CTL_OK && x.file)
		printf("%lld devices exported\n", (long long)x.rows);
	free(x.tmp);
	return status;
}
