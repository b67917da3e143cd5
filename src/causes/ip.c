// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage ip. */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define DEVICES_TOLD 2

static const char *const rp_reasons[] = {"IP_RPFILTER", NULL};
static const struct drop_filter rp_drops = {.reasons = rp_reasons};

/* The stricter of conf.all and the device's own: include/linux/inetdevice.h IN_DEV_RPFILTER. */
static int64_t effective_rp_filter(const struct exam *x, const struct link *link)
{
	int64_t all = 0;

	sysctl_get(&x->o->b, K_RP_FILTER_ALL, &all);
	return MAX(all, (int64_t)link->rp_filter);
}

/* A source that this device refused, for the commands. */
static const char *refused_source(const struct finding *f, const struct link *link, char *to,
				  size_t size)
{
	vec_each(flow, &f->flows)
		if (flow->ifindex == link->ifindex)
			return address_text(flow->family, flow->source, to, size);
	snprintf(to, size, "SOURCE");
	return to;
}

static bool was_refused(const struct exam *x, const struct link *link, const struct drop_flow *flow)
{
	struct drop as_drop = {.protocol = flow->protocol, .ifindex = flow->ifindex};

	memcpy(as_drop.reason, flow->reason, sizeof(as_drop.reason));
	return flow->netns == x->o->inode && flow->ifindex == link->ifindex &&
	       flow->family == AF_INET && drop_matches(&as_drop, &rp_drops);
}

/* The smallest network that holds every source refused on the device: "10.55.0.0/27". */
static void refused_network(struct exam *x, const struct finding *f, const struct link *link,
			    char *to, size_t size)
{
	uint32_t first = 0, apart = 0, network;
	unsigned int bits = 32;
	char address[64];
	bool any = false;

	if (x->d->drops && !x->d->drops->err)
		ledger_each_flow(flow, x->ledger) {
			uint32_t source;

			if (!was_refused(x, link, flow))
				continue;
			memcpy(&source, flow->source, sizeof(source));
			first = any ? first : ntohl(source);
			apart |= first ^ ntohl(source);
			any = true;
		}
	for (; apart; apart >>= 1)
		bits--;
	network = htonl(bits ? first & (UINT32_MAX << (32 - bits)) : 0);
	/* Sources from everywhere are no network. */
	if (any && bits >= 16)
		address_text(AF_INET, (const uint8_t *)&network, address, sizeof(address));
	else
		refused_source(f, link, address, sizeof(address));
	snprintf(to, size, "%s/%u", address, any && bits >= 16 ? bits : 32);
}

/*
 * Strict mode would have accepted a source that is reached by this device, so where there is no
 * other device there is no way back at all, and loose mode refuses it as well.
 */
static bool has_other_device(const struct exam *x, const struct link *link)
{
	vec_each(other, &x->o->b.links)
		if (other->ifindex != link->ifindex && (other->flags & IFF_UP) &&
		    !(other->flags & IFF_LOOPBACK))
			return true;
	return false;
}

static void rp_remedies(struct exam *x, struct finding *f, const struct link *link)
{
	int64_t now = effective_rp_filter(x, link);
	char key[80], source[64], network[80], enter[96];
	struct remedy *r;

	/* A device name may hold dots, which sysctl takes as slashes: use slashes throughout then. */
	snprintf(key, sizeof(key),
		 strchr(link->name, '.') ? "net/ipv4/conf/%s/rp_filter" : "net.ipv4.conf.%s.rp_filter",
		 link->name);
	refused_source(f, link, source, sizeof(source));
	refused_network(x, f, link, network, sizeof(network));
	entering(x, enter, sizeof(enter));
	if (now == 1 && has_other_device(x, link)) {
		r = finding_remedy(f, "loose-rp-filter", REMEDY_SYSCTL,
				   "accept sources on %s that are reachable by any device (loose mode)",
				   link->name);
		remedy_why(r, "strict mode wants the way back to leave by the same device; loose mode "
			      "is right for asymmetric routing, and enough if `%sip route get %s` "
			      "names another device",
			   enter, source);
		remedy_risk(r, "spoofed sources that are routable elsewhere get in");
		remedy_sysctl_here(x, r, key, link->rp_filter < 0 ? now : link->rp_filter, 2);
	}
	r = finding_remedy(f, "route-back", REMEDY_ROUTE, "a route back to the refused sources, %s", network);
	remedy_why(r, now == 1 ? "with one by %s strict mode accepts the packets"
			       : "not even a device other than %s has a route to the source",
		   link->name);
	remedy_command(r, "%sip route get %s", enter, source);
	remedy_command(r, "%sip route add %s dev %s", enter, network, link->name);
	remedy_cost(r, "where they are behind a router, it needs `via ROUTER` as well");
	remedy_undo(r, "%sip route del %s dev %s", enter, network, link->name);
}

