/* iwfctl_scs.c - iwfctl scs: Service Capability Servers. */
#include "iwfctl.h"
#include <sqlite3.h>
#include <string.h>

#define ACTIONS "trigger|recall|replace"

static const struct arg_spec add_args[] = {
	{ "NAME", ARG_NAME, ARG_NEEDED, .help = "short name, used here and in the audit" },
	{ "--origin-host", ARG_HOST, ARG_NEEDED, .help = "its Diameter identity (Origin-Host)" },
	{ "--origin-realm", ARG_HOST, ARG_NEEDED, .help = "Origin-Realm of its requests" },
	{ "--e164", ARG_E164, ARG_NEEDED | ARG_MANY, .help = "its number (SCS-Identity); the first is used when a request has none" },
	{ "--san", ARG_HOST, .help = "name its certificate must carry, if it is not the Origin-Host" },
	{ "--pin", ARG_SHA256, .help = "the only certificate it may use: SHA-256 of the DER form" },
	{ "--pin-file", ARG_FILE, .help = "the same, taken from a certificate in PEM form" },
	{ "--inside", ARG_FLAG, .help = "it is in the operator's own security domain" },
	{ "--ndsip", ARG_FLAG, .help = "protected below Diameter (NDS/IP), no certificate; only with --inside" },
	{ "--ndsip-address", ARG_TEXT, .help = "address that the gateway takes it from, with --ndsip" },
	{ "--connections", ARG_UINT, .min = 1, .max = 1000, .help = "connections through the gateway at a time (1)" },
	{ "--rate", ARG_UINT, .min = 1, .max = 1000000, .help = "requests a second" },
	{ "--burst", ARG_UINT, .min = 1, .max = 1000000, .help = "requests at once" },
	{ "--quota", ARG_UINT, .min = 0, .max = 1000000000000, .help = "requests a period" },
	{ "--quota-period", ARG_UINT, .min = 60, .max = 31622400, .help = "that period in seconds (86400)" },
	{ "--payload-max", ARG_UINT, .min = 1, .max = 65535, .help = "octets of trigger payload" },
	{ "--validity-max", ARG_UINT, .min = 1, .max = 4294967295, .help = "longest Validity-Time in seconds" },
	{ "--allow-priority", ARG_FLAG, .help = "it may ask for priority" },
	{ "--actions", ARG_WORDS, .choices = ACTIONS, .help = "what it may ask for at all (all three)" },
	{ "--valid-from", ARG_TIME, .help = "not before" },
	{ "--valid-until", ARG_TIME, .help = "not from then on" },
};

static bool add_number(struct ctl *c, int64_t scs, const char *e164, bool primary)
{
	sqlite3_stmt *st = ctl_prepare(c, "INSERT INTO scs_identity (scs_id, e164, is_primary) VALUES (:scs, :e164, :primary)");
	if (!st)
		return false;
	ctl_bind_int(st, ":scs", scs);
	ctl_bind_text(st, ":e164", e164);
	ctl_bind_int(st, ":primary", primary);
	return ctl_run(c, st);
}

static bool add_gateway(struct ctl *c, const struct args *a, int64_t scs)
{
	sqlite3_stmt *st = ctl_prepare(c, "INSERT INTO scs_gateway (scs_id, connections, ndsip_address) "
	                                  "VALUES (:scs, coalesce(:connections, 1), :address)");
	if (!st)
		return false;
	ctl_bind_int(st, ":scs", scs);
	ctl_bind_arg(st, ":connections", a, "--connections");
	ctl_bind_arg(st, ":address", a, "--ndsip-address");
	return ctl_run(c, st);
}

