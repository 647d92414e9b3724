/* gw_door_int.h - what the files of the door know of each other. */
#pragma once
#include <sys/socket.h>
#include "gw_admit.h"
#include "gw_door.h"
#include "gw_proxy.h"
#include "gw_shield.h"
#include "peer.h"

#define DOOR_CHAIN_MAX 4
#define DOOR_SLOTS 4096u
#define DOOR_CACHE 4096u

/* An SCS that has been here: what counts over all its connections. */
struct door_scs {
	struct door_scs *next;
	int64_t id;
	struct gw_gate_scs gate;
	uint32_t open;                          /* connections, those that wait for admission too */
	uint64_t requests, refused;
};

struct door_conn {
	struct door_conn *prev, *next;          /* of all */
	struct door_conn *next_id;              /* of its slot */
	struct door *door;
	uint64_t id;
	struct peer *peer;
	struct sockaddr_storage from;
	char address[64];                       /* numeric, without port */
	bool counted;                           /* at the shield */
	bool open, ending;
	enum iwf_reason reason;                 /* why it was not let in, or is sent away */
	char detail[200];
	gnutls_datum_t chain[DOOR_CHAIN_MAX]; unsigned nchain;
	struct iwf_cert cert;                    /* with nchain only */
	uint32_t trust;                         /* door.trust, when it was checked */
	char host[IWF_DIAMID_MAX + 1], realm[IWF_DIAMID_MAX + 1];
	struct door_scs *scs;                   /* placed: counted there */
	bool placed;
	uint64_t rival;                         /* id of the silent one whose place it may get; 0: none */
	int64_t wait_until;                     /* monotonic: for the rival, or for OCSP */
	uint64_t timer;
	bool asked_ocsp;
};

struct door_node { struct door *door; unsigned index; struct peer *peer; bool up; uint32_t backoff_ms; uint64_t timer; };

struct door_count {
	uint64_t accepted, refused[IWF_REASONS], requests, request_refused[IWF_REASONS], bytes_in, bytes_out, handshakes, tls12, tls13;
	uint64_t ended[PEER_END_REMOTE + 1], audit_dropped;
	uint32_t open, half_open;
};

struct door {
	const struct gw_conf *conf;
	const struct gw_door_fds *fds;
	struct peer_loop *loop;
	struct gw_ipc *ipc;
	struct gw_shield *shield;
	struct gw_table *table;
	struct iwf_pki *pki;
	uint32_t trust;                         /* which pki that is, counted */
	struct gw_proxy *proxy;
	struct gw_gate_conf gate;
	gnutls_datum_t chain_pem, node_ca_pem;
	struct peer_listener *listener[GW_LISTEN_MAX];
	struct door_node node[GW_NODES_MAX];
	struct door_conn *conns, *cursor;       /* cursor: the next one to be looked at again */
	struct door_conn *by_id[DOOR_SLOTS];
	struct door_scs *scs[DOOR_SLOTS];
	uint64_t next_id, tick, recheck;
	int64_t rechecked_ms;
	struct { char sha256[64 + 1]; int64_t until_ms; } good[DOOR_CACHE];   /* OCSP */
	struct dia_writer answer;
	struct door_count count;
	bool open_for_business, stopping;
	int status;
};

int64_t door_wall_ms(void);
extern const uint32_t door_app;

/* gw_door_conn.c */
void door_conn_ops(struct door *, struct peer_ops *out);
struct door_conn *door_conn_find(const struct door *, uint64_t id);
void door_ocsp_verdict(struct door *, uint64_t id, enum iwf_reason, int64_t until_ms);
void door_recheck_soon(struct door *);       /* everybody, in slices */
void door_forget_all(struct door *);

/* gw_door_node.c */
gnutls_certificate_credentials_t door_credentials(struct door *, bool for_node, char *err, size_t err_size);
void door_nodes_start(struct door *);
void door_nodes_stop(struct door *);
bool door_to_node(void *door, unsigned node, const uint8_t *msg, size_t n);

/* gw_door_stats.c: the counters, to whoever connects. */
void door_stats_serve(int fd, void *door);
