/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet of a capture, as the analysis of its connection needs it: from any link type, behind
 * VLAN tags and tunnels (of which the innermost packet is read), at two million a second and more.
 * What is not plain IPv4 or IPv6 with TCP or UDP is left to decode.h.
 */
#ifndef WHYDROP_PACKET_H
#define WHYDROP_PACKET_H

#include "capture/decode.h"
#include "capture/reader.h"

#define SACKS_MAX 4

/* The lower end is `a`, so that both directions have one key. */
struct flow_key {
	uint8_t address[2][16];
	uint16_t port[2];
	uint8_t family, protocol;
	uint16_t zero;
};

/* Unread: of a link type that is not known. */
enum packet_kind { PACKET_UNREAD, PACKET_OTHER, PACKET_TCP, PACKET_UDP, PACKET_ICMP_ERROR };

/*
 * Decoded in one thread and looked at in another: what most of TCP needs stands in the first two cache
 * lines, so that the third need not come over from the other processor.
 */
struct cap_packet {
	uint64_t number;
	int64_t at_ns;
	struct flow_key key; /* of an ICMP error: of the packet it quotes */
	uint32_t hash;	     /* of the key, if whoever has the table wants one */
	enum packet_kind kind;

	const uint8_t *ip, *transport;
	uint32_t ip_length; /* as its header says, else as it was on the wire */
	uint16_t linktype;
	uint16_t id;
	uint8_t ttl;
	bool has_id;  /* IPv4 */
	uint8_t from; /* the end in the key that sent it (the quoted one) */
	bool cut;     /* its headers are not whole in the capture */
	bool fragment, tunnelled;

	/* TCP; `payload` of UDP, too */
	uint8_t flags;
	bool has_ts, sack_permitted, has_scale;
	uint8_t scale, sacks;
	uint16_t window;
	uint16_t mss; /* 0: no such option */
	uint32_t seq, ack, payload;
	uint32_t tsval, tsecr;

	const char *not_ip;   /* why it is none of the others: "ARP", "not IP"; NULL */
	uint32_t ip_captured; /* bytes from `ip` on that are here */
	uint32_t transport_captured;
	uint32_t transport_length; /* header and payload */

	/* ICMP errors: who says so is `ip`'s source */
	uint8_t icmp_type, icmp_code;
	uint32_t icmp_mtu;

	struct {
		uint32_t from, to;
	} sack[SACKS_MAX];
} __attribute__((aligned(64)));

/* False: the link type is not known, and nothing was read (PACKET_UNREAD). */
bool packet_decode(const struct raw_packet *raw, struct cap_packet *ret);
bool packet_linktype_known(uint16_t linktype);

#endif
