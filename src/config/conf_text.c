#include "conf_text.h"
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_SIZE_MAX (1 << 20)
#define DEPTH_MAX     8

static bool fail(struct conf_text *t, int file, int line, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static bool fail(struct conf_text *t, int file, int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(t->err, sizeof t->err, fmt, ap);
	va_end(ap);
	t->err_file = file;
	t->err_line = line;
	return false;
}

static bool grow(void **p, size_t *cap, size_t want, size_t size)
{
	if (want <= *cap)
		return true;
	size_t n = *cap ? *cap * 2 : 256;
	while (n < want)
		n *= 2;
	void *q = realloc(*p, n * size);
	if (!q)
		return false;
	*p = q;
	*cap = n;
	return true;
}

static bool put(struct conf_text *t, const char *s, size_t n)
{
	if (!grow((void **)&t->text, &t->cap, t->len + n + 1, 1))
		return fail(t, -1, 0, "out of memory");
	memcpy(t->text + t->len, s, n);
	t->len += n;
	t->text[t->len] = '\0';
	return true;
}

static bool begin_line(struct conf_text *t, int file, int line)
{
	if (!grow((void **)&t->origin, &t->lines_cap, t->nlines + 1, sizeof *t->origin))
		return fail(t, -1, 0, "out of memory");
	t->origin[t->nlines].file = file;
	t->origin[t->nlines].line = line;
	t->nlines++;
	return true;
}

/* The whole of a regular file, malloc'd; NULL and errno otherwise. */
static char *slurp(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return NULL;
	struct stat st;
	char *buf = NULL;
	int err = 0;
	if (fstat(fileno(f), &st) != 0)
		err = errno;
	else if (S_ISDIR(st.st_mode))
		err = EISDIR;
	else if (!S_ISREG(st.st_mode))
		err = EINVAL;
	else if (st.st_size > FILE_SIZE_MAX)
		err = EFBIG;
	else if (!(buf = malloc(FILE_SIZE_MAX + 1)))
		err = ENOMEM;
	else if (*len = fread(buf, 1, FILE_SIZE_MAX, f), ferror(f))
		err = errno;
	fclose(f);
	if (err) {
		free(buf);
		errno = err;
		return NULL;
	}
	buf[*len] = '\0';
	return buf;
}

/* Does an integer of n characters need libconfig's suffix for 64 bits? */
static bool needs_suffix(const char *s, size_t n)
{
	char digits[32];
	if (n >= sizeof digits)
		return true;
	memcpy(digits, s, n);
	digits[n] = '\0';
	errno = 0;
	long long v = strtoll(digits, NULL, 0);
	return errno || v > 2147483647LL || v < -2147483648LL;
}

/* Length of the number at s; *integer tells whether it is one without a suffix. */
static size_t number(const char *s, bool *integer)
{
	const char *p = s;
	*integer = true;
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		for (p += 2; isxdigit((unsigned char)*p); p++)
			;
	} else {
		for (; isdigit((unsigned char)*p) || *p == '.' || ((*p == '+' || *p == '-') && (p[-1] | 0x20) == 'e') ||
		     *p == 'e' || *p == 'E'; p++)
			if (!isdigit((unsigned char)*p))
				*integer = false;
	}
	if (*p == 'L')
		*integer = false;
	return (size_t)(p - s);
}

static bool add_file(struct conf_text *t, const char *path, int depth, int from_file, int from_line);

/* `@include "..."` at p: reads it in and gives the rest of the line, NULL on failure. */
static const char *include(struct conf_text *t, const char *p, int depth, int file, int line)
{
	const char *q = p + strlen("@include");
	while (*q == ' ' || *q == '\t')
		q++;
	const char *end = *q == '"' ? strpbrk(q + 1, "\"\n") : NULL;
	if (!end || *end != '"' || end == q + 1) {
		fail(t, file, line, "@include wants a file name in quotes: @include \"more.conf\"");
		return NULL;
	}
	const char *slash = q[1] == '/' ? NULL : strrchr(t->files[file], '/');
	char path[512];
	int n = snprintf(path, sizeof path, "%.*s%.*s", slash ? (int)(slash + 1 - t->files[file]) : 0, t->files[file],
	                 (int)(end - q - 1), q + 1);
	if (n >= (int)sizeof path) {
		fail(t, file, line, "@include: the file name is too long");
		return NULL;
	}
	if (!add_file(t, path, depth + 1, file, line))
		return NULL;
	return end + 1;
}

