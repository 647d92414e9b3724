/* many_certs.c - certificates for many SCSs at once, of one CA, with one key for all.
 *
 *   many_certs DIR CA.crt CA.key TEMPLATE FIRST COUNT
 *
 * Writes DIR/key.pem, unless it is there, and DIR/NAME.crt for each NAME of the template (scs%05d.load.example).  Good for
 * measuring: whoever has the key can be any of them. */
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "load_math.h"

#define DAY 86400

static bool save(const char *dir, const char *file, const char *suffix, gnutls_datum_t *d)
{
	char path[600];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s%s", dir, file, suffix);
	f = fopen(path, "w");
	ok = f && fwrite(d->data, 1, d->size, f) == d->size;
	if (f && fclose(f) != 0)
		ok = false;
	if (!ok)
		perror(path);
	gnutls_free(d->data);
	return ok;
}

static bool load(const char *path, gnutls_datum_t *d)
{
	int r = gnutls_load_file(path, d);

	if (r < 0)
		fprintf(stderr, "%s: %s\n", path, gnutls_strerror(r));
	return r == 0;
}

static bool shared_key(const char *dir, gnutls_x509_privkey_t key)
{
	gnutls_datum_t pem = { 0 };
	char path[600];
	int r;

	snprintf(path, sizeof(path), "%s/key.pem", dir);
	if (access(path, F_OK) == 0) {
		if (!load(path, &pem))
			return false;
		r = gnutls_x509_privkey_import(key, &pem, GNUTLS_X509_FMT_PEM);
		gnutls_free(pem.data);
		if (r < 0)
			fprintf(stderr, "%s: %s\n", path, gnutls_strerror(r));
		return r == 0;
	}
	return gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) == 0 &&
	       gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem) == 0 && save(dir, "key", ".pem", &pem);
}

/* An end entity of TS 33.310 6.1. */
static bool one(const char *dir, const char *name, gnutls_x509_privkey_t key, gnutls_x509_crt_t ca, gnutls_x509_privkey_t ca_key)
{
	gnutls_x509_crt_t crt;
	gnutls_datum_t pem = { 0 };
	unsigned char serial[16], id[64];
	size_t id_size = sizeof(id);
	time_t now = time(NULL);
	bool ok;

	if (gnutls_x509_crt_init(&crt) < 0)
		return false;
	ok = getrandom(serial, sizeof(serial), 0) == sizeof(serial);
	serial[0] &= 0x7f;
	ok = ok && gnutls_x509_crt_set_version(crt, 3) == 0;
	ok = ok && gnutls_x509_crt_set_serial(crt, serial, sizeof(serial)) == 0;
	ok = ok && gnutls_x509_crt_set_activation_time(crt, now - DAY) == 0;
	ok = ok && gnutls_x509_crt_set_expiration_time(crt, now + 30 * DAY) == 0;
	ok = ok && gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name)) == 0;
	ok = ok && gnutls_x509_crt_set_key(crt, key) == 0;
	ok = ok && gnutls_x509_crt_set_basic_constraints(crt, 0, -1) == 0;
	ok = ok && gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE) == 0;
	ok = ok && gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), GNUTLS_FSAN_SET) == 0;
	ok = ok && gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0) == 0;
	if (ok && gnutls_x509_crt_get_subject_key_id(ca, id, &id_size, NULL) == 0)
		ok = gnutls_x509_crt_set_authority_key_id(crt, id, id_size) == 0;
	ok = ok && gnutls_x509_crt_sign2(crt, ca, ca_key, GNUTLS_DIG_SHA256, 0) == 0;
	ok = ok && gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem) == 0;
	gnutls_x509_crt_deinit(crt);
	if (!ok)
		fprintf(stderr, "%s: no certificate\n", name);
	return ok && save(dir, name, ".crt", &pem);
}

int main(int argc, char **argv)
{
	gnutls_x509_crt_t ca = NULL;
	gnutls_x509_privkey_t ca_key = NULL, key = NULL;
	gnutls_datum_t crt_pem = { 0 }, key_pem = { 0 };
	const char *why;
	char name[256];
	bool ok;

	if (argc != 7 || !load_template_ok(argv[4], &why)) {
		fprintf(stderr, "usage: many_certs DIR CA.crt CA.key TEMPLATE FIRST COUNT\n");
		return 2;
	}
	ok = load(argv[2], &crt_pem) && load(argv[3], &key_pem) && gnutls_x509_crt_init(&ca) == 0 &&
	     gnutls_x509_privkey_init(&ca_key) == 0 && gnutls_x509_privkey_init(&key) == 0 &&
	     gnutls_x509_crt_import(ca, &crt_pem, GNUTLS_X509_FMT_PEM) == 0 &&
	     gnutls_x509_privkey_import(ca_key, &key_pem, GNUTLS_X509_FMT_PEM) == 0 && shared_key(argv[1], key);
	for (uint32_t i = 0; ok && i < strtoul(argv[6], NULL, 10); i++)
		ok = load_expand(argv[4], (uint32_t)strtoul(argv[5], NULL, 10) + i, name, sizeof(name)) &&
		     one(argv[1], name, key, ca, ca_key);
	if (ca)
		gnutls_x509_crt_deinit(ca);
	if (ca_key)
		gnutls_x509_privkey_deinit(ca_key);
	if (key)
		gnutls_x509_privkey_deinit(key);
	gnutls_free(crt_pem.data);
	gnutls_free(key_pem.data);
	return !ok;
}
