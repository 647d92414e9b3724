/* app_t4.fdx - the client of Device-Trigger-Requests and the server of
 * Delivery-Report-Requests (TS 29.337 5.2). */
#include "fdx.h"
#include "ident.h"
#include "log.h"

#define T4_APP 16777311u

static struct { struct iwf_node *node; struct dict_object *dtr; } app;
static struct disp_hdl *on_drr_hdl;
static struct fd_hook_hdl *answers_hook;

static bool find_avps(void)
{
	static const enum dia_id ids[] = {
		DIA_Session_Id, DIA_Auth_Session_State, DIA_Origin_Host, DIA_Origin_Realm, DIA_Destination_Host,
		DIA_Destination_Realm, DIA_Result_Code, DIA_Error_Message, DIA_Experimental_Result,
		DIA_Experimental_Result_Code, DIA_Vendor_Id, DIA_Proxy_State, DIA_Supported_Features, DIA_Feature_List_ID,
		DIA_Feature_List, DIA_User_Identifier, DIA_User_Name, DIA_MSISDN, DIA_External_Identifier, DIA_SM_RP_SMEA,
		DIA_Payload, DIA_Serving_Node, DIA_Additional_Serving_Node, DIA_Reference_Number, DIA_Old_Reference_Number,
		DIA_Validity_Time, DIA_Priority_Indication, DIA_Application_Port_Identifier, DIA_Trigger_Action,
		DIA_MTC_Error_Diagnostic, DIA_SM_Delivery_Outcome_T4, DIA_Absent_Subscriber_Diagnostic_T4,
		/* members of the serving nodes */
		DIA_SGSN_Name, DIA_SGSN_Realm, DIA_SGSN_Number, DIA_MME_Name, DIA_MME_Realm, DIA_MME_Number_for_MT_SMS,
		DIA_MSC_Number, DIA_IP_SM_GW_Number, DIA_IP_SM_GW_Name, DIA_IP_SM_GW_Realm, DIA_SMSF_3GPP_Number,
		DIA_SMSF_3GPP_Name, DIA_SMSF_3GPP_Realm, DIA_SMSF_Non_3GPP_Number, DIA_SMSF_Non_3GPP_Name,
		DIA_SMSF_Non_3GPP_Realm,
	};
	return fdx_avps_find(ids, sizeof(ids) / sizeof(*ids));
}

/* ---- DTR and DTA -------------------------------------------------------- */

static void on_end(uint64_t txn, enum fdx_end how, struct msg *answer)
{
	struct t4_dta dta = { .kind = how == FDX_UNREACHABLE ? T4_UNREACHABLE : how == FDX_TIMEOUT ? T4_TIMEOUT : T4_NONSENSE };
	struct avp_hdr *hdr;
	uint32_t bits;

	if (how == FDX_ANSWERED) {
		fdx_read_result(answer, &dta.result_code, &dta.experimental);
		if (dta.result_code || dta.experimental)
			dta.kind = T4_ANSWERED;
		for (struct avp *a = fdx_first(answer); a; a = fdx_next(a))
			switch (fdx_id(a, &hdr)) {
			case DIA_MTC_Error_Diagnostic:
				dta.has_diagnostic = true;
				dta.diagnostic = hdr->avp_value->u32;
				break;
			case DIA_Supported_Features:
				if (fdx_read_features(a, &bits)) {
					dta.has_features = true;
					dta.features = bits;
				}
				break;
			}
	}
	iwf_node_post_dta(app.node, txn, &dta);
}

static int put_user(struct msg *msg, const struct t4_dtr *dtr)
{
	uint8_t tbcd[8];
	struct avp *user;
	int rc = fdx_open(msg, DIA_User_Identifier, &user);

	rc = rc ?: fdx_put_text(user, DIA_User_Name, dtr->imsi.digits);
	if (!rc && dtr->msisdn[0])
		rc = fdx_put_octets(user, DIA_MSISDN, tbcd, iwf_tbcd_from_digits(dtr->msisdn, tbcd));
	if (!rc && dtr->ext_id[0])
		rc = fdx_put_text(user, DIA_External_Identifier, dtr->ext_id);
	return rc;
}

