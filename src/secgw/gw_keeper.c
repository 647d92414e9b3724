#include "config.h"
#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "gw_ipc.h"
#include "gw_keeper.h"
#include "gw_ocsp.h"
#include "log.h"
#include "watched.h"
#include "store_open.h"

#define FILES_MS 500                   /* between two looks at the files */
#define STORE_RETRY_MS 1000
#define STOP_MS 10000                  /* patience with a door that is to end */
#define AUDIT_MAX 1024u                /* rows that wait for the store */
#define AUDIT_MS 100                   /* between two writes: each takes the lock that the node's commits wait for */
#define WARN_S (14 * 86400)            /* before something expires */

enum which { F_CERT, F_KEY, F_PIN, F_CA, F_CRL, F_NODE_CA, F_COUNT };

struct keeper {
	const struct gw_conf *conf;
	struct gw_ipc *ipc;
	struct gw_signer *signer;
	struct gw_ocsp *ocsp;
	pid_t door;
	int signals, wake;
	struct iwf_watched file[F_COUNT];
	struct iwf_store *rows, *audit;        /* two connections: one reads, one writes */
	bool rows_said, audit_said;            /* that the store is not to be had */
	struct gw_scs *table;
	size_t ntable;
	bool table_sent, stopping, said_ready, distrusted;
	struct gw_ipc_msg queue[AUDIT_MAX];
	unsigned nqueue;
	uint64_t lost;
	int64_t files_due, store_due, audit_due, stop_due, expiry_due;
	int status;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- certificate and key ------------------------------------------------ */

static int pin(void *ctx, int attempt, const char *token_url, const char *label, unsigned flags, char *out, size_t size)
{
	const struct iwf_watched *f = ctx;
	size_t n = f->text.data ? strcspn((char *)f->text.data, "\r\n") : 0;

	/* A wrong one, said again and again, locks the token. */
	if (!n || n >= size || attempt > 0 || flags & GNUTLS_PIN_WRONG)
		return GNUTLS_E_PKCS11_PIN_ERROR;
	memcpy(out, f->text.data, n);
	out[n] = 0;
	return 0;
}

static int import_key(struct keeper *k, gnutls_privkey_t key)
{
	const struct iwf_watched *f = &k->file[F_KEY];

	if (strncmp(f->path, "pkcs11:", 7))
		return f->text.data ? gnutls_privkey_import_x509_raw(key, &f->text, GNUTLS_X509_FMT_PEM, NULL, 0) : GNUTLS_E_FILE_ERROR;
	gnutls_privkey_set_pin_function(key, pin, &k->file[F_PIN]);
	return gnutls_privkey_import_url(key, f->path, 0);
}

/* Does the key belong to the certificate? */
static bool belong(gnutls_x509_crt_t crt, gnutls_privkey_t key)
{
	uint8_t a[64], b[64];
	size_t na = sizeof(a), nb = sizeof(b);
	gnutls_pubkey_t pub;
	bool same;

	if (gnutls_pubkey_init(&pub) < 0)
		return false;
	same = gnutls_pubkey_import_privkey(pub, key, 0, 0) == 0 && gnutls_pubkey_get_key_id(pub, GNUTLS_KEYID_USE_SHA256, a, &na) == 0 &&
	       gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, b, &nb) == 0 && na == nb && !memcmp(a, b, na);
	gnutls_pubkey_deinit(pub);
	return same;
}

static bool use_certificate(struct keeper *k)
{
	const struct iwf_watched *cert = &k->file[F_CERT], *key_file = &k->file[F_KEY];
	gnutls_x509_crt_t *crt = NULL;
	gnutls_privkey_t key = NULL;
	unsigned n = 0;
	bool ok = false;
	int r = cert->text.data ? gnutls_x509_crt_list_import2(&crt, &n, &cert->text, GNUTLS_X509_FMT_PEM, 0) : GNUTLS_E_FILE_ERROR;

	if (r < 0 || !n) {
		iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "%s: no certificate: %s", cert->path, gnutls_strerror(r));
		return false;
	}
	r = gnutls_privkey_init(&key);
	r = r < 0 ? r : import_key(k, key);
	if (r < 0)
		iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "%s: no private key: %s", key_file->path, gnutls_strerror(r));
	else if (!belong(crt[0], key))
		iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "the key %s does not belong to the certificate %s", key_file->path, cert->path);
	else
		ok = true;
	if (ok) {
		gw_signer_set_key(k->signer, key);
		key = NULL;
		ok = gw_ipc_send_cert(k->ipc, &cert->text, &k->file[F_NODE_CA].text);
		iwf_log(IWF_LOG_NOTICE, IWF_SUB_GW, "the certificate of %s is in use", cert->path);
	}
	if (key)
		gnutls_privkey_deinit(key);
	while (n)
		gnutls_x509_crt_deinit(crt[--n]);
	gnutls_free(crt);
	return ok;
}

