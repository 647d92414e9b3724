/* check_guard.c - what may not leave is found wherever it stands, and nothing else is. */
#include "guard.h"
#include <check.h>
#include <stdlib.h>
#include "../support/wire_fill.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define TSP 16777309u
#define DAA 8388639u

#define IMSI  "001010000000007"
#define IMSI2 "26201999990000"   /* 14 digits */

static uint64_t packed(const char *digits)
{
	uint64_t v = 0;
	while (*digits)
		v = v << 4 | (uint64_t)(*digits++ - '0');
	return v;
}

static bool is_private(uint64_t digits, unsigned n, bool text)
{
	return (n == 15 && digits == packed(IMSI)) || (n == 14 && digits == packed(IMSI2));
}

static const char *const names[] = {
	"hss.operator.example", "smssc.operator.example", "operator.example", "epc.mnc001.mcc001.3gppnetwork.org", "s.op",
	"SMSSC2.Operator.example", "local", "ss.operator.exa",
};
static const char *const own[] = { "iwf.operator.example", "operator.example", "secgw.operator.example" };
static struct dia_guard *guard;

static void setup(void)
{
	guard = dia_guard_new(&(struct dia_guard_rules){ .names = names, .nnames = N(names), .own = own, .nown = N(own),
	                                                 .is_private = is_private });
	ck_assert_ptr_nonnull(guard);
}

static void teardown(void)
{
	dia_guard_free(guard);
}

/* ---- values ------------------------------------------------------------- */

