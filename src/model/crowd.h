/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who fills a table: its entries, and the sum of them by source, destination, port and state. */
#ifndef WHYDROP_CROWD_H
#define WHYDROP_CROWD_H

#include "base/base.h"

/* One connection, by who began it where that is known. */
struct crowd_entry {
	uint8_t family, protocol;
	uint8_t state; /* enum crowd_state */
	bool answered; /* became a whole connection; of others than TCP: the other end sent something */
	uint16_t source_port, port; /* port: the destination's */
	uint8_t source[16], destination[16];
};

enum crowd_state {
	CROWD_OTHER, /* of protocols without states */
	CROWD_SYN_SENT,
	CROWD_SYN_RECV,
	CROWD_ESTABLISHED,
	CROWD_CLOSING, /* one or both ends have said that they are done */
	CROWD_TIME_WAIT,
	CROWD_CLOSED, /* reset, or refused */
	CROWD_STATES
};
const char *crowd_state_name(enum crowd_state state);

#define CROWD_TOP 5
struct crowd_top {
	uint8_t family, address[16]; /* not of ports */
	uint16_t port;
	uint32_t n;
};

/* How many distinct ones there are, and those with most entries. */
struct crowd_rank {
	uint32_t distinct;
	size_t top_n;
	struct crowd_top top[CROWD_TOP];
};

struct crowd {
	const char *what; /* "conntrack entries"; a constant */
	uint64_t read;
	uint64_t of; /* entries there are; 0 not known */
	uint64_t unanswered;
	struct crowd_rank sources, destinations, ports;
	uint32_t aims; /* distinct addresses and ports that the busiest source turned to */
	uint32_t states[CROWD_STATES];
};

void crowd_sum(const struct crowd_entry *entries, size_t n, struct crowd *ret);

/*
 * The most entries that share both addresses and the destination's port: so many source ports are
 * taken there. *ret_one is one of them. 0: there is none.
 */
size_t crowd_thickest(const struct crowd_entry *entries, size_t n,
		      bool (*counts)(const struct crowd_entry *e, const void *arg), const void *arg,
		      struct crowd_entry *ret_one);

#endif
