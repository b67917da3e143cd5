// SPDX-License-Identifier: GPL-2.0-or-later
#include "causes/devices.h"

#include <net/if.h>
#include <stdio.h>

#define MEMBERS_TOLD 4

bool is_kind(const struct link *l, const char *kind)
{
	return strcmp(l->kind, kind) == 0;
}

const struct link *device_master(const struct observation *o, const struct link *l)
{
	return l->master_ifindex ? snapshot_link(&o->b, l->master_ifindex) : NULL;
}

bool counts_again(const struct link *l)
{
	return is_kind(l, "bond") || is_kind(l, "team");
}

/* ---- the other end ---- */

static const struct netns_id *netns_of(const struct observation *o, int netnsid)
{
	vec_each(id, &o->b.netns_ids)
		if (id->netnsid == netnsid)
			return id;
	return NULL;
}

static bool is_pair(const struct link *l, const struct link *other)
{
	return is_kind(l, "veth") && is_kind(other, "veth") && other->peer_ifindex == l->ifindex;
}

static void end_is(struct far_end *end, const struct observation *o, const struct link *l)
{
	end->o = o;
	end->link = l;
	end->mtu = l->mtu;
	end->flags = l->flags;
	memcpy(end->name, l->name, sizeof(end->name));
	end->inode = o->inode;
	memcpy(end->netns, o->name, sizeof(end->netns));
}

/* Which namespace it is was not told: indexes may be the same in several, so one alone may fit. */
static bool find_pair(const struct diagnosis *d, const struct observation *o, const struct link *l,
		      struct far_end *ret)
{
	const struct observation *where = NULL;
	const struct link *found = NULL;

	vec_each(other, &d->observations) {
		const struct link *link = snapshot_link(&other->b, l->peer_ifindex);

		if (other == o || !link || !is_pair(l, link))
			continue;
		if (found)
			return false;
		found = link;
		where = other;
	}
	if (found)
		end_is(ret, where, found);
	return found;
}

static const struct peer *peer_of(const struct observation *o, const struct link *l)
{
	vec_each(peer, &o->b.peers)
		if (peer->netnsid == l->link_netnsid && peer->ifindex == l->peer_ifindex)
			return peer;
	return NULL;
}

static bool find_elsewhere(const struct diagnosis *d, const struct observation *o,
			   const struct link *l, struct far_end *ret)
{
	const struct netns_id *id = netns_of(o, l->link_netnsid);
	const struct peer *peer = peer_of(o, l);

	vec_each(other, &d->observations) {
		const struct link *link = snapshot_link(&other->b, l->peer_ifindex);

		if (id && id->inode == other->inode && link) {
			end_is(ret, other, link);
			return true;
		}
	}
	if (!peer)
		return !id && find_pair(d, o, l, ret);
	memcpy(ret->name, peer->name, sizeof(ret->name));
	ret->mtu = peer->mtu;
	ret->flags = peer->flags;
	if (id) {
		ret->inode = id->inode;
		memcpy(ret->netns, id->name, sizeof(ret->netns));
	}
	return true;
}

bool device_far_end(const struct diagnosis *d, const struct observation *o, const struct link *l,
		    struct far_end *ret)
{
	struct far_end end = {.here = !l->peer_known_netns};
	const struct link *link;

	if (!l->peer_ifindex)
		return false;
	if (!end.here) {
		if (!find_elsewhere(d, o, l, &end))
			return false;
	} else {
		link = snapshot_link(&o->b, l->peer_ifindex);
		if (!link)
			return false;
		end_is(&end, o, link);
	}
	*ret = end;
	return true;
}

const char *far_end_text(const struct far_end *end, char *to, size_t size)
{
	if (end->here)
		snprintf(to, size, "%s", end->name);
	else if (strcmp(end->netns, "host") == 0)
		snprintf(to, size, "%s in the host's namespace", end->name);
	else if (end->netns[0])
		snprintf(to, size, "%s in namespace %s", end->name, end->netns);
	else if (end->inode)
		snprintf(to, size, "%s in namespace %u", end->name, end->inode);
	else
		snprintf(to, size, "%s in another namespace", end->name);
	return to;
}

/* ---- what it is ---- */

