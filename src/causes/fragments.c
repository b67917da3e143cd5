// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage ip: fragments that never become a datagram again. ReasmFails counts them all: datagrams
 * whose time ran out (ReasmTimeout too), datagrams thrown away because their fragments overlap, and
 * single fragments that found the memory full, so these three are told apart before one is blamed.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define FAILS_SHARE 0.01 /* of the fragments received: from here on a warning (causes.md 84) */
#define MOSTLY_FAILS 0.50 /* more memory would only hold more of what never completes */
#define FRAGMENT_MEMORY 2304 /* truesize of a fragment of up to 1,500 bytes on 6.18, head included */
#define MEMORY_MAX (64 << 20) /* causes.md 1.11 */

static const char *const timeout_reasons[] = {"FRAG_REASM_TIMEOUT", "FRAG_TOO_FAR", NULL};
static const struct drop_filter timeout_drops = {.reasons = timeout_reasons};
/* The same before 6.12, and whatever else has no reason of its own. */
static const char *const no_reason[] = {"NOT_SPECIFIED", NULL};
static const char *const expire_places[] = {"ip_expire", "ip6_frag_expire",
					    "ip6frag_expire_frag_queue", "nf_ct_frag6_expire",
					    "inet_frag_rbtree_purge", NULL};
static const struct drop_filter old_timeout_drops = {.reasons = no_reason,
						     .symbols = expire_places};
static const char *const far_reasons[] = {"FRAG_TOO_FAR", NULL};
static const struct drop_filter far_drops = {.reasons = far_reasons};
static const char *const twice_reasons[] = {"DUP_FRAG", NULL};
static const struct drop_filter twice_drops = {.reasons = twice_reasons};
static const char *const refuse_places[] = {"ip_defrag", "ip_frag_queue", "ipv6_frag_rcv",
					    "ip6_frag_queue", NULL};
static const struct drop_filter refused_drops = {.reasons = no_reason, .symbols = refuse_places};

static const struct family {
	const char *name;
	enum counter_id reqds, fails, timeouts, memory;
	enum sysctl_id limit, time;
	const char *limit_key;
} families[] = {
	{"IPv4", C_IP_REASM_REQDS, C_IP_REASM_FAILS, C_IP_REASM_TIMEOUT, C_SOCKSTAT_FRAG_MEMORY,
	 K_IPFRAG_HIGH_THRESH, K_IPFRAG_TIME, "net.ipv4.ipfrag_high_thresh"},
	{"IPv6", C_IP6_REASM_REQDS, C_IP6_REASM_FAILS, C_IP6_REASM_TIMEOUT, C_SOCKSTAT_FRAG6_MEMORY,
	 K_IP6FRAG_HIGH_THRESH, K_IP6FRAG_TIME, "net.ipv6.ip6frag_high_thresh"},
};

/* What became of one family's fragments. */
struct split {
	const struct family *family;
	uint64_t reqds, fails;
	uint64_t incomplete, broken; /* datagrams */
	uint64_t refused;	     /* fragments */
	uint64_t peak;		     /* memory, bytes */
	int64_t limit;
	bool near, limit_known;
};

static uint64_t value(const struct exam *x, enum counter_id id)
{
	return delta_value(delta_counter(x->o, id));
}

static uint64_t gauge(const struct snapshot *s, enum counter_id id)
{
	return source_ok(s, SRC_SOCKSTAT) && s->counter_present[id] ? s->counter[id] : 0;
}

/* The memory is given back when the datagrams time out: the end alone does not tell. */
static void look_at_memory(const struct exam *x, struct split *s)
{
	s->peak = MAX(gauge(&x->o->a, s->family->memory), gauge(&x->o->b, s->family->memory));
	vec_each(look, &x->o->looks)
		s->peak = MAX(s->peak, gauge(look, s->family->memory));
	s->limit_known = sysctl_get(&x->o->b, s->family->limit, &s->limit);
	/* inet_frag_find() refuses while the memory is over the limit; the looks may miss the top. */
	s->near = s->limit_known && (int64_t)s->peak * 4 >= s->limit * 3;
}

static void split(const struct exam *x, const struct family *family, struct split *ret)
{
	bool four = family == &families[0];
	struct split s = {.family = family};
	uint64_t timeouts = value(x, family->timeouts), others, far;

	s.reqds = value(x, family->reqds);
	s.fails = value(x, family->fails);
	look_at_memory(x, &s);
	others = s.fails - MIN(s.fails, timeouts);
	/* IPv6 has no counter of overlaps, and IPv4 alone minds how far fragments are apart. */
	s.broken = four ? MIN(others, value(x, C_IPEXT_REASM_OVERLAPS)) : s.near ? 0 : others;
	others -= s.broken;
	far = four ? MIN(others, ledger_traced(x->ledger, &far_drops)) : 0;
	s.refused = s.near ? others - far : 0;
	/* What of an overlapping datagram came after it was thrown away waits in vain. */
	s.incomplete = timeouts - MIN(timeouts, s.broken) + far;
	*ret = s;
}

