// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets handed to a program for its verdict (NFQUEUE, nft queue) that never get one. nf_queue()
 * frees what it cannot hand over, and gives no reason: nobody has bound the queue, or it is full.
 */
#include <stdio.h>

#include "causes/enter.h"
#include "causes/fw_blame.h"

#define QUEUE_LENGTH 1024 /* NFQNL_QMAX_DEFAULT */

static const char *const queue_symbols[] = {"nf_queue", NULL};
static const struct drop_filter queue_drops = {.symbols = queue_symbols};
/* The verdict was to drop, or the program went away with packets of its queue undecided. */
static const char *const verdict_symbols[] = {"nf_reinject", "nfqnl_reinject", "nfqnl_flush",
					      "nfqnl_recv_verdict", "nfqnl_recv_verdict_batch", NULL};
static const struct drop_filter verdict_drops = {.symbols = verdict_symbols};

struct queues {
	const struct ruleset *set; /* of the rule below */
	const struct rule *rule;   /* that sent most packets to queues that lost; NULL: not known */
	unsigned int rules;	   /* that hand packets over and do not let them by without a program */
	bool all_counted;	   /* each of them has a counter */
	uint64_t full, unread;	   /* dropped by the queues' own counts */
	uint64_t unheard;	   /* by rules' counters, of queues that nobody had bound */
};

static const struct nfqueue *queue_of(const struct snapshot *s, uint16_t number)
{
	vec_each(q, &s->nfqueues)
		if (q->number == number)
			return q;
	return NULL;
}

/* Bound by somebody else meanwhile, a queue counts from zero. */
static void count_queues(const struct exam *x, struct queues *q)
{
	vec_each(now, &x->o->b.nfqueues) {
		const struct nfqueue *old = queue_of(&x->o->a, now->number);

		if (x->o->since_boot || !old || old->port != now->port)
			old = &(const struct nfqueue){0};
		q->full += (uint32_t)(now->full - old->full);
		q->unread += (uint32_t)(now->unread - old->unread);
	}
}

/* A rule that is not in the list of points, since it ends no packet itself. */
static const struct rule *before_of(const struct ruleset *old, const struct ruleset *now,
				    const struct rule *r)
{
	const struct chain *c = &now->chains.items[r->chain];

	vec_each(b, &old->rules) {
		const struct chain *in = &old->chains.items[b->chain];

		if (b->handle == r->handle && in->family == c->family &&
		    strcmp(in->table, c->table) == 0 && strcmp(in->name, c->name) == 0)
			return b;
	}
	return NULL;
}

static void count_rules(const struct exam *x, const struct ruleset *old, const struct ruleset *now,
			struct queues *q)
{
	uint64_t most = 0;

	vec_each(r, &now->rules) {
		const struct rule *before;
		uint64_t sent = 0;
		bool bound;

		if (!r->to_queue || r->bypass)
			continue;
		q->rules++;
		q->all_counted &= r->counted;
		before = r->counted && !x->o->since_boot ? before_of(old, now, r) : NULL;
		if (r->counted)
			sent = delta_value(change_of(before ? before->packets : 0, r->packets, 64));
		bound = queue_of(&x->o->a, r->queue) || queue_of(&x->o->b, r->queue);
		if (!bound && r->queues == 1)
			q->unheard += sent;
		if (!q->rule || sent > most) {
			q->rule = r;
			q->set = now;
			most = sent;
		}
	}
}

static struct queues look(const struct exam *x)
{
	struct queues q = {.all_counted = true};

	count_queues(x, &q);
	count_rules(x, &x->o->a.nft, &x->o->b.nft, &q);
	count_rules(x, &x->o->a.iptables, &x->o->b.iptables, &q);
	return q;
}

static void say(struct finding *f, const struct queues *q, uint64_t unheard, uint64_t decided)
{
	const struct rule *r = q->rule;
	char which[64] = "a netfilter queue";

	if (r && r->queues == 1)
		snprintf(which, sizeof(which), "netfilter queue %u", r->queue);
	else if (r && r->queues)
		snprintf(which, sizeof(which), "netfilter queues %u to %u", r->queue,
			 r->queue + r->queues - 1u);
	if (unheard >= MAX(q->full + q->unread, decided)) {
		finding_headline(f, "no program listens on %s: its packets are dropped", which);
		finding_text(f, "A firewall rule hands these packets to a program for its verdict, and "
				"no program has bound the queue. Without \"bypass\" the kernel drops "
				"them then.");
	} else if (q->full + q->unread >= decided) {
		finding_headline(f, "the program behind %s is too slow: the queue is full", which);
		finding_text(f, "A firewall rule hands these packets to a program for its verdict. It "
				"decides more slowly than they come: %llu found the queue full, %llu "
				"its socket's buffer.",
			     (unsigned long long)q->full, (unsigned long long)q->unread);
	} else {
		finding_headline(f, "the program behind %s drops packets", which);
		finding_text(f, "A firewall rule hands these packets to a program for its verdict, and "
				"the verdict was to drop them, or the program ended before it gave one. "
				"Why is in that program's own log.");
	}
}

