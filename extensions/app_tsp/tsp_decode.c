#include "tsp.h"

bool tsp_find_avps(void)
{
	static const enum dia_id ids[] = {
		DIA_Session_Id, DIA_Auth_Application_Id, DIA_Auth_Session_State, DIA_Origin_Host, DIA_Origin_Realm,
		DIA_Destination_Host, DIA_Destination_Realm, DIA_Result_Code, DIA_Error_Message, DIA_Proxy_Info, DIA_Proxy_Host,
		DIA_Proxy_State,
		DIA_Supported_Features, DIA_Vendor_Id, DIA_Feature_List_ID, DIA_Feature_List,
		DIA_Device_Action, DIA_Device_Notification, DIA_External_Identifier, DIA_MSISDN, DIA_SCS_Identity,
		DIA_Reference_Number, DIA_Old_Reference_Number, DIA_Action_Type, DIA_Trigger_Data, DIA_Payload,
		DIA_Priority_Indication, DIA_Application_Port_Identifier, DIA_Validity_Time, DIA_Request_Status,
		DIA_MTC_Error_Diagnostic, DIA_Delivery_Outcome, DIA_Feature_Supported_In_Final_Target,
	};
	return fdx_avps_find(ids, sizeof(ids) / sizeof(*ids));
}

static bool decode_trigger_data(struct avp *group, struct tsp_dar *dar)
{
	struct avp_hdr *hdr;

	for (struct avp *a = fdx_first(group); a; a = fdx_next(a))
		switch (fdx_id(a, &hdr)) {
		case DIA_Payload:
			dar->payload = fdx_view(hdr);
			break;
		case DIA_Priority_Indication:
			if (hdr->avp_value->u32 > 1)
				return false;
			dar->priority = hdr->avp_value->u32 == 1;
			break;
		case DIA_Application_Port_Identifier:
			dar->has_port = true;
			dar->port = hdr->avp_value->u32;
			break;
		}
	dar->has_trigger_data = true;
	return true;
}

static bool decode_device_action(struct avp *group, struct tsp_dar *dar)
{
	struct avp_hdr *hdr;

	for (struct avp *a = fdx_first(group); a; a = fdx_next(a))
		switch (fdx_id(a, &hdr)) {
		case DIA_External_Identifier:
			dar->has_ext_id = true;
			dar->ext_id = fdx_view(hdr);
			break;
		case DIA_MSISDN:
			dar->has_msisdn = true;
			dar->msisdn = fdx_view(hdr);
			break;
		case DIA_SCS_Identity:
			dar->has_scs_identity = true;
			dar->scs_identity = fdx_view(hdr);
			break;
		case DIA_Reference_Number:
			dar->reference = hdr->avp_value->u32;
			break;
		case DIA_Old_Reference_Number:
			dar->has_old_reference = true;
			dar->old_reference = hdr->avp_value->u32;
			break;
		case DIA_Action_Type:
			dar->action = (enum tsp_action)hdr->avp_value->u32;
			break;
		case DIA_Validity_Time:
			dar->has_validity = true;
			dar->validity_s = hdr->avp_value->u32;
			break;
		case DIA_Trigger_Data:
			if (!decode_trigger_data(a, dar))
				return false;
			break;
		}
	/* 2 and 5 are for Device-Notification (TS 29.368 6.4.6) */
	return dar->action == TSP_TRIGGER || dar->action == TSP_RECALL || dar->action == TSP_REPLACE;
}

bool tsp_decode_dar(struct msg *msg, struct tsp_dar *dar)
{
	struct avp_hdr *hdr;
	struct msg_hdr *head;
	bool has_action = false;
	uint32_t bits;

	*dar = (struct tsp_dar){0};
	if (fd_msg_hdr(msg, &head))
		return false;
	dar->end_to_end = head->msg_eteid;
	dar->retransmitted = head->msg_flags & CMD_FLAG_RETRANSMIT;
	for (struct avp *a = fdx_first(msg); a; a = fdx_next(a))
		switch (fdx_id(a, &hdr)) {
		case DIA_Origin_Host:
			dar->origin_host = fdx_view(hdr);
			break;
		case DIA_Origin_Realm:
			dar->origin_realm = fdx_view(hdr);
			break;
		case DIA_Auth_Session_State:
			if (hdr->avp_value->u32 > 1)
				return false;
			break;
		case DIA_Supported_Features:
			if (fdx_read_features(a, &bits)) {
				dar->has_features = true;
				dar->features = bits;
			}
			break;
		case DIA_Device_Action:
			has_action = true;
			if (!decode_device_action(a, dar))
				return false;
			break;
		}
	return has_action;
}
