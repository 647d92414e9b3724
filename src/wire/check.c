/* check.c - what is wrong with a message, and the Failed-AVP that says so.
 *
 * One walk over the message.  Each fault has a rank; the first fault of the
 * best rank is kept, so that the order in wire.h holds without walking again. */
#include "wire.h"
#include <string.h>
#include "bytes.h"

#define DEPTH_MAX 8  /* no command nests deeper than 4 */

enum rank { RANK_FRAMING, RANK_UNKNOWN, RANK_MISSING, RANK_TOO_MANY, RANK_VALUE, RANK_NONE };

struct walk {
	struct dia_fault *fault;
	enum rank rank;                         /* of what is in `fault` */
	const struct dia_avp *path[DEPTH_MAX];  /* groups around the present AVP, outermost first */
	unsigned depth;
};

static const uint8_t zeros[8];

/* RFC 6733 7.2: the grammar of an answer with the E bit. */
static const struct dia_rule error_rules[] = {
	{ DIA_Session_Id, 0, 1, true },
	{ DIA_Origin_Host, 1, 1, false },
	{ DIA_Origin_Realm, 1, 1, false },
	{ DIA_Result_Code, 1, 1, false },
	{ DIA_Origin_State_Id, 0, 1, false },
	{ DIA_Error_Message, 0, 1, false },
	{ DIA_Error_Reporting_Host, 0, 1, false },
	{ DIA_Failed_AVP, 0, 1, false },
	{ DIA_Experimental_Result, 0, 1, false },
	{ DIA_Proxy_Info, 0, -1, false },
};

_Static_assert(sizeof(error_rules) / sizeof(error_rules[0]) <= DIA_RULES_MAX, "check_list counts in an array of that size");

/* Data of the smallest AVP of that type. */
static size_t length_min(const struct dia_avpdef *def)
{
	switch (def->type) {
	case DIA_TIME: case DIA_INTEGER32: case DIA_UNSIGNED32: case DIA_ENUMERATED:
		return 4;
	case DIA_UNSIGNED64:
		return 8;
	case DIA_ADDRESS:
		return 6; /* family and an IPv4 address */
	case DIA_OCTETSTRING: case DIA_UTF8STRING: case DIA_IDENTITY: case DIA_URI: case DIA_GROUPED:
		break;
	}
	return 0;
}

static bool length_fits(const struct dia_avp *avp)
{
	unsigned family;

	switch (avp->def->type) {
	case DIA_TIME: case DIA_INTEGER32: case DIA_UNSIGNED32: case DIA_ENUMERATED: case DIA_UNSIGNED64:
		return avp->len == length_min(avp->def);
	case DIA_ADDRESS:
		if (avp->len < 3)
			return false;
		family = (unsigned)avp->data[0] << 8 | avp->data[1];
		return family == 1 ? avp->len == 6 : family == 2 ? avp->len == 18 : true;
	case DIA_OCTETSTRING: case DIA_UTF8STRING: case DIA_IDENTITY: case DIA_URI: case DIA_GROUPED:
		break;
	}
	return true;
}

static size_t head_len(const struct dia_avp *avp)
{
	return avp->flags & DIA_AVP_V ? 12 : 8;
}

static uint8_t *put_head(uint8_t *p, const struct dia_avp *avp, size_t data_len)
{
	dia_set32(p, avp->code);
	p[4] = avp->flags;
	dia_set24(p + 5, head_len(avp) + data_len);
	if (avp->flags & DIA_AVP_V)
		dia_set32(p + 8, avp->vendor);
	return p + head_len(avp);
}

/* How much of the data is sent back when there is room for `room` octets with
 * padding: of a group whole members only, or the receiver could not read it. */
