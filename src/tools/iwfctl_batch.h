/* iwfctl_batch.h - the insides of a batch: iwfctl_batch.c and, for rows that go
 * in one by one, iwfctl_batch_row.c. */
#pragma once
#include <sqlite3.h>
#include "iwfctl_bulk.h"

/* All statements; ? in order. */
#define BULK_SQL_LIST(X) \
	X(BULK_LAST_ID, "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'subscription'), 0)," \
	                " coalesce((SELECT max(id) FROM subscription), 0))") \
	X(BULK_ALL_ROWS, "INSERT OR IGNORE INTO subscription (id, imsi, msisdn, mtc_user_id, enabled, trigger_allowed, smssc, created_ms)" \
	                 " SELECT id, imsi, msisdn, user, enabled, triggers, smssc, ?1 FROM batch_row") \
	X(BULK_ALL_EXTS, "INSERT OR IGNORE INTO external_id (ext_id, subscription_id, scs_id) SELECT ext_id, id, scs FROM batch_ext") \
	X(BULK_ALL_GROUPS, "INSERT OR IGNORE INTO device_group_member (device_group_id, subscription_id) SELECT device_group, id FROM batch_group") \
	X(BULK_USER, "SELECT id FROM mtc_user WHERE name = ?1") \
	X(BULK_SCS, "SELECT id FROM scs WHERE name = ?1") \
	X(BULK_GROUP, "SELECT id FROM device_group WHERE name = ?1") \
	X(BULK_BY_IMSI, "SELECT id FROM subscription WHERE imsi = ?1") \
	X(BULK_BY_MSISDN, "SELECT id FROM subscription WHERE msisdn = ?1") \
	X(BULK_BY_EXT, "SELECT subscription_id FROM external_id WHERE ext_id = ?1") \
	X(BULK_HAS_MSISDN, "SELECT msisdn IS NOT NULL FROM subscription WHERE id = ?1") \
	X(BULK_HAS_EXT, "SELECT 1 FROM external_id WHERE subscription_id = ?1 LIMIT 1") \
	X(BULK_ADD, "INSERT INTO subscription (imsi, msisdn, mtc_user_id, enabled, trigger_allowed, smssc, created_ms)" \
	            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)") \
	X(BULK_CHANGE, "UPDATE subscription SET msisdn = iif(?2, ?3, msisdn), mtc_user_id = iif(?4, ?5, mtc_user_id)," \
	               " enabled = iif(?6, ?7, enabled), trigger_allowed = iif(?8, ?9, trigger_allowed), smssc = iif(?10, ?11, smssc)" \
	               " WHERE id = ?1") \
	X(BULK_DROP_EXTS, "DELETE FROM external_id WHERE subscription_id = ?1") \
	X(BULK_DROP_GROUPS, "DELETE FROM device_group_member WHERE subscription_id = ?1") \
	X(BULK_ADD_EXT, "INSERT OR REPLACE INTO external_id (ext_id, subscription_id, scs_id) VALUES (?1, ?2, ?3)") \
	X(BULK_ADD_GROUP, "INSERT OR IGNORE INTO device_group_member (device_group_id, subscription_id) VALUES (?1, ?2)")
#define BULK_SQL_NAME(name, text) name,
enum bulk_sql { BULK_SQL_LIST(BULK_SQL_NAME) BULK_SQL };
#undef BULK_SQL_NAME

#define KNOWN 1024
struct known { uint64_t tx; enum bulk_sql kind; struct bulk_text name; int64_t id; };

struct arena { struct arena *next; size_t used; char text[262144]; };
struct shown_aux { struct batch *b; int what; };

struct batch {
	struct ctl *ctl;
	sqlite3 *sql;
	sqlite3_stmt *st[BULK_SQL];
	unsigned has;                            /* columns, bit by bit */
	enum bulk_conflict conflict;
	bool strict;
	struct progress *progress;

	struct bulk_row *row;
	struct bulk_ext *ext;
	struct bulk_group *group;
	size_t n, next, ngroup, row_room, ext_room, group_room;
	struct arena *arena, *spare;             /* the text of all of them */

	struct bulk_counts counts, pending;
	bool failed, stopped;                    /* the store; a refusal, where that is to stop it */
	bool one_by_one;                         /* the last batch had to */
	bool plain;                              /* since the batch began, no row was anything but new */
	uint64_t tx;
	struct known known[KNOWN];
	int64_t began_us, ended_us, held_us;
	size_t held_rows;
	int log_pages;
	unsigned alone;                          /* batches since another wrote */
	sqlite3_int64 data_version;
	struct shown_aux aux[3];
};

/* A statement that is ready to be bound; NULL: said why, and the batch has failed.  The others take NULL too. */
sqlite3_stmt *batch_sql(struct batch *, enum bulk_sql);
void bulk_bind(sqlite3_stmt *, int i, struct bulk_text);
void bulk_bind_id(sqlite3_stmt *, int i, int64_t id);                /* 0: null */
/* To its first row or its end; true: there is a row. */
bool batch_run(struct batch *, sqlite3_stmt *);
int64_t batch_id(struct batch *, sqlite3_stmt *);                    /* its first value; 0: no row */
/* One row, whatever stands in its way; false: refused, or the batch has failed. */
bool batch_write_row(struct batch *, const struct bulk_row *);
