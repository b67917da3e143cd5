// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage app: how programs use their connections. Nothing is lost by it: a handshake for each request
 * costs time, and ports where this end closes first. By the trace of how connections begin and end
 * (inet_sock_set_state), which names the peer's network and the service's port.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define TIME_WAIT_SECONDS 60
#define PORTS_PART 0.10 /* of the ports that the destination has: a rate worth a word */
#define SHORT_PART 0.80 /* of those begun ended within the sample, too */
#define SKEW 3.0	/* largest against the mean, causes.md 168 */
#define SKEW_LEAST 20	/* connections of the largest */
#define BACKENDS 256

/* What was begun, or accepted, with one service in the interval. */
struct service {
	const struct tcp_line *line; /* of its peers one */
	uint64_t begun, closed_here, closed_by_peer, ended;
};

static bool same_service(const struct tcp_line *a, const struct tcp_line *b)
{
	return a->local_port == b->local_port && a->remote_port == b->remote_port &&
	       (a->local_port || (a->family == b->family && !memcmp(a->peer, b->peer, sizeof(a->peer))));
}

/* Of a listener: all peers; of a destination: those of one network. */
static struct service service_of(const struct exam *x, const struct tcp_line *of)
{
	struct service s = {.line = of};

	vec_each(l, &x->d->tcp->lines) {
		if (l->netns != x->o->inode || !same_service(l, of))
			continue;
		s.begun += l->kind == of->kind ? l->packets : 0;
		s.closed_here += l->kind == TCP_CLOSED_HERE ? l->packets : 0;
		s.closed_by_peer += l->kind == TCP_CLOSED_BY_PEER ? l->packets : 0;
		s.ended += l->kind == TCP_ENDED ? l->packets : 0;
	}
	return s;
}

/* The busiest service of that kind whose connections are short and many enough. */
static bool busiest(const struct exam *x, enum tcp_line_kind kind, double per_s, struct service *ret)
{
	bool found = false;

	vec_each(l, &x->d->tcp->lines) {
		struct service s;
		uint64_t gone;

		if (l->netns != x->o->inode || l->kind != kind ||
		    !(kind == TCP_ACCEPTED ? l->local_port : l->remote_port))
			continue;
		s = service_of(x, l);
		gone = s.closed_here + s.closed_by_peer + s.ended;
		if (per_second(x->o, s.begun) < per_s || (double)gone < SHORT_PART * (double)s.begun ||
		    (found && s.begun <= ret->begun))
			continue;
		*ret = s;
		found = true;
	}
	return found;
}

/* Ports that connections to one address and port may have. */
static int64_t port_count(const struct exam *x)
{
	const struct sysctl_value *range = &x->o->b.sysctl[K_PORT_RANGE];

	return range->n == 2 && range->v[1] >= range->v[0] ? range->v[1] - range->v[0] + 1 : 28232;
}

static const char *destination(const struct service *s, char *to, size_t size)
{
	char peer[TCP_PEER_TEXT];

	snprintf(to, size, "%s port %u",
		 tcp_line_peer(s->line, peer, sizeof(peer)) ? peer : "one network",
		 s->line->remote_port);
	return to;
}

static void service_evidence(struct exam *x, struct finding *f, const struct service *s)
{
	static const char source[] = "sock:inet_sock_set_state";

	evidence_value(f, x, source, "connections begun", s->begun);
	evidence_value(f, x, source, "closed by this end first", s->closed_here);
	evidence_value(f, x, source, "closed by the peer first", s->closed_by_peer);
	if (s->ended)
		evidence_value(f, x, source, "ended at once, by a reset or a timeout", s->ended);
	evidence_value(f, x, "/proc/net/sockstat", "TCP.tw", x->o->b.counter[C_SOCKSTAT_TCP_TW]);
}

/* A proxy: it accepts about as often as it connects, and nearly all goes to one place. */
static bool is_proxy(const struct exam *x, const struct service *to, struct service *ret_from)
{
	return busiest(x, TCP_ACCEPTED, 0, ret_from) && to->begun * 2 >= ret_from->begun &&
	       ret_from->begun * 2 >= to->begun;
}

static double worth_a_word(const struct exam *x)
{
	return PORTS_PART * (double)port_count(x) / TIME_WAIT_SECONDS;
}

static const struct socket *listener_of(const struct exam *x, uint16_t port)
{
	vec_each(sk, &x->o->b.sockets)
		if (is_listener(sk) && sk->local_port == port)
			return sk;
	return NULL;
}

/* Little's law: what is open at once is what a pool has to hold. */
static uint64_t open_at_once(const struct exam *x, const struct service *s)
{
	const struct snapshot *ends[] = {&x->o->a, &x->o->b};
	uint64_t most = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		uint64_t n = 0;

		vec_each(g, &ends[i]->tcp_groups)
			if (g->begun_here && g->port == s->line->remote_port)
				n += g->n[STATE_ESTABLISHED];
		most = MAX(most, n);
	}
	return most;
}

