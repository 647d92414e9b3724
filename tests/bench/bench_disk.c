/* bench_disk.c - what the disk takes by itself, for `make bench`: 16 KB written over and fdatasync(2), a thousand times, as
 * the node's write-ahead log is.  A 99th percentile of the node that is less than twice this one is not the node's.
 *
 *   bench_disk DIRECTORY             prints the median and the 99th percentile in ms */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TIMES 1000
#define PIECE 16384
#define LOG   (4 << 20)

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int longer(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static const struct timespec pause = { 0, 1000000 };
	static uint8_t piece[PIECE];
	static double took[TIMES];
	char path[4096];
	int fd;

	if (argc != 2)
		return fputs("usage: bench_disk DIRECTORY\n", stderr), 2;
	if ((size_t)snprintf(path, sizeof(path), "%s/bench-disk", argv[1]) >= sizeof(path) ||
	    (fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600)) < 0 || unlink(path) != 0)
		return perror(path), 1;
	for (size_t at = 0; at < LOG; at += PIECE)
		if (pwrite(fd, piece, PIECE, (off_t)at) != PIECE)
			return perror(path), 1;
	if (fsync(fd) != 0)
		return perror(path), 1;
	for (size_t i = 0; i < TIMES; i++) {
		memset(piece, (int)i + 1, PIECE);
		double began = now_ms();
		if (pwrite(fd, piece, PIECE, (off_t)(i * PIECE % LOG)) != PIECE || fdatasync(fd) != 0)
			return perror(path), 1;
		took[i] = now_ms() - began;
		nanosleep(&pause, NULL);
	}
	qsort(took, TIMES, sizeof(*took), longer);
	printf("%.2f %.2f\n", took[TIMES / 2], took[TIMES * 99 / 100]);
	return 0;
}
