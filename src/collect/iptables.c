// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Legacy iptables and ip6tables: IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES on a raw socket
 * (net/ipv4/netfilter/ip_tables.c, net/ipv6/netfilter/ip6_tables.c), for the tables that
 * /proc/net/ip_tables_names and ip6_tables_names list: asking for another one would load it.
 * Counters are 64 bits, of skbs, for every rule and policy. Needs CAP_NET_ADMIN and CAP_NET_RAW
 * over the namespace.
 *
 * A table is one blob of entries. A hook's chain runs from hook_entry to underflow, whose entry is
 * the policy. A user's chain begins with an entry whose target is ERROR and its name, and jumps
 * name the offset of the entry behind that.
 */
#define _GNU_SOURCE
#include "collect/iptables.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "base/intern.h"
#include "base/parse.h"
#include "collect/collect.h"
#include "collect/locals.h"
#include "collect/proctext.h"
#include "collect/xt.h"

#define TABLE_MAX ((size_t)64 << 20)
#define TRIES 4
#define NO_OFFSET ((size_t)-1)

_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo), "the same but in name");
_Static_assert(sizeof(struct ipt_get_entries) == sizeof(struct ip6t_get_entries), "likewise");

/* What both kinds of entry hold. */
struct entry {
	size_t offset, elems, target, next; /* offsets in the blob; next: of the next entry */
	struct xt_counters counters;
	bool v6;
	uint8_t revision; /* of the target */
	struct ipt_ip ip;
	struct ip6t_ip6 ip6;
	char target_name[XT_EXTENSION_MAXNAMELEN + 1];
};

struct table {
	const char *name;
	uint8_t family;
	const char *blob;
	size_t size;
	struct ipt_getinfo info;
	struct ruleset *set;
	bool ops;
	VEC(size_t) starts; /* offset of the first rule of each chain, from first_chain on */
	size_t first_chain;
};

static int read_entry(const struct table *t, size_t offset, struct entry *ret)
{
	size_t head =
		t->family == NFPROTO_IPV6 ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry);
	struct entry e = {.offset = offset, .v6 = t->family == NFPROTO_IPV6};
	struct xt_entry_target target;
	uint16_t target_offset, next_offset;

	if (offset > t->size || t->size - offset < head)
		return -EBADMSG;
	if (e.v6) {
		struct ip6t_entry raw;

		memcpy(&raw, t->blob + offset, sizeof(raw));
		e.ip6 = raw.ipv6;
		e.counters = raw.counters;
		target_offset = raw.target_offset;
		next_offset = raw.next_offset;
	} else {
		struct ipt_entry raw;

		memcpy(&raw, t->blob + offset, sizeof(raw));
		e.ip = raw.ip;
		e.counters = raw.counters;
		target_offset = raw.target_offset;
		next_offset = raw.next_offset;
	}
	if (next_offset > t->size - offset || target_offset < head ||
	    next_offset < target_offset + sizeof(target))
		return -EBADMSG;
	memcpy(&target, t->blob + offset + target_offset, sizeof(target));
	if (target.u.target_size < sizeof(target) ||
	    target.u.target_size > next_offset - target_offset)
		return -EBADMSG;
	e.elems = offset + head;
	e.target = offset + target_offset;
	e.next = offset + next_offset;
	e.revision = target.u.user.revision;
	memcpy(e.target_name, target.u.user.name, XT_EXTENSION_MAXNAMELEN);
	*ret = e;
	return 0;
}

/* ---- what an entry matches ---- */

static void add_address(struct ruleset *set, enum rule_op_kind kind, const void *address,
			const void *mask, size_t size, bool negated)
{
	static const uint8_t zero[16];
	struct rule_op *op;

	if (memcmp(mask, zero, size) == 0 && !negated)
		return;
	op = vec_push(&set->ops);
	op->kind = (uint8_t)kind;
	op->length = (uint8_t)size;
	op->negated = negated;
	memcpy(op->value, address, size);
	memcpy(op->mask, mask, size);
}

