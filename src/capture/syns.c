// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A server with tcp_tw_recycle (Linux before 4.12, net/ipv4/tcp_ipv4.c tcp_v4_conn_request) ignores
 * SYNs whose time stamp is more than one tick behind the last of the same address, for 60 s
 * (TCP_PAWS_MSL, TCP_PAWS_WINDOW): of two hosts behind one address it answers the one that is ahead.
 */
#include "capture/syns.h"

#include "capture/analysis_parts.h"

#include <linux/if_ether.h>

#define PORT_SLOTS (2 * SYN_PORTS_MAX)
#define PAIR_SLOTS (2 * SYN_PAIRS_MAX)
#define PAWS_NS (60 * NSEC_PER_SEC)
#define FLOOD_RATE 1000U /* SYNs in a second */
#define FLOOD_TIMES 10U	 /* as many as in other seconds */
#define SPLIT_LEAST 3	 /* handshakes */
#define LATE_NS (3 * NSEC_PER_SEC) /* by when a client that means it has tried again */

void syns_init(struct syns *s)
{
	s->port = xcalloc(SYN_PORTS_MAX, sizeof(*s->port));
	s->pair = xcalloc(SYN_PAIRS_MAX, sizeof(*s->pair));
	s->port_slots = xcalloc(PORT_SLOTS, sizeof(*s->port_slots));
	s->pair_slots = xcalloc(PAIR_SLOTS, sizeof(*s->pair_slots));
}

void syns_done(struct syns *s)
{
	for (size_t i = 0; i < s->ports_n; i++)
		free(s->port[i].sources);
	free(s->port);
	free(s->pair);
	free(s->port_slots);
	free(s->pair_slots);
	*s = (struct syns){0};
}

/* ---- tables: open addressing, nothing is taken out; what comes when they are full is not told of ---- */

static struct syn_port *port_of(struct analysis *a, const struct flow_key *key, uint8_t end, bool make)
{
	struct flow_key one = {.family = key->family};
	struct syns *s = &a->syns;
	struct syn_port *port;
	size_t i;

	one.port[0] = key->port[end];
	memcpy(one.address[0], key->address[end], 16);
	i = flow_hash(&a->flows, &one) & (PORT_SLOTS - 1);
	for (; s->port_slots[i]; i = (i + 1) & (PORT_SLOTS - 1)) {
		port = &s->port[s->port_slots[i] - 1];
		if (is_at(&port->at, key, end))
			return port;
	}
	if (!make || s->ports_n == SYN_PORTS_MAX)
		return NULL;
	port = &s->port[s->ports_n++];
	s->port_slots[i] = (uint16_t)s->ports_n;
	port->at = endpoint_of(key, end);
	return port;
}

static struct syn_pair *pair_of(struct analysis *a, const struct flow_key *key, uint8_t client, bool make)
{
	struct flow_key one = *key;
	struct syns *s = &a->syns;
	struct syn_pair *pair;
	size_t i;

	one.port[client] = 0;
	i = flow_hash(&a->flows, &one) & (PAIR_SLOTS - 1);
	for (; s->pair_slots[i]; i = (i + 1) & (PAIR_SLOTS - 1)) {
		pair = &s->pair[s->pair_slots[i] - 1];
		if (is_at(&pair->at, key, !client) && memcmp(pair->client, key->address[client], 16) == 0)
			return pair;
	}
	if (!make || s->pairs_n == SYN_PAIRS_MAX)
		return NULL;
	pair = &s->pair[s->pairs_n++];
	s->pair_slots[i] = (uint16_t)s->pairs_n;
	pair->at = endpoint_of(key, !client);
	memcpy(pair->client, key->address[client], 16);
	return pair;
}

/* ---- the machines next to the capture ---- */

/* Destination and source; NULL: not of an Ethernet frame without tags and tunnels. */
static const uint8_t *macs_of(const struct cap_packet *p)
{
	const uint8_t *tag = p->ip - 6;

	if (p->linktype != LINKTYPE_ETHERNET || p->tunnelled || (tag[0] == 0x81 && !tag[1]) ||
	    (tag[0] == 0x88 && tag[1] == 0xa8))
		return NULL;
	return p->ip - ETH_HLEN;
}

