// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage host: a machine that cannot do the work, or takes time away from it. Behind a full buffer:
 * a reader whose CPU the hypervisor took, who waited for a CPU, or (stage app) for memory or a disk.
 * By themselves these are notes: a host may be busy, or short of memory, and lose nothing.
 */
#include <stdio.h>

#include "causes/stages.h"

#define WANTED_SHARE 0.80 /* ran or waited: it would have used more */
#define STEAL_SHARE 0.10  /* causes.md 181 */
#define STEAL_OF_BACKLOG 0.05
#define BUSY_SHARE 0.95	  /* causes.md 174 */
#define CONTENDED_SHARE 0.85 /* causes.md 174: of the CPU on which somebody waits for it */
#define IOWAIT_SHARE 0.40 /* causes.md 175 */
#define BLOCKED_SAMPLES 3
#define MEM_LOW_SHARE 0.10 /* causes.md 183 */

/*
 * A reader of one thread: what /proc tells of a process is then true of who reads. Run delay and
 * the state are those of the first thread alone.
 */
static bool lone_reader(const struct exam *x, const struct finding *f, const struct subject *s,
			struct reader_watch *ret)
{
	struct readers readers;

	if (!full_queue_of_process(f, s) || s->process.threads > 1)
		return false;
	count_readers(x, s, &readers);
	if (readers.n > 1)
		return false;
	watch_reader(x->o, &s->socket, s->process.pid, ret);
	return true;
}

static double waited_share(const struct reader_watch *w)
{
	return w->known_ns > 0 ? (double)w->run_delay_ns / (double)w->known_ns : 0;
}

static double ran_share(const struct reader_watch *w)
{
	return w->known_ns > 0 ? (double)w->ticks / USER_HZ * NSEC_PER_SEC / (double)w->known_ns : 0;
}

static struct finding *note(struct exam *x)
{
	struct finding *f = finding_new(x);

	f->state = AT_RISK;
	return f;
}

/* How long tasks waited for it, in the sample: the kernel's own sum. */
static void evidence_pressure(struct finding *f, struct exam *x, enum pressure_of of,
			      const char *what)
{
	const struct pressure *before = &x->o->a.pressure[of], *after = &x->o->b.pressure[of];

	if (!before->known || !after->known || x->o->seconds <= 0 || after->some_us < before->some_us)
		return;
	evidence_text(f, x, "/proc/pressure: some task waited for %s %.0f %% of the time", what,
		      MIN((double)(after->some_us - before->some_us) / 1e4 / x->o->seconds, 100));
}

/* ---- stolen ---- */

bool explains_cpu_steal(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct reader_watch w;
	struct cpu_times t;

	/* A full ring tells it itself (ring.c). */
	if (strcmp(f->cause->id, "softnet-backlog-drop") == 0)
		return s->cpu >= 0 && cpu_over(x->o, (unsigned int)s->cpu, &t) &&
		       share_of(t.steal, &t) >= STEAL_OF_BACKLOG;
	/* A reader that had time to spare was not held up by it. */
	return lone_reader(x, f, s, &w) && ran_share(&w) + waited_share(&w) >= WANTED_SHARE &&
	       cpus_while_losing(x->o, &s->socket, w.cpu, &t) &&
	       share_of(t.steal, &t) >= STEAL_SHARE;
}

static void steal_remedy(struct finding *f)
{
	struct remedy *r = finding_remedy(f, "more-cpu", REMEDY_CAPACITY,
					  "a larger or a dedicated instance, or a quieter host for it");

	remedy_why(r, "the time was taken outside this machine: nothing in it gives it back");
	remedy_command(r, "vmstat 1");
	remedy_cost(r, "money");
}

static void evidence_steal(struct finding *f, struct exam *x)
{
	vec_each(c, &x->o->b.cpus) {
		struct cpu_times t;

		if (cpu_over(x->o, c->id, &t) && share_of(t.steal, &t) >= STEAL_OF_BACKLOG)
			evidence_text(f, x, "/proc/stat: CPU %u: %.1f %% stolen, %.1f %% idle", c->id,
				      share_of(t.steal, &t) * 100,
				      share_of(t.idle + t.iowait, &t) * 100);
	}
}

