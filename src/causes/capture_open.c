// SPDX-License-Identifier: GPL-2.0-or-later
/* The beginning of connections. */
#include "causes/capture_tell.h"

#include <netinet/in.h>
#include <sys/socket.h>

enum vantage { VANTAGE_UNKNOWN, VANTAGE_SERVER, VANTAGE_CLIENT };

#define NEAR 4 /* times: so much shorter is the way to the nearer end */
#define FAR_NS (NSEC_PER_MSEC / 2) /* the least that the longer way takes, or nothing is said */

static const struct server *server_of(const struct group *g)
{
	for (size_t i = 0; i < g->a->servers_n; i++) {
		const struct server *s = &g->a->servers[i];

		if (s->protocol == IPPROTO_TCP && s->at.port == g->worst->server.port &&
		    s->at.family == g->worst->server.family &&
		    memcmp(s->at.address, g->worst->server.address, sizeof(s->at.address)) == 0)
			return s;
	}
	return NULL;
}

/* Kernels answer SYNs and SYN-ACKs at once: what takes longer is the longer way. */
static enum vantage vantage_of(const struct group *g)
{
	const struct server *s = server_of(g);
	int64_t server, client;

	if (!s || !s->ways_n)
		return VANTAGE_UNKNOWN;
	server = s->to_server_ns / (int64_t)s->ways_n;
	client = s->to_client_ns / (int64_t)s->ways_n;
	if (client >= FAR_NS && server * NEAR <= client)
		return VANTAGE_SERVER;
	return server >= FAR_NS && client * NEAR <= server ? VANTAGE_CLIENT : VANTAGE_UNKNOWN;
}

void tell_syn_silent(const struct group *g, struct finding *f)
{
	const struct server *s = server_of(g);

	finding_headline(f, "%s does not answer SYNs", where(g).s);
	finding_text(f, "%llu connection%s to %s: the SYN was sent again and again, for up to %s, and nothing "
			"came back, neither SYN-ACK nor reset nor ICMP.%s Either the SYNs or the answers are "
			"dropped on the way (a firewall, a route, rp_filter), or the server ignores them (its "
			"accept queue or SYN queue is full). A capture at the client cannot tell these apart; one at "
			"the server shows whether the SYNs arrive.",
		     N(g->flows), S(g->flows), where(g).s, seconds(g->ns_max).s,
		     s && !s->opened ? " It answered nobody in the whole capture: a rule that drops, or no way "
				       "back, is more likely than a queue." : "");
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
	finding_exclude(f, "a closed port (it would reset)");
}

void tell_syn_paws(const struct group *g, struct finding *f)
{
	bool other = g->detail[0] * 2 >= g->flows;

	finding_headline(f, "%s ignores SYNs with older time stamps", where(g).s);
	finding_text(f, "%llu connection%s to %s: the SYNs were ignored for up to %s, while others from the same address "
			"were answered. Their time stamps run by a clock of their own, and are behind those of the "
			"ones that were answered in the minute before. %s The server compares time stamps per address: "
			"Linux before 4.12 with net.ipv4.tcp_tw_recycle=1, or a firewall or balancer in front of it.",
		     N(g->flows), S(g->flows), where(g).s, seconds(g->ns_max).s,
		     other ? "TTL, MSS or window scale differ as well: two hosts behind one address (NAT)."
			   : "They are of two hosts behind one address (NAT).");
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
	finding_exclude(f, "a full queue and a rule for the address (others from it were answered)");
}

void tell_syn_timewait(const struct group *g, struct finding *f)
{
	finding_headline(f, "%s does not answer SYNs", where(g).s);
	finding_text(f, "%llu connection%s to %s: each SYN was answered by the ACK of an older connection "
			"between the same ports, which is in TIME_WAIT there, for up to %s. The SYNs' time "
			"stamps are behind those of that connection (several hosts behind one address), "
			"and the reset by which a client clears the way did not reach the server.",
		     N(g->flows), S(g->flows), where(g).s, seconds(g->ns_max).s);
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}

void tell_syn_late(const struct group *g, struct finding *f)
{
	finding_headline(f, "connections to %s met an older one of their port", where(g).s);
	finding_text(f, "%llu connection%s: %s still had one of the same ports (TIME_WAIT) and answered the SYN by its "
			"last ACK; the client reset that one, sent its SYN again and was answered, %s later at the "
			"longest. Nothing is lost but this time. Several hosts behind one address reuse a port so, "
			"and so does a client that runs out of them.",
		     N(g->flows), S(g->flows), where(g).s, seconds(g->ns_max).s);
	f->confidence = LIKELY;
}

