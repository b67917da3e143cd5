/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loss counters read again and again: when within the interval each of them grew fastest. */
#ifndef WHYDROP_BURSTS_H
#define WHYDROP_BURSTS_H

#include "base/parse.h"
#include "model/observation.h"

#define BURST_FILES 3

/* One file of /proc/net: which of its numbers count losses, and what they were last. */
struct burst_file {
	int fd; /* -1: not there */
	bool known; /* the columns are */
	VEC(enum counter_id) columns; /* of each number in it, COUNTER_N: of no interest */
	VEC(uint64_t) before;
};

struct burst_watch {
	struct burst_file files[BURST_FILES];
	int64_t before_ns;
	struct burst worst[COUNTER_N];
};

/* In the namespace that the calling thread is in. */
void burst_watch_open(struct burst_watch *w);
/* Reads once; times count from begin_ns. */
void burst_watch_look(struct burst_watch *w, int64_t begin_ns);
void burst_watch_done(struct burst_watch *w);

/* The text of one of the files; `paired`: names stand in a line of their own. For tests too. */
void burst_take(struct burst_file *f, enum source source, bool paired, struct span text,
		struct burst step, struct burst *worst);

/* As recorded: "TcpExt.ListenOverflows 1200 100123 55", one a line. */
void write_bursts(const struct burst_watch *w, struct buf *to);
int read_bursts(const struct buf *text, struct observation *o);

#endif
