/* check_gw_privacy.c - what a node should have kept to itself does not pass the gateway. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "gw_proxy.h"
#include "gw_rewrite.h"

#define IMSI "001010000000007"

static uint8_t asked[4096], told[4096];
static size_t asked_n, told_n;

static bool to_scs(void *ctx, uint64_t conn, const uint8_t *msg, size_t n)
{
	ck_assert_uint_le(n, sizeof(told));
	memcpy(told, msg, told_n = n);
	return true;
}

static bool to_node(void *ctx, unsigned node, const uint8_t *msg, size_t n)
{
	ck_assert_uint_le(n, sizeof(asked));
	memcpy(asked, msg, asked_n = n);
	return true;
}

static struct gw_proxy *proxy;
static struct dia_writer w;

static void setup(void)
{
	static const struct gw_proxy_ports ports = { .to_scs = to_scs, .to_node = to_node };
	static const struct gw_proxy_node node = { "node.inside", "inside", 1 };
	const struct gw_proxy_conf conf = { .identity = "iwf.test", .realm = "test", .nodes = &node, .nnodes = 1, .in_flight = 10,
	                                    .in_flight_per_scs = 10, .answer_timeout_ms = 1000 };

	proxy = gw_proxy_new(&conf, &ports);
	ck_assert_ptr_nonnull(proxy);
	ck_assert(gw_proxy_scs_open(proxy, 1, "scs.test", "scs-realm", "192.0.2.1", NULL));
	gw_proxy_node_up(proxy, 0);
	w = (struct dia_writer){0};
}

static void teardown(void)
{
	gw_proxy_free(proxy);
	dia_writer_free(&w);
}

static void ask(void)
{
	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, TSP_CMD_DAR, TSP_APP_ID, 1, 2);
	dia_put_text(&w, DIA_Session_Id, "scs.test;1;2");
	dia_put_text(&w, DIA_Origin_Host, "scs.test");
	dia_put_text(&w, DIA_Origin_Realm, "scs-realm");
	dia_put_text(&w, DIA_Destination_Realm, "test");
	dia_open(&w, DIA_Device_Action);
	dia_put_text(&w, DIA_External_Identifier, "123456789012345@iot.example.com");
	dia_put_octets(&w, DIA_MSISDN, "\x94\x51\x00\x00\x00\x00\x10\xf1", 8);
	dia_close(&w);
	ck_assert(dia_end(&w));
	ck_assert_int_eq(gw_proxy_from_scs(proxy, 1, w.p, w.n, 5), RS_NONE);
	told_n = 0;
}

static void begin_daa(void)
{
	dia_begin_answer(&w, asked, asked_n, 0);
	dia_put_text(&w, DIA_Origin_Host, "node.inside");
	dia_put_text(&w, DIA_Origin_Realm, "inside");
	dia_put_u32(&w, DIA_Result_Code, 2001);
}

static void answered(void)
{
	ck_assert(dia_end(&w));
	gw_proxy_from_node(proxy, 0, w.p, w.n, 6);
	ck_assert_uint_gt(told_n, 0);
}

static bool has(enum dia_id id)
{
	struct dia_avp a;
	return dia_msg_find(told, told_n, id, &a);
}

static bool has_octets(const char *p, size_t n)
{
	for (size_t at = 0; at + n <= told_n; at++)
		if (!memcmp(told + at, p, n))
			return true;
	return false;
}

/* What the SCS wrote itself comes back, whatever numbers are in it. */
START_TEST(clean)
{
	struct dia_avp dn, a;

	ask();
	begin_daa();
	dia_put_text(&w, DIA_Error_Message, "The request is refused");
	dia_open(&w, DIA_Device_Notification);
	dia_put_text(&w, DIA_External_Identifier, "123456789012345@iot.example.com");
	dia_put_octets(&w, DIA_MSISDN, "\x94\x51\x00\x00\x00\x00\x10\xf1", 8);
	dia_put_u32(&w, DIA_Reference_Number, 7);
	dia_close(&w);
	answered();
	ck_assert(has(DIA_Error_Message));
	ck_assert(dia_msg_find(told, told_n, DIA_Device_Notification, &dn));
	ck_assert(dia_group_find(&dn, DIA_External_Identifier, &a) && dia_group_find(&dn, DIA_MSISDN, &a));
}
END_TEST

