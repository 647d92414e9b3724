/* bare.h - what the two extensions share that `make bench` measures the node against: freeDiameter's own
 * functions, and nothing that the node uses, so that what is mended there does not mend the baseline, too.
 *
 * They trust everybody, keep nothing, and end the daemon's start if the dictionary is not loaded. */
#pragma once
#include <freeDiameter/extension.h>
#include "dict.h"

#define TSP_APP 16777309u
#define T4_APP  16777311u

int fd_ext_init(int major, int minor, char *conf_file);
void fd_ext_fini(void);

/* Non-zero: not in the dictionary. */
int bare_avps(const enum dia_id *ids, size_t n);
int bare_command(const char *name, struct dict_object **out);
/* Any peer may come in, `cb` gets the requests of that name. */
int bare_serve(uint32_t app, const char *command, int (*cb)(struct msg **, struct avp *, struct session *, void *, enum disp_action *));

/* As the last child; 0 or an error. */
int bare_u32(msg_or_avp *in, enum dia_id id, uint32_t v);
int bare_octets(msg_or_avp *in, enum dia_id id, const void *p, size_t n);
int bare_group(msg_or_avp *in, enum dia_id id, struct avp **out);
/* The value of the first child of that kind; NULL: none. */
union avp_value *bare_value(msg_or_avp *in, enum dia_id id);
struct avp *bare_child(msg_or_avp *in, enum dia_id id);

/* *msg, a request, becomes its answer with Result-Code 2001. */
int bare_answer(struct msg **msg);
/* Session-Id, Auth-Session-State, Origin and Destination. */
int bare_request(struct dict_object *command, const void *host, size_t host_n, const void *realm, size_t realm_n, struct msg **out);
/* Device-Notification of a DAA: what the DAR says, and the status. */
int bare_notification(struct msg *answer, struct avp *action, uint32_t status);
