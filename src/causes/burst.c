// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A loss that came all at once is told so: the average over the interval would dilute it. The counter
 * that counted exactly this loss tells when it grew fastest.
 */
#include "causes/stages.h"

#define EXACTLY 0.02	 /* the counter's growth and the loss are the same */
#define BURST_TIMES 3	 /* the average */
#define BURST_LEAST 10	 /* packets in the step */

static bool counted_by(const struct finding *f, const struct evidence *e)
{
	double lost = (double)f->lost, delta = (double)e->delta;

	return e->has_delta && e->delta && delta >= lost * (1 - EXACTLY) &&
	       delta <= lost * (1 + EXACTLY);
}

static void find_burst(struct finding *f)
{
	double average = f->where->seconds > 0 ? (double)f->lost / f->where->seconds : 0;

	vec_each(e, &f->evidence) {
		if (!counted_by(f, e) || !e->name)
			continue;
		vec_each(b, &f->where->bursts) {
			double rate = b->span_us ? (double)b->n * 1e6 / b->span_us : 0;

			if (strcmp(counter_rows[b->id].name, e->name) != 0)
				continue;
			if (b->n >= BURST_LEAST && rate >= BURST_TIMES * average)
				f->burst = *b;
			return;
		}
	}
}

void find_bursts(struct diagnosis *d)
{
	vec_each(f, &d->findings)
		if (f->lost && f->state == LOSING)
			find_burst(f);
}
