// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Link headers: https://www.tcpdump.org/linktypes.html; TCP options: RFC 9293, 7323, 2018; tunnels:
 * RFC 2784 and 2890 (GRE), 7348 (VXLAN), 2003 and 4213 (IP in IP).
 */
#include "capture/packet.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "capture/bytes.h"

#define TUNNELS_MAX 4
#define VXLAN_PORT 4789
#define GRE_TEB 0x6558 /* transparent Ethernet bridging */
#define PROTOCOL_ICMPV6 58

/* What is left to be read of the frame. */
struct rest {
	const uint8_t *at;
	uint32_t n;	 /* captured */
	uint32_t length; /* on the wire */
	unsigned int tunnels;
};

static bool advance(struct rest *r, uint32_t by)
{
	if (r->n < by)
		return false;
	r->at += by;
	r->n -= by;
	r->length -= MIN(by, r->length);
	return true;
}

static void network(struct rest r, struct cap_packet *p);
static void ethernet(struct rest r, struct cap_packet *p);

/* ---- the two ends ---- */

static inline void set_ends(struct cap_packet *p, const uint8_t *from, const uint8_t *to, uint8_t family,
			    uint8_t protocol, uint16_t from_port, uint16_t to_port)
{
	uint8_t f;

	if (family == AF_INET) {
		uint32_t a = be32(from), b = be32(to);

		f = a != b ? a > b : from_port > to_port;
		memset(p->key.address, 0, sizeof(p->key.address));
		memcpy(p->key.address[f], from, 4);
		memcpy(p->key.address[!f], to, 4);
	} else {
		int order = memcmp(from, to, 16);

		f = order ? order > 0 : from_port > to_port;
		memcpy(p->key.address[f], from, 16);
		memcpy(p->key.address[!f], to, 16);
	}
	p->from = f;
	p->key.port[f] = from_port;
	p->key.port[!f] = to_port;
	p->key.family = family;
	p->key.protocol = protocol;
	p->key.zero = 0;
}

/* ---- transport ---- */

static void sack_option(struct cap_packet *p, const uint8_t *o, size_t size)
{
	for (o += 2, size -= 2; size >= 8 && p->sacks < SACKS_MAX; o += 8, size -= 8) {
		p->sack[p->sacks].from = be32(o);
		p->sack[p->sacks++].to = be32(o + 4);
	}
}

static void tcp_options(struct cap_packet *p, const uint8_t *o, size_t n)
{
	while (n >= 2 && o[0]) {
		size_t size = o[0] == 1 ? 1 : o[1];

		if (o[0] != 1 && (size < 2 || size > n))
			return;
		if (o[0] == 8 && size == 10) {
			p->has_ts = true;
			p->tsval = be32(o + 2);
			p->tsecr = be32(o + 6);
		} else if (o[0] == 2 && size == 4) {
			p->mss = be16(o + 2);
		} else if (o[0] == 3 && size == 3) {
			p->has_scale = true;
			p->scale = MIN(o[2], 14); /* RFC 7323, 2.3 */
		} else if (o[0] == 4 && size == 2) {
			p->sack_permitted = true;
		} else if (o[0] == 5) {
			sack_option(p, o, size);
		}
		o += size;
		n -= size;
	}
}

static inline void take_tcp(struct cap_packet *p, const uint8_t *from, const uint8_t *to, uint8_t family)
{
	const uint8_t *t = p->transport;
	uint32_t header;

	if (p->transport_captured < 20 || (header = (uint32_t)(t[12] >> 4) * 4) < 20) {
		p->cut = true;
		return;
	}
	p->kind = PACKET_TCP;
	set_ends(p, from, to, family, IPPROTO_TCP, be16(t), be16(t + 2));
	p->seq = be32(t + 4);
	p->ack = be32(t + 8);
	p->flags = t[13];
	p->window = be16(t + 14);
	p->payload = p->transport_length > header ? p->transport_length - header : 0;
	if (header == 32 && p->transport_captured >= 32 && be32(t + 20) == 0x0101080a) {
		p->has_ts = true;
		p->tsval = be32(t + 24);
		p->tsecr = be32(t + 28);
	} else if (header > 20) {
		tcp_options(p, t + 20, MIN(header, p->transport_captured) - 20);
	}
}

static void take_udp(struct rest r, struct cap_packet *p, const uint8_t *from, const uint8_t *to,
		     uint8_t family)
{
	const uint8_t *t = p->transport;

	if (p->transport_captured < 8) {
		p->cut = true;
		return;
	}
	if (be16(t + 2) == VXLAN_PORT && p->transport_captured >= 16 && (t[8] & 8) &&
	    r.tunnels < TUNNELS_MAX && advance(&r, 16)) {
		r.tunnels++;
		p->tunnelled = true;
		ethernet(r, p);
		return;
	}
	p->kind = PACKET_UDP;
	set_ends(p, from, to, family, IPPROTO_UDP, be16(t), be16(t + 2));
	p->payload = p->transport_length > 8 ? p->transport_length - 8 : 0;
}

