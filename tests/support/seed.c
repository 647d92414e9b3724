/* seed.c - see seed.h */
#include "seed.h"
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store_fail.h"
#include "store_mem.h"
#include "store_sqlite.h"

static int64_t must(int64_t ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "seed: %s failed\n", what);
		abort();
	}
	return ok;
}

/* The store behind what may stand before it. */
static struct iwf_store *behind(struct iwf_store *st)
{
	while (strcmp(st->ops->name, "fail") == 0)
		st = store_fail_inner(st);
	return st;
}

static bool is_mem(const struct iwf_store *st)
{
	return strcmp(st->ops->name, "mem") == 0;
}

static sqlite3 *sql_open(struct iwf_store *st)
{
	sqlite3 *db = NULL;

	must(strcmp(st->ops->name, "sqlite") == 0, "a store that is neither mem nor sqlite");
	must(sqlite3_open_v2(iwf_sqlite_path(st), &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK, iwf_sqlite_path(st));
	sqlite3_busy_timeout(db, 2000);
	must(sqlite3_exec(db, "PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF", NULL, NULL, NULL) == SQLITE_OK, "pragmas");
	return db;
}

/* One statement on a connection of its own.  types, one a parameter: i integer,
 * z integer or NULL for 0, m integer or NULL for -1, s text or NULL, e text or
 * NULL for "".  Gives the new row's id. */
static int64_t sql(struct iwf_store *st, const char *text, const char *types, ...)
{
	sqlite3 *db = sql_open(st);
	sqlite3_stmt *stmt;
	int64_t id;
	va_list ap;

	if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) != SQLITE_OK)
		must(0, sqlite3_errmsg(db));
	va_start(ap, types);
	for (int i = 1; types[i - 1]; i++) {
		char type = types[i - 1];

		if (type == 's' || type == 'e') {
			const char *v = va_arg(ap, const char *);

			sqlite3_bind_text(stmt, i, type == 'e' && !*v ? NULL : v, -1, SQLITE_TRANSIENT);
		} else {
			int64_t v = va_arg(ap, int64_t);

			if ((type == 'z' && v == 0) || (type == 'm' && v == -1))
				sqlite3_bind_null(stmt, i);
			else
				sqlite3_bind_int64(stmt, i, v);
		}
	}
	va_end(ap);
	if (sqlite3_step(stmt) != SQLITE_DONE || sqlite3_changes(db) == 0) {
		fprintf(stderr, "seed: %s\n", text);
		must(0, sqlite3_errmsg(db));
	}
	id = sqlite3_last_insert_rowid(db);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return id;
}

struct iwf_scs seed_scs_row(const char *name, const char *origin_host)
{
	const char *dot = strchr(origin_host, '.');
	struct iwf_scs s = {
		.enabled = true, .quota = -1, .quota_period_s = 86400,
		.allow_trigger = true, .allow_recall = true, .allow_replace = true, .connections = 1,
	};

	snprintf(s.name, sizeof(s.name), "%s", name);
	snprintf(s.origin_host, sizeof(s.origin_host), "%s", origin_host);
	snprintf(s.origin_realm, sizeof(s.origin_realm), "%s", dot ? dot + 1 : origin_host);
	return s;
}

int64_t seed_user(struct iwf_store *st, const char *name, bool restrict_scs)
{
	st = behind(st);
	if (is_mem(st))
		return must(iwf_mem_add_user(st, restrict_scs), name);
	return sql(st, "INSERT INTO mtc_user (name, restrict_scs) VALUES (?, ?)", "si", name, (int64_t)restrict_scs);
}

void seed_user_allows(struct iwf_store *st, int64_t mtc_user_id, int64_t scs_id)
{
	st = behind(st);
	if (is_mem(st))
		must(iwf_mem_add_user_scs(st, mtc_user_id, scs_id), "user_allows");
	else
		sql(st, "INSERT INTO mtc_user_scs VALUES (?, ?)", "ii", mtc_user_id, scs_id);
}

int64_t seed_scs(struct iwf_store *st, const struct iwf_scs *scs)
{
	struct iwf_scs row = *scs;

	st = behind(st);
	if (is_mem(st)) {
		row.id = must(iwf_mem_add_scs(st, scs), scs->name);
	} else {
		row.id = sql(st, "INSERT INTO scs (name, origin_host, origin_realm) VALUES (?, ?, ?)", "sss", scs->name,
		             scs->origin_host, scs->origin_realm);
		seed_scs_change(st, &row);
	}
	if (*scs->e164)
		seed_number(st, row.id, scs->e164, true);
	return row.id;
}