/* Is it PEM that can be read, so that what is in force is not given up for something broken? */
static bool is_good_trust(const struct iwf_watched *ca, const struct iwf_watched *crl)
{
	gnutls_x509_crt_t *crt = NULL;
	gnutls_x509_crl_t *list = NULL;
	unsigned n = 0, m = 0;
	int r = ca->text.data ? gnutls_x509_crt_list_import2(&crt, &n, &ca->text, GNUTLS_X509_FMT_PEM, 0) : GNUTLS_E_FILE_ERROR;
	int s = crl->text.size ? gnutls_x509_crl_list_import2(&list, &m, &crl->text, GNUTLS_X509_FMT_PEM, 0) : 0;

	if (r < 0 || !n)
		iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "%s: no CA certificates: %s", ca->path, gnutls_strerror(r));
	if (s < 0)
		iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "%s: no CRLs: %s", crl->path, gnutls_strerror(s));
	for (unsigned i = 0; r >= 0 && i < n; i++)
		gnutls_x509_crt_deinit(crt[i]);
	for (unsigned i = 0; s >= 0 && i < m; i++)
		gnutls_x509_crl_deinit(list[i]);
	gnutls_free(crt);
	gnutls_free(list);
	return r >= 0 && n && s >= 0;
}

static void warn_of_end(const char *what, const char *path, time_t end)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[32] = "?";

	if (end == (time_t)-1 || end > now + WARN_S)
		return;
	if (gmtime_r(&end, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	iwf_log(IWF_LOG_WARN, IWF_SUB_GW, "%s %s %s %s", path, what, end < now ? "ended" : "ends", text);
}

static void look_for_ends(struct keeper *k)
{
	gnutls_x509_crt_t *crt = NULL;
	gnutls_x509_crl_t *crl = NULL;
	unsigned n = 0;

	for (int f = F_CERT; f <= F_CA; f += F_CA - F_CERT) {
		if (!k->file[f].text.size || gnutls_x509_crt_list_import2(&crt, &n, &k->file[f].text, GNUTLS_X509_FMT_PEM, 0) < 0)
			continue;
		for (unsigned i = 0; i < n; i++) {
			warn_of_end("(certificate)", k->file[f].path, gnutls_x509_crt_get_expiration_time(crt[i]));
			gnutls_x509_crt_deinit(crt[i]);
		}
		gnutls_free(crt);
		crt = NULL;
	}
	if (k->file[F_CRL].text.size && gnutls_x509_crl_list_import2(&crl, &n, &k->file[F_CRL].text, GNUTLS_X509_FMT_PEM, 0) >= 0) {
		for (unsigned i = 0; i < n; i++) {
			time_t next = gnutls_x509_crl_get_next_update(crl[i]);

			if (next < time(NULL))     /* CRLs are short-lived by nature: only one that is over counts */
				warn_of_end("(CRL)", k->file[F_CRL].path, next);
			gnutls_x509_crl_deinit(crl[i]);
		}
		gnutls_free(crl);
	}
}

/* False at the start: something that is needed is not there. */
static bool look_at_files(struct keeper *k, bool now)
{
	bool changed[F_COUNT], ok = true;

	for (int f = 0; f < F_COUNT; f++)
		changed[f] = iwf_watched_look(&k->file[f], IWF_SUB_GW, now);
	if (now || changed[F_CERT] || changed[F_KEY] || changed[F_PIN] || changed[F_NODE_CA])
		ok = use_certificate(k);
	if (now || changed[F_CA] || changed[F_CRL]) {
		bool good = is_good_trust(&k->file[F_CA], &k->file[F_CRL]);

		ok = ok && good;
		if (good && gw_ipc_send_trust(k->ipc, &k->file[F_CA].text, &k->file[F_CRL].text))
			iwf_log(IWF_LOG_NOTICE, IWF_SUB_GW, "CAs%s are in use", k->file[F_CRL].text.size ? " and CRLs" : "");
	}
	if (now || now_ms() >= k->expiry_due) {
		look_for_ends(k);
		k->expiry_due = now_ms() + 86400000;
	}
	return ok;
}

/* ---- the store ---------------------------------------------------------- */

static struct iwf_store *open_store(struct keeper *k, bool read_only, bool *said)
{
	const struct iwf_store_opts opts = { .busy_timeout_ms = k->conf->store.busy_timeout_ms, .read_only = read_only };
	char err[512];
	struct iwf_store *st = iwf_store_open(k->conf->store.uri, &opts, err, sizeof(err));

	if (!st && !*said)
		iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "%s; %s", err, read_only ? "the SCSs stay as they were" : "audit rows wait");
	if (st && *said)
		iwf_log(IWF_LOG_NOTICE, IWF_SUB_GW, "store %s is back", k->conf->store.uri);
	*said = !st;
	return st;
}

