/* check_dict.c - the tables, what they say of some rows, and what the generator refuses. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dict.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

START_TEST(every_avp_is_found)
{
	for (size_t i = 0; i < dia_navps; i++) {
		const struct dia_avpdef *def = &dia_avps[i];

		ck_assert_ptr_eq(dia_avp_find(def->code, def->vendor), def);
		ck_assert_ptr_eq(dia_avp_named(def->name), def);
		ck_assert_msg((def->nrules == 0) || def->type == DIA_GROUPED, "%s", def->name);
		ck_assert_msg(def->type != DIA_GROUPED || def->nrules || i == DIA_Failed_AVP, "%s has no members", def->name);
		ck_assert_msg(def->type != DIA_ENUMERATED || def->nenums, "%s has no values", def->name);
		for (size_t k = 0; k < def->nenums; k++) {
			ck_assert_str_eq(dia_enum_name(def, def->enums[k].value), def->enums[k].name);
			ck_assert(k == 0 || def->enums[k - 1].value < def->enums[k].value);
		}
		for (size_t k = 0; k < def->nrules; k++)
			ck_assert_uint_lt(def->rules[k].avp, dia_navps);
		ck_assert_ptr_null(dia_enum_name(def, 0xfffffffe));
	}
	ck_assert_uint_eq(dia_navps, DIA_AVP_COUNT);
	ck_assert_ptr_null(dia_avp_find(3007, 0));
	ck_assert_ptr_null(dia_avp_find(263, 10415));
	ck_assert_ptr_null(dia_avp_find(0xffffffff, 0xffffffff));
	ck_assert_ptr_null(dia_avp_named("Reference-Numbe"));
}
END_TEST

START_TEST(every_command_is_found)
{
	for (size_t i = 0; i < dia_ncmds; i++) {
		const struct dia_cmddef *cmd = &dia_cmds[i];

		ck_assert_ptr_eq(dia_cmd_find(cmd->code, cmd->app, cmd->request), cmd);
		if (cmd->app)
			ck_assert_ptr_null(dia_cmd_find(cmd->code, cmd->app + 1, cmd->request));
		else
			ck_assert_ptr_eq(dia_cmd_find(cmd->code, 16777309, cmd->request), cmd);
		ck_assert_msg(cmd->nrules, "%s has no ABNF", cmd->abbrev);
	}
	ck_assert_ptr_null(dia_cmd_find(1, 0, true));
}
END_TEST

/* Rows as the tables of the specifications have them, typed here once more. */
static const struct { const char *name; uint32_t code, vendor; enum dia_type type; enum dia_mflag m; } rows[] = {
	{ "Session-Id", 263, 0, DIA_UTF8STRING, DIA_M_MUST },
	{ "Error-Message", 281, 0, DIA_UTF8STRING, DIA_M_MUSTNOT },
	{ "DRMP", 301, 0, DIA_ENUMERATED, DIA_M_MUSTNOT },
	{ "Validity-Time", 448, 0, DIA_UNSIGNED32, DIA_M_MUST },
	{ "OC-Feature-Vector", 622, 0, DIA_UNSIGNED64, DIA_M_MUSTNOT },
	{ "Supported-Features", 628, 10415, DIA_GROUPED, DIA_M_MAY },
	{ "Feature-List-ID", 629, 10415, DIA_UNSIGNED32, DIA_M_MUSTNOT },
	{ "Feature-List", 630, 10415, DIA_UNSIGNED32, DIA_M_MUSTNOT },
	{ "MSISDN", 701, 10415, DIA_OCTETSTRING, DIA_M_MUST },
	{ "Serving-Node", 2401, 10415, DIA_GROUPED, DIA_M_MUST },
	{ "Device-Action", 3001, 10415, DIA_GROUPED, DIA_M_MUST },
	{ "Request-Status", 3008, 10415, DIA_ENUMERATED, DIA_M_MUST },
	{ "Old-Reference-Number", 3011, 10415, DIA_UNSIGNED32, DIA_M_MUSTNOT },
	{ "User-Identifier", 3102, 10415, DIA_GROUPED, DIA_M_MUST },
	{ "External-Identifier", 3111, 10415, DIA_UTF8STRING, DIA_M_MUST },
	{ "SM-Delivery-Outcome-T4", 3200, 10415, DIA_ENUMERATED, DIA_M_MUST },
	{ "Trigger-Action", 3202, 10415, DIA_UNSIGNED32, DIA_M_MUSTNOT },
	{ "SM-RP-UI", 3301, 10415, DIA_OCTETSTRING, DIA_M_MUST },
	{ "SM-RP-SMEA", 3309, 10415, DIA_OCTETSTRING, DIA_M_MUST },
	{ "SMSF-Non-3GPP-Realm", 3343, 10415, DIA_IDENTITY, DIA_M_MUSTNOT },
};

