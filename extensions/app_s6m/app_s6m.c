/* app_s6m.fdx - the client of Subscriber-Information-Requests (TS 29.336 5.2). */
#include "fdx.h"
#include "ident.h"
#include "log.h"

#define S6M_APP 16777310u
#define SIR_FLAG_S6M 0x1u       /* 6.4.9: from an MTC-IWF */
#define SERVICE_DEVICE_TRIGGER 0u

static struct { struct iwf_node *node; struct dict_object *sir; } app;
static struct fd_hook_hdl *answers_hook;

static bool find_avps(void)
{
	static const enum dia_id ids[] = {
		DIA_Session_Id, DIA_Auth_Session_State, DIA_Origin_Host, DIA_Origin_Realm, DIA_Destination_Host,
		DIA_Destination_Realm, DIA_Result_Code, DIA_Experimental_Result, DIA_Experimental_Result_Code, DIA_Vendor_Id,
		DIA_User_Identifier, DIA_User_Name, DIA_MSISDN, DIA_External_Identifier, DIA_Service_ID, DIA_SCS_Identity,
		DIA_Service_Parameters, DIA_T4_Parameters, DIA_Priority_Indication, DIA_SM_RP_SMEA,
		DIA_Application_Port_Identifier, DIA_SIR_Flags, DIA_Service_Data, DIA_T4_Data, DIA_HSS_Cause,
		DIA_Serving_Node, DIA_Additional_Serving_Node,
	};
	return fdx_avps_find(ids, sizeof(ids) / sizeof(*ids));
}

/* ---- SIA ---------------------------------------------------------------- */

/* As it came, for the SMS-SC: what an MTC-IWF need not understand it need not lose.
 * Members that no dictionary knows are left behind: freeDiameter does not show them. */
static void copy_node(struct dia_writer *to, int id, struct avp *group)
{
	struct avp_hdr *hdr;

	dia_open(to, (enum dia_id)id);
	for (struct avp *a = fdx_first(group); a; a = fdx_next(a)) {
		int member = fdx_id(a, &hdr);
		if (member < 0 || dia_avps[member].type == DIA_GROUPED || dia_avps[member].type == DIA_UNSIGNED32 ||
		    dia_avps[member].type == DIA_ENUMERATED)
			continue;
		struct iwf_view v = fdx_view(hdr);
		dia_put_octets(to, (enum dia_id)member, v.p, v.n);
	}
	dia_close(to);
}

static bool decode_user(struct avp *group, struct s6m_sia *sia)
{
	struct avp_hdr *hdr;

	for (struct avp *a = fdx_first(group); a; a = fdx_next(a)) {
		int id = fdx_id(a, &hdr);
		if (id == DIA_User_Name) {
			if (iwf_imsi_parse(fdx_view(hdr), &sia->imsi))
				return false;
			sia->has_imsi = true;
		} else if (id == DIA_MSISDN && iwf_e164_from_tbcd(fdx_view(hdr), sia->msisdn)) {
			return false;
		}
	}
	return true;
}

static void decode_t4_data(struct avp *group, struct s6m_sia *sia, struct dia_writer *nodes)
{
	struct avp_hdr *hdr;

	for (struct avp *a = fdx_first(group); a; a = fdx_next(a)) {
		int id = fdx_id(a, &hdr);
		if (id == DIA_HSS_Cause)
			sia->hss_cause = hdr->avp_value->u32;
		else if (id == DIA_Serving_Node || id == DIA_Additional_Serving_Node)
			copy_node(nodes, id, a);
	}
}

static void decode_sia(struct msg *answer, struct s6m_sia *sia)
{
	struct dia_writer nodes = {0};
	struct avp_hdr *hdr;
	bool good = true;

	dia_begin(&nodes, 0, 0, 0, 0, 0);
	fdx_read_result(answer, &sia->result_code, &sia->experimental);
	for (struct avp *a = fdx_first(answer); a; a = fdx_next(a)) {
		int id = fdx_id(a, &hdr);
		if (id == DIA_User_Identifier)
			good = decode_user(a, sia) && good;
		if (id != DIA_Service_Data)
			continue;
		for (struct avp *b = fdx_first(a); b; b = fdx_next(b))
			if (fdx_id(b, &hdr) == DIA_T4_Data)
				decode_t4_data(b, sia, &nodes);
	}
	sia->kind = good && (sia->result_code || sia->experimental) ? S6M_ANSWERED : S6M_NONSENSE;
	if (dia_end(&nodes) && nodes.n > DIA_HDR_LEN && (sia->nodes = malloc(nodes.n - DIA_HDR_LEN))) {
		sia->nodes_len = nodes.n - DIA_HDR_LEN;
		memcpy(sia->nodes, nodes.p + DIA_HDR_LEN, sia->nodes_len);
	}
	dia_writer_free(&nodes);
}

