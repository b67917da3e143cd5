/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A capture explained: the whole of it, and one connection packet by packet. */
#ifndef WHYDROP_RENDER_CAPTURE_H
#define WHYDROP_RENDER_CAPTURE_H

#include "causes/capture.h"
#include "render/out.h"

struct capture_view {
	const char *name; /* of the file, "standard input" */
	const struct reader_sum *file;
	const struct analysis *a;
	const struct diagnosis *d;
	const char *version, *filter; /* filter NULL: none */
	uint64_t filtered;	      /* packets that it left out */
	const struct diagnosis *host; /* what it has and the capture does not show; NULL: not examined */
	const char *host_what;	      /* "the host meanwhile", or of which recording */
	const char *note;	      /* on how the capture went; NULL */
};

void render_capture_text(const struct capture_view *v, const struct text_style *style, struct buf *ret);
json_t *render_capture_json(const struct capture_view *v); /* whydrop.pcap/1 */

/* One packet of a connection as a line, and what it means where `explain` asks for it. */
void render_capture_packet(const struct flow *f, const struct cap_packet *p, uint32_t notes,
			   bool explain, struct buf *ret);
/* The connection as a whole, a few lines. */
void render_capture_flow(const struct flow *f, const struct text_style *style, struct buf *ret);
/* Of a link type, "IEEE802_11". */
const char *capture_link_name(uint16_t linktype, char *to, size_t size);
/* "sent again: fast"; "" where there is nothing to be said of it. */
void capture_notes(uint32_t notes, struct buf *ret);

#endif
