/* gw_gate.h - each request of an SCS before it may go inside: is it a DAR, from whom it says, for us, and not too
 * many?  What is refused is answered here, without anybody inside noticing.  No I/O; time is an
 * argument: wall_ms since the epoch for dates, now_ms monotonic for rates. */
#pragma once
#include "gw_table.h"
#include "ratelimit.h"
#include "store.h"
#include "wire.h"

#define TSP_APP_ID  16777309u
#define TSP_CMD_DAR 8388639u
#define TSP_CMD_DNR 8388640u

struct gw_gate_conf { const char *identity, *realm; uint32_t rate_per_s, burst; };
/* Of one SCS, over all its connections. */
struct gw_gate_scs { struct iwf_bucket bucket; };

/* RS_NONE: it may pass.  Otherwise *answer (begun by the caller, all zeroes or used before) holds the answer: a DAA
 * with Request-Status for what concerns the action (RATEEXCEEDED, NOTAUTHORIZED), a Result-Code for the message
 * (3001, 3002, 3003, 3005, 3007, 3008, 5003 ...), shaped like the node's own. */
enum iwf_reason gw_gate_check(const struct gw_gate_conf *, const struct gw_scs *, struct gw_gate_scs *, const uint8_t *msg, size_t n,
                              int64_t wall_ms, int64_t now_ms, struct dia_writer *answer);
/* Any other refusal of a request: 3002, 3004 ... */
void gw_refuse(const struct gw_gate_conf *, const uint8_t *request, size_t n, uint32_t result_code, const char *error_message,
               struct dia_writer *answer);
