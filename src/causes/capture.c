// SPDX-License-Identifier: GPL-2.0-or-later
/* Troubles of one kind become one finding; its subjects are the servers. */
#include "causes/capture_host.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>


#define SUBJECTS_MAX 20
#define LOSS_SHARE 0.01 /* as for a host's own: 1 % and at least 10 */
#define LOSS_LEAST 10
#define ZERO_WINDOW_NS (200 * NSEC_PER_MSEC) /* the least a sender waits before it probes */
#define FLOOD_LEAST 1000
#define FLOOD_RATE 1000

#define CAPTURE(id_, title_, guide_)                                                               \
	{.id = id_, .title = title_, .kind = CAUSE_LOSS_POINT, .stage = STAGE_TCP,                 \
	 .direction = DIR_BOTH, .guide = guide_, .companions = "", .lab = "cli:pcap"},
const struct cause_row capture_causes[] = {
#include "causes/capture.def"
};
const size_t capture_causes_n = ARRAY_SIZE(capture_causes);
#undef CAPTURE

const struct cause_row *capture_cause(const char *id)
{
	for (size_t i = 0; i < capture_causes_n; i++)
		if (strcmp(capture_causes[i].id, id) == 0)
			return &capture_causes[i];
	return NULL;
}

/* All troubles of one kind. */
struct group {
	const struct analysis *a;
	const struct trouble *worst; /* the one with the most connections */
	uint64_t flows, amount, of, servers, detail[4];
	int64_t ns_min, ns_max, ns_sum, ns_survived;
};

struct kind_row {
	const char *id;	  /* of capture.def */
	const char *host; /* the cause that a host has of it; NULL */
	void (*describe)(const struct group *g, struct finding *f);
	bool sides; /* it is told of clients and of servers apart */
};

const char *endpoint_text(const struct endpoint *e, char *to, size_t size)
{
	char address[INET6_ADDRSTRLEN];

	if (!e->family)
		snprintf(to, size, "others");
	else
		snprintf(to, size, e->family == AF_INET6 ? "[%s]:%u" : "%s:%u",
			 address_text(e->family, e->address, address, sizeof(address)), e->port);
	return to;
}

/* ---- words ---- */

struct words {
	char s[96];
};

static struct words where(const struct group *g)
{
	struct words w;
	size_t n;

	endpoint_text(&g->worst->server, w.s, sizeof(w.s));
	n = strlen(w.s);
	if (g->servers > 1)
		snprintf(w.s + n, sizeof(w.s) - n, " and %llu more",
			 (unsigned long long)g->servers - 1);
	return w;
}

static struct words seconds(int64_t ns)
{
	struct words w;

	if (ns < NSEC_PER_SEC)
		snprintf(w.s, sizeof(w.s), "%.0f ms", (double)ns / 1e6);
	else
		snprintf(w.s, sizeof(w.s), "%.1f s", (double)ns / 1e9);
	return w;
}

static const char *side(const struct group *g)
{
	return g->worst->at_client ? "client" : "server";
}

#define N(n) ((unsigned long long)(n))
#define S(n) ((n) == 1 ? "" : "s")

/* ---- the beginning ---- */

static void syn_silent(const struct group *g, struct finding *f)
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
static void syn_lone(const struct group *g, struct finding *f)
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

static void syn_refused(const struct group *g, struct finding *f)
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

static void icmp(const struct group *g, struct finding *f)
{
	const struct trouble *w = g->worst;
	const char *what = icmp_words(w->server.family, w->detail[0], w->detail[1]);

	finding_headline(f, "ICMP says of %s: %s", where(g).s, what);
	finding_text(f, "%llu flow%s to %s: a host on the way, or the server, answered \"%s\" (ICMP type %llu, "
			"code %llu). The address that sent it is the one that dropped the packet.",
		     N(g->flows), S(g->flows), where(g).s, what, N(w->detail[0]), N(w->detail[1]));
	f->severity = SEVERITY_WARNING;
}

static void synack_silent(const struct group *g, struct finding *f)
{
	finding_headline(f, "SYN-ACKs of %s are not acknowledged", where(g).s);
	finding_text(f, "%llu connection%s to %s: the server sent its SYN-ACK %llu times in all, and no ACK of "
			"it is in the capture. The SYN-ACKs do not reach the client, its ACKs do not come "
			"back, or the SYN's source was forged.",
		     N(g->flows), S(g->flows), where(g).s, N(g->amount));
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}

static void accept_full(const struct group *g, struct finding *f)
{
	finding_headline(f, "%s did not take the ACK that opens a connection", where(g).s);
	finding_text(f, "%llu connection%s to %s: the client's ACK is in the capture, and yet the server sent its "
			"SYN-ACK again (%llu in all). Captured at the server: its accept queue is full, and it "
			"drops the ACK. Captured at the client: the ACK was lost on the way.",
		     N(g->flows), S(g->flows), where(g).s, N(g->amount));
	f->severity = SEVERITY_WARNING;
	f->confidence = POSSIBLE;
}

