#include <time.h>
#include "fdx.h"
#include "log.h"

/* ---- requests ----------------------------------------------------------- */

/* RFC 6733 8.8.  Not through freeDiameter's sessions, which would stay for a month. */
static void new_session_id(char *out, size_t size)
{
	uint64_t number = iwf_node_session_number();

	snprintf(out, size, "%.*s;%u;%u", (int)fd_g_config->cnf_diamid_len, fd_g_config->cnf_diamid,
	         (unsigned)(number >> 32), (unsigned)number);
}

int fdx_request(struct dict_object *cmd, const char *dest_host, const char *dest_realm, bool retransmitted,
                struct msg **out)
{
	char session[IWF_DIAMID_MAX + 64];
	struct msg_hdr *hdr;
	int rc = fd_msg_new(cmd, MSGFL_ALLOC_ETEID, out);
	if (rc)
		return rc;

	new_session_id(session, sizeof(session));
	rc = fdx_put_text(*out, DIA_Session_Id, session);
	rc = rc ?: fdx_put_u32(*out, DIA_Auth_Session_State, 1);
	rc = rc ?: fd_msg_add_origin(*out, 0);
	rc = rc ?: fdx_put_text(*out, DIA_Destination_Host, dest_host);
	rc = rc ?: fdx_put_text(*out, DIA_Destination_Realm, dest_realm);
	rc = rc ?: fd_msg_hdr(*out, &hdr);
	if (rc) {
		fd_msg_free(*out);
		*out = NULL;
	} else if (retransmitted) {
		hdr->msg_flags |= CMD_FLAG_RETRANSMIT;
	}
	return rc;
}

/* What freeDiameter carries for us is a pointer: who waits, and its number.  When
 * it stops it forgets them, so we keep them too. */
struct waiting { struct waiting *prev, *next; fdx_done *done; uint64_t number; };
static struct waiting waiters = { .prev = &waiters, .next = &waiters };
static pthread_mutex_t waiters_lock = PTHREAD_MUTEX_INITIALIZER;

static struct waiting *begin_waiting(fdx_done *done, uint64_t number)
{
	struct waiting *w = malloc(sizeof(*w));

	if (!w)
		return NULL;
	pthread_mutex_lock(&waiters_lock);
	*w = (struct waiting){ waiters.prev, &waiters, done, number };
	w->prev->next = w->next->prev = w;
	pthread_mutex_unlock(&waiters_lock);
	return w;
}

static struct fd_rt_out_hdl *give_back_hdl;

static void end_waiting(struct waiting *w)
{
	pthread_mutex_lock(&waiters_lock);
	w->prev->next = w->next;
	w->next->prev = w->prev;
	pthread_mutex_unlock(&waiters_lock);
	free(w);
}

void fdx_forget_waiting(void)
{
	if (give_back_hdl)
		fd_rt_out_unregister(give_back_hdl, NULL);
	give_back_hdl = NULL;
	while (waiters.next != &waiters)
		end_waiting(waiters.next);
}

static void end(struct waiting *w, enum fdx_end how, struct msg *answer)
{
	w->done(w->number, how, answer);
	end_waiting(w);
}

/* An answer that freeDiameter made up itself because there was nowhere to send to. */
static bool is_from_ourselves(struct msg *answer)
{
	struct avp_hdr *hdr;

	for (struct avp *a = fdx_first(answer); a; a = fdx_next(a))
		if (fdx_id(a, &hdr) == DIA_Origin_Host) {
			struct iwf_view v = fdx_view(hdr);
			return v.n == fd_g_config->cnf_diamid_len && !strncasecmp((const char *)v.p, fd_g_config->cnf_diamid, v.n);
		}
	return false;
}

static void on_answer(void *data, struct msg **msg)
{
	struct waiting *w = data;
	struct msg *request = NULL;
	struct msg_hdr *hdr = NULL, *answer = NULL;

	if (fd_msg_answ_getq(*msg, &request) || !request || fd_msg_hdr(request, &hdr) || fd_msg_hdr(*msg, &answer) ||
	    answer->msg_code != hdr->msg_code || answer->msg_appl != hdr->msg_appl)
		end(w, FDX_NONSENSE, NULL);
	else if (!is_from_ourselves(*msg))
		end(w, FDX_ANSWERED, *msg);
	else if (hdr->msg_flags & CMD_FLAG_RETRANSMIT)
		end(w, FDX_TIMEOUT, NULL);   /* sent before, by us or when a connection broke: it may have been taken */
	else
		end(w, FDX_UNREACHABLE, NULL);
	fd_msg_free(*msg);
	*msg = NULL;
}

static void on_expiry(void *data, DiamId_t peer, size_t peer_len, struct msg **msg)
{
	end(data, FDX_TIMEOUT, NULL);
	fd_msg_free(*msg);
	*msg = NULL;
}

