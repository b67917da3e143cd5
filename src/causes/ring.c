// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage ring: packets that the card had, and no descriptor of the host's to put them in. */
#include <stdio.h>

#include "causes/cards.h"
#include "causes/enter.h"
#include "causes/stages.h"

#define SATURATED 0.8	  /* causes.md 25 */
#define BUFFER_BYTES 4096 /* of one descriptor, at most */
#define VECTORS_SHOWN 8

static const unsigned int ring_classes = 1U << NIC_RING | 1U << NIC_PORT_BUFFER;

/* Why the ring was not emptied in time; where the CPU was taken, cpu-steal-rx says so. */
enum reason {
	REASON_UNKNOWN, /* which CPU serves it, or what that did, is not known */
	REASON_PORT,	/* the card's own buffer, before the ring */
	REASON_SOFTIRQ, /* the CPU that serves it was full of packets */
	REASON_BUSY,	/* it was full of other work */
	REASON_BURST,	/* it had time: more came at once than the ring holds */
};

/* One card that lost packets. */
struct overflow {
	const struct link *link;
	const struct nic *nic; /* NULL unknown */
	uint64_t lost, port;   /* port: of it, in the card's own buffer */
	uint64_t passed;
	struct card_service service;
	enum reason reason;
};

static enum reason reason_of(const struct overflow *v)
{
	const struct cpu_use *use = &v->service.use;

	if (v->port > v->lost / 2)
		return REASON_PORT;
	if (!use->known)
		return REASON_UNKNOWN;
	if (use->busy < SATURATED)
		return REASON_BURST;
	return use->softirq >= SATURATED ? REASON_SOFTIRQ : REASON_BUSY;
}

/* ---- remedies ---- */

/* To CPUs in turn, from the idle one on; one that stands alone goes there. */
static void move_vectors(struct exam *x, struct remedy *r, const struct overflow *v)
{
	size_t cpus = x->o->b.cpus.n, at = 0, told = 0;

	while (at < cpus && (int)x->o->b.cpus.items[at].id != v->service.idle_cpu)
		at++;
	vec_each (i, &x->o->b.interrupts) {
		const char *allowed = "0";
		unsigned int to;

		if (!is_rx_vector(&x->o->b, i, v->link->ifindex) || told++ == VECTORS_SHOWN)
			continue;
		vec_each (n, &x->o->b.netdev_interrupts)
			if (n->number == i->number && n->allowed[0])
				allowed = n->allowed;
		to = x->o->b.cpus.items[at++ % cpus].id;
		remedy_command(r, "echo %u > /proc/irq/%u/smp_affinity_list", to, i->number);
		remedy_undo(r, "echo %s > /proc/irq/%u/smp_affinity_list", allowed, i->number);
		remedy_interrupt(x, r, i->number, to);
	}
}

static void spread_interrupts(struct exam *x, struct finding *f, const struct overflow *v)
{
	const struct card_service *s = &v->service;
	struct remedy *r;

	r = s->vectors > 1
		    ? finding_remedy(f, "spread-interrupts", REMEDY_CAPACITY,
				     "spread the %u interrupts of %s over more CPUs", s->vectors,
				     v->link->name)
		    : finding_remedy(
			      f, "move-interrupt", REMEDY_CAPACITY,
			      "move the interrupt of %s from CPU %d to CPU %d, which is idle",
			      v->link->name, s->cpu, s->idle_cpu);
	remedy_why(r,
		   "CPU %d takes the packets out of the ring and was busy for %.0f %% of the time "
		   "at its worst (softirq %.0f %%); a larger ring would only fill later",
		   s->cpu, s->use.busy * 100, s->use.softirq * 100);
	move_vectors(x, r, v);
	remedy_risk(r, "irqbalance, if it runs, may move them again; none for what is under way");
	remedy_persist(
		r, "systemctl enable --now irqbalance    (or a udev rule that writes the same)");
}

