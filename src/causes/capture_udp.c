// SPDX-License-Identifier: GPL-2.0-or-later
/* Datagrams, and what no stack sends. */
#include "causes/capture_tell.h"

void tell_udp_silent(const struct group *g, struct finding *f)
{
	uint64_t n = g->amount - MIN(g->a->sum.missed, g->amount);
	bool all = g->worst->detail[0];

	finding_headline(f, "%s does not answer %sUDP requests", where(g).s, all ? "" : "some ");
	finding_text(f, "%llu request%s in %llu flow%s to %s got no answer, and no ICMP either: dropped on the way, "
			"or by the server.%s", N(g->amount), S(g->amount), N(g->flows), S(g->flows), where(g).s,
		     g->a->sum.missed ? " The capture itself missed packets." : "");
	/* Whoever answers none at all is gone; of the others one may be lost. */
	f->severity = n && (g->detail[0] || (n >= LOSS_LEAST && (double)n >= LOSS_SHARE * (double)g->of))
			      ? SEVERITY_WARNING : SEVERITY_INFO;
	f->confidence = LIKELY;
}

void tell_udp_refused(const struct group *g, struct finding *f)
{
	finding_headline(f, "nobody listens on %s", where(g).s);
	finding_text(f, "%llu datagram%s in %llu flow%s to %s were answered by ICMP \"port unreachable\".",
		     N(g->amount), S(g->amount), N(g->flows), S(g->flows), where(g).s);
	f->severity = SEVERITY_WARNING;
}

/* `what`: "datagram", "RTP packet" */
static void lost_before(const struct group *g, struct finding *f, const char *what)
{
	uint64_t n = g->amount - MIN(g->a->sum.missed, g->amount);

	finding_headline(f, "%llu %s%s %s, most with %s", N(n ? n : g->amount), what, S(n ? n : g->amount),
			 n ? "lost before the capture" : "missing in the capture", where(g).s);
	f->lost = n;
	f->of = g->of;
	f->unit = "packets";
	f->severity = n >= LOSS_LEAST && (double)n >= LOSS_SHARE * (double)g->of ? SEVERITY_WARNING : SEVERITY_INFO;
}

void tell_udp_loss(const struct group *g, struct finding *f)
{
	lost_before(g, f, "datagram");
	finding_text(f, "Of %llu datagrams in %llu flow%s, %llu are not here: their sender counts the IPv4 identifications "
			"on by one. The capture is known to have missed %llu packet%s itself.",
		     N(g->of), N(g->flows), S(g->flows), N(g->amount), N(g->a->sum.missed), S(g->a->sum.missed));
	finding_exclude(f, "senders whose identifications are no such series: nothing is said of them");
}

void tell_flags(const struct group *g, struct finding *f)
{
	char client[96], *colon;

	endpoint_text(&g->worst->client, client, sizeof(client));
	colon = strrchr(client, ':');
	if (colon)
		*colon = '\0';
	finding_headline(f, "%llu segments with impossible TCP flags", N(g->amount));
	finding_text(f, "%llu segments to %s%llu port%s have combinations of flags that no stack sends: %llu with none of SYN, "
			"FIN, RST and ACK (a null scan), %llu with FIN and no ACK (a FIN or Xmas scan), %llu with SYN and "
			"FIN or RST. The first came from %s. %s",
		     N(g->amount), g->others ? "at least " : "", N(g->servers), S(g->servers), N(g->detail[0]), N(g->detail[1]), N(g->detail[2]),
		     g->worst->server.family ? client : "many",
		     g->servers > 2 ? "So many ports: a scan that tries what firewalls let through."
				    : "A scan that tries what firewalls let through, or damage.");
}

void tell_rtp_loss(const struct group *g, struct finding *f)
{
	lost_before(g, f, "RTP packet");
	finding_text(f, "Of %llu packets in %llu RTP stream%s, %llu are not here, as their sequence numbers tell (RFC "
			"3550). The jitter of the worst is %.1f ms.%s",
		     N(g->of), N(g->flows), S(g->flows), N(g->amount), (double)g->ns_max / 1e6,
		     g->a->sum.missed ? " The capture itself missed packets." : "");
}

void tell_udp_late(const struct group *g, struct finding *f)
{
	finding_headline(f, "%s answers too late", where(g).s);
	finding_text(f, "%llu of %llu requests to %s were answered only after the client had asked again: the first "
			"request or its answer was lost, or the server, or the one that it asks itself, is slow.",
		     N(g->amount), N(g->of), where(g).s);
	f->confidence = LIKELY;
}

void tell_udp_partly(const struct group *g, struct finding *f)
{
	finding_headline(f, "%s does not answer some clients", where(g).s);
	finding_text(f, "%llu flow%s with %llu datagrams to %s got no answer, and no ICMP either, while %llu flows "
			"with it were answered.",
		     N(g->flows), S(g->flows), N(g->amount), where(g).s, N(g->of));
	f->severity = SEVERITY_WARNING;
	f->confidence = POSSIBLE;
}

void tell_fragments(const struct group *g, struct finding *f)
{
	/* A capture with later pieces of other packets would have these, too. */
	bool filtered = !g->a->fragments.later || g->a->sum.missed;

	finding_headline(f, "%llu packet%s in pieces without the rest, most with %s", N(g->amount), S(g->amount),
			 where(g).s);
	finding_text(f, "Of %llu packets that were sent in pieces the first is here, and others are not, within a second: "
			"something on the way drops fragments, which have no ports that a firewall could look at, or "
			"one of them was lost. The receiver gets none of the packet.%s",
		     N(g->amount),
		     !g->a->fragments.later ? " But no later piece of any packet is here: a capture with a filter on ports "
					      "looks the same, for only the first piece has them."
		     : filtered ? " But the capture itself missed packets: some of these may be of them." : "");
	f->lost = g->amount;
	f->unit = "packets";
	f->severity = g->amount >= LOSS_LEAST && !filtered ? SEVERITY_WARNING : SEVERITY_INFO;
	f->confidence = filtered ? POSSIBLE : LIKELY;
}
