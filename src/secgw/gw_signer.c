/* gw_signer.c - signatures by another process. */
#include "config.h"
#include <errno.h>
#include <gnutls/abstract.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "gw_ipc.h"
#include "log.h"

#define DATA_MAX  16384u               /* what a handshake has signed is some hundred octets */
#define SIGN_MAX  1024u                /* a signature of RSA 8192 */
#define PATIENCE_S 2
#define BEFORE_S  120                  /* longer than a handshake takes */
#define ID_SIZE   32u                  /* SHA-256 of the public key */

struct ask { uint32_t number, algo, flags, is_hash; uint8_t id[ID_SIZE], data[DATA_MAX]; };
struct reply { uint32_t number; int32_t error; uint8_t sig[SIGN_MAX]; };
#define ASK_HEAD   offsetof(struct ask, data)
#define REPLY_HEAD offsetof(struct reply, sig)

/* ---- the door ----------------------------------------------------------- */

struct remote_key { int fd; uint32_t number; gnutls_pk_algorithm_t pk; unsigned bits; uint8_t id[ID_SIZE]; };

static int ask_for(struct remote_key *k, gnutls_sign_algorithm_t algo, unsigned flags, bool is_hash, const gnutls_datum_t *data,
                   gnutls_datum_t *sig)
{
	struct ask ask = { .number = ++k->number, .algo = algo, .flags = flags, .is_hash = is_hash };
	struct reply reply;
	ssize_t n;

	if (data->size > DATA_MAX)
		return GNUTLS_E_PK_SIGN_FAILED;
	memcpy(ask.id, k->id, ID_SIZE);
	memcpy(ask.data, data->data, data->size);
	if (send(k->fd, &ask, ASK_HEAD + data->size, MSG_NOSIGNAL) < 0)
		return GNUTLS_E_PK_SIGN_FAILED;
	do       /* an answer that comes too late belongs to a question that nobody asks any more */
		n = recv(k->fd, &reply, sizeof(reply), 0);
	while ((n < 0 && errno == EINTR) || (n >= (ssize_t)REPLY_HEAD && reply.number != ask.number));
	if (n <= (ssize_t)REPLY_HEAD || reply.error)
		return GNUTLS_E_PK_SIGN_FAILED;
	sig->size = (unsigned)(n - (ssize_t)REPLY_HEAD);
	sig->data = gnutls_malloc(sig->size);
	if (!sig->data)
		return GNUTLS_E_MEMORY_ERROR;
	memcpy(sig->data, reply.sig, sig->size);
	return 0;
}

static int sign_data(gnutls_privkey_t key, gnutls_sign_algorithm_t algo, void *ctx, unsigned flags, const gnutls_datum_t *data,
                     gnutls_datum_t *sig)
{
	return ask_for(ctx, algo, flags, false, data, sig);
}

static int sign_hash(gnutls_privkey_t key, gnutls_sign_algorithm_t algo, void *ctx, unsigned flags, const gnutls_datum_t *hash,
                     gnutls_datum_t *sig)
{
	return ask_for(ctx, algo, flags, true, hash, sig);
}

static int info(gnutls_privkey_t key, unsigned flags, void *ctx)
{
	const struct remote_key *k = ctx;

	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO)
		return (int)k->pk;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS)
		return (int)k->bits;
	if (flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO)
		return gnutls_sign_supports_pk_algorithm(GNUTLS_FLAGS_TO_SIGN_ALGO(flags), k->pk) != 0;
	return -1;
}

static void forget(gnutls_privkey_t key, void *ctx)
{
	free(ctx);
}

int gw_signer_key(int fd, gnutls_x509_crt_t crt, gnutls_privkey_t *out)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct remote_key *k = calloc(1, sizeof(*k));
	size_t id_size = ID_SIZE;
	int r;

	if (!k)
		return GNUTLS_E_MEMORY_ERROR;
	k->fd = fd;
	r = gnutls_x509_crt_get_pk_algorithm(crt, &k->bits);
	k->pk = (gnutls_pk_algorithm_t)r;
	if (r >= 0)
		r = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, k->id, &id_size);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (r >= 0)
		r = gnutls_privkey_init(out);
	if (r < 0) {
		free(k);
		return r;
	}
	r = gnutls_privkey_import_ext4(*out, k, sign_data, sign_hash, NULL, forget, info, 0);
	if (r < 0) {
		gnutls_privkey_deinit(*out);
		free(k);
	}
	return r;
}

/* ---- the keeper --------------------------------------------------------- */

