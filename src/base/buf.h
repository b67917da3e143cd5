/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes that grow. Always followed by a NUL that is not counted, so text can be read as a string. */
#ifndef WHYDROP_BUF_H
#define WHYDROP_BUF_H

#include "base/base.h"

struct buf {
	char *data; /* NULL while nothing was added */
	size_t len, capacity;
};

void buf_done(struct buf *b);
void buf_clear(struct buf *b);
/* Room for n more bytes; returns where they go. buf_added() then says how many came. */
char *buf_room(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);
void buf_add(struct buf *b, const void *data, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Reads fd to its end, at most max bytes: more is -EFBIG. */
int buf_read_fd(struct buf *b, int fd, size_t max);
/* The same by reads of another size. */
int buf_read_fd_by(struct buf *b, int fd, size_t step, size_t max);

#endif
