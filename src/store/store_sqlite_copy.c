/* store_sqlite_copy.c - what the disk takes long for, beside whoever writes.
 *
 * A thread copies the write-ahead log back into the file, part by part as it grows.  Only a log of which all has been copied
 * begins anew, and who writes all the time has always written more meanwhile.  So when the log is long the thread copies
 * until there is little left, and that rest is copied by the writer itself, between two transactions: what waits for the
 * writer then waits for the disk, so that is seldom.
 *
 * And commits do not wait until they are on disk; who has to know asks for it, once for all that are not. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "log.h"
#include "store_sqlite.h"

#define PART_PAGES  1500        /* by which the log has grown since the thread was last asked to copy */
#define LOG_PAGES   12000       /* 48 MB: from here on it is to begin anew */
#define PIECE_PAGES 128         /* go to the disk at a time: what is to be synced meanwhile waits for no more than that */
#define REST_PAGES  200
/* At least, so that the disk has done its work and the writer's rest is quick; and at most, should the writer be as fast. */
#define PASSES_MIN  3
#define PASSES_MAX  5

struct sqlite_copier {
	char *path;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t asked;
	/* PART: what there is is to be copied; ALL: and what comes meanwhile, but for a rest; DONE: that is the writer's now. */
	enum { IDLE, PART, ALL, DONE, STOPPED } state;
	int asked_at;                   /* pages of the log; of the writer alone */
	struct link { sqlite3 *db; struct sqlite_file file; } link;   /* of the thread alone */
	/* Of who calls iwf_sqlite_sync(). */
	int log_fd;
	struct sqlite_file log;
	bool failed, told;
};

/* The file may have been replaced since. */
static bool is_open(const char *path, struct link *l)
{
	struct stat st;

	if (l->db && iwf_sqlite_is_file(path, l->file))
		return true;
	if (stat(path, &st) != 0)
		return false;
	sqlite3_close(l->db);
	l->db = NULL;
	if (sqlite3_open_v2(path, &l->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
	    sqlite3_exec(l->db, "PRAGMA synchronous = FULL", NULL, NULL, NULL) != SQLITE_OK)
		return false;
	l->file = (struct sqlite_file){ st.st_dev, st.st_ino };
	return true;
}

/* SQLite's own functions for files, which are those of all files, and the same with another one for writing. */
static const sqlite3_io_methods *plain;
static sqlite3_io_methods pieces;
static _Thread_local int unsynced;

static int write_and_sync(sqlite3_file *f, const void *page, int size, sqlite3_int64 at)
{
	int rc = plain->xWrite(f, page, size, at);

	if (rc != SQLITE_OK || ++unsynced < PIECE_PAGES)
		return rc;
	unsynced = 0;
	return plain->xSync(f, SQLITE_SYNC_NORMAL);
}

static void write_in_pieces(sqlite3 *db)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	sqlite3_file *f = NULL;

	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &f) != SQLITE_OK || !f || f->pMethods == &pieces)
		return;
	pthread_mutex_lock(&lock);
	if (!plain) {
		plain = f->pMethods;
		pieces = *plain;
		pieces.xWrite = write_and_sync;
	}
	pthread_mutex_unlock(&lock);
	if (f->pMethods == plain)
		f->pMethods = &pieces;
}

/* What goes wrong here the writer meets as well, and tells. */
static void copy(struct sqlite_copier *c, bool all)
{
	int in_log = 0, copied = 0, before;

	if (!is_open(c->path, &c->link))
		return;
	write_in_pieces(c->link.db);
	for (int i = 1; i <= PASSES_MAX; i++) {
		before = in_log;
		if (sqlite3_wal_checkpoint_v2(c->link.db, "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied) != SQLITE_OK ||
		    !all || (i >= PASSES_MIN && in_log - before <= REST_PAGES))
			return;
	}
}

static void *work(void *arg)
{
	struct sqlite_copier *c = arg;

	pthread_mutex_lock(&c->lock);
	while (c->state != STOPPED) {
		const bool all = c->state == ALL;

		if (!all && c->state != PART) {
			pthread_cond_wait(&c->asked, &c->lock);
			continue;
		}
		pthread_mutex_unlock(&c->lock);
		copy(c, all);
		pthread_mutex_lock(&c->lock);
		if (c->state != STOPPED)
			c->state = all ? DONE : IDLE;
	}
	pthread_mutex_unlock(&c->lock);
	sqlite3_close(c->link.db);
	return NULL;
}

struct sqlite_copier *iwf_sqlite_copier_start(const char *path)
{
	struct sqlite_copier *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->log_fd = -1;
	c->state = PART;                /* what is left of the last time */
	c->path = strdup(path);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->asked, NULL);
	if (c->path && !pthread_create(&c->thread, NULL, work, c))
		return c;
	pthread_cond_destroy(&c->asked);
	pthread_mutex_destroy(&c->lock);
	free(c->path);
	free(c);
	return NULL;
}

