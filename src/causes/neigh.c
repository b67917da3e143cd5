// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage neigh: next hops that do not answer. */
#include <linux/neighbour.h>
#include <stdio.h>
#include <sys/socket.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define SUBJECTS_SHOWN 16

static const char *const failed_reasons[] = {"NEIGH_FAILED", NULL};
/* IPv6 gives its queue no reason: ndisc_error_report, often part of its caller's tail, frees it. */
static const char *const no_reasons[] = {"NOT_SPECIFIED", NULL};
static const char *const ndisc_symbols[] = {"neigh_invalidate", "ndisc_error_report", NULL};
static const char *const queue_reasons[] = {"NEIGH_QUEUEFULL", NULL};
static const struct drop_filter failed_drops = {.reasons = failed_reasons};
static const struct drop_filter ndisc_drops = {.reasons = no_reasons, .symbols = ndisc_symbols};
static const struct drop_filter queue_drops = {.reasons = queue_reasons};

static void add_neighbour(struct exam *x, struct finding *f, const struct neigh *n)
{
	const struct link *link = snapshot_link(&x->o->b, n->ifindex);
	char text[64];
	struct subject *s;

	address_text(n->family, n->address, text, sizeof(text));
	vec_each(known, &f->subjects)
		if (known->address && strcmp(known->address, text) == 0)
			return;
	if (f->subjects.n >= SUBJECTS_SHOWN)
		return;
	s = finding_subject(f);
	s->address = xstrdup(text);
	if (link)
		memcpy(s->device, link->name, sizeof(s->device));
	evidence_text(f, x, "neighbour %s on %s: %s", text, s->device,
		      n->state & NUD_FAILED ? "FAILED" : "INCOMPLETE");
}

static bool failed_before(const struct observation *o, const struct neigh *n)
{
	vec_each(old, &o->a.neighs)
		if (old->ifindex == n->ifindex && old->family == n->family &&
		    memcmp(old->address, n->address, sizeof(n->address)) == 0)
			return old->state & NUD_FAILED;
	return false;
}

/* A failed entry stays for a while: what had failed before is a subject only if it is tried again. */
static void add_neighbours(struct exam *x, struct finding *f)
{
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i <= x->o->looks.n; i++) {
			const struct snapshot *s =
				i < x->o->looks.n ? &x->o->looks.items[i] : &x->o->b;

			vec_each(n, &s->neighs)
				if (pass ? n->state & NUD_FAILED && !failed_before(x->o, n)
					 : n->state & NUD_INCOMPLETE)
					add_neighbour(x, f, n);
		}
}

/* INCOMPLETE means that something is being sent there now; FAILED may be left from long ago. */
static bool any_incomplete(const struct observation *o)
{
	for (size_t i = 0; i <= o->looks.n; i++) {
		const struct snapshot *s = i < o->looks.n ? &o->looks.items[i] : &o->b;

		vec_each(n, &s->neighs)
			if (n->state & NUD_INCOMPLETE)
				return true;
	}
	return false;
}

static void neigh_remedies(struct exam *x, struct finding *f)
{
	char enter[96];
	const char *who = f->subjects.n && f->subjects.items[0].address ? f->subjects.items[0].address
									: "NEXT-HOP";
	const char *device = f->subjects.n && f->subjects.items[0].device[0]
				     ? f->subjects.items[0].device
				     : "DEVICE";
	struct remedy *r = finding_remedy(f, "check-next-hop", REMEDY_ROUTE,
					  "find why %s does not answer on %s", who, device);

	remedy_why(r, "down, on another VLAN, a wrong prefix length here, or ARP filtered between");
	entering(x, enter, sizeof(enter));
	remedy_command(r, "%sip neigh show dev %s", enter, device);
	remedy_command(r, "%sip route get %s", enter, who);
	r = finding_remedy(f, "stop-sending", REMEDY_APPLICATION,
			   "if the host is gone for good, take it out of the sender's configuration");
	remedy_why(r, "each packet to it waits up to three seconds and is lost");
}

/*
 * While an address is being resolved packets wait in a queue; when it fails they are all dropped
 * (neigh_invalidate), and what did not fit the queue was dropped before (NEIGH_QUEUEFULL). No
 * counter of a namespace moves: res_failed is host-wide and counts resolutions, not packets. So
 * without the trace all that can be told is that something waits for an answer.
 */
enum outcome examine_neigh_unresolved(struct exam *x)
{
	uint64_t traced = ledger_traced(x->ledger, &failed_drops) +
			  ledger_traced(x->ledger, &ndisc_drops);
	uint64_t sent;
	struct finding *f;

	if (tracing(x) ? !traced : !any_incomplete(x->o)) {
		evidence_traced(NULL, x, "NEIGH_FAILED", traced);
		evidence_text(NULL, x, "%zu unresolved neighbours", x->o->b.neighs.n);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &failed_drops, UINT64_MAX);
	ledger_claim(x->ledger, &ndisc_drops, UINT64_MAX);
	traced += ledger_claim(x->ledger, &queue_drops, UINT64_MAX);
	sent = delta_value(delta_sum(x->o, C_IP_OUT_REQUESTS, C_IP6_OUT_REQUESTS)) +
	       delta_value(delta_sum(x->o, C_IP_FORW_DATAGRAMS, C_IP6_OUT_FORW_DATAGRAMS));
	finding_lost(f, NULL, tracing(x) ? &traced : NULL, sent);
	f->confidence = tracing(x) ? CERTAIN : LIKELY;
	f->severity = tracing(x)	  ? severity_of_share(x, f->lost, f->of)
		      : x->o->since_boot ? SEVERITY_INFO
					 : SEVERITY_WARNING;
	add_neighbours(x, f);
	if (!f->subjects.n)
		subject_devices(x, f, &failed_drops);
	finding_flows(x, f, &failed_drops);
	finding_flows(x, f, &ndisc_drops);
	finding_flows(x, f, &queue_drops);
	finding_headline(f, "%s does not answer on %s",
			 f->subjects.n && f->subjects.items[0].address ? f->subjects.items[0].address
								       : "the next hop",
			 f->subjects.n && f->subjects.items[0].device[0] ? f->subjects.items[0].device
									 : "its device");
	finding_text(f, "Packets wait for the hardware address of their next hop and are dropped "
			"when nobody answers.");
	evidence_traced(f, x, "NEIGH_FAILED and NEIGH_QUEUEFULL", traced);
	vec_each(table, &x->o->b.neigh_tables)
		if (table->thresh3)
			finding_exclude(f, "a full %s table (%u of %u entries)",
					table->family == AF_INET6 ? "IPv6 neighbour" : "ARP",
					table->entries, table->thresh3);
	neigh_remedies(x, f);
	return FOUND;
}
