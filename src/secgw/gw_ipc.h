/* gw_ipc.h - what the two processes of mtc-secgw say to each other.
 *
 * The keeper reads the store, the certificates and CRLs, asks OCSP responders, writes the audit, and has the private key.
 * The door talks to the world and has none of these: no file, no store, no key.  A door that is taken over can ask for
 * signatures of handshakes and write audit rows, within bounds, and that is all.
 *
 * SOCK_SEQPACKET pairs; what is large goes as a sealed memfd.  Neither side believes lengths or counts it has not checked. */
#pragma once
#include <gnutls/gnutls.h>
#include "gw_table.h"
#include "store.h"

enum gw_ipc_type {
	/* keeper to door */
	GW_IPC_TABLE = 1,        /* memfd: array of struct gw_scs */
	GW_IPC_TRUST,            /* memfd: CA PEM, CRL PEM (two length-prefixed blobs) */
	GW_IPC_CERT,             /* memfd: our certificate chain, PEM, and the CA for nodes; the key belongs to it */
	GW_IPC_OCSP,             /* id, enum iwf_reason */
	GW_IPC_STOP,             /* DPR to everybody, then end */
	/* door to keeper */
	GW_IPC_READY,            /* everything has been taken, connections are accepted */
	GW_IPC_AUDIT,            /* one row */
	GW_IPC_ASK_OCSP,         /* id, certificate and issuer (DER) */
};
struct gw_ipc;                                   /* one end */
struct gw_ipc *gw_ipc_new(int fd);               /* takes it over; NULL: no memory */
void gw_ipc_free(struct gw_ipc *);
int gw_ipc_fd(const struct gw_ipc *);

/* Senders: false: the other side is gone (or, for audit and OCSP, too slow: the message is dropped and counted). */
bool gw_ipc_send_table(struct gw_ipc *, const struct gw_scs *rows, size_t n);
bool gw_ipc_send_trust(struct gw_ipc *, const gnutls_datum_t *ca_pem, const gnutls_datum_t *crl_pem);
bool gw_ipc_send_cert(struct gw_ipc *, const gnutls_datum_t *chain_pem, const gnutls_datum_t *node_ca_pem);
bool gw_ipc_send_ocsp(struct gw_ipc *, uint64_t id, enum iwf_reason verdict, int64_t good_until_ms);
bool gw_ipc_send_plain(struct gw_ipc *, enum gw_ipc_type);   /* STOP, READY */
bool gw_ipc_send_audit(struct gw_ipc *, const struct iwf_audit *);
bool gw_ipc_ask_ocsp(struct gw_ipc *, uint64_t id, const gnutls_datum_t *cert, const gnutls_datum_t *issuer);

/* Audit rows and OCSP questions dropped since the last call. */
uint64_t gw_ipc_dropped(struct gw_ipc *);

struct gw_ipc_msg {
	enum gw_ipc_type type;
	struct gw_scs *rows; size_t nrows;           /* TABLE; the receiver's to free */
	gnutls_datum_t blob[2];                      /* TRUST, CERT, ASK_OCSP; gnutls_free() */
	uint64_t id; enum iwf_reason reason; int64_t until_ms;   /* OCSP */
	struct iwf_audit audit; char *text;          /* AUDIT; its strings are in text, to free */
};
/* 1: *out; 0: nothing there now; -1: the other side is gone, or talks nonsense (logged). */
int gw_ipc_recv(struct gw_ipc *, struct gw_ipc_msg *out);
void gw_ipc_msg_free(struct gw_ipc_msg *);

/* Signatures: the door's private key is only a way to ask the keeper's signer.  `fd` is the door's end of a pair of its
 * own; the certificate tells the kind of key.  A signature that takes longer than 2 s fails. */
int gw_signer_key(int fd, gnutls_x509_crt_t crt, gnutls_privkey_t *out);      /* 0 or an error of GnuTLS */
/* The keeper's side: answers until the other end closes.  Runs in a thread of its own; `key` may be replaced meanwhile. */
struct gw_signer;
struct gw_signer *gw_signer_start(int fd, char *err, size_t err_size);
/* Taken over.  Who has a certificate of the key before this one gets signatures by that for two minutes.  NULL: none any more. */
void gw_signer_set_key(struct gw_signer *, gnutls_privkey_t key);
void gw_signer_stop(struct gw_signer *);
