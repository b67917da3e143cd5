// SPDX-License-Identifier: GPL-2.0-or-later
/* Which way each direction went, and what became of the packets that have no partner. */
#include <netinet/in.h>
#include <sys/socket.h>

#include "capture/compare.h"

#define NEAR 64	     /* packets without partner that are looked at for one */
#define SLACK_NS NSEC_PER_MSEC

/* ---- the way ---- */

/* Seen on the hop, an address is on the one or the other side of it. */
struct place {
	uint8_t address[16], family;
	enum way way; /* of what it sends */
};

static int by_address(const void *a, const void *b)
{
	return memcmp(a, b, offsetof(struct place, family) + 1); /* padding follows */
}

/* Of a direction of its own; false: nothing tells. A router takes from the TTL; a wire takes time. */
static bool own_way(const struct hop *h, const struct hop_dir *d, const struct hop_dir *back, enum way *ret)
{
	double later = hop_mean(d), than = hop_mean(back); /* 0 of none: as the offset is */

	if (!d->matched)
		return false;
	if (d->ttl[0] != d->ttl[1])
		*ret = d->ttl[0] > d->ttl[1] ? WAY_THERE : WAY_BACK;
	else if ((back->matched || h->clock.known) && later != than)
		*ret = later > than ? WAY_THERE : WAY_BACK;
	else
		return false;
	return true;
}

/* Clients are taken to be on the side of the first capture where nothing tells. */
static void ways_of(const struct hop *h, struct hop_flow *f)
{
	struct hop_dir *d = f->dir;

	for (int i = 0; i < 2; i++)
		d[i].way_known = own_way(h, &d[i], &d[!i], &d[i].way);
	for (int i = 0; i < 2; i++)
		if (!d[i].way_known && d[!i].way_known) {
			d[i].way = !d[!i].way;
			d[i].way_known = true;
		}
	if (!d[0].way_known) {
		/* Of one way only: the captures were given in the order of the path. */
		if (!d[0].matched != !d[1].matched)
			d[0].way = d[0].matched ? WAY_THERE : WAY_BACK;
		else
			d[0].way = f->key.port[0] >= f->key.port[1] ? WAY_THERE : WAY_BACK;
		d[1].way = !d[0].way;
	}
}

static size_t places(const struct hop *h, uint8_t side, struct place *ret)
{
	const struct hop_side *s = &h->side[side];
	size_t n = 0;

	for (uint32_t i = 0; i < s->flows.n; i++) {
		const struct hop_flow *f = &s->flows.items[i];
		bool seen = false;

		for (uint8_t end = 0; end < 2; end++)
			seen |= hop_dir_of(h, side, i, end)->matched > 0;
		for (uint8_t end = 0; end < 2 && f->peer && seen; end++) {
			struct place *p = &ret[n++];

			p->family = f->key.family;
			memcpy(p->address, f->key.address[end], 16);
			p->way = hop_dir_of(h, side, i, end)->way;
		}
	}
	qsort(ret, n, sizeof(*ret), by_address);
	return n;
}

/* A flow that the other capture does not show: is it one that passes there? */
static void way_by_place(struct hop_flow *f, const struct place *p, size_t n)
{
	const struct place *at[2];

	for (int end = 0; end < 2; end++) {
		struct place key = {.family = f->key.family};

		memcpy(key.address, f->key.address[end], 16);
		at[end] = bsearch(&key, p, n, sizeof(*p), by_address);
	}
	for (int i = 0; i < 2; i++) {
		/* Where it goes to is known to lie behind the other capture. */
		f->dir[i].way_known = at[!i] && !(at[i] && at[i]->way == at[!i]->way);
		f->dir[i].way = at[!i] ? (enum way)!at[!i]->way : WAY_THERE;
	}
}

static void ways(struct hop *h)
{
	for (size_t i = 0; i < h->side[0].flows.n; i++)
		if (h->side[0].flows.items[i].peer)
			ways_of(h, &h->side[0].flows.items[i]);
	for (uint8_t side = 0; side < 2; side++) {
		struct place *p = xcalloc(2 * h->side[side].flows.n + 1, sizeof(*p));
		size_t n = places(h, side, p);

		vec_each (f, &h->side[side].flows)
			if (!f->peer)
				way_by_place(f, p, n);
		free(p);
	}
}

/* ---- the span of delays ---- */

