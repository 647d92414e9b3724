/* gw_attack_early.c - attacks by those who are not let in: before the handshake is done, and before the CER. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "gw_attack.h"

static unsigned wait_closed_all(const int *fd, size_t n, uint32_t ms)
{
	const int64_t until = raw_now_ms() + ms;
	unsigned closed = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t left = until - raw_now_ms();

		closed += fd[i] < 0 || raw_wait_closed(fd[i], left > 0 ? (uint32_t)left : 0);
	}
	return closed;
}

/* Until at least so many are closed. */
static unsigned wait_closed_some(const int *fd, size_t n, unsigned enough)
{
	const int64_t until = raw_now_ms() + PATIENT;
	unsigned closed;

	while ((closed = wait_closed_all(fd, n, 0)) < enough && raw_now_ms() < until)
		raw_pause(20);
	return closed;
}

static void close_all(int *fd, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

/* ---- before the handshake is done ---- */

#define CROWD 300
const char *silent(void)
{
	int fd[CROWD];
	unsigned closed;
	const char *bad;

	for (int i = 0; i < CROWD; i++)
		fd[i] = raw_tcp(&net, source);
	closed = wait_closed_some(fd, CROWD, CROWD - HALF_OPEN_SOURCE);
	bad = another_gets_in();
	if (!bad && closed < CROWD - HALF_OPEN_SOURCE)
		bad = say("of %d silent connections from one address only %u were closed", CROWD, closed);
	closed = wait_closed_all(fd, CROWD, PATIENT);
	if (!bad && closed != CROWD)
		bad = say("%u silent connections stay", CROWD - closed);
	close_all(fd, CROWD);
	return bad;
}

const char *silent_many(void)
{
	int fd[CROWD];
	unsigned closed;
	const char *bad = NULL;

	for (int i = 0; i < CROWD; i++)
		fd[i] = raw_tcp(&net, source + 256 + (unsigned)i);
	closed = wait_closed_some(fd, CROWD, CROWD - HALF_OPEN);
	if (closed < CROWD - HALF_OPEN)
		bad = say("of %d silent connections from as many addresses %u were closed", CROWD, closed);
	closed = wait_closed_all(fd, CROWD, PATIENT);
	if (!bad && closed != CROWD)
		bad = say("%u silent connections stay", CROWD - closed);
	close_all(fd, CROWD);
	return bad;
}

const char *hello_silent(void)
{
	uint8_t hello[2048];
	size_t n = raw_hello(&net, hello, sizeof(hello));
	int fd[20];
	unsigned closed;

	for (int i = 0; i < 20; i++) {
		fd[i] = raw_tcp(&net, source);
		if (fd[i] >= 0 && send(fd[i], hello, n, MSG_NOSIGNAL) != (ssize_t)n)
			return say("a ClientHello is not taken");
	}
	closed = wait_closed_all(fd, 20, PATIENT);
	close_all(fd, 20);
	return closed == 20 ? NULL : say("%u of 20 that said no more than ClientHello stay", 20 - closed);
}

const char *hello_trickled(void)
{
	uint8_t hello[2048];
	size_t n = raw_hello(&net, hello, sizeof(hello));
	int64_t begun = raw_now_ms(), took;
	int fd = raw_tcp(&net, source);
	bool cut = false;

	for (size_t i = 0; i < n && i < TRICKLE && !(cut = raw_wait_closed(fd, 100)); i++)
		send(fd, hello + i, 1, MSG_NOSIGNAL);
	took = raw_now_ms() - begun;
	close(fd);
	return cut && took > 1000 ? NULL : say("a ClientHello octet by octet was listened to for %lld ms", (long long)took);
}

const char *strangers(void)
{
	static const char *const names[] = { "HTTP", "Diameter without TLS", "garbage", "a ClientHello of 16 MB" };
	static const char http[] = "GET / HTTP/1.1\r\nHost: door\r\n\r\n";
	static uint8_t junk[512], huge[65536];
	const char *bad = NULL;

	raw_put_cer(&w, ME);
	dia_end(&w);
	for (size_t at = 0; at + 1029 <= sizeof(huge); at += 1029)       /* records of 1 KiB, the first with its head */
		memcpy(huge + at, "\x16\x03\x01\x04\x00\x01\xff\xff\xff", 9);
	for (int i = 0; i < 60 && !bad; i++) {
		int fd = raw_tcp(&net, source);
		const void *p[] = { http, w.p, junk, huge };
		const size_t size[] = { sizeof(http) - 1, w.n, sizeof(junk), sizeof(huge) };
		size_t n = size[i % 4];

		for (size_t k = 0; k < sizeof(junk); k++)
			junk[k] = (uint8_t)rand();
		if (at_node && i % 4 == 2) {     /* may begin like a record, whose rest it waits for */
			close(fd);
			continue;
		}
		if (fd < 0 || send(fd, p[i % 4], n, MSG_NOSIGNAL) != (ssize_t)n)
			bad = say("no connection");
		else if (!raw_wait_closed(fd, PATIENT))
			bad = say("%s does not get it closed", names[i % 4]);
		if (fd >= 0)
			close(fd);
	}
	return bad;
}

const char *storm(void)
{
	const int64_t until = raw_now_ms() + 2000;
	unsigned n = 0;

	while (n < 1000 || raw_now_ms() < until) {
		int fd = raw_tcp(&net, source);

		if (fd >= 0)
			close(fd);
		n++;
	}
	printf("%u connections\n", n);
	return another_gets_in();
}

/* ---- before the CER ---- */

const char *no_cer(void)
{
	int64_t begun = raw_now_ms(), took;

	if (!raw_tls(&me, &net, ME, source))
		return say("no handshake");
	raw_wait_closed(me.fd, PATIENT);
	took = raw_now_ms() - begun;
	return took < PATIENT ? NULL : say("without a CER it stayed open for %lld ms", (long long)took);
}

const char *cer_trickled(void)
{
	const int64_t begun = raw_now_ms();
	bool cut = false;

	raw_put_cer(&w, ME);
	if (!dia_end(&w) || !raw_tls(&me, &net, ME, source))
		return say("no handshake");
	for (size_t i = 0; i < w.n && i < TRICKLE && !cut; i++)
		cut = !raw_send(&me, w.p + i, 1) || raw_wait_closed(me.fd, 100);
	return cut ? NULL : say("a CER octet by octet was listened to for %lld ms", (long long)(raw_now_ms() - begun));
}

const char *before_cer(void)
{
	if (!raw_tls(&me, &net, ME, source))
		return say("no handshake");
	good_dar();
	if (!dia_end(&w))
		return say("out of memory");
	raw_send(&me, w.p, w.n);
	return closed_now("a request before the CER");
}

/* Under another's name, or one of the inside: with a certificate of its own that is good. */
const char *impostor(void)
{
	const char *names[] = { OTHER, "hss.operator.example", "smssc.operator.example", "iwf1.inside.operator.example", net.door, "" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *bad;
		uint32_t r;

		if (!raw_tls(&me, &net, ME, source))
			return say("no handshake");
		raw_put_cer(&w, names[i]);
		r = asked(NULL);
		/* To the name of one that is there a node says nothing. */
		if (r < 3000 && !(at_node && !r && me.closed))
			return say("a CER of \"%s\" is answered %u", names[i], r);
		good_dar();
		if (dia_end(&w))
			raw_send(&me, w.p, w.n);
		bad = closed_now("a refused CER");
		raw_close(&me);
		if (bad)
			return bad;
	}
	return NULL;
}

const char *second_cer(void)
{
	uint32_t r;

	if (!enter())
		return complaint;
	raw_put_cer(&w, OTHER);
	r = asked(NULL);
	if (r != 5012)
		return say("a second CER is answered %u", r);
	return still_served();
}
