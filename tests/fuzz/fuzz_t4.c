/* fuzz_t4.c - whatever an SMS-SC sends, through freeDiameter's parser and the decoding of a DTA and a DRR.
 *
 * Holds: of a DTA whose grammar is right, results, diagnostic and features are what our own codec reads in the same octets;
 * of a DRR likewise who, for what and how it ended. */
#include <string.h>
#include "fuzz.h"
#include "fd_world.h"

static unsigned ndta;
static struct t4_dta last_dta;

/* In the place of the node. */
static bool take_dta(struct iwf_node *node, uint64_t txn, const struct t4_dta *dta)
{
	HOLDS(txn == 4711);
	last_dta = *dta;
	ndta++;
	return true;
}

#define iwf_node_post_dta take_dta
#define fd_ext_init t4_init
#define fd_ext_fini t4_fini
#define fd_ext_depends t4_depends
int t4_init(int major, int minor, char *conf_file);
void t4_fini(void);
#include "../../extensions/app_t4/app_t4.c"

static uint32_t number(const uint8_t *p, size_t n, enum dia_id id)
{
	struct dia_avp a;
	uint32_t v = 0;

	return dia_msg_find(p, n, id, &a) && dia_avp_u32(&a, &v) ? v : 0;
}

static void check_dta(struct msg *msg, const uint8_t *p, size_t n)
{
	const uint32_t code = number(p, n, DIA_Result_Code);
	struct dia_avp exp, a;
	uint32_t vendor = 0, inner = 0;
	bool has_exp = dia_msg_find(p, n, DIA_Experimental_Result, &exp);

	ndta = 0;
	on_end(4711, FDX_ANSWERED, msg);
	HOLDS(ndta == 1 && (last_dta.kind == T4_ANSWERED || last_dta.kind == T4_NONSENSE));
	HOLDS((last_dta.kind == T4_ANSWERED) == (last_dta.result_code || last_dta.experimental));
	if (has_exp && dia_group_find(&exp, DIA_Vendor_Id, &a))
		dia_avp_u32(&a, &vendor);
	if (has_exp && dia_group_find(&exp, DIA_Experimental_Result_Code, &a))
		dia_avp_u32(&a, &inner);
	HOLDS(last_dta.experimental == (vendor == DIA_VENDOR_3GPP ? inner : 0));
	HOLDS(last_dta.result_code == code || (vendor != DIA_VENDOR_3GPP && last_dta.result_code == inner));
	HOLDS(last_dta.has_diagnostic == dia_msg_find(p, n, DIA_MTC_Error_Diagnostic, &a));
	HOLDS(!last_dta.has_diagnostic || last_dta.diagnostic == number(p, n, DIA_MTC_Error_Diagnostic));
}

static void check_drr(struct msg *msg, const uint8_t *p, size_t n)
{
	struct t4_drr d;
	struct dia_avp a, user;
	char digits[IWF_DIGITS_MAX + 1];
	struct imsi imsi;
	const bool good = decode_drr(msg, &d);

	HOLDS(good == (number(p, n, DIA_SM_Delivery_Outcome_T4) <= T4_EXPIRED));
	HOLDS(!d.peer[0] && memchr(d.origin_host, 0, sizeof(d.origin_host)) && memchr(d.ext_id, 0, sizeof(d.ext_id)));
	HOLDS(d.has_reference == dia_msg_find(p, n, DIA_Reference_Number, &a) && d.reference == number(p, n, DIA_Reference_Number));
	if (dia_msg_find(p, n, DIA_SM_RP_SMEA, &a)) {
		bool fault = iwf_sme_address_parse((struct iwf_view){ a.data, a.len }, digits);

		HOLDS(!strcmp(d.smea, fault ? "" : digits));
	} else {
		HOLDS(!d.smea[0]);
	}
	if (!dia_msg_find(p, n, DIA_User_Identifier, &user) || !dia_group_find(&user, DIA_User_Name, &a))
		HOLDS(!d.has_imsi);
	else
		HOLDS(d.has_imsi == !iwf_imsi_parse((struct iwf_view){ a.data, a.len }, &imsi) && (!d.has_imsi || !strcmp(d.imsi.digits, imsi.digits)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dia_fault fault;
	struct dia_hdr h;
	struct msg *msg;

	fd_world_begin();
	HOLDS(find_avps());
	if (!dia_hdr_read(data, size, &h) || h.app != T4_APP || h.code != (h.flags & DIA_F_REQUEST ? 8388644 : 8388643) ||
	    (h.flags & DIA_F_ERROR))
		return 0;
	msg = fd_world_message(data, size);
	if (!msg)
		return 0;
	/* freeDiameter's own rules for groups of the base protocol are wider. */
	if (fd_world_parse(msg) && dia_check(data, size, &fault)) {
		if (!(h.flags & DIA_F_REQUEST))
			check_dta(msg, data, size);
		else
			check_drr(msg, data, size);
	}
	fd_msg_free(msg);
	return 0;
}
