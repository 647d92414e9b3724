/* outside.c - see outside.h. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "outside.h"
#include "peer_certs.h"

char outside_dir[64];

bool outside_begin(void)
{
	strcpy(outside_dir, "/tmp/check_outside.XXXXXX");
	return mkdtemp(outside_dir) != NULL;
}

void outside_end(void)
{
	peer_certs_remove(outside_dir);
}

const char *outside_path(const char *file)
{
	static char paths[8][128];
	static unsigned at;
	char *p = paths[at++ % 8];

	snprintf(p, sizeof(paths[0]), "%s/%s", outside_dir, file);
	return p;
}

void outside_write(const char *file, const char *text)
{
	FILE *f = fopen(outside_path(file), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

struct child outside_start(const char *program, const char *const *argv, const char *input)
{
	static unsigned number;
	const char *build = getenv("BUILD");
	struct child c = { 0 };
	char path[512];
	char *args[64] = { (char *)program };
	int n = 1;

	snprintf(c.out, sizeof(c.out), "%s/%s.%u.out", outside_dir, program, number++);
	snprintf(path, sizeof(path), "%s/%s", build ? build : ".", program);
	while (*argv && n < 63)
		args[n++] = (char *)*argv++;
	c.pid = fork();
	ck_assert_int_ge(c.pid, 0);
	if (!c.pid) {
		int out = open(c.out, O_WRONLY | O_CREAT | O_TRUNC, 0600), in = open(input ? input : "/dev/null", O_RDONLY);

		dup2(in, 0);
		dup2(out, 1);
		dup2(out, 2);
		execv(path, args);
		_exit(127);
	}
	return c;
}

int outside_wait(struct child *c, struct peer_loop *loop, int ms)
{
	int64_t end = peer_now_ms() + ms;
	int status = 0;

	for (;;) {
		pid_t r = waitpid(c->pid, &status, WNOHANG);

		if (r == c->pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		if (peer_now_ms() >= end) {
			kill(c->pid, SIGKILL);
			waitpid(c->pid, &status, 0);
			return -1;
		}
		peer_loop_run(loop, 10);
	}
}

const char *outside_printed(const struct child *c)
{
	static char text[1 << 18];
	FILE *f = fopen(c->out, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = 0;
	if (f)
		fclose(f);
	return text;
}

bool outside_prints(const struct child *c, struct peer_loop *loop, const char *text, int ms)
{
	int64_t end = peer_now_ms() + ms;

	while (!strstr(outside_printed(c), text)) {
		if (peer_now_ms() >= end)
			return false;
		peer_loop_run(loop, 10);
	}
	return true;
}

uint16_t outside_port(const char *file, struct peer_loop *loop)
{
	for (int64_t end = peer_now_ms() + PATIENCE_MS; peer_now_ms() < end;) {
		FILE *f = fopen(file, "r");
		unsigned port = 0;

		if (f) {
			int r = fscanf(f, "%u", &port);

			fclose(f);
			return r == 1 ? (uint16_t)port : 0;
		}
		peer_loop_run(loop, 10);
	}
	return 0;
}

void outside_run(struct peer_loop *loop, int ms)
{
	int64_t end = peer_now_ms() + ms;

	while (peer_now_ms() < end)
		peer_loop_run(loop, (int)(end - peer_now_ms()));
}

/* Our end. */

void our_end_init(struct our_end *e)
{
	memset(e, 0, sizeof(*e));
	e->last = &e->first;
}

void our_end_forget(struct our_end *e)
{
	while (e->first) {
		struct arrived *a = e->first;

		e->first = a->next;
		free(a->p);
		free(a);
	}
	e->last = &e->first;
}

static void on_event(struct peer *p, enum peer_event event, const char *why, void *ctx)
{
	struct our_end *e = ctx;

	if (event == PEER_OPEN) {
		e->peer = p;
		e->opened++;
		return;
	}
	if (e->peer == p)
		e->peer = NULL;
	e->closed++;
	snprintf(e->why, sizeof(e->why), "%s", why);
}

static void on_message(struct peer *p, const uint8_t *msg, size_t n, void *ctx)
{
	struct our_end *e = ctx;
	struct arrived *a = calloc(1, sizeof(*a));

	ck_assert_ptr_nonnull(a);
	a->p = malloc(n);
	ck_assert_ptr_nonnull(a->p);
	memcpy(a->p, msg, n);
	a->n = n;
	a->at_ms = peer_now_ms();
	ck_assert(dia_hdr_read(msg, n, &a->h));
	*e->last = a;
	e->last = &a->next;
	e->peer = p;
	if (e->on_request && (a->h.flags & DIA_F_REQUEST))
		e->on_request(e, a);
}

const struct peer_ops our_end_ops = { .event = on_event, .message = on_message, .trace = NULL, .ctx = NULL };

struct arrived *our_end_await(struct our_end *e, struct peer_loop *loop, struct arrived *from, uint32_t code,
                              bool request, int ms)
{
	int64_t end = peer_now_ms() + ms;

	for (;;) {
		for (struct arrived *a = from ? from->next : e->first; a; a = a->next)
			if (a->h.code == code && request == !!(a->h.flags & DIA_F_REQUEST))
				return a;
		if (peer_now_ms() >= end)
			return NULL;
		peer_loop_run(loop, 5);
	}
}

unsigned our_end_count(const struct our_end *e, uint32_t code, bool request)
{
	unsigned n = 0;

	for (const struct arrived *a = e->first; a; a = a->next)
		n += a->h.code == code && request == !!(a->h.flags & DIA_F_REQUEST);
	return n;
}

unsigned our_end_gets(struct our_end *e, struct peer_loop *loop, uint32_t code, bool request, unsigned want)
{
	for (int64_t end = peer_now_ms() + PATIENCE_MS; our_end_count(e, code, request) < want && peer_now_ms() < end;)
		peer_loop_run(loop, 5);
	outside_run(loop, 200);
	return our_end_count(e, code, request);
}

uint32_t msg_u32(const struct arrived *a, enum dia_id id)
{
	struct dia_avp avp;
	uint32_t v;

	return dia_msg_find(a->p, a->n, id, &avp) && dia_avp_u32(&avp, &v) ? v : UINT32_MAX;
}

uint32_t msg_result(const struct arrived *a)
{
	struct dia_avp group, avp;
	uint32_t v;	if (dia_msg_find(a->p, a->n, DIA_Experimental_Result, &group) &&
	    dia_group_find(&group, DIA_Experimental_Result_Code, &avp) && dia_avp_u32(&avp, &v))
return v + 100000;
	return msg_u32(a, DIA_Result_Code);
}

bool msg_group(const struct arrived *a, enum dia_id group, struct dia_avp *out)
{
	return dia_msg_find(a->p, a->n, group, out);
}

const char *msg_text(const struct arrived *a, enum dia_id id)
{
	static char text[4][512];
	static unsigned at;
	struct dia_avp avp;
	char *p = text[at++ % 4];

	*p = 0;
	if (dia_msg_find(a->p, a->n, id, &avp))
		dia_avp_text(&avp, p, sizeof(text[0]));
	return p;
}
