/* fuzz_make.c - the messages of fuzz_node. */
#include <string.h>
#include "fuzz_node.h"
#include "../support/wire_fill.h"

#define MESSAGE_MAX 60000u

static void begin(struct dia_writer *w, const struct make *m, uint32_t code, uint32_t app, const char *host, const char *realm)
{
	char session[128];

	snprintf(session, sizeof(session), "%s;%u;%u", host, m->hbh, m->e2e);
	dia_begin(w, DIA_F_REQUEST | DIA_F_PROXIABLE, code, app, m->hbh, m->e2e);
	dia_put_text(w, DIA_Session_Id, session);
	if (app == TSP_APP)
		dia_put_u32(w, DIA_Auth_Application_Id, app);
	dia_put_u32(w, DIA_Auth_Session_State, 1);
	dia_put_text(w, DIA_Origin_Host, host);
	dia_put_text(w, DIA_Origin_Realm, realm);
}

void make_dar(struct dia_writer *w, const struct make *m, const char *host, const char *realm, const char *device, uint32_t action,
              uint32_t reference)
{
	begin(w, m, CMD_DAR, TSP_APP, host, realm);
	dia_put_text(w, DIA_Destination_Realm, REALM);
	dia_open(w, DIA_Device_Action);
	dia_put_text(w, DIA_External_Identifier, device);
	dia_put_u32(w, DIA_Reference_Number, reference);
	if (action == 4)
		dia_put_u32(w, DIA_Old_Reference_Number, reference - 1);
	dia_put_u32(w, DIA_Action_Type, action);
	if (action != 3) {
		dia_open(w, DIA_Trigger_Data);
		dia_put_text(w, DIA_Payload, "wake up");
		dia_put_u32(w, DIA_Priority_Indication, 0);
		dia_close(w);
		dia_put_u32(w, DIA_Validity_Time, 3600);
	}
	dia_close(w);
	dia_end(w);
}

static void begin_answer(struct dia_writer *w, const uint8_t *request, size_t n, const char *host, const char *realm)
{
	dia_begin_answer(w, request, n, 0);
	dia_put_u32(w, DIA_Auth_Session_State, 1);
	dia_put_text(w, DIA_Origin_Host, host);
	dia_put_text(w, DIA_Origin_Realm, realm);
	dia_put_u32(w, DIA_Result_Code, 2001);
}

void make_sia(struct dia_writer *w, const uint8_t *sir, size_t n)
{
	begin_answer(w, sir, n, "hss." REALM, REALM);
	dia_open(w, DIA_User_Identifier);
	dia_put_text(w, DIA_User_Name, SECRET_IMSI);
	dia_close(w);
	dia_open(w, DIA_Service_Data);
	dia_open(w, DIA_T4_Data);
	dia_open(w, DIA_Serving_Node);
	dia_put_octets(w, DIA_MSC_Number, "\x94\x71\x01\x00\x00\x10", 6);
	dia_put_text(w, DIA_MME_Name, "mme1." REALM);
	dia_put_text(w, DIA_MME_Realm, REALM);
	dia_close(w);
	dia_close(w);
	dia_close(w);
	dia_end(w);
}

void make_dta(struct dia_writer *w, const uint8_t *dtr, size_t n)
{
	begin_answer(w, dtr, n, "smssc." REALM, REALM);
	dia_open(w, DIA_Supported_Features);
	dia_put_u32(w, DIA_Vendor_Id, DIA_VENDOR_3GPP);
	dia_put_u32(w, DIA_Feature_List_ID, 1);
	dia_put_u32(w, DIA_Feature_List, 1);
	dia_close(w);
	dia_end(w);
}

void make_drr(struct dia_writer *w, const struct make *m, uint32_t reference)
{
	begin(w, m, CMD_DRR, T4_APP, "smssc." REALM, REALM);
	dia_put_text(w, DIA_Destination_Host, NODE);
	dia_put_text(w, DIA_Destination_Realm, REALM);
	dia_open(w, DIA_User_Identifier);
	dia_put_text(w, DIA_User_Name, SECRET_IMSI);
	dia_close(w);
	dia_put_octets(w, DIA_SM_RP_SMEA, "\x0b\x91\x94\x51\x01\x00\x10\xf0", 8);
	dia_put_u32(w, DIA_SM_Delivery_Outcome_T4, 2);
	dia_put_u32(w, DIA_Reference_Number, reference);
	dia_end(w);
}

void make_dna(struct dia_writer *w, const uint8_t *dnr, size_t n, const char *host, const char *realm)
{
	begin_answer(w, dnr, n, host, realm);
	dia_put_u32(w, DIA_Auth_Application_Id, TSP_APP);
	dia_end(w);
}

static bool is_base(uint32_t code)
{
	return code == 257 || code == 280 || code == 282;
}

void make_any(struct dia_writer *w, struct make *m)
{
	const struct dia_cmddef *cmd;

	do
		cmd = &dia_cmds[fuzz_random(&m->random, (uint32_t)dia_ncmds)];
	while (is_base(cmd->code));
	fill_message(w, cmd, fuzz_random(&m->random, 20));
}

void make_ids(uint8_t *msg, uint32_t hbh, uint32_t e2e)
{
	for (int i = 0; i < 4; i++) {
		msg[12 + i] = (uint8_t)(hbh >> 8 * (3 - i));
		msg[16 + i] = (uint8_t)(e2e >> 8 * (3 - i));
	}
}

/* Octets, in a frame that is right. */
static void mutate_octets(struct make *m, const uint8_t *msg, size_t n, struct dia_writer *out)
{
	uint8_t p[4096];
	size_t head = DIA_HDR_LEN, len;

	n = n < 2000 ? n : 2000;
	memcpy(p, msg, n);
	len = fuzz_mutate_bytes(&m->random, p + head, n - head, sizeof(p) - head) & ~(size_t)3;
	out->n = 0;
	out->failed = false;
	dia_begin(out, msg[4], (uint32_t)msg[5] << 16 | (uint32_t)msg[6] << 8 | msg[7], 0, 0, 0);
	dia_put_bytes(out, p + head, len);
	dia_end(out);
	if (out->p)
		memcpy(out->p + 8, msg + 8, 12);
}

/* Over one that is not freeDiameter closes the connection without a word, so there are few of them. */
static bool is_framed(const uint8_t *p, size_t n)
{
	struct dia_avp a;
	int more;

	p += DIA_HDR_LEN;
	n -= DIA_HDR_LEN;
	while ((more = dia_avp_next(&p, &n, &a)) > 0)
		;
	return more == 0;
}

void make_mutation(struct make *m, const uint8_t *msg, size_t n, struct dia_writer *out)
{
	struct dia_hdr h;

	for (;;) {
		if (fuzz_random(&m->random, 16) == 0)
			mutate_octets(m, msg, n, out);
		else if (!fuzz_mutate_message(&m->random, msg, n, out))
			continue;
		if (dia_hdr_read(out->p, out->n, &h) && out->n <= MESSAGE_MAX && !is_base(h.code) &&
		    (is_framed(out->p, out->n) || fuzz_random(&m->random, m->broken_one_of) == 0))
			return;
	}
}
