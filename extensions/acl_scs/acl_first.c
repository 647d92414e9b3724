/* acl_first.c - what a connection may have waiting in freeDiameter: before it has been let in, and afterwards.
 *
 * freeDiameter (seen with 1.2.1) keeps whatever comes until the thread of that peer gets to it, without a limit: who sends faster
 * than he is served fills the memory.  So the thread that reads waits while WAITING_MAX messages of its connection do.
 *
 * And it ends a TLS connection that it does not want by waiting for the thread that reads it, and that
 * one waits for room in a queue of five messages that nobody empties any more.  Who sends six messages behind a CER that is
 * refused so takes one of the threads that do handshakes, or the thread of the peer whose name he uses: the HSS's, say; for
 * good, whether he stays or not.  So nobody says anything between his CER and the CEA (RFC 6733 5.3), and the CER of somebody
 * who is connected already goes no further than to the thread that reads it, so that the one who is connected has nothing
 * to do with it.  All of this is decided in the thread that reads the connection; its name tells which it is. */
#include <netdb.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include "acl_first.h"
#include "fdx.h"

#define FDS_MAX 65536
static _Atomic ino_t let_in[FDS_MAX];    /* the socket that was under that number then */
static struct fd_hook_hdl *hook, *seen_hook;
static void (*tell)(const char *what);

/* Of the connection that this thread reads. */
static _Thread_local enum { NEW, WAITING, IN } state;
static _Thread_local int read_fd = -1;   /* -1: its messages are not counted */

#define WAITING_MAX 256
static atomic_int waiting[FDS_MAX];      /* messages that came and that their peer's thread has not seen */
/* Of the peer whose thread this is. */
static _Thread_local int peer_fd = -1;

/* -1: it is none of those that read a TLS connection. */
static int fd_of_thread(void)
{
	const char *name = pthread_getspecific(fd_log_thname);
	int fd, end = 0;

	return name && sscanf(name, "Receiver (%d) TLS%n", &fd, &end) == 1 && end && fd >= 0 && fd < FDS_MAX ? fd : -1;
}

