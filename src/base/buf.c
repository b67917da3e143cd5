// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

char *buf_room(struct buf *b, size_t n)
{
	if (b->capacity - b->len < n + 1) {
		b->capacity = MAX(b->capacity * 2, b->len + n + 1);
		b->data = xrealloc(b->data, b->capacity);
	}
	return b->data + b->len;
}

void buf_added(struct buf *b, size_t n)
{
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_add(struct buf *b, const void *data, size_t n)
{
	char *room = buf_room(b, n);

	if (n)
		memcpy(room, data, n);
	buf_added(b, n);
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	buf_add(b, text, (size_t)n);
	free(text);
}

int buf_read_fd(struct buf *b, int fd, size_t max)
{
	/* One large read: /proc/net files are made anew per read() and lines must not tear. */
	return buf_read_fd_by(b, fd, 32768, max);
}

int buf_read_fd_by(struct buf *b, int fd, size_t step, size_t max)
{
	for (;;) {
		ssize_t n = read(fd, buf_room(b, step), step);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf_added(b, (size_t)n);
		if (n == 0)
			return 0;
		if (b->len > max)
			return -EFBIG;
	}
}
