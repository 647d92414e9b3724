/* sender.h - carries out effects in their order, once what they follow from is on disk.
 *
 * The disk takes its time, and so does whoever puts a message into one of freeDiameter's short queues.  So a thread does
 * it, and the service thread decides and commits meanwhile; but for a few effects no thread is woken that has nothing
 * else to do. */
#pragma once
#include "effects.h"

struct iwf_sender_ops {
	/* In the thread or in iwf_sender_give(), never in both at once. */
	void (*perform)(void *ctx, struct iwf_effect *);
	bool (*sync)(void *ctx);        /* all that has been committed is on disk; asked again some time after it said no */
};
struct iwf_sender;
/* NULL: no memory or no thread. */
struct iwf_sender *iwf_sender_start(const struct iwf_sender_ops *, void *ctx);
/* Takes all that is in *fx, which is empty afterwards.  committed: it follows from what has just been committed, and waits
 * until that is on disk; else it goes at once, before what waits for that in vain.  Waits while some thousand are waiting;
 * where they are few and none wait it carries them out itself.  For one thread. */
void iwf_sender_give(struct iwf_sender *, struct iwf_effects *fx, bool committed);
/* The disk does not take what is committed: no more should be. */
bool iwf_sender_is_stuck(const struct iwf_sender *);
/* When all that was given has been carried out, but for what does not get to the disk.  NULL is fine. */
void iwf_sender_stop(struct iwf_sender *);
