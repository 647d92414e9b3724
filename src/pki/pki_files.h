/* pki_files.h - trust in a class of peers: CAs and CRLs in files, read anew when they change.  For any thread. */
#pragma once
#include "pki.h"

struct iwf_pki_files;
/* crl may be "".  NULL: `err` says what is wrong with which file. */
struct iwf_pki_files *iwf_pki_files_open(const char *ca, const char *crl, enum iwf_crl policy, enum iwf_pki_use use,
                                         enum iwf_log_sub sub, char *err, size_t err_size);
void iwf_pki_files_close(struct iwf_pki_files *);
/* As iwf_pki_check(), by the files as they are now.  A file that cannot be read leaves in force what was in it. */
struct iwf_cert_verdict iwf_pki_files_check(struct iwf_pki_files *, const gnutls_datum_t *chain, unsigned n, int64_t now_ms, struct iwf_cert *);
