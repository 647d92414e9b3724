/* bare_relay.c - a trigger and a report as the node passes them on, without the node: a DAR goes to the SMS-SC as a DTR and
 * is answered when the DTA comes; a DRR goes to the SCS as a DNR, and is answered when the DNA comes.  The messages
 * have the AVPs that the node's have.  Nothing is asked, nothing is written.
 *
 * Its argument: the host of the SMS-SC.  Who asked for a trigger is remembered by the low bits of its number. */
#include <string.h>
#include "bare.h"

#define SUCCESS 0u
#define REPORT  2u
#define FEATURES 3u
#define PLACES  65536u

static struct dict_object *dtr, *dnr;
static char smssc[256];
static struct { char host[128]; size_t n; } asked[PLACES];

static int put_features(msg_or_avp *in)
{
	struct avp *group;
	int rc = bare_group(in, DIA_Supported_Features, &group);

	rc = rc ?: bare_u32(group, DIA_Vendor_Id, DIA_VENDOR_3GPP);
	rc = rc ?: bare_u32(group, DIA_Feature_List_ID, 1);
	return rc ?: bare_u32(group, DIA_Feature_List, FEATURES);
}

/* ---- a trigger */

static void on_dta(void *data, struct msg **dta)
{
	struct msg *answer = data;
	struct avp *action = bare_child(answer, DIA_Device_Action);
	int rc = bare_answer(&answer);

	rc = rc ?: bare_notification(answer, action, SUCCESS);
	if (rc || fd_msg_send(&answer, NULL, NULL))
		fd_msg_free(answer);
	fd_msg_free(*dta);
	*dta = NULL;
}

static int on_dar(struct msg **msg, struct avp *avp, struct session *sess, void *opaque, enum disp_action *act)
{
	static const uint8_t smea[] = { 12, 0x91, 0x94, 0x71, 0x10, 0x00, 0x00, 0x10 };
	struct avp *action = bare_child(*msg, DIA_Device_Action), *data = action ? bare_child(action, DIA_Trigger_Data) : NULL, *user;
	union avp_value *from = bare_value(*msg, DIA_Origin_Host);
	struct msg *out;
	int rc;

	if (!data || !from)
		return EINVAL;
	union avp_value *ext_id = bare_value(action, DIA_External_Identifier), *number = bare_value(action, DIA_Reference_Number),
	                *payload = bare_value(data, DIA_Payload);

	asked[number->u32 % PLACES].n = from->os.len < sizeof(asked->host) ? from->os.len : 0;
	memcpy(asked[number->u32 % PLACES].host, from->os.data, asked[number->u32 % PLACES].n);
	rc = bare_request(dtr, smssc, strlen(smssc), fd_g_config->cnf_diamrlm, fd_g_config->cnf_diamrlm_len, &out);
	rc = rc ?: bare_group(out, DIA_User_Identifier, &user);
	rc = rc ?: bare_octets(user, DIA_User_Name, "001010990000001", 15);
	rc = rc ?: bare_octets(user, DIA_External_Identifier, ext_id->os.data, ext_id->os.len);
	rc = rc ?: bare_octets(out, DIA_SM_RP_SMEA, smea, sizeof(smea));
	rc = rc ?: bare_octets(out, DIA_Payload, payload->os.data, payload->os.len);
	rc = rc ?: bare_u32(out, DIA_Reference_Number, number->u32);
	rc = rc ?: bare_u32(out, DIA_Validity_Time, 86400);
	rc = rc ?: bare_u32(out, DIA_Priority_Indication, 0);
	rc = rc ?: bare_u32(out, DIA_Trigger_Action, 0);
	rc = rc ?: put_features(out);
	rc = rc ?: fd_msg_send(&out, on_dta, *msg);
	if (!rc)
		*msg = NULL;
	return rc;
}

/* ---- a report */

static void on_dna(void *data, struct msg **dna)
{
	struct msg *answer = data;

	if (bare_answer(&answer) || fd_msg_send(&answer, NULL, NULL))
		fd_msg_free(answer);
	fd_msg_free(*dna);
	*dna = NULL;
}

static int on_drr(struct msg **msg, struct avp *avp, struct session *sess, void *opaque, enum disp_action *act)
{
	struct avp *user = bare_child(*msg, DIA_User_Identifier), *dn;
	union avp_value *ext_id = user ? bare_value(user, DIA_External_Identifier) : NULL, *number = bare_value(*msg, DIA_Reference_Number);
	struct msg *out;
	const char *realm;
	int rc;

	if (!ext_id || !number)
		return EINVAL;
	realm = memchr(asked[number->u32 % PLACES].host, '.', asked[number->u32 % PLACES].n);
	if (!realm)
		return EINVAL;
	realm++;
	rc = bare_request(dnr, asked[number->u32 % PLACES].host, asked[number->u32 % PLACES].n, realm,
	                  asked[number->u32 % PLACES].n - (size_t)(realm - asked[number->u32 % PLACES].host), &out);
	rc = rc ?: bare_u32(out, DIA_Auth_Application_Id, TSP_APP);
	rc = rc ?: bare_group(out, DIA_Device_Notification, &dn);
	rc = rc ?: bare_octets(dn, DIA_External_Identifier, ext_id->os.data, ext_id->os.len);
	rc = rc ?: bare_u32(dn, DIA_Reference_Number, number->u32);
	rc = rc ?: bare_u32(dn, DIA_Action_Type, REPORT);
	rc = rc ?: bare_u32(dn, DIA_Delivery_Outcome, 0);
	rc = rc ?: fd_msg_send(&out, on_dna, *msg);
	if (!rc)
		*msg = NULL;
	return rc;
}

static int bare_relay_entry(char *argument)
{
	static const enum dia_id ids[] = {
		DIA_Session_Id, DIA_Auth_Session_State, DIA_Destination_Host, DIA_Destination_Realm, DIA_Result_Code,
		DIA_Auth_Application_Id, DIA_Device_Notification, DIA_External_Identifier, DIA_Reference_Number, DIA_Action_Type,
		DIA_Request_Status, DIA_User_Identifier, DIA_User_Name, DIA_SM_RP_SMEA, DIA_Payload, DIA_Validity_Time,
		DIA_Priority_Indication, DIA_Trigger_Action, DIA_Supported_Features, DIA_Vendor_Id, DIA_Feature_List_ID,
		DIA_Feature_List, DIA_Delivery_Outcome,
	};
	int rc = argument && strlen(argument) < sizeof(smssc) ? bare_avps(ids, sizeof(ids) / sizeof(*ids)) : EINVAL;

	if (rc)
		return rc;
	strcpy(smssc, argument);
	rc = bare_command("Device-Trigger-Request", &dtr) ?: bare_command("Device-Notification-Request", &dnr);
	rc = rc ?: bare_serve(TSP_APP, "Device-Action-Request", on_dar);
	return rc ?: bare_serve(T4_APP, "Delivery-Report-Request", on_drr);
}

void fd_ext_fini(void)
{
}

EXTENSION_ENTRY("bare_relay", bare_relay_entry, "dict_mtc");
