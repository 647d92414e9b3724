/* bench_sc.c - an SMS-SC that costs next to nothing, for `make bench`: takes every DTR, and on SIGUSR1 reports all that it
 * has taken since the last time as delivered, WINDOW at a time on each connection.
 *
 *   bench_sc HOST REALM WINDOW       prints its port; then "reports N" when the last of N reports is answered */
#include "config.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "bytes.h"
#include "peer.h"

#define CMD_DT 8388643u
#define CMD_DR 8388644u
#define APP_T4 16777311u

/* What a report repeats of its DTR. */
struct taken { struct taken *next; uint32_t reference; uint16_t user_n, smea_n; uint8_t octets[]; };

/* One node. */
struct node { struct taken *first, **last; uint32_t ntaken, todo, under_way, wrong; bool reporting; };

static struct peer_loop *loop;
static struct dia_writer out;
static const char *host, *realm;
static uint32_t window;
static struct peer *peers[16];

static void keep(struct node *n, const uint8_t *msg, size_t len)
{
	struct dia_avp user, smea, number;
	struct taken *t;

	if (!dia_msg_find(msg, len, DIA_User_Identifier, &user) || !dia_msg_find(msg, len, DIA_SM_RP_SMEA, &smea) ||
	    !dia_msg_find(msg, len, DIA_Reference_Number, &number) || !(t = malloc(sizeof(*t) + user.len + smea.len)))
		abort();
	t->next = NULL;
	dia_avp_u32(&number, &t->reference);
	t->user_n = (uint16_t)user.len;
	t->smea_n = (uint16_t)smea.len;
	memcpy(t->octets, user.data, user.len);
	memcpy(t->octets + user.len, smea.data, smea.len);
	*n->last = t;
	n->last = &t->next;
	n->ntaken++;
}

static void answer(struct peer *p, const uint8_t *msg, size_t n)
{
	dia_begin_answer(&out, msg, n, 0);
	dia_put_u32(&out, DIA_Result_Code, 2001);
	dia_put_u32(&out, DIA_Auth_Session_State, 1);
	dia_put_text(&out, DIA_Origin_Host, host);
	dia_put_text(&out, DIA_Origin_Realm, realm);
	if (!dia_end(&out) || !peer_send(p, out.p, out.n))
		abort();
}

static void report(struct peer *p, struct node *n)
{
	struct taken *t = n->first;
	char session[300];

	peer_session_id(p, session, sizeof(session));
	dia_begin(&out, DIA_F_REQUEST | DIA_F_PROXIABLE, CMD_DR, APP_T4, peer_next_hbh(p), peer_next_e2e(p));
	dia_put_text(&out, DIA_Session_Id, session);
	dia_put_u32(&out, DIA_Auth_Session_State, 1);
	dia_put_text(&out, DIA_Origin_Host, host);
	dia_put_text(&out, DIA_Origin_Realm, realm);
	dia_put_text(&out, DIA_Destination_Host, peer_remote_host(p));
	dia_put_text(&out, DIA_Destination_Realm, peer_remote_realm(p));
	dia_put_octets(&out, DIA_User_Identifier, t->octets, t->user_n);
	dia_put_octets(&out, DIA_SM_RP_SMEA, t->octets + t->user_n, t->smea_n);
	dia_put_u32(&out, DIA_SM_Delivery_Outcome_T4, 2);
	dia_put_u32(&out, DIA_Reference_Number, t->reference);
	if (!dia_end(&out) || !peer_send(p, out.p, out.n))
		abort();
	n->first = t->next;
	if (!n->first)
		n->last = &n->first;
	n->under_way++;
	free(t);
}

static void go_on(struct peer *p, struct node *n)
{
	while (n->reporting && n->first && n->under_way < window)
		report(p, n);
	if (!n->reporting || n->under_way)
		return;
	printf("reports %u wrong %u\n", n->todo, n->wrong);
	fflush(stdout);
	n->reporting = false;
	n->ntaken = 0;
}

static void on_message(struct peer *p, const uint8_t *msg, size_t len, void *ctx)
{
	struct node *n = peer_user(p);
	struct dia_avp a;
	struct dia_hdr h;
	uint32_t result = 0;

	dia_hdr_read(msg, len, &h);
	if (h.flags & DIA_F_REQUEST) {
		if (h.code != CMD_DT)
			abort();
		keep(n, msg, len);
		answer(p, msg, len);
		return;
	}
	if (dia_msg_find(msg, len, DIA_Result_Code, &a))
		dia_avp_u32(&a, &result);
	n->wrong += result != 2001;
	n->under_way--;
	go_on(p, n);
}

static void on_event(struct peer *p, enum peer_event event, const char *why, void *ctx)
{
	struct node *n = peer_user(p);
	size_t i = 0;

	if (event == PEER_OPEN) {
		n = calloc(1, sizeof(*n));
		while (i < sizeof(peers) / sizeof(*peers) && peers[i])
			i++;
		if (!n || i == sizeof(peers) / sizeof(*peers))
			abort();
		n->last = &n->first;
		peers[i] = p;
		peer_set_user(p, n);
		return;
	}
	for (i = 0; i < sizeof(peers) / sizeof(*peers); i++)
		if (peers[i] == p)
			peers[i] = NULL;
	while (n && n->first) {
		struct taken *t = n->first;

		n->first = t->next;
		free(t);
	}
	free(n);
}

static void forget(struct node *n)
{
	while (n->first) {
		struct taken *t = n->first;

		n->first = t->next;
		free(t);
	}
	n->last = &n->first;
	n->ntaken = 0;
}

/* USR1: report; USR2: forget what has been taken. */
static void on_signal(int fd, void *ctx)
{
	struct signalfd_siginfo si;

	if (read(fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == SIGTERM)
		peer_loop_stop(loop);
	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers) && si.ssi_signo != SIGTERM; i++) {
		struct node *n = peers[i] ? peer_user(peers[i]) : NULL;

		if (!n || !n->ntaken || n->reporting)
			continue;
		if (si.ssi_signo == SIGUSR2) {
			forget(n);
			continue;
		}
		n->reporting = true;
		n->todo = n->ntaken;
		n->wrong = 0;
		go_on(peers[i], n);
	}
}

int main(int argc, char **argv)
{
	static const uint32_t apps[] = { APP_T4 };
	struct peer_ops ops = { .event = on_event, .message = on_message };
	struct peer_listener *l;
	char err[300];
	sigset_t set;
	int fd;

	if (argc != 4 || !(window = (uint32_t)strtoul(argv[3], NULL, 10))) {
		fprintf(stderr, "usage: bench_sc HOST REALM WINDOW\n");
		return 2;
	}
	host = argv[1];
	realm = argv[2];
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	loop = peer_loop_new();
	const struct peer_conf conf = { .origin_host = host, .origin_realm = realm, .product = "bench_sc", .apps = apps, .napps = 1,
	                                .watchdog_s = 3600 };
	l = loop && fd >= 0 && peer_watch_fd(loop, fd, on_signal, NULL) ? peer_listen(loop, &conf, "127.0.0.1", 0, &ops, err, sizeof(err)) : NULL;
	if (!l) {
		fprintf(stderr, "bench_sc: %s\n", loop ? err : "out of memory");
		return 1;
	}
	printf("%u\n", peer_listener_port(l));
	fflush(stdout);
	peer_loop_run(loop, -1);
	peer_loop_free(loop);
	dia_writer_free(&out);
	return 0;
}
