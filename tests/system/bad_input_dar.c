/* bad_input_dar.c - a good DAR that can be spoilt in one place. */
#include <stdlib.h>
#include <string.h>
#include "bad_input.h"
#include "bytes.h"

#define UNKNOWN_CODE 65001u

static const uint8_t *keep(struct dar *d, const void *p, size_t n)
{
	uint8_t *at = d->arena + d->used;

	if (n > sizeof(d->arena) - d->used)
		abort();
	if (n)
		memcpy(at, p, n);
	d->used += n;
	return at;
}

static void insert(struct dar *d, size_t at, struct item item)
{
	if (d->n == ITEMS_MAX)
		abort();
	memmove(&d->v[at + 1], &d->v[at], (d->n - at) * sizeof(d->v[0]));
	d->v[at] = item;
	d->n++;
}

static void add(struct dar *d, int id, unsigned level, const void *p, size_t n)
{
	insert(d, d->n, (struct item){ .id = id, .level = level, .p = keep(d, p, n), .n = n });
}

static void add_number(struct dar *d, int id, unsigned level, uint32_t number)
{
	uint8_t octets[4];

	dia_set32(octets, number);
	add(d, id, level, octets, sizeof(octets));
}

static void add_text(struct dar *d, int id, unsigned level, const char *text)
{
	add(d, id, level, text, strlen(text));
}

void dar_make(struct dar *d, const struct dar_base *b)
{
	d->n = d->used = 0;
	add_text(d, DIA_Session_Id, 0, b->session_id);
	add_number(d, DIA_Auth_Application_Id, 0, TSP_APP);
	add_number(d, DIA_Auth_Session_State, 0, 1);
	add_text(d, DIA_Origin_Host, 0, b->origin_host);
	add_text(d, DIA_Origin_Realm, 0, b->origin_realm);
	add_text(d, DIA_Destination_Realm, 0, b->dest_realm);
	add(d, DIA_Device_Action, 0, NULL, 0);
	add_text(d, DIA_External_Identifier, 1, b->ext_id);
	add_number(d, DIA_Reference_Number, 1, b->reference);
	add_number(d, DIA_Action_Type, 1, b->action);
	add_number(d, DIA_Validity_Time, 1, 3600);
	add(d, DIA_Trigger_Data, 1, NULL, 0);
	add_text(d, DIA_Payload, 2, "wake up");
	add_number(d, DIA_Priority_Indication, 2, 0);
	add_number(d, DIA_Application_Port_Identifier, 2, 5683);
}

static bool is_group(const struct item *i)
{
	return i->id >= 0 && dia_avps[i->id].type == DIA_GROUPED;
}

/* Behind the item and all that is in it. */
static size_t end_of(const struct dar *d, size_t at)
{
	size_t end = at + 1;

	while (end < d->n && d->v[end].level > d->v[at].level)
		end++;
	return end;
}

int dar_find(const struct dar *d, int id, unsigned nth)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].id == id && nth-- == 0)
			return (int)i;
	return -1;
}

bool dar_number(const struct dar *d, int id, uint32_t *out)
{
	int at = dar_find(d, id, 0);

	if (at < 0 || d->v[at].n != 4 || d->v[at].has_length)
		return false;
	*out = dia_be32(d->v[at].p);
	return true;
}

static bool is_member(int group, int id)
{
	for (size_t i = 0; i < dia_avps[group].nrules; i++)
		if (dia_avps[group].rules[i].avp == id)
			return true;
	return false;
}

static int group_of(int id)
{
	return is_member(DIA_Trigger_Data, id) ? DIA_Trigger_Data : is_member(DIA_Device_Action, id) ? DIA_Device_Action : MESSAGE;
}

static void set(struct dar *d, int id, const void *p, size_t n)
{
	const uint8_t *kept = keep(d, p, n);
	int at = dar_find(d, id, 0), group = group_of(id), in;

	if (at >= 0) {
		d->v[at].p = kept;
		d->v[at].n = n;
		return;
	}
	in = group == MESSAGE ? -1 : dar_find(d, group, 0);
	if (in >= 0)
		insert(d, (size_t)in + 1, (struct item){ .id = id, .level = d->v[in].level + 1, .p = kept, .n = n });
	else
		insert(d, d->n, (struct item){ .id = id, .p = kept, .n = n });
}

static void fill(struct dar *d, const struct edit *e)
{
	uint8_t *octets = malloc(e->n + 1);

	if (!octets)
		abort();
	memset(octets, (int)e->number, e->n);
	set(d, e->id, octets, e->n);
	free(octets);
}

static void resize(struct dar *d, int at, size_t n)
{
	struct item *i = &d->v[at];
	uint8_t octets[256] = { 0 };

	memcpy(octets, i->p, i->n < n ? i->n : n);
	i->p = keep(d, octets, n);
	i->n = n;
}

