/* ratelimit.h - token bucket.  Time is an argument; no clock, no allocation. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct iwf_bucket { int64_t at_ms; uint64_t milli; };   /* all zeroes: full at first use */

/* Takes one token; false: none left.  A clock that goes back does no harm. */
bool iwf_bucket_take(struct iwf_bucket *, uint32_t rate_per_s, uint32_t burst, int64_t now_ms);
