/* check_hash.c - digests against published values, fields that must not run together, keys that must be refused. */
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include "hash.h"
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void digest_hex(const char *const *parts, size_t n, char hex[65])
{
	uint8_t d[IWF_HASH_LEN];
	struct iwf_hash h;

	ck_assert(iwf_hash_begin(&h));
	for (size_t i = 0; i < n; i++)
		iwf_hash_add(&h, parts[i], strlen(parts[i]));
	ck_assert(iwf_hash_end(&h, d));
	iwf_hex(d, sizeof(d), hex);
}

/* FIPS 180-4 examples */
static const struct { const char *parts[3]; size_t n; const char *want; } vectors[] = {
	{ { "" }, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ { "abc" }, 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ { "a", "", "bc" }, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq" }, 1,
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

START_TEST(sha256_row)
{
	char hex[65];

	digest_hex(vectors[_i].parts, vectors[_i].n, hex);
	ck_assert_str_eq(hex, vectors[_i].want);
}
END_TEST

static void fields(const char *a, const char *b, uint8_t out[static IWF_HASH_LEN])
{
	struct iwf_hash h;

	ck_assert(iwf_hash_begin(&h));
	iwf_hash_add_str(&h, a);
	iwf_hash_add_str(&h, b);
	ck_assert(iwf_hash_end(&h, out));
}

START_TEST(fields_do_not_run_together)
{
	static const char *const pairs[][2] = {
		{ "ab", "c" }, { "a", "bc" }, { "abc", "" }, { "", "abc" }, { "abc", NULL }, { NULL, "abc" }, { NULL, NULL }, { "", "" },
	};
	uint8_t d[8][IWF_HASH_LEN];

	for (size_t i = 0; i < 8; i++) {
		fields(pairs[i][0], pairs[i][1], d[i]);
		for (size_t j = 0; j < i; j++)
			ck_assert_msg(memcmp(d[i], d[j], IWF_HASH_LEN) != 0, "pairs %zu and %zu have one digest", i, j);
	}
}
END_TEST

START_TEST(number_is_big_endian)
{
	uint8_t a[IWF_HASH_LEN], b[IWF_HASH_LEN];
	struct iwf_hash h;

	ck_assert(iwf_hash_begin(&h));
	iwf_hash_add_u64(&h, 0x0102030405060708u);
	ck_assert(iwf_hash_end(&h, a));
	ck_assert(iwf_hash_begin(&h));
	iwf_hash_add(&h, "\1\2\3\4\5\6\7\10", 8);
	ck_assert(iwf_hash_end(&h, b));
	ck_assert_mem_eq(a, b, sizeof(a));
}
END_TEST

START_TEST(no_state_is_no_digest)
{
	struct iwf_hash h = { .failed = true };
	uint8_t d[IWF_HASH_LEN], zero[IWF_HASH_LEN] = { 0 };

	memset(d, 1, sizeof(d));
	iwf_hash_add_str(&h, "lost");
	ck_assert(!iwf_hash_end(&h, d));
	ck_assert_mem_eq(d, zero, sizeof(d));
}
END_TEST

/* Pieces below, at and above what is gathered are one text. */
START_TEST(pieces_do_not_matter)
{
	static const size_t cuts[] = { 1, 7, 64, 1000, 1023, 1024, 1025, 3000 };
	uint8_t text[5000], whole[IWF_HASH_LEN], d[IWF_HASH_LEN];
	struct iwf_hash h;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7 + i / 251);
	ck_assert(gnutls_hash_fast(GNUTLS_DIG_SHA256, text, sizeof(text), whole) == 0);
	for (size_t c = 0; c < sizeof(cuts) / sizeof(*cuts); c++) {
		ck_assert(iwf_hash_begin(&h));
		for (size_t at = 0; at < sizeof(text); at += cuts[c])
			iwf_hash_add(&h, text + at, at + cuts[c] > sizeof(text) ? sizeof(text) - at : cuts[c]);
		ck_assert(iwf_hash_end(&h, d));
		ck_assert_msg(!memcmp(d, whole, sizeof(d)), "in pieces of %zu", cuts[c]);
	}
}
END_TEST

START_TEST(hex)
{
	char out[9];

	iwf_hex((const uint8_t *)"\x00\x1f\xa0\xff", 4, out);
	ck_assert_str_eq(out, "001fa0ff");
	iwf_hex((const uint8_t *)"", 0, out);
	ck_assert_str_eq(out, "");
}
END_TEST

static char key_file[] = "/tmp/check_hash.XXXXXX";

static void key_put(const char *content, size_t n, mode_t mode)
{
	int fd = open(key_file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content, n), (ssize_t)n);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void key_setup(void)
{
	int fd = mkstemp(key_file);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void key_teardown(void)
{
	unlink(key_file);
	strcpy(strrchr(key_file, '.'), ".XXXXXX");
}

START_TEST(private_name)
{
	char a[17], b[17], c[17], err[256];

	/* RFC 4231 test case 6 has a key of 131 octets 0xaa: the longest of the RFC that is long enough here. */
	char key[131];

	memset(key, 0xaa, sizeof(key));
	key_put(key, sizeof(key), 0600);
	ck_assert_msg(iwf_privacy_key_load(key_file, err, sizeof(err)), "%s", err);
	iwf_hash_private("Test Using Larger Than Block-Size Key - Hash Key First", a);
	ck_assert_str_eq(a, "60e431591ee0b67f");

	key_put("0123456789abcdef\r\n \n", 20, 0640);
	ck_assert(iwf_privacy_key_load(key_file, err, sizeof(err)));
	iwf_hash_private("001010000000001", a);
	key_put("0123456789abcdef", 16, 0600);
	ck_assert(iwf_privacy_key_load(key_file, err, sizeof(err)));
	iwf_hash_private("001010000000001", b);
	ck_assert_str_eq(a, b);
	iwf_hash_private("001010000000002", c);
	ck_assert_str_ne(a, c);

	/* No file: a new key each time it is asked for, and one as good as any. */
	ck_assert(iwf_privacy_key_load("", err, sizeof(err)));
	iwf_hash_private("001010000000001", b);
	ck_assert_str_ne(a, b);
	ck_assert(iwf_privacy_key_load(NULL, err, sizeof(err)));
	iwf_hash_private("001010000000001", c);
	ck_assert_str_ne(b, c);
	ck_assert_uint_eq(strspn(c, "0123456789abcdef"), 16);
}
END_TEST

START_TEST(private_without_load)
{
	char a[17], b[17];

	iwf_hash_private("001010000000001", a);
	iwf_hash_private("001010000000001", b);
	ck_assert_str_eq(a, b);
	ck_assert_uint_eq(strspn(a, "0123456789abcdef"), 16);
}
END_TEST

START_TEST(bad_keys)
{
	char before[17], after[17], err[256], big[5000];

	key_put("the key that is in use now", 26, 0600);
	ck_assert(iwf_privacy_key_load(key_file, err, sizeof(err)));
	iwf_hash_private("x", before);

	key_put("0123456789abcde\n\n\n", 18, 0600);
	ck_assert(!iwf_privacy_key_load(key_file, err, sizeof(err)));
	ck_assert_ptr_nonnull(strstr(err, key_file));
	ck_assert_ptr_nonnull(strstr(err, "at least 16 octets, this one 15"));

	memset(big, 'k', sizeof(big));
	key_put(big, 4097, 0600);
	ck_assert(!iwf_privacy_key_load(key_file, err, sizeof(err)));
	ck_assert_ptr_nonnull(strstr(err, "at most 4096"));
	key_put(big, 4096, 0644);
	ck_assert(!iwf_privacy_key_load(key_file, err, sizeof(err)));
	ck_assert_ptr_nonnull(strstr(err, "mode 644"));

	ck_assert(!iwf_privacy_key_load("/nonexistent/key", err, sizeof(err)));
	ck_assert_str_eq(err, "/nonexistent/key: No such file or directory");
	ck_assert(!iwf_privacy_key_load("/tmp", err, sizeof(err)));
	ck_assert_str_eq(err, "/tmp: not a regular file");

	iwf_hash_private("x", after);
	ck_assert_str_eq(before, after);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hash");
	TCase *tc = tcase_create("hash");
	TCase *tk = tcase_create("key");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(tc, sha256_row, 0, (int)(sizeof(vectors) / sizeof(*vectors)));
	tcase_add_test(tc, fields_do_not_run_together);
	tcase_add_test(tc, number_is_big_endian);
	tcase_add_test(tc, no_state_is_no_digest);
	tcase_add_test(tc, pieces_do_not_matter);
	tcase_add_test(tc, hex);
	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tk, key_setup, key_teardown);
	tcase_add_test(tk, private_name);
	tcase_add_test(tk, private_without_load);
	tcase_add_test(tk, bad_keys);
	suite_add_tcase(s, tk);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
