// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The other ends of links that lead out of this namespace (of a veth pair, the device below a
 * macvlan): RTM_GETLINK with IFLA_TARGET_NETNSID (net/core/rtnetlink.c rtnl_getlink, since 4.20),
 * which asks another namespace by the number it has in this one, without entering it; and which
 * namespaces these are: RTM_GETNSID with a descriptor of each there is (net/core/net_namespace.c
 * rtnl_net_getid), until all are known.
 *
 * Scope: one network namespace. Such numbers are given by the kernel when the devices are listed;
 * nothing here makes new ones. CAP_NET_ADMIN over the other namespace. Older kernels take no notice
 * of the attribute and answer of this one: an answer that does not repeat the number is not used.
 */
#include "collect/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "collect/netns.h"
#include "nl/nl.h"

#define PEERS_MAX 1024 /* asked for; a host with more containers is told of these */
#define NETNS_TRIED_MAX 4096

static const struct nla_policy peer_policy[IFLA_MAX + 1] = {
	[IFLA_IFNAME] = {.type = NLA_STRING, .maxlen = sizeof(((struct peer *)0)->name)},
	[IFLA_MTU] = {.type = NLA_U32},
	[IFLA_TARGET_NETNSID] = {.type = NLA_U32},
	[IFLA_LINKINFO] = {.type = NLA_NESTED},
};

static const struct nla_policy kind_policy[IFLA_INFO_MAX + 1] = {
	[IFLA_INFO_KIND] = {.type = NLA_STRING},
};

static const struct nla_policy nsid_policy[NETNSA_MAX + 1] = {
	[NETNSA_NSID] = {.type = NLA_U32},
};

/* ---- the devices ---- */

