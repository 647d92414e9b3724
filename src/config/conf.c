/* conf.c - the node's configuration: what no single option can know. */
#include "conf_schema.h"
#include "store_open.h"
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASH_KEY_MIN  16                     /* octets; as iwf_privacy_key_load() wants it */
#define HASH_KEY_MAX  4096

static void check_hosts(struct conf_reader *r, const char *list, const struct iwf_target *first, size_t stride, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++) {
			const struct iwf_target *a = (const void *)((const char *)first + i * stride);
			const struct iwf_target *b = (const void *)((const char *)first + j * stride);
			char key[CONF_KEY_SIZE];
			if (!*a->host || strcasecmp(a->host, b->host) != 0)
				continue;
			snprintf(key, sizeof key, "%s[%zu].host", list, i);
			conf_complain(r, key, "\"%s\" is in the list already, as %s[%zu]; each host once", a->host, list, j);
			break;
		}
}

static void check_hss_matches(struct conf_reader *r, const struct iwf_service_conf *s)
{
	char key[CONF_KEY_SIZE];
	for (size_t a = 0; a < s->nhss; a++)
		for (size_t b = 0; b < a; b++) {
			const struct iwf_hss *x = &s->hss[a], *y = &s->hss[b];
			for (size_t i = 0; i < x->ndomains; i++)
				for (size_t j = 0; j < y->ndomains; j++)
					if (*x->domains[i] && strcmp(x->domains[i], y->domains[j]) == 0) {
						snprintf(key, sizeof key, "s6m.hss[%zu].domains[%zu]", a, i);
						conf_complain(r, key, "\"%s\" belongs to %s (s6m.hss[%zu]) already; one HSS answers for a domain",
						         x->domains[i], y->node.host, b);
					}
			for (size_t i = 0; i < x->nranges; i++)
				for (size_t j = 0; j < y->nranges; j++)
					if (*x->ranges[i].from && strlen(x->ranges[i].from) == strlen(y->ranges[j].from) &&
					    strcmp(x->ranges[i].from, y->ranges[j].to) <= 0 && strcmp(y->ranges[j].from, x->ranges[i].to) <= 0) {
						snprintf(key, sizeof key, "s6m.hss[%zu].msisdn_ranges[%zu]", a, i);
						conf_complain(r, key, "overlaps %s-%s of %s (s6m.hss[%zu]); one HSS answers for a number",
						         y->ranges[j].from, y->ranges[j].to, y->node.host, b);
					}
		}
}

