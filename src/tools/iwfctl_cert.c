/* iwfctl_cert.c - certificates, keys and TLS priorities: do they fit each other
 * and the profile of TS 33.210 6.2 and TS 33.310 6.1? */
#include "iwfctl.h"
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "hash.h"

#define CHAIN_MAX   16
#define SOON_S      (30 * 86400)
#define PRIORITY_HINT "see conf/freeDiameter.conf for one that allows TLS 1.2 and 1.3 with AES-GCM only"

static bool load(const char *file, gnutls_datum_t *out, char *err, size_t err_size)
{
	struct stat st;
	int rc = stat(file, &st) != 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (rc == 0 && access(file, R_OK) != 0)
		rc = -errno;
	if (rc) {
		snprintf(err, err_size, "cannot read '%s': %s", file, rc == -EINVAL ? "not a regular file" : strerror(-rc));
		return false;
	}
	rc = gnutls_load_file(file, out);
	if (rc < 0)
		snprintf(err, err_size, "cannot read '%s': %s", file, gnutls_strerror(rc));
	return rc >= 0;
}

struct chain { gnutls_x509_crt_t *v; unsigned n; };

static bool load_chain(const char *file, struct chain *c, char *err, size_t err_size)
{
	gnutls_datum_t pem;
	memset(c, 0, sizeof *c);
	if (!load(file, &pem, err, err_size))
		return false;
	int rc = gnutls_x509_crt_list_import2(&c->v, &c->n, &pem, GNUTLS_X509_FMT_PEM, 0);
	gnutls_free(pem.data);
	if (rc < 0) {
		snprintf(err, err_size, "'%s' has no certificate in PEM form: %s", file, gnutls_strerror(rc));
		memset(c, 0, sizeof *c);
		return false;
	}
	return true;
}

static void free_chain(struct chain *c)
{
	for (unsigned i = 0; i < c->n; i++)
		gnutls_x509_crt_deinit(c->v[i]);
	gnutls_free(c->v);
}

/* The dNSNames of a certificate, for a complaint. */
static void names_of(gnutls_x509_crt_t crt, char *buf, size_t size)
{
	size_t used = 0;
	buf[0] = '\0';
	for (unsigned i = 0; i < 16 && used + 1 < size; i++) {
		char name[256];
		size_t len = sizeof name - 1;
		int type = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &len, NULL);
		if (type < 0)
			break;
		name[len] = '\0';
		if (type == GNUTLS_SAN_DNSNAME)
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "", name);
	}
	if (!used)
		snprintf(buf, size, "none");
}

static bool names(gnutls_x509_crt_t crt, const char *name)
{
	char san[256];
	size_t len;
	int type;
	for (unsigned i = 0; len = sizeof san, (type = gnutls_x509_crt_get_subject_alt_name(crt, i, san, &len, NULL)) >= 0 ||
	                     type == GNUTLS_E_SHORT_MEMORY_BUFFER; i++)
		if (type == GNUTLS_SAN_DNSNAME && iwf_diamid_eq((struct iwf_view){ (const uint8_t *)san, len }, name))
			return true;
	return false;
}

struct here { struct complaints *k; struct fd_where at; const char *key, *file; };

