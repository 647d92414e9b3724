/* The door as a process of its own; this one is its keeper, its node and its SCSs. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <gnutls/abstract.h>
#include "gw_door.h"
#include "gw_gate.h"
#include "patience.h"
#include "peer.h"
#include "peer_certs.h"

struct side { struct peer *peer; int opened, closed, messages; char why[256]; uint8_t last[4096]; size_t n; };

static char dir[64];
static struct gw_conf conf;
static struct peer_loop *loop;
static struct peer_listener *node_listener;
static struct gw_ipc *keeper;
static struct gw_signer *signer;
static pid_t door;
static uint16_t door_port, control_port;
static bool ready;
static int naudit;
static struct { char decision[16]; enum iwf_reason reason; int64_t scs; char host[64], detail[200]; } rows[64];
static struct side node, scs[4];
static const uint32_t app = TSP_APP_ID;

static const char *path(const char *file)
{
	static char out[128];

	snprintf(out, sizeof(out), "%s/%s", dir, file);
	return out;
}

static gnutls_datum_t load(const char *file)
{
	gnutls_datum_t d;

	ck_assert_int_eq(gnutls_load_file(path(file), &d), 0);
	return d;
}

static void event(struct peer *p, enum peer_event e, const char *why, void *ctx)
{
	struct side *s = ctx;

	if (e == PEER_OPEN) {
		s->opened++;
		s->peer = p;
	} else {
		s->closed++;
		s->peer = NULL;
		snprintf(s->why, sizeof(s->why), "%s", why);
	}
}

static void message(struct peer *p, const uint8_t *msg, size_t n, void *ctx)
{
	struct side *s = ctx;
	struct dia_writer w = { 0 };
	struct dia_hdr h;

	s->messages++;
	ck_assert_uint_le(n, sizeof(s->last));
	memcpy(s->last, msg, n);
	s->n = n;
	if (s != &node || !dia_hdr_read(msg, n, &h) || !(h.flags & DIA_F_REQUEST))
		return;
	dia_begin_answer(&w, msg, n, 0);
	dia_put_u32(&w, DIA_Auth_Session_State, 1);
	dia_put_text(&w, DIA_Origin_Host, "node.inside");
	dia_put_text(&w, DIA_Origin_Realm, "inside");
	dia_put_u32(&w, DIA_Result_Code, 2001);
	ck_assert(dia_end(&w) && peer_send(p, w.p, w.n));
	dia_writer_free(&w);
}

static void from_door(int fd, void *ctx)
{
	struct gw_ipc_msg m;

	(void)fd, (void)ctx;
	while (gw_ipc_recv(keeper, &m) > 0) {
		ready |= m.type == GW_IPC_READY;
		if (m.type == GW_IPC_AUDIT && naudit < 64) {
			snprintf(rows[naudit].decision, sizeof(rows[0].decision), "%s", m.audit.decision);
			snprintf(rows[naudit].detail, sizeof(rows[0].detail), "%s", m.audit.detail ? m.audit.detail : "");
			snprintf(rows[naudit].host, sizeof(rows[0].host), "%s", m.audit.origin_host ? m.audit.origin_host : "");
			rows[naudit].reason = m.audit.reason;
			rows[naudit++].scs = m.audit.scs_id;
		}
		gw_ipc_msg_free(&m);
	}
}

static void run_ms(int ms) { peer_loop_run(loop, ms); }

#define UNTIL(cond) do { int64_t end_ = peer_now_ms() + PATIENCE_MS; while (!(cond) && peer_now_ms() < end_) run_ms(10); ck_assert_msg(cond, #cond); } while (0)

static int listener(int domain, uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(sin);
	int fd = socket(domain, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert(fd >= 0 && !bind(fd, (struct sockaddr *)&sin, n) && !listen(fd, 16) && !getsockname(fd, (struct sockaddr *)&sin, &n));
	*port = ntohs(sin.sin_port);
	return fd;
}

static void send_table(bool enabled, uint32_t connections)
{
	struct gw_scs s[2] = { { .id = 7, .name = "scs", .origin_host = "scs.test", .origin_realm = "test", .cert_san = "scs.test",
		.enabled = enabled, .connections = connections }, { .id = 8, .name = "pinned", .origin_host = "pin.test", .origin_realm = "test",
		.cert_san = "scs.test", .enabled = true, .connections = 1 } };

	memset(s[1].cert_sha256, 'a', 64);
	ck_assert(gw_ipc_send_table(keeper, s, 2));
}

static void send_trust(const gnutls_datum_t *crl)
{
	gnutls_datum_t ca = load("ca.pem"), none = { NULL, 0 };

	ck_assert(gw_ipc_send_trust(keeper, &ca, crl ? crl : &none));
	gnutls_free(ca.data);
}

static void send_cert(void)
{
	gnutls_datum_t chain = load("server.pem"), ca = load("ca.pem"), key = load("server.key");
	gnutls_privkey_t pk;

	ck_assert_int_eq(gnutls_privkey_init(&pk), 0);
	ck_assert_int_eq(gnutls_privkey_import_x509_raw(pk, &key, GNUTLS_X509_FMT_PEM, NULL, 0), 0);
	gw_signer_set_key(signer, pk);
	ck_assert(gw_ipc_send_cert(keeper, &chain, &ca));
	gnutls_free(chain.data), gnutls_free(ca.data), gnutls_free(key.data);
}

static void setup(void)
{
	static const struct peer_ops node_ops = { .event = event, .message = message, .ctx = &node };
	struct peer_conf nc = { .origin_host = "node.inside", .origin_realm = "inside", .product = "node", .apps = &app, .napps = 1 };
	struct gw_door_fds fds = { .control = -1 };
	int ipc[2], sign[2];
	char err[256] = "";

	strcpy(dir, "/tmp/check_gw_door.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert(peer_certs_make(dir));
	memset(&node, 0, sizeof(node)), memset(scs, 0, sizeof(scs));
	naudit = 0, ready = false;
	loop = peer_loop_new();
	node_listener = peer_listen(loop, &nc, "127.0.0.1", 0, &node_ops, err, sizeof(err));
	ck_assert_msg(node_listener != NULL, "%s", err);
	conf = (struct gw_conf){ .identity = "iwf.test", .realm = "test", .nlisten = 1, .nnode = 1,
		.listen = { { .transport = GW_TLS } }, .limits = { .connections = 10, .connections_per_source = 10, .half_open = 10,
		.half_open_per_source = 10, .source_rate_per_s = 100, .source_burst = 100, .hello_timeout_ms = 1000, .handshake_timeout_ms = 3000,
		.cer_timeout_ms = 6000, .message_max = 65536, .queue_max = 1 << 20, .stall_timeout_ms = 5000, .watchdog_s = 30, .in_flight = 10,
		.in_flight_per_scs = 10, .answer_timeout_ms = 2000, .rate_per_s = 100, .burst = 100, .audit_per_s = 100, .audit_burst = 100 },
		.process.sandbox = GW_SANDBOX_OFF };
	conf.node[0] = (struct gw_node){ .host = "node.inside", .realm = "inside", .address = "127.0.0.1", .port = peer_listener_port(node_listener) };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ipc), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sign), 0);
	fds.ipc = ipc[1], fds.signer = sign[1];
	fds.listen[0] = listener(AF_INET, &door_port);
	fds.packet[0] = -1;
	fds.control = listener(AF_INET, &control_port);
	door = fork();
	if (!door) {
		close(ipc[0]), close(sign[0]);
		_exit(gw_door_run(&conf, &fds));
	}
	close(ipc[1]), close(sign[1]), close(fds.listen[0]), close(fds.control);
	keeper = gw_ipc_new(ipc[0]);
	signer = gw_signer_start(sign[0], err, sizeof(err));
	ck_assert_msg(signer != NULL, "%s", err);
	ck_assert(peer_watch_fd(loop, ipc[0], from_door, NULL));
	send_table(true, 1);
	send_trust(NULL);
	send_cert();
	UNTIL(ready && node.opened);
}

static void teardown(void)
{
	int status = -1;

	gw_ipc_send_plain(keeper, GW_IPC_STOP);
	for (int64_t end = peer_now_ms() + PATIENCE_MS; waitpid(door, &status, WNOHANG) == 0 && peer_now_ms() < end;)
		run_ms(10);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the door ended with %d", status);
	peer_loop_free(loop);
	gw_signer_stop(signer);
	gw_ipc_free(keeper);
	peer_certs_remove(dir);
}

static void dial(struct side *s, const char *cert, const char *host, bool deaf)
{
	char pem[128], key[128], ca[128], err[256] = "";
	struct peer_ops ops = { .event = event, .message = message, .ctx = s };
	struct peer_conf c = { .origin_host = host, .origin_realm = "test", .product = "scs", .apps = &app, .napps = 1,
		.expect_host = "server.test", .bad = { .ignore_dwr = deaf } };

	snprintf(pem, sizeof(pem), "%s/%s.pem", dir, cert);
	snprintf(key, sizeof(key), "%s/%s.key", dir, cert);
	snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
	c.tls = (struct peer_tls){ .cert = *cert ? pem : NULL, .key = *cert ? key : NULL, .ca = ca };
	*s = (struct side){ .peer = NULL };
	ck_assert_msg(peer_connect(loop, &c, "127.0.0.1", door_port, &ops, err, sizeof(err)) != NULL, "%s", err);
}

static void last_row(const char *decision, enum iwf_reason reason, int n)
{
	UNTIL(naudit >= n);
	ck_assert_str_eq(rows[n - 1].decision, decision);
	ck_assert_msg(rows[n - 1].reason == reason, "%s instead of %s: %s", iwf_reason_str(rows[n - 1].reason), iwf_reason_str(reason), rows[n - 1].detail);
}

static void send_dar_of(struct peer *p, const char *host)
{
	struct dia_writer w = { 0 };

	dia_begin(&w, DIA_F_REQUEST | DIA_F_PROXIABLE, TSP_CMD_DAR, TSP_APP_ID, peer_next_hbh(p), peer_next_e2e(p));
	dia_put_text(&w, DIA_Session_Id, "scs.test;1;2");
	dia_put_u32(&w, DIA_Auth_Session_State, 1);
	dia_put_text(&w, DIA_Origin_Host, host);
	dia_put_text(&w, DIA_Origin_Realm, "test");
	dia_put_text(&w, DIA_Destination_Realm, "test");
	dia_open(&w, DIA_Device_Action);
	dia_put_text(&w, DIA_External_Identifier, "a@test");
	dia_put_octets(&w, DIA_SCS_Identity, "\x94\x71\x10\x32", 4);
	dia_put_u32(&w, DIA_Reference_Number, 1);
	dia_put_u32(&w, DIA_Action_Type, 1);
	dia_close(&w);
	ck_assert(dia_end(&w) && peer_send(p, w.p, w.n));
	dia_writer_free(&w);
}

static void send_dar(struct peer *p) { send_dar_of(p, "scs.test"); }

START_TEST(a_request_and_its_answer)
{
	struct dia_avp a;
	char text[512];

	dial(&scs[0], "client", "scs.test", false);
	UNTIL(scs[0].opened);
	ck_assert_str_eq(peer_remote_host(scs[0].peer), "iwf.test");
	last_row("accepted", RS_NONE, 1);
	ck_assert_int_eq(rows[0].scs, 7);
	send_dar(scs[0].peer);
	UNTIL(scs[0].messages);
	ck_assert_int_eq(node.messages, 1);
	ck_assert(dia_msg_find(node.last, node.n, DIA_Route_Record, &a));
	dia_avp_text(&a, text, sizeof(text));
	ck_assert_str_eq(text, "scs.test");
	ck_assert(dia_msg_find(scs[0].last, scs[0].n, DIA_Origin_Host, &a));
	dia_avp_text(&a, text, sizeof(text));
	ck_assert_str_eq(text, "iwf.test");
}
END_TEST

START_TEST(another_name)
{
	struct dia_avp a;
	uint32_t result = 0;

	dial(&scs[0], "client", "scs.test", false);
	UNTIL(scs[0].opened);
	send_dar_of(scs[0].peer, "pin.test");
	UNTIL(scs[0].messages);
	ck_assert(dia_msg_find(scs[0].last, scs[0].n, DIA_Result_Code, &a) && dia_avp_u32(&a, &result));
	ck_assert_uint_eq(result, 5003);
	ck_assert_int_eq(node.messages, 0);
	last_row("refused", RS_ORIGIN_NOT_PROVEN, 2);
	ck_assert_int_eq(rows[1].scs, 7);
	ck_assert_str_eq(rows[1].host, "pin.test");
}
END_TEST

START_TEST(strangers)
{
	dial(&scs[0], "stranger", "scs.test", false);
	UNTIL(scs[0].closed);
	last_row("refused", RS_CERT_ISSUER, 1);
	dial(&scs[0], "nameless", "scs.test", false);
	UNTIL(scs[0].closed);
	last_row("refused", RS_CERT_UNKNOWN, 2);
	dial(&scs[0], "late", "scs.test", false);
	UNTIL(scs[0].closed);
	last_row("refused", RS_CERT_EXPIRED, 3);
	dial(&scs[0], "", "scs.test", false);
	UNTIL(scs[0].closed);
	last_row("refused", RS_CERT_MISSING, 4);
	dial(&scs[0], "client", "other.test", false);
	UNTIL(scs[0].closed);
	ck_assert_msg(strstr(scs[0].why, "3010") != NULL, "%s", scs[0].why);
	last_row("refused", RS_SCS_UNKNOWN, 5);
	dial(&scs[0], "client", "pin.test", false);
	UNTIL(scs[0].closed);
	last_row("refused", RS_CERT_PIN, 6);
	ck_assert_int_eq(node.messages, 0);
}
END_TEST

START_TEST(places)
{
	dial(&scs[0], "client", "scs.test", true);
	UNTIL(scs[0].opened);
	dial(&scs[1], "client", "scs.test", false);
	UNTIL(scs[1].closed);
	ck_assert_msg(strstr(scs[1].why, "3004") != NULL, "%s", scs[1].why);
	last_row("refused", RS_CONNECTIONS, 2);
	ck_assert(scs[0].peer != NULL);
	run_ms(1500);                            /* now it is silent, and does not answer */
	dial(&scs[1], "client", "scs.test", false);
	UNTIL(scs[1].opened);
	UNTIL(scs[0].closed);
	/* A silent one that lives answers, and stays. */
	run_ms(1500);
	dial(&scs[2], "client", "scs.test", false);
	UNTIL(scs[2].closed);
	ck_assert(scs[1].peer != NULL);
	send_table(true, 2);
	dial(&scs[2], "client", "scs.test", false);
	UNTIL(scs[2].opened);
}
END_TEST

