/* tsp_scs_args.c - the command line and the lines of a script. */
#include <errno.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include "tsp_scs.h"

#define PAYLOAD_MAX (900u * 1024)   /* octets; a Diameter message of ours ends at 1 MiB */

enum group { CONN, DAR, FLOW, OUT, WRONG };

#define OPTIONS(X) /* id, name, argument, group, what it does */ \
	X(CONNECT,   "connect",        "HOST:PORT", CONN, "the MTC-IWF (default localhost:5868, without TLS localhost:3868)") \
	X(CERT,      "cert",           "FILE",  CONN, "our certificate (PEM)") \
	X(KEY,       "key",            "FILE",  CONN, "its key (PEM)") \
	X(CA,        "ca",             "FILE",  CONN, "the CAs that may have signed the server's certificate") \
	X(OCSP,      "ocsp-response",  "FILE",  CONN, "an OCSP response (DER) about our certificate, to be sent with it") \
	X(TCP,       "tcp",            NULL,    CONN, "no TLS") \
	X(SCTP,      "sctp",           NULL,    CONN, "SCTP: with DTLS if there are --cert, --ca or --insecure, in the clear if not") \
	X(SCTPSTACK, "sctp-stack",     "kernel|user|auto", CONN, "whose SCTP (default auto: the kernel's if it has one)") \
	X(SCTPUDP,   "sctp-udp",       "PORT",  CONN, "SCTP in UDP, to that port of the server (RFC 6951)") \
	X(EXPECT,    "expect-host",    "NAME",  CONN, "the name in the server's certificate (default HOST)") \
	X(INSECURE,  "insecure",       NULL,    CONN, "take any certificate from the server") \
	X(TLSPRIO,   "tls-priority",   "TEXT",  CONN, "GnuTLS priority string instead of the TS 33.310 profile") \
	X(KEYLOG,    "keylog",         "FILE",  CONN, "append the TLS secrets, for reading a capture") \
	X(OHOST,     "origin-host",    "NAME",  CONN, "our Diameter identity (default: the first DNS name of --cert)") \
	X(OREALM,    "origin-realm",   "NAME",  CONN, "our realm (default: the origin host behind its first dot)") \
	X(CTIMEOUT,  "connect-timeout", "S",    CONN, "for the connection, TLS and CER together (default 10)") \
	X(WATCHDOG,  "watchdog",       "S",     CONN, "send a DWR after so much silence (default 30)") \
	X(EXTID,     "ext-id",         "ID",    DAR,  "External-Identifier of the device: local@domain") \
	X(MSISDN,    "msisdn",         "DIGITS", DAR, "MSISDN of the device") \
	X(MSISDNHEX, "msisdn-hex",     "HEX",   DAR,  "the same as octets, right or wrong") \
	X(IDENTITY,  "scs-identity",   "DIGITS", DAR, "our E.164 number") \
	X(IDENTHEX,  "scs-identity-hex", "HEX", DAR,  "the same as octets, right or wrong") \
	X(REFERENCE, "reference",      "N",     DAR,  "Reference-Number (default: random; with --count the first one)") \
	X(OLD,       "old-reference",  "N",     DAR,  "Old-Reference-Number: what to replace") \
	X(PAYLOAD,   "payload",        "TEXT",  DAR,  "the payload (default for trigger and replace: \"wake up\")") \
	X(PAYHEX,    "payload-hex",    "HEX",   DAR,  "the payload as octets") \
	X(PAYFILE,   "payload-file",   "FILE",  DAR,  "the payload from a file") \
	X(PAYSIZE,   "payload-size",   "N",     DAR,  "a payload of N octets (00 01 02 ...)") \
	X(PRIORITY,  "priority",       "[=N]",  DAR,  "Priority-Indication (1 if no N)") \
	X(PORT,      "port",           "N",     DAR,  "Application-Port-Identifier") \
	X(VALIDITY,  "validity",       "S",     DAR,  "Validity-Time in seconds") \
	X(FEATURES,  "features",       "N|none", DAR, "Feature-List of Supported-Features (default 1: recall and replace)") \
	X(DHOST,     "dest-host",      "NAME",  DAR,  "Destination-Host (default: none)") \
	X(DREALM,    "dest-realm",     "NAME",  DAR,  "Destination-Realm (default: the peer's realm)") \
	X(TFLAG,     "t-flag",         NULL,    DAR,  "mark as sent again") \
	X(E2E,       "e2e",            "N",     DAR,  "End-to-End id (with --count the first one)") \
	X(SESSION,   "session-id",     "TEXT",  DAR,  "Session-Id") \
	X(TIMEOUT,   "timeout",        "S",     FLOW, "patience for an answer (default 10)") \
	X(REPORT,    "wait-report",    "[=S]",  FLOW, "wait for the delivery report too (60 s if no S)") \
	X(COUNT,     "count",          "N",     FLOW, "send N, with ascending Reference-Numbers; for wait: reports to wait for") \
	X(RATE,      "rate",           "R",     FLOW, "R a second") \
	X(OUTSTAND,  "outstanding",    "N",     FLOW, "at most N unanswered at a time (default 100)") \
	X(DNARES,    "dna-result",     "N",     FLOW, "Result-Code for delivery reports (default 2001)") \
	X(NODNA,     "no-dna",         NULL,    FLOW, "never answer a delivery report") \
	X(JSON,      "json",           NULL,    OUT,  "one JSON object a line") \
	X(TRACE,     "trace",          NULL,    OUT,  "print every message, decoded, on standard error") \
	X(QUIET,     "quiet",          NULL,    OUT,  "print nothing but errors; the exit status tells") \
	X(HELP,      "help",           NULL,    OUT,  "this text") \
	X(VERSION,   "version",        NULL,    OUT,  "the version") \
	X(ACTION,    "action-type",    "N",     WRONG, "Action-Type other than the command's") \
	X(OMIT,      "omit",           "AVP",   WRONG, "leave that AVP out (by name; again for more)") \
	X(DOUBLE,    "double",         "AVP",   WRONG, "send that AVP twice") \
	X(AVP,       "avp",            "[GROUP/]CODE[:VENDOR[:FLAGS]]=HEX", WRONG, "one more AVP, at the end of the message or group") \
	X(RAW,       "raw-hex",        "FILE",  WRONG, "send these octets (hex; - is standard input) instead of a DAR") \
	X(NOCER,     "no-cer",         NULL,    WRONG, "send without a CER") \
	X(NODWA,     "ignore-dwr",     NULL,    WRONG, "never answer a watchdog") \
	X(NOREAD,    "stop-reading",   NULL,    WRONG, "read nothing after the CEA")

