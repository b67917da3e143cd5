// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/host_network.h"

#define CPUS_MAX 8192

struct host_irq_share host_irq_share(const struct snapshot *s, unsigned int ifindex)
{
	cleanup(cleanup_free) uint64_t *of = xcalloc(CPUS_MAX, sizeof(*of));
	struct host_irq_share ret = {0};

	vec_each(i, &s->interrupts) {
		if (interrupt_ifindex(s, i) != ifindex)
			continue;
		ret.interrupts++;
		vec_each(c, &s->interrupt_counts)
			if (c->number == i->number && c->cpu < CPUS_MAX)
				of[c->cpu] += c->count;
	}
	for (unsigned int cpu = 0; cpu < CPUS_MAX; cpu++) {
		ret.cpus += of[cpu] > 0;
		ret.count += of[cpu];
		if (of[cpu] > ret.busiest_count) {
			ret.busiest = cpu;
			ret.busiest_count = of[cpu];
		}
	}
	return ret;
}

struct host_spread host_spread(const struct snapshot *s, unsigned int ifindex)
{
	const struct netdev_queues *d = snapshot_queues(s, ifindex);
	struct host_spread ret = {.rps = -1, .rfs = -1, .xps = -1};

	if (!d)
		return ret;
	ret.rx = d->rx;
	ret.tx = d->tx;
	vec_each(q, &s->queues) {
		bool set = q->known && strcmp(q->cpus, "0") != 0;
		int *count = q->tx ? &ret.xps : &ret.rps;

		if (q->ifindex != ifindex || !q->known)
			continue;
		*count = MAX(*count, 0) + set;
		if (!q->tx)
			ret.rfs = MAX(ret.rfs, 0) + (q->flows > 0);
	}
	return ret;
}
