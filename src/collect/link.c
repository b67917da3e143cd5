// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Network devices: RTM_GETLINK (net/core/rtnetlink.c rtnl_fill_ifinfo) and RTM_GETNETCONF
 * (net/ipv4/devinet.c inet_netconf_fill_devconf, since 3.8).
 *
 * Scope: the devices of one network namespace. Units: packets and bytes, 64 bits, although a
 * driver may count in 32 underneath. No privilege. IFLA_STATS64 grows with the kernel:
 * rx_nohandler came with 4.6, rx_otherhost_dropped with 5.19. Virtual functions are not asked for:
 * some drivers take long to tell them. What kind a device is and what its kind has to say (vlan_fill_
 * info, br_fill_info, br_port_fill_attrs, bond_fill_info ...) is in IFLA_LINKINFO.
 */
#include "collect/netlink.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

#include "nl/nl.h"

static const struct nla_policy link_policy[IFLA_MAX + 1] = {
	[IFLA_IFNAME] = {.type = NLA_STRING, .maxlen = sizeof(((struct link *)0)->name)},
	[IFLA_MTU] = {.type = NLA_U32},
	[IFLA_TXQLEN] = {.type = NLA_U32},
	[IFLA_OPERSTATE] = {.type = NLA_U8},
	[IFLA_CARRIER_CHANGES] = {.type = NLA_U32},
	[IFLA_CARRIER_DOWN_COUNT] = {.type = NLA_U32},
	[IFLA_PROMISCUITY] = {.type = NLA_U32},
	[IFLA_XDP] = {.type = NLA_NESTED},
	[IFLA_AF_SPEC] = {.type = NLA_NESTED},
	[IFLA_LINK] = {.type = NLA_U32},
	[IFLA_LINK_NETNSID] = {.type = NLA_U32},
	[IFLA_MASTER] = {.type = NLA_U32},
	[IFLA_LINKINFO] = {.type = NLA_NESTED},
	[IFLA_STATS64] = {.type = NLA_UNSPEC, .minlen = sizeof(uint64_t)},
};

static const struct nla_policy info_policy[IFLA_INFO_MAX + 1] = {
	[IFLA_INFO_KIND] = {.type = NLA_STRING},
	[IFLA_INFO_DATA] = {.type = NLA_NESTED},
	[IFLA_INFO_SLAVE_KIND] = {.type = NLA_STRING},
	[IFLA_INFO_SLAVE_DATA] = {.type = NLA_NESTED},
};

static const struct info_row {
	int within; /* IFLA_INFO_DATA, IFLA_INFO_SLAVE_DATA */
	const char *kind;
	int attribute;
} info_rows[LINK_INFO_N] = {
#define OWN IFLA_INFO_DATA
#define PORT IFLA_INFO_SLAVE_DATA
#define I(id, within_, kind_, attribute_) [INFO_##id] = {within_, kind_, attribute_},
#include "model/link_info.def"
#undef I
#undef OWN
#undef PORT
};

static const struct nla_policy xdp_policy[IFLA_XDP_MAX + 1] = {
	[IFLA_XDP_PROG_ID] = {.type = NLA_U32},
};

static const struct nla_policy netconf_policy[NETCONFA_MAX + 1] = {
	[NETCONFA_IFINDEX] = {.type = NLA_U32},
	[NETCONFA_RP_FILTER] = {.type = NLA_U32},
	[NETCONFA_FORWARDING] = {.type = NLA_U32},
};

static uint32_t number(struct nlattr *attribute)
{
	return attribute ? nla_get_u32(attribute) : 0;
}

static void take_stats(struct link *l, struct nlattr *stats)
{
	size_t n = stats ? (size_t)nla_len(stats) / sizeof(uint64_t) : 0;

	l->stats_n = (unsigned int)MIN(n, ARRAY_SIZE(l->stats));
	/* Attributes stand on 4 bytes only. */
	if (l->stats_n)
		memcpy(l->stats, nla_data(stats), l->stats_n * sizeof(l->stats[0]));
}

