#include "config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "gw_proxy.h"
#include "gw_rewrite.h"

#define NODES_MAX 8u
#define BUCKETS   4096u

/* One request that waits for its answer.  Its Hop-by-Hop identifier is its slot and a number that changes each time it
 * is sent, so that an answer that comes too late belongs to nobody. */
struct flight {
	uint32_t hbh;                  /* ours; of the side it was sent to */
	uint32_t round;
	bool used, is_dnr;
	unsigned node;                 /* that was asked, or asks */
	unsigned tried;                /* nodes that were asked, as bits */
	struct conn *conn;             /* of the SCS that asks, or was asked */
	int64_t due_ms;
	uint8_t *msg;                  /* the request as it came */
	size_t n;
	struct flight *prev_due, *next_due;     /* the soonest first; all wait equally long */
	struct flight *prev_conn, *next_conn;
	uint32_t next_free;
};

struct scs {
	struct scs *next;
	struct conn *conns;            /* newest first */
	uint32_t dars, dnrs;           /* under way: from it, and to it */
	char host[];                   /* as in its CER */
};

struct conn {
	struct conn *next, *next_of_scs;
	uint64_t id;
	struct scs *scs;
	struct flight *flights;
	char *realm, *state;           /* Proxy-State of its requests */
};

struct node { char host[IWF_DIAMID_MAX + 1], realm[IWF_DIAMID_MAX + 1]; uint16_t priority; bool up; };

struct gw_proxy {
	struct gw_proxy_ports ports;
	char identity[IWF_DIAMID_MAX + 1], realm[IWF_DIAMID_MAX + 1];
	struct gw_gate_conf gate;
	struct gw_names names;
	const char *inside[NODES_MAX];
	struct dia_guard *answers, *requests;
	struct node node[NODES_MAX];
	unsigned nnodes;
	uint32_t in_flight_per_scs, answer_timeout_ms;
	uint32_t session_high, session_low;
	struct flight *flight;
	uint32_t cap, free;            /* free: slot; cap: none */
	unsigned slot_bits;
	struct flight *first_due, *last_due;
	struct conn *conns[BUCKETS];
	struct scs *scss[BUCKETS];
	struct dia_writer w;
	struct gw_proxy_stats stats;
};

/* No IMSI is known here.  But a DAA has nothing to say in 14 or 15 digits that its DAR has not said. */
static bool is_number(uint64_t digits, unsigned n, bool text)
{
	return text;
}

struct gw_proxy *gw_proxy_new(const struct gw_proxy_conf *c, const struct gw_proxy_ports *ports)
{
	struct gw_proxy *p = calloc(1, sizeof(*p));

	if (!p || c->nnodes > NODES_MAX || !c->in_flight || c->in_flight > 1u << 24)
		goto fail;
	p->ports = *ports;
	snprintf(p->identity, sizeof(p->identity), "%s", c->identity);
	snprintf(p->realm, sizeof(p->realm), "%s", c->realm);
	p->gate = (struct gw_gate_conf){ .identity = p->identity, .realm = p->realm };
	p->nnodes = (unsigned)c->nnodes;
	for (unsigned i = 0; i < p->nnodes; i++) {
		snprintf(p->node[i].host, sizeof(p->node[i].host), "%s", c->nodes[i].host);
		snprintf(p->node[i].realm, sizeof(p->node[i].realm), "%s", c->nodes[i].realm);
		p->node[i].priority = c->nodes[i].priority;
		p->inside[i] = p->node[i].host;
	}
	p->answers = dia_guard_new(&(struct dia_guard_rules){ .is_private = is_number, .identifiers_are_echoes = true });
	p->requests = dia_guard_new(&(struct dia_guard_rules){0});
	if (!p->answers || !p->requests)
		goto fail;
	p->names = (struct gw_names){ p->identity, p->realm, p->inside, p->nnodes, p->answers, p->requests };
	p->in_flight_per_scs = c->in_flight_per_scs;
	p->answer_timeout_ms = c->answer_timeout_ms;
	p->session_high = c->session_high;
	p->cap = c->in_flight;
	while (1u << p->slot_bits < p->cap)
		p->slot_bits++;
	p->flight = calloc(p->cap, sizeof(*p->flight));
	if (!p->flight)
		goto fail;
	for (uint32_t i = 0; i < p->cap; i++)
		p->flight[i].next_free = i + 1;
	return p;
fail:
	if (p) {
		dia_guard_free(p->answers);
		dia_guard_free(p->requests);
	}
	free(p);
	return NULL;
}

