/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts of render/explain/, put into the program by tools/embed.py. */
#ifndef WHYDROP_EXPLAIN_TEXTS_H
#define WHYDROP_EXPLAIN_TEXTS_H

#include <stddef.h>

struct explain_text {
	const char *id, *text;
};
extern const struct explain_text explain_texts[];
extern const size_t explain_texts_n;

#endif
