/* The keeper as a process of its own; this one has the door's ends.  What the keeper takes for the door's process is one
 * that only waits to be told its exit status. */
#include "config.h"
#include <check.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "gw_ipc.h"
#include "gw_keeper.h"
#include "log.h"
#include "migrate.h"
#include "patience.h"
#include "peer_certs.h"


static char dir[64];
static struct gw_conf conf;
static struct gw_ipc *door;
static int signer_fd, tell_door;
static pid_t keeper;

static const char *path(const char *file)
{
	static char out[4][128];
	static unsigned k;

	snprintf(out[k = (k + 1) % 4], sizeof(out[0]), "%s/%s", dir, file);
	return out[k];
}

/* ---- the store ---------------------------------------------------------- */

static void make_store(void)
{
	unsigned from, to;
	char err[256];

	ck_assert_msg(iwf_migrate_file(path("iwf.db"), true, &from, &to, err, sizeof(err)) == IWF_OK, "%s", err);
}

static int64_t sql(const char *text)
{
	sqlite3_stmt *q;
	int64_t v = 0;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path("iwf.db"), &db), SQLITE_OK);
	sqlite3_busy_timeout(db, PATIENCE_MS);
	ck_assert_msg(sqlite3_prepare_v2(db, text, -1, &q, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
	if (sqlite3_step(q) == SQLITE_ROW)
		v = sqlite3_column_int64(q, 0);
	ck_assert_msg(sqlite3_finalize(q) == SQLITE_OK, "%s: %s", text, sqlite3_errmsg(db));
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	return v;
}

static void wait_for_rows(int64_t n)
{
	for (int ms = 0; sql("SELECT count(*) FROM audit") < n && ms < PATIENCE_MS; ms += 20)
		usleep(20000);
	ck_assert_int_eq(sql("SELECT count(*) FROM audit"), n);
}

/* ---- the two processes -------------------------------------------------- */

static pid_t wait_to_be_told(int from)
{
	pid_t pid = fork();
	char status;

	if (pid)
		return pid;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	_exit(read(from, &status, 1) == 1 ? status : 0);
}

static void start(void)
{
	int ipc[2], sign[2], told[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ipc), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sign), 0);
	ck_assert_int_eq(pipe(told), 0);
	keeper = fork();
	ck_assert_int_ge(keeper, 0);
	if (!keeper) {
		sigset_t set;
		pid_t pid;

		close(ipc[1]), close(sign[1]), close(told[1]);
		ck_assert_ptr_nonnull(freopen(path("log"), "a", stderr));
		setvbuf(stderr, NULL, _IOLBF, 0);
		sigemptyset(&set);
		sigaddset(&set, SIGTERM), sigaddset(&set, SIGINT), sigaddset(&set, SIGHUP), sigaddset(&set, SIGCHLD);
		sigprocmask(SIG_BLOCK, &set, NULL);
		iwf_log_set_level(IWF_LOG_INFO);
		pid = wait_to_be_told(told[0]);
		exit(gw_keeper_run(&conf, ipc[0], sign[0], pid));
	}
	close(ipc[0]), close(sign[0]), close(told[0]);
	door = gw_ipc_new(ipc[1]);
	signer_fd = sign[1];
	tell_door = told[1];
}

