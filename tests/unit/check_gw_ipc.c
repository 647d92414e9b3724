/* What the two processes of the gateway say to each other, and what either does with nonsense; both ends are here. */
#include "config.h"
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "gw_ipc.h"
#include "log.h"

static struct gw_ipc *keeper, *door;
static unsigned said;                   /* lines of the log */

static void hear(void *ctx, enum iwf_log_level level, enum iwf_log_sub sub, const char *line)
{
	said++;
}

static unsigned open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void setup(void)
{
	int fd[2];

	iwf_log_set_sink(hear, NULL);
	said = 0;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd), 0);
	keeper = gw_ipc_new(fd[0]);
	door = gw_ipc_new(fd[1]);
	ck_assert(keeper && door);
	ck_assert_int_eq(gw_ipc_fd(door), fd[1]);
}

static void teardown(void)
{
	gw_ipc_free(keeper);
	gw_ipc_free(door);
}

static gnutls_datum_t blob(const char *text)
{
	return (gnutls_datum_t){ (uint8_t *)text, (unsigned)strlen(text) };
}

static struct gw_ipc_msg got(struct gw_ipc *at, enum gw_ipc_type type)
{
	struct gw_ipc_msg m;

	ck_assert_int_eq(gw_ipc_recv(at, &m), 1);
	ck_assert_int_eq(m.type, type);
	return m;
}

static void is_blob(const gnutls_datum_t *b, const char *text)
{
	ck_assert_uint_eq(b->size, strlen(text));
	ck_assert_str_eq((char *)b->data, text);         /* with its NUL */
}

/* ---- each kind there and back ------------------------------------------- */

START_TEST(table)
{
	static const size_t sizes[] = { 0, 1, 3000 };
	struct gw_scs *rows = calloc(3000, sizeof(*rows));
	struct gw_ipc_msg m;

	for (unsigned i = 0; i < 3000; i++) {
		rows[i] = (struct gw_scs){ .id = i, .enabled = i % 2, .rate_per_s = i, .valid_until = -1 };
		snprintf(rows[i].origin_host, sizeof(rows[i].origin_host), "scs%u.test", i);
	}
	memset(rows[7].cert_san, 'a', sizeof(rows[7].cert_san) - 1);
	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		ck_assert(gw_ipc_send_table(keeper, rows, sizes[k]));
		m = got(door, GW_IPC_TABLE);
		ck_assert_uint_eq(m.nrows, sizes[k]);
		ck_assert(m.rows && !memcmp(m.rows, rows, sizes[k] * sizeof(*rows)));
		gw_ipc_msg_free(&m);
	}
	free(rows);
}
END_TEST

START_TEST(files)
{
	gnutls_datum_t a = blob("CAs"), b = blob("and CRLs"), none = { NULL, 0 };
	struct gw_ipc_msg m;

	ck_assert(gw_ipc_send_trust(keeper, &a, &b));
	ck_assert(gw_ipc_send_trust(keeper, &a, &none));
	ck_assert(gw_ipc_send_cert(keeper, &b, &a));
	m = got(door, GW_IPC_TRUST);
	is_blob(&m.blob[0], "CAs");
	is_blob(&m.blob[1], "and CRLs");
	gw_ipc_msg_free(&m);
	m = got(door, GW_IPC_TRUST);
	is_blob(&m.blob[1], "");
	gw_ipc_msg_free(&m);
	m = got(door, GW_IPC_CERT);
	is_blob(&m.blob[0], "and CRLs");
	is_blob(&m.blob[1], "CAs");
	gw_ipc_msg_free(&m);
}
END_TEST

START_TEST(verdicts)
{
	struct gw_ipc_msg m;

	ck_assert(gw_ipc_send_ocsp(keeper, UINT64_MAX, RS_CERT_REVOKED, -5));
	ck_assert(gw_ipc_send_plain(keeper, GW_IPC_STOP));
	ck_assert(gw_ipc_send_plain(door, GW_IPC_READY));
	m = got(door, GW_IPC_OCSP);
	ck_assert(m.id == UINT64_MAX && m.reason == RS_CERT_REVOKED && m.until_ms == -5);
	got(door, GW_IPC_STOP);
	got(keeper, GW_IPC_READY);
	ck_assert_int_eq(gw_ipc_recv(door, &m), 0);
	ck_assert_int_eq(gw_ipc_recv(keeper, &m), 0);
}
END_TEST

