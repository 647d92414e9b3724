/* mtc-secgw.conf: what is taken, and what is said, with file and line, of what is not. */
#include "config.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "gw_conf.h"
#include "peer.h"

#define N(a) ((int)(sizeof(a) / sizeof(*(a))))

/* libconfig 1.5 leaves behind what it has read of a text that does not end. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:strbuf_append\n"; }

static char dir[64];
static struct gw_conf conf;
static struct { int line; char file[256], key[160], text[600]; } said[32];
static int nsaid;

static void complain(void *ctx, const struct iwf_conf_error *e)
{
	ck_assert_ptr_eq(ctx, &conf);
	ck_assert_int_lt(nsaid, N(said));
	said[nsaid].line = e->line;
	snprintf(said[nsaid].file, sizeof(said->file), "%s", e->file);
	snprintf(said[nsaid].key, sizeof(said->key), "%s", e->key);
	snprintf(said[nsaid++].text, sizeof(said->text), "%s", e->text);
}

static const char *path(const char *name)
{
	static char buf[4][160];
	static int i;

	snprintf(buf[i = (i + 1) % 4], sizeof(buf[0]), "%s/%s", dir, name);
	return buf[i];
}

static void put(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(path(name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path(name), mode), 0);
}

static void setup(void)
{
	strcpy(dir, "/tmp/check_gw_conf.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	put("cert.pem", "c", 0644);
	put("key.pem", "k", 0600);
	put("ca.pem", "a", 0644);
	put("crl.pem", "r", 0644);
	put("node.key", "0123456789abcdef\n", 0600);
	put("short.key", "0123456789abcde\n", 0600);
	put("open.key", "0123456789abcdef\n", 0644);
}

static void teardown(void)
{
	char cmd[100];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static const char *all_said(void)
{
	static char buf[4096];
	size_t used = 0;

	buf[0] = 0;
	for (int i = 0; i < nsaid && used < sizeof(buf); i++)
		used += (size_t)snprintf(buf + used, sizeof(buf) - used, "\n  %s:%d: [%s] %s", said[i].file, said[i].line, said[i].key, said[i].text);
	return buf;
}

static int read_text(const char *text)
{
	int n;

	put("gw.conf", text, 0644);
	nsaid = 0;
	memset(&conf, 0x55, sizeof(conf));
	n = gw_conf_read(path("gw.conf"), &conf, complain, &conf);
	ck_assert_int_eq(n, nsaid);
	for (int i = 0; i < n; i++)
		ck_assert_str_eq(said[i].file, path("gw.conf"));
	return n;
}

#define GATEWAY "identity = \"iwf.test\"; realm = \"test\"; node_key_file = \"node.key\";"
#define LISTEN  "{ port = 0; }"
#define NODES   "{ host = \"node.inside\"; realm = \"inside\"; }"
#define TLS     "certificate = \"cert.pem\"; key = \"key.pem\"; ca = \"ca.pem\";"

/* Gateway on line 1, listeners on 2, nodes on 3, tls on 4, the rest from 5; NULL: as it should be. */
struct parts { const char *gateway, *listen, *nodes, *tls, *rest; };

static int read_parts(const struct parts *p)
{
	char text[4096];

	snprintf(text, sizeof(text), "gateway = { %s\nlisten = ( %s );\nnodes = ( %s ); };\ntls = { %s };\n%s", p->gateway ? p->gateway : GATEWAY,
	         p->listen ? p->listen : LISTEN, p->nodes ? p->nodes : NODES, p->tls ? p->tls : TLS, p->rest ? p->rest : "");
	return read_text(text);
}

