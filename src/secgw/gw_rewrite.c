#include "config.h"
#include <string.h>
#include <strings.h>
#include "gw_rewrite.h"

#define F(id) (&dia_avps[DIA_##id])

static void put_avp(struct dia_writer *w, const struct dia_avp *a)
{
	dia_put_raw(w, a->code, a->flags, a->vendor, a->data, a->len);
}

static bool equal(const struct dia_avp *a, const char *text)
{
	return a->len == strlen(text) && !strncasecmp((const char *)a->data, text, a->len);
}

/* Does a name of the inside stand anywhere in it? */
static bool names_inside(const struct gw_names *c, const struct dia_avp *a)
{
	for (size_t i = 0; i < c->ninside; i++) {
		const char *name = c->inside[i];
		size_t len = strlen(name);

		for (size_t at = 0; len && at + len <= a->len; at++)
			if (!strncasecmp((const char *)a->data + at, name, len))
				return true;
	}
	return false;
}

/* Is it one that the command's grammar has?  Where nobody may look in from outside, nothing else passes. */
static bool in_grammar(const struct dia_cmddef *cmd, const struct dia_avp *a)
{
	for (uint16_t i = 0; i < cmd->nrules; i++)
		if (&dia_avps[cmd->rules[i].avp] == a->def)
			return true;
	return a->def == F(Error_Message) || a->def == F(Failed_AVP) || a->def == F(Experimental_Result);
}

/* Replaced, or of no concern to who gets the message. */
static bool is_hop_by_hop(const struct dia_avp *a)
{
	return a->def == F(Session_Id) || a->def == F(Origin_Host) || a->def == F(Origin_Realm) || a->def == F(Route_Record) ||
	       a->def == F(Proxy_Info) || a->def == F(Error_Reporting_Host) || a->def == F(Origin_State_Id) ||
	       a->def == F(Redirect_Host);
}

/* Of a group that does not pass, what does; but half a Failed-AVP says nothing. */
static void put_guarded(const struct dia_guard *g, const struct dia_avp *a, const uint8_t *request, size_t request_n,
                        struct dia_writer *w)
{
	const uint8_t *at = a->data;
	size_t left = a->len;
	struct dia_avp in;

	if (!g || dia_guard_passes(g, TSP_APP_ID, a, request, request_n)) {
		put_avp(w, a);
	} else if (a->def && a->def->type == DIA_GROUPED && a->def != F(Failed_AVP) && w->depth < 4) {
		dia_open(w, (enum dia_id)(a->def - dia_avps));
		while (dia_avp_next(&at, &left, &in) == 1)
			put_guarded(g, &in, request, request_n, w);
		dia_close(w);
	}
}

static bool put_visible(const struct gw_names *c, const struct dia_cmddef *cmd, const uint8_t *daa, size_t n, const uint8_t *dar,
                        size_t dar_n, struct dia_writer *w)
{
	const uint8_t *at = daa + DIA_HDR_LEN;
	size_t left = n - DIA_HDR_LEN;
	struct dia_avp a;
	int r;

	while ((r = dia_avp_next(&at, &left, &a)) == 1)
		if (a.def && !is_hop_by_hop(&a) && in_grammar(cmd, &a) && !names_inside(c, &a))
			put_guarded(c->answers, &a, dar, dar_n, w);
	return r == 0;
}

static void put_origin(const struct gw_names *c, struct dia_writer *w)
{
	dia_put_text(w, DIA_Origin_Host, c->identity);
	dia_put_text(w, DIA_Origin_Realm, c->realm);
}

/* Only we say from where a request came. */
static bool speaks_for_us(const struct gw_names *c, const struct dia_avp *proxy_info)
{
	const uint8_t *at = proxy_info->data;
	size_t left = proxy_info->len;
	struct dia_avp a;

	while (dia_avp_next(&at, &left, &a) == 1)
		if (a.def == F(Proxy_Host) && equal(&a, c->identity))
			return true;
	return false;
}