#define X(id, name, arg, group, help) OPT_##id,
enum opt_id { OPTIONS(X) OPT_COUNT_OF };
#undef X
#define X(id, name, arg, group, help) { name, arg, group, help },
static const struct { const char *name, *arg; enum group group; const char *help; } options[] = { OPTIONS(X) };
#undef X

static const struct { enum scs_verb verb; const char *name; bool script_only; } verbs[] = {
	{ SCS_TRIGGER, "trigger", false }, { SCS_RECALL, "recall", false }, { SCS_REPLACE, "replace", false },
	{ SCS_WAIT, "wait", false }, { SCS_SCRIPT, "script", false },
	{ SCS_SLEEP, "sleep", true }, { SCS_WAIT_REPORT, "wait-report", true }, { SCS_QUIT, "quit", true },
};

const char *scs_verb_name(enum scs_verb v)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (verbs[i].verb == v)
			return verbs[i].name;
	return "?";
}

void scs_help(FILE *to)
{
	static const char *const titles[] = {
		[CONN] = "Connection", [DAR] = "The request", [FLOW] = "Sending and waiting",
		[OUT] = "Output", [WRONG] = "Doing it wrong on purpose",
	};

	fputs("Usage: tsp-scs [options] trigger|recall|replace|wait|script\n"
	      "A Service Capability Server on the command line: asks an MTC-IWF over Tsp (TS 29.368) to wake a device.\n\n"
	      "  trigger  ask for a device trigger\n"
	      "  recall   take the trigger with --reference back\n"
	      "  replace  put a new trigger (--reference) in the place of --old-reference\n"
	      "  wait     stay connected until the delivery report of --reference (or any) is there\n"
	      "  script   read commands with their options from standard input, one a line; there also:\n"
	      "           wait [S], wait-report N [S], sleep S, quit\n", to);
	for (unsigned g = CONN; g <= WRONG; g++) {
		fprintf(to, "\n%s:\n", titles[g]);
		for (size_t i = 0; i < OPT_COUNT_OF; i++) {
			char left[64];

			if (options[i].group != g)
				continue;
			snprintf(left, sizeof(left), "--%s%s%s", options[i].name,
			         options[i].arg && options[i].arg[0] != '[' ? " " : options[i].arg && i == OPT_AVP ? " " : "",
			         options[i].arg ? options[i].arg : "");
			fprintf(to, "  %-28s%s%s\n", left, strlen(left) > 27 ? "\n                              " : "", options[i].help);
		}
	}
	fputs("\nExit status: 0 accepted (and delivered, if waited for), 1 refused, 2 usage, 3 not connected, 4 no answer,\n"
	      "5 protocol error, 6 not delivered, 7 no report.  With several requests: that of the first that failed.\n", to);
}

