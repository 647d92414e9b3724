/* check_wire.c - reading, writing, checking and printing messages. */
#include <check.h>
#include <stdlib.h>
#include "../support/wire_fill.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const uint8_t digits_491700000001[] = { 0x94, 0x71, 0x00, 0x00, 0x00, 0x10 };

static void hex_of(const uint8_t *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02x", p[i]);
	out[2 * n] = '\0';
}

/* An AVP list is readable to its end. */
static bool readable(const uint8_t *p, size_t n)
{
	struct dia_avp avp;
	int more;

	while ((more = dia_avp_next(&p, &n, &avp)) > 0)
		;
	return more == 0;
}

START_TEST(every_command_round_trip)
{
	const struct dia_cmddef *cmd = &dia_cmds[_i];
	struct dia_writer w = { 0 };
	struct dia_fault fault;

	for (unsigned round = 0; round < 20; round++) {
		struct dia_hdr h;
		struct dia_avp avp;
		const uint8_t *p;
		size_t n, at = 0;
		char label[40];

		ck_assert(fill_message(&w, cmd, round));
		ck_assert(dia_hdr_read(w.p, w.n, &h));
		ck_assert_uint_eq(h.length, w.n);
		ck_assert_uint_eq(h.code, cmd->code);
		ck_assert_uint_eq(h.app, cmd->app);
		ck_assert_str_eq(dia_cmd_label(&h, label, sizeof(label)), cmd->abbrev);
		ck_assert_msg(dia_check(w.p, w.n, &fault), "%s: %u %s %s", cmd->abbrev, fault.result_code, fault.what,
		              fault.def ? fault.def->name : "");
		ck_assert_uint_eq(fault.result_code, 2001);
		p = w.p + DIA_HDR_LEN;
		n = w.n - DIA_HDR_LEN;
		for (size_t i = 0; i < cmd->nrules; i++)
			for (int k = 0; k < (cmd->rules[i].max < 0 ? 2 : 1); k++, at++) {
				ck_assert_int_eq(dia_avp_next(&p, &n, &avp), 1);
				ck_assert_ptr_eq(avp.def, &dia_avps[cmd->rules[i].avp]);
				ck_assert_uint_eq(avp.vendor, avp.def->vendor);
				ck_assert_int_eq(!!(avp.flags & DIA_AVP_M), avp.def->m == DIA_M_MUST);
			}
		ck_assert_int_eq(dia_avp_next(&p, &n, &avp), 0);
	}
	dia_writer_free(&w);
}
END_TEST

/* Octets written down in TS 29.329 6.3.2 form, worked by hand. */
START_TEST(worked_octets)
{
	static const char want[] = "000002bdc0000012000028af9471000000100000"   /* MSISDN 491700000001 */
	                           "00000c20c000000f000028af2143f500"           /* SCS-Identity 12345 */
	                           "00000bbfc0000010000028af00000007"           /* Reference-Number 7 */
	                           "00000bc380000010000028af00000006"           /* Old-Reference-Number, M clear */
	                           "000001c04000000c00000e10";                  /* Validity-Time, no vendor */
	struct dia_writer w = { 0 };
	char got[400];

	dia_begin(&w, 0, 0, 0, 0, 0);
	dia_put_octets(&w, DIA_MSISDN, digits_491700000001, sizeof(digits_491700000001));
	dia_put_octets(&w, DIA_SCS_Identity, "\x21\x43\xf5", 3);
	dia_put_u32(&w, DIA_Reference_Number, 7);
	dia_put_u32(&w, DIA_Old_Reference_Number, 6);
	dia_put_u32(&w, DIA_Validity_Time, 3600);
	ck_assert(dia_end(&w));
	hex_of(w.p + DIA_HDR_LEN, w.n - DIA_HDR_LEN, got);
	ck_assert_str_eq(got, want);
	dia_begin(&w, 0xc0, 8388639, 16777309, 0x01020304, 0x05060708);
	ck_assert(dia_end(&w));
	hex_of(w.p, w.n, got);
	ck_assert_str_eq(got, "01000014c080001f0100005d0102030405060708");
	dia_writer_free(&w);
}
END_TEST

