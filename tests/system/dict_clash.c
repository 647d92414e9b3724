/* dict_clash.c - a dictionary that is wrong on purpose, for dict_load.sh: it gives
 * Reference-Number another type, or with the argument "rule" the group
 * Trigger-Data another rule for its Payload, before dict_mtc comes. */
#include <freeDiameter/extension.h>

static int add(uint32_t code, const char *name, enum dict_avp_basetype base, struct dict_object **out)
{
	struct dict_avp_data data = { code, 10415, (char *)name, AVP_FLAG_VENDOR | AVP_FLAG_MANDATORY,
		AVP_FLAG_VENDOR | AVP_FLAG_MANDATORY, base };

	return fd_dict_new(fd_g_config->cnf_dict, DICT_AVP, &data, NULL, out);
}

static int dict_clash_entry(char *argument)
{
	struct dict_vendor_data vendor = { 10415, (char *)"3GPP" };
	struct dict_object *group, *payload;
	struct dict_rule_data rule = { .rule_position = RULE_OPTIONAL, .rule_min = 0, .rule_max = 2 };
	int ret = fd_dict_new(fd_g_config->cnf_dict, DICT_VENDOR, &vendor, NULL, NULL);

	if (ret)
		return ret;
	if (argument == NULL || strcmp(argument, "rule"))
		return add(3007, "Stock-Reference", AVP_TYPE_OCTETSTRING, NULL);
	ret = add(3003, "Trigger-Data", AVP_TYPE_GROUPED, &group);
	if (ret == 0)
		ret = add(3004, "Payload", AVP_TYPE_OCTETSTRING, &payload);
	if (ret)
		return ret;
	rule.rule_avp = payload;
	return fd_dict_new(fd_g_config->cnf_dict, DICT_RULE, &rule, group, NULL);
}

int fd_ext_init(int major, int minor, char *conffile);  /* the macro gives no prototype */
EXTENSION_ENTRY("dict_clash", dict_clash_entry);