/* What was changed on the way back was first seen behind the hop. */
static void turn_changes(struct hop_dir *d)
{
	for (int c = 0; c < CHANGE_N && d->way == WAY_BACK; c++) {
		uint32_t was = d->change[c].to;

		d->change[c].to = d->change[c].from;
		d->change[c].from = was;
	}
}

static void sum_up(struct hop *h)
{
	bool any[2] = {false, false};
	double jitter[2] = {0, 0};

	vec_each (f, &h->side[0].flows)
		for (int i = 0; i < 2; i++) {
			struct hop_dir *d = &f->dir[i];
			struct hop_way *w = &h->way[d->way];
			int64_t least = d->way == WAY_THERE ? d->diff_min - h->clock.offset_ns
							    : h->clock.offset_ns - d->diff_max;
			int64_t most = d->way == WAY_THERE ? d->diff_max - h->clock.offset_ns
							   : h->clock.offset_ns - d->diff_min;

			if (!d->matched)
				continue;
			turn_changes(d);
			w->least_ns = any[d->way] ? MIN(w->least_ns, least) : least;
			w->most_ns = any[d->way] ? MAX(w->most_ns, most) : most;
			any[d->way] = true;
			w->matched += d->matched;
			w->reordered += d->reordered[d->way];
			jitter[d->way] += (double)d->jitter_ns * (double)d->matched;
		}
	for (int i = 0; i < 2; i++)
		h->way[i].jitter_ns = (int64_t)(jitter[i] / (double)MAX(h->way[i].matched, 1));
}

/* ---- a second look ---- */

static struct hop_dir *dir_of(const struct hop *h, const struct sight *s)
{
	return hop_dir_of(h, s->side, s->flow, s->from);
}

static bool unpaired(const struct hop *h, const struct sight *s)
{
	return !hop_flow(h, s)->peer;
}

/* qsort has no context. */
static const struct hop *sorted;

