// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How far apart the clocks of two captures are. Of each file those packets are kept whose keys have
 * the smallest hashes: of the same traffic that is the same packets, wherever the files begin. Of
 * the pairs of one conversation the time that capture 1 is later is the offset plus the delay one
 * way, and the offset less the delay the other way: that tells the ways apart without knowing it,
 * and the smallest delay of both taken as equal gives it (as NTP does, RFC 5905, 8).
 */
#include "capture/compare.h"

#define SAMPLE 16384

struct sample {
	uint64_t hash;
	int64_t at_ns;
	uint32_t conversation;
	uint8_t from, ttl;
	bool twice; /* not the only one with this hash */
};

struct samples {
	struct sample *items; /* 2 * SAMPLE */
	size_t n;
	uint64_t below; /* larger ones are not wanted any more */
};

struct pair {
	uint32_t conversation;
	uint8_t from;
	bool same;   /* between the same addresses in both */
	int8_t hops; /* capture 0's TTL less capture 1's, as a sign */
	int64_t later_ns;
};

static int by_hash(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

static int by_conversation(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return (x->conversation > y->conversation) - (x->conversation < y->conversation);
}

/* Sorted, each hash once, at most SAMPLE. */
static void settle(struct samples *s)
{
	size_t n = 0;

	qsort(s->items, s->n, sizeof(*s->items), by_hash);
	for (size_t i = 0; i < s->n; i++) {
		if (n && s->items[n - 1].hash == s->items[i].hash)
			s->items[n - 1].twice = true;
		else
			s->items[n++] = s->items[i];
	}
	s->n = MIN(n, (size_t)SAMPLE);
	if (s->n == SAMPLE)
		s->below = s->items[SAMPLE - 1].hash;
}

static void take(struct samples *s, const struct cap_packet *p, const struct sight *sight,
		 const struct flow_key *key, uint8_t from)
{
	uint64_t ends = 0, w, hash = sight_lasting(sight);

	if (hash >= s->below)
		return;
	for (size_t i = 0; i < sizeof(key->address); i += 8) {
		memcpy(&w, (const uint8_t *)key->address + i, 8);
		ends = (ends ^ w) * 0x9e3779b97f4a7c15ULL;
	}
	s->items[s->n++] = (struct sample){.hash = hash, .at_ns = p->at_ns, .from = from,
					   .ttl = p->ttl, .conversation = (uint32_t)(ends >> 32)};
	if (s->n == 2 * SAMPLE)
		settle(s);
}

static int read_samples(const char *path, struct samples *ret, struct hop_side *side, struct buf *message)
{
	struct raw_packet raw;
	struct cap_packet p;
	struct sight sight;
	struct flow_key key;
	struct reader *r;
	uint8_t from;
	int err = reader_open(path, &r, message);

	if (err < 0)
		return err;
	ret->items = xcalloc((size_t)2 * SAMPLE, sizeof(*ret->items));
	ret->below = UINT64_MAX;
	while (reader_next(r, &raw, 1)) {
		if (!side->packets++)
			side->first_ns = side->last_ns = raw.at_ns;
		side->first_ns = MIN(side->first_ns, raw.at_ns);
		side->last_ns = MAX(side->last_ns, raw.at_ns);
		if (packet_decode(&raw, &p) && sight_of(&p, &sight) && sight_key(&p, &key, &from))
			take(ret, &p, &sight, &key, from);
	}
	settle(ret);
	reader_close(r);
	return 0;
}

static size_t join(const struct samples s[2], struct pair *ret)
{
	size_t n = 0, j = 0, same = 0, kept = 0;

	for (size_t i = 0; i < s[0].n; i++) {
		const struct sample *a = &s[0].items[i], *b;

		while (j < s[1].n && s[1].items[j].hash < a->hash)
			j++;
		if (j == s[1].n)
			break;
		b = &s[1].items[j];
		if (b->hash != a->hash || a->twice || b->twice)
			continue;
		ret[n++] = (struct pair){.conversation = a->conversation, .from = a->from,
					 .same = a->conversation == b->conversation && a->from == b->from,
					 .hops = (int8_t)((a->ttl > b->ttl) - (a->ttl < b->ttl)),
					 .later_ns = b->at_ns - a->at_ns};
		same += ret[n - 1].same;
	}
	/* Where addresses are kept, one that has others is another packet. */
	if (same * 2 <= n)
		return n;
	for (size_t i = 0; i < n; i++)
		if (ret[i].same)
			ret[kept++] = ret[i];
	return kept;
}

static void note_least(struct hop_clock *c, enum way way, int64_t later_ns)
{
	bool less = way == WAY_THERE ? later_ns < c->least_ns[way] : later_ns > c->least_ns[way];

	if (!c->seen[way] || less)
		c->least_ns[way] = later_ns;
	c->seen[way] = true;
}

/* Those of one pair of addresses. */
static void conversation(struct hop_clock *c, const struct pair *p, size_t n)
{
	double sum[2] = {0, 0};
	uint64_t of[2] = {0, 0};
	int64_t hops = 0;
	uint8_t there;

	for (size_t i = 0; i < n; i++) {
		sum[p[i].from] += (double)p[i].later_ns;
		of[p[i].from]++;
		hops += p[i].from ? -p[i].hops : p[i].hops;
	}
	if (hops)
		there = hops < 0;
	else if (of[0] && of[1])
		there = sum[1] / (double)of[1] > sum[0] / (double)of[0];
	else
		return;
	for (size_t i = 0; i < n; i++)
		note_least(c, p[i].from == there ? WAY_THERE : WAY_BACK, p[i].later_ns);
}

int hop_clocks(const char *const path[2], struct hop *h, struct buf *message)
{
	struct samples s[2] = {0};
	struct hop_clock *c = &h->clock;
	struct pair *pairs = NULL;
	int err = 0;

	for (int i = 0; i < 2 && err >= 0; i++)
		err = read_samples(path[i], &s[i], &h->side[i], message);
	if (err >= 0) {
		pairs = xcalloc(SAMPLE, sizeof(*pairs));
		c->pairs = join(s, pairs);
		qsort(pairs, c->pairs, sizeof(*pairs), by_conversation);
		for (size_t i = 0, end; i < c->pairs; i = end) {
			for (end = i + 1; end < c->pairs; end++)
				if (pairs[end].conversation != pairs[i].conversation)
					break;
			conversation(c, pairs + i, end - i);
		}
		/* Of one way only: the first pair, so that the files can be read side by side. */
		if (!c->seen[0] && !c->seen[1] && c->pairs)
			for (size_t i = 0; i < c->pairs; i++)
				note_least(c, WAY_THERE, pairs[i].later_ns);
	}
	c->known = c->seen[0] && c->seen[1];
	c->offset_ns = c->known ? (c->least_ns[0] + c->least_ns[1]) / 2
				: c->least_ns[c->seen[WAY_BACK] ? WAY_BACK : WAY_THERE];
	c->error_ns = c->known ? llabs(c->least_ns[0] - c->least_ns[1]) / 2 : 0;
	free(pairs);
	free(s[0].items);
	free(s[1].items);
	return err;
}
