/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of at most 80 columns in a buffer, with colour where the terminal has it. */
#ifndef WHYDROP_OUT_H
#define WHYDROP_OUT_H

#include "render/render.h"

#define OUT_COLUMNS 80

enum tint { TINT_NONE, TINT_BOLD, TINT_RED, TINT_YELLOW, TINT_GREEN, TINT_DIM };

struct out {
	struct buf *buf;
	const struct text_style *style;
};

/* Text of our own, as it is; the column it ends in is not tracked. */
void out_printf(struct out *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
void out_tinted(struct out *o, enum tint tint, const char *fmt, ...) PRINTF_LIKE(3, 4);
/*
 * A paragraph: text from wherever, control characters escaped, folded at blanks. The current line
 * has `used` columns already; further lines are indented by `indent`. Ends with a newline.
 */
void out_wrap(struct out *o, size_t used, size_t indent, const char *text);
/* "       label   paragraph": the label in its column, the paragraph beside it. */
void out_labelled(struct out *o, size_t indent, size_t width, const char *label, const char *text);
/* A line that must not be folded, such as a command to copy. */
void out_verbatim(struct out *o, size_t indent, const char *text);

#endif