START_TEST(sent_away)
{
	dial(&scs[0], "client", "scs.test", false);
	UNTIL(scs[0].opened);
	send_table(false, 1);
	UNTIL(scs[0].closed);
	ck_assert_msg(strstr(scs[0].why, "DO_NOT_WANT") != NULL, "%s", scs[0].why);
	last_row("ended", RS_SCS_DISABLED, 2);
	dial(&scs[0], "client", "scs.test", false);
	UNTIL(scs[0].closed);
	send_table(true, 1);
	dial(&scs[0], "client", "scs.test", false);
	UNTIL(scs[0].opened);
}
END_TEST

START_TEST(revoked)
{
	gnutls_datum_t ca = load("ca.pem"), key = load("ca.key"), leaf = load("client.pem"), out;
	gnutls_x509_crt_t ca_crt, crt;
	gnutls_x509_privkey_t ca_key;
	gnutls_x509_crl_t crl;

	gnutls_x509_crt_init(&ca_crt), gnutls_x509_crt_init(&crt), gnutls_x509_privkey_init(&ca_key), gnutls_x509_crl_init(&crl);
	ck_assert_int_eq(gnutls_x509_crt_import(ca_crt, &ca, GNUTLS_X509_FMT_PEM), 0);
	ck_assert_int_eq(gnutls_x509_crt_import(crt, &leaf, GNUTLS_X509_FMT_PEM), 0);
	ck_assert_int_eq(gnutls_x509_privkey_import(ca_key, &key, GNUTLS_X509_FMT_PEM), 0);
	gnutls_x509_crl_set_version(crl, 2);
	gnutls_x509_crl_set_this_update(crl, time(NULL) - 60);
	gnutls_x509_crl_set_next_update(crl, time(NULL) + 3600);
	gnutls_x509_crl_set_crt(crl, crt, time(NULL) - 60);
	ck_assert_int_eq(gnutls_x509_crl_sign2(crl, ca_crt, ca_key, GNUTLS_DIG_SHA256, 0), 0);
	ck_assert_int_eq(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, &out), 0);
	dial(&scs[0], "client", "scs.test", false);
	UNTIL(scs[0].opened);
	send_trust(&out);
	UNTIL(scs[0].closed);
	last_row("ended", RS_CERT_REVOKED, 2);
	dial(&scs[0], "client", "scs.test", false);
	UNTIL(scs[0].closed);
	last_row("refused", RS_CERT_REVOKED, 3);
	gnutls_x509_crl_deinit(crl), gnutls_x509_crt_deinit(crt), gnutls_x509_crt_deinit(ca_crt), gnutls_x509_privkey_deinit(ca_key);
	gnutls_free(ca.data), gnutls_free(key.data), gnutls_free(leaf.data), gnutls_free(out.data);
}
END_TEST

START_TEST(counters)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(control_port) };
	char text[16384] = "";
	size_t n = 0;
	ssize_t r;
	int fd;

	dial(&scs[0], "client", "scs.test", false);
	UNTIL(scs[0].opened);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	while ((r = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)r;
	close(fd);
	ck_assert_ptr_nonnull(strstr(text, "\niwf_gw_connections_open 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "\niwf_gw_node_up{node=\"node.inside\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "\niwf_gw_accepted_total 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "\niwf_gw_audit_dropped_total 0\n"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gw_door");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_request_and_its_answer);
	tcase_add_test(t, another_name);
	tcase_add_test(t, strangers);
	tcase_add_test(t, places);
	tcase_add_test(t, sent_away);
	tcase_add_test(t, revoked);
	tcase_add_test(t, counters);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
