// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Traced flows walked through the rules. A drop event does not say on which hook it happened: its
 * device and the namespace's own addresses leave few, and they are walked in the packet's order.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/netfilter.h>

#include "causes/fw_blame.h"

#define FLOWS_MAX 256
#define STEPS_MAX 1000000 /* rules looked at, all flows together: some 10 ms */
#define HOOKS_MAX 12
#define HOOK_INGRESS 5 /* NF_INET_INGRESS */
#define HOOK_NETDEV_INGRESS 0
#define HOOK_NETDEV_EGRESS 1

struct walker {
	struct fw_blame *b;
	const struct ruleset *nft, *legacy; /* NULL if there is none */
	uint32_t *points[2];		    /* by rule; place in b->points + 1 */
	uint64_t *room;	 /* packets each point still has to account for, parallel to b->points */
	uint64_t beyond; /* the same, all points together of which that is not known */
	bool invalid_possible, bridge;
	struct rule_walk walk;
};

/* ---- which hooks ---- */

struct visit {
	uint8_t family;
	unsigned int hook;
	bool in, out; /* the packet's device is this one's */
};

static enum answer is_local(const struct walker *w, uint8_t family, const uint8_t *address)
{
	const struct ruleset *set = w->nft && w->nft->locals.n ? w->nft : w->legacy;
	size_t size = family == AF_INET6 ? 16 : 4;
	static const uint8_t loopback6[16] = {[15] = 1};

	if (family == AF_INET && (address[0] == 127 || address[0] >= 224))
		return ANSWER_YES; /* multicast and broadcast are delivered, too */
	if (family == AF_INET6 && (address[0] == 0xff || memcmp(address, loopback6, 16) == 0))
		return ANSWER_YES;
	if (!set || !set->locals.n)
		return ANSWER_MAYBE;
	vec_each(local, &set->locals)
		if (local->family == family && memcmp(local->address, address, size) == 0)
			return ANSWER_YES;
	return ANSWER_NO;
}

static void visit(struct visit *to, size_t *n, uint8_t family, unsigned int hook, bool in, bool out)
{
	if (*n < HOOKS_MAX)
		to[(*n)++] = (struct visit){family, hook, in, out};
}

static size_t visits_of(const struct walker *w, const struct drop_flow *flow, struct visit *to)
{
	uint8_t ip = flow->family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	enum answer from = is_local(w, flow->family, flow->source);
	enum answer here = is_local(w, flow->family, flow->destination);
	bool device = flow->ifindex != 0;
	size_t n = 0;

	/* A packet of this host's own has no device yet on the output hook. */
	if (!device || from != ANSWER_NO)
		visit(to, &n, ip, NF_INET_LOCAL_OUT, false, false);
	if (from != ANSWER_NO || !device)
		visit(to, &n, ip, NF_INET_POST_ROUTING, false, device);
	if (device && (from != ANSWER_YES || here != ANSWER_NO)) {
		visit(to, &n, NFPROTO_NETDEV, HOOK_NETDEV_INGRESS, true, false);
		visit(to, &n, ip, HOOK_INGRESS, true, false);
		visit(to, &n, ip, NF_INET_PRE_ROUTING, true, false);
		if (here != ANSWER_NO)
			visit(to, &n, ip, NF_INET_LOCAL_IN, true, false);
		if (here != ANSWER_YES)
			visit(to, &n, ip, NF_INET_FORWARD, true, false);
		if (here != ANSWER_YES && from == ANSWER_NO)
			visit(to, &n, ip, NF_INET_POST_ROUTING, false, true);
	}
	if (device)
		visit(to, &n, NFPROTO_NETDEV, HOOK_NETDEV_EGRESS, false, true);
	for (unsigned int hook = 0; w->bridge && device && hook < 3; hook++)
		visit(to, &n, NFPROTO_BRIDGE, hook, true, false);
	return n;
}

/*
 * A frame that a bridge carries has one of its ports as its device, where a routed packet has the
 * bridge: br_netfilter shows it to the hooks of IP as one that came in by the bridge
 * (net/bridge/br_netfilter_hooks.c). One for this host would meet them anyway.
 */
