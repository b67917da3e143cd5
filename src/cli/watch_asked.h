/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `whydrop watch` was asked for: checked before anything is opened, with what is near. */
#ifndef WHYDROP_WATCH_ASKED_H
#define WHYDROP_WATCH_ASKED_H

#include <linux/filter.h>

#include "causes/cause.h"
#include "watch/watch.h"

struct watch_asked {
	/* As typed; NULL or 0: not given. */
	const char *expression, *device, *reason, *cause;
	unsigned int pid;
	/* What became of it. */
	struct watch_filter filter;
	char reason_name[48];
	struct sock_filter *program; /* of the expression, for raw IP */
	size_t program_n;
	char netns[16]; /* the process's */
	struct buf refusal;
};

/* False with a refusal. */
bool watch_asked_begin(struct watch_asked *a);
/* A session's `begun`: is the device there? */
bool watch_asked_fits(const struct diagnosis *d, void *asked);
/* The sockets that the process holds now are its as well. */
void watch_asked_refresh(struct watch_asked *a);
void watch_asked_done(struct watch_asked *a);

#endif
