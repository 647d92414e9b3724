/* gw_ocsp_read.c - what an OCSP response (RFC 6960) says of a certificate. */
#include <gnutls/ocsp.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "gw_ocsp.h"

#define CLOCK_SKEW_S 300

/* Signed by the issuer itself, or by one whom the issuer has certified for that (RFC 6960 4.2.2.2). */
static bool is_authentic(gnutls_ocsp_resp_t resp, gnutls_x509_crt_t issuer)
{
	gnutls_x509_trust_list_t trust;
	unsigned status = 0;
	bool ok = false;

	if (gnutls_ocsp_resp_verify_direct(resp, issuer, &status, 0) == 0 && status == 0)
		return true;
	if (gnutls_x509_trust_list_init(&trust, 0) < 0)
		return false;
	if (gnutls_x509_trust_list_add_cas(trust, &issuer, 1, 0) == 1)
		ok = gnutls_ocsp_resp_verify(resp, trust, &status, 0) == 0 && status == 0;
	gnutls_x509_trust_list_deinit(trust, 0);
	return ok;
}

/* Many responders leave it out; dates protect then. */
static bool same_nonce(const gnutls_datum_t *sent, gnutls_ocsp_resp_t resp)
{
	gnutls_datum_t got = { NULL, 0 };
	bool same = gnutls_ocsp_resp_get_nonce(resp, NULL, &got) < 0 || (sent->size == got.size && !memcmp(sent->data, got.data, got.size));

	gnutls_free(got.data);
	return same;
}

static struct gw_ocsp_verdict judge(gnutls_ocsp_resp_t resp, const gnutls_datum_t *der, const gnutls_datum_t *nonce, gnutls_x509_crt_t crt,
                                    gnutls_x509_crt_t issuer, uint32_t cache_s, char *why, size_t why_size)
{
	struct gw_ocsp_verdict v = { .reason = RS_CERT_REVOCATION };
	time_t this_update = 0, next_update = 0, now = time(NULL);
	unsigned status = 0;

	if (gnutls_ocsp_resp_import(resp, der) < 0 || gnutls_ocsp_resp_get_status(resp) != GNUTLS_OCSP_RESP_SUCCESSFUL)
		snprintf(why, why_size, "the responder has no answer");
	else if (!is_authentic(resp, issuer))
		snprintf(why, why_size, "the answer is not signed by the issuer or one of its responders");
	else if (nonce && !same_nonce(nonce, resp))
		snprintf(why, why_size, "the answer is to another question (nonce)");
	else if (gnutls_ocsp_resp_check_crt(resp, 0, crt) < 0 ||
	         gnutls_ocsp_resp_get_single(resp, 0, NULL, NULL, NULL, NULL, &status, &this_update, &next_update, NULL, NULL) < 0)
		snprintf(why, why_size, "the answer is about another certificate");
	else if (this_update > now + CLOCK_SKEW_S || (next_update == (time_t)-1 ? this_update + cache_s : next_update) < now)
		snprintf(why, why_size, "the answer is not of today");
	else if (status == GNUTLS_OCSP_CERT_REVOKED)
		v.reason = RS_CERT_REVOKED;
	else if (status == GNUTLS_OCSP_CERT_GOOD)
		v = (struct gw_ocsp_verdict){ .reason = RS_NONE, .until_ms = (next_update == (time_t)-1 ? now + cache_s : next_update) * 1000LL };
	else
		snprintf(why, why_size, "the responder does not know the certificate");
	return v;
}

struct gw_ocsp_verdict gw_ocsp_read(const gnutls_datum_t *der, const gnutls_datum_t *nonce, const gnutls_datum_t *cert,
                                    const gnutls_datum_t *issuer, uint32_t cache_s, char *why, size_t why_size)
{
	struct gw_ocsp_verdict v = { .reason = RS_CERT_REVOCATION };
	gnutls_x509_crt_t crt = NULL, by = NULL;
	gnutls_ocsp_resp_t resp = NULL;

	snprintf(why, why_size, "the certificates cannot be read");
	if (gnutls_x509_crt_init(&crt) == 0 && gnutls_x509_crt_init(&by) == 0 && gnutls_ocsp_resp_init(&resp) == 0 &&
	    gnutls_x509_crt_import(crt, cert, GNUTLS_X509_FMT_DER) == 0 && gnutls_x509_crt_import(by, issuer, GNUTLS_X509_FMT_DER) == 0)
		v = judge(resp, der, nonce, crt, by, cache_s, why, why_size);
	if (resp)
		gnutls_ocsp_resp_deinit(resp);
	if (by)
		gnutls_x509_crt_deinit(by);
	if (crt)
		gnutls_x509_crt_deinit(crt);
	return v;
}
