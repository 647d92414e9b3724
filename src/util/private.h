/* private.h - the IMSIs that this process has come across, so that whatever leaves
 * it can be searched for them: messages to SCSs, log lines, audit rows.
 *
 * For any thread, without locks.  Room for the latest IWF_PRIVATE_MAX or so: each
 * is noted again whenever a message or a row with it is handled, long before the
 * answers to that. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IWF_PRIVATE_MAX (1u << 17)

/* 14 or 15 decimal digits; anything else is ignored. */
void iwf_private_note(const char *imsi);
/* That many digits (14 or 15), the last one in the low nibble. */
bool iwf_private_is(uint64_t digits, unsigned n);

/* `text` with every IMSI that is known replaced by '#' and its name under the
 * privacy key (hash.h); what does not fit is cut.  size > 0. */
void iwf_private_mask(const char *text, char *out, size_t size);
/* False: there is nothing to replace. */
bool iwf_private_in(const char *text);
/* The memory of this process goes into no core file and to no debugger of another
 * user.  False: errno says why. */
bool iwf_private_no_dumps(void);
/* For text that others wrote: every number of 14 or 15 digits that stands alone
 * is taken for an IMSI, known or not, and longer hexadecimal for octets that may
 * hold one. */
void iwf_private_mask_any(const char *text, char *out, size_t size);