void fdx_send(struct msg *request, uint32_t timeout_ms, fdx_done *done, uint64_t number)
{
	struct timespec until;
	struct waiting *w = begin_waiting(done, number);

	if (!w) {
		fd_msg_free(request);
		done(number, FDX_UNREACHABLE, NULL);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	until.tv_sec += timeout_ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	if (fd_msg_send_timeout(&request, on_answer, w, on_expiry, &until)) {
		end(w, FDX_UNREACHABLE, NULL);
		if (request)
			fd_msg_free(request);
	}
}

static void on_parsing_error(enum fd_hook_type type, struct msg *msg, struct peer_hdr *peer, void *other,
                             struct fd_hook_permsgdata *pmd, void *regdata)
{
	struct msg_hdr *hdr;
	struct msg *request = NULL;
	void (*answered)(void *, struct msg **) = NULL;
	void *data = NULL;

	if (!msg || fd_msg_hdr(msg, &hdr) || (hdr->msg_flags & CMD_FLAG_REQUEST) || fd_msg_answ_getq(msg, &request) || !request ||
	    fd_msg_anscb_get(request, &answered, NULL, &data) || answered != on_answer)
		return;
	/* freeDiameter may still hand the answer over, when it finds an error in it
	 * that it takes for one of the peer's: by then nobody is to be told twice. */
	fd_msg_anscb_reset(request, 1, 0);
	end(data, FDX_NONSENSE, NULL);
}

/* A request of ours that nobody can take comes back at once.  freeDiameter would put an answer of its own into the queue
 * of what has come in, and wait for room there: but with requests coming in all the time the threads that empty that queue wait for
 * room in the next one, the last of them for room in the one that only the waiting thread empties, and nothing
 * moves ever again. */
static int give_back(void *unused, struct msg **msg, struct fd_list *candidates)
{
	void (*answered)(void *, struct msg **) = NULL;
	struct msg_hdr *hdr;
	void *data = NULL;

	if (fd_msg_hdr(*msg, &hdr) || !(hdr->msg_flags & CMD_FLAG_REQUEST) || fd_msg_anscb_get(*msg, &answered, NULL, &data) ||
	    answered != on_answer)
		return 0;
	for (struct fd_list *li = candidates->next; li != candidates; li = li->next) {
		struct rtd_candidate *c = (struct rtd_candidate *)li;
		struct peer_hdr *peer = NULL;

		if (c->score >= 0 && fd_peer_getbyid(c->diamid, c->diamidlen, 0, &peer) == 0 && peer && fd_peer_get_state(peer) == STATE_OPEN)
			return 0;
	}
	fd_msg_anscb_reset(*msg, 1, 1);
	end(data, hdr->msg_flags & CMD_FLAG_RETRANSMIT ? FDX_TIMEOUT : FDX_UNREACHABLE, NULL);
	fd_msg_free(*msg);
	*msg = NULL;
	return 0;
}

#define AFTER_ALL_OTHERS (-1)

int fdx_watch_answers(struct fd_hook_hdl **hook)
{
	return fd_hook_register(HOOK_MASK(HOOK_MESSAGE_PARSING_ERROR), on_parsing_error, NULL, NULL, hook)
	       ?: fd_rt_out_register(give_back, NULL, AFTER_ALL_OTHERS, &give_back_hdl);
}

/* ---- answers ------------------------------------------------------------ */

int fdx_answer_fields(struct msg *answer, uint32_t result_code, const char *error_message)
{
	struct msg_hdr *hdr;
	int rc = fd_msg_hdr(answer, &hdr);
	if (rc)
		return rc;
	if (result_code / 1000 == 3)
		hdr->msg_flags |= CMD_FLAG_ERROR;
	else
		hdr->msg_flags &= (uint8_t)~CMD_FLAG_ERROR;
	rc = fdx_put_u32(answer, DIA_Auth_Session_State, 1);
	rc = rc ?: fd_msg_add_origin(answer, 0);
	rc = rc ?: fdx_put_u32(answer, DIA_Result_Code, result_code);
	if (!rc && error_message)
		rc = fdx_put_text(answer, DIA_Error_Message, error_message);
	return rc;
}

int fdx_answer(struct msg **msg, uint32_t result_code, const char *error_message)
{
	return fd_msg_new_answer_from_req(fd_g_config->cnf_dict, msg, 0) ?: fdx_answer_fields(*msg, result_code, error_message);
}

/* ---- log and node ------------------------------------------------------- */

static void to_fd_log(void *ctx, enum iwf_log_level level, enum iwf_log_sub sub, const char *line)
{
	fd_log(level == IWF_LOG_ERROR ? FD_LOG_ERROR : FD_LOG_NOTICE, FDX_LOG_FORMAT, iwf_log_sub_str(sub),
	       iwf_log_level_str(level), line);
}

void fdx_log_join(void)
{
	iwf_log_set_sink(to_fd_log, NULL);
}

struct iwf_node *fdx_node(const char *extension, const char *conf_file)
{
	char err[1024];

	fdx_log_join();
	struct iwf_node *node = iwf_node_get(conf_file, err, sizeof(err));
	if (!node)
		iwf_log(IWF_LOG_ERROR, IWF_SUB_CONF, "%s does not start: %s", extension, err);
	return node;
}
