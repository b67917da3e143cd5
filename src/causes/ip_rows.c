// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage ip: losses that a drop reason, a function and a counter tell between them, with nothing to
 * weigh. A row says which, and what to do; what is asked is the same for all.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "causes/enter.h"
#include "causes/stages.h"

enum when { ALWAYS, FORWARDING6, NOT_FORWARDING6 };

struct row_drops {
	enum when when;
	const char *reasons[3], *symbols[4]; /* symbols none: any */
};

/* In the texts @ stands for the device, < for the source and > for the destination. */
struct row_remedy {
	const char *id;
	enum remedy_kind kind;
	const char *summary, *why, *command, *undo, *risk;
};

struct ip_row {
	const char *id;
	struct row_drops drops[3];
	uint64_t (*others)(const struct exam *x); /* so many of them are another cause's */
	bool groups_only; /* of these drops only what went to multicast groups */
	bool counters_exact; /* they count these packets and no others */
	unsigned int on_purpose; /* packets a second that somebody means to end so: a note */
	const char *if_broadcast, *broadcast_text; /* what went to a subnet's broadcast address */
	enum counter_id counters[3]; /* all that may move; ends with COUNTER_N */
	enum counter_id of[2];	     /* what came by */
	enum severity most;
	/* Dropped at this function it may as well be another cause's, which is said then. */
	const char *unsure_symbol, *unsure;
	const char *headline, *text, *excluded[3];
	struct row_remedy remedies[3];
};

/* A raw socket whose buffer is full does not take the packet, and then nothing handles it. */
static uint64_t lost_by_raw_sockets(const struct exam *x)
{
	uint64_t sum = 0;

	vec_each(sk, &x->o->b.raw_sockets) {
		uint32_t before = 0;

		vec_each(old, &x->o->a.raw_sockets)
			if (old->inode == sk->inode)
				before = old->drops;
		sum += sk->drops > before ? sk->drops - before : 0;
	}
	return sum;
}