START_TEST(questions)
{
	uint8_t *big = calloc(1, 70000);
	gnutls_datum_t cert = blob("certificate"), by = blob("issuer"), huge = { big, 65000 }, all = { big, 70000 }, none = { big, 0 };
	struct gw_ipc_msg m;

	ck_assert(gw_ipc_ask_ocsp(door, 9, &cert, &by));
	ck_assert(gw_ipc_ask_ocsp(door, 10, &huge, &none));
	ck_assert(!gw_ipc_ask_ocsp(door, 11, &all, &none));
	ck_assert(!gw_ipc_ask_ocsp(door, 12, &huge, &huge));
	m = got(keeper, GW_IPC_ASK_OCSP);
	ck_assert_uint_eq(m.id, 9);
	is_blob(&m.blob[0], "certificate");
	is_blob(&m.blob[1], "issuer");
	gw_ipc_msg_free(&m);
	m = got(keeper, GW_IPC_ASK_OCSP);
	ck_assert(m.id == 10 && m.blob[0].size == 65000 && m.blob[1].size == 0);
	gw_ipc_msg_free(&m);
	ck_assert_int_eq(gw_ipc_recv(keeper, &m), 0);
	free(big);
}
END_TEST

START_TEST(audit)
{
	char longer[3000];
	struct iwf_audit a = { .at_ms = 1, .event = "connect", .decision = "refused", .reason = RS_CERT_NAME, .request_status = -1, .scs_id = 2,
		.peer = "scs.test", .origin_host = "claim", .address = "192.0.2.1", .cert = "abc", .device = "", .subscription_id = 3,
		.reference = 4, .detail = longer }, few = { .event = "dar", .decision = "refused", .reason = RS_RATE, .request_status = 109, .reference = -1 };
	struct gw_ipc_msg m;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	ck_assert(gw_ipc_send_audit(door, &a));
	ck_assert(gw_ipc_send_audit(door, &few));
	m = got(keeper, GW_IPC_AUDIT);
	ck_assert(m.audit.at_ms == 1 && m.audit.scs_id == 2 && m.audit.subscription_id == 3 && m.audit.reference == 4);
	ck_assert(m.audit.reason == RS_CERT_NAME && m.audit.request_status == -1);
	ck_assert_str_eq(m.audit.event, "connect");
	ck_assert_str_eq(m.audit.decision, "refused");
	ck_assert_str_eq(m.audit.peer, "scs.test");
	ck_assert_str_eq(m.audit.origin_host, "claim");
	ck_assert_str_eq(m.audit.address, "192.0.2.1");
	ck_assert_str_eq(m.audit.cert, "abc");
	ck_assert_str_eq(m.audit.device, "");
	ck_assert_uint_eq(strlen(m.audit.detail), 1023);
	gw_ipc_msg_free(&m);
	m = got(keeper, GW_IPC_AUDIT);
	ck_assert(!m.audit.peer && !m.audit.origin_host && !m.audit.address && !m.audit.cert && !m.audit.device && !m.audit.detail);
	ck_assert(m.audit.request_status == 109 && m.audit.reference == -1);
	gw_ipc_msg_free(&m);
}
END_TEST

/* ---- nonsense ----------------------------------------------------------- */

struct head { uint32_t type, reserved; uint64_t a, b, c; };          /* as in gw_ipc.c */
struct audit_numbers { int64_t at_ms, scs_id, subscription_id, reference; int32_t reason, request_status; };

/* What an end that was taken over might send. */
static void raw(int to, const void *p, size_t n, const int *fds, size_t nfds)
{
	union { struct cmsghdr align; char room[CMSG_SPACE(8 * sizeof(int))]; } control = { 0 };
	struct msghdr m = { .msg_iov = &(struct iovec){ (void *)p, n }, .msg_iovlen = 1 };

	if (nfds) {
		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		*CMSG_FIRSTHDR(&m) = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(nfds * sizeof(int)) };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), fds, nfds * sizeof(int));
	}
	ck_assert_int_eq(sendmsg(to, &m, MSG_NOSIGNAL), (ssize_t)n);
}

