/* store_open.h - stores by URI. */
#pragma once
#include "store.h"

struct iwf_store_opts {
	uint32_t busy_timeout_ms;    /* how long a call waits for somebody else's lock before IWF_EBUSY */
	bool read_only;              /* nothing can be written; begin takes no lock */
	/* For who writes nothing but what struct iwf_store_ops has calls for.  Rows that administrators write are kept
	 * between requests as long as nobody else changes the file; and CHECK constraints are not evaluated, which are
	 * for what others write in SQL: here the types bound the values as well, and they are half the cost of a row. */
	bool ops_only;
	/* For who commits all the time: a commit is on disk after iwf_store_sync() only, and a thread copies the
	 * write-ahead log back, not now and then a commit. */
	bool disk_apart;
	bool create;                 /* a file that is not there is made, with the schema of this program */
};

/* "sqlite:PATH" or "mem:".  The schema must be of the version this program was
 * built for (`iwfctl db migrate` gets it there).  NULL: `err` says what was
 * tried, on what, and why not.  Each thread opens its own.
 *
 * An open store heals by itself: after a failure, or when the file at PATH is
 * removed or replaced, the next call outside a transaction opens what is there
 * then; until that succeeds every call is IWF_ESTORE.  Failures are logged here. */
struct iwf_store *iwf_store_open(const char *uri, const struct iwf_store_opts *opts, char *err, size_t err_size);
void iwf_store_close(struct iwf_store *);   /* NULL is fine */

/* The connection beneath, so that administration (plain SQL) and what this
 * interface writes share one transaction; NULL: the back end is not SQLite, or
 * its file is not to be had at the moment.  Good until the next `begin`. */
struct sqlite3 *iwf_store_sqlite(struct iwf_store *);

/* Whether calls wait for somebody else's lock (busy_timeout_ms; they do, from
 * the beginning) or are IWF_EBUSY at once. */
void iwf_store_wait(struct iwf_store *, bool wait);

/* To be called now and then, outside of a transaction, by who writes all the time:
 * keeps the write-ahead log short, waiting up to 500 ms, less and less often, for
 * who reads from it, and says in the log who keeps it from that. */
void iwf_store_tend(struct iwf_store *);

/* What had been committed when it was called is on disk (disk_apart; without, it always is).  In any one thread, whatever
 * another one does with the store meanwhile.  After a failure nobody knows what of it is, until a call succeeds: nothing
 * more should be committed before. */
enum iwf_err iwf_store_sync(struct iwf_store *);

/* A fresh store in memory; store_mem.h puts in what administrators put in. */
struct iwf_store *iwf_store_mem_new(void);

/* Does the chain of the audit hold?  Old rows may have been deleted from the
 * beginning on.  IWF_EINVAL: this back end has no chain. */
struct iwf_audit_check {
	uint64_t rows;               /* that hold */
	int64_t first_id, last_id;   /* of them; 0: none */
	int64_t broken_id;           /* the first that was changed, or before or at which rows are missing; 0: all hold */
	bool anchored;               /* the first holds to the last of those that were removed before it */
	bool anchor_recorded;        /* and a row says so, as whoever cuts the audit must */
	char kept_in[512];           /* the file where those are; "" */
};
enum iwf_err iwf_store_audit_check(struct iwf_store *, struct iwf_audit_check *out);

/* What an MTC user has not been told yet: refusals of what concerns its devices. */
#define IWF_NOTICE_SOURCES 16
struct iwf_notice_source {
	char event[32], reason[64], scs[IWF_NAME_MAX + 1];   /* scs "": nobody we know */
	char origin_host[1024], address[128], cert[128];     /* address without port */
	char device[1024];           /* as the SCS named it; one of several */
	int64_t times, devices, first_ms, last_ms;
};
struct iwf_notice {
	int64_t mtc_user_id;
	char user[IWF_NAME_MAX + 1], contact[1024];
	int64_t last_audit_id, times, first_ms, last_ms;
	size_t nsources;             /* the busiest first */
	bool more;                   /* there are others */
	struct iwf_notice_source sources[IWF_NOTICE_SOURCES];
};
/* The user with the lowest id above that one who was last told before `told_before_ms`.
 * IWF_ENOENT: none; IWF_EINVAL: this back end tells nobody. */
enum iwf_err iwf_store_notice_next(struct iwf_store *, int64_t after_user_id, int64_t told_before_ms, struct iwf_notice *out);
/* It has been told now, up to that row. */
enum iwf_err iwf_store_notice_done(struct iwf_store *, int64_t mtc_user_id, int64_t last_audit_id, int64_t now_ms);