void tell_syn_selective(const struct group *g, struct finding *f)
{
	bool source = g->detail[3] * 2 >= g->flows;

	finding_headline(f, "%s ignores some SYNs and answers others", where(g).s);
	finding_text(f, "%llu connection%s to %s: at least three SYNs of each were ignored, for up to %s, and each time "
			"others were answered in between. The server is up and its queue is not full all the time. %s",
		     N(g->flows), S(g->flows), where(g).s, seconds(g->ns_max).s,
		     source ? "The same addresses were answered on other ports: a filter or a path chosen by the "
			      "ports (ECMP, a bucket of a balancer), or a queue that is full now and then."
			    : "No other connection of their addresses was answered meanwhile: a filter or a route "
			      "for these sources, a path chosen by the address, or a queue that is full now and then.");
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
	finding_exclude(f, "a server that is down");
}

void tell_syn_queue(const struct group *g, struct finding *f)
{
	enum vantage at = vantage_of(g);

	finding_headline(f, "%s did not answer SYNs for a time", where(g).s);
	finding_text(f, "%llu connection%s to %s: the SYN was sent again and again, for up to %s, and nobody was "
			"answered meanwhile, though others were before or after. %s",
		     N(g->flows), S(g->flows), where(g).s, seconds(g->ns_max).s,
		     at == VANTAGE_SERVER ? "By its delays this capture was made near the server, where the SYNs "
					    "came: its accept queue (or SYN queue) was full; compare ListenOverflows."
		     : at == VANTAGE_CLIENT ? "By its delays this capture was made near the client: the server's "
					      "accept queue was full, or the way was cut for that time. One at "
					      "the server tells."
					    : "At the server that is a full accept queue (or SYN queue): compare "
					      "ListenOverflows. Elsewhere the way may have been cut for that time.");
	f->severity = SEVERITY_WARNING;
	f->confidence = at == VANTAGE_SERVER ? LIKELY : POSSIBLE;
	finding_exclude(f, "a rule that always drops (others were answered)");
}

void tell_syn_lone(const struct group *g, struct finding *f)
{
	finding_headline(f, "single SYNs to %s without an answer", where(g).s);
	finding_text(f, "%llu SYNs to %s were neither answered nor sent again. One try each: a scan, or clients "
			"that gave up at once.", N(g->flows), where(g).s);
	f->confidence = LIKELY;
}

void tell_syn_flood(const struct group *g, struct finding *f)
{
	const struct trouble *w = g->worst;

	finding_headline(f, "a flood of SYNs to %s", where(g).s);
	finding_text(f, "%llu SYNs came to %s, up to %llu in a second, and of less than one in ten a connection was "
			"made or refused. A client that means it tries again after a second; hardly one of these "
			"did. They come from about %llu addresses%s%s.",
		     N(w->amount), where(g).s, N(w->detail[1]), N(w->detail[0]),
		     w->detail[0] * 2 > w->detail[3] ? ", most of them once: forged" : "",
		     w->detail[2] ? "; TTL, window and options are the same in all: one program made them" : "");
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
	finding_exclude(f, "a server that is too slow for its clients (they would try again)");
}

void tell_syn_bare(const struct group *g, struct finding *f)
{
	finding_headline(f, "%s answered SYNs without their options", where(g).s);
	finding_text(f, "%llu of %llu SYN-ACKs of %s had neither SACK nor window scale nor time stamps although the SYN "
			"had, and others had been answered with them: SYN cookies (the SYN queue was full), or a "
			"middlebox that takes options away. Such connections recover badly from losses and have "
			"windows of 64 KiB at most.",
		     N(g->amount), N(g->of), where(g).s);
	f->confidence = LIKELY;
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
			"it is in the capture. %s",
		     N(g->flows), S(g->flows), where(g).s, N(g->amount),
		     g->detail[0] * 10 >= g->flows * 9
			     ? "The clients sent their SYNs again as well: the SYN-ACKs do not reach them."
		     : g->detail[0] ? "Of some the client sent its SYN again: those SYN-ACKs do not reach it."
				    : "The clients did not ask again: they got them, and their ACKs do not come as "
				      "far as here, or the SYNs' sources were forged.");
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}

void tell_accept_full(const struct group *g, struct finding *f)
{
	enum vantage at = vantage_of(g);

	finding_headline(f, "%s did not take the ACK that opens a connection", where(g).s);
	finding_text(f, "%llu connection%s to %s: the client's ACK is in the capture, and yet the server sent its "
			"SYN-ACK again (%llu in all). %s",
		     N(g->flows), S(g->flows), where(g).s, N(g->amount),
		     at == VANTAGE_SERVER ? "By its delays this capture was made near the server: its accept queue "
					    "is full, and it drops the ACK."
		     : at == VANTAGE_CLIENT ? "By its delays this capture was made near the client: the ACK was "
					      "lost on the way, or the server's accept queue is full."
					    : "Captured at the server: its accept queue is full, and it drops "
					      "the ACK. Captured at the client: the ACK was lost on the way.");
	f->severity = SEVERITY_WARNING;
	f->confidence = at == VANTAGE_SERVER ? LIKELY : POSSIBLE;
}
