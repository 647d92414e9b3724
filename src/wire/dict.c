/* dict.c - finding rows of the dictionary. */
#include "dict.h"
#include <string.h>
#include "dict_slots.h"

const struct dia_avpdef *dia_avp_find(uint32_t code, uint32_t vendor)
{
	for (size_t s = (code + vendor) % DIA_AVP_SLOTS; dia_avp_slots[s] != DIA_NO_SLOT; s = (s + 1) % DIA_AVP_SLOTS) {
		const struct dia_avpdef *def = &dia_avps[dia_avp_slots[s]];

		if (def->code == code && def->vendor == vendor)
			return def;
	}
	return NULL;
}

/* For scripts and start-up, where one look at each row costs nothing. */
const struct dia_avpdef *dia_avp_named(const char *name)
{
	for (size_t i = 0; i < dia_navps; i++)
		if (strcmp(dia_avps[i].name, name) == 0)
			return &dia_avps[i];
	return NULL;
}

const struct dia_cmddef *dia_cmd_find(uint32_t code, uint32_t app, bool request)
{
	size_t s = (2 * (uint64_t)code + request) % DIA_CMD_SLOTS;

	for (; dia_cmd_slots[s] != DIA_NO_SLOT; s = (s + 1) % DIA_CMD_SLOTS) {
		const struct dia_cmddef *cmd = &dia_cmds[dia_cmd_slots[s]];

		if (cmd->code == code && cmd->request == request)
			return cmd->app == app || cmd->app == 0 ? cmd : NULL;
	}
	return NULL;
}

const char *dia_enum_name(const struct dia_avpdef *avp, uint32_t value)
{
	size_t low = 0, high = avp->nenums;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (avp->enums[mid].value == value)
			return avp->enums[mid].name;
		if (avp->enums[mid].value < value)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}