/* A DAR with one thing wrong: what goes where. */
struct dar {
	const char *session;                    /* NULL: none */
	const char *in_group, *in_trigger;      /* hex of AVPs added to Device-Action, Trigger-Data */
	const char *at_end;                     /* hex of AVPs added behind everything */
	bool no_reference, no_payload, no_action;
	uint32_t action;                        /* 0: 1 */
};

static void put_hex(struct dia_writer *w, const char *hex)
{
	uint8_t b[256];
	size_t n = 0;
	unsigned octet;

	for (; hex && hex[2 * n]; n++) {
		sscanf(hex + 2 * n, "%2x", &octet);
		b[n] = octet;
	}
	dia_put_bytes(w, b, n);
}

static void write_dar(struct dia_writer *w, const struct dar *d)
{
	dia_begin(w, DIA_F_REQUEST | DIA_F_PROXIABLE, 8388639, 16777309, 1, 2);
	if (d->session)
		dia_put_text(w, DIA_Session_Id, d->session);
	dia_put_u32(w, DIA_Auth_Application_Id, 16777309);
	dia_put_u32(w, DIA_Auth_Session_State, 1);
	dia_put_text(w, DIA_Origin_Host, "scs.example");
	dia_put_text(w, DIA_Origin_Realm, "example");
	dia_put_text(w, DIA_Destination_Realm, "op.example");
	if (!d->no_action) {
		dia_open(w, DIA_Device_Action);
		dia_put_octets(w, DIA_MSISDN, digits_491700000001, sizeof(digits_491700000001));
		if (!d->no_reference)
			dia_put_u32(w, DIA_Reference_Number, 7);
		dia_put_u32(w, DIA_Action_Type, d->action ? d->action : 1);
		dia_open(w, DIA_Trigger_Data);
		if (!d->no_payload)
			dia_put_octets(w, DIA_Payload, "abc", 3);
		put_hex(w, d->in_trigger);
		dia_close(w);
		put_hex(w, d->in_group);
		dia_close(w);
	}
	put_hex(w, d->at_end);
	ck_assert(dia_end(w));
}

#define DEVICE_ACTION(total) "00000bb9c00000" total "000028af"
#define TRIGGER_DATA(total)  "00000bbbc00000" total "000028af"
#define REFERENCE(value)     "00000bbfc0000010000028af" value
#define ACTION(value)        "00000bbdc0000010000028af" value

