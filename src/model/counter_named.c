// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's files of counters hold some 400 names, and are read in each of a thousand namespaces
 * several times: rows are found by a table of hashes.
 */
#include <pthread.h>

#include "model/source.h"

#define SLOTS 2048 /* a power of two */
_Static_assert(COUNTER_N * 2 < SLOTS, "the table of counters wants free slots");

static uint16_t slots[SLOTS]; /* number of the row and one; 0: free */

/* FNV-1a */
static uint32_t add(uint32_t h, const char *p, size_t n)
{
	while (n--)
		h = (h ^ (unsigned char)*p++) * 16777619U;
	return h;
}

static uint32_t start(enum source source)
{
	return (2166136261U ^ source) * 16777619U;
}

static void fill(void)
{
	for (enum counter_id id = 0; id < COUNTER_N; id++) {
		const struct counter_row *row = &counter_rows[id];
		uint32_t at = add(start(row->source), row->name, strlen(row->name)) % SLOTS;

		while (slots[at])
			at = (at + 1) % SLOTS;
		slots[at] = (uint16_t)(id + 1);
	}
}

static bool is_named(const char *full, struct span prefix, struct span name)
{
	size_t at = prefix.n ? prefix.n + 1 : 0;

	if (strlen(full) != at + name.n)
		return false;
	if (prefix.n && (memcmp(full, prefix.p, prefix.n) != 0 || full[prefix.n] != '.'))
		return false;
	return memcmp(full + at, name.p, name.n) == 0;
}

enum counter_id counter_named(enum source source, struct span prefix, struct span name)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uint32_t h = start(source);

	pthread_once(&once, fill);
	if (prefix.n)
		h = add(add(h, prefix.p, prefix.n), ".", 1);
	h = add(h, name.p, name.n);
	for (uint32_t at = h % SLOTS; slots[at]; at = (at + 1) % SLOTS) {
		enum counter_id id = slots[at] - 1U;

		if (counter_rows[id].source == source &&
		    is_named(counter_rows[id].name, prefix, name))
			return id;
	}
	return COUNTER_N;
}
