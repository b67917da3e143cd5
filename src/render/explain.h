/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `whydrop explain NAME`: all that is known under a name, in whatever form people meet it: a cause,
 * a counter with or without its group, a drop reason with or without its prefix, a sysctl with
 * dots or slashes or only its last part, a state, a flag, a column of a tool, a term, a command.
 * Upper and lower case are one, and so are dashes, underscores, dots and blanks.
 */
#ifndef WHYDROP_EXPLAIN_H
#define WHYDROP_EXPLAIN_H

#include <jansson.h>

#include "base/buf.h"
#include "causes/cause.h"

/* How this host is asked. NULL where nobody may be asked: values are then left out. */
struct explain_here {
	/* What the kernel prints for a sysctl; path below /proc/sys. 0 or a negative errno. */
	int (*sysctl)(void *context, const char *path, struct buf *ret);
	void *context;
};

struct explained_detail {
	const char *label; /* "now", "default" */
	char *value;
};

struct explained {
	const char *kind; /* "cause", "drop reason", "TCP state" */
	char *name, *meaning;
	VEC(char *) notes; /* a paragraph each */
	VEC(struct explained_detail) details;
	const char *page; /* a cause's whole text, or NULL */
};

struct explanation {
	VEC(struct explained) things;
};

/* -ENOENT if nothing is known under that name. */
int explain(const char *name, const struct explain_here *here, struct explanation *ret);
/* Names of several words (a command, "slow start") are found by their beginning too. */
int explain_command(const char *words, struct explanation *ret);
void explanation_done(struct explanation *e);

void explanation_text(const struct explanation *e, struct buf *ret);
/* One element of "answers" in schema whydrop.explain/1. */
json_t *explanation_json(const char *name, const struct explanation *e);
/* What is nearest to a name nothing is known under: "one, other", or nothing. */
void explain_near(const char *name, struct buf *ret);
/* What can be explained, one name a line; or for people, by kind. */
void explain_list(struct buf *ret);
void explain_overview(struct buf *ret);

#endif
