// SPDX-License-Identifier: GPL-2.0-or-later
#include "drops/task_files.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

#include "drops/kernel_btf.h"
#include "drops/task_files_record.h"
#include "task_files.skel.h"

#define PIECE ((size_t)64 << 10) /* the kernel gives 32 KiB at most at a time */

/* How much of the piece was whole; a record may be cut at its end. */
static size_t tell(struct socket_walk *to, const char *p, size_t n)
{
	size_t at = 0;

	while (n - at >= sizeof(struct task_files_socket)) {
		struct task_files_holder holder;
		struct task_files_socket held;

		memcpy(&held, p + at, sizeof(held));
		if (held.inode) {
			to->socket(to, held.inode, (int)held.fd);
			at += sizeof(held);
			continue;
		}
		if (n - at < sizeof(holder))
			break;
		memcpy(&holder, p + at, sizeof(holder));
		holder.comm[sizeof(holder.comm) - 1] = '\0';
		to->holder(to, (int)holder.pid, holder.comm);
		at += sizeof(holder);
	}
	return at;
}

static int read_all(int fd, struct socket_walk *to)
{
	cleanup(cleanup_free) char *piece = xcalloc(1, PIECE);
	size_t have = 0;

	for (;;) {
		ssize_t n = read(fd, piece + have, PIECE - have);
		size_t told;

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		have += (size_t)n;
		told = tell(to, piece, have);
		have -= told;
		memmove(piece, piece + told, have);
	}
}

static int iterate(struct task_files_bpf *skel, struct socket_walk *to)
{
	struct bpf_link *link = bpf_program__attach_iter(skel->progs.each_file, NULL);
	int fd, r;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	r = fd < 0 ? -errno : read_all(fd, to);
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return r;
}

int task_files_each(uint32_t netns, struct socket_walk *to)
{
	struct task_files_bpf *skel;
	int r;

	libbpf_set_print(NULL);
	skel = task_files_bpf__open_opts(kernel_btf_opts());
	if (!skel)
		return errno ? -errno : -EINVAL;
	r = task_files_bpf__load(skel);
	if (r) {
		task_files_bpf__destroy(skel);
		return r;
	}
	skel->bss->netns = netns;
	r = iterate(skel, to);
	task_files_bpf__destroy(skel);
	return r;
}
