// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage link: a carrier that goes away while its device is up.
 *
 * What the kernel does then (net/sched/sch_generic.c dev_deactivate(), 6.1 to 6.18): within a
 * second it hangs noop below every queue of the device, which drops all with QDISC_DROP and counts
 * nothing; until then a veth drops at __dev_forward_skb2 (the other end is not up), and a card
 * keeps or loses what it has.
 */
#include <net/if.h>
#include <stdio.h>

#include "causes/cards.h"
#include "causes/enter.h"
#include "causes/stages.h"

#define CRITICAL_DOWNS 3 /* causes.md 3: in an hour */

static const char *const no_reasons[] = {"NOT_SPECIFIED", NULL};
static const char *const forward_symbols[] = {"__dev_forward_skb2", NULL};
static const char *const noop_reasons[] = {"QDISC_DROP", NULL};

struct flap {
	const struct link *link;
	unsigned int downs;
	bool card, up_again;
	uint64_t counted; /* by the card, of what it was sending */
	uint64_t noop, refused; /* traced: without a queue; by the other end of a veth */
};

static uint64_t flap_lost(const struct flap *f)
{
	return f->counted + f->noop + f->refused;
}

static struct drop_filter noop_drops(const struct link *link)
{
	return (struct drop_filter){.reasons = noop_reasons, .ifindex = link->ifindex};
}

static struct drop_filter refused_drops(const struct link *link)
{
	return (struct drop_filter){.reasons = no_reasons,
				    .symbols = forward_symbols,
				    .ifindex = link->ifindex};
}

/* Drops of the device's own queues are counted, those of noop are not. */
static uint64_t queues_counted(const struct observation *o, const struct link *link)
{
	uint64_t sum = 0;

	vec_each (q, &o->b.qdiscs)
		if (q->ifindex == link->ifindex)
			sum = MAX(sum, delta_value(delta_qdisc_drops(o, q)));
	return sum;
}

/* An end with a smaller MTU refuses packets at the same place. */
static bool refuses_large(const struct exam *x, const struct link *link)
{
	vec_each (o, &x->d->observations) {
		const struct link *peer = snapshot_link(&o->b, link->peer_ifindex);

		if ((o != x->o) == link->peer_known_netns && peer &&
		    peer->peer_ifindex == link->ifindex && peer->mtu < link->mtu)
			return true;
	}
	return false;
}

static uint64_t counted_by_card(const struct observation *o, const struct link *link)
{
	struct card_sum sum;
	uint64_t lost;

	card_sum(o, link, 1U << NIC_DOWN, &sum);
	lost = sum.lost + delta_value(delta_link(o, link, C_LINK_TX_CARRIER_ERRORS));
	card_sum_done(&sum);
	return lost;
}

/* Set down and up by its administrator, a device looks the same unless it is down at an end. */
static bool flapped(struct exam *x, const struct link *link, struct flap *ret)
{
	const struct link *before = snapshot_link(&x->o->a, link->ifindex);
	struct flap f = {.link = link, .card = is_card(link)};
	struct drop_filter noop = noop_drops(link), refused = refused_drops(link);
	uint64_t dropped;

	if (!before || !(before->flags & link->flags & IFF_UP) || (link->flags & IFF_LOOPBACK) ||
	    link->carrier_downs <= before->carrier_downs)
		return false;
	f.downs = link->carrier_downs - before->carrier_downs;
	f.up_again = link->flags & IFF_RUNNING;
	/* A virtual link whose other end stays down is that end's matter (veth-mtu-or-down). */
	if (!f.card && !f.up_again && f.downs < 2)
		return false;
	dropped = ledger_unclaimed(x->ledger, &noop);
	f.noop = dropped - MIN(dropped, queues_counted(x->o, link));
	if (f.card)
		f.counted = counted_by_card(x->o, link);
	else if (!refuses_large(x, link))
		f.refused = ledger_unclaimed(x->ledger, &refused);
	/* A bridge whose last port goes, the end of a container that stops: that is how they work. */
	if (!f.card && !flap_lost(&f))
		return false;
	*ret = f;
	return true;
}

static void add_flap(struct exam *x, struct finding *f, const struct flap *flap)
{
	const struct link *link = flap->link, *before = snapshot_link(&x->o->a, link->ifindex);
	const struct nic *nic = card_of(x->o, link), *was = snapshot_nic(&x->o->a, link->ifindex);
	struct drop_filter noop = noop_drops(link), refused = refused_drops(link);
	struct subject *s = finding_subject(f);
	char name[64];

	memcpy(s->device, link->name, sizeof(s->device));
	s->has_lost = true;
	s->lost = flap_lost(flap);
	s->traced = flap->noop + flap->refused;
	ledger_claim(x->ledger, &noop, flap->noop);
	ledger_claim(x->ledger, &refused, flap->refused);
	snprintf(name, sizeof(name), "%s carrier_down_count", link->name);
	evidence_change(f, x, source_rows[SRC_LINK].name, name,
			change_of(before->carrier_downs, link->carrier_downs, 32));
	if (nic && was && nic->down_count_known && was->down_count_known) {
		snprintf(name, sizeof(name), "%s link down events", link->name);
		evidence_change(f, x, source_rows[SRC_ETHTOOL].name, name,
				change_of(was->down_count, nic->down_count, 32));
	}
	if (flap->counted) {
		snprintf(name, sizeof(name), "%s %s", link->name,
			 counter_rows[C_LINK_TX_CARRIER_ERRORS].name);
		evidence_change(f, x, source_rows[SRC_LINK].name, name,
				delta_link(x->o, link, C_LINK_TX_CARRIER_ERRORS));
	}
}

