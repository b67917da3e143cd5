// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Header formats: RFC 791, 826, 8200, 9293, 768, 9260, 792, 4443, 2784, 7348; IEEE 802.1Q and
 * 802.1ad. Offsets are written out, as a struct would have to be copied from unaligned bytes anyway.
 */
#include "capture/decode.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "capture/bytes.h"

#define VXLAN_PORT 4789
#define GENEVE_PORT 6081
#define EXTENSIONS_MAX 16 /* more of them make no sense, and must not cost time */

enum {
	PROTOCOL_DCCP = 33,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_SCTP = 132,
	PROTOCOL_MOBILITY = 135,
	PROTOCOL_UDPLITE = 136,
	PROTOCOL_HIP = 139,
	PROTOCOL_SHIM6 = 140,
};

/* What is left to be read: `at` counts from the beginning of the packet. */
struct cursor {
	const uint8_t *bytes;
	size_t n, at;
};

static const uint8_t *need(const struct cursor *c, size_t size, struct headers *h)
{
	if (c->at <= c->n && c->n - c->at >= size)
		return c->bytes + c->at;
	h->cut = true;
	return NULL;
}

/* ---- transport ---- */

/* So many bytes of the IP packet lie behind this place, by the length its header states. */
static bool behind(const struct headers *h, size_t at, uint32_t *ret)
{
	size_t used = at - h->network_at;

	if (!h->ip_length || h->ip_length < used || h->fragment)
		return false;
	*ret = (uint32_t)(h->ip_length - used);
	return true;
}

static bool take_ports(const struct cursor *c, struct headers *h)
{
	const uint8_t *p = need(c, 4, h);

	if (!p)
		return false;
	h->has_ports = true;
	h->source_port = be16(p);
	h->destination_port = be16(p + 2);
	return true;
}

static void take_tcp(const struct cursor *c, struct headers *h)
{
	const uint8_t *p;
	size_t header;

	if (!take_ports(c, h))
		return;
	p = need(c, 20, h);
	if (!p)
		return;
	h->has_tcp = true;
	h->sequence = be32(p + 4);
	h->acknowledgement = be32(p + 8);
	h->tcp_flags = p[13];
	h->window = be16(p + 14);
	header = (size_t)(p[12] >> 4) * 4;
	if (header < 20) {
		h->cut = true;
		return;
	}
	h->payload_at = (uint16_t)(c->at + header);
	h->has_payload = behind(h, c->at + header, &h->payload);
}

static void take_udp(const struct cursor *c, struct headers *h)
{
	const uint8_t *p;
	uint16_t length;

	if (!take_ports(c, h))
		return;
	p = need(c, 8, h);
	if (!p)
		return;
	length = be16(p + 4);
	h->payload_at = (uint16_t)(c->at + 8);
	/* 0 in a packet not yet cut into segments. UDP-Lite has its checksum's coverage there. */
	if (length >= 8 && h->protocol == IPPROTO_UDP) {
		h->has_payload = true;
		h->payload = length - 8U;
	} else {
		h->has_payload = behind(h, c->at + 8, &h->payload);
	}
	if (h->protocol == IPPROTO_UDP && h->destination_port == VXLAN_PORT)
		h->tunnel = "vxlan";
	else if (h->protocol == IPPROTO_UDP && h->destination_port == GENEVE_PORT)
		h->tunnel = "geneve";
}

static void take_icmp(const struct cursor *c, struct headers *h)
{
	const uint8_t *p = need(c, 2, h);

	if (!p)
		return;
	h->has_icmp = true;
	h->icmp_type = p[0];
	h->icmp_code = p[1];
}

static void take_transport(const struct cursor *c, struct headers *h)
{
	h->transport_at = (uint16_t)c->at;
	switch (h->protocol) {
	case IPPROTO_TCP:
		take_tcp(c, h);
		break;
	case IPPROTO_UDP:
	case PROTOCOL_UDPLITE:
		take_udp(c, h);
		break;
	case PROTOCOL_SCTP:
	case PROTOCOL_DCCP:
		take_ports(c, h);
		break;
	case IPPROTO_ICMP:
	case PROTOCOL_ICMPV6:
		take_icmp(c, h);
		break;
	case IPPROTO_GRE:
		h->tunnel = "gre";
		break;
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		h->tunnel = "ipip";
		break;
	}
}

/* ---- network ---- */

static void take_ipv4(struct cursor c, struct headers *h)
{
	const uint8_t *p = need(&c, 20, h);
	size_t header;

	if (!p)
		return;
	header = (size_t)(p[0] & 15) * 4;
	if (header < 20) {
		h->cut = true;
		return;
	}
	h->family = AF_INET;
	h->ip_length = be16(p + 2);
	h->fragment = (be16(p + 6) & 0x3fff) != 0; /* more follow, or an offset */
	h->fragment_at = (uint16_t)((be16(p + 6) & 0x1fff) * 8);
	h->ttl = p[8];
	h->protocol = p[9];
	memcpy(h->source, p + 12, 4);
	memcpy(h->destination, p + 16, 4);
	if (h->fragment_at || !need(&c, header, h))
		return;
	c.at += header;
	take_transport(&c, h);
}

static bool is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_DSTOPTS ||
	       protocol == IPPROTO_AH || protocol == PROTOCOL_MOBILITY ||
	       protocol == PROTOCOL_HIP || protocol == PROTOCOL_SHIM6;
}

