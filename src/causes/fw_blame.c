// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From counters, traced drops and walked flows to what each rule and policy lost.
 *
 * NETFILTER_DROP is one reason for a rule, a policy, a full connection table and a NAT without free
 * ports. From 6.15 on nf_tables frees in nft_do_chain; everything else, and on older kernels all of
 * it, is freed in nf_hook_slow.
 */
#include <linux/netfilter.h>

#include "causes/conntrack.h"
#include "causes/fw_blame.h"

static const char *const drop_reasons[] = {"NETFILTER_DROP", NULL};

void fw_blame_done(struct fw_blame *b)
{
	vec_done(&b->points);
	vec_done(&b->flows);
}

bool fw_is_nft_symbol(const char *symbol)
{
	return strncmp(symbol, "nft_", 4) == 0;
}

enum direction fw_direction(const struct fw_point *p)
{
	/* netdev and arp hooks stand at bits 8 and 12: 0 is in, 1 is out, arp's 2 is forward. */
	const uint32_t forward = 1u << NF_INET_FORWARD | 1u << 14;
	const uint32_t out =
		1u << NF_INET_LOCAL_OUT | 1u << NF_INET_POST_ROUTING | 1u << 9 | 1u << 13;
	const uint32_t leaving = 1u << NF_INET_POST_ROUTING | 1u << 9;
	uint32_t hooks = p->seen ? p->seen : p->hooks;

	if (!(hooks & ~forward))
		return DIR_FORWARD;
	/* What leaves was sent by this host, or came by and goes on. */
	if (!(hooks & ~(leaving | forward)) && p->transit * 2 > p->weight)
		return DIR_FORWARD;
	if (!(hooks & ~out))
		return DIR_TX;
	return hooks & (out | forward) ? DIR_BOTH : DIR_RX;
}

enum fw_kind fw_kind_of(const struct fw_point *p)
{
	enum direction d = fw_direction(p);

	if (p->reject)
		return FW_REJECT;
	if (p->bridged * 2 > p->weight)
		return FW_BRIDGED;
	if (fw_is_invalid_rule(p))
		return FW_INVALID;
	if (d == DIR_TX)
		return FW_OUTPUT;
	if (d == DIR_FORWARD)
		return FW_FORWARD;
	return fw_is_policy(p) ? FW_POLICY : FW_RULE;
}

bool fw_readable(const struct observation *o, enum source source)
{
	/* None before and some now: they were loaded meanwhile. */
	return source_ok(&o->b, source) &&
	       (o->since_boot || o->a.source[source].status != SOURCE_ABSENT);
}

static enum source unread(const struct observation *o)
{
	static const enum source both[] = {SRC_NFT, SRC_IPTABLES};

	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		if (o->b.source[both[i]].status != SOURCE_UNUSED && !fw_readable(o, both[i]))
			return both[i];
	return SOURCE_N;
}

static void trace_totals(const struct exam *x, struct fw_blame *b, uint64_t *ret_nft)
{
	static const struct drop_filter all = {.reasons = drop_reasons};

	*ret_nft = 0;
	vec_each(d, &x->d->drops->rows)
		if (fw_is_nft_symbol(d->symbol) && strcmp(d->reason, drop_reasons[0]) == 0)
			b->frees_in_chain = true;
	vec_each(line, &x->ledger->lines)
		if (strcmp(line->drop->reason, drop_reasons[0]) == 0 &&
		    fw_is_nft_symbol(line->drop->symbol))
			*ret_nft += line->drop->packets;
	b->traced = ledger_traced(x->ledger, &all);
}

/*
 * Where the kernel let a program look into nf_tables, every drop by a rule or by a verdict map
 * has its rule, and a rule that is not among them dropped nothing.
 */
static void name_rules(const struct exam *x, struct fw_point *p)
{
	const struct drops *drops = x->d->drops;
	const struct chain *c = fw_chain(p);
	const struct rule *r = fw_rule(p);

	if (p->exact || p->set->legacy || !r ||
	    (r->verdict != VERDICT_DROP && r->verdict != VERDICT_MAP) || !drops->rules_traced ||
	    drops->rules_missed)
		return;
	p->exact = true;
	p->how = "traced";
	vec_each(named, &drops->rules)
		if (named->netns == x->o->inode && named->family == c->family &&
		    named->handle == r->handle && strcmp(named->table, c->table) == 0)
			p->packets += named->packets;
}

/*
 * What is traced and not known yet. Legacy rules always count, so it is nf_tables'. Returns what was
 * freed in nf_tables.
 */
