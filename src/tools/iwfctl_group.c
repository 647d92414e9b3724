/* iwfctl_group.c - iwfctl scs-group and device-group. */
#include "iwfctl.h"
#include <sqlite3.h>

static const struct arg_spec name_args[] = { { "NAME", ARG_NAME, ARG_NEEDED, .help = "of the group" } };
static const struct arg_spec scs_member_args[] = {
	{ "NAME", ARG_NAME, ARG_NEEDED, .help = "of the group" },
	{ "--scs", ARG_NAME, ARG_NEEDED, .help = "the SCS" },
};
static const struct arg_spec device_add_args[] = {
	{ "NAME", ARG_NAME, ARG_NEEDED, .help = "of the group" },
	{ "--external-group-id", ARG_EXTID, .help = "External Group Identifier" },
	{ "--user", ARG_NAME, .help = "the MTC user who owns it" },
};
static const struct arg_spec device_member_args[] = {
	{ "NAME", ARG_NAME, ARG_NEEDED, .help = "of the group" },
	{ "--device", ARG_DEVICE, ARG_NEEDED, .help = "the device" },
};

static int64_t scs_group(struct ctl *c, const char *name)
{
	return ctl_find(c, "SELECT id FROM scs_group WHERE name = :name", "SCS group", name);
}

static int64_t device_group(struct ctl *c, const char *name)
{
	return ctl_find(c, "SELECT id FROM device_group WHERE name = :name", "device group", name);
}

static int scs_add_work(struct ctl *c, const struct args *a)
{
	sqlite3_stmt *st = ctl_prepare(c, "INSERT INTO scs_group (name) VALUES (:name)");
	if (!st)
		return CTL_FAIL;
	ctl_bind_arg(st, ":name", a, "NAME");
	return ctl_run(c, st) ? CTL_OK : CTL_FAIL;
}

static int device_add_work(struct ctl *c, const struct args *a)
{
	int64_t user = 0;
	if (arg_given(a, "--user") && !(user = ctl_user(c, arg_text(a, "--user"))))
		return CTL_FAIL;
	sqlite3_stmt *st = ctl_prepare(c, "INSERT INTO device_group (name, external_group_id, mtc_user_id) "
	                                  "VALUES (:name, :group, nullif(:user, 0))");
	if (!st)
		return CTL_FAIL;
	ctl_bind_arg(st, ":name", a, "NAME");
	ctl_bind_arg(st, ":group", a, "--external-group-id");
	ctl_bind_int(st, ":user", user);
	return ctl_run(c, st) ? CTL_OK : CTL_FAIL;
}

/* Joins or leaves: `sql` with :group and :member. */
static int member(struct ctl *c, int64_t group, int64_t id, const char *sql)
{
	sqlite3_stmt *st = ctl_prepare(c, sql);
	if (!st)
		return CTL_FAIL;
	ctl_bind_int(st, ":group", group);
	ctl_bind_int(st, ":member", id);
	if (!ctl_run(c, st))
		return CTL_FAIL;
	return sqlite3_changes(c->sql) ? CTL_OK : ctl_fail("it is no member");
}

static int scs_member(struct ctl *c, const struct args *a, const char *sql)
{
	int64_t group = scs_group(c, arg_text(a, "NAME")), scs = group ? ctl_scs(c, arg_text(a, "--scs")) : 0;
	return scs ? member(c, group, scs, sql) : CTL_FAIL;
}

static int device_member(struct ctl *c, const struct args *a, const char *sql)
{
	int64_t group = device_group(c, arg_text(a, "NAME")), device = group ? ctl_device(c, arg_text(a, "--device")) : 0;
	return device ? member(c, group, device, sql) : CTL_FAIL;
}

static int scs_join_work(struct ctl *c, const struct args *a)
{
	return scs_member(c, a, "INSERT INTO scs_group_member (scs_group_id, scs_id) VALUES (:group, :member)");
}

static int scs_leave_work(struct ctl *c, const struct args *a)
{
	return scs_member(c, a, "DELETE FROM scs_group_member WHERE scs_group_id = :group AND scs_id = :member");
}

static int device_join_work(struct ctl *c, const struct args *a)
{
	return device_member(c, a, "INSERT INTO device_group_member (device_group_id, subscription_id) VALUES (:group, :member)");
}

static int device_leave_work(struct ctl *c, const struct args *a)
{
	return device_member(c, a, "DELETE FROM device_group_member WHERE device_group_id = :group AND subscription_id = :member");
}

static int scs_group_add(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, scs_add_work);
}

static int scs_group_join(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, scs_join_work);
}

static int scs_group_leave(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, scs_leave_work);
}

static int device_group_add(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, device_add_work);
}

static int device_group_join(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, device_join_work);
}

static int device_group_leave(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, device_leave_work);
}

static int list(struct ctl *c, const char *sql)
{
	sqlite3_stmt *st = ctl_open(c, true) ? ctl_prepare(c, sql) : NULL;
	return st ? ctl_show(c, st, false, "no group yet") : CTL_FAIL;
}

static int scs_group_list(struct ctl *c, const struct args *a)
{
	return list(c, "SELECT name, (SELECT group_concat(s.name, ', ') FROM scs_group_member m JOIN scs s ON s.id = m.scs_id"
	               " WHERE m.scs_group_id = g.id) AS members FROM scs_group g ORDER BY name");
}

static int device_group_list(struct ctl *c, const struct args *a)
{
	return list(c, "SELECT g.name, external_group_id, u.name AS user, (SELECT count(*) FROM device_group_member m"
	               " WHERE m.device_group_id = g.id) AS members "
	               "FROM device_group g LEFT JOIN mtc_user u ON u.id = g.mtc_user_id ORDER BY g.name");
}

static int device_group_show(struct ctl *c, const struct args *a)
{
	int64_t group = ctl_open(c, true) ? device_group(c, arg_text(a, "NAME")) : 0;
	sqlite3_stmt *st = group ? ctl_prepare(c,
		"SELECT '#' || s.id AS id, imsi AS 'imsi*', msisdn, (SELECT group_concat(ext_id, ', ') FROM external_id e"
		" WHERE e.subscription_id = s.id) AS external_identifiers, enabled AS 'enabled?' FROM device_group_member m "
		"JOIN subscription s ON s.id = m.subscription_id WHERE m.device_group_id = :group ORDER BY s.id") : NULL;
	if (!st)
		return CTL_FAIL;
	ctl_bind_int(st, ":group", group);
	return ctl_show(c, st, false, "no member yet");
}

static const struct ctl_verb verbs[] = {
	{ "scs-group", "add", CTL_ARGS(name_args), scs_group_add, "make a group of SCSs" },
	{ "scs-group", "list", NULL, 0, scs_group_list, "the groups and their members" },
	{ "scs-group", "join", CTL_ARGS(scs_member_args), scs_group_join, "put an SCS into a group" },
	{ "scs-group", "leave", CTL_ARGS(scs_member_args), scs_group_leave, "take an SCS out of a group" },
	{ "device-group", "add", CTL_ARGS(device_add_args), device_group_add, "make a group of devices" },
	{ "device-group", "list", NULL, 0, device_group_list, "the groups" },
	{ "device-group", "show", CTL_ARGS(name_args), device_group_show, "the members of one" },
	{ "device-group", "join", CTL_ARGS(device_member_args), device_group_join, "put a device into a group" },
	{ "device-group", "leave", CTL_ARGS(device_member_args), device_group_leave, "take a device out of a group" },
};
const struct ctl_verbs ctl_group_verbs = { verbs, sizeof verbs / sizeof *verbs };
