/* fd_host - what freeDiameterd does, as a program of ours: a sanitizer's runtime
 * has to be linked into the program; preloaded into Debian's freeDiameterd it
 * hangs at the exit, with or without our extensions.
 *
 *   fd_host -c FILE [-d]...          each -d logs more */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

static sigset_t ends;

static void *wait_for_end(void *arg)
{
	int sig;

	sigwait(&ends, &sig);
	fd_core_shutdown();
	return NULL;
}

/* What freeDiameter leaves allocated then is nobody's concern. */
static void refused(void)
{
	fflush(NULL);
	_exit(1);
}

int main(int argc, char **argv)
{
	pthread_t waiter;
	sigset_t all;

	bool understood = argc >= 3 && !strcmp(argv[1], "-c");
	for (int i = 3; i < argc && understood; i++, fd_g_debug_lvl--)
		understood = !strcmp(argv[i], "-d");
	if (!understood) {
		fprintf(stderr, "usage: fd_host -c FILE [-d]...\n");
		return 2;
	}
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	/* Before there are threads: none of them is hit by what the waiter waits for, nor by SIGPIPE. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	if (fd_core_initialize() || fd_core_parseconf(argv[2]))
		refused();
	if (pthread_create(&waiter, NULL, wait_for_end, NULL) || fd_core_start())
		refused();
	fd_core_wait_shutdown_complete();
	pthread_cancel(waiter);
	pthread_join(waiter, NULL);
	return 0;
}
