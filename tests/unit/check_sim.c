/* check_sim.c - sim-hss and sim-smssc, with this program as the MTC-IWF. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "outside.h"

#define IWF   "iwf.test"
#define SCS   "4915112345"
#define IMSI  "262011234567890"

static struct peer_loop *loop;
static struct our_end iwf;
static struct child sim;
static uint32_t hbh;

static const char hss_conf[] =
	"identity = \"hss.test\"; realm = \"test\"; port = 0;\n"
	"subscribers = (\n"
	" { imsi = \"262011234567890\"; msisdn = \"491700000001\"; ext_id = (\"good@iot.example.com\", \"also@iot.example.com\");\n"
	"   serving_node = { msc_number = \"491710000001\"; mme_name = \"mme1.test\"; mme_realm = \"test\"; };\n"
	"   additional_nodes = ( { sgsn_number = \"49171000002\"; } ); },\n"
	" { imsi = \"262011234567891\"; ext_id = \"bare@iot.example.com\"; },\n"
	" { imsi = \"262011234567892\"; ext_id = \"requester@x.yy\"; result = \"unauthorized-requester\"; },\n"
	" { imsi = \"262011234567893\"; ext_id = \"service@x.yy\"; result = \"unauthorized-service\"; },\n"
	" { imsi = \"262011234567894\"; ext_id = \"absent@x.yy\"; result = \"absent\"; },\n"
	" { imsi = \"262011234567895\"; ext_id = \"tele@x.yy\"; result = \"teleservice\"; },\n"
	" { imsi = \"262011234567896\"; ext_id = \"barred@x.yy\"; result = \"barred\"; },\n"
	" { imsi = \"262011234567897\"; ext_id = \"busy@x.yy\"; result = \"too-busy\"; },\n"
	" { imsi = \"262011234567898\"; ext_id = \"unable@x.yy\"; result = \"unable-to-comply\"; },\n"
	" { imsi = \"262011234567899\"; ext_id = \"silent@x.yy\"; result = \"silent\"; },\n"
	" { imsi = \"262011234567810\"; ext_id = \"late@x.yy\"; result = \"late\"; delay_ms = 200; },\n"
	" { imsi = \"262011234567811\"; ext_id = \"n1@x.yy\"; result = \"nonsense\"; nonsense = \"no-result\"; },\n"
	" { imsi = \"262011234567812\"; ext_id = \"n2@x.yy\"; result = \"nonsense\"; nonsense = \"short-result\"; },\n"
	" { imsi = \"262011234567813\"; ext_id = \"n3@x.yy\"; result = \"nonsense\"; nonsense = \"no-origin\"; },\n"
	" { imsi = \"262011234567814\"; ext_id = \"n4@x.yy\"; result = \"nonsense\"; nonsense = \"garbage-group\"; },\n"
	" { imsi = \"262011234567815\"; ext_id = \"n5@x.yy\"; result = \"nonsense\"; nonsense = \"bad-length\"; },\n"
	" { imsi = \"262011234567816\"; ext_id = \"n6@x.yy\"; without_imsi = true; },\n"
	" { imsi = \"262011234567817\"; ext_id = \"picky@x.yy\"; allowed_scs = \"491511111\"; }\n"
	");\n";

/* What is to be recalled or replaced in time waits so long. */
#define HALF_MS 2000

static const char sc_conf[] =
	"identity = \"sc.test\"; realm = \"test\"; port = 0;\n"
	"drr_timeout_ms = 60000;\n"
	"default = { after_ms = 50; };\n"
	"devices = (\n"
	" { ext_id = \"hold@x.yy\"; after_ms = 60000; },\n"
	" { ext_id = \"half@x.yy\"; after_ms = 2000; },\n"
	" { ext_id = \"absent@x.yy\"; outcome = \"absent\"; absent_diagnostic = 3; },\n"
	" { ext_id = \"memory@x.yy\"; outcome = \"memory\"; },\n"
	" { ext_id = \"expired@x.yy\"; outcome = \"expired\"; after_ms = 10; },\n"
	" { ext_id = \"none@x.yy\"; outcome = \"no-report\"; },\n"
	" { ext_id = \"twice@x.yy\"; drr_twice = true; },\n"
	" { ext_id = \"anon@x.yy\"; drr_reference = false; },\n"
	" { ext_id = \"unknown@x.yy\"; answer = \"user-unknown\"; },\n"
	" { ext_id = \"sme@x.yy\"; answer = \"invalid-sme\"; },\n"
	" { ext_id = \"cong@x.yy\"; answer = \"congestion\"; },\n"
	" { ext_id = \"rf@x.yy\"; answer = \"replace-failure\"; diagnostic = 1; },\n"
	" { ext_id = \"cf@x.yy\"; answer = \"recall-failure\"; },\n"
	" { ext_id = \"np@x.yy\"; answer = \"not-pending\"; },\n"
	" { ext_id = \"busy@x.yy\"; answer = \"too-busy\"; },\n"
	" { ext_id = \"unable@x.yy\"; answer = \"unable-to-comply\"; },\n"
	" { ext_id = \"silent@x.yy\"; answer = \"silent\"; },\n"
	" { ext_id = \"late@x.yy\"; delay_ms = 200; after_ms = 10; },\n"
	" { ext_id = \"liar@x.yy\"; answer = \"congestion\"; stored = true; },\n"
	" { ext_id = \"n1@x.yy\"; answer = \"nonsense\"; nonsense = \"bad-length\"; stored = false; },\n"
	" { ext_id = \"stuck@x.yy\"; after_ms = 60000; recall_answer = \"recall-failure\"; replace_answer = \"replace-failure\"; diagnostic = 0; }\n"
	");\n";

