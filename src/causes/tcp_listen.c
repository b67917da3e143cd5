// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage tcp: the two queues of a listener. */
#include <netinet/in.h>
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define WARN_PER_SECOND 1.0 /* netdata's tcp_listen.conf, as is the next */
#define CRIT_PER_SECOND 5.0

static const char *const overflow_reasons[] = {"TCP_LISTEN_OVERFLOW", NULL};
static const struct drop_filter overflow_drops = {.reasons = overflow_reasons};
/* The same for an ACK that brings a cookie: tcp_get_cookie_sock() makes no socket. */
static const char *const cookie_reasons[] = {"NO_SOCKET", NULL};
static const char *const cookie_symbols[] = {"cookie_v4_check", "cookie_v6_check", NULL};
static const struct drop_filter cookie_drops = {.reasons = cookie_reasons,
						.symbols = cookie_symbols};

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

			if (!is_listener(sk))
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

/* A second listen() on the program's socket; it lasts as long as that socket. */
static void longer_at_once(const struct finding *f, struct remedy *r, int64_t to)
{
	const struct subject *s = &f->subjects.items[0];

	if (!s->has_process || s->process.pid <= 0 || !s->socket.inode || to <= s->socket.wqueue)
		return;
	remedy_change_number(r, "socket", s->socket.wqueue, (uint64_t)to, "pid %d socket %llu backlog",
			     s->process.pid, (unsigned long long)s->socket.inode);
	remedy_persist(r, "the number in the program's own configuration: a socket made anew has its own");
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
		   "the program asked for %lld (or began to listen when somaxconn was that), "
		   "somaxconn now allows %lld: raising it alone changes nothing",
		   (long long)backlog, (long long)somaxconn);
	remedy_cost(r, "about 2.4 KiB of kernel memory for each waiting connection");
	longer_at_once(f, r, MIN(to, somaxconn));
}

/* causes.md 101: from so much of its own backlog on an accept queue is noted. */
#define QUEUE_NOTE 0.8
#define QUEUE_LEAST 8 /* of a shorter one a single connection is too much of it */
#define LAST_SAMPLES 3

static uint32_t waiting_at(const struct snapshot *s, const struct socket *sk)
{
	const struct socket *known = snapshot_socket(s, sk->cookie);

	return known ? known->rqueue : 0; /* looks leave out what is empty */
}

/* How many were waiting at each of the last samples: a burst is gone from one to the next. */
static uint32_t always_waiting(const struct exam *x, const struct socket *sk)
{
	uint32_t least = sk->rqueue;
	size_t n = 1;

	for (size_t i = x->o->looks.n; i-- > 0 && n < LAST_SAMPLES;) {
		if (!source_ok(&x->o->looks.items[i], SRC_SOCKETS))
			continue;
		least = MIN(least, waiting_at(&x->o->looks.items[i], sk));
		n++;
	}
	return n == LAST_SAMPLES ? least : 0;
}

static const struct socket *fullest_queue(const struct exam *x, uint32_t *ret_peak)
{
	const struct socket *fullest = NULL;
	double most = QUEUE_NOTE;

	vec_each(sk, &x->o->b.sockets) {
		struct socket_watch w;
		double fill;

		if (!is_listener(sk) || sk->wqueue < QUEUE_LEAST)
			continue;
		watch_socket(x->o, sk, &w);
		w.peak_rqueue = MAX(w.peak_rqueue, sk->rqueue);
		fill = (double)w.peak_rqueue / sk->wqueue;
		if (fill < most)
			continue;
		most = fill;
		fullest = sk;
		*ret_peak = w.peak_rqueue;
	}
	return fullest;
}

/* Nothing is refused yet. A queue that was full once is a note; one that stays so is near its end. */
static enum outcome near_overflow(struct exam *x)
{
	uint32_t peak = 0, always;
	const struct socket *sk = x->o->since_boot ? NULL : fullest_queue(x, &peak);
	struct finding *f;

	if (!sk)
		return NOT_FOUND;
	always = always_waiting(x, sk);
	f = finding_new(x);
	f->state = AT_RISK;
	f->unit = "segments";
	if (!severity_of_fill(x, always, sk->wqueue, &f->severity))
		f->severity = SEVERITY_INFO;
	subject_socket(x, finding_subject(f), sk);
	listener_headline(f, "nearly full accept queue");
	finding_text(f, "Up to %u complete connections waited for the program, its backlog is %u. %s",
		     peak, sk->wqueue,
		     f->severity > SEVERITY_INFO
			     ? "It does not catch up: when the queue is full new ones get no answer."
			     : "It caught up; a larger burst would find the queue full.");
	evidence_value(f, x, "sock_diag", "connections waiting, at most", peak);
	evidence_value(f, x, "sock_diag", "at each of the last samples, at least", always);
	evidence_value(f, x, "sock_diag", "backlog", sk->wqueue);
	evidence_counter(f, x, C_LISTEN_OVERFLOWS);
	backlog_remedies(x, f, true);
	return FOUND;
}

