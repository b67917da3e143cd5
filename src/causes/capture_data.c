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
	finding_headline(f, g->detail[0] == g->flows ? "data of connections with %s was not taken"
						     : "connections with %s died in silence", where(g).s);
	finding_text(f, "%llu connection%s: the %s sent the same data at least 3 times with growing pauses, and "
			"it was never acknowledged; the other side was silent for up to %s. %s",
		     N(g->flows), S(g->flows), side(g), seconds(g->ns_max).s,
		     g->detail[0] == g->flows
			     ? "But its bare ACKs still came: it gets packets and does not take these, for their "
			       "checksum, time stamp or numbers, which something on the way may have changed."
			     : "The way broke, or the other host went away without a word.");
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}

void tell_mtu(const struct group *g, struct finding *f)
{
	const struct trouble *w = g->worst;

	cleanup(buf_done) struct buf more = {0};

	if (w->of)
		buf_printf(&more, " The SYNs asked for an MSS of %llu (client) and %llu (server).", N(w->of >> 16),
			   N(w->of & 0xffff));
	if (w->detail[2])
		buf_printf(&more, " ICMP said that the way takes %llu bytes, and it went on with the same size: its "
				  "firewall may drop ICMP.", N(w->detail[2]));
	else
		buf_puts(&more, " No ICMP in the capture says so: it is filtered on the way.");
	if (!w->detail[3] && !w->detail[2])
		buf_puts(&more, " Nothing came from the other side since: it or the way may have ended just then.");
	finding_headline(f, "packets of %llu bytes do not get through", N(w->detail[0]));
	finding_text(f, "%llu connection%s with %s: the %s sent packets of %llu bytes again and again with growing "
			"pauses, while those up to %llu bytes %s.%s",
		     N(g->flows), S(g->flows), where(g).s, side(g), N(w->detail[0]), N(w->detail[1]),
		     w->detail[3] & MTU_SHRUNK ? "came through once it made them smaller" : "were acknowledged",
		     more.data);
	f->severity = SEVERITY_WARNING;
	f->confidence = w->detail[3] & MTU_SHRUNK ? CERTAIN : w->detail[3] || w->detail[2] ? LIKELY : POSSIBLE;
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
			"them. They are not counted as sent again.%s",
		     N(g->amount), N(g->flows), S(g->flows),
		     g->detail[0] ? " The second has a TTL that is one less: the capture has both sides of a router or "
				    "balancer that forwards them." : "");
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

void tell_direction(const struct group *g, struct finding *f)
{
	finding_headline(f, "connections with %s work in one direction only", where(g).s);
	finding_text(f, "%llu connection%s: what the %s sent was sent again at least 3 times and never acknowledged, for up "
			"to %s, while data of the other side went on to come. The way from the %s is cut and the way to "
			"it is not: a firewall or a balancer that forgot the session and sees this direction only (direct "
			"server return), or a route.",
		     N(g->flows), S(g->flows), side(g), seconds(g->ns_max).s, side(g));
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
	finding_exclude(f, "a host that is gone (it still sends)");
}

void tell_two_ways(const struct group *g, struct finding *f)
{
	finding_headline(f, "SYNs to %s and its answers take different ways", where(g).s);
	finding_text(f, "%llu of %llu handshakes: the SYN-ACK %s. A balancer with direct server return, or two routers; inline "
			"balancing goes both ways through one machine. Firewalls and balancers on one of the ways see "
			"half of each connection.",
		     N(g->amount), N(g->of),
		     g->detail[0] >= g->detail[1] ? "goes to another machine (MAC) than the SYN came from"
						  : "comes from another machine (MAC) than the SYN went to");
	f->confidence = LIKELY;
	finding_exclude(f, "the shared addresses of VRRP, HSRP and GLBP");
}

void tell_id_loss(const struct group *g, struct finding *f)
{
	finding_headline(f, "%llu packets lost before the capture that were not sent again", N(g->amount));
	finding_text(f, "Of %llu packets in %llu connection%s, %llu more than were sent again are not here: their "
			"sender counts the IPv4 identifications on by one. They are bare ACKs, or segments that "
			"were lost more than once.%s",
		     N(g->of), N(g->flows), S(g->flows), N(g->amount),
		     g->a->sum.gaps || g->a->sum.missed ? " The capture misses packets itself: some of these may be "
							  "of them." : "");
	f->lost = g->amount;
	f->of = g->of;
	f->unit = "packets";
	f->confidence = LIKELY;
	f->severity = !g->a->sum.gaps && !g->a->sum.missed && g->amount >= LOSS_LEAST &&
		      (double)g->amount >= LOSS_SHARE * (double)g->of ? SEVERITY_WARNING : SEVERITY_INFO;
	finding_exclude(f, "senders whose identifications are no such series: nothing is said of them");
}

void tell_window(const struct group *g, struct finding *f)
{
	const struct trouble *w = g->worst;

	finding_headline(f, "the receive window limits connections with %s", where(g).s);
	finding_text(f, "%llu connection%s: what the %s sends waits for the receiver's window %llu %% of the time. "
			"%llu bytes in each round trip of %.1f ms are %.1f Mbit/s at most. The receiver's buffer "
			"is small (SO_RCVBUF, net.ipv4.tcp_rmem), or its program reads slowly.",
		     N(g->flows), S(g->flows), side(g), N(w->detail[0]), N(w->detail[1]),
		     (double)w->detail[2] / 1e6, (double)w->detail[3] / 1e3);
	f->confidence = LIKELY;
	finding_exclude(f, "the network (the sender had more than the window allowed)");
}

void tell_corrupt(const struct group *g, struct finding *f)
{
	uint64_t wrong = g->a->flows.checksums[CHECKSUM_WRONG];
	/* Whatever is damaged must be sent again. */
	bool artefact = wrong > 2 * g->amount;

	finding_headline(f, "%llu segment%s %s", N(g->amount), S(g->amount),
			 artefact ? "with a wrong checksum sent again" : "damaged on the way");
	finding_text(f, "In %llu connection%s %llu segments have a wrong checksum and were sent again: %s "
			"Checksums were looked at of %llu segments, of connections that lost some, and of "
			"all since the first was wrong; %llu were wrong.",
		     N(g->flows), S(g->flows), N(g->amount),
		     artefact ? "but most that are wrong were not, so they arrived. The capture shows checksums that are "
				"filled in behind it, most probably, and these were lost for another reason."
			      : "a cable, a port, a device's memory on the way to the capture changes bytes. The receiver "
				"drops such a segment.",
		     N(g->a->flows.checksums[CHECKSUM_RIGHT] + wrong), N(wrong));
	f->lost = g->amount;
	f->of = g->of;
	f->unit = "segments";
	f->severity = artefact ? SEVERITY_INFO : SEVERITY_WARNING;
	f->confidence = artefact ? POSSIBLE : LIKELY;
	if (!artefact)
		finding_exclude(f, "checksums that the sending device fills in behind the capture (offload)");
}