void describe_cpu_steal(struct exam *x, struct finding *f)
{
	char who[64], where[80];

	if (first_of(f)->has_process)
		finding_headline(f, "the hypervisor took CPU time from %s, the reader of %s",
				 owner_text(first_of(f), who, sizeof(who)),
				 place(f, where, sizeof(where)));
	else
		finding_headline(f, "the hypervisor took CPU time while packets of %s waited",
				 first_of(f)->device[0] ? first_of(f)->device : "a device");
	finding_text(f, "This machine is a guest, and others ran on its CPUs when it was to run: what "
			"came meanwhile found the queue full.");
	f->confidence = LIKELY;
	evidence_steal(f, x);
	finding_exclude(f, "too small a buffer: nobody was there to empty it");
	steal_remedy(f);
}

enum outcome examine_cpu_steal(struct exam *x)
{
	struct cpu_times t;
	struct finding *f;
	double stolen;

	if (!cpus_over(x->o, &t))
		return NOT_FOUND;
	stolen = share_of(t.steal, &t);
	if (stolen < STEAL_SHARE) {
		evidence_text(NULL, x, "/proc/stat: %.1f %% of the CPU time stolen", stolen * 100);
		return NOT_FOUND;
	}
	f = note(x);
	finding_headline(f, "the hypervisor took %.0f %% of the CPU time", stolen * 100);
	finding_text(f, "This machine is a guest, and others ran on its CPUs when it was to run.");
	evidence_steal(f, x);
	steal_remedy(f);
	return FOUND;
}

/* ---- starved ---- */

/*
 * A program of a group whose quota is used up is ready too, and the kernel adds up that wait with
 * the others; one that sleeps with data in its queue wants no CPU, however long it had waited for
 * one before. So others must have had the CPU, no quota may have stopped it, and it must not have
 * been met asleep like that.
 */
bool explains_cpu_saturated(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct cpu_limit quota;
	struct reader_watch w;
	struct cpu_times t;

	if (!lone_reader(x, f, s, &w) || waited_share(&w) <= WAITED_SHARE ||
	    (w.dawdled && w.dawdled * 2 >= w.ends))
		return false;
	watch_quota(x->o, s->process.pid, &quota);
	return !quota.nr_throttled && cpus_while_losing(x->o, &s->socket, w.cpu, &t) &&
	       busy_share(&t) >= CONTENDED_SHARE;
}

/* Another CPU has room and the process may not go there, or this one has a queue. */
static void starved_remedies(struct exam *x, struct finding *f, int cpu)
{
	const struct process *p = &first_of(f)->process;
	struct free_cpus room;
	struct remedy *r;

	find_free_cpus(x->o, cpu, &room);
	if (room.n && p->cpus_allowed[0] && cpu >= 0 && !strpbrk(p->cpus_allowed, ",-")) {
		r = finding_remedy(f, "run-elsewhere", REMEDY_APPLICATION,
				   "let process %d run on CPU %s as well", p->pid, room.list);
		remedy_why(r, "it is tied to CPU %s, and others have more than half their time left",
			   p->cpus_allowed);
		remedy_command(r, "taskset -pc %s,%s %d", p->cpus_allowed, room.list, p->pid);
		remedy_undo(r, "taskset -pc %s %d", p->cpus_allowed, p->pid);
		remedy_cost(r, "caches are colder after each move");
		if (p->unit[0])
			remedy_persist(r, "systemctl set-property %s AllowedCPUs=%s,%s", p->unit,
				       p->cpus_allowed, room.list);
	}
	if (p->nice > -10) {
		r = finding_remedy(f, "renice", REMEDY_APPLICATION,
				   "let process %d run before others: nice %d -> %d", p->pid, p->nice,
				   p->nice > 0 ? 0 : -10);
		remedy_why(r, p->nice > 0 ? "it was started with a low priority"
					  : "it was ready to run and waited for a CPU that others used");
		remedy_command(r, "renice %d -p %d", p->nice > 0 ? 0 : -10, p->pid);
		remedy_undo(r, "renice %d -p %d", p->nice, p->pid);
		remedy_cost(r, "its neighbours on the CPU get less");
		if (p->unit[0])
			remedy_persist(r, "Nice=%d in the unit %s", p->nice > 0 ? 0 : -10, p->unit);
	}
	r = finding_remedy(f, "free-the-cpu", REMEDY_CAPACITY,
			   "move what competes with it to another CPU or machine");
	remedy_why(r, "CPU time is what it lacks; a larger buffer only fills later");
	if (cpu >= 0)
		remedy_command(r, "ps -eLo psr,pcpu,pid,comm --sort=-pcpu | awk '$1 == %d' | head",
			       cpu);
	else
		remedy_command(r, "top -b -n 1 | head -n 20");
}

