/* hash.c - see hash.h */
#include "hash.h"
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_MIN 16
#define KEY_MAX 4096

static pthread_mutex_t key_lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t key[KEY_MAX];
static size_t key_len;                       /* 0: none yet */

bool iwf_hash_begin(struct iwf_hash *h)
{
	h->state = NULL;
	h->failed = false;
	h->n = 0;
	return true;
}

static void hash_octets(struct iwf_hash *h, const void *p, size_t n)
{
	gnutls_hash_hd_t hd = h->state;

	if (!h->failed && !hd)
		h->failed = gnutls_hash_init(&hd, GNUTLS_DIG_SHA256) != 0;
	h->state = h->failed ? NULL : hd;
	if (h->failed || gnutls_hash(hd, p, n) == 0)
		return;
	gnutls_hash_deinit(hd, NULL);
	h->state = NULL;
	h->failed = true;
}

void iwf_hash_add(struct iwf_hash *h, const void *p, size_t n)
{
	if (n == 0)
		return;
	if (h->n && n > sizeof(h->buf) - h->n) {
		hash_octets(h, h->buf, h->n);
		h->n = 0;
	}
	if (n > sizeof(h->buf)) {
		hash_octets(h, p, n);
		return;
	}
	memcpy(h->buf + h->n, p, n);
	h->n += n;
}

void iwf_hash_add_u64(struct iwf_hash *h, uint64_t v)
{
	uint8_t b[8];

	for (int i = 7; i >= 0; i--, v >>= 8)
		b[i] = (uint8_t)v;
	iwf_hash_add(h, b, sizeof(b));
}

void iwf_hash_add_str(struct iwf_hash *h, const char *s)
{
	if (!s) {
		iwf_hash_add_u64(h, UINT64_MAX);     /* no string is that long */
		return;
	}
	iwf_hash_add_u64(h, strlen(s));
	iwf_hash_add(h, s, strlen(s));
}

bool iwf_hash_end(struct iwf_hash *h, uint8_t out[static IWF_HASH_LEN])
{
	memset(out, 0, IWF_HASH_LEN);
	if (!h->state && !h->failed)
		return gnutls_hash_fast(GNUTLS_DIG_SHA256, h->buf, h->n, out) == 0;
	if (h->n)
		hash_octets(h, h->buf, h->n);
	if (h->failed)
		return false;
	gnutls_hash_deinit(h->state, out);
	h->state = NULL;
	return true;
}

/* With key_lock held. */
static bool key_random(void)
{
	if (gnutls_rnd(GNUTLS_RND_KEY, key, IWF_HASH_LEN) != 0)
		return false;
	key_len = IWF_HASH_LEN;
	return true;
}

void iwf_hash_private(const char *text, char out[static 17])
{
	uint8_t mac[IWF_HASH_LEN];
	bool ok;

	pthread_mutex_lock(&key_lock);
	ok = (key_len > 0 || key_random()) &&
	     gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, key_len, text, strlen(text), mac) == 0;
	pthread_mutex_unlock(&key_lock);
	if (ok)
		iwf_hex(mac, 8, out);
	else
		strcpy(out, "----------------");
}

/* The octets of the file, or -1 and `err`. */
static ssize_t key_read(const char *file, uint8_t buf[static KEY_MAX + 1], char *err, size_t err_size)
{
	struct stat st;
	size_t n = 0;
	ssize_t got = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) != 0) {
		snprintf(err, err_size, "%s: %s", file, strerror(errno));
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(err, err_size, "%s: not a regular file", file);
		goto fail;
	}
	if (st.st_mode & S_IRWXO) {
		snprintf(err, err_size, "%s: everybody may use this key (mode %03o); chmod o= %s", file,
		         (unsigned)(st.st_mode & 0777), file);
		goto fail;
	}
	while (n < KEY_MAX + 1 && (got = read(fd, buf + n, KEY_MAX + 1 - n)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			snprintf(err, err_size, "%s: %s", file, strerror(errno));
			goto fail;
		}
		n += (size_t)got;
	}
	close(fd);
	return (ssize_t)n;
fail:
	if (fd >= 0)
		close(fd);
	return -1;
}

bool iwf_key_read(const char *file, struct iwf_key *out, char *err, size_t err_size)
{
	uint8_t buf[KEY_MAX + 1];
	ssize_t n = key_read(file, buf, err, err_size);

	out->n = 0;
	if (n < 0)
		return false;
	if (n > KEY_MAX)
		snprintf(err, err_size, "%s: a key has at most %d octets", file, KEY_MAX);
	else
		while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == '\r' || buf[n - 1] == ' ' || buf[n - 1] == '\t'))
			n--;
	if (n < KEY_MIN)
		snprintf(err, err_size, "%s: a key has at least %d octets, this one %zd", file, KEY_MIN, n);
	if (n >= KEY_MIN && n <= KEY_MAX) {
		memcpy(out->p, buf, (size_t)n);
		out->n = (size_t)n;
	}
	gnutls_memset(buf, 0, sizeof(buf));
	return out->n != 0;
}

bool iwf_privacy_key_load(const char *file, char *err, size_t err_size)
{
	struct iwf_key k = { .n = 0 };
	bool ok = true;

	if (file && *file && !iwf_key_read(file, &k, err, err_size))
		return false;
	pthread_mutex_lock(&key_lock);
	if (k.n > 0) {
		memcpy(key, k.p, k.n);
		key_len = k.n;
	} else {
		ok = key_random();
	}
	pthread_mutex_unlock(&key_lock);
	gnutls_memset(&k, 0, sizeof(k));
	if (!ok)
		snprintf(err, err_size, "no random numbers to be had for the privacy key");
	return ok;
}

bool iwf_agent_proof(const struct iwf_key *k, const char *agent, const char *node, int64_t at_s, char out[static 2 * IWF_HASH_LEN + 1])
{
	uint8_t digest[IWF_HASH_LEN];
	char text[600];
	int n = snprintf(text, sizeof(text), "mtc-iwf agent\n%s\n%s\n%lld\n", agent, node, (long long)at_s);

	if (!k->n || n < 0 || (size_t)n >= sizeof(text) || gnutls_hmac_fast(GNUTLS_MAC_SHA256, k->p, k->n, text, (size_t)n, digest) < 0)
		return false;
	iwf_hex(digest, sizeof(digest), out);
	return true;
}

void iwf_hex(const uint8_t *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}
