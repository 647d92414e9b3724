/* iwfctl_device.c - iwfctl device: subscriptions and their names. */
#include "iwfctl.h"
#include <sqlite3.h>
#include <string.h>

static const struct arg_spec add_args[] = {
	{ "--imsi", ARG_IMSI, ARG_NEEDED, .help = "14 or 15 digits; never leaves the operator" },
	{ "--msisdn", ARG_E164, .help = "its number, unless it has none" },
	{ "--ext-id", ARG_EXTID, ARG_MANY, .help = "External Identifier" },
	{ "--for-scs", ARG_NAME, .help = "only this SCS knows it by those External Identifiers" },
	{ "--user", ARG_NAME, .help = "the MTC user who owns it" },
	{ "--smssc", ARG_HOST, .help = "its SMS-SC, if it is not by configuration" },
};

static int add_work(struct ctl *c, const struct args *a)
{
	int64_t user = 0, scs = 0;
	if (!arg_given(a, "--msisdn") && !arg_given(a, "--ext-id"))
		return ctl_fail("a device needs an MSISDN or an External Identifier, or no SCS can name it");
	if (arg_given(a, "--user") && !(user = ctl_user(c, arg_text(a, "--user"))))
		return CTL_FAIL;
	if (arg_given(a, "--for-scs") && !(scs = ctl_scs(c, arg_text(a, "--for-scs"))))
		return CTL_FAIL;
	sqlite3_stmt *st = ctl_prepare(c, "INSERT INTO subscription (imsi, msisdn, mtc_user_id, smssc) "
	                                  "VALUES (:imsi, :msisdn, nullif(:user, 0), :smssc)");
	if (!st)
		return CTL_FAIL;
	ctl_bind_arg(st, ":imsi", a, "--imsi");
	ctl_bind_arg(st, ":msisdn", a, "--msisdn");
	ctl_bind_int(st, ":user", user);
	ctl_bind_arg(st, ":smssc", a, "--smssc");
	if (!ctl_run(c, st))
		return CTL_FAIL;
	int64_t id = c->made = sqlite3_last_insert_rowid(c->sql);
	for (size_t i = 0; arg_nth(a, "--ext-id", i); i++) {
		st = ctl_prepare(c, "INSERT INTO external_id (ext_id, subscription_id, scs_id) VALUES (:ext, :id, nullif(:scs, 0))");
		if (!st)
			return CTL_FAIL;
		ctl_bind_text(st, ":ext", arg_nth(a, "--ext-id", i));
		ctl_bind_int(st, ":id", id);
		ctl_bind_int(st, ":scs", scs);
		if (!ctl_run(c, st))
			return CTL_FAIL;
	}
	return CTL_OK;
}

static int device_add(struct ctl *c, const struct args *a)
{
	int status = ctl_change(c, a, add_work);
	if (status == CTL_OK)
		printf("device #%lld added\n", (long long)c->made);
	return status;
}

#define NAMES "(SELECT group_concat(ext_id, ', ') FROM (SELECT ext_id FROM external_id e WHERE e.subscription_id = s.id ORDER BY ext_id))"

static const struct arg_spec list_args[] = {
	{ "--user", ARG_NAME, .help = "only those of this user" },
	{ "--domain", ARG_DOMAIN, .help = "only those with an External Identifier of this domain" },
	{ "--limit", ARG_UINT, .min = 1, .max = 1000000000, .help = "at most so many (1000)" },
};

static int device_list(struct ctl *c, const struct args *a)
{
	if (!ctl_open(c, true))
		return CTL_FAIL;
	sqlite3_stmt *st = ctl_prepare(c,
		"SELECT '#' || s.id AS id, imsi AS 'imsi*', msisdn, " NAMES " AS external_identifiers, u.name AS user,"
		" enabled AS 'enabled?', trigger_allowed AS 'triggers?' "
		"FROM subscription s LEFT JOIN mtc_user u ON u.id = s.mtc_user_id "
		"WHERE (:user IS NULL OR u.name = :user) AND (:domain IS NULL OR EXISTS (SELECT 1 FROM external_id e"
		" WHERE e.subscription_id = s.id AND substr(ext_id, instr(ext_id, '@') + 1) = :domain)) "
		"ORDER BY s.id LIMIT :limit");
	if (!st)
		return CTL_FAIL;
	ctl_bind_arg(st, ":user", a, "--user");
	ctl_bind_arg(st, ":domain", a, "--domain");
	ctl_bind_int(st, ":limit", arg_num(a, "--limit", 1000));
	return ctl_show(c, st, false, "no such device");
}

static const struct arg_spec show_args[] = {
	{ "DEVICE", ARG_DEVICE, ARG_NEEDED, .help = "External Identifier, MSISDN, imsi:DIGITS or #ID" },
	{ "--imsi", ARG_FLAG, .help = "show the IMSI in full; that is audited" },
};

static int device_show(struct ctl *c, const struct args *a)
{
	int64_t id;
	if ((arg_given(a, "--imsi") && ctl_note(c, a) != CTL_OK) || !ctl_open(c, true) || !(id = ctl_device(c, arg_text(a, "DEVICE"))))
		return CTL_FAIL;
	sqlite3_stmt *st = ctl_prepare(c, arg_given(a, "--imsi") ?
#define SHOW(imsi) \
		"SELECT '#' || s.id AS id, " imsi ", msisdn, u.name AS user, enabled AS 'enabled?', trigger_allowed AS 'triggers?', smssc," \
		" (SELECT group_concat(ext_id || coalesce(' (only for ' || p.name || ')', ''), ', ') FROM external_id e" \
		"   LEFT JOIN scs p ON p.id = e.scs_id WHERE e.subscription_id = s.id) AS external_identifiers," \
		" (SELECT group_concat(g.name, ', ') FROM device_group_member m JOIN device_group g ON g.id = m.device_group_id" \
		"   WHERE m.subscription_id = s.id) AS groups, s.created_ms AS 'created@' " \
		"FROM subscription s LEFT JOIN mtc_user u ON u.id = s.mtc_user_id WHERE s.id = :id"
		SHOW("imsi") : SHOW("imsi AS 'imsi*'"));
	if (!st)
		return CTL_FAIL;
	ctl_bind_int(st, ":id", id);
	return ctl_show(c, st, true, NULL);
}

static int set_enabled(struct ctl *c, const struct args *a, bool on)
{
	int64_t id = ctl_device(c, arg_text(a, "DEVICE"));
	sqlite3_stmt *st = id ? ctl_prepare(c, "UPDATE subscription SET enabled = :on WHERE id = :id") : NULL;
	if (!st)
		return CTL_FAIL;
	ctl_bind_int(st, ":on", on);
	ctl_bind_int(st, ":id", id);
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

static int device_enable(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, enable_work);
}

static int device_disable(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, disable_work);
}

static const struct arg_spec one_args[] = {
	{ "DEVICE", ARG_DEVICE, ARG_NEEDED, .help = "External Identifier, MSISDN, imsi:DIGITS or #ID" },
};

static const struct ctl_verb verbs[] = {
	{ "device", "add", CTL_ARGS(add_args), device_add, "make a device known" },
	{ "device", "list", CTL_ARGS(list_args), device_list, "devices" },
	{ "device", "show", CTL_ARGS(show_args), device_show, "one device, all of it" },
	{ "device", "enable", CTL_ARGS(one_args), device_enable, "let it be triggered again" },
	{ "device", "disable", CTL_ARGS(one_args), device_disable, "as if it were not there, from now on" },
};
const struct ctl_verbs ctl_device_verbs = { verbs, sizeof verbs / sizeof *verbs };
