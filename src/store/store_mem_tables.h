/* store_mem_tables.h - the rows of the store in memory; for store_mem*.c only. */
#pragma once
#include "store_mem.h"

struct table { char *rows; size_t size, n, cap; int64_t last_id; };

struct mem_user { int64_t id; bool restrict_scs; };
struct mem_pair { int64_t a, b; };                 /* user or group, member */
struct mem_number { int64_t scs_id; char e164[IWF_DIGITS_MAX + 1]; bool primary; };
struct mem_ext { char ext_id[IWF_EXTID_MAX + 1]; int64_t subscription_id, scs_id; };
struct mem_grant {
	int64_t scs_id, scs_group_id, subscription_id, device_group_id;
	char domain[IWF_EXTID_MAX + 1], from[IWF_DIGITS_MAX + 1], to[IWF_DIGITS_MAX + 1];
	struct iwf_grant grant;
	bool gone;
};
struct mem_report { struct iwf_report r; bool gone; };
struct mem_usage { int64_t scs_id, period, used; };
struct mem_repeat { struct iwf_audit kind, last; int64_t since_ms, told; bool gone; };   /* last: with times and first_ms */

enum tables { T_USER, T_USER_SCS, T_SCS, T_NUMBER, T_GROUP, T_SCS_MEMBER, T_DEV_MEMBER, T_SUB, T_EXT, T_GRANT,
              T_TRIGGER, T_REPORT, T_USAGE, T_REPEAT, T_AUDIT, T_BLOB, TABLES };

struct undo { struct table *t; size_t index; void *was; };

struct mem_store {
	struct iwf_store store;
	struct table t[TABLES];
	bool in_tx, changed;
	struct { size_t n; int64_t last_id; } before[TABLES];
	struct undo *undo;
	size_t nundo, undo_cap;
	char err[160];
};

static inline struct mem_store *mem_of(struct iwf_store *st)
{
	return (struct mem_store *)st;
}

static inline void *iwf_mem_row(const struct table *t, size_t i)
{
	return t->rows + i * t->size;
}
/* A new row, all zeroes; NULL without memory. */
void *iwf_mem_row_add(struct table *t);
enum iwf_err iwf_mem_fail(struct mem_store *m, enum iwf_err e, const char *what);
/* Keeps row i as it is now, for rollback. */
enum iwf_err iwf_mem_keep(struct mem_store *m, struct table *t, size_t i);
/* A copy that lives as long as the store.  Not part of a transaction. */
void *iwf_mem_blob(struct mem_store *m, const void *p, size_t n);
/* `from` may be NULL: "". */
void iwf_mem_text(char *to, size_t size, const char *from);
/* NULL: no such row.  Good until the next row is added. */
struct iwf_scs *iwf_mem_scs_find(struct mem_store *m, int64_t id);
struct iwf_subscription *iwf_mem_sub_find(struct mem_store *m, int64_t id);

/* store_mem_audit.c */
enum iwf_err iwf_mem_audit_add(struct iwf_store *, const struct iwf_audit *);
enum iwf_err iwf_mem_audit_count(struct iwf_store *, const struct iwf_audit *, uint32_t told_max, bool *tell);
enum iwf_err iwf_mem_audit_tell(struct iwf_store *, int64_t before_ms, int64_t now_ms, size_t max, size_t *n);
enum iwf_err iwf_mem_audit_prune(struct iwf_store *, int64_t before_ms, int64_t up_to_id, int64_t now_ms, size_t max, size_t *n,
                                    struct iwf_audit_cut *out);
enum iwf_err iwf_mem_journal_prune(struct iwf_store *, int64_t before_ms, size_t max, size_t *n);
