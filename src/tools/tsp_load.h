/* tsp_load.h - what the files of tsp-load know of each other. */
#pragma once
#include "load_math.h"
#include "tool.h"

enum load_exit {
	LOAD_OK = 0,          /* every connection stayed, every request got exactly one answer */
	LOAD_UNANSWERED = 1,
	LOAD_USAGE = 2,
	LOAD_UNCONNECTED = 3, /* one did not come about, or was lost */
};

struct load_opts {
	char host[256];
	uint16_t port;
	bool tcp, insecure, json, quiet, reconnect, handshakes;
	const char *cert, *key, *origin_host, *origin_realm;       /* templates */
	const char *ext_id;                                        /* template over device_first to device_last */
	const char *ca, *expect, *priority, *dest_realm, *samples;
	uint32_t connections, first, parallel;
	uint32_t device_first, device_last;
	bool scatter;
	uint32_t payload, outstanding, count, duration_ms, hold_ms, interval_ms;
	uint32_t timeout_ms, connect_timeout_ms, watchdog_s;
	double rate;                                               /* 0: closed loop */
};
enum load_parsed { LOAD_PARSED, LOAD_WRONG, LOAD_HELP, LOAD_VERSION };
enum load_parsed load_parse(int argc, char **argv, struct load_opts *, char *err, size_t err_size);
void load_help(FILE *to);

/* How often an answer said what: Request-Status, if it has one, besides its result. */
#define LOAD_KINDS 32
struct load_kind { struct tool_result result; bool has_status; uint32_t status; uint64_t n; };
#define LOAD_WHYS 8
struct load_why { char text[160]; uint64_t n; };

struct load_stats {
	uint64_t sent, answered, unanswered, lost, unsent;   /* lost: with their connection */
	uint64_t strange;                                    /* answers to nothing that waits: a second one, or too late */
	uint64_t reports;                                    /* DNRs, answered */
	uint64_t opened, failed, dropped;                    /* connections; dropped: open, and ended by the other side */
	double connect_s, load_s, back_s, handshake_s, reports_s;   /* reports: from the first to the last */
	int64_t back_began_ms, back_ended_ms;                /* Unix time */
	struct load_hist latency, interval, connect;
	struct load_kind kinds[LOAD_KINDS];                  /* the last takes what does not fit */
	size_t nkinds;
	struct load_why whys[LOAD_WHYS];
	size_t nwhys;
};
void load_count_answer(struct load_stats *, const uint8_t *msg, size_t n);
void load_count_why(struct load_stats *, const char *why);
int64_t load_unix_ms(void);
void load_print_progress(const struct load_stats *, uint32_t open, double seconds);
void load_print_interval(const struct load_opts *, struct load_stats *, double seconds);
void load_print_summary(const struct load_opts *, const struct load_stats *);
