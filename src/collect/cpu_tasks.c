// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who runs on CPUs that are full of packets: /proc/PID/{stat,schedstat} of the threads ksoftirqd/N
 * (kernel/softirq.c; fs/proc/base.c proc_pid_schedstat: nanoseconds run, waited), and, while a CPU
 * spends FLOODED of its time in softirqs or its ksoftirqd has to wait for STARVED of it, of all
 * processes that are on such a CPU (fs/proc/array.c do_task_stat).
 *
 * Scope: the host. No privilege; whose network namespace a process is in takes CAP_SYS_PTRACE. A
 * process stands for its threads: where it is, is where its first thread is. A healthy host is never
 * walked, and one that is not at most once in WALK_NS.
 *
 * A recording keeps lines of words:
 *   thread CPU PID RAN WAITED
 *   task PID CPU STATE POLICY PRIORITY TICKS NETNS COMM
 *   flooded        a CPU was, at this reading or one before it
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/process.h"
#include "collect/proctext.h"
#include "model/observation.h"

#define FLOODED_PERCENT 50 /* causes.md 25: busier than that, and alone with it */
#define STARVED_PERCENT 20
#define TICKS_LEAST 5 /* of /proc/stat: fewer tell no share */
#define WALK_NS (NSEC_PER_SEC / 4)
#define CPUS_MAX 1024
#define TASKS_MAX 256
#define THREAD_PID_MAX 8192 /* the kernel makes them at boot, before any program */

/* ---- what is kept ---- */

static bool take_number(struct span *line, uint64_t max, uint64_t *ret)
{
	struct span word;

	return next_field(line, &word) && parse_u64(word, max, ret) == 0;
}

static bool take_thread(struct span line, struct snapshot *s)
{
	struct softirq_thread *t;
	uint64_t n[4];

	if (!take_number(&line, CPUS_MAX - 1, &n[0]) || !take_number(&line, INT32_MAX, &n[1]) ||
	    !take_number(&line, UINT64_MAX, &n[2]) || !take_number(&line, UINT64_MAX, &n[3]) ||
	    s->softirq_threads.n == CPUS_MAX)
		return false;
	t = vec_push(&s->softirq_threads);
	*t = (struct softirq_thread){(unsigned int)n[0], (int)n[1], n[2], n[3]};
	return true;
}

static bool take_task(struct span line, struct snapshot *s)
{
	uint64_t pid, cpu, policy, priority, ticks, netns;
	struct span state, comm;
	struct cpu_task *t;

	if (!take_number(&line, INT32_MAX, &pid) || !take_number(&line, CPUS_MAX - 1, &cpu) ||
	    !next_field(&line, &state) || state.n != 1 || !take_number(&line, UINT8_MAX, &policy) ||
	    !take_number(&line, UINT8_MAX, &priority) || !take_number(&line, UINT64_MAX, &ticks) ||
	    !take_number(&line, UINT32_MAX, &netns) || !next_field(&line, &comm) ||
	    s->cpu_tasks.n == TASKS_MAX)
		return false;
	t = vec_push(&s->cpu_tasks);
	*t = (struct cpu_task){.pid = (int)pid, .cpu = (unsigned int)cpu, .state = state.p[0],
			       .policy = (uint8_t)policy, .priority = (uint8_t)priority,
			       .ticks = ticks, .netns = (uint32_t)netns};
	span_copy(comm, t->comm, sizeof(t->comm));
	return true;
}

int parse_cpu_tasks(struct span text, struct snapshot *s)
{
	struct span line, kind;

	while (next_line(&text, &line)) {
		bool ok = next_field(&line, &kind);

		if (ok && span_is(kind, "thread"))
			ok = take_thread(line, s);
		else if (ok && span_is(kind, "task"))
			ok = take_task(line, s);
		else if (ok && span_is(kind, "flooded"))
			s->cpus_flooded = true;
		else
			ok = false;
		if (!ok)
			return -EBADMSG;
	}
	return 0;
}

/* ---- live ---- */

/* What the last reading was, and what is remembered for all. */
static struct {
	pthread_mutex_t lock;
	int pid[CPUS_MAX]; /* of ksoftirqd/N; 0: not found */
	bool searched;
	struct cpu_times times[CPUS_MAX];
	uint64_t waited_ns[CPUS_MAX];
	int64_t read_ns, walked_ns; /* CLOCK_MONOTONIC; 0 never */
	bool flooded_once;
} last = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool read_small(int pid, const char *file, char *to, size_t size, struct span *ret)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	{
		cleanup(cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

		n = fd < 0 ? -1 : read(fd, to, size - 1);
	}
	if (n <= 0)
		return false;
	to[n] = '\0';
	*ret = (struct span){to, (size_t)n};
	return true;
}

static bool read_stat(int pid, struct process_stat *ret)
{
	struct span span;
	char text[1024];

	return read_small(pid, "stat", text, sizeof(text), &span) &&
	       parse_process_stat(span, ret) == 0;
}

/* Children of kthreadd (process 2) that stand among the first processes. */
static void search_threads(size_t cpus)
{
	size_t found = 0;

	for (int pid = 3; pid < THREAD_PID_MAX && found < cpus; pid++) {
		struct process_stat stat;
		uint64_t cpu;

		if (!read_stat(pid, &stat) || stat.ppid != 2 ||
		    strncmp(stat.comm, "ksoftirqd/", 10) != 0 ||
		    parse_u64(span_of(stat.comm + 10), CPUS_MAX - 1, &cpu) < 0)
			continue;
		last.pid[cpu] = pid;
		found++;
	}
	last.searched = true;
}