/* The mask covers a name with its NUL, or the stem of a wildcard. */
static void add_device(struct ruleset *set, enum rule_op_kind kind, const char *name,
		       const unsigned char *mask, bool negated)
{
	size_t length = 0;
	struct rule_op *op;

	while (length < IFNAMSIZ && mask[length])
		length++;
	if (!length)
		return;
	op = vec_push(&set->ops);
	op->kind = (uint8_t)kind;
	op->length = (uint8_t)length;
	op->negated = negated;
	memcpy(op->value, name, length);
}

static void add_protocol(struct ruleset *set, uint16_t protocol, bool negated)
{
	struct rule_op *op;

	if (!protocol)
		return;
	op = vec_push(&set->ops);
	op->kind = OP_PROTOCOL;
	op->value[0] = (uint8_t)protocol;
	op->negated = negated;
}

static void add_header4(struct ruleset *set, const struct ipt_ip *ip)
{
	add_address(set, OP_SOURCE, &ip->src, &ip->smsk, 4, ip->invflags & IPT_INV_SRCIP);
	add_address(set, OP_DESTINATION, &ip->dst, &ip->dmsk, 4, ip->invflags & IPT_INV_DSTIP);
	add_device(set, OP_IN_DEVICE, ip->iniface, ip->iniface_mask, ip->invflags & IPT_INV_VIA_IN);
	add_device(set, OP_OUT_DEVICE, ip->outiface, ip->outiface_mask,
		   ip->invflags & IPT_INV_VIA_OUT);
	add_protocol(set, ip->proto, ip->invflags & XT_INV_PROTO);
	if (ip->flags & IPT_F_FRAG)
		((struct rule_op *)vec_push(&set->ops))->kind = OP_UNKNOWN;
}

static void add_header6(struct ruleset *set, const struct ip6t_ip6 *ip)
{
	add_address(set, OP_SOURCE, &ip->src, &ip->smsk, 16, ip->invflags & IP6T_INV_SRCIP);
	add_address(set, OP_DESTINATION, &ip->dst, &ip->dmsk, 16, ip->invflags & IP6T_INV_DSTIP);
	add_device(set, OP_IN_DEVICE, ip->iniface, ip->iniface_mask,
		   ip->invflags & IP6T_INV_VIA_IN);
	add_device(set, OP_OUT_DEVICE, ip->outiface, ip->outiface_mask,
		   ip->invflags & IP6T_INV_VIA_OUT);
	add_protocol(set, ip->flags & IP6T_F_PROTO ? ip->proto : 0, ip->invflags & XT_INV_PROTO);
	if (ip->flags & IP6T_F_TOS)
		((struct rule_op *)vec_push(&set->ops))->kind = OP_UNKNOWN;
}

static int add_matches(const struct table *t, const struct entry *e, struct rule *r)
{
	r->ops_first = t->set->ops.n;
	if (e->v6)
		add_header6(t->set, &e->ip6);
	else
		add_header4(t->set, &e->ip);
	for (size_t at = e->elems; at < e->target;) {
		char name[XT_EXTENSION_MAXNAMELEN + 1] = "";
		struct xt_entry_match m;

		if (e->target - at < sizeof(m))
			return -EBADMSG;
		memcpy(&m, t->blob + at, sizeof(m));
		if (m.u.match_size < sizeof(m) || m.u.match_size > e->target - at)
			return -EBADMSG;
		memcpy(name, m.u.user.name, XT_EXTENSION_MAXNAMELEN);
		xt_match(t->set, r, name, m.u.user.revision, t->blob + at + sizeof(m),
			 m.u.match_size - sizeof(m));
		at += m.u.match_size;
	}
	r->ops_n = t->set->ops.n - r->ops_first;
	return 0;
}

/* ---- chains and rules ---- */