static const struct { const char *avp; uint32_t value; const char *name; } values[] = {
	{ "Action-Type", 5, "MSISDN_LESS_MO_SMS_DELIVERY" },
	{ "Request-Status", 0, "SUCCESS" },
	{ "Request-Status", 112, "ORIGINALMESSAGESENT" },
	{ "Request-Status", 201, "TEMPORARYERROR" },
	{ "Delivery-Outcome", 4, "UNCONFIRMED" },
	{ "HSS-Cause", 4, "CALL_BARRED" },
	{ "DRMP", 15, "PRIORITY_15" },
	{ "Result-Code", 5014, "DIAMETER_INVALID_AVP_LENGTH" },
	{ "Experimental-Result-Code", 5001, "DIAMETER_ERROR_USER_UNKNOWN" },
	{ "Experimental-Result-Code", 5535, "DIAMETER_ERROR_ORIGINAL_MESSAGE_NOT_PENDING" },
};

START_TEST(rows_say_so)
{
	for (size_t i = 0; i < N(rows); i++) {
		const struct dia_avpdef *def = dia_avp_find(rows[i].code, rows[i].vendor);

		ck_assert_msg(def && strcmp(def->name, rows[i].name) == 0, "%s", rows[i].name);
		ck_assert_msg(def->type == rows[i].type, "%s", rows[i].name);
		ck_assert_msg(def->m == rows[i].m, "%s", rows[i].name);
	}
	for (size_t i = 0; i < N(values); i++)
		ck_assert_str_eq(dia_enum_name(dia_avp_named(values[i].avp), values[i].value), values[i].name);
	ck_assert_str_eq(dia_avps[DIA_Reference_Number].clause, "TS 29.368 6.4.8");
	ck_assert_str_eq(dia_avps[DIA_Reference_Number].origin, "tsp");
	ck_assert(dia_avps[DIA_HSS_Cause].mask && !dia_avps[DIA_Action_Type].mask);
	ck_assert_str_eq(dia_cmd_find(8388644, 16777311, true)->name, "Delivery-Report-Request");
}
END_TEST

/* What the generator refuses, behind these rows. */
#define GOOD \
	"app, Tsp, 16777309, TS 29.368 6\n" \
	"cmd, Device-Action-Request, DAR, 8388639, Tsp, REQ, PXY, TS 29.368 6\n" \
	"avp, Device-Action, 3001, 10415, Grouped, M, TS 29.368 6.4.2\n" \
	"avp, Action-Type, 3005, 10415, Enumerated, M, TS 29.368 6.4.6\n" \
	"enum, Action-Type, 1, TRIGGER, TS 29.368 6.4.6\n" \
	"has, DAR, Device-Action, 0, 1, optional, TS 29.368 6\n"

