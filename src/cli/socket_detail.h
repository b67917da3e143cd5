/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `whydrop sockets --detail FLOW`: one socket, found by its name, with all that is known of it. */
#ifndef WHYDROP_SOCKET_DETAIL_H
#define WHYDROP_SOCKET_DETAIL_H

#include "collect/netns.h"
#include "render/render.h"

struct socket_detail {
	const char *flow;
	bool json, by_proc;
	enum color_mode color;
	const struct report *run;
};
/* Prints it; the exit status. */
int socket_detail(const struct socket_detail *d, struct netns_list *spaces);

#endif
