/* load_math.c - see load_math.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "load_math.h"

/* Bucket of a value: below 2 * HALF its own; above, the leading 8 bits and how far they were shifted. */
static unsigned bucket_of(uint64_t us)
{
	unsigned shift;

	if (us < 2 * LOAD_HIST_HALF)
		return (unsigned)us;
	if (us >= (uint64_t)1 << 36)
		return LOAD_HIST_BUCKETS - 1;
	shift = 63 - (unsigned)__builtin_clzll(us) - 7;
	return shift * LOAD_HIST_HALF + (unsigned)(us >> shift);
}

static uint64_t upper_end(unsigned bucket)
{
	unsigned shift = bucket < 2 * LOAD_HIST_HALF ? 0 : bucket / LOAD_HIST_HALF - 1;

	return (((uint64_t)bucket - shift * LOAD_HIST_HALF + 1) << shift) - 1;
}

void load_hist_add(struct load_hist *h, uint64_t us)
{
	h->count[bucket_of(us)]++;
	if (!h->n || us < h->min)
		h->min = us;
	if (us > h->max)
		h->max = us;
	h->n++;
	h->sum += (double)us;
}

uint64_t load_hist_at(const struct load_hist *h, double q)
{
	uint64_t want = (uint64_t)ceil(q * (double)h->n), seen = 0;

	if (!h->n)
		return 0;
	if (want < 1)
		return h->min;
	for (unsigned i = 0; i < LOAD_HIST_BUCKETS; i++) {
		seen += h->count[i];
		if (seen >= want) {
			uint64_t end = upper_end(i);

			return i == LOAD_HIST_BUCKETS - 1 || end > h->max ? h->max : end;
		}
	}
	return h->max;
}

double load_hist_mean(const struct load_hist *h)
{
	return h->n ? h->sum / (double)h->n : 0;
}

uint64_t load_due_ns(uint64_t i, double rate)
{
	return (uint64_t)ceil((double)i * 1e9 / rate);
}

uint64_t load_due_count(uint64_t elapsed_ns, double rate)
{
	uint64_t n = (uint64_t)((double)elapsed_ns * rate / 1e9);

	/* Rounding may put it one off. */
	while (n && load_due_ns(n - 1, rate) > elapsed_ns)
		n--;
	while (load_due_ns(n, rate) <= elapsed_ns)
		n++;
	return n;
}

/* Octets of the conversion at p ("%d", "%05d", "%%"); *width: of its number, 0 for "%%" with *percent; 0: none that we have. */
static size_t conversion(const char *p, unsigned *width, bool *percent)
{
	size_t n = 1;

	*width = 0;
	*percent = p[n] == '%';
	if (*percent)
		return 2;
	if (p[n] == '0') {
		n++;
		while (p[n] >= '0' && p[n] <= '9' && *width <= 10)
			*width = *width * 10 + (unsigned)(p[n++] - '0');
		if (*width < 1 || *width > 10)
			return 0;
	}
	return p[n] == 'd' ? n + 1 : 0;
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

uint64_t load_stride(uint32_t n)
{
	uint32_t step = (uint32_t)(n * 0.6180339887) | 1;

	while (common_divisor(n, step) != 1)
		step++;
	return step;
}

bool load_template_ok(const char *text, const char **why)
{
	unsigned width, numbers = 0;
	bool percent;

	while ((text = strchr(text, '%'))) {
		size_t n = conversion(text, &width, &percent);

		if (!n) {
			*why = "only %d, %05d (and the like) and %% may stand in it";
			return false;
		}
		numbers += !percent;
		text += n;
	}
	*why = "only one number may stand in it";
	return numbers <= 1;
}

bool load_template_varies(const char *text)
{
	unsigned width;
	bool percent;

	for (; (text = strchr(text, '%')); text += 2) {
		conversion(text, &width, &percent);
		if (!percent)
			return true;
	}
	return false;
}

bool load_expand(const char *text, uint32_t number, char *out, size_t size)
{
	size_t at = 0;

	while (*text) {
		char digits[16] = { *text, 0 };
		size_t n = 1, len;
		unsigned width;
		bool percent;

		if (*text == '%') {
			n = conversion(text, &width, &percent);
			if (!n)
				return false;
			if (!percent)
				snprintf(digits, sizeof(digits), "%0*u", (int)width, number);
		}
		len = strlen(digits);
		if (at + len >= size)
			return false;
		memcpy(out + at, digits, len);
		at += len;
		text += n;
	}
	if (!size)
		return false;
	out[at] = 0;
	return true;
}