static const struct {
	const char *why;
	struct dar dar;
	uint32_t code;
	const char *failed;
} faults[] = {
	{ "nothing", { .session = "s" }, 2001, "" },
	{ "no Device-Action: the ABNF lets it be", { .session = "s", .no_action = true }, 2001, "" },
	{ "Session-Id missing", { .session = NULL }, 5005, "0000010740000008" },
	{ "member of a group missing", { .session = "s", .no_reference = true }, 5005,
	  DEVICE_ACTION("1c") REFERENCE("00000000") },
	{ "member two groups deep missing", { .session = "s", .no_payload = true }, 5005,
	  DEVICE_ACTION("24") TRIGGER_DATA("18") "00000bbcc000000c000028af" },
	{ "unknown AVP with M", { .session = "s", .at_end = "00007fffc0000010000028af01020304" }, 5001,
	  "00007fffc0000010000028af01020304" },
	{ "two unknown AVPs: the first", { .session = "s", .at_end = "00007fff40000008" "00007ffe40000008" }, 5001,
	  "00007fff40000008" },
	{ "unknown AVP with M, padded", { .session = "s", .at_end = "00007fff4000000901000000" }, 5001,
	  "00007fff4000000901000000" },
	{ "unknown AVP without M", { .session = "s", .at_end = "00007fff8000000d000028af01000000" }, 2001, "" },
	{ "unknown AVP with M in a group", { .session = "s", .in_trigger = "00007fff4000000c01020304" }, 5001,
	  DEVICE_ACTION("24") TRIGGER_DATA("18") "00007fff4000000c01020304" },
	{ "known code, but no vendor: unknown", { .session = "s", .at_end = "00000bbf4000000c00000007" }, 5001,
	  "00000bbf4000000c00000007" },
	{ "known AVP with the wrong M bit", { .session = "s", .at_end = "0000010780000010000028af01020304" }, 2001, "" },
	{ "twice", { .session = "s", .at_end = "0000010740000009" "78000000" }, 5009, "000001074000000978000000" },
	{ "twice in a group", { .session = "s", .in_group = REFERENCE("00000009") }, 5009,
	  DEVICE_ACTION("1c") REFERENCE("00000009") },
	{ "three times: the first one too many", { .session = "s", .in_group = REFERENCE("00000008") REFERENCE("00000009") },
	  5009, DEVICE_ACTION("1c") REFERENCE("00000008") },
	{ "value not in the list", { .session = "s", .action = 6 }, 5004, DEVICE_ACTION("1c") ACTION("00000006") },
	{ "value not in the list, base AVP", { .session = "s", .at_end = "0000011540000010" "0102030405060708" }, 5014,
	  "00000115400000100102030405060708" },
	{ "value not in the list, M clear both here and in the list (DRMP)", { .session = "s", .at_end =
	  "0000012d0000000c00000063" }, 2001, "" },
	{ "the same with M set", { .session = "s", .at_end = "0000012d4000000c00000063" }, 5004, "0000012d4000000c00000063" },
	{ "Unsigned32 of 3 octets", { .session = "s", .in_group = "00000bc38000000f000028af00000600" }, 5014,
	  DEVICE_ACTION("1c") "00000bc38000000f000028af00000600" },
	{ "length below the header", { .session = "s", .at_end = "0000010840000007" }, 5014, "0000010840000008" },
	{ "length below the header with vendor", { .session = "s", .at_end = "00000bbfc000000b000028af" }, 5014,
	  REFERENCE("00000000") },
	{ "length beyond the end", { .session = "s", .at_end = "00000bbfc0000044000028af01020304" }, 5014,
	  REFERENCE("00000000") },
	{ "length beyond the end of its group", { .session = "s", .in_trigger = "00000bc2c0000044000028af00000001" }, 5014,
	  DEVICE_ACTION("28") TRIGGER_DATA("1c") "00000bc2c0000010000028af00000000" },
	{ "grouped, length beyond the end", { .session = "s", .at_end = "00000bb9c0000044000028af" }, 5014,
	  "00000bb9c000000c000028af" },
	{ "half a header", { .session = "s", .at_end = "00000bbf" }, 5014, "00000bbf00000008" },
	{ "half a header with vendor", { .session = "s", .at_end = "00000bbfc0000010" }, 5014, "00000bbfc000000c00000000" },
	{ "5014 before 5001", { .session = "s", .in_group = "00007fff40000008", .at_end = "00000bbf" }, 5014,
	  "00000bbf00000008" },
	{ "5001 before 5005", { .session = NULL, .at_end = "00007fff40000008" }, 5001, "00007fff40000008" },
	{ "5005 before 5009", { .session = NULL, .in_group = REFERENCE("00000008") }, 5005, "0000010740000008" },
	{ "5009 before 5004", { .session = "s", .action = 9, .in_group = REFERENCE("00000008") }, 5009,
	  DEVICE_ACTION("1c") REFERENCE("00000008") },
	{ "what Failed-AVP holds is not looked at", { .session = "s", .at_end = "0000011740000010" "00007fff40000008" }, 2001, "" },
};

START_TEST(fault_row)
{
	struct dia_writer w = { 0 };
	struct dia_fault fault;
	char got[2 * sizeof(fault.failed) + 1];

	write_dar(&w, &faults[_i].dar);
	ck_assert_msg(dia_check(w.p, w.n, &fault) == (faults[_i].code == 2001), "%s", faults[_i].why);
	ck_assert_msg(fault.result_code == faults[_i].code, "%s: %u %s", faults[_i].why, fault.result_code, fault.what);
	hex_of(fault.failed, fault.failed_len, got);
	ck_assert_msg(strcmp(got, faults[_i].failed) == 0, "%s: %s", faults[_i].why, got);
	ck_assert(readable(fault.failed, fault.failed_len));
	dia_writer_free(&w);
}
END_TEST

