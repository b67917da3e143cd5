// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why one CPU has so much to do with packets, and who is behind it, as far as it can be shown: one
 * flow, which nothing spreads; a sender over loopback, whose own CPU takes its packets in; a long
 * list of rules that each packet walks through; a capture that gets a copy of each.
 */
#include <net/if.h>
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define ONE_FLOW 0.90	/* of what was dropped */
#define MOSTLY 0.50	/* of the packets of a CPU, or of those that come to a chain */
#define SENDS 0.02	/* of a CPU's time, to be named: what the softirqs took is not always told as its own */
#define LONG_LIST 200	/* rules: at some 10 ns each as much as all the rest of a packet's way */
#define JUMPS_MAX 8

enum { PREROUTING = 0, INPUT = 1, FORWARD = 2 }; /* NF_INET_*; 0 is NF_NETDEV_INGRESS, too */

const struct drop_flow *only_flow(const struct finding *f)
{
	const struct drop_flow *most = NULL;
	uint64_t all = 0;

	vec_each(flow, &f->flows) {
		all += flow->packets;
		if (!most || flow->packets > most->packets)
			most = flow;
	}
	return most && (double)most->packets >= ONE_FLOW * (double)all ? most : NULL;
}

static void say_flow(struct exam *x, struct finding *f, char *why, size_t size)
{
	const struct drop_flow *flow = only_flow(f);
	char from[64], to[64];

	if (!flow)
		return;
	address_text(flow->family, flow->source, from, sizeof(from));
	address_text(flow->family, flow->destination, to, sizeof(to));
	snprintf(why, size, "one flow, %s to %s", from, to);
	evidence_text(f, x, "one flow is %.0f %% of it at least: %s port %u to %s port %u; no setting "
			    "spreads that",
		      ONE_FLOW * 100, from, flow->source_port, to, flow->destination_port);
}

/* ---- loopback ---- */

static bool is_of_namespace(const struct observation *o, const struct cpu_task *t)
{
	return t->netns == o->inode;
}

/* Who used most of this CPU, in this namespace; NULL: nobody who used enough of it. */
static const struct cpu_task *busiest_on(const struct observation *o, int cpu, double *ret_share)
{
	const struct cpu_task *most = busiest_task(o, cpu, is_of_namespace, ret_share);

	return *ret_share >= SENDS ? most : NULL;
}

static uint64_t processed_by(const struct observation *o, int cpu)
{
	vec_each(c, &o->b.cpus)
		if ((int)c->id == cpu)
			return delta_value(delta_cpu(o, c, C_SOFTNET_PROCESSED));
	return 0;
}

static void say_loopback(struct exam *x, struct finding *f, int cpu, char *why, size_t size)
{
	const struct cpu_task *sender;
	struct remedy *r;
	double share;

	vec_each(link, &x->o->b.links) {
		uint64_t n = delta_value(delta_link(x->o, link, C_LINK_RX_PACKETS));
		uint64_t all = processed_by(x->o, cpu);

		if (!(link->flags & IFF_LOOPBACK) || !n || (double)n < MOSTLY * (double)all)
			continue;
		sender = busiest_on(x->o, cpu, &share);
		evidence_text(f, x, "%llu of the %llu packets that CPU %d took in came over loopback: "
				    "there the sender's own CPU does it",
			      (unsigned long long)MIN(n, all), (unsigned long long)all, cpu);
		if (!sender) {
			snprintf(why, size, "sent over loopback");
			return;
		}
		snprintf(why, size, "%s (%d) sends over loopback", sender->comm, sender->pid);
		evidence_text(f, x, "%s (%d) used %.0f %% of CPU %d beside the softirqs, more than any "
				    "other of this namespace",
			      sender->comm, sender->pid, share * 100, cpu);
		r = finding_remedy(f, "local-sender", REMEDY_APPLICATION,
				   "let %s send less, in larger pieces, or from several CPUs",
				   sender->comm);
		remedy_why(r, "over loopback no card and no setting spreads packets: where it sends "
			      "is where they are taken in");
		remedy_command(r, "ss -tuanp | grep pid=%d", sender->pid);
		return;
	}
}

/* ---- rules ---- */

struct long_list {
	uint64_t walked; /* rules of all base chains that a packet goes through */
	const struct chain *longest;
	uint64_t of_longest;
};

static const struct ruleset *rules_before(const struct exam *x, const struct ruleset *set)
{
	return set->legacy ? &x->o->a.iptables : &x->o->a.nft;
}

/* Packets that met the rule in the sample: of the same place in the same rules. */
static uint64_t met(const struct exam *x, const struct ruleset *set, size_t at)
{
	const struct rule *r = &set->rules.items[at];
	const struct ruleset *old = rules_before(x, set);

	if (!r->counted || at >= old->rules.n || old->rules.items[at].handle != r->handle)
		return 0;
	return r->packets - MIN(r->packets, old->rules.items[at].packets);
}

