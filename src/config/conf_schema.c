/* conf_schema.c - the option table: all that can stand in the file. */
#include "conf_schema.h"
#include <string.h>

static struct iwf_view view(const char *text)
{
	return (struct iwf_view){ (const uint8_t *)text, strlen(text) };
}

static const char *store_host(const char *text, void *at, size_t size)
{
	const char *wrong = iwf_diamid_check(view(text));
	if (!wrong)
		strncpy(at, text, size - 1);
	return wrong;
}

/* Checked and brought to lower case by the rule for External Identifiers, so
 * that it compares with what the core takes out of one. */
static const char *store_domain(const char *text, void *at, size_t size)
{
	char id[IWF_EXTID_MAX + 1] = "x@";
	if (strlen(text) > sizeof id - 3)
		return "longer than an External Identifier can be";
	strcat(id, text);
	struct iwf_extid ext;
	const char *wrong = iwf_extid_parse(view(id), &ext);
	if (!wrong)
		strncpy(at, ext.domain, size - 1);
	return wrong;
}

/* "491700000000-491799999999" */
static const char *store_range(const char *text, void *at, size_t size)
{
	struct { char from[IWF_DIGITS_MAX + 1], to[IWF_DIGITS_MAX + 1]; } range = { "", "" };
	const char *dash = strchr(text, '-');
	if (!dash)
		return "a range is two numbers with a '-' between them: \"491700000000-491799999999\"";
	size_t from = (size_t)(dash - text), to = strlen(dash + 1);
	if (from > IWF_DIGITS_MAX || to > IWF_DIGITS_MAX)
		return "a number has at most 15 digits";
	memcpy(range.from, text, from);
	memcpy(range.to, dash + 1, to);
	const char *wrong = iwf_e164_check(range.from);
	if (!wrong)
		wrong = iwf_e164_check(range.to);
	if (!wrong && from != to)
		wrong = "both ends need the same number of digits";
	if (!wrong && strcmp(range.from, range.to) > 0)
		wrong = "the second number is lower than the first";
	if (!wrong && size == sizeof range)
		memcpy(at, &range, sizeof range);
	return wrong;
}

static const char *store_uri(const char *text, void *at, size_t size)
{
	if (strncmp(text, "sqlite:", 7) != 0 || !text[7])
		return "a store is written \"sqlite:PATH\", for instance \"sqlite:/var/lib/mtc-iwf/iwf.db\"";
	strncpy(at, text, size - 1);
	return NULL;
}

#define AT(field)      .offset = offsetof(struct iwf_conf, field), .size = sizeof(((struct iwf_conf *)0)->field)
#define IN(s, field)   .offset = offsetof(struct s, field), .size = sizeof(((struct s *)0)->field)
#define ENTRIES(f, c)  .offset = offsetof(struct iwf_conf, f), .size = sizeof(((struct iwf_conf *)0)->f[0]), \
                       .count = offsetof(struct iwf_conf, c)
#define MEMBERS(s, f, c) .offset = offsetof(struct s, f), .size = sizeof(((struct s *)0)->f[0]), .count = offsetof(struct s, c)
#define ELEM(s, f)     .offset = 0, .size = sizeof(((struct s *)0)->f[0])
#define INT(k, lo, hi, d, where, h)     { .key = k, .type = IWF_OPT_INT, .min = lo, .max = hi, .dflt = d, .help = h, where }
#define BOOL(k, d, where, h)            { .key = k, .type = IWF_OPT_BOOL, .dflt = d, .help = h, where }
#define ENUM(k, c, d, where, h)         { .key = k, .type = IWF_OPT_ENUM, .choices = c, .dflt = d, .help = h, where }
#define STRING(k, lo, d, e, st, where, h) { .key = k, .type = IWF_OPT_STRING, .min = lo, .dflt = d, .example = e, .store = st, .help = h, where }
#define PATH(k, lo, d, e, st, where, h) { .key = k, .type = IWF_OPT_PATH, .min = lo, .dflt = d, .example = e, .store = st, .help = h, where }
#define LIST(k, lo, hi, where, h)       { .key = k, .type = IWF_OPT_LIST, .min = lo, .max = hi, .help = h, where }