static const struct link *bridge_of(const struct walker *w, const struct observation *o,
				    const struct drop_flow *flow)
{
	const struct link *port = snapshot_link(&o->b, flow->ifindex), *over;

	if (!port || !port->master_ifindex)
		return NULL;
	over = snapshot_link(&o->b, port->master_ifindex);
	if (!over || strcmp(over->kind, "bridge") != 0)
		return NULL;
	return is_local(w, flow->family, flow->destination) == ANSWER_YES ? NULL : over;
}

static bool is_ip_hook(uint8_t family, unsigned int hook)
{
	return family != NFPROTO_NETDEV && family != NFPROTO_BRIDGE && hook < NF_INET_NUMHOOKS;
}

/* ---- one flow ---- */

static size_t point_of(const struct walker *w, const struct rule_stop *at)
{
	const uint32_t *places = w->points[at->set == w->nft ? 0 : 1];

	if (at->rule != POLICY_OF_CHAIN)
		return places[at->rule] ? places[at->rule] - 1 : FW_NOWHERE;
	for (size_t i = 0; i < w->b->points.n; i++) {
		const struct fw_point *p = &w->b->points.items[i];

		if (p->set == at->set && p->chain == at->chain && fw_is_policy(p))
			return i;
	}
	return FW_NOWHERE;
}

/* A rule known to have dropped nothing did not drop this one. */
static bool possible(const void *arg, const struct rule_stop *at)
{
	const struct walker *w = arg;
	const struct fw_point *p;
	size_t place;

	place = point_of(w, at);
	if (place == FW_NOWHERE)
		return true;
	p = &w->b->points.items[place];
	return !p->exact || p->packets > 0;
}

static const char *device_name(const struct observation *o, unsigned int ifindex)
{
	const struct link *link = snapshot_link(&o->b, ifindex);

	if (!link)
		link = snapshot_link(&o->a, ifindex);
	return link ? link->name : NULL;
}

static struct packet packet_of(const struct walker *w, const struct observation *o,
			       const struct drop_flow *flow, const struct visit *v)
{
	struct packet p = {.family = flow->family,
			   .protocol = flow->protocol,
			   .source_port = flow->source_port,
			   .destination_port = flow->destination_port,
			   .never_invalid = !w->invalid_possible};
	const struct link *over;
	bool incoming = v->family == NFPROTO_NETDEV
				? v->hook == HOOK_NETDEV_INGRESS
				: v->hook != NF_INET_LOCAL_OUT && v->hook != NF_INET_POST_ROUTING;

	memcpy(p.source, flow->source, sizeof(p.source));
	memcpy(p.destination, flow->destination, sizeof(p.destination));
	if (v->in) {
		p.in_ifindex = flow->ifindex;
		p.in_device = device_name(o, flow->ifindex);
	}
	if (v->out) {
		p.out_ifindex = flow->ifindex;
		p.out_device = device_name(o, flow->ifindex);
	}
	over = is_ip_hook(v->family, v->hook) ? bridge_of(w, o, flow) : NULL;
	if (over && v->in) {
		p.in_ifindex = over->ifindex;
		p.in_device = over->name;
	}
	if (incoming && v->hook != NF_INET_FORWARD)
		p.out_device = "";
	if (v->hook == NF_INET_LOCAL_OUT && v->family != NFPROTO_NETDEV)
		p.in_device = "";
	return p;
}

struct candidate {
	size_t point;
	bool definite;
	unsigned int hook;
	unsigned int met; /* matches of the rule that are met for sure */
};

/* A flow, and where its packets may have ended. */
struct walked {
	const struct drop_flow *flow;
	struct candidate candidates[24];
	size_t n;
	bool more; /* there may be other places */
};

static unsigned int matches_met(const struct rule_stop *at, const struct packet *p)
{
	const struct rule *r;
	unsigned int met = 0;
	size_t used;

	if (at->rule == POLICY_OF_CHAIN)
		return 0;
	r = &at->set->rules.items[at->rule];
	for (size_t i = 0; i < r->ops_n; i += used)
		met += rule_op_match(&at->set->ops.items[r->ops_first + i], r->ops_n - i, p,
				     &used) == ANSWER_YES;
	return met;
}