static void flap_remedies(struct exam *x, struct finding *f, const struct flap *worst)
{
	const char *device = worst->link->name;
	char enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	if (!worst->card) {
		r = finding_remedy(f, "find-other-end", REMEDY_APPLICATION,
				   "find what sets the other end of %s down", device);
		remedy_why(r, "a virtual link has a carrier as long as its other end is up");
		remedy_command(r, "%sip monitor link", enter);
		return;
	}
	r = finding_remedy(f, "replace-cable", REMEDY_CAPACITY,
			   "cable, optic and the port at the other end of %s", device);
	remedy_why(r, "no setting of this host takes a carrier away");
	remedy_command(r, "%sethtool -m %s    (power received by the optic)", enter, device);
	remedy_command(r, "%sethtool %s    (both ends must negotiate)", enter, device);
	remedy_cost(r, "the link is down meanwhile");
	r = finding_remedy(f, "without-eee", REMEDY_ETHTOOL,
			   "if the cable is good: try without energy saving (EEE) on %s", device);
	remedy_why(r, "some cards and switches lose the link when they wake up");
	remedy_command(r, "%sethtool --show-eee %s", enter, device);
	remedy_command(r, "%sethtool --set-eee %s eee off", enter, device);
	remedy_undo(r, "%sethtool --set-eee %s eee on", enter, device);
	remedy_risk(r, "the link is negotiated again: down for some seconds");
}

static void say_flap(struct exam *x, struct finding *f, const struct flap *worst)
{
	finding_headline(f, "the link of %s went down%s%s", worst->link->name,
			 worst->downs > 1 ? " several times" : "",
			 worst->up_again ? "" : ", and is down");
	finding_text(f,
		     "The carrier went away %u time%s while the device was up%s. What was sent "
		     "meanwhile is lost without an error to the program; what others sent is lost "
		     "before it comes here. Somebody who sets the device down and up again, or "
		     "changes its rings or channels, looks the same.",
		     worst->downs, worst->downs > 1 ? "s" : "",
		     worst->up_again ? ", and came back" : "");
	evidence_log(f, x, KERNEL_LOG_LINK_DOWN);
	finding_exclude(f, "a full queue or a shaper (its own drops counter: +%llu)",
			(unsigned long long)queues_counted(x->o, worst->link));
	if (worst->card)
		finding_exclude(f, "damaged frames (rx_crc_errors +%llu)",
				(unsigned long long)delta_value(delta_link(
					x->o, worst->link, C_LINK_RX_CRC_ERRORS)));
}

static void flap_severity(struct exam *x, struct finding *f, const struct flap *worst, bool cards)
{
	f->severity = severity_of_share(x, f->lost, f->of);
	if (cards)
		f->severity = MAX(f->severity, worst->downs >= CRITICAL_DOWNS ? SEVERITY_CRITICAL
									     : SEVERITY_WARNING);
	/* What the card lost then, and what was sent to it, nobody counts. */
	if (!f->lost)
		f->state = AT_RISK;
	f->confidence = worst->card || f->lost ? LIKELY : POSSIBLE;
}

/* Since boot each device that was ever set down has lost its carrier: that says nothing. */
enum outcome examine_link_flap(struct exam *x)
{
	uint64_t counted = 0, traced = 0, sent = 0;
	struct finding *f = NULL;
	struct flap worst = {0};
	bool cards = false;
	unsigned int links = 0;

	vec_each (link, &x->o->b.links) {
		struct flap flap;

		links++;
		if (x->o->since_boot || !flapped(x, link, &flap))
			continue;
		f = f ? f : finding_new(x);
		add_flap(x, f, &flap);
		counted += flap.counted;
		traced += flap.noop + flap.refused;
		sent += delta_value(delta_link(x->o, link, C_LINK_TX_PACKETS));
		cards |= flap.card;
		if (!worst.link || flap_lost(&flap) > flap_lost(&worst) ||
		    (!flap_lost(&worst) && flap.downs > worst.downs))
			worst = flap;
	}
	if (!f) {
		evidence_text(NULL, x, "no carrier went away on %u devices", links);
		return NOT_FOUND;
	}
	finding_lost(f, traced ? NULL : &counted, tracing(x) ? &traced : NULL,
		     sent + counted + traced);
	f->lost = counted + traced;
	flap_severity(x, f, &worst, cards);
	say_flap(x, f, &worst);
	if (traced) {
		struct drop_filter noop = noop_drops(worst.link);
		struct drop_filter refused = refused_drops(worst.link);

		evidence_traced(f, x, "without a carrier", traced);
		finding_flows(x, f, &noop);
		finding_flows(x, f, &refused);
	}
	flap_remedies(x, f, &worst);
	return FOUND;
}
