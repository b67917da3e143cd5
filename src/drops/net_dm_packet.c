// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * net/core/drop_monitor.c net_dm_packet_report_fill() and net_dm_hw_packet_report_fill(), since
 * 5.4. The payload begins with the link header, of whatever kind the device has; a software drop is
 * told with the number of the device it came in by (skb_iif), never with a name or namespace. The
 * reason is text since 5.17, the core's without a prefix.
 */
#define _GNU_SOURCE
#include "drops/net_dm_packet.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/if_ether.h>
#include <linux/net_dropmon.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <stdio.h>

#include "drops/reasons.h"
#include "drops/symbols.h"
#include "nl/nl.h"

#define IPV6_EXTENSIONS 4 /* more than any sane packet has */

static const struct nla_policy policy[NET_DM_ATTR_MAX + 1] = {
	[NET_DM_ATTR_SYMBOL] = {.type = NLA_STRING},
	[NET_DM_ATTR_IN_PORT] = {.type = NLA_NESTED},
	[NET_DM_ATTR_TIMESTAMP] = {.type = NLA_U64},
	[NET_DM_ATTR_PROTO] = {.type = NLA_U16},
	[NET_DM_ATTR_ORIG_LEN] = {.type = NLA_U32},
	[NET_DM_ATTR_ORIGIN] = {.type = NLA_U16},
	[NET_DM_ATTR_HW_TRAP_NAME] = {.type = NLA_STRING},
	[NET_DM_ATTR_REASON] = {.type = NLA_STRING},
};

static const struct nla_policy port_policy[NET_DM_ATTR_PORT_MAX + 1] = {
	[NET_DM_ATTR_PORT_NETDEV_IFINDEX] = {.type = NLA_U32},
};

static void copy_string(const struct nlattr *a, char *to, size_t size)
{
	snprintf(to, size, "%.*s", nla_len(a), (const char *)nla_data(a));
}

static uint16_t big16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool is_ip(const struct net_dm_packet *p, size_t at, uint16_t ethertype)
{
	if (at >= p->captured)
		return false;
	return (ethertype == ETH_P_IP && p->bytes[at] >> 4 == 4 && p->captured - at >= 20) ||
	       (ethertype == ETH_P_IPV6 && p->bytes[at] >> 4 == 6 && p->captured - at >= 40);
}

/* Behind an Ethernet header, one with a VLAN tag, or none (a tunnel); what is there must fit. */
static bool find_network(struct net_dm_packet *p)
{
	size_t at = ETH_HLEN;

	if (p->captured > ETH_HLEN + 4) {
		uint16_t type = big16(p->bytes + 12);

		if (type == ETH_P_8021Q || type == ETH_P_8021AD) {
			type = big16(p->bytes + 16);
			at += 4;
		}
		if (is_ip(p, at, type)) {
			p->network_at = at;
			p->ethertype = type;
			return true;
		}
	}
	p->network_at = 0;
	return is_ip(p, 0, p->ethertype);
}

/* Offset of the transport header from the IP header; SIZE_MAX: a later fragment, or not here. */
static size_t read_ipv6(struct net_dm_packet *p, const uint8_t *ip, size_t n)
{
	size_t at = 40;

	p->protocol = ip[6];
	memcpy(p->source, ip + 8, 16);
	memcpy(p->destination, ip + 24, 16);
	for (int i = 0; i < IPV6_EXTENSIONS; i++) {
		bool fragment = p->protocol == IPPROTO_FRAGMENT;

		if (!fragment && p->protocol != IPPROTO_HOPOPTS &&
		    p->protocol != IPPROTO_ROUTING && p->protocol != IPPROTO_DSTOPTS)
			break;
		if (at + 8 > n)
			return SIZE_MAX;
		p->protocol = ip[at];
		if (fragment && big16(ip + at + 2) & 0xfff8)
			return SIZE_MAX;
		at += fragment ? 8 : (size_t)(ip[at + 1] + 1) * 8;
	}
	return at;
}

static size_t read_ipv4(struct net_dm_packet *p, const uint8_t *ip)
{
	p->protocol = ip[9];
	memcpy(p->source, ip + 12, 4);
	memcpy(p->destination, ip + 16, 4);
	return big16(ip + 6) & 0x1fff ? SIZE_MAX : (size_t)(ip[0] & 15) * 4;
}

