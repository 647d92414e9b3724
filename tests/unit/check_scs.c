/* check_scs.c - tsp-scs, with this program as the MTC-IWF. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "outside.h"
#include "peer_certs.h"

static struct peer_loop *loop;
static struct our_end scs;
static struct peer_listener *listener;
static char where[64];
static const uint32_t apps[] = { APP_TSP };

/* How a DAR is answered: what its External-Identifier or MSISDN asks for. */
struct plan {
	const char *who;
	uint32_t result, status, diagnostic, outcome;
	bool report, early, no_answer, no_status, other_reference;
};
#define NONE UINT32_MAX
static const struct plan plans[] = {
	{ .who = "good@x.yy", .result = 2001, .status = 0, .diagnostic = NONE },
	{ .who = "reported@x.yy", .result = 2001, .status = 0, .diagnostic = NONE, .report = true, .outcome = 0 },
	{ .who = "early@x.yy", .result = 2001, .status = 0, .diagnostic = NONE, .report = true, .early = true, .outcome = 0 },
	{ .who = "undeliverable@x.yy", .result = 2001, .status = 0, .diagnostic = NONE, .report = true, .outcome = 3 },
	{ .who = "refused@x.yy", .result = 2001, .status = 105, .diagnostic = NONE },
	{ .who = "replacefail@x.yy", .result = 2001, .status = 110, .diagnostic = 1 },
	{ .who = "missing@x.yy", .result = 5005, .status = 107, .diagnostic = NONE },
	{ .who = "busy@x.yy", .result = 3004, .status = NONE, .diagnostic = NONE },
	{ .who = "silent@x.yy", .no_answer = true },
	{ .who = "nostatus@x.yy", .result = 2001, .no_status = true, .diagnostic = NONE },
	{ .who = "mixed@x.yy", .result = 2001, .status = 0, .diagnostic = NONE, .other_reference = true },
};

static uint32_t in_group(const struct dia_avp *g, enum dia_id id)
{
	struct dia_avp a;
	uint32_t v;

	return dia_group_find(g, id, &a) && dia_avp_u32(&a, &v) ? v : NONE;
}

static void put_common(struct dia_writer *w)
{
	dia_put_u32(w, DIA_Auth_Application_Id, APP_TSP);
	dia_put_u32(w, DIA_Auth_Session_State, 1);
	dia_put_text(w, DIA_Origin_Host, "iwf.test");
	dia_put_text(w, DIA_Origin_Realm, "test");
}

static void send_built(struct peer *p, struct dia_writer *w)
{
	ck_assert(dia_end(w));
	ck_assert(peer_send(p, w->p, w->n));
	dia_writer_free(w);
}

static void report(struct peer *p, uint32_t reference, uint32_t outcome)
{
	struct dia_writer w = { 0 };
	char id[128];

	peer_session_id(p, id, sizeof(id));
	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, CMD_DN, APP_TSP, peer_next_hbh(p), peer_next_e2e(p));
	dia_put_text(&w, DIA_Session_Id, id);
	put_common(&w);
	dia_put_text(&w, DIA_Destination_Realm, "test");
	dia_put_text(&w, DIA_Destination_Host, peer_remote_host(p));
	dia_open(&w, DIA_Device_Notification);
	dia_put_u32(&w, DIA_Reference_Number, reference);
	dia_put_u32(&w, DIA_Action_Type, 2);
	dia_put_u32(&w, DIA_Delivery_Outcome, outcome);
	dia_close(&w);
	send_built(p, &w);
}

