/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which nf_tables rules dropped packets, beside the drop tracer: an extra for kernels that allow
 * fentry (6.4 and later). Where it cannot be had nothing else is lost.
 */
#ifndef WHYDROP_DROPS_RULES_H
#define WHYDROP_DROPS_RULES_H

#include "model/drops.h"

struct rule_tracer;

/* Cheap: the kernel takes fentry programs at all, nf_tables is there and new enough. */
bool rule_tracer_possible(void);
int rule_tracer_open(struct rule_tracer **ret);
void rule_tracer_start(struct rule_tracer *t);
/* Stops. Fills rules, rules_traced and rules_missed; the rest of *to stays. */
int rule_tracer_read(struct rule_tracer *t, struct drops *to);
/* The same of what came since the start or the last call, while counting goes on. */
int rule_tracer_read_on(struct rule_tracer *t, struct drops *to);
void rule_tracer_close(struct rule_tracer *t);

#endif
