/* app_tsp.fdx - the server of Device-Action-Requests and the client of
 * Device-Notification-Requests. */
#include "tsp.h"
#include "log.h"

struct tsp_app tsp_app;
static struct disp_hdl *on_dar_hdl;
static struct fd_hook_hdl *answers_hook, *refusals_hook, *silence_hook;

/* What comes out of here is in every case an answer, now or later: a callback
 * that fails would make freeDiameter drop the request. */
static int on_dar(struct msg **msg, struct avp *avp, struct session *sess, void *opaque, enum disp_action *act)
{
	struct msg *request = *msg;
	struct iwf_peer_info peer;
	struct tsp_dar view, *dar;
	struct tsp_fault fault;
	DiamId_t from = NULL;
	size_t from_len = 0;

	*msg = NULL;
	bool faulty = tsp_intake_take(request, &fault);
	if (faulty || !tsp_decode_dar(request, &view)) {
		tsp_refuse(request, faulty ? &fault : NULL);
		return 0;
	}
	fd_msg_source_get(request, &from, &from_len);
	struct iwf_view host = { (const uint8_t *)from, from ? from_len : 0 };
	if (!iwf_peer_get(host, &peer)) {
		/* The connection is gone, and with it who it was. */
		tsp_answer_busy(request);
		return 0;
	}
	if (peer.proven)
		view.peer = host;
	if (peer.proven && tsp_is_agent(host)) {
		tsp_read_proxy_info(request, host, &peer);
		tsp_route_seen(view.origin_host, host);
	}
	view.peer_address = (struct iwf_view){ (uint8_t *)peer.address, strlen(peer.address) };
	view.peer_cert = (struct iwf_view){ (uint8_t *)peer.cert_sha256, strlen(peer.cert_sha256) };
	view.token = (iwf_token)(uintptr_t)request;

	dar = tsp_dar_dup(&view);
	if (!dar || !iwf_node_post_dar(tsp_app.node, dar)) {
		tsp_dar_free(dar);
		tsp_answer_busy(request);
	}
	return 0;
}

/* In the refusals of other commands too: what freeDiameter could not read it puts into Failed-AVP all the same, cannot write
 * it, and closes the connection. */
static void mend_failed_avp(struct msg *answer)
{
	struct dia_fault fault = { .result_code = 2001 };
	struct msg *request = NULL;
	struct avp_hdr *hdr;
	struct avp *next;
	uint8_t *bytes = NULL;
	size_t n = 0;

	for (struct avp *a = fdx_first(answer); a; a = next) {
		next = fdx_next(a);
		if (fd_msg_avp_hdr(a, &hdr) == 0 && hdr->avp_code == dia_avps[DIA_Failed_AVP].code && !(hdr->avp_flags & AVP_FLAG_VENDOR))
			fd_msg_free(a);
	}
	if (fd_msg_answ_getq(answer, &request) || !request || fd_msg_bufferize(request, &bytes, &n))
		return;
	if (!dia_check(bytes, n, &fault) && fault.failed_len && fdx_put_failed_avp(answer, fault.failed, fault.failed_len))
		iwf_log(IWF_LOG_ERROR, IWF_SUB_TSP, "a refusal is without its Failed-AVP: out of memory");
	free(bytes);
}

/* freeDiameter found the grammar broken and has begun an answer, with a
 * Failed-AVP that is not what RFC 6733 7.5 asks for and no Device-Notification. */
static void on_refusal(enum fd_hook_type type, struct msg *msg, struct peer_hdr *peer, void *other,
                       struct fd_hook_permsgdata *pmd, void *regdata)
{
	struct msg_hdr *hdr;

	if (!msg || fd_msg_hdr(msg, &hdr) || (hdr->msg_flags & CMD_FLAG_REQUEST))
		return;
	if (hdr->msg_appl == TSP_APP && hdr->msg_code == TSP_CODE_DAR)
		tsp_mend_refusal(msg);
	else
		mend_failed_avp(msg);
}