START_TEST(what_is_needed)
{
	ck_assert_msg(read_parts(&(struct parts){ 0 }) == 0, "%s", all_said());
	ck_assert_str_eq(conf.file, path("gw.conf"));
	ck_assert_str_eq(conf.identity, "iwf.test");
	ck_assert_str_eq(conf.realm, "test");
	ck_assert_uint_eq(conf.nlisten, 1);
	ck_assert_int_eq(conf.listen[0].transport, GW_TLS);
	ck_assert_str_eq(conf.listen[0].address, "0.0.0.0");
	ck_assert_uint_eq(conf.listen[0].port, 0);
	ck_assert_uint_eq(conf.listen[0].nmore, 0);
	ck_assert_int_eq(conf.listen[0].sctp_stack, PEER_SCTP_AUTO);
	ck_assert_uint_eq(conf.nnode, 1);
	ck_assert_str_eq(conf.node[0].host, "node.inside");
	ck_assert_str_eq(conf.node[0].realm, "inside");
	ck_assert_str_eq(conf.node[0].address, "127.0.0.1");
	ck_assert_uint_eq(conf.node[0].port, 3868);
	ck_assert(!conf.node[0].tls);
	ck_assert_str_eq(conf.node_key_file, path("node.key"));
	ck_assert_uint_eq(conf.node_key.n, 16);
	ck_assert_str_eq(conf.tls.cert, path("cert.pem"));
	ck_assert_str_eq(conf.tls.key, path("key.pem"));
	ck_assert_str_eq(conf.tls.ca, path("ca.pem"));
	ck_assert_str_eq(conf.tls.crl, "");
	ck_assert_int_eq(conf.tls.ocsp, GW_OCSP_OFF);
	ck_assert_str_eq(conf.store.uri, "sqlite:/var/lib/mtc-iwf/iwf.db");
	ck_assert_int_eq(conf.process.sandbox, GW_SANDBOX_TRY);
	ck_assert_uint_eq(conf.limits.message_max, 65536);
	ck_assert_uint_eq(conf.limits.in_flight_per_scs, 1000);
}
END_TEST

