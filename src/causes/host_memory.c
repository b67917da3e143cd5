// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage host: a load that is high, memory that goes to the disk and back, and kernel memory that
 * nobody can give up. By themselves notes: what they do to a reader is told with its loss (host.c).
 */
#include <stdio.h>

#include "causes/stages.h"
#include "model/growth.h"

#define LOAD_OF_CPUS 2.0   /* causes.md 173 */
#define BATCH_SHARE 0.50   /* of the busy time */
#define SLAB_SHARE 0.10	   /* causes.md 186 */

static struct finding *note(struct exam *x)
{
	struct finding *f = finding_new(x);

	f->state = AT_RISK;
	return f;
}

/* ---- load ---- */

/* Work that gives way to everybody else (nice): its queue is long, and nobody waits for it. */
static bool is_batch(const struct cpu_times *t)
{
	double busy = busy_share(t);

	return busy > 0 && share_of(t->nice, t) >= busy * BATCH_SHARE;
}

static void load_remedies(struct finding *f, bool blocked)
{
	struct remedy *r;

	if (blocked) {
		r = finding_remedy(f, "find-slow-disk", REMEDY_CAPACITY, "find what they wait for");
		remedy_why(r, "more CPUs do not help: they wait for a disk, NFS or memory");
		remedy_command(r, "ps -eo state,pid,wchan:32,comm | awk '$1 == \"D\"'");
		remedy_command(r, "iostat -x 1 3");
		return;
	}
	r = finding_remedy(f, "find-who-runs", REMEDY_CAPACITY, "find what uses the CPUs");
	remedy_why(r, "less of it, at another time, with a lower priority (nice), or more CPUs");
	remedy_command(r, "top -b -n 1 | head -n 20");
}

enum outcome examine_load_high(struct exam *x)
{
	const struct snapshot *b = &x->o->b;
	double load = (double)b->counter[C_LOAD_1] / 100, cpus = (double)b->cpus.n, running, blocked;
	struct cpu_times t;
	struct finding *f;
	bool waits;

	if (!b->counter_present[C_LOAD_1] || !cpus_over(x->o, &t) || b->cpus.n == 0)
		return NOT_FOUND;
	if (load < cpus * LOAD_OF_CPUS || is_batch(&t)) {
		evidence_text(NULL, x, "/proc/loadavg: %.2f on %.0f CPUs%s", load, cpus,
			      load < cpus * LOAD_OF_CPUS ? "" : ", most of it niced");
		return NOT_FOUND;
	}
	running = (double)b->counter[C_PROCS_RUNNING];
	/* nr_iowait(): those of state D that wait for NFS or a lock are in neither number. */
	blocked = (double)b->counter[C_PROCS_BLOCKED];
	waits = blocked > running || running < cpus;
	f = note(x);
	finding_headline(f, "the load is %.1f on %.0f CPU%s: tasks that %s", load, cpus,
			 cpus == 1 ? "" : "s",
			 waits ? "wait where nothing wakes them (state D), or ran in the last minute"
			       : "want to run");
	finding_text(f, "The load counts two kinds of tasks that have nothing in common: those that run "
			"or want to, and those that wait where nothing wakes them (state D). No packet "
			"was seen to be lost by either.");
	evidence_value(f, x, "/proc/loadavg", "load1 (hundredths)", b->counter[C_LOAD_1]);
	evidence_text(f, x, "/proc/stat: at the end %.0f run or want to, %.0f wait for a disk", running,
		      blocked);
	evidence_text(f, x, "/proc/stat: the CPUs were busy %.0f %% of the time, and %.0f %% idle "
			    "while a task waited for a disk",
		      busy_share(&t) * 100, share_of(t.iowait, &t) * 100);
	load_remedies(f, waits);
	return FOUND;
}

/* ---- swap ---- */

static struct swap_state swap_of(const struct exam *x)
{
	const struct pressure *before = &x->o->a.pressure[PRESSURE_MEMORY];
	const struct pressure *after = &x->o->b.pressure[PRESSURE_MEMORY];
	const struct snapshot *b = &x->o->b;
	struct swap_state s = {
		.known = b->counter_present[C_MEM_SWAP_TOTAL] &&
			 b->counter_present[C_MEM_SWAP_FREE] && !x->o->since_boot,
		.total_kib = b->counter[C_MEM_SWAP_TOTAL],
		.in_per_s = per_second(x->o, delta_value(delta_counter(x->o, C_VM_PSWPIN))),
		.out_per_s = per_second(x->o, delta_value(delta_counter(x->o, C_VM_PSWPOUT))),
		.pressure_known = before->known && after->known && x->o->seconds > 0 &&
				  after->some_us >= before->some_us,
	};

