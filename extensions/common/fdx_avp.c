#include "fdx.h"
#include "log.h"

static struct dict_object *models[DIA_AVP_COUNT];

static int base_type(enum dia_type type)
{
	switch (type) {
	case DIA_INTEGER32:
	case DIA_ENUMERATED: return AVP_TYPE_INTEGER32;
	case DIA_UNSIGNED32: return AVP_TYPE_UNSIGNED32;
	case DIA_UNSIGNED64: return AVP_TYPE_UNSIGNED64;
	case DIA_GROUPED:    return AVP_TYPE_GROUPED;
	default:             return AVP_TYPE_OCTETSTRING;
	}
}

bool fdx_avps_find(const enum dia_id *ids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct dia_avpdef *def = &dia_avps[ids[i]];
		struct dict_avp_request want = { .avp_vendor = def->vendor, .avp_code = def->code };
		struct dict_avp_data have;
		if (fd_dict_search(fd_g_config->cnf_dict, DICT_AVP, AVP_BY_CODE_AND_VENDOR, &want, &models[ids[i]], ENOENT)) {
			iwf_log(IWF_LOG_ERROR, IWF_SUB_CONF, "AVP %s (%u, vendor %u) is not in the dictionary: "
			        "load dict_mtc.fdx before this extension", def->name, def->code, def->vendor);
			return false;
		}
		/* 32-bit kinds are one on the wire; dictionaries differ in what they call them. */
		int ours = base_type(def->type);
		if (fd_dict_getval(models[ids[i]], &have) ||
		    ((int)have.avp_basetype != ours &&
		     !((ours == AVP_TYPE_INTEGER32 || ours == AVP_TYPE_UNSIGNED32) &&
		       (have.avp_basetype == AVP_TYPE_INTEGER32 || have.avp_basetype == AVP_TYPE_UNSIGNED32)))) {
			iwf_log(IWF_LOG_ERROR, IWF_SUB_CONF, "AVP %s (%u, vendor %u) has another type in the dictionary than in %s",
			        def->name, def->code, def->vendor, def->clause);
			return false;
		}
	}
	return true;
}

bool fdx_app_find(uint32_t id, struct dict_object **app, struct dict_object **vendor)
{
	application_id_t app_id = id;
	vendor_id_t vendor_id = DIA_VENDOR_3GPP;

	if (fd_dict_search(fd_g_config->cnf_dict, DICT_APPLICATION, APPLICATION_BY_ID, &app_id, app, ENOENT) == 0 &&
	    fd_dict_search(fd_g_config->cnf_dict, DICT_VENDOR, VENDOR_BY_ID, &vendor_id, vendor, ENOENT) == 0)
		return true;
	iwf_log(IWF_LOG_ERROR, IWF_SUB_CONF, "application %u is not in the dictionary: load dict_mtc.fdx before this extension", id);
	return false;
}

bool fdx_cmd_find(const char *name, struct dict_object **cmd)
{
	if (fd_dict_search(fd_g_config->cnf_dict, DICT_COMMAND, CMD_BY_NAME, name, cmd, ENOENT) == 0)
		return true;
	iwf_log(IWF_LOG_ERROR, IWF_SUB_CONF, "command %s is not in the dictionary: load dict_mtc.fdx before this extension", name);
	return false;
}

static int put(msg_or_avp *in, enum dia_id id, union avp_value *value)
{
	struct avp *avp;
	int rc = fd_msg_avp_new(models[id], 0, &avp);
	if (rc)
		return rc;
	rc = fd_msg_avp_setvalue(avp, value);
	if (!rc)
		rc = fd_msg_avp_add(in, MSG_BRW_LAST_CHILD, avp);
	if (rc)
		fd_msg_free(avp);
	return rc;
}

int fdx_put_u32(msg_or_avp *in, enum dia_id id, uint32_t value)
{
	return put(in, id, &(union avp_value){ .u32 = value });
}

int fdx_put_octets(msg_or_avp *in, enum dia_id id, const void *p, size_t n)
{
	/* freeDiameter copies, and wants a pointer for no octets too. */
	return put(in, id, &(union avp_value){ .os = { .data = p ? (uint8_t *)(uintptr_t)p : (uint8_t *)"", .len = n } });
}

int fdx_put_text(msg_or_avp *in, enum dia_id id, const char *text)
{
	return fdx_put_octets(in, id, text, strlen(text));
}

int fdx_open(msg_or_avp *in, enum dia_id group, struct avp **out)
{
	int rc = fd_msg_avp_new(models[group], 0, out);
	if (rc)
		return rc;
	rc = fd_msg_avp_add(in, MSG_BRW_LAST_CHILD, *out);
	if (rc)
		fd_msg_free(*out);
	return rc;
}

