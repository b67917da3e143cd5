// SPDX-License-Identifier: GPL-2.0-or-later
#include "sockets/sums.h"

#include <sys/random.h>

#define SLOTS_FIRST ((size_t)64)

static uint64_t hash_seed;

/* Where the kernel has no randomness yet, the time must do. */
static __attribute__((constructor)) void choose_seed(void)
{
	if (getrandom(&hash_seed, sizeof(hash_seed), GRND_NONBLOCK) != sizeof(hash_seed))
		hash_seed = (uint64_t)monotonic_ns();
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t sockets_hash(const void *data, size_t n)
{
	const unsigned char *p = data;
	uint64_t h = hash_seed;

	for (size_t at = 0; at < n; at += sizeof(uint64_t)) {
		uint64_t word = 0;

		memcpy(&word, p + at, MIN(n - at, sizeof(word)));
		h = mix(h ^ word, UINT64_C(0x9e3779b97f4a7c15)) + word;
	}
	return mix(h, hash_seed ^ UINT64_C(0xd6e8feb86659fd93));
}

static size_t slot_of(const struct sockets_sums *s, const struct sockets_key *key)
{
	size_t at = sockets_hash(key, sizeof(*key)) & (s->slots_n - 1);

	while (s->slots[at] &&
	       memcmp(&s->list.items[s->slots[at] - 1].key, key, sizeof(*key)) != 0)
		at = (at + 1) & (s->slots_n - 1);
	return at;
}

static void grow(struct sockets_sums *s)
{
	s->slots_n = s->slots_n ? s->slots_n * 2 : SLOTS_FIRST;
	free(s->slots);
	s->slots = xcalloc(s->slots_n, sizeof(*s->slots));
	for (size_t i = 0; i < s->list.n; i++)
		s->slots[slot_of(s, &s->list.items[i].key)] = (uint32_t)i + 1;
}

struct sockets_sum *sums_find(const struct sockets_sums *s, const struct sockets_key *key)
{
	size_t at = s->slots_n ? slot_of(s, key) : 0;

	return s->slots_n && s->slots[at] ? &s->list.items[s->slots[at] - 1] : NULL;
}

struct sockets_sum *sums_get(struct sockets_sums *s, const struct sockets_key *key)
{
	struct sockets_sum *sum = sums_find(s, key);

	if (sum || s->list.n >= SUMS_MAX)
		return sum;
	/* At most half full. */
	if (s->list.n * 2 >= s->slots_n)
		grow(s);
	sum = vec_push(&s->list);
	sum->key = *key;
	s->slots[slot_of(s, key)] = (uint32_t)s->list.n;
	return sum;
}

void sums_done(struct sockets_sums *s)
{
	vec_done(&s->list);
	free(s->slots);
	*s = (struct sockets_sums){0};
}

static int compare(const void *a, const void *b)
{
	const struct sockets_sum *x = a, *y = b;

	if (x->worst >> RANK_CLASS != y->worst >> RANK_CLASS)
		return x->worst < y->worst ? 1 : -1;
	if (x->sockets != y->sockets)
		return x->sockets < y->sockets ? 1 : -1;
	return memcmp(&x->key, &y->key, sizeof(x->key));
}

void sums_sort(struct sockets_sums *s)
{
	free(s->slots);
	s->slots = NULL;
	s->slots_n = 0;
	if (s->list.n)
		qsort(s->list.items, s->list.n, sizeof(*s->list.items), compare);
}
