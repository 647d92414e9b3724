/* The gate: what of an SCS's requests goes no further, and what it is answered. */
#include "config.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "gw_gate.h"

#define NOW  1000
#define WALL 1700000000000

static const struct gw_gate_conf conf = { .identity = "iwf.test", .realm = "realm.test", .rate_per_s = 2, .burst = 3 };
static struct gw_scs scs;
static struct gw_gate_scs state;
static struct dia_writer w, answer;

/* What a DAR is made of; NULL and 0: as it should be, "": left out. */
struct dar {
	uint8_t flags;
	uint32_t code, app;
	const char *session, *host, *realm, *dest_host, *dest_realm, *routes[2];
	bool no_action, cut;
};

static void setup(void)
{
	scs = (struct gw_scs){ .id = 1, .origin_host = "scs.test", .origin_realm = "test", .enabled = true };
	state = (struct gw_gate_scs){ 0 };
}

static void teardown(void)
{
	dia_writer_free(&w);
	dia_writer_free(&answer);
	w = answer = (struct dia_writer){ 0 };
}

static void put(enum dia_id id, const char *said, const char *dflt)
{
	if (!said)
		said = dflt;
	if (said && said[0])
		dia_put_text(&w, id, said);
}

static void build(const struct dar *d)
{
	dia_begin(&w, d->flags ? d->flags : DIA_F_REQUEST | DIA_F_PROXIABLE, d->code ? d->code : TSP_CMD_DAR, d->app ? d->app : TSP_APP_ID,
	          0xabcd, 0x1234);
	put(DIA_Session_Id, d->session, "scs.test;1;2");
	dia_put_u32(&w, DIA_Auth_Application_Id, TSP_APP_ID);
	dia_put_u32(&w, DIA_Auth_Session_State, 1);
	put(DIA_Origin_Host, d->host, "scs.test");
	put(DIA_Origin_Realm, d->realm, "test");
	put(DIA_Destination_Host, d->dest_host, NULL);
	put(DIA_Destination_Realm, d->dest_realm, "realm.test");
	put(DIA_Route_Record, d->routes[0], NULL);
	put(DIA_Route_Record, d->routes[1], NULL);
	dia_open(&w, DIA_Proxy_Info);
	dia_put_text(&w, DIA_Proxy_Host, "behind.scs.test");
	dia_put_text(&w, DIA_Proxy_State, "mine");
	dia_close(&w);
	if (!d->no_action) {
		dia_open(&w, DIA_Device_Action);
		dia_put_text(&w, DIA_External_Identifier, "a@test");
		dia_put_octets(&w, DIA_SCS_Identity, "\x94\x71\x10\x32", 4);
		dia_put_u32(&w, DIA_Reference_Number, 4711);
		dia_put_u32(&w, DIA_Action_Type, 2);
		dia_close(&w);
	}
	if (d->cut)
		dia_put_bytes(&w, "\0\0\0\x01\x40\0\0\x20" "cut off", 16);   /* 32 octets it says, and 16 there are */
	ck_assert(dia_end(&w));
}

static enum iwf_reason check_at(int64_t wall_ms, int64_t now_ms)
{
	return gw_gate_check(&conf, &scs, &state, w.p, w.n, wall_ms, now_ms, &answer);
}

static enum iwf_reason check(const struct dar *d)
{
	build(d);
	return check_at(WALL, NOW);
}

static const char *text_of(enum dia_id id)
{
	static char out[300];
	struct dia_avp a;

	out[0] = 0;
	if (dia_msg_find(answer.p, answer.n, id, &a))
		dia_avp_text(&a, out, sizeof(out));
	return out;
}

/* -1: not there. */
static int64_t number_of(const struct dia_avp *group, enum dia_id id)
{
	struct dia_avp a;
	uint32_t v;

	if (!(group ? dia_group_find(group, id, &a) : dia_msg_find(answer.p, answer.n, id, &a)))
		return -1;
	ck_assert(dia_avp_u32(&a, &v));
	return v;
}

