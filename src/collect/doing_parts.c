// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whose the memory is, and where it is to come from: /proc/PID/smaps_rollup (fs/proc/task_mmu.c
 * show_smaps_rollup, since 4.14; KiB) and, on hosts with several nodes, /proc/PID/numa_maps
 * (show_numa_map) of the largest processes.
 *
 * Both walk the page tables of a process, and both wait for its memory lock, which a process that
 * hangs may hold for ever: a thread of their own reads them, of no process in state D, until it
 * used BUDGET_NS of CPU time (looked at between two processes); of PROCESSES_MAX processes at most,
 * that together have RESIDENT_MAX_KIB. After WAIT_NS what it has not read is left out. Privilege:
 * CAP_SYS_PTRACE.
 *
 * A recording keeps lines "PID PSS ANONYMOUS FILE SHMEM SWAP" and "PID POLICY MAPPINGS".
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "collect/doing.h"

#define BUDGET_NS (8 * NSEC_PER_MSEC)
#define WAIT_NS (NSEC_PER_SEC / 2)
#define PROCESSES_MAX 64
#define RESIDENT_MAX_KIB ((int64_t)1 << 20) /* of all of them: a walk cannot be interrupted */
#define ROLLUP_MAX ((size_t)8 << 10)
#define MAPS_MAX ((size_t)1 << 20) /* of numa_maps; the rest of a process is left out */

/* ---- the pure halves ---- */

int parse_rollup(struct span text, struct memory_part *ret)
{
	struct memory_part part = {.pid = ret->pid};
	const struct {
		const char *name;
		uint64_t *to;
	} wanted[] = {{"Pss:", &part.pss},
		      {"Pss_Anon:", &part.anonymous},
		      {"Pss_File:", &part.file},
		      {"Pss_Shmem:", &part.shmem},
		      {"SwapPss:", &part.swap}};
	struct span line, name, value;
	bool any = false;

	while (next_line(&text, &line)) {
		if (!next_field(&line, &name))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
			if (!span_is(name, wanted[i].name))
				continue;
			if (!next_field(&line, &value) ||
			    parse_u64(value, INT64_MAX, wanted[i].to) < 0)
				return -EBADMSG;
			any |= i == 0;
		}
	}
	if (!any)
		return -EBADMSG;
	*ret = part;
	return 0;
}

/* "7f0c1000 bind:0 anon=512 ...": an address and a policy, then what does not matter here */
int parse_numa_maps(struct span text, struct numa_policy *ret)
{
	struct numa_policy p = {.pid = ret->pid};
	struct span line, address, policy;

	while (next_line(&text, &line)) {
		if (!next_field(&line, &address) || !next_field(&line, &policy))
			continue;
		for (size_t i = 0; i < policy.n; i++)
			if (!isalnum((unsigned char)policy.p[i]) && !strchr(":,-=/_", policy.p[i]))
				return -EBADMSG;
		if (!p.policy[0] || (!strcmp(p.policy, "default") && !span_is(policy, "default"))) {
			span_copy(policy, p.policy, sizeof(p.policy));
			p.mappings = 0;
		}
		p.mappings += span_is(policy, p.policy);
	}
	if (!p.policy[0])
		return -EBADMSG;
	*ret = p;
	return 0;
}

int parse_doing_parts(struct span text, struct doing *d)
{
	struct span line, word;

	while (next_line(&text, &line)) {
		uint64_t n[6];

		for (size_t i = 0; i < ARRAY_SIZE(n); i++)
			if (!next_field(&line, &word) ||
			    parse_u64(word, i ? INT64_MAX : INT32_MAX, &n[i]) < 0)
				return -EBADMSG;
		if (d->parts.n == PROCESSES_MAX)
			return -EBADMSG;
		*vec_push(&d->parts) =
			(struct memory_part){(int)n[0], n[1], n[2], n[3], n[4], n[5]};
	}
	return 0;
}

int parse_doing_policies(struct span text, struct doing *d)
{
	struct span line, pid, policy, mappings;

	while (next_line(&text, &line)) {
		struct numa_policy p = {0};
		uint64_t n, m;

		if (!next_field(&line, &pid) || !next_field(&line, &policy) ||
		    !next_field(&line, &mappings) || parse_u64(pid, INT32_MAX, &n) < 0 ||
		    parse_u64(mappings, INT32_MAX, &m) < 0 || d->policies.n == PROCESSES_MAX)
			return -EBADMSG;
		p.pid = (int)n;
		p.mappings = (unsigned int)m;
		span_copy(policy, p.policy, sizeof(p.policy));
		*vec_push(&d->policies) = p;
	}
	return 0;
}

/* ---- live ---- */

/* Freed by whoever lets go of it last: the reader, or who waits for it. */
struct reader {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool policies;
	int pids[PROCESSES_MAX];
	size_t n;
	struct buf text; /* written under the lock */
	int err;
	bool done, abandoned;
};

static void reader_free(struct reader *r)
{
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->changed);
	buf_done(&r->text);
	free(r);
}

static int64_t used_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

