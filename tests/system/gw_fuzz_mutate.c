/* gw_fuzz_mutate.c - good messages made bad. */
#include <stdlib.h>
#include <string.h>
#include "gw_fuzz.h"

#define SPOTS_MAX 256

/* An AVP of the message, by its place. */
struct spot { size_t at, size; int parent; const struct dia_avpdef *def; };

const char *const *fuzz_names;
static uint64_t state;
static uint8_t out[FUZZ_MAX];
static size_t out_n;
static struct spot spots[SPOTS_MAX];
static int nspots;

void fuzz_seed(uint64_t seed)
{
	state = seed;
}

static uint64_t next(void)         /* splitmix64 */
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint32_t fuzz_below(uint32_t n)
{
	return n ? (uint32_t)(next() % n) : 0;
}

bool fuzz_one_in(uint32_t n)
{
	return !fuzz_below(n);
}

void fuzz_bytes(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)next();
}

static uint32_t odd_number(void)
{
	static const uint32_t odd[] = { 0, 1, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
	                                0xfffffffe, 0xffffffff };

	return fuzz_one_in(3) ? (uint32_t)next() : odd[fuzz_below(sizeof(odd) / sizeof(*odd))];
}

size_t fuzz_octets(uint8_t *p, size_t n, size_t cap)
{
	for (uint32_t times = 1 + fuzz_below(4); times && n; times--) {
		size_t at = fuzz_below((uint32_t)n), len = 1 + fuzz_below(8);

		switch (fuzz_below(6)) {
		case 0:
			p[at] ^= (uint8_t)(1u << fuzz_below(8));
			break;
		case 1:
			p[at] = (uint8_t)odd_number();
			break;
		case 2:                        /* a length, mostly */
			if (at + 1 < n) {
				uint32_t v = odd_number();

				p[at] = (uint8_t)(v >> 8);
				p[at + 1] = (uint8_t)v;
			}
			break;
		case 3:
			if (fuzz_one_in(3))
				n = at;
			break;
		case 4:
			if (n + len <= cap) {
				memmove(p + at + len, p + at, n - at);
				fuzz_bytes(p + at, len);
				n += len;
			}
			break;
		default:
			if (at + len < n) {
				memmove(p + at, p + at + len, n - at - len);
				n -= len;
			}
			break;
		}
	}
	return n;
}

/* ---- the message as a tree ---- */

static void walk(size_t from, size_t to, int parent)
{
	const uint8_t *at = out + from;
	size_t left = to - from;
	struct dia_avp a;

	while (nspots < SPOTS_MAX && dia_avp_next(&at, &left, &a) == 1) {
		int me = nspots++;

		spots[me] = (struct spot){ (size_t)(a.raw - out), (size_t)(at - a.raw), parent, a.def };
		if (a.def && a.def->type == DIA_GROUPED)
			walk((size_t)(a.data - out), (size_t)(a.data - out) + a.len, me);
	}
}

static void put24(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 16);
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)v;
}

