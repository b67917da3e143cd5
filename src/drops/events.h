/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dropped packets one by one, beside the counting: a program of its own on the same tracepoint. */
#ifndef WHYDROP_DROPS_EVENTS_H
#define WHYDROP_DROPS_EVENTS_H

#include "drops/drops.h"

struct event_tracer;

/* On the rung where *t stands. -EINVAL: this kernel has no such reason. */
int event_tracer_open(const struct drop_tracer *t, const struct drop_tracer_options *options,
		      struct event_tracer **ret);
void event_tracer_enable(struct event_tracer *e, bool on);
/* Adds events_missed since this was last called. */
void event_tracer_missed(struct event_tracer *e, struct drop_tracer *t, struct drops *d);
void event_tracer_close(struct event_tracer *e);

#endif
