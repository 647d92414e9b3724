/* log.h - one log for the whole node: subsystems, levels, one sink.
 *
 * A line says what was tried, on what, and why not.  It never carries an IMSI;
 * iwf_hash_imsi() gives the name an IMSI goes by in logs. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum iwf_log_level { IWF_LOG_ERROR, IWF_LOG_WARN, IWF_LOG_NOTICE, IWF_LOG_INFO, IWF_LOG_DEBUG };
enum iwf_log_sub { IWF_SUB_NODE, IWF_SUB_TSP, IWF_SUB_S6M, IWF_SUB_T4, IWF_SUB_ACL, IWF_SUB_STORE, IWF_SUB_CONF, IWF_SUB_CLI };

/* Default: standard error, level NOTICE.  Set before threads start. */
void iwf_log_set_level(enum iwf_log_level level);
void iwf_log_set_sink(void (*sink)(void *ctx, enum iwf_log_level, enum iwf_log_sub, const char *line), void *ctx);
/* One line, no newline at its end; control characters in it are written as \xNN. */
void iwf_log(enum iwf_log_level level, enum iwf_log_sub sub, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool iwf_log_wants(enum iwf_log_level level);
const char *iwf_log_level_str(enum iwf_log_level);
const char *iwf_log_sub_str(enum iwf_log_sub);
