/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A diagnosis for people (text) and for programs (JSON). Neither prints: text goes into a buffer,
 * JSON into a tree.
 */
#ifndef WHYDROP_RENDER_H
#define WHYDROP_RENDER_H

#include <jansson.h>
#include <time.h>

#include "base/buf.h"
#include "causes/cause.h"

/* How long a run waited for a loss to begin, and which counter said that one does. */
struct wait_report {
	double asked_s; /* 0: it did not wait */
	double waited_s;
	bool began;
	const char *counter;
	char device[16], netns[64]; /* "" none, our own */
	uint64_t delta;
	double over_s; /* the counter rose by that in so long */
};

/* What is told of a run beside its diagnosis. Texts belong to the caller; NULL is "unknown". */
struct report {
	const char *version;
	struct timespec started_at;	/* CLOCK_REALTIME */
	const char *host_name, *kernel; /* "web-3", "6.12.0-1-amd64" */
	unsigned int cpus;		/* 0 unknown */
	const char *devices;		/* the main ones, "eth0 ixgbe 10 Gbit/s" */
	bool replay;			/* from a recording */
	bool all_netns;			/* every namespace was examined */
	bool can_fix;			/* `whydrop fix` exists and may be named */
	/* Why the interval is shorter than asked for: "interrupted, 5.0 s were asked for". */
	const char *interval_note;
	struct wait_report wait;
	/* Traced drops in namespaces that were not examined, benign ones left out. */
	uint64_t elsewhere;
	unsigned int elsewhere_namespaces;
};

enum color_mode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct text_style {
	bool color; /* ANSI sequences */
	bool signs; /* the terminal can show UTF-8 */
	bool all;   /* every cause with what clears it */
};

/* What a stream can show: a terminal or not, NO_COLOR, TERM, the locale (setlocale was called). */
struct text_style text_style_of(int fd, enum color_mode mode);

/* Schema whydrop.diagnose/1. */
json_t *render_json(const struct diagnosis *d, const struct report *r);
#define RENDER_JSON_FLAGS (JSON_INDENT(2) | JSON_REAL_PRECISION(12))

/* Parts that the documents of other commands have as well. */
json_t *render_time_json(const struct timespec *t);
json_t *render_netns_json(const struct observation *o);
json_t *render_tcp_json(const struct diagnosis *d);
json_t *render_host_json(const struct report *r);

/* The first screen, 80 columns. */
void render_text(const struct diagnosis *d, const struct report *r, const struct text_style *style,
		 struct buf *ret);

#endif
