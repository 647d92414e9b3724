/* fd_world.h - freeDiameter without a network: its dictionary with ours in it, and its parser. */
#pragma once
#include "fdx.h"

#define FD_WORLD_HOST  "iwf.operator.example"
#define FD_WORLD_REALM "operator.example"

/* Once; later calls do nothing. */
void fd_world_begin(void);
/* The message as freeDiameter hands it to hooks that see it when it has come; NULL: it closes the connection over it. */
struct msg *fd_world_message(const uint8_t *p, size_t n);
/* True: it would be handed to our extension: AVPs are taken apart, and the rules of its command hold. */
bool fd_world_parse(struct msg *msg);
