/* fuzz_wire.c - octets as a Diameter message: read, checked, printed, answered, and written again.
 *
 * Holds: what is written again is the same but for padding, and is judged the same; Failed-AVP is a list of AVPs; printing
 * shows each AVP on a line of its own and nothing that steers a terminal; an answer belongs to its request. */
#include <string.h>
#include "fuzz.h"
#include "wire.h"

#define PRINT_DEPTH 8

/* All AVPs again, with padding, groups from their members down to that depth. */
static void rewrite(const uint8_t *p, size_t n, struct dia_writer *w, unsigned depth)
{
	struct dia_writer in = { 0 };
	struct dia_avp a;

	while (dia_avp_next(&p, &n, &a) > 0) {
		HOLDS(a.data >= a.raw + 8 && a.def == dia_avp_find(a.code, a.vendor));
		if (a.def && a.def->type == DIA_GROUPED && depth > 0) {
			dia_begin(&in, 0, 0, 0, 0, 0);
			rewrite(a.data, a.len, &in, depth - 1);
			HOLDS(dia_end(&in));
			dia_put_raw(w, a.code, a.flags, a.vendor, in.p + DIA_HDR_LEN, in.n - DIA_HDR_LEN);
		} else {
			dia_put_raw(w, a.code, a.flags, a.vendor, a.data, a.len);
		}
	}
	dia_put_bytes(w, p, n);            /* what is no AVP */
	dia_writer_free(&in);
}

static void rewrite_message(const uint8_t *msg, size_t n, struct dia_writer *w, unsigned depth)
{
	struct dia_hdr h;

	HOLDS(dia_hdr_read(msg, n, &h));
	dia_begin(w, h.flags, h.code, h.app, h.hbh, h.e2e);
	rewrite(msg + DIA_HDR_LEN, n - DIA_HDR_LEN, w, depth);
	HOLDS(dia_end(w));
}

static void check_rewriting(const uint8_t *msg, size_t n, const struct dia_hdr *h)
{
	struct dia_writer once = { 0 }, twice = { 0 };
	struct dia_fault before, after;
	struct dia_hdr again;

	rewrite_message(msg, n, &once, PRINT_DEPTH);
	rewrite_message(once.p, once.n, &twice, PRINT_DEPTH);
	HOLDS(once.n == twice.n && !memcmp(once.p, twice.p, once.n));
	HOLDS(dia_hdr_read(once.p, once.n, &again) && again.length == once.n && again.flags == h->flags && again.code == h->code &&
	      again.app == h->app && again.hbh == h->hbh && again.e2e == h->e2e);
	dia_check(msg, n, &before);
	if (h->length == n && h->version == 1 && n % 4 == 0) {
		dia_check(once.p, once.n, &after);
		HOLDS(before.result_code == after.result_code && before.def == after.def);
		rewrite_message(msg, n, &twice, 0);
		HOLDS(twice.n == n);
		for (size_t i = DIA_HDR_LEN; i < n; i++)
			HOLDS(twice.p[i] == msg[i] || twice.p[i] == 0);
	}
	dia_writer_free(&once);
	dia_writer_free(&twice);
}

static void check_fault(const uint8_t *msg, size_t n)
{
	struct dia_fault f;
	const bool fine = dia_check(msg, n, &f);
	const uint8_t *p = f.failed;
	size_t left = f.failed_len;
	struct dia_avp a;
	int more;

	HOLDS(fine == (f.result_code == 2001));
	HOLDS(f.result_code == 2001 || f.result_code / 1000 == 3 || f.result_code / 1000 == 5);
	HOLDS(f.failed_len <= sizeof(f.failed) && f.what != NULL);
	HOLDS(!fine || f.failed_len == 0);
	HOLDS(f.failed_len % 4 == 0);
	while ((more = dia_avp_next(&p, &left, &a)) > 0)
		;
	HOLDS(more == 0);
}

static size_t lines_of(const uint8_t *p, size_t n, unsigned depth)
{
	struct dia_avp a;
	size_t lines = 0;
	int more;

	while ((more = dia_avp_next(&p, &n, &a)) > 0)
		lines += 1 + (a.def && a.def->type == DIA_GROUPED && depth < PRINT_DEPTH ? lines_of(a.data, a.len, depth + 1) : 0);
	return lines + (more < 0);
}

static void check_printing(const uint8_t *msg, size_t n)
{
	size_t size = 0, lines = 0, want = 1, whole = n;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);
	struct dia_hdr h;

	HOLDS(f != NULL);
	dia_print(f, msg, n, "> ");
	HOLDS(fclose(f) == 0);
	for (size_t i = 0; i < size; i++) {
		HOLDS(text[i] == '\n' || (text[i] >= 0x20 && text[i] < 0x7f));
		lines += text[i] == '\n';
	}
	if (dia_hdr_read(msg, n, &h)) {
		if (h.length >= DIA_HDR_LEN && h.length < whole)
			whole = h.length;
		want += lines_of(msg + DIA_HDR_LEN, whole - DIA_HDR_LEN, 1);
	}
	HOLDS(lines == want && text[size - 1] == '\n');
	free(text);
}

static void check_answering(const uint8_t *msg, size_t n, const struct dia_hdr *h)
{
	struct dia_writer w = { 0 };
	struct dia_avp asked, said;
	struct dia_hdr a;
	bool has;

	dia_begin_answer(&w, msg, n, 0);
	HOLDS(dia_end(&w) && dia_hdr_read(w.p, w.n, &a));
	HOLDS(!(a.flags & ~DIA_F_PROXIABLE) && a.flags == (h->flags & DIA_F_PROXIABLE));
	HOLDS(a.code == h->code && a.app == h->app && a.hbh == h->hbh && a.e2e == h->e2e && a.length == w.n);
	has = dia_msg_find(msg, n, DIA_Session_Id, &asked);
	HOLDS(has == dia_msg_find(w.p, w.n, DIA_Session_Id, &said));
	HOLDS(!has || (said.raw == w.p + DIA_HDR_LEN && asked.len == said.len && !memcmp(asked.data, said.data, said.len)));
	dia_writer_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dia_hdr h;

	check_fault(data, size);
	check_printing(data, size);
	if (!dia_hdr_read(data, size, &h))
		return 0;
	check_rewriting(data, size, &h);
	check_answering(data, size, &h);
	return 0;
}
