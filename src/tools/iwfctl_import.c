/* iwfctl_import.c - iwfctl device import: a file of devices into the store of a
 * node that goes on serving.
 *
 * A turn of the loop fills a batch while the store is free, holds the store for
 * some milliseconds to write it, and lets the node have it in between.  How many
 * rows that is follows from how long the batch before took. */
#include "iwfctl_bulk.h"
#include <sqlite3.h>
#include <string.h>

#define HOLD_US   1500
#define FIRST     200                        /* rows */
#define ROWS_MIN  20
#define ROWS_MAX  50000

static const struct arg_spec import_args[] = {
	{ "FILE", ARG_FILE, ARG_NEEDED, .help = "comma-separated values (docs/IWFCTL.md), plain, gzip or Zstandard; -: standard input" },
	{ "--on-conflict", ARG_CHOICE, .choices = "refuse|update|skip", .help = "a device whose IMSI is there already (refuse)" },
	{ "--batch", ARG_UINT, .min = 1, .max = 10000000, .help = "rows that go in together, all or none (as many as take 1.5 ms)" },
	{ "--from-line", ARG_UINT, .min = 2, .max = 1000000000000, .help = "pass over the rows before that line" },
	{ "--strict", ARG_FLAG, .help = "stop at the first row that is refused; none of its batch goes in" },
};

struct import {
	struct ctl *ctl;
	const char *file;
	struct input *in;
	struct iwf_csv csv;
	struct batch *batch;
	struct progress progress;
	uint8_t column[COLS];                    /* of each field */
	size_t ncolumns;
	bool strict;
	uint64_t from_line, go_on;               /* everything before go_on is in, or refused */
};

static enum bulk_conflict conflict_arg(const struct args *a)
{
	const char *word = arg_text(a, "--on-conflict");
	return !word || strcmp(word, "refuse") == 0 ? BULK_REFUSE : strcmp(word, "skip") == 0 ? BULK_SKIP : BULK_UPDATE;
}

static int known_column(const char *name)
{
	for (int i = 0; i < COLS; i++)
		if (strcmp(bulk_columns[i], name) == 0)
			return i;
	return -1;
}

/* The columns, bit by bit; 0: said why. */
static unsigned read_header(struct import *m)
{
	unsigned has = 0;
	switch (iwf_csv_next(&m->csv)) {
	case IWF_CSV_ROW:    break;
	case IWF_CSV_END:    ctl_fail("%s: is empty; it has to begin with a line of column names", m->file); return 0;
	case IWF_CSV_BAD:    ctl_fail("%s: line %llu: %s", m->file, (unsigned long long)m->csv.line, m->csv.why); return 0;
	case IWF_CSV_FAILED: ctl_fail("%s: %s", m->file, input_why(m->in)); return 0;
	}
	for (size_t i = 0; i < m->csv.nfields; i++) {
		int col = known_column(m->csv.field[i].p);
		if (col < 0 || (has & 1u << col)) {
			ctl_fail(col < 0 ? "%s: line %llu: there is no column '%s'; there are imsi, msisdn, external_ids, user, enabled, "
			                   "trigger_allowed, smssc and groups" : "%s: line %llu: column '%s' is there twice",
			         m->file, (unsigned long long)m->csv.line, m->csv.field[i].p);
			return 0;
		}
		has |= 1u << col;
		m->column[m->ncolumns++] = (uint8_t)col;
	}
	m->go_on = m->csv.next_line;
	if (has & 1u << COL_IMSI)
		return has;
	ctl_fail("%s: line %llu: the column imsi is missing", m->file, (unsigned long long)m->csv.line);
	return 0;
}

/* Up to so many rows.  IWF_CSV_BAD: the first that is refused is to stop it. */
static enum iwf_csv_got fill(struct import *m, size_t rows)
{
	while (batch_rows(m->batch) < rows) {
		enum iwf_csv_got got = iwf_csv_next(&m->csv);
		if (got == IWF_CSV_END || got == IWF_CSV_FAILED)
			return got;
		if (m->csv.line < m->from_line)
			continue;
		bool ok = false;
		if (got == IWF_CSV_BAD)
			batch_refuse(m->batch, m->csv.line, "%s", m->csv.why);
		else if (m->csv.nfields != m->ncolumns)
			batch_refuse(m->batch, m->csv.line, "%zu fields, but %zu columns", m->csv.nfields, m->ncolumns);
		else
			ok = batch_add(m->batch, m->csv.line, m->csv.field, m->column, m->ncolumns);
		if (!ok && m->strict)
			return IWF_CSV_BAD;
	}
	return IWF_CSV_ROW;
}

/* One batch says little, the process may have had to wait for a processor: at most twice or half as many. */
static size_t rows_for(int64_t hold_us, size_t rows, int64_t held_us)
{
	double fit = (double)rows * (double)hold_us / (double)(held_us > 0 ? held_us : 1);
	fit = fit > 2 * (double)rows ? 2 * (double)rows : fit < (double)rows / 2 ? (double)rows / 2 : fit;
	return fit < ROWS_MIN ? ROWS_MIN : fit > ROWS_MAX ? ROWS_MAX : (size_t)fit;
}

