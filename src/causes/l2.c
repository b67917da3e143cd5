// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage l2: frames that came in and are for nobody here. */
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>

#include "causes/devices.h"
#include "causes/enter.h"
#include "causes/stages.h"

#define KINDS_TOLD 4
#define UNHANDLED_RATE 10 /* frames a second: fewer are the chatter of switches */
#define OTHERHOST_SHARE 0.01

/* ---- ethertype-unhandled ---- */

static const char *const unhandled_reasons[] = {"UNHANDLED_PROTO", NULL};
static const struct drop_filter unhandled_drops = {.reasons = unhandled_reasons};

/*
 * What such frames are. skb->protocol is the ethertype, or below 0x600 one of the kernel's own
 * numbers for frames that have a length there (include/uapi/linux/if_ether.h).
 */
static const struct {
	uint16_t ethertype;
	const char *name;
} ethertypes[] = {
	{0x0001, "802.3 frames of the IPX kind"},
	{0x0004, "802.2 frames (STP, CDP)"},
	{0x0800, "IPv4"},
	{0x0806, "ARP"},
	{0x8100, "VLAN-tagged frames"},
	{0x8137, "IPX"},
	{0x8847, "MPLS"},
	{0x8863, "PPPoE discovery"},
	{0x8864, "PPPoE"},
	{0x86dd, "IPv6"},
	{0x8809, "LACP and other slow protocols"},
	{0x888e, "802.1X"},
	{0x8892, "PROFINET"},
	{0x88a4, "EtherCAT"},
	{0x88a8, "doubly VLAN-tagged frames"},
	{0x88cc, "LLDP"},
	{0x88f7, "PTP"},
	{0x8906, "FCoE"},
	{0x8914, "FCoE discovery"},
	{0x9000, "loopback tests of switches"},
};

static const char *ethertype_text(uint16_t ethertype, char *to, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(ethertypes); i++)
		if (ethertypes[i].ethertype == ethertype) {
			snprintf(to, size, "%s (0x%04x)", ethertypes[i].name, ethertype);
			return to;
		}
	snprintf(to, size, "ethertype 0x%04x", ethertype);
	return to;
}

struct frame_kind {
	uint16_t ethertype;
	uint32_t ifindex;
	uint64_t packets;
};

struct unhandled {
	VEC(struct frame_kind) kinds; /* most frames first */
	uint64_t frames;
};

static void count_kind(struct unhandled *u, const struct drop *d, uint64_t packets)
{
	struct frame_kind *kind = NULL;

	vec_each(known, &u->kinds)
		if (known->ethertype == d->ethertype && known->ifindex == d->ifindex)
			kind = known;
	if (!kind) {
		kind = vec_push(&u->kinds);
		kind->ethertype = d->ethertype;
		kind->ifindex = d->ifindex;
	}
	kind->packets += packets;
	u->frames += packets;
}

static int compare_kinds(const void *one, const void *other)
{
	const struct frame_kind *a = one, *b = other;

	return a->packets == b->packets ? 0 : a->packets > b->packets ? -1 : 1;
}

/* What rx-nohandler and ipv6-disabled-or-bad took has the same reason. */
static void gather_unhandled(const struct exam *x, struct unhandled *u)
{
	vec_each(line, &x->ledger->lines) {
		if (line->benign || !drop_matches(line->drop, &unhandled_drops))
			continue;
		if (line->claimed < line->drop->packets)
			count_kind(u, line->drop, line->drop->packets - line->claimed);
	}
	if (u->kinds.n)
		qsort(u->kinds.items, u->kinds.n, sizeof(*u->kinds.items), compare_kinds);
}

static uint64_t received_by(const struct exam *x, const struct unhandled *u)
{
	uint64_t sum = 0;

	vec_each(link, &x->o->b.links)
		for (size_t i = 0; i < u->kinds.n; i++)
			if (u->kinds.items[i].ifindex == link->ifindex) {
				sum += delta_value(delta_link(x->o, link, C_LINK_RX_PACKETS));
				break;
			}
	return MAX(sum, u->frames);
}

static void tell_kinds(struct exam *x, struct finding *f, const struct unhandled *u)
{
	char what[64];

	for (size_t i = 0; i < MIN(u->kinds.n, (size_t)KINDS_TOLD); i++) {
		const struct frame_kind *kind = &u->kinds.items[i];
		const struct link *link = snapshot_link(&x->o->b, kind->ifindex);

		evidence_text(f, x, "%llu %s on %s", (unsigned long long)kind->packets,
			      ethertype_text(kind->ethertype, what, sizeof(what)),
			      link ? link->name : "a device that is gone");
	}
}

