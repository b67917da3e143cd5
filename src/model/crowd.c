// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/crowd.h"

/* What entries are compared by, laid out so that memcmp() orders it. */
struct key {
	uint8_t bytes[36];
	uint32_t entry;
};

enum part { SOURCE = 1, DESTINATION = 2, PORT = 4 };

static void make_key(const struct crowd_entry *e, unsigned int parts, struct key *ret)
{
	size_t n = 0;

	memset(ret->bytes, 0, sizeof(ret->bytes));
	/* One family's addresses are no other's. */
	if (parts & (SOURCE | DESTINATION))
		ret->bytes[n++] = e->family;
	if (parts & SOURCE) {
		memcpy(ret->bytes + n, e->source, sizeof(e->source));
		n += sizeof(e->source);
	}
	if (parts & DESTINATION) {
		memcpy(ret->bytes + n, e->destination, sizeof(e->destination));
		n += sizeof(e->destination);
	}
	if (parts & PORT)
		memcpy(ret->bytes + n, &e->port, sizeof(e->port));
}

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	return memcmp(x->bytes, y->bytes, sizeof(x->bytes));
}

/* Sorted, so that entries alike stand side by side; the caller frees it. */
static struct key *sorted(const struct crowd_entry *entries, size_t n, unsigned int parts)
{
	struct key *keys = xcalloc(n, sizeof(*keys));

	for (size_t i = 0; i < n; i++) {
		make_key(&entries[i], parts, &keys[i]);
		keys[i].entry = (uint32_t)i;
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	return keys;
}

static size_t run_length(const struct key *keys, size_t n, size_t at)
{
	size_t end = at + 1;

	while (end < n && compare_keys(&keys[at], &keys[end]) == 0)
		end++;
	return end - at;
}

static void add_top(struct crowd_rank *rank, const struct crowd_entry *e, enum part part, uint32_t n)
{
	struct crowd_top one = {.n = n}, *at = rank->top + rank->top_n;

	if (rank->top_n == CROWD_TOP && rank->top[CROWD_TOP - 1].n >= n)
		return;
	if (part == PORT) {
		one.port = e->port;
	} else {
		one.family = e->family;
		memcpy(one.address, part == SOURCE ? e->source : e->destination,
		       sizeof(one.address));
	}
	if (rank->top_n < CROWD_TOP)
		rank->top_n++;
	else
		at--;
	for (; at > rank->top && at[-1].n < n; at--)
		*at = at[-1];
	*at = one;
}

static void rank_by(const struct crowd_entry *entries, size_t n, enum part part,
		    struct crowd_rank *ret)
{
	struct key *keys = sorted(entries, n, part);

	for (size_t at = 0; at < n;) {
		size_t length = run_length(keys, n, at);

		ret->distinct++;
		add_top(ret, &entries[keys[at].entry], part, (uint32_t)length);
		at += length;
	}
	free(keys);
}

/* What the source with most entries turned to, each counted once. */
static uint32_t aims_of(const struct crowd_entry *entries, size_t n, const struct crowd_top *source)
{
	struct key *keys = sorted(entries, n, SOURCE | DESTINATION | PORT);
	uint32_t aims = 0;

	for (size_t at = 0; at < n; at += run_length(keys, n, at)) {
		const struct crowd_entry *e = &entries[keys[at].entry];

		aims += e->family == source->family &&
			memcmp(e->source, source->address, sizeof(e->source)) == 0;
	}
	free(keys);
	return aims;
}

void crowd_sum(const struct crowd_entry *entries, size_t n, struct crowd *ret)
{
	struct crowd c = {.what = ret->what, .of = ret->of, .read = n};

	for (size_t i = 0; i < n; i++) {
		c.unanswered += !entries[i].answered;
		c.states[entries[i].state]++;
	}
	if (n) {
		rank_by(entries, n, SOURCE, &c.sources);
		rank_by(entries, n, DESTINATION, &c.destinations);
		rank_by(entries, n, PORT, &c.ports);
		c.aims = aims_of(entries, n, &c.sources.top[0]);
	}
	*ret = c;
}

size_t crowd_thickest(const struct crowd_entry *entries, size_t n,
		      bool (*counts)(const struct crowd_entry *e, const void *arg), const void *arg,
		      struct crowd_entry *ret_one)
{
	struct key *keys = n ? sorted(entries, n, SOURCE | DESTINATION | PORT) : NULL;
	size_t most = 0;

	for (size_t at = 0; at < n;) {
		size_t length = run_length(keys, n, at), counted = 0;

		for (size_t i = at; i < at + length; i++)
			counted += counts(&entries[keys[i].entry], arg);
		if (counted > most) {
			most = counted;
			*ret_one = entries[keys[at].entry];
		}
		at += length;
	}
	free(keys);
	return most;
}

const char *crowd_state_name(enum crowd_state state)
{
	static const char *const names[CROWD_STATES] = {
		[CROWD_OTHER] = "without states", [CROWD_SYN_SENT] = "SYN_SENT",
		[CROWD_SYN_RECV] = "SYN_RECV",	  [CROWD_ESTABLISHED] = "ESTABLISHED",
		[CROWD_CLOSING] = "closing",	  [CROWD_TIME_WAIT] = "TIME_WAIT",
		[CROWD_CLOSED] = "CLOSE"};

	return names[state];
}
