// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Neighbours, and which do not answer: RTM_GETNEIGH (net/core/neighbour.c neigh_fill_info), and the two
 * tables they stand in: RTM_GETNEIGHTBL (neightbl_fill_info).
 *
 * RTM_GETADDR (net/ipv4/devinet.c inet_fill_ifaddr, net/ipv6/addrconf.c inet6_fill_ifaddr) tells this
 * host's own addresses.
 *
 * Scope: the entries are those of one network namespace. The tables are host-wide: entries, limits
 * and statistics read the same in every namespace and count for all of them. Statistics are
 * 64 bits here, summed over the CPUs from unsigned longs; ndts_table_fulls came with 4.3.
 * No privilege.
 */
#include "collect/netlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

#include "nl/nl.h"

/* Kept at most: a scan of an IPv6 network leaves one unresolved entry for each address. */
#define NEIGHS_MAX 4096

static const struct nla_policy neigh_policy[NDA_MAX + 1] = {
	[NDA_DST] = {.minlen = 4},
};

static const struct nla_policy address_policy[IFA_MAX + 1] = {
	[IFA_ADDRESS] = {.minlen = 4},
	[IFA_LOCAL] = {.minlen = 4},
	[IFA_FLAGS] = {.type = NLA_U32},
};

static const struct nla_policy table_policy[NDTA_MAX + 1] = {
	[NDTA_THRESH1] = {.type = NLA_U32},
	[NDTA_THRESH2] = {.type = NLA_U32},
	[NDTA_THRESH3] = {.type = NLA_U32},
	[NDTA_CONFIG] = {.minlen = sizeof(struct ndt_config)},
	[NDTA_STATS] = {.minlen = offsetof(struct ndt_stats, ndts_table_fulls)},
};

