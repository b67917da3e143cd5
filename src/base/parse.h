/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers and fields out of kernel text, each with an end check. */
#ifndef WHYDROP_PARSE_H
#define WHYDROP_PARSE_H

#include "base/base.h"

/* A piece of text that is not ours and not terminated. */
struct span {
	const char *p;
	size_t n;
};

struct span span_of(const char *s);
bool span_is(struct span s, const char *text);
/* Copies, cut to size and terminated. */
void span_copy(struct span s, char *to, size_t size);

/* Takes the next line off *text (without its newline); false at the end. */
bool next_line(struct span *text, struct span *ret_line);
/* Takes the next field, separated by blanks or tabs; false at the end of the line. */
bool next_field(struct span *line, struct span *ret_field);
/* The same with one separator character of your choice; empty fields are kept. */
bool next_split(struct span *text, char separator, struct span *ret_field);

/* The whole span must be one number, at most max: else -EINVAL or -ERANGE. */
int parse_u64(struct span s, uint64_t max, uint64_t *ret);
int parse_i64(struct span s, int64_t *ret);
int parse_hex64(struct span s, uint64_t max, uint64_t *ret);
/* A decimal with an optional fraction, "0.5"; no sign, no exponent. */
int parse_decimal(const char *s, double min, double max, double *ret);

#endif
