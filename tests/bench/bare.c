/* bare.c - see bare.h */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "bare.h"

static struct dict_object *models[DIA_AVP_COUNT];

int bare_avps(const enum dia_id *ids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct dict_avp_request want = { .avp_vendor = dia_avps[ids[i]].vendor, .avp_code = dia_avps[ids[i]].code };
		int rc = fd_dict_search(fd_g_config->cnf_dict, DICT_AVP, AVP_BY_CODE_AND_VENDOR, &want, &models[ids[i]], ENOENT);

		if (rc)
			return rc;
	}
	return 0;
}

int bare_command(const char *name, struct dict_object **out)
{
	return fd_dict_search(fd_g_config->cnf_dict, DICT_COMMAND, CMD_BY_NAME, name, out, ENOENT);
}

static int anybody(struct peer_info *info, int *auth, int (**second)(struct peer_info *))
{
	*auth = 1;
	return 0;
}

int bare_serve(uint32_t app, const char *command, int (*cb)(struct msg **, struct avp *, struct session *, void *, enum disp_action *))
{
	vendor_id_t vendor_id = DIA_VENDOR_3GPP;
	struct dict_object *vendor;
	struct disp_when when = { 0 };
	struct disp_hdl *hdl;
	int rc = fd_dict_search(fd_g_config->cnf_dict, DICT_APPLICATION, APPLICATION_BY_ID, &app, &when.app, ENOENT);

	rc = rc ?: fd_dict_search(fd_g_config->cnf_dict, DICT_VENDOR, VENDOR_BY_ID, &vendor_id, &vendor, ENOENT);
	rc = rc ?: bare_command(command, &when.command);
	rc = rc ?: fd_disp_register(cb, DISP_HOW_CC, &when, NULL, &hdl);
	rc = rc ?: fd_disp_app_support(when.app, vendor, 1, 0);
	fd_peer_validate_register(anybody);   /* EALREADY the second time */
	return rc;
}

static int put(msg_or_avp *in, enum dia_id id, union avp_value *v)
{
	struct avp *avp;
	int rc = fd_msg_avp_new(models[id], 0, &avp);

	return rc ?: fd_msg_avp_setvalue(avp, v) ?: fd_msg_avp_add(in, MSG_BRW_LAST_CHILD, avp);
}

int bare_u32(msg_or_avp *in, enum dia_id id, uint32_t v)
{
	return put(in, id, &(union avp_value){ .u32 = v });
}

int bare_octets(msg_or_avp *in, enum dia_id id, const void *p, size_t n)
{
	return put(in, id, &(union avp_value){ .os = { .data = (uint8_t *)(uintptr_t)p, .len = n } });
}

int bare_group(msg_or_avp *in, enum dia_id id, struct avp **out)
{
	return fd_msg_avp_new(models[id], 0, out) ?: fd_msg_avp_add(in, MSG_BRW_LAST_CHILD, *out);
}

struct avp *bare_child(msg_or_avp *in, enum dia_id id)
{
	struct avp *a = NULL, *next;
	struct avp_hdr *hdr;

	if (fd_msg_browse(in, MSG_BRW_FIRST_CHILD, &a, NULL))
		return NULL;
	while (a && !(fd_msg_avp_hdr(a, &hdr) == 0 && hdr->avp_code == dia_avps[id].code)) {
		next = NULL;
		fd_msg_browse(a, MSG_BRW_NEXT, &next, NULL);
		a = next;
	}
	return a;
}

union avp_value *bare_value(msg_or_avp *in, enum dia_id id)
{
	struct avp *a = bare_child(in, id);
	struct avp_hdr *hdr;

	return a && fd_msg_avp_hdr(a, &hdr) == 0 ? hdr->avp_value : NULL;
}

int bare_answer(struct msg **msg)
{
	int rc = fd_msg_new_answer_from_req(fd_g_config->cnf_dict, msg, 0);

	rc = rc ?: bare_u32(*msg, DIA_Auth_Session_State, 1);
	rc = rc ?: fd_msg_add_origin(*msg, 0);
	return rc ?: bare_u32(*msg, DIA_Result_Code, 2001);
}

int bare_request(struct dict_object *command, const void *host, size_t host_n, const void *realm, size_t realm_n, struct msg **out)
{
	static atomic_uint number;
	char session[320];
	int n = snprintf(session, sizeof(session), "%s;%u;%u", fd_g_config->cnf_diamid, (unsigned)time(NULL), atomic_fetch_add(&number, 1));
	int rc = fd_msg_new(command, MSGFL_ALLOC_ETEID, out);

	rc = rc ?: bare_octets(*out, DIA_Session_Id, session, (size_t)n);
	rc = rc ?: bare_u32(*out, DIA_Auth_Session_State, 1);
	rc = rc ?: fd_msg_add_origin(*out, 0);
	rc = rc ?: bare_octets(*out, DIA_Destination_Host, host, host_n);
	return rc ?: bare_octets(*out, DIA_Destination_Realm, realm, realm_n);
}

int bare_notification(struct msg *answer, struct avp *action, uint32_t status)
{
	union avp_value *ext_id = bare_value(action, DIA_External_Identifier), *reference = bare_value(action, DIA_Reference_Number);
	struct avp *dn;
	int rc = bare_u32(answer, DIA_Auth_Application_Id, TSP_APP) ?: bare_group(answer, DIA_Device_Notification, &dn);

	rc = rc ?: bare_octets(dn, DIA_External_Identifier, ext_id->os.data, ext_id->os.len);
	rc = rc ?: bare_u32(dn, DIA_Reference_Number, reference->u32);
	rc = rc ?: bare_u32(dn, DIA_Action_Type, 1);
	return rc ?: bare_u32(dn, DIA_Request_Status, status);
}
