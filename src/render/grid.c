// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "render/grid.h"

#include <stdarg.h>
#include <stdio.h>
#include <wchar.h>

#include "render/utf8.h"

#define COLUMNS_MIN 8

void grid_init(struct grid *g, size_t columns)
{
	*g = (struct grid){.columns = MAX(columns, COLUMNS_MIN)};
}

void grid_done(struct grid *g)
{
	vec_done(&g->cells);
	*g = (struct grid){0};
}

void grid_row(struct grid *g)
{
	for (size_t i = 0; i < g->columns; i++)
		vec_push(&g->cells);
	g->rows++;
	g->at = 0;
}

void grid_to(struct grid *g, size_t column)
{
	g->at = MAX(g->at, column);
}

static void put_code(struct grid *g, enum tint tint, uint32_t code)
{
	if (g->at < g->columns)
		g->cells.items[(g->rows - 1) * g->columns + g->at] = (struct cell){code, tint};
	g->at++;
}

/* Of text that is escaped already. */
static void put_text(struct grid *g, enum tint tint, const char *s, size_t n)
{
	while (n) {
		uint32_t code = 0;
		size_t length = utf8_next(s, n, &code);

		put_code(g, tint, length == 1 || wcwidth((wchar_t)code) == 1 ? code : '?');
		s += MAX(length, 1u);
		n -= MAX(length, 1u);
	}
}

void grid_put(struct grid *g, enum tint tint, const char *fmt, ...)
{
	struct buf text = {0};
	va_list args;
	char *raw;
	int n;

	va_start(args, fmt);
	n = vasprintf(&raw, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	utf8_escape(&text, raw, (size_t)n);
	put_text(g, tint, text.data, text.len);
	free(raw);
	buf_done(&text);
}

void grid_right(struct grid *g, size_t width, enum tint tint, const char *text)
{
	size_t n = strlen(text);

	grid_to(g, g->at + (n < width ? width - n : 0));
	grid_put(g, tint, "%s", text);
}

void grid_wrap(struct grid *g, size_t indent, enum tint tint, const char *text)
{
	struct buf word = {0};
	bool first = true;

	for (;;) {
		size_t n, room;

		text += strspn(text, " \n");
		n = strcspn(text, " \n");
		if (!n)
			break;
		buf_clear(&word);
		utf8_escape(&word, text, n);
		n = utf8_columns(word.data, word.len);
		if (!first && g->at + 1 + n > g->columns) {
			grid_row(g);
			grid_to(g, indent);
		} else if (!first) {
			g->at++;
		}
		room = g->columns - MIN(g->at, g->columns);
		put_text(g, tint, word.data, word.len);
		if (n > room && room) {
			g->at = g->columns - 1;
			put_code(g, tint, '~');
		}
		first = false;
		text += strcspn(text, " \n");
	}
	buf_done(&word);
}

const struct cell *grid_cells(const struct grid *g, size_t row)
{
	return &g->cells.items[row * g->columns];
}

static void put_utf8(struct buf *to, uint32_t code)
{
	char s[5];

	if (code < 0x80)
		snprintf(s, sizeof(s), "%c", (char)code);
	else if (code < 0x800)
		snprintf(s, sizeof(s), "%c%c", (char)(0xc0 | code >> 6), (char)(0x80 | (code & 0x3f)));
	else if (code < 0x10000)
		snprintf(s, sizeof(s), "%c%c%c", (char)(0xe0 | code >> 12),
			 (char)(0x80 | (code >> 6 & 0x3f)), (char)(0x80 | (code & 0x3f)));
	else
		snprintf(s, sizeof(s), "%c%c%c%c", (char)(0xf0 | code >> 18),
			 (char)(0x80 | (code >> 12 & 0x3f)), (char)(0x80 | (code >> 6 & 0x3f)),
			 (char)(0x80 | (code & 0x3f)));
	buf_puts(to, s);
}

static void row_text(const struct grid *g, size_t row, const struct text_style *style,
		     struct buf *ret)
{
	const struct cell *cells = grid_cells(g, row);
	struct out out = {.buf = ret, .style = style};
	size_t end = g->columns;

	while (end && (!cells[end - 1].code || cells[end - 1].code == ' '))
		end--;
	for (size_t i = 0; i < end;) {
		struct buf run = {0};
		enum tint tint = cells[i].tint;

		for (; i < end && cells[i].tint == tint; i++)
			put_utf8(&run, cells[i].code ? cells[i].code : ' ');
		out_tinted(&out, tint, "%s", run.data);
		buf_done(&run);
	}
	buf_puts(ret, "\n");
}

void grid_text(const struct grid *g, const struct text_style *style, struct buf *ret)
{
	for (size_t row = 0; row < g->rows; row++)
		row_text(g, row, style, ret);
}
