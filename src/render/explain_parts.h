/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the explain_*.c files share. */
#ifndef WHYDROP_EXPLAIN_PARTS_H
#define WHYDROP_EXPLAIN_PARTS_H

#include "render/explain.h"

struct explained *explained_new(struct explanation *e, const char *kind, const char *name,
				const char *meaning);
void explained_note(struct explained *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Keeps the value; nothing is told where there is nothing to tell. */
void explained_add(struct explained *t, const char *label, const char *value);
/* The causes whose texts use the word. */
void explained_see(struct explained *t, const char *word);

/* Of a list of causes, blank separated, those that exist. */
void explained_causes(struct explained *t, const char *ids);
/* "one for each device" */
const char *explain_scope(enum scope scope);

/* Behind the last separator. */
const char *name_last_part(const char *name, char separator);
/*
 * "/proc/sys/net/core/somaxconn", "net/core/somaxconn" and "sysctl -w net.core.somaxconn=1", all
 * as "net.core.somaxconn".
 */
void sysctl_form(const char *name, char *to, size_t size);
void explain_sysctl(const char *name, const struct explain_here *here, struct explanation *e);

void explain_counter(const char *name, struct explanation *e);
void explain_nic_counter(const char *name, struct explanation *e);

#endif
