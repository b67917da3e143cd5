/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pure halves of the /proc collectors: kernel text in, snapshot out; -EBADMSG if it is not. */
#ifndef WHYDROP_PROCTEXT_H
#define WHYDROP_PROCTEXT_H

#include "base/parse.h"
#include "collect/collect.h"

/* What these collectors share. */
/* The kernel ends every line: a text without that end was cut, perhaps amid a number. */
bool text_is_whole(const struct buf *b);
int read_text(struct host *h, const char *path, struct buf *b, struct span *ret);
/* One file below /proc, read and parsed. */
int collect_text(struct host *h, const char *path, int (*parse)(struct span, struct snapshot *),
		 struct snapshot *s);
int collect_lines(struct host *h, const char *path,
		  int (*parse)(struct span, enum source, struct snapshot *), enum source source,
		  struct snapshot *s);
void set_counter(struct snapshot *s, enum counter_id id, uint64_t value);
/* The CPU of that number, added if it is new. */
struct cpu *cpu_of(struct snapshot *s, unsigned int id);
/* "name", and the line behind it: 1 if that is a counter of the source, 0 if it is none. */
int take_counter(struct snapshot *s, enum source source, struct span name, struct span line);

int parse_paired_lines(struct span text, enum source source, struct snapshot *s);
int parse_named_lines(struct span text, enum source source, struct snapshot *s);
int parse_tls_lines(struct span text, struct snapshot *s);
int parse_sockstat(struct span text, struct snapshot *s);
int parse_softnet(struct span text, struct snapshot *s);
int parse_cpu_times(struct span text, struct snapshot *s);
int parse_softirqs(struct span text, struct snapshot *s);
int parse_interrupts(struct span text, struct snapshot *s);
int parse_pressure(struct span text, struct pressure *ret);
int parse_meminfo(struct span text, struct snapshot *s);
int parse_loadavg(struct span text, struct snapshot *s);
/* One entry a line, as /dev/kmsg gives them; those that matter are kept. */
int parse_kernel_log(struct span text, struct snapshot *s);
/* What collect_queues keeps of sysfs. */
int parse_queues(struct span text, struct snapshot *s);
int parse_nfqueue(struct span text, struct snapshot *s);
/* What collect_cpu_tasks keeps. */
int parse_cpu_tasks(struct span text, struct snapshot *s);
int parse_conntrack(struct span text, struct snapshot *s);
int parse_rt_cache(struct span text, struct snapshot *s);
/* rawsock.c, packet.c */
int parse_cpuidle(struct span text, struct snapshot *s); /* as collect_cpuidle keeps it */
int parse_unix_queues(struct span text, struct snapshot *s); /* as collect_unix keeps it */
int parse_netlink_sockets(struct span text, struct snapshot *s);
int parse_raw_sockets(struct span text, uint8_t family, struct snapshot *s);
int parse_packet_file(struct span text, struct snapshot *s);
int parse_sysctl(struct span text, struct sysctl_value *ret);

#endif
