// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules and policies that end packets, found again in the first snapshot. nf_tables: by handle,
 * which is never used twice in a table. Legacy: by number, as long as the chain kept its length.
 */
#include <linux/netfilter.h>

#include "causes/fw_blame.h"

bool fw_is_policy(const struct fw_point *p)
{
	return p->rule == POLICY_OF_CHAIN;
}

const struct chain *fw_chain(const struct fw_point *p)
{
	return &p->set->chains.items[p->chain];
}

const struct rule *fw_rule(const struct fw_point *p)
{
	return fw_is_policy(p) ? NULL : &p->set->rules.items[p->rule];
}

bool fw_is_invalid_rule(const struct fw_point *p)
{
	const struct rule *r = fw_rule(p);

	for (size_t i = 0; r && i < r->ops_n; i++) {
		const struct rule_op *op = &p->set->ops.items[r->ops_first + i];

		if (op->kind == OP_CT_STATE && op->low == RULE_CT_INVALID && !op->negated)
			return true;
	}
	return false;
}

static bool same_chain(const struct chain *one, const struct chain *other, bool legacy)
{
	/* Numbers first: a table loaded again is searched for in vain, chain by chain. */
	if (one->family != other->family || one->table_handle != other->table_handle ||
	    one->handle != other->handle)
		return false;
	return strcmp(one->table, other->table) == 0 &&
	       (!legacy || strcmp(one->name, other->name) == 0);
}

/*
 * Both snapshots list chains and rules in the same order but for what changed, so the search goes
 * on where the last one ended.
 */
static const struct chain *chain_before(const struct ruleset *before, const struct chain *c,
					bool legacy, size_t *hint)
{
	for (size_t i = 0; i < before->chains.n; i++) {
		size_t at = (*hint + i) % before->chains.n;

		if (same_chain(&before->chains.items[at], c, legacy)) {
			*hint = at + 1;
			return &before->chains.items[at];
		}
	}
	return NULL;
}

static uint64_t newest_handle(const struct ruleset *set, const struct chain *c)
{
	uint64_t newest = 0;

	for (size_t i = 0; i < c->rules_n; i++)
		newest = MAX(newest, set->rules.items[c->rules_first + i].handle);
	return newest;
}

static const struct rule *rule_before(const struct ruleset *before, const struct chain *c,
				      const struct rule *r, size_t *hint)
{
	for (size_t i = 0; i < c->rules_n; i++) {
		size_t at = (*hint + i) % c->rules_n;
		const struct rule *old = &before->rules.items[c->rules_first + at];

		if (old->handle == r->handle) {
			*hint = at + 1;
			return old;
		}
	}
	return NULL;
}

static bool may_drop(const struct rule *r)
{
	return r->verdict == VERDICT_DROP || r->verdict == VERDICT_REJECT ||
	       r->verdict == VERDICT_MAP;
}

/*
 * Whether anything that drops was taken away between the snapshots. What it dropped until then is
 * counted nowhere any more, and most often what replaced it is the same rule, loaded again.
 */
static bool any_gone(const struct ruleset *before, const struct ruleset *after)
{
	size_t hint = 0;

	if (after->legacy || before->generation == after->generation)
		return false;
	vec_each(c, &before->chains) {
		const struct chain *now = chain_before(after, c, false, &hint);
		size_t rule_hint = 0;

		if (!now && c->base && c->policy == VERDICT_DROP)
			return true;
		for (size_t i = 0; i < c->rules_n; i++) {
			const struct rule *r = &before->rules.items[c->rules_first + i];

			if (may_drop(r) && !(now && rule_before(after, now, r, &rule_hint)))
				return true;
		}
	}
	return false;
}

static void add_policy(struct fw_blame *b, const struct ruleset *set, size_t chain,
		       const struct chain *before, uint32_t hooks, bool boot)
{
	const struct chain *c = &set->chains.items[chain];
	struct fw_point *p;

	if (!c->base || c->policy != VERDICT_DROP)
		return;
	p = vec_push(&b->points);
	p->set = set;
	p->chain = chain;
	p->rule = POLICY_OF_CHAIN;
	p->hooks = hooks;
	p->counted = c->counted;
	p->fresh = !before;
	if (c->counted)
		p->counter = change_of(before && !boot ? before->packets : 0, c->packets, 64);
}