static void answer(struct peer *p, const struct arrived *a, const struct plan *plan, const struct dia_avp *action)
{
	struct dia_writer w = { 0 };
	uint32_t reference = in_group(action, DIA_Reference_Number);

	dia_begin_answer(&w, a->p, a->n, plan->result / 1000 == 3 ? DIA_F_ERROR : 0);
	put_common(&w);
	dia_put_u32(&w, DIA_Result_Code, plan->result);
	if (plan->result == 5005) {
		dia_put_text(&w, DIA_Error_Message, "what is missing");
		dia_open(&w, DIA_Failed_AVP);
		dia_open(&w, DIA_Device_Action);
		dia_put_u32(&w, DIA_Action_Type, 0);
		dia_close(&w);
		dia_close(&w);
	}
	if (plan->status != NONE) {
		dia_open(&w, DIA_Device_Notification);
		dia_put_text(&w, DIA_External_Identifier, plan->who);
		dia_put_u32(&w, DIA_Reference_Number, plan->other_reference ? reference + 1 : reference);
		dia_put_u32(&w, DIA_Action_Type, in_group(action, DIA_Action_Type));
		if (!plan->no_status)
			dia_put_u32(&w, DIA_Request_Status, plan->status);
		if (plan->diagnostic != NONE)
			dia_put_u32(&w, DIA_MTC_Error_Diagnostic, plan->diagnostic);
		dia_close(&w);
	}
	dia_put_u32(&w, DIA_Feature_Supported_In_Final_Target, 1);
	send_built(p, &w);
}

static void on_dar(struct our_end *e, const struct arrived *a)
{
	const struct plan *plan = &plans[0];
	struct dia_avp action = { 0 }, id;
	char who[128] = "good@x.yy";

	if (a->h.code != CMD_DA)
		return;
	if (msg_group(a, DIA_Device_Action, &action) && dia_group_find(&action, DIA_External_Identifier, &id))
		dia_avp_text(&id, who, sizeof(who));
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
		if (!strcmp(plans[i].who, who))
			plan = &plans[i];
	if (plan->early)
		report(e->peer, in_group(&action, DIA_Reference_Number), plan->outcome);
	if (!plan->no_answer)
		answer(e->peer, a, plan, &action);
	if (plan->report && !plan->early)
		report(e->peer, in_group(&action, DIA_Reference_Number), plan->outcome);
}

static void listen_as(const char *cert)
{
	struct peer_conf conf = { .origin_host = "iwf.test", .origin_realm = "test", .product = "check", .apps = apps,
	                          .napps = 1 };
	struct peer_ops ops = our_end_ops;
	char err[256];

	if (cert) {
		conf.tls.cert = outside_path("server.pem");
		conf.tls.key = outside_path("server.key");
		conf.tls.ca = outside_path("ca.pem");
	}
	ops.ctx = &scs;
	listener = peer_listen(loop, &conf, "127.0.0.1", 0, &ops, err, sizeof(err));
	ck_assert_ptr_nonnull(listener);
	snprintf(where, sizeof(where), "127.0.0.1:%u", peer_listener_port(listener));
}

static void setup(void)
{
	loop = peer_loop_new();
	our_end_init(&scs);
	scs.on_request = on_dar;
	listen_as(NULL);
}

static void teardown(void)
{
	our_end_forget(&scs);
	peer_loop_free(loop);
}

static struct child last;

/* Runs tsp-scs over TCP with these words, split at blanks; its exit status. */
static int run(const char *words, const char *input)
{
	const char *argv[64] = { "--tcp", "--connect", where, "--origin-host", "scs.test" };
	static char text[2048];
	int n = 5;

	snprintf(text, sizeof(text), "%s", words);
	for (char *w = strtok(text, " "); w && n < 63; w = strtok(NULL, " "))
		argv[n++] = w;
	last = outside_start("tsp-scs", argv, input);
	return outside_wait(&last, loop, PATIENCE_MS);
}

/* Fails with what tsp-scs printed last. */
#define ends_with(status, words, input) do { \
	int ended = run(words, input); \
	ck_assert_msg(ended == (status), "%s: status %d: ...%s", words, ended, tail()); } while (0)

static const char *tail(void)
{
	const char *text = outside_printed(&last);
	size_t n = strlen(text);

	return n > 2000 ? text + n - 2000 : text;
}

static bool says(const char *text)
{
	return strstr(outside_printed(&last), text) != NULL;
}

