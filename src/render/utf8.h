/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text from outside (command names, device names, rule text) for output. Any process may call
 * itself what it likes: escape sequences for the terminal are not passed on.
 */
#ifndef WHYDROP_UTF8_H
#define WHYDROP_UTF8_H

#include "base/buf.h"

/* Bytes of the valid UTF-8 character at s, 0 if there is none. *ret_code is the character. */
size_t utf8_next(const char *s, size_t n, uint32_t *ret_code);
/* Bytes that are no UTF-8 become U+FFFD; everything else is kept. */
void utf8_clean(struct buf *to, const char *s, size_t n);
/* Control characters and invalid bytes become \x1b and the like, a backslash stays itself. */
void utf8_escape(struct buf *to, const char *s, size_t n);
/* Columns on a terminal, one per character (what whydrop itself prints has no wide ones). */
size_t utf8_columns(const char *s, size_t n);

#endif
