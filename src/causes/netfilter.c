// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage netfilter: what rules and policies of the firewall drop. */
#include <linux/if_ether.h>
#include <stdio.h>
#include <sys/socket.h>

#include "causes/fw_blame.h"

#define SUBJECTS_MAX 20
#define FLOWS_SHOWN 10
#define CRITICAL_MIN 100
#define SCATTERED_MAX 50 /* packets a second */

static const char *const drop_reasons[] = {"NETFILTER_DROP", NULL};

static void gather(struct fw_case *c)
{
	c->mine = xcalloc(c->blame->points.n, sizeof(*c->mine));
	c->all_counted = true;
	for (size_t i = 0; i < c->blame->points.n; i++) {
		const struct fw_point *p = &c->blame->points.items[i];

		if (!p->lost || fw_kind_of(p) != c->kind)
			continue;
		c->mine[i] = true;
		c->n++;
		c->lost += p->lost;
		c->counted += p->counted ? p->lost : 0;
		c->in_nft += p->set->legacy ? 0 : p->lost;
		c->all_counted &= p->counted;
		if (!c->worst || p->lost > c->worst->lost)
			c->worst = p;
	}
	fw_words_of(c->blame, c->mine, &c->words);
}

static void case_done(struct fw_case *c)
{
	free(c->mine);
	fw_words_done(&c->words);
}

/*
 * Claims what is explained, where it was freed: nf_tables' drops at nft_do_chain where the kernel
 * does that, all else at nf_hook_slow, which conntrack's causes need the rest of.
 */
static uint64_t claim_flows(struct fw_case *c)
{
	uint64_t claimed = 0;

	vec_each(flow, &c->blame->flows) {
		const char *const symbol[] = {flow->flow->symbol, NULL};
		struct drop_filter f = {.reasons = drop_reasons,
					.symbols = symbol,
					.protocol = flow->flow->protocol,
					.ethertype = flow->flow->family == AF_INET6 ? ETH_P_IPV6
										    : ETH_P_IP,
					.ifindex = flow->flow->ifindex};

		if (flow->point != FW_NOWHERE && c->mine[flow->point])
			claimed += ledger_claim(c->x->ledger, &f,
						MIN(flow->packets, c->lost - claimed));
	}
	return claimed;
}

static uint64_t claim(struct fw_case *c)
{
	static const char *const in_chain[] = {"nft_do_chain", NULL};
	static const char *const at_hook[] = {"nf_hook_slow", NULL};
	struct drop_filter f = {.reasons = drop_reasons};
	uint64_t outside = c->lost - c->in_nft, claimed = 0;

	if (c->blame->every_flow)
		return claim_flows(c);
	if (c->blame->frees_in_chain) {
		f.symbols = in_chain;
		claimed = ledger_claim(c->x->ledger, &f, c->in_nft);
	} else {
		outside = c->lost;
	}
	f.symbols = at_hook;
	claimed += ledger_claim(c->x->ledger, &f, outside);
	/* Symbols may have no names, or others on other kernels. */
	f.symbols = NULL;
	if (claimed < c->lost && !c->blame->frees_in_chain)
		claimed += ledger_claim(c->x->ledger, &f, c->lost - claimed);
	return claimed;
}

static enum direction direction_of(const struct fw_case *c)
{
	enum direction all = fw_direction(c->worst);

	for (size_t i = 0; i < c->blame->points.n; i++)
		if (c->mine[i] && fw_direction(&c->blame->points.items[i]) != all)
			return DIR_BOTH;
	return all;
}

/* Packets that entered IP, or that this host sent; a drop may come before they are counted. */
static uint64_t packets_of(const struct fw_case *c, enum direction d)
{
	const struct observation *o = c->x->o;
	uint64_t in = delta_value(delta_sum(o, C_IP_IN_RECEIVES, C_IP6_IN_RECEIVES));
	uint64_t out = delta_value(delta_sum(o, C_IP_OUT_REQUESTS, C_IP6_OUT_REQUESTS));

	return MAX(c->lost, d == DIR_TX ? out : d == DIR_BOTH ? in + out : in);
}

/*
 * A firewall is there to drop. Any host on the internet is scanned all the time, a few packets a
 * second to ever other ports, and any host in a LAN hears multicast and broadcast that it wants
 * nothing of: that is no loss anybody minds. Somebody who really wants a service behind the
 * firewall comes back to its port. So the share rule holds only if one port (or protocol without
 * ports) lost at least 10 packets and one a second, else it is info; or a warning above 50 a
 * second, where somebody should look. And a loss of less than 100 packets is not critical, however
 * little else there was. Without traced flows the share rule stands alone. Neighbours that look for
 * an IPv6 address of this host's and get no answer cannot reach it at all, however few they are.
 */
