// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control groups that have a CPU quota, and how often it stopped them: cpu.stat of every group
 * (kernel/sched/core.c cpu_cfs_stat_show, cpu_stat_show), with cpu.max (v2) or cpu.cfs_quota_us
 * and cpu.cfs_period_us (v1) of those in which a period was counted. A group that never had a
 * quota counts none.
 *
 * Units: us for quota and period, ns for the time throttled (v2 tells us: multiplied). Scope: the
 * groups that our mounts show. Privilege: none. At most GROUPS_MAX groups are asked, nearest the
 * root first; whoever has more is told so.
 *
 * A recording keeps lines: VERSION QUOTA PERIOD PERIODS THROTTLED NS PATH, and "left-out NUMBER".
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/cgroup.h"
#include "collect/doing.h"

#define GROUPS_MAX 1024
#define KEPT_MAX 1024

/* ---- what is kept ---- */

static int take_group(struct span line, bool v2, struct doing *d)
{
	struct doing_cgroup g = {.v2 = v2};
	struct span quota, word;
	uint64_t n[4], q = 0;

	if (!next_field(&line, &quota) ||
	    (!span_is(quota, "-") && parse_u64(quota, INT64_MAX, &q) < 0))
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(n); i++)
		if (!next_field(&line, &word) || parse_u64(word, INT64_MAX, &n[i]) < 0)
			return -EBADMSG;
	if (line.n < 2 || line.n > sizeof(g.path) || d->cgroups.n == KEPT_MAX)
		return -EBADMSG;
	g.quota_us = span_is(quota, "-") ? -1 : (int64_t)q;
	g.period_us = (int64_t)n[0];
	g.periods = n[1];
	g.throttled = n[2];
	g.throttled_ns = n[3];
	span_copy((struct span){line.p + 1, line.n - 1}, g.path, sizeof(g.path));
	*vec_push(&d->cgroups) = g;
	return 0;
}

int parse_doing_cgroups(struct span text, struct doing *d)
{
	struct span line, kind;

	while (next_line(&text, &line)) {
		uint64_t n = 0;
		int r = 0;

		if (!next_field(&line, &kind))
			return -EBADMSG;
		if (span_is(kind, "v1") || span_is(kind, "v2"))
			r = take_group(line, kind.p[1] == '2', d);
		else if (!span_is(kind, "left-out") || !next_field(&line, &kind) ||
			 parse_u64(kind, SIZE_MAX, &n) < 0)
			r = -EBADMSG;
		if (r < 0)
			return r;
		d->cgroups_left_out += n;
	}
	return 0;
}

/* ---- live ---- */

struct waiting {
	VEC(char *) paths; /* groups still to be asked, below the mount; "" its root */
	size_t next, asked;
};

static int read_small(const char *folder, const char *file, char *room, size_t size,
		      struct span *ret)
{
	char path[512];
	ssize_t n;

	if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	{
		cleanup(cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

		n = fd < 0 ? -1 : read(fd, room, size);
	}
	if (n <= 0)
		return n < 0 ? -errno : -ENODATA;
	*ret = (struct span){room, (size_t)n};
	return 0;
}

static bool read_number(const char *folder, const char *file, int64_t *ret)
{
	struct span text, line;
	char room[64];

	return read_small(folder, file, room, sizeof(room), &text) == 0 &&
	       next_line(&text, &line) && parse_i64(line, ret) == 0;
}

static void put_group(const char *folder, const char *path, bool v2, struct buf *out)
{
	uint64_t periods, throttled, time;
	int64_t quota = -1, period = 0;
	struct span text;
	char room[2048];

	if (read_small(folder, "cpu.stat", room, sizeof(room), &text) < 0 ||
	    !parse_key(text, "nr_periods", &periods) || !periods ||
	    !parse_key(text, "nr_throttled", &throttled) ||
	    !parse_key(text, v2 ? "throttled_usec" : "throttled_time", &time) || strchr(path, '\n'))
		return;
	if (v2) {
		if (read_small(folder, "cpu.max", room, sizeof(room), &text) < 0 ||
		    parse_cpu_max(text, &quota, &period) < 0)
			return;
	} else if (!read_number(folder, "cpu.cfs_quota_us", &quota) ||
		   !read_number(folder, "cpu.cfs_period_us", &period)) {
		return;
	}
	buf_printf(out, "v%d ", v2 ? 2 : 1);
	if (quota < 0)
		buf_puts(out, "-");
	else
		buf_printf(out, "%lld", (long long)quota);
	buf_printf(out, " %lld %llu %llu %llu %.255s\n", (long long)MAX(period, 0),
		   (unsigned long long)periods, (unsigned long long)throttled,
		   (unsigned long long)(v2 ? MIN(time, UINT64_MAX / 1000) * 1000 : time),
		   *path ? path : "/");
}

/* kernfs counts the folders in a folder as links: one without any need not be listed. */
static void add_children(const char *folder, const char *path, struct waiting *w)
{
	const struct dirent *e;
	struct stat st;
	DIR *list;

	if (stat(folder, &st) < 0 || st.st_nlink <= 2)
		return;
	list = opendir(folder);
	while (list && (e = readdir(list))) {
		char child[512];

		if (e->d_type != DT_DIR || e->d_name[0] == '.' || w->paths.n >= 4 * GROUPS_MAX ||
		    snprintf(child, sizeof(child), "%s/%s", path, e->d_name) >= (int)sizeof(child))
			continue;
		*vec_push(&w->paths) = xstrdup(child);
	}
	if (list)
		closedir(list);
}

static void walk(const char *mount, bool v2, struct buf *out)
{
	struct waiting w = {0};
	size_t left_out;

	*vec_push(&w.paths) = xstrdup("");
	for (; w.next < w.paths.n && w.next < GROUPS_MAX; w.next++) {
		const char *path = w.paths.items[w.next];
		char folder[512];

		if (snprintf(folder, sizeof(folder), "%s%s", mount, path) >= (int)sizeof(folder))
			continue;
		put_group(folder, path, v2, out);
		add_children(folder, path, &w);
	}
	left_out = w.paths.n - w.next;
	if (left_out)
		buf_printf(out, "left-out %zu\n", left_out);
	vec_each (path, &w.paths)
		free(*path);
	vec_done(&w.paths);
}

/* Where the CPU controller is: v1 if it is mounted there, as the kernel has it in one alone. */
static int read_live(struct buf *out)
{
	cleanup(buf_done) struct buf text = {0};
	cleanup(cleanup_fd) int fd = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
	struct cgroup_mounts mounts = {0};
	int r = fd < 0 ? -errno : buf_read_fd(&text, fd, (size_t)16 << 20);

	if (r < 0)
		return r;
	parse_mounts((struct span){text.data, text.len}, "", &mounts);
	if (!mounts.cpu[0] && !mounts.unified[0])
		return -ENOENT;
	walk(mounts.cpu[0] ? mounts.cpu : mounts.unified, !mounts.cpu[0], out);
	return 0;
}

int doing_cgroups(struct host *h, struct doing *d)
{
	cleanup(buf_done) struct buf text = {0};
	int r = h->replay ? 0 : read_live(&text);

	r = host_keep(h, "host-cgroups", r, &text);
	return r < 0 ? r : parse_doing_cgroups((struct span){text.data, text.len}, d);
}