enum outcome examine_listen_overflow(struct exam *x)
{
	struct change overflows = delta_counter(x->o, C_LISTEN_OVERFLOWS);
	uint64_t lost = delta_value(overflows);
	struct finding *f;

	if (!lost && near_overflow(x) == FOUND)
		return FOUND;
	if (!lost) {
		evidence_counter(NULL, x, C_LISTEN_OVERFLOWS);
		return NOT_FOUND;
	}
	f = finding_new(x);
	/* Only a final ACK that finds the queue full leaves an event; a SYN leaves by consume_skb.
	 */
	ledger_claim(x->ledger, &cookie_drops,
		     lost - MIN(lost, ledger_claim(x->ledger, &overflow_drops, UINT64_MAX)));
	finding_lost(f, &lost, NULL, lost + delta_value(delta_counter(x->o, C_TCP_PASSIVE_OPENS)));
	f->unit = "segments";
	add_listeners(x, f, true);
	describe_listen_overflow(x, f);
	return FOUND;
}

void describe_listen_overflow(struct exam *x, struct finding *f)
{
	uint64_t traced = ledger_traced(x->ledger, &overflow_drops);
	int64_t abort = 0;

	f->severity = severity_of_rate(per_second(x->o, f->lost));
	listener_headline(f, "full accept queue");
	if (f->subjects.n) {
		struct socket_watch w;

		watch_socket(x->o, &f->subjects.items[0].socket, &w);
		evidence_text(f, x, "connections waiting: %u at most, backlog %u",
			      MAX(w.peak_rqueue, f->subjects.items[0].socket.rqueue),
			      f->subjects.items[0].socket.wqueue);
	}
	sysctl_get(&x->o->b, K_TCP_ABORT_ON_OVERFLOW, &abort);
	finding_text(f,
		     "More connections are complete than the program accepts. New ones get no "
		     "answer and the clients try again after 1, 3, 7 seconds.%s",
		     abort > 0 ? " With tcp_abort_on_overflow a client that believed in its "
				 "connection gets a reset; a dropped SYN still gets no answer."
			       : "");
	evidence_counter(f, x, C_LISTEN_OVERFLOWS);
	evidence_counter(f, x, C_LISTEN_DROPS);
	if (abort > 0) {
		evidence_value(f, x, "/proc/sys/net", "net.ipv4.tcp_abort_on_overflow",
			       (uint64_t)abort);
		evidence_counter(f, x, C_EMBRYONIC_RSTS);
	}
	if (traced)
		evidence_traced(f, x, "TCP_LISTEN_OVERFLOW (final ACKs only)", traced);
	finding_exclude(
		f, "a full SYN queue (TCPReqQFullDrop +%llu)",
		(unsigned long long)delta_value(delta_counter(x->o, C_TCP_REQ_Q_FULL_DROP)));
	backlog_remedies(x, f, true);
}

void remedy_cookies(struct exam *x, struct finding *f)
{
	struct remedy *r =
		finding_remedy(f, "enable-syncookies", REMEDY_SYSCTL, "turn SYN cookies on");

	remedy_why(r, "with a full queue the kernel then answers without keeping state");
	remedy_cost(r, "connections made by cookie lose window scaling and SACK unless timestamps "
		       "are on");
	remedy_risk(r, "none while the queue is not full: cookies are the kernel's default");
	remedy_sysctl_here(x, r, "net.ipv4.tcp_syncookies", 0, 1);
}

/*
 * Half-open connections of one listener; several that share a port are not told apart, so theirs
 * are taken as spread evenly.
 */
static uint32_t half_open_of(const struct snapshot *s, const struct socket *listener)
{
	uint32_t sharing = 0;

	vec_each(sk, &s->sockets)
		sharing += is_listener(sk) && sk->local_port == listener->local_port;
	return snapshot_half_open(s, listener->local_port) / MAX(sharing, 1U);
}

/* The listener with most of them now; NULL if none has any. */
static const struct socket *fullest_listener(const struct snapshot *s, uint32_t *ret)
{
	const struct socket *fullest = NULL;

	*ret = 0;
	vec_each(sk, &s->sockets) {
		uint32_t n;

		if (!is_listener(sk) || snapshot_half_open(s, sk->local_port) <= *ret)
			continue;
		n = half_open_of(s, sk);
		if (n <= *ret)
			continue;
		*ret = n;
		fullest = sk;
	}
	return fullest;
}

