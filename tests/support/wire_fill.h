/* wire_fill.h - messages made from their ABNF: every AVP that a command names, and
 * in its groups likewise. */
#pragma once
#include <string.h>
#include "wire.h"

/* `round` picks the values of enumerations, so that enough rounds show them all. */
static inline void fill_rules(struct dia_writer *w, const struct dia_rule *rules, size_t n, unsigned round);

static inline void fill_avp(struct dia_writer *w, enum dia_id id, unsigned round)
{
	static const uint8_t address[6] = { 0, 1, 127, 0, 0, 1 };
	const struct dia_avpdef *def = &dia_avps[id];
	uint32_t value = def->nenums ? def->enums[round % def->nenums].value : 7 + round;

	if (id == DIA_Vendor_Id || id == DIA_Supported_Vendor_Id)
		value = DIA_VENDOR_3GPP;
	else if (id == DIA_Auth_Application_Id || id == DIA_Acct_Application_Id)
		value = 16777309;
	switch (def->type) {
	case DIA_GROUPED:
		dia_open(w, id);
		fill_rules(w, def->rules, def->nrules, round);
		dia_close(w);
		break;
	case DIA_ADDRESS:
		dia_put_octets(w, id, address, sizeof(address));
		break;
	case DIA_UNSIGNED64:
		dia_put_u64(w, id, value);
		break;
	case DIA_TIME: case DIA_INTEGER32: case DIA_UNSIGNED32: case DIA_ENUMERATED:
		dia_put_u32(w, id, value);
		break;
	case DIA_IDENTITY:
		dia_put_text(w, id, "node.example.com");
		break;
	case DIA_URI:
		dia_put_text(w, id, "aaa://node.example.com:3868;transport=tcp");
		break;
	case DIA_OCTETSTRING: case DIA_UTF8STRING:
		dia_put_octets(w, id, "12345", 1 + round % 5);
		break;
	}
}

static inline void fill_rules(struct dia_writer *w, const struct dia_rule *rules, size_t n, unsigned round)
{
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < (rules[i].max < 0 ? 2 : 1); k++)
			fill_avp(w, (enum dia_id)rules[i].avp, round);
}

static inline bool fill_message(struct dia_writer *w, const struct dia_cmddef *cmd, unsigned round)
{
	dia_begin(w, (cmd->request ? DIA_F_REQUEST : 0) | (cmd->proxiable ? DIA_F_PROXIABLE : 0), cmd->code, cmd->app, round, round);
	fill_rules(w, cmd->rules, cmd->nrules, round);
	return dia_end(w);
}
