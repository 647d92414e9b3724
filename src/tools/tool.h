/* tool.h - what the outside parties on the command line share: JSON lines, hex,
 * telephone digits, and messages in words.
 *
 * The digits are coded here a second time on purpose: tsp-scs and the simulators
 * must not agree with the node because they run the same code, and they have to
 * send and show what no correct node would. */
#pragma once
#include <stdio.h>
#include "peer.h"

#define APP_TSP 16777309u
#define APP_S6M 16777310u
#define APP_T4  16777311u
#define CMD_DA  8388639u   /* DAR, DAA */
#define CMD_DN  8388640u   /* DNR, DNA */
#define CMD_SI  8388641u   /* SIR, SIA */
#define CMD_DT  8388643u   /* DTR, DTA */
#define CMD_DR  8388644u   /* DRR, DRA */

/* One object on one line.  Keys come in the order of the calls. */
struct json { FILE *to; bool more; };
void json_begin(struct json *, FILE *to, const char *type);   /* {"type":"..." */
void json_text(struct json *, const char *key, const char *text);         /* NULL or "": left out */
void json_octets(struct json *, const char *key, const void *p, size_t n);  /* as text; what is no ASCII as \u00XX */
void json_hex(struct json *, const char *key, const void *p, size_t n);
void json_number(struct json *, const char *key, int64_t value);
void json_numbers(struct json *, const char *key, const uint32_t *v, size_t n);
void json_bool(struct json *, const char *key, bool value);
void json_end(struct json *);                                 /* and flushes, so that a pipe sees it now */

/* False: not a number in decimal or 0x hex, or above max. */
bool tool_number(const char *text, uint32_t max, uint32_t *out);
/* "1.5" seconds as milliseconds; false: none, or negative, or above a day's. */
bool tool_seconds(const char *text, uint32_t *ms);
/* Malloc'd; NULL: not hex, or no memory.  Spaces and colons between octets are fine. */
uint8_t *tool_unhex(const char *text, size_t *n);
void tool_hex(const void *p, size_t n, char *out, size_t size);     /* cut to what fits, with "..." */
/* TBCD of any number of digits, also of none; octets written, at most size. */
size_t tool_tbcd(const char *digits, uint8_t *out, size_t size);
void tool_tbcd_text(const uint8_t *p, size_t n, char *out, size_t size);  /* a nibble that is no digit: '?' */
/* TS 23.040 9.1.2.5. */
size_t tool_sme(const char *digits, uint8_t *out, size_t size);
bool tool_sme_text(const uint8_t *p, size_t n, char *out, size_t size);   /* false: not an international number */
/* Printable text: other octets as \xNN. */
void tool_printable(const void *p, size_t n, char *out, size_t size);

/* A trace line, the message below it, and an empty line. */
void tool_trace(FILE *to, struct peer *peer, bool sent, const uint8_t *msg, size_t n);

/* Experimental-Result-Code or, without one, Result-Code; 0: neither. */
struct tool_result { uint32_t code, experimental, vendor; };
struct tool_result tool_result_of(const uint8_t *msg, size_t n);
const char *tool_result_name(const struct tool_result *r);            /* "?" for an unknown one */
/* First u32 of that kind in the group, or in the message when group is NULL. */
bool tool_u32(const uint8_t *msg, size_t n, const struct dia_avp *group, enum dia_id id, uint32_t *out);
/* Feature-List of Supported-Features with vendor 10415 and Feature-List-ID 1. */
bool tool_features(const uint8_t *msg, size_t n, uint32_t *out);
