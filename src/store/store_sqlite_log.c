/* store_sqlite_log.c - the write-ahead log: kept short, and told of when it can't be.
 *
 * SQLite copies the log back by itself, but begins it anew only when a commit finds all of it copied and nobody
 * reading from it.  Where readers overlap it never does, and where one of them stays it cannot. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "log.h"
#include "store_sqlite.h"

#define LOG_LONG      (64LL << 20)   /* octets from which on we copy it back ourselves, and wait for readers */
#define LOG_TOO_LONG  (128LL << 20)   /* and from which on we say so */
/* Readers that overlap are gone only when nobody has written for as long as the longest of them takes, so we wait for
 * them, not writing; for one that stays we wait less and less often. */
#define WAIT_MS       500
#define WAIT_LESS_MS  100
#define AGAIN_MS      500
#define AGAIN_MAX_MS  60000

static long long file_size(const char *path, const char *suffix, struct stat *st)
{
	char name[PATH_MAX];

	if ((size_t)snprintf(name, sizeof(name), "%s%s", path, suffix) >= sizeof(name) || stat(name, st) != 0)
		return -1;
	return st->st_size;
}

/* Locks of the readers are octets 123 to 127 of the -shm file.  Opening that here would, on closing it, take our own
 * away, so the kernel's list is asked. */
static void who_reads(const char *path, char *out, size_t size)
{
	char line[256], kind[16], name[32] = "";
	unsigned major_no, minor_no;
	unsigned long long ino, from, to;
	struct stat st;
	FILE *f;
	int pid;

	snprintf(out, size, "somebody");
	f = file_size(path, "-shm", &st) < 0 ? NULL : fopen("/proc/locks", "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %15s %*s %*s %d %x:%x:%llu %llu %llu", kind, &pid, &major_no, &minor_no, &ino, &from, &to) != 7 ||
		    strcmp(kind, "POSIX") != 0 || makedev(major_no, minor_no) != st.st_dev || ino != st.st_ino || from > 127 || to < 123 ||
		    pid == getpid())
			continue;
		snprintf(out, size, "process %d", pid);
		snprintf(name, sizeof(name), "/proc/%d/comm", pid);
		break;
	}
	if (f)
		fclose(f);
	f = name[0] ? fopen(name, "r") : NULL;
	if (f && fgets(line, sizeof(line), f))
		snprintf(out, size, "process %d (%.*s)", pid, (int)strcspn(line, "\n"), line);
	if (f)
		fclose(f);
}

static void tell(struct sqlite_store *s, long long size)
{
	char who[64];

	if (size >= LOG_TOO_LONG && size >= 2 * s->log.told) {
		who_reads(s->path, who, sizeof(who));
		iwf_log(IWF_LOG_WARN, IWF_SUB_STORE, "%s: the write-ahead log has grown to %lld MB, since %s has been reading for long; "
		        "it grows until that ends", s->path, size >> 20, who);
		s->log.told = size;
	} else if (s->log.told && size < LOG_LONG) {
		iwf_log(IWF_LOG_NOTICE, IWF_SUB_STORE, "%s: the write-ahead log is short again", s->path);
		s->log.told = 0;
	}
}

static void copy_back(struct sqlite_store *s)
{
	const uint32_t busy_ms = s->opts.busy_timeout_ms;
	int in_log = 0, copied = 0, rc;

	if (!s->log.pause_ms) {
		s->log.wait_ms = WAIT_MS;
		s->log.pause_ms = AGAIN_MS;
		s->log.copied = 0;
	}
	s->opts.busy_timeout_ms = (uint32_t)s->log.wait_ms;
	rc = sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_TRUNCATE, &in_log, &copied);
	s->opts.busy_timeout_ms = busy_ms;
	if (rc == SQLITE_OK) {
		s->log.pause_ms = 0;
		return;
	}
	/* What fails but for a reader will fail in a commit, too, and is told there. */
	if (copied > s->log.copied) {            /* who read when we last tried is gone, and others have come */
		s->log.wait_ms = WAIT_MS;
		s->log.pause_ms = AGAIN_MS;
	} else {
		s->log.wait_ms = WAIT_LESS_MS;
		s->log.pause_ms = 2 * s->log.pause_ms < AGAIN_MAX_MS ? 2 * s->log.pause_ms : AGAIN_MAX_MS;
	}
	s->log.copied = copied;
	s->log.again_ms = iwf_sqlite_now_ms() + s->log.pause_ms;
}

void iwf_sqlite_tend(struct sqlite_store *s)
{
	struct stat st;
	long long size;

	if (!s->db || s->broken || s->in_tx)
		return;
	size = file_size(s->path, "-wal", &st);
	if (size >= LOG_LONG && iwf_sqlite_now_ms() >= s->log.again_ms) {
		copy_back(s);
		size = file_size(s->path, "-wal", &st);
	}
	tell(s, size);
}
