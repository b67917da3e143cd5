// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage napi: settings that spread work over CPUs and are off. They lose nothing, and most hosts do
 * well without: they are told only where a loss or a full CPU points at them.
 */
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define QUEUES_SHOWN 16

/* ---- xps-off ---- */

/* What many CPUs at one transmit queue make worse. */
static const char *const tx_troubles[] = {"qdisc-drop", "ring-tx-full", "softirq-hog", "irq-imbalance",
					  "host-queue-stuck"};

static const struct finding *trouble_of(const struct exam *x, const char *device)
{
	vec_each(f, &x->d->findings) {
		bool fits = false;

		for (size_t i = 0; i < ARRAY_SIZE(tx_troubles); i++)
			fits |= strcmp(f->cause->id, tx_troubles[i]) == 0 ||
				(f->via && strcmp(f->via->id, tx_troubles[i]) == 0);
		if (f->where != x->o || !fits)
			continue;
		vec_each(s, &f->subjects)
			if (strcmp(s->device, device) == 0)
				return f;
	}
	return NULL;
}

/* Several transmit queues, and none of them belongs to any CPU. */
static bool xps_off(const struct snapshot *s, const struct netdev_queues *d)
{
	unsigned int off = 0;

	if (!d->parent[0] || d->tx < 2)
		return false;
	vec_each(q, &s->queues)
		off += q->ifindex == d->ifindex && q->tx && q->known && q->cpus[0] &&
		       !q->cpus[strspn(q->cpus, "0,")];
	return off == d->tx;
}

static void xps_remedy(struct exam *x, struct finding *f, const struct netdev_queues *d)
{
	unsigned int cpus = (unsigned int)x->o->b.cpus.n;
	struct remedy *r = finding_remedy(f, "xps", REMEDY_CAPACITY,
					  "give each transmit queue of %s its own CPUs (XPS)", d->name);
	char enter[96], text[24];

	entering(x, enter, sizeof(enter));
	remedy_why(r, "%u CPUs share %u queues by a hash of the flow, and wait for each other's locks", cpus,
		   d->tx);
	for (unsigned int q = 0; q < MIN(d->tx, QUEUES_SHOWN); q++) {
		uint64_t mask = 0;

		for (unsigned int cpu = q; cpu < MIN(cpus, 32); cpu += d->tx)
			mask |= UINT64_C(1) << cpu;
		if (!mask)
			break;
		remedy_command(r, "%ssh -c 'echo %llx > /sys/class/net/%s/queues/tx-%u/xps_cpus'", enter,
			       (unsigned long long)mask, d->name, q);
		remedy_undo(r, "%ssh -c 'echo 0 > /sys/class/net/%s/queues/tx-%u/xps_cpus'", enter, d->name,
			    q);
		snprintf(text, sizeof(text), "%llx", (unsigned long long)mask);
		remedy_change(r, "queue", "0", text, "%s:tx-%u:xps_cpus", d->name, q);
	}
	remedy_persist(r, "a udev rule that writes the same");
	remedy_risk(r, "none for what runs; a flow that changes its CPU may be reordered once");
}

enum outcome examine_xps_off(struct exam *x)
{
	unsigned int off = 0;

	vec_each(d, &x->o->b.netdev_queues) {
		const struct finding *trouble;
		const struct cause_row *because;
		struct finding *f;

		if (!xps_off(&x->o->b, d) || x->o->b.cpus.n < 2)
			continue;
		off++;
		trouble = trouble_of(x, d->name);
		if (!trouble)
			continue;
		because = trouble->cause;
		f = finding_new(x);
		f->state = AT_RISK;
		f->confidence = POSSIBLE;
		memcpy(finding_subject(f)->device, d->name, sizeof(d->name));
		finding_headline(f, "no transmit queue of %s belongs to a CPU (XPS is off)", d->name);
		finding_text(f, "Drivers mostly set it by themselves. Without it CPUs that send meet at the "
				"same queues. It loses nothing, but makes worse what was found here (%s).",
			     because->id);
		evidence_text(f, x, "xps_cpus of all %u transmit queues is 0, on %zu CPUs", d->tx,
			      x->o->b.cpus.n);
		xps_remedy(x, f, d);
		return FOUND;
	}
	evidence_text(NULL, x, "%u devices without XPS that anything found here points at; %u without it", 0,
		      off);
	return NOT_FOUND;
}

