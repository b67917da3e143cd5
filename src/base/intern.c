// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/intern.h"

#include <pthread.h>

static struct {
	pthread_mutex_t lock;
	const char **slots; /* NULL: free */
	size_t slots_n, n;  /* a power of two; at most half of them are taken */
} texts = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* FNV-1a */
static size_t hash_of(const char *text, size_t n)
{
	uint64_t h = 14695981039346656037ULL;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)text[i]) * 1099511628211ULL;
	return (size_t)(h ^ h >> 32);
}

/* Where it is, or would be. */
static const char **slot_of(const char *text, size_t n)
{
	size_t at = hash_of(text, n) & (texts.slots_n - 1);

	while (texts.slots[at] &&
	       (strncmp(texts.slots[at], text, n) != 0 || texts.slots[at][n] != '\0'))
		at = (at + 1) & (texts.slots_n - 1);
	return &texts.slots[at];
}

static void make_room(void)
{
	const char **old = texts.slots;
	size_t old_n = texts.slots_n;

	if (texts.n * 2 < old_n)
		return;
	texts.slots_n = old_n ? old_n * 2 : 1024;
	texts.slots = xcalloc(texts.slots_n, sizeof(*texts.slots));
	for (size_t i = 0; i < old_n; i++)
		if (old[i])
			*slot_of(old[i], strlen(old[i])) = old[i];
	free(old);
}

const char *intern(const char *text, size_t n)
{
	const char **slot, *kept;

	n = strnlen(text, n);
	pthread_mutex_lock(&texts.lock);
	make_room();
	slot = slot_of(text, n);
	if (!*slot) {
		char *copy = xcalloc(n + 1, 1);

		memcpy(copy, text, n);
		*slot = copy;
		texts.n++;
	}
	kept = *slot;
	pthread_mutex_unlock(&texts.lock);
	return kept;
}