/* ---- data ---- */

static void loss(const struct group *g, struct finding *f)
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

static void died(const struct group *g, struct finding *f)
{
	finding_headline(f, "connections with %s died in silence", where(g).s);
	finding_text(f, "%llu connection%s: the %s sent the same data at least 3 times with growing pauses, and "
			"it was never acknowledged; the other side was silent for up to %s. The way broke, "
			"or the other host went away without a word.",
		     N(g->flows), S(g->flows), side(g), seconds(g->ns_max).s);
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}

static void mtu(const struct group *g, struct finding *f)
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

static void zero_window(const struct group *g, struct finding *f)
{
	finding_headline(f, "the %s of %s closed its window", side(g), where(g).s);
	finding_text(f, "%llu connection%s: a receive buffer was full %llu times, for %s in all and %s at the "
			"longest: its program did not read. The other side sent %llu window probes%s.",
		     N(g->flows), S(g->flows), N(g->amount), seconds(g->ns_sum).s, seconds(g->ns_max).s,
		     N(g->detail[0]), g->detail[1] ? "; some windows were still closed at the end" : "");
	f->severity = g->ns_max >= ZERO_WINDOW_NS ? SEVERITY_WARNING : SEVERITY_INFO;
	finding_exclude(f, "losses on the way (the sender waits, it has nothing lost)");
}

static void spurious(const struct group *g, struct finding *f)
{
	finding_headline(f, "%llu segments were sent again for nothing", N(g->amount));
	finding_text(f, "%llu of %llu that were sent again had arrived (the receiver said so by D-SACK, or had "
			"acknowledged them already): delays or reordering, no loss.",
		     N(g->amount), N(g->of));
}

static void reordered(const struct group *g, struct finding *f)
{
	finding_headline(f, "%llu segments were overtaken on the way", N(g->amount));
	finding_text(f, "%llu segments in %llu connection%s came after ones that were sent later, as their IP "
			"identifications or time stamps tell.",
		     N(g->amount), N(g->flows), S(g->flows));
	f->confidence = LIKELY;
}

static void duplicated(const struct group *g, struct finding *f)
{
	finding_headline(f, "%llu segments are in the capture twice", N(g->amount));
	finding_text(f, "%llu segments in %llu connection%s are there again with the same IP identification: a "
			"mirror port or a capture on several devices saw them twice, or the network doubled "
			"them. They are not counted as sent again.",
		     N(g->amount), N(g->flows), S(g->flows));
}

static void gap(const struct group *g, struct finding *f)
{
	finding_headline(f, "the capture misses packets that were on the wire");
	finding_text(f, "%llu times data was acknowledged that the capture does not show, in %llu connection%s: the "
			"receiver had it, the capture lost it. What is counted as sent again may be short.",
		     N(g->amount), N(g->flows), S(g->flows));
}

static void one_way(const struct group *g, struct finding *f)
{
	finding_headline(f, "of %s only one direction is in the capture", where(g).s);
	finding_text(f, "%llu connection%s show one direction only: the answers take another way, past the place "
			"of the capture. Losses and delays of these cannot be told.",
		     N(g->flows), S(g->flows));
	f->confidence = LIKELY;
}

/* ---- the end ---- */

static void reset_idle(const struct group *g, struct finding *f)
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

static void silent_idle(const struct group *g, struct finding *f)
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

static void reset_forged(const struct group *g, struct finding *f)
{
	const struct trouble *w = g->worst;

	finding_headline(f, "resets of connections with %s come from a middlebox", where(g).s);
	finding_text(f, "%llu connection%s were reset in the name of the %s, but with TTL %llu where its other "
			"packets have %llu: another machine sent it, at another distance.",
		     N(g->flows), S(g->flows), side(g), N(w->detail[0]), N(w->detail[1]));
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}

static void reset_keepalive(const struct group *g, struct finding *f)
{
	finding_headline(f, "keepalives to the other side of %s were not answered", where(g).s);
	finding_text(f, "%llu connection%s: the %s sent keepalives, got no answer and gave up with a reset. The "
			"other side or the way to it is dead.", N(g->flows), S(g->flows), side(g));
	f->severity = SEVERITY_WARNING;
}

static void reset_abort(const struct group *g, struct finding *f)
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

/* ---- others ---- */

static void udp_silent(const struct group *g, struct finding *f)
{
	finding_headline(f, "%s does not answer UDP requests", where(g).s);
	finding_text(f, "%llu request%s in %llu flow%s to %s got no answer, and no ICMP either: dropped on the way, "
			"or by the server.", N(g->amount), S(g->amount), N(g->flows), S(g->flows), where(g).s);
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}

