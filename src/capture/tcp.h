/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP connections followed packet by packet, both directions, from wherever the capture was made:
 * near the sender a segment that is sent again was seen before; near the receiver it fills a hole.
 */
#ifndef WHYDROP_CAPTURE_TCP_H
#define WHYDROP_CAPTURE_TCP_H

#include "capture/flow.h"

/* What a packet turned out to be. */
enum note {
	NOTE_SYN_AGAIN = 1 << 0,
	NOTE_FAST = 1 << 1,
	NOTE_TLP = 1 << 2,
	NOTE_RTO = 1 << 3,
	NOTE_RTO_RECOVERY = 1 << 4,
	NOTE_LOST_AGAIN = 1 << 5,
	NOTE_AGAIN_UNKNOWN = 1 << 6,
	NOTE_SPURIOUS = 1 << 7,
	NOTE_DUPLICATE = 1 << 8,
	NOTE_REORDERED = 1 << 9,
	NOTE_LATE = 1 << 10,
	NOTE_HOLE = 1 << 11,
	NOTE_GAP = 1 << 12,
	NOTE_DUP_ACK = 1 << 13,
	NOTE_DSACK = 1 << 14,
	NOTE_ZERO_WINDOW = 1 << 15,
	NOTE_WINDOW_OPENS = 1 << 16,
	NOTE_PROBE = 1 << 17,
	NOTE_KEEPALIVE = 1 << 18,
	NOTE_RESET = 1 << 19,
	NOTE_CHALLENGE = 1 << 20,
	NOTE_AFTER_RESET = 1 << 21,
	NOTE_OPEN = 1 << 22,
};

/* Returns notes. */
uint32_t tcp_packet(struct flows *t, struct flow *f, const struct cap_packet *p);
/* Is this SYN the beginning of another connection between the same ports? */
bool tcp_is_new(const struct flow *f, const struct cap_packet *p);
/* The packet of a noted SYN again. */
void tcp_syn_of(const struct lone_syn *h, struct cap_packet *ret);
/* tcp_limits.c; per cent of the time by enum held_by, 100 in all. False: it was never watched. */
bool tcp_limited_percent(const struct half *h, unsigned int ret[HELD_N]);
/* From the sender to the receiver and back, wherever the capture is; 0 unknown. */
int64_t tcp_whole_rtt_ns(const struct half *h, const struct half *peer);
/* The largest window in bytes; 0: without both SYNs its scale is not known. */
uint64_t tcp_window_top(const struct half *h, const struct half *peer);
/* What the peer's largest window lets h send; 0 unknown. */
double tcp_ceiling_mbit(const struct half *h, const struct half *peer);
/* Else the shares are an estimate: an ACK takes its time to the sender. */
bool tcp_near_sender(const struct half *h, const struct half *peer);
/* Packets that were lost before the capture, as identifications tell; 0 also where they do not. */
uint32_t tcp_ids_lost(const struct half *h);
/* How many segments of the wire a captured packet is: GSO and GRO hand over several at once. */
uint32_t tcp_segments(const struct half *h, const struct half *peer, uint32_t payload);

#endif
