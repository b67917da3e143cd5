// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stages app and host: why a program did not read. These explain a full buffer or accept queue;
 * deepest first: stopped, throttled, slow.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "causes/stages.h"
#include "causes/tcp_flow.h"

#define THROTTLED_SHARE 0.10 /* of the periods in which the group wanted to run */
#define BUSY_SHARE 0.80

static bool full_buffer(const struct finding *f)
{
	return strcmp(f->cause->id, "udp-rcvbuf-full") == 0;
}

bool full_queue_of_process(const struct finding *f, const struct subject *s)
{
	return s->has_process && (full_buffer(f) || strcmp(f->cause->id, "listen-overflow") == 0);
}

/*
 * Stopped (job control, a debugger) or frozen (freezer cgroup) while packets were lost, and so
 * everybody else who reads the socket: one reader that runs is slow, but not stopped.
 */
bool explains_app_stopped(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct readers readers;

	if (!full_queue_of_process(f, s) && !nobody_reads(f, s))
		return false;
	count_readers(x, s, &readers);
	return readers.n && readers.stopped == readers.n;
}

static void thaw_remedy(struct finding *f, const struct process *p)
{
	struct remedy *r = finding_remedy(
		f, "thaw", REMEDY_APPLICATION,
		"thaw the control group %s (or the one above it that was frozen)", p->freezer);

	if (p->freezer_v2) {
		remedy_command(r, "echo 0 > /sys/fs/cgroup%s/cgroup.freeze", p->freezer);
		remedy_undo(r, "echo 1 > /sys/fs/cgroup%s/cgroup.freeze", p->freezer);
	} else {
		remedy_command(r, "echo THAWED > /sys/fs/cgroup/freezer%s/freezer.state",
			       p->freezer);
		remedy_undo(r, "echo FROZEN > /sys/fs/cgroup/freezer%s/freezer.state",
			    p->freezer);
	}
	remedy_risk(r, "somebody may have frozen it on purpose: a paused container, a backup");
}

static void continue_remedy(struct finding *f, int pid, bool traced, bool still)
{
	struct remedy *r;

	if (!still) {
		r = finding_remedy(f, "find-who-stops", REMEDY_APPLICATION,
				   "find what stopped process %d for a time", pid);
		remedy_why(r, "it did not last: job control, a debugger, a snapshot or a backup");
		return;
	}
	if (traced) {
		r = finding_remedy(f, "detach-debugger", REMEDY_APPLICATION,
				   "a debugger or tracer holds process %d: detach it", pid);
		remedy_command(r, "grep TracerPid /proc/%d/status", pid);
		return;
	}
	r = finding_remedy(f, "continue-process", REMEDY_APPLICATION, "let process %d run again",
			   pid);
	remedy_command(r, "kill -CONT %d", pid);
	remedy_undo(r, "kill -STOP %d", pid);
	remedy_risk(r, "somebody may have stopped it on purpose");
}

/* As it was when packets were lost: it may run again, or be gone, at the end of the sample. */
static const struct process *as_stopped(const struct exam *x, int pid)
{
	const struct process *found = NULL;

	for (size_t i = 0; i <= x->o->looks.n; i++) {
		const struct snapshot *s = i < x->o->looks.n ? &x->o->looks.items[i] : &x->o->b;
		const struct process *p = snapshot_process(s, pid);

		if (p && (p->state == 'T' || p->state == 't' || p->frozen))
			found = p;
	}
	return found;
}

void describe_app_stopped(struct exam *x, struct finding *f)
{
	const struct process *p, *last = &first_of(f)->process;
	const struct process *now; /* NULL: gone, and its socket with it */
	struct readers readers;
	struct reader_watch w;
	char who[64], where[80];
	bool frozen, still;

	count_readers(x, first_of(f), &readers);
	watch_reader(x->o, &first_of(f)->socket, readers.stopped_pid, &w);
	now = snapshot_process(&x->o->b, readers.stopped_pid);
	p = as_stopped(x, readers.stopped_pid);
	p = p ? p : last;
	frozen = p->frozen && (w.frozen >= w.stopped || f->stalled);
	still = now && (now->frozen || now->state == 'T' || now->state == 't');
	snprintf(who, sizeof(who), "%s (%d)", p->comm, p->pid);
	finding_headline(f, still ? "%s is %s, nobody reads %s" : "%s was %s, nobody read %s", who,
			 frozen ? "frozen" : "stopped", place(f, where, sizeof(where)));
	if (f->stalled) {
		finding_text(f, "The process that owns the socket does not run: its buffer is full, so "
				"TCP offers no window and the peer waits. Nothing is lost.");
		evidence_text(f, x, "state %c%s", p->state, frozen ? ", frozen" : "");
		window_evidence(x, f);
	} else {
		finding_text(f, "The process that owns the socket %s%s: what arrives for it fills the "
				"queue and is then lost.",
			     still ? "does not run" : "did not run when packets were lost",
			     now && !still ? " (it runs again)" : "");
		evidence_text(f, x, "state %c; of %u look%s amid the loss stopped at %u, frozen at %u",
			      p->state, w.ends, w.ends == 1 ? "" : "s", w.stopped, w.frozen);
	}
	if (readers.n > 1)
		evidence_text(f, x, "all %u processes that read the socket are stopped", readers.n);
	finding_exclude(f, "a slow or throttled reader: it did not run at all");
	if (frozen && still)
		thaw_remedy(f, p);
	else
		continue_remedy(f, p->pid, p->state == 't', still);
}

