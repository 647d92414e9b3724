/* gw_attack_node.c - cases where freeDiameter's own listener is another thing than the gateway: where it is known not to
 * hold, they tell what happens ("observed: ...") and complain only if it does not come back when the attacker leaves. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "gw_attack.h"

bool at_node;

#define CROWD 60
#define COMES_BACK 60000u            /* ms: a handshake may take 40 s, a CER 20 s */

static int begin_tcp(void)
{
	struct sockaddr_in us = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000u | source) };
	struct sockaddr_in there = { .sin_family = AF_INET, .sin_port = htons(net.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && !bind(fd, (struct sockaddr *)&us, sizeof(us)))
		connect(fd, (struct sockaddr *)&there, sizeof(there));
	return fd;
}

static const char *comes_back(void)
{
	const int64_t begun = raw_now_ms();
	const char *bad;

	while ((bad = another_gets_in()) && raw_now_ms() < begun + COMES_BACK)
		raw_pause(200);
	if (!bad)
		printf("observed: %lld ms after they left, a newcomer is in\n", (long long)(raw_now_ms() - begun));
	return bad;
}

const char *node_silent(void)
{
	int fd[CROWD];
	const char *bad;

	for (int i = 0; i < CROWD; i++) {
		fd[i] = begin_tcp();
		raw_pause(10);
	}
	raw_pause(500);
	bad = another_gets_in();
	printf("observed: beside %d silent connections a newcomer %s\n", CROWD, bad ? "is not let in within 5 s" : "gets in");
	for (int i = 0; i < CROWD; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	return comes_back();
}

const char *node_storm(void)
{
	const int64_t until = raw_now_ms() + 2000;
	unsigned n = 0;
	const char *bad;

	for (; raw_now_ms() < until; n++) {
		int fd = begin_tcp();

		if (fd >= 0)
			close(fd);
	}
	bad = another_gets_in();
	printf("observed: at the end of %u connections in 2 s a newcomer %s\n", n, bad ? "is not let in within 5 s" : "gets in");
	return comes_back();
}

/* Behind what is refused, in the same breath, more than freeDiameter has room for; and the connection stays open. */
static const char *crowd_behind(const char *name, struct raw *r)
{
	uint8_t *all;
	size_t n;

	if (!raw_tls(r, &net, ME, source))
		return say("no handshake");
	if (name)
		raw_put_cer(&w, name);
	else
		good_dar();
	if (!dia_end(&w) || !(all = malloc(w.n + 60 * 1000)))
		return say("out of memory");
	memcpy(all, w.p, n = w.n);
	for (int i = 0; i < 60; i++) {
		good_dar();
		dia_end(&w);
		memcpy(all + n, w.p, w.n);
		n += w.n;
	}
	raw_send(r, all, n);
	free(all);
	return NULL;
}

const char *node_crowded(void)
{
	/* Names of those that are there, that are not, that are nobody's; and something else in the place of a CER. */
	static const char *const names[] = { OTHER, "scs.oldfleet.example", "hss.operator.example", "smssc.operator.example", ME, "nobody.example", "", NULL };
	static struct raw r[5 * sizeof(names) / sizeof(*names)];
	const size_t count = sizeof(r) / sizeof(*r);
	const char *bad = NULL;

	for (size_t i = 0; i < count; i++)
		r[i].fd = -1;
	/* The last of them by way of one that is let in, and goes on. */
	for (size_t i = 0; i < count && !bad; i++) {
		bad = crowd_behind(names[i % (sizeof(names) / sizeof(*names))], &r[i]);
		if (!bad && names[i % (sizeof(names) / sizeof(*names))] != NULL && i % 8 == 4)
			raw_close(&r[i]);
	}
	raw_pause(500);
	if (!bad)
		bad = another_gets_in();
	for (size_t i = 0; i < count; i++)
		raw_close(&r[i]);
	return bad;
}
