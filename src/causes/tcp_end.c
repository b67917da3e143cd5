// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tcp: connections that end badly or not at all. Given up because nothing was acknowledged
 * (tcp_write_timeout); never closed by their program (CLOSE_WAIT); closed here and not by the peer
 * (FIN_WAIT2).
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define STALLED_TRIES 4 /* 3 s and more without an acknowledgement at the least RTO, 200 ms */
#define MANY 100	/* causes.md 143 */
#define SHOWN 5
#define PROGRAMS 64 /* that are told apart */
#define FDS_WARNING 0.9

static uint64_t value(const struct exam *x, enum counter_id id)
{
	return delta_value(delta_counter(x->o, id));
}

static bool is_connection(const struct socket *sk, enum tcp_state state)
{
	return sk->kind == SOCKET_INET && sk->protocol == IPPROTO_TCP && sk->state == state;
}

/* ---- given up ---- */

static bool is_stalled(const struct socket *sk, unsigned int tries)
{
	return sk->kind == SOCKET_INET && sk->protocol == IPPROTO_TCP &&
	       sk->state != STATE_SYN_SENT && sk->state != STATE_SYN_RECV &&
	       sk->timer == TIMER_RETRANSMIT && sk->timer_tries >= tries;
}

static uint64_t given_up(const struct exam *x, bool *ret_traced)
{
	uint64_t n = value(x, C_TCP_ABORT_ON_TIMEOUT), failed = value(x, C_TCP_ATTEMPT_FAILS);
	uint64_t keepalive = tcp_keepalive_ended(x);

	*ret_traced = x->d->tcp && !x->d->tcp->err && x->d->tcp->states;
	if (*ret_traced) {
		n = 0;
		vec_each(l, &x->d->tcp->lines)
			if (l->netns == x->o->inode && l->kind == TCP_ENDED &&
			    l->error == ETIMEDOUT && l->state != STATE_SYN_SENT)
				n += l->packets;
	} else {
		/* The counter has those whose SYN was never answered, too; they failed to begin. */
		n -= MIN(failed, n);
	}
	return n - MIN(keepalive, n);
}

static bool same_way(const struct tcp_line *a, const struct tcp_line *b)
{
	return a->netns == b->netns && a->family == b->family && a->local_port == b->local_port &&
	       a->remote_port == b->remote_port && !memcmp(a->peer, b->peer, sizeof(a->peer));
}

uint64_t tcp_given_up_segments(const struct exam *x)
{
	uint64_t sum = 0;

	if (!finding_here(x, "estab-timeout") || !x->d->tcp)
		return 0;
	vec_each(l, &x->d->tcp->lines) {
		bool given_up_there = false;

		if (l->netns != x->o->inode || l->kind != TCP_RETRANSMITTED)
			continue;
		vec_each(ended, &x->d->tcp->lines)
			given_up_there |= ended->kind == TCP_ENDED && ended->error == ETIMEDOUT &&
					  ended->state != STATE_SYN_SENT && same_way(l, ended);
		sum += given_up_there ? l->segments : 0;
	}
	return sum;
}

/* Those of the beginning that sent again then, and are gone; with `shown` they become subjects. */
static void add_gone(struct exam *x, struct finding *f)
{
	vec_each(sk, &x->o->a.sockets)
		if (f->subjects.n < SHOWN && is_stalled(sk, 1) &&
		    !snapshot_socket(&x->o->b, sk->cookie))
			subject_socket(x, finding_subject(f), sk);
}

static uint64_t add_stalled(struct exam *x, struct finding *f, uint32_t *ret_longest_ms)
{
	uint64_t n = 0;

	*ret_longest_ms = 0;
	vec_each(sk, &x->o->b.sockets) {
		if (!is_stalled(sk, STALLED_TRIES))
			continue;
		n++;
		*ret_longest_ms = MAX(*ret_longest_ms, sk->last_ack_ms);
		if (f && f->subjects.n < SHOWN)
			subject_socket(x, finding_subject(f), sk);
	}
	return n;
}

