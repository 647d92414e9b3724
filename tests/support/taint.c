/* taint.c - is any of these secrets in any of these files, in any clothes?
 *
 *   taint SECRETS FILE...
 *
 * SECRETS has a line for each: "number DIGITS" or "name TEXT".  A file called
 * *.hex holds octets in hexadecimal, white space between them ignored, and
 * Diameter messages in it are counted.  Looked for are text
 * (names in either case), semi-octets in both orders and at any nibble, hex of
 * text and of semi-octets, base64 of both in its three alignments.
 *
 * Prints what it finds; exit status 0: nothing, 1: something, 2: it could not look. */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct octets { uint8_t *p; size_t n; };
struct form { char secret[256]; const char *how; struct octets o; bool any_case, nibbles_low, nibbles_high; };

static struct form *forms;
static size_t nforms;
static bool found;

static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

static void *need(void *p)
{
	if (!p)
		die("taint: out of memory");
	return p;
}

static struct form *add(const char *secret, const char *how, const void *p, size_t n)
{
	forms = need(realloc(forms, (nforms + 1) * sizeof(*forms)));
	struct form *f = &forms[nforms++];
	*f = (struct form){ .how = how, .o = { need(malloc(n + 1)), n } };
	snprintf(f->secret, sizeof(f->secret), "%s", secret);
	memcpy(f->o.p, p, n);
	return f;
}

static void add_hex(const char *secret, const char *how, const uint8_t *p, size_t n)
{
	char hex[1024];

	for (size_t i = 0; i < n; i++)
		sprintf(hex + 2 * i, "%02x", p[i]);
	add(secret, how, hex, 2 * n)->any_case = true;
}

/* What is the same whatever stands before and behind it. */
static void add_base64(const char *secret, const char *how, const uint8_t *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t shift = 0; shift < 3; shift++) {
		size_t first = (8 * shift + 5) / 6, last = 8 * (shift + n) / 6;
		char text[1024];

		for (size_t i = first; i < last; i++) {
			unsigned v = 0;
			for (size_t bit = 6 * i; bit < 6 * i + 6; bit++)
				v = v << 1 | (p[bit / 8 - shift] >> (7 - bit % 8) & 1);
			text[i - first] = digits[v];
		}
		add(secret, how, text, last - first);
	}
}

static void add_number(const char *number)
{
	uint8_t low[16], high[16], digits[16];
	size_t n = strlen(number), whole = n / 2;

	if (n < 10 || n > 16 || strspn(number, "0123456789") != n)
		die("taint: '%s' is no number to look for", number);
	for (size_t i = 0; i < n; i++)
		digits[i] = (uint8_t)(number[i] - '0');
	for (size_t i = 0; i < whole; i++) {
		low[i] = (uint8_t)(digits[2 * i + 1] << 4 | digits[2 * i]);
		high[i] = (uint8_t)(digits[2 * i] << 4 | digits[2 * i + 1]);
	}
	if (n % 2) {
		low[whole] = 0xf0 | digits[n - 1];
		high[whole++] = (uint8_t)(digits[n - 1] << 4 | 0x0f);
	}
	add(number, "text", number, n);
	add(number, "semi-octets, low first", digits, n)->nibbles_low = true;
	add(number, "semi-octets, high first", digits, n)->nibbles_high = true;
	add_hex(number, "hex of text", (const uint8_t *)number, n);
	add_hex(number, "hex of semi-octets, low first", low, whole);
	add_hex(number, "hex of semi-octets, high first", high, whole);
	add_base64(number, "base64 of text", (const uint8_t *)number, n);
	add_base64(number, "base64 of semi-octets, low first", low, whole);
	add_base64(number, "base64 of semi-octets, high first", high, whole);
}

static void add_name(const char *name)
{
	size_t n = strlen(name);

	add(name, "text", name, n)->any_case = true;
	add_hex(name, "hex of text", (const uint8_t *)name, n);
	add_base64(name, "base64 of text", (const uint8_t *)name, n);
}