/* ---- SCSs and their connections ----------------------------------------- */

static size_t host_bucket(const char *host, size_t n)
{
	uint32_t h = 2166136261u;      /* FNV-1a; names are ours to give, so nobody chooses them to collide */

	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)host[i];

		h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 16777619u;
	}
	return h % BUCKETS;
}

static struct scs **scs_at(struct gw_proxy *p, const char *host, size_t n)
{
	struct scs **at = &p->scss[host_bucket(host, n)];

	while (*at && (strlen((*at)->host) != n || strncasecmp((*at)->host, host, n)))
		at = &(*at)->next;
	return at;
}

static struct conn **conn_at(struct gw_proxy *p, uint64_t id)
{
	struct conn **at = &p->conns[id % BUCKETS];

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static void free_conn(struct conn *c)
{
	free(c->realm);
	free(c->state);
	free(c);
}

bool gw_proxy_scs_open(struct gw_proxy *p, uint64_t id, const char *host, const char *realm, const char *address, const char *cert)
{
	struct scs **scs = scs_at(p, host, strlen(host));
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return false;
	c->id = id;
	c->realm = strdup(realm);
	if (asprintf(&c->state, "1 %s %s", address, cert && cert[0] ? cert : "-") < 0)
		c->state = NULL;
	if (!*scs) {
		*scs = calloc(1, sizeof(**scs) + strlen(host) + 1);
		if (*scs)
			strcpy((*scs)->host, host);
	}
	if (!c->realm || !c->state || !*scs) {
		free_conn(c);
		return false;              /* an SCS without a connection may stay: it is found again, or freed at the end */
	}
	c->scs = *scs;
	c->next_of_scs = c->scs->conns;
	c->scs->conns = c;
	c->next = p->conns[id % BUCKETS];
	p->conns[id % BUCKETS] = c;
	return true;
}

/* ---- requests under way ------------------------------------------------- */

static void unlink_due(struct gw_proxy *p, struct flight *f)
{
	*(f->prev_due ? &f->prev_due->next_due : &p->first_due) = f->next_due;
	*(f->next_due ? &f->next_due->prev_due : &p->last_due) = f->prev_due;
}

static void link_due(struct gw_proxy *p, struct flight *f, int64_t now_ms)
{
	f->due_ms = now_ms + p->answer_timeout_ms;
	f->prev_due = p->last_due;
	f->next_due = NULL;
	*(p->last_due ? &p->last_due->next_due : &p->first_due) = f;
	p->last_due = f;
}

static uint32_t next_hbh(struct gw_proxy *p, struct flight *f)
{
	uint32_t slot = (uint32_t)(f - p->flight);

	return f->hbh = ++f->round << p->slot_bits | slot;
}

/* NULL: too many, or no memory. */
static struct flight *take_off(struct gw_proxy *p, struct conn *c, bool is_dnr, const uint8_t *msg, size_t n, int64_t now_ms)
{
	struct flight *f = p->free < p->cap ? &p->flight[p->free] : NULL;
	uint8_t *copy = f ? malloc(n) : NULL;

	if (!copy)
		return NULL;
	p->free = f->next_free;
	memcpy(copy, msg, n);
	*f = (struct flight){ .used = true, .is_dnr = is_dnr, .conn = c, .msg = copy, .n = n, .round = f->round };
	f->next_conn = c->flights;
	if (c->flights)
		c->flights->prev_conn = f;
	c->flights = f;
	link_due(p, f, now_ms);
	p->stats.in_flight++;
	++*(is_dnr ? &c->scs->dnrs : &c->scs->dars);
	return f;
}

static void land(struct gw_proxy *p, struct flight *f)
{
	unlink_due(p, f);
	*(f->prev_conn ? &f->prev_conn->next_conn : &f->conn->flights) = f->next_conn;
	if (f->next_conn)
		f->next_conn->prev_conn = f->prev_conn;
	--*(f->is_dnr ? &f->conn->scs->dnrs : &f->conn->scs->dars);
	free(f->msg);
	f->msg = NULL;
	f->used = false;
	f->next_free = p->free;
	p->free = (uint32_t)(f - p->flight);
	p->stats.in_flight--;
}

static struct flight *find_flight(struct gw_proxy *p, uint32_t hbh)
{
	uint32_t slot = hbh & ((1u << p->slot_bits) - 1);

