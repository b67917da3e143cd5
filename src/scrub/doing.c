// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How the host is doing: programs and cgroups get other names, swap areas other paths. Numbers,
 * states, and what the kernel calls its own functions, caches and policies stay.
 */
#include <ctype.h>
#include <errno.h>

#include "model/doing.h"
#include "scrub/map.h"

static void replace(struct buf *data, struct buf *by)
{
	buf_done(data);
	*data = *by;
}

static bool is_word_of(struct span word, const char *also)
{
	for (size_t i = 0; i < word.n; i++)
		if (!isalnum((unsigned char)word.p[i]) && !strchr(also, word.p[i]))
			return false;
	return word.n > 0;
}

static bool is_number(struct span word)
{
	for (size_t i = 0; i < word.n; i++)
		if (!isdigit((unsigned char)word.p[i]) && word.p[i] != '-')
			return false;
	return word.n > 0;
}

static void put(struct buf *out, struct span word)
{
	if (out->len && out->data[out->len - 1] != '\n')
		buf_puts(out, " ");
	buf_add(out, word.p, word.n);
}

/* STATE WCHAN NUMBERS NAME */
static bool scrub_process_line(struct scrubber *s, struct span line, struct buf *out)
{
	struct span word;

	if (!next_field(&line, &word) || word.n != 1 || !is_word_of(word, ""))
		return false;
	put(out, word);
	if (!next_field(&line, &word) || !is_word_of(word, "_.-"))
		return false;
	put(out, word);
	for (size_t i = 0; i < PROCESS_FIELDS; i++) {
		if (!next_field(&line, &word) || !is_number(word))
			return false;
		put(out, word);
	}
	buf_puts(out, " ");
	if (line.n > 1)
		buf_puts(out, scrub_name(s, NAME_PROGRAM, line.p + 1, MIN(line.n - 1, (size_t)15)));
	return true;
}

/* VERSION and five numbers, then a path; or "left-out NUMBER" */
static bool scrub_group_line(struct scrubber *s, struct span line, struct buf *out)
{
	struct span word;
	size_t n = 1;

	if (!next_field(&line, &word))
		return false;
	if (span_is(word, "v1") || span_is(word, "v2"))
		n = 5;
	else if (!span_is(word, "left-out"))
		return false;
	put(out, word);
	for (; n; n--) {
		if (!next_field(&line, &word) || !is_number(word))
			return false;
		put(out, word);
	}
	if (line.n > 1 && out->len) {
		buf_puts(out, " ");
		scrub_path(s, (struct span){line.p + 1, line.n - 1}, out);
	}
	return true;
}

/* PID POLICY MAPPINGS: a policy is made of its name and of nodes */
static bool scrub_policy_line(struct scrubber *s, struct span line, struct buf *out)
{
	struct span word;

	(void)s;
	for (int i = 0; i < 3; i++) {
		if (!next_field(&line, &word) ||
		    !(i == 1 ? is_word_of(word, ":,-=_/") : is_number(word)))
			return false;
		put(out, word);
	}
	return !line.n;
}

/* The path of a swap area, its kind and numbers; the first line has headings. */
static bool scrub_swap_line(struct scrubber *s, struct span line, struct buf *out)
{
	struct span word;
	bool heading = line.n >= 8 && memcmp(line.p, "Filename", 8) == 0;

	if (!next_field(&line, &word))
		return false;
	if (heading)
		put(out, word);
	else
		scrub_path(s, word, out);
	while (next_field(&line, &word)) {
		if (!is_word_of(word, "-"))
			return false;
		put(out, word);
	}
	return true;
}

int scrub_doing(struct scrubber *s, enum doing_text which, struct buf *data)
{
	static bool (*const line_of[])(struct scrubber *, struct span, struct buf *) = {
		[DOING_TEXT_PROCESSES] = scrub_process_line,
		[DOING_TEXT_CGROUPS] = scrub_group_line,
		[DOING_TEXT_POLICIES] = scrub_policy_line,
		[DOING_TEXT_SWAPS] = scrub_swap_line,
	};
	struct span text = {data->data, data->len}, line;
	struct buf out = {0};

	while (next_line(&text, &line)) {
		if (!line_of[which](s, line, &out)) {
			buf_done(&out);
			return -EBADMSG;
		}
		buf_puts(&out, "\n");
	}
	replace(data, &out);
	return 0;
}
