/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network devices as rtnetlink shows them, their queueing disciplines, and neighbours. */
#ifndef WHYDROP_DEVICE_H
#define WHYDROP_DEVICE_H

#include "model/source.h"

enum link_info {
#define I(id, ...) INFO_##id,
#include "model/link_info.def"
#undef I
	LINK_INFO_N
};
#define INFO_UNKNOWN UINT32_MAX

struct link {
	/* peer: IFLA_LINK, the other end of a veth, or the device below; 0 if none */
	unsigned int ifindex, peer_ifindex;
	unsigned int master_ifindex; /* the bridge, bond ... that it is a port of; 0 none */
	bool peer_known_netns;		    /* the peer's namespace is given by link_netnsid */
	int link_netnsid;		    /* -1: the same namespace */
	char name[16], kind[16];	    /* kind: IFLA_INFO_KIND, "" for hardware */
	char port_kind[16];		    /* what its master is: "bridge", "bond" */
	uint32_t info[LINK_INFO_N];	    /* of its kind and its master's alone: see link_info() */
	unsigned int flags, mtu, txqlen, carrier_changes;
	unsigned int carrier_downs; /* of them, times it went away; since 4.16 */
	unsigned int xdp_id; /* XDP program on it; 0 none */
	unsigned int promiscuity; /* how many ask it to listen to everything; flags tell one only */
	uint8_t operstate;
	int rp_filter, forwarding; /* RTM_GETNETCONF; -1 unknown */
	int arp_ignore, arp_filter; /* the device's own, without conf.all; -1 unknown */
	uint8_t mac[6];		    /* zero: it has none, or an address of another length */
	unsigned int stats_n;	   /* how many of stats the kernel gave */
	uint64_t stats[LINK_STATS]; /* index: counter id - LINK_FIRST */
};

/* The device that a link of this namespace names in another one, as that one has it. */
struct peer {
	int netnsid;
	unsigned int ifindex, mtu, flags;
	char name[16], kind[16];
};

/* Another namespace: the number it has in this one, and which it is. */
struct netns_id {
	int netnsid;
	uint32_t inode; /* of its nsfs file */
	char name[64];	/* as struct netns; "" none */
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
	bool fq_known; /* of a fq: packets it dropped because their flow had too many, and because
			* they were to be sent too late; both are within drops */
	uint64_t fq_flow_drops, fq_horizon_drops;
	uint64_t fq_flow_limit; /* packets of one flow; 0 unknown */
};

struct neigh {
	unsigned int ifindex;
	uint8_t family;
	uint16_t state; /* NUD_* */
	uint8_t address[16];
};

/* A neighbour whose hardware address is known. */
struct neigh_mac {
	unsigned int ifindex;
	uint8_t family;
	uint16_t state; /* NUD_*; NUD_PERMANENT: somebody entered it by hand */
	uint8_t address[16], mac[6];
};

/* An address of this namespace. */
struct address {
	unsigned int ifindex;
	uint8_t family, prefix; /* AF_INET or AF_INET6; bits of the network */
	uint32_t flags;		/* IFA_F_* */
	uint8_t address[16];
};

struct neigh_table {
	uint8_t family;
	uint32_t entries, thresh1, thresh2, thresh3;
	uint64_t res_failed, table_fulls; /* host-wide */
};

#endif