static bool standard_verdict(const struct table *t, const struct entry *e, int *ret)
{
	size_t at = e->target + offsetof(struct xt_standard_target, verdict);

	if (e->target_name[0] || at + sizeof(*ret) > e->next)
		return false;
	memcpy(ret, t->blob + at, sizeof(*ret));
	return true;
}

/* The chain whose first rule is at an offset, or RULE_NO_CHAIN. They stand in order. */
static size_t chain_at(const struct table *t, size_t offset)
{
	size_t low = 0, high = t->starts.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->starts.items[middle] < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->starts.n && t->starts.items[low] == offset ? t->first_chain + low
								   : RULE_NO_CHAIN;
}

/* Verdicts below zero are -verdict - 1 of the kernel's; the others are offsets to go to. */
static void set_verdict(const struct table *t, const struct entry *e, struct rule *r)
{
	bool go = e->v6 ? e->ip6.flags & IP6T_F_GOTO : e->ip.flags & IPT_F_GOTO;
	size_t at = e->target + sizeof(struct xt_entry_target); /* within e->next: read_entry() */
	int verdict;

	if (!standard_verdict(t, e, &verdict)) {
		r->verdict = xt_target(e->target_name);
		r->nat = (uint8_t)xt_nat(e->target_name);
		if (r->verdict == VERDICT_QUEUE)
			xt_queue(r, e->revision, t->blob + at, e->next - at);
		if (r->verdict == VERDICT_REJECT)
			r->answer = xt_answer(e->v6, t->blob + at, e->next - at);
		r->target = intern(e->target_name, sizeof(e->target_name));
		return;
	}
	if (verdict >= 0) {
		/* A rule without a target "jumps" to the next one. */
		r->verdict = (size_t)verdict == e->next ? VERDICT_NONE
			     : go			? VERDICT_GOTO
							: VERDICT_JUMP;
		r->jump = chain_at(t, (size_t)verdict);
		if (r->jump != RULE_NO_CHAIN)
			r->target = intern(t->set->chains.items[r->jump].name,
					   sizeof(t->set->chains.items[r->jump].name));
		return;
	}
	switch (verdict) {
	case -NF_DROP - 1:
		r->verdict = VERDICT_DROP;
		break;
	case -NF_ACCEPT - 1:
		r->verdict = VERDICT_ACCEPT;
		break;
	case XT_RETURN:
		r->verdict = VERDICT_RETURN;
		break;
	default:
		r->verdict = VERDICT_QUEUE;
		break;
	}
}

/* The hook whose chain begins or whose policy stands at an offset; NF_INET_NUMHOOKS: none. */
static unsigned int hook_at(const struct table *t, const unsigned int *offsets, size_t offset)
{
	unsigned int hook = 0;

	while (hook < NF_INET_NUMHOOKS &&
	       !(t->info.valid_hooks & (1u << hook) && offsets[hook] == offset))
		hook++;
	return hook;
}

/* enum nf_ip_hook_priorities, by table: a packet meets them in this order. */
static int priority_of(const char *table, unsigned int hook)
{
	if (strcmp(table, "raw") == 0)
		return NF_IP_PRI_RAW;
	if (strcmp(table, "mangle") == 0)
		return NF_IP_PRI_MANGLE;
	if (strcmp(table, "nat") == 0)
		return hook == NF_INET_PRE_ROUTING || hook == NF_INET_LOCAL_OUT ? NF_IP_PRI_NAT_DST
										: NF_IP_PRI_NAT_SRC;
	return strcmp(table, "security") == 0 ? NF_IP_PRI_SECURITY : NF_IP_PRI_FILTER;
}

static struct chain *add_chain(struct table *t, size_t start, const char *name)
{
	struct chain *c = vec_push(&t->set->chains);

