// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage napi: packets between the driver and the stack. */
#include <stdio.h>

#include "causes/stages.h"

#define BACKLOG_CAP 65536 /* causes.md 1.11: beyond it latency is worse than loss */
#define BACKLOG_DEFAULT 1000
#define FULL_SHARE 0.95   /* of a CPU's time: programs and packets compete for it */
#define PACKETS_SHARE 0.5 /* mostly packets */

static const char *const backlog_reasons[] = {"CPU_BACKLOG", NULL};
static const struct drop_filter backlog_drops = {.reasons = backlog_reasons};

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
	/* The flow limit's are in the same column, and another cause's. */
	softnet.delta -= MIN(softnet.delta, delta_value(delta_softnet(x->o, C_SOFTNET_FLOW_LIMIT)));
	if (tracing(x)) {
		*ret = softnet.delta;
		return traced_elsewhere(x, &backlog_drops) == 0;
	}
	vec_each(link, &x->o->b.links)
		devices += delta_value(delta_link(x->o, link, C_LINK_RX_DROPPED));
	*ret = MIN(softnet.delta, devices);
	return true;
}

/* The CPUs that dropped; returns the busiest one's packets per second. */
static double subject_cpus(struct exam *x, struct finding *f)
{
	double busiest = 0;

	vec_each(cpu, &x->o->b.cpus) {
		uint64_t dropped = delta_value(delta_cpu(x->o, cpu, C_SOFTNET_DROPPED));
		uint64_t limited = delta_value(delta_cpu(x->o, cpu, C_SOFTNET_FLOW_LIMIT));
		uint64_t lost = dropped - MIN(dropped, limited);
		uint64_t done = delta_value(delta_cpu(x->o, cpu, C_SOFTNET_PROCESSED));
		struct subject *s;

		if (!lost)
			continue;
		s = finding_subject(f);
		s->cpu = (int)cpu->id;
		s->has_lost = true;
		s->lost = lost;
		busiest = MAX(busiest, per_second(x->o, done + lost));
	}
	return busiest;
}

/* Not full of packets alone (that is softirq-hog), but full: what else runs there costs packets. */
static void full_cpu(struct exam *x, struct finding *f)
{
	vec_each(s, &f->subjects) {
		double softirq = s->cpu < 0 ? 0 : softirq_peak(x->o, (unsigned int)s->cpu);
		double busy = s->cpu < 0 ? 0 : busy_peak(x->o, (unsigned int)s->cpu);
		struct remedy *r;

		if (busy < FULL_SHARE || softirq < PACKETS_SHARE)
			continue;
		evidence_text(f, x, "/proc/stat: CPU %d was %.0f %% busy at its worst, %.0f %% at most "
				    "with softirqs",
			      s->cpu, busy * 100, softirq * 100);
		r = finding_remedy(f, "free-the-cpu", REMEDY_CAPACITY,
				   "keep programs off CPU %d, which takes in the packets", s->cpu);
		remedy_why(r, "it is full; a queue in front of it only holds a burst");
		remedy_command(r, "ps -eLo psr,pcpu,pid,comm --sort=-pcpu | awk '$1 == %d' | head",
			       s->cpu);
		remedy_cost(r, "they share the other CPUs");
		return;
	}
}