static void evidence_half_open(struct finding *f, struct exam *x)
{
	const struct socket *sk;
	char where[80];
	uint32_t n;

	if (!source_ok(&x->o->b, SRC_SOCKETS))
		return;
	sk = fullest_listener(&x->o->b, &n);
	if (sk)
		evidence_text(f, x, "half-open connections of %s now: %u, backlog %u",
			      socket_text(sk, where, sizeof(where)), n, sk->wqueue);
	else
		evidence_value(f, x, "sock_diag", "half-open connections (SYN_RECV)", 0);
}

enum outcome examine_synq_full(struct exam *x)
{
	struct change drops = delta_counter(x->o, C_TCP_REQ_Q_FULL_DROP);
	uint64_t lost = delta_value(drops);
	int64_t cookies = -1;
	struct finding *f;

	if (!lost) {
		evidence_counter(NULL, x, C_TCP_REQ_Q_FULL_DROP);
		evidence_half_open(NULL, x);
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
	if (cookies == 0)
		remedy_cookies(x, f);
	backlog_remedies(x, f, false);
	return FOUND;
}

/*
 * ListenDrops counts whatever was dropped on a listener. What is left over without SYN cookies is
 * the rule of tcp_conn_request() that keeps the last quarter of tcp_max_syn_backlog for peers that
 * are proven to be alive, if so many connections are half open; else some other refusal (memory, no
 * route back, a security module).
 */
static bool is_quarter(const struct exam *x, uint64_t lost, int64_t most, enum confidence *ret)
{
	uint32_t before, now;

	fullest_listener(&x->o->a, &before);
	fullest_listener(&x->o->b, &now);
	now = MAX(now, before);
	*ret = now > most - most / 4 ? CERTAIN : LIKELY;
	return lost && (int64_t)now * 2 > most;
}

static void quarter_remedies(struct exam *x, struct finding *f, int64_t most)
{
	const struct socket *sk = f->subjects.n ? &f->subjects.items[0].socket : NULL;
	int64_t to = sk ? (int64_t)next_power_of_two((uint64_t)sk->wqueue * 4 / 3 + 1) : 0;
	struct remedy *r;

	remedy_cookies(x, f);
	if (to <= most)
		return;
	r = finding_remedy(f, "raise-syn-backlog", REMEDY_SYSCTL,
			   "raise net.ipv4.tcp_max_syn_backlog %lld -> %lld, if cookies must stay off",
			   (long long)most, (long long)to);
	remedy_why(r, "three quarters of it are then no less than the listener's own backlog, %u",
		   sk->wqueue);
	remedy_cost(r, "about 0.3 KiB of kernel memory for each half-open connection");
	remedy_risk(r, "a flood fills the larger queue as well");
	remedy_sysctl_here(x, r, "net.ipv4.tcp_max_syn_backlog", most, to);
}

enum outcome examine_synbacklog_quarter(struct exam *x)
{
	struct change drops = delta_counter(x->o, C_LISTEN_DROPS);
	struct change known = delta_sum(x->o, C_LISTEN_OVERFLOWS, C_TCP_REQ_Q_FULL_DROP);
	uint64_t others = known.delta + delta_value(delta_counter(x->o, C_PAWS_PASSIVE));
	uint64_t lost =
		drops.known && known.known && drops.delta > others ? drops.delta - others : 0;
	int64_t cookies = -1, most = 0;
	enum confidence confidence;
	struct finding *f;