/* Routers answer for these, and send from their own: RFC 9568 (VRRP), HSRP 1 and 2, GLBP. */
static bool is_shared(const uint8_t *mac)
{
	static const uint8_t vrrp[] = {0, 0, 0x5e, 0}, hsrp[] = {0, 0, 0x0c, 0x07, 0xac},
			     hsrp2[] = {0, 0, 0x0c, 0x9f}, hsrp6[] = {0, 0x05, 0x73, 0xa0}, glbp[] = {0, 0x07, 0xb4};

	return !memcmp(mac, vrrp, sizeof(vrrp)) || !memcmp(mac, hsrp, sizeof(hsrp)) ||
	       !memcmp(mac, hsrp2, sizeof(hsrp2)) || !memcmp(mac, hsrp6, sizeof(hsrp6)) ||
	       !memcmp(mac, glbp, sizeof(glbp));
}

static void way_of_syn(struct syn_port *port, const struct cap_packet *p)
{
	const uint8_t *macs = macs_of(p);

	port->mac_client = macs ? endpoint_of(&p->key, p->from) : (struct endpoint){0};
	if (!macs)
		return;
	memcpy(port->mac_to, macs, sizeof(port->mac_to));
	memcpy(port->mac_from, macs + 6, sizeof(port->mac_from));
}

static void way_of_answer(struct syn_port *port, const struct flow *f, const struct cap_packet *p)
{
	const uint8_t *macs = macs_of(p);
	bool to, from;

	/*
	 * Of somebody else's SYN they say nothing; of one that was sent again, or that a capture of both sides
	 * of a router has twice, nobody knows which was answered. Both directions with the same two as if from
	 * one sender: the MACs were written anew.
	 */
	if (!macs || f->syns > 1 || !is_at(&port->mac_client, &f->key, f->client) ||
	    (!memcmp(macs, port->mac_to, 6) && !memcmp(macs + 6, port->mac_from, 6)))
		return;
	to = memcmp(macs, port->mac_from, 6) != 0 && !is_shared(macs) && !is_shared(port->mac_from);
	from = memcmp(macs + 6, port->mac_to, 6) != 0 && !is_shared(macs + 6) && !is_shared(port->mac_to);
	port->other_to += to;
	port->other_from += from;
	if (!to && !from) {
		port->one_way++;
	} else if (!port->other_ways++) {
		port->two_ways_packet = p->number;
		port->two_ways_flow = f->number;
	}
}

/* ---- floods ---- */

static uint32_t flood_limit(const struct syn_port *port)
{
	uint32_t sorted[SYN_SECONDS], n = port->earlier_n;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = i;

		for (; j && sorted[j - 1] > port->earlier[i]; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = port->earlier[i];
	}
	return n ? MAX(FLOOD_RATE, FLOOD_TIMES * sorted[n / 2]) : FLOOD_RATE;
}

static void run_over(struct syn_port *port)
{
	if (port->run.alarm)
		port->flood.syns += port->run.syns;
	memset(&port->run, 0, sizeof(port->run));
}

static void note_earlier(struct syn_port *port, uint32_t syns)
{
	port->earlier[port->earlier_at] = syns;
	port->earlier_at = (uint8_t)((port->earlier_at + 1) % SYN_SECONDS);
	port->earlier_n = (uint8_t)MIN(port->earlier_n + 1, SYN_SECONDS);
}

static void second_over(struct syn_port *port)
{
	bool alarm = false;

	if (port->concluded * 10 >= port->syns) {
		run_over(port);
	} else {
		alarm = port->syns > flood_limit(port);
		if (!port->run.syns)
			port->run.first_ns = port->second * NSEC_PER_SEC;
		port->run.syns += port->syns;
		port->run.alarm |= alarm;
		if (alarm) {
			port->flood.peak = MAX(port->flood.peak, port->syns);
			port->flood.last_ns = (port->second + 1) * NSEC_PER_SEC;
			if (!port->flood.first_ns)
				port->flood.first_ns = port->run.first_ns;
		}
	}
	if (!alarm)
		note_earlier(port, port->syns);
	port->syns = port->concluded = 0;
}

