// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/host_cpu.h"

#include <stdio.h>

#include "base/parse.h"

#define CPU_MAX 65535

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static unsigned int distinct(uint64_t *keys, size_t n)
{
	unsigned int count = 0;

	qsort(keys, n, sizeof(*keys), by_value);
	for (size_t i = 0; i < n; i++)
		count += !i || keys[i] != keys[i - 1];
	return count;
}

struct host_cpu_counts host_cpu_count(const struct host_cpu *c)
{
	cleanup(cleanup_free) uint64_t *keys = xcalloc(c->places.n + 1, sizeof(*keys));
	struct host_cpu_counts ret = {.threads = (unsigned int)c->places.n};
	bool known = c->places.n > 0;

	for (size_t i = 0; i < c->places.n; i++) {
		known &= c->places.items[i].package >= 0 && c->places.items[i].core >= 0;
		keys[i] = (uint16_t)c->places.items[i].package;
	}
	if (!known)
		return ret;
	ret.sockets = distinct(keys, c->places.n);
	/* Cores are numbered anew on each die of a package. */
	for (size_t i = 0; i < c->places.n; i++) {
		const struct host_cpu_place *p = &c->places.items[i];

		keys[i] = (uint64_t)(uint16_t)p->package << 48 |
			  (uint64_t)(uint16_t)p->die << 32 | (uint32_t)p->core;
	}
	ret.cores = distinct(keys, c->places.n);
	return ret;
}

size_t host_cache_sums(const struct host_cpu *c, struct host_cache_sum *to)
{
	size_t n = 0;

	vec_each(cache, &c->caches) {
		size_t i = 0;

		while (i < n && (to[i].level != cache->level || strcmp(to[i].type, cache->type) != 0))
			i++;
		if (i == HOST_CACHE_SUMS)
			continue;
		if (i == n) {
			to[n] = (struct host_cache_sum){.level = cache->level};
			memcpy(to[n++].type, cache->type, sizeof(cache->type));
		}
		to[i].instances++;
		to[i].kib += cache->kib;
	}
	return n;
}

unsigned int host_cpu_list_count(const char *list)
{
	struct span text = span_of(list), part, first;
	unsigned int count = 0;
	uint64_t from, to;

	while (text.n && next_split(&text, ',', &part)) {
		if (!next_split(&part, '-', &first) || parse_u64(first, CPU_MAX, &from) < 0)
			return 0;
		to = from;
		if (part.p && parse_u64(part, CPU_MAX, &to) < 0)
			return 0;
		if (to < from)
			return 0;
		count += (unsigned int)(to - from + 1);
	}
	return count;
}
