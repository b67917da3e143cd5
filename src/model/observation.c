// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/observation.h"

#include <netinet/in.h>

void observation_done(struct observation *o)
{
	snapshot_done(&o->a);
	snapshot_done(&o->b);
	vec_each(look, &o->looks)
		snapshot_done(look);
	vec_done(&o->looks);
	vec_done(&o->rates);
	vec_done(&o->bursts);
}

bool observed(const struct observation *o, enum source source)
{
	return source_ok(&o->b, source) && (o->since_boot || source_ok(&o->a, source));
}

struct change change_of(uint64_t before, uint64_t after, unsigned int width)
{
	struct change c = {.before = before, .after = after, .known = true};
	uint64_t step;

	if (after >= before) {
		c.delta = after - before;
		return c;
	}
	/*
	 * Going back is a wrap if the step over the edge is short: less than half the range, from the
	 * last quarter of it. Anything else was a reset (driver reload, new namespace), from which no
	 * difference can be told. 64 bits do not wrap in the life of a host.
	 */
	step = width >= 64 ? UINT64_MAX : ((uint64_t)1 << width) - before + after;
	if (width < 64 && before >> (width - 2) == 3 && step < (uint64_t)1 << (width - 1)) {
		c.delta = step;
		return c;
	}
	c.known = false;
	c.reset = true;
	return c;
}

struct change delta_counter(const struct observation *o, enum counter_id id)
{
	uint64_t before = o->a.counter[id];

	if (!o->b.counter_present[id] || (!o->a.counter_present[id] && !o->since_boot))
		return (struct change){0};
	if (counter_rows[id].kind != KIND_COUNTER)
		return (struct change){.known = true, .before = before, .after = o->b.counter[id]};
	return change_of(before, o->b.counter[id], counter_rows[id].width);
}

struct change delta_sum(const struct observation *o, enum counter_id one, enum counter_id other)
{
	struct change x = delta_counter(o, one), y = delta_counter(o, other);

	if (x.reset || y.reset)
		return (struct change){.reset = true};
	if (!x.known)
		return y;
	if (!y.known)
		return x;
	return (struct change){.known = true,
			       .before = x.before + y.before,
			       .after = x.after + y.after,
			       .delta = x.delta + y.delta};
}

uint64_t delta_value(struct change c)
{
	return c.known ? c.delta : 0;
}

struct change delta_link(const struct observation *o, const struct link *after, enum counter_id id)
{
	const struct link *before = snapshot_link(&o->a, after->ifindex);
	size_t column = id - LINK_FIRST;

	if (!observed(o, SRC_LINK) || column >= after->stats_n)
		return (struct change){0};
	if (!before && !o->since_boot)
		return (struct change){0};
	return change_of(before ? before->stats[column] : 0, after->stats[column], 64);
}

struct change delta_cpu(const struct observation *o, const struct cpu *after, enum counter_id id)
{
	size_t column = id - SOFTNET_FIRST;

	if (!observed(o, SRC_SOFTNET) || !after->softnet_present)
		return (struct change){0};
	if (o->since_boot)
		return change_of(0, after->softnet[column], 32);
	vec_each(before, &o->a.cpus)
		if (before->id == after->id && before->softnet_present)
			return change_of(before->softnet[column], after->softnet[column], 32);
	return (struct change){0};
}

struct change delta_softnet(const struct observation *o, enum counter_id id)
{
	struct change sum = {0};

	vec_each(cpu, &o->b.cpus) {
		struct change c = delta_cpu(o, cpu, id);

		/* A CPU that came online has no before: the others still count. */
		if (c.reset)
			return (struct change){.reset = true};
		if (!c.known)
			continue;
		sum.known = true;
		sum.before += c.before;
		sum.after += c.after;
		sum.delta += c.delta;
	}
	return sum;
}

struct change delta_softirq(const struct observation *o, const struct cpu *after, enum counter_id id)
{
	size_t column = id - SOFTIRQ_FIRST;

