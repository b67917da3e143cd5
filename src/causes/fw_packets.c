// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The walk of fw_flows.c once more, for the flows of a few packets in place of all that was traced.
 * The totals stay those of the interval: a rule whose counter stood still dropped none of them.
 */
#include "causes/fw_packets.h"

#include "causes/fw_blame.h"

static bool same_flow(const struct drop_flow *a, const struct drop_flow *b)
{
	return memcmp(a, b, offsetof(struct drop_flow, packets)) == 0;
}

/* Each flow once, as the trace has them. */
static struct drop_flow *flow_of(struct drops *d, const struct drop_flow *flow)
{
	vec_each(known, &d->flows)
		if (same_flow(known, flow))
			return known;
	*vec_push(&d->flows) = *flow;
	d->flows.items[d->flows.n - 1].packets = 0;
	return &d->flows.items[d->flows.n - 1];
}

static bool same_rule(const struct rule_ref *a, const struct rule_ref *b)
{
	return a->handle == b->handle && strcmp(a->family, b->family) == 0 &&
	       strcmp(a->table, b->table) == 0 && strcmp(a->chain, b->chain) == 0;
}

static void find_cause(const struct finding *f, const struct observation *o, struct fw_packet *p)
{
	if (f->where != o || p->cause)
		return;
	vec_each(s, &f->subjects) {
		if (!s->has_rule || !same_rule(&s->rule, &p->rule))
			continue;
		p->cause = f->cause;
		p->rule.text = s->rule.text;
		p->rule.text_err = s->rule.text_err;
		return;
	}
}

static bool is_at_work(const struct fw_point *p)
{
	return p->packets || p->lost || p->weight;
}

/* The point that took most packets of the flow. */
static void answer(const struct fw_blame *b, const struct drop_flow *flow, struct fw_packet *p)
{
	const struct fw_flow *best = NULL;
	const struct fw_point *point;
	size_t parts = 0, at_work = 0;

	vec_each(f, &b->flows) {
		if (f->flow != flow || f->point == FW_NOWHERE)
			continue;
		parts++;
		if (!best || f->packets > best->packets)
			best = f;
	}
	if (!best)
		return;
	vec_each(other, &b->points)
		at_work += is_at_work(other);
	point = &b->points.items[best->point];
	p->found = true;
	p->rule = (struct rule_ref){0};
	fw_name_point(point, &p->rule);
	p->confidence = point->confidence;
	if (at_work < 2)
		return;
	/* Counters say how many each rule dropped; the headers say which of them this one was. */
	p->rule.how = "headers matched";
	p->confidence = parts > 1 ? POSSIBLE : MIN(point->confidence, LIKELY);
}

void fw_packets(struct diagnosis *d, size_t at, struct fw_packet *packets, size_t n)
{
	struct observation *o = &d->observations.items[at];
	struct drops few = *d->drops;
	struct diagnosis with = *d;
	struct exam x = {.d = &with, .o = o, .ledger = &d->ledgers.items[at]};
	struct fw_blame b;

	few.flows.items = NULL;
	few.flows.n = few.flows.capacity = 0;
	few.flows_sampled = false;
	with.drops = &few;
	for (size_t i = 0; i < n; i++)
		flow_of(&few, &packets[i].flow)->packets++;
	fw_blame(&x, &b);
	for (size_t i = 0; i < n; i++) {
		answer(&b, flow_of(&few, &packets[i].flow), &packets[i]);
		if (!packets[i].found)
			continue;
		vec_each(f, &d->findings)
			find_cause(f, o, &packets[i]);
		vec_each(ignored, &d->ignored)
			find_cause(&ignored->finding, o, &packets[i]);
		vec_each(f, &d->others)
			find_cause(f, o, &packets[i]);
	}
	fw_blame_done(&b);
	vec_done(&few.flows);
}
