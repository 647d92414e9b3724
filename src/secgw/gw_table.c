/* gw_table.c - rows of scs, with an index for each way they are asked for. */
#include <stdlib.h>
#include <string.h>
#include "gw_table.h"

struct gw_table {
	struct gw_scs *rows;
	size_t n, npins;
	const struct gw_scs **by_host, **by_san, **by_pin;   /* by_san and by_pin: enabled rows only */
	size_t nsans;
};

static int host_order(const void *a, const void *b)
{
	return strcasecmp((*(const struct gw_scs *const *)a)->origin_host, (*(const struct gw_scs *const *)b)->origin_host);
}

static int san_order(const void *a, const void *b)
{
	return strcasecmp((*(const struct gw_scs *const *)a)->cert_san, (*(const struct gw_scs *const *)b)->cert_san);
}

static int pin_order(const void *a, const void *b)
{
	return strcasecmp((*(const struct gw_scs *const *)a)->cert_sha256, (*(const struct gw_scs *const *)b)->cert_sha256);
}

struct gw_table *gw_table_new(struct gw_scs *rows, size_t n)
{
	struct gw_table *t = calloc(1, sizeof(*t));
	const struct gw_scs **index = calloc(3 * n + 1, sizeof(*index));

	if (!t || !index) {
		free(t);
		free(index);
		free(rows);
		return NULL;
	}
	*t = (struct gw_table){ .rows = rows, .n = n, .by_host = index, .by_san = index + n, .by_pin = index + 2 * n };
	for (size_t i = 0; i < n; i++) {
		t->by_host[i] = &rows[i];
		if (rows[i].enabled)
			t->by_san[t->nsans++] = &rows[i];
		if (rows[i].enabled && rows[i].cert_sha256[0])
			t->by_pin[t->npins++] = &rows[i];
	}
	if (n) {
		qsort(t->by_host, n, sizeof(*index), host_order);
		qsort(t->by_san, t->nsans, sizeof(*index), san_order);
		qsort(t->by_pin, t->npins, sizeof(*index), pin_order);
	}
	return t;
}

void gw_table_free(struct gw_table *t)
{
	if (!t)
		return;
	free(t->by_host);
	free(t->rows);
	free(t);
}

size_t gw_table_count(const struct gw_table *t)
{
	return t->n;
}

const struct gw_scs *gw_table_by_host(const struct gw_table *t, struct iwf_view origin_host)
{
	struct gw_scs want, *key = &want;
	const struct gw_scs **hit;

	if (!origin_host.n || origin_host.n > IWF_DIAMID_MAX || memchr(origin_host.p, 0, origin_host.n))
		return NULL;
	memcpy(want.origin_host, origin_host.p, origin_host.n);
	want.origin_host[origin_host.n] = 0;
	hit = bsearch(&key, t->by_host, t->n, sizeof(*hit), host_order);
	return hit ? *hit : NULL;
}

bool gw_table_has_san(const struct gw_table *t, const char *dns_name)
{
	struct gw_scs want, *key = &want;

	if (!dns_name[0] || strlen(dns_name) > IWF_DIAMID_MAX)
		return false;
	strcpy(want.cert_san, dns_name);
	return bsearch(&key, t->by_san, t->nsans, sizeof(*t->by_san), san_order);
}

bool gw_table_has_pin(const struct gw_table *t, const char *sha256)
{
	struct gw_scs want, *key = &want;

	if (strlen(sha256) != 64)
		return false;
	strcpy(want.cert_sha256, sha256);
	return bsearch(&key, t->by_pin, t->npins, sizeof(*t->by_pin), pin_order);
}
