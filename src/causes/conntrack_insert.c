// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * New connections that could not be entered into the table: their hash chain is too long, or their
 * addresses and ports are taken already.
 */
#include <stdio.h>

#include "causes/conntrack.h"
#include "causes/enter.h"
#include "causes/fw_blame.h"

#define LONG_CHAIN 2 /* entries for each bucket */
#define EXPECTATION_BYTES 232 /* slab object nf_conntrack_expect of 6.18 */

static const char *share_text(uint64_t part, uint64_t of, char *to, size_t size)
{
	snprintf(to, size, "%.1f", of ? (double)part / (double)of : 0.0);
	return to;
}

static void more_buckets(struct finding *f, uint64_t peak, int64_t buckets)
{
	int64_t to = (int64_t)next_power_of_two(MAX(peak, (uint64_t)buckets + 1));
	struct remedy *r;

	r = finding_remedy(f, "raise-nf-conntrack-buckets", REMEDY_SYSCTL,
			   "more hash buckets: nf_conntrack_buckets %lld -> %lld", (long long)buckets,
			   (long long)to);
	remedy_why(r, "%llu entries stood in %lld chains, each of them twice, once for each direction",
		   (unsigned long long)peak, (long long)buckets);
	remedy_cost(r, "%lld KiB of kernel memory more; host-wide: to be set in the host's own namespace",
		    (long long)((to - buckets) * 8 >> 10));
	remedy_risk(r, "the table is hashed anew: new connections wait for some milliseconds");
	remedy_sysctl(r, "net.netfilter.nf_conntrack_buckets", buckets, to);
	remedy_persist(r, "echo nf_conntrack > /etc/modules-load.d/nf_conntrack.conf");
}

/* Above about 50 to 80 entries (it varies, so that nobody learns it) a chain takes no more. */
enum outcome examine_conntrack_long_chains(struct exam *x)
{
	uint64_t lost = conntrack_lost(x->o).chains, peak = conntrack_peak(x->o), traced;
	int64_t buckets = 0;
	struct finding *f;
	char each[24];

	if (!conntrack_in_use(x))
		return NOT_FOUND;
	if (!sysctl_get(&x->o->b, K_CONNTRACK_BUCKETS, &buckets) || buckets <= 0)
		buckets = 0;
	share_text(peak, (uint64_t)buckets, each, sizeof(each));
	if (!lost && (!buckets || peak <= LONG_CHAIN * (uint64_t)buckets)) {
		evidence_counter(NULL, x, C_CT_CHAIN_TOO_LONG);
		if (buckets)
			evidence_text(NULL, x, "%llu entries for %lld buckets",
				      (unsigned long long)peak, (long long)buckets);
		return NOT_FOUND;
	}
	f = finding_new(x);
	traced = ledger_claim(x->ledger, &conntrack_drops, lost);
	finding_lost(f, &lost, tracing(x) ? &traced : NULL, MAX(lost, conntrack_passed(x->o)));
	if (!lost) {
		f->state = AT_RISK;
		f->severity = SEVERITY_INFO;
	} else {
		f->severity = severity_of_share(x, lost, f->of);
	}
	finding_headline(f, "%llu connections in %lld hash chains, %s for each%s",
			 (unsigned long long)peak, (long long)buckets, each,
			 lost ? ": new ones are refused" : "");
	finding_text(f, "The hash of the connection tracking table has too few buckets for its "
			"entries. Each packet walks a chain to find its own%s.",
		     lost ? ", and a chain that has become too long takes no new connection: its "
			    "first packet is dropped, though the table is not full"
			  : ", which costs CPU time; nothing is lost by it yet");
	finding_subject(f)->sysctl = xstrdup("net.netfilter.nf_conntrack_buckets");
	evidence_counter(f, x, C_CT_CHAIN_TOO_LONG);
	evidence_counter(f, x, C_CT_SEARCH_RESTART);
	evidence_value(f, x, "/proc/net/stat/nf_conntrack", "nf_conntrack.entries", peak);
	evidence_value(f, x, "/proc/sys/net", "net.netfilter.nf_conntrack_buckets", (uint64_t)buckets);
	if (lost) {
		evidence_traced(f, x, "NETFILTER_DROP at nf_hook_slow", traced);
		finding_flows(x, f, &conntrack_drops);
	}
	finding_exclude(f, "a full table (refused +%llu)",
			(unsigned long long)conntrack_lost(x->o).refused);
	if (buckets)
		more_buckets(f, peak, buckets);
	return FOUND;
}