/* Supported-Features comes without M; what is unknown inside stops nobody. */
START_TEST(unknown_in_optional_group)
{
	static const uint8_t unknown[] = { 0, 0, 0x7f, 0xff, 0x40, 0, 0, 8 };
	struct dia_writer w = { 0 };
	struct dia_fault fault;
	const struct dar plain = { .session = "s" };

	for (int m = 0; m < 2; m++) {
		size_t at;

		write_dar(&w, &plain);
		at = w.n;
		dia_open(&w, DIA_Supported_Features);
		dia_put_u32(&w, DIA_Vendor_Id, 10415);
		dia_put_u32(&w, DIA_Feature_List_ID, 1);
		dia_put_u32(&w, DIA_Feature_List, 1);
		dia_put_bytes(&w, unknown, sizeof(unknown));
		dia_close(&w);
		w.p[at + 4] = m ? 0xc0 : 0x80;
		ck_assert(dia_end(&w));
		ck_assert_int_eq(dia_check(w.p, w.n, &fault), !m);
		ck_assert_uint_eq(fault.result_code, m ? 5001 : 2001);
	}
	dia_writer_free(&w);
}
END_TEST

static const struct {
	const char *why;
	uint8_t version, flags;
	uint32_t code, app;
	int32_t length_off;
	uint32_t want;
} headers[] = {
	{ "command unknown", 1, 0xc0, 8388700, 16777309, 0, 3001 },
	{ "command of another application", 1, 0xc0, 8388639, 16777311, 0, 3001 },
	{ "application unknown", 1, 0xc0, 8388639, 16777999, 0, 3007 },
	{ "request with E", 1, 0xe0, 8388639, 16777309, 0, 3008 },
	{ "P clear", 1, 0x80, 8388639, 16777309, 0, 3008 },
	{ "version 2", 2, 0xc0, 8388639, 16777309, 0, 5011 },
	{ "length too small", 1, 0xc0, 8388639, 16777309, -4, 5015 },
	{ "length too large", 1, 0xc0, 8388639, 16777309, 4, 5015 },
	{ "T bit", 1, 0xd0, 8388639, 16777309, 0, 2001 },
};

START_TEST(header_row)
{
	struct dia_writer w = { 0 };
	struct dia_fault fault;
	const struct dar plain = { .session = "s" };
	uint32_t length;

	write_dar(&w, &plain);
	w.p[0] = headers[_i].version;
	w.p[4] = headers[_i].flags;
	length = w.n + headers[_i].length_off;
	w.p[2] = length >> 8;
	w.p[3] = length;
	for (int k = 0; k < 3; k++)
		w.p[5 + k] = headers[_i].code >> (16 - 8 * k);
	for (int k = 0; k < 4; k++)
		w.p[8 + k] = headers[_i].app >> (24 - 8 * k);
	ck_assert_msg(dia_check(w.p, w.n, &fault) == (headers[_i].want == 2001), "%s", headers[_i].why);
	ck_assert_msg(fault.result_code == headers[_i].want, "%s: %u", headers[_i].why, fault.result_code);
	ck_assert_uint_eq(fault.failed_len, 0);
	dia_writer_free(&w);
}
END_TEST

/* RFC 6733 7.2: an answer with E needs neither Session-Id nor what its command asks for. */
START_TEST(error_answer)
{
	struct dia_writer w = { 0 };
	struct dia_fault fault;
	struct dia_hdr h;
	char label[40];

	for (int with_host = 0; with_host < 2; with_host++) {
		dia_begin(&w, DIA_F_ERROR, 4711, 815, 1, 2);
		if (with_host)
			dia_put_text(&w, DIA_Origin_Host, "iwf.example");
		dia_put_text(&w, DIA_Origin_Realm, "example");
		dia_put_u32(&w, DIA_Result_Code, 3001);
		ck_assert(dia_end(&w));
		ck_assert_int_eq(dia_check(w.p, w.n, &fault), with_host);
		ck_assert_uint_eq(fault.result_code, with_host ? 2001 : 5005);
	}
	ck_assert(dia_hdr_read(w.p, w.n, &h));
	ck_assert_str_eq(dia_cmd_label(&h, label, sizeof(label)), "4711/815 answer");
	w.p[4] = 0;
	ck_assert(!dia_check(w.p, w.n, &fault));
	ck_assert_uint_eq(fault.result_code, 3007);
	dia_writer_free(&w);
}
END_TEST

