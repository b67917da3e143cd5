// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tcp: connections whose other end may be gone. Probes that nobody answers
 * (tcp_keepalive_timer, icsk_probes_out), connections that nobody probes, and probes that come later
 * than a box on the way forgets.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define UNANSWERED_PROBES 2 /* one may be lost */
#define ENOUGH 10
#define SHOWN 5

static uint64_t value(const struct exam *x, enum counter_id id)
{
	return delta_value(delta_counter(x->o, id));
}

static bool is_probed(const struct socket *sk, unsigned int tries)
{
	return sk->kind == SOCKET_INET && sk->protocol == IPPROTO_TCP &&
	       sk->state == STATE_ESTABLISHED && sk->timer == TIMER_KEEPALIVE &&
	       sk->timer_tries >= tries;
}

/* Those that were being probed in vain at the beginning and are gone, or by the kernel's own word. */
uint64_t tcp_keepalive_ended(const struct exam *x)
{
	uint64_t gone = 0, told = 0;

	vec_each(sk, &x->o->a.sockets)
		gone += is_probed(sk, 1) && !snapshot_socket(&x->o->b, sk->cookie);
	if (x->d->tcp && !x->d->tcp->err)
		vec_each(l, &x->d->tcp->lines)
			if (l->netns == x->o->inode && l->kind == TCP_RESET_SENT &&
			    strcmp(l->reason, "TCP_KEEPALIVE_TIMEOUT") == 0)
				told += l->packets;
	return MIN(MAX(gone, told), value(x, C_TCP_ABORT_ON_TIMEOUT));
}

static bool begun_here(const struct snapshot *s, const struct socket *sk)
{
	vec_each(l, &s->sockets)
		if (is_listener(l) && l->local_port == sk->local_port)
			return false;
	return true;
}

/* ---- peers that do not answer probes, and connections that nobody probes ---- */

struct dead {
	uint64_t probed, ours; /* unanswered; of them begun here */
	uint64_t ended, silent;
};

static void probe_words(struct exam *x, struct finding *f, const struct dead *d)
{
	int64_t every = 0, probes = 0;
	const struct socket *next = NULL;
	struct remedy *r;

	vec_each(sk, &x->o->b.sockets) {
		if (!is_probed(sk, UNANSWERED_PROBES))
			continue;
		next = !next || sk->timer_tries > next->timer_tries ? sk : next;
		if (f->subjects.n < SHOWN)
			subject_socket(x, finding_subject(f), sk);
	}
	finding_headline(f, "%llu connections whose peers answer no keepalive probe",
			 (unsigned long long)(d->probed + d->ended));
	finding_text(f, "The peers are gone, or a box on the way has forgotten the connections and drops what "
			"belongs to none. Keepalive does what it is for: it ends them, and the program "
			"gets ETIMEDOUT.");
	evidence_value(f, x, "sock_diag", "connections with two probes or more unanswered", d->probed);
	evidence_value(f, x, "sock_diag", "of them begun here", d->ours);
	evidence_value(f, x, "sock_diag", "ended by keepalive in the sample", d->ended);
	if (next && sysctl_get(&x->o->b, K_TCP_KEEPALIVE_INTVL, &every) &&
	    sysctl_get(&x->o->b, K_TCP_KEEPALIVE_PROBES, &probes) && probes > next->timer_tries)
		evidence_text(f, x, "the first is given up in %.0f s, if its program left probes (%lld) and "
				    "their interval (%lld s) as the host has them",
			      (double)next->timer_ms / 1000 +
				      (double)((probes - next->timer_tries - 1) * every),
			      (long long)probes, (long long)every);
	r = finding_remedy(f, "find-dead-peers", REMEDY_CAPACITY,
			   "see whether the peers are up, and what on the way forgets idle connections");
	remedy_command(r, "ss -tino state established | grep -B1 keepalive");
}

