/* sim_conf.c - libconfig files, read strictly. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "sim.h"

bool sim_cfg_open(struct sim_cfg *c, const char *program, const char *file)
{
	*c = (struct sim_cfg){ .program = program, .file = file };
	config_init(&c->cfg);
	if (config_read_file(&c->cfg, file))
		return true;
	if (config_error_type(&c->cfg) == CONFIG_ERR_PARSE)
		fprintf(stderr, "%s:%d: %s\n", config_error_file(&c->cfg) ? config_error_file(&c->cfg) : file,
		        config_error_line(&c->cfg), config_error_text(&c->cfg));
	else
		fprintf(stderr, "%s: %s: cannot be read\n", program, file);
	c->faults++;
	config_destroy(&c->cfg);
	return false;
}

void sim_cfg_close(struct sim_cfg *c)
{
	config_destroy(&c->cfg);
}

void sim_cfg_fault(struct sim_cfg *c, const config_setting_t *at, const char *fmt, ...)
{
	const char *file = config_setting_source_file(at);
	va_list ap;

	fprintf(stderr, "%s:%u: ", file ? file : c->file, config_setting_source_line(at));
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	c->faults++;
}

void sim_cfg_keys(struct sim_cfg *c, const config_setting_t *group, const char *const *keys)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(s);
		size_t k = 0;

		while (keys[k] && strcmp(keys[k], name))
			k++;
		if (keys[k])
			continue;
		fprintf(stderr, "%s:%u: there is no option \"%s\" here; there are", c->file, config_setting_source_line(s), name);
		for (k = 0; keys[k]; k++)
			fprintf(stderr, "%s %s", k ? "," : "", keys[k]);
		fputc('\n', stderr);
		c->faults++;
	}
}

static const config_setting_t *member(const config_setting_t *group, const char *key)
{
	return group ? config_setting_get_member(group, key) : NULL;
}

const char *sim_cfg_text(struct sim_cfg *c, const config_setting_t *group, const char *key, const char *absent)
{
	const config_setting_t *s = member(group, key);
	const char *text;

	if (!s && !absent)
		sim_cfg_fault(c, group, "%s is needed here", key);
	if (!s)
		return absent ? absent : "";
	text = config_setting_get_string(s);
	if (!text)
		sim_cfg_fault(c, s, "%s must be a text in quotes", key);
	return text ? text : "";
}

uint32_t sim_cfg_number(struct sim_cfg *c, const config_setting_t *group, const char *key, uint32_t min, uint32_t max,
                        uint32_t absent)
{
	const config_setting_t *s = member(group, key);
	long long v;

	if (!s)
		return absent;
	v = config_setting_type(s) == CONFIG_TYPE_INT64 ? config_setting_get_int64(s) : config_setting_get_int(s);
	if ((config_setting_type(s) != CONFIG_TYPE_INT && config_setting_type(s) != CONFIG_TYPE_INT64) ||
	    v < (long long)min || v > (long long)max) {
		sim_cfg_fault(c, s, "%s must be a number from %u to %u", key, min, max);
		return absent;
	}
	return (uint32_t)v;
}

bool sim_cfg_bool(struct sim_cfg *c, const config_setting_t *group, const char *key, bool absent)
{
	const config_setting_t *s = member(group, key);

	if (!s)
		return absent;
	if (config_setting_type(s) != CONFIG_TYPE_BOOL) {
		sim_cfg_fault(c, s, "%s must be true or false", key);
		return absent;
	}
	return config_setting_get_bool(s);
}

unsigned sim_cfg_word(struct sim_cfg *c, const config_setting_t *group, const char *key, const char *const *words,
                      unsigned n, unsigned absent)
{
	const config_setting_t *s = member(group, key);
	char list[512] = "";
	const char *text;

	if (!s)
		return absent;
	text = config_setting_get_string(s);
	for (unsigned i = 0; i < n; i++) {
		size_t at = strlen(list);

		if (text && !strcmp(words[i], text))
			return i;
		snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "", words[i]);
	}
	sim_cfg_fault(c, s, "%s must be one of %s", key, list);
	return absent;
}

const config_setting_t *sim_cfg_group(struct sim_cfg *c, const config_setting_t *group, const char *key)
{
	const config_setting_t *s = member(group, key);

	if (s && !config_setting_is_group(s)) {
		sim_cfg_fault(c, s, "%s must be a group: { ... }", key);
		return NULL;
	}
	return s;
}

const config_setting_t *sim_cfg_list(struct sim_cfg *c, const config_setting_t *group, const char *key)
{
	const config_setting_t *s = member(group, key);

	if (s && !config_setting_is_list(s) && !config_setting_is_array(s)) {
		sim_cfg_fault(c, s, "%s must be a list: ( ... )", key);
		return NULL;
	}
	return s;
}

void sim_cfg_copy(struct sim_cfg *c, const config_setting_t *group, const char *key, const char *absent, char *out,
                  size_t size)
{
	const char *text = sim_cfg_text(c, group, key, absent);

	if (strlen(text) >= size)
		sim_cfg_fault(c, member(group, key), "%s is longer than %zu octets", key, size - 1);
	snprintf(out, size, "%s", text);
}

void sim_cfg_digits(struct sim_cfg *c, const config_setting_t *group, const char *key, unsigned min, unsigned max,
                    char *out, size_t size)
{
	size_t n;

	sim_cfg_copy(c, group, key, "", out, size);
	n = strlen(out);
	if (member(group, key) && (n < min || n > max || strspn(out, "0123456789") != n))
		sim_cfg_fault(c, member(group, key), "%s must be %u to %u digits in quotes", key, min, max);
}