static int memory(size_t n, bool seal)
{
	int fd = memfd_create("test", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	ck_assert(fd >= 0 && ftruncate(fd, (off_t)n) == 0);
	if (seal)
		ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	return fd;
}

#define ROW sizeof(struct gw_scs)
#define MUCH (256u << 20)
enum { NO_FILE = -1, OPEN = -2 };
static const struct { const char *why; struct head h; size_t n; int file; const char *body; size_t nbody; } nonsense[] = {
	{ "no kind", { .type = 0 }, sizeof(struct head), NO_FILE, NULL, 0 },
	{ "a kind that there is not", { .type = 99 }, sizeof(struct head), NO_FILE, NULL, 0 },
	{ "half a head", { .type = GW_IPC_STOP }, sizeof(struct head) - 1, NO_FILE, NULL, 0 },
	{ "nothing at all", { .type = GW_IPC_STOP }, 0, NO_FILE, NULL, 0 },
	{ "a table without memory", { .type = GW_IPC_TABLE, .a = 1, .b = ROW }, sizeof(struct head), NO_FILE, NULL, 0 },
	{ "a table that can change", { .type = GW_IPC_TABLE, .a = 1, .b = ROW }, sizeof(struct head), OPEN, NULL, ROW },
	{ "a table that is shorter", { .type = GW_IPC_TABLE, .a = 2, .b = ROW }, sizeof(struct head), ROW, NULL, 0 },
	{ "a table that is longer", { .type = GW_IPC_TABLE, .a = 1, .b = ROW }, sizeof(struct head), ROW + 1, NULL, 0 },
	{ "a table of other rows", { .type = GW_IPC_TABLE, .a = ROW, .b = 1 }, sizeof(struct head), ROW, NULL, 0 },
	{ "rows of nothing", { .type = GW_IPC_TABLE, .a = MUCH, .b = 0 }, sizeof(struct head), 0, NULL, 0 },
	{ "more than 64 bits", { .type = GW_IPC_TABLE, .a = UINT64_MAX / ROW + 2, .b = ROW }, sizeof(struct head), ROW, NULL, 0 },
	{ "more than there may be", { .type = GW_IPC_TABLE, .a = MUCH, .b = ROW }, sizeof(struct head), ROW, NULL, 0 },
	{ "files that are shorter", { .type = GW_IPC_TRUST, .a = 5, .b = 6 }, sizeof(struct head), 10, NULL, 0 },
	{ "files of a length that goes round", { .type = GW_IPC_CERT, .a = UINT64_MAX, .b = 11 }, sizeof(struct head), 10, NULL, 0 },
	{ "files of which one is too long", { .type = GW_IPC_CERT, .a = MUCH + 1u, .b = 0 }, sizeof(struct head), 10, NULL, 0 },
	{ "a verdict that there is not", { .type = GW_IPC_OCSP, .b = IWF_REASONS }, sizeof(struct head), NO_FILE, NULL, 0 },
	{ "a question of half a certificate", { .type = GW_IPC_ASK_OCSP, .b = 5, .c = 0 }, sizeof(struct head), NO_FILE, "1234", 4 },
	{ "a question of more", { .type = GW_IPC_ASK_OCSP, .b = 1, .c = 1 }, sizeof(struct head), NO_FILE, "1234", 4 },
	{ "a question that goes round", { .type = GW_IPC_ASK_OCSP, .b = UINT64_MAX, .c = 5 }, sizeof(struct head), NO_FILE, "1234", 4 },
	{ "no audit row", { .type = GW_IPC_AUDIT }, sizeof(struct head), NO_FILE, NULL, 0 },
	{ "half an audit row", { .type = GW_IPC_AUDIT }, sizeof(struct head), NO_FILE, "123456789", 10 },
};
START_TEST(nonsense_row)
{
	struct gw_ipc_msg m;
	unsigned before = open_files();
	int fd = nonsense[_i].file == NO_FILE ? -1 : memory(nonsense[_i].file == OPEN ? nonsense[_i].nbody : (size_t)nonsense[_i].file,
	                                                    nonsense[_i].file != OPEN);
	uint8_t text[200];
	size_t nbody = nonsense[_i].body ? nonsense[_i].nbody : 0;

	memcpy(text, &nonsense[_i].h, sizeof(struct head));
	if (nbody)
		memcpy(text + sizeof(struct head), nonsense[_i].body, nbody);
	raw(gw_ipc_fd(keeper), text, nonsense[_i].n + nbody, &fd, fd >= 0);
	if (fd >= 0)
		close(fd);
	ck_assert_msg(gw_ipc_recv(door, &m) == -1, "%s", nonsense[_i].why);
	ck_assert(!m.rows && !m.blob[0].data && !m.blob[1].data && !m.text);
	ck_assert_msg(said == (nonsense[_i].n > 0), "%s: %u lines", nonsense[_i].why, said);
	/* Nothing is kept, and what is sensible is understood again. */
	ck_assert_msg(open_files() == before, "%s", nonsense[_i].why);
	ck_assert(gw_ipc_send_plain(keeper, GW_IPC_STOP));
	got(door, GW_IPC_STOP);
}
END_TEST

START_TEST(a_row_without_an_end)
{
	static const size_t at[] = { offsetof(struct gw_scs, name), offsetof(struct gw_scs, origin_host), offsetof(struct gw_scs, origin_realm),
		offsetof(struct gw_scs, cert_san), offsetof(struct gw_scs, cert_sha256), offsetof(struct gw_scs, address) };
	static const size_t n[] = { sizeof(((struct gw_scs *)0)->name), IWF_DIAMID_MAX + 1, IWF_DIAMID_MAX + 1, IWF_DIAMID_MAX + 1, 65,
		sizeof(((struct gw_scs *)0)->address) };
	struct gw_ipc_msg m;

	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		struct gw_scs rows[2] = { { .id = 1 }, { .id = 2 } };

		memset((char *)&rows[1] + at[i], 'x', n[i]);
		ck_assert(gw_ipc_send_table(keeper, rows, 2));
		ck_assert_int_eq(gw_ipc_recv(door, &m), -1);
		ck_assert_ptr_null(m.rows);
	}
}
END_TEST

