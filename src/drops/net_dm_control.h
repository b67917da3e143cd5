/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turning the kernel's drop_monitor on and off. There is one for the whole host, and it outlives
 * who turned it on.
 */
#ifndef WHYDROP_DROPS_NET_DM_CONTROL_H
#define WHYDROP_DROPS_NET_DM_CONTROL_H

#include "base/buf.h"

/* As NET_DM_CMD_CONFIG sets it; only while the monitor is off. */
struct net_dm_config {
	uint8_t mode; /* enum net_dm_alert_mode */
	uint32_t truncate, queue; /* bytes of a packet, 0 all of it; packets waiting on each CPU */
};

struct net_dm_control {
	uint16_t family;
	uint32_t group; /* where the packets are told */
	struct net_dm_config own, before;
	bool on, hardware; /* turned on by us; so are the drops of network cards */
};

/*
 * Finds it: -EPROTONOSUPPORT if the kernel has no drop_monitor, or its module is not loaded, or
 * this is a network namespace of a container.
 */
int net_dm_find(struct net_dm_control *c);
/* A socket that hears the packets. */
int net_dm_listen(const struct net_dm_control *c, int *ret_fd);
/*
 * Configures it and turns it on. -EBUSY: somebody else uses it. One that was left on, with nobody
 * listening, is taken over.
 */
int net_dm_on(struct net_dm_control *c, uint32_t truncate);
/* Turns it off and configures it as it was. */
void net_dm_off(struct net_dm_control *c);
/* 1: somebody had turned it off meanwhile, and it is on again; 0: it was on. */
int net_dm_still_on(struct net_dm_control *c);
/* Packets that found a CPU's queue full, since the module was loaded. */
int net_dm_queue_drops(const struct net_dm_control *c, uint64_t *ret);

/* The pure halves, for tests: answers of the kernel; a text as of /proc/net/netlink. */
int parse_net_dm_family(const struct buf *answer, struct net_dm_control *ret);
int parse_net_dm_config(const struct buf *answer, struct net_dm_config *ret);
int parse_net_dm_stats(const struct buf *answer, uint64_t *ret);
bool net_dm_has_listener(const char *text, size_t n, uint32_t group);

#endif
