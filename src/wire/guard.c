/* guard.c - see guard.h */
#include "guard.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TSP_APP 16777309u
#define DEPTH_MAX 8

/* All names are looked for at once, by an automaton (Aho and Corasick): next[state * nclasses + class of the octet]. */
struct dia_guard {
	bool (*is_private)(uint64_t digits, unsigned n, bool text);
	bool identifiers_are_echoes;
	bool allowed[DIA_AVP_COUNT];
	uint8_t class_of[256];           /* 0: in no name */
	unsigned nclasses, nstates;
	uint16_t *next;
	bool *ends;                      /* a name ends in that state */
};

/* ---- making one --------------------------------------------------------- */

static void allow(struct dia_guard *g, const struct dia_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct dia_avpdef *def = &dia_avps[rules[i].avp];

		if (g->allowed[rules[i].avp])
			continue;
		g->allowed[rules[i].avp] = true;
		allow(g, def->rules, def->nrules);
	}
}

static void allow_all(struct dia_guard *g)
{
	static const enum dia_id error_answer[] = {
		DIA_Error_Message, DIA_Error_Reporting_Host, DIA_Failed_AVP, DIA_Experimental_Result,
	};
	static const enum dia_id never[] = {
		DIA_User_Name, DIA_User_Identifier, DIA_Serving_Node, DIA_Additional_Serving_Node, DIA_Service_Data,
	};

	for (size_t i = 0; i < dia_ncmds; i++)
		if (dia_cmds[i].app == 0 || dia_cmds[i].app == TSP_APP)
			allow(g, dia_cmds[i].rules, dia_cmds[i].nrules);
	for (size_t i = 0; i < sizeof(error_answer) / sizeof(*error_answer); i++) {
		g->allowed[error_answer[i]] = true;
		allow(g, dia_avps[error_answer[i]].rules, dia_avps[error_answer[i]].nrules);
	}
	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		g->allowed[never[i]] = false;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static bool contains(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (; *text; text++)
		if (!strncasecmp(text, name, len))
			return true;
	return false;
}

static bool is_kept(const struct dia_guard_rules *r, const char *name)
{
	if (!strchr(name, '.'))
		return false;
	for (size_t i = 0; i < r->nown; i++)
		if (contains(r->own[i], name))
			return false;
	return true;
}

static void classify(struct dia_guard *g, const char *name)
{
	for (const uint8_t *p = (const uint8_t *)name; *p; p++)
		if (!g->class_of[lower(*p)])
			g->class_of[lower(*p)] = (uint8_t)g->nclasses++;
}

static void add_name(struct dia_guard *g, const char *name)
{
	unsigned state = 0;

	for (const uint8_t *p = (const uint8_t *)name; *p; p++) {
		uint16_t *to = &g->next[state * g->nclasses + g->class_of[lower(*p)]];

		if (!*to)
			*to = (uint16_t)g->nstates++;
		state = *to;
	}
	g->ends[state] = true;
}

/* Where a name goes wrong, on with the longest end of what was read that begins another. */
static void link_states(struct dia_guard *g, uint16_t *fail, uint16_t *queue)
{
	size_t head = 0, tail = 0;

	for (unsigned c = 0; c < g->nclasses; c++)
		if (g->next[c])
			queue[tail++] = g->next[c];
	while (head < tail) {
		uint16_t state = queue[head++];

		g->ends[state] = g->ends[state] || g->ends[fail[state]];
		for (unsigned c = 0; c < g->nclasses; c++) {
			uint16_t *to = &g->next[state * g->nclasses + c], other = g->next[fail[state] * g->nclasses + c];

			if (*to) {
				fail[*to] = other;
				queue[tail++] = *to;
			} else {
				*to = other;
			}
		}
	}
}

static bool make_automaton(struct dia_guard *g, const struct dia_guard_rules *r)
{
	size_t room = 1;

	g->nclasses = 1;
	g->nstates = 1;
	for (size_t i = 0; i < r->nnames; i++)
		if (is_kept(r, r->names[i])) {
			classify(g, r->names[i]);
			room += strlen(r->names[i]);
		}
	if (room > UINT16_MAX)
		return false;
	for (int c = 'a'; c <= 'z'; c++)
		g->class_of[c - 'a' + 'A'] = g->class_of[c];
	g->next = calloc(room * g->nclasses, sizeof(*g->next));
	g->ends = calloc(room, sizeof(*g->ends));
	uint16_t *scratch = calloc(2 * room, sizeof(*scratch));
	bool ok = g->next && g->ends && scratch;
	if (ok) {
		for (size_t i = 0; i < r->nnames; i++)
			if (is_kept(r, r->names[i]))
				add_name(g, r->names[i]);
		link_states(g, scratch, scratch + room);
	}
	free(scratch);
	return ok;
}

struct dia_guard *dia_guard_new(const struct dia_guard_rules *r)
{
	struct dia_guard *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->is_private = r->is_private;
	g->identifiers_are_echoes = r->identifiers_are_echoes;
	allow_all(g);
	if (make_automaton(g, r))
		return g;
	dia_guard_free(g);
	return NULL;
}

void dia_guard_free(struct dia_guard *g)
{
	if (!g)
		return;
	free(g->next);
	free(g->ends);
	free(g);
}

/* ---- one value ---------------------------------------------------------- */

#define SHORT 14u
#define LONG  15u
#define DIGITS(n) (((uint64_t)1 << 4 * (n)) - 1)

/* The decimal digits that came one after the other, the last LONG of them. */
struct run { uint64_t digits; unsigned n; };

static void tell(uint64_t digits, unsigned n, char number[static 16])
{
	number[n] = '\0';
	while (n--) {
		number[n] = (char)('0' + (digits & 15));
		digits >>= 4;
	}
}

static inline bool add_digit(const struct dia_guard *g, struct run *r, unsigned digit, bool text, char number[static 16])
{
	if (digit > 9) {
		r->n = 0;
		return false;
	}
	r->digits = (r->digits << 4 | digit) & DIGITS(LONG);
	if (++r->n < SHORT)
		return false;
	if (r->n >= LONG && g->is_private(r->digits, LONG, text)) {
		tell(r->digits, LONG, number);
		return true;
	}
	if (g->is_private(r->digits & DIGITS(SHORT), SHORT, text)) {
		tell(r->digits & DIGITS(SHORT), SHORT, number);
		return true;
	}
	return false;
}

enum dia_leak dia_guard_value(const struct dia_guard *g, const uint8_t *p, size_t n, char number[static 16])
{
	struct run text = {0}, low_first = {0}, high_first = {0};
	unsigned state = 0;

	for (size_t i = 0; i < n; i++) {
		const unsigned low = p[i] & 15, high = p[i] >> 4;

		state = g->next[state * g->nclasses + g->class_of[p[i]]];
		if (g->ends[state])
			return DIA_LEAK_NAME;
		if (g->is_private &&
		    (add_digit(g, &text, high == 3 ? low : 15, true, number) ||
		     add_digit(g, &low_first, low, false, number) || add_digit(g, &low_first, high, false, number) ||
		     add_digit(g, &high_first, high, false, number) || add_digit(g, &high_first, low, false, number)))
			return DIA_LEAK_NUMBER;
	}
	return DIA_LEAK_NONE;
}

/* ---- a message ---------------------------------------------------------- */

/* Subscription-Id, its data and its type (RFC 8506 8.46 to 8.48), which no interface of ours has. */
static bool is_subscription_id(uint32_t code, uint32_t vendor)
{
	return vendor == 0 && (code == 443 || code == 444 || code == 450);
}

bool dia_guard_allows(const struct dia_guard *g, uint32_t app, uint32_t code, uint32_t vendor, const struct dia_avpdef *def)
{
	if (def)
		return g->allowed[def - dia_avps];
	return app == 0 && !is_subscription_id(code, vendor);
}

/* Its first octets are those of an AVP of that kind in the list. */
static bool is_echo(const uint8_t *p, size_t n, const struct dia_avp *a, unsigned depth)
{
	struct dia_avp r;

	while (dia_avp_next(&p, &n, &r) > 0) {
		if (r.code == a->code && r.vendor == a->vendor && a->len <= r.len && !memcmp(r.data, a->data, a->len))
			return true;
		if (r.def && r.def->type == DIA_GROUPED && depth < DEPTH_MAX && is_echo(r.data, r.len, a, depth + 1))
			return true;
	}
	return false;
}

/* As in a Failed-AVP that names what was missing. */
static bool is_blank(const struct dia_avp *a)
{
	for (size_t i = 0; i < a->len; i++)
		if (a->data[i])
			return false;
	return true;
}

struct check {
	const struct dia_guard *g;
	uint32_t app;
	bool is_request;
	const uint8_t *request; size_t request_n;    /* AVPs of what it answers */
	struct dia_leak_at *at;
};

static bool check_list(const struct check *c, const uint8_t *p, size_t n, const struct dia_avp *in, unsigned depth);

static bool leaks(const struct check *c, enum dia_leak what, const struct dia_avp *a)
{
	if (is_echo(c->request, c->request_n, a, 0))
		return false;
	c->at->what = what;
	c->at->code = a->code;
	c->at->vendor = a->vendor;
	c->at->def = a->def;
	return true;
}

static bool check_octets(const struct check *c, const struct dia_avp *a)
{
	enum dia_leak what = dia_guard_value(c->g, a->data, a->len, c->at->number);
	return what && leaks(c, what, a);
}

/* Everything in it is the other side's, or nothing. */
static bool is_repetition(const struct check *c, const struct dia_avp *a, unsigned depth)
{
	const uint8_t *p = a->data;
	size_t n = a->len;
	struct dia_avp in;
	int more;

	if (is_blank(a) || is_echo(c->request, c->request_n, a, 0))
		return true;
	if (!a->def || a->def->type != DIA_GROUPED || depth > DEPTH_MAX)
		return false;
	while ((more = dia_avp_next(&p, &n, &in)) > 0)
		if (!is_repetition(c, &in, depth + 1))
			return false;
	return more == 0;
}

static bool is_identifier(const struct dia_avpdef *def)
{
	return def == &dia_avps[DIA_External_Identifier] || def == &dia_avps[DIA_MSISDN] || def == &dia_avps[DIA_SCS_Identity];
}

/* True: a leak.  Who gets a request may see in it what he calls himself. */
static bool check_avp(const struct check *c, const struct dia_avp *a, unsigned depth)
{
	if ((!dia_guard_allows(c->g, c->app, a->code, a->vendor, a->def) || (c->g->identifiers_are_echoes && is_identifier(a->def))) &&
	    !is_repetition(c, a, 0))
		return leaks(c, DIA_LEAK_AVP, a);
	if (depth == 0 && c->is_request && (a->def == &dia_avps[DIA_Destination_Host] || a->def == &dia_avps[DIA_Destination_Realm]))
		return false;
	if (a->def && a->def->type == DIA_GROUPED && depth < DEPTH_MAX)
		return check_list(c, a->data, a->len, a, depth + 1);
	return check_octets(c, a);
}

static bool check_list(const struct check *c, const uint8_t *p, size_t n, const struct dia_avp *in, unsigned depth)
{
	struct dia_avp a;
	int more;

	while ((more = dia_avp_next(&p, &n, &a)) > 0)
		if (check_avp(c, &a, depth))
			return true;
	if (more == 0)
		return false;
	struct dia_avp rest = { .data = p, .len = n };
	if (in) {
		rest.code = in->code;
		rest.vendor = in->vendor;
		rest.def = in->def;
	}
	return check_octets(c, &rest);
}

enum dia_leak dia_guard_check(const struct dia_guard *g, const uint8_t *msg, size_t n, const uint8_t *request, size_t request_n,
                              struct dia_leak_at *at)
{
	struct check c = { .g = g, .at = at };
	struct dia_hdr h;

	*at = (struct dia_leak_at){0};
	if (!dia_hdr_read(msg, n, &h))
		return DIA_LEAK_NONE;
	c.app = h.app;
	c.is_request = h.flags & DIA_F_REQUEST;
	if (request && request_n > DIA_HDR_LEN) {
		c.request = request + DIA_HDR_LEN;
		c.request_n = request_n - DIA_HDR_LEN;
	}
	check_list(&c, msg + DIA_HDR_LEN, n - DIA_HDR_LEN, NULL, 0);
	return at->what;
}

bool dia_guard_passes(const struct dia_guard *g, uint32_t app, const struct dia_avp *a, const uint8_t *request, size_t request_n)
{
	struct dia_leak_at at;
	struct check c = { .g = g, .app = app, .at = &at };

	if (request && request_n > DIA_HDR_LEN) {
		c.request = request + DIA_HDR_LEN;
		c.request_n = request_n - DIA_HDR_LEN;
	}
	return !check_avp(&c, a, 0);
}
