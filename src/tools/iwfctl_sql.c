/* iwfctl_sql.c - the store's connection, and plain SQL on it. */
#include "iwfctl.h"
#include <errno.h>
#include <pwd.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool ctl_open(struct ctl *c, bool read_only)
{
	const char *path = ctl_store_path(c);
	char uri[600], err[512];
	if (!path)
		return false;
	if (access(path, F_OK) != 0) {
		ctl_fail(errno == ENOENT ? "there is no store at %s; `iwfctl db init` makes one" : "cannot look at %s: %m", path);
		return false;
	}
	snprintf(uri, sizeof uri, "sqlite:%s", path);
	const struct iwf_store_opts opts = {
		.busy_timeout_ms = c->conf.store.busy_timeout_ms > 2000 ? c->conf.store.busy_timeout_ms : 2000,  /* a person can wait */
		.read_only = read_only,
	};
	c->store = iwf_store_open(uri, &opts, err, sizeof err);
	if (!c->store) {
		ctl_fail("%s", err);
		return false;
	}
	c->sql = iwf_store_sqlite(c->store);
	return true;
}

void ctl_close(struct ctl *c)
{
	iwf_store_close(c->store);
	c->store = NULL;
	c->sql = NULL;
}

static const char *who(char *buf, size_t size)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw = getpwuid(getuid());
	if (getuid() == 0 && sudo && *sudo)
		snprintf(buf, size, "%.60s", sudo);
	else if (pw)
		snprintf(buf, size, "%.60s", pw->pw_name);
	else
		snprintf(buf, size, "uid %u", (unsigned)getuid());
	return buf;
}

enum iwf_err ctl_audit(struct ctl *c, const char *more)
{
	char detail[1400], user[64];
	snprintf(detail, sizeof detail, "%s: %s%s", who(user, sizeof user), c->said, more);
	const struct iwf_audit row = {
		.at_ms = ctl_now_ms(), .event = "admin", .decision = "accepted", .reason = RS_NONE,
		.request_status = -1, .reference = -1, .detail = detail,
	};
	return c->store->ops->audit_add(c->store, &row);
}

int ctl_change(struct ctl *c, const struct args *a, int (*work)(struct ctl *, const struct args *))
{
	if (!ctl_open(c, false))
		return CTL_FAIL;
	enum iwf_err err = c->store->ops->begin(c->store);
	c->sql = iwf_store_sqlite(c->store);         /* begin may have opened it anew */
	int status = err || !c->sql ? ctl_fail("cannot begin: %s", iwf_err_str(err)) : work(c, a);
	if (status == CTL_OK && (err = ctl_audit(c, "")) != IWF_OK)
		status = ctl_fail("nothing was changed: the audit can't be written: %s", iwf_err_str(err));
	if (status == CTL_OK && (err = c->store->ops->commit(c->store)) != IWF_OK)
		status = ctl_fail("nothing was changed: %s", iwf_err_str(err));
	if (status != CTL_OK)
		c->store->ops->rollback(c->store);
	ctl_close(c);
	return status;
}

static int nothing(struct ctl *c, const struct args *a)
{
	return CTL_OK;
}

int ctl_note(struct ctl *c, const struct args *a)
{
	return ctl_change(c, a, nothing);
}

sqlite3_stmt *ctl_prepare(struct ctl *c, const char *sql)
{
	sqlite3_stmt *st;
	if (sqlite3_prepare_v2(c->sql, sql, -1, &st, NULL) == SQLITE_OK)
		return st;
	ctl_fail("%s", sqlite3_errmsg(c->sql));
	return NULL;
}

/* A name that the statement doesn't have is our own mistake. */
static int parameter(sqlite3_stmt *st, const char *name)
{
	int i = sqlite3_bind_parameter_index(st, name);
	if (i)
		return i;
	fprintf(stderr, "iwfctl: no parameter %s in: %s\n", name, sqlite3_sql(st));
	abort();
}

void ctl_bind_text(sqlite3_stmt *st, const char *name, const char *text)
{
	sqlite3_bind_text(st, parameter(st, name), text, -1, SQLITE_TRANSIENT);
}

void ctl_bind_int(sqlite3_stmt *st, const char *name, int64_t v)
{
	sqlite3_bind_int64(st, parameter(st, name), v);
}

void ctl_bind_arg(sqlite3_stmt *st, const char *name, const struct args *a, const char *arg)
{
	for (size_t i = 0; i < a->nspec; i++) {
		if (strcmp(a->spec[i].name, arg) != 0)
			continue;
		enum arg_type t = a->spec[i].type;
		if (t == ARG_FLAG)
			ctl_bind_int(st, name, arg_given(a, arg));
		else if ((t == ARG_UINT || t == ARG_TIME) && arg_given(a, arg))
			ctl_bind_int(st, name, arg_num(a, arg, 0));
		else
			ctl_bind_text(st, name, arg_text(a, arg));
		return;
	}
	arg_given(a, arg);                           /* ends the process */
}

