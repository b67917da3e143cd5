// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The processes behind the sockets in question: /proc/PID/stat (fs/proc/array.c do_task_stat),
 * /proc/PID/schedstat (fs/proc/base.c proc_pid_schedstat), /proc/PID/status, /proc/PID/cgroup, and of their cgroup
 * cpu.stat (kernel/sched/core.c cpu_cfs_stat_show, cpu_stat_show) and freezer state.
 *
 * Units: clock ticks (all threads), ns (run delay of the main thread alone). Privilege: see
 * owners.c; the rest is readable for all unless /proc is mounted with hidepid. The state is the
 * main thread's too: SIGSTOP, a debugger that stops a process and the freezer reach every thread.
 * /proc/PID/cmdline is never read: it waits for the memory lock of the process looked at.
 *
 * cgroup v1 keeps the CPU controller in a hierarchy of its own, v2 in the only one; a host may
 * have both mounted, and then the controller sits in v1 if /proc/PID/cgroup says "cpu" there.
 */
#define _GNU_SOURCE
#include "collect/process.h"
#include "collect/buffer_locks.h"
#include "collect/container.h"

#include <errno.h>
#include <stdio.h>

#define OWNERS_MAX ((size_t)SOCKETS_IN_QUESTION_MAX * OWNERS_PER_SOCKET)

static struct span text_of(const struct buf *b)
{
	return (struct span){.p = b->data, .n = b->len};
}

/* The fields of proc(5) that are wanted, by number; 3 is the state. */
static int take_stat_field(int at, struct span field, struct process_stat *stat)
{
	uint64_t number = 0;
	int64_t nice;

	if (at == 3)
		stat->state = field.p[0];
	if (at == 19) {
		if (parse_i64(field, &nice) < 0 || nice < -20 || nice > 19)
			return -EBADMSG;
		stat->nice = (int)nice;
	}
	if (at != 4 && at != 12 && at != 14 && at != 15 && at != 20 && at < 39)
		return 0;
	if (parse_u64(field, at == 4 || at >= 20 ? INT32_MAX : UINT64_MAX, &number) < 0)
		return -EBADMSG;
	if (at == 4)
		stat->ppid = (int)number;
	else if (at == 12)
		stat->major_faults = number;
	else if (at == 14)
		stat->utime = number;
	else if (at == 15)
		stat->stime = number;
	else if (at == 20)
		stat->threads = (unsigned int)number;
	else if (at == 40)
		stat->rt_priority = (uint8_t)MIN(number, UINT8_MAX);
	else if (at == 41)
		stat->policy = (uint8_t)MIN(number, UINT8_MAX);
	else
		stat->cpu = (int)number;
	return 0;
}

/* "PID (COMM) STATE PPID ...": COMM is what the process likes, blanks and brackets too. */
int parse_process_stat(struct span text, struct process_stat *ret)
{
	const char *open = text.n ? memchr(text.p, '(', text.n) : NULL;
	const char *close = text.n ? memrchr(text.p, ')', text.n) : NULL;
	struct process_stat stat = {.cpu = -1};
	struct span rest, field;

	if (!open || !close || close < open)
		return -EBADMSG;
	span_copy((struct span){open + 1, (size_t)(close - open) - 1}, stat.comm,
		  sizeof(stat.comm));
	rest = (struct span){close + 1, text.n - (size_t)(close + 1 - text.p)};
	for (int at = 3; at <= 41; at++) {
		if (!next_field(&rest, &field)) {
			if (at <= 15)
				return -EBADMSG;
			break;
		}
		if (take_stat_field(at, field, &stat) < 0)
			return -EBADMSG;
	}
	*ret = stat;
	return 0;
}

