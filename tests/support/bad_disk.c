/* bad_disk.c - linked into a program: while the file exists that BAD_DISK names, the disk does not take what is in
 * the files whose names end in -wal. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_log(int fd)
{
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	return n > 4 && memcmp(path + n - 4, "-wal", 4) == 0;
}

static int to_disk(int fd, long call)
{
	const char *bad = getenv("BAD_DISK");

	if (bad && access(bad, F_OK) == 0 && is_log(fd)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(call, fd);
}

int fdatasync(int fd) { return to_disk(fd, SYS_fdatasync); }
int fsync(int fd) { return to_disk(fd, SYS_fsync); }
