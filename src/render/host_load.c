// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Load and CPU time. The load average is of tasks that run, wait for a CPU, or sleep
 * uninterruptibly (state D): which of these it is made of is told by looking at the tasks, at both
 * ends.
 */
#include <stdio.h>

#include "render/host_doing.h"
#include "render/json_set.h"

#define SHOWN 8 /* of each kind, as text */

static const char *const pressure_names[PRESSURE_N] = {
	[PRESSURE_CPU] = "cpu", [PRESSURE_MEMORY] = "memory", [PRESSURE_IO] = "io"};

/* 0 to 1; negative: not known */
static double stalled(const struct doing_sample *s, enum pressure_of of, bool full)
{
	const struct pressure *b = &s->b->machine.pressure[of], *a;
	uint64_t us;

	if (!s->a || !b->known || !s->a->machine.pressure[of].known)
		return -1;
	a = &s->a->machine.pressure[of];
	us = full ? b->full_us - MIN(a->full_us, b->full_us)
		  : b->some_us - MIN(a->some_us, b->some_us);
	return MIN((double)us / 1e6 / s->seconds, 1);
}

static uint64_t part_of(const struct cpu_times *t, double *ret_busy)
{
	uint64_t all = cpu_times_sum(t);

	*ret_busy = all ? 1 - (double)(t->idle + t->iowait) / (double)all : 0;
	return all;
}

static unsigned int runnable_on(const struct doing *d, unsigned int cpu)
{
	unsigned int n = 0;

	vec_each (p, &d->processes)
		n += p->state == 'R' && p->v[PROC_SELF] != 1 && p->v[PROC_CPU] == (int64_t)cpu;
	return n;
}

/* The CPU is known of a process's first thread alone. */
static bool places_known(const struct doing *d)
{
	vec_each (p, &d->processes) {
		if (p->v[PROC_SELF] == 1)
			continue;
		if (p->v[PROC_THREADS_RUNNABLE] != (p->state == 'R') ||
		    p->v[PROC_THREADS_SEEN] < p->v[PROC_THREADS])
			return false;
	}
	return d->processes.n;
}

static bool blocked(const struct doing_process *p)
{
	return p->v[PROC_THREADS_BLOCKED] > 0;
}

static bool runnable(const struct doing_process *p)
{
	return p->v[PROC_THREADS_RUNNABLE] > 0 && p->v[PROC_SELF] != 1;
}

static json_t *makers_json(const struct doing_sample *s, bool (*of)(const struct doing_process *))
{
	json_t *list = json_array();
	size_t n;
	cleanup(cleanup_free) const struct doing_process **sorted = processes_sorted(s, BY_CPU, &n);

	for (size_t i = 0; i < n; i++)
		if (of(sorted[i]) && json_array_size(list) < MAX(s->top, (unsigned int)SHOWN))
			json_array_append_new(list, host_process_json(s, sorted[i]));
	return list;
}

static json_t *pressure_json(const struct doing_sample *s)
{
	json_t *all = json_object();

	for (size_t i = 0; i < PRESSURE_N; i++) {
		const struct pressure *p = &s->b->machine.pressure[i];
		double some = stalled(s, i, false), full = stalled(s, i, true);
		json_t *j = json_object();

		set(j, "some_avg10", p->known ? real(p->some_avg10 / 100.0, 0.01) : json_null());
		set(j, "full_avg10", p->known ? real(p->full_avg10 / 100.0, 0.01) : json_null());
		set(j, "some", some < 0 ? json_null() : real(some, 1e-4));
		set(j, "full", full < 0 ? json_null() : real(full, 1e-4));
		set(all, pressure_names[i], j);
	}
	return all;
}

static json_t *look_json(const struct doing *d)
{
	struct load_parts parts;
	json_t *j = json_object();

	load_parts(d, &parts);
	set(j, "runnable", number(parts.runnable));
	set(j, "uninterruptible", number(parts.blocked));
	set(j, "threads_not_seen", number(parts.not_seen));
	return j;
}

static json_t *load_json(const struct doing *d, enum counter_id id)
{
	const struct snapshot *m = &d->machine;

	return m->counter_present[id] ? real((double)m->counter[id] / 100, 0.01) : json_null();
}

json_t *host_load_json(const struct host_view *v)
{
	json_t *j = json_object(), *looks = json_array(), *cpus = json_array();
	struct doing_sample s;
	bool known;

	host_sample(v, &s);
	known = places_known(s.b);
	set(j, "load_1", load_json(s.b, C_LOAD_1));
	set(j, "load_5", load_json(s.b, C_LOAD_5));
	set(j, "load_15", load_json(s.b, C_LOAD_15));
	set(j, "cpus", number_if(s.b->machine.cpus.n, s.b->machine.cpus.n));
	set(j, "tasks", number_if(s.b->tasks, s.b->tasks));
	host_numbers_json(s.b, DOING_LOAD, j);
	if (s.a && s.a->processes.n)
		json_array_append_new(looks, look_json(s.a));
	if (s.b->processes.n)
		json_array_append_new(looks, look_json(s.b));
	set(j, "looks", looks);
	vec_each (c, &s.b->machine.cpus) {
		struct cpu_times t;
		double busy;
		json_t *cpu = json_object();

		set(cpu, "cpu", number(c->id));
		set(cpu, "runnable", number_if(known, runnable_on(s.b, c->id)));
		set(cpu, "busy",
		    doing_times(&s, (int)c->id, &t) && part_of(&t, &busy) ? real(busy, 1e-4)
									  : json_null());
		json_array_append_new(cpus, cpu);
	}
	set(j, "per_cpu", cpus);
	set(j, "pressure", pressure_json(&s));
	set(j, "runnable", makers_json(&s, runnable));
	set(j, "uninterruptible", makers_json(&s, blocked));
	return j;
}