int parse_owners(struct span text, struct snapshot *s)
{
	struct span line, inode, pid;

	while (next_line(&text, &line)) {
		struct socket_owner *o;
		uint64_t i, p;

		if (!next_field(&line, &inode) || !next_field(&line, &pid) || line.n ||
		    parse_u64(inode, UINT32_MAX, &i) < 0 || parse_u64(pid, INT32_MAX, &p) < 0 ||
		    !i || !p || s->owners.n >= OWNERS_MAX)
			return -EBADMSG;
		o = vec_push(&s->owners);
		o->inode = (uint32_t)i;
		o->pid = (int)p;
	}
	return 0;
}

/* A path in /proc/self/mounts has blanks and the like as \040. False if it does not fit. */
static bool unescape(struct span from, char *to, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < from.n; i++) {
		uint64_t code = (unsigned char)from.p[i];

		if (from.p[i] == '\\' && from.n - i > 3) {
			const char *o = from.p + i + 1;

			code = (uint64_t)(o[0] - '0') * 64 + (uint64_t)(o[1] - '0') * 8 +
			       (uint64_t)(o[2] - '0');
			i += 3;
		}
		if (!code || code > 255 || n + 1 >= size)
			return false;
		to[n++] = (char)code;
	}
	to[n] = '\0';
	return n > 0;
}

static bool has_option(struct span options, const char *name)
{
	struct span option;

	while (next_split(&options, ',', &option))
		if (span_is(option, name))
			return true;
	return false;
}

/* The first mount of a hierarchy is it; bind mounts come later. */
static void take_mount(char *to, size_t size, const char *root, struct span where)
{
	char path[128];

	if (to[0] || !unescape(where, path, sizeof(path)))
		return;
	if (snprintf(to, size, "%s%s", root, path) >= (int)size)
		to[0] = '\0';
}

void parse_mounts(struct span text, const char *root, struct cgroup_mounts *ret)
{
	struct span line, device, where, type, options;

	*ret = (struct cgroup_mounts){0};
	while (next_line(&text, &line)) {
		if (!next_field(&line, &device) || !next_field(&line, &where) ||
		    !next_field(&line, &type) || !next_field(&line, &options))
			continue;
		if (span_is(type, "cgroup2"))
			take_mount(ret->unified, sizeof(ret->unified), root, where);
		if (span_is(type, "cgroup") && has_option(options, "cpu"))
			take_mount(ret->cpu, sizeof(ret->cpu), root, where);
		if (span_is(type, "cgroup") && has_option(options, "memory"))
			take_mount(ret->memory, sizeof(ret->memory), root, where);
		if (span_is(type, "cgroup") && has_option(options, "freezer"))
			take_mount(ret->freezer, sizeof(ret->freezer), root, where);
	}
}

static bool ends_in(struct span s, const char *with)
{
	size_t n = strlen(with);

	return s.n > n && memcmp(s.p + s.n - n, with, n) == 0;
}

/* The innermost service or scope of the path. */
static void take_unit(struct span path, char *to, size_t size)
{
	struct span part;

	while (next_split(&path, '/', &part))
		if (ends_in(part, ".service") || ends_in(part, ".scope"))
			span_copy(part, to, size);
}

void parse_cgroup(struct span text, struct cgroup_paths *ret)
{
	struct span line, id, controllers;

	*ret = (struct cgroup_paths){0};
	while (next_line(&text, &line)) {
		/* What remains of the line is the path, which may hold colons. */
		if (!next_split(&line, ':', &id) || !next_split(&line, ':', &controllers) ||
		    !line.p)
			continue;
		/* Of all hierarchies: an engine need not use those that are looked into. */
		if (!ret->container.engine[0])
			container_of_path(line, &ret->container);
		if (has_option(controllers, "cpu"))
			span_copy(line, ret->cpu, sizeof(ret->cpu));
		if (has_option(controllers, "memory"))
			span_copy(line, ret->memory, sizeof(ret->memory));
		if (has_option(controllers, "freezer"))
			span_copy(line, ret->freezer, sizeof(ret->freezer));
		if (span_is(id, "0") && controllers.n == 0)
			span_copy(line, ret->unified, sizeof(ret->unified));
		/* systemd keeps its tree in these; other hierarchies may be a container's. */
		if (controllers.n == 0 || span_is(controllers, "name=systemd"))
			take_unit(line, ret->unit, sizeof(ret->unit));
	}
	if (!ret->unit[0])
		take_unit(span_of(ret->cpu), ret->unit, sizeof(ret->unit));
}

