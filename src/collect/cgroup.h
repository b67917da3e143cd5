/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control groups of both versions: where they are, their files, and what holds a process back. */
#ifndef WHYDROP_CGROUP_H
#define WHYDROP_CGROUP_H

#include "base/parse.h"
#include "collect/collect.h"

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

/* Fills what /proc/PID/cgroup (`text`) leads to: cgroup, unit, container, limits, freezer, memory. */
void read_groups(struct host *h, const struct cgroup_mounts *mounts, const struct snapshot *s,
		 struct span text, struct process *p);

#endif
