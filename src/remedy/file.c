// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file of our own, as a setting: its whole text, "" where there is none. It is written beside its
 * place and renamed into it, so that after a power loss the old one or the new one is there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "remedy/kinds.h"

#define FILE_MAX ((size_t)64 << 10)

static int below_root(const char *key, char *folder, size_t size, const char **ret_name)
{
	const char *name = strrchr(key, '/');

	if (key[0] != '/' || !name[1] || strstr(key, "/../"))
		return -EINVAL;
	if (snprintf(folder, size, "%.*s", (int)(name - key), key) >= (int)size)
		return -ENAMETOOLONG;
	memmove(folder, folder + (folder[0] == '/'), strlen(folder) + (folder[0] != '/'));
	*ret_name = name + 1;
	return 0;
}

static int file_read(const struct change_place *p, const char *key, struct buf *ret)
{
	cleanup(cleanup_fd) int fd = openat(p->root, key + (key[0] == '/'), O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT)
		return -errno;
	buf_clear(ret);
	buf_puts(ret, "");
	return fd < 0 ? 0 : buf_read_fd(ret, fd, FILE_MAX);
}

static int write_whole(int fd, const char *text)
{
	size_t length = strlen(text), done = 0;

	while (done < length) {
		ssize_t n = write(fd, text + done, length - done);

		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int replace(int folder, const char *name, const char *text)
{
	char fresh[256];
	int fd, r;

	/* sysctl.d and .link files are read by their endings: this one has another. */
	if (snprintf(fresh, sizeof(fresh), ".%s.new", name) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	r = write_whole(fd, text);
	close(fd);
	if (r == 0 && renameat(folder, fresh, folder, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(folder, fresh, 0);
	return r;
}

static int file_write(const struct change_place *p, const char *key, const char *value)
{
	char path[256];
	const char *name;
	int r = below_root(key, path, sizeof(path), &name);

	if (r < 0)
		return r;
	cleanup(cleanup_fd) int folder =
		openat(p->root, path[0] ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return -errno;
	if (*value)
		r = replace(folder, name, value);
	else if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
		r = -errno;
	if (r == 0 && fsync(folder) < 0)
		r = -errno;
	return r;
}

static bool file_host_wide(const char *key)
{
	(void)key;
	return true;
}

const struct change_kind file_kind = {
	.name = "file",
	.read = file_read,
	.write = file_write,
	.host_wide = file_host_wide,
};
