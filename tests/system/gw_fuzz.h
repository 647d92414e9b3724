/* gw_fuzz.h - what the parts of gw_fuzz share: numbers from a seed, good messages and what is made of them. */
#pragma once
#include "gw_raw.h"

#define FUZZ_MAX (1u << 18)

/* ---- gw_fuzz_mutate.c */
uint32_t fuzz_below(uint32_t n);                    /* 0 .. n - 1 */
bool fuzz_one_in(uint32_t n);
void fuzz_seed(uint64_t);
void fuzz_bytes(uint8_t *p, size_t n);
/* A few mistakes in these octets, whatever they are; the new length, at most `cap`. */
size_t fuzz_octets(uint8_t *p, size_t n, size_t cap);
/* What is put where names stand; ended by NULL. */
extern const char *const *fuzz_names;
/* One to four mistakes in a Diameter message: lengths, flags, codes, vendors, data of AVPs; AVPs left out, doubled,
 * moved, wrapped in groups, put in; seldom in the header.  Into a buffer that lasts until the next call; *n is its
 * length. */
uint8_t *fuzz_message(const uint8_t *msg, size_t *n);
/* Is it a whole message, so that whoever gets it knows where it ends? */
bool fuzz_is_sound(const uint8_t *msg, size_t n);

/* ---- gw_fuzz.c */
/* Requests by Hop-by-Hop identifier: each wants one answer. */
struct fuzz_asked { uint32_t hbh[4096]; size_t n; };
void fuzz_ask(struct fuzz_asked *, uint32_t hbh);
bool fuzz_answered(struct fuzz_asked *, uint32_t hbh);   /* false: nothing is waiting for it */
/* Ends the program. */
void fuzz_wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* ---- gw_fuzz_tls.c */
void fuzz_handshake(const struct raw_net *, const char *host, unsigned from);

/* ---- gw_fuzz_node.c: a node behind the gateway that has gone mad; until SIGTERM. */
int fuzz_node(const struct raw_net *, const char *name, const char *const *scss);
