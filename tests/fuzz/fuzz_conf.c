/* fuzz_conf.c - octets as a configuration file, of the node and of the gateway.
 *
 * Holds: each mistake is told once, in words that cannot steer a terminal, at a line that there is; read again it is the
 * same; with an empty line before it everything is one line further down; what is right is within its option's bounds. */
#include "config.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "fuzz.h"
#include "gw_conf.h"

#define INPUT_MAX 20000
#define TOLD_MAX 200

struct told { int n; struct { int line; char key[128], text[512]; } v[TOLD_MAX]; };
typedef void complain_fn(void *ctx, const struct iwf_conf_error *);

static int file = -1;
static char path[64];

/* libconfig loses a text that it was in the middle of when the file turns out to be wrong. */
const char *__lsan_default_suppressions(void)
{
	return "leak:strbuf_append\n";
}

static void begin(void)
{
	if (file >= 0)
		return;
	file = memfd_create("fuzz", MFD_CLOEXEC);
	HOLDS(file >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
}

static void fill(const uint8_t *data, size_t size, const char *before)
{
	const size_t n = strlen(before);

	HOLDS(ftruncate(file, 0) == 0 && pwrite(file, before, n, 0) == (ssize_t)n);
	HOLDS(pwrite(file, data, size, (off_t)n) == (ssize_t)size);
}

static void take(void *ctx, const struct iwf_conf_error *e)
{
	struct told *t = ctx;

	for (const char *c = e->text; *c; c++)
		HOLDS((unsigned char)*c >= 0x20 && *c != 0x7f);
	HOLDS(*e->text && e->key && e->file && e->line >= 0);
	if (t->n < TOLD_MAX) {
		t->v[t->n].line = strcmp(e->file, path) ? -1 : e->line;
		snprintf(t->v[t->n].key, sizeof(t->v[t->n].key), "%s", e->key);
		snprintf(t->v[t->n].text, sizeof(t->v[t->n].text), "%s", e->text);
	}
	t->n++;
}

static void check_same(const struct told *a, const struct told *b, int down)
{
	HOLDS(a->n == b->n);
	for (int i = 0; i < a->n && i < TOLD_MAX; i++) {
		HOLDS(b->v[i].line == (a->v[i].line > 0 ? a->v[i].line + down : a->v[i].line));
		HOLDS(!strcmp(a->v[i].key, b->v[i].key) && !strcmp(a->v[i].text, b->v[i].text));
	}
}

static void check_node(const struct iwf_conf *c)
{
	const struct iwf_service_conf *s = &c->service;

	HOLDS(!strncmp(c->store.uri, "sqlite:/", 8) && c->node.batch_max <= c->node.queue_max);
	HOLDS(s->validity_default_s <= s->validity_max_s && s->notify_retry_min_s <= s->notify_retry_max_s);
	HOLDS(s->identity_source == IWF_ID_LOCAL || s->nhss > 0);
	for (size_t i = 0; i < s->nhss; i++)
		HOLDS(!iwf_diamid_check((struct iwf_view){ (const uint8_t *)s->hss[i].node.host, strlen(s->hss[i].node.host) }));
	for (size_t i = 0; i < s->nsmssc; i++)
		HOLDS(!iwf_diamid_check((struct iwf_view){ (const uint8_t *)s->smssc[i].node.host, strlen(s->smssc[i].node.host) }));
}

static void check_gateway(const struct gw_conf *c)
{
	HOLDS(c->nlisten > 0 && c->nlisten <= GW_LISTEN_MAX && c->nnode > 0 && c->nnode <= GW_NODES_MAX);
	HOLDS(c->limits.queue_max >= 2 * c->limits.message_max && c->limits.hello_timeout_ms <= c->limits.handshake_timeout_ms);
	for (size_t i = 0; i < c->nnode; i++)
		HOLDS(c->node[i].tls || c->node_key.n >= 16);
}

static int read_node(struct told *t)
{
	static struct iwf_conf c;
	int n = iwf_conf_read(path, &c, take, t);

	if (n == 0)
		check_node(&c);
	return n;
}

static int read_gateway(struct told *t)
{
	static struct gw_conf c;
	int n = gw_conf_read(path, &c, take, t);

	if (n == 0)
		check_gateway(&c);
	return n;
}

static void try(int (*read_it)(struct told *), const uint8_t *data, size_t size)
{
	static struct told first, second, below;

	first.n = second.n = below.n = 0;
	fill(data, size, "");
	HOLDS(read_it(&first) == first.n);
	HOLDS(read_it(&second) == second.n);
	check_same(&first, &second, 0);
	fill(data, size, "\n");
	HOLDS(read_it(&below) == below.n);
	check_same(&first, &below, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > INPUT_MAX)
		return 0;
	begin();
	try(read_node, data, size);
	try(read_gateway, data, size);
	return 0;
}