static void churn_ports(struct exam *x, struct finding *f, const struct service *s)
{
	double rate = per_second(x->o, s->begun);

	if (s->closed_here >= s->closed_by_peer)
		evidence_text(f, x, "this end closes first: at this rate TIME_WAIT holds %.0f of %lld ports "
				    "to each address and port there",
			      MIN(rate * TIME_WAIT_SECONDS, (double)port_count(x)),
			      (long long)port_count(x));
	else
		evidence_text(f, x, "the peers close first: TIME_WAIT is theirs, and costs no port here");
	evidence_text(f, x, "%lld ports bear %lld new connections a second to one address and port",
		      (long long)port_count(x), (long long)port_count(x) / TIME_WAIT_SECONDS);
}

/* ---- one destination, connected to again and again ---- */

static void churn(struct exam *x, const struct service *s)
{
	uint64_t at_once = open_at_once(x, s);
	struct finding *f = finding_new(x);
	struct remedy *r;
	char where[96];

	f->state = AT_RISK;
	finding_subject(f)->address = xstrdup(destination(s, where, sizeof(where)));
	finding_headline(f, "%.0f short connections a second to %s", per_second(x->o, s->begun), where);
	finding_text(f, "A handshake for each request: one round trip more each time, and a slow start each "
			"time. A pool that keeps its connections needs as many as are in use at once.");
	service_evidence(x, f, s);
	churn_ports(x, f, s);
	r = finding_remedy(f, "size-pool", REMEDY_APPLICATION,
			   "a pool with as many connections at least as at most, %llu or more, taken in turn",
			   (unsigned long long)MAX(2 * at_once, (uint64_t)2));
	remedy_why(r, "%llu were open at once when looked at; requests a second times their duration is "
		      "what is needed (Little's law)",
		   (unsigned long long)at_once);
	remedy_risk(r, "connections must live shorter than the idle limit of what is on the way, and must "
		       "be tried before they are used");
}

/* Established connections begun here, of one port, by address. */
struct spread {
	const struct tcp_group *most;
	uint64_t sum;
	unsigned int backends;
};

/*
 * Of one network: a browser or proxy has connections to port 443 of the whole world, and these share
 * nothing. Those of a pool mostly stand side by side.
 */
static bool side_by_side(const struct tcp_group *a, const struct tcp_group *b)
{
	return a->begun_here && a->family == b->family && a->port == b->port &&
	       !memcmp(a->address, b->address, a->family == AF_INET ? 3 : 8);
}

static struct spread spread_of(const struct snapshot *s, const struct tcp_group *of)
{
	struct spread p = {0};

	vec_each(g, &s->tcp_groups) {
		if (!side_by_side(g, of) || !g->n[STATE_ESTABLISHED])
			continue;
		p.backends++;
		p.sum += g->n[STATE_ESTABLISHED];
		if (!p.most || g->n[STATE_ESTABLISHED] > p.most->n[STATE_ESTABLISHED])
			p.most = g;
	}
	return p;
}

static bool is_skewed(const struct spread *p)
{
	return p->most && p->most->n[STATE_ESTABLISHED] >= SKEW_LEAST && p->backends <= BACKENDS &&
	       (double)p->most->n[STATE_ESTABLISHED] * p->backends > SKEW * (double)p->sum;
}

static bool skewed(const struct snapshot *s, struct spread *ret)
{
	vec_each(g, &s->tcp_groups) {
		struct spread p;

		if (!g->begun_here || g->n[STATE_ESTABLISHED] < SKEW_LEAST)
			continue;
		p = spread_of(s, g);
		if (!is_skewed(&p))
			continue;
		*ret = p;
		return true;
	}
	return false;
}

static void skew(struct exam *x, const struct spread *p)
{
	struct finding *f = finding_new(x);
	char address[64], where[80];
	struct remedy *r;

	f->state = AT_RISK;
	f->confidence = POSSIBLE;
	address_text(p->most->family, p->most->address, address, sizeof(address));
	snprintf(where, sizeof(where), p->most->family == AF_INET6 ? "[%s]:%u" : "%s:%u", address,
		 p->most->port);
	finding_subject(f)->address = xstrdup(where);
	finding_headline(f, "%s has %u of %llu connections that are shared by %u backends", where,
			 p->most->n[STATE_ESTABLISHED], (unsigned long long)p->sum, p->backends);
	finding_text(f, "A pool that gives out what came back last (LIFO), or that was filled while the others "
			"were away, favours one backend for as long as its connections live.");
	evidence_value(f, x, "sock_diag", "established with it", p->most->n[STATE_ESTABLISHED]);
	evidence_text(f, x, "the mean of %u backends is %.1f", p->backends,
		      (double)p->sum / p->backends);
	r = finding_remedy(f, "take-in-turn", REMEDY_APPLICATION,
			   "take connections in turn (FIFO or round robin), and end each after some minutes");
	remedy_why(r, "what is connected anew is spread anew; the life must be shorter than the idle limit "
		      "of what is on the way");
}

