// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drops that are a limit at work: of the rule that drops, or of one before it that lets by as much
 * as it may ("limit rate 10/second accept", then "drop"). Which is the case is told by the packets
 * that ended there: the rule with the limit must have been for them, too, and must have let some
 * by.
 */
#include <linux/netfilter.h>
#include <stdio.h>

#include "causes/fw_blame.h"

#define DEPTH_MAX 4

struct search {
	const struct ruleset *set;
	struct packet packet;
	size_t found; /* place of the rule; FW_NOWHERE */
};

static bool lets_by(const struct search *s, size_t place)
{
	const struct rule *r = &s->set->rules.items[place];
	const struct rule_limit *l = r->limits ? ruleset_limit(s->set, place) : NULL;

	if (!l || l->over || l->kind == RULE_LIMIT_SHARE ||
	    (r->verdict != VERDICT_ACCEPT && r->verdict != VERDICT_RETURN))
		return false;
	return rule_match(s->set, r, &s->packet) != ANSWER_NO;
}

/* The first `n` rules of a chain, and what they jump to. */
static void search_chain(struct search *s, size_t chain, size_t n, unsigned int depth)
{
	const struct chain *c = &s->set->chains.items[chain];

	for (size_t i = 0; i < MIN(n, c->rules_n) && s->found == FW_NOWHERE; i++) {
		size_t place = c->rules_first + i;
		const struct rule *r = &s->set->rules.items[place];

		if (lets_by(s, place))
			s->found = place;
		else if ((r->verdict == VERDICT_JUMP || r->verdict == VERDICT_GOTO) &&
			 r->jump != RULE_NO_CHAIN && depth < DEPTH_MAX &&
			 rule_match(s->set, r, &s->packet) != ANSWER_NO)
			search_chain(s, r->jump, SIZE_MAX, depth + 1);
	}
}

/* Before the rule, and before the rules that jump to its chain. */
static void search_before(struct search *s, size_t chain, size_t n, unsigned int depth)
{
	search_chain(s, chain, n, 0);
	for (size_t i = 0; i < s->set->rules.n && s->found == FW_NOWHERE && depth < DEPTH_MAX;
	     i++) {
		const struct rule *r = &s->set->rules.items[i];

		if (r->jump == chain && r->chain != chain &&
		    rule_match(s->set, r, &s->packet) != ANSWER_NO)
			search_before(s, r->chain, r->position - 1, depth + 1);
	}
}

struct packet fw_packet_of(const struct drop_flow *flow)
{
	struct packet p = {.family = flow->family,
			   .protocol = flow->protocol,
			   .source_port = flow->source_port,
			   .destination_port = flow->destination_port};

	memcpy(p.source, flow->source, sizeof(p.source));
	memcpy(p.destination, flow->destination, sizeof(p.destination));
	return p;
}

const struct drop_flow *fw_largest_flow(const struct fw_blame *b, const struct fw_point *p)
{
	const struct fw_flow *most = NULL;

	vec_each (f, &b->flows)
		if (f->point != FW_NOWHERE && &b->points.items[f->point] == p &&
		    (!most || f->packets > most->packets))
			most = f;
	return most ? most->flow : NULL;
}

const struct rule_limit *fw_limit_of(const struct fw_blame *b, const struct fw_point *p,
				     const struct rule **ret_by)
{
	struct search s = {.set = p->set, .found = FW_NOWHERE};
	const struct drop_flow *flow = fw_largest_flow(b, p);
	const struct rule *r = fw_rule(p);

	*ret_by = NULL;
	if (r && r->limits)
		return ruleset_limit(p->set, p->rule);
	if (!flow || !p->set->limits.n)
		return NULL;
	s.packet = fw_packet_of(flow);
	search_before(&s, p->chain, r ? r->position - 1 : SIZE_MAX, 0);
	if (s.found == FW_NOWHERE)
		return NULL;
	*ret_by = &p->set->rules.items[s.found];
	/* One that let nothing by, ever, is not what these packets met first. */
	if ((*ret_by)->counted && !(*ret_by)->packets)
		return NULL;
	return ruleset_limit(p->set, s.found);
}