/* The groups that app_s6m took from the HSS, again as AVPs. */
static int put_nodes(struct msg *msg, struct iwf_view nodes)
{
	struct dia_avp group, a;
	struct avp *out;
	int rc = 0;

	while (!rc && dia_avp_next(&nodes.p, &nodes.n, &group) == 1) {
		if (!group.def)
			continue;
		rc = fdx_open(msg, (enum dia_id)(group.def - dia_avps), &out);
		const uint8_t *p = group.data;
		size_t n = group.len;
		while (!rc && dia_avp_next(&p, &n, &a) == 1)
			if (a.def)
				rc = fdx_put_octets(out, (enum dia_id)(a.def - dia_avps), a.data, a.len);
	}
	return rc;
}

static void submit(void *ctx, uint64_t txn, const struct iwf_target *to, uint32_t timeout_ms, const struct t4_dtr *dtr)
{
	struct msg *msg = NULL;
	uint8_t smea[10];

	int rc = fdx_request(app.dtr, to->host, to->realm, dtr->retransmitted, &msg);
	rc = rc ?: put_user(msg, dtr);
	rc = rc ?: fdx_put_octets(msg, DIA_SM_RP_SMEA, smea, iwf_sme_address(dtr->smea, smea));
	rc = rc ?: fdx_put_octets(msg, DIA_Payload, dtr->payload.p, dtr->payload.n);
	rc = rc ?: put_nodes(msg, dtr->nodes);
	rc = rc ?: fdx_put_u32(msg, DIA_Reference_Number, dtr->reference);
	if (!rc && dtr->has_validity)
		rc = fdx_put_u32(msg, DIA_Validity_Time, dtr->validity_s);
	if (!rc && dtr->action != T4_RECALL)
		rc = fdx_put_u32(msg, DIA_Priority_Indication, dtr->priority);
	if (!rc && dtr->has_port)
		rc = fdx_put_u32(msg, DIA_Application_Port_Identifier, dtr->port);
	if (!rc && dtr->has_old_reference)
		rc = fdx_put_u32(msg, DIA_Old_Reference_Number, dtr->old_reference);
	rc = rc ?: fdx_put_u32(msg, DIA_Trigger_Action, dtr->action);
	/* TS 29.229 7.2: what we can do with a trigger that is under way. */
	rc = rc ?: fdx_put_features(msg, TSP_FEATURE_RECALL_REPLACE);
	if (rc) {
		iwf_log(IWF_LOG_ERROR, IWF_SUB_T4, "cannot build the request for %u to %s: %s", dtr->reference, to->host, strerror(rc));
		if (msg)
			fd_msg_free(msg);
		on_end(txn, FDX_UNREACHABLE, NULL);
		return;
	}
	fdx_send(msg, timeout_ms, on_end, txn);
}

/* ---- DRR and DRA -------------------------------------------------------- */

static void answer_drr(struct msg *request, uint32_t result_code)
{
	struct msg *msg = request;
	int rc = fdx_answer(&msg, result_code, result_code == 2001 ? NULL : result_code == 3004 ? "The MTC-IWF is busy, try again later"
	                                                                                        : "The report is for no trigger under way");
	if (rc) {
		iwf_log(IWF_LOG_ERROR, IWF_SUB_T4, "cannot build the answer to a delivery report: %s", strerror(rc));
		fd_msg_free(msg);
		return;
	}
	fdx_answer_send(msg);
}

static void port_answer(void *ctx, iwf_token token, const struct t4_dra *dra)
{
	answer_drr((struct msg *)(uintptr_t)token, dra->result_code);
}

static void decode_user(struct avp *group, struct t4_drr *drr)
{
	struct avp_hdr *hdr;

	for (struct avp *a = fdx_first(group); a; a = fdx_next(a))
		switch (fdx_id(a, &hdr)) {
		case DIA_User_Name:
			drr->has_imsi = !iwf_imsi_parse(fdx_view(hdr), &drr->imsi);
			break;
		case DIA_MSISDN:
			if (iwf_e164_from_tbcd(fdx_view(hdr), drr->msisdn))
				drr->msisdn[0] = 0;
			break;
		case DIA_External_Identifier:
			fdx_text(hdr, drr->ext_id, sizeof(drr->ext_id));
			break;
		}
}