static void unhandled_remedies(struct exam *x, struct finding *f, const char *device)
{
	char enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "filter-at-switch", REMEDY_CAPACITY,
			   "nothing is lost that anybody here wants; keep the frames off the port of "
			   "the switch if they are many");
	remedy_why(r, "each one costs an interrupt and counts as rx_dropped, which hides real drops");
	remedy_command(r, "%stcpdump -c 20 -eni %s not ip and not ip6 and not arp", enter, device);
}

enum outcome by_device_counter(struct exam *x, enum counter_id id)
{
	if (!observed(x->o, SRC_LINK))
		return not_examined_source(x, SRC_DROPS);
	vec_each(link, &x->o->b.links) {
		struct change c = delta_link(x->o, link, id);

		if (!c.known || c.delta)
			return not_examined_source(x, SRC_DROPS);
	}
	evidence_text(NULL, x, "%s +0 on %zu devices", counter_rows[id].name, x->o->b.links.n);
	return NOT_FOUND;
}

/* Nobody waits for such frames here, so it is a note, unless they come in numbers. */
enum outcome examine_ethertype_unhandled(struct exam *x)
{
	struct unhandled u = {0};
	const struct link *link;
	struct finding *f;
	char what[64];

	if (!tracing(x))
		return by_device_counter(x, C_LINK_RX_DROPPED);
	gather_unhandled(x, &u);
	if (!u.frames) {
		evidence_traced(NULL, x, "UNHANDLED_PROTO", 0);
		vec_done(&u.kinds);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &unhandled_drops, u.frames);
	finding_lost(f, NULL, &u.frames, received_by(x, &u));
	f->severity = MIN(severity_of_share(x, f->lost, f->of), SEVERITY_WARNING);
	if (per_second(x->o, f->lost) < UNHANDLED_RATE)
		f->severity = SEVERITY_INFO;
	link = snapshot_link(&x->o->b, u.kinds.items[0].ifindex);
	finding_headline(f, "%s: nobody handles %s", link ? link->name : "a device",
			 ethertype_text(u.kinds.items[0].ethertype, what, sizeof(what)));
	finding_text(f, "These frames carry no protocol that this host speaks. Most often they are "
			"announcements of switches; they raise rx_dropped, and nothing is missing.");
	subject_devices(x, f, &unhandled_drops);
	tell_kinds(x, f, &u);
	vec_each(s, &f->subjects) {
		const struct link *named = snapshot_link_named(&x->o->b, s->device);
		char name[48];

		snprintf(name, sizeof(name), "%s rx_dropped", s->device);
		if (named)
			evidence_change(f, x, "rtnetlink", name,
					delta_link(x->o, named, C_LINK_RX_DROPPED));
	}
	evidence_traced(f, x, "UNHANDLED_PROTO", u.frames);
	finding_exclude(f, "frames for another MAC address (reason OTHERHOST)");
	unhandled_remedies(x, f, link ? link->name : "DEVICE");
	vec_done(&u.kinds);
	return FOUND;
}

/* ---- rx-nohandler ---- */

/*
 * An inactive member of a bond or team gives on only what somebody listens for on that very device
 * (LLDP, say). The rest is a copy of what the active one gets; it is dropped for the same reason as
 * an unknown protocol, and counted as rx_nohandler. The master adds its members' counters up.
 */
enum outcome examine_rx_nohandler(struct exam *x)
{
	uint64_t counted = 0, traced = 0, received = 0;
	const struct link *worst = NULL, *master;
	struct finding *f = NULL;
	uint64_t most = 0;

