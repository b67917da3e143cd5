// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "causes/cards.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "causes/stages.h"

#define EVIDENCE_MOST 6
#define OFTEN 10 /* a CPU serves a card if one of so many of its interrupts came there */

static const struct {
	enum counter_id id;
	enum nic_class class;
} fields[] = {
	{C_LINK_RX_MISSED_ERRORS, NIC_RING},   {C_LINK_RX_FIFO_ERRORS, NIC_RING},
	{C_LINK_RX_OVER_ERRORS, NIC_RING},     {C_LINK_RX_CRC_ERRORS, NIC_WIRE},
	{C_LINK_RX_LENGTH_ERRORS, NIC_LENGTH}, {C_LINK_RX_FRAME_ERRORS, NIC_LENGTH},
	{C_LINK_TX_FIFO_ERRORS, NIC_TX},
};

bool is_card(const struct link *link)
{
	return !link->kind[0] && !(link->flags & IFF_LOOPBACK);
}

const struct nic *card_of(const struct observation *o, const struct link *link)
{
	return snapshot_nic(&o->b, link->ifindex);
}

bool is_paravirtual(const struct nic *nic)
{
	static const char *const drivers[] = {"virtio_net", "vmxnet3", "hv_netvsc",
					      "ena",	    "gve",     "vif"};

	for (size_t i = 0; nic && i < ARRAY_SIZE(drivers); i++)
		if (strcmp(nic->driver, drivers[i]) == 0)
			return true;
	return false;
}

/* ---- one loss, many counters ---- */

#define NESTED_MOST 4 /* a queue's in the device's in the field's */

/* One counter, and the one that holds the same loss as well ("" none). */
struct bucket {
	char key[48], within[48];
	uint64_t own; /* as its source tells it; several sources may */
};
struct buckets {
	VEC(struct bucket) items;
};

static void bucket_add(struct buckets *b, const char *key, const char *within, uint64_t value)
{
	struct bucket *new;

	vec_each (known, &b->items)
		if (strcmp(known->key, key) == 0) {
			known->own = MAX(known->own, value);
			return;
		}
	new = vec_push(&b->items);
	snprintf(new->key, sizeof(new->key), "%s", key);
	if (within && strcmp(within, key) != 0)
		snprintf(new->within, sizeof(new->within), "%s", within);
	new->own = value;
}

static bool has_bucket(const struct buckets *b, const char *key)
{
	vec_each (known, &b->items)
		if (strcmp(known->key, key) == 0)
			return true;
	return false;
}

/* A counter is what it tells, or what its parts do if that is more: they may have been read later. */
static uint64_t bucket_value(const struct buckets *b, const char *key, int depth)
{
	uint64_t own = 0, parts = 0;

	vec_each (known, &b->items) {
		if (strcmp(known->key, key) == 0)
			own = known->own;
		else if (depth < NESTED_MOST && strcmp(known->within, key) == 0)
			parts += bucket_value(b, known->key, depth + 1);
	}
	return MAX(own, parts);
}

static bool has_parts(const struct buckets *b, const char *key)
{
	vec_each (known, &b->items)
		if (strcmp(known->within, key) == 0)
			return true;
	return false;
}

/*
 * Drivers use rx_over_errors for what others count as missed or fifo errors, and some for both at
 * once: of it, only what those do not hold, unless the driver's own counters tell them apart.
 */
static uint64_t buckets_sum(struct buckets *b)
{
	const char *over_key = counter_rows[C_LINK_RX_OVER_ERRORS].name;
	const char *fifo_key = counter_rows[C_LINK_RX_FIFO_ERRORS].name;
	const char *missed_key = counter_rows[C_LINK_RX_MISSED_ERRORS].name;
	uint64_t sum = 0, over = 0, same = 0;

	/* What is told by its parts alone counts as well; those are added at the end. */
	for (size_t i = 0; i < b->items.n; i++) {
		const char *within = b->items.items[i].within;

		if (*within && !has_bucket(b, within))
			bucket_add(b, within, NULL, 0);
	}
	vec_each (item, &b->items) {
		uint64_t value = bucket_value(b, item->key, 0);

		if (item->within[0])
			continue;
		sum += value;
		if (strcmp(item->key, over_key) == 0 && !has_parts(b, over_key))
			over = value;
		if (strcmp(item->key, fifo_key) == 0 || strcmp(item->key, missed_key) == 0)
			same += value;
	}
	return sum - MIN(over, same);
}

