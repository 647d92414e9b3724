/* writer.c - writing messages (RFC 6733 3, 4.1, 6.2). */
#include "wire.h"
#include <stdlib.h>
#include <string.h>
#include "bytes.h"

#define LENGTH_MAX 0xffffffu  /* both lengths are 24 bits */

static const size_t open_max = sizeof(((struct dia_writer *)0)->open) / sizeof(size_t);

/* n more octets at the end, zeroed; NULL and `failed` if that cannot be. */
static uint8_t *extend(struct dia_writer *w, size_t n)
{
	size_t cap = w->cap ? w->cap : 512;

	if (w->failed || n > LENGTH_MAX - w->n) {
		w->failed = true;
		return NULL;
	}
	while (cap < w->n + n)
		cap *= 2;
	if (cap != w->cap) {
		uint8_t *p = realloc(w->p, cap);

		if (p == NULL) {
			w->failed = true;
			return NULL;
		}
		w->p = p;
		w->cap = cap;
	}
	memset(w->p + w->n, 0, n);
	w->n += n;
	return w->p + w->n - n;
}

void dia_begin(struct dia_writer *w, uint8_t flags, uint32_t code, uint32_t app, uint32_t hbh, uint32_t e2e)
{
	uint8_t *p;

	w->n = 0;
	w->depth = 0;
	w->failed = false;
	p = extend(w, DIA_HDR_LEN);
	if (p == NULL)
		return;
	p[0] = 1;
	p[4] = flags;
	dia_set24(p + 5, code);
	dia_set32(p + 8, app);
	dia_set32(p + 12, hbh);
	dia_set32(p + 16, e2e);
}

void dia_begin_answer(struct dia_writer *w, const uint8_t *request, size_t n, uint8_t extra_flags)
{
	const struct dia_avpdef *proxy_info = &dia_avps[DIA_Proxy_Info];
	struct dia_hdr h;
	struct dia_avp avp;

	if (!dia_hdr_read(request, n, &h)) {
		dia_begin(w, 0, 0, 0, 0, 0);
		w->failed = true;
		return;
	}
	dia_begin(w, (h.flags & DIA_F_PROXIABLE) | extra_flags, h.code, h.app, h.hbh, h.e2e);
	if (dia_msg_find(request, n, DIA_Session_Id, &avp))
		dia_put_raw(w, avp.code, avp.flags, avp.vendor, avp.data, avp.len);
	request += DIA_HDR_LEN;
	n -= DIA_HDR_LEN;
	while (dia_avp_next(&request, &n, &avp) > 0)
		if (avp.def == proxy_info)
			dia_put_raw(w, avp.code, avp.flags, avp.vendor, avp.data, avp.len);
}

void dia_put_raw(struct dia_writer *w, uint32_t code, uint8_t flags, uint32_t vendor, const void *data, size_t n)
{
	size_t head = flags & DIA_AVP_V ? 12 : 8;
	uint8_t *p;

	if (n > LENGTH_MAX) {
		w->failed = true;
		return;
	}
	p = extend(w, dia_padded(head + n));
	if (p == NULL)
		return;
	dia_set32(p, code);
	p[4] = flags;
	dia_set24(p + 5, head + n);
	if (head == 12)
		dia_set32(p + 8, vendor);
	if (n)
		memcpy(p + head, data, n);
}

void dia_put_bytes(struct dia_writer *w, const void *data, size_t n)
{
	uint8_t *p = extend(w, n);

	if (p && n)
		memcpy(p, data, n);
}

static uint8_t flags_of(const struct dia_avpdef *def)
{
	return (def->vendor ? DIA_AVP_V : 0) | (def->m == DIA_M_MUST ? DIA_AVP_M : 0);
}

static void put(struct dia_writer *w, const struct dia_avpdef *def, const void *data, size_t n)
{
	dia_put_raw(w, def->code, flags_of(def), def->vendor, data, n);
}

void dia_put_octets(struct dia_writer *w, enum dia_id id, const void *data, size_t n)
{
	put(w, &dia_avps[id], data, n);
}

void dia_put_text(struct dia_writer *w, enum dia_id id, const char *text)
{
	put(w, &dia_avps[id], text, strlen(text));
}

void dia_put_u32(struct dia_writer *w, enum dia_id id, uint32_t value)
{
	uint8_t b[4];

	dia_set32(b, value);
	put(w, &dia_avps[id], b, sizeof(b));
}

void dia_put_u64(struct dia_writer *w, enum dia_id id, uint64_t value)
{
	uint8_t b[8];

	dia_set32(b, value >> 32);
	dia_set32(b + 4, (uint32_t)value);
	put(w, &dia_avps[id], b, sizeof(b));
}

void dia_open(struct dia_writer *w, enum dia_id group)
{
	if (w->depth == open_max) {
		w->failed = true;
		return;
	}
	w->open[w->depth++] = w->n;
	put(w, &dia_avps[group], NULL, 0);
}

void dia_close(struct dia_writer *w)
{
	size_t at;

	if (w->depth == 0 || w->failed) {
		w->failed = true;
		return;
	}
	at = w->open[--w->depth];
	dia_set24(w->p + at + 5, w->n - at);
}

bool dia_end(struct dia_writer *w)
{
	if (w->depth || w->n < DIA_HDR_LEN)
		w->failed = true;
	if (w->failed)
		return false;
	dia_set24(w->p + 1, w->n);
	return true;
}

void dia_writer_free(struct dia_writer *w)
{
	free(w->p);
	memset(w, 0, sizeof(*w));
}