static void start(const char *program, const char *conf, uint32_t app)
{
	const uint32_t apps[] = { app };
	const struct peer_conf pc = { .origin_host = IWF, .origin_realm = "test", .product = "check", .apps = apps, .napps = 1 };
	const char *argv[] = { "--config", outside_path("sim.conf"), "--port-file", outside_path("port"), "--json", NULL };
	struct peer_ops ops = our_end_ops;
	char err[256];
	uint16_t port;

	remove(outside_path("port"));
	outside_write("sim.conf", conf);
	loop = peer_loop_new();
	our_end_init(&iwf);
	sim = outside_start(program, argv, NULL);
	port = outside_port(outside_path("port"), loop);
	ck_assert_msg(port, "%s does not start: %s", program, outside_printed(&sim));
	ops.ctx = &iwf;
	ck_assert_ptr_nonnull(peer_connect(loop, &pc, "127.0.0.1", port, &ops, err, sizeof(err)));
	for (int64_t end = peer_now_ms() + PATIENCE_MS; !iwf.opened && !iwf.closed && peer_now_ms() < end;)
		peer_loop_run(loop, 10);
	ck_assert_msg(iwf.opened, "%s", iwf.why);
}

static void start_hss(void)
{
	start("sim-hss", hss_conf, APP_S6M);
}

static void start_sc(void)
{
	start("sim-smssc", sc_conf, APP_T4);
}

/* SIGTERM: a DPR, and a clean end. */
static void stop(void)
{
	kill(sim.pid, SIGTERM);
	ck_assert_int_eq(outside_wait(&sim, loop, PATIENCE_MS), 0);
	for (int64_t end = peer_now_ms() + PATIENCE_MS; !iwf.closed && peer_now_ms() < end;)
		peer_loop_run(loop, 10);
	ck_assert_msg(strstr(iwf.why, "REBOOTING") || strstr(iwf.why, "given up"), "%s", iwf.why);
	our_end_forget(&iwf);
	peer_loop_free(loop);
}

static void send_built(struct dia_writer *w)
{
	ck_assert(dia_end(w));
	ck_assert(peer_send(iwf.peer, w->p, w->n));
	dia_writer_free(w);
}

static size_t tbcd(const char *digits, uint8_t out[8])
{
	size_t n = 0;

	for (; *digits; digits += digits[1] ? 2 : 1)
		out[n++] = (uint8_t)((digits[1] ? digits[1] - '0' : 15) << 4 | (digits[0] - '0'));
	return n;
}

static void put_digits(struct dia_writer *w, enum dia_id id, const char *digits)
{
	uint8_t b[8];

	dia_put_octets(w, id, b, tbcd(digits, b));
}

static void put_sme(struct dia_writer *w, const char *digits)
{
	uint8_t b[10] = { (uint8_t)strlen(digits), 0x91 };

	dia_put_octets(w, DIA_SM_RP_SMEA, b, 2 + tbcd(digits, b + 2));
}

static void begin(struct dia_writer *w, uint32_t code, uint32_t app, uint8_t extra_flags)
{
	char id[128];

	peer_session_id(iwf.peer, id, sizeof(id));
	dia_begin(w, DIA_F_REQUEST | DIA_F_PROXIABLE | extra_flags, code, app, hbh = peer_next_hbh(iwf.peer),
	          peer_next_e2e(iwf.peer));
	dia_put_text(w, DIA_Session_Id, id);
	dia_put_u32(w, DIA_Auth_Session_State, 1);
	dia_put_text(w, DIA_Origin_Host, IWF);
	dia_put_text(w, DIA_Origin_Realm, "test");
}

/* The answer to the last request; NULL after ms. */
static struct arrived *answer(uint32_t code, int ms)
{
	struct arrived *a = NULL;

	while ((a = our_end_await(&iwf, loop, a, code, false, ms)))
		if (a->h.hbh == hbh)
			return a;
	return NULL;
}

/* NULL, or the text that the simulator has not printed. */
static const char *printed(const char *text)
{
	return outside_prints(&sim, loop, text, PATIENCE_MS) ? NULL : text;
}

/* sim-hss */

enum twist { NO_TWIST, NO_USER, EMPTY_USER, TWO_FLAGS, FLAGS_0, NO_SCS, BAD_SCS, BAD_SME, OTHER_REALM, OTHER_HOST,
             STATE, BAD_MSISDN };

static void sir(const char *ext_id, const char *msisdn, const char *scs, enum twist twist)
{
	static const uint8_t zero[] = { 0, 0 };
	struct dia_writer w = { 0 };

	begin(&w, CMD_SI, APP_S6M, 0);
	dia_put_text(&w, DIA_Destination_Realm, twist == OTHER_REALM ? "else" : "test");
	if (twist == OTHER_HOST)
		dia_put_text(&w, DIA_Destination_Host, "else.test");
	if (twist != NO_USER) {
		dia_open(&w, DIA_User_Identifier);
		if (msisdn)
			put_digits(&w, DIA_MSISDN, msisdn);
		if (twist == BAD_MSISDN)
			dia_put_octets(&w, DIA_MSISDN, zero, 2);
		if (ext_id && twist != EMPTY_USER)
			dia_put_text(&w, DIA_External_Identifier, ext_id);
		dia_close(&w);
	}
	dia_put_u32(&w, DIA_Service_ID, 0);
	if (twist == BAD_SCS)
		dia_put_octets(&w, DIA_SCS_Identity, zero, 2);
	else if (twist != NO_SCS)
		put_digits(&w, DIA_SCS_Identity, scs);
	dia_open(&w, DIA_Service_Parameters);
	dia_open(&w, DIA_T4_Parameters);
	dia_put_u32(&w, DIA_Priority_Indication, 1);
	if (twist == BAD_SME)
		dia_put_octets(&w, DIA_SM_RP_SMEA, zero, 2);
	else
		put_sme(&w, scs);
	dia_close(&w);
	dia_put_u32(&w, DIA_Application_Port_Identifier, 2948);
	dia_close(&w);
	for (int i = twist == TWO_FLAGS; i >= 0; i--)
		dia_put_u32(&w, DIA_SIR_Flags, twist != FLAGS_0);
	send_built(&w);
}

