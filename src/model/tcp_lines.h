/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What TCP told of itself during an interval that is no drop of this host's: segments it sent
 * again, resets, both ways, and how connections began and ended. Added up by who it concerns, of
 * all network namespaces.
 */
#ifndef WHYDROP_MODEL_TCP_LINES_H
#define WHYDROP_MODEL_TCP_LINES_H

#include "base/base.h"

enum tcp_line_kind {
	TCP_RETRANSMITTED,
	TCP_RETRANSMIT_FAILED, /* the host itself refused what was to be sent again (6.16 and later) */
	TCP_RESET_SENT,
	TCP_RESET_RECEIVED, /* also where this end resets because data came after it had closed */
	/* The rest only where it was asked for; `packets` are connections, `segments` 0. */
	TCP_ACCEPTED,	    /* by a listener: local_port is its port */
	TCP_CONNECTED,	    /* to remote_port */
	TCP_CONNECT_FAILED, /* connect() to remote_port; `error` says how */
	TCP_ENDED,	    /* at once: with `error`, or (0) this end aborted it. `state`: until then */
	TCP_CLOSED_HERE,    /* orderly, and this end was the first: it gets the TIME_WAIT */
	TCP_CLOSED_BY_PEER, /* orderly, and the other end was */
	TCP_LINE_KINDS,
};

struct tcp_line {
	enum tcp_line_kind kind;
	uint32_t netns; /* inode; 0 unknown */
	/*
	 * Of a reset sent, as the kernel calls it ("NO_SOCKET"). Before 6.12 it has no words for closes,
	 * before 6.10 for nothing: then those that the socket tells have these of 6.12,
	 * TCP_ABORT_ON_CLOSE, TCP_STATE and TCP_ABORT_ON_DATA, and the others none.
	 */
	char reason[48];
	/*
	 * An errno, positive: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ECONNRESET, EPIPE ... Of a
	 * connect() also EADDRNOTAVAIL (no local port was left); 0: the program gave up before.
	 */
	uint16_t error;
	bool unasked; /* a reset sent that answers no segment: the program closed, or a timer ran out */
	uint8_t state; /* of the socket then, TCP_* of include/net/tcp_states.h; 0: there was none */
	uint8_t family;	   /* AF_INET, AF_INET6 of the peer; 0: not told */
	uint8_t peer_bits; /* 24 or 64 */
	uint8_t peer[16];  /* the network that the peer is in */
	/* The lower of both ports, which is the service's: the other is 0. */
	uint16_t local_port, remote_port;
	uint64_t packets, segments; /* segments: on the wire; a packet may be several */
	/*
	 * Of resets: how many threw data away, and how many bytes. unread: had arrived, or came after
	 * the program had closed; what is no larger than a TLS alert does not make a reset lossy, as a
	 * close_notify need not be read. unsent: was written here and not acknowledged by the peer.
	 */
	uint64_t lossy, unread, unsent;
	/* Of resets received: how many came when nothing had come from the peer for 3 s, and for how long. */
	uint64_t idle, idle_least_ms, idle_most_ms;
};

struct tcp_lines {
	int err; /* negative errno: nothing was traced */
	/* The kernel tells of every reset it sends, and why (6.10). Before: only those of sockets. */
	bool all_resets;
	bool states; /* how connections begin and end is among the lines, all of it */
	VEC(struct tcp_line) lines; /* most packets first */
	uint64_t missed;	    /* packets that found no room */
};

void tcp_lines_done(struct tcp_lines *l);
/* "retransmitted", "reset-sent" ...; "SYN_SENT", "no socket". */
const char *tcp_line_kind_name(enum tcp_line_kind kind);
const char *tcp_state_name(uint8_t state);
/* "10.0.0.0/24"; NULL: the line names no peer. `to` has room for any. */
#define TCP_PEER_TEXT 64
const char *tcp_line_peer(const struct tcp_line *l, char *to, size_t size);

#endif