static size_t address_size(uint8_t family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

static void take_mac(struct snapshot *s, const struct ndmsg *header, struct nlattr **table, size_t size)
{
	struct nlattr *mac = table[NDA_LLADDR];
	struct neigh_mac *m;

	/* An entry that failed may still show what it was. */
	if (!mac || !table[NDA_DST] || nla_len(mac) != sizeof(m->mac) ||
	    (header->ndm_state & (NUD_NOARP | NUD_INCOMPLETE | NUD_FAILED)) ||
	    s->neigh_macs.n >= NEIGHS_MAX || (size_t)nla_len(table[NDA_DST]) < size)
		return;
	m = vec_push(&s->neigh_macs);
	m->ifindex = (unsigned int)header->ndm_ifindex;
	m->family = header->ndm_family;
	m->state = header->ndm_state;
	memcpy(m->address, nla_data(table[NDA_DST]), size);
	memcpy(m->mac, nla_data(mac), sizeof(m->mac));
}

static int take_neigh(const struct nlmsghdr *h, struct snapshot *s)
{
	struct nlattr *table[NDA_MAX + 1];
	const struct ndmsg *header = nl_data(h, sizeof(*header));
	struct neigh *n;
	size_t size;

	if (!header)
		return -EBADMSG;
	size = address_size(header->ndm_family);
	/* net/core/neighbour.c neigh_update_gc_list() exempts these two from the table's limit. */
	if (size && !(header->ndm_state & NUD_PERMANENT) && !(header->ndm_flags & NTF_EXT_LEARNED))
		s->neighs_limited[header->ndm_family == AF_INET6]++;
	if (!size)
		return 0;
	if (nl_parse(h, sizeof(*header), table, NDA_MAX, neigh_policy) < 0)
		return -EBADMSG;
	take_mac(s, header, table, size);
	/* Entries of the administrator's, and of devices without addresses, are never resolved. */
	if (header->ndm_state & (NUD_PERMANENT | NUD_NOARP))
		return 0;
	s->neighs_seen++;
	if (!(header->ndm_state & (NUD_INCOMPLETE | NUD_FAILED)) || s->neighs.n >= NEIGHS_MAX)
		return 0;
	if (!table[NDA_DST] || (size_t)nla_len(table[NDA_DST]) < size)
		return -EBADMSG;
	n = vec_push(&s->neighs);
	n->ifindex = (unsigned int)header->ndm_ifindex;
	n->family = header->ndm_family;
	n->state = header->ndm_state;
	memcpy(n->address, nla_data(table[NDA_DST]), size);
	return 0;
}

int parse_neighs(const struct buf *answer, struct snapshot *s)
{
	int r = nl_check(answer);

	if (r < 0)
		return r;
	nl_each(message, answer) {
		if (message.h->nlmsg_type != RTM_NEWNEIGH)
			continue;
		r = take_neigh(message.h, s);
		if (r < 0)
			return r;
	}
	return 0;
}

static int dump_neighs(struct host *h, const char *name, uint8_t family, struct snapshot *s)
{
	struct {
		struct nlmsghdr h;
		struct ndmsg m;
	} request = {
		.h = {.nlmsg_len = sizeof(request),
		      .nlmsg_type = RTM_GETNEIGH,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.m = {.ndm_family = family},
	};
	cleanup(buf_done) struct buf answer = {0};
	int r = host_netlink(h, name, NETLINK_ROUTE, &request, sizeof(request), &answer);

	return r < 0 ? r : parse_neighs(&answer, s);
}

int collect_neigh(struct host *h, struct snapshot *s)
{
	/* One by one: the dump of all families also has the forwarding database of bridges. */
	int r = dump_neighs(h, "neighs4", AF_INET, s);

	return r < 0 ? r : dump_neighs(h, "neighs6", AF_INET6, s);
}

/* ---- addresses ---- */

#define ADDRESSES_MAX 4096

static int take_address(const struct nlmsghdr *h, struct snapshot *s)
{
	struct nlattr *table[IFA_MAX + 1], *own;
	const struct ifaddrmsg *header = nl_data(h, sizeof(*header));
	struct address *a;
	size_t size;

	if (!header || nl_parse(h, sizeof(*header), table, IFA_MAX, address_policy) < 0)
		return -EBADMSG;
	size = address_size(header->ifa_family);
	/* IPv4 on a point-to-point link: IFA_ADDRESS is the other end. */
	own = table[IFA_LOCAL] ? table[IFA_LOCAL] : table[IFA_ADDRESS];
	if (!size || !own || s->addresses.n == ADDRESSES_MAX)
		return 0;
	if ((size_t)nla_len(own) < size)
		return -EBADMSG;
	a = vec_push(&s->addresses);
	a->ifindex = header->ifa_index;
	a->family = header->ifa_family;
	a->prefix = header->ifa_prefixlen;
	/* The header has room for eight of them. */
	a->flags = table[IFA_FLAGS] ? nla_get_u32(table[IFA_FLAGS]) : header->ifa_flags;
	memcpy(a->address, nla_data(own), size);
	return 0;
}

int parse_addresses(const struct buf *answer, struct snapshot *s)
{
	int r = nl_check(answer);

	if (r < 0)
		return r;
	nl_each(message, answer) {
		if (message.h->nlmsg_type != RTM_NEWADDR)
			continue;
		r = take_address(message.h, s);
		if (r < 0)
			return r;
	}
	return 0;
}

int collect_addresses(struct host *h, struct snapshot *s)
{
	struct {
		struct nlmsghdr h;
		struct ifaddrmsg m;
	} request = {
		.h = {.nlmsg_len = sizeof(request),
		      .nlmsg_type = RTM_GETADDR,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.m = {.ifa_family = AF_UNSPEC},
	};
	cleanup(buf_done) struct buf answer = {0};
	int r = host_netlink(h, "addresses", NETLINK_ROUTE, &request, sizeof(request), &answer);

	return r < 0 ? r : parse_addresses(&answer, s);
}

/* ---- the tables ---- */

static int take_table(const struct nlmsghdr *h, struct snapshot *s)
{
	struct nlattr *table[NDTA_MAX + 1];
	const struct ndtmsg *header = nl_data(h, sizeof(*header));
	struct ndt_stats stats = {0};
	struct ndt_config config;
	struct neigh_table *t;

	if (!header || nl_parse(h, sizeof(*header), table, NDTA_MAX, table_policy) < 0)
		return -EBADMSG;
	/* Each table is told once as a whole, then once more for each device's parameters. */
	if (!address_size(header->ndtm_family) || !table[NDTA_CONFIG] || !table[NDTA_STATS] ||
	    !table[NDTA_THRESH1] || !table[NDTA_THRESH2] || !table[NDTA_THRESH3])
		return 0;
	nla_memcpy(&config, table[NDTA_CONFIG], sizeof(config));
	nla_memcpy(&stats, table[NDTA_STATS], sizeof(stats));
	t = vec_push(&s->neigh_tables);
	t->family = header->ndtm_family;
	t->entries = config.ndtc_entries;
	t->thresh1 = nla_get_u32(table[NDTA_THRESH1]);
	t->thresh2 = nla_get_u32(table[NDTA_THRESH2]);
	t->thresh3 = nla_get_u32(table[NDTA_THRESH3]);
	t->res_failed = stats.ndts_res_failed;
	t->table_fulls = stats.ndts_table_fulls;
	return 0;
}

int parse_neigh_tables(const struct buf *answer, struct snapshot *s)
{
	int r = nl_check(answer);

	if (r < 0)
		return r;
	nl_each(message, answer) {
		if (message.h->nlmsg_type != RTM_NEWNEIGHTBL)
			continue;
		r = take_table(message.h, s);
		if (r < 0)
			return r;
	}
	return 0;
}

int collect_neigh_table(struct host *h, struct snapshot *s)
{
	struct {
		struct nlmsghdr h;
		struct ndtmsg m;
	} request = {
		.h = {.nlmsg_len = sizeof(request),
		      .nlmsg_type = RTM_GETNEIGHTBL,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.m = {.ndtm_family = AF_UNSPEC},
	};
	cleanup(buf_done) struct buf answer = {0};
	int r = host_netlink(h, "neigh-tables", NETLINK_ROUTE, &request, sizeof(request), &answer);

	return r < 0 ? r : parse_neigh_tables(&answer, s);
}