static bool is_subject(const struct finding *f, const struct link *link)
{
	vec_each(s, &f->subjects)
		if (strcmp(link->name, s->device) == 0)
			return true;
	return f->subjects.n == 0;
}

/*
 * Of the packets lost, those sent to everybody: what hosts of another subnet on the same wire call
 * out to each other. Multicast is not among them: a group is joined by somebody who wants it. 255 is
 * the end of the broadcast address of every subnet of 256 addresses and more.
 */
static uint64_t sent_to_all(const struct exam *x, uint64_t lost)
{
	uint64_t seen = 0, broadcasts = 0;

	if (!tracing(x))
		return 0;
	ledger_each_flow(flow, x->ledger) {
		if (strcmp(flow->reason, rp_reasons[0]) != 0)
			continue;
		seen += flow->packets;
		broadcasts += flow->destination[3] == 255 ? flow->packets : 0;
	}
	return seen ? (uint64_t)((double)lost * (double)broadcasts / (double)seen + 0.5) : 0;
}

enum outcome examine_rp_filter(struct exam *x)
{
	struct change counted = delta_counter(x->o, C_IP_REVERSE_PATH_FILTER);
	uint64_t traced = ledger_traced(x->ledger, &rp_drops);
	char source[64] = "a source";
	unsigned int told = 0;
	struct finding *f;
	uint64_t to_all;

	if (!delta_value(counted) && !traced) {
		evidence_counter(NULL, x, C_IP_REVERSE_PATH_FILTER);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &rp_drops, traced);
	finding_lost(f, counted.known ? &counted.delta : NULL, tracing(x) ? &traced : NULL,
		     delta_value(delta_counter(x->o, C_IP_IN_RECEIVES)));
	to_all = sent_to_all(x, f->lost);
	f->severity = severity_of_share(x, f->lost - to_all, f->of);
	subject_devices(x, f, &rp_drops);
	finding_flows(x, f, &rp_drops);
	if (f->flows.n)
		address_text(f->flows.items[0].family, f->flows.items[0].source, source,
			     sizeof(source));
	finding_headline(f, "packets from %s are refused on %s", source,
			 f->subjects.n ? f->subjects.items[0].device : "a device");
	finding_text(f, "The kernel would not send an answer to these sources by the device the "
			"packets came in on, so it takes the addresses for forged.%s",
		     to_all && to_all == f->lost
			     ? " All were broadcasts: hosts of another subnet on the same wire, "
			       "most likely, and nobody here misses them."
			     : "");
	evidence_counter(f, x, C_IP_REVERSE_PATH_FILTER);
	evidence_traced(f, x, "IP_RPFILTER", traced);
	vec_each(link, &x->o->b.links) {
		if (!is_subject(f, link) || effective_rp_filter(x, link) <= 0)
			continue;
		evidence_text(f, x, "rp_filter in force on %s: %lld (the larger of conf.all and its own)",
			      link->name, (long long)effective_rp_filter(x, link));
		/* Nobody waits for broadcasts. */
		if (to_all < f->lost && ++told <= DEVICES_TOLD)
			rp_remedies(x, f, link);
	}
	finding_exclude(f, "addresses nobody may send from (127.0.0.0/8, multicast): they have no "
			   "IPReversePathFilter");
	return FOUND;
}
