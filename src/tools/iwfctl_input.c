/* iwfctl_input.c - a file or standard input, plain, gzip or Zstandard by what is in it. */
#include "iwfctl_bulk.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define RAW_SIZE 131072

enum packing { PLAIN, GZIP, ZSTD };

struct input {
	int fd;
	enum packing packing;
	uint64_t taken, size;
	unsigned char raw[RAW_SIZE];
	size_t from, to;                         /* of raw, not unpacked yet */
	bool at_end;                             /* nothing more comes into raw */
	bool whole;                              /* a packed stream has ended where it may */
	z_stream z;
	ZSTD_DStream *zstd;
	char why[200];
};

static bool fill(struct input *in)
{
	if (in->at_end)
		return true;
	if (in->from == in->to)
		in->from = in->to = 0;
	if (!bulk_wait(in->fd)) {
		snprintf(in->why, sizeof in->why, "told to stop");
		return false;
	}
	ssize_t n = read(in->fd, in->raw + in->to, sizeof in->raw - in->to);
	if (n < 0) {
		snprintf(in->why, sizeof in->why, "cannot be read: %s", strerror(errno));
		return false;
	}
	in->at_end = n == 0;
	in->to += (size_t)n;
	in->taken += (uint64_t)n;
	return true;
}

static bool recognise(struct input *in)
{
	static const unsigned char gzip[2] = { 0x1f, 0x8b }, zstd[4] = { 0x28, 0xb5, 0x2f, 0xfd };   /* RFC 1952 2.3.1, RFC 8878 3.1.1 */
	while (in->to < sizeof zstd && !in->at_end)
		if (!fill(in))
			return false;
	in->whole = true;
	if (in->to >= sizeof gzip && memcmp(in->raw, gzip, sizeof gzip) == 0) {
		in->packing = GZIP;
		if (inflateInit2(&in->z, 15 + 16) == Z_OK)
			return true;
	} else if (in->to >= sizeof zstd && memcmp(in->raw, zstd, sizeof zstd) == 0) {
		in->packing = ZSTD;
		in->zstd = ZSTD_createDStream();
		if (in->zstd)
			return true;
	} else {
		return true;
	}
	snprintf(in->why, sizeof in->why, "out of memory");
	return false;
}

struct input *input_open(const char *file)
{
	struct input *in = calloc(1, sizeof *in);
	struct stat st;
	if (!in) {
		ctl_fail("out of memory");
		return NULL;
	}
	in->fd = strcmp(file, "-") == 0 ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	if (in->fd < 0) {
		ctl_fail("%s: %s", file, strerror(errno));
	} else if (fstat(in->fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		ctl_fail("%s: is a directory", file);
	} else if (!recognise(in)) {
		ctl_fail("%s: %s", file, in->why);
	} else {
		off_t at = lseek(in->fd, 0, SEEK_CUR);   /* standard input may be a file that has been read from */
		if (S_ISREG(st.st_mode) && at >= 0 && st.st_size > at - (off_t)in->taken)
			in->size = (uint64_t)(st.st_size - (at - (off_t)in->taken));
		return in;
	}
	input_close(in);
	return NULL;
}

void input_close(struct input *in)
{
	if (!in)
		return;
	if (in->packing == GZIP)
		inflateEnd(&in->z);
	ZSTD_freeDStream(in->zstd);
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	free(in);
}

/* Both: how many octets came out, perhaps none; -1: broken. */
static long gunzip(struct input *in, void *buf, size_t size)
{
	if (in->whole && inflateReset(&in->z) != Z_OK)      /* a gzip file may have several members */
		return -1;
	in->z.next_in = in->raw + in->from;
	in->z.avail_in = (uInt)(in->to - in->from);
	in->z.next_out = buf;
	in->z.avail_out = (uInt)size;
	int rc = inflate(&in->z, Z_NO_FLUSH);
	in->from = in->to - in->z.avail_in;
	in->whole = rc == Z_STREAM_END;
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
		snprintf(in->why, sizeof in->why, "is broken gzip: %s", in->z.msg ? in->z.msg : "cannot be unpacked");
		return -1;
	}
	return (long)(size - in->z.avail_out);
}

static long unzstd(struct input *in, void *buf, size_t size)
{
	ZSTD_inBuffer from = { in->raw, in->to, in->from };
	ZSTD_outBuffer to = { buf, size, 0 };
	size_t rc = ZSTD_decompressStream(in->zstd, &to, &from);
	in->from = from.pos;
	in->whole = rc == 0;
	if (ZSTD_isError(rc)) {
		snprintf(in->why, sizeof in->why, "is broken Zstandard: %s", ZSTD_getErrorName(rc));
		return -1;
	}
	return (long)to.pos;
}

static long plain(struct input *in, void *buf, size_t size)
{
	size_t n = in->to - in->from < size ? in->to - in->from : size;
	memcpy(buf, in->raw + in->from, n);
	in->from += n;
	return (long)n;
}

long input_read(void *ctx, void *buf, size_t size)
{
	struct input *in = ctx;
	if (size > 1u << 30)
		size = 1u << 30;
	for (;;) {
		bool nothing = in->from == in->to;
		if (nothing && !fill(in))
			return -1;
		nothing = in->from == in->to;            /* now: nothing will come */
		if (nothing && in->whole)
			return 0;
		long n = in->packing == GZIP ? gunzip(in, buf, size) : in->packing == ZSTD ? unzstd(in, buf, size) : plain(in, buf, size);
		if (n != 0)
			return n;
		if (nothing) {
			snprintf(in->why, sizeof in->why, "ends in the middle of the packed data");
			return -1;
		}
	}
}

const char *input_why(const struct input *in) { return in->why; }
uint64_t input_taken(const struct input *in) { return in->taken - (in->to - in->from); }
uint64_t input_size(const struct input *in) { return in->size; }
