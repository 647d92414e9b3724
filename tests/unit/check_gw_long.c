/* What is too long for a node does not get there: it would break off the connection, and with it everybody's. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "gw_proxy.h"

static struct { int n; size_t size; uint32_t result, hbh; } scs, node;

static bool heard(int *count, size_t *size, uint32_t *result, uint32_t *hbh, const uint8_t *msg, size_t n)
{
	struct dia_avp a;
	struct dia_hdr h;

	++*count;
	*size = n;
	*result = 0;
	if (dia_msg_find(msg, n, DIA_Result_Code, &a))
		dia_avp_u32(&a, result);
	ck_assert(dia_hdr_read(msg, n, &h));
	*hbh = h.hbh;
	return true;
}

static bool to_scs(void *ctx, uint64_t conn, const uint8_t *msg, size_t n)
{
	(void)ctx;
	ck_assert_uint_eq(conn, 1);
	return heard(&scs.n, &scs.size, &scs.result, &scs.hbh, msg, n);
}

static bool to_node(void *ctx, unsigned which, const uint8_t *msg, size_t n)
{
	(void)ctx;
	ck_assert_uint_eq(which, 0);
	return heard(&node.n, &node.size, &node.result, &node.hbh, msg, n);
}

/* With names as long as they can be, so that what is put in is as much as it can be. */
static char identity[IWF_DIAMID_MAX + 1], realm[IWF_DIAMID_MAX + 1], host[IWF_DIAMID_MAX + 1];
static struct gw_proxy *proxy;
static struct dia_writer w;

static void setup(void)
{
	memset(identity, 'i', IWF_DIAMID_MAX);
	memset(realm, 'r', IWF_DIAMID_MAX);
	memset(host, 'h', IWF_DIAMID_MAX);
	proxy = gw_proxy_new(&(struct gw_proxy_conf){ .identity = identity, .realm = "r", .in_flight = 8, .in_flight_per_scs = 8,
		.nodes = &(struct gw_proxy_node){ .host = "node", .realm = realm }, .nnodes = 1, .answer_timeout_ms = 1000 },
		&(struct gw_proxy_ports){ .to_scs = to_scs, .to_node = to_node });
	ck_assert(proxy && gw_proxy_scs_open(proxy, 1, host, "test", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	          "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
	gw_proxy_node_up(proxy, 0);
}

static void teardown(void)
{
	gw_proxy_free(proxy);
	dia_writer_free(&w);
}

/* w, made as long as that. */
static void fill_up(size_t size)
{
	static const uint8_t octets[70000];

	dia_put_raw(&w, 4242, 0, 0, octets, size - w.n - 8);
	ck_assert(dia_end(&w));
	ck_assert_uint_eq(w.n, size);
}

static enum iwf_reason dar(size_t size)
{
	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, TSP_CMD_DAR, TSP_APP_ID, 7, 7);
	dia_put_text(&w, DIA_Session_Id, "a;1;1");
	dia_put_text(&w, DIA_Origin_Host, host);
	dia_put_text(&w, DIA_Destination_Realm, "r");
	fill_up(size);
	return gw_proxy_from_scs(proxy, 1, w.p, w.n, 1000);
}

START_TEST(request)
{
	ck_assert_int_eq(dar(GW_INSIDE_MAX / 4 * 4), RS_NONE);
	ck_assert_int_eq(node.n, 1);
	ck_assert_uint_gt(node.size, GW_INSIDE_MAX);
	ck_assert_uint_le(node.size, 65535);
	ck_assert_int_eq(dar(GW_INSIDE_MAX / 4 * 4 + 4), RS_MESSAGE_SIZE);
	ck_assert_int_eq(node.n, 1);
	ck_assert_int_eq(scs.n, 1);
	ck_assert_uint_eq(scs.result, 5015);
}
END_TEST

START_TEST(report_answered)
{
	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, TSP_CMD_DNR, TSP_APP_ID, 9, 9);
	dia_put_text(&w, DIA_Session_Id, "n;1;1");
	dia_put_text(&w, DIA_Origin_Host, "node");
	dia_put_text(&w, DIA_Destination_Host, host);
	ck_assert(dia_end(&w));
	gw_proxy_from_node(proxy, 0, w.p, w.n, 1000);
	ck_assert_int_eq(scs.n, 1);
	dia_begin(&w, DIA_F_PROXIABLE, TSP_CMD_DNR, TSP_APP_ID, scs.hbh, 9);
	dia_put_u32(&w, DIA_Result_Code, 2001);
	dia_put_text(&w, DIA_Origin_Host, host);
	fill_up(GW_INSIDE_MAX / 4 * 4 + 4);
	ck_assert_int_eq(gw_proxy_from_scs(proxy, 1, w.p, w.n, 1000), RS_NONE);
	ck_assert_int_eq(node.n, 1);
	ck_assert_uint_eq(node.result, 3002);
	ck_assert_uint_eq(node.hbh, 9);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gw_long");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, request);
	tcase_add_test(t, report_answered);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