/* What every answer has, whatever it says: it is for that request, from us, and whole. */
static void is_answer(uint32_t result)
{
	struct dia_fault fault;
	struct dia_hdr h, asked;
	struct dia_avp a, in;

	ck_assert(dia_hdr_read(answer.p, answer.n, &h) && dia_hdr_read(w.p, w.n, &asked));
	ck_assert_uint_eq(h.length, answer.n);
	ck_assert_uint_eq(h.hbh, 0xabcd);
	ck_assert_uint_eq(h.e2e, 0x1234);
	ck_assert_uint_eq(h.code, asked.code);
	ck_assert_uint_eq(h.app, asked.app);
	ck_assert_uint_eq(h.flags, (asked.flags & DIA_F_PROXIABLE) | (result / 1000 == 3 ? DIA_F_ERROR : 0));
	ck_assert_int_eq(number_of(NULL, DIA_Result_Code), result);
	ck_assert_str_eq(text_of(DIA_Origin_Host), "iwf.test");
	ck_assert_str_eq(text_of(DIA_Origin_Realm), "realm.test");
	ck_assert(dia_msg_find(answer.p, answer.n, DIA_Proxy_Info, &a) && dia_group_find(&a, DIA_Proxy_State, &in));
	ck_assert(in.len == 4 && !memcmp(in.data, "mine", 4));
	if (asked.app == TSP_APP_ID && asked.code == TSP_CMD_DAR && text_of(DIA_Session_Id)[0])
		ck_assert_msg(dia_check(answer.p, answer.n, &fault), "%u %s", fault.result_code, fault.what);
}

static void repeats_the_action(int64_t reference, int64_t type, int64_t status)
{
	struct dia_avp a, in;

	ck_assert(dia_msg_find(answer.p, answer.n, DIA_Device_Notification, &a));
	ck_assert_int_eq(number_of(&a, DIA_Reference_Number), reference);
	ck_assert_int_eq(number_of(&a, DIA_Action_Type), type);
	ck_assert_int_eq(number_of(&a, DIA_Request_Status), status);
	ck_assert_int_eq(dia_group_find(&a, DIA_External_Identifier, &in), reference != 0);
	ck_assert_int_eq(dia_group_find(&a, DIA_SCS_Identity, &in), reference != 0);
}

START_TEST(good)
{
	static const struct dar rows[] = {
		{ 0 },
		{ .host = "SCS.Test", .realm = "TEST", .dest_realm = "Realm.Test", .dest_host = "IWF.test" },
		{ .routes = { "one.test", "two.test" } },
		{ .flags = DIA_F_REQUEST | DIA_F_RETRANSMIT },
		{ .no_action = true },              /* for the node to say */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		setup();
		ck_assert_msg(check(&rows[i]) == RS_NONE, "row %zu", i);
	}
}
END_TEST

static const struct { const char *why; struct dar dar; enum iwf_reason reason; uint32_t result; } refused[] = {
	{ "error bit", { .flags = DIA_F_REQUEST | DIA_F_PROXIABLE | DIA_F_ERROR }, RS_MALFORMED, 3008 },
	{ "another application", { .app = 4 }, RS_COMMAND, 3007 },
	{ "the node's way to the HSS", { .app = 16777310, .code = 8388641 }, RS_COMMAND, 3007 },
	{ "another command", { .code = TSP_CMD_DNR }, RS_COMMAND, 3001 },
	{ "another's name", { .host = "other.test" }, RS_ORIGIN_NOT_PROVEN, 5003 },
	{ "our name", { .host = "iwf.test" }, RS_ORIGIN_NOT_PROVEN, 5003 },
	{ "its name and more", { .host = "scs.test.x" }, RS_ORIGIN_NOT_PROVEN, 5003 },
	{ "half its name", { .host = "scs.tes" }, RS_ORIGIN_NOT_PROVEN, 5003 },
	{ "another realm", { .realm = "realm.test" }, RS_SCS_REALM, 5003 },
	{ "it has been here", { .routes = { "iwf.test" } }, RS_LOOP, 3005 },
	{ "it has been here, and elsewhere", { .routes = { "x.test", "IWF.TEST" } }, RS_LOOP, 3005 },
	{ "to another host", { .dest_host = "other.test" }, RS_DESTINATION, 3002 },
	{ "to a node by its name", { .dest_host = "node.inside" }, RS_DESTINATION, 3002 },
	{ "to another realm", { .dest_realm = "test" }, RS_DESTINATION, 3003 },
	{ "no session", { .session = "" }, RS_MALFORMED, 5005 },
	{ "no name", { .host = "" }, RS_MALFORMED, 5005 },
	{ "no realm", { .realm = "" }, RS_MALFORMED, 5005 },
	{ "to no realm", { .dest_realm = "" }, RS_MALFORMED, 5005 },
	{ "cut off", { .cut = true }, RS_MALFORMED, 5014 },
	/* Of several faults the one that leads to the other answer. */
	{ "another's name, to another host", { .host = "other.test", .dest_host = "x.test" }, RS_ORIGIN_NOT_PROVEN, 5003 },
	{ "another's name, and cut off", { .host = "other.test", .cut = true }, RS_ORIGIN_NOT_PROVEN, 5003 },
};
START_TEST(refusal)
{
	const struct dar *d = &refused[_i].dar;
	bool is_dar = !d->app && !d->code;
	struct dia_avp a;

	ck_assert_msg(check(d) == refused[_i].reason, "%s", refused[_i].why);
	is_answer(refused[_i].result);
	if (is_dar)
		repeats_the_action(4711, 2, -1);
	else
		ck_assert(!dia_msg_find(answer.p, answer.n, DIA_Device_Notification, &a));
	ck_assert_msg(text_of(DIA_Error_Message)[0] || refused[_i].reason == RS_MALFORMED, "%s: no words", refused[_i].why);
	ck_assert_int_eq(dia_msg_find(answer.p, answer.n, DIA_Failed_AVP, &a), refused[_i].result == 5005 || refused[_i].result == 5014);
	ck_assert_str_eq(text_of(DIA_Session_Id), d->session ? d->session : "scs.test;1;2");
}
END_TEST

