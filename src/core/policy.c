#include <stdarg.h>
#include <stdio.h>
#include "policy.h"

static uint32_t validity_max_s(const struct iwf_scs *scs, const struct iwf_service_conf *conf)
{
	return scs->validity_max_s ? scs->validity_max_s : conf->validity_max_s;
}

__attribute__((format(printf, 3, 4)))
static struct iwf_policy_verdict refuse(enum tsp_status status, enum iwf_reason reason, const char *fmt, ...)
{
	struct iwf_policy_verdict v = { .status = status, .reason = reason };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v.detail, sizeof v.detail, fmt, ap);
	va_end(ap);
	return v;
}

struct iwf_policy_verdict iwf_policy_check(const struct tsp_dar *dar, const struct iwf_scs *scs, const struct iwf_service_conf *conf)
{
	const uint32_t payload_max = scs->payload_max ? scs->payload_max : conf->payload_max;

	if (!dar->has_trigger_data)
		return refuse(TSP_INVPAYLOAD, RS_PAYLOAD, "no Trigger-Data");
	if (!dar->payload.n)
		return refuse(TSP_INVPAYLOAD, RS_PAYLOAD, "empty payload");
	if (dar->payload.n > payload_max)
		return refuse(TSP_INVPAYLOAD, RS_PAYLOAD, "%zu octets, limit %u", dar->payload.n, payload_max);
	if (dar->has_port && dar->port > UINT16_MAX)
		return refuse(TSP_INVPAYLOAD, RS_PORT, "port %u", dar->port);
	if (dar->priority && !scs->allow_priority)
		return refuse(TSP_NOTAUTHORIZED, RS_PRIORITY, "Priority-Indication 1");
	if (dar->has_validity && dar->validity_s > validity_max_s(scs, conf))
		return refuse(TSP_INVPERIOD, RS_VALIDITY, "%u s, limit %u s", dar->validity_s, validity_max_s(scs, conf));
	return (struct iwf_policy_verdict){ .status = TSP_SUCCESS, .reason = RS_NONE };
}

uint32_t iwf_policy_validity_s(const struct tsp_dar *dar, const struct iwf_scs *scs, const struct iwf_service_conf *conf)
{
	const uint32_t max = validity_max_s(scs, conf);

	if (dar->has_validity)
		return dar->validity_s;
	return conf->validity_default_s < max ? conf->validity_default_s : max;
}