static size_t cut(const struct dia_avp *avp, size_t room)
{
	const uint8_t *p = avp->data;
	size_t n = avp->len, fits = 0;
	struct dia_avp member;

	room &= ~(size_t)3;
	if (avp->len <= room)
		return avp->len;
	if (avp->def == NULL || avp->def->type != DIA_GROUPED)
		return room;
	while (dia_avp_next(&p, &n, &member) > 0 && (size_t)(p - avp->data) <= room)
		fits = p - avp->data;
	return fits;
}

/* Failed-AVP: the groups around the AVP, each with nothing but the way to it
 * (RFC 6733 7.5), then the AVP. */
static void build_failed(struct walk *w, const struct dia_avp *avp)
{
	struct dia_fault *f = w->fault;
	size_t after = 0, room = sizeof(f->failed), data_len;
	uint8_t *p = f->failed;

	for (unsigned i = 0; i < w->depth; i++)
		room -= head_len(w->path[i]);
	data_len = cut(avp, room - head_len(avp));
	after = head_len(avp) + dia_padded(data_len);
	for (unsigned i = w->depth; i-- > 0; )
		after += head_len(w->path[i]);
	f->failed_len = after;
	for (unsigned i = 0; i < w->depth; i++) {
		after -= head_len(w->path[i]);
		p = put_head(p, w->path[i], after);
	}
	p = put_head(p, avp, data_len);
	if (data_len)
		memcpy(p, avp->data, data_len);
	memset(p + data_len, 0, dia_padded(data_len) - data_len);
}

static void tell(struct walk *w, enum rank rank, uint32_t result_code, const char *what, const struct dia_avp *avp)
{
	if (rank >= w->rank)
		return;
	w->rank = rank;
	w->fault->result_code = result_code;
	w->fault->what = what;
	w->fault->def = avp->def;
	build_failed(w, avp);
}

/* RFC 6733 7.1.5, 5014: as much of the header as is there, zeroes for the rest
 * of it and for the least payload of its type.  The length is made right: the
 * answer has to be readable. */
static void tell_broken(struct walk *w, const uint8_t *p, size_t n)
{
	struct dia_avp avp = { .data = zeros };
	uint8_t head[12] = { 0 };

	memcpy(head, p, n < sizeof(head) ? n : sizeof(head));
	avp.code = dia_be32(head);
	avp.flags = head[4];
	if (avp.flags & DIA_AVP_V)
		avp.vendor = dia_be32(head + 8);
	if (n >= head_len(&avp)) {
		avp.def = dia_avp_find(avp.code, avp.vendor);
		avp.len = avp.def ? length_min(avp.def) : 0;
	}
	tell(w, RANK_FRAMING, 5014, "AVP length below its header or beyond what is around it", &avp);
}

/* 5005: an example of what is missing, of the least length, all zeroes. */
static void tell_missing(struct walk *w, const struct dia_avpdef *def)
{
	const struct dia_avp avp = {
		.code = def->code, .vendor = def->vendor, .def = def, .data = zeros, .len = length_min(def),
		.flags = (def->vendor ? DIA_AVP_V : 0) | (def->m == DIA_M_MUST ? DIA_AVP_M : 0),
	};

	tell(w, RANK_MISSING, 5005, "required AVP missing", &avp);
}

static void check_list(struct walk *w, const uint8_t *p, size_t n, const struct dia_rule *rules, size_t nrules, bool lenient);

static void check_group(struct walk *w, const struct dia_avp *avp, bool lenient)
{
	const struct dia_avpdef *def = avp->def;

	if (def == &dia_avps[DIA_Failed_AVP])
		return; /* holds what somebody else found wrong */
	if (w->depth == DEPTH_MAX) {
		tell(w, RANK_VALUE, 5004, "groups nested too deeply", avp);
		return;
	}
	w->path[w->depth++] = avp;
	check_list(w, avp->data, avp->len, def->rules, def->nrules, lenient || !(avp->flags & DIA_AVP_M));
	w->depth--;
}

