/* sender.h - carries out effects in a thread of its own, in their order, once what they follow from is on disk.
 *
 * The disk takes its time, and so does whoever puts a message into one of freeDiameter's short queues.  The service
 * thread decides and commits meanwhile. */
#pragma once
#include "effects.h"

struct iwf_sender_ops {
	void (*perform)(void *ctx, struct iwf_effect *);
	bool (*sync)(void *ctx);        /* all that has been committed is on disk; asked again some time after it said no */
};
struct iwf_sender;
/* NULL: no memory or no thread. */
struct iwf_sender *iwf_sender_start(const struct iwf_sender_ops *, void *ctx);
/* Takes all that is in *fx, which is empty afterwards.  committed: it follows from what has just been committed, and waits
 * until that is on disk; else it goes at once, before what waits for that in vain.  Waits while some thousand are waiting.
 * For one thread. */
void iwf_sender_give(struct iwf_sender *, struct iwf_effects *fx, bool committed);
/* The disk does not take what is committed: no more should be. */
bool iwf_sender_is_stuck(const struct iwf_sender *);
/* When all that was given has been carried out, but for what does not get to the disk.  NULL is fine. */
void iwf_sender_stop(struct iwf_sender *);
