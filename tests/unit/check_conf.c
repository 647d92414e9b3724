/* check_conf.c - the reader of the configuration file: what it takes, and what it
 * says of what it doesn't. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "conf.h"
#include "migrate.h"

#define N(a) ((int)(sizeof (a) / sizeof (a)[0]))
#define T4 "t4 = { smssc = ( { host = \"smssc.example.net\"; realm = \"example.net\"; } ); };\n"
#define HSS(more) "s6m = { hss = ( { host = \"hss.example.net\"; realm = \"example.net\"; " more " } ); };\n"

static char dir[64];                 /* of this test process */
static struct iwf_conf conf;
static struct { int line; char file[256], key[160], text[600]; } said[64];
static int nsaid;

static void complain(void *ctx, const struct iwf_conf_error *e)
{
	ck_assert_ptr_eq(ctx, &conf);
	ck_assert_int_lt(nsaid, N(said));
	said[nsaid].line = e->line;
	snprintf(said[nsaid].file, sizeof said->file, "%s", e->file);
	snprintf(said[nsaid].key, sizeof said->key, "%s", e->key);
	snprintf(said[nsaid].text, sizeof said->text, "%s", e->text);
	nsaid++;
}

static const char *path(const char *name)
{
	static char buf[8][160];
	static int i;
	snprintf(buf[i = (i + 1) % 8], sizeof buf[0], "%s/%s", dir, name);
	return buf[i];
}