static bool rps_is_on(const struct observation *o, unsigned int ifindex)
{
	vec_each (q, &o->b.queues)
		if (q->ifindex == ifindex && !q->tx && q->known &&
		    strspn(q->cpus, "0,") != strlen(q->cpus))
			return true;
	return false;
}

static void more_queues(struct exam *x, struct finding *f, const struct overflow *v)
{
	const struct nic_channels *c = &v->nic->channels;
	uint32_t to = MIN(c->combined_max, (uint32_t)MAX(x->o->b.cpus.n, (size_t)1));
	struct remedy *r;

	r = finding_remedy(f, "more-queues", REMEDY_ETHTOOL,
			   "more receive queues on %s: %u -> %u, one for each CPU", v->link->name,
			   c->combined, to);
	remedy_why(r, "one CPU cannot take out what comes; the card can share it among %u queues",
		   c->combined_max);
	remedy_card(x, r, v->link->name, CARD_CHANNELS, c->combined, to);
	remedy_risk(r, "many drivers reset the link: packets are lost for some seconds");
}

static void turn_on_rps(struct exam *x, struct finding *f, const struct overflow *v)
{
	struct free_cpus room;
	char enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	find_free_cpus(x->o, v->service.cpu, &room);
	r = finding_remedy(f, "turn-on-rps", REMEDY_CAPACITY,
			   "hand the packets of %s on to other CPUs (RPS)", v->link->name);
	remedy_why(r,
		   "the card has one receive queue and softirq used %.0f %% of CPU %d; %u other "
		   "CPUs have time",
		   v->service.use.softirq * 100, v->service.cpu, v->service.idle_cpus);
	/* The sysfs of a namespace shows its own devices; ip-netns mounts it. */
	remedy_command(r, "%ssh -c 'echo %s > /sys/class/net/%s/queues/rx-0/rps_cpus'", enter,
		       room.mask, v->link->name);
	remedy_undo(r, "%ssh -c 'echo 0 > /sys/class/net/%s/queues/rx-0/rps_cpus'", enter,
		    v->link->name);
	remedy_change(r, "queue", "0", room.mask, "%s:rx-0:rps_cpus", v->link->name);
	remedy_cost(r, "inter-processor interrupts; watch softnet.dropped afterwards");
	remedy_persist(r, "a udev rule that writes the same");
}

/* The serving CPU is the limit: other CPUs first, the ring after that. */
static void relieve_cpu(struct exam *x, struct finding *f, const struct overflow *v)
{
	const struct card_service *s = &v->service;
	const struct nic_channels *c = v->nic ? &v->nic->channels : NULL;
	struct remedy *r;

	if (s->idle_cpu < 0) {
		r = finding_remedy(f, "more-cpu", REMEDY_CAPACITY,
				   "less work for this machine's CPUs, or more of them");
		remedy_why(r,
			   "CPU %d was busy for %.0f %% of the time, and no other has time to "
			   "help",
			   s->cpu, s->use.busy * 100);
		return;
	}
	if (s->vectors > s->cpus || v->reason == REASON_BUSY)
		spread_interrupts(x, f, v);
	if (v->reason != REASON_SOFTIRQ)
		return;
	if (c && c->known && c->combined < MIN(c->combined_max, x->o->b.cpus.n))
		more_queues(x, f, v);
	else if (s->vectors == 1 && !rps_is_on(x->o, v->link->ifindex))
		turn_on_rps(x, f, v);
}