/* What else comes along is closed: descriptors are scarce, and the other end might have sent them for that. */
START_TEST(descriptors_that_nobody_wants)
{
	struct head plain = { .type = GW_IPC_STOP }, bulk = { .type = GW_IPC_TABLE, .a = 1, .b = ROW };
	unsigned before = open_files();
	struct gw_ipc_msg m;
	int fds[8];

	for (unsigned n = 1; n <= 8; n++) {
		for (unsigned i = 0; i < n; i++)
			fds[i] = memory(ROW, true);
		raw(gw_ipc_fd(keeper), &plain, sizeof(plain), fds, n);
		raw(gw_ipc_fd(keeper), &bulk, sizeof(bulk), fds, n);
		for (unsigned i = 0; i < n; i++)
			close(fds[i]);
		ck_assert_int_eq(gw_ipc_recv(door, &m), n == 1 ? 1 : -1);
		ck_assert_int_eq(gw_ipc_recv(door, &m), n == 1 ? 1 : -1);
		gw_ipc_msg_free(&m);
		ck_assert_msg(open_files() == before, "%u of %u stay open", open_files() - before, n);
	}
}
END_TEST

static int audit_of(int32_t reason, const char *strings, size_t n)
{
	struct { struct head h; struct audit_numbers a; char text[200]; } msg = { { .type = GW_IPC_AUDIT }, { .reason = reason }, "" };
	struct gw_ipc_msg m;
	int r;

	memcpy(msg.text, strings, n);
	raw(gw_ipc_fd(door), &msg, offsetof(typeof(msg), text) + n, NULL, 0);
	r = gw_ipc_recv(keeper, &m);
	gw_ipc_msg_free(&m);
	return r;
}

START_TEST(audit_nonsense)
{
	static const char good[] = "e\0d\0\1\0\1\0\1\0\1\0\1\0\1";

	ck_assert_int_eq(audit_of(0, good, sizeof(good)), 1);
	ck_assert_int_eq(audit_of(IWF_REASONS - 1, good, sizeof(good)), 1);
	ck_assert_int_eq(audit_of(IWF_REASONS, good, sizeof(good)), -1);
	ck_assert_int_eq(audit_of(-1, good, sizeof(good)), -1);
	for (size_t n = 0; n < sizeof(good); n++)
		ck_assert_int_eq(audit_of(0, good, n), -1);
	ck_assert_int_eq(audit_of(0, "\1\0d\0\1\0\1\0\1\0\1\0\1\0\1", sizeof(good)), -1);     /* no event */
	ck_assert_int_eq(audit_of(0, "e\0\1\0\1\0\1\0\1\0\1\0\1\0\1", sizeof(good)), -1);     /* no decision */
}
END_TEST