static void setup(void)
{
	strcpy(dir, "/tmp/check_gw_keeper.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert(peer_certs_make(dir));
	make_store();
	conf = (struct gw_conf){ .identity = "iwf.test", .store = { .busy_timeout_ms = 50, .poll_ms = 50, .audit = true } };
	snprintf(conf.store.uri, sizeof(conf.store.uri), "sqlite:%s", path("iwf.db"));
	strcpy(conf.tls.cert, path("server.pem"));
	strcpy(conf.tls.key, path("server.key"));
	strcpy(conf.tls.ca, path("ca.pem"));
	keeper = 0;
}

/* The keeper's exit status; -1: it did not exit by itself. */
static int end_of_keeper(void)
{
	int status = 0;

	for (int ms = 0; waitpid(keeper, &status, WNOHANG) == 0; ms += 10) {
		ck_assert_int_lt(ms, PATIENCE_MS);
		usleep(10000);
	}
	keeper = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct gw_ipc_msg next(void)
{
	struct gw_ipc_msg m;
	int r;

	while ((r = gw_ipc_recv(door, &m)) == 0)
		ck_assert_int_eq(poll(&(struct pollfd){ .fd = gw_ipc_fd(door), .events = POLLIN }, 1, PATIENCE_MS), 1);
	ck_assert_int_eq(r, 1);
	return m;
}

/* The next message, and no other. */
static struct gw_ipc_msg got(enum gw_ipc_type type)
{
	struct gw_ipc_msg m = next();

	ck_assert_int_eq(m.type, type);
	return m;
}

static void drop(struct gw_ipc_msg m)
{
	gw_ipc_msg_free(&m);
}

static size_t table_rows(void)
{
	struct gw_ipc_msg m = got(GW_IPC_TABLE);
	size_t n = m.nrows;

	drop(m);
	return n;
}

/* What it says first. */
static size_t begin(void)
{
	start();
	drop(got(GW_IPC_CERT));
	drop(got(GW_IPC_TRUST));
	return table_rows();
}

static bool log_has(const char *words)
{
	char line[1024];
	bool found = false;
	FILE *f = fopen(path("log"), "r");

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, words) != NULL;
	if (f)
		fclose(f);
	return found;
}

static void wait_for_log(const char *words)
{
	for (int ms = 0; !log_has(words); ms += 10) {
		ck_assert_msg(ms < PATIENCE_MS, "nothing is said of '%s'", words);
		usleep(10000);
	}
}

/* SIGTERM, and the door ends as it should. */
static void finish(void)
{
	enum gw_ipc_type type;

	ck_assert_int_eq(kill(keeper, SIGTERM), 0);
	do {
		struct gw_ipc_msg m = next();

		type = m.type;
		gw_ipc_msg_free(&m);
	} while (type != GW_IPC_STOP);
	ck_assert_int_eq(write(tell_door, "\0", 1), 1);
	ck_assert_int_eq(end_of_keeper(), 0);
}

static void teardown(void)
{
	if (keeper)
		finish();
	gw_ipc_free(door);
	close(signer_fd);
	close(tell_door);
	unlink(path("iwf.db-wal")), unlink(path("iwf.db-shm"));
	peer_certs_remove(dir);
}

static void copy(const char *from, const char *to)
{
	gnutls_datum_t d;
	FILE *f;

	ck_assert_int_eq(gnutls_load_file(path(from), &d), 0);
	f = fopen(path("new"), "w");
	ck_assert(f && fwrite(d.data, 1, d.size, f) == d.size && !fclose(f));
	ck_assert_int_eq(rename(path("new"), path(to)), 0);
	gnutls_free(d.data);
}

static void put(const char *file, const char *text)
{
	FILE *f = fopen(path("new"), "w");

	ck_assert(f && fputs(text, f) >= 0 && !fclose(f));
	ck_assert_int_eq(rename(path("new"), path(file)), 0);
}

static bool is_file(const gnutls_datum_t *d, const char *file)
{
	gnutls_datum_t f;
	bool same;

	ck_assert_int_eq(gnutls_load_file(path(file), &f), 0);
	same = d->size == f.size && !memcmp(d->data, f.data, f.size);
	gnutls_free(f.data);
	return same;
}

/* ---- rows --------------------------------------------------------------- */

START_TEST(rows)
{
	struct gw_ipc_msg m;
	const struct gw_scs *s;

	sql("INSERT INTO scs (name, origin_host, origin_realm) VALUES ('few', 'Few.test', 'test')");
	sql("INSERT INTO scs (name, origin_host, origin_realm, cert_san, cert_sha256, domain, security, enabled, valid_from_ms, valid_until_ms, "
	    "rate_per_s, burst) VALUES ('all', 'all.test', 'realm', 'san.test', "
	    "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', 'inside', 'ndsip', 0, 1000, 2000, 3, 4)");
	sql("INSERT INTO scs_gateway (scs_id, connections, ndsip_address) SELECT id, 5, '2001:db8::1' FROM scs WHERE name = 'all'");
	start();
	m = got(GW_IPC_CERT);
	ck_assert(is_file(&m.blob[0], "server.pem") && !m.blob[1].size);
	drop(m);
	m = got(GW_IPC_TRUST);
	ck_assert(is_file(&m.blob[0], "ca.pem") && !m.blob[1].size);
	drop(m);
	m = got(GW_IPC_TABLE);
	ck_assert_uint_eq(m.nrows, 2);
	s = &m.rows[0];
	ck_assert_str_eq(s->name, "few");
	ck_assert_str_eq(s->origin_host, "Few.test");
	ck_assert_str_eq(s->origin_realm, "test");
	ck_assert_str_eq(s->cert_san, "Few.test");
	ck_assert_str_eq(s->cert_sha256, "");
	ck_assert_str_eq(s->address, "");
	ck_assert(s->enabled && !s->inside && !s->ndsip && !s->valid_from && !s->valid_until && !s->rate_per_s && !s->burst && s->connections == 1);
	s = &m.rows[1];
	ck_assert_int_eq(s->id, sql("SELECT id FROM scs WHERE name = 'all'"));
	ck_assert_str_eq(s->cert_san, "san.test");
	ck_assert_uint_eq(strlen(s->cert_sha256), 64);
	ck_assert_str_eq(s->address, "2001:db8::1");
	ck_assert(!s->enabled && s->inside && s->ndsip && s->valid_from == 1000 && s->valid_until == 2000);
	ck_assert(s->rate_per_s == 3 && s->burst == 4 && s->connections == 5);
	drop(m);
}
END_TEST

/* A table goes out for each change of what the door has to know, and for nothing else. */
START_TEST(changes)
{
	ck_assert_uint_eq(begin(), 0);
	sql("INSERT INTO scs (name, origin_host, origin_realm) VALUES ('a', 'a.test', 'test')");
	ck_assert_uint_eq(table_rows(), 1);
	sql("UPDATE scs SET quota = 7");
	sql("INSERT INTO scs_group (name) VALUES ('g')");
	usleep(300000);                         /* for some looks at it */
	sql("INSERT INTO scs (name, origin_host, origin_realm) VALUES ('b', 'b.test', 'test')");
	ck_assert_uint_eq(table_rows(), 2);
	sql("UPDATE scs SET enabled = 0 WHERE name = 'b'");
	ck_assert_uint_eq(table_rows(), 2);
	sql("DELETE FROM scs");
	ck_assert_uint_eq(table_rows(), 0);
}
END_TEST

START_TEST(many_rows)
{
	sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
	    "INSERT INTO scs (name, origin_host, origin_realm) SELECT 's' || i, 'scs' || i || '.test', 'test' FROM n");
	ck_assert_uint_eq(begin(), 3000);
}
END_TEST

