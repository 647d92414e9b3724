/* conf_read.c - reads a configuration file by an option table, whatever its struct. */
#include "conf_schema.h"
#include "conf_text.h"
#include <errno.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SIZE CONF_KEY_SIZE

struct conf_reader {
	const struct conf_schema *schema;
	const char *file;
	struct conf_text text;
	config_t cfg;
	bool seen[CONF_OPTIONS_MAX];         /* by index in the option table; of list members: in the entry at hand */
	int mistakes;
	void (*complain)(void *ctx, const struct iwf_conf_error *);
	void *ctx;
};

static void tell(struct conf_reader *r, struct iwf_conf_error *e)
{
	for (char *p = e->text; *p; p++)         /* what stood in the file may end on a terminal */
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	r->mistakes++;
	if (r->complain)
		r->complain(r->ctx, e);
}

static void complain_v(struct conf_reader *r, const char *file, int line, const char *key, const char *fmt, va_list ap)
{
	struct iwf_conf_error e = { .file = file, .line = line, .key = key };
	vsnprintf(e.text, sizeof e.text, fmt, ap);
	tell(r, &e);
}

/* About the setting at hand. */
static void complain_at(struct conf_reader *r, const config_setting_t *s, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static void complain_at(struct conf_reader *r, const config_setting_t *s, const char *key, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int line = 0;
	const char *file = r->file;
	if (s && config_setting_source_line(s))
		file = conf_text_origin(&r->text, (int)config_setting_source_line(s), &line);
	complain_v(r, file, line, key, fmt, ap);
	va_end(ap);
}

/* The setting that `key` names, or the nearest one around it; NULL: none. */
static const config_setting_t *find(struct conf_reader *r, const char *key)
{
	char path[KEY_SIZE * 2];
	size_t n = 0;
	for (const char *p = key; *p && n < sizeof path - 2; p++) {
		if (*p == '[')
			path[n++] = '.';         /* libconfig says list.[0] where people say list[0] */
		path[n++] = *p;
	}
	path[n] = '\0';
	for (;;) {
		const config_setting_t *s = config_lookup(&r->cfg, path);
		char *dot = strrchr(path, '.');
		if (s || !dot)
			return s;
		*dot = '\0';
	}
}

/* About a key that may not even be in the file. */
void conf_complain(struct conf_reader *r, const char *key, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const config_setting_t *s = find(r, key);
	int line = 0;
	const char *file = r->file;
	if (s)
		file = conf_text_origin(&r->text, (int)config_setting_source_line(s), &line);
	complain_v(r, file, line, key, fmt, ap);
	va_end(ap);
}

static const struct iwf_opt *option(const struct conf_reader *r, const char *schema_key, size_t *index)
{
	size_t n = r->schema->noptions;
	const struct iwf_opt *o = r->schema->options;
	for (size_t i = 0; i < n; i++)
		if (strcmp(o[i].key, schema_key) == 0) {
			*index = i;
			return &o[i];
		}
	return NULL;
}

static bool is_section(const struct conf_reader *r, const char *schema_key)
{
	size_t n = r->schema->nsections;
	const struct conf_section *s = r->schema->sections;
	for (size_t i = 0; i < n; i++)
		if (strcmp(s[i].name, schema_key) == 0)
			return true;
	return false;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein's distance. */
static size_t distance(const char *a, const char *b)
{
	size_t row[KEY_SIZE + 1], lb = strlen(b);
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t above = row[j];
			row[j] = least(least(above, row[j - 1]) + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[lb];
}

static const char *leaf(const char *key)
{
	const char *dot = strrchr(key, '.');
	return dot ? dot + 1 : key;
}

/* What somebody who wrote that may have meant; NULL: no idea. */
static const struct iwf_opt *nearest(const struct conf_reader *r, const char *key)
{
	size_t n = r->schema->noptions, least_yet = 2 + strlen(leaf(key)) / 3;
	const struct iwf_opt *o = r->schema->options, *near = NULL;
	for (size_t i = 0; i < n; i++) {
		if (o[i].key[strlen(o[i].key) - 1] == ']')
			continue;
		size_t d = distance(key, o[i].key);
		if (strcmp(leaf(key), leaf(o[i].key)) == 0 || strncmp(o[i].key, key, strlen(key)) == 0)
			d = least(d, 1);         /* in the wrong section, or cut short */
		if (d < least_yet) {
			least_yet = d;
			near = &o[i];
		}
	}
	return near;
}

static void unknown_key(struct conf_reader *r, const config_setting_t *s, const char *key, const char *schema_key)
{
	if (config_setting_is_group(s) && config_setting_length(s) > 0) {
		for (int i = 0; i < config_setting_length(s); i++) {   /* each of its members deserves its own advice */
			const config_setting_t *m = config_setting_get_elem((config_setting_t *)s, (unsigned)i);
			char k[KEY_SIZE], sk[KEY_SIZE];
			snprintf(k, sizeof k, "%.60s.%.60s", key, config_setting_name(m));
			snprintf(sk, sizeof sk, "%.60s.%.60s", schema_key, config_setting_name(m));
			unknown_key(r, m, k, sk);
		}
		return;
	}
	const struct iwf_opt *near = nearest(r, schema_key);
	if (near)
		complain_at(r, s, key, "unknown key '%s' (did you mean '%s'?)", key, near->key);
	else
		complain_at(r, s, key, "unknown key '%s'; `%s` lists those that there are", key, r->schema->lister);
}

static const char *type_of(const config_setting_t *s)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT: case CONFIG_TYPE_INT64: return "a number";
	case CONFIG_TYPE_FLOAT:  return "a number with a fraction";
	case CONFIG_TYPE_STRING: return "text";
	case CONFIG_TYPE_BOOL:   return "true or false";
	case CONFIG_TYPE_GROUP:  return "a group { }";
	case CONFIG_TYPE_ARRAY: case CONFIG_TYPE_LIST: return "a list";
	default: return "something else";
	}
}

static void wrong_type(struct conf_reader *r, const config_setting_t *s, const char *key, const struct iwf_opt *o)
{
	char want[160];
	complain_at(r, s, key, "this is %s; it has to be %s", type_of(s), iwf_conf_describe(o, want, sizeof want));
}

static void put_int(const struct iwf_opt *o, void *at, long long v)
{
	if (o->size == sizeof(bool))
		*(bool *)at = v != 0;
	else if (o->size == sizeof(uint16_t))
		*(uint16_t *)at = (uint16_t)v;
	else
		*(uint32_t *)at = (uint32_t)v;   /* int, enum or uint32_t */
}

/* Index of a word among "a|b|c"; -1: not there. */
static int choice(const char *choices, const char *word)
{
	size_t len = strlen(word);
	int i = 0;
	for (const char *p = choices;; i++) {
		size_t n = strcspn(p, "|");
		if (n == len && memcmp(p, word, n) == 0)
			return i;
		if (!p[n])
			return -1;
		p += n + 1;
	}
}

static void set_default(const struct iwf_opt *o, void *base)
{
	void *at = (char *)base + o->offset;
	if (!o->dflt)
		return;
	switch (o->type) {
	case IWF_OPT_INT:    put_int(o, at, strtoll(o->dflt, NULL, 10)); break;
	case IWF_OPT_BOOL:   put_int(o, at, strcmp(o->dflt, "true") == 0); break;
	case IWF_OPT_ENUM:   put_int(o, at, choice(o->choices, o->dflt)); break;
	case IWF_OPT_STRING:
	case IWF_OPT_PATH:   snprintf(at, o->size, "%s", o->dflt); break;
	case IWF_OPT_LIST:   break;
	}
}

/* Is o a member of a list entry of that schema key, and not of a list in it?
 * ("s6m.hss[]" has "s6m.hss[].host" but not "s6m.hss[].domains[]") */
static bool is_member(const struct iwf_opt *o, const char *entry)
{
	size_t n = strlen(entry);
	return strncmp(o->key, entry, n) == 0 && o->key[n] == '.' && !strchr(o->key + n, '[');
}

static void read_value(struct conf_reader *r, const config_setting_t *s, const char *key, const struct iwf_opt *o, void *base);
static void read_group(struct conf_reader *r, const config_setting_t *group, const char *key, const char *schema_key, void *base);

/* One { } of a list. */
static void read_entry(struct conf_reader *r, const config_setting_t *s, const char *key, const char *schema_key, void *entry)
{
	size_t n = r->schema->noptions;
	const struct iwf_opt *o = r->schema->options;
	for (size_t i = 0; i < n; i++)
		if (is_member(&o[i], schema_key)) {
			set_default(&o[i], entry);
			r->seen[i] = false;
		}
	if (!config_setting_is_group(s)) {
		complain_at(r, s, key, "this is %s; it has to be a group: { host = \"...\"; realm = \"...\"; }", type_of(s));
		return;
	}
	read_group(r, s, key, schema_key, entry);
	for (size_t i = 0; i < n; i++)
		if (is_member(&o[i], schema_key) && o[i].type != IWF_OPT_LIST && !o[i].dflt && !r->seen[i])
			complain_at(r, s, key, "'%s' is missing: %s", o[i].key + strlen(schema_key) + 1, o[i].help);
}

static void read_list(struct conf_reader *r, const config_setting_t *s, const char *key, const struct iwf_opt *o, void *base)
{
	if (!config_setting_is_list(s) && !config_setting_is_array(s)) {
		wrong_type(r, s, key, o);
		return;
	}
	int have = config_setting_length(s);
	if (have < o->min)
		complain_at(r, s, key, "empty; at least %lld needed: %s", o->min, o->help);
	if (have > o->max)
		complain_at(r, s, key, "%d entries; at most %lld can be used", have, o->max);
	char schema_key[KEY_SIZE], k[KEY_SIZE];
	size_t index, *count = (size_t *)((char *)base + o->count);
	snprintf(schema_key, sizeof schema_key, "%.100s[]", o->key);
	const struct iwf_opt *elem = option(r, schema_key, &index);   /* a list of strings */
	for (int i = 0; i < have && i < o->max; i++) {
		const config_setting_t *e = config_setting_get_elem((config_setting_t *)s, (unsigned)i);
		void *at = (char *)base + o->offset + (size_t)i * o->size;
		snprintf(k, sizeof k, "%.100s[%d]", key, i);
		if (elem)
			read_value(r, e, k, elem, at);
		else
			read_entry(r, e, k, schema_key, at);
		*count = (size_t)i + 1;
	}
}

static void read_string(struct conf_reader *r, const config_setting_t *s, const char *key, const struct iwf_opt *o, void *at)
{
	const char *text = config_setting_get_string(s);
	size_t len = strlen(text);
	const char *wrong;
	if (len < (size_t)o->min)
		complain_at(r, s, key, "\"%.80s\": %s", text, len ? "too short" : "empty; a value is needed");
	else if (len >= o->size)
		complain_at(r, s, key, "\"%.60s...\": %zu characters; at most %zu", text, len, o->size - 1);
	else if (!o->store)
		memcpy(at, text, len + 1);
	else if ((wrong = o->store(text, at, o->size)))
		complain_at(r, s, key, "\"%.255s\": %s", text, wrong);
}

static void read_value(struct conf_reader *r, const config_setting_t *s, const char *key, const struct iwf_opt *o, void *base)
{
	void *at = (char *)base + o->offset;
	int type = config_setting_type(s);
	char want[160];
	switch (o->type) {
	case IWF_OPT_INT: {
		if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
			break;
		long long v = type == CONFIG_TYPE_INT ? config_setting_get_int(s) : config_setting_get_int64(s);
		if (v < o->min || v > o->max)
			complain_at(r, s, key, "%lld is out of range; it has to be %s", v, iwf_conf_describe(o, want, sizeof want));
		else
			put_int(o, at, v);
		return;
	}
	case IWF_OPT_BOOL:
		if (type != CONFIG_TYPE_BOOL)
			break;
		put_int(o, at, config_setting_get_bool(s));
		return;
	case IWF_OPT_ENUM: {
		if (type != CONFIG_TYPE_STRING)
			break;
		int i = choice(o->choices, config_setting_get_string(s));
		if (i < 0)
			complain_at(r, s, key, "\"%.80s\" is no choice; it has to be %s", config_setting_get_string(s),
			            iwf_conf_describe(o, want, sizeof want));
		else
			put_int(o, at, i);
		return;
	}
	case IWF_OPT_STRING:
	case IWF_OPT_PATH:
		if (type != CONFIG_TYPE_STRING)
			break;
		read_string(r, s, key, o, at);
		return;
	case IWF_OPT_LIST:
		read_list(r, s, key, o, base);
		return;
	}
	wrong_type(r, s, key, o);
}

static void read_group(struct conf_reader *r, const config_setting_t *group, const char *key, const char *schema_key, void *base)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem((config_setting_t *)group, (unsigned)i);
		const char *name = config_setting_name(s);
		char k[KEY_SIZE], sk[KEY_SIZE];
		size_t index;
		snprintf(k, sizeof k, "%.60s%s%.60s", key, *key ? "." : "", name);
		snprintf(sk, sizeof sk, "%.60s%s%.60s", schema_key, *schema_key ? "." : "", name);
		const struct iwf_opt *o = option(r, sk, &index);
		if (o) {
			r->seen[index] = true;
			read_value(r, s, k, o, base);
		} else if (!is_section(r, sk)) {
			unknown_key(r, s, k, sk);
		} else if (!config_setting_is_group(s)) {
			complain_at(r, s, k, "this is %s; it has to be a group: %s: { ... };", type_of(s), name);
		} else {
			read_group(r, s, k, sk, base);
		}
	}
}

