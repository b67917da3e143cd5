// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage tcp: the two queues of a listener. */
#include <netinet/in.h>
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define TCP_STATE_LISTEN 10 /* include/net/tcp_states.h */
#define WARN_PER_SECOND 1.0 /* netdata's tcp_listen.conf, as is the next */
#define CRIT_PER_SECOND 5.0

static const char *const overflow_reasons[] = {"TCP_LISTEN_OVERFLOW", NULL};
static const struct drop_filter overflow_drops = {.reasons = overflow_reasons};

static enum severity severity_of_rate(double rate)
{
	if (rate >= CRIT_PER_SECOND)
		return SEVERITY_CRITICAL;
	return rate >= WARN_PER_SECOND ? SEVERITY_WARNING : SEVERITY_INFO;
}

/*
 * A listener counts its own drops in skmem d (tcp_listendrop), whatever queue was full. Its accept
 * queue was the reason if a look found more connections waiting than the backlog allows
 * (sk_acceptq_is_full: more, not as many).
 */
static void add_listeners(struct exam *x, struct finding *f, bool accept_queue)
{
	for (int only_fitting = 1; only_fitting >= 0 && !f->subjects.n; only_fitting--) {
		vec_each(sk, &x->o->b.sockets) {
			struct socket_watch w;
			struct subject *s;
			uint64_t lost;

			if (sk->protocol != IPPROTO_TCP || sk->state != TCP_STATE_LISTEN)
				continue;
			lost = delta_value(delta_socket_drops(x->o, sk));
			watch_socket(x->o, sk, &w);
			if (!lost || (only_fitting && (w.at_limit > 0) != accept_queue))
				continue;
			s = finding_subject(f);
			subject_socket(x, s, sk);
			s->has_lost = true;
			s->lost = lost;
		}
	}
}

static void listener_headline(struct finding *f, const char *what)
{
	char who[64], where[80];

	if (!f->subjects.n) {
		finding_headline(f, "%s of a listener that is gone or unknown", what);
		return;
	}
	finding_headline(f, "%s of %s on %s", what,
			 owner_text(&f->subjects.items[0], who, sizeof(who)),
			 socket_text(&f->subjects.items[0].socket, where, sizeof(where)));
}

static void backlog_remedies(struct exam *x, struct finding *f, bool accept_queue)
{
	const struct socket *sk = f->subjects.n ? &f->subjects.items[0].socket : NULL;
	int64_t somaxconn = 0, backlog = sk ? sk->wqueue : 0, to;
	struct remedy *r;
	char where[80];

	if (!sk || !sysctl_get(&x->o->b, K_SOMAXCONN, &somaxconn))
		return;
	socket_text(sk, where, sizeof(where));
	to = MIN(MAX((int64_t)next_power_of_two((uint64_t)backlog * 2), 4096), 65535);
	/* What is half open waits for its client: accepting faster does nothing for that queue. */
	if (accept_queue) {
		r = finding_remedy(
			f, "accept-faster", REMEDY_APPLICATION,
			"let the program accept faster: more acceptors, nothing slow in the loop");
		remedy_why(r, "a longer queue only rides out bursts");
	}
	if (backlog >= somaxconn) {
		r = finding_remedy(
			f, "raise-somaxconn", REMEDY_SYSCTL,
			"raise net.core.somaxconn %lld -> %lld, then restart the program",
			(long long)somaxconn, (long long)to);
		remedy_why(r, "the backlog of %s is %lld, as large as somaxconn lets it be", where,
			   (long long)backlog);
		remedy_cost(r, "about 2.4 KiB of kernel memory for each waiting connection");
		remedy_sysctl_here(x, r, "net.core.somaxconn", somaxconn, to);
		return;
	}
	r = finding_remedy(f, "raise-backlog", REMEDY_APPLICATION,
			   "listen(backlog) of at least %lld in the program's own configuration",
			   (long long)to);
	remedy_why(r,
		   "the program asked for %lld, somaxconn would allow %lld: raising somaxconn "
		   "alone changes nothing",
		   (long long)backlog, (long long)somaxconn);
	remedy_cost(r, "about 2.4 KiB of kernel memory for each waiting connection");
}