	s.used_kib = s.total_kib - MIN(s.total_kib, b->counter[C_MEM_SWAP_FREE]);
	if (s.pressure_known)
		s.pressure = (double)(after->some_us - before->some_us) / 1e6 / x->o->seconds;
	return s;
}

enum outcome examine_swap_activity(struct exam *x)
{
	struct swap_state s = swap_of(x);
	struct finding *f;
	struct remedy *r;

	/* Whether one process grows is not known here: both leaks and large working sets do this. */
	if (swap_judge(&s, GROWTH_NONE) != SWAP_WORKING_SET) {
		if (s.known)
			evidence_text(NULL, x, "swap: %llu of %llu MiB in use, %.0f pages/s read back",
				      (unsigned long long)s.used_kib / 1024,
				      (unsigned long long)s.total_kib / 1024, s.in_per_s);
		return NOT_FOUND;
	}
	f = note(x);
	finding_headline(f, "programs wait for their own memory: %.0f pages/s come back from swap",
			 s.in_per_s);
	finding_text(f, "What is in use does not fit into memory, or one program grows and drives the "
			"others out. Swap that is merely in use is no fault; traffic to and from it is. "
			"No packet was seen to be lost by that.");
	evidence_text(f, x, "/proc/meminfo: %llu of %llu MiB of swap in use",
		      (unsigned long long)s.used_kib / 1024, (unsigned long long)s.total_kib / 1024);
	evidence_counter(f, x, C_VM_PSWPIN);
	evidence_counter(f, x, C_VM_PSWPOUT);
	if (s.pressure_known)
		evidence_text(f, x, "/proc/pressure: some task waited for memory %.0f %% of the time",
			      MIN(s.pressure, 1) * 100);
	r = finding_remedy(f, "find-leak", REMEDY_APPLICATION,
			   "see whether one process grows all the time");
	remedy_why(r, "a leak is mended in the program: more memory only lasts longer");
	remedy_command(r, "whydrop host --leak any");
	r = finding_remedy(f, "more-memory", REMEDY_CAPACITY, "else more memory, or less that uses it");
	remedy_command(r, "ps -eo rss,pid,comm --sort=-rss | head");
	return FOUND;
}

/* ---- the kernel's own ---- */

enum outcome examine_slab_growth(struct exam *x)
{
	const struct snapshot *b = &x->o->b;
	uint64_t total = b->counter[C_MEM_TOTAL], slab = b->counter[C_MEM_SLAB_UNRECLAIM];
	struct finding *f;
	struct remedy *r;

	if (!b->counter_present[C_MEM_TOTAL] || !b->counter_present[C_MEM_SLAB_UNRECLAIM] || !total)
		return NOT_FOUND;
	if ((double)slab <= (double)total * SLAB_SHARE) {
		evidence_text(NULL, x, "/proc/meminfo: SUnreclaim %llu MiB, %.1f %% of the memory",
			      (unsigned long long)slab / 1024, (double)slab * 100 / (double)total);
		return NOT_FOUND;
	}
	f = note(x);
	finding_headline(f, "the kernel keeps %.0f %% of the memory for itself (slab)",
			 (double)slab * 100 / (double)total);
	finding_text(f, "These are objects of the kernel that it cannot give up: sockets, packets, "
			"connections, inodes in use. Many of them may be what this host is there for; "
			"what grows for days under the same load is a leak of the kernel or a module. No "
			"packet was seen to be lost by that.");
	evidence_text(f, x, "/proc/meminfo: SUnreclaim %llu of %llu MiB",
		      (unsigned long long)slab / 1024, (unsigned long long)total / 1024);
	r = finding_remedy(f, "see-slabs", REMEDY_CAPACITY, "see which objects, and whether they grow");
	remedy_why(r, "skbuff_*, TCP, UDP, nf_conntrack and tw_sock_TCP are the network's");
	remedy_command(r, "slabtop -o -s c | head -n 20");
	return FOUND;
}
