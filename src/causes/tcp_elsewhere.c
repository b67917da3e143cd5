// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tcp: segments sent again although this host lost nothing. The network or the peer lost
 * them, and saying so, with the numbers, is an answer.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "causes/stages.h"

/* Below these a healthy busy host lives (causes.md 126, 127; iperf at 52 Gbit/s over veth). */
#define LOSS_SEGMENTS 10
#define TIMEOUT_SHARE 0.20
#define RESENDERS_COMPARED 1024
#define PEERS_SHOWN 5

struct retransmissions {
	uint64_t sent, again, spurious, timeouts, fast;
	uint64_t again_here, timeouts_here; /* less what answers strangers' SYNs */
	uint64_t real;			    /* and less what had arrived */
	uint64_t all;			    /* sent for the first time or again */
	double share;			    /* of all */
};

static uint64_t value(const struct exam *x, enum counter_id id)
{
	return delta_value(delta_counter(x->o, id));
}

/* By the connections that are there, their SYNs included; too few where some have closed. */
static uint64_t sent_again_by_connections(const struct exam *x)
{
	uint64_t before = x->o->a.tcp.segments_again, now = x->o->b.tcp.segments_again;

	return now - MIN(now, before);
}

/*
 * A SYN-ACK sent again means that whoever sent the SYN does not answer: scans and floods do that to
 * every open port, and the kernel counts it with the SYNs of our own connections. Where none is
 * begun from here, all are such; else those whose requests still wait. A SYN queue that is more
 * than half full forgets its requests early (reqsk_timer_handler): then it is all that no
 * connection of ours can have sent.
 */
static uint64_t strangers_synacks(const struct exam *x)
{
	uint64_t before = x->o->a.synacks_again, now = x->o->b.synacks_again;
	uint64_t syns = value(x, C_TCP_SYN_RETRANS), ours;

	if (value(x, C_TCP_ACTIVE_OPENS) == 0)
		return syns;
	if (value(x, C_SYNCOOKIES_SENT) || value(x, C_TCP_REQ_Q_FULL_DROP)) {
		ours = sent_again_by_connections(x);
		return syns - MIN(syns, ours);
	}
	return MIN(now - MIN(now, before), syns);
}

uint64_t tcp_own_syns_again(const struct exam *x)
{
	uint64_t syns = value(x, C_TCP_SYN_RETRANS);

	return syns - MIN(syns, strangers_synacks(x));
}

static struct retransmissions retransmissions(const struct exam *x)
{
	const struct finding *unanswered = finding_here(x, "syn-timeout");
	struct retransmissions r = {
		.sent = value(x, C_TCP_OUT_SEGS),
		.again = value(x, C_TCP_RETRANS_SEGS),
		/* Under GSO one duplicate SACK covers many segments: TCPDSACKRecv is far too low.
		 */
		.spurious = MAX(value(x, C_TCP_DSACK_RECV_SEGS), value(x, C_TCP_DSACK_RECV)),
		.timeouts = value(x, C_TCP_TIMEOUTS),
		.fast = value(x, C_TCP_FAST_RETRANS),
	};
	uint64_t strangers = strangers_synacks(x) + tcp_given_up_segments(x);

	/* SYNs that nobody answers have their own cause, as have connections that were given up. */
	strangers = MIN(strangers + (unanswered ? unanswered->lost : 0), r.again);
	/* The timer that sends a SYN-ACK again counts as a timeout, too. */
	r.again_here = r.again - strangers;
	r.timeouts_here = r.timeouts - MIN(r.timeouts, strangers);
	r.real = r.again_here - MIN(r.again_here, r.spurious);
	/* OutSegs leaves out what was sent again (RFC 4022; net/ipv4/tcp_output.c). */
	r.all = r.sent + r.again;
	r.share = r.all ? (double)r.real / (double)r.all : 0;
	return r;
}

