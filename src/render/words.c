// SPDX-License-Identifier: GPL-2.0-or-later
#include "render/words.h"

#include <ctype.h>
#include <stdio.h>

const struct word_row word_rows[] = {
#define T(kind_, name_, aliases_, meaning_, instead_, see_)                                        \
	{.kind = WORD_##kind_,                                                                     \
	 .name = name_,                                                                            \
	 .aliases = aliases_,                                                                      \
	 .meaning = meaning_,                                                                      \
	 .instead = instead_,                                                                      \
	 .see = see_},
#include "render/words/terms.def"
#include "render/words/tcp.def"
#include "render/words/sockets.def"
#include "render/words/columns.def"
#include "render/words/commands.def"
#undef T
};
const size_t word_rows_n = ARRAY_SIZE(word_rows);

const struct sysctl_fact sysctl_facts[] = {
#define F(path_, scope_, meaning_, initial_, set_by_, changed_)                                    \
	{.path = path_,                                                                            \
	 .scope = SCOPE_##scope_,                                                                  \
	 .meaning = meaning_,                                                                      \
	 .initial = initial_,                                                                      \
	 .set_by = set_by_,                                                                        \
	 .changed = changed_},
#include "render/words/sysctls.def"
#undef F
};
const size_t sysctl_facts_n = ARRAY_SIZE(sysctl_facts);

static const struct {
	const char *name, *heading;
} kinds[WORD_KINDS] = {
	[WORD_TERM] = {"term", "Terms"},
	[WORD_OFFLOAD] = {"offload of the network card", "Offloads"},
	[WORD_STATE] = {"TCP state", "TCP states"},
	[WORD_FLAG] = {"TCP flag", "TCP flags"},
	[WORD_FIELD] = {"header field", "Header fields"},
	[WORD_OPTION] = {"TCP option", "TCP options"},
	[WORD_RESET] = {"reset reason of the kernel", "Reset reasons of the kernel"},
	[WORD_SOCKET_OPTION] = {"socket option", "Socket options and errors of calls"},
	[WORD_PROCESS] = {"process state", "Process states"},
	[WORD_COLUMN] = {"column of a tool", "Columns and lines of other tools"},
	[WORD_MESSAGE] = {"message of the kernel", "Messages in the kernel log"},
	[WORD_COMMAND] = {"command", "Commands of the guides, and what replaces them"},
};

const char *word_kind_name(enum word_kind kind)
{
	return kinds[kind].name;
}

const char *word_kind_heading(enum word_kind kind)
{
	return kinds[kind].heading;
}

/* Bytes beyond ASCII count as letters. */
static const char *next_letter(const char *at, const char *end)
{
	while (at < end && !isalnum((unsigned char)*at) && (unsigned char)*at < 0x80)
		at++;
	return at;
}

static bool same_span(const char *a, const char *a_end, const char *b, const char *b_end)
{
	bool any = false;

	for (;; a++, b++, any = true) {
		a = next_letter(a, a_end);
		b = next_letter(b, b_end);
		if (a == a_end || b == b_end)
			return any && a == a_end && b == b_end;
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
	}
}

bool same_name(const char *a, const char *b)
{
	return same_span(a, a + strlen(a), b, b + strlen(b));
}

bool word_has_name(const struct word_row *row, const char *name)
{
	const char *end = name + strlen(name);

	if (same_name(row->name, name))
		return true;
	for (const char *at = row->aliases; *at; at += *at == '|') {
		size_t n = strcspn(at, "|");

		if (same_span(at, at + n, name, end))
			return true;
		at += n;
	}
	return false;
}