/* Nobody comes in before it is known who may; what is known stays, when the store goes. */
START_TEST(no_store)
{
	ck_assert_int_eq(rename(path("iwf.db"), path("away.db")), 0);
	ck_assert_uint_eq(begin(), 0);
	wait_for_log("the SCSs stay as they were");
	make_store();
	sql("INSERT INTO scs (name, origin_host, origin_realm) VALUES ('a', 'a.test', 'test')");
	if (table_rows() == 0)                  /* it was there before its row */
		ck_assert_uint_eq(table_rows(), 1);
	wait_for_log("is back");
	ck_assert_int_eq(unlink(path("iwf.db")), 0);
	unlink(path("iwf.db-wal")), unlink(path("iwf.db-shm"));
	usleep(300000);
	ck_assert_int_eq(rename(path("away.db"), path("iwf.db")), 0);
	ck_assert_uint_eq(table_rows(), 0);     /* and not before */
	sql("INSERT INTO scs (name, origin_host, origin_realm) VALUES ('b', 'b.test', 'test')");
	ck_assert_uint_eq(table_rows(), 1);
}
END_TEST

/* ---- files -------------------------------------------------------------- */

START_TEST(trust)
{
	struct gw_ipc_msg m;

	begin();
	put("ca.pem", "this is no CA");
	wait_for_log("no CA certificates");
	copy("other-ca.pem", "ca.pem");
	m = got(GW_IPC_TRUST);                  /* of the broken one the door hears nothing */
	ck_assert(is_file(&m.blob[0], "other-ca.pem"));
	drop(m);
	ck_assert_int_eq(unlink(path("ca.pem")), 0);
	wait_for_log("stays in force");
	copy("other-ca.pem", "ca.pem");         /* as it was: nothing to say */
	usleep(700000);
	copy("server.pem", "ca.pem");
	m = got(GW_IPC_TRUST);
	ck_assert(is_file(&m.blob[0], "server.pem"));
	drop(m);
}
END_TEST

