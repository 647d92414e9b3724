/* guard.h - what a message towards the outside may not carry: subscribers' numbers,
 * names of the inside, AVPs that are none of the outside's business.
 *
 * Once made, a guard only reads: no allocation, no lock, each octet looked at
 * once, any number of threads. */
#pragma once
#include "wire.h"

struct dia_guard;
struct dia_guard_rules {
	/* Host names and realms that stay inside.  Names without a dot, and those that
	 * are part of one of `own`, which everybody knows, cannot be kept and are left out. */
	const char *const *names; size_t nnames;
	const char *const *own; size_t nown;
	/* Is that number, of n = 14 or 15 digits with the last one in the low nibble, a
	 * subscriber's?  `text`: it stands there in ASCII, not in semi-octets, which any
	 * words may look like.  NULL: numbers are not looked for. */
	bool (*is_private)(uint64_t digits, unsigned n, bool text);
	/* External-Identifier, MSISDN and SCS-Identity are only what the request had. */
	bool identifiers_are_echoes;
};
/* NULL without memory. */
struct dia_guard *dia_guard_new(const struct dia_guard_rules *);
void dia_guard_free(struct dia_guard *);          /* NULL is fine */

enum dia_leak {
	DIA_LEAK_NONE,
	DIA_LEAK_AVP,        /* an AVP of neither the base protocol nor Tsp, or one that identifies a subscriber */
	DIA_LEAK_NUMBER,     /* a subscriber's number, as text or in semi-octets of either order */
	DIA_LEAK_NAME,       /* a name of the inside */
};
struct dia_leak_at {
	enum dia_leak what;
	uint32_t code, vendor;           /* of the AVP */
	const struct dia_avpdef *def;    /* NULL: not in the dictionary */
	char number[16];                 /* DIA_LEAK_NUMBER: its digits.  Not for any log */
};

/* The whole message, groups and Failed-AVP to their ground.  `request`, unless
 * NULL, is what it answers: who wrote it may have back what is in it, AVP by AVP. */
enum dia_leak dia_guard_check(const struct dia_guard *, const uint8_t *msg, size_t n, const uint8_t *request, size_t request_n,
                              struct dia_leak_at *at);
/* The same piece by piece: one AVP of a message of that application with all that
 * is in it; a kind of AVP; the value of one that is no group. */
bool dia_guard_passes(const struct dia_guard *, uint32_t app, const struct dia_avp *, const uint8_t *request, size_t request_n);
bool dia_guard_allows(const struct dia_guard *, uint32_t app, uint32_t code, uint32_t vendor, const struct dia_avpdef *);
enum dia_leak dia_guard_value(const struct dia_guard *, const uint8_t *p, size_t n, char number[static 16]);
