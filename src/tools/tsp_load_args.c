/* tsp_load_args.c - the command line of tsp-load. */
#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "tsp_load.h"

#define OPTIONS(X) /* id, name, argument, what it does */ \
	X(CONNECT,   "connect",         "HOST:PORT", "the MTC-IWF or its gateway (default localhost:5868)") \
	X(CONNS,     "connections",     "N",        "connections (default 1)") \
	X(FIRST,     "first",           "N",        "number of the first SCS in templates (default 1)") \
	X(OHOST,     "origin-host",     "TEMPLATE", "Diameter identity of an SCS, such as scs%05d.load.example") \
	X(OREALM,    "origin-realm",    "TEMPLATE", "its realm (default: the identity behind its first dot)") \
	X(CERT,      "cert",            "TEMPLATE", "certificate file (PEM), of each SCS or of all") \
	X(KEY,       "key",             "TEMPLATE", "its key (PEM)") \
	X(CA,        "ca",              "FILE",     "the CAs that may have signed the server's certificate") \
	X(EXPECT,    "expect-host",     "NAME",     "the name in the server's certificate (default HOST)") \
	X(INSECURE,  "insecure",        NULL,       "take any certificate from the server") \
	X(TLSPRIO,   "tls-priority",    "TEXT",     "GnuTLS priority string instead of the TS 33.310 profile") \
	X(TCP,       "tcp",             NULL,       "no TLS") \
	X(PARALLEL,  "parallel",        "N",        "connections that come about at a time (default 50)") \
	X(CTIMEOUT,  "connect-timeout", "S",        "for the connection, TLS and CER together (default 30)") \
	X(WATCHDOG,  "watchdog",        "S",        "send a DWR after so much silence (default 30)") \
	X(EXTID,     "ext-id",          "TEMPLATE", "External-Identifier of the devices, such as dev%05d@iot.example.com") \
	X(DEVICES,   "devices",         "A-B",      "numbers of the devices, taken in turn (default 1-1)") \
	X(SCATTER,   "scatter",         NULL,       "not in turn: each as often, but in an order that jumps about") \
	X(DREALM,    "dest-realm",      "NAME",     "Destination-Realm (default: the peer's realm)") \
	X(PAYLOAD,   "payload-size",    "N",        "octets of payload (default 20)") \
	X(COUNT,     "count",           "N",        "send N requests") \
	X(DURATION,  "duration",        "S",        "send for S seconds") \
	X(OUTSTAND,  "outstanding",     "N",        "closed loop: N unanswered on each connection (default 1)") \
	X(RATE,      "rate",            "R",        "open loop: R a second in all, whatever the answers do") \
	X(TIMEOUT,   "timeout",         "S",        "patience for an answer (default 30)") \
	X(RECONNECT, "reconnect",       NULL,       "close all, open all again, one request on each: time until all are served") \
	X(HOLD,      "hold",            "S",        "keep the connections, idle, for S seconds (after the requests, if there are any)") \
	X(HANDSHAKE, "handshakes",      NULL,       "connect, CER, CEA, close, --parallel at a time, --count times or for --duration") \
	X(INTERVAL,  "interval",        "S",        "print a line every S seconds") \
	X(SAMPLES,   "samples",         "FILE",     "each answer on a line: when its request was sent or due (Unix ms), and its latency (us)") \
	X(JSON,      "json",            NULL,       "one JSON object a line") \
	X(QUIET,     "quiet",           NULL,       "print nothing but errors; the exit status tells") \
	X(HELP,      "help",            NULL,       "this text") \
	X(VERSION,   "version",         NULL,       "the version")

#define X(id, name, arg, help) OPT_##id,
enum opt_id { OPTIONS(X) OPT_COUNT_OF };
#undef X
#define X(id, name, arg, help) { name, arg, help },
static const struct { const char *name, *arg, *help; } options[] = { OPTIONS(X) };
#undef X

