/* mutate_message.c - mutations of a Diameter message that know what an AVP is: most of what comes out is framed well and
 * wrong further in, where random octets seldom get. */
#include <string.h>
#include "fuzz.h"
#include "wire.h"

#define AVPS_MAX 64
#define DEPTH_MAX 6
#define ANYTHING_MAX 300

static void put_anything(struct fuzz_random *r, const struct dia_avpdef *def, struct dia_writer *w, unsigned depth);

/* Texts that somebody may take for what they are not. */
static const struct { const char *p; size_t n; } texts[] = {
#define T(s) { s, sizeof(s) - 1 }
	T(""), T("a"), T("@"), T("a@b"), T("meter1@iot.example.com"), T("METER1@IOT.EXAMPLE.COM"), T("a@b.c\0d"), T("iwf.operator.example"),
	T("scs.acme.example"), T("hss.operator.example"), T("smssc.operator.example"), T("operator.example"), T("acme.example"),
	T("001010000000001"), T("00101000000000"), T("x!y@operator.example"), T("%n%s%n"), T("'; DROP TABLE scs; --"), T("\xff\xfe\0\x80"),
	T("..."), T("-"), T("aaa://iwf.operator.example:3868;transport=tcp"), T("\x94\x51\x01\x00\x00\x00"), T("\x94\x51\x01\xff"),
	T("\x0b\x91\x94\x51\x01\x00\x00\xf0"), T("\0\1\x7f\0\0\1"), T("\n[2J"),
#undef T
};

static uint32_t any_number(struct fuzz_random *r, const struct dia_avpdef *def)
{
	static const uint32_t numbers[] = { 0, 1, 2, 3, 4, 5, 6, 8, 20, 255, 256, 2001, 3002, 3004, 4002, 5001, 5012, 5530, 5533, 65535,
	                                    65536, 10415, 16777309, 16777310, 16777311, 0x7fffffff, 0x80000000, 0xffffffff };

	if (def->nenums && fuzz_random(r, 3))
		return def->enums[fuzz_random(r, def->nenums)].value;
	if (fuzz_random(r, 8) == 0)
		return fuzz_random(r, 0xffffffff);
	return numbers[fuzz_random(r, sizeof(numbers) / sizeof(*numbers))];
}

static size_t any_octets(struct fuzz_random *r, uint8_t *p)
{
	static const uint16_t lengths[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 63, 64, 65, 139, 140, 141, 253, 254, 255, 256, ANYTHING_MAX };
	uint32_t k = fuzz_random(r, 3);
	size_t n;

	if (k == 0) {
		k = fuzz_random(r, sizeof(texts) / sizeof(*texts));
		memcpy(p, texts[k].p, texts[k].n);
		return texts[k].n;
	}
	n = lengths[fuzz_random(r, sizeof(lengths) / sizeof(*lengths))];
	for (size_t i = 0; i < n; i++)
		p[i] = k == 1 ? (uint8_t)('a' + n % 26) : (uint8_t)fuzz_random(r, 256);
	return n;
}

static void put_group(struct fuzz_random *r, const struct dia_avpdef *def, struct dia_writer *w, unsigned depth)
{
	if (depth >= DEPTH_MAX)
		return;
	for (size_t i = 0; i < def->nrules; i++)
		if (def->rules[i].min > 0 || fuzz_random(r, 4) == 0)
			put_anything(r, &dia_avps[def->rules[i].avp], w, depth + 1);
}

/* An AVP of that kind with data that its type has, or that it has not. */
static void put_anything(struct fuzz_random *r, const struct dia_avpdef *def, struct dia_writer *w, unsigned depth)
{
	uint8_t flags = (uint8_t)((def->vendor ? DIA_AVP_V : 0) | (def->m == DIA_M_MUST ? DIA_AVP_M : 0));
	uint8_t data[ANYTHING_MAX];
	struct dia_writer in = { 0 };
	uint32_t v;

	if (fuzz_random(r, 16) == 0)
		flags ^= (uint8_t)(1u << (5 + fuzz_random(r, 3)));
	if (fuzz_random(r, 8) == 0) {
		dia_put_raw(w, def->code, flags, def->vendor, data, any_octets(r, data));
		return;
	}
	switch (def->type) {
	case DIA_GROUPED:
		dia_begin(&in, 0, 0, 0, 0, 0);
		put_group(r, def, &in, depth);
		if (dia_end(&in))
			dia_put_raw(w, def->code, flags, def->vendor, in.p + DIA_HDR_LEN, in.n - DIA_HDR_LEN);
		dia_writer_free(&in);
		break;
	case DIA_TIME: case DIA_INTEGER32: case DIA_UNSIGNED32: case DIA_ENUMERATED: case DIA_UNSIGNED64:
		v = any_number(r, def);
		memset(data, 0, 8);
		for (int i = 0; i < 4; i++)
			data[(def->type == DIA_UNSIGNED64 ? 4 : 0) + i] = (uint8_t)(v >> 8 * (3 - i));
		dia_put_raw(w, def->code, flags, def->vendor, data, def->type == DIA_UNSIGNED64 ? 8 : 4);
		break;
	default:
		dia_put_raw(w, def->code, flags, def->vendor, data, any_octets(r, data));
	}
}

static void put_same(struct dia_writer *w, const struct dia_avp *a)
{
	dia_put_raw(w, a->code, a->flags, a->vendor, a->data, a->len);
}

