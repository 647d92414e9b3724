/* csv.c - see csv.h */
#include "csv.h"
#include <stdlib.h>
#include <string.h>

#define BUF_SIZE (4 * IWF_CSV_RECORD)

bool iwf_csv_open(struct iwf_csv *c, iwf_csv_read_fn *read, void *ctx)
{
	memset(c, 0, sizeof *c);
	c->read = read;
	c->ctx = ctx;
	c->next_line = 1;
	c->buf = malloc(BUF_SIZE + 1);               /* the NUL behind a last field that nothing ends */
	return c->buf != NULL;
}

void iwf_csv_close(struct iwf_csv *c)
{
	free(c->buf);
	c->buf = NULL;
}

/* More octets behind those that are there; false: there are no more. */
static bool fill(struct iwf_csv *c)
{
	if (c->at_end || c->failed)
		return false;
	if (c->from) {
		memmove(c->buf, c->buf + c->from, c->to - c->from);
		c->to -= c->from;
		c->from = 0;
	}
	long n = c->read(c->ctx, c->buf + c->to, BUF_SIZE - c->to);
	if (n > 0)
		c->to += (size_t)n;
	c->at_end = n == 0;
	c->failed = n < 0;
	return n > 0;
}

/* Marks of the scan: where fields are, before anything is changed. */
struct mark { size_t from, n; bool quoted; };

/* What ended the scan of a record.  MORE: it goes on behind what has been read. */
enum scan { SCAN_ROW, SCAN_BAD, SCAN_MORE };

static enum scan bad(struct iwf_csv *c, const char *why)
{
	c->why = why;
	return SCAN_BAD;
}

/* A line end at p: its length; 0: none; -1: can't be told yet. */
static int line_end(const struct iwf_csv *c, size_t p)
{
	if (c->buf[p] == '\n')
		return 1;
	if (c->buf[p] != '\r')
		return 0;
	if (p + 1 == c->to)
		return c->at_end ? 1 : -1;
	return c->buf[p + 1] == '\n' ? 2 : 0;
}

/* The quoted field behind the quote at p - 1; *end: behind the quote that closes it. */
static enum scan scan_quoted(struct iwf_csv *c, size_t p, size_t *end)
{
	for (;;) {
		const char *q = memchr(c->buf + p, '"', c->to - p);
		if (!q)
			return c->at_end ? bad(c, "a quote is never closed") : SCAN_MORE;
		p = (size_t)(q - c->buf) + 1;
		if (p == c->to && !c->at_end)
			return SCAN_MORE;
		if (p == c->to || c->buf[p] != '"')
			break;
		p++;
	}
	*end = p;
	return SCAN_ROW;
}

/* Does nothing special within a field that isn't quoted. */
static const bool special[256] = { [','] = true, ['\n'] = true, ['\r'] = true, ['"'] = true, ['\0'] = true };

/* The record that begins at c->from; *end: where the next one does. */
static enum scan scan(struct iwf_csv *c, struct mark *m, size_t *end)
{
	size_t p = c->from;
	enum scan s;

	for (c->nfields = 0;; p++) {
		struct mark *f = &m[c->nfields];
		if (c->nfields == IWF_CSV_FIELDS)
			return bad(c, "too many fields");
		if (p == c->to && !c->at_end)
			return SCAN_MORE;
		f->quoted = p < c->to && c->buf[p] == '"';
		f->from = p + f->quoted;
		if (f->quoted) {
			if ((s = scan_quoted(c, f->from, &p)) != SCAN_ROW)
				return s;
			f->n = p - 1 - f->from;
			if (memchr(c->buf + f->from, '\0', f->n))
				return bad(c, "a NUL in it");
		} else {
			while (p < c->to && !special[(unsigned char)c->buf[p]])
				p++;
			f->n = p - f->from;
		}
		c->nfields++;
		if (p == c->to) {
			*end = p;
			return c->at_end ? SCAN_ROW : SCAN_MORE;
		}
		if (c->buf[p] == ',')
			continue;
		int e = line_end(c, p);
		if (e < 0)
			return SCAN_MORE;
		*end = p + (size_t)e;
		if (e > 0)
			return SCAN_ROW;
		return bad(c, c->buf[p] == '\0' ? "a NUL in it" : f->quoted ? "more behind the quote that closes a field" :
		              c->buf[p] == '"' ? "a quote within a field that is not quoted" : "a carriage return within a line");
	}
}

/* Doubled quotes to single ones; gives the new length. */
static size_t unquote(char *p, size_t n)
{
	size_t to = 0;
	for (size_t i = 0; i < n; i++) {
		p[to++] = p[i];
		i += p[i] == '"';
	}
	return to;
}

static void take(struct iwf_csv *c, const struct mark *m, size_t end)
{
	for (size_t i = 0; i < c->nfields; i++) {
		char *p = c->buf + m[i].from;
		size_t n = m[i].n;
		if (m[i].quoted && memchr(p, '"', n))
			n = unquote(p, n);
		if (m[i].quoted)
			for (const char *q = p; (q = memchr(q, '\n', n - (size_t)(q - p))); q++)
				c->next_line++;
		p[n] = '\0';                             /* over the comma, quote or line end behind it */
		c->field[i] = (struct iwf_csv_field){ p, n };
	}
	c->from = end;
	c->next_line++;
}

/* Passes over the rest of the line at c->from, however long it is. */
static void skip_line(struct iwf_csv *c)
{
	for (;;) {
		const char *nl = memchr(c->buf + c->from, '\n', c->to - c->from);
		if (nl) {
			c->from = (size_t)(nl - c->buf) + 1;
			break;
		}
		c->from = c->to;
		if (!fill(c))
			break;
	}
	c->next_line++;
}

enum iwf_csv_got iwf_csv_next(struct iwf_csv *c)
{
	struct mark marks[IWF_CSV_FIELDS];
	size_t end;

	if (c->next_line == 1 && c->from == 0) {
		while (c->to < 3 && fill(c))
			;
		if (c->to >= 3 && memcmp(c->buf, "\xef\xbb\xbf", 3) == 0)
			c->from = 3;
	}
	for (;;) {
		if (c->from == c->to && !fill(c))
			return c->failed ? IWF_CSV_FAILED : IWF_CSV_END;
		enum scan s = scan(c, marks, &end);
		if (s == SCAN_MORE && c->to - c->from <= IWF_CSV_RECORD) {
			if (!fill(c) && c->failed)
				return IWF_CSV_FAILED;
			continue;
		}
		c->line = c->next_line;
		if (s == SCAN_MORE || (s == SCAN_ROW && end - c->from > IWF_CSV_RECORD))
			s = bad(c, "longer than 65536 octets");
		if (s == SCAN_BAD) {
			skip_line(c);
			return c->failed ? IWF_CSV_FAILED : IWF_CSV_BAD;
		}
		bool empty = c->nfields == 1 && marks[0].n == 0 && !marks[0].quoted;
		take(c, marks, end);
		if (!empty)
			return IWF_CSV_ROW;
	}
}

void iwf_csv_put(FILE *to, const char *p, size_t n)
{
	bool quote = false;
	for (size_t i = 0; i < n && !quote; i++)
		quote = special[(unsigned char)p[i]];
	if (!quote) {
		fwrite(p, 1, n, to);
		return;
	}
	putc('"', to);
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"')
			putc('"', to);
		putc(p[i], to);
	}
	putc('"', to);
}
