/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pure halves of the /proc collectors: kernel text in, snapshot out; -EBADMSG if it is not. */
#ifndef WHYDROP_PROCTEXT_H
#define WHYDROP_PROCTEXT_H

#include "base/parse.h"
#include "collect/collect.h"

int parse_paired_lines(struct span text, enum source source, struct snapshot *s);
int parse_named_lines(struct span text, enum source source, struct snapshot *s);
int parse_sockstat(struct span text, struct snapshot *s);
int parse_softnet(struct span text, struct snapshot *s);
int parse_cpu_times(struct span text, struct snapshot *s);
int parse_conntrack(struct span text, struct snapshot *s);
int parse_rt_cache(struct span text, struct snapshot *s);
/* rawsock.c, packet.c */
int parse_raw_sockets(struct span text, uint8_t family, struct snapshot *s);
int parse_packet_file(struct span text, struct snapshot *s);
int parse_sysctl(struct span text, struct sysctl_value *ret);

#endif
