/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of watch/ share: lines (watch.c), what findings say of them (told.c). */
#ifndef WHYDROP_WATCH_PARTS_H
#define WHYDROP_WATCH_PARTS_H

#include "watch/watch.h"

/* A loss point, and the deepest explanation of it. */
struct told {
	const struct cause_row *at, *cause;
};

/* What the findings say of a row's packets that a cause claimed; false: there is no such cause. */
bool told_by(const struct diagnosis *d, const struct observation *o, const char *claimant,
	     const struct drop *drop, struct told *ret);

/* nft prints a counter with its numbers, which are soon not true any more. To be freed. */
char *rule_without_numbers(const char *rule);
bool same_rule(const struct rule_ref *a, const struct rule_ref *b);
bool same_socket(const struct socket *a, const struct socket *b);
struct watch_line *line_like(struct watch *w, const struct watch_line *like);
void line_add(struct watch *w, struct watch_line *l, uint64_t packets, uint64_t bytes);
/* What this interval says of it. */
void line_explain(const struct watch *w, struct watch_line *l, const struct cause_row *cause);
/* Takes a copy of what was not known before. */
void line_learn(struct watch_line *l, const struct process *owner, const struct rule_ref *rule);

/* Remembers which rules and sockets the findings put lost packets to ... */
void add_credits(struct watch *w, const struct diagnosis *d);
/* Whether a rule has packets left that no line got, and that may be like this row's. */
bool credit_left(const struct watch *w, const struct cause_row *at, const struct drop *d);
/* ... and moves the packets of lines that have none to such. */
void settle(struct watch *w);
void credit_done(struct watch_credit *c);
/* Losses of findings that left no event. */
void add_counted(struct watch *w, const struct diagnosis *d);

#endif
