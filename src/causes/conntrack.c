// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage conntrack: the table of tracked connections. */
#include <stdio.h>

#include "causes/conntrack.h"
#include "causes/enter.h"

#define ENTRY_BYTES 320 /* slab object of one connection, causes.md 1.11 */
#define FULL_SHARE 0.95
#define REFUSED_TIMES 7 /* count at most so many tables full of refused packets as demand */

static const char *const drop_reasons[] = {"NETFILTER_DROP", NULL};
static const char *const hook_symbols[] = {"nf_hook_slow", NULL};
const struct drop_filter conntrack_drops = {.reasons = drop_reasons, .symbols = hook_symbols};

bool conntrack_in_use(struct exam *x)
{
	if (x->o->b.source[SRC_CONNTRACK].status != SOURCE_UNUSED)
		return true;
	evidence_text(NULL, x, "connection tracking is not loaded");
	return false;
}

uint64_t conntrack_peak(const struct observation *o)
{
	uint64_t peak = MAX(o->a.counter[C_CT_ENTRIES], o->b.counter[C_CT_ENTRIES]);

	vec_each(look, &o->looks)
		peak = MAX(peak, look->counter[C_CT_ENTRIES]);
	return peak;
}

uint64_t conntrack_passed(const struct observation *o)
{
	return delta_value(delta_sum(o, C_IP_IN_RECEIVES, C_IP6_IN_RECEIVES)) +
	       delta_value(delta_sum(o, C_IP_OUT_REQUESTS, C_IP6_OUT_REQUESTS));
}

struct conntrack_lost conntrack_lost(const struct observation *o)
{
	uint64_t drop = delta_value(delta_counter(o, C_CT_DROP));
	uint64_t failed = delta_value(delta_counter(o, C_CT_INSERT_FAILED));
	struct conntrack_lost lost = {.chains = delta_value(delta_counter(o, C_CT_CHAIN_TOO_LONG))};

	failed -= MIN(failed, lost.chains);
	lost.clashed = MIN(drop, failed);
	lost.refused = drop - lost.clashed;
	return lost;
}

/* Fewer buckets than entries make long chains; more than enough are left as they are. */
static void conntrack_buckets(struct exam *x, struct remedy *r, int64_t to)
{
	int64_t buckets = 0;

	if (!sysctl_get(&x->o->b, K_CONNTRACK_BUCKETS, &buckets) || buckets >= to)
		return;
	remedy_command(r, "sysctl -w net.netfilter.nf_conntrack_buckets=%lld", (long long)to);
	remedy_undo(r, "sysctl -w net.netfilter.nf_conntrack_buckets=%lld", (long long)buckets);
}

/* A table that was full hides how many wanted in: each packet refused may have been a connection. */
static void conntrack_remedies(struct exam *x, struct finding *f, uint64_t peak, int64_t max)
{
	uint64_t wanted = peak + MIN(f->lost, peak * REFUSED_TIMES);
	int64_t to = (int64_t)next_power_of_two(MAX(2 * wanted, (uint64_t)max + 1)), established = 0;
	struct remedy *r;

	r = finding_remedy(f, "raise-nf-conntrack-max", REMEDY_SYSCTL,
			   "a larger table: nf_conntrack_max %lld -> %lld", (long long)max,
			   (long long)to);
	remedy_why(r,
		   "%llu of %lld entries were in use, and %llu packets of new connections refused",
		   (unsigned long long)peak, (long long)max, (unsigned long long)f->lost);
	remedy_cost(r, "up to %lld KiB of kernel memory more; host-wide: to be set in the host's own "
		       "namespace, and every namespace is held against the same number",
		    (long long)((to - max) * ENTRY_BYTES >> 10));
	remedy_risk(r, "if this is a flood the larger table fills as well: look at the flows first");
	remedy_sysctl(r, "net.netfilter.nf_conntrack_max", max, to);
	conntrack_buckets(x, r, to);
	remedy_persist(r, "echo nf_conntrack > /etc/modules-load.d/nf_conntrack.conf");

	if (!sysctl_get(&x->o->b, K_CONNTRACK_TCP_ESTABLISHED, &established) || established <= 86400)
		return;
	r = finding_remedy(f, "shorten-established-timeout", REMEDY_SYSCTL,
			   "forget idle TCP connections after a day instead of %lld hours",
			   (long long)established / 3600);
	remedy_why(r, "of use where old TCP connections fill the table: conntrack -L shows them with "
		      "the seconds they have left");
	remedy_risk(r, "connections idle for longer without keepalive are cut");
	remedy_sysctl_here(x, r, "net.netfilter.nf_conntrack_tcp_timeout_established", established,
			   86400);
}

