// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Datagram sockets of this host's own programs (AF_UNIX: syslog, journald, statsd) whose queue is
 * full. Names from /proc/net/unix (net/unix/af_unix.c unix_seq_show); sock_diag has no length of
 * such a queue (net/unix/diag.c tells the bytes of its first datagram), and asking would load
 * unix_diag. So one asks as a sender would: a socket of ours is connected to each name, and poll()
 * says whether it could send (unix_dgram_poll: more than sk_max_ack_backlog wait). Nothing is sent,
 * and the other end is not told.
 *
 * Scope: one network namespace, and of named files those that can be reached from here. A queue is
 * full at max_dgram_qlen + 1 datagrams (10 by default), as that was when the socket was made.
 * Privilege: to write to the file, as any sender.
 *
 * A recording keeps what was found as lines: "asked N", "full INODE NAME".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "collect/proctext.h"

#define ASKED_MAX 256 /* sockets asked for at one end */
#define TEXT_MAX ((size_t)16 << 20)
/* include/linux/net.h: SOCK_DGRAM */
#define TYPE_DGRAM 2

/* "Num: RefCount Protocol Flags Type St Inode Path"; Num has its colon. */
enum { POINTER, REFERENCES, PROTOCOL, FLAGS, TYPE, STATE, INODE, FIELDS };

/* False: no datagram socket with a name. A line that is none came of a newline in a name. */
static bool read_line(struct span line, uint32_t *ret_inode, struct span *ret_name)
{
	struct span field[FIELDS];
	uint64_t type, inode;

	for (size_t i = 0; i < FIELDS; i++)
		if (!next_field(&line, &field[i]))
			return false;
	if (parse_hex64(field[TYPE], UINT16_MAX, &type) < 0 || type != TYPE_DGRAM ||
	    parse_u64(field[INODE], UINT32_MAX, &inode) < 0 || !inode)
		return false;
	while (line.n && *line.p == ' ') {
		line.p++;
		line.n--;
	}
	*ret_inode = (uint32_t)inode;
	*ret_name = line;
	return line.n > 0 && line.n < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

/* 1 full, 0 not; a name that is gone, or whose socket takes from one sender alone, is not. */
static int ask(struct span name)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	cleanup(cleanup_fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd can = {.fd = fd, .events = POLLOUT};
	socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name.n);

	if (fd < 0)
		return -errno;
	memcpy(to.sun_path, name.p, name.n);
	if (name.p[0] == '@')
		to.sun_path[0] = '\0'; /* of no file; NULs within are told as @ too */
	else
		n++;
	if (connect(fd, (struct sockaddr *)&to, n) < 0)
		return 0;
	return poll(&can, 1, 0) == 0;
}

static void find_full(struct span text, struct buf *to)
{
	unsigned int asked = 0;
	struct span line, name;
	uint32_t inode;

	while (next_line(&text, &line) && asked < ASKED_MAX) {
		if (!read_line(line, &inode, &name))
			continue;
		asked++;
		if (ask(name) == 1)
			buf_printf(to, "full %u %.*s\n", inode, (int)name.n, name.p);
	}
	buf_printf(to, "asked %u\n", asked);
}

int parse_unix_queues(struct span text, struct snapshot *s)
{
	struct span line, word, inode;
	uint64_t n;

	while (next_line(&text, &line)) {
		struct unix_queue *q;

		if (!next_field(&line, &word) || !next_field(&line, &inode) ||
		    parse_u64(inode, UINT32_MAX, &n) < 0)
			return -EBADMSG;
		if (span_is(word, "asked")) {
			s->unix_asked = (uint32_t)n;
			continue;
		}
		if (!span_is(word, "full") || !n || s->unix_full.n >= ASKED_MAX)
			return -EBADMSG;
		q = vec_push(&s->unix_full);
		q->inode = (uint32_t)n;
		if (line.n) /* the blank before it */
			span_copy((struct span){line.p + 1, line.n - 1}, q->name, sizeof(q->name));
	}
	return 0;
}

int collect_unix(struct host *h, struct snapshot *s)
{
	cleanup(buf_done) struct buf text = {0}, full = {0};
	int r = 0;

	if (!h->replay) {
		cleanup(cleanup_fd) int fd = open("/proc/thread-self/net/unix", O_RDONLY | O_CLOEXEC);

		r = fd < 0 ? -errno : buf_read_fd(&text, fd, TEXT_MAX);
		if (r == 0)
			find_full((struct span){text.data, text.len}, &full);
	}
	r = host_keep(h, "unix-queues", r, &full);
	if (r == -ENOENT && !h->replay)
		return COLLECT_UNUSED;
	return r < 0 ? r : parse_unix_queues((struct span){full.data, full.len}, s);
}
