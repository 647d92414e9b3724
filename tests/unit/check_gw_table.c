#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gw_table.h"

#define N 5000

static struct iwf_view view(const char *s)
{
	return (struct iwf_view){ .p = (const uint8_t *)s, .n = strlen(s) };
}

START_TEST(every_row_is_found)
{
	struct gw_scs *rows = calloc(N, sizeof(*rows));
	struct gw_table *t;
	char name[32], pin[65];

	for (int i = 0; i < N; i++) {
		rows[i].id = i;
		rows[i].enabled = i % 2;
		snprintf(rows[i].origin_host, sizeof(rows[i].origin_host), "Host%d.test", i * 7919 % N);
		snprintf(rows[i].cert_san, sizeof(rows[i].cert_san), "san%d.test", i);
		snprintf(rows[i].cert_sha256, sizeof(rows[i].cert_sha256), "%064x", i);
	}
	t = gw_table_new(rows, N);
	ck_assert_uint_eq(gw_table_count(t), N);
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "hOST%d.TEST", i * 7919 % N);
		const struct gw_scs *s = gw_table_by_host(t, view(name));
		ck_assert_ptr_nonnull(s);
		ck_assert_int_eq(s->id, i);
		snprintf(name, sizeof(name), "SAN%d.test", i);
		ck_assert_int_eq(gw_table_has_san(t, name), i % 2);
		snprintf(pin, sizeof(pin), "%064X", i);
		ck_assert_int_eq(gw_table_has_pin(t, pin), i % 2);
	}
	ck_assert_ptr_null(gw_table_by_host(t, view("host5000.test")));
	ck_assert_ptr_null(gw_table_by_host(t, (struct iwf_view){ .p = (const uint8_t *)"Host1.test\0x", .n = 12 }));
	ck_assert(!gw_table_has_san(t, "") && !gw_table_has_pin(t, ""));
	gw_table_free(t);
}
END_TEST

START_TEST(nothing_in_it)
{
	struct gw_table *t = gw_table_new(NULL, 0);
	char longer[400];

	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	ck_assert_ptr_nonnull(t);
	ck_assert_uint_eq(gw_table_count(t), 0);
	ck_assert_ptr_null(gw_table_by_host(t, view("a")));
	ck_assert_ptr_null(gw_table_by_host(t, view(longer)));
	ck_assert(!gw_table_has_san(t, longer) && !gw_table_has_pin(t, longer));
	gw_table_free(t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gw_table");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_test(t, every_row_is_found);
	tcase_add_test(t, nothing_in_it);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
