/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A walk over all processes and the sockets they hold, told one after the other; nothing is kept. */
#ifndef WHYDROP_SOCKET_WALK_H
#define WHYDROP_SOCKET_WALK_H

#include "base/base.h"

struct socket_walk {
	/* A process with its name; its sockets follow. */
	void (*holder)(struct socket_walk *w, int pid, const char *comm);
	void (*socket)(struct socket_walk *w, uint32_t inode, int fd);
	void *arg;
	uint32_t denied; /* processes that could not be looked into */
};

/*
 * One way to walk. `netns`: the inode of the namespace whose sockets are meant, where that way can
 * tell; 0: all. A negative errno: what was told until then is not all.
 */
typedef int socket_walker(uint32_t netns, struct socket_walk *w);

#endif
