/* tsp_scs.c - a Service Capability Server on the command line: one connection,
 * what is outstanding on it, and the script. */
#include "config.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "tsp_scs.h"

#define BUCKETS 4096u
#define DEFAULT_WAIT_MS 60000u
#define LINE_MAX_OCTETS (2u << 20)   /* of a script: a payload in hex fits */
#define WORDS_MAX 128

/* One request between its sending and its end: the answer or, when that was
 * asked for, the delivery report. */
struct txn {
	struct txn *by_hbh, *by_ref;     /* chains */
	struct scs *scs;
	struct scs_sent sent;
	uint32_t hbh;
	double sent_ms;
	uint64_t timer;
	uint32_t timeout_ms, report_ms;
	bool answered, reported;
	enum scs_exit report_exit;
};

enum block { FREE, ANSWERS, REPORT, SLEEP };   /* what a script waits for */

struct scs {
	struct scs_conn conn;
	struct scs_cmd base;             /* what the command line says */
	struct peer_loop *loop;
	struct peer *peer;
	bool opened, ending, script, input_over, input_paused;
	enum scs_exit status;            /* the first that is not OK */

	struct scs_cmd cmd;              /* being sent */
	bool sending;
	uint32_t sent;
	double start_ms;
	uint64_t pace;                   /* timer of --rate */

	struct txn *by_hbh[BUCKETS], *by_ref[BUCKETS];
	uint32_t unanswered, open_txns;
	bool raw_waits;                  /* the first answer to nothing we know is for --raw-hex */
	uint64_t raw_timer;

	enum block block;
	uint64_t block_timer;
	uint32_t wanted, wait_count;     /* report that is waited for; reports still to come (wait) */
	bool any_reference;
	struct { uint32_t reference; enum scs_exit exit; } *seen;
	size_t nseen, seen_cap;
	char *input;
	size_t input_n, input_cap;
	char *line;                      /* cmd points into it */

	uint32_t total, accepted, refused, failed, delivered, undelivered;
	double first_ms;
};

static volatile sig_atomic_t interrupted;
static struct peer_loop *interrupt_loop;

static void progress(struct scs *s);

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void note_exit(struct scs *s, enum scs_exit e)
{
	if (s->status == SCS_OK)
		s->status = e;
}

static void leave(struct scs *s)
{
	if (s->ending)
		return;
	s->ending = true;
	if (s->peer)
		peer_disconnect(s->peer);
	else
		peer_loop_stop(s->loop);
}

/* Transactions. */

static void unchain_ref(struct scs *s, struct txn *t)
{
	for (struct txn **at = &s->by_ref[t->sent.reference % BUCKETS]; *at; at = &(*at)->by_ref)
		if (*at == t) {
			*at = t->by_ref;
			return;
		}
}

static struct txn *take_hbh(struct scs *s, uint32_t hbh)
{
	for (struct txn **at = &s->by_hbh[hbh % BUCKETS]; *at; at = &(*at)->by_hbh)
		if ((*at)->hbh == hbh) {
			struct txn *t = *at;

			*at = t->by_hbh;
			return t;
		}
	return NULL;
}

static void end_txn(struct txn *t, enum scs_exit e)
{
	struct scs *s = t->scs;

	note_exit(s, e);
	peer_timer_cancel(s->loop, t->timer);
	if (!t->answered) {
		take_hbh(s, t->hbh);
		s->unanswered--;
	}
	if (t->report_ms)
		unchain_ref(s, t);
	s->open_txns--;
	free(t);
}

static void answer_timeout(void *ctx)
{
	struct txn *t = ctx;
	struct scs *s = t->scs;
	char what[64];

	snprintf(what, sizeof(what), "no answer within %g s", t->timeout_ms / 1e3);
	scs_print_failure(&s->conn, &t->sent, what);
	s->failed++;
	t->timer = 0;
	end_txn(t, SCS_UNANSWERED);
	progress(s);
}

static void report_timeout(void *ctx)
{
	struct txn *t = ctx;
	struct scs *s = t->scs;
	char what[64];

	snprintf(what, sizeof(what), "no report within %g s", t->report_ms / 1e3);
	scs_print_failure(&s->conn, &t->sent, what);
	t->timer = 0;
	end_txn(t, SCS_UNREPORTED);
	progress(s);
}