int fdx_put_features(msg_or_avp *in, uint32_t bits)
{
	struct avp *group;
	int rc = fdx_open(in, DIA_Supported_Features, &group);

	rc = rc ?: fdx_put_u32(group, DIA_Vendor_Id, DIA_VENDOR_3GPP);
	rc = rc ?: fdx_put_u32(group, DIA_Feature_List_ID, 1);
	return rc ?: fdx_put_u32(group, DIA_Feature_List, bits);
}

int fdx_put_failed_avp(struct msg *msg, const uint8_t *avps, size_t n)
{
	struct avp *avp;
	struct avp_hdr *hdr;
	union avp_value value = { .os = { .data = (uint8_t *)(uintptr_t)avps, .len = n } };

	/* The API has no way to put encoded AVPs into a group, so an AVP of octets
	 * is given the code of Failed-AVP: on the wire they are the same. */
	int rc = fd_msg_avp_new(models[DIA_Proxy_State], 0, &avp);
	if (rc)
		return rc;
	rc = fd_msg_avp_setvalue(avp, &value) ?: fd_msg_avp_hdr(avp, &hdr);
	if (!rc) {
		hdr->avp_code = dia_avps[DIA_Failed_AVP].code;
		hdr->avp_flags = AVP_FLAG_MANDATORY;
		rc = fd_msg_avp_add(msg, MSG_BRW_LAST_CHILD, avp);
	}
	if (rc)
		fd_msg_free(avp);
	return rc;
}

struct avp *fdx_first(msg_or_avp *in)
{
	struct avp *avp = NULL;
	return fd_msg_browse(in, MSG_BRW_FIRST_CHILD, &avp, NULL) ? NULL : avp;
}

struct avp *fdx_next(struct avp *avp)
{
	struct avp *next = NULL;
	return fd_msg_browse(avp, MSG_BRW_NEXT, &next, NULL) ? NULL : next;
}

int fdx_id(struct avp *avp, struct avp_hdr **hdr)
{
	if (fd_msg_avp_hdr(avp, hdr))
		return -1;
	const struct dia_avpdef *def =
		dia_avp_find((*hdr)->avp_code, (*hdr)->avp_flags & AVP_FLAG_VENDOR ? (*hdr)->avp_vendor : 0);
	/* A value that is not there was not parsed: nothing to read from. */
	if (!def || (def->type != DIA_GROUPED && !(*hdr)->avp_value))
		return -1;
	return (int)(def - dia_avps);
}

struct iwf_view fdx_view(const struct avp_hdr *hdr)
{
	return (struct iwf_view){ hdr->avp_value->os.data, hdr->avp_value->os.len };
}

void fdx_text(const struct avp_hdr *hdr, char *out, size_t size)
{
	struct iwf_view v = fdx_view(hdr);
	size_t n = v.n < size - 1 ? v.n : size - 1;
	memcpy(out, v.p, n);
	out[n] = 0;
}

bool fdx_read_features(struct avp *avp, uint32_t *bits)
{
	uint32_t vendor = 0, list = 0;
	struct avp_hdr *hdr;

	*bits = 0;
	for (struct avp *a = fdx_first(avp); a; a = fdx_next(a))
		switch (fdx_id(a, &hdr)) {
		case DIA_Vendor_Id:       vendor = hdr->avp_value->u32; break;
		case DIA_Feature_List_ID: list = hdr->avp_value->u32; break;
		case DIA_Feature_List:    *bits = hdr->avp_value->u32; break;
		}
	return vendor == DIA_VENDOR_3GPP && list == 1;
}

void fdx_read_result(struct msg *answer, uint32_t *result, uint32_t *experimental)
{
	struct avp_hdr *hdr;

	*result = *experimental = 0;
	for (struct avp *a = fdx_first(answer); a; a = fdx_next(a)) {
		int id = fdx_id(a, &hdr);
		if (id == DIA_Result_Code)
			*result = hdr->avp_value->u32;
		if (id != DIA_Experimental_Result)
			continue;
		uint32_t vendor = 0, code = 0;
		for (struct avp *b = fdx_first(a); b; b = fdx_next(b)) {
			int member = fdx_id(b, &hdr);
			if (member == DIA_Vendor_Id)
				vendor = hdr->avp_value->u32;
			else if (member == DIA_Experimental_Result_Code)
				code = hdr->avp_value->u32;
		}
		if (vendor == DIA_VENDOR_3GPP)
			*experimental = code;
		else if (code)
			*result = code;   /* of a vendor we know nothing of: its class still counts */
	}
}
