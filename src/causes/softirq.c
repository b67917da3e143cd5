// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage napi: a CPU that does nothing but take packets in, and why it is alone with that. Behind
 * drops of a CPU's backlog queue, or a reader who shares the CPU; else it is a note.
 */
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define SATURATED 0.80	/* causes.md 25 */
#define BUSY_ALONE 0.50 /* the same, where interrupts are all on one CPU */
#define ON_ONE_CPU 0.90 /* of a device's interrupts */
#define VECTOR_COUNTS 0.10
#define FEW_INTERRUPTS 100 /* a CPU that polls all the time is hardly interrupted */

/* How the interrupts of a device fell on the CPUs. */
struct spread {
	int cpu;	      /* that got most of them; -1 none */
	uint64_t all, on_cpu; /* in the sample */
	unsigned int vectors; /* that had a tenth of them at least */
	unsigned int number;  /* the one that had most */
	uint64_t of_number;
	char name[64];
};

/* What is known of a CPU full of softirq, and of the device that fills it. */
struct hog {
	int cpu;
	double share;
	const struct link *device; /* NULL unknown */
	struct spread spread;
};

struct numbers {
	VEC(unsigned int) list;
};

/* A full ring tells itself why its CPU did not empty it (ring.c). */
static bool lost_in_backlog(const struct finding *f)
{
	return strcmp(f->cause->id, "softnet-backlog-drop") == 0;
}

static void find_spread(const struct observation *o, unsigned int ifindex, struct spread *ret)
{
	struct numbers own = {0};
	struct spread s = {.cpu = -1};

	vec_each(i, &o->b.interrupts) {
		uint64_t n;

		if (interrupt_ifindex(&o->b, i) != ifindex)
			continue;
		n = interrupts_of(o, i->number, -1);
		*vec_push(&own.list) = i->number;
		s.all += n;
		if (n <= s.of_number)
			continue;
		s.of_number = n;
		s.number = i->number;
		memcpy(s.name, i->name, sizeof(s.name));
	}
	vec_each(c, &o->b.cpus) {
		uint64_t n = 0;

		vec_each(number, &own.list)
			n += interrupts_of(o, *number, (int)c->id);
		if (n > s.on_cpu) {
			s.on_cpu = n;
			s.cpu = (int)c->id;
		}
	}
	vec_each(number, &own.list)
		s.vectors += s.all && (double)interrupts_of(o, *number, -1) >=
					      VECTOR_COUNTS * (double)s.all;
	vec_done(&own.list);
	*ret = s;
}

/* Where its interrupts may go, for a CPU that polls and is hardly interrupted any more. */
static int only_effective_cpu(const struct snapshot *s, unsigned int ifindex, unsigned int *ret_n)
{
	int cpu = -1;

	*ret_n = 0;
	vec_each(i, &s->netdev_interrupts) {
		char *end;
		long one = strtol(i->effective, &end, 10);

		if (i->ifindex != ifindex)
			continue;
		if (end == i->effective || *end || (cpu >= 0 && one != cpu))
			return -1;
		cpu = (int)one;
		(*ret_n)++;
	}
	return cpu;
}

/* The device whose packets were lost most. */
static const struct link *device_of(const struct exam *x, const struct finding *f)
{
	const struct subject *most = NULL;

	vec_each(other, &f->subjects)
		if (other->device[0] && (!most || other->lost > most->lost))
			most = other;
	return most ? snapshot_link_named(&x->o->b, most->device) : NULL;
}

/* The CPU behind a subject of a loss, if it is full of softirq. */
static bool find_hog(const struct exam *x, const struct finding *f, const struct subject *s,
		     struct hog *ret)
{
	struct hog h = {.cpu = s->cpu};

	if (h.cpu < 0)
		return false;
	h.share = softirq_peak(x->o, (unsigned int)h.cpu);
	if (h.share < SATURATED)
		return false;
	h.device = device_of(x, f);
	if (h.device)
		find_spread(x->o, h.device->ifindex, &h.spread);
	*ret = h;
	return true;
}

/* One flow always goes to one CPU, whatever is set. */
static bool one_flow(const struct finding *f)
{
	return only_flow(f) != NULL;
}

/* The mask of a device's only receive queue; NULL if it has more or none that could be read. */
static const struct netdev_queue *only_rx_queue(const struct snapshot *s, unsigned int ifindex)
{
	const struct netdev_queues *d = snapshot_queues(s, ifindex);

	vec_each(q, &s->queues)
		if (d && d->rx == 1 && q->ifindex == ifindex && !q->tx && q->known)
			return q;
	return NULL;
}

