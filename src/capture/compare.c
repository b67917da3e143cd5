// SPDX-License-Identifier: GPL-2.0-or-later
/* Two captures read side by side, each packet looking for itself in the other. */
#include "capture/compare.h"

#include <math.h>
#include <netinet/in.h>

#define LOOKED_AT 256  /* of one bucket: of packets without identification many are alike */
#define PARTS_MAX 1024 /* segments of one packet; the largest has 512 KiB */
#define MASK (HOP_PENDING_MAX - 1)
#define ECN 3
#define LIKENESS_ALL 4

static struct sight *sight_at(const struct hop *h, uint64_t place)
{
	return &h->ring[place & MASK];
}

/* ---- flows ---- */

static uint32_t hash_of(const struct hop *h, const struct flow_key *key)
{
	uint64_t w[sizeof(*key) / 8], sum = h->seed;

	memcpy(w, key, sizeof(w));
	for (size_t i = 0; i < ARRAY_SIZE(w); i++)
		sum = (sum ^ w[i]) * 0x9e3779b97f4a7c15ULL, sum ^= sum >> 29;
	return (uint32_t)(sum ^ sum >> 32);
}

/* Index and one; 0: there is none. */
static uint32_t flow_find(const struct hop_side *side, const struct flow_key *key, uint32_t hash)
{
	size_t mask = 2 * HOP_FLOWS_MAX - 1;

	for (size_t i = hash & mask; side->slots[i]; i = (i + 1) & mask) {
		const struct hop_flow *f = &side->flows.items[side->slots[i] - 1];

		if (f->hash == hash && memcmp(&f->key, key, sizeof(*key)) == 0)
			return side->slots[i];
	}
	return 0;
}

/* Lives in both captures from now on. */
static void pair_up(struct hop *h, uint32_t first, uint32_t second, bool flip, bool translated)
{
	struct hop_flow *a = &h->side[0].flows.items[first], *b = &h->side[1].flows.items[second];

	a->peer = second + 1;
	b->peer = first + 1;
	a->flip = b->flip = flip;
	a->translated = b->translated = translated;
}

static uint32_t flow_of(struct hop *h, uint8_t s, const struct flow_key *key, uint64_t number)
{
	struct hop_side *side = &h->side[s];
	uint32_t hash = hash_of(h, key), found = flow_find(side, key, hash), other;
	size_t i = hash & (2 * HOP_FLOWS_MAX - 1);
	struct hop_flow *f;

	if (found || side->flows.n == HOP_FLOWS_MAX)
		return found;
	f = vec_push(&side->flows);
	*f = (struct hop_flow){.key = *key, .hash = hash, .first = number};
	found = (uint32_t)side->flows.n;
	while (side->slots[i])
		i = (i + 1) & (2 * HOP_FLOWS_MAX - 1);
	side->slots[i] = found;
	other = flow_find(&h->side[!s], key, hash);
	if (other && !h->side[!s].flows.items[other - 1].peer)
		pair_up(h, s ? other - 1 : found - 1, s ? found - 1 : other - 1, false, false);
	return found;
}

struct hop_dir *hop_dir_of(const struct hop *h, uint8_t side, uint32_t flow, uint8_t from)
{
	struct hop_flow *f = &h->side[side].flows.items[flow];

	if (side == 0 || !f->peer)
		return &f->dir[from];
	return &h->side[0].flows.items[f->peer - 1].dir[from ^ f->flip];
}

/* ---- the same packet ---- */

static bool same_end(const struct flow_key *a, uint8_t x, const struct flow_key *b, uint8_t y)
{
	return a->port[x] == b->port[y] && memcmp(a->address[x], b->address[y], 16) == 0;
}

/* Flows of other addresses or ports: is this one packet proof enough that they are one? */
static bool translated(const struct hop *h, const struct sight *a, const struct sight *b)
{
	const struct hop_flow *x = hop_flow(h, a), *y = hop_flow(h, b);

	if (x->key.family != y->key.family || a->protocol != b->protocol || a->head != b->head)
		return false;
	if (a->protocol == IPPROTO_TCP)
		return a->seq && a->window == b->window && a->tsval == b->tsval &&
		       ((a->flags & TCP_SYN) || a->ack);
	if (!same_end(&x->key, a->from, &y->key, b->from) && !same_end(&x->key, !a->from, &y->key, !b->from))
		return false;
	return a->protocol == IPPROTO_UDP && a->head && a->length >= 4 && (a->id || a->length >= 12);
}

