// SPDX-License-Identifier: GPL-2.0-or-later
/* Which counters a pattern means: the names that the kernel, ethtool and netstat have for them. */
#define _GNU_SOURCE
#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>

#include "base/words.h"
#include "model/reading.h"

#define NEAR_MAX 5

static const struct netstat_word {
	const char *name, *sentence;
} netstat_words[] = {
#define W(name_, sentence_) {name_, sentence_},
#include "model/netstat_words.def"
#undef W
};

/* How well a reading fits; the best fit that any has decides which are kept. */
enum fit { FIT_NONE, FIT_MEANING, FIT_PART, FIT_EXACT };

/* A pattern in the forms it is compared in; all in small letters. */
struct pattern {
	char whole[160];    /* blanks folded, numbers of their own as '#' */
	char bare[160];	    /* without a number before it or ": NUMBER" behind */
	bool shell;	    /* has * ? or [ */
};

static void fold(const char *text, char *to, size_t size)
{
	size_t n = 0;

	while (*text && n + 1 < size) {
		size_t word = strcspn(text, " \t"), digits = strspn(text, "0123456789");

		if (!word) {
			text += strspn(text, " \t");
			continue;
		}
		if (n)
			to[n++] = ' ';
		if (digits == word && n + 1 < size)
			to[n++] = '#';
		for (size_t i = 0; digits != word && i < word && n + 1 < size; i++)
			to[n++] = (char)tolower((unsigned char)text[i]);
		text += word;
	}
	to[n] = '\0';
}

static void pattern_of(const char *text, struct pattern *ret)
{
	size_t n;

	fold(text, ret->whole, sizeof(ret->whole));
	snprintf(ret->bare, sizeof(ret->bare), "%s",
		 ret->whole + (strncmp(ret->whole, "# ", 2) == 0 ? 2 : 0));
	n = strlen(ret->bare);
	if (n > 3 && strcmp(ret->bare + n - 3, ": #") == 0)
		ret->bare[n - 3] = '\0';
	ret->shell = strpbrk(text, "*?[") != NULL;
}

static void without_dot(const char *name, char *to, size_t size)
{
	size_t n = 0;

	for (; *name && n + 1 < size; name++)
		if (*name != '.')
			to[n++] = *name;
	to[n] = '\0';
}

static bool same(const struct pattern *p, const char *name)
{
	return p->shell ? fnmatch(p->whole, name, FNM_CASEFOLD) == 0
			: strcasecmp(p->bare, name) == 0;
}

/* TcpExt.TCPBacklogDrop, TcpExtTCPBacklogDrop (nstat) and TCPBacklogDrop are one. */
static bool is_named(const struct pattern *p, const char *name)
{
	const char *dot = strrchr(name, '.');
	char joined[64];

	without_dot(name, joined, sizeof(joined));
	return same(p, name) || same(p, joined) || (dot && same(p, dot + 1));
}

/* What netstat prints for a counter, folded; several are printed with the same words. */
static enum fit fits_sentence(const struct pattern *p, const char *name)
{
	enum fit best = FIT_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(netstat_words); i++) {
		char sentence[160];
		const char *bare = sentence;

		if (strcmp(netstat_words[i].name, name) != 0)
			continue;
		fold(netstat_words[i].sentence, sentence, sizeof(sentence));
		bare += strncmp(sentence, "# ", 2) == 0 ? 2 : 0;
		if (strcmp(p->whole, sentence) == 0 || strcmp(p->bare, bare) == 0)
			return FIT_EXACT;
		if (strstr(sentence, p->bare))
			best = FIT_PART;
	}
	return best;
}

const char *counter_sentence(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(netstat_words); i++)
		if (strcmp(netstat_words[i].name, name) == 0)
			return netstat_words[i].sentence;
	return NULL;
}

bool counter_is_sentence(const char *name, const char *text)
{
	struct pattern p;

	pattern_of(text, &p);
	return fits_sentence(&p, name) == FIT_EXACT;
}

static enum fit fit_of(const struct pattern *p, const char *name, const char *meaning)
{
	enum fit fit;
	char joined[64];

	if (is_named(p, name))
		return FIT_EXACT;
	fit = fits_sentence(p, name);
	without_dot(name, joined, sizeof(joined));
	if (fit == FIT_NONE && (strcasestr(name, p->bare) || strcasestr(joined, p->bare)))
		fit = FIT_PART;
	if (fit == FIT_NONE && meaning && strcasestr(meaning, p->bare))
		fit = FIT_MEANING;
	return fit;
}

static bool is_near(const char *typed, const char *name)
{
	const char *dot = strrchr(name, '.');
	char joined[64];

	without_dot(name, joined, sizeof(joined));
	return word_near(typed, name) || word_near(typed, joined) ||
	       (dot && word_near(typed, dot + 1));
}

static unsigned int distance_of(const char *typed, const char *name)
{
	const char *dot = strrchr(name, '.');
	unsigned int whole = word_distance(typed, name);

	return dot ? MIN(whole, word_distance(typed, dot + 1)) : whole;
}

/* Those most alike, each once. */
static void name_near(const struct readings *r, const struct pattern *p, struct buf *near)
{
	const char *named[NEAR_MAX];
	size_t n = 0;

	while (n < NEAR_MAX) {
		const struct reading *best = NULL;

		vec_each(reading, &r->list) {
			bool taken = !is_near(p->bare, reading->name);

			for (size_t i = 0; i < n; i++)
				taken |= strcmp(named[i], reading->name) == 0;
			if (!taken && (!best || distance_of(p->bare, reading->name) <
							distance_of(p->bare, best->name)))
				best = reading;
		}
		if (!best)
			break;
		buf_printf(near, "%s%s", n ? ", " : "did you mean ", best->name);
		named[n++] = best->name;
	}
	if (n)
		buf_puts(near, "?");
}

/* A counter of another kernel, or of a source that could not be read. */
static bool name_absent(const struct pattern *p, struct buf *near)
{
	for (size_t i = 0; i < COUNTER_N; i++)
		if (fit_of(p, counter_rows[i].name, NULL) == FIT_EXACT) {
			buf_printf(near, "%s is not counted or not readable here", counter_rows[i].name);
			return true;
		}
	for (size_t i = 0; i < ARRAY_SIZE(netstat_words); i++)
		if (fit_of(p, netstat_words[i].name, NULL) == FIT_EXACT) {
			buf_printf(near, "this kernel has no %s", netstat_words[i].name);
			return true;
		}
	return false;
}

bool readings_select(struct readings *r, const char *pattern, struct buf *near)
{
	enum fit best = FIT_NONE;
	struct pattern p;
	size_t kept = 0;

	pattern_of(pattern, &p);
	vec_each(reading, &r->list)
		best = MAX(best, fit_of(&p, reading->name, reading->meaning));
	if (best == FIT_NONE) {
		if (!name_absent(&p, near))
			name_near(r, &p, near);
		return false;
	}
	for (size_t i = 0; i < r->list.n; i++) {
		const struct reading *reading = &r->list.items[i];

		if (fit_of(&p, reading->name, reading->meaning) == best)
			r->list.items[kept++] = *reading;
	}
	r->list.n = kept;
	return true;
}
