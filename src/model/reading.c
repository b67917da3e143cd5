// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/reading.h"

#include <stdio.h>

struct collect {
	const struct observation *o;
	struct readings *to;
};

static struct reading *add(struct collect *c, enum source source, enum stage stage,
			   struct change change, uint64_t after)
{
	struct reading *r = vec_push(&c->to->list);

	r->source = source;
	r->stage = stage;
	r->cpu = -1;
	r->change = change;
	r->change.after = after;
	return r;
}

static struct reading *add_row(struct collect *c, enum counter_id id, struct change change,
			       uint64_t after)
{
	const struct counter_row *row = &counter_rows[id];
	struct reading *r = add(c, row->source, row->stage, change, after);

	snprintf(r->name, sizeof(r->name), "%s", row->name);
	r->unit = row->unit;
	r->meaning = row->meaning;
	r->loss = row->loss;
	r->kind = row->kind;
	return r;
}

static void set_device(struct reading *r, const struct observation *o, unsigned int ifindex)
{
	const struct link *link = snapshot_link(&o->b, ifindex);

	if (link)
		memcpy(r->device, link->name, sizeof(r->device));
	else
		snprintf(r->device, sizeof(r->device), "if%u", ifindex);
}

/* ---- single numbers ---- */

static void add_counters(struct collect *c)
{
	for (enum counter_id id = 0; id < COUNTER_N; id++) {
		enum scope scope = counter_rows[id].scope;

		if ((scope == SCOPE_NETNS || scope == SCOPE_HOST) && c->o->b.counter_present[id])
			add_row(c, id, delta_counter(c->o, id), c->o->b.counter[id]);
	}
}

static enum stage stage_of_name(const char *name)
{
	static const struct {
		const char *prefix;
		enum stage stage;
	} prefixes[] = {{"Ip", STAGE_IP},   {"Icmp", STAGE_IP}, {"FRAG", STAGE_IP},
			{"Tcp", STAGE_TCP}, {"TCP", STAGE_TCP}, {"MPTcp", STAGE_TCP},
			{"Udp", STAGE_UDP}, {"UDP", STAGE_UDP}, {"sockets", STAGE_SOCKET}};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(name, prefixes[i].prefix, strlen(prefixes[i].prefix)) == 0)
			return prefixes[i].stage;
	return STAGE_OTHER;
}

static const struct unknown_counter *unknown_before(const struct observation *o,
						    const struct unknown_counter *after)
{
	vec_each(before, &o->a.unknown_counters)
		if (before->source == after->source && strcmp(before->name, after->name) == 0)
			return before;
	return NULL;
}

static void add_unknown(struct collect *c)
{
	vec_each(after, &c->o->b.unknown_counters) {
		const struct unknown_counter *before = unknown_before(c->o, after);
		struct change change = {0};
		struct reading *r;

		/* Those of sockstat and those below zero are no counters. */
		if (before || c->o->since_boot)
			change = change_of(before ? before->value : 0, after->value, 64);
		r = add(c, after->source, stage_of_name(after->name), change, after->value);
		r->negative = after->negative;
		if (after->source == SRC_SOCKSTAT || after->negative) {
			r->kind = KIND_GAUGE;
			r->change = (struct change){.known = change.known || change.reset,
						    .before = change.before,
						    .after = after->value};
		}
		snprintf(r->name, sizeof(r->name), "%s", after->name);
	}
}

/* ---- devices, their queues and their cards ---- */

static bool is_of_ring(enum counter_id id)
{
	return id == C_LINK_RX_MISSED_ERRORS || id == C_LINK_RX_FIFO_ERRORS ||
	       id == C_LINK_RX_OVER_ERRORS;
}

static void add_links(struct collect *c)
{
	vec_each(link, &c->o->b.links) {
		const struct nic *nic = snapshot_nic(&c->o->b, link->ifindex);
		const struct nic_silent_row *silent = nic ? nic_silent(&c->o->b, nic) : NULL;

		for (unsigned int i = 0; i < link->stats_n; i++) {
			enum counter_id id = LINK_FIRST + i;
			struct reading *r = add_row(c, id, delta_link(c->o, link, id),
						    link->stats[i]);

			set_device(r, c->o, link->ifindex);
			if (silent && is_of_ring(id) && !link->stats[i])
				r->unfilled = silent->why;
		}
	}
}