static size_t get24(const uint8_t *p)
{
	return (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
}

/* `remove` octets at that place of that group (-1: of the message) become these; lengths around it follow. */
static void splice(int parent, size_t at, size_t remove, const uint8_t *p, size_t n)
{
	if (out_n - remove + n > sizeof(out) - 8)
		return;
	memmove(out + at + n, out + at + remove, out_n - at - remove);
	if (p)
		memcpy(out + at, p, n);
	out_n = out_n - remove + n;
	for (; parent >= 0; parent = spots[parent].parent)
		put24(out + spots[parent].at + 5, get24(out + spots[parent].at + 5) + n - remove);
	put24(out + 1, out_n);
}

/* An AVP with this data, padded; its size. */
static size_t build(uint8_t *to, uint32_t code, uint8_t flags, uint32_t vendor, size_t n)
{
	const size_t head = flags & DIA_AVP_V ? 12 : 8, size = (head + n + 3) / 4 * 4;

	memmove(to + head, to, n);
	for (int i = 0; i < 4; i++) {
		to[i] = (uint8_t)(code >> (24 - 8 * i));
		if (head == 12)
			to[8 + i] = (uint8_t)(vendor >> (24 - 8 * i));
	}
	to[4] = flags;
	put24(to + 5, head + n);
	memset(to + head + n, 0, size - head - n);
	return size;
}

static size_t build_def(uint8_t *to, const struct dia_avpdef *def, size_t n)
{
	const uint8_t flags = (uint8_t)((def->vendor ? DIA_AVP_V : 0) | (def->m == DIA_M_MUST ? DIA_AVP_M : 0));

	return build(to, def->code, flags, def->vendor, n);
}

static const struct dia_avpdef *any_def(void)
{
	return &dia_avps[fuzz_below((uint32_t)dia_navps)];
}

static size_t any_data(uint8_t *to)
{
	size_t n;
	const char *name;

	switch (fuzz_below(6)) {
	case 0:
		return 0;
	case 1:
		n = fuzz_one_in(20) ? 70000 : fuzz_one_in(4) ? fuzz_below(4000) : fuzz_below(40);
		fuzz_bytes(to, n);
		return n;
	case 2:
		for (n = 0; fuzz_names[n]; n++)
			;
		name = fuzz_names[fuzz_below((uint32_t)n)];
		n = strlen(name);
		memcpy(to, name, n);
		return n;
	case 3:
		n = fuzz_below(300);
		memset(to, fuzz_one_in(2) ? 0xff : fuzz_one_in(2) ? 0 : 'a', n);
		return n;
	default: {
		uint32_t v = odd_number();

		for (int i = 0; i < 4; i++)
			to[i] = (uint8_t)(v >> (24 - 8 * i));
		return fuzz_one_in(4) ? 3 : 4;
	}
	}
}

static void new_data(const struct spot *s)
{
	static uint8_t avp[FUZZ_MAX];
	uint8_t flags = out[s->at + 4];
	uint32_t code = (uint32_t)get24(out + s->at) << 8 | out[s->at + 3];
	uint32_t vendor = flags & DIA_AVP_V ? (uint32_t)get24(out + s->at + 8) << 8 | out[s->at + 11] : 0;

	splice(s->parent, s->at, s->size, avp, build(avp, code, flags, vendor, any_data(avp)));
}

static void wrap(const struct spot *s)
{
	static uint8_t avp[FUZZ_MAX];
	size_t n = s->size;
	uint32_t deep = fuzz_one_in(4) ? 400 : 1 + fuzz_below(4);
	const struct dia_avpdef *as = s->def && s->def->type == DIA_GROUPED && fuzz_one_in(2) ? s->def : NULL;

	memcpy(avp, out + s->at, n);
	while (deep-- && n < 20000) {
		const struct dia_avpdef *def = as ? as : any_def();

		if (def->type == DIA_GROUPED)
			n = build_def(avp, def, n);
	}
	splice(s->parent, s->at, s->size, avp, n);
}

static void insert(const struct spot *s)
{
	static uint8_t avp[FUZZ_MAX];
	size_t n = any_data(avp);

	if (fuzz_one_in(2))
		n = build(avp, fuzz_below(100000), (uint8_t)(fuzz_below(8) << 5), odd_number(), n);
	else
		n = build_def(avp, any_def(), n);
	splice(s->parent, s->at, 0, avp, n);
}

/* A copy of one AVP in front of another, or of itself, a few times. */
static void copy(const struct spot *from, const struct spot *to)
{
	static uint8_t avp[FUZZ_MAX];
	size_t n = from->size, all = 0;

	for (uint32_t times = fuzz_one_in(5) ? fuzz_below(50) : 1; times && all + n < 60000; times--, all += n)
		memcpy(avp + all, out + from->at, n);
	splice(to->parent, to->at, 0, avp, all);
}

static void in_avp(const struct spot *s)
{
	uint8_t *a = out + s->at;
	const struct dia_avpdef *def = any_def();

	switch (fuzz_below(12)) {
	case 0:
		a[fuzz_below((uint32_t)s->size)] ^= (uint8_t)(1u << fuzz_below(8));
		break;
	case 1:
		put24(a + 5, fuzz_one_in(2) ? odd_number() : get24(a + 5) + fuzz_below(17) - 8);
		break;
	case 2:
		a[4] = (uint8_t)next();
		break;
	case 3:
		put24(a, def->code >> 8);
		a[3] = (uint8_t)def->code;
		break;
	case 4:
		fuzz_bytes(a, 4);
		break;
	case 5:
		if (a[4] & DIA_AVP_V)
			fuzz_bytes(a + 8, 4);
		break;
	case 6:
		splice(s->parent, s->at, s->size, NULL, 0);
		break;
	case 7:
	case 8:
		copy(s, &spots[fuzz_below((uint32_t)nspots)]);
		break;
	case 9:
		wrap(s);
		break;
	case 10:
		insert(s);
		break;
	default:
		new_data(s);
		break;
	}
}

static void in_header(void)
{
	switch (fuzz_below(7)) {
	case 0:
		out[0] = (uint8_t)odd_number();
		break;
	case 1:
		put24(out + 1, fuzz_one_in(2) ? odd_number() : out_n + 4 * fuzz_below(9) - 16);
		break;
	case 2:
		out[4] = (uint8_t)next();
		break;
	case 3:
		put24(out + 5, fuzz_one_in(2) ? dia_cmds[fuzz_below((uint32_t)dia_ncmds)].code : odd_number());
		break;
	case 4:
		fuzz_bytes(out + 8, 4);
		break;
	case 5:
		out_n = fuzz_below((uint32_t)out_n);
		break;
	default:
		out[fuzz_below(DIA_HDR_LEN)] ^= (uint8_t)(1u << fuzz_below(8));
		break;
	}
}

uint8_t *fuzz_message(const uint8_t *msg, size_t *n)
{
	memcpy(out, msg, *n);
	out_n = *n;
	for (uint32_t times = 1 + fuzz_below(4); times; times--) {
		nspots = 0;
		if (out_n >= DIA_HDR_LEN)
			walk(DIA_HDR_LEN, out_n, -1);
		if (nspots)
			in_avp(&spots[fuzz_below((uint32_t)nspots)]);
	}
	if (fuzz_one_in(12))
		in_header();
	*n = out_n;
	return out;
}

bool fuzz_is_sound(const uint8_t *msg, size_t n)
{
	return n >= DIA_HDR_LEN && n % 4 == 0 && msg[0] == 1 && get24(msg + 1) == n;
}
