/* wire.h - Diameter messages (RFC 6733 3, 4) as bytes: read, write, check, print.
 *
 * For everything that is not freeDiameter.  Nothing here allocates but the
 * writer; no input makes it read outside the given bytes. */
#pragma once
#include <stdio.h>
#include "dict.h"

#define DIA_HDR_LEN 20
#define DIA_F_REQUEST 0x80
#define DIA_F_PROXIABLE 0x40
#define DIA_F_ERROR 0x20
#define DIA_F_RETRANSMIT 0x10
#define DIA_AVP_V 0x80
#define DIA_AVP_M 0x40
#define DIA_AVP_P 0x20

struct dia_hdr {
	uint8_t version, flags;
	uint32_t length, code, app, hbh, e2e;
};
/* False: fewer than 20 octets. */
bool dia_hdr_read(const uint8_t *p, size_t n, struct dia_hdr *out);

/* One AVP inside somebody's bytes. */
struct dia_avp {
	uint32_t code, vendor;           /* vendor 0: none */
	uint8_t flags;
	const uint8_t *data; size_t len; /* without header and padding */
	const uint8_t *raw;              /* its header */
	const struct dia_avpdef *def;    /* NULL: not in the dictionary */
};
/* Walks a list of AVPs (the octets behind the message header, or the data of a
 * group).  1: *out is the next one and *p, *n have moved on; 0: the end; -1: what
 * follows is no AVP (length below its header or beyond the end). */
int dia_avp_next(const uint8_t **p, size_t *n, struct dia_avp *out);
/* First AVP of that kind in a whole message / in a group; false: none (or broken before it). */
bool dia_msg_find(const uint8_t *msg, size_t n, enum dia_id id, struct dia_avp *out);
bool dia_group_find(const struct dia_avp *group, enum dia_id id, struct dia_avp *out);
/* False: wrong length. */
bool dia_avp_u32(const struct dia_avp *avp, uint32_t *out);
bool dia_avp_u64(const struct dia_avp *avp, uint64_t *out);
/* The data as a C string (the NUL is added), cut to size - 1 octets. */
void dia_avp_text(const struct dia_avp *avp, char *out, size_t size);

/* Writer: a buffer that grows.  Start with all zeroes; dia_begin() starts the
 * next message in the same buffer.  Without memory, when a message gets longer
 * than its 24-bit length can say, or when a group stays open, `failed` is set
 * and dia_end() says false. */
struct dia_writer { uint8_t *p; size_t n, cap; size_t open[8]; unsigned depth; bool failed; };
void dia_begin(struct dia_writer *, uint8_t flags, uint32_t code, uint32_t app, uint32_t hbh, uint32_t e2e);
/* An answer to that request: its code, app, ids and P bit, and its Session-Id and Proxy-Infos. */
void dia_begin_answer(struct dia_writer *, const uint8_t *request, size_t n, uint8_t extra_flags);
/* Flags and vendor of these come from the dictionary. */
void dia_put_u32(struct dia_writer *, enum dia_id, uint32_t);
void dia_put_u64(struct dia_writer *, enum dia_id, uint64_t);
void dia_put_octets(struct dia_writer *, enum dia_id, const void *p, size_t n);
void dia_put_text(struct dia_writer *, enum dia_id, const char *text);
void dia_open(struct dia_writer *, enum dia_id group);
void dia_close(struct dia_writer *);
/* Anything, right or wrong, for tests and fuzzers. */
void dia_put_raw(struct dia_writer *, uint32_t code, uint8_t flags, uint32_t vendor, const void *p, size_t n);
void dia_put_bytes(struct dia_writer *, const void *p, size_t n);  /* already encoded AVPs */
bool dia_end(struct dia_writer *);         /* sets the message length; false if anything failed */
void dia_writer_free(struct dia_writer *);

/* What is wrong with a message, as RFC 6733 7.1.5 and 7.5 want it told. */
struct dia_fault {
	uint32_t result_code;            /* 2001: nothing.  Of the header: 5015, 5011, 3007, 3001, 3008.
	                                    Of an AVP: 5014, 5001, 5005, 5009, 5008, 5004 */
	const char *what;                /* constant words for the log */
	uint8_t failed[1024]; size_t failed_len; /* the content of Failed-AVP, whole AVPs, nested in their groups
	                                            when the group is known; long data cut to what fits; nothing
	                                            for a fault of the header */
	const struct dia_avpdef *def;    /* the AVP meant; NULL: unknown one */
};
/* Checks the message against its command's ABNF: AVP framing, lengths for the
 * type, required AVPs, doubled AVPs, unknown AVPs with the M bit (not inside a
 * group whose own M bit is clear), values of Enumerated AVPs.  Of several faults
 * the one is told that comes first in this order: header, 5014, 5001, 5005,
 * 5009 or 5008, 5004.  An answer with the E bit is checked against the grammar
 * of RFC 6733 7.2.  What Failed-AVP holds is not looked at; neither is the M bit
 * of a known AVP, but a value that is not in its list is let pass where both
 * the dictionary and the sender leave M clear (RFC 6733 4.1).
 * True: all is well, and *fault says 2001. */
bool dia_check(const uint8_t *msg, size_t n, struct dia_fault *fault);

/* The message as an indented tree with names, enumeration names and hex, one AVP a line. */
void dia_print(FILE *to, const uint8_t *msg, size_t n, const char *indent);
/* "DAR", "DAA" ... or "8388639/16777309 request". */
const char *dia_cmd_label(const struct dia_hdr *h, char *buf, size_t size);
