// SPDX-License-Identifier: GPL-2.0-or-later
/* How connections end. */
#include "causes/capture_tell.h"

void tell_reset_idle(const struct group *g, struct finding *f)
{
	finding_headline(f, "connections with %s were reset after a silence", where(g).s);
	finding_text(f, "%llu connection%s ended by a reset of the %s after at least %s without a packet: somebody "
			"on the way, or the %s itself, had dropped the connection for being idle. "
			"The longest silence that one of them survived: %s. A keepalive below that limit "
			"(net.ipv4.tcp_keepalive_time, or the program's own) keeps them open.",
		     N(g->flows), S(g->flows), side(g), seconds(g->ns_min).s, side(g),
		     g->ns_survived ? seconds(g->ns_survived).s : "none");
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}

void tell_silent_idle(const struct group *g, struct finding *f)
{
	finding_headline(f, "connections with %s were dead after a silence", where(g).s);
	finding_text(f, "%llu connection%s: after at least %s without a packet the %s sent data, sent it again, and "
			"nothing answered. A middlebox (firewall, NAT, load balancer) has forgotten the "
			"connection and drops it silently, or the other host is gone. The longest silence that "
			"was survived: %s.",
		     N(g->flows), S(g->flows), seconds(g->ns_min).s, side(g),
		     g->ns_survived ? seconds(g->ns_survived).s : "none");
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}

void tell_reset_forged(const struct group *g, struct finding *f)
{
	const struct trouble *w = g->worst;

	finding_headline(f, "resets of connections with %s come from a middlebox", where(g).s);
	finding_text(f, "%llu connection%s were reset in the name of the %s, but with TTL %llu where its other "
			"packets have %llu: another machine sent it, at another distance.",
		     N(g->flows), S(g->flows), side(g), N(w->detail[0]), N(w->detail[1]));
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}

void tell_reset_keepalive(const struct group *g, struct finding *f)
{
	finding_headline(f, "keepalives to the other side of %s were not answered", where(g).s);
	finding_text(f, "%llu connection%s: the %s sent keepalives, got no answer and gave up with a reset. The "
			"other side or the way to it is dead.", N(g->flows), S(g->flows), side(g));
	f->severity = SEVERITY_WARNING;
}

void tell_reset_abort(const struct group *g, struct finding *f)
{
	const struct trouble *w = g->worst;

	finding_headline(f, "connections with %s were reset", where(g).s);
	finding_text(f, "%llu connection%s were open and were reset by the %s, without a FIN. %s",
		     N(g->flows), S(g->flows), side(g),
		     w->detail[2] ? "The resets carry no ACK: a host that does not know the connection any more, "
				    "or a firewall that rejects it."
		     : w->detail[3] ? "The resets come from the living socket (window and time stamps are its own): "
				      "the program closed it with data unread, with SO_LINGER 0, or was killed."
				    : "");
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}
