/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the host is doing: load, CPU time, processes, memory, swap, NUMA and files, at one end of a
 * sample; and what is made of two of them. Scope: the whole host, as /proc shows it here.
 *
 * What could not be read is unknown, never a zero: `known`, DOING_UNKNOWN, or the errno of a part.
 */
#ifndef WHYDROP_DOING_H
#define WHYDROP_DOING_H

#include "model/snapshot.h"

#define DOING_UNKNOWN INT64_MIN
#define DOING_TICKS 100 /* a second: USER_HZ, include/asm-generic/param.h */

enum doing_group {
	DOING_LOAD,
	DOING_CPU,
	DOING_PROCESSES,
	DOING_MEMORY,
	DOING_SWAP,
	DOING_NUMA,
	DOING_FILES
};
enum doing_file {
	DOING_MEMINFO,
	DOING_VMSTAT,
	DOING_STAT,
	DOING_SYS,
	DOING_SOCKSTAT,
	DOING_FILE_N
};

enum doing_number {
#define N(id, ...) D_##id,
#include "model/doing_numbers.def"
#undef N
	DOING_NUMBERS
};

struct doing_number_row {
	enum doing_file file;
	const char *name;
	enum doing_group group;
	const char *key, *unit;
};
extern const struct doing_number_row doing_number_rows[DOING_NUMBERS];

enum process_field {
#define F(id, ...) PROC_##id,
#include "model/doing_fields.def"
#undef F
	PROCESS_FIELDS
};
extern const char *const process_field_keys[PROCESS_FIELDS];

struct doing_process {
	int64_t v[PROCESS_FIELDS]; /* DOING_UNKNOWN where it is not known */
	char state;		   /* of /proc/PID/stat */
	char wchan[32];		   /* state D: where in the kernel it waits; "" unknown */
	char comm[16];
};

/* A cgroup with a CPU quota; since it was made. */
struct doing_cgroup {
	char path[256];
	bool v2;
	int64_t quota_us, period_us; /* quota -1: none any more */
	uint64_t periods, throttled, throttled_ns;
};

struct slab_cache {
	char name[40];
	uint64_t objects, active, object_size; /* bytes of one */
	uint64_t kib;
};

/* PSS: what is shared by n processes counts a nth for each. KiB. */
struct memory_part {
	int pid;
	uint64_t pss, anonymous, file, shmem, swap;
};

struct swap_area {
	char name[128], kind[16];
	uint64_t kib, used_kib;
	int64_t priority;
};

enum numa_event {
	NUMA_HIT,
	NUMA_MISS,
	NUMA_FOREIGN,
	NUMA_INTERLEAVE,
	NUMA_LOCAL,
	NUMA_OTHER,
	NUMA_EVENTS
};
extern const char *const numa_event_names[NUMA_EVENTS];

struct numa_node {
	unsigned int id;
	uint64_t total, free;	      /* KiB */
	uint64_t events[NUMA_EVENTS]; /* pages since boot */
};

/* Where a process's memory is to come from, by the first policy in it that is not the default. */
struct numa_policy {
	int pid;
	char policy[48];       /* "default", "bind:0", "interleave:0-1", "prefer:1" */
	unsigned int mappings; /* with that policy */
};

enum doing_part {
	DOING_OF_PROCESSES,
	DOING_OF_CGROUPS,
	DOING_OF_SLABS,
	DOING_OF_PSS,
	DOING_OF_SWAPS,
	DOING_OF_NODES,
	DOING_OF_POLICIES,
	DOING_PARTS
};

#define DOING_STEPS 16

struct doing {
	int64_t taken_ns;	 /* CLOCK_MONOTONIC */
	struct snapshot machine; /* CPU times, pressure and load average */
	bool known[DOING_NUMBERS];
	uint64_t number[DOING_NUMBERS];
	uint64_t tasks; /* threads of the whole host; 0 unknown */
	uint64_t page_kib;
	char huge[16];	      /* transparent huge pages: "always", "madvise", "never"; "" unknown */
	int err[DOING_PARTS]; /* negative errno: why there is nothing of it */
	unsigned int
		read; /* the steps taken to fill this, see collect/doing.c, and how they ended */
	int step_err[DOING_STEPS];
	VEC(struct doing_process) processes; /* sorted by pid */
	VEC(struct doing_cgroup) cgroups;
	size_t cgroups_left_out;
	VEC(struct slab_cache) slabs;
	VEC(struct memory_part) parts; /* of the largest processes */
	VEC(struct swap_area) swaps;
	VEC(struct numa_node) nodes;
	VEC(struct numa_policy) policies;
};

void doing_done(struct doing *d);
bool doing_known(const struct doing *d, enum doing_number id);
/* 0 where it is not known: for sums of which a part may not exist in this kernel. */
uint64_t doing_or_0(const struct doing *d, enum doing_number id);
const struct doing_process *doing_process(const struct doing *d, int64_t pid);
const struct memory_part *doing_part(const struct doing *d, int64_t pid);
bool is_kernel_thread(const struct doing_process *p);
bool is_realtime(const struct doing_process *p);

enum process_order { BY_CPU, BY_MEMORY, BY_SWAP };

/* The two ends of a sample. `a` NULL: there is only one. */
struct doing_sample {
	const struct doing *a, *b;
	double seconds; /* 0 with one end */
	enum process_order order;
	unsigned int top; /* so many processes are listed */
};

/* How much a number grew; false where one end is not known, or it went back. */
bool doing_grew(const struct doing_sample *s, enum doing_number id, uint64_t *ret);
/* CPUs that a process used, 1.0 is one of them; negative: not known. */
double process_cpus(const struct doing_sample *s, const struct doing_process *p);
/* Resident pages that other processes may share, KiB: ps's and top's SHR. */
int64_t process_shared(const struct doing_process *p);
/* Time of a CPU over the sample; of all of them together with cpu -1. False: not known. */
bool doing_times(const struct doing_sample *s, int cpu, struct cpu_times *ret);
bool doing_throttled(const struct doing_sample *s, const struct doing_cgroup *g,
		     struct doing_cgroup *ret);

/* The processes of s->b in the order asked for; the caller frees. */
const struct doing_process **processes_sorted(const struct doing_sample *s,
					      enum process_order order, size_t *ret_n);

/* Tasks in a state that counts as load, by whydrop's own two looks. */
struct load_parts {
	uint64_t runnable, blocked; /* threads; whydrop's own left out */
	uint64_t not_seen;	    /* threads that were not looked at */
};
void load_parts(const struct doing *d, struct load_parts *ret);

/* Where the memory is: rows that make up MemTotal, the last is what nobody owns up to. */
struct memory_row {
	const char *key, *name;
	uint64_t kib;
};
#define MEMORY_ROWS 16
size_t memory_account(const struct doing *d, struct memory_row rows[static MEMORY_ROWS]);

#endif
