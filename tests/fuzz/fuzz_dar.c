/* fuzz_dar.c - whatever an SCS sends, through freeDiameter's parser, our intake and the decoding of a DAR.
 *
 * Holds: after the intake every request can be written again and its answer begun, which freeDiameter by itself does not
 * survive; what the intake lets pass, freeDiameter's rules let pass; what is decoded is what our own codec reads in the same
 * octets; what is at fault is told once, in a Failed-AVP that is one. */
#include <string.h>
#include "fuzz.h"
#include "fd_world.h"
#include "../../extensions/app_tsp/tsp_intake.c"

/* ---- the same by our codec */

static struct iwf_view view_of(const struct dia_avp *a)
{
	return (struct iwf_view){ a->data, a->len };
}

static bool same(struct iwf_view a, struct iwf_view b)
{
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

static bool is_u32(bool has, uint32_t value, const struct dia_avp *group, enum dia_id id)
{
	struct dia_avp a;
	uint32_t v;

	if (!dia_group_find(group, id, &a))
		return !has;
	return has && dia_avp_u32(&a, &v) && v == value;
}

static bool is_view(bool has, struct iwf_view value, const struct dia_avp *group, enum dia_id id)
{
	struct dia_avp a;

	if (!dia_group_find(group, id, &a))
		return !has;
	return has && same(value, view_of(&a));
}

static void check_decoded(const struct tsp_dar *dar, const uint8_t *p, size_t n)
{
	struct dia_avp a, action, data;
	struct dia_hdr h;

	HOLDS(dia_hdr_read(p, n, &h) && dar->end_to_end == h.e2e && dar->retransmitted == !!(h.flags & DIA_F_RETRANSMIT));
	HOLDS(dia_msg_find(p, n, DIA_Origin_Host, &a) && same(dar->origin_host, view_of(&a)));
	HOLDS(dia_msg_find(p, n, DIA_Origin_Realm, &a) && same(dar->origin_realm, view_of(&a)));
	HOLDS(dia_msg_find(p, n, DIA_Device_Action, &action));
	HOLDS(is_view(dar->has_ext_id, dar->ext_id, &action, DIA_External_Identifier));
	HOLDS(is_view(dar->has_msisdn, dar->msisdn, &action, DIA_MSISDN));
	HOLDS(is_view(dar->has_scs_identity, dar->scs_identity, &action, DIA_SCS_Identity));
	HOLDS(is_u32(true, dar->reference, &action, DIA_Reference_Number));
	HOLDS(is_u32(true, dar->action, &action, DIA_Action_Type));
	HOLDS(dar->action == TSP_TRIGGER || dar->action == TSP_RECALL || dar->action == TSP_REPLACE);
	HOLDS(is_u32(dar->has_old_reference, dar->old_reference, &action, DIA_Old_Reference_Number));
	HOLDS(is_u32(dar->has_validity, dar->validity_s, &action, DIA_Validity_Time));
	HOLDS(dar->has_trigger_data == dia_group_find(&action, DIA_Trigger_Data, &data));
	if (dar->has_trigger_data) {
		HOLDS(is_view(true, dar->payload, &data, DIA_Payload));
		HOLDS(is_u32(dar->has_port, dar->port, &data, DIA_Application_Port_Identifier));
		HOLDS(dia_group_find(&data, DIA_Priority_Indication, &a) ? is_u32(true, dar->priority, &data, DIA_Priority_Indication)
		                                                         : !dar->priority);
	}
}

static void check_copy(const struct tsp_dar *dar)
{
	struct tsp_dar *copy = tsp_dar_dup(dar);

	HOLDS(copy && same(copy->origin_host, dar->origin_host) && same(copy->origin_realm, dar->origin_realm) &&
	      same(copy->ext_id, dar->ext_id) && same(copy->msisdn, dar->msisdn) && same(copy->scs_identity, dar->scs_identity) &&
	      same(copy->payload, dar->payload) && copy->reference == dar->reference && copy->action == dar->action);
	tsp_dar_free(copy);
}

/* ---- what is at fault */

static void check_fault(const struct tsp_fault *f)
{
	const uint8_t *p = f->grammar.failed;
	size_t left = f->grammar.failed_len;
	struct dia_avp a;
	int more;

	HOLDS(f->grammar.result_code / 1000 == 3 || f->grammar.result_code / 1000 == 5);
	HOLDS(left <= sizeof(f->grammar.failed));
	while ((more = dia_avp_next(&p, &left, &a)) > 0)
		;
	HOLDS(more == 0);
}

static void check_disguised(struct msg *msg)
{
	struct msg_hdr *hdr;
	struct avp_hdr *avp;

	HOLDS(fd_msg_hdr(msg, &hdr) == 0 && hdr->msg_code == TSP_CODE_DAR && hdr->msg_appl == TSP_APP);
	for (struct avp *a = fdx_first(msg); a; a = fdx_next(a))
		HOLDS(fd_msg_avp_hdr(a, &avp) == 0 && (stays(avp) || is_base(avp, DIA_Destination_Realm)));
}

/* What freeDiameter does with a request that is refused, by it or by us: an answer with what has to be repeated in it. */
static void check_answer(struct msg *msg)
{
	uint8_t *bytes = NULL;
	size_t n = 0;

	HOLDS(fd_msg_new_answer_from_req(fd_g_config->cnf_dict, &msg, 0) == 0);
	HOLDS(fd_msg_bufferize(msg, &bytes, &n) == 0 && n >= DIA_HDR_LEN);
	free(bytes);
	fd_msg_free(msg);
}

/* What our check lets pass and freeDiameter refuses, with an answer of its own: V bit and vendor 0 on a member of a group
 * (of the message itself the intake has mended them), a Failed-AVP that holds something broken, as it may. */
static bool has_odd(const uint8_t *p, size_t n, bool inside)
{
	struct dia_avp a;

	while (dia_avp_next(&p, &n, &a) > 0)
		if ((inside && a.flags & DIA_AVP_V && !a.vendor) || a.def == &dia_avps[DIA_Failed_AVP] ||
		    (a.def && a.def->type == DIA_GROUPED && has_odd(a.data, a.len, true)))
			return true;
	return false;
}

/* ... and a Session-Id that is not at the head. */
static bool is_left_to_freediameter(const uint8_t *p, size_t n)
{
	const uint8_t *at = p;
	size_t left = n;
	struct dia_avp a;

	return dia_avp_next(&at, &left, &a) <= 0 || a.def != &dia_avps[DIA_Session_Id] || has_odd(p, n, false);
}

static void try_request(struct msg *msg, const uint8_t *data, size_t size)
{
	struct tsp_fault fault;
	struct msg_hdr *hdr;
	struct tsp_dar dar;
	bool parsed;

	HOLDS(fd_msg_hdr(msg, &hdr) == 0);
	on_received(HOOK_MESSAGE_RECEIVED, msg, (struct peer_hdr *)&fault, NULL, NULL, NULL);
	if (tsp_intake_take(msg, &fault)) {
		HOLDS(!tsp_intake_take(msg, &fault));
		check_fault(&fault);
		if (fault.misrouted)
			check_disguised(msg);
		fd_world_parse(msg);
		check_answer(msg);
		return;
	}
	parsed = fd_world_parse(msg);
	if (hdr->msg_appl == TSP_APP && hdr->msg_code == TSP_CODE_DAR) {
		const bool odd = is_left_to_freediameter(data + DIA_HDR_LEN, size - DIA_HDR_LEN);

		HOLDS(parsed || odd);
		HOLDS(tsp_decode_dar(msg, &dar) || odd);
		if (parsed && !odd) {
			check_decoded(&dar, data, size);
			check_copy(&dar);
		}
	}
	check_answer(msg);
}

/* What freeDiameter does with an answer that breaks the grammar: if it says an error it goes on with it, and then it insists on
 * the value of Result-Code and on the command. */
static void check_rescue(struct msg *msg)
{
	struct dict_object *model;
	struct avp_hdr *hdr;

	for (struct avp *a = fdx_first(msg); a; a = fdx_next(a))
		if (fd_msg_avp_hdr(a, &hdr) == 0 && is_base(hdr, DIA_Result_Code)) {
			HOLDS(hdr->avp_value != NULL);
			HOLDS(hdr->avp_value->u32 < 3000 || (fd_msg_model(msg, &model) == 0 && model));
			return;
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msg_hdr *hdr;
	struct msg *msg;

	fd_world_begin();
	HOLDS(tsp_find_avps());
	msg = fd_world_message(data, size);
	if (!msg)
		return 0;
	HOLDS(fd_msg_hdr(msg, &hdr) == 0);
	if ((hdr->msg_flags & CMD_FLAG_REQUEST) && fd_msg_is_routable(msg)) {
		try_request(msg, data, size);
		return 0;
	}
	on_received(HOOK_MESSAGE_RECEIVED, msg, NULL, NULL, NULL, NULL);
	if (hdr->msg_flags & CMD_FLAG_REQUEST) {
		fd_world_parse(msg);
		check_answer(msg);
	} else {
		if (!fd_world_parse(msg))
			check_rescue(msg);
		fd_msg_free(msg);
	}
	return 0;
}
