/* tsp_intake.c - messages as they came in, before freeDiameter takes them apart.
 *
 * Afterwards it is too late to say exactly what was wrong: freeDiameter can write
 * neither a group that it could not read nor an unknown AVP without data.  And
 * there is what it does not survive (seen with 1.2.1), since an error in a routing
 * thread ends the daemon:
 *  - an answer whose grammar is broken in its Result-Code or before: it insists on
 *    a value that it has not read;
 *  - an answer of a command that nobody knows, to a request of ours, that says an error: it goes on with it, and
 *    insists on the command;
 *  - a Proxy-Info that it cannot copy into an answer;
 *  - a Session-Id with a NUL in it;
 *  - a Session-Id with the V bit and vendor 0, in whatever message: it takes it for the Session-Id, does not find it in
 *    its dictionary, and insists on the value;
 *  - a request that it refuses while routing (not for us, unknown application),
 *    from a peer that is gone by then;
 *  - a crowd of requests with a decorated User-Name, which the routing thread puts
 *    back into the queue that only itself empties.
 * So what is not for us is refused by us, from where answers go out safely: it
 * goes on as a DAR without content, and its answer gets the true command back. */
#include <pthread.h>
#include <stdatomic.h>
#include "log.h"
#include "tsp.h"

/* ---- what is wrong with it ---------------------------------------------- */

static void blame(struct dia_fault *fault, uint32_t result_code, const char *what, enum dia_id id, struct dia_writer *failed)
{
	*fault = (struct dia_fault){ .result_code = result_code, .what = what, .def = &dia_avps[id] };
	if (dia_end(failed) && failed->n - DIA_HDR_LEN <= sizeof(fault->failed)) {
		fault->failed_len = failed->n - DIA_HDR_LEN;
		memcpy(fault->failed, failed->p + DIA_HDR_LEN, fault->failed_len);
	}
	dia_writer_free(failed);
}

/* One that may be empty. */
static void blame_missing(struct dia_fault *fault, enum dia_id id)
{
	struct dia_writer w = {0};

	dia_begin(&w, 0, 0, 0, 0, 0);
	dia_put_octets(&w, id, NULL, 0);
	blame(fault, 5005, "required AVP missing", id, &w);
}

static void blame_action_type(struct dia_fault *fault, uint32_t value)
{
	struct dia_writer w = {0};

	dia_begin(&w, 0, 0, 0, 0, 0);
	dia_open(&w, DIA_Device_Action);
	dia_put_u32(&w, DIA_Action_Type, value);
	dia_close(&w);
	blame(fault, 5004, "Action-Type is not one of a request", DIA_Action_Type, &w);
}

static void blame_avp(struct dia_fault *fault, uint32_t result_code, const char *what, enum dia_id id, const struct dia_avp *a)
{
	struct dia_writer w = {0};

	dia_begin(&w, 0, 0, 0, 0, 0);
	dia_put_raw(&w, a->code, a->flags, a->vendor, a->data, a->len);
	blame(fault, result_code, what, id, &w);
}

/* True: nothing is.  Fills in what the answer repeats. */
static bool check_dar(const uint8_t *bytes, size_t n, struct tsp_fault *fault)
{
	struct dia_avp action, a;
	bool has_action = dia_msg_find(bytes, n, DIA_Device_Action, &action);

	if (has_action && dia_group_find(&action, DIA_Reference_Number, &a))
		dia_avp_u32(&a, &fault->reference);
	if (has_action && dia_group_find(&action, DIA_Action_Type, &a))
		dia_avp_u32(&a, &fault->action);
	if (!dia_check(bytes, n, &fault->grammar))
		return false;
	if (dia_msg_find(bytes, n, DIA_Session_Id, &a) && (!a.len || memchr(a.data, 0, a.len)))
		blame_avp(&fault->grammar, 5004, "Session-Id is empty, or has a NUL in it", DIA_Session_Id, &a);
	else if (!has_action)
		/* Optional by the ABNF, but no DAR means anything without it. */
		blame_missing(&fault->grammar, DIA_Device_Action);
	else if (fault->action != TSP_TRIGGER && fault->action != TSP_RECALL && fault->action != TSP_REPLACE)
		/* 2 and 5 are for Device-Notification (TS 29.368 6.4.6). */
		blame_action_type(&fault->grammar, fault->action);
	return fault->grammar.result_code == 2001;
}

