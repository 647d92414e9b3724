/* fuzz_sctp.c - datagrams as SCTP packets of the stack in our own process, before that stack sees them.
 *
 * Holds: what is found behind an IPv4 header is within the datagram and as long as an SCTP header at least; what came over UDP is handed
 * on as it came, with a path that leads back to its sender and that is found again while it is held. */
#include <arpa/inet.h>
#include <string.h>
#include "fuzz.h"
#include "sctp_packet.h"

static struct peer_loop *loop;
static struct packet_socket *ours;
static int theirs;
static struct sockaddr_in their_address;

static struct { unsigned n; const uint8_t *p; size_t len; } want;

static void on_packet(const struct packet_path *from, const uint8_t *packet, size_t n)
{
	const struct sockaddr_in *to = (const struct sockaddr_in *)&from->to;
	struct packet_path *held, *twice;
	uint8_t back[65536];

	want.n++;
	HOLDS(n == want.len && !memcmp(packet, want.p, n));
	HOLDS(from->id && from->via == ours && to->sin_family == AF_INET && to->sin_port == their_address.sin_port &&
	      to->sin_addr.s_addr == their_address.sin_addr.s_addr);
	HOLDS(!from->refs && !peer_path_find(from->id));
	held = peer_path_hold(from);
	twice = peer_path_hold(from);
	HOLDS(held && held == twice && peer_path_find(from->id) == held);
	peer_path_drop(twice);
	HOLDS(peer_path_find(from->id) == held);
	peer_path_send(held, packet, n);
	HOLDS(recv(theirs, back, sizeof(back), MSG_DONTWAIT) == (ssize_t)n && !memcmp(back, packet, n));
	peer_path_drop(held);
	HOLDS(!peer_path_find(from->id));
}

static void begin(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, to;
	socklen_t n = sizeof(their_address);

	if (loop)
		return;
	loop = peer_loop_new();
	HOLDS(loop != NULL);
	ours = peer_packet_open(loop, AF_INET, (struct sockaddr *)&a, sizeof(a), true, -1, on_packet);
	theirs = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	HOLDS(ours && theirs >= 0 && bind(theirs, (struct sockaddr *)&a, sizeof(a)) == 0);
	HOLDS(getsockname(theirs, (struct sockaddr *)&their_address, &n) == 0);
	to = a;
	to.sin_port = htons(peer_packet_udp_port(ours));
	HOLDS(connect(theirs, (struct sockaddr *)&to, sizeof(to)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *p = data;
	size_t n = size;

	begin();
	if (peer_packet_find(true, &p, &n)) {
		HOLDS(p >= data + 20 && p <= data + 60 && n >= 12 && p + n == data + size);
		HOLDS((size_t)(p - data) == 4u * (data[0] & 15));
	}
	if (size > 60000)
		return 0;
	want.n = 0;
	want.p = data;
	want.len = size;
	HOLDS(send(theirs, data, size, 0) == (ssize_t)size);
	peer_loop_run(loop, 0);
	HOLDS(want.n == (size >= 12));
	return 0;
}