	return slot < p->cap && p->flight[slot].used && p->flight[slot].hbh == hbh ? &p->flight[slot] : NULL;
}

/* ---- answers of our own ------------------------------------------------- */

static void refuse_scs(struct gw_proxy *p, uint64_t conn, const uint8_t *msg, size_t n, uint32_t result, const char *words)
{
	gw_refuse(&p->gate, msg, n, result, words, &p->w);
	if (!p->w.failed)
		p->ports.to_scs(p->ports.ctx, conn, p->w.p, p->w.n);
}

static void refuse_node(struct gw_proxy *p, unsigned node, const uint8_t *msg, size_t n, uint32_t result, const char *words)
{
	dia_begin_answer(&p->w, msg, n, result / 1000 == 3 ? DIA_F_ERROR : 0);
	dia_put_u32(&p->w, DIA_Result_Code, result);
	dia_put_text(&p->w, DIA_Origin_Host, p->identity);
	dia_put_text(&p->w, DIA_Origin_Realm, p->realm);
	dia_put_u32(&p->w, DIA_Auth_Session_State, 1);
	dia_put_text(&p->w, DIA_Error_Message, words);
	if (dia_end(&p->w))
		p->ports.to_node(p->ports.ctx, node, p->w.p, p->w.n);
}

static void give_up(struct gw_proxy *p, struct flight *f)
{
	if (f->is_dnr)
		refuse_node(p, f->node, f->msg, f->n, 3002, "The SCS does not answer");
	else
		refuse_scs(p, f->conn->id, f->msg, f->n, 3002, "No MTC-IWF can be reached, try again later");
	land(p, f);
}

/* ---- DAR and DAA -------------------------------------------------------- */

static uint64_t weight(const struct node *node, const char *scs)
{
	uint64_t h = 1469598103934665603u;     /* FNV-1a over both names, then mixed */

	for (const char *s = scs; *s; s++)
		h = (h ^ (uint8_t)(*s >= 'A' && *s <= 'Z' ? *s + 32 : *s)) * 1099511628211u;
	for (const char *s = node->host; *s; s++)
		h = (h ^ (uint8_t)*s) * 1099511628211u;
	h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
	return h ^ h >> 33;
}

/* Of the connected nodes of the lowest priority that have not been asked yet, always the same one for the same SCS
 * (rendezvous hashing), since that one has its journal.  nnodes: none. */
static unsigned choose(const struct gw_proxy *p, const char *scs, unsigned tried)
{
	unsigned best = p->nnodes;

	for (unsigned i = 0; i < p->nnodes; i++) {
		const struct node *n = &p->node[i];

		if (!n->up || tried >> i & 1)
			continue;
		if (best == p->nnodes || n->priority < p->node[best].priority ||
		    (n->priority == p->node[best].priority && weight(n, scs) > weight(&p->node[best], scs)))
			best = i;
	}
	return best;
}

/* To the next node; false: there is none. */
static bool forward(struct gw_proxy *p, struct flight *f)
{
	bool again = f->tried != 0;
	unsigned to;

	while ((to = choose(p, f->conn->scs->host, f->tried)) < p->nnodes) {
		f->tried |= 1u << to;
		f->node = to;
		if (gw_rewrite_dar(&p->names, f->msg, f->n, next_hbh(p, f), again, f->conn->scs->host, f->conn->state, p->node[to].realm, &p->w) &&
		    p->ports.to_node(p->ports.ctx, to, p->w.p, p->w.n)) {
			p->stats.retried += again;
			return true;
		}
	}
	return false;
}

static enum iwf_reason dar(struct gw_proxy *p, struct conn *c, const uint8_t *msg, size_t n, int64_t now_ms)
{
	struct flight *f;