void iwf_sqlite_copier_stop(struct sqlite_copier *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->state = STOPPED;
	pthread_cond_signal(&c->asked);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	if (c->log_fd >= 0)
		close(c->log_fd);
	pthread_cond_destroy(&c->asked);
	pthread_mutex_destroy(&c->lock);
	free(c->path);
	free(c);
}

int iwf_sqlite_copy_log(void *copier, sqlite3 *db, const char *schema, int pages)
{
	struct sqlite_copier *c = copier;
	bool rest;

	if (pages < c->asked_at)        /* it has begun anew */
		c->asked_at = 0;
	if (pages < c->asked_at + PART_PAGES && pages < LOG_PAGES)
		return SQLITE_OK;
	pthread_mutex_lock(&c->lock);
	rest = c->state == DONE;
	if (rest) {
		c->state = IDLE;
	} else if (c->state == IDLE) {
		c->state = pages < LOG_PAGES ? PART : ALL;
		c->asked_at = pages;
		pthread_cond_signal(&c->asked);
	}
	pthread_mutex_unlock(&c->lock);
	if (rest)
		sqlite3_wal_checkpoint_v2(db, schema, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return SQLITE_OK;
}

/* ---- on disk ---- */

/* That of the log, which is another one when all had closed it.  False: errno says why. */
static bool open_log(struct sqlite_copier *c)
{
	char path[PATH_MAX];
	struct stat st;

	if ((size_t)snprintf(path, sizeof(path), "%s-wal", c->path) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (c->log_fd >= 0 && iwf_sqlite_is_file(path, c->log))
		return true;
	if (c->log_fd >= 0)
		close(c->log_fd);
	c->log_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (c->log_fd < 0 || fstat(c->log_fd, &st) != 0)
		return false;
	c->log = (struct sqlite_file){ st.st_dev, st.st_ino };
	return true;
}

/* The kernel tells of what it could not write once, and takes it for written then.  What is read is still right: so all of
 * the log is copied into the file, and that is on disk. */
static bool copy_all(struct sqlite_copier *c)
{
	struct link l = { NULL, { 0, 0 } };
	int in_log = 0, copied = 0;
	bool ok = is_open(c->path, &l) && sqlite3_wal_checkpoint_v2(l.db, "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied) == SQLITE_OK;

	sqlite3_close(l.db);
	if (ok && copied != in_log && !c->told)
		iwf_log(IWF_LOG_ERROR, IWF_SUB_STORE, "%s: the disk works again, but a transaction that reads from the file keeps what is "
		        "written from being copied; nothing is accepted until that ends", c->path);
	c->told |= ok && copied != in_log;
	return ok && copied == in_log;
}

enum iwf_err iwf_sqlite_sync(struct sqlite_store *s)
{
	struct sqlite_copier *c = s->copier;

	if (!c)
		return IWF_OK;                       /* each commit is */
	if (!c->failed) {
		if (open_log(c) && fdatasync(c->log_fd) == 0)
			return IWF_OK;
		c->failed = true;
		c->told = false;
		iwf_log(IWF_LOG_ERROR, IWF_SUB_STORE, "%s: what is written does not reach the disk: %s-wal: %s", c->path, c->path, strerror(errno));
		return IWF_ESTORE;
	}
	if (!copy_all(c))
		return IWF_ESTORE;
	c->failed = false;
	iwf_log(IWF_LOG_NOTICE, IWF_SUB_STORE, "%s: all that is written is on disk again", c->path);
	return IWF_OK;
}