static void fill(struct gw_scs *to, const struct iwf_scs *s)
{
	memset(to, 0, sizeof(*to));    /* tables are compared octet by octet */
	to->id = s->id;
	snprintf(to->name, sizeof(to->name), "%s", s->name);
	snprintf(to->origin_host, sizeof(to->origin_host), "%s", s->origin_host);
	snprintf(to->origin_realm, sizeof(to->origin_realm), "%s", s->origin_realm);
	snprintf(to->cert_san, sizeof(to->cert_san), "%s", s->cert_san[0] ? s->cert_san : s->origin_host);
	snprintf(to->cert_sha256, sizeof(to->cert_sha256), "%s", s->cert_sha256);
	to->inside = s->inside;
	to->ndsip = s->ndsip;
	to->enabled = s->enabled;
	to->valid_from = s->valid_from;
	to->valid_until = s->valid_until;
	to->rate_per_s = s->rate_per_s;
	to->burst = s->burst;
	to->connections = s->connections;
	snprintf(to->address, sizeof(to->address), "%s", s->ndsip_address);
}

static enum iwf_err read_rows(struct iwf_store *st, struct gw_scs **rows, size_t *n)
{
	enum iwf_err e = st->ops->begin(st);
	size_t cap = 0;
	struct iwf_scs s = { .id = 0 };

	*rows = NULL;
	*n = 0;
	while (e == IWF_OK && (e = st->ops->scs_next(st, s.id, &s)) == IWF_OK) {
		if (*n == cap) {
			struct gw_scs *more = realloc(*rows, (cap = cap ? 2 * cap : 64) * sizeof(**rows));

			if (!more) {
				e = IWF_ENOMEM;
				break;
			}
			*rows = more;
		}
		fill(&(*rows)[(*n)++], &s);
	}
	st->ops->rollback(st);
	if (e == IWF_ENOENT)
		return IWF_OK;
	free(*rows);
	*rows = NULL;
	return e;
}

static void send_table(struct keeper *k)
{
	k->table_sent = gw_ipc_send_table(k->ipc, k->table, k->ntable);
}

static void look_at_store(struct keeper *k)
{
	struct gw_scs *rows;
	bool changed = true;
	size_t n;
	enum iwf_err e;

	k->store_due = now_ms() + k->conf->store.poll_ms;
	if (!k->rows) {
		k->rows = open_store(k, true, &k->rows_said);
		if (!k->rows) {
			k->store_due = now_ms() + STORE_RETRY_MS;
			if (!k->table_sent)
				send_table(k);     /* nobody may come in before we know who may */
			return;
		}
	} else if (k->rows->ops->changed(k->rows, &changed) != IWF_OK) {
		changed = true;
	}
	if (!changed && k->table_sent)
		return;
	e = read_rows(k->rows, &rows, &n);
	if (e != IWF_OK) {
		if (!k->rows_said)
			iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "store %s: %s; the SCSs stay as they were", k->conf->store.uri, iwf_err_str(e));
		k->rows_said = true;
		iwf_store_close(k->rows);
		k->rows = NULL;
		if (!k->table_sent)
			send_table(k);
		return;
	}
	if (k->table_sent && n == k->ntable && (!n || !memcmp(rows, k->table, n * sizeof(*rows)))) {
		free(rows);
		return;
	}
	free(k->table);
	k->table = rows;
	k->ntable = n;
	send_table(k);
	iwf_log(IWF_LOG_INFO, IWF_SUB_GW, "%zu SCSs", n);
}

/* ---- the audit ---------------------------------------------------------- */

static void queue_audit(struct keeper *k, struct gw_ipc_msg *m)
{
	if (!k->conf->store.audit || k->nqueue == AUDIT_MAX) {
		k->lost += k->conf->store.audit;
		return;
	}
	k->queue[k->nqueue++] = *m;
	*m = (struct gw_ipc_msg){ .type = m->type };   /* its words are ours now */
}

static enum iwf_err write_rows(struct keeper *k, struct iwf_store *st)
{
	enum iwf_err e = st->ops->begin(st);
	char detail[96];

