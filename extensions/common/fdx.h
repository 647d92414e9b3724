/* fdx.h - what our freeDiameter extensions share: AVPs by their row in the
 * dictionary tables, requests with an end, answers, the log.
 *
 * Linked into each .fdx on its own.  Functions that build return 0 or the error
 * of freeDiameter; a message that could not be built is freed by whoever began it. */
#pragma once
#include <freeDiameter/extension.h>
#include "dict.h"
#include "node.h"
#include "peers.h"
#include "wire.h"

/* What freeDiameter looks for in an extension; 1.2.1 declares neither. */
int fd_ext_init(int major, int minor, char *conf_file);
void fd_ext_fini(void);

/* Finds the dictionary objects of these AVPs and compares their types with ours.
 * False, after a log line that names the AVP: dict_mtc.fdx is not loaded, or
 * another dictionary disagrees. */
bool fdx_avps_find(const enum dia_id *ids, size_t n);
bool fdx_app_find(uint32_t id, struct dict_object **app, struct dict_object **vendor);
bool fdx_cmd_find(const char *name, struct dict_object **cmd);

/* Into a message or a group, as the last child. */
int fdx_put_u32(msg_or_avp *in, enum dia_id id, uint32_t value);
int fdx_put_octets(msg_or_avp *in, enum dia_id id, const void *p, size_t n);
int fdx_put_text(msg_or_avp *in, enum dia_id id, const char *text);
int fdx_open(msg_or_avp *in, enum dia_id group, struct avp **out);
/* Supported-Features { 10415, list 1, bits } */
int fdx_put_features(msg_or_avp *in, uint32_t bits);
/* Failed-AVP around AVPs that are encoded already. */
int fdx_put_failed_avp(struct msg *msg, const uint8_t *avps, size_t n);

/* Children of a message or group in turn: for (a = fdx_first(x); a; a = fdx_next(a)) */
struct avp *fdx_first(msg_or_avp *in);
struct avp *fdx_next(struct avp *avp);
/* Which row of the tables it is; -1: none.  *hdr: header and value, value NULL for a group. */
int fdx_id(struct avp *avp, struct avp_hdr **hdr);
struct iwf_view fdx_view(const struct avp_hdr *hdr);
/* Octets as text, cut to size - 1. */
void fdx_text(const struct avp_hdr *hdr, char *out, size_t size);
/* True: it is Supported-Features of vendor 10415, list 1; *bits has them. */
bool fdx_read_features(struct avp *avp, uint32_t *bits);
/* Result-Code and Experimental-Result-Code (vendor 10415) of an answer; 0: not there. */
void fdx_read_result(struct msg *answer, uint32_t *result, uint32_t *experimental);

/* A request of ours with Session-Id, Auth-Session-State, Origin and Destination. */
int fdx_request(struct dict_object *cmd, const char *dest_host, const char *dest_realm, bool retransmitted,
                struct msg **out);
/* How a request ended.  UNREACHABLE: it never left us. */
enum fdx_end { FDX_ANSWERED, FDX_UNREACHABLE, FDX_TIMEOUT, FDX_NONSENSE };
/* answer: NULL unless FDX_ANSWERED; stays with the caller. */
typedef void fdx_done(uint64_t number, enum fdx_end end, struct msg *answer);
/* Sends it and tells `done` the end, from whatever thread.  Nothing comes when
 * freeDiameter is shutting down: the node has deadlines of its own.  Takes the message. */
void fdx_send(struct msg *request, uint32_t timeout_ms, fdx_done *done, uint64_t number);
/* For each extension that sends: answers that break the grammar, which
 * freeDiameter drops without a word to whoever asked, end as FDX_NONSENSE; requests
 * that nobody can take as FDX_UNREACHABLE, without a detour. */
int fdx_watch_answers(struct fd_hook_hdl **hook);
/* At the exit of the extension, when nothing comes any more. */
void fdx_forget_waiting(void);

/* *msg becomes the answer: Session-Id and Proxy-Info of the request, Result-Code
 * (with the E bit for 3xxx), Auth-Session-State, Origin; Error-Message unless NULL. */
int fdx_answer(struct msg **msg, uint32_t result_code, const char *error_message);
/* The same for an answer that is begun already (all but Session-Id and Proxy-Info). */
int fdx_answer_fields(struct msg *answer, uint32_t result_code, const char *error_message);
/* Takes the message, also when nobody is left to send it to.  To a peer that freeDiameter does not send to yet it goes later. */
void fdx_answer_send(struct msg *answer);
/* At the exit of the extension: what would go later goes nowhere. */
void fdx_forget_late(void);

/* Our log lines go to freeDiameter's log, in a form that nothing else has there. */
#define FDX_LOG_FORMAT "%s %s: %s"
void fdx_log_join(void);
/* iwf_node_get(), with the reason logged when it is NULL. */
struct iwf_node *fdx_node(const char *extension, const char *conf_file);
