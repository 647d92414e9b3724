/* bad_input.h - what the files of bad_input share: a DAR that can be spoilt, and
 * a connection that can be asked. */
#pragma once
#include "peer.h"

#define TSP_APP 16777309u
#define S6M_APP 16777310u
#define T4_APP  16777311u
#define CMD_DAR 8388639u
#define CMD_DNR 8388640u
#define CMD_SIR 8388641u
#define CMD_DTR 8388643u
#define CMD_DRR 8388644u

#define ANSWER_MS 60000   /* how long to wait for what has to come */

/* ---- bad_input_dar.c: the good DAR, as a list of AVPs in the order of the wire. */

#define MESSAGE (-1)   /* in the place of a group: the message itself */

enum edit_op {
	KEEP,
	OMIT,      /* the AVP `id`, with all that is in it */
	TWICE,     /* once more behind the first; an Unsigned32 of the second one differs in its last bit */
	NUMBER,    /* `number` as its data; put into its group if it is not there */
	OCTETS,    /* the n octets at p, likewise */
	FILL,      /* n octets of value `number`, likewise */
	SIZED,     /* data cut, or lengthened with zeroes, to n octets */
	UNKNOWN,   /* an AVP that nobody knows at the end of the group `id`, with `number` as flags */
	LENGTH,    /* the length field of the AVP says `number` */
	LAST,      /* moved to the end of the message */
};
struct edit { enum edit_op op; int id; uint32_t number; const char *p; size_t n; };

#define EDITS_MAX 5
#define ITEMS_MAX 48
struct item {
	int id;                          /* of dia_avps; -1: not in it */
	unsigned level;                  /* groups around it */
	uint32_t code, vendor;
	uint8_t flags;
	const uint8_t *p; size_t n;
	bool has_length; uint32_t length;
};
struct dar {
	struct item v[ITEMS_MAX]; size_t n;
	uint8_t arena[70000]; size_t used;   /* what the items point to */
};

/* Who asks for what; the rest of the good DAR is the same every time. */
struct dar_base { const char *session_id, *origin_host, *origin_realm, *dest_realm, *ext_id; uint32_t action, reference; };
void dar_make(struct dar *, const struct dar_base *);
void dar_edit(struct dar *, const struct edit *);
/* Index of the nth (from 0) of that kind, -1: none.  MESSAGE: the nth that nobody knows. */
int dar_find(const struct dar *, int id, unsigned nth);
/* False: no such number, or one that cannot be read. */
bool dar_number(const struct dar *, int id, uint32_t *out);
/* The AVPs alone, without a message around them; frees nothing. */
void dar_put(const struct dar *, struct dia_writer *);
/* What Failed-AVP has to hold for the AVP at `at`: the groups around it with nothing else in them, then the AVP. */
bool dar_failed(const struct dar *, int at, struct dia_writer *);
/* The same for an AVP that is missing: an example of the least length, all zeroes. */
bool dar_failed_example(int id, struct dia_writer *);

/* ---- bad_input_link.c: a connection that is asked one thing at a time. */

/* How reports are answered. */
enum dna { DNA_GOOD, DNA_SHORT_RESULT, DNA_NO_RESULT, DNA_UNKNOWN_FIRST, DNA_WRONG_FIRST, DNA_NO_ORIGIN, DNA_EMPTY, DNA_NO_DNR, DNAS };
struct reports { struct { uint32_t reference, outcome; } v[64]; size_t n; };
struct link {
	const char *host, *realm;        /* who we are; the certificate is PKI/host.crt */
	struct peer_loop *loop;
	struct peer *peer;               /* NULL: not connected */
	bool open;
	char why[256];                   /* why it is closed */
	struct { uint32_t hbh; uint8_t *answer; size_t n; } asked[2];   /* answer NULL: not there */
	size_t nasked, missing;
	bool wake_on_close, wake_on_report;
	struct reports reports;
	enum dna dna;
	unsigned strays;                 /* answers to nothing */
};
struct net { const char *pki, *node, *realm; uint16_t port; };

bool link_open(struct link *, const struct net *, const char *host, const char *realm, bool no_cer);
void link_close(struct link *);
/* Forgets what was asked before. */
void link_begin(struct link *);
/* Sends one or two requests; link_wait() then waits for the answers, which are in `asked`. */
bool link_send(struct link *, const uint8_t *msg, size_t n, uint32_t hbh);
enum link_end { ANSWERED, CLOSED, SILENT };
enum link_end link_wait(struct link *, int timeout_ms);
/* Waits until the other side closes. */
bool link_wait_closed(struct link *, int timeout_ms);
bool link_wait_report(struct link *, uint32_t reference, int timeout_ms);