static void raise_ring(struct exam *x, struct finding *f, const struct overflow *v)
{
	const struct nic_rings *ring = &v->nic->rings;
	const struct nic_channels *c = &v->nic->channels;
	uint32_t to = (uint32_t)MIN((uint64_t)ring->rx * 2, ring->rx_max);
	uint32_t queues = c->known ? MAX(c->combined + c->rx, 1) : 1;
	struct remedy *r;

	r = finding_remedy(f, "raise-rx-ring", REMEDY_ETHTOOL,
			   "a longer receive ring on %s: %u -> %u descriptors (of at most %u)",
			   v->link->name, ring->rx, to, ring->rx_max);
	remedy_why(r, "it holds a burst of %u packets; double it until the counter stands still",
		   ring->rx);
	remedy_card(x, r, v->link->name, CARD_RING_RX, ring->rx, to);
	remedy_cost(r, "up to %llu KiB of memory, and cache misses while it is full",
		    (unsigned long long)to * queues * BUFFER_BYTES / 1024);
	remedy_risk(r, "many drivers reset the link: packets are lost for some seconds");
}

static void ask_hypervisor(struct finding *f, const struct overflow *v)
{
	struct remedy *r = finding_remedy(f, "hypervisor-queue", REMEDY_CAPACITY,
					  "more queues or a longer one for %s, on the hypervisor",
					  v->link->name);

	if (v->nic->rings.known)
		remedy_why(r, "the ring of %u descriptors is all that it offers to this machine",
			   v->nic->rings.rx);
	else
		remedy_why(r, "how long the ring is, is the hypervisor's to say");
	if (strcmp(v->nic->driver, "virtio_net") == 0)
		remedy_command(r, "virsh edit DOMAIN    <driver name='vhost' queues='N' "
				  "rx_queue_size='1024'/>");
}

static void relieve_port(struct exam *x, struct finding *f, const struct overflow *v)
{
	struct remedy *r = finding_remedy(f, "relieve-card", REMEDY_CAPACITY,
					  "let %s move its data faster, or stop the sender in time",
					  v->link->name);

	remedy_why(r, "the card's own buffer was full while its rings had room: neither a longer "
		      "ring nor another CPU helps");
	remedy_command(r,
		       "lspci -vv -s %s | grep -E 'LnkCap|LnkSta'    a slower slot than the card?",
		       v->nic && v->nic->bus[0] ? v->nic->bus : "ADDRESS");
	if (v->nic && v->nic->pause.known && !v->nic->pause.tx) {
		remedy_card(x, r, v->link->name, CARD_PAUSE_TX, false, true);
		remedy_risk(r, "pause frames stop all that the switch sends to this host");
	}
}

static void ring_remedies(struct exam *x, struct finding *f, const struct overflow *v)
{
	if (v->reason == REASON_PORT) {
		relieve_port(x, f, v);
		return;
	}
	if (v->reason == REASON_SOFTIRQ || v->reason == REASON_BUSY)
		relieve_cpu(x, f, v);
	if (v->nic && v->nic->rings.known && v->nic->rings.rx &&
	    v->nic->rings.rx < v->nic->rings.rx_max)
		raise_ring(x, f, v);
	else if (is_paravirtual(v->nic))
		ask_hypervisor(f, v);
}

/* ---- the finding ---- */

static void say_why(struct finding *f, const struct overflow *v)
{
	const struct cpu_use *use = &v->service.use;

	switch (v->reason) {
	case REASON_PORT:
		finding_text(f,
			     "The buffer of the card itself was full: its data does not get into "
			     "memory fast enough. The rings had room.");
		break;
	case REASON_SOFTIRQ:
		finding_text(f,
			     "CPU %d empties the ring and is full of packets: softirq used %.0f %% "
			     "of it at its worst.",
			     v->service.cpu, use->softirq * 100);
		break;
	case REASON_BUSY:
		finding_text(
			f,
			"CPU %d should empty the ring and was kept busy by other work: %.0f %% "
			"of the time at its worst, softirq %.0f %%.",
			v->service.cpu, use->busy * 100, use->softirq * 100);
		break;
	case REASON_BURST:
		finding_text(f,
			     "CPU %d empties the ring and had time (busy %.0f %% at its worst): packets "
			     "came in bursts longer than the ring.",
			     v->service.cpu, use->busy * 100);
		break;
	case REASON_UNKNOWN:
		finding_text(
			f, "The host did not empty the receive ring in time; which CPU should, or "
			   "what it did meanwhile, is not known.");
		break;
	}
}

