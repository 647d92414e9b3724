/* A zoo of certificates: each has one fault, and is refused for exactly that. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "pki.h"

#define DAY 86400L
#define NOW 1800000000L

struct id { gnutls_x509_crt_t crt; gnutls_x509_privkey_t key; gnutls_datum_t der; };
struct wish {
	const char *cn, *san, *ip, *permit;    /* san: dNSName, NULL: none; permit: name constraint of a CA */
	const char *eku;                       /* NULL: none */
	unsigned usage;                        /* 0: none */
	long from, until;                      /* around NOW */
	bool ca;
	int version, path_len;
	gnutls_pk_algorithm_t pk; unsigned bits;
	gnutls_digest_algorithm_t dig;
};
static const struct wish GOOD = { .cn = "good", .san = "scs.test", .eku = GNUTLS_KP_TLS_WWW_CLIENT,
	.usage = GNUTLS_KEY_DIGITAL_SIGNATURE, .from = -DAY, .until = DAY, .version = 3, .path_len = -1,
	.pk = GNUTLS_PK_ECDSA, .bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), .dig = GNUTLS_DIG_SHA256 };
static const struct wish CA = { .cn = "ca", .usage = GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN, .from = -10 * DAY,
	.until = 10 * DAY, .ca = true, .version = 3, .path_len = -1, .pk = GNUTLS_PK_ECDSA,
	.bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), .dig = GNUTLS_DIG_SHA256 };

static struct id ids[64];
static unsigned nids;
static unsigned char serial_counter;
static struct id *root, *sub;

static struct id *make(const struct wish *w, const struct id *by)
{
	struct id *id = &ids[nids++];
	gnutls_x509_name_constraints_t nc;

	ck_assert_uint_lt(nids, 64);
	serial_counter++;
	ck_assert_int_eq(gnutls_x509_privkey_init(&id->key), 0);
	ck_assert_int_eq(gnutls_x509_privkey_generate(id->key, w->pk, w->bits, 0), 0);
	ck_assert_int_eq(gnutls_x509_crt_init(&id->crt), 0);
	ck_assert_int_eq(gnutls_x509_crt_set_version(id->crt, (unsigned)w->version), 0);
	ck_assert_int_eq(gnutls_x509_crt_set_serial(id->crt, &serial_counter, 1), 0);
	gnutls_x509_crt_set_activation_time(id->crt, NOW + w->from);
	gnutls_x509_crt_set_expiration_time(id->crt, NOW + w->until);
	gnutls_x509_crt_set_dn_by_oid(id->crt, GNUTLS_OID_X520_COMMON_NAME, 0, w->cn, (unsigned)strlen(w->cn));
	ck_assert_int_eq(gnutls_x509_crt_set_key(id->crt, id->key), 0);
	if (w->version == 3) {
		ck_assert_int_eq(gnutls_x509_crt_set_basic_constraints(id->crt, w->ca, w->path_len), 0);
		if (w->usage)
			gnutls_x509_crt_set_key_usage(id->crt, w->usage);
		if (w->eku)
			gnutls_x509_crt_set_key_purpose_oid(id->crt, w->eku, 0);
		if (w->san)
			ck_assert_int_eq(gnutls_x509_crt_set_subject_alt_name(id->crt, GNUTLS_SAN_DNSNAME, w->san, (unsigned)strlen(w->san), GNUTLS_FSAN_APPEND), 0);
		if (w->ip)
			gnutls_x509_crt_set_subject_alt_name(id->crt, GNUTLS_SAN_IPADDRESS, w->ip, 4, GNUTLS_FSAN_APPEND);
	}
	if (w->permit) {
		gnutls_datum_t d = { (unsigned char *)(uintptr_t)w->permit, (unsigned)strlen(w->permit) };

		gnutls_x509_name_constraints_init(&nc);
		gnutls_x509_name_constraints_add_permitted(nc, GNUTLS_SAN_DNSNAME, &d);
		gnutls_x509_crt_set_name_constraints(id->crt, nc, 1);
		gnutls_x509_name_constraints_deinit(nc);
	}
	ck_assert_int_eq(gnutls_x509_crt_sign2(id->crt, by ? by->crt : id->crt, by ? by->key : id->key, w->dig, 0), 0);
	ck_assert_int_eq(gnutls_x509_crt_export2(id->crt, GNUTLS_X509_FMT_DER, &id->der), 0);
	return id;
}