static const struct ip_row ip_rows[] = {
	{
		.id = "not-local-forward-off",
		.drops = {{ALWAYS, {"IP_INADDRERRORS"}, {NULL}},
			  {NOT_FORWARDING6, {"IP_INNOROUTES"}, {"ip6_pkt_discard", "ip6_pkt_drop"}}},
		.counters_exact = true,
		.counters = {C_IP_IN_ADDR_ERRORS, C_IP6_IN_ADDR_ERRORS, COUNTER_N},
		.of = {C_IP_IN_RECEIVES, C_IP6_IN_RECEIVES},
		.most = SEVERITY_CRITICAL,
		.headline = "packets from < to > are not for this host, and it does not forward",
		.text = "Somebody takes this host for a router, or for the owner of an address that it "
			"does not have. The packets are dropped, and by IPv4 nobody is told.",
		.if_broadcast = "broadcasts of another subnet come by, from < to >",
		.broadcast_text =
			"Another IPv4 subnet shares the wire, and what its hosts send to all of "
			"themselves comes here as well. Nothing of this host's is missing.",
		.excluded = {"no route: forwarding is off, so none was needed"},
		.remedies =
			{{"add-address", REMEDY_ROUTE,
			  "if > is a service's address that belongs here, add it",
			  "behind a load balancer that leaves the destination as it is each server has "
			  "the service's address on its loopback device",
			  "ip addr add > dev lo", "ip addr del > dev lo",
			  "set arp_ignore=1 and arp_announce=2, or this host answers ARP for it"},
			 {"forward", REMEDY_SYSCTL, "if this host is a router, switch forwarding on",
			  "it is off by default, and tools that load sysctl files switch it off again",
			  "sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1",
			  "sysctl -w net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0",
			  "the host then connects its networks: the firewall's forward chain decides"},
			 {"fix-sender", REMEDY_ROUTE, "else find the sender's route, or its wrong address",
			  "its next hop is this host", "tcpdump -c 20 -eni @ dst host >", NULL, NULL}},
	},
	{
		.id = "in-no-route",
		.drops = {{ALWAYS, {"IP_INNOROUTES"}, {"ip_error"}},
			  {FORWARDING6, {"IP_INNOROUTES"}, {"ip6_pkt_discard", "ip6_pkt_drop"}}},
		.counters_exact = true,
		.counters = {C_IPEXT_IN_NO_ROUTES, COUNTER_N, COUNTER_N},
		.of = {C_IP_IN_RECEIVES, C_IP6_IN_RECEIVES},
		.most = SEVERITY_WARNING,
		/* net/ipv6/route.c: where the compiler keeps it a function, both call it. */
		.unsure_symbol = "ip6_pkt_drop",
		.unsure = "this kernel drops at one place what has no route and what an IPv6 route of "
			  "type prohibit or unreachable refuses: ip -6 route get tells which",
		.headline = "no route to forward packets from < to >",
		.text = "This host forwards, and its tables have no route to where these packets want "
			"to go. Senders are told by ICMP, as far as its rate limit lets it out.",
		.excluded = {"forwarding is on, so it was tried"},
		.remedies = {{"add-route", REMEDY_ROUTE, "a route to >, or a default route",
			      "the destination is not on any link, and no route covers it",
			      "ip route get > from < iif @", NULL, NULL}},
	},
	{
		.id = "route-blackhole",
		.drops = {{ALWAYS, {"NOT_SPECIFIED"}, {"ip_error", "dst_discard_out", "dst_discard"}},
			  {ALWAYS, {"IP_INNOROUTES", "NOT_SPECIFIED"}, {"ip6_pkt_prohibit"}}},
		.counters = {COUNTER_N, COUNTER_N, COUNTER_N},
		.of = {C_IP_IN_RECEIVES, C_IP6_IN_RECEIVES},
		.most = SEVERITY_WARNING,
		.headline = "a blackhole, prohibit or unreachable route takes packets from < to >",
		.text = "A route says that what goes there is to be dropped. No counter moves. Routing "
			"daemons and container networks make such routes for ranges they own, and "
			"forget some.",
		.excluded = {"a missing route (IpExt.InNoRoutes counts those)"},
		.remedies = {{"find-route", REMEDY_ROUTE, "find the route, and who made it",
			      "the protocol of the route names its maker",
			      "ip route show table all type blackhole", NULL, NULL},
			     {"ask-route", REMEDY_ROUTE, "ask which route takes the packets",
			      "it fails with the route's own error", "ip route get > from < iif @", NULL,
			      NULL}},
	},
	{
		.id = "ip-header-error",
		.drops = {{ALWAYS, {"IP_CSUM"}, {NULL}},
			  {ALWAYS, {"IP_INHDR", "PKT_TOO_SMALL"}, {"ip_rcv_core", "ip6_rcv_core"}}},
		.counters = {C_IP_IN_HDR_ERRORS, C_IP6_IN_HDR_ERRORS, C_IPEXT_IN_TRUNCATED_PKTS},
		.of = {C_IP_IN_RECEIVES, C_IP6_IN_RECEIVES},
		.most = SEVERITY_CRITICAL,
		.headline = "packets with broken IP headers come in on @",
		.text = "Their header checksum, length or version is wrong. The link's own checksum was "
			"right, so they were broken before: by the sender, by a router on the way, or "
			"in this host's memory.",
		.excluded = {"a TTL that ran out (reason IP_INHDR at ip_forward)"},
		.remedies = {{"find-sender", REMEDY_CAPACITY, "find out whether one sender or all are hit",
			      "one: its network card or offload; all: the way here, or this host",
			      "tcpdump -c 20 -vvni @ ip", NULL, NULL}},
	},
	{
		.id = "ttl-exceeded",
		.drops = {{ALWAYS, {"IP_INHDR"}, {"ip_forward", "ip6_forward"}}},
		.counters = {C_IP_IN_HDR_ERRORS, C_IP6_IN_HDR_ERRORS, COUNTER_N},
		.of = {C_IP_IN_RECEIVES, C_IP6_IN_RECEIVES},
		.on_purpose = 10,
		.most = SEVERITY_CRITICAL,
		.headline = "packets from < to > come by with their last hop used up",
		.text = "Traceroute does so on purpose, a few packets at a time. Many mean a routing "
			"loop: two routers send the packets to each other until the TTL is gone.",
		.excluded = {"broken headers (reason IP_INHDR at ip_rcv_core)"},
		.remedies = {{"find-loop", REMEDY_ROUTE, "find the loop",
			      "this router's next hop sends the packets back",
			      "ip route get > from < iif @", NULL, NULL}},
	},
	{
		.id = "ip-unknown-proto",
		.drops = {{ALWAYS, {"IP_NOPROTO"}, {NULL}}},
		.others = lost_by_raw_sockets,
		.counters_exact = true,
		.counters = {C_IP_IN_UNKNOWN_PROTOS, C_IP6_IN_UNKNOWN_PROTOS, COUNTER_N},
		.of = {C_IP_IN_RECEIVES, C_IP6_IN_RECEIVES},
		.most = SEVERITY_WARNING,
		.headline = "packets from < carry an IP protocol that nothing here handles",
		.text = "A tunnel or a protocol like SCTP is not set up or its module is not loaded, or "
			"the sender means another host.",
		.excluded = {"a closed port: those are UDP and TCP",
			     "a raw socket with a full receive buffer (its own drops)"},
		.remedies = {{"find-protocol", REMEDY_ROUTE, "see which protocol it is",
			      "47 is GRE, 50 ESP, 132 SCTP, 4 and 41 IP in IP",
			      "tcpdump -c 20 -vni @ src host <", NULL, NULL}},
	},
	{
		.id = "mcast-not-joined",
		.drops = {{ALWAYS, {"NOT_SPECIFIED"}, {"ip_rcv_finish_core", "ip6_mc_input"}}},
		.groups_only = true,
		.counters = {COUNTER_N, COUNTER_N, COUNTER_N},
		.of = {C_IP_IN_RECEIVES, C_IP6_IN_RECEIVES},
		.most = SEVERITY_INFO,
		.headline = "multicast from < to > that nobody here has joined",
		.text = "Switches without IGMP or MLD snooping send every group to every port; nothing "
			"is missing then. If a program here should get it, it has joined on another "
			"device, or not at all.",
		.excluded = {"a joined group without a socket for the port (Udp.IgnoredMulti)"},
		.remedies = {{"see-memberships", REMEDY_SOCKET, "if somebody here wants it: see who joined "
								"what, and on which device",
			      "a program that names no device joins on the one its route to the group "
			      "takes",
			      "ip maddr show", NULL, NULL}},
	},
};

