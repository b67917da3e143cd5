// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules, policies and what they drop, in words. */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include <linux/netfilter.h>

#include "causes/fw_blame.h"

#define EPHEMERAL_FIRST 32768 /* net.ipv4.ip_local_port_range */

const char *fw_family_name(const struct fw_point *p)
{
	switch (fw_chain(p)->family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return p->set->legacy ? "legacy" : "ip";
	case NFPROTO_IPV6:
		return p->set->legacy ? "legacy6" : "ip6";
	case NFPROTO_NETDEV:
		return "netdev";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_ARP:
		return "arp";
	default:
		return "?";
	}
}

struct subject *fw_subject(struct finding *f, const struct ruleset *set, const struct rule *r)
{
	const struct fw_point at = {.set = set, .chain = r->chain};
	const struct chain *c = &set->chains.items[r->chain];
	struct subject *s = finding_subject(f);

	s->has_rule = true;
	snprintf(s->rule.family, sizeof(s->rule.family), "%s", fw_family_name(&at));
	snprintf(s->rule.table, sizeof(s->rule.table), "%s", c->table);
	snprintf(s->rule.chain, sizeof(s->rule.chain), "%s", c->name);
	s->rule.handle = r->handle;
	s->rule.how = "the rule that hands over most";
	return s;
}

const char *fw_hook_name(const struct fw_point *p)
{
	static const char *const names[] = {
		"prerouting", "input",	"forward", "output", "postrouting", "ingress", "",	 "",
		"ingress",    "egress", "",	   "",	     "input",	    "output",  "forward"};
	uint32_t hooks = p->seen ? p->seen : p->hooks;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (hooks & (1u << i))
			return names[i];
	return "";
}

const char *fw_target_name(const struct fw_point *p)
{
	const struct rule *r = fw_rule(p);

	if (r && r->verdict == VERDICT_MAP)
		return "verdict map";
	if (p->set->legacy)
		return p->reject ? "REJECT" : "DROP";
	return p->reject ? "reject" : "drop";
}

const char *fw_point_text(const struct fw_point *p, char *to, size_t size)
{
	const struct chain *c = fw_chain(p);
	const struct rule *r = fw_rule(p);
	const char *family = fw_family_name(p);

	if (p->set->legacy)
		family = c->family == NFPROTO_IPV6 ? "ip6tables-legacy" : "iptables-legacy";
	if (r)
		snprintf(to, size, "rule %s %s %s %llu", family, c->table, c->name,
			 (unsigned long long)r->handle);
	else
		snprintf(to, size, "policy of %s %s %s", family, c->table, c->name);
	return to;
}

static const char *protocol_text(uint8_t protocol, char *to, size_t size)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	case IPPROTO_IGMP:
		return "igmp";
	case IPPROTO_GRE:
		return "gre";
	case IPPROTO_ESP:
		return "esp";
	default:
		snprintf(to, size, "protocol %u", protocol);
		return to;
	}
}

const char *fw_wanted_text(const struct fw_wanted *w, char *to, size_t size)
{
	char protocol[24];
	const char *name = protocol_text(w->protocol, protocol, sizeof(protocol));

	if (!w->protocol)
		snprintf(to, size, "packets");
	else if (w->port)
		snprintf(to, size, "%s %sport %u", name, w->by_source ? "from " : "", w->port);
	else
		snprintf(to, size, "%s", name);
	return to;
}

void fw_words_done(struct fw_words *w)
{
	vec_done(&w->wanted);
}

static void count(struct fw_words *w, const struct fw_flow *f, bool by_source, uint16_t port)
{
	const struct drop_flow *flow = f->flow;
	struct fw_wanted *place = NULL;

	vec_each(known, &w->wanted)
		if (known->protocol == flow->protocol && known->by_source == by_source &&
		    known->port == port)
			place = known;
	if (!place) {
		place = vec_push(&w->wanted);
		place->protocol = flow->protocol;
		place->by_source = by_source;
		place->port = port;
	}
	place->packets += f->packets;
}

static bool is_chatter(const struct drop_flow *flow)
{
	const uint8_t *to = flow->destination;

	return flow->family == AF_INET6 ? to[0] == 0xff : to[0] >= 224;
}

/*
 * Neighbour discovery asks by multicast: ff02::1:ff with the last three bytes of the address that
 * is looked for. Where that is one of this host's, an answer is wanted. Link-local addresses are
 * left out: every device has one, whether IPv6 is used or not.
 */
static bool is_sought(const struct fw_blame *b, const struct fw_flow *f)
{
	static const uint8_t group[13] = {0xff, 2, [11] = 1, [12] = 0xff};
	const struct ruleset *set = b->points.items[f->point].set;

	if (f->flow->family != AF_INET6 || f->flow->protocol != IPPROTO_ICMPV6 ||
	    memcmp(f->flow->destination, group, sizeof(group)) != 0)
		return false;
	vec_each(local, &set->locals)
		if (local->family == AF_INET6 && local->address[0] != 0xfe &&
		    memcmp(local->address + 13, f->flow->destination + 13, 3) == 0)
			return true;
	return false;
}

/* Most packets first; of two ports with as many, the destination's and then the lower one. */
static int compare_wanted(const void *one, const void *other)
{
	const struct fw_wanted *a = one, *b = other;

	if (a->packets != b->packets)
		return a->packets > b->packets ? -1 : 1;
	if (a->by_source != b->by_source)
		return a->by_source ? 1 : -1;
	return (int)a->port - (int)b->port;
}

/*
 * Requests share the port they go to, answers the one they come from. If one source port explains
 * clearly more packets than any destination port, these are answers.
 */
static void keep_one_side(struct fw_words *w)
{
	uint64_t best[2] = {0};
	bool answers;
	size_t n = 0;

	vec_each(wanted, &w->wanted)
		best[wanted->by_source] = MAX(best[wanted->by_source], wanted->packets);
	answers = best[1] > best[0] * 2;
	for (size_t i = 0; i < w->wanted.n; i++)
		if (w->wanted.items[i].by_source == answers)
			w->wanted.items[n++] = w->wanted.items[i];
	w->wanted.n = n;
}

void fw_words_of(const struct fw_blame *b, const bool *which, struct fw_words *ret)
{
	struct fw_words w = {0};

	vec_each(f, &b->flows) {
		if (f->point == FW_NOWHERE || !which[f->point])
			continue;
		w.packets += f->packets;
		if (is_sought(b, f)) {
			w.sought += f->packets;
		} else if (is_chatter(f->flow)) {
			w.chatter += f->packets;
			continue;
		}
		count(&w, f, false, f->flow->destination_port);
		/* Above are the ports that senders pick, scanners often one for all. */
		if (f->flow->source_port < EPHEMERAL_FIRST)
			count(&w, f, true, f->flow->source_port);
	}
	keep_one_side(&w);
	if (w.wanted.n)
		qsort(w.wanted.items, w.wanted.n, sizeof(*w.wanted.items), compare_wanted);
	*ret = w;
}