void seed_scs_change(struct iwf_store *st, const struct iwf_scs *s)
{
	st = behind(st);
	if (is_mem(st)) {
		must(iwf_mem_set_scs(st, s), "scs_change");
		return;
	}
	sql(st, "UPDATE scs SET name = ?, origin_host = ?, origin_realm = ?, cert_san = ?, cert_sha256 = ?, domain = ?, "
	    "security = ?, enabled = ?, valid_from_ms = ?, valid_until_ms = ?, rate_per_s = ?, burst = ?, quota = ?, "
	    "quota_period_s = ?, payload_max = ?, validity_max_s = ?, allow_priority = ?, allow_trigger = ?, allow_recall = ?, "
	    "allow_replace = ? WHERE id = ?", "sss" "ees" "s" "izz" "zzm" "izz" "iiii" "i",
	    s->name, s->origin_host, s->origin_realm, s->cert_san, s->cert_sha256, s->inside ? "inside" : "outside",
	    s->ndsip ? "ndsip" : "tls", (int64_t)s->enabled, s->valid_from, s->valid_until, (int64_t)s->rate_per_s,
	    (int64_t)s->burst, s->quota, (int64_t)s->quota_period_s, (int64_t)s->payload_max, (int64_t)s->validity_max_s,
	    (int64_t)s->allow_priority, (int64_t)s->allow_trigger, (int64_t)s->allow_recall, (int64_t)s->allow_replace, s->id);
	sql(st, "INSERT OR REPLACE INTO scs_gateway VALUES (?, ?, ?)", "iie", s->id, (int64_t)s->connections, s->ndsip_address);
}

void seed_number(struct iwf_store *st, int64_t scs_id, const char *e164, bool primary)
{
	st = behind(st);
	if (is_mem(st))
		must(iwf_mem_add_number(st, scs_id, e164, primary), e164);
	else
		sql(st, "INSERT INTO scs_identity VALUES (?, ?, ?)", "isi", scs_id, e164, (int64_t)primary);
}

int64_t seed_scs_group(struct iwf_store *st, const char *name)
{
	st = behind(st);
	if (is_mem(st))
		return must(iwf_mem_add_group(st), name);
	return sql(st, "INSERT INTO scs_group (name) VALUES (?)", "s", name);
}

void seed_scs_member(struct iwf_store *st, int64_t scs_group_id, int64_t scs_id)
{
	st = behind(st);
	if (is_mem(st))
		must(iwf_mem_add_scs_member(st, scs_group_id, scs_id), "scs_member");
	else
		sql(st, "INSERT INTO scs_group_member VALUES (?, ?)", "ii", scs_group_id, scs_id);
}

int64_t seed_subscription(struct iwf_store *st, const char *imsi, const char *msisdn, int64_t mtc_user_id)
{
	struct iwf_subscription s = { .mtc_user_id = mtc_user_id, .enabled = true, .trigger_allowed = true };

	snprintf(s.imsi.digits, sizeof(s.imsi.digits), "%s", imsi);
	snprintf(s.msisdn, sizeof(s.msisdn), "%s", msisdn ? msisdn : "");
	return seed_subscription_row(st, &s);
}

int64_t seed_subscription_row(struct iwf_store *st, const struct iwf_subscription *s)
{
	st = behind(st);
	if (is_mem(st))
		return must(iwf_mem_add_subscription(st, s), s->imsi.digits);
	return sql(st, "INSERT INTO subscription (imsi, msisdn, mtc_user_id, enabled, trigger_allowed, smssc) "
	           "VALUES (?, ?, ?, ?, ?, ?)", "seziie", s->imsi.digits, s->msisdn, s->mtc_user_id, (int64_t)s->enabled,
	           (int64_t)s->trigger_allowed, s->smssc);
}

void seed_subscription_change(struct iwf_store *st, const struct iwf_subscription *s)
{
	st = behind(st);
	if (is_mem(st))
		must(iwf_mem_set_subscription(st, s), s->imsi.digits);
	else
		sql(st, "UPDATE subscription SET imsi = ?, msisdn = ?, mtc_user_id = ?, enabled = ?, trigger_allowed = ?, smssc = ? "
		    "WHERE id = ?", "seziiei", s->imsi.digits, s->msisdn, s->mtc_user_id, (int64_t)s->enabled,
		    (int64_t)s->trigger_allowed, s->smssc, s->id);
}

