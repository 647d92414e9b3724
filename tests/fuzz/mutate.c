/* mutate.c - random numbers that are the same everywhere, and octets changed by them. */
#include <string.h>
#include "fuzz.h"

/* splitmix64 */
static uint64_t next(struct fuzz_random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

struct fuzz_random fuzz_random_from(uint64_t seed, uint64_t number)
{
	struct fuzz_random r = { seed };

	r.state = next(&r) ^ number;
	return r;
}

uint32_t fuzz_random(struct fuzz_random *r, uint32_t below)
{
	return below ? (uint32_t)((next(r) >> 32) * below >> 32) : 0;
}

static size_t insert(struct fuzz_random *r, uint8_t *p, size_t n, size_t max)
{
	size_t len = 1 + fuzz_random(r, 8), at = fuzz_random(r, (uint32_t)n + 1);

	if (n + len > max)
		return n;
	memmove(p + at + len, p + at, n - at);
	for (size_t i = 0; i < len; i++)
		p[at + i] = (uint8_t)fuzz_random(r, 256);
	return n + len;
}

static size_t cut(struct fuzz_random *r, uint8_t *p, size_t n)
{
	size_t at = fuzz_random(r, (uint32_t)n), len = 1 + fuzz_random(r, (uint32_t)(n - at < 16 ? n - at : 16));

	if (len > n - at)
		len = n - at;
	memmove(p + at, p + at + len, n - at - len);
	return n - len;
}

static size_t repeat(struct fuzz_random *r, uint8_t *p, size_t n, size_t max)
{
	size_t at = fuzz_random(r, (uint32_t)n), len = 1 + fuzz_random(r, (uint32_t)(n - at));

	if (n + len > max)
		len = max - n;
	if (at + len > n)
		len = n - at;
	memmove(p + at + len, p + at, n - at);
	return n + len;
}

static void number(struct fuzz_random *r, uint8_t *p, size_t n)
{
	static const uint32_t numbers[] = { 0, 1, 2, 7, 8, 11, 12, 19, 20, 127, 128, 255, 256, 65535, 65536, 0xffffff, 0x7fffffff,
	                                    0x80000000, 0xfffffffe, 0xffffffff };
	uint32_t v = numbers[fuzz_random(r, sizeof(numbers) / sizeof(*numbers))];
	size_t width = 1 + fuzz_random(r, 4), at;

	if (width > n)
		width = n;
	at = fuzz_random(r, (uint32_t)(n - width + 1));
	if (fuzz_random(r, 4) == 0)
		v = (uint32_t)n - fuzz_random(r, 24);
	for (size_t i = 0; i < width; i++)
		p[at + i] = (uint8_t)(v >> 8 * (width - 1 - i));
}

size_t fuzz_mutate_bytes(struct fuzz_random *r, uint8_t *p, size_t n, size_t max)
{
	for (uint32_t times = 1 + fuzz_random(r, 4); times > 0; times--) {
		const uint32_t what = n ? fuzz_random(r, 8) : 0;
		size_t at = fuzz_random(r, (uint32_t)n);

		switch (what) {
		case 0: n = insert(r, p, n, max); break;
		case 1: n = cut(r, p, n); break;
		case 2: n = repeat(r, p, n, max); break;
		case 3: number(r, p, n); break;
		case 4: p[at] = (uint8_t)fuzz_random(r, 256); break;
		case 5: p[at] = (uint8_t)(p[at] + 1 - 2 * fuzz_random(r, 2)); break;
		case 6: if (fuzz_random(r, 8) == 0) n = at; break;
		default: p[at] ^= (uint8_t)(1u << fuzz_random(r, 8)); break;
		}
	}
	return n;
}