static uint32_t small_number(struct nlattr *a)
{
	switch (a ? nla_len(a) : 0) {
	case sizeof(uint8_t):
		return nla_get_u8(a);
	case sizeof(uint16_t):
		return nla_get_u16(a);
	case sizeof(uint32_t):
		return nla_get_u32(a);
	default:
		return INFO_UNKNOWN;
	}
}

static int take_kind(struct link *l, struct nlattr *info)
{
	struct nlattr *table[IFLA_INFO_MAX + 1];

	for (size_t i = 0; i < LINK_INFO_N; i++)
		l->info[i] = INFO_UNKNOWN;
	if (!info)
		return 0;
	if (nla_parse_nested(table, IFLA_INFO_MAX, info, info_policy) < 0)
		return -EBADMSG;
	if (table[IFLA_INFO_KIND])
		nla_strlcpy(l->kind, table[IFLA_INFO_KIND], sizeof(l->kind));
	if (table[IFLA_INFO_SLAVE_KIND])
		nla_strlcpy(l->port_kind, table[IFLA_INFO_SLAVE_KIND], sizeof(l->port_kind));
	for (size_t i = 0; i < LINK_INFO_N; i++) {
		const struct info_row *row = &info_rows[i];
		bool own = row->within == IFLA_INFO_DATA;
		struct nlattr *data = table[row->within];

		if (data && strcmp(own ? l->kind : l->port_kind, row->kind) == 0)
			l->info[i] = small_number(nla_find(nla_data(data), nla_len(data),
							   row->attribute));
	}
	return 0;
}

/* The number is left out where programs of several modes are attached: the kernel tells each then. */
static int take_xdp(struct link *l, struct nlattr *xdp)
{
	struct nlattr *table[IFLA_XDP_MAX + 1];

	if (!xdp)
		return 0;
	if (nla_parse_nested(table, IFLA_XDP_MAX, xdp, xdp_policy) < 0)
		return -EBADMSG;
	l->xdp_id = number(table[IFLA_XDP_PROG_ID]);
	return 0;
}

/*
 * IFLA_AF_SPEC of IPv4 (net/ipv4/devinet.c inet_fill_link_af): all settings of the device, 32 bits
 * each, in the order of their numbers, which begin with 1.
 */
static void take_ipv4_settings(struct link *l, struct nlattr *families)
{
	struct nlattr *ipv4 = families ? nla_find(nla_data(families), nla_len(families), AF_INET)
				       : NULL;
	struct nlattr *conf = ipv4 ? nla_find(nla_data(ipv4), nla_len(ipv4), IFLA_INET_CONF) : NULL;
	const struct {
		int number, *to;
	} wanted[] = {{IPV4_DEVCONF_ARP_IGNORE, &l->arp_ignore},
		      {IPV4_DEVCONF_ARPFILTER, &l->arp_filter}};

	for (size_t i = 0; conf && i < ARRAY_SIZE(wanted); i++) {
		size_t at = (size_t)(wanted[i].number - 1) * sizeof(int32_t);

		if ((size_t)nla_len(conf) >= at + sizeof(int32_t))
			memcpy(wanted[i].to, (const char *)nla_data(conf) + at, sizeof(int32_t));
	}
}

