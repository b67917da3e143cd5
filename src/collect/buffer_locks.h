/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a program set the size of a socket's buffers itself. */
#ifndef WHYDROP_BUFFER_LOCKS_H
#define WHYDROP_BUFFER_LOCKS_H

#include "base/parse.h"
#include "collect/process.h"

#define BUFFER_LOCKS_MAX 256 /* sockets asked for at one look */

/*
 * Lines "INODE LOCKS" to *text, the locks as SO_BUF_LOCK gives them. Sockets that could not be
 * asked are left out; if that is all of them, the first errno.
 */
int buffer_locks_find(const struct inodes *wanted, struct buf *text);
int parse_buffer_locks(struct span text, struct snapshot *s);

#endif
