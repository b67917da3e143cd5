// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tcp: what TCP repairs although nothing was lost, and what makes repairs slow: segments sent
 * again that had arrived, segments that overtake each other, no SACK, a retransmission timeout far
 * above the round trip, timeouts of programs that are shorter than one repair.
 */
#include <stdio.h>
#include <stdlib.h>

#include "causes/enter.h"
#include "causes/stages.h"
#include "causes/tcp_flow.h"

#define LEAST 10	     /* fewer events are no rate (SEV-L of the catalogue) */
#define SPURIOUS_SHARE 0.5   /* of what was sent again: about all of it, less what no DSACK tells */
#define NOTED_SHARE 0.001    /* of all segments; iperf3 at 52 Gbit/s over veth has 0.0004 */
#define DISORDER_SHARE 0.01  /* of the segments that came, out of order */
#define OPTION_SACK 2	     /* TCPI_OPT_SACK */
#define RTO_FLOOR_US 200000  /* TCP_RTO_MIN, include/net/tcp.h */
#define SHORT_RTT_US 10000
#define DELAYED_ACK_RTO_MS 50 /* a delayed ACK takes up to 40 ms (TCP_DELACK_MIN): below it is spurious */
#define CONNECT_MS 3000	      /* 1 s for the SYN again and 1 s for the SYN-ACK again, and something */
#define READ_MS 300	      /* more than RTO_FLOOR_US */
#define PEERS_SHOWN 5

static uint64_t value(const struct exam *x, enum counter_id id)
{
	return delta_value(delta_counter(x->o, id));
}

/* Data sent again: SYNs have no duplicate SACK. */
struct repairs {
	uint64_t again, spurious, undone, all;
	double share; /* of all */
};

static struct repairs repairs(const struct exam *x)
{
	uint64_t again = value(x, C_TCP_RETRANS_SEGS), syns = value(x, C_TCP_SYN_RETRANS);
	struct repairs r = {
		.again = again - MIN(again, syns),
		.undone = value(x, C_TCP_FULL_UNDO) + value(x, C_TCP_PARTIAL_UNDO) +
			  value(x, C_TCPDSACK_UNDO) + value(x, C_TCP_LOSS_UNDO),
		.all = value(x, C_TCP_OUT_SEGS) + again,
	};

	/* Under GSO one duplicate SACK covers many segments: TCPDSACKRecv is far too low. */
	r.spurious = MIN(MAX(value(x, C_TCP_DSACK_RECV_SEGS), value(x, C_TCP_DSACK_RECV)), r.again);
	r.share = r.all ? (double)r.again / (double)r.all : 0;
	return r;
}

static uint64_t reorderings(const struct exam *x)
{
	return value(x, C_TCPSACK_REORDER) + value(x, C_TCPTS_REORDER) +
	       value(x, C_TCP_RENO_REORDER);
}

/* Connections by how much of something they had in the sample, most first; at most so many. */
struct ranked {
	const struct socket *sk;
	uint64_t n;
};

static uint64_t sent_again(const struct exam *x, const struct socket *sk)
{
	return flow_time(x, sk).again;
}

static uint64_t seen_reordered(const struct exam *x, const struct socket *sk)
{
	const struct socket *before = socket_before(x, sk);
	uint32_t was = before ? before->tcp.reord_seen : 0;

	return sk->tcp.reord_seen - MIN(was, sk->tcp.reord_seen);
}

