/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pure halves of the process collector, and the search for the owners of sockets. */
#ifndef WHYDROP_PROCESS_H
#define WHYDROP_PROCESS_H

#include "base/parse.h"
#include "collect/collect.h"

#define OWNERS_PER_SOCKET 8
#define SOCKETS_IN_QUESTION_MAX 4096

/* Sorted, each once. */
struct inodes {
	VEC(uint32_t) list;
};

/*
 * Which processes hold these sockets: lines "INODE PID" to *text, those most likely to read from
 * the socket first. `fresh`: what was found more than a moment ago is not trusted. -EACCES if none
 * was found and some process could not be looked into.
 */
int owners_find(const struct inodes *wanted, bool fresh, struct buf *text);
/* Adds the sockets that a process holds now; -EACCES where its descriptors may not be seen. */
int process_sockets(int pid, struct inodes *ret);
int parse_owners(struct span text, struct snapshot *s);
/* The first holder of a socket that owners_find() was asked for, and its descriptor there. */
struct descriptor {
	int pid, fd;
};
bool owners_descriptor(uint32_t inode, struct descriptor *ret);

struct process_stat {
	char comm[16], state;
	int ppid;
	unsigned int threads; /* 0 where the text ends before that field */
	int cpu;	      /* likewise -1 */
	int nice;
	uint64_t utime, stime, major_faults;
	uint8_t rt_priority, policy; /* SCHED_* */
};
int parse_process_stat(struct span text, struct process_stat *ret);

/* Where the cgroup hierarchies of interest are mounted, behind `root`; "" where they are not. */
struct cgroup_mounts {
	char cpu[128], freezer[128], memory[128], unified[128];
};
void parse_mounts(struct span text, const char *root, struct cgroup_mounts *ret);

/* /proc/PID/cgroup: the paths in those hierarchies, "" for none, the systemd unit, the container. */
struct cgroup_paths {
	char cpu[256], freezer[256], memory[256], unified[256], unit[128];
	struct container container; /* without its names */
};
void parse_cgroup(struct span text, struct cgroup_paths *ret);

/* /proc/PID/limits: the soft limit of open files; false if there is none. */
bool parse_open_files(struct span text, uint64_t *ret);
/* /proc/PID/status: VmSwap; false for a process without memory of its own. */
bool parse_swapped(struct span text, uint64_t *ret_kib);
/* How many descriptors it has and may have; nothing where that is not told. */
void read_descriptors(struct host *h, struct process *p);

/* A file of one cgroup. False if it is not there or the path leads nowhere from here. */
bool read_cgroup(struct host *h, const char *mount, const char *path, const char *file,
		 struct buf *text);
bool read_cgroup_number(struct host *h, const char *mount, const char *path, const char *file,
			int64_t *ret);
/* Nothing where no memory limit holds. */
void read_memory_limit(struct host *h, const struct cgroup_mounts *mounts,
		       const struct cgroup_paths *paths, struct memory_limit *ret);

/* "nr_throttled 12\n" and the like; false if the key is not there. */
bool parse_key(struct span text, const char *key, uint64_t *ret);
/* cpu.max: "max 100000" or "20000 100000"; *ret_quota -1 for max. */
int parse_cpu_max(struct span text, int64_t *ret_quota, int64_t *ret_period);

#endif
