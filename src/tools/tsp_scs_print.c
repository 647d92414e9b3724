/* tsp_scs_print.c - answers and reports in words, or one JSON object a line. */
#include <stdarg.h>
#include <string.h>
#include "tsp_scs.h"

#define FAILED_MAX 8

/* What a DAA or DNR says, as far as it says it. */
struct content {
	struct tool_result result;
	bool has_reference, has_action, has_status, has_outcome, has_diagnostic, has_features, has_final;
	uint32_t reference, action, status, outcome, diagnostic, features, final_target;
	char ext_id[256], msisdn[40], identity[40], origin_host[256], session_id[256], message[256];
	bool error_bit, t_flag;
	uint32_t e2e, failed[FAILED_MAX];
	size_t nfailed;
	char failed_names[256];
	struct dia_avp failed_avp;
	bool has_failed;
	char fault[160];           /* what is wrong with the message itself */
};

static const char *value_name(enum dia_id id, uint32_t v)
{
	const char *name = dia_enum_name(&dia_avps[id], v);

	return name ? name : "?";
}

static void text_of(const uint8_t *msg, size_t n, const struct dia_avp *group, enum dia_id id, char *out, size_t size)
{
	struct dia_avp a;

	if (group ? dia_group_find(group, id, &a) : dia_msg_find(msg, n, id, &a))
		dia_avp_text(&a, out, size);
}

static void digits_of(const struct dia_avp *group, enum dia_id id, char *out, size_t size)
{
	struct dia_avp a;

	if (dia_group_find(group, id, &a))
		tool_tbcd_text(a.data, a.len, out, size);
}

/* Every AVP in Failed-AVP, a group before what is in it. */
static void list_failed(struct content *c, const uint8_t *p, size_t n, const char *between)
{
	struct dia_avp a;

	while (c->nfailed < FAILED_MAX && dia_avp_next(&p, &n, &a) == 1) {
		size_t at = strlen(c->failed_names);

		c->failed[c->nfailed++] = a.code;
		if (a.def)
			snprintf(c->failed_names + at, sizeof(c->failed_names) - at, "%s%s", at ? between : "", a.def->name);
		else
			snprintf(c->failed_names + at, sizeof(c->failed_names) - at, "%s%u", at ? between : "", a.code);
		if (a.def && a.def->type == DIA_GROUPED)
			list_failed(c, a.data, a.len, "/");
		between = ", ";
	}
}

static void read_notification(struct content *c, const struct dia_avp *g)
{
	c->has_reference = tool_u32(NULL, 0, g, DIA_Reference_Number, &c->reference);
	c->has_action = tool_u32(NULL, 0, g, DIA_Action_Type, &c->action);
	c->has_status = tool_u32(NULL, 0, g, DIA_Request_Status, &c->status);
	c->has_outcome = tool_u32(NULL, 0, g, DIA_Delivery_Outcome, &c->outcome);
	c->has_diagnostic = tool_u32(NULL, 0, g, DIA_MTC_Error_Diagnostic, &c->diagnostic);
	text_of(NULL, 0, g, DIA_External_Identifier, c->ext_id, sizeof(c->ext_id));
	digits_of(g, DIA_MSISDN, c->msisdn, sizeof(c->msisdn));
	digits_of(g, DIA_SCS_Identity, c->identity, sizeof(c->identity));
}

static struct content read_content(const uint8_t *msg, size_t n)
{
	struct content c = { 0 };
	struct dia_fault fault;
	struct dia_avp g;
	struct dia_hdr h;