static enum severity severity_of(const struct fw_case *c, uint64_t of, bool *ret_scattered)
{
	enum severity s = severity_of_share(c->x, c->lost, of);
	double scale, most, enough = MAX(10.0, c->x->o->seconds);

	*ret_scattered = false;
	if (c->words.packets && s > SEVERITY_INFO) {
		/*
		 * The flows walked are the largest ones, or a sample; a port seen less than five
		 * times in them is not the one that the rest went to.
		 */
		scale = MAX(1.0, (double)c->lost / (double)c->words.packets);
		most = c->words.wanted.n ? (double)c->words.wanted.items[0].packets : 0;
		*ret_scattered = most < 5 || most * scale + 0.5 < enough;
	}
	if (c->words.sought) {
		*ret_scattered = false;
		return MAX(s, SEVERITY_WARNING);
	}
	if (*ret_scattered)
		return per_second(c->x->o, c->lost) < SCATTERED_MAX ? SEVERITY_INFO
								    : SEVERITY_WARNING;
	/* Who is rejected is told at once, and need not wait. */
	if (c->kind == FW_REJECT || c->lost < CRITICAL_MIN)
		return MIN(s, SEVERITY_WARNING);
	return s;
}

void fw_name_point(const struct fw_point *p, struct rule_ref *ref)
{
	snprintf(ref->family, sizeof(ref->family), "%s", fw_family_name(p));
	snprintf(ref->table, sizeof(ref->table), "%s", fw_chain(p)->table);
	snprintf(ref->chain, sizeof(ref->chain), "%s", fw_chain(p)->name);
	snprintf(ref->hook, sizeof(ref->hook), "%s", fw_hook_name(p));
	ref->handle = fw_rule(p) ? fw_rule(p)->handle : 0;
	snprintf(ref->target, sizeof(ref->target), "%s", fw_target_name(p));
	snprintf(ref->set, sizeof(ref->set), "%s", fw_rule(p) && fw_rule(p)->set ? fw_rule(p)->set : "");
	ref->how = p->how;
}

static void add_subjects(struct fw_case *c, struct finding *f)
{
	for (size_t i = 0; i < c->blame->points.n && f->subjects.n < SUBJECTS_MAX; i++) {
		const struct fw_point *p = &c->blame->points.items[i];
		struct subject *s;

		if (!c->mine[i])
			continue;
		s = finding_subject(f);
		s->has_lost = s->has_rule = true;
		s->lost = p->lost;
		fw_name_point(p, &s->rule);
		fw_limit_of_rule(c->blame, p, &s->rule);
		f->confidence = MIN(f->confidence, p->confidence);
	}
}

static int compare_subjects(const void *one, const void *other)
{
	const struct subject *a = one, *b = other;

	return a->lost == b->lost ? 0 : a->lost > b->lost ? -1 : 1;
}

static const char *source_of(const struct fw_point *p)
{
	return p->set->legacy ? "iptables-legacy" : "nf_tables";
}

static void add_evidence(struct fw_case *c, struct finding *f, uint64_t traced)
{
	unsigned int shown = 0;
	char where[160];

	for (size_t i = 0; i < c->blame->points.n && shown < SUBJECTS_MAX; i++) {
		const struct fw_point *p = &c->blame->points.items[i];

		if (!c->mine[i])
			continue;
		shown++;
		fw_point_text(p, where, sizeof(where));
		if (p->counted)
			evidence_change(f, c->x, source_of(p), where, p->counter);
		else
			evidence_text(f, c->x, "%s %s: %s, %llu packets", where,
				      p->fresh		? "was loaded meanwhile, in place of others"
				      : p->counter.reset ? "had its counter set back meanwhile"
							 : "has no counter",
				      p->how, (unsigned long long)p->lost);
		fw_set_evidence(c->x, f, c->blame, p);
	}
	evidence_traced(f, c->x,
			c->blame->frees_in_chain && c->in_nft == c->lost
				? "NETFILTER_DROP at nft_do_chain"
				: "NETFILTER_DROP",
			traced);
}

static void add_flows(struct fw_case *c, struct finding *f)
{
	const struct drop_flow *last = NULL;

	vec_each(flow, &c->blame->flows) {
		if (flow->point == FW_NOWHERE || !c->mine[flow->point] ||
		    !finding_flow_meant(c->x, f, flow->flow, flow->packets))
			continue;
		if (last == flow->flow) {
			f->flows.items[f->flows.n - 1].packets += flow->packets;
			continue;
		}
		if (f->flows.n == FLOWS_SHOWN)
			continue;
		last = flow->flow;
		*vec_push(&f->flows) = *last;
		f->flows.items[f->flows.n - 1].packets = flow->packets;
	}
	f->flows_sampled = tracing(c->x) && c->x->d->drops->flows_sampled;
}