static bool send_one(struct scs *s, uint32_t reference)
{
	struct dia_writer w = { 0 };
	struct txn *t = calloc(1, sizeof(*t));
	char session[512];
	bool ok = false;
	size_t n;

	if (t) {
		*t = (struct txn){ .scs = s, .hbh = peer_next_hbh(s->peer), .sent_ms = now_ms(),
		                   .timeout_ms = s->cmd.timeout_ms, .report_ms = s->cmd.report_ms };
		t->sent = (struct scs_sent){ .verb = s->cmd.verb, .reference = reference };
		ok = scs_build_dar(&w, &s->conn, &s->cmd, s->peer, reference, t->hbh, &t->sent.e2e, session, sizeof(session)) &&
		     (t->timer = peer_timer(s->loop, t->timeout_ms, answer_timeout, t)) && peer_send(s->peer, w.p, w.n);
	}
	n = w.n;
	dia_writer_free(&w);
	if (!ok) {
		if (t)
			peer_timer_cancel(s->loop, t->timer);
		free(t);
		if (n > peer_max_send(s->peer))
			scs_print_event(&s->conn, "error", "%s %u could not be sent: %zu octets, and over SCTP it may be %zu",
			                scs_verb_name(s->cmd.verb), reference, n, peer_max_send(s->peer));
		else
			scs_print_event(&s->conn, "error", "%s %u could not be sent: no memory, or the other side reads nothing",
			                scs_verb_name(s->cmd.verb), reference);
		note_exit(s, SCS_UNCONNECTED);
		return false;
	}
	t->by_hbh = s->by_hbh[t->hbh % BUCKETS];
	s->by_hbh[t->hbh % BUCKETS] = t;
	if (t->report_ms) {
		t->by_ref = s->by_ref[reference % BUCKETS];
		s->by_ref[reference % BUCKETS] = t;
	}
	s->unanswered++;
	s->open_txns++;
	if (!s->total++)
		s->first_ms = t->sent_ms;
	return true;
}

static void pace_over(void *ctx)
{
	struct scs *s = ctx;

	s->pace = 0;
	progress(s);
}

/* Sends of the current command what may go now. */
static void send_more(struct scs *s)
{
	while (s->sending && !s->pace) {
		double due = s->cmd.rate > 0 ? s->start_ms + 1e3 * s->sent / s->cmd.rate : 0, now = now_ms();

		if (s->sent == s->cmd.count) {
			s->sending = false;
		} else if (s->unanswered >= s->cmd.outstanding) {
			return;
		} else if (due > now) {
			s->pace = peer_timer(s->loop, (uint32_t)(due - now) + 1, pace_over, s);
			return;
		} else if (!send_one(s, s->cmd.reference + s->sent)) {
			s->sending = false;
		} else {
			s->sent++;
		}
	}
}

static void raw_timeout(void *ctx)
{
	struct scs *s = ctx;

	s->raw_timer = 0;
	s->raw_waits = false;
	scs_print_event(&s->conn, "error", "no answer to the raw octets within %g s", s->cmd.timeout_ms / 1e3);
	note_exit(s, SCS_UNANSWERED);
	progress(s);
}

static void send_raw(struct scs *s)
{
	if (!peer_send(s->peer, s->cmd.raw, s->cmd.raw_n)) {
		scs_print_event(&s->conn, "error", "the raw octets could not be sent%s", s->conn.sctp ? ": over SCTP they have to be one message" : "");
		note_exit(s, SCS_UNCONNECTED);
		return;
	}
	peer_timer_cancel(s->loop, s->raw_timer);
	s->raw_waits = true;
	s->raw_timer = peer_timer(s->loop, s->cmd.timeout_ms, raw_timeout, s);
}

/* Waiting of a script, or of the command wait. */

static void unblock(struct scs *s)
{
	peer_timer_cancel(s->loop, s->block_timer);
	s->block_timer = 0;
	s->block = FREE;
}