static uint64_t beyond_exact(const struct exam *x, struct fw_blame *b)
{
	struct conntrack_lost lost = conntrack_lost(x->o);
	uint64_t nft = 0, exact_nft = 0, from, less;

	trace_totals(x, b, &nft);
	b->conntrack = lost.refused + lost.clashed + lost.chains;
	vec_each(p, &b->points)
		exact_nft += p->set->legacy ? 0 : p->packets;
	from = b->frees_in_chain ? nft : b->traced;
	less = b->frees_in_chain ? exact_nft : b->exact + b->conntrack;
	b->beyond = from > less ? from - less : 0;
	return nft;
}

/* Whether the flows are all there is: the largest of many, or a sample, speak for others, too. */
static bool has_every_flow(const struct exam *x, const struct fw_blame *b, uint64_t nft)
{
	uint64_t packets = 0, nft_packets = 0;

	vec_each(f, &b->flows) {
		packets += f->packets;
		nft_packets += fw_is_nft_symbol(f->flow->symbol) ? f->packets : 0;
	}
	/* Those of other places are left out where none of the rules frees there. */
	if (b->frees_in_chain && packets == nft_packets)
		return b->flows.n && nft_packets == nft && !x->d->drops->flows_sampled;
	return b->flows.n && packets == b->traced && !x->d->drops->flows_sampled;
}

/* What is beyond goes to the other points, by their flows. */
static void share_by_flows(struct fw_blame *b)
{
	uint64_t placed = 0, astray = 0;

	/* Then none is to be inferred from counters, which end a moment after the trace. */
	vec_each(p, &b->points)
		p->lost = b->every_flow && !p->exact ? p->weight : p->lost;
	if (b->every_flow)
		return;
	vec_each(p, &b->points)
		placed += p->exact ? 0 : p->weight;
	/* Conntrack's drops fit no rule either, but were taken off already. */
	vec_each(f, &b->flows)
		if (f->point == FW_NOWHERE &&
		    (!b->frees_in_chain || fw_is_nft_symbol(f->flow->symbol)))
			astray += f->packets;
	if (!b->frees_in_chain)
		astray -= MIN(astray, b->conntrack);
	vec_each(p, &b->points)
		if (!p->exact && p->weight)
			p->lost = (uint64_t)((double)b->beyond * (double)p->weight /
						     (double)(placed + astray) +
					     0.5);
}

/*
 * Without flows (not IP, or none kept): the one rule or policy left. The snapshots and the trace
 * begin and end some milliseconds apart, so a small rest beside busy counters proves nothing.
 */
static void share_by_elimination(struct fw_blame *b)
{
	struct fw_point *only = NULL;
	unsigned int n = 0;

	if (b->beyond <= b->exact / 100)
		return;
	vec_each(p, &b->points) {
		if (p->exact)
			continue;
		only = p;
		n++;
	}
	if (n != 1)
		return;
	only->lost = b->beyond;
	only->how = "by elimination";
	only->confidence = b->frees_in_chain ? CERTAIN : LIKELY;
}

static void settle_exact(const struct exam *x, struct fw_blame *b)
{
	vec_each(p, &b->points) {
		/* A counter that was reset says no more than none. */
		p->counted = p->counted && p->counter.known;
		p->fresh = p->fresh && p->counted && tracing(x);
		p->counted = p->counted && !p->fresh;
		p->exact = p->counted;
		p->packets = p->exact ? delta_value(p->counter) : 0;
		p->how = fw_is_policy(p) ? "policy counter" : "counter";
		if (tracing(x))
			name_rules(x, p);
		b->exact += p->packets;
		p->lost = p->packets;
		p->confidence = p->fresh ? LIKELY : CERTAIN;
	}
}

void fw_blame(const struct exam *x, struct fw_blame *ret)
{
	struct fw_blame b = {0};
	uint64_t nft = 0;

	b.unread = unread(x->o);
	fw_find_points(x->o, &b);
	settle_exact(x, &b);
	if (tracing(x)) {
		nft = beyond_exact(x, &b);
		/* Where all is freed in one place, a rule that was not read may have done it. */
		if (b.unread == SOURCE_N || b.frees_in_chain)
			fw_walk_flows(x, &b);
		b.every_flow = has_every_flow(x, &b, nft);
		if (b.flows.n)
			share_by_flows(&b);
		else if (b.unread == SOURCE_N)
			share_by_elimination(&b);
	}
	vec_each(p, &b.points)
		if (p->fresh)
			p->lost = MAX(p->lost, delta_value(p->counter));
	*ret = b;
}

const struct fw_blame *fw_blame_of(struct exam *x)
{
	if (!x->firewall) {
		x->firewall = xcalloc(1, sizeof(*x->firewall));
		fw_blame(x, x->firewall);
	}
	return x->firewall;
}

void fw_forget(struct exam *x)
{
	if (x->firewall)
		fw_blame_done(x->firewall);
	free(x->firewall);
	x->firewall = NULL;
}