static const char *unit_of(uint32_t seconds)
{
	switch (seconds) {
	case 1:
		return "second";
	case 60:
		return "minute";
	case 3600:
		return "hour";
	case 86400:
		return "day";
	case 604800:
		return "week";
	default:
		return NULL;
	}
}

const char *fw_limit_text(const struct rule_limit *l, char *to, size_t size)
{
	unsigned long long n = (unsigned long long)l->amount;
	const char *bytes = l->bytes ? " bytes" : "", *each = l->each ? " each" : "";
	const char *unit = unit_of(l->per_s);

	if (l->kind == RULE_LIMIT_SHARE)
		snprintf(to, size, "%llu.%llu %% of them", n / 10, n % 10);
	else if (l->kind == RULE_LIMIT_RECENT && n)
		snprintf(to, size, "%llu packets in %u s from one address", n, l->per_s);
	else if (l->kind == RULE_LIMIT_RECENT)
		snprintf(to, size, "addresses seen before");
	else if (!n)
		snprintf(to, size, "its limit%s", each);
	else if (l->kind == RULE_LIMIT_CONNECTIONS)
		snprintf(to, size, "%llu connection%s%s", n, n == 1 ? "" : "s", each);
	else if (l->kind == RULE_LIMIT_QUOTA)
		snprintf(to, size, "a quota of %llu bytes%s", n, each);
	else if (unit)
		snprintf(to, size, "%llu%s/%s%s", n, bytes, unit, each);
	else
		snprintf(to, size, "%llu%s in %u s%s", n, bytes, l->per_s, each);
	return to;
}

const char *fw_limit_side(const struct rule_limit *l, const struct rule *by)
{
	if (l->kind == RULE_LIMIT_SHARE)
		return " at random:";
	if (l->kind == RULE_LIMIT_RECENT && !l->amount)
		return l->over ? " of" : " but of";
	return l->over || by ? " above" : " up to";
}

void fw_limit_sentence(const struct rule_limit *l, const struct rule *by, const struct fw_point *p,
		       struct buf *to)
{
	char limit[80], where[160];

	fw_limit_text(l, limit, sizeof(limit));
	if (by) {
		struct fw_point at = {.set = p->set,
				      .chain = by->chain,
				      .rule = (size_t)(by - p->set->rules.items)};

		buf_printf(to, " The %s, before it, lets by %s",
			   fw_point_text(&at, where, sizeof(where)), limit);
		if (l->burst)
			buf_printf(to, " (burst %u)", l->burst);
		buf_puts(to, ": what is above ends here.");
	} else if (l->kind == RULE_LIMIT_SHARE) {
		buf_printf(to, " It takes %s, as it was asked to, whatever they are.", limit);
	} else if (l->kind == RULE_LIMIT_RECENT) {
		buf_printf(to,
			   " The rule holds a limit, %s, that xt_recent remembers: who is above it "
			   "is dropped until it keeps still.",
			   limit);
	} else if (l->over) {
		buf_printf(to, " The rule holds a limit, %s", limit);
		if (l->burst)
			buf_printf(to, " (burst %u)", l->burst);
		buf_puts(to, ": it drops what is above, as it was asked to.");
	} else {
		buf_printf(
			to,
			" The rule drops up to %s, and what is above goes on: most likely it was "
			"meant the other way round.",
			limit);
	}
}

void fw_limit_of_rule(const struct fw_blame *b, const struct fw_point *p, struct rule_ref *ref)
{
	const struct rule *by;
	const struct rule_limit *l = fw_limit_of(b, p, &by);

	if (!l)
		return;
	ref->has_limit = true;
	ref->limit = *l;
	ref->limited_by = by ? by->handle : 0;
}
