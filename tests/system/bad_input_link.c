/* bad_input_link.c - a connection as an SCS that is asked one thing at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bad_input.h"

static void keep_report(struct link *l, const uint8_t *msg, size_t n)
{
	struct dia_avp note, a;
	uint32_t reference = 0, outcome = 99;

	if (dia_msg_find(msg, n, DIA_Device_Notification, &note)) {
		if (dia_group_find(&note, DIA_Reference_Number, &a))
			dia_avp_u32(&a, &reference);
		if (dia_group_find(&note, DIA_Delivery_Outcome, &a))
			dia_avp_u32(&a, &outcome);
	}
	l->reports.v[l->reports.n % 64].reference = reference;
	l->reports.v[l->reports.n++ % 64].outcome = outcome;
}

static void answer_report(struct link *l, const uint8_t *msg, size_t n)
{
	const enum dna how = l->dna;
	struct dia_writer w = { 0 };

	dia_begin_answer(&w, msg, n, 0);
	if (how == DNA_UNKNOWN_FIRST)
		dia_put_raw(&w, 65001, DIA_AVP_V | DIA_AVP_M, DIA_VENDOR_3GPP, "?", 1);
	if (how == DNA_WRONG_FIRST)
		dia_put_raw(&w, dia_avps[DIA_Auth_Session_State].code, DIA_AVP_M, 0, "\0\0\1", 3);
	if (how != DNA_EMPTY) {
		dia_put_u32(&w, DIA_Auth_Application_Id, TSP_APP);
		dia_put_u32(&w, DIA_Auth_Session_State, 1);
	}
	if (how != DNA_NO_ORIGIN && how != DNA_EMPTY) {
		dia_put_text(&w, DIA_Origin_Host, l->host);
		dia_put_text(&w, DIA_Origin_Realm, l->realm);
	}
	if (how == DNA_SHORT_RESULT)
		dia_put_raw(&w, dia_avps[DIA_Result_Code].code, DIA_AVP_M, 0, "\7\xd1", 2);
	else if (how != DNA_NO_RESULT && how != DNA_EMPTY)
		dia_put_u32(&w, DIA_Result_Code, 2001);
	if (dia_end(&w)) {
		if (how == DNA_NO_DNR)
			w.p[15] ^= 0x55;   /* Hop-by-Hop: an answer to nothing */
		peer_send(l->peer, w.p, w.n);
	}
	dia_writer_free(&w);
}

static bool keep_answer(struct link *l, uint32_t hbh, const uint8_t *msg, size_t n)
{
	for (size_t i = 0; i < l->nasked; i++) {
		if (l->asked[i].hbh != hbh || l->asked[i].answer)
			continue;
		l->asked[i].answer = malloc(n);
		if (!l->asked[i].answer)
			abort();
		memcpy(l->asked[i].answer, msg, n);
		l->asked[i].n = n;
		l->missing--;
		return true;
	}
	return false;
}

static void on_message(struct peer *p, const uint8_t *msg, size_t n, void *ctx)
{
	struct link *l = ctx;
	struct dia_hdr h;

	dia_hdr_read(msg, n, &h);
	if (h.flags & DIA_F_REQUEST) {
		keep_report(l, msg, n);
		answer_report(l, msg, n);
		if (l->wake_on_report)
			peer_loop_stop(l->loop);
		return;
	}
	if (!keep_answer(l, h.hbh, msg, n))
		l->strays++;
	else if (!l->missing)
		peer_loop_stop(l->loop);
}

static void on_event(struct peer *p, enum peer_event event, const char *why, void *ctx)
{
	struct link *l = ctx;

	l->open = event == PEER_OPEN;
	if (event == PEER_CLOSED) {
		snprintf(l->why, sizeof(l->why), "%s", why);
		l->peer = NULL;
	}
	if (event == PEER_OPEN || l->wake_on_close)
		peer_loop_stop(l->loop);
}

