/* base.c - the base protocol of a connection (RFC 6733 5): capabilities,
 * watchdog, disconnecting. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "peer_int.h"

#define CMD_CE 257u
#define CMD_DW 280u
#define CMD_DP 282u
#define RELAY  0xffffffffu
#define RC_SUCCESS               2001u
#define RC_COMMAND_UNSUPPORTED   3001u
#define RC_APP_UNSUPPORTED       3007u
#define RC_NO_COMMON_APPLICATION 5010u
#define RC_UNABLE_TO_COMPLY      5012u

static bool queue_failed(struct peer *p, size_t n)
{
	size_t waiting = p->out_n - p->out_at;

	if (p->src.dead)
		return false;
	if (waiting + n > p->setup->conf.max_queue)
		peer_end_as(p, PEER_END_STALLED, "no room for an answer: %zu octets wait for the peer already", waiting);
	else
		peer_close(p, "out of memory");
	return false;
}

static bool send_built(struct peer *p, struct dia_writer *w)
{
	bool ok = dia_end(w) && peer_queue(p, w->p, w->n);
	size_t n = w->n;

	dia_writer_free(w);
	return ok || queue_failed(p, n);
}

bool peer_send_or_end(struct peer *p, const uint8_t *msg, size_t n)
{
	if (peer_send(p, msg, n))
		return true;
	return p->state == ST_OPEN && n <= peer_max_send(p) && queue_failed(p, n);
}

static void put_origin(struct peer *p, struct dia_writer *w)
{
	dia_put_text(w, DIA_Origin_Host, p->setup->conf.origin_host);
	dia_put_text(w, DIA_Origin_Realm, p->setup->conf.origin_realm);
}

/* Host-IP-Address: the address family of RFC 6733 4.3.1, then the address. */
static void put_local_address(struct peer *p, struct dia_writer *w)
{
	struct sockaddr_storage sa = { 0 };
	uint8_t a[18] = { 0 };

	if (!p->transport->local || !p->transport->local(p, &sa))
		sa.ss_family = AF_INET;
	if (sa.ss_family == AF_INET6) {
		a[1] = 2;
		memcpy(a + 2, &((struct sockaddr_in6 *)&sa)->sin6_addr, 16);
		dia_put_octets(w, DIA_Host_IP_Address, a, 18);
	} else {
		a[1] = 1;
		memcpy(a + 2, &((struct sockaddr_in *)&sa)->sin_addr, 4);
		dia_put_octets(w, DIA_Host_IP_Address, a, 6);
	}
}

static void put_capabilities(struct peer *p, struct dia_writer *w)
{
	const struct peer_conf *c = &p->setup->conf;

	put_origin(p, w);
	put_local_address(p, w);
	dia_put_u32(w, DIA_Vendor_Id, 0);
	dia_put_text(w, DIA_Product_Name, c->product);
	dia_put_u32(w, DIA_Supported_Vendor_Id, DIA_VENDOR_3GPP);
	for (size_t i = 0; i < c->napps; i++) {
		dia_open(w, DIA_Vendor_Specific_Application_Id);
		dia_put_u32(w, DIA_Vendor_Id, DIA_VENDOR_3GPP);
		dia_put_u32(w, DIA_Auth_Application_Id, c->apps[i]);
		dia_close(w);
	}
}

/* The watchdog counts silence; any octet received starts it anew. */
static void watchdog(void *ctx)
{
	struct peer *p = ctx;
	uint32_t tw_ms = p->setup->conf.watchdog_s * 1000;
	int64_t idle = peer_now_ms() - p->last_rx_ms;
	uint32_t next = tw_ms;

	p->watchdog = 0;
	if (p->state != ST_OPEN)
		return;
	if (idle < tw_ms) {
		next = tw_ms - (uint32_t)idle;
	} else if (p->dwr_missed >= 2) {
		peer_end_as(p, PEER_END_WATCHDOG, "watchdog: two DWRs without an answer");
		return;
	} else {
		struct dia_writer w = { 0 };

		dia_begin(&w, DIA_F_REQUEST, CMD_DW, 0, peer_next_hbh(p), peer_next_e2e(p));
		put_origin(p, &w);
		p->dwr_missed++;
		if (!send_built(p, &w))
			return;
	}
	p->watchdog = peer_timer(p->loop, next, watchdog, p);
	if (!p->watchdog)
		peer_close(p, "out of memory");
}

