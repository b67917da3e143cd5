// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "watch/events.h"

#include <netinet/in.h>
#include <stdio.h>

#include "causes/fw_packets.h"
#include "watch/parts.h"

#define HOLDERS_MAX 4096
#define FW_PACKETS_MAX 256 /* walked through the rules, each interval */
#define GONE_STAYS 10 /* intervals; a socket may be on its way from one process to another */
#define LIKE_STAYS 10 /* intervals: what drops of a kind were explained by */
/* Of a row's packets so many must be explained for one of them to be, and not only perhaps. */
#define EXPLAINED_PERCENT 90

void watch_events_init(struct watch_events *e, const struct watch_filter *filter, bool all)
{
	*e = (struct watch_events){.filter = filter, .all = all};
}

void watch_events_done(struct watch_events *e)
{
	vec_each(p, &e->held)
		free(p->rule.text);
	vec_done(&e->held);
	vec_done(&e->holders);
	vec_done(&e->missed);
}

static void miss(struct watch_events *e, const struct drop_event *event)
{
	struct drop_missed *m;

	vec_each(known, &e->missed)
		if (strcmp(known->reason, event->reason) == 0 &&
		    strcmp(known->symbol, event->symbol) == 0) {
			known->packets++;
			return;
		}
	m = vec_push(&e->missed);
	memcpy(m->reason, event->reason, sizeof(m->reason));
	memcpy(m->symbol, event->symbol, sizeof(m->symbol));
	m->packets = 1;
}

void watch_events_add(struct watch_events *e, const struct drop_event *event, int64_t wall_ns)
{
	struct packet_event *p;

	if (e->held.n == EVENTS_HELD_MAX) {
		miss(e, event);
		return;
	}
	p = vec_push(&e->held);
	p->event = *event;
	p->at_ns = event->at_ns + wall_ns;
	decode_event(event, &p->headers);
}

/* ---- who owns the socket ---- */

static struct socket_holder *holder_of(const struct watch_events *e, uint32_t inode)
{
	vec_each(h, &e->holders)
		if (h->inode == inode)
			return h;
	return NULL;
}

static int compare_inodes(const void *one, const void *other)
{
	const uint32_t *a = one, *b = other;

	return *a < *b ? -1 : *a > *b;
}

static size_t place_of(const struct diagnosis *d, uint32_t netns)
{
	size_t i = 0;

	while (i < d->observations.n && d->observations.items[i].inode != netns)
		i++;
	return i;
}

static const struct observation *observation_of(const struct diagnosis *d, uint32_t netns)
{
	size_t i = place_of(d, netns);

	return i < d->observations.n ? &d->observations.items[i] : NULL;
}

static uint32_t inode_of(const struct observation *o, const struct drop_event *event)
{
	const struct socket *sk;

	if (event->inode || !event->cookie || !o)
		return (uint32_t)event->inode;
	sk = snapshot_socket(&o->b, event->cookie);
	return sk ? sk->inode : 0;
}

static bool may_receive(const struct socket *sk, const struct headers *h)
{
	return sk->kind == SOCKET_INET && sk->protocol == h->protocol &&
	       sk->local_port == h->destination_port &&
	       (sk->family == h->family || (sk->family == AF_INET6 && !sk->v6only)) &&
	       (!sk->remote_port || sk->remote_port == h->source_port);
}

/*
 * Before 6.11 the kernel does not say which socket was full: the one of that port, if there is but
 * one. How full it was then nobody tells.
 */
static void give_receiver(const struct observation *o, struct packet_event *p)
{
	const struct socket *found = NULL;

	if (p->event.family || p->headers.protocol != IPPROTO_UDP || !p->headers.has_ports ||
	    strcmp(p->event.reason, "SOCKET_RCVBUFF") != 0)
		return;
	/* A raw socket's copy (raw_rcv, rawv6_rcv): the UDP socket got its own. */
	if (strncmp(p->event.symbol, "raw", 3) == 0)
		return;
	vec_each(sk, &o->b.sockets)
		if (may_receive(sk, &p->headers)) {
			if (found)
				return;
			found = sk;
		}
	if (!found)
		return;
	p->event.family = found->family;
	p->event.protocol = found->protocol;
	p->event.local_port = found->local_port;
	p->event.cookie = found->cookie;
	p->event.inode = found->inode;
}