/* ---- known until it is refused ------------------------------------------ */

/* The latest faulty requests.  Between its arrival and its refusal a request
 * passes freeDiameter's queues, which hold far fewer. */
#define KEPT_MAX 256
static struct kept { const struct msg *msg; struct tsp_fault fault; } *kept[KEPT_MAX];
static unsigned next_kept;
static atomic_uint nkept;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct fd_hook_hdl *hook;

/* Called with the lock. */
static struct kept **find(const struct msg *msg)
{
	for (unsigned i = 0; i < KEPT_MAX; i++)
		if (kept[i] && kept[i]->msg == msg)
			return &kept[i];
	return NULL;
}

static void drop(struct kept **at)
{
	free(*at);
	*at = NULL;
	nkept--;
}

bool tsp_intake_take(const struct msg *request, struct tsp_fault *out)
{
	struct kept **at;

	if (!nkept)
		return false;
	pthread_mutex_lock(&lock);
	at = find(request);
	if (at) {
		*out = (*at)->fault;
		drop(at);
	}
	pthread_mutex_unlock(&lock);
	return at != NULL;
}

static void keep(const struct msg *msg, const struct tsp_fault *fault)
{
	struct kept *k = malloc(sizeof(*k));

	if (!k)
		return;
	*k = (struct kept){ msg, *fault };
	pthread_mutex_lock(&lock);
	if (kept[next_kept])
		drop(&kept[next_kept]);
	kept[next_kept] = k;
	next_kept = (next_kept + 1) % KEPT_MAX;
	nkept++;
	pthread_mutex_unlock(&lock);
}

/* ---- whom it is for ----------------------------------------------------- */

static bool is_base(const struct avp_hdr *hdr, enum dia_id id)
{
	return hdr->avp_code == dia_avps[id].code && !(hdr->avp_flags & AVP_FLAG_VENDOR);
}

static bool parses(struct avp *a)
{
	struct fd_pei pei;
	return fd_msg_parse_dict(a, fd_g_config->cnf_dict, &pei) == 0;
}

/* Octets of an AVP of the base protocol; false: it does not parse. */
static bool read_base(struct avp *a, struct iwf_view *out)
{
	struct avp_hdr *hdr;

	if (!parses(a) || fd_msg_avp_hdr(a, &hdr) || !hdr->avp_value)
		return false;
	*out = fdx_view(hdr);
	return true;
}

static bool is_ours(struct iwf_view v, const char *name, size_t len)
{
	return v.n == len && !strncasecmp((const char *)v.p, name, len);
}

struct route { bool has_realm, our_realm, has_host, our_host, loop, decorated; };

static struct route read_route(struct msg *msg)
{
	const struct fd_config *own = fd_g_config;
	struct route r = {0};
	struct avp_hdr *hdr;
	struct iwf_view v;

	for (struct avp *a = fdx_first(msg); a; a = fdx_next(a)) {
		if (fd_msg_avp_hdr(a, &hdr))
			continue;
		if (is_base(hdr, DIA_Destination_Realm)) {
			r.our_realm = read_base(a, &v) && is_ours(v, own->cnf_diamrlm, own->cnf_diamrlm_len) && (!r.has_realm || r.our_realm);
			r.has_realm = true;
		} else if (is_base(hdr, DIA_Destination_Host)) {
			r.our_host = read_base(a, &v) && is_ours(v, own->cnf_diamid, own->cnf_diamid_len) && (!r.has_host || r.our_host);
			r.has_host = true;
		} else if (is_base(hdr, DIA_Route_Record)) {
			r.loop = r.loop || (read_base(a, &v) && is_ours(v, own->cnf_diamid, own->cnf_diamid_len));
		} else if (is_base(hdr, DIA_User_Name)) {
			r.decorated = r.decorated || (read_base(a, &v) && memchr(v.p, '!', v.n));
		}
	}
	return r;
}