struct scs_conn scs_conn_default(void)
{
	return (struct scs_conn){ .connect_timeout_ms = 10000, .watchdog_s = 30, .dna_result = 2001 };
}

struct scs_cmd scs_cmd_default(void)
{
	return (struct scs_cmd){ .features = 1, .timeout_ms = 10000, .count = 1, .outstanding = 100 };
}

static bool copy(uint8_t **to, const uint8_t *from, size_t n)
{
	*to = NULL;
	if (!from)
		return true;
	*to = malloc(n ? n : 1);
	if (*to && n)
		memcpy(*to, from, n);
	return *to != NULL;
}

bool scs_cmd_copy(struct scs_cmd *to, const struct scs_cmd *from)
{
	bool ok;

	*to = *from;
	ok = copy(&to->msisdn, from->msisdn, from->msisdn_n);
	ok &= copy(&to->identity, from->identity, from->identity_n);
	ok &= copy(&to->payload, from->payload, from->payload_n);
	ok &= copy(&to->raw, from->raw, from->raw_n);
	for (size_t i = 0; i < from->nextra; i++)
		ok &= copy(&to->extra[i].p, from->extra[i].p, from->extra[i].n);
	if (!ok)
		scs_cmd_free(to);
	return ok;
}

void scs_cmd_free(struct scs_cmd *c)
{
	free(c->msisdn);
	free(c->identity);
	free(c->payload);
	free(c->raw);
	for (size_t i = 0; i < c->nextra; i++)
		free(c->extra[i].p);
	c->msisdn = c->identity = c->payload = c->raw = NULL;
	c->nextra = 0;
}

static bool wrong(char *err, size_t size, const char *option, const char *value, const char *want)
{
	snprintf(err, size, "--%s %s: %s", option, value, want);
	return false;
}

static bool set_digits(uint8_t **p, size_t *n, const char *digits)
{
	free(*p);
	*n = 0;
	*p = NULL;
	if (strspn(digits, "0123456789") != strlen(digits))
		return false;
	*p = malloc(strlen(digits) / 2 + 1);
	if (*p)
		*n = tool_tbcd(digits, *p, strlen(digits) / 2 + 1);
	return *p != NULL;
}

static bool set_hex(uint8_t **p, size_t *n, const char *hex)
{
	free(*p);
	*p = tool_unhex(hex, n);
	return *p != NULL;
}

