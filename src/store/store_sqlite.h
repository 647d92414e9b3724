/* store_sqlite.h - inside of the SQLite back end; for store_sqlite*.c and its tests. */
#pragma once
#include <sqlite3.h>
#include <sys/types.h>
#include "sqlite_since.h"
#include "store_open.h"

#define STMT(name, sql) ST_##name,
enum sqlite_stmt {
#include "sqlite_stmt.def"
	ST_COUNT
};
#undef STMT

#define SQLITE_PARAMS 40         /* of one statement; more are only found more slowly */

struct sqlite_file { dev_t dev; ino_t ino; };

struct sqlite_store {
	struct iwf_store store;
	struct iwf_store_opts opts;
	char *path;                  /* absolute */
	sqlite3 *db;                 /* NULL: could not be opened again (yet) */
	sqlite3_stmt *stmt[ST_COUNT];
	/* Where the names that are bound stand in a statement, in the order of the calls: SQLite compares texts. */
	struct { const char *name; int at; } param[ST_COUNT][SQLITE_PARAMS];
	struct sqlite_file file;     /* that `db` is */
	bool in_tx;
	int64_t asked_ms, waited_ms; /* for a lock */
	struct sqlite_cache *cache;  /* NULL: none */
	struct sqlite_repeats *repeats;   /* counted in this transaction; NULL: nothing ever */
	struct sqlite_copier *copier;   /* opts.disk_apart */
	bool has_last;               /* in this transaction: what the next row of the audit is chained to */
	int64_t last_id;
	uint8_t last_hash[32];
	bool broken;                 /* to be opened anew before it is used again */
	bool reopened;               /* since the last `changed` */
	int64_t data_version, admin_stamp;
	char err[768];
	/* Failures are logged at most once a second and kind; the rest is counted. */
	struct { int64_t last_ms; unsigned silent; } logged[8];
	struct { long long told; int64_t again_ms, pause_ms, wait_ms; int copied; } log;   /* store_sqlite_log.c */
	bool failing;                /* the last thing said in the log was a failure, so that its end is told too */
};

/* NULL: `err` says why, with the path in it. */
struct iwf_store *iwf_sqlite_open(const char *path, const struct iwf_store_opts *opts, char *err, size_t err_size);
void iwf_sqlite_wait(struct sqlite_store *, bool wait);       /* see iwf_store_wait() */
void iwf_sqlite_tend(struct sqlite_store *);                  /* see iwf_store_tend() */
/* Does the path name that file, and not another one by now, or none?  Does not ask for its times: a file of which somebody
 * has (stat() does) gets the exact time with its next write, which some file systems take to the disk with fdatasync(). */
bool iwf_sqlite_is_file(const char *path, struct sqlite_file);
int64_t iwf_sqlite_now_ms(void);                              /* monotonic */
/* store_sqlite_copy.c: a thread with a connection of its own; NULL: it cannot be had. */
struct sqlite_copier *iwf_sqlite_copier_start(const char *path);
void iwf_sqlite_copier_stop(struct sqlite_copier *);          /* NULL is fine */
enum iwf_err iwf_sqlite_sync(struct sqlite_store *);          /* see iwf_store_sync() */
/* For sqlite3_wal_hook() of the connection that writes. */
int iwf_sqlite_copy_log(void *copier, sqlite3 *, const char *schema, int pages);
/* The file of a store whose ops->name is "sqlite". */
const char *iwf_sqlite_path(const struct iwf_store *);
const char *iwf_sqlite_sql(enum sqlite_stmt n);
const char *iwf_sqlite_stmt_name(enum sqlite_stmt n);

/* One use of a statement.  Start it, bind, fetch rows, end it; after a failure
 * everything but the end does nothing, and the end says what it was. */