static const struct iwf_opt options[] = {
	PATH("store.uri", 1, "sqlite:/var/lib/mtc-iwf/iwf.db", NULL, store_uri, AT(store.uri),
	     "where state is kept"),
	INT("store.busy_timeout_ms", 0, 10000, "250", AT(store.busy_timeout_ms),
	    "milliseconds to wait for somebody else's lock on the store, such as an administrator's sqlite3"),

	INT("node.queue_max", 1, 1000000, "4096", AT(node.queue_max),
	    "requests that may wait to be handled; above that they are answered DIAMETER_TOO_BUSY"),
	INT("node.waiting_max", 1, 10000000, "20000", AT(service.waiting_max),
	    "requests that may wait for an HSS or SMS-SC; above that DIAMETER_TOO_BUSY, also for an SCS that has as many as are still free"),
	INT("node.batch_max", 1, 100000, "256", AT(node.batch_max),
	    "requests that share one transaction of the store"),

	ENUM("identity.source", "local|hss|local-then-hss", "local", AT(service.identity_source),
	     "who knows the devices: the store's tables, an HSS over S6m, or the HSS for those that the tables don't have"),

	LIST("tsp.trusted_agents", 0, IWF_MATCH_MAX, ENTRIES(service.agents, service.nagents),
	     "Diameter identities of agents, such as a security gateway, that vouch for the Origin-Host of what they pass on"),
	STRING("tsp.trusted_agents[]", 1, NULL, "secgw.iwf.example.net", store_host, ELEM(iwf_service_conf, agents),
	       "Diameter identity"),
	PATH("tsp.agent_key_file", 0, "", "/etc/mtc-iwf/agent.key", NULL, AT(tsp.agent_key_file),
	     "secret by which a trusted agent that comes without TLS is known, 16 or more random octets; \"\": agents need TLS"),
	BOOL("tsp.direct_outside", "false", AT(tsp.direct_outside),
	     "true: SCSs of the outside may attach to freeDiameter itself, which holds up less than the gateway; needs trust.scs_ca"),
	BOOL("tsp.require_scs_identity", "false", AT(service.require_scs_identity),
	     "true: a DAR without SCS-Identity is refused (INVSCSID); false: the connection says who it is"),
	BOOL("tsp.hide_unknown_devices", "false", AT(service.hide_unknown_devices),
	     "true: a device that does not exist is answered like one that is forbidden (NOTAUTHORIZED, not INVEXTID)"),
	INT("tsp.duplicate_window_s", 0, 86400, "300", AT(service.duplicate_window_s),
	    "seconds for which a retransmitted request is answered as the first one was"),

	PATH("trust.scs_ca", 0, "", "/etc/mtc-iwf/scs-ca.pem", NULL, AT(trust.scs_ca),
	     "CAs of the SCSs that attach here, checked by TS 33.310; \"\": any of freeDiameter's TLS_CA, and its checks only"),
	PATH("trust.scs_crl", 0, "", "/etc/mtc-iwf/scs-crl.pem", NULL, AT(trust.scs_crl),
	     "CRLs of these CAs"),
	PATH("trust.inside_ca", 0, "", "/etc/mtc-iwf/inside-ca.pem", NULL, AT(trust.inside_ca),
	     "CAs of HSSs, SMS-SCs and agents that come by TLS; \"\": any of freeDiameter's TLS_CA"),
	PATH("trust.inside_crl", 0, "", "/etc/mtc-iwf/inside-crl.pem", NULL, AT(trust.inside_crl),
	     "CRLs of these CAs"),
	ENUM("trust.crl_policy", "if-present|require", "if-present", AT(trust.crl_policy),
	     "require: a certificate whose issuer has no current CRL is refused"),

	INT("policy.payload_max", 1, 65535, "4096", AT(service.payload_max),
	    "octets of trigger payload for an SCS without a limit of its own (INVPAYLOAD); the SMS-SC segments what is long"),
	INT("policy.validity_max_s", 1, 4294967295LL, "604800", AT(service.validity_max_s),
	    "longest Validity-Time, in seconds, for an SCS without a limit of its own (INVPERIOD)"),
	INT("policy.validity_default_s", 1, 4294967295LL, "86400", AT(service.validity_default_s),
	    "seconds of validity of a trigger that comes without Validity-Time"),
	INT("policy.rate_per_s", 1, 1000000, "100", AT(service.rate_per_s),
	    "requests a second for an SCS without a rate of its own (RATEEXCEEDED)"),
	INT("policy.burst", 1, 1000000, "200", AT(service.burst),
	    "requests at once for an SCS without a burst of its own"),
	INT("policy.waiting_max", 1, 10000000, "4000", AT(service.scs_waiting_max),
	    "requests of one SCS that may wait for an HSS or SMS-SC (TEMPORARYERROR)"),
	INT("policy.device_rate_per_h", 0, 3600000, "600", AT(service.device_rate_per_h),
	    "triggers an hour for one device, whoever sends them, so that it is not drained (RATEEXCEEDED); 0: no limit"),
	INT("policy.device_burst", 1, 1000000, "100", AT(service.device_burst),
	    "triggers at once for one device"),
	INT("policy.device_table_max", 1, 100000000, "100000", AT(service.device_table_max),
	    "devices whose rate is remembered, some 150 octets each; the one left alone the longest is forgotten first"),

	LIST("s6m.hss", 0, IWF_HSS_MAX, ENTRIES(service.hss, service.nhss),
	     "the HSSs; needed unless identity.source is \"local\""),
	STRING("s6m.hss[].host", 1, NULL, "hss.operator.example", store_host, IN(iwf_hss, node.host),
	       "its Diameter identity"),
	STRING("s6m.hss[].realm", 1, NULL, "operator.example", store_host, IN(iwf_hss, node.realm),
	       "its Diameter realm"),
	LIST("s6m.hss[].domains", 0, IWF_MATCH_MAX, MEMBERS(iwf_hss, domains, ndomains),
	     "domains of External Identifiers it answers for"),
	STRING("s6m.hss[].domains[]", 1, NULL, "iot.example.com", store_domain, ELEM(iwf_hss, domains),
	       "a domain; upper and lower case are the same"),
	LIST("s6m.hss[].msisdn_ranges", 0, IWF_MATCH_MAX, MEMBERS(iwf_hss, ranges, nranges),
	     "ranges of MSISDNs it answers for; an HSS with neither domains nor ranges takes what no other one does"),
	STRING("s6m.hss[].msisdn_ranges[]", 1, NULL, "491700000000-491799999999", store_range, ELEM(iwf_hss, ranges),
	       "first and last number, of the same length"),
	INT("s6m.timeout_ms", 10, 120000, "5000", AT(service.hss_timeout_ms),
	    "milliseconds to wait for an HSS"),
	INT("s6m.cache_max", 1, 10000000, "10000", AT(service.hss_cache_max),
	    "answers of the HSSs that are remembered"),
	INT("s6m.cache_age_s", 0, 86400, "60", AT(service.hss_cache_age_s),
	    "seconds for which they are; 0: not at all"),

	LIST("t4.smssc", 1, IWF_SMSSC_MAX, ENTRIES(service.smssc, service.nsmssc),
	     "the SMS-SCs that deliver triggers"),
	STRING("t4.smssc[].host", 1, NULL, "smssc.operator.example", store_host, IN(iwf_smssc, node.host),
	       "its Diameter identity"),
	STRING("t4.smssc[].realm", 1, NULL, "operator.example", store_host, IN(iwf_smssc, node.realm),
	       "its Diameter realm"),
	INT("t4.smssc[].priority", 0, 65535, "10", IN(iwf_smssc, priority),
	    "the lowest is asked first; equal ones in the order of the file"),
	ENUM("t4.smssc[].recall_replace", "learn|yes|no", "learn", IN(iwf_smssc, recall_replace),
	     "does it recall and replace triggers? learn: as the features in its answers say"),
	INT("t4.smssc[].rate_per_s", 0, 1000000, "0", IN(iwf_smssc, rate_per_s),
	    "requests a second to it, in all; what comes above waits in line, each SCS in a lane of its own; 0: no limit"),
	INT("t4.waiting_max", 0, 1000000, "2000", AT(service.line_max),
	    "requests in line for one SMS-SC; above that the SCS with the longest lane hears TEMPORARYERROR"),
	INT("t4.waiting_ms", 0, 120000, "2000", AT(service.line_timeout_ms),
	    "milliseconds in line, then TEMPORARYERROR"),
	INT("t4.timeout_ms", 10, 120000, "10000", AT(service.smssc_timeout_ms),
	    "milliseconds to wait for an SMS-SC"),
	INT("t4.report_grace_s", 0, 86400, "60", AT(service.report_grace_s),
	    "seconds after its validity in which a report may still come; then the trigger counts as unconfirmed"),
	ENUM("t4.congestion", "permanent|temporary", "permanent", AT(service.congestion_is_temporary),
	     "what an SCS hears of a congested SMS-SC: PERMANENTERROR (the mapping of TS 29.368) or TEMPORARYERROR"),
	ENUM("t4.confirm_report", "durable|after-dna", "durable", AT(service.report_after_dna),
	     "when a delivery report is answered: once it is on disk, or once the SCS has it (flow of TS 29.368 Annex A)"),

	INT("notify.timeout_ms", 10, 120000, "10000", AT(service.notify_timeout_ms),
	    "milliseconds to wait for an SCS to take a report"),
	INT("notify.retry_min_s", 1, 86400, "5", AT(service.notify_retry_min_s),
	    "seconds before a report is sent again; each further time twice as long"),
	INT("notify.retry_max_s", 1, 86400, "300", AT(service.notify_retry_max_s),
	    "most seconds between two attempts"),
	INT("notify.lifetime_s", 1, 31536000, "259200", AT(service.notify_lifetime_s),
	    "seconds for which a report is kept for an SCS that doesn't take it"),
	INT("notify.window", 1, 10000, "16", AT(service.notify_window),
	    "reports under way to one SCS at a time"),

	PATH("notify_user.command", 0, "", "/etc/mtc-iwf/notify-user", NULL, AT(notify_user.command),
	     "program that tells an MTC user what was refused of its devices: one JSON object on standard input; \"\": nobody is told"),
	INT("notify_user.interval_s", 1, 31536000, "300", AT(notify_user.interval_s),
	    "seconds between two notices to the same user; what comes in between is in the next one"),
	INT("notify_user.timeout_s", 1, 300, "10", AT(notify_user.timeout_s),
	    "seconds that the program may take"),

	INT("audit.repeat_after", 0, 1000000, "20", AT(service.audit_repeat_after),
	    "refusals of one kind from one source that have a row each; then they are counted into one; 0: all have one"),
	INT("audit.repeat_s", 1, 86400, "60", AT(service.audit_repeat_s),
	    "seconds for which they are counted; then it begins anew"),
	INT("audit.retention_days", 0, 36500, "0", AT(service.audit_retention_days),
	    "days after which rows of the audit are removed, from the beginning on; 0: never (`iwfctl audit rotate` moves them)"),
	INT("journal.retention_days", 0, 36500, "0", AT(service.journal_retention_days),
	    "days after which triggers that have ended are removed from the journal; 0: never (`iwfctl trigger prune` does it)"),

	ENUM("log.level", "error|warn|notice|info|debug", "notice", AT(log.level),
	     "what is logged: this and all that is more serious"),
	BOOL("log.private_data", "false", AT(log.private_data),
	     "true: messages that freeDiameter can't read or route are written out, and nothing in its lines is masked; IMSIs in the node's own always are"),

	PATH("privacy.hash_key_file", 0, "", "/etc/mtc-iwf/hash.key", NULL, AT(privacy.hash_key_file),
	     "16 or more random octets that key the hashes which stand for IMSIs; \"\": made anew at each start"),
	LIST("privacy.inside_names", 0, IWF_MATCH_MAX, ENTRIES(privacy.inside, privacy.ninside),
	     "host names and realms that no SCS may see, beside those of s6m.hss and t4.smssc"),
	STRING("privacy.inside_names[]", 1, NULL, "epc.mnc001.mcc001.3gppnetwork.org", store_host, ELEM(iwf_conf, privacy.inside),
	       "host name or realm, with a dot in it"),
	BOOL("privacy.core_dumps", "false", AT(privacy.core_dumps),
	     "true: a crash may leave the node's memory, IMSIs and all, in a core file, and debuggers may look into it"),
};

