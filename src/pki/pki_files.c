/* pki_files.c - one trust for each class of peers, by its own CAs (RFC 6733 13.2). */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"
#include "pki_files.h"
#include "watched.h"

struct iwf_pki_files {
	pthread_mutex_t lock;
	struct iwf_watched ca, crl;
	enum iwf_crl policy;
	enum iwf_pki_use use;
	enum iwf_log_sub sub;
	struct iwf_pki *pki;
	char paths[];
};

static bool read_anew(struct iwf_pki_files *f, bool now, char *err, size_t err_size)
{
	bool ca = iwf_watched_look(&f->ca, f->sub, now), crl = iwf_watched_look(&f->crl, f->sub, now);
	struct iwf_pki *pki;

	if (!ca && !crl)
		return true;
	pki = iwf_pki_new(&f->ca.text, &f->crl.text, f->policy, f->use, err, err_size);
	if (!pki)
		return false;
	iwf_pki_free(f->pki);
	f->pki = pki;
	return true;
}

struct iwf_pki_files *iwf_pki_files_open(const char *ca, const char *crl, enum iwf_crl policy, enum iwf_pki_use use,
                                         enum iwf_log_sub sub, char *err, size_t err_size)
{
	size_t nca = strlen(ca) + 1, ncrl = strlen(crl) + 1;
	struct iwf_pki_files *f = calloc(1, sizeof(*f) + nca + ncrl);
	char why[160] = "";

	if (!f) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&f->lock, NULL);
	f->policy = policy;
	f->use = use;
	f->sub = sub;
	f->ca.path = memcpy(f->paths, ca, nca);
	f->crl.path = memcpy(f->paths + nca, crl, ncrl);
	if (!read_anew(f, true, why, sizeof(why)) || !f->pki || (*crl && !f->crl.there)) {
		snprintf(err, err_size, "%s%s%s: %s", ca, *crl ? ", " : "", crl, why[0] ? why : "cannot be read");
		iwf_pki_files_close(f);
		return NULL;
	}
	return f;
}

void iwf_pki_files_close(struct iwf_pki_files *f)
{
	if (!f)
		return;
	iwf_pki_free(f->pki);
	iwf_watched_forget(&f->ca);
	iwf_watched_forget(&f->crl);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

struct iwf_cert_verdict iwf_pki_files_check(struct iwf_pki_files *f, const gnutls_datum_t *chain, unsigned n, int64_t now_ms, struct iwf_cert *cert)
{
	struct iwf_cert_verdict v;
	char err[160];

	pthread_mutex_lock(&f->lock);
	if (!read_anew(f, false, err, sizeof(err)))
		iwf_log(IWF_LOG_ERROR, f->sub, "%s%s%s: %s; what was in force stays", f->ca.path, *f->crl.path ? ", " : "", f->crl.path, err);
	v = iwf_pki_check(f->pki, chain, n, now_ms, cert);
	pthread_mutex_unlock(&f->lock);
	return v;
}
