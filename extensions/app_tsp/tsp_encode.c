#include "tsp.h"
#include "log.h"

/* ---- DAA ---------------------------------------------------------------- */

/* What Device-Notification repeats from the request. */
struct echo {
	bool has_ext_id, has_msisdn, has_scs_identity;
	struct iwf_view ext_id, msisdn, scs_identity;
	uint32_t reference, action;
};

/* Of a request that could not be read as far as its Reference-Number and
 * Action-Type, which Device-Notification must have: number 0, a trigger. */
static const struct echo nothing = { .action = TSP_TRIGGER };

static int put_notification(struct msg *answer, const struct echo *e, const struct tsp_daa *daa)
{
	struct avp *dn;
	int rc = fdx_open(answer, DIA_Device_Notification, &dn);

	if (!rc && e->has_ext_id)
		rc = fdx_put_octets(dn, DIA_External_Identifier, e->ext_id.p, e->ext_id.n);
	if (!rc && e->has_msisdn)
		rc = fdx_put_octets(dn, DIA_MSISDN, e->msisdn.p, e->msisdn.n);
	if (!rc && e->has_scs_identity)
		rc = fdx_put_octets(dn, DIA_SCS_Identity, e->scs_identity.p, e->scs_identity.n);
	rc = rc ?: fdx_put_u32(dn, DIA_Reference_Number, e->reference);
	rc = rc ?: fdx_put_u32(dn, DIA_Action_Type, e->action);
	if (!rc && daa->has_status)
		rc = fdx_put_u32(dn, DIA_Request_Status, daa->status);
	if (!rc && daa->has_diagnostic)
		rc = fdx_put_u32(dn, DIA_MTC_Error_Diagnostic, daa->diagnostic);
	return rc;
}

static struct echo echo_of_request(struct msg *request)
{
	struct echo e = nothing;
	struct tsp_dar dar;

	if (tsp_decode_dar(request, &dar))
		e = (struct echo){ dar.has_ext_id, dar.has_msisdn, dar.has_scs_identity, dar.ext_id, dar.msisdn,
		                   dar.scs_identity, dar.reference, dar.action };
	return e;
}

static const char *error_message(uint32_t result_code)
{
	switch (result_code) {
	case 2001: return NULL;
	case 3004: return "The MTC-IWF is busy, try again later";
	case 5003: return "This connection may not speak for that Origin-Host";
	default:   return "The request is refused";
	}
}

void tsp_answer(struct msg *request, const struct tsp_daa *daa)
{
	struct echo e = echo_of_request(request);
	struct msg *msg = request;

	/* The request, and what the echo points to, live as long as the answer. */
	int rc = fdx_answer(&msg, daa->result_code, error_message(daa->result_code));
	rc = rc ?: fdx_put_u32(msg, DIA_Auth_Application_Id, TSP_APP);
	rc = rc ?: put_notification(msg, &e, daa);
	if (!rc && daa->has_features)
		rc = fdx_put_features(msg, daa->features);
	if (!rc && daa->final_target)
		rc = fdx_put_u32(msg, DIA_Feature_Supported_In_Final_Target, daa->final_target);
	if (rc) {
		iwf_log(IWF_LOG_ERROR, IWF_SUB_TSP, "cannot build the answer to DAR %u: %s", e.reference, strerror(rc));
		fd_msg_free(msg);
		return;
	}
	fdx_answer_send(msg);
}

void tsp_answer_busy(struct msg *request)
{
	tsp_answer(request, &(struct tsp_daa){ .result_code = 3004 });
}

/* ---- broken grammar ----------------------------------------------------- */