START_TEST(outcomes)
{
	static const struct { const char *words; int status; const char *says; } rows[] = {
		{ "trigger --ext-id good@x.yy --reference 7", 0, "trigger 7: accepted (SUCCESS)\n" },
		{ "recall --ext-id good@x.yy --reference 7", 0, "recall 7: accepted (SUCCESS)\n" },
		{ "replace --ext-id good@x.yy --reference 8 --old-reference 7", 0, "replace 8: accepted (SUCCESS)\n" },
		{ "trigger --ext-id refused@x.yy --reference 7", 1, "trigger 7: refused: NOTAUTHORIZED (105)\n" },
		{ "replace --ext-id replacefail@x.yy --reference 8 --old-reference 7", 1,
		  "replace 8: refused: REPLACEFAIL (110), NEW_MESSAGE_NOT_STORED\n" },
		{ "trigger --ext-id missing@x.yy --reference 7", 5,
		  "trigger 7: error: Result-Code 5005 DIAMETER_MISSING_AVP, Request-Status PERMANENTERROR (107), "
		  "Failed-AVP: Device-Action/Action-Type, \"what is missing\"\n" },
		{ "trigger --ext-id busy@x.yy --reference 7", 5, "trigger 7: error: Result-Code 3004 DIAMETER_TOO_BUSY" },
		{ "trigger --ext-id nostatus@x.yy --reference 7", 5, "no Request-Status" },
		{ "trigger --ext-id mixed@x.yy --reference 7", 5, "it names Reference-Number 8" },
		{ "trigger --ext-id silent@x.yy --reference 7 --timeout 0.2", 4, "trigger 7: no answer within 0.2 s\n" },
		{ "trigger --ext-id reported@x.yy --reference 7 --wait-report", 0, "report 7: delivered (SUCCESS)\n" },
		{ "trigger --ext-id early@x.yy --reference 7 --wait-report=5", 0,
		  "report 7: delivered (SUCCESS)\ntrigger 7: accepted" },
		{ "trigger --ext-id undeliverable@x.yy --reference 7 --wait-report", 6, "report 7: undeliverable (UNDELIVERABLE)\n" },
		{ "trigger --ext-id good@x.yy --reference 7 --wait-report=0.2", 7, "trigger 7: no report within 0.2 s\n" },
		{ "trigger --ext-id refused@x.yy --reference 7 --wait-report", 1, "NOTAUTHORIZED" },
		{ "trigger --ext-id reported@x.yy --reference 7 --count 3 --wait-report", 0, "report 9: delivered" },
		{ "trigger --ext-id reported@x.yy --reference 7 --quiet", 0, "" },
		{ "wait 0.2", 7, "1 report did not come" },
		{ "trigger --raw-hex /dev/null --timeout 0.2", 4, "no answer to the raw octets" },
	};

	ck_assert_msg(run(rows[_i].words, NULL) == rows[_i].status, "%s\n%s", rows[_i].words, outside_printed(&last));
	ck_assert_msg(says(rows[_i].says), "%s\n%s", rows[_i].words, outside_printed(&last));
	for (int64_t end = peer_now_ms() + PATIENCE_MS; !scs.closed && peer_now_ms() < end;)
		peer_loop_run(loop, 10);
	ck_assert_int_eq(scs.closed, 1);
	ck_assert_msg(strstr(scs.why, "DPR"), "%s", scs.why);
}
END_TEST

