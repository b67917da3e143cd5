// SPDX-License-Identifier: GPL-2.0-or-later
/* What the collectors of `whydrop host` share. */
#include "collect/host_facts.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int host_facts_made(struct host *h, const char *name, int (*fn)(struct buf *to), struct buf *ret)
{
	return host_keep(h, name, h->replay ? 0 : fn(ret), ret);
}

int host_facts_short(int at, const char *path, char *to, size_t size)
{
	cleanup(cleanup_fd) int fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, to, size - 1);

	if (n < 0)
		return -errno;
	if ((size_t)n == size - 1)
		return -EFBIG;
	while (n && isspace((unsigned char)to[n - 1]))
		n--;
	to[n] = '\0';
	for (char *p = to; *p; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	return n ? 0 : -ENODATA;
}

bool host_facts_line(struct span line, const char *key, struct span *ret)
{
	struct span word;

	if (!next_split(&line, ' ', &word) || !span_is(word, key) || !line.p)
		return false;
	*ret = line;
	return true;
}
