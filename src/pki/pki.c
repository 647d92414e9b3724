/* pki.c - certificates of Diameter nodes (TS 33.310 6.1, RFC 5280).  The path is built here, so that every fault has its own
 * reason; GnuTLS checks the signatures and constraints along it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "pki.h"
#include "hash.h"

#define PATH_MAX_CERTS 4u      /* without the trust anchor */
#define RSA_BITS 2048u
#define EC_BITS 256u
#define SERIAL_MAX 32u         /* RFC 5280 4.1.2.2: at most 20 octets */

struct serial { uint8_t n, octets[SERIAL_MAX]; };

struct crl {
	gnutls_x509_crl_t crl;
	gnutls_datum_t issuer;         /* raw DN */
	gnutls_x509_crt_t ca;          /* the one of ours that has signed it; NULL: none */
	time_t from, until;            /* until: -1 without nextUpdate */
	struct serial *serials;
	size_t n;
};

struct iwf_pki {
	gnutls_x509_trust_list_t list; /* owns the certificates */
	gnutls_x509_crt_t *ca;
	unsigned nca;
	struct crl *crl;
	unsigned ncrl;
	enum iwf_crl policy;
	enum iwf_pki_use use;
};

struct path {
	gnutls_x509_crt_t crt[PATH_MAX_CERTS];
	unsigned n;
	gnutls_x509_crt_t anchor;
};

static int serial_order(const void *a, const void *b)
{
	const struct serial *x = a, *y = b;

	return x->n != y->n ? (int)x->n - (int)y->n : memcmp(x->octets, y->octets, x->n);
}