struct query {
	struct sqlite_store *s;
	sqlite3_stmt *stmt;
	enum sqlite_stmt n;
	unsigned bound;              /* parameters so far */
	const char *what;            /* the operation, for messages */
	enum iwf_err err;
	int col;                     /* next column to be read */
	size_t rows;
};
void iwf_sqlite_start(struct query *q, struct iwf_store *st, enum sqlite_stmt n, const char *what);
/* Names are constants of the program. */
void iwf_sqlite_bind_int(struct query *q, const char *name, int64_t v);
void iwf_sqlite_bind_opt(struct query *q, const char *name, int64_t v, int64_t null);   /* v == null: NULL */
void iwf_sqlite_bind_text(struct query *q, const char *name, const char *v);            /* NULL: NULL */
void iwf_sqlite_bind_opt_text(struct query *q, const char *name, const char *v);        /* "" or NULL: NULL */
void iwf_sqlite_bind_blob(struct query *q, const char *name, const void *p, size_t n);  /* n == 0: NULL */
bool iwf_sqlite_row(struct query *q);                        /* false: no more rows, or a failure */
int64_t iwf_sqlite_col_int(struct query *q);                 /* NULL: 0 */
/* NULL: "".  What does not fit, or has a NUL in it, is a failure: half a name is another name. */
void iwf_sqlite_col_text(struct query *q, char *out, size_t size);
void iwf_sqlite_col_imsi(struct query *q, struct imsi *out);   /* noted in private.h too */
void iwf_sqlite_col_fixed(struct query *q, void *out, size_t n);                        /* a BLOB of exactly n octets */
/* A malloc'd copy; NULL, 0 for an empty one. */
void iwf_sqlite_col_blob(struct query *q, uint8_t **out, size_t *n);
enum iwf_err iwf_sqlite_fail(struct query *q, enum iwf_err err, const char *why);       /* not SQLite's doing */
enum iwf_err iwf_sqlite_refuse(struct query *q, enum iwf_err err, const char *why);     /* the caller's; not for the log */
enum iwf_err iwf_sqlite_end(struct query *q);                /* IWF_OK also if there was no row */
enum iwf_err iwf_sqlite_end_one(struct query *q);            /* IWF_ENOENT if there was no row */
/* For writes without rows: runs it.  *changes (may be NULL) is the number of rows changed. */
enum iwf_err iwf_sqlite_run(struct query *q, int *changes);
/* The one number that a statement without parameters gives. */
enum iwf_err iwf_sqlite_number(struct iwf_store *, enum sqlite_stmt n, const char *what, int64_t *out);

/* Transactions, also for an operation that needs more than one statement. */
enum iwf_err iwf_sqlite_begin(struct iwf_store *);
enum iwf_err iwf_sqlite_commit(struct iwf_store *);
void iwf_sqlite_rollback(struct iwf_store *);
/* What takes several statements is one transaction, the caller's or its own. */
enum iwf_err iwf_sqlite_begin_own(struct iwf_store *, bool *own);
enum iwf_err iwf_sqlite_end_own(struct iwf_store *, bool own, enum iwf_err e);

/* The operations (store.h), by file. */
/* store_sqlite_admin.c */
enum iwf_err iwf_sqlite_scs_by_host(struct iwf_store *, const char *host, struct iwf_scs *out);
enum iwf_err iwf_sqlite_scs_by_id(struct iwf_store *, int64_t id, struct iwf_scs *out);
enum iwf_err iwf_sqlite_scs_next(struct iwf_store *, int64_t after_id, struct iwf_scs *out);
enum iwf_err iwf_sqlite_scs_has_number(struct iwf_store *, int64_t scs_id, const char *e164);
enum iwf_err iwf_sqlite_subscription_by_ext_id(struct iwf_store *, const char *ext_id, int64_t scs_id, struct iwf_subscription *out);
enum iwf_err iwf_sqlite_subscription_by_msisdn(struct iwf_store *, const char *msisdn, struct iwf_subscription *out);
enum iwf_err iwf_sqlite_user_allows(struct iwf_store *, int64_t mtc_user_id, int64_t scs_id);
enum iwf_err iwf_sqlite_grants(struct iwf_store *, const struct iwf_grant_query *, struct iwf_grant *out, size_t max, size_t *n);
/* Only those that name the SCS itself, and the device or a group of devices. */
enum iwf_err iwf_sqlite_grants_of_device(struct iwf_store *, const struct iwf_grant_query *, struct iwf_grant *out, size_t max, size_t *n);
void iwf_sqlite_grants_sort(struct iwf_grant *, size_t n);
/* store_sqlite_cache.c: as those without "cached". */
enum iwf_err iwf_sqlite_cached_scs(struct iwf_store *, const char *host, struct iwf_scs *out);
enum iwf_err iwf_sqlite_cached_grants(struct iwf_store *, const struct iwf_grant_query *, struct iwf_grant *out, size_t max, size_t *n);
void iwf_sqlite_cache_begin(struct sqlite_store *);      /* a transaction for writing has begun */
void iwf_sqlite_cache_free(struct sqlite_store *);
/* store_sqlite_repeat.c: what has been counted, into the table; or not */
enum iwf_err iwf_sqlite_repeats_write(struct iwf_store *);
void iwf_sqlite_repeats_forget(struct sqlite_store *);
/* store_sqlite_journal.c */
enum iwf_err iwf_sqlite_trigger_insert(struct iwf_store *, struct iwf_trigger *);
enum iwf_err iwf_sqlite_trigger_get(struct iwf_store *, int64_t id, struct iwf_trigger *out);
enum iwf_err iwf_sqlite_trigger_by_ref(struct iwf_store *, int64_t scs_id, uint32_t reference, bool recall, struct iwf_trigger *out);
enum iwf_err iwf_sqlite_trigger_by_e2e(struct iwf_store *, int64_t scs_id, uint32_t reference, bool recall, uint32_t e2e,
                                       int64_t since_ms, struct iwf_trigger *out);
