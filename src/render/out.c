// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "render/out.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "render/utf8.h"

struct text_style text_style_of(int fd, enum color_mode mode)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	bool able = isatty(fd) && term && *term && strcmp(term, "dumb");
	struct text_style style = {0};

	style.color =
		mode == COLOR_ALWAYS || (mode == COLOR_AUTO && able && !(no_color && *no_color));
	style.signs = (able || mode == COLOR_ALWAYS) && !strcmp(nl_langinfo(CODESET), "UTF-8");
	return style;
}

static PRINTF_LIKE(2, 0) void vprintf_to(struct buf *b, const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) < 0)
		return;
	buf_puts(b, text);
	free(text);
}

void out_printf(struct out *o, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf_to(o->buf, fmt, args);
	va_end(args);
}

void out_tinted(struct out *o, enum tint tint, const char *fmt, ...)
{
	static const char *const sequences[] = {
		[TINT_BOLD] = "\033[1m",   [TINT_RED] = "\033[1;31m", [TINT_YELLOW] = "\033[33m",
		[TINT_GREEN] = "\033[32m", [TINT_DIM] = "\033[2m",
	};
	bool color = o->style->color && tint != TINT_NONE;
	va_list args;

	if (color)
		buf_puts(o->buf, sequences[tint]);
	va_start(args, fmt);
	vprintf_to(o->buf, fmt, args);
	va_end(args);
	if (color)
		buf_puts(o->buf, "\033[0m");
}

static void spaces(struct buf *b, size_t n)
{
	buf_printf(b, "%*s", (int)n, "");
}

/* A word longer than the line stays whole: a broken path or address cannot be copied. */
void out_wrap(struct out *o, size_t used, size_t indent, const char *text)
{
	struct buf word = {0};
	bool first = true;

	for (;;) {
		size_t n, columns;

		text += strspn(text, " \n");
		n = strcspn(text, " \n");
		if (!n)
			break;
		buf_clear(&word);
		utf8_escape(&word, text, n);
		columns = utf8_columns(word.data, word.len);
		if (!first && used + 1 + columns > OUT_COLUMNS) {
			buf_puts(o->buf, "\n");
			spaces(o->buf, indent);
			used = indent;
		} else if (!first) {
			buf_puts(o->buf, " ");
			used++;
		}
		buf_add(o->buf, word.data, word.len);
		used += columns;
		first = false;
		text += n;
	}
	buf_puts(o->buf, "\n");
	buf_done(&word);
}

void out_labelled(struct out *o, size_t indent, size_t width, const char *label, const char *text)
{
	spaces(o->buf, indent);
	if (*label)
		out_tinted(o, TINT_DIM, "%s", label);
	spaces(o->buf, width > strlen(label) ? width - strlen(label) : 1);
	out_wrap(o, indent + width, indent + width, text);
}

void out_verbatim(struct out *o, size_t indent, const char *text)
{
	spaces(o->buf, indent);
	utf8_escape(o->buf, text, strlen(text));
	buf_puts(o->buf, "\n");
}
