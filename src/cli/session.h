/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One run: opens the namespaces (or a recording), traces drops, takes the snapshots before and
 * after and the looks between. What comes out is everything `diagnose()` needs.
 */
#ifndef WHYDROP_SESSION_H
#define WHYDROP_SESSION_H

#include "causes/cause.h"
#include "cli/opts.h"
#include "collect/netns.h"
#include "collect/recording.h"
#include "render/render.h"

struct session_options {
	const char *netns; /* NAME, PID, "all"; NULL: our own */
	double seconds;
	double wait; /* at most so long for a loss to begin, before that; 0: do not */
	unsigned int max_sockets; /* TCP connections to be read; 0: all */
	bool since_boot;
	bool keep;	  /* make a recording of what is read */
	const char *from; /* replay this recording instead; NULL: live */
	const char *config; /* file of what the user states; NULL: the usual one, live only */
	struct opt_strings limits; /* --limit */
	int ready_fd;	  /* gets one byte once tracing runs and the first snapshot is taken; -1 */
	bool progress;	  /* a line on standard error while sampling */
	/* For numbers alone: drops are not traced, nobody looks between, these sources are read. */
	uint64_t only_sources; /* SOURCE_BIT; 0: everything */
	/*
	 * Asked once the first snapshot was taken (without only_sources: of the devices alone); false
	 * ends the run with -ECANCELED.
	 */
	bool (*begun)(const struct diagnosis *d, void *arg);
	void *begun_arg;
};

struct session {
	struct drops drops;
	struct tcp_lines tcp; /* of the same time; watch has lines of its own */
	struct report report;
	struct config config;
	struct netns_list namespaces;
	struct recording *recording; /* kept or replayed; NULL */
	struct host *hosts;	     /* one for each namespace, phase "b" at the end */
	uint64_t sources; /* those that are read */
	int64_t due_ns;	  /* when the interval ends: CLOCK_MONOTONIC */
	char host_name[65], kernel[65], devices[128], note[80];
};

/*
 * Fills d->observations and d->drops. 0, or a negative errno with a sentence in *message that says
 * what was wrong and with which argument.
 */
int session_run(struct session *s, const struct session_options *options, struct diagnosis *d,
		struct buf *message);
/*
 * The next interval, which begins where the last one ended; false: ctrl-C came before it did. Live
 * runs of `only_sources`.
 */
bool session_again(struct session *s, const struct session_options *options, struct diagnosis *d);
void session_done(struct session *s);
/* The namespaces that --netns means: NAME, PID, "all", or NULL for our own. Errors likewise. */
int session_namespaces(const char *which, struct netns_list *ret, struct buf *message);

#endif
