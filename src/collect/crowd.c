// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whose connections fill a table, read only when one is three quarters full, at the end of the
 * interval, and no more than so many: what hashes first is a sample like any other.
 *
 * Tracked ones: IPCTNL_MSG_CT_GET (net/netfilter/nf_conntrack_netlink.c ctnetlink_fill_info); a
 * question would load that module, so it must be there already. CAP_NET_ADMIN. TCP sockets:
 * sock_diag (net/ipv4/inet_diag.c), TIME_WAIT too, without any of their numbers; no privilege.
 * Scope: one network namespace.
 */
#include "collect/crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <stdio.h>

#include "base/parse.h"
#include "collect/collect.h"
#include "collect/modules.h"
#include "nl/nl.h"

#define TRACKED_MAX 16384
/* One destination has 65,535 source ports at most. */
#define CONNECTIONS_MAX 65536
#define FULL_PART(n) ((n) / 4 * 3 + (n) % 4 * 3 / 4)

static size_t address_size(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

/* ---- ctnetlink ---- */

static const struct nla_policy tracked_policy[CTA_MAX + 1] = {
	[CTA_TUPLE_ORIG] = {.type = NLA_NESTED},
	[CTA_STATUS] = {.type = NLA_U32},
	[CTA_PROTOINFO] = {.type = NLA_NESTED},
};

static const struct nla_policy tuple_policy[CTA_TUPLE_MAX + 1] = {
	[CTA_TUPLE_IP] = {.type = NLA_NESTED},
	[CTA_TUPLE_PROTO] = {.type = NLA_NESTED},
};

static const struct nla_policy ip_policy[CTA_IP_MAX + 1] = {
	[CTA_IP_V4_SRC] = {.minlen = 4},
	[CTA_IP_V4_DST] = {.minlen = 4},
	[CTA_IP_V6_SRC] = {.minlen = 16},
	[CTA_IP_V6_DST] = {.minlen = 16},
};

static const struct nla_policy proto_policy[CTA_PROTO_MAX + 1] = {
	[CTA_PROTO_NUM] = {.type = NLA_U8},
	[CTA_PROTO_SRC_PORT] = {.type = NLA_U16},
	[CTA_PROTO_DST_PORT] = {.type = NLA_U16},
};

static const struct nla_policy protoinfo_policy[CTA_PROTOINFO_MAX + 1] = {
	[CTA_PROTOINFO_TCP] = {.type = NLA_NESTED},
};

static const struct nla_policy tcp_policy[CTA_PROTOINFO_TCP_MAX + 1] = {
	[CTA_PROTOINFO_TCP_STATE] = {.type = NLA_U8},
};

static uint16_t port_of(struct nlattr *attribute)
{
	return attribute ? ntohs(nla_get_u16(attribute)) : 0;
}

static int take_tuple(struct nlattr *tuple, struct crowd_entry *e)
{
	struct nlattr *parts[CTA_TUPLE_MAX + 1], *ip[CTA_IP_MAX + 1], *proto[CTA_PROTO_MAX + 1];
	struct nlattr *source, *destination;

	if (!tuple || nla_parse_nested(parts, CTA_TUPLE_MAX, tuple, tuple_policy) < 0 ||
	    !parts[CTA_TUPLE_IP] || !parts[CTA_TUPLE_PROTO] ||
	    nla_parse_nested(ip, CTA_IP_MAX, parts[CTA_TUPLE_IP], ip_policy) < 0 ||
	    nla_parse_nested(proto, CTA_PROTO_MAX, parts[CTA_TUPLE_PROTO], proto_policy) < 0)
		return -EBADMSG;
	e->family = ip[CTA_IP_V4_SRC] ? AF_INET : AF_INET6;
	source = ip[e->family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC];
	destination = ip[e->family == AF_INET ? CTA_IP_V4_DST : CTA_IP_V6_DST];
	if (!source || !destination || !proto[CTA_PROTO_NUM])
		return -EBADMSG;
	memcpy(e->source, nla_data(source), address_size(e->family));
	memcpy(e->destination, nla_data(destination), address_size(e->family));
	e->protocol = nla_get_u8(proto[CTA_PROTO_NUM]);
	e->source_port = port_of(proto[CTA_PROTO_SRC_PORT]);
	e->port = port_of(proto[CTA_PROTO_DST_PORT]);
	return 0;
}

static enum crowd_state state_of_tracked(uint8_t state)
{
	static const enum crowd_state states[] = {
		[TCP_CONNTRACK_SYN_SENT] = CROWD_SYN_SENT,
		[TCP_CONNTRACK_SYN_RECV] = CROWD_SYN_RECV,
		[TCP_CONNTRACK_ESTABLISHED] = CROWD_ESTABLISHED,
		[TCP_CONNTRACK_FIN_WAIT] = CROWD_CLOSING,
		[TCP_CONNTRACK_CLOSE_WAIT] = CROWD_CLOSING,
		[TCP_CONNTRACK_LAST_ACK] = CROWD_CLOSING,
		[TCP_CONNTRACK_TIME_WAIT] = CROWD_TIME_WAIT,
		[TCP_CONNTRACK_CLOSE] = CROWD_CLOSED,
		[TCP_CONNTRACK_SYN_SENT2] = CROWD_SYN_SENT,
	};

	return state < ARRAY_SIZE(states) ? states[state] : CROWD_OTHER;
}

static int take_protoinfo(struct nlattr *info, struct crowd_entry *e)
{
	struct nlattr *parts[CTA_PROTOINFO_MAX + 1], *tcp[CTA_PROTOINFO_TCP_MAX + 1];

	if (!info)
		return 0;
	if (nla_parse_nested(parts, CTA_PROTOINFO_MAX, info, protoinfo_policy) < 0)
		return -EBADMSG;
	if (!parts[CTA_PROTOINFO_TCP])
		return 0;
	if (nla_parse_nested(tcp, CTA_PROTOINFO_TCP_MAX, parts[CTA_PROTOINFO_TCP], tcp_policy) < 0)
		return -EBADMSG;
	if (tcp[CTA_PROTOINFO_TCP_STATE])
		e->state = state_of_tracked(nla_get_u8(tcp[CTA_PROTOINFO_TCP_STATE]));
	return 0;
}

/* IPS_ASSURED of TCP: the handshake was whole. A refused or half-open one is never that. */
static int take_tracked(const struct nlmsghdr *h, struct crowd_entry *ret)
{
	struct nlattr *table[CTA_MAX + 1];
	struct crowd_entry e = {0};
	uint32_t status;

	if (nl_parse(h, sizeof(struct nfgenmsg), table, CTA_MAX, tracked_policy) < 0 ||
	    take_tuple(table[CTA_TUPLE_ORIG], &e) < 0 || take_protoinfo(table[CTA_PROTOINFO], &e) < 0)
		return -EBADMSG;
	status = table[CTA_STATUS] ? ntohl(nla_get_u32(table[CTA_STATUS])) : 0;
	e.answered = status & (e.protocol == IPPROTO_TCP ? IPS_ASSURED : IPS_SEEN_REPLY);
	*ret = e;
	return 0;
}

int parse_tracked(const struct buf *messages, size_t most, struct crowd_list *to)
{
	nl_each(message, messages) {
		struct crowd_entry e;
		int r;

		if (message.h->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW))
			continue;
		if (to->list.n == most)
			return -E2BIG;
		r = take_tracked(message.h, &e);
		if (r < 0)
			return r;
		*vec_push(&to->list) = e;
	}
	return 0;
}

