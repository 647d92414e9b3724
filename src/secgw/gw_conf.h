/* gw_conf.h - mtc-secgw.conf (libconfig) as one checked struct; the option table is in gw_conf.c. */
#pragma once
#include "pki.h"
#include "conf.h"
#include "hash.h"

#define GW_LISTEN_MAX 16
#define GW_NODES_MAX 8
#define GW_ADDRS_MAX 4

enum gw_transport { GW_TLS, GW_DTLS_SCTP, GW_TCP, GW_SCTP };   /* the last two for SCSs with security = ndsip only */
enum gw_ocsp_policy { GW_OCSP_OFF, GW_OCSP_SOFT, GW_OCSP_HARD };      /* hard: no answer, no entrance */
enum gw_sandbox { GW_SANDBOX_REQUIRE, GW_SANDBOX_TRY, GW_SANDBOX_OFF };

struct gw_listen {
	enum gw_transport transport;
	char address[64];                     /* numeric, "0.0.0.0" or "::" for all */
	uint16_t port;
	char more[GW_ADDRS_MAX][64]; size_t nmore;   /* SCTP: further local addresses (multihoming) */
	int sctp_stack;                       /* enum peer_sctp_stack */
	uint16_t udp_port;                    /* SCTP in UDP (RFC 6951) with the user-space stack; 0: not */
};
struct gw_node {
	char host[IWF_DIAMID_MAX + 1], realm[IWF_DIAMID_MAX + 1];
	char address[64]; uint16_t port;      /* numeric address */
	bool tls;
	uint16_t priority;                    /* the lowest that is connected gets the requests */
};
struct gw_conf {
	char file[512];
	char identity[IWF_DIAMID_MAX + 1], realm[IWF_DIAMID_MAX + 1];   /* what SCSs see, and nodes */
	struct gw_listen listen[GW_LISTEN_MAX]; size_t nlisten;
	struct gw_node node[GW_NODES_MAX]; size_t nnode;
	char node_key_file[512];              /* shown to nodes without TLS; "": none */
	struct iwf_key node_key;
	struct { char uri[512]; uint32_t busy_timeout_ms, poll_ms; bool audit; int line; } store;
	struct {
		char cert[512], key[512];     /* PEM; key: a file or a pkcs11: URI */
		char pin_file[512];           /* of the token; "": none */
		char ca[512], crl[512];       /* crl "": none */
		char node_ca[512];            /* for nodes[].tls */
		int crl_policy, ocsp;
		char ocsp_responder[512];     /* instead of what the certificate says; "": that */
		uint32_t ocsp_timeout_ms, ocsp_cache_s;
		char keylog[512];             /* NSS key log for captures; "": none */
	} tls;
	struct {
		uint32_t connections, connections_per_source;
		uint32_t half_open, half_open_per_source;
		uint32_t source_rate_per_s, source_burst;      /* new connections from one address */
		uint32_t hello_timeout_ms, handshake_timeout_ms, cer_timeout_ms;
		uint32_t message_max, queue_max, stall_timeout_ms;
		uint32_t watchdog_s;
		uint32_t in_flight, in_flight_per_scs, answer_timeout_ms;
		uint32_t rate_per_s, burst;                    /* for SCSs whose row sets none */
		uint32_t handshake_share_us;
		uint32_t audit_per_s, audit_burst;             /* rows; what comes faster is counted and told with the next */
	} limits;
	struct { char user[64], keeper_user[64]; int sandbox; char control[512]; } process;
	struct { int level; } log;
};

/* As iwf_conf_read() (conf.h). */
int gw_conf_read(const char *file, struct gw_conf *out, void (*complain)(void *ctx, const struct iwf_conf_error *), void *ctx);
void gw_conf_print_sample(FILE *to);     /* conf/mtc-secgw.conf is its output */