static bool rps_off(const struct exam *x, const struct link *device)
{
	const struct netdev_queue *q =
		device ? only_rx_queue(&x->o->b, device->ifindex) : NULL;

	return q && strcmp(q->cpus, "0") == 0;
}

static bool imbalanced(const struct exam *x, const struct hog *h)
{
	const struct netdev_queues *d =
		h->device ? snapshot_queues(&x->o->b, h->device->ifindex) : NULL;
	unsigned int n = 0;

	if (!d || d->rx < 2)
		return false;
	if (h->spread.all < FEW_INTERRUPTS)
		return only_effective_cpu(&x->o->b, d->ifindex, &n) == h->cpu && n >= d->rx;
	return h->spread.vectors >= 2 && h->spread.cpu == h->cpu &&
	       (double)h->spread.on_cpu >= ON_ONE_CPU * (double)h->spread.all;
}

static bool room_beside(const struct exam *x, int cpu)
{
	struct free_cpus room;

	find_free_cpus(x->o, cpu, &room);
	return room.n > 0;
}

bool explains_rps_off(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct hog h;

	return lost_in_backlog(f) && find_hog(x, f, s, &h) && rps_off(x, h.device) && !one_flow(f) &&
	       room_beside(x, h.cpu);
}

bool explains_irq_imbalance(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct hog h;

	return lost_in_backlog(f) && find_hog(x, f, s, &h) && imbalanced(x, &h) &&
	       room_beside(x, h.cpu);
}

/* A reader that was on one CPU all the time, while softirqs had that CPU. */
static bool crowded_out(const struct exam *x, const struct subject *s, int *ret_cpu,
			double *ret_share)
{
	struct reader_watch w;
	struct cpu_times t;

	if (!s->has_process || s->process.threads > 1)
		return false;
	watch_reader(x->o, &s->socket, s->process.pid, &w);
	if (w.cpu < 0 || !cpus_while_losing(x->o, &s->socket, w.cpu, &t))
		return false;
	*ret_cpu = w.cpu;
	*ret_share = share_of(t.softirq, &t);
	return *ret_share >= SATURATED;
}

bool explains_softirq_hog(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct hog h;
	double share;
	int cpu;

	if (lost_in_backlog(f))
		return find_hog(x, f, s, &h);
	return full_queue_of_process(f, s) && crowded_out(x, s, &cpu, &share);
}

/* ---- words ---- */

static const char *vector_text(const struct spread *s, char *to, size_t size)
{
	if (s->of_number)
		snprintf(to, size, "interrupt %u (%s)", s->number, s->name);
	else
		snprintf(to, size, "its interrupts");
	return to;
}

static void evidence_cpu(struct finding *f, struct exam *x, int cpu, double share)
{
	vec_each(c, &x->o->b.cpus) {
		if (c->id != (unsigned int)cpu)
			continue;
		evidence_text(f, x, "/proc/stat: CPU %d spent %.0f %% of its time in softirqs at its worst",
			      cpu, share * 100);
		evidence_text(f, x, "/proc/softirqs: NET_RX +%llu, NET_TX +%llu on it",
			      (unsigned long long)delta_value(delta_softirq(x->o, c, C_SOFTIRQ_NET_RX)),
			      (unsigned long long)delta_value(delta_softirq(x->o, c, C_SOFTIRQ_NET_TX)));
		evidence_text(f, x, "/proc/net/softnet_stat: %.0f packets/s on it, time_squeeze +%llu",
			      per_second(x->o, delta_value(delta_cpu(x->o, c, C_SOFTNET_PROCESSED))),
			      (unsigned long long)delta_value(
				      delta_cpu(x->o, c, C_SOFTNET_TIME_SQUEEZE)));
	}
}

static void evidence_spread(struct finding *f, struct exam *x, const struct hog *h)
{
	char vector[96];

	if (h->spread.all)
		evidence_text(f, x, "/proc/interrupts: %llu of %llu of %s on CPU %d, most by %s",
			      (unsigned long long)h->spread.on_cpu,
			      (unsigned long long)h->spread.all, h->device->name, h->spread.cpu,
			      vector_text(&h->spread, vector, sizeof(vector)));
}

