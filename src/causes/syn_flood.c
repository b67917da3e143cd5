// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tcp: half-open connections that nobody means to complete. With SYN cookies nothing is lost by
 * them; without, they are why a listener's SYN queue is full.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

/* The catalogue's: so many cookies in a second, of which hardly any come back. */
#define COOKIES_PER_SECOND 1000
#define RETURN_PART 10
#define RETRIES_IN_A_FLOOD 2

static uint64_t cookies_sent(const struct exam *x)
{
	return delta_value(delta_counter(x->o, C_SYNCOOKIES_SENT));
}

static uint64_t cookies_back(const struct exam *x)
{
	return delta_value(delta_counter(x->o, C_SYNCOOKIES_RECV));
}

/* Of one port (0: of any) those half open now. */
static void tell_half_open(const struct exam *x, struct finding *f, uint16_t port)
{
	VEC(struct crowd_entry) there = {0};

	vec_each(e, &x->o->b.half_open_from)
		if (!port || e->port == port)
			*vec_push(&there) = *e;
	crowd_tell(f, "half-open connections", port ? snapshot_half_open(&x->o->b, port) : 0,
		   there.items, there.n);
	vec_done(&there);
}

static void flood_evidence(struct exam *x, struct finding *f)
{
	uint64_t again = x->o->b.synacks_again;

	evidence_counter(f, x, C_SYNCOOKIES_SENT);
	evidence_counter(f, x, C_SYNCOOKIES_RECV);
	evidence_counter(f, x, C_TCP_REQ_Q_FULL_DROP);
	evidence_value(f, x, "sock_diag", "half-open connections (SYN_RECV)",
		       x->o->b.half_open_from.n);
	if (again)
		evidence_value(f, x, "sock_diag", "SYN-ACKs sent again to them", again);
}

static void flood_remedies(struct exam *x, struct finding *f)
{
	int64_t cookies = 1, retries = 0;
	struct remedy *r;

	if (sysctl_get(&x->o->b, K_TCP_SYNCOOKIES, &cookies) && cookies == 0)
		remedy_cookies(x, f);
	r = finding_remedy(f, "filter-flood", REMEDY_NETFILTER,
			   "have the SYNs proven before the listener sees them: SYNPROXY here, or a "
			   "filter or load balancer upstream");
	remedy_why(r, "forged sources cannot be listed; where the line itself fills only upstream helps");
	remedy_risk(r, "SYNPROXY must know the MSS and the options of the server behind it");
	if (!sysctl_get(&x->o->b, K_TCP_SYNACK_RETRIES, &retries) || retries <= RETRIES_IN_A_FLOOD)
		return;
	r = finding_remedy(f, "fewer-synack-retries", REMEDY_SYSCTL,
			   "forget a half-open connection sooner: tcp_synack_retries %lld -> %d",
			   (long long)retries, RETRIES_IN_A_FLOOD);
	remedy_why(r, "each holds its place for 7 seconds then, and not for a minute");
	remedy_risk(r, "clients on a bad line have less time to complete a connection");
	remedy_sysctl_here(x, r, "net.ipv4.tcp_synack_retries", retries, RETRIES_IN_A_FLOOD);
}

/* Cookies hold so far: nobody is refused. */
enum outcome examine_syn_flood(struct exam *x)
{
	uint64_t sent = cookies_sent(x), back = cookies_back(x);
	struct finding *f;

	if (x->o->since_boot || per_second(x->o, sent) < COOKIES_PER_SECOND ||
	    back * RETURN_PART >= sent) {
		evidence_counter(NULL, x, C_SYNCOOKIES_SENT);
		evidence_counter(NULL, x, C_SYNCOOKIES_RECV);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->severity = SEVERITY_CRITICAL;
	tell_half_open(x, f, 0);
	f->confidence = f->crowd && f->crowd->guess == CROWD_ATTACK ? CERTAIN : LIKELY;
	finding_headline(f, "%.0f SYNs a second of which %.1f %% are followed up: a flood, held by cookies",
			 per_second(x->o, sent), 100 * (double)back / (double)sent);
	finding_text(f, "SYNs come in thousands, and whoever sends them does not answer. The SYN queue "
			"is full; the kernel answers with cookies and keeps nothing, so clients are "
			"still served, without window scaling and SACK unless they use timestamps.");
	flood_evidence(x, f);
	finding_exclude(f, "clients in a burst: their cookies would come back");
	flood_remedies(x, f);
	return FOUND;
}

/* Why a listener has no room for SYNs: those that have it are of a flood. */
bool explains_syn_flood(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct finding probe = {0};
	bool flood;

	if ((strcmp(f->cause->id, "synq-full-drop") != 0 &&
	     strcmp(f->cause->id, "synbacklog-quarter") != 0) ||
	    !s->has_socket || cookies_back(x) * RETURN_PART > cookies_sent(x))
		return false;
	tell_half_open(x, &probe, s->socket.local_port);
	flood = probe.crowd && probe.crowd->guess == CROWD_ATTACK;
	crowd_forget(&probe);
	return flood;
}

void describe_syn_flood(struct exam *x, struct finding *f)
{
	const struct socket *sk = &first_of(f)->socket;
	char where[80];

	tell_half_open(x, f, sk->local_port);
	f->confidence = LIKELY;
	finding_headline(f, "a flood of SYNs fills the SYN queue of %s",
			 socket_text(sk, where, sizeof(where)));
	finding_text(f, "The places of %s are taken by connections that are never completed, each of "
			"another source. SYN cookies are off: further SYNs get no answer, those of "
			"clients neither.", where);
	flood_evidence(x, f);
	finding_exclude(f, "clients that are slow to answer: their SYN-ACKs would not all be sent again");
	flood_remedies(x, f);
}
