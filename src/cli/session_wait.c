// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * --wait: few counters, once a second, until a loss begins. What a host has too many of (devices,
 * queues) is read less often, so that waiting takes a thousandth of a CPU.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "causes/onset.h"
#include "cli/session_parts.h"

#define STEP_NS NSEC_PER_SEC
#define CPU_SHARE 1000

static void progress(const struct session_options *options, int64_t waited_ns)
{
	if (!options->progress)
		return;
	fprintf(stderr, "\rwaiting for a loss to begin, %.0f of %.0f s, ctrl-C to stop waiting ",
		(double)waited_ns / NSEC_PER_SEC, options->wait);
	fflush(stderr);
}

/* The next light snapshot of each namespace; the one before becomes the step's beginning. */
static void look(struct session *s, struct observation *steps)
{
	for (size_t i = 0; i < s->namespaces.list.n; i++) {
		snapshot_done(&steps[i].a);
		steps[i].a = steps[i].b;
		steps[i].b = (struct snapshot){0};
		snprintf(s->hosts[i].phase, sizeof(s->hosts[i].phase), "wait");
		/* The CPUs' backlog is the machine's: told once, with the first namespace. */
		collect_snapshot(&s->hosts[i],
				 (i ? ONSET_SOURCES & ~SOURCE_BIT(SRC_SOFTNET) : ONSET_SOURCES) &
					 ~collect_given_up(),
				 &steps[i].b);
	}
}

static bool begins(struct session *s, const struct observation *steps)
{
	struct wait_report *w = &s->report.wait;

	for (size_t i = 0; i < s->namespaces.list.n; i++) {
		const struct observation *step = &steps[i];
		struct onset onset;

		if (!onset_of(&s->config, step, &onset))
			continue;
		w->began = true;
		w->counter = onset.counter;
		snprintf(w->device, sizeof(w->device), "%s", onset.device);
		snprintf(w->netns, sizeof(w->netns), "%s", s->namespaces.list.items[i].name);
		w->delta = onset.delta;
		w->over_s = (double)(step->b.taken_ns - step->a.taken_ns) / NSEC_PER_SEC;
		return true;
	}
	return false;
}

bool session_wait(struct session *s, const struct session_options *options)
{
	int64_t begin = monotonic_ns(), end = begin + (int64_t)(options->wait * NSEC_PER_SEC);
	struct observation *steps = xcalloc(s->namespaces.list.n, sizeof(*steps));
	bool loss = false;

	s->report.wait = (struct wait_report){.asked_s = options->wait};
	look(s, steps);
	while (!loss && !session_interrupted() && monotonic_ns() < end) {
		int64_t now = monotonic_ns(), cpu = session_cpu_ns();
		int64_t next;

		progress(options, now - begin);
		look(s, steps);
		cpu = session_cpu_ns() - cpu;
		loss = begins(s, steps);
		next = now + MAX(STEP_NS, cpu * CPU_SHARE);
		if (!loss)
			session_sleep_until(MIN(next, end));
	}
	s->report.wait.waited_s = (double)(monotonic_ns() - begin) / NSEC_PER_SEC;
	if (options->progress)
		fprintf(stderr, "\r%*s\r", 78, "");
	for (size_t i = 0; i < s->namespaces.list.n; i++)
		observation_done(&steps[i]);
	free(steps);
	return loss;
}