/* Connections that sent again during the interval, most first. */
struct resender {
	const struct socket *sk;
	uint64_t again;
};
struct resenders {
	VEC(struct resender) list;
};

static void resenders_done(struct resenders *all)
{
	vec_done(&all->list);
}

static int by_cookie(const void *one, const void *other)
{
	const struct resender *a = one, *b = other;

	return a->sk->cookie < b->sk->cookie ? -1 : a->sk->cookie > b->sk->cookie;
}

static int by_again(const void *one, const void *other)
{
	const struct resender *a = one, *b = other;

	if (a->again == b->again)
		return by_cookie(one, other);
	return a->again > b->again ? -1 : 1;
}

static void list_resenders(const struct exam *x, struct resenders *to)
{
	cleanup(resenders_done) struct resenders before = {0};

	vec_each(sk, &x->o->a.sockets)
		if (sk->tcp_known && sk->retrans_total)
			*vec_push(&before.list) = (struct resender){sk, sk->retrans_total};
	if (before.list.n)
		qsort(before.list.items, before.list.n, sizeof(*before.list.items), by_cookie);
	vec_each(sk, &x->o->b.sockets) {
		struct resender now = {sk, sk->retrans_total}, *was = NULL;

		if (!sk->tcp_known)
			continue;
		if (before.list.n)
			was = bsearch(&now, before.list.items, before.list.n, sizeof(now),
				      by_cookie);
		now.again -= was ? MIN(was->again, now.again) : 0;
		if (now.again && (was || connection_is_new(x->o, sk)))
			*vec_push(&to->list) = now;
	}
	if (to->list.n)
		qsort(to->list.items, to->list.n, sizeof(*to->list.items), by_again);
}

/*
 * Drops of connections that had to send again. That can be told while these connections are
 * known; false where most of them have ended.
 */
static bool dropped_of_theirs(const struct exam *x, const struct retransmissions *r, uint64_t *ret)
{
	cleanup(resenders_done) struct resenders all = {0};
	uint64_t known = 0, dropped = 0;

	list_resenders(x, &all);
	all.list.n = MIN(all.list.n, (size_t)RESENDERS_COMPARED);
	vec_each(one, &all.list)
		known += one->again;
	if (known * 2 < r->real || x->d->drops->flows_sampled)
		return false;
	ledger_each_flow(flow, x->ledger) {
		bool theirs = false;

		if (flow->protocol != IPPROTO_TCP)
			continue;
		for (size_t i = 0; i < all.list.n && !theirs; i++)
			theirs = flow_of_connection(flow, all.list.items[i].sk);
		dropped += theirs ? flow->packets : 0;
	}
	*ret = dropped;
	return true;
}

static bool is_local(const struct ruleset *set, uint8_t family, const uint8_t *address)
{
	vec_each(l, &set->locals)
		if (l->family == family && !memcmp(l->address, address, family == AF_INET ? 4 : 16))
			return true;
	return false;
}

/* Some connection has this port here, or may have had: a listener's, or one of our own choice. */
static bool port_in_use(const struct exam *x, uint16_t port)
{
	const struct sysctl_value *range = &x->o->b.sysctl[K_PORT_RANGE];

	if (!source_ok(&x->o->b, SRC_SYSCTL) || range->n < 2 ||
	    (port >= range->v[0] && port <= range->v[1]))
		return true;
	vec_each(sk, &x->o->b.sockets)
		if (sk->protocol == IPPROTO_TCP && sk->local_port == port)
			return true;
	return false;
}

/*
 * A scan whose SYNs a firewall drops hits no connection of this host. Addresses are known where a
 * rule or policy drops; without them every flow may be one of ours.
 */
static bool may_be_ours(const struct exam *x, const struct drop_flow *flow)
{
	const struct ruleset *sets[] = {&x->o->b.nft, &x->o->b.iptables};

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		if (!sets[i]->locals.n)
			continue;
		if (is_local(sets[i], flow->family, flow->destination))
			return port_in_use(x, flow->destination_port);
		return is_local(sets[i], flow->family, flow->source) &&
		       port_in_use(x, flow->source_port);
	}
	return true;
}

