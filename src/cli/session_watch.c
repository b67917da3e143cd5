// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/session_watch.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "causes/onset.h"
#include "cli/session_parts.h"

/*
 * What has no cheap counter (captures, raw sockets, rings of cards) is looked for with a hundredth of
 * a CPU, and seen this late at most.
 */
#define REFRESH_NS (10 * NSEC_PER_SEC)
#define REFRESH_SHARE 100
#define CPU_SHARE 20 /* of one CPU: at most a twentieth */
#define GLANCES 4 /* within an interval in which packets are lost */

/* Nothing that a drop could be explained by, or that the first look has not told. */
#define NOT_WATCHED (SOURCE_BIT(SRC_KERNEL_LOG))

static void open_tracer(struct session_watch *w, const struct drop_tracer_options *options)
{
	struct drop_tracer_options scoped = options ? *options : (struct drop_tracer_options){0};

	scoped.netns = session_only_netns(w->d);
	w->opened = options ? drop_tracer_open_with(&scoped, &w->tracer) : -ENODATA;
	/* A reason that this kernel does not have: nobody will be told any. */
	if (w->opened == -EINVAL && scoped.events_reason) {
		scoped.events_reason = NULL;
		w->opened = drop_tracer_open_with(&scoped, &w->tracer);
	}
	w->s->drops.err = w->opened;
	w->tcp_lines.err = options ? tcp_tracer_open(options->rung, TCP_STATES_FAILED, scoped.netns,
						     &w->tcp)
				   : -ENODATA;
}

static void measure(struct session_watch *w)
{
	vec_each(o, &w->d->observations)
		o->seconds = (double)(o->b.taken_ns - o->a.taken_ns) / NSEC_PER_SEC;
}

static void spare_sends(struct session_watch *w)
{
	w->spare_ns = w->tracer ? drop_tracer_spare_sends(w->tracer, monotonic_ns()) : INT64_MAX;
}

int session_watch_begin(struct session_watch *w, struct session *s,
			const struct session_options *options,
			const struct drop_tracer_options *tracer, struct diagnosis *d,
			struct buf *message)
{
	int r = session_open(s, options, d, message);
	int64_t cpu;

	if (r < 0)
		return r;
	*w = (struct session_watch){
		.s = s, .d = d, .options = options, .seconds = options->seconds};
	s->sources &= ~NOT_WATCHED;
	open_tracer(w, tracer);
	clock_gettime(CLOCK_REALTIME, &s->report.started_at);
	if (w->tracer)
		drop_tracer_start(w->tracer);
	cpu = session_cpu_ns();
	session_take_phase(s, d, "b");
	w->full_cpu_ns = session_cpu_ns() - cpu;
	w->at_ns = w->full_ns = monotonic_ns();
	w->due_ns = w->at_ns + (int64_t)(w->seconds * NSEC_PER_SEC);
	spare_sends(w);
	d->drops = &s->drops;
	d->config = &s->config;
	session_fill_report(s, options, d);
	return 0;
}

/* Any drop but the expected ones, where it could be explained. */
static bool any_traced(const struct session_watch *w)
{
	vec_each(drop, &w->s->drops.rows) {
		bool ours = drop->netns == 0;

		vec_each(o, &w->d->observations)
			ours |= o->inode == drop->netns;
		if (ours && !drop_why_benign(drop))
			return true;
	}
	return false;
}

/* A counter that means a loss has moved since the last full look. */
static bool any_counted(struct session_watch *w)
{
	struct session *s = w->s;
	bool any = false;

	for (size_t i = 0; i < w->d->observations.n && !any; i++) {
		/* The end of that look is lent. */
		struct observation step = {.a = w->d->observations.items[i].b};

		snprintf(s->hosts[i].phase, sizeof(s->hosts[i].phase), "wait");
		collect_snapshot(&s->hosts[i],
				 s->sources & ~collect_given_up() &
					 (i ? ONSET_SOURCES & ~SOURCE_BIT(SRC_SOFTNET)
					    : ONSET_SOURCES),
				 &step.b);
		any = loss_counted(&step);
		snapshot_done(&step.b);
	}
	return any;
}