#define PUT(name, text) put(name, text, sizeof(text) - 1)
static void put(const char *name, const void *text, size_t n)
{
	FILE *f = fopen(path(name), "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

static int read_file(const char *name)
{
	nsaid = 0;
	int n = iwf_conf_read(name, &conf, complain, &conf);
	ck_assert_int_eq(n, nsaid);
	return n;
}

static int read_text(const char *text)
{
	put("test.conf", text, strlen(text));
	return read_file(path("test.conf"));
}

/* All complaints, for a message. */
static const char *all_said(void)
{
	static char buf[8192];
	size_t used = 0;
	buf[0] = '\0';
	for (int i = 0; i < nsaid && used < sizeof buf; i++)
		used += (size_t)snprintf(buf + used, sizeof buf - used, "\n  %s:%d: [%s] %s", said[i].file, said[i].line, said[i].key, said[i].text);
	return buf;
}

static void make_dir(void)
{
	snprintf(dir, sizeof dir, "/tmp/check_conf.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
	char cmd[100];
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* One mistake a row (or several), the whole text, what is said of the first. */
static const struct { const char *why, *text; int mistakes, line; const char *key, *says; } bad[] = {
	{ "misspelt section", T4 "polcy = { payload_max = 10; };", 1, 2, "polcy.payload_max", "did you mean 'policy.payload_max'" },
	{ "misspelt key", T4 "policy = {\n payload_mx = 10; };", 1, 3, "policy.payload_mx", "did you mean 'policy.payload_max'" },
	{ "key in the wrong section", T4 "notify = { hash_key_file = \"x\"; };", 1, 2, "notify.hash_key_file", "did you mean 'privacy.hash_key_file'" },
	{ "key cut short", T4 "identity = { sour = \"local\"; };", 1, 2, "identity.sour", "did you mean 'identity.source'" },
	{ "key like no other", T4 "zebra = 1;", 1, 2, "zebra", "`iwfctl options`" },
	{ "misspelt member of a list", "t4 = { smssc = ( { host = \"a.b\"; realm = \"b\"; prioriti = 1; } ); };", 1, 1, "t4.smssc[0].prioriti",
	  "did you mean 't4.smssc[].priority'" },
	{ "key twice", T4 "store = {\n uri = \"sqlite:a\";\n uri = \"sqlite:b\"; };", 1, 4, "", "duplicate" },
	{ "section that is a number", T4 "log = 3;", 1, 2, "log", "has to be a group" },
	{ "number as text", T4 "policy = { burst = \"10\"; };", 1, 2, "policy.burst", "this is text; it has to be a number from 1 to" },
	{ "number with a fraction", T4 "policy = { burst = 1.5; };", 1, 2, "policy.burst", "a number with a fraction" },
	{ "text as number", T4 "store = { uri = 3; };", 1, 2, "store.uri", "this is a number" },
	{ "truth as number", T4 "log = { private_data = 1; };", 1, 2, "log.private_data", "this is a number; it has to be true or false" },
	{ "truth as text", T4 "tsp = { hide_unknown_devices = \"yes\"; };", 1, 2, "tsp.hide_unknown_devices", "true or false" },
	{ "list as text", T4 "tsp = { trusted_agents = \"a.b\"; };", 1, 2, "tsp.trusted_agents", "has to be a list" },
	{ "list of numbers", T4 "tsp = { trusted_agents = [ 1 ]; };", 1, 2, "tsp.trusted_agents[0]", "this is a number" },
	{ "list of text instead of groups", "t4 = { smssc = ( \"a.b\" ); };", 1, 1, "t4.smssc[0]", "has to be a group" },
	{ "not a choice", T4 "identity = { source = \"Local\"; };", 1, 2, "identity.source", "\"local\", \"hss\", \"local-then-hss\"" },
	{ "too low", T4 "node = { queue_max = 0; };", 1, 2, "node.queue_max", "0 is out of range; it has to be a number from 1 to 1000000" },
	{ "negative", T4 "store = { busy_timeout_ms = -1; };", 1, 2, "store.busy_timeout_ms", "-1 is out of range" },
	{ "more than 32 bits", T4 "policy = { validity_max_s = 4294967297; };", 1, 2, "policy.validity_max_s", "4294967297 is out of range" },
	{ "more than 32 bits that would fit if cut", T4 "policy = { payload_max = 4294967396; };", 1, 2, "policy.payload_max", "4294967396 is out of" },
	{ "more than 32 bits in hex", T4 "policy = { payload_max = 0x100000064; };", 1, 2, "policy.payload_max", "4294967396 is out of" },
	{ "more than 64 bits", T4 "policy = { payload_max = 99999999999999999999999999999999999999; };", 1, 2, "policy.payload_max", "out of range" },
	{ "no SMS-SC", "log = { level = \"info\"; };", 1, 0, "t4.smssc", "missing; at least 1 needed" },
	{ "no SMS-SC in its section", "t4 = { timeout_ms = 100; };", 1, 1, "t4.smssc", "missing; at least 1 needed" },
	{ "empty list of SMS-SCs", "t4 = { smssc = ( ); };", 1, 1, "t4.smssc", "empty; at least 1 needed" },
	{ "SMS-SC without host and realm", "t4 = { smssc = (\n { priority = 1; } ); };", 2, 2, "t4.smssc[0]", "'host' is missing" },
	{ "SMS-SC twice", "t4 = { smssc = ( { host = \"a.b\"; realm = \"b\"; },\n { host = \"A.B\"; realm = \"b\"; } ); };", 1, 2, "t4.smssc[1].host",
	  "in the list already, as t4.smssc[0]" },
	{ "HSS twice", T4 "s6m = { hss = ( { host = \"a.b\"; realm = \"b\"; }, { host = \"a.b\"; realm = \"c\"; } ); };", 1, 2, "s6m.hss[1].host",
	  "in the list already" },
	{ "bad host name", "t4 = { smssc = ( { host = \"a_b.c\"; realm = \"c\"; } ); };", 1, 1, "t4.smssc[0].host", "not allowed in the domain" },
	{ "empty host name", "t4 = { smssc = ( { host = \"\"; realm = \"c\"; } ); };", 1, 1, "t4.smssc[0].host", "empty; a value is needed" },
	{ "host name with a control character", "t4 = { smssc = ( { host = \"a.b\\x1b[31m\"; realm = \"c\"; } ); };", 1, 1, "t4.smssc[0].host", "a.b?[31m" },
	{ "bad agent", T4 "tsp = { trusted_agents = [ \"a.b\", \"-\" ]; };", 1, 2, "tsp.trusted_agents[1]", "hyphen" },
	{ "domain that is none", T4 HSS("domains = [ \"iot.example.com\", \"\xc3\x84.com\" ];"), 1, 2, "s6m.hss[0].domains[1]", "not allowed" },
	{ "domain of one label", T4 HSS("domains = [ \"iot\" ];"), 1, 2, "s6m.hss[0].domains[0]", "only one label" },
	{ "range of one number", T4 HSS("msisdn_ranges = [ \"491700000000\" ];"), 1, 2, "s6m.hss[0].msisdn_ranges[0]", "'-' between them" },
	{ "range of different lengths", T4 HSS("msisdn_ranges = [ \"4917000-49170000\" ];"), 1, 2, "s6m.hss[0].msisdn_ranges[0]", "same number of digits" },
	{ "range backwards", T4 HSS("msisdn_ranges = [ \"4917001-4917000\" ];"), 1, 2, "s6m.hss[0].msisdn_ranges[0]", "lower than the first" },
	{ "range of letters", T4 HSS("msisdn_ranges = [ \"49170o0-4917001\" ];"), 1, 2, "s6m.hss[0].msisdn_ranges[0]", "digit" },
	{ "range of 16 digits", T4 HSS("msisdn_ranges = [ \"4917000000000000-4917\" ];"), 1, 2, "s6m.hss[0].msisdn_ranges[0]", "15 digits" },
	{ "range with a plus", T4 HSS("msisdn_ranges = [ \"+4917000-+4917001\" ];"), 1, 2, "s6m.hss[0].msisdn_ranges[0]", "digit" },
	{ "overlapping ranges", T4 "s6m = { hss = ( { host = \"a.b\"; realm = \"b\"; msisdn_ranges = [ \"49170-49175\" ]; },\n"
	  " { host = \"c.b\"; realm = \"b\"; msisdn_ranges = [ \"49160-49169\", \"49175-49180\" ]; } ); };", 1, 3, "s6m.hss[1].msisdn_ranges[1]",
	  "overlaps 49170-49175 of a.b" },
	{ "a domain with two HSSs", T4 "s6m = { hss = ( { host = \"a.b\"; realm = \"b\"; domains = [ \"x.example\" ]; },\n"
	  " { host = \"c.b\"; realm = \"b\"; domains = [ \"X.Example\" ]; } ); };", 1, 3, "s6m.hss[1].domains[0]", "belongs to a.b" },
	{ "HSS wanted, none there", T4 "identity = { source = \"hss\"; };", 1, 2, "identity.source", "this needs an HSS" },
	{ "HSS wanted for some, none there", T4 "identity = { source = \"local-then-hss\"; };", 1, 2, "identity.source", "this needs an HSS" },
	{ "default above maximum", T4 "policy = { validity_max_s = 60;\n validity_default_s = 61; };", 1, 3, "policy.validity_default_s",
	  "61 is above policy.validity_max_s, which is 60" },
	{ "maximum below the default's default", T4 "policy = {\n validity_max_s = 60; };", 1, 2, "policy.validity_default_s", "86400 is above" },
	{ "retry backwards", T4 "notify = { retry_min_s = 10; retry_max_s = 9; };", 1, 2, "notify.retry_min_s", "above notify.retry_max_s" },
	{ "batch above queue", T4 "node = { queue_max = 10; batch_max = 11; };", 1, 2, "node.batch_max", "above node.queue_max" },
	{ "store of another kind", T4 "store = { uri = \"/var/lib/iwf.db\"; };", 1, 2, "store.uri", "written \"sqlite:PATH\"" },
	{ "store without a path", T4 "store = { uri = \"sqlite:\"; };", 1, 2, "store.uri", "written \"sqlite:PATH\"" },
	{ "no hash key", T4 "privacy = { hash_key_file = \"/nowhere/key\"; };", 1, 2, "privacy.hash_key_file", "'/nowhere/key': No such file" },
	{ "no program", T4 "notify_user = { command = \"/nowhere/tell\"; };", 1, 2, "notify_user.command", "cannot find '/nowhere/tell'" },
	{ "program that is none", T4 "notify_user = { command = \"/dev/null\"; };", 1, 2, "notify_user.command", "not a program" },
	{ "hash key that is a directory", T4 "privacy = { hash_key_file = \"/tmp\"; };", 1, 2, "privacy.hash_key_file", "not a regular file" },
	{ "quote left open", T4 "store = {\n uri = \"sqlite:a;\n };\n", 1, 3, "", "the quote that begins here is not closed" },
	{ "comment left open", T4 "/* store = {\n uri = \"sqlite:a\";\n };\n", 1, 2, "", "the comment that begins here is not closed" },
	{ "brace left open", T4 "store = {\n uri = \"sqlite:a\";\n", 1, 0, "", "syntax error" },
	{ "no value", T4 "store = { uri = ; };", 1, 2, "", "syntax error" },
	{ "mixed array", T4 "tsp = { trusted_agents = [ \"a.b\", 1 ]; };", 1, 2, "", "mismatched" },
	{ "include without quotes", T4 "@include more.conf", 1, 2, "", "@include wants a file name in quotes" },
	{ "include of nothing", T4 "@include \"nothing.conf\"", 1, 2, "", "No such file" },
	{ "include of a directory", T4 "\n@include \"/tmp\"", 1, 3, "", "'/tmp': Is a directory" },
	{ "include of itself", T4 "@include \"test.conf\"", 1, 2, "", "does a file include itself?" },
};

START_TEST(bad_row)
{
	read_text(bad[_i].text);
	ck_assert_msg(nsaid == bad[_i].mistakes, "%s: %d complaints, not %d:%s", bad[_i].why, nsaid, bad[_i].mistakes, all_said());
	ck_assert_msg(bad[_i].line == 0 || said[0].line == bad[_i].line, "%s: line %d:%s", bad[_i].why, bad[_i].line, all_said());
	ck_assert_msg(strcmp(said[0].key, bad[_i].key) == 0, "%s: key %s:%s", bad[_i].why, bad[_i].key, all_said());
	ck_assert_msg(strstr(said[0].text, bad[_i].says) != NULL, "%s: '%s' is not said:%s", bad[_i].why, bad[_i].says, all_said());
	ck_assert_str_eq(said[0].file, path("test.conf"));
}
END_TEST

START_TEST(every_mistake_is_reported)
{
	read_text("store = { uri = 1; };\nlog = { level = \"loud\"; };\npolicy = { burst = 0; rat = 1; };\nt4 = { smssc = ( { } ); };\n");
	ck_assert_msg(nsaid == 6, "%s", all_said());
	for (int i = 1; i < nsaid; i++)
		ck_assert_msg(said[i].line >= said[i - 1].line, "in the order of the file:%s", all_said());
}
END_TEST

START_TEST(nothing_but_what_is_needed)
{
	ck_assert_msg(read_text(T4) == 0, "%s", all_said());
	ck_assert_str_eq(conf.file, path("test.conf"));
	ck_assert_str_eq(conf.store.uri, "sqlite:/var/lib/mtc-iwf/iwf.db");
	ck_assert_int_eq(conf.store.line, 0);
	ck_assert_uint_eq(conf.store.busy_timeout_ms, 250);
	ck_assert_uint_eq(conf.node.queue_max, 4096);
	ck_assert_uint_eq(conf.node.batch_max, 256);
	ck_assert_int_eq(conf.log.level, 2);
	ck_assert(!conf.log.private_data);
	ck_assert_str_eq(conf.privacy.hash_key_file, "");
	const struct iwf_service_conf *s = &conf.service;
	ck_assert_int_eq(s->identity_source, IWF_ID_LOCAL);
	ck_assert(!s->require_scs_identity && !s->hide_unknown_devices && !s->congestion_is_temporary && !s->report_after_dna);
	ck_assert_uint_eq(s->nagents + s->nhss, 0);
	ck_assert_uint_eq(s->nsmssc, 1);
	ck_assert_str_eq(s->smssc[0].node.host, "smssc.example.net");
	ck_assert_str_eq(s->smssc[0].node.realm, "example.net");
	ck_assert_int_eq(s->smssc[0].priority, 10);
	ck_assert_int_eq(s->smssc[0].recall_replace, IWF_RECALL_LEARN);
	struct iwf_conf d;
	iwf_conf_defaults(&d);
	ck_assert_uint_eq(d.service.nsmssc, 0);
	ck_assert_uint_eq(d.service.payload_max, s->payload_max);
}
END_TEST

/* A different value for each option, and where each has to be found. */
START_TEST(each_value_lands_where_it_belongs)
{
	PUT("hash.key", "0123456789abcdef");
	ck_assert_int_eq(chmod(path("hash.key"), 0640), 0);
	PUT("tell", "#!/bin/sh\n");
	ck_assert_int_eq(chmod(path("tell"), 0755), 0);
	read_text("store = { uri = \"sqlite:/x/y.db\"; busy_timeout_ms = 11; };\nnode = { queue_max = 13; batch_max = 12; waiting_max = 31; };\n"
	          "identity = { source = \"local-then-hss\"; };\n"
	          "tsp = { trusted_agents = ( \"a.b\", \"c.d\" ); require_scs_identity = true; hide_unknown_devices = true;\n"
	          "  duplicate_window_s = 14; };\n"
	          "policy = { payload_max = 15; validity_max_s = 17; validity_default_s = 16; rate_per_s = 18; burst = 19;\n"
	          "  waiting_max = 32; device_rate_per_h = 33; device_burst = 34; device_table_max = 35; };\n"
	          "s6m = { hss = ( { host = \"h1.b\"; realm = \"r1\"; domains = [ \"IoT.Example.COM\" ]; },\n"
	          "  { host = \"h2.b\"; realm = \"r2\"; msisdn_ranges = [ \"49170-49179\", \"49180-49189\" ]; }, { host = \"h3.b\"; realm = \"r3\"; } );\n"
	          "  timeout_ms = 20; cache_max = 21; cache_age_s = 22; };\n"
	          "t4 = { smssc = ( { host = \"s1.b\"; realm = \"r4\"; priority = 23; recall_replace = \"yes\"; },\n"
	          "  { host = \"s2.b\"; realm = \"r5\"; recall_replace = \"no\"; rate_per_s = 36; } ); timeout_ms = 24; waiting_max = 37; waiting_ms = 38; report_grace_s = 25;\n"
	          "  congestion = \"temporary\"; confirm_report = \"after-dna\"; };\n"
	          "notify = { timeout_ms = 26; retry_min_s = 27; retry_max_s = 28; lifetime_s = 29; window = 30; };\n"
	          "notify_user = { command = \"tell\"; interval_s = 43; timeout_s = 44; };\n"
	          "audit = { repeat_after = 39; repeat_s = 40; retention_days = 41; }; journal = { retention_days = 42; };\n"
	          "log = { level = \"debug\"; private_data = true; };\nprivacy = { hash_key_file = \"hash.key\"; };\n");
	ck_assert_msg(nsaid == 0, "%s", all_said());
	const struct iwf_service_conf *s = &conf.service;
	ck_assert_str_eq(conf.store.uri, "sqlite:/x/y.db");
	ck_assert_int_eq(conf.store.line, 1);
	ck_assert_str_eq(conf.privacy.hash_key_file, path("hash.key"));
	ck_assert_str_eq(conf.notify_user.command, path("tell"));
	ck_assert_int_eq(conf.log.level, 4);
	ck_assert_int_eq(s->identity_source, IWF_ID_LOCAL_THEN_HSS);
	ck_assert(s->require_scs_identity && s->hide_unknown_devices && s->congestion_is_temporary && s->report_after_dna);
	ck_assert(conf.log.private_data);
	ck_assert_uint_eq(s->nagents, 2);
	ck_assert_str_eq(s->agents[0], "a.b");
	ck_assert_str_eq(s->agents[1], "c.d");
	const struct { uint32_t have, want; } numbers[] = {
		{ conf.store.busy_timeout_ms, 11 }, { conf.node.batch_max, 12 }, { conf.node.queue_max, 13 }, { s->duplicate_window_s, 14 },
		{ s->payload_max, 15 }, { s->validity_default_s, 16 }, { s->validity_max_s, 17 }, { s->rate_per_s, 18 }, { s->burst, 19 },
		{ s->hss_timeout_ms, 20 }, { s->hss_cache_max, 21 }, { s->hss_cache_age_s, 22 }, { (uint32_t)s->smssc[0].priority, 23 },
		{ s->smssc_timeout_ms, 24 }, { s->report_grace_s, 25 }, { s->notify_timeout_ms, 26 }, { s->notify_retry_min_s, 27 },
		{ s->notify_retry_max_s, 28 }, { s->notify_lifetime_s, 29 }, { s->notify_window, 30 },
		{ s->waiting_max, 31 }, { s->scs_waiting_max, 32 }, { s->device_rate_per_h, 33 }, { s->device_burst, 34 },
		{ s->device_table_max, 35 }, { s->smssc[0].rate_per_s, 0 }, { s->smssc[1].rate_per_s, 36 }, { s->line_max, 37 },
		{ s->line_timeout_ms, 38 }, { s->audit_repeat_after, 39 }, { s->audit_repeat_s, 40 },
		{ s->audit_retention_days, 41 }, { s->journal_retention_days, 42 }, { conf.notify_user.interval_s, 43 }, { conf.notify_user.timeout_s, 44 },
	};
	for (int i = 0; i < N(numbers); i++)
		ck_assert_uint_eq(numbers[i].have, numbers[i].want);
	ck_assert_uint_eq(s->nhss, 3);
	ck_assert_str_eq(s->hss[0].node.host, "h1.b");
	ck_assert_str_eq(s->hss[2].node.realm, "r3");
	ck_assert_uint_eq(s->hss[0].ndomains, 1);
	ck_assert_str_eq(s->hss[0].domains[0], "iot.example.com");
	ck_assert_uint_eq(s->hss[0].nranges + s->hss[1].ndomains + s->hss[2].ndomains + s->hss[2].nranges, 0);
	ck_assert_uint_eq(s->hss[1].nranges, 2);
	ck_assert_str_eq(s->hss[1].ranges[1].from, "49180");
	ck_assert_str_eq(s->hss[1].ranges[1].to, "49189");
	ck_assert_uint_eq(s->nsmssc, 2);
	ck_assert_int_eq(s->smssc[0].recall_replace, IWF_RECALL_YES);
	ck_assert_int_eq(s->smssc[1].recall_replace, IWF_RECALL_NO);
	ck_assert_int_eq(s->smssc[1].priority, 10);
}
END_TEST

/* A file in which one option has that value, written as it stands. */
static void read_with(const struct iwf_opt *o, const char *value)
{
	char text[70000], section[64];
	const char *dot = strchr(o->key, '.'), *leaf = strrchr(o->key, '.') + 1;
	snprintf(section, sizeof section, "%.*s", (int)(dot - o->key), o->key);
	if (strncmp(o->key, "t4.smssc[].", 11) == 0)
		snprintf(text, sizeof text, "t4 = { smssc = ( { %s%s%s = %s; } ); };", strcmp(leaf, "host") ? "host = \"a.b\"; " : "",
		         strcmp(leaf, "realm") ? "realm = \"b\"; " : "", leaf, value);
	else
		snprintf(text, sizeof text, "%s%s = { %s%s = %s; };", strcmp(section, "t4") == 0 ? "" : T4, section,
		         strcmp(section, "t4") == 0 ? "smssc = ( { host = \"a.b\"; realm = \"b\"; } ); " : "", leaf, value);
	read_text(text);
}

static bool refused_as(const char *leaf, const char *says)
{
	for (int i = 0; i < nsaid; i++) {
		const char *have = strrchr(said[i].key, '.');
		if (have && strcmp(have + 1, leaf) == 0 && strstr(said[i].text, says))
			return true;
	}
	return false;
}

START_TEST(both_ends_of_each_range)
{
	size_t n;
	const struct iwf_opt *o = iwf_conf_options(&n);
	for (size_t i = 0; i < n; i++) {
		const char *leaf = strrchr(o[i].key, '.') + 1;
		if (o[i].type != IWF_OPT_INT)
			continue;
		for (int k = -1; k <= 1; k += 2) {
			long long end = k < 0 ? o[i].min : o[i].max;
			char value[32];
			snprintf(value, sizeof value, "%lld", end);
			read_with(&o[i], value);
			ck_assert_msg(!refused_as(leaf, "out of range"), "%s = %lld is refused:%s", o[i].key, end, all_said());
			snprintf(value, sizeof value, "%lld", end + k);
			read_with(&o[i], value);
			ck_assert_msg(refused_as(leaf, "out of range"), "%s = %lld is taken:%s", o[i].key, end + k, all_said());
		}
	}
}
END_TEST

START_TEST(each_choice_of_each_enum)
{
	size_t n;
	const struct iwf_opt *o = iwf_conf_options(&n);
	for (size_t i = 0; i < n; i++) {
		char words[200], value[64];
		unsigned at = 0;
		if (o[i].type != IWF_OPT_ENUM)
			continue;
		snprintf(words, sizeof words, "%s", o[i].choices);
		for (char *save = NULL, *w = strtok_r(words, "|", &save); w; w = strtok_r(NULL, "|", &save), at++) {
			snprintf(value, sizeof value, "\"%s\"", w);
			read_with(&o[i], value);
			ck_assert_msg(!refused_as(strrchr(o[i].key, '.') + 1, "no choice"), "%s = %s:%s", o[i].key, w, all_said());
			const char *base = strchr(o[i].key, '[') ? (const char *)&conf.service.smssc[0] : (const char *)&conf;
			unsigned have = 0;
			memcpy(&have, base + o[i].offset, o[i].size);
			ck_assert_msg(have == at, "%s = %s is %u, not %u", o[i].key, w, have, at);
		}
		read_with(&o[i], "\"other\"");
		ck_assert_msg(refused_as(strrchr(o[i].key, '.') + 1, "no choice"), "%s", o[i].key);
	}
}
END_TEST

START_TEST(text_as_long_as_it_may_be)
{
	size_t n;
	const struct iwf_opt *o = iwf_conf_options(&n);
	for (size_t i = 0; i < n; i++) {
		char value[1200];
		if (o[i].type != IWF_OPT_STRING && o[i].type != IWF_OPT_PATH)
			continue;
		if (strchr(o[i].key, '[') && strncmp(o[i].key, "t4.smssc[].", 11) != 0)
			continue;
		for (size_t len = o[i].size - 1; len <= o[i].size; len++) {
			value[0] = '"';
			memset(value + 1, 'a', len);
			memcpy(value + 1, "sqlite:/", 8);
			memcpy(value + 1 + len, "\"", 2);
			read_with(&o[i], value);
			bool too_long = refused_as(strrchr(o[i].key, '.') + 1, "at most");
			ck_assert_msg(too_long == (len == o[i].size), "%s, %zu characters:%s", o[i].key, len, all_said());
		}
	}
}
END_TEST

START_TEST(more_entries_than_fit)
{
	char text[16384] = "t4 = { smssc = ( ";
	for (int i = 0; i <= IWF_SMSSC_MAX; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s{ host = \"s%d.b\"; realm = \"b\"; }", i ? ", " : "", i);
	strcat(text, " ); };");
	read_text(text);
	ck_assert_msg(nsaid == 1 && strstr(said[0].text, "17 entries; at most 16"), "%s", all_said());
}
END_TEST

START_TEST(included_files)
{
	ck_assert_int_eq(mkdir(path("d"), 0700), 0);
	PUT("d/t4.conf", "# of the directory of this file, wherever we are\n@include \"smssc.conf\"\n@include \"empty.conf\"\n");
	PUT("d/empty.conf", "");
	PUT("d/smssc.conf", T4 "store = { uri = \"sqlite:s.db\"; };");
	ck_assert_msg(read_text("/* @include \"no.conf\"\n@include \"no.conf\" */ log = { level = \"info\"; };\n"
	                        "  @include \"d/t4.conf\" # and on\n") == 0, "%s", all_said());
	char want[200];
	snprintf(want, sizeof want, "sqlite:%s", path("d/s.db"));
	ck_assert_str_eq(conf.store.uri, want);      /* from where it is written */
	PUT("d/smssc.conf", T4 "\nstore = { uri = 7; };\n");
	read_text("@include \"d/t4.conf\"\nlog = { level = 1; };\n");
	ck_assert_msg(nsaid == 2, "%s", all_said());
	ck_assert_str_eq(said[0].file, path("d/smssc.conf"));
	ck_assert_int_eq(said[0].line, 3);
	ck_assert_str_eq(said[1].file, path("test.conf"));
	ck_assert_int_eq(said[1].line, 2);
	PUT("d/smssc.conf", "x = \n");
	read_text("@include \"d/t4.conf\"\n");
	ck_assert_msg(nsaid == 1, "%s", all_said());
}
END_TEST

START_TEST(files_that_are_none)
{
	read_file("/nowhere/at.conf");
	ck_assert_msg(nsaid == 1 && said[0].line == 0 && strstr(said[0].text, "No such file"), "%s", all_said());
	read_file(dir);
	ck_assert_msg(nsaid == 1 && strstr(said[0].text, "Is a directory"), "%s", all_said());
	read_file("/dev/null");
	ck_assert_msg(nsaid == 1 && strstr(said[0].text, "not a regular file"), "%s", all_said());
	PUT("nul.conf", T4 "a\0b");
	read_file(path("nul.conf"));
	ck_assert_msg(nsaid == 1 && said[0].line == 2 && strstr(said[0].text, "NUL"), "%s", all_said());
	PUT("large.conf", "");
	ck_assert_int_eq(truncate(path("large.conf"), (1 << 20) + 1), 0);
	read_file(path("large.conf"));
	ck_assert_msg(nsaid == 1 && strstr(said[0].text, "larger than 1 MiB"), "%s", all_said());
	PUT("empty.conf", "");
	read_file(path("empty.conf"));
	ck_assert_msg(nsaid == 1 && strcmp(said[0].key, "t4.smssc") == 0, "%s", all_said());
}
END_TEST

/* Nothing that a file can hold ends the process or reads past its end. */
START_TEST(every_cut_and_every_flipped_octet)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	iwf_conf_print_sample(f);
	fclose(f);
	nsaid = 0;
	for (size_t i = 0; i < n; i += 7) {
		put("cut.conf", text, i);
		iwf_conf_read(path("cut.conf"), &conf, NULL, NULL);
		text[i] ^= (char)(1 + i % 255);
		put("flip.conf", text, n);
		iwf_conf_read(path("flip.conf"), &conf, NULL, NULL);
		text[i] ^= (char)(1 + i % 255);
	}
	free(text);
}
END_TEST

START_TEST(hash_key_of_the_wrong_kind)
{
	static const struct { size_t size; mode_t mode; const char *says; } keys[] = {
		{ 15, 0600, "15 octets; a key needs at least 16" }, { 16, 0600, NULL }, { 4096, 0640, NULL }, { 4097, 0600, "at most 4096" },
		{ 32, 0644, "may be read or written by others (mode 0644)" }, { 32, 0602, "by others" }, { 32, 0660, "by others" },
	};
	for (int i = 0; i < N(keys); i++) {
		PUT("k", "");
		ck_assert_int_eq(truncate(path("k"), (off_t)keys[i].size), 0);
		ck_assert_int_eq(chmod(path("k"), keys[i].mode), 0);
		read_text(T4 "privacy = { hash_key_file = \"k\"; };");
		ck_assert_msg(nsaid == (keys[i].says != NULL), "%d:%s", i, all_said());
		ck_assert_msg(!keys[i].says || strstr(said[0].text, keys[i].says), "%d:%s", i, all_said());
	}
}
END_TEST

START_TEST(sample_is_the_file_in_the_tree)
{
	const char *src = getenv("srcdir");
	char name[512], a[512] = "", b[512] = "";
	snprintf(name, sizeof name, "%s/conf/mtc-iwf.conf", src ? src : ".");
	FILE *in = fopen(name, "r"), *out = fopen(path("sample.conf"), "w+");
	ck_assert_msg(in != NULL, "no %s", name);
	iwf_conf_print_sample(out);
	rewind(out);
	for (int line = 1; ; line++) {
		char *x = fgets(a, sizeof a, in), *y = fgets(b, sizeof b, out);
		ck_assert_msg(!x == !y && (!x || strcmp(a, b) == 0), "%s:%d: \"%s\", but the option table gives \"%s\"; "
		              "iwfctl sample-config > conf/mtc-iwf.conf", name, line, x ? a : "", y ? b : "");
		if (!x)
			break;
	}
	fclose(in);
	fclose(out);
	ck_assert_msg(read_file(path("sample.conf")) == 0, "the sample is refused:%s", all_said());
}
END_TEST

/* What the sample only shows in comments is right as well. */
START_TEST(sample_without_comment_signs)
{
	char line[512];
	FILE *all = fopen(path("all.conf"), "w+"), *out = fopen(path("sample.conf"), "w+");
	iwf_conf_print_sample(out);
	rewind(out);
	while (fgets(line, sizeof line, out)) {
		char *hash = strchr(line, '#');
		if (hash && (hash[1] == '\t' || strstr(hash, "= (") == hash + 5 || strstr(hash, " = [ ") || hash[1] == ')') && hash[1] != ' ')
			*hash = ' ';
		fputs(line, all);
	}
	fclose(out);
	fclose(all);
	ck_assert_msg(read_file(path("all.conf")) == 0, "%s", all_said());
	ck_assert_uint_eq(conf.service.nagents, 1);
	ck_assert_uint_eq(conf.service.nhss, 1);
	ck_assert_uint_eq(conf.service.hss[0].ndomains, 1);
	ck_assert_uint_eq(conf.service.hss[0].nranges, 1);
}
END_TEST

START_TEST(store_is_looked_at)
{
	unsigned from, to;
	char err[600];
	ck_assert_int_eq(read_text(T4 "\nstore = { uri = \"sqlite:iwf.db\"; };"), 0);
	nsaid = 0;
	ck_assert_int_eq(iwf_conf_check_store(&conf, complain, &conf), 1);
	ck_assert_int_eq(said[0].line, 3);
	ck_assert_str_eq(said[0].key, "store.uri");
	ck_assert_msg(strstr(said[0].text, "iwf.db") != NULL, "%s", all_said());
	PUT("iwf.db", "this is no database, but long enough to look like one, if nobody looks");
	ck_assert_int_eq(iwf_conf_check_store(&conf, complain, &conf), 1);
	ck_assert_int_eq(unlink(path("iwf.db")), 0);
	ck_assert_msg(iwf_migrate_file(path("iwf.db"), true, &from, &to, err, sizeof err) == IWF_OK, "%s", err);
	nsaid = 0;
	ck_assert_msg(iwf_conf_check_store(&conf, complain, &conf) == 0, "%s", all_said());
}
END_TEST

START_TEST(describe_fits_any_room)
{
	size_t n;
	const struct iwf_opt *o = iwf_conf_options(&n);
	for (size_t i = 0; i < n; i++)
		for (size_t size = 1; size < 200; size++) {
			char *buf = malloc(size);
			ck_assert_uint_lt(strlen(iwf_conf_describe(&o[i], buf, size)), size);
			free(buf);
		}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conf");
	TCase *tc = tcase_create("conf");
	tcase_add_unchecked_fixture(tc, make_dir, remove_dir);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, bad_row, 0, N(bad));
	tcase_add_test(tc, every_mistake_is_reported);
	tcase_add_test(tc, nothing_but_what_is_needed);
	tcase_add_test(tc, each_value_lands_where_it_belongs);
	tcase_add_test(tc, both_ends_of_each_range);
	tcase_add_test(tc, each_choice_of_each_enum);
	tcase_add_test(tc, text_as_long_as_it_may_be);
	tcase_add_test(tc, more_entries_than_fit);
	tcase_add_test(tc, included_files);
	tcase_add_test(tc, files_that_are_none);
	tcase_add_test(tc, every_cut_and_every_flipped_octet);
	tcase_add_test(tc, hash_key_of_the_wrong_kind);
	tcase_add_test(tc, sample_is_the_file_in_the_tree);
	tcase_add_test(tc, sample_without_comment_signs);
	tcase_add_test(tc, store_is_looked_at);
	tcase_add_test(tc, describe_fits_any_room);
	suite_add_tcase(s, tc);

	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
