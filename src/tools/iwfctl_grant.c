/* iwfctl_grant.c - iwfctl grant: who may do what to which device. */
#include "iwfctl.h"
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static const struct arg_spec add_args[] = {
	{ "--scs", ARG_NAME, .help = "to this SCS" },
	{ "--scs-group", ARG_NAME, .help = "to all SCSs of this group" },
	{ "--device", ARG_DEVICE, .help = "for this device" },
	{ "--device-group", ARG_NAME, .help = "for all devices of this group" },
	{ "--domain", ARG_DOMAIN, .help = "for External Identifiers of this domain" },
	{ "--msisdn-range", ARG_RANGE, .help = "for MSISDNs from A to B" },
	{ "--services", ARG_WORDS, ARG_NEEDED, .choices = "trigger|recall|replace", .help = "what it may do" },
	{ "--ports", ARG_TEXT, .help = "only to these application ports: 5683,7000-7100" },
	{ "--valid-from", ARG_TIME, .help = "not before" },
	{ "--valid-until", ARG_TIME, .help = "not from then on" },
};

struct port_range { long from, to; };

/* "5683,7000-7100" into v; how many, or -1: said why. */
static int parse_ports(const char *text, struct port_range v[static IWF_GRANT_PORTS])
{
	int n = 0;
	for (const char *p = text;; p++) {
		char *end = NULL;
		struct port_range r = { -1, -1 };
		if (*p >= '0' && *p <= '9')
			r.from = r.to = strtol(p, &end, 10);
		if (end && *end == '-' && end[1] >= '0' && end[1] <= '9')
			r.to = strtol(end + 1, &end, 10);
		if (!end || (*end && *end != ',') || r.to > 65535 || r.from > r.to) {
			ctl_fail("--ports '%s': ports and ranges from 0 to 65535 with commas between them: 5683,7000-7100", text);
			return -1;
		}
		if (n == IWF_GRANT_PORTS) {
			ctl_fail("--ports: at most %d of them", IWF_GRANT_PORTS);
			return -1;
		}
		v[n++] = r;
		p = end;
		if (!*p)
			return n;
	}
}

static bool exactly_one(const struct args *a, const char *const *names, size_t n, const char *what)
{
	size_t given = 0;
	for (size_t i = 0; i < n; i++)
		given += arg_given(a, names[i]);
	if (given != 1)
		ctl_fail(given ? "more than one of %s" : "one of %s is needed", what);
	return given == 1;
}

/* An id for the argument if it is given: 0 if not, -1: said why. */
static int64_t id_of(struct ctl *c, const struct args *a, const char *arg, const char *sql, const char *what)
{
	if (!arg_given(a, arg))
		return 0;
	int64_t id = ctl_find(c, sql, what, arg_text(a, arg));
	return id ? id : -1;
}

static bool add_ports(struct ctl *c, int64_t grant, const struct port_range *v, int n)
{
	for (int i = 0; i < n; i++) {
		sqlite3_stmt *st = ctl_prepare(c, "INSERT INTO authorization_port (authorization_id, port_from, port_to) "
		                                  "VALUES (:grant, :from, :to)");
		if (!st)
			return false;
		ctl_bind_int(st, ":grant", grant);
		ctl_bind_int(st, ":from", v[i].from);
		ctl_bind_int(st, ":to", v[i].to);
		if (!ctl_run(c, st))
			return false;
	}
	return true;
}

static int add_work(struct ctl *c, const struct args *a)
{
	static const char *const whom[] = { "--scs", "--scs-group" };
	static const char *const what[] = { "--device", "--device-group", "--domain", "--msisdn-range" };
	struct port_range ports[IWF_GRANT_PORTS];
	int nports = 0;
	if (!exactly_one(a, whom, 2, "--scs, --scs-group") ||
	    !exactly_one(a, what, 4, "--device, --device-group, --domain, --msisdn-range") ||
	    (arg_given(a, "--ports") && (nports = parse_ports(arg_text(a, "--ports"), ports)) < 0))
		return CTL_FAIL;
	int64_t scs = id_of(c, a, "--scs", "SELECT id FROM scs WHERE name = :name", "SCS");
	int64_t scs_group = id_of(c, a, "--scs-group", "SELECT id FROM scs_group WHERE name = :name", "SCS group");
	int64_t group = id_of(c, a, "--device-group", "SELECT id FROM device_group WHERE name = :name", "device group");
	int64_t device = 0;
	if (arg_given(a, "--device") && !(device = ctl_device(c, arg_text(a, "--device"))))
		return CTL_FAIL;
	if (scs < 0 || scs_group < 0 || group < 0)
		return CTL_FAIL;
	char from[IWF_DIGITS_MAX + 1] = "";
	const char *range = arg_text(a, "--msisdn-range"), *to = range ? strchr(range, '-') + 1 : NULL;
	if (range)
		snprintf(from, sizeof from, "%.*s", (int)(to - 1 - range), range);
	sqlite3_stmt *st = ctl_prepare(c,
		"INSERT INTO \"authorization\" (scs_id, scs_group_id, subscription_id, device_group_id, domain, msisdn_from, msisdn_to,"
		" may_trigger, may_recall, may_replace, valid_from_ms, valid_until_ms) "
		"VALUES (nullif(:scs, 0), nullif(:scs_group, 0), nullif(:device, 0), nullif(:group, 0), :domain, :msisdn_from, :msisdn_to,"
		" :trigger, :recall, :replace, :from, :until)");
	if (!st)
		return CTL_FAIL;
	ctl_bind_int(st, ":scs", scs);
	ctl_bind_int(st, ":scs_group", scs_group);
	ctl_bind_int(st, ":device", device);
	ctl_bind_int(st, ":group", group);
	ctl_bind_arg(st, ":domain", a, "--domain");
	ctl_bind_text(st, ":msisdn_from", range ? from : NULL);
	ctl_bind_text(st, ":msisdn_to", to);
	ctl_bind_int(st, ":trigger", arg_has_word(a, "--services", "trigger"));
	ctl_bind_int(st, ":recall", arg_has_word(a, "--services", "recall"));
	ctl_bind_int(st, ":replace", arg_has_word(a, "--services", "replace"));
	ctl_bind_arg(st, ":from", a, "--valid-from");
	ctl_bind_arg(st, ":until", a, "--valid-until");
	/* The schema doesn't compare the dates of a grant. */
	if (arg_given(a, "--valid-from") && arg_given(a, "--valid-until") &&
	    arg_num(a, "--valid-from", 0) >= arg_num(a, "--valid-until", 0)) {
		sqlite3_finalize(st);
		return ctl_fail("--valid-from has to be before --valid-until");
	}
	if (!ctl_run(c, st))
		return CTL_FAIL;
	c->made = sqlite3_last_insert_rowid(c->sql);
	return add_ports(c, c->made, ports, nports) ? CTL_OK : CTL_FAIL;
}