bool parse_key(struct span text, const char *key, uint64_t *ret)
{
	struct span line, name, value;

	while (next_line(&text, &line))
		if (next_field(&line, &name) && span_is(name, key) && next_field(&line, &value))
			return parse_u64(value, UINT64_MAX, ret) == 0;
	return false;
}

int parse_cpu_max(struct span text, int64_t *ret_quota, int64_t *ret_period)
{
	struct span line, quota, period;
	uint64_t q = 0, p;

	if (!next_line(&text, &line) || !next_field(&line, &quota) || !next_field(&line, &period) ||
	    (!span_is(quota, "max") && parse_u64(quota, INT64_MAX, &q) < 0) ||
	    parse_u64(period, INT64_MAX, &p) < 0)
		return -EBADMSG;
	*ret_quota = span_is(quota, "max") ? -1 : (int64_t)q;
	*ret_period = (int64_t)p;
	return 0;
}

/* A file of one cgroup. False if it is not there or the path leads nowhere from here. */
bool read_cgroup(struct host *h, const char *mount, const char *path, const char *file,
			struct buf *text)
{
	char name[512];

	buf_clear(text);
	/* "/../x": outside our cgroup namespace. */
	if (!mount[0] || path[0] != '/' || strstr(path, "/.."))
		return false;
	if (snprintf(name, sizeof(name), "%s%s/%s", mount, strcmp(path, "/") == 0 ? "" : path,
		     file) >= (int)sizeof(name))
		return false;
	return host_read_abs(h, name, text) == 0;
}

bool read_cgroup_number(struct host *h, const char *mount, const char *path, const char *file,
			int64_t *ret)
{
	cleanup(buf_done) struct buf text = {0};
	struct span all, line = {0};

	if (!read_cgroup(h, mount, path, file, &text))
		return false;
	all = text_of(&text);
	return next_line(&all, &line) && parse_i64(line, ret) == 0;
}

/* How much CPU time a cgroup may have; false if it has no limit of its own. */
static bool read_limit(struct host *h, const char *mount, bool v2, const char *path,
		       struct cpu_limit *ret)
{
	cleanup(buf_done) struct buf text = {0};
	int64_t quota, period;

	if (v2) {
		if (!read_cgroup(h, mount, path, "cpu.max", &text) ||
		    parse_cpu_max(text_of(&text), &quota, &period) < 0)
			return false;
	} else if (!read_cgroup_number(h, mount, path, "cpu.cfs_quota_us", &quota) ||
		   !read_cgroup_number(h, mount, path, "cpu.cfs_period_us", &period)) {
		return false;
	}
	if (quota < 0)
		return false;
	ret->quota_us = quota;
	ret->period_us = period;
	return true;
}

static bool read_cpu_stat(struct host *h, const char *mount, bool v2, const char *path,
			  struct cpu_limit *ret)
{
	cleanup(buf_done) struct buf text = {0};
	uint64_t throttled;

	if (!read_cgroup(h, mount, path, "cpu.stat", &text))
		return false;
	/* Without the controller (v2, the root) cpu.stat has only the usage. */
	if (!parse_key(text_of(&text), "nr_periods", &ret->nr_periods) ||
	    !parse_key(text_of(&text), "nr_throttled", &ret->nr_throttled) ||
	    !parse_key(text_of(&text), v2 ? "throttled_usec" : "throttled_time", &throttled))
		return false;
	ret->throttled_ns = v2 ? throttled * 1000 : throttled;
	return true;
}

/*
 * A limit anywhere above stops the process as well, and what siblings use counts there too: any
 * of them may be the one that bites.
 */
