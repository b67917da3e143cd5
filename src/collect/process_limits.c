// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a process has and may have: open descriptors against RLIMIT_NOFILE (/proc/PID/limits,
 * fs/proc/base.c proc_pid_limits), and memory that is swapped out (/proc/PID/status, VmSwap).
 *
 * Since 6.2 the size of the directory /proc/PID/fd is the number of descriptors (proc_fd_getattr);
 * before that its entries are counted, and only at the ends of an interval. Scope: the processes
 * our /proc shows. Privilege: CAP_SYS_PTRACE for the descriptors of others.
 */
#include "collect/process.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define FDS_COUNTED_MAX (1 << 20)

static int count_entries(const char *path, uint64_t *ret)
{
	DIR *folder = opendir(path);
	const struct dirent *e;
	uint64_t n = 0;

	if (!folder)
		return -errno;
	while (n < FDS_COUNTED_MAX && (e = readdir(folder)))
		n += e->d_name[0] != '.';
	closedir(folder);
	*ret = n;
	return 0;
}

/* The number as text, for it is kept in a recording. */
static int count_descriptors(const struct host *h, int pid, struct buf *text)
{
	char path[64];
	struct stat st;
	uint64_t n;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	if (stat(path, &st) < 0)
		return -errno;
	n = (uint64_t)st.st_size;
	if (!n) {
		if (host_is_look(h))
			return -ENODATA;
		r = count_entries(path, &n);
		if (r < 0)
			return r;
	}
	buf_printf(text, "%llu\n", (unsigned long long)n);
	return 0;
}

bool parse_open_files(struct span text, uint64_t *ret)
{
	static const char name[] = "Max open files";
	struct span line, soft;

	while (next_line(&text, &line)) {
		if (line.n < sizeof(name) || memcmp(line.p, name, sizeof(name) - 1) != 0)
			continue;
		line = (struct span){line.p + sizeof(name) - 1, line.n - sizeof(name) + 1};
		return next_field(&line, &soft) && parse_u64(soft, UINT64_MAX, ret) == 0;
	}
	return false;
}

bool parse_swapped(struct span text, uint64_t *ret_kib)
{
	struct span line, name, value;

	while (next_line(&text, &line))
		if (next_field(&line, &name) && span_is(name, "VmSwap:"))
			return next_field(&line, &value) &&
			       parse_u64(value, UINT64_MAX, ret_kib) == 0;
	return false;
}

void read_descriptors(struct host *h, struct process *p)
{
	cleanup(buf_done) struct buf text = {0};
	struct span all, line;
	char name[64];
	uint64_t most;
	int r = 0;

	snprintf(name, sizeof(name), "%d/limits", p->pid);
	if (host_read(h, name, &text) < 0 ||
	    !parse_open_files((struct span){text.data, text.len}, &most))
		return;
	buf_clear(&text);
	snprintf(name, sizeof(name), "fds-%d", p->pid);
	if (!h->replay)
		r = count_descriptors(h, p->pid, &text);
	r = host_keep(h, name, r, &text);
	all = (struct span){text.data, text.len};
	if (r == 0 && next_line(&all, &line) && parse_u64(line, UINT64_MAX, &p->fds) == 0)
		p->fds_max = most;
}
