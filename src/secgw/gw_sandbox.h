/* gw_sandbox.h - fewer rights.  Called once per process, after everything is bound and opened. */
#pragma once
#include "gw_conf.h"

/* To the user and its groups for good; "" stays.  False: `err`. */
bool gw_drop_user(const char *user, char *err, size_t err_size);
/* No core dumps, not traceable, no new privileges. */
bool gw_no_dumps(char *err, size_t err_size);
/* The door: no file system (Landlock), and only the system calls of a program that serves sockets it has (seccomp).
 * GW_SANDBOX_TRY: what this kernel does not have is logged and left out. */
bool gw_sandbox_door(enum gw_sandbox, char *err, size_t err_size);
