// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A dropped packet walked through the rules, three-valued: what is known is that it was dropped,
 * so a rule that may have accepted it did not, and the walk goes on behind it.
 */
#include "model/rule.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/netfilter.h>

#define DEPTH_MAX 16 /* NFT_JUMP_STACK_SIZE; legacy chains nest no deeper in practice */
#define BASE_CHAINS_MAX 64

void ruleset_done(struct ruleset *r)
{
	vec_done(&r->chains);
	vec_done(&r->rules);
	vec_done(&r->ops);
	vec_done(&r->entries);
	vec_done(&r->filled);
	vec_done(&r->limits);
	vec_done(&r->locals);
}

const struct rule_limit *ruleset_limit(const struct ruleset *r, size_t rule)
{
	vec_each(l, &r->limits)
		if (l->rule == rule)
			return l;
	return NULL;
}

bool ruleset_drops(const struct ruleset *r)
{
	vec_each(c, &r->chains)
		if (c->base && c->policy == VERDICT_DROP)
			return true;
	vec_each(rule, &r->rules)
		if (rule->verdict == VERDICT_DROP || rule->verdict == VERDICT_MAP ||
		    rule->verdict == VERDICT_REJECT)
			return true;
	return false;
}

static enum answer answer(bool met)
{
	return met ? ANSWER_YES : ANSWER_NO;
}

static enum answer negate(enum answer a)
{
	return a == ANSWER_MAYBE ? a : answer(a == ANSWER_NO);
}

static bool masked_equal(const uint8_t *address, const struct rule_op *op, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((address[i] & op->mask[i]) != (op->value[i] & op->mask[i]))
			return false;
	return true;
}

static enum answer match_address(const struct rule_op *op, const struct packet *p,
				 const uint8_t *address)
{
	size_t size = p->family == AF_INET6 ? 16 : 4;

	if (op->length != size)
		return ANSWER_NO;
	if (op->kind == OP_SOURCE || op->kind == OP_DESTINATION)
		return answer(masked_equal(address, op, size));
	return answer(memcmp(address, op->value, size) >= 0 &&
		      memcmp(address, op->mask, size) <= 0);
}

static enum answer match_port(const struct rule_op *op, const struct packet *p, uint16_t port)
{
	switch (p->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		break;
	default:
		return ANSWER_MAYBE; /* a raw offset into another header */
	}
	if (!p->source_port && !p->destination_port)
		return ANSWER_MAYBE;
	return answer(port >= op->low && port <= op->high);
}

static enum answer match_device(const struct rule_op *op, unsigned int ifindex, const char *name)
{
	uint32_t wanted;

	if (op->length) {
		/* A wildcard's length is that of its stem; a full name comes with its NUL. */
		return name ? answer(*name &&
				     strncmp(name, (const char *)op->value, op->length) == 0)
			    : ANSWER_MAYBE;
	}
	if (name && !*name)
		return ANSWER_NO;
	memcpy(&wanted, op->value, sizeof(wanted));
	return ifindex ? answer(ifindex == wanted) : ANSWER_MAYBE;
}

static enum answer match_ct_state(const struct rule_op *op, const struct packet *p)
{
	if (op->low == RULE_CT_INVALID && p->never_invalid)
		return ANSWER_NO;
	return ANSWER_MAYBE;
}

static enum answer match_plain(const struct rule_op *op, const struct packet *p)
{
	switch ((enum rule_op_kind)op->kind) {
	case OP_FAMILY:
		return answer(p->family == op->value[0]);
	case OP_PROTOCOL:
		return answer(p->protocol == op->value[0]);
	case OP_SOURCE:
	case OP_SOURCE_RANGE:
		return match_address(op, p, p->source);
	case OP_DESTINATION:
	case OP_DESTINATION_RANGE:
		return match_address(op, p, p->destination);
	case OP_SPORT:
		return match_port(op, p, p->source_port);
	case OP_DPORT:
		return match_port(op, p, p->destination_port);
	case OP_IN_DEVICE:
		return match_device(op, p->in_ifindex, p->in_device);
	case OP_OUT_DEVICE:
		return match_device(op, p->out_ifindex, p->out_device);
	case OP_CT_STATE:
		return match_ct_state(op, p);
	case OP_NEVER:
		return ANSWER_NO;
	case OP_ALWAYS:
		return ANSWER_YES;
	case OP_ANY:
	case OP_UNKNOWN:
		break;
	}
	return ANSWER_MAYBE;
}