void describe_cpu_saturated(struct exam *x, struct finding *f)
{
	const struct subject *s = first_of(f);
	char who[64], where[80];
	struct reader_watch w;
	struct cpu_times t;

	watch_reader(x->o, &s->socket, s->process.pid, &w);
	finding_headline(f, "%s had to wait for a CPU, nobody read %s",
			 owner_text(s, who, sizeof(who)), place(f, where, sizeof(where)));
	finding_text(f, "The program was ready to run, but others ran on its CPU; meanwhile the queue "
			"filled.");
	f->confidence = LIKELY;
	evidence_text(f, x, "while packets were lost it waited %.0f %% of the time for a CPU, and ran "
			    "%.0f %%",
		      waited_share(&w) * 100, ran_share(&w) * 100);
	if (w.cpu >= 0 && cpus_while_losing(x->o, &s->socket, w.cpu, &t))
		evidence_text(f, x,
			      "CPU %d, on which it was: %.0f %% busy (programs %.0f %%, the kernel for "
			      "them %.0f %%, softirq %.0f %%)",
			      w.cpu, busy_share(&t) * 100, share_of(t.user + t.nice, &t) * 100,
			      share_of(t.system, &t) * 100, share_of(t.softirq + t.irq, &t) * 100);
	evidence_pressure(f, x, PRESSURE_CPU, "a CPU");
	finding_exclude(f, "a stopped process (state %c)", s->process.state);
	finding_exclude(f, "a CPU quota (throttled in %llu periods)",
			(unsigned long long)w.limit.nr_throttled);
	starved_remedies(x, f, w.cpu);
}

/* Tasks that run or wait, on average of the samples; -1 unknown. */
static double running_tasks(const struct observation *o)
{
	uint64_t sum = 0;
	unsigned int n = 0;

	for (size_t i = 0; i <= o->looks.n; i++) {
		const struct snapshot *s = i < o->looks.n ? &o->looks.items[i] : &o->b;

		if (!s->counter_present[C_PROCS_RUNNING])
			continue;
		sum += s->counter[C_PROCS_RUNNING];
		n++;
	}
	return n ? (double)sum / n : -1;
}

enum outcome examine_cpu_saturated(struct exam *x)
{
	double running = running_tasks(x->o);
	struct cpu_times t;
	struct finding *f;

	if (!cpus_over(x->o, &t))
		return NOT_FOUND;
	if (busy_share(&t) < BUSY_SHARE || running <= (double)x->o->b.cpus.n) {
		evidence_text(NULL, x, "/proc/stat: the CPUs were busy %.0f %% of the time",
			      busy_share(&t) * 100);
		return NOT_FOUND;
	}
	f = note(x);
	finding_headline(f, "every CPU is busy (%.0f %%), and tasks wait", busy_share(&t) * 100);
	finding_text(f, "More wants to run than there are CPUs. No packet was seen to be lost by that; "
			"programs answer later.");
	evidence_text(f, x, "/proc/stat: %.1f tasks run or wait on %zu CPUs", running, x->o->b.cpus.n);
	evidence_text(f, x, "programs %.0f %%, the kernel for them %.0f %%, softirq %.0f %%, stolen "
			    "%.0f %%",
		      share_of(t.user + t.nice, &t) * 100, share_of(t.system, &t) * 100,
		      share_of(t.softirq + t.irq, &t) * 100, share_of(t.steal, &t) * 100);
	evidence_pressure(f, x, PRESSURE_CPU, "a CPU");
	evidence_value(f, x, "/proc/loadavg", "load1 (hundredths)", x->o->b.counter[C_LOAD_1]);
	remedy_command(finding_remedy(f, "find-who-runs", REMEDY_CAPACITY,
				      "find what uses the CPUs"),
		       "top -b -n 1 | head -n 20");
	return FOUND;
}