static void roll(struct syn_port *port, int64_t at_ns)
{
	int64_t second = at_ns / NSEC_PER_SEC;

	if (second <= port->second)
		return;
	if (port->second) {
		int64_t quiet = second - port->second - 1;

		second_over(port);
		if (quiet)
			run_over(port);
		for (int64_t i = 0; i < MIN(quiet, (int64_t)SYN_SECONDS); i++)
			note_earlier(port, 0);
	}
	port->second = second;
}

static void note_source(struct analysis *a, struct syn_port *port, const struct cap_packet *p)
{
	struct syn_form form = {p->window, p->mss, p->ttl, p->scale, p->has_ts, p->sack_permitted};
	struct flow_key one = {.family = p->key.family};
	uint32_t bit;

	if (!port->sources) {
		port->sources = xcalloc(SYN_SOURCES / 64, sizeof(*port->sources));
		port->flood.form = form;
		port->flood.packet = p->number;
		port->flood.flow = a->flows.numbers; /* the one that it began */
	}
	memcpy(one.address[0], p->key.address[p->from], 16);
	bit = flow_hash(&a->flows, &one) % SYN_SOURCES;
	port->sources[bit / 64] |= 1ULL << bit % 64;
	port->flood.formed++;
	port->flood.other_forms += memcmp(&form, &port->flood.form, sizeof(form)) != 0;
}

void syns_begun(struct analysis *a, const struct cap_packet *p)
{
	struct syn_port *port = port_of(a, &p->key, !p->from, true);

	if (!port)
		return;
	roll(port, p->at_ns);
	way_of_syn(port, p);
	if (++port->syns > FLOOD_RATE || port->run.alarm)
		note_source(a, port, p);
}

static bool is_flooded(const struct syn_port *port)
{
	uint64_t syns = port->flood.syns + (port->run.alarm ? port->run.syns : 0);

	/* Those who try again mean it: that is a server which is too slow for them. */
	return syns && port->flood.again * 10 < syns;
}

bool syns_flooded(struct analysis *a, const struct flow *f)
{
	const struct syn_port *port = a->syns.ports_n ? port_of(a, &f->key, !f->client, false) : NULL;

	return port && is_flooded(port);
}

/* Linear counting: of m places hit at random so many stay empty. */
static uint64_t sources(const struct syn_port *port)
{
	uint64_t hit = 0, low = 0, high;

	for (size_t i = 0; port->sources && i < SYN_SOURCES / 64; i++)
		hit += (uint64_t)__builtin_popcountll(port->sources[i]);
	if (hit >= SYN_SOURCES - 1)
		return 10 * SYN_SOURCES;
	/* The n for which m (1 - (1 - 1/m)^n) is `hit`, without logarithms. */
	high = 10 * SYN_SOURCES;
	while (high - low > 1) {
		uint64_t n = (low + high) / 2;
		double left = 1, base = 1 - 1.0 / SYN_SOURCES;

		for (uint64_t k = n; k; k >>= 1, base *= base)
			if (k & 1)
				left *= base;
		if (SYN_SOURCES * (1 - left) <= (double)hit + 0.5)
			low = n;
		else
			high = n;
	}
	return low;
}

/* ---- answers ---- */

static struct syn_form form_of(const struct half *h)
{
	return (struct syn_form){.mss = h->mss, .ttl = h->ttl, .scale = h->scale};
}

/* Ticks of 10 ms (the slowest clock of Linux) to 1 ms: it runs by itself, as one host's does. */
static bool one_clock(uint32_t from, int64_t from_ns, uint32_t to, int64_t to_ns)
{
	int64_t ticks = (int32_t)(to - from), ms = (to_ns - from_ns) / NSEC_PER_MSEC;

	return ticks >= ms / 12 && ticks <= ms + ms / 10 + 1;
}

static bool is_recent(const struct syn_pair *pair, int64_t at_ns)
{
	return pair->ts_ns && at_ns - pair->ts_ns <= PAWS_NS;
}

