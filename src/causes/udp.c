// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage udp. IPv4 and IPv6 count apart (Udp, Udp6) and are judged together. */
#include <netinet/in.h>
#include <stdio.h>

#include <linux/netfilter.h>

#include "causes/sockbuf.h"

#define HOOK_NETDEV_EGRESS 1 /* NF_NETDEV_EGRESS */
#define SUBJECTS_SHOWN 16
#define SUBJECTS_MAX 1024 /* with receivers all count: each may have a reason of its own */
#define NOPORT_WARN_PER_SECOND 100.0 /* causes.md 148: below it is noise of every network */

static const char *const rcvbuf_reasons[] = {"SOCKET_RCVBUFF", NULL};
static const char *const noport_reasons[] = {"NO_SOCKET", NULL};
static const struct drop_filter rcvbuf_drops = {.reasons = rcvbuf_reasons, .protocol = IPPROTO_UDP};
static const struct drop_filter noport_drops = {.reasons = noport_reasons, .protocol = IPPROTO_UDP};

static uint64_t received(const struct exam *x)
{
	return delta_value(delta_sum(x->o, C_UDP_IN_DATAGRAMS, C_UDP6_IN_DATAGRAMS));
}

/*
 * A socket gets its cookie when somebody first asks for it, and that may be our first look at it:
 * what it lost before was traced without one, but with its port. Several sockets may have that
 * port, so each gets of it no more than its own counter says.
 */
static uint64_t traced_of(const struct exam *x, const struct socket *sk, uint64_t counted)
{
	struct drop_filter own = rcvbuf_drops;
	uint64_t named, unnamed = 0;

	own.cookie = sk->cookie;
	named = ledger_traced(x->ledger, &own);
	vec_each(line, &x->ledger->lines) {
		const struct drop *d = line->drop;

		if (!d->cookie && d->family && d->local_port == sk->local_port &&
		    drop_matches(d, &rcvbuf_drops))
			unnamed += d->packets;
	}
	return counted > named ? MIN(named + unnamed, counted) : named;
}

static void add_socket(struct exam *x, struct finding *f, const struct socket *sk, uint64_t lost,
		       uint64_t traced)
{
	struct subject *s = finding_subject(f);

	subject_socket(x, s, sk);
	s->has_lost = true;
	s->lost = lost;
	s->traced = traced;
}

static int by_lost(const void *one, const void *other)
{
	const struct subject *a = one, *b = other;

	return a->lost < b->lost ? 1 : a->lost > b->lost ? -1 : 0;
}

/*
 * The socket's own drop counter says who; it also counts bad checksums and filtered datagrams, so
 * where the kernel names the receiving socket the trace is taken instead. A socket closed before
 * the interval ended is found in the looks.
 */
static void add_sockets(struct exam *x, struct finding *f)
{
	for (size_t i = 0; i <= x->o->looks.n; i++) {
		const struct snapshot *s = i ? &x->o->looks.items[x->o->looks.n - i] : &x->o->b;

		vec_each(sk, &s->sockets) {
			uint64_t lost, traced;
			bool known = false;

			if (sk->protocol != IPPROTO_UDP || !sk->drops)
				continue;
			lost = delta_value(delta_socket_drops(x->o, sk));
			traced = traced_of(x, sk, lost);
			if (tracing(x) && x->d->drops->receiving_socket && !x->d->drops->missed)
				lost = traced;
			vec_each(other, &f->subjects)
				known |= other->socket.cookie == sk->cookie;
			if (lost && !known && f->subjects.n < SUBJECTS_MAX)
				add_socket(x, f, sk, lost, traced);
		}
	}
	if (f->subjects.n)
		qsort(f->subjects.items, f->subjects.n, sizeof(*f->subjects.items), by_lost);
}

