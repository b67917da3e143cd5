// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The packet path as a picture: the stages in a row, under each what passed per second, and in a
 * third row what was lost there. What does not fit into 80 columns is left out, the least telling
 * stages first; a stage that loses is never left out.
 */
#include <stdio.h>

#include "causes/path_rows.h"
#include "render/fmt.h"
#include "render/text.h"
#include "render/utf8.h"

#define PICTURE_INDENT 5
#define PICTURE_COLUMNS (OUT_COLUMNS - PICTURE_INDENT)

struct cell {
	const char *name;
	char passed[24], lost[32];
	size_t width;
	enum stage stage;
	uint64_t passed_n;
	bool shown, loses;
};

/* The least telling first. STAGE_N stands for the transport protocol that carried less. */
static const enum stage dispensable[] = {STAGE_APP,	  STAGE_OTHER, STAGE_L2,   STAGE_SOCKET,
					 STAGE_N,	  STAGE_RING,  STAGE_TC,   STAGE_NEIGH,
					 STAGE_CONNTRACK, STAGE_N,     STAGE_NAPI, STAGE_NETFILTER,
					 STAGE_IP,	  STAGE_LINK};

static void fill(const struct text *t, const struct observation *o, const struct path_row *row,
		 struct cell *cell)
{
	bool signs = t->out.style->signs;
	const char *quiet = row->examined ? signs ? "\u00b7" : "." : "?";

	memset(cell, 0, sizeof(*cell));
	cell->name = stage_name(row->stage);
	cell->stage = row->stage;
	cell->passed_n = row->passed;
	cell->shown = true;
	cell->loses = row->lost > 0;
	if (row->known)
		snprintf(cell->passed, sizeof(cell->passed), "%.20s/s",
			 fmt_short(per_second(o, row->passed)).s);
	else
		snprintf(cell->passed, sizeof(cell->passed), "%s", quiet);
	if (row->lost)
		snprintf(cell->lost, sizeof(cell->lost), "%s%.20s/s", signs ? "\u2717 " : "lost ",
			 fmt_short(per_second(o, row->lost)).s);
	cell->width = MAX(strlen(cell->name), utf8_columns(cell->passed, strlen(cell->passed)));
	cell->width = MAX(cell->width, utf8_columns(cell->lost, strlen(cell->lost)));
}

static size_t width_of(const struct cell *cells, size_t n)
{
	size_t width = 0;

	for (size_t i = 0; i < n; i++)
		if (cells[i].shown)
			width += cells[i].width + (width ? 3 : 0);
	return width;
}

static enum stage quieter_protocol(const struct cell *cells, size_t n)
{
	const struct cell *least = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct cell *c = &cells[i];

		if ((c->stage == STAGE_TCP || c->stage == STAGE_UDP) && c->shown && !c->loses &&
		    (!least || c->passed_n < least->passed_n))
			least = c;
	}
	return least ? least->stage : STAGE_N;
}

static void hide(struct cell *cells, size_t n, enum stage stage)
{
	for (size_t i = 0; i < n; i++)
		if (!cells[i].loses && cells[i].stage == stage)
			cells[i].shown = false;
}

static void make_fit(struct cell *cells, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(dispensable) && width_of(cells, n) > PICTURE_COLUMNS; i++)
		hide(cells, n,
		     dispensable[i] == STAGE_N ? quieter_protocol(cells, n) : dispensable[i]);
}

static void centred(struct buf *b, const char *text, size_t width)
{
	size_t columns = utf8_columns(text, strlen(text)), left = (width - columns) / 2;

	buf_printf(b, "%*s%s%*s", (int)left, "", text, (int)(width - columns - left), "");
}

static void trim(struct buf *b)
{
	while (b->len && b->data[b->len - 1] == ' ')
		b->data[--b->len] = '\0';
}

enum line { NAMES, PASSED, LOST };

static void line_of(struct text *t, const struct cell *cells, size_t n, enum line which,
		    const char *label)
{
	struct buf line = {0};
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		const struct cell *c = &cells[i];

		if (!c->shown)
			continue;
		if (!first)
			buf_puts(&line, which == NAMES ? " - " : "   ");
		first = false;
		centred(&line,
			which == NAMES	  ? c->name
			: which == PASSED ? c->passed
					  : c->lost,
			c->width);
	}
	trim(&line);
	out_printf(&t->out, " %-4s", label);
	out_tinted(&t->out, which == LOST ? TINT_RED : TINT_NONE, "%s", line.data ? line.data : "");
	buf_puts(t->out.buf, "\n");
	buf_done(&line);
}

/* Returns true if a stage is shown that could not be examined. */
static bool one_way(struct text *t, const struct observation *o, const struct path_rows *p,
		    enum direction direction)
{
	struct cell cells[STAGE_N];
	bool loses = false, unknown = false;
	size_t n = 0;

	vec_each (row, &p->rows)
		if (row->direction == direction && n < STAGE_N)
			fill(t, o, row, &cells[n++]);
	make_fit(cells, n);
	for (size_t i = 0; i < n; i++) {
		loses |= cells[i].loses;
		unknown |= cells[i].shown && cells[i].passed[0] == '?';
	}
	line_of(t, cells, n, NAMES, direction_name(direction));
	line_of(t, cells, n, PASSED, "");
	if (loses)
		line_of(t, cells, n, LOST, "");
	return unknown;
}

void text_picture(struct text *t, const struct observation *o)
{
	struct path_rows p;
	bool unknown;

	path_rows(t->d, o, &p);
	unknown = one_way(t, o, &p, DIR_RX);
	unknown |= one_way(t, o, &p, DIR_TX);
	if (unknown)
		out_tinted(&t->out, TINT_DIM, "     %s no loss   ? not examined\n",
			   t->out.style->signs ? "\u00b7" : ".");
	path_rows_done(&p);
}