	p->stats.dars++;
	if (n > GW_INSIDE_MAX) {
		refuse_scs(p, c->id, msg, n, 5015, "The message is too long");
		return RS_MESSAGE_SIZE;
	}
	f = c->scs->dars < p->in_flight_per_scs ? take_off(p, c, false, msg, n, now_ms) : NULL;
	if (!f) {
		p->stats.too_busy++;
		refuse_scs(p, c->id, msg, n, 3004, "The MTC-IWF is busy, try again later");
		return RS_IN_FLIGHT;
	}
	if (forward(p, f))
		return RS_NONE;
	p->stats.no_node++;
	give_up(p, f);
	return RS_NO_NODE;
}

/* Somewhere else, if there is somewhere else; otherwise it has failed. */
static void elsewhere(struct gw_proxy *p, struct flight *f, int64_t now_ms)
{
	if (!f->is_dnr && forward(p, f)) {
		unlink_due(p, f);
		link_due(p, f, now_ms);
	} else {
		give_up(p, f);
	}
}

static void daa(struct gw_proxy *p, struct flight *f, const uint8_t *msg, size_t n, int64_t now_ms)
{
	uint32_t result = gw_result_of(msg, n);

	if (result == 3002 || !result || !gw_rewrite_daa(&p->names, msg, n, f->msg, f->n, &p->w)) {
		p->stats.strays += result != 3002;
		elsewhere(p, f, now_ms);
		return;
	}
	p->stats.daas++;
	if (!p->ports.to_scs(p->ports.ctx, f->conn->id, p->w.p, p->w.n))
		refuse_scs(p, f->conn->id, f->msg, f->n, 5012, "The answer is too long for this transport");
	land(p, f);
}

/* ---- DNR and DNA -------------------------------------------------------- */

static bool has_been_here(const struct gw_proxy *p, const uint8_t *msg, size_t n)
{
	const uint8_t *at = msg + DIA_HDR_LEN;
	size_t left = n - DIA_HDR_LEN;
	struct dia_avp a;

	while (dia_avp_next(&at, &left, &a) == 1)
		if (a.def == &dia_avps[DIA_Route_Record] && a.len == strlen(p->identity) &&
		    !strncasecmp((const char *)a.data, p->identity, a.len))
			return true;
	return false;
}

static void dnr(struct gw_proxy *p, unsigned node, const uint8_t *msg, size_t n, int64_t now_ms)
{
	char session[IWF_DIAMID_MAX + 32];
	struct dia_avp host;
	struct scs *scs;
	struct flight *f;

	p->stats.dnrs++;
	if (has_been_here(p, msg, n)) {
		refuse_node(p, node, msg, n, 3005, "It has been here before");
		return;
	}
	scs = dia_msg_find(msg, n, DIA_Destination_Host, &host) ? *scs_at(p, (const char *)host.data, host.len) : NULL;
	if (!scs || !scs->conns) {
		refuse_node(p, node, msg, n, 3002, "That SCS is not connected");
		return;
	}
	/* One that does not answer must not use up the places of all. */
	f = scs->dnrs < p->in_flight_per_scs ? take_off(p, scs->conns, true, msg, n, now_ms) : NULL;
	if (!f) {
		p->stats.too_busy++;
		refuse_node(p, node, msg, n, 3004, "Too many requests under way");
		return;
	}
	f->node = node;
	snprintf(session, sizeof(session), "%s;%u;%u", p->identity, p->session_high, p->session_low++);
	if (!gw_rewrite_dnr(&p->names, msg, n, next_hbh(p, f), session, scs->host, f->conn->realm, &p->w) ||
	    !p->ports.to_scs(p->ports.ctx, f->conn->id, p->w.p, p->w.n))
		give_up(p, f);
}

static void dna(struct gw_proxy *p, struct flight *f, const uint8_t *msg, size_t n)
{
	if (n > GW_INSIDE_MAX || !gw_result_of(msg, n) || !gw_rewrite_dna(&p->names, msg, n, f->msg, f->n, f->conn->scs->host, &p->w)) {
		p->stats.strays++;
		give_up(p, f);
		return;
	}
	p->stats.dnas++;
	p->ports.to_node(p->ports.ctx, f->node, p->w.p, p->w.n);
	land(p, f);
}

/* ---- what comes --------------------------------------------------------- */

enum iwf_reason gw_proxy_from_scs(struct gw_proxy *p, uint64_t conn, const uint8_t *msg, size_t n, int64_t now_ms)
{
	struct conn *c = *conn_at(p, conn);
	struct flight *f;
	struct dia_hdr h;

