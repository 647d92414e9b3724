/* conf_schema.h - a configuration file as data: options, sections, and one function for what no single option can know.
 * The node's and the gateway's files are read, checked and shown by the same code. */
#pragma once
#include "conf.h"

/* The sections of the file, in the order of the sample. */
struct conf_section { const char *name, *help; };
const struct conf_section *conf_sections(size_t *n);

#define CONF_OPTIONS_MAX 128
#define CONF_KEY_SIZE 128

struct conf_reader;
struct conf_schema {
	const struct iwf_opt *options; size_t noptions;
	const struct conf_section *sections; size_t nsections;
	size_t size;                     /* octets of the struct that is filled */
	const char *lister;              /* command that lists the options */
	void (*check)(struct conf_reader *, void *out);
};
/* As iwf_conf_read() and iwf_conf_defaults(). */
int conf_read(const struct conf_schema *, const char *file, void *out,
              void (*complain)(void *ctx, const struct iwf_conf_error *), void *ctx);
void conf_defaults(const struct conf_schema *, void *out);
void conf_print_sample(const struct conf_schema *, const char *head, FILE *to);

/* For conf_schema.check: a mistake at that key, or around it if it is not in the file. */
void conf_complain(struct conf_reader *, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Paths in the file are meant from where the file is. */
void conf_make_absolute(struct conf_reader *, const char *key, char *path, size_t size);
const char *conf_file(const struct conf_reader *);
int conf_line(struct conf_reader *, const char *key);   /* 0: not in the file */
