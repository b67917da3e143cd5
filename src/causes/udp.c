// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage udp. IPv4 and IPv6 count apart (Udp, Udp6) and are judged together. */
#include <netinet/in.h>
#include <stdio.h>

#include "causes/stages.h"

#define SUBJECTS_SHOWN 16
#define NOPORT_WARN_PER_SECOND 100.0 /* causes.md 148: below it is noise of every network */

static const char *const rcvbuf_reasons[] = {"SOCKET_RCVBUFF", NULL};
static const char *const noport_reasons[] = {"NO_SOCKET", NULL};
static const struct drop_filter rcvbuf_drops = {.reasons = rcvbuf_reasons, .protocol = IPPROTO_UDP};
static const struct drop_filter noport_drops = {.reasons = noport_reasons, .protocol = IPPROTO_UDP};

static uint64_t received(const struct exam *x)
{
	return delta_value(delta_sum(x->o, C_UDP_IN_DATAGRAMS, C_UDP6_IN_DATAGRAMS));
}

static void add_socket(struct exam *x, struct finding *f, const struct socket *sk, uint64_t lost)
{
	struct drop_filter own = rcvbuf_drops;
	struct subject *s = finding_subject(f);

	own.cookie = sk->cookie;
	subject_socket(x, s, sk);
	s->has_lost = true;
	s->lost = lost;
	s->traced = ledger_traced(x->ledger, &own);
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
			struct drop_filter own = rcvbuf_drops;
			uint64_t lost = delta_value(delta_socket_drops(x->o, sk));
			bool known = false;

			own.cookie = sk->cookie;
			if (tracing(x) && x->d->drops->receiving_socket && !x->d->drops->missed)
				lost = ledger_traced(x->ledger, &own);
			vec_each(other, &f->subjects)
				known |= other->socket.cookie == sk->cookie;
			if (sk->protocol == IPPROTO_UDP && lost && !known)
				add_socket(x, f, sk, lost);
		}
	}
	if (f->subjects.n)
		qsort(f->subjects.items, f->subjects.n, sizeof(*f->subjects.items), by_lost);
	f->subjects.n = MIN(f->subjects.n, SUBJECTS_SHOWN);
}

