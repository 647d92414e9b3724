/* main.c - mtc-secgw: the MTC Security Gateway. */
#include "config.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "gw_door.h"
#include "gw_keeper.h"
#include "gw_sandbox.h"
#include "log.h"
#include "peer.h"

#define LISTEN_FDS_START 3             /* sd_listen_fds(3) */

static const char usage[] =
	"usage: mtc-secgw [--config FILE]       runs the gateway in the foreground\n"
	"       mtc-secgw --check-config [FILE] says whether the configuration is right\n"
	"       mtc-secgw --status [--config FILE]  prints the counters of a running one\n"
	"       mtc-secgw --sample-config       prints a commented configuration\n"
	"       mtc-secgw --help | --version\n"
	"FILE is " IWF_SYSCONFDIR "/mtc-secgw.conf unless told otherwise.  SIGTERM: disconnects everybody and\n"
	"ends; SIGHUP: reads certificates, CAs and CRLs anew at once.\n";

static int fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("mtc-secgw: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return 1;
}

static void complain(void *ctx, const struct iwf_conf_error *e)
{
	fprintf(stderr, "%s:", e->file);
	if (e->line)
		fprintf(stderr, "%d:", e->line);
	fprintf(stderr, " error: %s%s%s\n", e->key, e->key[0] ? ": " : "", e->text);
}

/* ---- sockets ------------------------------------------------------------ */

static socklen_t address_of(const char *text, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	inet_pton(AF_INET6, text, &v6->sin6_addr);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof(*v6);
}

/* -1: errno says why. */
static int bind_to(const char *text, uint16_t port, int type, int protocol)
{
	struct sockaddr_storage sa;
	socklen_t n = address_of(text, type == SOCK_RAW ? 0 : port, &sa);
	const int on = 1, off = 0;
	int saved, fd = socket(sa.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fd < 0)
		return -1;
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (sa.ss_family == AF_INET6)      /* "::" is for IPv4 too */
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (struct sockaddr *)&sa, n) == 0 && (type != SOCK_STREAM || listen(fd, SOMAXCONN) == 0))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static bool kernel_has_sctp(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_SCTP);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t n = sizeof(sa);

	getsockname(fd, (struct sockaddr *)&sa, &n);
	return ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port : ((struct sockaddr_in *)&sa)->sin_port);
}

static bool open_listener(const struct gw_listen *l, size_t i, struct gw_door_fds *fds)
{
	static const char *const names[] = { "TLS", "DTLS over SCTP", "TCP", "SCTP" };
	bool sctp = l->transport == GW_DTLS_SCTP || l->transport == GW_SCTP;
	bool kernel = sctp && (l->sctp_stack == PEER_SCTP_KERNEL || (l->sctp_stack == PEER_SCTP_AUTO && !l->udp_port && kernel_has_sctp()));
	uint16_t port = l->port;

	fds->listen[i] = fds->packet[i] = -1;
	if (kernel)
		return true;               /* the door's own: SCTP ports are no privilege */
	if (!sctp)
		fds->listen[i] = bind_to(l->address, l->port, SOCK_STREAM, 0);
	else if (l->udp_port)
		fds->packet[i] = bind_to(l->address, l->udp_port, SOCK_DGRAM, 0);
	else
		fds->packet[i] = bind_to(l->address, 0, SOCK_RAW, IPPROTO_SCTP);
	if (fds->listen[i] < 0 && fds->packet[i] < 0) {
		fail("gateway.listen[%zu]: %s port %u: %s", i, l->address, sctp && l->udp_port ? l->udp_port : l->port, strerror(errno));
		return false;
	}
	if (!sctp)
		port = port_of(fds->listen[i]);
	iwf_log(IWF_LOG_NOTICE, IWF_SUB_GW, "listens on %s port %u, %s%s", l->address, port, names[l->transport],
	        sctp && l->udp_port ? " in UDP" : "");
	return true;
}

/* Sockets that systemd has bound, in the order of the configuration; 0: none. */
static int from_systemd(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");

	return pid && n && strtol(pid, NULL, 10) == getpid() ? atoi(n) : 0;
}

static bool open_listeners(const struct gw_conf *c, struct gw_door_fds *fds)
{
	int given = from_systemd();

	if (given && (size_t)given != c->nlisten)
		return !fail("systemd has bound %d sockets, and gateway.listen has %zu entries", given, c->nlisten);
	for (size_t i = 0; i < c->nlisten; i++) {
		bool packet = c->listen[i].transport == GW_DTLS_SCTP || c->listen[i].transport == GW_SCTP;

		if (!given && !open_listener(&c->listen[i], i, fds))
			return false;
		if (given) {
			fds->listen[i] = packet ? -1 : LISTEN_FDS_START + (int)i;
			fds->packet[i] = packet ? LISTEN_FDS_START + (int)i : -1;
			fcntl(LISTEN_FDS_START + (int)i, F_SETFD, FD_CLOEXEC);
		}
	}
	return true;
}