	if (!sysctl_get(&x->o->b, K_TCP_SYNCOOKIES, &cookies) || cookies != 0 ||
	    !sysctl_get(&x->o->b, K_TCP_MAX_SYN_BACKLOG, &most) ||
	    !is_quarter(x, lost, most, &confidence)) {
		evidence_counter(NULL, x, C_LISTEN_DROPS);
		if (cookies >= 0)
			evidence_value(NULL, x, "/proc/sys/net", "net.ipv4.tcp_syncookies",
				       (uint64_t)cookies);
		evidence_half_open(NULL, x);
		return NOT_FOUND;
	}
	f = finding_new(x);
	finding_lost(f, &lost, NULL, lost + delta_value(delta_counter(x->o, C_TCP_PASSIVE_OPENS)));
	f->unit = "segments";
	f->confidence = confidence;
	f->severity = severity_of_rate(per_second(x->o, lost));
	add_listeners(x, f, false);
	listener_headline(f, "three quarters of tcp_max_syn_backlog used up by half-open connections");
	finding_text(f,
		     "SYN cookies are off. The last quarter of tcp_max_syn_backlog (%lld) is kept "
		     "for peers that are known to be alive: SYNs of all others get no answer.",
		     (long long)most);
	evidence_counter(f, x, C_LISTEN_DROPS);
	evidence_counter(f, x, C_LISTEN_OVERFLOWS);
	evidence_counter(f, x, C_TCP_REQ_Q_FULL_DROP);
	evidence_half_open(f, x);
	evidence_value(f, x, "/proc/sys/net", "net.ipv4.tcp_max_syn_backlog", (uint64_t)most);
	finding_exclude(f, "a full accept queue (ListenOverflows +%llu), a full SYN queue "
			   "(TCPReqQFullDrop +%llu)",
			(unsigned long long)delta_value(delta_counter(x->o, C_LISTEN_OVERFLOWS)),
			(unsigned long long)delta_value(delta_counter(x->o, C_TCP_REQ_Q_FULL_DROP)));
	quarter_remedies(x, f, most);
	return FOUND;
}

/* Cookies that came back are clients; those that did not, a flood, a scan or forged sources. */
static void cookies_text(struct finding *f, uint64_t sent, uint64_t back, bool always)
{
	const char *who = "Some of those who sent the SYNs are clients, most do not answer.";

	if (back * 2 >= sent)
		who = "Most came back: these are clients, and the queue is too short for them.";
	else if (back * 10 < sent)
		who = "Hardly any came back: whoever sends the SYNs does not answer. A flood or a "
		      "scan, and cookies keep the clients served meanwhile.";
	finding_text(f,
		     "%s, so the kernel answers without keeping state: nothing is lost. %s A "
		     "connection made by cookie lacks window scaling and SACK unless both ends use "
		     "timestamps; if its final ACK is lost, the client believes in a connection "
		     "that nobody here knows.",
		     always ? "tcp_syncookies is 2: every SYN is answered by cookie"
			    : "As many connections are half open as the listener's backlog allows",
		     who);
}

/* The one whose queue is full, else the only one there is: cookies are not counted by socket. */
static const struct socket *cookie_listener(const struct snapshot *s)
{
	const struct socket *only = NULL, *sk;
	uint32_t n;

	sk = fullest_listener(s, &n);
	if (sk && n >= sk->wqueue)
		return sk;
	vec_each(other, &s->sockets) {
		if (!is_listener(other))
			continue;
		if (only)
			return NULL;
		only = other;
	}
	return only;
}

static void cookies_remedies(struct exam *x, struct finding *f, bool always, bool clients)
{
	struct remedy *r;

	if (always) {
		r = finding_remedy(f, "cookies-when-full", REMEDY_SYSCTL,
				   "SYN cookies only when the queue is full");
		remedy_why(r, "2 is for tests: each connection pays the price of a cookie");
		remedy_sysctl_here(x, r, "net.ipv4.tcp_syncookies", 2, 1);
	} else if (clients && f->subjects.n) {
		backlog_remedies(x, f, false);
	} else if (clients) {
		r = finding_remedy(f, "raise-backlog", REMEDY_APPLICATION,
				   "a larger listen(backlog) in the program whose queue is full");
		remedy_why(r, "`ss -Htan state syn-recv` names its port while the burst lasts");
	}
}

enum outcome examine_synq_cookies(struct exam *x)
{
	uint64_t sent = delta_value(delta_counter(x->o, C_SYNCOOKIES_SENT));
	uint64_t back = delta_value(delta_counter(x->o, C_SYNCOOKIES_RECV));
	const struct socket *sk;
	int64_t cookies = 1;
	struct finding *f;
	char where[80];

	if (!sent || finding_here(x, "syn-flood")) {
		evidence_counter(NULL, x, C_SYNCOOKIES_SENT);
		return NOT_FOUND;
	}
	f = finding_new(x);
	if (!x->o->since_boot)
		f->state = AT_RISK;
	sk = cookie_listener(&x->o->b);
	if (sk)
		subject_socket(x, finding_subject(f), sk);
	finding_headline(f, "%llu SYN cookies sent, %llu came back%s%s", (unsigned long long)sent,
			 (unsigned long long)back, f->subjects.n ? ", on " : "",
			 f->subjects.n ? socket_text(sk, where, sizeof(where)) : "");
	sysctl_get(&x->o->b, K_TCP_SYNCOOKIES, &cookies);
	cookies_text(f, sent, back, cookies == 2);
	evidence_counter(f, x, C_SYNCOOKIES_SENT);
	evidence_counter(f, x, C_SYNCOOKIES_RECV);
	evidence_counter(f, x, C_SYNCOOKIES_FAILED);
	evidence_counter(f, x, C_TCP_REQ_Q_FULL_DO_COOKIES);
	evidence_half_open(f, x);
	finding_exclude(f, "dropped SYNs (TCPReqQFullDrop +%llu)",
			(unsigned long long)delta_value(delta_counter(x->o, C_TCP_REQ_Q_FULL_DROP)));
	finding_exclude(f, "tcp_max_syn_backlog: with cookies on the kernel does not ask it");
	cookies_remedies(x, f, cookies == 2, back * 2 >= sent);
	return FOUND;
}
