/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dropped packets told one by one. Those of an interval are kept until its diagnosis says what
 * became of them: cause, firewall rule, owner. The counters of an interval end later than its trace:
 * packets of the moment between the two are counted now and traced with the next interval. They are
 * asked about twice, and what came after one that waits for that waits too.
 */
#ifndef WHYDROP_WATCH_EVENTS_H
#define WHYDROP_WATCH_EVENTS_H

#include "capture/decode.h"
#include "watch/watch.h"

#define EVENTS_HELD_MAX 4096 /* 6 MB; more are counted as missed */
#define EVENT_CAUSES_MAX 4

/* The process that holds a packet's socket, or did so last; pid 0: nobody was ever found. */
struct socket_holder {
	uint32_t inode;
	int pid;
	char comm[16];
	bool gone; /* nobody holds it any more */
	bool doubted; /* the caller knows that this process has ended */
	unsigned int interval; /* when it was looked for */
};

struct packet_event {
	struct drop_event event;
	struct headers headers;
	int64_t at_ns; /* CLOCK_REALTIME */

	/* What the diagnosis says of it. */
	bool netns_known;
	char netns[64]; /* name, "" for one without */
	const struct cause_row *causes[EVENT_CAUSES_MAX]; /* it was one of these */
	size_t causes_n;
	const struct cause_row *at; /* loss point, where that is another than the only cause */
	enum confidence confidence; /* that it was the only cause */
	const char *benign;	    /* why it is no loss, or NULL */
	bool has_rule;
	struct rule_ref rule; /* text owned */
	enum confidence rule_confidence;
	int owner_pid; /* 0: not known */
	char owner[16], unit[128];
	bool owner_gone; /* whoever it was, nobody holds the socket any more */
	bool settled;	 /* nothing more is to be found out */
};

struct watch_events {
	const struct watch_filter *filter;
	bool all; /* expected frees, too */
	unsigned int interval; /* the last one that was judged, from 1 */
	VEC(struct packet_event) held;	/* oldest first */
	VEC(struct socket_holder) holders;
	VEC(struct drop_missed) missed; /* found no room here */
	uint64_t told, expected, others; /* expected frees and what the filter does not mean: not told */
};

void watch_events_init(struct watch_events *e, const struct watch_filter *filter, bool all);
void watch_events_done(struct watch_events *e);
/* `wall_ns` is what the time of day is ahead of CLOCK_MONOTONIC. */
void watch_events_add(struct watch_events *e, const struct drop_event *event, int64_t wall_ns);
/* Sockets whose holder is to be looked for; each once, sorted. */
struct watch_inodes {
	VEC(uint32_t) list;
};
void watch_events_unowned(struct watch_events *e, const struct diagnosis *d,
			  struct watch_inodes *ret);
/* pid 0: nobody holds it. */
void watch_events_holder(struct watch_events *e, uint32_t inode, int pid, const char *comm);
/* After watch_take(); the packets of then and of the moment since the trace was read. */
void watch_events_judge(struct watch_events *e, struct diagnosis *d, const struct watch *w);
/* What found no room goes to those that the tracer could not tell, to be counted with them. */
void watch_events_missed(struct watch_events *e, struct drops *to);
/*
 * Gives those that are meant and need not wait, oldest first, and forgets them; after the last
 * interval none waits. No more once `tell` returned false.
 */
typedef bool tell_packet_fn(const struct packet_event *p, void *arg);
void watch_events_tell(struct watch_events *e, bool last, tell_packet_fn *tell, void *arg);

#endif