/* "3 of dd (12) at io_schedule, ..." */
static void makers_text(const struct doing_sample *s, bool (*of)(const struct doing_process *),
			const char *label, struct out *out)
{
	cleanup(buf_done) struct buf list = {0};
	size_t n, shown = 0, more = 0;
	cleanup(cleanup_free) const struct doing_process **sorted = processes_sorted(s, BY_CPU, &n);

	for (size_t i = 0; i < n; i++) {
		const struct doing_process *p = sorted[i];
		double cpus = process_cpus(s, p);

		if (!of(p))
			continue;
		if (shown == SHOWN) {
			more++;
			continue;
		}
		buf_printf(&list, "%s%s (%lld)", shown++ ? ", " : "", host_name(p->comm).s,
			   (long long)p->v[PROC_PID]);
		if (of == blocked && p->wchan[0])
			buf_printf(&list, " in %s", p->wchan);
		if (cpus >= 0.005)
			buf_printf(&list, " %.0f %% of a CPU", cpus * 100);
	}
	if (!shown)
		return;
	if (more)
		buf_printf(&list, " and %zu more", more);
	host_row(out, 2, label, "%s", list.data);
}

static void looks_text(const struct doing_sample *s, struct out *out)
{
	struct load_parts a = {0}, b;
	bool both = s->a && s->a->processes.n;

	if (!s->b->processes.n)
		return;
	load_parts(s->b, &b);
	if (both)
		load_parts(s->a, &a);
	if (both)
		host_row(out, 1, "made of",
			 "%llu, then %llu runnable; %llu, then %llu blocked "
			 "(state D), without whydrop",
			 (unsigned long long)a.runnable, (unsigned long long)b.runnable,
			 (unsigned long long)a.blocked, (unsigned long long)b.blocked);
	else
		host_row(out, 1, "made of",
			 "%llu runnable, %llu blocked (state D), without whydrop",
			 (unsigned long long)b.runnable, (unsigned long long)b.blocked);
	if (b.not_seen)
		host_row(out, 1, "not seen", "%s threads of processes that have many",
			 fmt_count(b.not_seen).s);
	makers_text(s, runnable, "runnable", out);
	makers_text(s, blocked, "blocked", out);
}

static void pressure_text(const struct doing_sample *s, struct out *out)
{
	for (size_t i = 0; i < PRESSURE_N; i++) {
		const struct pressure *p = &s->b->machine.pressure[i];
		double some = stalled(s, i, false);

		if (!p->known)
			continue;
		if (some >= 0)
			host_row(out, 1, i ? "" : "pressure",
				 "%s: some task waited %.1f %% of the time, all %.1f %%",
				 pressure_names[i], some * 100, stalled(s, i, true) * 100);
		else
			host_row(out, 1, i ? "" : "pressure",
				 "%s: some %.2f %%, all %.2f %% of 10 s", pressure_names[i],
				 p->some_avg10 / 100.0, p->full_avg10 / 100.0);
	}
}

void host_load_text(const struct host_view *v, struct out *out)
{
	struct doing_sample s;
	const struct snapshot *m;

	host_sample(v, &s);
	m = &s.b->machine;
	if (m->counter_present[C_LOAD_1])
		host_row(out, 1, "average",
			 "%.2f, %.2f, %.2f of 1, 5, 15 minutes; %zu CPU%s, %s tasks",
			 (double)m->counter[C_LOAD_1] / 100, (double)m->counter[C_LOAD_5] / 100,
			 (double)m->counter[C_LOAD_15] / 100, m->cpus.n, m->cpus.n == 1 ? "" : "s",
			 fmt_count(s.b->tasks).s);
	looks_text(&s, out);
	pressure_text(&s, out);
}

/* ---- CPU time ---- */

static const struct {
	const char *key, *name;
	size_t offset;
} kinds[] = {
#define KIND(field)                                               \
	{                                                         \
#field, #field, offsetof(struct cpu_times, field) \
	}
	KIND(user),   KIND(nice), KIND(system),	 KIND(idle),
	KIND(iowait), KIND(irq),  KIND(softirq), KIND(steal),
#undef KIND
};

static uint64_t time_of(const struct cpu_times *t, size_t kind)
{
	uint64_t ticks;

	memcpy(&ticks, (const char *)t + kinds[kind].offset, sizeof(ticks));
	return ticks;
}

