/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --pid, --port, --peer and --device of a diagnosis. */
#ifndef WHYDROP_NARROWING_H
#define WHYDROP_NARROWING_H

#include "causes/cause.h"

struct narrowing {
	unsigned int pid, port;
	const char *peer, *device;
	char netns[16]; /* the process's: where to look if nothing else was said */
	bool live;
	struct narrow narrow;
	struct buf refusal; /* what was wrong */
};

/* What was asked for; false with a refusal. */
bool narrowing_begin(struct narrowing *n);
/* A session's `begun`: is the device there? */
bool narrowing_fits(const struct diagnosis *d, void *narrowing);
/* After the sample, before diagnose(): false with a refusal. */
bool narrowing_apply(struct narrowing *n, struct diagnosis *d);
void narrowing_done(struct narrowing *n);

#endif