static void rcvbuf_remedies(struct exam *x, struct finding *f)
{
	const struct subject *s = f->subjects.n ? &f->subjects.items[0] : NULL;
	char origin[256], reason[160];
	struct buffer b;
	struct remedy *r;
	int64_t want;

	r = finding_remedy(f, "read-faster", REMEDY_APPLICATION,
			   "read in batches (recvmmsg) or by more threads (SO_REUSEPORT)");
	remedy_why(r, "a larger buffer only rides out bursts");
	if (!s)
		return;
	buffer_of(x, &s->socket, true, &b);
	want = rcvbuf_wanted(x, s, reason, sizeof(reason));
	evidence_text(f, x, "receive buffer: %s", buffer_text(x, &b, origin, sizeof(origin)));
	evidence_text(f, x, "enough would be %lld bytes: %s", (long long)want, reason);
	buffer_remedies(x, f, &b, want);
}

static void rcvbuf_words(struct exam *x, struct finding *f)
{
	const struct subject *s = f->subjects.n ? &f->subjects.items[0] : NULL;
	char who[64], where[80];
	struct socket_watch w;

	finding_text(f, "Datagrams came faster than the program took them out of the buffer.");
	if (!s) {
		finding_headline(f, "a socket that is gone or unknown lost datagrams");
		return;
	}
	watch_socket(x->o, &s->socket, &w);
	finding_headline(f, "%s overflows on %s", owner_text(s, who, sizeof(who)),
			 socket_text(&s->socket, where, sizeof(where)));
	evidence_text(
		f, x,
		"found with %u of %u bytes used at most; at least half full at %u of %u looks while losing",
		w.peak_rmem, s->socket.rcvbuf, w.amid_full, w.amid);
}

enum outcome examine_udp_rcvbuf(struct exam *x)
{
	struct change counted = delta_sum(x->o, C_UDP_RCVBUF_ERRORS, C_UDP6_RCVBUF_ERRORS);
	uint64_t traced = ledger_traced(x->ledger, &rcvbuf_drops), lost;
	struct finding *f;

	if (!delta_value(counted) && !traced) {
		evidence_counter(NULL, x, C_UDP_RCVBUF_ERRORS);
		evidence_counter(NULL, x, C_UDP6_RCVBUF_ERRORS);
		evidence_traced(NULL, x, "SOCKET_RCVBUFF of UDP", traced);
		return NOT_FOUND;
	}
	f = finding_new(x);
	lost = counted.known ? counted.delta : traced;
	ledger_claim(x->ledger, &rcvbuf_drops, UINT64_MAX);
	finding_lost(f, counted.known ? &counted.delta : NULL, tracing(x) ? &traced : NULL,
		     received(x) + lost);
	add_sockets(x, f);
	describe_udp_rcvbuf(x, f);
	return FOUND;
}

/* Of the flows only those to the sockets that are meant. */
static void rcvbuf_flows(struct exam *x, struct finding *f)
{
	size_t kept = 0;

	finding_flows(x, f, &rcvbuf_drops);
	for (size_t i = 0; i < f->flows.n; i++) {
		bool ours = !f->subjects.n;

		vec_each(s, &f->subjects)
			ours |= s->socket.local_port == f->flows.items[i].destination_port;
		if (ours)
			f->flows.items[kept++] = f->flows.items[i];
	}
	f->flows.n = kept;
}

void describe_udp_rcvbuf(struct exam *x, struct finding *f)
{
	uint64_t traced = ledger_traced(x->ledger, &rcvbuf_drops);

	f->severity = severity_of_share(x, f->lost, f->of);
	rcvbuf_words(x, f);
	evidence_counter(f, x, C_UDP_RCVBUF_ERRORS);
	evidence_counter(f, x, C_UDP6_RCVBUF_ERRORS);
	evidence_traced(f, x, "SOCKET_RCVBUFF of UDP", traced);
	finding_exclude(f, "bad checksums (InCsumErrors +%llu)",
			(unsigned long long)delta_value(
				delta_sum(x->o, C_UDP_IN_CSUM_ERRORS, C_UDP6_IN_CSUM_ERRORS)));
	finding_exclude(f, "udp_mem (MemErrors +%llu)",
			(unsigned long long)delta_value(
				delta_sum(x->o, C_UDP_MEM_ERRORS, C_UDP6_MEM_ERRORS)));
	rcvbuf_flows(x, f);
	rcvbuf_remedies(x, f);
}