/* With other data, as its type has it or not. */
static void put_spoilt(struct fuzz_random *r, const struct dia_avp *a, struct dia_writer *w)
{
	uint8_t data[4 * ANYTHING_MAX];
	size_t n = a->len < sizeof(data) / 2 ? a->len : sizeof(data) / 2;

	memcpy(data, a->data, n);
	n = fuzz_mutate_bytes(r, data, n, sizeof(data));
	dia_put_raw(w, a->code, a->flags, a->vendor, data, n);
}

static void mutate_list(struct fuzz_random *r, const uint8_t *p, size_t n, struct dia_writer *w, unsigned depth);

static void put_mutated(struct fuzz_random *r, const struct dia_avp *a, struct dia_writer *w, unsigned depth)
{
	const struct dia_avpdef *any = &dia_avps[fuzz_random(r, DIA_AVP_COUNT)];
	struct dia_writer in = { 0 };
	size_t at = w->n;
	uint32_t len;

	if (a->def && a->def->type == DIA_GROUPED && a->len && depth < DEPTH_MAX && fuzz_random(r, 4)) {
		dia_begin(&in, 0, 0, 0, 0, 0);
		mutate_list(r, a->data, a->len, &in, depth + 1);
		if (dia_end(&in))
			dia_put_raw(w, a->code, a->flags, a->vendor, in.p + DIA_HDR_LEN, in.n - DIA_HDR_LEN);
		dia_writer_free(&in);
		return;
	}
	switch (fuzz_random(r, 12)) {
	case 0:                                /* left out */
		break;
	case 1:                                /* twice */
		put_same(w, a);
		put_same(w, a);
		break;
	case 2:                                /* something else before it, or instead of it */
		put_anything(r, any, w, depth);
		if (fuzz_random(r, 2))
			put_same(w, a);
		break;
	case 3:                                /* other flags */
		dia_put_raw(w, a->code, (uint8_t)(a->flags ^ 1u << fuzz_random(r, 8)), a->vendor, a->data, a->len);
		break;
	case 4:                                /* nobody knows it */
		dia_put_raw(w, 65000 + fuzz_random(r, 9), fuzz_random(r, 2) ? DIA_AVP_M : 0, 0, a->data, a->len);
		break;
	case 5:                                /* its length says something else */
		put_same(w, a);
		len = (uint32_t)a->len + 8 - 16 + fuzz_random(r, 40);
		if (!w->failed && fuzz_random(r, 3) == 0)
			for (int i = 0; i < 3; i++)
				w->p[at + 5 + (size_t)i] = (uint8_t)(len >> 8 * (2 - i));
		break;
	case 6:
	case 7:                                /* the same kind again, made anew */
	case 8:
		put_anything(r, a->def ? a->def : any, w, depth);
		break;
	case 9:                                /* as a group around itself */
		dia_put_raw(w, a->code, a->flags, a->vendor, a->raw, (size_t)(a->data - a->raw) + a->len);
		break;
	default:
		put_spoilt(r, a, w);
	}
}

static void mutate_list(struct fuzz_random *r, const uint8_t *p, size_t n, struct dia_writer *w, unsigned depth)
{
	struct dia_avp avps[AVPS_MAX], a;
	uint32_t count = 0, at;

	while (count < AVPS_MAX && dia_avp_next(&p, &n, &avps[count]) > 0)
		count++;
	at = fuzz_random(r, count);
	if (count > 1 && fuzz_random(r, 16) == 0) {        /* in another order */
		uint32_t with = fuzz_random(r, count);

		a = avps[at];
		avps[at] = avps[with];
		avps[with] = a;
	}
	for (uint32_t i = 0; i < count; i++)
		if (i == at)
			put_mutated(r, &avps[i], w, depth);
		else
			put_same(w, &avps[i]);
	dia_put_bytes(w, p, n);                            /* what is no AVP, or too much */
	if (fuzz_random(r, 16) == 0)
		put_anything(r, &dia_avps[fuzz_random(r, DIA_AVP_COUNT)], w, depth);
}

static void mutate_header(struct fuzz_random *r, struct dia_hdr *h)
{
	const struct dia_cmddef *cmd = &dia_cmds[fuzz_random(r, (uint32_t)dia_ncmds)];

	switch (fuzz_random(r, 5)) {
	case 0: h->flags ^= (uint8_t)(1u << fuzz_random(r, 8)); break;
	case 1: h->code = cmd->code; break;
	case 2: h->app = cmd->app; break;
	case 3: h->code = fuzz_random(r, 1u << 24); break;
	default: h->app = fuzz_random(r, 2) ? 0xffffffff : fuzz_random(r, 0xffffffff); break;
	}
}

bool fuzz_mutate_message(struct fuzz_random *r, const uint8_t *msg, size_t n, struct dia_writer *out)
{
	struct dia_writer once = { 0 };
	struct dia_hdr h;
	bool ok = true;

	if (!dia_hdr_read(msg, n, &h))
		return false;
	if (fuzz_random(r, 12) == 0)
		mutate_header(r, &h);
	dia_begin(out, h.flags, h.code, h.app, h.hbh, h.e2e);
	mutate_list(r, msg + DIA_HDR_LEN, n - DIA_HDR_LEN, out, 0);
	ok = dia_end(out);
	if (ok && fuzz_random(r, 3) == 0) {                /* once more */
		once = *out;
		*out = (struct dia_writer){ 0 };
		ok = fuzz_mutate_message(r, once.p, once.n, out);
		dia_writer_free(&once);
	}
	return ok;
}