static bool is_error(uint8_t family, uint8_t type)
{
	if (family == AF_INET)
		return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
	return type >= 1 && type <= 4;
}

/* Its key is that of the packet it quotes, which its sender got and did not deliver. */
static void take_icmp(struct cap_packet *p, uint8_t family)
{
	const uint8_t *t = p->transport;
	struct headers h;

	if (p->transport_captured < 8 + 20 || !is_error(family, t[0]))
		return;
	decode_ip(t + 8, p->transport_captured - 8, &h);
	if (!h.family || !h.has_ports)
		return;
	p->kind = PACKET_ICMP_ERROR;
	p->icmp_type = t[0];
	p->icmp_code = t[1];
	p->icmp_mtu = family == AF_INET ? be16(t + 6) : be32(t + 4);
	p->seq = h.has_tcp ? h.sequence : 0;
	set_ends(p, h.source, h.destination, h.family, h.protocol, h.source_port,
		 h.destination_port);
}

static void take_gre(struct rest r, struct cap_packet *p)
{
	uint32_t header = 4;
	uint16_t flags, type;

	if (r.n < 4)
		return;
	flags = be16(r.at);
	type = be16(r.at + 2);
	if (flags & 7) /* version 1 carries PPP */
		return;
	header += (flags & 0x8000 ? 4 : 0) + (flags & 0x2000 ? 4 : 0) + (flags & 0x1000 ? 4 : 0);
	if (r.tunnels++ >= TUNNELS_MAX || !advance(&r, header))
		return;
	p->tunnelled = true;
	if (type == GRE_TEB)
		ethernet(r, p);
	else if (type == ETH_P_IP || type == ETH_P_IPV6)
		network(r, p);
}

static void transport(struct rest r, struct cap_packet *p, const uint8_t *from, const uint8_t *to,
		      uint8_t family, uint8_t protocol)
{
	p->transport = r.at;
	p->transport_captured = MIN(r.n, p->transport_length);
	switch (protocol) {
	case IPPROTO_TCP:
		take_tcp(p, from, to, family);
		return;
	case IPPROTO_UDP:
		take_udp(r, p, from, to, family);
		return;
	case IPPROTO_ICMP:
	case PROTOCOL_ICMPV6:
		take_icmp(p, family);
		return;
	case IPPROTO_GRE:
		take_gre(r, p);
		return;
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		if (r.tunnels++ < TUNNELS_MAX) {
			p->tunnelled = true;
			network(r, p);
		}
	}
}

/* ---- network ---- */

/* Extension headers, fragments, and what does not fit together. */
static void unusual(struct rest r, struct cap_packet *p)
{
	struct headers h;
	uint32_t ip_length;

	decode_ip(r.at, r.n, &h);
	p->cut = h.cut;
	if (!h.family) {
		p->not_ip = "not IP";
		return;
	}
	p->ip = r.at;
	p->ip_captured = r.n;
	p->fragment = h.fragment;
	ip_length = h.ip_length ? h.ip_length : r.length;
	p->ip_length = ip_length;
	p->ttl = h.ttl;
	p->has_id = h.family == AF_INET;
	p->id = p->has_id ? be16(r.at + 4) : 0;
	/* Only the first fragment has the header; and a tunnel's length is its own affair. */
	if (h.fragment_at || !h.transport_at || ip_length < h.transport_at ||
	    !advance(&r, h.transport_at))
		return;
	p->transport_length = ip_length - h.transport_at;
	transport(r, p, h.source, h.destination, h.family, h.protocol);
}

static void ipv4(struct rest r, struct cap_packet *p)
{
	const uint8_t *b = r.at;
	uint32_t total = be16(b + 2);

	/* No options, no fragment. A length of 0 is that of a packet not yet cut into segments. */
	if (r.n < 20 || b[0] != 0x45 || (be16(b + 6) & 0x3fff) || total < 20) {
		unusual(r, p);
		return;
	}
	p->ip = b;
	p->ip_captured = r.n;
	p->ip_length = total;
	p->ttl = b[8];
	p->has_id = true;
	p->id = be16(b + 4);
	p->transport_length = total - 20;
	advance(&r, 20);
	transport(r, p, b + 12, b + 16, AF_INET, b[9]);
}

static void ipv6(struct rest r, struct cap_packet *p)
{
	const uint8_t *b = r.at;
	uint32_t payload;

	if (r.n < 40 || (b[6] != IPPROTO_TCP && b[6] != IPPROTO_UDP && b[6] != PROTOCOL_ICMPV6) ||
	    !(payload = be16(b + 4))) {
		unusual(r, p);
		return;
	}
	p->ip = b;
	p->ip_captured = r.n;
	p->ip_length = payload + 40;
	p->ttl = b[7];
	p->transport_length = payload;
	advance(&r, 40);
	transport(r, p, b + 8, b + 24, AF_INET6, b[6]);
}

