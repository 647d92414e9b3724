/* iwfctl_bulk.h - devices by the million: what `device import` and `device
 * export` share and are made of. */
#pragma once
#include "csv.h"
#include "iwfctl.h"

/* ---- a file, plain or packed (iwfctl_input.c) ---- */

struct input;
/* "-": standard input.  NULL: said why. */
struct input *input_open(const char *file);
void input_close(struct input *);
/* An iwf_csv_read_fn; `ctx` is the input. -1: input_why() tells. */
long input_read(void *ctx, void *buf, size_t size);
const char *input_why(const struct input *);
/* Octets taken of the file, as it is on disk, and how many it has; 0: unknown. */
uint64_t input_taken(const struct input *);
uint64_t input_size(const struct input *);

/* ---- how far it is (iwfctl_progress.c) ---- */

/* On a terminal at standard error; elsewhere all of it does nothing. */
struct progress { bool on, drawn; int64_t began_ms, next_ms; };
void progress_begin(struct progress *);
/* `done` of `all` (0: unknown), whatever they count; drawn five times a second. */
void progress_show(struct progress *, uint64_t rows, uint64_t done, uint64_t all);
/* Before something else is written there, and at the end. */
void progress_hide(struct progress *);

/* SIGINT and SIGTERM don't end the process from here on: bulk_stop tells. */
void bulk_catch_signals(void);
bool bulk_stop(void);
/* Until there is something to read, or its end.  False: told to stop. */
bool bulk_wait(int fd);

int64_t bulk_now_us(void);                   /* monotonic */

int ctl_device_export(struct ctl *, const struct args *);

/* ---- a batch of devices and its way into the store (iwfctl_batch.c) ---- */

enum { COL_IMSI, COL_MSISDN, COL_EXT, COL_USER, COL_ENABLED, COL_TRIGGERS, COL_SMSSC, COL_GROUPS, COLS };
extern const char *const bulk_columns[COLS];
#define BULK_BETWEEN ';'                     /* the items of a list within a field */
#define BULK_FOR     ':'                     /* an External Identifier and the SCS that it is for */

enum bulk_conflict { BULK_REFUSE, BULK_UPDATE, BULK_SKIP };

struct bulk_text { const char *p; int n; };  /* p NULL: none */
struct bulk_ext { struct bulk_text id, scs; int64_t scs_id; uint32_t row; };
struct bulk_group { struct bulk_text name; int64_t group_id; uint32_t row; };
struct bulk_row {
	uint64_t line;
	int64_t id, user_id;                     /* set when it goes in */
	struct bulk_text imsi, msisdn, smssc, user;
	bool enabled, triggers, refused;
	uint32_t ext, next, group, ngroup;       /* first and how many, of batch.ext and batch.group */
};
struct bulk_counts { uint64_t added, updated, skipped, refused; };

struct batch;
/* On the connection of ctl; `has`: the columns that are given, bit by bit.  NULL: said why. */
struct batch *batch_new(struct ctl *, unsigned has, enum bulk_conflict, bool strict, struct progress *);
void batch_free(struct batch *);             /* NULL is fine */

/* Takes one record, which has a field for each of `column`s n; keeps copies.
 * False: refused, or (strict) to be stopped at: said why. */
bool batch_add(struct batch *, uint64_t line, const struct iwf_csv_field *, const uint8_t *column, size_t n);
size_t batch_rows(const struct batch *);

/* Writes what has been added, as one transaction or, if `hold_us` isn't 0, as
 * several where one would hold the store longer than that.  Afterwards the batch
 * is empty.  CTL_OK; else what is said is why, and *line the first of a row that
 * is not in. */
int batch_write(struct batch *, int64_t hold_us, uint64_t *line);
/* How long the last transaction held the store, and of how many rows it was. */
int64_t batch_held_us(const struct batch *, size_t *rows);
/* Between two batches: lets the node have the store, copies the log back. */
void batch_pause(struct batch *);
const struct bulk_counts *batch_counts(const struct batch *);   /* of what is in the store */

/* Says that the record at `line` is not taken, and counts it. */
void batch_refuse(struct batch *, uint64_t line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
