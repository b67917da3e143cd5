// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tcp: the source ports of one destination, and connections in TIME_WAIT. The kernel counts
 * neither (__inet_hash_connect() only says EADDRNOTAVAIL to the program), so the connections are.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define LOWEST_PORT 1024
#define HIGHEST_PORT 65535
#define TIME_WAIT_BYTES 256 /* slab object tw_sock_TCP, causes.md 115 */

/* Which connections hold a port that a new one to the same place could have. */
struct ports {
	const struct snapshot *s;
	int64_t first, last, reuse;
};

static bool is_loopback(const struct crowd_entry *e)
{
	return e->family == AF_INET ? e->destination[0] == 127
				    : !memcmp(e->destination, &in6addr_loopback, 16);
}

static bool is_listening(const struct snapshot *s, uint16_t port)
{
	vec_each(sk, &s->sockets)
		if (is_listener(sk) && sk->local_port == port)
			return true;
	return false;
}

/* tcp_twsk_unique(): with tcp_tw_reuse (2: over loopback) a port in TIME_WAIT is free again. */
static bool takes_port(const struct crowd_entry *e, const void *arg)
{
	const struct ports *p = arg;
	bool reusable = p->reuse == 1 || (p->reuse == 2 && is_loopback(e));

	return e->source_port >= p->first && e->source_port <= p->last &&
	       e->state != CROWD_SYN_RECV && !(e->state == CROWD_TIME_WAIT && reusable) &&
	       !is_listening(p->s, e->source_port);
}

static bool same_way(const struct crowd_entry *a, const struct crowd_entry *b)
{
	return a->family == b->family && a->port == b->port &&
	       !memcmp(a->source, b->source, sizeof(a->source)) &&
	       !memcmp(a->destination, b->destination, sizeof(a->destination));
}

static void tell_way(const struct ports *p, struct finding *f, const struct crowd_entry *one)
{
	VEC(struct crowd_entry) same = {0};

	vec_each(e, &p->s->connections)
		if (same_way(e, one) && takes_port(e, p))
			*vec_push(&same) = *e;
	crowd_tell(f, "connections that hold a port", 0, same.items, same.n);
	vec_done(&same);
}

/*
 * Who closes first holds TIME_WAIT: as a server (the port is a listener's) for as long, but without
 * a port that anybody wants; as a client with a source port. By the trace of connections' ends.
 */
static void tell_closers(struct exam *x, struct finding *f)
{
	uint64_t as_server = 0, as_client = 0, peers = 0;

	if (!x->d->tcp || x->d->tcp->err || x->o->since_boot)
		return;
	vec_each(l, &x->d->tcp->lines) {
		if (l->netns != x->o->inode)
			continue;
		peers += l->kind == TCP_CLOSED_BY_PEER ? l->packets : 0;
		if (l->kind == TCP_CLOSED_HERE)
			*(l->remote_port ? &as_client : &as_server) += l->packets;
	}
	if (as_server + as_client + peers)
		evidence_text(f, x, "in the sample this host closed first %llu times as client and %llu times "
				    "as server, its peers %llu times",
			      (unsigned long long)as_client, (unsigned long long)as_server,
			      (unsigned long long)peers);
}

