/* tsp_route.c - SCSs behind agents: what the agent says of them, and the way back. */
#include <ctype.h>
#include <stdatomic.h>
#include "ident.h"
#include "tsp.h"

static struct fd_rt_out_hdl *out_hdl;

/* ---- agents ------------------------------------------------------------- */

/* Its place in tsp.trusted_agents; -1: none. */
static int agent_index(struct iwf_view host)
{
	const struct iwf_service_conf *c = &iwf_node_conf(tsp_app.node)->service;

	for (size_t i = 0; i < c->nagents; i++)
		if (iwf_diamid_eq(host, c->agents[i]))
			return (int)i;
	return -1;
}

bool tsp_is_agent(struct iwf_view host)
{
	return agent_index(host) >= 0;
}

static bool is_word(const char *p, size_t n, const char *allowed)
{
	return n && strspn(p, allowed) >= n;
}

/* "1 ADDRESS SHA-256", or "-" where there is no certificate. */
static void take_state(const char *state, struct iwf_peer_info *peer)
{
	size_t address = strcspn(state + 2, " ");
	const char *cert = state + 2 + address + 1;

	if (strncmp(state, "1 ", 2) || state[2 + address] != ' ' || address >= sizeof(peer->address) ||
	    !is_word(state + 2, address, "0123456789abcdefABCDEF.:[]") ||
	    (strcmp(cert, "-") && (strlen(cert) != 64 || !is_word(cert, 64, "0123456789abcdef"))))
		return;
	snprintf(peer->address, sizeof(peer->address), "%.*s", (int)address, state + 2);
	snprintf(peer->cert_sha256, sizeof(peer->cert_sha256), "%s", cert[0] == '-' ? "" : cert);
}

void tsp_read_proxy_info(struct msg *msg, struct iwf_view agent, struct iwf_peer_info *peer)
{
	char state[160];
	struct avp_hdr *hdr;

	for (struct avp *a = fdx_first(msg); a; a = fdx_next(a)) {
		bool from_agent = false;

		if (fdx_id(a, &hdr) != DIA_Proxy_Info)
			continue;
		state[0] = '\0';
		for (struct avp *b = fdx_first(a); b; b = fdx_next(b)) {
			int id = fdx_id(b, &hdr);

			if (id == DIA_Proxy_Host)
				from_agent = fdx_view(hdr).n == agent.n && !strncasecmp((const char *)fdx_view(hdr).p, (const char *)agent.p, agent.n);
			else if (id == DIA_Proxy_State)
				fdx_text(hdr, state, sizeof(state));
		}
		if (from_agent)
			take_state(state, peer);
	}
}

/* ---- the way back ------------------------------------------------------- */

/* What is remembered of an SCS: a hash of its name, the agent it came through, and
 * whether a report has failed since.  One that is forgotten, because another has
 * its place, is asked for through any agent. */
#define PLACES 8192u
static _Atomic uint64_t seen[PLACES];
#define FAILED 0x80u
#define AGENT  0x7fu

static uint64_t hash_of(struct iwf_view host)
{
	uint64_t h = 1469598103934665603u;   /* FNV-1a; the names are those of our own table */

	for (size_t i = 0; i < host.n; i++)
		h = (h ^ (uint8_t)tolower(host.p[i])) * 1099511628211u;
	return h << 8;
}

static struct iwf_view view(const char *s)
{
	return (struct iwf_view){ (const uint8_t *)s, strlen(s) };
}

void tsp_route_seen(struct iwf_view scs, struct iwf_view agent)
{
	uint64_t h = hash_of(scs), now = h | (uint64_t)agent_index(agent), before;
	_Atomic uint64_t *at = &seen[(h >> 8) % PLACES];
	char host[IWF_DIAMID_MAX + 1];

	if (atomic_load_explicit(at, memory_order_relaxed) == now)
		return;
	before = atomic_exchange(at, now);
	if ((before & ~(uint64_t)0xff) == h && before & FAILED && scs.n <= IWF_DIAMID_MAX) {
		snprintf(host, sizeof(host), "%.*s", (int)scs.n, (const char *)scs.p);
		iwf_node_post_peer_up(tsp_app.node, host);
	}
}

void tsp_route_failed(const char *scs)
{
	uint64_t h = hash_of(view(scs)), before;
	_Atomic uint64_t *at = &seen[(h >> 8) % PLACES];

	before = atomic_load(at);
	if ((before & ~(uint64_t)0xff) == h)
		atomic_compare_exchange_strong(at, &before, before | FAILED);
	else
		atomic_store(at, h | FAILED | AGENT);
}

static int last_agent(struct iwf_view scs)
{
	uint64_t h = hash_of(scs), e = atomic_load(&seen[(h >> 8) % PLACES]);

	return (e & ~(uint64_t)0xff) == h && (e & AGENT) != AGENT ? (int)(e & AGENT) : -1;
}

static bool is_ours(struct msg *msg, struct iwf_view *to)
{
	struct msg_hdr *hdr;
	struct avp_hdr *avp;
	DiamId_t from = NULL;
	size_t n;

	if (fd_msg_hdr(msg, &hdr) || !(hdr->msg_flags & CMD_FLAG_REQUEST) || hdr->msg_appl != TSP_APP ||
	    fd_msg_source_get(msg, &from, &n) || from)
		return false;
	for (struct avp *a = fdx_first(msg); a; a = fdx_next(a))
		if (fdx_id(a, &avp) == DIA_Destination_Host) {
			*to = fdx_view(avp);
			return true;
		}
	return false;
}

/* freeDiameter would send to anyone who has the application. */
static int choose(void *data, struct msg **msg, struct fd_list *candidates)
{
	struct iwf_view to;

	if (!is_ours(*msg, &to))
		return 0;
	int last = last_agent(to);
	for (struct fd_list *li = candidates->next; li != candidates; li = li->next) {
		struct rtd_candidate *c = (struct rtd_candidate *)li;
		struct iwf_view name = { (const uint8_t *)c->diamid, c->diamidlen };
		int agent = agent_index(name);

		if (agent >= 0)
			c->score += agent == last ? FD_SCORE_REDIR_HOST : FD_SCORE_REALM;
		else if (name.n != to.n || strncasecmp(c->diamid, (const char *)to.p, to.n))
			c->score = -2 * FD_SCORE_FINALDEST;
	}
	return 0;
}

int tsp_route_start(void)
{
	return fd_rt_out_register(choose, NULL, 5, &out_hdl);
}

void tsp_route_stop(void)
{
	if (out_hdl)
		fd_rt_out_unregister(out_hdl, NULL);
	out_hdl = NULL;
}