static const struct {
	enum counter_id id;
	size_t offset;
	bool wide;
} qdisc_columns[] = {
	{C_QDISC_SENT, offsetof(struct qdisc, packets), true},
	{C_QDISC_DROPS, offsetof(struct qdisc, drops), false},
	{C_QDISC_OVERLIMITS, offsetof(struct qdisc, overlimits), false},
	{C_QDISC_REQUEUES, offsetof(struct qdisc, requeues), false},
	{C_QDISC_QLEN, offsetof(struct qdisc, qlen), false},
	{C_QDISC_BACKLOG, offsetof(struct qdisc, backlog), false},
};

static uint64_t qdisc_value(const struct qdisc *q, size_t column)
{
	const char *at = (const char *)q + qdisc_columns[column].offset;
	uint64_t wide;
	uint32_t narrow;

	if (qdisc_columns[column].wide) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return narrow;
}

/* A number of two ends; a gauge has no difference. */
static struct change change_between(enum counter_id id, const uint64_t *before, uint64_t after,
				    bool since_boot)
{
	if (!before && !since_boot)
		return (struct change){0};
	if (counter_rows[id].kind != KIND_COUNTER)
		return (struct change){.known = true, .before = before ? *before : 0};
	return change_of(before ? *before : 0, after, counter_rows[id].width);
}

static void add_qdiscs(struct collect *c)
{
	vec_each(q, &c->o->b.qdiscs) {
		const struct qdisc *was = qdisc_before(c->o, q);

		for (size_t i = 0; i < ARRAY_SIZE(qdisc_columns); i++) {
			enum counter_id id = qdisc_columns[i].id;
			uint64_t before = was ? qdisc_value(was, i) : 0, after = qdisc_value(q, i);
			struct reading *r = add_row(c, id,
						    change_between(id, was ? &before : NULL, after,
								   c->o->since_boot),
						    after);

			set_device(r, c->o, q->ifindex);
			snprintf(r->where, sizeof(r->where), "%s %x:", q->kind, q->handle >> 16);
		}
	}
}

/* What the classes of nic.h say to people. */
static const struct {
	const char *meaning;
	enum stage stage;
	enum counter_loss loss;
} class_words[NIC_CLASS_N] = {
	[NIC_PLAIN] = {NULL, STAGE_RING, MEANS_},
	[NIC_HARMLESS] = {"no loss by itself", STAGE_RING, MEANS_BENIGN},
	[NIC_SUM] = {"losses of several kinds, each in a counter of its own too", STAGE_RING,
		     MEANS_LOSS},
	[NIC_RING] = {"no free receive descriptor: the host was too slow", STAGE_RING, MEANS_LOSS},
	[NIC_PORT_BUFFER] = {"the card's own buffer was full", STAGE_RING, MEANS_LOSS},
	[NIC_BUS] = {"the card had to wait for the bus (PCIe)", STAGE_RING, MEANS_SIGN},
	[NIC_WIRE] = {"damaged frames: cable, optic, port", STAGE_LINK, MEANS_LOSS},
	[NIC_SIGNAL] = {"symbols that were damaged, or no signal: cable, optic, port", STAGE_LINK,
			MEANS_SIGN},
	[NIC_LENGTH] = {"frames too long or too short", STAGE_LINK, MEANS_LOSS},
	[NIC_CSUM] = {"wrong checksum of IP, TCP or UDP; the kernel checks it again", STAGE_LINK,
		      MEANS_SIGN},
	[NIC_ALLOC] = {"a packet was lost for want of memory", STAGE_RING, MEANS_LOSS},
	[NIC_REFILL] = {"no memory for a buffer of the ring; it is asked for again", STAGE_RING,
			MEANS_PART},
	[NIC_FAULT] = {"an error of the card or of its driver", STAGE_LINK, MEANS_PART},
	[NIC_POLICY] = {"held or dropped by a limit of the provider or hypervisor", STAGE_LINK,
			MEANS_PART},
	[NIC_TX] = {"not sent", STAGE_RING, MEANS_LOSS},
	[NIC_COLLISION] = {"not sent: collisions, or the carrier went away", STAGE_LINK, MEANS_LOSS},
	[NIC_DOWN] = {"not sent: the link was down", STAGE_LINK, MEANS_LOSS},
	[NIC_STOP] = {"a transmit ring was full: its queue had to wait", STAGE_RING, MEANS_SIGN},
	[NIC_TIMEOUT] = {"a transmit ring was stuck, and reset with what was in it", STAGE_LINK,
			 MEANS_LOSS},
	[NIC_RESET] = {"the queue or device was reset, or the link went down", STAGE_RING,
		       MEANS_SIGN},
	[NIC_PAUSE] = {"flow control: one side asked the other to wait", STAGE_LINK, MEANS_SIGN},
};