START_TEST(usage)
{
	static const struct { const char *words, *says; } rows[] = {
		{ "", "say what to do" }, { "wake", "\"wake\" is no command" }, { "recall", "recall needs --reference" },
		{ "replace --reference 1", "replace needs --old-reference" }, { "trigger --nothing", "--nothing: no such option" },
		{ "trigger --reference", "--reference needs a value" }, { "trigger --reference x", "--reference x: not a number" },
		{ "trigger --reference 4294967296", "not a number in range" }, { "trigger --payload-hex 0", "not hex" },
		{ "trigger --payload-file /nowhere/at/all", "No such file" }, { "trigger --msisdn 49x", "not digits" },
		{ "trigger --omit Nothing", "no AVP of that name" }, { "trigger --avp 5", "= is missing" },
		{ "trigger --avp Failed-AVP/5=00", "the groups are" }, { "trigger --json=1", "takes no value" },
		{ "trigger more", "\"more\" is too much" }, { "trigger --timeout -1", "not a number of seconds" },
		{ "trigger --connect [::1", "not HOST:PORT" }, { "trigger --connect a:0", "not HOST:PORT" },
		{ "trigger --rate 0", "not a rate" }, { "trigger --count 0", "at least 1" },
		{ "trigger --sctp", "exclude each other" }, { "trigger --sctp-udp 9899", "need --sctp" },
		{ "trigger --sctp-udp 0", "not a port" }, { "trigger --sctp-stack mine", "not kernel, user or auto" },
	};

	ck_assert_msg(run(rows[_i].words, NULL) == 2, "%s", rows[_i].words);
	ck_assert_msg(says(rows[_i].says), "%s: %s", rows[_i].words, outside_printed(&last));
}
END_TEST

START_TEST(every_avp)
{	static const uint8_t msisdn[] = { 0x94, 0x71, 0x00, 0x00, 0x00, 0x10 }, identity[] = { 0x21, 0x43, 0xf5 };
	static const uint8_t payload[] = { 0, 0xff, 0x10 };
struct arrived *a;
	struct dia_avp g, d, x;
	struct dia_fault fault;

	ck_assert_int_eq(run("replace --ext-id good@x.yy --msisdn 491700000001 --scs-identity 12345 --reference 0xffffffff --old-reference 5 "
	                     "--payload-hex 00:ff:10 --priority --port 2948 --validity 3600 --features 3 --dest-host h.test --dest-realm r.test "
	                     "--t-flag --e2e 77 --session-id s;1;2", NULL), 0);
	a = our_end_await(&scs, loop, NULL, CMD_DA, true, 0);
	ck_assert_ptr_nonnull(a);
	ck_assert_msg(dia_check(a->p, a->n, &fault), "%s", fault.what);
	ck_assert_uint_eq(a->h.flags, DIA_F_REQUEST | DIA_F_PROXIABLE | DIA_F_RETRANSMIT);
	ck_assert_uint_eq(a->h.app, APP_TSP);
	ck_assert_uint_eq(a->h.e2e, 77);
	ck_assert_str_eq(msg_text(a, DIA_Session_Id), "s;1;2");
	ck_assert_str_eq(msg_text(a, DIA_Origin_Host), "scs.test");
	ck_assert_str_eq(msg_text(a, DIA_Origin_Realm), "test");
	ck_assert_str_eq(msg_text(a, DIA_Destination_Host), "h.test");
	ck_assert_str_eq(msg_text(a, DIA_Destination_Realm), "r.test");
	ck_assert_uint_eq(msg_u32(a, DIA_Auth_Application_Id), APP_TSP);
	ck_assert_uint_eq(msg_u32(a, DIA_Auth_Session_State), 1);
	ck_assert(msg_group(a, DIA_Device_Action, &g) && dia_group_find(&g, DIA_MSISDN, &x));
	ck_assert(x.len == 6 && !memcmp(x.data, msisdn, 6));
	ck_assert(dia_group_find(&g, DIA_SCS_Identity, &x) && x.len == 3 && !memcmp(x.data, identity, 3));
	ck_assert_uint_eq(in_group(&g, DIA_Reference_Number), 0xffffffff);
	ck_assert_uint_eq(in_group(&g, DIA_Old_Reference_Number), 5);
	ck_assert_uint_eq(in_group(&g, DIA_Action_Type), 4);
	ck_assert_uint_eq(in_group(&g, DIA_Validity_Time), 3600);
	ck_assert(dia_group_find(&g, DIA_Trigger_Data, &d) && dia_group_find(&d, DIA_Payload, &x));
	ck_assert(x.len == 3 && !memcmp(x.data, payload, 3));
	ck_assert_uint_eq(in_group(&d, DIA_Priority_Indication), 1);
	ck_assert_uint_eq(in_group(&d, DIA_Application_Port_Identifier), 2948);
	ck_assert(msg_group(a, DIA_Supported_Features, &g));
	ck_assert_uint_eq(in_group(&g, DIA_Feature_List), 3);
	ck_assert_uint_eq(in_group(&g, DIA_Feature_List_ID), 1);

	ends_with(0, "recall --reference 5 --msisdn-hex 0f --features none", NULL);
	a = our_end_await(&scs, loop, a, CMD_DA, true, 0);
	ck_assert(a && !msg_group(a, DIA_Supported_Features, &g) && msg_group(a, DIA_Device_Action, &g));
	ck_assert_uint_eq(in_group(&g, DIA_Action_Type), 3);
	ck_assert(!dia_group_find(&g, DIA_Trigger_Data, &d) && !dia_group_find(&g, DIA_External_Identifier, &x));
	ck_assert(dia_group_find(&g, DIA_MSISDN, &x) && x.len == 1 && x.data[0] == 0x0f);
	ck_assert_str_eq(msg_text(a, DIA_Destination_Realm), "test");
}
END_TEST