static bool connect_once(struct link *l, const struct net *net, bool no_cer)
{
	static const uint32_t apps[] = { TSP_APP };
	char cert[512], key[512], ca[512];
	const struct peer_conf conf = {
		.origin_host = l->host, .origin_realm = l->realm, .product = "bad_input", .apps = apps, .napps = 1,
		.tls = { .cert = cert, .key = key, .ca = ca }, .expect_host = net->node, .bad = { .no_cer = no_cer },
	};
	const struct peer_ops ops = { .event = on_event, .message = on_message, .trace = NULL, .ctx = l };

	snprintf(cert, sizeof(cert), "%s/%s.crt", net->pki, l->host);
	snprintf(key, sizeof(key), "%s/%s.key", net->pki, l->host);
	snprintf(ca, sizeof(ca), "%s/ca.crt", net->pki);
	l->wake_on_close = true;
	l->peer = peer_connect(l->loop, &conf, "127.0.0.1", net->port, &ops, l->why, sizeof(l->why));
	if (l->peer)
		peer_loop_run(l->loop, ANSWER_MS);
	l->wake_on_close = false;
	return l->open;
}

/* Tries for a while: after a broken connection freeDiameter needs a moment until
 * it takes the same peer again. */
bool link_open(struct link *l, const struct net *net, const char *host, const char *realm, bool no_cer)
{
	const int64_t until = peer_now_ms() + ANSWER_MS;

	l->host = host;
	l->realm = realm;
	if (!l->loop)
		l->loop = peer_loop_new();
	if (!l->loop)
		return false;
	while (!connect_once(l, net, no_cer)) {
		if (peer_now_ms() > until)
			return false;
		peer_loop_run(l->loop, 100);
	}
	return true;
}

void link_close(struct link *l)
{
	if (l->peer) {
		l->wake_on_close = true;
		peer_disconnect(l->peer);
		peer_loop_run(l->loop, 3000);
	}
	if (l->loop)
		peer_loop_free(l->loop);
	link_begin(l);
	memset(l, 0, sizeof(*l));
}

static bool run_until_closed_or(struct link *l, int timeout_ms)
{
	bool woken;

	l->wake_on_close = true;
	woken = peer_loop_run(l->loop, timeout_ms);
	l->wake_on_close = false;
	return woken;
}

void link_begin(struct link *l)
{
	while (l->nasked > 0) {
		free(l->asked[--l->nasked].answer);
		l->asked[l->nasked].answer = NULL;
	}
	l->missing = 0;
}

bool link_send(struct link *l, const uint8_t *msg, size_t n, uint32_t hbh)
{
	if (!l->open || l->nasked == 2 || !peer_send(l->peer, msg, n))
		return false;
	l->asked[l->nasked++].hbh = hbh;
	l->missing++;
	return true;
}

enum link_end link_wait(struct link *l, int timeout_ms)
{
	const int64_t until = peer_now_ms() + timeout_ms;

	while (l->open && l->missing && peer_now_ms() < until)
		run_until_closed_or(l, (int)(until - peer_now_ms()));
	if (l->nasked && !l->missing)
		return ANSWERED;
	return l->open ? SILENT : CLOSED;
}

bool link_wait_closed(struct link *l, int timeout_ms)
{
	const int64_t until = peer_now_ms() + timeout_ms;

	while (l->peer && peer_now_ms() < until)
		run_until_closed_or(l, (int)(until - peer_now_ms()));
	return !l->peer;
}

static bool has_report(const struct link *l, uint32_t reference)
{
	for (size_t i = 0; i < l->reports.n && i < 64; i++)
		if (l->reports.v[i].reference == reference)
			return true;
	return false;
}

bool link_wait_report(struct link *l, uint32_t reference, int timeout_ms)
{
	const int64_t until = peer_now_ms() + timeout_ms;

	l->wake_on_report = true;
	while (l->open && !has_report(l, reference) && peer_now_ms() < until)
		run_until_closed_or(l, (int)(until - peer_now_ms()));
	l->wake_on_report = false;
	return has_report(l, reference);
}
