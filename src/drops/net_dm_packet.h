/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One packet as drop_monitor tells it (NET_DM_CMD_PACKET_ALERT), and what its headers say. */
#ifndef WHYDROP_DROPS_NET_DM_PACKET_H
#define WHYDROP_DROPS_NET_DM_PACKET_H

#include "model/drop_event.h"
#include "model/drops.h"

struct nlmsghdr;

/* What is lent is the message's. */
struct net_dm_packet {
	bool hardware;
	char reason[48], symbol[64]; /* as in struct drop */
	uint32_t ifindex; /* of the device it came in by, in a namespace that is not told; 0 none */
	int64_t at_ns; /* CLOCK_REALTIME */
	uint16_t ethertype;
	uint32_t length; /* of the packet with its link header; captured tells what is here of it */
	const uint8_t *bytes;
	size_t captured;

	/* From the bytes. */
	size_t network_at; /* where its IP header begins */
	uint8_t family, protocol; /* AF_INET, AF_INET6; 0: no IP header was found */
	uint8_t source[16], destination[16];
	uint16_t source_port, destination_port;
};

/* -EBADMSG: malformed; -ENOMSG: another message of this family. */
int net_dm_packet_parse(const struct nlmsghdr *h, struct net_dm_packet *ret);

#endif