static void read_throttling(struct host *h, const char *mount, bool v2, struct process *p)
{
	struct cpu_limit first = {.quota_us = -1, .period_us = -1};
	char path[sizeof(p->cgroup)];

	memcpy(path, p->cgroup, sizeof(path));
	while (path[0] == '/' && path[1] && p->limits_n < CPU_LIMITS_MAX) {
		struct cpu_limit limit = {.path_n = strlen(path)};
		char *slash = strrchr(path, '/');

		if (read_limit(h, mount, v2, path, &limit) &&
		    read_cpu_stat(h, mount, v2, path, &limit))
			p->limits[p->limits_n++] = limit;
		slash[slash == path] = '\0';
	}
	/* No limit: its own numbers still say that nothing was throttled. */
	p->cpu_stat_known = p->limits_n || read_cpu_stat(h, mount, v2, p->cgroup, &first);
	if (p->limits_n)
		first = p->limits[0];
	p->nr_periods = first.nr_periods;
	p->nr_throttled = first.nr_throttled;
	p->throttled_ns = first.throttled_ns;
	p->quota_us = first.quota_us;
	p->period_us = first.period_us;
}

static void read_frozen(struct host *h, const struct cgroup_mounts *mounts,
			const struct cgroup_paths *paths, struct process *p)
{
	cleanup(buf_done) struct buf text = {0};
	uint64_t frozen;

	/* The root of either hierarchy has no such file: it cannot be frozen. */
	if (strcmp(paths->freezer, "/") != 0 &&
	    read_cgroup(h, mounts->freezer, paths->freezer, "freezer.state", &text) &&
	    text.len >= 6 && memcmp(text.data, "FROZEN", 6) == 0) {
		p->frozen = true;
		memcpy(p->freezer, paths->freezer, sizeof(p->freezer));
		return;
	}
	p->frozen = strcmp(paths->unified, "/") != 0 &&
		    read_cgroup(h, mounts->unified, paths->unified, "cgroup.events", &text) &&
		    parse_key(text_of(&text), "frozen", &frozen) && frozen;
	if (!p->frozen)
		return;
	p->freezer_v2 = true;
	memcpy(p->freezer, paths->unified, sizeof(p->freezer));
}

/* Many processes of one service stand in one cgroup: it is read once. */
static bool copy_throttling(const struct snapshot *s, struct process *p)
{
	vec_each(known, &s->processes) {
		if (strcmp(known->cgroup, p->cgroup) != 0)
			continue;
		p->cpu_stat_known = known->cpu_stat_known;
		p->nr_periods = known->nr_periods;
		p->nr_throttled = known->nr_throttled;
		p->throttled_ns = known->throttled_ns;
		p->quota_us = known->quota_us;
		p->period_us = known->period_us;
		p->limits_n = known->limits_n;
		memcpy(p->limits, known->limits, sizeof(p->limits));
		return true;
	}
	return false;
}

static int read_proc(struct host *h, int pid, const char *file, struct buf *text)
{
	char name[64];

	snprintf(name, sizeof(name), "%d/%s", pid, file);
	buf_clear(text);
	return host_read(h, name, text);
}

static void read_groups(struct host *h, const struct cgroup_mounts *mounts,
			const struct snapshot *s, struct process *p)
{
	cleanup(buf_done) struct buf text = {0};
	struct cgroup_paths paths;
	bool v2;

	if (read_proc(h, p->pid, "cgroup", &text) < 0)
		return;
	parse_cgroup(text_of(&text), &paths);
	p->container = paths.container;
	if (p->container.engine[0])
		container_names(h, s, &p->container);
	v2 = !paths.cpu[0];
	memcpy(p->cgroup, v2 ? paths.unified : paths.cpu, sizeof(p->cgroup));
	memcpy(p->unit, paths.unit, sizeof(p->unit));
	if (p->cgroup[0] && !copy_throttling(s, p))
		read_throttling(h, v2 ? mounts->unified : mounts->cpu, v2, p);
	p->cgroup_v2 = v2;
	read_frozen(h, mounts, &paths, p);
	if (!host_is_look(h))
		read_memory_limit(h, mounts, &paths, &p->memory);
}