static void udp_refused(const struct group *g, struct finding *f)
{
	finding_headline(f, "nobody listens on %s", where(g).s);
	finding_text(f, "%llu datagram%s in %llu flow%s to %s were answered by ICMP \"port unreachable\".",
		     N(g->amount), S(g->amount), N(g->flows), S(g->flows), where(g).s);
	f->severity = SEVERITY_WARNING;
}

static void udp_loss(const struct group *g, struct finding *f)
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

static void flags(const struct group *g, struct finding *f)
{
	finding_headline(f, "%llu segments with impossible TCP flags", N(g->amount));
	finding_text(f, "%llu segments have combinations of flags that no stack sends (none at all, SYN with FIN, "
			"FIN without ACK ...): a scan that tries what firewalls let through, or damage.",
		     N(g->amount));
}

static const struct kind_row kinds[TROUBLE_N] = {
	[TROUBLE_SYN_SILENT] = {"cap-handshake", "syn-timeout", syn_silent},
	[TROUBLE_SYN_LONE] = {"cap-handshake", NULL, syn_lone},
	[TROUBLE_SYN_REFUSED] = {"cap-handshake", "rst-closed-port", syn_refused},
	[TROUBLE_SYN_ICMP] = {"cap-icmp", NULL, icmp},
	[TROUBLE_SYNACK_SILENT] = {"cap-handshake", "synack-retrans", synack_silent},
	[TROUBLE_ACCEPT_FULL] = {"cap-handshake", "listen-overflow", accept_full},
	[TROUBLE_MTU] = {"cap-retrans", "pmtu-blackhole", mtu, true},
	[TROUBLE_DIED] = {"cap-retrans", "estab-timeout", died, true},
	[TROUBLE_LOSS] = {"cap-retrans", NULL, loss, true},
	[TROUBLE_ZERO_WINDOW] = {"cap-zero-window", "tcp-zero-window-rx", zero_window, true},
	[TROUBLE_RESET_IDLE] = {"cap-rst-origin", "keepalive-vs-lb-idle", reset_idle, true},
	[TROUBLE_SILENT_IDLE] = {"cap-rst-origin", "keepalive-vs-lb-idle", silent_idle, true},
	[TROUBLE_RESET_FORGED] = {"cap-rst-origin", "rst-middlebox", reset_forged, true},
	[TROUBLE_RESET_KEEPALIVE] = {"cap-keepalive", "keepalive-dead-peer", reset_keepalive, true},
	[TROUBLE_RESET_ABORT] = {"cap-rst-origin", NULL, reset_abort, true},
	[TROUBLE_UDP_SILENT] = {"cap-udp-silent", NULL, udp_silent},
	[TROUBLE_UDP_REFUSED] = {"cap-icmp", "udp-noport", udp_refused},
	[TROUBLE_UDP_LOSS] = {"cap-udp-loss", NULL, udp_loss, true},
	[TROUBLE_ICMP] = {"cap-icmp", NULL, icmp},
	[TROUBLE_FLAGS] = {"cap-flags", NULL, flags},
	[TROUBLE_SPURIOUS] = {"cap-retrans", "tcp-spurious-retrans", spurious, true},
	[TROUBLE_REORDERED] = {"cap-dup-reorder", "tcp-reordering", reordered, true},
	[TROUBLE_DUPLICATED] = {"cap-dup-reorder", NULL, duplicated, true},
	[TROUBLE_GAP] = {"cap-gap", NULL, gap, true},
	[TROUBLE_ONE_WAY] = {"cap-gap", NULL, one_way, true},
};

/* ---- findings ---- */

static bool same_server(const struct trouble *a, const struct trouble *b)
{
	return a->server.family == b->server.family && a->server.port == b->server.port &&
	       memcmp(a->server.address, b->server.address, sizeof(a->server.address)) == 0;
}

/* A server has one trouble for its own side, and one for that of its clients. */
static uint64_t distinct(const struct trouble **list, size_t n)
{
	uint64_t servers = n;

	for (size_t i = 1; i < MIN(n, (size_t)SUBJECTS_MAX); i++)
		for (size_t j = 0; j < i; j++)
			if (same_server(list[i], list[j])) {
				servers--;
				break;
			}
	return servers;
}