START_TEST(long_data_is_cut)
{
	static uint8_t big[3000];
	struct dia_writer w = { 0 };
	struct dia_fault fault;
	struct dia_avp avp;
	const struct dar plain = { .session = "s" };
	const uint8_t *p = fault.failed;

	write_dar(&w, &plain);
	dia_put_raw(&w, 32767, DIA_AVP_M, 0, big, sizeof(big));
	ck_assert(dia_end(&w));
	ck_assert(!dia_check(w.p, w.n, &fault));
	ck_assert_uint_eq(fault.result_code, 5001);
	ck_assert_uint_eq(fault.failed_len, sizeof(fault.failed));
	ck_assert(readable(fault.failed, fault.failed_len));

	/* A group loses whole members. */
	write_dar(&w, &plain);
	dia_open(&w, DIA_Device_Action);
	dia_put_u32(&w, DIA_Reference_Number, 8);
	dia_put_u32(&w, DIA_Action_Type, 1);
	dia_put_octets(&w, DIA_External_Identifier, big, sizeof(big));
	dia_close(&w);
	ck_assert(dia_end(&w));
	ck_assert(!dia_check(w.p, w.n, &fault));
	ck_assert_uint_eq(fault.result_code, 5009);
	ck_assert_uint_eq(fault.failed_len, 12 + 16 + 16);
	ck_assert_int_eq(dia_avp_next(&p, &fault.failed_len, &avp), 1);
	ck_assert(readable(avp.data, avp.len));
	dia_writer_free(&w);
}
END_TEST

/* A group in a group in a group ... is refused, not followed down. */
START_TEST(deep_nesting)
{
	enum { LEVELS = 200000 };
	uint8_t *msg = calloc(1, DIA_HDR_LEN + 12 * LEVELS);
	size_t n = DIA_HDR_LEN + 12 * LEVELS;
	struct dia_writer w = { 0 };
	struct dia_fault fault;
	FILE *null = fopen("/dev/null", "w");

	dia_begin(&w, 0xc0, 8388639, 16777309, 1, 1);
	memcpy(msg, w.p, DIA_HDR_LEN);
	msg[1] = n >> 16;
	msg[2] = n >> 8;
	msg[3] = n;
	for (size_t i = 0; i < LEVELS; i++) {
		uint8_t *p = msg + DIA_HDR_LEN + 12 * i;
		size_t left = n - DIA_HDR_LEN - 12 * i;
		const uint8_t head[12] = { 0, 0, 0x0b, 0xb9, 0xc0, left >> 16, left >> 8, left, 0, 0, 0x28, 0xaf };

		memcpy(p, head, sizeof(head));
	}
	ck_assert(!dia_check(msg, n, &fault));
	ck_assert_uint_ne(fault.result_code, 2001);
	ck_assert(readable(fault.failed, fault.failed_len));
	dia_print(null, msg, n, "");
	fclose(null);
	free(msg);
	dia_writer_free(&w);
}
END_TEST

/* All readers on a heap copy of exactly these octets, so that ASan sees a step too far. */
static void read_all(const uint8_t *p, size_t n, FILE *null)
{
	uint8_t *exact = malloc(n ? n : 1);
	struct dia_writer w = { 0 };
	struct dia_fault fault;
	struct dia_avp avp, member;
	struct dia_hdr h;
	uint64_t u64;
	uint32_t u32;
	char text[8];

	memcpy(exact, p, n);
	if (!dia_check(exact, n, &fault) && !readable(fault.failed, fault.failed_len))
		ck_abort_msg("Failed-AVP is not readable");
	if (fault.failed_len > sizeof(fault.failed) || fault.failed_len % 4)
		ck_abort_msg("Failed-AVP of %zu octets", fault.failed_len);
	dia_hdr_read(exact, n, &h);
	dia_print(null, exact, n, "> ");
	for (size_t i = 0; i < dia_navps; i++) {
		if (!dia_msg_find(exact, n, (enum dia_id)i, &avp))
			continue;
		dia_avp_text(&avp, text, sizeof(text));
		dia_avp_u32(&avp, &u32);
		dia_avp_u64(&avp, &u64);
		if (avp.def->type == DIA_GROUPED && dia_group_find(&avp, DIA_Reference_Number, &member))
			dia_avp_text(&member, text, sizeof(text));
	}
	dia_begin_answer(&w, exact, n, 0);
	dia_end(&w);
	dia_writer_free(&w);
	free(exact);
}