enum outcome examine_conntrack_full(struct exam *x)
{
	struct conntrack_lost all = conntrack_lost(x->o);
	uint64_t lost = all.refused, peak = conntrack_peak(x->o), traced;
	int64_t max = 0;
	struct finding *f;

	if (!conntrack_in_use(x))
		return NOT_FOUND;
	sysctl_get(&x->o->b, K_CONNTRACK_MAX, &max);
	if (!lost || max <= 0 || (double)peak < FULL_SHARE * (double)max) {
		evidence_counter(NULL, x, C_CT_DROP);
		evidence_counter(NULL, x, C_CT_INSERT_FAILED);
		evidence_text(NULL, x, "%llu of %lld entries in use at most",
			      (unsigned long long)peak, (long long)max);
		return NOT_FOUND;
	}
	f = finding_new(x);
	traced = ledger_claim(x->ledger, &conntrack_drops, lost);
	finding_lost(f, &lost, tracing(x) ? &traced : NULL,
		     MAX(lost, conntrack_passed(x->o)));
	f->severity = SEVERITY_CRITICAL;
	finding_headline(f, "%llu of %lld tracked connections: new ones are refused",
			 (unsigned long long)peak, (long long)max);
	finding_text(f, "The connection tracking table is full. Packets of connections it knows "
			"pass, every new connection is dropped.");
	finding_subject(f)->sysctl = xstrdup("net.netfilter.nf_conntrack_max");
	evidence_counter(f, x, C_CT_DROP);
	evidence_counter(f, x, C_CT_EARLY_DROP);
	evidence_value(f, x, "/proc/net/stat/nf_conntrack", "nf_conntrack.entries", peak);
	evidence_value(f, x, "/proc/sys/net", "net.netfilter.nf_conntrack_max", (uint64_t)max);
	evidence_traced(f, x, "NETFILTER_DROP at nf_hook_slow", traced);
	evidence_log(f, x, KERNEL_LOG_CONNTRACK_FULL);
	finding_exclude(f, "insert races or NAT without free ports (insert_failed +%llu)",
			(unsigned long long)(all.clashed + all.chains));
	finding_flows(x, f, &conntrack_drops);
	crowd_tell_tracked(x, f);
	crowd_remedies(x, f);
	conntrack_remedies(x, f, peak, max);
	return FOUND;
}

/* "", or when the table is full if it goes on filling as it did between the two snapshots. */
static const char *time_to_full(const struct observation *o, uint64_t max, char *to, size_t size)
{
	uint64_t before = o->a.counter[C_CT_ENTRIES], now = o->b.counter[C_CT_ENTRIES];
	double minutes;

	to[0] = '\0';
	if (o->since_boot || now <= before || now >= max)
		return to;
	minutes = (double)(max - now) / per_second(o, now - before) / 60;
	if (minutes < 1)
		snprintf(to, size, "full in less than a minute at this rate");
	else if (minutes < 120)
		snprintf(to, size, "full in about %.0f minutes at this rate", minutes);
	else if (minutes < 48 * 60)
		snprintf(to, size, "full in about %.0f hours at this rate", minutes / 60);
	return to;
}