static void ports_remedies(struct exam *x, struct finding *f, const struct ports *p)
{
	const struct crowd *c = f->crowd ? &f->crowd->sum : NULL;
	int64_t stamps = 0;
	char enter[96];
	struct remedy *r;

	r = finding_remedy(f, "keep-connections", REMEDY_APPLICATION,
			   "keep connections open and use them again (a pool, keepalive)");
	remedy_why(r, "a port is taken for 60 seconds after its connection ended: %lld new ones a "
		      "second to one address and port at most",
		   (long long)(p->last - p->first + 1) / 60);
	sysctl_get(&x->o->b, K_TCP_TIMESTAMPS, &stamps);
	if (c && p->reuse != 1 && stamps > 0 && c->states[CROWD_TIME_WAIT] * 2 > c->read) {
		r = finding_remedy(f, "reuse-time-wait", REMEDY_SYSCTL,
				   "let new connections from here have ports in TIME_WAIT: "
				   "net.ipv4.tcp_tw_reuse=1");
		remedy_why(r, "%u of these ports are in TIME_WAIT; after a second they are free then",
			   c->states[CROWD_TIME_WAIT]);
		remedy_risk(r, "only where the other end uses timestamps as well; late segments of the "
			       "old connection are told by these");
		remedy_sysctl_here(x, r, "net.ipv4.tcp_tw_reuse", p->reuse, 1);
	}
	if (p->last - p->first + 1 >= HIGHEST_PORT - LOWEST_PORT)
		return;
	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "wider-port-range", REMEDY_SYSCTL, "a wider range of ports: %d to %d",
			   LOWEST_PORT, HIGHEST_PORT);
	remedy_why(r, "it is %lld to %lld now", (long long)p->first, (long long)p->last);
	remedy_risk(r, "a service that starts later may find its port taken: name such ports in "
		       "net.ipv4.ip_local_reserved_ports first");
	remedy_command(r, "%ssysctl -w net.ipv4.ip_local_port_range='%d %d'", enter, LOWEST_PORT,
		       HIGHEST_PORT);
	remedy_undo(r, "%ssysctl -w net.ipv4.ip_local_port_range='%lld %lld'", enter,
		    (long long)p->first, (long long)p->last);
}

static void ports_words(struct exam *x, struct finding *f, const struct crowd_entry *one, size_t used,
			size_t range, bool begun)
{
	char from[64], to[64], where[80];

	address_text(one->family, one->source, from, sizeof(from));
	address_text(one->family, one->destination, to, sizeof(to));
	snprintf(where, sizeof(where), one->family == AF_INET6 ? "[%s]:%u" : "%s:%u", to, one->port);
	finding_subject(f)->address = xstrdup(where);
	finding_headline(f, "%zu of %zu ports from %s to %s are taken, %.0f %%", used, range, from, where,
			 100.0 * (double)used / (double)range);
	finding_text(f, "Each connection to one address and port needs a source port of its own, also "
			"for 60 seconds in TIME_WAIT. When none is left connect() fails with "
			"EADDRNOTAVAIL, and no counter tells.%s",
		     begun ? "" : " No connection was begun meanwhile: these go away by themselves.");
	evidence_value(f, x, "sock_diag", "ports taken to it", used);
	evidence_text(f, x, "net.ipv4.ip_local_port_range holds %zu ports", range);
	evidence_counter(f, x, C_TCP_ACTIVE_OPENS);
	evidence_value(f, x, "/proc/net/sockstat", "TCP.tw", x->o->b.counter[C_SOCKSTAT_TCP_TW]);
	tell_closers(x, f);
	finding_exclude(f, "a limit on sockets in all: other destinations have ports of their own");
}

/* Connections that were not read (there are few, or none) take no port that matters. */
enum outcome examine_port_exhaustion(struct exam *x)
{
	const struct sysctl_value *range = &x->o->b.sysctl[K_PORT_RANGE];
	const struct source_state *read = &x->o->b.source[SRC_CONNECTIONS];
	struct ports p = {.s = &x->o->b};
	struct crowd_entry one = {0};
	size_t used = 0, ports = 0;
	enum severity severity;
	struct finding *f;
	bool begun;