static bool throttled(const struct cpu_limit *l)
{
	return l->nr_throttled > 0 &&
	       (double)l->nr_throttled >= THROTTLED_SHARE * (double)l->nr_periods;
}

/*
 * The steps in which it lost may be shorter than a period, and miss how often it was stopped. What
 * it waited then, and the quota over the whole sample, say the same.
 */
static bool waited_by_quota(const struct exam *x, const struct subject *s,
			    const struct reader_watch *w, struct cpu_limit *ret)
{
	if (w->known_ns <= 0 || (double)w->run_delay_ns <= WAITED_SHARE * (double)w->known_ns)
		return false;
	watch_quota(x->o, s->process.pid, ret);
	return throttled(ret);
}

bool explains_cgroup_throttle(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct reader_watch w;
	struct cpu_limit whole;

	if (!full_queue_of_process(f, s))
		return false;
	watch_reader(x->o, &s->socket, s->process.pid, &w);
	return throttled(&w.limit) || waited_by_quota(x, s, &w, &whole);
}

static void quota_remedy(struct finding *f, const struct process *p, const struct cpu_limit *limit,
			 const char *path)
{
	struct remedy *r = finding_remedy(f, "raise-cpu-quota", REMEDY_CAPACITY,
					  "raise or remove the CPU quota of %s", path);

	if (limit->quota_us > 0 && limit->period_us > 0)
		remedy_why(r, "all in it together may use %.0f %% of one CPU",
			   (double)limit->quota_us * 100 / (double)limit->period_us);
	/* The unit's own group, not one above it or one that the program made below. */
	if (p->unit[0] && strlen(path) > strlen(p->unit) &&
	    strcmp(path + strlen(path) - strlen(p->unit), p->unit) == 0) {
		remedy_command(r, "systemctl set-property --runtime %s CPUQuota=", p->unit);
		remedy_persist(r, "systemctl set-property %s CPUQuota=", p->unit);
		if (limit->quota_us > 0 && limit->period_us > 0)
			remedy_undo(r, "systemctl set-property --runtime %s CPUQuota=%.2f%%", p->unit,
				    (double)limit->quota_us * 100 / (double)limit->period_us);
	} else if (p->cgroup_v2) {
		remedy_command(r, "echo max > /sys/fs/cgroup%s/cpu.max", path);
		remedy_undo(r, "echo %lld %lld > /sys/fs/cgroup%s/cpu.max",
			    (long long)limit->quota_us, (long long)limit->period_us, path);
	} else {
		remedy_command(r, "echo -1 > /sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", path);
		remedy_undo(r, "echo %lld > /sys/fs/cgroup/cpu%s/cpu.cfs_quota_us",
			    (long long)limit->quota_us, path);
	}
	remedy_cost(r, "its neighbours on the CPUs get less");
}

void describe_cgroup_throttle(struct exam *x, struct finding *f)
{
	const struct process *p = &first_of(f)->process;
	char who[64], where[80], path[sizeof(p->cgroup)];
	struct reader_watch w;

	watch_reader(x->o, &first_of(f)->socket, p->pid, &w);
	if (!throttled(&w.limit))
		watch_quota(x->o, p->pid, &w.limit);
	snprintf(path, sizeof(path), "%.*s", (int)w.limit.path_n, p->cgroup);
	finding_headline(f, "the CPU quota of %s stops %s, the reader of %s",
			 p->unit[0] && w.limit.path_n == strlen(p->cgroup) ? p->unit : path,
			 owner_text(first_of(f), who, sizeof(who)), place(f, where, sizeof(where)));
	finding_text(f,
		     "The control group used up its CPU quota and was not allowed to run until the "
		     "next period; meanwhile the queue filled.");
	evidence_text(f, x,
		      "cpu.stat of %s while packets were lost: throttled in %llu of %llu periods, "
		      "%.1f s in all",
		      path, (unsigned long long)w.limit.nr_throttled,
		      (unsigned long long)w.limit.nr_periods,
		      (double)w.limit.throttled_ns / (double)NSEC_PER_SEC);
	finding_exclude(f, "a stopped process (state %c)", p->state);
	quota_remedy(f, p, &w.limit, path);
}

/*
 * The queue was never found empty while packets were lost, so a longer one would only take longer
 * to fill. A burst, whose reader keeps up between, stays the buffer's own finding.
 */
