/* tsp_scs.h - what the files of tsp-scs know of each other. */
#pragma once
#include "tool.h"

enum scs_exit {
	SCS_OK = 0,
	SCS_REFUSED = 1,       /* a Request-Status other than SUCCESS */
	SCS_USAGE = 2,
	SCS_UNCONNECTED = 3,   /* no connection, kept out, or lost it before the answer */
	SCS_UNANSWERED = 4,
	SCS_PROTOCOL = 5,      /* a Result-Code other than 2001, or an answer that breaks the grammar */
	SCS_UNDELIVERED = 6,   /* the report says so */
	SCS_UNREPORTED = 7,
};

/* The connection and the output: once for the whole run. */
struct scs_conn {
	char host[256];
	uint16_t port;
	bool tcp, sctp, insecure, no_cer, ignore_dwr, stop_reading;
	const char *cert, *key, *ca, *ocsp_response, *expect, *keylog, *priority_string;
	char origin_host[256], origin_realm[256];
	uint32_t connect_timeout_ms, watchdog_s;
	bool clear;                       /* no TLS, no DTLS; scs_conn_complete() finds it out */
	const char *sctp_stack;           /* NULL: auto */
	uint32_t sctp_udp;
	bool json, trace, quiet, no_dna;
	uint32_t dna_result;
};

enum scs_verb { SCS_NONE, SCS_TRIGGER, SCS_RECALL, SCS_REPLACE, SCS_WAIT, SCS_SCRIPT,
                SCS_SLEEP, SCS_WAIT_REPORT, SCS_QUIT };

#define SCS_TWISTS 16
struct scs_extra { const char *group; uint32_t code, vendor; uint8_t flags; uint8_t *p; size_t n; };

/* One thing to do.  Texts belong to the argument vector it was read from; what
 * is malloc'd is released by scs_cmd_free(). */
struct scs_cmd {
	enum scs_verb verb;
	const char *ext_id, *dest_host, *dest_realm, *session_id;
	uint8_t *msisdn, *identity;              /* octets of the AVP; NULL: none */
	size_t msisdn_n, identity_n;
	bool has_reference, has_old, has_e2e, has_port, has_validity, has_priority, has_action_type, no_features;
	uint32_t reference, old, e2e, port, validity, priority, action_type, features;
	uint8_t *payload;
	size_t payload_n;
	bool has_payload;
	bool t_flag;
	uint8_t *raw;                            /* --raw-hex */
	size_t raw_n;
	enum dia_id omit[SCS_TWISTS], twice[SCS_TWISTS];
	size_t nomit, ntwice;
	struct scs_extra extra[SCS_TWISTS];
	size_t nextra;
	uint32_t timeout_ms, report_ms;          /* report_ms 0: do not wait for a report */
	uint32_t wait_ms;                        /* of wait, wait-report and sleep; has_wait: given */
	bool has_wait;
	uint32_t count, outstanding;
	double rate;                             /* a second; 0: as fast as --outstanding lets it */
};

/* tsp_scs_args.c.  All of them: false and a sentence in err. */
struct scs_conn scs_conn_default(void);
struct scs_cmd scs_cmd_default(void);
/* A copy with memory of its own; false: none left. */
bool scs_cmd_copy(struct scs_cmd *to, const struct scs_cmd *from);
void scs_cmd_free(struct scs_cmd *);
/* Reads the words after the program's name, or a line of a script (then conn is NULL). */
enum scs_parsed { SCS_PARSED, SCS_WRONG, SCS_HELP, SCS_VERSION };
enum scs_parsed scs_parse(int argc, char **argv, struct scs_conn *conn, struct scs_cmd *cmd, char *err, size_t err_size);
/* Fills in what was not given: Origin-Host from the certificate, the realm from the host. */
bool scs_conn_complete(struct scs_conn *, char *err, size_t err_size);
void scs_help(FILE *to);
/* Splits a line in place as a shell would ('...', "...", \x); number of words, -1: an open quote or too many. */
int scs_split(char *line, char **argv, int max);
const char *scs_verb_name(enum scs_verb);

/* tsp_scs_dar.c: the DAR with that number and those ids; false without memory. */
bool scs_build_dar(struct dia_writer *, const struct scs_conn *, const struct scs_cmd *, struct peer *,
                   uint32_t reference, uint32_t hbh, uint32_t *e2e, char *session_id, size_t session_id_size);
bool scs_build_dna(struct dia_writer *, const struct scs_conn *, const uint8_t *dnr, size_t n);

/* tsp_scs_print.c: says what came, and what it means for the exit status. */
struct scs_sent { enum scs_verb verb; uint32_t reference, e2e; double rtt_ms; };
enum scs_exit scs_print_answer(const struct scs_conn *, const struct scs_sent *, const uint8_t *msg, size_t n);
/* *reference and *known are set when the report names one. */
enum scs_exit scs_print_report(const struct scs_conn *, const uint8_t *msg, size_t n, uint32_t *reference, bool *known);
void scs_print_event(const struct scs_conn *, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* About one request: "no answer within 10 s". */
void scs_print_failure(const struct scs_conn *, const struct scs_sent *, const char *what);
