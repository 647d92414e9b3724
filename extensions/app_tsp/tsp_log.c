/* tsp_log.c - what freeDiameter writes into the log.
 *
 * By itself it writes out every message that it cannot read, route or deliver,
 * some 25 lines each, the IMSI of a device among them, as text or in hex.  Here
 * such a message is one line that says what it was and what became of it; and
 * whatever else it writes, at any level, goes through a mask.  One message can
 * make it write thousands of lines (one for each level of a group in itself), so
 * there is a limit to how fast they come. */
#include <time.h>
#include "guard.h"
#include "log.h"
#include "private.h"
#include "ratelimit.h"
#include "tsp.h"

#define LINES_PER_S 50
#define LINES_BURST 1000

static struct fd_hook_hdl *hook;
static bool registered, masking;

/* ---- messages that come to nothing -------------------------------------- */

static const char *what_happened(enum fd_hook_type type)
{
	switch (type) {
	case HOOK_MESSAGE_ROUTING_ERROR: return "not routed";
	case HOOK_MESSAGE_FAILOVER:      return "to be sent again, to another peer";
	default:                         return "discarded";
	}
}

static void on_trouble(enum fd_hook_type type, struct msg *msg, struct peer_hdr *peer, void *other, struct fd_hook_permsgdata *pmd,
                       void *regdata)
{
	struct msg_hdr *hdr;
	char label[48];

	if (!msg || fd_msg_hdr(msg, &hdr))
		return;
	struct dia_hdr h = { .flags = hdr->msg_flags, .code = hdr->msg_code, .app = hdr->msg_appl };
	const char *why = type != HOOK_MESSAGE_FAILOVER && other ? other : NULL;
	iwf_log(type == HOOK_MESSAGE_FAILOVER ? IWF_LOG_INFO : IWF_LOG_WARN, IWF_SUB_NODE, "%s%s%s %s%s%s",
	        dia_cmd_label(&h, label, sizeof(label)), peer ? " to " : "", peer ? peer->info.pi_diamid : "", what_happened(type),
	        why ? ": " : "", why ? why : "");
}

/* ---- all the rest ------------------------------------------------------- */

static const char *level_name(int level)
{
	switch (level) {
	case FD_LOG_ANNOYING: return "A";
	case FD_LOG_DEBUG:    return "DBG";
	case FD_LOG_NOTICE:   return "NOTI";
	case FD_LOG_ERROR:    return "ERROR";
	case FD_LOG_FATAL:    return "FATAL!";
	default:              return "???";
	}
}

static void put_line(int level, const char *line)
{
	char when[25];

	printf("%s  %-6s %s\n", fd_log_time(NULL, when, sizeof(when), 0, 0), level_name(level), line);
}

/* False: too much; who asked for lines of debugging gets them all. */
static bool may_write(void)
{
	static struct iwf_bucket bucket;
	static unsigned long left_out;
	struct timespec now;
	char line[80];

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (fd_g_debug_lvl >= FD_LOG_NOTICE &&
	    !iwf_bucket_take(&bucket, LINES_PER_S, LINES_BURST, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000)) {
		left_out++;
		return false;
	}
	if (left_out) {
		snprintf(line, sizeof(line), "%lu lines of freeDiameter are left out", left_out);
		put_line(FD_LOG_NOTICE, line);
	}
	left_out = 0;
	return true;
}

/* In place of freeDiameter's own; it calls one at a time. */
static void write_line(int level, const char *format, va_list ap)
{
	static char raw[1 << 16], masked[sizeof(raw) + sizeof(raw) / 4];
	bool ours = !strcmp(format, FDX_LOG_FORMAT);
	int n;

	if (level < fd_g_debug_lvl || (!ours && !may_write()))
		return;
	n = vsnprintf(raw, sizeof(raw), format, ap);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(raw))
		memcpy(raw + sizeof(raw) - 4, "...", 4);
	/* Our own lines have been masked, and name certificates by their digests. */
	if (!ours && masking)
		iwf_private_mask_any(raw, masked, sizeof(masked));
	put_line(level, !ours && masking ? masked : raw);
	fflush(stdout);
}

int tsp_log_start(void)
{
	masking = !iwf_node_conf(tsp_app.node)->log.private_data;
	registered = fd_log_handler_register(write_line) == 0;
	if (!masking)
		return 0;
	if (!registered)
		iwf_log(IWF_LOG_WARN, IWF_SUB_CONF, "freeDiameter's log is in other hands: its own lines may show what messages hold");
	return fd_hook_register(HOOK_MASK(HOOK_MESSAGE_ROUTING_ERROR, HOOK_MESSAGE_DROPPED, HOOK_MESSAGE_FAILOVER), on_trouble, NULL, NULL,
	                        &hook);
}

void tsp_log_stop(void)
{
	if (hook)
		fd_hook_unregister(hook);
	hook = NULL;
	if (registered)
		fd_log_handler_unregister();
	registered = false;
}
