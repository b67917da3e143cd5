/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a loss begin? Told by few counters that cost little to read, for who waits for one. */
#ifndef WHYDROP_ONSET_H
#define WHYDROP_ONSET_H

#include "model/config.h"
#include "model/observation.h"

/* What is read for it. What firewall rules drop has no counter that would be cheap. */
#define ONSET_SOURCES                                                                              \
	(SOURCE_BIT(SRC_SNMP) | SOURCE_BIT(SRC_SNMP6) | SOURCE_BIT(SRC_NETSTAT) |                  \
	 SOURCE_BIT(SRC_SOFTNET) | SOURCE_BIT(SRC_CONNTRACK) | SOURCE_BIT(SRC_LINK) |              \
	 SOURCE_BIT(SRC_QDISC))

struct onset {
	const char *counter; /* the kernel's name */
	char device[16];     /* "" none */
	uint64_t delta;
};

/*
 * The counter that rose most of those that mean a loss, if it rose by as much as a loss must to be
 * told (loss-packets); or retransmissions that are no healthy host's. `step` is a second or so.
 */
bool onset_of(const struct config *config, const struct observation *step, struct onset *ret);
/* Any of them rose at all. */
bool loss_counted(const struct observation *step);

#endif
