/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What tcp.bpf.c and tcp_lines.c share. Keys are compared byte by byte, so padding is spelled out
 * and always zero. Ports are in host byte order.
 */
#ifndef WHYDROP_DROPS_TCP_RECORD_H
#define WHYDROP_DROPS_TCP_RECORD_H

#include <linux/types.h>

struct tcp_key {
	__u8 peer[8]; /* the network it is in: 3 bytes of IPv4 (/24), 8 of IPv6 (/64) */
	__u32 netns, reason; /* enum sk_rst_reason; an errno of what failed or ended */
	__u16 local_port, remote_port; /* the service's alone, see tcp_line */
	__u8 kind, state, family; /* enum tcp_line_kind, TCP_* (0 none), AF_* (0 unknown) */
	__u8 unasked;		  /* enum tcp_unasked */
};

/* A reset that answers no segment is the program's or a timer's. */
enum tcp_unasked { TCP_ASKED, TCP_UNASKED, TCP_UNASKED_UNREAD /* data had arrived, nobody read it */ };

struct tcp_value {
	__u64 packets, segments;
	__u64 lossy, unread, unsent; /* see struct tcp_line */
	__u64 idle, idle_least_ms, idle_most_ms;
};

#define TCP_IDLE_LEAST_MS 3000 /* a connection of whose peer nothing came for so long is idle */

#define TCP_ENTRIES 2048
#define TCP_ENTRIES_IN_FULL (TCP_ENTRIES / 4 * 3) /* from here on new keys have no peer */

#endif
