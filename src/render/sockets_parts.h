/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of what `whydrop sockets` says to people; sockets_text.c puts them in order. */
#ifndef WHYDROP_SOCKETS_PARTS_H
#define WHYDROP_SOCKETS_PARTS_H

#include "render/out.h"
#include "render/sockets.h"

/* "0.0.0.0:443", "10.0.0.1:443 > 10.0.0.2:51234", "@/tmp/x", as it is: not escaped. */
void sockets_place(const struct sockets_row *row, struct buf *to);
/* "nginx (812) and 3 more, nginx.service", or why nobody is named; not escaped. */
void sockets_who(const struct sockets_report *r, const struct sockets_row *row, struct buf *to);
/* Its figures that say why, "1,448 bytes unread, RTO 3,264 ms after 4 timeouts". */
void sockets_figures(const struct sockets_row *row, struct buf *to);
/* One in trouble: what it is, why, and whose. */
void sockets_trouble_text(struct out *o, const struct sockets_report *r,
			  const struct sockets_row *row);
/* A table of those that wait for others. */
void sockets_listeners_text(struct out *o, const struct sockets_report *r);
void sockets_sums_text(struct out *o, const struct sockets_view *v);
void sockets_states_text(struct out *o, const struct sockets_report *r);

#endif
