/* iwfctl_privacy.c - the audit for other eyes, and who stands behind a name of the
 * privacy key: iwfctl audit export, iwfctl reveal. */
#include "iwfctl.h"
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "hash.h"
#include "private.h"
#include "sqlite_since.h"

/* The names are those of the node's log only under the node's key. */
static bool has_key(struct ctl *c)
{
	if (!ctl_read_conf(c))
		return false;
	if (!*c->conf.privacy.hash_key_file)
		ctl_fail("privacy.hash_key_file is not set: the names that the node gives are forgotten when it ends");
	return c->imsi_names;
}

/* ---- audit export ------------------------------------------------------- */

static const struct arg_spec export_args[] = {
	{ "--format", ARG_CHOICE, .choices = "csv|json", .help = "csv (RFC 4180, with a line of names), or json: one object a line (csv)" },
	{ "--after", ARG_UINT, .max = INT64_MAX, .help = "only rows behind that one: the last id of an export before" },
	{ "--since", ARG_TIME, .help = "only since then" },
	{ "--until", ARG_TIME, .help = "only before then" },
};

/* How a column goes out: as it is, a time, a device by its name under the key, words in which what may be an IMSI is
 * masked, or those of an administrator, who names devices in them. */
enum how { PLAIN, TIME, DEVICE, WORDS, COMMAND };
static const struct { const char *name, *sql; enum how how; } columns[] = {
	{ "id", "a.id", PLAIN }, { "at", "a.at_ms", TIME }, { "event", "event", PLAIN }, { "decision", "decision", PLAIN },
	{ "reason", "reason", PLAIN }, { "status", "request_status", PLAIN }, { "scs", "s.name", PLAIN }, { "peer", "peer", WORDS },
	{ "origin_host", "a.origin_host", WORDS }, { "address", "address", PLAIN }, { "cert_sha256", "a.cert_sha256", PLAIN },
	{ "device", "device", DEVICE }, { "reference", "reference", PLAIN }, { "detail", "detail", COMMAND }, { "times", "times", PLAIN },
	{ "first", "first_ms", TIME }, { "user", "u.name", PLAIN }, { "hash", "lower(hex(hash))", PLAIN },
};
#define EVENT 2
#define COLUMNS (sizeof columns / sizeof *columns)