static bool is_own_address(const struct ruleset *set, const struct drop_flow *flow)
{
	vec_each (local, &set->locals)
		if (local->family == flow->family &&
		    memcmp(local->address, flow->source, flow->family == AF_INET6 ? 16 : 4) == 0)
			return true;
	return false;
}

/*
 * A rule on a device's egress hook drops behind IP, so the sender's ENOBUFS comes from there; one
 * on the output hook makes EPERM, which is counted nowhere.
 */
static uint64_t dropped_at_egress(const struct exam *x)
{
	const struct ruleset *nft = &x->o->b.nft;
	uint64_t sum = 0;
	bool any = false;

	vec_each (c, &nft->chains)
		any |= c->base && c->family == NFPROTO_NETDEV && c->hook == HOOK_NETDEV_EGRESS;
	if (!any || !tracing(x))
		return 0;
	ledger_each_flow(flow, x->ledger)
		if (flow->ifindex && flow->protocol == IPPROTO_UDP &&
		    strcmp(flow->reason, "NETFILTER_DROP") == 0 && is_own_address(nft, flow))
			sum += flow->packets;
	return sum;
}

/*
 * What of SndbufErrors was really dropped further down: udp_send_skb counts an ENOBUFS from any
 * layer below as SndbufErrors, so a qdisc, a refused neighbour entry or a veth peer that drops
 * moves the same counter.
 */
static uint64_t dropped_below(const struct exam *x)
{
	static const char *const below[] = {"QDISC_DROP",    "QDISC_OVERLIMIT",	 "QDISC_CONGESTED",
					    "FQ_FLOW_LIMIT", "FQ_BAND_LIMIT",	 "FQ_HORIZON_LIMIT",
					    "TC_EGRESS",     "NEIGH_CREATEFAIL", NULL};
	struct drop_filter udp = {.reasons = below, .protocol = IPPROTO_UDP};
	uint64_t queues = 0, devices = 0;
	vec_each(q, &x->o->b.qdiscs)
		if (q->parent == 0xffffffffU)
			queues += delta_value(delta_qdisc_drops(x->o, q));
	vec_each(link, &x->o->b.links)
		devices += delta_value(delta_link(x->o, link, C_LINK_TX_DROPPED));
	/* The trace tells UDP from the rest; the queues' own counters hold what TCP lost there,
	 * too. */
	if (tracing(x) && !x->d->drops->missed)
		queues = ledger_traced(x->ledger, &udp);
	return queues + devices + dropped_at_egress(x);
}

static void add_full_senders(struct exam *x, struct finding *f)
{
	for (size_t i = 0; i <= x->o->looks.n; i++) {
		const struct snapshot *s = i < x->o->looks.n ? &x->o->looks.items[i] : &x->o->b;

		vec_each(sk, &s->sockets) {
			bool known = false;

			if (sk->protocol != IPPROTO_UDP || !sk->sndbuf || sk->wmem < sk->sndbuf / 2)
				continue;
			vec_each(other, &f->subjects)
				known |= other->socket.cookie == sk->cookie;
			if (known || f->subjects.n >= SUBJECTS_SHOWN)
				continue;
			subject_socket(x, finding_subject(f), sk);
		}
	}
}

static void sndbuf_remedies(struct exam *x, struct finding *f)
{
	const struct socket *sk = f->subjects.n ? &f->subjects.items[0].socket : NULL;
	char origin[256];
	struct buffer b;
	struct remedy *r;

	r = finding_remedy(f, "pace-or-block", REMEDY_APPLICATION,
			   "let the program wait when the buffer is full (blocking send, or poll)");
	remedy_why(r, "it sends without waiting and gets EAGAIN; what drains the buffer is slower");
	if (!sk)
		return;
	buffer_of(x, sk, false, &b);
	evidence_text(f, x, "send buffer: %s", buffer_text(x, &b, origin, sizeof(origin)));
	evidence_text(f, x, "enough would be %lld bytes for bursts twice as large as fit now",
		      (long long)b.size * 2);
	buffer_remedies(x, f, &b, b.size * 2);
}

