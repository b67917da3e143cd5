// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tc: programs and filters that somebody put on a device, and that drop: traffic control at
 * clsact or ingress, on the way in and out, XDP, and XDP that fails.
 */
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define WANTED_SEEN 5 /* a port seen less often among the flows kept is not what was dropped */

struct filter_row {
	const char *id;
	const char *const *reasons, *const *symbols; /* symbols NULL: any */
	bool at_clsact, fails;
	enum counter_id of; /* packets that came by, of the devices */
	const char *place, *text, *excluded;
	const char *see; /* command; the device stands behind it */
};

static const char *const ingress_reasons[] = {"TC_INGRESS", NULL};
static const char *const egress_reasons[] = {"TC_EGRESS", NULL};
static const char *const failed_reasons[] = {"XDP_ABORTED", "XDP_TX_FAILED", "XDP_REDIRECT_FAILED",
					     NULL};

static const struct filter_row filter_rows[] = {
	{
		.id = "tc-ingress-drop",
		.reasons = ingress_reasons,
		.at_clsact = true,
		.of = C_LINK_RX_PACKETS,
		.place = "a traffic control filter on the way in",
		.text = "A filter, an action or a BPF program at the device's ingress dropped them, "
			"before the firewall and IP see anything: no counter of IP moves. Cilium and "
			"other container networks keep their policies there.",
		.excluded = "the firewall (reason NETFILTER_DROP, counters of rules)",
		.see = "tc -s filter show ingress dev",
	},
	{
		.id = "tc-egress-drop",
		.reasons = egress_reasons,
		.at_clsact = true,
		.of = C_LINK_TX_PACKETS,
		.place = "a traffic control filter on the way out",
		.text = "A filter, an action or a BPF program at the device's egress dropped them. UDP "
			"counts it as OutDiscards and SndbufErrors, and the program sees no error.",
		.excluded = "a full queue (reason QDISC_DROP) or send buffer (EAGAIN)",
		.see = "tc -s filter show egress dev",
	},
	{
		.id = "xdp-drop",
		.reasons = xdp_reasons,
		.symbols = xdp_symbols,
		.of = C_LINK_RX_PACKETS,
		.place = "an XDP program",
		.text = "The program on the device drops them before the kernel makes anything of them: "
			"a load balancer, a filter against floods, a container network. What a network "
			"card's own driver drops for XDP never gets here: only its xdp_drop counters "
			"tell of it.",
		.excluded = "traffic control (reasons TC_INGRESS, TC_EGRESS)",
		.see = "ip -d link show dev",
	},
	{
		.id = "xdp-aborted",
		.reasons = failed_reasons,
		.fails = true,
		.of = C_LINK_RX_PACKETS,
		.place = "a failing XDP program",
		.text = "XDP_ABORTED is what a program returns when something in it went wrong, and an "
			"action that could not be carried out (XDP_TX, XDP_REDIRECT) ends alike: nobody "
			"decided to drop these packets. The device counts them as drops, if at all.",
		.excluded = "a decision of the program's (XDP_DROP): the tracepoint xdp_exception is "
			    "passed by failures only",
		.see = "ip -d link show dev",
	},
};

static const struct filter_row *row_of(const struct exam *x)
{
	size_t i = 0;

	while (strcmp(filter_rows[i].id, x->row->id) != 0)
		i++;
	return &filter_rows[i];
}

/* Both directions count at the one clsact; the drops of an ingress qdisc are of its only one. */
static bool takes_filters(const struct qdisc *q)
{
	return strcmp(q->kind, "clsact") == 0 || strcmp(q->kind, "ingress") == 0;
}

static uint64_t clsact_drops(const struct exam *x, bool *ret_known)
{
	uint64_t sum = 0;

	*ret_known = observed(x->o, SRC_QDISC);
	vec_each(q, &x->o->b.qdiscs) {
		struct change c = delta_qdisc_drops(x->o, q);

		if (!takes_filters(q))
			continue;
		*ret_known &= c.known;
		sum += delta_value(c);
	}
	return sum;
}

static bool any_xdp(const struct exam *x)
{
	vec_each(link, &x->o->b.links)
		if (link->xdp_id)
			return true;
	return false;
}

static const char *what_is_traced(const struct filter_row *row)
{
	if (row->fails)
		return "xdp_exception";
	return row->at_clsact ? row->reasons[0] : "drops by XDP";
}

/* Without a trace: nothing is attached, or it dropped nothing; else nobody knows. */
static enum outcome without_trace(struct exam *x, const struct filter_row *row)
{
	bool known = false;

	if (row->at_clsact) {
		uint64_t drops = clsact_drops(x, &known);

		if (!known || drops)
			return not_examined_source(x, SRC_DROPS);
		evidence_text(NULL, x, "filters of clsact and ingress dropped nothing");
		return NOT_FOUND;
	}
	if (!observed(x->o, SRC_LINK) || any_xdp(x))
		return not_examined_source(x, SRC_DROPS);
	evidence_text(NULL, x, "no device has an XDP program");
	return NOT_FOUND;
}

/*
 * Such filters are there to drop, as a firewall is: what is scattered over ports, as scans are, is
 * a note. Somebody who wants a service comes back to its port.
 */