static int take_link(const struct nlmsghdr *h, struct snapshot *s)
{
	struct nlattr *table[IFLA_MAX + 1];
	const struct ifinfomsg *header = nl_data(h, sizeof(*header));
	struct link *l;

	if (!header || header->ifi_index <= 0 ||
	    nl_parse(h, sizeof(*header), table, IFLA_MAX, link_policy) < 0 || !table[IFLA_IFNAME])
		return -EBADMSG;
	l = vec_push(&s->links);
	l->ifindex = (unsigned int)header->ifi_index;
	l->flags = header->ifi_flags;
	nla_strlcpy(l->name, table[IFLA_IFNAME], sizeof(l->name));
	l->mtu = number(table[IFLA_MTU]);
	l->txqlen = number(table[IFLA_TXQLEN]);
	l->carrier_changes = number(table[IFLA_CARRIER_CHANGES]);
	l->carrier_downs = number(table[IFLA_CARRIER_DOWN_COUNT]);
	l->promiscuity = number(table[IFLA_PROMISCUITY]);
	l->master_ifindex = number(table[IFLA_MASTER]);
	if (table[IFLA_OPERSTATE])
		l->operstate = nla_get_u8(table[IFLA_OPERSTATE]);
	/* A device may name itself: dev_get_iflink() of one that has nothing below it. */
	l->peer_ifindex = number(table[IFLA_LINK]);
	if (l->peer_ifindex == l->ifindex && !table[IFLA_LINK_NETNSID])
		l->peer_ifindex = 0;
	l->peer_known_netns = table[IFLA_LINK_NETNSID];
	l->link_netnsid = l->peer_known_netns ? (int)number(table[IFLA_LINK_NETNSID]) : -1;
	l->rp_filter = l->forwarding = l->arp_ignore = l->arp_filter = -1;
	take_ipv4_settings(l, table[IFLA_AF_SPEC]);
	if (table[IFLA_ADDRESS] && nla_len(table[IFLA_ADDRESS]) == sizeof(l->mac))
		memcpy(l->mac, nla_data(table[IFLA_ADDRESS]), sizeof(l->mac));
	take_stats(l, table[IFLA_STATS64]);
	if (take_xdp(l, table[IFLA_XDP]) < 0)
		return -EBADMSG;
	return take_kind(l, table[IFLA_LINKINFO]);
}

int parse_links(const struct buf *answer, struct snapshot *s)
{
	int r = nl_check(answer);

	if (r < 0)
		return r;
	nl_each(message, answer) {
		if (message.h->nlmsg_type != RTM_NEWLINK)
			continue;
		r = take_link(message.h, s);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Both dumps go through the devices in the same order, so the one sought is mostly the next one. */
static struct link *find_link(struct snapshot *s, uint32_t ifindex, size_t *hint)
{
	for (size_t i = 0; i < s->links.n; i++) {
		size_t at = (*hint + i) % s->links.n;

		if (s->links.items[at].ifindex == ifindex) {
			*hint = at + 1;
			return &s->links.items[at];
		}
	}
	return NULL;
}

int parse_netconf(const struct buf *answer, struct snapshot *s)
{
	size_t hint = 0;
	int r = nl_check(answer);

	if (r < 0)
		return r;
	nl_each(message, answer) {
		struct nlattr *table[NETCONFA_MAX + 1];
		struct link *l;

		if (message.h->nlmsg_type != RTM_NEWNETCONF)
			continue;
		r = nl_parse(message.h, sizeof(struct netconfmsg), table, NETCONFA_MAX,
			     netconf_policy);
		if (r < 0)
			return r;
		/* "all" and "default" have the indexes -1 and -2. */
		if (!table[NETCONFA_IFINDEX] || (int32_t)number(table[NETCONFA_IFINDEX]) <= 0)
			continue;
		l = find_link(s, number(table[NETCONFA_IFINDEX]), &hint);
		if (l && table[NETCONFA_RP_FILTER])
			l->rp_filter = (int)number(table[NETCONFA_RP_FILTER]);
		if (l && table[NETCONFA_FORWARDING])
			l->forwarding = (int)number(table[NETCONFA_FORWARDING]);
	}
	return 0;
}

int collect_link(struct host *h, struct snapshot *s)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg m;
	} links = {
		.h = {.nlmsg_len = sizeof(links),
		      .nlmsg_type = RTM_GETLINK,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.m = {.ifi_family = AF_UNSPEC},
	};
	struct {
		struct nlmsghdr h;
		struct netconfmsg m;
	} netconf = {
		.h = {.nlmsg_len = NLMSG_LENGTH(sizeof(netconf.m)),
		      .nlmsg_type = RTM_GETNETCONF,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.m = {.ncm_family = AF_INET},
	};
	cleanup(buf_done) struct buf answer = {0};
	cleanup(buf_done) struct buf settings = {0};
	int r = host_netlink(h, "links", NETLINK_ROUTE, &links, links.h.nlmsg_len, &answer);

	if (r == 0)
		r = parse_links(&answer, s);
	if (r < 0)
		return r;
	/* Without these the devices are still worth having: their settings stay at -1, unknown. */
	r = host_netlink(h, "netconf4", NETLINK_ROUTE, &netconf, netconf.h.nlmsg_len, &settings);
	return r < 0 ? 0 : parse_netconf(&settings, s);
}