START_TEST(cut_anywhere)
{
	FILE *null = fopen("/dev/null", "w");
	struct dia_writer w = { 0 };

	ck_assert(fill_message(&w, &dia_cmds[_i], 4));
	for (size_t n = 0; n < w.n; n++) {
		const uint8_t length[3] = { w.p[1], w.p[2], w.p[3] };

		read_all(w.p, n, null);
		w.p[1] = 0;
		w.p[2] = n >> 8;
		w.p[3] = n;
		read_all(w.p, n, null);
		memcpy(w.p + 1, length, 3);
	}
	fclose(null);
	dia_writer_free(&w);
}
END_TEST

START_TEST(change_anywhere)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x07, 0x40, 0x80, 0xc0, 0xff };
	FILE *null = fopen("/dev/null", "w");
	struct dia_writer w = { 0 };

	ck_assert(fill_message(&w, dia_cmd_find(8388639, 16777309, true), 2));
	for (size_t i = 0; i < w.n; i++) {
		uint8_t was = w.p[i];

		for (size_t k = 0; k < N(values); k++) {
			w.p[i] = values[k];
			read_all(w.p, w.n, null);
		}
		w.p[i] = was;
	}
	fclose(null);
	dia_writer_free(&w);
}
END_TEST

START_TEST(answer_takes_over)
{
	struct dia_writer req = { 0 }, ans = { 0 };
	struct dia_avp avp;
	struct dia_hdr h;
	char text[32];
	const uint8_t *p;
	size_t n, proxies = 0;

	ck_assert(fill_message(&req, dia_cmd_find(8388639, 16777309, true), 1));
	dia_begin_answer(&ans, req.p, req.n, DIA_F_ERROR);
	dia_put_u32(&ans, DIA_Result_Code, 3004);
	ck_assert(dia_end(&ans));
	ck_assert(dia_hdr_read(ans.p, ans.n, &h));
	ck_assert_uint_eq(h.flags, DIA_F_PROXIABLE | DIA_F_ERROR);
	ck_assert_uint_eq(h.code, 8388639);
	ck_assert_uint_eq(h.app, 16777309);
	ck_assert_uint_eq(h.hbh, 1);
	ck_assert_uint_eq(h.e2e, 1);
	ck_assert(dia_msg_find(ans.p, ans.n, DIA_Session_Id, &avp));
	ck_assert_ptr_eq(avp.raw, ans.p + DIA_HDR_LEN);
	dia_avp_text(&avp, text, sizeof(text));
	ck_assert_str_eq(text, "12");
	p = ans.p + DIA_HDR_LEN;
	n = ans.n - DIA_HDR_LEN;
	while (dia_avp_next(&p, &n, &avp) > 0)
		proxies += avp.def == &dia_avps[DIA_Proxy_Info];
	ck_assert_uint_eq(proxies, 2);
	dia_begin_answer(&ans, req.p, 19, 0);
	ck_assert(!dia_end(&ans));
	dia_writer_free(&req);
	dia_writer_free(&ans);
}
END_TEST

START_TEST(writer_faults)
{
	static uint8_t big[4096];
	struct dia_writer w = { 0 };

	dia_begin(&w, 0, 280, 0, 0, 0);
	dia_open(&w, DIA_Proxy_Info);
	ck_assert(!dia_end(&w));
	dia_begin(&w, 0, 280, 0, 0, 0);
	dia_close(&w);
	ck_assert(!dia_end(&w));
	dia_begin(&w, 0, 280, 0, 0, 0);
	for (int i = 0; i < 9; i++)
		dia_open(&w, DIA_Proxy_Info);
	for (int i = 0; i < 9; i++)
		dia_close(&w);
	ck_assert(!dia_end(&w));
	dia_begin(&w, 0, 280, 0, 0, 0);
	for (int i = 0; i < 4090; i++)
		dia_put_octets(&w, DIA_Payload, big, sizeof(big) - 12);
	ck_assert(dia_end(&w));
	for (int i = 0; i < 8; i++)
		dia_put_octets(&w, DIA_Payload, big, sizeof(big) - 12);
	ck_assert_msg(!dia_end(&w), "longer than 24 bits can say");
	dia_begin(&w, 0, 280, 0, 0, 0);
	ck_assert_msg(dia_end(&w), "usable again");
	dia_writer_free(&w);
	dia_writer_free(&w);
	ck_assert(!dia_end(&w));
}
END_TEST