START_TEST(each_lands_where_it_belongs)
{
	ck_assert_msg(read_parts(&(struct parts){
		.listen = "{ transport = \"dtls-sctp\"; address = \"::1\"; port = 5869; more = [ \"127.0.0.2\", \"127.0.0.3\" ]; sctp_stack = \"user\";"
		          "  udp_port = 9899; }, { transport = \"sctp\"; port = 1; sctp_stack = \"kernel\"; }, { transport = \"tcp\"; port = 2; }, { }",
		.nodes = "{ host = \"a.inside\"; realm = \"b\"; tls = true; address = \"2001:db8::1\"; port = 5; priority = 7; }, " NODES,
		.tls = TLS "pin_file = \"key.pem\"; crl = \"crl.pem\"; crl_policy = \"require\"; node_ca = \"ca.pem\"; ocsp = \"hard\";"
		       "ocsp_responder = \"http://x/\"; ocsp_timeout_ms = 100; ocsp_cache_s = 0; keylog = \"log\";",
		.rest = "store = { uri = \"sqlite:db\"; busy_timeout_ms = 0; poll_ms = 50; audit = false; };\n"
		        "limits = { connections = 1; connections_per_source = 2; half_open = 3; half_open_per_source = 4; source_rate_per_s = 5;\n"
		        "source_burst = 6; hello_timeout_ms = 107; handshake_timeout_ms = 108; cer_timeout_ms = 109; message_max = 4096;\n"
		        "queue_max = 16384; stall_timeout_ms = 110; watchdog_s = 11; in_flight = 12; in_flight_per_scs = 13;\n"
		        "answer_timeout_ms = 114; rate_per_s = 15; burst = 16; handshake_share_us = 117; audit_per_s = 18; audit_burst = 19; };\n"
		        "process = { user = \"u\"; keeper_user = \"k\"; sandbox = \"off\"; control = \"ctl\"; }; log = { level = \"error\"; };" }) == 0,
		"%s", all_said());
	ck_assert_uint_eq(conf.nlisten, 4);
	ck_assert_int_eq(conf.listen[0].transport, GW_DTLS_SCTP);
	ck_assert_str_eq(conf.listen[0].address, "::1");
	ck_assert_uint_eq(conf.listen[0].port, 5869);
	ck_assert_uint_eq(conf.listen[0].nmore, 2);
	ck_assert_str_eq(conf.listen[0].more[1], "127.0.0.3");
	ck_assert_int_eq(conf.listen[0].sctp_stack, PEER_SCTP_USER);
	ck_assert_uint_eq(conf.listen[0].udp_port, 9899);
	ck_assert_int_eq(conf.listen[1].transport, GW_SCTP);
	ck_assert_int_eq(conf.listen[1].sctp_stack, PEER_SCTP_KERNEL);
	ck_assert_int_eq(conf.listen[2].transport, GW_TCP);
	ck_assert_int_eq(conf.listen[3].transport, GW_TLS);
	ck_assert_uint_eq(conf.listen[3].port, 5868);
	ck_assert_uint_eq(conf.nnode, 2);
	ck_assert(conf.node[0].tls && conf.node[0].port == 5 && conf.node[0].priority == 7 && !strcmp(conf.node[0].address, "2001:db8::1"));
	ck_assert_str_eq(conf.node[1].host, "node.inside");
	ck_assert_uint_eq(conf.node[1].priority, 10);
	ck_assert_str_eq(conf.tls.pin_file, path("key.pem"));
	ck_assert_str_eq(conf.tls.crl, path("crl.pem"));
	ck_assert_str_eq(conf.tls.node_ca, path("ca.pem"));
	ck_assert_str_eq(conf.tls.keylog, path("log"));
	ck_assert_int_eq(conf.tls.crl_policy, 1);
	ck_assert_int_eq(conf.tls.ocsp, GW_OCSP_HARD);
	ck_assert_str_eq(conf.tls.ocsp_responder, "http://x/");
	ck_assert(conf.tls.ocsp_timeout_ms == 100 && conf.tls.ocsp_cache_s == 0);
	ck_assert(!strncmp(conf.store.uri, "sqlite:", 7) && !strcmp(conf.store.uri + 7, path("db")));
	ck_assert(conf.store.busy_timeout_ms == 0 && conf.store.poll_ms == 50 && !conf.store.audit && conf.store.line == 5);
	ck_assert(conf.limits.connections == 1 && conf.limits.connections_per_source == 2 && conf.limits.half_open == 3);
	ck_assert(conf.limits.half_open_per_source == 4 && conf.limits.source_rate_per_s == 5 && conf.limits.source_burst == 6);
	ck_assert(conf.limits.hello_timeout_ms == 107 && conf.limits.handshake_timeout_ms == 108 && conf.limits.cer_timeout_ms == 109);
	ck_assert(conf.limits.message_max == 4096 && conf.limits.queue_max == 16384 && conf.limits.stall_timeout_ms == 110);
	ck_assert(conf.limits.watchdog_s == 11 && conf.limits.in_flight == 12 && conf.limits.in_flight_per_scs == 13);
	ck_assert(conf.limits.answer_timeout_ms == 114 && conf.limits.rate_per_s == 15 && conf.limits.burst == 16);
	ck_assert(conf.limits.handshake_share_us == 117 && conf.limits.audit_per_s == 18 && conf.limits.audit_burst == 19);
	ck_assert_str_eq(conf.process.user, "u");
	ck_assert_str_eq(conf.process.keeper_user, "k");
	ck_assert_int_eq(conf.process.sandbox, GW_SANDBOX_OFF);
	ck_assert_str_eq(conf.process.control, path("ctl"));
	ck_assert_int_eq(conf.log.level, 0);
}
END_TEST

#define G(more) "identity = \"iwf.test\"; realm = \"test\"; " more
#define NODE(more) "{ host = \"node.inside\"; realm = \"inside\"; " more " }"

