#include "config.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "gw_ipc.h"
#include "log.h"

#define BULK_MAX  (256u << 20)         /* octets of a memfd */
#define PLAIN_MAX 65536u               /* octets of a message */
#define STRINGS   8                    /* of an audit row */

/* Every message begins with this; `a` and `b` mean what the type says. */
struct head {
	uint32_t type, reserved;
	uint64_t a, b, c;
};

struct gw_ipc { int fd; uint64_t dropped; uint8_t buf[PLAIN_MAX]; };

struct gw_ipc *gw_ipc_new(int fd)
{
	struct gw_ipc *i = malloc(sizeof(*i));

	if (!i) {
		close(fd);
		return NULL;
	}
	i->fd = fd;
	i->dropped = 0;
	return i;
}

void gw_ipc_free(struct gw_ipc *i)
{
	if (!i)
		return;
	close(i->fd);
	free(i);
}

int gw_ipc_fd(const struct gw_ipc *i)
{
	return i->fd;
}

/* ---- sending ------------------------------------------------------------ */

enum patience { WAIT, DROP };          /* what to do when the other side is slow */

static bool send_msg(struct gw_ipc *i, const struct head *h, const void *body, size_t n, int memfd, enum patience patience)
{
	struct iovec iov[2] = { { (void *)h, sizeof(*h) }, { (void *)body, n } };
	union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n ? 2 : 1 };

	if (memfd >= 0) {
		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		*CMSG_FIRSTHDR(&m) = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &memfd, sizeof(memfd));
	}
	for (;;) {
		if (sendmsg(i->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return true;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS)
			return false;
		if (patience == DROP) {
			i->dropped++;
			return false;
		}
		if (poll(&(struct pollfd){ .fd = i->fd, .events = POLLOUT }, 1, 10000) == 0)
			return false;
	}
}