static const struct conf_section sections[] = {
	{ "store",    "The database. `iwfctl db init` makes it." },
	{ "node",     "The service thread." },
	{ "identity", "Where devices are looked up." },
	{ "tsp",      "Tsp, towards the SCSs (TS 29.368)." },
	{ "trust",    "Whose certificates count, for peers that attach to freeDiameter itself. The files are read anew when they change." },
	{ "policy",   "Limits for SCSs whose row in the store sets none." },
	{ "s6m",      "S6m, towards the HSS (TS 29.336)." },
	{ "t4",       "T4, towards the SMS-SC (TS 29.337)." },
	{ "notify",   "Delivery reports to the SCSs." },
	{ "notify_user", "Refusals, told to the MTC user who owns the device." },
	{ "audit",    "Refusals and other decisions, in the store." },
	{ "journal",  "Triggers that have ended, in the store." },
	{ "log",      "The log." },
	{ "privacy",  "What does not leave the operator." },
};

_Static_assert(sizeof options / sizeof *options <= CONF_OPTIONS_MAX, "raise CONF_OPTIONS_MAX");

const struct iwf_opt *iwf_conf_options(size_t *n)
{
	*n = sizeof options / sizeof *options;
	return options;
}

const struct conf_section *conf_sections(size_t *n)
{
	*n = sizeof sections / sizeof *sections;
	return sections;
}

