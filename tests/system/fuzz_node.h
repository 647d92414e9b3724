/* fuzz_node.h - what the roles of fuzz_node share. */
#pragma once
#include "../fuzz/fuzz.h"
#include "peer.h"

#define TSP_APP 16777309u
#define S6M_APP 16777310u
#define T4_APP  16777311u
#define CMD_DAR 8388639u
#define CMD_DNR 8388640u
#define CMD_SIR 8388641u
#define CMD_DTR 8388643u
#define CMD_DRR 8388644u

#define NODE       "iwf.operator.example"
#define REALM      "operator.example"
#define ATTACKER   "scs.acme.example"
#define ATTACKER_REALM "acme.example"
#define HEART      "scs.nordtrack.example"
#define HEART_REALM "nordtrack.example"
#define HEART_DEVICE "tracker1@iot.example.com"
/* What the evil HSS says: nobody outside may ever see it. */
#define SECRET_IMSI "262019876543210"

struct node { uint16_t port; const char *pki; };

/* ---- fuzz_make.c: messages, good ones */
struct make {
	struct fuzz_random random;
	uint32_t hbh, e2e;                 /* of the next request */
	uint32_t broken_one_of;            /* how many mutations for one whose AVPs cannot be told apart */
};
/* A DAR of an SCS for that device; action as in Action-Type. */
void make_dar(struct dia_writer *, const struct make *, const char *host, const char *realm, const char *device, uint32_t action,
              uint32_t reference);
void make_sia(struct dia_writer *, const uint8_t *sir, size_t n);
void make_dta(struct dia_writer *, const uint8_t *dtr, size_t n);
void make_drr(struct dia_writer *, const struct make *, uint32_t reference);
/* Reports are answered. */
void make_dna(struct dia_writer *, const uint8_t *dnr, size_t n, const char *host, const char *realm);
/* Of any command at all, with all its AVPs. */
void make_any(struct dia_writer *, struct make *);
/* The identifiers that whoever receives it goes by. */
void make_ids(uint8_t *msg, uint32_t hbh, uint32_t e2e);
/* A mutation of it in `out`, in octets (seldom) or in AVPs, framed so that it gets as far as the parser.  A base command that
 * would end the connection is none. */
void make_mutation(struct make *, const uint8_t *msg, size_t n, struct dia_writer *out);

/* ---- the roles; each gives the status of the program */
int play_attacker(const struct node *, uint64_t seed, unsigned long count);
int play_heart(const struct node *);
/* smssc: otherwise the HSS.  count_file: holds the number of messages sent, a uint64_t, from one life to the next. */
int play_inside(uint16_t port, bool smssc, const char *count_file, uint64_t seed);
/* So that a role ends on SIGTERM. */
void end_with(struct peer_loop *);