/* Whole file, "-" is standard input; NULL: errno. */
static uint8_t *slurp(const char *file, size_t max, size_t *n)
{
	FILE *f = strcmp(file, "-") ? fopen(file, "rb") : stdin;
	uint8_t *p = malloc(max + 1);

	*n = 0;
	if (f && p) {
		*n = fread(p, 1, max + 1, f);
		if (ferror(f) || *n > max) {
			errno = *n > max ? EFBIG : errno;
			free(p);
			p = NULL;
		}
	} else {
		free(p);
		p = NULL;
	}
	if (f && f != stdin)
		fclose(f);
	return p;
}

static bool set_payload(struct scs_cmd *c, uint8_t *p, size_t n)
{
	free(c->payload);
	c->payload = p;
	c->payload_n = n;
	c->has_payload = p != NULL;
	return p != NULL;
}

static bool set_raw(struct scs_cmd *c, const char *file)
{
	size_t n;
	uint8_t *text = slurp(file, 2 * PAYLOAD_MAX, &n);
	bool ok = false;

	if (text) {
		text[n] = 0;   /* slurp leaves one octet over */
		ok = set_hex(&c->raw, &c->raw_n, (char *)text);
		free(text);
	}
	return ok;
}

static bool set_payload_option(struct scs_cmd *c, enum opt_id id, const char *v, char *err, size_t size)
{
	uint32_t n;
	size_t len;
	uint8_t *p;

	switch (id) {
	case OPT_PAYLOAD:
		p = (uint8_t *)strdup(v);
		return set_payload(c, p, strlen(v)) || wrong(err, size, "payload", "", "out of memory");
	case OPT_PAYHEX:
		p = tool_unhex(v, &len);
		return set_payload(c, p, len) || wrong(err, size, "payload-hex", v, "not hex");
	case OPT_PAYFILE:
		p = slurp(v, PAYLOAD_MAX, &len);
		return set_payload(c, p, len) || wrong(err, size, "payload-file", v, strerror(errno));
	default:
		if (!tool_number(v, PAYLOAD_MAX, &n))
			return wrong(err, size, "payload-size", v, "not a number up to 921600");
		p = malloc(n + 1);
		for (uint32_t i = 0; p && i < n; i++)
			p[i] = (uint8_t)i;
		return set_payload(c, p, n) || wrong(err, size, "payload-size", v, "out of memory");
	}
}

static bool set_avp_name(enum dia_id *list, size_t *n, const char *option, const char *v, char *err, size_t size)
{
	/* The tables call the AVP of --ext-id by its name in TS 29.336. */
	const struct dia_avpdef *def = dia_avp_named(!strcmp(v, "External-Id") ? "External-Identifier" : v);

	if (!def)
		return wrong(err, size, option, v, "no AVP of that name in the dictionary");
	if (*n == SCS_TWISTS)
		return wrong(err, size, option, v, "too many of these");
	list[(*n)++] = (enum dia_id)(def - dia_avps);
	return true;
}

/* [GROUP/]CODE[:VENDOR[:FLAGS]]=HEX; FLAGS in hex, default V (with a vendor) and M. */
static bool set_extra(struct scs_cmd *c, char *v, char *err, size_t size)
{
	struct scs_extra x = { 0 };
	char *hex = strchr(v, '='), *slash = strchr(v, '/'), *vendor, *flags = NULL;
	uint32_t f;

	if (!hex || c->nextra == SCS_TWISTS)
		return wrong(err, size, "avp", v, hex ? "too many of these" : "= is missing");
	*hex++ = 0;
	if (slash) {
		*slash = 0;
		x.group = v;
		v = slash + 1;
		if (strcmp(x.group, "Device-Action") && strcmp(x.group, "Trigger-Data") && strcmp(x.group, "Supported-Features"))
			return wrong(err, size, "avp", x.group, "the groups are Device-Action, Trigger-Data and Supported-Features");
	}
	vendor = strchr(v, ':');
	if (vendor) {
		*vendor++ = 0;
		flags = strchr(vendor, ':');
		if (flags)
			*flags++ = 0;
	}
	if (!tool_number(v, UINT32_MAX, &x.code) || (vendor && !tool_number(vendor, UINT32_MAX, &x.vendor)))
		return wrong(err, size, "avp", v, "code and vendor are numbers");
	x.flags = (uint8_t)(DIA_AVP_M | (x.vendor ? DIA_AVP_V : 0));
	if (flags) {
		char text[16];

		snprintf(text, sizeof(text), "0x%s", flags);
		if (!tool_number(text, 0xff, &f))
			return wrong(err, size, "avp", flags, "flags are one octet in hex, such as c0");
		x.flags = (uint8_t)f;
	}
	x.p = tool_unhex(hex, &x.n);
	if (!x.p)
		return wrong(err, size, "avp", hex, "not hex");
	c->extra[c->nextra++] = x;
	return true;
}