START_TEST(numbers)
{
	struct dia_avp dn, a;

	ask();
	begin_daa();
	dia_put_text(&w, DIA_Error_Message, "no " IMSI);
	dia_open(&w, DIA_Failed_AVP);
	dia_put_text(&w, DIA_External_Identifier, IMSI "@iot.example.com");
	dia_close(&w);
	dia_open(&w, DIA_Device_Notification);
	dia_put_text(&w, DIA_External_Identifier, IMSI "@iot.example.com");
	dia_put_octets(&w, DIA_MSISDN, "\x00\x01\x01\x00\x00\x00\x00\xf7", 8);
	dia_put_u32(&w, DIA_Reference_Number, 7);
	dia_put_u32(&w, DIA_Request_Status, 201);
	dia_close(&w);
	answered();
	ck_assert(has(DIA_Result_Code) && !has(DIA_Error_Message) && !has(DIA_Failed_AVP));
	ck_assert(dia_msg_find(told, told_n, DIA_Device_Notification, &dn));
	ck_assert(!dia_group_find(&dn, DIA_External_Identifier, &a) && !dia_group_find(&dn, DIA_MSISDN, &a));
	ck_assert(dia_group_find(&dn, DIA_Reference_Number, &a) && dia_group_find(&dn, DIA_Request_Status, &a));
	ck_assert(!has_octets(IMSI, 15) && !has_octets("\x00\x01\x01\x00\x00\x00\x00\xf7", 8));
}
END_TEST

START_TEST(avps)
{
	struct dia_avp dn, a;

	ask();
	begin_daa();
	dia_open(&w, DIA_Failed_AVP);
	dia_put_text(&w, DIA_User_Name, "somebody");
	dia_close(&w);
	dia_open(&w, DIA_Device_Notification);
	dia_put_text(&w, DIA_User_Name, "somebody");
	dia_put_raw(&w, 443, 0, 0, "somebody", 8);
	dia_put_u32(&w, DIA_Reference_Number, 7);
	dia_close(&w);
	answered();
	ck_assert(!has(DIA_Failed_AVP) && dia_msg_find(told, told_n, DIA_Device_Notification, &dn));
	ck_assert(dia_group_find(&dn, DIA_Reference_Number, &a));
	ck_assert(!has_octets("somebody", 8));
}
END_TEST

/* A report names its device, by numbers too; and nothing else. */
START_TEST(report)
{
	struct dia_avp dn, a;

	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, TSP_CMD_DNR, TSP_APP_ID, 1, 2);
	dia_put_text(&w, DIA_Session_Id, "node.inside;1;2");
	dia_put_text(&w, DIA_Origin_Host, "node.inside");
	dia_put_text(&w, DIA_Origin_Realm, "inside");
	dia_put_text(&w, DIA_Destination_Realm, "scs-realm");
	dia_put_text(&w, DIA_Destination_Host, "scs.test");
	dia_put_text(&w, DIA_User_Name, "somebody");
	dia_open(&w, DIA_Device_Notification);
	dia_put_text(&w, DIA_External_Identifier, "123456789012345@iot.example.com");
	dia_put_text(&w, DIA_User_Name, "somebody");
	dia_put_u32(&w, DIA_Reference_Number, 7);
	dia_close(&w);
	told_n = 0;
	answered();
	ck_assert(dia_msg_find(told, told_n, DIA_Device_Notification, &dn));
	ck_assert(dia_group_find(&dn, DIA_External_Identifier, &a) && dia_group_find(&dn, DIA_Reference_Number, &a));
	ck_assert(!has_octets("somebody", 8));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gateway's privacy");
	TCase *tc = tcase_create("privacy");
	SRunner *r;
	int bad;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, clean);
	tcase_add_test(tc, numbers);
	tcase_add_test(tc, avps);
	tcase_add_test(tc, report);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