static void silent_words(struct exam *x, struct finding *f, const struct dead *d)
{
	const struct snapshot *s = connections_read(x->o);
	const struct tcp_group *most = NULL;
	int64_t time = 7200;
	char peer[64];
	struct remedy *r;

	vec_each(g, &s->tcp_groups)
		if (!most || g->silent_s > most->silent_s)
			most = g;
	finding_headline(f, "%llu idle connections without keepalive: nobody would notice a dead peer",
			 (unsigned long long)d->silent);
	finding_text(f, "They have heard nothing for long, and may be as healthy as they are quiet. But where "
			"a peer vanished without a word (power, cable, a forgotten NAT entry) they stay "
			"established for ever: without keepalive nothing is ever sent that could fail.");
	evidence_value(f, x, "sock_diag", "silent for long, no keepalive timer", d->silent);
	evidence_value(f, x, "sock_diag", "established", s->tcp.n[STATE_ESTABLISHED]);
	if (most && most->begun_here) {
		address_text(most->family, most->address, peer, sizeof(peer));
		evidence_text(f, x, "longest: %u s, to %s port %u, which has %u without keepalive",
			      most->silent_s, peer, most->port, most->unwatched);
	} else if (most) {
		evidence_text(f, x, "longest: %u s, of port %u, which has %u without keepalive",
			      most->silent_s, most->port, most->unwatched);
	}
	finding_subject(f);
	sysctl_get(&x->o->b, K_TCP_KEEPALIVE_TIME, &time);
	r = finding_remedy(f, "switch-keepalive-on", REMEDY_APPLICATION,
			   "switch keepalive on in the program (SO_KEEPALIVE), or let it ping by itself");
	remedy_why(r, "net.ipv4.tcp_keepalive_* are only the times of programs that ask for it: %lld s here",
		   (long long)time);
	remedy_cost(r, "two small packets for each idle connection every so often");
}

enum outcome examine_keepalive_dead(struct exam *x)
{
	uint64_t threshold = threshold_count(x, THRESHOLD_SILENT_SECONDS);
	struct dead d = {.ended = tcp_keepalive_ended(x)};
	struct finding *f;

	if (!tcp_all_read(x))
		return tcp_partly_read(x);
	vec_each(sk, &x->o->b.sockets) {
		bool probed = is_probed(sk, UNANSWERED_PROBES);

		d.probed += probed;
		d.ours += probed && begun_here(&x->o->b, sk);
	}
	if (threshold)
		d.silent = tcp_ages_from(&connections_read(x->o)->tcp.unwatched, threshold);
	if (x->o->since_boot || (!d.probed && !d.ended && !d.silent)) {
		evidence_counter(NULL, x, C_TCP_KEEP_ALIVE);
		evidence_value(NULL, x, "sock_diag", "silent for long, no keepalive timer", d.silent);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	/* Clients come and go; where servers do not answer what was begun here, it is a break. */
	f->severity = d.ours >= ENOUGH ? SEVERITY_WARNING : SEVERITY_INFO;
	f->confidence = d.probed || d.ended ? CERTAIN : POSSIBLE;
	if (d.probed || d.ended)
		probe_words(x, f, &d);
	else
		silent_words(x, f, &d);
	evidence_counter(f, x, C_TCP_KEEP_ALIVE);
	evidence_counter(f, x, C_TCP_ABORT_ON_TIMEOUT);
	return FOUND;
}

/* ---- later than a box on the way forgets ---- */

#define RESETS_LEAST 3
#define RESETS_SPREAD 20 /* a part of the time: they came after nearly the same silence */

/* The idle limit that is known, and whence. */
struct idle_limit {
	uint64_t seconds; /* 0: none is */
	enum { STATED, TRACKED, RESETS } from;
};

/* Resets that came after one and the same silence: somebody has forgotten, or lost patience. */
static uint64_t limit_by_resets(const struct exam *x)
{
	uint64_t limit = 0;

	if (!x->d->tcp || x->d->tcp->err)
		return 0;
	vec_each(l, &x->d->tcp->lines) {
		uint64_t least = l->idle_least_ms, apart = l->idle_most_ms - least;

		if (l->netns == x->o->inode && l->kind == TCP_RESET_RECEIVED &&
		    l->idle >= RESETS_LEAST && apart <= least / RESETS_SPREAD &&
		    (!limit || least / 1000 < limit))
			limit = least / 1000;
	}
	return limit;
}

static struct idle_limit idle_limit(const struct exam *x)
{
	uint64_t stated = threshold_count(x, THRESHOLD_IDLE_LIMIT);
	int64_t tracked = 0, loose = 1;

