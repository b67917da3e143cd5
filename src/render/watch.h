/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `whydrop watch`: its table, for people and for programs. */
#ifndef WHYDROP_RENDER_WATCH_H
#define WHYDROP_RENDER_WATCH_H

#include "render/grid.h"
#include "render/render.h"
#include "watch/tcp.h"
#include "watch/watch.h"

struct watch_view {
	const struct watch *w;
	const struct diagnosis *d; /* its observations: what is watched */
	const struct report *r;	   /* started_at: when the interval ended */
	const struct watch_tcp *tcp; /* NULL: nothing is said of it */
	const char *rung;	   /* how drops are traced; NULL: they are not, */
	int untraced;		   /* and why: a negative errno; -ENODATA: as asked */
	double asked_seconds;	   /* the interval asked for */
	bool all;		   /* also what is no loss, line by line */
	bool end;		   /* everything since the beginning: the summary */
	bool live;		   /* a table that stays: also lines that rest now */
	const char *note;	   /* "paused, q quits", or NULL */
};

void render_watch(const struct watch_view *v, struct grid *ret);
/*
 * Schema whydrop.watch/1: the line that says that counting has begun, the line of an interval, the
 * last one.
 */
json_t *render_watch_ready_json(const struct watch_view *v);
json_t *render_watch_json(const struct watch_view *v);

/*
 * Among the packets of --events: what TCP told in the interval, a line for each kind and service, or
 * one line {"tcp": {...}} with what `interval` has under that name. Nothing if TCP told nothing.
 */
void render_watch_tcp_events(const struct watch_view *v, struct buf *ret);
json_t *render_watch_tcp_events_json(const struct watch_view *v); /* NULL: nothing */

/* "dnsdist (812) on udp 0.0.0.0:53", "rule ip filter INPUT handle 12: ..."; nothing if none is known. */
void watch_line_who(const struct watch_line *l, struct buf *ret);

#endif
