/* gw_shield.h - how many connections, and how fast, in all and from one address.  No I/O; time is an argument.
 * Memory is bounded: what is not busy any more is forgotten. */
#pragma once
#include <sys/socket.h>
#include "gw_conf.h"
#include "store.h"

struct gw_shield;
struct gw_shield *gw_shield_new(const struct gw_conf *);
void gw_shield_free(struct gw_shield *);
/* Sources: an IPv4 address, or the /64 of an IPv6 one.  A connection comes: RS_NONE, and it counts as half open; or
 * RS_CONNECTIONS, RS_HALF_OPEN, RS_SOURCE_RATE, and it counts as nothing. */
enum iwf_reason gw_shield_arrive(struct gw_shield *, const struct sockaddr *, int64_t now_ms);
void gw_shield_opened(struct gw_shield *, const struct sockaddr *);              /* not half open any more */
void gw_shield_left(struct gw_shield *, const struct sockaddr *, bool was_open);
/* May a refusal for this reason be told (log, audit) now?  Each reason has limits.audit_per_s of its own, so that a flood of
 * one kind does not hide another.  True: tell it; *suppressed: how many for this reason have been left out since the last
 * that was told. */
bool gw_shield_tell(struct gw_shield *, enum iwf_reason, int64_t now_ms, uint64_t *suppressed);