static bool is_wanted(const struct exam *x, const struct drop_filter *filter, uint64_t lost)
{
	uint64_t all = 0, most = 0, enough = (uint64_t)MAX(10.0, x->o->seconds);

	ledger_each_flow(flow, x->ledger) {
		struct drop as_drop = {.protocol = flow->protocol};
		uint64_t same = 0;

		memcpy(as_drop.reason, flow->reason, sizeof(as_drop.reason));
		memcpy(as_drop.symbol, flow->symbol, sizeof(as_drop.symbol));
		if (!drop_matches(&as_drop, filter))
			continue;
		all += flow->packets;
		ledger_each_flow(other, x->ledger)
			if (other->protocol == flow->protocol &&
			    other->destination_port == flow->destination_port &&
			    strcmp(other->reason, flow->reason) == 0 &&
			    strcmp(other->symbol, flow->symbol) == 0)
				same += other->packets;
		most = MAX(most, same);
	}
	/* Frames that are not IP leave no flows: the share alone decides. */
	return !all || (most >= WANTED_SEEN && most * MAX(lost, all) / all >= enough);
}

/* The program's number is the only way to its author. */
static void failing_remedies(struct exam *x, struct finding *f, const struct filter_row *row,
			     const char *device, const char *enter)
{
	const struct link *link = snapshot_link_named(&x->o->b, device);
	struct remedy *r = finding_remedy(f, "mend-program", REMEDY_TC,
					  "have the XDP program on %s mended by who loaded it", device);

	remedy_why(r, "it is a fault in the program, or in what it sends packets on to");
	remedy_command(r, "%s%s %s", enter, row->see, device);
	if (link && link->xdp_id)
		remedy_command(r, "bpftool prog show id %u", link->xdp_id);
	remedy_command(r, "bpftool prog tracelog    (what it prints, if it does)");
	remedy_risk(r, "taking it off opens what it kept out, and may break the container network");
}

static void filter_remedies(struct exam *x, struct finding *f, const struct filter_row *row)
{
	const char *device = f->subjects.n ? f->subjects.items[0].device : "DEVICE";
	char enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	if (row->fails) {
		failing_remedies(x, f, row, device, enter);
		return;
	}
	r = finding_remedy(f, "find-owner", REMEDY_TC, "find out who put it there, and change its rules");
	remedy_why(r, "who made it puts it back: it is to be told what to let through");
	remedy_command(r, "%s%s %s", enter, row->see, device);
	remedy_command(r, "%sbpftool net show dev %s", enter, device);
	remedy_risk(r, "taking it off opens what it kept out, and may break the container network");
}

static uint64_t passed_by(const struct exam *x, const struct finding *f, enum counter_id id)
{
	uint64_t sum = 0;

	vec_each(link, &x->o->b.links)
		vec_each(s, &f->subjects)
			if (strcmp(s->device, link->name) == 0)
				sum += delta_value(delta_link(x->o, link, id));
	return sum;
}

static void add_evidence(struct exam *x, struct finding *f, const struct filter_row *row,
			 uint64_t traced)
{
	char name[64];

	vec_each(q, &x->o->b.qdiscs) {
		const struct link *link = snapshot_link(&x->o->b, q->ifindex);

		if (!row->at_clsact || !takes_filters(q) || !delta_value(delta_qdisc_drops(x->o, q)))
			continue;
		snprintf(name, sizeof(name), "%s %s: dropped", link ? link->name : "?", q->kind);
		evidence_change(f, x, "tc", name, delta_qdisc_drops(x->o, q));
	}
	vec_each(link, &x->o->b.links)
		if (!row->at_clsact && link->xdp_id)
			evidence_text(f, x, "%s has XDP program %u", link->name, link->xdp_id);
	evidence_traced(f, x, what_is_traced(row), traced);
}

enum outcome examine_tc_filter(struct exam *x)
{
	const struct filter_row *row = row_of(x);
	const struct drop_filter filter = {.reasons = row->reasons, .symbols = row->symbols};
	uint64_t traced, counted = 0;
	bool known = false;
	struct finding *f;

	if (!tracing(x))
		return without_trace(x, row);
	traced = ledger_unclaimed(x->ledger, &filter);
	if (!traced) {
		evidence_traced(NULL, x, what_is_traced(row), 0);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &filter, traced);
	subject_devices(x, f, &filter);
	if (row->at_clsact)
		counted = clsact_drops(x, &known);
	/* The other direction's drops are in the same number. */
	known &= counted >= traced && counted - traced <= traced / 50;
	finding_lost(f, known ? &counted : NULL, &traced,
		     passed_by(x, f, row->of) + (row->of == C_LINK_TX_PACKETS ? traced : 0));
	f->severity = MIN(SEVERITY_WARNING, severity_of_share(x, f->lost, MAX(f->of, f->lost)));
	if (row->fails) /* causes.md 40: nobody meant any of them */
		f->severity = SEVERITY_WARNING;
	else if (!is_wanted(x, &filter, f->lost))
		f->severity = SEVERITY_INFO;
	finding_flows(x, f, &filter);
	finding_headline(f, "%s of %s drops packets", row->place,
			 f->subjects.n ? f->subjects.items[0].device : "a device");
	finding_text(f, "%s", row->text);
	add_evidence(x, f, row, traced);
	finding_exclude(f, "%s", row->excluded);
	filter_remedies(x, f, row);
	return FOUND;
}