static void read_headers(struct net_dm_packet *p)
{
	const uint8_t *ip;
	size_t n, at;

	if (!find_network(p))
		return;
	ip = p->bytes + p->network_at;
	n = p->captured - p->network_at;
	p->family = ip[0] >> 4 == 4 ? AF_INET : AF_INET6;
	at = p->family == AF_INET ? read_ipv4(p, ip) : read_ipv6(p, ip, n);
	if (p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP &&
	    p->protocol != IPPROTO_SCTP && p->protocol != IPPROTO_UDPLITE)
		return;
	if (at > n || n - at < 4)
		return;
	p->source_port = big16(ip + at);
	p->destination_port = big16(ip + at + 2);
}

/* The kernel gives a card's own drops no reason but the name of a devlink trap. */
static void read_place(struct net_dm_packet *p, struct nlattr **table)
{
	const struct nlattr *a = table[NET_DM_ATTR_SYMBOL];

	if (p->hardware) {
		snprintf(p->reason, sizeof(p->reason), "HARDWARE_DROP");
		a = table[NET_DM_ATTR_HW_TRAP_NAME];
	} else if (table[NET_DM_ATTR_REASON]) {
		char name[64];

		copy_string(table[NET_DM_ATTR_REASON], name, sizeof(name));
		reason_strip(name, p->reason, sizeof(p->reason));
	} else {
		snprintf(p->reason, sizeof(p->reason), "NOT_SPECIFIED");
	}
	if (a)
		copy_string(a, p->symbol, sizeof(p->symbol));
	if (p->hardware)
		return;
	/* "__udp4_lib_rcv+0x54b/0xc40 [module]" */
	p->symbol[strcspn(p->symbol, "+")] = '\0';
	symbol_strip(p->symbol);
}

static int read_port(struct net_dm_packet *p, const struct nlattr *port)
{
	struct nlattr *table[NET_DM_ATTR_PORT_MAX + 1];

	if (!port)
		return 0;
	/* libnl reads only, but its prototype does not say so. */
	if (nla_parse_nested(table, NET_DM_ATTR_PORT_MAX, (struct nlattr *)(uintptr_t)port,
			     port_policy) < 0)
		return -EBADMSG;
	if (table[NET_DM_ATTR_PORT_NETDEV_IFINDEX])
		p->ifindex = nla_get_u32(table[NET_DM_ATTR_PORT_NETDEV_IFINDEX]);
	return 0;
}

int net_dm_packet_parse(const struct nlmsghdr *h, struct net_dm_packet *ret)
{
	const struct genlmsghdr *g = nl_data(h, sizeof(*g));
	struct nlattr *table[NET_DM_ATTR_MAX + 1];
	struct net_dm_packet p = {0};
	int err;

	if (!g)
		return -EBADMSG;
	if (g->cmd != NET_DM_CMD_PACKET_ALERT)
		return -ENOMSG;
	err = nl_parse(h, sizeof(*g), table, NET_DM_ATTR_MAX, policy);
	if (!err)
		err = read_port(&p, table[NET_DM_ATTR_IN_PORT]);
	if (err)
		return err;
	if (table[NET_DM_ATTR_ORIGIN])
		p.hardware = nla_get_u16(table[NET_DM_ATTR_ORIGIN]) == NET_DM_ORIGIN_HW;
	if (table[NET_DM_ATTR_TIMESTAMP])
		p.at_ns = (int64_t)nla_get_u64(table[NET_DM_ATTR_TIMESTAMP]);
	if (table[NET_DM_ATTR_PROTO])
		p.ethertype = nla_get_u16(table[NET_DM_ATTR_PROTO]);
	if (table[NET_DM_ATTR_PAYLOAD]) {
		p.bytes = nla_data(table[NET_DM_ATTR_PAYLOAD]);
		p.captured = (size_t)nla_len(table[NET_DM_ATTR_PAYLOAD]);
	}
	p.length = table[NET_DM_ATTR_ORIG_LEN] ? nla_get_u32(table[NET_DM_ATTR_ORIG_LEN])
					       : (uint32_t)p.captured;
	read_place(&p, table);
	read_headers(&p);
	*ret = p;
	return 0;
}
