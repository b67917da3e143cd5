// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage napi: what keeps a CPU from taking in packets in time: the hypervisor, a realtime program,
 * the budget of a softirq, or a card that interrupts late. Behind drops of a ring or of a CPU's
 * backlog queue; else notes.
 */
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>

#include "causes/cards.h"
#include "causes/enter.h"
#include "causes/stages.h"

#define STOLEN 0.05	    /* causes.md 4.3 */
#define SQUEEZED 10	    /* causes.md 24: a second */
#define FULL_SHARE 0.95	    /* of a CPU's time */
#define BUSY_SHARE 0.8	    /* ring.c: less, and the CPU had time */
#define BUDGET_DEFAULT 300  /* net/core/dev.c */
#define BUDGET_MOST 2400
#define STARVED 0.20	    /* of the time: ksoftirqd was ready to run, and did not */

static bool is_ring(const struct finding *f)
{
	return strcmp((f->via ? f->via : f->cause)->id, "ring-rx-overflow") == 0;
}

static bool is_backlog(const struct finding *f)
{
	return strcmp((f->via ? f->via : f->cause)->id, "softnet-backlog-drop") == 0;
}

/* ---- cpu-steal-rx ---- */

static bool stolen_from(const struct exam *x, const struct subject *s, double *ret)
{
	struct cpu_times t;

	if (s->cpu < 0 || !cpu_over(x->o, (unsigned int)s->cpu, &t))
		return false;
	*ret = share_of(t.steal, &t);
	return *ret >= STOLEN;
}

bool explains_steal_rx(struct exam *x, const struct finding *f, const struct subject *s)
{
	double share;

	return is_ring(f) && !x->o->since_boot && stolen_from(x, s, &share);
}

void describe_steal_rx(struct exam *x, struct finding *f)
{
	const struct subject *s = first_of(f);
	struct remedy *r;
	double share = 0;

	stolen_from(x, s, &share);
	f->confidence = LIKELY;
	finding_headline(f, "the hypervisor took CPU %d while the ring of %s filled", s->cpu, s->device);
	finding_text(f, "CPU %d empties the receive ring of %s. This machine is a guest, and others had "
			"that CPU for %.0f %% of the time: its own load does not show it.",
		     s->cpu, s->device, share * 100);
	evidence_text(f, x, "/proc/stat: %.1f %% of CPU %d stolen", share * 100, s->cpu);
	finding_exclude(f, "a ring too short for a burst: nobody was there to empty it");
	r = finding_remedy(f, "less-steal", REMEDY_CAPACITY,
			   "a larger or a dedicated instance, or a quieter host for it");
	remedy_why(r, "the time was taken outside this machine: nothing in it gives it back");
	remedy_cost(r, "money");
}

/* ---- softirq-starved ---- */

/* How long a CPU's ksoftirqd had to wait in the sample, and the realtime program that ran then. */
struct starved {
	double waited, used;
	const struct cpu_task *by;
};

static bool is_realtime(const struct observation *o, const struct cpu_task *t)
{
	(void)o;
	return t->policy == SCHED_FIFO || t->policy == SCHED_RR || t->policy == SCHED_DEADLINE;
}

static bool find_starved(const struct observation *o, int cpu, struct starved *ret)
{
	struct starved s = {0};

	vec_each(t, &o->b.softirq_threads)
		vec_each(old, &o->a.softirq_threads)
			if ((int)t->cpu == cpu && old->cpu == t->cpu && old->pid == t->pid &&
			    t->waited_ns > old->waited_ns && o->seconds > 0)
				s.waited = (double)(t->waited_ns - old->waited_ns) / 1e9 / o->seconds;
	if (s.waited < STARVED)
		return false;
	s.by = busiest_task(o, cpu, is_realtime, &s.used);
	*ret = s;
	return s.by && s.used >= STARVED / 2;
}