static void add_rules(struct fw_blame *b, const struct ruleset *set, size_t chain,
		      const struct ruleset *old_set, const struct chain *before, uint32_t hooks)
{
	const struct chain *c = &set->chains.items[chain];
	uint64_t newest = before && !set->legacy ? newest_handle(old_set, before) : UINT64_MAX;
	bool shifted = set->legacy && before && before->rules_n != c->rules_n;
	size_t hint = 0;

	for (size_t i = 0; i < c->rules_n; i++) {
		const struct rule *r = &set->rules.items[c->rules_first + i], *old = NULL;
		struct fw_point *p;

		if (!may_drop(r))
			continue;
		p = vec_push(&b->points);
		p->set = set;
		p->chain = chain;
		p->rule = c->rules_first + i;
		p->hooks = hooks;
		p->reject = r->verdict == VERDICT_REJECT;
		p->counted = r->counted;
		if (!r->counted)
			continue;
		if (before && before->rules_n && r->handle <= newest)
			old = rule_before(old_set, before, r, &hint);
		p->fresh = !old;
		if (!shifted)
			p->counter = change_of(old ? old->packets : 0, r->packets, 64);
	}
}

/* A hook of the chain and of all that jump to it: bit NF_INET_*; bit 8 and up: netdev's, arp's. */
static uint32_t hook_bit(const struct chain *c)
{
	unsigned int shift = c->family == NFPROTO_NETDEV ? 8 : c->family == NFPROTO_ARP ? 12 : 0;

	return c->base && c->hook < 8 ? 1u << (c->hook + shift) : 0;
}

static bool spread(uint32_t *hooks, size_t n, size_t to, uint32_t from)
{
	if (to >= n || (hooks[to] & from) == from)
		return false;
	hooks[to] |= from;
	return true;
}

static bool spread_chain(const struct ruleset *set, uint32_t *hooks, size_t chain)
{
	const struct chain *c = &set->chains.items[chain];
	bool changed = false;

	for (size_t i = 0; i < c->rules_n; i++) {
		const struct rule *r = &set->rules.items[c->rules_first + i];

		changed |= spread(hooks, set->chains.n, r->jump, hooks[chain]);
		for (size_t e = 0; e < r->entries_n; e++)
			changed |=
				spread(hooks, set->chains.n,
				       set->entries.items[r->entries_first + e].jump, hooks[chain]);
	}
	return changed;
}

/* Chains with no bits are reached from no hook: nothing happens there. */
static uint32_t *hooks_of_chains(const struct ruleset *set)
{
	uint32_t *hooks = xcalloc(set->chains.n, sizeof(*hooks));
	bool unread_map = false, changed = true;

	for (size_t i = 0; i < set->chains.n; i++)
		hooks[i] = hook_bit(&set->chains.items[i]);
	vec_each(r, &set->rules)
		unread_map |= r->verdict == VERDICT_MAP && !r->entries_n;
	/* One round for each level of jumps; 16 levels are the kernel's limit. */
	for (int round = 0; changed && round < 17; round++) {
		changed = false;
		for (size_t i = 0; i < set->chains.n; i++)
			changed |= hooks[i] && spread_chain(set, hooks, i);
	}
	/* A map that was not read may lead anywhere. */
	for (size_t i = 0; unread_map && i < set->chains.n; i++)
		if (!hooks[i])
			hooks[i] = 1u << NF_INET_LOCAL_IN | 1u << NF_INET_FORWARD;
	return hooks;
}

/* A table that was loaded again between the snapshots may have used a handle for another rule. */
static void distrust_reloaded(struct fw_blame *b, const struct ruleset *before,
			      const struct ruleset *after, size_t first)
{
	if (before->generation == after->generation)
		return;
	for (size_t i = first; i < b->points.n; i++) {
		const struct chain *reset = fw_chain(&b->points.items[i]);

		if (!b->points.items[i].counter.reset)
			continue;
		for (size_t k = first; k < b->points.n; k++) {
			struct fw_point *p = &b->points.items[k];
			const struct chain *c = fw_chain(p);

			if (c->family == reset->family && strcmp(c->table, reset->table) == 0)
				p->counter.known = false;
		}
	}
}

static void find_points(const struct observation *o, enum source source, struct fw_blame *b)
{
	const struct ruleset *after = source == SRC_NFT ? &o->b.nft : &o->b.iptables;
	const struct ruleset *before = source == SRC_NFT ? &o->a.nft : &o->a.iptables;
	size_t first = b->points.n, hint = 0;
	uint32_t *hooks;
	bool gone;

	if (!fw_readable(o, source))
		return;
	hooks = hooks_of_chains(after);
	for (size_t i = 0; i < after->chains.n; i++) {
		const struct chain *c = &after->chains.items[i], *old = NULL;

		if (!hooks[i])
			continue;
		if (!o->since_boot)
			old = chain_before(before, c, after->legacy, &hint);
		add_rules(b, after, i, before, old, hooks[i]);
		add_policy(b, after, i, old, hooks[i], o->since_boot);
	}
	free(hooks);
	gone = !o->since_boot && any_gone(before, after);
	for (size_t i = first; i < b->points.n; i++)
		b->points.items[i].fresh &= gone;
	if (!o->since_boot)
		distrust_reloaded(b, before, after, first);
}

void fw_find_points(const struct observation *o, struct fw_blame *b)
{
	find_points(o, SRC_NFT, b);
	find_points(o, SRC_IPTABLES, b);
}
