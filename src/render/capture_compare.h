/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captures of the same traffic, hop by hop. */
#ifndef WHYDROP_RENDER_CAPTURE_COMPARE_H
#define WHYDROP_RENDER_CAPTURE_COMPARE_H

#include "causes/compare.h"
#include "render/out.h"

struct compare_view {
	const struct hop *hops;
	size_t n;
	const struct diagnosis *d;
	const char *version;
};

void render_compare_text(const struct compare_view *v, const struct text_style *style, struct buf *ret);
json_t *render_compare_json(const struct compare_view *v); /* whydrop.pcap-compare/1 */

#endif