struct both {
	struct split of[ARRAY_SIZE(families)];
	uint64_t reqds, fails, incomplete, broken, refused;
};

static void split_both(const struct exam *x, struct both *ret)
{
	struct both all = {0};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct split *s = &all.of[i];

		split(x, &families[i], s);
		all.reqds += s->reqds;
		all.fails += s->fails;
		all.incomplete += s->incomplete;
		all.broken += s->broken;
		all.refused += s->refused;
	}
	*ret = all;
}

static void add_counters(struct exam *x, struct finding *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		if (f && !value(x, families[i].reqds))
			continue;
		evidence_counter(f, x, families[i].reqds);
		evidence_counter(f, x, families[i].fails);
		evidence_counter(f, x, families[i].timeouts);
	}
}

static enum severity severity_of(const struct exam *x, uint64_t lost, uint64_t reqds)
{
	return lost >= threshold_count(x, THRESHOLD_LOSS_PACKETS) &&
			       (double)lost > FAILS_SHARE * (double)reqds
		       ? SEVERITY_WARNING
		       : SEVERITY_INFO;
}

/* The one sender of all flows, or "several senders". */
static const char *sender(const struct finding *f, char *to, size_t size)
{
	const struct drop_flow *first = f->flows.n ? &f->flows.items[0] : NULL;

	snprintf(to, size, "a sender");
	if (first)
		address_text(first->family, first->source, to, size);
	vec_each(flow, &f->flows)
		if (memcmp(flow->source, first->source, sizeof(flow->source)) != 0)
			snprintf(to, size, "several senders");
	return to;
}

static void watch_fragments(struct exam *x, struct finding *f, const char *id, const char *why)
{
	struct remedy *r = finding_remedy(f, id, REMEDY_CAPACITY, "see which fragments arrive");
	char enter[96];

	entering(x, enter, sizeof(enter));
	remedy_why(r, "%s", why);
	remedy_command(r, "%stcpdump -c 40 -vvni any 'ip[6:2] & 0x3fff != 0 or ip6[6] == 44'",
		       enter);
}

static void smaller_datagrams(struct finding *f)
{
	struct remedy *r = finding_remedy(f, "smaller-datagrams", REMEDY_APPLICATION,
					  "let the sender's program send what fits into one packet");

	remedy_why(r, "a datagram in fragments is lost with any one of them; 1,472 bytes fit an MTU "
		      "of 1,500 by IPv4, 1,232 any path by IPv6 (DNS: the EDNS buffer size)");
	remedy_cost(r, "the program must number and join what is larger, or use TCP or QUIC");
}

/* ---- a fragment is missing ---- */

static void claim_timeouts(struct exam *x, uint64_t *ret_fragments)
{
	*ret_fragments = ledger_claim(x->ledger, &timeout_drops, UINT64_MAX) +
			 ledger_claim(x->ledger, &old_timeout_drops, UINT64_MAX) +
			 traced_nowhere(x, &timeout_drops, UINT64_MAX);
}

enum outcome examine_frag_reasm_timeout(struct exam *x)
{
	struct both all;
	uint64_t fragments;
	struct finding *f;
	char from[64];

	split_both(x, &all);
	if (!all.incomplete) {
		add_counters(x, NULL);
		return NOT_FOUND;
	}
	f = finding_new(x);
	/* The events are of fragments, the counters of datagrams. */
	finding_lost(f, &all.incomplete, NULL, all.reqds);
	f->severity = severity_of(x, f->lost, all.reqds);
	finding_flows(x, f, &timeout_drops);
	claim_timeouts(x, &fragments);
	finding_headline(f, "datagrams from %s lack fragments", sender(f, from, sizeof(from)));
	finding_text(f, "Some of their fragments arrived and some did not, until the time to wait was "
			"over: lost on the way, or dropped by a firewall, NAT or load balancer, which "
			"often do not let pass what has no ports. A fragment has them only if it is "
			"the first.");
	add_counters(x, f);
	if (tracing(x))
		evidence_traced(f, x, "FRAG_REASM_TIMEOUT (fragments)", fragments);
	finding_exclude(f, "no memory for them: %llu fragments were refused",
			(unsigned long long)all.refused);
	smaller_datagrams(f);
	watch_fragments(x, f, "see-fragments",
			"only first ones: a firewall on the way drops the others; changing ones: "
			"the path loses packets");
	return FOUND;
}

/* ---- the memory is full ---- */