static bool set_number(uint32_t *to, bool *has, uint32_t max, const char *option, const char *v, char *err, size_t size)
{
	if (!tool_number(v, max, to))
		return wrong(err, size, option, v, "not a number in range");
	if (has)
		*has = true;
	return true;
}

static bool set_time(uint32_t *ms, const char *option, const char *v, char *err, size_t size)
{
	return tool_seconds(v, ms) || wrong(err, size, option, v, "not a number of seconds up to 86400");
}

static bool set_connect(struct scs_conn *c, const char *v, char *err, size_t size)
{
	const char *colon = strrchr(v, ':');
	uint32_t port;
	size_t n;

	/* [::1]:5868, ::1 alone is a host */
	if (!colon || strchr(v, ':') == colon || v[0] == '[')
		n = colon && v[0] != '[' ? (size_t)(colon - v) : 0;
	else
		n = strlen(v), colon = NULL;
	if (v[0] == '[') {
		const char *end = strchr(v, ']');

		if (!end || (end[1] && end[1] != ':'))
			return wrong(err, size, "connect", v, "not HOST:PORT");
		colon = end[1] ? end + 1 : NULL;
		v++;
		n = (size_t)(end - v);
	} else if (!colon) {
		n = strlen(v);
	}
	if (!n || n >= sizeof(c->host) || (colon && (!tool_number(colon + 1, 65535, &port) || !port)))
		return wrong(err, size, "connect", v, "not HOST:PORT");
	memcpy(c->host, v, n);
	c->host[n] = 0;
	c->port = colon ? (uint16_t)port : 0;
	return true;
}

static bool set_stack(struct scs_conn *c, const char *v, char *err, size_t size)
{
	c->sctp_stack = v;
	return !strcmp(v, "kernel") || !strcmp(v, "user") || !strcmp(v, "auto") ||
	       wrong(err, size, "sctp-stack", v, "not kernel, user or auto");
}

static bool set_conn_option(struct scs_conn *c, enum opt_id id, const char *v, char *err, size_t size)
{
	const char *name = options[id].name;
	uint32_t ms;

	switch (id) {
	case OPT_CONNECT:  return set_connect(c, v, err, size);
	case OPT_CERT:     c->cert = v; return true;
	case OPT_OCSP:     c->ocsp_response = v; return true;
	case OPT_KEY:      c->key = v; return true;
	case OPT_CA:       c->ca = v; return true;
	case OPT_TCP:      c->tcp = true; return true;
	case OPT_SCTP:     c->sctp = true; return true;
	case OPT_SCTPSTACK: return set_stack(c, v, err, size);
	case OPT_SCTPUDP:
		return set_number(&c->sctp_udp, NULL, 65535, name, v, err, size) &&
		       (c->sctp_udp || wrong(err, size, name, v, "not a port"));
	case OPT_EXPECT:   c->expect = v; return true;
	case OPT_INSECURE: c->insecure = true; return true;
	case OPT_TLSPRIO:  c->priority_string = v; return true;
	case OPT_KEYLOG:   c->keylog = v; return true;
	case OPT_OHOST:    snprintf(c->origin_host, sizeof(c->origin_host), "%s", v); return true;
	case OPT_OREALM:   snprintf(c->origin_realm, sizeof(c->origin_realm), "%s", v); return true;
	case OPT_CTIMEOUT: return set_time(&c->connect_timeout_ms, name, v, err, size);
	case OPT_WATCHDOG:
		if (!set_time(&ms, name, v, err, size))
			return false;
		c->watchdog_s = (ms + 999) / 1000;
		return c->watchdog_s || wrong(err, size, name, v, "at least one second");
	case OPT_DNARES:   return set_number(&c->dna_result, NULL, UINT32_MAX, name, v, err, size);
	case OPT_NODNA:    c->no_dna = true; return true;
	case OPT_JSON:     c->json = true; return true;
	case OPT_TRACE:    c->trace = true; return true;
	case OPT_QUIET:    c->quiet = true; return true;
	case OPT_NOCER:    c->no_cer = true; return true;
	case OPT_NODWA:    c->ignore_dwr = true; return true;
	default:           c->stop_reading = true; return true;
	}
}