	dia_hdr_read(msg, n, &h);
	c.error_bit = h.flags & DIA_F_ERROR;
	c.t_flag = h.flags & DIA_F_RETRANSMIT;
	c.e2e = h.e2e;
	c.result = tool_result_of(msg, n);
	/* An answer with the E bit has a grammar of its own (RFC 6733 7.2). */
	if (!c.error_bit && !dia_check(msg, n, &fault))
		snprintf(c.fault, sizeof(c.fault), "%s%s%s", fault.what, fault.def ? ": " : "", fault.def ? fault.def->name : "");
	if (dia_msg_find(msg, n, DIA_Device_Notification, &g))
		read_notification(&c, &g);
	c.has_features = tool_features(msg, n, &c.features);
	c.has_final = tool_u32(msg, n, NULL, DIA_Feature_Supported_In_Final_Target, &c.final_target);
	text_of(msg, n, NULL, DIA_Origin_Host, c.origin_host, sizeof(c.origin_host));
	text_of(msg, n, NULL, DIA_Session_Id, c.session_id, sizeof(c.session_id));
	text_of(msg, n, NULL, DIA_Error_Message, c.message, sizeof(c.message));
	c.has_failed = dia_msg_find(msg, n, DIA_Failed_AVP, &c.failed_avp);
	if (c.has_failed)
		list_failed(&c, c.failed_avp.data, c.failed_avp.len, ", ");
	return c;
}

static void json_common(struct json *j, const struct content *c)
{
	if (c->result.code)
		json_number(j, "result_code", c->result.code);
	if (c->result.experimental)
		json_number(j, "experimental_result", c->result.experimental);
	if (c->has_status) {
		json_number(j, "request_status", c->status);
		json_text(j, "status", value_name(DIA_Request_Status, c->status));
	}
	if (c->has_outcome) {
		json_number(j, "delivery_outcome", c->outcome);
		json_text(j, "outcome", value_name(DIA_Delivery_Outcome, c->outcome));
	}
	if (c->has_action)
		json_number(j, "action_type", c->action);
	if (c->has_failed) {
		json_numbers(j, "failed_avp", c->failed, c->nfailed);
		json_text(j, "failed_avp_names", c->failed_names);
		json_hex(j, "failed_avp_hex", c->failed_avp.data, c->failed_avp.len);
	}
	if (c->has_diagnostic)
		json_number(j, "mtc_error_diagnostic", c->diagnostic);
	if (c->has_features)
		json_number(j, "features", c->features);
	if (c->has_final)
		json_number(j, "final_target_features", c->final_target);
	json_text(j, "ext_id", c->ext_id);
	json_text(j, "msisdn", c->msisdn);
	json_text(j, "scs_identity", c->identity);
	json_text(j, "error_message", c->message);
	json_bool(j, "error_bit", c->error_bit);
	json_text(j, "origin_host", c->origin_host);
	json_text(j, "session_id", c->session_id);
	json_number(j, "e2e", c->e2e);
	json_text(j, "fault", c->fault);
}

/* Fills in fault when the answer does not fit what was sent. */
static enum scs_exit judge_answer(struct content *c, const struct scs_sent *sent)
{
	if (c->result.code != 2001)
		return SCS_PROTOCOL;
	if (!c->fault[0] && !c->has_status)
		snprintf(c->fault, sizeof(c->fault), "no Request-Status in it");
	if (!c->fault[0] && c->has_reference && c->reference != sent->reference)
		snprintf(c->fault, sizeof(c->fault), "it names Reference-Number %u", c->reference);
	if (c->fault[0])
		return SCS_PROTOCOL;
	return c->status ? SCS_REFUSED : SCS_OK;
}

static void answer_in_words(const struct content *c, const struct scs_sent *sent, enum scs_exit exit)
{
	printf("%s %u: ", scs_verb_name(sent->verb), sent->reference);
	if (exit == SCS_OK)
		printf("accepted (%s)", value_name(DIA_Request_Status, c->status));
	else if (exit == SCS_REFUSED)
		printf("refused: %s (%u)", value_name(DIA_Request_Status, c->status), c->status);
	else if (c->result.experimental)
		printf("error: Experimental-Result %u %s", c->result.experimental, tool_result_name(&c->result));
	else if (c->result.code != 2001)
		printf("error: Result-Code %u %s", c->result.code, c->result.code ? tool_result_name(&c->result) : "(none)");
	else
		printf("wrong answer: %s", c->fault);
	if (c->result.code != 2001 && c->has_status)
		printf(", Request-Status %s (%u)", value_name(DIA_Request_Status, c->status), c->status);
	if (c->has_diagnostic)
		printf(", %s", value_name(DIA_MTC_Error_Diagnostic, c->diagnostic));
	if (c->has_failed)
		printf(", Failed-AVP: %s", c->failed_names[0] ? c->failed_names : "empty");
	if (c->message[0]) {
		char text[512];

		tool_printable(c->message, strlen(c->message), text, sizeof(text));
		printf(", \"%s\"", text);
	}
	putchar('\n');
	fflush(stdout);
}