enum answer rule_op_match(const struct rule_op *op, size_t n, const struct packet *p,
			  size_t *ret_used)
{
	enum answer best = ANSWER_NO;
	size_t group;

	if (op->kind != OP_ANY) {
		*ret_used = 1;
		best = match_plain(op, p);
		return op->negated ? negate(best) : best;
	}
	group = MIN((size_t)op->high, n - 1);
	*ret_used = 1 + group;
	for (size_t i = 1; i <= group && best != ANSWER_YES; i++) {
		enum answer one = match_plain(&op[i], p);

		best = MAX(best, one);
	}
	return op->negated ? negate(best) : best;
}

enum answer rule_match(const struct ruleset *set, const struct rule *r, const struct packet *p)
{
	const struct rule_op *ops = set->ops.items;
	enum answer worst = ANSWER_YES;
	size_t used;

	if (r->ops_first > set->ops.n || r->ops_n > set->ops.n - r->ops_first)
		return ANSWER_MAYBE;
	for (size_t i = 0; i < r->ops_n; i += used) {
		enum answer one = rule_op_match(&ops[r->ops_first + i], r->ops_n - i, p, &used);

		worst = MIN(worst, one);
		if (worst == ANSWER_NO)
			return worst;
	}
	return worst;
}

/* What became of the packet in a chain or at a rule, as far as can be told. */
enum fate {
	GOES_ON,     /* unless something that may have ended it did */
	MAY_END,     /* a chain: ended for sure, or left before that */
	BACK,	     /* a rule: it leaves the chain */
	MAY_GO_BACK, /* a rule: it leaves the chain, or goes on */
	ACCEPTED,
	DROPPED,
};

/* Where in the walk: handed down, each chain with its own. */
struct place {
	const struct packet *packet;
	bool sure; /* reached for sure, unless the packet was dropped before */
	unsigned int depth;
};

static void add_stop(struct rule_walk *w, const struct rule_stop *stop)
{
	if (w->n == ARRAY_SIZE(w->stops)) {
		w->more = true;
		return;
	}
	w->stops[w->n++] = *stop;
}

static enum fate walk_chain(struct rule_walk *w, const struct ruleset *set, size_t chain,
			    struct place here);

static enum fate take_jump(struct rule_walk *w, const struct ruleset *set, size_t chain, bool met,
			   bool back, struct place here)
{
	enum fate f;

	if (chain >= set->chains.n || here.depth >= DEPTH_MAX) {
		w->more = true;
		return MAY_GO_BACK;
	}
	here.depth++;
	here.sure &= met;
	f = walk_chain(w, set, chain, here);
	if (met)
		return back && f == GOES_ON ? BACK : f;
	return back && (f == GOES_ON || f == MAY_END) ? MAY_GO_BACK : GOES_ON;
}

/* The verdict of a rule or of a map's element that is met, or may be. */
static enum fate take_verdict(struct rule_walk *w, struct rule_stop at, bool met,
			      enum rule_verdict verdict, size_t jump, struct place here)
{
	switch (verdict) {
	case VERDICT_DROP:
	case VERDICT_REJECT:
		at.definite = here.sure && met;
		add_stop(w, &at);
		return met ? DROPPED : GOES_ON;
	case VERDICT_ACCEPT:
	case VERDICT_QUEUE:
		return met ? ACCEPTED : GOES_ON;
	case VERDICT_RETURN:
		return met ? BACK : MAY_GO_BACK;
	case VERDICT_JUMP:
	case VERDICT_GOTO:
		return take_jump(w, at.set, jump, met, verdict == VERDICT_GOTO, here);
	case VERDICT_NONE:
	case VERDICT_MAP:
		break;
	}
	return GOES_ON;
}

static enum fate take_map(struct rule_walk *w, struct rule_stop at, const struct rule *r, bool met,
			  struct place here)
{
	const struct ruleset *set = at.set;
	enum fate all = GOES_ON;