enum outcome examine_listen_overflow(struct exam *x)
{
	struct change overflows = delta_counter(x->o, C_LISTEN_OVERFLOWS);
	uint64_t lost = delta_value(overflows);
	struct finding *f;

	if (!lost) {
		evidence_counter(NULL, x, C_LISTEN_OVERFLOWS);
		return NOT_FOUND;
	}
	f = finding_new(x);
	/* Only a final ACK that finds the queue full leaves an event; a SYN leaves by consume_skb.
	 */
	ledger_claim(x->ledger, &overflow_drops, UINT64_MAX);
	finding_lost(f, &lost, NULL, lost + delta_value(delta_counter(x->o, C_TCP_PASSIVE_OPENS)));
	f->unit = "segments";
	add_listeners(x, f, true);
	describe_listen_overflow(x, f);
	return FOUND;
}

void describe_listen_overflow(struct exam *x, struct finding *f)
{
	uint64_t traced = ledger_traced(x->ledger, &overflow_drops);

	f->severity = severity_of_rate(per_second(x->o, f->lost));
	listener_headline(f, "full accept queue");
	if (f->subjects.n) {
		struct socket_watch w;

		watch_socket(x->o, &f->subjects.items[0].socket, &w);
		evidence_text(f, x, "connections waiting: %u at most, backlog %u",
			      MAX(w.peak_rqueue, f->subjects.items[0].socket.rqueue),
			      f->subjects.items[0].socket.wqueue);
	}
	finding_text(f, "More connections are complete than the program accepts. New ones get no "
			"answer and the clients try again after 1, 3, 7 seconds.");
	evidence_counter(f, x, C_LISTEN_OVERFLOWS);
	evidence_counter(f, x, C_LISTEN_DROPS);
	if (traced)
		evidence_traced(f, x, "TCP_LISTEN_OVERFLOW (final ACKs only)", traced);
	finding_exclude(
		f, "a full SYN queue (TCPReqQFullDrop +%llu)",
		(unsigned long long)delta_value(delta_counter(x->o, C_TCP_REQ_Q_FULL_DROP)));
	backlog_remedies(x, f, true);
}

enum outcome examine_synq_full(struct exam *x)
{
	struct change drops = delta_counter(x->o, C_TCP_REQ_Q_FULL_DROP);
	uint64_t lost = delta_value(drops);
	int64_t cookies = -1;
	struct finding *f;
	struct remedy *r;

	if (!lost) {
		evidence_counter(NULL, x, C_TCP_REQ_Q_FULL_DROP);
		return NOT_FOUND;
	}
	sysctl_get(&x->o->b, K_TCP_SYNCOOKIES, &cookies);
	f = finding_new(x);
	finding_lost(f, &lost, NULL, lost + delta_value(delta_counter(x->o, C_TCP_PASSIVE_OPENS)));
	f->unit = "segments";
	f->severity = severity_of_rate(per_second(x->o, lost));
	add_listeners(x, f, false);
	listener_headline(f, "full SYN queue");
	finding_text(f,
		     "As many connections are half open as the listener's backlog allows, and SYN "
		     "cookies are off: further SYNs get no answer.");
	evidence_counter(f, x, C_TCP_REQ_Q_FULL_DROP);
	evidence_counter(f, x, C_LISTEN_DROPS);
	if (cookies >= 0)
		evidence_value(f, x, "/proc/sys/net", "net.ipv4.tcp_syncookies", (uint64_t)cookies);
	finding_exclude(f, "a full accept queue (ListenOverflows +%llu)",
			(unsigned long long)delta_value(delta_counter(x->o, C_LISTEN_OVERFLOWS)));
	if (cookies == 0) {
		r = finding_remedy(f, "enable-syncookies", REMEDY_SYSCTL, "turn SYN cookies on");
		remedy_why(r, "with a full queue the kernel then answers without keeping state");
		remedy_cost(r, "connections made by cookie lose window scaling and SACK unless "
			       "timestamps are on");
		remedy_risk(r,
			    "none while the queue is not full: cookies are the kernel's default");
		remedy_sysctl_here(x, r, "net.ipv4.tcp_syncookies", 0, 1);
	}
	backlog_remedies(x, f, false);
	return FOUND;
}