/* RPS spreads over the CPUs that have time left; the driver's own work stays where it is. */
static void rps_remedy(struct exam *x, struct finding *f, const struct hog *h)
{
	const struct netdev_queue *q = only_rx_queue(&x->o->b, h->device->ifindex);
	struct free_cpus room;
	char enter[96];
	struct remedy *r;

	find_free_cpus(x->o, h->cpu, &room);
	if (!q || !room.n || one_flow(f))
		return;
	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "rps", REMEDY_CAPACITY, "let CPU %s work on packets of %s too (RPS)",
			   room.list, h->device->name);
	remedy_why(r, "CPU %d is full, and CPU %s has more than half its time left", h->cpu, room.list);
	remedy_command(r, "%ssh -c 'echo %s > /sys/class/net/%s/queues/rx-0/rps_cpus'", enter,
		       room.mask, h->device->name);
	remedy_undo(r, "%ssh -c 'echo %s > /sys/class/net/%s/queues/rx-0/rps_cpus'", enter, q->cpus,
		    h->device->name);
	remedy_persist(r, "udev: ACTION==\"add\", SUBSYSTEM==\"net\", KERNEL==\"%s\", "
			  "ATTR{queues/rx-0/rps_cpus}=\"%s\"",
		       h->device->name, room.mask);
	remedy_change(r, "queue", q->cpus, room.mask, "%s:rx-0:rps_cpus", h->device->name);
	remedy_cost(r, "interrupts between CPUs; packets then wait in a backlog queue "
		       "(netdev_max_backlog)");
	remedy_risk(r, "none for what runs; one flow still goes to one CPU");
}

static void cheaper_remedy(struct finding *f, int cpu)
{
	struct remedy *r = finding_remedy(f, "cheaper-packets", REMEDY_CAPACITY,
					  "find what each packet costs on CPU %d", cpu);

	remedy_why(r, "long rule lists, connection tracking, captures and BPF programs run there, "
		      "packet by packet");
	remedy_command(r, "perf top -C %d", cpu);
	remedy_command(r, "nft list ruleset | wc -l; tc filter show dev DEVICE ingress; ss -0p");
}

/* The CPU itself and those with time left, near the device where that is known; which comes next. */
static unsigned int next_cpu(const struct exam *x, const struct hog *h,
			     const struct netdev_queues *d, unsigned int *at)
{
	unsigned int candidates[64], n = 0;
	struct cpu_times t;

	vec_each(c, &x->o->b.cpus)
		if (n < ARRAY_SIZE(candidates) && cpu_over(x->o, c->id, &t) &&
		    ((int)c->id == h->cpu || busy_share(&t) < BUSY_ALONE) &&
		    (!d->local_cpus[0] || cpu_in_list(d->local_cpus, c->id)))
			candidates[n++] = c->id;
	return n ? candidates[(*at)++ % n] : (unsigned int)h->cpu;
}

static void spread_remedies(struct exam *x, struct finding *f, const struct hog *h)
{
	const struct netdev_queues *d = snapshot_queues(&x->o->b, h->device->ifindex);
	struct remedy *r = finding_remedy(f, "spread-interrupts", REMEDY_CAPACITY,
					  "spread the interrupts of %s over CPUs", h->device->name);
	unsigned int at = 0, to;

	remedy_why(r, "all of them go to CPU %d, and others have more than half their time left",
		   h->cpu);
	vec_each(i, &x->o->b.interrupts) {
		if (interrupt_ifindex(&x->o->b, i) != d->ifindex || r->commands.n == 16 ||
		    (h->spread.all >= FEW_INTERRUPTS && !interrupts_of(x->o, i->number, -1)))
			continue;
		to = next_cpu(x, h, d, &at);
		remedy_command(r, "echo %u > /proc/irq/%u/smp_affinity_list", to, i->number);
		remedy_undo(r, "echo %d > /proc/irq/%u/smp_affinity_list", h->cpu, i->number);
		remedy_interrupt(x, r, i->number, to);
	}
	remedy_cost(r, "programs on those CPUs are interrupted instead");
	remedy_risk(r, "irqbalance, where it runs, moves them again");
	r = finding_remedy(f, "irqbalance", REMEDY_CAPACITY, "or let irqbalance do it");
	remedy_command(r, "systemctl start irqbalance");
	remedy_undo(r, "systemctl stop irqbalance");
	remedy_persist(r, "systemctl enable irqbalance");
	remedy_risk(r, "it moves what was pinned by hand");
}

/* ---- the three ---- */