enum outcome examine_udp_sndbuf(struct exam *x)
{
	struct change errors = delta_sum(x->o, C_UDP_SNDBUF_ERRORS, C_UDP6_SNDBUF_ERRORS);
	uint64_t below = dropped_below(x), lost;
	const struct subject *s;
	char who[64], where[80];
	struct finding *f;

	lost = delta_value(errors) - MIN(delta_value(errors), below);
	if (!lost) {
		evidence_counter(NULL, x, C_UDP_SNDBUF_ERRORS);
		evidence_counter(NULL, x, C_UDP6_SNDBUF_ERRORS);
		if (delta_value(errors))
			evidence_text(NULL, x,
				      "all of them dropped further down, by a queue or device");
		return NOT_FOUND;
	}
	f = finding_new(x);
	finding_lost(
		f, &lost, NULL,
		lost + delta_value(delta_sum(x->o, C_UDP_OUT_DATAGRAMS, C_UDP6_OUT_DATAGRAMS)));
	f->severity = severity_of_share(x, f->lost, f->of);
	add_full_senders(x, f);
	/* Of several nobody knows who was refused how often. */
	if (f->subjects.n == 1) {
		f->subjects.items[0].has_lost = true;
		f->subjects.items[0].lost = f->lost;
	}
	/* Without a look that met a full buffer, something below that we do not know may have
	 * dropped. */
	f->confidence = f->subjects.n ? CERTAIN : LIKELY;
	s = f->subjects.n ? &f->subjects.items[0] : NULL;
	if (s)
		finding_headline(f, "%s fills the send buffer of %s",
				 owner_text(s, who, sizeof(who)),
				 socket_text(&s->socket, where, sizeof(where)));
	else
		finding_headline(f, "a program sends faster than its buffer drains");
	finding_text(f,
		     "The program was refused these datagrams (EAGAIN): its send buffer was full.");
	if (s)
		evidence_text(f, x, "%u of %u bytes of the send buffer used", s->socket.wmem,
			      s->socket.sndbuf);
	evidence_counter(f, x, C_UDP_SNDBUF_ERRORS);
	evidence_counter(f, x, C_UDP6_SNDBUF_ERRORS);
	finding_exclude(f, "drops by a queue or device below (%llu)", (unsigned long long)below);
	sndbuf_remedies(x, f);
	return FOUND;
}

/* Why a socket with that port does not take this; NULL if it would. */
static const char *why_not(const struct socket *sk, const struct drop_flow *flow)
{
	static const uint8_t any[16];
	size_t size = sk->family == AF_INET ? 4 : 16;

	if (sk->remote_port && sk->remote_port != flow->source_port)
		return "connected to another peer";
	if (sk->family == flow->family) {
		if (memcmp(sk->local, any, size) && memcmp(sk->local, flow->destination, size))
			return "bound to another address";
		if (memcmp(sk->remote, any, size) && memcmp(sk->remote, flow->source, size))
			return "connected to another peer";
	} else if (sk->family == AF_INET || memcmp(sk->local, any, size)) {
		return "bound to an address of the other family";
	}
	return sk->ifindex && sk->ifindex != flow->ifindex ? "bound to another device" : NULL;
}

