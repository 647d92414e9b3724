/* tsp_load_print.c - what tsp-load counts, in words and as JSON. */
#include <string.h>
#include <time.h>
#include "tsp_load.h"

int64_t load_unix_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void load_count_answer(struct load_stats *s, const uint8_t *msg, size_t n)
{
	struct load_kind k = { .result = tool_result_of(msg, n), .n = 1 };
	struct dia_avp action;

	k.has_status = dia_msg_find(msg, n, DIA_Device_Notification, &action) &&
	               tool_u32(msg, n, &action, DIA_Request_Status, &k.status);
	for (size_t i = 0; i < s->nkinds; i++) {
		struct load_kind *at = &s->kinds[i];

		if ((at->result.code == k.result.code && at->result.experimental == k.result.experimental &&
		     at->has_status == k.has_status && at->status == k.status) || i == LOAD_KINDS - 1) {
			at->n++;
			return;
		}
	}
	s->kinds[s->nkinds++] = k;
}

void load_count_why(struct load_stats *s, const char *why)
{
	size_t i;

	for (i = 0; i < s->nwhys; i++)
		if (!strncmp(s->whys[i].text, why, sizeof(s->whys[i].text) - 1))
			break;
	if (i == LOAD_WHYS)
		i--;
	if (i == s->nwhys)
		snprintf(s->whys[s->nwhys++].text, sizeof(s->whys[i].text), "%s", why);
	s->whys[i].n++;
}

void load_print_progress(const struct load_stats *s, uint32_t open, double seconds)
{
	fprintf(stderr, "\r%6.1f s  %u open  %llu sent  %llu answered  p99 %.2f ms\033[K", seconds, open,
	        (unsigned long long)s->sent, (unsigned long long)s->answered, (double)load_hist_at(&s->latency, .99) / 1e3);
}

static void json_hist(struct json *j, const char *name, const struct load_hist *h)
{
	static const struct { const char *name; double q; } at[] = {
		{ "p50", .5 }, { "p90", .9 }, { "p99", .99 }, { "p999", .999 },
	};
	char key[64];

	if (!h->n)
		return;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		snprintf(key, sizeof(key), "%s_%s_us", name, at[i].name);
		json_number(j, key, (int64_t)load_hist_at(h, at[i].q));
	}
	snprintf(key, sizeof(key), "%s_max_us", name);
	json_number(j, key, (int64_t)h->max);
	snprintf(key, sizeof(key), "%s_mean_us", name);
	json_number(j, key, (int64_t)load_hist_mean(h));
}

void load_print_interval(const struct load_opts *o, struct load_stats *s, double seconds)
{
	struct json j;

	if (o->json) {
		json_begin(&j, stdout, "interval");
		json_number(&j, "at_ms", load_unix_ms());
		json_number(&j, "for_ms", (int64_t)(seconds * 1e3 + .5));
		json_number(&j, "answers", (int64_t)s->interval.n);
		json_hist(&j, "latency", &s->interval);
		json_end(&j);
	} else if (!o->quiet) {
		printf("%llu answers, %.0f a second; p50 %.2f ms, p99 %.2f ms, max %.2f ms\n", (unsigned long long)s->interval.n,
		       (double)s->interval.n / seconds, (double)load_hist_at(&s->interval, .5) / 1e3,
		       (double)load_hist_at(&s->interval, .99) / 1e3, (double)s->interval.max / 1e3);
		fflush(stdout);
	}
	memset(&s->interval, 0, sizeof(s->interval));
}

static double per_s(uint64_t n, double seconds)
{
	return seconds > 0 ? (double)n / seconds : 0;
}