/* fs/proc/array.c task_cpus_allowed; a list that does not fit is not told. */
static void read_cpus_allowed(struct span text, char *to, size_t size)
{
	struct span line, name, list;

	while (next_line(&text, &line))
		if (next_field(&line, &name) && span_is(name, "Cpus_allowed_list:") &&
		    next_field(&line, &list) && list.n < size)
			span_copy(list, to, size);
}

/* One process; a negative errno if it is gone. */
static int read_process(struct host *h, int pid, const struct cgroup_mounts *mounts,
			struct snapshot *s)
{
	cleanup(buf_done) struct buf text = {0};
	struct process p = {.pid = pid, .quota_us = -1, .period_us = -1};
	struct process_stat stat;
	struct span line, ran, waited;
	int r = read_proc(h, pid, "stat", &text);

	if (r == 0)
		r = parse_process_stat(text_of(&text), &stat);
	if (r < 0)
		return r;
	memcpy(p.comm, stat.comm, sizeof(p.comm));
	p.state = stat.state;
	p.ppid = stat.ppid;
	p.threads = stat.threads;
	p.utime = stat.utime;
	p.stime = stat.stime;
	p.major_faults = stat.major_faults;
	p.cpu = stat.cpu;
	p.nice = stat.nice;
	/* Kernels without CONFIG_SCHED_INFO have none: then nothing is known to have waited. */
	if (read_proc(h, pid, "schedstat", &text) == 0) {
		line = text_of(&text);
		if (next_field(&line, &ran) && next_field(&line, &waited))
			parse_u64(waited, UINT64_MAX, &p.run_delay_ns);
	}
	if (read_proc(h, pid, "status", &text) == 0)
		read_cpus_allowed(text_of(&text), p.cpus_allowed, sizeof(p.cpus_allowed));
	parse_swapped(text_of(&text), &p.swapped_kib);
	read_descriptors(h, &p);
	read_groups(h, mounts, s, &p);
	*vec_push(&s->processes) = p;
	return 0;
}

/* Which cgroup hierarchies a process sees, and the way to them through its root. */
static bool mounts_of(struct host *h, int pid, struct cgroup_mounts *ret)
{
	cleanup(buf_done) struct buf text = {0};
	char root[64];

	snprintf(root, sizeof(root), "/proc/%d/root", pid);
	if (read_proc(h, pid, "mounts", &text) < 0)
		return false;
	parse_mounts(text_of(&text), root, ret);
	return ret->cpu[0] || ret->unified[0];
}

/*
 * `ip netns exec` puts a new sysfs over /sys, and the cgroup mounts are hidden under it. The shell
 * that called it still sees them, and so does process 1, whose root may be closed to us.
 */
static void find_mounts(struct host *h, struct cgroup_mounts *ret)
{
	cleanup(buf_done) struct buf text = {0};
	struct process_stat own;

	if (host_read(h, "self/mounts", &text) == 0)
		parse_mounts(text_of(&text), "", ret);
	if (ret->cpu[0] || ret->unified[0])
		return;
	buf_clear(&text);
	if (host_read(h, "self/stat", &text) == 0 &&
	    parse_process_stat(text_of(&text), &own) == 0 && own.ppid > 1 &&
	    mounts_of(h, own.ppid, ret))
		return;
	mounts_of(h, 1, ret);
}