/* lenient: one of the groups around it has no M bit. */
static void check_avp(struct walk *w, const struct dia_avp *avp, bool lenient)
{
	const struct dia_avpdef *def = avp->def;
	uint32_t value;

	if (def == NULL) {
		if ((avp->flags & DIA_AVP_M) && !lenient)
			tell(w, RANK_UNKNOWN, 5001, "unknown AVP with the M bit", avp);
		return;
	}
	if (!length_fits(avp)) {
		tell(w, RANK_FRAMING, 5014, "AVP length wrong for its type", avp);
		return;
	}
	if (def->type == DIA_GROUPED)
		check_group(w, avp, lenient);
	else if (def->type == DIA_ENUMERATED && def->nenums && (def->m == DIA_M_MUST || (avp->flags & DIA_AVP_M)) &&
	         dia_avp_u32(avp, &value) && dia_enum_name(def, value) == NULL)
		tell(w, RANK_VALUE, 5004, "value not in the list of its AVP", avp);
}

static void check_list(struct walk *w, const uint8_t *p, size_t n, const struct dia_rule *rules, size_t nrules, bool lenient)
{
	uint32_t seen[DIA_RULES_MAX] = { 0 };
	struct dia_avp avp;
	int more;

	while ((more = dia_avp_next(&p, &n, &avp)) > 0) {
		check_avp(w, &avp, lenient);
		if (avp.def == NULL)
			continue;
		for (size_t i = 0; i < nrules; i++) {
			if (&dia_avps[rules[i].avp] != avp.def)
				continue;
			if (rules[i].max == 0)
				tell(w, RANK_TOO_MANY, 5008, "AVP not allowed here", &avp);
			else if (++seen[i] == (uint32_t)rules[i].max + 1 && rules[i].max > 0)
				tell(w, RANK_TOO_MANY, 5009, "AVP more often than allowed", &avp);
			break;
		}
	}
	if (more < 0) {
		tell_broken(w, p, n);
		return;
	}
	for (size_t i = 0; i < nrules; i++)
		if (seen[i] < (uint32_t)rules[i].min)
			tell_missing(w, &dia_avps[rules[i].avp]);
}

static bool header_fault(struct dia_fault *fault, uint32_t result_code, const char *what)
{
	fault->result_code = result_code;
	fault->what = what;
	return false;
}

static bool app_known(uint32_t app)
{
	for (size_t i = 0; i < dia_napps; i++)
		if (dia_apps[i].id == app)
			return true;
	return false;
}

bool dia_check(const uint8_t *msg, size_t n, struct dia_fault *fault)
{
	struct walk w = { .fault = fault, .rank = RANK_NONE };
	const struct dia_cmddef *cmd;
	struct dia_hdr h;
	bool request;

	fault->result_code = 2001;
	fault->what = "";
	fault->failed_len = 0;
	fault->def = NULL;
	if (!dia_hdr_read(msg, n, &h) || h.length != n || n % 4)
		return header_fault(fault, 5015, "message length wrong");
	if (h.version != 1)
		return header_fault(fault, 5011, "version is not 1");
	request = h.flags & DIA_F_REQUEST;
	msg += DIA_HDR_LEN;
	n -= DIA_HDR_LEN;
	if (!request && (h.flags & DIA_F_ERROR)) {
		check_list(&w, msg, n, error_rules, sizeof(error_rules) / sizeof(error_rules[0]), false);
		return w.rank == RANK_NONE;
	}
	cmd = dia_cmd_find(h.code, h.app, request);
	if (cmd == NULL)
		return app_known(h.app) ? header_fault(fault, 3001, "command unknown in this application")
		                        : header_fault(fault, 3007, "application unknown");
	if (request && (h.flags & DIA_F_ERROR))
		return header_fault(fault, 3008, "request with the E bit");
	if (request && !(h.flags & DIA_F_PROXIABLE) == cmd->proxiable)
		return header_fault(fault, 3008, "P bit is not that of the command");
	check_list(&w, msg, n, cmd->rules, cmd->nrules, false);
	return w.rank == RANK_NONE;
}
