/* gw_ocsp.h - asks OCSP responders (RFC 6960), in a thread of its own. */
#pragma once
#include <gnutls/gnutls.h>
#include "gw_conf.h"
#include "store.h"

struct gw_ocsp;
/* wake: an eventfd that is written when an answer is there. */
struct gw_ocsp *gw_ocsp_start(const struct gw_conf *, int wake, char *err, size_t err_size);
void gw_ocsp_stop(struct gw_ocsp *);
/* Both DER; copied.  False: too many questions wait already. */
bool gw_ocsp_ask(struct gw_ocsp *, uint64_t id, const gnutls_datum_t *cert, const gnutls_datum_t *issuer);
/* RS_NONE: good until then; RS_CERT_REVOKED; RS_CERT_REVOCATION: nobody could tell.  False: no answer is there. */
bool gw_ocsp_next(struct gw_ocsp *, uint64_t *id, enum iwf_reason *verdict, int64_t *until_ms);
