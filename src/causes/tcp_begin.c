// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tcp: handshakes that somebody beyond this host leaves unanswered. A SYN from here
 * (tcp_retransmit_timer, TCPSynRetrans), or a SYN-ACK from here (inet_rtx_syn_ack, the same
 * counter): by the sockets that wait it is told which.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include "causes/stages.h"

#define ENOUGH 10	  /* fewer are a note */
#define OF_ALL 0.80	  /* of what was sent again: then it is the handshakes, and not loss at random */
#define UNANSWERED_TRIES 2 /* one may be lost at random */
#define COMPARED_MAX 1024
#define PLACES_SHOWN 5

static uint64_t value(const struct exam *x, enum counter_id id)
{
	return delta_value(delta_counter(x->o, id));
}

/* ---- SYNs ---- */

/* An address and port that does not answer. */
struct silence {
	const struct socket *sk; /* one of those that wait, longest first */
	uint64_t again;		 /* SYNs sent again to it in the interval */
	unsigned int waiting;
};
struct silences {
	VEC(struct silence) list;
	uint64_t again, waiting;
};

static void silences_done(struct silences *all)
{
	vec_done(&all->list);
}

static struct silence *silence_of(struct silences *all, const struct socket *sk)
{
	struct silence *new;

	vec_each(s, &all->list)
		if (s->sk->family == sk->family && s->sk->remote_port == sk->remote_port &&
		    !memcmp(s->sk->remote, sk->remote, sizeof(sk->remote)))
			return s;
	new = vec_push(&all->list);
	new->sk = sk;
	return new;
}

static uint64_t again_of(const struct exam *x, const struct socket *sk)
{
	const struct socket *before = snapshot_socket(&x->o->a, sk->cookie);

	return sk->retrans_total - MIN(before ? before->retrans_total : 0, sk->retrans_total);
}

static int most_again(const void *one, const void *other)
{
	const struct silence *a = one, *b = other;

	if (a->again != b->again)
		return a->again > b->again ? -1 : 1;
	return a->sk->cookie < b->sk->cookie ? -1 : a->sk->cookie > b->sk->cookie;
}

static void find_silences(const struct exam *x, struct silences *to)
{
	size_t n = 0;

	vec_each(sk, &x->o->b.sockets) {
		struct silence *s;

		if (sk->kind != SOCKET_INET || sk->protocol != IPPROTO_TCP ||
		    sk->state != STATE_SYN_SENT || sk->timer_tries < UNANSWERED_TRIES ||
		    n++ >= COMPARED_MAX)
			continue;
		s = silence_of(to, sk);
		if (sk->timer_tries > s->sk->timer_tries)
			s->sk = sk;
		s->waiting++;
		s->again += again_of(x, sk);
		to->again += again_of(x, sk);
		to->waiting++;
	}
	if (to->list.n)
		qsort(to->list.items, to->list.n, sizeof(*to->list.items), most_again);
}

/* Programs that gave up meanwhile, or whose time was over; by the trace of connections. */
static uint64_t gave_up(const struct exam *x)
{
	uint64_t n = 0;

	if (!x->d->tcp || x->d->tcp->err)
		return 0;
	vec_each(l, &x->d->tcp->lines)
		if (l->netns == x->o->inode && l->kind == TCP_CONNECT_FAILED &&
		    (l->error == 0 || l->error == ETIMEDOUT))
			n += l->packets;
	return n;
}

static void syn_remedies(struct exam *x, struct finding *f, const struct silences *all)
{
	int64_t retries = 0;
	char peer[64] = "PEER";
	struct remedy *r;

	if (all->list.n)
		address_text(all->list.items[0].sk->family, all->list.items[0].sk->remote, peer,
			     sizeof(peer));
	r = finding_remedy(f, "find-who-is-silent", REMEDY_CAPACITY,
			   "find who does not answer: is the peer up, does it listen there, what "
			   "filters on the way");
	remedy_why(r, "a port that nobody listens on would be refused at once: silence is a filter, a "
		      "dead address, a full accept queue or a broken way back");
	remedy_command(r, "tcpdump -ni any 'host %s and tcp[tcpflags] & tcp-syn != 0'", peer);
	if (!sysctl_get(&x->o->b, K_TCP_SYN_RETRIES, &retries) || retries <= 0)
		return;
	evidence_text(f, x, "connect() gives up after %llu s by itself (tcp_syn_retries %lld)",
		      (unsigned long long)tcp_connect_gives_up_ms(&x->o->b, retries) / 1000,
		      (long long)retries);
	r = finding_remedy(f, "connect-timeout", REMEDY_APPLICATION,
			   "give programs a timeout of their own for connect(), of 3 s at least");
	remedy_why(r, "the first SYN is sent again after 1 s, and so is the answer to it: less does not "
		      "survive a single loss; without one a program waits %llu s",
		   (unsigned long long)tcp_connect_gives_up_ms(&x->o->b, retries) / 1000);
}