static struct wish but(struct wish w) { return w; }
#define LEAF(...) (({ struct wish w_ = but(GOOD); __VA_ARGS__; make(&w_, root); }))
#define LEAF_OF(by, ...) (({ struct wish w_ = but(GOOD); __VA_ARGS__; make(&w_, by); }))
#define CA_OF(by, ...) (({ struct wish w_ = but(CA); __VA_ARGS__; make(&w_, by); }))

static gnutls_datum_t pem_of(const struct id *id)
{
	gnutls_datum_t d;

	ck_assert_int_eq(gnutls_x509_crt_export2(id->crt, GNUTLS_X509_FMT_PEM, &d), 0);
	return d;
}

static gnutls_datum_t crl_by(const struct id *by, const struct id *revoked, long until)
{
	gnutls_datum_t d;
	gnutls_x509_crl_t crl;

	gnutls_x509_crl_init(&crl);
	gnutls_x509_crl_set_version(crl, 2);
	gnutls_x509_crl_set_this_update(crl, NOW - 100 * DAY);
	gnutls_x509_crl_set_next_update(crl, NOW + until);
	gnutls_x509_crl_set_number(crl, "\1", 1);
	if (revoked)
		ck_assert_int_eq(gnutls_x509_crl_set_crt(crl, revoked->crt, NOW - DAY), 0);
	ck_assert_int_eq(gnutls_x509_crl_sign2(crl, by->crt, by->key, GNUTLS_DIG_SHA256, 0), 0);
	ck_assert_int_eq(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, &d), 0);
	gnutls_x509_crl_deinit(crl);
	return d;
}

static struct iwf_pki *pki_of(const struct id *ca, const gnutls_datum_t *crl, enum iwf_crl policy)
{
	gnutls_datum_t pem = pem_of(ca), none = { NULL, 0 };
	char err[200] = "";
	struct iwf_pki *p = iwf_pki_new(&pem, crl ? crl : &none, policy, IWF_PKI_CLIENT, err, sizeof(err));

	ck_assert_msg(p != NULL, "%s", err);
	gnutls_free(pem.data);
	return p;
}

static struct iwf_cert_verdict check_with(const struct iwf_pki *p, bool again, struct id *leaf, struct id *a, struct id *b, struct id *c, struct id *d)
{
	gnutls_datum_t chain[5] = { leaf->der };
	unsigned n = 1;

	for (struct id **at = (struct id *[]){ a, b, c, d, NULL }; *at; at++)
		chain[n++] = (*at)->der;
	return again ? iwf_pki_recheck(p, chain, n, NOW * 1000) : iwf_pki_check(p, chain, n, NOW * 1000, NULL);
}

static void is(enum iwf_reason want, const char *word, struct id *leaf, struct id *via)
{
	struct iwf_pki *p = pki_of(root, NULL, IWF_CRL_IF_PRESENT);
	struct iwf_cert_verdict v = check_with(p, false, leaf, via, NULL, NULL, NULL);

	ck_assert_msg(v.reason == want, "%s instead of %s: %s", iwf_reason_str(v.reason), iwf_reason_str(want), v.detail);
	ck_assert_msg(strstr(v.detail, word) != NULL, "\"%s\" is not in: %s", word, v.detail);
	iwf_pki_free(p);
}

static void setup(void)
{
	nids = 0;
	root = make(&CA, NULL);
	sub = CA_OF(root, w_.cn = "sub");
}

static void teardown(void)
{
	for (unsigned i = 0; i < nids; i++) {
		gnutls_x509_crt_deinit(ids[i].crt);
		gnutls_x509_privkey_deinit(ids[i].key);
		gnutls_free(ids[i].der.data);
	}
}