/* True: not for us, as freeDiameter would see it.  A fault that is there already
 * stays if nothing worse comes to it than that nobody knows where it wants to go. */
static bool is_misrouted(struct msg *msg, const struct msg_hdr *hdr, struct dia_fault *fault)
{
	struct route r = read_route(msg);
	struct fd_app *app = NULL;
	struct dia_fault f = {0};

	if (hdr->msg_flags & CMD_FLAG_ERROR)
		f = (struct dia_fault){ .result_code = 3008, .what = "request with the E bit" };
	else if (fd_app_check(&fd_g_config->cnf_apps, hdr->msg_appl, &app) || !app)
		f = (struct dia_fault){ .result_code = 3007, .what = "application unknown" };
	else if (r.loop)
		f = (struct dia_fault){ .result_code = 3005, .what = "it has been here before" };
	else if (r.has_host && !r.our_host)
		f = (struct dia_fault){ .result_code = 3002, .what = "Destination-Host is not this node, and nothing is relayed" };
	else if (r.has_realm && !r.our_realm)
		f = (struct dia_fault){ .result_code = 3003, .what = "Destination-Realm is not served here" };
	else if (r.decorated && !r.has_host)
		f = (struct dia_fault){ .result_code = 3003, .what = "User-Name asks for another realm, and nothing is relayed" };
	else if (!r.has_realm && fault->result_code < 3000)
		blame_missing(&f, DIA_Destination_Realm);
	else if (r.has_realm)
		return false;
	if (f.result_code)
		*fault = f;
	return true;
}

/* An AVP that is in every request, and so in a DAR without content. */
static bool stays(const struct avp_hdr *hdr)
{
	return is_base(hdr, DIA_Session_Id) || is_base(hdr, DIA_Proxy_Info) || is_base(hdr, DIA_Auth_Application_Id) ||
	       is_base(hdr, DIA_Auth_Session_State) || is_base(hdr, DIA_Origin_Host) || is_base(hdr, DIA_Origin_Realm);
}

/* Without Device-Action nothing but a refusal can come of it, whatever goes wrong from here. */
static void disguise(struct msg *msg, struct msg_hdr *hdr)
{
	struct avp_hdr *avp;
	struct avp *next;

	for (struct avp *a = fdx_first(msg); a; a = next) {
		next = fdx_next(a);
		if (fd_msg_avp_hdr(a, &avp) || !stays(avp))
			fd_msg_free(a);
	}
	hdr->msg_code = TSP_CODE_DAR;
	hdr->msg_appl = TSP_APP;
	hdr->msg_flags = CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE;
	if (fdx_put_octets(msg, DIA_Destination_Realm, fd_g_config->cnf_diamrlm, fd_g_config->cnf_diamrlm_len))
		iwf_log(IWF_LOG_ERROR, IWF_SUB_TSP, "a request cannot be refused: out of memory");
}

/* ---- on arrival --------------------------------------------------------- */

/* What freeDiameter could read but not write again. */
static void drop_empty_unknown(struct avp *group)
{
	struct dict_object *model;
	struct avp_hdr *hdr;
	struct avp *next;

	for (struct avp *a = fdx_first(group); a; a = next) {
		next = fdx_next(a);
		if (fd_msg_avp_hdr(a, &hdr) || fd_msg_model(a, &model))
			continue;
		if (model)
			drop_empty_unknown(a);
		else if (hdr->avp_len <= (hdr->avp_flags & AVP_FLAG_VENDOR ? 12 : 8))
			fd_msg_free(a);
	}
}

static void mend_proxy_infos(struct msg *msg)
{
	struct avp_hdr *hdr;
	struct avp *next;

	for (struct avp *a = fdx_first(msg); a; a = next) {
		next = fdx_next(a);
		if (fd_msg_avp_hdr(a, &hdr) || !is_base(hdr, DIA_Proxy_Info))
			continue;
		if (parses(a))
			drop_empty_unknown(a);
		else
			fd_msg_free(a);
	}
}