static size_t candidates_of(struct walker *w, const struct observation *o,
			    const struct drop_flow *flow, struct candidate *to, size_t max)
{
	struct visit visits[HOOKS_MAX];
	size_t visits_n = visits_of(w, flow, visits), n = 0;
	bool in_nft = fw_is_nft_symbol(flow->symbol);

	w->walk.more = false;
	w->walk.sets[0] = !w->b->frees_in_chain || in_nft ? w->nft : NULL;
	w->walk.sets[1] = !in_nft ? w->legacy : NULL;
	for (size_t i = 0; i < visits_n; i++) {
		struct packet p = packet_of(w, o, flow, &visits[i]);
		bool over;

		w->walk.family = visits[i].family;
		w->walk.hook = visits[i].hook;
		w->walk.n = 0;
		over = rule_walk(&w->walk, &p);
		for (size_t s = 0; s < w->walk.n && n < max; s++) {
			const struct rule_stop *at = &w->walk.stops[s];
			size_t point = point_of(w, at);

			if (point != FW_NOWHERE)
				to[n++] = (struct candidate){point, at->definite, visits[i].hook,
							     matches_met(at, &p)};
		}
		if (over)
			break;
	}
	return n;
}

static uint64_t room_of(const struct walker *w, size_t point)
{
	return w->b->points.items[point].exact ? w->room[point] : w->beyond;
}

/*
 * The candidate to take the flow: one that is met for sure before one that may be, and of those the
 * one with more matches met; as long as what it dropped (or all points of which that is not known,
 * together) has room for the packets.
 */
static bool better(const struct walker *w, const struct candidate *one,
		   const struct candidate *other, uint64_t packets)
{
	bool fits = room_of(w, one->point) >= packets;

	if (!other)
		return room_of(w, one->point) > 0;
	if (fits != (room_of(w, other->point) >= packets))
		return fits;
	if (!fits)
		return room_of(w, one->point) > room_of(w, other->point);
	if (one->definite != other->definite)
		return one->definite;
	return !one->definite && one->met > other->met;
}

static const struct candidate *choose(const struct walker *w, const struct candidate *c, size_t n,
				      uint64_t packets)
{
	const struct candidate *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (better(w, &c[i], best, packets))
			best = &c[i];
	return best;
}

/* How sure it is that it was this candidate and none of the others that may have been. */
static enum confidence confidence_in(const struct walker *w, const struct candidate *chosen,
				     const struct candidate *c, size_t n, bool *ret_rivals)
{
	bool rivals = false, equal = false;

	for (size_t i = 0; i < n; i++) {
		if (c[i].point == chosen->point || w->b->points.items[c[i].point].exact)
			continue;
		rivals = true;
		equal |= c[i].met >= chosen->met;
	}
	*ret_rivals = rivals;
	if (rivals && !chosen->definite && equal)
		return POSSIBLE;
	return rivals || w->walk.more || !w->b->frees_in_chain ? LIKELY : CERTAIN;
}

static void blame_part(struct walker *w, const struct observation *o, const struct drop_flow *flow,
		       const struct candidate *c, const struct candidate *all, size_t n,
		       uint64_t packets)
{
	struct fw_flow *blamed = vec_push(&w->b->flows);
	struct fw_point *p;
	bool rivals;

	*blamed = (struct fw_flow){flow, packets, c ? c->point : FW_NOWHERE};
	if (!c)
		return;
	p = &w->b->points.items[c->point];
	p->weight += packets;
	p->transit += is_local(w, flow->family, flow->source) == ANSWER_NO ? packets : 0;
	if (is_ip_hook(fw_chain(p)->family, c->hook) && bridge_of(w, o, flow))
		p->bridged += packets;
	p->seen |= p->hooks & (1u << c->hook | 1u << (c->hook + 8) | 1u << (c->hook + 12));
	if (p->exact) {
		w->room[c->point] -= MIN(w->room[c->point], packets);
		return;
	}
	w->beyond -= MIN(w->beyond, packets);
	p->confidence = MIN(p->confidence, confidence_in(w, c, all, n, &rivals));
	if (rivals)
		p->how = "headers matched";
}

