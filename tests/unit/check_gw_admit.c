#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "gw_admit.h"

#define NOW 1000000

static struct gw_table *table;
static struct iwf_cert cert;

static struct gw_scs row(const char *host)
{
	struct gw_scs s = { .id = 1, .enabled = true, .connections = 1 };

	strcpy(s.origin_host, host);
	strcpy(s.origin_realm, "test");
	strcpy(s.cert_san, host);
	return s;
}

static struct iwf_view view(const char *s)
{
	return (struct iwf_view){ .p = (const uint8_t *)s, .n = strlen(s) };
}

static void setup(void)
{
	struct gw_scs *rows = calloc(8, sizeof(*rows));

	rows[0] = row("b.test");
	rows[1] = row("off.test");
	rows[1].enabled = false;
	rows[2] = row("late.test");
	rows[2].valid_until = NOW - 1;
	rows[3] = row("pin.test");
	memset(rows[3].cert_sha256, 'a', 64);
	rows[4] = row("ipsec.test");
	rows[4].ndsip = rows[4].inside = true;
	strcpy(rows[4].address, "192.0.2.7");
	rows[5] = row("A.test");
	strcpy(rows[5].cert_san, "Other.test");
	rows[6] = row("nowhere.test");
	rows[6].ndsip = rows[6].inside = true;
	rows[7] = row("outside.test");
	rows[7].ndsip = true;
	strcpy(rows[7].address, "192.0.2.7");
	table = gw_table_new(rows, 8);
	ck_assert_ptr_nonnull(table);
	cert = (struct iwf_cert){ .nsans = 1, .sans = { "b.test" } };
	memset(cert.sha256, 'b', 64);
}

static void teardown(void)
{
	gw_table_free(table);
}

static enum iwf_reason cer(const char *host, const char *realm, const struct iwf_cert *c, const char *address)
{
	const struct gw_scs *scs;
	enum iwf_reason r = gw_admit_cer(table, c, address, view(host), view(realm), NOW, &scs), still;

	if (r != RS_SCS_REALM) {
		const struct gw_scs *again;

		still = gw_admit_still(table, c, address, host, NOW, &again);
		ck_assert_int_eq(still, r);
		ck_assert_ptr_eq(scs, again);
	}
	return r;
}

START_TEST(names)
{
	ck_assert_int_eq(cer("b.test", "test", &cert, ""), RS_NONE);
	ck_assert_int_eq(cer("B.TEST", "Test", &cert, ""), RS_NONE);
	ck_assert_int_eq(cer("c.test", "test", &cert, ""), RS_SCS_UNKNOWN);
	ck_assert_int_eq(cer("", "test", &cert, ""), RS_SCS_UNKNOWN);
	ck_assert_int_eq(cer("b.test", "other", &cert, ""), RS_SCS_REALM);
	ck_assert_int_eq(cer("a.test", "test", &cert, ""), RS_CERT_NAME);
	strcpy(cert.sans[0], "OTHER.test");
	ck_assert_int_eq(cer("a.test", "test", &cert, ""), RS_NONE);
	ck_assert_int_eq(cer("b.test", "test", &cert, ""), RS_CERT_NAME);
}
END_TEST

START_TEST(rows)
{
	ck_assert_int_eq(cer("off.test", "test", &cert, ""), RS_SCS_DISABLED);
	ck_assert_int_eq(cer("late.test", "test", &cert, ""), RS_SCS_DATES);
	strcpy(cert.sans[0], "pin.test");
	ck_assert_int_eq(cer("pin.test", "test", &cert, ""), RS_CERT_PIN);
	memset(cert.sha256, 'A', 64);
	ck_assert_int_eq(cer("pin.test", "test", &cert, ""), RS_NONE);
}
END_TEST

START_TEST(without_tls)
{
	ck_assert_int_eq(cer("ipsec.test", "test", NULL, "192.0.2.7"), RS_NONE);
	ck_assert_int_eq(cer("ipsec.test", "test", NULL, "192.0.2.8"), RS_NO_TLS);
	ck_assert_int_eq(cer("nowhere.test", "test", NULL, ""), RS_NO_TLS);
	ck_assert_int_eq(cer("outside.test", "test", NULL, "192.0.2.7"), RS_NO_TLS);
	ck_assert_int_eq(cer("b.test", "test", NULL, "192.0.2.7"), RS_NO_TLS);
}
END_TEST

START_TEST(in_the_handshake)
{
	ck_assert_int_eq(gw_admit_cert(table, &cert), RS_NONE);
	strcpy(cert.sans[0], "off.test");
	ck_assert_int_eq(gw_admit_cert(table, &cert), RS_CERT_UNKNOWN);
	memset(cert.sha256, 'a', 64);
	ck_assert_int_eq(gw_admit_cert(table, &cert), RS_NONE);
	cert.nsans = 0;
	memset(cert.sha256, 'c', 64);
	ck_assert_int_eq(gw_admit_cert(table, &cert), RS_CERT_UNKNOWN);
}
END_TEST

START_TEST(codes)
{
	ck_assert_uint_eq(gw_admit_result(RS_NONE), 2001);
	ck_assert_uint_eq(gw_admit_result(RS_SCS_UNKNOWN), 3010);
	ck_assert_uint_eq(gw_admit_result(RS_CERT_NAME), 3010);
	ck_assert_uint_eq(gw_admit_result(RS_SCS_DISABLED), 5003);
	ck_assert_uint_eq(gw_admit_result(RS_CONNECTIONS), 3004);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gw_admit");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, names);
	tcase_add_test(t, rows);
	tcase_add_test(t, without_tls);
	tcase_add_test(t, in_the_handshake);
	tcase_add_test(t, codes);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