static void raise_memory(struct exam *x, struct finding *f, const struct split *s)
{
	double per = per_second(x->o, s->reqds);
	int64_t seconds = 30, to;
	struct remedy *r;

	sysctl_get(&x->o->b, s->family->time, &seconds);
	to = (int64_t)MIN(per * FRAGMENT_MEMORY * (double)seconds, (double)MEMORY_MAX);
	to = (to + 4095) / 4096 * 4096;
	if ((double)s->fails >= MOSTLY_FAILS * (double)s->reqds || to <= s->limit)
		return;
	r = finding_remedy(f, s->family == &families[0] ? "raise-ipfrag-memory" : "raise-ip6frag-memory",
			   REMEDY_SYSCTL, "more memory for %s fragments that wait for others",
			   s->family->name);
	remedy_why(r, "%.0f fragments a second may wait %lld s, at %d bytes each", per,
		   (long long)seconds, FRAGMENT_MEMORY);
	remedy_cost(r, "up to %lld KiB of memory", (long long)(to >> 10));
	remedy_risk(r, "senders of incomplete datagrams can fill that, too");
	remedy_sysctl_here(x, r, s->family->limit_key, s->limit, to);
}

enum outcome examine_frag_mem_limit(struct exam *x)
{
	struct both all;
	struct finding *f;
	uint64_t traced;

	split_both(x, &all);
	if (!all.refused) {
		add_counters(x, NULL);
		for (size_t i = 0; i < ARRAY_SIZE(families); i++)
			evidence_value(NULL, x, "/proc/net/sockstat", counter_rows[families[i].memory].name,
				       all.of[i].peak);
		return NOT_FOUND;
	}
	f = finding_new(x);
	traced = MIN(ledger_unclaimed(x->ledger, &refused_drops), all.refused);
	finding_flows(x, f, &refused_drops);
	ledger_claim(x->ledger, &refused_drops, traced);
	finding_lost(f, &all.refused, tracing(x) ? &traced : NULL, all.reqds);
	f->severity = severity_of_share(x, f->lost, f->of);
	finding_headline(f, "no memory is left for fragments that wait for others");
	finding_text(f, "Datagrams whose fragments are not all there hold the memory until they are "
			"complete or their time is over. While it is full each new fragment is refused, "
			"also of datagrams that would have been complete.");
	add_counters(x, f);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct split *s = &all.of[i];

		if (!s->refused)
			continue;
		evidence_text(f, x, "%s fragments held up to %llu of %lld bytes", s->family->name,
			      (unsigned long long)s->peak, (long long)s->limit);
		raise_memory(x, f, s);
	}
	finding_exclude(f, "overlapping fragments: %llu datagrams", (unsigned long long)all.broken);
	watch_fragments(x, f, "find-incomplete",
			"what fills the memory are datagrams that never complete: their sender, or "
			"what drops a part of them");
	smaller_datagrams(f);
	return FOUND;
}

/* ---- fragments that do not fit together ---- */

enum outcome examine_frag_dup_overlap(struct exam *x)
{
	uint64_t twice = ledger_traced(x->ledger, &twice_drops), claimed;
	struct both all;
	struct finding *f;
	char from[64];

	split_both(x, &all);
	if (!all.broken && !twice) {
		add_counters(x, NULL);
		evidence_counter(NULL, x, C_IPEXT_REASM_OVERLAPS);
		evidence_traced(NULL, x, "DUP_FRAG", 0);
		return NOT_FOUND;
	}
	f = finding_new(x);
	finding_flows(x, f, all.broken ? &refused_drops : &twice_drops);
	claimed = ledger_claim(x->ledger, &refused_drops, all.broken);
	ledger_claim(x->ledger, &twice_drops, UINT64_MAX);
	/* A fragment that was there already is missed by nobody. */
	if (all.broken)
		finding_lost(f, &all.broken, tracing(x) ? &claimed : NULL, all.reqds);
	else
		finding_lost(f, NULL, &twice, all.reqds);
	f->severity = severity_of(x, all.broken, all.reqds);
	sender(f, from, sizeof(from));
	finding_headline(f, all.broken ? "datagrams from %s are in fragments that overlap"
				       : "fragments from %s arrive twice",
			 from);
	finding_text(f, all.broken
				? "Two fragments claim the same place with different ends. The whole "
				  "datagram is thrown away: that is how firewalls are deceived, "
				  "or a broken sender."
				: "The second copy is thrown away and the datagrams are complete. "
				  "Something on the way sends packets twice.");
	add_counters(x, f);
	evidence_counter(f, x, C_IPEXT_REASM_OVERLAPS);
	if (tracing(x))
		evidence_traced(f, x, "DUP_FRAG", twice);
	finding_exclude(f, "a missing fragment: %llu datagrams", (unsigned long long)all.incomplete);
	watch_fragments(x, f, "find-sender",
			"the sender, or what rewrites packets on the way, is to be mended; nothing "
			"here accepts such fragments");
	return FOUND;
}
