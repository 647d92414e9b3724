/* gw_ocsp.h - OCSP (RFC 6960): what a response says, and threads that ask responders. */
#pragma once
#include <gnutls/gnutls.h>
#include "gw_conf.h"
#include "store.h"

/* RS_NONE: good until then; RS_CERT_REVOKED; RS_CERT_REVOCATION: it does not tell. */
struct gw_ocsp_verdict { enum iwf_reason reason; int64_t until_ms; };
/* All DER.  nonce: the one of the question, NULL if nobody asked (a stapled response).  cache_s: how long a response
 * without nextUpdate counts.  why is set for RS_CERT_REVOCATION. */
struct gw_ocsp_verdict gw_ocsp_read(const gnutls_datum_t *response, const gnutls_datum_t *nonce, const gnutls_datum_t *cert,
                                    const gnutls_datum_t *issuer, uint32_t cache_s, char *why, size_t why_size);

struct gw_ocsp;
/* wake: an eventfd that is written when an answer is there. */
struct gw_ocsp *gw_ocsp_start(const struct gw_conf *, int wake, char *err, size_t err_size);
void gw_ocsp_stop(struct gw_ocsp *);
/* Both DER; copied.  False: too many questions wait already. */
bool gw_ocsp_ask(struct gw_ocsp *, uint64_t id, const gnutls_datum_t *cert, const gnutls_datum_t *issuer);
/* False: no answer is there. */
bool gw_ocsp_next(struct gw_ocsp *, uint64_t *id, struct gw_ocsp_verdict *);
