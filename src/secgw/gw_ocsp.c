#include "config.h"
#include <curl/curl.h>
#include <gnutls/ocsp.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "gw_ocsp.h"
#include "log.h"

#define QUEUE 256u
#define THREADS 8u             /* a slow responder holds up one question each */
#define ANSWER_MAX 65536u

struct question { uint64_t id; gnutls_datum_t cert, issuer; };
struct verdict { uint64_t id; struct gw_ocsp_verdict is; };

struct gw_ocsp {
	const struct gw_conf *conf;
	int wake;
	pthread_t thread[THREADS];
	unsigned nthreads;
	pthread_mutex_t lock;
	pthread_cond_t more;
	bool stop;
	struct question q[QUEUE];
	struct verdict v[QUEUE];
	unsigned q_at, q_n, v_at, v_n, asking;   /* asking: each will need a place in v */
};

/* ---- over the network --------------------------------------------------- */

struct answer { uint8_t p[ANSWER_MAX]; size_t n; };

static size_t take(char *p, size_t size, size_t n, void *ctx)
{
	struct answer *a = ctx;

	n *= size;
	if (n > sizeof(a->p) - a->n)
		return 0;
	memcpy(a->p + a->n, p, n);
	a->n += n;
	return n;
}

static bool post(const struct gw_conf *c, const char *url, const gnutls_datum_t *request, struct answer *a, char *why, size_t why_size)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/ocsp-request");
	CURL *h = curl_easy_init();
	CURLcode r = CURLE_OUT_OF_MEMORY;
	long status = 0;

	a->n = 0;
	if (h && headers) {
		curl_easy_setopt(h, CURLOPT_URL, url);
		curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http");
		curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)c->tls.ocsp_timeout_ms);
		curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE, (long)request->size);
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, request->data);
		curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take);
		curl_easy_setopt(h, CURLOPT_WRITEDATA, a);
		r = curl_easy_perform(h);
		curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	}
	curl_easy_cleanup(h);
	curl_slist_free_all(headers);
	if (r != CURLE_OK)
		snprintf(why, why_size, "%.160s: %s", url, curl_easy_strerror(r));
	else if (status != 200)
		snprintf(why, why_size, "%.160s: HTTP status %ld", url, status);
	return r == CURLE_OK && status == 200;
}

/* ---- question and answer ------------------------------------------------ */

static bool responder_of(const struct gw_conf *c, gnutls_x509_crt_t crt, char *url, size_t size)
{
	gnutls_datum_t uri = { NULL, 0 };
	bool found = false;

	if (c->tls.ocsp_responder[0]) {
		snprintf(url, size, "%s", c->tls.ocsp_responder);
		return true;
	}
	for (unsigned i = 0; !found; i++) {
		int r = gnutls_x509_crt_get_authority_info_access(crt, i, GNUTLS_IA_OCSP_URI, &uri, NULL);

		if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (r < 0)
			continue;
		found = uri.size > 7 && uri.size < size && !strncmp((char *)uri.data, "http://", 7);
		if (found)
			snprintf(url, size, "%.*s", (int)uri.size, uri.data);
		gnutls_free(uri.data);
	}
	return found;
}

static struct gw_ocsp_verdict ask(const struct gw_conf *c, const struct question *q, struct answer *a)
{
	struct gw_ocsp_verdict v = { .reason = RS_CERT_REVOCATION };
	gnutls_x509_crt_t crt = NULL, issuer = NULL;
	gnutls_ocsp_req_t req = NULL;
	gnutls_datum_t der = { NULL, 0 }, nonce = { NULL, 0 };
	char url[512], why[256] = "the certificates cannot be read";

	if (gnutls_x509_crt_init(&crt) < 0 || gnutls_x509_crt_init(&issuer) < 0 || gnutls_ocsp_req_init(&req) < 0 ||
	    gnutls_x509_crt_import(crt, &q->cert, GNUTLS_X509_FMT_DER) < 0 || gnutls_x509_crt_import(issuer, &q->issuer, GNUTLS_X509_FMT_DER) < 0)
		;
	else if (!responder_of(c, crt, url, sizeof(url)))
		snprintf(why, sizeof(why), "it names no responder that is asked by http");
	else if (gnutls_ocsp_req_add_cert(req, GNUTLS_DIG_SHA1, issuer, crt) < 0 || gnutls_ocsp_req_randomize_nonce(req) < 0 ||
	         gnutls_ocsp_req_get_nonce(req, NULL, &nonce) < 0 || gnutls_ocsp_req_export(req, &der) < 0)
		snprintf(why, sizeof(why), "no question can be made");
	else if (post(c, url, &der, a, why, sizeof(why)))
		v = gw_ocsp_read(&(gnutls_datum_t){ .data = a->p, .size = (unsigned)a->n }, &nonce, &q->cert, &q->issuer,
		                 c->tls.ocsp_cache_s, why, sizeof(why));
	if (v.reason == RS_CERT_REVOCATION)
		iwf_log(IWF_LOG_WARN, IWF_SUB_GW, "OCSP: %s", why);
	gnutls_free(der.data);
	gnutls_free(nonce.data);
	if (req)
		gnutls_ocsp_req_deinit(req);
	if (issuer)
		gnutls_x509_crt_deinit(issuer);
	if (crt)
		gnutls_x509_crt_deinit(crt);
	return v;
}