	if (!observed(o, SRC_SOFTIRQS) || !after->softirqs_present)
		return (struct change){0};
	if (o->since_boot)
		return change_of(0, after->softirqs[column], 32);
	vec_each(before, &o->a.cpus)
		if (before->id == after->id && before->softirqs_present)
			return change_of(before->softirqs[column], after->softirqs[column], 32);
	return (struct change){0};
}

static const struct cpu_times *times_of(const struct snapshot *s, unsigned int cpu)
{
	vec_each(c, &s->cpus)
		if (c->id == cpu && c->times_present)
			return &c->times;
	return NULL;
}

/* idle and iowait are known to go back by a tick or so. */
static uint64_t ticks_between(uint64_t before, uint64_t after)
{
	return after > before ? after - before : 0;
}

bool cpu_times_between(const struct snapshot *a, const struct snapshot *b, unsigned int cpu,
		       struct cpu_times *ret)
{
	const struct cpu_times *before = times_of(a, cpu), *after = times_of(b, cpu);

	if (!before || !after)
		return false;
	*ret = (struct cpu_times){
		.user = ticks_between(before->user, after->user),
		.nice = ticks_between(before->nice, after->nice),
		.system = ticks_between(before->system, after->system),
		.idle = ticks_between(before->idle, after->idle),
		.iowait = ticks_between(before->iowait, after->iowait),
		.irq = ticks_between(before->irq, after->irq),
		.softirq = ticks_between(before->softirq, after->softirq),
		.steal = ticks_between(before->steal, after->steal),
	};
	return true;
}

uint64_t cpu_times_sum(const struct cpu_times *t)
{
	return t->user + t->nice + t->system + t->idle + t->iowait + t->irq + t->softirq + t->steal;
}

struct change delta_interrupt(const struct observation *o, unsigned int number, unsigned int cpu)
{
	if (!observed(o, SRC_INTERRUPTS))
		return (struct change){0};
	return change_of(interrupt_count(&o->a, number, cpu), interrupt_count(&o->b, number, cpu), 32);
}

const struct qdisc *qdisc_before(const struct observation *o, const struct qdisc *after)
{
	if (!observed(o, SRC_QDISC))
		return NULL;
	vec_each(before, &o->a.qdiscs)
		if (before->ifindex == after->ifindex && before->handle == after->handle &&
		    before->parent == after->parent && strcmp(before->kind, after->kind) == 0)
			return before;
	return NULL;
}

struct change delta_qdisc_drops(const struct observation *o, const struct qdisc *after)
{
	const struct qdisc *before = qdisc_before(o, after);

	if (!observed(o, SRC_QDISC) || (!before && !o->since_boot))
		return (struct change){0};
	return change_of(before ? before->drops : 0, after->drops, 32);
}

/* A 64-bit counter that may be kept in 32 bits: a wrap is a step of less than 1/256 of these. */
static struct change change_of_nic(uint64_t before, uint64_t after)
{
	struct change c = change_of(before, after, 32);

	if (before > UINT32_MAX || after >= before || c.delta >= UINT32_MAX / 256)
		return change_of(before, after, 64);
	return c;
}

static const struct nic *nic_before(const struct observation *o, const struct nic *after)
{
	const struct nic *before = snapshot_nic(&o->a, after->ifindex);

	return before && strcmp(before->driver, after->driver) == 0 ? before : NULL;
}

/* The same counter of the same device earlier: mostly in the same place. */
static const struct nic_stat *stat_before(const struct nic *before, const struct nic *nic,
					  const struct nic_stat *after)
{
	size_t at = (size_t)(after - nic->stats.items), nth = 0;

	if (before->stats.n == nic->stats.n &&
	    strcmp(before->stats.items[at].name, after->name) == 0)
		return &before->stats.items[at];
	for (size_t i = 0; i < at; i++)
		nth += strcmp(nic->stats.items[i].name, after->name) == 0;
	vec_each(stat, &before->stats)
		if (strcmp(stat->name, after->name) == 0 && nth-- == 0)
			return stat;
	return NULL;
}

struct change delta_nic_stat(const struct observation *o, const struct nic *nic,
			     const struct nic_stat *after)
{
	const struct nic *before = nic_before(o, nic);
	const struct nic_stat *was = before ? stat_before(before, nic, after) : NULL;

	if (!observed(o, SRC_ETHTOOL) || (!was && !o->since_boot))
		return (struct change){0};
	return change_of_nic(was ? was->value : 0, after->value);
}