static bool refresh_due(const struct session_watch *w, int64_t now)
{
	return now - w->full_ns >= MIN(w->full_cpu_ns * REFRESH_SHARE, REFRESH_NS);
}

/* Short looks from before the interval that begins with o->a. */
static void forget_glances(struct observation *o)
{
	size_t kept = 0;

	vec_each(glance, &o->looks) {
		if (glance->taken_ns <= o->a.taken_ns)
			snapshot_done(glance);
		else
			o->looks.items[kept++] = *glance;
	}
	o->looks.n = kept;
}

static void look(struct session_watch *w)
{
	int64_t cpu = session_cpu_ns();
	uint64_t sources = w->s->sources;

	vec_each(o, &w->d->observations) {
		snapshot_done(&o->a);
		o->a = o->b;
		o->b = (struct snapshot){0};
		forget_glances(o);
	}
	/* What still does not answer is not waited for again. */
	w->s->sources &= ~collect_given_up();
	session_take_phase(w->s, w->d, "b");
	w->s->sources = sources;
	w->full_ns = monotonic_ns();
	measure(w);
	diagnose(w->d);
	w->full_cpu_ns = session_cpu_ns() - cpu;
}

int64_t session_watch_due(const struct session_watch *w)
{
	int64_t due = MIN(w->due_ns, w->spare_ns);

	return w->glance_ns ? MIN(w->glance_ns, due) : due;
}

static int64_t glance_step(const struct session_watch *w)
{
	return (int64_t)(w->seconds * NSEC_PER_SEC) / (GLANCES + 1);
}

void session_watch_between(struct session_watch *w)
{
	int64_t cpu = session_cpu_ns(), now = monotonic_ns();

	if (now >= w->spare_ns)
		spare_sends(w);
	if (!w->glance_ns || now < w->glance_ns)
		return;
	session_take_phase(w->s, w->d, "look");
	w->glances_cpu_ns += session_cpu_ns() - cpu;
	w->glance_ns = monotonic_ns() + glance_step(w);
}

static bool any_lost(const struct diagnosis *d)
{
	vec_each(f, &d->findings)
		if (f->lost)
			return true;
	return false;
}

static void read_tcp(struct session_watch *w)
{
	int err;

	if (!w->tcp)
		return;
	tcp_lines_done(&w->tcp_lines);
	err = tcp_tracer_read_on(w->tcp, &w->tcp_lines);
	w->tcp_lines.err = err;
}

void session_watch_next(struct session_watch *w)
{
	int64_t cpu = session_cpu_ns(), now;
	struct session *s = w->s;

	diagnosis_forget(w->d);
	drops_done(&s->drops);
	spare_sends(w);
	/* The trace ends before the counters do: what was traced has been counted. */
	s->drops.err = w->tracer ? drop_tracer_read_on(w->tracer, &s->drops) : w->opened;
	read_tcp(w);
	clock_gettime(CLOCK_REALTIME, &s->report.started_at);
	now = monotonic_ns();
	w->last_seconds = (double)(now - w->at_ns) / NSEC_PER_SEC;
	w->at_ns = now;
	if (any_traced(w) || refresh_due(w, now) || any_counted(w))
		look(w);
	cpu = session_cpu_ns() - cpu + w->glances_cpu_ns;
	w->seconds = MAX(w->options->seconds, (double)cpu * CPU_SHARE / NSEC_PER_SEC);
	w->due_ns = MAX(w->due_ns + (int64_t)(w->seconds * NSEC_PER_SEC), monotonic_ns());
	w->glance_ns = any_lost(w->d) ? monotonic_ns() + glance_step(w) : 0;
	w->glances_cpu_ns = 0;
}

/* A full look that is long due: none is since the host came up. */
void session_watch_last(struct session_watch *w)
{
	w->full_ns = 0;
}

void session_watch_end(struct session_watch *w)
{
	drop_tracer_close(w->tracer);
	tcp_tracer_close(w->tcp);
	tcp_lines_done(&w->tcp_lines);
	w->tracer = NULL;
	w->tcp = NULL;
}