/* ---- short of memory ---- */

static bool mostly_blocked(const struct reader_watch *w)
{
	/* One look may meet a short sleep that means nothing. */
	return w->ends >= 2 && w->blocked * 2 >= w->ends;
}

static bool swapped_in(const struct exam *x)
{
	return delta_value(delta_counter(x->o, C_VM_PSWPIN)) > 0;
}

/* It slept for pages of its own that had been swapped out, or thrown away to have memory. */
bool explains_app_swapped(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct reader_watch w;

	return lone_reader(x, f, s, &w) && mostly_blocked(&w) && w.major_faults > 0 &&
	       swapped_in(x);
}

static uint64_t stalls(const struct observation *o)
{
	uint64_t sum = 0;

	for (enum counter_id id = C_VM_ALLOCSTALL_DMA; id <= C_VM_ALLOCSTALL_MOVABLE; id++)
		sum += delta_value(delta_counter(o, id));
	return sum;
}

static void evidence_memory(struct finding *f, struct exam *x)
{
	const struct snapshot *b = &x->o->b;

	evidence_text(f, x, "/proc/meminfo: %llu of %llu MiB available",
		      (unsigned long long)b->counter[C_MEM_AVAILABLE] / 1024,
		      (unsigned long long)b->counter[C_MEM_TOTAL] / 1024);
	if (swapped_in(x))
		evidence_counter(f, x, C_VM_PSWPIN);
	if (stalls(x->o))
		evidence_text(f, x, "/proc/vmstat: %llu allocations had to free memory first",
			      (unsigned long long)stalls(x->o));
	if (delta_value(delta_counter(x->o, C_VM_OOM_KILL)))
		evidence_counter(f, x, C_VM_OOM_KILL);
	evidence_log(f, x, KERNEL_LOG_OOM);
	evidence_log(f, x, KERNEL_LOG_PAGE_ALLOCATION);
	evidence_pressure(f, x, PRESSURE_MEMORY, "memory");
}

static void memory_remedy(struct finding *f)
{
	struct remedy *r = finding_remedy(f, "more-memory", REMEDY_CAPACITY,
					  "more memory, or less that uses it");

	remedy_why(r, "what is called available counts the cache already: there is no more to free");
	remedy_command(r, "ps -eo rss,pid,comm --sort=-rss | head");
	remedy_command(r, "slabtop -o -s c | head -n 20");
}

void describe_app_swapped(struct exam *x, struct finding *f)
{
	const struct subject *s = first_of(f);
	char who[64], where[80];
	struct reader_watch w;

	watch_reader(x->o, &s->socket, s->process.pid, &w);
	finding_headline(f, "%s waits for memory that was swapped out, nobody reads %s",
			 owner_text(s, who, sizeof(who)), place(f, where, sizeof(where)));
	finding_text(f, "The program's own pages were on the disk and had to be read back before it "
			"could go on; meanwhile the queue filled.");
	f->confidence = LIKELY;
	evidence_text(f, x, "of %u look%s amid the loss it slept for them at %u (state D)", w.ends,
		      w.ends == 1 ? "" : "s", w.blocked);
	evidence_text(f, x, "/proc/%d/stat: %llu major faults meanwhile", s->process.pid,
		      (unsigned long long)w.major_faults);
	if (s->process.swapped_kib)
		evidence_text(f, x, "/proc/%d/status: %llu MiB of it are swapped out", s->process.pid,
			      (unsigned long long)s->process.swapped_kib / 1024);
	evidence_memory(f, x);
	finding_exclude(f, "a busy CPU (it waited %.0f %% of the time for one)",
			waited_share(&w) * 100);
	memory_remedy(f);
}

enum outcome examine_mem_low(struct exam *x)
{
	const struct snapshot *b = &x->o->b;
	uint64_t total = b->counter[C_MEM_TOTAL], available = b->counter[C_MEM_AVAILABLE];
	struct finding *f;
	double share;

