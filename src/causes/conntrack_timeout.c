// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage conntrack: a connection that was idle for longer than its entry lives. What comes for it then
 * belongs to no entry, and where connections are not taken up in their middle (tcp_loose 0) it is
 * invalid. Told where the proof is on this host: the connection's own socket, established, to which
 * nothing came for longer than that. A router has no such socket; there it stays conntrack-invalid.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define OF_FLOWS 0.9	    /* of the packets whose flows are known */
#define KEEPALIVE 7200	    /* tcp_keepalive_time as the kernel sets it */

/* The established socket of a dropped flow that was idle for so long; NULL: there is none. */
static const struct socket *forgotten(const struct observation *o, const struct drop_flow *flow,
				      int64_t seconds)
{
	if (flow->protocol != IPPROTO_TCP)
		return NULL;
	vec_each(sk, &o->b.sockets)
		if (sk->kind == SOCKET_INET && sk->protocol == IPPROTO_TCP && sk->tcp_known &&
		    sk->state == STATE_ESTABLISHED && sk->last_ack_ms / 1000 >= seconds &&
		    flow_of_connection(flow, sk))
			return sk;
	return NULL;
}

/* Packets of such connections among the flows; *ret_of: of how many. */
static uint64_t forgotten_packets(const struct observation *o, const struct finding *f,
				  int64_t seconds, uint64_t *ret_of)
{
	uint64_t sum = 0, of = 0;

	vec_each(flow, &f->flows) {
		of += flow->packets;
		sum += forgotten(o, flow, seconds) ? flow->packets : 0;
	}
	*ret_of = of;
	return sum;
}

bool explains_conntrack_timeout(struct exam *x, const struct finding *f, const struct subject *s)
{
	int64_t loose = 1, seconds = 0;
	uint64_t sum, of;

	(void)s;
	if (strcmp(f->cause->id, "conntrack-invalid") != 0 || x->o->since_boot ||
	    !sysctl_get(&x->o->b, K_CONNTRACK_TCP_LOOSE, &loose) || loose ||
	    !sysctl_get(&x->o->b, K_CONNTRACK_TCP_ESTABLISHED, &seconds) || seconds <= 0)
		return false;
	sum = forgotten_packets(x->o, f, seconds, &of);
	return of && (double)sum >= OF_FLOWS * (double)of;
}

static void add_remedies(struct exam *x, struct finding *f, int64_t seconds, int64_t idle)
{
	int64_t to = MAX(2 * KEEPALIVE, 2 * idle);
	struct remedy *r;

	r = finding_remedy(f, "keepalive-below-timeout", REMEDY_APPLICATION,
			   "keep the connections alive: SO_KEEPALIVE in the program, with a first "
			   "probe after at most %lld s (TCP_KEEPIDLE)",
			   (long long)MAX(seconds / 2, (int64_t)1));
	remedy_why(r, "a probe and its answer begin the time anew, here and in every other box on "
		      "the way that tracks connections");
	remedy_cost(r, "two small packets for each idle connection every so often");
	r = finding_remedy(f, "raise-established-timeout", REMEDY_SYSCTL,
			   "track idle connections for longer: %lld s -> %lld s", (long long)seconds,
			   (long long)to);
	remedy_why(r, "twice what keepalive waits for by default, or what was seen, whichever is more");
	remedy_cost(r, "connections whose ends are gone stay in the table for as long");
	remedy_risk(r, "the table fills up where many are left behind: watch conntrack-near-full");
	remedy_sysctl_here(x, r, "net.netfilter.nf_conntrack_tcp_timeout_established", seconds, to);
	r = finding_remedy(f, "tcp-loose", REMEDY_SYSCTL,
			   "take connections up in their middle: nf_conntrack_tcp_loose 0 -> 1");
	remedy_why(r, "what comes for a forgotten connection is a new one then, and no more invalid");
	remedy_risk(r, "a rule that lets new connections in by their port lets such segments in too");
	remedy_sysctl_here(x, r, "net.netfilter.nf_conntrack_tcp_loose", 0, 1);
}

void describe_conntrack_timeout(struct exam *x, struct finding *f)
{
	int64_t seconds = 0, idle = 0;
	uint64_t sum, of;

	sysctl_get(&x->o->b, K_CONNTRACK_TCP_ESTABLISHED, &seconds);
	sum = forgotten_packets(x->o, f, seconds, &of);
	vec_each(flow, &f->flows) {
		const struct socket *sk = forgotten(x->o, flow, seconds);

		idle = MAX(idle, sk ? (int64_t)(sk->last_ack_ms / 1000) : 0);
	}
	f->confidence = LIKELY;
	finding_headline(f, "connections idle for longer than %lld s were forgotten: their segments are "
			    "dropped as invalid",
			 (long long)seconds);
	finding_text(f, "Connection tracking throws an established TCP connection out once nothing came "
			"for nf_conntrack_tcp_timeout_established. With nf_conntrack_tcp_loose 0 it does not "
			"take it up again, calls what comes next invalid, and a rule drops that. Both ends "
			"still think they are connected, and send again until they give up.");
	evidence_value(f, x, "/proc/sys/net", "net.netfilter.nf_conntrack_tcp_timeout_established",
		       (uint64_t)seconds);
	evidence_value(f, x, "/proc/sys/net", "net.netfilter.nf_conntrack_tcp_loose", 0);
	evidence_text(f, x, "%llu of %llu packets of the flows known were for connections of this host "
			    "that are established, and to which nothing came for more than %lld s (%lld s "
			    "at most)",
		      (unsigned long long)sum, (unsigned long long)of, (long long)seconds,
		      (long long)idle);
	finding_exclude(f, "segments of connections that nobody here has: their sockets are established");
	finding_exclude(f, "a full table (nf_conntrack.drop +%llu)",
			(unsigned long long)delta_value(delta_counter(x->o, C_CT_DROP)));
	add_remedies(x, f, seconds, idle);
}