/* 0: none. */
static ino_t socket_at(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static void close_for(int fd, const char *why)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	char ip[64], port[8], what[200];
	int cancel;

	/* As soon as it is closed, this thread may be cancelled. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (getpeername(fd, (struct sockaddr *)&from, &size) < 0 ||
	    getnameinfo((struct sockaddr *)&from, size, ip, sizeof(ip), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(what, sizeof(what), "%s", why);
	else
		snprintf(what, sizeof(what), "%s, from [%s]:%s (%d)", why, ip, port, fd);
	shutdown(fd, SHUT_RDWR);
	tell(what);
	pthread_setcancelstate(cancel, NULL);
}

/* Who has hung up and calls again may be faster than the news of the former. */
#define LEAVES_TRIES 50
#define LEAVES_PAUSE_NS 20000000

static bool is_there(const struct dia_avp *host)
{
	struct peer_hdr *peer = NULL;

	if (fd_peer_getbyid((DiamId_t)host->data, host->len, 1, &peer) || !peer)
		return false;
	switch (fd_peer_get_state(peer)) {
	case STATE_OPEN: case STATE_OPEN_NEW: case STATE_OPEN_HANDSHAKE: case STATE_REOPEN: case STATE_SUSPECT: case STATE_CLOSING_GRACE:
		return true;
	default:
		return false;
	}
}

static bool is_taken(const struct dia_avp *host)
{
	static const struct timespec pause = { 0, LEAVES_PAUSE_NS };

	for (int i = 0; i < LEAVES_TRIES && is_there(host); i++)
		nanosleep(&pause, NULL);
	return is_there(host);
}

/* NULL: it may go on. */
static const char *look_at_first(int fd, const uint8_t *msg, size_t n)
{
	struct dia_avp host;
	struct dia_hdr h;

	if (!dia_hdr_read(msg, n, &h) || h.code != 257)
		return "something else in the place of a CER";
	if (!(h.flags & DIA_F_REQUEST)) {
		/* We have called it, or it is refused for that. */
		acl_first_let_in(fd);
		return NULL;
	}
	if (!dia_msg_find(msg, n, DIA_Origin_Host, &host))
		return "a CER without Origin-Host";
	return is_taken(&host) ? "a second connection under the name of one that is there" : NULL;
}

/* Ends the thread, which nobody has to wait for then. */
static _Noreturn void leave(int fd, const char *why, struct fd_cnx_rcvdata *data)
{
	close_for(fd, why);
	free(data->buffer);
	pthread_exit(NULL);
}

#define SERVED_TRIES 5000
#define SERVED_PAUSE_NS 1000000

/* False: for seconds nobody has taken any of them. */
static bool wait_for_room(int fd)
{
	static const struct timespec pause = { 0, SERVED_PAUSE_NS };
	int n, before = 0, tries = 0;

	while ((n = atomic_load(&waiting[fd])) >= WAITING_MAX) {
		tries = n == before ? tries + 1 : 0;
		before = n;
		if (tries > SERVED_TRIES)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static void on_data(enum fd_hook_type type, struct msg *msg, struct peer_hdr *peer, void *other, struct fd_hook_permsgdata *pmd,
                    void *regdata)
{
	struct fd_cnx_rcvdata *data = other;
	const char *bad;
	int fd;

	if (state != IN) {
		fd = fd_of_thread();
		if (fd < 0) {
			state = IN;
		} else if (atomic_load(&let_in[fd]) == socket_at(fd)) {
			state = IN;
			read_fd = fd;
		} else if (state == NEW) {
			state = WAITING;
			bad = look_at_first(fd, data->buffer, data->length);
			if (bad)
				close_for(fd, bad);
		} else {
			leave(fd, "a message before the CEA", data);
		}
	}
	if (read_fd < 0)
		return;
	if (!wait_for_room(read_fd))
		leave(read_fd, "more than it is served, and nothing of it for seconds", data);
	atomic_fetch_add(&waiting[read_fd], 1);
}

/* In the thread of the peer.  Of what is dropped only an answer to nobody has not been seen. */
static void on_seen(enum fd_hook_type type, struct msg *msg, struct peer_hdr *peer, void *other, struct fd_hook_permsgdata *pmd,
                    void *regdata)
{
	struct msg *asked = NULL;
	struct msg_hdr *hdr;

	if (peer_fd < 0 || !peer || !msg || fd_msg_hdr(msg, &hdr))
		return;
	if (type == HOOK_MESSAGE_DROPPED && ((hdr->msg_flags & CMD_FLAG_REQUEST) || fd_msg_answ_getq(msg, &asked) || asked))
		return;
	if (hdr->msg_code == 257 && !(hdr->msg_flags & CMD_FLAG_REQUEST))
		peer_fd = -1;                    /* of a connection that is about to be let in */
	else
		atomic_fetch_sub(&waiting[peer_fd], 1);
}

void acl_first_let_in(int fd)
{
	peer_fd = -1;
	if (fd < 0 || fd >= FDS_MAX)
		return;
	peer_fd = fd;
	atomic_store(&waiting[fd], 0);
	atomic_store(&let_in[fd], socket_at(fd));
}

int acl_first_start(void (*note)(const char *what))
{
	tell = note;
	return fd_hook_register(HOOK_MASK(HOOK_DATA_RECEIVED), on_data, NULL, NULL, &hook)
	       ?: fd_hook_register(HOOK_MASK(HOOK_MESSAGE_RECEIVED, HOOK_MESSAGE_DROPPED), on_seen, NULL, NULL, &seen_hook);
}

void acl_first_stop(void)
{
	if (hook)
		fd_hook_unregister(hook);
	if (seen_hook)
		fd_hook_unregister(seen_hook);
	hook = seen_hook = NULL;
}