bool explains_softirq_starved(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct starved starved;

	return (is_ring(f) || is_backlog(f)) && s->cpu >= 0 && find_starved(x->o, s->cpu, &starved);
}

void describe_softirq_starved(struct exam *x, struct finding *f)
{
	struct starved s = {0};
	struct free_cpus room;
	struct remedy *r;
	int cpu = -1;

	vec_each(subject, &f->subjects)
		if (cpu < 0 && subject->cpu >= 0 && find_starved(x->o, subject->cpu, &s))
			cpu = subject->cpu;
	if (cpu < 0)
		return;
	f->confidence = LIKELY;
	finding_headline(f, "%s (%d), a realtime program, keeps CPU %d from taking in packets", s.by->comm,
			 s.by->pid, cpu);
	finding_text(f, "When there is much to do, packets are taken in by a thread like others, "
			"ksoftirqd. A program with a realtime priority comes before it, for as long as it "
			"likes.");
	evidence_text(f, x, "ksoftirqd/%d was ready to run and had to wait for %.0f %% of the time", cpu,
		      s.waited * 100);
	evidence_text(f, x, "%s (%d) has policy %s, priority %u, and used %.0f %% of CPU %d", s.by->comm,
		      s.by->pid,
		      s.by->policy == SCHED_FIFO ? "SCHED_FIFO"
		      : s.by->policy == SCHED_RR ? "SCHED_RR"
						 : "SCHED_DEADLINE",
		      s.by->priority, s.used * 100, cpu);
	finding_exclude(f, "a queue too short for a burst: nobody came to empty it");
	find_free_cpus(x->o, cpu, &room);
	r = finding_remedy(f, "move-realtime", REMEDY_APPLICATION, "let %s run elsewhere, or with less right",
			   s.by->comm);
	remedy_why(r, "it and the packets want the same CPU");
	if (room.n)
		remedy_command(r, "taskset -pc %s %d", room.list, s.by->pid);
	remedy_command(r, "chrt -o -p 0 %d", s.by->pid);
	remedy_risk(r, "it has that priority for a reason: it may miss its own deadlines");
}

/* ---- softnet-time-squeeze ---- */

static double squeezes_of(const struct exam *x, int cpu)
{
	vec_each(c, &x->o->b.cpus)
		if ((int)c->id == cpu)
			return per_second(x->o, delta_value(delta_cpu(x->o, c, C_SOFTNET_TIME_SQUEEZE)));
	return 0;
}

/*
 * On a CPU that is full the softirq ends early all the time, and a larger budget gives it nothing:
 * that is no reason. It is where the budget was made smaller, or the CPU had time.
 */
static bool budget_matters(const struct exam *x, int cpu)
{
	int64_t budget = BUDGET_DEFAULT;

	sysctl_get(&x->o->b, K_NETDEV_BUDGET, &budget);
	return budget < BUDGET_DEFAULT || busy_peak(x->o, (unsigned int)cpu) < FULL_SHARE;
}

bool explains_time_squeeze(struct exam *x, const struct finding *f, const struct subject *s)
{
	return (is_ring(f) || is_backlog(f)) && s->cpu >= 0 && !x->o->since_boot &&
	       squeezes_of(x, s->cpu) >= SQUEEZED && budget_matters(x, s->cpu);
}