/* ---- sock_diag ---- */

/* include/net/tcp_states.h */
static enum crowd_state state_of_socket(uint8_t state)
{
	static const enum crowd_state states[] = {
		[1] = CROWD_ESTABLISHED, [2] = CROWD_SYN_SENT,	[3] = CROWD_SYN_RECV,
		[4] = CROWD_CLOSING,	 [5] = CROWD_CLOSING,	[6] = CROWD_TIME_WAIT,
		[7] = CROWD_CLOSED,	 [8] = CROWD_CLOSING,	[9] = CROWD_CLOSING,
		[11] = CROWD_CLOSING,
	};

	return state < ARRAY_SIZE(states) ? states[state] : CROWD_OTHER;
}

/* From here to there, although it may have been begun there: who listens is not known here. */
int parse_connections(const struct buf *messages, size_t most, struct crowd_list *to)
{
	nl_each(message, messages) {
		const struct inet_diag_msg *m = nl_data(message.h, sizeof(*m));
		struct crowd_entry *e;

		if (message.h->nlmsg_type != SOCK_DIAG_BY_FAMILY)
			continue;
		if (!m)
			return -EBADMSG;
		if (m->idiag_family != AF_INET && m->idiag_family != AF_INET6)
			continue;
		if (to->list.n == most)
			return -E2BIG;
		e = vec_push(&to->list);
		e->family = m->idiag_family;
		e->protocol = IPPROTO_TCP;
		e->state = (uint8_t)state_of_socket(m->idiag_state);
		e->answered = e->state != CROWD_SYN_SENT && e->state != CROWD_SYN_RECV;
		e->source_port = ntohs(m->id.idiag_sport);
		e->port = ntohs(m->id.idiag_dport);
		memcpy(e->source, m->id.idiag_src, address_size(e->family));
		memcpy(e->destination, m->id.idiag_dst, address_size(e->family));
	}
	return 0;
}

