/* store_mem_admin.c - see store_mem.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store_mem_tables.h"

void *iwf_mem_row_add(struct table *t)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 16;
		char *rows = realloc(t->rows, cap * t->size);

		if (!rows)
			return NULL;
		t->rows = rows;
		t->cap = cap;
	}
	return memset(iwf_mem_row(t, t->n++), 0, t->size);
}

void iwf_mem_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

struct iwf_scs *iwf_mem_scs_find(struct mem_store *m, int64_t id)
{
	for (size_t i = 0; i < m->t[T_SCS].n; i++) {
		struct iwf_scs *s = iwf_mem_row(&m->t[T_SCS], i);

		if (s->id == id)
			return s;
	}
	return NULL;
}

struct iwf_subscription *iwf_mem_sub_find(struct mem_store *m, int64_t id)
{
	for (size_t i = 0; i < m->t[T_SUB].n; i++) {
		struct iwf_subscription *s = iwf_mem_row(&m->t[T_SUB], i);

		if (s->id == id)
			return s;
	}
	return NULL;
}

/* A new row of a table that an administrator writes to. */
static void *admin_add(struct iwf_store *st, enum tables t, int64_t *id)
{
	struct mem_store *m = mem_of(st);
	void *r = iwf_mem_row_add(&m->t[t]);

	if (r)
		m->changed = true;
	if (id)
		*id = r ? ++m->t[t].last_id : 0;
	return r;
}

static bool pair_add(struct iwf_store *st, enum tables t, int64_t a, int64_t b)
{
	struct mem_pair *p = admin_add(st, t, NULL);

	if (p)
		*p = (struct mem_pair){ a, b };
	return p != NULL;
}

int64_t iwf_mem_add_user(struct iwf_store *st, bool restrict_scs)
{
	int64_t id;
	struct mem_user *u = admin_add(st, T_USER, &id);

	if (u)
		*u = (struct mem_user){ id, restrict_scs };
	return id;
}

bool iwf_mem_add_user_scs(struct iwf_store *st, int64_t mtc_user_id, int64_t scs_id)
{
	return pair_add(st, T_USER_SCS, mtc_user_id, scs_id);
}

int64_t iwf_mem_add_scs(struct iwf_store *st, const struct iwf_scs *scs)
{
	int64_t id;
	struct iwf_scs *s = admin_add(st, T_SCS, &id);

	if (s) {
		*s = *scs;
		s->id = id;
	}
	return id;
}

bool iwf_mem_set_scs(struct iwf_store *st, const struct iwf_scs *scs)
{
	struct iwf_scs *s = iwf_mem_scs_find(mem_of(st), scs->id);

	if (s)
		*s = *scs;
	mem_of(st)->changed = true;
	return s != NULL;
}

bool iwf_mem_add_number(struct iwf_store *st, int64_t scs_id, const char *e164, bool primary)
{
	struct mem_number *n = admin_add(st, T_NUMBER, NULL);

	if (!n)
		return false;
	n->scs_id = scs_id;
	n->primary = primary;
	iwf_mem_text(n->e164, sizeof(n->e164), e164);
	return true;
}

int64_t iwf_mem_add_group(struct iwf_store *st)
{
	int64_t id, *g = admin_add(st, T_GROUP, &id);

	if (g)
		*g = id;
	return id;
}

bool iwf_mem_add_scs_member(struct iwf_store *st, int64_t scs_group_id, int64_t scs_id)
{
	return pair_add(st, T_SCS_MEMBER, scs_group_id, scs_id);
}

bool iwf_mem_add_device_member(struct iwf_store *st, int64_t device_group_id, int64_t subscription_id)
{
	return pair_add(st, T_DEV_MEMBER, device_group_id, subscription_id);
}

int64_t iwf_mem_add_subscription(struct iwf_store *st, const struct iwf_subscription *sub)
{
	int64_t id;
	struct iwf_subscription *s = admin_add(st, T_SUB, &id);

	if (s) {
		*s = *sub;
		s->id = id;
	}
	return id;
}

bool iwf_mem_set_subscription(struct iwf_store *st, const struct iwf_subscription *sub)
{
	struct iwf_subscription *s = iwf_mem_sub_find(mem_of(st), sub->id);

	if (s)
		*s = *sub;
	mem_of(st)->changed = true;
	return s != NULL;
}

bool iwf_mem_add_ext_id(struct iwf_store *st, const char *ext_id, int64_t subscription_id, int64_t scs_id)
{
	struct mem_ext *e = admin_add(st, T_EXT, NULL);

	if (!e)
		return false;
	iwf_mem_text(e->ext_id, sizeof(e->ext_id), ext_id);
	e->subscription_id = subscription_id;
	e->scs_id = scs_id;
	return true;
}

int64_t iwf_mem_add_grant(struct iwf_store *st, const struct iwf_mem_grant *grant)
{
	int64_t id;
	struct mem_grant *g = admin_add(st, T_GRANT, &id);

	if (!g)
		return 0;
	*g = (struct mem_grant){
		.scs_id = grant->scs_id, .scs_group_id = grant->scs_group_id, .subscription_id = grant->subscription_id,
		.device_group_id = grant->device_group_id, .grant = grant->grant,
	};
	g->grant.id = id;
	iwf_mem_text(g->domain, sizeof(g->domain), grant->domain);
	iwf_mem_text(g->from, sizeof(g->from), grant->msisdn_from);
	iwf_mem_text(g->to, sizeof(g->to), grant->msisdn_to);
	return id;
}

bool iwf_mem_revoke(struct iwf_store *st, int64_t grant_id)
{
	struct mem_store *m = mem_of(st);

	m->changed = true;
	for (size_t i = 0; i < m->t[T_GRANT].n; i++) {
		struct mem_grant *g = iwf_mem_row(&m->t[T_GRANT], i);

		if (g->grant.id == grant_id && !g->gone)
			return g->gone = true;
	}
	return false;
}

const struct iwf_audit *iwf_mem_audit(struct iwf_store *st, size_t i)
{
	const struct table *t = &mem_of(st)->t[T_AUDIT];

	for (size_t k = 0; k < t->n; k++) {
		const struct iwf_audit *a = iwf_mem_row(t, k);

		if (a->event && i-- == 0)
			return a;
	}
	return NULL;
}

const struct iwf_trigger *iwf_mem_trigger(struct iwf_store *st, size_t i)
{
	const struct table *t = &mem_of(st)->t[T_TRIGGER];

	for (size_t k = 0; k < t->n; k++) {
		const struct iwf_trigger *r = iwf_mem_row(t, k);

		if (r->id > 0 && i-- == 0)
			return r;
	}
	return NULL;
}

const struct iwf_report *iwf_mem_report(struct iwf_store *st, size_t i)
{
	const struct table *t = &mem_of(st)->t[T_REPORT];

	for (size_t k = 0; k < t->n; k++) {
		const struct mem_report *r = iwf_mem_row(t, k);

		if (!r->gone && i-- == 0)
			return &r->r;
	}
	return NULL;
}