	vec_each(link, &x->o->b.links) {
		struct drop_filter of_device = unhandled_drops;
		struct change c = delta_link(x->o, link, C_LINK_RX_NOHANDLER);
		char name[48];
		struct subject *s;

		if (!c.known || !c.delta || counts_again(link))
			continue;
		f = f ? f : finding_new(x);
		of_device.ifindex = link->ifindex;
		s = finding_subject(f);
		memcpy(s->device, link->name, sizeof(s->device));
		s->has_lost = true;
		s->lost = c.delta;
		s->traced = ledger_claim(x->ledger, &of_device, c.delta);
		traced += s->traced;
		counted += c.delta;
		received += delta_value(delta_link(x->o, link, C_LINK_RX_PACKETS));
		snprintf(name, sizeof(name), "%s rx_nohandler", link->name);
		evidence_change(f, x, "rtnetlink", name, c);
		if (c.delta > most) {
			most = c.delta;
			worst = link;
		}
	}
	if (!f) {
		evidence_text(NULL, x, "rx_nohandler +0 on %zu devices", x->o->b.links.n);
		return NOT_FOUND;
	}
	finding_lost(f, &counted, tracing(x) ? &traced : NULL, MAX(received, counted));
	master = device_master(x->o, worst);
	if (master)
		finding_headline(f, "%s hears what its %s takes from another member", worst->name,
				 master->name);
	else
		finding_headline(f, "%s takes only what is meant for that very device", worst->name);
	finding_text(f, "An inactive member of a bond is there to take over; what the switch floods to "
			"it too are copies, and nothing is missing. If the traffic of the active "
			"member is missing instead, the switch sends to the wrong port.");
	evidence_traced(f, x, "UNHANDLED_PROTO", traced);
	finding_exclude(f, "a protocol that nobody handles: that is counted as rx_dropped");
	return FOUND;
}

/* ---- otherhost-mac and vlan-unknown ---- */

static const char *const otherhost_reasons[] = {"OTHERHOST", NULL};
static const struct drop_filter otherhost_drops = {.reasons = otherhost_reasons};

/* What one device heard that was for others. */
struct overheard {
	const struct link *link;
	uint64_t frames, received;
	bool promiscuous; /* it was told to listen to everything */
};

static bool is_promiscuous(const struct link *link)
{
	return link->flags & IFF_PROMISC || link->promiscuity > 0;
}

static struct overheard overheard_by(const struct exam *x, const struct link *link)
{
	struct drop_filter of_device = otherhost_drops;
	struct change counted = delta_link(x->o, link, C_LINK_RX_OTHERHOST_DROPPED);
	struct overheard h = {.link = link, .promiscuous = is_promiscuous(link)};
	const struct link *before = snapshot_link(&x->o->a, link->ifindex);

	of_device.ifindex = link->ifindex;
	h.frames = counted.known ? counted.delta : ledger_traced(x->ledger, &of_device);
	h.received = delta_value(delta_link(x->o, link, C_LINK_RX_PACKETS));
	h.promiscuous |= before && is_promiscuous(before);
	return h;
}

/* Frames to a group are never for another host's MAC: these had a VLAN tag, see below. */
static bool to_group(const struct drop_flow *flow)
{
	const uint8_t *to = flow->destination;

	return flow->family == AF_INET6 ? to[0] == 0xff : to[0] >= 224;
}

static uint64_t overheard_flows(const struct exam *x, bool groups)
{
	uint64_t sum = 0;

	if (!tracing(x))
		return 0;
	ledger_each_flow(flow, x->ledger)
		if (strcmp(flow->reason, "OTHERHOST") == 0 && to_group(flow) == groups)
			sum += flow->packets;
	return sum;
}

/* The first flow of the kind that `groups` names, in words; "" if there is none. */
static const char *flow_text(const struct exam *x, bool groups, char *to, size_t size)
{
	char source[64], destination[64];

	to[0] = '\0';
	if (!tracing(x))
		return to;
	ledger_each_flow(flow, x->ledger) {
		if (strcmp(flow->reason, "OTHERHOST") != 0 || to_group(flow) != groups)
			continue;
		snprintf(to, size, "from %s to %s",
			 address_text(flow->family, flow->source, source, sizeof(source)),
			 address_text(flow->family, flow->destination, destination,
				      sizeof(destination)));
		break;
	}
	return to;
}

