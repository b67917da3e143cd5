// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/PID/smaps (fs/proc/task_mmu.c show_smap): a line for each mapping, then its account in kB;
 * and /proc/PID/statm (proc_pid_statm), in pages: size resident shared. Privilege: smaps needs
 * that of ptrace (PTRACE_MODE_READ), statm none.
 *
 * smaps walks the page tables under the memory lock of the process: it is read only of one that was
 * named, or that is seen to grow. Such a one is not stuck holding that lock. "Anonymous" leaves out the pages of files, which the kernel takes back when it needs
 * them, but also those of shared memory, which it cannot: of these, all that is resident counts.
 */
#include "collect/smaps.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "collect/cgroup.h"

#define MAPPINGS_MAX ((size_t)1 << 18)
#define PROCESSES_MAX 65536
#define NO_LIMIT (INT64_MAX / 4)

/* Its pages are in no file: they stay until it is given up, or go to swap. */
static bool is_shared_memory(const char *name)
{
	static const char *const begins[] = {"/dev/shm/", "/memfd:", "/SYSV", "/dev/zero"};

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
		if (strncmp(name, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

/* "55d0c000-55d0d000 rw-p 00000000 00:00 0      [heap]" */
static int parse_mapping(struct span line, struct mapping *ret)
{
	struct mapping m = {0};
	struct span range, field, number;

	if (!next_field(&line, &range) || !next_split(&range, '-', &number) ||
	    parse_hex64(number, UINT64_MAX, &m.start) < 0 ||
	    parse_hex64(range, UINT64_MAX, &m.end) < 0 || m.end <= m.start)
		return -EBADMSG;
	if (!next_field(&line, &field) || field.n != 4)
		return -EBADMSG;
	span_copy(field, m.permissions, sizeof(m.permissions));
	for (int i = 0; i < 3; i++) /* offset, device, inode */
		if (!next_field(&line, &field))
			return -EBADMSG;
	while (line.n && line.p[0] == ' ') {
		line.p++;
		line.n--;
	}
	span_copy(line, m.name, sizeof(m.name));
	*ret = m;
	return 0;
}

/* "Anonymous:          132 kB" */
static int take_account(struct span name, struct span line, struct mapping *m)
{
	bool shared = is_shared_memory(m->name), swap = span_is(name, "Swap:");
	struct span field;
	uint64_t kib;

	if (!swap && !span_is(name, shared ? "Rss:" : "Anonymous:"))
		return 0;
	if (!next_field(&line, &field) || parse_u64(field, UINT64_MAX / 4, &kib) < 0)
		return -EBADMSG;
	if (swap)
		m->swap_kib = kib;
	else
		m->own_kib = kib;
	return 0;
}

static int take_line(struct span line, struct memory_look *l)
{
	struct span rest = line, name;

	if (!next_field(&rest, &name))
		return -EBADMSG;
	if (name.p[name.n - 1] == ':')
		return l->mappings.n ? take_account(name, rest,
						    &l->mappings.items[l->mappings.n - 1])
				     : -EBADMSG;
	if (l->mappings.n == MAPPINGS_MAX)
		return -E2BIG;
	return parse_mapping(line, vec_push(&l->mappings));
}

int parse_smaps(struct span text, struct memory_look *ret)
{
	struct memory_look l = {0};
	struct span line;
	int r = text.n && text.p[text.n - 1] != '\n' ? -EBADMSG : 0;

	while (r == 0 && next_line(&text, &line))
		r = take_line(line, &l);
	if (r < 0)
		memory_look_done(&l);
	else
		*ret = l;
	return r;
}

int read_smaps(struct host *h, int pid, struct memory_look *ret)
{
	cleanup(buf_done) struct buf text = {0};
	struct memory_look l = {0};
	char path[32];
	int r;

	snprintf(path, sizeof(path), "%d/smaps", pid);
	r = host_read(h, path, &text);
	if (r == 0)
		r = parse_smaps((struct span){text.data, text.len}, &l);
	if (r < 0)
		return r;
	/* The kernel's threads have none, nor has a process that ended and waits for its parent. */
	if (!l.mappings.n)
		return -ENODATA;
	l.at_ns = monotonic_ns();
	*ret = l;
	return 0;
}

int parse_statm(struct span text, uint64_t *ret_own_kib)
{
	uint64_t pages[3], page_kib = (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
	struct span line, field;

	if (!next_line(&text, &line))
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		if (!next_field(&line, &field) ||
		    parse_u64(field, UINT64_MAX / 1024, &pages[i]) < 0)
			return -EBADMSG;
	/* The two are added up at different moments. */
	*ret_own_kib = (pages[1] - MIN(pages[1], pages[2])) * page_kib;
	return 0;
}

void read_process_memories(struct host *h, struct process_memories *ret)
{
	cleanup(buf_done) struct buf text = {0};
	DIR *folder = opendir("/proc");
	const struct dirent *e;

	while (folder && ret->list.n < PROCESSES_MAX && (e = readdir(folder))) {
		struct process_memory m = {0};
		char path[32];
		uint64_t pid;

		if (!isdigit((unsigned char)e->d_name[0]) ||
		    parse_u64(span_of(e->d_name), INT32_MAX, &pid) < 0)
			continue;
		m.pid = (int)pid;
		snprintf(path, sizeof(path), "%d/statm", m.pid);
		buf_clear(&text);
		if (host_read(h, path, &text) == 0 &&
		    parse_statm((struct span){text.data, text.len}, &m.own_kib) == 0 && m.own_kib)
			*vec_push(&ret->list) = m;
	}
	if (folder)
		closedir(folder);
}

/* The nearest to its end of all limits from the process's own cgroup upwards. */
static bool least_room(struct host *h, const char *mount, char *path, const char *limit_file,
		       const char *used_file, uint64_t *ret_kib)
{
	bool found = false;

	while (mount[0] && path[0] == '/') {
		char *slash = strrchr(path, '/');
		int64_t limit, used;

		if (read_cgroup_number(h, mount, path, limit_file, &limit) && limit > 0 &&
		    limit < NO_LIMIT && read_cgroup_number(h, mount, path, used_file, &used) &&
		    used >= 0) {
			uint64_t room = limit > used ? (uint64_t)(limit - used) / 1024 : 0;

			*ret_kib = found ? MIN(*ret_kib, room) : room;
			found = true;
		}
		if (slash == path)
			break;
		*slash = '\0';
	}
	return found;
}

bool read_memory_room(struct host *h, int pid, uint64_t *ret_kib)
{
	cleanup(buf_done) struct buf text = {0};
	struct cgroup_mounts mounts = {0};
	struct cgroup_paths paths = {0};
	char path[32];

	if (host_read(h, "self/mounts", &text) < 0)
		return false;
	parse_mounts((struct span){text.data, text.len}, "", &mounts);
	buf_clear(&text);
	snprintf(path, sizeof(path), "%d/cgroup", pid);
	if (host_read(h, path, &text) < 0)
		return false;
	parse_cgroup((struct span){text.data, text.len}, &paths);
	/* v1 counts the cache too, and gives it up first: the room is at least this. */
	if (paths.memory[0] && mounts.memory[0])
		return least_room(h, mounts.memory, paths.memory, "memory.limit_in_bytes",
				  "memory.usage_in_bytes", ret_kib);
	return least_room(h, mounts.unified, paths.unified, "memory.max", "memory.current",
			  ret_kib);
}
