// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/machine.h"

#include <ctype.h>
#include <pthread.h>

#include "model/snapshot.h"

const struct kernel_log_row kernel_log_rows[KERNEL_LOG_ROWS] = {
#define L(id_, pattern_, meaning_)                                                                 \
	[KERNEL_LOG_##id_] = {.pattern = pattern_, .meaning = meaning_},
#include "model/kernel_log.def"
#undef L
};

static bool same_letters(const char *text, const char *pattern, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (tolower((unsigned char)text[i]) != tolower((unsigned char)pattern[i]))
			return false;
	return true;
}

_Static_assert(KERNEL_LOG_ROWS <= 64, "a bit for each row");
static uint64_t begins[256]; /* the rows whose pattern begins with a letter, in either case */

static void sort_by_letter(void)
{
	for (enum kernel_log_id id = 0; id < KERNEL_LOG_ROWS; id++) {
		unsigned char letter = (unsigned char)kernel_log_rows[id].pattern[0];

		begins[tolower(letter)] |= UINT64_C(1) << id;
		begins[toupper(letter)] |= UINT64_C(1) << id;
	}
}

/* The log has thousands of lines, of which few say anything: most letters begin no pattern. */
enum kernel_log_id kernel_log_match(const char *text, size_t n)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	enum kernel_log_id found = KERNEL_LOG_ROWS;

	pthread_once(&once, sort_by_letter);
	for (size_t at = 0; at < n; at++) {
		for (uint64_t rows = begins[(unsigned char)text[at]]; rows; rows &= rows - 1) {
			enum kernel_log_id id = (enum kernel_log_id)__builtin_ctzll(rows);
			const char *pattern = kernel_log_rows[id].pattern;
			size_t m = strlen(pattern);

			if (id < found && m <= n - at && same_letters(text + at, pattern, m))
				found = id;
		}
	}
	return found;
}

unsigned int kernel_log_count(const struct snapshot *s, enum kernel_log_id id, uint64_t since)
{
	unsigned int n = 0;

	vec_each(line, &s->kernel_log)
		n += line->id == id && line->sequence > since;
	return n;
}

const struct kernel_log_line *kernel_log_last(const struct snapshot *s, enum kernel_log_id id,
					      uint64_t since)
{
	const struct kernel_log_line *last = NULL;

	vec_each(line, &s->kernel_log)
		if (line->id == id && line->sequence > since)
			last = line;
	return last;
}

uint64_t kernel_log_end(const struct snapshot *s)
{
	uint64_t end = 0;

	vec_each(line, &s->kernel_log)
		end = MAX(end, line->sequence);
	return end;
}

/* Does a name stand in the text as a word of its own: "eth1" not in "eth10-rx-0"? */
static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = strstr(text, word); n && p; p = strstr(p + 1, word))
		if ((p == text || !isalnum((unsigned char)p[-1])) && !isalnum((unsigned char)p[n]))
			return true;
	return false;
}

unsigned int interrupt_ifindex(const struct snapshot *s, const struct interrupt *i)
{
	/* Two devices may share one PCI function: then only the name tells whose it is. */
	vec_each(d, &s->netdev_queues)
		if (d->parent[0] && (has_word(i->name, d->name) || has_word(i->name, d->parent)))
			return d->ifindex;
	vec_each(n, &s->netdev_interrupts)
		if (n->number == i->number)
			return n->ifindex;
	return 0;
}

uint64_t interrupt_count(const struct snapshot *s, unsigned int number, unsigned int cpu)
{
	size_t low = 0, high = s->interrupt_counts.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct interrupt_count *c = &s->interrupt_counts.items[middle];

		if (c->number == number && c->cpu == cpu)
			return c->count;
		if (c->number < number || (c->number == number && c->cpu < cpu))
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

const struct netdev_queues *snapshot_queues(const struct snapshot *s, unsigned int ifindex)
{
	vec_each(d, &s->netdev_queues)
		if (d->ifindex == ifindex)
			return d;
	return NULL;
}
