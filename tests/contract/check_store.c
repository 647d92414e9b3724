/* check_store.c - the contract of core/store.h, on every back end alike; what is
 * SQLite's own is in the files beside this one. */
#define _GNU_SOURCE
#include "check_store.h"
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "log.h"

static char work_dir[] = "/tmp/check_store.XXXXXX";

void work_setup(void)
{
	strcpy(strrchr(work_dir, '.'), ".XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(work_dir));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void work_teardown(void)
{
	nftw(work_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *work_path(const char *name)
{
	static char buf[4][256];
	static unsigned turn;
	char *out = buf[turn++ % 4];

	snprintf(out, sizeof(buf[0]), "%s/%s", work_dir, name);
	return out;
}

static unsigned nlines;
static char last_line[IWF_LOG_LINE_MAX];

static void count_line(void *ctx, enum iwf_log_level level, enum iwf_log_sub sub, const char *line)
{
	ck_assert_int_eq(sub, IWF_SUB_STORE);
	nlines++;
	snprintf(last_line, sizeof(last_line), "%s", line);
}

void log_quiet(void)
{
	nlines = 0;
	last_line[0] = '\0';
	iwf_log_set_sink(count_line, NULL);
}

unsigned log_lines(void)
{
	return nlines;
}

const char *log_last(void)
{
	return last_line;
}

static struct iwf_store *open_uri(const char *uri, uint32_t busy_timeout_ms, bool create)
{
	const struct iwf_store_opts opts = { .busy_timeout_ms = busy_timeout_ms, .create = create };
	char err[512];
	struct iwf_store *st = iwf_store_open(uri, &opts, err, sizeof(err));

	ck_assert_msg(st != NULL, "%s", err);
	return st;
}

const char *sqlite_uri(void)
{
	static char uri[300];

	snprintf(uri, sizeof(uri), "sqlite:%s", work_path("iwf.db"));
	return uri;
}

struct iwf_store *fresh(int backend)
{
	log_quiet();
	if (backend == MEM)
		return open_uri("mem:", 100, false);
	unlink(work_path("iwf.db"));
	unlink(work_path("iwf.db-wal"));
	unlink(work_path("iwf.db-shm"));
	return open_uri(sqlite_uri(), 100, true);
}

struct iwf_store *again(uint32_t busy_timeout_ms)
{
	return open_uri(sqlite_uri(), busy_timeout_ms, false);
}

struct iwf_trigger trigger_row(int64_t scs_id, uint32_t reference)
{
	static const uint8_t payload[] = { 0, 1, 0xff, 'x' }, nodes[] = { 'n', 0, 'n' };
	struct iwf_trigger t = {
		.scs_id = scs_id, .reference = reference, .action = TSP_TRIGGER, .imsi = { "001010000000001" },
		.ext_id = "meter1@iot.example.com", .msisdn = "491510000001", .scs_identity = "491510001001",
		.smea = "491510001002", .dest_host = "scs.acme.example", .dest_realm = "acme.example",
		.state = TRG_SUBMITTING, .request_status = -1, .outcome = -1, .diagnostic = -1, .end_to_end = 0xfffffffe,
		.received_ms = 1795219200123, .validity_end_ms = 1795222800123, .priority = true, .port = 5683,
		.smssc = "smssc1.operator.example", .payload = payload, .payload_len = sizeof(payload),
		.nodes = nodes, .nodes_len = sizeof(nodes),
	};

	for (size_t i = 0; i < sizeof(t.content_hash); i++)
		t.content_hash[i] = (uint8_t)(255 - i);
	return t;
}

struct iwf_report report_row(int64_t trigger_id, int64_t scs_id, int64_t next_ms)
{
	return (struct iwf_report){
		.trigger_id = trigger_id, .scs_id = scs_id, .created_ms = 1000, .next_ms = next_ms, .expires_ms = 99000,
		.dnr = { .dest_host = "scs.acme.example", .dest_realm = "acme.example", .ext_id = "meter1@iot.example.com",
		         .msisdn = "491510000001", .scs_identity = "491510001001", .reference = 4294967295u,
		         .outcome = TSP_OUTCOME_UNDELIVERABLE },
	};
}

int64_t one_scs(struct iwf_store *st)
{
	struct iwf_scs s = seed_scs_row("acme", "scs.acme.example");

	return seed_scs(st, &s);
}

/* ---- who may do what ---- */

START_TEST(scs_all_columns)
{
	struct iwf_store *st = fresh(_i);
	struct iwf_scs in = {
		.name = "acme", .origin_host = "scs.acme.example", .origin_realm = "acme.example",
		.cert_san = "tsp.acme.example", .e164 = "491510001001", .inside = true, .ndsip = true, .enabled = true,
		.cert_sha256 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		.valid_from = 1, .valid_until = 4102444800000, .rate_per_s = 1000000, .burst = 7, .quota = 0,
		.quota_period_s = 60, .payload_max = 65535, .validity_max_s = 4294967295u, .allow_priority = true,
		.allow_trigger = true, .allow_recall = false, .allow_replace = true,
		.connections = 3, .ndsip_address = "192.0.2.7",
	};
	struct iwf_scs plain = seed_scs_row("nordtrack", "scs.nordtrack.example"), out, out2;

	in.id = seed_scs(st, &in);
	plain.id = seed_scs(st, &plain);
	OK(st->ops->scs_by_host(st, "SCS.Acme.Example", &out));
	ck_assert_mem_eq(&out, &in, sizeof(in));
	OK(st->ops->scs_by_id(st, in.id, &out2));
	ck_assert_mem_eq(&out2, &in, sizeof(in));
	OK(st->ops->scs_by_host(st, "scs.nordtrack.example", &out));
	ck_assert_mem_eq(&out, &plain, sizeof(plain));
	OK(st->ops->scs_next(st, 0, &out));
	ck_assert_mem_eq(&out, &in, sizeof(in));
	OK(st->ops->scs_next(st, in.id, &out));
	ck_assert_mem_eq(&out, &plain, sizeof(plain));
	FAILS(IWF_ENOENT, st->ops->scs_next(st, plain.id, &out));
	in.enabled = in.inside = in.ndsip = false;
	in.allow_recall = true;
	seed_scs_change(st, &in);
	OK(st->ops->scs_by_host(st, "scs.acme.example", &out));
	ck_assert_mem_eq(&out, &in, sizeof(in));
	FAILS(IWF_ENOENT, st->ops->scs_by_host(st, "scs.acme.example.", &out));
	FAILS(IWF_ENOENT, st->ops->scs_by_host(st, "", &out));
	FAILS(IWF_ENOENT, st->ops->scs_by_id(st, 99, &out));
	iwf_store_close(st);
}
END_TEST

START_TEST(scs_numbers)
{
	struct iwf_store *st = fresh(_i);
	struct iwf_scs row = seed_scs_row("acme", "scs.acme.example"), out;
	int64_t a = seed_scs(st, &row), b;

	row = seed_scs_row("b", "b.example");
	b = seed_scs(st, &row);
	OK(st->ops->scs_by_id(st, a, &out));
	ck_assert_str_eq(out.e164, "");
	seed_number(st, a, "49151003", false);
	seed_number(st, a, "49151002", false);
	OK(st->ops->scs_by_id(st, a, &out));
	ck_assert_str_eq(out.e164, "49151002");      /* none is marked: the lowest */
	seed_number(st, a, "49151009", true);
	OK(st->ops->scs_by_id(st, a, &out));
	ck_assert_str_eq(out.e164, "49151009");
	OK(st->ops->scs_has_number(st, a, "49151003"));
	OK(st->ops->scs_has_number(st, a, "49151009"));
	FAILS(IWF_ENOENT, st->ops->scs_has_number(st, b, "49151003"));
	FAILS(IWF_ENOENT, st->ops->scs_has_number(st, a, "4915100"));
	iwf_store_close(st);
}
END_TEST

START_TEST(subscriptions)
{
	struct iwf_store *st = fresh(_i);
	struct iwf_scs row = seed_scs_row("acme", "scs.acme.example");
	int64_t acme = seed_scs(st, &row), user = seed_user(st, "acme", false), other;
	struct iwf_subscription full = {
		.imsi = { "001010000000001" }, .msisdn = "491510000001", .mtc_user_id = user, .enabled = true,
		.trigger_allowed = false, .smssc = "smssc1.operator.example",
	}, out;

	row = seed_scs_row("other", "scs.other.example");
	other = seed_scs(st, &row);
	full.id = seed_subscription_row(st, &full);
	seed_subscription(st, "00101000000002", NULL, 0);
	seed_ext_id(st, "meter1@iot.example.com", full.id, 0);
	seed_ext_id(st, "Secret@iot.example.com", full.id, acme);

	OK(st->ops->subscription_by_msisdn(st, "491510000001", &out));
	ck_assert_mem_eq(&out, &full, sizeof(out));
	OK(st->ops->subscription_by_ext_id(st, "meter1@iot.example.com", other, &out));
	ck_assert_mem_eq(&out, &full, sizeof(out));
	OK(st->ops->subscription_by_ext_id(st, "Secret@iot.example.com", acme, &out));
	ck_assert_int_eq(out.id, full.id);
	FAILS(IWF_ENOENT, st->ops->subscription_by_ext_id(st, "Secret@iot.example.com", other, &out));
	FAILS(IWF_ENOENT, st->ops->subscription_by_ext_id(st, "Secret@iot.example.com", 0, &out));
	FAILS(IWF_ENOENT, st->ops->subscription_by_ext_id(st, "secret@iot.example.com", acme, &out));
	FAILS(IWF_ENOENT, st->ops->subscription_by_ext_id(st, "meter9@iot.example.com", acme, &out));
	FAILS(IWF_ENOENT, st->ops->subscription_by_msisdn(st, "", &out));
	FAILS(IWF_ENOENT, st->ops->subscription_by_msisdn(st, "49151000000", &out));

	full.enabled = false;
	full.trigger_allowed = true;
	full.msisdn[0] = full.smssc[0] = '\0';
	memset(full.msisdn, 0, sizeof(full.msisdn));
	memset(full.smssc, 0, sizeof(full.smssc));
	full.mtc_user_id = 0;
	seed_subscription_change(st, &full);
	OK(st->ops->subscription_by_ext_id(st, "meter1@iot.example.com", other, &out));
	ck_assert_mem_eq(&out, &full, sizeof(out));
	FAILS(IWF_ENOENT, st->ops->subscription_by_msisdn(st, "491510000001", &out));
	iwf_store_close(st);
}
END_TEST

START_TEST(user_lists)
{
	struct iwf_store *st = fresh(_i);
	struct iwf_scs row = seed_scs_row("a", "a.example");
	int64_t a = seed_scs(st, &row), b, open_user = seed_user(st, "open", false), strict = seed_user(st, "strict", true);

	row = seed_scs_row("b", "b.example");
	b = seed_scs(st, &row);
	seed_user_allows(st, strict, a);
	OK(st->ops->user_allows(st, open_user, a));
	OK(st->ops->user_allows(st, open_user, b));
	OK(st->ops->user_allows(st, strict, a));
	FAILS(IWF_ENOENT, st->ops->user_allows(st, strict, b));
	OK(st->ops->user_allows(st, 0, b));              /* the operator's own device */
	FAILS(IWF_ENOENT, st->ops->user_allows(st, 99, a));
	iwf_store_close(st);
}
END_TEST

/* Grants 1 to 9 in that order, and what each question finds. */
static const struct { const char *why; int64_t scs, sub; const char *domain, *msisdn; const char *want; } grant_rows[] = {
	{ "device: direct, its SCS group, its device group by both", 1, 1, NULL, NULL, "1 2 3 4" },
	{ "another device", 1, 2, NULL, NULL, "" },
	{ "SCS in no group", 2, 1, NULL, NULL, "" },
	{ "domain, by SCS and by group", 1, 0, "iot.example.com", NULL, "5 6" },
	{ "domain of another", 2, 0, "iot.example.com", NULL, "" },
	{ "no part of a domain", 1, 0, "example.com", NULL, "" },
	{ "first of a range", 1, 0, NULL, "491520000000", "7 8" },
	{ "last of a range", 1, 0, NULL, "491520009999", "7 8" },
	{ "below", 1, 0, NULL, "491519999999", "" },
	{ "above", 1, 0, NULL, "491520010000", "" },
	{ "shorter number between the ends as text", 1, 0, NULL, "49152000000", "" },
	{ "longer number between the ends as text", 1, 0, NULL, "4915200000001", "" },
	{ "all at once, by id", 1, 1, "iot.example.com", "491520000005", "1 2 3 4 5 6 7 8" },
	{ "a grant of SCS 2 only", 2, 0, "b.example.com", NULL, "9" },
	{ "nothing asked for", 1, 0, NULL, NULL, "" },
	{ "empty is nothing", 1, 0, "", "", "" },
};

static void seed_grants(struct iwf_store *st)
{
	struct iwf_scs row = seed_scs_row("a", "a.example");
	int64_t a = seed_scs(st, &row), b, g, sub, dev;

	row = seed_scs_row("b", "b.example");
	b = seed_scs(st, &row);
	g = seed_scs_group(st, "group");
	seed_scs_member(st, g, a);
	sub = seed_subscription(st, "001010000000001", "491520000005", 0);
	seed_subscription(st, "001010000000002", NULL, 0);
	dev = seed_device_group(st, "devices");
	seed_device_member(st, dev, sub);
	ck_assert_int_eq(a, 1);
	ck_assert_int_eq(b, 2);
	ck_assert_int_eq(sub, 1);
	seed_grant(st, &(struct seed_grant){ .scs_id = a, .subscription_id = sub, .services = IWF_SVC_TRIGGER });
	seed_grant(st, &(struct seed_grant){ .scs_group_id = g, .subscription_id = sub, .services = IWF_SVC_RECALL });
	seed_grant(st, &(struct seed_grant){ .scs_id = a, .device_group_id = dev, .services = IWF_SVC_REPLACE });
	seed_grant(st, &(struct seed_grant){ .scs_group_id = g, .device_group_id = dev, .services = IWF_SVC_MONITOR });
	seed_grant(st, &(struct seed_grant){ .scs_id = a, .domain = "iot.example.com", .services = 0 });
	seed_grant(st, &(struct seed_grant){ .scs_group_id = g, .domain = "iot.example.com", .services = 15, .valid_from = 5,
	                                     .valid_until = 6 });
	seed_grant(st, &(struct seed_grant){ .scs_id = a, .msisdn_from = "491520000000", .msisdn_to = "491520009999",
	                                     .nports = 2, .ports = { { 1, 1 }, { 5000, 65535 } } });
	seed_grant(st, &(struct seed_grant){ .scs_group_id = g, .msisdn_from = "491520000000", .msisdn_to = "491520009999" });
	seed_grant(st, &(struct seed_grant){ .scs_id = b, .domain = "b.example.com" });
}

START_TEST(grants_found)
{
	struct iwf_store *st = fresh(_i);

	seed_grants(st);
	for (size_t r = 0; r < sizeof(grant_rows) / sizeof(*grant_rows); r++) {
		const struct iwf_grant_query q = {
			grant_rows[r].scs, grant_rows[r].sub, grant_rows[r].domain, grant_rows[r].msisdn,
		};
		struct iwf_grant g[16];
		char got[64] = "";
		size_t n;

		OK(st->ops->grants(st, &q, g, 16, &n));
		for (size_t i = 0; i < n; i++)
			sprintf(got + strlen(got), "%s%d", i ? " " : "", (int)g[i].id);
		ck_assert_msg(strcmp(got, grant_rows[r].want) == 0, "%s: got \"%s\", not \"%s\"", grant_rows[r].why, got, grant_rows[r].want);
	}
	iwf_store_close(st);
}
END_TEST

static void seed_sql(struct iwf_store *st, const char *sql)
{
	ck_assert_msg(sqlite3_exec(iwf_store_sqlite(st), sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(iwf_store_sqlite(st)));
}

/* What the node's connection keeps between requests says the same, and only until somebody else changes the file. */
START_TEST(kept_rows_are_never_old)
{
	const struct iwf_store_opts opts = { .busy_timeout_ms = 100, .ops_only = true };
	struct iwf_store *other = fresh(SQLITE), *st;
	const struct iwf_grant_query q = { 2, 0, "b.example.com", NULL };
	struct iwf_grant g[16];
	struct iwf_scs scs;
	char err[512];
	size_t n;

	seed_grants(other);
	st = iwf_store_open(sqlite_uri(), &opts, err, sizeof(err));
	ck_assert_msg(st != NULL, "%s", err);
	/* What others write in SQL is bounded by CHECKs, what comes by these calls by its types. */
	ck_assert_int_eq(sqlite3_exec(iwf_store_sqlite(st), "BEGIN; UPDATE scs SET rate_per_s = -1; ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(iwf_store_sqlite(other), "UPDATE scs SET rate_per_s = -1", NULL, NULL, NULL), SQLITE_CONSTRAINT_CHECK);
	for (int round = 0; round < 3; round++) {        /* the second one finds what the first one has kept */
		OK(st->ops->begin(st));
		for (size_t r = 0; r < sizeof(grant_rows) / sizeof(*grant_rows); r++) {
			const struct iwf_grant_query w = { grant_rows[r].scs, grant_rows[r].sub, grant_rows[r].domain, grant_rows[r].msisdn };
			char got[64] = "";

			OK(st->ops->grants(st, &w, g, 16, &n));
			for (size_t i = 0; i < n; i++)
				sprintf(got + strlen(got), "%s%d", i ? " " : "", (int)g[i].id);
			ck_assert_msg(strcmp(got, grant_rows[r].want) == 0, "%s: got \"%s\", not \"%s\"", grant_rows[r].why, got, grant_rows[r].want);
		}
		OK(st->ops->scs_by_host(st, "B.EXAMPLE", &scs));
		ck_assert_int_eq(scs.id, 2);
		ck_assert(scs.enabled);
		OK(st->ops->commit(st));
	}
	seed_sql(other, "UPDATE scs SET enabled = 0 WHERE id = 2");
	seed_revoke(other, 9);
	OK(st->ops->begin(st));
	OK(st->ops->scs_by_host(st, "b.example", &scs));
	ck_assert(!scs.enabled);
	OK(st->ops->grants(st, &q, g, 16, &n));
	ck_assert_uint_eq(n, 0);
	OK(st->ops->commit(st));
	seed_sql(other, "INSERT INTO scs_group_member SELECT id, 2 FROM scs_group");
	OK(st->ops->begin(st));
	OK(st->ops->grants(st, &(struct iwf_grant_query){ 2, 0, "iot.example.com", NULL }, g, 16, &n));
	ck_assert_uint_eq(n, 1);
	OK(st->ops->commit(st));
	seed_sql(other, "DELETE FROM scs_group_member");
	seed_sql(other, "DELETE FROM \"authorization\" WHERE scs_id = 2");
	seed_sql(other, "DELETE FROM scs WHERE id = 2");
	OK(st->ops->begin(st));
	ck_assert_int_eq(st->ops->scs_by_host(st, "b.example", &scs), IWF_ENOENT);
	OK(st->ops->commit(st));
	iwf_store_close(st);
	iwf_store_close(other);
}
END_TEST

START_TEST(grants_content)
{
	struct iwf_store *st = fresh(_i);
	const struct iwf_grant_query all = { 1, 1, "iot.example.com", "491520000005" }, ranged = { 1, 0, NULL, "491520000005" };
	struct seed_grant many = { .scs_id = 1, .domain = "many.example.com", .nports = IWF_GRANT_PORTS };
	struct iwf_grant g[16], untouched = { .id = 77 };
	size_t n;

	seed_grants(st);
	OK(st->ops->grants(st, &all, g, 16, &n));
	ck_assert_uint_eq(n, 8);
	ck_assert_uint_eq(g[0].services, IWF_SVC_TRIGGER);
	ck_assert_uint_eq(g[1].services, IWF_SVC_RECALL);
	ck_assert_uint_eq(g[2].services, IWF_SVC_REPLACE);
	ck_assert_uint_eq(g[3].services, IWF_SVC_MONITOR);
	ck_assert_uint_eq(g[4].services, 0);
	ck_assert_int_eq(g[4].valid_from, 0);
	ck_assert_int_eq(g[4].valid_until, 0);
	ck_assert_uint_eq(g[5].services, 15);
	ck_assert_int_eq(g[5].valid_from, 5);
	ck_assert_int_eq(g[5].valid_until, 6);
	ck_assert_uint_eq(g[5].nports, 0);
	ck_assert_uint_eq(g[6].nports, 2);
	ck_assert_uint_eq(g[6].ports[0].from, 1);
	ck_assert_uint_eq(g[6].ports[0].to, 1);
	ck_assert_uint_eq(g[6].ports[1].from, 5000);
	ck_assert_uint_eq(g[6].ports[1].to, 65535);
	ck_assert_uint_eq(g[7].nports, 0);

	g[3] = untouched;
	OK(st->ops->grants(st, &all, g, 3, &n));
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(g[3].id, 77);
	OK(st->ops->grants(st, &ranged, g, 1, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(g[0].nports, 2);

	for (uint16_t i = 0; i < IWF_GRANT_PORTS; i++)
		many.ports[i].from = many.ports[i].to = (uint16_t)(100 + i);
	seed_grant(st, &many);
	OK(st->ops->grants(st, &(struct iwf_grant_query){ 1, 0, "many.example.com", NULL }, g, 16, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(g[0].nports, IWF_GRANT_PORTS);
	ck_assert_uint_eq(g[0].ports[IWF_GRANT_PORTS - 1].from, 115);

	seed_revoke(st, 7);
	OK(st->ops->grants(st, &ranged, g, 16, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(g[0].id, 8);
	iwf_store_close(st);
}
END_TEST

/* ---- the journal ---- */

void same_trigger(struct iwf_trigger got, struct iwf_trigger want)
{
	want.payload = want.nodes = got.payload = got.nodes = NULL;
	want.payload_len = want.nodes_len = 0;
	ck_assert_uint_eq(got.payload_len, 0);
	ck_assert_uint_eq(got.nodes_len, 0);
	ck_assert_int_eq(got.id, want.id);
	ck_assert_int_eq(got.scs_id, want.scs_id);
	ck_assert_uint_eq(got.reference, want.reference);
	ck_assert_int_eq(got.action, want.action);
	ck_assert_int_eq(got.target_id, want.target_id);
	ck_assert_uint_eq(got.old_reference, want.old_reference);
	ck_assert_int_eq(got.subscription_id, want.subscription_id);
	ck_assert_str_eq(got.imsi.digits, want.imsi.digits);
	ck_assert_str_eq(got.ext_id, want.ext_id);
	ck_assert_str_eq(got.msisdn, want.msisdn);
	ck_assert_str_eq(got.scs_identity, want.scs_identity);
	ck_assert_str_eq(got.smea, want.smea);
	ck_assert_str_eq(got.dest_host, want.dest_host);
	ck_assert_str_eq(got.dest_realm, want.dest_realm);
	ck_assert_int_eq(got.state, want.state);
	ck_assert_int_eq(got.request_status, want.request_status);
	ck_assert_int_eq(got.outcome, want.outcome);
	ck_assert_int_eq(got.diagnostic, want.diagnostic);
	ck_assert_uint_eq(got.end_to_end, want.end_to_end);
	ck_assert_mem_eq(got.content_hash, want.content_hash, sizeof(want.content_hash));
	ck_assert_int_eq(got.received_ms, want.received_ms);
	ck_assert_int_eq(got.answered_ms, want.answered_ms);
	ck_assert_int_eq(got.ended_ms, want.ended_ms);
	ck_assert_int_eq(got.validity_end_ms, want.validity_end_ms);
	ck_assert_int_eq(got.priority, want.priority);
	ck_assert_int_eq(got.port, want.port);
	ck_assert_str_eq(got.smssc, want.smssc);
}

void has_payload(struct iwf_store *st, int64_t id, const struct iwf_trigger *want)
{
	uint8_t *payload, *nodes;
	size_t payload_len, nodes_len;

	OK(st->ops->trigger_payload(st, id, &payload, &payload_len, &nodes, &nodes_len));
	ck_assert_uint_eq(payload_len, want->payload_len);
	ck_assert_uint_eq(nodes_len, want->nodes_len);
	ck_assert_int_eq(payload == NULL, payload_len == 0);
	ck_assert_int_eq(nodes == NULL, nodes_len == 0);
	if (payload_len)
		ck_assert_mem_eq(payload, want->payload, payload_len);
	if (nodes_len)
		ck_assert_mem_eq(nodes, want->nodes, nodes_len);
	free(payload);
	free(nodes);
}

START_TEST(trigger_all_columns)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs = one_scs(st), sub = seed_subscription(st, "001010000000001", NULL, 0);
	struct iwf_trigger full = trigger_row(scs, 4294967295u), bare = { .scs_id = scs, .action = TSP_RECALL,
		.state = TRG_SUBMITTING, .request_status = -1, .outcome = -1, .diagnostic = -1, .port = -1 }, out;
	uint8_t *p = (uint8_t *)&p, *q = p;
	size_t pn = 9, qn = 9;

	full.subscription_id = sub;
	OK(st->ops->trigger_insert(st, &full));
	ck_assert_int_gt(full.id, 0);
	OK(st->ops->trigger_get(st, full.id, &out));
	same_trigger(out, full);
	has_payload(st, full.id, &full);

	bare.target_id = full.id;
	OK(st->ops->trigger_insert(st, &bare));
	ck_assert_int_gt(bare.id, full.id);
	OK(st->ops->trigger_get(st, bare.id, &out));
	same_trigger(out, bare);
	has_payload(st, bare.id, &bare);

	full = trigger_row(scs, 8);
	full.action = TSP_REPLACE;
	full.old_reference = 0;
	full.target_id = bare.id;
	full.request_status = TSP_TEMPORARYERROR;
	full.outcome = TSP_OUTCOME_UNCONFIRMED;
	full.diagnostic = 0;
	full.answered_ms = 5;
	full.ended_ms = 6;
	full.port = 0;
	OK(st->ops->trigger_insert(st, &full));
	OK(st->ops->trigger_get(st, full.id, &out));
	same_trigger(out, full);

	FAILS(IWF_ENOENT, st->ops->trigger_get(st, 99, &out));
	FAILS(IWF_ENOENT, st->ops->trigger_payload(st, 99, &p, &pn, &q, &qn));
	ck_assert(p == NULL && q == NULL && pn == 0 && qn == 0);
	iwf_store_close(st);
}
END_TEST

START_TEST(trigger_conflicts)
{
	struct iwf_store *st = fresh(_i);
	int64_t a = one_scs(st), b;
	struct iwf_scs row = seed_scs_row("b", "b.example");
	struct iwf_trigger t = trigger_row(a, 7), second;

	b = seed_scs(st, &row);
	OK(st->ops->trigger_insert(st, &t));
	for (enum trg_state s = TRG_SUBMITTING; s <= TRG_DELIVERED; s++) {
		second = trigger_row(a, 7);
		second.action = s % 2 ? TSP_TRIGGER : TSP_REPLACE;
		second.state = s;
		FAILS(IWF_ECONFLICT, st->ops->trigger_insert(st, &second));
		ck_assert_int_eq(second.id, 0);
		ck_assert_str_ne(st->ops->errmsg(st), "");
	}
	second = trigger_row(b, 7);                      /* another SCS's 7 */
	OK(st->ops->trigger_insert(st, &second));
	second = trigger_row(a, 7);                      /* a recall of 7 */
	second.action = TSP_RECALL;
	OK(st->ops->trigger_insert(st, &second));
	second = trigger_row(a, 7);
	FAILS(IWF_ECONFLICT, st->ops->trigger_insert(st, &second));
	OK(st->ops->trigger_move(st, t.id, TRG_SUBMITTING, TRG_DELIVERED, NULL));
	second = trigger_row(a, 7);                      /* free again; one that is over from the start leaves it so */
	second.state = TRG_REFUSED;
	OK(st->ops->trigger_insert(st, &second));
	second = trigger_row(a, 7);
	OK(st->ops->trigger_insert(st, &second));
	/* and the old one cannot come back to life beside it */
	FAILS(IWF_EINVAL, st->ops->trigger_move(st, t.id, TRG_DELIVERED, TRG_PENDING, NULL));
	iwf_store_close(st);
}
END_TEST

START_TEST(trigger_names_nothing)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs = one_scs(st);
	struct iwf_trigger t = trigger_row(99, 1);
	struct iwf_report r;
	int64_t total;

	FAILS(IWF_ESTORE, st->ops->trigger_insert(st, &t));
	t.scs_id = scs;
	t.target_id = 99;
	FAILS(IWF_ESTORE, st->ops->trigger_insert(st, &t));
	t.target_id = 0;
	t.subscription_id = 99;                          /* a device that has been deleted meanwhile */
	OK(st->ops->trigger_insert(st, &t));
	OK(st->ops->trigger_get(st, t.id, &t));
	ck_assert_int_eq(t.subscription_id, 99);
	r = report_row(99, scs, 1);
	FAILS(IWF_ESTORE, st->ops->report_insert(st, &r));
	r = report_row(t.id, 99, 1);
	FAILS(IWF_ESTORE, st->ops->report_insert(st, &r));
	ck_assert_int_eq(r.id, 0);
	FAILS(IWF_ESTORE, st->ops->usage_add(st, 99, 0, 1, &total));
	ck_assert_uint_eq(seed_triggers(st), 1);
	ck_assert_uint_eq(seed_reports(st), 0);
	iwf_store_close(st);
}
END_TEST

START_TEST(trigger_lookups)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs = one_scs(st), id[5];
	static const struct { uint32_t ref; enum tsp_action action; enum trg_state state; uint32_t e2e; int64_t received; } rows[5] = {
		{ 7, TSP_TRIGGER, TRG_EXPIRED, 100, 1000 },
		{ 7, TSP_RECALL, TRG_DONE, 101, 2000 },
		{ 7, TSP_REPLACE, TRG_DELIVERED, 100, 3000 },
		{ 7, TSP_RECALL, TRG_REFUSED, 102, 4000 },
		{ 8, TSP_TRIGGER, TRG_PENDING, 103, 5000 },
	};
	struct iwf_trigger out;

	for (size_t i = 0; i < 5; i++) {
		struct iwf_trigger t = trigger_row(scs, rows[i].ref);

		t.action = rows[i].action;
		t.state = rows[i].state;
		t.end_to_end = rows[i].e2e;
		t.received_ms = rows[i].received;
		OK(st->ops->trigger_insert(st, &t));
		id[i] = t.id;
	}
	OK(st->ops->trigger_by_ref(st, scs, 7, false, &out));
	ck_assert_int_eq(out.id, id[2]);
	OK(st->ops->trigger_by_ref(st, scs, 7, true, &out));
	ck_assert_int_eq(out.id, id[3]);
	FAILS(IWF_ENOENT, st->ops->trigger_by_ref(st, scs, 8, true, &out));
	FAILS(IWF_ENOENT, st->ops->trigger_by_ref(st, scs, 9, false, &out));
	FAILS(IWF_ENOENT, st->ops->trigger_by_ref(st, scs + 1, 7, false, &out));

	OK(st->ops->trigger_by_e2e(st, scs, 7, false, 100, 1000, &out));
	ck_assert_int_eq(out.id, id[2]);
	OK(st->ops->trigger_by_e2e(st, scs, 7, true, 102, 4000, &out));
	ck_assert_int_eq(out.id, id[3]);
	FAILS(IWF_ENOENT, st->ops->trigger_by_e2e(st, scs, 7, true, 102, 4001, &out));
	FAILS(IWF_ENOENT, st->ops->trigger_by_e2e(st, scs, 7, false, 102, 0, &out));
	FAILS(IWF_ENOENT, st->ops->trigger_by_e2e(st, scs, 8, true, 102, 0, &out));
	FAILS(IWF_ENOENT, st->ops->trigger_by_e2e(st, scs + 1, 7, true, 102, 0, &out));
	FAILS(IWF_ENOENT, st->ops->trigger_by_e2e(st, scs, 7, false, 104, 0, &out));

	/* The number is nobody's any more, then it is that SCS's. */
	for (int i = 0; i < 2; i++) {
		OK(st->ops->trigger_by_smea(st, "491510001002", 7, &out));
		ck_assert_int_eq(out.id, id[2]);
		OK(st->ops->trigger_by_smea(st, "491510001002", 8, &out));
		ck_assert_int_eq(out.id, id[4]);
		FAILS(IWF_ENOENT, st->ops->trigger_by_smea(st, "491510001001", 7, &out));
		FAILS(IWF_ENOENT, st->ops->trigger_by_smea(st, "491510001002", 9, &out));
		if (i == 0)
			seed_number(st, scs, "491510001002", true);
	}
	iwf_store_close(st);
}
END_TEST

START_TEST(trigger_by_device)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs = one_scs(st);
	struct iwf_trigger t, out[3] = { { .id = 0 } };
	const struct imsi dev = { "001010000000001" }, other = { "001010000000002" };
	size_t n;

	for (uint32_t ref = 1; ref <= 13; ref++) {       /* one row in each state */
		t = trigger_row(scs, ref);
		t.state = (enum trg_state)ref;
		OK(st->ops->trigger_insert(st, &t));
	}
	t = trigger_row(scs, 14);
	t.action = TSP_RECALL;
	OK(st->ops->trigger_insert(st, &t));
	t = trigger_row(scs, 15);
	t.imsi = other;
	OK(st->ops->trigger_insert(st, &t));
	OK(st->ops->trigger_by_device(st, "491510001002", &dev, out, 2, &n));
	ck_assert_uint_eq(n, 4);
	ck_assert_uint_eq(out[0].reference, 1);
	ck_assert_uint_eq(out[1].reference, 2);
	ck_assert_int_eq(out[2].id, 0);
	OK(st->ops->trigger_by_device(st, "491510001002", &other, out, 3, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(out[0].reference, 15);
	OK(st->ops->trigger_by_device(st, "491510001001", &dev, out, 3, &n));
	ck_assert_uint_eq(n, 0);
	iwf_store_close(st);
}
END_TEST

/* What came and went after the first such question, and what a transaction took back. */
START_TEST(trigger_by_device_later)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs = one_scs(st);
	struct iwf_trigger a = trigger_row(scs, 1), b = trigger_row(scs, 2), c = trigger_row(scs, 3), out[3];
	size_t n;

	OK(st->ops->trigger_insert(st, &a));
	OK(st->ops->begin(st));
	OK(st->ops->trigger_by_device(st, a.smea, &a.imsi, out, 3, &n));
	ck_assert_uint_eq(n, 1);
	st->ops->rollback(st);
	OK(st->ops->trigger_insert(st, &b));
	OK(st->ops->trigger_by_device(st, a.smea, &a.imsi, out, 3, &n));
	ck_assert_uint_eq(n, 2);
	OK(st->ops->begin(st));
	OK(st->ops->trigger_insert(st, &c));
	OK(st->ops->trigger_move(st, a.id, TRG_SUBMITTING, TRG_DELIVERED, NULL));
	OK(st->ops->trigger_by_device(st, a.smea, &a.imsi, out, 3, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(out[1].id, c.id);
	st->ops->rollback(st);
	OK(st->ops->trigger_by_device(st, a.smea, &a.imsi, out, 3, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(out[0].id, a.id);
	ck_assert_int_eq(out[1].id, b.id);
	OK(st->ops->trigger_move(st, a.id, TRG_SUBMITTING, TRG_PENDING, NULL));
	OK(st->ops->trigger_move(st, b.id, TRG_SUBMITTING, TRG_DELIVERED, NULL));
	OK(st->ops->trigger_by_device(st, a.smea, &a.imsi, out, 3, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(out[0].state, TRG_PENDING);
	iwf_store_close(st);
}
END_TEST

START_TEST(trigger_moves)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs = one_scs(st);
	struct iwf_trigger t = trigger_row(scs, 1), out, empty = { .id = 0 };
	struct iwf_trigger_change c = IWF_TRIGGER_NO_CHANGE;

	OK(st->ops->trigger_insert(st, &t));
	FAILS(IWF_ENOENT, st->ops->trigger_move(st, 99, TRG_SUBMITTING, TRG_PENDING, &c));
	FAILS(IWF_ECONFLICT, st->ops->trigger_move(st, t.id, TRG_PENDING, TRG_DELIVERED, &c));
	OK(st->ops->trigger_get(st, t.id, &out));
	same_trigger(out, t);

	c.smssc = "smssc2.operator.example";             /* asked another one: the state stays */
	OK(st->ops->trigger_move(st, t.id, TRG_SUBMITTING, TRG_SUBMITTING, &c));
	strcpy(t.smssc, c.smssc);
	OK(st->ops->trigger_get(st, t.id, &out));
	same_trigger(out, t);

	c = (struct iwf_trigger_change){ .request_status = 0, .outcome = -1, .diagnostic = 0, .answered_ms = 77 };
	OK(st->ops->trigger_move(st, t.id, TRG_SUBMITTING, TRG_PENDING, &c));
	t.state = TRG_PENDING;
	t.request_status = t.diagnostic = 0;
	t.answered_ms = 77;
	OK(st->ops->trigger_get(st, t.id, &out));
	same_trigger(out, t);
	has_payload(st, t.id, &t);
	OK(st->ops->trigger_move(st, t.id, TRG_PENDING, TRG_RECALLING, NULL));
	has_payload(st, t.id, &t);

	c = (struct iwf_trigger_change){ .request_status = -1, .outcome = TSP_OUTCOME_SUCCESS, .diagnostic = -1, .ended_ms = 88 };
	OK(st->ops->trigger_move(st, t.id, TRG_RECALLING, TRG_DELIVERED, &c));
	t.state = TRG_DELIVERED;
	t.outcome = TSP_OUTCOME_SUCCESS;
	t.ended_ms = 88;
	OK(st->ops->trigger_get(st, t.id, &out));
	same_trigger(out, t);
	has_payload(st, t.id, &empty);                   /* a row that ends loses both */
	iwf_store_close(st);
}
END_TEST

START_TEST(trigger_ends_without_payload)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs = one_scs(st);
	struct iwf_trigger empty = { .id = 0 };

	for (int to = TRG_SUBMITTING; to <= TRG_DONE; to++) {
		struct iwf_trigger t = trigger_row(scs, (uint32_t)to);

		OK(st->ops->trigger_insert(st, &t));
		OK(st->ops->trigger_move(st, t.id, TRG_SUBMITTING, (enum trg_state)to, NULL));
		has_payload(st, t.id, trg_state_is_final((enum trg_state)to) ? &empty : &t);
	}
	iwf_store_close(st);
}
END_TEST

START_TEST(trigger_overdue)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs = one_scs(st);
	static const int64_t ends[] = { 500, 300, 0, 300, 400, 299 };
	struct iwf_trigger out[16];
	size_t n;

	for (uint32_t s = TRG_SUBMITTING; s <= TRG_DONE; s++)
		for (uint32_t i = 0; i < 6; i++) {
			struct iwf_trigger t = trigger_row(scs, 100 * s + i);

			t.state = (enum trg_state)s;
			t.validity_end_ms = ends[i];
			OK(st->ops->trigger_insert(st, &t));
		}
	OK(st->ops->trigger_overdue(st, 299, out, 16, &n));
	ck_assert_uint_eq(n, 0);
	OK(st->ops->trigger_overdue(st, 400, out, 16, &n));
	ck_assert_uint_eq(n, 9);                         /* states 2, 3, 4 with 299, 300, 300 */
	for (size_t i = 0; i < 9; i++) {
		static const uint32_t want[] = { 205, 305, 405, 201, 203, 301, 303, 401, 403 };

		ck_assert_uint_eq(out[i].reference, want[i]);
	}
	OK(st->ops->trigger_overdue(st, 9999, out, 2, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(out[1].reference, 305);
	OK(st->ops->trigger_overdue(st, 9999, out, 16, &n));
	ck_assert_uint_eq(n, 15);
	ck_assert_uint_eq(out[14].reference, 400);
	iwf_store_close(st);
}
END_TEST

START_TEST(trigger_unfinished)
{
	struct iwf_store *st = fresh(_i);
	int64_t scs = one_scs(st);
	struct iwf_trigger out[16];
	size_t n;

	for (uint32_t s = TRG_DONE; s >= TRG_SUBMITTING; s--) {
		struct iwf_trigger t = trigger_row(scs, s);

		t.state = (enum trg_state)s;
		OK(st->ops->trigger_insert(st, &t));
	}
	OK(st->ops->trigger_unfinished(st, 0, out, 16, &n));
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(out[0].state, TRG_REPLACING);   /* by id: the order they were made in */
	ck_assert_int_eq(out[1].state, TRG_RECALLING);
	ck_assert_int_eq(out[2].state, TRG_SUBMITTING);
	OK(st->ops->trigger_unfinished(st, out[0].id, out, 1, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(out[0].state, TRG_RECALLING);
	OK(st->ops->trigger_unfinished(st, 13, out, 16, &n));
	ck_assert_uint_eq(n, 0);
	iwf_store_close(st);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store");
	TCase *tc = tcase_create("contract");
	SRunner *sr;
	int failed;

	tcase_add_unchecked_fixture(tc, work_setup, work_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, scs_all_columns, MEM, BACKENDS);
	tcase_add_loop_test(tc, scs_numbers, MEM, BACKENDS);
	tcase_add_loop_test(tc, subscriptions, MEM, BACKENDS);
	tcase_add_loop_test(tc, user_lists, MEM, BACKENDS);
	tcase_add_loop_test(tc, grants_found, MEM, BACKENDS);
	tcase_add_loop_test(tc, grants_content, MEM, BACKENDS);
	tcase_add_test(tc, kept_rows_are_never_old);
	tcase_add_loop_test(tc, trigger_all_columns, MEM, BACKENDS);
	tcase_add_loop_test(tc, trigger_conflicts, MEM, BACKENDS);
	tcase_add_loop_test(tc, trigger_names_nothing, MEM, BACKENDS);
	tcase_add_loop_test(tc, trigger_lookups, MEM, BACKENDS);
	tcase_add_loop_test(tc, trigger_by_device, MEM, BACKENDS);
	tcase_add_loop_test(tc, trigger_by_device_later, MEM, BACKENDS);
	tcase_add_loop_test(tc, trigger_moves, MEM, BACKENDS);
	tcase_add_loop_test(tc, trigger_ends_without_payload, MEM, BACKENDS);
	tcase_add_loop_test(tc, trigger_overdue, MEM, BACKENDS);
	tcase_add_loop_test(tc, trigger_unfinished, MEM, BACKENDS);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, write_cases());
	suite_add_tcase(s, old_cases());
	suite_add_tcase(s, sqlite_cases());
	suite_add_tcase(s, sqlite_failure_cases());
	suite_add_tcase(s, migrate_cases());
	suite_add_tcase(s, ident_cases());
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
