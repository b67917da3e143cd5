// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#define NCURSES_WIDECHAR 1
#include <curses.h>
#undef KEY_OTHER

#include "cli/screen.h"

#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "cli/session_parts.h"

static SCREEN *screen;
static struct termios before;

/* From a signal handler, when the program must end at once: leaves the terminal as it was. */
static void abandon(void)
{
	static const char leave[] = "\033[?1049l\033[?25h\033[0m\r\n";

	if (write(STDOUT_FILENO, leave, sizeof(leave) - 1) > 0)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static void choose_colors(void)
{
	static const short colors[] = {
		[TINT_RED] = COLOR_RED, [TINT_YELLOW] = COLOR_YELLOW, [TINT_GREEN] = COLOR_GREEN};

	if (start_color() == ERR || use_default_colors() == ERR)
		return;
	for (short i = 1; i < (short)ARRAY_SIZE(colors); i++)
		if (colors[i])
			init_pair(i, colors[i], -1);
}

bool screen_open(bool color)
{
	const char *term = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !term || strcmp(term, "dumb") == 0 ||
	    tcgetattr(STDIN_FILENO, &before) < 0)
		return false;
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return false;
	set_term(screen);
	session_on_quit(abandon);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	if (color)
		choose_colors();
	return true;
}

void screen_close(void)
{
	session_on_quit(NULL);
	endwin();
	delscreen(screen);
	screen = NULL;
}

size_t screen_columns(void)
{
	return (size_t)MAX(COLS, 1);
}

size_t screen_rows(void)
{
	return (size_t)MAX(LINES - 1, 0);
}

static void draw_row(const struct grid *g, size_t from, int to)
{
	static const attr_t weights[] = {
		[TINT_BOLD] = A_BOLD, [TINT_RED] = A_BOLD, [TINT_GREEN] = A_NORMAL, [TINT_DIM] = A_DIM};
	const struct cell *cells = grid_cells(g, from);

	for (size_t i = 0; i < g->columns && i < screen_columns(); i++) {
		wchar_t text[2] = {cells[i].code ? (wchar_t)cells[i].code : L' ', 0};
		enum tint tint = cells[i].tint;
		cchar_t c;

		setcchar(&c, text, weights[tint], tint >= TINT_RED && tint <= TINT_GREEN ? (short)tint : 0,
			 NULL);
		mvadd_wch(to, (int)i, &c);
	}
}

static void draw_status(const char *status)
{
	size_t at = 0;

	while (*status) {
		size_t n = strcspn(status, " ");

		if (at + n >= screen_columns())
			break;
		mvaddnstr(LINES - 1, (int)at, status, (int)n);
		at += n + 1;
		status += n;
		status += strspn(status, " ");
	}
}

void screen_draw(const struct grid *g, size_t first, const char *status)
{
	erase();
	for (size_t row = 0; row < screen_rows() && first + row < g->rows; row++)
		draw_row(g, first + row, (int)row);
	attrset(A_DIM);
	draw_status(status);
	attrset(A_NORMAL);
	refresh();
}

int screen_key(int milliseconds)
{
	int key;

	timeout(MAX(milliseconds, 0));
	key = getch();
	switch (key) {
	case ERR:
		return KEY_NONE;
	case KEY_RESIZE:
		return KEY_SIZE;
	case KEY_UP:
		return KEY_ROW_UP;
	case KEY_DOWN:
		return KEY_ROW_DOWN;
	default:
		return key > 0 && key < 0x80 ? key : KEY_OTHER;
	}
}
