/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pure halves of the process collector, and the search for the owners of sockets. */
#ifndef WHYDROP_PROCESS_H
#define WHYDROP_PROCESS_H

#include "base/parse.h"
#include "collect/collect.h"
#include "model/socket_walk.h"

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
/*
 * Every descriptor of every process that /proc shows: a process with its name, then the inodes of
 * its sockets; a process without any is not told. Nothing is kept.
 */
int owners_each(struct socket_walk *w);
/*
 * The kernel's own way, which is cheaper where there are many sockets; before any owner is looked
 * for. Without it, or where it fails, the links are read.
 */
void owners_use(socket_walker *kernel);
int parse_owners(struct span text, struct snapshot *s);
/* Reads each process of s->owners once, at an end; those that are gone are taken out. */
int process_read_owners(struct host *h, struct snapshot *s);
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
	int priority; /* 20 + nice; real-time ones: -1 - rt_priority */
	uint64_t utime, stime, major_faults;
	uint64_t start; /* clock ticks since boot */
	uint64_t vsize; /* bytes */
	uint8_t rt_priority, policy; /* SCHED_* */
};
int parse_process_stat(struct span text, struct process_stat *ret);

/* /proc/PID/limits: the soft limit of open files; false if there is none. */
bool parse_open_files(struct span text, uint64_t *ret);
/* /proc/PID/status: VmSwap; false for a process without memory of its own. */
bool parse_swapped(struct span text, uint64_t *ret_kib);
/* How many descriptors it has and may have; nothing where that is not told. */
void read_descriptors(struct host *h, struct process *p);

#endif