/* Of dropped TCP segments the share that hit connections of this host, as far as flows tell. */
static double share_ours(const struct exam *x, const struct drop_filter *not_lost)
{
	uint64_t all = 0, ours = 0;

	ledger_each_flow(flow, x->ledger) {
		struct drop as_drop = {.protocol = flow->protocol};

		memcpy(as_drop.reason, flow->reason, sizeof(as_drop.reason));
		if (flow->protocol != IPPROTO_TCP || drop_matches(&as_drop, not_lost))
			continue;
		all += flow->packets;
		ours += may_be_ours(x, flow) ? flow->packets : 0;
	}
	return all ? (double)ours / (double)all : 1;
}

/*
 * What TCP lost inside this host, in segments. A SYN to a closed port, or a segment that its
 * connection does not want, was answered or is worth nothing: nobody sends it again.
 */
static uint64_t dropped_here(const struct exam *x, const struct retransmissions *r)
{
	static const char *const answered[] = {"NO_SOCKET",	    "TCP_LISTEN_OVERFLOW",
					       "TCP_FLAGS",	    "TCP_INVALID_SYN",
					       "TCP_CLOSE",	    "TCP_RESET",
					       "TCP_OLD_ACK",	    "TCP_TOO_OLD_ACK",
					       "TCP_ABORT_ON_DATA", NULL};
	struct drop_filter not_lost = {.reasons = answered, .protocol = IPPROTO_TCP};
	struct drop_filter tcp = {.protocol = IPPROTO_TCP};
	uint64_t segments = 0, theirs = 0;

	vec_each(line, &x->ledger->lines)
		if (!line->benign && drop_matches(line->drop, &tcp) &&
		    !drop_matches(line->drop, &not_lost))
			segments += MAX(line->drop->packets, line->drop->segments);
	if (segments && dropped_of_theirs(x, r, &theirs) && !theirs)
		return 0;
	return segments ? (uint64_t)((double)segments * share_ours(x, &not_lost)) : 0;
}

/* Did this host itself lose what TCP had to send again? Then the answer is not elsewhere. */
static const char *local_loss(const struct exam *x, const struct retransmissions *r)
{
	bool traced = tracing(x) && !x->d->drops->missed;

	vec_each(f, &x->d->findings) {
		if (f->where != x->o || f->severity < SEVERITY_WARNING ||
		    f->cause->stage == STAGE_UDP || (f->via && f->via->stage == STAGE_UDP))
			continue;
		/* Elsewhere, but it is known where or why: a limit of the provider's, an MTU. */
		if (f->cause->kind == CAUSE_ELSEWHERE) {
			if (f->cause->stage != STAGE_TCP && f->lost * 2 >= r->real)
				return f->cause->id;
			continue;
		}
		/* Traced losses are looked at below, TCP's alone; others can explain as many at
		 * most. */
		if (!traced || (!f->traced_known && f->lost * 2 >= r->real))
			return f->cause->id;
	}
	return dropped_here(x, r) * 2 > r->real ? "drops of TCP inside this host" : NULL;
}

static bool lost_elsewhere(struct exam *x, const struct retransmissions *r)
{
	const char *local;

	if (r->real < LOSS_SEGMENTS || r->share < threshold_share(x, THRESHOLD_RETRANSMIT_WARNING))
		return false;
	local = local_loss(x, r);
	if (local)
		evidence_text(NULL, x, "explained by %s", local);
	return !local;
}

bool tcp_lost_here(struct exam *x, uint64_t lost)
{
	struct retransmissions r = {.real = lost};
	const char *local = local_loss(x, &r);

	if (local)
		evidence_text(NULL, x, "explained by %s", local);
	return local != NULL;
}

