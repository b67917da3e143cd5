// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage neigh: addresses that lead to the wrong card. Two devices that answer for one another, two
 * hosts with one address, and an entry that names a card which is not there any more. All of them
 * lose packets on the wire or at another host: here only the addresses show it.
 */
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define SUBJECTS_SHOWN 16
#define LONGEST_NETWORK 30 /* bits: in a longer one there is nobody else to ask */

static const char *mac_text(const uint8_t *m, char *to, size_t size)
{
	snprintf(to, size, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	return to;
}

static size_t size_of(uint8_t family)
{
	return family == AF_INET6 ? 16 : 4;
}

static void add_subject(struct finding *f, const struct link *link, const char *address)
{
	struct subject *s;

	if (f->subjects.n == SUBJECTS_SHOWN)
		return;
	s = finding_subject(f);
	if (link)
		memcpy(s->device, link->name, sizeof(s->device));
	s->address = xstrdup(address);
}

/* ---- arp-flux ---- */

/* An IPv4 address on a device that answers ARP for any address of this host. */
struct answering {
	uint32_t network; /* host byte order */
	uint8_t prefix;
	const struct address *address;
	const struct link *link;
};

/* The stricter of conf.all and the device's own holds (IN_DEV_MAXCONF, IN_DEV_ORCONF). */
static bool answers_for_all(const struct exam *x, const struct link *link)
{
	int64_t ignore, filter;

	return link->arp_ignore == 0 && link->arp_filter == 0 &&
	       sysctl_get(&x->o->b, K_ARP_IGNORE_ALL, &ignore) && ignore == 0 &&
	       sysctl_get(&x->o->b, K_ARP_FILTER_ALL, &filter) && filter == 0;
}

static bool is_answering(const struct exam *x, const struct address *a, struct answering *ret)
{
	const struct link *link = a->family == AF_INET && a->prefix && a->prefix <= LONGEST_NETWORK
					  ? snapshot_link(&x->o->b, a->ifindex)
					  : NULL;
	uint32_t number;

	if (!link || (link->flags & (IFF_LOOPBACK | IFF_NOARP)) ||
	    !(link->flags & IFF_UP) || !(link->flags & IFF_RUNNING) || !answers_for_all(x, link))
		return false;
	number = (uint32_t)a->address[0] << 24 | (uint32_t)a->address[1] << 16 |
		 (uint32_t)a->address[2] << 8 | a->address[3];
	*ret = (struct answering){.network = number & ~(UINT32_MAX >> a->prefix),
				  .prefix = a->prefix,
				  .address = a,
				  .link = link};
	return true;
}

static int compare_answering(const void *one, const void *other)
{
	const struct answering *a = one, *b = other;

	if (a->prefix != b->prefix)
		return a->prefix < b->prefix ? -1 : 1;
	if (a->network != b->network)
		return a->network < b->network ? -1 : 1;
	return a->link->ifindex < b->link->ifindex ? -1 : a->link->ifindex > b->link->ifindex;
}

/* A neighbour that both devices reach at the same card: they are on one wire. */
static bool on_one_wire(const struct snapshot *s, unsigned int one, unsigned int other)
{
	vec_each(a, &s->neigh_macs) {
		if (a->ifindex != one)
			continue;
		vec_each(b, &s->neigh_macs)
			if (b->ifindex == other && b->family == a->family &&
			    memcmp(a->address, b->address, sizeof(a->address)) == 0 &&
			    memcmp(a->mac, b->mac, sizeof(a->mac)) == 0)
				return true;
	}
	return false;
}

static void flux_remedies(struct exam *x, struct finding *f)
{
	struct remedy *r = finding_remedy(f, "answer-on-owner", REMEDY_SYSCTL,
					  "let each device answer for its own addresses only");

	remedy_why(r, "a host on that network learns the card of whichever device answers last");
	remedy_sysctl_here(x, r, "net.ipv4.conf.all.arp_ignore", 0, 1);
	remedy_risk(r, "where an address is on lo on purpose (a load balancer's real server) it is what "
		       "one wants; elsewhere such an address is not found any more");
	r = finding_remedy(f, "one-subnet-one-device", REMEDY_ROUTE,
			   "or bond the devices, or give each a network of its own");
	remedy_why(r, "with one network on two devices the answers leave by the first route, whichever "
		      "device was asked: with a strict rp_filter they are lost");
}

static void found_flux(struct exam *x, const struct answering *one, const struct answering *other)
{
	struct finding *f = finding_new(x);
	char a[64], b[64];

	f->state = AT_RISK;
	f->confidence = on_one_wire(&x->o->b, one->link->ifindex, other->link->ifindex) ? CERTAIN
											: LIKELY;
	address_text(AF_INET, one->address->address, a, sizeof(a));
	address_text(AF_INET, other->address->address, b, sizeof(b));
	add_subject(f, one->link, a);
	add_subject(f, other->link, b);
	finding_headline(f, "%s and %s are in one network and answer ARP for one another",
			 one->link->name, other->link->name);
	finding_text(f, "The kernel answers for an address of this host on any device. On one wire both "
			"answer, and others send to either card, now this, now that.%s",
		     finding_here(x, "rp-filter") ? " What comes in by the wrong one is refused by the "
						    "reverse path filter here (rp-filter)."
						  : "");
	evidence_text(f, x, "%s has %s/%u, %s has %s/%u; arp_ignore and arp_filter are 0 on both",
		      one->link->name, a, one->prefix, other->link->name, b, other->prefix);
	if (f->confidence == CERTAIN)
		evidence_text(f, x, "both reach the same neighbour at the same card (1 wire)");
	flux_remedies(x, f);
}

enum outcome examine_arp_flux(struct exam *x)
{
	VEC(struct answering) all = {0};
	enum outcome outcome = NOT_FOUND;
	struct answering one;

	vec_each(a, &x->o->b.addresses)
		if (is_answering(x, a, &one))
			*vec_push(&all) = one;
	if (all.n > 1)
		qsort(all.items, all.n, sizeof(*all.items), compare_answering);
	for (size_t i = 1; i < all.n && outcome == NOT_FOUND; i++) {
		const struct answering *p = &all.items[i - 1], *q = &all.items[i];

		if (p->prefix != q->prefix || p->network != q->network || p->link == q->link)
			continue;
		found_flux(x, p, q);
		outcome = FOUND;
	}
	if (outcome == NOT_FOUND)
		evidence_text(NULL, x, "%zu addresses, no network on two devices that both answer for it",
			      x->o->b.addresses.n);
	vec_done(&all);
	return outcome;
}

/* ---- duplicate-ip ---- */

/* An entry that changed its card. */
struct moved {
	const struct neigh_mac *before, *after;
	unsigned int times, back; /* back: to a card it had before */
};

static bool same_neighbour(const struct neigh_mac *a, const struct neigh_mac *b)
{
	return a->ifindex == b->ifindex && a->family == b->family &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

/* Dumps come in the same order, so the one sought is mostly the next one. */
static const struct neigh_mac *find_mac(const struct snapshot *s, const struct neigh_mac *n,
					size_t *hint)
{
	for (size_t i = 0; i < s->neigh_macs.n; i++) {
		size_t at = (*hint + i) % s->neigh_macs.n;

		if (same_neighbour(&s->neigh_macs.items[at], n)) {
			*hint = at + 1;
			return &s->neigh_macs.items[at];
		}
	}
	return NULL;
}

static bool same_mac(const struct neigh_mac *a, const struct neigh_mac *b)
{
	return memcmp(a->mac, b->mac, sizeof(a->mac)) == 0;
}

struct moves {
	VEC(struct moved) list;
};

static void note_move(struct moves *m, const struct neigh_mac *before, const struct neigh_mac *after)
{
	struct moved *entry = NULL;

	vec_each(known, &m->list)
		if (same_neighbour(known->before, after))
			entry = known;
	if (!entry) {
		*vec_push(&m->list) = (struct moved){before, after, 1, 0};
		return;
	}
	entry->times++;
	entry->back += same_mac(entry->before, after) || same_mac(entry->after, after);
}

/* One look later than another: what changed. */
static void compare_macs(const struct snapshot *a, const struct snapshot *b, struct moves *m)
{
	size_t hint = 0;

	vec_each(n, &b->neigh_macs) {
		const struct neigh_mac *old = find_mac(a, n, &hint);

		if (old && !same_mac(old, n))
			note_move(m, old, n);
	}
}

static void gather_moves(const struct observation *o, struct moves *m)
{
	const struct snapshot *last = &o->a;

	for (size_t i = 0; i <= o->looks.n; i++) {
		const struct snapshot *now = i < o->looks.n ? &o->looks.items[i] : &o->b;

		if (!source_ok(now, SRC_NEIGH) || !source_ok(last, SRC_NEIGH)) {
			last = now;
			continue;
		}
		compare_macs(last, now, m);
		last = now;
	}
}

static void duplicate_remedies(struct exam *x, struct finding *f, const char *address,
			       const struct link *link)
{
	struct remedy *r = finding_remedy(f, "one-address-one-host", REMEDY_ROUTE,
					  "find the other host with %s and give it another address",
					  address);
	char enter[96];

	entering(x, enter, sizeof(enter));
	remedy_why(r, "packets to it reach now one host, now the other, which resets or drops them");
	remedy_command(r, "%sarping -D -c 3 -I %s %s", enter, link ? link->name : "DEVICE", address);
	remedy_command(r, "%sip neigh show dev %s    (and look the card up in the switch's table)",
		       enter, link ? link->name : "DEVICE");
}

static void found_flapping(struct exam *x, const struct moved *m)
{
	const struct link *link = snapshot_link(&x->o->b, m->after->ifindex);
	char address[64], one[24], other[24];
	struct finding *f = finding_new(x);

	f->state = AT_RISK;
	f->severity = SEVERITY_CRITICAL; /* causes.md 99 */
	f->confidence = LIKELY;
	address_text(m->after->family, m->after->address, address, sizeof(address));
	add_subject(f, link, address);
	mac_text(m->before->mac, one, sizeof(one));
	mac_text(m->after->mac, other, sizeof(other));
	finding_headline(f, "two cards say that they are %s on %s", address,
			 link ? link->name : "a device");
	finding_text(f, "The address moved between two hardware addresses and back. A move for good, as "
			"when another machine takes over, would be one change.");
	evidence_text(f, x, "neighbour %s: %s, then %s; %u changes in the sample, %u of them back",
		      address, one, other, m->times, m->back);
	finding_exclude(f, "a machine that took over an address (it does not change back)");
	duplicate_remedies(x, f, address, link);
}

/* IPv6 asks before it uses an address, and does not use one that somebody has. */
static bool found_refused(struct exam *x)
{
	bool found = false;

	vec_each(a, &x->o->b.addresses) {
		const struct link *link = snapshot_link(&x->o->b, a->ifindex);
		struct finding *f;
		char text[64];

		if (!(a->flags & IFA_F_DADFAILED) || found)
			continue;
		f = finding_new(x);
		f->state = AT_RISK;
		f->severity = SEVERITY_WARNING;
		f->confidence = CERTAIN;
		address_text(a->family, a->address, text, sizeof(text));
		add_subject(f, link, text);
		finding_headline(f, "%s on %s is not used: another host has it", text,
				 link ? link->name : "a device");
		finding_text(f, "When the address was set, the kernel asked who has it (duplicate address "
				"detection), and somebody answered. Nothing can be sent from it, and "
				"what is sent to it reaches the other host.");
		evidence_text(f, x, "address %s has the flag dadfailed (0x%x)", text, a->flags);
		duplicate_remedies(x, f, text, link);
		found = true;
	}
	return found;
}

enum outcome examine_duplicate_ip(struct exam *x)
{
	const struct moved *worst = NULL;
	struct moves m = {0};
	bool found;

	gather_moves(x->o, &m);
	vec_each(entry, &m.list)
		if (entry->back && (!worst || entry->times > worst->times))
			worst = entry;
	if (worst)
		found_flapping(x, worst);
	found = found_refused(x) || worst;
	if (!found)
		evidence_text(NULL, x, "%zu of %zu neighbours changed their hardware address, and none back",
			      m.list.n, x->o->b.neigh_macs.n);
	vec_done(&m.list);
	return found ? FOUND : NOT_FOUND;
}

/* ---- stale-neigh-mac ---- */

/* Connections to it that were begun, sent again, and never answered; none that was. */
static unsigned int unanswered(const struct exam *x, const struct neigh_mac *n)
{
	unsigned int count = 0;

	vec_each(sk, &x->o->b.sockets) {
		if (!sk->tcp_known || sk->family != n->family ||
		    memcmp(sk->remote, n->address, size_of(n->family)) != 0)
			continue;
		if (sk->state == STATE_ESTABLISHED)
			return 0;
		count += sk->state == STATE_SYN_SENT && sk->retrans_total;
	}
	return count;
}

/* The other end of a veth in another namespace that was looked at, if it has that address. */
static const struct link *true_owner(const struct exam *x, const struct neigh_mac *n,
				     const struct observation **ret)
{
	const struct link *mine = snapshot_link(&x->o->b, n->ifindex);

	if (!mine || strcmp(mine->kind, "veth") != 0)
		return NULL;
	vec_each(o, &x->d->observations) {
		const struct link *end = o == x->o ? NULL : snapshot_link(&o->b, mine->peer_ifindex);

		if (!end || end->peer_ifindex != mine->ifindex || strcmp(end->kind, "veth") != 0)
			continue;
		vec_each(a, &o->b.addresses)
			if (a->ifindex == end->ifindex && a->family == n->family &&
			    memcmp(a->address, n->address, size_of(n->family)) == 0) {
				*ret = o;
				return end;
			}
	}
	return NULL;
}

static void found_stale(struct exam *x, const struct neigh_mac *n, unsigned int connections,
			const struct link *owner, const struct observation *there)
{
	const struct link *link = snapshot_link(&x->o->b, n->ifindex);
	const char *device = link ? link->name : "DEVICE";
	struct finding *f = finding_new(x);
	char address[64], mac[24], right[24], enter[96];
	struct change refused = {0};
	struct remedy *r;

	f->state = AT_RISK;
	f->confidence = owner ? CERTAIN : POSSIBLE;
	address_text(n->family, n->address, address, sizeof(address));
	mac_text(n->mac, mac, sizeof(mac));
	add_subject(f, link, address);
	if (owner) {
		refused = delta_link(there, owner, C_LINK_RX_OTHERHOST_DROPPED);
		f->severity = delta_value(refused) >= threshold_count(x, THRESHOLD_LOSS_PACKETS)
				      ? SEVERITY_WARNING
				      : SEVERITY_INFO;
		finding_headline(f, "the entry for %s on %s names a card that is not its", address, device);
		evidence_text(f, x, "entry: %s; %s of namespace %s, which has the address: %s", mac,
			      owner->name, there->name[0] ? there->name : "?",
			      mac_text(owner->mac, right, sizeof(right)));
		evidence_change(f, x, source_rows[SRC_LINK].name, "rx_otherhost_dropped there", refused);
	} else {
		finding_headline(f, "nobody answers at the card that was entered by hand for %s on %s",
				 address, device);
		evidence_text(f, x, "entry: %s, permanent; %u connections to it wait for an answer to "
				    "their SYN",
			      mac, connections);
	}
	finding_text(f, "%s An entry that was made by hand is never asked for again. Where the host, its "
			"card or the machine that serves its address was changed, packets go to a card "
			"that is not there, or that refuses them.",
		     owner ? "Packets to it are refused by the device that has the address."
			   : "It may as well be down.");
	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "forget-neighbour", REMEDY_ROUTE, "let the kernel ask again for %s", address);
	remedy_why(r, "it then learns the card that answers now");
	remedy_command(r, "%sip neigh del %s dev %s", enter, address, device);
	remedy_undo(r, "%sip neigh replace %s lladdr %s dev %s nud permanent", enter, address, mac, device);
	remedy_risk(r, "whoever entered it may have done so against forged answers");
	r = finding_remedy(f, "announce", REMEDY_SYSCTL,
			   "on the machines that take over an address: announce it (arp_notify)");
	remedy_command(r, "sysctl -w net.ipv4.conf.DEVICE.arp_notify=1");
	remedy_why(r, "others then learn the new card at once");
}

enum outcome examine_stale_neigh(struct exam *x)
{
	unsigned int permanent = 0;

	vec_each(n, &x->o->b.neigh_macs) {
		const struct observation *there = NULL;
		const struct link *owner;
		unsigned int connections;
		bool wrong;

		/* What the kernel learned itself it asks for again. */
		if (!(n->state & NUD_PERMANENT))
			continue;
		permanent++;
		owner = true_owner(x, n, &there);
		wrong = owner && memcmp(owner->mac, n->mac, sizeof(n->mac)) != 0;
		if (owner && !wrong)
			continue;
		connections = wrong ? 0 : unanswered(x, n);
		if (!wrong && !connections)
			continue;
		found_stale(x, n, connections, wrong ? owner : NULL, there);
		return FOUND;
	}
	evidence_text(NULL, x, "%u permanent neighbours, no connection to them without an answer",
		      permanent);
	return NOT_FOUND;
}
