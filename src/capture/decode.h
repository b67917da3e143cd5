/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the headers of one packet say: Ethernet with its tags, ARP, IPv4, IPv6 with its extension
 * headers, and what they carry. Of tunnels the outer packet alone is read. Nothing is believed
 * that does not lie within the bytes given; where those end too early, `cut` says so and what was
 * read until then stands.
 */
#ifndef WHYDROP_DECODE_H
#define WHYDROP_DECODE_H

#include "model/drop_event.h"

/* Bits of headers.tcp_flags, as in the header. */
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20
#define TCP_ECE 0x40
#define TCP_CWR 0x80

#define VLAN_TAGS_MAX 2 /* 802.1ad: of the provider and of the customer */

struct headers {
	bool has_mac; /* the bytes begin with an Ethernet header */
	uint8_t mac_destination[6], mac_source[6];
	uint8_t vlans; /* tags that are in the bytes; the kernel mostly takes them out */
	uint16_t vlan[VLAN_TAGS_MAX]; /* their ids, outermost first */
	uint16_t ethertype; /* ETH_P_*, behind the tags; 0 unknown */

	uint8_t family; /* AF_INET, AF_INET6; 0: no IP. ARP fills the addresses, too */
	uint8_t protocol; /* IPPROTO_*, behind the extension headers */
	uint8_t ttl;
	uint8_t source[16], destination[16]; /* network byte order */
	uint32_t ip_length; /* of the packet, as its header says; 0: it does not (GSO, jumbogram) */
	bool fragment;
	uint16_t fragment_at; /* bytes; only the one at 0 has the transport header */

	bool has_ports; /* TCP, UDP, UDP-Lite, SCTP, DCCP */
	uint16_t source_port, destination_port; /* host byte order */
	bool has_tcp;
	uint8_t tcp_flags;
	uint16_t window;
	uint32_t sequence, acknowledgement;
	bool has_payload;
	uint32_t payload; /* bytes behind the headers of TCP or UDP, by the lengths they state */
	bool has_icmp;	  /* of either family */
	uint8_t icmp_type, icmp_code;
	bool has_arp;
	uint16_t arp_operation;
	const char *tunnel; /* "gre", "vxlan" ...: what it carries is not read; NULL */

	bool cut; /* the bytes end within a header, or it states a length that cannot be */
	uint16_t network_at, transport_at, payload_at; /* where these begin; 0 behind the MAC: none */
};

/* From the Ethernet header, and from the IP header. */
void decode_ethernet(const uint8_t *bytes, size_t n, struct headers *ret);
void decode_ip(const uint8_t *bytes, size_t n, struct headers *ret);
/*
 * Those of a dropped packet. It has an Ethernet header only if that leads to the protocol and the
 * place that the kernel tells: other devices have other headers, and tunnels leave theirs there.
 */
void decode_event(const struct drop_event *e, struct headers *ret);

#endif