/*
 * Before a packet is refused the kernel looks for an entry to throw out: one that has seen no answer
 * yet, in eight chains (early_drop()). So the table is full, though nothing may be dropped yet.
 */
enum outcome examine_conntrack_early_drop(struct exam *x)
{
	struct change thrown = delta_counter(x->o, C_CT_EARLY_DROP);
	uint64_t peak = conntrack_peak(x->o);
	enum severity fill = SEVERITY_INFO;
	struct finding *f;
	int64_t max = 0;

	if (!conntrack_in_use(x))
		return NOT_FOUND;
	sysctl_get(&x->o->b, K_CONNTRACK_MAX, &max);
	if (!delta_value(thrown) || finding_here(x, "conntrack-table-full")) {
		evidence_counter(NULL, x, C_CT_EARLY_DROP);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	severity_of_fill(x, peak, (uint64_t)MAX(max, 0), &fill);
	f->severity = MAX(fill, SEVERITY_WARNING);
	finding_headline(f, "%llu connections were thrown out of the full table to make room",
			 (unsigned long long)thrown.delta);
	finding_text(f, "The connection tracking table is full. For each new connection the kernel "
			"throws out one that nobody has answered yet: its answer, when it comes, "
			"belongs to no connection. Once there is none to throw out, new "
			"connections are dropped.");
	finding_subject(f)->sysctl = xstrdup("net.netfilter.nf_conntrack_max");
	evidence_counter(f, x, C_CT_EARLY_DROP);
	evidence_counter(f, x, C_CT_DROP);
	evidence_value(f, x, "/proc/net/stat/nf_conntrack", "nf_conntrack.entries", peak);
	evidence_value(f, x, "/proc/sys/net", "net.netfilter.nf_conntrack_max", (uint64_t)max);
	finding_exclude(f, "refused for want of an entry to throw out (drop +%llu)",
			(unsigned long long)conntrack_lost(x->o).refused);
	conntrack_remedies(x, f, peak, max);
	return FOUND;
}

/* nf_conntrack_max is one number for the host; each namespace's own entries are held against it. */
enum outcome examine_conntrack_near_full(struct exam *x)
{
	uint64_t peak = conntrack_peak(x->o);
	enum severity severity;
	struct finding *f;
	int64_t max = 0;
	char when[64];

	if (!conntrack_in_use(x))
		return NOT_FOUND;
	sysctl_get(&x->o->b, K_CONNTRACK_MAX, &max);
	if (max <= 0 || finding_here(x, "conntrack-table-full") ||
	    finding_here(x, "conntrack-early-drop") ||
	    !severity_of_fill(x, peak, (uint64_t)max, &severity)) {
		evidence_text(NULL, x, "%llu of %lld entries in use at most",
			      (unsigned long long)peak, (long long)max);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->severity = severity;
	time_to_full(x->o, (uint64_t)max, when, sizeof(when));
	finding_headline(f, "%llu of %lld tracked connections, %.0f %%%s%s",
			 (unsigned long long)peak, (long long)max,
			 100 * (double)peak / (double)max, *when ? ": " : "", when);
	finding_text(f, "When the connection tracking table is full, packets of connections it knows "
			"pass, and every new connection is dropped.");
	finding_subject(f)->sysctl = xstrdup("net.netfilter.nf_conntrack_max");
	evidence_value(f, x, "/proc/net/stat/nf_conntrack", "nf_conntrack.entries", peak);
	evidence_value(f, x, "/proc/sys/net", "net.netfilter.nf_conntrack_max", (uint64_t)max);
	evidence_counter(f, x, C_CT_EARLY_DROP);
	finding_exclude(f, "full already (nf_conntrack.drop +%llu)",
			(unsigned long long)delta_value(delta_counter(x->o, C_CT_DROP)));
	crowd_tell_tracked(x, f);
	crowd_remedies(x, f);
	conntrack_remedies(x, f, peak, max);
	return FOUND;
}
