// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every process: /proc/PID/stat (fs/proc/array.c do_task_stat), at the second end also
 * /proc/PID/status (memory, uid; kernel threads have none), the size of /proc/PID/fd (the number of
 * descriptors since 6.2, proc_fd_getattr) and its limit by prlimit(2); where in the kernel it waits
 * if it is in state D. Of processes with several threads the states of these, THREADS_MAX at most.
 *
 * Units: clock ticks since boot, KiB. Privilege: none; descriptors and limits of others'
 * processes need CAP_SYS_PTRACE and CAP_SYS_RESOURCE. Nothing here waits for the memory lock of a
 * process. Resident memory in `stat` is only roughly right since 6.2 (per-CPU sums), so it is
 * taken from `status`.
 *
 * A recording keeps a line each: STATE WCHAN, the numbers of doing_fields.def ("-" unknown), name.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/doing.h"
#include "collect/process.h"

#define PROCESSES_MAX 65536
#define THREADS_MAX 512 /* looked at, besides each process's first */
#define STATUS_ROOM ((size_t)16 << 10)

/* ---- what is kept ---- */

static int take_process(struct span line, struct doing_process *ret)
{
	struct doing_process p = {0};
	struct span state, wchan, field;

	if (!next_field(&line, &state) || state.n != 1 || !next_field(&line, &wchan))
		return -EBADMSG;
	p.state = state.p[0];
	if (!span_is(wchan, "-"))
		span_copy(wchan, p.wchan, sizeof(p.wchan));
	for (size_t i = 0; i < PROCESS_FIELDS; i++) {
		if (!next_field(&line, &field))
			return -EBADMSG;
		if (span_is(field, "-"))
			p.v[i] = DOING_UNKNOWN;
		else if (parse_i64(field, &p.v[i]) < 0)
			return -EBADMSG;
	}
	/* These are always known, and sums are made of them. */
	for (size_t i = 0; i <= PROC_START; i++)
		if (p.v[i] == DOING_UNKNOWN ||
		    (i != PROC_PRIORITY && i != PROC_NICE && p.v[i] < 0) || p.v[i] > INT64_MAX / 4)
			return -EBADMSG;
	if (line.n)
		span_copy((struct span){line.p + 1, line.n - 1}, p.comm, sizeof(p.comm));
	*ret = p;
	return 0;
}

int parse_doing_processes(struct span text, struct doing *d)
{
	struct span line;

	while (next_line(&text, &line)) {
		struct doing_process p;

		if (d->processes.n == PROCESSES_MAX || take_process(line, &p) < 0)
			return -EBADMSG;
		/* /proc gives them in this order, and they are looked for by it. */
		if (d->processes.n &&
		    d->processes.items[d->processes.n - 1].v[PROC_PID] >= p.v[PROC_PID])
			return -EBADMSG;
		*vec_push(&d->processes) = p;
	}
	return d->processes.n ? 0 : -EBADMSG;
}

/* Names may hold anything: what is no text becomes a question mark, blanks stay. */
static void put_process(struct buf *out, const struct doing_process *p)
{
	buf_printf(out, "%c %s", p->state, p->wchan[0] ? p->wchan : "-");
	for (size_t i = 0; i < PROCESS_FIELDS; i++) {
		if (p->v[i] == DOING_UNKNOWN)
			buf_puts(out, " -");
		else
			buf_printf(out, " %lld", (long long)p->v[i]);
	}
	buf_puts(out, " ");
	for (const char *c = p->comm; *c; c++)
		buf_add(out, iscntrl((unsigned char)*c) ? "?" : c, 1);
	buf_puts(out, "\n");
}

/* ---- live ---- */

struct walk {
	int proc; /* /proc, open */
	bool at_end;
	unsigned int threads_left;
	char *room; /* STATUS_ROOM */
	struct buf *out;
};

