/* iwfctl_explain.c - iwfctl explain: what would the node say, and which rule decides. */
#include "iwfctl.h"
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct arg_spec explain_args[] = {
	{ "--scs", ARG_TEXT, ARG_NEEDED, .help = "name of the SCS; or the Diameter identity of one that isn't known" },
	{ "--device", ARG_TEXT, ARG_NEEDED, .help = "External Identifier or MSISDN, as the SCS would send it" },
	{ "--action", ARG_CHOICE, ARG_NEEDED, .choices = "trigger|recall|replace", .help = "what it would ask for" },
	{ "--scs-identity", ARG_E164, .help = "SCS-Identity that it would send (none)" },
	{ "--reference", ARG_UINT, .min = 0, .max = 4294967295, .help = "Reference-Number (one that is free; of a recall: the one to recall)" },
	{ "--old-reference", ARG_UINT, .min = 0, .max = 4294967295, .help = "of a replace: Old-Reference-Number" },
	{ "--payload-size", ARG_UINT, .min = 0, .max = 16000000, .help = "octets of payload (1)" },
	{ "--port", ARG_UINT, .min = 0, .max = 4294967295, .help = "Application-Port-Identifier" },
	{ "--priority", ARG_FLAG, .help = "with Priority-Indication 1" },
	{ "--validity", ARG_UINT, .min = 0, .max = 4294967295, .help = "Validity-Time in seconds" },
};

struct walk {
	struct ctl *ctl;
	struct out *out;
	bool refused;
	enum tsp_status status;
	enum iwf_reason reason;
	char check[64];
};

static void line(void *ctx, const struct iwf_explain_line *l)
{
	struct walk *w = ctx;
	out_text(w->out, l->check);
	out_text(w->out, l->ok ? "ok" : "REFUSED");
	out_text(w->out, l->ok ? NULL : tsp_status_str(l->status));
	out_text(w->out, l->ok ? NULL : iwf_reason_str(l->reason));
	out_text(w->out, l->detail && *l->detail ? l->detail : NULL);
	if (!l->ok && !w->refused) {
		w->refused = true;
		w->status = l->status;
		w->reason = l->reason;
		snprintf(w->check, sizeof w->check, "%s", l->check);
	}
}

static struct iwf_view view(const char *text)
{
	return (struct iwf_view){ (const uint8_t *)text, strlen(text) };
}

/* Origin-Host and realm of the SCS: those of its row; of a stranger its name. */
static bool find_scs(struct ctl *c, const char *name, char host[static IWF_DIAMID_MAX + 1], char realm[static IWF_DIAMID_MAX + 1],
                     int64_t *id)
{
	sqlite3_stmt *st = ctl_prepare(c, "SELECT id, origin_host, origin_realm FROM scs WHERE name = :name OR origin_host = :name");
	if (!st)
		return false;
	ctl_bind_text(st, ":name", name);
	int rc = sqlite3_step(st);
	*id = 0;
	if (rc == SQLITE_ROW) {
		*id = sqlite3_column_int64(st, 0);
		snprintf(host, IWF_DIAMID_MAX + 1, "%s", (const char *)sqlite3_column_text(st, 1));
		snprintf(realm, IWF_DIAMID_MAX + 1, "%s", (const char *)sqlite3_column_text(st, 2));
	}
	sqlite3_finalize(st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
		ctl_fail("%s", sqlite3_errmsg(c->sql));
		return false;
	}
	if (*id)
		return true;
	if (iwf_diamid_check(view(name)) || !strchr(name, '.')) {
		ctl_fail("there is no SCS '%s'", name);
		return false;
	}
	snprintf(host, IWF_DIAMID_MAX + 1, "%s", name);
	snprintf(realm, IWF_DIAMID_MAX + 1, "%s", strchr(name, '.') + 1);
	return true;
}

/* A Reference-Number that no trigger of this SCS has. */
static bool free_reference(struct ctl *c, int64_t scs, uint32_t *reference)
{
	sqlite3_stmt *st = ctl_prepare(c,
		"SELECT 1 + min(reference) FROM (SELECT 0 AS reference UNION ALL SELECT reference FROM device_trigger WHERE scs_id = :scs) t "
		"WHERE NOT EXISTS (SELECT 1 FROM device_trigger d WHERE d.scs_id = :scs AND d.reference = t.reference + 1)");
	if (!st)
		return false;
	ctl_bind_int(st, ":scs", scs);
	int64_t n = ctl_id(c, st);
	*reference = (uint32_t)n;
	return n > 0;
}

static bool set_device(struct tsp_dar *d, const char *device, uint8_t tbcd[static 8])
{
	if (strspn(device, "0123456789") != strlen(device)) {
		d->has_ext_id = true;
		d->ext_id = view(device);
		return true;
	}
	if (strlen(device) > IWF_DIGITS_MAX) {
		ctl_fail("--device: a number has at most %d digits", IWF_DIGITS_MAX);
		return false;
	}
	d->has_msisdn = true;
	d->msisdn = (struct iwf_view){ tbcd, iwf_tbcd_from_digits(device, tbcd) };
	return true;
}

