// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage ip: devices that carry the same packets and do not agree how large these may be. */
#include <net/if.h>
#include <stdio.h>

#include "causes/devices.h"
#include "causes/enter.h"
#include "causes/stages.h"

#define MISMATCHES_TOLD 8

static const char *const push_reasons[] = {"NOT_SPECIFIED", NULL};
static const char *const push_symbols[] = {"br_dev_queue_push_xmit", NULL};
static const struct drop_filter push_drops = {.reasons = push_reasons, .symbols = push_symbols};

/* What a tunnel puts around a packet, at least: the outer header is IPv4, without options. */
static const struct {
	const char *kind;
	unsigned int bytes;
} overheads[] = {
	{"vxlan", 50}, {"gre", 24}, {"gretap", 38}, {"erspan", 50}, {"ipip", 20}, {"sit", 20},
};

/* `large` may carry packets that `small`, which has to pass them on, may not. */
struct mismatch {
	const struct link *large;
	char small[128];
	unsigned int fits; /* the MTU that `large` may have */
	const char *text;
};

struct mismatches {
	VEC(struct mismatch) list;
};

static void add(struct mismatches *m, const struct link *large, const char *small, unsigned int fits,
		const char *text)
{
	struct mismatch *one;

	if (large->mtu <= fits || m->list.n >= MISMATCHES_TOLD)
		return;
	one = vec_push(&m->list);
	one->large = large;
	one->fits = fits;
	one->text = text;
	snprintf(one->small, sizeof(one->small), "%s", small);
}

static const struct link *underlay(const struct observation *o, const struct link *l)
{
	uint32_t of_vxlan = link_info(l, INFO_VXLAN_LINK);

	if (of_vxlan != INFO_UNKNOWN && of_vxlan)
		return snapshot_link(&o->b, of_vxlan);
	return l->peer_ifindex && !l->peer_known_netns ? snapshot_link(&o->b, l->peer_ifindex) : NULL;
}

static void check_tunnel(struct exam *x, const struct link *l, struct mismatches *m)
{
	const struct link *below = underlay(x->o, l);

	for (size_t i = 0; below && i < ARRAY_SIZE(overheads); i++)
		if (is_kind(l, overheads[i].kind) && below->mtu > overheads[i].bytes)
			add(m, l, below->name, below->mtu - overheads[i].bytes,
			    "the tunnel's own header does not fit: full packets are cut in two, or "
			    "lost where they must not be");
}

static void check_veth(struct exam *x, const struct link *l, struct mismatches *m)
{
	struct far_end end;
	char text[128];

	if (is_kind(l, "veth") && device_far_end(x->d, x->o, l, &end))
		add(m, l, far_end_text(&end, text, sizeof(text)), end.mtu,
		    "the other end drops what is larger than its MTU, and nobody is told");
}

static void check_port(struct exam *x, const struct link *l, struct mismatches *m)
{
	if (strcmp(l->port_kind, "bridge") != 0 || !(l->flags & IFF_UP))
		return;
	vec_each(other, &x->o->b.links)
		if (other->master_ifindex == l->master_ifindex && other->flags & IFF_UP)
			add(m, l, other->name, other->mtu,
			    "a bridge drops what is larger than the port it should leave by, and "
			    "nobody is told");
}

static void find_all(struct exam *x, struct mismatches *m)
{
	vec_each(l, &x->o->b.links) {
		if (!(l->flags & IFF_UP))
			continue;
		check_tunnel(x, l, m);
		check_veth(x, l, m);
		check_port(x, l, m);
	}
}

