// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/path.h"

static const char *const stage_names[STAGE_N] = {
	[STAGE_LINK] = "link",	 [STAGE_RING] = "ring",		  [STAGE_NAPI] = "napi",
	[STAGE_TC] = "tc",	 [STAGE_L2] = "l2",		  [STAGE_NETFILTER] = "netfilter",
	[STAGE_IP] = "ip",	 [STAGE_CONNTRACK] = "conntrack", [STAGE_NEIGH] = "neigh",
	[STAGE_TCP] = "tcp",	 [STAGE_UDP] = "udp",		  [STAGE_OTHER] = "other",
	[STAGE_SOCKET] = "socket", [STAGE_APP] = "app",		  [STAGE_HOST] = "host",
};

const char *stage_name(enum stage s)
{
	return stage_names[s];
}

const char *direction_name(enum direction d)
{
	static const char *const names[] = {"rx", "tx", "forward", "both"};

	return names[d];
}

const enum stage rx_path[] = {STAGE_LINK,  STAGE_RING,	    STAGE_NAPI,	     STAGE_TC,
			      STAGE_L2,	   STAGE_NETFILTER, STAGE_CONNTRACK, STAGE_IP,
			      STAGE_TCP,   STAGE_UDP,	    STAGE_OTHER,     STAGE_SOCKET,
			      STAGE_APP,   STAGE_N};
const enum stage tx_path[] = {STAGE_APP,       STAGE_SOCKET,	STAGE_TCP,	 STAGE_UDP,
			      STAGE_OTHER,     STAGE_IP,	STAGE_NETFILTER, STAGE_CONNTRACK,
			      STAGE_NEIGH,     STAGE_TC,	STAGE_L2,	 STAGE_RING,
			      STAGE_LINK,      STAGE_N};