struct owned_key { gnutls_privkey_t key; uint8_t id[ID_SIZE]; };
/* A handshake that has shown the certificate of before wants its signature, too. */
struct gw_signer { int fd; pthread_t thread; pthread_mutex_t lock; struct owned_key now, before; time_t before_until; };

static void drop(struct owned_key *k)
{
	if (k->key)
		gnutls_privkey_deinit(k->key);
	memset(k, 0, sizeof(*k));
}

static time_t seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* NULL: none of ours. */
static gnutls_privkey_t find(struct gw_signer *s, const uint8_t *id)
{
	if (s->before.key && seconds() >= s->before_until)
		drop(&s->before);
	return !memcmp(s->now.id, id, ID_SIZE) ? s->now.key : !memcmp(s->before.id, id, ID_SIZE) ? s->before.key : NULL;
}

static int sign(struct gw_signer *s, const struct ask *ask, size_t n, gnutls_datum_t *sig)
{
	gnutls_datum_t data = { (uint8_t *)ask->data, (unsigned)n };
	int r = GNUTLS_E_PK_SIGN_FAILED;
	gnutls_privkey_t key;

	pthread_mutex_lock(&s->lock);
	key = find(s, ask->id);
	if (key && ask->is_hash)
		r = gnutls_privkey_sign_hash2(key, (gnutls_sign_algorithm_t)ask->algo, ask->flags, &data, sig);
	else if (key)
		r = gnutls_privkey_sign_data2(key, (gnutls_sign_algorithm_t)ask->algo, ask->flags, &data, sig);
	pthread_mutex_unlock(&s->lock);
	return r;
}

static void *serve(void *ctx)
{
	struct gw_signer *s = ctx;
	struct ask ask;
	ssize_t n;

	while ((n = recv(s->fd, &ask, sizeof(ask), 0)) != 0) {
		gnutls_datum_t sig = { NULL, 0 };
		struct reply reply;
		bool gone;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		if (n < (ssize_t)ASK_HEAD) {
			iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "the door asks for a signature of nothing");
			continue;
		}
		reply.number = ask.number;
		reply.error = sign(s, &ask, (size_t)n - ASK_HEAD, &sig);
		if (reply.error)
			iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "the private key does not sign: %s", gnutls_strerror(reply.error));
		if (sig.size > SIGN_MAX)
			reply.error = GNUTLS_E_PK_SIGN_FAILED;
		if (!reply.error)
			memcpy(reply.sig, sig.data, sig.size);
		gone = send(s->fd, &reply, REPLY_HEAD + (reply.error ? 0 : sig.size), MSG_NOSIGNAL) < 0 && errno != EINTR;
		gnutls_free(sig.data);
		if (gone)
			break;
	}
	return NULL;
}

struct gw_signer *gw_signer_start(int fd, char *err, size_t err_size)
{
	struct gw_signer *s = calloc(1, sizeof(*s));
	int r;

	if (!s) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	s->fd = fd;
	pthread_mutex_init(&s->lock, NULL);
	r = pthread_create(&s->thread, NULL, serve, s);
	if (!r)
		return s;
	snprintf(err, err_size, "no thread for signatures: %s", strerror(r));
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

static bool id_of(gnutls_privkey_t key, uint8_t *id)
{
	gnutls_pubkey_t pub = NULL;
	size_t n = ID_SIZE;
	bool ok = gnutls_pubkey_init(&pub) == 0 && gnutls_pubkey_import_privkey(pub, key, 0, 0) == 0 &&
	          gnutls_pubkey_get_key_id(pub, GNUTLS_KEYID_USE_SHA256, id, &n) == 0;

	if (pub)
		gnutls_pubkey_deinit(pub);
	return ok;
}

void gw_signer_set_key(struct gw_signer *s, gnutls_privkey_t key)
{
	struct owned_key k = { .key = key };

	if (key && !id_of(key, k.id))
		iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "the private key has no public part, and cannot be used");
	pthread_mutex_lock(&s->lock);
	if (!key || memcmp(k.id, s->now.id, ID_SIZE)) {
		drop(&s->before);
		if (key)
			s->before = s->now;
		else
			drop(&s->now);
		s->before_until = seconds() + BEFORE_S;
	} else {
		drop(&s->now);
	}
	s->now = k;
	pthread_mutex_unlock(&s->lock);
}

void gw_signer_stop(struct gw_signer *s)
{
	if (!s)
		return;
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	gw_signer_set_key(s, NULL);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