#define OCTETS(s) s, sizeof(s) - 1
static const struct { const char *why, *p; size_t n; enum dia_leak want; } values[] = {
	{ "empty", OCTETS(""), DIA_LEAK_NONE },
	{ "words", OCTETS("The request is refused"), DIA_LEAK_NONE },
	{ "another number", OCTETS("001010000000008"), DIA_LEAK_NONE },
	{ "the number but for its last digit", OCTETS("00101000000000"), DIA_LEAK_NONE },
	{ "15 digits", OCTETS(IMSI), DIA_LEAK_NUMBER },
	{ "14 digits", OCTETS(IMSI2), DIA_LEAK_NUMBER },
	{ "among words", OCTETS("no route to " IMSI " (roaming)"), DIA_LEAK_NUMBER },
	{ "among digits", OCTETS("99" IMSI "99"), DIA_LEAK_NUMBER },
	{ "14 digits at the end of more", OCTETS("5" IMSI2), DIA_LEAK_NUMBER },
	{ "as a user name", OCTETS("0" IMSI "@epc.example"), DIA_LEAK_NUMBER },
	{ "semi-octets, low first", OCTETS("\x00\x01\x01\x00\x00\x00\x00\xf7"), DIA_LEAK_NUMBER },
	{ "semi-octets, high first", OCTETS("\x00\x10\x10\x00\x00\x00\x00\x7f"), DIA_LEAK_NUMBER },
	{ "semi-octets of 14 digits, low first", OCTETS("\x62\x02\x91\x99\x99\x00\x00"), DIA_LEAK_NUMBER },
	{ "semi-octets of 14 digits, high first", OCTETS("\x26\x20\x19\x99\x99\x00\x00"), DIA_LEAK_NUMBER },
	{ "behind length and type of address", OCTETS("\x0f\x91\x00\x01\x01\x00\x00\x00\x00\xf7"), DIA_LEAK_NUMBER },
	{ "mobile identity of TS 24.008: first digit high", OCTETS("\x09\x10\x10\x00\x00\x00\x00\x70"), DIA_LEAK_NUMBER },
	{ "semi-octets of another", OCTETS("\x00\x01\x01\x00\x00\x00\x00\xf8"), DIA_LEAK_NONE },
	{ "zeroes", OCTETS("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), DIA_LEAK_NONE },
	{ "a host", OCTETS("hss.operator.example"), DIA_LEAK_NAME },
	{ "a host in capitals", OCTETS("HSS.Operator.EXAMPLE"), DIA_LEAK_NAME },
	{ "a host of the configuration in capitals", OCTETS("smssc2.operator.example"), DIA_LEAK_NAME },
	{ "a host among words", OCTETS("timeout at smssc.operator.example;1;2"), DIA_LEAK_NAME },
	{ "a host in a host", OCTETS("aaa://x.hss.operator.example:3868"), DIA_LEAK_NAME },
	{ "a realm in a host", OCTETS("mme1.epc.mnc001.mcc001.3gppnetwork.org"), DIA_LEAK_NAME },
	{ "begun twice", OCTETS("hsshss.operhss.operator.example"), DIA_LEAK_NAME },
	{ "the end of one that goes wrong", OCTETS("smss.operator.exa!"), DIA_LEAK_NAME },
	{ "a host but for its end", OCTETS("hss.operator.exampl"), DIA_LEAK_NAME },   /* "ss.operator.exa" */
	{ "nearly a host", OCTETS("hsx.operator.example"), DIA_LEAK_NONE },
	{ "our own", OCTETS("iwf.operator.example"), DIA_LEAK_NONE },
	{ "our own realm", OCTETS("operator.example"), DIA_LEAK_NONE },
	{ "a short one", OCTETS("abus.open"), DIA_LEAK_NAME },
	{ "a name without a dot is a word", OCTETS("local"), DIA_LEAK_NONE },
};

START_TEST(value)
{
	char number[16] = "";
	enum dia_leak got = dia_guard_value(guard, (const uint8_t *)values[_i].p, values[_i].n, number);

	ck_assert_msg(got == values[_i].want, "%s: %d", values[_i].why, got);
	if (got == DIA_LEAK_NUMBER)
		ck_assert_msg(!strcmp(number, IMSI) || !strcmp(number, IMSI2), "%s: %s", values[_i].why, number);
	else
		ck_assert_str_eq(number, "");
}
END_TEST

static unsigned rnd_state = 1;
static unsigned rnd(unsigned below)
{
	rnd_state = rnd_state * 1103515245u + 12345;
	return (rnd_state >> 8) % below;
}

static bool has_name(const char *text, size_t n)
{
	for (size_t i = 0; i < N(names); i++) {
		size_t len = strlen(names[i]);

		if (!strchr(names[i], '.') || !strcmp(names[i], "operator.example"))
			continue;
		for (size_t at = 0; at + len <= n; at++)
			if (!strncasecmp(text + at, names[i], len))
				return true;
	}
	return false;
}

/* Against the plain way to look for names, in text made of their pieces. */
START_TEST(names_as_plainly)
{
	static const char *const pieces[] = { "hss", ".op", "erator", ".example", "sms", "sc", "s", "2", ".", "operator.exa",
	                                      "epc.mnc", "001", ".mcc001.3gppnetwork", ".org", "S", "SMSSC2.Operator" };
	char number[16], text[256];
	unsigned found = 0;

	for (unsigned round = 0; round < 200000; round++) {
		size_t n = 0;
		for (unsigned i = rnd(8); i > 0; i--)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", pieces[rnd(N(pieces))]);
		bool want = has_name(text, n);
		found += want;
		ck_assert_msg((dia_guard_value(guard, (uint8_t *)text, n, number) == DIA_LEAK_NAME) == want, "%s", text);
	}
	ck_assert_uint_gt(found, 1000);
}
END_TEST

/* ---- messages ----------------------------------------------------------- */

static enum dia_leak check(const struct dia_writer *w, const struct dia_writer *request, struct dia_leak_at *at)
{
	return dia_guard_check(guard, w->p, w->n, request ? request->p : NULL, request ? request->n : 0, at);
}

START_TEST(commands)
{
	const struct dia_cmddef *cmd = &dia_cmds[_i];
	bool tsp = cmd->app == 0 || cmd->app == TSP;
	struct dia_writer w = {0};
	struct dia_leak_at at;
	bool stopped = true;

	for (unsigned round = 0; round < 10; round++) {
		ck_assert(fill_message(&w, cmd, round));
		enum dia_leak got = check(&w, NULL, &at);
		if (tsp)
			ck_assert_msg(got == DIA_LEAK_NONE, "%s: %d, %s", cmd->abbrev, got, at.def ? at.def->name : "?");
		else
			stopped = stopped && got == DIA_LEAK_AVP;
	}
	if (!strcmp(cmd->abbrev, "DTR") || !strcmp(cmd->abbrev, "DRR") || !strcmp(cmd->abbrev, "SIR") || !strcmp(cmd->abbrev, "SIA"))
		ck_assert_msg(stopped, "%s passes", cmd->abbrev);
	dia_writer_free(&w);
}
END_TEST

static void begin(struct dia_writer *w, bool request)
{
	dia_begin(w, request ? DIA_F_REQUEST : 0, DAA, TSP, 1, 1);
	dia_put_text(w, DIA_Session_Id, "scs.acme.example;1;2");
	dia_put_text(w, DIA_Origin_Host, request ? "scs.acme.example" : "iwf.operator.example");
	dia_put_text(w, DIA_Origin_Realm, request ? "acme.example" : "operator.example");
}

static const struct { const char *why; uint32_t code, vendor; const char *data; enum dia_leak want; } avps[] = {
	{ "User-Name", 1, 0, "x", DIA_LEAK_AVP },
	{ "User-Name, nothing in it", 1, 0, "", DIA_LEAK_NONE },
	{ "Subscription-Id", 443, 0, "x", DIA_LEAK_AVP },
	{ "Subscription-Id-Data", 444, 0, "x", DIA_LEAK_AVP },
	{ "Subscription-Id-Type", 450, 0, "x", DIA_LEAK_AVP },
	{ "3GPP-IMSI", 1, 10415, "x", DIA_LEAK_AVP },
	{ "Serving-Node", 2401, 10415, "x", DIA_LEAK_AVP },
	{ "User-Identifier", 3102, 10415, "x", DIA_LEAK_AVP },
	{ "one that nobody knows", 9999, 4711, "x", DIA_LEAK_AVP },
	{ "Error-Message", 281, 0, "smssc.operator.example says no", DIA_LEAK_NAME },
	{ "Error-Message", 281, 0, "no " IMSI, DIA_LEAK_NUMBER },
	{ "Error-Reporting-Host", 294, 0, "hss.operator.example", DIA_LEAK_NAME },
	{ "Error-Reporting-Host of ours", 294, 0, "iwf.operator.example", DIA_LEAK_NONE },
	{ "Route-Record", 282, 0, "smssc.operator.example", DIA_LEAK_NAME },
	{ "Origin-Host", 264, 0, "hss.operator.example", DIA_LEAK_NAME },
	{ "Session-Id", 263, 0, "hss.operator.example;1;2", DIA_LEAK_NAME },
	{ "Session-Id", 263, 0, "scs;" IMSI, DIA_LEAK_NUMBER },
};

/* At the top and in Failed-AVP; and an SCS may have back what it wrote. */
START_TEST(avp_row)
{
	const char *data = avps[_i].data;
	uint8_t flags = avps[_i].vendor ? DIA_AVP_V : 0;
	struct dia_writer w = {0}, request = {0};
	struct dia_leak_at at;

	for (int failed = 0; failed < 2; failed++) {
		begin(&w, false);
		if (failed)
			dia_open(&w, DIA_Failed_AVP);
		dia_put_raw(&w, avps[_i].code, flags, avps[_i].vendor, data, strlen(data));
		if (failed)
			dia_close(&w);
		ck_assert(dia_end(&w));
		ck_assert_msg(check(&w, NULL, &at) == avps[_i].want, "%s: %d", avps[_i].why, at.what);
		if (avps[_i].want)
			ck_assert(at.code == avps[_i].code && at.vendor == avps[_i].vendor);

		begin(&request, true);
		dia_put_raw(&request, avps[_i].code, flags, avps[_i].vendor, "another", 7);
		ck_assert(dia_end(&request));
		ck_assert_int_eq(check(&w, &request, &at), avps[_i].want);
		dia_put_raw(&request, avps[_i].code, flags, avps[_i].vendor, data, strlen(data));
		ck_assert(dia_end(&request));
		ck_assert_msg(check(&w, &request, &at) == DIA_LEAK_NONE, "%s is an echo", avps[_i].why);
	}
	dia_writer_free(&w);
	dia_writer_free(&request);
}
END_TEST

/* What an SCS wrote in one AVP does not open another. */
START_TEST(echo_elsewhere)
{
	struct dia_writer w = {0}, request = {0};
	struct dia_leak_at at;

	begin(&request, true);
	dia_open(&request, DIA_Device_Action);
	dia_put_text(&request, DIA_External_Identifier, IMSI "@iot.example.com");
	dia_close(&request);
	ck_assert(dia_end(&request));

	begin(&w, false);
	dia_open(&w, DIA_Device_Notification);
	dia_put_text(&w, DIA_External_Identifier, IMSI "@iot.example.com");
	dia_close(&w);
	ck_assert(dia_end(&w));
	ck_assert_int_eq(check(&w, &request, &at), DIA_LEAK_NONE);
	ck_assert_int_eq(check(&w, NULL, &at), DIA_LEAK_NUMBER);
	ck_assert_str_eq(at.number, IMSI);

	dia_put_text(&w, DIA_Error_Message, "no " IMSI);
	ck_assert(dia_end(&w));
	ck_assert_int_eq(check(&w, &request, &at), DIA_LEAK_NUMBER);
	ck_assert_ptr_eq(at.def, &dia_avps[DIA_Error_Message]);

	/* Whom a request is for knows his own name. */
	dia_begin(&w, DIA_F_REQUEST, 8388640, TSP, 1, 1);
	dia_put_text(&w, DIA_Destination_Host, "x.epc.mnc001.mcc001.3gppnetwork.org");
	dia_put_text(&w, DIA_Destination_Realm, "epc.mnc001.mcc001.3gppnetwork.org");
	ck_assert(dia_end(&w));
	ck_assert_int_eq(check(&w, NULL, &at), DIA_LEAK_NONE);
	dia_open(&w, DIA_Failed_AVP);
	dia_put_text(&w, DIA_Destination_Host, "x.epc.mnc001.mcc001.3gppnetwork.org");
	dia_close(&w);
	ck_assert(dia_end(&w));
	ck_assert_int_eq(check(&w, NULL, &at), DIA_LEAK_NAME);
	dia_writer_free(&w);
	dia_writer_free(&request);
}
END_TEST

/* ---- at random ---------------------------------------------------------- */

/* One leaf among them, counted down, gets what must not be there. */
struct plant { int leaf; const char *p; size_t n; enum dia_id in; };

static void put_leaf(struct dia_writer *w, struct plant *plant)
{
	static const enum dia_id kinds[] = {
		DIA_Session_Id, DIA_Error_Message, DIA_Origin_Host, DIA_Route_Record, DIA_Proxy_State, DIA_External_Identifier, DIA_MSISDN,
		DIA_SCS_Identity, DIA_Reference_Number, DIA_Product_Name, DIA_Payload, DIA_Origin_State_Id,
	};
	enum dia_id id = kinds[rnd(N(kinds))];
	uint8_t data[96];
	size_t n = rnd(40);

	for (size_t i = 0; i < n; i++)
		data[i] = (uint8_t)(rnd(3) ? 'a' + rnd(26) : rnd(256));
	if (plant->leaf-- == 0) {
		/* Neither a digit nor a semi-octet before it, which another number could begin with. */
		if (n)
			data[n - 1] = 0xff;
		memcpy(data + n, plant->p, plant->n);
		n += plant->n;
		for (size_t more = rnd(20); more; more--)
			data[n++] = 0xff;
		plant->in = id;
	}
	dia_put_octets(w, id, data, n);
}

static void put_group(struct dia_writer *w, struct plant *plant, unsigned depth)
{
	static const enum dia_id groups[] = { DIA_Failed_AVP, DIA_Proxy_Info, DIA_Device_Notification, DIA_Experimental_Result };

	for (unsigned i = 1 + rnd(4); i > 0; i--) {
		if (depth < 6 && rnd(3) == 0) {
			dia_open(w, groups[rnd(N(groups))]);
			put_group(w, plant, depth + 1);
			dia_close(w);
		} else {
			put_leaf(w, plant);
		}
	}
}

START_TEST(at_random)
{
	struct dia_writer w = {0};
	struct dia_leak_at at;

	for (unsigned round = 0; round < 20000; round++) {
		struct plant none = { .leaf = -1 }, plant;
		unsigned seed = rnd_state, v;

		dia_begin(&w, 0, DAA, TSP, 1, 1);
		put_group(&w, &none, 0);
		ck_assert(dia_end(&w));
		ck_assert_msg(check(&w, NULL, &at) == DIA_LEAK_NONE, "seed %u", seed);

		do
			v = rnd(N(values));
		while (!values[v].want);
		plant = (struct plant){ .leaf = (int)rnd((unsigned)(-1 - none.leaf)), .p = values[v].p, .n = values[v].n };
		rnd_state = seed;
		dia_begin(&w, 0, DAA, TSP, 1, 1);
		put_group(&w, &plant, 0);
		ck_assert(dia_end(&w));
		ck_assert_int_lt(plant.leaf, 0);
		ck_assert_msg(check(&w, NULL, &at) == values[v].want, "seed %u: %s", seed, values[v].why);
		ck_assert_ptr_eq(at.def, &dia_avps[plant.in]);
		/* Its own sender may have it back. */
		ck_assert_int_eq(dia_guard_check(guard, w.p, w.n, w.p, w.n, &at), DIA_LEAK_NONE);
	}
	dia_writer_free(&w);
}
END_TEST

/* Octets that are no message any more do no harm, and hide nothing: what is no
 * AVP is looked at as it stands. */
START_TEST(broken)
{
	struct dia_writer w = {0};
	struct dia_leak_at at;

	begin(&w, false);
	dia_open(&w, DIA_Failed_AVP);
	dia_put_bytes(&w, "\xff\xff" IMSI, 17);
	dia_close(&w);
	ck_assert(dia_end(&w));
	ck_assert_int_eq(check(&w, NULL, &at), DIA_LEAK_NUMBER);
	ck_assert_ptr_eq(at.def, &dia_avps[DIA_Failed_AVP]);
	for (unsigned round = 0; round < 50000; round++) {
		struct plant none = { .leaf = -1 };

		dia_begin(&w, 0, DAA, TSP, 1, 1);
		put_group(&w, &none, 0);
		ck_assert(dia_end(&w));
		for (unsigned i = 1 + rnd(4); i > 0; i--)
			w.p[rnd((unsigned)w.n)] = (uint8_t)rnd(256);
		uint8_t *copy = malloc(w.n);       /* of exactly that size, for the sanitizer */
		size_t n = rnd((unsigned)w.n + 1);
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, w.p, n);
		dia_guard_check(guard, copy, n, copy, n, &at);
		dia_guard_check(guard, copy, n, NULL, 0, &at);
		free(copy);
	}
	dia_writer_free(&w);
}
END_TEST

/* Deeper than anything that means something. */
START_TEST(deep)
{
	struct dia_writer w = {0};
	struct dia_leak_at at;
	uint8_t inner[600], outer[600];
	size_t n = 15;

	memcpy(inner, IMSI, n);
	for (unsigned depth = 0; depth < 30; depth++) {
		memset(outer, 0, sizeof(outer));
		outer[2] = 1, outer[3] = 0x17;   /* Failed-AVP, 279 */
		outer[6] = (uint8_t)((n + 8) >> 8), outer[7] = (uint8_t)(n + 8);
		memcpy(outer + 8, inner, n);
		n = (n + 8 + 3) & ~(size_t)3;
		memcpy(inner, outer, n);
	}
	begin(&w, false);
	dia_put_bytes(&w, inner, n);
	ck_assert(dia_end(&w));
	ck_assert_int_eq(check(&w, NULL, &at), DIA_LEAK_NUMBER);
	dia_writer_free(&w);
}
END_TEST

/* Whoever knows no subscriber can still keep out what was not asked. */
static bool is_text(uint64_t digits, unsigned n, bool text)
{
	return text;
}

START_TEST(only_echoes)
{
	struct dia_guard *g = dia_guard_new(&(struct dia_guard_rules){ .is_private = is_text, .identifiers_are_echoes = true });
	struct dia_writer w = {0}, request = {0};
	struct dia_leak_at at;

	ck_assert_ptr_nonnull(g);
	begin(&request, true);
	dia_put_octets(&request, DIA_MSISDN, "\x00\x01\x01\x00\x00\x00\x00\xf7", 8);
	ck_assert(dia_end(&request));
	begin(&w, false);
	dia_put_text(&w, DIA_Error_Message, "What this says is text, though semi-octets see digits in it");
	ck_assert(dia_end(&w));
	ck_assert_int_eq(dia_guard_check(g, w.p, w.n, NULL, 0, &at), DIA_LEAK_NONE);
	dia_put_octets(&w, DIA_MSISDN, "\x00\x01\x01\x00\x00\x00\x00\xf7", 8);
	ck_assert(dia_end(&w));
	ck_assert_int_eq(dia_guard_check(g, w.p, w.n, NULL, 0, &at), DIA_LEAK_AVP);
	ck_assert_int_eq(dia_guard_check(g, w.p, w.n, request.p, request.n, &at), DIA_LEAK_NONE);
	dia_put_text(&w, DIA_Error_Message, "but " IMSI " are");
	ck_assert(dia_end(&w));
	ck_assert_int_eq(dia_guard_check(g, w.p, w.n, request.p, request.n, &at), DIA_LEAK_NUMBER);
	dia_writer_free(&w);
	dia_writer_free(&request);
	dia_guard_free(g);
}
END_TEST

START_TEST(nothing_to_guard)
{
	struct dia_guard *g = dia_guard_new(&(struct dia_guard_rules){0});
	struct dia_writer w = {0};
	struct dia_leak_at at;

	ck_assert_ptr_nonnull(g);
	begin(&w, false);
	dia_put_text(&w, DIA_Error_Message, "hss.operator.example " IMSI);
	ck_assert(dia_end(&w));
	ck_assert_int_eq(dia_guard_check(g, w.p, w.n, NULL, 0, &at), DIA_LEAK_NONE);
	dia_put_text(&w, DIA_User_Name, "x");
	ck_assert(dia_end(&w));
	ck_assert_int_eq(dia_guard_check(g, w.p, w.n, NULL, 0, &at), DIA_LEAK_AVP);
	ck_assert_int_eq(dia_guard_check(g, w.p, 12, NULL, 0, &at), DIA_LEAK_NONE);
	dia_writer_free(&w);
	dia_guard_free(g);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("guard");
	TCase *tc = tcase_create("guard");
	SRunner *r;
	int bad;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, value, 0, N(values));
	tcase_add_test(tc, names_as_plainly);
	tcase_add_loop_test(tc, commands, 0, (int)dia_ncmds);
	tcase_add_loop_test(tc, avp_row, 0, N(avps));
	tcase_add_test(tc, echo_elsewhere);
	tcase_add_test(tc, at_random);
	tcase_add_test(tc, broken);
	tcase_add_test(tc, deep);
	tcase_add_test(tc, only_echoes);
	tcase_add_test(tc, nothing_to_guard);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
