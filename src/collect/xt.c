// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Extension matches of x_tables. The structures are those of include/uapi/linux/netfilter/xt_*.h;
 * the kernel gives them with their private tail, so they may be longer than declared there.
 */
#include "collect/xt.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_iprange.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ipt_REJECT.h>
#include <linux/netfilter_ipv6/ip6t_REJECT.h>

#include "collect/limits.h"

static struct rule_op *add_op(struct ruleset *set, enum rule_op_kind kind)
{
	struct rule_op *op = vec_push(&set->ops);

	op->kind = (uint8_t)kind;
	return op;
}

static void add_ports(struct ruleset *set, enum rule_op_kind kind, const uint16_t *range,
		      bool negated)
{
	struct rule_op *op;

	if (range[0] == 0 && range[1] == 0xffff && !negated)
		return;
	op = add_op(set, kind);
	op->low = range[0];
	op->high = range[1];
	op->negated = negated;
}

static bool match_tcp(struct ruleset *set, const void *info, size_t size)
{
	struct xt_tcp tcp;

	if (size < sizeof(tcp))
		return false;
	memcpy(&tcp, info, sizeof(tcp));
	add_ports(set, OP_SPORT, tcp.spts, tcp.invflags & XT_TCP_INV_SRCPT);
	add_ports(set, OP_DPORT, tcp.dpts, tcp.invflags & XT_TCP_INV_DSTPT);
	return !tcp.flg_mask && !tcp.option;
}

static bool match_udp(struct ruleset *set, const void *info, size_t size)
{
	struct xt_udp udp;

	if (size < sizeof(udp))
		return false;
	memcpy(&udp, info, sizeof(udp));
	add_ports(set, OP_SPORT, udp.spts, udp.invflags & XT_UDP_INV_SRCPT);
	add_ports(set, OP_DPORT, udp.dpts, udp.invflags & XT_UDP_INV_DSTPT);
	return true;
}

static void add_multiport(struct ruleset *set, const struct xt_multiport_v1 *m, bool source,
			  bool destination)
{
	size_t at = set->ops.n;
	uint16_t alternatives = 0;

	add_op(set, OP_ANY)->negated = m->invert;
	for (unsigned int i = 0; i < m->count; i++) {
		uint16_t range[2] = {m->ports[i], m->ports[i]};

		if (m->pflags[i] && i + 1 < m->count)
			range[1] = m->ports[++i];
		for (int side = 0; side < 2; side++) {
			struct rule_op *op;

			if (!(side ? destination : source))
				continue;
			op = add_op(set, side ? OP_DPORT : OP_SPORT);
			op->low = range[0];
			op->high = range[1];
			alternatives++;
		}
	}
	set->ops.items[at].high = alternatives;
}

static bool match_multiport(struct ruleset *set, unsigned int revision, const void *info,
			    size_t size)
{
	struct xt_multiport_v1 m = {0};
	struct xt_multiport old;

	if (revision == 1 && size >= sizeof(m)) {
		memcpy(&m, info, sizeof(m));
	} else if (revision == 0 && size >= sizeof(old)) {
		memcpy(&old, info, sizeof(old));
		m.flags = old.flags;
		m.count = old.count;
		memcpy(m.ports, old.ports, sizeof(m.ports));
	} else {
		return false;
	}
	if (m.count > XT_MULTI_PORTS)
		return false;
	add_multiport(set, &m, m.flags != XT_MULTIPORT_DESTINATION, m.flags != XT_MULTIPORT_SOURCE);
	return true;
}

/* Bits as XT_CONNTRACK_STATE_BIT() and XT_STATE_BIT() make them. */
static void add_state(struct ruleset *set, unsigned int mask, bool negated)
{
	unsigned int known = 0;
	struct rule_op *op;

	known |= mask & XT_STATE_INVALID ? RULE_CT_INVALID : 0;
	known |= mask & XT_STATE_BIT(IP_CT_ESTABLISHED) ? RULE_CT_ESTABLISHED : 0;
	known |= mask & XT_STATE_BIT(IP_CT_NEW) ? RULE_CT_NEW : 0;
	mask &= ~(XT_STATE_INVALID | XT_STATE_BIT(IP_CT_ESTABLISHED) | XT_STATE_BIT(IP_CT_NEW));
	known |= mask ? RULE_CT_OTHER : 0;
	op = add_op(set, OP_CT_STATE);
	op->low = (uint16_t)known;
	op->negated = negated;
}

static bool match_conntrack(struct ruleset *set, unsigned int revision, const void *info,
			    size_t size)
{
	struct xt_conntrack_mtinfo3 m;
	size_t needed = revision == 3 ? sizeof(m) : sizeof(struct xt_conntrack_mtinfo2);

	/* Revision 3 only adds port ranges at the end. */
	if (revision < 2 || revision > 3 || size < needed)
		return false;
	memset(&m, 0, sizeof(m));
	memcpy(&m, info, needed);
	if (m.match_flags & XT_CONNTRACK_STATE)
		add_state(set, m.state_mask, m.invert_flags & XT_CONNTRACK_STATE);
	/* The alias only says that it was written as -m state. */
	return (m.match_flags & ~XT_CONNTRACK_STATE_ALIAS) == XT_CONNTRACK_STATE;
}

static bool match_state(struct ruleset *set, const void *info, size_t size)
{
	struct xt_state_info m;

	if (size < sizeof(m))
		return false;
	memcpy(&m, info, sizeof(m));
	add_state(set, m.statemask, false);
	return true;
}

static void add_range(struct ruleset *set, enum rule_op_kind kind, uint8_t length,
		      const union nf_inet_addr *low, const union nf_inet_addr *high, bool negated)
{
	struct rule_op *op = add_op(set, kind);

	op->length = length;
	memcpy(op->value, low, sizeof(op->value));
	memcpy(op->mask, high, sizeof(op->mask));
	op->negated = negated;
}