/* Wrong on purpose: what the checker says of it. */
START_TEST(twisted)
{
	static const struct { const char *words; uint32_t result; int def; } rows[] = {
		{ "--omit Device-Action", 0, 0 }, { "--omit Reference-Number", 5005, DIA_Reference_Number },
		{ "--omit Action-Type", 5005, DIA_Action_Type }, { "--omit Session-Id", 5005, DIA_Session_Id },
		{ "--double Action-Type", 5009, DIA_Action_Type }, { "--double Device-Action", 5009, DIA_Device_Action },
		{ "--double Origin-Host", 5009, DIA_Origin_Host }, { "--action-type 99", 5004, DIA_Action_Type },
		{ "--double External-Id", 5009, DIA_External_Identifier }, { "--omit Payload", 5005, DIA_Payload },
		{ "--avp 99999:10415=00", 5001, -1 }, { "--avp Device-Action/99999:10415=00", 5001, -1 },
		{ "--avp Trigger-Data/99999:10415:c0=00", 5001, -1 }, { "--avp 99999:10415:80=00", 0, 0 },
		{ "--avp Device-Action/448=000000", 5014, DIA_Validity_Time },
	};
	struct dia_fault fault;
	struct arrived *a;
	char words[256];

	snprintf(words, sizeof(words), "trigger --ext-id good@x.yy --reference 7 %s", rows[_i].words);
	run(words, NULL);
	a = our_end_await(&scs, loop, NULL, CMD_DA, true, 0);
	ck_assert_ptr_nonnull(a);
	if (!rows[_i].result) {
		ck_assert_msg(dia_check(a->p, a->n, &fault), "%s", fault.what);
		return;
	}
	ck_assert_msg(!dia_check(a->p, a->n, &fault), "%s: nothing wrong", rows[_i].words);
	ck_assert_msg(fault.result_code == rows[_i].result, "%s: %u %s", rows[_i].words, fault.result_code, fault.what);
	ck_assert_ptr_eq(fault.def, rows[_i].def < 0 ? NULL : &dia_avps[rows[_i].def]);
}
END_TEST