START_TEST(good_ones)
{
	is(RS_NONE, "", LEAF(), NULL);
	is(RS_NONE, "", LEAF_OF(sub), sub);
	is(RS_NONE, "", LEAF(w_.pk = GNUTLS_PK_RSA; w_.bits = 2048), NULL);
	is(RS_NONE, "", LEAF(w_.san = "xn--bcher-kva.test"), NULL);
	is(RS_NONE, "", LEAF(w_.ip = "\x7f\0\0\1"), NULL);
}
END_TEST

START_TEST(dates)
{
	struct id *old = CA_OF(root, w_.cn = "old"; w_.until = -5);

	is(RS_CERT_EXPIRED, "CN=good has expired on 2027-01-15", LEAF(w_.until = -5), NULL);
	is(RS_CERT_NOT_YET, "is valid from 2027-01-15", LEAF(w_.from = 5), NULL);
	is(RS_CERT_EXPIRED, "CN=old", LEAF_OF(old), old);
}
END_TEST

START_TEST(issuers)
{
	struct id *other = CA_OF(NULL, w_.cn = "other"), *twin = CA_OF(NULL), *leaf_ca = LEAF(w_.cn = "leaf-ca");
	struct id *narrow = CA_OF(root, w_.cn = "narrow"; w_.permit = "good.test");
	struct id *shallow = CA_OF(root, w_.cn = "shallow"; w_.path_len = 0), *deep = CA_OF(shallow, w_.cn = "deep");
	struct iwf_pki *p = pki_of(root, NULL, IWF_CRL_IF_PRESENT);

	is(RS_CERT_ISSUER, "issued by CN=self", LEAF_OF(NULL, w_.cn = "self"), NULL);
	is(RS_CERT_ISSUER, "issued by CN=other", LEAF_OF(other), NULL);
	is(RS_CERT_ISSUER, "issued by CN=other", LEAF_OF(other), other);
	is(RS_CERT_ISSUER, "CN=good", LEAF_OF(twin), NULL);      /* the name of our CA, another key */
	is(RS_CERT_ISSUER, "CN=good", LEAF_OF(leaf_ca), leaf_ca);
	is(RS_CERT_ISSUER, "may not issue", LEAF_OF(narrow), narrow);
	is(RS_NONE, "", LEAF_OF(narrow, w_.san = "a.good.test"), narrow);
	ck_assert_int_eq(check_with(p, false, LEAF_OF(deep), deep, shallow, NULL, NULL).reason, RS_CERT_ISSUER);
	iwf_pki_free(p);
}
END_TEST

START_TEST(chains)
{
	struct id *a = sub, *b = CA_OF(a, w_.cn = "b"), *c = CA_OF(b, w_.cn = "c"), *d = CA_OF(c, w_.cn = "d");
	struct iwf_pki *p = pki_of(root, NULL, IWF_CRL_IF_PRESENT);
	struct iwf_cert_verdict v = check_with(p, false, LEAF_OF(c), c, b, a, NULL);

	ck_assert_msg(v.reason == RS_NONE, "%s", v.detail);
	ck_assert_int_eq(check_with(p, false, LEAF_OF(c), a, b, c, NULL).reason, RS_NONE);      /* in any order */
	ck_assert_int_eq(check_with(p, false, LEAF_OF(d), d, c, b, a).reason, RS_CERT_PROFILE);
	v = iwf_pki_check(p, NULL, 0, NOW * 1000, NULL);
	ck_assert_int_eq(v.reason, RS_CERT_MISSING);
	v = iwf_pki_check(p, &(gnutls_datum_t){ (unsigned char *)(uintptr_t)"junk", 4 }, 1, NOW * 1000, NULL);
	ck_assert_int_eq(v.reason, RS_CERT_PROFILE);
	iwf_pki_free(p);
}
END_TEST

