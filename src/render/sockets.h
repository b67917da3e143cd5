/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `whydrop sockets` says: for people, and as JSON, schema whydrop.sockets/1. */
#ifndef WHYDROP_RENDER_SOCKETS_H
#define WHYDROP_RENDER_SOCKETS_H

#include "render/render.h"
#include "sockets/sockets.h"

struct sockets_view {
	const struct sockets_report *r;
	const struct report *run; /* version, host, when */
	bool by_asked;		  /* the sums `by`, in place of the rows */
	bool by_state;
	enum sockets_by by;
	size_t sums_max; /* so many of them are shown */
	bool listeners;	 /* the rows are listeners */
	bool all;	 /* every row was told before, one by one */
	bool filtered;	 /* not all that were read are meant */
};

void render_sockets_text(const struct sockets_view *v, const struct text_style *style,
			 struct buf *ret);
/* One of all, as it comes; `first`: its column heads come before it. */
void render_sockets_row_text(const struct sockets_report *r, const struct sockets_row *row,
			     const struct text_style *style, bool first, struct buf *ret);

json_t *render_sockets_json(const struct sockets_view *v);
json_t *render_sockets_row_json(const struct sockets_report *r, const struct sockets_row *row);

#endif