/* ---- clashes ---- */

/* The first rule that writes source addresses anew; *ret_set: of which rule set. NULL: none. */
static const struct rule *source_nat(const struct exam *x, const struct ruleset **ret_set)
{
	const struct ruleset *sets[] = {&x->o->b.nft, &x->o->b.iptables};

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		vec_each(r, &sets[i]->rules)
			if (r->nat == NAT_SOURCE) {
				*ret_set = sets[i];
				return r;
			}
	return NULL;
}

/*
 * Looking for a free port the kernel meets taken ones, and counts each as `found`: as many as there
 * are ports, or some hundred. Two packets in a race were not in the table when they looked.
 */
static bool ports_taken(const struct exam *x, uint64_t clashed, uint64_t *ret_found)
{
	*ret_found = delta_value(delta_counter(x->o, C_CT_FOUND));
	return clashed && *ret_found >= clashed;
}

/* Where the packets that found no port wanted to go. */
static void whereto(const struct finding *f, char *to, size_t size)
{
	const struct drop_flow *first = f->flows.n ? f->flows.items : NULL;
	char address[64];

	to[0] = '\0';
	if (!first)
		return;
	address_text(first->family, first->destination, address, sizeof(address));
	if (first->destination_port)
		snprintf(to, size, " to %s port %u", address, first->destination_port);
	else
		snprintf(to, size, " to %s", address);
}

static void nat_remedies(struct exam *x, struct finding *f)
{
	int64_t established = 0;
	struct remedy *r;
	char enter[96];

	r = finding_remedy(f, "more-nat-addresses", REMEDY_NETFILTER,
			   "more ports or more source addresses for the NAT rule");
	remedy_why(r, "one source address has at most 64,512 ports for each destination address and "
		      "port; the rule may allow it fewer");
	remedy_risk(r, "the peers see the new addresses: they must be routed back here, and be allowed "
		       "there");
	r = finding_remedy(f, "shorten-nat-timeouts", REMEDY_SYSCTL,
			   "let go of ports sooner: shorter timeouts for what is over");
	remedy_why(r, "a port is taken for as long as its entry stands in the table; conntrack -L shows "
		      "the entries with the seconds they have left");
	entering(x, enter, sizeof(enter));
	remedy_command(r, "%ssysctl net.netfilter.nf_conntrack_tcp_timeout_time_wait "
			  "net.netfilter.nf_conntrack_udp_timeout "
			  "net.netfilter.nf_conntrack_udp_timeout_stream",
		       enter);
	if (sysctl_get(&x->o->b, K_CONNTRACK_TCP_ESTABLISHED, &established) && established > 86400) {
		remedy_command(r, "%ssysctl -w net.netfilter.nf_conntrack_tcp_timeout_established=86400",
			       enter);
		remedy_undo(r, "%ssysctl -w net.netfilter.nf_conntrack_tcp_timeout_established=%lld",
			    enter, (long long)established);
	}
	remedy_risk(r, "a connection idle for longer is cut");
}

/*
 * Every new connection to one destination fails, over and over, while the table has room: the kernel
 * takes the tuple anyway when it finds no free one, and the entry then meets the one it is taken by.
 */
enum outcome examine_nat_ports(struct exam *x)
{
	uint64_t lost = conntrack_lost(x->o).clashed, peak = conntrack_peak(x->o), found, traced;
	const struct ruleset *set = NULL;
	const struct rule *rule = source_nat(x, &set);
	struct subject *subject;
	char where[96];
	struct finding *f;