static int control_socket(const char *path, bool listening)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (listening ? SOCK_NONBLOCK : 0), 0);
	bool ok;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (fd < 0)
		return -1;
	if (listening) {
		mode_t before = umask(0117);

		unlink(path);
		ok = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(fd, 16) == 0;
		umask(before);
	} else {
		ok = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
	}
	if (ok)
		return fd;
	close(fd);
	return -1;
}

static int status(const struct gw_conf *c)
{
	char buf[4096];
	ssize_t n;
	int fd;

	if (!c->process.control[0])
		return fail("%s has no process.control", c->file);
	fd = control_socket(c->process.control, false);
	if (fd < 0)
		return fail("%s: %s; is the gateway running?", c->process.control, strerror(errno));
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	close(fd);
	return 0;
}

/* ---- the two processes -------------------------------------------------- */

static void more_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

static void close_listeners(const struct gw_conf *c, const struct gw_door_fds *fds)
{
	for (size_t i = 0; i < c->nlisten; i++) {
		if (fds->listen[i] >= 0)
			close(fds->listen[i]);
		if (fds->packet[i] >= 0)
			close(fds->packet[i]);
	}
	if (fds->control >= 0)
		close(fds->control);
}

static int be_door(const struct gw_conf *c, const struct gw_door_fds *fds)
{
	char err[256];

	/* Ctrl-C reaches both; the keeper will tell us. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (!gw_drop_user(c->process.user, err, sizeof(err)) || !gw_no_dumps(err, sizeof(err)))
		return fail("%s", err);
	return gw_door_run(c, fds);
}

static int be_keeper(const struct gw_conf *c, int ipc, int signer, pid_t door)
{
	char err[256];

	signal(SIGPIPE, SIG_IGN);
	if (!gw_drop_user(c->process.keeper_user, err, sizeof(err)) || !gw_no_dumps(err, sizeof(err))) {
		kill(door, SIGKILL);
		return fail("%s", err);
	}
	return gw_keeper_run(c, ipc, signer, door);
}

static int run(const struct gw_conf *c)
{
	struct gw_door_fds fds = { .control = -1 };
	int ipc[2], signer[2], result;
	sigset_t set, before;
	pid_t pid;

	iwf_log_set_level((enum iwf_log_level)c->log.level);
	more_descriptors();
	if (!open_listeners(c, &fds))
		return 1;
	if (c->process.control[0]) {
		fds.control = control_socket(c->process.control, true);
		if (fds.control < 0)
			return fail("process.control: %s: %s", c->process.control, strerror(errno));
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ipc) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, signer) < 0)
		return fail("socketpair: %s", strerror(errno));
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &before);
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return fail("fork: %s", strerror(errno));
	if (pid == 0) {
		close(ipc[0]);
		close(signer[0]);
		fds.ipc = ipc[1];
		fds.signer = signer[1];
		sigprocmask(SIG_SETMASK, &before, NULL);
		exit(be_door(c, &fds));
	}
	close(ipc[1]);
	close(signer[1]);
	close_listeners(c, &fds);
	result = be_keeper(c, ipc[0], signer[0], pid);
	if (c->process.control[0])
		unlink(c->process.control);
	return result;
}

int main(int argc, char **argv)
{
	enum { RUN, CHECK, STATUS } what = RUN;
	static const struct option longopts[] = {
		{ "config", required_argument, NULL, 'c' }, { "check-config", no_argument, NULL, 'k' }, { "status", no_argument, NULL, 's' },
		{ "sample-config", no_argument, NULL, 'p' }, { "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { 0 } };
	const char *file = IWF_SYSCONFDIR "/mtc-secgw.conf";
	static struct gw_conf conf;
	int o, mistakes;

	while ((o = getopt_long(argc, argv, "c:h", longopts, NULL)) != -1) {
		switch (o) {
		case 'c': file = optarg; break;
		case 'k': what = CHECK; break;
		case 's': what = STATUS; break;
		case 'p': gw_conf_print_sample(stdout); return 0;
		case 'h': fputs(usage, stdout); return 0;
		case 'V': puts("mtc-secgw " PACKAGE_VERSION); return 0;
		default: fputs(usage, stderr); return 2;
		}
	}
	if (what == CHECK && optind == argc - 1)
		file = argv[optind++];
	if (optind != argc) {
		fail("'%s' is not expected here", argv[optind]);
		fputs(usage, stderr);
		return 2;
	}
	mistakes = gw_conf_read(file, &conf, complain, NULL);
	if (mistakes)
		return fail("%d mistake%s in %s", mistakes, mistakes == 1 ? "" : "s", file);
	if (what == CHECK) {
		printf("%s is right\n", file);
		return 0;
	}
	return what == STATUS ? status(&conf) : run(&conf);
}