/* ---- as recorded ---- */

void write_crowd(const struct crowd_list *from, struct buf *to)
{
	vec_each(e, &from->list) {
		char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];

		inet_ntop(e->family, e->source, source, sizeof(source));
		inet_ntop(e->family, e->destination, destination, sizeof(destination));
		buf_printf(to, "%u %u %u %u %u %u %s %s\n", e->family, e->protocol, e->state,
			   e->answered, e->source_port, e->port, source, destination);
	}
}

static int read_address(struct span text, uint8_t family, uint8_t *to)
{
	char copy[INET6_ADDRSTRLEN];

	if (text.n >= sizeof(copy))
		return -EBADMSG;
	span_copy(text, copy, sizeof(copy));
	return inet_pton(family, copy, to) == 1 ? 0 : -EBADMSG;
}

static int read_entry(struct span line, struct crowd_entry *ret)
{
	static const uint64_t most[] = {AF_INET6, 255, CROWD_STATES - 1, 1, 65535, 65535};
	struct crowd_entry e = {0};
	struct span field;
	uint64_t v[6];

	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		if (!next_field(&line, &field) || parse_u64(field, most[i], &v[i]) < 0)
			return -EBADMSG;
	if (v[0] != AF_INET && v[0] != AF_INET6)
		return -EBADMSG;
	e.family = (uint8_t)v[0];
	e.protocol = (uint8_t)v[1];
	e.state = (uint8_t)v[2];
	e.answered = v[3];
	e.source_port = (uint16_t)v[4];
	e.port = (uint16_t)v[5];
	if (!next_field(&line, &field) || read_address(field, e.family, e.source) < 0 ||
	    !next_field(&line, &field) || read_address(field, e.family, e.destination) < 0)
		return -EBADMSG;
	*ret = e;
	return 0;
}

int read_crowd(const struct buf *text, struct crowd_list *to)
{
	struct span rest = {text->data, text->len}, line;

	while (next_line(&rest, &line)) {
		struct crowd_entry e;

		if (to->list.n == CONNECTIONS_MAX || read_entry(line, &e) < 0)
			return -EBADMSG;
		*vec_push(&to->list) = e;
	}
	return 0;
}

/* ---- the collectors ---- */

struct taker {
	struct nl_sink sink; /* first, so that a sink is its taker */
	int (*parse)(const struct buf *messages, size_t most, struct crowd_list *to);
	size_t most, before;
	struct crowd_list *to;
};

static int take_piece(struct nl_sink *sink, const struct buf *messages)
{
	struct taker *t = (struct taker *)sink;

	return t->parse(messages, t->most, t->to);
}

static void begin_again(struct nl_sink *sink)
{
	struct taker *t = (struct taker *)sink;

	t->to->list.n = t->before;
}

/* A dump that is cut short, or amid which the table changed, is a sample all the same. */
static int ask(int protocol, const void *request, size_t length, struct taker *t)
{
	int r;

	t->sink = (struct nl_sink){.piece = take_piece, .restart = begin_again};
	t->before = t->to->list.n;
	r = nl_stream(protocol, request, length, &t->sink);
	return r == -E2BIG || r == -EINTR ? 0 : r;
}

