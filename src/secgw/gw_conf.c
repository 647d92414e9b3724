#include "config.h"
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "conf_schema.h"
#include "gw_conf.h"

static const char *store_host(const char *text, void *at, size_t size)
{
	const char *wrong = iwf_diamid_check((struct iwf_view){ (const uint8_t *)text, strlen(text) });

	if (!wrong)
		strncpy(at, text, size - 1);
	return wrong;
}

static const char *store_address(const char *text, void *at, size_t size)
{
	uint8_t a[16];

	if (inet_pton(AF_INET, text, a) != 1 && inet_pton(AF_INET6, text, a) != 1)
		return "an address in numbers is needed, such as \"127.0.0.1\" or \"2001:db8::1\"";
	strncpy(at, text, size - 1);
	return NULL;
}

static const char *store_uri(const char *text, void *at, size_t size)
{
	if (strncmp(text, "sqlite:", 7) != 0 || !text[7])
		return "a store is written \"sqlite:PATH\", for instance \"sqlite:/var/lib/mtc-iwf/iwf.db\"";
	strncpy(at, text, size - 1);
	return NULL;
}

#define AT(field)      .offset = offsetof(struct gw_conf, field), .size = sizeof(((struct gw_conf *)0)->field)
#define IN(s, field)   .offset = offsetof(struct s, field), .size = sizeof(((struct s *)0)->field)
#define ENTRIES(f, c)  .offset = offsetof(struct gw_conf, f), .size = sizeof(((struct gw_conf *)0)->f[0]), .count = offsetof(struct gw_conf, c)
#define MEMBERS(s, f, c) .offset = offsetof(struct s, f), .size = sizeof(((struct s *)0)->f[0]), .count = offsetof(struct s, c)
#define ELEM(s, f)     .offset = 0, .size = sizeof(((struct s *)0)->f[0])
#define INT(k, lo, hi, d, where, h)     { .key = k, .type = IWF_OPT_INT, .min = lo, .max = hi, .dflt = d, .help = h, where }
#define BOOL(k, d, where, h)            { .key = k, .type = IWF_OPT_BOOL, .dflt = d, .help = h, where }
#define ENUM(k, c, d, where, h)         { .key = k, .type = IWF_OPT_ENUM, .choices = c, .dflt = d, .help = h, where }
#define STRING(k, lo, d, e, st, where, h) { .key = k, .type = IWF_OPT_STRING, .min = lo, .dflt = d, .example = e, .store = st, .help = h, where }
#define PATH(k, lo, d, e, where, h)     { .key = k, .type = IWF_OPT_PATH, .min = lo, .dflt = d, .example = e, .help = h, where }
#define LIST(k, lo, hi, where, h)       { .key = k, .type = IWF_OPT_LIST, .min = lo, .max = hi, .help = h, where }
#define LIMIT(name, lo, hi, d, h)       INT("limits." #name, lo, hi, d, AT(limits.name), h)