static void syn_words(struct exam *x, struct finding *f, const struct silences *all, uint64_t lost)
{
	char where[80] = "";

	if (all->list.n) {
		const struct socket *sk = all->list.items[0].sk;
		char address[64];

		address_text(sk->family, sk->remote, address, sizeof(address));
		snprintf(where, sizeof(where), sk->family == AF_INET6 ? " to [%s]:%u" : " to %s:%u",
			 address, sk->remote_port);
	}
	finding_headline(f, "connections%s%s get no answer, %llu SYNs sent again", where,
			 all->list.n > 1 ? " and elsewhere" : "", (unsigned long long)lost);
	finding_text(f, "Nothing on this host's own path lost them: the SYNs leave, and no SYN-ACK comes. "
			"An address nobody has, a filter that drops silently, a peer whose accept queue is "
			"full, or a way back that does not lead here.");
	for (size_t i = 0; i < MIN(all->list.n, (size_t)PLACES_SHOWN); i++) {
		struct subject *s = finding_subject(f);

		subject_socket(x, s, all->list.items[i].sk);
		s->has_lost = true;
		s->lost = all->list.items[i].again;
	}
	evidence_counter(f, x, C_TCP_SYN_RETRANS);
	evidence_counter(f, x, C_TCP_ACTIVE_OPENS);
	evidence_counter(f, x, C_TCP_ATTEMPT_FAILS);
	evidence_value(f, x, "sock_diag", "connections in SYN_SENT, SYN sent again twice or more",
		       all->waiting);
	if (gave_up(x))
		evidence_value(f, x, "sock:inet_sock_set_state", "connects given up",
			       gave_up(x));
	finding_exclude(f, "local: no drop of TCP on this host's path%s",
			tracing(x) ? "" : " in its counters (drop events could not be seen)");
	finding_exclude(f, "a SYN that waits for a neighbour or in a queue here "
			   "(TCPSpuriousRtxHostQueues +%llu)",
			(unsigned long long)value(x, C_TCP_SPURIOUS_RTX_HOST_QUEUES));
}

/* All of them where handshakes are most of what was sent again, else those of connects that wait. */
static uint64_t syns_lost(const struct exam *x, const struct silences *all)
{
	uint64_t syns = tcp_own_syns_again(x), again = value(x, C_TCP_RETRANS_SEGS);
	uint64_t strangers = value(x, C_TCP_SYN_RETRANS) - syns;
	uint64_t begun = value(x, C_TCP_ACTIVE_OPENS) + syns;

	again -= MIN(again, strangers);
	if ((double)syns >= OF_ALL * (double)again &&
	    (double)syns >= threshold_share(x, THRESHOLD_RETRANSMIT_WARNING) * (double)begun &&
	    syns >= ENOUGH)
		return syns;
	return MIN(all->again, syns);
}

enum outcome examine_syn_timeout(struct exam *x)
{
	cleanup(silences_done) struct silences all = {0};
	struct finding *f;
	uint64_t lost;

	find_silences(x, &all);
	lost = syns_lost(x, &all);
	/* While the SYN has not left there is nobody who could answer it. */
	if (!lost || (lost < ENOUGH && !all.waiting) || x->o->since_boot ||
	    value(x, C_TCP_SPURIOUS_RTX_HOST_QUEUES) * 2 >= lost || tcp_lost_here(x, lost)) {
		evidence_counter(NULL, x, C_TCP_SYN_RETRANS);
		evidence_counter(NULL, x, C_TCP_ACTIVE_OPENS);
		evidence_value(NULL, x, "sock_diag", "connections in SYN_SENT that wait", all.waiting);
		return NOT_FOUND;
	}
	f = finding_new(x);
	finding_lost(f, &lost, NULL, value(x, C_TCP_ACTIVE_OPENS) + tcp_own_syns_again(x));
	f->unit = "segments";
	f->severity = lost >= ENOUGH ? SEVERITY_WARNING : SEVERITY_INFO;
	f->confidence = LIKELY;
	syn_words(x, f, &all, lost);
	syn_remedies(x, f, &all);
	return FOUND;
}