struct change delta_nic_named(const struct observation *o, const struct nic *nic, const char *name)
{
	struct change sum = {0};

	vec_each(stat, &nic->stats) {
		struct change c;

		if (strcmp(stat->name, name) != 0)
			continue;
		c = delta_nic_stat(o, nic, stat);
		if (!c.known)
			return c;
		sum.known = true;
		sum.before += c.before;
		sum.after += c.after;
		sum.delta += c.delta;
	}
	return sum;
}

struct change delta_nic_group(const struct observation *o, const struct nic *nic,
			      enum nic_group_id id)
{
	const struct nic *before = nic_before(o, nic);
	bool was = before && before->group_present[id];

	if (!observed(o, SRC_ETHTOOL) || !nic->group_present[id] || (!was && !o->since_boot))
		return (struct change){0};
	return change_of_nic(was ? before->group[id] : 0, nic->group[id]);
}

struct change delta_nic_queue(const struct observation *o, const struct nic_queue *after,
			      enum nic_qstat_id id)
{
	if (!observed(o, SRC_QSTATS) || !after->present[id])
		return (struct change){0};
	if (o->since_boot)
		return change_of_nic(0, after->value[id]);
	vec_each(before, &o->a.nic_queues)
		if (before->ifindex == after->ifindex && before->tx == after->tx &&
		    before->queue == after->queue && before->present[id])
			return change_of_nic(before->value[id], after->value[id]);
	return (struct change){0};
}

/* One that was not kept at the beginning may have been there, with all that it counts. */
bool connection_is_new(const struct observation *o, const struct socket *after)
{
	return after->protocol != IPPROTO_TCP || after->state == STATE_LISTEN ||
	       (!o->a.tcp.counted_only && !o->a.tcp.cut_at);
}

const struct snapshot *connections_read(const struct observation *o)
{
	return o->b.tcp.as_before ? &o->a : &o->b;
}

struct change delta_socket_drops(const struct observation *o, const struct socket *after)
{
	const struct socket *before = snapshot_socket(&o->a, after->cookie);
	static const enum source sources[] = {[SOCKET_INET] = SRC_SOCKETS,
					      [SOCKET_RAW] = SRC_RAW_SOCKETS,
					      [SOCKET_PACKET] = SRC_PACKET_SOCKETS,
					      [SOCKET_NETLINK] = SRC_NETLINK_SOCKETS};

	if (!observed(o, sources[after->kind]))
		return (struct change){0};
	if (!before && after->kind == SOCKET_INET && !connection_is_new(o, after))
		return (struct change){0};
	return change_of(before ? before->drops : 0, after->drops, 32);
}

static void raise_peak(uint64_t amount, const struct rate *step, uint64_t *peak, uint32_t *at_ms)
{
	uint64_t rate = (uint64_t)((double)amount * 1e6 / step->span_us);

	if (rate <= *peak)
		return;
	*peak = rate;
	*at_ms = step->at_ms;
}

bool rate_peaks(const struct observation *o, unsigned int ifindex, struct rate_peak *ret_rx,
		struct rate_peak *ret_tx)
{
	struct rate_peak rx = {0}, tx = {0};
	bool known = false;

	vec_each(r, &o->rates) {
		if (r->ifindex != ifindex)
			continue;
		known = true;
		raise_peak(r->rx_bytes, r, &rx.bytes, &rx.bytes_at_ms);
		raise_peak(r->rx_packets, r, &rx.packets, &rx.packets_at_ms);
		raise_peak(r->tx_bytes, r, &tx.bytes, &tx.bytes_at_ms);
		raise_peak(r->tx_packets, r, &tx.packets, &tx.packets_at_ms);
	}
	if (known) {
		*ret_rx = rx;
		*ret_tx = tx;
	}
	return known;
}

double per_second(const struct observation *o, uint64_t count)
{
	return o->seconds > 0 ? (double)count / o->seconds : 0;
}