static void give_receivers(struct watch_events *e, const struct diagnosis *d)
{
	if (d->drops->receiving_socket)
		return;
	vec_each(p, &e->held) {
		const struct observation *o = observation_of(d, p->event.netns);

		if (o)
			give_receiver(o, p);
	}
}

/* Looking costs a walk over all descriptors of all processes. */
static bool is_answered(const struct watch_events *e, uint32_t inode)
{
	const struct socket_holder *h = holder_of(e, inode);

	return h && !h->doubted && (!h->gone || h->interval + GONE_STAYS > e->interval);
}

void watch_events_unowned(struct watch_events *e, const struct diagnosis *d,
			  struct watch_inodes *ret)
{
	size_t kept = 0;

	give_receivers(e, d);
	vec_each(p, &e->held) {
		const struct observation *o = observation_of(d, p->event.netns);
		uint32_t inode = inode_of(o, &p->event);

		if (inode && !(o && snapshot_owner(&o->b, inode)) && !is_answered(e, inode))
			*vec_push(&ret->list) = inode;
	}
	if (!ret->list.n)
		return;
	qsort(ret->list.items, ret->list.n, sizeof(*ret->list.items), compare_inodes);
	vec_each(inode, &ret->list)
		if (!kept || ret->list.items[kept - 1] != *inode)
			ret->list.items[kept++] = *inode;
	ret->list.n = kept;
}

void watch_events_holder(struct watch_events *e, uint32_t inode, int pid, const char *comm)
{
	struct socket_holder *h = holder_of(e, inode);

	if (!h && e->holders.n == HOLDERS_MAX)
		e->holders.n = 0; /* found again as they are needed */
	if (!h)
		h = vec_push(&e->holders);
	h->inode = inode;
	h->doubted = false;
	h->interval = e->interval;
	h->gone = !pid;
	if (!pid)
		return; /* who held it before is still the best answer */
	h->pid = pid;
	snprintf(h->comm, sizeof(h->comm), "%s", comm);
}

static void give_owner(const struct watch_events *e, const struct observation *o,
		       struct packet_event *p)
{
	uint32_t inode = inode_of(o, &p->event);
	const struct process *owner = o && inode ? snapshot_owner(&o->b, inode) : NULL;
	const struct socket_holder *h = inode ? holder_of(e, inode) : NULL;

	if (owner) {
		p->owner_pid = owner->pid;
		memcpy(p->owner, owner->comm, sizeof(p->owner));
		memcpy(p->unit, owner->unit, sizeof(p->unit));
	} else if (h) {
		p->owner_pid = h->pid;
		memcpy(p->owner, h->comm, sizeof(p->owner));
		p->owner_gone = h->gone;
	}
}

/* ---- which cause ---- */

/* Rows of the trace are cut to few fields where there are too many, or a header was not read. */
enum likeness { SAME_SOCKET, SAME_DEVICE, SAME_PROTOCOL, SAME_PLACE, LIKENESSES };

static bool is_like(const struct drop *row, const struct packet_event *p, enum likeness likeness)
{
	const struct drop_event *e = &p->event;

	if (row->not_meant || strcmp(row->reason, e->reason) != 0 ||
	    strcmp(row->symbol, e->symbol) != 0)
		return false;
	if (likeness < SAME_PLACE && row->protocol != p->headers.protocol)
		return false;
	if (likeness < SAME_PROTOCOL && row->ifindex != e->ifindex)
		return false;
	return likeness > SAME_SOCKET || row->cookie == e->cookie;
}

static enum confidence confidence_of(const struct diagnosis *d, const struct observation *o,
				     const struct cause_row *cause)
{
	vec_each(f, &d->findings)
		if (f->where == o && f->cause == cause)
			return f->confidence;
	vec_each(i, &d->ignored)
		if (i->finding.where == o && i->finding.cause == cause)
			return i->finding.confidence;
	return LIKELY;
}

static void add_cause(struct packet_event *p, const struct told *t)
{
	for (size_t i = 0; i < p->causes_n; i++)
		if (p->causes[i] == t->cause)
			return;
	if (p->causes_n == EVENT_CAUSES_MAX)
		return;
	p->causes[p->causes_n++] = t->cause;
	p->at = t->at != t->cause ? t->at : NULL;
}