static void repeat(struct dar *d, int at)
{
	size_t end = end_of(d, (size_t)at), n = end - (size_t)at;

	for (size_t k = 0; k < n; k++) {
		struct item copy = d->v[(size_t)at + k];

		copy.p = keep(d, copy.p, copy.n);
		if (copy.id >= 0 && dia_avps[copy.id].type == DIA_UNSIGNED32)
			((uint8_t *)(uintptr_t)copy.p)[3] ^= 1;
		insert(d, end + k, copy);
	}
}

static void add_unknown(struct dar *d, const struct edit *e)
{
	int in = e->id == MESSAGE ? -1 : dar_find(d, e->id, 0);
	size_t at = in < 0 ? d->n : end_of(d, (size_t)in);

	insert(d, at, (struct item){ .id = -1, .level = in < 0 ? 0 : d->v[in].level + 1, .code = UNKNOWN_CODE,
	                             .vendor = DIA_VENDOR_3GPP, .flags = (uint8_t)(DIA_AVP_V | e->number),
	                             .p = keep(d, e->p, e->n), .n = e->n });
}

void dar_edit(struct dar *d, const struct edit *e)
{
	int at = e->op == KEEP || e->op == UNKNOWN ? -1 : dar_find(d, e->id, 0);
	struct item moved;
	uint8_t octets[4];
	size_t end;

	switch (e->op) {
	case KEEP:
		break;
	case OMIT:
		end = end_of(d, (size_t)at);
		memmove(&d->v[at], &d->v[end], (d->n - end) * sizeof(d->v[0]));
		d->n -= end - (size_t)at;
		break;
	case TWICE:
		repeat(d, at);
		break;
	case NUMBER:
		dia_set32(octets, e->number);
		set(d, e->id, octets, sizeof(octets));
		break;
	case OCTETS:
		set(d, e->id, e->p, e->n);
		break;
	case FILL:
		fill(d, e);
		break;
	case SIZED:
		resize(d, at, e->n);
		break;
	case UNKNOWN:
		add_unknown(d, e);
		break;
	case LENGTH:
		d->v[at].has_length = true;
		d->v[at].length = e->number;
		break;
	case LAST:
		moved = d->v[at];
		memmove(&d->v[at], &d->v[at + 1], (d->n - (size_t)at - 1) * sizeof(d->v[0]));
		d->v[d->n - 1] = moved;
		break;
	}
}

static void put_item(const struct item *i, struct dia_writer *w)
{
	if (is_group(i))
		dia_open(w, (enum dia_id)i->id);
	else if (i->id >= 0)
		dia_put_octets(w, (enum dia_id)i->id, i->p, i->n);
	else
		dia_put_raw(w, i->code, i->flags, i->vendor, i->p, i->n);
}

static void put_range(const struct dar *d, size_t from, size_t to, struct dia_writer *w)
{
	const unsigned level = d->v[from].level;
	size_t offset[ITEMS_MAX];
	unsigned open = level;

	for (size_t k = from; k < to; k++) {
		for (; open > d->v[k].level; open--)
			dia_close(w);
		offset[k] = w->n;
		put_item(&d->v[k], w);
		open += is_group(&d->v[k]);
	}
	for (; open > level; open--)
		dia_close(w);
	for (size_t k = from; k < to && !w->failed; k++) {
		if (d->v[k].has_length)
			dia_set24(w->p + offset[k] + 5, d->v[k].length);
		w->p[offset[k] + 4] |= d->v[k].flags;
	}
}

void dar_put(const struct dar *d, struct dia_writer *w)
{
	put_range(d, 0, d->n, w);
}

bool dar_failed(const struct dar *d, int at, struct dia_writer *w)
{
	int path[8];
	unsigned depth = 0;

	if (at < 0)
		return false;
	for (int k = at; k >= 0 && d->v[at].level > depth; k--)
		if (d->v[k].level + 1 + depth == d->v[at].level)
			path[depth++] = d->v[k].id;
	dia_begin(w, 0, 0, 0, 0, 0);
	for (unsigned k = depth; k-- > 0;)
		dia_open(w, (enum dia_id)path[k]);
	put_range(d, (size_t)at, end_of(d, (size_t)at), w);
	for (unsigned k = 0; k < depth; k++)
		dia_close(w);
	return dia_end(w);
}

bool dar_failed_example(int id, struct dia_writer *w)
{
	static const uint8_t zeroes[4];
	const enum dia_type type = dia_avps[id].type;
	const int group = group_of(id);

	dia_begin(w, 0, 0, 0, 0, 0);
	if (group == DIA_Trigger_Data)
		dia_open(w, DIA_Device_Action);
	if (group != MESSAGE)
		dia_open(w, (enum dia_id)group);
	dia_put_octets(w, (enum dia_id)id, zeroes, type == DIA_UNSIGNED32 || type == DIA_ENUMERATED ? 4 : 0);
	if (group != MESSAGE)
		dia_close(w);
	if (group == DIA_Trigger_Data)
		dia_close(w);
	return dia_end(w);
}
