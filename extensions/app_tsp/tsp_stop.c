/* tsp_stop.c - ending in good order.
 *
 * freeDiameter ends by disconnecting every peer (DPR) and tells extensions when that is done, too late to finish
 * anything.  So what is sent to its main event queue passes through one of ours first: at the request to terminate the
 * node takes no more and ends what is under way, while all peers are still connected. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include "log.h"
#include "node.h"
#include "tsp.h"

#define LEAVE (-1)        /* what only we send to our queue */

static struct fifo *ours, *theirs;
static pthread_t watcher;

static void pass_on(void)
{
	int code;
	size_t size;
	void *data;

	do {
		if (fd_event_get(ours, &code, &size, &data) || code == LEAVE)
			return;
		if (code == FDEV_TERMINATE_INT) {
			iwf_log(IWF_LOG_NOTICE, IWF_SUB_NODE, "asked to end: no more is taken, what is under way is finished");
			iwf_node_stop(tsp_app.node);
			fd_g_config->cnf_main_ev = theirs;
			fd_event_send(ours, code, 0, NULL);      /* should the core have come late, and wait here */
		}
		fd_event_send(theirs, code, size, data);
	} while (code != FDEV_TERMINATE_INT);
}

/* Cancelled only where there is no other way: while it waits for the core to start. */
static void *watch(void *arg)
{
	/* The core reads where its queue is before it waits there. */
	static const struct timespec a_while = { 0, 500000000 };

	if (fd_core_waitstartcomplete() == 0) {
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
		nanosleep(&a_while, NULL);
		theirs = fd_g_config->cnf_main_ev;
		fd_g_config->cnf_main_ev = ours;
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
	if (watcher) {
		fd_event_send(ours, LEAVE, 0, NULL);
		fd_thr_term(&watcher);
	}
	if (theirs)
		fd_g_config->cnf_main_ev = theirs;
	if (ours)
		fd_event_destroy(&ours, free);
}