	for (unsigned i = 0; e == IWF_OK && i < k->nqueue; i++)
		e = st->ops->audit_add(st, &k->queue[i].audit);
	if (e == IWF_OK && k->lost) {
		snprintf(detail, sizeof(detail), "%llu rows of the gateway could not be kept", (unsigned long long)k->lost);
		e = st->ops->audit_add(st, &(struct iwf_audit){ .at_ms = (int64_t)time(NULL) * 1000, .event = "connect", .decision = "failed",
		                           .reason = RS_STORE, .request_status = -1, .reference = -1, .detail = detail });
	}
	if (e == IWF_OK)
		return st->ops->commit(st);
	st->ops->rollback(st);
	return e;
}

static void write_audit(struct keeper *k)
{
	enum iwf_err e;

	if (!k->nqueue && !k->lost)
		return;
	k->audit_due = now_ms() + AUDIT_MS;
	if (!k->audit && !(k->audit = open_store(k, false, &k->audit_said)))
		return;
	e = write_rows(k, k->audit);
	if (e != IWF_OK) {
		if (!k->audit_said)
			iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "audit: %s; its rows wait", iwf_err_str(e));
		k->audit_said = true;
		if (e != IWF_EBUSY) {
			iwf_store_close(k->audit);
			k->audit = NULL;
		}
		return;
	}
	k->audit_said = false;
	while (k->nqueue)
		gw_ipc_msg_free(&k->queue[--k->nqueue]);
	k->lost = 0;
}

/* ---- the door ----------------------------------------------------------- */

/* It says what no door of ours would say: somebody else does, and gets no further. */
static void distrust(struct keeper *k)
{
	if (!k->door || k->distrusted)
		return;
	iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "the door says what it has no business to say; it is killed");
	kill(k->door, SIGKILL);
	k->distrusted = true;
}

static bool has_hung_up(const struct keeper *k)
{
	struct pollfd p = { .fd = gw_ipc_fd(k->ipc) };

	return poll(&p, 1, 0) == 1 && p.revents & POLLHUP;
}

static bool is_of_a_door(const struct iwf_audit *a)
{
	return (!strcmp(a->event, "connect") || !strcmp(a->event, "dar")) && !a->device && !a->subscription_id;
}

static void take(struct keeper *k, struct gw_ipc_msg *m)
{
	if (m->type == GW_IPC_AUDIT && is_of_a_door(&m->audit)) {
		queue_audit(k, m);
	} else if (m->type == GW_IPC_READY) {
		if (!k->said_ready)
			iwf_log(IWF_LOG_NOTICE, IWF_SUB_GW, "the gateway %s is open, for %zu SCSs", k->conf->identity, k->ntable);
		k->said_ready = true;
	} else if (m->type == GW_IPC_ASK_OCSP) {
		if (!k->ocsp || !gw_ocsp_ask(k->ocsp, m->id, &m->blob[0], &m->blob[1]))
			gw_ipc_send_ocsp(k->ipc, m->id, RS_CERT_REVOCATION, 0);
	} else {
		distrust(k);
	}
}

static void from_door(struct keeper *k)
{
	struct gw_ipc_msg m;
	int r;

	while ((r = gw_ipc_recv(k->ipc, &m)) > 0) {
		if (!k->distrusted)
			take(k, &m);
		gw_ipc_msg_free(&m);
	}
	if (r < 0 && !has_hung_up(k))
		distrust(k);
}

static void stop(struct keeper *k, const char *why)
{
	if (k->stopping)
		return;
	iwf_log(IWF_LOG_NOTICE, IWF_SUB_GW, "%s: the gateway closes", why);
	k->stopping = true;
	k->stop_due = now_ms() + STOP_MS;
	gw_ipc_send_plain(k->ipc, GW_IPC_STOP);
}

/* True: the door has ended. */
static bool reap(struct keeper *k)
{
	int status;
	pid_t pid = waitpid(k->door, &status, WNOHANG);

	if (pid != k->door)
		return false;
	k->door = 0;
	if (WIFSIGNALED(status))
		iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "the door was ended by signal %d (%s)%s", WTERMSIG(status), strsignal(WTERMSIG(status)),
		        WTERMSIG(status) == SIGSYS ? ": a system call that its sandbox does not allow" : "");
	else if (!k->stopping || WEXITSTATUS(status))
		iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "the door has ended with status %d", WEXITSTATUS(status));
	k->status = k->stopping && WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : 1;
	return true;
}