static bool set_cmd_option(struct scs_cmd *c, enum opt_id id, char *v, char *err, size_t size)
{
	const char *name = options[id].name;
	char *end;

	switch (id) {
	case OPT_EXTID:     c->ext_id = v; return true;
	case OPT_MSISDN:
		return set_digits(&c->msisdn, &c->msisdn_n, v) || wrong(err, size, name, v, "not digits");
	case OPT_MSISDNHEX:
		return set_hex(&c->msisdn, &c->msisdn_n, v) || wrong(err, size, name, v, "not hex");
	case OPT_IDENTITY:
		return set_digits(&c->identity, &c->identity_n, v) || wrong(err, size, name, v, "not digits");
	case OPT_IDENTHEX:
		return set_hex(&c->identity, &c->identity_n, v) || wrong(err, size, name, v, "not hex");
	case OPT_REFERENCE: return set_number(&c->reference, &c->has_reference, UINT32_MAX, name, v, err, size);
	case OPT_OLD:       return set_number(&c->old, &c->has_old, UINT32_MAX, name, v, err, size);
	case OPT_PRIORITY:  return set_number(&c->priority, &c->has_priority, UINT32_MAX, name, v ? v : "1", err, size);
	case OPT_PORT:      return set_number(&c->port, &c->has_port, UINT32_MAX, name, v, err, size);
	case OPT_VALIDITY:  return set_number(&c->validity, &c->has_validity, UINT32_MAX, name, v, err, size);
	case OPT_FEATURES:
		c->no_features = !strcmp(v, "none");
		return c->no_features || set_number(&c->features, NULL, UINT32_MAX, name, v, err, size);
	case OPT_DHOST:     c->dest_host = v; return true;
	case OPT_DREALM:    c->dest_realm = v; return true;
	case OPT_TFLAG:     c->t_flag = true; return true;
	case OPT_E2E:       return set_number(&c->e2e, &c->has_e2e, UINT32_MAX, name, v, err, size);
	case OPT_SESSION:   c->session_id = v; return true;
	case OPT_TIMEOUT:   return set_time(&c->timeout_ms, name, v, err, size);
	case OPT_REPORT:    return set_time(&c->report_ms, name, v ? v : "60", err, size);
	case OPT_COUNT:
		return set_number(&c->count, NULL, UINT32_MAX, name, v, err, size) &&
		       (c->count || wrong(err, size, name, v, "at least 1"));
	case OPT_OUTSTAND:
		return set_number(&c->outstanding, NULL, 1000000, name, v, err, size) &&
		       (c->outstanding || wrong(err, size, name, v, "at least 1"));
	case OPT_RATE:
		c->rate = strtod(v, &end);
		return (end != v && !*end && c->rate > 0 && c->rate <= 1e6) || wrong(err, size, name, v, "not a rate above 0");
	case OPT_ACTION:    return set_number(&c->action_type, &c->has_action_type, UINT32_MAX, name, v, err, size);
	case OPT_OMIT:      return set_avp_name(c->omit, &c->nomit, name, v, err, size);
	case OPT_DOUBLE:    return set_avp_name(c->twice, &c->ntwice, name, v, err, size);
	case OPT_AVP:       return set_extra(c, v, err, size);
	case OPT_RAW:       return set_raw(c, v) || wrong(err, size, name, v, "cannot be read, or is not hex");
	default:            return set_payload_option(c, id, v, err, size);
	}
}