static const struct { const char *row, *says; } refused[] = {
	{ "", NULL },
	{ "avp, Action-Type, 3006, 10415, Enumerated, M, TS 1", ":7: AVP Action-Type a second time" },
	{ "avp, Other, 3005, 10415, Enumerated, M, TS 1", ":7: AVP code 3005 of vendor 10415 a second time" },
	{ "avp, Other, 3005, 0, Enumerated, M, TS 1", NULL },
	{ "enum, Action-Type, 1, OTHER, TS 1", ":7: value 1 of Action-Type a second time" },
	{ "enum, Action-Type, 2, TRIGGER, TS 1", ":7: TRIGGER of Action-Type a second time" },
	{ "has, DAR, Device-Action, 1, 1, required, TS 1", ":7: Device-Action in DAR a second time" },
	{ "cmd, Other, DAR, 1, Tsp, REQ, PXY, TS 1", ":7: command DAR a second time" },
	{ "cmd, Other, OTR, 8388639, Tsp, REQ, PXY, TS 1", ":7: command code 8388639 a second time" },
	{ "app, Tsp, 1, TS 1", ":7: application Tsp a second time" },
	{ "app, Other, 16777309, TS 1", ":7: application id 16777309 a second time" },
	{ "enum, Nobody, 1, X, TS 1", ":7: enum of an unknown AVP Nobody" },
	{ "bit, Nobody, 1, X, TS 1", ":7: bit of an unknown AVP Nobody" },
	{ "enum, Device-Action, 1, X, TS 1", ":7: enum of Device-Action which is Grouped" },
	{ "bit, Action-Type, 1, X, TS 1", ":7: bit of Action-Type which is Enumerated" },
	{ "has, Device-Action, Nobody, 0, 1, optional, TS 1", ":7: unknown AVP Nobody as member of Device-Action" },
	{ "has, Nobody, Action-Type, 0, 1, optional, TS 1", ":7: member of an unknown command or AVP Nobody" },
	{ "has, Action-Type, Device-Action, 0, 1, optional, TS 1", ":7: member of Action-Type which is Enumerated" },
	{ "avp, Other, 1, 0, Unsigned23, M, TS 1", ":7: no such type: \"Unsigned23\"" },
	{ "avp, Other, 1, 0, Unsigned32, yes, TS 1", ":7: M flag is M, - or ?, not \"yes\"" },
	{ "avp, Other, 4294967296, 0, Unsigned32, M, TS 1", ":7: bad AVP code \"4294967296\"" },
	{ "avp, Ot\"her, 1, 0, Unsigned32, M, TS 1", ":7: bad name \"Ot\"her\"" },
	{ "avp, Other, 1, 0, Unsigned32, M", ":7: clause missing" },
	{ "avp, Other, 1, 0, Unsigned32, M,", ":7: clause missing" },
	{ "has, DAR, Action-Type, 0, 1, optional", ":7: clause missing" },
	{ "avp, Other, 1, 0, Unsigned32, M, somewhere", ":7: clause names no RFC and no TS: \"somewhere\"" },
	{ "avp, Other, 1", ":7: avp wants 7 columns, this row has 3" },
	{ "avq, Other, 1, 0, Unsigned32, M, TS 1", ":7: no such kind of row: \"avq\"" },
	{ "has, DAR, Action-Type, 2, 1, required, TS 1", ":7: maximum below minimum" },
	{ "has, DAR, Action-Type, 0, 1, required, TS 1", ":7: required does not go with a minimum of 0" },
	{ "has, DAR, Action-Type, 1, 1, optional, TS 1", ":7: optional does not go with a minimum of 1" },
	{ "cmd, Other, OTR, 1, Nobody, REQ, PXY, TS 1", ":7: command OTR of an unknown application Nobody" },
};

static int generate(const char *rows_text, const char *make, char *out, size_t size)
{
	char file[] = "/tmp/check_dict.XXXXXX", command[1024];
	int fd = mkstemp(file), status;
	FILE *f = fdopen(fd, "w"), *p;
	size_t n;

	ck_assert_ptr_nonnull(f);
	fputs(rows_text, f);
	fclose(f);
	snprintf(command, sizeof(command), "LC_ALL=C %s -v make=%s -f '%s' %s 2>&1", AWK, make, GEN_DICT, file);
	p = popen(command, "r");
	ck_assert_ptr_nonnull(p);
	n = fread(out, 1, size - 1, p);
	out[n] = '\0';
	while (fgetc(p) != EOF)
		;
	status = pclose(p);
	unlink(file);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(generator_refuses)
{
	char text[4096], out[4096];
	int status;

	snprintf(text, sizeof(text), "%s%s\n", GOOD, refused[_i].row);
	status = generate(text, "ids", out, sizeof(out));
	if (refused[_i].says == NULL) {
		ck_assert_msg(status == 0, "%s: %s", refused[_i].row, out);
		ck_assert_ptr_nonnull(strstr(out, "DIA_Action_Type = 1,"));
		return;
	}
	ck_assert_msg(status == 1, "%s: status %d: %s", refused[_i].row, status, out);
	ck_assert_msg(strstr(out, refused[_i].says), "%s: %s", refused[_i].row, out);
	ck_assert_msg(strstr(out, "DIA_") == NULL, "%s: writes tables nevertheless", refused[_i].row);
}
END_TEST

START_TEST(generator_tells_all)
{
	char out[4096];

	ck_assert_int_eq(generate(GOOD "avp, A, 1, 0, Bad, M, TS 1\navp, B, 2, 0, Bad, M, TS 1\n", "tables", out, sizeof(out)), 1);
	ck_assert_ptr_nonnull(strstr(out, ":7: "));
	ck_assert_ptr_nonnull(strstr(out, ":8: "));
	ck_assert_int_eq(generate("", "ids", out, sizeof(out)), 1);
	ck_assert_int_eq(generate(GOOD, "nothing", out, sizeof(out)), 2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dict");
	TCase *tc = tcase_create("dict");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, every_avp_is_found);
	tcase_add_test(tc, every_command_is_found);
	tcase_add_test(tc, rows_say_so);
	tcase_add_loop_test(tc, generator_refuses, 0, N(refused));
	tcase_add_test(tc, generator_tells_all);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
