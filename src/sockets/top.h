/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The worst of any number of rows: a heap of those kept, the least bad of them on top. */
#ifndef WHYDROP_SOCKETS_TOP_H
#define WHYDROP_SOCKETS_TOP_H

#include "sockets/sockets.h"

struct top {
	size_t max;
	VEC(struct sockets_row) heap;
	uint64_t left; /* that found no room */
};

void top_offer(struct top *t, const struct sockets_row *row);
/* Worst first, and among those with no trouble by protocol, port and address. */
void top_sort(struct top *t);

#endif