/* How many rules most packets walk through: to the one where half of them have ended. */
static uint64_t walk_of(const struct exam *x, const struct ruleset *set, const struct chain *c,
			uint64_t packets, unsigned int depth)
{
	uint64_t ended = 0, walked = 0;

	for (size_t i = 0; i < c->rules_n && c->rules_first + i < set->rules.n; i++) {
		size_t at = c->rules_first + i;
		const struct rule *r = &set->rules.items[at];
		uint64_t n = met(x, set, at);
		bool goes = r->verdict == VERDICT_JUMP || r->verdict == VERDICT_GOTO;

		walked++;
		if (goes && depth < JUMPS_MAX && r->jump < set->chains.n &&
		    ((r->counted && packets && (double)n >= MOSTLY * (double)packets) ||
		     (!r->counted && !r->ops_n)))
			walked += walk_of(x, set, &set->chains.items[r->jump], packets, depth + 1);
		if (r->verdict != VERDICT_NONE && !goes)
			ended += n;
		if (packets && (double)ended >= MOSTLY * (double)packets)
			break;
	}
	return walked;
}

static void add_rules(const struct exam *x, const struct ruleset *set, uint64_t packets,
		      struct long_list *to)
{
	vec_each(c, &set->chains) {
		uint64_t n;

		if (!c->base || c->hook > FORWARD)
			continue;
		n = walk_of(x, set, c, packets, 0);
		to->walked += n;
		if (n > to->of_longest) {
			to->of_longest = n;
			to->longest = c;
		}
	}
}

static void say_rules(struct exam *x, struct finding *f, const struct link *device, char *why,
		      size_t size)
{
	uint64_t packets = device ? delta_value(delta_link(x->o, device, C_LINK_RX_PACKETS)) : 0;
	struct long_list list = {0};
	struct remedy *r;
	char enter[96];

	add_rules(x, &x->o->b.nft, packets, &list);
	add_rules(x, &x->o->b.iptables, packets, &list);
	if (list.walked < LONG_LIST || !list.longest)
		return;
	snprintf(why, size, "each goes through %llu firewall rules", (unsigned long long)list.walked);
	evidence_text(f, x, "a packet goes through up to %llu rules, %llu of them in chain %s of table %s",
		      (unsigned long long)list.walked, (unsigned long long)list.of_longest,
		      list.longest->name, list.longest->table);
	r = finding_remedy(f, "shorter-ruleset", REMEDY_NETFILTER,
			   "fewer rules on the way of most packets in chain %s of table %s",
			   list.longest->name, list.longest->table);
	remedy_why(r, "%llu rules one after the other; a set or a verdict map finds its element in one "
		      "step, and known connections can be accepted by the first rule",
		   (unsigned long long)list.of_longest);
	entering(x, enter, sizeof(enter));
	if (is_plain(list.longest->table) && is_plain(list.longest->name))
		remedy_command(r, "%snft list ruleset | less +/%s", enter, list.longest->name);
	remedy_risk(r, "rules in another order may decide otherwise");
}

/* ---- captures ---- */

static const struct process *owner_of(const struct observation *o, const struct socket *sk)
{
	const struct process *p = snapshot_owner(&o->b, sk->inode);

	for (size_t i = o->looks.n; !p && i-- > 0;)
		p = snapshot_owner(&o->looks.items[i], sk->inode);
	return p ? p : snapshot_owner(&o->a, sk->inode);
}

static void say_capture(struct exam *x, struct finding *f, const struct link *device, char *why,
			size_t size)
{
	const struct process *first = NULL;
	unsigned int n = 0;
	struct remedy *r;

	vec_each(sk, &x->o->b.packet_sockets) {
		const struct process *p;

		if (!is_capture(sk) || (sk->ifindex && device && sk->ifindex != device->ifindex))
			continue;
		p = owner_of(x->o, sk);
		first = first ? first : p;
		if (n++ >= 4)
			continue;
		if (p)
			evidence_text(f, x, "a capture of %s (%d) gets a copy of each packet", p->comm,
				      p->pid);
		else
			evidence_text(f, x, "a capture (packet socket %u) gets a copy of each packet",
				      sk->inode);
	}
	if (!n)
		return;
	if (first)
		snprintf(why, size, "%s (%d) captures each", first->comm, first->pid);
	else
		snprintf(why, size, "%u capture%s get a copy of each", n, n > 1 ? "s" : "");
	r = finding_remedy(f, "less-capture", REMEDY_APPLICATION,
			   "end the capture, or give it a filter that the kernel can apply");
	remedy_why(r, "copying and timestamps are done by the CPU that takes the packet in");
	remedy_command(r, "ss -0p");
	if (first)
		remedy_command(r, "kill -INT %d", first->pid);
	remedy_risk(r, "somebody may need it");
}

void softirq_why(struct exam *x, struct finding *f, int cpu, const struct link *device, char *why,
		 size_t size)
{
	char of[4][160] = {"", "", "", ""};
	size_t n = 0;

	say_flow(x, f, of[0], sizeof(of[0]));
	if (cpu >= 0)
		say_loopback(x, f, cpu, of[1], sizeof(of[1]));
	say_rules(x, f, device, of[2], sizeof(of[2]));
	say_capture(x, f, device, of[3], sizeof(of[3]));
	*why = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(of); i++)
		if (of[i][0] && n < size)
			n += (size_t)snprintf(why + n, size - n, "%s%s", n ? "; " : ": ", of[i]);
}
