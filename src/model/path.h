/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of a packet through the host: the stages, in order, and their names in output. */
#ifndef WHYDROP_PATH_H
#define WHYDROP_PATH_H

enum stage {
	STAGE_LINK,
	STAGE_RING,
	STAGE_NAPI,
	STAGE_TC,
	STAGE_L2,
	STAGE_NETFILTER,
	STAGE_CONNTRACK,
	STAGE_IP,
	STAGE_NEIGH,
	STAGE_TCP,
	STAGE_UDP,
	STAGE_OTHER,
	STAGE_SOCKET,
	STAGE_APP,
	STAGE_HOST,
	STAGE_N
};

enum direction { DIR_RX, DIR_TX, DIR_FORWARD, DIR_BOTH };

const char *stage_name(enum stage s);
const char *direction_name(enum direction d);

/* The order in which a packet meets the stages; ends with STAGE_N. */
extern const enum stage rx_path[];
extern const enum stage tx_path[];

#endif