	*vec_push(&t->starts) = start;
	c->family = t->family;
	c->policy = VERDICT_ACCEPT;
	snprintf(c->table, sizeof(c->table), "%s", t->name);
	snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

static bool is_error(const struct entry *e)
{
	return strcmp(e->target_name, XT_ERROR_TARGET) == 0;
}

/* First all chains, so that jumps forward find theirs. */
static int find_chains(struct table *t)
{
	static const char *const hooks[NF_INET_NUMHOOKS] = {"PREROUTING", "INPUT", "FORWARD",
							    "OUTPUT", "POSTROUTING"};
	struct entry e;
	int r;

	for (size_t at = 0; at < t->size; at = e.next) {
		unsigned int hook = hook_at(t, t->info.hook_entry, at);
		struct chain *c;

		r = read_entry(t, at, &e);
		if (r < 0)
			return r;
		if (hook < NF_INET_NUMHOOKS) {
			c = add_chain(t, at, hooks[hook]);
			c->base = true;
			c->hook = hook;
			c->priority = priority_of(t->name, hook);
			c->counted = true;
		} else if (is_error(&e) && e.next < t->size) {
			char name[XT_FUNCTION_MAXNAMELEN + 1] = "";
			size_t from = e.target + offsetof(struct xt_error_target, errorname);

			if (from < e.next)
				memcpy(name, t->blob + from,
				       MIN(e.next - from, (size_t)XT_FUNCTION_MAXNAMELEN));
			add_chain(t, e.next, name);
		}
	}
	return 0;
}

static int add_rule(const struct table *t, const struct entry *e, size_t chain)
{
	struct chain *c = &t->set->chains.items[chain];
	struct rule rule = {.chain = chain,
			    .jump = RULE_NO_CHAIN,
			    .counted = true,
			    .packets = e->counters.pcnt,
			    .bytes = e->counters.bcnt};
	int r = 0;

	if (!c->rules_n)
		c->rules_first = t->set->rules.n;
	rule.position = (unsigned int)++c->rules_n;
	rule.handle = rule.position;
	set_verdict(t, e, &rule);
	if (t->ops)
		r = add_matches(t, e, &rule);
	*vec_push(&t->set->rules) = rule;
	return r;
}

static void set_policy(const struct table *t, const struct entry *e, struct chain *c)
{
	int verdict;

	c->packets = e->counters.pcnt;
	c->bytes = e->counters.bcnt;
	if (standard_verdict(t, e, &verdict) && verdict == -NF_DROP - 1)
		c->policy = VERDICT_DROP;
}

static int add_rules(const struct table *t)
{
	size_t chain = NO_OFFSET, next_chain = 0;
	struct entry e;
	int r;

	for (size_t at = 0; at < t->size; at = e.next) {
		r = read_entry(t, at, &e);
		if (r < 0)
			return r;
		if (next_chain < t->starts.n && t->starts.items[next_chain] == at)
			chain = t->first_chain + next_chain++;
		if (is_error(&e) || chain == NO_OFFSET)
			continue;
		if (t->set->chains.items[chain].base &&
		    hook_at(t, t->info.underflow, at) == t->set->chains.items[chain].hook)
			set_policy(t, &e, &t->set->chains.items[chain]);
		else
			r = add_rule(t, &e, chain);
		if (r < 0)
			return r;
	}
	return 0;
}

int parse_iptables(uint8_t family, const char *table, const struct buf *info,
		   const struct buf *entries, bool ops, struct ruleset *set)
{
	size_t head = offsetof(struct ipt_get_entries, entrytable);
	struct table t = {.name = table,
			  .family = family,
			  .set = set,
			  .ops = ops,
			  .first_chain = set->chains.n};
	int r;

	set->legacy = true;
	if (info->len < sizeof(t.info) || entries->len < head)
		return -EBADMSG;
	memcpy(&t.info, info->data, sizeof(t.info));
	t.blob = entries->data + head;
	t.size = entries->len - head;
	if (t.info.size != t.size)
		return -EBADMSG;
	r = find_chains(&t);
	if (r == 0)
		r = add_rules(&t);
	vec_done(&t.starts);
	return r;
}

/* ---- the collector ---- */

static int get(struct host *h, const char *name, uint8_t family, int option, struct buf *ret)
{
	bool v6 = family == NFPROTO_IPV6;

	return host_getsockopt(h, name, v6 ? AF_INET6 : AF_INET, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
			       option, ret);
}

static int get_info(struct host *h, uint8_t family, const char *table, int try, struct buf *ret)
{
	struct ipt_getinfo info = {0};
	char name[96];

	snprintf(info.name, sizeof(info.name), "%s", table);
	snprintf(name, sizeof(name), "%s-%s-info-%d", family == NFPROTO_IPV6 ? "ip6" : "ip", table,
		 try);
	buf_clear(ret);
	buf_add(ret, &info, sizeof(info));
	return get(h, name, family, IPT_SO_GET_INFO, ret);
}

static int get_entries(struct host *h, uint8_t family, const char *table, int try, size_t size,
		       struct buf *ret)
{
	struct ipt_get_entries head = {.size = (unsigned int)size};
	char name[96];

