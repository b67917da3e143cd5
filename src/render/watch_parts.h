/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that draw `whydrop watch` share. */
#ifndef WHYDROP_RENDER_WATCH_PARTS_H
#define WHYDROP_RENDER_WATCH_PARTS_H

#include "render/watch.h"

/* A row of the table: numbers, stage and cause; the rest beside or below. */
void watch_rows(struct grid *g, const char *rate, const char *total, const char *stage,
		const char *cause, const char *where, enum tint tint);
void watch_sentence(struct grid *g, enum tint tint, const char *text);

/* Retransmissions and resets: watch_tcp.c. */
void render_watch_tcp(const struct watch_view *v, struct grid *g);
json_t *render_watch_tcp_json(const struct watch_view *v);

#endif
