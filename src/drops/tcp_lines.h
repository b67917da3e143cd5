/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What TCP sends again, its resets, and how connections begin and end, by the kernel's own
 * tracepoints; beside the drop tracer, on the same rungs (tp_btf, raw tracepoint) and with the same
 * privileges.
 */
#ifndef WHYDROP_DROPS_TCP_LINES_H
#define WHYDROP_DROPS_TCP_LINES_H

#include "model/tcp_lines.h"

struct tcp_tracer;

/* How connections begin and end; FAILED: TCP_CONNECT_FAILED and TCP_ENDED only. */
enum tcp_states { TCP_STATES_NONE, TCP_STATES_FAILED, TCP_STATES_ALL };

/*
 * Loads, attaches and begins to count; rung NULL: the best one; netns: the inode of the only one
 * whose ports and peers are told, 0: those of all. -EPERM without the capabilities,
 * -ENOENT without BTF, -EOPNOTSUPP if the kernel takes none of the programs.
 */
int tcp_tracer_open(const char *rung, enum tcp_states states, uint32_t netns,
		    struct tcp_tracer **ret);
/* What was counted since it was opened or since the last call, while counting goes on. */
int tcp_tracer_read_on(struct tcp_tracer *t, struct tcp_lines *ret);
void tcp_tracer_close(struct tcp_tracer *t);

#endif
