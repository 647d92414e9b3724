/* gw_admit.h - which SCS is this, and may it come in?  Pure decisions over a table, a certificate and a claim. */
#pragma once
#include "pki.h"
#include "gw_table.h"

/* In the handshake, when no name has been claimed yet: RS_NONE if some enabled row has a SAN or pin of the certificate. */
enum iwf_reason gw_admit_cert(const struct gw_table *, const struct iwf_cert *);
/* At the CER.  cert NULL: no TLS; `address` is the peer's, numeric, without port.  RS_NONE and *scs: it is that SCS. */
enum iwf_reason gw_admit_cer(const struct gw_table *, const struct iwf_cert *cert, const char *address, struct iwf_view origin_host,
                             struct iwf_view origin_realm, int64_t now_ms, const struct gw_scs **scs);
/* Of an open connection, after the table has changed or time has passed. */
enum iwf_reason gw_admit_still(const struct gw_table *, const struct iwf_cert *cert, const char *address, const char *origin_host,
                               int64_t now_ms, const struct gw_scs **scs);
/* Result-Code of the CEA for that reason: 3010, 5003 ... */
uint32_t gw_admit_result(enum iwf_reason);