/* It would look its session up, whosever it is. */
static void drop_bad_session(struct msg *msg)
{
	struct avp_hdr *hdr;
	struct avp *next;
	struct iwf_view v;

	for (struct avp *a = fdx_first(msg); a; a = next) {
		next = fdx_next(a);
		if (fd_msg_avp_hdr(a, &hdr) || hdr->avp_code != dia_avps[DIA_Session_Id].code || hdr->avp_vendor)
			continue;
		if (!read_base(a, &v) || memchr(v.p, 0, v.n))
			fd_msg_free(a);
	}
}

static bool is_known_answer(const struct msg_hdr *hdr)
{
	command_code_t code = hdr->msg_code;
	struct dict_object *cmd;

	return fd_dict_search(fd_g_config->cnf_dict, DICT_COMMAND, CMD_BY_CODE_A, &code, &cmd, ENOENT) == 0;
}

/* Without Result-Code it is an answer that breaks the grammar, which is dropped and ends our request. */
static void mend_answer(struct msg *msg, const struct msg_hdr *answer)
{
	const bool known = is_known_answer(answer);
	struct avp_hdr *hdr;
	struct avp *next;

	for (struct avp *a = fdx_first(msg); a; a = next) {
		next = fdx_next(a);
		if (fd_msg_avp_hdr(a, &hdr) == 0 && is_base(hdr, DIA_Result_Code) && (!known || !parses(a)))
			fd_msg_free(a);
	}
}

/* Vendor 0 is the IETF, as no vendor is (RFC 6733 4.1). */
static void mend_vendors(struct msg *msg)
{
	struct avp_hdr *hdr;

	for (struct avp *a = fdx_first(msg); a; a = fdx_next(a)) {
		if (fd_msg_avp_hdr(a, &hdr) || !(hdr->avp_flags & AVP_FLAG_VENDOR) || hdr->avp_vendor)
			continue;
		hdr->avp_flags &= (uint8_t)~AVP_FLAG_VENDOR;
		hdr->avp_len -= 4;                 /* of the header; it has been checked to be there */
	}
}

static bool is_faulty_dar(struct msg *msg, struct tsp_fault *fault)
{
	uint8_t *bytes = NULL;
	size_t n = 0;

	if (fd_msg_bufferize(msg, &bytes, &n))
		return false;
	bool faulty = !check_dar(bytes, n, fault);
	free(bytes);
	return faulty;
}

static void on_received(enum fd_hook_type type, struct msg *msg, struct peer_hdr *peer, void *other,
                        struct fd_hook_permsgdata *pmd, void *regdata)
{
	struct tsp_fault fault;
	struct msg_hdr *hdr;

	if (!msg || fd_msg_hdr(msg, &hdr))
		return;
	mend_vendors(msg);
	if (!(hdr->msg_flags & CMD_FLAG_REQUEST)) {
		drop_bad_session(msg);
		mend_answer(msg, hdr);
		return;
	}
	if (!peer || !fd_msg_is_routable(msg)) {   /* a CER, a DWR: answered without us */
		drop_bad_session(msg);
		mend_proxy_infos(msg);
		return;
	}
	/* One that was here before at the same address is gone. */
	tsp_intake_take(msg, &fault);
	fault = (struct tsp_fault){ .action = TSP_TRIGGER, .code = hdr->msg_code, .app = hdr->msg_appl,
	                            .proxiable = hdr->msg_flags & CMD_FLAG_PROXIABLE };
	bool faulty = fault.app == TSP_APP && fault.code == TSP_CODE_DAR && is_faulty_dar(msg, &fault);
	fault.misrouted = fd_g_config->cnf_flags.no_fwd && is_misrouted(msg, hdr, &fault.grammar);
	mend_proxy_infos(msg);
	drop_bad_session(msg);
	if (faulty || fault.misrouted)
		keep(msg, &fault);
	if (fault.misrouted)
		disguise(msg, hdr);
}

int tsp_intake_start(void)
{
	return fd_hook_register(HOOK_MASK(HOOK_MESSAGE_RECEIVED), on_received, NULL, NULL, &hook);
}

void tsp_intake_stop(void)
{
	if (hook)
		fd_hook_unregister(hook);
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < KEPT_MAX; i++)
		if (kept[i])
			drop(&kept[i]);
	pthread_mutex_unlock(&lock);
}
