/* watched.h - a file that is read anew when it has changed: certificates, CRLs, secrets. */
#pragma once
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <sys/stat.h>
#include "log.h"

struct iwf_watched {
	const char *path;                /* "" or a PKCS #11 URI: never there */
	struct stat seen;
	bool there;
	gnutls_datum_t text;             /* with a NUL behind it; data NULL: nothing was read yet */
};
/* True: it has changed, and is read anew; with `now` also if it has not.  What cannot be read stays as it was, with a
 * line in the log of that part. */
bool iwf_watched_look(struct iwf_watched *, enum iwf_log_sub, bool now);
/* Wipes what was read. */
void iwf_watched_forget(struct iwf_watched *);