START_TEST(hss_success)
{
	static const uint8_t msc[] = { 0x94, 0x71, 0x01, 0x00, 0x00, 0x10 }, sgsn[] = { 0x94, 0x71, 0x01, 0x00, 0x00, 0xf2 };
	struct arrived *a;
	struct dia_avp user, x, data, t4, node;
	struct dia_fault fault;
	char text[64];

	sir("good@IOT.example.com", NULL, SCS, NO_TWIST);   /* the domain compares without case */
	a = answer(CMD_SI, PATIENCE_MS);
	ck_assert_ptr_nonnull(a);
	ck_assert_msg(dia_check(a->p, a->n, &fault), "%s", fault.what);
	ck_assert_uint_eq(msg_result(a), 2001);
	ck_assert_uint_eq(msg_u32(a, DIA_Auth_Session_State), 1);
	ck_assert_str_eq(msg_text(a, DIA_Origin_Host), "hss.test");
	ck_assert(msg_group(a, DIA_User_Identifier, &user) && dia_group_find(&user, DIA_User_Name, &x));
	dia_avp_text(&x, text, sizeof(text));
	ck_assert_str_eq(text, IMSI);
	ck_assert(dia_group_find(&user, DIA_MSISDN, &x) && x.len == 6);
	ck_assert(msg_group(a, DIA_Service_Data, &data) && dia_group_find(&data, DIA_T4_Data, &t4));
	ck_assert(dia_group_find(&t4, DIA_Serving_Node, &node) && dia_group_find(&node, DIA_MSC_Number, &x));
	ck_assert(x.len == sizeof(msc) && !memcmp(x.data, msc, x.len));
	ck_assert(dia_group_find(&node, DIA_MME_Name, &x) && x.len == 9);
	ck_assert(dia_group_find(&t4, DIA_Additional_Serving_Node, &node) && dia_group_find(&node, DIA_SGSN_Number, &x));
	ck_assert(x.len == sizeof(sgsn) && !memcmp(x.data, sgsn, x.len));
	ck_assert_ptr_null(printed("{\"type\":\"sir\",\"peer\":\"iwf.test\",\"ext_id\":\"good@IOT.example.com\",\"imsi\":\"" IMSI
	                           "\",\"scs_identity\":\"" SCS "\",\"smea\":\"" SCS "\",\"priority\":1,\"port\":2948,\"t_flag\":false,"
	                           "\"answer\":\"success\"}"));
	sir(NULL, "491700000001", SCS, NO_TWIST);
	a = answer(CMD_SI, PATIENCE_MS);
	ck_assert(a && msg_group(a, DIA_User_Identifier, &user) && dia_group_find(&user, DIA_User_Name, &x));
	sir("bare@iot.example.com", NULL, SCS, NO_TWIST);
	a = answer(CMD_SI, PATIENCE_MS);
	ck_assert(a && msg_result(a) == 2001 && !msg_group(a, DIA_Service_Data, &data));
}
END_TEST