const char *iwf_conf_describe(const struct iwf_opt *o, char *buf, size_t size)
{
	switch (o->type) {
	case IWF_OPT_INT:
		snprintf(buf, size, "a number from %lld to %lld", o->min, o->max);
		break;
	case IWF_OPT_BOOL:
		snprintf(buf, size, "true or false");
		break;
	case IWF_OPT_STRING:
		snprintf(buf, size, "text in quotes, up to %zu characters", o->size - 1);
		break;
	case IWF_OPT_PATH:
		snprintf(buf, size, o->store == store_uri ? "\"sqlite:PATH\", up to %zu characters"
		                                          : "a file name in quotes, up to %zu characters", o->size - 1);
		break;
	case IWF_OPT_LIST:
		if (o->min)
			snprintf(buf, size, "a list of %lld to %lld entries", o->min, o->max);
		else
			snprintf(buf, size, "a list of up to %lld entries", o->max);
		break;
	case IWF_OPT_ENUM: {
		size_t used = (size_t)snprintf(buf, size, "one of");
		for (const char *p = o->choices; *p && used < size;) {
			size_t len = strcspn(p, "|");
			used += (size_t)snprintf(buf + used, size - used, " \"%.*s\"%s", (int)len, p, p[len] ? "," : "");
			p += len + (p[len] == '|');
		}
		break;
	}
	}
	return buf;
}