static void open_peer(struct peer *p, const char *why)
{
	peer_clear_deadline(p);
	p->state = ST_OPEN;
	p->watchdog = peer_timer(p->loop, p->setup->conf.watchdog_s * 1000, watchdog, p);
	if (!p->watchdog) {
		peer_close(p, "out of memory");
		return;
	}
	if (p->ops.event)
		p->ops.event(p, PEER_OPEN, why, p->ops.ctx);
}

void peer_base_start(struct peer *p)
{
	struct dia_writer w = { 0 };

	if (p->server) {
		p->state = ST_WAIT_CER;
	} else if (p->setup->conf.bad.no_cer) {
		open_peer(p, "no CER sent");
	} else {
		p->state = ST_WAIT_CEA;
		p->base_hbh = peer_next_hbh(p);
		dia_begin(&w, DIA_F_REQUEST, CMD_CE, 0, p->base_hbh, peer_next_e2e(p));
		put_capabilities(p, &w);
		send_built(p, &w);
	}
	peer_update_interest(p);
}

static void note(char **to, const uint8_t *msg, size_t n, enum dia_id id)
{
	char text[256];
	struct dia_avp a;

	if (!dia_msg_find(msg, n, id, &a))
		return;
	dia_avp_text(&a, text, sizeof(text));
	free(*to);
	*to = strdup(text);
}

static void note_remote(struct peer *p, const uint8_t *msg, size_t n)
{
	note(&p->remote_host, msg, n, DIA_Origin_Host);
	note(&p->remote_realm, msg, n, DIA_Origin_Realm);
}

static bool we_have(const struct peer *p, const struct dia_avp *a)
{
	uint32_t id;

	if (!dia_avp_u32(a, &id))
		return false;
	if (id == RELAY)
		return true;
	for (size_t i = 0; i < p->setup->conf.napps; i++)
		if (p->setup->conf.apps[i] == id)
			return true;
	return false;
}

static bool is_app_id(const struct dia_avp *a)
{
	return !a->vendor && a->def && (a->def == &dia_avps[DIA_Auth_Application_Id] ||
	                                a->def == &dia_avps[DIA_Acct_Application_Id]);
}

static bool common_application(const struct peer *p, const uint8_t *msg, size_t n)
{
	const uint8_t *at = msg + DIA_HDR_LEN;
	size_t left = n - DIA_HDR_LEN;
	struct dia_avp a, b;

	while (dia_avp_next(&at, &left, &a) == 1) {
		const uint8_t *in = a.data;
		size_t in_left = a.len;

		if (is_app_id(&a) && we_have(p, &a))
			return true;
		if (a.def != &dia_avps[DIA_Vendor_Specific_Application_Id])
			continue;
		while (dia_avp_next(&in, &in_left, &b) == 1)
			if (is_app_id(&b) && we_have(p, &b))
				return true;
	}
	return false;
}

static void send_cea(struct peer *p, const uint8_t *cer, size_t n, uint32_t result, const char *error, const struct dia_fault *fault)
{
	struct dia_writer w = { 0 };

	dia_begin_answer(&w, cer, n, result / 1000 == 3 ? DIA_F_ERROR : 0);
	dia_put_u32(&w, DIA_Result_Code, result);
	put_capabilities(p, &w);
	if (error)
		dia_put_text(&w, DIA_Error_Message, error);
	if (fault && fault->failed_len) {
		dia_open(&w, DIA_Failed_AVP);
		dia_put_bytes(&w, fault->failed, fault->failed_len);
		dia_close(&w);
	}
	if (!send_built(p, &w))
		return;
	if (result == RC_SUCCESS) {
		open_peer(p, "CEA 2001 sent");
		return;
	}
	if (!p->end)
		p->end = PEER_END_CER;
	peer_close_after_flush(p, "CER refused with %u: %s", result, error ? error : fault ? fault->what : "no common application");
}

