// SPDX-License-Identifier: GPL-2.0-or-later
/* Where each packet goes. */
#include "capture/analysis_parts.h"

#include <netinet/in.h>

#define TABLE_SLOTS (2 * TROUBLES_MAX)

void analysis_init(struct analysis *a, uint64_t memory)
{
	*a = (struct analysis){0};
	flows_init(&a->flows, memory);
	syns_init(&a->syns);
	a->flows.flow_over = analysis_flow_over;
	a->flows.syn_over = analysis_syn_over;
	a->flows.context = a;
	a->troubles = xcalloc(TROUBLES_MAX, sizeof(*a->troubles));
	a->servers = xcalloc(SERVERS_MAX, sizeof(*a->servers));
	a->trouble_slots = xcalloc(TABLE_SLOTS, sizeof(*a->trouble_slots));
	a->server_slots = xcalloc(TABLE_SLOTS, sizeof(*a->server_slots));
}

void analysis_done(struct analysis *a)
{
	flows_done(&a->flows);
	syns_done(&a->syns);
	free(a->troubles);
	free(a->servers);
	free(a->trouble_slots);
	free(a->server_slots);
	free(a->asks.ask);
	free(a->fragments.list);
	*a = (struct analysis){0};
}

/* ---- sums of bounded size ---- */

static size_t slot_of(const struct analysis *a, const struct flow_key *key, uint8_t end, size_t salt)
{
	struct flow_key one = {.family = key->family, .zero = (uint16_t)salt};

	one.port[0] = key->port[end];
	memcpy(one.address[0], key->address[end], 16);
	return flow_hash(&a->flows, &one) & (TABLE_SLOTS - 1);
}

/* The last place of each table stands for all that found none. */
struct trouble *analysis_trouble(struct analysis *a, enum trouble_kind kind,
				 const struct flow_key *key, uint8_t client, bool at_client)
{
	uint8_t end = !client;
	size_t i = slot_of(a, key, end, kind * 2 + at_client);
	struct trouble *t;

	for (; a->trouble_slots[i]; i = (i + 1) & (TABLE_SLOTS - 1)) {
		t = &a->troubles[a->trouble_slots[i] - 1];
		if (t->kind == kind && t->at_client == at_client && is_at(&t->server, key, end)) {
			t->flows++;
			return t;
		}
	}
	if (a->troubles_n >= TROUBLES_MAX - TROUBLE_N) {
		/* One for each kind, behind those that were told apart. */
		for (i = TROUBLES_MAX - TROUBLE_N; i < a->troubles_n; i++)
			if (a->troubles[i].kind == kind)
				break;
		if (i < a->troubles_n) {
			a->troubles[i].flows++;
			return &a->troubles[i];
		}
		t = &a->troubles[a->troubles_n++];
		*t = (struct trouble){.kind = kind, .flows = 1};
		return t;
	}
	t = &a->troubles[a->troubles_n++];
	a->trouble_slots[i] = (uint16_t)a->troubles_n;
	*t = (struct trouble){.kind = kind, .at_client = at_client, .flows = 1,
			      .server = endpoint_of(key, end),
			      .client = endpoint_of(key, client)};
	return t;
}

struct trouble *analysis_trouble_at(struct analysis *a, enum trouble_kind kind, const struct endpoint *at)
{
	for (size_t i = 0; i < a->troubles_n; i++)
		if (a->troubles[i].kind == kind && a->troubles[i].server.family &&
		    a->troubles[i].server.port == at->port && a->troubles[i].server.family == at->family &&
		    memcmp(a->troubles[i].server.address, at->address, sizeof(at->address)) == 0)
			return &a->troubles[i];
	return NULL;
}

struct server *analysis_server(struct analysis *a, const struct flow_key *key, uint8_t end)
{
	size_t i = slot_of(a, key, end, 0x8000 | key->protocol);
	struct server *s;

	for (; a->server_slots[i]; i = (i + 1) & (TABLE_SLOTS - 1)) {
		s = &a->servers[a->server_slots[i] - 1];
		if (s->protocol == key->protocol && is_at(&s->at, key, end))
			return s;
	}
	if (a->servers_n >= SERVERS_MAX - 1) {
		a->servers_n = SERVERS_MAX;
		return &a->servers[SERVERS_MAX - 1];
	}
	s = &a->servers[a->servers_n++];
	a->server_slots[i] = (uint16_t)a->servers_n;
	s->at = endpoint_of(key, end);
	s->protocol = key->protocol;
	return s;
}

/* ---- packets ---- */

