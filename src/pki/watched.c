/* watched.c - files that may be replaced while we run. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "watched.h"

#define FILE_MAX (64u << 20)

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool read_whole(int fd, size_t size, gnutls_datum_t *out)
{
	size_t n = 0;
	ssize_t r;

	out->data = gnutls_malloc(size + 1);
	if (!out->data)
		return false;
	while (n < size && (r = read(fd, out->data + n, size - n)) != 0) {
		if (r < 0 && errno != EINTR)
			break;
		n += r > 0 ? (size_t)r : 0;
	}
	out->data[n] = 0;
	out->size = (unsigned)n;
	if (n == size)
		return true;
	gnutls_free(out->data);
	*out = (gnutls_datum_t){ NULL, 0 };
	return false;
}

void iwf_watched_forget(struct iwf_watched *f)
{
	if (f->text.data)
		gnutls_memset(f->text.data, 0, f->text.size);
	gnutls_free(f->text.data);
	f->text = (gnutls_datum_t){ NULL, 0 };
}

bool iwf_watched_look(struct iwf_watched *f, enum iwf_log_sub sub, bool now)
{
	struct stat st;
	gnutls_datum_t text;
	int fd;

	if (!f->path[0] || !strncmp(f->path, "pkcs11:", 7))
		return false;
	fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		if (f->there)
			iwf_log(IWF_LOG_ERROR, sub, "%s: %s; what was in it stays in force", f->path, strerror(errno));
		f->there = false;
		if (fd >= 0)
			close(fd);
		return false;
	}
	if (!now && f->there && same_file(&st, &f->seen)) {
		close(fd);
		return false;
	}
	f->there = true;
	f->seen = st;
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX || !read_whole(fd, (size_t)st.st_size, &text)) {
		iwf_log(IWF_LOG_ERROR, sub, "%s cannot be read as a whole; what was in it stays in force", f->path);
		close(fd);
		return false;
	}
	close(fd);
	if (f->text.data && text.size == f->text.size && !memcmp(text.data, f->text.data, text.size)) {
		gnutls_free(text.data);
		return now;
	}
	iwf_watched_forget(f);
	f->text = text;
	return true;
}