	snprintf(head.name, sizeof(head.name), "%s", table);
	snprintf(name, sizeof(name), "%s-%s-entries-%d", family == NFPROTO_IPV6 ? "ip6" : "ip",
		 table, try);
	buf_clear(ret);
	buf_add(ret, &head, offsetof(struct ipt_get_entries, entrytable));
	memset(buf_room(ret, size), 0, size);
	buf_added(ret, size);
	return get(h, name, family, IPT_SO_GET_ENTRIES, ret);
}

static int collect_table(struct host *h, uint8_t family, const char *table, struct ruleset *set)
{
	cleanup(buf_done) struct buf info = {0}, entries = {0};
	struct ipt_getinfo got;
	int r = -EAGAIN;

	/* -EAGAIN: the table changed its size between the two questions. */
	for (int try = 0; r == -EAGAIN && try < TRIES; try++) {
		r = get_info(h, family, table, try, &info);
		if (r < 0)
			return r;
		if (info.len < sizeof(got))
			return -EBADMSG;
		memcpy(&got, info.data, sizeof(got));
		if (got.size > TABLE_MAX)
			return -EFBIG;
		r = get_entries(h, family, table, try, got.size, &entries);
	}
	if (r < 0)
		return r;
	return parse_iptables(family, table, &info, &entries, !host_is_first(h), set);
}

/* 0, COLLECT_UNUSED without tables, or an error. */
static int collect_family(struct host *h, uint8_t family, struct ruleset *set)
{
	cleanup(buf_done) struct buf names = {0};
	struct span text, line;
	bool any = false;
	int r = host_read(
		h, family == NFPROTO_IPV6 ? "net/ip6_tables_names" : "net/ip_tables_names", &names);

	if (r == -ENOENT)
		return COLLECT_UNUSED;
	if (r < 0)
		return r;
	if (!text_is_whole(&names))
		return -EBADMSG;
	text = (struct span){.p = names.data, .n = names.len};
	while (next_line(&text, &line)) {
		char table[XT_TABLE_MAXNAMELEN];

		if (line.n == 0 || line.n >= sizeof(table) || memchr(line.p, '/', line.n))
			return -EBADMSG;
		span_copy(line, table, sizeof(table));
		any = true;
		r = collect_table(h, family, table, set);
		if (r < 0)
			return r;
	}
	return any ? 0 : COLLECT_UNUSED;
}

int collect_iptables(struct host *h, struct snapshot *s)
{
	int four, six;

	s->iptables.legacy = true;
	four = collect_family(h, NFPROTO_IPV4, &s->iptables);
	if (four < 0)
		return four;
	six = collect_family(h, NFPROTO_IPV6, &s->iptables);
	if (six < 0)
		return six;
	if (!host_is_first(h))
		read_locals(h, &s->iptables);
	return four == 0 || six == 0 ? 0 : COLLECT_UNUSED;
}
