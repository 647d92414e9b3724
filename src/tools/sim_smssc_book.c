/* sim_smssc_book.c - what this SMS-SC keeps over its own end: a file of lines,
 * written before anybody is told of it.  A line that the end cut short was never
 * told of and is dropped.
 *
 *   take NUMBER SMEA REFERENCE T-FLAG ACTION HOST REALM USER SMEA-AVP OUTCOME DIAGNOSTIC DRR-REFERENCE DRR-TWICE
 *        RESULT EXPERIMENTAL NONSENSE DUE            a trigger; DUE is its outcome's time (ms since 1970, 0: none)
 *   over NUMBER                                      the outcome has come
 *   sent NUMBER E2E                                  its report went out for the first time
 *   told NUMBER                                      the report is answered, or given up
 *   recall NUMBER ENDED RESULT EXPERIMENTAL NONSENSE
 *   replace NUMBER
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim_smssc.h"

#define WORDS 18

static FILE *book_of(const struct sc_trigger *t)
{
	const struct sc *sc = t->sim->state;

	return sc->book;
}

/* What is not in the book must not be told. */
static void written(struct sim *s, FILE *f)
{
	const struct sc_conf *conf = s->conf;

	if (fflush(f) == 0 && !ferror(f))
		return;
	fprintf(stderr, "%s: %s: %s\n", s->ops->name, conf->book, strerror(errno));
	exit(1);
}

static void put_hex(FILE *f, const void *p, size_t n)
{
	fputs(n ? " " : " -", f);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%02x", ((const uint8_t *)p)[i]);
}

void sc_book_take(const struct sc_trigger *t, bool t_flag)
{
	FILE *f = book_of(t);

	if (!f)
		return;
	fprintf(f, "take %" PRIu64 " %s ", t->number, t->smea[0] ? t->smea : "-");
	if (t->has_reference)
		fprintf(f, "%" PRIu32, t->reference);
	else
		fputc('-', f);
	fprintf(f, " %d %" PRIu32, t_flag, t->action);
	put_hex(f, t->host, strlen(t->host));
	put_hex(f, t->realm, strlen(t->realm));
	put_hex(f, t->user, t->user_n);
	put_hex(f, t->smea_avp, t->smea_n);
	fprintf(f, " %d %" PRIu32 " %d %d %" PRIu32 " %" PRIu32 " %d %" PRId64 "\n", t->outcome, t->absent_diagnostic, t->drr_reference,
	        t->drr_twice, t->answer.result, t->answer.experimental, t->answer.nonsense, t->due_ms);
	written(t->sim, f);
}

void sc_book_note(const struct sc_trigger *t, const char *word)
{
	FILE *f = book_of(t);

	if (!f)
		return;
	fprintf(f, "%s %" PRIu64 "\n", word, t->number);
	written(t->sim, f);
}

void sc_book_sent(const struct sc_trigger *t)
{
	FILE *f = book_of(t);

	if (!f)
		return;
	fprintf(f, "sent %" PRIu64 " %" PRIu32 "\n", t->number, t->e2e);
	written(t->sim, f);
}

void sc_book_recall(const struct sc_trigger *t)
{
	FILE *f = book_of(t);

	if (!f)
		return;
	fprintf(f, "recall %" PRIu64 " %d %" PRIu32 " %" PRIu32 " %d\n", t->number, t->state == S_RECALLED, t->recall_answer.result,
	        t->recall_answer.experimental, t->recall_answer.nonsense);
	written(t->sim, f);
}

/* ---- reading it */

struct line { char *word[WORDS + 1]; size_t n; bool bad; };