START_TEST(weak)
{
	struct id *old = CA_OF(root, w_.cn = "sha1-ca"; w_.dig = GNUTLS_DIG_SHA1);
	struct id *small = CA_OF(root, w_.cn = "small-ca"; w_.pk = GNUTLS_PK_RSA; w_.bits = 1024);

	is(RS_CERT_WEAK, "RSA key of 1024 bits", LEAF(w_.pk = GNUTLS_PK_RSA; w_.bits = 1024), NULL);
	is(RS_CERT_WEAK, "SHA1", LEAF(w_.dig = GNUTLS_DIG_SHA1), NULL);
	is(RS_CERT_WEAK, "EC key of 192 bits", LEAF(w_.bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP192R1)), NULL);
	is(RS_CERT_WEAK, "neither RSA nor EC", LEAF(w_.pk = GNUTLS_PK_EDDSA_ED25519; w_.bits = 0), NULL);
	is(RS_CERT_WEAK, "CN=sha1-ca is signed", LEAF_OF(old), old);
	is(RS_CERT_WEAK, "CN=small-ca has an RSA key", LEAF_OF(small), small);
}
END_TEST

START_TEST(usage)
{
	is(RS_CERT_USAGE, "clientAuth", LEAF(w_.eku = GNUTLS_KP_TLS_WWW_SERVER), NULL);
	is(RS_CERT_USAGE, "clientAuth", LEAF(w_.eku = NULL), NULL);
	is(RS_CERT_USAGE, "clientAuth", LEAF(w_.eku = GNUTLS_KP_ANY), NULL);
	is(RS_CERT_USAGE, "digitalSignature", LEAF(w_.usage = GNUTLS_KEY_KEY_ENCIPHERMENT), NULL);
	is(RS_CERT_USAGE, "digitalSignature", LEAF(w_.usage = 0), NULL);
}
END_TEST

START_TEST(profile)
{
	is(RS_CERT_PROFILE, "no dNSName", LEAF(w_.san = NULL), NULL);
	is(RS_CERT_PROFILE, "no dNSName", LEAF(w_.san = NULL; w_.ip = "\x7f\0\0\1"), NULL);
	is(RS_CERT_PROFILE, "wildcard", LEAF(w_.san = "*.test"), NULL);
	is(RS_CERT_PROFILE, "wildcard", LEAF(w_.san = "scs*.test"), NULL);
	is(RS_CERT_PROFILE, "X.509 v1", LEAF(w_.version = 1), NULL);
	is(RS_CERT_PROFILE, "of a CA", CA_OF(root, w_.san = "scs.test"; w_.eku = GNUTLS_KP_TLS_WWW_CLIENT), NULL);
}
END_TEST

