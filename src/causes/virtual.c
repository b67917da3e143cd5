// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage l2: links whose other end is software. */
#include <net/if.h>
#include <stdio.h>

#include "causes/devices.h"
#include "causes/enter.h"
#include "causes/stages.h"

#define OPERSTATE_LOWERLAYERDOWN 3 /* include/uapi/linux/if.h IF_OPER_LOWERLAYERDOWN */

/* ---- veth-mtu-or-down ---- */

static const char *const no_reasons[] = {"NOT_SPECIFIED", NULL};
static const char *const forward_symbols[] = {"__dev_forward_skb2", NULL};
static const char *const noop_reasons[] = {"QDISC_DROP", NULL};

/* One end of a pair that sent what the other end did not take. */
struct veth_end {
	const struct link *link;
	bool far_known;
	struct far_end far;
	uint64_t refused, unplugged;	/* by the peer's MTU or state; for want of a carrier */
};

static bool is_running(const struct exam *x, const struct link *link)
{
	const struct link *before = snapshot_link(&x->o->a, link->ifindex);

	return link->flags & IFF_RUNNING && (!before || before->flags & IFF_RUNNING);
}

/* Without a carrier the kernel hangs noop on the device, whose drops no queue counts. */
static struct veth_end veth_end_of(const struct exam *x, const struct link *link)
{
	struct drop_filter refused = {.reasons = no_reasons,
				      .symbols = forward_symbols,
				      .ifindex = link->ifindex};
	struct drop_filter unplugged = {.reasons = noop_reasons, .ifindex = link->ifindex};
	struct veth_end end = {.link = link};

	end.far_known = device_far_end(x->d, x->o, link, &end.far);
	end.refused = ledger_unclaimed(x->ledger, &refused);
	if (!is_running(x, link))
		end.unplugged = ledger_unclaimed(x->ledger, &unplugged);
	return end;
}

static void claim_veth(struct exam *x, const struct veth_end *end)
{
	struct drop_filter refused = {.reasons = no_reasons,
				      .symbols = forward_symbols,
				      .ifindex = end->link->ifindex};
	struct drop_filter unplugged = {.reasons = noop_reasons, .ifindex = end->link->ifindex};

	ledger_claim(x->ledger, &refused, end->refused);
	ledger_claim(x->ledger, &unplugged, end->unplugged);
}

/* How a command gets to the other end. */
static const char *reaching(const struct far_end *end, const char *enter, char *to, size_t size)
{
	if (end->here)
		return enter;
	if (strcmp(end->netns, "host") == 0)
		return "nsenter -t 1 -n ";
	snprintf(to, size, "ip netns exec %s ", is_plain(end->netns) ? end->netns : "NAMESPACE");
	return to;
}

