/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that a process keeps for itself, over time: does it grow without end, and which of its
 * mappings? Memory that the kernel can take back whenever it likes (pages of files) is not
 * counted, nor is address space that nobody has touched. What was swapped out is still kept.
 */
#ifndef WHYDROP_GROWTH_H
#define WHYDROP_GROWTH_H

#include "base/base.h"

/* A line of /proc/PID/smaps with what stands below it. */
struct mapping {
	uint64_t start, end; /* addresses; end is the first one behind it */
	char permissions[5]; /* "rw-p" */
	char name[128];	     /* file, "[heap]", "[anon:name]"; "" anonymous */
	uint64_t own_kib;    /* resident, and to be had back by nobody but the process */
	uint64_t swap_kib;
};

struct memory_look {
	int64_t at_ns; /* CLOCK_MONOTONIC */
	VEC(struct mapping) mappings;
};
void memory_look_done(struct memory_look *l);

enum growth_kind {
	GROWTH_NONE,
	GROWTH_BURST,  /* it grew, but not all the time */
	GROWTH_STEADY, /* in each third of the time by a share that is no accident */
	GROWTH_KINDS
};
extern const char *const growth_names[GROWTH_KINDS]; /* "none", "burst", "steady" */

struct growing_region {
	struct mapping mapping; /* as last seen */
	enum growth_kind kind;
	uint64_t grown_kib;
	double kib_per_s;
};

/* Regions that grew, most first. */
struct growth {
	enum growth_kind kind;
	size_t looks;
	double seconds;
	uint64_t kept_kib, swap_kib; /* at the last look; kept: what was swapped out included */
	uint64_t grown_kib;	     /* 0 if it shrank */
	double kib_per_s;
	VEC(struct growing_region) regions;
};
void growth_done(struct growth *g);

#define GROWTH_LOOKS_MIN 4
/*
 * What less than this is is no growth: causes.md 190, 1 % of the memory in an hour; and so many KiB
 * in all, because allocators take memory in steps.
 */
#define GROWTH_SHARE_PER_HOUR 0.01
#define GROWTH_KIB_MIN 512

/* `looks` in the order of time; ram_kib 0: not known, then the least rate is not asked for. */
void growth_judge(const struct memory_look *looks, size_t n, uint64_t ram_kib, struct growth *ret);

/* What swap in use means. */
enum swap_use {
	SWAP_UNKNOWN,
	SWAP_NONE,     /* there is no swap space */
	SWAP_UNUSED,
	SWAP_BURST,    /* pages went there once, and nobody wants them back now */
	SWAP_TRAFFIC,  /* pages come or go, and nobody is known to wait for them: a zram, say */
	SWAP_WORKING_SET, /* what is used does not fit: pages come and go all the time */
	SWAP_LEAK,     /* one process grows without end and drives the others out */
	SWAP_USES
};
extern const char *const swap_use_names[SWAP_USES];

struct swap_state {
	bool known;
	uint64_t total_kib, used_kib;
	double in_per_s, out_per_s; /* pages; negative: not known */
	bool pressure_known;
	double pressure; /* share of the time in which some task waited for memory */
};
enum swap_use swap_judge(const struct swap_state *s, enum growth_kind largest);

/* Text found in memory: printable ASCII, cut to its room. */
struct found_string {
	char text[64];
	uint64_t seen; /* times, in what was sampled */
};

/* One process that was followed. */
struct leak_process {
	int pid;
	uint64_t start; /* clock ticks since boot */
	char comm[16];
	int err; /* why it could not be followed to the end: negative errno */
	bool room_known;
	uint64_t room_kib; /* what the limit of its cgroup leaves */
	struct growth growth;
};

/* What `whydrop host --leak` found. */
struct leak_report {
	double seconds;
	bool any; /* all processes were looked at, not one that was named */
	size_t processes_seen;
	VEC(struct leak_process) processes; /* those that grow all the time first, then the fastest */
	bool memory_known;
	uint64_t total_kib, available_kib;
	struct swap_state swap;
	/* Of the region that grows most of the first process; nothing unless it was asked for. */
	bool peeked;
	int peek_err;
	uint64_t pages_sampled;
	VEC(struct found_string) strings; /* most often seen first */
	const char *dumped; /* the file; NULL none */
	int dump_err;
	uint64_t dumped_bytes;
};
void leak_report_done(struct leak_report *r);
/* Seconds until memory, swap and the limit of its cgroup are used up at its rate; < 0: not told. */
double leak_time_left(const struct leak_report *r, const struct leak_process *p);

#endif
