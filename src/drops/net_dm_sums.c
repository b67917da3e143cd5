// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "drops/net_dm_sums.h"

#include <stdio.h>
#include <sys/random.h>

#define ROWS 1024
#define KINDS 1024
#define TOKENS 100	     /* at most in a bucket */
#define TOKENS_PER_SECOND 100

struct sums *sums_new(void)
{
	struct sums *s = xcalloc(1, sizeof(*s));

	/* So that nobody can send packets whose flows all meet in one slot. */
	if (getrandom(&s->key, sizeof(s->key), GRND_NONBLOCK) != sizeof(s->key))
		s->key.k0 = (uint64_t)monotonic_ns();
	return s;
}

void sums_free(struct sums *s)
{
	if (!s)
		return;
	vec_done(&s->rows);
	vec_done(&s->flows);
	vec_done(&s->kinds);
	vec_done(&s->events);
	free(s);
}

void sums_clear(struct sums *s)
{
	s->rows.n = s->flows.n = 0;
	memset(s->slots, 0, sizeof(s->slots));
	vec_each(kind, &s->kinds)
		kind->missed = 0;
	s->missed = 0;
	s->flows_sampled = false;
}

static void add_flow(struct sums *s, const struct drop_flow *flow)
{
	const size_t identity = offsetof(struct drop_flow, packets), n = ARRAY_SIZE(s->slots);

	for (size_t at = siphash(&s->key, flow, identity) % n;; at = (at + 1) % n) {
		struct drop_flow *known;

		if (s->slots[at]) {
			known = &s->flows.items[s->slots[at] - 1];
			if (memcmp(known, flow, identity) != 0)
				continue;
			known->packets += flow->packets;
			return;
		}
		/* Half of the slots stay empty, so that the search ends. */
		if (s->flows.n >= SUM_FLOWS) {
			s->flows_sampled = true;
			return;
		}
		*vec_push(&s->flows) = *flow;
		s->slots[at] = (uint16_t)s->flows.n;
		return;
	}
}

void sums_add(struct sums *s, const struct drop *drop, const struct drop_flow *flow)
{
	if (flow)
		add_flow(s, flow);
	vec_each(row, &s->rows) {
		if (memcmp(row, drop, offsetof(struct drop, packets)) != 0)
			continue;
		row->packets += drop->packets;
		row->bytes += drop->bytes;
		row->segments += drop->segments;
		return;
	}
	if (s->rows.n < ROWS)
		*vec_push(&s->rows) = *drop;
	else
		s->missed += drop->packets;
}

static struct sum_kind *kind_of(struct sums *s, const char *reason, const char *symbol,
				int64_t now_ns)
{
	struct sum_kind *kind;

	vec_each(known, &s->kinds)
		if (strcmp(known->reason, reason) == 0 && strcmp(known->symbol, symbol) == 0)
			return known;
	if (s->kinds.n >= KINDS)
		return &s->kinds.items[KINDS - 1];
	kind = vec_push(&s->kinds);
	snprintf(kind->reason, sizeof(kind->reason), "%s", reason);
	snprintf(kind->symbol, sizeof(kind->symbol), "%s", symbol);
	kind->tokens = TOKENS;
	kind->filled_ns = now_ns;
	return kind;
}

struct drop_event *sums_event(struct sums *s, const char *reason, const char *symbol,
			      int64_t now_ns)
{
	struct sum_kind *kind = kind_of(s, reason, symbol, now_ns);
	const int64_t each = NSEC_PER_SEC / TOKENS_PER_SECOND;
	int64_t due = (now_ns - kind->filled_ns) / each;

	if (due > 0) {
		kind->tokens = (unsigned int)MIN(kind->tokens + due, TOKENS);
		kind->filled_ns += due * each;
	}
	if (!kind->tokens || s->events.n >= SUM_EVENTS) {
		kind->missed++;
		return NULL;
	}
	kind->tokens--;
	return vec_push(&s->events);
}

static int most_drops(const void *a, const void *b)
{
	const struct drop *x = a, *y = b;

	return x->packets < y->packets ? 1 : -(x->packets > y->packets);
}

static int most_flows(const void *a, const void *b)
{
	const struct drop_flow *x = a, *y = b;

	return x->packets < y->packets ? 1 : -(x->packets > y->packets);
}

void sums_give(struct sums *s, struct drops *to)
{
	vec_each(row, &s->rows)
		*vec_push(&to->rows) = *row;
	vec_each(flow, &s->flows)
		*vec_push(&to->flows) = *flow;
	if (to->rows.n)
		qsort(to->rows.items, to->rows.n, sizeof(*to->rows.items), most_drops);
	if (to->flows.n)
		qsort(to->flows.items, to->flows.n, sizeof(*to->flows.items), most_flows);
	vec_each(kind, &s->kinds) {
		struct drop_missed *missed;

		if (!kind->missed)
			continue;
		missed = vec_push(&to->events_missed);
		memcpy(missed->reason, kind->reason, sizeof(missed->reason));
		memcpy(missed->symbol, kind->symbol, sizeof(missed->symbol));
		missed->packets = kind->missed;
	}
	to->flows_sampled |= s->flows_sampled;
	to->missed += s->missed;
	sums_clear(s);
}