enum iwf_err iwf_sqlite_trigger_by_smea(struct iwf_store *, const char *smea, uint32_t reference, struct iwf_trigger *out);
enum iwf_err iwf_sqlite_trigger_by_device(struct iwf_store *, const char *smea, const struct imsi *, struct iwf_trigger *out, size_t max, size_t *n);
enum iwf_err iwf_sqlite_trigger_move(struct iwf_store *, int64_t id, enum trg_state from, enum trg_state to, const struct iwf_trigger_change *);
enum iwf_err iwf_sqlite_trigger_payload(struct iwf_store *, int64_t id, uint8_t **payload, size_t *payload_len, uint8_t **nodes, size_t *nodes_len);
enum iwf_err iwf_sqlite_trigger_overdue(struct iwf_store *, int64_t before_ms, struct iwf_trigger *out, size_t max, size_t *n);
enum iwf_err iwf_sqlite_trigger_unfinished(struct iwf_store *, int64_t after_id, struct iwf_trigger *out, size_t max, size_t *n);
enum iwf_err iwf_sqlite_report_insert(struct iwf_store *, struct iwf_report *);
enum iwf_err iwf_sqlite_report_get(struct iwf_store *, int64_t id, struct iwf_report *out);
enum iwf_err iwf_sqlite_report_by_trigger(struct iwf_store *, int64_t trigger_id, struct iwf_report *out);
enum iwf_err iwf_sqlite_report_delete(struct iwf_store *, int64_t id);
enum iwf_err iwf_sqlite_report_retry(struct iwf_store *, int64_t id, int64_t next_ms, uint32_t attempts);
enum iwf_err iwf_sqlite_report_due(struct iwf_store *, int64_t now_ms, struct iwf_report *out, size_t max, size_t *n);
enum iwf_err iwf_sqlite_report_line_up(struct iwf_store *, const char *dest_host, int64_t line_ms);
enum iwf_err iwf_sqlite_report_in_line(struct iwf_store *, const char *dest_host, int64_t line_ms, int64_t after_id, struct iwf_report *out,
                                       size_t max, size_t *n);
enum iwf_err iwf_sqlite_journal_prune(struct iwf_store *, int64_t before_ms, size_t max, size_t *n);
enum iwf_err iwf_sqlite_usage_get(struct iwf_store *, int64_t scs_id, int64_t period_start_ms, int64_t *total);
enum iwf_err iwf_sqlite_usage_add(struct iwf_store *, int64_t scs_id, int64_t period_start_ms, int64_t add, int64_t *total);
/* store_sqlite_audit.c */
enum iwf_err iwf_sqlite_audit_add(struct iwf_store *, const struct iwf_audit *);
enum iwf_err iwf_sqlite_audit_count(struct iwf_store *, const struct iwf_audit *, uint32_t told_max, bool *tell);
enum iwf_err iwf_sqlite_audit_tell(struct iwf_store *, int64_t before_ms, int64_t now_ms, size_t max, size_t *n);
enum iwf_err iwf_sqlite_audit_prune(struct iwf_store *, int64_t before_ms, int64_t up_to_id, int64_t now_ms, size_t max, size_t *n,
                                    struct iwf_audit_cut *out);