static bool signs_for(const char *cert)
{
	const gnutls_datum_t data = { (uint8_t *)"data", 4 };
	gnutls_datum_t pem, sig = { NULL, 0 };
	gnutls_x509_crt_t crt;
	gnutls_privkey_t key;
	gnutls_pubkey_t pub;
	bool ok;

	ck_assert_int_eq(gnutls_load_file(path(cert), &pem), 0);
	ck_assert(!gnutls_x509_crt_init(&crt) && !gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM));
	ck_assert(!gnutls_pubkey_init(&pub) && !gnutls_pubkey_import_x509(pub, crt, 0));
	ck_assert_int_eq(gw_signer_key(signer_fd, crt, &key), 0);
	ok = gnutls_privkey_sign_data2(key, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &sig) == 0 &&
	     gnutls_pubkey_verify_data2(pub, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &sig) >= 0;
	gnutls_free(sig.data);
	gnutls_privkey_deinit(key);
	gnutls_pubkey_deinit(pub);
	gnutls_x509_crt_deinit(crt);
	gnutls_free(pem.data);
	return ok;
}

/* A certificate and its key come one after the other; in between, what was there before is what counts. */
START_TEST(certificate)
{
	struct gw_ipc_msg m;

	copy("server.pem", "old.pem");
	begin();
	ck_assert(signs_for("old.pem"));
	copy("client.pem", "server.pem");
	wait_for_log("does not belong to the certificate");
	ck_assert(signs_for("old.pem"));
	copy("client.key", "server.key");
	m = got(GW_IPC_CERT);
	ck_assert(is_file(&m.blob[0], "client.pem"));
	drop(m);
	/* That of before too, for who has seen its certificate already. */
	ck_assert(signs_for("client.pem") && signs_for("old.pem") && !signs_for("ca.pem"));
	put("server.key", "this is no key");
	wait_for_log("no private key");
	ck_assert(signs_for("client.pem"));
}
END_TEST

START_TEST(anew_at_once)
{
	begin();
	ck_assert_int_eq(kill(keeper, SIGHUP), 0);
	drop(got(GW_IPC_CERT));
	drop(got(GW_IPC_TRUST));
}
END_TEST

static const char *const missing[] = { "server.pem", "server.key", "ca.pem" };
START_TEST(something_is_missing)
{
	ck_assert_int_eq(unlink(path(missing[_i])), 0);
	start();
	ck_assert_int_eq(end_of_keeper(), 1);
	ck_assert(log_has(missing[_i]));
	ck_assert_int_lt(write(tell_door, "\0", 1), 0);   /* and what it took for the door has ended too */
	ck_assert_int_eq(errno, EPIPE);
}
END_TEST

/* ---- the audit ---------------------------------------------------------- */

static void audit(int64_t at_ms)
{
	while (!gw_ipc_send_audit(door, &(struct iwf_audit){ .at_ms = at_ms, .event = "connect", .decision = "refused", .reason = RS_CERT_NAME,
	                          .request_status = -1, .reference = -1, .origin_host = "scs.test", .detail = "words" }))
		usleep(1000);
}

START_TEST(audit_rows)
{
	begin();
	for (int i = 1; i <= 20; i++)
		audit(i);
	wait_for_rows(20);
	ck_assert_int_eq(sql("SELECT count(*) FROM audit WHERE event = 'connect' AND decision = 'refused' AND reason = 'cert-name' "
	                     "AND origin_host = 'scs.test' AND detail = 'words' AND request_status IS NULL AND at_ms = id"), 20);
	/* The last words of a door are heard. */
	audit(21);
	finish();
	wait_for_rows(21);
}
END_TEST