static void set_class(struct reading *r, enum nic_class class)
{
	r->meaning = class_words[class].meaning;
	r->stage = class_words[class].stage;
	r->loss = class_words[class].loss;
}

static void add_nic(struct collect *c, const struct nic *nic)
{
	vec_each(stat, &nic->stats) {
		const struct nic_stat_row *row = nic_stat_row(nic->driver, stat->name);
		struct reading *r = add(c, SRC_ETHTOOL, STAGE_RING,
					delta_nic_stat(c->o, nic, stat), stat->value);

		set_class(r, row ? row->class : NIC_PLAIN);
		r->within = row ? row->within : NULL;
		snprintf(r->name, sizeof(r->name), "%s", stat->name);
		snprintf(r->where, sizeof(r->where), "ethtool -S");
		set_device(r, c->o, nic->ifindex);
	}
	for (size_t i = 0; i < NIC_GROUP_N; i++) {
		struct reading *r;

		if (!nic->group_present[i])
			continue;
		r = add(c, SRC_ETHTOOL, STAGE_LINK, delta_nic_group(c->o, nic, (enum nic_group_id)i),
			nic->group[i]);
		set_class(r, nic_group_rows[i].class);
		snprintf(r->name, sizeof(r->name), "%s", nic_group_rows[i].name);
		set_device(r, c->o, nic->ifindex);
	}
}

static void add_nic_queues(struct collect *c)
{
	vec_each(q, &c->o->b.nic_queues)
		for (size_t i = 0; i < NIC_QSTAT_N; i++) {
			struct reading *r;

			if (!q->present[i])
				continue;
			r = add(c, SRC_QSTATS, STAGE_RING,
				delta_nic_queue(c->o, q, (enum nic_qstat_id)i), q->value[i]);
			set_class(r, nic_qstat_rows[i].class);
			snprintf(r->name, sizeof(r->name), "%s", nic_qstat_rows[i].name);
			if (q->queue >= 0)
				snprintf(r->where, sizeof(r->where), "%s %d", q->tx ? "tx" : "rx",
					 q->queue);
			set_device(r, c->o, q->ifindex);
		}
}

/* ---- neighbour tables, firewall rules ---- */

static void add_neigh_tables(struct collect *c)
{
	vec_each(t, &c->o->b.neigh_tables) {
		const struct neigh_table *was = NULL;
		const struct {
			enum counter_id id;
			uint64_t before, after;
		} columns[] = {
			{C_NEIGH_RES_FAILED, 0, t->res_failed},
			{C_NEIGH_TABLE_FULLS, 0, t->table_fulls},
			{C_NEIGH_ENTRIES, 0, t->entries},
		};

		vec_each(before, &c->o->a.neigh_tables)
			if (before->family == t->family)
				was = before;
		for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
			uint64_t before = !was	 ? 0
					  : i == 0 ? was->res_failed
					  : i == 1 ? was->table_fulls
						   : was->entries;
			struct change change = change_between(columns[i].id, was ? &before : NULL,
							      columns[i].after, c->o->since_boot);
			struct reading *r = add_row(c, columns[i].id, change, columns[i].after);

			snprintf(r->where, sizeof(r->where), "%s",
				 t->family == 2 ? "arp_cache" : "ndisc_cache");
		}
	}
}

/* The same rule or policy earlier; NULL if the rules were loaded again meanwhile. */
static const uint64_t *rule_packets_before(const struct ruleset *a, const struct chain *chain,
					   const struct rule *rule)
{
	vec_each(was, &a->chains) {
		if (was->handle != chain->handle || was->table_handle != chain->table_handle ||
		    was->family != chain->family || strcmp(was->table, chain->table) != 0 ||
		    strcmp(was->name, chain->name) != 0)
			continue;
		if (!rule)
			return &was->packets;
		for (size_t i = 0; i < was->rules_n; i++) {
			const struct rule *r = &a->rules.items[was->rules_first + i];

			if (r->handle == rule->handle && r->verdict == rule->verdict)
				return &r->packets;
		}
	}
	return NULL;
}

