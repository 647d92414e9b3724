/* tsp_stop.c - ending in good order.
 *
 * freeDiameter ends by disconnecting every peer (DPR) and tells extensions when that is done, too late to finish
 * anything.  So what is sent to its main event queue passes through one of ours first: at the request to terminate the
 * node takes no more and ends what is under way, while all peers are still connected. */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "log.h"
#include "node.h"
#include "tsp.h"

#define LEAVE       (-1)        /* what only we send to our queue */
#define PATIENCE_MS 500         /* for the core, where a dump cannot be read */

static struct fifo *ours, *theirs;
static pthread_t watcher;

/* At its own end freeDiameter destroys queues that its threads still wait at.  It gives each 20 ms to leave (fd_fifo_del()),
 * and aborts where one had no processor for so long.  All peers have had their DPR then, and the node has ended before. */
static void gave_up(int sig)
{
	static const char words[] = "freeDiameter did not wait for its own threads; the node had ended before, and nothing is lost\n";

	(void)sig;
	(void)!write(STDERR_FILENO, words, sizeof(words) - 1);
	_exit(EXIT_SUCCESS);
}

static void on_abort(void (*what)(int))
{
	const struct sigaction a = { .sa_handler = what };

	sigaction(SIGABRT, &a, NULL);
}

/* Whether the core waits at its queue, with nothing left in it: only the queue's dump tells. */
static bool core_waits(void)
{
	char *text = NULL;
	const char *counts;
	size_t size = 0;
	int items, threads;
	bool waits;

	waits = fd_fifo_dump(&text, &size, NULL, NULL, theirs, NULL) && (counts = strstr(text, "items:")) &&
	        sscanf(counts, "items:%d,%*d,%*d threads:%d", &items, &threads) == 2 && items == 0 && threads > 0;
	free(text);
	return waits;
}

/* The core looks up where its queue is each time before it waits there: it waits at its own, and others send to ours. */
static void come_between(void)
{
	static const struct timespec ms = { 0, 1000000 };

	for (int i = 0; i < PATIENCE_MS && !core_waits(); i++)
		nanosleep(&ms, NULL);
	fd_g_config->cnf_main_ev = ours;
}

static void pass_on(void)
{
	int code;
	size_t size;
	void *data;

	for (;;) {
		if (fd_event_get(ours, &code, &size, &data) || code == LEAVE)
			return;
		if (code == FDEV_TERMINATE_INT)
			break;
		fd_g_config->cnf_main_ev = theirs;
		fd_event_send(theirs, code, size, data);
		come_between();
	}
	iwf_log(IWF_LOG_NOTICE, IWF_SUB_NODE, "asked to end: no more is taken, what is under way is finished");
	iwf_node_stop(tsp_app.node);
	on_abort(gave_up);
	fd_g_config->cnf_main_ev = theirs;
	fd_event_send(theirs, code, size, data);
	fd_event_send(ours, code, 0, NULL);      /* should the core have come late, and wait here */
}

/* Cancelled only where there is no other way: while it waits for the core to start. */
static void *watch(void *arg)
{
	if (fd_core_waitstartcomplete() == 0) {
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
		theirs = fd_g_config->cnf_main_ev;
		come_between();
		pass_on();
	}
	return NULL;
}

int tsp_stop_start(void)
{
	int rc = fd_fifo_new(&ours, 0);

	return rc ? rc : pthread_create(&watcher, NULL, watch, NULL);
}

void tsp_stop_stop(void)
{
	on_abort(SIG_DFL);
	if (watcher) {
		fd_event_send(ours, LEAVE, 0, NULL);
		fd_thr_term(&watcher);
	}
	if (theirs)
		fd_g_config->cnf_main_ev = theirs;
	if (ours)
		fd_event_destroy(&ours, free);
}