/* What was seen of one row's packets. */
struct row_look {
	uint64_t traced, counted;
	uint64_t flows, broadcasts; /* packets of the flows kept; of them to broadcast addresses */
	bool counted_known, moved; /* moved: a counter that these packets move, or may */
	const struct drop_flow *example;
};

static const struct ip_row *row_of(const struct exam *x)
{
	size_t i = 0;

	while (strcmp(ip_rows[i].id, x->row->id) != 0)
		i++;
	return &ip_rows[i];
}

static size_t counters_n(const struct ip_row *row)
{
	size_t n = 0;

	while (n < ARRAY_SIZE(row->counters) && row->counters[n] != COUNTER_N)
		n++;
	return n;
}

static bool holds(const struct exam *x, enum when when)
{
	int64_t forwarding = 0;

	sysctl_get(&x->o->b, K_IP6_FORWARDING, &forwarding);
	return when == ALWAYS || (when == FORWARDING6) == (forwarding != 0);
}

/* Lists that end with NULL, for as long as the filter is used. */
struct row_filter {
	const char *reasons[4], *symbols[5];
	struct drop_filter filter;
};

static bool filter_of(const struct exam *x, const struct row_drops *d, struct row_filter *ret)
{
	if (!d->reasons[0] || !holds(x, d->when))
		return false;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->reasons, d->reasons, sizeof(d->reasons));
	memcpy(ret->symbols, d->symbols, sizeof(d->symbols));
	ret->filter.reasons = ret->reasons;
	ret->filter.symbols = d->symbols[0] ? ret->symbols : NULL;
	return true;
}