START_TEST(hss_results)
{
	static const struct { const char *who; uint32_t result, cause; } rows[] = {
		{ "nobody@x.yy", 105001, 0 }, { "GOOD@iot.example.com", 105001, 0 }, { "requester@x.yy", 105510, 0 },
		{ "service@x.yy", 105511, 0 }, { "absent@x.yy", 2001, 1 }, { "tele@x.yy", 2001, 2 }, { "barred@x.yy", 2001, 4 },
		{ "busy@x.yy", 3004, 0 }, { "unable@x.yy", 5012, 0 }, { "picky@x.yy", 105510, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dia_avp data, t4, x;
		struct arrived *a;
		uint32_t cause = 0;

		sir(rows[i].who, NULL, SCS, NO_TWIST);
		a = answer(CMD_SI, PATIENCE_MS);
		ck_assert_msg(a && msg_result(a) == rows[i].result, "%s: %u", rows[i].who, a ? msg_result(a) : 0);
		ck_assert_int_eq(!!(a->h.flags & DIA_F_ERROR), rows[i].result == 3004);		if (msg_group(a, DIA_Service_Data, &data) && dia_group_find(&data, DIA_T4_Data, &t4) &&
		    dia_group_find(&t4, DIA_HSS_Cause, &x))
dia_avp_u32(&x, &cause);
		ck_assert_msg(cause == rows[i].cause, "%s: HSS-Cause %u", rows[i].who, cause);
	}
	sir("picky@x.yy", NULL, "491511111", NO_TWIST);
	ck_assert_uint_eq(msg_result(answer(CMD_SI, PATIENCE_MS)), 2001);
}
END_TEST

START_TEST(hss_misbehaves)
{
	struct arrived *a;
	struct dia_avp user, x;
	struct dia_fault fault;
	int64_t t;

	sir("silent@x.yy", NULL, SCS, NO_TWIST);
	ck_assert_ptr_null(answer(CMD_SI, 150));
	t = peer_now_ms();
	sir("late@x.yy", NULL, SCS, NO_TWIST);
	a = answer(CMD_SI, PATIENCE_MS);
	ck_assert(a && a->at_ms - t >= 190 && msg_result(a) == 2001);
	sir("n1@x.yy", NULL, SCS, NO_TWIST);
	a = answer(CMD_SI, PATIENCE_MS);
	ck_assert(a && msg_result(a) == UINT32_MAX);
	for (char who[] = "n2@x.yy"; who[1] <= '5'; who[1]++) {
		sir(who, NULL, SCS, NO_TWIST);
		a = answer(CMD_SI, PATIENCE_MS);
		ck_assert_msg(a && !dia_check(a->p, a->n, &fault), "%s is no nonsense", who);
	}
	sir("n6@x.yy", NULL, SCS, NO_TWIST);
	a = answer(CMD_SI, PATIENCE_MS);	ck_assert(a && msg_result(a) == 2001 && msg_group(a, DIA_User_Identifier, &user));
	ck_assert(!dia_group_find(&user, DIA_User_Name, &x));
}
END_TEST

START_TEST(hss_refuses_wrong_requests)
{
	static const struct { enum twist twist; uint32_t result; int failed; } rows[] = {
		{ NO_USER, 5005, DIA_User_Identifier }, { EMPTY_USER, 5004, DIA_User_Identifier }, { TWO_FLAGS, 5009, DIA_SIR_Flags },
		{ FLAGS_0, 5004, DIA_SIR_Flags }, { NO_SCS, 5005, DIA_SCS_Identity }, { BAD_SCS, 5004, DIA_SCS_Identity },
		{ BAD_SME, 5004, DIA_SM_RP_SMEA }, { OTHER_REALM, 3003, DIA_Destination_Realm },
		{ OTHER_HOST, 3002, DIA_Destination_Host },
{ BAD_MSISDN, 5004, DIA_MSISDN },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dia_avp failed, x;
		struct arrived *a;

		sir("good@iot.example.com", NULL, SCS, rows[i].twist);
		a = answer(CMD_SI, PATIENCE_MS);
		ck_assert_msg(a && msg_result(a) == rows[i].result, "%zu: %u", i, a ? msg_result(a) : 0);
		ck_assert_int_eq(!!(a->h.flags & DIA_F_ERROR), rows[i].result / 1000 == 3);
		ck_assert_msg(msg_group(a, DIA_Failed_AVP, &failed) && dia_group_find(&failed, (enum dia_id)rows[i].failed, &x),
		              "%zu", i);
	}
	ck_assert_ptr_null(printed("{\"type\":\"wrong\",\"command\":\"SIR\",\"result_code\":5009"));
}
END_TEST

START_TEST(hss_reloads)
{
	outside_write("sim.conf", "identity = \"hss.test\"; realm = \"test\"; port = 0; subscribers = ( { imsi = \"1\"; } );");
	kill(sim.pid, SIGHUP);
	ck_assert_ptr_null(printed("the old configuration stays"));
	ck_assert_msg(strstr(outside_printed(&sim), "sim.conf:1: imsi must be 14 to 15 digits"), "%s", outside_printed(&sim));
	sir("good@iot.example.com", NULL, SCS, NO_TWIST);
	ck_assert_uint_eq(msg_result(answer(CMD_SI, PATIENCE_MS)), 2001);
	outside_write("sim.conf", "identity = \"hss.test\"; realm = \"test\"; port = 0;");
	kill(sim.pid, SIGHUP);
	ck_assert_ptr_null(printed("\"reload\",\"text\":\"done\""));
	sir("good@iot.example.com", NULL, SCS, NO_TWIST);
	ck_assert_uint_eq(msg_result(answer(CMD_SI, PATIENCE_MS)), 105001);
}
END_TEST

/* sim-smssc */

struct dtr { const char *ext_id, *scs; uint32_t reference, old, action, validity; bool again, no_old; };

static void dtr(const struct dtr *d)
{
	struct dia_writer w = { 0 };

	begin(&w, CMD_DT, APP_T4, d->again ? DIA_F_RETRANSMIT : 0);
	dia_put_text(&w, DIA_Destination_Host, "sc.test");
	dia_put_text(&w, DIA_Destination_Realm, "test");
	dia_open(&w, DIA_User_Identifier);
	dia_put_text(&w, DIA_User_Name, IMSI);
	if (d->ext_id)
		dia_put_text(&w, DIA_External_Identifier, d->ext_id);
	dia_close(&w);
	put_sme(&w, d->scs ? d->scs : SCS);
	dia_put_text(&w, DIA_Payload, d->action == 1 ? "" : "hello");
	dia_open(&w, DIA_Serving_Node);
	put_digits(&w, DIA_MSC_Number, "491710000001");
	dia_close(&w);
	if (d->reference)
		dia_put_u32(&w, DIA_Reference_Number, d->reference);
	if (d->validity)
		dia_put_u32(&w, DIA_Validity_Time, d->validity);
	dia_put_u32(&w, DIA_Application_Port_Identifier, 2948);
	if (d->old)
		dia_put_u32(&w, DIA_Old_Reference_Number, d->old);
	if (d->action)
		dia_put_u32(&w, DIA_Trigger_Action, d->action);
	send_built(&w);
}

static uint32_t submit(const struct dtr *d)
{
	struct arrived *a;

	dtr(d);
	a = answer(CMD_DT, PATIENCE_MS);
	return a ? msg_result(a) : 0;
}

static void dra(const struct arrived *drr, uint32_t result)
{
	struct dia_writer w = { 0 };

	dia_begin_answer(&w, drr->p, drr->n, result / 1000 == 3 ? DIA_F_ERROR : 0);
	dia_put_u32(&w, DIA_Result_Code, result);
	dia_put_u32(&w, DIA_Auth_Session_State, 1);
	dia_put_text(&w, DIA_Origin_Host, IWF);
	dia_put_text(&w, DIA_Origin_Realm, "test");
	send_built(&w);
}

static void answer_each(struct our_end *e, const struct arrived *a)
{
	if (a->h.code == CMD_DR)
		dra(a, 2001);
}

START_TEST(sc_delivers)
{
	struct arrived *a;
	struct dia_avp x, user;
	struct dia_fault fault;
	char text[64];

	iwf.on_request = answer_each;
	dtr(&(struct dtr){ .reference = 7, .validity = 60 });
	a = answer(CMD_DT, PATIENCE_MS);
	ck_assert(a && msg_result(a) == 2001);
	ck_assert_msg(dia_check(a->p, a->n, &fault), "%s", fault.what);
	ck_assert(msg_group(a, DIA_Supported_Features, &x));
	a = our_end_await(&iwf, loop, NULL, CMD_DR, true, PATIENCE_MS);
	ck_assert_ptr_nonnull(a);
	ck_assert_msg(dia_check(a->p, a->n, &fault), "%s", fault.what);
	ck_assert_uint_eq(msg_u32(a, DIA_Reference_Number), 7);
	ck_assert_uint_eq(msg_u32(a, DIA_SM_Delivery_Outcome_T4), 2);
	ck_assert_str_eq(msg_text(a, DIA_Destination_Host), IWF);
	ck_assert(msg_group(a, DIA_User_Identifier, &user) && dia_group_find(&user, DIA_User_Name, &x));
	dia_avp_text(&x, text, sizeof(text));
	ck_assert_str_eq(text, IMSI);
	ck_assert(msg_group(a, DIA_SM_RP_SMEA, &x) && x.len == 7 && x.data[0] == 10 && x.data[1] == 0x91);
	ck_assert_int_eq(a->h.flags & DIA_F_RETRANSMIT, 0);
	ck_assert_uint_eq(our_end_gets(&iwf, loop, CMD_DR, true, 1), 1);
	ck_assert_ptr_null(printed("\"action\":\"trigger\",\"imsi\":\"" IMSI "\",\"smea\":\"" SCS "\","
	                           "\"reference\":7,\"payload\":\"68656c6c6f\","
	                           "\"port\":2948,\"validity\":60,\"nodes\":\"000009"));
	ck_assert_ptr_null(printed("{\"type\":\"dra\",\"smea\":\"" SCS "\",\"reference\":7,\"outcome\":\"deliver\",\"result_code\":2001"));
}
END_TEST

START_TEST(sc_outcomes)
{
	static const struct {
		const char *who;
		uint32_t validity, outcome, diagnostic;
		bool reference;
		unsigned reports;
	} rows[] = {
		{ "absent@x.yy", 0, 0, 3, true, 1 }, { "memory@x.yy", 0, 1, UINT32_MAX, true, 1 },
		{ "expired@x.yy", 0, 3, UINT32_MAX, true, 1 }, { "hold@x.yy", 1, 3, UINT32_MAX, true, 1 },
		{ "anon@x.yy", 0, 2, UINT32_MAX, false, 1 }, { "twice@x.yy", 0, 2, UINT32_MAX, true, 2 },
		{ "none@x.yy", 0, 0, 0, false, 0 }, { "late@x.yy", 0, 2, UINT32_MAX, true, 1 },
		{ "liar@x.yy", 0, 2, UINT32_MAX, true, 1 }, { "cong@x.yy", 0, 0, 0, false, 0 }, { "n1@x.yy", 0, 0, 0, false, 0 },
		{ "silent@x.yy", 0, 2, UINT32_MAX, true, 1 },
	};
	struct arrived *a;
	unsigned answers;

	iwf.on_request = answer_each;
	dtr(&(struct dtr){ .ext_id = rows[_i].who, .reference = 5, .validity = rows[_i].validity });
	answers = !!strcmp(rows[_i].who, "silent@x.yy");
	ck_assert_uint_eq(our_end_gets(&iwf, loop, CMD_DT, false, answers), answers);
	ck_assert_uint_eq(our_end_gets(&iwf, loop, CMD_DR, true, rows[_i].reports), rows[_i].reports);
	a = our_end_await(&iwf, loop, NULL, CMD_DR, true, 0);
	if (!a)
		return;
	ck_assert_uint_eq(msg_u32(a, DIA_SM_Delivery_Outcome_T4), rows[_i].outcome);
	ck_assert_uint_eq(msg_u32(a, DIA_Absent_Subscriber_Diagnostic_T4), rows[_i].diagnostic);
	ck_assert_uint_eq(msg_u32(a, DIA_Reference_Number), rows[_i].reference ? 5 : UINT32_MAX);
	if (!strcmp(rows[_i].who, "late@x.yy"))   /* the report overtakes the answer */
		ck_assert_ptr_nonnull(our_end_await(&iwf, loop, a, CMD_DT, false, 0));
}
END_TEST

START_TEST(sc_refuses)
{
	static const struct { const char *who; uint32_t result; } rows[] = {
		{ "unknown@x.yy", 105001 }, { "sme@x.yy", 105530 }, { "cong@x.yy", 105531 }, { "rf@x.yy", 105533 },
		{ "cf@x.yy", 105534 },
{ "np@x.yy", 105535 }, { "busy@x.yy", 3004 }, { "unable@x.yy", 5012 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arrived *a;

		dtr(&(struct dtr){ .ext_id = rows[i].who, .reference = 5 });
		a = answer(CMD_DT, PATIENCE_MS);
		ck_assert_msg(a && msg_result(a) == rows[i].result, "%s: %u", rows[i].who, a ? msg_result(a) : 0);
		ck_assert_uint_eq(msg_u32(a, DIA_MTC_Error_Diagnostic), strcmp(rows[i].who, "rf@x.yy") ? UINT32_MAX : 1);
	}
	ck_assert_uint_eq(submit(&(struct dtr){ .scs = "", .reference = 5 }), 105530);   /* no address at all */
	ck_assert_uint_eq(submit(&(struct dtr){ .action = 3, .reference = 5 }), 5004);
	ck_assert_uint_eq(submit(&(struct dtr){ .action = 2, .reference = 5 }), 5005);   /* replaces what? */
	outside_run(loop, 200);
	ck_assert_uint_eq(our_end_count(&iwf, CMD_DR, true), 0);
}
END_TEST

START_TEST(sc_recalls)
{
	iwf.on_request = answer_each;
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "half@x.yy", .reference = 1 }), 2001);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "half@x.yy", .scs = "491599999", .action = 1, .old = 1 }), 105535);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "half@x.yy", .action = 1, .old = 2 }), 105535);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "half@x.yy", .action = 1, .old = 1 }), 2001);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "half@x.yy", .action = 1, .old = 1, .again = true }), 2001);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "half@x.yy", .action = 1, .old = 1 }), 105535);
	/* The number may also be in Reference-Number. */
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "half@x.yy", .reference = 2 }), 2001);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "half@x.yy", .action = 1, .reference = 2 }), 2001);
	outside_run(loop, HALF_MS + 200);
	ck_assert_uint_eq(our_end_count(&iwf, CMD_DR, true), 0);
	/* Too late. */
	ck_assert_uint_eq(submit(&(struct dtr){ .reference = 3 }), 2001);
	ck_assert_ptr_nonnull(our_end_await(&iwf, loop, NULL, CMD_DR, true, PATIENCE_MS));
	ck_assert_uint_eq(submit(&(struct dtr){ .action = 1, .old = 3 }), 105535);
	/* Told to fail: the trigger stays. */
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "stuck@x.yy", .reference = 4 }), 2001);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "stuck@x.yy", .action = 1, .old = 4 }), 105534);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "hold@x.yy", .action = 1, .old = 4 }), 2001);
}
END_TEST