static bool skip_extension(struct cursor *c, struct headers *h)
{
	const uint8_t *p = need(c, 8, h);
	size_t size;

	if (!p)
		return false;
	size = ((size_t)p[1] + 1) * 8;
	if (h->protocol == IPPROTO_FRAGMENT) {
		size = 8;
		h->fragment = (be16(p + 2) & 0xfff9) != 0;
		h->fragment_at = be16(p + 2) & 0xfff8;
	} else if (h->protocol == IPPROTO_AH) {
		size = ((size_t)p[1] + 2) * 4;
	}
	h->protocol = p[0];
	if (h->fragment_at || !need(c, size, h))
		return false;
	c->at += size;
	return true;
}

static void take_ipv6(struct cursor c, struct headers *h)
{
	const uint8_t *p = need(&c, 40, h);

	if (!p)
		return;
	h->family = AF_INET6;
	/* 0: a jumbogram (RFC 2675), which GSO makes inside the host, too */
	h->ip_length = be16(p + 4) ? be16(p + 4) + 40U : 0;
	h->protocol = p[6];
	h->ttl = p[7];
	memcpy(h->source, p + 8, 16);
	memcpy(h->destination, p + 24, 16);
	c.at += 40;
	for (unsigned int i = 0; is_extension(h->protocol); i++) {
		if (i == EXTENSIONS_MAX) {
			h->cut = true;
			return;
		}
		if (!skip_extension(&c, h))
			return;
	}
	take_transport(&c, h);
}

/* Of IPv4 over Ethernet; other kinds have addresses of other sizes. */
static void take_arp(const struct cursor *c, struct headers *h)
{
	const uint8_t *p = need(c, 28, h);

	if (!p || be16(p + 2) != ETH_P_IP || p[4] != 6 || p[5] != 4)
		return;
	h->has_arp = true;
	h->arp_operation = be16(p + 6);
	memcpy(h->source, p + 14, 4);
	memcpy(h->destination, p + 24, 4);
}

static void take_network(const struct cursor *c, struct headers *h)
{
	const uint8_t *p = need(c, 1, h);

	h->network_at = (uint16_t)c->at;
	if (!p)
		return;
	if (h->ethertype == ETH_P_ARP)
		take_arp(c, h);
	else if (h->ethertype == ETH_P_IP && p[0] >> 4 == 4)
		take_ipv4(*c, h);
	else if (h->ethertype == ETH_P_IPV6 && p[0] >> 4 == 6)
		take_ipv6(*c, h);
}

void decode_ip(const uint8_t *bytes, size_t n, struct headers *ret)
{
	const struct cursor c = {bytes, MIN(n, (size_t)UINT16_MAX / 2), 0};

	*ret = (struct headers){0};
	if (n && bytes[0] >> 4 == 4)
		ret->ethertype = ETH_P_IP;
	else if (n && bytes[0] >> 4 == 6)
		ret->ethertype = ETH_P_IPV6;
	take_network(&c, ret);
}

void decode_ethernet(const uint8_t *bytes, size_t n, struct headers *ret)
{
	struct cursor c = {bytes, MIN(n, (size_t)UINT16_MAX / 2), 0};
	const uint8_t *p;

	*ret = (struct headers){0};
	p = need(&c, ETH_HLEN, ret);
	if (!p)
		return;
	ret->has_mac = true;
	memcpy(ret->mac_destination, p, 6);
	memcpy(ret->mac_source, p + 6, 6);
	c.at = ETH_HLEN;
	ret->ethertype = be16(p + 12);
	while (ret->ethertype == ETH_P_8021Q || ret->ethertype == ETH_P_8021AD) {
		p = need(&c, 4, ret);
		if (!p || ret->vlans == VLAN_TAGS_MAX)
			return;
		ret->vlan[ret->vlans++] = be16(p) & 0x0fff;
		ret->ethertype = be16(p + 2);
		c.at += 4;
	}
	/* Below that it is a length (IEEE 802.3), and no ethertype is known. */
	if (ret->ethertype < ETH_P_802_3_MIN) {
		ret->ethertype = 0;
		return;
	}
	take_network(&c, ret);
}

static void shift(struct headers *h, uint16_t by)
{
	h->network_at = (uint16_t)(h->network_at + by);
	h->transport_at = (uint16_t)(h->transport_at ? h->transport_at + by : 0);
	h->payload_at = (uint16_t)(h->payload_at ? h->payload_at + by : 0);
}

static bool fits(const struct drop_event *e, const struct headers *h, uint16_t outer)
{
	if (!h->has_mac || (e->has_network && h->network_at != e->network_at))
		return false;
	return !e->ethertype || e->ethertype == h->ethertype || e->ethertype == outer;
}

void decode_event(const struct drop_event *e, struct headers *ret)
{
	size_t n = MIN(e->captured, sizeof(e->bytes));

	if (e->mac_header >= ETH_HLEN && n >= ETH_HLEN) {
		decode_ethernet(e->bytes, n, ret);
		if (fits(e, ret, be16(e->bytes + 12)))
			return;
	}
	*ret = (struct headers){.ethertype = e->ethertype};
	if (!e->has_network || e->network_at >= n)
		return;
	decode_ip(e->bytes + e->network_at, n - e->network_at, ret);
	shift(ret, e->network_at);
}
