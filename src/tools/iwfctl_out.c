/* iwfctl_out.c - tables for people, JSON lines for programs. */
#include "iwfctl.h"
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "hash.h"

enum cell_kind { CELL_NONE, CELL_TEXT, CELL_NUMBER, CELL_BOOL };
struct cell { enum cell_kind kind; char *text; };
struct out {
	bool json, tall;
	size_t ncols, n, cap;
	char **names;
	struct cell *cells;
};

static void *must(void *p)
{
	if (!p) {
		fputs("iwfctl: out of memory\n", stderr);
		exit(CTL_FAIL);
	}
	return p;
}

struct out *out_new(const struct ctl *c, bool tall, const char *const *columns, size_t n)
{
	struct out *o = must(calloc(1, sizeof *o));
	o->json = c->json;
	o->tall = tall;
	o->ncols = n;
	o->names = must(calloc(n, sizeof *o->names));
	for (size_t i = 0; i < n; i++)
		o->names[i] = must(strdup(columns[i]));
	return o;
}

static void add(struct out *o, enum cell_kind kind, const char *text)
{
	if (o->n == o->cap) {
		o->cap = o->cap ? o->cap * 2 : 64;
		o->cells = must(realloc(o->cells, o->cap * sizeof *o->cells));
	}
	o->cells[o->n].kind = kind;
	o->cells[o->n++].text = must(strdup(text));
}

void out_text(struct out *o, const char *text)
{
	add(o, text ? CELL_TEXT : CELL_NONE, text ? text : "-");
}

void out_int(struct out *o, int64_t v)
{
	char buf[24];
	snprintf(buf, sizeof buf, "%" PRId64, v);
	add(o, CELL_NUMBER, buf);
}

void out_bool(struct out *o, bool v)
{
	add(o, CELL_BOOL, v ? "yes" : "no");
}

/* Octets of the UTF-8 character at p; 0: it is none. */
static size_t utf8(const unsigned char *p)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if (n == 3 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f)))
		return 0;
	return n == 4 && ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) ? 0 : n;
}

static bool is_control(const unsigned char *p, size_t n)
{
	return n == 0 || *p < 0x20 || *p == 0x7f || (n == 2 && *p == 0xc2 && p[1] < 0xa0);
}

/* As it shows on a terminal; `to` NULL: only counts.  Gives its width. */
static size_t plain(FILE *to, const char *text)
{
	size_t width = 0;
	for (const unsigned char *p = (const unsigned char *)text; *p;) {
		size_t n = utf8(p);
		if (is_control(p, n)) {
			if (to)
				fprintf(to, "\\x%02x", *p);
			p++;
			width += 4;
		} else {
			if (to)
				fwrite(p, 1, n, to);
			p += n;
			width++;
		}
	}
	return width;
}

void out_plain(FILE *to, const char *text)
{
	plain(to, text);
}

void out_json_string(FILE *to, const char *text)
{
	fputc('"', to);
	for (const unsigned char *p = (const unsigned char *)text; *p;) {
		size_t n = utf8(p);
		if (*p == '"' || *p == '\\')
			fprintf(to, "\\%c", *p);
		else if (is_control(p, n))
			fprintf(to, "\\u%04x", *p);
		else
			fwrite(p, 1, n, to);
		p += is_control(p, n) ? 1 : n;
	}
	fputc('"', to);
}

static void print_json(const struct out *o)
{
	for (size_t i = 0; i < o->n; i++) {
		size_t col = i % o->ncols;
		const struct cell *c = &o->cells[i];
		fputs(col ? ", " : "{", stdout);
		out_json_string(stdout, o->names[col]);
		fputs(": ", stdout);
		switch (c->kind) {
		case CELL_NONE:   fputs("null", stdout); break;
		case CELL_TEXT:   out_json_string(stdout, c->text); break;
		case CELL_NUMBER: fputs(c->text, stdout); break;
		case CELL_BOOL:   fputs(strcmp(c->text, "yes") == 0 ? "true" : "false", stdout); break;
		}
		if (col + 1 == o->ncols)
			fputs("}\n", stdout);
	}
}

static void pad(size_t n)
{
	printf("%*s", (int)n, "");
}