static void timeout_times(struct exam *x, struct finding *f)
{
	int64_t one = 0, two = 0, orphan = 0;
	struct remedy *r;

	r = finding_remedy(f, "find-broken-path", REMEDY_CAPACITY,
			   "find where the path broke: the peer, or what lies between");
	remedy_why(r, "nothing on this host's own path lost what it sent");
	if (!sysctl_get(&x->o->b, K_TCP_RETRIES2, &two) || two <= 0)
		return;
	evidence_text(f, x, "a connection is given up after %.1f s at the least without an "
			    "acknowledgement (tcp_retries2 %lld), or by the program's TCP_USER_TIMEOUT",
		      (double)tcp_retries_ms(two) / 1000, (long long)two);
	if (sysctl_get(&x->o->b, K_TCP_RETRIES1, &one) && one > 0)
		evidence_text(f, x, "after %.1f s the route and the path MTU are questioned "
				    "(tcp_retries1 %lld)",
			      (double)tcp_retries_ms(one) / 1000, (long long)one);
	if (sysctl_get(&x->o->b, K_TCP_ORPHAN_RETRIES, &orphan) && orphan >= 0)
		evidence_text(f, x, "one that its program has closed after %.1f s (tcp_orphan_retries %lld)",
			      (double)tcp_retries_ms(orphan ? orphan : 8) / 1000, (long long)orphan);
	r = finding_remedy(f, "user-timeout", REMEDY_APPLICATION,
			   "let programs say how long data may stay unacknowledged: TCP_USER_TIMEOUT, "
			   "in milliseconds");
	remedy_why(r, "the program hears of it then, and may connect anew, instead of after %.0f s",
		   (double)tcp_retries_ms(two) / 1000);
	remedy_risk(r, "less than a few seconds gives up what a short break of the path would spare");
}

enum outcome examine_estab_timeout(struct exam *x)
{
	bool traced = false;
	uint64_t lost = given_up(x, &traced), stalled, of;
	uint32_t longest = 0;
	struct finding *f;

	stalled = add_stalled(x, NULL, &longest);
	if (x->o->since_boot || (!lost && !stalled) ||
	    tcp_lost_here(x, value(x, C_TCP_RETRANS_SEGS))) {
		evidence_counter(NULL, x, C_TCP_ABORT_ON_TIMEOUT);
		evidence_value(NULL, x, "sock_diag", "connections with four retransmissions in a row",
			       stalled);
		return NOT_FOUND;
	}
	of = value(x, C_TCP_ACTIVE_OPENS) + value(x, C_TCP_PASSIVE_OPENS) +
	     x->o->a.counter[C_TCP_CURR_ESTAB];
	f = finding_new(x);
	f->unit = "connections";
	f->confidence = traced ? CERTAIN : LIKELY;
	if (lost) {
		finding_lost(f, &lost, NULL, of);
		f->severity = severity_of_share(x, lost, of);
		finding_headline(f, "%llu connections given up: their peers acknowledged nothing more",
				 (unsigned long long)lost);
		add_gone(x, f);
	} else {
		f->state = AT_RISK;
		f->severity = SEVERITY_INFO;
		finding_headline(f, "%llu connections wait for acknowledgements, the longest for %u s",
				 (unsigned long long)stalled, longest / 1000);
	}
	add_stalled(x, f, &longest);
	finding_text(f, "What a program sent is sent again and again, each time after twice the wait, and "
			"nothing comes back. In the end the connection is given up and the program gets "
			"ETIMEDOUT: the peer, or the way to it, is gone.");
	evidence_counter(f, x, C_TCP_ABORT_ON_TIMEOUT);
	evidence_counter(f, x, C_TCP_TIMEOUTS);
	evidence_value(f, x, "sock_diag", "connections with four retransmissions in a row", stalled);
	finding_exclude(f, "connects that were never answered: their own cause is syn-timeout");
	finding_exclude(f, "keepalive that gave up (%llu connections)",
			(unsigned long long)tcp_keepalive_ended(x));
	timeout_times(x, f);
	return FOUND;
}

