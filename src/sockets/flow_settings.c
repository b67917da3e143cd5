// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sysctls of its namespace and the metrics of its route that a TCP connection goes by: net/ipv4/
 * sysctl_net_ipv4.c, tcp.h tcp_rto_min_us(). The route is asked for as a packet would look it up
 * (RTM_GETROUTE, net/ipv4/route.c inet_rtm_getroute()); nothing is sent. Its rto_min is in ms, and
 * holds only where it is locked, as `ip route` always sets it.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <stdio.h>

#include "base/parse.h"
#include "collect/proctext.h"
#include "nl/nl.h"
#include "sockets/flow.h"

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

static void read_numbers(struct host *h, const char *name, int64_t *to, size_t n)
{
	cleanup(buf_done) struct buf b = {0};
	struct span text, field;
	char path[64];

	snprintf(path, sizeof(path), "sys/net/%s", name);
	if (host_read(h, path, &b) < 0)
		return;
	text = (struct span){b.data, b.len};
	for (size_t i = 0; i < n; i++) {
		uint64_t value;

		while (text.n && text.p[text.n - 1] == '\n')
			text.n--;
		if (!next_field(&text, &field) || parse_u64(field, INT64_MAX, &value) < 0)
			return;
		to[i] = (int64_t)value;
	}
}

static void take_metrics(struct nlattr *metrics, struct tcp_settings *s)
{
	static const struct nla_policy policy[RTAX_MAX + 1] = {
		[RTAX_LOCK] = {.type = NLA_U32},
		[RTAX_RTO_MIN] = {.type = NLA_U32},
		[RTAX_INITCWND] = {.type = NLA_U32},
	};
	struct nlattr *table[RTAX_MAX + 1];

	if (nla_parse_nested(table, RTAX_MAX, metrics, policy) < 0)
		return;
	if (table[RTAX_INITCWND])
		s->initcwnd = nla_get_u32(table[RTAX_INITCWND]);
	if (table[RTAX_RTO_MIN] && table[RTAX_LOCK] &&
	    nla_get_u32(table[RTAX_LOCK]) & 1u << RTAX_RTO_MIN) {
		uint32_t ms = nla_get_u32(table[RTAX_RTO_MIN]);

		s->rto_min_us = MIN(ms, UINT32_MAX / 1000) * 1000;
		s->rto_min_from = RTO_MIN_ROUTE;
	}
}

static void add_attribute(struct buf *b, uint16_t type, const void *data, size_t n)
{
	struct nlattr a = {.nla_len = (uint16_t)(NLA_HDRLEN + n), .nla_type = type};

	buf_add(b, &a, sizeof(a));
	buf_add(b, data, n); /* addresses and indexes: whole words */
}

static void read_route(struct host *h, const struct socket *sk, struct tcp_settings *s)
{
	bool mapped = sk->family == AF_INET6 && memcmp(sk->remote, v4_mapped, sizeof(v4_mapped)) == 0;
	size_t n = sk->family == AF_INET || mapped ? 4 : 16;
	struct {
		struct nlmsghdr h;
		struct rtmsg r;
	} head = {
		.h = {.nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST},
		.r = {.rtm_family = n == 4 ? AF_INET : AF_INET6, .rtm_dst_len = (unsigned char)(n * 8)},
	};
	struct nlattr *table[RTA_MAX + 1];
	cleanup(buf_done) struct buf request = {0}, answer = {0};

	buf_add(&request, &head, sizeof(head));
	add_attribute(&request, RTA_DST, mapped ? sk->remote + 12 : sk->remote, n);
	if (sk->ifindex)
		add_attribute(&request, RTA_OIF, &sk->ifindex, sizeof(sk->ifindex));
	head.h.nlmsg_len = (uint32_t)request.len;
	memcpy(request.data, &head, sizeof(head));
	if (host_netlink(h, "flow-route", NETLINK_ROUTE, request.data, request.len, &answer) < 0 ||
	    nl_check(&answer) < 0)
		return;
	nl_each(message, &answer) {
		if (message.h->nlmsg_type != RTM_NEWROUTE ||
		    nl_parse(message.h, sizeof(struct rtmsg), table, RTA_MAX, NULL) < 0)
			continue;
		s->route_known = true;
		if (table[RTA_METRICS])
			take_metrics(table[RTA_METRICS], s);
	}
}

void flow_sysctls(struct host *h, struct tcp_settings *ret)
{
	int64_t rto_min = -1, rto_max = -1;
	struct {
		const char *name;
		int64_t *to;
		size_t n;
	} const rows[] = {
		{"ipv4/tcp_retries1", &ret->retries1, 1},
		{"ipv4/tcp_retries2", &ret->retries2, 1},
		{"ipv4/tcp_orphan_retries", &ret->orphan_retries, 1},
		{"ipv4/tcp_syn_retries", &ret->syn_retries, 1},
		{"ipv4/tcp_syn_linear_timeouts", &ret->syn_linear, 1},
		{"ipv4/tcp_synack_retries", &ret->synack_retries, 1},
		{"ipv4/tcp_keepalive_time", &ret->keepalive_time, 1},
		{"ipv4/tcp_keepalive_intvl", &ret->keepalive_intvl, 1},
		{"ipv4/tcp_keepalive_probes", &ret->keepalive_probes, 1},
		{"ipv4/tcp_fin_timeout", &ret->fin_timeout, 1},
		{"core/somaxconn", &ret->somaxconn, 1},
		{"ipv4/tcp_rmem", ret->rmem, 3},
		{"ipv4/tcp_wmem", ret->wmem, 3},
		{"ipv4/tcp_rto_min_us", &rto_min, 1},
		{"ipv4/tcp_rto_max_ms", &rto_max, 1},
	};

	tcp_settings_init(ret);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		read_numbers(h, rows[i].name, rows[i].to, rows[i].n);
	if (rto_min > 0 && rto_min <= UINT32_MAX) {
		ret->rto_min_us = (uint32_t)rto_min;
		ret->rto_min_from = RTO_MIN_SYSCTL;
	}
	if (rto_max > 0 && rto_max <= UINT32_MAX / 1000)
		ret->rto_max_us = (uint32_t)rto_max * 1000;
}

void flow_settings(struct host *h, const struct socket *sk, struct tcp_settings *ret)
{
	flow_sysctls(h, ret);
	if (sk->kind == SOCKET_INET && sk->protocol == IPPROTO_TCP && sk->remote_port)
		read_route(h, sk, ret);
}