static int ask_tracked(struct crowd_list *to)
{
	struct {
		struct nlmsghdr h;
		struct nfgenmsg m;
	} request = {
		.h = {.nlmsg_len = sizeof(request),
		      .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.m = {.nfgen_family = AF_UNSPEC},
	};
	struct taker t = {.parse = parse_tracked, .most = TRACKED_MAX, .to = to};

	return ask(NETLINK_NETFILTER, &request, sizeof(request), &t);
}

static int ask_connections(struct crowd_list *to)
{
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		struct {
			struct nlmsghdr h;
			struct inet_diag_req_v2 r;
		} request = {
			.h = {.nlmsg_len = sizeof(request),
			      .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
			/* All but those without another end: CLOSE and LISTEN. */
			.r = {.sdiag_family = (uint8_t)(i ? AF_INET6 : AF_INET),
			      .sdiag_protocol = IPPROTO_TCP,
			      .idiag_states = 0xfff & ~(1u << 7 | 1u << 10)},
		};
		struct taker t = {.parse = parse_connections, .most = CONNECTIONS_MAX, .to = to};

		r = ask(NETLINK_SOCK_DIAG, &request, sizeof(request), &t);
		if (r == -ENOENT && i)
			r = 0; /* no IPv6 in the kernel */
	}
	return r;
}

static void crowd_list_done(struct crowd_list *l)
{
	vec_done(&l->list);
}

/* Recorded as lines: as netlink a full table would be a hundred megabytes. */
static int collect_crowd(struct host *h, const char *name, int (*look)(struct crowd_list *to),
			 struct crowd_list *ret)
{
	cleanup(crowd_list_done) struct crowd_list live = {0};
	cleanup(buf_done) struct buf text = {0};
	int r = 0;

	if (!h->replay) {
		r = look(&live);
		if (r == 0)
			write_crowd(&live, &text);
	}
	r = host_keep(h, name, r, &text);
	return r < 0 ? r : read_crowd(&text, ret);
}

static bool is_end(const struct host *h)
{
	return strcmp(h->phase, "b") == 0;
}

int collect_tracked(struct host *h, struct snapshot *s)
{
	struct crowd_list all = {0};
	int64_t max = 0;
	int r;

	if (!is_end(h) || s->sysctl[K_CONNTRACK_MAX].n == 0)
		return COLLECT_UNUSED;
	max = s->sysctl[K_CONNTRACK_MAX].v[0];
	if (max <= 0 || s->counter[C_CT_ENTRIES] < FULL_PART((uint64_t)max))
		return COLLECT_UNUSED;
	if (!module_is_present(h, "nf_conntrack_netlink"))
		return -EOPNOTSUPP;
	r = collect_crowd(h, "tracked", ask_tracked, &all);
	s->tracked.items = all.list.items;
	s->tracked.n = all.list.n;
	s->tracked.capacity = all.list.capacity;
	return r;
}

/* Are there enough for the ports to one destination, or for the limit of TIME_WAIT? */
static bool many_connections(const struct snapshot *s)
{
	const struct sysctl_value *range = &s->sysctl[K_PORT_RANGE];
	const struct sysctl_value *most = &s->sysctl[K_TCP_MAX_TW_BUCKETS];
	uint64_t waiting = s->counter[C_SOCKSTAT_TCP_TW];

	if (most->n && most->v[0] > 0 && waiting >= FULL_PART((uint64_t)most->v[0]))
		return true;
	return range->n == 2 && range->v[1] >= range->v[0] &&
	       waiting + s->sockets_seen >= FULL_PART((uint64_t)(range->v[1] - range->v[0] + 1));
}

int collect_connections(struct host *h, struct snapshot *s)
{
	struct crowd_list all = {0};
	int r;

	if (!is_end(h) || !many_connections(s))
		return COLLECT_UNUSED;
	r = collect_crowd(h, "connections", ask_connections, &all);
	s->connections.items = all.list.items;
	s->connections.n = all.list.n;
	s->connections.capacity = all.list.capacity;
	return r;
}
