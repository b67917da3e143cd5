// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From counters, traced drops and walked flows to what each rule and policy lost.
 *
 * NETFILTER_DROP is one reason for a rule, a policy, a full connection table and a NAT without free
 * ports. From 6.15 on nf_tables frees in nft_do_chain; everything else, and on older kernels all of
 * it, is freed in nf_hook_slow.
 */
#include <linux/netfilter.h>

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
	const uint32_t out = 1u << NF_INET_LOCAL_OUT | 1u << NF_INET_POST_ROUTING | 1u << 9 |
			     1u << 13;
	uint32_t hooks = p->seen ? p->seen : p->hooks;

	if (!(hooks & ~forward))
		return DIR_FORWARD;
	if (!(hooks & ~out))
		return DIR_TX;
	return hooks & (out | forward) ? DIR_BOTH : DIR_RX;
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

/* What is traced and no counter accounts for. Legacy rules always count, so it is nf_tables'. */
static void beyond_counters(const struct exam *x, struct fw_blame *b)
{
	uint64_t nft = 0, counted_nft = 0, from, less;

	trace_totals(x, b, &nft);
	b->conntrack = delta_value(delta_counter(x->o, C_CT_DROP));
	vec_each(p, &b->points)
		if (!p->set->legacy)
			counted_nft += delta_value(p->counter);
	from = b->frees_in_chain ? nft : b->traced;
	less = b->frees_in_chain ? counted_nft : b->counted + b->conntrack;
	b->beyond = from > less ? from - less : 0;
}

static bool blamable(const struct fw_point *p)
{
	return !p->counted && !p->reject;
}

/* What is beyond the counters goes to the points without one, by their flows. */
static void share_by_flows(struct fw_blame *b)
{
	uint64_t placed = 0, astray = 0;

	vec_each(p, &b->points)
		placed += p->counted ? 0 : p->weight;
	/* Conntrack's drops fit no rule either, but were taken off already. */
	vec_each(f, &b->flows)
		if (f->point == FW_NOWHERE &&
		    (!b->frees_in_chain || fw_is_nft_symbol(f->flow->symbol)))
			astray += f->flow->packets;
	if (!b->frees_in_chain)
		astray -= MIN(astray, b->conntrack);
	vec_each(p, &b->points)
		if (blamable(p) && p->weight)
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

	if (b->beyond <= b->counted / 100)
		return;
	vec_each(p, &b->points) {
		if (p->counted)
			continue;
		only = p;
		n++;
	}
	if (n != 1 || only->reject)
		return;
	only->lost = b->beyond;
	only->how = "by elimination";
	only->confidence = b->frees_in_chain ? CERTAIN : LIKELY;
}

void fw_blame(const struct exam *x, struct fw_blame *ret)
{
	struct fw_blame b = {0};

	fw_find_points(x->o, &b);
	vec_each(p, &b.points) {
		/* A counter that was reset says no more than none. */
		p->counted = p->counted && p->counter.known;
		b.uncounted += blamable(p);
		if (!p->counted)
			continue;
		b.counted += p->counter.delta;
		if (p->reject)
			continue;
		p->lost = p->counter.delta;
	}
	if (tracing(x)) {
		beyond_counters(x, &b);
		fw_walk_flows(x, &b);
		if (b.flows.n)
			share_by_flows(&b);
		else
			share_by_elimination(&b);
	}
	vec_each(p, &b.points) {
		if (!p->counted)
			continue;
		p->how = fw_is_policy(p) ? "policy counter" : "counter";
		p->confidence = CERTAIN;
	}
	*ret = b;
}
