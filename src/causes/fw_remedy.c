// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The remedy for a firewall drop: one accept rule, as narrow as what was seen, in front of what
 * drops. Never a policy: that would open everything else, too.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include <linux/netfilter.h>

#include "causes/enter.h"
#include "causes/fw_blame.h"

enum dialect { NFT, IPTABLES_NFT, LEGACY };

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

/* iptables-nft keeps its tables as these; what nft adds there it would refuse to list. */
static enum dialect dialect_of(const struct fw_point *p)
{
	static const char *const tables[] = {"filter", "mangle", "raw", "nat", "security"};
	static const char *const chains[] = {"PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					     "POSTROUTING"};
	const struct chain *c = fw_chain(p);

	if (p->set->legacy)
		return LEGACY;
	if (c->family != NFPROTO_IPV4 && c->family != NFPROTO_IPV6)
		return NFT;
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		if (strcmp(c->table, tables[t]) != 0)
			continue;
		/* Its built-in chains are there as long as the table is used. */
		vec_each(other, &p->set->chains)
			for (size_t i = 0; i < ARRAY_SIZE(chains); i++)
				if (other->base && other->family == c->family &&
				    strcmp(other->table, c->table) == 0 &&
				    strcmp(other->name, chains[i]) == 0)
					return IPTABLES_NFT;
	}
	return NFT;
}

/* A name goes into a command as it stands only if a shell takes it for one word. */
static void nft_match(const struct fw_wanted *w, char *to, size_t size)
{
	const char *name = w->protocol == IPPROTO_TCP	 ? "tcp"
			   : w->protocol == IPPROTO_UDP	 ? "udp"
			   : w->protocol == IPPROTO_SCTP ? "sctp"
							 : NULL;

	/* As nft lists them, so that the undo finds its rule. */
	const char *listed = w->protocol == IPPROTO_ICMP     ? "icmp"
			     : w->protocol == IPPROTO_ICMPV6 ? "ipv6-icmp"
							     : name;

	if (name && w->port)
		snprintf(to, size, "%s %s %u", name, w->by_source ? "sport" : "dport", w->port);
	else if (listed)
		snprintf(to, size, "meta l4proto %s", listed);
	else
		snprintf(to, size, "meta l4proto %u", w->protocol);
}

static void iptables_match(const struct fw_wanted *w, char *to, size_t size)
{
	const char *name = w->protocol == IPPROTO_TCP	 ? "tcp"
			   : w->protocol == IPPROTO_UDP	 ? "udp"
			   : w->protocol == IPPROTO_SCTP ? "sctp"
							 : NULL;

	if (name && w->port)
		snprintf(to, size, "-p %s --%s %u", name, w->by_source ? "sport" : "dport",
			 w->port);
	else
		snprintf(to, size, "-p %u", w->protocol);
}

/* In the key of a change of kind "iptables". */
static void plain_match(const struct fw_wanted *w, char *to, size_t size)
{
	if (has_ports(w->protocol) && w->port)
		snprintf(to, size, "%s %s %u",
			 w->protocol == IPPROTO_TCP   ? "tcp"
			 : w->protocol == IPPROTO_UDP ? "udp"
						      : "sctp",
			 w->by_source ? "sport" : "dport", w->port);
	else
		snprintf(to, size, "protocol %u", w->protocol);
}

static void accept_by_nft(struct exam *x, struct remedy *r, const struct fw_point *p,
			  const struct fw_wanted *w)
{
	const struct chain *c = fw_chain(p);
	const struct rule *rule = fw_rule(p);
	char enter[96], match[64], where[160];

	nft_match(w, match, sizeof(match));
	entering(x, enter, sizeof(enter));
	snprintf(where, sizeof(where), "%s %s %s", fw_family_name(p), c->table, c->name);
	if (rule)
		remedy_command(r, "%snft insert rule %s handle %llu %s accept", enter, where,
			       (unsigned long long)rule->handle, match);
	else
		remedy_command(r, "%snft add rule %s %s accept", enter, where, match);
	if (rule)
		remedy_change(r, "nft", "", "accept", "%s handle %llu %s", where,
			      (unsigned long long)rule->handle, match);
	else
		remedy_change(r, "nft", "", "accept", "%s end %s", where, match);
	remedy_undo(
		r,
		"%snft delete rule %s handle $(%snft -a list chain %s | sed -n 's/.*%s accept # "
		"handle //p' | head -n 1)",
		enter, where, enter, where, match);
	if (*enter)
		return; /* what sets up a namespace is not known */
	remedy_persist(r, "in /etc/nftables.conf, chain %s of table %s %s%s: %s accept", c->name,
		       fw_family_name(p), c->table, rule ? ", before the rule that drops" : "",
		       match);
}

static const char *iptables_name(const struct fw_point *p)
{
	bool six = fw_chain(p)->family == NFPROTO_IPV6;

	if (p->set->legacy)
		return six ? "ip6tables-legacy" : "iptables-legacy";
	return six ? "ip6tables" : "iptables";
}