/* All of it, to the end or to what ends it. */
static int run(struct import *m, size_t exactly)
{
	size_t rows = exactly ? exactly : FIRST, held_rows;
	enum iwf_csv_got got = IWF_CSV_ROW;
	uint64_t line;
	while (got == IWF_CSV_ROW) {
		batch_pause(m->batch);
		got = fill(m, rows);
		if (got == IWF_CSV_BAD)
			return CTL_FAIL;
		if (batch_write(m->batch, exactly ? 0 : HOLD_US, &line) != CTL_OK) {
			if (line)
				m->go_on = line;
			return bulk_stop() ? CTL_STOPPED : CTL_FAIL;
		}
		m->go_on = m->csv.next_line > m->from_line ? m->csv.next_line : m->from_line;
		int64_t held = batch_held_us(m->batch, &held_rows);
		if (!exactly && held_rows)
			rows = rows_for(HOLD_US, held_rows, held);
		const struct bulk_counts *n = batch_counts(m->batch);
		progress_show(&m->progress, n->added + n->updated + n->skipped + n->refused, input_taken(m->in), input_size(m->in));
		if (bulk_stop())
			return CTL_STOPPED;
	}
	if (got != IWF_CSV_FAILED)
		return batch_counts(m->batch)->refused ? CTL_SOME : CTL_OK;
	progress_hide(&m->progress);
	ctl_fail("%s: %s", m->file, input_why(m->in));
	return CTL_FAIL;
}

/* One transaction that is on disk when this returns, and all that went before. */
static bool audited(struct ctl *c, const char *more)
{
	enum iwf_err err = sqlite3_exec(c->sql, "PRAGMA synchronous = FULL", NULL, NULL, NULL) == SQLITE_OK ? IWF_OK : IWF_ESTORE;
	if (!err)
		err = c->store->ops->begin(c->store);
	if (!err)
		err = ctl_audit(c, more);
	if (!err)
		err = c->store->ops->commit(c->store);
	if (err) {
		c->store->ops->rollback(c->store);
		ctl_fail("the audit can't be written: %s", iwf_err_str(err));
	}
	return !err;
}

static void tell(const struct import *m, int status)
{
	static const char *const columns[] = { "added", "updated", "skipped", "refused", "next_line", "ended" };
	const struct bulk_counts *n = batch_counts(m->batch);
	if (m->ctl->json) {
		struct out *o = out_new(m->ctl, false, columns, 6);
		out_int(o, (int64_t)n->added);
		out_int(o, (int64_t)n->updated);
		out_int(o, (int64_t)n->skipped);
		out_int(o, (int64_t)n->refused);
		out_int(o, (int64_t)m->go_on);
		out_bool(o, status == CTL_OK || status == CTL_SOME);
		out_print(o);
		return;
	}
	printf("%llu added, %llu updated, %llu skipped, %llu refused; ", (unsigned long long)n->added, (unsigned long long)n->updated,
	       (unsigned long long)n->skipped, (unsigned long long)n->refused);
	printf(status == CTL_OK || status == CTL_SOME ? "the next line is %llu\n" : "go on with --from-line %llu\n",
	       (unsigned long long)m->go_on);
}

static int import_into(struct import *m, const struct args *a)
{
	char more[200];
	unsigned has = read_header(m);
	if (!has || !audited(m->ctl, ": begun"))
		return CTL_FAIL;
	m->batch = batch_new(m->ctl, has, conflict_arg(a), m->strict, &m->progress);
	if (!m->batch)
		return CTL_FAIL;
	if (m->go_on < m->from_line)
		m->go_on = m->from_line;
	progress_begin(&m->progress);
	bulk_catch_signals();
	int status = run(m, (size_t)arg_num(a, "--batch", 0));
	progress_hide(&m->progress);
	const struct bulk_counts *n = batch_counts(m->batch);
	snprintf(more, sizeof more, ": %llu added, %llu updated, %llu skipped, %llu refused, up to line %llu", (unsigned long long)n->added,
	         (unsigned long long)n->updated, (unsigned long long)n->skipped, (unsigned long long)n->refused,
	         (unsigned long long)m->go_on - 1);
	if (!audited(m->ctl, more))
		status = CTL_FAIL;
	tell(m, status);
	return status;
}

static int device_import(struct ctl *c, const struct args *a)
{
	struct import m = { .ctl = c, .file = arg_text(a, "FILE"), .strict = arg_given(a, "--strict"),
	                    .from_line = (uint64_t)arg_num(a, "--from-line", 0) };
	int status = CTL_FAIL;
	/* One thread, and nobody asks how much memory is in use: a tenth of the time. */
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	m.in = input_open(m.file);
	if (m.in && iwf_csv_open(&m.csv, input_read, m.in)) {
		if (ctl_open(c, false))
			status = import_into(&m, a);
		batch_free(m.batch);
		iwf_csv_close(&m.csv);
	} else if (m.in) {
		ctl_fail("out of memory");
	}
	input_close(m.in);
	return status;
}

static const struct arg_spec export_args[] = {
	{ "FILE", ARG_FILE, .help = "made with mode 0600; without it, or with -: standard output" },
};

static const struct ctl_verb verbs[] = {
	{ "device", "import", CTL_ARGS(import_args), device_import, "many devices from a file, while the node serves" },
	{ "device", "export", CTL_ARGS(export_args), ctl_device_export, "all devices, with their IMSIs, in the form that import takes" },
};
const struct ctl_verbs ctl_import_verbs = { verbs, sizeof verbs / sizeof *verbs };