static void network(struct rest r, struct cap_packet *p)
{
	if (r.n >= 20 && r.at[0] >> 4 == 4)
		ipv4(r, p);
	else if (r.n >= 20 && r.at[0] >> 4 == 6)
		ipv6(r, p);
	else if (r.n < 20)
		p->cut = true;
	else
		p->not_ip = "not IP";
}

/* ---- link ---- */

static void by_ethertype(struct rest r, struct cap_packet *p, uint16_t type)
{
	while (type == ETH_P_8021Q || type == ETH_P_8021AD) {
		if (r.n < 4) {
			p->cut = true;
			return;
		}
		type = be16(r.at + 2);
		advance(&r, 4);
	}
	if (type == ETH_P_IP || type == ETH_P_IPV6)
		network(r, p);
	else
		p->not_ip = type == ETH_P_ARP ? "ARP" : "not IP";
}

static void ethernet(struct rest r, struct cap_packet *p)
{
	uint16_t type;

	if (r.n < ETH_HLEN) {
		p->cut = true;
		return;
	}
	type = be16(r.at + 12);
	advance(&r, ETH_HLEN);
	by_ethertype(r, p, type);
}

/* The ethertype of "cooked" captures stands at `at` of a header of that size. */
static void cooked(struct rest r, struct cap_packet *p, uint32_t at, uint32_t header)
{
	uint16_t type;

	if (r.n < header) {
		p->cut = true;
		return;
	}
	type = be16(r.at + at);
	advance(&r, header);
	by_ethertype(r, p, type);
}

bool packet_linktype_known(uint16_t linktype)
{
	switch (linktype) {
	case LINKTYPE_NULL:
	case LINKTYPE_ETHERNET:
	case LINKTYPE_RAW_BSD:
	case LINKTYPE_RAW_BSD_14:
	case LINKTYPE_RAW:
	case LINKTYPE_LOOP:
	case LINKTYPE_LINUX_SLL:
	case LINKTYPE_IPV4:
	case LINKTYPE_IPV6:
	case LINKTYPE_LINUX_SLL2:
		return true;
	}
	return false;
}

/* What most packets are: TCP on Ethernet without tags, options of IP or fragments. */
static inline bool plain_tcp(const uint8_t *b, uint32_t n, struct cap_packet *p)
{
	uint16_t type;
	uint32_t header, length;

	if (n < ETH_HLEN + 40)
		return false;
	type = be16(b + 12);
	b += ETH_HLEN;
	n -= ETH_HLEN;
	if (type == ETH_P_IP) {
		header = 20;
		length = be16(b + 2);
		if (b[0] != 0x45 || b[9] != IPPROTO_TCP || (be16(b + 6) & 0x3fff) || length < 20)
			return false;
		p->ttl = b[8];
		p->has_id = true;
		p->id = be16(b + 4);
	} else if (type == ETH_P_IPV6) {
		header = 40;
		length = be16(b + 4) + 40U;
		if (b[0] >> 4 != 6 || b[6] != IPPROTO_TCP || length == 40)
			return false;
		p->ttl = b[7];
	} else {
		return false;
	}
	p->ip = b;
	p->ip_captured = n;
	p->ip_length = length;
	p->transport = b + header;
	p->transport_length = length - header;
	p->transport_captured = MIN(n - header, length - header);
	if (type == ETH_P_IP)
		take_tcp(p, b + 12, b + 16, AF_INET);
	else
		take_tcp(p, b + 8, b + 24, AF_INET6);
	return true;
}

bool packet_decode(const struct raw_packet *raw, struct cap_packet *ret)
{
	struct rest r = {raw->bytes, raw->captured, raw->length, 0};

	/* Neither the key, nor SACK blocks that are not there. */
	memset(&ret->ip, 0, offsetof(struct cap_packet, sack) - offsetof(struct cap_packet, ip));
	ret->number = raw->number;
	ret->at_ns = raw->at_ns;
	ret->hash = 0;
	ret->kind = PACKET_OTHER;
	ret->linktype = raw->linktype;
	switch (raw->linktype) {
	case LINKTYPE_ETHERNET:
		if (!plain_tcp(raw->bytes, raw->captured, ret))
			ethernet(r, ret);
		return true;
	case LINKTYPE_LINUX_SLL:
		cooked(r, ret, 14, 16);
		return true;
	case LINKTYPE_LINUX_SLL2:
		cooked(r, ret, 0, 20);
		return true;
	case LINKTYPE_NULL:
	case LINKTYPE_LOOP:
		/* An address family whose number depends on the system: the IP version tells. */
		if (advance(&r, 4))
			network(r, ret);
		return true;
	case LINKTYPE_RAW_BSD:
	case LINKTYPE_RAW_BSD_14:
	case LINKTYPE_RAW:
	case LINKTYPE_IPV4:
	case LINKTYPE_IPV6:
		network(r, ret);
		return true;
	}
	ret->kind = PACKET_UNREAD;
	return false;
}