/* The text of one file: included ones in their place, large numbers with a suffix. */
static bool add_text(struct conf_text *t, const char *s, int file, int depth)
{
	int line = 1;
	bool line_start = true;
	if (!begin_line(t, file, line))
		return false;
	for (const char *p = s; *p;) {
		const char *q = p;
		bool suffix = false;
		if (line_start && strncmp(p, "@include", 8) == 0) {
			t->nlines--;             /* that line is replaced by the file's lines */
			p = include(t, p, depth, file, line);
			if (!p)
				return false;
			t->nlines--;             /* and what follows it goes on behind them */
			if (!begin_line(t, file, line))
				return false;
			line_start = false;
			continue;
		} else if (*p == '#' || (p[0] == '/' && p[1] == '/')) {
			q += strcspn(p, "\n");
		} else if (p[0] == '/' && p[1] == '*') {
			q = strstr(p + 2, "*/");
			if (!q)
				return fail(t, file, line, "the comment that begins here is not closed");
			q += 2;
		} else if (*p == '"') {
			for (q++; *q && *q != '"'; q++)
				if (*q == '\\' && q[1])
					q++;
			if (!*q++)
				return fail(t, file, line, "the quote that begins here is not closed");
		} else if (isalpha((unsigned char)*p) || *p == '*' || *p == '_') {
			while (isalnum((unsigned char)*q) || *q == '*' || *q == '_' || *q == '-')
				q++;
		} else if (isdigit((unsigned char)*p)) {
			bool integer;
			q += number(p, &integer);
			suffix = integer && needs_suffix(p, (size_t)(q - p));
		} else {
			q++;
		}
		line_start = *p == '\n' || (line_start && (*p == ' ' || *p == '\t'));
		for (; p < q; p++) {
			if (!put(t, p, 1))
				return false;
			if (*p == '\n' && !begin_line(t, file, ++line))
				return false;
		}
		if (suffix && !put(t, "L", 1))
			return false;
	}
	/* Always ends at the start of a line, so that an includer can go on there. */
	return t->len == 0 || t->text[t->len - 1] == '\n' || (put(t, "\n", 1) && begin_line(t, file, line + 1));
}

static bool add_file(struct conf_text *t, const char *path, int depth, int from_file, int from_line)
{
	if (depth > DEPTH_MAX)
		return fail(t, from_file, from_line, "'%s': included more than %d deep; does a file include itself?", path, DEPTH_MAX);
	if (t->nfiles == CONF_FILES_MAX)
		return fail(t, from_file, from_line, "'%s': more than %d files", path, CONF_FILES_MAX);
	size_t len = 0;
	char *s = slurp(path, &len);
	if (!s)
		return fail(t, from_file, from_line, "cannot read '%s': %s", path,
		            errno == EINVAL ? "not a regular file" : errno == EFBIG ? "larger than 1 MiB" : strerror(errno));
	bool ok = (t->files[t->nfiles] = strdup(path)) != NULL;
	if (!ok)
		fail(t, -1, 0, "out of memory");
	int file = ok ? t->nfiles++ : 0;
	if (ok && strlen(s) != len) {
		int line = 1;
		for (const char *p = s; *p; p++)
			line += *p == '\n';
		ok = fail(t, file, line, "a NUL octet in the text; is this a configuration file?");
	}
	ok = ok && add_text(t, s, file, depth);
	free(s);
	return ok;
}

bool conf_text_read(struct conf_text *t, const char *file)
{
	memset(t, 0, sizeof *t);
	t->err_file = -1;
	return put(t, "", 0) && add_file(t, file, 1, -1, 0);
}

void conf_text_free(struct conf_text *t)
{
	for (int i = 0; i < t->nfiles; i++)
		free(t->files[i]);
	free(t->origin);
	free(t->text);
	memset(t, 0, sizeof *t);
}

const char *conf_text_origin(const struct conf_text *t, int line, int *line_in_file)
{
	if (line < 1 || !t->nlines) {
		*line_in_file = 0;
		return t->nfiles ? t->files[0] : "";
	}
	if ((size_t)line > t->nlines)
		line = (int)t->nlines;
	*line_in_file = t->origin[line - 1].line;
	return t->files[t->origin[line - 1].file];
}