static const struct { const char *why; struct parts p; int mistakes, line; const char *key, *says; } bad[] = {
	{ "no identity", { .gateway = "realm = \"test\"; node_key_file = \"node.key\";" }, 1, 1, "gateway.identity", "missing" },
	{ "no realm", { .gateway = "identity = \"iwf.test\"; node_key_file = \"node.key\";" }, 1, 1, "gateway.realm", "missing" },
	{ "identity that is none", { .gateway = "identity = \"a_b\"; realm = \"test\"; node_key_file = \"node.key\";" }, 1, 1, "gateway.identity", "not allowed" },
	{ "realm that is none", { .gateway = "identity = \"iwf.test\"; realm = \"te st\"; node_key_file = \"node.key\";" }, 1, 1, "gateway.realm", "" },
	{ "nowhere to listen", { .listen = "" }, 1, 2, "gateway.listen", "empty; at least 1 needed" },
	{ "transport that there is not", { .listen = "{ transport = \"udp\"; }" }, 1, 2, "gateway.listen[0].transport", "\"dtls-sctp\"" },
	{ "address that is a name", { .listen = "{ address = \"localhost\"; }" }, 1, 2, "gateway.listen[0].address", "an address in numbers" },
	{ "address with a port", { .listen = "{ address = \"127.0.0.1:5868\"; }" }, 1, 2, "gateway.listen[0].address", "an address in numbers" },
	{ "port too high", { .listen = "{ port = 65536; }" }, 1, 2, "gateway.listen[0].port", "from 0 to 65535" },
	{ "further address that is none", { .listen = "{ transport = \"sctp\"; more = [ \"127.0.0.2\", \"x\" ]; }" }, 1, 2, "gateway.listen[0].more[1]", "in numbers" },
	{ "too many further addresses", { .listen = "{ transport = \"sctp\"; more = [ \"::1\", \"::2\", \"::3\", \"::4\", \"::5\" ]; }" }, 1, 2,
	  "gateway.listen[0].more", "4" },
	{ "further addresses without SCTP", { .listen = "{ more = [ \"127.0.0.2\" ]; }" }, 1, 2, "gateway.listen[0].more", "for SCTP" },
	{ "UDP without SCTP", { .listen = "{ }, { transport = \"tcp\"; port = 1; udp_port = 9899; }" }, 1, 2, "gateway.listen[1].udp_port", "for SCTP" },
	{ "the same twice", { .listen = "{ }, { transport = \"tcp\"; port = 5868; }" }, 1, 2, "gateway.listen[1].port", "0.0.0.0 port 5868 is in gateway.listen[0]" },
	{ "the same SCTP twice", { .listen = "{ transport = \"sctp\"; }, { port = 1; }, { transport = \"dtls-sctp\"; }" }, 1, 2, "gateway.listen[2].port",
	  "gateway.listen[0]" },
	{ "no node", { .nodes = "" }, 1, 3, "gateway.nodes", "empty; at least 1 needed" },
	{ "nine nodes", { .nodes = "{ host = \"a.x\"; realm = \"x\"; }, { host = \"b.x\"; realm = \"x\"; }, { host = \"c.x\"; realm = \"x\"; }, { host = \"d.x\"; realm = \"x\"; },"
	  "{ host = \"e.x\"; realm = \"x\"; }, { host = \"f.x\"; realm = \"x\"; }, { host = \"g.x\"; realm = \"x\"; }, { host = \"h.x\"; realm = \"x\"; },"
	  "{ host = \"i.x\"; realm = \"x\"; }" }, 1, 3, "gateway.nodes", "8" },
	{ "node without a host", { .nodes = "{ realm = \"inside\"; }" }, 1, 3, "gateway.nodes[0]", "'host' is missing" },
	{ "node that is us", { .nodes = "{ host = \"IWF.test\"; realm = \"inside\"; }" }, 1, 3, "gateway.nodes[0].host", "the gateway's own identity" },
	{ "node twice", { .nodes = NODES ",\n{ host = \"Node.Inside\"; realm = \"inside\"; }" }, 1, 4, "gateway.nodes[1].host", "already, as gateway.nodes[0]" },
	{ "node at port 0", { .nodes = NODE("port = 0;") }, 1, 3, "gateway.nodes[0].port", "from 1 to 65535" },
	{ "TLS to a node without CAs", { .nodes = NODE("tls = true;") }, 1, 3, "gateway.nodes[0].tls", "needs tls.node_ca" },
	{ "plain to another machine", { .nodes = NODE("address = \"192.0.2.1\";") }, 1, 3, "gateway.nodes[0].tls", "use TLS" },
	{ "plain to another machine by IPv6", { .nodes = NODE("address = \"::2\"; tls = false;") }, 1, 3, "gateway.nodes[0].tls", "use TLS" },
	{ "plain without a secret", { .gateway = G("") }, 1, 3, "gateway.nodes[0].tls", "gateway.node_key_file" },
	{ "secret that is not there", { .gateway = G("node_key_file = \"no.key\";") }, 1, 1, "gateway.node_key_file", "No such file" },
	{ "secret too short", { .gateway = G("node_key_file = \"short.key\";") }, 1, 1, "gateway.node_key_file", "at least 16" },
	{ "secret for all to read", { .gateway = G("node_key_file = \"open.key\";") }, 1, 1, "gateway.node_key_file", "open.key" },
	{ "no certificate", { .tls = "key = \"key.pem\"; ca = \"ca.pem\";" }, 1, 4, "tls.certificate", "missing" },
	{ "no key", { .tls = "certificate = \"cert.pem\"; ca = \"ca.pem\";" }, 1, 4, "tls.key", "missing" },
	{ "no CA", { .tls = "certificate = \"cert.pem\"; key = \"key.pem\";" }, 1, 4, "tls.ca", "missing" },
	{ "certificate that is not there", { .tls = "certificate = \"x\"; key = \"key.pem\"; ca = \"ca.pem\";" }, 1, 4, "tls.certificate", "No such file" },
	{ "key that is not there", { .tls = "certificate = \"cert.pem\"; key = \"x\"; ca = \"ca.pem\";" }, 1, 4, "tls.key", "No such file" },
	{ "CA that is not there", { .tls = "certificate = \"cert.pem\"; key = \"key.pem\"; ca = \"x\";" }, 1, 4, "tls.ca", "No such file" },
	{ "CRL that is not there", { .tls = TLS "\ncrl = \"x\";" }, 1, 5, "tls.crl", "No such file" },
	{ "PIN that is not there", { .tls = TLS "\npin_file = \"x\";" }, 1, 5, "tls.pin_file", "No such file" },
	{ "nodes' CA that is not there", { .tls = TLS "\nnode_ca = \"x\";" }, 1, 5, "tls.node_ca", "No such file" },
	{ "CRL wanted, and none there", { .tls = TLS "\n\ncrl_policy = \"require\";" }, 1, 6, "tls.crl_policy", "needs tls.crl" },
	{ "OCSP neither soft nor hard", { .tls = TLS "ocsp = \"yes\";" }, 1, 4, "tls.ocsp", "\"soft\"" },
	{ "another store", { .rest = "store = {\n uri = \"postgresql:x\"; };" }, 1, 6, "store.uri", "sqlite:PATH" },
	{ "a store of nothing", { .rest = "store = { uri = \"sqlite:\"; };" }, 1, 5, "store.uri", "sqlite:PATH" },
	{ "hello after the handshake", { .rest = "limits = {\n hello_timeout_ms = 20000; };" }, 1, 6, "limits.hello_timeout_ms",
	  "20000 is above limits.handshake_timeout_ms, which is 10000" },
	{ "a queue of one message", { .rest = "limits = { message_max = 16384;\n queue_max = 32767; };" }, 1, 6, "limits.queue_max", "32767 holds fewer than two" },
	{ "limit out of range", { .rest = "limits = { watchdog_s = 5; };" }, 1, 5, "limits.watchdog_s", "from 6 to 3600" },
	{ "no requests at all", { .rest = "limits = { in_flight = 0; };" }, 1, 5, "limits.in_flight", "from 1 to" },
	{ "control socket too long", { .rest = "process = { control = \"" "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789" "\"; };" },
	  1, 5, "process.control", "107 characters" },
	{ "misspelt", { .rest = "limits = { conections = 5; };" }, 1, 5, "limits.conections", "did you mean 'limits.connections'" },
	{ "misspelt, and nothing like it", { .rest = "zebra = 1;" }, 1, 5, "zebra", "mtc-secgw --sample-config" },
	{ "an option of the node", { .rest = "tsp = { trusted_agents = [ ]; };" }, 1, 5, "tsp.trusted_agents", "" },
	{ "no libconfig", { .rest = "limits = ;" }, 1, 5, "", "syntax error" },
	/* All of them, in one go. */
	{ "several", { .listen = "{ port = -1; }", .nodes = NODE("tls = true;"), .rest = "log = { level = 3; };" }, 3, 2, "gateway.listen[0].port", "" },
};
START_TEST(mistake)
{
	int n = read_parts(&bad[_i].p);

	ck_assert_msg(n == bad[_i].mistakes && said[0].line == bad[_i].line && !strcmp(said[0].key, bad[_i].key) && strstr(said[0].text, bad[_i].says),
	              "%s: %d mistakes%s", bad[_i].why, n, all_said());
}
END_TEST

