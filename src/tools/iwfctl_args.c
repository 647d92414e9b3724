/* iwfctl_args.c - arguments by their table; each type is checked here, once. */
#include "config.h"                          /* strptime */
#include "iwfctl_args.h"
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static size_t index_of(const struct args *a, const char *name)
{
	for (size_t i = 0; i < a->nspec; i++)
		if (strcmp(a->spec[i].name, name) == 0)
			return i;
	fprintf(stderr, "iwfctl: no argument '%s' in this verb's table\n", name);
	abort();
}

bool arg_given(const struct args *a, const char *name)
{
	return a->v[index_of(a, name)].n > 0;
}

const char *arg_nth(const struct args *a, const char *name, size_t i)
{
	size_t k = index_of(a, name);
	return i < a->v[k].n ? a->v[k].text[i] : NULL;
}

const char *arg_text(const struct args *a, const char *name)
{
	return arg_nth(a, name, 0);
}

int64_t arg_num(const struct args *a, const char *name, int64_t otherwise)
{
	size_t k = index_of(a, name);
	return a->v[k].n ? a->v[k].num : otherwise;
}

/* Length of the word of "a|b" (or "a,b") that starts at p. */
static size_t word_len(const char *p, char between)
{
	const char *end = strchr(p, between);
	return end ? (size_t)(end - p) : strlen(p);
}

static bool in_words(const char *words, char between, const char *word, size_t len)
{
	for (const char *p = words;; p++) {
		size_t n = word_len(p, between);
		if (n == len && strncmp(p, word, len) == 0)
			return true;
		p += n;
		if (!*p)
			return false;
	}
}

bool arg_has_word(const struct args *a, const char *name, const char *word)
{
	const char *text = arg_text(a, name);
	return text && in_words(text, ',', word, strlen(word));
}

static struct iwf_view view(const char *text)
{
	return (struct iwf_view){ (const uint8_t *)text, strlen(text) };
}

/* 2026-12-31, 2026-12-31T23:59Z or 2026-12-31T23:59:59Z to milliseconds. */
static const char *parse_time(const char *text, int64_t *ms)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d" };
	for (size_t i = 0; i < 3; i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);
		if (!end || *end)
			continue;
		struct tm again = tm;
		time_t t = timegm(&again);
		if (again.tm_mday != tm.tm_mday || again.tm_mon != tm.tm_mon || tm.tm_year < 70)
			return "there is no such day (times before 1970 can't be given)";
		*ms = (int64_t)t * 1000;
		return NULL;
	}
	return "a time is written 2026-12-31T23:59:59Z or 2026-12-31, in UTC";
}

static const char *check_name(const char *text)
{
	size_t n = strlen(text);
	if (n < 1 || n > IWF_NAME_MAX)
		return "a name has 1 to 63 characters";
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return "a name is made of letters, digits, '.', '_' and '-'";
	return *text == '-' ? "a name does not begin with '-'" : NULL;
}

static const char *check_range(const char *text)
{
	const char *dash = strchr(text, '-');
	char from[IWF_DIGITS_MAX + 1] = "";
	if (!dash || strlen(text) > 2 * IWF_DIGITS_MAX + 1 || dash - text > IWF_DIGITS_MAX)
		return "a range is two numbers with a '-' between them: 491700000000-491799999999";
	memcpy(from, text, (size_t)(dash - text));
	const char *wrong = iwf_e164_check(from);
	if (!wrong)
		wrong = iwf_e164_check(dash + 1);
	if (!wrong && strlen(from) != strlen(dash + 1))
		wrong = "both ends need the same number of digits";
	if (!wrong && strcmp(from, dash + 1) > 0)
		wrong = "the second number is lower than the first";
	return wrong;
}

/* Text may change its length only to become shorter. */
static const char *check_extid(char *text)
{
	struct iwf_extid id;
	const char *wrong = iwf_extid_parse(view(text), &id);
	if (!wrong)
		memcpy(text, id.text, strlen(id.text) + 1);
	return wrong;
}

static const char *check_domain(char *text)
{
	char whole[IWF_EXTID_MAX + 1];
	if (strlen(text) > IWF_EXTID_MAX - 2)
		return "longer than an External Identifier can be";
	snprintf(whole, sizeof whole, "x@%s", text);
	const char *wrong = check_extid(whole);
	if (!wrong)
		memcpy(text, whole + 2, strlen(whole + 2) + 1);
	return wrong;
}

static const char *check_imsi(const char *text)
{
	struct imsi imsi;
	return iwf_imsi_parse(view(text), &imsi);
}