static void add_rule(struct collect *c, const struct ruleset *a, const struct chain *chain,
		     const struct rule *rule, enum source source)
{
	uint64_t after = rule ? rule->packets : chain->packets;
	const uint64_t *before = rule_packets_before(a, chain, rule);
	enum rule_verdict verdict = rule ? rule->verdict : chain->policy;
	bool drops = verdict == VERDICT_DROP || verdict == VERDICT_REJECT;
	struct reading *r = add(c, source, STAGE_NETFILTER,
				before || c->o->since_boot
					? change_of(before ? *before : 0, after, 64)
					: (struct change){0},
				after);

	snprintf(r->name, sizeof(r->name), "%s", rule ? "rule.packets" : "policy.packets");
	if (rule)
		snprintf(r->where, sizeof(r->where), "%.20s %.30s %llu", chain->table, chain->name,
			 (unsigned long long)rule->handle);
	else
		snprintf(r->where, sizeof(r->where), "%.20s %.30s", chain->table, chain->name);
	r->unit = "packets";
	r->meaning = drops ? "packets that a rule or policy refused" : "packets that met a rule or policy";
	r->loss = drops ? MEANS_LOSS : MEANS_;
}

static void add_rules(struct collect *c, const struct ruleset *a, const struct ruleset *b,
		      enum source source)
{
	vec_each(chain, &b->chains) {
		for (size_t i = 0; i < chain->rules_n; i++) {
			const struct rule *rule = &b->rules.items[chain->rules_first + i];

			if (rule->counted)
				add_rule(c, a, chain, rule, source);
		}
		if (chain->base && chain->counted)
			add_rule(c, a, chain, NULL, source);
	}
}

/* ---- CPUs, interrupts, pressure ---- */