START_TEST(what_is_missing)
{
	struct dia_avp a, in;

	ck_assert_int_eq(check(&(struct dar){ .dest_realm = "" }), RS_MALFORMED);
	ck_assert(dia_msg_find(answer.p, answer.n, DIA_Failed_AVP, &a) && dia_group_find(&a, DIA_Destination_Realm, &in));
	/* Without an action to repeat. */
	ck_assert_int_eq(check(&(struct dar){ .host = "other.test", .no_action = true }), RS_ORIGIN_NOT_PROVEN);
	is_answer(5003);
	repeats_the_action(0, 1, -1);
}
END_TEST

/* A name that is cut off at a NUL is not that name. */
START_TEST(nul)
{
	uint8_t *at;

	build(&(struct dar){ .host = "scs.testx" });
	at = memmem(w.p, w.n, "scs.testx", 9);
	ck_assert_ptr_nonnull(at);
	at[8] = 0;
	ck_assert_int_eq(check_at(WALL, NOW), RS_ORIGIN_NOT_PROVEN);
	is_answer(5003);
}
END_TEST

START_TEST(disabled)
{
	scs.enabled = false;
	ck_assert_int_eq(check(&(struct dar){ 0 }), RS_SCS_DISABLED);
	is_answer(2001);
	repeats_the_action(4711, 2, TSP_NOTAUTHORIZED);
	ck_assert_str_eq(text_of(DIA_Error_Message), "");
}
END_TEST

START_TEST(dates)
{
	scs.valid_from = WALL;
	scs.valid_until = WALL + 10;
	build(&(struct dar){ 0 });
	ck_assert_int_eq(check_at(WALL - 1, NOW), RS_SCS_DATES);
	is_answer(2001);
	repeats_the_action(4711, 2, TSP_NOTAUTHORIZED);
	ck_assert_int_eq(check_at(WALL, NOW), RS_NONE);
	ck_assert_int_eq(check_at(WALL + 9, NOW), RS_NONE);
	ck_assert_int_eq(check_at(WALL + 11, NOW), RS_SCS_DATES);
}
END_TEST

START_TEST(rate)
{
	build(&(struct dar){ 0 });
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(check_at(WALL, NOW), RS_NONE);
	ck_assert_int_eq(check_at(WALL, NOW), RS_RATE);
	is_answer(2001);
	repeats_the_action(4711, 2, TSP_RATEEXCEEDED);
	/* Two a second. */
	ck_assert_int_eq(check_at(WALL, NOW + 499), RS_RATE);
	ck_assert_int_eq(check_at(WALL, NOW + 501), RS_NONE);
	ck_assert_int_eq(check_at(WALL, NOW + 502), RS_RATE);
}
END_TEST