static void budget_remedy(struct exam *x, struct finding *f)
{
	int64_t budget, usecs, to;
	struct remedy *r;

	if (!sysctl_get(&x->o->b, K_NETDEV_BUDGET, &budget))
		return;
	to = budget < BUDGET_DEFAULT ? BUDGET_DEFAULT : budget * 2;
	if (to <= BUDGET_MOST) {
		r = finding_remedy(f, "raise-netdev-budget", REMEDY_SYSCTL,
				   "more packets at a time: netdev_budget %lld -> %lld", (long long)budget,
				   (long long)to);
		remedy_why(r, "%s", budget < BUDGET_DEFAULT
					    ? "it was made smaller than the kernel's own 300"
					    : "it ran out with packets left, and the CPU has time");
		remedy_cost(r, "programs on that CPU wait longer; host-wide");
		remedy_sysctl(r, "net.core.netdev_budget", budget, to);
	}
	if (!sysctl_get(&x->o->b, K_NETDEV_BUDGET_USECS, &usecs) || budget < BUDGET_DEFAULT)
		return;
	r = finding_remedy(f, "raise-netdev-budget-usecs", REMEDY_SYSCTL,
			   "and more time for them: netdev_budget_usecs %lld -> %lld", (long long)usecs,
			   (long long)usecs * 2);
	remedy_why(r, "whichever of the two ends first stops it");
	remedy_cost(r, "programs on that CPU wait longer; host-wide");
	remedy_sysctl(r, "net.core.netdev_budget_usecs", usecs, usecs * 2);
}

static void say_squeezed(struct exam *x, struct finding *f, int cpu)
{
	int64_t budget;

	finding_headline(f, "CPU %d stops taking in packets with more of them left", cpu);
	finding_text(f, "A softirq takes in so many packets (netdev_budget), for so long "
			"(netdev_budget_usecs); then other work comes first, and the rest waits.");
	evidence_text(f, x, "/proc/net/softnet_stat: time_squeeze %.0f times a second on CPU %d",
		      squeezes_of(x, cpu), cpu);
	if (sysctl_get(&x->o->b, K_NETDEV_BUDGET, &budget))
		evidence_value(f, x, "sysctl", "net.core.netdev_budget", (uint64_t)budget);
}

void describe_time_squeeze(struct exam *x, struct finding *f)
{
	int cpu = -1;

	vec_each(s, &f->subjects)
		if (s->cpu >= 0 && (cpu < 0 || squeezes_of(x, s->cpu) > squeezes_of(x, cpu)))
			cpu = s->cpu;
	f->confidence = LIKELY;
	say_squeezed(x, f, cpu);
	budget_remedy(x, f);
}

enum outcome examine_time_squeeze(struct exam *x)
{
	struct finding *f;
	int worst = -1;