/* ---- rfs-off ---- */

/* A device that hands its packets on by RPS, and does not ask where their readers are. */
static const struct netdev_queue *rps_without_rfs(const struct snapshot *s, bool *ret_entries)
{
	int64_t entries = 0;
	bool known = sysctl_get(s, K_RPS_SOCK_FLOW_ENTRIES, &entries);

	*ret_entries = known && entries > 0;
	vec_each(q, &s->queues)
		if (!q->tx && q->known && strcmp(q->cpus, "0") != 0 && (known || !q->flows) &&
		    (!entries || !q->flows))
			return q;
	return NULL;
}

/* A reader behind a loss, on a CPU that is known. */
static const struct subject *reader_behind(const struct exam *x)
{
	vec_each(f, &x->d->findings) {
		if (f->where != x->o || !f->lost)
			continue;
		vec_each(s, &f->subjects)
			if (s->has_socket && s->has_process && s->process.cpu >= 0)
				return s;
	}
	return NULL;
}

enum outcome examine_rfs_off(struct exam *x)
{
	bool entries = false;
	const struct netdev_queue *q = rps_without_rfs(&x->o->b, &entries);
	const struct subject *s = q ? reader_behind(x) : NULL;
	const struct link *link = q ? snapshot_link(&x->o->b, q->ifindex) : NULL;
	char who[64], enter[96];
	struct finding *f;
	struct remedy *r;
	int cpu;

	if (!s || !link) {
		evidence_text(NULL, x, q ? "RPS without RFS on 1 device, and no reader that lost anything"
					 : "0 devices with RPS and without RFS");
		return NOT_FOUND;
	}
	owner_text(s, who, sizeof(who));
	cpu = s->process.cpu;
	f = finding_new(x);
	f->state = AT_RISK;
	f->confidence = POSSIBLE;
	memcpy(finding_subject(f)->device, link->name, sizeof(link->name));
	finding_headline(f, "RPS of %s does not ask on which CPU %s reads (RFS is off)", link->name, who);
	finding_text(f, "Packets are handed on to CPUs by a hash of their flow. Where the reader is on "
			"another one, each packet moves from cache to cache. It loses nothing by itself.");
	evidence_text(f, x, "rps_cpus of queue %u of %s is %s, rps_flow_cnt %u; rps_sock_flow_entries %s; "
			    "the reader was on CPU %d",
		      q->index, link->name, q->cpus, q->flows, entries ? "is set" : "is 0", cpu);
	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "rfs", REMEDY_CAPACITY, "let RPS follow the readers (RFS)");
	remedy_why(r, "the packets of a flow then go to the CPU of its reader");
	remedy_command(r, "sysctl -w net.core.rps_sock_flow_entries=32768");
	remedy_command(r, "%ssh -c 'echo 32768 > /sys/class/net/%s/queues/rx-%u/rps_flow_cnt'", enter,
		       link->name, q->index);
	remedy_undo(r, "%ssh -c 'echo %u > /sys/class/net/%s/queues/rx-%u/rps_flow_cnt'", enter, q->flows,
		    link->name, q->index);
	if (!entries) {
		remedy_undo(r, "sysctl -w net.core.rps_sock_flow_entries=0");
		remedy_change(r, "sysctl", "0", "32768", "net.core.rps_sock_flow_entries");
	}
	remedy_change_number(r, "queue", q->flows, 32768, "%s:rx-%u:rps_flow_cnt", link->name, q->index);
	remedy_cost(r, "some 300 KiB of memory");
	remedy_risk(r, "none for what runs; a host-wide setting is among them");
	return FOUND;
}