/* False: the outcome is not one of TS 29.337 6.3.4. */
static bool decode_drr(struct msg *msg, struct t4_drr *drr)
{
	struct iwf_peer_info peer;
	struct avp_hdr *hdr;
	DiamId_t from = NULL;
	size_t from_len = 0;
	bool good = false;

	*drr = (struct t4_drr){ .token = (iwf_token)(uintptr_t)msg };
	fd_msg_source_get(msg, &from, &from_len);
	if (from && iwf_peer_get((struct iwf_view){ (const uint8_t *)from, from_len }, &peer) && peer.proven)
		snprintf(drr->peer, sizeof(drr->peer), "%.*s", (int)from_len, from);
	for (struct avp *a = fdx_first(msg); a; a = fdx_next(a))
		switch (fdx_id(a, &hdr)) {
		case DIA_Origin_Host:
			fdx_text(hdr, drr->origin_host, sizeof(drr->origin_host));
			break;
		case DIA_SM_RP_SMEA:
			if (iwf_sme_address_parse(fdx_view(hdr), drr->smea))
				drr->smea[0] = 0;
			break;
		case DIA_Reference_Number:
			drr->has_reference = true;
			drr->reference = hdr->avp_value->u32;
			break;
		case DIA_User_Identifier:
			decode_user(a, drr);
			break;
		case DIA_SM_Delivery_Outcome_T4:
			drr->outcome = (enum t4_outcome)hdr->avp_value->u32;
			good = hdr->avp_value->u32 <= T4_EXPIRED;
			break;
		case DIA_Absent_Subscriber_Diagnostic_T4:
			drr->has_diagnostic = true;
			drr->absent_diagnostic = hdr->avp_value->u32;
			break;
		}
	return good;
}

static void refuse_value(struct msg *request)
{
	struct dia_fault fault = { .result_code = 5004 };
	uint8_t *bytes = NULL;
	size_t n = 0;
	struct msg *msg = request;

	if (!fd_msg_bufferize(request, &bytes, &n)) {
		if (dia_check(bytes, n, &fault))
			fault = (struct dia_fault){ .result_code = 5004, .what = "not a value of its enumeration" };
		free(bytes);
	}
	int rc = fdx_answer(&msg, fault.result_code, fault.what);
	if (!rc && fault.failed_len)
		rc = fdx_put_failed_avp(msg, fault.failed, fault.failed_len);
	if (rc)
		fd_msg_free(msg);
	else
		fdx_answer_send(msg);
}

static int on_drr(struct msg **msg, struct avp *avp, struct session *sess, void *opaque, enum disp_action *act)
{
	struct msg *request = *msg;
	struct t4_drr drr;

	*msg = NULL;
	if (!decode_drr(request, &drr))
		refuse_value(request);
	else if (!iwf_node_post_drr(app.node, &drr))
		answer_drr(request, 3004);
	return 0;
}

/* ---- the extension ------------------------------------------------------ */

static int app_t4_entry(char *conf_file)
{
	struct dict_object *t4, *vendor, *drr;
	struct disp_when when = {0};

	app.node = fdx_node("app_t4", conf_file);
	if (!app.node || !find_avps() || !fdx_app_find(T4_APP, &t4, &vendor) ||
	    !fdx_cmd_find("Device-Trigger-Request", &app.dtr) || !fdx_cmd_find("Delivery-Report-Request", &drr))
		return EINVAL;
	when.app = t4;
	when.command = drr;
	int rc = fd_disp_register(on_drr, DISP_HOW_CC, &when, NULL, &on_drr_hdl);
	rc = rc ?: fdx_watch_answers(&answers_hook);
	rc = rc ?: fd_disp_app_support(t4, vendor, 1, 0);
	if (rc)
		return rc;
	iwf_node_attach_t4(app.node, &(struct iwf_t4_port){ .submit = submit, .answer = port_answer });
	return 0;
}

void fd_ext_fini(void)
{
	if (on_drr_hdl)
		fd_disp_unregister(&on_drr_hdl, NULL);
	if (app.node)
		iwf_node_stop(app.node);
	if (answers_hook)
		fd_hook_unregister(answers_hook);
	fdx_forget_waiting();
	fdx_forget_late();
	iwf_node_put(app.node);
	app.node = NULL;
}

EXTENSION_ENTRY("app_t4", app_t4_entry, "dict_mtc");