static int take_peer(const struct nlmsghdr *h, struct snapshot *s)
{
	struct nlattr *table[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	const struct ifinfomsg *header = nl_data(h, sizeof(*header));
	struct peer *peer;

	if (!header || header->ifi_index <= 0 ||
	    nl_parse(h, sizeof(*header), table, IFLA_MAX, peer_policy) < 0 || !table[IFLA_IFNAME])
		return -EBADMSG;
	if (!table[IFLA_TARGET_NETNSID])
		return 0;
	peer = vec_push(&s->peers);
	peer->netnsid = (int)nla_get_u32(table[IFLA_TARGET_NETNSID]);
	peer->ifindex = (unsigned int)header->ifi_index;
	peer->flags = header->ifi_flags;
	peer->mtu = table[IFLA_MTU] ? nla_get_u32(table[IFLA_MTU]) : 0;
	nla_strlcpy(peer->name, table[IFLA_IFNAME], sizeof(peer->name));
	if (!table[IFLA_LINKINFO])
		return 0;
	if (nla_parse_nested(info, IFLA_INFO_MAX, table[IFLA_LINKINFO], kind_policy) < 0)
		return -EBADMSG;
	if (info[IFLA_INFO_KIND])
		nla_strlcpy(peer->kind, info[IFLA_INFO_KIND], sizeof(peer->kind));
	return 0;
}

int parse_peers(const struct buf *answer, struct snapshot *s)
{
	int r = answer->len ? nl_check(answer) : 0;

	if (r < 0)
		return r;
	nl_each(message, answer) {
		if (message.h->nlmsg_type != RTM_NEWLINK)
			continue;
		r = take_peer(message.h, s);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool leads_out(const struct link *l)
{
	return l->peer_known_netns && l->link_netnsid >= 0 && l->peer_ifindex;
}

static int ask_peer(const struct link *l, struct buf *all)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg m;
		struct nlattr netns;
		int32_t netnsid;
		struct nlattr mask;
		uint32_t skip;
	} request = {
		.h = {.nlmsg_len = sizeof(request),
		      .nlmsg_type = RTM_GETLINK,
		      .nlmsg_flags = NLM_F_REQUEST},
		.m = {.ifi_index = (int)l->peer_ifindex},
		.netns = {.nla_len = NLA_HDRLEN + sizeof(int32_t), .nla_type = IFLA_TARGET_NETNSID},
		.netnsid = l->link_netnsid,
		.mask = {.nla_len = NLA_HDRLEN + sizeof(uint32_t), .nla_type = IFLA_EXT_MASK},
		.skip = RTEXT_FILTER_SKIP_STATS,
	};
	cleanup(buf_done) struct buf answer = {0};
	int r = nl_request(NETLINK_ROUTE, &request, sizeof(request), &answer);

	if (r == 0)
		buf_add(all, answer.data, answer.len);
	return r;
}

/* One that went away meanwhile is left out. */
static int ask_peers(const struct snapshot *s, struct buf *ret)
{
	size_t asked = 0;

	vec_each(l, &s->links) {
		int r = leads_out(l) && asked++ < PEERS_MAX ? ask_peer(l, ret) : 0;

		if (r == -EPERM)
			return r;
	}
	return 0;
}

/* ---- the namespaces ---- */

struct search {
	VEC(int) sought; /* numbers whose namespace is not known yet */
	VEC(uint32_t) tried;
	struct buf *found;
};

static void seek(struct search *search, int netnsid)
{
	vec_each(known, &search->sought)
		if (*known == netnsid)
			return;
	*vec_push(&search->sought) = netnsid;
}

/* The number that the namespace of this thread has for another; -1: none. */
static int number_of(int fd)
{
	struct {
		struct nlmsghdr h;
		struct rtgenmsg m;
		struct nlattr a __attribute__((aligned(NLA_ALIGNTO)));
		uint32_t fd;
	} request = {
		.h = {.nlmsg_len = sizeof(request),
		      .nlmsg_type = RTM_GETNSID,
		      .nlmsg_flags = NLM_F_REQUEST},
		.a = {.nla_len = NLA_HDRLEN + sizeof(uint32_t), .nla_type = NETNSA_FD},
		.fd = (uint32_t)fd,
	};
	cleanup(buf_done) struct buf answer = {0};

	if (nl_request(NETLINK_ROUTE, &request, sizeof(request), &answer) < 0)
		return -1;
	nl_each(message, &answer) {
		struct nlattr *table[NETNSA_MAX + 1];

		if (message.h->nlmsg_type == RTM_NEWNSID &&
		    nl_parse(message.h, sizeof(struct rtgenmsg), table, NETNSA_MAX, nsid_policy) ==
			    0 &&
		    table[NETNSA_NSID])
			return (int)nla_get_u32(table[NETNSA_NSID]);
	}
	return -1;
}

static bool try_path(void *arg, const char *path)
{
	struct search *search = arg;
	cleanup(cleanup_fd) int fd = -1;
	struct stat st;
	const char *name = netns_path_name(path);
	int number;

	if (stat(path, &st) < 0)
		return false;
	vec_each(inode, &search->tried)
		if (*inode == (uint32_t)st.st_ino)
			return false;
	*vec_push(&search->tried) = (uint32_t)st.st_ino;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	number = fd < 0 ? -1 : number_of(fd);
	for (size_t i = 0; i < search->sought.n; i++) {
		if (search->sought.items[i] != number)
			continue;
		search->sought.items[i] = search->sought.items[--search->sought.n];
		buf_printf(search->found, "%d %u %s\n", number, (unsigned int)st.st_ino,
			   name ? name : "");
		break;
	}
	return search->sought.n == 0 || search->tried.n >= NETNS_TRIED_MAX;
}

/* Most lead to the host's own, so that is tried first. */
static void find_netns(const struct snapshot *s, struct buf *ret)
{
	struct search search = {.found = ret};

	vec_each(l, &s->links)
		if (leads_out(l))
			seek(&search, l->link_netnsid);
	if (!try_path(&search, "/proc/1/ns/net"))
		netns_walk(try_path, &search);
	vec_done(&search.sought);
	vec_done(&search.tried);
}

/* Lines "NUMBER INODE NAME"; the name may be empty. */
static int parse_netns_ids(struct span text, struct snapshot *s)
{
	struct span line, number, inode;

	while (next_line(&text, &line)) {
		uint64_t n, i;
		struct netns_id *id;

		if (!next_split(&line, ' ', &number) || !line.p || !next_split(&line, ' ', &inode) ||
		    parse_u64(number, INT32_MAX, &n) < 0 || parse_u64(inode, UINT32_MAX, &i) < 0)
			return -EBADMSG;
		id = vec_push(&s->netns_ids);
		id->netnsid = (int)n;
		id->inode = (uint32_t)i;
		if (line.p)
			span_copy(line, id->name, sizeof(id->name));
	}
	return 0;
}

int collect_peers(struct host *h, struct snapshot *s)
{
	cleanup(buf_done) struct buf links = {0};
	cleanup(buf_done) struct buf spaces = {0};
	bool any = false;
	int r = 0;

	vec_each(l, &s->links)
		any |= leads_out(l);
	/* They change rarely, and are only spoken of: once is enough. */
	if (!any || strcmp(h->phase, "a") == 0)
		return COLLECT_UNUSED;
	if (!h->replay)
		r = ask_peers(s, &links);
	r = host_keep(h, "peer-links", r, &links);
	if (r == 0)
		r = parse_peers(&links, s);
	if (r < 0)
		return r;
	if (!h->replay)
		find_netns(s, &spaces);
	/* Without these the devices are still worth having. */
	r = host_keep(h, "peer-netns", 0, &spaces);
	return r < 0 ? 0 : parse_netns_ids((struct span){spaces.data, spaces.len}, s);
}
