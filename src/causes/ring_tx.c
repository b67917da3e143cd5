// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage ring, on the way out: a transmit ring that is full, and how many rings there are. A driver
 * that stops its queue loses nothing; the queue above it (tc) drops, or the driver does.
 */
#include <stdio.h>

#include "causes/cards.h"
#include "causes/enter.h"
#include "causes/stages.h"

#define SHAPING_KINDS 4

/* ---- ring-tx-full ---- */

/* A shaper lets out less than the ring would take: that is why its queue is full. */
bool has_shaper(const struct observation *o, const struct link *link)
{
	static const char *const kinds[SHAPING_KINDS] = {"tbf", "htb", "hfsc", "cake"};

	vec_each (q, &o->b.qdiscs) {
		if (q->ifindex != link->ifindex)
			continue;
		for (size_t i = 0; i < SHAPING_KINDS; i++)
			if (strcmp(q->kind, kinds[i]) == 0)
				return true;
		if (q->rate_bps)
			return true;
	}
	return false;
}

static uint64_t stops_of(const struct observation *o, const struct link *link, struct card_sum *ret)
{
	card_sum(o, link, 1U << NIC_STOP, ret);
	return ret->lost;
}

static uint64_t requeues_of(const struct observation *o, const struct link *link)
{
	uint64_t most = 0;

	/* The same packet put back counts at each queue above. */
	vec_each (q, &o->b.qdiscs) {
		const struct qdisc *was = qdisc_before(o, q);

		if (q->ifindex == link->ifindex && was)
			most = MAX(most, delta_value(change_of(was->requeues, q->requeues, 32)));
	}
	return most;
}

bool explains_ring_tx_full(struct exam *x, const struct finding *f, const struct subject *s)
{
	const struct link *link = snapshot_link_named(&x->o->b, s->device);
	struct card_sum stops;
	uint64_t stopped;

	if (strcmp(f->cause->id, "qdisc-drop") != 0 || !link || !is_card(link) ||
	    has_shaper(x->o, link))
		return false;
	stopped = stops_of(x->o, link, &stops);
	card_sum_done(&stops);
	return stopped && requeues_of(x->o, link);
}

static void tx_remedies(struct exam *x, struct finding *f, const struct link *link)
{
	const struct nic *nic = card_of(x->o, link);
	struct remedy *r;

	if (!nic || !nic->rings.known || !nic->rings.tx || nic->rings.tx >= nic->rings.tx_max) {
		r = finding_remedy(f, "send-less", REMEDY_CAPACITY,
				   "send less by %s, or by more cards", link->name);
		remedy_why(r, "its transmit ring is as long as it can be, or does not tell");
		return;
	}
	r = finding_remedy(f, "raise-tx-ring", REMEDY_ETHTOOL,
			   "a longer transmit ring on %s: %u -> %u descriptors (of at most %u)",
			   link->name, nic->rings.tx, MIN(nic->rings.tx * 2, nic->rings.tx_max),
			   nic->rings.tx_max);
	remedy_why(r, "it rides out bursts; where more is sent than the link carries it only adds "
		      "delay");
	remedy_card(x, r, link->name, CARD_RING_TX, nic->rings.tx,
		    MIN(nic->rings.tx * 2, nic->rings.tx_max));
	remedy_cost(r, "more delay while it is full");
	remedy_risk(r, "many drivers reset the link: packets are lost for some seconds");
}

void describe_ring_tx_full(struct exam *x, struct finding *f)
{
	const struct subject *s = first_of(f);
	const struct link *link = snapshot_link_named(&x->o->b, s->device);
	struct card_sum stops;

	finding_headline(f, "the transmit ring of %s is full again and again", s->device);
	finding_text(f, "The card does not send as fast as packets come: its driver stops the queue, "
			"and the queueing discipline above it drops what does not fit.");
	f->confidence = LIKELY;
	if (!link)
		return;
	stops_of(x->o, link, &stops);
	card_evidence(x, f, &stops);
	card_sum_done(&stops);
	evidence_text(f, x, "packets put back into the queue (requeues): %llu",
		      (unsigned long long)requeues_of(x->o, link));
	finding_exclude(f, "a shaper on %s (it has none)", s->device);
	tx_remedies(x, f, link);
}

/* By itself: what the driver or the card took and did not send. */
enum outcome examine_ring_tx_full(struct exam *x)
{
	uint64_t lost = 0, of = 0, worst_lost = 0;
	const struct link *worst = NULL;
	struct finding *f = NULL;
	bool stopped = false;

