/* dict_mtc.c - Tsp, S6m and T4 for freeDiameter's dictionary, from the tables of dict.h.
 *
 * It works beside the dictionaries that come with freeDiameter, loaded before or
 * after it.  What is already there is compared with our row, found by code and
 * vendor:
 *  - another name, another fixed-flags mask, other or no enumeration names are
 *    harmless, since nothing of ours looks at them: the flags that freeDiameter
 *    writes do not depend on the mask, it never checks enumerated values, and
 *    our extensions look AVPs up by code and vendor;
 *  - another type, another M or V flag, another rule of a group or command change
 *    what is sent or accepted: they are reported by name and stop the start.
 * For what is loaded later, our rows are written the way freeDiameter's own
 * dictionaries write them, so that these find the same and go on. */
#include <freeDiameter/extension.h>
#include "dict.h"

/* Until 1.4 freeDiameter's dict_dcca_3gpp calls AVP 28 External-Identifier and
 * wants that name whether it is loaded before or after us; from 1.4 on it calls
 * 3111 so, as we do. */
#if FD_PROJECT_VERSION_MAJOR == 1 && FD_PROJECT_VERSION_MINOR < 4
#define EXTERNAL_IDENTIFIER_NAME "External-Identifier-3111"
#else
#define EXTERNAL_IDENTIFIER_NAME "External-Identifier"
#endif

#define NAME_MAX_LEN 80

static struct dictionary *dict;
static struct dict_object *avps[DIA_AVP_COUNT];  /* by index of dia_avps */
static bool avp_is_ours[DIA_AVP_COUNT];          /* was not there before */

static const struct { enum dict_avp_basetype base; const char *derived, *text; } types[] = {
	[DIA_OCTETSTRING] = { AVP_TYPE_OCTETSTRING, NULL,               "OctetString" },
	[DIA_UTF8STRING]  = { AVP_TYPE_OCTETSTRING, "UTF8String",       "OctetString" },
	[DIA_IDENTITY]    = { AVP_TYPE_OCTETSTRING, "DiameterIdentity", "OctetString" },
	[DIA_URI]         = { AVP_TYPE_OCTETSTRING, "DiameterURI",      "OctetString" },
	[DIA_ADDRESS]     = { AVP_TYPE_OCTETSTRING, "Address",          "OctetString" },
	[DIA_TIME]        = { AVP_TYPE_OCTETSTRING, "Time",             "OctetString" },
	[DIA_INTEGER32]   = { AVP_TYPE_INTEGER32,   NULL,               "Integer32" },
	[DIA_UNSIGNED32]  = { AVP_TYPE_UNSIGNED32,  NULL,               "Unsigned32" },
	[DIA_UNSIGNED64]  = { AVP_TYPE_UNSIGNED64,  NULL,               "Unsigned64" },
	[DIA_ENUMERATED]  = { AVP_TYPE_INTEGER32,   NULL,               "Integer32" },
	[DIA_GROUPED]     = { AVP_TYPE_GROUPED,     NULL,               "Grouped" },
};

static const char *base_text(enum dict_avp_basetype base)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].base == base)
			return types[i].text;
	return "another type";
}

static const char *flags_text(uint8_t flags)
{
	static const char *const text[] = { "none", "M", "V", "VM" };

	return text[(flags & AVP_FLAG_VENDOR ? 2 : 0) | (flags & AVP_FLAG_MANDATORY ? 1 : 0)];
}

static uint8_t flags_of(const struct dia_avpdef *def)
{
	return (def->vendor ? AVP_FLAG_VENDOR : 0) | (def->m == DIA_M_MUST ? AVP_FLAG_MANDATORY : 0);
}

static struct dict_object *find_avp(const struct dia_avpdef *def)
{
	struct dict_avp_request by_code = { .avp_vendor = def->vendor, .avp_code = def->code };
	struct dict_object *found = NULL;
	avp_code_t code = def->code;