/* While the store is locked rows wait, and what there is no room for is counted. */
START_TEST(audit_waits)
{
	sqlite3 *db;

	begin();
	ck_assert_int_eq(sqlite3_open(path("iwf.db"), &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	for (int i = 1; i <= 1100; i++)
		audit(i);
	wait_for_log("its rows wait");
	ck_assert(gw_ipc_send_plain(door, GW_IPC_READY));
	wait_for_log("is open, for");           /* it has read all of them */
	ck_assert_int_eq(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	wait_for_rows(1025);
	ck_assert_int_eq(sql("SELECT count(*) FROM audit WHERE detail = '76 rows of the gateway could not be kept'"), 1);
}
END_TEST

START_TEST(no_audit)
{
	conf.store.audit = false;
	begin();
	audit(1);
	finish();
	ck_assert_int_eq(sql("SELECT count(*) FROM audit"), 0);
}
END_TEST

/* ---- the door ----------------------------------------------------------- */

START_TEST(no_ocsp)
{
	gnutls_datum_t d = { (uint8_t *)"x", 1 };
	struct gw_ipc_msg m;

	begin();
	ck_assert(gw_ipc_ask_ocsp(door, 77, &d, &d));
	m = got(GW_IPC_OCSP);
	ck_assert(m.id == 77 && m.reason == RS_CERT_REVOCATION);
}
END_TEST

START_TEST(stop)
{
	begin();
	ck_assert_int_eq(kill(keeper, SIGTERM), 0);
	drop(got(GW_IPC_STOP));
	ck_assert_int_eq(kill(keeper, SIGINT), 0);    /* once is enough */
	ck_assert_int_eq(write(tell_door, "\3", 1), 1);
	ck_assert_int_eq(end_of_keeper(), 1);         /* of a door that does not end well it says so */
	ck_assert(log_has("the door has ended with status 3"));
}
END_TEST

START_TEST(door_ends)
{
	begin();
	ck_assert_int_eq(write(tell_door, "\0", 1), 1);
	ck_assert_int_eq(end_of_keeper(), 1);         /* nobody had asked it to */
	ck_assert(log_has("the door has ended with status 0"));
}
END_TEST

/* A door that says what none says is not ours any more. */
START_TEST(taken_over)
{
	begin();
	audit(1);
	switch (_i) {
	case 0: ck_assert_int_gt(send(gw_ipc_fd(door), "nonsense", 8, 0), 0); break;
	case 1: ck_assert_int_eq(send(gw_ipc_fd(door), "", 0, 0), 0); break;
	case 2: ck_assert(gw_ipc_send_plain(door, GW_IPC_STOP)); break;
	case 3: ck_assert(gw_ipc_send_table(door, NULL, 0)); break;
	case 4: ck_assert(gw_ipc_send_audit(door, &(struct iwf_audit){ .event = "admin", .decision = "accepted", .detail = "all is well" })); break;
	case 5: ck_assert(gw_ipc_send_audit(door, &(struct iwf_audit){ .event = "dar", .decision = "refused", .device = "49170" })); break;
	}
	if (_i >= 4)
		audit(2);                             /* of which nothing is believed */
	ck_assert_int_eq(end_of_keeper(), 1);
	ck_assert(log_has("no business to say") && log_has("was ended by signal 9"));
	ck_assert_int_eq(sql("SELECT count(*) FROM audit"), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gw_keeper");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	signal(SIGPIPE, SIG_IGN);
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, rows);
	tcase_add_test(t, changes);
	tcase_add_test(t, many_rows);
	tcase_add_test(t, no_store);
	tcase_add_test(t, trust);
	tcase_add_test(t, certificate);
	tcase_add_test(t, anew_at_once);
	tcase_add_loop_test(t, something_is_missing, 0, sizeof(missing) / sizeof(*missing));
	tcase_add_test(t, audit_rows);
	tcase_add_test(t, audit_waits);
	tcase_add_test(t, no_audit);
	tcase_add_test(t, no_ocsp);
	tcase_add_test(t, stop);
	tcase_add_test(t, door_ends);
	tcase_add_loop_test(t, taken_over, 0, 6);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