	vec_each (link, &x->o->b.links) {
		struct card_sum sum, stops;
		struct subject *s;

		if (!is_card(link))
			continue;
		card_sum(x->o, link, 1U << NIC_TX, &sum);
		if (sum.lost) {
			f = f ? f : finding_new(x);
			s = finding_subject(f);
			memcpy(s->device, link->name, sizeof(s->device));
			s->has_lost = true;
			s->lost = sum.lost;
			card_evidence(x, f, &sum);
			lost += sum.lost;
			of += delta_value(delta_link(x->o, link, C_LINK_TX_PACKETS)) + sum.lost;
			stopped |= stops_of(x->o, link, &stops) > 0;
			card_evidence(x, f, &stops);
			card_sum_done(&stops);
			if (sum.lost > worst_lost) {
				worst = link;
				worst_lost = sum.lost;
			}
		}
		card_sum_done(&sum);
	}
	if (!f) {
		evidence_text(NULL, x, "no driver counts a packet that it took and did not send");
		return NOT_FOUND;
	}
	finding_lost(f, &lost, NULL, of);
	f->severity = severity_of_share(x, lost, of);
	f->confidence = stopped ? LIKELY : POSSIBLE;
	finding_headline(f, "%s did not send all it was given", worst->name);
	finding_text(f, "%s",
		     stopped ? "Its driver or the card threw packets away, and the queue was stopped "
			       "because the ring was full."
			     : "Its driver or the card threw packets away. Which counter moved says "
			       "more; that the ring was full is only the most frequent reason.");
	if (stopped)
		tx_remedies(x, f, worst);
	return FOUND;
}

/* ---- ring-queues-below-cpus ---- */

static unsigned int near_cpus(const struct observation *o, const struct link *link)
{
	const struct netdev_queues *queues = snapshot_queues(&o->b, link->ifindex);
	unsigned int n = 0;

	vec_each (cpu, &o->b.cpus)
		n += !queues || !queues->local_cpus[0] || cpu_in_list(queues->local_cpus, cpu->id);
	return n;
}

/* Fewer queues than CPUs are no fault by themselves: worth a word where one CPU was the limit. */
static bool one_cpu_is_the_limit(const struct exam *x, const struct link *link)
{
	struct card_service service;

	if (names_device(finding_here(x, "ring-rx-overflow"), link->name)) {
		card_service(x->o, link, &service);
		return service.use.known && service.use.softirq >= 0.8; /* causes.md 25 */
	}
	return names_device(finding_here(x, "softirq-hog"), link->name) ||
	       names_device(finding_here(x, "irq-imbalance"), link->name);
}

enum outcome examine_ring_queues(struct exam *x)
{
	struct finding *f = NULL;

	vec_each (nic, &x->o->b.nics) {
		const struct link *link = snapshot_link(&x->o->b, nic->ifindex);
		const struct nic_channels *c = &nic->channels;
		uint32_t to;
		char name[64];
		struct remedy *r;

		if (!link || !is_card(link) || !c->known || !c->combined || !c->combined_max)
			continue;
		snprintf(name, sizeof(name), "%s combined queues", link->name);
		to = MIN(c->combined_max, near_cpus(x->o, link));
		if (c->combined >= to || !one_cpu_is_the_limit(x, link)) {
			evidence_value(NULL, x, "ethtool -l", name, c->combined);
			continue;
		}
		f = f ? f : finding_new(x);
		f->state = AT_RISK;
		memcpy(finding_subject(f)->device, link->name, sizeof(link->name));
		evidence_value(f, x, "ethtool -l", name, c->combined);
		finding_headline(f, "%s has %u queue%s, and could have %u", link->name, c->combined,
				 c->combined > 1 ? "s" : "", to);
		finding_text(f, "One CPU takes in what comes by a queue, and one was the limit. More "
				"queues share the flows among more CPUs.");
		r = finding_remedy(f, "more-queues", REMEDY_ETHTOOL,
				   "more queues on %s: %u -> %u, one for each CPU near it",
				   link->name, c->combined, to);
		remedy_why(r, "the card has %u, and %u CPUs are near it", c->combined_max,
			   near_cpus(x->o, link));
		remedy_card(x, r, link->name, CARD_CHANNELS, c->combined, to);
		remedy_cost(r, "an interrupt and memory for each queue");
		remedy_risk(r, "many drivers reset the link: packets are lost for some seconds");
	}
	return f ? FOUND : NOT_FOUND;
}
