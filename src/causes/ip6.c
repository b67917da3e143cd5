// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage ip: packets that IPv6 refuses for what it is: switched off on the device, extension headers
 * that are broken or unknown, neighbour discovery that came through a router or is malformed.
 */
#include <net/if.h>
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define MTU_LEAST 1280 /* a device with less has no IPv6 at all (RFC 8200) */

enum kind { SWITCHED_OFF, EXTENSION_HEADER, DISCOVERY, KIND_N };

static const struct kind_row {
	const char *reasons[5], *symbols[4]; /* symbols none: any */
	const char *what, *state, *text;
} kinds[KIND_N] = {
	[SWITCHED_OFF] = {{"IPV6DISABLED"},
			  {NULL},
			  "IPv6 packets",
			  ", where IPv6 is switched off",
			  "Somebody sends to an address that this host had on the device, or routes "
			  "through it, and IPv6 was switched off there."},
	[EXTENSION_HEADER] = {{"IPV6_BAD_EXTHDR", "UNHANDLED_PROTO", "NOT_SPECIFIED"},
			      {"ip6_tlvopt_unknown", "ipv6_destopt_rcv", "ipv6_rthdr_rcv"},
			      "IPv6 extension headers",
			      "",
			      "An option that says \"discard me if you do not know me\", a routing "
			      "header, which is refused unless seg6 or accept_source_route allows "
			      "it, or a length that is not so. Hosts do not send such by themselves."},
	[DISCOVERY] = {{"IPV6_NDISC_HOP_LIMIT", "IPV6_NDISC_BAD_OPTIONS", "IPV6_NDISC_BAD_CODE",
			"IPV6_NDISC_FRAG"},
		       {NULL},
		       "neighbour discovery messages",
		       "",
		       "They came through a router, in fragments, or are malformed. It protects "
		       "against strangers who want to take over addresses; a neighbour that sends "
		       "them by mistake is not reached."},
};
/* With the reason itself any place will do. */
static const char *const exthdr_reasons[] = {"IPV6_BAD_EXTHDR", NULL};
static const struct drop_filter exthdr_drops = {.reasons = exthdr_reasons};

struct refused {
	uint64_t of[KIND_N], all;
	uint64_t flows, chatter; /* packets of flows of SWITCHED_OFF; of them to groups */
};

static struct drop_filter filter_of(enum kind k)
{
	return (struct drop_filter){.reasons = kinds[k].reasons,
				    .symbols = kinds[k].symbols[0] ? kinds[k].symbols : NULL};
}

static void gather(struct exam *x, struct refused *r)
{
	for (enum kind k = 0; k < KIND_N; k++) {
		struct drop_filter f = filter_of(k);

		r->of[k] = ledger_unclaimed(x->ledger, &f);
	}
	r->of[EXTENSION_HEADER] += ledger_unclaimed(x->ledger, &exthdr_drops);
	for (enum kind k = 0; k < KIND_N; k++)
		r->all += r->of[k];
	if (!tracing(x))
		return;
	ledger_each_flow(flow, x->ledger) {
		if (strcmp(flow->reason, "IPV6DISABLED") != 0)
			continue;
		r->flows += flow->packets;
		r->chatter += flow->destination[0] == 0xff ? flow->packets : 0;
	}
}

static void switch_on(struct exam *x, struct finding *f, const char *device)
{
	const struct link *link = snapshot_link_named(&x->o->b, device);
	char key[96];
	struct remedy *r;

	if (!link)
		return;
	if (link->mtu < MTU_LEAST) {
		r = finding_remedy(f, "raise-mtu", REMEDY_ROUTE, "give %s an MTU of 1280 or more", device);
		remedy_why(r, "its MTU is %u, and below 1280 there is no IPv6", link->mtu);
		return;
	}
	r = finding_remedy(f, "switch-on", REMEDY_SYSCTL, "if IPv6 is wanted on %s: switch it on", device);
	remedy_why(r, "it is off, and packets for a single host arrive");
	remedy_risk(r, "services that listen on [::] can be reached by IPv6 then; addresses that were "
		       "lost must be given again");
	snprintf(key, sizeof(key),
		 strchr(device, '.') ? "net/ipv6/conf/%s/disable_ipv6"
				     : "net.ipv6.conf.%s.disable_ipv6",
		 device);
	remedy_sysctl_here(x, r, key, 1, 0);
}

