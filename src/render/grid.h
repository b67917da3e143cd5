/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cells of a screen, as many rows as there is to say. Views draw into one; it is printed as text, or
 * put on a terminal by cli/screen.c. Text from outside is escaped, and each character takes one cell:
 * those that would not are shown as '?'.
 */
#ifndef WHYDROP_GRID_H
#define WHYDROP_GRID_H

#include "render/out.h"

struct cell {
	uint32_t code; /* Unicode; 0: nothing was drawn here */
	enum tint tint;
};

struct grid {
	size_t columns, rows;
	VEC(struct cell) cells;
	size_t at; /* column where the next text goes, in the last row */
};

void grid_init(struct grid *g, size_t columns);
void grid_done(struct grid *g);
/* Begins a new row. */
void grid_row(struct grid *g);
/* Moves on to a column of this row, unless it is past it. */
void grid_to(struct grid *g, size_t column);
/* Text at the place reached; what does not fit in the row is cut. */
void grid_put(struct grid *g, enum tint tint, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same, ending where a column of this width that begins here ends. */
void grid_right(struct grid *g, size_t width, enum tint tint, const char *text);
/*
 * A paragraph from here on, folded at blanks; further rows are indented. A word that is longer than
 * a row is cut, and ends in '~'.
 */
void grid_wrap(struct grid *g, size_t indent, enum tint tint, const char *text);

const struct cell *grid_cells(const struct grid *g, size_t row);
/* As lines, without blanks at their ends. */
void grid_text(const struct grid *g, const struct text_style *style, struct buf *ret);

#endif