/* Paths in the file are meant from where the file is. */
void conf_make_absolute(struct conf_reader *r, const char *key, char *path, size_t size)
{
	char dir[512], full[1100];
	if (!*path || *path == '/')
		return;
	const config_setting_t *s = find(r, key);
	int line;
	const char *file = s ? conf_text_origin(&r->text, (int)config_setting_source_line(s), &line) : r->file;
	const char *slash = strrchr(file, '/');
	snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - file) : 1, slash ? file : ".");
	if (*dir != '/') {
		char *real = realpath(*dir ? dir : "/", NULL);
		snprintf(dir, sizeof dir, "%.511s", real ? real : dir);
		free(real);
	}
	if ((size_t)snprintf(full, sizeof full, "%s/%s", dir, path) >= size)
		conf_complain(r, key, "'%s': the whole path has more than %zu characters", path, size - 1);
	else
		memcpy(path, full, strlen(full) + 1);
}

static bool parse(struct conf_reader *r)
{
	if (!conf_text_read(&r->text, r->file)) {
		struct iwf_conf_error e = { .file = r->file, .line = r->text.err_line, .key = "" };
		if (r->text.err_file >= 0)
			e.file = r->text.files[r->text.err_file];
		memcpy(e.text, r->text.err, sizeof e.text);
		tell(r, &e);
		return false;
	}
	if (config_read_string(&r->cfg, r->text.text))
		return true;
	struct iwf_conf_error e = { .key = "" };
	e.file = conf_text_origin(&r->text, config_error_line(&r->cfg), &e.line);
	const char *text = config_error_text(&r->cfg);
	bool twice = text && strstr(text, "duplicate");
	snprintf(e.text, sizeof e.text, "%s: %s", text ? text : "syntax error",
	         twice ? "this key stands twice in its group; keep one"
	               : "libconfig reads `key = value;`, groups `name: { ... };`, lists `( ... )`; look for a missing quote, "
	                 "brace or semicolon here or in the line before");
	tell(r, &e);
	return false;
}

