/* conf_schema.h - what conf.c and conf_sample.c need of the option table. */
#pragma once
#include "conf.h"

/* The sections of the file, in the order of the sample. */
struct conf_section { const char *name, *help; };
const struct conf_section *conf_sections(size_t *n);

#define CONF_OPTIONS_MAX 128
