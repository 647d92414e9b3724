/* fuzz_ipc.c - what one process of mtc-secgw may hear from the other.
 *
 * Input: how often the memory file is sent along (2 bits) and octets of the message (14), the message, and, unless empty,
 * what is in the memory file.
 * Holds: what is taken, sent on, comes as the same; no string of a row ends outside it; no descriptor stays open. */
#include "config.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "fuzz.h"
#include "gw_ipc.h"
#include "log.h"

static int raw;                        /* where messages are made */
static struct gw_ipc *ear;             /* which hears them */
static struct gw_ipc *ends[2];         /* over which what was heard is sent on */

static void quiet(void *ctx, enum iwf_log_level level, enum iwf_log_sub sub, const char *line)
{
}

static void begin(void)
{
	int fd[2];

	if (ear)
		return;
	iwf_log_set_sink(quiet, NULL);
	HOLDS(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd) == 0);
	raw = fd[0];
	ear = gw_ipc_new(fd[1]);
	HOLDS(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd) == 0);
	ends[0] = gw_ipc_new(fd[0]);
	ends[1] = gw_ipc_new(fd[1]);
}

static int memory_file(const uint8_t *p, size_t n)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	HOLDS(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	HOLDS(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0);
	return fd;
}

static void say(const uint8_t *p, size_t n, int fd, unsigned times)
{
	union { struct cmsghdr align; char room[CMSG_SPACE(4 * sizeof(int))]; } control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)p, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (times) {
		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(times * sizeof(int));
		*CMSG_FIRSTHDR(&m) = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
		                                       .cmsg_len = CMSG_LEN(times * sizeof(int)) };
		for (unsigned i = 0; i < times; i++)
			memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)) + i * sizeof(fd), &fd, sizeof(fd));
	}
	HOLDS(sendmsg(raw, &m, MSG_NOSIGNAL) == (ssize_t)n);
}

static bool send_on(const struct gw_ipc_msg *m)
{
	switch (m->type) {
	case GW_IPC_TABLE:    return gw_ipc_send_table(ends[0], m->rows, m->nrows);
	case GW_IPC_TRUST:    return gw_ipc_send_trust(ends[0], &m->blob[0], &m->blob[1]);
	case GW_IPC_CERT:     return gw_ipc_send_cert(ends[0], &m->blob[0], &m->blob[1]);
	case GW_IPC_OCSP:     return gw_ipc_send_ocsp(ends[0], m->id, m->reason, m->until_ms);
	case GW_IPC_STOP:
	case GW_IPC_READY:    return gw_ipc_send_plain(ends[0], m->type);
	case GW_IPC_AUDIT:    return gw_ipc_send_audit(ends[0], &m->audit);
	case GW_IPC_ASK_OCSP: return gw_ipc_ask_ocsp(ends[0], m->id, &m->blob[0], &m->blob[1]);
	}
	return false;
}

static bool same_blob(const gnutls_datum_t *a, const gnutls_datum_t *b)
{
	return a->size == b->size && (!a->size || !memcmp(a->data, b->data, a->size));
}

/* A text is cut at 1023 octets on the way. */
static bool same_text(const char *a, const char *b)
{
	return (!a && !b) || (a && b && !strncmp(a, b, 1023));
}

static void check_same(const struct gw_ipc_msg *a, const struct gw_ipc_msg *b)
{
	const struct iwf_audit *x = &a->audit, *y = &b->audit;

	HOLDS(a->type == b->type && a->id == b->id && a->reason == b->reason && a->until_ms == b->until_ms && a->nrows == b->nrows);
	HOLDS(!a->nrows || !memcmp(a->rows, b->rows, a->nrows * sizeof(*a->rows)));
	HOLDS(same_blob(&a->blob[0], &b->blob[0]) && same_blob(&a->blob[1], &b->blob[1]));
	HOLDS(x->at_ms == y->at_ms && x->scs_id == y->scs_id && x->subscription_id == y->subscription_id && x->reference == y->reference &&
	      x->reason == y->reason && x->request_status == y->request_status);
	HOLDS(same_text(x->event, y->event) && same_text(x->decision, y->decision) && same_text(x->peer, y->peer) &&
	      same_text(x->origin_host, y->origin_host) && same_text(x->address, y->address) && same_text(x->cert, y->cert) &&
	      same_text(x->device, y->device) && same_text(x->detail, y->detail));
}

static void check_rows(const struct gw_ipc_msg *m)
{
	for (size_t i = 0; i < m->nrows; i++) {
		const struct gw_scs *r = &m->rows[i];

		HOLDS(strlen(r->name) < sizeof(r->name) && strlen(r->origin_host) < sizeof(r->origin_host) &&
		      strlen(r->origin_realm) < sizeof(r->origin_realm) && strlen(r->cert_san) < sizeof(r->cert_san) &&
		      strlen(r->cert_sha256) < sizeof(r->cert_sha256) && strlen(r->address) < sizeof(r->address));
	}
}

static int lowest_free(void)
{
	int fd = dup(raw);

	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gw_ipc_msg heard, again;
	int fd = -1, before;
	unsigned times;
	size_t n;

	begin();
	before = lowest_free();
	if (size < 3)
		return 0;
	times = 1 + (data[0] >> 6);
	n = (size_t)(data[0] & 0x3f) << 8 | data[1];
	if (n == 0 || n > size - 2)
		n = size - 2;
	if (n < size - 2)
		fd = memory_file(data + 2 + n, size - 2 - n);
	say(data + 2, n, fd, fd >= 0 ? times : 0);
	if (fd >= 0)
		close(fd);
	if (gw_ipc_recv(ear, &heard) == 1) {
		check_rows(&heard);
		HOLDS(send_on(&heard) && gw_ipc_recv(ends[1], &again) == 1);
		check_same(&heard, &again);
		gw_ipc_msg_free(&heard);
		gw_ipc_msg_free(&again);
	}
	HOLDS(gw_ipc_recv(ear, &heard) == 0);
	HOLDS(lowest_free() == before);
	return 0;
}