/* The row's own, where it has one; and who is not let in takes nobody's token. */
START_TEST(rate_of_its_own)
{
	scs.rate_per_s = 1;
	scs.burst = 6;
	scs.enabled = false;
	build(&(struct dar){ 0 });
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(check_at(WALL, NOW), RS_SCS_DISABLED);
	scs.enabled = true;
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(check_at(WALL, NOW), RS_NONE);
	ck_assert_int_eq(check_at(WALL, NOW), RS_RATE);
	ck_assert_int_eq(check_at(WALL, NOW + 999), RS_RATE);
	ck_assert_int_eq(check_at(WALL, NOW + 1001), RS_NONE);
}
END_TEST

/* What says who and whereto is there once: of two, one would be looked at here and the other somewhere else. */
static const struct { enum dia_id id; const char *text; } once[] = {
	{ DIA_Session_Id, "scs.test;9;9" }, { DIA_Origin_Host, "other.test" }, { DIA_Origin_Host, "scs.test" }, { DIA_Origin_Realm, "test" },
	{ DIA_Destination_Realm, "realm.test" },
};
START_TEST(twice)
{
	uint32_t length;

	build(&(struct dar){ 0 });
	dia_put_text(&w, once[_i].id, once[_i].text);
	ck_assert(dia_end(&w));
	length = (uint32_t)w.p[1] << 16 | (uint32_t)w.p[2] << 8 | w.p[3];
	ck_assert_uint_eq(length, w.n);
	ck_assert_int_eq(check_at(WALL, NOW), RS_MALFORMED);
	is_answer(5009);
	repeats_the_action(4711, 2, -1);
}
END_TEST

START_TEST(other_refusals)
{
	build(&(struct dar){ 0 });
	gw_refuse(&conf, w.p, w.n, 3004, "busy", &answer);
	is_answer(3004);
	repeats_the_action(4711, 2, -1);
	ck_assert_str_eq(text_of(DIA_Error_Message), "busy");
	gw_refuse(&conf, w.p, w.n, 5012, NULL, &answer);
	is_answer(5012);
	ck_assert_str_eq(text_of(DIA_Error_Message), "");
}
END_TEST

/* Octets anywhere are something else: what comes out is an answer, or the message passes and has what it needs. */
START_TEST(anything)
{
	uint64_t x = 88172645463325252u;
	unsigned passed = 0;

	scs.rate_per_s = scs.burst = 1000000;
	for (int i = 0; i < 200000; i++) {
		struct dia_avp a;
		struct dia_hdr h;

		build(&(struct dar){ .routes = { "x.test" } });
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		for (unsigned k = 0; k <= (x >> 60); k++)
			w.p[4 + (x >> (k % 4 * 8)) % (w.n - 4)] = (uint8_t)(x >> (k % 7 * 5));
		if (check_at(WALL, NOW) != RS_NONE) {
			ck_assert(dia_hdr_read(answer.p, answer.n, &h) && h.length == answer.n && !(h.flags & DIA_F_REQUEST));
			ck_assert_str_eq(text_of(DIA_Origin_Host), "iwf.test");
			ck_assert_int_ne(number_of(NULL, DIA_Result_Code), -1);
			continue;
		}
		passed++;
		ck_assert(dia_msg_find(w.p, w.n, DIA_Origin_Host, &a) && a.len == 8 && !strncasecmp((const char *)a.data, "scs.test", 8));
		ck_assert(dia_msg_find(w.p, w.n, DIA_Destination_Realm, &a) && dia_msg_find(w.p, w.n, DIA_Session_Id, &a));
	}
	ck_assert_uint_gt(passed, 1000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gw_gate");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, good);
	tcase_add_loop_test(t, refusal, 0, sizeof(refused) / sizeof(*refused));
	tcase_add_test(t, what_is_missing);
	tcase_add_test(t, nul);
	tcase_add_test(t, disabled);
	tcase_add_test(t, dates);
	tcase_add_test(t, rate);
	tcase_add_test(t, rate_of_its_own);
	tcase_add_loop_test(t, twice, 0, sizeof(once) / sizeof(*once));
	tcase_add_test(t, other_refusals);
	tcase_add_test(t, anything);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
