/* pki.h - is this certificate one that TS 33.310 lets us trust?  No I/O: everything comes as octets, and time is an
 * argument. */
#pragma once
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include "store.h"

struct iwf_pki;                           /* the trusted CAs and their CRLs */
enum iwf_crl { IWF_CRL_IF_PRESENT, IWF_CRL_REQUIRE };    /* require: without a current CRL of the issuer, no trust */
enum iwf_pki_use { IWF_PKI_CLIENT, IWF_PKI_NODE };       /* clientAuth is asked for; clientAuth or serverAuth */
/* crl_pem may be empty.  NULL: `err` says which part cannot be read. */
struct iwf_pki *iwf_pki_new(const gnutls_datum_t *ca_pem, const gnutls_datum_t *crl_pem, enum iwf_crl policy, enum iwf_pki_use use,
                          char *err, size_t err_size);
void iwf_pki_free(struct iwf_pki *);

/* What the rest needs of a client certificate. */
struct iwf_cert { char sha256[64 + 1]; char subject[128]; unsigned nsans; char sans[8][IWF_DIAMID_MAX + 1]; int64_t not_after_ms; };

struct iwf_cert_verdict { enum iwf_reason reason; char detail[200]; };   /* RS_NONE: trusted */
/* The chain as it came in the handshake (DER), the client's own first: signed by a CA of ours, within its dates,
 * not revoked, RSA of 2048 bits or EC of 256 or more, no SHA-1, digitalSignature, the extended usage, an X.509 v3 with a
 * dNSName, no wildcard in it, at most 4 certificates.  *cert, if not NULL: what the client's own says, trusted or not; all zeroes if it cannot be read. */
struct iwf_cert_verdict iwf_pki_check(const struct iwf_pki *, const gnutls_datum_t *chain, unsigned n, int64_t now_ms, struct iwf_cert *cert);
/* Of a certificate that was trusted once, after the CRLs have changed or time has passed: cheap. */
struct iwf_cert_verdict iwf_pki_recheck(const struct iwf_pki *, const gnutls_datum_t *chain, unsigned n, int64_t now_ms);
/* Who has issued the client's own: in the chain, or a CA of ours (DER, gnutls_free()).  False: nobody known. */
bool iwf_pki_issuer(const struct iwf_pki *, const gnutls_datum_t *chain, unsigned n, gnutls_datum_t *out);
/* The error code with which the handshake ends for that reason (its alert). */
int iwf_pki_alert(enum iwf_reason reason);

