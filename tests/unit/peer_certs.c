/* peer_certs.c - see peer_certs.h. */
#include <dirent.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "peer_certs.h"

#define DAY 86400

struct issuer { gnutls_x509_crt_t crt; gnutls_x509_privkey_t key; };
struct wish { const char *file, *name; bool ip, server, client; long from, until; };

static bool save(const char *dir, const char *file, const char *suffix, const gnutls_datum_t *d)
{
	char path[512];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s.%s", dir, file, suffix);
	f = fopen(path, "w");
	ok = f && fwrite(d->data, 1, d->size, f) == d->size;
	return f && fclose(f) == 0 && ok;
}

static bool fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const struct wish *w, const struct issuer *by)
{
	static unsigned char serial;
	static const unsigned char home[4] = { 127, 0, 0, 1 };
	time_t now = time(NULL);
	bool ok = true;

	serial++;
	ok &= gnutls_x509_crt_set_version(crt, 3) == 0;
	ok &= gnutls_x509_crt_set_serial(crt, &serial, 1) == 0;
	ok &= gnutls_x509_crt_set_activation_time(crt, now + w->from) == 0;
	ok &= gnutls_x509_crt_set_expiration_time(crt, now + w->until) == 0;
	ok &= gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, w->file, (unsigned)strlen(w->file)) == 0;
	ok &= gnutls_x509_crt_set_key(crt, key) == 0;
	ok &= gnutls_x509_crt_set_basic_constraints(crt, !by, -1) == 0;
	ok &= gnutls_x509_crt_set_key_usage(crt, by ? GNUTLS_KEY_DIGITAL_SIGNATURE : GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN) == 0;
	if (w->name)
		ok &= gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, w->name, (unsigned)strlen(w->name),
		                                           GNUTLS_FSAN_APPEND) == 0;
	if (w->ip) {
		ok &= gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, "localhost", 9, GNUTLS_FSAN_APPEND) == 0;
		ok &= gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, home, 4, GNUTLS_FSAN_APPEND) == 0;
	}
	if (w->server)
		ok &= gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0) == 0;
	if (w->client)
		ok &= gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0) == 0;
	return ok && gnutls_x509_crt_sign2(crt, by ? by->crt : crt, by ? by->key : key, GNUTLS_DIG_SHA256, 0) == 0;
}

/* `as` gets the certificate and key, which stay the caller's. */
static bool make(const char *dir, const struct wish *w, const struct issuer *by, struct issuer *as)
{
	gnutls_datum_t pem = { 0 };
	bool ok;

	memset(as, 0, sizeof(*as));
	ok = gnutls_x509_crt_init(&as->crt) == 0 && gnutls_x509_privkey_init(&as->key) == 0 &&
	     gnutls_x509_privkey_generate(as->key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) == 0 &&
	     fill(as->crt, as->key, w, by);
	ok = ok && gnutls_x509_crt_export2(as->crt, GNUTLS_X509_FMT_PEM, &pem) == 0 && save(dir, w->file, "pem", &pem);
	gnutls_free(pem.data);
	pem.data = NULL;
	ok = ok && gnutls_x509_privkey_export2(as->key, GNUTLS_X509_FMT_PEM, &pem) == 0 && save(dir, w->file, "key", &pem);
	gnutls_free(pem.data);
	return ok;
}

static void drop(struct issuer *i)
{
	if (i->crt)
		gnutls_x509_crt_deinit(i->crt);
	if (i->key)
		gnutls_x509_privkey_deinit(i->key);
}

bool peer_certs_make(const char *dir)
{
	static const struct wish ca = { "ca", NULL, false, false, false, -DAY, 30 * DAY },
	                         other = { "other-ca", NULL, false, false, false, -DAY, 30 * DAY },
	                         stranger = { "stranger", "server.test", true, true, true, -DAY, DAY };
	static const struct wish leaves[] = {
		{ "server", "server.test", true, true, true, -DAY, DAY },
		{ "client", "scs.test", false, true, true, -DAY, DAY },
		{ "late", "server.test", true, true, true, -10 * DAY, -DAY },
		{ "nameless", "else.test", false, true, true, -DAY, DAY },
		{ "client-only", "server.test", true, false, true, -DAY, DAY },
	};
	struct issuer root = { 0 }, foreign = { 0 }, leaf = { 0 };
	bool ok = make(dir, &ca, NULL, &root) && make(dir, &other, NULL, &foreign) && make(dir, &stranger, &foreign, &leaf);

	drop(&leaf);
	for (size_t i = 0; ok && i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		ok = make(dir, &leaves[i], &root, &leaf);
		drop(&leaf);
	}
	drop(&root);
	drop(&foreign);
	return ok;
}

void peer_certs_remove(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[1024];

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}