static const struct iwf_opt options[] = {
	STRING("gateway.identity", 1, NULL, "iwf.operator.example", store_host, AT(identity),
	       "Diameter identity that SCSs and nodes know the gateway by; in tsp.trusted_agents of each node"),
	STRING("gateway.realm", 1, NULL, "operator.example", store_host, AT(realm),
	       "its Diameter realm: Destination-Realm of what SCSs send"),
	LIST("gateway.listen", 1, GW_LISTEN_MAX, ENTRIES(listen, nlisten), "where SCSs connect"),
	ENUM("gateway.listen[].transport", "tls|dtls-sctp|tcp|sctp", "tls", IN(gw_listen, transport),
	     "TLS over TCP; DTLS over SCTP (RFC 6083); without either for SCSs that are protected below (security = 'ndsip')"),
	STRING("gateway.listen[].address", 1, "0.0.0.0", NULL, store_address, IN(gw_listen, address),
	       "local address; \"0.0.0.0\" or \"::\" for all"),
	INT("gateway.listen[].port", 0, 65535, "5868", IN(gw_listen, port), "port of TCP or SCTP; 0: any, which the log tells"),
	LIST("gateway.listen[].more", 0, GW_ADDRS_MAX, MEMBERS(gw_listen, more, nmore),
	     "further local addresses of an SCTP endpoint (multihoming), with the kernel's SCTP"),
	STRING("gateway.listen[].more[]", 1, NULL, "192.0.2.11", store_address, ELEM(gw_listen, more), "an address"),
	ENUM("gateway.listen[].sctp_stack", "auto|kernel|user", "auto", IN(gw_listen, sctp_stack),
	     "whose SCTP; auto: the kernel's, where it has one"),
	INT("gateway.listen[].udp_port", 0, 65535, "0", IN(gw_listen, udp_port),
	    "the user-space stack's SCTP comes in UDP to this port (RFC 6951, 9899 is usual); 0: in bare IP"),
	LIST("gateway.nodes", 1, GW_NODES_MAX, ENTRIES(node, nnode), "the MTC-IWF nodes behind the gateway"),
	STRING("gateway.nodes[].host", 1, NULL, "iwf1.operator.example", store_host, IN(gw_node, host), "its Diameter identity"),
	STRING("gateway.nodes[].realm", 1, NULL, "operator.example", store_host, IN(gw_node, realm), "its Diameter realm"),
	STRING("gateway.nodes[].address", 1, "127.0.0.1", NULL, store_address, IN(gw_node, address), "its address"),
	INT("gateway.nodes[].port", 1, 65535, "3868", IN(gw_node, port), "its port"),
	BOOL("gateway.nodes[].tls", "false", IN(gw_node, tls), "true: TLS on the way to it, with tls.node_ca; needed to another machine"),
	INT("gateway.nodes[].priority", 0, 65535, "10", IN(gw_node, priority),
	    "the lowest that is connected gets the requests; of equal ones, each SCS always has the same"),

	PATH("gateway.node_key_file", 0, "", "/etc/mtc-iwf/agent.key", AT(node_key_file),
	     "secret by which nodes without TLS know the gateway: tsp.agent_key_file of each; read at the start"),

	PATH("tls.certificate", 1, NULL, "/etc/mtc-iwf/secgw.crt", AT(tls.cert), "our certificate and its intermediate CAs, PEM"),
	PATH("tls.key", 1, NULL, "/etc/mtc-iwf/secgw.key", AT(tls.key), "its key: a PEM file, or a pkcs11: URI"),
	PATH("tls.pin_file", 0, "", "/etc/mtc-iwf/token.pin", AT(tls.pin_file), "file with the PIN of the PKCS #11 token"),
	PATH("tls.ca", 1, NULL, "/etc/mtc-iwf/scs-ca.crt", AT(tls.ca), "CAs that issue the certificates of SCSs, PEM; no others"),
	PATH("tls.crl", 0, "", "/etc/mtc-iwf/scs-ca.crl", AT(tls.crl), "their CRLs, PEM"),
	ENUM("tls.crl_policy", "if-present|require", "if-present", AT(tls.crl_policy),
	     "require: without a current CRL of its issuer a certificate is refused"),
	PATH("tls.node_ca", 0, "", "/etc/mtc-iwf/inside-ca.crt", AT(tls.node_ca), "CAs of the nodes' certificates, for gateway.nodes[].tls"),
	ENUM("tls.ocsp", "off|soft|hard", "off", AT(tls.ocsp),
	     "ask whether a certificate is revoked; soft: no answer lets it in, hard: no answer refuses it"),
	STRING("tls.ocsp_responder", 0, "", "http://ocsp.pki.example/", NULL, AT(tls.ocsp_responder),
	       "the responder; \"\": the one that the certificate names"),
	INT("tls.ocsp_timeout_ms", 100, 60000, "3000", AT(tls.ocsp_timeout_ms), "milliseconds to wait for it"),
	INT("tls.ocsp_cache_s", 0, 604800, "3600", AT(tls.ocsp_cache_s), "seconds for which an answer without an end of its own is believed"),
	PATH("tls.keylog", 0, "", "/run/mtc-secgw/keys.log", AT(tls.keylog),
	     "session keys are written there, so that a capture can be read; for tests only"),

	STRING("store.uri", 1, "sqlite:/var/lib/mtc-iwf/iwf.db", NULL, store_uri, AT(store.uri), "the node's store: who the SCSs are"),
	INT("store.busy_timeout_ms", 0, 10000, "250", AT(store.busy_timeout_ms), "milliseconds to wait for somebody else's lock on it"),
	INT("store.poll_ms", 50, 60000, "250", AT(store.poll_ms), "milliseconds between two looks whether it has changed"),
	BOOL("store.audit", "true", AT(store.audit), "connections and refusals are written to its audit table; false: to the log only"),

	LIMIT(connections, 1, 1000000, "20000", "connections at a time"),
	LIMIT(connections_per_source, 1, 1000000, "2000", "of these, from one address (IPv6: one /64)"),
	LIMIT(half_open, 1, 1000000, "1000", "connections that have not got as far as their CEA"),
	LIMIT(half_open_per_source, 1, 1000000, "200", "of these, from one address"),
	LIMIT(source_rate_per_s, 1, 1000000, "200", "new connections a second from one address"),
	LIMIT(source_burst, 1, 1000000, "1000", "new connections at once from one address"),
	LIMIT(hello_timeout_ms, 100, 60000, "3000", "milliseconds until the first octets of a ClientHello"),
	LIMIT(handshake_timeout_ms, 100, 60000, "10000", "milliseconds until the handshake is done"),
	LIMIT(cer_timeout_ms, 100, 60000, "5000", "milliseconds until the CER has come, after that"),
	LIMIT(message_max, 4096, 1048576, "65536", "octets of a message; a longer one is answered 5015 and the connection closed"),
	LIMIT(queue_max, 16384, 16777216, "262144", "octets that wait for one SCS to read them; above, it is cut off"),
	LIMIT(stall_timeout_ms, 100, 600000, "10000", "milliseconds without an SCS reading any of them; then it is cut off"),
	LIMIT(watchdog_s, 6, 3600, "30", "seconds of silence before a DWR (RFC 3539 Tw)"),
	LIMIT(in_flight, 1, 1000000, "20000", "requests that wait for their answers; above: DIAMETER_TOO_BUSY"),
	LIMIT(in_flight_per_scs, 1, 1000000, "1000", "of these, from one SCS; and as many from the nodes to it"),
	LIMIT(answer_timeout_ms, 100, 300000, "20000",
	      "milliseconds to wait for a node's answer; more than s6m.timeout_ms and t4.timeout_ms together, which it may need"),
	LIMIT(rate_per_s, 1, 1000000, "100", "requests a second of an SCS without a rate of its own (RATEEXCEEDED); as policy.rate_per_s of the nodes"),
	LIMIT(burst, 1, 1000000, "200", "requests at once of an SCS without a burst of its own; as policy.burst"),
	LIMIT(handshake_share_us, 100, 1000000, "4000", "microseconds of each round for handshakes, after the connections that are open"),
	LIMIT(audit_per_s, 1, 10000, "5", "refusals a second that are told in log and audit, of each kind; others are counted and told with the next"),
	LIMIT(audit_burst, 1, 10000, "50", "refusals at once that are told"),

	STRING("process.user", 0, "", "mtc-secgw", NULL, AT(process.user), "user of the process that talks to SCSs, when started as root; \"\": root stays root"),
	STRING("process.keeper_user", 0, "", "mtc-iwf", NULL, AT(process.keeper_user), "user of the process that has the store and the key, likewise"),
	ENUM("process.sandbox", "require|try|off", "try", AT(process.sandbox),
	     "no files and few system calls for the process that talks to SCSs; require: a kernel that cannot do it stops the start"),
	PATH("process.control", 0, "", "/run/mtc-secgw/control", AT(process.control), "Unix socket on which the counters can be read; \"\": none"),

	ENUM("log.level", "error|warn|notice|info|debug", "notice", AT(log.level), "what is logged: this and all that is more serious"),
};

