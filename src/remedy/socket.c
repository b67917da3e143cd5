// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a program set of a socket of its own, set anew from outside: its descriptor is borrowed
 * (pidfd_getfd, 5.6; needs to be allowed to trace the process). "pid 812 socket 34567 backlog": a
 * second listen() on a listening socket only changes its limit (net/ipv4/af_inet.c inet_listen).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/parse.h"
#include "remedy/ask.h"
#include "remedy/kinds.h"

static int take_key(const char *key, pid_t *ret_pid, uint64_t *ret_inode)
{
	struct span rest = span_of(key), words[5];
	uint64_t pid;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!next_field(&rest, &words[i]))
			return -EINVAL;
	if (rest.n || !span_is(words[0], "pid") || !span_is(words[2], "socket") ||
	    !span_is(words[4], "backlog") || parse_u64(words[1], INT32_MAX, &pid) < 0 || !pid ||
	    parse_u64(words[3], UINT64_MAX, ret_inode) < 0)
		return -EINVAL;
	*ret_pid = (pid_t)pid;
	return 0;
}

/* The number of its descriptor in the process; -ENOENT: it has no such socket any more. */
static int find_descriptor(const struct change_place *p, pid_t pid, uint64_t inode)
{
	char path[32], wanted[40], is[40];
	const struct dirent *e;
	int fd, found = -ENOENT;
	DIR *dir;

	snprintf(path, sizeof(path), "%d/fd", pid);
	snprintf(wanted, sizeof(wanted), "socket:[%llu]", (unsigned long long)inode);
	fd = openat(p->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (found < 0 && (e = readdir(dir))) {
		ssize_t n = readlinkat(fd, e->d_name, is, sizeof(is) - 1);
		uint64_t number;

		is[n > 0 ? n : 0] = '\0';
		if (strcmp(is, wanted) == 0 && parse_u64(span_of(e->d_name), INT32_MAX, &number) == 0)
			found = (int)number;
	}
	closedir(dir);
	return found;
}

/* A descriptor of our own for it. */
static int borrow(const struct change_place *p, const char *key, int *ret)
{
	uint64_t inode;
	pid_t pid;
	int r = take_key(key, &pid, &inode);

	if (r < 0)
		return r;
	/* Before its descriptors are looked at: the number may soon be another's. */
	cleanup(cleanup_fd) int process = pidfd_open(pid, 0);

	if (process < 0)
		return -errno;
	r = find_descriptor(p, pid, inode);
	if (r < 0)
		return r;
	r = pidfd_getfd(process, r, 0);
	if (r < 0)
		return -errno;
	*ret = r;
	return 0;
}

/* tcp_get_info() tells the limit of a listening socket in tcpi_sacked. */
static int backlog_of(int fd, uint32_t *ret)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return -EOPNOTSUPP;
	if (info.tcpi_state != TCP_LISTEN)
		return -EOPNOTSUPP;
	*ret = info.tcpi_sacked;
	return 0;
}

static int socket_read(const struct change_place *p, const char *key, struct buf *ret)
{
	cleanup(cleanup_fd) int fd = -1;
	uint32_t backlog;
	int r = borrow(p, key, &fd);

	if (r == 0)
		r = backlog_of(fd, &backlog);
	if (r < 0)
		return r;
	buf_clear(ret);
	buf_printf(ret, "%u", backlog);
	return 0;
}

static int socket_write(const struct change_place *p, const char *key, const char *value)
{
	cleanup(cleanup_fd) int fd = -1;
	uint32_t wanted, old, now;
	int r = value_u32(value, &wanted);

	if (r < 0 || wanted > INT32_MAX)
		return -EINVAL;
	r = borrow(p, key, &fd);
	if (r == 0)
		r = backlog_of(fd, &old);
	if (r < 0)
		return r;
	if (listen(fd, (int)wanted) < 0)
		return -errno;
	r = backlog_of(fd, &now);
	if (r < 0 || now == wanted)
		return r;
	/* Cut to somaxconn, without a word. */
	return listen(fd, (int)old) < 0 ? -errno : -ERANGE;
}

static const char *socket_refusal(const char *key, int err)
{
	(void)key;
	switch (err) {
	case -ERANGE:
		return "net.core.somaxconn is lower, and what is above it the kernel cuts";
	case -ESRCH:
		return "the process has ended";
	case -ENOENT:
		return "the process has closed that socket";
	case -EPERM:
	case -EACCES:
		return "it wants the right to trace that process (CAP_SYS_PTRACE)";
	case -EOPNOTSUPP:
		return "it does not listen for TCP";
	}
	return NULL;
}

const struct change_kind socket_kind = {
	.name = "socket",
	.read = socket_read,
	.write = socket_write,
	.refusal = socket_refusal,
};