static void read_secrets(const char *file)
{
	char line[300], kind[16], what[256];
	FILE *f = fopen(file, "r");

	if (!f)
		die("taint: cannot read %s", file);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%15s %255s", kind, what) != 2)
			die("taint: %s: '%s'?", file, line);
		if (!strcmp(kind, "number"))
			add_number(what);
		else if (!strcmp(kind, "name"))
			add_name(what);
		else
			die("taint: %s: '%s'?", file, line);
	}
	fclose(f);
	if (!nforms)
		die("taint: %s: nothing to look for", file);
}

static struct octets read_file(const char *file)
{
	struct octets o = { NULL, 0 };
	FILE *f = fopen(file, "rb");
	size_t got;

	if (!f)
		die("taint: cannot read %s", file);
	do {
		o.p = need(realloc(o.p, o.n + 65536));
		got = fread(o.p + o.n, 1, 65536, f);
		o.n += got;
	} while (got);
	fclose(f);
	return o;
}

static void from_hex(const char *file, struct octets *o)
{
	size_t n = 0;
	unsigned half = 0;

	for (size_t i = 0; i < o->n; i++) {
		if (isspace(o->p[i]))
			continue;
		if (!isxdigit(o->p[i]))
			die("taint: %s: '%c' is not hexadecimal", file, o->p[i]);
		uint8_t v = (uint8_t)(isdigit(o->p[i]) ? o->p[i] - '0' : tolower(o->p[i]) - 'a' + 10);
		if (half++ % 2 == 0)
			o->p[n] = (uint8_t)(v << 4);
		else
			o->p[n++] |= v;
	}
	o->n = n;
}

/* Messages one after the other. */
static void count(const char *file, const struct octets *o)
{
	size_t messages = 0, at = 0;

	while (o->n - at >= 20 && o->p[at] == 1) {
		size_t n = (size_t)o->p[at + 1] << 16 | (size_t)o->p[at + 2] << 8 | o->p[at + 3];
		if (n < 20 || n > o->n - at)
			break;
		at += n;
		messages++;
	}
	printf("%s: %zu messages", file, messages);
	if (at != o->n)
		printf(" and %zu octets", o->n - at);
	putchar('\n');
}

static bool equal(const uint8_t *a, const struct form *f)
{
	for (size_t i = 0; i < f->o.n; i++)
		if (f->any_case ? tolower(a[i]) != tolower(f->o.p[i]) : a[i] != f->o.p[i])
			return false;
	return true;
}

static void look(const char *file, const struct octets *o, const struct form *f, size_t scale)
{
	for (size_t at = 0; at + f->o.n <= o->n; at++)
		if (equal(o->p + at, f)) {
			printf("%s: %s as %s at %zu\n", file, f->secret, f->how, at / scale);
			found = true;
			return;
		}
}

static struct octets nibbles(const struct octets *o, bool low_first)
{
	struct octets out = { need(malloc(2 * o->n + 1)), 2 * o->n };

	for (size_t i = 0; i < o->n; i++) {
		out.p[2 * i + low_first] = o->p[i] >> 4;
		out.p[2 * i + !low_first] = o->p[i] & 15;
	}
	return out;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		die("usage: taint SECRETS FILE...");
	read_secrets(argv[1]);
	for (int i = 2; i < argc; i++) {
		struct octets o = read_file(argv[i]);
		const size_t len = strlen(argv[i]);

		if (len > 4 && !strcmp(argv[i] + len - 4, ".hex")) {
			from_hex(argv[i], &o);
			count(argv[i], &o);
		}
		struct octets low = nibbles(&o, true), high = nibbles(&o, false);
		for (size_t k = 0; k < nforms; k++) {
			const struct form *f = &forms[k];
			look(argv[i], f->nibbles_low ? &low : f->nibbles_high ? &high : &o, f, f->nibbles_low || f->nibbles_high ? 2 : 1);
		}
		free(low.p);
		free(high.p);
		free(o.p);
	}
	for (size_t k = 0; k < nforms; k++)
		free(forms[k].o.p);
	free(forms);
	return found;
}
