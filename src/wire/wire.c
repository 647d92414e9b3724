/* wire.c - reading messages and AVPs (RFC 6733 3, 4.1). */
#include "wire.h"
#include <string.h>
#include "bytes.h"

bool dia_hdr_read(const uint8_t *p, size_t n, struct dia_hdr *out)
{
	if (n < DIA_HDR_LEN)
		return false;
	out->version = p[0];
	out->length = dia_be24(p + 1);
	out->flags = p[4];
	out->code = dia_be24(p + 5);
	out->app = dia_be32(p + 8);
	out->hbh = dia_be32(p + 12);
	out->e2e = dia_be32(p + 16);
	return true;
}

int dia_avp_next(const uint8_t **p, size_t *n, struct dia_avp *out)
{
	const uint8_t *q = *p;
	size_t head, length, step;

	if (*n == 0)
		return 0;
	if (*n < 8)
		return -1;
	head = q[4] & DIA_AVP_V ? 12 : 8;
	length = dia_be24(q + 5);
	if (length < head || length > *n)
		return -1;
	out->code = dia_be32(q);
	out->flags = q[4];
	out->vendor = head == 12 ? dia_be32(q + 8) : 0;
	out->raw = q;
	out->data = q + head;
	out->len = length - head;
	out->def = dia_avp_find(out->code, out->vendor);
	step = dia_padded(length);
	if (step > *n)
		step = *n; /* some leave out the padding of the last member of a group */
	*p += step;
	*n -= step;
	return 1;
}

static bool find(const uint8_t *p, size_t n, enum dia_id id, struct dia_avp *out)
{
	const struct dia_avpdef *def = &dia_avps[id];

	while (dia_avp_next(&p, &n, out) > 0)
		if (out->def == def)
			return true;
	return false;
}

bool dia_msg_find(const uint8_t *msg, size_t n, enum dia_id id, struct dia_avp *out)
{
	struct dia_hdr h;

	if (!dia_hdr_read(msg, n, &h) || h.length < DIA_HDR_LEN)
		return false;
	if (n > h.length)
		n = h.length;
	return find(msg + DIA_HDR_LEN, n - DIA_HDR_LEN, id, out);
}

bool dia_group_find(const struct dia_avp *group, enum dia_id id, struct dia_avp *out)
{
	return find(group->data, group->len, id, out);
}

bool dia_avp_u32(const struct dia_avp *avp, uint32_t *out)
{
	if (avp->len != 4)
		return false;
	*out = dia_be32(avp->data);
	return true;
}

bool dia_avp_u64(const struct dia_avp *avp, uint64_t *out)
{
	if (avp->len != 8)
		return false;
	*out = (uint64_t)dia_be32(avp->data) << 32 | dia_be32(avp->data + 4);
	return true;
}

void dia_avp_text(const struct dia_avp *avp, char *out, size_t size)
{
	size_t n;

	if (size == 0)
		return;
	n = avp->len < size ? avp->len : size - 1;
	memcpy(out, avp->data, n);
	out[n] = '\0';
}
