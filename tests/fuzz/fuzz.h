/* fuzz.h - what the fuzz targets share.
 *
 * A target is one file with LLVMFuzzerTestOneInput(): libFuzzer calls it in a build with --enable-fuzzing, replay.c in
 * every build.  It must not keep anything from one input to the next, and it says what has to hold with HOLDS(). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An assertion that is there whatever the build. */
#define HOLDS(what) ((what) ? (void)0 : fuzz_broken(#what, __FILE__, __LINE__))
static inline void fuzz_broken(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

/* What a target may define: leaks that are not ours, one "leak:NAME" a line. */
const char *__lsan_default_suppressions(void);

/* ---- mutate.c: the same numbers from the same start, on every machine */
struct fuzz_random { uint64_t state; };
struct fuzz_random fuzz_random_from(uint64_t seed, uint64_t number);
uint32_t fuzz_random(struct fuzz_random *, uint32_t below);      /* 0 for below 0 */
/* Changes the octets in place, `max` at most; the new length. */
size_t fuzz_mutate_bytes(struct fuzz_random *, uint8_t *p, size_t n, size_t max);

/* ---- mutate_message.c: a Diameter message that stays one, mostly; mutator.c has it for the inputs of a target. */
struct dia_writer;
/* The mutation of msg in `out` (begun by the caller, all zeroes or used before); false: msg is no message. */
bool fuzz_mutate_message(struct fuzz_random *, const uint8_t *msg, size_t n, struct dia_writer *out);

/* libFuzzer's own. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
