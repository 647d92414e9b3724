/* dict_slots.h - the hash tables that gen_dict.awk writes beside the dictionary.
 *
 * Open addressing with linear probing: entry key % size, then the next ones,
 * holds the index of the row; DIA_NO_SLOT ends the search.  The key of an AVP is
 * code + vendor, that of a command 2 * code + (request ? 1 : 0). */
#pragma once
#include "dict.h"

#define DIA_NO_SLOT 0xffff
extern const uint16_t dia_avp_slots[DIA_AVP_SLOTS];
extern const uint16_t dia_cmd_slots[DIA_CMD_SLOTS];