/* Puts the threads down; *ret_suspect: the CPUs to be looked at closer. */
static bool read_threads(const struct snapshot *now, int64_t since_ns, bool *ret_suspect,
			 struct buf *out)
{
	bool any = false;

	vec_each(c, &now->cpus) {
		uint64_t ran, waited, delta;
		struct span span, word;
		char text[128];

		if (c->id >= CPUS_MAX || !last.pid[c->id] ||
		    !read_small(last.pid[c->id], "schedstat", text, sizeof(text), &span) ||
		    !next_field(&span, &word) || parse_u64(word, UINT64_MAX, &ran) < 0 ||
		    !next_field(&span, &word) || parse_u64(word, UINT64_MAX, &waited) < 0)
			continue;
		buf_printf(out, "thread %u %d %llu %llu\n", c->id, last.pid[c->id],
			   (unsigned long long)ran, (unsigned long long)waited);
		delta = waited - MIN(waited, last.waited_ns[c->id]);
		if (since_ns > 0 && delta * 100 >= (uint64_t)since_ns * STARVED_PERCENT)
			any = ret_suspect[c->id] = true;
		last.waited_ns[c->id] = waited;
	}
	return any;
}

static bool find_flooded(const struct snapshot *now, bool *ret_suspect)
{
	bool any = false;

	vec_each(c, &now->cpus) {
		struct cpu_times *before = c->id < CPUS_MAX ? &last.times[c->id] : NULL;
		uint64_t all, softirq;

		if (!before || !c->times_present)
			continue;
		all = cpu_times_sum(&c->times) - MIN(cpu_times_sum(&c->times), cpu_times_sum(before));
		softirq = c->times.softirq - MIN(c->times.softirq, before->softirq);
		if (last.read_ns && all >= TICKS_LEAST && softirq * 100 >= all * FLOODED_PERCENT)
			any = ret_suspect[c->id] = last.flooded_once = true;
		*before = c->times;
	}
	return any;
}

static uint32_t netns_of(int pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return stat(path, &st) == 0 ? (uint32_t)st.st_ino : 0;
}

/* Names may hold blanks: a line has one word for each thing. */
static void put_task(struct buf *out, int pid, const struct process_stat *stat)
{
	char comm[sizeof(stat->comm)];
	size_t n = 0;

	for (; n + 1 < sizeof(comm) && stat->comm[n]; n++)
		comm[n] = isgraph((unsigned char)stat->comm[n]) ? stat->comm[n] : '_';
	comm[n] = '\0';
	buf_printf(out, "task %d %d %c %u %u %llu %u %s\n", pid, stat->cpu, stat->state, stat->policy,
		   stat->rt_priority, (unsigned long long)(stat->utime + stat->stime), netns_of(pid),
		   n ? comm : "?");
}

static void walk(const bool *suspect, struct buf *out)
{
	DIR *folder = opendir("/proc");
	const struct dirent *e;
	size_t kept = 0;

	while (folder && kept < TASKS_MAX && (e = readdir(folder))) {
		struct process_stat stat;
		uint64_t pid;

		if (!isdigit((unsigned char)e->d_name[0]) ||
		    parse_u64(span_of(e->d_name), INT32_MAX, &pid) < 0 ||
		    !read_stat((int)pid, &stat) || stat.cpu < 0 || stat.cpu >= CPUS_MAX ||
		    !suspect[stat.cpu] || (int)pid == last.pid[stat.cpu] || pid == (uint64_t)getpid() ||
		    (stat.state != 'R' && !stat.policy && !(stat.utime + stat.stime)))
			continue;
		put_task(out, (int)pid, &stat);
		kept++;
	}
	if (folder)
		closedir(folder);
}

static int read_tasks(struct buf *out)
{
	bool suspect[CPUS_MAX] = {false}, any;
	struct snapshot now = {0};
	struct netns here = {.fd = -1};
	struct host h = {.ns = &here};
	int64_t at = monotonic_ns();
	int r = collect_text(&h, "stat", parse_cpu_times, &now);

	if (r < 0)
		return r;
	pthread_mutex_lock(&last.lock);
	if (!last.searched)
		search_threads(now.cpus.n);
	any = read_threads(&now, last.read_ns ? at - last.read_ns : 0, suspect, out);
	any |= find_flooded(&now, suspect);
	last.read_ns = at;
	if (any && at - last.walked_ns >= WALK_NS) {
		walk(suspect, out);
		last.walked_ns = at;
	}
	if (last.flooded_once)
		buf_puts(out, "flooded\n");
	pthread_mutex_unlock(&last.lock);
	snapshot_done(&now);
	return 0;
}

int collect_cpu_tasks(struct host *h, struct snapshot *s)
{
	cleanup(buf_done) struct buf text = {0};
	int r = h->replay ? 0 : read_tasks(&text);

	r = host_keep(h, "cpu-tasks", r, &text);
	return r < 0 ? r : parse_cpu_tasks((struct span){text.data, text.len}, s);
}
