// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The processes behind the sockets in question: /proc/PID/stat (fs/proc/array.c do_task_stat),
 * /proc/PID/schedstat (fs/proc/base.c proc_pid_schedstat), /proc/PID/status; their
 * control groups are read by cgroup.c.
 *
 * Units: clock ticks (all threads), ns (run delay of the main thread alone). Privilege: see
 * owners.c; the rest is readable for all unless /proc is mounted with hidepid. The state is the
 * main thread's too: SIGSTOP, a debugger that stops a process and the freezer reach every thread.
 * /proc/PID/cmdline is never read: it waits for the memory lock of the process looked at.
 */
#define _GNU_SOURCE
#include "collect/process.h"
#include "collect/buffer_locks.h"
#include "collect/cgroup.h"

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
	if (at == 18) {
		/* The deadline class has -101. */
		if (parse_i64(field, &nice) < 0 || nice < INT8_MIN || nice > INT8_MAX)
			return -EBADMSG;
		stat->priority = (int)nice;
	}
	if (at == 22)
		return parse_u64(field, UINT64_MAX, &stat->start) < 0 ? -EBADMSG : 0;
	if (at == 23)
		return parse_u64(field, UINT64_MAX, &stat->vsize) < 0 ? -EBADMSG : 0;
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
	if (rest.n && rest.p[rest.n - 1] == '\n')
		rest.n--;
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

static int read_proc(struct host *h, int pid, const char *file, struct buf *text)
{
	char name[64];

	snprintf(name, sizeof(name), "%d/%s", pid, file);
	buf_clear(text);
	return host_read(h, name, text);
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
	if (read_proc(h, pid, "cgroup", &text) == 0)
		read_groups(h, mounts, s, text_of(&text), &p);
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
int process_read_owners(struct host *h, struct snapshot *s)
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
static void list_some(const struct snapshot *s, const struct socket *sockets, size_t n, bool captures,
		      struct inodes *to)
{
	for (const struct socket *sk = sockets; sk < sockets + n; sk++)
		if (sk->inode && to->list.n < SOCKETS_IN_QUESTION_MAX &&
		    (socket_owner_wanted(s, sk) || (captures && is_capture(sk))))
			*vec_push(&to->list) = sk->inode;
}

static void list_listeners(const struct host *h, const struct snapshot *s, struct inodes *to)
{
	vec_each(sk, &s->sockets)
		if (sk->inode && to->list.n < SOCKETS_IN_QUESTION_MAX && host_asks_for(h, sk))
			*vec_push(&to->list) = sk->inode;
}

static void list_inodes(const struct host *h, const struct snapshot *s, struct inodes *to)
{
	size_t kept = 0;

	list_listeners(h, s, to);
	list_some(s, s->sockets.items, s->sockets.n, false, to);
	list_some(s, s->raw_sockets.items, s->raw_sockets.n, false, to);
	list_some(s, s->packet_sockets.items, s->packet_sockets.n, s->cpus_flooded, to);
	list_some(s, s->netlink_sockets.items, s->netlink_sockets.n, false, to);
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

	list_inodes(h, s, &wanted);
	if (!wanted.list.n)
		return 0;
	if (!h->replay)
		r = owners_find(&wanted, !host_is_look(h), &owners);
	r = host_keep(h, "owners", r, &owners);
	if (r == 0)
		r = parse_owners(text_of(&owners), s);
	if (r == 0)
		r = read_buffer_locks(h, s);
	return r < 0 ? r : process_read_owners(h, s);
}
