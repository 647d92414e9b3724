/* mutator.c - for targets whose inputs are Diameter messages: libFuzzer's, and replay.c's, mutations that know it. */
#include <string.h>
#include "fuzz.h"
#include "wire.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	struct fuzz_random r = fuzz_random_from(seed, 0);
	struct dia_writer w = { 0 };

	if (fuzz_random(&r, 4) == 0 || !fuzz_mutate_message(&r, data, size, &w) || w.n > max_size) {
		dia_writer_free(&w);
		return LLVMFuzzerMutate(data, size, max_size);
	}
	memcpy(data, w.p, w.n);
	size = w.n;
	dia_writer_free(&w);
	return size;
}
