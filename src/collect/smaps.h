/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of single processes, looked at again and again. */
#ifndef WHYDROP_SMAPS_H
#define WHYDROP_SMAPS_H

#include "base/parse.h"
#include "collect/host.h"
#include "model/growth.h"

/* /proc/PID/smaps; -EBADMSG for what is none. ret->at_ns is not filled. */
int parse_smaps(struct span text, struct memory_look *ret);
/* -ENOENT or -ESRCH: the process has ended; -EACCES: another user's; -ENODATA: it has no memory. */
int read_smaps(struct host *h, int pid, struct memory_look *ret);

/* What a process keeps for itself, as /proc/PID/statm has it: anonymous pages, in KiB. */
struct process_memory {
	int pid;
	uint64_t own_kib;
};
int parse_statm(struct span text, uint64_t *ret_own_kib);
/* Of all processes that /proc shows; those of the kernel have none and are left out. */
struct process_memories {
	VEC(struct process_memory) list;
};
void read_process_memories(struct host *h, struct process_memories *ret);

/* How much more memory the cgroup of a process lets it have, in KiB; false: nothing limits it. */
bool read_memory_room(struct host *h, int pid, uint64_t *ret_kib);

#endif
