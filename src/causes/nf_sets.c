// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sets that firewall rules fill. A full one takes no more, silently: the rule that adds stops there
 * as if it did not match (nft_dynset_eval: NFT_BREAK), so a limit no longer holds new addresses
 * back, or a knocking client is not let in.
 */
#include "causes/fw_blame.h"

#define SETS_TOLD 8

static const char *family_of(const struct filled_set *set)
{
	static const char *const names[] = {[1] = "inet", [2] = "ip", [3] = "arp", [5] = "netdev",
					    [7] = "bridge", [10] = "ip6"};
	const char *name = set->family < ARRAY_SIZE(names) ? names[set->family] : NULL;

	return name ? name : "?";
}

static bool log_says_full(const struct exam *x)
{
	return strcmp(x->o->name, "host") == 0 && observed(x->o, SRC_KERNEL_LOG) &&
	       !x->o->since_boot &&
	       kernel_log_count(&x->o->b, KERNEL_LOG_SET_FULL, kernel_log_end(&x->o->a)) > 0;
}

static void larger_set(struct finding *f, const struct filled_set *set)
{
	uint64_t to = next_power_of_two(2 * (uint64_t)set->size);
	struct remedy *r;

	if (!set->forgets) {
		r = finding_remedy(f, "set-timeout", REMEDY_NETFILTER,
				   "let its elements go after a time: flags dynamic,timeout and "
				   "timeout 10m, say, where the set %s is declared",
				   set->name);
		remedy_why(r, "nothing takes them out now, so it fills up again whatever its size");
		remedy_risk(r, "a program may count on what is in it staying there");
	}
	r = finding_remedy(f, "larger-set", REMEDY_NETFILTER,
			   "a larger set: size %llu instead of %u where %s is declared",
			   (unsigned long long)to, set->size, set->name);
	remedy_why(r, "%u of %u elements are taken", set->elements, set->size);
	remedy_cost(r, "about 100 to 300 bytes of kernel memory an element, up to %llu KiB more",
		    (unsigned long long)(to - set->size) * 300 / 1024);
	remedy_risk(r, "the size of a set that is there cannot be changed: the rules are to be loaded "
		       "anew, and what is in the set is lost; a flood of forged addresses fills any "
		       "size");
	remedy_command(r, "nft list set %s %s %s", family_of(set), set->table, set->name);
	remedy_persist(r, "size %llu in /etc/nftables.conf, or where these rules come from",
		       (unsigned long long)to);
}

static void tell_set(struct exam *x, struct finding *f, const struct filled_set *set)
{
	struct subject *s = fw_subject(f, &x->o->b.nft, &x->o->b.nft.rules.items[set->rule]);

	s->rule.how = "the rule that adds to it";
	evidence_text(f, x, "set %s %s %s: %u of %u elements%s", family_of(set), set->table,
		      set->name, set->elements, set->size,
		      set->forgets ? ", which go by themselves after a time" : "");
	if (f->subjects.n == 1)
		larger_set(f, set);
}

/* ipset says it in the kernel's log, and of which namespace it does not say. */
static enum outcome full_ipset(struct exam *x)
{
	struct finding *f = finding_new(x);
	struct remedy *r;

	f->state = AT_RISK;
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
	finding_headline(f, "an ipset is full and takes no more elements");
	finding_text(f, "The kernel's log says that a set has as many elements as it may have "
			"(maxelem). What was to be added is not in it, and rules that look there do not "
			"find it.");
	evidence_log(f, x, KERNEL_LOG_SET_FULL);
	r = finding_remedy(f, "larger-ipset", REMEDY_NETFILTER,
			   "a larger maxelem where the set is made, or a timeout for its elements");
	remedy_command(r, "ipset list -t");
	remedy_risk(r, "the set is to be made anew (ipset swap exchanges the two)");
	return FOUND;
}

static const struct filled_set *fullest(const struct exam *x)
{
	const struct filled_set *most = NULL;

	vec_each(set, &x->o->b.nft.filled)
		if (!most || (double)set->elements * most->size > (double)most->elements * set->size)
			most = set;
	return most;
}

enum outcome examine_set_full(struct exam *x)
{
	const struct filled_set *most = fullest(x);
	enum severity severity, of;
	struct finding *f;

	if (!most || !severity_of_fill(x, most->elements, most->size, &severity)) {
		evidence_value(NULL, x, "nf_tables", "sets of limited size that rules fill",
			       x->o->b.nft.filled.n);
		return log_says_full(x) ? full_ipset(x) : NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->severity = severity;
	finding_headline(f, most->elements >= most->size
				    ? "the set %s of table %s %s is full (%u of %u)"
				    : "the set %s of table %s %s is nearly full (%u of %u)",
			 most->name, family_of(most), most->table, most->elements, most->size);
	finding_text(f, "A firewall rule adds addresses or ports to this set. A full set takes no more, "
			"and for those the rule ends there as if it did not match: a limit does not "
			"hold them back, or what should let them in does not. Nothing is counted then.");
	tell_set(x, f, most);
	vec_each(set, &x->o->b.nft.filled)
		if (set != most && f->subjects.n < SETS_TOLD &&
		    severity_of_fill(x, set->elements, set->size, &of))
			tell_set(x, f, set);
	evidence_log(f, x, KERNEL_LOG_SET_FULL);
	return FOUND;
}