static void tell(struct exam *x, struct finding *f, const struct mismatches *m)
{
	char enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	vec_each(one, &m->list)
		evidence_text(f, x, "MTU of %s %u, of %s room for %u: %s", one->large->name,
			      one->large->mtu, one->small, one->fits, one->text);
	if (!m->list.n)
		return;
	r = finding_remedy(f, "equal-mtu", REMEDY_ROUTE, "an MTU that fits all the way: %u on %s",
			   m->list.items[0].fits, m->list.items[0].large->name);
	remedy_why(r, "or a larger one at the narrow end, if what is behind it carries that");
	remedy_command(r, "%sip link set dev %s mtu %u", enter, m->list.items[0].large->name,
		       m->list.items[0].fits);
	remedy_undo(r, "%sip link set dev %s mtu %u", enter, m->list.items[0].large->name,
		    m->list.items[0].large->mtu);
	remedy_change_number(r, "link", m->list.items[0].large->mtu, m->list.items[0].fits, "%s:mtu",
			     m->list.items[0].large->name);
	remedy_cost(r, "all hosts of the segment need the same: those that send larger packets still "
		       "lose them");
}

/* Lost at the bridge: the packet is larger than the port it should leave by. */
static void found_loss(struct exam *x, uint64_t lost)
{
	struct mismatches m = {0};
	struct finding *f = finding_new(x);
	const struct link *port;
	uint64_t sent = 0;

	ledger_claim(x->ledger, &push_drops, lost);
	subject_devices(x, f, &push_drops);
	vec_each(s, &f->subjects) {
		port = snapshot_link_named(&x->o->b, s->device);
		sent += port ? delta_value(delta_link(x->o, port, C_LINK_TX_PACKETS)) : 0;
	}
	finding_lost(f, NULL, &lost, sent + lost);
	f->severity = severity_of_share(x, f->lost, f->of);
	port = f->subjects.n ? snapshot_link_named(&x->o->b, f->subjects.items[0].device) : NULL;
	finding_headline(f, "packets are larger than the MTU of %s (%u), a port of the bridge",
			 port ? port->name : "a device", port ? port->mtu : 0);
	finding_text(f, "A bridge joins devices that must all have the same MTU: what is larger than the "
			"port it should leave by is dropped, without an error and without ICMP. Small "
			"packets pass, large ones vanish.");
	find_all(x, &m);
	tell(x, f, &m);
	vec_done(&m.list);
	evidence_traced(f, x, "at br_dev_queue_push_xmit", lost);
	finding_exclude(f, "a port that is not forwarding, or isolated: those are dropped before");
	finding_flows(x, f, &push_drops);
}

/* Nothing is lost by it now, that this host could see: packets are small, or TCP has adapted. */
static enum outcome found_risk(struct exam *x)
{
	struct mismatches m = {0};
	struct finding *f;

	find_all(x, &m);
	/* Those of one pair are told with what it lost. */
	if (!m.list.n || finding_here(x, "veth-mtu-or-down")) {
		vec_done(&m.list);
		evidence_text(NULL, x, "MTUs of %zu devices fit each other", x->o->b.links.n);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->confidence = LIKELY;
	vec_each(one, &m.list)
		memcpy(finding_subject(f)->device, one->large->name, sizeof(one->large->name));
	finding_headline(f, "%s may carry larger packets (%u) than %s takes (%u)",
			 m.list.items[0].large->name, m.list.items[0].large->mtu,
			 m.list.items[0].small, m.list.items[0].fits);
	finding_text(f, "Two devices on the same way have different ideas of a full packet. No packet was "
			"too large during the sample; the first one that is will be lost, or cut.");
	tell(x, f, &m);
	vec_done(&m.list);
	return FOUND;
}

enum outcome examine_mtu_mismatch(struct exam *x)
{
	uint64_t lost = 0;

	vec_each(link, &x->o->b.links) {
		struct drop_filter of_port = push_drops;

		of_port.ifindex = link->ifindex;
		/* A port that is down is no matter of sizes. */
		if (link->flags & IFF_UP)
			lost += ledger_unclaimed(x->ledger, &of_port);
	}
	if (!lost)
		return found_risk(x);
	found_loss(x, lost);
	return FOUND;
}
