/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session that goes on: the tracer stays, and each interval is diagnosed for itself. An interval
 * in which nothing was lost costs a few counters only; the sources that are dear (sockets, rulesets,
 * processes) are read when a drop was traced or a counter that means a loss has moved, and now and
 * then for what has no such counter. The diagnosis then begins where the last of these
 * full looks was: in between nothing happened. While packets are lost, short looks within the
 * interval tell whose queue stays full.
 */
#ifndef WHYDROP_SESSION_WATCH_H
#define WHYDROP_SESSION_WATCH_H

#include "cli/session.h"
#include "drops/drops.h"
#include "drops/tcp_lines.h"

struct session_watch {
	struct session *s;
	struct diagnosis *d;
	const struct session_options *options; /* seconds: of an interval */
	struct drop_tracer *tracer;	       /* NULL: counters alone; s->drops.err says why */
	struct tcp_tracer *tcp;		       /* beside it; NULL: tcp_lines.err says why */
	struct tcp_lines tcp_lines;	       /* of the interval */
	double seconds;	    /* the next interval; longer than asked for where a look is dear */
	double last_seconds; /* how long the last one was */
	int64_t due_ns;	    /* when it ends */
	int64_t at_ns;	    /* end of the last one */
	int64_t full_ns;    /* the last full look */
	int64_t full_cpu_ns; /* what that took */
	int64_t glance_ns;   /* when the next short look is due; 0: nothing was lost of late */
	int64_t glances_cpu_ns; /* what those of this interval took */
	int64_t spare_ns;    /* when drop_tracer_spare_sends() wants to be called */
	int opened;	    /* 0, or a negative errno: why there is no tracer */
};

/*
 * Opens everything and takes the first look. `tracer` NULL: counters alone. Errors as session_run();
 * options->begun is asked as there.
 */
int session_watch_begin(struct session_watch *w, struct session *s,
			const struct session_options *options,
			const struct drop_tracer_options *tracer, struct diagnosis *d,
			struct buf *message);
/*
 * The interval is over: fills d->drops, and ledgers and findings if anything was lost in it. They
 * stay until the next call.
 */
void session_watch_next(struct session_watch *w);
/* When it wants to be woken: the end of the interval, or for session_watch_between(). */
int64_t session_watch_due(const struct session_watch *w);
/* What is due between the ends of intervals: a short look, sparing those who send. */
void session_watch_between(struct session_watch *w);
/* The next interval is the last: what has no cheap counter is told in it, or never. */
void session_watch_last(struct session_watch *w);
void session_watch_end(struct session_watch *w);

#endif
