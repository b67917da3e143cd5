/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUs, their caches, and the nodes of memory they stand beside. */
#ifndef WHYDROP_HOST_CPU_H
#define WHYDROP_HOST_CPU_H

#include "base/base.h"

#define HOST_CPU_LIST 4096 /* a page: sysfs gives no more */

/* Where a CPU of the kernel's is; -1 unknown. */
struct host_cpu_place {
	unsigned int cpu;
	int package, die, core;
};

/* One cache, however many CPUs use it. */
struct host_cache {
	unsigned int level;
	char type[16];	   /* "Data", "Instruction", "Unified" */
	uint64_t kib;	   /* 0 unknown: some firmware does not tell */
};

/* Equal caches together, as lscpu(1) adds them up. */
struct host_cache_sum {
	unsigned int level, instances;
	char type[16];
	uint64_t kib; /* of all instances */
};
#define HOST_CACHE_SUMS 12

struct host_cpu {
	char vendor[65], model[129], microcode[33]; /* "" unknown */
	int family, model_number, stepping;	    /* -1 unknown */
	char possible[HOST_CPU_LIST], present[HOST_CPU_LIST], online[HOST_CPU_LIST];
	char smt[32];				  /* "on", "off", "notsupported"; "" unknown */
	char driver[33], governor[33];		  /* of the first CPU's frequency; "" none */
	uint64_t min_khz, max_khz;		  /* 0 unknown */
	VEC(struct host_cpu_place) places;	  /* of those online */
	VEC(struct host_cache) caches;
};

struct host_cpu_counts {
	unsigned int sockets, cores, threads; /* 0 unknown; threads: CPUs online */
};
struct host_cpu_counts host_cpu_count(const struct host_cpu *c);
/* How many of `to` were filled, by level and type. */
size_t host_cache_sums(const struct host_cpu *c, struct host_cache_sum *to);
/* CPUs in a list "0-3,8"; 0 for what is none. */
unsigned int host_cpu_list_count(const char *list);

#define HOST_NODES_MAX 1024
struct host_node {
	unsigned int node;
	bool cpus_known;
	char cpus[HOST_CPU_LIST]; /* "" none: memory alone */
	uint64_t total_kib, free_kib;
	VEC(unsigned int) distances; /* to the nodes in their order; 10 is itself */
};

struct host_numa {
	VEC(struct host_node) nodes; /* those online */
};

#endif
