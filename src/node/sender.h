/* sender.h - carries out effects in a thread of its own, in their order.
 *
 * freeDiameter's queues are short, and whoever puts a message into a full one waits.  The service thread decides and
 * commits meanwhile. */
#pragma once
#include "effects.h"

struct iwf_sender;
/* NULL: no memory or no thread. */
struct iwf_sender *iwf_sender_start(void (*perform)(void *ctx, struct iwf_effect *), void *ctx);
/* Takes all that is in *fx, which is empty afterwards.  Waits while some thousand are waiting.  For one thread. */
void iwf_sender_give(struct iwf_sender *, struct iwf_effects *fx);
/* When all that was given has been carried out.  NULL is fine. */
void iwf_sender_stop(struct iwf_sender *);
