/* effects_log.h - effects as lines of text, one each, for tests to compare.
 *
 *   daa 7 SUCCESS                      answer to the DAR of token 7; the result code
 *   daa 7 5003 NOTAUTHORIZED           if it isn't 2001; diag=, feat=, target=
 *   sir hss1 ext=m1@iot.example smea=4912345 prio port=5
 *   dtr sc1 trigger T ref=7 imsi=262011111111111 ext=... smea=... valid=600 nodes=... "hello"
 *   dnr scs1 ref=7 SUCCESS T ext=m1@iot.example id=4912345
 *   dra 9 2001
 *
 * Hosts are cut at the first dot; the numbers by which an end is told are left
 * out.  T is the T flag. */
#pragma once
#include "effects.h"

/* Appends effects `from`.. to the text; cut if it doesn't fit. */
void effects_log(const struct iwf_effects *fx, size_t from, char *text, size_t size);