static bool has_chain(const struct fw_point *p, const char *name)
{
	const struct chain *c = fw_chain(p);

	vec_each(other, &p->set->chains)
		if (other->family == c->family && strcmp(other->table, c->table) == 0 &&
		    strcmp(other->name, name) == 0)
			return true;
	return false;
}

static void accept_by_iptables(struct exam *x, struct remedy *r, const struct fw_point *p,
			       const struct fw_wanted *w)
{
	const struct chain *c = fw_chain(p);
	const struct rule *rule = fw_rule(p);
	const char *tool = iptables_name(p), *chain = c->name;
	char enter[96], match[64], where[16] = "end";

	/* Docker rewrites FORWARD, and leaves DOCKER-USER to the administrator. */
	if (strcmp(c->name, "FORWARD") == 0 && has_chain(p, "DOCKER-USER"))
		chain = "DOCKER-USER";
	iptables_match(w, match, sizeof(match));
	entering(x, enter, sizeof(enter));
	if (chain != c->name)
		remedy_command(r, "%s%s -t %s -I %s %s -j ACCEPT", enter, tool, c->table, chain,
			       match);
	else if (rule)
		remedy_command(r, "%s%s -t %s -I %s %u %s -j ACCEPT", enter, tool, c->table, chain,
			       rule->position, match);
	else
		remedy_command(r, "%s%s -t %s -A %s %s -j ACCEPT", enter, tool, c->table, chain,
			       match);
	remedy_undo(r, "%s%s -t %s -D %s %s -j ACCEPT", enter, tool, c->table, chain, match);
	if (chain != c->name)
		snprintf(where, sizeof(where), "1");
	else if (rule)
		snprintf(where, sizeof(where), "%u", rule->position);
	plain_match(w, match, sizeof(match));
	remedy_change(r, "iptables", "", "accept", "%s%s %s %s %s %s", tool,
		      p->set->legacy ? "" : "-nft", c->table, chain, where, match);
	if (!*enter) /* what sets up a namespace is not known */
		remedy_persist(r, "%s-save > /etc/iptables/rules.%s", tool,
			       c->family == NFPROTO_IPV6 ? "v6" : "v4");
}

static void accept_wanted(struct exam *x, struct finding *f, const struct fw_point *p,
			  const struct fw_wanted *w)
{
	char what[48], where[160];
	struct remedy *r;

	fw_wanted_text(w, what, sizeof(what));
	fw_point_text(p, where, sizeof(where));
	r = finding_remedy(f, "accept-rule", REMEDY_NETFILTER,
			   "if %s is wanted: one rule that accepts it", what);
	remedy_why(r,
		   "%llu of the dropped packets are %s; the rule stands before the %s, which goes "
		   "on for all others",
		   (unsigned long long)w->packets, what, where);
	remedy_risk(r,
		    fw_direction(p) == DIR_TX
			    ? "every program of this host may send %s then; add a destination "
			      "address to the rule if only some should be reached"
		    : fw_direction(p) == DIR_FORWARD
			    ? "this host forwards %s for everybody then; add addresses to the rule "
			      "if only some should"
			    : "whoever can reach this host reaches %s then; add a source address "
			      "to the rule if only some should",
		    what);
	if (dialect_of(p) == NFT)
		accept_by_nft(x, r, p, w);
	else
		accept_by_iptables(x, r, p, w);
}

/* A rule that takes what keeps within its limit, to drop it. */
static void turn_limit(struct finding *f, const char *where)
{
	struct remedy *r = finding_remedy(f, "turn-limit", REMEDY_NETFILTER,
					  "let the limit accept, and a rule behind it drop the rest");

	remedy_why(r, "the %s drops as much as its limit allows, and lets by what is above", where);
	remedy_risk(r, "what came through while the limit was the wrong way round is dropped then");
}

static void raise_limit(struct exam *x, struct finding *f, const struct fw_point *p,
			const struct rule_limit *l, const struct rule *by)
{
	struct fw_point holder = *p;
	char where[160], limit[80];
	struct remedy *r;
	double came;

	if (by)
		holder.rule = (size_t)(by - p->set->rules.items), holder.chain = by->chain;
	fw_point_text(&holder, where, sizeof(where));
	fw_limit_text(l, limit, sizeof(limit));
	if (!by && !l->over) {
		turn_limit(f, where);
		return;
	}
	if (l->kind == RULE_LIMIT_RATE && l->amount && l->per_s && !l->bytes && !l->each) {
		came = (double)l->amount + per_second(x->o, p->lost) * l->per_s;
		r = finding_remedy(f, "raise-limit", REMEDY_NETFILTER,
				   "%.0f in place of %llu in the rule's limit, if the load is legitimate",
				   came * 1.2, (unsigned long long)l->amount);
	} else {
		r = finding_remedy(f, "raise-limit", REMEDY_NETFILTER,
				   "a higher limit in the rule, if the load is legitimate");
	}
	remedy_why(r, "the %s allows %s; %llu packets were above it in %.1f s", where, limit,
		   (unsigned long long)p->lost, x->o->seconds);
	remedy_risk(r, "the limit protects something: raise it only as far as that bears");
}

