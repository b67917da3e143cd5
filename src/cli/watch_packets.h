/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `whydrop watch`, one packet at a time: lines or objects on standard output, and a capture file. */
#ifndef WHYDROP_WATCH_PACKETS_H
#define WHYDROP_WATCH_PACKETS_H

#include "cli/drop_file.h"
#include "drops/drops.h"

struct packets_asked {
	bool events, stack;
	const char *path;   /* -w; NULL */
	unsigned int count; /* end after so many; 0: do not */
};

struct watch_packets {
	const struct packets_asked *asked;
	bool json;
	bool live; /* the screen is a table's: complaints wait */
	struct text_style text;
	struct drop_tracer *tracer;
	struct watch_events events;
	struct drop_file file;
	struct buf out; /* lines of an interval */
	bool initial_pids; /* every process is seen: a socket that none of them holds is nobody's */
};

static inline bool packets_wanted(const struct packets_asked *a)
{
	return a->events || a->path;
}

/* Standard output belongs to the capture file. */
bool packets_take_stdout(const struct packets_asked *a);
/* Opens the file: -errno. */
int watch_packets_begin(struct watch_packets *p, const struct packets_asked *asked,
			const struct watch_filter *filter, bool all, const struct report *r);
/* Takes what the kernel has ready: before and after the drops are read, and often. */
void watch_packets_drain(struct watch_packets *p);
/*
 * The interval's, after watch_take(): printed and written. False: as many as asked for were told,
 * or standard output takes no more.
 */
bool watch_packets_tell(struct watch_packets *p, struct diagnosis *d, const struct watch *w,
			bool last);
/* Ends the file; on standard error what it holds. */
void watch_packets_end(struct watch_packets *p, const struct watch *w);
/* For the summary: "packets". */
json_t *watch_packets_json(const struct watch_packets *p);

#endif
