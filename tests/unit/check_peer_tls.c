/* check_peer_tls.c - what clients do with TLS before and besides Diameter, and
 * whose turn it is when many of them shake hands. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "peer_ends.h"

/* TLS beneath. */

struct raw_tls { int fd; gnutls_session_t s; gnutls_certificate_credentials_t cred; };

static struct raw_tls raw_tls(const struct peer_listener *l, const char *priority)
{
	struct raw_tls t = { .fd = raw_socket(l), .cred = credentials("client") };
	int r;

	fcntl(t.fd, F_SETFL, O_NONBLOCK);
	ck_assert_int_eq(gnutls_init(&t.s, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_POST_HANDSHAKE_AUTH), 0);
	ck_assert_int_eq(gnutls_priority_set_direct(t.s, priority, NULL), 0);
	gnutls_credentials_set(t.s, GNUTLS_CRD_CERTIFICATE, t.cred);
	gnutls_transport_set_int(t.s, t.fd);
	for (int i = 0; i < 5000 && (r = gnutls_handshake(t.s)) == GNUTLS_E_AGAIN; i++)
		peer_loop_run(loop, 5);
	ck_assert_int_eq(r, 0);
	return t;
}

static void raw_tls_end(struct raw_tls *t)
{
	gnutls_deinit(t->s);
	gnutls_certificate_free_credentials(t->cred);
	close(t->fd);
}

static const char *const versions[] = { "NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2" };

/* No ticket and no session identifier, so nothing to come back with. */
START_TEST(no_resumption)
{
	struct peer_conf s = tls_conf("server.test", "server");
	struct raw_tls t = raw_tls(serve(&s), versions[_i]);
	uint8_t x;

	run_ms(20);
	ck_assert_int_eq(gnutls_record_recv(t.s, &x, 1), GNUTLS_E_AGAIN);    /* where a ticket of TLS 1.3 would come */
	ck_assert_uint_eq(gnutls_session_get_flags(t.s) & GNUTLS_SFLAGS_SESSION_TICKET, 0);
	raw_tls_end(&t);
}
END_TEST

START_TEST(no_renegotiation)
{
	struct peer_conf s = tls_conf("server.test", "server");
	struct raw_tls t = raw_tls(serve(&s), versions[1]);

	ck_assert_int_eq(gnutls_handshake(t.s), GNUTLS_E_AGAIN);
	run_until(&server.closed, 1);
	ck_assert_msg(!strncmp(server.why, "TLS: receiving: ", 16), "%s", server.why);
	raw_tls_end(&t);
}
END_TEST

/* Warnings are no reason to end, but nobody needs many. */
START_TEST(alerts)
{
	struct peer_conf s = tls_conf("server.test", "server");
	struct raw_tls t = raw_tls(serve(&s), versions[1]);

	ck_assert_int_eq(gnutls_alert_send(t.s, GNUTLS_AL_WARNING, GNUTLS_A_USER_CANCELED), 0);
	run_ms(20);
	ck_assert_int_eq(server.closed, 0);
	for (int i = 0; i < 20; i++)
		gnutls_alert_send(t.s, GNUTLS_AL_WARNING, GNUTLS_A_USER_CANCELED);
	run_until(&server.closed, 1);
	ck_assert_str_eq(server.why, "TLS: receiving: too many alerts");
	raw_tls_end(&t);
}
END_TEST

START_TEST(message_before_cer)
{
	struct peer_conf s = tls_conf("server.test", "server");
	struct raw_tls t = raw_tls(serve(&s), versions[_i]);
	struct dia_writer w = request(APP, CMD, 1, 100);

	ck_assert_int_eq(gnutls_record_send(t.s, w.p, w.n), (ssize_t)w.n);
	dia_writer_free(&w);
	run_until(&server.closed, 1);
	ck_assert_msg(strstr(server.why, "instead of the CER"), "%s", server.why);
	ck_assert_uint_eq(server.requests, 0);
	raw_tls_end(&t);
}
END_TEST

#define CROWD 400

/* How many of them have been answered. */
static unsigned served(const struct pollfd *crowd)
{
	struct pollfd now[CROWD];
	unsigned n = 0;

	memcpy(now, crowd, sizeof(now));
	ck_assert_int_ge(poll(now, CROWD, 0), 0);
	for (int i = 0; i < CROWD; i++)
		n += now[i].revents != 0;
	return n;
}

/* Four hundred want a handshake, one step of which fits into a round: whoever is
 * open is served within a few rounds, and all of them in the end. */
START_TEST(handshake_share)
{
	struct peer_conf s = tls_conf("server.test", "server"), c = tls_conf("scs.test", "client");
	struct rlimit files = { 0 };
	struct pollfd crowd[CROWD];
	unsigned rounds = 0, most = 0, before;
	struct peer_listener *l;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	server_ops.arrived = arrived;
	peer_loop_handshake_share(loop, 1);
	l = serve(&s);
	dial(&c, l);
	run_until(&client.opened, 1);
	make_hello();
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = (struct pollfd){ .fd = raw_socket(l), .events = POLLIN };
		put(crowd[i].fd, hello, hello_n);
	}
	while (hook.arrivals < CROWD + 1) {    /* accepting takes turns too */
		before = hook.arrivals;
		peer_loop_run(loop, 0);
		ck_assert_uint_le(hook.arrivals - before, 16);
		ck_assert_uint_gt(hook.arrivals, before);
		rounds += 2;                   /* one before and one after it has looked */
	}
	ck_assert_uint_le(served(crowd), rounds);
	for (unsigned asked = 1; asked <= 20; asked++) {
		unsigned took = 0;

		ask(client.peer, 100);
		while (client.answers < asked) {
			peer_loop_run(loop, 0);
			took++;
			rounds += 2;
			ck_assert_uint_lt(took, 100);
		}
		most = took > most ? took : most;
	}
	ck_assert_uint_lt(served(crowd), CROWD);   /* else nobody stood in the way */
	ck_assert_uint_le(served(crowd), rounds);
	ck_assert_msg(most <= 4, "%u rounds for an answer", most);
	for (unsigned i = 0; i < 2 * CROWD && served(crowd) < CROWD; i++)
		peer_loop_run(loop, 0);
	ck_assert_uint_eq(served(crowd), CROWD);
	for (int i = 0; i < CROWD; i++)
		close(crowd[i].fd);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_loop_test(t, no_resumption, 0, 2);
	tcase_add_test(t, no_renegotiation);
	tcase_add_test(t, alerts);
	tcase_add_loop_test(t, message_before_cer, 0, 2);
	tcase_add_test(t, handshake_share);
}

int main(void)
{
	return ends_main("peer_tls", add);
}
