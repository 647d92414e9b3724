/* gw_admit.c - see gw_admit.h. */
#include <string.h>
#include <strings.h>
#include "authz.h"
#include "gw_admit.h"

enum iwf_reason gw_admit_cert(const struct gw_table *t, const struct iwf_cert *cert)
{
	for (unsigned i = 0; i < cert->nsans; i++)
		if (gw_table_has_san(t, cert->sans[i]))
			return RS_NONE;
	return gw_table_has_pin(t, cert->sha256) ? RS_NONE : RS_CERT_UNKNOWN;
}

static bool cert_names(const struct iwf_cert *cert, const char *name)
{
	for (unsigned i = 0; i < cert->nsans; i++)
		if (!strcasecmp(cert->sans[i], name))
			return true;
	return false;
}

/* The order, and the reasons, of the node's own check (acl_scs). */
static enum iwf_reason check_row(const struct gw_scs *scs, const struct iwf_cert *cert, const char *address, int64_t now_ms)
{
	if (!scs->enabled)
		return RS_SCS_DISABLED;
	if (!iwf_dates_ok(scs->valid_from, scs->valid_until, now_ms))
		return RS_SCS_DATES;
	if (!cert)
		return scs->ndsip && scs->inside && scs->address[0] && !strcmp(scs->address, address) ? RS_NONE : RS_NO_TLS;
	if (!cert_names(cert, scs->cert_san))
		return RS_CERT_NAME;
	if (scs->cert_sha256[0] && strcasecmp(scs->cert_sha256, cert->sha256))
		return RS_CERT_PIN;
	return RS_NONE;
}

enum iwf_reason gw_admit_cer(const struct gw_table *t, const struct iwf_cert *cert, const char *address, struct iwf_view origin_host,
                             struct iwf_view origin_realm, int64_t now_ms, const struct gw_scs **scs)
{
	enum iwf_reason reason;

	*scs = gw_table_by_host(t, origin_host);
	if (!*scs)
		return RS_SCS_UNKNOWN;
	reason = check_row(*scs, cert, address, now_ms);
	if (reason == RS_NONE && !iwf_diamid_eq(origin_realm, (*scs)->origin_realm))
		reason = RS_SCS_REALM;
	return reason;
}

enum iwf_reason gw_admit_still(const struct gw_table *t, const struct iwf_cert *cert, const char *address, const char *origin_host,
                               int64_t now_ms, const struct gw_scs **scs)
{
	*scs = gw_table_by_host(t, (struct iwf_view){ .p = (const uint8_t *)origin_host, .n = strlen(origin_host) });
	return *scs ? check_row(*scs, cert, address, now_ms) : RS_SCS_UNKNOWN;
}

uint32_t gw_admit_result(enum iwf_reason reason)
{
	switch (reason) {
	case RS_NONE:
		return 2001;
	case RS_SCS_UNKNOWN:           /* one answer for both: who has a certificate cannot find out which names exist */
	case RS_CERT_NAME:
	case RS_NO_TLS:
		return 3010;           /* DIAMETER_UNKNOWN_PEER */
	case RS_CONNECTIONS:
		return 3004;           /* DIAMETER_TOO_BUSY */
	case RS_CERT_REVOCATION:
	case RS_STORE:
		return 5012;           /* DIAMETER_UNABLE_TO_COMPLY */
	default:
		return 5003;           /* DIAMETER_AUTHORIZATION_REJECTED */
	}
}