/* ---- the threads -------------------------------------------------------- */

static void forget(struct question *q)
{
	gnutls_free(q->cert.data);
	gnutls_free(q->issuer.data);
}

static void *work(void *ctx)
{
	const uint64_t one = 1;
	struct gw_ocsp *o = ctx;
	struct answer *a = malloc(sizeof(*a));

	pthread_mutex_lock(&o->lock);
	while (!o->stop) {
		struct question q;
		struct gw_ocsp_verdict v;

		if (!o->q_n || o->v_n + o->asking == QUEUE) {
			pthread_cond_wait(&o->more, &o->lock);
			continue;
		}
		q = o->q[o->q_at];
		o->q_at = (o->q_at + 1) % QUEUE;
		o->q_n--;
		o->asking++;
		pthread_mutex_unlock(&o->lock);
		v = a ? ask(o->conf, &q, a) : (struct gw_ocsp_verdict){ .reason = RS_CERT_REVOCATION };
		forget(&q);
		pthread_mutex_lock(&o->lock);
		o->asking--;
		o->v[(o->v_at + o->v_n++) % QUEUE] = (struct verdict){ .id = q.id, .is = v };
		if (write(o->wake, &one, sizeof(one)) < 0)
			iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "OCSP: an answer waits");
	}
	pthread_mutex_unlock(&o->lock);
	free(a);
	return NULL;
}

struct gw_ocsp *gw_ocsp_start(const struct gw_conf *c, int wake, char *err, size_t err_size)
{
	struct gw_ocsp *o = calloc(1, sizeof(*o));
	int r = 0;

	if (!o || curl_global_init(CURL_GLOBAL_DEFAULT)) {
		snprintf(err, err_size, "out of memory");
		free(o);
		return NULL;
	}
	o->conf = c;
	o->wake = wake;
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->more, NULL);
	while (!r && o->nthreads < THREADS)
		if (!(r = pthread_create(&o->thread[o->nthreads], NULL, work, o)))
			o->nthreads++;
	if (!r)
		return o;
	snprintf(err, err_size, "no thread for OCSP: %s", strerror(r));
	gw_ocsp_stop(o);
	return NULL;
}

void gw_ocsp_stop(struct gw_ocsp *o)
{
	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	o->stop = true;
	pthread_cond_broadcast(&o->more);
	pthread_mutex_unlock(&o->lock);
	while (o->nthreads)
		pthread_join(o->thread[--o->nthreads], NULL);
	for (; o->q_n; o->q_n--, o->q_at = (o->q_at + 1) % QUEUE)
		forget(&o->q[o->q_at]);
	pthread_cond_destroy(&o->more);
	pthread_mutex_destroy(&o->lock);
	free(o);
	curl_global_cleanup();
}

static bool copy(gnutls_datum_t *to, const gnutls_datum_t *from)
{
	to->data = gnutls_malloc(from->size ? from->size : 1);
	if (!to->data)
		return false;
	memcpy(to->data, from->data, from->size);
	to->size = from->size;
	return true;
}

bool gw_ocsp_ask(struct gw_ocsp *o, uint64_t id, const gnutls_datum_t *cert, const gnutls_datum_t *issuer)
{
	struct question q = { .id = id };
	bool ok = copy(&q.cert, cert) && copy(&q.issuer, issuer);

	pthread_mutex_lock(&o->lock);
	ok = ok && o->q_n < QUEUE;
	if (ok)
		o->q[(o->q_at + o->q_n++) % QUEUE] = q;
	pthread_cond_broadcast(&o->more);
	pthread_mutex_unlock(&o->lock);
	if (!ok)
		forget(&q);
	return ok;
}

bool gw_ocsp_next(struct gw_ocsp *o, uint64_t *id, struct gw_ocsp_verdict *verdict)
{
	bool any;

	pthread_mutex_lock(&o->lock);
	any = o->v_n > 0;
	if (any) {
		*id = o->v[o->v_at].id;
		*verdict = o->v[o->v_at].is;
		o->v_at = (o->v_at + 1) % QUEUE;
		o->v_n--;
		pthread_cond_broadcast(&o->more);
	}
	pthread_mutex_unlock(&o->lock);
	return any;
}
