/* log.c - see log.h */
#include "log.h"
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "private.h"

static const char *const level_names[] = { "error", "warn", "notice", "info", "debug" };
static const char *const sub_names[] = { "node", "tsp", "s6m", "t4", "acl", "store", "conf", "cli", "gw" };

static _Atomic int threshold = IWF_LOG_NOTICE;
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static void (*sink_fn)(void *ctx, enum iwf_log_level, enum iwf_log_sub, const char *line);
static void *sink_ctx;

static void sink_stderr(enum iwf_log_level level, enum iwf_log_sub sub, const char *line)
{
	struct timespec ts;
	struct tm tm;
	char when[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(stderr, "%s.%03ldZ %-6s %s: %s\n", when, ts.tv_nsec / 1000000, iwf_log_level_str(level),
	        iwf_log_sub_str(sub), line);
}

void iwf_log_set_level(enum iwf_log_level level)
{
	atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

void iwf_log_set_sink(void (*sink)(void *ctx, enum iwf_log_level, enum iwf_log_sub, const char *line), void *ctx)
{
	pthread_mutex_lock(&sink_lock);
	sink_fn = sink;
	sink_ctx = ctx;
	pthread_mutex_unlock(&sink_lock);
}

bool iwf_log_wants(enum iwf_log_level level)
{
	return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '\\';
}

void iwf_log_escape(const char *text, char *out, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0, cut = 0;    /* cut: the last place from which "..." still fits */
	const unsigned char *p = (const unsigned char *)text;

	while (is_plain(p[n]))
		n++;
	if (!p[n] && n < size) {
		memcpy(out, text, n + 1);
		return;
	}
	for (n = 0; *p; p++) {
		bool plain = is_plain(*p);

		if (n + 4 <= size)
			cut = n;
		if (n + (plain ? 1 : 4) >= size) {
			memcpy(out + cut, "...", 4);
			return;
		}
		if (plain) {
			out[n++] = (char)*p;
		} else {
			out[n++] = '\\';
			out[n++] = 'x';
			out[n++] = digits[*p >> 4];
			out[n++] = digits[*p & 15];
		}
	}
	out[n] = '\0';
}

void iwf_log(enum iwf_log_level level, enum iwf_log_sub sub, const char *fmt, ...)
{
	char raw[IWF_LOG_LINE_MAX], line[IWF_LOG_LINE_MAX];
	int saved_errno = errno;
	va_list ap;
	int cancel, n;

	if (!iwf_log_wants(level))
		return;
	va_start(ap, fmt);
	n = vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	if (n < 0)
		snprintf(raw, sizeof(raw), "(a line that cannot be formatted: %s)", fmt);
	else if ((size_t)n >= sizeof(raw))
		memcpy(raw + sizeof(raw) - 4, "...", 4);
	if (iwf_private_in(raw)) {
		iwf_private_mask(raw, line, sizeof(line));
		strcpy(raw, line);
	}
	iwf_log_escape(raw, line, sizeof(line));

	/* Threads of freeDiameter are cancelled, and whoever writes can be hit by that: with the lock. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&sink_lock);
	if (sink_fn)
		sink_fn(sink_ctx, level, sub, line);
	else
		sink_stderr(level, sub, line);
	pthread_mutex_unlock(&sink_lock);
	pthread_setcancelstate(cancel, NULL);
	errno = saved_errno;
}

const char *iwf_log_level_str(enum iwf_log_level level)
{
	return (size_t)level < sizeof(level_names) / sizeof(*level_names) ? level_names[level] : "?";
}

const char *iwf_log_sub_str(enum iwf_log_sub sub)
{
	return (size_t)sub < sizeof(sub_names) / sizeof(*sub_names) ? sub_names[sub] : "?";
}