/* Numbers of include/uapi/linux/if_link.h and if_bonding.h. */
static const struct {
	enum link_info info;
	uint32_t value;
	const char *name;
} modes[] = {
	{INFO_MACVLAN_MODE, 1, "private"}, {INFO_MACVLAN_MODE, 2, "vepa"},
	{INFO_MACVLAN_MODE, 4, "bridge"},  {INFO_MACVLAN_MODE, 8, "passthru"},
	{INFO_MACVLAN_MODE, 16, "source"}, {INFO_MACVTAP_MODE, 1, "private"},
	{INFO_MACVTAP_MODE, 2, "vepa"},	   {INFO_MACVTAP_MODE, 4, "bridge"},
	{INFO_MACVTAP_MODE, 8, "passthru"}, {INFO_IPVLAN_FLAGS, 1, "private"},
	{INFO_IPVLAN_FLAGS, 2, "vepa"},	   {INFO_BOND_MODE, 0, "balance-rr"},
	{INFO_BOND_MODE, 1, "active-backup"}, {INFO_BOND_MODE, 2, "balance-xor"},
	{INFO_BOND_MODE, 3, "broadcast"},  {INFO_BOND_MODE, 4, "802.3ad"},
	{INFO_BOND_MODE, 5, "balance-tlb"}, {INFO_BOND_MODE, 6, "balance-alb"},
};

const char *device_mode(const struct link *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (link_info(l, modes[i].info) == modes[i].value)
			return modes[i].name;
	return NULL;
}

/* How kinds are called; the others by the kernel's own name. */
static const struct {
	const char *kind, *name;
} kind_names[] = {
	{"vlan", "VLAN"},	 {"vxlan", "VXLAN"},	   {"gre", "GRE tunnel"},
	{"gretap", "GRE tunnel"}, {"ip6gre", "GRE tunnel"}, {"ip6gretap", "GRE tunnel"},
	{"erspan", "ERSPAN tunnel"}, {"ipip", "IPIP tunnel"}, {"sit", "SIT tunnel"},
	{"ip6tnl", "IPv6 tunnel"}, {"wireguard", "WireGuard"}, {"geneve", "Geneve tunnel"},
};

static void kind_words(const struct link *l, struct buf *b)
{
	const char *name = l->kind, *mode = device_mode(l);

	for (size_t i = 0; i < ARRAY_SIZE(kind_names); i++)
		if (is_kind(l, kind_names[i].kind))
			name = kind_names[i].name;
	if (is_kind(l, "tun"))
		name = link_info(l, INFO_TUN_TYPE) == 2 ? "tap" : "tun";
	buf_puts(b, name);
	if (link_info(l, INFO_VLAN_ID) != INFO_UNKNOWN)
		buf_printf(b, " %u", link_info(l, INFO_VLAN_ID));
	if (link_info(l, INFO_VXLAN_ID) != INFO_UNKNOWN)
		buf_printf(b, " %u", link_info(l, INFO_VXLAN_ID));
	if (mode)
		buf_printf(b, " (%s)", mode);
}

static void member_words(const struct observation *o, const struct link *l, struct buf *b)
{
	size_t n = 0;

	vec_each(port, &o->b.links) {
		if (port->master_ifindex != l->ifindex)
			continue;
		if (n < MEMBERS_TOLD)
			buf_printf(b, "%s%s%s", n ? ", " : " of ", port->name,
				   link_info(l, INFO_BOND_ACTIVE) == port->ifindex ? " (active)" : "");
		n++;
	}
	if (n > MEMBERS_TOLD)
		buf_printf(b, " and %zu more", n - MEMBERS_TOLD);
}

static void end_words(const struct diagnosis *d, const struct observation *o, const struct link *l,
		      struct buf *b)
{
	struct far_end end;
	char text[128];
	const struct link *below = NULL;

	if (link_info(l, INFO_VXLAN_LINK) != INFO_UNKNOWN && !l->peer_ifindex)
		below = snapshot_link(&o->b, link_info(l, INFO_VXLAN_LINK));
	if (below)
		buf_printf(b, " on %s", below->name);
	if (!l->peer_ifindex)
		return;
	if (is_kind(l, "veth") && device_far_end(d, o, l, &end))
		buf_printf(b, ", its other end is %s", far_end_text(&end, text, sizeof(text)));
	else if (is_kind(l, "veth"))
		buf_puts(b, ", its other end is in another namespace");
	else if (device_far_end(d, o, l, &end))
		buf_printf(b, " on %s", far_end_text(&end, text, sizeof(text)));
}

const char *device_words(const struct diagnosis *d, const struct observation *o,
			 const struct link *l, char *to, size_t size)
{
	const struct link *master = device_master(o, l);
	struct buf b = {0};

	if (l->kind[0] && !(l->flags & IFF_LOOPBACK)) {
		kind_words(l, &b);
		member_words(o, l, &b);
		end_words(d, o, l, &b);
	}
	if (master)
		buf_printf(&b, "%sa %s of %s", b.len ? ", " : "",
			   is_kind(master, "bridge") ? "port" : "member", master->name);
	snprintf(to, size, "%.*s", (int)b.len, b.len ? b.data : "");
	buf_done(&b);
	return to;
}
