// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stages app and host: why a program did not read. These explain a full buffer or accept queue;
 * deepest first: stopped, throttled, slow.
 */
#include <netinet/in.h>

#include "causes/stages.h"

#define THROTTLED_SHARE 0.10 /* of the periods in which the group wanted to run */
#define USER_HZ 100.0 /* clock ticks of /proc/PID/stat, include/asm-generic/param.h */

static const struct subject *first_of(const struct finding *f)
{
	return &f->subjects.items[0];
}

static const char *place(const struct finding *f, char *to, size_t size)
{
	return first_of(f)->has_socket ? socket_text(&first_of(f)->socket, to, size) : "its socket";
}

static bool full_buffer(const struct finding *f)
{
	return strcmp(f->cause->id, "udp-rcvbuf-full") == 0;
}

static bool full_queue_of_process(const struct finding *f, const struct subject *s)
{
	return s->has_process &&
	       (full_buffer(f) || strcmp(f->cause->id, "listen-overflow") == 0);
}

/* Found stopped (job control, a debugger) or frozen (freezer cgroup) at most of the looks. */
bool explains_app_stopped(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct process_watch w;

	if (!full_queue_of_process(f, s))
		return false;
	watch_process(x->o, s->process.pid, &w);
	return MAX(w.stopped, w.frozen) * 2 > w.seen;
}

void describe_app_stopped(struct exam *x, struct finding *f)
{
	const struct process *p = &first_of(f)->process;
	struct process_watch w;
	char who[64], where[80];
	struct remedy *r;

	watch_process(x->o, p->pid, &w);
	finding_headline(f, "%s is %s, nobody reads %s", owner_text(first_of(f), who, sizeof(who)),
			 w.frozen > w.stopped ? "frozen" : "stopped", place(f, where, sizeof(where)));
	finding_text(f, "The process that owns the socket does not run: what arrives for it fills the "
			"queue and is then lost.");
	evidence_text(f, x, "state %c; stopped at %u and frozen at %u of %u looks", p->state, w.stopped,
		      w.frozen, w.seen);
	finding_exclude(f, "a slow or throttled reader: it did not run at all");
	if (w.frozen > w.stopped) {
		r = finding_remedy(f, "thaw", REMEDY_APPLICATION, "thaw the control group %s", p->cgroup);
		remedy_command(r, "echo 0 > /sys/fs/cgroup%s/cgroup.freeze", p->cgroup);
		return;
	}
	r = finding_remedy(f, "continue-process", REMEDY_APPLICATION, "let process %d run again", p->pid);
	remedy_command(r, "kill -CONT %d", p->pid);
	remedy_undo(r, "kill -STOP %d", p->pid);
	remedy_risk(r, "somebody may have stopped it on purpose: look for a debugger (TracerPid)");
}

struct throttling {
	uint64_t periods, throttled, throttled_ns;
};

static struct throttling throttling_of(const struct exam *x, const struct subject *s)
{
	const struct process *before = snapshot_process(&x->o->a, s->process.pid);
	struct process_watch w;
	struct throttling t = {0};

	watch_process(x->o, s->process.pid, &w);
	before = before ? before : w.first;
	if (!before || !w.last || !before->cpu_stat_known || !w.last->cpu_stat_known)
		return t;
	t.periods = delta_value(change_of(before->nr_periods, w.last->nr_periods, 64));
	t.throttled = delta_value(change_of(before->nr_throttled, w.last->nr_throttled, 64));
	t.throttled_ns = delta_value(change_of(before->throttled_ns, w.last->throttled_ns, 64));
	return t;
}

bool explains_cgroup_throttle(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct throttling t;

	if (!full_queue_of_process(f, s))
		return false;
	t = throttling_of(x, s);
	return t.throttled > 0 && (double)t.throttled >= THROTTLED_SHARE * (double)t.periods;
}

