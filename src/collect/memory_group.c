// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How much memory the sockets of a process's memory cgroup may use, and do.
 *
 * cgroup v1 (net/ipv4/tcp_memcontrol.c, mm/memcontrol-v1.c): memory.kmem.tcp.*, TCP buffers alone;
 * usage may stand above the limit, for some charges are forced, and failcnt stays 0 on 6.18. v2
 * (mm/memcontrol.c): socket buffers are a part (memory.stat, sock) of what memory.max limits.
 * Bytes. A limit anywhere above holds as well: the nearest is taken. No privilege.
 */
#include "collect/cgroup.h"

#include <errno.h>

/* PAGE_COUNTER_MAX in bytes and whatever is as good as that: no limit. */
#define NO_LIMIT (INT64_MAX / 4)

static bool read_v1(struct host *h, const char *mount, const char *path, struct memory_limit *ret)
{
	int64_t limit, used;

	if (!read_cgroup_number(h, mount, path, "memory.kmem.tcp.limit_in_bytes", &limit) ||
	    limit <= 0 || limit >= NO_LIMIT ||
	    !read_cgroup_number(h, mount, path, "memory.kmem.tcp.usage_in_bytes", &used) || used < 0)
		return false;
	ret->limit = (uint64_t)limit;
	ret->used = ret->sockets = (uint64_t)used;
	return true;
}

/* "max" is no number: no limit. */
static bool read_v2(struct host *h, const char *mount, const char *path, struct memory_limit *ret)
{
	cleanup(buf_done) struct buf text = {0};
	int64_t limit, used;

	if (!read_cgroup_number(h, mount, path, "memory.max", &limit) || limit <= 0 ||
	    !read_cgroup_number(h, mount, path, "memory.current", &used) || used < 0 ||
	    !read_cgroup(h, mount, path, "memory.stat", &text) ||
	    !parse_key((struct span){text.data, text.len}, "sock", &ret->sockets))
		return false;
	ret->limit = (uint64_t)limit;
	ret->used = (uint64_t)used;
	return true;
}

void read_memory_limit(struct host *h, const struct cgroup_mounts *mounts,
		       const struct cgroup_paths *paths, struct memory_limit *ret)
{
	struct memory_limit m = {.v2 = !paths->memory[0]};
	const char *mount = m.v2 ? mounts->unified : mounts->memory;

	memcpy(m.path, m.v2 ? paths->unified : paths->memory, sizeof(m.path));
	while (m.path[0] == '/' && m.path[1]) {
		char *slash = strrchr(m.path, '/');

		if (m.v2 ? read_v2(h, mount, m.path, &m) : read_v1(h, mount, m.path, &m)) {
			*ret = m;
			return;
		}
		slash[slash == m.path] = '\0';
	}
}