/* What the schema's rules mean to the person who broke one. */
static const struct { const char *rule, *words; } rules[] = {
	{ "UNIQUE constraint failed: scs.name",                "there is an SCS of that name already" },
	{ "UNIQUE constraint failed: scs.origin_host",         "another SCS has that Origin-Host" },
	{ "UNIQUE constraint failed: scs_identity",            "an SCS has that number already" },
	{ "UNIQUE constraint failed: mtc_user.name",           "there is a user of that name already" },
	{ "UNIQUE constraint failed: mtc_user_scs",            "that user allows this SCS already" },
	{ "UNIQUE constraint failed: subscription.imsi",       "a device with that IMSI is there already" },
	{ "UNIQUE constraint failed: subscription.msisdn",     "another device has that MSISDN" },
	{ "UNIQUE constraint failed: external_id",             "a device has that External Identifier already" },
	{ "UNIQUE constraint failed: scs_group.name",          "there is a group of that name already" },
	{ "UNIQUE constraint failed: device_group.name",       "there is a group of that name already" },
	{ "UNIQUE constraint failed: device_group.external_group_id", "another group has that External Group Identifier" },
	{ "UNIQUE constraint failed: scs_group_member",        "it is a member already" },
	{ "UNIQUE constraint failed: device_group_member",     "it is a member already" },
	{ "UNIQUE constraint failed: authorization_port",      "two of the port ranges begin at the same port" },
	{ "CHECK constraint failed: valid_from_ms",            "--valid-from has to be before --valid-until" },
	{ "CHECK constraint failed: security",                 "NDS/IP is for SCSs inside the operator's domain: --ndsip goes with --inside" },
};

bool ctl_run(struct ctl *c, sqlite3_stmt *st)
{
	int rc;
	do
		rc = sqlite3_step(st);
	while (rc == SQLITE_ROW);
	char why[300];
	snprintf(why, sizeof why, "%s", sqlite3_errmsg(c->sql));
	sqlite3_finalize(st);
	if (rc == SQLITE_DONE)
		return true;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (strncmp(why, rules[i].rule, strlen(rules[i].rule)) == 0) {
			ctl_fail("%s", rules[i].words);
			return false;
		}
	if (rc == SQLITE_BUSY)
		ctl_fail("somebody else is writing to the store; try again");
	else
		ctl_fail("the store does not take it: %s", why);
	return false;
}

int64_t ctl_id(struct ctl *c, sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);
	int64_t id = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : rc == SQLITE_DONE ? 0 : -1;
	if (id < 0)
		ctl_fail("%s", sqlite3_errmsg(c->sql));
	sqlite3_finalize(st);
	return id;
}

int64_t ctl_find(struct ctl *c, const char *table_sql, const char *what, const char *name)
{
	sqlite3_stmt *st = ctl_prepare(c, table_sql);
	if (!st)
		return 0;
	ctl_bind_text(st, ":name", name);
	int64_t id = ctl_id(c, st);
	if (id == 0)
		ctl_fail("there is no %s '%s'", what, name);
	return id > 0 ? id : 0;
}

int64_t ctl_scs(struct ctl *c, const char *name)
{
	return ctl_find(c, "SELECT id FROM scs WHERE name = :name", "SCS", name);
}

int64_t ctl_user(struct ctl *c, const char *name)
{
	return ctl_find(c, "SELECT id FROM mtc_user WHERE name = :name", "user", name);
}

int64_t ctl_device(struct ctl *c, const char *device)
{
	if (strchr(device, '@'))
		return ctl_find(c, "SELECT subscription_id FROM external_id WHERE ext_id = :name", "device", device);
	if (*device == '#')
		return ctl_find(c, "SELECT id FROM subscription WHERE id = CAST(substr(:name, 2) AS INTEGER)", "device", device);
	if (strncmp(device, "imsi:", 5) != 0)
		return ctl_find(c, "SELECT id FROM subscription WHERE msisdn = :name", "device", device);
	sqlite3_stmt *st = ctl_prepare(c, "SELECT id FROM subscription WHERE imsi = :imsi");
	if (!st)
		return 0;
	ctl_bind_text(st, ":imsi", device + 5);
	int64_t id = ctl_id(c, st);
	if (id == 0)
		ctl_fail("there is no device with that IMSI");
	return id > 0 ? id : 0;
}