START_TEST(sc_replaces)
{
	struct arrived *a;

	iwf.on_request = answer_each;
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "half@x.yy", .reference = 1 }), 2001);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "half@x.yy", .action = 2, .reference = 2, .old = 9 }), 105535);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "half@x.yy", .action = 2, .reference = 2, .old = 1 }), 2001);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "half@x.yy", .action = 2, .reference = 2, .old = 1,
	                                        .again = true }), 2001);
	ck_assert_uint_eq(our_end_gets(&iwf, loop, CMD_DR, true, 1), 1);
	a = our_end_await(&iwf, loop, NULL, CMD_DR, true, 0);
	ck_assert_uint_eq(msg_u32(a, DIA_Reference_Number), 2);
	dtr(&(struct dtr){ .ext_id = "stuck@x.yy", .action = 2, .reference = 4, .old = 2 });
	a = answer(CMD_DT, PATIENCE_MS);
	ck_assert_uint_eq(msg_result(a), 105533);
	ck_assert_uint_eq(msg_u32(a, DIA_MTC_Error_Diagnostic), 0);
	ck_assert_uint_eq(msg_u32(a, DIA_Trigger_Action), 2);
	ck_assert_uint_eq(msg_u32(a, DIA_Old_Reference_Number), 2);
}
END_TEST