/* What depends on the action; false: said why. */
static bool set_action(struct ctl *c, const struct args *a, int64_t scs, struct tsp_dar *d)
{
	const char *action = arg_text(a, "--action");
	d->action = strcmp(action, "recall") == 0 ? TSP_RECALL : strcmp(action, "replace") == 0 ? TSP_REPLACE : TSP_TRIGGER;
	if (d->action == TSP_RECALL && !arg_given(a, "--reference")) {
		ctl_fail("--reference is needed: which trigger would be recalled?");
		return false;
	}
	if ((d->action == TSP_REPLACE) != arg_given(a, "--old-reference")) {
		ctl_fail(d->action == TSP_REPLACE ? "--old-reference is needed: which trigger would be replaced?"
		                                  : "--old-reference goes with --action replace only");
		return false;
	}
	d->reference = (uint32_t)arg_num(a, "--reference", 0);
	if (!arg_given(a, "--reference") && !free_reference(c, scs, &d->reference))
		return false;
	d->has_old_reference = arg_given(a, "--old-reference");
	d->old_reference = (uint32_t)arg_num(a, "--old-reference", 0);
	d->has_trigger_data = d->action != TSP_RECALL;
	return true;
}

static int walk(struct ctl *c, const struct tsp_dar *d)
{
	static const char *const columns[] = { "check", "result", "answer", "reason", "detail" };
	struct iwf_service *svc = iwf_service_new(&c->conf.service, c->store);
	if (!svc)
		return ctl_fail("out of memory");
	struct walk w = { .ctl = c, .out = out_new(c, false, columns, 5) };
	enum iwf_err err = iwf_service_explain(svc, d, ctl_now_ms(), line, &w);
	iwf_service_free(svc);
	out_print(w.out);
	if (err != IWF_OK)
		return ctl_fail("the store could not be asked: %s; the SCS would hear %s", iwf_err_str(err), tsp_status_str(iwf_err_status(err)));
	if (c->json) {
		printf("{\"allowed\": %s, \"answer\": \"%s\", \"request_status\": %d, \"reason\": \"%s\"}\n", w.refused ? "false" : "true",
		       tsp_status_str(w.refused ? w.status : TSP_SUCCESS), w.refused ? (int)w.status : 0,
		       iwf_reason_str(w.refused ? w.reason : RS_NONE));
	} else if (w.refused) {
		printf("\nrefused by the check '%s': %s (%s)\nthe SCS would hear %s (%d)\n", w.check, iwf_reason_text(w.reason),
		       iwf_reason_str(w.reason), tsp_status_str(w.status), (int)w.status);
	} else {
		puts("\nallowed: nothing here would refuse it; what the SMS-SC says is not known beforehand");
	}
	return w.refused ? CTL_REFUSED : CTL_OK;
}

static int explain(struct ctl *c, const struct args *a)
{
	char host[IWF_DIAMID_MAX + 1], realm[IWF_DIAMID_MAX + 1];
	uint8_t msisdn[8], identity[8];
	int64_t scs;
	struct tsp_dar d = { .priority = arg_given(a, "--priority"), .has_port = arg_given(a, "--port"),
	                     .port = (uint32_t)arg_num(a, "--port", 0), .has_validity = arg_given(a, "--validity"),
	                     .validity_s = (uint32_t)arg_num(a, "--validity", 0) };
	if (!ctl_open(c, true) || !find_scs(c, arg_text(a, "--scs"), host, realm, &scs) || !set_action(c, a, scs, &d) ||
	    !set_device(&d, arg_text(a, "--device"), msisdn))
		return CTL_FAIL;
	d.peer = d.origin_host = view(host);
	d.origin_realm = view(realm);
	if (arg_given(a, "--scs-identity")) {
		d.has_scs_identity = true;
		d.scs_identity = (struct iwf_view){ identity, iwf_tbcd_from_digits(arg_text(a, "--scs-identity"), identity) };
	}
	size_t size = (size_t)arg_num(a, "--payload-size", 1);
	uint8_t *payload = calloc(1, size + 1);
	if (!payload)
		return ctl_fail("out of memory");
	if (d.has_trigger_data)
		d.payload = (struct iwf_view){ payload, size };
	if (!c->conf_ok && !c->json)
		puts("(limits of the configuration: the defaults, as no configuration file was read)");
	int status = walk(c, &d);
	free(payload);
	return status;
}

static const struct ctl_verb verbs[] = {
	{ "explain", "", CTL_ARGS(explain_args), explain, "may this SCS do this to this device? check by check, sending nothing" },
};
const struct ctl_verbs ctl_explain_verbs = { verbs, sizeof verbs / sizeof *verbs };