void load_help(FILE *to)
{
	fputs("Usage: tsp-load [options]\n"
	      "Many Service Capability Servers at once: loads an MTC-IWF over Tsp (TS 29.368) and measures it.\n\n", to);
	for (size_t i = 0; i < OPT_COUNT_OF; i++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", options[i].name, options[i].arg ? " " : "", options[i].arg ? options[i].arg : "");
		fprintf(to, "  %-26s %s\n", left, options[i].help);
	}
	fputs("\nStatus: 0 every request got exactly one answer and every connection stayed, 1 not every answer came once,\n"
	      "2 usage, 3 a connection did not come about or was lost.\n", to);
}

static bool host_port(const char *text, struct load_opts *o)
{
	const char *colon = strrchr(text, ':'), *end = colon;
	uint32_t port;

	if (!colon || !tool_number(colon + 1, 65535, &port) || !port)
		return false;
	if (*text == '[' && colon[-1] == ']') {
		text++;
		end--;
	}
	if (end == text || (size_t)(end - text) >= sizeof(o->host))
		return false;
	memcpy(o->host, text, (size_t)(end - text));
	o->host[end - text] = 0;
	o->port = (uint16_t)port;
	return true;
}

static bool devices(const char *text, struct load_opts *o)
{
	char left[16];
	const char *dash = strchr(text, '-');

	if (!dash || (size_t)(dash - text) >= sizeof(left))
		return false;
	memcpy(left, text, (size_t)(dash - text));
	left[dash - text] = 0;
	return tool_number(left, 999999999, &o->device_first) && tool_number(dash + 1, 999999999, &o->device_last) &&
	       o->device_first <= o->device_last;
}

static bool rate(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return isdigit((unsigned char)*text) && !*end && *out >= 0.001 && *out <= 10e6;
}

static bool template(const char *text, const char **out, const char **why)
{
	*out = text;
	return *text && load_template_ok(text, why);
}

static bool number(const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
	return tool_number(text, max, out) && *out >= min;
}

static bool take(struct load_opts *o, enum opt_id id, const char *arg, const char **why)
{
	switch (id) {
	case OPT_CONNECT:   return host_port(arg, o);
	case OPT_CONNS:     return number(arg, 1, 1000000, &o->connections);
	case OPT_FIRST:     return number(arg, 0, 998999999, &o->first);
	case OPT_OHOST:     return template(arg, &o->origin_host, why);
	case OPT_OREALM:    return template(arg, &o->origin_realm, why);
	case OPT_CERT:      return template(arg, &o->cert, why);
	case OPT_KEY:       return template(arg, &o->key, why);
	case OPT_EXTID:     return template(arg, &o->ext_id, why);
	case OPT_CA:        o->ca = arg; return true;
	case OPT_EXPECT:    o->expect = arg; return true;
	case OPT_SAMPLES:   o->samples = arg; return true;
	case OPT_TLSPRIO:   o->priority = arg; return true;
	case OPT_DREALM:    o->dest_realm = arg; return true;
	case OPT_INSECURE:  return o->insecure = true;
	case OPT_TCP:       return o->tcp = true;
	case OPT_RECONNECT: return o->reconnect = true;
	case OPT_HANDSHAKE: return o->handshakes = true;
	case OPT_JSON:      return o->json = true;
	case OPT_QUIET:     return o->quiet = true;
	case OPT_PARALLEL:  return number(arg, 1, 100000, &o->parallel);
	case OPT_CTIMEOUT:  return tool_seconds(arg, &o->connect_timeout_ms) && o->connect_timeout_ms;
	case OPT_WATCHDOG:  return number(arg, 6, 86400, &o->watchdog_s);
	case OPT_DEVICES:   return devices(arg, o);
	case OPT_SCATTER:   return o->scatter = true;
	case OPT_PAYLOAD:   return number(arg, 1, 65000, &o->payload);
	case OPT_COUNT:     return number(arg, 1, UINT32_MAX, &o->count);
	case OPT_DURATION:  return tool_seconds(arg, &o->duration_ms) && o->duration_ms;
	case OPT_OUTSTAND:  return number(arg, 1, 100000, &o->outstanding);
	case OPT_RATE:      return rate(arg, &o->rate);
	case OPT_TIMEOUT:   return tool_seconds(arg, &o->timeout_ms) && o->timeout_ms;
	case OPT_HOLD:      return tool_seconds(arg, &o->hold_ms) && o->hold_ms;
	case OPT_INTERVAL:  return tool_seconds(arg, &o->interval_ms) && o->interval_ms >= 10;
	case OPT_HELP: case OPT_VERSION: case OPT_COUNT_OF: break;
	}
	return false;
}