START_TEST(sc_knows_repeats)
{
	iwf.on_request = answer_each;
	ck_assert_uint_eq(submit(&(struct dtr){ .reference = 1 }), 2001);
	ck_assert_uint_eq(submit(&(struct dtr){ .reference = 1, .again = true }), 2001);
	ck_assert_uint_eq(our_end_gets(&iwf, loop, CMD_DR, true, 1), 1);
	ck_assert_uint_eq(submit(&(struct dtr){ .reference = 1, .again = true }), 2001);
	ck_assert_uint_eq(our_end_gets(&iwf, loop, CMD_DR, true, 1), 1);
	ck_assert_ptr_null(printed("\"t_flag\":true,\"repeat\":true"));
	/* Another SCS's number is another number; and without the T flag it is a new one, and said to be. */
	ck_assert_uint_eq(submit(&(struct dtr){ .scs = "491599999", .reference = 1, .again = true }), 2001);
	ck_assert_uint_eq(submit(&(struct dtr){ .reference = 1 }), 2001);
	ck_assert_uint_eq(our_end_gets(&iwf, loop, CMD_DR, true, 3), 3);
	ck_assert_ptr_null(printed("\"repeat\":false,\"duplicate\":true"));
}
END_TEST

START_TEST(sc_repeats_reports)
{
	struct arrived *a, *b;
	int64_t asked;
	unsigned came;

	start("sim-smssc", "identity = \"sc.test\"; realm = \"test\"; port = 0; drr_timeout_ms = 500; drr_retries = 2;\n"
	      "default = { after_ms = 50; };", APP_T4);
	asked = peer_now_ms();
	ck_assert_uint_eq(submit(&(struct dtr){ .reference = 1 }), 2001);
	a = our_end_await(&iwf, loop, NULL, CMD_DR, true, PATIENCE_MS);
	ck_assert_ptr_nonnull(a);
	ck_assert_int_eq(a->h.flags & DIA_F_RETRANSMIT, 0);
	if (_i)
		dra(a, 3004);
	b = our_end_await(&iwf, loop, a, CMD_DR, true, PATIENCE_MS);
	ck_assert_ptr_nonnull(b);
	ck_assert_int_ne(b->h.flags & DIA_F_RETRANSMIT, 0);
	ck_assert_uint_eq(a->h.e2e, b->h.e2e);
	ck_assert_uint_ne(a->h.hbh, b->h.hbh);
	ck_assert_int_ge(b->at_ms - asked, 50 + 500 - 10);
	if (_i) {
		dra(b, 2001);
		ck_assert_ptr_null(printed("\"result_code\":2001,\"attempt\":"));
		came = our_end_count(&iwf, CMD_DR, true);
	} else {
		a = our_end_await(&iwf, loop, b, CMD_DR, true, PATIENCE_MS);
		ck_assert_ptr_nonnull(a);
		ck_assert_int_ge(a->at_ms - b->at_ms, 2 * 500 - 10);   /* twice as long */
		ck_assert_ptr_null(printed("given up"));
		came = 3;
	}
	outside_run(loop, 1200);
	ck_assert_uint_eq(our_end_count(&iwf, CMD_DR, true), came);
	ck_assert_int_eq(!!strstr(outside_printed(&sim), "given up"), !_i);
	stop();
}
END_TEST