static bool are_peers(const struct hop *h, const struct sight *a, const struct sight *b)
{
	return hop_flow(h, a)->peer == b->flow + 1 && hop_flow(h, b)->peer == a->flow + 1;
}

static bool related(const struct hop *h, const struct sight *a, const struct sight *b)
{
	const struct hop_flow *x = hop_flow(h, a), *y = hop_flow(h, b);

	if (are_peers(h, a, b))
		return (a->from ^ b->from) == x->flip;
	/* A translator may have given the ports of an earlier connection to the one that begins here. */
	if (((x->peer && !x->translated) || (y->peer && !y->translated)) ||
	    ((x->peer || y->peer) && (a->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN))
		return false;
	return translated(h, a, b);
}

/* So much of it is the same that need not be. */
static int likeness(const struct sight *a, const struct sight *b)
{
	return (a->tsval == b->tsval && a->tsecr == b->tsecr) + (a->window == b->window) + (a->body == b->body) +
	       (a->head == b->head);
}

/* Of those with the same key the one with the most in common, then the nearest in time. */
static struct sight *partner(const struct hop *h, const struct sight *s, uint64_t *ret_twin)
{
	uint64_t place = h->buckets[s->key & MASK];
	struct sight *best = NULL;
	int best_alike = -1, twin_alike = -1, seen = 0;
	double best_off = 0;

	for (; place > h->tail && seen < LOOKED_AT; place = sight_at(h, place - 1)->next) {
		struct sight *c = sight_at(h, place - 1);
		const struct hop_dir *d = hop_dir_of(h, s->side, s->flow, s->from);
		int64_t later;
		double off;
		int alike;

		seen++;
		if (c->key != s->key || c->side == s->side || !related(h, s, c))
			continue;
		alike = likeness(s, c);
		if (c->matched) {
			if (alike == LIKENESS_ALL)
				*ret_twin = c->number;
			twin_alike = MAX(twin_alike, alike);
			continue;
		}
		/* A second copy waits for the second one of the other side, and for no other. */
		if (c->twin && alike < LIKENESS_ALL)
			continue;
		later = s->side ? s->at_ns - c->at_ns : c->at_ns - s->at_ns;
		off = fabs((double)(later - h->clock.offset_ns) - hop_mean(d));
		if (alike > best_alike || (alike == best_alike && off <= best_off)) {
			best = c;
			best_alike = alike;
			best_off = off;
		}
	}
	/* A second copy of one that came is not the first of one that differs. */
	return twin_alike > best_alike ? NULL : best;
}

/* ---- what happened to it ---- */

static void change(struct hop_dir *d, enum hop_change_kind which, const struct sight *a, uint32_t from, uint32_t to)
{
	struct hop_change *c = &d->change[which];

	if (from == to)
		return;
	if (!c->packets++) {
		c->first = a->number;
		c->from = from;
		c->to = to;
	}
}

static void changes(struct hop_dir *d, const struct sight *a, const struct sight *b)
{
	d->ttl[0] = d->ttl[0] ? d->ttl[0] : a->ttl;
	d->ttl[1] = d->ttl[1] ? d->ttl[1] : b->ttl;
	change(d, CHANGE_ID, a, a->id, b->id);
	change(d, CHANGE_ECN, a, a->tos & ECN, b->tos & ECN);
	change(d, CHANGE_DSCP, a, a->tos >> 2, b->tos >> 2);
	if (a->body && b->body)
		change(d, CHANGE_PAYLOAD, a, 0, a->body != b->body);
	if (a->protocol != IPPROTO_TCP)
		return;
	change(d, CHANGE_OPTIONS, a, a->options & (a->flags & TCP_SYN ? 0xffU : HOP_TS),
	       b->options & (a->flags & TCP_SYN ? 0xffU : HOP_TS));
	change(d, CHANGE_WINDOW, a, a->window, b->window);
	if (a->mss && b->mss)
		change(d, CHANGE_MSS, a, a->mss, b->mss);
}

static void delays(const struct hop *h, struct hop_dir *d, const struct sight *a, const struct sight *b)
{
	int64_t later = b->at_ns - a->at_ns;

	d->diff_min = d->matched ? MIN(d->diff_min, later) : later;
	d->diff_max = d->matched ? MAX(d->diff_max, later) : later;
	if (d->matched)
		d->jitter_ns += (llabs(later - d->diff_last) - d->jitter_ns) / 16;
	d->diff_last = later;
	d->diff_sum += (double)(later - h->clock.offset_ns);
	d->matched++;
}

/* One that comes behind another that was sent later, in the order of capture 1 and of capture 0. */
static void order(struct hop_dir *d, const struct sight *a, const struct sight *b)
{
	const uint64_t number[2] = {a->number, b->number};

	for (int i = 0; i < 2; i++) {
		if (number[i] < d->last[i] && !d->reordered[i]++)
			d->first_reordered[i] = number[i];
		d->last[i] = MAX(d->last[i], number[i]);
	}
}

static void note_delay(struct hop *h, const struct sight *a, const struct sight *b)
{
	int64_t later = b->at_ns - a->at_ns - h->clock.offset_ns;
	bool there = later > 0 || (!later && h->clock.seen[WAY_THERE]);

	h->way[there ? WAY_THERE : WAY_BACK].delay[delay_bucket(llabs(later))]++;
}

void hop_pair(struct hop *h, const struct sight *a, const struct sight *b)
{
	struct hop_dir *d = hop_dir_of(h, 0, a->flow, a->from);

	changes(d, a, b);
	delays(h, d, a, b);
	note_delay(h, a, b);
	if ((a->again || b->again) && h->resent.n < HOP_LEFT_MAX)
		*(struct hop_range *)vec_push(&h->resent) =
			(struct hop_range){a->flow, a->from, a->seq, (int64_t)a->seq + a->length};
}

static void match(struct hop *h, struct sight *s, struct sight *c)
{
	struct sight *a = s->side ? c : s, *b = s->side ? s : c;

	if (!are_peers(h, a, b))
		pair_up(h, a->flow, b->flow, a->from != b->from, true);
	s->matched = c->matched = true;
	order(hop_dir_of(h, 0, a->flow, a->from), a, b);
	hop_pair(h, a, b);
}

/* ---- those that wait ---- */

static void leave(struct hop *h, struct sight *s)
{
	if (s->matched)
		return;
	s->acked = hop_acked(&hop_flow(h, s)->dir[s->from], s);
	if (h->left.n < HOP_LEFT_MAX)
		*(struct sight *)vec_push(&h->left) = *s;
	else
		h->left_out++;
}

static void wait_for_partner(struct hop *h, const struct sight *s)
{
	uint64_t *bucket = &h->buckets[s->key & MASK];
	struct sight *to;

	if (h->head - h->tail == HOP_PENDING_MAX) {
		h->hurried += !sight_at(h, h->tail)->matched;
		leave(h, sight_at(h, h->tail++));
	}
	to = sight_at(h, h->head++);
	*to = *s;
	to->next = *bucket;
	*bucket = h->head;
}

static void pass_time(struct hop *h, int64_t now_ns)
{
	while (h->tail < h->head) {
		struct sight *s = sight_at(h, h->tail);

		if (now_ns - (s->at_ns - (s->side ? h->clock.offset_ns : 0)) <= HOP_WINDOW_NS)
			return;
		h->tail++;
		leave(h, s);
	}
}

static void take_one(struct hop *h, struct sight *s)
{
	struct sight *found;

	h->side[s->side].flows.items[s->flow].dir[s->from].packets++;
	found = partner(h, s, &s->twin);
	wait_for_partner(h, s);
	/* Its place may have been the one that was needed. */
	if (found && found != sight_at(h, h->head - 1))
		match(h, sight_at(h, h->head - 1), found);
}

static uint32_t segment_size(const struct hop *h, const struct sight *s, const struct cap_packet *p)
{
	const struct hop_flow *f = hop_flow(h, s), *peer = f->peer ? &h->side[!s->side].flows.items[f->peer - 1]
								    : NULL;
	uint32_t mss[2], options = (uint32_t)(p->transport[12] >> 4) * 4 - 20;

	for (int i = 0; i < 2; i++) {
		mss[i] = f->dir[i].mss;
		if (!mss[i] && peer)
			mss[i] = peer->dir[i ^ f->flip].mss;
	}
	if (!mss[0] || !mss[1] || MIN(mss[0], mss[1]) <= options)
		return 0;
	return MIN(mss[0], mss[1]) - options;
}

static void note_tcp(struct hop_flow *f, struct sight *s, const struct cap_packet *p)
{
	struct hop_dir *d = &f->dir[s->from], *back = &f->dir[!s->from];
	uint32_t end = s->seq + s->length + !!(s->flags & TCP_SYN) + !!(s->flags & TCP_FIN);

	if (s->mss)
		d->mss = s->mss;
	s->again = d->nxt_known && (int32_t)(s->seq - d->nxt) < 0 && end != s->seq;
	if (!d->nxt_known || (int32_t)(end - d->nxt) > 0)
		d->nxt = end;
	d->nxt_known = true;
	if ((p->flags & (TCP_ACK | TCP_RST)) != TCP_ACK)
		return;
	if (!back->acked_known || (int32_t)(p->ack - back->acked) > 0)
		back->acked = p->ack;
	back->acked_known = true;
}

static void take_packet(struct hop *h, uint8_t side, const struct raw_packet *raw)
{
	struct cap_packet p;
	struct sight s;
	struct flow_key key;
	uint32_t size = 0, flow;
	uint8_t from;

	if (!packet_decode(raw, &p) || !p.ip) {
		h->side[side].not_ip++;
		return;
	}
	if (!sight_of(&p, &s) || !sight_key(&p, &key, &from)) {
		h->side[side].fragments += p.fragment;
		return;
	}
	flow = flow_of(h, side, &key, p.number);
	if (!flow) {
		h->side[side].untracked++;
		return;
	}
	s.side = side;
	s.flow = flow - 1;
	s.from = from;
	h->side[side].compared++;
	if (p.kind == PACKET_TCP) {
		note_tcp(hop_flow(h, &s), &s, &p);
		size = segment_size(h, &s, &p);
	}
	if (!size || s.length <= size || s.length / size >= PARTS_MAX) {
		take_one(h, &s);
		return;
	}
	for (uint32_t at = 0; at < s.length; at += size) {
		struct sight part = sight_segment(&s, &p, at, size);

		h->side[side].segments++;
		take_one(h, &part);
	}
}

/* ---- the run ---- */

static int read_both(const char *const path[2], struct hop *h, struct buf *message)
{
	struct reader *r[2] = {NULL, NULL};
	struct raw_packet p[2];
	bool more[2] = {false, false};
	int err = 0;

	for (int i = 0; i < 2 && err >= 0; i++) {
		err = reader_open(path[i], &r[i], message);
		more[i] = err >= 0 && reader_next(r[i], &p[i], 1) == 1;
	}
	while (err >= 0 && (more[0] || more[1])) {
		int64_t at[2] = {more[0] ? p[0].at_ns : 0, more[1] ? p[1].at_ns - h->clock.offset_ns : 0};
		uint8_t i = !more[0] || (more[1] && at[1] < at[0]);

		pass_time(h, at[i]);
		take_packet(h, i, &p[i]);
		more[i] = reader_next(r[i], &p[i], 1) == 1;
	}
	for (int i = 0; i < 2; i++)
		if (r[i]) {
			h->side[i].file = *reader_sum(r[i]);
			reader_close(r[i]);
		}
	return err;
}

/* What is needed no more once the packets are through. */
static void reading_done(struct hop *h)
{
	for (int i = 0; i < 2; i++) {
		free(h->side[i].slots);
		h->side[i].slots = NULL;
	}
	free(h->ring);
	free(h->buckets);
	h->ring = NULL;
	h->buckets = NULL;
	vec_done(&h->resent);
}

int hop_compare(const char *first, const char *second, struct hop *ret, struct buf *message)
{
	const char *const path[2] = {first, second};
	int err;

	*ret = (struct hop){.seed = 0x5bd1e9955bd1e995ULL ^ (uint64_t)monotonic_ns()};
	for (int i = 0; i < 2; i++) {
		ret->side[i].name = path[i];
		ret->side[i].slots = xcalloc((size_t)2 * HOP_FLOWS_MAX, sizeof(uint32_t));
	}
	ret->ring = xcalloc(HOP_PENDING_MAX, sizeof(*ret->ring));
	ret->buckets = xcalloc(HOP_PENDING_MAX, sizeof(*ret->buckets));
	err = hop_clocks(path, ret, message);
	if (err >= 0)
		err = read_both(path, ret, message);
	if (err < 0) {
		hop_done(ret);
		return err;
	}
	while (ret->tail < ret->head)
		leave(ret, sight_at(ret, ret->tail++));
	hop_judge(ret);
	reading_done(ret);
	return 0;
}

void hop_done(struct hop *h)
{
	reading_done(h);
	for (int i = 0; i < 2; i++)
		vec_done(&h->side[i].flows);
	vec_done(&h->left);
	*h = (struct hop){0};
}
