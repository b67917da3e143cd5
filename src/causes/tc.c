// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage tc: queueing disciplines on the way out. */
#include <stdio.h>

#include "causes/stages.h"

#define TC_ROOT 0xffffffffU

static const char *const qdisc_reasons[] = {"QDISC_DROP",      "QDISC_OVERLIMIT",
					    "QDISC_CONGESTED", "FQ_FLOW_LIMIT",
					    "FQ_BAND_LIMIT",   "FQ_HORIZON_LIMIT",
					    "CAKE_FLOOD",      NULL};
static const struct drop_filter qdisc_filter = {.reasons = qdisc_reasons};

/* Filters at clsact and ingress drop for other reasons; they are no queue. */
static bool is_queue(const struct qdisc *q)
{
	return strcmp(q->kind, "ingress") != 0 && strcmp(q->kind, "clsact") != 0;
}

/*
 * What a device's queues dropped. A child's drop also counts at its parents, up to the root (both
 * enqueue and qdisc_tree_reduce_backlog do so), so that neither sum is to be added to the other.
 */
static uint64_t device_drops(const struct observation *o, unsigned int ifindex,
			     const struct qdisc **ret_worst)
{
	uint64_t root = 0, leaves = 0, worst = 0;

	vec_each(q, &o->b.qdiscs) {
		uint64_t drops;

		if (q->ifindex != ifindex || !is_queue(q))
			continue;
		drops = delta_value(delta_qdisc_drops(o, q));
		if (q->parent == TC_ROOT)
			root += drops;
		else
			leaves = MAX(leaves, drops);
		/* The leaf, where it dropped: it is the one whose limit was met. */
		if (drops >= worst && drops) {
			worst = drops;
			*ret_worst = q;
		}
	}
	return MAX(root, leaves);
}

static void qdisc_remedies(struct finding *f, const struct qdisc *q, const struct link *link)
{
	const char *device = link ? link->name : "DEVICE";
	struct remedy *r;

	if (strcmp(q->kind, "tbf") == 0 || strcmp(q->kind, "htb") == 0 || q->rate_bps) {
		r = finding_remedy(f, "raise-shaper", REMEDY_TC,
				   "raise the rate or the limit of the shaper on %s, or send less",
				   device);
		remedy_why(r, "the shaper is set to %llu kbit/s; more than that was offered",
			   (unsigned long long)(q->rate_bps / 1000));
		remedy_command(r, "tc -s -d qdisc show dev %s", device);
		remedy_cost(r, "a longer limit adds delay; a higher rate may overrun the next hop");
		return;
	}
	r = finding_remedy(f, "fair-queue", REMEDY_TC, "a fair queue on %s instead of %s", device,
			   q->kind);
	remedy_why(r, "one flood then no longer pushes out the others; it drops from the fattest flow");
	remedy_command(r, "tc qdisc replace dev %s root fq_codel", device);
	remedy_undo(r, "tc qdisc replace dev %s root %s", device, q->kind);
	remedy_persist(r, "echo 'net.core.default_qdisc = fq_codel' > /etc/sysctl.d/90-whydrop-qdisc.conf");
	remedy_risk(r, "what is queued at that moment is lost");
	if (link && strncmp(q->kind, "pfifo", 5) == 0 && link->txqlen < 10000) {
		r = finding_remedy(f, "raise-txqueuelen", REMEDY_TC,
				   "a longer queue on %s: txqueuelen %u -> %u", device, link->txqlen,
				   MAX(link->txqlen * 2, 1000));
		remedy_command(r, "ip link set %s txqueuelen %u", device,
			       MAX(link->txqlen * 2, 1000));
		remedy_undo(r, "ip link set %s txqueuelen %u", device, link->txqlen);
		remedy_cost(r, "more delay while the queue is long");
	}
}

static void add_device(struct exam *x, struct finding *f, const struct qdisc *q, uint64_t lost)
{
	const struct link *link = snapshot_link(&x->o->b, q->ifindex);
	struct subject *s = finding_subject(f);
	char name[80];

	if (link)
		memcpy(s->device, link->name, sizeof(s->device));
	s->has_lost = true;
	s->lost = lost;
	snprintf(name, sizeof(name), "%s %s %x: drops", s->device, q->kind, q->handle >> 16);
	evidence_change(f, x, "tc", name, delta_qdisc_drops(x->o, q));
	qdisc_remedies(f, q, link);
}

enum outcome examine_qdisc_drop(struct exam *x)
{
	uint64_t traced = ledger_traced(x->ledger, &qdisc_filter), counted = 0, passed = 0;
	struct finding *f = NULL;

	vec_each(link, &x->o->b.links) {
		const struct qdisc *worst = NULL;
		uint64_t lost = device_drops(x->o, link->ifindex, &worst);

		passed += delta_value(delta_link(x->o, link, C_LINK_TX_PACKETS));
		if (!lost)
			continue;
		f = f ? f : finding_new(x);
		add_device(x, f, worst, lost);
		counted += lost;
	}
	if (!f && traced) {
		f = finding_new(x);
		subject_devices(x, f, &qdisc_filter);
	}
	if (!f) {
		evidence_text(NULL, x, "qdiscs of %zu devices: drops +0", x->o->b.links.n);
		evidence_traced(NULL, x, "QDISC_DROP", traced);
		return NOT_FOUND;
	}
	ledger_claim(x->ledger, &qdisc_filter, traced);
	finding_lost(f, observed(x->o, SRC_QDISC) ? &counted : NULL, tracing(x) ? &traced : NULL,
		     passed + MAX(counted, traced));
	if (!counted)
		f->lost = traced;
	f->severity = severity_of_share(f->lost, f->of);
	finding_headline(f, "the queue of %s is full or held back by a shaper",
			 f->subjects.n ? f->subjects.items[0].device : "a device");
	finding_text(f, "More was sent than the queueing discipline lets out. The program sees no "
			"error, unless it asked for one (IP_RECVERR).");
	evidence_traced(f, x, "QDISC_DROP", traced);
	finding_exclude(f, "a full send buffer (udp-sndbuf-full): its counters move too, these are "
			   "the same packets");
	finding_flows(x, f, &qdisc_filter);
	return FOUND;
}
