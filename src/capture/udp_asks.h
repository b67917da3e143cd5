/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that carry a number, which their answers repeat: DNS (RFC 1035, 4.1.1), RADIUS (2865, 3), DHCP
 * (2131, 2), NTP (5905, 7.3: the time of the request) and STUN (8489, 5). Those under way are kept in a table
 * of fixed size; what it has no room for is not counted at all.
 */
#ifndef WHYDROP_UDP_ASKS_H
#define WHYDROP_UDP_ASKS_H

#include "capture/flow.h"

#define ANSWER_NS NSEC_PER_SEC /* whoever has not answered by then, does not */

struct udp_ask {
	uint64_t number;   /* of the request */
	struct flow *flow; /* NULL: a free place. It may be another's by now: `flow_number` */
	uint32_t flow_number;
	uint8_t from;
	bool answered, again; /* again: it was asked more than once */
	int64_t at_ns;
};

struct udp_asks {
	struct udp_ask *ask; /* NULL until the first */
};

/* Is it one of these services? The port of the server. */
bool udp_has_numbers(uint16_t port);
/* A packet of a flow to or from such a port. */
void udp_asks_take(struct udp_asks *asks, struct flow *f, const struct cap_packet *p);
/* Unanswered requests of a flow since then. */
uint32_t udp_asks_open(const struct udp_asks *asks, const struct flow *f, int64_t since_ns);

#endif