	if (read->status == SOURCE_ABSENT && read->err)
		return not_examined_source(x, SRC_CONNECTIONS);
	if (source_ok(&x->o->b, SRC_SYSCTL) && range->n == 2 && range->v[1] >= range->v[0]) {
		p.first = range->v[0];
		p.last = range->v[1];
		ports = (size_t)(p.last - p.first + 1);
		sysctl_get(&x->o->b, K_TCP_TW_REUSE, &p.reuse);
		used = crowd_thickest(p.s->connections.items, p.s->connections.n, takes_port, &p, &one);
	}
	if (!ports || !severity_of_fill(x, used, ports, &severity)) {
		evidence_text(NULL, x, "%llu in TIME_WAIT, %zu other sockets, %zu ports to each destination",
			      (unsigned long long)x->o->b.counter[C_SOCKSTAT_TCP_TW],
			      x->o->b.sockets_seen, ports);
		return NOT_FOUND;
	}
	begun = delta_value(delta_counter(x->o, C_TCP_ACTIVE_OPENS)) && !x->o->since_boot;
	f = finding_new(x);
	f->state = AT_RISK;
	f->severity = begun ? severity : SEVERITY_INFO;
	ports_words(x, f, &one, used, ports, begun);
	tell_way(&p, f, &one);
	ports_remedies(x, f, &p);
	return FOUND;
}

/* Whoever closed first holds it: seen from a listener, the other end began the connection. */
static void tell_waiting(struct exam *x, struct finding *f)
{
	VEC(struct crowd_entry) waiting = {0};

	vec_each(e, &x->o->b.connections) {
		struct crowd_entry *w;

		if (e->state != CROWD_TIME_WAIT)
			continue;
		w = vec_push(&waiting);
		*w = *e;
		if (!is_listening(&x->o->b, e->source_port))
			continue;
		memcpy(w->source, e->destination, sizeof(w->source));
		memcpy(w->destination, e->source, sizeof(w->destination));
		w->source_port = e->port;
		w->port = e->source_port;
	}
	crowd_tell(f, "connections in TIME_WAIT", x->o->b.counter[C_SOCKSTAT_TCP_TW], waiting.items,
		   waiting.n);
	vec_done(&waiting);
}

enum outcome examine_tw_many(struct exam *x)
{
	uint64_t waiting = x->o->b.counter[C_SOCKSTAT_TCP_TW];
	enum severity severity;
	struct remedy *r;
	struct finding *f;
	int64_t most = 0;

	if (!sysctl_get(&x->o->b, K_TCP_MAX_TW_BUCKETS, &most) || most <= 0 ||
	    finding_here(x, "tw-bucket-overflow") ||
	    !severity_of_fill(x, waiting, (uint64_t)most, &severity)) {
		evidence_text(NULL, x, "%llu connections in TIME_WAIT, of %lld at most",
			      (unsigned long long)waiting, (long long)most);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	tell_waiting(x, f);
	finding_headline(f, "%llu connections in TIME_WAIT, tcp_max_tw_buckets is %lld",
			 (unsigned long long)waiting, (long long)most);
	finding_text(f, "An end that closes first remembers the connection for 60 seconds, so that late "
			"segments find it. That costs %d bytes each and is no fault. Beyond the limit "
			"connections are forgotten at once, and late segments get a reset.",
		     TIME_WAIT_BYTES);
	finding_subject(f)->sysctl = xstrdup("net.ipv4.tcp_max_tw_buckets");
	evidence_counter(f, x, C_TCP_TIME_WAIT_OVERFLOW);
	evidence_value(f, x, "/proc/net/sockstat", "TCP.tw", waiting);
	tell_closers(x, f);
	r = finding_remedy(f, "raise-tw-buckets", REMEDY_SYSCTL, "room for all of them: %lld -> %llu",
			   (long long)most, (unsigned long long)next_power_of_two(2 * waiting));
	remedy_why(r, "the limit is there against floods; lowering it frees nothing that is missed");
	remedy_cost(r, "%d bytes of kernel memory for each", TIME_WAIT_BYTES);
	remedy_sysctl_here(x, r, "net.ipv4.tcp_max_tw_buckets", most,
			   (int64_t)next_power_of_two(2 * waiting));
	return FOUND;
}
