/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A terminal that a grid is put on, redrawn in place, and its keys. There is one at most. */
#ifndef WHYDROP_SCREEN_H
#define WHYDROP_SCREEN_H

#include "render/grid.h"

enum screen_key { KEY_OTHER = -1, KEY_NONE = 0, KEY_SIZE = 0x100, KEY_ROW_UP, KEY_ROW_DOWN };

/* False: standard input and output are no terminal that can be redrawn. */
bool screen_open(bool color);
size_t screen_columns(void);
/* Rows for a grid; the last one of the terminal is the status. */
size_t screen_rows(void);
/* The rows of the grid from `first` on, and the status in as many whole words as there is room for. */
void screen_draw(const struct grid *g, size_t first, const char *status);
/* A letter, or one of the above; KEY_NONE after so many milliseconds, or when a signal came. */
int screen_key(int milliseconds);
void screen_close(void);

#endif