static int grant_add(struct ctl *c, const struct args *a)
{
	int status = ctl_change(c, a, add_work);
	if (status == CTL_OK)
		printf("grant %lld added\n", (long long)c->made);
	return status;
}

static const struct arg_spec list_args[] = {
	{ "--scs", ARG_NAME, .help = "only those that this SCS has, itself or by a group" },
	{ "--device", ARG_DEVICE, .help = "only those that name this device or a group that it is in" },
};

static int grant_list(struct ctl *c, const struct args *a)
{
	int64_t scs = 0, device = 0;
	if (!ctl_open(c, true) || (arg_given(a, "--scs") && !(scs = ctl_scs(c, arg_text(a, "--scs")))) ||
	    (arg_given(a, "--device") && !(device = ctl_device(c, arg_text(a, "--device")))))
		return CTL_FAIL;
	sqlite3_stmt *st = ctl_prepare(c,
		"SELECT z.id, coalesce(s.name, 'group ' || sg.name) AS scs,"
		" coalesce((SELECT min(ext_id) FROM external_id e WHERE e.subscription_id = z.subscription_id), d.msisdn, '#' || d.id,"
		"  'group ' || dg.name, '*@' || z.domain, msisdn_from || '-' || msisdn_to) AS device,"
		" trim(iif(may_trigger, 'trigger ', '') || iif(may_recall, 'recall ', '') || iif(may_replace, 'replace ', '')"
		"  || iif(may_monitor, 'monitor', '')) AS services,"
		" (SELECT group_concat(iif(port_from = port_to, port_from, port_from || '-' || port_to), ',')"
		"   FROM authorization_port p WHERE p.authorization_id = z.id) AS ports,"
		" z.valid_from_ms AS 'valid_from@', z.valid_until_ms AS 'valid_until@' "
		"FROM \"authorization\" z LEFT JOIN scs s ON s.id = z.scs_id LEFT JOIN scs_group sg ON sg.id = z.scs_group_id"
		" LEFT JOIN subscription d ON d.id = z.subscription_id LEFT JOIN device_group dg ON dg.id = z.device_group_id "
		"WHERE (:scs = 0 OR z.scs_id = :scs OR z.scs_group_id IN (SELECT scs_group_id FROM scs_group_member WHERE scs_id = :scs))"
		" AND (:device = 0 OR z.subscription_id = :device OR z.device_group_id IN"
		"  (SELECT device_group_id FROM device_group_member WHERE subscription_id = :device)) ORDER BY z.id");
	if (!st)
		return CTL_FAIL;
	ctl_bind_int(st, ":scs", scs);
	ctl_bind_int(st, ":device", device);
	return ctl_show(c, st, false, "no such grant; without one, nobody may do anything");
}

static const struct arg_spec revoke_args[] = {
	{ "ID", ARG_UINT, ARG_NEEDED, .min = 1, .max = INT64_MAX, .help = "of the grant, as `grant list` shows it" },
};

static int revoke_work(struct ctl *c, const struct args *a)
{
	sqlite3_stmt *st = ctl_prepare(c, "DELETE FROM \"authorization\" WHERE id = :id");
	if (!st)
		return CTL_FAIL;
	ctl_bind_arg(st, ":id", a, "ID");
	if (!ctl_run(c, st))
		return CTL_FAIL;
	return sqlite3_changes(c->sql) ? CTL_OK : ctl_fail("there is no grant %s", arg_text(a, "ID"));
}

static int grant_revoke(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, revoke_work);
}

static const struct ctl_verb verbs[] = {
	{ "grant", "add", CTL_ARGS(add_args), grant_add, "let an SCS do something to a device" },
	{ "grant", "list", CTL_ARGS(list_args), grant_list, "who may do what" },
	{ "grant", "revoke", CTL_ARGS(revoke_args), grant_revoke, "take a grant away" },
};
const struct ctl_verbs ctl_grant_verbs = { verbs, sizeof verbs / sizeof *verbs };