static void print_json(const struct load_opts *o, const struct load_stats *s)
{
	struct json j;
	char key[64];

	json_begin(&j, stdout, "summary");
	json_number(&j, "opened", (int64_t)s->opened);
	json_number(&j, "failed", (int64_t)s->failed);
	json_number(&j, "dropped", (int64_t)s->dropped);
	json_number(&j, "connect_ms", (int64_t)(s->connect_s * 1e3));
	json_hist(&j, "connect", &s->connect);
	if (o->handshakes) {
		json_number(&j, "handshake_ms", (int64_t)(s->handshake_s * 1e3));
		json_number(&j, "handshakes_per_s", (int64_t)per_s(s->opened, s->handshake_s));
	}
	if (s->back_ended_ms) {
		json_number(&j, "back_ms", (int64_t)(s->back_s * 1e3));
		json_number(&j, "back_began_ms", s->back_began_ms);
		json_number(&j, "back_ended_ms", s->back_ended_ms);
	}
	json_number(&j, "sent", (int64_t)s->sent);
	json_number(&j, "answered", (int64_t)s->answered);
	json_number(&j, "unanswered", (int64_t)s->unanswered);
	json_number(&j, "lost", (int64_t)s->lost);
	json_number(&j, "unsent", (int64_t)s->unsent);
	json_number(&j, "strange", (int64_t)s->strange);
	json_number(&j, "reports", (int64_t)s->reports);
	json_number(&j, "reports_per_s", (int64_t)per_s(s->reports, s->reports_s));
	json_number(&j, "load_ms", (int64_t)(s->load_s * 1e3));
	json_number(&j, "answers_per_s", (int64_t)per_s(s->latency.n, s->load_s));
	json_hist(&j, "latency", &s->latency);
	for (size_t i = 0; i < s->nkinds; i++) {
		const struct load_kind *k = &s->kinds[i];

		snprintf(key, sizeof(key), "result_%u", k->result.experimental ? k->result.experimental : k->result.code);
		if (k->has_status)
			snprintf(key + strlen(key), sizeof(key) - strlen(key), "_status_%u", k->status);
		json_number(&j, i == LOAD_KINDS - 1 ? "result_other" : key, (int64_t)k->n);
	}
	for (size_t i = 0; i < s->nwhys; i++) {
		snprintf(key, sizeof(key), "ended_%zu", i);
		json_text(&j, key, s->whys[i].text);
		snprintf(key, sizeof(key), "ended_%zu_count", i);
		json_number(&j, key, (int64_t)s->whys[i].n);
	}
	json_end(&j);
}

static void print_hist(const char *label, const struct load_hist *h)
{
	if (h->n)
		printf("%-12s p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, max %.2f ms, mean %.2f ms\n", label,
		       (double)load_hist_at(h, .5) / 1e3, (double)load_hist_at(h, .9) / 1e3, (double)load_hist_at(h, .99) / 1e3,
		       (double)load_hist_at(h, .999) / 1e3, (double)h->max / 1e3, load_hist_mean(h) / 1e3);
}

static void print_kind(const struct load_kind *k, bool other)
{
	const char *status = k->has_status ? dia_enum_name(&dia_avps[DIA_Request_Status], k->status) : NULL;

	if (other)
		printf("%-12s others", "result");
	else
		printf("%-12s %s (%u)", "result", tool_result_name(&k->result),
		       k->result.experimental ? k->result.experimental : k->result.code);
	if (k->has_status && !other)
		printf(", %s (%u)", status ? status : "?", k->status);
	printf(": %llu\n", (unsigned long long)k->n);
}

void load_print_summary(const struct load_opts *o, const struct load_stats *s)
{
	if (o->json) {
		print_json(o, s);
		return;
	}
	if (o->quiet)
		return;
	if (o->handshakes)
		printf("%-12s %llu in %.2f s, %.0f a second; %llu failed\n", "handshakes", (unsigned long long)s->opened,
		       s->handshake_s, per_s(s->opened, s->handshake_s), (unsigned long long)s->failed);
	else
		printf("%-12s %llu opened in %.2f s, %.0f a second; %llu failed, %llu lost\n", "connections",
		       (unsigned long long)s->opened, s->connect_s, per_s(s->opened, s->connect_s),
		       (unsigned long long)s->failed, (unsigned long long)s->dropped);
	print_hist("time to open", &s->connect);
	if (s->back_ended_ms)
		printf("%-12s all open and served %.3f s after they began to come back\n", "reconnect", s->back_s);
	if (s->sent || s->unsent) {
		printf("%-12s %llu sent, %llu answered, %llu unanswered, %llu lost with a connection, %llu could not be sent\n",
		       "requests", (unsigned long long)s->sent, (unsigned long long)s->answered, (unsigned long long)s->unanswered,
		       (unsigned long long)s->lost, (unsigned long long)s->unsent);
		if (s->load_s > 0)
			printf("%-12s %.2f s, %.0f answers a second\n", "", s->load_s, per_s(s->latency.n, s->load_s));
	}
	if (s->strange)
		printf("%-12s %llu answers to nothing that waits: a second one, or too late\n", "", (unsigned long long)s->strange);
	print_hist("latency", &s->latency);
	for (size_t i = 0; i < s->nkinds; i++)
		print_kind(&s->kinds[i], i == LOAD_KINDS - 1);
	if (s->reports)
		printf("%-12s %llu came and were answered, %.0f a second\n", "reports", (unsigned long long)s->reports,
		       per_s(s->reports, s->reports_s));
	for (size_t i = 0; i < s->nwhys; i++)
		printf("%-12s %llu: %s%s\n", "ended", (unsigned long long)s->whys[i].n, s->whys[i].text,
		       i == LOAD_WHYS - 1 ? " (and others)" : "");
}
