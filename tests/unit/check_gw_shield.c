#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include "gw_shield.h"

static struct gw_shield *s;
static struct gw_conf conf;

static const struct sockaddr *at(const char *ip)
{
	static struct sockaddr_storage sa;

	sa = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, ip, &((struct sockaddr_in *)&sa)->sin_addr) == 1)
		sa.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, ip, &((struct sockaddr_in6 *)&sa)->sin6_addr) == 1)
		sa.ss_family = AF_INET6;
	return (const struct sockaddr *)&sa;
}

static void setup(void)
{
	conf = (struct gw_conf){ .limits = { .connections = 6, .connections_per_source = 3, .half_open = 4, .half_open_per_source = 2,
		.source_rate_per_s = 1000, .source_burst = 100, .audit_per_s = 1, .audit_burst = 2 } };
	s = gw_shield_new(&conf);
}

static void teardown(void)
{
	gw_shield_free(s);
}

#define ARRIVES(ip) ck_assert_int_eq(gw_shield_arrive(s, at(ip), 1000), RS_NONE)
#define NOT(ip, why) ck_assert_int_eq(gw_shield_arrive(s, at(ip), 1000), why)

START_TEST(one_source)
{
	ARRIVES("192.0.2.1");
	ARRIVES("192.0.2.1");
	NOT("192.0.2.1", RS_HALF_OPEN);
	gw_shield_opened(s, at("192.0.2.1"));
	gw_shield_opened(s, at("192.0.2.1"));
	ARRIVES("::ffff:192.0.2.1");
	NOT("192.0.2.1", RS_CONNECTIONS);
	gw_shield_left(s, at("192.0.2.1"), true);
	ARRIVES("192.0.2.1");
}
END_TEST

START_TEST(a_prefix_is_one)
{
	ARRIVES("2001:db8::1");
	ARRIVES("2001:db8::ffff:0:1");
	NOT("2001:db8::2", RS_HALF_OPEN);
	ARRIVES("2001:db8:0:1::1");
}
END_TEST

START_TEST(in_all)
{
	ARRIVES("192.0.2.1");
	ARRIVES("192.0.2.2");
	ARRIVES("192.0.2.3");
	ARRIVES("192.0.2.4");
	NOT("192.0.2.5", RS_HALF_OPEN);
	for (int i = 1; i <= 4; i++)
		gw_shield_opened(s, at((const char *[]){ "", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4" }[i]));
	ARRIVES("192.0.2.5");
	ARRIVES("192.0.2.6");
	NOT("192.0.2.7", RS_CONNECTIONS);
	gw_shield_left(s, at("192.0.2.6"), false);
	ARRIVES("192.0.2.7");
	/* Who is not there cannot leave. */
	gw_shield_left(s, at("192.0.2.99"), false);
	gw_shield_left(s, at("192.0.2.6"), true);
	NOT("192.0.2.8", RS_CONNECTIONS);
}
END_TEST

START_TEST(rate)
{
	gw_shield_free(s);
	conf.limits.source_rate_per_s = 1;
	conf.limits.source_burst = 2;
	s = gw_shield_new(&conf);
	for (int i = 0; i < 2; i++) {
		ARRIVES("192.0.2.1");
		gw_shield_left(s, at("192.0.2.1"), false);
	}
	NOT("192.0.2.1", RS_SOURCE_RATE);
	ARRIVES("192.0.2.2");
	gw_shield_left(s, at("192.0.2.2"), false);
	ck_assert_int_eq(gw_shield_arrive(s, at("192.0.2.1"), 2001), RS_NONE);
}
END_TEST

/* Any number of sources come and go; under the sanitizers nothing is left behind. */
START_TEST(a_crowd)
{
	for (uint32_t i = 0; i < 100000; i++) {
		struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000000u + i) };

		ck_assert_int_eq(gw_shield_arrive(s, (struct sockaddr *)&sin, i), RS_NONE);
		gw_shield_left(s, (struct sockaddr *)&sin, false);
	}
}
END_TEST

START_TEST(telling)
{
	uint64_t left_out;

	for (int i = 0; i < 2; i++)
		ck_assert(gw_shield_tell(s, RS_HALF_OPEN, 1000, &left_out) && !left_out);
	for (int i = 0; i < 5; i++)
		ck_assert(!gw_shield_tell(s, RS_HALF_OPEN, 1000, &left_out));
	ck_assert_msg(gw_shield_tell(s, RS_CERT_NAME, 1000, &left_out) && !left_out, "a flood of one kind hides another");
	ck_assert(gw_shield_tell(s, RS_HALF_OPEN, 2001, &left_out));
	ck_assert_uint_eq(left_out, 5);
	ck_assert(gw_shield_tell(s, RS_HALF_OPEN, 4000, &left_out) && !left_out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gw_shield");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, one_source);
	tcase_add_test(t, a_prefix_is_one);
	tcase_add_test(t, in_all);
	tcase_add_test(t, rate);
	tcase_add_test(t, a_crowd);
	tcase_add_test(t, telling);
	suite_add_tcase(suite, t);
	r = srunner_create(suite);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