enum scs_exit scs_print_answer(const struct scs_conn *conn, const struct scs_sent *sent, const uint8_t *msg, size_t n)
{
	struct content c = read_content(msg, n);
	enum scs_exit exit = judge_answer(&c, sent);
	struct json j;

	if (conn->json) {
		json_begin(&j, stdout, "answer");
		json_text(&j, "action", scs_verb_name(sent->verb));
		json_number(&j, "reference", sent->reference);
		json_common(&j, &c);
		json_number(&j, "rtt_ms", (int64_t)(sent->rtt_ms + 0.5));
		json_end(&j);
	} else if (!conn->quiet) {
		answer_in_words(&c, sent, exit);
	}
	return exit;
}

static void report_in_words(const struct content *c)
{
	static const char *const words[] = { "delivered", "expired", "not delivered for now", "undeliverable", "unconfirmed" };

	printf("report");
	if (c->has_reference)
		printf(" %u", c->reference);
	if (c->has_outcome && c->outcome < sizeof(words) / sizeof(words[0]))
		printf(": %s (%s)", words[c->outcome], value_name(DIA_Delivery_Outcome, c->outcome));
	else if (c->has_outcome)
		printf(": Delivery-Outcome %u", c->outcome);
	else
		printf(": without a Delivery-Outcome");
	if (c->t_flag)
		printf(", sent again");
	if (c->fault[0])
		printf(", wrong: %s", c->fault);
	putchar('\n');
	fflush(stdout);
}

enum scs_exit scs_print_report(const struct scs_conn *conn, const uint8_t *msg, size_t n, uint32_t *reference,
                               bool *known)
{
	struct content c = read_content(msg, n);
	struct json j;

	*known = c.has_reference;
	*reference = c.reference;
	if (conn->json) {
		json_begin(&j, stdout, "report");
		if (c.has_reference)
			json_number(&j, "reference", c.reference);
		json_common(&j, &c);
		json_bool(&j, "t_flag", c.t_flag);
		json_end(&j);
	} else if (!conn->quiet) {
		report_in_words(&c);
	}
	if (c.fault[0])
		return SCS_PROTOCOL;
	return c.has_outcome && c.outcome == 0 ? SCS_OK : SCS_UNDELIVERED;
}

void scs_print_event(const struct scs_conn *conn, const char *event, const char *fmt, ...)
{
	bool error = !strcmp(event, "error");
	char text[512];
	va_list ap;
	struct json j;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (conn->json) {
		json_begin(&j, stdout, error ? "error" : "event");
		if (!error)
			json_text(&j, "event", event);
		json_text(&j, error ? "error_message" : "text", text);
		json_end(&j);
	} else if (error) {
		fprintf(stderr, "tsp-scs: %s\n", text);
	} else if (!conn->quiet) {
		printf("%s: %s\n", event, text);
		fflush(stdout);
	}
}

void scs_print_failure(const struct scs_conn *conn, const struct scs_sent *sent, const char *what)
{
	struct json j;

	if (conn->json) {
		json_begin(&j, stdout, "error");
		json_text(&j, "action", scs_verb_name(sent->verb));
		json_number(&j, "reference", sent->reference);
		json_number(&j, "e2e", sent->e2e);
		json_text(&j, "error_message", what);
		json_end(&j);
	} else if (!conn->quiet) {
		printf("%s %u: %s\n", scs_verb_name(sent->verb), sent->reference, what);
		fflush(stdout);
	}
}