enum outcome examine_pool(struct exam *x)
{
	struct service s = {0}, from;
	struct spread p;

	if (!tcp_all_read(x))
		return tcp_partly_read(x);
	if (!x->o->since_boot && skewed(connections_read(x->o), &p)) {
		skew(x, &p);
		return FOUND;
	}
	if (x->o->since_boot || !busiest(x, TCP_CONNECTED, worth_a_word(x), &s) || is_proxy(x, &s, &from)) {
		evidence_counter(NULL, x, C_TCP_ACTIVE_OPENS);
		evidence_text(NULL, x, "short connections to one destination are told from %.0f a second on",
			      worth_a_word(x));
		return NOT_FOUND;
	}
	churn(x, &s);
	return FOUND;
}

/* ---- a proxy that connects anew for each request ---- */

enum outcome examine_upstream(struct exam *x)
{
	struct service to = {0}, from = {0};
	const struct socket *listener;
	struct finding *f;
	struct remedy *r;
	char where[96];

	if (x->o->since_boot || !busiest(x, TCP_CONNECTED, worth_a_word(x), &to) ||
	    !is_proxy(x, &to, &from)) {
		evidence_counter(NULL, x, C_TCP_ACTIVE_OPENS);
		evidence_counter(NULL, x, C_TCP_PASSIVE_OPENS);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->confidence = LIKELY;
	listener = listener_of(x, from.line->local_port);
	if (listener)
		subject_socket(x, finding_subject(f), listener);
	destination(&to, where, sizeof(where));
	finding_headline(f, "a proxy on port %u connects anew to %s for each request, %.0f times a second",
			 from.line->local_port, where, per_second(x->o, to.begun));
	finding_text(f, "About as many connections are begun to one backend as are accepted, and they are "
			"short. Each costs the backend a handshake, and a source port for 60 seconds where "
			"this end closes first: when none is left connect() fails with EADDRNOTAVAIL.");
	service_evidence(x, f, &to);
	evidence_value(f, x, "sock:inet_sock_set_state", "connections accepted on its port", from.begun);
	churn_ports(x, f, &to);
	r = finding_remedy(f, "upstream-keepalive", REMEDY_APPLICATION,
			   "keep connections to the backend open: in nginx `keepalive %llu;` in the upstream "
			   "block, `proxy_http_version 1.1;` and `proxy_set_header Connection \"\";`",
			   (unsigned long long)MAX(2 * open_at_once(x, &to), (uint64_t)16));
	remedy_why(r, "without these three each request is a connection of its own");
	remedy_risk(r, "the backend must keep idle connections longer than the proxy does, or its close "
		       "meets a request");
	return FOUND;
}

/* ---- a server whose clients connect anew for each request ---- */

enum outcome examine_http_keepalive(struct exam *x)
{
	const struct socket *listener;
	struct service s = {0};
	struct finding *f;
	struct remedy *r;
	int64_t time = 0;

	if (x->o->since_boot || !busiest(x, TCP_ACCEPTED, worth_a_word(x), &s)) {
		evidence_counter(NULL, x, C_TCP_PASSIVE_OPENS);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	listener = listener_of(x, s.line->local_port);
	if (listener)
		subject_socket(x, finding_subject(f), listener);
	finding_headline(f, "port %u accepts %.0f short connections a second", s.line->local_port,
			 per_second(x->o, s.begun));
	finding_text(f, "Clients connect anew for nearly each request: a round trip and a slow start more each "
			"time. HTTP keeps a connection for the next request unless one end does not want that.");
	service_evidence(x, f, &s);
	evidence_text(f, x, s.closed_here >= s.closed_by_peer
				    ? "this end closes first: the server does not keep connections, and holds "
				      "TIME_WAIT for each"
				    : "the clients close first: TIME_WAIT is theirs");
	if (sysctl_get(&x->o->b, K_TCP_KEEPALIVE_TIME, &time))
		evidence_text(f, x, "TCP's keepalive (first probe after %lld s) is another thing: of it and the "
				    "server's own time the shorter ends an idle connection",
			      (long long)time);
	r = finding_remedy(f, "http-keepalive-on", REMEDY_APPLICATION, s.closed_here >= s.closed_by_peer
			   ? "let the server keep connections: keepalive_timeout above 0 (nginx: 75 s), "
			     "KeepAlive On (Apache)"
			   : "have the clients keep and use their connections again");
	remedy_why(r, "the time begins anew with each request; a client must give an idle connection up "
		      "before the server does, or its request meets a reset");
	return FOUND;
}