static int add_work(struct ctl *c, const struct args *a)
{
	char pin[65];
	const char *san = arg_text(a, "--san") ? arg_text(a, "--san") : arg_text(a, "--origin-host"), *file = arg_text(a, "--pin-file");
	if (file && arg_given(a, "--pin"))
		return ctl_fail("--pin and --pin-file say the same; give one");
	if (file && !fdcert_pin(file, san, pin))
		return CTL_FAIL;
	sqlite3_stmt *st = ctl_prepare(c,
		"INSERT INTO scs (name, origin_host, origin_realm, cert_san, cert_sha256, domain, security, valid_from_ms, valid_until_ms,"
		" rate_per_s, burst, quota, quota_period_s, payload_max, validity_max_s, allow_priority,"
		" allow_trigger, allow_recall, allow_replace) "
		"VALUES (:name, :host, :realm, :san, :pin, iif(:inside, 'inside', 'outside'), iif(:ndsip, 'ndsip', 'tls'), :from, :until,"
		" :rate, :burst, :quota, coalesce(:period, 86400), :payload, :validity, :priority, :trigger, :recall, :replace)");
	if (!st)
		return CTL_FAIL;
	ctl_bind_arg(st, ":name", a, "NAME");
	ctl_bind_arg(st, ":host", a, "--origin-host");
	ctl_bind_arg(st, ":realm", a, "--origin-realm");
	ctl_bind_arg(st, ":san", a, "--san");
	ctl_bind_text(st, ":pin", file ? pin : arg_text(a, "--pin"));
	ctl_bind_arg(st, ":inside", a, "--inside");
	ctl_bind_arg(st, ":ndsip", a, "--ndsip");
	ctl_bind_arg(st, ":from", a, "--valid-from");
	ctl_bind_arg(st, ":until", a, "--valid-until");
	ctl_bind_arg(st, ":rate", a, "--rate");
	ctl_bind_arg(st, ":burst", a, "--burst");
	ctl_bind_arg(st, ":quota", a, "--quota");
	ctl_bind_arg(st, ":period", a, "--quota-period");
	ctl_bind_arg(st, ":payload", a, "--payload-max");
	ctl_bind_arg(st, ":validity", a, "--validity-max");
	ctl_bind_arg(st, ":priority", a, "--allow-priority");
	bool all = !arg_given(a, "--actions");
	ctl_bind_int(st, ":trigger", all || arg_has_word(a, "--actions", "trigger"));
	ctl_bind_int(st, ":recall", all || arg_has_word(a, "--actions", "recall"));
	ctl_bind_int(st, ":replace", all || arg_has_word(a, "--actions", "replace"));
	if (!ctl_run(c, st))
		return CTL_FAIL;
	int64_t id = sqlite3_last_insert_rowid(c->sql);
	if ((arg_given(a, "--connections") || arg_given(a, "--ndsip-address")) && !add_gateway(c, a, id))
		return CTL_FAIL;
	for (size_t i = 0; arg_nth(a, "--e164", i); i++)
		if (!add_number(c, id, arg_nth(a, "--e164", i), i == 0))
			return CTL_FAIL;
	return CTL_OK;
}

static int scs_add(struct ctl *c, const struct args *a)
{
	int status = ctl_change(c, a, add_work);
	if (status == CTL_OK)
		printf("SCS %s added; it may do nothing yet: `iwfctl grant add --scs %s ...`\n", arg_text(a, "NAME"), arg_text(a, "NAME"));
	return status;
}

static int scs_list(struct ctl *c, const struct args *a)
{
	if (!ctl_open(c, true))
		return CTL_FAIL;
	sqlite3_stmt *st = ctl_prepare(c,
		"SELECT name, origin_host, (SELECT e164 FROM scs_identity i WHERE i.scs_id = s.id AND is_primary) AS e164, domain, security,"
		" enabled AS 'enabled?', valid_until_ms AS 'valid_until@',"
		" (SELECT count(*) FROM \"authorization\" z WHERE z.scs_id = s.id OR z.scs_group_id IN"
		"  (SELECT scs_group_id FROM scs_group_member m WHERE m.scs_id = s.id)) AS grants "
		"FROM scs s ORDER BY name");
	return st ? ctl_show(c, st, false, "no SCS yet; `iwfctl scs add` makes one known") : CTL_FAIL;
}

static const struct arg_spec name_args[] = { { "NAME", ARG_NAME, ARG_NEEDED, .help = "of the SCS" } };

static int scs_show(struct ctl *c, const struct args *a)
{
	if (!ctl_open(c, true) || !ctl_scs(c, arg_text(a, "NAME")))
		return CTL_FAIL;
	sqlite3_stmt *st = ctl_prepare(c,
		"SELECT s.id, name, origin_host, origin_realm, coalesce(cert_san, origin_host) AS certificate_name,"
		" cert_sha256 AS certificate_pin,"
		" (SELECT group_concat(e164 || iif(is_primary, ' (primary)', ''), ', ') FROM"
		"   (SELECT * FROM scs_identity i WHERE i.scs_id = s.id ORDER BY is_primary DESC, e164)) AS numbers,"
		" domain, security,"
		" (SELECT ndsip_address FROM scs_gateway WHERE scs_id = s.id) AS ndsip_address,"
		" coalesce((SELECT connections FROM scs_gateway WHERE scs_id = s.id), 1) AS connections, enabled AS 'enabled?', valid_from_ms AS 'valid_from@', valid_until_ms AS 'valid_until@',"
		" rate_per_s, burst, quota, quota_period_s, payload_max, validity_max_s, allow_priority AS 'allow_priority?',"
		" allow_trigger AS 'allow_trigger?', allow_recall AS 'allow_recall?', allow_replace AS 'allow_replace?',"
		" (SELECT group_concat(g.name, ', ') FROM scs_group_member m JOIN scs_group g ON g.id = m.scs_group_id WHERE m.scs_id = s.id)"
		"  AS groups,"
		" created_ms AS 'created@' FROM scs s WHERE name = :name");
	if (!st)
		return CTL_FAIL;
	ctl_bind_arg(st, ":name", a, "NAME");
	return ctl_show(c, st, true, NULL);
}

