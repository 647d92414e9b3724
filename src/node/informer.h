/* informer.h - tells MTC users what was refused of what concerns their devices.
 *
 * A thread of its own, with a store connection of its own, runs
 * notify_user.command, one at a time, for each user at most once in
 * notify_user.interval_s; what came meanwhile is in the next notice.  The program
 * gets one JSON object (docs/OPERATING.md) and a line feed on standard input.
 * What it says with status 0 is told and not said again, also after a restart;
 * otherwise the same refusals, and what came since, are told next time.  The
 * service thread has no part in it. */
#pragma once
#include "conf.h"
#include "store_open.h"

struct iwf_informer;
/* NULL: `err` says why.  The configuration must live as long.  Opens conf->store.uri. */
struct iwf_informer *iwf_informer_start(const struct iwf_conf *conf, char *err, size_t err_size);
/* Ends a program that runs.  NULL is fine. */
void iwf_informer_stop(struct iwf_informer *);

/* The object for that notice, with a line feed; malloc'd, the caller frees it.  NULL: no memory. */
char *iwf_informer_json(const struct iwf_notice *, size_t *len);
