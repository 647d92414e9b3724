/* ratelimit.h - token buckets.  Time is an argument; no clock, no allocation. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct iwf_bucket { int64_t at_ms; uint64_t milli; };   /* all zeroes: full at first use */

/* Takes one token; false: none left.  A clock that goes back does no harm. */
bool iwf_bucket_take(struct iwf_bucket *, uint32_t rate_per_s, uint32_t burst, int64_t now_ms);
bool iwf_bucket_has(struct iwf_bucket *, uint32_t rate_per_s, uint32_t burst, int64_t now_ms);   /* without taking it */

/* The same for what happens less than once a second: one token comes each
 * `every_ms`.  All the state there is: *full_ms, when the bucket will be full; 0 at first. */
bool iwf_pace_take(int64_t *full_ms, int64_t every_ms, uint32_t burst, int64_t now_ms);