static bool match_iprange(struct ruleset *set, const struct rule *r, unsigned int revision,
			  const void *info, size_t size)
{
	uint8_t length = set->chains.items[r->chain].family == NFPROTO_IPV6 ? 16 : 4;
	struct xt_iprange_mtinfo m;

	if (revision != 1 || size < sizeof(m))
		return false;
	memcpy(&m, info, sizeof(m));
	if (m.flags & IPRANGE_SRC)
		add_range(set, OP_SOURCE_RANGE, length, &m.src_min, &m.src_max,
			  m.flags & IPRANGE_SRC_INV);
	if (m.flags & IPRANGE_DST)
		add_range(set, OP_DESTINATION_RANGE, length, &m.dst_min, &m.dst_max,
			  m.flags & IPRANGE_DST_INV);
	return true;
}

static bool in_list(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

void xt_match(struct ruleset *set, struct rule *r, const char *name, unsigned int revision,
	      const void *info, size_t size)
{
	bool whole = false;

	if (strcmp(name, "tcp") == 0)
		whole = match_tcp(set, info, size);
	else if (strcmp(name, "udp") == 0 || strcmp(name, "udplite") == 0)
		whole = match_udp(set, info, size);
	else if (strcmp(name, "multiport") == 0)
		whole = match_multiport(set, revision, info, size);
	else if (strcmp(name, "conntrack") == 0)
		whole = match_conntrack(set, revision, info, size);
	else if (strcmp(name, "state") == 0)
		whole = match_state(set, info, size);
	else if (strcmp(name, "iprange") == 0)
		whole = match_iprange(set, r, revision, info, size);
	else if (strcmp(name, "comment") == 0)
		whole = true;
	r->limits |= xt_add_limit(set, name, revision, info, size);
	if (!whole)
		add_op(set, OP_UNKNOWN);
}

enum rule_verdict xt_target(const char *name)
{
	static const char *const nat[] = {"DNAT", "SNAT", "MASQUERADE", "REDIRECT", "NETMAP", NULL};

	if (strcmp(name, "REJECT") == 0)
		return VERDICT_REJECT;
	if (strcmp(name, "NFQUEUE") == 0)
		return VERDICT_QUEUE;
	return in_list(nat, name) ? VERDICT_ACCEPT : VERDICT_NONE;
}

enum rule_nat xt_nat(const char *name)
{
	static const char *const source[] = {"SNAT", "MASQUERADE", NULL};
	static const char *const destination[] = {"DNAT", "REDIRECT", NULL};

	if (in_list(source, name))
		return NAT_SOURCE;
	return in_list(destination, name) ? NAT_DESTINATION : NAT_NONE;
}

/* xt_NFQUEUE.c: revision 1 has several queues, 2 a number for bypass and 3 flags there. */
void xt_queue(struct rule *r, unsigned int revision, const void *info, size_t size)
{
	struct xt_NFQ_info_v3 q = {.queues_total = 1};
	static const size_t sizes[] = {sizeof(struct xt_NFQ_info), sizeof(struct xt_NFQ_info_v1),
				       sizeof(struct xt_NFQ_info_v2), sizeof(struct xt_NFQ_info_v3)};

	r->to_queue = true;
	if (revision >= ARRAY_SIZE(sizes) || size < sizes[revision])
		return;
	memcpy(&q, info, sizes[revision]);
	r->queue = q.queuenum;
	r->queues = q.queues_total;
	r->bypass = q.flags & NFQ_FLAG_BYPASS;
}

/* The data is one enum: ipt_REJECT.h, ip6t_REJECT.h. */
uint8_t xt_answer(bool v6, const void *info, size_t size)
{
	static const uint8_t four[] = {[IPT_ICMP_NET_UNREACHABLE] = REJECT_UNREACHABLE,
				       [IPT_ICMP_HOST_UNREACHABLE] = REJECT_UNREACHABLE,
				       [IPT_ICMP_PROT_UNREACHABLE] = REJECT_UNREACHABLE,
				       [IPT_ICMP_PORT_UNREACHABLE] = REJECT_PORT,
				       [IPT_ICMP_NET_PROHIBITED] = REJECT_PROHIBITED,
				       [IPT_ICMP_HOST_PROHIBITED] = REJECT_PROHIBITED,
				       [IPT_TCP_RESET] = REJECT_RESET,
				       [IPT_ICMP_ADMIN_PROHIBITED] = REJECT_PROHIBITED};
	static const uint8_t six[] = {[IP6T_ICMP6_NO_ROUTE] = REJECT_UNREACHABLE,
				      [IP6T_ICMP6_ADM_PROHIBITED] = REJECT_PROHIBITED,
				      [IP6T_ICMP6_NOT_NEIGHBOUR] = REJECT_UNREACHABLE,
				      [IP6T_ICMP6_ADDR_UNREACH] = REJECT_UNREACHABLE,
				      [IP6T_ICMP6_PORT_UNREACH] = REJECT_PORT,
				      [IP6T_TCP_RESET] = REJECT_RESET,
				      [IP6T_ICMP6_POLICY_FAIL] = REJECT_PROHIBITED,
				      [IP6T_ICMP6_REJECT_ROUTE] = REJECT_PROHIBITED};
	uint32_t with;

	if (size < sizeof(with))
		return REJECT_UNKNOWN;
	memcpy(&with, info, sizeof(with));
	if (v6)
		return with < ARRAY_SIZE(six) ? six[with] : REJECT_UNKNOWN;
	return with < ARRAY_SIZE(four) ? four[with] : REJECT_UNKNOWN;
}