static const char *check_device(char *text)
{
	if (strchr(text, '@'))
		return check_extid(text);
	if (strncmp(text, "imsi:", 5) == 0)
		return check_imsi(text + 5);
	if (text[0] == '#' && text[1] && strspn(text + 1, "0123456789") == strlen(text + 1) && strlen(text) < 19)
		return NULL;
	return iwf_e164_check(text) ? "a device is an External Identifier (local@domain), an MSISDN (5 to 15 digits), imsi:DIGITS or #ID"
	                            : NULL;
}

static const char *check_sha256(char *text)
{
	char *to = text;                             /* aa:bb:cc is how other tools print it */
	for (const char *p = text; *p; p++)
		if (*p != ':')
			*to++ = (char)tolower((unsigned char)*p);
	*to = '\0';
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64 ? NULL : "a SHA-256 is 64 hexadecimal digits";
}

static const char *check_words(const struct arg_spec *s, const char *text)
{
	static char why[200];
	for (const char *p = text;; p++) {
		size_t n = word_len(p, s->type == ARG_WORDS ? ',' : '\0');
		if (!in_words(s->choices, '|', p, n)) {
			snprintf(why, sizeof why, "it has to be %s of %s", s->type == ARG_WORDS ? "one or more, with commas," : "one", s->choices);
			return why;
		}
		p += n;
		if (!*p)
			return NULL;
	}
}

/* NULL, or what is wrong with the value; brings `text` to its normal form. */
static const char *check_value(const struct arg_spec *s, char *text, int64_t *num)
{
	static char why[100];
	switch (s->type) {
	case ARG_FLAG:   return NULL;
	case ARG_NAME:   return check_name(text);
	case ARG_TIME:   return parse_time(text, num);
	case ARG_HOST:   return iwf_diamid_check(view(text));
	case ARG_E164:   return iwf_e164_check(text);
	case ARG_IMSI:   return check_imsi(text);
	case ARG_EXTID:  return check_extid(text);
	case ARG_DOMAIN: return check_domain(text);
	case ARG_RANGE:  return check_range(text);
	case ARG_DEVICE: return check_device(text);
	case ARG_SHA256: return check_sha256(text);
	case ARG_CHOICE:
	case ARG_WORDS:  return check_words(s, text);
	case ARG_TEXT:
	case ARG_FILE:
		return !*text ? "empty" : strlen(text) > 255 ? "longer than 255 characters" : NULL;
	case ARG_UINT: {
		char *end;
		errno = 0;
		long long v = strtoll(text, &end, 10);
		snprintf(why, sizeof why, "it has to be a number from %lld to %lld", s->min, s->max);
		if (!isdigit((unsigned char)*text) || *end || errno || v < s->min || v > s->max)
			return why;
		*num = v;
		return NULL;
	}
	}
	return NULL;
}

