/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network device as its driver tells it: what `ethtool` without and with -S, -g, -l, -a and -k
 * shows, and the queue statistics of netdev-genl. Each part is known or not: a driver answers some
 * questions and not others, and a virtual device few.
 */
#ifndef WHYDROP_NIC_H
#define WHYDROP_NIC_H

#include "base/base.h"

/* What a counter of a driver's own means. Rows: nic_stats.def; unknown names are NIC_PLAIN. */
enum nic_class {
	NIC_PLAIN,	 /* no loss, or not known to be one */
	NIC_HARMLESS,	 /* sounds like a loss and is none by itself */
	NIC_SUM,	 /* a sum of others that have a class of their own */
	NIC_RING,	 /* no free receive descriptor: the host was too slow */
	NIC_PORT_BUFFER, /* the card's own buffer was full before it came to the ring */
	NIC_BUS,	 /* the card waited for the bus (PCIe) */
	NIC_WIRE,	 /* a frame with a bad checksum: cable, optic, port */
	NIC_SIGNAL,	 /* symbols or bytes that were none, or no signal: cable, optic; no frames */
	NIC_LENGTH,	 /* a frame too long, too short, or not of whole bytes */
	NIC_CSUM,	 /* a bad checksum of IP, TCP or UDP; mostly the packet goes on */
	NIC_ALLOC,	 /* a packet was lost for want of memory */
	NIC_REFILL,	 /* no memory for a buffer of the ring; a packet may be lost by it, or none */
	NIC_FAULT,	 /* the card or its driver made an error */
	NIC_POLICY,	 /* a limit of the provider or hypervisor */
	NIC_TX,		 /* not sent */
	NIC_COLLISION,	 /* not sent: given up after collisions, or without a carrier */
	NIC_DOWN,	 /* not sent: the link was down */
	NIC_STOP,	 /* a transmit ring was full, and its queue had to wait */
	NIC_TIMEOUT,	 /* a transmit ring was stuck, and reset */
	NIC_RESET,	 /* the queue or device was reset, or the link went down */
	NIC_PAUSE,	 /* flow control */
	NIC_CLASS_N
};
const char *nic_class_name(enum nic_class c);

enum nic_scope { NIC_DEVICE, NIC_QUEUE, NIC_PORT };

/* One row of nic_stats.def. Patterns as fnmatch(3) takes them. */
struct nic_stat_row {
	const char *driver, *pattern;
	enum nic_class class;
	enum nic_scope scope;
	/* The same loss counts in this field of IFLA_STATS64 ("rx_missed_errors"), or in this other
	 * name of the driver's ("port.rx_dropped"): to be counted once. NULL: in no other. */
	const char *within;
};
/* The first row that fits; NULL: none. Costs a walk of the table, so ask for names that moved. */
const struct nic_stat_row *nic_stat_row(const char *driver, const char *name);

/* Whatever the driver: the rows that a name fits, one after another, NULL before the first. */
const struct nic_stat_row *nic_stat_next(const struct nic_stat_row *last, const char *name);

/* One row of nic_silent.def: no counter of this driver tells what its ring lost. */
struct nic_silent_row {
	const char *driver, *unless, *why, *unlock;
};
struct nic;
struct snapshot;
/* NULL: its counters are filled, or its driver is not known to leave them out. */
const struct nic_silent_row *nic_silent(const struct snapshot *s, const struct nic *nic);

/* A counter of `ethtool -S`. Names are the driver's own; leading blanks are taken off. */
struct nic_stat {
	char name[33]; /* ETH_GSTRING_LEN, and a NUL that a full one does not have */
	uint64_t value;
};

/* ethtool's standard groups; rows: nic_groups.def. */
enum nic_group_id {
#define G(id, ...) NG_##id,
#include "model/nic_groups.def"
#undef G
	NIC_GROUP_N
};
struct nic_group_row {
	const char *name; /* as `ethtool -S DEV --all-groups` prints it */
	enum nic_class class;
};
extern const struct nic_group_row nic_group_rows[NIC_GROUP_N];

enum nic_feature {
#define F(id, name) NF_##id,
#include "model/nic_features.def"
#undef F
	NIC_FEATURE_N
};
extern const char *const nic_feature_names[NIC_FEATURE_N]; /* as `ethtool -k` prints them */

/* A link mode; speed 0: none known. */
struct nic_mode {
	uint32_t speed; /* Mbit/s */
	bool full;	/* duplex */
};

struct nic_rings {
	bool known;
	uint32_t rx, rx_mini, rx_jumbo, tx;		    /* descriptors of each queue */
	uint32_t rx_max, rx_mini_max, rx_jumbo_max, tx_max; /* 0: not told */
};

struct nic_channels {
	bool known;
	uint32_t rx, tx, other, combined, rx_max, tx_max, other_max, combined_max;
};

struct nic_pause {
	bool known, autoneg, rx, tx;
	bool frames_known;
	uint64_t rx_frames, tx_frames; /* asked to stop; asked others to stop */
};

/* When a card interrupts for packets received: so long after the first, or when so many are there. */
struct nic_coalesce {
	bool known, adaptive; /* adaptive: the driver changes both by itself */
	uint32_t rx_usecs, rx_frames;
};

#define NIC_DUPLEX_HALF 0
#define NIC_DUPLEX_FULL 1
#define NIC_DUPLEX_UNKNOWN 0xff

struct nic {
	unsigned int ifindex;
	char driver[33], bus[33], firmware[33]; /* "" unknown; bus: "0000:00:03.0" */
	uint32_t speed;				/* Mbit/s; 0 unknown (virtual, or no carrier) */
	uint8_t duplex;				/* NIC_DUPLEX_* */
	int autoneg;				/* -1 unknown */
	int detected;				/* carrier by the driver's word; -1 unknown */
	/* The best of what the port can do, what it offers, what the peer offers (only if both
	 * negotiate), and of what both offer. */
	struct nic_mode supported, advertised, peer, common;
	struct nic_rings rings;
	struct nic_channels channels;
	struct nic_pause pause;
	struct nic_coalesce coalesce;
	uint32_t features_known, features_on, features_fixed; /* 1 << enum nic_feature */
	bool down_count_known;
	uint32_t down_count; /* times the physical link went down: ETHTOOL_A_LINKSTATE_EXT_DOWN_CNT
			      */
	uint64_t group[NIC_GROUP_N];
	bool group_present[NIC_GROUP_N];
	int stats_err; /* why there are no stats: negative errno */
	VEC(struct nic_stat) stats;
};
void nic_done(struct nic *n);

/* Queue statistics of netdev-genl; rows: nic_qstats.def. */
enum nic_qstat_id {
#define Q(id, ...) NQ_##id,
#include "model/nic_qstats.def"
#undef Q
	NIC_QSTAT_N
};
struct nic_qstat_row {
	const char *name;
	enum nic_class class;
};
extern const struct nic_qstat_row nic_qstat_rows[NIC_QSTAT_N];

/* A queue's, or (queue -1) the whole device's, with those of queues that are gone by now. */
struct nic_queue {
	unsigned int ifindex;
	bool tx;
	int queue;
	uint64_t value[NIC_QSTAT_N];
	bool present[NIC_QSTAT_N];
};

#endif
