/* fuzz_s6m.c - whatever an HSS sends, through freeDiameter's parser and the decoding of an SIA.
 *
 * Holds: of an SIA whose grammar is right, IMSI, number and cause are what our own codec reads in the same octets; what
 * goes on to the SMS-SC unread is a list of serving nodes, with members of AVPs, and nothing else; an IMSI that is none makes
 * the answer nonsense. */
#include <string.h>
#include "fuzz.h"
#include "fd_world.h"

#define fd_ext_init s6m_init
#define fd_ext_fini s6m_fini
#define fd_ext_depends s6m_depends
int s6m_init(int major, int minor, char *conf_file);
void s6m_fini(void);
#include "../../extensions/app_s6m/app_s6m.c"

static void check_nodes(const uint8_t *p, size_t n)
{
	struct dia_avp node, a;
	int more;

	while ((more = dia_avp_next(&p, &n, &node)) > 0) {
		const uint8_t *q = node.data;
		size_t left = node.len;
		int inner;

		HOLDS(node.def == &dia_avps[DIA_Serving_Node] || node.def == &dia_avps[DIA_Additional_Serving_Node]);
		while ((inner = dia_avp_next(&q, &left, &a)) > 0)
			HOLDS(a.def && a.def->type != DIA_GROUPED);
		HOLDS(inner == 0);
	}
	HOLDS(more == 0);
}

static bool is_more_than_once(const uint8_t *p, size_t n, enum dia_id id)
{
	unsigned found = 0;
	struct dia_avp a;

	p += DIA_HDR_LEN;
	n -= DIA_HDR_LEN;
	while (dia_avp_next(&p, &n, &a) > 0)
		found += a.def == &dia_avps[id];
	return found > 1;
}

static void check_sia(struct msg *msg, const uint8_t *p, size_t n)
{
	struct s6m_sia sia = { .kind = S6M_NONSENSE };
	struct dia_avp user, a, service, t4;
	struct imsi imsi;
	uint32_t cause = 0;
	bool good;

	decode_sia(msg, &sia);
	HOLDS(sia.kind == S6M_ANSWERED || sia.kind == S6M_NONSENSE);
	HOLDS(sia.kind == S6M_NONSENSE || sia.result_code || sia.experimental);
	HOLDS(!sia.msisdn[0] || !iwf_e164_check(sia.msisdn));
	check_nodes(sia.nodes, sia.nodes_len);
	/* An SIA may hold more of them; the last one counts. */
	if (is_more_than_once(p, n, DIA_User_Identifier)) {
		HOLDS(sia.kind == S6M_NONSENSE || !sia.has_imsi || strlen(sia.imsi.digits) >= 14);
	} else if (dia_msg_find(p, n, DIA_User_Identifier, &user) && dia_group_find(&user, DIA_User_Name, &a)) {
		good = !iwf_imsi_parse((struct iwf_view){ a.data, a.len }, &imsi);
		HOLDS(good || sia.kind == S6M_NONSENSE);
		HOLDS(sia.kind == S6M_NONSENSE || (sia.has_imsi && !strcmp(imsi.digits, sia.imsi.digits)));
	} else {
		HOLDS(!sia.has_imsi);
	}
	if (dia_msg_find(p, n, DIA_Service_Data, &service) && dia_group_find(&service, DIA_T4_Data, &t4) &&
	    dia_group_find(&t4, DIA_HSS_Cause, &a))
		dia_avp_u32(&a, &cause);
	HOLDS(sia.hss_cause == cause);
	s6m_sia_free(&sia);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dia_hdr h;
	struct msg *msg;

	fd_world_begin();
	HOLDS(find_avps());
	if (!dia_hdr_read(data, size, &h) || h.app != S6M_APP || h.code != 8388641 || (h.flags & (DIA_F_REQUEST | DIA_F_ERROR)))
		return 0;
	msg = fd_world_message(data, size);
	if (!msg)
		return 0;
	if (fd_world_parse(msg))
		check_sia(msg, data, size);
	fd_msg_free(msg);
	return 0;
}