START_TEST(sc_reports_after_reconnecting)
{
	static const uint32_t apps[] = { APP_T4 };
	const struct peer_conf pc = { .origin_host = IWF, .origin_realm = "test", .product = "check", .apps = apps, .napps = 1 };
	struct peer_ops ops = our_end_ops;
	struct arrived *a;
	uint16_t port = outside_port(outside_path("port"), loop);
	char err[256];

	ops.ctx = &iwf;
	ck_assert_uint_eq(submit(&(struct dtr){ .reference = 1 }), 2001);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "half@x.yy", .reference = 2 }), 2001);
	ck_assert_ptr_nonnull(our_end_await(&iwf, loop, NULL, CMD_DR, true, PATIENCE_MS));
	peer_abort(iwf.peer);
	outside_run(loop, HALF_MS + 200);   /* meanwhile the second one is delivered */
	our_end_forget(&iwf);
	ck_assert_ptr_nonnull(peer_connect(loop, &pc, "127.0.0.1", port, &ops, err, sizeof(err)));
	iwf.on_request = answer_each;
	ck_assert_uint_eq(our_end_gets(&iwf, loop, CMD_DR, true, 2), 2);
	a = our_end_await(&iwf, loop, NULL, CMD_DR, true, 0);
	ck_assert_uint_eq(msg_u32(a, DIA_Reference_Number), 1);
	ck_assert_int_ne(a->h.flags & DIA_F_RETRANSMIT, 0);
	a = our_end_await(&iwf, loop, a, CMD_DR, true, 0);
	ck_assert_uint_eq(msg_u32(a, DIA_Reference_Number), 2);
	ck_assert_int_eq(a->h.flags & DIA_F_RETRANSMIT, 0);
	iwf.closed = 0;
}
END_TEST

START_TEST(sc_without_recall_replace)
{
	struct arrived *a;
	struct dia_avp x;

	start("sim-smssc", "identity = \"sc.test\"; realm = \"test\"; port = 0; supports_recall_replace = false;\n"
	      "default = { after_ms = 400; };", APP_T4);
	iwf.on_request = answer_each;
	dtr(&(struct dtr){ .reference = 1 });
	a = answer(CMD_DT, PATIENCE_MS);
	ck_assert(a && msg_result(a) == 2001 && !msg_group(a, DIA_Supported_Features, &x));
	ck_assert_uint_eq(submit(&(struct dtr){ .action = 1, .old = 1 }), 105534);
	ck_assert_uint_eq(submit(&(struct dtr){ .action = 2, .reference = 2, .old = 1 }), 2001);
	ck_assert_uint_eq(our_end_gets(&iwf, loop, CMD_DR, true, 2), 2);
	stop();
}
END_TEST

/* Killed and started again: with the numbers it had, what is pending, and the report that nobody has answered. */
static void killed_and_back(const char *conf)
{
	kill(sim.pid, SIGKILL);
	outside_wait(&sim, loop, PATIENCE_MS);
	our_end_forget(&iwf);
	peer_loop_free(loop);
	start("sim-smssc", conf, APP_T4);
}

START_TEST(sc_survives)
{
	struct arrived *a;
	uint32_t e2e;
	char conf[600];
	FILE *f;

	snprintf(conf, sizeof(conf), "identity = \"sc.test\"; realm = \"test\"; port = 0; store_file = \"%s\"; drr_timeout_ms = 60000;\n"
	         "devices = ( { ext_id = \"half@x.yy\"; after_ms = 2000; }, { ext_id = \"hold@x.yy\"; after_ms = 60000; },\n"
	         "  { ext_id = \"now@x.yy\"; after_ms = 10; }, { ext_id = \"cong@x.yy\"; answer = \"congestion\"; } );\n", outside_path("book"));
	remove(outside_path("book"));
	start("sim-smssc", conf, APP_T4);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "hold@x.yy", .reference = 1 }), 2001);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "hold@x.yy", .reference = 2 }), 2001);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "hold@x.yy", .reference = 2, .action = 1 }), 2001);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "cong@x.yy", .reference = 5 }), 105531);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "now@x.yy", .reference = 3 }), 2001);
	a = our_end_await(&iwf, loop, NULL, CMD_DR, true, PATIENCE_MS);
	ck_assert_ptr_nonnull(a);
	e2e = a->h.e2e;
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "half@x.yy", .reference = 4 }), 2001);
	f = fopen(outside_path("book"), "a");
	ck_assert(f && fputs("take 99 half a li", f) >= 0 && fclose(f) == 0);

	killed_and_back(conf);
	a = our_end_await(&iwf, loop, NULL, CMD_DR, true, PATIENCE_MS);
	ck_assert_ptr_nonnull(a);
	ck_assert_uint_eq(msg_u32(a, DIA_Reference_Number), 3);
	ck_assert_int_ne(a->h.flags & DIA_F_RETRANSMIT, 0);
	ck_assert_uint_eq(a->h.e2e, e2e);
	dra(a, 2001);
	a = our_end_await(&iwf, loop, a, CMD_DR, true, PATIENCE_MS);
	ck_assert_ptr_nonnull(a);
	ck_assert_uint_eq(msg_u32(a, DIA_Reference_Number), 4);
	ck_assert_str_eq(msg_text(a, DIA_Destination_Host), IWF);
	ck_assert_int_eq(a->h.flags & DIA_F_RETRANSMIT, 0);
	dra(a, 2001);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "half@x.yy", .reference = 4, .again = true }), 2001);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "hold@x.yy", .reference = 2, .action = 1, .again = true }), 2001);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "hold@x.yy", .reference = 1, .action = 1 }), 2001);
	ck_assert_ptr_null(printed("\"repeat\":true"));

	/* Nothing is left to be done. */
	killed_and_back(conf);
	ck_assert_uint_eq(submit(&(struct dtr){ .ext_id = "hold@x.yy", .reference = 1, .action = 1 }), 105535);
	outside_run(loop, 700);
	ck_assert_uint_eq(our_end_count(&iwf, CMD_DR, true), 0);
	stop();
}
END_TEST