static void otherhost_remedies(struct exam *x, struct finding *f, const struct overheard *worst)
{
	char enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	if (worst->promiscuous) {
		r = finding_remedy(f, "end-promiscuous", REMEDY_APPLICATION,
				   "find what listens to everything on %s, if nobody should",
				   worst->link->name);
		remedy_why(r, "a capture, a bridge or a virtual machine asks for it; without it the "
			      "device leaves these frames out itself");
		remedy_command(r, "%sip -d link show dev %s", enter, worst->link->name);
		remedy_command(r, "%sss -0 -p", enter);
		return;
	}
	r = finding_remedy(f, "fix-sender", REMEDY_ROUTE,
			   "find the sender that uses a wrong hardware address");
	remedy_why(r, "nobody asked %s to listen to others, so the frames were sent to this port: a "
		      "stale or fixed ARP entry of the sender, or a switch that floods",
		   worst->link->name);
	remedy_command(r, "%stcpdump -c 20 -eni %s not ether broadcast and not ether multicast",
		       enter, worst->link->name);
	remedy_command(r, "%sip link show dev %s", enter, worst->link->name);
	remedy_cost(r, "tcpdump makes the device promiscuous while it runs: it hears more then");
}

static void otherhost_words(struct exam *x, struct finding *f, const struct overheard *worst)
{
	char flow[160], name[64];

	flow_text(x, false, flow, sizeof(flow));
	finding_headline(f, "%s hears frames for other MAC addresses%s%s", worst->link->name,
			 *flow ? ", " : "", flow);
	if (worst->promiscuous)
		finding_text(f, "The device was told to listen to everything, so it also takes in "
				"what others send each other. Nothing of this host's is lost.");
	else
		finding_text(f, "The frames came to this port with a hardware address that is not "
				"this device's, and it is not told to listen to others. If the IP "
				"address is this host's, the sender holds a wrong ARP entry, and "
				"what it sends is lost.");
	snprintf(name, sizeof(name), "%s rx_otherhost_dropped", worst->link->name);
	if (delta_link(x->o, worst->link, C_LINK_RX_OTHERHOST_DROPPED).known)
		evidence_change(f, x, "rtnetlink", name,
				delta_link(x->o, worst->link, C_LINK_RX_OTHERHOST_DROPPED));
	evidence_text(f, x, "%s is %spromiscuous", worst->link->name,
		      worst->promiscuous ? "" : "not ");
	finding_exclude(f, "frames of a protocol nobody handles (reason UNHANDLED_PROTO)");
	otherhost_remedies(x, f, worst);
}

/*
 * A frame whose VLAN no device here has is marked as for another host, too, by __netif_receive_
 * skb_core(), and its tag is gone when it is dropped. But only unicast frames can be for another
 * MAC address; what went to a group and is dropped so had a tag. The rest of the same VLAN cannot
 * be told from the others, so this is a lower bound.
 */
static uint64_t tagged_frames(const struct exam *x)
{
	return overheard_flows(x, true);
}

enum outcome examine_otherhost_mac(struct exam *x)
{
	uint64_t counted = 0, traced = ledger_traced(x->ledger, &otherhost_drops), received = 0;
	uint64_t tagged = tagged_frames(x), of_others = overheard_flows(x, false);
	struct overheard worst = {0};
	bool complete = observed(x->o, SRC_LINK), loud = false;
	struct finding *f;

	traced -= MIN(traced, tagged);
	vec_each(link, &x->o->b.links) {
		struct overheard h = overheard_by(x, link);

		complete &= delta_link(x->o, link, C_LINK_RX_OTHERHOST_DROPPED).known;
		if (!h.frames || counts_again(link))
			continue;
		counted += h.frames;
		received += h.received;
		loud |= !h.promiscuous &&
			(double)h.frames > OTHERHOST_SHARE * (double)MAX(h.received, h.frames);
		if (!worst.link || (worst.promiscuous && !h.promiscuous) ||
		    (worst.promiscuous == h.promiscuous && h.frames > worst.frames))
			worst = h;
	}
	counted -= MIN(counted, tagged);
	if (!worst.link || (!counted && !traced) || (tracing(x) && tagged && !of_others)) {
		evidence_text(NULL, x, "rx_otherhost_dropped +%llu", (unsigned long long)counted);
		evidence_traced(NULL, x, "OTHERHOST", traced);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &otherhost_drops, traced);
	finding_lost(f, complete ? &counted : NULL, tracing(x) ? &traced : NULL,
		     MAX(received, counted));
	f->severity = loud && !tagged && f->lost >= threshold_count(x, THRESHOLD_LOSS_PACKETS)
			      ? SEVERITY_WARNING
			      : SEVERITY_INFO;
	otherhost_words(x, f, &worst);
	subject_devices(x, f, &otherhost_drops);
	if (!f->subjects.n)
		memcpy(finding_subject(f)->device, worst.link->name, sizeof(worst.link->name));
	evidence_traced(f, x, "OTHERHOST", traced);
	finding_flows(x, f, &otherhost_drops);
	return FOUND;
}