/* Sockets that have the port, and yet the datagrams did not reach them. */
static void noport_sockets(struct exam *x, struct finding *f, const struct drop_flow *flow)
{
	vec_each(sk, &x->o->b.sockets) {
		const char *why;
		char where[80];

		if (sk->protocol != IPPROTO_UDP || sk->local_port != flow->destination_port)
			continue;
		socket_text(sk, where, sizeof(where));
		why = why_not(sk, flow);
		if (why) {
			finding_text(f, "A socket has the port, but it is %s.", why);
			evidence_text(f, x, "%s is %s", where, why);
		} else if (!snapshot_socket(&x->o->a, sk->cookie)) {
			finding_text(
				f, "The service was started, or started again, during the sample.");
			evidence_text(f, x, "%s was opened during the sample", where);
		}
		if (why && f->subjects.n < SUBJECTS_SHOWN)
			subject_socket(x, finding_subject(f), sk);
	}
}

static void noport_remedy(struct finding *f, const struct drop_flow *most, bool many)
{
	const struct socket *sk = f->subjects.n ? &f->subjects.items[0].socket : NULL;
	struct remedy *r;

	if (many)
		r = finding_remedy(f, "find-senders", REMEDY_APPLICATION,
				   "look who sends: a scan, or a peer with a wrong or an old target");
	else if (sk && sk->remote_port)
		r = finding_remedy(f, "answer-same-peer", REMEDY_APPLICATION,
				   "let the peer send from where the socket is connected to, or do "
				   "not connect the socket");
	else if (sk)
		r = finding_remedy(f, "bind-service", REMEDY_APPLICATION,
				   "bind the service to the address that is asked for, or to any");
	else
		r = finding_remedy(f, "start-service", REMEDY_APPLICATION,
				   "start the service on that port, or take the sender's target away");
	if (most && !many)
		remedy_command(r, "ss -uanp 'sport = :%u'", most->destination_port);
}

static void noport_words(struct exam *x, struct finding *f)
{
	struct ports_meant meant = ports_meant(x, &noport_drops);
	bool many = meant.others > 1 && meant.packets * 2 <= meant.all;
	bool more = many && (x->d->drops->flows_sampled || meant.others >= PORTS_MAX - 1);
	char address[64];

	finding_text(f, "The service is down or restarting, a sender has an old address, or somebody "
			"scans.");
	if (!meant.most) {
		finding_headline(f, "datagrams for ports nobody listens on");
	} else if (many) {
		finding_headline(f, "datagrams for %s%u ports nobody listens on",
				 more ? "at least " : "", meant.others + 1);
		finding_text(f, "So many ports look like a scan, or like a peer that takes this host for "
				"another.");
	} else {
		noport_sockets(x, f, meant.most);
		address_text(meant.most->family, meant.most->destination, address, sizeof(address));
		finding_headline(f, "nobody takes UDP port %u%s%s", meant.most->destination_port,
				 f->subjects.n ? " at " : "", f->subjects.n ? address : "");
	}
	noport_remedy(f, meant.most, many);
}

enum outcome examine_udp_noport(struct exam *x)
{
	struct change counted = delta_sum(x->o, C_UDP_NO_PORTS, C_UDP6_NO_PORTS);
	uint64_t traced = ledger_unclaimed(x->ledger, &noport_drops);
	struct finding *f;

	if (!delta_value(counted) && !traced) {
		evidence_counter(NULL, x, C_UDP_NO_PORTS);
		evidence_counter(NULL, x, C_UDP6_NO_PORTS);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &noport_drops, UINT64_MAX);
	finding_lost(f, counted.known ? &counted.delta : NULL, tracing(x) ? &traced : NULL,
		     received(x) + MAX(delta_value(counted), traced));
	f->severity = per_second(x->o, f->lost) > NOPORT_WARN_PER_SECOND ? SEVERITY_WARNING
									 : SEVERITY_INFO;
	finding_flows(x, f, &noport_drops);
	evidence_counter(f, x, C_UDP_NO_PORTS);
	evidence_counter(f, x, C_UDP6_NO_PORTS);
	evidence_traced(f, x, "NO_SOCKET of UDP", traced);
	finding_exclude(f, "a full receive buffer (that has RcvbufErrors)");
	noport_words(x, f);
	return FOUND;
}
