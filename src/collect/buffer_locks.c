// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sk_userlocks of the sockets in question: getsockopt SO_BUF_LOCK (net/core/sock.c
 * sk_getsockopt, 5.14) on a duplicate of the descriptor its holder has (pidfd_getfd, 5.6). No dump
 * of sock_diag tells them.
 *
 * SOCK_SNDBUF_LOCK 1, SOCK_RCVBUF_LOCK 2: SO_SNDBUF, SO_RCVBUF or their FORCE forms were called.
 * Privilege: PTRACE_MODE_ATTACH_REALCREDS for the holder, that is CAP_SYS_PTRACE for processes of
 * others. The holder is not stopped, and the duplicate lives for three system calls. An iterator
 * in BPF would tell the same, but walks all sockets of the namespace and needs more privilege.
 */
#define _GNU_SOURCE
#include "collect/buffer_locks.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif
#define SNDBUF_LOCK 1 /* include/uapi/linux/socket.h SOCK_SNDBUF_LOCK */
#define RCVBUF_LOCK 2

static int locks_of(uint32_t inode, const struct descriptor *of, int *ret)
{
	cleanup(cleanup_fd) int process = (int)syscall(SYS_pidfd_open, of->pid, 0);
	cleanup(cleanup_fd) int fd = -1;
	socklen_t size = sizeof(*ret);
	struct stat st;

	if (process < 0)
		return -errno;
	fd = (int)syscall(SYS_pidfd_getfd, process, of->fd, 0);
	if (fd < 0)
		return -errno;
	/* The number may stand for another file by now. */
	if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_ino != inode)
		return -ESTALE;
	return getsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, ret, &size) < 0 ? -errno : 0;
}

int buffer_locks_find(const struct inodes *wanted, struct buf *text)
{
	int first = 0, locks = 0;

	vec_each(inode, &wanted->list) {
		struct descriptor of;
		int r = owners_descriptor(*inode, &of) ? locks_of(*inode, &of, &locks) : -ENOENT;

		if (r == 0)
			buf_printf(text, "%u %d\n", *inode, locks);
		else if (!first)
			first = r;
	}
	return text->len ? 0 : first;
}

int parse_buffer_locks(struct span text, struct snapshot *s)
{
	struct span line, inode, locks;

	while (next_line(&text, &line)) {
		struct buffer_lock *l;
		uint64_t i, bits;

		if (!next_field(&line, &inode) || !next_field(&line, &locks) || line.n ||
		    parse_u64(inode, UINT32_MAX, &i) < 0 || parse_u64(locks, UINT8_MAX, &bits) < 0 ||
		    !i || s->buffer_locks.n >= BUFFER_LOCKS_MAX)
			return -EBADMSG;
		l = vec_push(&s->buffer_locks);
		l->inode = (uint32_t)i;
		l->rcvbuf = bits & RCVBUF_LOCK;
		l->sndbuf = bits & SNDBUF_LOCK;
	}
	return 0;
}