static void odd_link(struct analysis *a, uint16_t linktype)
{
	a->sum.unknown_link++;
	for (size_t i = 0; i < ODD_LINKTYPES; i++)
		if (!a->sum.odd_link[i].packets || a->sum.odd_link[i].linktype == linktype) {
			a->sum.odd_link[i].linktype = linktype;
			a->sum.odd_link[i].packets++;
			return;
		}
}

/* No stack sends these: RFC 9293 has no state for them. */
static inline bool impossible(uint8_t flags)
{
	flags &= TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK;
	if (flags == TCP_ACK)
		return false;
	return !(flags & (TCP_SYN | TCP_RST | TCP_ACK)) || (flags & (TCP_SYN | TCP_FIN)) == (TCP_SYN | TCP_FIN) ||
	       (flags & (TCP_SYN | TCP_RST)) == (TCP_SYN | TCP_RST);
}

static void take_impossible(struct analysis *a, const struct cap_packet *p)
{
	struct trouble *t = analysis_trouble(a, TROUBLE_FLAGS, &p->key, p->from, false);

	t->amount++;
	if (p->flags & TCP_SYN)
		t->detail[2]++;
	else if (p->flags & TCP_FIN)
		t->detail[1]++;
	else
		t->detail[0]++;
	if (!t->packet)
		t->packet = p->number;
	t->packet_2 = p->number;
}

static void tell(struct analysis *a, const struct flow *f, const struct cap_packet *p, uint32_t notes)
{
	if (f->number == a->watched && a->watched)
		a->tell(a->context, f, p, notes);
}

/* The second packet after a lone SYN, or one of a connection that is new to the table. */
static struct flow *begin(struct analysis *a, const struct cap_packet *p, uint32_t hash,
			  struct lone_syn *h)
{
	struct cap_packet syn;
	struct flow *f;
	uint32_t number;

	if (!h)
		return flow_new(&a->flows, &p->key, hash, 0, p);
	tcp_syn_of(h, &syn);
	number = h->number;
	flow_forget_syn(&a->flows, h);
	f = flow_new(&a->flows, &p->key, hash, number, &syn);
	tell(a, f, &syn, tcp_packet(&a->flows, f, &syn));
	return f;
}

/* `fetched`: what flows_fetch() found; meanwhile it may be another's. */
static inline struct flow *find(struct analysis *a, const struct cap_packet *p, uint32_t hash,
				struct flow *fetched, struct lone_syn **ret_syn)
{
	*ret_syn = NULL;
	if (fetched && fetched->number && same_key(&fetched->key, &p->key))
		return fetched;
	return flows_find(&a->flows, &p->key, hash, ret_syn);
}

