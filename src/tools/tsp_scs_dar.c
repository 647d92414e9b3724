/* tsp_scs_dar.c - DAR and DNA as bytes (TS 29.368 6.1). */
#include <string.h>
#include "tsp_scs.h"

#define NO_STATE_MAINTAINED 1u

struct build { struct dia_writer *w; const struct scs_cmd *cmd; };

static bool in(const enum dia_id *list, size_t n, enum dia_id id)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == id)
			return true;
	return false;
}

/* How often an AVP goes in: --omit and --double. */
static unsigned times(const struct build *b, enum dia_id id)
{
	if (in(b->cmd->omit, b->cmd->nomit, id))
		return 0;
	return in(b->cmd->twice, b->cmd->ntwice, id) ? 2 : 1;
}

static void put_u32(const struct build *b, enum dia_id id, uint32_t v)
{
	for (unsigned i = times(b, id); i; i--)
		dia_put_u32(b->w, id, v);
}

static void put_octets(const struct build *b, enum dia_id id, const void *p, size_t n)
{
	for (unsigned i = times(b, id); i; i--)
		dia_put_octets(b->w, id, p, n);
}

static void put_text(const struct build *b, enum dia_id id, const char *text)
{
	put_octets(b, id, text, strlen(text));
}

static void put_extra(const struct build *b, const char *group)
{
	for (size_t i = 0; i < b->cmd->nextra; i++) {
		const struct scs_extra *x = &b->cmd->extra[i];

		if (group ? x->group && !strcmp(x->group, group) : !x->group)
			dia_put_raw(b->w, x->code, x->flags, x->vendor, x->p, x->n);
	}
}

static void put_trigger_data(const struct build *b)
{
	const struct scs_cmd *c = b->cmd;
	static const char wake[] = "wake up";

	if (!c->has_payload && c->verb == SCS_RECALL)
		return;
	for (unsigned i = times(b, DIA_Trigger_Data); i; i--) {
		dia_open(b->w, DIA_Trigger_Data);
		if (c->has_payload)
			put_octets(b, DIA_Payload, c->payload, c->payload_n);
		else
			put_text(b, DIA_Payload, wake);
		if (c->has_priority)
			put_u32(b, DIA_Priority_Indication, c->priority);
		if (c->has_port)
			put_u32(b, DIA_Application_Port_Identifier, c->port);
		put_extra(b, "Trigger-Data");
		dia_close(b->w);
	}
}

static void put_device_action(const struct build *b, uint32_t reference)
{
	const struct scs_cmd *c = b->cmd;
	uint32_t action = c->verb == SCS_RECALL ? 3 : c->verb == SCS_REPLACE ? 4 : 1;

	for (unsigned i = times(b, DIA_Device_Action); i; i--) {
		dia_open(b->w, DIA_Device_Action);
		if (c->ext_id)
			put_text(b, DIA_External_Identifier, c->ext_id);
		if (c->msisdn)
			put_octets(b, DIA_MSISDN, c->msisdn, c->msisdn_n);
		if (c->identity)
			put_octets(b, DIA_SCS_Identity, c->identity, c->identity_n);
		put_u32(b, DIA_Reference_Number, reference);
		if (c->has_old)
			put_u32(b, DIA_Old_Reference_Number, c->old);
		put_u32(b, DIA_Action_Type, c->has_action_type ? c->action_type : action);
		put_trigger_data(b);
		if (c->has_validity)
			put_u32(b, DIA_Validity_Time, c->validity);
		put_extra(b, "Device-Action");
		dia_close(b->w);
	}
}

static void put_features(const struct build *b)
{
	if (b->cmd->no_features)
		return;
	for (unsigned i = times(b, DIA_Supported_Features); i; i--) {
		dia_open(b->w, DIA_Supported_Features);
		put_u32(b, DIA_Vendor_Id, DIA_VENDOR_3GPP);
		put_u32(b, DIA_Feature_List_ID, 1);
		put_u32(b, DIA_Feature_List, b->cmd->features);
		put_extra(b, "Supported-Features");
		dia_close(b->w);
	}
}

bool scs_build_dar(struct dia_writer *w, const struct scs_conn *conn, const struct scs_cmd *cmd, struct peer *peer,
                   uint32_t reference, uint32_t hbh, uint32_t *e2e, char *session_id, size_t session_id_size)
{
	const struct build b = { .w = w, .cmd = cmd };
	const char *theirs = peer_remote_realm(peer);
	const char *realm = cmd->dest_realm ? cmd->dest_realm : *theirs ? theirs : conn->origin_realm;
	uint8_t flags = DIA_F_REQUEST | DIA_F_PROXIABLE | (cmd->t_flag ? DIA_F_RETRANSMIT : 0);

	if (cmd->session_id)
		snprintf(session_id, session_id_size, "%s", cmd->session_id);
	else
		peer_session_id(peer, session_id, session_id_size);
	*e2e = cmd->has_e2e ? cmd->e2e + (reference - cmd->reference) : peer_next_e2e(peer);
	dia_begin(w, flags, CMD_DA, APP_TSP, hbh, *e2e);
	put_text(&b, DIA_Session_Id, session_id);
	put_u32(&b, DIA_Auth_Application_Id, APP_TSP);
	put_u32(&b, DIA_Auth_Session_State, NO_STATE_MAINTAINED);
	put_text(&b, DIA_Origin_Host, conn->origin_host);
	put_text(&b, DIA_Origin_Realm, conn->origin_realm);
	put_text(&b, DIA_Destination_Realm, realm);
	if (cmd->dest_host)
		put_text(&b, DIA_Destination_Host, cmd->dest_host);
	put_device_action(&b, reference);
	put_features(&b);
	put_extra(&b, NULL);
	return dia_end(w);
}

bool scs_build_dna(struct dia_writer *w, const struct scs_conn *conn, const uint8_t *dnr, size_t n)
{
	uint32_t result = conn->dna_result;
	struct dia_fault fault;
	bool good = dia_check(dnr, n, &fault);

	if (!good)
		result = fault.result_code;
	dia_begin_answer(w, dnr, n, result / 1000 == 3 ? DIA_F_ERROR : 0);
	dia_put_u32(w, DIA_Auth_Application_Id, APP_TSP);
	dia_put_u32(w, DIA_Auth_Session_State, NO_STATE_MAINTAINED);
	dia_put_text(w, DIA_Origin_Host, conn->origin_host);
	dia_put_text(w, DIA_Origin_Realm, conn->origin_realm);
	dia_put_u32(w, DIA_Result_Code, result);
	if (!good && fault.failed_len) {
		dia_open(w, DIA_Failed_AVP);
		dia_put_bytes(w, fault.failed, fault.failed_len);
		dia_close(w);
	}
	return dia_end(w);
}