static void from_signals(struct keeper *k)
{
	struct signalfd_siginfo s;

	while (read(k->signals, &s, sizeof(s)) == sizeof(s)) {
		if (s.ssi_signo == SIGTERM || s.ssi_signo == SIGINT)
			stop(k, strsignal((int)s.ssi_signo));
		else if (s.ssi_signo == SIGHUP)
			look_at_files(k, true);
	}
}

static void from_ocsp(struct keeper *k)
{
	struct gw_ocsp_verdict v;
	uint64_t id, n;

	while (read(k->wake, &n, sizeof(n)) == sizeof(n))
		;
	while (gw_ocsp_next(k->ocsp, &id, &v))
		gw_ipc_send_ocsp(k->ipc, id, v.reason, v.until_ms);
}

static int patience(const struct keeper *k)
{
	int64_t due = k->files_due < k->store_due ? k->files_due : k->store_due, left;

	if (k->nqueue && k->audit_due < due)
		due = k->audit_due;
	if (k->stopping && k->stop_due < due)
		due = k->stop_due;
	left = due - now_ms();
	return left < 0 ? 0 : (int)left;
}

static void run(struct keeper *k)
{
	for (;;) {
		struct pollfd fds[3] = { { .fd = gw_ipc_fd(k->ipc), .events = POLLIN }, { .fd = k->signals, .events = POLLIN },
		                         { .fd = k->wake, .events = POLLIN } };

		poll(fds, k->ocsp ? 3 : 2, patience(k));
		from_door(k);
		from_signals(k);
		if (k->ocsp)
			from_ocsp(k);
		if (reap(k))
			break;
		if (now_ms() >= k->files_due) {
			look_at_files(k, false);
			k->files_due = now_ms() + FILES_MS;
		}
		if (now_ms() >= k->store_due)
			look_at_store(k);
		if (now_ms() >= k->audit_due || k->nqueue > AUDIT_MAX / 2)
			write_audit(k);
		if (k->stopping && now_ms() >= k->stop_due) {
			iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "the door does not end; it is killed");
			kill(k->door, SIGKILL);
			k->stop_due = now_ms() + STOP_MS;
		}
		if (fds[0].revents & POLLHUP)      /* it is ending: waitpid will tell, but not by the socket any more */
			usleep(10000);
	}
	from_door(k);                              /* its last words */
	write_audit(k);
}

static bool begin(struct keeper *k, int ipc_fd, int signer_fd)
{
	const struct gw_conf *c = k->conf;
	const char *const paths[F_COUNT] = { [F_CERT] = c->tls.cert, [F_KEY] = c->tls.key, [F_PIN] = c->tls.pin_file, [F_CA] = c->tls.ca,
	                                     [F_CRL] = c->tls.crl, [F_NODE_CA] = c->tls.node_ca };
	char err[256] = "out of memory";
	sigset_t set;

	for (int f = 0; f < F_COUNT; f++)
		k->file[f].path = paths[f];
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	k->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	k->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	k->ipc = gw_ipc_new(ipc_fd);
	k->signer = gw_signer_start(signer_fd, err, sizeof(err));
	if (k->signals < 0 || k->wake < 0 || !k->ipc || !k->signer) {
		iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "the keeper does not start: %s", err);
		return false;
	}
	if (c->tls.ocsp != GW_OCSP_OFF && !(k->ocsp = gw_ocsp_start(c, k->wake, err, sizeof(err)))) {
		iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "the keeper does not start: %s", err);
		return false;
	}
	return look_at_files(k, true);
}

int gw_keeper_run(const struct gw_conf *conf, int ipc_fd, int signer_fd, pid_t door)
{
	struct keeper *k = calloc(1, sizeof(*k));
	int status;

	if (!k) {
		kill(door, SIGKILL);
		return 1;
	}
	*k = (struct keeper){ .conf = conf, .door = door, .signals = -1, .wake = -1, .status = 1 };
	if (begin(k, ipc_fd, signer_fd)) {
		look_at_store(k);
		run(k);
	}
	if (k->door) {
		kill(k->door, SIGKILL);
		waitpid(k->door, NULL, 0);
	}
	gw_ocsp_stop(k->ocsp);
	gw_signer_stop(k->signer);
	gw_ipc_free(k->ipc);
	if (k->signals >= 0)
		close(k->signals);
	if (k->wake >= 0)
		close(k->wake);
	iwf_store_close(k->rows);
	iwf_store_close(k->audit);
	for (int f = 0; f < F_COUNT; f++) {
		iwf_watched_forget(&k->file[f]);
	}
	while (k->nqueue)
		gw_ipc_msg_free(&k->queue[--k->nqueue]);
	free(k->table);
	status = k->status;
	free(k);
	return status;
}
