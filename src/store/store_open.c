/* store_open.c - see store_open.h */
#include "store_open.h"
#include <stdio.h>
#include <string.h>
#include "store_sqlite.h"

struct iwf_store *iwf_store_open(const char *uri, const struct iwf_store_opts *opts, char *err, size_t err_size)
{
	struct iwf_store *st;

	if (strncmp(uri, "sqlite:", 7) == 0 && uri[7])
		return iwf_sqlite_open(uri + 7, opts, err, err_size);
	if (strcmp(uri, "mem:") == 0) {
		st = iwf_store_mem_new();
		if (!st)
			snprintf(err, err_size, "store mem: out of memory");
		return st;
	}
	snprintf(err, err_size, "store \"%s\": neither \"sqlite:PATH\" nor \"mem:\"", uri);
	return NULL;
}

struct sqlite3 *iwf_store_sqlite(struct iwf_store *st)
{
	return strcmp(st->ops->name, "sqlite") == 0 ? ((struct sqlite_store *)st)->db : NULL;
}

void iwf_store_wait(struct iwf_store *st, bool wait)
{
	if (strcmp(st->ops->name, "sqlite") == 0)
		iwf_sqlite_wait((struct sqlite_store *)st, wait);
}

void iwf_store_tend(struct iwf_store *st)
{
	if (strcmp(st->ops->name, "sqlite") == 0)
		iwf_sqlite_tend((struct sqlite_store *)st);
}

enum iwf_err iwf_store_sync(struct iwf_store *st)
{
	return strcmp(st->ops->name, "sqlite") == 0 ? iwf_sqlite_sync((struct sqlite_store *)st) : IWF_OK;
}

void iwf_store_close(struct iwf_store *st)
{
	if (st)
		st->ops->close(st);
}