static void give_causes(const struct diagnosis *d, const struct observation *o,
			const struct ledger *ledger, struct packet_event *p)
{
	uint64_t packets = 0, explained = 0;
	struct told t;

	for (int likeness = SAME_SOCKET; likeness < LIKENESSES && !packets; likeness++)
		vec_each(line, &ledger->lines) {
			if (line->benign || !is_like(line->drop, p, (enum likeness)likeness))
				continue;
			packets += line->drop->packets;
			explained += line->claimed;
			vec_each(share, &line->shares)
				if (told_by(d, o, share->cause, line->drop, &t))
					add_cause(p, &t);
		}
	if (!p->causes_n)
		return;
	p->confidence = confidence_of(d, o, p->causes[0]);
	if (p->causes_n > 1 || explained * 100 < packets * EXPLAINED_PERCENT)
		p->confidence = POSSIBLE;
}

/* Nobody explains it in this interval: what packets like it were explained by before. */
static void give_cause_of_likes(const struct watch *w, struct packet_event *p)
{
	const struct drop_event *e = &p->event;

	vec_each(like, &w->likes) {
		const struct told t = {like->at, like->cause};

		if (like->netns != e->netns || strcmp(like->reason, e->reason) != 0 ||
		    strcmp(like->symbol, e->symbol) != 0 ||
		    like->protocol != p->headers.protocol || !like->cause ||
		    like->last_interval + LIKE_STAYS <= w->interval)
			continue;
		add_cause(p, &t);
		p->confidence = p->causes_n > 1 ? POSSIBLE : LIKELY;
	}
}

/* The lines know of losses that were counted before they were traced. */
static void give_what_its_line_has(const struct watch *w, struct packet_event *p)
{
	const struct drop_event *e = &p->event;
	const struct watch_line *l = watch_line_of(w, e->netns, e->reason, e->symbol,
						   p->headers.protocol, e->device, e->cookie);
	struct told t;

	if (!l || !l->cause)
		return;
	t = (struct told){l->at, l->cause};
	add_cause(p, &t);
	p->confidence = POSSIBLE;
}

/* ---- which rule ---- */

static bool may_have_rule(const struct packet_event *p)
{
	return p->headers.family && !p->has_rule && !p->settled &&
	       strcmp(p->event.reason, "NETFILTER_DROP") == 0;
}

static struct drop_flow flow_of(const struct packet_event *p)
{
	const struct headers *h = &p->headers;
	struct drop_flow flow;

	memset(&flow, 0, sizeof(flow)); /* flows are compared byte by byte */
	memcpy(flow.reason, p->event.reason, sizeof(flow.reason));
	memcpy(flow.symbol, p->event.symbol, sizeof(flow.symbol));
	flow.netns = p->event.netns;
	flow.ifindex = p->event.ifindex;
	flow.family = h->family;
	flow.protocol = h->protocol;
	memcpy(flow.source, h->source, sizeof(flow.source));
	memcpy(flow.destination, h->destination, sizeof(flow.destination));
	flow.source_port = h->source_port;
	flow.destination_port = h->destination_port;
	return flow;
}

static void take_rule(struct packet_event *p, const struct fw_packet *found)
{
	if (!found->found)
		return;
	p->has_rule = true;
	p->rule = found->rule;
	p->rule.text = found->rule.text ? rule_without_numbers(found->rule.text) : NULL;
	p->rule_confidence = found->confidence;
	if (!found->cause)
		return;
	p->causes[0] = found->cause;
	p->causes_n = 1;
	p->at = NULL;
	p->confidence = found->confidence;
}

static void give_rules(struct watch_events *e, struct diagnosis *d, size_t at)
{
	uint32_t netns = d->observations.items[at].inode;
	struct fw_packet *packets = xcalloc(FW_PACKETS_MAX, sizeof(*packets));
	size_t *places = xcalloc(FW_PACKETS_MAX, sizeof(*places)), n = 0;

	for (size_t i = 0; i < e->held.n && n < FW_PACKETS_MAX; i++) {
		if (e->held.items[i].event.netns != netns || !may_have_rule(&e->held.items[i]))
			continue;
		places[n] = i;
		packets[n++].flow = flow_of(&e->held.items[i]);
	}
	if (n)
		fw_packets(d, at, packets, n);
	for (size_t i = 0; i < n; i++)
		take_rule(&e->held.items[places[i]], &packets[i]);
	free(places);
	free(packets);
}