static void down_words(struct exam *x, struct finding *f, const struct veth_end *end,
		       const char *other)
{
	char enter[96], there[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	finding_headline(f, "%s is down, the other end of %s", other, end->link->name);
	finding_text(f, "What is sent by this virtual link goes nowhere until its other end is up. The "
			"program sees no error.");
	if (end->link->operstate == OPERSTATE_LOWERLAYERDOWN)
		evidence_text(f, x, "%s is in state lowerlayerdown: its other end is not up",
			      end->link->name);
	r = finding_remedy(f, "peer-up", REMEDY_ROUTE, "bring %s up", other);
	remedy_command(r, "%sip -d link show dev %s", enter, end->link->name);
	if (end->far_known)
		remedy_command(r, "%sip link set dev %s up", reaching(&end->far, enter, there,
								     sizeof(there)),
			       end->far.name);
	else
		remedy_why(r, "`@if%u` is the index of the other end, link-netnsid its namespace",
			   end->link->peer_ifindex);
}

static void mtu_words(struct exam *x, struct finding *f, const struct veth_end *end,
		      const char *other)
{
	const struct link *link = end->link;
	char enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	finding_headline(f, "%s, the other end of %s, does not take packets of this size", other,
			 link->name);
	finding_text(f, "A virtual link drops what is larger than the MTU of its other end. The "
			"program sees no error, and no ICMP comes: path MTU discovery does not help.");
	if (end->far_known)
		evidence_text(f, x, "MTU %u here, %u at the other end (%s)", link->mtu, end->far.mtu,
			      other);
	else
		evidence_text(f, x, "MTU %u here; the other end's is not known", link->mtu);
	r = finding_remedy(f, "equal-mtu", REMEDY_ROUTE, "the same MTU at both ends of %s", link->name);
	remedy_command(r, "%sip -d link show dev %s", enter, link->name);
	if (end->far_known && end->far.mtu < link->mtu) {
		remedy_command(r, "%sip link set dev %s mtu %u", enter, link->name, end->far.mtu);
		remedy_undo(r, "%sip link set dev %s mtu %u", enter, link->name, link->mtu);
		remedy_change_number(r, "link", link->mtu, end->far.mtu, "%s:mtu", link->name);
	}
	remedy_risk(r, "the lower of the two costs some throughput; connections that are open adapt");
}

static void veth_words(struct exam *x, struct finding *f, const struct veth_end *end)
{
	char other[128] = "the other end";

	if (end->far_known)
		far_end_text(&end->far, other, sizeof(other));
	if (end->unplugged > end->refused || !is_running(x, end->link))
		down_words(x, f, end, other);
	else
		mtu_words(x, f, end, other);
}

enum outcome examine_veth(struct exam *x)
{
	struct veth_end worst = {0};
	uint64_t traced = 0, sent = 0;
	struct finding *f = NULL;
	char name[48];

	if (!tracing(x))
		return by_device_counter(x, C_LINK_TX_DROPPED);
	vec_each(link, &x->o->b.links) {
		struct veth_end end;

		if (strcmp(link->kind, "veth") != 0)
			continue;
		end = veth_end_of(x, link);
		if (!end.refused && !end.unplugged)
			continue;
		f = f ? f : finding_new(x);
		claim_veth(x, &end);
		traced += end.refused + end.unplugged;
		sent += delta_value(delta_link(x->o, link, C_LINK_TX_PACKETS));
		if (end.refused + end.unplugged > worst.refused + worst.unplugged)
			worst = end;
		snprintf(name, sizeof(name), "%s tx_dropped", link->name);
		evidence_change(f, x, "rtnetlink", name, delta_link(x->o, link, C_LINK_TX_DROPPED));
		memcpy(finding_subject(f)->device, link->name, sizeof(link->name));
	}
	if (!f) {
		evidence_traced(NULL, x, "NOT_SPECIFIED at __dev_forward_skb2", 0);
		return NOT_FOUND;
	}
	finding_lost(f, NULL, &traced, sent + traced);
	f->severity = severity_of_share(x, f->lost, f->of);
	veth_words(x, f, &worst);
	evidence_traced(f, x, "at __dev_forward_skb2, or without a carrier", traced);
	finding_exclude(f, "a queue or shaper (its own drops counter stands still)");
	finding_flows(x, f, &(struct drop_filter){.reasons = no_reasons, .symbols = forward_symbols});
	if (worst.unplugged)
		finding_flows(x, f, &(struct drop_filter){.reasons = noop_reasons,
							  .ifindex = worst.link->ifindex});
	return FOUND;
}

/* ---- tap-ring-full ---- */

static const char *const ring_reasons[] = {"FULL_RING", NULL};
static const struct drop_filter ring_drops = {.reasons = ring_reasons};

static void tap_remedies(struct exam *x, struct finding *f, const struct link *link)
{
	uint64_t to = next_power_of_two(2 * (uint64_t)MAX(link->txqlen, 500U));
	char enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "find-reader", REMEDY_APPLICATION,
			   "see what holds up the program that reads %s", link->name);
	remedy_why(r, "a virtual machine or VPN that is stopped, short of CPU, or reads by one thread");
	remedy_command(r, "grep -l 'iff:.*%s$' /proc/[0-9]*/fdinfo/*", link->name);
	if (to > 16384)
		return;
	r = finding_remedy(f, "longer-ring", REMEDY_TC, "a longer ring for %s: %u -> %llu frames",
			   link->name, link->txqlen, (unsigned long long)to);
	remedy_why(r, "it rides out bursts; a reader that is too slow all the time fills any ring");
	remedy_command(r, "%sip link set dev %s txqueuelen %llu", enter, link->name,
		       (unsigned long long)to);
	remedy_undo(r, "%sip link set dev %s txqueuelen %u", enter, link->name, link->txqlen);
	remedy_change_number(r, "link", link->txqlen, to, "%s:txqueuelen", link->name);
	remedy_cost(r, "more delay while the ring is long");
}

/*
 * tun_net_xmit() puts each frame into a ring of txqueuelen entries and never makes the queue above
 * wait: when the ring is full the frame is lost, the qdisc counts nothing, and the sender sees
 * nothing. tap_handle_frame() does the same for macvtap.
 */
enum outcome examine_tap_ring(struct exam *x)
{
	const struct link *worst = NULL;
	uint64_t traced, sent = 0, most = 0;
	struct finding *f;
	char name[48];