static void add_up(struct group *g, const struct trouble *t)
{
	if (!g->worst || t->flows > g->worst->flows ||
	    (t->flows == g->worst->flows && t->amount > g->worst->amount))
		g->worst = t;
	g->flows += t->flows;
	g->amount += t->amount;
	g->of += t->of;
	for (size_t i = 0; i < ARRAY_SIZE(g->detail); i++)
		g->detail[i] += t->detail[i];
	if (t->ns_min)
		g->ns_min = g->ns_min ? MIN(g->ns_min, t->ns_min) : t->ns_min;
	g->ns_max = MAX(g->ns_max, t->ns_max);
	g->ns_sum += t->ns_sum;
	g->ns_survived = MAX(g->ns_survived, t->ns_survived);
}

static int by_flows(const void *a, const void *b)
{
	const struct trouble *const *x = a, *const *y = b;

	if ((*x)->flows != (*y)->flows)
		return (*x)->flows < (*y)->flows ? 1 : -1;
	return ((*x)->packet > (*y)->packet) - ((*x)->packet < (*y)->packet);
}

static void subject(struct finding *f, const struct trouble *t, bool sides)
{
	struct subject *s = finding_subject(f);
	struct buf line = {0};
	char server[96];

	buf_printf(&line, "%s%s (%llu flow%s; flow %u", !sides ? "" : t->at_client ? "clients of " : "server ",
		   endpoint_text(&t->server, server, sizeof(server)), N(t->flows), S(t->flows), t->flow);
	if (t->packet)
		buf_printf(&line, ", packet %llu", N(t->packet));
	if (t->packet_2 && t->packet_2 != t->packet)
		buf_printf(&line, " and %llu", N(t->packet_2));
	buf_puts(&line, ")");
	s->address = line.data;
}

static struct group group_of(const struct analysis *a, const struct trouble **list, size_t n)
{
	struct group g = {.a = a};

	for (size_t i = 0; i < n; i++)
		add_up(&g, list[i]);
	qsort(list, n, sizeof(struct trouble *), by_flows);
	g.servers = distinct(list, n);
	return g;
}

void capture_describe(const struct analysis *a, const struct trouble **list, size_t n,
		      struct finding *ret)
{
	enum trouble_kind kind = list[0]->kind;
	struct group g = group_of(a, list, n);

	*ret = (struct finding){.cause = capture_cause(kinds[kind].id), .unit = "packets"};
	kinds[kind].describe(&g, ret);
}

static void one_kind(const struct analysis *a, const struct diagnosis *host, struct diagnosis *d,
		     enum trouble_kind kind, const struct trouble **list, size_t n)
{
	struct exam x = {.d = d, .o = d->observations.items, .row = capture_cause(kinds[kind].id)};
	struct group g = group_of(a, list, n);
	struct finding *f = finding_new(&x);

	f->via = kinds[kind].host ? cause_by_id(kinds[kind].host) : NULL;
	kinds[kind].describe(&g, f);
	for (size_t i = 0; i < MIN(n, (size_t)SUBJECTS_MAX); i++)
		subject(f, list[i], kinds[kind].sides);
	evidence_text(f, &x, "flow %u: packet %llu%s", g.worst->flow, N(g.worst->packet),
		      kind == TROUBLE_LOSS ? " is the first that was sent again" : "");
	if (host)
		capture_side(host, g.worst, f);
}

static int by_weight(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	return (int)y->severity - (int)x->severity;
}

/* Severity decides; among equals the order of the kinds, which is that of a connection's life. */
void capture_worst_first(struct diagnosis *d)
{
	for (size_t i = 1; i < d->findings.n; i++)
		for (size_t j = i; j && by_weight(&d->findings.items[j - 1], &d->findings.items[j]) > 0; j--) {
			struct finding f = d->findings.items[j];

			d->findings.items[j] = d->findings.items[j - 1];
			d->findings.items[j - 1] = f;
		}
	d->verdict = HEALTHY;
	vec_each (f, &d->findings)
		if (f->severity >= SEVERITY_WARNING)
			d->verdict = LOSING_VERDICT;
}

void capture_diagnose(const struct analysis *a, struct diagnosis *host, struct diagnosis *ret)
{
	const struct trouble **list = xcalloc(MAX(a->troubles_n, 1), sizeof(*list));
	bool *explained = xcalloc(MAX(a->troubles_n, 1), sizeof(*explained));
	struct observation *o;

	*ret = (struct diagnosis){0};
	o = vec_push(&ret->observations);
	o->seconds = (double)(a->sum.last_ns - a->sum.first_ns) / 1e9;
	if (host)
		capture_join(a, host, ret, explained);
	for (enum trouble_kind kind = 0; kind < TROUBLE_N; kind++) {
		size_t n = 0;

		for (size_t i = 0; i < a->troubles_n; i++)
			if (a->troubles[i].kind == kind && !explained[i])
				list[n++] = &a->troubles[i];
		if (n)
			one_kind(a, host, ret, kind, list, n);
	}
	capture_worst_first(ret);
	free(explained);
	free(list);
}
