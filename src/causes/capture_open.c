// SPDX-License-Identifier: GPL-2.0-or-later
/* The beginning of connections. */
#include "causes/capture_tell.h"

#include <sys/socket.h>

#define FLOOD_LEAST 1000
#define FLOOD_RATE 1000

void tell_syn_silent(const struct group *g, struct finding *f)
{
	finding_headline(f, "%s does not answer SYNs", where(g).s);
	if (g->detail[0] == g->flows) {
		finding_text(f, "%llu connection%s to %s: each SYN was answered by the ACK of an older connection "
				"between the same ports, which is in TIME_WAIT there, for up to %s. The SYNs' time "
				"stamps are behind those of that connection (several hosts behind one address), "
				"and the reset by which a client clears the way did not reach the server.",
			     N(g->flows), S(g->flows), where(g).s, seconds(g->ns_max).s);
		f->severity = SEVERITY_WARNING;
		f->confidence = LIKELY;
		return;
	}
	finding_text(f, "%llu connection%s to %s: the SYN was sent again and again, for up to %s, and nothing "
			"came back, neither SYN-ACK nor reset nor ICMP. Either the SYNs or the answers are "
			"dropped on the way (a firewall, a route), or the server ignores them (its accept "
			"queue or SYN queue is full). A capture at the client cannot tell these apart; one at "
			"the server shows whether the SYNs arrive.",
		     N(g->flows), S(g->flows), where(g).s, seconds(g->ns_max).s);
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
	finding_exclude(f, "a closed port (it would reset)");
}

/* Many SYNs, hardly a connection, and nobody who tries again: none of them means it. */
void tell_syn_lone(const struct group *g, struct finding *f)
{
	const struct trouble *w = g->worst;
	double span = (double)(w->last_ns - w->first_ns) / 1e9;
	bool flood = w->flows >= FLOOD_LEAST && (double)w->flows > FLOOD_RATE * MAX(span, 1.0);

	for (size_t i = 0; flood && i < g->a->servers_n; i++) {
		const struct server *s = &g->a->servers[i];

		if (s->at.port == w->server.port && s->at.family == w->server.family &&
		    memcmp(s->at.address, w->server.address, 16) == 0)
			flood = s->opened * 10 < s->flows;
	}
	finding_headline(f, flood ? "a flood of SYNs to %s" : "single SYNs to %s without an answer",
			 where(g).s);
	finding_text(f, "%llu SYNs to %s were neither answered nor sent again.%s", N(g->flows), where(g).s,
		     flood ? " A client that means it tries again after a second; these do not, and hardly "
			     "a connection was opened: their sources are forged, or scan."
			   : " One try each: a scan, or clients that gave up at once.");
	f->severity = flood ? SEVERITY_WARNING : SEVERITY_INFO;
	f->confidence = LIKELY;
	if (flood)
		f->via = cause_by_id("syn-flood");
}

void tell_syn_refused(const struct group *g, struct finding *f)
{
	finding_headline(f, "%s refuses connections", where(g).s);
	finding_text(f, "%llu connection%s to %s: the SYN was answered by a reset. Nobody listens there, or a "
			"firewall rejects it by a reset.", N(g->flows), S(g->flows), where(g).s);
	f->severity = SEVERITY_WARNING;
}

static const char *icmp_words(uint8_t family, uint64_t type, uint64_t code)
{
	static const char *const v4[] = {"network unreachable", "host unreachable",
		"protocol unreachable", "port unreachable", "fragmentation needed", "source route failed",
		"network unknown", "host unknown", "host isolated", "network prohibited",
		"host prohibited", "network unreachable for this service",
		"host unreachable for this service", "administratively prohibited"};
	static const char *const v6[] = {"no route", "administratively prohibited",
		"beyond the scope of the source", "address unreachable", "port unreachable",
		"source address failed the policy", "route rejected"};

	if (family == AF_INET6)
		return type == 1 && code < ARRAY_SIZE(v6) ? v6[code]
		       : type == 2 ? "packet too big" : type == 3 ? "time exceeded" : "parameter problem";
	if (type == 3 && code < ARRAY_SIZE(v4))
		return v4[code];
	return type == 11 ? code ? "fragment reassembly time exceeded" : "TTL exceeded"
	       : type == 4 ? "source quench" : type == 5 ? "redirect" : "parameter problem";
}

void tell_icmp(const struct group *g, struct finding *f)
{
	const struct trouble *w = g->worst;
	const char *what = icmp_words(w->server.family, w->detail[0], w->detail[1]);

	finding_headline(f, "ICMP says of %s: %s", where(g).s, what);
	finding_text(f, "%llu flow%s to %s: a host on the way, or the server, answered \"%s\" (ICMP type %llu, "
			"code %llu). The address that sent it is the one that dropped the packet.",
		     N(g->flows), S(g->flows), where(g).s, what, N(w->detail[0]), N(w->detail[1]));
	f->severity = SEVERITY_WARNING;
}

void tell_synack_silent(const struct group *g, struct finding *f)
{
	finding_headline(f, "SYN-ACKs of %s are not acknowledged", where(g).s);
	finding_text(f, "%llu connection%s to %s: the server sent its SYN-ACK %llu times in all, and no ACK of "
			"it is in the capture. The SYN-ACKs do not reach the client, its ACKs do not come "
			"back, or the SYN's source was forged.",
		     N(g->flows), S(g->flows), where(g).s, N(g->amount));
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}

void tell_accept_full(const struct group *g, struct finding *f)
{
	finding_headline(f, "%s did not take the ACK that opens a connection", where(g).s);
	finding_text(f, "%llu connection%s to %s: the client's ACK is in the capture, and yet the server sent its "
			"SYN-ACK again (%llu in all). Captured at the server: its accept queue is full, and it "
			"drops the ACK. Captured at the client: the ACK was lost on the way.",
		     N(g->flows), S(g->flows), where(g).s, N(g->amount));
	f->severity = SEVERITY_WARNING;
	f->confidence = POSSIBLE;
}
