/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Losses counted by the IPv4 identification. Linux steps it by one for each packet of a connected
 * socket that may not be fragmented (ip_select_ident_segs, include/net/ip.h): what is missing of the
 * series was lost before the capture, no sequence number needed. Nothing is said of senders that
 * leave it 0, draw it at random, or count for all their sockets at once.
 */
#ifndef WHYDROP_IPID_H
#define WHYDROP_IPID_H

#include "base/base.h"

struct id_count {
	uint16_t last;
	bool seen, wild;  /* wild: it is no series */
	uint32_t steps, ones;
	uint32_t missing;
	uint32_t first_gap; /* number of the packet behind the first, its lower 32 bits */
};

void ipid_take(struct id_count *c, uint16_t id, bool whole, uint64_t number);
/* 0: none, or nothing can be said. */
uint32_t ipid_lost(const struct id_count *c);

#endif