static void backlog_remedies(struct exam *x, struct finding *f, double pps)
{
	struct remedy *r;
	int64_t now = 0, to;

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

/*
 * Since boot: the column is that of all namespaces, also of those long gone, and nothing kept whose
 * packets they were. It is told once, and as a note: it may be no loss of this namespace.
 */
static enum outcome somebodys_backlog(struct exam *x, struct change all_cpus)
{
	struct finding *f = finding_new(x);

	f->confidence = POSSIBLE;
	subject_cpus(x, f);
	finding_headline(f, "CPUs dropped %llu packets, of which namespace is not known",
			 (unsigned long long)all_cpus.delta);
	finding_text(f, "softnet_stat counts for the whole host. No device that is in this namespace "
			"now counted as many, so that most of them were another namespace's.");
	evidence_change(f, x, "/proc/net/softnet_stat", "softnet.dropped", all_cpus);
	return FOUND;
}

/* ---- the flow limit ---- */

static void limit_remedy(struct finding *f)
{
	struct remedy *r = finding_remedy(f, "faster-cpu", REMEDY_CAPACITY,
					  "make room on the CPU, or slow that flow down");

	remedy_why(r, "the limit is there so that one flow does not push out all others; without it the "
		      "queue overflows for everybody");
	r = finding_remedy(f, "no-flow-limit", REMEDY_SYSCTL,
			   "or switch the limit off, where that flow is what the host is there for");
	remedy_command(r, "sysctl net.core.flow_limit_cpu_bitmap");
	remedy_command(r, "sysctl -w net.core.flow_limit_cpu_bitmap=0");
	remedy_risk(r, "small flows then lose as well; host-wide");
}

/*
 * skb_flow_limit() (net/core/dev.c): while the backlog queue is more than half full, a flow that
 * made more than half of the last 256 packets is not let in. Each such packet counts as dropped,
 * too, and has the same drop reason. Off unless flow_limit_cpu_bitmap names the CPU.
 */
enum outcome examine_flow_limit(struct exam *x)
{
	struct change limited = delta_softnet(x->o, C_SOFTNET_FLOW_LIMIT);
	uint64_t traced = ledger_unclaimed(x->ledger, &backlog_drops);
	uint64_t lost = tracing(x) ? MIN(traced, delta_value(limited)) : delta_value(limited);
	bool ours = !tracing(x) || traced_elsewhere(x, &backlog_drops) == 0;
	struct finding *f;

	/* Since boot nothing tells whose they were. */
	if (!lost || x->o->since_boot) {
		evidence_change(NULL, x, source_rows[SRC_SOFTNET].name, "softnet.flow_limit", limited);
		return NOT_FOUND;
	}
	f = finding_new(x);
	finding_lost(f, ours ? &lost : NULL, tracing(x) ? &lost : NULL,
		     delta_value(delta_softnet(x->o, C_SOFTNET_PROCESSED)) + lost);
	f->severity = MIN(SEVERITY_WARNING, severity_of_share(x, f->lost, f->of));
	f->confidence = ours ? CERTAIN : POSSIBLE;
	finding_flows(x, f, &backlog_drops);
	ledger_claim(x->ledger, &backlog_drops, lost);
	vec_each(cpu, &x->o->b.cpus) {
		uint64_t n = delta_value(delta_cpu(x->o, cpu, C_SOFTNET_FLOW_LIMIT));
		struct subject *s = n ? finding_subject(f) : NULL;

		if (!s)
			continue;
		s->cpu = (int)cpu->id;
		s->has_lost = true;
		s->lost = n;
	}
	finding_headline(f, "the flow limit cuts back the largest flow on CPU %d",
			 f->subjects.n ? f->subjects.items[0].cpu : -1);
	finding_text(f, "The CPU's backlog queue was more than half full, and one flow made most of it. "
			"The kernel refuses that flow's packets, so that others still get through.");
	evidence_change(f, x, source_rows[SRC_SOFTNET].name, "softnet.flow_limit", limited);
	evidence_traced(f, x, "CPU_BACKLOG", traced);
	finding_exclude(f, "a full queue (softnet-backlog-drop): softnet.dropped +%llu in all",
			(unsigned long long)delta_value(delta_softnet(x->o, C_SOFTNET_DROPPED)));
	limit_remedy(f);
	return FOUND;
}

enum outcome examine_softnet_backlog(struct exam *x)
{
	uint64_t traced = ledger_unclaimed(x->ledger, &backlog_drops), counted = 0;
	bool counted_known = backlog_counted(x, &counted);
	struct change processed = delta_softnet(x->o, C_SOFTNET_PROCESSED);
	uint64_t lost = tracing(x) ? traced : counted;
	struct change all_cpus = delta_softnet(x->o, C_SOFTNET_DROPPED);
	double pps;
	struct finding *f;

	if (!lost && x->o->since_boot && delta_value(all_cpus) && x->o == x->d->observations.items)
		return somebodys_backlog(x, all_cpus);
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
	pps = subject_cpus(x, f);
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
	full_cpu(x, f);
	backlog_remedies(x, f, pps);
	return FOUND;
}