	if (!b->counter_present[C_MEM_TOTAL] || !b->counter_present[C_MEM_AVAILABLE] || !total)
		return NOT_FOUND;
	share = (double)available / (double)total;
	if (share >= MEM_LOW_SHARE) {
		evidence_text(NULL, x, "/proc/meminfo: %.0f %% of the memory available", share * 100);
		return NOT_FOUND;
	}
	f = note(x);
	finding_headline(f, "only %.1f %% of the memory is available", share * 100);
	finding_text(f, "Soon allocations wait, programs are swapped out or killed, and buffers of "
			"sockets shrink. No packet was seen to be lost by that.");
	evidence_memory(f, x);
	memory_remedy(f);
	return FOUND;
}

/* ---- blocked ---- */

bool explains_app_blocked_io(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct reader_watch w;

	return lone_reader(x, f, s, &w) && mostly_blocked(&w);
}

static void disk_remedies(struct finding *f, int pid)
{
	struct remedy *r;

	if (pid) {
		r = finding_remedy(f, "nothing-slow-between-reads", REMEDY_APPLICATION,
				   "take disks and NFS out of the loop that reads the socket");
		remedy_why(r, "write and sync in another thread; log through a pipe or a ring");
		remedy_command(r, "cat /proc/%d/stack /proc/%d/wchan", pid, pid);
	}
	r = finding_remedy(f, "find-slow-disk", REMEDY_CAPACITY, "find what is slow");
	remedy_why(r, "a disk that is full of requests, one that fails, an NFS server that hangs");
	remedy_command(r, "iostat -x 1 3");
	remedy_command(r, "ps -eo state,pid,wchan:32,comm | awk '$1 == \"D\"'");
}

static void evidence_io(struct finding *f, struct exam *x, const struct cpu_times *t)
{
	evidence_text(f, x, "/proc/stat: %.0f %% of the time a CPU was idle and a task waited for a "
			    "disk (iowait); %llu tasks blocked at the end",
		      share_of(t->iowait, t) * 100,
		      (unsigned long long)x->o->b.counter[C_PROCS_BLOCKED]);
	evidence_pressure(f, x, PRESSURE_IO, "a disk");
	evidence_log(f, x, KERNEL_LOG_HUNG_TASK);
}

void describe_app_blocked_io(struct exam *x, struct finding *f)
{
	const struct subject *s = first_of(f);
	char who[64], where[80];
	struct reader_watch w;
	struct cpu_times t;

	watch_reader(x->o, &s->socket, s->process.pid, &w);
	finding_headline(f, "%s is blocked in the kernel, nobody reads %s",
			 owner_text(s, who, sizeof(who)), place(f, where, sizeof(where)));
	finding_text(f, "The program slept where nothing can wake it but what it waits for, mostly a "
			"disk or NFS; meanwhile the queue filled.");
	f->confidence = LIKELY;
	evidence_text(f, x, "of %u look%s amid the loss it was blocked at %u (state D)", w.ends,
		      w.ends == 1 ? "" : "s", w.blocked);
	if (cpus_over(x->o, &t))
		evidence_io(f, x, &t);
	finding_exclude(f, "swapping (%llu major faults of the program)",
			(unsigned long long)w.major_faults);
	finding_exclude(f, "iowait taking CPU time: it is idle time, softirqs go on");
	disk_remedies(f, s->process.pid);
}

/* Blocked tasks in so many samples one after another. */
static bool long_blocked(const struct observation *o)
{
	unsigned int run = 0;

	for (size_t i = 0; i <= o->looks.n; i++) {
		const struct snapshot *s = i < o->looks.n ? &o->looks.items[i] : &o->b;

		run = s->counter[C_PROCS_BLOCKED] ? run + 1 : 0;
		if (run == BLOCKED_SAMPLES)
			return true;
	}
	return false;
}

enum outcome examine_io_blocked(struct exam *x)
{
	struct cpu_times t;
	struct finding *f;

	if (!cpus_over(x->o, &t))
		return NOT_FOUND;
	if (share_of(t.iowait, &t) <= IOWAIT_SHARE && !long_blocked(x->o)) {
		evidence_text(NULL, x, "/proc/stat: %.0f %% iowait", share_of(t.iowait, &t) * 100);
		return NOT_FOUND;
	}
	f = note(x);
	finding_headline(f, "programs are blocked by a disk or the like");
	finding_text(f, "They do not answer meanwhile. The CPUs are free all the same, and packets are "
			"taken in: none was seen to be lost by that.");
	evidence_io(f, x, &t);
	disk_remedies(f, 0);
	return FOUND;
}