	if (!c || !dia_hdr_read(msg, n, &h))
		return RS_NONE;
	if (h.flags & DIA_F_REQUEST)
		return dar(p, c, msg, n, now_ms);
	f = find_flight(p, h.hbh);
	if (f && f->is_dnr && f->conn == c && h.code == TSP_CMD_DNR)
		dna(p, f, msg, n);
	else
		p->stats.late_answers++;
	return RS_NONE;
}

void gw_proxy_from_node(struct gw_proxy *p, unsigned node, const uint8_t *msg, size_t n, int64_t now_ms)
{
	struct flight *f;
	struct dia_hdr h;

	if (!dia_hdr_read(msg, n, &h))
		return;
	if (h.flags & DIA_F_REQUEST) {
		if (h.app != TSP_APP_ID)
			refuse_node(p, node, msg, n, 3007, "Application unknown");
		else if (h.code != TSP_CMD_DNR)
			refuse_node(p, node, msg, n, 3001, "Command unknown");
		else
			dnr(p, node, msg, n, now_ms);
		return;
	}
	f = find_flight(p, h.hbh);
	if (f && !f->is_dnr && f->node == node && h.code == TSP_CMD_DAR)
		daa(p, f, msg, n, now_ms);
	else
		p->stats.late_answers++;
}

void gw_proxy_scs_closed(struct gw_proxy *p, uint64_t id)
{
	struct conn **at = conn_at(p, id), *c = *at, **of_scs;
	struct scs **scs;

	if (!c)
		return;
	*at = c->next;
	scs = scs_at(p, c->scs->host, strlen(c->scs->host));
	for (of_scs = &c->scs->conns; *of_scs != c; of_scs = &(*of_scs)->next_of_scs)
		;
	*of_scs = c->next_of_scs;
	while (c->flights) {
		if (c->flights->is_dnr)
			refuse_node(p, c->flights->node, c->flights->msg, c->flights->n, 3002, "That SCS has gone");
		land(p, c->flights);
	}
	if (!(*scs)->conns) {
		struct scs *gone = *scs;

		*scs = gone->next;
		free(gone);
	}
	free_conn(c);
}

void gw_proxy_node_up(struct gw_proxy *p, unsigned node)
{
	p->node[node].up = true;
}

void gw_proxy_node_down(struct gw_proxy *p, unsigned node, int64_t now_ms)
{
	p->node[node].up = false;
	for (uint32_t i = 0; i < p->cap; i++) {
		struct flight *f = &p->flight[i];

		if (!f->used || f->node != node)
			continue;
		if (f->is_dnr)
			land(p, f);            /* nobody is left to answer */
		else
			elsewhere(p, f, now_ms);
	}
}

uint32_t gw_proxy_tick(struct gw_proxy *p, int64_t now_ms)
{
	while (p->first_due && p->first_due->due_ms <= now_ms) {
		p->stats.timeouts++;
		elsewhere(p, p->first_due, now_ms);
	}
	if (p->first_due && p->first_due->due_ms - now_ms < 1000)
		return (uint32_t)(p->first_due->due_ms - now_ms);
	return 1000;
}

void gw_proxy_stats(const struct gw_proxy *p, struct gw_proxy_stats *out)
{
	*out = p->stats;
}

void gw_proxy_free(struct gw_proxy *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->cap; i++)
		free(p->flight[i].msg);
	for (size_t b = 0; b < BUCKETS; b++) {
		while (p->conns[b]) {
			struct conn *c = p->conns[b];

			p->conns[b] = c->next;
			free_conn(c);
		}
		while (p->scss[b]) {
			struct scs *s = p->scss[b];

			p->scss[b] = s->next;
			free(s);
		}
	}
	dia_writer_free(&p->w);
	dia_guard_free(p->answers);
	dia_guard_free(p->requests);
	free(p->flight);
	free(p);
}
