/* gw_keeper.h - the process that has the store, the files and the key, and keeps the door supplied. */
#pragma once
#include <sys/types.h>
#include "gw_conf.h"

/* Its ends of the pairs (taken over), and the process of the door.  Until SIGTERM or SIGINT (blocked by the caller before
 * the fork, as SIGHUP and SIGCHLD), or until the door is gone; the exit status.  Nothing is left behind. */
int gw_keeper_run(const struct gw_conf *, int ipc_fd, int signer_fd, pid_t door);