/* What belongs together, and what excludes each other; NULL: fine. */
static const char *complete(struct load_opts *o)
{
	char a[512], b[512];
	bool asks = o->count || o->duration_ms;

	if (!o->origin_host)
		return "--origin-host is needed";
	if (!load_expand(o->origin_host, o->first + o->connections - 1, a, 256))
		return "--origin-host: longer than 255 characters";
	if (!o->origin_realm && !strchr(a, '.'))
		return "--origin-realm is needed: there is no dot in --origin-host";
	if (!o->cert != !o->key)
		return "--cert and --key belong together";
	if (o->tcp && (o->cert || o->ca || o->insecure))
		return "--tcp is without TLS: no --cert, --ca or --insecure";
	if (!o->tcp && !o->ca && !o->insecure)
		return "--ca, --insecure or --tcp is needed";
	if (o->handshakes) {
		if (!asks)
			return "--handshakes: how many, or how long? --count or --duration";
		if (o->rate > 0 || o->reconnect || o->hold_ms)
			return "--handshakes is on its own: no --rate, --reconnect or --hold";
		return NULL;
	}
	if (!asks && !o->hold_ms && !o->reconnect)
		return "nothing to do: --count, --duration, --hold, --reconnect or --handshakes";
	if (o->rate > 0 && !asks)
		return "--rate: how many, or how long? --count or --duration";
	if (!asks && !o->reconnect)
		return NULL;
	if (!o->ext_id)
		return "--ext-id is needed";
	if (!load_expand(o->ext_id, o->device_first, a, sizeof(a)) || !load_expand(o->ext_id, o->device_last, b, sizeof(b)))
		return "--ext-id: too long";
	if (strlen(a) != strlen(b))
		return "--ext-id: all of --devices have to be of one length; write %05d instead of %d";
	return NULL;
}

enum load_parsed load_parse(int argc, char **argv, struct load_opts *o, char *err, size_t err_size)
{
	struct option longs[OPT_COUNT_OF + 1] = { { 0 } };
	const char *why;
	int c;

	*o = (struct load_opts){ .host = "localhost", .port = 5868, .connections = 1, .first = 1, .parallel = 50,
	                         .device_first = 1, .device_last = 1, .payload = 20, .outstanding = 1, .timeout_ms = 30000,
	                         .connect_timeout_ms = 30000 };
	for (int i = 0; i < OPT_COUNT_OF; i++)
		longs[i] = (struct option){ options[i].name, options[i].arg ? required_argument : no_argument, NULL, 256 + i };
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c == 256 + OPT_HELP || c == 256 + OPT_VERSION)
			return c == 256 + OPT_HELP ? LOAD_HELP : LOAD_VERSION;
		if (c < 256) {
			snprintf(err, err_size, c == ':' ? "%s wants an argument" : "%s is no option, see --help", argv[optind - 1]);
			return LOAD_WRONG;
		}
		why = NULL;
		if (!take(o, (enum opt_id)(c - 256), optarg, &why)) {
			snprintf(err, err_size, "--%s: \"%s\" is no %s%s%s", options[c - 256].name, optarg, options[c - 256].arg,
			         why ? ": " : "", why ? why : "");
			return LOAD_WRONG;
		}
	}
	if (optind < argc) {
		snprintf(err, err_size, "\"%s\": there are options only, see --help", argv[optind]);
		return LOAD_WRONG;
	}
	why = complete(o);
	if (why)
		snprintf(err, err_size, "%s", why);
	return why ? LOAD_WRONG : LOAD_PARSED;
}
