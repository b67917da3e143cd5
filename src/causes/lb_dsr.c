// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage app: a server behind a balancer that answers its clients itself (direct server return, LVS
 * DR). It holds the balancer's address on lo, and must not answer ARP for it, which arp_rcv does for
 * any address of the host unless arp_ignore says otherwise. IPv6 answers for a device's own
 * addresses alone (ndisc_recv_ns).
 */
#include <linux/if.h>
#include <sys/socket.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define ARP_IGNORE_OTHERS 1 /* answer for the addresses of the device asked alone */
#define ARP_ANNOUNCE_BEST 2 /* ask with an address of the device that is asked through */

static uint32_t number_of(const uint8_t *a)
{
	return (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3];
}

static bool is_on_lo(const struct exam *x, const struct address *a)
{
	const struct link *link = snapshot_link(&x->o->b, a->ifindex);

	return link && (link->flags & IFF_LOOPBACK) && a->family == AF_INET && a->prefix == 32 &&
	       a->address[0] != 127;
}

/* A device in whose network that address is, and which answers ARP for it; NULL: there is none. */
static const struct link *answering(const struct exam *x, const struct address *vip)
{
	vec_each(a, &x->o->b.addresses) {
		const struct link *link = snapshot_link(&x->o->b, a->ifindex);

		if (link && a->family == AF_INET && a->prefix && a->prefix < 31 &&
		    !(link->flags & (IFF_LOOPBACK | IFF_NOARP)) && (link->flags & IFF_UP) &&
		    link->arp_ignore == 0 &&
		    (number_of(a->address) ^ number_of(vip->address)) >> (32 - a->prefix) == 0)
			return link;
	}
	return NULL;
}

static void found_vip(struct exam *x, const struct address *vip, const struct link *link,
		      int64_t ignore)
{
	struct finding *f = finding_new(x);
	struct subject *s = finding_subject(f);
	int64_t announce = 0;
	struct remedy *r;
	char text[64];

	address_text(AF_INET, vip->address, text, sizeof(text));
	f->state = AT_RISK;
	f->confidence = POSSIBLE;
	s->address = xstrdup(text);
	memcpy(s->device, link->name, sizeof(s->device));
	finding_headline(f, "%s answers ARP for %s, which is on lo", link->name, text);
	finding_text(f, "An address of the same network on lo is mostly a balancer's, held so that this server "
			"may answer its clients directly (DSR). Then the balancer alone may answer ARP for "
			"it: otherwise others learn this server's card, and what they send goes past the "
			"balancer. In this way of balancing the balancer sees one direction only: what it "
			"forgets breaks the way from client to server, and never the answers.");
	evidence_text(f, x, "%s/32 is on lo, in the network of %s; arp_ignore is 0 there and in all", text,
		      link->name);
	finding_exclude(f, "two devices in one network: that is arp-flux");
	r = finding_remedy(f, "silent-on-lo", REMEDY_SYSCTL,
			   "do not answer ARP for it, nor ask with it: arp_ignore %d, arp_announce %d",
			   ARP_IGNORE_OTHERS, ARP_ANNOUNCE_BEST);
	remedy_why(r, "the kernel answers for any address of the host on any device");
	remedy_risk(r, "where no balancer has the address nobody will find it by ARP any more");
	remedy_sysctl_here(x, r, "net.ipv4.conf.all.arp_ignore", ignore, ARP_IGNORE_OTHERS);
	if (sysctl_get(&x->o->b, K_ARP_ANNOUNCE_ALL, &announce) && announce < ARP_ANNOUNCE_BEST)
		remedy_sysctl_here(x, r, "net.ipv4.conf.all.arp_announce", announce, ARP_ANNOUNCE_BEST);
}

enum outcome examine_lb_dsr(struct exam *x)
{
	int64_t ignore = 0;

	if (!sysctl_get(&x->o->b, K_ARP_IGNORE_ALL, &ignore))
		return not_examined_source(x, SRC_SYSCTL);
	vec_each(vip, &x->o->b.addresses) {
		const struct link *link = ignore == 0 && is_on_lo(x, vip) ? answering(x, vip) : NULL;

		if (!link)
			continue;
		found_vip(x, vip, link, ignore);
		return FOUND;
	}
	evidence_text(NULL, x, "%zu addresses, none on lo for which a device of its network answers ARP",
		      x->o->b.addresses.n);
	return NOT_FOUND;
}
