// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage tcp: what this host itself does to its connections: queues that stand still, limits. */
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

static uint64_t value(const struct exam *x, enum counter_id id)
{
	return delta_value(delta_counter(x->o, id));
}

/* ---- a segment that has not left this host yet ---- */

/* The queue with most in it at any look; NULL if all are empty. */
static const struct qdisc *longest_queue(const struct snapshot *s)
{
	const struct qdisc *found = NULL;

	vec_each(q, &s->qdiscs)
		if (q->backlog && (!found || q->backlog > found->backlog))
			found = q;
	return found;
}

/* Where it is held, as far as it shows, and what then helps. */
static void stuck_where(struct exam *x, struct finding *f)
{
	const struct qdisc *q = longest_queue(&x->o->b), *before = longest_queue(&x->o->a);
	const struct link *link;
	struct remedy *r;

	q = q && (!before || q->backlog >= before->backlog) ? q : before;
	link = q ? snapshot_link(&x->o->b, q->ifindex) : NULL;
	if (x->o->b.neighs.n)
		evidence_text(f, x, "%zu next hops do not answer ARP or neighbour discovery",
			      x->o->b.neighs.n);
	if (!link) {
		r = finding_remedy(f, "find-where", REMEDY_APPLICATION, "see where it is held");
		remedy_command(r, "tc -s qdisc show");
		remedy_command(r, "ip neigh show nud incomplete nud failed");
		return;
	}
	evidence_text(f, x, "queue %s of %s: %u bytes wait in it", q->kind, link->name, q->backlog);
	r = finding_remedy(f, "shorten-queue", REMEDY_TC,
			   "a shorter queue on %s, or one that is fair to each connection (fq_codel)",
			   link->name);
	remedy_why(r, "one that holds more than a timeout of traffic only delays");
	remedy_command(r, "tc -s qdisc show dev %s", link->name);
}

/* Nothing is lost by it: TCP sees that its own segment is still here, and waits. */
enum outcome examine_host_queue(struct exam *x)
{
	uint64_t n = value(x, C_TCP_SPURIOUS_RTX_HOST_QUEUES);
	struct finding *f;

	if (!n || x->o->since_boot) {
		evidence_counter(NULL, x, C_TCP_SPURIOUS_RTX_HOST_QUEUES);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->unit = "segments";
	finding_headline(f, "TCP segments wait in this host's own queues beyond their timeout");
	finding_text(f, "TCP's timer ran out and it wanted to send a segment again, but the first copy "
			"had not left this host yet: it waits in a queue or shaper, for a neighbour's "
			"address, or in a card that does not send. So the delay is here and not in the "
			"network.");
	evidence_counter(f, x, C_TCP_SPURIOUS_RTX_HOST_QUEUES);
	evidence_counter(f, x, C_TCP_TIMEOUTS);
	evidence_counter(f, x, C_TCP_RETRANS_SEGS);
	stuck_where(x, f);
	evidence_log(f, x, KERNEL_LOG_TX_TIMEOUT);
	return FOUND;
}
