/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which rule or policy a single packet met that the firewall dropped: after diagnose(), by the same
 * walk through the rules, and the same counters, that told how many each of them dropped.
 */
#ifndef WHYDROP_FW_PACKETS_H
#define WHYDROP_FW_PACKETS_H

#include "causes/cause.h"

struct fw_packet {
	struct drop_flow flow; /* the packet; its number of packets is not looked at */
	bool found;
	struct rule_ref rule; /* its text belongs to the diagnosis */
	enum confidence confidence; /* that it was this one */
	const struct cause_row *cause; /* of a finding that names it; NULL */
};

/* Packets of d->observations[at] whose reason is NETFILTER_DROP. */
void fw_packets(struct diagnosis *d, size_t at, struct fw_packet *packets, size_t n);

#endif