/* What looks wrong, and is not. */
START_TEST(right)
{
	static const struct { const char *why; struct parts p; } rows[] = {
		{ "a key in a token", { .tls = "certificate = \"cert.pem\"; key = \"pkcs11:object=x\"; ca = \"ca.pem\";" } },
		{ "TLS to another machine, and no secret", { .gateway = G(""), .nodes = NODE("tls = true; address = \"192.0.2.1\";"), .tls = TLS "node_ca = \"ca.pem\";" } },
		{ "nodes at both loopbacks", { .nodes = NODE("address = \"127.9.9.9\";") ", { host = \"b\"; realm = \"inside\"; address = \"::1\"; }" } },
		{ "a port of TCP and of SCTP", { .listen = "{ }, { transport = \"dtls-sctp\"; }" } },
		{ "one port at two addresses", { .listen = "{ address = \"127.0.0.1\"; }, { address = \"127.0.0.2\"; }" } },
		{ "any port, twice", { .listen = "{ port = 0; }, { port = 0; }" } },
		{ "one SCTP port in UDP and in IP", { .listen = "{ transport = \"sctp\"; }, { transport = \"sctp\"; udp_port = 9899; }" } },
	};

	for (int i = 0; i < N(rows); i++)
		ck_assert_msg(read_parts(&rows[i].p) == 0, "%s: %s", rows[i].why, all_said());
	ck_assert_msg(read_parts(&rows[0].p) == 0, "%s", all_said());
	ck_assert_str_eq(conf.tls.key, "pkcs11:object=x");
}
END_TEST

