/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the host is doing, for `whydrop host`: each section reads what it needs of one end of the
 * sample (phase "host-a" or "host-b") into its struct doing; what another section read is not read
 * again.
 */
#ifndef WHYDROP_COLLECT_DOING_H
#define WHYDROP_COLLECT_DOING_H

#include "base/parse.h"
#include "collect/host_facts.h"
#include "model/doing.h"

void collect_host_load(struct host *h, struct host_facts *f);
void collect_host_time(struct host *h, struct host_facts *f);
void collect_host_processes(struct host *h, struct host_facts *f);
void collect_host_memory(struct host *h, struct host_facts *f);
void collect_host_swap(struct host *h, struct host_facts *f);
void collect_host_placement(struct host *h, struct host_facts *f);
void collect_host_files(struct host *h, struct host_facts *f);

bool doing_is_first(const struct host *h);

/* Parts with files of their own; 0 or a negative errno. */
int doing_processes(struct host *h, struct doing *d);
int doing_cgroups(struct host *h, struct doing *d);
/* PSS and policies of the largest processes, within a bound: d->processes must have been read. */
int doing_parts(struct host *h, struct doing *d);
int doing_policies(struct host *h, struct doing *d);

/* The pure halves. -EBADMSG: not what these files hold. */
int parse_doing_numbers(struct span text, enum doing_file file, struct doing *d);
int parse_doing_setting(struct span text, enum doing_number id, struct doing *d);
int parse_tasks(struct span loadavg, struct doing *d);
int parse_slabs(struct span text, uint64_t page_kib, struct doing *d);
int parse_swaps(struct span text, struct doing *d);
int parse_node_memory(struct span text, struct numa_node *ret);
int parse_node_events(struct span text, struct numa_node *ret);
/* "0-3,8"; at most `max` numbers. */
int parse_node_list(struct span text, unsigned int *ret, size_t max, size_t *ret_n);
int parse_huge(struct span text, char *to, size_t size);
/* As doing_processes(), doing_cgroups() and so on keep them. */
int parse_doing_processes(struct span text, struct doing *d);
int parse_doing_cgroups(struct span text, struct doing *d);
int parse_doing_parts(struct span text, struct doing *d);
int parse_doing_policies(struct span text, struct doing *d);
/* /proc/PID/smaps_rollup and numa_maps themselves. */
int parse_rollup(struct span text, struct memory_part *ret);
int parse_numa_maps(struct span text, struct numa_policy *ret);

#endif