static uint64_t number(struct line *l, size_t at, uint64_t max)
{
	char *end = NULL;
	uint64_t v = 0;

	errno = 0;
	if (at < l->n)
		v = strtoull(l->word[at], &end, 10);
	if (!end || end == l->word[at] || *end || errno || l->word[at][0] == '-' || v > max) {
		l->bad = true;
		return 0;
	}
	return v;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Octets into a block of the caller's, with a NUL behind them. */
static uint8_t *hex(struct line *l, size_t at, size_t *n)
{
	const char *from = at < l->n && strcmp(l->word[at], "-") != 0 ? l->word[at] : "";
	uint8_t *out = malloc(strlen(from) / 2 + 1);

	*n = 0;
	for (; out && from[0] && from[1]; from += 2) {
		if (digit(from[0]) < 0 || digit(from[1]) < 0)
			break;
		out[(*n)++] = (uint8_t)(digit(from[0]) << 4 | digit(from[1]));
	}
	l->bad |= at >= l->n || !out || from[0];
	if (out)
		out[*n] = 0;
	return out;
}

static void hex_text(struct line *l, size_t at, char *out, size_t size)
{
	size_t n;
	uint8_t *p = hex(l, at, &n);

	if (!l->bad)
		snprintf(out, size, "%s", (const char *)p);
	free(p);
}

static struct sim_answer answer(struct line *l, size_t at)
{
	return (struct sim_answer){ (uint32_t)number(l, at, UINT32_MAX), (uint32_t)number(l, at + 1, UINT32_MAX),
	                            (enum sim_nonsense)number(l, at + 2, SIM_NONSENSES - 1) };
}

static void read_take(struct sim *s, struct line *l)
{
	struct sc *sc = s->state;
	struct dtr d = { 0 };
	uint8_t *user, *smea;
	size_t user_n, smea_n;
	struct sc_trigger *t;
	uint64_t id = number(l, 1, UINT64_MAX);

	l->bad |= l->n != WORDS;
	d.has_reference = !l->bad && strcmp(l->word[3], "-") != 0;
	d.reference = d.has_reference ? (uint32_t)number(l, 3, UINT32_MAX) : 0;
	d.action = (uint32_t)number(l, 5, 2);
	hex_text(l, 6, d.origin_host, sizeof(d.origin_host));
	hex_text(l, 7, d.origin_realm, sizeof(d.origin_realm));
	user = hex(l, 8, &user_n);
	smea = hex(l, 9, &smea_n);
	d.user = (struct dia_avp){ .data = user, .len = user_n };
	d.smea_avp = (struct dia_avp){ .data = smea, .len = smea_n };
	if (smea && smea_n)
		tool_sme_text(smea, smea_n, d.smea, sizeof(d.smea));
	t = l->bad ? NULL : sc_store_add(sc->store, s, &d);
	free(user);
	free(smea);
	l->bad |= !t || t->number != id;
	if (!t)
		return;
	t->outcome = (enum sc_outcome)number(l, 10, O_OUTCOMES - 1);
	t->absent_diagnostic = (uint32_t)number(l, 11, UINT32_MAX);
	t->drr_reference = number(l, 12, 1);
	t->drr_twice = number(l, 13, 1);
	t->answer = answer(l, 14);
	t->has_answer = true;
	t->due_ms = (int64_t)number(l, 17, INT64_MAX);
}

static void read_line(struct sim *s, struct line *l)
{
	struct sc *sc = s->state;
	const char *word = l->n ? l->word[0] : "";
	struct sc_trigger *t;

	if (!strcmp(word, "take")) {
		read_take(s, l);
		return;
	}
	t = sc_store_number(sc->store, number(l, 1, UINT64_MAX));
	if (!t) {
		l->bad = true;
	} else if (!strcmp(word, "over")) {
		t->state = S_GONE;
		t->report_due = t->outcome != O_NO_REPORT;
	} else if (!strcmp(word, "sent")) {
		t->e2e = (uint32_t)number(l, 2, UINT32_MAX);
		t->attempts = 1;
	} else if (!strcmp(word, "told")) {
		t->report_due = false;
	} else if (!strcmp(word, "recall")) {
		if (number(l, 2, 1))
			t->state = S_RECALLED;
		t->recalled = true;
		t->recall_answer = answer(l, 3);
	} else if (!strcmp(word, "replace")) {
		t->state = S_REPLACED;
	} else {
		l->bad = true;
	}
}

/* False: printed why.  *whole: octets up to the end of the last whole line. */
static bool read_all(struct sim *s, const char *file, FILE *f, off_t *whole)
{
	char *text = NULL, *save;
	size_t size = 0, at = 0;
	ssize_t n;
	bool ok = true;

	*whole = 0;
	while (ok && (n = getline(&text, &size, f)) > 0 && text[n - 1] == '\n') {
		struct line l = { 0 };

		at++;
		for (char *w = strtok_r(text, " \n", &save); w && l.n <= WORDS; w = strtok_r(NULL, " \n", &save))
			l.word[l.n++] = w;
		read_line(s, &l);
		ok = !l.bad;
		*whole += n;
	}
	if (!ok)
		fprintf(stderr, "%s: %s:%zu: not a line of this program\n", s->ops->name, file, at);
	free(text);
	return ok;
}

bool sc_book_open(struct sim *s)
{
	const struct sc_conf *conf = s->conf;
	struct sc *sc = s->state;
	off_t whole;
	FILE *f;

	if (!conf->book[0])
		return true;
	f = fopen(conf->book, "a+");
	if (!f) {
		fprintf(stderr, "%s: %s: %s\n", s->ops->name, conf->book, strerror(errno));
		return false;
	}
	if (!read_all(s, conf->book, f, &whole)) {
		fclose(f);
		return false;
	}
	if (fseeko(f, 0, SEEK_END) || ftruncate(fileno(f), whole)) {
		fprintf(stderr, "%s: %s: %s\n", s->ops->name, conf->book, strerror(errno));
		fclose(f);
		return false;
	}
	sc->book = f;
	for (struct sc_trigger *t = sc_store_next(sc->store, NULL); t; t = sc_store_next(sc->store, t))
		if (t->state == S_PENDING)
			sc_resume(t);
	return true;
}