static void got_cer(struct peer *p, const uint8_t *msg, size_t n)
{
	const char *why = NULL;
	struct dia_fault fault;
	uint32_t result = RC_SUCCESS;

	note_remote(p, msg, n);
	if (!dia_check(msg, n, &fault)) {
		send_cea(p, msg, n, fault.result_code, NULL, &fault);
		return;
	}
	if (!common_application(p, msg, n)) {
		send_cea(p, msg, n, RC_NO_COMMON_APPLICATION, NULL, NULL);
		return;
	}
	if (p->ops.admit)
		result = p->ops.admit(p, msg, n, &why, p->ops.ctx);
	if (p->src.dead)
		return;
	if (result) {
		send_cea(p, msg, n, result, result == RC_SUCCESS ? NULL : why, NULL);
		return;
	}
	p->cer = malloc(n);
	if (!p->cer) {
		peer_close(p, "out of memory");
		return;
	}
	memcpy(p->cer, msg, n);
	p->cer_n = n;
	p->state = ST_WAIT_ADMIT;
}

void peer_admit(struct peer *p, uint32_t result, const char *why)
{
	uint8_t *cer = p->cer;

	if (p->src.dead || p->state != ST_WAIT_ADMIT)
		return;
	p->cer = NULL;
	p->state = ST_WAIT_CER;
	send_cea(p, cer, p->cer_n, result, result == RC_SUCCESS ? NULL : why, NULL);
	free(cer);
}

/* Who a connection belongs to was settled with its first CER. */
static void got_another_cer(struct peer *p, const uint8_t *msg, size_t n)
{
	struct dia_writer w = { 0 };

	dia_begin_answer(&w, msg, n, 0);
	dia_put_u32(&w, DIA_Result_Code, RC_UNABLE_TO_COMPLY);
	put_capabilities(p, &w);
	dia_put_text(&w, DIA_Error_Message, "The capabilities of this connection have been exchanged");
	send_built(p, &w);
}

static void got_cea(struct peer *p, const uint8_t *msg, size_t n, const struct dia_hdr *h)
{
	struct dia_avp a;
	uint32_t result = 0;
	char text[128] = "";
	const char *name;

	if (h->hbh != p->base_hbh) {
		peer_close(p, "the CEA does not answer our CER (Hop-by-Hop)");
		return;
	}
	note_remote(p, msg, n);
	if (dia_msg_find(msg, n, DIA_Result_Code, &a) && dia_avp_u32(&a, &result) && result == RC_SUCCESS) {
		open_peer(p, "CEA 2001");
		return;
	}
	if (dia_msg_find(msg, n, DIA_Error_Message, &a))
		dia_avp_text(&a, text, sizeof(text));
	name = dia_enum_name(&dia_avps[DIA_Result_Code], result);
	peer_close(p, "CEA %u%s%s%s%s", result, name ? " " : "", name ? name : "", text[0] ? ": " : "", text);
}

static void simple_answer(struct peer *p, const uint8_t *msg, size_t n, uint32_t result)
{
	struct dia_writer w = { 0 };

	dia_begin_answer(&w, msg, n, result / 1000 == 3 ? DIA_F_ERROR : 0);
	dia_put_u32(&w, DIA_Result_Code, result);
	put_origin(p, &w);
	send_built(p, &w);
}

void peer_base_dpr(struct peer *p, uint32_t cause)
{
	struct dia_writer w = { 0 };

	p->state = ST_CLOSING;
	p->base_hbh = peer_next_hbh(p);
	dia_begin(&w, DIA_F_REQUEST, CMD_DP, 0, p->base_hbh, peer_next_e2e(p));
	put_origin(p, &w);
	dia_put_u32(&w, DIA_Disconnect_Cause, cause);
	if (send_built(p, &w))
		peer_set_deadline(p, PEER_CLOSE_MS);
}

