/* gw_door_stats.c - the counters in the text format of Prometheus. */
#include "config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "gw_door_int.h"

#define SCS_LINES 100u         /* of each kind; who has refusals comes first in no order */

static void one(FILE *f, const char *name, const char *type, const char *help, uint64_t v)
{
	fprintf(f, "# HELP iwf_gw_%s %s\n# TYPE iwf_gw_%s %s\niwf_gw_%s %llu\n", name, help, name, type, name, (unsigned long long)v);
}

static void by_reason(FILE *f, const char *name, const char *help, const uint64_t *v)
{
	fprintf(f, "# HELP iwf_gw_%s %s\n# TYPE iwf_gw_%s counter\n", name, help, name);
	for (int r = 0; r < IWF_REASONS; r++)
		if (v[r])
			fprintf(f, "iwf_gw_%s{reason=\"%s\"} %llu\n", name, iwf_reason_str((enum iwf_reason)r), (unsigned long long)v[r]);
}

static void of_scs(FILE *f, const struct door *d)
{
	unsigned lines = 0;

	fprintf(f, "# HELP iwf_gw_scs_requests_total Requests of an SCS (its row's id); at most %u of them are listed\n"
	        "# TYPE iwf_gw_scs_requests_total counter\n", SCS_LINES);
	for (unsigned i = 0; i < DOOR_SLOTS && lines < SCS_LINES; i++)
		for (const struct door_scs *s = d->scs[i]; s && lines < SCS_LINES; s = s->next, lines++)
			fprintf(f, "iwf_gw_scs_requests_total{scs=\"%lld\"} %llu\n", (long long)s->id, (unsigned long long)s->requests);
}

static void print(FILE *f, struct door *d)
{
	static const char *const ends[] = { "other", "handshake", "slow", "cer", "framing", "size", "stalled", "watchdog", "dpr", "remote" };
	const struct door_count *c = &d->count;
	struct gw_proxy_stats s;

	gw_proxy_stats(d->proxy, &s);
	d->count.audit_dropped += gw_ipc_dropped(d->ipc);
	one(f, "connections_open", "gauge", "Connections of SCSs that are open", c->open);
	one(f, "connections_half_open", "gauge", "Connections that are not open yet", c->half_open);
	one(f, "accepted_total", "counter", "Connections taken in", c->accepted);
	by_reason(f, "refused_total", "Connections refused", c->refused);
	one(f, "handshakes_total", "counter", "Handshakes that came as far as a certificate", c->handshakes);
	fprintf(f, "# HELP iwf_gw_tls_total Connections taken in, by version\n# TYPE iwf_gw_tls_total counter\n"
	        "iwf_gw_tls_total{version=\"1.2\"} %llu\niwf_gw_tls_total{version=\"1.3\"} %llu\n",
	        (unsigned long long)c->tls12, (unsigned long long)c->tls13);
	fprintf(f, "# HELP iwf_gw_closed_total Connections that have ended, by kind of end\n# TYPE iwf_gw_closed_total counter\n");
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		fprintf(f, "iwf_gw_closed_total{by=\"%s\"} %llu\n", ends[i], (unsigned long long)c->ended[i]);
	one(f, "requests_total", "counter", "Requests of SCSs", c->requests);
	by_reason(f, "requests_refused_total", "Requests answered here", c->request_refused);
	one(f, "forwarded_total", "counter", "Requests given to a node", s.dars);
	one(f, "answers_total", "counter", "Answers given to an SCS", s.daas);
	one(f, "reports_total", "counter", "Requests of nodes given to an SCS", s.dnrs);
	one(f, "report_answers_total", "counter", "Answers to them", s.dnas);
	one(f, "retried_total", "counter", "Requests given to another node with the T flag", s.retried);
	one(f, "timeouts_total", "counter", "Requests that no node has answered in time", s.timeouts);
	one(f, "in_flight", "gauge", "Requests that wait for their answers", s.in_flight);
	one(f, "audit_dropped_total", "counter", "Audit rows and questions for OCSP that the keeper was too busy to take", d->count.audit_dropped);
	one(f, "bytes_in_total", "counter", "Octets of messages from SCSs", c->bytes_in);
	one(f, "bytes_out_total", "counter", "Octets of messages to SCSs", c->bytes_out);
	fprintf(f, "# HELP iwf_gw_node_up Is the node connected\n# TYPE iwf_gw_node_up gauge\n");
	for (size_t i = 0; i < d->conf->nnode; i++)
		fprintf(f, "iwf_gw_node_up{node=\"%s\"} %d\n", d->conf->node[i].host, d->node[i].up);
	of_scs(f, d);
}

void door_stats_serve(int fd, void *ctx)
{
	int to = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	char *text = NULL;
	size_t n = 0;
	FILE *f;

	if (to < 0)
		return;
	f = open_memstream(&text, &n);
	if (f) {
		print(f, ctx);
		/* What the socket does not take at once, its reader does not get. */
		if (fclose(f) == 0 && send(to, text, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			n = 0;
	}
	free(text);
	close(to);
}
