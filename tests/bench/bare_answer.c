/* bare_answer.c - the least that freeDiameter can do with a DAR: every one is answered at once, with the DAA that the
 * node sends to an SCS without a grant. */
#include "bare.h"

#define NOTAUTHORIZED 105u

static int on_dar(struct msg **msg, struct avp *avp, struct session *sess, void *opaque, enum disp_action *act)
{
	struct avp *action = bare_child(*msg, DIA_Device_Action);
	int rc = action ? bare_answer(msg) : EINVAL;

	rc = rc ?: bare_notification(*msg, action, NOTAUTHORIZED);
	return rc ?: fd_msg_send(msg, NULL, NULL);
}

static int bare_answer_entry(char *conf_file)
{
	static const enum dia_id ids[] = {
		DIA_Auth_Session_State, DIA_Result_Code, DIA_Auth_Application_Id, DIA_Device_Notification, DIA_External_Identifier,
		DIA_Reference_Number, DIA_Action_Type, DIA_Request_Status,
	};

	return bare_avps(ids, sizeof(ids) / sizeof(*ids)) ?: bare_serve(TSP_APP, "Device-Action-Request", on_dar);
}

void fd_ext_fini(void)
{
}

EXTENSION_ENTRY("bare_answer", bare_answer_entry, "dict_mtc");
