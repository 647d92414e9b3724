/* bare_tls.c - what GnuTLS by itself takes: a server of one epoll loop that does the handshake, checks the client's
 * certificate against a CA, answers a CER with a CEA that is always the same, and reads on.  What the gateway does besides,
 * it is measured against.
 *
 *   bare_tls CERT KEY CA PRIORITY       prints its port, and runs until SIGTERM */
#include "config.h"
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bytes.h"
#include "wire.h"

#define CMD_CE 257u
#define APP_TSP 16777309u

struct conn { gnutls_session_t tls; int fd; bool open; };

static gnutls_certificate_credentials_t cred;
static gnutls_priority_t priority;
static struct dia_writer cea;
static int ep;

static int verify(gnutls_session_t tls)
{
	unsigned status;

	return gnutls_certificate_verify_peers2(tls, &status) < 0 || status ? GNUTLS_E_CERTIFICATE_ERROR : 0;
}

static void end(struct conn *c)
{
	gnutls_deinit(c->tls);
	close(c->fd);
	free(c);
}

static void make_cea(void)
{
	static const uint8_t home[6] = { 0, 1, 127, 0, 0, 1 };

	dia_begin(&cea, 0, CMD_CE, 0, 0, 0);
	dia_put_u32(&cea, DIA_Result_Code, 2001);
	dia_put_text(&cea, DIA_Origin_Host, "bare.operator.example");
	dia_put_text(&cea, DIA_Origin_Realm, "operator.example");
	dia_put_octets(&cea, DIA_Host_IP_Address, home, sizeof(home));
	dia_put_u32(&cea, DIA_Vendor_Id, 0);
	dia_put_text(&cea, DIA_Product_Name, "bare_tls");
	dia_open(&cea, DIA_Vendor_Specific_Application_Id);
	dia_put_u32(&cea, DIA_Vendor_Id, DIA_VENDOR_3GPP);
	dia_put_u32(&cea, DIA_Auth_Application_Id, APP_TSP);
	dia_close(&cea);
	if (!dia_end(&cea))
		abort();
}

/* False: it is over. */
static bool serve(struct conn *c)
{
	static uint8_t buf[16384];
	ssize_t n;
	int r;

	if (!c->open) {
		r = gnutls_handshake(c->tls);
		if (r < 0)
			return !gnutls_error_is_fatal(r);
		c->open = true;
	}
	while ((n = gnutls_record_recv(c->tls, buf, sizeof(buf))) > 0) {
		struct dia_hdr h;

		if (dia_hdr_read(buf, (size_t)n, &h) && h.code == CMD_CE && (h.flags & DIA_F_REQUEST)) {
			dia_set32(cea.p + 12, h.hbh);
			dia_set32(cea.p + 16, h.e2e);
			if (gnutls_record_send(c->tls, cea.p, cea.n) < 0)
				return false;
		}
	}
	return n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED;
}

static void take(int listener)
{
	struct epoll_event ev = { .events = EPOLLIN };
	const int on = 1;
	struct conn *c;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		c = calloc(1, sizeof(*c));
		if (!c || gnutls_init(&c->tls, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS) < 0)
			exit(1);
		c->fd = fd;
		gnutls_priority_set(c->tls, priority);
		gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, cred);
		gnutls_certificate_server_set_request(c->tls, GNUTLS_CERT_REQUIRE);
		gnutls_session_set_verify_function(c->tls, verify);
		gnutls_transport_set_int(c->tls, fd);
		ev.data.ptr = c;
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
			exit(1);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event ev[64] = { { .events = EPOLLIN } };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	socklen_t n = sizeof(sa);
	struct rlimit files;

	if (argc != 5) {
		fprintf(stderr, "usage: bare_tls CERT KEY CA PRIORITY\n");
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (gnutls_certificate_allocate_credentials(&cred) < 0 ||
	    gnutls_certificate_set_x509_key_file(cred, argv[1], argv[2], GNUTLS_X509_FMT_PEM) < 0 ||
	    gnutls_certificate_set_x509_trust_file(cred, argv[3], GNUTLS_X509_FMT_PEM) < 1 ||
	    gnutls_priority_init(&priority, argv[4], NULL) < 0) {
		fprintf(stderr, "bare_tls: certificates or priority\n");
		return 1;
	}
	make_cea();
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (bind(listener, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(listener, SOMAXCONN) < 0 ||
	    getsockname(listener, (struct sockaddr *)&sa, &n) < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev[0]) < 0) {
		perror("bare_tls");
		return 1;
	}
	printf("%u\n", ntohs(sa.sin_port));
	fflush(stdout);
	for (;;) {
		int ready = epoll_wait(ep, ev, 64, -1);

		for (int i = 0; i < ready; i++) {
			struct conn *c = ev[i].data.ptr;

			if (!c)
				take(listener);
			else if (!serve(c))
				end(c);
		}
	}
}
