/* gw_attack.h - what the attacks share. */
#pragma once
#include "gw_raw.h"

/* As t_secgw_attack.sh sets them. */
#define ME      "scs.nordtrack.example"
#define MINE    "nordtrack.example"
#define OTHER   "scs.acme.example"
#define DEVICE  "raw@iot.example.com"
#define RATE    20u
#define BURST   40u
#define HALF_OPEN_SOURCE 30
#define HALF_OPEN        60
#define MESSAGE_MAX 131072u
#define PATIENT 60000u               /* milliseconds, on a machine that has other things to do */
#define TRICKLE 150u                 /* octets, one each 100 ms at most: cut off by then */
#define WATCHED 15000u               /* so long it is done where nobody ends it */

extern struct raw_net net;
extern struct raw me;                /* the attacker's connection */
extern struct dia_writer w;
extern char complaint[512];
extern bool at_node;                 /* not at a gateway */
extern unsigned source;              /* each case comes from an address of its own */

/* Into complaint, and returns it: what a case ends with that has seen the gateway fail. */
const char *say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void good_dar(void);                 /* into w */
/* `me` is open; false: complaint says why not. */
bool enter(void);
/* Sends what w holds; the Result-Code of the answer, 0: none.  status: Request-Status; may be NULL. */
uint32_t asked(uint32_t *status);
/* NULL, or a complaint. */
const char *still_served(void);
/* Who comes from an address of its own has to get in, whatever others do. */
const char *another_gets_in(void);
/* The gateway closes `me`, and answers nothing before with 2001. */
const char *closed_now(const char *what);

/* The cases of gw_attack_early.c. */
const char *silent(void);
const char *silent_many(void);
const char *hello_silent(void);
const char *hello_trickled(void);
const char *strangers(void);
const char *storm(void);
const char *no_cer(void);
const char *cer_trickled(void);
const char *before_cer(void);
const char *impostor(void);
const char *second_cer(void);

/* The cases of gw_attack_node.c. */
const char *node_silent(void);
const char *node_storm(void);
const char *node_crowded(void);
