/* outside.h - for tests of the tools: starts them, reads what they print, and
 * plays the other side on the peer stack. */
#pragma once
#include <sys/types.h>
#include "patience.h"
#include "peer.h"

#define APP_TSP 16777309u
#define APP_S6M 16777310u
#define APP_T4  16777311u
#define CMD_DA  8388639u
#define CMD_DN  8388640u
#define CMD_SI  8388641u
#define CMD_DT  8388643u
#define CMD_DR  8388644u

extern char outside_dir[64];
bool outside_begin(void);                      /* a directory for this program's files */
void outside_end(void);
const char *outside_path(const char *file);    /* in that directory; good for eight calls */
void outside_write(const char *file, const char *text);

/* A tool from the build tree (the working directory, or $BUILD). */
struct child { pid_t pid; char out[128]; };
/* argv without the program, NULL at the end; standard input from a file, or NULL.  Output and errors go to child.out. */
struct child outside_start(const char *program, const char *const *argv, const char *input);
/* Turns the loop until the tool has ended; its exit status, or -1 after ms (then it is killed). */
int outside_wait(struct child *, struct peer_loop *, int ms);
/* All that it has printed so far, in memory of this function. */
const char *outside_printed(const struct child *);
/* Turns the loop until that text has been printed; false after ms. */
bool outside_prints(const struct child *, struct peer_loop *, const char *text, int ms);
/* Turns the loop until the file is there, and reads a port from it; 0 after PATIENCE_MS. */
uint16_t outside_port(const char *file, struct peer_loop *);
void outside_run(struct peer_loop *, int ms);

/* What arrived at our end of a connection, oldest first. */
struct arrived { struct arrived *next; uint8_t *p; size_t n; struct dia_hdr h; int64_t at_ms; };
struct our_end {
	struct peer *peer;
	int opened, closed;
	char why[256];
	struct arrived *first, **last;
	/* Called with each request, after it has been kept; may be NULL. */
	void (*on_request)(struct our_end *, const struct arrived *);
	void *ctx;
};
void our_end_init(struct our_end *);
void our_end_forget(struct our_end *);
extern const struct peer_ops our_end_ops;      /* ctx to be set to the our_end */
/* First message after `from` (NULL: from the start) that fits; waits for it; NULL after ms. */
struct arrived *our_end_await(struct our_end *, struct peer_loop *, struct arrived *from, uint32_t code, bool request,
                              int ms);
unsigned our_end_count(const struct our_end *, uint32_t code, bool request);
/* Waits until so many have come; the number of those that came, a while later. */
unsigned our_end_gets(struct our_end *, struct peer_loop *, uint32_t code, bool request, unsigned want);

/* Values in messages; a missing one is UINT32_MAX, or "". */
uint32_t msg_u32(const struct arrived *, enum dia_id id);
uint32_t msg_result(const struct arrived *);   /* the experimental one counts, + 100000 */
bool msg_group(const struct arrived *, enum dia_id group, struct dia_avp *out);
const char *msg_text(const struct arrived *, enum dia_id id);
