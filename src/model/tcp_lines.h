/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What TCP told of itself during an interval that is no drop of this host's: segments it sent
 * again, and resets, both ways. Added up by who it concerns, of all network namespaces.
 */
#ifndef WHYDROP_MODEL_TCP_LINES_H
#define WHYDROP_MODEL_TCP_LINES_H

#include "base/base.h"

enum tcp_line_kind {
	TCP_RETRANSMITTED,
	TCP_RETRANSMIT_FAILED, /* the host itself refused what was to be sent again (6.16 and later) */
	TCP_RESET_SENT,
	TCP_RESET_RECEIVED,
	TCP_LINE_KINDS,
};

struct tcp_line {
	enum tcp_line_kind kind;
	uint32_t netns; /* inode; 0 unknown */
	/* Of a reset sent, as the kernel calls it ("NO_SOCKET"), 6.10 and later; else "". */
	char reason[48];
	uint8_t state; /* of the socket then, TCP_* of include/net/tcp_states.h; 0: there was none */
	uint8_t family;	   /* AF_INET, AF_INET6 of the peer; 0: not told */
	uint8_t peer_bits; /* 24 or 64 */
	uint8_t peer[16];  /* the network that the peer is in */
	/* The lower of both ports, which is the service's: the other is 0. */
	uint16_t local_port, remote_port;
	uint64_t packets, segments; /* segments: on the wire; a packet may be several */
};

struct tcp_lines {
	int err; /* negative errno: nothing was traced */
	/* The kernel tells of every reset it sends, and why (6.10). Before: only those of sockets. */
	bool all_resets;
	VEC(struct tcp_line) lines; /* most packets first */
	uint64_t missed;	    /* packets that found no room */
};

void tcp_lines_done(struct tcp_lines *l);
/* "retransmitted", "reset-sent" ...; "SYN_SENT", "no socket". */
const char *tcp_line_kind_name(enum tcp_line_kind kind);
const char *tcp_state_name(uint8_t state);

#endif
