/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RTP, known by its look: version 2, one source, sequence numbers that go on by one. RFC 3550, A.1 (what is
 * a stream), A.3 (losses), A.8 (jitter).
 */
#ifndef WHYDROP_RTP_H
#define WHYDROP_RTP_H

#include "capture/packet.h"

/* What is followed; a zeroed one is none yet. */
struct rtp {
	uint32_t ssrc, first_stamp, last_stamp, rate; /* rate: of its clock, Hz; 0: not known yet */
	uint32_t base, top;		  /* sequence numbers, of which `top` counts the turns */
	uint32_t received, in_order, strange;
	uint64_t seen; /* a bit for each of the last 64 below `top` */
	int64_t first_ns, last_ns; /* last: of the newest packet, as `last_stamp` */
	double jitter_ns;
	uint8_t type;
	bool begun;
};

struct udp_sum {
	uint32_t asked, answered, late; /* requests that have a number, by what was answered */
	uint32_t rtp_lost, rtp_of;	/* rtp_of: packets that its numbers stand for; 0: it is no RTP */
	uint32_t ssrc;
	int64_t jitter_ns;
	uint64_t first_late, first_lost;
	uint8_t type;
};

/* Does it look like it at all? Then rtp_take() has a say. */
bool rtp_looks(const struct cap_packet *p);
void rtp_take(struct rtp *r, const struct cap_packet *p, struct udp_sum *sum);

#endif