static void describe_with(struct exam *x, struct finding *f, const struct hog *h)
{
	f->confidence = LIKELY;
	evidence_cpu(f, x, h->cpu, h->share);
	if (h->device)
		evidence_spread(f, x, h);
	finding_exclude(f, "a queue too short for a burst: the CPU had no time to empty it");
}

/* Of the subjects the one whose CPU is fullest. */
static bool worst_hog(const struct exam *x, const struct finding *f, struct hog *ret)
{
	bool found = false;
	struct hog h;

	vec_each(s, &f->subjects)
		if (find_hog(x, f, s, &h) && (!found || h.share > ret->share)) {
			*ret = h;
			found = true;
		}
	return found;
}

static void say_rps_off(struct exam *x, struct finding *f, const struct hog *h)
{
	finding_headline(f, "CPU %d alone takes in all packets of %s", h->cpu, h->device->name);
	finding_text(f, "The device has one receive queue and RPS is off, so one CPU does all the work "
			"for it, up to the sockets; it is full, and others are not.");
	describe_with(x, f, h);
	rps_remedy(x, f, h);
	cheaper_remedy(f, h->cpu);
}

void describe_rps_off(struct exam *x, struct finding *f)
{
	struct hog h;

	if (worst_hog(x, f, &h))
		say_rps_off(x, f, &h);
}

static void say_irq_imbalance(struct exam *x, struct finding *f, const struct hog *h)
{
	finding_headline(f, "all queues of %s interrupt CPU %d", h->device->name, h->cpu);
	finding_text(f, "The device spreads packets over several queues, but the interrupts of all of "
			"them go to one CPU; it has much more to do than others.");
	describe_with(x, f, h);
	spread_remedies(x, f, h);
	cheaper_remedy(f, h->cpu);
}

void describe_irq_imbalance(struct exam *x, struct finding *f)
{
	struct hog h;

	if (worst_hog(x, f, &h))
		say_irq_imbalance(x, f, &h);
}

/* Packets of this socket found it full because its reader never got to run. */
static void say_crowded_out(struct exam *x, struct finding *f, const struct subject *s, int cpu,
			    double share)
{
	struct free_cpus room;
	char who[64], where[80], why[WHY_SIZE], alone[16];
	struct remedy *r;
	bool pinned;

	snprintf(alone, sizeof(alone), "%d", cpu);
	pinned = strcmp(s->process.cpus_allowed, alone) == 0;
	finding_headline(f, pinned ? "%s, the reader of %s, is tied to CPU %d, which takes in the packets"
				   : "%s, the reader of %s, gets no time on CPU %d, which takes in the packets",
			 owner_text(s, who, sizeof(who)),
			 socket_text(&s->socket, where, sizeof(where)), cpu);
	finding_text(f, "Softirqs come before programs. They had the CPU that the program was on, so it "
			"did not get to read, and the queue filled.");
	f->confidence = LIKELY;
	evidence_cpu(f, x, cpu, share);
	if (pinned)
		evidence_text(f, x, "/proc/%d/status: it may run on CPU %d alone", s->process.pid, cpu);
	find_free_cpus(x->o, cpu, &room);
	softirq_why(x, f, cpu, NULL, why, sizeof(why));
	if (room.n) {
		r = finding_remedy(f, "move-reader", REMEDY_APPLICATION, "let process %d run on CPU %s",
				   s->process.pid, room.list);
		remedy_why(r, "CPU %d belongs to softirqs, and CPU %s has more than half its time left",
			   cpu, room.list);
		remedy_command(r, "taskset -pc %s %d", room.list, s->process.pid);
		if (s->process.cpus_allowed[0])
			remedy_undo(r, "taskset -pc %s %d", s->process.cpus_allowed,
				    s->process.pid);
		remedy_cost(r, "each packet moves from one CPU's cache to another's");
	}
	cheaper_remedy(f, cpu);
}