/* What can be said of any certificate, ours or a CA's. */
static void check_dates_and_strength(const struct here *h, gnutls_x509_crt_t crt)
{
	char day[32];
	time_t now = time(NULL), from = gnutls_x509_crt_get_activation_time(crt), until = gnutls_x509_crt_get_expiration_time(crt);
	unsigned bits = 0;
	int pk = gnutls_x509_crt_get_pk_algorithm(crt, &bits), sig = gnutls_x509_crt_get_signature_algorithm(crt);
	if (from > now)
		complain_line(h->k, true, h->at, h->key, "'%s' is not valid before %s", h->file,
		              ctl_time((int64_t)from * 1000, day));
	if (until < now)
		complain_line(h->k, true, h->at, h->key, "'%s' has expired on %s; renew it", h->file,
		              ctl_time((int64_t)until * 1000, day));
	else if (until < now + SOON_S)
		complain_line(h->k, false, h->at, h->key, "'%s' expires on %s; renew it soon", h->file,
		              ctl_time((int64_t)until * 1000, day));
	if (pk == GNUTLS_PK_RSA && bits < 2048)
		complain_line(h->k, true, h->at, h->key, "'%s' has an RSA key of %u bits; TS 33.310 wants 2048 or more", h->file,
		              bits);
	else if (pk == GNUTLS_PK_ECDSA && bits < 256)
		complain_line(h->k, true, h->at, h->key, "'%s' has an EC key of %u bits; TS 33.310 wants secp256r1 or more",
		              h->file, bits);
	else if (pk != GNUTLS_PK_RSA && pk != GNUTLS_PK_RSA_PSS && pk != GNUTLS_PK_ECDSA)
		complain_line(h->k, true, h->at, h->key, "'%s' has a key of type %s; TS 33.310 wants RSA or ECDSA", h->file,
		              gnutls_pk_algorithm_get_name((gnutls_pk_algorithm_t)pk));
	gnutls_digest_algorithm_t hash = gnutls_sign_get_hash_algorithm((gnutls_sign_algorithm_t)sig);
	if (hash == GNUTLS_DIG_SHA1 || hash == GNUTLS_DIG_MD5 || hash == GNUTLS_DIG_MD2)
		complain_line(h->k, true, h->at, h->key, "'%s' is signed with %s; TS 33.310 6.1.1 forbids it, SHA-256 is right",
		              h->file, gnutls_digest_get_name(hash));
}

static void check_usage(const struct here *h, gnutls_x509_crt_t crt)
{
	unsigned usage, critical;
	if (gnutls_x509_crt_get_key_usage(crt, &usage, &critical) >= 0 && !(usage & GNUTLS_KEY_DIGITAL_SIGNATURE))
		complain_line(h->k, true, h->at, h->key, "'%s' may not sign: keyUsage lacks digitalSignature", h->file);
	bool any = false, server = false, client = false;
	for (unsigned i = 0; ; i++) {
		char oid[64];
		size_t len = sizeof oid;
		if (gnutls_x509_crt_get_key_purpose_oid(crt, i, oid, &len, NULL) < 0)
			break;
		any = true;
		server = server || strcmp(oid, GNUTLS_KP_TLS_WWW_SERVER) == 0 || strcmp(oid, GNUTLS_KP_ANY) == 0;
		client = client || strcmp(oid, GNUTLS_KP_TLS_WWW_CLIENT) == 0 || strcmp(oid, GNUTLS_KP_ANY) == 0;
	}
	if (any && !(server && client))
		complain_line(h->k, !server, h->at, h->key,
		              "'%s' is for %s only; a Diameter node needs serverAuth and clientAuth (extendedKeyUsage)", h->file,
		              server ? "TLS servers" : client ? "TLS clients" : "other uses");
}

static void check_signed(const struct fd_tls *t, struct complaints *k, const struct chain *chain, const struct chain *ca)
{
	gnutls_x509_trust_list_t trust;
	unsigned status = 0;
	if (gnutls_x509_trust_list_init(&trust, 0) < 0)
		return;
	gnutls_x509_trust_list_add_cas(trust, ca->v, ca->n, 0);
	int rc = gnutls_x509_trust_list_verify_crt(trust, chain->v, chain->n,
	                                           GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_ALLOW_BROKEN, &status, NULL);
	gnutls_x509_trust_list_deinit(trust, 0);     /* the CAs stay ours */
	if (rc < 0)
		complain_line(k, true, t->at_cred, "TLS_Cred", "'%s' cannot be verified: %s", t->cert, gnutls_strerror(rc));
	else if (status)
		complain_line(k, true, t->at_cred, "TLS_Cred",
		              "'%s' is not signed by a CA of TLS_CA ('%s'); peers with the same CA will refuse it", t->cert, t->ca);
}