	if (stated)
		return (struct idle_limit){stated, STATED};
	/* Taken up in its middle a connection is not lost. */
	if (sysctl_get(&x->o->b, K_CONNTRACK_TCP_LOOSE, &loose) && !loose &&
	    sysctl_get(&x->o->b, K_CONNTRACK_TCP_ESTABLISHED, &tracked) && tracked > 0 &&
	    x->o->b.counter[C_CT_ENTRIES])
		return (struct idle_limit){(uint64_t)tracked, TRACKED};
	return (struct idle_limit){limit_by_resets(x), RESETS};
}

static void idle_remedies(struct exam *x, struct finding *f, uint64_t limit)
{
	/* causes.md 1.11: the first probe at half of it, all of them within it. */
	int64_t probes = 3, time = (int64_t)MAX(limit / 2, 1), now = 0;
	int64_t every = MAX(((int64_t)limit - time) / (2 * probes), (int64_t)1);
	struct remedy *r;

	r = finding_remedy(f, "keepalive-in-program", REMEDY_APPLICATION,
			   "keep them alive in the program: SO_KEEPALIVE, TCP_KEEPIDLE %lld, TCP_KEEPINTVL "
			   "%lld, TCP_KEEPCNT %lld",
			   (long long)time, (long long)every, (long long)probes);
	remedy_why(r, "the first probe comes at half of the limit, and a dead peer is found after %lld s",
		   (long long)(time + probes * every));
	if (!sysctl_get(&x->o->b, K_TCP_KEEPALIVE_TIME, &now) || now <= time)
		return;
	r = finding_remedy(f, "keepalive-time", REMEDY_SYSCTL,
			   "the same for all programs that ask for keepalive without times: "
			   "tcp_keepalive_time %lld -> %lld",
			   (long long)now, (long long)time);
	remedy_why(r, "programs that do not set SO_KEEPALIVE are not changed by it, nor open connections");
	remedy_cost(r, "two small packets for each idle connection every %lld s", (long long)time);
	remedy_sysctl_here(x, r, "net.ipv4.tcp_keepalive_time", now, time);
	if (sysctl_get(&x->o->b, K_TCP_KEEPALIVE_INTVL, &now) && now > every)
		remedy_sysctl_here(x, r, "net.ipv4.tcp_keepalive_intvl", now, every);
	if (sysctl_get(&x->o->b, K_TCP_KEEPALIVE_PROBES, &now) && now != probes)
		remedy_sysctl_here(x, r, "net.ipv4.tcp_keepalive_probes", now, probes);
}

static void idle_words(struct exam *x, struct finding *f, const struct idle_limit *limit, uint64_t n)
{
	static const char *const who[] = {[STATED] = "the box on their way",
					  [TRACKED] = "connection tracking here",
					  [RESETS] = "somebody on their way"};
	static const char *const whence[] = {
		[STATED] = "stated (idle-limit)",
		[TRACKED] = "nf_conntrack_tcp_timeout_established, with nf_conntrack_tcp_loose 0",
		[RESETS] = "what resets tell that came in the sample after one and the same silence",
	};

	finding_headline(f, "%llu connections may be idle for longer than %s remembers them, %llu s",
			 (unsigned long long)n, who[limit->from], (unsigned long long)limit->seconds);
	finding_text(f, "What was idle for that long is forgotten on the way, mostly without a word. What is "
			"sent then is dropped or answered with a reset, while both ends still think they are "
			"connected. Keepalive prevents it where its first probe comes before.");
	finding_subject(f)->sysctl = xstrdup("net.ipv4.tcp_keepalive_time");
	evidence_text(f, x, "the limit of %llu s is %s", (unsigned long long)limit->seconds,
		      whence[limit->from]);
	finding_exclude(f, "connections over loopback: nothing is on their way");
}

enum outcome examine_keepalive_lb(struct exam *x)
{
	const struct tcp_tally *t = &connections_read(x->o)->tcp;
	struct idle_limit limit = idle_limit(x);
	uint64_t late, unwatched;
	struct finding *f;

	if (!tcp_all_read(x))
		return tcp_partly_read(x);
	if (!limit.seconds) {
		evidence_text(NULL, x, "no idle limit is known: none is stated (idle-limit), no connection "
				       "tracking here forgets for good, no resets came after one silence");
		return NOT_FOUND;
	}
	late = tcp_ages_from(&t->keepalive, limit.seconds);
	unwatched = tcp_ages_from(&t->unwatched, limit.seconds);
	if (x->o->since_boot || !(late + unwatched)) {
		evidence_text(NULL, x, "no connection is probed later than %llu s, or idle for longer",
			      (unsigned long long)limit.seconds);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->severity = late >= ENOUGH && limit.from != RESETS ? SEVERITY_WARNING : SEVERITY_INFO;
	f->confidence = limit.from == RESETS ? POSSIBLE : LIKELY;
	idle_words(x, f, &limit, late + unwatched);
	evidence_value(f, x, "sock_diag", "with keepalive, whose first probe comes later", late);
	evidence_value(f, x, "sock_diag", "without keepalive, silent for longer already", unwatched);
	idle_remedies(x, f, limit.seconds);
	return FOUND;
}