	if (def->vendor)
		fd_dict_search(dict, DICT_AVP, AVP_BY_CODE_AND_VENDOR, &by_code, &found, 0);
	else
		fd_dict_search(dict, DICT_AVP, AVP_BY_CODE, &code, &found, 0);
	return found;
}

static bool name_is_taken(const struct dia_avpdef *def, const char *name)
{
	struct dict_avp_request by_name = { .avp_vendor = def->vendor, .avp_name = (char *)name };
	struct dict_object *found = NULL;

	if (def->vendor)
		fd_dict_search(dict, DICT_AVP, AVP_BY_NAME_AND_VENDOR, &by_name, &found, 0);
	else
		fd_dict_search(dict, DICT_AVP, AVP_BY_NAME, name, &found, 0);
	return found != NULL;
}

/* What the AVP is to be called: its own name, or with its code when somebody
 * else's AVP goes by it. */
static void choose_name(const struct dia_avpdef *def, char *out, size_t size)
{
	snprintf(out, size, "%s", def == &dia_avps[DIA_External_Identifier] ? EXTERNAL_IDENTIFIER_NAME : def->name);
	if (name_is_taken(def, out))
		snprintf(out, size, "%s-%u", def->name, def->code);
}

/* 0, or EEXIST when the AVP that is there would send or accept other octets. */
static int compare_avp(const struct dia_avpdef *def, struct dict_object *there)
{
	const uint8_t seen = AVP_FLAG_VENDOR | AVP_FLAG_MANDATORY;
	enum dict_avp_basetype base = types[def->type].base;
	struct dict_avp_data data;
	int ret = fd_dict_getval(there, &data);

	if (ret)
		return ret;
	if (data.avp_basetype == base && (def->m == DIA_M_MAY || (data.avp_flag_val & seen) == flags_of(def))) {
		if (strcmp(data.avp_name, def->name) && strcmp(data.avp_name, EXTERNAL_IDENTIFIER_NAME))
			LOG_N("dict_mtc: AVP %u of vendor %u, our %s, is called %s here", def->code, def->vendor, def->name,
			      data.avp_name);
		return 0;
	}
	LOG_E("dict_mtc: AVP %s (code %u, vendor %u) is already defined as %s with flags %s and type %s; %s wants flags %s "
	      "and type %s: another dictionary extension contradicts this one",
	      def->name, def->code, def->vendor, data.avp_name, flags_text(data.avp_flag_val & seen),
	      base_text(data.avp_basetype), def->clause, flags_text(flags_of(def)), base_text(base));
	return EEXIST;
}

/* The type behind the AVP: a new one for an enumeration, one of the base
 * protocol's, or NULL for plain data. */
static int derived_type(const struct dia_avpdef *def, struct dict_object **out)
{
	char name[NAME_MAX_LEN];
	struct dict_type_data data = { .type_base = types[def->type].base, .type_name = name };

	*out = NULL;
	if (def->type == DIA_ENUMERATED) {
		snprintf(name, sizeof(name), "Enumerated(%s%s)", def->vendor ? "3GPP/" : "", def->name);
		return fd_dict_new(dict, DICT_TYPE, &data, NULL, out);
	}
	if (types[def->type].derived == NULL)
		return 0;
	return fd_dict_search(dict, DICT_TYPE, TYPE_BY_NAME, types[def->type].derived, out, ENOENT);
}

static int add_enum_names(const struct dia_avpdef *def, struct dict_object *type)
{
	for (size_t i = 0; i < def->nenums; i++) {
		struct dict_enumval_data data = { .enum_name = (char *)def->enums[i].name };
		int ret;

		data.enum_value.i32 = (int32_t)def->enums[i].value;
		ret = fd_dict_new(dict, DICT_ENUMVAL, &data, type, NULL);
		if (ret)
			return ret;
	}
	return 0;
}