/* ---- CLOSE_WAIT ---- */

struct holder {
	int pid;
	const struct socket *sk; /* one of its connections */
	unsigned int n;
};

/* Who holds those of a state that were kept, most first. */
static size_t holders(const struct exam *x, enum tcp_state state, struct holder *to, unsigned int *ret_of)
{
	size_t n = 0;

	*ret_of = 0;
	vec_each(sk, &x->o->b.sockets) {
		const struct process *p;
		size_t i = 0;

		if (!is_connection(sk, state))
			continue;
		(*ret_of)++;
		p = snapshot_owner(&x->o->b, sk->inode);
		if (!p)
			continue;
		while (i < n && to[i].pid != p->pid)
			i++;
		if (i == n && n == PROGRAMS)
			continue;
		if (i == n)
			to[n++] = (struct holder){.pid = p->pid, .sk = sk};
		to[i].n++;
		for (; i > 0 && to[i].n > to[i - 1].n; i--) {
			struct holder swap = to[i];

			to[i] = to[i - 1];
			to[i - 1] = swap;
		}
	}
	return n;
}

/* Who it is, of as many as are kept, and how near its limit of descriptors. */
static const struct process *tell_holders(struct exam *x, struct finding *f, enum tcp_state state)
{
	struct holder by[PROGRAMS];
	unsigned int of = 0;
	size_t n = holders(x, state, by, &of);
	const struct process *first = NULL;

	for (size_t i = 0; i < MIN(n, (size_t)SHOWN); i++) {
		const struct process *p = snapshot_process(&x->o->b, by[i].pid);

		subject_socket(x, finding_subject(f), by[i].sk);
		if (!p)
			continue;
		first = first ? first : p;
		evidence_text(f, x, "%s (%d) holds %u of %u looked at", p->comm, p->pid, by[i].n, of);
		if (p->fds_max)
			evidence_text(f, x, "%s (%d) has %llu of %llu descriptors open", p->comm, p->pid,
				      (unsigned long long)p->fds, (unsigned long long)p->fds_max);
	}
	if (n)
		return first;
	vec_each(sk, &x->o->b.sockets)
		if (is_connection(sk, state) && f->subjects.n < 1)
			subject_socket(x, finding_subject(f), sk);
	evidence_text(f, x, "who holds them is not known (a process of another container, or not allowed)");
	return NULL;
}

static void close_wait_remedies(struct exam *x, struct finding *f, const struct process *p,
				uint64_t grown)
{
	struct remedy *r;

	r = finding_remedy(f, "close-at-end", REMEDY_APPLICATION,
			   "%s%smust close its connections when read() returns 0, also when handling them "
			   "failed",
			   p ? p->comm : "the program", " ");
	remedy_why(r, "the kernel keeps them as long as the program does: no setting ends them");
	remedy_command(r, "ss -tanp state close-wait");
	if (!p || !p->fds_max || p->fds >= p->fds_max)
		return;
	if (grown && x->o->seconds > 0)
		evidence_text(f, x, "at this rate its descriptors are used up in %.0f minutes",
			      (double)(p->fds_max - p->fds) / (double)grown * x->o->seconds / 60);
	r = finding_remedy(f, "restart-holder", REMEDY_APPLICATION, "until then restart %s (%d) in time",
			   p->comm, p->pid);
	remedy_why(r, "that closes what it has forgotten");
	remedy_risk(r, "it ends its healthy connections as well");
}

/*
 * Those of a healthy program pass within a moment. What was last heard of such a connection is the
 * peer's end, so that its age is known: only those older than the interval are counted.
 */