START_TEST(sc_wrong_book)
{
	static const char *const rows[] = { "over 1\n", "take 1 49 5 0 0 69 74 00 00 0 0 1 0 2001 0 0\n", "x\n", "\n",
	                                    "take 2 49 5 0 0 69 74 00 00 0 0 1 0 2001 0 0 0\n", "take 1 49 5 0 0 69 7 00 00 0 0 1 0 2001 0 0 0\n" };
	const char *argv[] = { "--config", outside_path("sim.conf"), NULL };
	char conf[300];

	snprintf(conf, sizeof(conf), "identity = \"sc.test\"; realm = \"test\"; port = 0; store_file = \"%s\";", outside_path("book"));
	loop = peer_loop_new();
	outside_write("sim.conf", conf);
	outside_write("book", rows[_i]);
	sim = outside_start("sim-smssc", argv, NULL);
	ck_assert_int_eq(outside_wait(&sim, loop, PATIENCE_MS), 1);
	ck_assert_msg(strstr(outside_printed(&sim), "book:1: not a line of this program"), "%s", outside_printed(&sim));
	peer_loop_free(loop);
}
END_TEST

/* Files with mistakes. */

START_TEST(bad_files)
{
	static const struct { const char *program, *text, *want; } rows[] = {
		{ "sim-hss", "realm = \"test\";\n", "identity is needed" },
		{ "sim-hss", "identity = \"a.b\"; realm = \"b\";\nport = 70000;\n",
		  "sim.conf:2: port must be a number from 0 to 65535" },
		{ "sim-hss", "identity = \"a.b\"; realm = \"b\";\nlisten = 5;\n", "sim.conf:2: listen must be a text in quotes" },
		{ "sim-hss", "identity = \"a.b\"; realm = \"b\";\n\nsubscriber = ();\n",
		  "sim.conf:3: there is no option \"subscriber\" here" },
		{ "sim-hss", "identity = \"a.b\"; realm = \"b\";\nsubscribers = ( { msisdn = \"49170000\"; } );\n",
		  "sim.conf:2: imsi is needed" },
		{ "sim-hss",
		  "identity = \"a.b\"; realm = \"b\";\nsubscribers = ( { imsi = \"262011234567890\";\n result = \"good\"; } );\n",
		  "sim.conf:3: result must be one of success, user-unknown" },
		{ "sim-hss",
		  "identity = \"a.b\"; realm = \"b\";\nsubscribers = ( { imsi = \"262011234567890\"; additional_nodes = ( {} ); } );\n",
		  "without a serving_node" },
		{ "sim-hss", "identity = \"a.b\"; realm = \"b\";\ndefault = { result = \"success\"; };\n", "sim.conf:2: default" },
		{ "sim-hss", "identity = \"a.b\"; realm = \"b\";\ntls = { cert = \"x\"; };\n", "sim.conf:2: key is needed" },
		{ "sim-hss", "identity = \"a.b;\n", "sim.conf:" },
		{ "sim-smssc", "identity = \"a.b\"; realm = \"b\";\ndevices = ( { outcome = \"deliver\"; } );\n",
		  "sim.conf:2: a device needs" },
		{ "sim-smssc", "identity = \"a.b\"; realm = \"b\";\ndevices = ( \"x\" );\n", "sim.conf:2: a device must be a group" },
		{ "sim-smssc", "identity = \"a.b\"; realm = \"b\";\ndefault = { drr_twice = 1; };\n",
		  "sim.conf:2: drr_twice must be true or false" },
		{ "sim-smssc", "identity = \"a.b\"; realm = \"b\";\ndefault = { imsi = \"1\"; };\n",
		  "sim.conf:2: there is no option \"imsi\"" },
	};
	const char *argv[] = { "--config", outside_path("sim.conf"), "--check-config", NULL };

	loop = peer_loop_new();
	outside_write("sim.conf", rows[_i].text);
	sim = outside_start(rows[_i].program, argv, NULL);
	ck_assert_int_eq(outside_wait(&sim, loop, PATIENCE_MS), 1);
	ck_assert_msg(strstr(outside_printed(&sim), rows[_i].want), "%s", outside_printed(&sim));
	peer_loop_free(loop);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim");
	SRunner *sr = srunner_create(s);
	TCase *hss = tcase_create("hss"), *sc = tcase_create("smssc"), *other = tcase_create("other");
	int failed;

	if (!outside_begin()) {
		perror(outside_dir);
		return 1;
	}
	tcase_add_checked_fixture(hss, start_hss, stop);
	tcase_set_timeout(hss, 30);
	tcase_add_test(hss, hss_success);
	tcase_add_test(hss, hss_results);
	tcase_add_test(hss, hss_misbehaves);
	tcase_add_test(hss, hss_refuses_wrong_requests);
	tcase_add_test(hss, hss_reloads);
	suite_add_tcase(s, hss);
	tcase_add_checked_fixture(sc, start_sc, stop);
	tcase_set_timeout(sc, 30);
	tcase_add_test(sc, sc_delivers);
	tcase_add_loop_test(sc, sc_outcomes, 0, 12);
	tcase_add_test(sc, sc_refuses);
	tcase_add_test(sc, sc_recalls);
	tcase_add_test(sc, sc_replaces);
	tcase_add_test(sc, sc_knows_repeats);
	tcase_add_test(sc, sc_reports_after_reconnecting);
	suite_add_tcase(s, sc);
	tcase_set_timeout(other, 30);
	tcase_add_loop_test(other, sc_repeats_reports, 0, 2);
	tcase_add_test(other, sc_without_recall_replace);
	tcase_add_test(other, sc_survives);
	tcase_add_loop_test(other, sc_wrong_book, 0, 6);
	tcase_add_loop_test(other, bad_files, 0, 14);
	suite_add_tcase(s, other);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	outside_end();
	return failed != 0;
}