bool tcp_lost_elsewhere(struct exam *x, uint64_t *ret_lost, uint64_t *ret_of)
{
	struct retransmissions r = retransmissions(x);

	if (!lost_elsewhere(x, &r))
		return false;
	*ret_lost = r.real;
	*ret_of = r.all;
	return true;
}

static bool mostly_timeouts(const struct retransmissions *r)
{
	return (double)r->timeouts_here > TIMEOUT_SHARE * (double)r->again_here ||
	       (r->timeouts && !r->fast && !r->timeouts_here);
}

static enum outcome not_found(struct exam *x)
{
	evidence_counter(NULL, x, C_TCP_OUT_SEGS);
	evidence_counter(NULL, x, C_TCP_RETRANS_SEGS);
	evidence_counter(NULL, x, C_TCP_DSACK_RECV_SEGS);
	evidence_counter(NULL, x, C_TCP_TIMEOUTS);
	return NOT_FOUND;
}

/* Peers whose connections were resent most. */
static void add_peers(struct exam *x, struct finding *f)
{
	cleanup(resenders_done) struct resenders all = {0};

	list_resenders(x, &all);
	for (size_t i = 0; i < MIN(all.list.n, (size_t)PEERS_SHOWN); i++) {
		struct subject *s = finding_subject(f);

		subject_socket(x, s, all.list.items[i].sk);
		s->has_lost = true;
		s->lost = all.list.items[i].again;
	}
}

static enum outcome elsewhere(struct exam *x, const struct retransmissions *r)
{
	struct finding *f = finding_new(x);
	char peer[64] = "PEER";
	struct remedy *remedy;

	finding_lost(f, &r->real, NULL, r->all);
	f->unit = "segments";
	f->confidence = LIKELY;
	f->severity = r->share >= threshold_share(x, THRESHOLD_RETRANSMIT_CRITICAL)
			      ? SEVERITY_CRITICAL
			      : SEVERITY_WARNING;
	finding_headline(f, "%llu of %llu TCP segments lost beyond this host, %llu timeouts",
			 (unsigned long long)r->real, (unsigned long long)r->all,
			 (unsigned long long)r->timeouts_here);
	finding_text(f, "Nothing on this host's own path lost these segments: the network or the peer "
			"did.");
	add_peers(x, f);
	evidence_counter(f, x, C_TCP_OUT_SEGS);
	evidence_counter(f, x, C_TCP_RETRANS_SEGS);
	evidence_counter(f, x, C_TCP_FAST_RETRANS);
	evidence_counter(f, x, C_TCP_TIMEOUTS);
	evidence_counter(f, x, C_TCP_SYN_RETRANS);
	evidence_counter(f, x, C_TCP_DSACK_RECV_SEGS);
	finding_exclude(f, "spurious: the peers reported %llu segments as received twice",
			(unsigned long long)r->spurious);
	finding_exclude(f, "local: no drop of TCP on this host's path%s",
			tracing(x) ? "" : " in its counters (drop events could not be seen)");
	remedy = finding_remedy(
		f, "capture-both-ends", REMEDY_CAPACITY,
		"capture at both ends and at the hops between, find where they vanish");
	remedy_why(remedy, "no setting of this host brings the segments back");
	if (f->subjects.n)
		address_text(f->subjects.items[0].socket.family, f->subjects.items[0].socket.remote,
			     peer, sizeof(peer));
	remedy_command(remedy, "tcpdump -ni any -s 96 -w loss.pcap 'tcp and host %s'", peer);
	return FOUND;
}

enum outcome examine_tcp_rto(struct exam *x)
{
	struct retransmissions r = retransmissions(x);

	if (!mostly_timeouts(&r) || !lost_elsewhere(x, &r))
		return not_found(x);
	return elsewhere(x, &r);
}

enum outcome examine_tcp_fast_retransmit(struct exam *x)
{
	struct retransmissions r = retransmissions(x);

	if (mostly_timeouts(&r) || !lost_elsewhere(x, &r))
		return not_found(x);
	return elsewhere(x, &r);
}
