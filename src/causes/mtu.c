// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage ip: packets larger than a link on the way carries, which must not be cut (IPv6, or DF set).
 * A router drops them and says so by ICMP; where that does not arrive, large packets vanish and
 * small ones pass.
 */
#include <netinet/in.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>

#include "causes/enter.h"
#include "causes/stages.h"

/* TCP begins with ten segments (RFC 6928); who still sends after twice as many does not heed. */
#define UNHEEDED_PACKETS 20
#define TIMEOUTS_LEAST 3 /* in a row: 1.4 s and more */
#define SUBJECTS_SHOWN 5
#define STUCK_MAX 256 /* connections looked at: each is compared with all others */

static const char *const big_reasons[] = {"PKT_TOO_BIG", NULL};
static const char *const forward_places[] = {"ip_forward", "ip6_forward", NULL};
static const struct drop_filter big_drops = {.reasons = big_reasons, .symbols = forward_places};
/* What this host sent itself and cannot cut; FragFails has it, too. */
static const char *const no_reason[] = {"NOT_SPECIFIED", NULL};
static const char *const own_places[] = {"ip_fragment", "ip6_fragment", NULL};
static const struct drop_filter own_drops = {.reasons = no_reason, .symbols = own_places};

static uint64_t value(const struct exam *x, enum counter_id id)
{
	return delta_value(delta_counter(x->o, id));
}