static int add_avp(size_t i)
{
	const struct dia_avpdef *def = &dia_avps[i];
	uint8_t flags = flags_of(def);
	char name[NAME_MAX_LEN];
	struct dict_avp_data data = {
		.avp_code = def->code, .avp_vendor = def->vendor, .avp_name = name,
		.avp_flag_mask = def->m == DIA_M_MAY ? AVP_FLAG_VENDOR : AVP_FLAG_VENDOR | AVP_FLAG_MANDATORY,
		.avp_flag_val = flags, .avp_basetype = types[def->type].base,
	};
	struct dict_object *type;
	int ret;

	avps[i] = find_avp(def);
	if (avps[i])
		return compare_avp(def, avps[i]);
	choose_name(def, name, sizeof(name));
	ret = derived_type(def, &type);
	if (ret == 0)
		ret = fd_dict_new(dict, DICT_AVP, &data, type, &avps[i]);
	if (ret == 0 && def->type == DIA_ENUMERATED)
		ret = add_enum_names(def, type);
	if (ret)
		LOG_E("dict_mtc: AVP %s (code %u, vendor %u) cannot be added: %s", name, def->code, def->vendor, strerror(ret));
	avp_is_ours[i] = ret == 0;
	return ret;
}

/* A rule that is there already has to say the same; -1 as a minimum means 0 for
 * an optional member and 1 for any other. */
static bool same_rule(const struct dict_rule_data *a, const struct dict_rule_data *b)
{
	int min_a = a->rule_min >= 0 ? a->rule_min : a->rule_position != RULE_OPTIONAL;
	int min_b = b->rule_min >= 0 ? b->rule_min : b->rule_position != RULE_OPTIONAL;

	return a->rule_position == b->rule_position && min_a == min_b && a->rule_max == b->rule_max;
}

static int add_rules(const char *whose, const char *clause, struct dict_object *parent, const struct dia_rule *rules, size_t n)
{
	unsigned order = 0;

	for (size_t i = 0; i < n; i++) {
		const struct dia_rule *r = &rules[i];
		struct dict_rule_data data = {
			.rule_avp = avps[r->avp], .rule_min = r->min, .rule_max = r->max,
			.rule_position = r->fixed ? RULE_FIXED_HEAD : r->min ? RULE_REQUIRED : RULE_OPTIONAL,
			.rule_order = r->fixed ? ++order : 0,
		};
		struct dict_rule_request which = { .rule_parent = parent, .rule_avp = avps[r->avp] };
		struct dict_object *found = NULL;
		struct dict_rule_data there;
		int ret;

		fd_dict_search(dict, DICT_RULE, RULE_BY_AVP_AND_PARENT, &which, &found, 0);
		if (found && fd_dict_getval(found, &there) == 0) {
			if (same_rule(&data, &there))
				continue;
			LOG_E("dict_mtc: %s in %s already has a rule with %d to %d occurrences; %s wants %d to %d (-1: any number): "
			      "another dictionary extension contradicts this one",
			      dia_avps[r->avp].name, whose, there.rule_min, there.rule_max, clause, r->min, r->max);
			return EEXIST;
		}
		ret = fd_dict_new(dict, DICT_RULE, &data, parent, NULL);
		if (ret) {
			LOG_E("dict_mtc: rule for %s in %s cannot be added: %s", dia_avps[r->avp].name, whose, strerror(ret));
			return ret;
		}
	}
	return 0;
}

static bool is_base(const char *origin)
{
	return strcmp(origin, "base") == 0;
}

static int add_vendor(void)
{
	struct dict_vendor_data data = { DIA_VENDOR_3GPP, (char *)"3GPP" };
	struct dict_object *found = NULL;
	vendor_id_t id = DIA_VENDOR_3GPP;
	int ret;

	fd_dict_search(dict, DICT_VENDOR, VENDOR_BY_ID, &id, &found, 0);
	if (found)
		return 0;
	ret = fd_dict_new(dict, DICT_VENDOR, &data, NULL, NULL);
	if (ret)
		LOG_E("dict_mtc: vendor 3GPP (%u) cannot be added: %s", DIA_VENDOR_3GPP, strerror(ret));
	return ret;
}

