/* log.h - one log for the whole node: subsystems, levels, one sink.
 *
 * A line says what was tried, on what, and why not.  An IMSI in it is replaced by
 * the name it goes by in logs (private.h, hash.h). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum iwf_log_level { IWF_LOG_ERROR, IWF_LOG_WARN, IWF_LOG_NOTICE, IWF_LOG_INFO, IWF_LOG_DEBUG };
enum iwf_log_sub { IWF_SUB_NODE, IWF_SUB_TSP, IWF_SUB_S6M, IWF_SUB_T4, IWF_SUB_ACL, IWF_SUB_STORE, IWF_SUB_CONF, IWF_SUB_CLI, IWF_SUB_GW };

#define IWF_LOG_LINE_MAX 2048                /* a longer line ends in "..." */

/* Default: standard error, level NOTICE.  Set before threads start. */
void iwf_log_set_level(enum iwf_log_level level);
/* One call of the sink at a time, whatever the threads do; NULL is the default sink again. */
void iwf_log_set_sink(void (*sink)(void *ctx, enum iwf_log_level, enum iwf_log_sub, const char *line), void *ctx);
/* One line, no newline at its end; see iwf_log_escape() for what is in it.
 * errno is as it was before. */
void iwf_log(enum iwf_log_level level, enum iwf_log_sub sub, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool iwf_log_wants(enum iwf_log_level level);
const char *iwf_log_level_str(enum iwf_log_level);  /* "error", "warn", "notice", "info", "debug" */
const char *iwf_log_sub_str(enum iwf_log_sub);      /* "node", "tsp", ... */

/* What others sent is shown to people (log, audit) only through this: every
 * octet outside printable ASCII, and the backslash, becomes \xNN, so that no
 * text can forge a line or steer a terminal.  What does not fit in `size` is
 * cut and ends in "...".  size > 3. */
void iwf_log_escape(const char *text, char *out, size_t size);
