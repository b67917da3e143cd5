/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of the tracer share: loading (tracer.c) and reading (read.c). */
#ifndef WHYDROP_DROPS_TRACER_H
#define WHYDROP_DROPS_TRACER_H

#include "drops/drops.h"
#include "drops/reasons.h"

struct bpf_link;
struct bpf_program;
struct drops_bpf;

struct drop_tracer {
	struct drops_bpf *skel;
	struct bpf_program *program; /* the one that is loaded */
	struct bpf_link *link;
	const char *rung;
	int arguments; /* of the tracepoint */
	int cpus;      /* possible ones: values of per-CPU maps have one part for each */
	uint32_t entries;
	struct reasons reasons;
	bool counted;		/* the maps are not empty any more */
	uint64_t misses_before; /* recursion_misses when counting began */
};

/* Events the program did not see because it was running on that CPU already; since loading. */
uint64_t drop_tracer_misses(const struct drop_tracer *t);

#endif
