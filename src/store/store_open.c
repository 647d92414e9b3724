/* store_open.c - see store_open.h */
#include "store_open.h"
#include <stdio.h>
#include <string.h>

struct iwf_store *iwf_store_open(const char *uri, const struct iwf_store_opts *opts, char *err, size_t err_size)
{
	struct iwf_store *st = NULL;

	if (strcmp(uri, "mem:") == 0) {
		st = iwf_store_mem_new();
		if (!st)
			snprintf(err, err_size, "store %s: out of memory", uri);
	} else {
		snprintf(err, err_size, "store %s: a store is \"sqlite:PATH\" or \"mem:\"", uri);
	}
	return st;
}

void iwf_store_close(struct iwf_store *st)
{
	if (st)
		st->ops->close(st);
}
