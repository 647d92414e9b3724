/* deadline.h - what the ports have been asked and have not answered: numbers
 * with a deadline each.  Not for several threads. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum iwf_ask_kind { IWF_ASK_HSS, IWF_ASK_SMSSC, IWF_ASK_SCS, IWF_ASK_KINDS };

struct iwf_ask;
struct iwf_deadlines {
	struct iwf_ask **bucket; size_t nbuckets, n;
	/* Deadlines of one kind are set in order, so a list a kind is sorted. */
	struct iwf_ask *first[IWF_ASK_KINDS], *last[IWF_ASK_KINDS];
};

/* False without memory.  A number that is there already gets the new deadline. */
bool iwf_deadline_set(struct iwf_deadlines *, enum iwf_ask_kind, uint64_t number, int64_t at_ms);
/* False: it was not there (answered twice, or late). */
bool iwf_deadline_clear(struct iwf_deadlines *, enum iwf_ask_kind, uint64_t number);
/* Takes out one that is over; false: none is. */
bool iwf_deadline_over(struct iwf_deadlines *, int64_t now_ms, enum iwf_ask_kind *kind, uint64_t *number);
void iwf_deadlines_free(struct iwf_deadlines *);
