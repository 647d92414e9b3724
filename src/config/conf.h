/* conf.h - the node's configuration file (libconfig) as one checked struct. */
#pragma once
#include <stdio.h>
#include "service.h"

struct iwf_conf {
	char file[512];                  /* where it was read from */
	struct iwf_service_conf service; /* identity.*, tsp.*, policy.*, s6m.*, t4.*, notify.* */
	struct { char uri[512]; uint32_t busy_timeout_ms; int line; } store;  /* "sqlite:/var/lib/mtc-iwf/iwf.db"; line: of store.uri, 0 if it isn't in the file */
	struct { uint32_t queue_max, batch_max; } node;
	struct { char command[512]; uint32_t interval_s, timeout_s; } notify_user;   /* command "": nobody is told */
	struct { char agent_key_file[512]; bool direct_outside; } tsp;   /* "": agents need TLS */
	struct { char scs_ca[512], scs_crl[512], inside_ca[512], inside_crl[512]; int crl_policy; } trust;   /* enum iwf_crl */
	struct { int level; bool private_data; } log;               /* level: enum iwf_log_level */
	struct {
		char hash_key_file[512];     /* key of the hashes that stand for IMSIs in logs; "": made anew at each start */
		size_t ninside; char inside[IWF_MATCH_MAX][IWF_DIAMID_MAX + 1];   /* names beside those of HSSs and SMS-SCs */
		bool core_dumps;
	} privacy;
};

/* One complaint.  `line` 0: about the file as a whole.  `key` is "" where none
 * is to blame.  All of it is the callee's only until it returns. */
struct iwf_conf_error { const char *file; int line; const char *key; char text[512]; };

/* Reads and checks everything, reporting every mistake it finds, not just the
 * first.  0: no mistakes and *out is filled; otherwise the number of them.
 * Relative paths in the file are meant from the file's own directory; *out has
 * them absolute.  Does not open the store (iwf_conf_check_store does). */
int iwf_conf_read(const char *file, struct iwf_conf *out,
                  void (*complain)(void *ctx, const struct iwf_conf_error *), void *ctx);
/* What an empty file would say, were nothing required. */
void iwf_conf_defaults(struct iwf_conf *out);
/* Opens the store, checks its schema version and pragmas, closes it.  Same complaints. */
int iwf_conf_check_store(const struct iwf_conf *,
                         void (*complain)(void *ctx, const struct iwf_conf_error *), void *ctx);
/* True, with words for a warning: others than owner and group may read or write the store. */
bool iwf_conf_store_is_open(const struct iwf_conf *conf, char *text, size_t size);

/* The option table: what can stand in the file. */
enum iwf_opt_type { IWF_OPT_INT, IWF_OPT_BOOL, IWF_OPT_STRING, IWF_OPT_ENUM, IWF_OPT_PATH, IWF_OPT_LIST };
struct iwf_opt {
	const char *key;                 /* "t4.timeout_ms"; of a list's members "t4.smssc[].host", of a list of strings "tsp.trusted_agents[]" */
	enum iwf_opt_type type;
	long long min, max;              /* of an int, of a string's length, of a list's entries */
	const char *dflt;                /* as it would stand in the file; NULL: has to be given (a list: min says so) */
	const char *choices;             /* of an enum: "local|hss|local-then-hss", in the order of its values */
	const char *help;                /* one line */
	const char *example;             /* what the sample shows where there is no default */
	size_t offset, size;             /* where it goes in struct iwf_conf, or in an entry of its list; of a list: one entry */
	size_t count;                    /* of a list: offset of the size_t with the number of entries */
	/* Checks a string and puts it where it belongs; NULL: copied as it is.
	 * Gives NULL, or what is wrong with it and what would be right. */
	const char *(*store)(const char *text, void *at, size_t size);
};
const struct iwf_opt *iwf_conf_options(size_t *n);
/* "a number from 1 to 100", "one of ..."; what the option takes, in words. */
const char *iwf_conf_describe(const struct iwf_opt *, char *buf, size_t size);
/* The commented sample file, made from the table (conf/mtc-iwf.conf is its output). */
void iwf_conf_print_sample(FILE *to);