static void add_part(struct card_sum *s, const char *source, const struct link *link,
		     const char *name, struct change c)
{
	struct card_part *part;

	s->reset |= c.reset;
	if (!c.delta)
		return;
	part = vec_push(&s->parts);
	part->source = source;
	snprintf(part->name, sizeof(part->name), "%s %s", link->name, name);
	part->change = c;
}

static void add_fields(const struct observation *o, const struct link *link, unsigned int classes,
		       struct card_sum *s, struct buckets *b)
{
	const struct nic *nic = card_of(o, link);

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *name = counter_rows[fields[i].id].name;
		const struct nic_stat_row *row;
		struct change c;

		if (!(classes & 1U << fields[i].class))
			continue;
		c = delta_link(o, link, fields[i].id);
		/* What did not fit into a buffer is also counted as an overrun by some: that is of
		 * the frame, not of the ring. */
		if (fields[i].id == C_LINK_RX_OVER_ERRORS &&
		    delta_value(delta_link(o, link, C_LINK_RX_LENGTH_ERRORS)) >= delta_value(c))
			continue;
		add_part(s, source_rows[SRC_LINK].name, link, name, c);
		if (!delta_value(c))
			continue;
		row = nic ? nic_stat_row(nic->driver, name) : NULL;
		bucket_add(b, name, row ? row->within : NULL, c.delta);
	}
}

static void add_stats(const struct observation *o, const struct link *link, const struct nic *nic,
		      unsigned int classes, struct card_sum *s, struct buckets *b)
{
	vec_each (stat, &nic->stats) {
		struct change c = delta_nic_stat(o, nic, stat);
		const struct nic_stat_row *row;

		if (!c.delta && !c.reset)
			continue;
		row = nic_stat_row(nic->driver, stat->name);
		if (!row || !(classes & 1U << row->class))
			continue;
		/* What else moved, the device's own, was seen before. */
		if (row->scope != NIC_PORT)
			s->of_port = false;
		add_part(s, "ethtool -S", link, stat->name, c);
		/* All that have this name, as vmxnet3's queues do. */
		bucket_add(b, stat->name, row->within,
			   delta_value(delta_nic_named(o, nic, stat->name)));
	}
}

/* The standard groups: another view of the whole class. */
static uint64_t groups_sum(const struct observation *o, const struct link *link,
			   const struct nic *nic, unsigned int classes, struct card_sum *s)
{
	uint64_t sum = 0;

	for (enum nic_group_id i = 0; i < NIC_GROUP_N; i++) {
		struct change c;

		if (!(classes & 1U << nic_group_rows[i].class))
			continue;
		c = delta_nic_group(o, nic, i);
		add_part(s, "ethtool -S --all-groups", link, nic_group_rows[i].name, c);
		sum += delta_value(c);
	}
	return sum;
}

static uint64_t queues_sum(const struct observation *o, const struct link *link,
			   unsigned int classes, struct card_sum *s)
{
	uint64_t sum = 0;

	vec_each (q, &o->b.nic_queues) {
		if (q->ifindex != link->ifindex || q->tx)
			continue;
		for (enum nic_qstat_id i = 0; i < NIC_QSTAT_N; i++) {
			struct change c;
			char name[48];

			if (!(classes & 1U << nic_qstat_rows[i].class))
				continue;
			c = delta_nic_queue(o, q, i);
			if (q->queue < 0) {
				snprintf(name, sizeof(name), "%s", nic_qstat_rows[i].name);
				sum += delta_value(c);
			} else {
				snprintf(name, sizeof(name), "rx-%d %s", q->queue,
					 nic_qstat_rows[i].name);
			}
			add_part(s, source_rows[SRC_QSTATS].name, link, name, c);
		}
	}
	return sum;
}

void card_sum(const struct observation *o, const struct link *link, unsigned int classes,
	      struct card_sum *ret)
{
	const struct nic *nic = card_of(o, link);
	struct buckets b = {0};
	struct card_sum s = {0};

	add_fields(o, link, classes, &s, &b);
	s.of_port = !s.parts.n;
	if (nic)
		add_stats(o, link, nic, classes, &s, &b);
	s.of_port &= s.parts.n > 0;
	s.lost = buckets_sum(&b);
	if (nic)
		s.lost = MAX(s.lost, groups_sum(o, link, nic, classes, &s));
	s.lost = MAX(s.lost, queues_sum(o, link, classes, &s));
	vec_done(&b.items);
	*ret = s;
}

void card_sum_done(struct card_sum *s)
{
	vec_done(&s->parts);
}

