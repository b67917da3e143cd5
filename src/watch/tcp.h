/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What TCP sent again, its resets, and connections that failed, as lines over time beside those of
 * the drops: they are no drops of this host, and in no sum with them.
 */
#ifndef WHYDROP_WATCH_TCP_H
#define WHYDROP_WATCH_TCP_H

#include "model/tcp_lines.h"
#include "watch/watch.h"

struct watch_tcp_line {
	struct tcp_line line; /* its numbers: of the last interval */
	uint64_t total, total_segments;
	unsigned int last_interval;
};

struct watch_tcp {
	int err;	       /* negative errno: not traced; -ENODATA: not asked for */
	const char *untold_by; /* the option that names what these lines do not tell: "--reason"; NULL */
	bool all_resets;       /* as in struct tcp_lines */
	unsigned int interval;
	VEC(struct watch_tcp_line) lines; /* most packets of the interval first */
	struct watch_sum others;	  /* lines that were folded to keep memory bounded */
	struct watch_sum elsewhere;	  /* of namespaces nobody asked for */
	struct watch_sum left_out;	  /* not by sockets of the process asked for */
	struct watch_sum missed;
};

#define WATCH_TCP_LINES_MAX 512

void watch_tcp_init(struct watch_tcp *t, const struct watch_filter *filter);
void watch_tcp_done(struct watch_tcp *t);
/* One interval; d: the namespaces that are watched and their sockets. */
void watch_tcp_take(struct watch_tcp *t, const struct tcp_lines *lines, const struct diagnosis *d,
		    const struct watch_filter *filter);

#endif