static struct overflow overflow_of(const struct observation *o, const struct link *link,
				   const struct card_sum *sum)
{
	struct overflow v = {.link = link, .nic = card_of(o, link), .lost = sum->lost};
	struct card_sum port;

	card_sum(o, link, 1U << NIC_PORT_BUFFER, &port);
	v.port = port.lost;
	card_sum_done(&port);
	v.passed = delta_value(delta_link(o, link, C_LINK_RX_PACKETS));
	card_service(o, link, &v.service);
	/* What the CPUs did on average since boot is no reason. */
	v.reason = o->since_boot && v.port <= v.lost / 2 ? REASON_UNKNOWN : reason_of(&v);
	return v;
}

static void add_card(struct exam *x, struct finding *f, const struct overflow *v,
		     const struct card_sum *sum)
{
	struct subject *s = finding_subject(f);
	char name[48];

	memcpy(s->device, v->link->name, sizeof(s->device));
	s->cpu = v->reason == REASON_PORT ? -1 : v->service.cpu;
	s->has_lost = true;
	s->lost = v->lost;
	card_evidence(x, f, sum);
	if (sum->of_port)
		f->confidence = LIKELY;
	if (v->nic && v->nic->rings.known) {
		snprintf(name, sizeof(name), "%s rx ring", v->link->name);
		evidence_value(f, x, "ethtool -g", name, v->nic->rings.rx);
		snprintf(name, sizeof(name), "%s rx ring at most", v->link->name);
		evidence_value(f, x, "ethtool -g", name, v->nic->rings.rx_max);
	}
	if (v->service.use.known)
		evidence_text(f, x,
			      "CPU %d serves %s: busy %.0f %%, softirq %.0f %% at worst, stolen %.0f %%",
			      v->service.cpu, v->link->name, v->service.use.busy * 100,
			      v->service.use.softirq * 100, v->service.use.steal * 100);
	vec_each (cpu, &x->o->b.cpus)
		if ((int)cpu->id == v->service.cpu)
			evidence_change(f, x, source_rows[SRC_SOFTNET].name, "softnet.time_squeeze",
					delta_cpu(x->o, cpu, C_SOFTNET_TIME_SQUEEZE));
}

static void finish(struct exam *x, struct finding *f, const struct overflow *worst, uint64_t lost,
		   uint64_t passed)
{
	struct card_sum wire;

	finding_lost(f, &lost, NULL, passed + lost);
	/* causes.md 17: any is a warning. */
	f->severity = MAX(severity_of_share(x, lost, f->of), SEVERITY_WARNING);
	finding_headline(f,
			 worst->reason == REASON_PORT
				 ? "the card's own buffer is full on %s%s"
				 : "the receive ring of %s%s has no free place",
			 worst->link->name, f->subjects.n > 1 ? " and others" : "");
	say_why(f, worst);
	card_sum(x->o, worst->link, 1U << NIC_WIRE | 1U << NIC_LENGTH, &wire);
	finding_exclude(f, "damaged frames (%llu on %s)", (unsigned long long)wire.lost,
			worst->link->name);
	card_sum_done(&wire);
	finding_exclude(f, "the CPU's backlog queue (softnet.dropped +%llu)",
			(unsigned long long)delta_value(delta_softnet(x->o, C_SOFTNET_DROPPED)));
	ring_remedies(x, f, worst);
}

/* Of every device: a virtual one has no ring, and none of these. */
static uint64_t missed_by_all(const struct observation *o)
{
	static const enum counter_id ids[] = {C_LINK_RX_MISSED_ERRORS, C_LINK_RX_FIFO_ERRORS,
					      C_LINK_RX_OVER_ERRORS};
	uint64_t sum = 0;

	vec_each(link, &o->b.links)
		for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
			sum += delta_value(delta_link(o, link, ids[i]));
	return sum;
}