/*
 * Some stacks begin the stamps of each connection anew: then those that are answered are of no one
 * clock, and nothing follows from them.
 */
static void pair_answered(struct analysis *a, const struct flow *f, const struct cap_packet *p)
{
	const struct half *client = &f->half[f->client];
	struct syn_pair *pair = pair_of(a, &f->key, f->client, true);

	if (!pair)
		return;
	pair->answered_ns = p->at_ns;
	if (!(client->bits & HALF_TS))
		return;
	if (is_recent(pair, f->syn_ns) && seq_before(f->syn_tsval + 1, pair->tsval)) {
		pair->against_ns = p->at_ns;
		return;
	}
	if (is_recent(pair, f->syn_ns) && one_clock(pair->tsval, pair->ts_ns, f->syn_tsval, f->syn_ns))
		pair->steady++;
	else
		pair->steady = 0;
	pair->ts_ns = f->syn_ns;
	pair->tsval = f->syn_tsval;
	pair->form = form_of(client);
}

static void answered(struct analysis *a, struct flow *f, const struct cap_packet *p)
{
	struct syn_port *port = port_of(a, &p->key, p->from, true);
	const struct half *client = &f->half[f->client];

	if (f->synacks > 1 || !f->syns)
		return;
	pair_answered(a, f, p);
	if (!port)
		return;
	port->answered_ns = p->at_ns;
	port->answered++;
	way_of_answer(port, f, p);
	if (!(client->bits & HALF_SACK) && client->scale == 0xff)
		return;
	if (p->sack_permitted || p->has_scale || p->has_ts) {
		port->whole++;
	} else if (!port->bare++) {
		port->bare_packet = p->number;
		port->bare_flow = f->number;
	}
}

/* ---- silence ---- */

static void pair_ignored(struct syn_pair *pair, struct flow *f, const struct cap_packet *p)
{
	const struct half *h = &f->half[p->from];

	if (pair->answered_ns >= f->syn_ns)
		f->bits |= FLOW_SYN_SOURCE;
	f->bits &= ~(uint32_t)FLOW_SYN_PAWS;
	if (!is_recent(pair, p->at_ns))
		return;
	if (!p->has_ts || !seq_before(p->tsval + 1, pair->tsval)) {
		pair->against_ns = p->at_ns;
		return;
	}
	if (!pair->steady || !one_clock(f->syn_tsval, f->syn_ns, p->tsval, p->at_ns))
		return;
	f->bits |= FLOW_SYN_PAWS;
	if (h->ttl != pair->form.ttl || h->mss != pair->form.mss || h->scale != pair->form.scale)
		f->bits |= FLOW_SYN_OTHER_HOST;
}

bool syns_refuse_old(struct analysis *a, const struct flow *f)
{
	const struct syn_pair *pair;

	/* Others of its address were answered meanwhile, and no other SYN speaks against it. */
	if (!(f->bits & FLOW_SYN_PAWS) || !(f->bits & FLOW_SYN_SOURCE) || f->syns < 3)
		return false;
	pair = pair_of(a, &f->key, f->client, false);
	return pair && (!pair->against_ns || pair->against_ns < f->syn_ns - PAWS_NS ||
			pair->against_ns > f->last_syn_ns + PAWS_NS);
}

static void again(struct analysis *a, struct flow *f, const struct cap_packet *p, int64_t before_ns)
{
	struct syn_port *port = port_of(a, &p->key, !p->from, false);
	struct syn_pair *pair;

	if (f->synacks || !port)
		return;
	roll(port, p->at_ns);
	if (port->run.syns || p->at_ns <= port->flood.last_ns + LATE_NS)
		port->flood.again++;
	f->bits |= port->answered_ns >= before_ns ? FLOW_SYN_OTHERS : FLOW_SYN_NOBODY;
	pair = pair_of(a, &p->key, p->from, false);
	if (pair && pair->answered_ns)
		pair_ignored(pair, f, p);
}