/* ---- SYN-ACKs ---- */

/*
 * The timer alone sends a SYN-ACK again after 1, 3, 7 ... s. A client that did not get it sends its
 * SYN again, and is answered at once: then there are more, and forged sources do not do that.
 */
static unsigned int by_the_timer(double seconds)
{
	unsigned int n = 1;

	while (seconds >= (2u << n) - 1)
		n++;
	return n;
}

/* The port with most of them. */
static uint16_t busiest_port(const struct snapshot *s, uint32_t *ret_n)
{
	const struct half_open *most = NULL;

	vec_each(h, &s->half_open)
		if (!most || h->n > most->n)
			most = h;
	*ret_n = most ? most->n : 0;
	return most ? most->port : 0;
}

static void synack_words(struct exam *x, struct finding *f, uint64_t again)
{
	int64_t retries = 0;
	uint32_t n = 0;
	uint16_t port = busiest_port(&x->o->b, &n);
	VEC(struct crowd_entry) there = {0};
	struct remedy *r;

	finding_headline(f, "handshakes with port %u are not completed, %llu SYN-ACKs sent again", port,
			 (unsigned long long)again);
	finding_text(f, "Clients that send their SYN again did not get the answer, or theirs does not "
			"arrive: the way back leads elsewhere (asymmetric routes, a balancer), a filter "
			"drops one direction, or they are gone. Nothing on this host's own path did.");
	vec_each(sk, &x->o->b.sockets)
		if (is_listener(sk) && sk->local_port == port)
			subject_socket(x, finding_subject(f), sk);
	evidence_counter(f, x, C_TCP_SYN_RETRANS);
	evidence_counter(f, x, C_TCP_PASSIVE_OPENS);
	evidence_value(f, x, "sock_diag", "half-open connections (SYN_RECV)", n);
	if (sysctl_get(&x->o->b, K_TCP_SYNACK_RETRIES, &retries) && retries >= 0)
		evidence_text(f, x, "one is forgotten after %llu s (tcp_synack_retries %lld)",
			      (unsigned long long)((2ull << MIN(retries, (int64_t)6)) - 1),
			      (long long)retries);
	vec_each(e, &x->o->b.half_open_from)
		if (e->port == port)
			*vec_push(&there) = *e;
	crowd_tell(f, "half-open connections", n, there.items, there.n);
	vec_done(&there);
	finding_exclude(f, "a flood: no cookies were sent (SyncookiesSent +%llu), and more was sent again "
			   "than the timer does",
			(unsigned long long)value(x, C_SYNCOOKIES_SENT));
	r = finding_remedy(f, "compare-both-ways", REMEDY_CAPACITY,
			   "see which way loses: does the SYN-ACK reach the client, does its ACK come here");
	remedy_command(r, "ip route get CLIENT");
	remedy_command(r, "tcpdump -ni any 'tcp port %u and tcp[tcpflags] & (tcp-syn|tcp-ack) != 0'",
		       port);
}

enum outcome examine_synack_retrans(struct exam *x)
{
	uint64_t before = x->o->a.synacks_again, now = x->o->b.synacks_again;
	uint64_t strangers = value(x, C_TCP_SYN_RETRANS) - tcp_own_syns_again(x);
	uint64_t again = MIN(now - MIN(now, before), strangers), waiting = x->o->b.half_open_from.n;
	struct finding *f;

	if (again < ENOUGH || !waiting || again <= waiting * by_the_timer(x->o->seconds) ||
	    value(x, C_SYNCOOKIES_SENT) || value(x, C_TCP_REQ_Q_FULL_DROP) || x->o->since_boot ||
	    tcp_lost_here(x, again)) {
		evidence_counter(NULL, x, C_TCP_SYN_RETRANS);
		evidence_value(NULL, x, "sock_diag", "half-open connections (SYN_RECV)", waiting);
		return NOT_FOUND;
	}
	f = finding_new(x);
	finding_lost(f, &again, NULL, again + value(x, C_TCP_PASSIVE_OPENS));
	f->unit = "segments";
	/* Where others come through it is some clients' way that is broken. */
	f->severity = again > value(x, C_TCP_PASSIVE_OPENS) ? SEVERITY_WARNING : SEVERITY_INFO;
	f->confidence = LIKELY;
	synack_words(x, f, again);
	return FOUND;
}