START_TEST(json)
{
	struct arrived *a;

	ends_with(5, "trigger --ext-id missing@x.yy --reference 7 --json --e2e 5 --session-id s;1;2", NULL);
	ck_assert_msg(says("{\"type\":\"answer\",\"action\":\"trigger\",\"reference\":7,\"result_code\":5005,\"request_status\":107,"
	                   "\"status\":\"PERMANENTERROR\",\"action_type\":1,\"failed_avp\":[3001,3005],"
	                   "\"failed_avp_names\":\"Device-Action/Action-Type\",\"failed_avp_hex\":\"00000bb9c0000"), "%s", outside_printed(&last));
	ck_assert_msg(says("\"final_target_features\":1,\"ext_id\":\"missing@x.yy\",\"error_message\":\"what is missing\",\"error_bit\":false,"
	                   "\"origin_host\":\"iwf.test\",\"session_id\":\"s;1;2\",\"e2e\":5,\"rtt_ms\":"), "%s", outside_printed(&last));
	ends_with(6, "trigger --ext-id undeliverable@x.yy --reference 7 --json --wait-report", NULL);
	ck_assert_msg(says("{\"type\":\"report\",\"reference\":7,\"delivery_outcome\":3,\"outcome\":\"UNDELIVERABLE\""), "%s",
	              outside_printed(&last));
	a = our_end_await(&scs, loop, NULL, CMD_DN, false, 0);
	ck_assert(a && msg_u32(a, DIA_Result_Code) == 2001);
	ends_with(0, "trigger --ext-id reported@x.yy --reference 7 --json --wait-report --dna-result 5012", NULL);
	a = our_end_await(&scs, loop, a, CMD_DN, false, 0);
	ck_assert(a && msg_u32(a, DIA_Result_Code) == 5012);
	ends_with(0, "trigger --ext-id reported@x.yy --reference 7 --wait-report --no-dna", NULL);
	ck_assert_uint_eq(our_end_count(&scs, CMD_DN, false), 2);
}
END_TEST

START_TEST(script)
{
	outside_write("script", "# a comment\n\ntrigger --ext-id reported@x.yy --reference 1 --payload 'two words'\n"
	              "wait-report 1 5\n"
	              "trigger --reference 2\n"
	              "trigger --reference 3 --ext-id \"refused@x.yy\"\n"
	              "nonsense\n"
	              "trigger --connect a:1\n"
	              "wait\nsleep 0.05\n"
	              "recall --reference 2");
	ends_with(2, "script --ext-id good@x.yy", outside_path("script"));
	ck_assert_msg(says("trigger 1: accepted (SUCCESS)\nreport 1: delivered (SUCCESS)\n"), "%s", outside_printed(&last));
	ck_assert_msg(says("trigger 2: accepted (SUCCESS)\ntrigger 3: refused: NOTAUTHORIZED (105)\nrecall 2: accepted"),
	              "%s", outside_printed(&last));
	ck_assert_msg(says("script: \"nonsense\" is no command"), "%s", outside_printed(&last));
	ck_assert_msg(says("--connect: only on the command line"), "%s", outside_printed(&last));
	ck_assert_int_eq(scs.opened, 1);
	ck_assert_uint_eq(our_end_count(&scs, CMD_DA, true), 4);
	outside_write("script", "trigger --reference 1\nquit\ntrigger --reference 2\n");
	ends_with(3, "script --ext-id silent@x.yy", outside_path("script"));
	ck_assert_uint_eq(our_end_count(&scs, CMD_DA, true), 5);
	outside_write("script", "wait-report 9 0.1\n");
	ends_with(7, "script", outside_path("script"));
}
END_TEST

START_TEST(many)
{
	FILE *f = fopen(outside_path("script"), "w");
	int64_t start = peer_now_ms();

	ends_with(0, "trigger --ext-id reported@x.yy --reference 100 --count 3000 --wait-report", NULL);
	ck_assert_msg(says("3000 sent: 3000 accepted, 0 refused, 0 failed; reports: 3000 delivered, 0 other"), "%s",
	              tail());
	ck_assert_uint_eq(our_end_count(&scs, CMD_DA, true), 3000);
	start = peer_now_ms();
	ends_with(0, "trigger --ext-id good@x.yy --count 40 --rate 100 --json", NULL);
	ck_assert_int_ge(peer_now_ms() - start, 380);
	/* More than is read ahead. */
	for (int i = 0; i < 2000; i++)
		fprintf(f, "trigger --ext-id reported@x.yy --reference %d --wait-report # %01500d\n", i, 0);
	fclose(f);
	ends_with(0, "script --outstanding 10", outside_path("script"));
	ck_assert_uint_eq(our_end_count(&scs, CMD_DA, true), 5040);
	ck_assert_msg(says("2000 sent: 2000 accepted"), "%s", outside_printed(&last));
}
END_TEST