static void got_dpr(struct peer *p, const uint8_t *msg, size_t n)
{
	struct dia_avp a;
	uint32_t cause = 0;
	const char *name;

	if (dia_msg_find(msg, n, DIA_Disconnect_Cause, &a))
		dia_avp_u32(&a, &cause);
	name = dia_enum_name(&dia_avps[DIA_Disconnect_Cause], cause);
	p->state = ST_CLOSING;
	p->end = PEER_END_DPR;
	simple_answer(p, msg, n, RC_SUCCESS);
	peer_say_why(p, "DPR from the peer (%s)", name ? name : "unknown cause");
	/* The peer closes when it has our DPA. */
	if (!p->src.dead)
		peer_set_deadline(p, PEER_CLOSE_MS);
}

static void base_request(struct peer *p, const uint8_t *msg, size_t n, const struct dia_hdr *h)
{
	switch (h->code) {
	case CMD_CE:
		got_another_cer(p, msg, n);
		break;
	case CMD_DW:
		if (!p->setup->conf.bad.ignore_dwr)
			simple_answer(p, msg, n, RC_SUCCESS);
		break;
	case CMD_DP:
		got_dpr(p, msg, n);
		break;
	default:
		simple_answer(p, msg, n, RC_COMMAND_UNSUPPORTED);
		break;
	}
}

static bool our_application(const struct peer *p, uint32_t app)
{
	for (size_t i = 0; i < p->setup->conf.napps; i++)
		if (p->setup->conf.apps[i] == app)
			return true;
	return false;
}

static void capabilities_first(struct peer *p, const uint8_t *msg, size_t n, const struct dia_hdr *h)
{
	char label[64];
	bool request = h->flags & DIA_F_REQUEST;

	if (h->app == 0 && h->code == CMD_CE && request == p->server) {
		if (p->server)
			got_cer(p, msg, n);
		else
			got_cea(p, msg, n, h);
		return;
	}
	peer_end_as(p, PEER_END_FRAMING, "a %s instead of the %s", dia_cmd_label(h, label, sizeof(label)), p->server ? "CER" : "CEA");
}

void peer_base_message(struct peer *p, const uint8_t *msg, size_t n)
{
	struct dia_hdr h;

	if (!dia_hdr_read(msg, n, &h))
		return;
	if (p->state == ST_WAIT_ADMIT) {
		peer_end_as(p, PEER_END_FRAMING, "a message before the CEA");
	} else if (p->state == ST_WAIT_CER || p->state == ST_WAIT_CEA) {
		capabilities_first(p, msg, n, &h);
	} else if (h.app == 0 && (h.flags & DIA_F_REQUEST)) {
		base_request(p, msg, n, &h);
	} else if (h.app == 0 && (h.code == CMD_CE || h.code == CMD_DW || h.code == CMD_DP)) {
		if (h.code == CMD_DP && p->state == ST_CLOSING && h.hbh == p->base_hbh)
			peer_close(p, "disconnected by us");
	} else if ((h.flags & DIA_F_REQUEST) && !our_application(p, h.app)) {
		simple_answer(p, msg, n, RC_APP_UNSUPPORTED);
	} else if (p->ops.message) {
		p->ops.message(p, msg, n, p->ops.ctx);
	}
}

bool peer_probe(struct peer *p)
{
	struct dia_writer w = { 0 };

	if (p->src.dead || p->state != ST_OPEN)
		return false;
	dia_begin(&w, DIA_F_REQUEST, CMD_DW, 0, peer_next_hbh(p), peer_next_e2e(p));
	put_origin(p, &w);
	return send_built(p, &w);
}

int64_t peer_silent_ms(const struct peer *p)
{
	return peer_now_ms() - p->last_rx_ms;
}
