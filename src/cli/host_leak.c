// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/host_leak.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "collect/collect.h"
#include "collect/peek.h"
#include "collect/process.h"
#include "collect/smaps.h"
#include "render/host_leak.h"
#include "render/json_set.h"
#include "render/utf8.h"

#define LOOKS 20
#define FOLLOWED_MAX 16 /* of all processes at a time: programs that begin all grow at first */
#define SOURCES (SOURCE_BIT(SRC_MEMORY) | SOURCE_BIT(SRC_PRESSURE))

struct followed {
	int pid;
	uint64_t start; /* clock ticks since boot */
	char comm[16];
	int err;
	VEC(struct memory_look) looks;
};

struct run {
	const struct host_leak *asked;
	int pid; /* 0: any */
	struct netns here;
	struct host host;
	struct snapshot a, b; /* memory of the host, at both ends */
	struct process_memories first;
	VEC(struct followed) followed;
	struct leak_report report;
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

static void run_done(struct run *run)
{
	vec_each(f, &run->followed) {
		vec_each(l, &f->looks)
			memory_look_done(l);
		vec_done(&f->looks);
	}
	vec_done(&run->followed);
	vec_done(&run->first.list);
	snapshot_done(&run->a);
	snapshot_done(&run->b);
	leak_report_done(&run->report);
	host_leave(&run->host);
}

/* ---- looking ---- */

static int stat_of(struct run *run, int pid, struct process_stat *ret)
{
	cleanup(buf_done) struct buf text = {0};
	char path[32];
	int r;

	snprintf(path, sizeof(path), "%d/stat", pid);
	r = host_read(&run->host, path, &text);
	return r < 0 ? r : parse_process_stat((struct span){text.data, text.len}, ret);
}

static void follow(struct run *run, int pid)
{
	struct process_stat stat = {0};
	struct followed *f;

	(void)stat_of(run, pid, &stat);
	f = vec_push(&run->followed);
	f->pid = pid;
	f->start = stat.start;
	memcpy(f->comm, stat.comm, sizeof(f->comm));
}

static void look_at(struct run *run, struct followed *f)
{
	struct memory_look look = {0};

	if (f->err < 0)
		return;
	f->err = read_smaps(&run->host, f->pid, &look);
	if (f->err == 0)
		*vec_push(&f->looks) = look;
}

static bool is_followed(const struct run *run, int pid)
{
	vec_each(f, &run->followed)
		if (f->pid == pid)
			return true;
	return false;
}

static size_t followed_now(const struct run *run)
{
	size_t n = 0;

	vec_each(f, &run->followed)
		n += f->err == 0;
	return n;
}

static uint64_t at_first(const struct run *run, int pid, bool *ret_known)
{
	vec_each(m, &run->first.list)
		if (m->pid == pid) {
			*ret_known = true;
			return m->own_kib;
		}
	*ret_known = false;
	return 0;
}

/* The one not followed yet that has grown most; what began meanwhile is growing up. */
static void follow_one_more(struct run *run)
{
	struct process_memories now = {0};
	uint64_t most = GROWTH_KIB_MIN / 2;
	int pid = 0;

	read_process_memories(&run->host, &now);
	run->report.processes_seen = MAX(run->report.processes_seen, now.list.n);
	if (!run->first.list.n) {
		run->first = now;
		return;
	}
	vec_each(m, &now.list) {
		bool known;
		uint64_t before = at_first(run, m->pid, &known);

		if (!known || m->own_kib < before + most || is_followed(run, m->pid) ||
		    m->pid == getpid())
			continue;
		most = m->own_kib - before;
		pid = m->pid;
	}
	vec_done(&now.list);
	if (pid)
		follow(run, pid);
}

static void sleep_until(int64_t at_ns)
{
	const struct timespec at = {.tv_sec = at_ns / NSEC_PER_SEC, .tv_nsec = at_ns % NSEC_PER_SEC};

	while (!stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

static void look_on(struct run *run)
{
	int64_t begin = monotonic_ns(), step = (int64_t)(run->asked->seconds * NSEC_PER_SEC) / LOOKS;

	collect_snapshot(&run->host, SOURCES, &run->a);
	for (int i = 0; i <= LOOKS && !stopped; i++) {
		sleep_until(begin + i * step);
		if (!run->pid && followed_now(run) < FOLLOWED_MAX)
			follow_one_more(run);
		vec_each(f, &run->followed)
			look_at(run, f);
		if (run->pid && run->followed.items[0].err < 0)
			break;
	}
	collect_snapshot(&run->host, SOURCES, &run->b);
	run->report.seconds = (double)(monotonic_ns() - begin) / NSEC_PER_SEC;
}

/* ---- what it means ---- */

/* A second; -1: not known, or it went back. */
static double moved(const struct run *run, enum counter_id id)
{
	uint64_t before = run->a.counter[id], after = run->b.counter[id];

	if (!run->a.counter_present[id] || !run->b.counter_present[id] || after < before)
		return -1;
	return (double)(after - before) / run->report.seconds;
}

static void take_memory(struct run *run)
{
	const struct pressure *before = &run->a.pressure[PRESSURE_MEMORY];
	const struct pressure *after = &run->b.pressure[PRESSURE_MEMORY];
	struct leak_report *r = &run->report;
	const struct snapshot *b = &run->b;

	r->memory_known = b->counter_present[C_MEM_AVAILABLE] && b->counter_present[C_MEM_TOTAL];
	r->available_kib = b->counter[C_MEM_AVAILABLE];
	r->total_kib = b->counter[C_MEM_TOTAL];
	r->swap.known = b->counter_present[C_MEM_SWAP_TOTAL] && b->counter_present[C_MEM_SWAP_FREE];
	r->swap.total_kib = b->counter[C_MEM_SWAP_TOTAL];
	r->swap.used_kib = r->swap.total_kib - MIN(r->swap.total_kib, b->counter[C_MEM_SWAP_FREE]);
	r->swap.in_per_s = moved(run, C_VM_PSWPIN);
	r->swap.out_per_s = moved(run, C_VM_PSWPOUT);
	r->swap.pressure_known = before->known && after->known && after->some_us >= before->some_us;
	if (r->swap.pressure_known)
		r->swap.pressure =
			(double)(after->some_us - before->some_us) / 1e6 / r->seconds;
}

/* Those that grow all the time, then bursts, the fastest of each first; what has ended, last. */
static int fastest_first(const void *one, const void *other)
{
	const struct leak_process *a = one, *b = other;

	if ((a->err < 0) != (b->err < 0))
		return a->err < 0 ? 1 : -1;
	if (a->growth.kind != b->growth.kind)
		return a->growth.kind < b->growth.kind ? 1 : -1;
	return a->growth.kib_per_s < b->growth.kib_per_s ? 1
							  : -(a->growth.kib_per_s > b->growth.kib_per_s);
}

static void judge_all(struct run *run)
{
	struct leak_report *r = &run->report;

	take_memory(run);
	vec_each(f, &run->followed) {
		struct leak_process *p = vec_push(&r->processes);

		p->pid = f->pid;
		p->start = f->start;
		memcpy(p->comm, f->comm, sizeof(p->comm));
		p->err = f->err;
		p->room_known = read_memory_room(&run->host, f->pid, &p->room_kib);
		growth_judge(f->looks.items, f->looks.n, r->memory_known ? r->total_kib : 0,
			     &p->growth);
	}
	if (r->processes.n)
		qsort(r->processes.items, r->processes.n, sizeof(*r->processes.items),
		      fastest_first);
}

/* ---- what is in it ---- */

/* They may be anybody's passwords and keys: on a terminal it asks, elsewhere --yes says it. */
static bool consents(const struct run *run, const struct leak_process *p, const struct mapping *m)
{
	cleanup(buf_done) struct buf name = {0};
	char answer[16] = "";

	if (run->asked->yes)
		return true;
	utf8_escape(&name, mapping_name(m), strlen(mapping_name(m)));
	fprintf(stderr,
		"%s of the memory of process %d (%s), which may hold passwords and keys%s? [y/N] ",
		run->asked->dump ? "Write a copy" : "Show strings", p->pid, name.data,
		run->asked->dump ? ", what was swapped out read back for it" : "");
	fflush(stderr);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static void dump(struct run *run, const struct leak_process *p, const struct mapping *m)
{
	struct leak_report *r = &run->report;
	/* For its owner alone, and never into a file or through a link that somebody put there. */
	int fd = open(run->asked->dump, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	r->dumped = run->asked->dump;
	if (fd < 0) {
		r->dump_err = -errno;
		return;
	}
	r->dump_err = peek_dump(p->pid, m, fd, &r->dumped_bytes);
	if (close(fd) < 0 && r->dump_err == 0)
		r->dump_err = -errno;
	if (r->dump_err < 0)
		unlink(run->asked->dump);
}

/* While somebody thought about the question, it may have ended and its number gone to another. */
static bool is_the_same(struct run *run, const struct leak_process *p)
{
	struct process_stat stat = {0};

	return stat_of(run, p->pid, &stat) == 0 && stat.start == p->start;
}

/* False: there is nothing to look into, or nobody may. */
static bool look_into(struct run *run)
{
	const struct leak_process *p = run->report.processes.n ? run->report.processes.items : NULL;
	const struct mapping *m;

	if (!run->asked->peek && !run->asked->dump)
		return true;
	if (!p || !p->growth.regions.n) {
		complain("host: no region grows, so there is nothing to look into");
		return true;
	}
	m = &p->growth.regions.items[0].mapping;
	if (!consents(run, p, m)) {
		complain("host: not looked into");
		return false;
	}
	if (!is_the_same(run, p)) {
		complain("host: process %d has ended", p->pid);
		return false;
	}
	if (run->asked->peek) {
		run->report.peeked = true;
		run->report.peek_err = peek_strings(p->pid, m, &run->report);
	}
	if (run->asked->dump)
		dump(run, p, m);
	return run->report.dump_err >= 0 && run->report.peek_err >= 0;
}

/* ---- the command ---- */

static void print(const struct run *run)
{
	struct text_style style = text_style_of(STDOUT_FILENO, (enum color_mode)run->asked->color);
	struct buf text = {0};
	struct out out = {.buf = &text, .style = &style};
	json_t *tree;

	if (!run->asked->json) {
		host_leak_text(&run->report, &out);
		fwrite(text.data, 1, text.len, stdout);
		buf_done(&text);
		return;
	}
	tree = json_object();
	set_text(tree, "schema", "whydrop.host/1");
	set_text(tree, "version", WHYDROP_VERSION);
	set(tree, "leak", host_leak_json(&run->report));
	json_dumpf(tree, stdout, RENDER_JSON_FLAGS);
	putchar('\n');
	json_decref(tree);
}

static bool begin(struct run *run)
{
	const struct host_leak *asked = run->asked;
	uint64_t pid;

	run->report.any = strcmp(asked->who, "any") == 0;
	if (!run->report.any) {
		if (parse_u64(span_of(asked->who), INT32_MAX, &pid) < 0 || !pid) {
			complain("host: --leak takes the number of a process, or any; not '%s'",
				 asked->who);
			return false;
		}
		run->pid = (int)pid;
		if (kill(run->pid, 0) < 0 && errno == ESRCH) {
			complain("host: no such process: %d", run->pid);
			return false;
		}
		follow(run, run->pid);
	}
	if ((asked->peek || asked->dump) && !asked->yes && !isatty(STDIN_FILENO)) {
		complain("host: --%s shows what is in the memory of another program: without a "
			 "terminal to ask on it needs --yes",
			 asked->dump ? "dump" : "peek");
		return false;
	}
	if (asked->dump && access(asked->dump, F_OK) == 0) {
		complain("host: %s is there already, and nothing is written over", asked->dump);
		return false;
	}
	return true;
}

int host_leak(const struct host_leak *asked)
{
	const struct sigaction action = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND};
	struct run run = {.asked = asked, .here = {.fd = -1}};
	int status = EXIT_USAGE;

	run.host.ns = &run.here;
	if (begin(&run)) {
		sigaction(SIGINT, &action, NULL);
		look_on(&run);
		judge_all(&run);
		status = look_into(&run) ? 0 : EXIT_USAGE;
		print(&run);
	}
	run_done(&run);
	return status;
}
