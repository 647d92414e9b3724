/* sim.h - what sim-hss and sim-smssc share: the configuration reader, the
 * server, and answers right and wrong. */
#pragma once
#include <libconfig.h>
#include "tool.h"

/* Reading libconfig files strictly.  Every mistake is printed as file:line and
 * counted; a value that is wrong comes back as its default. */
struct sim_cfg { config_t cfg; const char *program, *file; unsigned faults; };
bool sim_cfg_open(struct sim_cfg *, const char *program, const char *file);   /* false: printed why */
void sim_cfg_close(struct sim_cfg *);
void sim_cfg_fault(struct sim_cfg *, const config_setting_t *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* `keys` ends with NULL; whatever else is in the group is a mistake. */
void sim_cfg_keys(struct sim_cfg *, const config_setting_t *group, const char *const *keys);
/* `absent` NULL: the key is needed.  The text is the file's, until sim_cfg_close(). */
const char *sim_cfg_text(struct sim_cfg *, const config_setting_t *group, const char *key, const char *absent);
uint32_t sim_cfg_number(struct sim_cfg *, const config_setting_t *group, const char *key, uint32_t min, uint32_t max,
                        uint32_t absent);
bool sim_cfg_bool(struct sim_cfg *, const config_setting_t *group, const char *key, bool absent);
/* Index of the word in words[0..n); the message lists them. */
unsigned sim_cfg_word(struct sim_cfg *, const config_setting_t *group, const char *key, const char *const *words,
                      unsigned n, unsigned absent);
/* NULL: not there, or a mistake.  A list may also be an array. */
const config_setting_t *sim_cfg_group(struct sim_cfg *, const config_setting_t *group, const char *key);
const config_setting_t *sim_cfg_list(struct sim_cfg *, const config_setting_t *group, const char *key);
/* Copies with a check of the form; "" if absent. */
void sim_cfg_digits(struct sim_cfg *, const config_setting_t *group, const char *key, unsigned min, unsigned max,
                    char *out, size_t size);
void sim_cfg_copy(struct sim_cfg *, const config_setting_t *group, const char *key, const char *absent, char *out,
                  size_t size);

struct sim;
/* What one simulator brings along. */
struct sim_ops {
	const char *name, *what;            /* "sim-hss", a line for --help */
	uint32_t app;
	const char *const *keys;            /* of its own at the top of the file, NULL at the end */
	void *(*load)(struct sim_cfg *, const config_setting_t *root);  /* its part of the file; NULL: no memory */
	void (*unload)(void *conf);
	void (*request)(struct sim *, struct peer *, const struct dia_hdr *, const uint8_t *msg, size_t n);
	void (*answer)(struct sim *, struct peer *, const struct dia_hdr *, const uint8_t *msg, size_t n);  /* may be NULL */
	bool (*begin)(struct sim *);        /* before it listens; false: printed why not; may be NULL */
	void (*opened)(struct sim *, struct peer *);      /* may be NULL */
	void (*closed)(struct sim *, struct peer *);      /* may be NULL */
	void (*end)(struct sim *);                        /* before the loop is freed; may be NULL */
};

struct sim_later;
struct sim_peer;
struct sim {
	const struct sim_ops *ops;
	struct peer_loop *loop;
	struct peer_listener *listener;
	void *conf;                         /* what ops->load gave; changes with SIGHUP */
	void *state;                        /* the simulator's */
	char identity[256], realm[256], gossip[256];
	bool json, trace, ending;
	struct sim_later *later;
	struct sim_peer *peers;
};

int sim_main(int argc, char **argv, const struct sim_ops *ops, void *state);

/* One line or object about a thing that happened.  Between _begin and _end the
 * simulator adds to `j` when sim->json, else it prints to stdout itself. */
void sim_event(struct sim *, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void sim_send(struct sim *, struct peer *, struct dia_writer *, uint32_t delay_ms);   /* ends and frees the writer */
/* An open connection whose Origin-Host is that, or NULL. */
struct peer *sim_find_peer(struct sim *, const char *host);

enum sim_nonsense { SENSE, NO_RESULT, SHORT_RESULT, NO_ORIGIN, GARBAGE_GROUP, BAD_LENGTH, SIM_NONSENSES };
extern const char *const sim_nonsense_words[SIM_NONSENSES];

struct sim_answer {
	uint32_t result, experimental;      /* one of them is 0 */
	enum sim_nonsense nonsense;
};
void sim_answer_begin(struct dia_writer *, struct sim *, const uint8_t *request, size_t n, const struct sim_answer *);
/* What the file wants told to everybody (`gossip`), in every AVP that has room for it. */
void sim_put_gossip(struct dia_writer *, const struct sim *);
void sim_answer_finish(struct dia_writer *, const struct sim_answer *);   /* what nonsense adds at the end */
/* Refuses a request that is wrong, if it is: grammar, realm, host, session state.  True: it was answered. */
bool sim_refuses(struct sim *, struct peer *, const uint8_t *msg, size_t n);
/* Refuses with a Result-Code and, if there is one, the AVP in Failed-AVP (or an empty one of that kind). */
void sim_refuse(struct sim *, struct peer *, const uint8_t *msg, size_t n, uint32_t result, const char *why,
                const struct dia_avp *bad, const struct dia_avpdef *missing);