	if (!conntrack_in_use(x))
		return NOT_FOUND;
	if (!ports_taken(x, lost, &found) || !rule) {
		evidence_counter(NULL, x, C_CT_INSERT_FAILED);
		evidence_counter(NULL, x, C_CT_FOUND);
		if (!rule)
			evidence_text(NULL, x, "no rule is known that writes source addresses anew");
		return NOT_FOUND;
	}
	f = finding_new(x);
	traced = ledger_claim(x->ledger, &conntrack_drops, lost);
	finding_lost(f, &lost, tracing(x) ? &traced : NULL, MAX(lost, conntrack_passed(x->o)));
	f->severity = severity_of_share(x, lost, f->of);
	/* With a single port to choose from each failure meets one, which others may have met. */
	f->confidence = found >= 2 * lost ? LIKELY : POSSIBLE;
	finding_flows(x, f, &conntrack_drops);
	whereto(f, where, sizeof(where));
	finding_headline(f, "NAT finds no free port for new connections%s", where);
	finding_text(f, "Every port that the NAT rule may give to a connection%s is taken by another "
			"one. The first packet of each new connection is dropped; those that are "
			"tracked already go on.",
		     where);
	subject = fw_subject(f, set, rule);
	subject->has_lost = true;
	subject->lost = lost;
	subject->rule.how = "the first that writes source addresses anew";
	evidence_counter(f, x, C_CT_INSERT_FAILED);
	evidence_counter(f, x, C_CT_DROP);
	evidence_counter(f, x, C_CT_FOUND);
	evidence_value(f, x, "/proc/net/stat/nf_conntrack", "nf_conntrack.entries", peak);
	evidence_traced(f, x, "NETFILTER_DROP at nf_hook_slow", traced);
	finding_exclude(f, "a full table (refused +%llu)",
			(unsigned long long)conntrack_lost(x->o).refused);
	finding_exclude(f, "a race of two packets (it meets no taken ports: found +%llu)",
			(unsigned long long)found);
	nat_remedies(x, f);
	return FOUND;
}

static void race_remedies(struct finding *f, bool nat, bool dns)
{
	struct remedy *r;

	if (dns) {
		r = finding_remedy(f, "resolver-one-at-a-time", REMEDY_APPLICATION,
				   "let the resolver ask for A and AAAA by sockets of their own");
		remedy_why(r, "it sends both questions by one socket at once, and waits 5 s for the one "
			      "that was lost");
		remedy_command(r, "in /etc/resolv.conf of the clients: options single-request-reopen");
		remedy_risk(r, "names are looked up a little more slowly");
	}
	if (nat) {
		r = finding_remedy(f, "nat-fully-random", REMEDY_NETFILTER,
				   "pick NAT ports at random: masquerade fully-random, or "
				   "-j MASQUERADE --random-fully");
		remedy_why(r, "two packets that look for a port at once are then not given the same one");
		remedy_risk(r, "source ports are not kept, which some old protocols want");
	}
	r = finding_remedy(f, "do-not-track", REMEDY_NETFILTER,
			   "do not track what needs no state: a notrack rule for these datagrams");
	remedy_why(r, "what has no entry cannot lose a race for it");
	remedy_risk(r, "rules that go by the connection's state no longer match them, and NAT does not "
		       "reach them");
}

enum outcome examine_conntrack_race(struct exam *x)
{
	uint64_t lost = conntrack_lost(x->o).clashed, traced;
	const struct ruleset *set = NULL;
	bool dns = false, nat;
	struct finding *f;

	if (!conntrack_in_use(x))
		return NOT_FOUND;
	if (!lost || finding_here(x, "nat-port-exhaustion")) {
		evidence_counter(NULL, x, C_CT_INSERT_FAILED);
		evidence_counter(NULL, x, C_CT_CLASH_RESOLVE);
		return NOT_FOUND;
	}
	nat = source_nat(x, &set) != NULL;
	f = finding_new(x);
	traced = ledger_claim(x->ledger, &conntrack_drops, lost);
	finding_lost(f, &lost, tracing(x) ? &traced : NULL, MAX(lost, conntrack_passed(x->o)));
	f->severity = severity_of_share(x, lost, f->of);
	f->confidence = LIKELY;
	finding_flows(x, f, &conntrack_drops);
	vec_each(flow, &f->flows)
		dns |= flow->destination_port == 53;
	finding_headline(f, "%llu first packets met another of the same connection on another CPU",
			 (unsigned long long)lost);
	finding_text(f, "Two packets began one connection at the same time, each on a CPU of its own. "
			"Only one of them could be entered into the connection table; the kernel "
			"lost the other.%s",
		     dns ? " Among them are DNS questions: the resolver sends A and AAAA by one "
			   "socket, and waits 5 s for the lost one."
			 : "");
	evidence_counter(f, x, C_CT_INSERT_FAILED);
	evidence_counter(f, x, C_CT_DROP);
	evidence_counter(f, x, C_CT_CLASH_RESOLVE);
	evidence_traced(f, x, "NETFILTER_DROP at nf_hook_slow", traced);
	finding_exclude(f, "a NAT without free ports (found +%llu)",
			(unsigned long long)delta_value(delta_counter(x->o, C_CT_FOUND)));
	finding_exclude(f, "a full table (refused +%llu)",
			(unsigned long long)conntrack_lost(x->o).refused);
	race_remedies(f, nat, dns);
	return FOUND;
}