void describe_softirq_hog(struct exam *x, struct finding *f)
{
	char why[WHY_SIZE];
	double share = 0;
	int cpu = -1;
	struct hog h;

	if (!worst_hog(x, f, &h)) {
		vec_each(s, &f->subjects)
			if (cpu < 0 && crowded_out(x, s, &cpu, &share))
				say_crowded_out(x, f, s, cpu, share);
		return;
	}
	finding_text(f, "Taking in packets (softirq) uses all of one CPU; what it cannot get to is "
			"dropped before it.");
	describe_with(x, f, &h);
	softirq_why(x, f, h.cpu, h.device, why, sizeof(why));
	finding_headline(f, "CPU %d is full of packets%s%s%s", h.cpu, h.device ? " of " : "",
			 h.device ? h.device->name : "", why);
	if (!one_flow(f) && h.device && h.spread.all >= FEW_INTERRUPTS && h.spread.vectors == 1)
		evidence_text(f, x, "one queue has nearly all of it: a few large flows, which RSS does "
				    "not spread");
	if (h.device)
		rps_remedy(x, f, &h);
	cheaper_remedy(f, h.cpu);
}

/* ---- alone ---- */

static bool is_first(const struct exam *x)
{
	return x->o == x->d->observations.items;
}

/* A loss that was looked into already: a note would say again, or otherwise, why the CPU is full. */
static bool was_found(const struct exam *x, const char *id)
{
	return finding_here(x, id) != NULL;
}

static struct finding *note(struct exam *x, const struct hog *h)
{
	struct finding *f = finding_new(x);
	struct subject *s = finding_subject(f);

	f->state = AT_RISK;
	s->cpu = h->cpu;
	if (h->device)
		memcpy(s->device, h->device->name, sizeof(s->device));
	return f;
}

/* The device with more interrupts on its CPU than any other, of those that fit. */
static bool find_device(const struct exam *x, double least,
			bool (*fits)(const struct exam *x, const struct hog *h), struct hog *ret)
{
	bool found = false;

	vec_each(d, &x->o->b.netdev_queues) {
		struct hog h = {.device = snapshot_link(&x->o->b, d->ifindex)};

		if (!h.device || !d->parent[0]) /* software has no interrupts */
			continue;
		find_spread(x->o, d->ifindex, &h.spread);
		h.cpu = h.spread.cpu;
		if (h.cpu < 0 || (found && h.spread.on_cpu <= ret->spread.on_cpu))
			continue;
		h.share = softirq_peak(x->o, (unsigned int)h.cpu);
		if (h.share < least || !fits(x, &h) || !room_beside(x, h.cpu))
			continue;
		*ret = h;
		found = true;
	}
	return found;
}

static bool is_rps_off(const struct exam *x, const struct hog *h)
{
	return rps_off(x, h->device);
}

enum outcome examine_rps_off(struct exam *x)
{
	struct finding *f;
	struct hog h;

	if (was_found(x, "softirq-hog") || !find_device(x, SATURATED, is_rps_off, &h)) {
		evidence_text(NULL, x, "no CPU is full of packets of a device with one queue");
		return NOT_FOUND;
	}
	f = note(x, &h);
	say_rps_off(x, f, &h);
	return FOUND;
}

enum outcome examine_irq_imbalance(struct exam *x)
{
	struct finding *f;
	struct hog h;

	if (was_found(x, "softirq-hog") || !find_device(x, BUSY_ALONE, imbalanced, &h)) {
		evidence_text(NULL, x, "no device interrupts one busy CPU with all its queues");
		return NOT_FOUND;
	}
	f = note(x, &h);
	say_irq_imbalance(x, f, &h);
	return FOUND;
}

enum outcome examine_softirq_hog(struct exam *x)
{
	struct hog h = {.cpu = -1};
	char why[WHY_SIZE];
	struct finding *f;

	/* It is the machine's, and said already where the reason is known. */
	if (!is_first(x) || was_found(x, "rps-off-single-queue") || was_found(x, "irq-imbalance"))
		return NOT_FOUND;
	vec_each(c, &x->o->b.cpus) {
		double share = softirq_peak(x->o, c->id);

		if (share <= h.share)
			continue;
		h.share = share;
		h.cpu = (int)c->id;
	}
	if (h.share < SATURATED) {
		evidence_text(NULL, x, "/proc/stat: no CPU spent more than %.0f %% in softirqs",
			      h.share * 100);
		return NOT_FOUND;
	}
	f = note(x, &h);
	finding_text(f, "Taking in packets (softirq) uses all of one CPU.%s",
		     was_found(x, "ring-rx-overflow") ? "" : " No packet was seen to be lost by that.");
	evidence_cpu(f, x, h.cpu, h.share);
	softirq_why(x, f, h.cpu, NULL, why, sizeof(why));
	finding_headline(f, "CPU %d is full of packets%s", h.cpu, why);
	cheaper_remedy(f, h.cpu);
	return FOUND;
}