/* Can it be read, and by whom else? */
static bool check_key_file(const struct fd_tls *t, struct complaints *k)
{
	gnutls_datum_t pem;
	char err[400];
	struct stat st;
	if (!load(t->key, &pem, err, sizeof err)) {
		complain_line(k, true, t->at_cred, "TLS_Cred", "%s", err);
		return false;
	}
	gnutls_memset(pem.data, 0, pem.size);
	gnutls_free(pem.data);
	if (stat(t->key, &st) == 0 && (st.st_mode & (S_IRWXO | S_IWGRP)))
		complain_line(k, true, t->at_cred, "TLS_Cred",
		              "the private key '%s' may be read or written by others (mode %04o); chmod 0600", t->key, (unsigned)st.st_mode & 07777);
	return true;
}

static void check_pair(const struct fd_tls *t, struct complaints *k)
{
	gnutls_certificate_credentials_t cred;
	if (gnutls_certificate_allocate_credentials(&cred) < 0)
		return;
	int rc = gnutls_certificate_set_x509_key_file(cred, t->cert, t->key, GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(cred);
	if (rc == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		complain_line(k, true, t->at_cred, "TLS_Cred", "the private key '%s' does not belong to the certificate '%s'",
		              t->key, t->cert);
	else if (rc < 0)
		complain_line(k, true, t->at_cred, "TLS_Cred", "the private key '%s' cannot be used: %s", t->key,
		              gnutls_strerror(rc));
}

static void check_crl(const struct fd_tls *t, struct complaints *k)
{
	gnutls_datum_t pem;
	gnutls_x509_crl_t *v = NULL;
	unsigned n = 0;
	char err[400], day[32];
	if (!load(t->crl, &pem, err, sizeof err)) {
		complain_line(k, true, t->at_crl, "TLS_CRL", "%s", err);
		return;
	}
	int rc = gnutls_x509_crl_list_import2(&v, &n, &pem, GNUTLS_X509_FMT_PEM, 0);
	gnutls_free(pem.data);
	if (rc < 0) {
		complain_line(k, true, t->at_crl, "TLS_CRL", "'%s' has no CRL in PEM form: %s", t->crl, gnutls_strerror(rc));
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		time_t next = gnutls_x509_crl_get_next_update(v[i]);
		if (next != (time_t)-1 && next < time(NULL))
			complain_line(k, true, t->at_crl, "TLS_CRL", "'%s': its next update was due on %s; fetch a new one", t->crl,
			              ctl_time((int64_t)next * 1000, day));
		gnutls_x509_crl_deinit(v[i]);
	}
	gnutls_free(v);
}

static void check_priority(const struct fd_tls *t, struct complaints *k)
{
	gnutls_priority_t prio;
	const char *bad;
	const struct fd_where at = t->at_prio;
	if (gnutls_priority_init(&prio, t->prio, &bad) < 0) {
		complain_line(k, true, at, "TLS_Prio", "GnuTLS does not understand it from here on: '%.80s'", bad);
		return;
	}
	const unsigned *v;
	int n = gnutls_priority_protocol_list(prio, &v);
	bool tls12 = false, tls13 = false;
	for (int i = 0; i < n; i++) {
		if (v[i] == GNUTLS_SSL3 || v[i] == GNUTLS_TLS1_0 || v[i] == GNUTLS_TLS1_1)
			complain_line(k, true, at, "TLS_Prio", "it allows %s, which TS 33.210 6.2 forbids; " PRIORITY_HINT,
			              gnutls_protocol_get_name((gnutls_protocol_t)v[i]));
		tls12 = tls12 || v[i] == GNUTLS_TLS1_2;
		tls13 = tls13 || v[i] == GNUTLS_TLS1_3;
	}
	if (!tls12 || !tls13)
		complain_line(k, !tls12 && !tls13, at, "TLS_Prio", "it does not allow %s; TS 33.210 6.2 wants both TLS 1.2 and 1.3",
		              tls12 ? "TLS 1.3" : tls13 ? "TLS 1.2" : "TLS 1.2 or 1.3");
	n = gnutls_priority_cipher_list(prio, &v);
	for (int i = 0; i < n; i++)
		if (v[i] == GNUTLS_CIPHER_NULL || v[i] == GNUTLS_CIPHER_3DES_CBC || v[i] == GNUTLS_CIPHER_ARCFOUR_128)
			complain_line(k, true, at, "TLS_Prio", "it allows the cipher %s; " PRIORITY_HINT,
			              gnutls_cipher_get_name((gnutls_cipher_algorithm_t)v[i]));
		else if (gnutls_cipher_get_tag_size((gnutls_cipher_algorithm_t)v[i]) == 0)
			complain_line(k, false, at, "TLS_Prio", "it allows the cipher %s, which is not AEAD; " PRIORITY_HINT,
			              gnutls_cipher_get_name((gnutls_cipher_algorithm_t)v[i]));
	n = gnutls_priority_sign_list(prio, &v);
	for (int i = 0; i < n; i++)
		if (gnutls_sign_get_hash_algorithm((gnutls_sign_algorithm_t)v[i]) == GNUTLS_DIG_SHA1)
			complain_line(k, true, at, "TLS_Prio", "it allows signatures with SHA-1 (%s); " PRIORITY_HINT,
			              gnutls_sign_get_name((gnutls_sign_algorithm_t)v[i]));
	gnutls_priority_deinit(prio);
}

void fdcert_check(struct complaints *k, const struct fd_tls *t)
{
	struct chain chain = { 0 }, ca = { 0 };
	char err[400], san[300];
	bool key = t->key && check_key_file(t, k);
	if (t->cert && load_chain(t->cert, &chain, err, sizeof err)) {
		const struct here h = { k, t->at_cred, "TLS_Cred", t->cert };
		check_dates_and_strength(&h, chain.v[0]);
		check_usage(&h, chain.v[0]);
		if (t->identity && !names(chain.v[0], t->identity)) {
			names_of(chain.v[0], san, sizeof san);
			complain_line(k, true, t->at_cred, "TLS_Cred",
			              "'%s' does not name this node: Identity is \"%s\", its dNSName: %s", t->cert, t->identity, san);
		}
		if (key)
			check_pair(t, k);
	} else if (t->cert) {
		complain_line(k, true, t->at_cred, "TLS_Cred", "%s", err);
	}
	if (t->ca && load_chain(t->ca, &ca, err, sizeof err)) {
		const struct here h = { k, t->at_ca, "TLS_CA", t->ca };
		for (unsigned i = 0; i < ca.n; i++) {
			unsigned critical;
			check_dates_and_strength(&h, ca.v[i]);
			if (gnutls_x509_crt_get_ca_status(ca.v[i], &critical) <= 0)
				complain_line(k, true, h.at, "TLS_CA", "'%s': certificate %u of it is not a CA's (basicConstraints)", t->ca,
				              i + 1);
		}
		if (chain.n)
			check_signed(t, k, &chain, &ca);
	} else if (t->ca) {
		complain_line(k, true, t->at_ca, "TLS_CA", "%s", err);
	}
	if (t->crl)
		check_crl(t, k);
	if (t->prio)
		check_priority(t, k);
	free_chain(&chain);
	free_chain(&ca);
}

bool fdcert_pin(const char *pem_file, const char *name, char out[static 65])
{
	struct chain chain;
	char err[400], san[300];
	uint8_t digest[32];
	size_t len = sizeof digest;
	if (!load_chain(pem_file, &chain, err, sizeof err)) {
		ctl_fail("--pin-file: %s", err);
		return false;
	}
	bool ok = names(chain.v[0], name);
	if (!ok) {
		names_of(chain.v[0], san, sizeof san);
		ctl_fail("--pin-file: '%s' does not name %s; its dNSName: %s", pem_file, name, san);
	} else if (gnutls_x509_crt_get_fingerprint(chain.v[0], GNUTLS_DIG_SHA256, digest, &len) < 0) {
		ok = false;
		ctl_fail("--pin-file: '%s' can't be hashed", pem_file);
	}
	if (ok)
		iwf_hex(digest, sizeof digest, out);
	free_chain(&chain);
	return ok;
}
