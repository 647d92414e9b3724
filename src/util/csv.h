/* csv.h - comma-separated values (RFC 4180), record by record.
 *
 * Lines end with CR LF or LF.  A field may be quoted, and then hold commas, line
 * ends and, doubled, quotes.  A UTF-8 byte order mark at the beginning and empty
 * lines are passed over.  A record that breaks the grammar costs its first line
 * only, so that a quote that is never closed doesn't swallow what follows. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define IWF_CSV_FIELDS 64                    /* more of them make a record bad */
#define IWF_CSV_RECORD 65536                 /* likewise octets */

struct iwf_csv_field { char *p; size_t n; }; /* a NUL follows that is not counted; none is inside */

/* Gives up to `size` octets; 0: the end; -1: failed. */
typedef long iwf_csv_read_fn(void *ctx, void *buf, size_t size);

enum iwf_csv_got { IWF_CSV_ROW, IWF_CSV_BAD, IWF_CSV_END, IWF_CSV_FAILED };

struct iwf_csv {
	/* Of the last record; good until the next call. */
	struct iwf_csv_field field[IWF_CSV_FIELDS];
	size_t nfields;
	uint64_t line;                           /* where it begins; the first line is 1 */
	const char *why;                         /* IWF_CSV_BAD: what is wrong */

	/* The reader's own. */
	iwf_csv_read_fn *read;
	void *ctx;
	char *buf;
	size_t from, to;                         /* what is in buf and not taken yet */
	uint64_t next_line;
	bool at_end, failed;
};

/* False: out of memory. */
bool iwf_csv_open(struct iwf_csv *, iwf_csv_read_fn *, void *ctx);
enum iwf_csv_got iwf_csv_next(struct iwf_csv *);
void iwf_csv_close(struct iwf_csv *);

/* One field, quoted if it has to be; without comma or line end. */
void iwf_csv_put(FILE *to, const char *p, size_t n);