static void block_over(void *ctx)
{
	struct scs *s = ctx;
	enum block was = s->block;

	s->block_timer = 0;
	unblock(s);
	if (was == REPORT) {
		if (s->any_reference)
			scs_print_event(&s->conn, "error", "%u report%s did not come", s->wait_count, s->wait_count == 1 ? "" : "s");
		else
			scs_print_event(&s->conn, "error", "no report for %u", s->wanted);
		note_exit(s, SCS_UNREPORTED);
	} else if (was == ANSWERS) {
		scs_print_event(&s->conn, "error", "%u still outstanding", s->open_txns);
		note_exit(s, s->unanswered ? SCS_UNANSWERED : SCS_UNREPORTED);
	}
	progress(s);
}

static void block_for(struct scs *s, enum block what, uint32_t ms)
{
	s->block = what;
	s->block_timer = peer_timer(s->loop, ms, block_over, s);
}

static void wait_for_report(struct scs *s, const struct scs_cmd *c, uint32_t ms)
{
	s->any_reference = !c->has_reference;
	s->wanted = c->reference;
	s->wait_count = s->any_reference ? c->count : 1;
	for (size_t i = s->nseen; !s->any_reference && i-- > 0;)
		if (s->seen[i].reference == s->wanted) {
			note_exit(s, s->seen[i].exit);
			return;
		}
	block_for(s, REPORT, ms);
}

static uint32_t random_reference(void)
{
	uint32_t r;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = (uint32_t)time(NULL);
	return r & 0x7fffffff;   /* --count has room above it */
}

static void begin(struct scs *s)
{
	struct scs_cmd *c = &s->cmd;
	uint32_t ms = c->has_wait ? c->wait_ms : c->report_ms ? c->report_ms : DEFAULT_WAIT_MS;

	switch (c->verb) {
	case SCS_QUIT:
		s->input_over = true;
		leave(s);
		break;
	case SCS_SLEEP:
		block_for(s, SLEEP, c->wait_ms);
		break;
	case SCS_WAIT:
		if (s->script && s->open_txns)
			block_for(s, ANSWERS, ms);
		else if (!s->script)
			wait_for_report(s, c, ms);
		break;
	case SCS_WAIT_REPORT:
		wait_for_report(s, c, ms);
		break;
	default:
		if (c->raw) {
			send_raw(s);
			break;
		}
		if (!c->has_reference)
			c->reference = random_reference();
		s->sending = true;
		s->sent = 0;
		s->start_ms = now_ms();
		send_more(s);
	}
}

/* The script. */

static void run_line(struct scs *s, const char *text, size_t n)
{
	char err[300] = "", *argv[WORDS_MAX];
	struct scs_cmd cmd;
	int argc;

	free(s->line);
	scs_cmd_free(&s->cmd);
	s->line = strndup(text, n);
	if (!s->line || !scs_cmd_copy(&cmd, &s->base)) {
		scs_print_event(&s->conn, "error", "out of memory");
		note_exit(s, SCS_USAGE);
		return;
	}
	argc = scs_split(s->line, argv, WORDS_MAX);
	if (argc == 0) {
		scs_cmd_free(&cmd);
		return;
	}
	if (argc < 0)
		snprintf(err, sizeof(err), "a quote is not closed, or too many words");
	if (argc < 0 || scs_parse(argc, argv, NULL, &cmd, err, sizeof(err)) != SCS_PARSED) {
		scs_print_event(&s->conn, "error", "script: %s", err[0] ? err : "not understood");
		note_exit(s, SCS_USAGE);
		scs_cmd_free(&cmd);
		return;
	}
	s->cmd = cmd;
	begin(s);
}

static bool may_run(const struct scs *s)
{
	return s->opened && !s->ending && s->block == FREE && !s->sending && !s->raw_waits;
}

static void run_lines(struct scs *s)
{
	size_t at = 0;

	while (at < s->input_n && may_run(s) && s->unanswered < s->base.outstanding) {
		char *nl = memchr(s->input + at, '\n', s->input_n - at);
		size_t n = nl ? (size_t)(nl - s->input) - at : s->input_n - at;

		if (!nl && !s->input_over)
			break;
		run_line(s, s->input + at, n);
		at += nl ? n + 1 : n;
	}
	if (at)
		memmove(s->input, s->input + at, s->input_n - at);
	s->input_n -= at;
}

