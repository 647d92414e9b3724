/* iwfctl.h - what the verbs of iwfctl share.
 *
 * A verb is a row in the command table of its noun (iwfctl_NOUN.c): its
 * arguments with their types, and a function that runs once they have been
 * checked.  What it changes goes through ctl_change(), which adds the row in the
 * audit in the same transaction. */
#pragma once
#include <stdio.h>
#include "conf.h"
#include "store_open.h"

struct sqlite3;
struct sqlite3_stmt;

/* exit statuses */
enum {
	CTL_OK = 0, CTL_FAIL = 1, CTL_USAGE = 2,
	CTL_REFUSED = 3,         /* explain: the request would be */
	CTL_SOME = 4,            /* import: done, but rows were refused */
	CTL_STOPPED = 5,         /* import, export: by a signal */
};

/* Arguments. */

enum arg_type {
	ARG_FLAG, ARG_TEXT, ARG_NAME, ARG_UINT, ARG_TIME, ARG_HOST, ARG_E164, ARG_IMSI, ARG_EXTID, ARG_DOMAIN,
	ARG_RANGE,    /* of MSISDNs: A-B */
	ARG_DEVICE,   /* an External Identifier, an MSISDN, imsi:DIGITS or #ID */
	ARG_SHA256, ARG_FILE,
	ARG_CHOICE,   /* one word of `choices` */
	ARG_WORDS,    /* several words of `choices`, with commas */
};
#define ARG_NEEDED 1u
#define ARG_MANY   2u
#define ARGS_MAX   32
#define ARG_TIMES  16

struct arg_spec {
	const char *name;        /* "--limit"; without the dashes: by position */
	enum arg_type type;
	unsigned flags;
	long long min, max;      /* of a number */
	const char *choices;     /* "a|b|c" */
	const char *help;
};
struct args {
	const struct arg_spec *spec;
	size_t nspec;
	struct { size_t n; char *text[ARG_TIMES]; int64_t num; } v[ARGS_MAX];  /* text normalised; num of ARG_UINT and ARG_TIME (ms) */
};

/* All end the process when `name` is in no row of the table: our own mistake. */
bool arg_given(const struct args *, const char *name);
const char *arg_text(const struct args *, const char *name);       /* the first; NULL: not given */
const char *arg_nth(const struct args *, const char *name, size_t i); /* NULL: no more */
int64_t arg_num(const struct args *, const char *name, int64_t otherwise);
bool arg_has_word(const struct args *, const char *name, const char *word);  /* of ARG_WORDS */

/* Verbs. */

struct ctl {
	const char *conf_file;
	bool conf_named;         /* by -c */
	const char *db;          /* --db, or NULL */
	bool json;
	struct iwf_conf conf;
	bool conf_ok;            /* conf is read */
	bool imsi_names;         /* the privacy key of the node is loaded */
	struct iwf_store *store;
	struct sqlite3 *sql;     /* the store's own connection */
	char said[1024];         /* the command, without IMSIs */
	int64_t made;            /* id of the row that a change has made */
};
struct ctl_verb {
	const char *noun, *verb; /* verb "" : the noun alone */
	const struct arg_spec *args;
	size_t nargs;
	int (*run)(struct ctl *, const struct args *);
	const char *help;
};
#define CTL_ARGS(table) table, sizeof(table) / sizeof((table)[0])

struct ctl_verbs { const struct ctl_verb *v; size_t n; };
extern const struct ctl_verbs ctl_check_verbs, ctl_db_verbs, ctl_scs_verbs, ctl_device_verbs, ctl_user_verbs, ctl_group_verbs,
	ctl_import_verbs, ctl_grant_verbs, ctl_trigger_verbs, ctl_audit_verbs, ctl_privacy_verbs, ctl_explain_verbs;