static bool read_serials(struct crl *c)
{
	int count = gnutls_x509_crl_get_crt_count(c->crl);
	gnutls_x509_crl_iter_t iter = NULL;
	int r = 0;

	if (count < 0)
		return false;
	c->serials = calloc((size_t)count + 1, sizeof(*c->serials));
	if (!c->serials)
		return false;
	while (c->n < (size_t)count) {
		struct serial *s = &c->serials[c->n];
		size_t size = sizeof(s->octets);
		time_t when;

		r = gnutls_x509_crl_iter_crt_serial(c->crl, &iter, s->octets, &size, &when);
		if (r < 0)
			break;
		s->n = (uint8_t)size;
		c->n++;
	}
	gnutls_x509_crl_iter_deinit(iter);
	if (r < 0 && r != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return false;
	if (c->n)
		qsort(c->serials, c->n, sizeof(*c->serials), serial_order);
	return true;
}

static bool read_cas(struct iwf_pki *p, const gnutls_datum_t *pem, char *err, size_t err_size)
{
	int r = gnutls_x509_crt_list_import2(&p->ca, &p->nca, pem, GNUTLS_X509_FMT_PEM, 0);

	if (r < 0 || !p->nca) {
		snprintf(err, err_size, "CA certificates: %s", r < 0 ? gnutls_strerror(r) : "there is none");
		return false;
	}
	r = gnutls_x509_trust_list_add_cas(p->list, p->ca, p->nca, 0);
	if (r == (int)p->nca)
		return true;
	for (unsigned i = r < 0 ? 0 : (unsigned)r; i < p->nca; i++)
		gnutls_x509_crt_deinit(p->ca[i]);
	snprintf(err, err_size, "CA certificates: %s", r < 0 ? gnutls_strerror(r) : "out of memory");
	return false;
}

static gnutls_x509_crt_t ca_of_crl(const struct iwf_pki *p, const struct crl *c, bool *named)
{
	unsigned status;

	*named = false;
	for (unsigned i = 0; i < p->nca; i++) {
		if (!gnutls_x509_crl_check_issuer(c->crl, p->ca[i]))
			continue;
		*named = true;
		if (!gnutls_x509_crl_verify(c->crl, &p->ca[i], 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status) && !status)
			return p->ca[i];
	}
	return NULL;
}

/* A CRL of a CA of ours has to be signed by it; of others (intermediate CAs) it is found out with the path. */
static bool read_crls(struct iwf_pki *p, const gnutls_datum_t *pem, char *err, size_t err_size)
{
	gnutls_x509_crl_t *list = NULL;
	unsigned n = 0;
	bool named, ok = true;
	int r;

	if (!pem || !pem->size)
		return true;
	r = gnutls_x509_crl_list_import2(&list, &n, pem, GNUTLS_X509_FMT_PEM, 0);
	if (r < 0) {
		snprintf(err, err_size, "CRLs: %s", gnutls_strerror(r));
		return false;
	}
	p->crl = calloc(n + 1, sizeof(*p->crl));
	for (unsigned i = 0; i < n; i++) {
		struct crl *c;

		if (!ok || !p->crl) {
			gnutls_x509_crl_deinit(list[i]);
			continue;
		}
		c = &p->crl[p->ncrl++];
		c->crl = list[i];
		c->from = gnutls_x509_crl_get_this_update(c->crl);
		c->until = gnutls_x509_crl_get_next_update(c->crl);
		ok = gnutls_x509_crl_get_raw_issuer_dn(c->crl, &c->issuer) >= 0 && read_serials(c);
		if (!ok) {
			snprintf(err, err_size, "CRLs: number %u cannot be read", i + 1);
			continue;
		}
		c->ca = ca_of_crl(p, c, &named);
		if (!c->ca && named) {
			snprintf(err, err_size, "CRLs: number %u bears the name of a CA that has not signed it", i + 1);
			ok = false;
		}
	}
	gnutls_free(list);
	if (!p->crl)
		snprintf(err, err_size, "out of memory");
	return ok && p->crl;
}

struct iwf_pki *iwf_pki_new(const gnutls_datum_t *ca_pem, const gnutls_datum_t *crl_pem, enum iwf_crl policy, enum iwf_pki_use use,
                            char *err, size_t err_size)
{
	struct iwf_pki *p = calloc(1, sizeof(*p));

	if (!p || gnutls_x509_trust_list_init(&p->list, 0) < 0) {
		snprintf(err, err_size, "out of memory");
		free(p);
		return NULL;
	}
	p->policy = policy;
	p->use = use;
	if (!read_cas(p, ca_pem, err, err_size) || !read_crls(p, crl_pem, err, err_size)) {
		iwf_pki_free(p);
		return NULL;
	}
	return p;
}

void iwf_pki_free(struct iwf_pki *p)
{
	if (!p)
		return;
	gnutls_x509_trust_list_deinit(p->list, 1);
	gnutls_free(p->ca);
	for (unsigned i = 0; i < p->ncrl; i++) {
		gnutls_x509_crl_deinit(p->crl[i].crl);
		gnutls_free(p->crl[i].issuer.data);
		free(p->crl[i].serials);
	}
	free(p->crl);
	free(p);
}

/* Verdicts. */

static bool bad(struct iwf_cert_verdict *v, enum iwf_reason reason, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static bool bad(struct iwf_cert_verdict *v, enum iwf_reason reason, const char *fmt, ...)
{
	va_list ap;

	v->reason = reason;
	va_start(ap, fmt);
	vsnprintf(v->detail, sizeof(v->detail), fmt, ap);
	va_end(ap);
	return false;
}

struct name { char text[96]; };
static struct name subject(gnutls_x509_crt_t crt)
{
	struct name out = { "(no subject)" };
	gnutls_datum_t dn = { 0 };

	if (gnutls_x509_crt_get_dn3(crt, &dn, 0) >= 0 && dn.data && dn.size)
		snprintf(out.text, sizeof(out.text), "%s", (const char *)dn.data);
	gnutls_free(dn.data);
	return out;
}

static struct name issuer(gnutls_x509_crt_t crt)
{
	struct name out = { "(no issuer)" };
	gnutls_datum_t dn = { 0 };

	if (gnutls_x509_crt_get_issuer_dn3(crt, &dn, 0) >= 0 && dn.data && dn.size)
		snprintf(out.text, sizeof(out.text), "%s", (const char *)dn.data);
	gnutls_free(dn.data);
	return out;
}

struct day { char text[32]; };
static struct day day_of(time_t t)
{
	struct day out = { "" };
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(out.text, sizeof(out.text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}

static gnutls_x509_crt_t issuer_in(gnutls_x509_crt_t of, const gnutls_x509_crt_t *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i] && list[i] != of && gnutls_x509_crt_check_issuer(of, list[i]))
			return list[i];
	return NULL;
}

/* From the client's own up to below a CA of ours. */
static bool build_path(const struct iwf_pki *p, const gnutls_x509_crt_t *sent, unsigned n, struct path *path, struct iwf_cert_verdict *v)
{
	gnutls_x509_crt_t at = sent[0];

	path->n = 0;
	for (unsigned i = 0; i < n; i++) {
		path->crt[path->n++] = at;
		path->anchor = issuer_in(at, p->ca, p->nca);
		if (path->anchor)
			return true;
		gnutls_x509_crt_t up = issuer_in(at, sent + 1, n - 1);
		if (!up)
			break;
		at = up;
	}
	return bad(v, RS_CERT_ISSUER, "%s is issued by %s, which is no CA of tls.ca", subject(at).text, issuer(at).text);
}

static bool hash_is_weak(gnutls_digest_algorithm_t h)
{
	return h != GNUTLS_DIG_SHA256 && h != GNUTLS_DIG_SHA384 && h != GNUTLS_DIG_SHA512;
}

static bool key_ok(gnutls_x509_crt_t crt, struct iwf_cert_verdict *v)
{
	unsigned bits = 0;
	int algo = gnutls_x509_crt_get_pk_algorithm(crt, &bits);
	const char *name = algo < 0 ? "unknown" : gnutls_pk_get_name((gnutls_pk_algorithm_t)algo);

	if (algo == GNUTLS_PK_RSA || algo == GNUTLS_PK_RSA_PSS) {
		if (bits < RSA_BITS)
			return bad(v, RS_CERT_WEAK, "%s has an RSA key of %u bits", subject(crt).text, bits);
	} else if (algo == GNUTLS_PK_ECDSA) {
		if (bits < EC_BITS)
			return bad(v, RS_CERT_WEAK, "%s has an EC key of %u bits", subject(crt).text, bits);
	} else {
		return bad(v, RS_CERT_WEAK, "%s has a key that is neither RSA nor EC (%s)", subject(crt).text, name);
	}
	return true;
}

static bool strong(const struct path *path, struct iwf_cert_verdict *v)
{
	for (unsigned i = 0; i < path->n; i++) {
		gnutls_sign_algorithm_t sign = (gnutls_sign_algorithm_t)gnutls_x509_crt_get_signature_algorithm(path->crt[i]);

		if ((int)sign < 0 || hash_is_weak(gnutls_sign_get_hash_algorithm(sign)))
			return bad(v, RS_CERT_WEAK, "%s is signed with %s", subject(path->crt[i]).text,
			           (int)sign > 0 ? gnutls_sign_get_name(sign) : "an unknown algorithm");
		if (!key_ok(path->crt[i], v))
			return false;
	}
	return key_ok(path->anchor, v);
}

static bool signatures(const struct iwf_pki *p, struct path *path, struct iwf_cert_verdict *v)
{
	static const struct { unsigned bit; enum iwf_reason reason; const char *words; } faults[] = {
		{ GNUTLS_CERT_SIGNATURE_FAILURE, RS_CERT_ISSUER, "a signature in its chain is wrong" },
		{ GNUTLS_CERT_SIGNER_NOT_CA, RS_CERT_ISSUER, "an issuer in its chain is no CA" },
		{ GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, RS_CERT_ISSUER, "its CA may not issue for that name, or a chain of this length" },
		{ GNUTLS_CERT_SIGNER_NOT_FOUND, RS_CERT_ISSUER, "its issuer is no CA of tls.ca" },
		{ GNUTLS_CERT_INSECURE_ALGORITHM, RS_CERT_WEAK, "an algorithm in its chain is not secure" },
		{ GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS, RS_CERT_PROFILE, "a critical extension in its chain is not known" },
	};
	unsigned status = 0;
	int r = gnutls_x509_trust_list_verify_crt2(p->list, path->crt, path->n, NULL, 0,
	                                           GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS |
	                                           GNUTLS_VERIFY_DISABLE_CRL_CHECKS, &status, NULL);

	if (r < 0)
		return bad(v, RS_CERT_ISSUER, "%s: %s", subject(path->crt[0]).text, gnutls_strerror(r));
	if (!status)
		return true;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		if (status & faults[i].bit)
			return bad(v, faults[i].reason, "%s: %s", subject(path->crt[0]).text, faults[i].words);
	return bad(v, RS_CERT_ISSUER, "%s: its chain does not hold (0x%x)", subject(path->crt[0]).text, status);
}

static bool one_in_date(gnutls_x509_crt_t crt, time_t now, struct iwf_cert_verdict *v)
{
	time_t from = gnutls_x509_crt_get_activation_time(crt), until = gnutls_x509_crt_get_expiration_time(crt);

	if (until == (time_t)-1 || now > until)
		return bad(v, RS_CERT_EXPIRED, "%s has expired on %s", subject(crt).text, day_of(until).text);
	if (from == (time_t)-1 || now < from)
		return bad(v, RS_CERT_NOT_YET, "%s is valid from %s on", subject(crt).text, day_of(from).text);
	return true;
}

static bool in_date(const struct path *path, time_t now, struct iwf_cert_verdict *v)
{
	for (unsigned i = 0; i < path->n; i++)
		if (!one_in_date(path->crt[i], now, v))
			return false;
	return one_in_date(path->anchor, now, v);
}

static bool crl_is_of(const struct crl *c, const gnutls_datum_t *dn)
{
	return c->issuer.size == dn->size && !memcmp(c->issuer.data, dn->data, dn->size);
}

/* `by` NULL: the signature of the CRL is not looked at; that of a CA of ours was when it was read. */
static bool one_not_revoked(const struct iwf_pki *p, gnutls_x509_crt_t crt, gnutls_x509_crt_t by, time_t now, struct iwf_cert_verdict *v)
{
	gnutls_datum_t dn = { 0 };
	struct serial key = { 0 };
	size_t size = sizeof(key.octets);
	time_t outdated = -1;
	bool current = false, ok = true;

	if (gnutls_x509_crt_get_serial(crt, key.octets, &size) < 0 || gnutls_x509_crt_get_raw_issuer_dn(crt, &dn) < 0)
		return bad(v, RS_CERT_PROFILE, "%s has no serial number or issuer that can be read", subject(crt).text);
	key.n = (uint8_t)size;
	for (unsigned i = 0; i < p->ncrl && ok; i++) {
		const struct crl *c = &p->crl[i];
		unsigned status = 0;

		if (!crl_is_of(c, &dn))
			continue;
		if (by && by != c->ca && (gnutls_x509_crl_verify(c->crl, &by, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status) < 0 || status))
			continue;
		if (c->n && bsearch(&key, c->serials, c->n, sizeof(key), serial_order))
			ok = bad(v, RS_CERT_REVOKED, "%s is on the CRL of %s", subject(crt).text, issuer(crt).text);
		if (now >= c->from && (c->until == (time_t)-1 || now <= c->until))
			current = true;
		else
			outdated = c->until;
	}
	if (ok && !current) {
		if (outdated != (time_t)-1)
			bad(v, RS_CERT_REVOCATION, "the CRL of %s is outdated since %s", issuer(crt).text, day_of(outdated).text);
		else
			bad(v, RS_CERT_REVOCATION, "there is no CRL of %s", issuer(crt).text);
		ok = p->policy != IWF_CRL_REQUIRE;
		if (ok)
			v->reason = RS_NONE;       /* the words stay, as a warning */
	}
	gnutls_free(dn.data);
	return ok;
}

static bool not_revoked(const struct iwf_pki *p, const struct path *path, bool verify, time_t now, struct iwf_cert_verdict *v)
{
	for (unsigned i = 0; i < path->n; i++) {
		gnutls_x509_crt_t by = i + 1 < path->n ? path->crt[i + 1] : path->anchor;

		if (!one_not_revoked(p, path->crt[i], verify ? by : NULL, now, v))
			return false;
	}
	return true;
}

static bool usage_ok(const struct iwf_pki *p, gnutls_x509_crt_t crt, struct iwf_cert_verdict *v)
{
	unsigned usage = 0;
	bool fits = false;

	if (gnutls_x509_crt_get_key_usage(crt, &usage, NULL) < 0 || !(usage & GNUTLS_KEY_DIGITAL_SIGNATURE))
		return bad(v, RS_CERT_USAGE, "%s has no key usage digitalSignature", subject(crt).text);
	for (unsigned i = 0; i < 32; i++) {
		char oid[64];
		size_t size = sizeof(oid);
		int r = gnutls_x509_crt_get_key_purpose_oid(crt, i, oid, &size, NULL);

		if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		fits |= r >= 0 && (!strcmp(oid, GNUTLS_KP_TLS_WWW_CLIENT) ||
		                   (p->use == IWF_PKI_NODE && !strcmp(oid, GNUTLS_KP_TLS_WWW_SERVER)));
	}
	return fits || bad(v, RS_CERT_USAGE, "%s has no extended key usage clientAuth%s", subject(crt).text,
	                   p->use == IWF_PKI_NODE ? " or serverAuth" : "");
}

/* Letters, digits, hyphens and dots: the octets of a host name, so that U-labels and NULs are none. */
static bool is_host_name(const char *name, size_t n)
{
	struct iwf_view v = { .p = (const uint8_t *)name, .n = n };

	return n && n <= IWF_DIAMID_MAX && !memchr(name, 0, n) && !iwf_diamid_check(v);
}

static bool names_ok(gnutls_x509_crt_t crt, struct iwf_cert_verdict *v)
{
	unsigned names = 0;

	for (unsigned i = 0;; i++) {
		char san[1024];
		size_t size = sizeof(san);
		unsigned type = 0;
		int r = gnutls_x509_crt_get_subject_alt_name2(crt, i, san, &size, &type, NULL);

		if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (r >= 0 && type != GNUTLS_SAN_DNSNAME)
			continue;
		if (r < 0)
			return bad(v, RS_CERT_PROFILE, "%s has a subjectAltName that cannot be read", subject(crt).text);
		if (memchr(san, '*', size))
			return bad(v, RS_CERT_PROFILE, "%s has a wildcard in its subjectAltName", subject(crt).text);
		if (!is_host_name(san, size))
			return bad(v, RS_CERT_PROFILE, "%s has a dNSName that is no host name (A-labels only)", subject(crt).text);
		names++;
	}
	if (!names)
		return bad(v, RS_CERT_PROFILE, "%s has no dNSName in its subjectAltName", subject(crt).text);
	if (names > sizeof(((struct iwf_cert *)0)->sans) / sizeof(((struct iwf_cert *)0)->sans[0]))
		return bad(v, RS_CERT_PROFILE, "%s has %u dNSNames: a certificate is for one node", subject(crt).text, names);
	return true;
}

static bool profile_ok(gnutls_x509_crt_t crt, struct iwf_cert_verdict *v)
{
	unsigned ca = 0;

	if (gnutls_x509_crt_get_version(crt) != 3)
		return bad(v, RS_CERT_PROFILE, "%s is an X.509 v%d certificate", subject(crt).text, gnutls_x509_crt_get_version(crt));
	if (gnutls_x509_crt_get_basic_constraints(crt, NULL, &ca, NULL) >= 0 && ca)
		return bad(v, RS_CERT_PROFILE, "%s is the certificate of a CA", subject(crt).text);
	return true;
}

static bool read_cert(gnutls_x509_crt_t crt, const gnutls_datum_t *der, struct iwf_cert *out)
{
	uint8_t digest[IWF_HASH_LEN];
	struct iwf_hash h;

	if (!iwf_hash_begin(&h))
		return false;
	iwf_hash_add(&h, der->data, der->size);
	if (!iwf_hash_end(&h, digest))
		return false;
	iwf_hex(digest, sizeof(digest), out->sha256);
	snprintf(out->subject, sizeof(out->subject), "%s", subject(crt).text);
	out->not_after_ms = (int64_t)gnutls_x509_crt_get_expiration_time(crt) * 1000;
	for (unsigned i = 0; out->nsans < sizeof(out->sans) / sizeof(out->sans[0]); i++) {
		char san[1024];
		size_t size = sizeof(san);
		unsigned type = 0;
		int r = gnutls_x509_crt_get_subject_alt_name2(crt, i, san, &size, &type, NULL);

		if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (r < 0 || type != GNUTLS_SAN_DNSNAME || !is_host_name(san, size))
			continue;
		memcpy(out->sans[out->nsans], san, size);
		out->sans[out->nsans++][size] = 0;
	}
	return true;
}

/* `cert` may be NULL. */
static struct iwf_cert_verdict check(const struct iwf_pki *p, const gnutls_datum_t *chain, unsigned n, int64_t now_ms, bool again,
                               struct iwf_cert *cert)
{
	gnutls_x509_crt_t crt[PATH_MAX_CERTS] = { NULL };
	struct iwf_cert_verdict v = { .reason = RS_NONE };
	time_t now = (time_t)(now_ms / 1000);
	struct path path;
	bool ok = true;

	if (!n) {
		bad(&v, RS_CERT_MISSING, "no certificate");
		return v;
	}
	if (n > PATH_MAX_CERTS) {
		bad(&v, RS_CERT_PROFILE, "a chain of %u certificates; %u are taken", n, PATH_MAX_CERTS);
		return v;
	}
	for (unsigned i = 0; i < n && ok; i++) {
		if (gnutls_x509_crt_init(&crt[i]) < 0) {
			crt[i] = NULL;
			ok = bad(&v, RS_CERT_ISSUER, "out of memory");
		} else if (gnutls_x509_crt_import(crt[i], &chain[i], GNUTLS_X509_FMT_DER) < 0) {
			ok = bad(&v, RS_CERT_PROFILE, "certificate %u of the chain cannot be read", i + 1);
		} else if (!i && cert && !read_cert(crt[0], &chain[0], cert)) {
			ok = bad(&v, RS_CERT_PROFILE, "the certificate cannot be read");
		}
	}
	if (again)
		ok = ok && build_path(p, crt, n, &path, &v) && in_date(&path, now, &v) && not_revoked(p, &path, false, now, &v);
	else
		ok = ok && build_path(p, crt, n, &path, &v) && profile_ok(crt[0], &v) && strong(&path, &v) &&
		     signatures(p, &path, &v) && in_date(&path, now, &v) && not_revoked(p, &path, true, now, &v) &&
		     usage_ok(p, crt[0], &v) && names_ok(crt[0], &v);
	for (unsigned i = 0; i < n; i++)
		if (crt[i])
			gnutls_x509_crt_deinit(crt[i]);
	return v;
}

struct iwf_cert_verdict iwf_pki_check(const struct iwf_pki *p, const gnutls_datum_t *chain, unsigned n, int64_t now_ms, struct iwf_cert *cert)
{
	if (cert)
		*cert = (struct iwf_cert){ .nsans = 0 };
	return check(p, chain, n, now_ms, false, cert);
}

struct iwf_cert_verdict iwf_pki_recheck(const struct iwf_pki *p, const gnutls_datum_t *chain, unsigned n, int64_t now_ms)
{
	return check(p, chain, n, now_ms, true, NULL);
}

bool iwf_pki_issuer(const struct iwf_pki *p, const gnutls_datum_t *chain, unsigned n, gnutls_datum_t *out)
{
	gnutls_x509_crt_t crt, up;
	bool found = false;

	if (!n || gnutls_x509_crt_init(&crt) < 0)
		return false;
	if (gnutls_x509_crt_import(crt, &chain[0], GNUTLS_X509_FMT_DER) >= 0) {
		gnutls_x509_crt_t ca = issuer_in(crt, p->ca, p->nca);

		found = ca && gnutls_x509_crt_export2(ca, GNUTLS_X509_FMT_DER, out) >= 0;
		for (unsigned i = 1; i < n && !found && gnutls_x509_crt_init(&up) >= 0; i++) {
			found = gnutls_x509_crt_import(up, &chain[i], GNUTLS_X509_FMT_DER) >= 0 &&
			        gnutls_x509_crt_check_issuer(crt, up) && gnutls_x509_crt_export2(up, GNUTLS_X509_FMT_DER, out) >= 0;
			gnutls_x509_crt_deinit(up);
		}
	}
	gnutls_x509_crt_deinit(crt);
	return found;
}

int iwf_pki_alert(enum iwf_reason reason)
{
	switch (reason) {
	case RS_NONE:         return 0;
	case RS_CERT_MISSING: return GNUTLS_E_CERTIFICATE_REQUIRED;
	case RS_CERT_WEAK:    return GNUTLS_E_INSUFFICIENT_SECURITY;
	case RS_CERT_USAGE:
	case RS_CERT_PROFILE: return GNUTLS_E_UNSUPPORTED_CERTIFICATE_TYPE;
	default:              return GNUTLS_E_CERTIFICATE_ERROR;
	}
}