static bool to_group(const struct drop_flow *flow)
{
	return flow->family == AF_INET6 ? flow->destination[0] == 0xff
					: flow->destination[0] >= 224 && flow->destination[0] < 240;
}

/*
 * The trace does not tell what was a broadcast on the wire. 255 is the end of the broadcast address
 * of every subnet of 256 addresses and more; hardly ever is it a host's.
 */
static bool to_broadcast(const struct drop_flow *flow)
{
	return flow->family == AF_INET && flow->destination[3] == 255;
}

/* The flow to be named: no broadcast where anything else was lost, and the largest. */
static bool tells_more(const struct drop_flow *flow, const struct drop_flow *than)
{
	if (!than || to_broadcast(flow) != to_broadcast(than))
		return !than || to_broadcast(than);
	return flow->packets > than->packets;
}

static uint64_t look_at_flows(const struct exam *x, const struct ip_row *row,
			      const struct row_filter *f, struct row_look *look)
{
	uint64_t groups = 0;

	ledger_each_flow(flow, x->ledger) {
		struct drop as_drop = {.protocol = flow->protocol};

		memcpy(as_drop.reason, flow->reason, sizeof(as_drop.reason));
		memcpy(as_drop.symbol, flow->symbol, sizeof(as_drop.symbol));
		if (!drop_matches(&as_drop, &f->filter) || drop_why_benign(&as_drop))
			continue;
		groups += to_group(flow) ? flow->packets : 0;
		if (row->groups_only && !to_group(flow))
			continue;
		look->flows += flow->packets;
		look->broadcasts += to_broadcast(flow) ? flow->packets : 0;
		if (tells_more(flow, look->example))
			look->example = flow;
	}
	return groups;
}

static void look_at(const struct exam *x, const struct ip_row *row, struct row_look *look)
{
	uint64_t others = row->others ? row->others(x) : 0;

	look->counted_known = row->counters_exact;
	for (size_t i = 0; i < counters_n(row); i++) {
		struct change c = delta_counter(x->o, row->counters[i]);

		look->counted += delta_value(c);
		look->moved |= c.delta || c.reset;
	}
	for (size_t i = 0; i < ARRAY_SIZE(row->drops) && tracing(x); i++) {
		struct row_filter f;
		uint64_t packets, groups;

		if (!filter_of(x, &row->drops[i], &f))
			continue;
		packets = ledger_unclaimed(x->ledger, &f.filter);
		groups = look_at_flows(x, row, &f, look);
		look->traced += row->groups_only ? MIN(packets, groups) : packets;
	}
	look->traced -= MIN(look->traced, others);
	look->counted -= MIN(look->counted, others);
	/* What has an event and no counter is not in the counter. */
	if (tracing(x) && look->traced > look->counted)
		look->counted_known = false;
}

static uint64_t claim(struct exam *x, const struct ip_row *row, uint64_t most)
{
	uint64_t claimed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(row->drops); i++) {
		struct row_filter f;

		if (filter_of(x, &row->drops[i], &f))
			claimed += ledger_claim(x->ledger, &f.filter, most - claimed);
	}
	return claimed;
}

/* ---- words ---- */

struct names {
	char source[64], destination[64];
	const char *device;
};

