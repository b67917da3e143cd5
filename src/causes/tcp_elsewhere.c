// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tcp: segments sent again although this host lost nothing. The network or the peer lost
 * them, and saying so, with the numbers, is an answer.
 */
#include <netinet/in.h>

#include "causes/stages.h"

/* Below these a healthy busy host lives (causes.md 126, 127; iperf at 52 Gbit/s over veth). */
#define LOSS_SHARE 0.01
#define LOSS_SEGMENTS 10
#define CRITICAL_SHARE 0.05
#define TIMEOUT_SHARE 0.20

struct retransmissions {
	uint64_t sent, again, spurious, timeouts, fast;
	uint64_t real; /* again, less what had arrived and what answers strangers' SYNs */
	double share;
};

static uint64_t value(const struct exam *x, enum counter_id id)
{
	return delta_value(delta_counter(x->o, id));
}

static struct retransmissions retransmissions(const struct exam *x)
{
	struct retransmissions r = {
		.sent = value(x, C_TCP_OUT_SEGS),
		.again = value(x, C_TCP_RETRANS_SEGS),
		/* Under GSO one duplicate SACK covers many segments: TCPDSACKRecv is far too low. */
		.spurious = MAX(value(x, C_TCP_DSACK_RECV_SEGS), value(x, C_TCP_DSACK_RECV)),
		.timeouts = value(x, C_TCP_TIMEOUTS),
		.fast = value(x, C_TCP_FAST_RETRANS),
	};
	uint64_t strangers = 0;

	/*
	 * A SYN-ACK sent again means that whoever sent the SYN does not answer: scans and floods do
	 * that to every open port. Unless connections are begun from here, SYN retransmissions are
	 * those.
	 */
	if (value(x, C_TCP_ACTIVE_OPENS) == 0)
		strangers = value(x, C_TCP_SYN_RETRANS);
	r.real = r.again - MIN(r.again, r.spurious + strangers);
	r.share = r.sent ? (double)r.real / (double)r.sent : r.real ? 1 : 0;
	return r;
}

/* Did this host itself lose what TCP had to send again? Then the answer is not elsewhere. */
static const char *local_loss(const struct exam *x, const struct retransmissions *r)
{
	struct drop_filter tcp = {.protocol = IPPROTO_TCP};

	vec_each(f, &x->d->findings)
		if (f->where == x->o && f->severity >= SEVERITY_WARNING &&
		    f->cause->stage != STAGE_UDP && !(f->via && f->via->stage == STAGE_UDP) &&
		    f->cause->kind != CAUSE_ELSEWHERE)
			return f->cause->id;
	return ledger_traced(x->ledger, &tcp) * 2 > r->real ? "drops of TCP inside this host" : NULL;
}

static bool lost_elsewhere(struct exam *x, const struct retransmissions *r)
{
	const char *local;

	if (r->real < LOSS_SEGMENTS || r->share < LOSS_SHARE)
		return false;
	local = local_loss(x, r);
	if (local)
		evidence_text(NULL, x, "explained by %s", local);
	return !local;
}

static bool mostly_timeouts(const struct retransmissions *r)
{
	return (double)r->timeouts > TIMEOUT_SHARE * (double)r->again;
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
	for (int rounds = 0; rounds < 5; rounds++) {
		const struct socket *worst = NULL;
		uint64_t most = 0;
		struct subject *s;

		vec_each(sk, &x->o->b.sockets) {
			const struct socket *before = snapshot_socket(&x->o->a, sk->cookie);
			uint64_t again = sk->retrans_total - (before ? before->retrans_total : 0);
			bool known = false;

			vec_each(other, &f->subjects)
				known |= other->has_socket && other->socket.cookie == sk->cookie;
			if (!sk->tcp_known || known || again <= most)
				continue;
			most = again;
			worst = sk;
		}
		if (!worst)
			return;
		s = finding_subject(f);
		subject_socket(x, s, worst);
		s->has_lost = true;
		s->lost = most;
	}
}

static enum outcome elsewhere(struct exam *x, const struct retransmissions *r)
{
	struct finding *f = finding_new(x);
	struct remedy *remedy;

	finding_lost(f, &r->real, NULL, r->sent);
	f->unit = "segments";
	f->confidence = LIKELY;
	f->severity = r->share >= CRITICAL_SHARE ? SEVERITY_CRITICAL : SEVERITY_WARNING;
	finding_headline(f, "%llu of %llu TCP segments lost beyond this host, %llu timeouts",
			 (unsigned long long)r->real, (unsigned long long)r->sent,
			 (unsigned long long)r->timeouts);
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
	remedy = finding_remedy(f, "capture-both-ends", REMEDY_CAPACITY,
				"capture at both ends and at the hops between, find where they vanish");
	remedy_why(remedy, "no setting of this host brings the segments back");
	remedy_command(remedy, "tcpdump -ni any -s 96 -w loss.pcap 'tcp and host PEER'");
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