/* Says it on standard error; gives CTL_FAIL. */
int ctl_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int64_t ctl_now_ms(void);
const char *ctl_time(int64_t ms, char buf[static 32]);               /* ISO 8601, UTC */
/* Reads the configuration file, complaining on standard error. */
bool ctl_read_conf(struct ctl *);
/* Where the store is: --db, or what the configuration says.  NULL: said why. */
const char *ctl_store_path(struct ctl *);
/* Opens it; false: said why. */
bool ctl_open(struct ctl *, bool read_only);
void ctl_close(struct ctl *);
/* One transaction: `work`, which says what is wrong and gives another status than
 * CTL_OK to undo it, and the row in the audit. */
int ctl_change(struct ctl *, const struct args *, int (*work)(struct ctl *, const struct args *));
/* The row in the audit alone: the command, and `more`. */
enum iwf_err ctl_audit(struct ctl *, const char *more);
/* The same on its own: for what is shown that is not for everybody. */
int ctl_note(struct ctl *, const struct args *);

/* SQL.  Statements come from string constants; values are always bound. */

struct sqlite3_stmt *ctl_prepare(struct ctl *, const char *sql);     /* NULL: said why */
void ctl_bind_text(struct sqlite3_stmt *, const char *name, const char *text);  /* NULL: null */
void ctl_bind_int(struct sqlite3_stmt *, const char *name, int64_t v);
/* The argument: null when not given, a number, 0 or 1 for a flag, or text. */
void ctl_bind_arg(struct sqlite3_stmt *, const char *name, const struct args *, const char *arg);
/* Runs it to its end and releases it.  False: said why, in words where a rule of the schema was broken. */
bool ctl_run(struct ctl *, struct sqlite3_stmt *);
/* Its first value as an id; 0: no row; -1: said why.  Releases it. */
int64_t ctl_id(struct ctl *, struct sqlite3_stmt *);
/* Ids by what people say; 0: said why. */
int64_t ctl_find(struct ctl *, const char *table_sql, const char *what, const char *name);
int64_t ctl_scs(struct ctl *, const char *name);
int64_t ctl_user(struct ctl *, const char *name);
int64_t ctl_device(struct ctl *, const char *device);

/* Output: a table for people, or with --json one object a line.  The columns are
 * those of the SELECT; the last character of a column's name says how to show it:
 * "valid_until@" a time, "enabled?" yes or no, "imsi*" an IMSI that is masked.
 * A row that stands alone (`tall`) is shown one column a line. */
int ctl_show(struct ctl *, struct sqlite3_stmt *, bool tall, const char *nothing);

struct out;
struct out *out_new(const struct ctl *, bool tall, const char *const *columns, size_t n);
void out_text(struct out *, const char *text);                       /* NULL: none */
void out_int(struct out *, int64_t v);
void out_bool(struct out *, bool v);
void out_print(struct out *);                                        /* and releases it */
void out_json_string(FILE *to, const char *text);
/* Text that is safe on a terminal: control characters as \xNN. */
void out_plain(FILE *to, const char *text);

/* check-config of a freeDiameter.conf (iwfctl_fdconf.c). */
struct fd_where { const char *file; int line; };                     /* line 0: the file as a whole */
struct complaints { struct ctl *ctl; int errors, warnings; };
void complain_line(struct complaints *, bool error, struct fd_where at, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
void fdconf_check(struct complaints *, const char *file);
/* Certificate, key, CA and priorities that a freeDiameter.conf names (iwfctl_cert.c). */
struct fd_tls {
	const char *identity;
	const char *cert, *key, *ca, *crl, *prio;      /* NULL: not given */
	struct fd_where at_cred, at_ca, at_crl, at_prio;
};
void fdcert_check(struct complaints *, const struct fd_tls *);
/* SHA-256 of the certificate in a PEM file, as in scs.cert_sha256; false: said
 * why.  `name` must be in it. */
bool fdcert_pin(const char *pem_file, const char *name, char out[static 65]);