START_TEST(readers)
{
	static const uint8_t unpadded[] = { 0, 0, 1, 7, 0x40, 0, 0, 9, 'x' };
	const uint8_t *p = unpadded;
	size_t n = sizeof(unpadded);
	struct dia_avp avp;
	uint32_t u32;
	uint64_t u64;
	char text[4] = "zzz";

	ck_assert_int_eq(dia_avp_next(&p, &n, &avp), 1);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(dia_avp_next(&p, &n, &avp), 0);
	ck_assert(!dia_avp_u32(&avp, &u32));
	ck_assert(!dia_avp_u64(&avp, &u64));
	dia_avp_text(&avp, text, 1);
	ck_assert_str_eq(text, "");
	dia_avp_text(&avp, text, sizeof(text));
	ck_assert_str_eq(text, "x");
	dia_avp_text(&avp, NULL, 0);
	n = 7;
	p = unpadded;
	ck_assert_int_eq(dia_avp_next(&p, &n, &avp), -1);
	ck_assert_ptr_eq(p, unpadded);
	ck_assert_uint_eq(n, 7);
}
END_TEST

START_TEST(print_text)
{
	static const char want[] =
		"| DAR 8388639/16777309 [RP] hop-by-hop 0x1 end-to-end 0x2 length 232\n"
		"|   Session-Id 263 [M] = \"s\\x1b\\x22\"\n"
		"|   Auth-Application-Id 258 [M] = 16777309\n"
		"|   Auth-Session-State 277 [M] = 1 NO_STATE_MAINTAINED\n"
		"|   Origin-Host 264 [M] = \"scs.example\"\n"
		"|   Origin-Realm 296 [M] = \"example\"\n"
		"|   Destination-Realm 283 [M] = \"op.example\"\n"
		"|   Device-Action 3001/10415 [VM]\n"
		"|     MSISDN 701/10415 [VM] = 947100000010\n"
		"|     Reference-Number 3007/10415 [VM] = 7\n"
		"|     Action-Type 3005/10415 [VM] = 4 DEVICE_TRIGGER_REPLACE\n"
		"|     Trigger-Data 3003/10415 [VM]\n"
		"|       Payload 3004/10415 [VM] = 616263\n"
		"|     HSS-Cause 3109/10415 [VM] = 5 ABSENT_SUBSCRIBER+CALL_BARRED\n"
		"|   AVP 32767 [M] = (empty)\n"
		"|   not an AVP: 00000bbf\n";
	const struct dar d = { .session = "s\x1b\"", .action = 4, .in_group = "00000c25c0000010000028af00000005",
	                       .at_end = "00007fff40000008" "00000bbf" };
	struct dia_writer w = { 0 };
	char *got = NULL;
	size_t n;
	FILE *f = open_memstream(&got, &n);

	write_dar(&w, &d);
	dia_print(f, w.p, w.n, "| ");
	fclose(f);
	ck_assert_str_eq(got, want);
	free(got);
	dia_writer_free(&w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wire");
	TCase *tc = tcase_create("wire");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, every_command_round_trip, 0, (int)dia_ncmds);
	tcase_add_test(tc, worked_octets);
	tcase_add_loop_test(tc, fault_row, 0, N(faults));
	tcase_add_test(tc, unknown_in_optional_group);
	tcase_add_loop_test(tc, header_row, 0, N(headers));
	tcase_add_test(tc, error_answer);
	tcase_add_test(tc, long_data_is_cut);
	tcase_add_test(tc, deep_nesting);
	tcase_add_loop_test(tc, cut_anywhere, 0, (int)dia_ncmds);
	tcase_add_test(tc, change_anywhere);
	tcase_add_test(tc, answer_takes_over);
	tcase_add_test(tc, writer_faults);
	tcase_add_test(tc, readers);
	tcase_add_test(tc, print_text);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
