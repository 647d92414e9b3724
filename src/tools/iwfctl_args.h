/* iwfctl_args.h - used by iwfctl.c only: command line to struct args. */
#pragma once
#include "iwfctl.h"

/* False: said what is wrong; a usage error.  args_free() in either case. */
bool args_parse(struct ctl *, const struct ctl_verb *, int argc, char **argv, struct args *);
void args_free(struct args *);
void args_help(FILE *to, const struct ctl_verb *);
