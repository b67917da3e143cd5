/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One dropped packet, as its event told it. Aggregated drops are struct drop; of these only so many
 * are told as a token bucket for each reason and location lets through.
 */
#ifndef WHYDROP_MODEL_DROP_EVENT_H
#define WHYDROP_MODEL_DROP_EVENT_H

#include "base/base.h"

#define DROP_EVENT_BYTES 256 /* kept of a packet */
#define DROP_EVENT_STACK 24  /* frames */

struct drop_event {
	int64_t at_ns; /* CLOCK_MONOTONIC */
	char reason[48], symbol[64]; /* as in struct drop */
	uint32_t netns, ifindex; /* inode, 0 unknown; 0 none */
	char device[16]; /* "" none */
	uint16_t ethertype; /* ETH_P_*, 0 unknown */
	uint32_t length; /* of the skb, from the layer it was dropped at */
	uint32_t segments; /* wire packets it stood for */

	/* The socket that was to get it (or had sent it); family 0: none is known. */
	uint8_t family, protocol; /* of the socket: AF_*, IPPROTO_* */
	uint16_t local_port; /* host byte order */
	uint64_t cookie, inode; /* 0 unknown */
	uint32_t buffer_used, buffer_limit; /* bytes: sk_rmem_alloc and sk_rcvbuf, or the sender's */

	/* Who happened to run on that CPU: hardly ever the owner. pid 0: nobody, or a softirq in idle. */
	uint32_t task_pid;
	char task_name[16];

	/*
	 * From the MAC header where it still exists (mac_header then tells how many bytes it has), else
	 * from the IP header (network_at 0), else from skb->data (no header is known).
	 */
	uint16_t captured, mac_header, network_at;
	bool has_network; /* an IP header begins at network_at */
	uint8_t bytes[DROP_EVENT_BYTES];

	uint8_t frames; /* of the stack, innermost first; only if it was asked for */
	uint64_t stack[DROP_EVENT_STACK];
};

#endif