const char *conf_file(const struct conf_reader *r)
{
	return r->file;
}

int conf_line(struct conf_reader *r, const char *key)
{
	const config_setting_t *s = config_lookup(&r->cfg, key);
	int line = 0;
	if (s)
		conf_text_origin(&r->text, (int)config_setting_source_line(s), &line);
	return line;
}

void conf_defaults(const struct conf_schema *schema, void *out)
{
	memset(out, 0, schema->size);
	for (size_t i = 0; i < schema->noptions; i++)
		if (!strchr(schema->options[i].key, '['))
			set_default(&schema->options[i], out);
}

int conf_read(const struct conf_schema *schema, const char *file, void *out,
              void (*complain)(void *ctx, const struct iwf_conf_error *), void *ctx)
{
	struct conf_reader r = { .schema = schema, .file = file, .complain = complain, .ctx = ctx };
	const struct iwf_opt *o = schema->options;
	conf_defaults(schema, out);
	config_init(&r.cfg);
	if (parse(&r)) {
		read_group(&r, config_root_setting(&r.cfg), "", "", out);
		for (size_t i = 0; i < schema->noptions; i++) {      /* members of entries are looked after there */
			if (r.seen[i] || strchr(o[i].key, '['))
				continue;
			if (o[i].type == IWF_OPT_LIST && o[i].min)
				conf_complain(&r, o[i].key, "missing; at least %lld needed: %s", o[i].min, o[i].help);
			else if (o[i].type != IWF_OPT_LIST && !o[i].dflt)
				conf_complain(&r, o[i].key, "missing: %s", o[i].help);
		}
		schema->check(&r, out);
	}
	config_destroy(&r.cfg);
	conf_text_free(&r.text);
	return r.mistakes;
}
