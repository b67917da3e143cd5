// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Addresses of the namespace: RTM_GETADDR (net/ipv4/devinet.c inet_dump_ifaddr, net/ipv6/addrconf.c
 * inet6_dump_addr). Needs no privilege.
 */
#include "collect/locals.h"

#include <errno.h>
#include <netlink/attr.h>
#include <sys/socket.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "nl/nl.h"

#define LOCALS_MAX 65536

static void add_local(struct ruleset *set, uint8_t family, struct nlattr *attr)
{
	size_t size = family == AF_INET6 ? 16 : 4;
	struct local_address *local;

	if (!attr || (size_t)nla_len(attr) != size || set->locals.n == LOCALS_MAX)
		return;
	local = vec_push(&set->locals);
	local->family = family;
	memcpy(local->address, nla_data(attr), size);
}

int parse_locals(const struct buf *answer, struct ruleset *set)
{
	int r = nl_check(answer);

	if (r < 0)
		return r;
	nl_each(m, answer) {
		const struct ifaddrmsg *ifa = nl_data(m.h, sizeof(*ifa));
		struct nlattr *tb[IFA_MAX + 1];

		if (m.h->nlmsg_type != RTM_NEWADDR)
			continue;
		if (!ifa || nl_parse(m.h, sizeof(*ifa), tb, IFA_MAX, NULL) < 0)
			return -EBADMSG;
		if (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6)
			continue;
		/* IPv4 on a point-to-point link: IFA_ADDRESS is the other end. */
		add_local(set, ifa->ifa_family, tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS]);
		add_local(set, ifa->ifa_family, tb[IFA_BROADCAST]);
	}
	return 0;
}

void read_locals(struct host *h, struct ruleset *set)
{
	struct {
		struct nlmsghdr h;
		struct ifaddrmsg ifa;
	} request = {.h = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_GETADDR,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
	cleanup(buf_done) struct buf answer = {0};

	if (!ruleset_drops(set))
		return;
	if (host_netlink(h, "addresses", NETLINK_ROUTE, &request, sizeof(request), &answer) < 0 ||
	    parse_locals(&answer, set) < 0)
		vec_done(&set->locals);
}
