/* fuzz_csv.c - octets as comma-separated values.
 *
 * Holds: in pieces of whatever size it is read as in one; records come in the order of their lines; no field holds a NUL; what is
 * read and written is read again as the same. */
#include <string.h>
#include "csv.h"
#include "fuzz.h"

#define INPUT_MAX 20000

struct text { const uint8_t *p; size_t n, at, piece; };

static long read_piece(void *ctx, void *buf, size_t size)
{
	struct text *t = ctx;
	size_t n = t->n - t->at;

	if (n > t->piece)
		n = t->piece;
	if (n > size)
		n = size;
	memcpy(buf, t->p + t->at, n);
	t->at += n;
	return (long)n;
}

static void open_text(struct iwf_csv *c, struct text *t)
{
	HOLDS(iwf_csv_open(c, read_piece, t));
}

static void check_record(const struct iwf_csv *c, enum iwf_csv_got got, uint64_t line_before, uint64_t lines)
{
	HOLDS(got != IWF_CSV_FAILED);
	if (got == IWF_CSV_END)
		return;
	HOLDS(c->line > line_before && c->line <= lines);
	HOLDS(got == IWF_CSV_ROW || (c->why && *c->why));
	HOLDS(c->nfields <= IWF_CSV_FIELDS && (got == IWF_CSV_BAD || c->nfields > 0));
	for (size_t i = 0; got == IWF_CSV_ROW && i < c->nfields; i++)
		HOLDS(strlen(c->field[i].p) == c->field[i].n);
}

static bool same_fields(const struct iwf_csv *a, const struct iwf_csv *b)
{
	if (a->nfields != b->nfields)
		return false;
	for (size_t i = 0; i < a->nfields; i++)
		if (a->field[i].n != b->field[i].n || memcmp(a->field[i].p, b->field[i].p, a->field[i].n))
			return false;
	return true;
}

static void write_record(FILE *f, const struct iwf_csv *c)
{
	/* A line of nothing is no record, one of an empty field is. */
	if (c->nfields == 1 && !c->field[0].n)
		fputs("\"\"", f);
	for (size_t i = 0; i < c->nfields; i++) {
		if (i)
			putc(',', f);
		iwf_csv_put(f, c->field[i].p, c->field[i].n);
	}
	putc('\n', f);
}

/* Over all records: whole against pieces; the good ones are written. */
static size_t compare(struct text *whole, struct text *pieces, uint64_t lines, FILE *out)
{
	struct iwf_csv a, b;
	enum iwf_csv_got got;
	uint64_t line = 0;
	size_t rows = 0;

	open_text(&a, whole);
	open_text(&b, pieces);
	do {
		got = iwf_csv_next(&a);
		check_record(&a, got, line, lines);
		HOLDS(iwf_csv_next(&b) == got);
		if (got == IWF_CSV_END)
			break;
		HOLDS(a.line == b.line && (got == IWF_CSV_ROW ? same_fields(&a, &b) : !strcmp(a.why, b.why)));
		line = a.line;
		if (got == IWF_CSV_ROW) {
			write_record(out, &a);
			rows++;
		}
	} while (true);
	iwf_csv_close(&a);
	iwf_csv_close(&b);
	return rows;
}

/* The rows of one are the rows of the other, which has a line more at its head and nothing that is bad. */
static void check_written(struct text *first, struct text *written, size_t rows)
{
	struct iwf_csv a, b;

	open_text(&a, first);
	open_text(&b, written);
	HOLDS(iwf_csv_next(&b) == IWF_CSV_ROW);
	while (rows--) {
		while (iwf_csv_next(&a) == IWF_CSV_BAD)
			;
		HOLDS(iwf_csv_next(&b) == IWF_CSV_ROW && same_fields(&a, &b));
	}
	HOLDS(iwf_csv_next(&b) == IWF_CSV_END);
	iwf_csv_close(&a);
	iwf_csv_close(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t piece = size ? 1 + data[size - 1] % 7 : 1;
	struct text whole = { data, size, 0, size + 1 }, pieces = { data, size, 0, piece }, written;
	uint64_t lines = 1;
	char *copy = NULL;
	size_t n = 0, rows;
	FILE *out;

	if (size > INPUT_MAX)
		return 0;
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	out = open_memstream(&copy, &n);
	HOLDS(out != NULL);
	fputs("head\n", out);          /* so that no field is where a byte order mark would be */
	rows = compare(&whole, &pieces, lines, out);
	HOLDS(fclose(out) == 0);
	whole.at = 0;
	written = (struct text){ (uint8_t *)copy, n, 0, n + 1 };
	check_written(&whole, &written, rows);
	free(copy);
	return 0;
}