static void add_subjects(struct exam *x, struct finding *f,
			 uint64_t (*much)(const struct exam *x, const struct socket *sk))
{
	struct ranked best[PEERS_SHOWN] = {0};

	vec_each(sk, &x->o->b.sockets) {
		struct ranked one = {sk, is_connection(sk) ? much(x, sk) : 0};

		for (size_t i = 0; one.n && i < ARRAY_SIZE(best); i++) {
			struct ranked next = best[i];

			if (one.n <= next.n)
				continue;
			best[i] = one;
			one = next;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(best) && best[i].n; i++)
		subject_socket(x, finding_subject(f), best[i].sk);
}

static bool any_socket(const struct exam *x,
		       uint64_t (*much)(const struct exam *x, const struct socket *sk))
{
	vec_each(sk, &x->o->b.sockets)
		if (is_connection(sk) && much(x, sk))
			return true;
	return false;
}

/* ---- sent again in vain ---- */

static bool are_spurious(const struct repairs *r)
{
	return r->spurious >= LEAST && (double)r->spurious >= SPURIOUS_SHARE * (double)r->again &&
	       r->share >= NOTED_SHARE;
}

static const char *why_spurious(const struct exam *x, const struct repairs *r)
{
	if (reorderings(x) * 10 >= r->spurious)
		return "Segments overtake each other on the way, so that those behind look lost.";
	if (value(x, C_TCP_TIMEOUTS) * 5 >= r->again || value(x, C_TCP_SPURIOUS_RTOS))
		return "The answers came too late or not at all: the delay jumps, or acknowledgements "
		       "are lost on their way back.";
	return "Either acknowledgements are lost on their way back, or segments overtake each other.";
}

enum outcome examine_spurious_retrans(struct exam *x)
{
	cleanup(flow_index_done) struct flow_index index = {0};
	struct repairs r = repairs(x);
	struct remedy *remedy;
	struct finding *f;

	flow_index_init(x, &index);
	if (!are_spurious(&r)) {
		evidence_counter(NULL, x, C_TCP_RETRANS_SEGS);
		evidence_counter(NULL, x, C_TCP_DSACK_RECV_SEGS);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->unit = "segments";
	f->severity = r.share >= threshold_share(x, THRESHOLD_RETRANSMIT_WARNING) ? SEVERITY_WARNING
										 : SEVERITY_INFO;
	finding_headline(f, "%llu of %llu segments sent again had arrived already",
			 (unsigned long long)r.spurious, (unsigned long long)r.again);
	finding_text(f, "Peers tell by duplicate SACK that these came twice: they were not lost. %s Each "
			"mistake halves the speed of its connection for a while.",
		     why_spurious(x, &r));
	add_subjects(x, f, sent_again);
	evidence_counter(f, x, C_TCP_OUT_SEGS);
	evidence_counter(f, x, C_TCP_RETRANS_SEGS);
	evidence_counter(f, x, C_TCP_DSACK_RECV_SEGS);
	evidence_counter(f, x, C_TCP_TIMEOUTS);
	evidence_counter(f, x, C_TCP_SPURIOUS_RTOS);
	evidence_text(f, x, "%llu recoveries were undone, %llu reorderings seen",
		      (unsigned long long)r.undone, (unsigned long long)reorderings(x));
	finding_exclude(f, "a loss (%llu of them at most were lost)",
			(unsigned long long)(r.again - r.spurious));
	remedy = finding_remedy(f, "mend-the-path", REMEDY_CAPACITY,
				"find where the path delays, reorders or loses acknowledgements: bonds "
				"in round robin, several routes, radio, queues on the way back");
	remedy_why(remedy, "TCP adapts to some reordering (RACK) and no setting makes it adapt to more");
	remedy_command(remedy, "tcpdump -ni any -s 96 -w again.pcap tcp");
	return FOUND;
}

/* ---- out of order ---- */

static struct finding *reordering_finding(struct exam *x, enum direction direction)
{
	struct finding *f = finding_new(x);
	struct remedy *r;

	f->state = AT_RISK;
	f->unit = "segments";
	f->severity = SEVERITY_INFO;
	f->has_direction = true;
	f->direction = direction;
	r = finding_remedy(f, "one-way-per-flow", REMEDY_CAPACITY,
			   "keep each flow on one way: bonding by layer3+4 in place of round robin, "
			   "one queue per flow, no router that spreads packet by packet");
	remedy_why(r, "a receiver must wait for what was overtaken, and merges less (GRO)");
	return f;
}

static enum outcome reordered_tx(struct exam *x, const struct repairs *r)
{
	struct finding *f = reordering_finding(x, DIR_TX);

	f->confidence = LIKELY;
	add_subjects(x, f, seen_reordered);
	finding_headline(f, "segments sent from here overtake each other (%llu times)",
			 (unsigned long long)reorderings(x));
	finding_text(f, "What looked lost was acknowledged later without being sent again. Nothing is "
			"lost, but it costs time, and too much of it looks like loss.");
	evidence_counter(f, x, C_TCPSACK_REORDER);
	evidence_counter(f, x, C_TCPTS_REORDER);
	evidence_counter(f, x, C_TCP_RETRANS_SEGS);
	evidence_counter(f, x, C_TCP_OUT_SEGS);
	if (f->subjects.n)
		evidence_text(f, x, "the first connection reckons with %u segments that overtake one",
			      first_of(f)->socket.tcp.reordering);
	finding_exclude(f, "a loss (%.2f %% of the segments were sent again)", r->share * 100);
	return FOUND;
}

static uint64_t came_disordered(const struct exam *x, const struct socket *sk)
{
	const struct socket *before = socket_before(x, sk);
	uint32_t was = before ? before->tcp.rcv_ooopack : 0;

	return sk->tcp.rcv_ooopack - MIN(was, sk->tcp.rcv_ooopack);
}

/* Lost here: then what comes is not disordered on its way. */
static bool lost_here(const struct exam *x)
{
	vec_each(f, &x->d->findings)
		if (f->where == x->o && f->lost && f->cause->stage != STAGE_UDP)
			return true;
	return false;
}

/*
 * A receiver cannot tell what was overtaken from what was lost and sent again. What was lost makes
 * everything behind it wait for a round trip, so that most of a flight is out of order.
 */
static enum outcome reordered_rx(struct exam *x, uint64_t disordered, uint64_t came)
{
	struct finding *f = reordering_finding(x, DIR_RX);

	f->confidence = POSSIBLE;
	add_subjects(x, f, came_disordered);
	finding_headline(f, "%llu of %llu segments came out of order",
			 (unsigned long long)disordered, (unsigned long long)came);
	finding_text(f, "They overtook others on the way, or others were lost on the way and sent again: "
			"only the sender can tell, by how many it sent again (RetransSegs).");
	evidence_counter(f, x, C_TCPOFO_QUEUE);
	evidence_counter(f, x, C_TCP_IN_SEGS);
	evidence_counter(f, x, C_TCPDSACK_OLD_SENT);
	finding_exclude(f, "a loss on this host");
	return FOUND;
}

enum outcome examine_tcp_reordering(struct exam *x)
{
	cleanup(flow_index_done) struct flow_index index = {0};
	uint64_t disordered = value(x, C_TCPOFO_QUEUE), came = value(x, C_TCP_IN_SEGS);
	struct repairs r = repairs(x);

	flow_index_init(x, &index);
	if (reorderings(x) >= LEAST && !finding_here(x, "tcp-spurious-retrans") &&
	    r.share < threshold_share(x, THRESHOLD_RETRANSMIT_WARNING))
		return reordered_tx(x, &r);
	if (disordered >= LEAST && (double)disordered >= DISORDER_SHARE * (double)came &&
	    !lost_here(x))
		return reordered_rx(x, disordered, came);
	evidence_counter(NULL, x, C_TCPSACK_REORDER);
	evidence_counter(NULL, x, C_TCPTS_REORDER);
	evidence_counter(NULL, x, C_TCPOFO_QUEUE);
	return NOT_FOUND;
}

/* ---- no SACK ---- */

static uint64_t without_sack(const struct exam *x, const struct socket *sk)
{
	return sk->tcp.options & OPTION_SACK ? 0 : flow_time(x, sk).again;
}

static void sack_remedies(struct exam *x, struct finding *f, bool off_here)
{
	struct remedy *r;

	if (off_here) {
		r = finding_remedy(f, "sack-on", REMEDY_SYSCTL, "net.ipv4.tcp_sack=1 (the default)");
		remedy_why(r, "it was switched off against CVE-2019-11477, say, which kernels repaired in "
			      "2019");
		remedy_risk(r, "none known; connections that exist keep what they agreed on");
		remedy_sysctl_here(x, r, "net.ipv4.tcp_sack", 0, 1);
		return;
	}
	r = finding_remedy(f, "sack-of-the-peer", REMEDY_CAPACITY,
			   "see whether the peer or a firewall between (\"clear TCP options\") leaves "
			   "SACK out");
	remedy_why(r, "it is on here; connections begun by a SYN cookie lack it too, without "
		      "timestamps");
	remedy_command(r, "tcpdump -ni any -v 'tcp[tcpflags] & tcp-syn != 0'");
}

enum outcome examine_sack_off(struct exam *x)
{
	cleanup(flow_index_done) struct flow_index index = {0};
	uint64_t recoveries = value(x, C_TCP_RENO_RECOVERY);
	struct repairs r = repairs(x);
	struct finding *f;
	int64_t on = 1;
	bool off_here;

	flow_index_init(x, &index);
	off_here = sysctl_get(&x->o->b, K_TCP_SACK, &on) && on == 0;
	if (!off_here && recoveries < LEAST) {
		evidence_counter(NULL, x, C_TCP_RENO_RECOVERY);
		evidence_counter(NULL, x, C_TCP_SACK_RECOVERY);
		evidence_text(NULL, x, "net.ipv4.tcp_sack is %lld", (long long)on);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->severity = recoveries >= LEAST &&
				      r.share >= threshold_share(x, THRESHOLD_RETRANSMIT_WARNING)
			      ? SEVERITY_WARNING
			      : SEVERITY_INFO;
	finding_headline(f, off_here ? "SACK is off here (tcp_sack=0), %llu losses were repaired without it"
				     : "%llu losses were repaired without SACK: peers do not offer it",
			 (unsigned long long)recoveries);
	finding_text(f, "Without selective acknowledgements (SACK) a sender learns of one lost segment a "
			"round trip, and after a timeout sends again what had arrived (as Go-Back-N).");
	add_subjects(x, f, without_sack);
	if (off_here)
		finding_subject(f)->sysctl = xstrdup("net.ipv4.tcp_sack");
	evidence_counter(f, x, C_TCP_RENO_RECOVERY);
	evidence_counter(f, x, C_TCP_SACK_RECOVERY);
	evidence_counter(f, x, C_TCP_RETRANS_SEGS);
	evidence_counter(f, x, C_TCP_TIMEOUTS);
	sack_remedies(x, f, off_here);
	return FOUND;
}

/* ---- the timeout's floor ---- */

/* It timed out and goes on: what came back was worth less waiting. */
static uint64_t waited_for_floor(const struct exam *x, const struct socket *sk)
{
	struct flow_time t = flow_time(x, sk);

	return sk->tcp.rtt_us && sk->tcp.rtt_us < SHORT_RTT_US && sk->rto_us >= RTO_FLOOR_US &&
			       !sk->backoff && t.acked
		       ? t.again
		       : 0;
}

static void rto_remedies(struct exam *x, struct finding *f)
{
	const struct socket *sk = &first_of(f)->socket;
	int64_t now_us = 0;
	char peer[64], enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	address_text(sk->family, sk->remote, peer, sizeof(peer));
	r = finding_remedy(f, "rto-min-of-route", REMEDY_ROUTE,
			   "a smaller floor for the route to such peers: rto_min %d ms",
			   DELAYED_ACK_RTO_MS);
	remedy_why(r, "%.1f ms is the round trip; a delayed ACK may add 40 ms, and a timeout below that "
		      "would be in vain",
		   (double)sk->tcp.rtt_us / 1000);
	remedy_command(r, "%sip route get %s", enter, peer);
	remedy_command(r, "%sip route change ROUTE rto_min %dms", enter, DELAYED_ACK_RTO_MS);
	remedy_risk(r, "ROUTE is the whole route as `ip route show` prints it: another gateway or device "
		       "cuts the network off. Not for the default route: paths of the Internet need the "
		       "floor");
	remedy_undo(r, "%sip route change ROUTE", enter);
	if (!sysctl_get(&x->o->b, K_TCP_RTO_MIN_US, &now_us) || now_us < RTO_FLOOR_US)
		return;
	r = finding_remedy(f, "rto-min-of-all", REMEDY_ROUTE,
			   "where all peers are as near: net.ipv4.tcp_rto_min_us=%d",
			   DELAYED_ACK_RTO_MS * 1000);
	remedy_why(r, "it is %lld; new connections of this namespace have it", (long long)now_us);
	remedy_command(r, "%ssysctl -w net.ipv4.tcp_rto_min_us=%d", enter, DELAYED_ACK_RTO_MS * 1000);
	remedy_undo(r, "%ssysctl -w net.ipv4.tcp_rto_min_us=%lld", enter, (long long)now_us);
	remedy_risk(r, "connections over the Internet send in vain then");
}

enum outcome examine_rto_min(struct exam *x)
{
	cleanup(flow_index_done) struct flow_index index = {0};
	uint64_t timeouts = value(x, C_TCP_TIMEOUTS), syns = value(x, C_TCP_SYN_RETRANS);
	const struct socket *sk;
	struct finding *f;

	flow_index_init(x, &index);
	timeouts -= MIN(timeouts, syns);
	if (timeouts < LEAST || !any_socket(x, waited_for_floor)) {
		evidence_counter(NULL, x, C_TCP_TIMEOUTS);
		evidence_text(NULL, x, "fewer than %d, or on no connection with a round trip below %d ms that "
				       "goes on",
			      LEAST, SHORT_RTT_US / 1000);
		return NOT_FOUND;
	}
	f = finding_new(x);
	add_subjects(x, f, waited_for_floor);
	sk = &first_of(f)->socket;
	f->state = AT_RISK;
	f->severity = SEVERITY_INFO;
	finding_headline(f, "%llu timeouts of 200 ms and more on paths of %.1f ms",
			 (unsigned long long)timeouts, (double)sk->tcp.rtt_us / 1000);
	finding_text(f, "The retransmission timeout is never below 200 ms, however near the peer is. "
			"These connections waited for it and went on: each such loss cost them many round "
			"trips.");
	evidence_counter(f, x, C_TCP_TIMEOUTS);
	evidence_text(f, x, "the first: round trip %.3f ms, timeout %.0f ms",
		      (double)sk->tcp.rtt_us / 1000, (double)sk->rto_us / 1000);
	rto_remedies(x, f);
	return FOUND;
}

/* ---- timeouts of programs ---- */

static uint64_t timeout_needed(const struct exam *x, const struct socket *sk)
{
	/* Backoff doubles it while it lasts; the next loss begins with the plain one again. */
	return sent_again(x, sk) ? (sk->rto_us >> MIN(sk->backoff, 16U)) + 1 : 0;
}

enum outcome examine_app_timeouts(struct exam *x)
{
	cleanup(flow_index_done) struct flow_index index = {0};
	struct repairs r = repairs(x);
	const struct finding *loss = finding_here(x, "tcp-rto");
	struct remedy *remedy;
	struct finding *f;

	flow_index_init(x, &index);
	loss = loss ? loss : finding_here(x, "tcp-fast-retransmit");
	if (!loss || !any_socket(x, timeout_needed)) {
		evidence_text(NULL, x, "no losses of known connections that a program's timeout should bear "
				       "(%llu segments sent again)",
			      (unsigned long long)r.again);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->severity = SEVERITY_INFO;
	add_subjects(x, f, timeout_needed);
	finding_headline(f, "with such losses a connect timeout below %d s or a read timeout below %d ms "
			    "ends what one repair would save",
			 CONNECT_MS / 1000, READ_MS);
	finding_text(f, "A lost SYN is sent again after 1 s, a lost answer to it after another; lost data "
			"after the retransmission timeout, at least 200 ms.");
	vec_each(s, &f->subjects) {
		uint64_t rto_ms = timeout_needed(x, &s->socket) / 1000;
		char peer[64];

		address_text(s->socket.family, s->socket.remote, peer, sizeof(peer));
		evidence_text(f, x, "%s port %u: round trip %.1f ms, timeout %llu ms: read timeout %llu ms "
				    "or more",
			      peer, s->socket.remote_port, (double)s->socket.tcp.rtt_us / 1000,
			      (unsigned long long)rto_ms,
			      (unsigned long long)MAX((uint64_t)READ_MS,
						      2 * rto_ms + s->socket.tcp.rtt_us / 1000));
	}
	remedy = finding_remedy(f, "longer-timeouts", REMEDY_APPLICATION,
				"in programs: connect timeout of %d s or more; read timeouts as told for "
				"each peer, at least %d ms",
				CONNECT_MS / 1000, READ_MS);
	remedy_why(remedy, "twice the retransmission timeout lets one repair be lost, too");
	remedy_cost(remedy, "a dead peer is noticed that much later");
	return FOUND;
}