static int by_dir(const void *a, const void *b)
{
	const struct sight *x = a, *y = b;
	const struct hop_dir *d = dir_of(sorted, x), *e = dir_of(sorted, y);

	if (d != e)
		return d < e ? -1 : 1;
	if (x->side != y->side)
		return x->side - y->side;
	if (x->protocol == IPPROTO_TCP && x->seq != y->seq)
		return (int32_t)(x->seq - y->seq) < 0 ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* Somebody wrote other identifications: then next to none of the direction has matched by it. */
static bool renumbered(const struct sight *a, const struct sight *b)
{
	return a->has_id && a->seq == b->seq && a->length == b->length && a->ack == b->ack &&
	       a->head == b->head && (a->flags & ~(TCP_ECE | TCP_CWR)) == (b->flags & ~(TCP_ECE | TCP_CWR));
}

/* Of UDP without identification the bytes are the key: those that were changed match nothing. */
static bool damaged(const struct hop_dir *d, const struct sight *a, const struct sight *b)
{
	int64_t later = b->at_ns - a->at_ns;

	return !a->twin && !b->twin && a->protocol == IPPROTO_UDP && !a->id && !b->id && a->length == b->length &&
	       a->body && b->body && later >= d->diff_min - SLACK_NS && later <= d->diff_max + SLACK_NS;
}

/* Two lists of one direction, in order. */
static void look_again(struct hop *h, struct hop_dir *d, struct sight *a, size_t an, struct sight *b, size_t bn)
{
	/* By chance one of 65536 is the same, and those of 0 that are left alone. */
	bool fresh = d->matched * 8 <= MIN(an, bn), known = d->matched > 0;
	size_t from = 0;

	for (size_t i = 0; i < an; i++)
		for (size_t j = from; j < MIN(bn, from + NEAR); j++) {
			if (b[j].fate == FATE_N || !((fresh && renumbered(&a[i], &b[j])) ||
						     (known && damaged(d, &a[i], &b[j]))))
				continue;
			hop_pair(h, &a[i], &b[j]);
			a[i].fate = b[j].fate = FATE_N;
			while (from < bn && b[from].fate == FATE_N)
				from++;
			break;
		}
}

/* So near to `base` that 32 bits tell which of two is the earlier. */
static bool in_reach(const struct sight *s, size_t n, uint32_t base)
{
	for (size_t i = 0; i < n; i++)
		if (s[i].seq - base + (1U << 29) >= 1U << 30)
			return false;
	return true;
}

/*
 * All bytes of `s` are in these, which are in the order of their sequence numbers. `first`: those
 * before it end before `s`, and before all that are asked for later; NULL: they are not in reach.
 */
static bool covered(const struct sight *s, const struct sight *list, size_t n, size_t *first)
{
	uint32_t at = s->seq, end = s->seq + s->length;

	while (first && *first < n && (int32_t)(list[*first].seq + list[*first].length - s->seq) <= 0)
		++*first;
	for (size_t i = first ? *first : 0; i < n && (int32_t)(at - end) < 0; i++) {
		if (first && (int32_t)(list[i].seq - at) > 0)
			break;
		/* Doubled, or the same bytes in another packet: not a part of this one. */
		if (list[i].fate == FATE_N || list[i].twin || list[i].length == s->length ||
		    (int32_t)(list[i].seq - at) > 0)
			continue;
		if ((int32_t)(list[i].seq + list[i].length - at) > 0)
			at = list[i].seq + list[i].length;
	}
	return s->length && (int32_t)(at - end) >= 0;
}

/* Cut or joined elsewhere, and the MSS is not known: the bytes tell. */
static void look_for_bytes(struct sight *a, size_t an, struct sight *b, size_t bn)
{
	bool ordered = in_reach(a, an, a->seq) && in_reach(b, bn, a->seq);
	size_t first[2] = {0, 0}, *of_b = ordered ? &first[1] : NULL, *of_a = ordered ? &first[0] : NULL;

	for (size_t i = 0; i < an; i++)
		if (a[i].fate != FATE_N && a[i].protocol == IPPROTO_TCP && covered(&a[i], b, bn, of_b))
			a[i].fate = FATE_MERGED;
	for (size_t j = 0; j < bn; j++)
		if (b[j].fate != FATE_N && b[j].protocol == IPPROTO_TCP && covered(&b[j], a, an, of_a))
			b[j].fate = FATE_MERGED;
}

static void second_look(struct hop *h)
{
	struct sight *s = h->left.items;

	sorted = h;
	if (h->left.n)
		qsort(s, h->left.n, sizeof(*s), by_dir);
	for (size_t i = 0, half, end; i < h->left.n; i = end) {
		for (end = i + 1; end < h->left.n && dir_of(h, &s[end]) == dir_of(h, &s[i]); end++)
			;
		for (half = i; half < end && !s[half].side; half++)
			;
		if (half == i || half == end || unpaired(h, &s[i]))
			continue;
		look_again(h, dir_of(h, &s[i]), s + i, half - i, s + half, end - half);
		look_for_bytes(s + i, half - i, s + half, end - half);
	}
}

/* ---- what became of the rest ---- */

/* By its way it should have been, or be, in the other capture at some time that is not in there. */
static bool at_edge(const struct hop *h, const struct sight *s, bool upstream, enum way way)
{
	const struct hop_side *other = &h->side[!s->side];
	int64_t there = s->at_ns + (s->side ? -h->clock.offset_ns : h->clock.offset_ns);
	int64_t first = there + (upstream ? h->way[way].least_ns : -h->way[way].most_ns);
	int64_t last = there + (upstream ? h->way[way].most_ns : -h->way[way].least_ns);

	return first < other->first_ns || last > other->last_ns;
}

static int by_range(const void *a, const void *b)
{
	const struct hop_range *x = a, *y = b;

	if (x->flow != y->flow)
		return x->flow < y->flow ? -1 : 1;
	if (x->from != y->from)
		return x->from - y->from;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

static bool same_dir(const struct hop_range *x, const struct hop_range *y)
{
	return x->flow == y->flow && x->from == y->from;
}

/* In their order, and those that touch as one: what was sent again many times is looked for once. */
static void join_ranges(struct hop *h)
{
	size_t n = 0;

	if (h->resent.n)
		qsort(h->resent.items, h->resent.n, sizeof(*h->resent.items), by_range);
	vec_each (r, &h->resent) {
		struct hop_range *last = n ? &h->resent.items[n - 1] : NULL;

		if (last && same_dir(last, r) && r->seq <= last->end)
			last->end = MAX(last->end, r->end);
		else
			h->resent.items[n++] = *r;
	}
	h->resent.n = n;
}

/* Does one of them have some of these bytes? It would be the last that begins in front of their end. */
static bool in_range(const struct hop *h, const struct hop_range *bytes)
{
	size_t low = 0, high = h->resent.n;
	struct hop_range end = *bytes;

	end.seq = bytes->end;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (by_range(&h->resent.items[middle], &end) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low && same_dir(&h->resent.items[low - 1], bytes) && h->resent.items[low - 1].end > bytes->seq;
}

/* The same bytes came through later. Theirs or these may go on behind sequence number 2^32. */
static bool sent_again(const struct hop *h, const struct sight *s)
{
	const struct hop_flow *f = hop_flow(h, s);
	struct hop_range bytes = {.flow = s->side ? f->peer - 1 : s->flow,
				  .from = s->side ? s->from ^ f->flip : s->from};

	for (int64_t turn = -1; turn <= 1; turn++) {
		bytes.seq = s->seq + turn * (1LL << 32);
		bytes.end = bytes.seq + s->length;
		if (in_range(h, &bytes))
			return true;
	}
	return false;
}

/* The receiver had it although nobody sent it again: it did pass. */
static bool receiver_had_it(const struct hop *h, const struct sight *s)
{
	const struct hop_dir *d = &hop_flow(h, s)->dir[s->from];

	return s->protocol == IPPROTO_TCP && s->length && (s->acked || hop_acked(d, s)) && !sent_again(h, s);
}

/* It reached its end, or the other capture may have it untold: its absence proves nothing. */
static bool passed_unseen(const struct hop *h, const struct sight *s)
{
	const struct hop_flow *f = hop_flow(h, s);

	return h->side[!s->side].untracked ||
	       (s->protocol == IPPROTO_TCP ? f->dir[s->from].acked_known : f->dir[!s->from].packets > 0);
}

static enum fate fate_of(const struct hop *h, const struct sight *s)
{
	const struct hop_dir *d = dir_of(h, s);
	bool upstream = (d->way == WAY_THERE) == !s->side, alone = unpaired(h, s);

	if (s->fate == FATE_MERGED || s->fate == FATE_N)
		return s->fate;
	if (alone && (!d->way_known || !upstream || passed_unseen(h, s)))
		return FATE_ELSEWHERE;
	if (!d->matched && !h->way[d->way].matched)
		return FATE_ELSEWHERE;
	if (s->twin && !upstream)
		return FATE_TWICE;
	if (at_edge(h, s, upstream, d->way))
		return FATE_EDGE;
	if (upstream)
		return receiver_had_it(h, s) ? FATE_MISSED : FATE_LOST;
	if (s->flags & TCP_RST)
		return FATE_RESET;
	return d->matched ? FATE_MISSED : FATE_ELSEWHERE;
}

static int by_number(const void *a, const void *b)
{
	const struct sight *x = a, *y = b;

	if (x->side != y->side)
		return x->side - y->side;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

/*
 * Packets side by side in one capture of which the other has none, and one of them passed there for
 * certain: for that long the other capture was blind, and nothing of it can be called lost.
 */
static void blind_moments(struct hop *h)
{
	struct sight *s = h->left.items;

	for (size_t i = 0, end; i < h->left.n; i = end) {
		bool blind = s[i].fate == FATE_MISSED;

		for (end = i + 1; end < h->left.n && s[end].side == s[i].side &&
		     s[end].number <= s[end - 1].number + 1; end++)
			blind |= s[end].fate == FATE_MISSED;
		for (size_t j = i; blind && j < end; j++)
			if (s[j].fate == FATE_LOST)
				s[j].fate = FATE_MISSED;
	}
}

void hop_judge(struct hop *h)
{
	size_t n = 0;

	second_look(h);
	ways(h);
	sum_up(h);
	join_ranges(h);
	vec_each (s, &h->left)
		s->fate = fate_of(h, s);
	if (h->left.n)
		qsort(h->left.items, h->left.n, sizeof(*h->left.items), by_number);
	blind_moments(h);
	vec_each (s, &h->left) {
		struct hop_dir *d = dir_of(h, s);

		if (s->fate == FATE_N)
			continue;
		d->fate[s->fate]++;
		h->way[d->way].fate[s->fate]++;
		h->left.items[n++] = *s;
	}
	h->left.n = n;
	for (int i = 0; i < 2; i++)
		h->way[i].upstream = h->way[i].matched + h->way[i].fate[FATE_LOST];
}