/* A memfd that nobody can change any more; -1: errno. */
static int sealed(const struct iovec *iov, int n)
{
	int fd = memfd_create("secgw", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	for (int k = 0; fd >= 0 && k < n; k++)
		for (size_t at = 0; at < iov[k].iov_len;) {
			ssize_t r = write(fd, (const char *)iov[k].iov_base + at, iov[k].iov_len - at);

			if (r < 0 && errno == EINTR)
				continue;
			if (r <= 0) {
				close(fd);
				return -1;
			}
			at += (size_t)r;
		}
	if (fd >= 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool send_bulk(struct gw_ipc *i, enum gw_ipc_type type, const struct iovec *iov, int n, uint64_t a, uint64_t b)
{
	int fd = sealed(iov, n);
	bool ok;

	if (fd < 0) {
		iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "memfd: %s", strerror(errno));
		return false;
	}
	ok = send_msg(i, &(struct head){ .type = type, .a = a, .b = b }, NULL, 0, fd, WAIT);
	close(fd);
	return ok;
}

bool gw_ipc_send_table(struct gw_ipc *i, const struct gw_scs *rows, size_t n)
{
	return send_bulk(i, GW_IPC_TABLE, &(struct iovec){ (void *)rows, n * sizeof(*rows) }, 1, n, sizeof(*rows));
}

static bool send_two(struct gw_ipc *i, enum gw_ipc_type type, const gnutls_datum_t *x, const gnutls_datum_t *y)
{
	struct iovec iov[2] = { { x->data, x->size }, { y->data, y->size } };

	return send_bulk(i, type, iov, 2, x->size, y->size);
}

bool gw_ipc_send_trust(struct gw_ipc *i, const gnutls_datum_t *ca_pem, const gnutls_datum_t *crl_pem)
{
	return send_two(i, GW_IPC_TRUST, ca_pem, crl_pem);
}

bool gw_ipc_send_cert(struct gw_ipc *i, const gnutls_datum_t *chain_pem, const gnutls_datum_t *node_ca_pem)
{
	return send_two(i, GW_IPC_CERT, chain_pem, node_ca_pem);
}

bool gw_ipc_send_ocsp(struct gw_ipc *i, uint64_t id, enum iwf_reason verdict, int64_t good_until_ms)
{
	return send_msg(i, &(struct head){ .type = GW_IPC_OCSP, .a = id, .b = verdict, .c = (uint64_t)good_until_ms }, NULL, 0, -1, WAIT);
}

bool gw_ipc_send_plain(struct gw_ipc *i, enum gw_ipc_type type)
{
	return send_msg(i, &(struct head){ .type = type }, NULL, 0, -1, WAIT);
}

/* The numbers of an audit row; its strings follow, each with its NUL, "\1" for NULL. */
struct audit_wire { int64_t at_ms, scs_id, subscription_id, reference; int32_t reason, request_status; };

static void strings_of(struct iwf_audit *a, const char **out[static STRINGS])
{
	out[0] = &a->event;
	out[1] = &a->decision;
	out[2] = &a->peer;
	out[3] = &a->origin_host;
	out[4] = &a->address;
	out[5] = &a->cert;
	out[6] = &a->device;
	out[7] = &a->detail;
}

bool gw_ipc_send_audit(struct gw_ipc *i, const struct iwf_audit *audit)
{
	struct audit_wire w = { audit->at_ms, audit->scs_id, audit->subscription_id, audit->reference, (int32_t)audit->reason,
	                        audit->request_status };
	struct iwf_audit a = *audit;
	const char **s[STRINGS];
	char body[sizeof(w) + STRINGS * 1024];
	size_t n = sizeof(w);

	memcpy(body, &w, sizeof(w));
	strings_of(&a, s);
	for (int k = 0; k < STRINGS; k++) {
		const char *text = *s[k] ? *s[k] : "\1";
		size_t len = strnlen(text, 1023);

		memcpy(body + n, text, len);
		body[n + len] = 0;
		n += len + 1;
	}
	return send_msg(i, &(struct head){ .type = GW_IPC_AUDIT }, body, n, -1, DROP);
}

bool gw_ipc_ask_ocsp(struct gw_ipc *i, uint64_t id, const gnutls_datum_t *cert, const gnutls_datum_t *issuer)
{
	size_t n = (size_t)cert->size + issuer->size;
	uint8_t *body;
	bool ok;

	if (n > PLAIN_MAX - sizeof(struct head))
		return false;
	body = malloc(n ? n : 1);
	if (!body)
		return false;
	memcpy(body, cert->data, cert->size);
	memcpy(body + cert->size, issuer->data, issuer->size);
	ok = send_msg(i, &(struct head){ .type = GW_IPC_ASK_OCSP, .a = id, .b = cert->size, .c = issuer->size }, body, n, -1, DROP);
	free(body);
	return ok;
}

uint64_t gw_ipc_dropped(struct gw_ipc *i)
{
	uint64_t n = i->dropped;

	i->dropped = 0;
	return n;
}

/* ---- receiving ---------------------------------------------------------- */

static int nonsense(const char *what)
{
	iwf_log(IWF_LOG_ERROR, IWF_SUB_GW, "the other process of the gateway sends nonsense: %s", what);
	return -1;
}

static bool blob(gnutls_datum_t *to, const void *p, size_t n)
{
	to->data = gnutls_malloc(n + 1);
	if (!to->data)
		return false;
	if (n)
		memcpy(to->data, p, n);
	to->data[n] = 0;
	to->size = (unsigned)n;
	return true;
}

/* The whole memfd; NULL: it is not what was announced. */
static uint8_t *map(int fd, uint64_t n)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_WRITE;
	off_t size = lseek(fd, 0, SEEK_END);
	void *p;

	if (n > BULK_MAX || size < 0 || (uint64_t)size != n || (fcntl(fd, F_GET_SEALS) & seals) != seals)
		return NULL;
	p = mmap(NULL, n ? n : 1, PROT_READ, MAP_PRIVATE, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

static bool row_is_text(const struct gw_scs *r)
{
#define ENDS(field) memchr(r->field, 0, sizeof(r->field))
	return ENDS(name) && ENDS(origin_host) && ENDS(origin_realm) && ENDS(cert_san) && ENDS(cert_sha256) && ENDS(address);
#undef ENDS
}

static int recv_bulk(const struct head *h, int fd, struct gw_ipc_msg *out)
{
	uint64_t n = h->type == GW_IPC_TABLE ? h->a * h->b : h->a + h->b;
	uint8_t *p;
	bool ok;

	if (h->a > BULK_MAX || h->b > BULK_MAX)
		return nonsense("a length");
	p = fd < 0 ? NULL : map(fd, n);
	if (!p)
		return nonsense("no memory file, or not of the size it should have");
	if (h->type == GW_IPC_TABLE) {
		ok = h->b == sizeof(*out->rows);
		out->rows = ok ? malloc(n ? n : 1) : NULL;
		out->nrows = h->a;
		if (out->rows)
			memcpy(out->rows, p, n);
		for (size_t i = 0; out->rows && i < out->nrows; i++)
			ok = ok && row_is_text(&out->rows[i]);
		ok = ok && out->rows;
	} else {
		ok = blob(&out->blob[0], p, h->a) && blob(&out->blob[1], p + h->a, h->b);
	}
	munmap(p, n ? n : 1);
	return ok ? 1 : nonsense("a table or file that cannot be taken");
}

static int recv_audit(const uint8_t *p, size_t n, struct gw_ipc_msg *out)
{
	struct audit_wire w;
	const char **s[STRINGS];
	char *at, *end;

	if (n < sizeof(w) || p[n - 1])
		return nonsense("an audit row that is cut off");
	memcpy(&w, p, sizeof(w));
	if (w.reason < 0 || w.reason >= IWF_REASONS)
		return nonsense("a reason that there is not");
	out->text = malloc(n - sizeof(w) + 1);
	if (!out->text)
		return nonsense("more than memory holds");
	memcpy(out->text, p + sizeof(w), n - sizeof(w));
	at = out->text;
	end = out->text + n - sizeof(w);
	out->audit = (struct iwf_audit){ .at_ms = w.at_ms, .scs_id = w.scs_id, .subscription_id = w.subscription_id,
		.reference = w.reference, .reason = (enum iwf_reason)w.reason, .request_status = w.request_status };
	strings_of(&out->audit, s);
	for (int k = 0; k < STRINGS; k++) {
		if (at >= end)
			return nonsense("an audit row without all its words");
		*s[k] = at[0] == 1 ? NULL : at;
		at += strlen(at) + 1;
	}
	return out->audit.event && out->audit.decision ? 1 : nonsense("an audit row of nothing");
}

static int understand(const struct head *h, const uint8_t *body, size_t n, int fd, struct gw_ipc_msg *out)
{
	out->type = (enum gw_ipc_type)h->type;
	switch (h->type) {
	case GW_IPC_TABLE:
	case GW_IPC_TRUST:
	case GW_IPC_CERT:
		return recv_bulk(h, fd, out);
	case GW_IPC_OCSP:
		if (h->b >= IWF_REASONS)
			return nonsense("a verdict that there is not");
		out->id = h->a;
		out->reason = (enum iwf_reason)h->b;
		out->until_ms = (int64_t)h->c;
		return 1;
	case GW_IPC_STOP:
	case GW_IPC_READY:
		return 1;
	case GW_IPC_AUDIT:
		return recv_audit(body, n, out);
	case GW_IPC_ASK_OCSP:
		out->id = h->a;
		if (h->b > n || h->c > n || h->b + h->c != n || !blob(&out->blob[0], body, h->b) || !blob(&out->blob[1], body + h->b, h->c))
			return nonsense("certificates that are cut off");
		return 1;
	default:
		return nonsense("a message of no known kind");
	}
}

int gw_ipc_recv(struct gw_ipc *i, struct gw_ipc_msg *out)
{
	union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int))]; } control;
	struct iovec iov = { i->buf, sizeof(i->buf) };
	/* CMSG_LEN, not all of the room: padding would have place for a second descriptor, which nobody would close. */
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = CMSG_LEN(sizeof(int)) };
	struct cmsghdr *c;
	struct head h;
	int fd = -1, r;
	ssize_t n;

	memset(out, 0, sizeof(*out));
	do
		n = recvmsg(i->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n <= 0)
		return -1;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	if (n < (ssize_t)sizeof(h) || m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		r = nonsense("a message that is cut off");
	} else {
		memcpy(&h, i->buf, sizeof(h));
		r = understand(&h, i->buf + sizeof(h), (size_t)n - sizeof(h), fd, out);
	}
	if (fd >= 0)
		close(fd);
	if (r < 0)
		gw_ipc_msg_free(out);
	return r;
}

void gw_ipc_msg_free(struct gw_ipc_msg *m)
{
	free(m->rows);
	gnutls_free(m->blob[0].data);
	gnutls_free(m->blob[1].data);
	free(m->text);
	memset(m, 0, sizeof(*m));
}