static bool is_conn_option(enum opt_id id)
{
	return options[id].group == CONN || options[id].group == OUT || id == OPT_DNARES || id == OPT_NODNA ||
	       id == OPT_NOCER || id == OPT_NODWA || id == OPT_NOREAD;
}

static enum opt_id find_option(const char *word, char **value)
{
	size_t n = strcspn(word, "=");

	*value = word[n] ? (char *)word + n + 1 : NULL;
	for (size_t i = 0; i < OPT_COUNT_OF; i++)
		if (strlen(options[i].name) == n && !strncmp(options[i].name, word, n))
			return (enum opt_id)i;
	return OPT_COUNT_OF;
}

/* The words of a script that are no options: wait [S], wait-report N [S], sleep S. */
static bool set_word(struct scs_cmd *c, unsigned at, const char *word, char *err, size_t size)
{
	bool time = (c->verb == SCS_WAIT || c->verb == SCS_SLEEP) ? at == 0 : c->verb == SCS_WAIT_REPORT && at == 1;

	if (c->verb == SCS_WAIT_REPORT && at == 0)
		return set_number(&c->reference, &c->has_reference, UINT32_MAX, "reference", word, err, size);
	if (time) {
		c->has_wait = true;
		if (tool_seconds(word, &c->wait_ms))
			return true;
		snprintf(err, size, "%s: not a number of seconds", word);
		return false;
	}
	snprintf(err, size, "\"%s\" is too much", word);
	return false;
}

static bool set_verb(struct scs_cmd *c, const char *word, bool script, char *err, size_t size)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, word) && (script ? verbs[i].verb != SCS_SCRIPT : !verbs[i].script_only)) {
			c->verb = verbs[i].verb;
			return true;
		}
	snprintf(err, size, "\"%s\" is no command; the commands are trigger, recall, replace, wait%s", word,
	         script ? ", wait-report, sleep and quit" : " and script");
	return false;
}

static bool verb_is_complete(const struct scs_cmd *c, char *err, size_t size)
{
	const char *missing = NULL;

	if (c->verb == SCS_NONE)
		missing = "say what to do: trigger, recall, replace, wait or script";
	else if (c->verb == SCS_RECALL && !c->has_reference && !c->raw)
		missing = "recall needs --reference: the trigger to take back";
	else if (c->verb == SCS_REPLACE && !c->has_old && !c->raw)
		missing = "replace needs --old-reference: the trigger to replace";
	else if (c->verb == SCS_WAIT_REPORT && !c->has_reference)
		missing = "wait-report needs a reference number";
	else if (c->verb == SCS_SLEEP && !c->has_wait)
		missing = "sleep needs a number of seconds";
	if (missing)
		snprintf(err, size, "%s", missing);
	return !missing;
}

enum scs_parsed scs_parse(int argc, char **argv, struct scs_conn *conn, struct scs_cmd *cmd, char *err, size_t size)
{
	unsigned words = 0;