void card_evidence(struct exam *x, struct finding *f, const struct card_sum *s)
{
	size_t told = 0;

	/* In the order of the sources: the kernel's own fields first. */
	vec_each (part, &s->parts) {
		if (told++ == EVIDENCE_MOST)
			break;
		evidence_change(f, x, part->source, part->name, part->change);
	}
}

bool names_device(const struct finding *f, const char *device)
{
	for (size_t i = 0; f && i < f->subjects.n; i++)
		if (strcmp(f->subjects.items[i].device, device) == 0)
			return true;
	return false;
}

/* ---- who serves the rings ---- */

/* A burst is short: of what the CPU did, the worst; of what was taken from it, all. */
static struct cpu_use cpu_use(const struct observation *o, unsigned int cpu)
{
	struct cpu_times t;

	if (!cpu_over(o, cpu, &t) || !cpu_times_sum(&t))
		return (struct cpu_use){0};
	return (struct cpu_use){.known = true,
				.busy = busy_peak(o, cpu),
				.softirq = softirq_peak(o, cpu),
				.steal = share_of(t.steal, &t)};
}

bool is_rx_vector(const struct snapshot *s, const struct interrupt *i, unsigned int ifindex)
{
	if (interrupt_ifindex(s, i) != ifindex)
		return false;
	/* "virtio2-output.0", "eth0-tx-1"; but "eth0-TxRx-1" is both. */
	return !strcasestr(i->name, "output") && !strcasestr(i->name, "config") &&
	       (!strcasestr(i->name, "tx") || strcasestr(i->name, "rx"));
}

/* Where an interrupt that did not come would go, if that is one CPU. */
static int effective_cpu(const struct snapshot *s, unsigned int number)
{
	uint64_t cpu;

	vec_each (n, &s->netdev_interrupts)
		if (n->number == number && parse_u64(span_of(n->effective), INT32_MAX, &cpu) == 0)
			return (int)cpu;
	return -1;
}

/* Interrupts of the device on one CPU during the interval. */
static uint64_t interrupts_on(const struct observation *o, unsigned int ifindex, unsigned int cpu)
{
	uint64_t sum = 0;

	vec_each (i, &o->b.interrupts)
		if (is_rx_vector(&o->b, i, ifindex))
			sum += interrupts_of(o, i->number, (int)cpu);
	return sum;
}

static void find_vectors(const struct observation *o, unsigned int ifindex, struct card_service *s)
{
	uint64_t most = 0;

	vec_each (i, &o->b.interrupts) {
		uint64_t came;

		if (!is_rx_vector(&o->b, i, ifindex))
			continue;
		s->vectors++;
		came = interrupts_of(o, i->number, -1);
		if (!s->vector || came > most) {
			s->vector = i->number;
			most = came;
		}
	}
}

static void find_idle(const struct observation *o, unsigned int ifindex, struct card_service *s)
{
	const struct netdev_queues *queues = snapshot_queues(&o->b, ifindex);
	bool best_near = false;
	double best = 0;

	vec_each (cpu, &o->b.cpus) {
		double idle;
		bool near = !queues || !queues->local_cpus[0] ||
			    cpu_in_list(queues->local_cpus, cpu->id);

		if ((int)cpu->id == s->cpu || !cpu_has_time(o, cpu->id, &idle))
			continue;
		s->idle_cpus++;
		if (s->idle_cpu >= 0 &&
		    (near < best_near || (near == best_near && idle <= best)))
			continue;
		s->idle_cpu = (int)cpu->id;
		best = idle;
		best_near = near;
	}
}

void card_service(const struct observation *o, const struct link *link, struct card_service *ret)
{
	struct card_service s = {.cpu = -1, .idle_cpu = -1};
	uint64_t all = 0, most = 0;

	if (source_ok(&o->b, SRC_INTERRUPTS)) {
		find_vectors(o, link->ifindex, &s);
		vec_each (cpu, &o->b.cpus) {
			uint64_t came = interrupts_on(o, link->ifindex, cpu->id);

			all += came;
			if (came > most) {
				most = came;
				s.cpu = (int)cpu->id;
			}
		}
		vec_each (cpu, &o->b.cpus)
			s.cpus += all && interrupts_on(o, link->ifindex, cpu->id) * OFTEN >= all;
		if (s.cpu < 0 && s.vector)
			s.cpu = effective_cpu(&o->b, s.vector);
		if (s.cpu >= 0 && !s.cpus)
			s.cpus = 1;
	}
	if (s.cpu >= 0)
		s.use = cpu_use(o, (unsigned int)s.cpu);
	find_idle(o, link->ifindex, &s);
	*ret = s;
}