static void audit(struct msg *request, const struct dia_fault *fault, uint32_t reference)
{
	struct iwf_peer_info peer;
	DiamId_t from = NULL;
	size_t from_len = 0;
	char host[IWF_DIAMID_MAX + 1], detail[128];

	fd_msg_source_get(request, &from, &from_len);
	snprintf(host, sizeof(host), "%.*s", from ? (int)from_len : 0, from ? from : "");
	iwf_peer_get((struct iwf_view){ (uint8_t *)host, strlen(host) }, &peer);
	snprintf(detail, sizeof(detail), "%u: %s%s%s", fault->result_code, fault->what ? fault->what : "does not parse",
	         fault->def ? ": " : "", fault->def ? fault->def->name : "");
	iwf_log(IWF_LOG_INFO, IWF_SUB_TSP, "DAR %u of %s refused: %s", reference, host, detail);
	iwf_node_post_audit(tsp_app.node, &(struct iwf_audit){
		.at_ms = (int64_t)time(NULL) * 1000, .event = "dar", .decision = "refused", .reason = RS_MALFORMED,
		.request_status = -1, .peer = host, .address = peer.address, .cert = peer.cert_sha256,
		.reference = reference, .detail = detail });
}

static int put_refusal(struct msg *answer, const struct tsp_fault *fault)
{
	const struct echo e = { .reference = fault->reference, .action = fault->action };
	const bool is_dar = fault->app == TSP_APP && fault->code == TSP_CODE_DAR;
	struct msg_hdr *hdr;
	int rc = fd_msg_hdr(answer, &hdr);

	if (!rc && fault->misrouted) {
		hdr->msg_code = fault->code;
		hdr->msg_appl = fault->app;
		if (!fault->proxiable)
			hdr->msg_flags &= (uint8_t)~CMD_FLAG_PROXIABLE;
	}
	if (!rc && is_dar)
		rc = fdx_put_u32(answer, DIA_Auth_Application_Id, TSP_APP);
	if (!rc && fault->grammar.failed_len)
		rc = fdx_put_failed_avp(answer, fault->grammar.failed, fault->grammar.failed_len);
	if (!rc && is_dar)
		rc = put_notification(answer, &e, &(struct tsp_daa){0});
	return rc;
}

/* Where freeDiameter sees a fault and we do not. */
static struct tsp_fault fault_unseen(struct msg *request)
{
	struct echo e = echo_of_request(request);
	return (struct tsp_fault){ .reference = e.reference, .action = e.action, .app = TSP_APP, .code = TSP_CODE_DAR };
}

void tsp_refuse(struct msg *request, const struct tsp_fault *seen)
{
	struct tsp_fault fault = seen ? *seen : fault_unseen(request);
	struct msg *msg = request;

	if (!seen)
		fault.grammar.result_code = 5012;   /* our two readings differ: still an answer */
	audit(request, &fault.grammar, fault.reference);
	int rc = fdx_answer(&msg, fault.grammar.result_code, fault.grammar.what);
	rc = rc ?: put_refusal(msg, &fault);
	if (rc) {
		iwf_log(IWF_LOG_ERROR, IWF_SUB_TSP, "cannot build the refusal of DAR %u: %s", fault.reference, strerror(rc));
		fd_msg_free(msg);
		return;
	}
	fdx_answer_send(msg);
}

void tsp_mend_refusal(struct msg *answer)
{
	struct msg *request = NULL;
	struct tsp_fault fault;
	struct avp_hdr *hdr;
	int rc = 0;

	if (fd_msg_answ_getq(answer, &request) || !request)
		return;
	bool seen = tsp_intake_take(request, &fault);
	if (!seen)
		fault = fault_unseen(request);
	audit(request, &fault.grammar, fault.reference);
	if (!seen) {
		/* freeDiameter's verdict stands. */
		rc = put_refusal(answer, &fault);
		rc = rc ?: fdx_put_u32(answer, DIA_Auth_Session_State, 1);
	} else {
		struct avp *next;
		for (struct avp *a = fdx_first(answer); a; a = next) {
			next = fdx_next(a);
			if (fd_msg_avp_hdr(a, &hdr) == 0 && !(hdr->avp_flags & AVP_FLAG_VENDOR) &&
			    hdr->avp_code != dia_avps[DIA_Session_Id].code && hdr->avp_code != dia_avps[DIA_Proxy_Info].code)
				fd_msg_free(a);
		}
		rc = fdx_answer_fields(answer, fault.grammar.result_code, fault.grammar.what);
		rc = rc ?: put_refusal(answer, &fault);
	}
	if (rc)
		iwf_log(IWF_LOG_ERROR, IWF_SUB_TSP, "the refusal of DAR %u is incomplete: %s", fault.reference, strerror(rc));
}