START_TEST(no_file)
{
	nsaid = 0;
	ck_assert_int_eq(gw_conf_read(path("none.conf"), &conf, complain, &conf), 1);
	ck_assert_str_eq(said[0].file, path("none.conf"));
	ck_assert_int_eq(said[0].line, 0);
	ck_assert_ptr_nonnull(strstr(said[0].text, "No such file"));
}
END_TEST

/* Cut off anywhere, with an octet of it changed: mistakes or none, never harm. */
START_TEST(anything)
{
	static const char text[] = "gateway = { " GATEWAY "\nlisten = ( " LISTEN " );\nnodes = ( " NODES " ); };\ntls = { " TLS " };\n";
	char copy[sizeof(text)];
	int wrong = 0;

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		memcpy(copy, text, sizeof(text));
		copy[i] = 0;
		wrong += read_text(copy) > 0;
		memcpy(copy, text, sizeof(text));
		copy[i] ^= (char)(1 + i % 127);
		read_text(copy);
	}
	ck_assert_int_gt(wrong, (int)sizeof(text) - 10);
}
END_TEST

/* What the program prints is read without a mistake, but for the files that are not here and the secret that has to be chosen. */
START_TEST(sample)
{
	FILE *f = fopen(path("gw.conf"), "w");

	ck_assert_ptr_nonnull(f);
	gw_conf_print_sample(f);
	ck_assert_int_eq(fclose(f), 0);
	nsaid = 0;
	gw_conf_read(path("gw.conf"), &conf, complain, &conf);
	for (int i = 0; i < nsaid; i++)
		ck_assert_msg(strstr(said[i].text, "cannot read '/etc/mtc-iwf/") || !strcmp(said[i].key, "gateway.nodes[0].tls"), "%s", all_said());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gw_conf");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_is_needed);
	tcase_add_test(t, each_lands_where_it_belongs);
	tcase_add_loop_test(t, mistake, 0, N(bad));
	tcase_add_test(t, right);
	tcase_add_test(t, no_file);
	tcase_add_test(t, anything);
	tcase_add_test(t, sample);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
