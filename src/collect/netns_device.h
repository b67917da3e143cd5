/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which network namespace a device of this number is in, for those who are told nothing else of a
 * packet (drop_monitor): numbers are given out in each namespace anew, so it is known only where
 * no second namespace has a device of that number. "lo" is 1 in all of them.
 */
#ifndef WHYDROP_NETNS_DEVICE_H
#define WHYDROP_NETNS_DEVICE_H

#include "collect/netns.h"

struct netns_device {
	uint32_t ifindex, netns;
};

struct netns_place {
	uint32_t netns;
	int fd; /* -1: our own */
};

struct netns_devices {
	VEC(struct netns_place) places;
	VEC(struct netns_device) known; /* what was asked since they were listed */
	int home; /* an open nsfs file of our own; 0: none */
	int64_t listed_ns;
	bool closed; /* there are more, that may not be entered */
};

void netns_devices_done(struct netns_devices *d);
/* The namespace's inode; 0: unknown. `arg` is the struct netns_devices, zeroed at first. */
uint32_t netns_of_device(uint32_t ifindex, void *arg);

#endif