enum outcome examine_close_wait(struct exam *x)
{
	uint64_t before = x->o->a.tcp.n[STATE_CLOSE_WAIT], now = x->o->b.tcp.n[STATE_CLOSE_WAIT];
	uint64_t old = tcp_ages_from(&x->o->b.tcp.close_wait, (uint64_t)MAX(x->o->seconds, 1.0));
	const struct process *p;
	struct finding *f;

	if (!tcp_all_read(x))
		return tcp_partly_read(x);
	if (x->o->since_boot || old <= MANY) {
		evidence_value(NULL, x, "sock_diag", "connections in CLOSE_WAIT", now);
		evidence_value(NULL, x, "sock_diag", "of them since the sample began", old);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->severity = now > before ? SEVERITY_WARNING : SEVERITY_INFO;
	finding_text(f, "The peers have closed, and the program has not: it was told so by the end of the "
			"data, which it did not read or did not heed. Each holds a descriptor; when these are "
			"used up it can neither accept nor connect.");
	p = tell_holders(x, f, STATE_CLOSE_WAIT);
	finding_headline(f, "%llu connections that %s does not close, %s", (unsigned long long)now,
			 p ? p->comm : "a program",
			 now > before ? "and there are more and more" : "as many as before");
	evidence_change(f, x, "sock_diag", "connections in CLOSE_WAIT", change_of(before, now, 64));
	evidence_value(f, x, "sock_diag", "of them since the sample began", old);
	finding_exclude(f, "a busy program that closes a moment later: these are old");
	close_wait_remedies(x, f, p, now - MIN(now, before));
	return FOUND;
}

/* ---- FIN_WAIT2 ---- */

enum outcome examine_fin_wait2(struct exam *x)
{
	const struct tcp_tally *t = &connections_read(x->o)->tcp;
	uint64_t all = t->n[STATE_FIN_WAIT2], orphans = t->orphans[STATE_FIN_WAIT2];
	int64_t seconds = 0;
	struct finding *f;
	struct remedy *r;

	if (!tcp_all_read(x))
		return tcp_partly_read(x);
	if (x->o->since_boot || all <= MANY || !sysctl_get(&x->o->b, K_TCP_FIN_TIMEOUT, &seconds)) {
		evidence_value(NULL, x, "sock_diag", "connections in FIN_WAIT2", all);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	finding_headline(f, "%llu connections closed here, whose peers do not close",
			 (unsigned long long)all);
	finding_text(f, "This end said that it is done, and the peer acknowledged that, but does not say the "
			"same. Of those that no program here holds any more the kernel waits "
			"tcp_fin_timeout for the peer's end, and answers what comes later with a reset; "
			"those that a program has closed one way only (shutdown) stay until it closes them.");
	evidence_value(f, x, "sock_diag", "connections in FIN_WAIT2", all);
	evidence_value(f, x, "sock_diag", "of them without a program (orphans)", orphans);
	evidence_text(f, x, "orphans are forgotten after %lld s (tcp_fin_timeout)", (long long)seconds);
	if (all > orphans)
		tell_holders(x, f, STATE_FIN_WAIT2);
	for (size_t i = 0; !f->subjects.n && i < x->o->b.sockets.n; i++)
		if (is_connection(&x->o->b.sockets.items[i], STATE_FIN_WAIT2))
			subject_socket(x, finding_subject(f), &x->o->b.sockets.items[i]);
	finding_exclude(f, "TIME_WAIT: there both ends have closed");
	r = finding_remedy(f, "peers-must-close", REMEDY_APPLICATION,
			   "have the peers close: there these connections stand in CLOSE_WAIT");
	remedy_why(r, "the cause is the program at the other end; here %s",
		   orphans * 2 > all ? "they go away by themselves"
				     : "the program that shut them down one way still holds them");
	remedy_command(r, "ss -tano state fin-wait-2");
	return FOUND;
}