START_TEST(kept_out)
{
	const char *argv[] = { "--connect", where, "--ca", outside_path("ca.pem"), "trigger", NULL };

	peer_listener_close(listener);
	peer_loop_run(loop, 0);
	ends_with(3, "trigger", NULL);
	ck_assert_msg(says("not connected to 127.0.0.1:") && says("refused"), "%s", outside_printed(&last));
	listen_as("server");
	ends_with(3, "trigger --connect-timeout 0.3", NULL);   /* no TLS */
	last = outside_start("tsp-scs", argv, NULL);
	ck_assert_int_eq(outside_wait(&last, loop, PATIENCE_MS), 2);   /* who are we? */
	ck_assert_msg(says("--origin-host is needed"), "%s", outside_printed(&last));
	ck_assert_int_eq(scs.opened, 0);
}
END_TEST

START_TEST(over_tls)
{
	static const struct { const char *cert, *ca, *more; int status; const char *says; } rows[] = {
		{ "client", "ca.pem", "--quiet", 0, "" },
		{ "stranger", "ca.pem", "--quiet", 3, "refuses" },
		{ "client", "other-ca.pem", "--quiet", 3, "the server's certificate is not trusted: none of our CAs has signed it" },
		{ "client", "ca.pem", "--expect-host=else.test", 3, "it is for another name than else.test" },
		{ "client", "other-ca.pem", "--insecure", 0, "accepted" },
	};
	char cert[32], key[32];
	const char *argv[16];

	snprintf(cert, sizeof(cert), "%s.pem", rows[_i].cert);
	snprintf(key, sizeof(key), "%s.key", rows[_i].cert);
	peer_listener_close(listener);
	listen_as("server");
	memcpy(argv, ((const char *[]){ "--connect", where, "--ca", outside_path(rows[_i].ca), "--cert", outside_path(cert),
	                                "--key",
	                                outside_path(key), "trigger", "--ext-id", "good@x.yy", rows[_i].more, NULL }), 13 * sizeof(argv[0]));
	last = outside_start("tsp-scs", argv, NULL);
	ck_assert_int_eq(outside_wait(&last, loop, PATIENCE_MS), rows[_i].status);
	ck_assert_msg(says(rows[_i].says), "%s", outside_printed(&last));
	if (!rows[_i].status) {   /* Origin-Host came from the certificate */
		struct arrived *a = our_end_await(&scs, loop, NULL, CMD_DA, true, 0);

		ck_assert(a && !strcmp(msg_text(a, DIA_Origin_Host), "scs.test"));
	}
}
END_TEST

START_TEST(loses_the_connection)
{
	const char *argv[] = { "--tcp", "--connect", where, "--origin-host", "scs.test", "trigger", "--ext-id", "silent@x.yy",
	                       "--reference", "4", NULL };

	last = outside_start("tsp-scs", argv, NULL);
	ck_assert_ptr_nonnull(our_end_await(&scs, loop, NULL, CMD_DA, true, PATIENCE_MS));
	if (_i)
		kill(last.pid, SIGTERM);
	else
		peer_abort(scs.peer);
	ck_assert_int_eq(outside_wait(&last, loop, PATIENCE_MS), 3);
	ck_assert_msg(says("trigger 4: connection lost before the answer"), "%s", outside_printed(&last));
	for (int64_t end = peer_now_ms() + PATIENCE_MS; !scs.closed && peer_now_ms() < end;)
		peer_loop_run(loop, 10);
	ck_assert_msg(strstr(scs.why, _i ? "DPR" : "broken off by us"), "%s", scs.why);
}
END_TEST