static json_t *times_json(const struct doing_sample *s, int cpu)
{
	json_t *j = json_object();
	struct cpu_times t;
	double busy;
	uint64_t all = doing_times(s, cpu, &t) ? part_of(&t, &busy) : 0;

	if (cpu >= 0)
		set(j, "cpu", json_integer(cpu));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		set(j, kinds[i].key,
		    all ? real((double)time_of(&t, i) / (double)all, 1e-4) : json_null());
	return j;
}

static json_t *cgroup_json(const struct doing_sample *s, const struct doing_cgroup *g)
{
	struct doing_cgroup over;
	bool known = doing_throttled(s, g, &over);
	json_t *j = json_object();

	set_text(j, "path", g->path);
	set(j, "version", json_integer(g->v2 ? 2 : 1));
	set(j, "quota_us", g->quota_us < 0 ? json_null() : json_integer(g->quota_us));
	set(j, "period_us", json_integer(g->period_us));
	set(j, "periods", number_if(known, over.periods));
	set(j, "throttled", number_if(known, over.throttled));
	set(j, "throttled_ns", number_if(known, over.throttled_ns));
	set(j, "periods_ever", number(g->periods));
	set(j, "throttled_ever", number(g->throttled));
	set(j, "throttled_ns_ever", number(g->throttled_ns));
	return j;
}

json_t *host_time_json(const struct host_view *v)
{
	json_t *j = json_object(), *cpus = json_array(), *groups = json_array();
	struct doing_sample s;
	bool known;

	host_sample(v, &s);
	set(j, "all", times_json(&s, -1));
	vec_each (c, &s.b->machine.cpus)
		json_array_append_new(cpus, times_json(&s, (int)c->id));
	set(j, "cpus", cpus);
	host_numbers_json(s.b, DOING_CPU, j);
	host_rate_json(&s, D_SWITCHES, "context_switches_per_second", j);
	host_rate_json(&s, D_FORKS, "forks_per_second", j);
	vec_each (g, &s.b->cgroups)
		json_array_append_new(groups, cgroup_json(&s, g));
	known = !s.b->err[DOING_OF_CGROUPS];
	set(j, "cgroups", known ? groups : json_null());
	if (!known)
		json_decref(groups);
	set(j, "cgroups_left_out", number_if(known, s.b->cgroups_left_out));
	return j;
}

/* What took no time is left out. */
static void times_text(const struct doing_sample *s, int cpu, struct out *out)
{
	cleanup(buf_done) struct buf text = {0};
	struct cpu_times t;
	char label[24];
	double busy;
	uint64_t all;

	if (!doing_times(s, cpu, &t))
		return;
	all = part_of(&t, &busy);
	if (!all)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		double share = (double)time_of(&t, i) / (double)all * 100;

		if (share >= 0.05)
			buf_printf(&text, "%s%s %.1f %%", text.len ? ", " : "", kinds[i].name,
				   share);
	}
	snprintf(label, sizeof(label), cpu < 0 ? "all" : "CPU %d", cpu);
	host_row(out, 1, label, "%s", text.data);
}

static void throttled_text(const struct doing_sample *s, struct out *out)
{
	size_t with = 0, stopped = 0;

	vec_each (g, &s->b->cgroups) {
		struct doing_cgroup over;

		with++;
		if (!doing_throttled(s, g, &over) || !over.throttled)
			continue;
		stopped++;
		host_row(out, 1, stopped == 1 ? "throttled" : "",
			 "%s (cgroup v%d): in %llu of %llu periods, %.0f ms in all; it may use "
			 "%.2f CPUs",
			 g->path, g->v2 ? 2 : 1, (unsigned long long)over.throttled,
			 (unsigned long long)over.periods, (double)over.throttled_ns / 1e6,
			 g->period_us && g->quota_us >= 0
				 ? (double)g->quota_us / (double)g->period_us
				 : 0);
	}
	if (!stopped && s->a && !s->a->err[DOING_OF_CGROUPS] && !s->b->err[DOING_OF_CGROUPS])
		host_row(out, 1, "throttled", "no cgroup; %zu had a quota at some time", with);
	if (s->b->cgroups_left_out)
		host_row(out, 1, "not seen", "%zu cgroups", s->b->cgroups_left_out);
}

void host_time_text(const struct host_view *v, struct out *out)
{
	struct doing_sample s;

	host_sample(v, &s);
	times_text(&s, -1, out);
	if (s.b->machine.cpus.n > 1)
		vec_each (c, &s.b->machine.cpus)
			times_text(&s, (int)c->id, out);
	if (host_rate(&s, D_SWITCHES) >= 0 && host_rate(&s, D_FORKS) >= 0)
		host_row(out, 1, "switches", "%s between tasks, %s new tasks",
			 fmt_rate(host_rate(&s, D_SWITCHES)).s, fmt_rate(host_rate(&s, D_FORKS)).s);
	throttled_text(&s, out);
}