static char *fill_in(const char *text, const struct names *names)
{
	struct buf out = {0};

	for (; *text; text++) {
		if (*text == '@')
			buf_puts(&out, names->device);
		else if (*text == '<')
			buf_puts(&out, names->source);
		else if (*text == '>')
			buf_puts(&out, names->destination);
		else
			buf_add(&out, text, 1);
	}
	buf_add(&out, "", 1);
	return out.data;
}

static void name_all(const struct finding *f, const struct row_look *look, struct names *ret)
{
	const struct drop_flow *flow = look->example;

	snprintf(ret->source, sizeof(ret->source), "a sender");
	snprintf(ret->destination, sizeof(ret->destination), "a destination");
	if (flow) {
		address_text(flow->family, flow->source, ret->source, sizeof(ret->source));
		address_text(flow->family, flow->destination, ret->destination,
			     sizeof(ret->destination));
	}
	ret->device = f->subjects.n && f->subjects.items[0].device[0] ? f->subjects.items[0].device
								      : "DEVICE";
}

static void add_remedy(struct exam *x, struct finding *f, const struct row_remedy *from,
		       const struct names *names)
{
	cleanup(cleanup_free) char *summary = fill_in(from->summary, names);
	cleanup(cleanup_free) char *command = fill_in(from->command, names);
	struct remedy *r = finding_remedy(f, from->id, from->kind, "%s", summary);
	char enter[96];

	entering(x, enter, sizeof(enter));
	remedy_why(r, "%s", from->why);
	remedy_command(r, "%s%s", enter, command);
	if (from->undo) {
		cleanup(cleanup_free) char *undo = fill_in(from->undo, names);

		remedy_undo(r, "%s%s", enter, undo);
	}
	if (from->risk)
		remedy_risk(r, "%s", from->risk);
}

static bool all_broadcast(const struct ip_row *row, const struct row_look *look)
{
	return row->if_broadcast && look->flows && look->broadcasts == look->flows;
}

static void describe(struct exam *x, struct finding *f, const struct ip_row *row,
		     const struct row_look *look)
{
	bool broadcast = all_broadcast(row, look);
	cleanup(cleanup_free) char *headline = NULL;
	struct names names;

	name_all(f, look, &names);
	headline = fill_in(broadcast ? row->if_broadcast : row->headline, &names);
	finding_headline(f, "%s", headline);
	finding_text(f, "%s", broadcast ? row->broadcast_text : row->text);
	for (size_t i = 0; i < counters_n(row); i++)
		evidence_counter(f, x, row->counters[i]);
	evidence_traced(f, x, row->drops[0].reasons[0], look->traced);
	for (size_t i = 0; i < ARRAY_SIZE(row->excluded) && row->excluded[i]; i++)
		finding_exclude(f, "%s", row->excluded[i]);
	for (size_t i = 0; !broadcast && i < ARRAY_SIZE(row->remedies) && row->remedies[i].id; i++)
		add_remedy(x, f, &row->remedies[i], &names);
}

static void doubt(struct exam *x, struct finding *f, const struct ip_row *row)
{
	const char *const symbols[] = {row->unsure_symbol, NULL};
	const struct drop_filter where = {.symbols = symbols, .reasons = row->drops[0].reasons};

	if (!row->unsure_symbol || !ledger_traced(x->ledger, &where))
		return;
	f->confidence = MIN(f->confidence, LIKELY);
	evidence_text(f, x, "%s", row->unsure);
}

static void who_is_hit(struct exam *x, struct finding *f, const struct ip_row *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(row->drops); i++) {
		struct row_filter r;

		if (!filter_of(x, &row->drops[i], &r))
			continue;
		subject_devices(x, f, &r.filter);
		finding_flows(x, f, &r.filter);
	}
}

