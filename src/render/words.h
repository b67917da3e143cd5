/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of render/words/: terms of the network stack and of the tools people use. */
#ifndef WHYDROP_RENDER_WORDS_H
#define WHYDROP_RENDER_WORDS_H

#include "model/snapshot.h"

enum word_kind {
	WORD_TERM,
	WORD_OFFLOAD,
	WORD_STATE,
	WORD_FLAG,
	WORD_FIELD,
	WORD_OPTION,
	WORD_RESET,
	WORD_SOCKET_OPTION,
	WORD_PROCESS,
	WORD_COLUMN,
	WORD_MESSAGE,
	WORD_COMMAND,
	WORD_KINDS
};

struct word_row {
	enum word_kind kind;
	const char *name, *aliases; /* aliases: separated by '|' */
	const char *meaning;
	const char *instead; /* what of whydrop answers it, or "" */
	const char *see;     /* causes, blank separated; those of a later release are left out */
};
extern const struct word_row word_rows[];
extern const size_t word_rows_n;

/*
 * What is told of a sysctl beyond model/sysctls.def. `meaning` is NULL where that table has it.
 * A star in the path stands for a device, and is `all` where no device was named.
 */
struct sysctl_fact {
	const char *path;
	enum scope scope;
	const char *meaning;
	const char *initial; /* its value as the kernel computes it */
	const char *set_by, *changed;
};
extern const struct sysctl_fact sysctl_facts[];
extern const size_t sysctl_facts_n;

const char *word_kind_name(enum word_kind kind);	/* "TCP state" */
const char *word_kind_heading(enum word_kind kind); /* "TCP states" */
/* Letters and digits are the same; case and everything between them does not matter. */
bool same_name(const char *a, const char *b);
/* One of its names, in any spelling. */
bool word_has_name(const struct word_row *row, const char *name);

#endif
