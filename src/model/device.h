/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network devices as rtnetlink shows them, their queueing disciplines, and neighbours. */
#ifndef WHYDROP_DEVICE_H
#define WHYDROP_DEVICE_H

#include "model/source.h"

struct link {
	unsigned int ifindex, peer_ifindex; /* peer: IFLA_LINK, 0 if none */
	unsigned int master_ifindex; /* the bridge, bond ... that it is a port of; 0 none */
	bool peer_known_netns;		    /* the peer's namespace is given by link_netnsid */
	int link_netnsid;		    /* -1: the same namespace */
	char name[16], kind[16];	    /* kind: IFLA_INFO_KIND, "" for hardware */
	unsigned int flags, mtu, txqlen, carrier_changes;
	unsigned int carrier_downs; /* of them, times it went away; since 4.16 */
	unsigned int xdp_id; /* XDP program on it; 0 none */
	unsigned int promiscuity; /* how many ask it to listen to everything; flags tell one only */
	uint8_t operstate;
	int rp_filter, forwarding; /* RTM_GETNETCONF; -1 unknown */
	unsigned int stats_n;	   /* how many of stats the kernel gave */
	uint64_t stats[LINK_STATS]; /* index: counter id - LINK_FIRST */
};

struct qdisc {
	unsigned int ifindex;
	uint32_t handle, parent; /* as in tc: major << 16 | minor; parent 0xffffffff is the root */
	char kind[16];
	uint64_t bytes, packets;
	uint32_t drops, overlimits, requeues, qlen, backlog;
	uint64_t rate_bps, limit; /* where the options tell (tbf, fifo); 0 unknown. limit: packets or bytes */
	uint64_t burst; /* tbf: bytes, also the largest packet that passes; 0 unknown */
	bool limit_in_bytes;
};

struct neigh {
	unsigned int ifindex;
	uint8_t family;
	uint16_t state; /* NUD_* */
	uint8_t address[16];
};

struct neigh_table {
	uint8_t family;
	uint32_t entries, thresh1, thresh2, thresh3;
	uint64_t res_failed, table_fulls; /* host-wide */
};

#endif
