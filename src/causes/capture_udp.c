// SPDX-License-Identifier: GPL-2.0-or-later
/* Datagrams, and what no stack sends. */
#include "causes/capture_tell.h"

void tell_udp_silent(const struct group *g, struct finding *f)
{
	finding_headline(f, "%s does not answer UDP requests", where(g).s);
	finding_text(f, "%llu request%s in %llu flow%s to %s got no answer, and no ICMP either: dropped on the way, "
			"or by the server.", N(g->amount), S(g->amount), N(g->flows), S(g->flows), where(g).s);
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}

void tell_udp_refused(const struct group *g, struct finding *f)
{
	finding_headline(f, "nobody listens on %s", where(g).s);
	finding_text(f, "%llu datagram%s in %llu flow%s to %s were answered by ICMP \"port unreachable\".",
		     N(g->amount), S(g->amount), N(g->flows), S(g->flows), where(g).s);
	f->severity = SEVERITY_WARNING;
}

void tell_udp_loss(const struct group *g, struct finding *f)
{
	uint64_t n = g->amount - MIN(g->a->sum.missed, g->amount);

	finding_headline(f, "%llu datagram%s %s, most with %s", N(n ? n : g->amount), S(n ? n : g->amount),
			 n ? "lost before the capture" : "missing in the capture", where(g).s);
	finding_text(f, "Of %llu datagrams in %llu flow%s, %llu are not here: their sender counts the IPv4 identifications "
			"on by one. The capture is known to have missed %llu packet%s itself.",
		     N(g->of), N(g->flows), S(g->flows), N(g->amount), N(g->a->sum.missed), S(g->a->sum.missed));
	f->lost = n;
	f->of = g->of;
	f->unit = "packets";
	f->severity = n >= LOSS_LEAST && (double)n >= LOSS_SHARE * (double)g->of ? SEVERITY_WARNING : SEVERITY_INFO;
	finding_exclude(f, "senders whose identifications are no such series: nothing is said of them");
}

void tell_flags(const struct group *g, struct finding *f)
{
	finding_headline(f, "%llu segments with impossible TCP flags", N(g->amount));
	finding_text(f, "%llu segments have combinations of flags that no stack sends (none at all, SYN with FIN, "
			"FIN without ACK ...): a scan that tries what firewalls let through, or damage.",
		     N(g->amount));
}
