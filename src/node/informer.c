/* informer.c - see informer.h */
#define _GNU_SOURCE
#include "informer.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "log.h"
#include "private.h"

#define LOOK_MS  2000            /* how often for news */
#define PAUSE_MS 200             /* between two programs */
#define SAID_MAX 200             /* octets of what a program says that go into the log */

struct iwf_informer {
	const struct iwf_conf *conf;
	struct iwf_store *store;
	pthread_t thread;
	int stop_fd;                 /* readable: the end has come */
	/* Users whose notice has failed, and when they are tried again. */
	struct failed { int64_t user; int64_t again_ms; } failed[256];
	size_t nfailed;
};

static int64_t clock_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- the object */

static void put_string(FILE *f, const char *text)
{
	fputc('"', f);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			fprintf(f, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			fprintf(f, "\\u%04x", *p);
		else
			fputc(*p, f);
	}
	fputc('"', f);
}

/* Nothing for an empty one. */
static void put_member(FILE *f, const char *name, const char *text)
{
	if (!*text)
		return;
	fprintf(f, ",\"%s\":", name);
	put_string(f, text);
}

static void put_time(FILE *f, const char *name, int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	char text[32];
	struct tm tm;

	if (gmtime_r(&s, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
		put_member(f, name, text);
}

static void put_source(FILE *f, const struct iwf_notice_source *s)
{
	fputs("{\"event\":", f);
	put_string(f, s->event);
	put_member(f, "reason", s->reason);
	put_member(f, "scs", s->scs);
	put_member(f, "origin_host", s->origin_host);
	put_member(f, "address", s->address);
	put_member(f, "cert_sha256", s->cert);
	put_member(f, "device", s->device);
	fprintf(f, ",\"times\":%" PRId64 ",\"devices\":%" PRId64, s->times, s->devices);
	put_time(f, "first", s->first_ms);
	put_time(f, "last", s->last_ms);
	fputc('}', f);
}

/* An MTC user is outside: the IMSIs of its devices are the operator's (TS 23.003 2.2). */
static char *without_imsis(char *text, size_t *len)
{
	const size_t size = 2 * *len + 1;     /* a name is two characters longer than an IMSI */
	char *masked = malloc(size);

	if (masked) {
		iwf_private_mask(text, masked, size);
		*len = strlen(masked);
	}
	free(text);
	return masked;
}

char *iwf_informer_json(const struct iwf_notice *n, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	if (!f)
		return NULL;
	fputs("{\"user\":", f);
	put_string(f, n->user);
	put_member(f, "contact", n->contact);
	fprintf(f, ",\"refused\":%" PRId64, n->times);
	put_time(f, "first", n->first_ms);
	put_time(f, "last", n->last_ms);
	fputs(",\"sources\":[", f);
	for (size_t i = 0; i < n->nsources; i++) {
		if (i)
			fputc(',', f);
		put_source(f, &n->sources[i]);
	}
	fprintf(f, "],\"more\":%s}\n", n->more ? "true" : "false");
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return without_imsis(text, len);
}

/* ---- the program */

/* True: the end has come. */
static bool wait_for(struct iwf_informer *i, int64_t ms)
{
	struct pollfd p = { .fd = i->stop_fd, .events = POLLIN };

	return poll(&p, 1, ms < 0 ? 0 : (int)ms) > 0;
}

struct child { pid_t pid; int pidfd, in, out; };   /* our ends; -1: closed */

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* With no descriptor of ours but the pipes, no signal blocked, in a group of its own. */
static int spawn(const char *command, int in, int out, pid_t *pid)
{
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", lang[] = "LANG=C";
	char *const argv[] = { (char *)(uintptr_t)command, NULL }, *const env[] = { path, lang, NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_adddup2(&fa, in, 0);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	posix_spawn_file_actions_adddup2(&fa, out, 2);
	posix_spawn_file_actions_addclosefrom_np(&fa, 3);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	rc = posix_spawn(pid, command, &fa, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return rc;
}

/* False: errno says why. */
static bool child_start(struct child *c, const char *command)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, rc = 0;

	*c = (struct child){ -1, -1, -1, -1 };
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || fcntl(in[1], F_SETFL, O_NONBLOCK) || fcntl(out[0], F_SETFL, O_NONBLOCK))
		rc = errno;
	if (!rc)
		rc = spawn(command, in[0], out[1], &c->pid);
	shut(&in[0]);
	shut(&out[1]);
	c->in = in[1];
	c->out = out[0];
	if (!rc && (c->pidfd = pidfd_open(c->pid, 0)) < 0) {
		rc = errno;
		kill(-c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
	if (!rc)
		return true;
	shut(&c->in);
	shut(&c->out);
	errno = rc;
	return false;
}

static void write_some(struct child *c, const char **text, size_t *len)
{
	ssize_t n = write(c->in, *text, *len);

	if (n > 0) {
		*text += n;
		*len -= (size_t)n;
	} else if (errno != EAGAIN && errno != EINTR) {
		*len = 0;                /* it does not want to hear more: its status counts */
	}
	if (!*len)
		shut(&c->in);
}

/* What it says is kept up to `size`, the rest is read all the same, so that it does not wait for us. */
static void read_some(struct child *c, char *said, size_t size)
{
	char buf[512];
	const size_t have = strlen(said);
	ssize_t n = read(c->out, buf, sizeof buf);

	if (n > 0)
		snprintf(said + have, size - have, "%.*s", (int)n, buf);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		shut(&c->out);
}

/* Until it has ended, and no longer than it may take. */
static enum iwf_reason child_attend(struct iwf_informer *i, struct child *c, const char *text, size_t len, char *said, size_t size)
{
	const int64_t until = clock_ms(CLOCK_MONOTONIC) + (int64_t)i->conf->notify_user.timeout_s * 1000;

	for (;;) {
		struct pollfd p[] = { { .fd = c->pidfd, .events = POLLIN }, { .fd = i->stop_fd, .events = POLLIN },
		                      { .fd = c->in, .events = POLLOUT }, { .fd = c->out, .events = POLLIN } };
		const int64_t left = until - clock_ms(CLOCK_MONOTONIC);

		if (left <= 0)
			return RS_NOTICE_TIMEOUT;
		if (poll(p, sizeof p / sizeof p[0], (int)left) < 0)
			continue;
		if (p[3].revents)
			read_some(c, said, size);
		if (p[2].revents)
			write_some(c, &text, &len);
		if (p[0].revents)
			return RS_NONE;
		if (p[1].revents)
			return RS_NOTICE_FAILED;
	}
}

/* RS_NONE: it has been told.  `why` gets words. */
static enum iwf_reason run(struct iwf_informer *i, const char *text, size_t len, char *why, size_t why_size)
{
	char said[SAID_MAX] = "";
	struct child c;
	enum iwf_reason reason;
	int status = 0;

	if (!child_start(&c, i->conf->notify_user.command)) {
		snprintf(why, why_size, "%s: %s", i->conf->notify_user.command, strerror(errno));
		return RS_NOTICE_FAILED;
	}
	reason = child_attend(i, &c, text, len, said, sizeof said);
	/* And what it has begun itself. */
	kill(-c.pid, SIGKILL);
	if (waitpid(c.pid, &status, 0) < 0)
		status = -1;
	if (c.out >= 0)
		read_some(&c, said, sizeof said);
	shut(&c.in);
	shut(&c.out);
	shut(&c.pidfd);
	said[strcspn(said, "\n")] = '\0';
	if (reason == RS_NONE && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		reason = RS_NOTICE_FAILED;
	if (reason == RS_NOTICE_TIMEOUT)
		snprintf(why, why_size, "ended after %u s%s%s", i->conf->notify_user.timeout_s, *said ? ": " : "", said);
	else if (WIFEXITED(status))
		snprintf(why, why_size, "status %d%s%s", WEXITSTATUS(status), *said ? ": " : "", said);
	else
		snprintf(why, why_size, "signal %d%s%s", WIFSIGNALED(status) ? WTERMSIG(status) : 0, *said ? ": " : "", said);
	return reason;
}

/* ---- the thread */

static int64_t interval_ms(const struct iwf_informer *i)
{
	return (int64_t)i->conf->notify_user.interval_s * 1000;
}

/* A user whose notice has failed waits as long as one who has been told.  There is
 * room for so many; of the others some are tried sooner. */
static bool has_failed(struct iwf_informer *i, int64_t user)
{
	const int64_t now = clock_ms(CLOCK_MONOTONIC);

	for (size_t k = 0; k < i->nfailed; k++) {
		if (i->failed[k].again_ms <= now)
			i->failed[k--] = i->failed[--i->nfailed];
		else if (i->failed[k].user == user)
			return true;
	}
	return false;
}

static void note_failed(struct iwf_informer *i, int64_t user)
{
	const size_t room = sizeof i->failed / sizeof i->failed[0];

	i->failed[i->nfailed < room ? i->nfailed++ : (size_t)user % room] =
		(struct failed){ user, clock_ms(CLOCK_MONOTONIC) + interval_ms(i) };
}

static void inform(struct iwf_informer *i, const struct iwf_notice *n)
{
	char why[SAID_MAX + 600];
	size_t len = 0;
	char *text = iwf_informer_json(n, &len);
	enum iwf_reason reason;

	if (!text)
		return;
	reason = run(i, text, len, why, sizeof why);
	free(text);
	if (reason == RS_NONE) {
		iwf_log(IWF_LOG_INFO, IWF_SUB_NODE, "MTC user %s is told of %" PRId64 " refusals", n->user, n->times);
		if (iwf_store_notice_done(i->store, n->mtc_user_id, n->last_audit_id, clock_ms(CLOCK_REALTIME)) != IWF_OK)
			note_failed(i, n->mtc_user_id);      /* and is told once more */
		return;
	}
	note_failed(i, n->mtc_user_id);
	iwf_log(IWF_LOG_WARN, IWF_SUB_NODE, "MTC user %s is not told of %" PRId64 " refusals: %s (%s)", n->user, n->times, why,
	        iwf_reason_str(reason));
}

/* One round over all users.  True: the end has come. */
static bool look(struct iwf_informer *i, struct iwf_notice *n)
{
	const int64_t told_before = clock_ms(CLOCK_REALTIME) - interval_ms(i);
	int64_t after = 0;

	while (iwf_store_notice_next(i->store, after, told_before, n) == IWF_OK) {
		after = n->mtc_user_id;
		if (has_failed(i, after))
			continue;
		inform(i, n);
		if (wait_for(i, PAUSE_MS))
			return true;
	}
	return false;
}

static void *informer_thread(void *arg)
{
	struct iwf_informer *i = arg;
	struct iwf_notice *n = calloc(1, sizeof *n);

	while (n && !look(i, n) && !wait_for(i, LOOK_MS))
		;
	free(n);
	return NULL;
}

/* No signal for the process is taken here. */
static int start_thread(struct iwf_informer *i)
{
	sigset_t all, was;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	rc = pthread_create(&i->thread, NULL, informer_thread, i);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return rc;
}

static void release(struct iwf_informer *i)
{
	iwf_store_close(i->store);
	if (i->stop_fd >= 0)
		close(i->stop_fd);
	free(i);
}

struct iwf_informer *iwf_informer_start(const struct iwf_conf *conf, char *err, size_t err_size)
{
	/* It can wait for a lock; the service thread does not wait for its writes, which are one row. */
	const struct iwf_store_opts opts = { .busy_timeout_ms = 5000 };
	struct iwf_informer *i = calloc(1, sizeof *i);
	int rc;

	if (!i) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	i->conf = conf;
	i->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = i->stop_fd < 0 ? errno : 0;
	if (!rc) {
		i->store = iwf_store_open(conf->store.uri, &opts, err, err_size);
		if (!i->store) {
			release(i);
			return NULL;
		}
		rc = start_thread(i);
	}
	if (!rc)
		return i;
	snprintf(err, err_size, "cannot start the thread that tells MTC users: %s", strerror(rc));
	release(i);
	return NULL;
}

void iwf_informer_stop(struct iwf_informer *i)
{
	const uint64_t one = 1;

	if (!i)
		return;
	while (write(i->stop_fd, &one, sizeof one) < 0 && errno == EINTR)
		;
	pthread_join(i->thread, NULL);
	release(i);
}