void describe_cgroup_throttle(struct exam *x, struct finding *f)
{
	const struct process *p = &first_of(f)->process;
	struct throttling t = throttling_of(x, first_of(f));
	char who[64], where[80];
	struct remedy *r;

	finding_headline(f, "the CPU quota of %s stops %s, the reader of %s",
			 p->unit[0] ? p->unit : p->cgroup, owner_text(first_of(f), who, sizeof(who)),
			 place(f, where, sizeof(where)));
	finding_text(f, "The control group used up its CPU quota and was not allowed to run until the "
			"next period; meanwhile the queue filled.");
	evidence_change(f, x, "cpu.stat", "nr_throttled",
			(struct change){.known = true, .before = p->nr_throttled - t.throttled,
					.after = p->nr_throttled, .delta = t.throttled});
	evidence_text(f, x, "throttled in %llu of %llu periods, %.1f s in all",
		      (unsigned long long)t.throttled, (unsigned long long)t.periods,
		      (double)t.throttled_ns / (double)NSEC_PER_SEC);
	finding_exclude(f, "a stopped process (state %c)", p->state);
	r = finding_remedy(f, "raise-cpu-quota", REMEDY_CAPACITY,
			   "raise or remove the CPU quota of %s", p->cgroup);
	if (p->quota_us > 0 && p->period_us > 0)
		remedy_why(r, "it may use %.0f %% of one CPU",
			   (double)p->quota_us * 100 / (double)p->period_us);
	if (p->unit[0]) {
		remedy_command(r, "systemctl set-property --runtime %s CPUQuota=", p->unit);
		remedy_persist(r, "systemctl set-property %s CPUQuota=", p->unit);
	} else {
		remedy_command(r, "echo max > /sys/fs/cgroup%s/cpu.max", p->cgroup);
	}
	remedy_cost(r, "its neighbours on the CPUs get less");
}

/*
 * The queue was never found empty while packets were lost, so a longer one would only take longer
 * to fill. A burst, whose reader keeps up between, stays the buffer's own finding.
 */
bool explains_app_slow_reader(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct socket_watch w;

	if (!full_buffer(f) || !s->has_socket)
		return false;
	watch_socket(x->o, &s->socket, &w);
	return never_empty(&w);
}

/* Share of one CPU that a process used between the first and the last look at it; -1 unknown. */
static double cpu_share(const struct exam *x, int pid, double *ret_waited)
{
	struct process_watch w;
	double ticks, seconds = 0;

	watch_process(x->o, pid, &w);
	if (!w.first || w.first == w.last)
		return -1;
	vec_each(look, &x->o->looks)
		if (snapshot_process(look, pid) == w.first)
			seconds = (double)(x->o->b.taken_ns - look->taken_ns) / (double)NSEC_PER_SEC;
	if (seconds <= 0)
		return -1;
	ticks = (double)(w.last->utime + w.last->stime - w.first->utime - w.first->stime);
	*ret_waited = (double)(w.last->run_delay_ns - w.first->run_delay_ns) /
		      (double)NSEC_PER_SEC / seconds;
	return ticks / USER_HZ / seconds;
}

void describe_app_slow_reader(struct exam *x, struct finding *f)
{
	const struct subject *s = first_of(f);
	char who[64], where[80];
	double waited = 0, share = s->has_process ? cpu_share(x, s->process.pid, &waited) : -1;
	double arrives = per_second(x->o, s->lost);
	struct remedy *r;

	finding_headline(f, "%s cannot keep up on %s", owner_text(s, who, sizeof(who)),
			 place(f, where, sizeof(where)));
	finding_text(f, "Data waits in the buffer all the time: the program takes it out slower than it "
			"arrives.");
	if (share >= 0)
		evidence_text(f, x, "its process used %.0f %% of one CPU and waited %.0f %% for one",
			      share * 100, waited * 100);
	finding_exclude(f, "a burst (never found empty while losing)");
	if (s->has_process)
		finding_exclude(f, "a stopped process (state %c)", s->process.state);
	r = finding_remedy(f, "more-readers", REMEDY_APPLICATION,
			   share > 0.8 ? "more readers: one thread serves one socket (SO_REUSEPORT)"
				       : "find what keeps the program from reading");
	remedy_why(r, share > 0.8 ? "its CPU is the limit"
				  : "it has CPU time left: a lock, a disk or its own pace holds it");
	if (s->has_process && share <= 0.8)
		remedy_command(r, "cat /proc/%d/stack /proc/%d/wchan", s->process.pid,
			       s->process.pid);
	r = finding_remedy(f, "read-in-batches", REMEDY_APPLICATION,
			   "read in batches (recvmmsg), with nothing slow between two reads");
	remedy_why(r, "a larger buffer does not help: it would fill as well, at %.0f datagrams/s too "
		      "many, and then lose as many",
		   arrives);
}