static const struct {
	const char *name, *meaning;
	size_t offset;
	enum counter_loss loss;
} cpu_columns[] = {
#define T(field, meaning_, ...)                                                                    \
	{"cpu." #field, meaning_, offsetof(struct cpu_times, field), MEANS_##__VA_ARGS__}
	T(user, "programs"),
	T(nice, "programs of low priority"),
	T(system, "the kernel, for programs"),
	T(idle, "nothing"),
	T(iowait, "nothing, while a task that last ran here waits for a disk"),
	T(irq, "interrupts"),
	T(softirq, "softirqs: received packets are handled here"),
	T(steal, "taken by the hypervisor for others", SIGN),
#undef T
};

static void add_cpu_times(struct collect *c, const struct cpu *cpu, const struct cpu *was)
{
	for (size_t i = 0; i < ARRAY_SIZE(cpu_columns); i++) {
		uint64_t before = 0, after;
		struct change change = {0};
		struct reading *r;

		memcpy(&after, (const char *)&cpu->times + cpu_columns[i].offset, sizeof(after));
		if (was && was->times_present)
			memcpy(&before, (const char *)&was->times + cpu_columns[i].offset,
			       sizeof(before));
		if ((was && was->times_present) || c->o->since_boot)
			change = change_of(before, after, 64);
		r = add(c, SRC_CPU, STAGE_HOST, change, after);
		snprintf(r->name, sizeof(r->name), "%s", cpu_columns[i].name);
		r->unit = "ticks";
		r->meaning = cpu_columns[i].meaning;
		r->loss = cpu_columns[i].loss;
		r->cpu = (int)cpu->id;
	}
}

static void add_cpus(struct collect *c)
{
	vec_each(cpu, &c->o->b.cpus) {
		const struct cpu *was = NULL;

		vec_each(before, &c->o->a.cpus)
			if (before->id == cpu->id)
				was = before;
		for (size_t i = 0; cpu->softnet_present && i < SOFTNET_STATS; i++) {
			enum counter_id id = (enum counter_id)(SOFTNET_FIRST + i);
			uint64_t before = was && was->softnet_present ? was->softnet[i] : 0;

			add_row(c, id,
				change_between(id, was && was->softnet_present ? &before : NULL,
					       cpu->softnet[i], c->o->since_boot),
				cpu->softnet[i])->cpu = (int)cpu->id;
		}
		for (size_t i = 0; cpu->softirqs_present && i < SOFTIRQ_STATS; i++) {
			enum counter_id id = (enum counter_id)(SOFTIRQ_FIRST + i);

			add_row(c, id, delta_softirq(c->o, cpu, id), cpu->softirqs[i])->cpu =
				(int)cpu->id;
		}
		if (cpu->times_present)
			add_cpu_times(c, cpu, was);
	}
}

static void add_interrupts(struct collect *c)
{
	vec_each(count, &c->o->b.interrupt_counts) {
		struct reading *r = add(c, SRC_INTERRUPTS, STAGE_HOST,
					delta_interrupt(c->o, count->number, count->cpu),
					count->count);

		snprintf(r->name, sizeof(r->name), "irq.%u", count->number);
		r->cpu = (int)count->cpu;
		r->unit = "events";
		r->meaning = "interrupts of a device";
		vec_each(i, &c->o->b.interrupts) {
			unsigned int ifindex = i->number == count->number
						       ? interrupt_ifindex(&c->o->b, i)
						       : 0;

			if (i->number == count->number)
				memcpy(r->where, i->name, sizeof(r->where));
			if (ifindex) {
				set_device(r, c->o, ifindex);
				r->stage = STAGE_NAPI;
			}
		}
	}
}

static void add_pressure(struct collect *c)
{
	static const char *const names[PRESSURE_N] = {
		[PRESSURE_CPU] = "cpu", [PRESSURE_MEMORY] = "memory", [PRESSURE_IO] = "io"};

	for (size_t i = 0; i < PRESSURE_N; i++) {
		const struct pressure *a = &c->o->a.pressure[i], *b = &c->o->b.pressure[i];

		for (int full = 0; b->known && full <= 1; full++) {
			uint64_t before = full ? a->full_us : a->some_us;
			uint64_t after = full ? b->full_us : b->some_us;
			struct change change = a->known || c->o->since_boot
						       ? change_of(before, after, 64)
						       : (struct change){0};
			struct reading *r = add(c, SRC_PRESSURE, STAGE_HOST, change, after);

			snprintf(r->name, sizeof(r->name), "pressure.%s.%s", names[i],
				 full ? "full" : "some");
			r->unit = "us";
			r->meaning = full ? "time in which no task could go on for want of it"
					  : "time in which some task could not go on for want of it";
			r->loss = MEANS_SIGN;
		}
	}
}

/* ---- all of it ---- */

/* By stage, else as they came: an insertion of whole stages. */
static void sort_by_stage(struct readings *r)
{
	struct readings sorted = {0};

	for (enum stage stage = 0; stage < STAGE_N; stage++)
		vec_each(reading, &r->list)
			if (reading->stage == stage)
				*vec_push(&sorted.list) = *reading;
	readings_done(r);
	*r = sorted;
}

void readings_collect(const struct observation *o, struct readings *ret)
{
	struct collect c = {.o = o, .to = ret};

	add_links(&c);
	vec_each(nic, &o->b.nics)
		add_nic(&c, nic);
	add_nic_queues(&c);
	add_cpus(&c);
	add_interrupts(&c);
	add_qdiscs(&c);
	add_rules(&c, &o->a.nft, &o->b.nft, SRC_NFT);
	add_rules(&c, &o->a.iptables, &o->b.iptables, SRC_IPTABLES);
	add_counters(&c);
	add_neigh_tables(&c);
	add_unknown(&c);
	add_pressure(&c);
	sort_by_stage(ret);
}

void readings_done(struct readings *r)
{
	vec_done(&r->list);
}

bool reading_moved(const struct reading *r)
{
	if (r->kind != KIND_COUNTER)
		return r->kind == KIND_GAUGE && r->change.after != 0;
	return r->change.delta != 0 || r->change.reset;
}

const char *reading_loss_name(const struct reading *r)
{
	static const char *const names[] = {[MEANS_] = "plain",
					    [MEANS_LOSS] = "loss",
					    [MEANS_PART] = "part",
					    [MEANS_SIGN] = "sign",
					    [MEANS_BENIGN] = "benign"};

	return r->meaning ? names[r->loss] : "unknown";
}
