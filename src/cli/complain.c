// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>

#include "cli/cmd.h"
#include "render/utf8.h"

void complain(const char *fmt, ...)
{
	cleanup(buf_done) struct buf line = {0};
	char *text = NULL;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	/* Names of devices and files may hold what a terminal obeys. */
	utf8_escape(&line, text, (size_t)n);
	fprintf(stderr, "whydrop: %s\n", line.data ? line.data : "");
	free(text);
}