/* ---- what helpers expect ---- */

/*
 * Made and gone again are counted (nf_conntrack_expect.c), so the difference is what is there now;
 * both are 32 bits and begin with the namespace.
 */
static bool expected_now(const struct snapshot *s, uint64_t *ret)
{
	if (!s->counter_present[C_CT_EXPECT_CREATE] || !s->counter_present[C_CT_EXPECT_DELETE])
		return false;
	*ret = (s->counter[C_CT_EXPECT_CREATE] - s->counter[C_CT_EXPECT_DELETE]) & UINT32_MAX;
	return true;
}

static uint64_t expected_peak(const struct observation *o)
{
	uint64_t peak = 0, now;

	if (expected_now(&o->a, &now))
		peak = now;
	if (expected_now(&o->b, &now))
		peak = MAX(peak, now);
	vec_each(look, &o->looks)
		if (expected_now(look, &now))
			peak = MAX(peak, now);
	return peak;
}

static bool log_says_full(const struct exam *x)
{
	return observed(x->o, SRC_KERNEL_LOG) &&
	       kernel_log_count(&x->o->b, KERNEL_LOG_EXPECT_FULL, kernel_log_end(&x->o->a)) > 0;
}

/*
 * A helper that may expect no more drops the packet that announced the connection (net/netfilter/
 * nf_conntrack_ftp.c and its like); no counter says so. The log does, and it speaks of the whole
 * host: it is believed only where the namespace is at its limit.
 */
enum outcome examine_conntrack_expect(struct exam *x)
{
	uint64_t peak = expected_peak(x->o);
	enum severity severity;
	struct finding *f;
	struct remedy *r;
	int64_t max = 0, to;
	bool full;

	if (!conntrack_in_use(x))
		return NOT_FOUND;
	sysctl_get(&x->o->b, K_CONNTRACK_EXPECT_MAX, &max);
	if (max <= 0 || !severity_of_fill(x, peak, (uint64_t)max, &severity)) {
		evidence_text(NULL, x, "%llu of %lld expected connections at most",
			      (unsigned long long)peak, (long long)max);
		return NOT_FOUND;
	}
	full = peak >= (uint64_t)max && log_says_full(x);
	f = finding_new(x);
	f->state = full ? LOSING : AT_RISK;
	f->severity = severity;
	if (full && tracing(x)) {
		/* By elimination: every cause that counts what it drops there was asked before. */
		uint64_t rest = ledger_unclaimed(x->ledger, &conntrack_drops);

		f->confidence = LIKELY;
		rest = ledger_claim(x->ledger, &conntrack_drops, rest);
		finding_lost(f, NULL, &rest, MAX(rest, conntrack_passed(x->o)));
		finding_flows(x, f, &conntrack_drops);
	}
	finding_headline(f, "%llu of %lld expected connections, %.0f %%%s", (unsigned long long)peak,
			 (long long)max, 100 * (double)peak / (double)max,
			 full ? ": helpers drop what announces more" : "");
	finding_text(f, "Helpers of connection tracking (FTP, SIP) read in one connection which other "
			"one is to come, and expect it. At nf_conntrack_expect_max they expect no "
			"more, and drop the packet that announced it.");
	finding_subject(f)->sysctl = xstrdup("net.netfilter.nf_conntrack_expect_max");
	evidence_counter(f, x, C_CT_EXPECT_CREATE);
	evidence_counter(f, x, C_CT_EXPECT_DELETE);
	evidence_value(f, x, "/proc/sys/net", "net.netfilter.nf_conntrack_expect_max", (uint64_t)max);
	evidence_log(f, x, KERNEL_LOG_EXPECT_FULL);
	to = (int64_t)next_power_of_two(2 * MAX(peak, (uint64_t)max));
	r = finding_remedy(f, "raise-nf-conntrack-expect-max", REMEDY_SYSCTL,
			   "more expected connections: nf_conntrack_expect_max %lld -> %lld",
			   (long long)max, (long long)to);
	remedy_why(r, "%llu were expected at once", (unsigned long long)peak);
	remedy_cost(r, "up to %lld KiB of kernel memory more; host-wide: to be set in the host's own "
		       "namespace",
		    (long long)((to - max) * EXPECTATION_BYTES >> 10));
	remedy_risk(r, "each expectation is a hole in the firewall: look first who announces so many");
	remedy_sysctl(r, "net.netfilter.nf_conntrack_expect_max", max, to);
	return FOUND;
}
