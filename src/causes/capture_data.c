// SPDX-License-Identifier: GPL-2.0-or-later
/* What happens to the data of connections. */
#include "causes/capture_tell.h"

#define ZERO_WINDOW_NS (200 * NSEC_PER_MSEC) /* the least a sender waits before it probes */

void tell_loss(const struct group *g, struct finding *f)
{
	uint64_t of = 0;

	for (size_t i = 0; i < g->a->servers_n; i++)
		of += g->a->servers[i].segments;
	finding_headline(f, "%llu segment%s sent again, most with %s", N(g->amount), S(g->amount), where(g).s);
	finding_text(f, "Of %llu segments of data %llu were lost and sent again. "
			"Seen by this capture before they were lost: %llu sent again at once (fast, SACK, RACK), "
			"%llu by a tail loss probe, %llu after a timeout. Lost before they came here: %llu.",
		     N(of), N(g->amount), N(g->detail[0]), N(g->detail[1]),
		     N(g->detail[2]), N(g->detail[3]));
	f->lost = g->amount;
	f->of = of;
	f->unit = "segments";
	f->severity = g->amount >= LOSS_LEAST && (double)g->amount >= LOSS_SHARE * (double)of
			      ? SEVERITY_WARNING : SEVERITY_INFO;
	finding_exclude(f, "packets that the capture missed (they are told by themselves)");
}

void tell_died(const struct group *g, struct finding *f)
{
	finding_headline(f, "connections with %s died in silence", where(g).s);
	finding_text(f, "%llu connection%s: the %s sent the same data at least 3 times with growing pauses, and "
			"it was never acknowledged; the other side was silent for up to %s. The way broke, "
			"or the other host went away without a word.",
		     N(g->flows), S(g->flows), side(g), seconds(g->ns_max).s);
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}

void tell_mtu(const struct group *g, struct finding *f)
{
	const struct trouble *w = g->worst;

	finding_headline(f, "packets of %llu bytes do not get through", N(w->detail[0]));
	finding_text(f, "%llu connection%s with %s: the %s sent packets of %llu bytes again and again, while those "
			"up to %llu bytes %s. %s",
		     N(g->flows), S(g->flows), where(g).s, side(g), N(w->detail[0]), N(w->detail[1]),
		     w->detail[3] ? "came through once it made them smaller" : "were acknowledged",
		     w->detail[2] ? "ICMP told it so, and it went on with the same size: its firewall may drop ICMP."
				  : "No ICMP in the capture says so: it is filtered on the way.");
	f->severity = SEVERITY_WARNING;
	f->confidence = w->detail[3] ? CERTAIN : LIKELY;
}

void tell_zero_window(const struct group *g, struct finding *f)
{
	finding_headline(f, "the %s of %s closed its window", side(g), where(g).s);
	finding_text(f, "%llu connection%s: a receive buffer was full %llu times, for %s in all and %s at the "
			"longest: its program did not read. The other side sent %llu window probes%s.",
		     N(g->flows), S(g->flows), N(g->amount), seconds(g->ns_sum).s, seconds(g->ns_max).s,
		     N(g->detail[0]), g->detail[1] ? "; some windows were still closed at the end" : "");
	f->severity = g->ns_max >= ZERO_WINDOW_NS ? SEVERITY_WARNING : SEVERITY_INFO;
	finding_exclude(f, "losses on the way (the sender waits, it has nothing lost)");
}

void tell_spurious(const struct group *g, struct finding *f)
{
	finding_headline(f, "%llu segments were sent again for nothing", N(g->amount));
	finding_text(f, "%llu of %llu that were sent again had arrived (the receiver said so by D-SACK, or had "
			"acknowledged them already): delays or reordering, no loss.",
		     N(g->amount), N(g->of));
}

void tell_reordered(const struct group *g, struct finding *f)
{
	finding_headline(f, "%llu segments were overtaken on the way", N(g->amount));
	finding_text(f, "%llu segments in %llu connection%s came after ones that were sent later, as their IP "
			"identifications or time stamps tell.",
		     N(g->amount), N(g->flows), S(g->flows));
	f->confidence = LIKELY;
}

void tell_duplicated(const struct group *g, struct finding *f)
{
	finding_headline(f, "%llu segments are in the capture twice", N(g->amount));
	finding_text(f, "%llu segments in %llu connection%s are there again with the same IP identification: a "
			"mirror port or a capture on several devices saw them twice, or the network doubled "
			"them. They are not counted as sent again.",
		     N(g->amount), N(g->flows), S(g->flows));
}

void tell_gap(const struct group *g, struct finding *f)
{
	finding_headline(f, "the capture misses packets that were on the wire");
	finding_text(f, "%llu times data was acknowledged that the capture does not show, in %llu connection%s: the "
			"receiver had it, the capture lost it. What is counted as sent again may be short.",
		     N(g->amount), N(g->flows), S(g->flows));
}

void tell_one_way(const struct group *g, struct finding *f)
{
	finding_headline(f, "of %s only one direction is in the capture", where(g).s);
	finding_text(f, "%llu connection%s show one direction only: the answers take another way, past the place "
			"of the capture. Losses and delays of these cannot be told.",
		     N(g->flows), S(g->flows));
	f->confidence = LIKELY;
}