static void put_csv(const char *text)
{
	if (!text[strcspn(text, "\",\r\n")]) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static bool names_device(const char *word)
{
	struct iwf_extid id;
	return !iwf_extid_parse((struct iwf_view){ (const uint8_t *)word, strlen(word) }, &id) || !iwf_e164_check(word);
}

static void mask_command(const char *text, char *out, size_t size)
{
	char word[1024], name[17];
	size_t n = 0;

	out[0] = '\0';
	while (*text && n + 1 < size) {
		size_t len = strcspn(text, " =,"), cut = len < sizeof word ? len : sizeof word - 1;
		snprintf(word, sizeof word, "%.*s", (int)cut, text);
		if (names_device(word)) {
			iwf_hash_private(word, name);
			snprintf(word, sizeof word, "#%s", name);
		}
		text += len;
		n += (size_t)snprintf(out + n, size - n, "%s%.1s", word, text);
		text += *text != '\0';
	}
}

static const char *exported(sqlite3_stmt *st, size_t i, char *buf, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(st, (int)i);
	char name[17];

	if (!text)
		return NULL;
	switch (columns[i].how) {
	case PLAIN:
		return text;
	case TIME:
		return ctl_time(sqlite3_column_int64(st, (int)i), buf);
	case DEVICE:
		iwf_hash_private(text, name);
		snprintf(buf, size, "#%s", name);
		return buf;
	case WORDS:
		iwf_private_mask_any(text, buf, size);
		return buf;
	case COMMAND:
		if (strcmp((const char *)sqlite3_column_text(st, EVENT), "admin") != 0) {
			iwf_private_mask_any(text, buf, size);
		} else {
			char masked[4096];
			mask_command(text, masked, sizeof masked);
			iwf_private_mask_any(masked, buf, size);
		}
		return buf;
	}
	return NULL;
}

static void put_row(sqlite3_stmt *st, bool json)
{
	char buf[4096];

	for (size_t i = 0; i < COLUMNS; i++) {
		const char *text = exported(st, i, buf, sizeof buf);

		if (!json) {
			if (i)
				putchar(',');
			if (text)
				put_csv(text);
		} else if (text) {
			printf("%c\"%s\":", i ? ',' : '{', columns[i].name);
			if (columns[i].how == PLAIN && sqlite3_column_type(st, (int)i) == SQLITE_INTEGER)
				fputs(text, stdout);
			else
				out_json_string(stdout, text);
		}
	}
	puts(json ? "}" : "\r");
}

static sqlite3_stmt *select_rows(struct ctl *c)
{
	char sql[4096] = "SELECT ";

	for (size_t i = 0; i < COLUMNS; i++)
		snprintf(sql + strlen(sql), sizeof sql - strlen(sql), "%s%s", i ? ", " : "", columns[i].sql);
	snprintf(sql + strlen(sql), sizeof sql - strlen(sql),
	         " FROM audit a LEFT JOIN scs s ON s.id = a.scs_id LEFT JOIN mtc_user u ON u.id = a.mtc_user_id"
	         " WHERE (:after IS NULL OR a.id > :after) AND (:since IS NULL OR at_ms >= :since) AND (:until IS NULL OR at_ms < :until)"
	         " AND a.id >= " IWF_SQL_FIRST_SHOWN("audit", "at_ms", ":since")
	         " ORDER BY a.id");
	return ctl_prepare(c, sql);
}

static int audit_export(struct ctl *c, const struct args *a)
{
	const char *format = arg_text(a, "--format");
	bool json = c->json || (format && !strcmp(format, "json"));
	int rc;

	if (!has_key(c) || !ctl_open(c, true))
		return CTL_FAIL;
	sqlite3_stmt *st = select_rows(c);
	if (!st)
		return CTL_FAIL;
	ctl_bind_arg(st, ":after", a, "--after");
	ctl_bind_arg(st, ":since", a, "--since");
	ctl_bind_arg(st, ":until", a, "--until");
	for (size_t i = 0; i < COLUMNS && !json; i++)
		printf("%s%s", columns[i].name, i + 1 < COLUMNS ? "," : "\r\n");
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		put_row(st, json);
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? CTL_OK : ctl_fail("%s", sqlite3_errmsg(c->sql));
}

/* ---- reveal ------------------------------------------------------------- */

static const struct arg_spec reveal_args[] = {
	{ "name", ARG_TEXT, ARG_NEEDED | ARG_MANY, .help = "16 hexadecimal digits, as in the log behind '#'" },
};

/* Known to the HSS only, or deleted since. */
#define NOT_OURS "NOT EXISTS (SELECT 1 FROM subscription WHERE id = t.subscription_id)"
/* Where a name can come from.  The key is one-way: all there is has to be tried. */
static const struct { const char *what, *sql; } sources[] = {
	{ "imsi", "SELECT imsi, id FROM subscription" },
	{ "msisdn", "SELECT msisdn, id FROM subscription WHERE msisdn IS NOT NULL" },
	{ "external-id", "SELECT ext_id, subscription_id FROM external_id" },
	{ "imsi", "SELECT DISTINCT imsi, NULL FROM device_trigger t WHERE " NOT_OURS },
	{ "external-id", "SELECT DISTINCT ext_id, NULL FROM device_trigger t WHERE ext_id IS NOT NULL AND " NOT_OURS },
	{ "msisdn", "SELECT DISTINCT msisdn, NULL FROM device_trigger t WHERE msisdn IS NOT NULL AND " NOT_OURS },
	{ "as an SCS wrote it", "SELECT DISTINCT device, NULL FROM audit WHERE device IS NOT NULL"
	                        " AND device NOT IN (SELECT ext_id FROM external_id)" },
};

static const char *name_at(const struct args *a, size_t i)
{
	const char *name = arg_nth(a, "name", i);
	return name && *name == '#' ? name + 1 : name;
}

static int search(struct ctl *c, const struct args *a, struct out *o, size_t source, unsigned *found)
{
	sqlite3_stmt *st = ctl_prepare(c, sources[source].sql);
	char name[17];
	int rc;

	if (!st)
		return CTL_FAIL;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(st, 0), *asked;

		iwf_hash_private(text, name);
		for (size_t i = 0; (asked = name_at(a, i)); i++) {
			if (strcasecmp(asked, name))
				continue;
			out_text(o, name);
			out_text(o, sources[source].what);
			out_text(o, text);
			if (sqlite3_column_type(st, 1) == SQLITE_NULL)
				out_text(o, NULL);
			else
				out_int(o, sqlite3_column_int64(st, 1));
			++*found;
		}
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? CTL_OK : ctl_fail("%s", sqlite3_errmsg(c->sql));
}

static int reveal(struct ctl *c, const struct args *a)
{
	static const char *const names[] = { "name", "what", "is", "subscription" };
	unsigned found = 0;
	int status = CTL_OK;
	const char *name;

	for (size_t i = 0; (name = name_at(a, i)); i++)
		if (strlen(name) != 16 || strspn(name, "0123456789abcdefABCDEF") != 16)
			return ctl_fail("'%s' is no name: 16 hexadecimal digits", name);
	/* That somebody asks is on record before there is an answer, and the store is not locked while it is looked for. */
	if (!has_key(c) || ctl_note(c, a) != CTL_OK || !ctl_open(c, true))
		return CTL_FAIL;
	struct out *o = out_new(c, false, names, sizeof names / sizeof *names);
	for (size_t i = 0; i < sizeof sources / sizeof *sources && status == CTL_OK; i++)
		status = search(c, a, o, i, &found);
	out_print(o);
	if (status == CTL_OK && !found)
		return ctl_fail("nothing in this store has such a name under this key");
	return status;
}

static const struct ctl_verb verbs[] = {
	{ "audit", "export", CTL_ARGS(export_args), audit_export, "for other eyes: devices by their names under the privacy key" },
	{ "reveal", "", CTL_ARGS(reveal_args), reveal, "who is #NAME?  Needs the privacy key, and is audited" },
};
const struct ctl_verbs ctl_privacy_verbs = { verbs, sizeof verbs / sizeof *verbs };
