/* peer_ends.h - a server and a client in one loop, for tests of what the server's
 * owner decides; and raw sockets that may do what no client would. */
#pragma once
#include <check.h>
#include "patience.h"
#include "peer_certs.h"
#include "peer_int.h"

#define APP 16777309u
#define CMD 8388639u

struct end {
	struct peer *peer;                 /* the last one opened; NULL when it has closed */
	int opened, closed;
	enum peer_end kind;
	char why[256];
	unsigned requests, answers, dprs;
	uint32_t cause;
	size_t last_len;
};

/* What the owner's hooks do, and saw. */
struct hook {
	bool turn_away;
	int trust;                         /* what verify returns */
	uint32_t admit;
	unsigned arrivals, verifications, admissions;
	char from[64], subject[64], host[64];
	struct peer *waiting;
};

extern struct peer_loop *loop;
extern struct end server, client;
extern struct hook hook;
extern struct peer_ops server_ops;        /* without hooks, until a test sets them */
extern const struct peer_ops client_ops;

struct peer_conf conf_of(const char *host);
/* Of a certificate ("pem") or key ("key"); good for the next seven calls. */
const char *path(const char *name, const char *suffix);
struct peer_conf tls_conf(const char *host, const char *cert);
/* The caller's, or whoever's it gives them to. */
gnutls_certificate_credentials_t credentials(const char *name);
struct peer_listener *serve(const struct peer_conf *conf);
void dial(const struct peer_conf *conf, const struct peer_listener *l);
void open_both(const struct peer_conf *s, const struct peer_conf *c);
/* Turns the loop until *what has got to `want`, at most PATIENCE_MS. */
void run_until(const int *what, int want);
void run_ms(int ms);
bool arrived(struct peer *p, const struct sockaddr *from, void *ctx);
int verify(struct peer *p, void *ctx);
uint32_t admit(struct peer *p, const uint8_t *cer, size_t n, const char **why, void *ctx);
/* Common name of the other side's certificate. */
void subject_of(const struct peer *p, char *out, size_t size);
/* With a Payload of so many octets; the caller frees it. */
struct dia_writer request(uint32_t app, uint32_t code, uint32_t hbh, size_t payload);
/* Sends one. */
void ask(struct peer *p, size_t payload);
/* Until the client has had so many answers. */
void answered(unsigned want);
int raw_socket(const struct peer_listener *l);
void put(int fd, const void *p, size_t n);
void put_cer(int fd);
/* One message off a raw socket, at most PATIENCE_MS of the loop; 0: the end. */
size_t take(int fd, uint8_t *to, size_t size);
/* CER and CEA exchanged. */
int raw_open(const struct peer_listener *l);
/* The first flight of a client: what a handshake begins with. */
extern uint8_t hello[2048];
extern size_t hello_n;
void make_hello(void);
/* The main() of such a program. */
int ends_main(const char *name, void (*add)(TCase *));