static void find_sender(struct exam *x, struct finding *f, const char *source, const char *device)
{
	struct remedy *r = finding_remedy(f, "find-sender", REMEDY_CAPACITY,
					  "find the sender, and what it wants here");
	char enter[96];

	entering(x, enter, sizeof(enter));
	remedy_why(r, "nothing here should accept these packets");
	remedy_command(r, "%stcpdump -c 20 -envi %s ip6 and src host %s", enter, device, source);
}

/* Multicast alone is what every neighbour sends to all, whether IPv6 is on here or not. */
static enum severity severity_of(const struct exam *x, const struct finding *f, const struct refused *r)
{
	uint64_t meant = r->of[SWITCHED_OFF];
	enum severity others = MIN(SEVERITY_WARNING, severity_of_share(x, r->all - meant, f->of));

	if (r->flows)
		meant = (uint64_t)((double)meant * (double)(r->flows - r->chatter) / (double)r->flows + 0.5);
	return MAX(others, severity_of_share(x, meant, f->of));
}

static void describe(struct exam *x, struct finding *f, enum kind worst, bool chatter)
{
	const char *device = f->subjects.n ? f->subjects.items[0].device : "DEVICE";
	char source[64] = "a sender";

	if (f->flows.n)
		address_text(f->flows.items[0].family, f->flows.items[0].source, source, sizeof(source));
	finding_headline(f, "%s from %s are refused on %s%s", kinds[worst].what, source, device,
			 kinds[worst].state);
	finding_text(f, "%s",
		     worst == SWITCHED_OFF && chatter
			     ? "All went to multicast groups: neighbours announce themselves and look "
			       "for services. Nothing is missing."
			     : kinds[worst].text);
	if (worst == SWITCHED_OFF && !chatter)
		switch_on(x, f, device);
	else if (worst != SWITCHED_OFF)
		find_sender(x, f, f->flows.n ? source : "SOURCE", device);
}

enum outcome examine_ip6_refused(struct exam *x)
{
	struct change discards = delta_counter(x->o, C_IP6_IN_DISCARDS);
	struct refused r = {0};
	enum kind worst = 0;
	struct finding *f;

	gather(x, &r);
	if (!tracing(x) && (delta_value(discards) || discards.reset))
		return not_examined_source(x, SRC_DROPS);
	if (!r.all) {
		evidence_counter(NULL, x, C_IP6_IN_DISCARDS);
		evidence_traced(NULL, x, "IPV6DISABLED, IPV6_BAD_EXTHDR, IPV6_NDISC_*", 0);
		return NOT_FOUND;
	}
	f = finding_new(x);
	for (enum kind k = 0; k < KIND_N; k++) {
		struct drop_filter filter = filter_of(k);

		worst = r.of[k] > r.of[worst] ? k : worst;
		subject_devices(x, f, &filter);
		finding_flows(x, f, &filter);
		ledger_claim(x->ledger, &filter, UINT64_MAX);
	}
	ledger_claim(x->ledger, &exthdr_drops, UINT64_MAX);
	finding_lost(f, r.all == r.of[SWITCHED_OFF] && discards.known ? &discards.delta : NULL, &r.all,
		     MAX(delta_value(delta_counter(x->o, C_IP6_IN_RECEIVES)), r.all));
	f->severity = severity_of(x, f, &r);
	describe(x, f, worst, r.flows && r.chatter == r.flows);
	evidence_counter(f, x, C_IP6_IN_DISCARDS);
	evidence_counter(f, x, C_IP6_IN_HDR_ERRORS);
	for (enum kind k = 0; k < KIND_N; k++)
		if (r.of[k])
			evidence_traced(f, x, kinds[k].reasons[0], r.of[k]);
	finding_exclude(f, "a next header that nothing handles: Ip6InUnknownProtos");
	return FOUND;
}