	/* The machine's: told once. */
	if (x->o != x->d->observations.items || x->o->since_boot)
		return NOT_FOUND;
	vec_each(c, &x->o->b.cpus)
		if (worst < 0 || squeezes_of(x, (int)c->id) > squeezes_of(x, worst))
			worst = (int)c->id;
	if (worst < 0 || squeezes_of(x, worst) < SQUEEZED) {
		evidence_change(NULL, x, source_rows[SRC_SOFTNET].name, "softnet.time_squeeze",
				delta_softnet(x->o, C_SOFTNET_TIME_SQUEEZE));
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	finding_subject(f)->cpu = worst;
	say_squeezed(x, f, worst);
	evidence_text(f, x, "no packet was seen to be lost by that (0)");
	if (budget_matters(x, worst))
		budget_remedy(x, f);
	return FOUND;
}

/* ---- irq-coalescing ---- */

/* Packets that come to one ring between two interrupts, at the busiest tenth of a second. */
struct late {
	const struct nic *nic;
	uint64_t peak, packets; /* a second; of one ring, in rx_usecs */
	uint32_t queues;
};

static bool find_late(const struct exam *x, const struct link *link, struct late *ret)
{
	const struct nic *n = link ? snapshot_nic(&x->o->b, link->ifindex) : NULL;
	struct rate_peak rx, tx;
	struct late late = {.nic = n};

	if (!n || !n->coalesce.known || n->coalesce.adaptive || !n->coalesce.rx_usecs ||
	    !n->rings.known || !n->rings.rx || !rate_peaks(x->o, link->ifindex, &rx, &tx))
		return false;
	late.peak = rx.packets;
	late.queues = n->channels.known ? MAX(n->channels.combined + n->channels.rx, 1) : 1;
	late.packets = rx.packets / late.queues * n->coalesce.rx_usecs / 1000000;
	/* So many packets interrupt before the time is over. */
	if (n->coalesce.rx_frames)
		late.packets = MIN(late.packets, n->coalesce.rx_frames);
	*ret = late;
	return late.packets > n->rings.rx / 2;
}

static const struct link *link_of(const struct exam *x, const struct subject *s)
{
	return s->device[0] ? snapshot_link_named(&x->o->b, s->device) : NULL;
}

bool explains_irq_coalescing(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct late late;

	return is_ring(f) && !x->o->since_boot && find_late(x, link_of(x, s), &late) &&
	       (s->cpu < 0 || busy_peak(x->o, (unsigned int)s->cpu) < BUSY_SHARE);
}

static void say_late(struct exam *x, struct finding *f, const struct link *link,
		     const struct late *late)
{
	const struct nic_coalesce *c = &late->nic->coalesce;
	uint64_t of_one = MAX(late->peak / late->queues, 1);
	uint64_t to = MAX((uint64_t)late->nic->rings.rx * 1000000 / (2 * of_one), 1);
	struct remedy *r;
	char enter[96];

	finding_headline(f, "%s waits %u us before it interrupts, while its ring fills", link->name,
			 c->rx_usecs);
	finding_text(f, "A card collects packets for a while before it interrupts (rx-usecs). At the rates "
			"that were seen, more than half of the ring is full by then, and what comes until "
			"the CPU begins has little room.");
	evidence_text(f, x, "rx-usecs %u, at most %llu packets/s on %u queues: %llu packets for a ring of %u",
		      c->rx_usecs, (unsigned long long)late->peak, late->queues,
		      (unsigned long long)late->packets, late->nic->rings.rx);
	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "interrupt-sooner", REMEDY_ETHTOOL,
			   "let %s interrupt sooner: rx-usecs %u -> %llu, or adaptive", link->name,
			   c->rx_usecs, (unsigned long long)MIN(to, c->rx_usecs - 1));
	remedy_why(r, "half of the ring of %u at %llu packets/s lasts %llu us", late->nic->rings.rx,
		   (unsigned long long)of_one, (unsigned long long)to);
	remedy_command(r, "%sethtool -C %s rx-usecs %llu", enter, link->name,
		       (unsigned long long)MIN(to, c->rx_usecs - 1));
	remedy_undo(r, "%sethtool -C %s rx-usecs %u", enter, link->name, c->rx_usecs);
	remedy_change_number(r, "ethtool", c->rx_usecs, MIN(to, c->rx_usecs - 1),
			     "%s:coalesce.rx-usecs", link->name);
	remedy_cost(r, "more interrupts: CPU time");
	remedy_persist(r, "RxCoalesceSec=%lluus in the [Link] section of a systemd .link file",
		       (unsigned long long)MIN(to, c->rx_usecs - 1));
}

void describe_irq_coalescing(struct exam *x, struct finding *f)
{
	const struct link *link = link_of(x, first_of(f));
	struct late late;

	f->confidence = LIKELY;
	if (find_late(x, link, &late))
		say_late(x, f, link, &late);
}

enum outcome examine_irq_coalescing(struct exam *x)
{
	unsigned int known = 0;
	struct late late;

	vec_each(link, &x->o->b.links) {
		const struct nic *n = snapshot_nic(&x->o->b, link->ifindex);
		struct finding *f;

		known += n && n->coalesce.known;
		if (!find_late(x, link, &late))
			continue;
		f = finding_new(x);
		f->state = AT_RISK;
		memcpy(finding_subject(f)->device, link->name, sizeof(link->name));
		say_late(x, f, link, &late);
		return FOUND;
	}
	evidence_text(NULL, x, "%u cards tell their rx-usecs, and none fills half of its ring meanwhile",
		      known);
	return NOT_FOUND;
}
