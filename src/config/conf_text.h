/* conf_text.h - a configuration file with all that it includes as one text.
 *
 * libconfig 1.5 leaves three things to be desired that this mends: it ends the
 * process on `@include` of a directory, it looks for included files in the
 * working directory, and it cuts integers to 32 bits without a word. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define CONF_FILES_MAX 32

struct conf_text {
	char *text;                      /* ends with NUL */
	size_t len, cap;
	struct { int file, line; } *origin;  /* of each line of text, counted from 1 */
	size_t nlines, lines_cap;
	char *files[CONF_FILES_MAX];
	int nfiles;
	/* Why it could not be read: where, and in words. */
	char err[512];
	int err_file, err_line;          /* err_file < 0: the file itself */
};

/* False: see err.  conf_text_free() in either case. */
bool conf_text_read(struct conf_text *, const char *file);
void conf_text_free(struct conf_text *);
/* Where a line of the whole text comes from. */
const char *conf_text_origin(const struct conf_text *, int line, int *line_in_file);
