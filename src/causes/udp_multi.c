// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage udp: multicast and broadcast that reached the host, for a port that no socket wants. */
#include <netinet/in.h>
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

static const char *const no_reason[] = {"NOT_SPECIFIED", NULL};
static const char *const places[] = {"__udp4_lib_rcv", "__udp6_lib_rcv", "__udp4_lib_mcast_deliver",
				     "__udp6_lib_mcast_deliver", NULL};
static const struct drop_filter ignored_drops = {
	.reasons = no_reason, .symbols = places, .protocol = IPPROTO_UDP};

/* Where hosts share a wire there is always some: a note, whatever its share. */
enum outcome examine_udp_ignored_multi(struct exam *x)
{
	struct change counted = delta_sum(x->o, C_UDP_IGNORED_MULTI, C_UDP6_IGNORED_MULTI);
	char enter[96], to[64] = "a group", from[64] = "a sender";
	const struct drop_flow *flow;
	uint64_t traced;
	struct finding *f;
	struct remedy *r;

	if (!delta_value(counted)) {
		evidence_counter(NULL, x, C_UDP_IGNORED_MULTI);
		evidence_counter(NULL, x, C_UDP6_IGNORED_MULTI);
		return NOT_FOUND;
	}
	f = finding_new(x);
	finding_flows(x, f, &ignored_drops);
	traced = ledger_claim(x->ledger, &ignored_drops, counted.delta);
	/* Where the kernel frees them as used up there is no event. */
	finding_lost(f, &counted.delta, traced ? &traced : NULL,
		     counted.delta +
			     delta_value(delta_sum(x->o, C_UDP_IN_DATAGRAMS, C_UDP6_IN_DATAGRAMS)));
	flow = f->flows.n ? &f->flows.items[0] : NULL;
	if (flow) {
		address_text(flow->family, flow->destination, to, sizeof(to));
		address_text(flow->family, flow->source, from, sizeof(from));
	}
	if (flow)
		finding_headline(f, "nobody here listens to what %s sends to %s, port %u", from, to,
				 flow->destination_port);
	else
		finding_headline(f, "nobody here listens to some multicast or broadcast datagrams");
	finding_text(f, "They were sent to all, or to a group that is joined here, and no socket has "
			"their port. No ICMP is sent for such. Nothing is missing, unless a program "
			"here should be listening.");
	evidence_counter(f, x, C_UDP_IGNORED_MULTI);
	evidence_counter(f, x, C_UDP6_IGNORED_MULTI);
	finding_exclude(f, "a group that nobody joined: those end in the IP layer");
	r = finding_remedy(f, "see-listeners", REMEDY_SOCKET,
			   "if a program here should get them: see its port and what it is bound to");
	remedy_why(r, "a socket bound to an address of this host, or with IP_MULTICAST_ALL off and the "
		      "group joined elsewhere, does not get them");
	remedy_command(r, "%sss -uanp", entering(x, enter, sizeof(enter)));
	return FOUND;
}
