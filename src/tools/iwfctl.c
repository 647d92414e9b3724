/* iwfctl.c - administration of the MTC-IWF from the command line.
 *
 * Finds the verb in the nouns' tables, has its arguments checked, runs it. */
#include "iwfctl_args.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "config.h"
#include "hash.h"
#include "log.h"

static const struct ctl_verbs *const nouns[] = {
	&ctl_check_verbs, &ctl_db_verbs, &ctl_scs_verbs, &ctl_device_verbs, &ctl_import_verbs, &ctl_user_verbs, &ctl_group_verbs,
	&ctl_grant_verbs, &ctl_trigger_verbs, &ctl_audit_verbs, &ctl_privacy_verbs, &ctl_explain_verbs,
};
#define NOUNS (sizeof nouns / sizeof *nouns)

int ctl_fail(const char *fmt, ...)
{
	char text[1200];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	fflush(stdout);                              /* what was said before stands before */
	fputs("iwfctl: ", stderr);
	out_plain(stderr, text);
	fputc('\n', stderr);
	return CTL_FAIL;
}

int64_t ctl_now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

const char *ctl_time(int64_t ms, char buf[static 32])
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;
	if (!gmtime_r(&t, &tm) || strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(buf, 32, "%lld ms", (long long)ms);
	return buf;
}

static void complain(void *ctx, const struct iwf_conf_error *e)
{
	out_plain(stderr, e->file);
	if (e->line)
		fprintf(stderr, ":%d", e->line);
	fputs(": ", stderr);
	if (*e->key && !strstr(e->text, e->key))
		fprintf(stderr, "%s: ", e->key);
	out_plain(stderr, e->text);
	fputc('\n', stderr);
}

bool ctl_read_conf(struct ctl *c)
{
	char err[512];
	if (c->conf_ok)
		return true;
	c->conf_ok = iwf_conf_read(c->conf_file, &c->conf, complain, NULL) == 0;
	if (!c->conf_ok)
		ctl_fail("the configuration can't be used (another file: -c FILE; only a store: --db FILE)");
	else if (*c->conf.privacy.hash_key_file && !iwf_privacy_key_load(c->conf.privacy.hash_key_file, err, sizeof err))
		ctl_fail("%s; IMSIs are shown without the name that the node's log gives them", err);
	else
		c->imsi_names = *c->conf.privacy.hash_key_file;
	return c->conf_ok;
}

const char *ctl_store_path(struct ctl *c)
{
	if (c->conf_named || !c->db) {
		if (!ctl_read_conf(c))
			return NULL;
	} else if (!c->conf_ok) {
		iwf_conf_defaults(&c->conf);
	}
	return c->db ? c->db : c->conf.store.uri + strlen("sqlite:");
}

static void help(FILE *to)
{
	fputs("iwfctl - administration of the MTC-IWF\n"
	      "usage: iwfctl [-c FILE] [--db FILE] [--json] NOUN VERB [arguments]\n\n"
	      "  -c, --config FILE   configuration of the node (" IWF_SYSCONFDIR "/mtc-iwf.conf)\n"
	      "  --db FILE           the SQLite file, whatever the configuration says\n"
	      "  --json              one JSON object a line\n"
	      "  --help, --version   `iwfctl NOUN VERB --help` explains a verb\n\n", to);
	for (size_t i = 0; i < NOUNS; i++)
		for (size_t k = 0; k < nouns[i]->n; k++) {
			const struct ctl_verb *v = &nouns[i]->v[k];
			char left[40];
			snprintf(left, sizeof left, "%s %s", v->noun, v->verb);
			fprintf(to, "  %-22s %s\n", left, v->help);
		}
	fputs("\nA DEVICE is an External Identifier, an MSISDN, imsi:DIGITS or #ID. Times are UTC: 2026-12-31T23:59:59Z or 2026-12-31.\n"
	      "Exit status: 0 done, 1 not done (said why), 2 usage, 3 `explain`: it would be refused,\n"
	      "4 `device import`: done, but for the rows that were refused, 5 import or export ended by a signal.\n", to);
}

/* The verb that the words at argv name, and how many words that took. */
static const struct ctl_verb *find_verb(int argc, char **argv, int *words)
{
	for (size_t i = 0; i < NOUNS; i++)
		for (size_t k = 0; k < nouns[i]->n; k++) {
			const struct ctl_verb *v = &nouns[i]->v[k];
			if (argc < 1 || strcmp(v->noun, argv[0]) != 0 || (*v->verb && (argc < 2 || strcmp(v->verb, argv[1]) != 0)))
				continue;
			*words = *v->verb ? 2 : 1;
			return v;
		}
	return NULL;
}

static int no_such_verb(int argc, char **argv)
{
	bool noun = false;
	for (size_t i = 0; argc && i < NOUNS; i++)
		for (size_t k = 0; k < nouns[i]->n; k++) {
			const struct ctl_verb *v = &nouns[i]->v[k];
			if (strcmp(v->noun, argv[0]) != 0)
				continue;
			if (!noun)
				fprintf(stderr, "iwfctl %s: the verbs are", argv[0]);
			fprintf(stderr, " %s", v->verb);
			noun = true;
		}
	if (noun)
		fputc('\n', stderr);
	else if (argc)
		ctl_fail("there is no '%s'; `iwfctl --help` lists what there is", argv[0]);
	else
		help(stderr);
	return CTL_USAGE;
}

/* Takes the options that all verbs have out of argv.  -1: go on; else the exit status. */
static int common_options(struct ctl *c, int *argc, char **argv, bool *want_help)
{
	int n = 0;
	for (int i = 0; i < *argc; i++) {
		const char *a = argv[i];
		bool config = strcmp(a, "-c") == 0 || strcmp(a, "--config") == 0;
		if (strcmp(a, "--json") == 0) {
			c->json = true;
		} else if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) {
			*want_help = true;
		} else if (strcmp(a, "--version") == 0) {
			printf("iwfctl %s\n", PACKAGE_VERSION);
			return CTL_OK;
		} else if (config || strcmp(a, "--db") == 0) {
			if (i + 1 == *argc || !*argv[i + 1]) {
				ctl_fail("%s wants a file name", a);
				return CTL_USAGE;
			}
			if (config) {
				c->conf_file = argv[++i];
				c->conf_named = true;
			} else {
				c->db = strncmp(argv[i + 1], "sqlite:", 7) == 0 ? argv[i + 1] + 7 : argv[i + 1];
				i++;
			}
		} else {
			argv[n++] = argv[i];
		}
	}
	*argc = n;
	return -1;
}

int main(int argc, char **argv)
{
	static struct ctl c = { .conf_file = IWF_SYSCONFDIR "/mtc-iwf.conf" };
	bool want_help = false;
	int words = 0;
	iwf_log_set_level(IWF_LOG_ERROR);            /* the store says there why it failed */
	argc--, argv++;
	int status = common_options(&c, &argc, argv, &want_help);
	if (status >= 0)
		return status;
	const struct ctl_verb *v = find_verb(argc, argv, &words);
	if (!v && want_help && argc == 0) {
		help(stdout);
		return CTL_OK;
	}
	if (!v)
		return no_such_verb(argc, argv);
	if (want_help) {
		args_help(stdout, v);
		return CTL_OK;
	}
	struct args a = { 0 };
	status = args_parse(&c, v, argc - words, argv + words, &a) ? v->run(&c, &a) : CTL_USAGE;
	ctl_close(&c);
	args_free(&a);
	if (fflush(stdout) != 0 || ferror(stdout))
		status = ctl_fail("cannot write the output: %m");
	return status;
}