static void concluded(struct analysis *a, const struct flow *f, const struct cap_packet *p)
{
	struct syn_port *port = port_of(a, &f->key, !f->client, false);

	if (!port)
		return;
	roll(port, p->at_ns);
	port->concluded++;
}

void syns_packet(struct analysis *a, struct flow *f, const struct cap_packet *p, uint32_t notes,
		 int64_t before_ns)
{
	if (notes & (NOTE_OPEN | NOTE_RESET)) {
		if ((notes & NOTE_OPEN) || p->from != f->client)
			concluded(a, f, p);
	} else if (p->flags & TCP_ACK) {
		answered(a, f, p);
	} else if (f->syns == 1) {
		syns_begun(a, p);
	} else if (f->syns > 1) {
		again(a, f, p, before_ns);
	}
}

/* ---- all of it ---- */

static struct trouble *trouble_for(struct analysis *a, enum trouble_kind kind, const struct endpoint *at)
{
	struct flow_key key = {.family = at->family};

	key.port[1] = at->port;
	memcpy(key.address[1], at->address, 16);
	return analysis_trouble(a, kind, &key, 0, false);
}

/* At the place of the single SYNs: they are those of the flood. */
static void tell_flood(struct analysis *a, const struct syn_port *port)
{
	struct trouble *t = analysis_trouble_at(a, TROUBLE_SYN_LONE, &port->at);

	if (!t)
		t = trouble_for(a, TROUBLE_SYN_FLOOD, &port->at);
	t->kind = TROUBLE_SYN_FLOOD;
	t->packet = t->packet ? t->packet : port->flood.packet;
	t->flow = t->flow ? t->flow : port->flood.flow;
	t->flows = MAX(t->flows, port->flood.syns);
	t->amount = port->flood.syns;
	t->detail[0] = sources(port);
	t->detail[1] = port->flood.peak;
	t->detail[2] = port->flood.other_forms * 100 < port->flood.formed;
	t->detail[3] = port->flood.formed;
}

static void tell_bare(struct analysis *a, const struct syn_port *port)
{
	struct trouble *t = trouble_for(a, TROUBLE_SYN_BARE, &port->at);

	t->flows = t->amount = port->bare;
	t->of = port->whole + port->bare;
	t->packet = port->bare_packet;
	t->flow = port->bare_flow;
}

static void tell_two_ways(struct analysis *a, const struct syn_port *port)
{
	uint64_t n = MAX(port->other_to, port->other_from);
	struct trouble *t;

	/* Of several clients each may come by a router of its own: nearly all must differ. */
	if (n < SPLIT_LEAST || n < port->one_way * 9)
		return;
	t = trouble_for(a, TROUBLE_TWO_WAYS, &port->at);
	t->flows = t->amount = n;
	t->of = port->one_way + port->other_ways;
	t->detail[0] = port->other_to;
	t->detail[1] = port->other_from;
	t->packet = port->two_ways_packet;
	t->flow = port->two_ways_flow;
}

/* `detail` of silent SYNs: see analysis_judge.c. Nine of ten must fit. */
static enum trouble_kind kind_of_silence(const struct trouble *t, const struct syn_port *port)
{
	if (t->detail[1] * 10 >= t->flows * 9)
		return TROUBLE_SYN_SELECTIVE;
	if (t->flows > 1 && port->answered && t->detail[2] * 10 >= t->flows * 9)
		return TROUBLE_SYN_QUEUE;
	return TROUBLE_SYN_SILENT;
}

void syns_end(struct analysis *a)
{
	struct syns *s = &a->syns;

	for (size_t i = 0; i < s->ports_n; i++) {
		struct syn_port *port = &s->port[i];
		struct trouble *t;

		second_over(port);
		run_over(port);
		/* By then who means it has tried again. */
		if (is_flooded(port) && a->sum.last_ns - port->flood.first_ns > LATE_NS / 2)
			tell_flood(a, port);
		if (port->bare && port->whole)
			tell_bare(a, port);
		tell_two_ways(a, port);
		t = analysis_trouble_at(a, TROUBLE_SYN_SILENT, &port->at);
		if (t)
			t->kind = kind_of_silence(t, port);
	}
}
