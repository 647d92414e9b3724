/* iwfctl_check.c - iwfctl check-config, options, sample-config. */
#include "iwfctl.h"
#include <stdarg.h>
#include <string.h>
#include "hash.h"

void complain_line(struct complaints *k, bool error, struct fd_where at, const char *key, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	*(error ? &k->errors : &k->warnings) += 1;
	if (k->ctl->json) {
		printf("{\"level\": \"%s\", \"file\": ", error ? "error" : "warning");
		out_json_string(stdout, at.file);
		printf(", \"line\": %d, \"key\": ", at.line);
		out_json_string(stdout, key);
		fputs(", \"text\": ", stdout);
		out_json_string(stdout, text);
		puts("}");
		return;
	}
	out_plain(stdout, at.file);
	if (at.line)
		printf(":%d", at.line);
	printf(": %s: ", error ? "error" : "warning");
	if (*key && !strstr(text, key)) {
		out_plain(stdout, key);
		fputs(": ", stdout);
	}
	out_plain(stdout, text);
	putchar('\n');
}

static void complain(void *ctx, const struct iwf_conf_error *e)
{
	complain_line(ctx, true, (struct fd_where){ e->file, e->line }, e->key, "%s", e->text);
}

static const struct arg_spec check_args[] = {
	{ "--freediameter", ARG_FILE, .help = "check this freeDiameter.conf too" },
};

static int check_config(struct ctl *c, const struct args *a)
{
	struct complaints k = { .ctl = c };
	char err[512];
	c->conf_ok = iwf_conf_read(c->conf_file, &c->conf, complain, &k) == 0;
	if (c->conf_ok && *c->conf.privacy.hash_key_file && !iwf_privacy_key_load(c->conf.privacy.hash_key_file, err, sizeof err))
		complain_line(&k, true, (struct fd_where){ c->conf_file, 0 }, "privacy.hash_key_file", "%s", err);
	if (c->conf_ok && c->db)
		snprintf(c->conf.store.uri, sizeof c->conf.store.uri, "sqlite:%.500s", c->db);
	if (c->conf_ok)
		iwf_conf_check_store(&c->conf, complain, &k);
	if (c->conf_ok && iwf_conf_store_is_open(&c->conf, err, sizeof err))
		complain_line(&k, false, (struct fd_where){ c->conf_file, c->conf.store.line }, "store.uri", "%s", err);
	if (arg_given(a, "--freediameter"))
		fdconf_check(&k, arg_text(a, "--freediameter"));
	if (!c->json) {
		if (k.errors)
			printf("%d error%s", k.errors, k.errors == 1 ? "" : "s");
		else
			fputs("no error", stdout);
		if (k.warnings)
			printf(", %d warning%s", k.warnings, k.warnings == 1 ? "" : "s");
		putchar('\n');
	}
	return k.errors ? CTL_FAIL : CTL_OK;
}

static const struct arg_spec options_args[] = { { "--markdown", ARG_FLAG, .help = "as the table of docs/CONFIGURATION.md" } };

static int options(struct ctl *c, const struct args *a)
{
	static const char *const columns[] = { "option", "takes", "default", "help" };
	size_t n;
	const struct iwf_opt *o = iwf_conf_options(&n);
	bool markdown = arg_given(a, "--markdown");
	struct out *out = out_new(c, false, columns, 4);
	if (markdown)
		puts("| option | takes | default | what it does |\n|---|---|---|---|");
	for (size_t i = 0; i < n; i++) {
		char takes[160];
		bool needed = !o[i].dflt && (o[i].type != IWF_OPT_LIST || o[i].min) && !strstr(o[i].key + strlen(o[i].key) - 2, "[]");
		const char *dflt = needed ? "(needed)" : !o[i].dflt ? NULL : *o[i].dflt ? o[i].dflt : "\"\"";
		iwf_conf_describe(&o[i], takes, sizeof takes);
		if (markdown) {
			printf("| `%s` | %s | %s%s%s | %s |\n", o[i].key, takes, dflt && !needed ? "`" : "", dflt ? dflt : "",
			       dflt && !needed ? "`" : "", o[i].help);
		} else {
			out_text(out, o[i].key);
			out_text(out, takes);
			out_text(out, dflt);
			out_text(out, o[i].help);
		}
	}
	out_print(out);
	return CTL_OK;
}

static int sample_config(struct ctl *c, const struct args *a)
{
	iwf_conf_print_sample(stdout);
	return CTL_OK;
}

static const struct ctl_verb verbs[] = {
	{ "check-config", "", CTL_ARGS(check_args), check_config, "is the configuration right? says all that is not" },
	{ "options", "", CTL_ARGS(options_args), options, "all that can stand in the configuration file" },
	{ "sample-config", "", NULL, 0, sample_config, "print a commented configuration file" },
};
const struct ctl_verbs ctl_check_verbs = { verbs, sizeof verbs / sizeof *verbs };