/* Where nobody listens, freeDiameter writes each message out in words, with a lock, for a log that throws them away. */
static void on_nothing(enum fd_hook_type type, struct msg *msg, struct peer_hdr *peer, void *other,
                       struct fd_hook_permsgdata *pmd, void *regdata)
{
}

static int silence_hooks(void)
{
	if (fd_g_debug_lvl <= FD_LOG_DEBUG)      /* freeDiameterd -d: they are wanted */
		return 0;
	return fd_hook_register(HOOK_MASK(HOOK_DATA_RECEIVED, HOOK_MESSAGE_LOCAL, HOOK_MESSAGE_SENT, HOOK_MESSAGE_ROUTING_FORWARD,
	                                  HOOK_MESSAGE_ROUTING_LOCAL), on_nothing, NULL, NULL, &silence_hook);
}

static void port_answer(void *ctx, iwf_token token, const struct tsp_daa *daa)
{
	tsp_answer((struct msg *)(uintptr_t)token, daa);
}

static void port_notify(void *ctx, int64_t report, uint32_t timeout_ms, const struct tsp_dnr *dnr)
{
	tsp_notify(report, timeout_ms, dnr);
}

static int app_tsp_entry(char *conf_file)
{
	struct dict_object *tsp, *vendor, *dar;
	struct disp_when when = {0};
	char err[256];

	tsp_app.node = fdx_node("app_tsp", conf_file);
	if (!tsp_app.node || !tsp_find_avps() || !fdx_app_find(TSP_APP, &tsp, &vendor) ||
	    !fdx_cmd_find("Device-Action-Request", &dar) || !fdx_cmd_find("Device-Notification-Request", &tsp_app.dnr))
		return EINVAL;

	when.app = tsp;
	when.command = dar;
	int rc = fd_disp_register(on_dar, DISP_HOW_CC, &when, NULL, &on_dar_hdl);
	rc = rc ?: fdx_watch_answers(&answers_hook);
	rc = rc ?: fd_hook_register(HOOK_MASK(HOOK_MESSAGE_PARSING_ERROR2), on_refusal, NULL, NULL, &refusals_hook);
	rc = rc ?: silence_hooks();
	rc = rc ?: tsp_intake_start();
	rc = rc ?: tsp_route_start();
	rc = rc ?: tsp_guard_start();
	rc = rc ?: tsp_log_start();
	rc = rc ?: fd_disp_app_support(tsp, vendor, 1, 0);
	if (rc)
		return rc;

	iwf_node_attach_tsp(tsp_app.node, &(struct iwf_tsp_port){ .answer = port_answer, .notify = port_notify });
	if (!iwf_node_start(tsp_app.node, err, sizeof(err))) {
		iwf_log(IWF_LOG_ERROR, IWF_SUB_TSP, "app_tsp does not start: %s", err);
		return EINVAL;
	}
	rc = tsp_stop_start();
	if (rc)
		return rc;
	iwf_log(IWF_LOG_NOTICE, IWF_SUB_TSP, "Tsp is served");
	return 0;
}

void fd_ext_fini(void)
{
	if (on_dar_hdl)
		fd_disp_unregister(&on_dar_hdl, NULL);
	tsp_stop_stop();
	if (tsp_app.node)
		iwf_node_stop(tsp_app.node);
	tsp_route_stop();
	tsp_guard_stop();
	tsp_log_stop();
	tsp_intake_stop();
	if (silence_hook)
		fd_hook_unregister(silence_hook);
	if (refusals_hook)
		fd_hook_unregister(refusals_hook);
	if (answers_hook)
		fd_hook_unregister(answers_hook);
	fdx_forget_waiting();
	fdx_forget_late();
	iwf_node_put(tsp_app.node);
	tsp_app.node = NULL;
}

EXTENSION_ENTRY("app_tsp", app_tsp_entry, "dict_mtc");
