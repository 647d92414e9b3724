/* iwfctl_user.c - iwfctl user: the customers who own devices. */
#include "iwfctl.h"
#include <sqlite3.h>
#include "sqlite_since.h"

static const struct arg_spec add_args[] = {
	{ "NAME", ARG_NAME, ARG_NEEDED, .help = "short name" },
	{ "--contact", ARG_TEXT, .help = "where refusals are reported to" },
};

static int add_work(struct ctl *c, const struct args *a)
{
	sqlite3_stmt *st = ctl_prepare(c, "INSERT INTO mtc_user (name, contact) VALUES (:name, :contact)");
	if (!st)
		return CTL_FAIL;
	ctl_bind_arg(st, ":name", a, "NAME");
	ctl_bind_arg(st, ":contact", a, "--contact");
	return ctl_run(c, st) ? CTL_OK : CTL_FAIL;
}

static int user_add(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, add_work);
}

static int user_list(struct ctl *c, const struct args *a)
{
	if (!ctl_open(c, true))
		return CTL_FAIL;
	sqlite3_stmt *st = ctl_prepare(c,
		"SELECT name, contact, restrict_scs AS 'restricted?',"
		" (SELECT group_concat(s.name, ', ') FROM mtc_user_scs l JOIN scs s ON s.id = l.scs_id WHERE l.mtc_user_id = u.id) AS allows,"
		" (SELECT count(*) FROM subscription d WHERE d.mtc_user_id = u.id) AS devices FROM mtc_user u ORDER BY name");
	return st ? ctl_show(c, st, false, "no user yet") : CTL_FAIL;
}

static const struct arg_spec allow_args[] = {
	{ "NAME", ARG_NAME, ARG_NEEDED, .help = "of the user" },
	{ "--scs", ARG_NAME, ARG_NEEDED, .help = "the SCS" },
};

static int list_work(struct ctl *c, const struct args *a, const char *sql)
{
	int64_t user = ctl_user(c, arg_text(a, "NAME")), scs = user ? ctl_scs(c, arg_text(a, "--scs")) : 0;
	sqlite3_stmt *st = scs ? ctl_prepare(c, sql) : NULL;
	if (!st)
		return CTL_FAIL;
	ctl_bind_int(st, ":user", user);
	ctl_bind_int(st, ":scs", scs);
	return ctl_run(c, st) ? CTL_OK : CTL_FAIL;
}

static int allow_work(struct ctl *c, const struct args *a)
{
	return list_work(c, a, "INSERT INTO mtc_user_scs (mtc_user_id, scs_id) VALUES (:user, :scs)");
}

static int forbid_work(struct ctl *c, const struct args *a)
{
	int status = list_work(c, a, "DELETE FROM mtc_user_scs WHERE mtc_user_id = :user AND scs_id = :scs");
	if (status == CTL_OK && sqlite3_changes(c->sql) == 0)
		return ctl_fail("user %s has not allowed SCS %s", arg_text(a, "NAME"), arg_text(a, "--scs"));
	return status;
}

static int user_allow(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, allow_work);
}

static int user_forbid(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, forbid_work);
}

static const struct arg_spec restrict_args[] = {
	{ "NAME", ARG_NAME, ARG_NEEDED, .help = "of the user" },
	{ "--off", ARG_FLAG, .help = "no longer" },
};

static int restrict_work(struct ctl *c, const struct args *a)
{
	sqlite3_stmt *st = ctl_user(c, arg_text(a, "NAME")) ?
		ctl_prepare(c, "UPDATE mtc_user SET restrict_scs = NOT :off WHERE name = :name") : NULL;
	if (!st)
		return CTL_FAIL;
	ctl_bind_arg(st, ":off", a, "--off");
	ctl_bind_arg(st, ":name", a, "NAME");
	return ctl_run(c, st) ? CTL_OK : CTL_FAIL;
}

static int user_restrict(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, restrict_work);
}

static const struct arg_spec report_args[] = {
	{ "NAME", ARG_NAME, .help = "of the user; without it all of them" },
	{ "--since", ARG_TIME, .help = "only refusals since then" },
};

static int user_report(struct ctl *c, const struct args *a)
{
	if (!ctl_open(c, true) || (arg_given(a, "NAME") && !ctl_user(c, arg_text(a, "NAME"))))
		return CTL_FAIL;
	/* The view user_report, from a moment on. */
	sqlite3_stmt *st = ctl_prepare(c,
		"SELECT u.name AS user, event, reason, s.name AS scs, r.origin_host,"
		" CASE WHEN instr(address, ']:') THEN substr(address, 1, instr(address, ']:')) ELSE address END AS address,"
		" r.cert_sha256 AS certificate, sum(times) AS times, count(DISTINCT device) AS devices, max(device) AS device,"
		" min(first_ms) AS 'first@', max(at_ms) AS 'last@' FROM"
		" (SELECT event, reason, scs_id, origin_host, address, cert_sha256, device, subscription_id, mtc_user_id, times,"
		"  coalesce(first_ms, at_ms) AS first_ms, at_ms FROM audit WHERE decision = 'refused' AND at_ms >= :since"
		"  AND id >= " IWF_SQL_FIRST_SHOWN("audit", "at_ms", ":since")
		"  UNION ALL SELECT event, reason, scs_id, origin_host, nullif(address, ''), cert_sha256, device, subscription_id,"
		"  nullif(mtc_user_id, 0), times, first_ms, last_ms FROM audit_repeat"
		"  WHERE decision = 'refused' AND times > 0 AND last_ms >= :since) AS r"
		" LEFT JOIN subscription d ON d.id = r.subscription_id JOIN mtc_user u ON u.id = coalesce(r.mtc_user_id, d.mtc_user_id)"
		" LEFT JOIN scs s ON s.id = r.scs_id WHERE :name IS NULL OR u.name = :name "
		"GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY user, times DESC, max(at_ms) DESC");
	if (!st)
		return CTL_FAIL;
	ctl_bind_arg(st, ":name", a, "NAME");
	ctl_bind_int(st, ":since", arg_num(a, "--since", 0));
	return ctl_show(c, st, false, "nothing was refused that concerns them");
}

static const struct ctl_verb verbs[] = {
	{ "user", "add", CTL_ARGS(add_args), user_add, "make an MTC user known" },
	{ "user", "list", NULL, 0, user_list, "all MTC users" },
	{ "user", "allow", CTL_ARGS(allow_args), user_allow, "put an SCS on the user's list" },
	{ "user", "forbid", CTL_ARGS(allow_args), user_forbid, "take an SCS off the user's list" },
	{ "user", "report", CTL_ARGS(report_args), user_report, "what was refused of what concerns their devices, and from where" },
	{ "user", "restrict", CTL_ARGS(restrict_args), user_restrict, "only SCSs on the list, whatever grants say" },
};
const struct ctl_verbs ctl_user_verbs = { verbs, sizeof verbs / sizeof *verbs };
