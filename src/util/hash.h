/* hash.h - digests (GnuTLS underneath). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IWF_HASH_LEN 32
struct iwf_hash {                            /* SHA-256, piece by piece; small pieces are gathered first */
	void *state;                         /* NULL: all of it is in buf, or it has failed */
	bool failed;
	size_t n;
	uint8_t buf[1024];
};
/* False: no digest to be had (memory, or the library refuses).  Adding to it is
 * then harmless, and iwf_hash_end() says it again: checking that one is enough. */
bool iwf_hash_begin(struct iwf_hash *);
void iwf_hash_add(struct iwf_hash *, const void *p, size_t n);
void iwf_hash_add_u64(struct iwf_hash *, uint64_t v);                  /* big-endian */
void iwf_hash_add_str(struct iwf_hash *, const char *s);               /* length first, so that fields cannot run together; NULL counts as its own value */
/* Releases the state.  False: `out` is all zeroes and stands for nothing. */
bool iwf_hash_end(struct iwf_hash *, uint8_t out[static IWF_HASH_LEN]);

/* A secret that processes share by a file. */
struct iwf_key { uint8_t p[4096]; size_t n; };
/* What the file holds, 16 to 4096 octets without white space at its end; others than owner and group may not read it. */
bool iwf_key_read(const char *file, struct iwf_key *out, char *err, size_t err_size);
/* That whoever calls itself `agent` towards `node` at that second (since the epoch) has the key: HMAC-SHA-256 in hex. */
bool iwf_agent_proof(const struct iwf_key *, const char *agent, const char *node, int64_t at_s, char out[static 2 * IWF_HASH_LEN + 1]);

/* HMAC-SHA-256 under the node's key, first 8 octets as 16 hex digits: the name
 * that an IMSI goes by in logs and metrics.  Any thread; without a key loaded, a
 * random one is made at the first use.  "----------------" if that cannot be had. */
void iwf_hash_private(const char *text, char out[static 17]);
/* The key is what the file holds (16 to 4096 octets, without white space at its
 * end); others than owner and group may not read it.  "" or NULL: random for
 * this process.  False: `err` says why, and the key in use stays. */
bool iwf_privacy_key_load(const char *file, char *err, size_t err_size);

void iwf_hex(const uint8_t *p, size_t n, char *out /* 2n + 1 */);      /* lower case */