static bool is_icmp(const struct drop_flow *flow)
{
	return flow->protocol == (flow->family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

/* ---- this host is the router ---- */

struct too_big {
	uint64_t worst; /* packets of one flow */
	uint64_t silenced; /* ICMP to these senders that the firewall here dropped */
	bool tcp;
};

static bool goes_to_sender(const struct exam *x, const struct finding *f, const struct drop_flow *icmp)
{
	if (icmp->netns != x->o->inode || !is_icmp(icmp) ||
	    strcmp(icmp->reason, "NETFILTER_DROP") != 0)
		return false;
	vec_each(flow, &f->flows)
		if (flow->family == icmp->family &&
		    memcmp(flow->source, icmp->destination, sizeof(flow->source)) == 0)
			return true;
	return false;
}

static struct too_big look_at_flows(const struct exam *x, const struct finding *f)
{
	struct too_big t = {0};

	vec_each(flow, &f->flows) {
		t.worst = MAX(t.worst, flow->packets);
		t.tcp |= flow->protocol == IPPROTO_TCP;
	}
	if (tracing(x))
		ledger_each_flow(flow, x->ledger)
			t.silenced += goes_to_sender(x, f, flow) ? flow->packets : 0;
	return t;
}

/* Which link is too small is not told; one that is smaller than where they came in may be. */
static const struct link *smallest_link(const struct exam *x)
{
	const struct link *least = NULL;

	vec_each(link, &x->o->b.links)
		if ((link->flags & IFF_UP) && !(link->flags & IFF_LOOPBACK) &&
		    (!least || link->mtu < least->mtu))
			least = link;
	return least;
}

static void router_remedies(struct exam *x, struct finding *f, const struct too_big *t)
{
	const struct link *least = smallest_link(x);
	char enter[96], sender[64] = "the sender";
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	if (f->flows.n)
		address_text(f->flows.items[0].family, f->flows.items[0].source, sender,
			     sizeof(sender));
	if (t->silenced) {
		r = finding_remedy(f, "let-icmp-out", REMEDY_NETFILTER,
				   "let ICMP \"fragmentation needed\" and ICMPv6 \"packet too big\" out");
		remedy_why(r, "the firewall here dropped %llu answers to these senders",
			   (unsigned long long)t->silenced);
		remedy_command(r, "%snft list ruleset", enter);
	}
	if (t->tcp) {
		r = finding_remedy(f, "clamp-mss", REMEDY_NETFILTER,
				   "lower the segment size that TCP connections agree on to what fits");
		remedy_why(r, "works whatever happens to ICMP, for TCP connections made from now on");
		remedy_command(r, "%snft 'add table inet whydrop_mss; add chain inet whydrop_mss forward "
				  "{ type filter hook forward priority mangle; }; add rule inet "
				  "whydrop_mss forward tcp flags syn tcp option maxseg size set rt mtu'",
			       enter);
		remedy_undo(r, "%snft delete table inet whydrop_mss", enter);
		remedy_cost(r, "a rule that each SYN passes");
	}
	r = finding_remedy(f, "sender-heeds", REMEDY_APPLICATION,
			   "at %s: accept ICMP type 3 code 4 and ICMPv6 type 2, send smaller packets",
			   sender);
	remedy_why(r, "a sender that hears them needs only one to find the size that fits");
	if (!least)
		return;
	r = finding_remedy(f, "raise-mtu", REMEDY_CAPACITY,
			   "if the link %s carries more than %u bytes: its MTU", least->name, least->mtu);
	remedy_why(r, "it has the smallest MTU here; all on the same link must have the same one");
	remedy_command(r, "%sip link show dev %s", enter, least->name);
}

static void router_words(struct exam *x, struct finding *f, const struct too_big *t)
{
	const struct link *least = smallest_link(x);
	char from[64] = "a sender", to[64] = "a destination";

	if (f->flows.n) {
		address_text(f->flows.items[0].family, f->flows.items[0].source, from, sizeof(from));
		address_text(f->flows.items[0].family, f->flows.items[0].destination, to, sizeof(to));
	}
	finding_headline(f, "packets from %s to %s are too large for the way on", from, to);
	finding_text(f, "They are larger than the MTU of the device they should leave by, and must not "
			"be cut. %s",
		     t->silenced		    ? "Their sender should be told by ICMP, but the "
						      "firewall here drops that: its connections hang."
		     : t->worst > UNHEEDED_PACKETS ? "Their sender is told by ICMP and goes on all the same: "
						     "it does not hear it, or does not heed it."
						   : "Their sender is told by ICMP and sends smaller ones "
						     "then: this is how the size of a path is found.");
	evidence_counter(f, x, C_IP_FRAG_FAILS);
	evidence_counter(f, x, C_IP6_FRAG_FAILS);
	evidence_counter(f, x, C_ICMP_OUT_DEST_UNREACHS);
	evidence_counter(f, x, C_ICMP6_OUT_PKT_TOO_BIGS);
	evidence_traced(f, x, "PKT_TOO_BIG", f->traced);
	if (least)
		evidence_text(f, x, "the smallest MTU of a device here: %s, %u", least->name, least->mtu);
	finding_exclude(f, "no way on: then IpExt.InNoRoutes rises");
}

enum outcome examine_frag_needed(struct exam *x)
{
	struct change counted = delta_sum(x->o, C_IP_FRAG_FAILS, C_IP6_FRAG_FAILS);
	uint64_t traced = ledger_unclaimed(x->ledger, &big_drops);
	int64_t four = 0, six = 0;
	struct too_big t;
	struct finding *f;

	sysctl_get(&x->o->b, K_IP_FORWARD, &four);
	sysctl_get(&x->o->b, K_IP6_FORWARDING, &six);
	counted.delta -= MIN(counted.delta, ledger_traced(x->ledger, &own_drops));
	if (!traced && (tracing(x) || !counted.delta || !(four || six))) {
		evidence_counter(NULL, x, C_IP_FRAG_FAILS);
		evidence_counter(NULL, x, C_IP6_FRAG_FAILS);
		evidence_traced(NULL, x, "PKT_TOO_BIG", 0);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &big_drops, traced);
	finding_lost(f, counted.known ? &counted.delta : NULL, tracing(x) ? &traced : NULL,
		     counted.delta +
			     delta_value(delta_sum(x->o, C_IP_FORW_DATAGRAMS, C_IP6_OUT_FORW_DATAGRAMS)));
	subject_devices(x, f, &big_drops);
	finding_flows(x, f, &big_drops);
	t = look_at_flows(x, f);
	if (t.silenced || t.worst > UNHEEDED_PACKETS)
		f->severity = MIN(severity_of_share(x, f->lost, f->of), SEVERITY_WARNING);
	router_words(x, f, &t);
	router_remedies(x, f, &t);
	return FOUND;
}

/* ---- this host is the sender ---- */

static bool same_peer(const struct socket *one, const struct socket *other)
{
	return one->family == other->family &&
	       memcmp(one->remote, other->remote, sizeof(one->remote)) == 0;
}

/* Its segments fill packets of the largest size: headers and options take 100 bytes at most. */
static bool is_full_size(const struct socket *sk)
{
	unsigned int least = sk->family == AF_INET ? 576 : 1280; /* must pass everywhere */

	return sk->pmtu > least && sk->snd_mss + 100 >= sk->pmtu;
}

/* What it sent again is of full size; a tail loss probe may have been a short segment. */
static bool sends_full_size(const struct socket *sk, const struct socket *before)
{
	uint64_t again = sk->retrans_total, bytes = sk->bytes_again;

	if (before) {
		again -= MIN(again, before->retrans_total);
		bytes -= MIN(bytes, before->bytes_again);
	}
	return again && bytes >= (again - 1) * sk->snd_mss;
}

static uint64_t lost_by(const struct socket *sk, const struct socket *before)
{
	uint64_t again = sk->retrans_total;

	again -= before ? MIN(again, before->retrans_total) : 0;
	return again + sk->unacked - MIN(sk->sacked, sk->unacked);
}

/* Nothing but segments of full size is sent again, and none of them arrives. */
static bool is_stuck(const struct exam *x, const struct socket *sk)
{
	return sk->protocol == IPPROTO_TCP && sk->tcp_known && sk->unacked &&
	       sk->backoff >= TIMEOUTS_LEAST && is_full_size(sk) &&
	       sends_full_size(sk, snapshot_socket(&x->o->a, sk->cookie));
}

/* While it waited the peer acknowledged or sent something: what is small arrives, both ways. */
static bool peer_answers(const struct socket *sk)
{
	/* Each timeout doubles the timer, so all before it were as long as it is, but for the first. */
	return sk->sacked || (uint64_t)sk->last_ack_ms * 1000 < (uint64_t)sk->rto_us / 8 * 7;
}

/*
 * The handshake passed and nothing since. A listener whose accept queue is full looks the same at
 * first, but it sends its SYN-ACK again and that is counted (TCPSYNChallenge).
 */
static bool only_handshake(const struct exam *x, const struct socket *sk)
{
	return sk->bytes_acked <= 1 && !value(x, C_TCPSYN_CHALLENGE);
}

/* Something small is lost on the way to the same peer: it is gone, whatever the size. */
static bool peer_is_gone(const struct exam *x, const struct socket *sk)
{
	vec_each(other, &x->o->b.sockets) {
		if (other->protocol != IPPROTO_TCP || !other->tcp_known ||
		    other->cookie == sk->cookie || !same_peer(other, sk))
			continue;
		if (other->state == STATE_SYN_SENT && other->retrans_total)
			return true;
		if (other->backoff >= TIMEOUTS_LEAST && other->unacked &&
		    (!is_full_size(other) || !sends_full_size(other, NULL)))
			return true;
	}
	return false;
}

static bool dropped_here(const struct exam *x, const struct socket *sk)
{
	if (!tracing(x))
		return false;
	ledger_each_flow(flow, x->ledger)
		if (flow->protocol == IPPROTO_TCP && flow_of_connection(flow, sk))
			return true;
	return false;
}

static bool is_swallowed(const struct exam *x, const struct socket *sk)
{
	return (peer_answers(sk) || only_handshake(x, sk)) && !peer_is_gone(x, sk) &&
	       !dropped_here(x, sk);
}

/* ICMP that this host's own firewall drops may be what would have told the size. */
static const struct drop_flow *icmp_refused(const struct exam *x)
{
	if (tracing(x))
		ledger_each_flow(flow, x->ledger)
			if (is_icmp(flow) && strcmp(flow->reason, "NETFILTER_DROP") == 0)
				return flow;
	return NULL;
}

static void blackhole_remedies(struct exam *x, struct finding *f, const struct socket *sk)
{
	const struct drop_flow *refused = icmp_refused(x);
	char enter[96], peer[64], router[64];
	int64_t probing = 0;
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	address_text(sk->family, sk->remote, peer, sizeof(peer));
	if (refused) {
		address_text(refused->family, refused->source, router, sizeof(router));
		r = finding_remedy(f, "accept-icmp", REMEDY_NETFILTER,
				   "accept ICMP type 3 code 4 and ICMPv6 type 2 in this host's firewall");
		remedy_why(r, "it drops ICMP from %s, which may be the router that says what fits",
			   router);
		remedy_command(r, "%snft list ruleset", enter);
	}
	if (sysctl_get(&x->o->b, K_TCP_MTU_PROBING, &probing) && probing == 0) {
		r = finding_remedy(f, "probe-mtu", REMEDY_SYSCTL,
				   "let TCP find the size by itself once it times out");
		remedy_why(r, "it needs no ICMP: after some three seconds without an answer it tries "
			      "segments of 1,024 bytes");
		remedy_cost(r, "each new destination stalls once; smaller segments for a while");
		remedy_sysctl_here(x, r, "net.ipv4.tcp_mtu_probing", 0, 1);
	}
	r = finding_remedy(f, "find-mtu", REMEDY_ROUTE,
			   "find the size that passes, and the router that does not say so");
	remedy_why(r, "packets of %u bytes do not pass; -s is 28 bytes less than the packet, 48 by IPv6",
		   sk->pmtu);
	remedy_command(r, "%sping -c 3 -M do -s %u %s", enter,
		       sk->pmtu - (sk->family == AF_INET ? 28 : 48), peer);
	remedy_command(r, "%sping -c 3 -M do -s 1200 %s", enter, peer);
	r = finding_remedy(f, "clamp-mss-on-router", REMEDY_CAPACITY,
			   "on the router or tunnel between: let ICMP pass, or clamp the MSS");
	remedy_why(r, "mends it for all hosts behind it");
	remedy_command(r, "nft add rule inet filter forward tcp flags syn tcp option maxseg size set rt mtu");
}

static void blackhole_words(struct exam *x, struct finding *f, const struct socket *sk, size_t n)
{
	char peer[64];

	address_text(sk->family, sk->remote, peer, sizeof(peer));
	finding_headline(f, "packets of %u bytes to %s vanish, smaller ones arrive", sk->pmtu, peer);
	finding_text(f, "%zu connection%s hang%s: %s, and each segment of %u bytes is sent again and "
			"again without an answer. A link on the way carries less, and the ICMP message "
			"that would say so does not arrive.",
		     n, n == 1 ? "" : "s", n == 1 ? "s" : "",
		     peer_answers(sk) ? "what is small is answered" : "the handshake was answered",
		     sk->snd_mss);
	evidence_text(f, x, "to %s: mss %u, pmtu %u, %u segments unacknowledged, %u timeouts in a row",
		      peer, sk->snd_mss, sk->pmtu, sk->unacked, sk->backoff);
	evidence_counter(f, x, C_TCP_TIMEOUTS);
	evidence_counter(f, x, sk->family == AF_INET ? C_ICMP_IN_DEST_UNREACHS
						     : C_ICMP6_IN_PKT_TOO_BIGS);
	finding_exclude(f, "a peer that is gone: %s", peer_answers(sk)
				? "it acknowledges what is small"
				: "it took the handshake, and no SYN to it is unanswered");
	finding_exclude(f, "local: no drop of these connections on this host's path%s",
			tracing(x) ? "" : " in its counters (drop events could not be seen)");
}

enum outcome examine_pmtu_blackhole(struct exam *x)
{
	const struct socket *worst = NULL;
	uint64_t lost = 0, most = 0, one;
	struct finding *f = NULL;
	size_t n = 0, looked = 0;

	vec_each(sk, &x->o->b.sockets) {
		struct subject *s;

		if (looked >= STUCK_MAX || !is_stuck(x, sk))
			continue;
		looked++;
		if (!is_swallowed(x, sk))
			continue;
		one = lost_by(sk, snapshot_socket(&x->o->a, sk->cookie));
		f = f ? f : finding_new(x);
		lost += one;
		if (++n <= SUBJECTS_SHOWN) {
			s = finding_subject(f);
			subject_socket(x, s, sk);
			s->has_lost = true;
			s->lost = one;
		}
		if (one > most) {
			most = one;
			worst = sk;
		}
	}
	if (!f) {
		evidence_counter(NULL, x, C_TCP_TIMEOUTS);
		evidence_text(NULL, x, "no connection sends segments of full size in vain");
		return NOT_FOUND;
	}
	finding_lost(f, &lost, NULL, value(x, C_TCP_OUT_SEGS) + value(x, C_TCP_RETRANS_SEGS));
	f->unit = "segments";
	f->confidence = LIKELY;
	f->severity = SEVERITY_CRITICAL;
	blackhole_words(x, f, worst, n);
	blackhole_remedies(x, f, worst);
	return FOUND;
}