/* ---- all of it ---- */

static bool is_of_process(const struct watch_filter *f, const struct packet_event *p)
{
	if (p->owner_pid == f->pid)
		return true;
	vec_each(inode, &f->inodes)
		if (p->event.inode && *inode == p->event.inode)
			return true;
	return false;
}

static bool has_cause(const struct packet_event *p, const char *id)
{
	if (p->at && strcmp(p->at->id, id) == 0)
		return true;
	for (size_t i = 0; i < p->causes_n; i++)
		if (strcmp(p->causes[i]->id, id) == 0)
			return true;
	return false;
}

/* Packets of namespaces nobody asked about are not meant; those of none that is known are. */
static bool is_meant(const struct watch_filter *f, const struct packet_event *p)
{
	return (p->netns_known || !p->event.netns) &&
	       (!f->reason || strcmp(f->reason, p->event.reason) == 0) &&
	       (!f->device || strcmp(f->device, p->event.device) == 0) &&
	       (!f->cause || has_cause(p, f->cause)) && (!f->pid || is_of_process(f, p));
}

static void judge(const struct watch_events *e, const struct diagnosis *d, const struct watch *w,
		  struct packet_event *p)
{
	size_t at = place_of(d, p->event.netns);
	const struct observation *o = at < d->observations.n ? &d->observations.items[at] : NULL;
	struct drop like = {.protocol = p->headers.protocol};

	memcpy(like.reason, p->event.reason, sizeof(like.reason));
	memcpy(like.symbol, p->event.symbol, sizeof(like.symbol));
	p->benign = drop_why_benign(&like);
	if (o) {
		p->netns_known = true;
		memcpy(p->netns, o->name, sizeof(p->netns));
	}
	give_owner(e, o, p);
	if (p->benign || p->causes_n)
		return;
	if (at < d->ledgers.n)
		give_causes(d, o, &d->ledgers.items[at], p);
	if (!p->causes_n)
		give_cause_of_likes(w, p);
}

void watch_events_judge(struct watch_events *e, struct diagnosis *d, const struct watch *w)
{
	bool *wants = xcalloc(d->observations.n, sizeof(*wants));

	e->interval++;
	give_receivers(e, d);
	vec_each(p, &e->held) {
		size_t at = place_of(d, p->event.netns);

		if (p->settled)
			continue;
		judge(e, d, w, p);
		if (at < d->ledgers.n)
			wants[at] |= may_have_rule(p);
	}
	for (size_t i = 0; i < d->observations.n; i++)
		if (wants[i])
			give_rules(e, d, i);
	vec_each(p, &e->held)
		p->settled = p->settled || p->event.at_ns <= w->now_ns || p->benign ||
			     (p->causes_n && !may_have_rule(p));
	vec_each(p, &e->held)
		if (p->settled && !p->causes_n && !p->benign)
			give_what_its_line_has(w, p);
	free(wants);
}

static bool tell_one(struct watch_events *e, const struct packet_event *p, tell_packet_fn *tell,
		     void *arg)
{
	if (!is_meant(e->filter, p)) {
		e->others++;
		return true;
	}
	if (p->benign && !e->all) {
		e->expected++;
		return true;
	}
	e->told++;
	return tell(p, arg);
}

void watch_events_tell(struct watch_events *e, bool last, tell_packet_fn *tell, void *arg)
{
	size_t done = 0;
	bool more = true;

	while (done < e->held.n && (last || !more || e->held.items[done].settled)) {
		struct packet_event *p = &e->held.items[done++];

		more = more && tell_one(e, p, tell, arg);
		free(p->rule.text);
	}
	e->held.n -= done;
	if (done && e->held.n)
		memmove(e->held.items, e->held.items + done, e->held.n * sizeof(*e->held.items));
}

void watch_events_missed(struct watch_events *e, struct drops *to)
{
	vec_each(m, &e->missed)
		*vec_push(&to->events_missed) = *m;
	e->missed.n = 0;
}