bool explains_app_slow_reader(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct socket_watch w;

	if (nobody_reads(f, s))
		return true;
	if (!full_buffer(f) || !s->has_socket)
		return false;
	watch_socket(x->o, &s->socket, &w);
	return never_empty(&w);
}

/* What a reader did while it lost packets; -1 unknown. */
struct pace {
	double cpu, waited; /* shares of one CPU */
	double lost_per_second;
};

static struct pace pace_of(const struct exam *x, const struct subject *s)
{
	struct pace pace = {-1, -1, per_second(x->o, s->lost)};
	struct reader_watch w;
	double seconds;

	watch_reader(x->o, &s->socket, s->has_process ? s->process.pid : 0, &w);
	seconds = (double)w.known_ns / (double)NSEC_PER_SEC;
	if (seconds > 0) {
		pace.cpu = (double)w.ticks / USER_HZ / seconds;
		pace.waited = (double)w.run_delay_ns / (double)w.known_ns;
	}
	if (w.losing_ns > 0 && !x->o->since_boot)
		pace.lost_per_second = (double)s->lost * (double)NSEC_PER_SEC / (double)w.losing_ns;
	return pace;
}

/* With one thread its CPU time tells what holds it; with several only that none is at its limit. */
static void reader_remedies(struct exam *x, struct finding *f, const struct pace *pace)
{
	const struct process *p = &first_of(f)->process;
	bool alone = first_of(f)->process.threads <= 1; /* run delay is the first thread's */
	bool starved = alone && pace->waited > WAITED_SHARE;
	bool busy = !starved && pace->cpu + (alone ? MAX(pace->waited, 0) : 0) > BUSY_SHARE;
	struct readers readers;
	struct remedy *r;

	count_readers(x, first_of(f), &readers);
	if (readers.stopped)
		continue_remedy(f, readers.stopped_pid, false, true);
	if (starved) {
		r = finding_remedy(f, "free-the-cpu", REMEDY_CAPACITY,
				   "give the program a CPU: move what competes with it elsewhere");
		remedy_why(r, "it was ready to run and waited for a CPU that others used");
		remedy_command(r, "renice -n -10 -p %d", p->pid);
		remedy_cost(r, "its neighbours on the CPUs get less");
		return;
	}
	r = finding_remedy(f, "more-readers", REMEDY_APPLICATION,
			   busy ? "more readers: one thread serves one socket (SO_REUSEPORT)"
				: "find what keeps the program from reading");
	if (busy && !alone)
		remedy_why(r, "if its reading thread is the one that is busy: top -H -p %d", p->pid);
	else if (busy)
		remedy_why(r, "its CPU is the limit");
	else if (pace->cpu >= 0)
		remedy_why(r, "it has CPU time left: a lock, a disk or its own pace holds it");
	if (first_of(f)->has_process && !busy)
		remedy_command(r, "head /proc/%d/task/*/stack /proc/%d/task/*/wchan", p->pid,
			       p->pid);
}

void describe_app_slow_reader(struct exam *x, struct finding *f)
{
	struct subject *s = &f->subjects.items[0];
	struct process_watch running;
	struct readers readers;
	char who[64], where[80];
	struct remedy *r;
	struct pace pace;

	if (f->stalled) {
		describe_not_reading(x, f);
		return;
	}
	count_readers(x, s, &readers);
	/* Of several readers the one to look at is one that could read. */
	watch_process(x->o, readers.running_pid, &running);
	if (readers.stopped && running.last)
		s->process = *running.last;
	pace = pace_of(x, s);
	finding_headline(f, "%s cannot keep up on %s", owner_text(s, who, sizeof(who)),
			 place(f, where, sizeof(where)));
	finding_text(
		f, "Whenever it lost packets, data was waiting in the buffer: the program takes it "
		   "out slower than it arrives.");
	if (pace.cpu >= 0)
		evidence_text(f, x,
			      s->process.threads > 1
				      ? "meanwhile its process used %.0f %% of one CPU (%u threads)"
				      : "meanwhile its process used %.0f %% of one CPU",
			      pace.cpu * 100, s->process.threads);
	if (pace.waited > 0.01 && s->process.threads <= 1)
		evidence_text(f, x, "and waited %.0f %% of the time for a CPU that others used",
			      pace.waited * 100);
	if (readers.stopped)
		evidence_text(f, x, "%u of the %u processes that read the socket %s stopped",
			      readers.stopped, readers.n, readers.stopped == 1 ? "is" : "are");
	finding_exclude(f, "a burst (never found empty while losing)");
	if (s->has_process && !readers.stopped)
		finding_exclude(f, "a stopped process (state %c)", s->process.state);
	reader_remedies(x, f, &pace);
	r = finding_remedy(f, "read-in-batches", REMEDY_APPLICATION,
			   "read in batches (recvmmsg), with nothing slow between two reads");
	remedy_why(r,
		   "a larger buffer only fills later: %.0f datagrams/s too many came while it lost",
		   pace.lost_per_second);
}