	if (!tracing(x))
		return by_device_counter(x, C_LINK_TX_DROPPED);
	traced = ledger_unclaimed(x->ledger, &ring_drops);
	if (!traced) {
		evidence_traced(NULL, x, "FULL_RING", 0);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &ring_drops, traced);
	subject_devices(x, f, &ring_drops);
	vec_each(s, &f->subjects) {
		const struct link *link = snapshot_link_named(&x->o->b, s->device);
		bool tun = link && is_kind(link, "tun");
		enum counter_id id = tun ? C_LINK_TX_DROPPED : C_LINK_RX_DROPPED;

		if (!link)
			continue;
		sent += delta_value(delta_link(x->o, link, tun ? C_LINK_TX_PACKETS
							       : C_LINK_RX_PACKETS));
		snprintf(name, sizeof(name), "%s %s", s->device, tun ? "tx_dropped" : "rx_dropped");
		evidence_change(f, x, "rtnetlink", name, delta_link(x->o, link, id));
		if (s->lost > most) {
			most = s->lost;
			worst = link;
		}
	}
	finding_lost(f, NULL, &traced, sent + traced);
	f->severity = severity_of_share(x, f->lost, f->of);
	finding_headline(f, "nobody reads %s fast enough", worst ? worst->name : "a tap device");
	finding_text(f, "What is sent by this device waits in a ring until a program has read it: a "
			"virtual machine, a VPN. The ring is full, and the kernel does not make senders "
			"wait: nobody sees an error.");
	if (worst)
		evidence_text(f, x, "the ring of %s holds %u frames (txqueuelen)", worst->name,
			      worst->txqlen);
	evidence_traced(f, x, "FULL_RING", traced);
	finding_exclude(f, "a full queue or shaper (its own drops counter stands still)");
	finding_flows(x, f, &ring_drops);
	if (worst)
		tap_remedies(x, f, worst);
	return FOUND;
}

/* ---- macvlan-ipvlan-mode ---- */

#define IPVLAN_PRIVATE 1 /* include/uapi/linux/if_link.h IPVLAN_F_PRIVATE */

/*
 * ipvlan_xmit_mode_l2() and _l3() use up (consume_skb: no drop event) what is for another ipvlan of
 * the same device where that is private, and count tx_dropped. A private or VEPA macvlan sends it
 * out by the wire instead, from where it does not come back: nothing here counts that.
 */
static uint64_t kept_apart(struct exam *x, const struct link *link)
{
	const struct drop_filter of_device = {.ifindex = link->ifindex};
	uint32_t flags = link_info(link, INFO_IPVLAN_FLAGS);
	uint64_t dropped = delta_value(delta_link(x->o, link, C_LINK_TX_DROPPED));

	if (flags == INFO_UNKNOWN || !(flags & IPVLAN_PRIVATE))
		return 0;
	return dropped - MIN(dropped, ledger_traced(x->ledger, &of_device));
}

enum outcome examine_ipvlan_mode(struct exam *x)
{
	struct finding *f = NULL;
	uint64_t lost = 0, sent = 0;
	const char *device;
	char enter[96];
	struct remedy *r;

	vec_each(link, &x->o->b.links) {
		uint64_t here = kept_apart(x, link);
		struct subject *s;
		char name[48];

		if (!here)
			continue;
		f = f ? f : finding_new(x);
		s = finding_subject(f);
		memcpy(s->device, link->name, sizeof(s->device));
		s->has_lost = true;
		s->lost = here;
		lost += here;
		sent += delta_value(delta_link(x->o, link, C_LINK_TX_PACKETS));
		snprintf(name, sizeof(name), "%s tx_dropped", link->name);
		evidence_change(f, x, "rtnetlink", name, delta_link(x->o, link, C_LINK_TX_DROPPED));
	}
	if (!f) {
		evidence_text(NULL, x, "no private ipvlan dropped anything");
		return NOT_FOUND;
	}
	device = first_of(f)->device;
	entering(x, enter, sizeof(enter));
	finding_lost(f, &lost, NULL, sent + lost);
	f->severity = MIN(SEVERITY_WARNING, severity_of_share(x, f->lost, f->of));
	f->confidence = LIKELY;
	finding_headline(f, "%s is private: it does not reach others on the same device", device);
	finding_text(f, "Packets for another ipvlan of the same device are dropped, because the device "
			"is set to private. It keeps containers apart, and is so by design.");
	finding_exclude(f, "a full queue, a filter: no drop event of this device");
	r = finding_remedy(f, "bridge-mode", REMEDY_ROUTE,
			   "if the two are meant to reach each other: bridge mode instead of private");
	remedy_why(r, "the mode is that of all ipvlans of the device below");
	remedy_command(r, "%sip link set dev %s type ipvlan bridge", enter, device);
	remedy_undo(r, "%sip link set dev %s type ipvlan private", enter, device);
	remedy_risk(r, "what set it keeps containers apart by it");
	return FOUND;
}
