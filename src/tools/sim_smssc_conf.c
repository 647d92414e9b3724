/* sim_smssc_conf.c - the file of sim-smssc. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "sim_smssc.h"

const char *const sc_answer_words[A_ANSWERS] = {
	"natural", "success", "user-unknown", "invalid-sme", "congestion", "replace-failure", "recall-failure",
	"not-pending", "too-busy", "unable-to-comply", "silent", "nonsense",
};
const char *const sc_outcome_words[O_OUTCOMES] = { "deliver", "absent", "memory", "expired", "no-report" };

static const char *const behaviour_keys[] = {
	"answer", "recall_answer", "replace_answer", "nonsense", "delay_ms", "outcome", "after_ms", "diagnostic", "stored",
	"absent_diagnostic", "drr_reference", "drr_twice", NULL,
};

static enum sc_answer read_answer(struct sim_cfg *c, const config_setting_t *g, const char *key, enum sc_answer absent)
{
	return (enum sc_answer)sim_cfg_word(c, g, key, sc_answer_words, A_ANSWERS, absent);
}

/* What the group leaves out stays as it is in *d. */
static void read_behaviour(struct sim_cfg *c, const config_setting_t *g, struct device *d)
{
	d->answer = read_answer(c, g, "answer", d->answer);
	d->recall_answer = read_answer(c, g, "recall_answer", d->recall_answer);
	d->replace_answer = read_answer(c, g, "replace_answer", d->replace_answer);
	d->nonsense = (enum sim_nonsense)sim_cfg_word(c, g, "nonsense", sim_nonsense_words, SIM_NONSENSES, d->nonsense);
	d->delay_ms = sim_cfg_number(c, g, "delay_ms", 0, 3600000, d->delay_ms);
	d->outcome = (enum sc_outcome)sim_cfg_word(c, g, "outcome", sc_outcome_words, O_OUTCOMES, d->outcome);
	d->has_after |= config_setting_get_member(g, "after_ms") != NULL;
	d->after_ms = sim_cfg_number(c, g, "after_ms", 0, UINT32_MAX, d->after_ms);
	d->has_diagnostic |= config_setting_get_member(g, "diagnostic") != NULL;
	d->diagnostic = sim_cfg_number(c, g, "diagnostic", 0, UINT32_MAX, d->diagnostic);
	d->has_stored |= config_setting_get_member(g, "stored") != NULL;
	d->stored = sim_cfg_bool(c, g, "stored", d->stored);
	d->absent_diagnostic = sim_cfg_number(c, g, "absent_diagnostic", 0, 5, d->absent_diagnostic);
	d->drr_reference = sim_cfg_bool(c, g, "drr_reference", d->drr_reference);
	d->drr_twice = sim_cfg_bool(c, g, "drr_twice", d->drr_twice);
}

static void read_device(struct sim_cfg *c, const config_setting_t *g, const struct device *other, struct device *d)
{
	const char *keys[3 + sizeof(behaviour_keys) / sizeof(behaviour_keys[0])] = { "imsi", "msisdn", "ext_id" };

	*d = *other;
	if (!config_setting_is_group(g)) {
		sim_cfg_fault(c, g, "a device must be a group: { ... }");
		return;
	}
	memcpy(keys + 3, behaviour_keys, sizeof(behaviour_keys));
	sim_cfg_keys(c, g, keys);
	sim_cfg_digits(c, g, "imsi", 14, 15, d->imsi, sizeof(d->imsi));
	sim_cfg_digits(c, g, "msisdn", 5, 15, d->msisdn, sizeof(d->msisdn));
	sim_cfg_copy(c, g, "ext_id", "", d->ext_id, sizeof(d->ext_id));
	if (!d->imsi[0] && !d->msisdn[0] && !d->ext_id[0])
		sim_cfg_fault(c, g, "a device needs imsi, msisdn or ext_id");
	read_behaviour(c, g, d);
}

void *sc_load(struct sim_cfg *c, const config_setting_t *root)
{
	const config_setting_t *list = sim_cfg_list(c, root, "devices"), *other = sim_cfg_group(c, root, "default");
	struct sc_conf *conf = calloc(1, sizeof(*conf));

	if (!conf)
		return NULL;
	conf->n = list ? (size_t)config_setting_length(list) : 0;
	conf->v = calloc(conf->n + 1, sizeof(*conf->v));
	if (!conf->v) {
		free(conf);
		return NULL;
	}
	conf->supports_recall_replace = sim_cfg_bool(c, root, "supports_recall_replace", true);
	conf->drr_timeout_ms = sim_cfg_number(c, root, "drr_timeout_ms", 10, 3600000, 5000);
	conf->drr_attempts = 1 + sim_cfg_number(c, root, "drr_retries", 0, 1000, 3);
	sim_cfg_copy(c, root, "store_file", "", conf->book, sizeof(conf->book));
	conf->other = (struct device){ .nonsense = NO_RESULT, .drr_reference = true };
	if (other) {
		sim_cfg_keys(c, other, behaviour_keys);
		read_behaviour(c, other, &conf->other);
	}
	for (size_t i = 0; i < conf->n; i++)
		read_device(c, config_setting_get_elem(list, (unsigned)i), &conf->other, &conf->v[i]);
	return conf;
}

void sc_unload(void *p)
{
	struct sc_conf *conf = p;

	free(conf->v);
	free(conf);
}

static bool same(const char *a, const char *b)
{
	return a[0] && !strcasecmp(a, b);
}

const struct device *sc_find(const struct sc_conf *conf, const char *imsi, const char *ext_id, const char *msisdn)
{
	for (size_t i = 0; i < conf->n; i++) {
		const struct device *d = &conf->v[i];

		if (same(d->imsi, imsi) || same(d->ext_id, ext_id) || same(d->msisdn, msisdn))
			return d;
	}
	return &conf->other;
}