START_TEST(too_long)
{
	const int room = 1 << 20;
	uint8_t *big = calloc(1, 100000);
	struct gw_ipc_msg m;

	setsockopt(gw_ipc_fd(door), SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	((struct head *)(void *)big)->type = GW_IPC_STOP;
	raw(gw_ipc_fd(door), big, 65536, NULL, 0);
	raw(gw_ipc_fd(door), big, 65537, NULL, 0);
	got(keeper, GW_IPC_STOP);
	ck_assert_int_eq(gw_ipc_recv(keeper, &m), -1);
	ck_assert_int_eq(gw_ipc_recv(keeper, &m), 0);
	free(big);
}
END_TEST

/* Anything: an answer of some kind, and no descriptor or memory (address sanitizer) is left. */
START_TEST(anything)
{
	unsigned before = open_files();
	uint64_t x = 88172645463325252u;
	uint8_t text[300];

	for (int i = 0; i < 50000; i++) {
		struct head *h = (struct head *)(void *)text;
		struct gw_ipc_msg m;
		int fd = memory(2 * ROW, x % 5 != 0), r;

		for (size_t k = 0; k < sizeof(text); k++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			text[k] = x % 3 ? (uint8_t)(x >> 40) : 0;
		}
		h->type = (uint32_t)(x >> 8) % 10;
		if (x % 4)
			h->a %= 5, h->b = x % 8 ? ROW : h->b % 300, h->c %= 300;
		raw(gw_ipc_fd(keeper), text, 30 + (x >> 16) % 270, &fd, 1);
		close(fd);
		r = gw_ipc_recv(door, &m);
		ck_assert_int_ne(r, 0);
		if (r > 0)
			gw_ipc_msg_free(&m);
	}
	ck_assert_uint_eq(open_files(), before);
}
END_TEST

/* ---- slow, or gone ------------------------------------------------------ */

START_TEST(the_other_side_is_gone)
{
	gnutls_datum_t d = blob("x");
	struct gw_ipc_msg m;

	ck_assert(gw_ipc_send_plain(keeper, GW_IPC_STOP));
	gw_ipc_free(keeper);
	keeper = NULL;
	got(door, GW_IPC_STOP);                          /* its last words */
	ck_assert_int_eq(gw_ipc_recv(door, &m), -1);
	ck_assert_int_eq(gw_ipc_recv(door, &m), -1);
	ck_assert(!gw_ipc_send_plain(door, GW_IPC_READY));
	ck_assert(!gw_ipc_send_audit(door, &(struct iwf_audit){ .event = "e", .decision = "d" }));
	ck_assert(!gw_ipc_ask_ocsp(door, 1, &d, &d));
	ck_assert(!gw_ipc_send_table(door, NULL, 0));
	ck_assert_uint_eq(gw_ipc_dropped(door), 0);
}
END_TEST

static void *read_all(void *ctx)
{
	struct gw_ipc_msg m;
	unsigned *n = ctx;

	for (bool stop = false; !stop; usleep(100))
		while (gw_ipc_recv(keeper, &m) > 0) {
			stop |= m.type == GW_IPC_READY;
			++*n;
			gw_ipc_msg_free(&m);
		}
	return NULL;
}

/* Audit rows are dropped and counted when the keeper is busy; what must not be lost waits until it is not. */
START_TEST(slow)
{
	const struct iwf_audit a = { .event = "e", .decision = "d" };
	unsigned sent = 0, seen = 0;
	pthread_t reader;

	while (gw_ipc_send_audit(door, &a))
		ck_assert_uint_lt(++sent, 1000000);
	ck_assert(!gw_ipc_send_audit(door, &a) && !gw_ipc_send_audit(door, &a));
	ck_assert_uint_eq(gw_ipc_dropped(door), 3);
	ck_assert_uint_eq(gw_ipc_dropped(door), 0);
	ck_assert_int_eq(pthread_create(&reader, NULL, read_all, &seen), 0);
	ck_assert(gw_ipc_send_plain(door, GW_IPC_READY));
	pthread_join(reader, NULL);
	ck_assert_uint_eq(seen, sent + 1);
	ck_assert(gw_ipc_send_audit(door, &a));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gw_ipc");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, table);
	tcase_add_test(t, files);
	tcase_add_test(t, verdicts);
	tcase_add_test(t, questions);
	tcase_add_test(t, audit);
	tcase_add_loop_test(t, nonsense_row, 0, sizeof(nonsense) / sizeof(*nonsense));
	tcase_add_test(t, a_row_without_an_end);
	tcase_add_test(t, descriptors_that_nobody_wants);
	tcase_add_test(t, audit_nonsense);
	tcase_add_test(t, too_long);
	tcase_add_test(t, anything);
	tcase_add_test(t, the_other_side_is_gone);
	tcase_add_test(t, slow);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