/* Of the worst points; for a single one the three ports that lost most, else one each. */
static void add_remedies(struct fw_case *c, struct finding *f)
{
	bool *done = xcalloc(c->blame->points.n, sizeof(*done));
	bool *only = xcalloc(c->blame->points.n, sizeof(*only));

	for (size_t n = 0; n < MIN(c->n, (size_t)3); n++) {
		const struct fw_point *worst = NULL;
		struct fw_words words;
		size_t at;

		for (size_t i = 0; i < c->blame->points.n; i++) {
			const struct fw_point *p = &c->blame->points.items[i];

			if (c->mine[i] && !done[i] && (!worst || p->lost > worst->lost))
				worst = p;
		}
		at = (size_t)(worst - c->blame->points.items);
		done[at] = only[at] = true;
		fw_words_of(c->blame, only, &words);
		if (!words.packets)
			*vec_push(&words.wanted) = fw_wanted_by_rule(worst);
		fw_remedies(c->x, f, worst, &words, c->n == 1 ? 3 : 1);
		fw_words_done(&words);
		only[at] = false;
	}
	free(done);
	free(only);
}

static void report(struct fw_case *c)
{
	struct finding *f = finding_new(c->x);
	enum direction d = direction_of(c);
	uint64_t of = packets_of(c, d), traced = claim(c);
	bool scattered;

	finding_lost(f, c->all_counted ? &c->counted : NULL, tracing(c->x) ? &traced : NULL, of);
	/* Some points may have a counter and others none: this is the sum of both. */
	f->lost = c->lost;
	f->severity = severity_of(c, of, &scattered);
	f->has_direction = true;
	f->direction = d;
	fw_describe(c, f, d, scattered);
	add_subjects(c, f);
	qsort(f->subjects.items, f->subjects.n, sizeof(*f->subjects.items), compare_subjects);
	add_evidence(c, f, traced);
	fw_witnesses(c, f);
	fw_exclude(c, f);
	add_flows(c, f);
	if (c->kind == FW_BRIDGED)
		fw_remedy_bridge(c->x, f);
	/* Nobody opens ports to scanners. */
	if (!scattered)
		add_remedies(c, f);
}

static void clear(struct fw_case *c)
{
	struct exam *x = c->x;
	unsigned int counted = 0, uncounted = 0;

	vec_each(p, &c->blame->points) {
		if (fw_kind_of(p) != c->kind)
			continue;
		counted += p->exact;
		uncounted += !p->exact;
	}
	if (!counted && !uncounted)
		evidence_text(NULL, x, "no %s", fw_kind_text(c->kind));
	else
		evidence_text(NULL, x, "%u %s lost nothing by their counters, %u have none",
			      counted, fw_kind_text(c->kind), uncounted);
	evidence_traced(NULL, x, "NETFILTER_DROP", c->blame->traced);
}

/*
 * Rules whose counters could not be read, or that have none while nothing was traced: a loss there
 * would not have been seen.
 */
static bool unseen(const struct fw_case *c)
{
	if (tracing(c->x))
		return false;
	vec_each(p, &c->blame->points)
		if (!p->counted && fw_kind_of(p) == c->kind)
			return true;
	return false;
}

static enum outcome examine(struct exam *x, enum fw_kind kind)
{
	struct fw_case c = {.x = x, .blame = fw_blame_of(x), .kind = kind};
	enum outcome outcome = NOT_FOUND;

	gather(&c);
	if (c.lost) {
		report(&c);
		outcome = FOUND;
	} else if (c.blame->unread != SOURCE_N) {
		outcome = not_examined_source(x, c.blame->unread);
	} else if (unseen(&c)) {
		outcome = not_examined_source(x, SRC_DROPS);
	} else {
		clear(&c);
	}
	case_done(&c);
	return outcome;
}

enum outcome examine_fw_policy_drop(struct exam *x)
{
	return examine(x, FW_POLICY);
}

enum outcome examine_fw_rule_drop(struct exam *x)
{
	return examine(x, FW_RULE);
}

enum outcome examine_fw_reject(struct exam *x)
{
	return examine(x, FW_REJECT);
}

enum outcome examine_fw_output_drop(struct exam *x)
{
	return examine(x, FW_OUTPUT);
}

enum outcome examine_fw_forward_drop(struct exam *x)
{
	return examine(x, FW_FORWARD);
}

enum outcome examine_conntrack_invalid(struct exam *x)
{
	return examine(x, FW_INVALID);
}

enum outcome examine_br_netfilter(struct exam *x)
{
	return examine(x, FW_BRIDGED);
}