static void check_key_file(struct conf_reader *r, const char *key, const char *file)
{
	struct stat st;
	if (!*file)
		return;
	if (stat(file, &st) != 0)
		conf_complain(r, key, "cannot read '%s': %s; head -c 32 /dev/urandom makes a key", file, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		conf_complain(r, key, "'%s' is not a regular file", file);
	else if (access(file, R_OK) != 0)
		conf_complain(r, key, "cannot read '%s': %s", file, strerror(errno));
	else if (st.st_size < HASH_KEY_MIN)
		conf_complain(r, key, "'%s' has %lld octets; a key needs at least %d: head -c 32 /dev/urandom makes one", file,
		         (long long)st.st_size, HASH_KEY_MIN);
	else if (st.st_size > HASH_KEY_MAX)
		conf_complain(r, key, "'%s' has %lld octets; a key has at most %d", file, (long long)st.st_size, HASH_KEY_MAX);
	else if (st.st_mode & (S_IRWXO | S_IWGRP))
		conf_complain(r, key, "'%s' may be read or written by others (mode %04o); chmod 0640 or 0600", file,
		         (unsigned)st.st_mode & 07777);
}

static void check_readable(struct conf_reader *r, const char *key, const char *file)
{
	if (*file && access(file, R_OK) != 0)
		conf_complain(r, key, "cannot read '%s': %s", file, strerror(errno));
}

static void check_trust(struct conf_reader *r, const struct iwf_conf *c)
{
	check_readable(r, "trust.scs_ca", c->trust.scs_ca);
	check_readable(r, "trust.scs_crl", c->trust.scs_crl);
	check_readable(r, "trust.inside_ca", c->trust.inside_ca);
	check_readable(r, "trust.inside_crl", c->trust.inside_crl);
	if (c->tsp.direct_outside && !*c->trust.scs_ca)
		conf_complain(r, "tsp.direct_outside", "SCSs of the outside need CAs of their own: name them in trust.scs_ca");
	if (*c->trust.scs_crl && !*c->trust.scs_ca)
		conf_complain(r, "trust.scs_crl", "there is no trust.scs_ca whose CRL it could be");
	if (*c->trust.inside_crl && !*c->trust.inside_ca)
		conf_complain(r, "trust.inside_crl", "there is no trust.inside_ca whose CRL it could be");
}

static void check_command(struct conf_reader *r, const char *key, const char *file)
{
	struct stat st;
	if (!*file)
		return;
	if (stat(file, &st) != 0)
		conf_complain(r, key, "cannot find '%s': %s", file, strerror(errno));
	else if (!S_ISREG(st.st_mode) || access(file, X_OK) != 0)
		conf_complain(r, key, "'%s' is not a program that can be run; chmod 0755, if it is one", file);
	else if (st.st_mode & (S_IWOTH | S_IWGRP))
		conf_complain(r, key, "'%s' may be written by others (mode %04o); chmod go-w", file, (unsigned)st.st_mode & 07777);
}

static void check_whole(struct conf_reader *r, void *conf)
{
	struct iwf_conf *out = conf;
	const struct iwf_service_conf *s = &out->service;

	if (snprintf(out->file, sizeof out->file, "%s", conf_file(r)) >= (int)sizeof out->file)
		conf_complain(r, "", "the name of the file has more than %zu characters", sizeof out->file - 1);
	conf_make_absolute(r, "store.uri", out->store.uri + strlen("sqlite:"), sizeof out->store.uri - strlen("sqlite:"));
	conf_make_absolute(r, "tsp.agent_key_file", out->tsp.agent_key_file, sizeof out->tsp.agent_key_file);
	conf_make_absolute(r, "trust.scs_ca", out->trust.scs_ca, sizeof out->trust.scs_ca);
	conf_make_absolute(r, "trust.scs_crl", out->trust.scs_crl, sizeof out->trust.scs_crl);
	conf_make_absolute(r, "trust.inside_ca", out->trust.inside_ca, sizeof out->trust.inside_ca);
	conf_make_absolute(r, "trust.inside_crl", out->trust.inside_crl, sizeof out->trust.inside_crl);
	conf_make_absolute(r, "notify_user.command", out->notify_user.command, sizeof out->notify_user.command);
	conf_make_absolute(r, "privacy.hash_key_file", out->privacy.hash_key_file, sizeof out->privacy.hash_key_file);
	out->store.line = conf_line(r, "store.uri");
	if (s->identity_source != IWF_ID_LOCAL && s->nhss == 0)
		conf_complain(r, "identity.source", "this needs an HSS, and s6m.hss has none; list one there, or use \"local\"");
	check_hosts(r, "s6m.hss", &s->hss[0].node, sizeof s->hss[0], s->nhss);
	check_hosts(r, "t4.smssc", &s->smssc[0].node, sizeof s->smssc[0], s->nsmssc);
	check_hss_matches(r, s);
	if (s->validity_default_s > s->validity_max_s)
		conf_complain(r, "policy.validity_default_s", "%u is above policy.validity_max_s, which is %u", s->validity_default_s,
		         s->validity_max_s);
	if (s->notify_retry_min_s > s->notify_retry_max_s)
		conf_complain(r, "notify.retry_min_s", "%u is above notify.retry_max_s, which is %u", s->notify_retry_min_s,
		         s->notify_retry_max_s);
	if (out->node.batch_max > out->node.queue_max)
		conf_complain(r, "node.batch_max", "%u is above node.queue_max, which is %u", out->node.batch_max, out->node.queue_max);
	check_trust(r, out);
	check_key_file(r, "privacy.hash_key_file", out->privacy.hash_key_file);
	check_key_file(r, "tsp.agent_key_file", out->tsp.agent_key_file);
	check_command(r, "notify_user.command", out->notify_user.command);
}

static struct conf_schema schema_of_node(void)
{
	struct conf_schema s = { .size = sizeof(struct iwf_conf), .lister = "iwfctl options", .check = check_whole };
	s.options = iwf_conf_options(&s.noptions);
	s.sections = conf_sections(&s.nsections);
	return s;
}

void iwf_conf_defaults(struct iwf_conf *out)
{
	const struct conf_schema s = schema_of_node();
	conf_defaults(&s, out);
}

int iwf_conf_read(const char *file, struct iwf_conf *out,
                  void (*complain)(void *ctx, const struct iwf_conf_error *), void *ctx)
{
	const struct conf_schema s = schema_of_node();
	return conf_read(&s, file, out, complain, ctx);
}

int iwf_conf_check_store(const struct iwf_conf *conf,
                         void (*complain_cb)(void *ctx, const struct iwf_conf_error *), void *ctx)
{
	struct iwf_conf_error e = { .file = conf->file, .line = conf->store.line, .key = "store.uri" };
	const struct iwf_store_opts opts = { .busy_timeout_ms = conf->store.busy_timeout_ms };
	struct iwf_store *store = iwf_store_open(conf->store.uri, &opts, e.text, sizeof e.text);
	if (store) {
		iwf_store_close(store);
		return 0;
	}
	if (complain_cb)
		complain_cb(ctx, &e);
	return 1;
}

bool iwf_conf_store_is_open(const struct iwf_conf *conf, char *text, size_t size)
{
	const char *path = conf->store.uri + strlen("sqlite:");
	struct stat st;

	if (stat(path, &st) != 0 || !(st.st_mode & S_IRWXO))
		return false;
	snprintf(text, size, "everybody may use '%s', and there are IMSIs in it (mode %04o); chmod o= it", path, (unsigned)st.st_mode & 07777);
	return true;
}