void seed_ext_id(struct iwf_store *st, const char *ext_id, int64_t subscription_id, int64_t scs_id)
{
	st = behind(st);
	if (is_mem(st))
		must(iwf_mem_add_ext_id(st, ext_id, subscription_id, scs_id), ext_id);
	else
		sql(st, "INSERT INTO external_id VALUES (?, ?, ?)", "siz", ext_id, subscription_id, scs_id);
}

int64_t seed_device_group(struct iwf_store *st, const char *name)
{
	st = behind(st);
	if (is_mem(st))
		return must(iwf_mem_add_group(st), name);
	return sql(st, "INSERT INTO device_group (name) VALUES (?)", "s", name);
}

void seed_device_member(struct iwf_store *st, int64_t device_group_id, int64_t subscription_id)
{
	st = behind(st);
	if (is_mem(st))
		must(iwf_mem_add_device_member(st, device_group_id, subscription_id), "device_member");
	else
		sql(st, "INSERT INTO device_group_member VALUES (?, ?)", "ii", device_group_id, subscription_id);
}

static int64_t grant_mem(struct iwf_store *st, const struct seed_grant *g)
{
	struct iwf_mem_grant row = {
		.scs_id = g->scs_id, .scs_group_id = g->scs_group_id, .subscription_id = g->subscription_id,
		.device_group_id = g->device_group_id, .domain = g->domain, .msisdn_from = g->msisdn_from,
		.msisdn_to = g->msisdn_to,
		.grant = { .services = g->services, .valid_from = g->valid_from, .valid_until = g->valid_until, .nports = g->nports },
	};

	for (size_t i = 0; i < g->nports; i++) {
		row.grant.ports[i].from = g->ports[i].from;
		row.grant.ports[i].to = g->ports[i].to;
	}
	return must(iwf_mem_add_grant(st, &row), "grant");
}

int64_t seed_grant(struct iwf_store *st, const struct seed_grant *g)
{
	int64_t id;

	st = behind(st);
	if (is_mem(st))
		return grant_mem(st, g);
	id = sql(st, "INSERT INTO \"authorization\" (scs_id, scs_group_id, subscription_id, device_group_id, domain, msisdn_from, "
	         "msisdn_to, may_trigger, may_recall, may_replace, may_monitor, valid_from_ms, valid_until_ms) "
	         "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "zzzzsssiiiizz", g->scs_id, g->scs_group_id,
	         g->subscription_id, g->device_group_id, g->domain, g->msisdn_from, g->msisdn_to,
	         (int64_t)!!(g->services & IWF_SVC_TRIGGER), (int64_t)!!(g->services & IWF_SVC_RECALL),
	         (int64_t)!!(g->services & IWF_SVC_REPLACE), (int64_t)!!(g->services & IWF_SVC_MONITOR), g->valid_from,
	         g->valid_until);
	for (size_t i = 0; i < g->nports; i++)
		sql(st, "INSERT INTO authorization_port VALUES (?, ?, ?)", "iii", id, (int64_t)g->ports[i].from,
		    (int64_t)g->ports[i].to);
	return id;
}

void seed_revoke(struct iwf_store *st, int64_t grant_id)
{
	st = behind(st);
	if (is_mem(st))
		must(iwf_mem_revoke(st, grant_id), "revoke");
	else
		sql(st, "DELETE FROM \"authorization\" WHERE id = ?", "i", grant_id);
}

/* ---- to look ---- */

/* Row i of a query; NULL: there are fewer.  Both are to be closed by look_end(). */
static sqlite3_stmt *look(struct iwf_store *st, const char *text, size_t i, sqlite3 **db)
{
	sqlite3_stmt *stmt;

	*db = sql_open(st);
	if (sqlite3_prepare_v2(*db, text, -1, &stmt, NULL) != SQLITE_OK)
		must(0, sqlite3_errmsg(*db));
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)i);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		return stmt;
	sqlite3_finalize(stmt);
	sqlite3_close(*db);
	return NULL;
}

