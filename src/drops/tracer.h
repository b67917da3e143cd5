/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of the tracer share: loading (tracer.c) and reading (read.c). */
#ifndef WHYDROP_DROPS_TRACER_H
#define WHYDROP_DROPS_TRACER_H

#include "drops/drops.h"
#include "drops/reasons.h"
#include "drops/symbols.h"

struct bpf_link;
struct bpf_program;
struct net_dm;
struct drops_bpf;
struct event_tracer;
struct rule_tracer;

/* libbpf loads a refused program again with a log of its own, up to 16 MB, unless it has one. */
#define VERIFIER_LOG 4096

struct drop_tracer {
	struct net_dm *net_dm; /* the whole tracer, on this rung; all below is of the others */
	struct drops_bpf *skel;
	struct bpf_program *program; /* the one that is loaded */
	struct bpf_program *xdp;     /* beside it; NULL: the kernel has no such tracepoint */
	struct bpf_program *send;    /* likewise */
	struct bpf_link *link, *xdp_link, *send_link;
	const char *rung;
	int arguments; /* of the tracepoint */
	bool has_xdp;  /* the kernel tells of XDP programs that fail */
	bool has_send; /* the kernel tells of what became of each send */
	int cpus;      /* possible ones: values of per-CPU maps have one part for each */
	uint32_t entries;
	struct reasons reasons;
	struct symbols symbols; /* all that were met */
	struct symbols frames;	/* of stacks, with offsets */
	struct rule_tracer *rules; /* NULL where it cannot be had */
	struct event_tracer *events; /* NULL: not asked for */
	void *filtered; /* the object with the filter in it; NULL */
	char log[VERIFIER_LOG];
	bool counted;		/* the maps are not empty any more */
	uint64_t misses_before; /* recursion_misses when counting began */
	struct {
		int64_t at_ns, due_ns; /* of drop_tracer_spare_sends(): the last call, the next; 0 none yet */
		uint64_t seen;	       /* sends until the last one */
		int64_t rested_ns;     /* not looked at, since the last reading */
	} sends;
	int barrier;		/* a map whose update waits for running programs; -1: not made yet */
};

/* Events a program did not see because it was running on that CPU already; since loading. */
uint64_t bpf_recursion_misses(const struct bpf_program *program);

/* Forgets the kinds met last, of a turn that no program is in. */
int empty_recent(const struct drop_tracer *t, uint32_t turn);

#endif
