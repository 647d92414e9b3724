#include "ratelimit.h"

bool iwf_bucket_has(struct iwf_bucket *b, uint32_t rate_per_s, uint32_t burst, int64_t now_ms)
{
	const uint64_t full = (burst ? burst : 1) * UINT64_C(1000);

	if (b->at_ms == 0) {
		b->milli = full;
	} else if (now_ms > b->at_ms && rate_per_s) {
		uint64_t elapsed_ms = (uint64_t)(now_ms - b->at_ms);

		/* Long enough to be full: nothing to multiply, so nothing overflows. */
		b->milli = elapsed_ms > full / rate_per_s ? full : b->milli + elapsed_ms * rate_per_s;
	}
	b->at_ms = now_ms;
	if (b->milli > full)
		b->milli = full;
	return b->milli >= 1000;
}

bool iwf_bucket_take(struct iwf_bucket *b, uint32_t rate_per_s, uint32_t burst, int64_t now_ms)
{
	if (!iwf_bucket_has(b, rate_per_s, burst, now_ms))
		return false;
	b->milli -= 1000;
	return true;
}

bool iwf_pace_take(int64_t *full_ms, int64_t every_ms, uint32_t burst, int64_t now_ms)
{
	const int64_t empty_ms = now_ms + every_ms * (burst ? burst : 1);

	if (*full_ms < now_ms)
		*full_ms = now_ms;
	if (*full_ms > empty_ms)
		*full_ms = empty_ms;       /* the clock has gone back, or the limit is another */
	if (*full_ms > empty_ms - every_ms)
		return false;
	*full_ms += every_ms;
	return true;
}