/* Reads each owner once, and forgets those that are gone meanwhile. */
static int read_owners(struct host *h, struct snapshot *s)
{
	struct cgroup_mounts mounts = {0};
	size_t kept = 0;
	VEC(int) gone = {0};

	if (s->owners.n)
		find_mounts(h, &mounts);
	for (size_t i = 0; i < s->owners.n; i++) {
		struct socket_owner owner = s->owners.items[i];
		bool vanished = false;

		vec_each(pid, &gone)
			vanished |= *pid == owner.pid;
		if (!vanished && !snapshot_process(s, owner.pid)) {
			int r = read_process(h, owner.pid, &mounts, s);

			if (r == -EBADMSG) {
				vec_done(&gone);
				return r;
			}
			if (r < 0) {
				*vec_push(&gone) = owner.pid;
				vanished = true;
			}
		}
		if (!vanished)
			s->owners.items[kept++] = owner;
	}
	s->owners.n = kept;
	vec_done(&gone);
	return 0;
}

static int compare_u32(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void inodes_done(struct inodes *set)
{
	vec_done(&set->list);
}

/* Those of more than SOCKETS_IN_QUESTION_MAX sockets stay without an owner. */
static void list_some(const struct socket *sockets, size_t n, bool captures, struct inodes *to)
{
	for (const struct socket *sk = sockets; sk < sockets + n; sk++)
		if (sk->inode && to->list.n < SOCKETS_IN_QUESTION_MAX &&
		    (socket_in_question(sk) || (captures && is_capture(sk))))
			*vec_push(&to->list) = sk->inode;
}

static void list_inodes(const struct snapshot *s, struct inodes *to)
{
	size_t kept = 0;

	list_some(s->sockets.items, s->sockets.n, false, to);
	list_some(s->raw_sockets.items, s->raw_sockets.n, false, to);
	list_some(s->packet_sockets.items, s->packet_sockets.n, s->cpus_flooded, to);
	list_some(s->netlink_sockets.items, s->netlink_sockets.n, false, to);
	vec_each(q, &s->unix_full)
		if (to->list.n < SOCKETS_IN_QUESTION_MAX)
			*vec_push(&to->list) = q->inode;
	if (to->list.n)
		qsort(to->list.items, to->list.n, sizeof(uint32_t), compare_u32);
	for (size_t i = 0; i < to->list.n; i++)
		if (!kept || to->list.items[kept - 1] != to->list.items[i])
			to->list.items[kept++] = to->list.items[i];
	to->list.n = kept;
}

/* At a look only of those that are full now; whoever was full once is asked for at the end. */
static void list_full(const struct host *h, const struct snapshot *s, struct inodes *to)
{
	vec_each(sk, &s->sockets) {
		bool full = (sk->rcvbuf && sk->rmem > sk->rcvbuf / 2) ||
			    (sk->sndbuf && MAX(sk->wmem, sk->wmem_queued) > sk->sndbuf / 2);

		if (sk->inode && to->list.n < BUFFER_LOCKS_MAX && sk->state != STATE_LISTEN &&
		    socket_in_question(sk) && (full || !host_is_look(h)))
			*vec_push(&to->list) = sk->inode;
	}
}

/* Where this fails the origin of a buffer stays unknown, and everything else is as good. */
static int read_buffer_locks(struct host *h, struct snapshot *s)
{
	cleanup(inodes_done) struct inodes wanted = {0};
	cleanup(buf_done) struct buf text = {0};
	int r = 0;

	list_full(h, s, &wanted);
	if (!wanted.list.n)
		return 0;
	if (!h->replay)
		r = buffer_locks_find(&wanted, &text);
	r = host_keep(h, "buffer-locks", r, &text);
	s->buffer_locks_err = r;
	return r == 0 ? parse_buffer_locks(text_of(&text), s) : 0;
}

int collect_process(struct host *h, struct snapshot *s)
{
	cleanup(inodes_done) struct inodes wanted = {0};
	cleanup(buf_done) struct buf owners = {0};
	int r = 0;

	list_inodes(s, &wanted);
	if (!wanted.list.n)
		return 0;
	if (!h->replay)
		r = owners_find(&wanted, !host_is_look(h), &owners);
	r = host_keep(h, "owners", r, &owners);
	if (r == 0)
		r = parse_owners(text_of(&owners), s);
	if (r == 0)
		r = read_buffer_locks(h, s);
	return r < 0 ? r : read_owners(h, s);
}
