#include "config.h"
#include <errno.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "gw_sandbox.h"
#include "log.h"

bool gw_drop_user(const char *user, char *err, size_t err_size)
{
	struct passwd *pw;

	if (!*user || geteuid() != 0)
		return true;
	pw = getpwnam(user);
	if (!pw) {
		snprintf(err, err_size, "there is no user '%s'", user);
		return false;
	}
	if (initgroups(user, pw->pw_gid) < 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0) {
		snprintf(err, err_size, "cannot become user '%s': %s", user, strerror(errno));
		return false;
	}
	if (pw->pw_uid != 0 && setuid(0) == 0) {
		snprintf(err, err_size, "user '%s' can become root again", user);
		return false;
	}
	return true;
}

bool gw_no_dumps(char *err, size_t err_size)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		snprintf(err, err_size, "core dumps and new privileges cannot be ruled out: %s", strerror(errno));
		return false;
	}
	return true;
}

/* Every right that Landlock knows of is asked to be handled, and none is given. */
static bool no_files(char *err, size_t err_size)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = (1u << 13) - 1 };   /* version 1 */
	int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	int fd;

	if (version >= 3)
		attr.handled_access_fs = (1u << 15) - 1;
	else if (version == 2)
		attr.handled_access_fs = (1u << 14) - 1;
	fd = version < 1 ? -1 : (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) < 0) {
		snprintf(err, err_size, "Landlock: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	close(fd);
	return true;
}

/* What a program needs that serves sockets which it has, makes connections, and allocates memory. */
static const int calls[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(lseek),
	SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg),
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(connect), SCMP_SYS(shutdown), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(eventfd2),
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname), SCMP_SYS(sysinfo),
	SCMP_SYS(getrusage), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(fcntl), SCMP_SYS(ioctl), SCMP_SYS(rseq), SCMP_SYS(prlimit64),
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(tgkill),
};
/* Not allowed, but no reason to end: libraries try them and do without. */
static const int denied[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(statx), SCMP_SYS(getcwd),
};

static int add_rules(scmp_filter_ctx f)
{
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(calls) / sizeof(*calls); i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
	for (size_t i = 0; !r && i < sizeof(denied) / sizeof(*denied); i++)
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), denied[i], 0);
	/* Memory, but none that can be executed; sockets of the internet only. */
	r = r ?: seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, 4 /* PROT_EXEC */, 0));
	r = r ?: seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, 4, 0));
	for (unsigned family = 0; !r && family < AF_MAX; family++)
		r = seccomp_rule_add(f, family == AF_INET || family == AF_INET6 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
		                     SCMP_A0(SCMP_CMP_EQ, family));
	return r;
}

static bool few_calls(char *err, size_t err_size)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = f ? add_rules(f) ?: seccomp_load(f) : -ENOMEM;

	if (f)
		seccomp_release(f);
	if (r)
		snprintf(err, err_size, "seccomp: %s", strerror(-r));
	return r == 0;
}

bool gw_sandbox_door(enum gw_sandbox want, char *err, size_t err_size)
{
	bool (*const steps[])(char *, size_t) = { no_files, few_calls };

	if (want == GW_SANDBOX_OFF)
		return true;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		if (steps[i](err, err_size))
			continue;
		if (want == GW_SANDBOX_REQUIRE)
			return false;
		iwf_log(IWF_LOG_WARN, IWF_SUB_GW, "%s; the gateway runs without it", err);
	}
	return true;
}