static void usage_error(const struct ctl_verb *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void usage_error(const struct ctl_verb *v, const char *fmt, ...)
{
	char text[600];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	fprintf(stderr, "iwfctl %s%s%s: ", v->noun, *v->verb ? " " : "", v->verb);
	out_plain(stderr, text);
	fprintf(stderr, "\n`iwfctl %s%s%s --help` explains it.\n", v->noun, *v->verb ? " " : "", v->verb);
}

/* The argument that `word` names or that stands next by position; -1: none. */
static int spec_for(const struct args *a, const char *word)
{
	bool dashed = word[0] == '-' && word[1];     /* "-" alone is a file: the standard one */
	for (size_t i = 0; i < a->nspec; i++) {
		const struct arg_spec *s = &a->spec[i];
		if (dashed ? strcmp(s->name, word) == 0 : s->name[0] != '-' && (a->v[i].n == 0 || (s->flags & ARG_MANY)))
			return (int)i;
	}
	return -1;
}

/* What goes to the audit: the command with what would tell an IMSI left out. */
static void said(struct ctl *c, const char *name, const struct arg_spec *s, const char *text)
{
	size_t n = strlen(c->said);
	if (s->type == ARG_IMSI || (s->type == ARG_DEVICE && strncmp(text, "imsi:", 5) == 0))
		text = "(imsi)";
	snprintf(c->said + n, sizeof c->said - n, "%s%s%s%s", name ? " " : "", name ? name : "", s->type == ARG_FLAG ? "" : " ",
	         s->type == ARG_FLAG ? "" : text);
}

static bool take(struct ctl *c, const struct ctl_verb *v, struct args *a, size_t k, const char *text)
{
	const struct arg_spec *s = &a->spec[k];
	if (a->v[k].n == ((s->flags & ARG_MANY) ? ARG_TIMES : 1)) {
		usage_error(v, (s->flags & ARG_MANY) ? "%s: too many of them" : "%s is given twice", s->name);
		return false;
	}
	char *copy = strdup(text);
	if (!copy)
		abort();
	a->v[k].text[a->v[k].n++] = copy;
	const char *wrong = check_value(s, copy, &a->v[k].num);
	if (wrong) {
		usage_error(v, "%s '%s': %s", s->name, s->type == ARG_IMSI ? "(imsi)" : text, wrong);
		return false;
	}
	said(c, s->name[0] == '-' ? s->name : NULL, s, copy);
	return true;
}

bool args_parse(struct ctl *c, const struct ctl_verb *v, int argc, char **argv, struct args *a)
{
	a->spec = v->args;
	a->nspec = v->nargs;
	snprintf(c->said, sizeof c->said, "%s%s%s", v->noun, *v->verb ? " " : "", v->verb);
	for (int i = 0; i < argc; i++) {
		char word[64];
		const char *text = argv[i];
		snprintf(word, sizeof word, "%.63s", argv[i]);
		char *eq = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
		if (eq)
			*eq = '\0';
		int k = spec_for(a, word);
		if (k < 0) {
			usage_error(v, argv[i][0] == '-' ? "unknown option '%s'" : "'%s' is one argument too many", argv[i]);
			return false;
		}
		if (a->spec[k].name[0] == '-' && a->spec[k].type != ARG_FLAG) {
			text = eq ? argv[i] + (eq - word) + 1 : i + 1 < argc ? argv[++i] : NULL;
			if (!text) {
				usage_error(v, "%s wants a value: %s", word, a->spec[k].help);
				return false;
			}
		} else if (eq) {
			usage_error(v, "%s takes no value", word);
			return false;
		}
		if (!take(c, v, a, (size_t)k, text))
			return false;
	}
	for (size_t k = 0; k < a->nspec; k++)
		if ((a->spec[k].flags & ARG_NEEDED) && !a->v[k].n) {
			usage_error(v, "%s is missing: %s", a->spec[k].name, a->spec[k].help);
			return false;
		}
	return true;
}

void args_free(struct args *a)
{
	for (size_t k = 0; k < a->nspec; k++)
		for (size_t i = 0; i < a->v[k].n; i++)
			free(a->v[k].text[i]);
}

static const char *metavar(enum arg_type t)
{
	switch (t) {
	case ARG_FLAG:   return "";
	case ARG_UINT:   return "N";
	case ARG_TIME:   return "TIME";
	case ARG_HOST:   return "HOST";
	case ARG_E164:   return "NUMBER";
	case ARG_IMSI:   return "IMSI";
	case ARG_EXTID:  return "LOCAL@DOMAIN";
	case ARG_DOMAIN: return "DOMAIN";
	case ARG_RANGE:  return "A-B";
	case ARG_DEVICE: return "DEVICE";
	case ARG_SHA256: return "SHA256";
	case ARG_FILE:   return "FILE";
	case ARG_NAME:   return "NAME";
	case ARG_TEXT: case ARG_CHOICE: case ARG_WORDS: break;
	}
	return "WORD";
}

void args_help(FILE *to, const struct ctl_verb *v)
{
	fprintf(to, "usage: iwfctl [options] %s%s%s", v->noun, *v->verb ? " " : "", v->verb);
	bool options = false;
	for (size_t i = 0; i < v->nargs; i++) {
		const struct arg_spec *s = &v->args[i];
		bool needed = s->flags & ARG_NEEDED;
		if (s->name[0] != '-')
			fprintf(to, needed ? " %s%s" : " [%s]%s", s->name, (s->flags & ARG_MANY) ? "..." : "");
		else if (needed)
			fprintf(to, " %s %s", s->name, metavar(s->type));
		else
			options = true;
	}
	fprintf(to, "%s\n%s\n", options ? " [...]" : "", v->help);
	if (v->nargs)
		fputc('\n', to);
	for (size_t i = 0; i < v->nargs; i++) {
		const struct arg_spec *s = &v->args[i];
		char left[64];
		snprintf(left, sizeof left, "%s%s%s", s->name, s->name[0] == '-' && s->type != ARG_FLAG ? " " : "",
		         s->name[0] == '-' ? metavar(s->type) : "");
		fprintf(to, "  %-28s %s", left, s->help);
		if (s->choices)
			fprintf(to, ": %s", s->choices);
		fprintf(to, "%s%s\n", (s->flags & ARG_NEEDED) ? " (needed)" : "", (s->flags & ARG_MANY) ? " (may be repeated)" : "");
	}
}
