/* sctp.c - which stack. */
#include "config.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include "sctp.h"

const struct assoc_stack *peer_assoc_stack(enum peer_sctp_stack which)
{
	int fd;

	if (which == PEER_SCTP_KERNEL)
		return &peer_stack_kernel;
	if (which == PEER_SCTP_USER)
		return &peer_stack_user;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_SCTP);
	if (fd < 0)
		return &peer_stack_user;
	close(fd);
	return &peer_stack_kernel;
}