/* The lines of numa_maps beyond MAPS_MAX are left out: the policy is rarely another there. */
static int read_maps(int fd, struct buf *text)
{
	const char *end;
	int r = buf_read_fd(text, fd, MAPS_MAX);

	if (r < 0 && r != -EFBIG)
		return r;
	end = text->len ? memrchr(text->data, '\n', text->len) : NULL;
	text->len = end ? (size_t)(end - text->data) : 0;
	return 0;
}

static int read_one(const struct reader *reader, int pid, struct buf *room, struct buf *line)
{
	struct memory_part part = {.pid = pid};
	struct numa_policy policy = {.pid = pid};
	cleanup(cleanup_fd) int fd = -1;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid,
		 reader->policies ? "numa_maps" : "smaps_rollup");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	buf_clear(room);
	r = reader->policies ? read_maps(fd, room)
			     : buf_read_fd_by(room, fd, ROLLUP_MAX, ROLLUP_MAX);
	if (r < 0)
		return r;
	if (reader->policies) {
		r = parse_numa_maps((struct span){room->data, room->len}, &policy);
		if (r == 0)
			buf_printf(line, "%d %s %u\n", pid, policy.policy, policy.mappings);
		return r;
	}
	r = parse_rollup((struct span){room->data, room->len}, &part);
	if (r == 0)
		buf_printf(line, "%d %llu %llu %llu %llu %llu\n", pid, (unsigned long long)part.pss,
			   (unsigned long long)part.anonymous, (unsigned long long)part.file,
			   (unsigned long long)part.shmem, (unsigned long long)part.swap);
	return r;
}

static void *reader_main(void *arg)
{
	cleanup(buf_done) struct buf room = {0}, line = {0};
	struct reader *r = arg;
	bool abandoned = false;
	int err = 0;

	for (size_t i = 0; i < r->n && !abandoned && used_ns() < BUDGET_NS; i++) {
		int one;

		buf_clear(&line);
		one = read_one(r, r->pids[i], &room, &line);
		pthread_mutex_lock(&r->lock);
		if (one == 0)
			buf_add(&r->text, line.data, line.len);
		else if (one != -ESRCH && one != -EBADMSG)
			err = one;
		abandoned = r->abandoned;
		pthread_mutex_unlock(&r->lock);
	}
	pthread_mutex_lock(&r->lock);
	r->err = err;
	r->done = true;
	abandoned = r->abandoned;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
	if (abandoned)
		reader_free(r);
	return NULL;
}

static struct reader *reader_new(bool policies, const struct doing *d)
{
	struct doing_sample s = {.b = d};
	size_t n;
	cleanup(cleanup_free) const struct doing_process **sorted =
		processes_sorted(&s, BY_MEMORY, &n);
	struct reader *r = xcalloc(1, sizeof(*r));
	pthread_condattr_t monotonic;
	int64_t all = 0;

	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&r->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	r->policies = policies;
	for (size_t i = 0; i < n && r->n < PROCESSES_MAX; i++) {
		int64_t kib = sorted[i]->v[PROC_RESIDENT];

		if (kib <= 0 || sorted[i]->v[PROC_THREADS_BLOCKED] || all + kib > RESIDENT_MAX_KIB)
			continue;
		all += kib;
		r->pids[r->n++] = (int)sorted[i]->v[PROC_PID];
	}
	return r;
}

/* What was read in time, to *text; -errno where not one could be read. */
static int run_reader(bool policies, const struct doing *d, struct buf *text)
{
	struct reader *r = reader_new(policies, d);
	int64_t until = monotonic_ns() + WAIT_NS;
	struct timespec ts = {until / NSEC_PER_SEC, until % NSEC_PER_SEC};
	pthread_t thread;
	int err = -pthread_create(&thread, NULL, reader_main, r);
	bool done;

	if (err < 0) {
		reader_free(r);
		return err;
	}
	pthread_detach(thread);
	pthread_mutex_lock(&r->lock);
	while (!r->done && monotonic_ns() < until)
		pthread_cond_timedwait(&r->changed, &r->lock, &ts);
	buf_add(text, r->text.data, r->text.len);
	done = r->done;
	err = done ? r->err : -ETIMEDOUT;
	r->abandoned = !done;
	pthread_mutex_unlock(&r->lock);
	if (done)
		reader_free(r);
	return text->len ? 0 : err;
}

int doing_parts(struct host *h, struct doing *d)
{
	cleanup(buf_done) struct buf text = {0};
	int r = h->replay ? 0 : run_reader(false, d, &text);

	r = host_keep(h, "host-parts", r, &text);
	return r < 0 ? r : parse_doing_parts((struct span){text.data, text.len}, d);
}

/* On one node there is nothing to choose from. */
int doing_policies(struct host *h, struct doing *d)
{
	cleanup(buf_done) struct buf text = {0};
	int r = 0;

	if (d->nodes.n < 2)
		return 0;
	r = h->replay ? 0 : run_reader(true, d, &text);
	r = host_keep(h, "host-policies", r, &text);
	return r < 0 ? r : parse_doing_policies((struct span){text.data, text.len}, d);
}
