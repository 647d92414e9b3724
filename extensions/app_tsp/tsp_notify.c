#include "ident.h"
#include "log.h"
#include "tsp.h"

/* Not there at the moment, or nobody knows the way: when it shows up again, it should not have to wait. */
static void note_failure(struct msg *answer)
{
	struct msg *request = NULL;
	char host[IWF_DIAMID_MAX + 1];
	struct avp_hdr *hdr;

	if (!answer || fd_msg_answ_getq(answer, &request) || !request)
		return;
	for (struct avp *a = fdx_first(request); a; a = fdx_next(a))
		if (fdx_id(a, &hdr) == DIA_Destination_Host) {
			fdx_text(hdr, host, sizeof(host));
			tsp_route_failed(host);
		}
}

static void on_end(uint64_t number, enum fdx_end how, struct msg *answer)
{
	struct tsp_dna dna = { .kind = TSP_DNA_UNDELIVERED };
	uint32_t experimental = 0;

	if (how == FDX_ANSWERED) {
		fdx_read_result(answer, &dna.result_code, &experimental);
		if (experimental)
			dna.result_code = experimental;
		if (dna.result_code / 1000 == 2)
			dna.kind = TSP_DNA_ACKED;
		else if (dna.result_code / 1000 == 5)
			dna.kind = TSP_DNA_REFUSED;
	}
	if (dna.kind == TSP_DNA_UNDELIVERED)
		note_failure(answer);
	iwf_node_post_dna(tsp_app.node, (int64_t)number, &dna);
}

static int put_tbcd(struct avp *in, enum dia_id id, const char *digits)
{
	uint8_t octets[8];
	return fdx_put_octets(in, id, octets, iwf_tbcd_from_digits(digits, octets));
}

static int put_notification(struct msg *msg, const struct tsp_dnr *dnr)
{
	struct avp *dn;
	int rc = fdx_open(msg, DIA_Device_Notification, &dn);

	if (!rc && dnr->ext_id[0])
		rc = fdx_put_text(dn, DIA_External_Identifier, dnr->ext_id);
	if (!rc && dnr->msisdn[0])
		rc = put_tbcd(dn, DIA_MSISDN, dnr->msisdn);
	if (!rc && dnr->scs_identity[0])
		rc = put_tbcd(dn, DIA_SCS_Identity, dnr->scs_identity);
	rc = rc ?: fdx_put_u32(dn, DIA_Reference_Number, dnr->reference);
	rc = rc ?: fdx_put_u32(dn, DIA_Action_Type, TSP_REPORT);
	return rc ?: fdx_put_u32(dn, DIA_Delivery_Outcome, dnr->outcome);
}

void tsp_notify(int64_t report, uint32_t timeout_ms, const struct tsp_dnr *dnr)
{
	struct msg *msg = NULL;
	struct msg_hdr *hdr;

	int rc = fdx_request(tsp_app.dnr, dnr->dest_host, dnr->dest_realm, dnr->retransmitted, &msg);
	rc = rc ?: fdx_put_u32(msg, DIA_Auth_Application_Id, TSP_APP);
	rc = rc ?: put_notification(msg, dnr);
	rc = rc ?: fd_msg_hdr(msg, &hdr);
	if (rc) {
		iwf_log(IWF_LOG_ERROR, IWF_SUB_TSP, "cannot build the report of %u to %s: %s", dnr->reference, dnr->dest_host, strerror(rc));
		if (msg)
			fd_msg_free(msg);
		on_end((uint64_t)report, FDX_UNREACHABLE, NULL);
		return;
	}
	/* RFC 6733 3: a repeat has the End-to-End identifier of the first, also after
	 * a restart, so that the SCS can tell; the number of the report is all that
	 * both know. */
	hdr->msg_eteid = (uint32_t)report * 2654435761u;
	fdx_send(msg, timeout_ms, on_end, (uint64_t)report);
}