	cmd->verb = SCS_NONE;
	for (int i = 0; i < argc; i++) {
		char *value;
		enum opt_id id;

		if (strncmp(argv[i], "--", 2)) {
			if (cmd->verb == SCS_NONE ? !set_verb(cmd, argv[i], !conn, err, size)
			                          : !set_word(cmd, words++, argv[i], err, size))
				return SCS_WRONG;
			continue;
		}
		id = find_option(argv[i] + 2, &value);
		if (id == OPT_COUNT_OF || (!conn && is_conn_option(id))) {
			snprintf(err, size, "%s: %s", argv[i], id == OPT_COUNT_OF ? "no such option (--help lists them)"
			                                                          : "only on the command line");
			return SCS_WRONG;
		}
		if (id == OPT_HELP || id == OPT_VERSION)
			return id == OPT_HELP ? SCS_HELP : SCS_VERSION;
		if (!options[id].arg && value) {
			wrong(err, size, options[id].name, value, "takes no value");
			return SCS_WRONG;
		}
		if (options[id].arg && !value && (id == OPT_AVP || options[id].arg[0] != '[')) {
			if (i + 1 == argc) {
				snprintf(err, size, "%s needs a value: %s", argv[i], options[id].arg);
				return SCS_WRONG;
			}
			value = argv[++i];
		}
		if (!(is_conn_option(id) ? set_conn_option(conn, id, value, err, size)
		                         : set_cmd_option(cmd, id, value, err, size)))
			return SCS_WRONG;
	}
	return verb_is_complete(cmd, err, size) ? SCS_PARSED : SCS_WRONG;
}

int scs_split(char *line, char **argv, int max)
{
	char *to = line;
	int n = 0;

	for (;;) {
		char quote = 0;

		while (*line == ' ' || *line == '\t' || *line == '\r')
			line++;
		if (!*line || *line == '#')
			return n;
		if (n == max)
			return -1;
		argv[n++] = to;
		for (; *line && (quote || (*line != ' ' && *line != '\t' && *line != '\r')); line++) {
			if (!quote && (*line == '"' || *line == '\''))
				quote = *line;
			else if (quote && *line == quote)
				quote = 0;
			else if (*line == '\\' && quote != '\'' && line[1])
				*to++ = *++line;
			else
				*to++ = *line;
		}
		if (quote)
			return -1;
		if (*line)
			line++;
		*to++ = 0;
	}
}

/* The first DNS name of the certificate: what a good MTC-IWF knows us by. */
static bool name_of_certificate(const char *file, char *out, size_t size)
{
	gnutls_datum_t pem = { 0 };
	gnutls_x509_crt_t crt = NULL;
	bool ok = false;

	if (gnutls_load_file(file, &pem) == 0 && gnutls_x509_crt_init(&crt) == 0 &&
	    gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM) == 0)
		for (unsigned i = 0; !ok; i++) {
			size_t n = size - 1;
			int kind = gnutls_x509_crt_get_subject_alt_name(crt, i, out, &n, NULL);

			if (kind < 0)
				break;
			out[n] = 0;
			ok = kind == GNUTLS_SAN_DNSNAME;
		}
	if (crt)
		gnutls_x509_crt_deinit(crt);
	gnutls_free(pem.data);
	return ok;
}

bool scs_conn_complete(struct scs_conn *c, char *err, size_t size)
{
	bool clear = c->tcp || (c->sctp && !c->cert && !c->ca && !c->insecure);

	if (c->tcp && c->sctp) {
		snprintf(err, size, "--tcp and --sctp exclude each other");
		return false;
	}
	if (!c->sctp && (c->sctp_stack || c->sctp_udp)) {
		snprintf(err, size, "--sctp-stack and --sctp-udp need --sctp");
		return false;
	}
	if (!c->host[0])
		strcpy(c->host, "localhost");
	if (!c->port)
		c->port = clear ? 3868 : 5868;
	c->clear = clear;
	if (!clear && !c->ca && !c->insecure) {
		snprintf(err, size, "--ca is needed to know the server by (or --tcp, or --insecure)");
		return false;
	}
	if (!c->origin_host[0] && !(c->cert && name_of_certificate(c->cert, c->origin_host, sizeof(c->origin_host)))) {
		snprintf(err, size, "--origin-host is needed%s", c->cert ? ": the certificate has no DNS name" : "");
		return false;
	}
	if (!c->origin_realm[0]) {
		const char *dot = strchr(c->origin_host, '.');

		if (!dot || !dot[1]) {
			snprintf(err, size, "--origin-realm is needed: \"%s\" has no domain", c->origin_host);
			return false;
		}
		snprintf(c->origin_realm, sizeof(c->origin_realm), "%s", dot + 1);
	}
	return true;
}