static const struct conf_section sections[] = {
	{ "gateway", "Who the gateway is, where SCSs find it, and where it finds the nodes." },
	{ "tls",     "Certificates. They are read anew when they change." },
	{ "store",   "The database of the node, for the SCSs and the audit." },
	{ "limits",  "What one SCS, one address and all together may take." },
	{ "process", "The two processes." },
	{ "log",     "The log." },
};

_Static_assert(sizeof options / sizeof *options <= CONF_OPTIONS_MAX, "raise CONF_OPTIONS_MAX");

static void check_file(struct conf_reader *r, const char *key, char *path, size_t size)
{
	if (!strncmp(path, "pkcs11:", 7))
		return;
	conf_make_absolute(r, key, path, size);
	if (*path && access(path, R_OK) != 0)
		conf_complain(r, key, "cannot read '%s': %s", path, strerror(errno));
}

static void check_listeners(struct conf_reader *r, const struct gw_conf *c)
{
	char key[CONF_KEY_SIZE];

	for (size_t i = 0; i < c->nlisten; i++) {
		const struct gw_listen *l = &c->listen[i];
		bool sctp = l->transport == GW_DTLS_SCTP || l->transport == GW_SCTP;

		if (!sctp && (l->nmore || l->udp_port)) {
			snprintf(key, sizeof(key), "gateway.listen[%zu].%s", i, l->nmore ? "more" : "udp_port");
			conf_complain(r, key, "this is for SCTP, and the transport is not");
		}
		for (size_t k = 0; k < i; k++) {
			const struct gw_listen *o = &c->listen[k];
			bool o_sctp = o->transport == GW_DTLS_SCTP || o->transport == GW_SCTP;

			if (sctp == o_sctp && l->port && l->port == o->port && !strcmp(l->address, o->address) && l->udp_port == o->udp_port) {
				snprintf(key, sizeof(key), "gateway.listen[%zu].port", i);
				conf_complain(r, key, "%s port %u is in gateway.listen[%zu] already", l->address, l->port, k);
			}
		}
	}
}

static bool is_loopback(const char *address)
{
	return !strncmp(address, "127.", 4) || !strcmp(address, "::1");
}

