/* acl_first.h - what comes on a connection before it has been let in, and how much may wait on it afterwards. */
#pragma once
#include <stdbool.h>

/* From here on each connection is looked at; `note` is told of those that are closed, as "... from [ADDRESS]:PORT (...)", from any
 * thread.  Returns 0 or the error of freeDiameter. */
int acl_first_start(void (*note)(const char *what));
void acl_first_stop(void);
/* The connection of that socket has been let in, and this thread is its peer's; -1: it is not known. */
void acl_first_let_in(int fd);