bool gw_rewrite_dar(const struct gw_names *c, const uint8_t *dar, size_t n, uint32_t hbh, bool again, const char *scs_host,
                    const char *proxy_state, const char *node_realm, struct dia_writer *w)
{
	const uint8_t *at = dar + DIA_HDR_LEN;
	size_t left = n - DIA_HDR_LEN;
	struct dia_hdr h;
	struct dia_avp a;
	int r;

	if (!dia_hdr_read(dar, n, &h))
		return false;
	dia_begin(w, (h.flags & (DIA_F_REQUEST | DIA_F_PROXIABLE | DIA_F_RETRANSMIT)) | (again ? DIA_F_RETRANSMIT : 0), h.code, h.app,
	          hbh, h.e2e);
	while ((r = dia_avp_next(&at, &left, &a)) == 1) {
		if (a.def == F(Destination_Host))
			continue;              /* it named us */
		if (a.def == F(Proxy_Info) && speaks_for_us(c, &a))
			continue;
		if (a.def == F(Destination_Realm))
			dia_put_text(w, DIA_Destination_Realm, node_realm);
		else
			put_avp(w, &a);
	}
	dia_put_text(w, DIA_Route_Record, scs_host);
	dia_open(w, DIA_Proxy_Info);
	dia_put_text(w, DIA_Proxy_Host, c->identity);
	dia_put_text(w, DIA_Proxy_State, proxy_state);
	dia_close(w);
	return dia_end(w) && r == 0;
}

bool gw_rewrite_daa(const struct gw_names *c, const uint8_t *daa, size_t n, const uint8_t *dar, size_t dar_n, struct dia_writer *w)
{
	const struct dia_cmddef *cmd = dia_cmd_find(TSP_CMD_DAR, TSP_APP_ID, false);
	struct dia_hdr h;

	if (!dia_hdr_read(daa, n, &h))
		return false;
	dia_begin_answer(w, dar, dar_n, h.flags & DIA_F_ERROR);
	put_origin(c, w);
	return put_visible(c, cmd, daa, n, dar, dar_n, w) && dia_end(w);
}

bool gw_rewrite_dnr(const struct gw_names *c, const uint8_t *dnr, size_t n, uint32_t hbh, const char *session, const char *scs_host,
                    const char *scs_realm, struct dia_writer *w)
{
	const struct dia_cmddef *cmd = dia_cmd_find(TSP_CMD_DNR, TSP_APP_ID, true);
	const uint8_t *at = dnr + DIA_HDR_LEN;
	size_t left = n - DIA_HDR_LEN;
	struct dia_hdr h;
	struct dia_avp a;
	int r;

	if (!dia_hdr_read(dnr, n, &h))
		return false;
	dia_begin(w, h.flags & (DIA_F_REQUEST | DIA_F_PROXIABLE | DIA_F_RETRANSMIT), h.code, h.app, hbh, h.e2e);
	dia_put_text(w, DIA_Session_Id, session);
	put_origin(c, w);
	dia_put_text(w, DIA_Destination_Host, scs_host);
	dia_put_text(w, DIA_Destination_Realm, scs_realm);
	while ((r = dia_avp_next(&at, &left, &a)) == 1)
		if (a.def && !is_hop_by_hop(&a) && a.def != F(Destination_Host) && a.def != F(Destination_Realm) && in_grammar(cmd, &a) &&
		    !names_inside(c, &a))
			put_guarded(c->requests, &a, NULL, 0, w);
	return r == 0 && dia_end(w);
}

bool gw_rewrite_dna(const struct gw_names *c, const uint8_t *dna, size_t n, const uint8_t *dnr, size_t dnr_n, const char *scs_host,
                    struct dia_writer *w)
{
	const uint8_t *at = dna + DIA_HDR_LEN;
	size_t left = n - DIA_HDR_LEN;
	bool from_scs = false, from_other = false;
	struct dia_hdr h;
	struct dia_avp a;
	int r;

	if (!dia_hdr_read(dna, n, &h))
		return false;
	dia_begin_answer(w, dnr, dnr_n, h.flags & DIA_F_ERROR);
	while ((r = dia_avp_next(&at, &left, &a)) == 1) {
		if (a.def == F(Origin_Host))
			*(equal(&a, scs_host) ? &from_scs : &from_other) = true;
		if (a.def != F(Session_Id) && a.def != F(Proxy_Info) && a.def != F(Route_Record))
			put_avp(w, &a);
	}
	return r == 0 && from_scs && !from_other && dia_end(w);
}

uint32_t gw_result_of(const uint8_t *answer, size_t n)
{
	const uint8_t *at = answer + DIA_HDR_LEN;
	size_t left = n - DIA_HDR_LEN;
	uint32_t result = 0, experimental = 0;
	struct dia_avp a, in;
	int r;

	while ((r = dia_avp_next(&at, &left, &a)) == 1) {
		if (a.def == F(Result_Code))
			dia_avp_u32(&a, &result);
		else if (a.def == F(Experimental_Result) && dia_group_find(&a, DIA_Experimental_Result_Code, &in))
			dia_avp_u32(&in, &experimental);
	}
	return r ? 0 : result ? result : experimental;
}
