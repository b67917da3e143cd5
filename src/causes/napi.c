// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage napi: packets between the driver and the stack. */
#include <stdio.h>

#include "causes/stages.h"

#define BACKLOG_CAP 65536 /* causes.md 1.11: beyond it latency is worse than loss */
#define BACKLOG_DEFAULT 1000
#define SOFTIRQ_SATURATED 0.8

static const char *const backlog_reasons[] = {"CPU_BACKLOG", NULL};
static const struct drop_filter backlog_drops = {.reasons = backlog_reasons};

/* Share of the interval that a CPU spent in softirq; 0 if unknown. */
static double softirq_share(const struct observation *o, const struct cpu *cpu)
{
	struct cpu_times t;
	uint64_t all;

	if (!cpu_times_between(&o->a, &o->b, cpu->id, &t))
		return 0;
	all = cpu_times_sum(&t);
	return all ? (double)t.softirq / (double)all : 0;
}

/*
 * softnet_stat counts for the whole host; whose packets they were is told by the trace, or else
 * bounded by what the devices of this namespace dropped.
 */
static bool backlog_counted(struct exam *x, uint64_t *ret)
{
	struct change softnet = delta_softnet(x->o, C_SOFTNET_DROPPED);
	uint64_t devices = 0;

	if (!softnet.known)
		return false;
	if (tracing(x)) {
		*ret = softnet.delta;
		return traced_elsewhere(x, &backlog_drops) == 0;
	}
	vec_each(link, &x->o->b.links)
		devices += delta_value(delta_link(x->o, link, C_LINK_RX_DROPPED));
	*ret = MIN(softnet.delta, devices);
	return true;
}

/* The CPUs that dropped; returns the busiest one's packets per second and softirq share. */
static double subject_cpus(struct exam *x, struct finding *f, double *ret_share)
{
	double busiest = 0;

	*ret_share = 0;
	vec_each(cpu, &x->o->b.cpus) {
		uint64_t lost = delta_value(delta_cpu(x->o, cpu, C_SOFTNET_DROPPED));
		uint64_t done = delta_value(delta_cpu(x->o, cpu, C_SOFTNET_PROCESSED));
		struct subject *s;

		if (!lost)
			continue;
		s = finding_subject(f);
		s->cpu = (int)cpu->id;
		s->has_lost = true;
		s->lost = lost;
		busiest = MAX(busiest, per_second(x->o, done + lost));
		*ret_share = MAX(*ret_share, softirq_share(x->o, cpu));
	}
	return busiest;
}

static void backlog_remedies(struct exam *x, struct finding *f, double pps, double share)
{
	struct remedy *r;
	int64_t now = 0, to;

	if (share >= SOFTIRQ_SATURATED) {
		r = finding_remedy(f, "spread-softirq", REMEDY_CAPACITY,
				   "spread the work: the CPU itself is the limit");
		remedy_why(r, "softirq uses %.0f %% of the dropping CPU; a longer queue only adds delay",
			   share * 100);
		remedy_command(r, "echo MASK > /sys/class/net/DEVICE/queues/rx-0/rps_cpus");
		remedy_cost(r, "inter-processor interrupts");
	}
	if (!sysctl_get(&x->o->b, K_NETDEV_MAX_BACKLOG, &now)) {
		/* Only the host's own namespace shows it. */
		r = finding_remedy(f, "raise-netdev-max-backlog", REMEDY_SYSCTL,
				   "a longer backlog queue: twice the netdev_max_backlog of the host");
		remedy_why(r, "it overflowed at %.0f packets/s on one CPU", pps);
		remedy_command(r, "sysctl net.core.netdev_max_backlog");
		remedy_command(r, "sysctl -w net.core.netdev_max_backlog=TWICE_THAT");
		remedy_cost(r, "more delay while it is full; host-wide: to be set in the host's own "
			       "namespace");
		return;
	}
	if (now >= BACKLOG_CAP)
		return;
	/* Twice as long, room for 10 ms of the busiest CPU's packets, and not below the default. */
	to = MAX(MAX(now * 2, (int64_t)(pps * 0.010)), BACKLOG_DEFAULT);
	to = MIN(to, BACKLOG_CAP);
	r = finding_remedy(f, "raise-netdev-max-backlog", REMEDY_SYSCTL,
			   "a longer backlog queue: netdev_max_backlog %lld -> %lld",
			   (long long)now, (long long)to);
	remedy_why(r, "the queue of %lld packets overflowed at %.0f packets/s on one CPU",
		   (long long)now, pps);
	remedy_cost(r, "up to %.1f ms more delay at that rate; host-wide",
		    pps > 0 ? (double)to / pps * 1000 : 0);
	remedy_risk(r, "none for what runs; it hides bursts, not a CPU that is too slow");
	remedy_sysctl(r, "net.core.netdev_max_backlog", now, to);
}

enum outcome examine_softnet_backlog(struct exam *x)
{
	uint64_t traced = ledger_traced(x->ledger, &backlog_drops), counted = 0;
	bool counted_known = backlog_counted(x, &counted);
	struct change processed = delta_softnet(x->o, C_SOFTNET_PROCESSED);
	uint64_t lost = tracing(x) ? traced : counted;
	struct change all_cpus = delta_softnet(x->o, C_SOFTNET_DROPPED);
	double pps, share;
	struct finding *f;

	if (!lost) {
		evidence_change(NULL, x, "/proc/net/softnet_stat", "softnet.dropped", all_cpus);
		evidence_traced(NULL, x, "CPU_BACKLOG", traced);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &backlog_drops, traced);
	finding_lost(f, counted_known ? &counted : NULL, tracing(x) ? &traced : NULL,
		     delta_value(processed) + lost);
	f->severity = severity_of_share(x, f->lost, f->of);
	subject_devices(x, f, &backlog_drops);
	pps = subject_cpus(x, f, &share);
	finding_headline(f, "packets of %s find the CPU's backlog queue full",
			 f->subjects.n && f->subjects.items[0].device[0]
				 ? f->subjects.items[0].device
				 : "a device");
	finding_text(f, "Packets of a loopback, veth or tunnel device, or handed on by RPS, wait in a "
			"queue per CPU (netdev_max_backlog). It was full.");
	evidence_change(f, x, "/proc/net/softnet_stat", "softnet.dropped", all_cpus);
	evidence_traced(f, x, "CPU_BACKLOG", traced);
	finding_exclude(f, "the RPS flow limit (flow_limit_count +%llu)",
			(unsigned long long)delta_value(delta_softnet(x->o, C_SOFTNET_FLOW_LIMIT)));
	finding_flows(x, f, &backlog_drops);
	backlog_remedies(x, f, pps, share);
	return FOUND;
}
