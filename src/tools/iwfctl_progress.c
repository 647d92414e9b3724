/* iwfctl_progress.c - a line that shows how far it is, and being told to stop. */
#include "iwfctl_bulk.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define EVERY_MS 200
#define BAR_MAX  40

int64_t bulk_now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t now_ms(void)
{
	return bulk_now_us() / 1000;
}

void progress_begin(struct progress *p)
{
	*p = (struct progress){ .on = isatty(STDERR_FILENO), .began_ms = now_ms() };
	p->next_ms = p->began_ms + EVERY_MS;
}

static void duration(char *out, size_t size, uint64_t s)
{
	if (s >= 3600)
		snprintf(out, size, "%llu:%02u:%02u", (unsigned long long)(s / 3600), (unsigned)(s / 60 % 60), (unsigned)(s % 60));
	else
		snprintf(out, size, "%u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
}

void progress_show(struct progress *p, uint64_t rows, uint64_t done, uint64_t all)
{
	int64_t now = p->on ? now_ms() : 0;
	struct winsize w = { 0 };
	char line[300], time[32];

	if (!p->on || now < p->next_ms)
		return;
	p->next_ms = now + EVERY_MS;
	double s = (double)(now - p->began_ms) / 1000, part = all ? (double)done / (double)all : 0;
	part = part > 1 ? 1 : part;
	size_t width = ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
	if (width > sizeof line)
		width = sizeof line;
	int bar = all && width > 60 ? (int)width - 60 : 0, n = 0;
	bar = bar > BAR_MAX ? BAR_MAX : bar;
	if (bar)
		n = snprintf(line, sizeof line, "[%.*s%.*s] ", (int)(bar * part), "########################################",
		             bar - (int)(bar * part), "........................................");
	if (all)
		n += snprintf(line + n, sizeof line - (size_t)n, "%3.0f %%  ", part * 100);
	n += snprintf(line + n, sizeof line - (size_t)n, "%llu rows  %.0f/s", (unsigned long long)rows, (double)rows / s);
	if (part > 0.001) {
		duration(time, sizeof time, (uint64_t)(s / part * (1 - part) + 0.5));
		snprintf(line + n, sizeof line - (size_t)n, "  %s left", time);
	}
	fprintf(stderr, "\r%.*s\033[K", (int)width - 1, line);
	fflush(stderr);
	p->drawn = true;
}

void progress_hide(struct progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", stderr);
	p->drawn = false;
}

static volatile sig_atomic_t told;
static int told_fd = -1;

static void note(int sig)
{
	static const uint64_t one = 1;
	int e = errno;
	told = 1;
	if (write(told_fd, &one, sizeof one) < 0) {
		/* told already */
	}
	errno = e;
}

void bulk_catch_signals(void)
{
	struct sigaction sa = { .sa_handler = note };
	told_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

bool bulk_stop(void)
{
	return told;
}

bool bulk_wait(int fd)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = told_fd, .events = POLLIN } };
	while (!told)
		if (poll(p, 2, -1) < 0 ? errno != EINTR : p[0].revents != 0)
			return true;
	return false;
}