static void look_end(sqlite3_stmt *stmt, sqlite3 *db)
{
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

static enum iwf_reason reason_of(const char *word)
{
	int r = 0;

	while (r < IWF_REASONS && strcmp(iwf_reason_str((enum iwf_reason)r), word) != 0)
		r++;
	must(r < IWF_REASONS, word);
	return (enum iwf_reason)r;
}

/* Texts of *a move into the struct they were copied from. */
static void audit_texts(struct seed_audit *out)
{
	const char **texts[] = {
		&out->a.event, &out->a.decision, &out->a.peer, &out->a.origin_host, &out->a.address, &out->a.cert,
		&out->a.device, &out->a.detail,
	};

	for (size_t k = 0; k < sizeof(texts) / sizeof(*texts); k++)
		if (*texts[k]) {
			snprintf(out->text[k], sizeof(out->text[k]), "%s", *texts[k]);
			*texts[k] = out->text[k];
		}
}

static bool audit_sql(struct iwf_store *st, size_t i, struct seed_audit *out)
{
#define TEXT(n) (const char *)sqlite3_column_text(stmt, n)
	sqlite3 *db;
	sqlite3_stmt *stmt = look(st, "SELECT at_ms, event, decision, reason, coalesce(request_status, -1), coalesce(scs_id, 0), "
	                          "peer, origin_host, address, cert_sha256, device, coalesce(subscription_id, 0), "
	                          "coalesce(reference, -1), detail, "
	                          "coalesce(mtc_user_id, 0), times, coalesce(first_ms, 0) FROM audit ORDER BY id LIMIT 1 OFFSET ?", i, &db);

	if (!stmt)
		return false;
	out->a = (struct iwf_audit){
		.at_ms = sqlite3_column_int64(stmt, 0), .event = TEXT(1), .decision = TEXT(2), .reason = reason_of(TEXT(3)),
		.request_status = sqlite3_column_int(stmt, 4), .scs_id = sqlite3_column_int64(stmt, 5), .peer = TEXT(6),
		.origin_host = TEXT(7), .address = TEXT(8), .cert = TEXT(9), .device = TEXT(10),
		.subscription_id = sqlite3_column_int64(stmt, 11), .reference = sqlite3_column_int64(stmt, 12), .detail = TEXT(13),
		.mtc_user_id = sqlite3_column_int64(stmt, 14), .times = sqlite3_column_int64(stmt, 15),
		.first_ms = sqlite3_column_int64(stmt, 16),
	};
	audit_texts(out);
	look_end(stmt, db);
	return true;
#undef TEXT
}

bool seed_audit(struct iwf_store *st, size_t i, struct seed_audit *out)
{
	const struct iwf_audit *a;

	st = behind(st);
	if (!is_mem(st))
		return audit_sql(st, i, out);
	a = iwf_mem_audit(st, i);
	if (!a)
		return false;
	out->a = *a;
	audit_texts(out);
	return true;
}

bool seed_trigger(struct iwf_store *st, size_t i, struct iwf_trigger *out)
{
	const struct iwf_trigger *t;
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int64_t id;

	st = behind(st);
	if (is_mem(st)) {
		t = iwf_mem_trigger(st, i);
		id = t ? t->id : 0;
	} else {
		stmt = look(st, "SELECT id FROM device_trigger ORDER BY id LIMIT 1 OFFSET ?", i, &db);
		id = stmt ? sqlite3_column_int64(stmt, 0) : 0;
		if (stmt)
			look_end(stmt, db);
	}
	return id && must(st->ops->trigger_get(st, id, out) == IWF_OK, "trigger_get");
}

bool seed_report(struct iwf_store *st, size_t i, struct iwf_report *out)
{
	const struct iwf_report *r;
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int64_t id;

	st = behind(st);
	if (is_mem(st)) {
		r = iwf_mem_report(st, i);
		id = r ? r->id : 0;
	} else {
		stmt = look(st, "SELECT id FROM outbox ORDER BY id LIMIT 1 OFFSET ?", i, &db);
		id = stmt ? sqlite3_column_int64(stmt, 0) : 0;
		if (stmt)
			look_end(stmt, db);
	}
	return id && must(st->ops->report_get(st, id, out) == IWF_OK, "report_get");
}

size_t seed_audits(struct iwf_store *st)
{
	struct seed_audit a;
	size_t n = 0;

	while (seed_audit(st, n, &a))
		n++;
	return n;
}

size_t seed_triggers(struct iwf_store *st)
{
	struct iwf_trigger t;
	size_t n = 0;

	while (seed_trigger(st, n, &t))
		n++;
	return n;
}

size_t seed_reports(struct iwf_store *st)
{
	struct iwf_report r;
	size_t n = 0;

	while (seed_report(st, n, &r))
		n++;
	return n;
}