	if (!r->entries_n || r->entries_first > set->entries.n ||
	    r->entries_n > set->entries.n - r->entries_first) {
		w->more = true;
		add_stop(w, &at);
		return MAY_GO_BACK;
	}
	for (size_t i = 0; i < r->entries_n; i++) {
		const struct verdict_entry *e = &set->entries.items[r->entries_first + i];
		enum fate f;
		size_t used;
		enum answer key = rule_op_match(&e->key, 1, here.packet, &used);

		if (key == ANSWER_NO)
			continue;
		f = take_verdict(w, at, met && key == ANSWER_YES, e->verdict, e->jump, here);
		if (key == ANSWER_YES)
			return f;
		all = f == GOES_ON ? all : MAY_GO_BACK;
	}
	return all;
}

static enum fate take_rule(struct rule_walk *w, const struct rule_stop *at, struct place here)
{
	const struct rule *r = &at->set->rules.items[at->rule];
	enum answer met;

	if (r->verdict == VERDICT_NONE || (w->possible && !w->possible(w->arg, at)))
		return GOES_ON;
	met = rule_match(at->set, r, here.packet);
	if (met == ANSWER_NO)
		return GOES_ON;
	if (r->verdict == VERDICT_MAP)
		return take_map(w, *at, r, met == ANSWER_YES, here);
	return take_verdict(w, *at, met == ANSWER_YES, r->verdict, r->jump, here);
}

static enum fate walk_chain(struct rule_walk *w, const struct ruleset *set, size_t chain,
			    struct place here)
{
	const struct chain *c = &set->chains.items[chain];
	bool left = false; /* it may have left the chain already */
	enum fate f;

	if (c->rules_first > set->rules.n || c->rules_n > set->rules.n - c->rules_first)
		return GOES_ON;
	for (size_t i = 0; i < c->rules_n; i++) {
		struct rule_stop at = {.set = set, .chain = chain, .rule = c->rules_first + i};

		if (!w->steps) {
			w->more = true;
			return MAY_END;
		}
		w->steps--;
		f = take_rule(w, &at, here);
		if (f == BACK)
			break;
		if (f == ACCEPTED || f == DROPPED)
			return left ? MAY_END : f;
		if (f != GOES_ON)
			here.sure = false;
		left |= f == MAY_GO_BACK;
	}
	return here.sure || left ? GOES_ON : MAY_END;
}

static bool chain_is_met(const struct chain *c, const struct rule_walk *w, const struct packet *p)
{
	bool ip = w->family == NFPROTO_IPV4 || w->family == NFPROTO_IPV6;

	if (!c->base || c->hook != w->hook)
		return false;
	if (c->family != w->family && !(ip && c->family == NFPROTO_INET))
		return false;
	return !c->device[0] || !p->in_device || strcmp(c->device, p->in_device) == 0;
}

struct base_chain {
	const struct ruleset *set;
	size_t chain;
	int priority;
};

/* At equal priorities the order is that of registration, which nothing tells. */
static size_t base_chains(const struct rule_walk *w, const struct packet *p, struct base_chain *to,
			  size_t max)
{
	size_t n = 0;

	for (size_t s = 0; s < ARRAY_SIZE(w->sets); s++) {
		const struct ruleset *set = w->sets[s];

		for (size_t i = 0; set && i < set->chains.n && n < max; i++) {
			const struct chain *c = &set->chains.items[i];
			size_t at = n;

			if (!chain_is_met(c, w, p))
				continue;
			for (; at > 0 && to[at - 1].priority > c->priority; at--)
				to[at] = to[at - 1];
			to[at] = (struct base_chain){set, i, c->priority};
			n++;
		}
	}
	return n;
}

bool rule_walk(struct rule_walk *w, const struct packet *p)
{
	struct base_chain bases[BASE_CHAINS_MAX];
	size_t n = base_chains(w, p, bases, ARRAY_SIZE(bases));

	for (size_t i = 0; i < n; i++) {
		const struct chain *c = &bases[i].set->chains.items[bases[i].chain];
		struct rule_stop policy = {bases[i].set, bases[i].chain, POLICY_OF_CHAIN, true};
		enum fate f = walk_chain(w, bases[i].set, bases[i].chain,
					 (struct place){.packet = p, .sure = true});

		if (f == DROPPED)
			return true;
		if (f == ACCEPTED || c->policy != VERDICT_DROP ||
		    (w->possible && !w->possible(w->arg, &policy)))
			continue;
		policy.definite = f == GOES_ON;
		add_stop(w, &policy);
		if (policy.definite)
			return true;
	}
	return false;
}