static void rcvbuf_remedies(struct exam *x, struct finding *f)
{
	const struct socket *sk = f->subjects.n ? &f->subjects.items[0].socket : NULL;
	int64_t rmem_default = 0, rmem_max = 0, to;
	struct remedy *r;

	r = finding_remedy(f, "read-faster", REMEDY_APPLICATION,
			   "read in batches (recvmmsg) or by more threads (SO_REUSEPORT)");
	remedy_why(r, "a larger buffer only rides out bursts");
	if (!sk || !sysctl_get(&x->o->b, K_RMEM_DEFAULT, &rmem_default) ||
	    !sysctl_get(&x->o->b, K_RMEM_MAX, &rmem_max))
		return;
	to = MIN(MAX((int64_t)sk->rcvbuf * 2, rmem_default * 2), (int64_t)32 << 20);
	if (sk->rcvbuf == rmem_default) {
		r = finding_remedy(f, "raise-rmem-default", REMEDY_SYSCTL,
				   "a larger default: rmem_default %lld -> %lld, then restart the program",
				   (long long)rmem_default, (long long)to);
		remedy_why(r, "the socket has the default buffer of %lld bytes",
			   (long long)rmem_default);
		remedy_cost(r, "every new socket of the host may use that much; bounded by udp_mem");
		remedy_sysctl(r, "net.core.rmem_default", rmem_default, to);
		return;
	}
	/* The kernel stores twice what SO_RCVBUF asks for, at most twice rmem_max. */
	r = finding_remedy(f, "raise-so-rcvbuf", REMEDY_SOCKET,
			   "SO_RCVBUF of %lld or more in the program (now %u stored, %u asked for)",
			   (long long)to / 2, sk->rcvbuf, sk->rcvbuf / 2);
	if ((int64_t)sk->rcvbuf < 2 * rmem_max) {
		remedy_why(r, "the program set its own buffer; rmem_max (%lld) would allow more",
			   (long long)rmem_max);
		return;
	}
	remedy_why(r, "the buffer is clamped by rmem_max (%lld): raise both", (long long)rmem_max);
	remedy_sysctl(r, "net.core.rmem_max", rmem_max, to);
	r->applicable = false; /* by itself it changes nothing for sockets that exist */
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
	evidence_text(f, x, "%u of %u bytes used at most; at least half full at %u of %u looks while losing",
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
	f->severity = severity_of_share(f->lost, f->of);
	add_sockets(x, f);
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
	finding_flows(x, f, &rcvbuf_drops);
	rcvbuf_remedies(x, f);
	return FOUND;
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
	return MAX(queues, tracing(x) ? ledger_traced(x->ledger, &udp) : 0) + devices;
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
	int64_t wmem_default = 0, wmem_max = 0, to;
	struct remedy *r;

	r = finding_remedy(f, "pace-or-block", REMEDY_APPLICATION,
			   "let the program wait when the buffer is full (blocking send, or poll)");
	remedy_why(r, "it sends without waiting and gets EAGAIN; what drains the buffer is slower");
	if (!sk || !sysctl_get(&x->o->b, K_WMEM_DEFAULT, &wmem_default) ||
	    !sysctl_get(&x->o->b, K_WMEM_MAX, &wmem_max))
		return;
	to = MIN(MAX((int64_t)sk->sndbuf * 2, wmem_default), (int64_t)32 << 20);
	if (sk->sndbuf == wmem_default) {
		r = finding_remedy(f, "raise-wmem-default", REMEDY_SYSCTL,
				   "a larger default: wmem_default %lld -> %lld, then restart the program",
				   (long long)wmem_default, (long long)wmem_default * 2);
		remedy_cost(r, "more data waits in queues: delay");
		remedy_sysctl(r, "net.core.wmem_default", wmem_default, wmem_default * 2);
		return;
	}
	r = finding_remedy(f, "raise-so-sndbuf", REMEDY_SOCKET,
			   "SO_SNDBUF of %lld or more in the program (now %u stored)",
			   (long long)to / 2, sk->sndbuf);
	remedy_why(r, (int64_t)sk->sndbuf < 2 * wmem_max
			      ? "the program set its own buffer"
			      : "the buffer is clamped by wmem_max: raise both");
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
			evidence_text(NULL, x, "all of them dropped further down, by a queue or device");
		return NOT_FOUND;
	}
	f = finding_new(x);
	finding_lost(f, &lost, NULL,
		     lost + delta_value(delta_sum(x->o, C_UDP_OUT_DATAGRAMS, C_UDP6_OUT_DATAGRAMS)));
	f->severity = severity_of_share(f->lost, f->of);
	add_full_senders(x, f);
	/* Without a look that met a full buffer, something below that we do not know may have dropped. */
	f->confidence = f->subjects.n ? CERTAIN : LIKELY;
	s = f->subjects.n ? &f->subjects.items[0] : NULL;
	if (s)
		finding_headline(f, "%s fills the send buffer of %s",
				 owner_text(s, who, sizeof(who)),
				 socket_text(&s->socket, where, sizeof(where)));
	else
		finding_headline(f, "a program sends faster than its buffer drains");
	finding_text(f, "The program was refused these datagrams (EAGAIN): its send buffer was full.");
	if (s)
		evidence_text(f, x, "%u of %u bytes of the send buffer used", s->socket.wmem,
			      s->socket.sndbuf);
	evidence_counter(f, x, C_UDP_SNDBUF_ERRORS);
	evidence_counter(f, x, C_UDP6_SNDBUF_ERRORS);
	finding_exclude(f, "drops by a queue or device below (%llu)", (unsigned long long)below);
	sndbuf_remedies(x, f);
	return FOUND;
}

enum outcome examine_udp_noport(struct exam *x)
{
	struct change counted = delta_sum(x->o, C_UDP_NO_PORTS, C_UDP6_NO_PORTS);
	uint64_t traced = ledger_traced(x->ledger, &noport_drops);
	struct finding *f;
	struct remedy *r;

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
	if (f->flows.n)
		finding_headline(f, "nobody listens on UDP port %u",
				 f->flows.items[0].destination_port);
	else
		finding_headline(f, "datagrams for ports nobody listens on");
	finding_text(f, "The service is down or restarting, a sender has an old address, or somebody "
			"scans.");
	evidence_counter(f, x, C_UDP_NO_PORTS);
	evidence_counter(f, x, C_UDP6_NO_PORTS);
	evidence_traced(f, x, "NO_SOCKET of UDP", traced);
	finding_exclude(f, "a full receive buffer (that has RcvbufErrors)");
	r = finding_remedy(f, "start-service", REMEDY_APPLICATION,
			   "start the service on that port, or take the sender's target away");
	if (f->flows.n)
		remedy_command(r, "ss -ulnp 'sport = :%u'", f->flows.items[0].destination_port);
	return FOUND;
}