/* An accept rule would let in what the connection table exists to keep out. */
static void repair_tracking(struct exam *x, struct finding *f)
{
	const struct drop_flow *flow = f->flows.n ? f->flows.items : NULL;
	char enter[96], source[64], to[64];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "track-both-ways", REMEDY_ROUTE,
			   "find why connection tracking does not know these connections");
	remedy_why(r, "it must see both directions of each from its first packet: answers that take "
		      "another way, a table that was flushed or full, and packets out of the TCP "
		      "window all end here");
	if (flow)
		remedy_command(r, "%sconntrack -L -f ipv%c -s %s -d %s", enter,
			       flow->family == AF_INET6 ? '6' : '4',
			       address_text(flow->family, flow->source, source, sizeof(source)),
			       address_text(flow->family, flow->destination, to, sizeof(to)));
	remedy_command(r, "%ssysctl -w net.netfilter.nf_conntrack_log_invalid=255", enter);
	remedy_undo(r, "%ssysctl -w net.netfilter.nf_conntrack_log_invalid=0", enter);
	remedy_cost(r, "a line in the kernel log for each such packet, until it is set back");
}

void fw_remedy_bridge(struct exam *x, struct finding *f)
{
	static const struct {
		enum sysctl_id id;
		const char *key;
	} calls[] = {{K_BRIDGE_CALL_IPTABLES, "net.bridge.bridge-nf-call-iptables"},
		     {K_BRIDGE_CALL_IP6TABLES, "net.bridge.bridge-nf-call-ip6tables"}};
	bool seen[2] = {false};
	int64_t value;

	vec_each(flow, &f->flows)
		seen[flow->family == AF_INET6] = true;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct remedy *r;

		if (!seen[i] || !sysctl_get(&x->o->b, calls[i].id, &value) || !value)
			continue;
		evidence_value(f, x, "/proc/sys/net", calls[i].key, (uint64_t)value);
		r = finding_remedy(f, i ? "bridge-call-ip6tables-off" : "bridge-call-iptables-off",
				   REMEDY_SYSCTL, "keep bridged frames from the rules for routed packets");
		remedy_why(r, "%s is %lld: br_netfilter shows them every frame that the bridge carries",
			   calls[i].key, (long long)value);
		remedy_risk(r, "container platforms (Kubernetes, Docker) set it on purpose: their address "
			       "translation between containers of one bridge needs it; add an accept "
			       "rule then");
		remedy_sysctl_here(x, r, calls[i].key, value, 0);
	}
}

/*
 * Where only the headers spoke for this rule and others were as likely, its own counter tells. The
 * rule is replaced by itself: what nft lists before the verdict, a counter, the verdict.
 */
static void count_rule(struct exam *x, struct finding *f, const struct fw_point *p)
{
	const struct chain *c = fw_chain(p);
	unsigned long long handle = fw_rule(p)->handle;
	char enter[96], where[160];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	snprintf(where, sizeof(where), "%s %s %s", fw_family_name(p), c->table, c->name);
	r = finding_remedy(f, "count-rule", REMEDY_NETFILTER,
			   "a counter for this rule, to be sure that it is the one");
	remedy_why(r, "the rule has none, and the headers of these packets fit others as well");
	remedy_cost(r, "some nanoseconds for each packet that meets the rule");
	remedy_command(r,
		       "%snft replace rule %s handle %llu \"$(%snft -a list chain %s | sed -n "
		       "'s/^[ \\t]*\\(.*\\)drop # handle %llu$/\\1counter drop/p')\"",
		       enter, where, handle, enter, where, handle);
	remedy_undo(r,
		    "%snft replace rule %s handle %llu \"$(%snft -s -a list chain %s | sed -n "
		    "'s/^[ \\t]*\\(.*\\)counter drop # handle %llu$/\\1drop/p')\"",
		    enter, where, handle, enter, where, handle);
}

void fw_remedies(struct exam *x, struct finding *f, const struct fw_point *p,
		 const struct fw_words *words, size_t most)
{
	const struct chain *c = fw_chain(p);
	const struct rule *by;
	const struct rule_limit *limit = fw_limit_of(fw_blame_of(x), p, &by);
	size_t n = 0;

	/* An accept rule before a limit would take it out of force. */
	if (limit && limit->kind != RULE_LIMIT_SHARE) {
		raise_limit(x, f, p, limit, by);
		return;
	}
	if (fw_is_invalid_rule(p)) {
		repair_tracking(x, f);
		return;
	}
	if (!is_plain(c->table) || !is_plain(c->name) || strlen(c->name) == sizeof(c->name) - 1 ||
	    strlen(c->table) == sizeof(c->table) - 1)
		return;
	if (!p->exact && strcmp(p->how, "headers matched") == 0 && fw_rule(p) &&
	    fw_rule(p)->verdict == VERDICT_DROP && !p->set->legacy)
		count_rule(x, f, p);
	vec_each(w, &words->wanted) {
		if (!w->protocol || n++ == most)
			break;
		/* Fragments have no ports: a rule for them would open every service. */
		if (!w->port && has_ports(w->protocol))
			continue;
		accept_wanted(x, f, p, w);
	}
}
