/* load_math.h - arithmetic of the load generator: latencies, pacing, templates.  No I/O, no clock. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Microseconds in buckets that are exact below 256 and at most 1/128 wide above, up to 2^36 us (19 hours); longer ones count
 * as that.  Starts with all zeroes. */
#define LOAD_HIST_HALF 128u
#define LOAD_HIST_BUCKETS ((36u - 7u + 1u) * LOAD_HIST_HALF)
struct load_hist { uint64_t count[LOAD_HIST_BUCKETS], n, max, min; double sum; };
void load_hist_add(struct load_hist *, uint64_t us);
/* The value that a share q (0 to 1) of all is not above: the upper end of its bucket, but not above the largest; 0: empty. */
uint64_t load_hist_at(const struct load_hist *, double q);
double load_hist_mean(const struct load_hist *);          /* 0: empty */

/* Nanoseconds from the start to when request i (0, 1, ...) is due at so many a second; each computed anew, so nothing drifts. */
uint64_t load_due_ns(uint64_t i, double rate);
/* How many are due at that time: the i of the first that is not. */
uint64_t load_due_count(uint64_t elapsed_ns, double rate);

/* A step by which to go around n things so that each has its turn once, neighbours far apart. */
uint64_t load_stride(uint32_t n);

/* A text with one conversion %d or %0Nd (N 1 to 10) or none, %% for %.  False and a reason: another conversion. */
bool load_template_ok(const char *text, const char **why);
bool load_template_varies(const char *text);              /* has a conversion */
/* Of a good template; false: does not fit. */
bool load_expand(const char *text, uint32_t number, char *out, size_t size);
