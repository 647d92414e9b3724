/* gw_raw.h - what a hostile SCS needs: TCP from any loopback address, TLS with any SCS's certificate, octets of one's
 * own choice.  Blocking, without src/peer, which would not send such things. */
#pragma once
#include <gnutls/gnutls.h>
#include "wire.h"

#define RAW_DWR 280u
#define RAW_TSP 16777309u
#define RAW_S6M 16777310u
#define RAW_T4  16777311u
#define RAW_DAR 8388639u
#define RAW_DNR 8388640u
#define RAW_SIR 8388641u
#define RAW_DRR 8388644u

struct raw_net { const char *pki, *door, *realm; uint16_t port; };
struct raw {
	int fd;                        /* -1: none */
	gnutls_session_t tls;          /* NULL: none */
	uint8_t in[1u << 18]; size_t n, taken;
	bool closed;
	unsigned watchdogs;            /* that it has answered */
	char host[256];                /* whose certificate it has */
};

int64_t raw_now_ms(void);
void raw_pause(uint32_t ms);
/* -1: refused.  `from` 0: 127.0.0.1, otherwise 127.0.x.y of its two low octets. */
int raw_tcp(const struct raw_net *, unsigned from);
/* A ClientHello as GnuTLS would send it; its length. */
size_t raw_hello(const struct raw_net *, uint8_t *out, size_t size);
/* 1: the other side has closed within that time, 0: it has not. */
int raw_wait_closed(int fd, uint32_t ms);

/* TLS only; false: it did not come about.  The certificate is PKI/host.crt. */
bool raw_tls(struct raw *, const struct raw_net *, const char *host, unsigned from);
/* TLS, CER and CEA; the Result-Code of the CEA, 0: none. */
uint32_t raw_open(struct raw *, const struct raw_net *, const char *host, unsigned from);
void raw_close(struct raw *);
void raw_put_cer(struct dia_writer *, const char *host);
/* False: the connection is gone. */
bool raw_send(struct raw *, const void *p, size_t n);
/* The next message but watchdogs, which it answers, until the next call; NULL: nothing came in that time, or `closed`. */
const uint8_t *raw_next(struct raw *, size_t *n, uint32_t ms);
/* Sends a request and waits for its answer; NULL: none, or `closed`. */
const uint8_t *raw_ask(struct raw *, const void *p, size_t n, size_t *answer_n, uint32_t ms);
uint32_t raw_result(const uint8_t *msg, size_t n);    /* Result-Code; 0: none */
uint32_t raw_status(const uint8_t *msg, size_t n);    /* Request-Status; 9999: none */
const char *raw_realm(const char *host);              /* behind the first dot */

struct raw_dar { const char *host, *realm, *dest_realm, *ext_id; uint32_t hbh, reference; };
/* Up to the end; more may be put behind before dia_end(). */
void raw_put_dar(struct dia_writer *, const struct raw_dar *);
