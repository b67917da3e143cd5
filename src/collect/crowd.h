/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pure halves of the collectors that look at who fills a table. */
#ifndef WHYDROP_COLLECT_CROWD_H
#define WHYDROP_COLLECT_CROWD_H

#include "base/buf.h"
#include "model/crowd.h"

struct crowd_list {
	VEC(struct crowd_entry) list;
};

/* Messages of ctnetlink, or of sock_diag; -E2BIG once `most` are there, -EBADMSG. */
int parse_tracked(const struct buf *messages, size_t most, struct crowd_list *to);
int parse_connections(const struct buf *messages, size_t most, struct crowd_list *to);
/* As recorded: a line each, "2 6 1 0 40000 80 192.0.2.1 192.0.2.2". */
void write_crowd(const struct crowd_list *from, struct buf *to);
int read_crowd(const struct buf *text, struct crowd_list *to);

#endif