/* Nothing lost: with the numbers that say so, unless they are not all there are. */
static enum outcome clear(struct exam *x, unsigned int cards)
{
	const struct nic_silent_row *silent = NULL;

	if (!cards) {
		evidence_text(NULL, x,
			      "no network card in this namespace; rx_missed_errors, rx_fifo_errors, "
			      "rx_over_errors of its %zu devices +%llu",
			      x->o->b.links.n, (unsigned long long)missed_by_all(x->o));
		return NOT_FOUND;
	}
	vec_each (link, &x->o->b.links)
		if (is_card(link)) {
			const struct nic *nic = card_of(x->o, link);
			char name[48];

			snprintf(name, sizeof(name), "%s rx_missed_errors", link->name);
			evidence_change(NULL, x, source_rows[SRC_LINK].name, name,
					delta_link(x->o, link, C_LINK_RX_MISSED_ERRORS));
			if (!silent && nic)
				silent = nic_silent(&x->o->b, nic);
		}
	if (silent)
		return not_examined_why(x, silent->why, silent->unlock);
	/* Some drivers tell it in counters of their own alone. */
	return observed(x->o, SRC_ETHTOOL) ? NOT_FOUND : not_examined_source(x, SRC_ETHTOOL);
}

enum outcome examine_ring_rx_overflow(struct exam *x)
{
	uint64_t lost = 0, passed = 0;
	struct overflow worst = {0};
	struct finding *f = NULL;
	unsigned int cards = 0;

	vec_each (link, &x->o->b.links) {
		struct card_sum sum;

		if (!is_card(link))
			continue;
		cards++;
		card_sum(x->o, link, ring_classes, &sum);
		if (sum.lost) {
			struct overflow v = overflow_of(x->o, link, &sum);

			f = f ? f : finding_new(x);
			add_card(x, f, &v, &sum);
			lost += v.lost;
			passed += v.passed;
			if (v.lost > worst.lost)
				worst = v;
		}
		card_sum_done(&sum);
	}
	if (!f)
		return clear(x, cards);
	finish(x, f, &worst, lost, passed);
	return FOUND;
}

/* ---- ring-below-max ---- */

/* A ring below its maximum is no fault: longer rings cost memory and cache. Only where it
 * overflowed it is worth a word. */
enum outcome examine_ring_below_max(struct exam *x)
{
	const struct finding *overflow = finding_here(x, "ring-rx-overflow");
	struct finding *f = NULL;

	vec_each (nic, &x->o->b.nics) {
		const struct link *link = snapshot_link(&x->o->b, nic->ifindex);
		struct subject *s;
		char name[48];

		if (!link || !nic->rings.known || !nic->rings.rx_max)
			continue;
		snprintf(name, sizeof(name), "%s rx ring", link->name);
		if (!names_device(overflow, link->name) ||
		    nic->rings.rx >= nic->rings.rx_max) {
			evidence_value(NULL, x, "ethtool -g", name, nic->rings.rx);
			continue;
		}
		if (!f) {
			f = finding_new(x);
			f->state = AT_RISK;
			finding_headline(f,
					 "the receive ring of %s has %u descriptors of at most %u",
					 link->name, nic->rings.rx, nic->rings.rx_max);
			finding_text(
				f,
				"It overflowed (ring-rx-overflow, which says what to do first): a "
				"longer ring rides out longer bursts, at the cost of memory "
				"and cache.");
			/* The other's finding may have moved. */
			overflow = finding_here(x, "ring-rx-overflow");
		}
		s = finding_subject(f);
		memcpy(s->device, link->name, sizeof(s->device));
		evidence_value(f, x, "ethtool -g", name, nic->rings.rx);
	}
	return f ? FOUND : NOT_FOUND;
}