static int find_or_add_application(uint32_t id, struct dict_object **out)
{
	char name[NAME_MAX_LEN];
	struct dict_application_data data = { .application_id = id, .application_name = name };
	application_id_t wanted = id;
	int ret;

	*out = NULL;
	fd_dict_search(dict, DICT_APPLICATION, APPLICATION_BY_ID, &wanted, out, 0);
	if (*out)
		return 0;
	snprintf(name, sizeof(name), "application %u", id);
	for (size_t i = 0; i < dia_napps; i++)
		if (dia_apps[i].id == id)
			snprintf(name, sizeof(name), "3GPP %s", dia_apps[i].name);
	ret = fd_dict_new(dict, DICT_APPLICATION, &data, NULL, out);
	if (ret)
		LOG_E("dict_mtc: %s (%u) cannot be added: %s", name, id, strerror(ret));
	return ret;
}

static int add_command(const struct dia_cmddef *cmd)
{
	const uint8_t mask = CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE;
	struct dict_cmd_data there, data = {
		.cmd_code = cmd->code, .cmd_name = (char *)cmd->name, .cmd_flag_mask = mask,
		.cmd_flag_val = (cmd->request ? CMD_FLAG_REQUEST : 0) | (cmd->proxiable ? CMD_FLAG_PROXIABLE : 0),
	};
	struct dict_object *app, *object = NULL;
	command_code_t code = cmd->code;
	int ret = find_or_add_application(cmd->app, &app);

	if (ret)
		return ret;
	fd_dict_search(dict, DICT_COMMAND, cmd->request ? CMD_BY_CODE_R : CMD_BY_CODE_A, &code, &object, 0);
	if (object == NULL) {
		ret = fd_dict_new(dict, DICT_COMMAND, &data, app, &object);
		if (ret) {
			LOG_E("dict_mtc: command %s (%u) cannot be added: %s", cmd->name, cmd->code, strerror(ret));
			return ret;
		}
	} else if (fd_dict_getval(object, &there) == 0 && (there.cmd_flag_val & mask) != data.cmd_flag_val) {
		LOG_E("dict_mtc: command %u is already defined as %s with flags %#x; %s wants %s with flags %#x: "
		      "another dictionary extension contradicts this one",
		      cmd->code, there.cmd_name, there.cmd_flag_val & mask, cmd->clause, cmd->name, data.cmd_flag_val);
		return EEXIST;
	}
	return add_rules(cmd->name, cmd->clause, object, cmd->rules, cmd->nrules);
}

/* All AVPs before the rules that join them.  Groups of the base protocol keep
 * the rules that freeDiameter gave them. */
static int dict_mtc_entry(char *conffile)
{
	int ret;

	dict = fd_g_config->cnf_dict;
	ret = add_vendor();
	for (size_t i = 0; ret == 0 && i < dia_navps; i++)
		ret = add_avp(i);
	for (size_t i = 0; ret == 0 && i < dia_navps; i++)
		if (avp_is_ours[i] || !is_base(dia_avps[i].origin))
			ret = add_rules(dia_avps[i].name, dia_avps[i].clause, avps[i], dia_avps[i].rules, dia_avps[i].nrules);
	for (size_t i = 0; ret == 0 && i < dia_ncmds; i++)
		if (!is_base(dia_cmds[i].origin))
			ret = add_command(&dia_cmds[i]);
	if (ret == 0)
		LOG_N("dict_mtc: Tsp, S6m and T4 are in the dictionary");
	return ret;
}

int fd_ext_init(int major, int minor, char *conffile);  /* the macro gives no prototype */
EXTENSION_ENTRY("dict_mtc", dict_mtc_entry);