static void print_tall(const struct out *o)
{
	size_t width = 0;
	for (size_t i = 0; i < o->ncols; i++)
		width = strlen(o->names[i]) > width ? strlen(o->names[i]) : width;
	for (size_t i = 0; i < o->n; i++) {
		const char *name = o->names[i % o->ncols];
		if (i && i % o->ncols == 0)
			putchar('\n');
		for (const char *p = name; *p; p++)
			putchar(*p == '_' ? ' ' : *p);
		pad(width - strlen(name) + 2);
		plain(stdout, o->cells[i].text);
		putchar('\n');
	}
}

/* A column that no row has anything in is left out: it would only make the
 * table wider than a terminal. */
static size_t column_width(const struct out *o, size_t col)
{
	size_t width = strlen(o->names[col]);
	bool used = false;
	for (size_t i = col; i < o->n; i += o->ncols) {
		size_t w = plain(NULL, o->cells[i].text);
		width = w > width ? w : width;
		used = used || o->cells[i].kind != CELL_NONE;
	}
	return used ? width : 0;
}

static void print_wide(const struct out *o)
{
	size_t *width = must(calloc(o->ncols, sizeof *width)), last = 0;
	for (size_t i = 0; i < o->ncols; i++)
		if ((width[i] = column_width(o, i)))
			last = i;
	for (size_t i = 0; i < o->ncols; i++) {
		for (const char *p = o->names[i]; *p && width[i]; p++)
			putchar(*p == '_' ? ' ' : *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
		if (width[i] && i < last)
			pad(width[i] - strlen(o->names[i]) + 2);
	}
	putchar('\n');
	for (size_t k = 0; k < o->n; k++) {
		size_t i = k % o->ncols;
		const struct cell *c = &o->cells[k];
		if (width[i]) {
			size_t space = width[i] - plain(NULL, c->text);
			if (c->kind == CELL_NUMBER)
				pad(space);
			plain(stdout, c->text);
			if (i < last)
				pad((c->kind == CELL_NUMBER ? 0 : space) + 2);
		}
		if (i + 1 == o->ncols)
			putchar('\n');
	}
	free(width);
}

void out_print(struct out *o)
{
	if (o->json)
		print_json(o);
	else if (o->n && o->tall)
		print_tall(o);
	else if (o->n)
		print_wide(o);
	for (size_t i = 0; i < o->n; i++)
		free(o->cells[i].text);
	for (size_t i = 0; i < o->ncols; i++)
		free(o->names[i]);
	free(o->cells);
	free(o->names);
	free(o);
}

/* An IMSI is known by its network and the name it goes by in the node's log. */
static void out_imsi(struct out *o, const struct ctl *c, const char *imsi)
{
	char text[32], hash[17];
	if (c->imsi_names)
		iwf_hash_private(imsi, hash);
	snprintf(text, sizeof text, c->imsi_names ? "%.5s*#%s" : "%.5s*", imsi, hash);
	out_text(o, text);
}

static void out_column(struct out *o, const struct ctl *c, sqlite3_stmt *st, int i, char how)
{
	const char *text = (const char *)sqlite3_column_text(st, i);
	char buf[32];
	if (!text)
		out_text(o, NULL);
	else if (how == '@')
		out_text(o, ctl_time(sqlite3_column_int64(st, i), buf));
	else if (how == '?')
		out_bool(o, sqlite3_column_int(st, i) != 0);
	else if (how == '*')
		out_imsi(o, c, text);
	else if (sqlite3_column_type(st, i) == SQLITE_INTEGER)
		out_int(o, sqlite3_column_int64(st, i));
	else
		out_text(o, text);
}

int ctl_show(struct ctl *c, sqlite3_stmt *st, bool tall, const char *nothing)
{
	char names[ARGS_MAX][64], how[ARGS_MAX];
	const char *columns[ARGS_MAX];
	int n = sqlite3_column_count(st), rc, rows = 0;
	for (int i = 0; i < n && i < ARGS_MAX; i++) {
		snprintf(names[i], sizeof names[i], "%s", sqlite3_column_name(st, i));
		char *last = names[i] + strlen(names[i]) - 1;
		how[i] = strchr("@?*", *last) ? *last : '\0';
		if (how[i])
			*last = '\0';
		columns[i] = names[i];
	}
	struct out *o = out_new(c, tall, columns, (size_t)n);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		rows++;
		for (int i = 0; i < n; i++)
			out_column(o, c, st, i, how[i]);
	}
	sqlite3_finalize(st);
	out_print(o);
	if (rc != SQLITE_DONE)
		return ctl_fail("%s", sqlite3_errmsg(c->sql));
	if (!rows && !c->json && nothing)
		puts(nothing);
	return CTL_OK;
}
