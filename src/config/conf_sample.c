/* conf_sample.c - the sample file, written from the option table. */
#include "conf_schema.h"
#include <string.h>

static bool in_section(const struct iwf_opt *o, const char *section)
{
	size_t n = strlen(section);
	return strncmp(o->key, section, n) == 0 && o->key[n] == '.';
}

static const char *leaf(const struct iwf_opt *o)
{
	return strrchr(o->key, '.') + 1;
}

static void print_value(FILE *to, const struct iwf_opt *o)
{
	const char *v = o->dflt ? o->dflt : o->example;
	fprintf(to, o->type == IWF_OPT_INT || o->type == IWF_OPT_BOOL ? "%s" : "\"%s\"", v ? v : "");
}

/* A comment of lines that fit a terminal: `text` as a sentence. */
static void print_comment(FILE *to, const char *lead, const char *text, const char *more)
{
	char all[512];
	snprintf(all, sizeof all, "%s. %s", text, more);
	if (all[0] >= 'a' && all[0] <= 'z' && (all[1] == ' ' || (all[1] >= 'a' && all[1] <= 'z')) && strncmp(all, "true", 4) != 0)
		all[0] = (char)(all[0] - 'a' + 'A');
	for (const char *p = all; *p;) {
		size_t len = strlen(p);
		if (len > 76)
			for (len = 76; len > 1 && p[len] != ' '; len--)
				;
		fprintf(to, "%s# %.*s\n", lead, (int)len, p);
		p += len;
		while (*p == ' ')
			p++;
	}
}

static const struct iwf_opt *strings_of(const struct conf_schema *schema, const struct iwf_opt *list)
{
	size_t n = schema->noptions, len = strlen(list->key);
	const struct iwf_opt *o = schema->options;
	for (size_t i = 0; i < n; i++)
		if (strncmp(o[i].key, list->key, len) == 0 && strcmp(o[i].key + len, "[]") == 0)
			return &o[i];
	return NULL;
}

/* "Takes a number from 1 to 10." */
static void takes(const struct iwf_opt *o, char *buf, size_t size)
{
	char what[140];
	bool needed = !o->dflt && (o->type != IWF_OPT_LIST || o->min);
	snprintf(buf, size, "Takes %s%s.", iwf_conf_describe(o, what, sizeof what), needed ? "; has to be given" : "");
}

/* One entry of a list of groups, each member with its own explanation. */
static void print_entry(FILE *to, const struct conf_schema *schema, const struct iwf_opt *list, const char *lead)
{
	size_t n = schema->noptions, len = strlen(list->key);
	const struct iwf_opt *o = schema->options, *elem;
	char what[160], inner[8];
	snprintf(inner, sizeof inner, "%s\t\t", lead);
	fprintf(to, "%s\t{\n", lead);
	for (size_t i = 0; i < n; i++) {
		if (strncmp(o[i].key, list->key, len) != 0 || strncmp(o[i].key + len, "[].", 3) != 0 || strchr(o[i].key + len + 3, '['))
			continue;
		takes(&o[i], what, sizeof what);
		print_comment(to, inner, o[i].help, what);
		bool aside = o[i].type == IWF_OPT_LIST && !o[i].min && !strchr(lead, '#');   /* shown, but left out */
		fprintf(to, "%s%s%s = ", inner, aside ? "#" : "", leaf(&o[i]));
		if (o[i].type == IWF_OPT_LIST && (elem = strings_of(schema, &o[i]))) {
			fputs("[ ", to);
			print_value(to, elem);
			fputs(" ]", to);
		} else {
			print_value(to, &o[i]);
		}
		fputs(";\n", to);
	}
	fprintf(to, "%s\t}\n", lead);
}

static void print_list(FILE *to, const struct conf_schema *schema, const struct iwf_opt *list)
{
	const struct iwf_opt *elem = strings_of(schema, list);
	const char *lead = list->min ? "\t" : "\t#";   /* what may be empty is shown, but left out */
	if (elem) {
		fprintf(to, "%s%s = [ ", lead, leaf(list));
		print_value(to, elem);
		fputs(" ];\n", to);
		return;
	}
	fprintf(to, "%s%s = (\n", lead, leaf(list));
	print_entry(to, schema, list, lead);
	fprintf(to, "%s);\n", lead);
}

void conf_print_sample(const struct conf_schema *schema, const char *head, FILE *to)
{
	const struct conf_section *s = schema->sections;
	const size_t n = schema->noptions;
	const struct iwf_opt *o = schema->options;
	char what[160];
	fputs(head, to);
	for (size_t i = 0; i < schema->nsections; i++) {
		fprintf(to, "\n# %s\n%s:\n{\n", s[i].help, s[i].name);
		bool first = true;
		for (size_t j = 0; j < n; j++) {
			if (!in_section(&o[j], s[i].name) || strchr(o[j].key, '['))
				continue;
			if (!first)
				fputc('\n', to);
			takes(&o[j], what, sizeof what);
			print_comment(to, "\t", o[j].help, what);
			if (o[j].type == IWF_OPT_LIST) {
				print_list(to, schema, &o[j]);
			} else {
				fprintf(to, "\t%s = ", leaf(&o[j]));
				print_value(to, &o[j]);
				fputs(";\n", to);
			}
			first = false;
		}
		fputs("};\n", to);
	}
}

void iwf_conf_print_sample(FILE *to)
{
	struct conf_schema s = { 0 };
	s.options = iwf_conf_options(&s.noptions);
	s.sections = conf_sections(&s.nsections);
	conf_print_sample(&s,
	      "# mtc-iwf.conf - configuration of the MTC Interworking Function.\n"
	      "#\n"
	      "# All options are here, each with what it does, what it takes, and its default as\n"
	      "# its value. What is left out keeps its default. The format is libconfig's; other\n"
	      "# files come in with a line such as   @include \"more.conf\"   and file names are\n"
	      "# meant from the directory of the file in which they stand.\n"
	      "#\n"
	      "# `iwfctl check-config` says whether the file is right. It is read once, when\n"
	      "# freeDiameter starts; what is in the database counts at once.\n", to);
}