/* One read: these files are made whole for a reader with room enough. */
static int read_at(struct walk *w, int folder, const char *path, struct span *ret)
{
	cleanup(cleanup_fd) int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, w->room, STATUS_ROOM);

	if (n <= 0)
		return n < 0 ? -errno : -ESRCH;
	*ret = (struct span){w->room, (size_t)n};
	return 0;
}

static void fill_stat(const struct process_stat *stat, struct doing_process *p)
{
	for (size_t i = 0; i < PROCESS_FIELDS; i++)
		p->v[i] = DOING_UNKNOWN;
	p->state = stat->state;
	memcpy(p->comm, stat->comm, sizeof(p->comm));
	p->v[PROC_PPID] = stat->ppid;
	p->v[PROC_POLICY] = stat->policy;
	p->v[PROC_RT_PRIORITY] = stat->rt_priority;
	p->v[PROC_PRIORITY] = stat->priority;
	p->v[PROC_NICE] = stat->nice;
	p->v[PROC_THREADS] = MAX(stat->threads, 1u);
	p->v[PROC_THREADS_SEEN] = 1;
	p->v[PROC_THREADS_RUNNABLE] = stat->state == 'R';
	p->v[PROC_THREADS_BLOCKED] = stat->state == 'D';
	p->v[PROC_CPU] = MAX(stat->cpu, 0);
	p->v[PROC_USER] = (int64_t)MIN(stat->utime, (uint64_t)INT64_MAX / 8);
	p->v[PROC_SYSTEM] = (int64_t)MIN(stat->stime, (uint64_t)INT64_MAX / 8);
	p->v[PROC_MAJOR_FAULTS] = (int64_t)MIN(stat->major_faults, (uint64_t)INT64_MAX / 8);
	p->v[PROC_START] = (int64_t)MIN(stat->start, (uint64_t)INT64_MAX / 8);
	p->v[PROC_VIRTUAL] = (int64_t)(stat->vsize / 1024);
}

/* fs/proc/array.c proc_pid_status, fs/proc/task_mmu.c task_mem; swap is the last of these. */
static void take_status(struct span text, struct doing_process *p)
{
	static const struct {
		const char *name;
		enum process_field field;
	} wanted[] = {{"Uid:", PROC_UID},
		      {"VmRSS:", PROC_RESIDENT},
		      {"RssAnon:", PROC_ANONYMOUS},
		      {"RssFile:", PROC_FILE},
		      {"RssShmem:", PROC_SHARED_MEMORY},
		      {"VmSwap:", PROC_SWAP}};
	struct span line, name, value;
	size_t at = 0;

	while (at < ARRAY_SIZE(wanted) && next_line(&text, &line)) {
		size_t i = at;

		if (line.n < 4 || !strchr("UVR", line.p[0]) || !next_field(&line, &name))
			continue;
		while (i < ARRAY_SIZE(wanted) && !span_is(name, wanted[i].name))
			i++;
		if (i == ARRAY_SIZE(wanted) || !next_field(&line, &value) ||
		    parse_i64(value, &p->v[wanted[i].field]) < 0)
			continue;
		at = i + 1;
	}
}

static void read_wchan(struct walk *w, int folder, const char *path, struct doing_process *p)
{
	struct span text;

	if (p->wchan[0] || read_at(w, folder, path, &text) < 0 || span_is(text, "0"))
		return;
	for (size_t i = 0; i < text.n; i++)
		if (!isalnum((unsigned char)text.p[i]) && !strchr("_.", text.p[i]))
			return;
	span_copy(text, p->wchan, sizeof(p->wchan));
}

