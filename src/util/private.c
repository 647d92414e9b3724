/* private.c - see private.h */
#include "private.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include "hash.h"

#define LONG  15u
#define SHORT 14u
#define NAME  16u     /* hexadecimal digits of a name */

/* Eight to a cache line.  A slot holds the digits with their number above them; 0 is empty. */
#define WAYS 8u
#define SETS (IWF_PRIVATE_MAX / WAYS)
static _Atomic uint64_t slots[SETS][WAYS] __attribute__((aligned(64)));

/* Which first three digits (the MCC, TS 23.003 2.2) there are at all, by their twelve bits: few, so nearly no number that is
 * none of ours gets to the slots. */
static _Atomic uint64_t countries[4096 / 64];

static unsigned country_of(uint64_t digits, unsigned n)
{
	return digits >> 4 * (n - 3) & 0xfff;
}

static _Atomic uint64_t *set_of(uint64_t key)
{
	return slots[(key * 0x9e3779b97f4a7c15u) >> 32 & (SETS - 1)];
}

static bool has(uint64_t key)
{
	const _Atomic uint64_t *set = set_of(key);

	for (unsigned i = 0; i < WAYS; i++)
		if (atomic_load_explicit(&set[i], memory_order_relaxed) == key)
			return true;
	return false;
}

bool iwf_private_is(uint64_t digits, unsigned n)
{
	const unsigned c = country_of(digits, n);
	return atomic_load_explicit(&countries[c / 64], memory_order_relaxed) >> c % 64 & 1 && has((uint64_t)n << 60 | digits);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Of n digits; false: fewer are there. */
static bool pack(const char *text, unsigned n, uint64_t *out)
{
	*out = 0;
	for (unsigned i = 0; i < n; i++) {
		if (!is_digit(text[i]))
			return false;
		*out = *out << 4 | (uint64_t)(text[i] - '0');
	}
	return true;
}

void iwf_private_note(const char *imsi)
{
	static atomic_uint turn;
	size_t n = strlen(imsi);
	uint64_t digits, key;
	_Atomic uint64_t *set;

	if ((n != LONG && n != SHORT) || !pack(imsi, (unsigned)n, &digits))
		return;
	key = (uint64_t)n << 60 | digits;
	if (has(key))
		return;
	const unsigned c = country_of(digits, (unsigned)n);
	atomic_fetch_or_explicit(&countries[c / 64], UINT64_C(1) << c % 64, memory_order_relaxed);
	set = set_of(key);
	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t none = 0;
		if (atomic_compare_exchange_strong_explicit(&set[i], &none, key, memory_order_relaxed, memory_order_relaxed))
			return;
	}
	atomic_store_explicit(&set[atomic_fetch_add_explicit(&turn, 1, memory_order_relaxed) % WAYS], key, memory_order_relaxed);
}

/* How many octets of the text are an IMSI that is known; 0: none. */
static unsigned known_at(const char *text)
{
	uint64_t digits;

	if (pack(text, LONG, &digits) && iwf_private_is(digits, LONG))
		return LONG;
	return pack(text, SHORT, &digits) && iwf_private_is(digits, SHORT) ? SHORT : 0;
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* A word of nothing but that; 0: not one. */
static size_t digits_at(const char *text)
{
	size_t n = strspn(text, "0123456789");
	return is_word(text[n]) ? 0 : n;
}

static size_t hex_at(const char *text)
{
	size_t n = strspn(text, "0123456789abcdefABCDEF");
	return is_word(text[n]) ? 0 : n;
}

static void put(const char *text, char *out, size_t *n, size_t size)
{
	while (*text && *n + 1 < size)
		out[(*n)++] = *text++;
}

static void put_name(const char *text, size_t len, char *out, size_t *n, size_t size)
{
	char imsi[LONG + 1], name[17];

	memcpy(imsi, text, len);
	imsi[len] = '\0';
	iwf_hash_private(imsi, name);
	put("#", out, n, size);
	put(name, out, n, size);
}

static void mask(const char *text, bool any, char *out, size_t size)
{
	char octets[32];
	size_t n = 0;

	for (const char *p = text; *p && n + 1 < size;) {
		bool begins = any && (p == text || !is_word(p[-1]));
		size_t digits = begins ? digits_at(p) : 0, hex = begins ? hex_at(p) : 0, known = known_at(p);

		if (hex == NAME && p > text && p[-1] == '#')
			hex = 0;             /* a name already */
		if (hex > LONG || (hex >= SHORT && !digits)) {
			snprintf(octets, sizeof(octets), "<%zu octets>", (hex + 1) / 2);
			put(octets, out, &n, size);
			p += hex;
		} else if (digits >= SHORT || known) {
			put_name(p, known ? known : digits, out, &n, size);
			p += known ? known : digits;
		} else {
			out[n++] = *p++;
		}
	}
	out[n] = '\0';
}

bool iwf_private_no_dumps(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return false;
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
	/* What looks for leaks is a debugger too. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return false;
#endif
	return true;
}

bool iwf_private_in(const char *text)
{
	if (strnlen(text, SHORT) < SHORT)
		return false;
	for (unsigned run = 0; *text; text++) {
		run = is_digit(*text) ? run + 1 : 0;
		if (run >= SHORT && (known_at(text + 1 - SHORT) || (run >= LONG && known_at(text + 1 - LONG))))
			return true;
	}
	return false;
}

void iwf_private_mask(const char *text, char *out, size_t size)
{
	mask(text, false, out, size);
}

void iwf_private_mask_any(const char *text, char *out, size_t size)
{
	mask(text, true, out, size);
}