static void input_ready(int fd, void *ctx)
{
	struct scs *s = ctx;
	ssize_t r;

	if (s->input_cap - s->input_n < 4096) {
		char *grown = s->input_cap < LINE_MAX_OCTETS ? realloc(s->input, s->input_cap ? 2 * s->input_cap : 8192) : NULL;

		if (!grown) {
			/* Enough read ahead; or a line without an end. */
			if (!s->input || !memchr(s->input, '\n', s->input_n)) {
				scs_print_event(&s->conn, "error", "script: a line is too long");
				note_exit(s, SCS_USAGE);
				s->input_n = 0;
				s->input_over = true;
			}
			s->input_paused = !s->input_over;
			peer_unwatch_fd(s->loop, fd);
			progress(s);
			return;
		}
		s->input = grown;
		s->input_cap = s->input_cap ? 2 * s->input_cap : 8192;
	}
	r = read(fd, s->input + s->input_n, s->input_cap - s->input_n);
	if (r < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (r <= 0) {
		peer_unwatch_fd(s->loop, fd);
		s->input_over = true;
	} else {
		s->input_n += (size_t)r;
	}
	progress(s);
}

static void read_on(struct scs *s)
{
	if (!s->input_paused || s->input_n > s->input_cap / 2)
		return;
	s->input_paused = false;
	if (!peer_watch_fd(s->loop, STDIN_FILENO, input_ready, s)) {
		scs_print_event(&s->conn, "error", "script: the rest cannot be read");
		note_exit(s, SCS_USAGE);
		s->input_over = true;
	}
}

/* Called after everything that may let something go on. */
static void progress(struct scs *s)
{
	if (!s->opened || s->ending)
		return;
	send_more(s);
	if (s->block == ANSWERS && !s->open_txns)
		unblock(s);
	if (s->script) {
		run_lines(s);
		read_on(s);
	}
	if (!may_run(s) || s->open_txns)
		return;
	if (!s->script || (s->input_over && !s->input_n))
		leave(s);
}

/* What comes from the peer. */

static void got_answer(struct scs *s, const struct dia_hdr *h, const uint8_t *msg, size_t n)
{
	struct txn *t = take_hbh(s, h->hbh);
	enum scs_exit e;

	if (!t && s->raw_waits) {
		const struct scs_sent raw = { .verb = s->cmd.verb, .reference = s->cmd.reference, .e2e = h->e2e };

		peer_timer_cancel(s->loop, s->raw_timer);
		s->raw_timer = 0;
		s->raw_waits = false;
		note_exit(s, scs_print_answer(&s->conn, &raw, msg, n));
		return;
	}
	if (!t) {
		scs_print_event(&s->conn, "late", "an answer to nothing that waits (Hop-by-Hop %u, End-to-End %u)", h->hbh, h->e2e);
		return;
	}
	t->answered = true;
	s->unanswered--;
	peer_timer_cancel(s->loop, t->timer);
	t->timer = 0;
	t->sent.rtt_ms = now_ms() - t->sent_ms;
	e = scs_print_answer(&s->conn, &t->sent, msg, n);
	s->accepted += e == SCS_OK;
	s->refused += e == SCS_REFUSED;
	s->failed += e == SCS_PROTOCOL;
	if (e != SCS_OK || !t->report_ms)
		end_txn(t, e);
	else if (t->reported)
		end_txn(t, t->report_exit);
	else
		t->timer = peer_timer(s->loop, t->report_ms, report_timeout, t);
}

static void remember_report(struct scs *s, uint32_t reference, enum scs_exit e)
{
	if (!s->script)
		return;
	if (s->nseen == s->seen_cap) {
		size_t cap = s->seen_cap ? 2 * s->seen_cap : 64;
		void *grown = realloc(s->seen, cap * sizeof(*s->seen));

		if (!grown)
			return;
		s->seen = grown;
		s->seen_cap = cap;
	}
	s->seen[s->nseen].reference = reference;
	s->seen[s->nseen++].exit = e;
}

static void got_report(struct scs *s, const uint8_t *msg, size_t n)
{
	struct dia_writer w = { 0 };
	uint32_t reference = 0;
	bool known = false;
	enum scs_exit e = scs_print_report(&s->conn, msg, n, &reference, &known);

	s->delivered += e == SCS_OK;
	s->undelivered += e != SCS_OK;
	if (!s->conn.no_dna && (!scs_build_dna(&w, &s->conn, msg, n) || !peer_send(s->peer, w.p, w.n)))
		scs_print_event(&s->conn, "error", "the report could not be answered");
	dia_writer_free(&w);
	if (!known)
		return;
	remember_report(s, reference, e);
	for (struct txn *t = s->by_ref[reference % BUCKETS]; t; t = t->by_ref) {
		if (t->sent.reference != reference || t->reported)
			continue;
		t->reported = true;
		t->report_exit = e;
		if (t->answered)
			end_txn(t, e);
		break;
	}
	if (s->block == REPORT && (s->any_reference || s->wanted == reference)) {
		note_exit(s, e);
		if (!--s->wait_count)
			unblock(s);
	}
}

static void refuse_command(struct scs *s, const uint8_t *msg, size_t n)
{
	struct dia_writer w = { 0 };

	dia_begin_answer(&w, msg, n, DIA_F_ERROR);
	dia_put_text(&w, DIA_Origin_Host, s->conn.origin_host);
	dia_put_text(&w, DIA_Origin_Realm, s->conn.origin_realm);
	dia_put_u32(&w, DIA_Result_Code, 3001);
	if (dia_end(&w))
		peer_send(s->peer, w.p, w.n);
	dia_writer_free(&w);
}

static void on_message(struct peer *p, const uint8_t *msg, size_t n, void *ctx)
{
	struct scs *s = ctx;
	struct dia_hdr h;

	dia_hdr_read(msg, n, &h);
	if (!(h.flags & DIA_F_REQUEST))
		got_answer(s, &h, msg, n);
	else if (h.code == CMD_DN)
		got_report(s, msg, n);
	else
		refuse_command(s, msg, n);
	progress(s);
}

static void closed(struct scs *s, const char *why)
{
	/* Nobody waits for anything any more. */
	bool early = !s->ending || s->open_txns || s->raw_waits;

	if (!s->opened)
		scs_print_event(&s->conn, "error", "not connected to %s:%u: %s", s->conn.host, s->conn.port, why);
	else if (early)
		scs_print_event(&s->conn, "error", "connection lost: %s", why);
	for (size_t i = 0; i < BUCKETS; i++) {
		while (s->by_hbh[i]) {
			scs_print_failure(&s->conn, &s->by_hbh[i]->sent, "connection lost before the answer");
			end_txn(s->by_hbh[i], SCS_UNCONNECTED);
		}
		while (s->by_ref[i]) {
			scs_print_failure(&s->conn, &s->by_ref[i]->sent, "connection lost before the report");
			end_txn(s->by_ref[i], SCS_UNCONNECTED);
		}
	}
	if (early)
		note_exit(s, SCS_UNCONNECTED);
	s->peer = NULL;
	s->opened = false;
	peer_loop_stop(s->loop);
}

static void on_event(struct peer *p, enum peer_event event, const char *why, void *ctx)
{
	struct scs *s = ctx;
	char security[64];

	if (event == PEER_CLOSED) {
		closed(s, why);
		return;
	}
	s->opened = true;
	peer_security(p, security, sizeof(security));
	if (s->conn.json || s->conn.trace)
		scs_print_event(&s->conn, "connected", "%s at %s, %s", *peer_remote_host(p) ? peer_remote_host(p) : "?",
		                peer_address(p), security);
	if (s->script) {
		if (!peer_watch_fd(s->loop, STDIN_FILENO, input_ready, s))
			s->input_over = true;
		progress(s);
		return;
	}
	if (scs_cmd_copy(&s->cmd, &s->base))
		begin(s);
	progress(s);
}

static void on_trace(struct peer *p, bool sent, const uint8_t *msg, size_t n, void *ctx)
{
	tool_trace(stderr, p, sent, msg, n);
}

static void print_summary(const struct scs *s)
{
	double seconds = (now_ms() - s->first_ms) / 1e3;
	struct json j;

	if (s->total < 2)
		return;
	if (s->conn.json) {
		json_begin(&j, stdout, "event");
		json_text(&j, "event", "summary");
		json_number(&j, "sent", s->total);
		json_number(&j, "accepted", s->accepted);
		json_number(&j, "refused", s->refused);
		json_number(&j, "failed", s->failed);
		json_number(&j, "reports_delivered", s->delivered);
		json_number(&j, "reports_other", s->undelivered);
		json_number(&j, "ms", (int64_t)(seconds * 1e3));
		json_end(&j);
	} else if (!s->conn.quiet) {
		printf("%u sent: %u accepted, %u refused, %u failed; reports: %u delivered, %u other; %.1f s, %.0f a second\n",
		       s->total, s->accepted, s->refused, s->failed, s->delivered, s->undelivered, seconds,
		       seconds > 0 ? s->total / seconds : 0);
	}
}

static void on_signal(int sig)
{
	interrupted = 1;
	peer_loop_stop(interrupt_loop);
}

static enum peer_sctp_stack stack_of(const struct scs_conn *c)
{
	if (!c->sctp_stack || !strcmp(c->sctp_stack, "auto"))
		return PEER_SCTP_AUTO;
	return strcmp(c->sctp_stack, "kernel") ? PEER_SCTP_USER : PEER_SCTP_KERNEL;
}

static int run(struct scs *s)
{
	static const uint32_t apps[] = { APP_TSP };
	const struct scs_conn *c = &s->conn;
	const struct peer_conf conf = {
		.origin_host = c->origin_host, .origin_realm = c->origin_realm, .product = "tsp-scs",
		.apps = apps, .napps = 1,
		.tls = { .cert = c->cert, .key = c->key, .ca = c->clear ? NULL : c->ca ? c->ca : "", .priority = c->priority_string,
		         .keylog = c->keylog, .ocsp_response = c->ocsp_response },
		.expect_host = c->expect, .no_verify = c->insecure, .watchdog_s = c->watchdog_s,
		.connect_timeout_ms = c->connect_timeout_ms,
		.sctp = { .on = c->sctp, .stack = stack_of(c), .udp_port = (uint16_t)c->sctp_udp },
		.bad = { .no_cer = c->no_cer, .ignore_dwr = c->ignore_dwr, .stop_reading = c->stop_reading },
	};
	const struct peer_ops ops = { .event = on_event, .message = on_message, .trace = c->trace ? on_trace : NULL, .ctx = s };
	const struct sigaction act = { .sa_handler = on_signal };
	char err[300];

	s->script = s->base.verb == SCS_SCRIPT;
	s->loop = interrupt_loop = peer_loop_new();
	if (!s->loop) {
		fprintf(stderr, "tsp-scs: %s\n", strerror(errno));
		return SCS_UNCONNECTED;
	}
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	s->peer = peer_connect(s->loop, &conf, c->host, c->port, &ops, err, sizeof(err));
	if (!s->peer) {
		scs_print_event(c, "error", "not connected: %s", err);
		return SCS_UNCONNECTED;
	}
	while (s->peer) {
		peer_loop_run(s->loop, -1);
		if (interrupted && s->peer)
			leave(s);
	}
	print_summary(s);
	return s->status;
}

int main(int argc, char **argv)
{
	struct scs s = { .conn = scs_conn_default(), .base = scs_cmd_default() };
	char err[300];
	int status;

	switch (scs_parse(argc - 1, argv + 1, &s.conn, &s.base, err, sizeof(err))) {
	case SCS_HELP:
		scs_help(stdout);
		return 0;
	case SCS_VERSION:
		puts("tsp-scs (mtc-iwf) " VERSION);
		return 0;
	case SCS_WRONG:
		fprintf(stderr, "tsp-scs: %s\n", err);
		return SCS_USAGE;
	case SCS_PARSED:
		break;
	}
	if (!scs_conn_complete(&s.conn, err, sizeof(err))) {
		fprintf(stderr, "tsp-scs: %s\n", err);
		return SCS_USAGE;
	}
	status = run(&s);
	peer_loop_free(s.loop);
	scs_cmd_free(&s.base);
	scs_cmd_free(&s.cmd);
	free(s.input);
	free(s.line);
	free(s.seen);
	return status;
}
