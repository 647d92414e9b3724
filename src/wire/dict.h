/* dict.h - the Diameter dictionary as constant tables, generated at build time
 * from dict/ (csv).  The freeDiameter extension, the byte codec and the Wireshark
 * overlay all come from these rows, so they cannot disagree. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIA_VENDOR_3GPP 10415u

enum dia_type {
	DIA_OCTETSTRING, DIA_UTF8STRING, DIA_IDENTITY, DIA_URI, DIA_ADDRESS, DIA_TIME,
	DIA_INTEGER32, DIA_UNSIGNED32, DIA_UNSIGNED64, DIA_ENUMERATED, DIA_GROUPED,
};
enum dia_mflag { DIA_M_MUST, DIA_M_MUSTNOT, DIA_M_MAY };

struct dia_enumval { uint32_t value; const char *name; };

struct dia_rule {                 /* one line of an ABNF */
	uint16_t avp;                 /* index into dia_avps */
	int16_t min, max;             /* max -1: any number */
	bool fixed;                   /* < >: at the head, in this order */
};

struct dia_avpdef {
	const char *name;
	uint32_t code, vendor;
	enum dia_type type;
	enum dia_mflag m;
	const struct dia_enumval *enums; uint16_t nenums;   /* ascending values */
	bool mask;                    /* the values are bits that go together */
	const struct dia_rule *rules;    uint16_t nrules;   /* of a Grouped AVP */
	const char *clause;           /* "TS 29.368 6.4.2" */
	const char *origin;           /* csv file it comes from: "tsp", "s6m", "t4", "base" */
};

struct dia_cmddef {
	const char *name, *abbrev;    /* "Device-Action-Request", "DAR" */
	uint32_t code, app;
	bool request, proxiable;
	const struct dia_rule *rules; uint16_t nrules;
	const char *clause, *origin;
};

struct dia_appdef { const char *name; uint32_t id; const char *clause; };

/* Enumeration names of bit masks and of Unsigned32 codes (Result-Code,
 * Experimental-Result-Code) are kept as enums of their AVP too. */
extern const struct dia_avpdef dia_avps[];   extern const size_t dia_navps;
extern const struct dia_cmddef dia_cmds[];   extern const size_t dia_ncmds;
extern const struct dia_appdef dia_apps[];   extern const size_t dia_napps;

const struct dia_avpdef *dia_avp_find(uint32_t code, uint32_t vendor);   /* NULL: unknown */
const struct dia_avpdef *dia_avp_named(const char *name);
const struct dia_cmddef *dia_cmd_find(uint32_t code, uint32_t app, bool request);  /* app 0 commands match any app */
const char *dia_enum_name(const struct dia_avpdef *avp, uint32_t value); /* NULL: unknown */
/* Every AVP of the tables has a constant in dict_ids.h: DIA_Reference_Number is
 * its index, so that code names AVPs and the compiler checks the name. */
#include "dict_ids.h"
