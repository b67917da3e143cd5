// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Open addressing, linear probing, backward shift deletion (Knuth 6.4 R); at most half full. A slot
 * refers to a flow, or to a place in the ring of lone SYNs. The hash is seeded: no sender knows which
 * ports collide.
 */
#include "capture/flow.h"

#include <sys/mman.h>
#include <sys/random.h>

#define RING_BIT 0x80000000U
#define SLOTS_FIRST 4096
#define LOOKED_AT 64 /* of all flows, for one to give up */
#define IDLE_NS (60 * NSEC_PER_SEC)

#define HUGE_PAGE (2UL << 20)
#define SLOT_SHARE (4 * sizeof(struct flow_slot)) /* half full at most, and one is kept twice as it grows */

void flows_init(struct flows *t, uint64_t memory)
{
	size_t one = sizeof(struct flow) + 2 * sizeof(struct track) + SLOT_SHARE, size;
	uint64_t syns = memory / 8 / (sizeof(struct lone_syn) + SLOT_SHARE);

	*t = (struct flows){.slots_n = SLOTS_FIRST};
	t->ring_max = (size_t)MAX(MIN(syns, (uint64_t)HALF_OPEN_MAX), 1U);
	memory -= MIN(memory, t->ring_max * (sizeof(struct lone_syn) + SLOT_SHARE));
	t->flows_max = (size_t)MAX(MIN(memory / one, (uint64_t)RING_BIT - 1), 1U);
	size = t->flows_max * sizeof(struct flow);
	/* The kernel gives memory where it is touched; in large pages, as each packet is of another flow. */
	t->flow = xaligned(size < HUGE_PAGE ? CACHE_LINE : HUGE_PAGE, size);
	madvise(t->flow, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
	if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) != sizeof(t->seed))
		t->seed = (uint64_t)monotonic_ns() * 0x9e3779b97f4a7c15ULL;
	t->slots = xcalloc(t->slots_n, sizeof(*t->slots));
}

void flows_done(struct flows *t)
{
	for (size_t i = 0; i < t->made; i++)
		for (int end = 0; end < 2; end++)
			free(t->flow[i].half[end].track);
	while (t->free_tracks) {
		struct track *next = t->free_tracks->next_free;

		free(t->free_tracks);
		t->free_tracks = next;
	}
	free(t->flow);
	free(t->ring);
	free(t->slots);
	*t = (struct flows){0};
}

size_t flows_prepare(const struct flows *t, size_t prepared)
{
	size_t made = __atomic_load_n(&t->made, __ATOMIC_RELAXED) * sizeof(struct flow);
	size_t end = t->flows_max * sizeof(struct flow) / HUGE_PAGE * HUGE_PAGE;

	/* Small captures need no second page. */
	if (made < HUGE_PAGE / 2 || prepared >= end || made + HUGE_PAGE / 2 < prepared)
		return prepared;
	prepared = MAX(prepared, made / HUGE_PAGE * HUGE_PAGE);
	/* What an older kernel (before 5.14) does not do it does when the page is touched. */
	if (prepared < end)
		madvise((char *)t->flow + prepared, HUGE_PAGE, MADV_POPULATE_WRITE);
	return prepared + HUGE_PAGE;
}

static inline struct flow *at(const struct flows *t, size_t i)
{
	return &t->flow[i];
}

static inline const struct flow_key *key_of(const struct flows *t, uint32_t ref)
{
	return ref & RING_BIT ? &t->ring[ref & ~RING_BIT].key : &at(t, ref - 1)->key;
}

/* Ring places are numbered from 0, but with the bit set none of them is 0. */
struct flow *flows_find(struct flows *t, const struct flow_key *key, uint32_t hash,
		       struct lone_syn **ret_syn)
{
	size_t mask = t->slots_n - 1;

	*ret_syn = NULL;
	for (size_t i = hash & mask; t->slots[i].ref; i = (i + 1) & mask) {
		uint32_t ref = t->slots[i].ref;

		if (t->slots[i].hash != hash || !same_key(key_of(t, ref), key))
			continue;
		if (!(ref & RING_BIT))
			return at(t, ref - 1);
		*ret_syn = &t->ring[ref & ~RING_BIT];
		return NULL;
	}
	return NULL;
}

struct flow *flows_fetch(const struct flows *t, uint32_t hash)
{
	size_t mask = t->slots_n - 1, i = hash & mask;
	struct flow *f;

	while (t->slots[i].ref && t->slots[i].hash != hash)
		i = (i + 1) & mask;
	if (!t->slots[i].ref || (t->slots[i].ref & RING_BIT))
		return NULL;
	f = at(t, t->slots[i].ref - 1);
	/* Which of the lines are hot: flow.h. */
	for (size_t line = 0; line < offsetof(struct flow, half[0]); line += CACHE_LINE)
		__builtin_prefetch((const char *)f + line);
	for (size_t line = 0; line < 3; line++) {
		__builtin_prefetch((const char *)&f->half[0] + line * CACHE_LINE);
		__builtin_prefetch((const char *)&f->half[1] + line * CACHE_LINE);
	}
	return f;
}

static void put(struct flow_slot *slots, size_t n, struct flow_slot s)
{
	size_t i = s.hash & (n - 1);

	while (slots[i].ref)
		i = (i + 1) & (n - 1);
	slots[i] = s;
}

static void insert(struct flows *t, uint32_t hash, uint32_t ref)
{
	if ((t->used + 1) * 2 > t->slots_n) {
		size_t n = t->slots_n * 2;
		struct flow_slot *slots = xcalloc(n, sizeof(*slots));

		for (size_t i = 0; i < t->slots_n; i++)
			if (t->slots[i].ref)
				put(slots, n, t->slots[i]);
		free(t->slots);
		t->slots = slots;
		t->slots_n = n;
	}
	put(t->slots, t->slots_n, (struct flow_slot){hash, ref});
	t->used++;
}