static enum severity severity_of(const struct exam *x, const struct finding *f,
				 const struct ip_row *row, const struct row_look *look)
{
	uint64_t meant = f->lost;

	if (per_second(x->o, f->lost) < row->on_purpose)
		return SEVERITY_INFO;
	if (row->if_broadcast && look->flows)
		meant = (uint64_t)((double)f->lost * (double)(look->flows - look->broadcasts) /
					   (double)look->flows +
				   0.5);
	return MIN(row->most, severity_of_share(x, meant, MAX(f->of, f->lost)));
}

enum outcome examine_ip_row(struct exam *x)
{
	const struct ip_row *row = row_of(x);
	struct row_look look = {0};
	struct finding *f;

	look_at(x, row, &look);
	/* Without a trace: a counter of these alone tells, one that stands still clears. */
	if (!tracing(x) && !row->counters_exact &&
	    (look.moved || row->counters[0] == COUNTER_N))
		return not_examined_source(x, SRC_DROPS);
	if (!look.traced && !(row->counters_exact && look.counted)) {
		for (size_t i = 0; i < counters_n(row); i++)
			evidence_counter(NULL, x, row->counters[i]);
		evidence_traced(NULL, x, row->drops[0].reasons[0], 0);
		return NOT_FOUND;
	}
	f = finding_new(x);
	claim(x, row, look.traced);
	finding_lost(f, look.counted_known ? &look.counted : NULL,
		     tracing(x) ? &look.traced : NULL,
		     delta_value(delta_sum(x->o, row->of[0], row->of[1])));
	f->severity = severity_of(x, f, row, &look);
	who_is_hit(x, f, row);
	describe(x, f, row, &look);
	doubt(x, f, row);
	return FOUND;
}

/*
 * A program of this host sends, and there is no route: it gets ENETUNREACH, and nothing is dropped,
 * so there is no event. Programs try IPv6 first and fall back: never more than a note. A full
 * neighbour table raises Ip6OutNoRoutes as well.
 */
enum outcome examine_out_no_route(struct exam *x)
{
	static const char *const create_reasons[] = {"NEIGH_CREATEFAIL", NULL};
	static const struct drop_filter create = {.reasons = create_reasons};
	struct change four = delta_counter(x->o, C_IP_OUT_NO_ROUTES);
	struct change six = delta_counter(x->o, C_IP6_OUT_NO_ROUTES);
	uint64_t lost = delta_value(six) -
			MIN(delta_value(six), ledger_traced(x->ledger, &create)) + delta_value(four);
	char enter[96];
	struct remedy *r;
	struct finding *f;

	if (!lost) {
		evidence_counter(NULL, x, C_IP_OUT_NO_ROUTES);
		evidence_counter(NULL, x, C_IP6_OUT_NO_ROUTES);
		return NOT_FOUND;
	}
	f = finding_new(x);
	finding_lost(f, &lost, NULL,
		     lost + delta_value(delta_sum(x->o, C_IP_OUT_REQUESTS, C_IP6_OUT_REQUESTS)));
	finding_headline(f, "programs of this host send to where it has no route");
	finding_text(f, "They get ENETUNREACH (\"Network is unreachable\") at once, and nothing leaves. "
			"Programs that try IPv6 before IPv4 do this all the time on a host that has "
			"no IPv6 route, and go on without it.");
	evidence_counter(f, x, C_IP_OUT_NO_ROUTES);
	evidence_counter(f, x, C_IP6_OUT_NO_ROUTES);
	finding_exclude(f, "a firewall on the way out (EPERM, reason NETFILTER_DROP)");
	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "add-route", REMEDY_ROUTE, "a default route, if one is missing");
	remedy_why(r, "%s had no route",
		   delta_value(four) && delta_value(six) ? "both IPv4 and IPv6"
		   : delta_value(six)			 ? "IPv6"
							 : "IPv4");
	remedy_command(r, "%sip route show default", enter);
	remedy_command(r, "%sip -6 route show default", enter);
	return FOUND;
}
