/* gw_door.h - the exposed process: listeners, connections of SCSs, connections to nodes, and what they do to each other. */
#pragma once
#include "gw_conf.h"
#include "gw_ipc.h"

struct gw_door_fds {
	int ipc, signer;                         /* to the keeper */
	/* Bound already, in the order of the configuration: a listening TCP socket; or, for SCTP in user space, a socket
	 * for its packets (UDP, or IP protocol 132); or neither (-1): the door binds it itself (SCTP of the kernel). */
	int listen[GW_LISTEN_MAX], packet[GW_LISTEN_MAX];
	int control;                             /* listening Unix socket of the counters; -1: none */
};
/* Runs until the keeper says stop or is gone; the process's exit status. */
int gw_door_run(const struct gw_conf *, const struct gw_door_fds *);