enum outcome examine_vlan_unknown(struct exam *x)
{
	uint64_t tagged = tagged_frames(x);
	char flow[160], enter[96];
	struct remedy *r;
	struct finding *f;

	if (!tracing(x))
		return by_device_counter(x, C_LINK_RX_OTHERHOST_DROPPED);
	if (!tagged) {
		evidence_text(NULL, x, "no frame to a group was dropped as for another host");
		return NOT_FOUND;
	}
	f = finding_new(x);
	tagged = ledger_claim(x->ledger, &otherhost_drops, tagged);
	finding_lost(f, NULL, &tagged,
		     MAX(tagged, delta_value(delta_sum(x->o, C_IP_IN_RECEIVES, C_IP6_IN_RECEIVES))));
	f->confidence = LIKELY;
	finding_headline(f, "frames of a VLAN that no device here has, %s",
			 flow_text(x, true, flow, sizeof(flow)));
	finding_text(f, "The frames carry a VLAN tag, and no VLAN device takes them: the port of the "
			"switch is a trunk and lets more VLANs through than are used here, or a VLAN "
			"device is missing. At least so many: only frames to groups can be told.");
	subject_devices(x, f, &otherhost_drops);
	evidence_traced(f, x, "OTHERHOST, to group addresses", tagged);
	finding_exclude(f, "another host's MAC address: frames to a group have none");
	finding_flows(x, f, &otherhost_drops);
	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "vlan-device", REMEDY_ROUTE,
			   "if this host is to be in that VLAN: a VLAN device; else take the VLAN off "
			   "the port of the switch");
	remedy_command(r, "%stcpdump -c 20 -eni %s vlan", enter,
		       f->subjects.n ? f->subjects.items[0].device : "DEVICE");
	remedy_command(r, "%sip link add link %s name VLAN-DEVICE type vlan id ID", enter,
		       f->subjects.n ? f->subjects.items[0].device : "DEVICE");
	remedy_undo(r, "%sip link del VLAN-DEVICE", enter);
	return FOUND;
}

/* ---- rx-promisc-leftover ---- */

/*
 * IFF_PROMISC in the flags that rtnetlink tells is what somebody set by hand, or an old program by
 * ioctl; captures, bridges and macvlans of today ask by a count that ends with them.
 */
static bool set_by_hand(const struct snapshot *s, const char *device)
{
	const struct link *link = snapshot_link_named(s, device);

	return link && link->flags & IFF_PROMISC && !link->master_ifindex;
}

static bool is_captured(const struct exam *x, const struct link *link)
{
	vec_each(sk, &x->o->b.packet_sockets)
		if (!sk->ifindex || sk->ifindex == link->ifindex)
			return true;
	return false;
}

bool explains_promisc_leftover(struct exam *x, const struct finding *f, const struct subject *s)
{
	const struct link *link = snapshot_link_named(&x->o->b, s->device);

	return strcmp(f->cause->id, "otherhost-mac") == 0 && s->has_lost && link &&
	       set_by_hand(&x->o->b, s->device) && set_by_hand(&x->o->a, s->device) &&
	       !is_captured(x, link);
}

void describe_promisc_leftover(struct exam *x, struct finding *f)
{
	const char *device = first_of(f)->device;
	char enter[96];
	struct remedy *r;

	f->severity = SEVERITY_INFO;
	entering(x, enter, sizeof(enter));
	finding_headline(f, "%s was told to listen to everything, and nobody here captures", device);
	finding_text(f, "The device takes in what others send each other, and the kernel throws it away "
			"again. It was switched on by hand or by a program that did not switch it off; "
			"no capture of this namespace is open on it. Nothing of this host's is lost.");
	evidence_text(f, x, "%s has the flag PROMISC; %zu packet sockets, none of them on it", device,
		      x->o->b.packet_sockets.n);
	r = finding_remedy(f, "promisc-off", REMEDY_ROUTE, "switch it off on %s", device);
	remedy_why(r, "each frame of others costs an interrupt's work for nothing");
	remedy_command(r, "%sip link set dev %s promisc off", enter, device);
	remedy_undo(r, "%sip link set dev %s promisc on", enter, device);
	remedy_risk(r, "a program that has it on for a reason (an intrusion detection that reads by "
		       "other means) goes blind");
}