/* SCTP in UDP, in the clear and under DTLS; a payload that no record holds. */
START_TEST(over_sctp)
{
	static const struct { bool dtls; const char *size; int status; const char *says; } rows[] = {
		{ false, "20000", 0, "accepted" }, { true, "16000", 0, "accepted" },
		{ true, "20000", 3, "and over SCTP it may be" },
	};
	struct peer_conf conf = { .origin_host = "iwf.test", .origin_realm = "test", .apps = apps, .napps = 1 };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct peer_ops ops = our_end_ops;
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char err[256] = "", udp[8];
	const char *argv[24] = { "--sctp", "--sctp-udp", udp, "--connect", where, "--origin-host", "scs.test", "trigger",
	                         "--ext-id", "good@x.yy", "--payload-size", rows[_i].size };
	const char *tls[] = { "--ca", outside_path("ca.pem"), "--cert", outside_path("client.pem"), "--key", outside_path("client.key") };

	ck_assert(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0);
	snprintf(udp, sizeof(udp), "%u", ntohs(a.sin_port));
	if (rows[_i].dtls) {
		conf.tls = (struct peer_tls){ .cert = outside_path("server.pem"), .key = outside_path("server.key"),
		                              .ca = outside_path("ca.pem") };
		memcpy(argv + 12, tls, sizeof(tls));
	}
	ops.ctx = &scs;
	peer_listener_close(listener);
	listener = peer_listen_packets(loop, &conf, fd, 0, &ops, err, sizeof(err));
	ck_assert_msg(listener != NULL, "%s", err);
	snprintf(where, sizeof(where), "127.0.0.1:%u", peer_listener_port(listener));
	last = outside_start("tsp-scs", argv, NULL);
	ck_assert_int_eq(outside_wait(&last, loop, PATIENCE_MS), rows[_i].status);
	ck_assert_msg(says(rows[_i].says), "%s", outside_printed(&last));
	ck_assert_uint_eq(our_end_count(&scs, CMD_DA, true), !rows[_i].status);
}
END_TEST

START_TEST(without_cer)
{
	ends_with(3, "trigger --no-cer", NULL);
	ck_assert_uint_eq(our_end_count(&scs, CMD_DA, true), 0);
	outside_write("raw", "02 00 00 14 00000000 00000000 00000000 00000000");
	ends_with(2, "trigger --raw-hex=raw", NULL);
	ck_assert_msg(says("cannot be read"), "%s", outside_printed(&last));
	{
		const char *argv[] = { "--tcp", "--connect", where, "--origin-host", "scs.test", "trigger", "--raw-hex",
		                       outside_path("raw"), NULL };

		last = outside_start("tsp-scs", argv, NULL);
		ck_assert_int_eq(outside_wait(&last, loop, PATIENCE_MS), 3);
		ck_assert_msg(strstr(scs.why, "framing: version 2"), "%s", scs.why);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tsp-scs");
	SRunner *sr = srunner_create(s);
	TCase *t = tcase_create("tsp-scs");
	int failed;

	if (!outside_begin() || !peer_certs_make(outside_dir)) {
		fprintf(stderr, "no files can be made in %s\n", outside_dir);
		return 1;
	}
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 40);
	tcase_add_loop_test(t, outcomes, 0, 19);
	tcase_add_loop_test(t, usage, 0, 25);
	tcase_add_test(t, every_avp);
	tcase_add_loop_test(t, twisted, 0, 15);
	tcase_add_test(t, json);
	tcase_add_test(t, script);
	tcase_add_test(t, many);
	tcase_add_test(t, kept_out);
	tcase_add_loop_test(t, over_tls, 0, 5);
	tcase_add_loop_test(t, over_sctp, 0, 3);
	tcase_add_loop_test(t, loses_the_connection, 0, 2);
	tcase_add_test(t, without_cer);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	outside_end();
	return failed != 0;
}