static void check_nodes(struct conf_reader *r, const struct gw_conf *c)
{
	char key[CONF_KEY_SIZE];

	for (size_t i = 0; i < c->nnode; i++) {
		const struct gw_node *n = &c->node[i];

		snprintf(key, sizeof(key), "gateway.nodes[%zu].host", i);
		if (!strcasecmp(n->host, c->identity))
			conf_complain(r, key, "\"%s\" is the gateway's own identity; a node behind it needs another one", n->host);
		for (size_t k = 0; k < i; k++)
			if (!strcasecmp(n->host, c->node[k].host))
				conf_complain(r, key, "\"%s\" is in the list already, as gateway.nodes[%zu]; each host once", n->host, k);
		snprintf(key, sizeof(key), "gateway.nodes[%zu].tls", i);
		if (n->tls && !c->tls.node_ca[0])
			conf_complain(r, key, "TLS to a node needs tls.node_ca");
		if (!n->tls && !is_loopback(n->address))
			conf_complain(r, key, "%s is another machine, and what is said on the way to it would be readable; use TLS", n->address);
		if (!n->tls && !c->node_key_file[0])
			conf_complain(r, key, "without TLS the node knows the gateway by a secret: gateway.node_key_file");
	}
}

static void check_whole(struct conf_reader *r, void *out)
{
	struct gw_conf *c = out;
	char err[256];

	if (snprintf(c->file, sizeof c->file, "%s", conf_file(r)) >= (int)sizeof c->file)
		conf_complain(r, "", "the name of the file has more than %zu characters", sizeof c->file - 1);
	conf_make_absolute(r, "store.uri", c->store.uri + strlen("sqlite:"), sizeof c->store.uri - strlen("sqlite:"));
	c->store.line = conf_line(r, "store.uri");
	check_file(r, "tls.certificate", c->tls.cert, sizeof c->tls.cert);
	check_file(r, "tls.key", c->tls.key, sizeof c->tls.key);
	check_file(r, "tls.pin_file", c->tls.pin_file, sizeof c->tls.pin_file);
	check_file(r, "tls.ca", c->tls.ca, sizeof c->tls.ca);
	check_file(r, "tls.crl", c->tls.crl, sizeof c->tls.crl);
	check_file(r, "tls.node_ca", c->tls.node_ca, sizeof c->tls.node_ca);
	conf_make_absolute(r, "tls.keylog", c->tls.keylog, sizeof c->tls.keylog);
	conf_make_absolute(r, "process.control", c->process.control, sizeof c->process.control);
	if (strlen(c->process.control) > 107)
		conf_complain(r, "process.control", "the whole path has more than the 107 characters that a Unix socket may have");
	if (c->tls.crl_policy == IWF_CRL_REQUIRE && !c->tls.crl[0])
		conf_complain(r, "tls.crl_policy", "this needs tls.crl");
	if (c->limits.hello_timeout_ms > c->limits.handshake_timeout_ms)
		conf_complain(r, "limits.hello_timeout_ms", "%u is above limits.handshake_timeout_ms, which is %u", c->limits.hello_timeout_ms,
		              c->limits.handshake_timeout_ms);
	if (c->limits.queue_max < 2 * c->limits.message_max)
		conf_complain(r, "limits.queue_max", "%u holds fewer than two messages of limits.message_max, which is %u", c->limits.queue_max,
		              c->limits.message_max);
	check_file(r, "gateway.node_key_file", c->node_key_file, sizeof c->node_key_file);
	if (c->node_key_file[0] && access(c->node_key_file, R_OK) == 0 && !iwf_key_read(c->node_key_file, &c->node_key, err, sizeof(err)))
		conf_complain(r, "gateway.node_key_file", "%s", err);
	check_listeners(r, c);
	check_nodes(r, c);
}

static const struct conf_schema schema = {
	.options = options, .noptions = sizeof options / sizeof *options,
	.sections = sections, .nsections = sizeof sections / sizeof *sections,
	.size = sizeof(struct gw_conf), .lister = "mtc-secgw --sample-config", .check = check_whole,
};

int gw_conf_read(const char *file, struct gw_conf *out, void (*complain)(void *ctx, const struct iwf_conf_error *), void *ctx)
{
	return conf_read(&schema, file, out, complain, ctx);
}

void gw_conf_print_sample(FILE *to)
{
	conf_print_sample(&schema,
		"# mtc-secgw.conf - configuration of the MTC Security Gateway.\n"
		"#\n"
		"# All options are here, each with what it does, what it takes, and its default as\n"
		"# its value. What is left out keeps its default. The format is libconfig's; file\n"
		"# names are meant from the directory of the file in which they stand.\n"
		"#\n"
		"# `mtc-secgw --check-config FILE` says whether the file is right. It is read once, at\n"
		"# the start; certificates, CRLs and the rows of scs count at once when they change.\n", to);
}