static void add_remedies(struct exam *x, struct finding *f, const struct queues *q, uint64_t unheard)
{
	struct remedy *r;
	char enter[96];

	entering(x, enter, sizeof(enter));
	if (unheard) {
		r = finding_remedy(f, "start-queue-program", REMEDY_APPLICATION,
				   "start the program that should listen (an intrusion detection, a "
				   "filter), or find why it ended");
		remedy_why(r, "%llu packets went to a queue that nobody has bound",
			   (unsigned long long)unheard);
		remedy_command(r, "%scat /proc/net/netfilter/nfnetlink_queue", enter);
	} else if (q->full) {
		r = finding_remedy(f, "longer-queue", REMEDY_APPLICATION,
				   "a longer queue, or more of them, in the program's configuration");
		remedy_why(r, "%llu packets found it full; %u is what a program gets that asks for "
			      "nothing (NFQA_CFG_QUEUE_MAXLEN), and several queues are read by "
			      "several threads",
			   (unsigned long long)q->full, QUEUE_LENGTH);
		remedy_risk(r, "a longer queue only rides out bursts: packets wait in it");
	}
	if (!unheard && !q->full && !q->unread)
		return;
	r = finding_remedy(f, "queue-bypass", REMEDY_NETFILTER,
			   "let packets by when nobody decides: \"bypass\" in nft, --queue-bypass in "
			   "iptables; for a full queue the program's own fail-open (NFQA_CFG_F_FAIL_OPEN)");
	remedy_why(r, "the rule drops what has no verdict as it stands");
	remedy_risk(r, "what the program was to keep out gets in while it is away");
}

static void report(struct exam *x, const struct queues *q, uint64_t unheard, uint64_t decided)
{
	uint64_t lost = q->full + q->unread + unheard + decided, traced, counted;
	struct finding *f = finding_new(x);

	traced = ledger_claim(x->ledger, &queue_drops, lost - decided);
	traced += ledger_claim(x->ledger, &verdict_drops, decided);
	counted = q->full + q->unread + q->unheard;
	finding_lost(f, !decided && (q->all_counted || !unheard) ? &counted : NULL,
		     tracing(x) ? &traced : NULL,
		     MAX(lost, delta_value(delta_sum(x->o, C_IP_IN_RECEIVES, C_IP6_IN_RECEIVES)) +
				       delta_value(delta_sum(x->o, C_IP_OUT_REQUESTS,
							     C_IP6_OUT_REQUESTS))));
	f->lost = lost;
	f->severity = severity_of_share(x, lost, f->of);
	/* A program that is asked to drop, drops: that is a firewall at work. */
	if (lost == decided)
		f->severity = SEVERITY_INFO;
	say(f, q, unheard, decided);
	if (q->rule) {
		struct subject *s = fw_subject(f, q->set, q->rule);

		s->has_lost = true;
		s->lost = lost;
	}
	if (q->rules > 1)
		evidence_text(f, x, "%u rules hand packets to programs", q->rules);
	vec_each(queue, &x->o->b.nfqueues)
		evidence_text(f, x, "queue %u: %u wait; dropped since it was bound: %u full, %u unread",
			      queue->number, queue->waiting, queue->full, queue->unread);
	if (!x->o->b.nfqueues.n && source_ok(&x->o->b, SRC_NFQUEUE))
		evidence_text(f, x, "no program has bound a queue here");
	evidence_traced(f, x, "drops at nf_queue", traced);
	evidence_log(f, x, KERNEL_LOG_QUEUE_FULL);
	finding_flows(x, f, lost == decided ? &verdict_drops : &queue_drops);
	add_remedies(x, f, q, unheard);
}

enum outcome examine_nfqueue(struct exam *x)
{
	struct queues q = look(x);
	uint64_t handed = tracing(x) ? ledger_traced(x->ledger, &queue_drops) : 0;
	uint64_t decided = tracing(x) ? ledger_traced(x->ledger, &verdict_drops) : 0;
	uint64_t unheard = q.unheard;

	/* What is traced is all of it; the queues' counts say which of the two. */
	if (tracing(x)) {
		q.full = MIN(q.full, handed);
		q.unread = MIN(q.unread, handed - q.full);
		unheard = handed - q.full - q.unread;
	}
	if (!unheard && !q.full && !q.unread && !decided) {
		evidence_text(NULL, x, "%u rules hand packets to programs; %zu queues are bound, none "
				       "dropped a packet",
			      q.rules, x->o->b.nfqueues.n);
		evidence_traced(NULL, x, "drops at nf_queue", handed);
		return NOT_FOUND;
	}
	report(x, &q, unheard, decided);
	return FOUND;
}