static void on_end(uint64_t query, enum fdx_end how, struct msg *answer)
{
	struct s6m_sia sia = { .kind = how == FDX_UNREACHABLE ? S6M_UNREACHABLE : how == FDX_TIMEOUT ? S6M_TIMEOUT : S6M_NONSENSE };

	if (how == FDX_ANSWERED)
		decode_sia(answer, &sia);
	iwf_node_post_sia(app.node, query, &sia);
}

/* ---- SIR ---------------------------------------------------------------- */

static int put_user(struct msg *msg, const struct s6m_sir *sir)
{
	uint8_t tbcd[8];
	struct avp *user;
	int rc = fdx_open(msg, DIA_User_Identifier, &user);

	if (rc)
		return rc;
	return sir->ext_id[0] ? fdx_put_text(user, DIA_External_Identifier, sir->ext_id)
	                      : fdx_put_octets(user, DIA_MSISDN, tbcd, iwf_tbcd_from_digits(sir->msisdn, tbcd));
}

static int put_parameters(struct msg *msg, const struct s6m_sir *sir)
{
	uint8_t smea[10];
	struct avp *service, *t4;
	int rc = fdx_open(msg, DIA_Service_Parameters, &service);

	rc = rc ?: fdx_open(service, DIA_T4_Parameters, &t4);
	rc = rc ?: fdx_put_u32(t4, DIA_Priority_Indication, sir->priority);
	rc = rc ?: fdx_put_octets(t4, DIA_SM_RP_SMEA, smea, iwf_sme_address(sir->scs_identity, smea));
	if (!rc && sir->has_port)
		rc = fdx_put_u32(service, DIA_Application_Port_Identifier, sir->port);
	return rc;
}

static void ask(void *ctx, uint64_t query, const struct iwf_target *to, uint32_t timeout_ms, const struct s6m_sir *sir)
{
	struct msg *msg = NULL;
	uint8_t tbcd[8];

	int rc = fdx_request(app.sir, to->host, to->realm, false, &msg);
	rc = rc ?: put_user(msg, sir);
	rc = rc ?: fdx_put_u32(msg, DIA_Service_ID, SERVICE_DEVICE_TRIGGER);
	rc = rc ?: fdx_put_octets(msg, DIA_SCS_Identity, tbcd, iwf_tbcd_from_digits(sir->scs_identity, tbcd));
	rc = rc ?: put_parameters(msg, sir);
	rc = rc ?: fdx_put_u32(msg, DIA_SIR_Flags, SIR_FLAG_S6M);
	if (rc) {
		iwf_log(IWF_LOG_ERROR, IWF_SUB_S6M, "cannot build a request to %s: %s", to->host, strerror(rc));
		if (msg)
			fd_msg_free(msg);
		on_end(query, FDX_UNREACHABLE, NULL);
		return;
	}
	fdx_send(msg, timeout_ms, on_end, query);
}

/* ---- the extension ------------------------------------------------------ */

static int app_s6m_entry(char *conf_file)
{
	struct dict_object *s6m, *vendor;

	app.node = fdx_node("app_s6m", conf_file);
	if (!app.node || !find_avps() || !fdx_app_find(S6M_APP, &s6m, &vendor) ||
	    !fdx_cmd_find("Subscriber-Information-Request", &app.sir))
		return EINVAL;
	int rc = fdx_watch_answers(&answers_hook);
	rc = rc ?: fd_disp_app_support(s6m, vendor, 1, 0);
	if (rc)
		return rc;
	iwf_node_attach_s6m(app.node, &(struct iwf_s6m_port){ .ask = ask });
	return 0;
}

void fd_ext_fini(void)
{
	if (app.node)
		iwf_node_stop(app.node);
	if (answers_hook)
		fd_hook_unregister(answers_hook);
	fdx_forget_waiting();
	iwf_node_put(app.node);
	app.node = NULL;
}

EXTENSION_ENTRY("app_s6m", app_s6m_entry, "dict_mtc");