START_TEST(revocation)
{
	struct id *leaf = LEAF(), *of_sub = LEAF_OF(sub);
	gnutls_datum_t d = crl_by(root, leaf, DAY), e = crl_by(root, sub, DAY), old = crl_by(root, NULL, -DAY), f = crl_by(sub, of_sub, DAY);
	gnutls_datum_t old_revoked = crl_by(root, leaf, -DAY), by_other = { NULL, 0 };
	struct iwf_pki *p[6] = { pki_of(root, &d, IWF_CRL_REQUIRE), pki_of(root, &e, IWF_CRL_IF_PRESENT), pki_of(root, &old, IWF_CRL_REQUIRE),
	                        pki_of(root, &old, IWF_CRL_IF_PRESENT), pki_of(root, &f, IWF_CRL_IF_PRESENT), pki_of(root, &old_revoked, IWF_CRL_IF_PRESENT) };
	char err[200] = "";

	for (int again = 0; again < 2; again++) {
		ck_assert_int_eq(check_with(p[0], again, leaf, NULL, NULL, NULL, NULL).reason, RS_CERT_REVOKED);
		ck_assert_int_eq(check_with(p[0], again, LEAF(), NULL, NULL, NULL, NULL).reason, RS_NONE);
		ck_assert_int_eq(check_with(p[0], again, of_sub, sub, NULL, NULL, NULL).reason, RS_CERT_REVOCATION);  /* of sub's there is none */
		ck_assert_int_eq(check_with(p[1], again, of_sub, sub, NULL, NULL, NULL).reason, RS_CERT_REVOKED);
		ck_assert_int_eq(check_with(p[1], again, leaf, NULL, NULL, NULL, NULL).reason, RS_NONE);
		ck_assert_int_eq(check_with(p[2], again, leaf, NULL, NULL, NULL, NULL).reason, RS_CERT_REVOCATION);
		struct iwf_cert_verdict v = check_with(p[3], again, leaf, NULL, NULL, NULL, NULL);
		ck_assert_int_eq(v.reason, RS_NONE);
		ck_assert_msg(strstr(v.detail, "outdated") != NULL, "%s", v.detail);
		ck_assert_int_eq(check_with(p[4], again, of_sub, sub, NULL, NULL, NULL).reason, RS_CERT_REVOKED);
		ck_assert_int_eq(check_with(p[5], again, leaf, NULL, NULL, NULL, NULL).reason, RS_CERT_REVOKED);
		ck_assert_int_eq(check_with(p[0], again, LEAF(w_.until = -1), NULL, NULL, NULL, NULL).reason, RS_CERT_EXPIRED);
		ck_assert_int_eq(check_with(p[0], again, LEAF_OF(NULL, w_.cn = "x"), NULL, NULL, NULL, NULL).reason, RS_CERT_ISSUER);
	}
	/* Under the name of our CA, signed by another. */
	by_other = crl_by(CA_OF(NULL), leaf, DAY);
	gnutls_datum_t pem = pem_of(root);
	ck_assert_ptr_null(iwf_pki_new(&pem, &by_other, IWF_CRL_IF_PRESENT, IWF_PKI_CLIENT, err, sizeof(err)));
	ck_assert_msg(strncmp(err, "CRLs:", 5) == 0, "%s", err);
	ck_assert_ptr_null(iwf_pki_new(&by_other, NULL, IWF_CRL_IF_PRESENT, IWF_PKI_CLIENT, err, sizeof(err)));
	ck_assert_msg(strncmp(err, "CA certificates:", 16) == 0, "%s", err);
	gnutls_free(pem.data);
	gnutls_free(by_other.data);
	for (int i = 0; i < 6; i++)
		iwf_pki_free(p[i]);
	gnutls_free(d.data), gnutls_free(e.data), gnutls_free(old.data), gnutls_free(f.data), gnutls_free(old_revoked.data);
}
END_TEST

START_TEST(what_is_read)
{
	struct iwf_pki *p = pki_of(root, NULL, IWF_CRL_IF_PRESENT), *strangers = pki_of(CA_OF(NULL), NULL, IWF_CRL_IF_PRESENT);
	struct iwf_cert c, d;

	ck_assert_int_eq(iwf_pki_check(p, &LEAF()->der, 1, NOW * 1000, &c).reason, RS_NONE);
	ck_assert_uint_eq(strlen(c.sha256), 64);
	ck_assert_str_eq(c.subject, "CN=good");
	ck_assert_uint_eq(c.nsans, 1);
	ck_assert_str_eq(c.sans[0], "scs.test");
	ck_assert_int_eq(c.not_after_ms, (NOW + DAY) * 1000);
	ck_assert_int_eq(iwf_pki_check(strangers, &LEAF()->der, 1, NOW * 1000, &d).reason, RS_CERT_ISSUER);
	ck_assert_str_eq(d.subject, "CN=good");
	ck_assert_int_ne(iwf_pki_check(p, &(gnutls_datum_t){ (unsigned char *)(uintptr_t)"junk", 4 }, 1, NOW * 1000, &c).reason, RS_NONE);
	ck_assert(!c.sha256[0] && !c.subject[0] && !c.nsans);
	iwf_pki_free(p);
	iwf_pki_free(strangers);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pki");
	TCase *t = tcase_create("zoo");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, good_ones);
	tcase_add_test(t, dates);
	tcase_add_test(t, issuers);
	tcase_add_test(t, chains);
	tcase_add_test(t, weak);
	tcase_add_test(t, usage);
	tcase_add_test(t, profile);
	tcase_add_test(t, revocation);
	tcase_add_test(t, what_is_read);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