static void take_out(struct flows *t, uint32_t hash, uint32_t ref)
{
	size_t mask = t->slots_n - 1, i = hash & mask, j;

	while (t->slots[i].ref != ref)
		i = (i + 1) & mask;
	for (j = (i + 1) & mask; t->slots[j].ref; j = (j + 1) & mask) {
		size_t home = t->slots[j].hash & mask;

		/* It may move to i unless its home lies behind i. */
		if (((j - home) & mask) >= ((j - i) & mask)) {
			t->slots[i] = t->slots[j];
			i = j;
		}
	}
	t->slots[i].ref = 0;
	t->used--;
}

/* ---- flows ---- */

static uint32_t ref_of(const struct flows *t, const struct flow *f)
{
	return (uint32_t)(f - t->flow) + 1;
}

static void release(struct flows *t, struct flow *f, uint32_t ref)
{
	take_out(t, f->hash, ref);
	flow_untrack(t, &f->half[0]);
	flow_untrack(t, &f->half[1]);
	f->number = 0;
	f->hash = t->free_first;
	t->free_first = ref;
}

void flow_forget(struct flows *t, struct flow *f)
{
	t->flow_over(t->context, f);
	release(t, f, ref_of(t, f));
}

static bool is_over(const struct flow *f)
{
	return (f->bits & FLOW_RESET) || (f->half[0].bits & f->half[1].bits & HALF_FIN_ACKED);
}

/* The first that is over or long idle, else the longest idle of those looked at. */
static void evict(struct flows *t, int64_t now)
{
	struct flow *worst = NULL;

	for (size_t i = 0; i < LOOKED_AT; i++) {
		struct flow *f = at(t, t->hand);

		t->hand = (t->hand + 1) % t->made;
		if (!f->number)
			continue;
		if (!worst || f->last_ns < worst->last_ns)
			worst = f;
		if (is_over(f) || now - f->last_ns > IDLE_NS) {
			worst = f;
			break;
		}
	}
	if (!is_over(worst))
		t->evicted++;
	flow_forget(t, worst);
}

static uint32_t place(struct flows *t, int64_t now)
{
	uint32_t ref;

	if (!t->free_first && t->made == t->flows_max)
		evict(t, now);
	ref = t->free_first;
	if (!ref) {
		__atomic_store_n(&t->made, t->made + 1, __ATOMIC_RELAXED); /* flows_prepare() */
		return (uint32_t)t->made;
	}
	t->free_first = at(t, ref - 1)->hash;
	return ref;
}

struct flow *flow_new(struct flows *t, const struct flow_key *key, uint32_t hash, uint32_t number,
		      const struct cap_packet *p)
{
	uint32_t ref = place(t, p->at_ns);
	struct flow *f = at(t, ref - 1);

	memset(f, 0, sizeof(*f));
	f->key = *key;
	f->hash = hash;
	f->number = number ? number : ++t->numbers;
	f->client = p->from;
	f->closer = 2;
	f->first_packet = p->number;
	f->first_ns = f->last_ns = p->at_ns;
	insert(t, hash, ref);
	return f;
}

struct track *flow_track(struct flows *t, struct half *h)
{
	if (h->track)
		return h->track;
	if (t->free_tracks) {
		h->track = t->free_tracks;
		t->free_tracks = h->track->next_free;
		memset(h->track, 0, sizeof(*h->track));
	} else {
		h->track = xcalloc(1, sizeof(*h->track));
	}
	return h->track;
}

void flow_untrack(struct flows *t, struct half *h)
{
	if (!h->track)
		return;
	h->track->next_free = t->free_tracks;
	t->free_tracks = h->track;
	h->track = NULL;
	h->sent_at = h->holes = 0;
}

/* ---- lone SYNs ---- */

void flow_note_syn(struct flows *t, const struct cap_packet *p, uint32_t hash)
{
	struct lone_syn *h;

	if (!t->ring)
		t->ring = xcalloc(t->ring_max, sizeof(*t->ring));
	h = &t->ring[t->ring_at];
	if (h->number) {
		t->syn_over(t->context, h);
		flow_forget_syn(t, h);
	}
	*h = (struct lone_syn){
		.key = p->key, .at_ns = p->at_ns, .packet = p->number, .number = ++t->numbers,
		.hash = hash, .seq = p->seq, .tsval = p->tsval, .mss = p->mss,
		.window = p->window, .id = p->id, .from = p->from, .ttl = p->ttl,
		.scale = p->scale, .flags = p->flags, .has_ts = p->has_ts,
		.has_scale = p->has_scale, .sack_permitted = p->sack_permitted,
		.has_id = p->has_id, .ip_length = (uint16_t)MIN(p->ip_length, (uint32_t)UINT16_MAX),
	};
	insert(t, hash, (uint32_t)t->ring_at | RING_BIT);
	t->ring_at = (t->ring_at + 1) % t->ring_max;
}

void flow_forget_syn(struct flows *t, struct lone_syn *h)
{
	take_out(t, h->hash, (uint32_t)(h - t->ring) | RING_BIT);
	h->number = 0;
}

void flows_end(struct flows *t)
{
	for (size_t i = 0; i < t->made; i++)
		if (at(t, i)->number) {
			t->flow_over(t->context, at(t, i));
			release(t, at(t, i), (uint32_t)i + 1);
		}
	for (size_t i = 0; t->ring && i < t->ring_max; i++)
		if (t->ring[i].number) {
			t->syn_over(t->context, &t->ring[i]);
			flow_forget_syn(t, &t->ring[i]);
		}
}