/*
 * A rule that drops only some of a flow (a limit, every second packet) has room for a part of it;
 * the rest ended elsewhere. What is too much for all of them is the trace's estimate, or what
 * passed between the trace and the snapshots; it stays with the one whose number is not known.
 */
static void blame_flow(struct walker *w, const struct observation *o, const struct walked *walked,
		       bool estimate)
{
	const struct candidate *last = NULL;
	uint64_t left = walked->flow->packets;

	w->walk.more = walked->more;
	while (left) {
		const struct candidate *c = choose(w, walked->candidates, walked->n, left);
		uint64_t part = c ? MIN(left, room_of(w, c->point)) : left;

		if (!c && last && (estimate || !w->b->points.items[last->point].exact))
			c = last;
		blame_part(w, o, walked->flow, c, walked->candidates, walked->n, part);
		if (!last || (c && !w->b->points.items[c->point].exact))
			last = c;
		left -= part;
	}
}

/* All ways lead to the same point. */
static bool is_single(const struct walked *walked)
{
	for (size_t i = 1; i < walked->n; i++)
		if (walked->candidates[i].point != walked->candidates[0].point)
			return false;
	return walked->n && !walked->more;
}

/* It was freed where none of the rules that are known frees a packet. */
static bool is_beside(const struct walker *w, const struct drop_flow *flow)
{
	return w->b->frees_in_chain && !w->legacy && !fw_is_nft_symbol(flow->symbol);
}

/*
 * First the flows that can only have ended in one place: counters end a moment after the trace, and
 * a rule that counted more than was traced of it must not draw in flows that fit another for sure.
 */
static void blame_flows(struct walker *w, const struct exam *x)
{
	const struct observation *o = x->o;
	struct walked *all = xcalloc(FLOWS_MAX, sizeof(*all));
	size_t n = 0;

	vec_each(flow, &x->d->drops->flows) {
		struct walked *walked = &all[n];

		if (n == FLOWS_MAX || !w->walk.steps)
			break;
		if (flow->netns != o->inode || strcmp(flow->reason, "NETFILTER_DROP") != 0 ||
		    is_beside(w, flow))
			continue;
		walked->flow = flow;
		walked->n = candidates_of(w, o, flow, walked->candidates,
					  ARRAY_SIZE(walked->candidates));
		walked->more = w->walk.more;
		n++;
	}
	for (int singles = 1; singles >= 0; singles--)
		for (size_t i = 0; i < n; i++)
			if (is_single(&all[i]) == (singles == 1))
				blame_flow(w, o, &all[i], x->d->drops->flows_sampled);
	free(all);
}

static void index_points(struct walker *w)
{
	w->points[0] = xcalloc(w->nft ? w->nft->rules.n : 0, sizeof(uint32_t));
	w->points[1] = xcalloc(w->legacy ? w->legacy->rules.n : 0, sizeof(uint32_t));
	w->room = xcalloc(w->b->points.n, sizeof(*w->room));
	for (size_t i = 0; i < w->b->points.n; i++) {
		struct fw_point *p = &w->b->points.items[i];

		w->room[i] = p->packets;
		if (!p->exact)
			p->how = "only candidate";
		if (!fw_is_policy(p))
			w->points[p->set == w->nft ? 0 : 1][p->rule] = (uint32_t)i + 1;
	}
}

void fw_walk_flows(const struct exam *x, struct fw_blame *b)
{
	const struct observation *o = x->o;
	struct change invalid = delta_counter(o, C_CT_INVALID);
	struct walker w = {.b = b,
			   .nft = fw_readable(o, SRC_NFT) ? &o->b.nft : NULL,
			   .legacy = fw_readable(o, SRC_IPTABLES) ? &o->b.iptables : NULL,
			   .beyond = b->beyond,
			   .invalid_possible = !invalid.known || invalid.delta};

	w.walk = (struct rule_walk){.possible = possible, .arg = &w, .steps = STEPS_MAX};
	for (size_t i = 0; w.nft && i < w.nft->chains.n; i++)
		w.bridge |= w.nft->chains.items[i].family == NFPROTO_BRIDGE;
	index_points(&w);
	blame_flows(&w, x);
	free(w.points[0]);
	free(w.points[1]);
	free(w.room);
}