static void take_tcp(struct analysis *a, const struct cap_packet *p, uint32_t hash, struct flow *fetched)
{
	struct lone_syn *h;
	struct flow *f = find(a, p, hash, fetched, &h);
	int64_t before_ns;
	uint32_t notes;
	bool reused = false, lone = (p->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;

	a->sum.tcp++;
	if (impossible(p->flags)) {
		take_impossible(a, p);
		return;
	}
	if (f && tcp_is_new(f, p)) {
		flow_forget(&a->flows, f);
		f = NULL;
		reused = true;
	} else if (h && lone && h->seq != p->seq) {
		analysis_syn_over(a, h);
		flow_forget_syn(&a->flows, h);
		h = NULL;
		reused = true;
	}
	if (!f && !h && lone && !reused) {
		flow_note_syn(&a->flows, p, hash);
		syns_begun(a, p);
		return;
	}
	if (!f)
		f = begin(a, p, hash, h);
	if (reused)
		f->bits |= FLOW_REUSED;
	before_ns = p->flags & TCP_SYN ? f->last_syn_ns : 0;
	notes = tcp_packet(&a->flows, f, p);
	tell(a, f, p, notes);
	if ((p->flags & TCP_SYN) || (notes & NOTE_OPEN) ||
	    ((notes & NOTE_RESET) && f->reset.packet == p->number && f->reset.early))
		syns_packet(a, f, p, notes, before_ns);
}

static void take_udp(struct analysis *a, const struct cap_packet *p, uint32_t hash)
{
	struct lone_syn *h;
	struct flow *f = flows_find(&a->flows, &p->key, hash, &h);
	struct half *half;

	a->sum.udp++;
	if (f && p->at_ns - f->last_ns > 60 * NSEC_PER_SEC) {
		flow_forget(&a->flows, f);
		f = NULL;
	}
	if (!f)
		f = flow_new(&a->flows, &p->key, hash, 0, p);
	half = &f->half[p->from];
	half->packets++;
	half->bytes += p->payload;
	if (p->has_id)
		ipid_take(&half->ids, p->id, !p->fragment && (p->ip[6] & 0x40), p->number);
	if (rtp_looks(p))
		rtp_take(&flow_track(&a->flows, half)->rtp, p, &half->udp);
	udp_asks_take(&a->asks, f, p);
	half->last_ns = f->last_ns = p->at_ns;
	f->last_packet = p->number;
	tell(a, f, p, 0);
}

static void take_icmp(struct analysis *a, const struct cap_packet *p, uint32_t hash)
{
	struct lone_syn *h;
	struct flow *f;

	a->sum.icmp_errors++;
	f = flows_find(&a->flows, &p->key, hash, &h);
	if (!f && !h)
		return;
	if (!f)
		f = begin(a, p, hash, h);
	if (!f->icmp_packet) {
		f->icmp_packet = p->number;
		f->icmp_type = p->icmp_type;
		f->icmp_code = p->icmp_code;
		f->icmp_mtu = p->icmp_mtu;
	}
	tell(a, f, p, 0);
}

static inline void note_time(struct analysis *a, int64_t at_ns)
{
	if (!a->sum.packets++)
		a->sum.first_ns = a->sum.last_ns = at_ns;
	if (at_ns < a->sum.last_ns)
		a->sum.backwards++;
	else
		a->sum.last_ns = at_ns;
	a->sum.first_ns = MIN(a->sum.first_ns, at_ns);
}

static void take(struct analysis *a, const struct cap_packet *p, struct flow *fetched)
{
	note_time(a, p->at_ns);
	if (p->kind == PACKET_UNREAD) {
		odd_link(a, p->linktype);
		return;
	}
	a->sum.cut += p->cut;
	if (p->fragment) {
		a->sum.fragments++;
		fragments_take(a, p);
	}
	a->sum.tunnelled += p->tunnelled;
	if (p->kind == PACKET_TCP)
		take_tcp(a, p, p->hash, fetched);
	else if (p->kind == PACKET_UDP)
		take_udp(a, p, p->hash);
	else if (p->kind == PACKET_ICMP_ERROR)
		take_icmp(a, p, p->hash);
	else if (p->not_ip)
		a->sum.not_ip++;
	else
		a->sum.other_ip++;
}

void analysis_decode(const struct analysis *a, const struct raw_packet *raw, size_t n,
		     struct cap_packet *ret)
{
	for (size_t i = 0; i < n; i++) {
		packet_decode(&raw[i], &ret[i]);
		if (ret[i].kind > PACKET_OTHER)
			ret[i].hash = flow_hash(&a->flows, &ret[i].key);
	}
}

static void take_batch(struct analysis *a, const struct cap_packet *p, size_t n)
{
	struct flow *fetched[ANALYSIS_BATCH];

	for (size_t i = 0; i < n; i++)
		flows_fetch_slot(&a->flows, p[i].hash);
	for (size_t i = 0; i < n; i++)
		fetched[i] = flows_fetch(&a->flows, p[i].hash);
	/* Meanwhile what the halves refer to is known. */
	for (size_t i = 0; i < n; i++)
		if (fetched[i] && p[i].payload)
			flow_fetch_track(&fetched[i]->half[p[i].from]);
	for (size_t i = 0; i < n; i++) {
		/* Those of the next batch, if there is one: another processor may have written them. */
		__builtin_prefetch(&p[i + n]);
		__builtin_prefetch((const char *)&p[i + n] + CACHE_LINE);
		take(a, &p[i], fetched[i]);
	}
}

void analysis_take(struct analysis *a, const struct cap_packet *p, size_t n)
{
	for (size_t i = 0; i < n; i += ANALYSIS_BATCH)
		take_batch(a, p + i, MIN(n - i, (size_t)ANALYSIS_BATCH));
}

void analysis_packets(struct analysis *a, const struct raw_packet *raw, size_t n)
{
	struct cap_packet p[ANALYSIS_BATCH];

	for (size_t i = 0, some; i < n; i += some) {
		some = MIN(n - i, (size_t)ANALYSIS_BATCH);
		analysis_decode(a, raw + i, some, p);
		take_batch(a, p, some);
	}
}

void analysis_end(struct analysis *a)
{
	a->sum.evicted = a->flows.evicted;
	a->ending = true;
	flows_end(&a->flows);
	syns_end(a);
	fragments_end(a);
	analysis_udp_end(a);
}