/* The states of its other threads: each of them counts as load by itself. */
static void read_threads(struct walk *w, const char *pid, struct doing_process *p)
{
	char path[64];
	const struct dirent *e;
	int fd;
	DIR *folder;

	snprintf(path, sizeof(path), "%.20s/task", pid);
	fd = openat(w->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	folder = fd < 0 ? NULL : fdopendir(fd);
	if (!folder && fd >= 0)
		close(fd);
	while (folder && w->threads_left && (e = readdir(folder))) {
		struct process_stat stat;
		struct span text;

		if (!isdigit((unsigned char)e->d_name[0]) || strcmp(e->d_name, pid) == 0)
			continue;
		w->threads_left--;
		snprintf(path, sizeof(path), "%.20s/stat", e->d_name);
		if (read_at(w, dirfd(folder), path, &text) < 0 ||
		    parse_process_stat(text, &stat) < 0)
			continue;
		p->v[PROC_THREADS_SEEN]++;
		p->v[PROC_THREADS_RUNNABLE] += stat.state == 'R';
		p->v[PROC_THREADS_BLOCKED] += stat.state == 'D';
		if (stat.state != 'D')
			continue;
		snprintf(path, sizeof(path), "%.20s/wchan", e->d_name);
		read_wchan(w, dirfd(folder), path, p);
	}
	if (folder)
		closedir(folder);
}

static void read_descriptors_of(struct walk *w, const char *pid, struct doing_process *p)
{
	struct rlimit limit;
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%.20s/fd", pid);
	/* Before 6.2 it is 0, whatever it has open: then this is not known. */
	if (fstatat(w->proc, path, &st, 0) < 0 || !st.st_size)
		return;
	if (prlimit((pid_t)p->v[PROC_PID], RLIMIT_NOFILE, NULL, &limit) < 0)
		return;
	p->v[PROC_DESCRIPTORS] = st.st_size;
	p->v[PROC_DESCRIPTORS_MAX] = (int64_t)MIN(limit.rlim_cur, (rlim_t)INT64_MAX);
}

static void read_process(struct walk *w, const char *pid, int64_t number)
{
	struct doing_process p = {0};
	struct process_stat stat;
	struct span text;
	char path[64];

	snprintf(path, sizeof(path), "%.20s/stat", pid);
	if (read_at(w, w->proc, path, &text) < 0 || parse_process_stat(text, &stat) < 0)
		return; /* gone */
	fill_stat(&stat, &p);
	p.v[PROC_PID] = number;
	p.v[PROC_SELF] = number == getpid();
	if (stat.state == 'D') {
		snprintf(path, sizeof(path), "%.20s/wchan", pid);
		read_wchan(w, w->proc, path, &p);
	}
	if (stat.threads > 1 && !p.v[PROC_SELF])
		read_threads(w, pid, &p);
	if (w->at_end && is_kernel_thread(&p)) {
		p.v[PROC_UID] = 0;
	} else if (w->at_end) {
		snprintf(path, sizeof(path), "%.20s/status", pid);
		if (read_at(w, w->proc, path, &text) == 0)
			take_status(text, &p);
		read_descriptors_of(w, pid, &p);
	}
	put_process(w->out, &p);
}

static int walk(bool at_end, struct buf *out)
{
	cleanup(cleanup_free) char *room = xcalloc(1, STATUS_ROOM);
	DIR *folder = opendir("/proc");
	struct walk w = {.at_end = at_end, .threads_left = THREADS_MAX, .room = room, .out = out};
	const struct dirent *e;
	size_t n = 0;

	if (!folder)
		return -errno;
	w.proc = dirfd(folder);
	while (n < PROCESSES_MAX && (e = readdir(folder))) {
		uint64_t pid;

		if (!isdigit((unsigned char)e->d_name[0]) ||
		    parse_u64(span_of(e->d_name), INT32_MAX, &pid) < 0)
			continue;
		read_process(&w, e->d_name, (int64_t)pid);
		n++;
	}
	closedir(folder);
	return 0;
}

int doing_processes(struct host *h, struct doing *d)
{
	cleanup(buf_done) struct buf text = {0};
	int r = h->replay ? 0 : walk(!doing_is_first(h), &text);

	r = host_keep(h, "host-processes", r, &text);
	return r < 0 ? r : parse_doing_processes((struct span){text.data, text.len}, d);
}