static int set_enabled(struct ctl *c, const struct args *a, bool on)
{
	if (!ctl_scs(c, arg_text(a, "NAME")))
		return CTL_FAIL;
	sqlite3_stmt *st = ctl_prepare(c, "UPDATE scs SET enabled = :on WHERE name = :name");
	if (!st)
		return CTL_FAIL;
	ctl_bind_int(st, ":on", on);
	ctl_bind_arg(st, ":name", a, "NAME");
	return ctl_run(c, st) ? CTL_OK : CTL_FAIL;
}

static int enable_work(struct ctl *c, const struct args *a)
{
	return set_enabled(c, a, true);
}

static int disable_work(struct ctl *c, const struct args *a)
{
	return set_enabled(c, a, false);
}

static int scs_enable(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, enable_work);
}

static int scs_disable(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, disable_work);
}

static const struct arg_spec number_args[] = {
	{ "NAME", ARG_NAME, ARG_NEEDED, .help = "of the SCS" },
	{ "--e164", ARG_E164, ARG_NEEDED, .help = "the number" },
	{ "--primary", ARG_FLAG, .help = "use it when a request has no SCS-Identity" },
	{ "--remove", ARG_FLAG, .help = "take it away" },
};

static int number_work(struct ctl *c, const struct args *a)
{
	const char *e164 = arg_text(a, "--e164");
	int64_t scs = ctl_scs(c, arg_text(a, "NAME"));
	if (!scs)
		return CTL_FAIL;
	bool primary = arg_given(a, "--primary"), gone = arg_given(a, "--remove");
	if (primary && gone)
		return ctl_fail("--primary and --remove contradict each other");
	sqlite3_stmt *st = primary ? ctl_prepare(c, "UPDATE scs_identity SET is_primary = 0 WHERE scs_id = :scs")
	                           : ctl_prepare(c, "DELETE FROM scs_identity WHERE scs_id = :scs AND e164 = :e164 AND :gone");
	if (!st)
		return CTL_FAIL;
	ctl_bind_int(st, ":scs", scs);
	if (!primary) {
		ctl_bind_text(st, ":e164", e164);
		ctl_bind_int(st, ":gone", gone);
	}
	if (!ctl_run(c, st))
		return CTL_FAIL;
	if (gone)
		return sqlite3_changes(c->sql) ? CTL_OK : ctl_fail("SCS %s does not have the number %s", arg_text(a, "NAME"), e164);
	if (!primary)
		return add_number(c, scs, e164, false) ? CTL_OK : CTL_FAIL;
	st = ctl_prepare(c, "INSERT INTO scs_identity (scs_id, e164, is_primary) VALUES (:scs, :e164, 1) "
	                    "ON CONFLICT (scs_id, e164) DO UPDATE SET is_primary = 1");
	if (!st)
		return CTL_FAIL;
	ctl_bind_int(st, ":scs", scs);
	ctl_bind_text(st, ":e164", e164);
	return ctl_run(c, st) ? CTL_OK : CTL_FAIL;
}

static int scs_number(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, number_work);
}

static const struct ctl_verb verbs[] = {
	{ "scs", "add", CTL_ARGS(add_args), scs_add, "make an SCS known" },
	{ "scs", "list", NULL, 0, scs_list, "all SCSs" },
	{ "scs", "show", CTL_ARGS(name_args), scs_show, "one SCS, all of it" },
	{ "scs", "enable", CTL_ARGS(name_args), scs_enable, "let it in again" },
	{ "scs", "disable", CTL_ARGS(name_args), scs_disable, "refuse all that it asks for, from now on" },
	{ "scs", "number", CTL_ARGS(number_args), scs_number, "give it one more number, or take one away" },
};
const struct ctl_verbs ctl_scs_verbs = { verbs, sizeof verbs / sizeof *verbs };
